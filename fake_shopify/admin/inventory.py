"""Inventory items and inventory levels as they are read, and `inventoryItemUpdate`.

A level is no row of its own: it lives in its item (see `inventory_levels`), and `level_row` builds what the schema shows of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fake_shopify import money
from fake_shopify.admin import inventory_levels
from fake_shopify.admin.inventory_levels import GID_OFFSET, Level, level_gid
from fake_shopify.admin.nodes import node_of
from fake_shopify.context import Context, split_gid
from fake_shopify.paging import Connection, by_id, decode_cursor, page, stream_page, window
from fake_shopify.registry import field, query
from fake_shopify.rows import Row, Table
from fake_shopify.search import Field, exact, identifier, moment
from fake_shopify.world import Shop

CURSOR_SHIFT = 10
"""A level's place in a list: the item's number, then so many bits for which of its levels it is, in the order of stocking."""

DISPLAY_NAMES = {
    "available": "Available",
    "committed": "Committed",
    "damaged": "Damaged",
    "incoming": "Incoming",
    "on_hand": "On hand",
    "quality_control": "Quality control",
    "reserved": "Reserved",
    "safety_stock": "Safety stock",
}


# Levels


def level_row(item: Row, location_number: int, level: Level) -> Row:
    """Build what the schema shows of a level; its number is its place in a list (captured: pagination_search-017, products-079)."""
    return Row(
        __typename="InventoryLevel",
        _id=item.number << CURSOR_SHIFT | list(item["_levels"]).index(location_number),
        id=level_gid(item, location_number),
        isActive=level["isActive"],
        createdAt=level["createdAt"],
        updatedAt=level["updatedAt"],
        _item=item,
        _location_id=location_number,
        _level=level,
    )


def split_level_gid(text: str) -> tuple[int, int] | None:
    """Take a level's GID apart into the numbers of its item and its location; None when it is not complete."""
    kind, number = split_gid(text)
    item = parse_qs(urlsplit(text).query).get("inventory_item_id", [""])[0]
    if kind != "InventoryLevel" or not number.isdigit() or not item.isdigit():
        return None
    return int(item), int(number) - GID_OFFSET


def show_level(shop: Shop, item: Row, location_number: int, *, inactive: bool = True) -> Row | None:
    """Return a level of an item as a row, or None when the item is not stocked there."""
    level = inventory_levels.level_at(item, location_number)
    if level is None or not (inactive or level["isActive"]) or shop.table("Location").get(location_number) is None:
        return None
    return level_row(item, location_number, level)


@node_of("InventoryLevel")
def find_level(ctx: Context, id: str) -> Row | None:
    """Return the level behind a GID, active or not."""
    numbers = split_level_gid(id)
    item = ctx.table("InventoryItem").get(numbers[0]) if numbers else None
    return show_level(ctx.shop, item, numbers[1]) if numbers and item is not None else None


@query("inventoryLevel")
def inventory_level(ctx: Context, id: str) -> Row | None:
    """Answer a level by its GID; one of nothing is null (captured: inventory-004, 099)."""
    ctx.require_type(id, "InventoryLevel")
    return find_level(ctx, id)


@field("InventoryLevel", "item")
def _level_item(row: Row, ctx: Context) -> Row:
    found: Row = row["_item"]
    return found


@field("InventoryLevel", "location")
def _level_location(row: Row, ctx: Context) -> Row | None:
    return ctx.table("Location").get(row["_location_id"])


@field("InventoryLevel", "quantities")
def _level_quantities(row: Row, ctx: Context, names: list[str]) -> list[dict[str, Any]]:
    """Answer the quantities that are asked for, in that order. Assumed: a name that does not exist is left out."""
    counts, instants = row["_level"]["quantities"], row["_level"]["quantitiesUpdatedAt"]
    base = level_gid(row["_item"], row["_location_id"], "InventoryQuantity")
    return [
        {
            "__typename": "InventoryQuantity",
            "id": f"{base}&name={name}",
            "name": name,
            "quantity": counts[name],
            "updatedAt": None if name == "on_hand" else instants.get(name),
        }
        for name in names
        if name in counts
    ]


@field("InventoryLevel", "canDeactivate")
def _can_deactivate(row: Row, ctx: Context) -> bool:
    """An item stays stocked at one location at least (captured: inventory-091)."""
    return not row["isActive"] or len(inventory_levels.active_levels(row["_item"])) > 1


