"""What the fulfillments of an order amount to: units shipped, units to ship, and the status that Shopify shows."""

from __future__ import annotations

from fake_shopify.admin import order_totals as totals
from fake_shopify.rows import Row

TO_SHIP = ("OPEN", "IN_PROGRESS", "SCHEDULED", "INCOMPLETE")
UNFINISHED = (*TO_SHIP, "ON_HOLD")
GIVEN = {"FULFILLED": "FULFILLED", "PARTIAL": "PARTIALLY_FULFILLED", "RESTOCKED": "RESTOCKED"}


def fulfilled_quantity(line: Row) -> int:
    """Return the units of a line in shipments that were not cancelled."""
    return sum(
        int(entry["quantity"])
        for one in line["_order"]["_fulfillments"]
        if one["status"] == "SUCCESS"
        for entry in one["_lines"]
        if entry["_line"] is line
    )


def fulfillable_quantity(line: Row) -> int:
    """Return the units that may be shipped now; units on hold may not (captured: fulfillments-057)."""
    return sum(
        int(entry["remainingQuantity"])
        for home in line["_order"]["_fulfillment_orders"]
        if home["status"] in TO_SHIP
        for entry in home["_lines"]
        if entry["_line"] is line
    )


def display_status(order: Row) -> str:
    """Return `displayFulfillmentStatus`.

    Captured: UNFULFILLED at first and after cancellation, PARTIALLY_FULFILLED (fulfillments-069), FULFILLED (fulfillments-006),
    IN_PROGRESS when progress is reported (fulfillments-047), ON_HOLD when everything unfulfilled is on hold and UNFULFILLED
    when only a part is (fulfillments-047, fulfillments-057). Source: OrderDisplayFulfillmentStatus (read 2026-11). A status
    given to orderCreate shows until there is a shipment.
    """
    done = sum(fulfilled_quantity(line) for line in order["_lines"])
    if done:
        wanted = sum(totals.current_quantity(line) for line in order["_lines"])
        return "FULFILLED" if done >= wanted else "PARTIALLY_FULFILLED"
    given = GIVEN.get(order.get("_fulfillment_status") or "")
    return given or _unshipped_status(order)


def _unshipped_status(order: Row) -> str:
    states = {home["status"] for home in order["_fulfillment_orders"] if home["status"] in UNFINISHED and _remaining(home)}
    for status in ("ON_HOLD", "SCHEDULED", "IN_PROGRESS"):
        if states == {status}:
            return status
    return "UNFULFILLED"


def _remaining(home: Row) -> int:
    return sum(int(entry["remainingQuantity"]) for entry in home["_lines"])
