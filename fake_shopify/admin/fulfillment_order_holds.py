"""Holding fulfillment orders and releasing them; open, close, cancel, reschedule, progress and deadlines."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import order_rows
from fake_shopify.admin.fulfillment_order_changes import (
    Wanted,
    absorb,
    check_quantities,
    copy_home,
    note_change,
    take_out,
    wanted_quantities,
)
from fake_shopify.admin.fulfillment_orders import edit_home, find_home
from fake_shopify.admin.order_parts import live_numbers
from fake_shopify.clock import iso, parse_iso
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

MAX_HOLDS = 10
PROGRESS_REPORTED = "fulfillment order that has had progress reported. Mark as unfulfilled first."


# Hold and release


@mutation("fulfillmentOrderHold")
def fulfillment_order_hold(ctx: Context, id: str, fulfillmentHold: dict[str, Any]) -> dict[str, Any]:
    """Put a fulfillment order, or some of its units, on hold; the rest goes into a new one.

    Captured: the whole (fulfillments-058), several holds on one (fulfillments-060), some units of several lines (fulfillments-043);
    the handle is empty unless given.
    """
    home = edit_home(ctx, id)
    wanted = wanted_quantities(fulfillmentHold.get("fulfillmentOrderLineItems"))
    errors = _hold_errors(ctx, home, fulfillmentHold, wanted)
    if errors:
        return {"fulfillmentHold": None, "fulfillmentOrder": None, "remainingFulfillmentOrder": None, "userErrors": errors}
    rest = _split_off_rest(ctx, home, wanted) if wanted else None
    number = live_numbers(ctx.shop, home["_order"].number)("FulfillmentHold")
    hold = order_rows.new_row(
        "FulfillmentHold",
        number,
        reason=fulfillmentHold["reason"],
        reasonNotes=fulfillmentHold.get("reasonNotes"),
        handle=fulfillmentHold.get("handle") or "",
        _external_id=fulfillmentHold.get("externalId"),
        _app_number=_app_number(ctx),
    )
    home["_holds"].append(hold)
    home["status"] = "ON_HOLD"
    note_change(ctx, home, "fulfillment_orders/placed_on_hold")
    return {"fulfillmentHold": hold, "fulfillmentOrder": home, "remainingFulfillmentOrder": rest, "userErrors": []}


def _app_number(ctx: Context) -> int:
    return ctx.world.apps[ctx.grant.client_id].number


def _hold_errors(ctx: Context, home: Row, given: dict[str, Any], wanted: Wanted) -> list[dict[str, Any]]:
    """Check a hold.

    Source: shopify.dev/docs/api/admin-graphql/latest/enums/FulfillmentOrderHoldUserErrorCode (read 2026-11): limit of 10 holds per
    app, handles once, quantities above zero. Assumed: the wordings after the codes' descriptions, the fields.
    """
    if home["status"] not in ("OPEN", "SCHEDULED", "IN_PROGRESS", "ON_HOLD"):
        return [user_error(["id"], "The fulfillment order is not in a holdable state.")]
    own = [hold for hold in home["_holds"] if hold["_app_number"] == _app_number(ctx)]
    if len(own) >= MAX_HOLDS:
        text = "The maximum number of fulfillment holds for this fulfillment order has been reached for this app."
        return [user_error(["id"], text, "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")]
    if any(hold["handle"] == (given.get("handle") or "") for hold in own):
        text = (
            "The handle provided for the fulfillment hold is already in use by this app for another hold on this fulfillment order."
        )
        return [user_error(["fulfillmentHold", "handle"], text, "DUPLICATE_FULFILLMENT_HOLD_HANDLE")]
    return _partial_hold_errors(home, wanted)


def _partial_hold_errors(home: Row, wanted: Wanted) -> list[dict[str, Any]]:
    where = ["fulfillmentHold", "fulfillmentOrderLineItems"]
    if wanted and home["status"] == "ON_HOLD":
        text = "The fulfillment order is not in a splittable state."
        return [user_error(where, text, "FULFILLMENT_ORDER_NOT_SPLITTABLE")]
    for index, (_, quantity) in enumerate(wanted):
        if quantity < 1:
            text = "You must select at least one item to place on partial hold."
            return [user_error([*where, str(index), "quantity"], text, "GREATER_THAN_ZERO")]
    if len({entry for entry, _ in wanted}) < len(wanted):
        text = "The fulfillment order line items are not unique."
        return [user_error(where, text, "DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS")]
    error = check_quantities(home, wanted)
    return [error | {"code": "INVALID_LINE_ITEM_QUANTITY"}] if error is not None else []


def _split_off_rest(ctx: Context, home: Row, wanted: Wanted) -> Row | None:
    """Move all but the wanted units into a new fulfillment order; None when nothing is left over."""
    kept = dict(wanted)
    rest = [(entry["id"], entry["remainingQuantity"] - kept.get(entry["id"], 0)) for entry in home["_lines"]]
    rest = [(entry, quantity) for entry, quantity in rest if quantity > 0]
    if not rest:
        return None
    other = copy_home(ctx, home)
    take_out(ctx, home, rest, other)
    other["_split_from"] = home.number
    note_change(ctx, other)
    return other


@mutation("fulfillmentOrderReleaseHold")
def fulfillment_order_release_hold(
    ctx: Context, id: str, holdIds: list[str] | None = None, externalId: str | None = None
) -> dict[str, Any]:
    """Release all or some holds; when none is left the fulfillment order opens and takes its split-off units back.

    Captured: the units return and the other one is closed with totals of zero (fulfillments-047, fulfillments-048); releasing
    one of two holds (fulfillments-060). Assumed: `holdIds` go before `externalId`.
    """
    home = edit_home(ctx, id)
    home["_holds"] = [hold for hold in home["_holds"] if not _is_released(hold, holdIds, externalId)]
    if not home["_holds"] and home["status"] == "ON_HOLD":
        home["status"] = "OPEN"
        for other in home["_order"]["_fulfillment_orders"]:
            if other.get("_split_from") == home.number and other["status"] == "OPEN":
                absorb(ctx, home, other)
    note_change(ctx, home, "fulfillment_orders/hold_released")
    return {"fulfillmentOrder": home, "userErrors": []}


def _is_released(hold: Row, ids: list[str] | None, external_id: str | None) -> bool:
    if ids:
        return hold["id"] in ids
    return external_id is None or hold["_external_id"] == external_id


# State


def _state_error(payload: str, field: list[str] | None, message: str, code: str | None = None) -> dict[str, Any]:
    return {payload: None, "userErrors": [user_error(field, message, code)]}


@mutation("fulfillmentOrderOpen")
def fulfillment_order_open(ctx: Context, id: str) -> dict[str, Any]:
    """Mark a fulfillment order in progress (or scheduled) as open; other states are refused by name (captured:
    fulfillments-047, 056, 057).
    """
    home = edit_home(ctx, id)
    if home["status"] not in ("IN_PROGRESS", "SCHEDULED"):
        text = f"Expected fulfillment order status to be valid but it was {home['status'].lower()}."
        return _state_error("fulfillmentOrder", None, text)
    home["status"] = "OPEN"
    note_change(ctx, home)
    return {"fulfillmentOrder": home, "userErrors": []}


@mutation("fulfillmentOrderReportProgress")
def fulfillment_order_report_progress(ctx: Context, id: str, progressReport: dict[str, Any] | None = None) -> dict[str, Any]:
    """Mark a fulfillment order as in progress (captured: fulfillments-048; refused in other states: fulfillments-057)."""
    home = edit_home(ctx, id)
    if home["status"] not in ("OPEN", "IN_PROGRESS"):
        text = "Cannot report progress on a fulfillment order in this state."
        return _state_error("fulfillmentOrder", None, text, "FULFILLMENT_ORDER_STATUS_INVALID")
    home.update(status="IN_PROGRESS", _progress=True)
    note_change(ctx, home, "fulfillment_orders/progress_reported")
    return {"fulfillmentOrder": home, "userErrors": []}


@mutation("fulfillmentOrderClose")
def fulfillment_order_close(ctx: Context, id: str, message: str | None = None) -> dict[str, Any]:
    """Refuse to close: only orders of a fulfillment service with an API can be closed (captured: fulfillments-047)."""
    edit_home(ctx, id)
    return _state_error("fulfillmentOrder", None, "The fulfillment order's assigned fulfillment service must be of api type")


@mutation("fulfillmentOrderCancel")
def fulfillment_order_cancel(ctx: Context, id: str) -> dict[str, Any]:
    """Close a fulfillment order; its lines go over into a new open one.

    Captured: lines keep their ids and the old one is empty (fulfillments-048); refused when closed and when progress was reported
    (fulfillments-047).
    """
    home = edit_home(ctx, id)
    refused = {"fulfillmentOrder": None, "replacementFulfillmentOrder": None}
    if home["status"] == "IN_PROGRESS":
        return refused | {"userErrors": [user_error(["id"], f"Cannot cancel {PROGRESS_REPORTED}")]}
    if home["status"] != "OPEN":
        text = "Fulfillment order is not in cancelable request state and can't be canceled."
        return refused | {"userErrors": [user_error(None, text)]}
    other = copy_home(ctx, home)
    other["_lines"], home["_lines"] = home["_lines"], []
    for entry in other["_lines"]:
        entry["_home"] = other
    home["status"] = "CLOSED"
    note_change(ctx, other)
    note_change(ctx, home, "fulfillment_orders/cancelled")
    return {"fulfillmentOrder": home, "replacementFulfillmentOrder": other, "userErrors": []}


@mutation("fulfillmentOrderReschedule")
def fulfillment_order_reschedule(ctx: Context, id: str, fulfillAt: str) -> dict[str, Any]:
    """Move the date of a scheduled fulfillment order (captured: others are refused, fulfillments-047)."""
    home = edit_home(ctx, id)
    if home["status"] != "SCHEDULED":
        return _state_error("fulfillmentOrder", None, "Fulfillment order must be scheduled.")
    home["fulfillAt"] = iso(parse_iso(fulfillAt))
    note_change(ctx, home, "fulfillment_orders/rescheduled")
    return {"fulfillmentOrder": home, "userErrors": []}


@mutation("fulfillmentOrdersSetFulfillmentDeadline")
def set_fulfillment_deadline(ctx: Context, fulfillmentOrderIds: list[str], fulfillmentDeadline: str) -> dict[str, Any]:
    """Set `fulfillBy`, also of closed ones (captured: fulfillments-064, 065; none found: fulfillments-033).

    Assumed: ids that do not exist are passed over when others do.
    """
    homes = [edit_home(ctx, one) for one in fulfillmentOrderIds if find_home(ctx, one) is not None]
    if not homes:
        return {"success": False, "userErrors": [user_error(None, "Fulfillment orders could not be found.")]}
    for home in homes:
        home["fulfillBy"] = iso(parse_iso(fulfillmentDeadline))
        note_change(ctx, home)
    return {"success": True, "userErrors": []}


@mutation("fulfillmentOrderLineItemsPreparedForPickup")
def prepared_for_pickup(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Refuse: no order of the fake is for pick-up (captured: fulfillments-047)."""
    errors = [
        user_error(
            ["input", "lineItemsByFulfillmentOrder", str(index), "fulfillmentOrderId"],
            f"Invalid fulfillment_order_id provided {one['fulfillmentOrderId'].rsplit('/', 1)[-1]}",
            "FULFILLMENT_ORDER_INVALID",
        )
        for index, one in enumerate(input["lineItemsByFulfillmentOrder"])
    ]
    return {"userErrors": errors}
