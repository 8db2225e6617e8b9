"""From which location an order's lines are to be shipped: grouping new lines into fulfillment orders and claiming their stock."""

from __future__ import annotations

from fake_shopify.admin import order_rows, product_rows, stock
from fake_shopify.admin.order_rows import Numbers
from fake_shopify.context import Context
from fake_shopify.rows import Row

Group = tuple[bool, int]


def open_fulfillment_orders(ctx: Context, numbers: Numbers, order: Row, *, claim: bool) -> None:
    """Make the fulfillment orders of a new order: one per location, lines to ship apart from others.

    Captured: lines to ship and lines not to ship are in different ones, the ones to ship first (fulfillments-069).
    """
    groups: dict[Group, list[tuple[Row, int]]] = {}
    for line in order["_lines"]:
        location = location_for(ctx, line)
        groups.setdefault((not line["requiresShipping"], location), []).append((line, line["quantity"]))
        if claim:
            _claim(ctx, line, location)
    for (_, location), lines in sorted(groups.items(), key=lambda group: group[0][0]):
        order_rows.add_fulfillment_order(numbers, order, location_number=location, lines=lines, now=ctx.now())


def item_of_line(ctx: Context, line: Row) -> Row | None:
    """Return the inventory item behind a line, None for a custom one or a deleted variant."""
    variant = ctx.table("ProductVariant").get(line["_variant_id"]) if line["_variant_id"] is not None else None
    return product_rows.item_of(ctx.shop, variant) if variant is not None else None


def location_for(ctx: Context, line: Row) -> int:
    """Choose the location of a line: where its item is in stock, the primary one for a custom line (see `stock.location_for`).

    Captured: orders-006, fulfillments-017. Assumed: the shipping address does not matter (the recorded store routed custom
    lines with one elsewhere: fulfillments-003).
    """
    found = stock.location_for(ctx.shop, item_of_line(ctx, line), line["quantity"])
    return found if found is not None else next(iter(ctx.table("Location"))).number


def _claim(ctx: Context, line: Row, location: int) -> None:
    item = item_of_line(ctx, line)
    if item is not None:
        stock.commit(ctx.shop, item.number, location, line["quantity"])
        line["_claimed"] = True


def ship_stock(ctx: Context, line: Row, location: int, quantity: int) -> None:
    """Take shipped units out of the stock, when the order had claimed them."""
    item = item_of_line(ctx, line) if line.get("_claimed") else None
    if item is not None:
        stock.ship(ctx.shop, item.number, location, quantity)


def unship_stock(ctx: Context, line: Row, location: int, quantity: int) -> None:
    """Commit units again whose shipment was cancelled."""
    item = item_of_line(ctx, line) if line.get("_claimed") else None
    if item is not None:
        stock.unship(ctx.shop, item.number, location, quantity)


def release_stock(ctx: Context, line: Row, location: int, quantity: int, *, restock: bool) -> None:
    """Give up the claim on units that were not shipped; `restock` makes them available again."""
    item = item_of_line(ctx, line) if line.get("_claimed") else None
    if item is not None:
        (stock.release if restock else stock.uncommit)(ctx.shop, item.number, location, quantity)


def restock_units(ctx: Context, line: Row, location: int, quantity: int) -> None:
    """Put returned units back into the stock."""
    item = item_of_line(ctx, line)
    if item is not None:
        stock.restock(ctx.shop, item.number, location, quantity)


def move_stock(ctx: Context, line: Row, origin: int, destination: int, quantity: int) -> None:
    """Move the claim on units to another location."""
    item = item_of_line(ctx, line) if line.get("_claimed") else None
    if item is not None:
        stock.relocate_commitment(ctx.shop, item.number, origin, destination, quantity)
