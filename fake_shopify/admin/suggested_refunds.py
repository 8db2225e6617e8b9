"""`Order.suggestedRefund`: what refunding some lines and shipping would come to, and to which payments it would go back."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.order_cancel import refundable_of
from fake_shopify.admin.order_lines import refundable_quantity
from fake_shopify.admin.order_money import ZERO, Pair, add, at_most, bag, pair, portion, subtract, sum_of, text
from fake_shopify.admin.refunds import line_of
from fake_shopify.context import Context
from fake_shopify.money import amount
from fake_shopify.registry import field
from fake_shopify.rows import Row


@field("Order", "suggestedRefund")
def suggested_refund(
    row: Row,
    ctx: Context,
    refundLineItems: list[dict[str, Any]] | None = None,
    refundShipping: bool | None = None,
    shippingAmount: Any = None,
    suggestFullRefund: bool = False,
    **arguments: Any,
) -> dict[str, Any]:
    """Suggest a refund of lines at their net price with tax, and of shipping.

    Source: shopify.dev/docs/api/admin-graphql/latest/objects/SuggestedRefund (read 2026-11). Assumed: the amount never exceeds what
    can be paid back; it goes to the payments in their order.
    """
    chosen = _chosen(row, refundLineItems or [], suggestFullRefund)
    entries = [_entry(ctx, row, line, count, kind) for line, count, kind in chosen]
    shipping = _shipping(row, bool(refundShipping) or suggestFullRefund, shippingAmount)
    subtotal, tax = sum_of(one["_subtotal"] for one in entries), sum_of(one["_tax"] for one in entries)
    gross = add(subtotal, shipping, ZERO if row["taxesIncluded"] else tax)
    limit = totals.refundable(row)
    whole = at_most(gross, limit)
    return _shape(row, whole, limit, subtotal, tax, shipping, entries)


def _chosen(order: Row, given: list[dict[str, Any]], everything: bool) -> list[tuple[Row, int, str]]:
    if everything:
        return [(line, count, "NO_RESTOCK") for line in order["_lines"] if (count := refundable_quantity(line))]
    found = [(line_of(order, one["lineItemId"]), one["quantity"], one.get("restockType") or "NO_RESTOCK") for one in given]
    return [(line, min(count, refundable_quantity(line)), kind) for line, count, kind in found if line is not None]


def _entry(ctx: Context, order: Row, line: Row, count: int, kind: str) -> Row:
    return Row(
        __typename="RefundLineItem",
        id=None,
        _id=line.number,
        quantity=count,
        restockType=kind,
        restocked=False,
        _subtotal=totals.line_net(line, count),
        _tax=totals.line_tax(line, count),
        _location_id=None,
        _line=line,
        _order=order,
    )


def _shipping(order: Row, everything: bool, given: Any) -> Pair:
    left = totals.current_shipping(order)
    if given is not None:
        return at_most(portion(left, amount(given), left[1]), left) if left[1] else pair(0)
    return left if everything else ZERO


def _shape(order: Row, whole: Pair, limit: Pair, subtotal: Pair, tax: Pair, shipping: Pair, entries: list[Row]) -> dict[str, Any]:
    cart = sum_of(
        portion(totals.line_discounts(one["_line"], "order", "code"), one["quantity"], one["_line"]["quantity"]) for one in entries
    )
    left = totals.current_shipping(order)
    return {
        "__typename": "SuggestedRefund",
        "amountSet": bag(whole, order),
        "amount": text(whole),
        "subtotalSet": bag(subtotal, order),
        "subtotal": text(subtotal),
        "discountedSubtotalSet": bag(subtotal, order),
        "maximumRefundableSet": bag(limit, order),
        "maximumRefundable": text(limit),
        "totalTaxSet": bag(tax, order),
        "totalTaxes": text(tax),
        "totalDutiesSet": bag(ZERO, order),
        "totalCartDiscountAmountSet": bag(cart, order),
        "refundDuties": [],
        "refundLineItems": entries,
        "suggestedRefundMethods": [],
        "suggestedTransactions": _transactions(order, whole),
        "shipping": {
            "__typename": "ShippingRefund",
            "amountSet": bag(shipping, order),
            "amount": text(shipping),
            "maximumRefundableSet": bag(left, order),
            "maximumRefundable": text(left),
            "taxSet": bag(ZERO, order),
            "tax": text(ZERO),
        },
    }


def _transactions(order: Row, whole: Pair) -> list[dict[str, Any]]:
    found, left = [], whole
    for parent in [one for one in order["_transactions"] if one["kind"] in totals.PAID_KINDS and one["status"] == "SUCCESS"]:
        limit = refundable_of(parent)
        share = at_most(left, limit)
        if share[0] > 0:
            found.append(_transaction(order, parent, share, limit))
            left = subtract(left, share)
    return found


def _transaction(order: Row, parent: Row, share: Pair, limit: Pair) -> dict[str, Any]:
    return {
        "__typename": "SuggestedOrderTransaction",
        "kind": "SUGGESTED_REFUND",
        "gateway": parent["gateway"],
        "formattedGateway": str(parent["gateway"] or "").replace("_", " ").capitalize(),
        "amountSet": bag(share, order),
        "amount": text(share),
        "maximumRefundableSet": bag(limit, order),
        "maximumRefundable": text(limit),
        "parentTransaction": parent,
    }
