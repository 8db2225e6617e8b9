"""Inventory levels: shapes and the inputs of Shopify's quantity mutations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from shopify_admin.shapes import Raw
from shopify_kit.identifiers import tail

REASONS = (
    "correction",
    "cycle_count_available",
    "damaged",
    "movement_created",
    "movement_updated",
    "movement_received",
    "movement_canceled",
    "other",
    "promotion",
    "quality_control",
    "received",
    "reservation_created",
    "reservation_deleted",
    "reservation_updated",
    "restock",
    "safety_stock",
    "shrinkage",
)
DEFAULT_REASON = "correction"


class InventoryLevel(Struct, frozen=True):
    """Stock of one item at one location; quantities in units."""

    admin_graphql_api_id: str
    inventory_item_id: int
    location_id: int
    location_name: str
    sku: str | None
    variant_id: int | None
    product_id: int | None
    tracked: bool
    available: int
    on_hand: int
    committed: int
    incoming: int
    reserved: int
    damaged: int
    updated_at: str


def level_of(raw: Raw) -> InventoryLevel:
    """Read Shopify's InventoryLevel; its GID has parameters and is not taken apart."""
    quantities = {row["name"]: row["quantity"] for row in raw["quantities"]}
    variant = raw["item"]["variant"]
    return InventoryLevel(
        admin_graphql_api_id=raw["id"],
        inventory_item_id=tail(raw["item"]["id"]),
        location_id=tail(raw["location"]["id"]),
        location_name=raw["location"]["name"],
        sku=raw["item"]["sku"],
        variant_id=tail(variant["id"]) if variant else None,
        product_id=tail(variant["product"]["id"]) if variant else None,
        tracked=raw["item"]["tracked"],
        available=quantities.get("available", 0),
        on_hand=quantities.get("on_hand", 0),
        committed=quantities.get("committed", 0),
        incoming=quantities.get("incoming", 0),
        reserved=quantities.get("reserved", 0),
        damaged=quantities.get("damaged", 0),
        updated_at=raw["updatedAt"],
    )


def adjust_input(item_gid: str, location_gid: str, delta: int, reason: str, *, name: str = "available") -> dict[str, Any]:
    """Write an InventoryAdjustQuantitiesInput for one level.

    `changeFromQuantity` is demanded since 2026-04 (BEHAVIOURS 9); null says that the quantity before does not matter.
    """
    change = {"inventoryItemId": item_gid, "locationId": location_gid, "delta": delta, "changeFromQuantity": None}
    return {"name": name, "reason": reason, "changes": [change]}


def set_quantities_input(rows: Sequence[tuple[str, str, int]], reason: str, *, name: str = "available") -> dict[str, Any]:
    """Write an InventorySetQuantitiesInput; `rows`: list[(item GID, location GID, quantity)], at most 250."""
    quantities = [
        {"inventoryItemId": item, "locationId": location, "quantity": quantity, "changeFromQuantity": None}
        for item, location, quantity in rows
    ]
    return {"name": name, "reason": reason, "quantities": quantities}
