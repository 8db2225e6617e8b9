"""Shipments: creating and cancelling them, tracking, events, and their fields."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import order_rows
from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.fulfillment_order_changes import NO_LINE, NO_ORDER, WRONG_QUANTITY, entry_of
from fake_shopify.admin.fulfillment_orders import edit_home, find_home, remaining
from fake_shopify.admin.fulfillment_routing import ship_stock, unship_stock
from fake_shopify.admin.fulfillment_state import display_status
from fake_shopify.admin.order_events import announce_part, changed
from fake_shopify.admin.order_lines import line_page
from fake_shopify.admin.order_money import Pair, bag, portion, text, times
from fake_shopify.admin.order_parts import find_part, live_numbers
from fake_shopify.clock import iso, parse_iso
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, SortKey, by_id, instant, page, page_of_list
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row

NOT_FOUND = "Fulfillment does not exist."
SHIPPABLE = ("OPEN", "IN_PROGRESS", "INCOMPLETE", "SCHEDULED")
EVENT_TEXTS = ("address1", "city", "country", "latitude", "longitude", "message", "province", "zip")
Groups = list[tuple[Row, list[tuple[Row, int]]]]


def find_fulfillment(ctx: Context, id: str, *, edit: bool = False) -> Row | None:
    """Return a fulfillment by GID."""
    return find_part(ctx, "Fulfillment", id, edit=edit)


@query("fulfillment")
def fulfillment(ctx: Context, id: str) -> Row | None:
    """Answer a fulfillment; an unknown id is null (captured: fulfillments-019)."""
    ctx.require_type(id, "Fulfillment")
    return find_fulfillment(ctx, id)


# Create


@mutation("fulfillmentCreate", "fulfillmentCreateV2")
def fulfillment_create(ctx: Context, fulfillment: dict[str, Any], message: str | None = None) -> dict[str, Any]:
    """Ship units of the fulfillment orders of one order and one location.

    Captured: units of the same line become one fulfillment line; what is wholly shipped is closed (fulfillments-003 … 007), the
    rest is in progress (fulfillments-069).
    """
    given = fulfillment["lineItemsByFulfillmentOrder"]
    error = _create_error(ctx, given)
    if error is not None:
        return {"fulfillment": None, "userErrors": [error]}
    groups = [_group(edit_home(ctx, one["fulfillmentOrderId"]), one) for one in given]
    row = _ship(ctx, groups, fulfillment)
    return {"fulfillment": row, "userErrors": []}


def _create_error(ctx: Context, given: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Check a shipment in Shopify's order.

    Captured: quantities above zero, of all groups, before anything else (fulfillments-003 … 006); then existence, one order, one
    location, lines, quantities. Assumed: the state is checked after the location, in REST's words; so is an empty list.
    """
    for index, one in enumerate(given):
        for place, line in enumerate(one.get("fulfillmentOrderLineItems") or ()):
            if line["quantity"] < 1:
                where = ["fulfillment", "lineItemsByFulfillmentOrder", str(index), "fulfillmentOrderLineItems", str(place)]
                return user_error([*where, "quantity"], "Quantity must be greater than 0")
    homes = [home for home in (find_home(ctx, one["fulfillmentOrderId"]) for one in given) if home is not None]
    if len(homes) < len(given) or not homes:
        return user_error(["fulfillment"], NO_ORDER)
    return _homes_error(homes) or _lines_error(homes, given)


def _homes_error(homes: list[Row]) -> dict[str, Any] | None:
    orders = sorted({home["_order"].number for home in homes})
    if len(orders) > 1:
        text_ = f"All fulfillment orders must belong to the same order. Multiple orders with ids {orders} were found."
        return user_error(["fulfillment"], text_)
    locations = sorted({home["_location_id"] for home in homes})
    if len(locations) > 1:
        text_ = f"All fulfillment orders must be assigned to a single location. Multiple locations with ids {locations} were found."
        return user_error(["fulfillment"], text_)
    for home in homes:
        if home["status"] not in SHIPPABLE:
            text_ = f"Fulfillment order {home.number} has an unfulfillable status= {home['status'].lower()}."
            return user_error(["fulfillment"], text_)
    return None


