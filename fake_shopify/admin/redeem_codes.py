"""Redeem codes in bulk: up to 250 more codes for a discount, and codes taken away again.

Source: mutations/discountRedeemCodeBulkAdd, discountCodeRedeemCodeBulkDelete, objects/DiscountRedeemCodeBulkCreation (read
2026-11). Assumed: the words for an unknown discount, and that the first answer counts nothing yet while everything is done by the
next request, as with other jobs.
"""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import discount_rows as rows
from fake_shopify.admin.discount_fields import CODE_FIELDS
from fake_shopify.admin.discount_rules import code_problems
from fake_shopify.admin.discounts import announce_code
from fake_shopify.admin.jobs import new_job
from fake_shopify.admin.saved_searches import with_saved
from fake_shopify.context import Context, split_gid
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, page
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row
from fake_shopify.search import prepare
from fake_shopify.world import gid

Payload = dict[str, Any]
CREATION = "DiscountRedeemCodeBulkCreation"
MISSING = "Code discount does not exist."
ONE_CHOICE = "Only one of 'ids', 'search' or 'saved_search_id' is allowed."


def _discount(ctx: Context, id: str) -> Row | None:
    ctx.require_type(id, "DiscountCodeNode")
    return ctx.edit("DiscountCodeNode", id)


@mutation("discountRedeemCodeBulkAdd")
def bulk_add(ctx: Context, discountId: str, codes: list[dict[str, Any]]) -> Payload:
    """Add codes to a discount; the ones that cannot be used are named in the creation, not in `userErrors`."""
    row = _discount(ctx, discountId)
    if row is None:
        return {"bulkCreation": None, "userErrors": [user_error(["discountId"], MISSING, "INVALID")]}
    if not codes:
        return {"bulkCreation": None, "userErrors": [user_error(["codes"], "Codes can't be blank", "BLANK")]}
    creation = ctx.shop.new_row(CREATION, createdAt=ctx.now(), _discount_id=row.number, _codes=[])
    for place, entry in enumerate(codes):
        creation["_codes"].append(_add(ctx, row, place, entry["code"]))
    begun = {"done": False, "codesCount": len(codes), "importedCount": 0, "failedCount": 0}
    return {"bulkCreation": Row(creation, _begun=begun), "userErrors": []}


def _add(ctx: Context, row: Row, place: int, code: str) -> Row:
    errors = code_problems(code, ["code"])
    if rows.find_code(ctx.shop, code) is not None:
        errors.append(user_error(["code"], "Code must be unique. Please try a different code.", "TAKEN"))
    redeem = None if errors else rows.add_code(ctx.shop, row, code)
    if redeem is not None:
        announce_code(ctx, row, redeem, "added")
    return Row(
        __typename="DiscountRedeemCodeBulkCreationCode",
        _id=place + 1,
        code=code,
        errors=errors,
        _redeem_id=redeem.number if redeem is not None else None,
    )


@field("DiscountRedeemCodeBulkCreationCode", "discountRedeemCode")
def _redeem_code(row: Row, ctx: Context) -> Row | None:
    return ctx.table("DiscountRedeemCode").get(row["_redeem_id"] or 0)


@query("discountRedeemCodeBulkCreation")
def bulk_creation(ctx: Context, id: str) -> Row | None:
    """Answer a bulk creation by id."""
    ctx.require_type(id, CREATION)
    return ctx.find(CREATION, id)


def _count(name: str, failed: bool | None) -> Any:
    def answer(row: Row, ctx: Context) -> int:
        if "_begun" in row:
            return int(row["_begun"][name])
        return sum(1 for code in row["_codes"] if failed is None or bool(code["errors"]) is failed)

    return answer


for _name, _failed in (("codesCount", None), ("importedCount", False), ("failedCount", True)):
    field(CREATION, _name)(_count(_name, _failed))


@field(CREATION, "done")
def _done(row: Row, ctx: Context) -> bool:
    return "_begun" not in row


@field(CREATION, "codes")
def _codes(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page(row["_codes"], arguments)


@field(CREATION, "discountCode")
def _discount_code(row: Row, ctx: Context) -> Row | None:
    return ctx.find("DiscountCodeNode", gid("DiscountCodeNode", row["_discount_id"]))


@mutation("discountCodeRedeemCodeBulkDelete")
def bulk_delete(ctx: Context, discountId: str, **arguments: Any) -> Payload:
    """Take codes away from a discount, chosen by ids or by a search."""
    row = _discount(ctx, discountId)
    if row is None:
        return {"job": None, "userErrors": [user_error(["discountId"], MISSING, "INVALID")]}
    given = {name: value for name, value in arguments.items() if value is not None}
    if len(given) > 1:
        return {"job": None, "userErrors": [user_error(None, ONE_CHOICE, "TOO_MANY_ARGUMENTS")]}
    for code in _chosen(ctx, row, given) if given else ():
        announce_code(ctx, row, code, "removed")
        rows.remove_code(ctx.shop, row, code.number)
    return {"job": new_job(ctx), "userErrors": []}


def _chosen(ctx: Context, row: Row, given: dict[str, Any]) -> list[Row]:
    own = rows.codes_of(ctx.shop, row)
    if "ids" in given:
        wanted = {split_gid(one)[1] for one in given["ids"] if split_gid(one)[0] == "DiscountRedeemCode"}
        return [code for code in own if str(code.number) in wanted]
    text = with_saved(ctx, given | {"query": given.get("search")}).get("query")
    search = prepare(text, CODE_FIELDS)
    return [code for code in own if search.matches(code)]