@field("InventoryLevel", "deactivationAlert")
def _deactivation_alert(row: Row, ctx: Context) -> str | None:
    return None if _can_deactivate(row, ctx) else only_location_text(_level_location(row, ctx))


def only_location_text(location: Row | None) -> str:
    """Refuse to unstock an item from its last location (captured: inventory-091)."""
    name = location["name"] if location is not None else ""
    return f"The product couldn't be unstocked from {name} because products need to be stocked at a minimum of 1 location."


LEVEL_FIELDS: dict[str, Field] = {
    "id": identifier(),
    "inventory_item_id": exact(lambda row: str(row["_item"].number)),
    "inventory_group_id": exact(lambda row: str(row["_location_id"] + GID_OFFSET)),
    "created_at": moment("createdAt"),
    "updated_at": moment("updatedAt"),
}
"""Captured: `location_id` is none of them and changes nothing (pagination_search-017)."""


def levels_of_item(shop: Shop, item: Row, *, inactive: bool) -> list[Row]:
    """Return the levels of an item as rows."""
    shown = (show_level(shop, item, number, inactive=inactive) for number in item["_levels"])
    return [row for row in shown if row is not None]


@field("InventoryItem", "inventoryLevels")
def _item_levels(row: Row, ctx: Context, includeInactive: bool = False, **arguments: Any) -> Connection:
    search = ctx.search(arguments.get("query"), LEVEL_FIELDS)
    rows = [level for level in levels_of_item(ctx.shop, row, inactive=includeInactive) if search.matches(level)]
    return page(rows, arguments)


@field("InventoryItem", "inventoryLevel")
def _item_level(row: Row, ctx: Context, locationId: str, includeInactive: bool = False) -> Row | None:
    ctx.require_type(locationId, "Location")
    number = split_gid(locationId)[1]
    return show_level(ctx.shop, row, int(number), inactive=includeInactive) if number.isdigit() else None


def levels_at(shop: Shop, location_number: int, *, inactive: bool, items: Iterable[Row] | None = None) -> Iterator[Row]:
    """Yield the levels at a location, in the order of their items, one by one."""
    for item in shop.table("InventoryItem") if items is None else items:
        level = inventory_levels.level_at(item, location_number)
        if level is not None and (inactive or level["isActive"]):
            yield level_row(item, location_number, level)


@field("Location", "inventoryLevels")
def _location_levels(row: Row, ctx: Context, includeInactive: bool = False, **arguments: Any) -> Connection:
    """List the levels at a location without reading more items than the page needs, where the end of the list is not asked for."""
    count, from_end = window(arguments)
    search = ctx.search(arguments.get("query"), LEVEL_FIELDS)
    if from_end or arguments.get("before"):
        rows = levels_at(ctx.shop, row.number, inactive=includeInactive)
        return page([level for level in rows if search.matches(level)], arguments)
    reverse, after = bool(arguments.get("reverse")), arguments.get("after")
    mark = decode_cursor(after)[0] if after else None
    items = _items_from(ctx.table("InventoryItem"), reverse, mark)
    levels = levels_at(ctx.shop, row.number, inactive=includeInactive, items=items)
    beyond = (one for one in levels if mark is None or (one.number < mark if reverse else one.number > mark))
    return stream_page((one for one in beyond if search.matches(one)), count, key=by_id, has_previous=mark is not None)


def _items_from(table: Table, reverse: bool, mark: int | None) -> Iterator[Row]:
    """Yield items in order, beginning with the one that a level's cursor names where that is a seeded one."""
    index = table.seeded.index_of(mark >> CURSOR_SHIFT) if mark is not None and table.seeded is not None else None
    if index is None:
        return table.scan(reverse=reverse)
    return table.scan(reverse=True, high=index + 1) if reverse else table.scan(low=index)


@field("Location", "inventoryLevel")
def _location_level(row: Row, ctx: Context, inventoryItemId: str, includeInactive: bool = False) -> Row | None:
    ctx.require_type(inventoryItemId, "InventoryItem")
    item = ctx.find("InventoryItem", inventoryItemId)
    return show_level(ctx.shop, item, row.number, inactive=includeInactive) if item is not None else None


def has_stock_at(shop: Shop, location_number: int) -> bool:
    """Say whether an item is stocked at a location.

    Assumed: a level counts even while it is empty. In a seeded shop the first thousand items stand for all seeded ones.
    """
    rows = shop.table("InventoryItem").scan(high=1000)
    return next(levels_at(shop, location_number, inactive=False, items=rows), None) is not None


