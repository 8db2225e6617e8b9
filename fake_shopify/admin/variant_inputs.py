"""Variants as inputs describe them: checks in Shopify's words and order, and how an input gets into the rows.

The bulk mutations and productSet share the rules; `Dialect` holds what differs between them: codes, and where an error points to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fake_shopify.admin import inventory_levels, metafield_inputs, product_media
from fake_shopify.admin.inventory_items import apply_input, input_errors
from fake_shopify.admin.product_rows import edit_item
from fake_shopify.admin.stock import announce
from fake_shopify.admin.variant_options import Refusal
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.money import amount, scalar
from fake_shopify.rows import Row

Input = dict[str, Any]
Errors = list[dict[str, Any]]

TOO_MUCH = Decimal("1000000000000000000")
MAX_TEXT = 255
MAX_QUANTITIES = 50_000


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the mutations: the beginning of an error's field, the codes of rules, the code of any other rule."""

    prefix: tuple[str, ...]
    codes: Mapping[str, str]
    other: str = "INVALID_INPUT"
    cost_twice: bool = True

    def error(self, index: int, refusal: Refusal) -> dict[str, Any]:
        """Build the error about the variant at `index`."""
        return user_error([*self.prefix, index, *refusal.rest], refusal.message, self.codes.get(refusal.rule, self.other))


BULK_CREATE = Dialect(
    ("variants",),
    {
        "at_least": "GREATER_THAN_OR_EQUAL_TO",
        "missing_options": "NEED_TO_ADD_OPTION_VALUES",
        "exists": "VARIANT_ALREADY_EXISTS_CHANGE_OPTION_VALUE",
        "location": "TRACKED_VARIANT_LOCATION_NOT_FOUND",
        "quantities": "INVENTORY_QUANTITIES_LIMIT_EXCEEDED",
    },
)
BULK_UPDATE = Dialect(
    ("variants",),
    {
        "at_least": "GREATER_THAN_OR_EQUAL_TO",
        "too_long": "TOO_LONG",
        "unknown_option": "OPTION_DOES_NOT_EXIST",
        "unknown_value": "OPTION_VALUE_DOES_NOT_EXIST",
        "long_value": "OPTION_VALUE_NAME_TOO_LONG",
        "one_of_pair": "MUST_SPECIFY_ONE_OF_PAIR",
        "both": "CANNOT_SPECIFY_BOTH",
        "exists": "VARIANT_ALREADY_EXISTS",
        "no_id": "PRODUCT_VARIANT_ID_MISSING",
        "unknown": "PRODUCT_VARIANT_DOES_NOT_EXIST",
        "stocked": "NO_INVENTORY_QUANTITIES_ON_VARIANTS_UPDATE",
    },
)
PRODUCT_SET = Dialect(
    ("input", "variants"),
    {
        "unknown_option": "OPTION_DOES_NOT_EXIST",
        "unknown_value": "OPTION_VALUE_DOES_NOT_EXIST",
        "unknown": "PRODUCT_VARIANT_DOES_NOT_EXIST",
        "quantities": "INVENTORY_QUANTITIES_LIMIT_EXCEEDED",
    },
    other="INVALID_VARIANT",
    cost_twice=False,
)


# Checks


def scalar_errors(ctx: Context, dialect: Dialect, index: int, given: Input, owner: str | None = None) -> Errors:
    """Check the values of one variant that stand for themselves, sorted by field and code.

    Captured: variants-009 (prices, order), variants-025 (cost: a second error without code on the variant), products-080. Assumed:
    limits of texts.
    """
    errors = [dialect.error(index, refusal) for refusal in _price_refusals(given)]
    errors += [dialect.error(index, refusal) for refusal in _text_refusals(given)]
    for problem in input_errors(item_input(given), ()):
        errors.append(_item_error(dialect, index, problem))
        if dialect.cost_twice and problem["field"] == ["cost"]:
            plain = str(problem["message"]).removeprefix("Cost per item ")
            errors.append(user_error([*dialect.prefix, index], plain))
    errors += metafield_inputs.errors_of(
        ctx, "ProductVariant", given.get("metafields"), prefix=(*dialect.prefix, index), owner=owner
    )
    return in_order(errors)


def in_order(errors: Errors) -> Errors:
    """Sort errors as the bulk mutations do: by field, then by code (captured: BEHAVIOURS 24)."""
    return sorted(errors, key=lambda error: ([_sortable(part) for part in error["field"]], error["code"] or ""))


def _sortable(part: str) -> tuple[int, str]:
    return (int(part), "") if part.isdigit() else (0, part)


