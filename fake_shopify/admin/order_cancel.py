"""`orderCancel`: the order is closed, its units are taken off, authorisations are voided, payments refunded when asked for."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import order_rows
from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.fulfillment_routing import release_stock
from fake_shopify.admin.fulfillment_state import UNFINISHED
from fake_shopify.admin.jobs import new_job
from fake_shopify.admin.order_events import announce_part, changed
from fake_shopify.admin.order_money import Pair, at_most, is_zero, subtract
from fake_shopify.admin.order_parts import live_numbers
from fake_shopify.admin.order_rows import Numbers
from fake_shopify.admin.orders import MISSING, edit_order
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

STAFF_NOTE_LIMIT = 255


def _refused(field: str, message: str, code: str = "INVALID") -> dict[str, Any]:
    """Build the answer that carries an error in both lists (captured: BEHAVIOURS 31, fulfillments-006)."""
    return {
        "job": None,
        "orderCancelUserErrors": [user_error([field], message, code)],
        "userErrors": [user_error([field], message)],
    }


def _refusal(row: Row | None, staff_note: str | None) -> dict[str, Any] | None:
    """Return why an order cannot be cancelled, None when it can.

    Captured: outstanding fulfillments (fulfillments-006). Source: orderCancel's criteria (read 2026-11); the other wordings follow
    the captured one (assumed).
    """
    if row is None:
        return _refused("orderId", MISSING, "NOT_FOUND")
    if row["cancelledAt"] is not None:
        return _refused("orderId", "Cannot cancel an order that has already been canceled")
    if any(one["status"] == "SUCCESS" for one in row["_fulfillments"]):
        return _refused("orderId", "Cannot cancel an order that has outstanding fulfillments")
    if any(one["status"] == "PENDING" for one in row["_transactions"]):
        return _refused("orderId", "Cannot cancel an order that has pending payments")
    if len(staff_note or "") > STAFF_NOTE_LIMIT:
        return _refused("staffNote", f"Staff note is too long (maximum is {STAFF_NOTE_LIMIT} characters)")
    return None


@mutation("orderCancel")
def order_cancel(
    ctx: Context,
    orderId: str,
    reason: str,
    restock: bool,
    refund: bool | None = None,
    refundMethod: dict[str, Any] | None = None,
    staffNote: str | None = None,
    notifyCustomer: bool | None = None,
) -> dict[str, Any]:
    """Cancel an order.

    Captured: the answer is a job that is not done; afterwards the order is closed, `closedAt` and `cancelledAt` are the same,
    the current total and what is outstanding are zero (orders-021, orders-052). The fake does the work at once.
    """
    ctx.require_type(orderId, "Order")
    refusal = _refusal(ctx.find("Order", orderId), staffNote)
    if refusal is not None:
        return refusal
    wants_money_back = bool(refund) or bool((refundMethod or {}).get("originalPaymentMethodsRefund"))
    cancel(ctx, edit_order(ctx, orderId), reason, restock=restock, refund=wants_money_back, staff_note=staffNote)
    return {"job": new_job(ctx), "orderCancelUserErrors": [], "userErrors": []}


def cancel(ctx: Context, order: Row, reason: str, *, restock: bool, refund: bool, staff_note: str | None) -> None:
    """Do what a cancellation does to an order."""
    numbers, now, before = live_numbers(ctx.shop, order.number), ctx.now(), len(order["_transactions"])
    _void_authorizations(ctx, numbers, order)
    paid = totals.refundable(order)
    _take_off_units(ctx, numbers, order, restock=restock, paid_back=paid if refund else None)
    _close_fulfillment_orders(ctx, order, restock=restock)
    order.update(cancelledAt=now, closedAt=order["closedAt"] or now, cancelReason=reason, _staff_note=staff_note)
    if len(order["_transactions"]) > before:
        order["_financial"] = None
    changed(ctx, order, "orders/cancelled")


def _void_authorizations(ctx: Context, numbers: Numbers, order: Row) -> None:
    for parent in totals.open_authorizations(order):
        left = subtract(parent["_amount"], totals.settled_of(order, parent))
        order_rows.add_transaction(
            numbers, order, kind="VOID", amount=left, now=ctx.now(), gateway=parent["gateway"], _parent=parent
        )


def _take_off_units(ctx: Context, numbers: Numbers, order: Row, *, restock: bool, paid_back: Pair | None) -> None:
    """Book a refund that takes all units off the order; money is paid back only when asked for.

    Assumed: a cancellation is booked as a refund of all lines, as in the Shopify admin.
    """
    refund = order_rows.add_refund(numbers, order, now=ctx.now(), note="Order canceled")
    for line in order["_lines"]:
        count = totals.current_quantity(line)
        if count:
            subtotal, tax = totals.line_net(line, count), totals.line_tax(line, count)
            kind = "CANCEL" if restock else "NO_RESTOCK"
            order_rows.add_refund_line(numbers, refund, line, count, restock_type=kind, subtotal=subtotal, tax=tax)
    refund["_shipping"] = totals.current_shipping(order)
    if paid_back is not None and not is_zero(paid_back):
        pay_back(ctx, numbers, refund, paid_back)


def pay_back(ctx: Context, numbers: Numbers, refund: Row, whole: Pair) -> None:
    """Pay an amount back on the payments of an order, the first ones first."""
    order, left = refund["_order"], whole
    for parent in [one for one in order["_transactions"] if one["kind"] in totals.PAID_KINDS and one["status"] == "SUCCESS"]:
        share = at_most(left, refundable_of(parent))
        if share[0] > 0:
            transaction = order_rows.add_transaction(
                numbers, order, kind="REFUND", amount=share, now=ctx.now(), gateway=parent["gateway"], _parent=parent
            )
            refund["_transactions"].append(transaction)
            announce_part(ctx, "order_transactions/create", transaction, kind="refund")
            left = subtract(left, share)


def refundable_of(payment: Row) -> Pair:
    """Return what was not yet paid back of one payment."""
    order = payment["_order"]
    back = [one["_amount"] for one in order["_transactions"] if one["kind"] == "REFUND" and one.get("_parent") is payment]
    return subtract(payment["_amount"], *back)


def _close_fulfillment_orders(ctx: Context, order: Row, *, restock: bool) -> None:
    """Close what was to be shipped; nothing remains of it (captured: fulfillments-047 shows such ones with totals of zero)."""
    for home in order["_fulfillment_orders"]:
        if home["status"] not in UNFINISHED:
            continue
        for entry in home["_lines"]:
            release_stock(ctx, entry["_line"], home["_location_id"], entry["remainingQuantity"], restock=restock)
            entry["totalQuantity"] -= entry["remainingQuantity"]
            entry["remainingQuantity"] = 0
        home.update(status="CLOSED", updatedAt=ctx.now(), _holds=[])
