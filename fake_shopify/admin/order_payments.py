"""Payments of an order: marking it as paid, capturing, voiding, manual payments, and the fields of a transaction."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fake_shopify.admin import order_rows
from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.order_cancel import refundable_of
from fake_shopify.admin.order_events import announce_part, announce_payment, changed
from fake_shopify.admin.order_fields import can_mark_as_paid
from fake_shopify.admin.order_money import Pair, bag, is_zero, portion, subtract, text
from fake_shopify.admin.order_parts import find_part, live_numbers
from fake_shopify.admin.orders import MISSING, edit_order, missing
from fake_shopify.clock import iso, parse_iso
from fake_shopify.context import Context
from fake_shopify.failures import access_denied, user_error
from fake_shopify.money import amount as read_amount
from fake_shopify.money import money
from fake_shopify.registry import field, mutation
from fake_shopify.rows import Row

MANUAL_PAYMENT_ACCESS = (
    "`write_orders` access scope. Also: The user must have mark_orders_as_paid permission. "
    "The API client must be installed on a Shopify Plus store to use the amount field."
)


def find_transaction(ctx: Context, id: str) -> Row | None:
    """Return a transaction to change."""
    return find_part(ctx, "OrderTransaction", id, edit=True)


def book(ctx: Context, order: Row, kind: str, amount: Pair, **values: Any) -> Row:
    """Add a transaction; a status that was given to orderCreate gives way to what the transactions say."""
    before = totals.financial_status(order)
    row = order_rows.add_transaction(live_numbers(ctx.shop, order.number), order, kind=kind, amount=amount, now=ctx.now(), **values)
    order["_financial"] = None
    announce_part(ctx, "order_transactions/create", row, kind=kind.lower())
    changed(ctx, order)
    announce_payment(ctx, order, before)
    return row


@mutation("orderMarkAsPaid")
def order_mark_as_paid(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Book a manual sale of what is outstanding.

    Captured: a SALE on gateway `manual` in both currencies (orders-027, orders-031); a paid order is returned unchanged with an
    error (orders-027, orders-028); unknown order (orders-029).
    """
    refused = missing(ctx, input["id"])
    if refused is not None:
        return refused
    row = edit_order(ctx, input["id"])
    if not can_mark_as_paid(row):
        return {"order": row, "userErrors": [user_error(["id"], "Order cannot be marked as paid.")]}
    book(ctx, row, "SALE", totals.outstanding(row))
    return {"order": row, "userErrors": []}


@mutation("orderCreateManualPayment")
def order_create_manual_payment(
    ctx: Context,
    id: str,
    amount: dict[str, Any] | None = None,
    paymentMethodName: str | None = None,
    processedAt: str | None = None,
) -> dict[str, Any]:
    """Book a manual payment: all that is outstanding, or `amount` on a Plus shop.

    Captured: a payment of everything (orders-064); `amount` without Plus is denied (orders-059). Assumed: the wordings of the
    codes.
    """
    if amount is not None and "plus" not in ctx.shop.settings["plan"].lower():
        raise access_denied("orderCreateManualPayment", MANUAL_PAYMENT_ACCESS)
    ctx.require_type(id, "Order")
    row = ctx.edit("Order", id)
    error = _manual_error(ctx, row, amount, processedAt)
    if row is None or error is not None:
        return {"order": None, "userErrors": [error]}
    due = totals.outstanding(row)
    whole = due if amount is None else portion(due, read_amount(amount["amount"]), due[1])
    instant = iso(parse_iso(processedAt)) if processedAt else ctx.now()
    book(ctx, row, "SALE", whole, gateway=paymentMethodName or "manual", processedAt=instant)
    return {"order": row, "userErrors": []}


def _manual_error(ctx: Context, row: Row | None, amount: dict[str, Any] | None, processed_at: str | None) -> dict[str, Any] | None:
    if row is None:
        return user_error(["id"], MISSING, "ORDER_NOT_FOUND")
    if processed_at is not None and parse_iso(processed_at) > ctx.world.clock.now():
        return user_error(["processedAt"], "Processed at must not be in the future", "PROCESSED_AT_INVALID")
    due = totals.outstanding(row)[1]
    if amount is None:
        return None if due > 0 else user_error(["id"], "Order cannot be marked as paid.", "AMOUNT_NOT_POSITIVE")
    if amount["currencyCode"] != row["presentmentCurrencyCode"]:
        text_ = "The currency of the amount doesn't match the presentment currency of the order."
        return user_error(["amount"], text_, "CURRENCY_MISMATCH")
    wanted = read_amount(amount["amount"])
    if wanted <= 0:
        return user_error(["amount"], "Amount must be positive.", "AMOUNT_NOT_POSITIVE")
    return user_error(["amount"], "Amount exceeds the remaining balance.", "AMOUNT_EXCEEDS_BALANCE") if wanted > due else None