def _lines_error(homes: list[Row], given: list[dict[str, Any]]) -> dict[str, Any] | None:
    for home, one in zip(homes, given, strict=True):
        for line in one.get("fulfillmentOrderLineItems") or ():
            entry = entry_of(home, line["id"])
            if entry is None:
                return user_error(["fulfillment"], NO_LINE)
            if line["quantity"] > entry["remainingQuantity"]:
                return user_error(["fulfillment"], WRONG_QUANTITY)
    return None


def _group(home: Row, given: dict[str, Any]) -> tuple[Row, list[tuple[Row, int]]]:
    chosen = given.get("fulfillmentOrderLineItems")
    if not chosen:
        return home, [(entry, entry["remainingQuantity"]) for entry in home["_lines"] if entry["remainingQuantity"]]
    found = [(entry_of(home, one["id"]), one["quantity"]) for one in chosen]
    return home, [(entry, quantity) for entry, quantity in found if entry is not None]


def _ship(ctx: Context, groups: Groups, given: dict[str, Any]) -> Row:
    order, location = groups[0][0]["_order"], groups[0][0]["_location_id"]
    counts: dict[int, tuple[Row, int]] = {}
    taken: list[tuple[Row, int]] = []
    for home, entries in groups:
        for entry, quantity in entries:
            line = entry["_line"]
            counts[line.number] = (line, counts.get(line.number, (line, 0))[1] + quantity)
            taken.append((entry, quantity))
            entry["remainingQuantity"] -= quantity
            ship_stock(ctx, line, location, quantity)
        home.update(status="IN_PROGRESS" if remaining(home) else "CLOSED", updatedAt=ctx.now())
    row = order_rows.add_fulfillment(
        live_numbers(ctx.shop, order.number),
        order,
        location_number=location,
        lines=list(counts.values()),
        now=ctx.now(),
        originAddress=_origin(given.get("originAddress")),
    )
    row.update(_taken=taken, _tracking=tracking(given.get("trackingInfo") or {}))
    announce_part(ctx, "fulfillments/create", row, status="success")
    done = display_status(order) == "FULFILLED"
    changed(ctx, order, "orders/fulfilled" if done else "orders/partially_fulfilled")
    return row


def _origin(given: dict[str, Any] | None) -> dict[str, Any] | None:
    return {"__typename": "FulfillmentOriginAddress"} | given if given else None


def tracking(given: dict[str, Any]) -> list[dict[str, Any]]:
    """Read tracking input: one number and address, or lists of them that belong together (captured: fulfillments-021)."""
    numbers = given.get("numbers") or ([given["number"]] if given.get("number") else [])
    urls = given.get("urls") or ([given["url"]] if given.get("url") else [])
    company = given.get("company")
    count = max(len(numbers), len(urls), 1 if company else 0)
    return [
        {
            "__typename": "FulfillmentTrackingInfo",
            "number": numbers[index] if index < len(numbers) else None,
            "url": urls[index] if index < len(urls) else None,
            "company": company,
        }
        for index in range(count)
    ]


# Change


@mutation("fulfillmentTrackingInfoUpdate", "fulfillmentTrackingInfoUpdateV2")
def tracking_info_update(
    ctx: Context, fulfillmentId: str, trackingInfoInput: dict[str, Any], notifyCustomer: bool | None = None
) -> dict[str, Any]:
    """Replace tracking, also of a cancelled shipment (captured: fulfillments-017, 021, 034; unknown ones: assumed)."""
    row = find_fulfillment(ctx, fulfillmentId, edit=True)
    if row is None:
        return {"fulfillment": None, "userErrors": [user_error(["fulfillmentId"], NOT_FOUND)]}
    row.update(_tracking=tracking(trackingInfoInput), updatedAt=ctx.now())
    announce_part(ctx, "fulfillments/update", row, status=row["status"].lower())
    changed(ctx, row["_order"])
    return {"fulfillment": row, "userErrors": []}


