"""`refundCreate`: what was paid, shipped or ordered is given back; and the fields of a refund."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import order_rows
from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.fulfillment_routing import release_stock, restock_units
from fake_shopify.admin.fulfillment_state import UNFINISHED, fulfilled_quantity
from fake_shopify.admin.order_events import announce_part, changed
from fake_shopify.admin.order_lines import refundable_quantity
from fake_shopify.admin.order_money import ZERO, Pair, at_most, bag, floor_at_zero, is_zero, portion, subtract, sum_of, text
from fake_shopify.admin.order_parts import find_part, live_numbers
from fake_shopify.admin.order_payments import find_transaction
from fake_shopify.admin.order_rows import Numbers
from fake_shopify.admin.orders import MISSING, edit_order
from fake_shopify.clock import iso, parse_iso
from fake_shopify.context import Context, split_gid
from fake_shopify.failures import user_error
from fake_shopify.money import amount, money, printed
from fake_shopify.paging import Connection, page_of_list
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row

MOVING = ("CANCEL", "RETURN")


@query("refund")
def refund(ctx: Context, id: str) -> Row | None:
    """Answer a refund; an unknown id is null."""
    ctx.require_type(id, "Refund")
    return find_part(ctx, "Refund", id)


@mutation("refundCreate")
def refund_create(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Refund lines, shipping and money of an order.

    Captured: refunds-001 … 008. The errors return the order unchanged; only an unknown order is null.
    """
    ctx.require_type(input["orderId"], "Order")
    row = ctx.edit("Order", input["orderId"])
    if row is None:
        return {"refund": None, "order": None, "userErrors": [user_error(["orderId"], MISSING)]}
    errors = _errors(ctx, row, input)
    if errors:
        return {"refund": None, "order": row, "userErrors": errors}
    return {"refund": _build(ctx, edit_order(ctx, input["orderId"]), input), "order": row, "userErrors": []}