@mutation("orderCapture")
def order_capture(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Capture an authorisation, wholly or in part (assumed wordings)."""
    ctx.require_type(input["id"], "Order")
    row = ctx.edit("Order", input["id"])
    if row is None:
        return {"transaction": None, "userErrors": [user_error(["id"], MISSING)]}
    parent = find_transaction(ctx, input["parentTransactionId"])
    if parent is None or parent["_order"] is not row:
        return {"transaction": None, "userErrors": [user_error(["parentTransactionId"], "Transaction does not exist")]}
    left = subtract(parent["_amount"], totals.settled_of(row, parent))
    wanted = read_amount(input["amount"])
    error = _capture_error(row, parent, left, wanted, input.get("currency"))
    if error is not None:
        return {"transaction": None, "userErrors": [error]}
    captured = book(ctx, row, "CAPTURE", portion(left, wanted, left[1]), gateway=parent["gateway"], _parent=parent)
    return {"transaction": captured, "userErrors": []}


def _capture_error(order: Row, parent: Row, left: Pair, wanted: Decimal, currency: str | None) -> dict[str, Any] | None:
    if parent not in totals.open_authorizations(order):
        return user_error(["parentTransactionId"], "Transaction is not capturable")
    two = order["currencyCode"] != order["presentmentCurrencyCode"]
    if (currency or (None if two else order["presentmentCurrencyCode"])) != order["presentmentCurrencyCode"]:
        return user_error(["currency"], "Currency must match the presentment currency of the order")
    if wanted <= 0:
        return user_error(["amount"], "Amount must be greater than 0")
    return user_error(["amount"], "Cannot capture more than the authorized amount") if wanted > left[1] else None


@mutation("transactionVoid")
def transaction_void(ctx: Context, parentTransactionId: str) -> dict[str, Any]:
    """Void an authorisation that was not captured.

    Source: shopify.dev/docs/api/admin-graphql/latest/enums/TransactionVoidUserErrorCode (codes and wordings; read 2026-11).
    """
    parent = find_transaction(ctx, parentTransactionId)
    error = _void_error(parent)
    if parent is None or error is not None:
        return {"transaction": None, "userErrors": [error]}
    row = book(ctx, parent["_order"], "VOID", parent["_amount"], gateway=parent["gateway"], _parent=parent)
    return {"transaction": row, "userErrors": []}


def _void_error(parent: Row | None) -> dict[str, Any] | None:
    where = ["parentTransactionId"]
    if parent is None:
        return user_error(where, "Transaction does not exist", "TRANSACTION_NOT_FOUND")
    if parent["kind"] not in totals.AUTHORIZED_KINDS or parent["status"] != "SUCCESS":
        return user_error(where, "Transaction must be a successful authorization", "AUTH_NOT_SUCCESSFUL")
    if not is_zero(totals.settled_of(parent["_order"], parent)):
        return user_error(where, "Transaction must be voidable", "AUTH_NOT_VOIDABLE")
    return None


# Fields of a transaction


@field("OrderTransaction", "amountSet")
def _amount_set(row: Row, ctx: Context) -> dict[str, Any]:
    return bag(row["_amount"], row["_order"])


@field("OrderTransaction", "amount")
def _amount(row: Row, ctx: Context) -> str:
    return text(row["_amount"])


@field("OrderTransaction", "amountV2")
def _amount_v2(row: Row, ctx: Context) -> dict[str, Any]:
    return money(row["_amount"][0], row["_order"]["currencyCode"])


@field("OrderTransaction", "order")
def _order(row: Row, ctx: Context) -> Row:
    found: Row = row["_order"]
    return found


@field("OrderTransaction", "parentTransaction")
def _parent(row: Row, ctx: Context) -> Row | None:
    return row.get("_parent")


@field("OrderTransaction", "formattedGateway")
def _formatted_gateway(row: Row, ctx: Context) -> str:
    return str(row["gateway"] or "").replace("_", " ").capitalize()


@field("OrderTransaction", "manualPaymentGateway")
def _manual(row: Row, ctx: Context) -> bool:
    return bool(row["gateway"] == "manual")


@field("OrderTransaction", "manuallyCapturable")
def _capturable(row: Row, ctx: Context) -> bool:
    return row in totals.open_authorizations(row["_order"])


@field("OrderTransaction", "multiCapturable")
def _multi_capturable(row: Row, ctx: Context) -> bool:
    return False


@field("OrderTransaction", "location")
def _location(row: Row, ctx: Context) -> Row | None:
    number = row.get("_location_id")
    return ctx.table("Location").get(number) if number is not None else None


@field("OrderTransaction", "paymentId")
def _payment_id(row: Row, ctx: Context) -> str:
    return f"{row['_order']['name']}.{row['_order']['_transactions'].index(row) + 1}"


@field("OrderTransaction", "totalUnsettledSet")
def _unsettled_set(row: Row, ctx: Context) -> dict[str, Any] | None:
    return bag(_unsettled(row), row["_order"]) if _capturable(row, ctx) else None


@field("OrderTransaction", "totalUnsettled")
def _unsettled_text(row: Row, ctx: Context) -> str | None:
    return text(_unsettled(row)) if _capturable(row, ctx) else None


@field("OrderTransaction", "totalUnsettledV2")
def _unsettled_v2(row: Row, ctx: Context) -> dict[str, Any] | None:
    return money(_unsettled(row)[0], row["_order"]["currencyCode"]) if _capturable(row, ctx) else None


def _unsettled(row: Row) -> Pair:
    return subtract(row["_amount"], totals.settled_of(row["_order"], row))


@field("OrderTransaction", "maximumRefundableV2")
def _maximum_refundable(row: Row, ctx: Context) -> dict[str, Any] | None:
    if row["kind"] not in totals.PAID_KINDS:
        return None
    return money(refundable_of(row)[0], row["_order"]["currencyCode"])
