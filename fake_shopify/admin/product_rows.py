"""Rows of products, variants and their inventory items, made from plain values: for mutations as well as for seeding.

`*_row` functions only build (seeding makes them lazily with ids of its own); `new_*` functions also give out ids, keep the rows and
note the handle. Options live inside the product's row: `{"id", "name", "position", "values": [{"id", "name"}]}` with plain numbers;
`_option_value_ids` of a variant names one value per option, in the order of the options.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fake_shopify.admin import handles, inventory_levels
from fake_shopify.money import scalar
from fake_shopify.rows import Row
from fake_shopify.world import Shop, gid

Option = dict[str, Any]

DEFAULT_OPTION, DEFAULT_VALUE = "Title", "Default Title"


def product_row(number: int, now: str, *, title: str, handle: str, vendor: str, **values: Any) -> Row:
    """Build a product; `values` replace the defaults of a product that was just created (captured: products-026, 054, 079)."""
    row = Row(
        __typename="Product",
        _id=number,
        id=gid("Product", number),
        title=title,
        handle=handle,
        vendor=vendor,
        productType="",
        descriptionHtml="",
        status="ACTIVE",
        tags=[],
        templateSuffix=None,
        giftCardTemplateSuffix=None,
        isGiftCard=False,
        requiresSellingPlan=False,
        combinedListingRole=None,
        seo={"__typename": "SEO", "title": None, "description": None},
        publishedAt=None,
        createdAt=now,
        updatedAt=now,
        _category=None,
        _options=[],
        _variant_ids=[],
        _media_ids=[],
        _publications={},
        _total_inventory=None,
    )
    row.update(values)
    return row


def variant_row(number: int, now: str, *, product_id: int, inventory_item_id: int, position: int, **values: Any) -> Row:
    """Build a variant; `values` replace the defaults (captured: products-054, recorded products)."""
    row = Row(
        __typename="ProductVariant",
        _id=number,
        id=gid("ProductVariant", number),
        price="0.00",
        compareAtPrice=None,
        barcode=None,
        position=position,
        inventoryPolicy="DENY",
        taxable=True,
        taxCode="",
        requiresComponents=False,
        showUnitPrice=False,
        createdAt=now,
        updatedAt=now,
        _product_id=product_id,
        _inventory_item_id=inventory_item_id,
        _option_value_ids=[],
        _media_id=None,
        _unit_price_measurement=None,
    )
    row.update(values)
    row["price"] = scalar(row["price"])
    if row["compareAtPrice"] is not None:
        row["compareAtPrice"] = scalar(row["compareAtPrice"])
    return row


def inventory_item_row(number: int, now: str, *, variant_id: int, levels: Mapping[int, int] | None = None, **values: Any) -> Row:
    """Build the inventory item of a variant; `levels` are available counts by location number."""
    row = Row(
        __typename="InventoryItem",
        _id=number,
        id=gid("InventoryItem", number),
        sku=None,
        tracked=False,
        requiresShipping=True,
        countryCodeOfOrigin=None,
        provinceCodeOfOrigin=None,
        harmonizedSystemCode=None,
        createdAt=now,
        updatedAt=now,
        _variant_id=variant_id,
        _unit_cost=None,
        _weight=(0.0, "KILOGRAMS"),
        _hs_codes=[],
        _levels={},
    )
    row.update(values)
    for location_number, count in (levels or {}).items():
        inventory_levels.set_available(row, location_number, count, now)
    return row


# Options


def option_row(number: int, name: str, position: int, values: Iterable[tuple[int, str]]) -> Option:
    """Build an option with its values as (id, name)."""
    return {"id": number, "name": name, "position": position, "values": [{"id": one, "name": label} for one, label in values]}


def new_option(shop: Shop, name: str, position: int, values: Sequence[str]) -> Option:
    """Build an option with fresh ids."""
    return option_row(shop.new_id("ProductOption"), name, position, [(new_value_id(shop), value) for value in values])


def new_value_id(shop: Shop) -> int:
    """Return the id of a new option value."""
    return shop.new_id("ProductOptionValue")


def value_ids(options: Sequence[Option], names: Sequence[str]) -> list[int]:
    """Return the ids of the named values, one per option."""
    return [
        next(value["id"] for value in option["values"] if value["name"] == name)
        for option, name in zip(options, names, strict=True)
    ]


def value_names(product: Row, variant: Row) -> list[str]:
    """Return the names of a variant's option values in the order of the options."""
    chosen = set(variant["_option_value_ids"])
    return [value["name"] for option in product["_options"] for value in option["values"] if value["id"] in chosen]


# New rows of a shop


