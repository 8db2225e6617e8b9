"""Where an item is stocked: `inventoryActivate`, `inventoryDeactivate`, `inventoryBulkToggleActivation`."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import inventory_levels, stock
from fake_shopify.admin.inventory import level_row, only_location_text, show_level, split_level_gid
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

MOST = 1_000_000_000

Errors = list[dict[str, Any]]


# One item at one location


@mutation("inventoryActivate")
def inventory_activate(
    ctx: Context,
    inventoryItemId: str,
    locationId: str,
    available: int | None = None,
    onHand: int | None = None,
    stockAtLegacyLocation: bool = False,
) -> dict[str, Any]:
    """Stock an item at a location; an inactive level comes back with what it held (captured: inventory-004..006, 091, 094, 100).

    Assumed: `available` or `onHand` given for a level that comes back replaces what it held.
    """
    item, location = ctx.find("InventoryItem", inventoryItemId), ctx.find("Location", locationId)
    errors = _missing_errors(item, location)
    if item is None or location is None or errors:
        return {"inventoryLevel": None, "userErrors": errors}
    level = inventory_levels.level_at(item, location.number)
    if level is not None and level["isActive"]:
        errors = _already_active_errors(available, onHand)
        return {"inventoryLevel": level_row(item, location.number, level), "userErrors": errors}
    errors = _quantity_errors(location, available, onHand)
    if errors:
        return {"inventoryLevel": None, "userErrors": errors}
    return {"inventoryLevel": _activate(ctx, item, location, available, onHand), "userErrors": []}


def _missing_errors(item: Row | None, location: Row | None) -> Errors:
    """Assumed: the words are those of `inventoryDeactivate` (captured: inventory-009, 010), each under its argument."""
    if location is None:
        text = "The product couldn't be stocked because the location was deleted."
        return [user_error(["locationId"], text)]
    if item is None:
        text = "The product couldn't be stocked because the product was deleted."
        return [user_error(["inventoryItemId"], text)]
    if not location["isActive"]:
        text = f"The product couldn't be stocked at {location['name']} because the location is not active."
        return [user_error(["locationId"], text)]
    return []


def _already_active_errors(available: int | None, on_hand: int | None) -> Errors:
    errors = []
    if available is not None:
        text = "Not allowed to set available quantity when the item is already active at the location."
        errors.append(user_error(["available"], text))
    if on_hand is not None:
        text = "Not allowed to set an on_hand quantity when the item is already active at the location."
        errors.append(user_error(["onHand"], text))
    return errors


def _quantity_errors(location: Row, available: int | None, on_hand: int | None) -> Errors:
    given = {name: count for name, count in (("available", available), ("onHand", on_hand)) if count is not None}
    start = f"The product couldn't be stocked at {location['name']} because"
    if len(given) == 2:
        text = f"{start} not allowed to set available and on_hand quantities at the same time."
        return [user_error([name], text) for name in given]
    text = f"{start} the quantity needs to be between -1 billion and 1 billion."
    return [user_error([name], text) for name, count in given.items() if not -MOST <= count <= MOST]


def _activate(ctx: Context, item: Row, location: Row, available: int | None, on_hand: int | None) -> Row | None:
    kept = ctx.table("InventoryItem").edit(item.number)
    assert kept is not None
    now = ctx.now()
    inventory_levels.activate(kept, location.number, now)
    if available is not None:
        inventory_levels.set_quantity(kept, location.number, "available", available, now)
    if on_hand is not None:
        inventory_levels.set_quantity(kept, location.number, "on_hand", on_hand, now)
    stock.announce(ctx.shop, kept, location.number, "inventory_levels/connect", sells=bool(available or on_hand))
    return show_level(ctx.shop, kept, location.number)


@mutation("inventoryDeactivate")
def inventory_deactivate(ctx: Context, inventoryLevelId: str) -> dict[str, Any]:
    """Unstock an item; its quantities stay for when it comes back (captured: inventory-009, 010, 088, 090, 091, 099).

    Captured: committed, incoming and reserved quantities do not stand in the way. Assumed: unstocking once more changes nothing.
    """
    ctx.require_type(inventoryLevelId, "InventoryLevel")
    numbers = split_level_gid(inventoryLevelId)
    item = ctx.table("InventoryItem").get(numbers[0]) if numbers else None
    location = ctx.table("Location").get(numbers[1]) if numbers else None
    text = _cannot_unstock(item, location)
    if text is not None:
        return {"userErrors": [user_error(None, text)]}
    assert item is not None
    assert location is not None
    _deactivate(ctx, item.number, location.number)
    return {"userErrors": []}


def _cannot_unstock(item: Row | None, location: Row | None) -> str | None:
    if item is None:
        return "The product couldn't be unstocked because the product was deleted."
    level = inventory_levels.level_at(item, location.number) if location is not None else None
    if level is None:
        return "The product couldn't be unstocked because the location was deleted."
    if level["isActive"] and len(inventory_levels.active_levels(item)) == 1:
        return only_location_text(location)
    return None


def _deactivate(ctx: Context, item_number: int, location_number: int) -> None:
    item = ctx.table("InventoryItem").edit(item_number)
    level = inventory_levels.level_at(item, location_number) if item is not None else None
    if item is None or level is None or not level["isActive"]:
        return
    level.update(isActive=False, updatedAt=ctx.now())
    stock.announce(ctx.shop, item, location_number, "inventory_levels/disconnect")


# One item at several locations


@mutation("inventoryBulkToggleActivation")
def inventory_bulk_toggle_activation(
    ctx: Context, inventoryItemId: str, inventoryItemUpdates: list[dict[str, Any]]
) -> dict[str, Any]:
    """Stock or unstock an item at several locations; all or nothing.

    Source: InventoryBulkToggleActivationUserErrorCode in the schema 2026-10 (codes and texts). Assumed: the paths of the errors,
    and that nothing is changed when one update is refused.
    """
    item = ctx.edit("InventoryItem", inventoryItemId)
    if item is None:
        error = user_error(["inventoryItemId"], "The inventory item was not found.", "INVENTORY_ITEM_NOT_FOUND")
        return {"inventoryItem": None, "inventoryLevels": None, "userErrors": [error]}
    errors = _toggle_errors(ctx, item, inventoryItemUpdates)
    if errors:
        return {"inventoryItem": None, "inventoryLevels": None, "userErrors": errors}
    shown = []
    for update in inventoryItemUpdates:
        location = ctx.find("Location", update["locationId"])
        assert location is not None
        if update["activate"]:
            shown.append(_activate(ctx, item, location, None, None))
        else:
            _deactivate(ctx, item.number, location.number)
            shown.append(show_level(ctx.shop, item, location.number))
    return {"inventoryItem": item, "inventoryLevels": [row for row in shown if row is not None], "userErrors": []}


def _toggle_errors(ctx: Context, item: Row, updates: list[dict[str, Any]]) -> Errors:
    errors, stocked = [], set(inventory_levels.active_levels(item))
    for index, update in enumerate(updates):
        path = ("inventoryItemUpdates", str(index), "locationId")
        location = ctx.find("Location", update["locationId"])
        if location is None:
            errors.append(user_error(path, "The location was not found.", "LOCATION_NOT_FOUND"))
        elif update["activate"]:
            stocked.add(location.number)
        else:
            stocked.discard(location.number)
            if not stocked:
                text = only_location_text(location)
                errors.append(user_error(path, text, "CANNOT_DEACTIVATE_FROM_ONLY_LOCATION"))
    return errors