# Items

ITEM_FIELDS: dict[str, Field] = {
    "id": identifier(),
    "sku": exact("sku"),
    "created_at": moment("createdAt"),
    "updated_at": moment("updatedAt"),
}
"""Source: shopify.dev/docs/api/admin-graphql/latest/queries/inventoryItems (read 2026-11)."""


@query("inventoryItem")
def inventory_item(ctx: Context, id: str) -> Row | None:
    """Answer an item by its GID."""
    ctx.require_type(id, "InventoryItem")
    return ctx.find("InventoryItem", id)


@query("inventoryItems")
def inventory_items(ctx: Context, **arguments: Any) -> Connection:
    """List items by id (captured: inventory-015)."""
    return ctx.list(ctx.table("InventoryItem"), arguments, fields=ITEM_FIELDS)


@field("InventoryItem", "variant")
def _item_variant(row: Row, ctx: Context) -> Row | None:
    return ctx.table("ProductVariant").get(row["_variant_id"])


@field("InventoryItem", "variants")
def _item_variants(row: Row, ctx: Context, **arguments: Any) -> Connection:
    variant = _item_variant(row, ctx)
    return page([variant] if variant is not None else [], arguments)


@field("InventoryItem", "measurement")
def _measurement(row: Row, ctx: Context) -> dict[str, Any]:
    """Captured: a new item weighs 0 kilograms (inventory-012)."""
    value, unit = row["_weight"]
    weight = {"__typename": "Weight", "value": value, "unit": unit}
    return {"__typename": "InventoryItemMeasurement", "id": ctx.gid("InventoryItemMeasurement", row.number), "weight": weight}


@field("InventoryItem", "unitCost")
def _unit_cost(row: Row, ctx: Context) -> dict[str, Any] | None:
    cost = row.get("_unit_cost")
    return None if cost is None else money.money(cost, ctx.shop.settings["currency"])


@field("InventoryItem", "trackedEditable")
def _tracked_editable(row: Row, ctx: Context) -> dict[str, Any]:
    return {"__typename": "EditableProperty", "locked": False, "reason": None}


@field("InventoryItem", "locationsCount")
def _locations_count(row: Row, ctx: Context) -> dict[str, Any]:
    """Answer how many locations stock the item."""
    return {"__typename": "Count", "count": len(inventory_levels.active_levels(row)), "precision": "EXACT"}


@field("InventoryItem", "duplicateSkuCount")
def _duplicate_sku_count(row: Row, ctx: Context) -> int:
    """Answer how many other items have the same SKU. Assumed: 0 in a seeded shop, whose SKUs are unique."""
    table = ctx.table("InventoryItem")
    if not row["sku"] or table.seeded is not None:
        return 0
    return sum(1 for other in table if other["sku"] == row["sku"]) - 1


@field("InventoryItem", "inventoryHistoryUrl")
def _history_url(row: Row, ctx: Context) -> str | None:
    variant = _item_variant(row, ctx)
    if variant is None:
        return None
    return f"https://{ctx.shop.domain}/admin/products/{variant['_product_id']}/variants/{variant.number}/inventory_history"


@field("InventoryItem", "countryHarmonizedSystemCodes")
def _country_codes(row: Row, ctx: Context, **arguments: Any) -> Connection:
    rows = [
        Row(
            __typename="CountryHarmonizedSystemCode",
            _id=index,
            countryCode=code.get("countryCode"),
            harmonizedSystemCode=code["harmonizedSystemCode"],
        )
        for index, code in enumerate(row.get("_hs_codes") or (), 1)
    ]
    return page(rows, arguments)


@query("inventoryProperties")
def inventory_properties(ctx: Context) -> dict[str, Any]:
    """Answer the quantity names.

    Source: shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps (inventory states, read 2026-11). Assumed: the
    order by name, and that `isInUse` is true for the names that every shop uses.
    """
    return {
        "__typename": "InventoryProperties",
        "quantityNames": [
            {
                "__typename": "InventoryQuantityName",
                "name": name,
                "displayName": label,
                "isInUse": name in ("available", "committed", "incoming", "on_hand"),
                "belongsTo": ["on_hand"] if name in inventory_levels.ON_HAND_PARTS else [],
                "comprises": list(inventory_levels.ON_HAND_PARTS) if name == "on_hand" else [],
            }
            for name, label in DISPLAY_NAMES.items()
        ],
    }
