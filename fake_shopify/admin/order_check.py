"""What `orderCreate` refuses, in the order in which Shopify says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fake_shopify.admin import inventory_levels, metafield_inputs, product_rows
from fake_shopify.admin.contact_details import EMAIL, TEXT_LIMIT, blank_to_none, clean_email
from fake_shopify.admin.mailing_addresses import read_address
from fake_shopify.admin.order_customers import check_customer
from fake_shopify.clock import parse_iso
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.rows import Row

Errors = list[dict[str, Any]]
NOTE_LIMIT = 5000
CLAMPS_FUTURE_FROM = "2026-07"


def check_order(ctx: Context, given: Mapping[str, Any], behaviour: str) -> Errors:
    """Return what is wrong with an order that shall be created."""
    lines = given.get("lineItems") or []
    return (
        check_customer(ctx, given)
        or _check_lines(ctx, lines)
        or _check_tax_lines(given)
        or _check_contacts(given)
        or _check_time(ctx, given.get("processedAt"))
        or _check_metafields(ctx, given)
        or _check_stock(ctx, lines, behaviour)
    )


def _check_metafields(ctx: Context, given: Mapping[str, Any]) -> Errors:
    """Check the metafields; this mutation's codes know nothing more precise than INVALID."""
    wrong = metafield_inputs.errors_of(ctx, "Order", given.get("metafields"), prefix=["order"])
    return [error | {"code": "INVALID"} for error in wrong]


def variant_of(ctx: Context, line: Mapping[str, Any]) -> Row | None:
    """Return the variant that a line names, if it exists."""
    return ctx.find("ProductVariant", line.get("variantId"))


def _check_lines(ctx: Context, lines: Iterable[Mapping[str, Any]]) -> Errors:
    """Check the lines.

    Captured: a line without a title whose variant does not exist gives one error on the order and two on the lines (orders-001,
    BEHAVIOURS 30). Assumed: an empty list, quantities below one and missing prices follow the same pattern.
    """
    lines = list(lines)
    if not lines:
        return [user_error(["order", "lineItems"], "Line items must have at least one line item", "INVALID")]
    messages: dict[str, None] = {}
    for line in lines:
        messages.update(dict.fromkeys(_line_messages(ctx, line)))
    if not messages:
        return []
    head = user_error(["order"], "Order Line items is invalid", "INVALID")
    return [head, *(user_error(["order", "lineItems"], f"Line items {text}", "INVALID") for text in messages)]


def _line_messages(ctx: Context, line: Mapping[str, Any]) -> list[str]:
    variant, messages = variant_of(ctx, line), []
    if blank_to_none(line.get("title")) is None and variant is None and ctx.find("Product", line.get("productId")) is None:
        messages += ["Name can't be blank", "Title can't be blank"]
    if line["quantity"] < 1:
        messages.append("Quantity must be greater than 0")
    if line.get("priceSet") is None and variant is None and not messages:
        messages.append("Price can't be blank")
    return messages


def _check_tax_lines(given: Mapping[str, Any]) -> Errors:
    """Check that taxes stand on the order or on lines.

    Source: OrderCreateOrderInput taxLines (read 2026-11); the words are REST's, as users report them.
    """
    if given.get("taxLines") and any(line.get("taxLines") for line in given.get("lineItems") or ()):
        text = "Order Tax lines must be associated with either order or line item but not both"
        return [user_error(["order"], text, "INVALID")]
    return []


def email_messages(text: str | None) -> list[str]:
    """Say what is wrong with an order's e-mail address.

    Captured: a local part of more than 64 characters is taken, unlike a customer's (fulfillments-004).
    """
    email = clean_email(text)
    if email is None:
        return []
    if len(email) > TEXT_LIMIT:
        return [f"Email is too long (maximum is {TEXT_LIMIT} characters)"]
    return [] if EMAIL.fullmatch(email) else ["Email is invalid"]


def _check_contacts(given: Mapping[str, Any]) -> Errors:
    """Check e-mail address, note and addresses (assumed wordings, after customers and Shopify's usual validations)."""
    errors = [user_error(["order", "email"], text, "INVALID") for text in email_messages(given.get("email"))]
    if len(given.get("note") or "") > NOTE_LIMIT:
        text = f"Note is too long (maximum is {NOTE_LIMIT} characters)"
        errors.append(user_error(["order", "note"], text, "INVALID"))
    for name in ("shippingAddress", "billingAddress"):
        found = read_address(given[name]).errors if given.get(name) else []
        errors += [user_error(["order", name, part], text, "INVALID") for part, text in found]
    return errors


def _check_time(ctx: Context, processed_at: str | None) -> Errors:
    """Check `processedAt`: the future is refused before 2026-07 and becomes the present from then on.

    Source: OrderCreateOrderInput processedAt (read 2026-11); the wording is assumed.
    """
    if processed_at is None or ctx.version >= CLAMPS_FUTURE_FROM or parse_iso(processed_at) <= ctx.world.clock.now():
        return []
    return [user_error(["order", "processedAt"], "Processed at must not be in the future", "PROCESSED_AT_INVALID")]


def _check_stock(ctx: Context, lines: Iterable[Mapping[str, Any]], behaviour: str) -> Errors:
    """Check that there is stock where the order must obey inventory policies (assumed wording)."""
    if behaviour != "DECREMENT_OBEYING_POLICY":
        return []
    for line in lines:
        variant = variant_of(ctx, line)
        if variant is not None and not _has_stock(ctx, variant, line["quantity"]):
            return [user_error(["order", "lineItems"], "Unable to reserve inventory", "INVENTORY_CLAIM_FAILED")]
    return []


def _has_stock(ctx: Context, variant: Row, quantity: int) -> bool:
    item = product_rows.item_of(ctx.shop, variant)
    return not item["tracked"] or variant["inventoryPolicy"] == "CONTINUE" or inventory_levels.total(item) >= quantity
