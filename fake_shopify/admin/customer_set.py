"""`customerSet`: create a customer, or change the one that an identifier names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fake_shopify.admin import metafields
from fake_shopify.admin.contact_details import clean_email, clean_phone
from fake_shopify.admin.customer_events import emit_customer
from fake_shopify.admin.customer_input import put_addresses, read_customer
from fake_shopify.admin.customer_rows import add_customer, change_customer, find_by_email, find_by_phone
from fake_shopify.admin.customer_search import by_custom_id
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

ID_NOT_ALLOWED = "The id field is not allowed if identifier is provided."
NOT_FOUND = "Resource matching the identifier was not found."
MISSING = "The input field corresponding to the identifier is required."
MISMATCH = "The identifier value does not match the value of the corresponding field in the input."


@dataclass(frozen=True, slots=True)
class Target:
    """Whom an identifier means: a customer, nobody yet, or an error."""

    row: Row | None = None
    error: dict[str, Any] | None = None


def _wrong(message: str, code: str) -> Target:
    return Target(error=user_error(["input"], message, code))


def _target(ctx: Context, identifier: Mapping[str, Any] | None, given: Mapping[str, Any]) -> Target:
    """Find whom to change (captured: customers-090 to 098; the order of the checks is customers-098's)."""
    if identifier is None:
        return _by_id(ctx, given["id"]) if given.get("id") is not None else Target()
    if given.get("id") is not None:
        return _wrong(ID_NOT_ALLOWED, "ID_NOT_ALLOWED")
    name, value = next(iter(identifier.items()))
    if name == "id":
        return _by_id(ctx, value)
    if name == "customId":
        return Target(by_custom_id(ctx, value))
    return _by_contact(ctx, name, value, given)


def _by_id(ctx: Context, text: str) -> Target:
    ctx.require_type(text, "Customer")
    row = ctx.find("Customer", text)
    return Target(row) if row is not None else _wrong(NOT_FOUND, "NOT_FOUND")


def _by_contact(ctx: Context, name: str, value: str, given: Mapping[str, Any]) -> Target:
    country = ctx.shop.settings["country"]
    sent = given.get(name)
    wanted, named = (
        (clean_email(value), clean_email(sent)) if name == "email" else (clean_phone(value, country), clean_phone(sent, country))
    )
    if named is None:
        return _wrong(MISSING, "MISSING_FIELD_REQUIRED")
    if named.lower() != (wanted or "").lower():
        return _wrong(MISMATCH, "INPUT_MISMATCH")
    return Target(find_by_email(ctx.shop, wanted) if name == "email" else find_by_phone(ctx.shop, wanted))


@mutation("customerSet")
def customer_set(ctx: Context, input: dict[str, Any], identifier: dict[str, Any] | None = None) -> dict[str, Any]:
    """Create or change a customer.

    Captured: customers-043, 049, 050, 088, 090 to 099, 101, 116.
    """
    target = _target(ctx, identifier, input)
    if target.error is not None:
        return {"customer": None, "userErrors": [target.error]}
    read = read_customer(ctx, input, target.row)
    if read.problems:
        return {"customer": None, "userErrors": read.user_errors("input")}
    row = target.row
    if row is None:
        row = add_customer(ctx.shop, read.values)
    else:
        row = ctx.edit("Customer", row["id"]) or row
        change_customer(ctx.shop, row, read.values)
    if read.addresses is not None:
        put_addresses(ctx, row, read.addresses)
    _put_custom_id(ctx, row, identifier)
    emit_customer(ctx, row, "create" if target.row is None else "update")
    return {"customer": row, "userErrors": []}


def _put_custom_id(ctx: Context, row: Row, identifier: Mapping[str, Any] | None) -> None:
    """Keep the custom id of a new customer as its metafield (captured: customers-088)."""
    custom = (identifier or {}).get("customId")
    if custom is not None:
        namespace = metafields.full_namespace(ctx, custom.get("namespace"))
        metafields.put(ctx.shop, row["id"], namespace, custom["key"], "id", custom["value"])
