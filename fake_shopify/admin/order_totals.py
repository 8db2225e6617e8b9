"""The arithmetic of an order: every total is computed from its lines, shipping, taxes, transactions and refunds when it is
asked for.

Names: a *net* amount is after discounts; *current* amounts leave out what was removed by refunds, edits and cancellation. Works on
plain rows (see `order_rows`), without a request.

Captured: orders-007 … 011 (subtotal, shipping, tax, discount, authorisation, two currencies), orders-052 (a cancelled order's
current total and outstanding are zero), refunds-001 … 003.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fake_shopify.admin.order_money import (
    ZERO,
    Pair,
    add,
    at_most,
    floor_at_zero,
    is_zero,
    negative,
    portion,
    subtract,
    sum_of,
    times,
)
from fake_shopify.rows import Row

PAID_KINDS = ("SALE", "CAPTURE")
AUTHORIZED_KINDS = ("AUTHORIZATION", "EMV_AUTHORIZATION")


# Lines


def removed_quantity(line: Row) -> int:
    """Return how many units of a line were taken off the order by refunds and cancellation."""
    return sum(entry["quantity"] for entry in _refund_lines(line) if entry["_removes"])


def refunded_quantity(line: Row) -> int:
    """Return how many units of a line were refunded, removed or not."""
    return sum(int(entry["quantity"]) for entry in _refund_lines(line))


def _refund_lines(line: Row) -> list[Row]:
    return [entry for refund in line["_order"]["_refunds"] for entry in refund["_lines"] if entry["_line"] is line]


def current_quantity(line: Row) -> int:
    """Return the units that are still part of the order."""
    return int(line["quantity"]) - removed_quantity(line)


def line_original(line: Row) -> Pair:
    """Return unit price times quantity."""
    return times(line["_price"], line["quantity"])


def line_discounts(line: Row, *levels: str) -> Pair:
    """Return what discounts took off a line; `levels` (`line`, `order`, `code`) limits to some kinds."""
    applications = line["_order"]["_discounts"]
    return sum_of(share for index, share in line["_allocations"] if not levels or applications[index]["_level"] in levels)


def line_net(line: Row, quantity: int | None = None) -> Pair:
    """Return the price of a line after all discounts, for all or some of its units."""
    net = subtract(line_original(line), line_discounts(line))
    return net if quantity is None or quantity == line["quantity"] else portion(net, quantity, line["quantity"])


def line_tax(line: Row, quantity: int | None = None) -> Pair:
    """Return the tax of a line, for all or some of its units."""
    tax = sum_of(entry["_price"] for entry in line["_taxes"])
    return tax if quantity is None or quantity == line["quantity"] else portion(tax, quantity, line["quantity"])


# The order as it was made


def line_items_total(order: Row) -> Pair:
    """Return the lines before discounts."""
    return sum_of(line_original(line) for line in order["_lines"])


def subtotal(order: Row) -> Pair:
    """Return the lines after all discounts."""
    return sum_of(line_net(line) for line in order["_lines"])


def shipping_line_net(shipping: Row) -> Pair:
    """Return a shipping line after discounts."""
    return subtract(shipping["_price"], sum_of(share for _, share in shipping["_allocations"]))


def shipping_total(order: Row) -> Pair:
    """Return the shipping before discounts."""
    return sum_of(one["_price"] for one in order["_shipping"])


def shipping_net(order: Row) -> Pair:
    """Return the shipping after discounts."""
    return sum_of(shipping_line_net(one) for one in order["_shipping"])


def shipping_tax(order: Row) -> Pair:
    """Return the tax on shipping."""
    return sum_of(entry["_price"] for one in order["_shipping"] for entry in one["_taxes"])


def discounts(order: Row) -> Pair:
    """Return all that discounts took off lines and shipping."""
    off_shipping = subtract(shipping_total(order), shipping_net(order))
    return add(sum_of(line_discounts(line) for line in order["_lines"]), off_shipping)


def cart_discount(order: Row) -> Pair:
    """Return what discounts on the whole order took off the lines."""
    return sum_of(line_discounts(line, "order", "code") for line in order["_lines"])


def tax(order: Row) -> Pair:
    """Return all taxes."""
    return add(sum_of(line_tax(line) for line in order["_lines"]), shipping_tax(order))


def total(order: Row) -> Pair:
    """Return the price of the order as it was made."""
    extra = ZERO if order["taxesIncluded"] else tax(order)
    return add(subtotal(order), shipping_net(order), extra, order.get("_duties", ZERO))


# The order as it is now


def current_subtotal(order: Row) -> Pair:
    """Return the net price of the units that are still part of the order."""
    return sum_of(line_net(line, current_quantity(line)) for line in order["_lines"])


def current_line_discounts(order: Row) -> Pair:
    """Return the discounts on the units that are still part of the order."""
    return sum_of(portion(line_discounts(line), current_quantity(line), line["quantity"]) for line in order["_lines"])


def current_cart_discount(order: Row) -> Pair:
    """Return the order-wide discounts on the units that are still part of the order."""
    lines = order["_lines"]
    return sum_of(portion(line_discounts(line, "order", "code"), current_quantity(line), line["quantity"]) for line in lines)


def refunded_shipping(order: Row) -> Pair:
    """Return the shipping that refunds gave back."""
    return sum_of(refund["_shipping"] for refund in order["_refunds"])


def current_shipping(order: Row) -> Pair:
    """Return the net shipping that was not given back."""
    return floor_at_zero(subtract(shipping_net(order), refunded_shipping(order)))


def current_tax(order: Row) -> Pair:
    """Return the taxes on what is still part of the order."""
    shipping = shipping_net(order)
    kept = shipping_tax(order) if is_zero(shipping) else portion(shipping_tax(order), current_shipping(order)[0], shipping[0])
    return add(sum_of(line_tax(line, current_quantity(line)) for line in order["_lines"]), kept)


def current_total(order: Row) -> Pair:
    """Return the price of what is still part of the order."""
    extra = ZERO if order["taxesIncluded"] else current_tax(order)
    return add(current_subtotal(order), current_shipping(order), extra, order.get("_duties", ZERO))


# Payment


def _paid(order: Row, kinds: tuple[str, ...], status: str = "SUCCESS") -> Pair:
    return sum_of(one["_amount"] for one in order["_transactions"] if one["kind"] in kinds and one["status"] == status)


def received(order: Row) -> Pair:
    """Return what the customer paid."""
    return _paid(order, PAID_KINDS)


def refunded(order: Row) -> Pair:
    """Return what was paid back."""
    return _paid(order, ("REFUND",))


def net_payment(order: Row) -> Pair:
    """Return what was paid and not paid back."""
    return subtract(received(order), refunded(order))


def settled_of(order: Row, authorization: Row) -> Pair:
    """Return what captures and voids took off an authorisation."""
    ends = ("CAPTURE", "VOID")
    children = [
        one
        for one in order["_transactions"]
        if one.get("_parent") is authorization and one["kind"] in ends and one["status"] == "SUCCESS"
    ]
    return (
        authorization["_amount"] if any(one["kind"] == "VOID" for one in children) else sum_of(one["_amount"] for one in children)
    )


def open_authorizations(order: Row) -> list[Row]:
    """Return the successful authorisations that are not wholly captured or voided."""
    return [
        one
        for one in order["_transactions"]
        if one["kind"] in AUTHORIZED_KINDS
        and one["status"] == "SUCCESS"
        and not is_zero(subtract(one["_amount"], settled_of(order, one)))
    ]


def capturable(order: Row) -> Pair:
    """Return what is authorised and not yet captured."""
    return sum_of(floor_at_zero(subtract(one["_amount"], settled_of(order, one))) for one in open_authorizations(order))


def refund_worth(refund: Row) -> Pair:
    """Return what a refund's lines and shipping account for."""
    order = refund["_order"]
    lines = sum_of(add(entry["_subtotal"], ZERO if order["taxesIncluded"] else entry["_tax"]) for entry in refund["_lines"])
    return add(lines, refund["_shipping"], refund["_shipping_tax"])


