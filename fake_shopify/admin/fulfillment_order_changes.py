"""Moving, splitting, merging and rerouting fulfillment orders: units of lines go from one to another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fake_shopify.admin import order_rows
from fake_shopify.admin.fulfillment_orders import edit_home, find_home, remaining
from fake_shopify.admin.fulfillment_routing import move_stock
from fake_shopify.admin.order_events import announce_part, changed
from fake_shopify.admin.order_parts import live_numbers
from fake_shopify.context import Context, split_gid
from fake_shopify.failures import invalid_id, user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

Wanted = list[tuple[str, int]]
NO_ORDER = "Fulfillment order does not exist."
NO_LINE = "Fulfillment order line item does not exist."
WRONG_QUANTITY = "Invalid fulfillment order line item quantity requested."


def wanted_quantities(given: Iterable[dict[str, Any]] | None) -> Wanted:
    """Read a list of line ids with quantities."""
    return [(one["id"], one["quantity"]) for one in given or ()]


def entry_of(home: Row, id: str) -> Row | None:
    """Return a line of a fulfillment order by GID."""
    number = split_gid(id)[1]
    return next((entry for entry in home["_lines"] if str(entry.number) == number), None)


def check_quantities(home: Row, wanted: Wanted) -> dict[str, Any] | None:
    """Return the error for lines that are not there or not that often (captured: fulfillments-006, fulfillments-049)."""
    for one, quantity in wanted:
        entry = entry_of(home, one)
        if entry is None:
            return user_error(None, NO_LINE)
        if quantity > entry["remainingQuantity"]:
            return user_error(None, WRONG_QUANTITY)
    return None


def note_change(ctx: Context, home: Row, topic: str | None = None) -> None:
    """Note and announce a change of a fulfillment order."""
    home["updatedAt"] = ctx.now()
    if topic is not None:
        announce_part(ctx, topic, home, fulfillment_order={"id": home["id"], "status": home["status"].lower()})
    changed(ctx, home["_order"])


def copy_home(ctx: Context, home: Row, *, location_number: int | None = None) -> Row:
    """Make an empty open fulfillment order like another one."""
    order = home["_order"]
    return order_rows.add_fulfillment_order(
        live_numbers(ctx.shop, order.number),
        order,
        location_number=home["_location_id"] if location_number is None else location_number,
        lines=(),
        now=ctx.now(),
        fulfillAt=home["fulfillAt"],
        fulfillBy=home["fulfillBy"],
    )


def take_out(ctx: Context, home: Row, wanted: Wanted, other: Row) -> None:
    """Move units into another fulfillment order; a line of which nothing is left goes away.

    Captured: moved units get lines with new ids, the rest keeps its own (fulfillments-005, fulfillments-053).
    """
    numbers = live_numbers(ctx.shop, home["_order"].number)
    for one, quantity in wanted:
        entry = entry_of(home, one)
        assert entry is not None
        order_rows.add_fulfillment_order_line(numbers, other, entry["_line"], quantity)
        entry["totalQuantity"] -= quantity
        entry["remainingQuantity"] -= quantity
    home["_lines"] = [entry for entry in home["_lines"] if entry["totalQuantity"] > 0]


def absorb(ctx: Context, home: Row, other: Row) -> None:
    """Take all remaining units of another fulfillment order in and close it (captured: fulfillments-048, fulfillments-049)."""
    numbers = live_numbers(ctx.shop, home["_order"].number)
    for entry in other["_lines"]:
        own = next((one for one in home["_lines"] if one["_line"] is entry["_line"]), None)
        count = entry["remainingQuantity"]
        if own is None and count:
            order_rows.add_fulfillment_order_line(numbers, home, entry["_line"], count)
        elif own is not None:
            own["totalQuantity"] += count
            own["remainingQuantity"] += count
        entry["totalQuantity"] -= count
        entry["remainingQuantity"] = 0
    other.update(status="CLOSED", updatedAt=ctx.now())


# Move


@mutation("fulfillmentOrderMove")
def fulfillment_order_move(
    ctx: Context, id: str, newLocationId: str, fulfillmentOrderLineItems: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Assign a fulfillment order, or some of its units, to another location.

    Captured: all of it keeps its id and nothing remains (fulfillments-052); some units go into a new one and what remains is the
    original (fulfillments-005, fulfillments-048, fulfillments-053). Source: fulfillmentOrderMove (read 2026-11): not when
    closed or with progress reported. Assumed: those wordings, and that an unknown location ends the field.
    """
    home, location = edit_home(ctx, id), ctx.find("Location", newLocationId)
    if location is None:
        raise invalid_id(newLocationId)
    wanted = wanted_quantities(fulfillmentOrderLineItems)
    error = _move_error(home, location, wanted)
    if error is not None:
        empty = dict.fromkeys(("movedFulfillmentOrder", "originalFulfillmentOrder", "remainingFulfillmentOrder"))
        return empty | {"userErrors": [error]}
    moved = _move(ctx, home, location, wanted)
    rest = None if moved is home else home
    return {"movedFulfillmentOrder": moved, "originalFulfillmentOrder": home, "remainingFulfillmentOrder": rest, "userErrors": []}


