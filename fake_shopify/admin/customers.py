"""Creating, updating and deleting customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_shopify.admin import metafield_inputs, metafields
from fake_shopify.admin.customer_consent import UPDATE_MUTATIONS, inline_problems, put_inline
from fake_shopify.admin.customer_events import emit_customer, emit_deleted
from fake_shopify.admin.customer_input import put_addresses, read_customer
from fake_shopify.admin.customer_rows import add_customer, change_customer, order_numbers, remove_customer
from fake_shopify.admin.shop import shop
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row


def _nested_ids(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Refuse ids of parts of a new customer; addresses come first and alone (captured: customers-037, 038)."""
    for name, noun in (("addresses", "address"), ("metafields", "metafield")):
        named = [index for index, one in enumerate(given.get(name) or ()) if one.get("id") is not None]
        if named:
            return [user_error([name, str(index), "id"], f"Cannot specify {noun} ID on creation") for index in named]
    return []


@mutation("customerCreate")
def customer_create(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Create a customer.

    Captured: customers-037, 038, 043 to 064, 101 to 104. Assumed: the refusal of an `id`.
    """
    if input.get("id") is not None:
        return _refused([user_error(["id"], "Cannot specify customer ID on creation")])
    read = read_customer(ctx, input, None)
    errors = inline_problems(input, read.values) or _nested_ids(input) or read.user_errors()
    errors = errors or metafield_inputs.errors_of(ctx, "Customer", input.get("metafields"))
    if errors:
        return _refused(errors)
    row = add_customer(ctx.shop, read.values)
    put_inline(ctx, row, input)
    put_addresses(ctx, row, read.addresses or [])
    metafield_inputs.apply(ctx, row["id"], input.get("metafields"))
    emit_customer(ctx, row, "create")
    return {"customer": row, "userErrors": []}


def _refused(errors: list[dict[str, Any]]) -> dict[str, Any]:
    return {"customer": None, "userErrors": errors}


@mutation("customerUpdate")
def customer_update(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Change a customer; consent has mutations of its own.

    Captured: customers-052, 053 (consent), 059 (deleted and merged customers), 101, 105, 130 to 136.
    """
    row = _to_change(ctx, input.get("id"))
    if row is None:
        return _refused([user_error(["id"], "Customer does not exist")])
    consent = [name for name in UPDATE_MUTATIONS if input.get(name) is not None]
    if consent:
        texts = ((name, f"To update {name}, please use the {UPDATE_MUTATIONS[name]} Mutation instead") for name in consent)
        return _refused([user_error([name], text) for name, text in texts])
    read = read_customer(ctx, input, row)
    errors = read.user_errors() or metafield_inputs.errors_of(ctx, "Customer", input.get("metafields"), owner=row["id"])
    if errors:
        return _refused(errors)
    change_customer(ctx.shop, row, read.values)
    if read.addresses is not None:
        put_addresses(ctx, row, read.addresses)
    metafield_inputs.apply(ctx, row["id"], input.get("metafields"))
    emit_customer(ctx, row, "update")
    return {"customer": row, "userErrors": []}


def _to_change(ctx: Context, text: str | None) -> Row | None:
    if text is not None:
        ctx.require_type(text, "Customer")
    return ctx.edit("Customer", text)


@mutation("customerDelete")
def customer_delete(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Delete a customer who has no orders.

    Captured: customers-041 (unknown; the shop is shown nevertheless), BEHAVIOURS 28 (orders).
    """
    row = _to_change(ctx, input["id"])
    payload = {"deletedCustomerId": None, "shop": shop(ctx)}
    if row is None:
        return payload | {"userErrors": [user_error(["id"], "Customer can't be found")]}
    if order_numbers(ctx.shop, row.number):
        text = "Customer can’t be deleted because they have associated orders"
        return payload | {"userErrors": [user_error(["id"], text)]}
    remove_customer(ctx.shop, row)
    metafields.drop_owner(ctx.shop, row["id"])
    emit_deleted(ctx, row)
    return payload | {"deletedCustomerId": row["id"], "userErrors": []}