def _price_refusals(given: Input) -> list[Refusal]:
    found = []
    for name, label in (("price", "Price "), ("compareAtPrice", "")):
        if given.get(name) is None:
            continue
        if amount(given[name]) < 0:
            found.append(Refusal("at_least", (name,), f"{label}must be greater than or equal to 0"))
        elif amount(given[name]) >= TOO_MUCH:
            found.append(Refusal("less_than", (name,), f"{label}must be less than {TOO_MUCH}"))
    return found


def _text_refusals(given: Input) -> list[Refusal]:
    found = []
    for name, label in (("barcode", "Barcode"), ("sku", "SKU"), ("taxCode", "Tax code")):
        if len(given.get(name) or "") > MAX_TEXT:
            found.append(Refusal("too_long", (name,), f"{label} is too long (maximum is {MAX_TEXT} characters)"))
    return found


def _item_error(dialect: Dialect, index: int, problem: dict[str, Any]) -> dict[str, Any]:
    message = str(problem["message"])
    rule = "at_least" if "greater than or equal" in message else "too_long" if "too long" in message else "other"
    return dialect.error(index, Refusal(rule, ("inventoryItem", *problem["field"]), message))


def item_input(given: Input) -> Input:
    """Return the `inventoryItem` of an input; dots and blanks in customs codes are dropped (captured: variants-022)."""
    item = dict(given.get("inventoryItem") or {})
    if item.get("harmonizedSystemCode"):
        item["harmonizedSystemCode"] = re.sub(r"[.\s]", "", item["harmonizedSystemCode"])
    if "sku" in given:
        item["sku"] = given["sku"]
    return item


def quantity_refusals(ctx: Context, given: Input, title: str) -> list[Refusal]:
    """Check that the locations of initial quantities exist (captured: variants-025)."""
    entries = given.get("inventoryQuantities") or ()
    if any(ctx.find("Location", entry["locationId"]) is None for entry in entries):
        text = f"Quantity for {title} couldn't be set because the location was deleted."
        return [Refusal("location", ("inventoryQuantities",), text)]
    return []


# Writing


SIMPLE = ("inventoryPolicy", "taxable", "requiresComponents", "showUnitPrice")


def apply(
    ctx: Context, product: Row, row: Row, given: Input, sources: Mapping[str, int] | None = None, *, is_new: bool = False
) -> None:
    """Write the checked fields of an input into a variant and its inventory item; option values are left to the caller.

    `sources` maps the addresses of media that came with the mutation to their numbers, for `mediaSrc`.
    """
    for name in SIMPLE:
        if given.get(name) is not None:
            row[name] = given[name]
    if given.get("price") is not None:
        row["price"] = scalar(given["price"])
    if "compareAtPrice" in given:
        row["compareAtPrice"] = None if given["compareAtPrice"] is None else scalar(given["compareAtPrice"])
    if "barcode" in given:
        row["barcode"] = given["barcode"] or None
    if "taxCode" in given:
        row["taxCode"] = given["taxCode"] or ""
    if "unitPriceMeasurement" in given:
        row["_unit_price_measurement"] = given["unitPriceMeasurement"]
    item = item_input(given)
    if item:
        kept = edit_item(ctx.shop, row)
        apply_input(kept, item, ctx.now())
        if not is_new:
            ctx.shop.emit("inventory_items/update", {"id": kept.number, "admin_graphql_api_id": kept["id"]})
    _apply_media(product, row, given, sources or {})
    metafield_inputs.apply(ctx, row["id"], given.get("metafields"))
    row["updatedAt"] = ctx.now()


def _apply_media(product: Row, row: Row, given: Input, sources: Mapping[str, int]) -> None:
    if given.get("mediaId"):
        row["_media_id"] = product_media.number_in(given["mediaId"], product)
    for address in given.get("mediaSrc") or ():
        row["_media_id"] = sources.get(address, row["_media_id"])


def adjust(ctx: Context, row: Row, entries: list[Input] | None) -> None:
    """Change what is available by `quantityAdjustments`."""
    for entry in entries or ():
        location = ctx.find("Location", entry["locationId"])
        if location is not None:
            delta = int(entry.get("adjustment") or 0)
            item = edit_item(ctx.shop, row)
            inventory_levels.adjust_quantity(item, location.number, "available", delta, ctx.now())
            announce(ctx.shop, item, location.number)


def stock(ctx: Context, row: Row, entries: list[Input]) -> None:
    """Set quantities at locations: entries of `inventoryQuantities` in either of its two shapes."""
    item = edit_item(ctx.shop, row)
    for entry in entries:
        location = ctx.find("Location", entry["locationId"])
        if location is not None:
            count = entry.get("availableQuantity", entry.get("quantity"))
            is_new = location.number not in inventory_levels.active_levels(item)
            inventory_levels.set_quantity(item, location.number, entry.get("name", "available"), int(count or 0), ctx.now())
            announce(ctx.shop, item, location.number, "inventory_levels/connect" if is_new else "inventory_levels/update")