def _move_error(home: Row, location: Row, wanted: Wanted) -> dict[str, Any] | None:
    if home["status"] == "IN_PROGRESS" and home.get("_progress"):
        text = "Cannot move fulfillment order that has had progress reported. Mark as unfulfilled first."
        return user_error(["id"], text, "CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS")
    if home["status"] not in ("OPEN", "ON_HOLD", "SCHEDULED", "INCOMPLETE", "IN_PROGRESS"):
        return user_error(["id"], "Cannot change the location of a closed fulfillment order.")
    if not location["isActive"]:
        return user_error(["newLocationId"], "Location is deactivated and can't be assigned.")
    return check_quantities(home, wanted)


def _move(ctx: Context, home: Row, location: Row, wanted: Wanted) -> Row:
    left = wanted or [(entry["id"], entry["remainingQuantity"]) for entry in home["_lines"]]
    origin = home["_location_id"]
    for one, quantity in left:
        entry = entry_of(home, one)
        assert entry is not None
        move_stock(ctx, entry["_line"], origin, location.number, quantity)
    whole = sum(quantity for _, quantity in left) == sum(entry["totalQuantity"] for entry in home["_lines"])
    if whole:
        home["_location_id"] = location.number
        note_change(ctx, home, "fulfillment_orders/moved")
        return home
    other = copy_home(ctx, home, location_number=location.number)
    take_out(ctx, home, [(one, quantity) for one, quantity in left if quantity], other)
    note_change(ctx, home)
    note_change(ctx, other, "fulfillment_orders/moved")
    return other


# Split and merge


def _list_refused(payload: str, error: dict[str, Any]) -> dict[str, Any]:
    return {payload: None, "userErrors": [error]}


@mutation("fulfillmentOrderSplit")
def fulfillment_order_split(ctx: Context, fulfillmentOrderSplits: list[dict[str, Any]]) -> dict[str, Any]:
    """Take units out of open fulfillment orders into new ones.

    Captured: `remainingFulfillmentOrder` is the new one with the units that were named (fulfillments-006, fulfillments-048).
    Assumed: the errors are those of merging (captured: fulfillments-049) with "split" for "merge".
    """
    for index, one in enumerate(fulfillmentOrderSplits):
        error = _split_error(ctx, index, one)
        if error is not None:
            return _list_refused("fulfillmentOrderSplits", error)
    return {"fulfillmentOrderSplits": [_split(ctx, one) for one in fulfillmentOrderSplits], "userErrors": []}


def _split_error(ctx: Context, index: int, given: dict[str, Any]) -> dict[str, Any] | None:
    home, wanted = find_home(ctx, given["fulfillmentOrderId"]), wanted_quantities(given["fulfillmentOrderLineItems"])
    where = ["fulfillmentOrderSplits", str(index), "fulfillmentOrderLineItems"]
    if not wanted:
        text = "The fulfillment order must have at least one line item input to split."
        return user_error(where, text, "NO_LINE_ITEMS_PROVIDED_TO_SPLIT")
    for place, (_, quantity) in enumerate(wanted):
        if quantity < 1:
            text = "You must select at least one item to split into a new fulfillment order."
            return user_error([*where, str(place), "quantity"], text, "GREATER_THAN")
    if home is None:
        return user_error(None, NO_ORDER, "FULFILLMENT_ORDER_NOT_FOUND")
    if home["status"] != "OPEN":
        return user_error(None, f"Fulfillment order: {home.number} is currently not in a splittable state.")
    error = check_quantities(home, wanted)
    if error is None and sum(quantity for _, quantity in wanted) >= remaining(home):
        return user_error(None, WRONG_QUANTITY)
    return error


def _split(ctx: Context, given: dict[str, Any]) -> dict[str, Any]:
    home = edit_home(ctx, given["fulfillmentOrderId"])
    other = copy_home(ctx, home)
    take_out(ctx, home, wanted_quantities(given["fulfillmentOrderLineItems"]), other)
    note_change(ctx, home)
    note_change(ctx, other, "fulfillment_orders/split")
    return {"fulfillmentOrder": home, "remainingFulfillmentOrder": other, "replacementFulfillmentOrder": None}