def new_product(
    shop: Shop,
    now: str,
    *,
    title: str,
    handle: str | None = None,
    vendor: str | None = None,
    options: Sequence[tuple[str, Sequence[str]]] = (),
    variants: Sequence[Mapping[str, Any]] | None = (),
    **values: Any,
) -> Row:
    """Make a product and keep it.

    Args:
        handle: taken as it is; by default made from the title, free of collisions.
        options: names with their values; without any the product gets Shopify's `Title: Default Title`.
        variants: arguments of `new_variant`; without any the product gets one variant of the first values, with None it gets none.
    """
    number = shop.new_id("Product")
    wanted = handle or handles.free(shop, "Product", handles.made_from(title, "product"))
    row = product_row(number, now, title=title, handle=wanted, vendor=vendor or shop.settings["name"], **values)
    shop.table("Product").add(row)
    handles.move(shop, "Product", number, None, wanted)
    row["_options"] = [
        new_option(shop, name, index, labels) for index, (name, labels) in enumerate(options or [default_option()], 1)
    ]
    for given in [{}] if variants == () else variants or ():
        new_variant(shop, now, row, **given)
    row["_total_inventory"] = current_total(shop, row)
    return row


def default_option() -> tuple[str, list[str]]:
    """Return the option of a product without options."""
    return DEFAULT_OPTION, [DEFAULT_VALUE]


def new_variant(
    shop: Shop,
    now: str,
    product: Row,
    *,
    values: Sequence[str] | None = None,
    stock: Mapping[int, int] | None = None,
    item: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Row:
    """Make a variant with its inventory item as the product's last one and keep both.

    Args:
        values: names of its option values, by default the first of each option; `_option_value_ids` may be given instead.
        stock: available counts by location number; by default the item is stocked at the primary location with nothing there
            (captured: inventory-015).
        item: fields of the inventory item (`sku`, `tracked`, …).
    """
    number, item_number = shop.new_id("ProductVariant"), shop.new_id("InventoryItem")
    if "_option_value_ids" not in fields:
        first = [option["values"][0]["name"] for option in product["_options"]]
        fields["_option_value_ids"] = value_ids(product["_options"], first if values is None else values)
    row = variant_row(
        number,
        now,
        product_id=product.number,
        inventory_item_id=item_number,
        position=len(product["_variant_ids"]) + 1,
        **fields,
    )
    stocked = inventory_item_row(item_number, now, variant_id=number, levels=stock, **(item or {}))
    if stock is None and (primary := primary_location(shop)) is not None:
        inventory_levels.activate(stocked, primary, now)
    shop.table("InventoryItem").add(stocked)
    _announce(shop, stocked)
    product["_variant_ids"].append(number)
    return shop.table("ProductVariant").add(row)


def _announce(shop: Shop, item: Row) -> None:
    """Tell of a new item and of the locations where it is stocked (assumed: nothing counted is told of on its own)."""
    shop.emit("inventory_items/create", {"id": item.number, "admin_graphql_api_id": item["id"]})
    for location_number, level in inventory_levels.active_levels(item).items():
        shop.emit("inventory_levels/connect", inventory_levels.level_payload(item, location_number, level))


def primary_location(shop: Shop) -> int | None:
    """Return the number of the location where new variants are stocked."""
    rows = [row for row in shop.table("Location") if row.get("isActive", True)]
    chosen = next((row for row in rows if row.get("isPrimary")), rows[0] if rows else None)
    return chosen.number if chosen is not None else None


# Reading


def variants_of(shop: Shop, product: Row) -> list[Row]:
    """Return the variants of a product in their order, to read."""
    table = shop.table("ProductVariant")
    return [row for row in map(table.get, product["_variant_ids"]) if row is not None]


def item_of(shop: Shop, variant: Row) -> Row:
    """Return the inventory item of a variant, to read."""
    row = shop.table("InventoryItem").get(variant["_inventory_item_id"])
    assert row is not None
    return row


def edit_variants(shop: Shop, product: Row) -> list[Row]:
    """Return the variants of a product in their order, to change."""
    table = shop.table("ProductVariant")
    return [row for row in map(table.edit, product["_variant_ids"]) if row is not None]


def edit_item(shop: Shop, variant: Row) -> Row:
    """Return the inventory item of a variant, to change."""
    row = shop.table("InventoryItem").edit(variant["_inventory_item_id"])
    assert row is not None
    return row


def available(shop: Shop, variant: Row) -> int:
    """Return what can be sold of a variant over all locations."""
    return inventory_levels.total(item_of(shop, variant))


def variant_title(product: Row, variant: Row) -> str:
    """Return the title of a variant: its values joined by ` / `."""
    return " / ".join(value_names(product, variant))


def has_only_default(product: Row) -> bool:
    """Say whether a product has no options of its own."""
    options = product["_options"]
    return (
        len(options) == 1 and options[0]["name"] == DEFAULT_OPTION and [v["name"] for v in options[0]["values"]] == [DEFAULT_VALUE]
    )


def current_total(shop: Shop, product: Row) -> int:
    """Return what can be sold of the tracked variants (captured: products-079 leaves untracked ones out)."""
    items = (item_of(shop, variant) for variant in variants_of(shop, product))
    return sum(inventory_levels.total(item) for item in items if item["tracked"])