def _errors(ctx: Context, order: Row, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Check a refund.

    Captured: quantities before amounts, with the index of the line; an amount beyond the net payment, printed in dollars, also with
    `allowOverRefunding` (refunds-002, refunds-008). Assumed: the words for lines and payments of other orders, for a missing
    currency and for a shipping amount that is too large.
    """
    asked: dict[int, int] = {}
    for index, one in enumerate(given.get("refundLineItems") or ()):
        line = line_of(order, one["lineItemId"])
        if line is None:
            return [user_error(["refundLineItems", str(index), "lineItemId"], "Line item does not exist")]
        asked[line.number] = asked.get(line.number, 0) + one["quantity"]
        if asked[line.number] > refundable_quantity(line):
            text_ = "Quantity cannot refund more items than were purchased"
            return [user_error(["refundLineItems", str(index), "quantity"], text_)]
        if one["quantity"] < 1:
            return [user_error(["refundLineItems", str(index), "quantity"], "Quantity must be greater than 0")]
    return _money_errors(ctx, order, given)


def _money_errors(ctx: Context, order: Row, given: dict[str, Any]) -> list[dict[str, Any]]:
    shipping, left = given.get("shipping") or {}, totals.current_shipping(order)
    if shipping.get("amount") is not None and amount(shipping["amount"]) > left[1]:
        text_ = f"Refund amount {printed(shipping['amount'])} is greater than the refundable shipping {printed(left[1])}"
        return [user_error(["shipping", "amount"], text_)]
    wanted = [one for one in given.get("transactions") or () if one["kind"] == "REFUND"]
    for index, one in enumerate(given.get("transactions") or ()):
        parent = find_transaction(ctx, one["parentId"]) if one.get("parentId") else None
        if one.get("parentId") and (parent is None or parent["_order"] is not order):
            return [user_error(["transactions", str(index), "parentId"], "Transaction does not exist")]
    total, paid = sum(amount(one["amount"]) for one in wanted), totals.net_payment(order)[1]
    if total > paid:
        return [user_error(None, f"Refund amount {printed(total)} is greater than net payment received {printed(paid)}")]
    return []


def line_of(order: Row, id: str) -> Row | None:
    """Return a line of an order by GID."""
    number = split_gid(id)[1]
    return next((line for line in order["_lines"] if str(line.number) == number), None)


# Building


def _build(ctx: Context, order: Row, given: dict[str, Any]) -> Row:
    numbers = live_numbers(ctx.shop, order.number)
    instant = iso(parse_iso(given["processedAt"])) if given.get("processedAt") else ctx.now()
    shipping = shipping_share(order, given.get("shipping"))
    row = order_rows.add_refund(numbers, order, now=ctx.now(), note=given.get("note"), processedAt=instant)
    for one in given.get("refundLineItems") or ():
        _add_line(ctx, numbers, row, one)
    row["_shipping_tax"] = _shipping_tax(order, shipping)
    row["_shipping"] = shipping
    for one in given.get("transactions") or ():
        _add_transaction(ctx, numbers, row, one)
    if row["_transactions"]:
        order["_financial"] = None
    announce_part(ctx, "refunds/create", row, note=row["note"])
    changed(ctx, order)
    return row


def _add_line(ctx: Context, numbers: Numbers, row: Row, given: dict[str, Any]) -> None:
    """Add a refunded line.

    Captured: NO_RESTOCK of units that are not shipped has a subtotal of zero, because they stay part of the order (refunds-001,
    BEHAVIOURS 32); RETURN has the price (refunds-003). Assumed: shipped units are refunded at their price whatever the restock
    type, and so are cancelled ones; without a location the units go back to where they were to be shipped from.
    """
    line, count = line_of(row["_order"], given["lineItemId"]), given["quantity"]
    assert line is not None
    kind = given.get("restockType") or "NO_RESTOCK"
    unshipped = totals.current_quantity(line) - fulfilled_quantity(line)
    stays = kind == "NO_RESTOCK" and unshipped >= count
    location = ctx.find("Location", given.get("locationId"))
    where = location.number if location is not None else _home_location(line)
    order_rows.add_refund_line(
        numbers,
        row,
        line,
        count,
        restock_type=kind,
        subtotal=ZERO if stays else totals.line_net(line, count),
        tax=ZERO if stays else totals.line_tax(line, count),
        restocked=kind in MOVING,
        _removes=not stays,
        _location_id=where if kind in MOVING else None,
    )
    if not stays:
        _take_off(ctx, line, count, kind, where)


def _home_location(line: Row) -> int | None:
    homes = line["_order"]["_fulfillment_orders"]
    found = (home["_location_id"] for home in homes if any(entry["_line"] is line for entry in home["_lines"]))
    return next(found, None)


def _take_off(ctx: Context, line: Row, count: int, kind: str, location: int | None) -> None:
    """Take refunded units off what is to be shipped (those not shipped), or back into the stock (those shipped)."""
    left = count
    for home in line["_order"]["_fulfillment_orders"]:
        for entry in home["_lines"] if home["status"] in UNFINISHED else ():
            share = min(left, entry["remainingQuantity"]) if entry["_line"] is line else 0
            if share:
                entry["totalQuantity"] -= share
                entry["remainingQuantity"] -= share
                release_stock(ctx, line, home["_location_id"], share, restock=kind in MOVING)
                left -= share
        _close_when_empty(ctx, home)
    if left and kind in MOVING and location is not None:
        restock_units(ctx, line, location, left)


def _close_when_empty(ctx: Context, home: Row) -> None:
    if home["status"] in UNFINISHED and not any(entry["remainingQuantity"] for entry in home["_lines"]):
        home.update(status="CLOSED", updatedAt=ctx.now())


def shipping_share(order: Row, given: dict[str, Any] | None) -> Pair:
    """Return the shipping that is given back: all that is left, or an amount in the customer's currency."""
    left = totals.current_shipping(order)
    if not given:
        return ZERO
    if given.get("fullRefund"):
        return left
    wanted = amount(given.get("amount"))
    return at_most(portion(left, wanted, left[1]), left)


def _shipping_tax(order: Row, shipping: Pair) -> Pair:
    whole = totals.shipping_net(order)
    return portion(totals.shipping_tax(order), shipping[0], whole[0]) if whole[0] else ZERO


def _add_transaction(ctx: Context, numbers: Numbers, row: Row, given: dict[str, Any]) -> None:
    """Book a payment of a refund. Amounts are in the customer's currency; the shop's side follows the payment's own rate."""
    order = row["_order"]
    parent = find_transaction(ctx, given["parentId"]) if given.get("parentId") else None
    base = parent["_amount"] if parent is not None else totals.received(order)
    wanted = amount(given["amount"])
    whole = portion(base, wanted, base[1]) if base[1] else (wanted, wanted)
    transaction = order_rows.add_transaction(
        numbers, order, kind=given["kind"], amount=whole, now=ctx.now(), gateway=given["gateway"], _parent=parent
    )
    row["_transactions"].append(transaction)
    announce_part(ctx, "order_transactions/create", transaction, kind=given["kind"].lower())


# Fields


@field("Refund", "totalRefundedSet")
def _total_set(row: Row, ctx: Context) -> dict[str, Any]:
    return bag(totals.refund_paid(row), row["_order"])


@field("Refund", "totalRefunded")
def _total(row: Row, ctx: Context) -> dict[str, Any]:
    return money(totals.refund_paid(row)[0], row["_order"]["currencyCode"])


@field("Refund", "refundLineItems")
def _refund_lines(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page_of_list(row["_lines"], arguments)


@field("Refund", "transactions")
def _transactions(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page_of_list(row["_transactions"], arguments)


@field("Refund", "refundShippingLines")
def _shipping_lines(row: Row, ctx: Context, **arguments: Any) -> Connection:
    """List the shipping lines that were given back, with their shares."""
    order = row["_order"]
    whole = totals.shipping_net(order)
    rows = [
        Row(
            __typename="RefundShippingLine",
            _id=row.number * 10 + index,
            id=f"gid://shopify/RefundShippingLine/{row.number * 10 + index}",
            shippingLine=one,
            subtotalAmountSet=bag(portion(totals.shipping_line_net(one), row["_shipping"][0], whole[0]), order),
            taxAmountSet=bag(portion(sum_of(t["_price"] for t in one["_taxes"]), row["_shipping"][0], whole[0]), order),
        )
        for index, one in enumerate(order["_shipping"])
        if not is_zero(row["_shipping"])
    ]
    return page_of_list(rows, arguments)


@field("Refund", "orderAdjustments")
def _adjustments(row: Row, ctx: Context, **arguments: Any) -> Connection:
    """List the adjustment for what was paid back beyond lines and shipping (source: OrderAdjustment; read 2026-11)."""
    rest = subtract(totals.refund_paid(row), totals.refund_worth(row))
    if is_zero(floor_at_zero(rest)):
        return page_of_list([], arguments)
    adjustment = Row(
        __typename="OrderAdjustment",
        _id=row.number,
        id=f"gid://shopify/OrderAdjustment/{row.number}",
        amountSet=bag((-rest[0], -rest[1]), row["_order"]),
        taxAmountSet=bag(ZERO, row["_order"]),
        reason="REFUND_DISCREPANCY",
    )
    return page_of_list([adjustment], arguments)


@field("Refund", "order")
def _order(row: Row, ctx: Context) -> Row:
    found: Row = row["_order"]
    return found


@field("Refund", "legacyResourceId")
def _legacy(row: Row, ctx: Context) -> str:
    return str(row.number)


@field("Refund", "duties")
def _duties(row: Row, ctx: Context) -> list[Any]:
    return []


# Fields of a refunded line


@field("RefundLineItem", "lineItem")
def _line_item(row: Row, ctx: Context) -> Row:
    found: Row = row["_line"]
    return found


@field("RefundLineItem", "location")
def _location(row: Row, ctx: Context) -> Row | None:
    number = row["_location_id"]
    return ctx.table("Location").get(number) if number is not None else None


@field("RefundLineItem", "priceSet")
def _price_set(row: Row, ctx: Context) -> dict[str, Any]:
    return bag(row["_line"]["_price"], row["_order"])


@field("RefundLineItem", "price")
def _price(row: Row, ctx: Context) -> str:
    return text(row["_line"]["_price"])


@field("RefundLineItem", "subtotalSet")
def _subtotal_set(row: Row, ctx: Context) -> dict[str, Any]:
    return bag(row["_subtotal"], row["_order"])


@field("RefundLineItem", "subtotal")
def _subtotal(row: Row, ctx: Context) -> str:
    return text(row["_subtotal"])


@field("RefundLineItem", "totalTaxSet")
def _tax_set(row: Row, ctx: Context) -> dict[str, Any]:
    return bag(row["_tax"], row["_order"])


@field("RefundLineItem", "totalTax")
def _tax(row: Row, ctx: Context) -> str:
    return text(row["_tax"])
