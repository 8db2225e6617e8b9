"""What orders do to stock: commit it, ship it, give it back. Needs a shop only, no request, so that seeding may use it too.

Every function takes the numbers of an inventory item and a location and how many; an item that is not tracked stays as it is. A
change is announced as `inventory_levels/update`, and as `products/update` when it changes what can be sold.

Source: shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps (inventory states, read 2026-11).
Captured: an order moves available to committed and leaves on_hand (inventory-087, 097).
"""

from __future__ import annotations

from collections.abc import Iterator

from fake_shopify.admin import inventory_levels
from fake_shopify.admin.product_webhooks import stock_changed
from fake_shopify.rows import Row
from fake_shopify.world import Shop


def commit(shop: Shop, item_number: int, location_number: int, count: int) -> None:
    """An order was placed: available becomes committed; available may fall below zero (captured: inventory-095)."""
    _change(shop, item_number, location_number, available=-count, committed=count)


def release(shop: Shop, item_number: int, location_number: int, count: int) -> None:
    """An unfulfilled line was cancelled and restocked: committed becomes available again."""
    _change(shop, item_number, location_number, available=count, committed=-count)


def uncommit(shop: Shop, item_number: int, location_number: int, count: int) -> None:
    """An unfulfilled line was removed without restocking: what was committed is gone."""
    _change(shop, item_number, location_number, committed=-count)


def ship(shop: Shop, item_number: int, location_number: int, count: int) -> None:
    """A committed line was fulfilled: it leaves committed and on_hand."""
    _change(shop, item_number, location_number, committed=-count)


def unship(shop: Shop, item_number: int, location_number: int, count: int) -> None:
    """A fulfilment was cancelled: the line is committed again."""
    _change(shop, item_number, location_number, committed=count)


def withdraw(shop: Shop, item_number: int, location_number: int, count: int) -> None:
    """Something left at once, as in an order that is created fulfilled: available and on_hand fall."""
    _change(shop, item_number, location_number, available=-count)


def restock(shop: Shop, item_number: int, location_number: int, count: int) -> None:
    """Something came back, as with a refund that restocks: available and on_hand rise."""
    _change(shop, item_number, location_number, available=count)


def relocate_commitment(shop: Shop, item_number: int, origin: int, destination: int, count: int) -> None:
    """A fulfilment order was moved: the commitment changes its location."""
    release(shop, item_number, origin, count)
    commit(shop, item_number, destination, count)


def _change(shop: Shop, item_number: int, location_number: int, **deltas: int) -> None:
    item = shop.table("InventoryItem").edit(item_number)
    if item is None or not item["tracked"] or not any(deltas.values()):
        return
    now = shop.clock.iso()
    for name, delta in deltas.items():
        inventory_levels.adjust_quantity(item, location_number, name, delta, now)
    announce(shop, item, location_number, sells="available" in deltas)


def location_for(shop: Shop, item: Row | None, count: int) -> int | None:
    """Choose the location that serves an order's line.

    Captured: the first location that has enough available; where none has, the default one (inventory-095, 097). Assumed: the
    order of the locations is the primary one first, then by age; only active ones that fulfil online orders count. An item that is
    stocked nowhere is served by the primary location.
    """
    serving = list(_serving(shop))
    if item is None:
        return serving[0] if serving else None
    stocked = [number for number in serving if number in inventory_levels.active_levels(item)]
    enough = (n for n in stocked if inventory_levels.quantity(item, n, "available") >= count)
    return next(enough, None) or next(iter(stocked), None) or next(iter(serving), None)


def _serving(shop: Shop) -> Iterator[int]:
    rows = [row for row in shop.table("Location") if row["isActive"]]
    online = [row for row in rows if row["fulfillsOnlineOrders"]] or rows
    return (row.number for row in sorted(online, key=lambda row: (not row.get("isPrimary"), row.number)))


def announce(shop: Shop, item: Row, location_number: int, topic: str = "inventory_levels/update", *, sells: bool = False) -> None:
    """Note that a level has changed; `sells` says that more or less of the item can be sold now, which updates its product."""
    level = inventory_levels.level_at(item, location_number)
    if level is not None:
        shop.emit(topic, inventory_levels.level_payload(item, location_number, level))
    if sells:
        stock_changed(shop, item)
