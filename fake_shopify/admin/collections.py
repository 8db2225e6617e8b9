"""Collections as they are found and as they show themselves and their products."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import handles
from fake_shopify.admin.collection_members import holds, members, order_of
from fake_shopify.admin.product_fields import counted, plain_text, shortened
from fake_shopify.admin.product_search import never, published_status
from fake_shopify.admin.products import by_custom_id
from fake_shopify.admin.saved_searches import with_saved
from fake_shopify.context import COUNT_LIMIT, Context, split_gid
from fake_shopify.paging import Connection, SortKey, by_id, instant, page, page_of_list, text
from fake_shopify.registry import field, query
from fake_shopify.rows import Row
from fake_shopify.search import Field, choice, exact, identifier, moment, words

TYPES = ("custom", "smart")


# Roots


@query("collection")
def collection(ctx: Context, id: str) -> Row | None:
    """Answer a collection by id (captured: collections-028)."""
    ctx.require_type(id, "Collection")
    return ctx.find("Collection", id)


@query("collectionByHandle")
def collection_by_handle(ctx: Context, handle: str) -> Row | None:
    """Answer a collection by handle."""
    number = handles.number_of(ctx.shop, "Collection", handle)
    return ctx.table("Collection").get(number) if number is not None else None


@query("collectionByIdentifier")
def collection_by_identifier(ctx: Context, identifier: dict[str, Any]) -> Row | None:
    """Answer a collection by id, handle or custom id."""
    if identifier.get("handle") is not None:
        return collection_by_handle(ctx, identifier["handle"])
    if identifier.get("customId") is not None:
        return by_custom_id(ctx, "Collection", identifier["customId"])
    return collection(ctx, identifier["id"])


def collection_fields(ctx: Context) -> dict[str, Field]:
    """Return what `collections(query:)` may name.

    Source: shopify.dev/docs/api/admin-graphql/latest/queries/collections (argument `query`, read 2026-11).
    """

    def has_product(row: Row, op: str, value: str, quoted: bool) -> bool:
        digits = value.rsplit("/", 1)[-1]
        product = ctx.table("Product").get(int(digits)) if digits.isdigit() else None
        return product is not None and holds(ctx.shop, row, product)

    zone = ctx.shop.settings["zone"]
    return {
        "default": words("title", "handle"),
        "collection_type": choice(lambda row: "smart" if row["_rule_set"] else "custom", TYPES),
        "handle": exact("handle"),
        "id": identifier(),
        "product_id": Field(has_product),
        "product_publication_status": never(),
        "publishable_status": never(),
        "published_at": moment("_published_at", zone),
        "published_status": published_status(ctx),
        "title": words("title"),
        "updated_at": moment("updatedAt", zone),
    }


SORTS: dict[str, SortKey] = {"TITLE": text("title"), "UPDATED_AT": instant("updatedAt")}


@query("collections")
def collections(ctx: Context, **arguments: Any) -> Connection:
    """List collections."""
    return ctx.list(ctx.table("Collection"), with_saved(ctx, arguments), fields=collection_fields(ctx), sorts=SORTS)


@query("collectionsCount")
def collections_count(
    ctx: Context, query: str | None = None, limit: int | None = COUNT_LIMIT, savedSearchId: str | None = None
) -> dict[str, Any]:
    """Count collections."""
    asked = with_saved(ctx, {"query": query, "savedSearchId": savedSearchId})
    return ctx.count(ctx.table("Collection"), asked["query"], collection_fields(ctx), limit)


# Fields


@field("Collection", "legacyResourceId")
def _legacy(row: Row, ctx: Context) -> str:
    return str(row.number)


@field("Collection", "storefrontId")
def _storefront_id(row: Row, ctx: Context) -> str:
    return str(row["id"])


@field("Collection", "description")
def _description(row: Row, ctx: Context, truncateAt: int | None = None) -> str:
    return shortened(plain_text(row["descriptionHtml"]), truncateAt)


@field("Collection", "ruleSet")
def _rule_set(row: Row, ctx: Context) -> dict[str, Any] | None:
    """Show the rules of a smart collection; none for a custom one (captured: collections-003, 006; metafields-012)."""
    held = row["_rule_set"]
    if not held:
        return None
    rules = [
        {
            "__typename": "CollectionRule",
            "column": rule["column"],
            "relation": rule["relation"],
            "condition": rule["condition"],
            "conditionObject": _condition_object(ctx, rule),
        }
        for rule in held["rules"]
    ]
    return {"__typename": "CollectionRuleSet", "appliedDisjunctively": held["appliedDisjunctively"], "rules": rules}


def _condition_object(ctx: Context, rule: dict[str, Any]) -> dict[str, Any] | None:
    definition = ctx.table("MetafieldDefinition").get(int(rule.get("_definition_id") or 0))
    if definition is None:
        return None
    return {"__typename": "CollectionRuleMetafieldCondition", "metafieldDefinition": definition}


def shown_members(row: Row, ctx: Context) -> list[Row]:
    """Return the products; what new rules choose is not there yet in the request that sets them (captured: collections-014)."""
    if row["_rules_since"] is ctx:
        return members(ctx.shop, Row(row, _rule_set=None))
    return members(ctx.shop, row)


@field("Collection", "products")
def _products(row: Row, ctx: Context, **arguments: Any) -> Connection:
    key, backwards = order_of(ctx.shop, row, arguments.get("sortKey") or "COLLECTION_DEFAULT")
    rows = shown_members(row, ctx)
    if key is None:
        return page_of_list(rows, arguments)
    return page(rows, arguments, key=key, reverse=bool(arguments.get("reverse")) != backwards)


@field("Collection", "productsCount")
def _products_count(row: Row, ctx: Context) -> dict[str, Any]:
    return counted(len(shown_members(row, ctx)))


@field("Collection", "hasProduct")
def _has_product(row: Row, ctx: Context, id: str) -> bool:
    product = ctx.find("Product", id)
    return product is not None and holds(ctx.shop, row, product)


@field("Collection", "activeOperations")
def _operations(row: Row, ctx: Context) -> dict[str, Any]:
    return {"__typename": "CollectionOperations", "duplicate": []}


# On products


def of_product(ctx: Context, product: Row) -> list[Row]:
    """Return the collections that hold a product."""
    return [row for row in ctx.table("Collection") if holds(ctx.shop, row, product)]


@field("Product", "collections")
def _collections(row: Row, ctx: Context, **arguments: Any) -> Connection:
    search = ctx.search(arguments.get("query"), collection_fields(ctx))
    rows = [one for one in of_product(ctx, row) if search.matches(one)]
    return page(rows, arguments, key=SORTS.get(arguments.get("sortKey") or "ID", by_id))


@field("Product", "inCollection")
def _in_collection(row: Row, ctx: Context, id: str) -> bool:
    found = ctx.find("Collection", id)
    return found is not None and holds(ctx.shop, found, row)


def number_of(text_of_id: str) -> int | None:
    """Return the number behind a product's GID; None for another type."""
    kind, number = split_gid(text_of_id)
    return int(number) if kind == "Product" and number.isdigit() else None