@mutation("fulfillmentCancel")
def fulfillment_cancel(ctx: Context, id: str) -> dict[str, Any]:
    """Cancel a shipment, a delivered one too; its units are to be shipped again.

    Captured: `status` CANCELLED, `displayStatus` CANCELED (fulfillments-017, 034). A wholly shipped fulfillment order stays
    closed with its units remaining and a new one opens (captured: fulfillments-047, 069); one in progress takes them back
    (source: fulfillmentCancel, read 2026-11). Assumed: a second cancellation changes nothing; the words for an unknown one.
    """
    row = find_fulfillment(ctx, id, edit=True)
    if row is None:
        return {"fulfillment": None, "userErrors": [user_error(["id"], NOT_FOUND)]}
    if row["status"] != "CANCELLED":
        row.update(status="CANCELLED", updatedAt=ctx.now())
        _give_back(ctx, row)
        announce_part(ctx, "fulfillments/update", row, status="cancelled")
        changed(ctx, row["_order"])
    return {"fulfillment": row, "userErrors": []}


def _give_back(ctx: Context, row: Row) -> None:
    closed: dict[int, list[tuple[Row, int]]] = {}
    for entry, quantity in row["_taken"]:
        home = entry["_home"]
        entry["remainingQuantity"] += quantity
        unship_stock(ctx, entry["_line"], row["_location_id"], quantity)
        if home["status"] == "CLOSED":
            closed.setdefault(home["_location_id"], []).append((entry["_line"], quantity))
        elif not any(one["remainingQuantity"] < one["totalQuantity"] for one in home["_lines"]):
            home.update(status="OPEN", updatedAt=ctx.now())
    order = row["_order"]
    for location, lines in closed.items():
        numbers = live_numbers(ctx.shop, order.number)
        order_rows.add_fulfillment_order(numbers, order, location_number=location, lines=lines, now=ctx.now())


@mutation("fulfillmentEventCreate")
def fulfillment_event_create(ctx: Context, fulfillmentEvent: dict[str, Any]) -> dict[str, Any]:
    """Add an event to a shipment, also to a cancelled one (captured: fulfillments-017 … 020, 034)."""
    row = find_fulfillment(ctx, fulfillmentEvent["fulfillmentId"], edit=True)
    if row is None:
        return {"fulfillmentEvent": None, "userErrors": [user_error(["fulfillmentEvent", "fulfillmentId"], NOT_FOUND)]}
    event = order_rows.new_row(
        "FulfillmentEvent",
        live_numbers(ctx.shop, row["_order"].number)("FulfillmentEvent"),
        status=fulfillmentEvent["status"],
        happenedAt=_instant(fulfillmentEvent.get("happenedAt")) or ctx.now(),
        createdAt=ctx.now(),
        estimatedDeliveryAt=_instant(fulfillmentEvent.get("estimatedDeliveryAt")),
        **{name: fulfillmentEvent.get(name) for name in EVENT_TEXTS},
    )
    row["_events"].append(event)
    row["updatedAt"] = ctx.now()
    announce_part(ctx, "fulfillment_events/create", row, status=event["status"].lower())
    return {"fulfillmentEvent": event, "userErrors": []}


def _instant(given: str | None) -> str | None:
    return iso(parse_iso(given)) if given else None


# Fields


def _latest(row: Row, *states: str) -> Row | None:
    events = [event for event in row["_events"] if not states or event["status"] in states]
    return max(events, key=lambda event: (event["happenedAt"], event.number), default=None)


@field("Fulfillment", "displayStatus")
def _display_status(row: Row, ctx: Context) -> str:
    """Answer CANCELED, else the status of the latest event, else FULFILLED (captured: fulfillments-017)."""
    if row["status"] == "CANCELLED":
        return "CANCELED"
    event = _latest(row)
    return event["status"] if event is not None else "FULFILLED"


