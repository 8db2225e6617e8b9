"""What happened to a seeded order after it was made: payment, cancellation, shipment, returns; all of it up to its last touch."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from fake_shopify.admin import order_rows
from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.order_money import Pair, is_zero, portion
from fake_shopify.rows import Row
from fake_shopify.seeding.dice import Weighted
from fake_shopify.seeding.sales import LATE_EVERY, LATE_PLACE, Sale, hours
from fake_shopify.seeding.timeline import DAY_S, iso

GATEWAYS = Weighted([("shopify_payments", 0.72), ("paypal", 0.24), ("gift_card", 0.04)])
BANK = "Bank Deposit"
UNSHIPPED_FOR_S = 40 * DAY_S
"""Only orders younger than this may still wait to be shipped."""
REASONS = Weighted([("CUSTOMER", 0.6), ("INVENTORY", 0.2), ("FRAUD", 0.08), ("DECLINED", 0.04), ("OTHER", 0.08)])
RETURN_NOTES = ("Did not fit", "Arrived damaged", "Changed their mind", None)


def settle(sale: Sale, until: int) -> Row:
    """Let everything happen to an order that had happened by its last touch, and return the order."""
    payment, paid_at = _pay(sale)
    _open_fulfillment_orders(sale)
    cancel_at = _cancellation(sale, payment, paid_at)
    if cancel_at is not None:
        _cancel(sale, payment, cancel_at)
        return sale.order
    if sale.dice.chance(0.015) and len(sale.order["_lines"]) > 1 and _is_paid(payment):
        _take_off_a_line(sale, payment)
    shipped_at = _ship(sale, paid_at, until)
    if shipped_at is not None:
        payment = _capture(sale, payment, shipped_at, until)
        sale.order["closedAt"] = iso(shipped_at) if _is_paid(payment) and not _remaining(sale) else None
        if sale.index % LATE_EVERY == LATE_PLACE and _is_paid(payment):
            _return_something(sale, payment)
    return sale.order


# Payment


def _pay(sale: Sale) -> tuple[Row | None, int | None]:
    """Book the payment; returns it, and when the order was paid or authorised (None: not yet)."""
    order, dice, whole = sale.order, sale.dice, totals.total(sale.order)
    if is_zero(whole):
        return None, sale.created
    if order["test"]:
        return _book(sale, "SALE", whole, sale.created, gateway="bogus"), sale.created
    if sale.in_shop:
        return _book(sale, "SALE", whole, sale.created, gateway="cash" if dice.chance(0.3) else "shopify_payments"), sale.created
    roll = dice.roll()
    if roll < 0.03:
        return _pay_by_bank(sale, whole)
    if roll < 0.09:
        return _book(sale, "AUTHORIZATION", whole, sale.created, gateway="shopify_payments"), sale.created
    if roll < 0.105:
        _book(sale, "SALE", whole, sale.created, gateway="shopify_payments", status="FAILURE", errorCode="CARD_DECLINED")
    return _book(sale, "SALE", whole, sale.created, gateway=GATEWAYS.of(dice.roll())), sale.created


def _pay_by_bank(sale: Sale, whole: Pair) -> tuple[Row, int | None]:
    paid_at = sale.created + hours(18 + 40 * sale.dice.roll())
    if sale.dice.chance(0.85) and paid_at <= sale.seen:
        return _book(sale, "SALE", whole, paid_at, gateway=BANK), paid_at
    return _book(sale, "SALE", whole, sale.created, gateway=BANK, status="PENDING"), None


def _book(sale: Sale, kind: str, amount: Pair, at: int, *, gateway: str, **values: object) -> Row:
    return order_rows.add_transaction(sale.numbers, sale.order, kind=kind, amount=amount, now=iso(at), gateway=gateway, **values)


def _is_paid(payment: Row | None) -> bool:
    return payment is None or (payment["kind"] in totals.PAID_KINDS and payment["status"] == "SUCCESS")


def _capture(sale: Sale, payment: Row | None, at: int, until: int) -> Row | None:
    """Capture what was authorised, with the shipment; half of the young ones are still waiting for it."""
    waits = sale.dice.chance(0.5) and sale.created > until - UNSHIPPED_FOR_S
    if payment is None or payment["kind"] != "AUTHORIZATION" or waits:
        return payment
    return _book(sale, "CAPTURE", payment["_amount"], at, gateway=payment["gateway"], _parent=payment)


# Cancellation


def _cancellation(sale: Sale, payment: Row | None, paid_at: int | None) -> int | None:
    """Return when an order was cancelled; one that is never paid for is given up after three days."""
    changed_mind, after = sale.dice.chance(0.022), sale.dice.roll()
    if paid_at is None:
        at = sale.created + 3 * DAY_S
    elif changed_mind and not sale.in_shop and payment is not None and paid_at == sale.created:
        at = sale.created + hours(1 + 3 * after)
    else:
        return None
    return at if at <= sale.seen else None


def _cancel(sale: Sale, payment: Row | None, at: int) -> None:
    """Take everything off the order, as `orderCancel` does with refund and restocking."""
    order, now = sale.order, iso(at)
    refund = order_rows.add_refund(sale.numbers, order, now=now, note="Order canceled")
    for line in order["_lines"]:
        _refund_units(sale, refund, line, line["quantity"], "CANCEL")
    refund["_shipping"] = totals.shipping_net(order)
    if payment is not None and _is_paid(payment):
        _pay_back(sale, refund, payment, payment["_amount"], at)
    elif payment is not None and payment["kind"] == "AUTHORIZATION":
        _book(sale, "VOID", payment["_amount"], at, gateway=payment["gateway"], _parent=payment)
    for home in order["_fulfillment_orders"]:
        home.update(status="CLOSED", updatedAt=now)
        for entry in home["_lines"]:
            entry.update(totalQuantity=0, remainingQuantity=0)
    reason = REASONS.of(sale.dice.roll()) if payment is not None and payment["status"] == "SUCCESS" else "DECLINED"
    order.update(cancelledAt=now, closedAt=now, cancelReason=reason)


# Shipment


def _open_fulfillment_orders(sale: Sale) -> None:
    """Open one for what is to be shipped and one for what is not, at the location that serves the order."""
    location = sale.locations[-1] if sale.dice.chance(0.2) else sale.locations[0]
    for wanted in (True, False):
        lines = [(line, line["quantity"]) for line in sale.order["_lines"] if line["requiresShipping"] == wanted]
        if lines:
            order_rows.add_fulfillment_order(sale.numbers, sale.order, location_number=location, lines=lines, now=iso(sale.created))


def _remaining(sale: Sale) -> int:
    return sum(entry["remainingQuantity"] for home in sale.order["_fulfillment_orders"] for entry in home["_lines"])


def _ship(sale: Sale, paid_at: int | None, until: int) -> int | None:
    """Ship what is to be shipped, some of it, or nothing yet; returns when."""
    after, roll = sale.dice.roll(), sale.dice.roll()
    at = sale.created if sale.in_shop else max(sale.created, paid_at or 0) + hours(5 + 16 * after)
    if paid_at is None or at > sale.seen:
        return None
    is_young = sale.created > until - UNSHIPPED_FOR_S and not sale.in_shop
    if is_young and roll < 0.02:
        _hold(sale)
        return None
    if is_young and roll < 0.06:
        return None
    homes = sale.order["_fulfillment_orders"]
    entries = [entry for home in homes for entry in home["_lines"] if entry["remainingQuantity"]]
    if is_young and roll < 0.1 and len(entries) > 1:
        entries = entries[:1]
    _send(sale, homes, entries, at)
    return at


def _hold(sale: Sale) -> None:
    home = sale.order["_fulfillment_orders"][0]
    notes = "Check the address with the customer"
    hold = order_rows.new_row(
        "FulfillmentHold",
        sale.numbers("FulfillmentHold"),
        reason="INCORRECT_ADDRESS",
        reasonNotes=notes,
        handle="",
        _external_id=None,
        _app_number=None,
    )
    home["_holds"].append(hold)
    home["status"] = "ON_HOLD"


def _send(sale: Sale, homes: list[Row], entries: list[Row], at: int) -> None:
    fulfillment = order_rows.add_fulfillment(
        sale.numbers,
        sale.order,
        location_number=homes[0]["_location_id"],
        lines=[(entry["_line"], entry["remainingQuantity"]) for entry in entries],
        now=iso(at),
        _tracking=[] if sale.in_shop else [_tracking(sale)],
    )
    for entry in entries:
        fulfillment["_taken"].append((entry, entry["remainingQuantity"]))
        entry["remainingQuantity"] = 0
    for home in homes:
        left = sum(entry["remainingQuantity"] for entry in home["_lines"])
        sent = any(entry["_home"] is home for entry in entries)
        home.update(status="CLOSED" if not left else "IN_PROGRESS" if sent else home["status"], updatedAt=iso(at))


def _tracking(sale: Sale) -> dict[str, str | None]:
    number = f"{940_000_000_000 + sale.index * 7_919:012d}"
    return {"__typename": "FulfillmentTrackingInfo", "number": number, "url": None, "company": "USPS"}


# Refunds


def _refund_units(sale: Sale, refund: Row, line: Row, count: int, kind: str, location: int | None = None) -> None:
    order_rows.add_refund_line(
        sale.numbers,
        refund,
        line,
        count,
        restock_type=kind,
        subtotal=totals.line_net(line, count),
        tax=totals.line_tax(line, count),
        _location_id=location,
    )


def _pay_back(sale: Sale, refund: Row, payment: Row, amount: Pair, at: int) -> None:
    transaction = _book(sale, "REFUND", amount, at, gateway=payment["gateway"], _parent=payment)
    refund["_transactions"].append(transaction)


def _take_off_a_line(sale: Sale, payment: Row | None) -> None:
    """Take a line off and pay it back on the same day, before anything is shipped."""
    at = sale.created + hours(0.5 + 3 * sale.dice.roll())
    entry = sale.order["_fulfillment_orders"][0]["_lines"][-1]
    line = entry["_line"]
    if at > sale.seen or payment is None:
        return
    refund = order_rows.add_refund(sale.numbers, sale.order, now=iso(at), note="Sold out")
    _refund_units(sale, refund, line, line["quantity"], "CANCEL", sale.order["_fulfillment_orders"][0]["_location_id"])
    entry.update(totalQuantity=0, remainingQuantity=0)
    worth = totals.refund_worth(refund)
    if not is_zero(worth):
        _pay_back(sale, refund, payment, worth, at)


def _return_something(sale: Sale, payment: Row | None) -> None:
    """Return all or some of the order days later, or pay a part of the price back."""
    dice = sale.dice
    at, roll = sale.created + int((5 + 24 * dice.roll()) * DAY_S), dice.roll()
    if at > sale.seen or payment is None or roll < 0.2:
        return
    refund = order_rows.add_refund(sale.numbers, sale.order, now=iso(at), note=dice.pick(RETURN_NOTES))
    if roll < 0.3:
        amount = portion(totals.net_payment(sale.order), Decimal(dice.between(5, 20)), 100)
    else:
        _return_units(sale, refund, lambda line: roll < 0.5 or dice.chance(0.5))
        if roll < 0.5:
            refund["_shipping"] = totals.current_shipping(sale.order)
        amount = totals.refund_worth(refund)
    if is_zero(amount):
        return
    _pay_back(sale, refund, payment, amount, at)


def _return_units(sale: Sale, refund: Row, wanted: Callable[[Row], bool]) -> None:
    """Return lines that are wanted, at least one; some lines only in part. What comes back broken is not restocked."""
    lines = [line for line in sale.order["_lines"] if totals.current_quantity(line)]
    chosen = [line for line in lines if wanted(line)] or lines[:1]
    everything = len(chosen) == len(lines)
    for line in chosen:
        count = totals.current_quantity(line)
        count = count if everything else sale.dice.between(1, count)
        kind = "RETURN" if sale.dice.chance(0.8) else "NO_RESTOCK"
        location = sale.order["_fulfillment_orders"][0]["_location_id"] if kind == "RETURN" else None
        _refund_units(sale, refund, line, count, kind, location)
