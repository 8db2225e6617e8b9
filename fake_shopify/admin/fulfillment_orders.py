"""Fulfillment orders: reading them, their fields, and what can be done with them in which state."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin.fulfillment_state import UNFINISHED
from fake_shopify.admin.order_lines import line_page
from fake_shopify.admin.order_money import bag
from fake_shopify.admin.order_parts import Unfinished, find_part, parts
from fake_shopify.context import Context
from fake_shopify.failures import invalid_id
from fake_shopify.paging import Connection, instant, page_of_list
from fake_shopify.registry import field, query
from fake_shopify.rows import Row
from fake_shopify.search import choice, identifier, moment, reference, words
from fake_shopify.world import gid

STATES = ("open", "in_progress", "closed", "on_hold", "scheduled", "incomplete", "cancelled")
REASONS = {
    "AWAITING_PAYMENT": "Awaiting payment",
    "AWAITING_RETURN_ITEMS": "Exchange items awaiting return delivery",
    "HIGH_RISK_OF_FRAUD": "High risk of fraud",
    "INCORRECT_ADDRESS": "Incorrect address",
    "INVENTORY_OUT_OF_STOCK": "Inventory out of stock",
    "ONLINE_STORE_POST_PURCHASE_CROSS_SELL": "Online store post purchase cross sell",
    "OTHER": "Other",
    "UNKNOWN_DELIVERY_DATE": "Unknown delivery date",
}
"""Hold reasons in words. Captured: `Other` and the one of AWAITING_RETURN_ITEMS (fulfillments-060); the others are assumed."""


def find_home(ctx: Context, id: str) -> Row | None:
    """Return a fulfillment order to read."""
    return find_part(ctx, "FulfillmentOrder", id)


def edit_home(ctx: Context, id: str) -> Row:
    """Return a fulfillment order to change; an unknown one ends the field (captured: fulfillments-022 … 030)."""
    row = find_part(ctx, "FulfillmentOrder", id, edit=True)
    if row is None:
        raise invalid_id(id)
    return row


def remaining(home: Row) -> int:
    """Return the units that are still to be shipped."""
    return sum(int(entry["remainingQuantity"]) for entry in home["_lines"])


def is_unfinished(home: Row) -> bool:
    """Say whether a fulfillment order is neither closed nor cancelled."""
    return home["status"] in UNFINISHED


# Reading


@query("fulfillmentOrder")
def fulfillment_order(ctx: Context, id: str) -> Row | None:
    """Answer a fulfillment order; an unknown id is null."""
    ctx.require_type(id, "FulfillmentOrder")
    return find_home(ctx, id)


def _fields(ctx: Context) -> dict[str, Any]:
    """Return what `query` may name.

    Source: shopify.dev/docs/api/admin-graphql/latest/queries/fulfillmentOrders (read 2026-11). Captured: `status` without regard to
    case (fulfillments-032, fulfillments-056).
    """
    return {
        "default": words(lambda row: row["_order"]["name"]),
        "id": identifier(),
        "status": choice("status", STATES),
        "assigned_location_id": reference("_location_id"),
        "updated_at": moment("updatedAt", ctx.shop.settings["zone"]),
    }


@query("fulfillmentOrders")
def fulfillment_orders(ctx: Context, includeClosed: bool = False, **arguments: Any) -> Connection:
    """List fulfillment orders; closed ones when asked for, or when a search names their status.

    Captured: fulfillments-047, fulfillments-051.
    """
    table = parts(ctx.shop, "FulfillmentOrder")
    shown = table if includeClosed else Unfinished(table, is_unfinished)
    return ctx.list(shown, arguments, fields=_fields(ctx), sorts={"UPDATED_AT": instant("updatedAt")})


@query("manualHoldsFulfillmentOrders")
def manual_holds(ctx: Context, **arguments: Any) -> Connection:
    """List fulfillment orders on hold (captured: fulfillments-047)."""
    held = Unfinished(parts(ctx.shop, "FulfillmentOrder"), lambda home: home["status"] == "ON_HOLD")
    return ctx.list(held, arguments, fields=_fields(ctx))


@query("assignedFulfillmentOrders")
def assigned_fulfillment_orders(
    ctx: Context, assignmentStatus: str | None = None, locationIds: list[str] | None = None, **arguments: Any
) -> Connection:
    """List the fulfillment orders at locations of the app's own fulfillment services: none, as the fake's apps have no services.

    Source: shopify.dev/docs/api/admin-graphql/latest/queries/assignedFulfillmentOrders (read 2026-11).
    """
    return ctx.list([], arguments, fields={})


@field("Shop", "fulfillmentOrders")
def _shop_fulfillment_orders(row: dict[str, Any], ctx: Context, **arguments: Any) -> Connection:
    return fulfillment_orders(ctx, **arguments)


@field("Order", "fulfillmentOrders")
def _of_order(row: Row, ctx: Context, displayable: bool = False, query: str | None = None, **arguments: Any) -> Connection:
    """List the fulfillment orders of an order, closed ones too (captured: fulfillments-006)."""
    search = ctx.search(query, _fields(ctx))
    return page_of_list([home for home in row["_fulfillment_orders"] if search.matches(home)], arguments)


# Fields


def supported_actions(home: Row) -> list[str]:
    """Return what can be done with a fulfillment order, in Shopify's order.

    Captured: OPEN, IN_PROGRESS, ON_HOLD and CLOSED ones; SPLIT with more than one unit, MERGE with another open one at the same
    location (fulfillments-047, fulfillments-048, fulfillments-057).
    """
    status = home["status"]
    if status == "OPEN":
        found = ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "MOVE", "HOLD"]
        found += ["SPLIT"] if remaining(home) > 1 else []
        return found + (["MERGE"] if mergeable_with(home) else [])
    return {
        "IN_PROGRESS": ["CREATE_FULFILLMENT", "REPORT_PROGRESS", "HOLD", "MARK_AS_OPEN"],
        "ON_HOLD": ["RELEASE_HOLD", "HOLD", "MOVE"],
        "SCHEDULED": ["CREATE_FULFILLMENT", "MARK_AS_OPEN", "MOVE", "HOLD"],
    }.get(status, [])


def mergeable_with(home: Row) -> list[Row]:
    """Return the other open fulfillment orders of the order at the same location."""
    return [
        other
        for other in home["_order"]["_fulfillment_orders"]
        if other is not home and other["status"] == "OPEN" and other["_location_id"] == home["_location_id"] and remaining(other)
    ]


@field("FulfillmentOrder", "supportedActions")
def _supported_actions(row: Row, ctx: Context) -> list[dict[str, Any]]:
    """Answer the actions that the API version knows (REPORT_PROGRESS came with 2026-04; source: the schemas)."""
    known = ctx.schema.graphql.type_map["FulfillmentOrderAction"].values  # type: ignore[attr-defined]
    return [
        {"__typename": "FulfillmentOrderSupportedAction", "action": action, "externalUrl": None}
        for action in supported_actions(row)
        if action in known
    ]


@field("FulfillmentOrder", "assignedLocation")
def _assigned_location(row: Row, ctx: Context) -> dict[str, Any]:
    """Answer the location with its present name (captured: orders-006)."""
    location = ctx.table("Location").get(row["_location_id"])
    address = (location.get("address") if location is not None else None) or {}
    texts = {name: address.get(name) for name in ("address1", "address2", "city", "phone", "province", "zip")}
    return {
        "__typename": "FulfillmentOrderAssignedLocation",
        "name": location["name"] if location is not None else "",
        "countryCode": address.get("countryCode") or ctx.shop.settings["country"],
        "location": location,
        **texts,
    }


@field("FulfillmentOrder", "fulfillmentHolds")
def _holds(row: Row, ctx: Context) -> list[Row]:
    return list(row["_holds"])


@field("FulfillmentOrder", "lineItems")
def _lines(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return line_page(row["_lines"], arguments)


@field("FulfillmentOrder", "order")
def _order(row: Row, ctx: Context) -> Row:
    found: Row = row["_order"]
    return found


@field("FulfillmentOrder", "orderId")
def _order_id(row: Row, ctx: Context) -> str:
    return str(row["_order"]["id"])


@field("FulfillmentOrder", "orderName")
def _order_name(row: Row, ctx: Context) -> str:
    return str(row["_order"]["name"])


@field("FulfillmentOrder", "orderProcessedAt")
def _order_processed_at(row: Row, ctx: Context) -> str:
    return str(row["_order"]["processedAt"])


@field("FulfillmentOrder", "deliveryMethod")
def _delivery_method(row: Row, ctx: Context) -> dict[str, Any]:
    """Answer how the lines are delivered: shipped, or not at all (assumed)."""
    ships = any(entry["_line"]["requiresShipping"] for entry in row["_lines"])
    return {"__typename": "DeliveryMethod", "id": gid("DeliveryMethod", row.number), "methodType": "SHIPPING" if ships else "NONE"}


@field("FulfillmentOrder", "destination")
def _destination(row: Row, ctx: Context) -> dict[str, Any] | None:
    """Answer the order's shipping address."""
    address = row["_order"].get("shippingAddress")
    if address is None:
        return None
    names = ("address1", "address2", "city", "company", "firstName", "lastName", "phone", "province", "zip")
    return {
        "__typename": "FulfillmentOrderDestination",
        "id": gid("FulfillmentOrderDestination", row.number),
        "email": row["_order"]["email"],
        "countryCode": address.get("countryCodeV2"),
        **{name: address.get(name) for name in names},
    }


