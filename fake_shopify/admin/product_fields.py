"""What a product shows beyond the values of its row: prices, stock, variants, options, publication, previews."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from fake_shopify.admin import inventory_levels, taxonomy
from fake_shopify.admin.product_rows import (
    Option,
    current_total,
    has_only_default,
    item_of,
    variant_title,
    variants_of,
)
from fake_shopify.clock import parse_iso
from fake_shopify.context import Context
from fake_shopify.money import amount, money
from fake_shopify.paging import Connection, SortKey, by_id, page, page_of_list
from fake_shopify.registry import field
from fake_shopify.rows import Row
from fake_shopify.world import gid

TOTAL_LAGS = timedelta(seconds=3)
MAX_SUMMARY = 255


# Texts


def plain_text(source: str) -> str:
    """Strip tags off a description."""
    return html.unescape(re.sub(r"<[^>]*>", "", source)).strip()


def shortened(text: str, limit: int | None) -> str:
    """Cut a text, ending in `...` within the limit (assumed wording of Shopify's truncation)."""
    return text if limit is None or len(text) <= limit else text[: max(0, limit - 3)] + "..."


@field("Product", "description")
def _description(row: Row, ctx: Context, truncateAt: int | None = None) -> str:
    return shortened(plain_text(row["descriptionHtml"]), truncateAt)


@field("Product", "descriptionPlainSummary")
def _summary(row: Row, ctx: Context) -> str:
    return shortened(plain_text(row["descriptionHtml"]), MAX_SUMMARY)


@field("Product", "bodyHtml")
def _body(row: Row, ctx: Context) -> str:
    return str(row["descriptionHtml"])


@field("Product", "customProductType")
def _custom_type(row: Row, ctx: Context) -> str:
    return str(row["productType"])


@field("Product", "legacyResourceId")
def _legacy(row: Row, ctx: Context) -> str:
    return str(row.number)


@field("Product", "storefrontId")
def _storefront_id(row: Row, ctx: Context) -> str:
    return str(row["id"])


@field("Product", "defaultCursor")
def _cursor(row: Row, ctx: Context) -> str:
    return str(page([row], {"first": 1}, key=by_id)["edges"][0]["cursor"])


@field("Product", "category")
def _category(row: Row, ctx: Context) -> dict[str, Any] | None:
    return taxonomy.category(row["_category"])


@field("Product", "onlineStoreUrl")
def _store_url(row: Row, ctx: Context) -> str | None:
    """Give the address in the online store; null for a product that is not there (captured: products-058)."""
    return f"https://{ctx.shop.domain}/products/{row['handle']}" if row["publishedAt"] and row["status"] == "ACTIVE" else None


@field("Product", "onlineStorePreviewUrl")
def _preview_url(row: Row, ctx: Context) -> str:
    """Give an address for a look before publication (captured: products-079, a published product shows its store address)."""
    return _store_url(row, ctx) or f"https://{ctx.shop.domain}/products_preview?preview_key={row.number}"


# Options


def option_view(product: Row, option: Option, used: set[int]) -> dict[str, Any]:
    """Shape of a `ProductOption`: `values` are those that a variant has (captured: products-038)."""
    values = [
        {
            "__typename": "ProductOptionValue",
            "id": gid("ProductOptionValue", v["id"]),
            "name": v["name"],
            "hasVariants": v["id"] in used,
            "linkedMetafieldValue": v.get("linked"),
        }
        for v in option["values"]
    ]
    return {
        "__typename": "ProductOption",
        "id": gid("ProductOption", option["id"]),
        "name": option["name"],
        "position": option["position"],
        "values": [value["name"] for value in values if value["hasVariants"]],
        "optionValues": values,
        "linkedMetafield": option.get("linked"),
    }


@field("Product", "options")
def _options(row: Row, ctx: Context, first: int | None = None) -> list[dict[str, Any]]:
    used = {value for variant in variants_of(ctx.shop, row) for value in variant["_option_value_ids"]}
    return [option_view(row, option, used) for option in row["_options"][:first]]


# Variants


def _item_text(ctx: Context, name: str) -> SortKey:
    return lambda variant: str(item_of(ctx.shop, variant).get(name) or "").lower()


def variant_sorts(ctx: Context, product: Row | None = None) -> dict[str, SortKey]:
    """Sort keys of variants; `product` spares the look at each variant's own."""

    def title(variant: Row) -> str:
        owner = product or ctx.table("Product").get(variant["_product_id"])
        return variant_title(owner, variant).lower() if owner is not None else ""

    def full_title(variant: Row) -> str:
        owner = product or ctx.table("Product").get(variant["_product_id"])
        return f"{owner['title']} - {title(variant)}".lower() if owner is not None else ""

    def quantity(variant: Row) -> int:
        return inventory_levels.total(item_of(ctx.shop, variant))

    return {
        "TITLE": title,
        "NAME": title,
        "FULL_TITLE": full_title,
        "SKU": _item_text(ctx, "sku"),
        "INVENTORY_POLICY": lambda variant: str(variant["inventoryPolicy"]).lower(),
        "INVENTORY_QUANTITY": quantity,
        "INVENTORY_LEVELS_AVAILABLE": quantity,
        "POSITION": lambda variant: int(variant["position"]),
    }


@field("Product", "variants")
def _variants(row: Row, ctx: Context, **arguments: Any) -> Connection:
    rows = variants_of(ctx.shop, row)
    name = arguments.get("sortKey") or "POSITION"
    if name == "POSITION":
        return page_of_list(rows, arguments)
    return page(rows, arguments, key=variant_sorts(ctx, row).get(name, by_id))


def counted(total: int) -> dict[str, Any]:
    """Shape of an exact `Count`."""
    return {"__typename": "Count", "count": total, "precision": "EXACT"}


@field("Product", "variantsCount")
def _variants_count(row: Row, ctx: Context) -> dict[str, Any]:
    return counted(len(row["_variant_ids"]))


@field("Product", "totalVariants")
def _total_variants(row: Row, ctx: Context) -> int:
    return len(row["_variant_ids"])


@field("Product", "hasOnlyDefaultVariant")
def _only_default(row: Row, ctx: Context) -> bool:
    return has_only_default(row)


@field("Product", "hasVariantsThatRequiresComponents")
def _requires_components(row: Row, ctx: Context) -> bool:
    return any(variant["requiresComponents"] for variant in variants_of(ctx.shop, row))


# Stock


@field("Product", "tracksInventory")
def _tracks(row: Row, ctx: Context) -> bool:
    return any(item_of(ctx.shop, variant)["tracked"] for variant in variants_of(ctx.shop, row))


@field("Product", "hasOutOfStockVariants")
def _out_of_stock(row: Row, ctx: Context) -> bool:
    """Say whether a tracked variant has nothing left (captured: inventory-007)."""
    items = (item_of(ctx.shop, variant) for variant in variants_of(ctx.shop, row))
    return any(item["tracked"] and inventory_levels.total(item) <= 0 for item in items)


@field("Product", "totalInventory")
def _total_inventory(row: Row, ctx: Context) -> int:
    """Show the total of tracked variants, which follows changes of stock some seconds later.

    Captured: unchanged right after an adjustment, true when read later (BEHAVIOURS 25, inventory-007, products-079). Assumed: the
    lag is three seconds of the fake's clock.
    """
    shown: int | None = row["_total_inventory"]
    total = current_total(ctx.shop, row)
    if shown is None or shown == total or not _changed_lately(row, ctx):
        if shown is not None:
            row["_total_inventory"] = total
        return total
    return shown


def _changed_lately(row: Row, ctx: Context) -> bool:
    since = parse_iso(ctx.now()) - TOTAL_LAGS
    levels = (level for v in variants_of(ctx.shop, row) for level in item_of(ctx.shop, v)["_levels"].values())
    return any(parse_iso(level["updatedAt"]) > since for level in levels)


# Prices


def price_range(prices: Iterable[Decimal], currency: str, low: str, high: str, typename: str) -> dict[str, Any]:
    """Shape of the several price ranges."""
    known = list(prices) or [Decimal(0)]
    return {"__typename": typename, low: money(min(known), currency), high: money(max(known), currency)}


@field("Product", "priceRangeV2")
def _price_range(row: Row, ctx: Context) -> dict[str, Any]:
    prices = [amount(variant["price"]) for variant in variants_of(ctx.shop, row)]
    return price_range(prices, ctx.shop.settings["currency"], "minVariantPrice", "maxVariantPrice", "ProductPriceRangeV2")


@field("Product", "priceRange")
def _old_price_range(row: Row, ctx: Context) -> dict[str, Any]:
    return _price_range(row, ctx) | {"__typename": "ProductPriceRange"}


@field("Product", "compareAtPriceRange")
def _compare_range(row: Row, ctx: Context) -> dict[str, Any] | None:
    """Give the range of compare-at prices, null when no variant has one (source: shopify.dev Product, read 2026-11)."""
    prices = [amount(v["compareAtPrice"]) for v in variants_of(ctx.shop, row) if v["compareAtPrice"] is not None]
    names = ("minVariantCompareAtPrice", "maxVariantCompareAtPrice", "ProductCompareAtPriceRange")
    return price_range(prices, ctx.shop.settings["currency"], *names) if prices else None


@field("Product", "contextualPricing")
def _contextual_pricing(row: Row, ctx: Context, context: Any = None) -> dict[str, Any]:
    """Give the shop's own prices: the fake has no price lists, whatever the context (assumed)."""
    variants = sorted(variants_of(ctx.shop, row), key=lambda variant: amount(variant["price"]))
    return {
        "__typename": "ProductContextualPricing",
        "priceRange": _price_range(row, ctx),
        "fixedQuantityRulesCount": 0,
        "maxVariantPricing": own_pricing(ctx, variants[-1]) if variants else None,
        "minVariantPricing": own_pricing(ctx, variants[0]) if variants else None,
    }


def own_pricing(ctx: Context, variant: Row) -> dict[str, Any]:
    """Shape of a `ProductVariantContextualPricing` with the shop's own prices."""
    currency, other = ctx.shop.settings["currency"], variant["compareAtPrice"]
    return {
        "__typename": "ProductVariantContextualPricing",
        "price": money(variant["price"], currency),
        "compareAtPrice": None if other is None else money(other, currency),
        "quantityRule": {"__typename": "QuantityRule", "minimum": 1, "increment": 1, "isDefault": True, "maximum": None},
    }


# What the fake does not sell


@field("Product", "sellingPlanGroupsCount")
def _plans_count(row: Row, ctx: Context) -> dict[str, Any]:
    return counted(0)


@field("Product", "sellingPlanGroupCount")
def _plan_count(row: Row, ctx: Context) -> int:
    return 0


@field("Product", "productComponentsCount")
def _components_count(row: Row, ctx: Context) -> dict[str, Any]:
    return counted(0)
