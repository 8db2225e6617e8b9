"""Variants as they are found and as they show themselves."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import inventory_levels
from fake_shopify.admin.product_fields import counted, own_pricing, variant_sorts
from fake_shopify.admin.product_rows import available, item_of, value_names, variant_title
from fake_shopify.admin.product_search import listed, never, opposite, product_fields
from fake_shopify.admin.products import by_custom_id
from fake_shopify.admin.saved_searches import with_saved
from fake_shopify.context import COUNT_LIMIT, Context
from fake_shopify.paging import Connection, by_id, page
from fake_shopify.registry import field, query
from fake_shopify.rows import Row
from fake_shopify.search import Field, exact, identifier, moment, number, reference, words, yes_no

NO_MEASUREMENT = {"quantityValue": 0, "quantityUnit": None, "referenceValue": 0, "referenceUnit": None, "measuredType": None}
"""What a variant without a measurement shows (captured: recorded products)."""


# Roots


@query("productVariant")
def product_variant(ctx: Context, id: str) -> Row | None:
    """Answer a variant by id (captured: variants-001)."""
    ctx.require_type(id, "ProductVariant")
    return ctx.find("ProductVariant", id)


@query("productVariantByIdentifier")
def product_variant_by_identifier(ctx: Context, identifier: dict[str, Any]) -> Row | None:
    """Answer a variant by id or custom id."""
    if identifier.get("customId") is not None:
        return by_custom_id(ctx, "ProductVariant", identifier["customId"])
    return product_variant(ctx, identifier["id"])


def owner(ctx: Context, row: Row) -> Row:
    """Return the product of a variant, to read."""
    found = ctx.table("Product").get(row["_product_id"])
    assert found is not None
    return found


def variant_fields(ctx: Context) -> dict[str, Field]:
    """Return what `productVariants(query:)` may name.

    Source: shopify.dev/docs/api/admin-graphql/latest/queries/productVariants (argument `query`, read 2026-11).
    """
    shop, of_product = ctx.shop, product_fields(ctx)

    def product(name: str) -> Field:
        inner = of_product[name]
        return Field(lambda row, op, value, quoted: inner.test(owner(ctx, row), op, value, quoted))

    def option(place: int) -> Field:
        return exact(lambda row: value_names(owner(ctx, row), row)[place : place + 1])

    def locations(row: Row) -> list[int]:
        return list(inventory_levels.active_levels(item_of(shop, row)))

    return {
        "default": words(
            lambda row: owner(ctx, row)["title"],
            lambda row: variant_title(owner(ctx, row), row),
            lambda row: item_of(shop, row)["sku"],
            "barcode",
        ),
        "barcode": exact("barcode"),
        "collection": product("collection_id"),
        "delivery_profile_id": never(),
        "exclude_composite": yes_no(lambda row: not row["requiresComponents"]),
        "exclude_variants_with_components": yes_no(lambda row: not row["requiresComponents"]),
        "gift_card": product("gift_card"),
        "id": identifier(),
        "inventory_quantity": number(lambda row: available(shop, row)),
        "location_id": reference(locations),
        "managed": yes_no(lambda row: item_of(shop, row)["tracked"]),
        "managed_by": exact(lambda row: "shopify" if item_of(shop, row)["tracked"] else None),
        "option1": option(0),
        "option2": option(1),
        "option3": option(2),
        "product_id": reference("_product_id"),
        "product_ids": Field(
            lambda row, op, value, quoted: str(row["_product_id"]) in [part.strip().rsplit("/", 1)[-1] for part in value.split(",")]
        ),
        "product_publication_status": never(),
        "product_status": product("status"),
        "product_type": product("product_type"),
        "publishable_status": never(),
        "published_status": product("published_status"),
        "requires_components": yes_no("requiresComponents"),
        "sku": exact(lambda row: item_of(shop, row)["sku"]),
        "tag": product("tag"),
        "tag_not": opposite(product("tag")),
        "taxable": yes_no("taxable"),
        "title": words(lambda row: variant_title(owner(ctx, row), row), lambda row: owner(ctx, row)["title"]),
        "updated_at": moment("updatedAt", ctx.shop.settings["zone"]),
        "vendor": listed(lambda row: owner(ctx, row)["vendor"]),
    }


@query("productVariants")
def product_variants(ctx: Context, **arguments: Any) -> Connection:
    """List variants of all products."""
    return ctx.list(ctx.table("ProductVariant"), with_saved(ctx, arguments), fields=variant_fields(ctx), sorts=variant_sorts(ctx))


@query("productVariantsCount")
def product_variants_count(ctx: Context, query: str | None = None, limit: int | None = COUNT_LIMIT) -> dict[str, Any]:
    """Count variants; no search fields are documented, so that every text is ignored."""
    return ctx.count(ctx.table("ProductVariant"), query, {}, limit)


# Fields


@field("ProductVariant", "product")
def _product(row: Row, ctx: Context) -> Row:
    return owner(ctx, row)


@field("ProductVariant", "inventoryItem")
def _item(row: Row, ctx: Context) -> Row:
    return item_of(ctx.shop, row)


@field("ProductVariant", "title")
def _title(row: Row, ctx: Context) -> str:
    return variant_title(owner(ctx, row), row)


@field("ProductVariant", "displayName")
def _display_name(row: Row, ctx: Context) -> str:
    product = owner(ctx, row)
    return f"{product['title']} - {variant_title(product, row)}"


@field("ProductVariant", "selectedOptions")
def _selected(row: Row, ctx: Context) -> list[dict[str, Any]]:
    product, chosen = owner(ctx, row), set(row["_option_value_ids"])
    pairs = ((option, value) for option in product["_options"] for value in option["values"] if value["id"] in chosen)
    return [
        {
            "__typename": "SelectedOption",
            "name": option["name"],
            "value": value["name"],
            "optionValue": {
                "__typename": "ProductOptionValue",
                "id": ctx.gid("ProductOptionValue", value["id"]),
                "name": value["name"],
                "hasVariants": True,
            },
        }
        for option, value in pairs
    ]


@field("ProductVariant", "sku")
def _sku(row: Row, ctx: Context) -> str | None:
    sku: str | None = item_of(ctx.shop, row)["sku"]
    return sku


@field("ProductVariant", "inventoryQuantity")
def _quantity(row: Row, ctx: Context) -> int:
    """Sum what is available, tracked or not (captured: products-079)."""
    return available(ctx.shop, row)


@field("ProductVariant", "sellableOnlineQuantity")
def _sellable(row: Row, ctx: Context) -> int:
    return max(0, available(ctx.shop, row))


@field("ProductVariant", "availableForSale")
def _for_sale(row: Row, ctx: Context) -> bool:
    """Say whether it can be bought: not tracked, or sold on when out of stock, or in stock."""
    return not item_of(ctx.shop, row)["tracked"] or row["inventoryPolicy"] == "CONTINUE" or available(ctx.shop, row) > 0


@field("ProductVariant", "legacyResourceId")
def _legacy(row: Row, ctx: Context) -> str:
    return str(row.number)


@field("ProductVariant", "storefrontId")
def _storefront_id(row: Row, ctx: Context) -> str:
    return str(row["id"])


@field("ProductVariant", "defaultCursor")
def _cursor(row: Row, ctx: Context) -> str:
    return str(page([row], {"first": 1}, key=by_id)["edges"][0]["cursor"])


@field("ProductVariant", "unitPriceMeasurement")
def _measurement(row: Row, ctx: Context) -> dict[str, Any]:
    return NO_MEASUREMENT | (row["_unit_price_measurement"] or {})


@field("ProductVariant", "contextualPricing")
def _contextual_pricing(row: Row, ctx: Context, context: Any = None) -> dict[str, Any]:
    return own_pricing(ctx, row)


@field("ProductVariant", "sellingPlanGroupsCount")
def _plans_count(row: Row, ctx: Context) -> dict[str, Any]:
    return counted(0)


@field("ProductVariant", "sellingPlanGroupCount")
def _plan_count(row: Row, ctx: Context) -> int:
    return 0