@field("Fulfillment", "deliveredAt")
def _delivered_at(row: Row, ctx: Context) -> str | None:
    event = _latest(row, "DELIVERED")
    return event["happenedAt"] if event is not None else None


@field("Fulfillment", "inTransitAt")
def _in_transit_at(row: Row, ctx: Context) -> str | None:
    event = _latest(row, "IN_TRANSIT")
    return event["happenedAt"] if event is not None else None


@field("Fulfillment", "estimatedDeliveryAt")
def _estimated_delivery_at(row: Row, ctx: Context) -> str | None:
    dates = [event["estimatedDeliveryAt"] for event in row["_events"] if event["estimatedDeliveryAt"]]
    return dates[-1] if dates else None


@field("Fulfillment", "events")
def _events(row: Row, ctx: Context, sortKey: str = "HAPPENED_AT", **arguments: Any) -> Connection:
    key: SortKey = by_id if sortKey == "ID" else instant("happenedAt")
    return page(row["_events"], arguments, key=key)


@field("Fulfillment", "trackingInfo")
def _tracking_info(row: Row, ctx: Context, first: int | None = None) -> list[dict[str, Any]]:
    return list(row["_tracking"])[:first]


@field("Fulfillment", "fulfillmentLineItems")
def _lines(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return line_page(row["_lines"], arguments)


@field("Fulfillment", "fulfillmentOrders")
def _homes(row: Row, ctx: Context, **arguments: Any) -> Connection:
    found = {entry["_home"].number: entry["_home"] for entry, _ in row["_taken"]}
    return page_of_list(list(found.values()), arguments)


@field("Fulfillment", "location")
def _location(row: Row, ctx: Context) -> Row | None:
    return ctx.table("Location").get(row["_location_id"])


@field("Fulfillment", "service")
def _service(row: Row, ctx: Context) -> dict[str, Any]:
    """Answer the manual service (captured: fulfillments-017)."""
    return {
        "__typename": "FulfillmentService",
        "id": "gid://shopify/FulfillmentService/manual",
        "handle": "manual",
        "serviceName": "Manual",
        "trackingSupport": False,
        "inventoryManagement": False,
        "requiresShippingMethod": True,
        "fulfillmentOrdersOptIn": False,
        "type": "MANUAL",
        "location": ctx.table("Location").get(row["_location_id"]),
    }


@field("Fulfillment", "order")
def _order(row: Row, ctx: Context) -> Row:
    found: Row = row["_order"]
    return found


@field("Fulfillment", "legacyResourceId")
def _legacy(row: Row, ctx: Context) -> str:
    return str(row.number)


@field("Fulfillment", "requiresShipping")
def _requires_shipping(row: Row, ctx: Context) -> bool:
    return any(entry["_line"]["requiresShipping"] for entry in row["_lines"])


@field("Fulfillment", "totalQuantity")
def _total_quantity(row: Row, ctx: Context) -> int:
    return sum(int(entry["quantity"]) for entry in row["_lines"])


@field("FulfillmentLineItem", "lineItem")
def _line_item(row: Row, ctx: Context) -> Row:
    found: Row = row["_line"]
    return found


def _original(row: Row) -> Pair:
    return times(row["_line"]["_price"], row["quantity"])


def _discounted(row: Row) -> Pair:
    return portion(totals.line_net(row["_line"]), row["quantity"], row["_line"]["quantity"])


@field("FulfillmentLineItem", "originalTotalSet")
def _original_set(row: Row, ctx: Context) -> dict[str, Any]:
    return bag(_original(row), row["_line"]["_order"])


@field("FulfillmentLineItem", "originalTotal")
def _original_text(row: Row, ctx: Context) -> str:
    return text(_original(row))


@field("FulfillmentLineItem", "discountedTotalSet")
def _discounted_set(row: Row, ctx: Context) -> dict[str, Any]:
    return bag(_discounted(row), row["_line"]["_order"])


@field("FulfillmentLineItem", "discountedTotal")
def _discounted_text(row: Row, ctx: Context) -> str:
    return text(_discounted(row))
