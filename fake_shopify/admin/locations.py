"""Locations as they are read: the roots, what may be done with one, its address, and how they are searched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fake_shopify.admin import metafields
from fake_shopify.admin.countries import country_names, zones_of
from fake_shopify.admin.inventory import has_stock_at
from fake_shopify.admin.mailing_addresses import formatted_lines
from fake_shopify.admin.shop import LOCATION_LIMIT
from fake_shopify.context import Context
from fake_shopify.failures import TopLevelError
from fake_shopify.paging import Connection, SortKey
from fake_shopify.registry import field, query
from fake_shopify.rows import Row
from fake_shopify.search import Field, choice, exact, identifier, moment, words, yes_no
from fake_shopify.world import Shop

OPEN_ORDERS = frozenset({"OPEN", "IN_PROGRESS", "SCHEDULED", "ON_HOLD", "INCOMPLETE"})
RECENT_ORDERS = 1000


# Roots


def _part(name: str) -> Any:
    return lambda row: row["address"].get(name)


def _country_of(row: Row) -> list[str | None]:
    code = row["address"].get("countryCode")
    return [code, country_names().get(code)]


FIELDS: dict[str, Field] = {
    "default": words("name", _part("address1"), _part("city"), _part("zip"), lambda row: address_country(row["address"])),
    "id": identifier(),
    "location_id": identifier(),
    "name": words("name"),
    "active": yes_no("isActive"),
    "legacy": yes_no("isFulfillmentService"),
    "geolocated": yes_no(lambda row: row["address"].get("latitude")),
    "address1": words(_part("address1")),
    "address2": words(_part("address2")),
    "city": words(_part("city")),
    "zip": words(_part("zip")),
    "country": exact(_country_of),
    "province": exact(lambda row: [row["address"].get("provinceCode"), address_province(row["address"])]),
    "pickup_in_store": choice(lambda row: "enabled" if row.get("localPickupSettingsV2") else "disabled", ("enabled", "disabled")),
    "created_at": moment("createdAt"),
    "updated_at": moment("updatedAt"),
}
"""Source: shopify.dev/docs/api/admin-graphql/latest/queries/locations (read 2026-11). Assumed: what the free text looks at."""


def _name(row: Row) -> str:
    return str(row["name"])


SORTS: dict[str, SortKey] = {"NAME": _name, "RELEVANCE": _name}
"""Captured: by name unless asked otherwise, the cursor shows the name as it is written (inventory-198)."""


@query("location")
def location(ctx: Context, id: str | None = None) -> Row | None:
    """Answer a location, or the primary one when no id is given; null for one that is not there (captured: inventory-003)."""
    if id is None:
        return primary(ctx.shop)
    ctx.require_type(id, "Location")
    return ctx.find("Location", id)


def primary(shop: Shop) -> Row | None:
    """Return the primary location."""
    return next((row for row in shop.table("Location") if row.get("isPrimary")), None)


@query("locationByIdentifier")
def location_by_identifier(ctx: Context, identifier: dict[str, Any]) -> Row | None:
    """Answer a location by id or by a metafield that is unique.

    Captured for customers: a custom id needs a definition of type `id` (customers-088).
    """
    if identifier.get("id"):
        return location(ctx, identifier["id"])
    wanted = identifier["customId"]
    namespace = metafields.full_namespace(ctx, wanted.get("namespace"))
    definition = metafields.definition_of(ctx.shop, "LOCATION", namespace, wanted["key"])
    if definition is None:
        raise TopLevelError("Metafield definition of type 'id' is required when using custom ids.", "NOT_FOUND")
    for row in ctx.table("Location"):
        found = metafields.find(ctx.shop, row["id"], namespace, wanted["key"])
        if found is not None and found["value"] == wanted["value"]:
            return row
    return None


@query("locations")
def locations(
    ctx: Context, includeInactive: bool = False, includeLegacy: bool = False, sortKey: str = "NAME", **arguments: Any
) -> Connection:
    """List locations; inactive ones and those of fulfilment services only when asked for (captured: inventory-073, 161, 198)."""
    rows = [
        row
        for row in ctx.table("Location")
        if (includeInactive or row["isActive"]) and (includeLegacy or not row["isFulfillmentService"])
    ]
    return ctx.list(rows, arguments | {"sortKey": sortKey}, fields=FIELDS, sorts=SORTS, sort="NAME")


@query("locationsCount")
def locations_count(ctx: Context, query: str | None = None, **arguments: Any) -> dict[str, Any]:
    """Count locations. Assumed: all of them, active or not."""
    return ctx.count(ctx.table("Location"), query, FIELDS, **arguments)


@query("locationsAvailableForDeliveryProfilesConnection")
def locations_for_delivery_profiles(ctx: Context, **arguments: Any) -> Connection:
    """List by id the locations that fulfil online orders, inactive ones and those of fulfilment services among them.

    Captured: inventory-071, 074, 136.
    """
    return ctx.list(_available_for_delivery(ctx.shop), arguments, fields={})


@query("locationsAvailableForDeliveryProfiles")
def locations_for_delivery_profiles_list(ctx: Context) -> list[Row]:
    """Answer the same as a plain list."""
    return list(_available_for_delivery(ctx.shop))


def _available_for_delivery(shop: Shop) -> Iterator[Row]:
    return (row for row in shop.table("Location") if row["fulfillsOnlineOrders"] or not row["isActive"])


# What may be done with a location


def same_name(shop: Shop, name: str, *, own: int | None = None) -> bool:
    """Say whether another active location has this name. Assumed: without regard to case."""
    return any(row["isActive"] and row.number != own and row["name"].lower() == name.lower() for row in shop.table("Location"))


def is_full(shop: Shop) -> bool:
    """Say whether the shop has as many active locations as it may have."""
    return sum(1 for row in shop.table("Location") if row["isActive"] and not row["isFulfillmentService"]) >= LOCATION_LIMIT


def is_only_online(shop: Shop, row: Row) -> bool:
    """Say whether no other active location fulfils online orders. Assumed: one of a fulfilment service does not count."""
    others = (other for other in shop.table("Location") if other["isActive"] and other.number != row.number)
    return not any(other["fulfillsOnlineOrders"] and not other["isFulfillmentService"] for other in others)


def is_fixed(row: Row) -> bool:
    """Say whether a location can never be deactivated.

    Captured: the primary one and those of fulfilment services (inventory-168, a recorded location).
    """
    return bool(row.get("isPrimary") or row["isFulfillmentService"])


def has_open_orders(shop: Shop, location_number: int) -> bool:
    """Say whether orders wait to be fulfilled from a location. Of a seeded shop only the most recent orders are looked at."""
    table = shop.table("Order")
    low = max(0, table.seeded.count - RECENT_ORDERS) if table.seeded is not None else 0
    return any(
        home.get("_location_id") == location_number and home.get("status") in OPEN_ORDERS
        for order in table.scan(reverse=True, low=low)
        for home in order.get("_fulfillment_orders") or ()
    )


@field("Location", "activatable")
def _activatable(row: Row, ctx: Context) -> bool:
    """An inactive location comes back unless its name is in use by then (captured: inventory-132, 137)."""
    return bool(row["isActive"]) or not (same_name(ctx.shop, row["name"]) or is_full(ctx.shop))


@field("Location", "deactivatable")
def _deactivatable(row: Row, ctx: Context) -> bool:
    """Captured: true for an inactive location too (inventory-132, 168)."""
    return not is_fixed(row)


@field("Location", "deletable")
def _deletable(row: Row, ctx: Context) -> bool:
    """Captured: inventory-132, 137; true for the active location of a fulfilment service (recorded location)."""
    if row["isFulfillmentService"]:
        return True
    return not (row["isActive"] or has_stock_at(ctx.shop, row.number) or has_open_orders(ctx.shop, row.number))


@field("Location", "hasActiveInventory")
def _has_active_inventory(row: Row, ctx: Context) -> bool:
    return has_stock_at(ctx.shop, row.number)


@field("Location", "hasUnfulfilledOrders")
def _has_unfulfilled_orders(row: Row, ctx: Context) -> bool:
    return has_open_orders(ctx.shop, row.number)


@field("Location", "legacyResourceId")
def _legacy_id(row: Row, ctx: Context) -> str:
    return str(row.number)


# Addresses


def address_country(address: dict[str, Any]) -> str | None:
    """Return the name of an address's country."""
    return country_names().get(address.get("countryCode") or "")


def address_province(address: dict[str, Any]) -> str | None:
    """Return the name of an address's province."""
    return zones_of(address.get("countryCode") or "").get(address.get("provinceCode") or "")


@field("LocationAddress", "country")
def _country(row: dict[str, Any], ctx: Context) -> str | None:
    return address_country(row)


@field("LocationAddress", "province")
def _province(row: dict[str, Any], ctx: Context) -> str | None:
    return address_province(row)


@field("LocationAddress", "formatted")
def _formatted(row: dict[str, Any], ctx: Context) -> list[str]:
    """Write the address as lines (captured: inventory-131, 137, recorded locations)."""
    values = row | {"country": address_country(row), "countryCodeV2": row.get("countryCode")}
    return formatted_lines(values, with_name=False, with_company=False)
