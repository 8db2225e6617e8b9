"""Inventory items, their levels by location with every quantity name, and the locations."""

from __future__ import annotations

from typing import Final

from shopify_mirror.rows import (
    GUARD,
    NO_AMOUNT,
    RAW_GUARD,
    Amount,
    Count,
    Draft,
    Instant,
    Integer,
    NodeShape,
    Ref,
    Shape,
    Table,
    Text,
    digest_of,
    kind_of,
    number,
)

QUANTITIES: Final = ("available", "on_hand", "committed", "incoming", "reserved", "damaged", "quality_control", "safety_stock")

LOCATIONS: Final = Table(
    "locations",
    (
        "location_id", "name", "is_active", "is_fulfillment_service", "city", "province_code", "country_code", "created_at",
        *RAW_GUARD,
    ),
)  # fmt: skip
INVENTORY_ITEMS: Final = Table(
    "inventory_items",
    (
        "inventory_item_id", "sku", "is_tracked", "requires_shipping", "unit_cost", "cost_currency", "weight", "weight_unit",
        "country_code_of_origin", "harmonized_system_code", "locations_count", "created_at", *RAW_GUARD,
    ),
)  # fmt: skip
INVENTORY_LEVELS: Final = Table(
    "inventory_levels", ("inventory_item_id", "location_id", "level_id", *QUANTITIES, "created_at", *GUARD)
)


class Weight(Shape):
    """A weight."""

    value: float | None = None
    unit: str | None = None


class Measurement(Shape):
    """What an item weighs."""

    weight: Weight | None = None


class InventoryItem(NodeShape, tag="InventoryItem"):
    """An inventory item as our documents ask for it."""

    updated_at: Instant
    sku: str | None = None
    tracked: bool | None = None
    requires_shipping: bool | None = None
    unit_cost: Amount | None = None
    country_code_of_origin: str | None = None
    harmonized_system_code: str | None = None
    measurement: Measurement | None = None
    locations_count: Count | None = None
    created_at: Instant | None = None


class Quantity(Shape):
    """How many, under one name."""

    name: str
    quantity: Integer


class InventoryLevel(NodeShape, tag="InventoryLevel"):
    """A level as our documents ask for it; below an item or a location."""

    updated_at: Instant
    location: Ref | None = None
    item: Ref | None = None
    quantities: tuple[Quantity, ...] = ()
    created_at: Instant | None = None


class LocationAddress(Shape):
    """Where a location is."""

    city: str | None = None
    province_code: str | None = None
    country_code: str | None = None


class Location(NodeShape, tag="Location"):
    """A location as our documents ask for it."""

    updated_at: Instant | None = None
    name: str | None = None
    is_active: bool | None = None
    is_fulfillment_service: bool | None = None
    address: LocationAddress | None = None
    created_at: Instant | None = None


_NO_WEIGHT = Weight()
_NO_PLACE = LocationAddress()


def take_location(draft: Draft, location: Location, raw_id: int, text: Text) -> None:
    """Write a location's row; one that only leads to its levels becomes none."""
    if location.updated_at is None:
        return
    place = location.address or _NO_PLACE
    draft.rows["locations"].append(
        (
            *draft.keys, number(location.id), location.name, location.is_active, location.is_fulfillment_service, place.city,
            place.province_code, place.country_code, location.created_at, raw_id, digest_of(text), location.updated_at,
        )
    )  # fmt: skip
    draft.keep_raw(raw_id, text)
    draft.introduce(location.id, location.updated_at)


def take_item(draft: Draft, item: InventoryItem, raw_id: int, text: Text) -> None:
    """Write an inventory item's row."""
    cost = item.unit_cost or NO_AMOUNT
    weight = (item.measurement and item.measurement.weight) or _NO_WEIGHT
    draft.rows["inventory_items"].append(
        (
            *draft.keys, number(item.id), item.sku, item.tracked, item.requires_shipping, cost.amount, cost.currency_code,
            weight.value, weight.unit, item.country_code_of_origin, item.harmonized_system_code,
            item.locations_count.count if item.locations_count else None, item.created_at, raw_id, digest_of(text),
            item.updated_at,
        )
    )  # fmt: skip
    draft.keep_raw(raw_id, text)
    draft.introduce(item.id, item.updated_at)


def take_level(draft: Draft, level: InventoryLevel, _: int, text: Text) -> None:
    """Write a level's row. Its GID is `…/InventoryLevel/<level>?inventory_item_id=<item>`; the parent is item or location."""
    own, _mark, query = level.id.rpartition("/")[2].partition("?")
    item_id = number(level.item.id) if level.item else query.partition("inventory_item_id=")[2].partition("&")[0]
    location_id = number(level.location.id) if level.location else None
    parent_id = level.parent_id or ""
    if not item_id and kind_of(parent_id) == "InventoryItem":
        item_id = number(parent_id)
    if location_id is None and kind_of(parent_id) == "Location":
        location_id = number(parent_id)
    if not item_id or location_id is None:
        draft.skip("InventoryLevel")
        return
    draft.parent("inventory_levels", level.parent_id)
    named = {quantity.name: quantity.quantity for quantity in level.quantities}
    amounts = [named.get(name) for name in QUANTITIES]
    draft.rows["inventory_levels"].append(
        (*draft.keys, item_id, location_id, own, *amounts, level.created_at, digest_of(text), level.updated_at)
    )
