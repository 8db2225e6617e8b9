"""The mutations on locations: add, edit, activate, deactivate, delete, and local pickup."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import inventory_levels, metafield_inputs, metafields, stock
from fake_shopify.admin.inventory import has_stock_at, levels_at
from fake_shopify.admin.locations import (
    address_country,
    address_province,
    has_open_orders,
    is_fixed,
    is_full,
    is_only_online,
    same_name,
)
from fake_shopify.admin.metafield_types import TYPES, type_refusal
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

NAME_LIMIT, ADDRESS_LIMIT = 100, 255
ADDRESS_PARTS = ("address1", "address2", "city", "countryCode", "phone", "provinceCode", "zip")
TOO_LONG = {
    "address1": "Use a shorter name for the street",
    "address2": "Use a shorter name for the apartment, suite, etc.",
    "city": "Use a shorter city name",
    "phone": "Use a shorter phone number",
    "zip": "Use a shorter postal / ZIP code",
}
"""Captured for street, city and postal code (inventory-034, 035, 141, 142); assumed for the others."""

Errors = list[dict[str, Any]]
Input = dict[str, Any]


# Add and edit


@mutation("locationAdd")
def location_add(ctx: Context, input: Input) -> dict[str, Any]:
    """Add an active location (captured: inventory-029..044, 062). Only the country is needed; a blank postal code stays blank."""
    errors = _name_errors(ctx, input["name"]) + _address_errors(input["address"]) + _metafield_errors(ctx, input)
    if is_full(ctx.shop):
        errors.append(user_error(["input"], "Shop has reached its location limit.", "GENERIC_ERROR"))
    if errors:
        return {"location": None, "userErrors": errors}
    now, online = ctx.now(), input.get("fulfillsOnlineOrders")
    row = ctx.shop.new_row(
        "Location",
        name=input["name"],
        isActive=True,
        fulfillsOnlineOrders=True if online is None else online,
        shipsInventory=False,
        isPrimary=False,
        isFulfillmentService=False,
        deactivatedAt=None,
        createdAt=now,
        updatedAt=now,
        address=_new_address(input["address"]),
        addressVerified=False,
    )
    metafield_inputs.apply(ctx, row["id"], input.get("metafields"))
    ctx.shop.emit("locations/create", payload(row))
    return {"location": row, "userErrors": []}


@mutation("locationEdit")
def location_edit(ctx: Context, id: str, input: Input) -> dict[str, Any]:
    """Change a location; parts of the address that are left out stay (captured: inventory-063, 065, 139..142, 181..192)."""
    if ctx.find("Location", id) is None:
        return {"location": None, "userErrors": [user_error(["id"], "Location not found.", "NOT_FOUND")]}
    row = ctx.edit("Location", id)
    assert row is not None
    errors = _edit_errors(ctx, row, input)
    if errors:
        return {"location": None, "userErrors": errors}
    if input.get("name") is not None:
        row["name"] = input["name"]
    if input.get("fulfillsOnlineOrders") is not None:
        row["fulfillsOnlineOrders"] = input["fulfillsOnlineOrders"]
    if input.get("address") is not None:
        row["address"] = row["address"] | {name: input["address"][name] for name in ADDRESS_PARTS if name in input["address"]}
    row["updatedAt"] = ctx.now()
    metafield_inputs.apply(ctx, row["id"], input.get("metafields"))
    ctx.shop.emit("locations/update", payload(row))
    return {"location": row, "userErrors": []}


def _edit_errors(ctx: Context, row: Row, given: Input) -> Errors:
    errors = _name_errors(ctx, given["name"], own=row.number) if given.get("name") is not None else []
    errors += _address_errors(given.get("address") or {}) + _metafield_errors(ctx, given, row)
    online = given.get("fulfillsOnlineOrders")
    if online is not None and online != row["fulfillsOnlineOrders"] and row["isFulfillmentService"]:
        text = "Cannot modify the online order fulfillment preference for fulfillment service locations."
        errors.append(user_error(["input"], text, "CANNOT_MODIFY_ONLINE_ORDER_FULFILLMENT_FOR_FS_LOCATION"))
    elif online is False and row["isActive"] and row["fulfillsOnlineOrders"] and is_only_online(ctx.shop, row):
        why = "as it is the only location that fulfills online orders"
        text = f"Online order fulfillment could not be disabled for this location {why}."
        errors.append(user_error(["input"], text, "CANNOT_DISABLE_ONLINE_ORDER_FULFILLMENT"))
    return errors


def _name_errors(ctx: Context, name: str, *, own: int | None = None) -> Errors:
    """Captured: a name must be there, be short enough and differ from those of active locations (inventory-025, 029, 033, 044)."""
    if not name.strip():
        return [user_error(["input", "name"], "Add a location name", "BLANK")]
    if len(name) > NAME_LIMIT:
        text = f"Use a shorter location name (up to {NAME_LIMIT} characters)"
        return [user_error(["input", "name"], text, "TOO_LONG")]
    if same_name(ctx.shop, name, own=own):
        return [user_error(["input", "name"], "You already have a location with this name", "TAKEN")]
    return []


def _address_errors(given: Input) -> Errors:
    """Captured: only lengths are checked; a wrong US ZIP code is taken (inventory-034..036)."""
    return [
        user_error(["input", "address", name], f"{text} (up to {ADDRESS_LIMIT} characters)", "TOO_LONG")
        for name, text in TOO_LONG.items()
        if len(given.get(name) or "") > ADDRESS_LIMIT
    ]


def _new_address(given: Input) -> dict[str, Any]:
    """Build an address. Assumed: it is not looked up, so that it has no coordinates and nothing is added to it."""
    return {"__typename": "LocationAddress", "latitude": None, "longitude": None} | {n: given.get(n) for n in ADDRESS_PARTS}


def _metafield_errors(ctx: Context, given: Input, row: Row | None = None) -> Errors:
    """Check the metafields of an input.

    Captured: the metafields that the location has are counted first, and a type that does not exist is refused with a list of those
    that do (inventory-191). The rest is as for every owner.
    """
    before = len(metafields.of_owner(ctx.shop, row["id"])) if row is not None else 0
    owner = row["id"] if row is not None else None
    errors: Errors = []
    for index, one in enumerate(given.get("metafields") or ()):
        place = ["input", "metafields", before + index]
        if one.get("type") and one["type"] not in TYPES:
            errors.append(user_error([*map(str, place), "type"], type_refusal(), "INVALID_TYPE"))
            continue
        found = metafield_inputs.problem(ctx, owner, "LOCATION", one)
        if found is not None:
            errors.append(user_error([*map(str, place), *found[0]], found[1], found[2]))
    return errors


def payload(row: Row) -> dict[str, Any]:
    """Build the payload of a delivery about a location. Source: shopify.dev/docs/api/webhooks (locations/update, read 2026-11)."""
    address = row["address"]
    return {
        "id": row.number,
        "name": row["name"],
        "address1": address.get("address1"),
        "address2": address.get("address2"),
        "city": address.get("city"),
        "zip": address.get("zip"),
        "province": address_province(address),
        "country": address.get("countryCode"),
        "phone": address.get("phone"),
        "created_at": row["createdAt"],
        "updated_at": row["updatedAt"],
        "country_code": address.get("countryCode"),
        "country_name": address_country(address),
        "province_code": address.get("provinceCode"),
        "legacy": row["isFulfillmentService"],
        "active": row["isActive"],
        "admin_graphql_api_id": row["id"],
    }


# Activate, deactivate, delete


@mutation("locationActivate")
def location_activate(ctx: Context, locationId: str) -> dict[str, Any]:
    """Bring a location back (captured: inventory-024, 138). Assumed: one that is active stays so without an error."""
    row = ctx.edit("Location", locationId)
    if row is None:
        error = user_error(["locationId"], "Location not found.", "LOCATION_NOT_FOUND")
        return {"location": None, "locationActivateUserErrors": [error]}
    errors = [] if row["isActive"] else _activate_errors(ctx, row)
    if not errors and not row["isActive"]:
        row.update(isActive=True, deactivatedAt=None, updatedAt=ctx.now())
        ctx.shop.emit("locations/activate", payload(row))
    return {"location": row, "locationActivateUserErrors": errors}


def _activate_errors(ctx: Context, row: Row) -> Errors:
    if same_name(ctx.shop, row["name"], own=row.number):
        text = "This location currently cannot be activated because there exists an active location with the same name."
        return [user_error(["locationId"], text, "HAS_NON_UNIQUE_NAME")]
    if is_full(ctx.shop):
        return [user_error(["locationId"], "Shop has reached its location limit.", "LOCATION_LIMIT")]
    return []


@mutation("locationDeactivate")
def location_deactivate(ctx: Context, locationId: str, destinationLocationId: str | None = None) -> dict[str, Any]:
    """Take a location out of use; with a destination its stock and open orders go there (captured: inventory-024, 152..168).

    Assumed: only the first reason against it is told; a location that is inactive stays so without an error.
    """
    row = ctx.edit("Location", locationId)
    if row is None:
        missing = user_error(["locationId"], "Location not found.", "LOCATION_NOT_FOUND")
        return {"location": None, "locationDeactivateUserErrors": [missing]}
    destination = ctx.find("Location", destinationLocationId)
    error = _deactivate_error(ctx, row, destinationLocationId, destination) if row["isActive"] else None
    if error is None and row["isActive"]:
        if destination is not None:
            _relocate(ctx, row, destination)
        now = ctx.now()
        row.update(isActive=False, deactivatedAt=now, updatedAt=now)
        ctx.shop.emit("locations/deactivate", payload(row))
    return {"location": row, "locationDeactivateUserErrors": [error] if error else []}


def _deactivate_error(ctx: Context, row: Row, destination_id: str | None, destination: Row | None) -> dict[str, Any] | None:
    if is_fixed(row):
        text = (
            "Location could not be deactivated because it either has a fulfillment service or is the only location with a shipping "
            "address."
        )
        return user_error(["locationId"], text, "PERMANENTLY_BLOCKED_FROM_DEACTIVATION_ERROR")
    if destination_id is not None:
        error = _destination_error(row, destination)
        if error is not None:
            return error
    if destination is None and has_stock_at(ctx.shop, row.number):
        text = "Location could not be deactivated without specifying where to relocate inventory stocked at the location."
        return user_error(["locationId"], text, "HAS_ACTIVE_INVENTORY_ERROR")
    if destination is None and has_open_orders(ctx.shop, row.number):
        text = "Location could not be deactivated because it has pending orders."
        return user_error(["locationId"], text, "HAS_FULFILLMENT_ORDERS_ERROR")
    if row["fulfillsOnlineOrders"] and is_only_online(ctx.shop, row):
        text = "At least one location must fulfill online orders."
        return user_error(["locationId"], text, "CANNOT_DISABLE_ONLINE_ORDER_FULFILLMENT")
    return None


def _destination_error(row: Row, destination: Row | None) -> dict[str, Any] | None:
    path = ["destinationLocationId"]
    if destination is None or destination["isFulfillmentService"]:
        return user_error(path, "destination location not shopify managed", "DESTINATION_LOCATION_NOT_SHOPIFY_MANAGED")
    if destination.number == row.number:
        text = "Location could not be deactivated because the destination location cannot be set to the location to be deactivated."
        return user_error(path, text, "DESTINATION_LOCATION_IS_THE_SAME_LOCATION")
    if not destination["isActive"]:
        text = "Location could not be deactivated because the destination location could be not found or is inactive."
        return user_error(path, text, "DESTINATION_LOCATION_NOT_FOUND_OR_INACTIVE")
    return None


def _relocate(ctx: Context, row: Row, destination: Row) -> None:
    """Move every level and every open fulfilment order to another location."""
    table, now = ctx.table("InventoryItem"), ctx.now()
    for number in [level["_item"].number for level in levels_at(ctx.shop, row.number, inactive=False)]:
        item = table.edit(number)
        assert item is not None
        counts = item["_levels"].pop(row.number)["quantities"]
        inventory_levels.activate(item, destination.number, now)
        for name in (*inventory_levels.ON_HAND_PARTS, "incoming"):
            if counts[name]:
                inventory_levels.adjust_quantity(item, destination.number, name, counts[name], now)
        stock.announce(ctx.shop, item, destination.number)
    for order in ctx.table("Order").scan(high=0):
        for home in order.get("_fulfillment_orders") or ():
            if home.get("_location_id") == row.number:
                home["_location_id"] = destination.number


@mutation("locationDelete")
def location_delete(ctx: Context, locationId: str) -> dict[str, Any]:
    """Delete an inactive, empty location; every reason against it is told (captured: inventory-195)."""
    row = ctx.find("Location", locationId)
    errors = _delete_errors(ctx, row)
    if row is None or errors:
        return {"deletedLocationId": None, "locationDeleteUserErrors": errors}
    ctx.table("Location").remove(row.number)
    metafields.drop_owner(ctx.shop, row["id"])
    ctx.shop.emit("locations/delete", {"id": row.number, "admin_graphql_api_id": row["id"]})
    return {"deletedLocationId": row["id"], "locationDeleteUserErrors": []}


def _delete_errors(ctx: Context, row: Row | None) -> Errors:
    if row is None:
        return [user_error(["locationId"], "Location not found.", "LOCATION_NOT_FOUND")]
    reasons = [
        (row["isActive"], "it is active", "LOCATION_IS_ACTIVE"),
        (has_stock_at(ctx.shop, row.number), "it has inventory", "LOCATION_HAS_INVENTORY"),
        (has_open_orders(ctx.shop, row.number), "it has pending orders", "LOCATION_HAS_PENDING_ORDERS"),
    ]
    return [
        user_error(["locationId"], f"The location cannot be deleted while {why}.", code) for holds, why, code in reasons if holds
    ]


# Local pickup


@mutation("locationLocalPickupEnable")
def local_pickup_enable(ctx: Context, localPickupSettings: Input) -> dict[str, Any]:
    """Let customers pick up at a location. Source: DeliveryLocationLocalPickupSettingsErrorCode in the schema 2026-10."""
    row = ctx.edit("Location", localPickupSettings["locationId"])
    path = ["localPickupSettings"]
    if row is None or not row["isActive"]:
        text = "Provided locationId is not for an active location belonging to this store."
        error = user_error([*path, "locationId"], text, "ACTIVE_LOCATION_NOT_FOUND")
        return {"localPickupSettings": None, "userErrors": [error]}
    if localPickupSettings["pickupTime"] == "CUSTOM":
        text = "Custom pickup time is not allowed for local pickup settings."
        error = user_error([*path, "pickupTime"], text, "CUSTOM_PICKUP_TIME_NOT_ALLOWED")
        return {"localPickupSettings": None, "userErrors": [error]}
    row["localPickupSettingsV2"] = {
        "__typename": "DeliveryLocalPickupSettings",
        "pickupTime": localPickupSettings["pickupTime"],
        "instructions": localPickupSettings.get("instructions") or "",
    }
    return {"localPickupSettings": row["localPickupSettingsV2"], "userErrors": []}


@mutation("locationLocalPickupDisable")
def local_pickup_disable(ctx: Context, locationId: str) -> dict[str, Any]:
    """End local pickup at a location. Source: DeliveryLocationLocalPickupSettingsErrorCode in the schema 2026-10."""
    row = ctx.edit("Location", locationId)
    if row is None or not row["isActive"]:
        text = "Provided locationId is not for an active location belonging to this store."
        return {"locationId": None, "userErrors": [user_error(["locationId"], text, "ACTIVE_LOCATION_NOT_FOUND")]}
    row["localPickupSettingsV2"] = None
    return {"locationId": row["id"], "userErrors": []}
