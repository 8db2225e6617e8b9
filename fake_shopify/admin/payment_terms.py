"""Payment terms of orders and draft orders: the templates, and creating, changing and deleting terms with their one schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.draft_order_rows import total as draft_total
from fake_shopify.clock import iso, parse_iso
from fake_shopify.context import Context, split_gid
from fake_shopify.failures import invalid_id, user_error
from fake_shopify.money import money
from fake_shopify.paging import Connection, page_of_list
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row, Table

TEMPLATES = (
    (1, "Due on receipt", "RECEIPT", None),
    (2, "Net 7", "NET", 7),
    (3, "Net 15", "NET", 15),
    (4, "Net 30", "NET", 30),
    (8, "Net 45", "NET", 45),
    (5, "Net 60", "NET", 60),
    (6, "Net 90", "NET", 90),
    (7, "Fixed", "FIXED", None),
    (9, "Due on fulfillment", "FULFILLMENT", None),
)
"""The templates of every shop: number, name, type, days. Captured: 2, 7 and 9 (orders-039 … 041); the others are assumed."""

FAILED = {
    "create": "PAYMENT_TERMS_CREATION_UNSUCCESSFUL",
    "update": "PAYMENT_TERMS_UPDATE_UNSUCCESSFUL",
    "delete": "PAYMENT_TERMS_DELETE_UNSUCCESSFUL",
}


def _template_row(number: int, name: str, kind: str, days: int | None) -> Row:
    return Row(
        __typename="PaymentTermsTemplate",
        _id=number,
        id=f"gid://shopify/PaymentTermsTemplate/{number}",
        name=name,
        translatedName=name,
        description=name,
        paymentTermsType=kind,
        dueInDays=days,
    )


def template(id: str | None) -> Row | None:
    """Return a template by GID."""
    kind, number = split_gid(id or "")
    rows = [_template_row(*values) for values in TEMPLATES]
    return next((row for row in rows if kind == "PaymentTermsTemplate" and str(row.number) == number), None)


@query("paymentTermsTemplates")
def payment_terms_templates(ctx: Context, paymentTermsType: str | None = None) -> list[Row]:
    """List the templates, all or those of one type."""
    rows = [_template_row(*values) for values in TEMPLATES]
    return [row for row in rows if paymentTermsType in (None, row["paymentTermsType"])]


def build_terms(ctx: Context, owner: Row, given: dict[str, Any], kept: Row | None = None) -> Row:
    """Make (or change) the terms of an order or draft order from checked input.

    Captured: the terms take name, type and days from the template; those due on fulfillment have no schedule yet (orders-041).
    Source: PaymentScheduleInput (dueAt for fixed, issuedAt for net terms; read 2026-11).
    """
    chosen = template(given.get("paymentTermsTemplateId")) or (kept["_template"] if kept is not None else None)
    assert chosen is not None
    values = {
        "_owner": owner,
        "_template": chosen,
        "paymentTermsName": chosen["name"],
        "translatedName": chosen["name"],
        "paymentTermsType": chosen["paymentTermsType"],
        "dueInDays": chosen["dueInDays"],
    }
    row = ctx.shop.new_row("PaymentTerms", _schedules=[], **values) if kept is None else kept
    row.update(values)
    schedules = given.get("paymentSchedules")
    if kept is None or schedules is not None or given.get("paymentTermsTemplateId"):
        row["_schedules"] = [_schedule(ctx, row, (schedules or [{}])[0])] if chosen["paymentTermsType"] != "FULFILLMENT" else []
    owner["_payment_terms_id"] = row.number
    return row


def _schedule(ctx: Context, terms: Row, given: dict[str, Any]) -> Row:
    issued, due = given.get("issuedAt"), given.get("dueAt")
    kind, days = terms["paymentTermsType"], terms["dueInDays"]
    issued_at = iso(parse_iso(issued)) if issued else None if kind == "FIXED" else ctx.now()
    due_at = iso(parse_iso(due)) if due else None
    if kind == "NET" and issued_at is not None:
        due_at = iso(parse_iso(issued_at) + timedelta(days=days or 0))
    elif kind == "RECEIPT":
        due_at = issued_at
    return ctx.shop.new_row("PaymentSchedule", issuedAt=issued_at, dueAt=due_at, completedAt=None, _terms=terms)


def terms_errors(given: dict[str, Any], field_name: list[str], code: str | None) -> list[dict[str, Any]]:
    """Check terms input (assumed wordings)."""
    chosen, schedules = template(given.get("paymentTermsTemplateId")), given.get("paymentSchedules") or []
    if chosen is None:
        return [user_error([*field_name, "paymentTermsTemplateId"], "Could not find payment terms template.", code)]
    if len(schedules) > 1:
        text = "Cannot create payment terms with multiple schedules."
        return [user_error([*field_name, "paymentSchedules"], text, code)]
    first = schedules[0] if schedules else {}
    if chosen["paymentTermsType"] == "FIXED" and not first.get("dueAt"):
        return [user_error(field_name, "A due date is required with fixed or net payment terms.", code)]
    return []


def _owner(ctx: Context, id: str) -> Row | None:
    kind = split_gid(id)[0]
    if kind not in ("Order", "DraftOrder"):
        raise invalid_id(id)
    return ctx.edit(kind, id)


@mutation("paymentTermsCreate")
def payment_terms_create(ctx: Context, referenceId: str, paymentTermsAttributes: dict[str, Any]) -> dict[str, Any]:
    """Give an order or a draft order payment terms (captured: orders-039 … 041; the errors' wordings are assumed)."""
    owner, code = _owner(ctx, referenceId), FAILED["create"]
    if owner is None:
        return _refused("paymentTerms", ["referenceId"], "Reference order or draft order is not found.", code)
    errors = terms_errors(paymentTermsAttributes, ["paymentTermsAttributes"], code)
    if errors:
        return {"paymentTerms": None, "userErrors": errors}
    if owner["__typename"] == "Order" and totals.financial_status(owner) == "PAID":
        text = "Cannot create payment terms on an Order that has already been paid in full."
        return _refused("paymentTerms", ["referenceId"], text, code)
    return {"paymentTerms": build_terms(ctx, owner, paymentTermsAttributes), "userErrors": []}


@mutation("paymentTermsUpdate")
def payment_terms_update(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Change payment terms."""
    row, code = ctx.edit("PaymentTerms", input["paymentTermsId"]), FAILED["update"]
    if row is None:
        return _refused("paymentTerms", ["paymentTermsId"], "Could not find payment terms.", code)
    given = input["paymentTermsAttributes"]
    errors = terms_errors({"paymentTermsTemplateId": row["_template"]["id"]} | given, ["paymentTermsAttributes"], code)
    if errors:
        return {"paymentTerms": None, "userErrors": errors}
    return {"paymentTerms": build_terms(ctx, row["_owner"], given, row), "userErrors": []}


@mutation("paymentTermsDelete")
def payment_terms_delete(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Take payment terms off their order or draft order."""
    row = ctx.find("PaymentTerms", input["paymentTermsId"])
    if row is None:
        return _refused("deletedId", ["paymentTermsId"], "Could not find payment terms.", FAILED["delete"])
    row["_owner"]["_payment_terms_id"] = None
    ctx.table("PaymentTerms").remove(row.number)
    return {"deletedId": row["id"], "userErrors": []}


def _refused(payload: str, field_name: list[str], message: str, code: str) -> dict[str, Any]:
    return {payload: None, "userErrors": [user_error(field_name, message, code)]}


def terms_of(table: Table, owner: Row) -> Row | None:
    """Return the terms of an order or draft order."""
    number = owner.get("_payment_terms_id")
    return table.get(number) if number is not None else None


# Fields


@field("PaymentTerms", "paymentSchedules")
def _schedules(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page_of_list(row["_schedules"], arguments)


@field("PaymentTerms", "order")
def _order(row: Row, ctx: Context) -> Row | None:
    return row["_owner"] if row["_owner"]["__typename"] == "Order" else None


@field("PaymentTerms", "draftOrder")
def _draft_order(row: Row, ctx: Context) -> Row | None:
    return row["_owner"] if row["_owner"]["__typename"] == "DraftOrder" else None


def _is_due(row: Row, ctx: Context) -> bool:
    return any(one["dueAt"] is not None and one["dueAt"] <= ctx.now() for one in row["_schedules"])


@field("PaymentTerms", "due", "overdue")
def _due(row: Row, ctx: Context) -> bool:
    return _is_due(row, ctx)


@field("PaymentSchedule", "due")
def _schedule_due(row: Row, ctx: Context) -> bool:
    return row["dueAt"] is not None and row["dueAt"] <= ctx.now()


@field("PaymentSchedule", "paymentTerms")
def _terms(row: Row, ctx: Context) -> Row:
    found: Row = row["_terms"]
    return found


@field("PaymentSchedule", "amount", "balanceDue", "totalBalance")
def _balance(row: Row, ctx: Context) -> dict[str, Any]:
    owner = row["_terms"]["_owner"]
    due = totals.outstanding(owner)[1] if owner["__typename"] == "Order" else draft_total(owner)[1]
    return money(due, owner["presentmentCurrencyCode"])