@field("FulfillmentOrder", "fulfillments")
def _fulfillments(row: Row, ctx: Context, **arguments: Any) -> Connection:
    entries = row["_lines"]
    shipped = [one for one in row["_order"]["_fulfillments"] if any(taken in entries for taken, _ in one["_taken"])]
    return page_of_list(shipped, arguments)


@field("FulfillmentOrder", "fulfillmentOrdersForMerge")
def _for_merge(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page_of_list(mergeable_with(row), arguments)


@field("FulfillmentOrder", "locationsForMove")
def _for_move(row: Row, ctx: Context, **arguments: Any) -> Connection:
    """List the other active locations; each can take the lines (assumed)."""
    found = [one for one in ctx.table("Location") if one["isActive"] and one.number != row["_location_id"]]
    rows = [
        Row(__typename="FulfillmentOrderLocationForMove", _id=one.number, location=one, movable=True, message=None) for one in found
    ]
    return page_of_list(rows, {name: arguments[name] for name in ("first", "last", "after", "before") if name in arguments})


# Lines


@field("FulfillmentOrderLineItem", "lineItem")
def _line_item(row: Row, ctx: Context) -> Row:
    found: Row = row["_line"]
    return found


def _of_line(name: str) -> Any:
    return lambda row, ctx: row["_line"][name]


for _shown, _kept in {
    "productTitle": "title",
    "variantTitle": "variantTitle",
    "sku": "sku",
    "vendor": "vendor",
    "requiresShipping": "requiresShipping",
}.items():
    field("FulfillmentOrderLineItem", _shown)(_of_line(_kept))


@field("FulfillmentOrderLineItem", "variant")
def _variant(row: Row, ctx: Context) -> Row | None:
    number = row["_line"]["_variant_id"]
    return ctx.table("ProductVariant").get(number) if number is not None else None


@field("FulfillmentOrderLineItem", "inventoryItemId")
def _inventory_item_id(row: Row, ctx: Context) -> str | None:
    variant = _variant(row, ctx)
    return gid("InventoryItem", variant["_inventory_item_id"]) if variant is not None else None


@field("FulfillmentOrderLineItem", "originalUnitPriceSet")
def _unit_price(row: Row, ctx: Context) -> dict[str, Any]:
    return bag(row["_line"]["_price"], row["_line"]["_order"])


# Holds


@field("FulfillmentHold", "displayReason")
def _display_reason(row: Row, ctx: Context) -> str:
    return REASONS[row["reason"]]


@field("FulfillmentHold", "heldByRequestingApp")
def _held_by_requesting_app(row: Row, ctx: Context) -> bool:
    return bool(row["_app_number"] == ctx.world.apps[ctx.grant.client_id].number)


@field("FulfillmentHold", "heldByApp")
def _held_by_app(row: Row, ctx: Context) -> dict[str, Any] | None:
    app = next((one for one in ctx.world.apps.values() if one.number == row["_app_number"]), None)
    return {"__typename": "App", "id": gid("App", app.number), "title": app.name, "apiKey": app.client_id} if app else None
