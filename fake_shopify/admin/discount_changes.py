"""Discounts are switched on and off and deleted here, one at a time."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import discount_rows as rows
from fake_shopify.admin.discounts import announce, announce_code
from fake_shopify.admin.metafields import drop_owner
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

Payload = dict[str, Any]
MISSING = {"DiscountCodeNode": "Code discount does not exist.", "DiscountAutomaticNode": "Automatic discount does not exist."}
"""Source: the second is quoted by public clients of the API (read 2026-11). Assumed: the first after it, and the code."""
SHOWN = {"DiscountCodeNode": "codeDiscountNode", "DiscountAutomaticNode": "automaticDiscountNode"}


def activate(ctx: Context, row: Row) -> Row:
    """Make a discount active now: it loses its end, and starts now if it lay ahead.

    Captured: discounts-018 (an expired one keeps its start). Source: mutations/discountCodeActivate (read 2026-11). Assumed: one
    that is active stays as it is.
    """
    return _switched(ctx, row, {"EXPIRED": {"endsAt": None}, "SCHEDULED": {"startsAt": ctx.now()}})


def deactivate(ctx: Context, row: Row) -> Row:
    """End a discount now (captured: discounts-018). Assumed: one that lay ahead also starts now, an expired one stays as it is."""
    return _switched(ctx, row, {"ACTIVE": {"endsAt": ctx.now()}, "SCHEDULED": {"startsAt": ctx.now(), "endsAt": ctx.now()}})


def _switched(ctx: Context, row: Row, changes: dict[str, dict[str, Any]]) -> Row:
    values = changes.get(rows.status(row, ctx.world.clock.now()))
    if values is None:
        return row
    kept = ctx.table(row["__typename"]).edit(row.number)
    assert kept is not None
    kept.update(values, updatedAt=ctx.now())
    announce(ctx, kept, "update")
    return kept


def delete(ctx: Context, row: Row) -> None:
    """Delete a discount with its codes and metafields.

    Source: the sample payloads of shopify.dev/docs/api/webhooks (discounts/delete; version 2026-04).
    """
    for code in rows.codes_of(ctx.shop, row):
        announce_code(ctx, row, code, "removed")
    rows.remove(ctx.shop, row)
    drop_owner(ctx.shop, row["id"])
    ctx.shop.emit("discounts/delete", {"admin_graphql_api_id": row["id"], "deleted_at": ctx.now()})


def _missing(holder: str) -> list[dict[str, Any]]:
    return [user_error(["id"], MISSING[holder], "INVALID")]


def _register(holder: str, stem: str) -> None:
    deleted = "deletedCodeDiscountId" if holder == "DiscountCodeNode" else "deletedAutomaticDiscountId"

    def switch(verb: Any) -> Any:
        def call(ctx: Context, id: str) -> Payload:
            ctx.require_type(id, holder)
            row = ctx.find(holder, id)
            if row is None:
                return {SHOWN[holder]: None, "userErrors": _missing(holder)}
            return {SHOWN[holder]: verb(ctx, row), "userErrors": []}

        return call

    def delete_one(ctx: Context, id: str) -> Payload:
        ctx.require_type(id, holder)
        row = ctx.find(holder, id)
        if row is None:
            return {deleted: None, "userErrors": _missing(holder)}
        delete(ctx, row)
        return {deleted: id, "userErrors": []}

    mutation(f"{stem}Activate")(switch(activate))
    mutation(f"{stem}Deactivate")(switch(deactivate))
    mutation(f"{stem}Delete")(delete_one)


_register("DiscountCodeNode", "discountCode")
_register("DiscountAutomaticNode", "discountAutomatic")
