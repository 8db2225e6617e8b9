"""What the lists of products can be searched and sorted by.

Source: shopify.dev/docs/api/admin-graphql/latest/queries/products (argument `query`, sort keys; read 2026-11). Filters about things
that the fake does not have (delivery profiles, approval by channels, bundles) find nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fake_shopify.admin import inventory_levels, metafields
from fake_shopify.admin.collection_members import holds
from fake_shopify.admin.product_rows import current_total, has_only_default, item_of, variant_title, variants_of
from fake_shopify.context import Context
from fake_shopify.money import amount
from fake_shopify.paging import SortKey, instant, text
from fake_shopify.rows import Row
from fake_shopify.search import Field, choice, exact, identifier, moment, number, reference, words, yes_no

STATUSES = ("active", "archived", "draft", "unlisted")
ROLES = ("parent", "child", "no_role")
METAFIELD_PREFIX = "metafields."
Getter = Callable[[Row], Any]


def listed(source: str | Getter) -> Field:
    """Match one of several whole values that are given with commas between them."""
    one = exact(source)
    return Field(lambda row, op, value, quoted: any(one.test(row, op, part.strip(), quoted) for part in value.split(",")))


def opposite(of: Field) -> Field:
    """Match where another field does not."""
    return Field(lambda row, op, value, quoted: not of.test(row, op, value, quoted))


def any_number(source: Getter) -> Field:
    """Compare each of several numbers; one that fits is enough."""

    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        return any(_number(have).test(row, op, value, quoted) for have in source(row))

    return Field(test)


def _number(have: Any) -> Field:
    return number(lambda row: have)


def never() -> Field:
    """Match nothing: a filter about what the fake does not have."""
    return Field(lambda row, op, value, quoted: False)


def published_status(ctx: Context) -> Field:
    """Match by publication: the online store's words, and `<publication>-published`, `-visible`, `-hidden`.

    Assumed: a publication is named by its own number here.
    """
    store = ctx.shop.state["online_store"]

    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        places, word = row["_publications"], value.lower()
        simple = {
            "online_store_channel": True,
            "published": store in places,
            "visible": store in places,
            "unpublished": store not in places,
            "hidden": store not in places,
            "unavailable": not places,
            "any": True,
        }
        if word in simple:
            return simple[word]
        name, _, state = word.rpartition("-")
        inside = name.isdigit() and int(name) in places
        return inside if state in ("published", "visible") else state == "hidden" and not inside

    return Field(test)


class MetafieldFilters(dict[str, Field]):
    """Search fields, plus `metafields.<namespace>.<key>` of the same owner."""

    def __init__(self, ctx: Context, fields: dict[str, Field]) -> None:
        super().__init__(fields)
        self._ctx = ctx

    def get(self, name: str, default: Any = None) -> Any:
        """Return the field of that name, made for the asking when it names a metafield."""
        parts = name.split(".", 2)
        if len(parts) == 3 and name.startswith(METAFIELD_PREFIX):
            return exact(lambda row: self._value(row, parts[1], parts[2]))
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or str(name).startswith(METAFIELD_PREFIX)

    def __getitem__(self, name: str) -> Field:
        found: Field | None = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def _value(self, row: Row, namespace: str, key: str) -> Any:
        found = metafields.find(self._ctx.shop, row["id"], metafields.full_namespace(self._ctx, namespace), key)
        if found is None:
            return None
        value = metafields.json_value(found["type"], found["value"])
        return [str(one) for one in value] if isinstance(value, list) else found["value"]


def product_fields(ctx: Context) -> MetafieldFilters:
    """Return what `products(query:)` may name."""
    shop, zone = ctx.shop, ctx.shop.settings["zone"]

    def variants(row: Row) -> list[Row]:
        return variants_of(shop, row)

    def items(row: Row) -> list[Row]:
        return [item_of(shop, variant) for variant in variants(row)]

    def reduced(row: Row) -> bool:
        pairs = [(v["price"], v["compareAtPrice"]) for v in variants(row)]
        return any(other is not None and amount(other) > amount(price) for price, other in pairs)

    def out_somewhere(row: Row) -> bool:
        levels = (level for item in items(row) if item["tracked"] for level in inventory_levels.active_levels(item).values())
        return any(level["quantities"]["available"] <= 0 for level in levels)

    def skus(row: Row) -> list[str]:
        return [item["sku"] for item in items(row) if item["sku"]]

    def barcodes(row: Row) -> list[str]:
        return [variant["barcode"] for variant in variants(row) if variant["barcode"]]

    fields = {
        "default": words("title", "productType", "vendor", "tags", "handle", skus, barcodes),
        "barcode": exact(barcodes),
        "bundles": yes_no(lambda row: any(v["requiresComponents"] for v in variants(row))),
        "category_id": exact("_category"),
        "collection_id": reference(lambda row: collections_of(ctx, row)),
        "combined_listing_role": choice(lambda row: (row["combinedListingRole"] or "no_role").lower(), ROLES),
        "created_at": moment("createdAt", zone),
        "delivery_profile_id": never(),
        "error_feedback": never(),
        "gift_card": yes_no("isGiftCard"),
        "handle": listed("handle"),
        "has_only_composites": yes_no(lambda row: all(v["requiresComponents"] for v in variants(row))),
        "has_only_default_variant": yes_no(has_only_default),
        "has_variant_with_components": yes_no(lambda row: any(v["requiresComponents"] for v in variants(row))),
        "id": identifier(),
        "inventory_total": number(lambda row: current_total(shop, row)),
        "is_price_reduced": yes_no(reduced),
        "out_of_stock_somewhere": yes_no(out_somewhere),
        "price": any_number(lambda row: [amount(v["price"]) for v in variants(row)]),
        "product_configuration_owner": never(),
        "product_publication_status": never(),
        "product_type": listed("productType"),
        "publication_ids": Field(
            lambda row, op, value, quoted: any(
                part.strip().isdigit() and int(part) in row["_publications"] for part in value.split(",")
            )
        ),
        "publishable_status": never(),
        "published_at": moment("publishedAt", zone),
        "published_status": published_status(ctx),
        "sku": exact(skus),
        "status": choice("status", STATUSES),
        "tag": exact("tags"),
        "tag_not": opposite(exact("tags")),
        "title": words("title"),
        "tracks_inventory": yes_no(lambda row: any(item["tracked"] for item in items(row))),
        "updated_at": moment("updatedAt", zone),
        "variant_id": reference("_variant_ids"),
        "variant_title": words(lambda row: [variant_title(row, variant) for variant in variants(row)]),
        "vendor": exact("vendor"),
    }
    return MetafieldFilters(ctx, fields)


def collections_of(ctx: Context, product: Row) -> list[int]:
    """Return the numbers of the collections that hold a product."""
    return [row.number for row in ctx.table("Collection") if holds(ctx.shop, row, product)]


def product_sorts(ctx: Context) -> dict[str, SortKey]:
    """Sort keys of products (captured cursors: pagination_search-078)."""
    return {
        "CREATED_AT": instant("createdAt"),
        "INVENTORY_TOTAL": lambda row: current_total(ctx.shop, row),
        "PRODUCT_TYPE": text("productType"),
        "PUBLISHED_AT": instant("publishedAt"),
        "TITLE": text("title"),
        "UPDATED_AT": instant("updatedAt"),
        "VENDOR": text("vendor"),
    }