def refund_paid(refund: Row) -> Pair:
    """Return what a refund's transactions paid back."""
    return sum_of(one["_amount"] for one in refund["_transactions"] if one["kind"] == "REFUND" and one["status"] == "SUCCESS")


def refund_discrepancy(refund: Row) -> Pair:
    """Return what a refund paid back beyond its lines and shipping.

    Shopify books it as an adjustment, so that nothing becomes due again.

    Source: shopify.dev/docs/api/admin-graphql/latest/objects/Order refundDiscrepancySet, OrderAdjustment (read 2026-11).
    """
    return floor_at_zero(subtract(refund_paid(refund), refund_worth(refund)))


def discrepancies(order: Row) -> Pair:
    """Return the adjustments of all refunds."""
    return sum_of(refund_discrepancy(refund) for refund in order["_refunds"])


def outstanding(order: Row) -> Pair:
    """Return what is not yet transacted; negative when the customer is owed money.

    Captured: an authorised order has nothing outstanding (orders-010), a cancelled unpaid one neither (orders-052). Assumed: an
    order made with `financialStatus: PAID` and no transactions has nothing outstanding.
    """
    if order.get("_financial") == "PAID" and not order["_transactions"]:
        return ZERO
    due = subtract(current_total(order), net_payment(order), capturable(order), discrepancies(order))
    return floor_at_zero(due) if order.get("cancelledAt") else due


def refund_discrepancy_total(order: Row) -> Pair:
    """Return the sum of differences between suggested and actual refunds; positive is in the merchant's favour."""
    return sum_of(negative(subtract(refund_paid(one), refund_worth(one))) for one in order["_refunds"])


def refundable(order: Row) -> Pair:
    """Return what can still be paid back."""
    return floor_at_zero(at_most(net_payment(order), received(order)))


def financial_status(order: Row) -> str | None:
    """Return `displayFinancialStatus`: the given one until a payment changes it, else what the transactions say.

    Captured: neither status nor transactions given → null (orders-007, orders-030); sale → PAID, authorisation → AUTHORIZED
    (orders-008, orders-010); refunds → REFUNDED, PARTIALLY_REFUNDED (refunds-001, refunds-003). Source: OrderCreateOrderInput
    financialStatus (a given status persists until a later operation; read 2026-11). Assumed: a free order is PAID.
    """
    given: str | None = order.get("_financial")
    if given is not None or not order["_transactions"]:
        return given if given is not None or total(order)[0] else "PAID"
    return _derived_status(order)


def _derived_status(order: Row) -> str | None:
    paid, back = received(order)[0], refunded(order)[0]
    if paid:
        if back:
            return "REFUNDED" if back >= paid else "PARTIALLY_REFUNDED"
        return "PAID" if paid >= current_total(order)[0] else "PARTIALLY_PAID"
    if capturable(order)[0]:
        return "AUTHORIZED"
    return _unpaid_status({(one["kind"], one["status"]) for one in order["_transactions"]})


def _unpaid_status(seen: set[tuple[Any, Any]]) -> str | None:
    if ("VOID", "SUCCESS") in seen:
        return "VOIDED"
    return "PENDING" if any(status == "PENDING" for _, status in seen) else None


def weight_grams(line: Row) -> Decimal:
    """Return the weight of one unit in grams."""
    return Decimal(str(line.get("_grams") or 0))