@mutation("fulfillmentOrderMerge")
def fulfillment_order_merge(ctx: Context, fulfillmentOrderMergeInputs: list[dict[str, Any]]) -> dict[str, Any]:
    """Put several open fulfillment orders of one location together into the first.

    Captured: the others are closed with totals of zero; unknown order, quantity of zero, unknown line, too many, not open
    (fulfillments-048 … 050). Assumed: quantities of single lines are checked and all units are merged.
    """
    for index, one in enumerate(fulfillmentOrderMergeInputs):
        error = _merge_error(ctx, index, one["mergeIntents"])
        if error is not None:
            return _list_refused("fulfillmentOrderMerges", error)
    merged = [_merge(ctx, one["mergeIntents"]) for one in fulfillmentOrderMergeInputs]
    return {"fulfillmentOrderMerges": [{"fulfillmentOrder": home} for home in merged], "userErrors": []}


def _merge_error(ctx: Context, index: int, intents: list[dict[str, Any]]) -> dict[str, Any] | None:
    for place, intent in enumerate(intents):
        for nth, (_, quantity) in enumerate(wanted_quantities(intent.get("fulfillmentOrderLineItems"))):
            if quantity < 1:
                where = ["fulfillmentOrderMergeInputs", str(index), "mergeIntents", str(place), "fulfillmentOrderLineItems"]
                text = "You must select at least one item to merge into a new fulfillment order."
                return user_error([*where, str(nth), "quantity"], text, "GREATER_THAN")
    homes = [find_home(ctx, intent["fulfillmentOrderId"]) for intent in intents]
    if any(home is None for home in homes):
        return user_error(None, NO_ORDER, "FULFILLMENT_ORDER_NOT_FOUND")
    for home, intent in zip(homes, intents, strict=True):
        assert home is not None
        if home["status"] != "OPEN":
            return user_error(None, f"Fulfillment order: {home.number} is currently not in a mergeable state.")
        error = check_quantities(home, wanted_quantities(intent.get("fulfillmentOrderLineItems")))
        if error is not None:
            return error
    return None


def _merge(ctx: Context, intents: list[dict[str, Any]]) -> Row:
    home, *others = [edit_home(ctx, intent["fulfillmentOrderId"]) for intent in intents]
    for other in others:
        absorb(ctx, home, other)
    note_change(ctx, home, "fulfillment_orders/merged")
    return home


# Reroute


@mutation("fulfillmentOrdersReroute")
def fulfillment_orders_reroute(
    ctx: Context,
    fulfillmentOrderIds: list[str],
    includedLocationIds: list[str] | None = None,
    excludedLocationIds: list[str] | None = None,
) -> dict[str, Any]:
    """Assign open fulfillment orders to another location of the shop's choosing.

    Source: shopify.dev/docs/api/admin-graphql/latest/enums/FulfillmentOrdersRerouteUserErrorCode (read 2026-11; the wordings
    are the codes' descriptions). Assumed: the first active location that is allowed is taken.
    """
    homes = [edit_home(ctx, one) for one in fulfillmentOrderIds]
    if any(home["status"] not in ("OPEN", "ON_HOLD", "SCHEDULED") for home in homes):
        text = "All fulfillment orders must have status and request status compatible with reroutable states."
        return _list_refused(
            "movedFulfillmentOrders", user_error(["fulfillmentOrderIds"], text, "FULFILLMENT_ORDERS_STATE_NOT_SUPPORTED")
        )
    if len({home["_order"].number for home in homes}) > 1:
        text = "Fulfillment orders are not from the same order."
        error = user_error(["fulfillmentOrderIds"], text, "FULFILLMENT_ORDERS_NOT_FROM_THE_SAME_ORDER")
        return _list_refused("movedFulfillmentOrders", error)
    target = _other_location(ctx, homes, includedLocationIds, excludedLocationIds or [])
    if target is None:
        text = "Cannot reassign location for fulfillment orders."
        error = user_error(["fulfillmentOrderIds"], text, "CANNOT_REASSIGN_LOCATION_FOR_FULFILLMENT_ORDERS")
        return _list_refused("movedFulfillmentOrders", error)
    return {"movedFulfillmentOrders": [_move(ctx, home, target, []) for home in homes], "userErrors": []}


def _other_location(ctx: Context, homes: list[Row], included: list[str] | None, excluded: list[str]) -> Row | None:
    used = {home["_location_id"] for home in homes}
    for location in ctx.table("Location"):
        allowed = location["id"] not in excluded and (not included or location["id"] in included)
        if location["isActive"] and allowed and location.number not in used:
            return location
    return None
