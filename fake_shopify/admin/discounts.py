"""Discounts are created and changed here: amount off, buy X get Y, free shipping, each with a code or automatic."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import discount_rows as rows
from fake_shopify.admin.discount_inputs import read
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

Payload = dict[str, Any]
ARGUMENTS = {
    "DiscountCodeBasic": "basicCodeDiscount",
    "DiscountCodeBxgy": "bxgyCodeDiscount",
    "DiscountCodeFreeShipping": "freeShippingCodeDiscount",
    "DiscountAutomaticBasic": "automaticBasicDiscount",
    "DiscountAutomaticBxgy": "automaticBxgyDiscount",
    "DiscountAutomaticFreeShipping": "freeShippingAutomaticDiscount",
}
"""The argument of the mutations of each kind."""


def payload_field(kind: str) -> str:
    """Return the field of the payload that shows a discount of a kind."""
    return "codeDiscountNode" if kind in rows.CODE_KINDS else "automaticDiscountNode"


def announce(ctx: Context, row: Row, event: str) -> None:
    """Note that a discount was created or updated.

    Source: the sample payloads of shopify.dev/docs/api/webhooks (discounts/create, discounts/update; version 2026-04).
    """
    payload = {
        "admin_graphql_api_id": row["id"],
        "title": row["title"],
        "status": rows.status(row, ctx.world.clock.now()),
        "created_at": row["createdAt"],
        "updated_at": row["updatedAt"],
    }
    ctx.shop.emit(f"discounts/{event}", payload)


def announce_code(ctx: Context, row: Row, code: Row, event: str) -> None:
    """Note that a code was `added` or `removed`."""
    redeem = {"id": code["id"], "code": code["code"]}
    ctx.shop.emit(
        f"discounts/redeemcode_{event}",
        {"admin_graphql_api_id": row["id"], "redeem_code": redeem, "updated_at": row["updatedAt"]},
    )


def create(ctx: Context, kind: str, input: dict[str, Any]) -> Payload:
    """Create a discount (captured: discounts-018, 021..024, 036..038, 045, 050..054)."""
    shown, argument = payload_field(kind), ARGUMENTS[kind]
    fields, errors = read(ctx, kind, argument, input, rows.defaults(), None)
    if errors:
        return {shown: None, "userErrors": errors}
    return {shown: keep(ctx, kind, fields, input.get("code")), "userErrors": []}


def keep(ctx: Context, kind: str, fields: dict[str, Any], code: str | None) -> Row:
    """Make the row of a new discount and tell of it."""
    now = ctx.now()
    row = rows.new_discount(ctx.shop, kind, code=code, **(fields | {"createdAt": now, "updatedAt": now}))
    announce(ctx, row, "create")
    for redeem in rows.codes_of(ctx.shop, row):
        announce_code(ctx, row, redeem, "added")
    return row


def update(ctx: Context, kind: str, id: str, input: dict[str, Any]) -> Payload:
    """Change a discount (captured: discounts-018, 021, 037, 038, 042, 050, 053).

    Assumed: a discount of another kind is not found either.
    """
    shown, argument, holder = payload_field(kind), ARGUMENTS[kind], rows.node_type(kind)
    ctx.require_type(id, holder)
    row = ctx.find(holder, id)
    if row is None or row["_kind"] != kind:
        return {shown: None, "userErrors": [user_error(["id"], "Discount does not exist", "INVALID")]}
    fields, errors = read(ctx, kind, argument, input, row, row)
    if errors:
        return {shown: None, "userErrors": errors}
    return {shown: change(ctx, row, fields, input.get("code")), "userErrors": []}


def change(ctx: Context, row: Row, fields: dict[str, Any], code: str | None) -> Row:
    """Write new values into a discount and tell of it."""
    kept = ctx.table(row["__typename"]).edit(row.number)
    assert kept is not None
    kept.update(fields, updatedAt=ctx.now())
    if code is not None:
        rows.set_code(ctx.shop, kept, code)
    announce(ctx, kept, "update")
    return kept


def _register(kind: str, argument: str) -> None:
    def creator(ctx: Context, **arguments: Any) -> Payload:
        return create(ctx, kind, arguments[argument])

    def updater(ctx: Context, id: str, **arguments: Any) -> Payload:
        return update(ctx, kind, id, arguments[argument])

    name = kind[0].lower() + kind[1:]
    mutation(f"{name}Create")(creator)
    mutation(f"{name}Update")(updater)


for _kind, _argument in ARGUMENTS.items():
    _register(_kind, _argument)
