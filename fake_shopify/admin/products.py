"""Products as they are found: by id, by handle, by identifier, in lists and counts, and the shop's tags, types and vendors."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from fake_shopify.admin import handles, metafields
from fake_shopify.admin.product_fields import counted
from fake_shopify.admin.product_search import product_fields, product_sorts
from fake_shopify.admin.saved_searches import with_saved
from fake_shopify.context import COUNT_LIMIT, Context
from fake_shopify.failures import TopLevelError
from fake_shopify.paging import Connection, window
from fake_shopify.registry import query
from fake_shopify.rows import Row


@query("product")
def product(ctx: Context, id: str) -> Row | None:
    """Answer a product by id; an unknown one is null, an id of another type is refused (captured: products-139; BEHAVIOURS 8)."""
    ctx.require_type(id, "Product")
    return ctx.find("Product", id)


@query("productByHandle")
def product_by_handle(ctx: Context, handle: str) -> Row | None:
    """Answer a product by handle."""
    number = handles.number_of(ctx.shop, "Product", handle)
    return ctx.table("Product").get(number) if number is not None else None


@query("productByIdentifier")
def product_by_identifier(ctx: Context, identifier: dict[str, Any]) -> Row | None:
    """Answer a product by id, handle or custom id."""
    if identifier.get("handle") is not None:
        return product_by_handle(ctx, identifier["handle"])
    if identifier.get("customId") is not None:
        return by_custom_id(ctx, "Product", identifier["customId"])
    return product(ctx, identifier["id"])


def by_custom_id(ctx: Context, type_name: str, custom: dict[str, Any]) -> Row | None:
    """Find the owner of a metafield of type `id` with this value.

    Captured for customers (customers-088): without a definition of type `id` the field is refused.
    """
    namespace, kind = metafields.full_namespace(ctx, custom.get("namespace")), metafields.OWNER_TYPES[type_name]
    definition = metafields.definition_of(ctx.shop, kind, namespace, custom["key"])
    if definition is None or definition.get("type", {}).get("name") != "id":
        raise TopLevelError("Metafield definition of type 'id' is required when using custom ids.", "NOT_FOUND")
    same = (row for row in ctx.table("Metafield") if (row["namespace"], row["key"]) == (namespace, custom["key"]))
    return next((ctx.find(type_name, row["_owner"]) for row in same if row["value"] == custom["value"]), None)


# Lists


@query("products")
def products(ctx: Context, **arguments: Any) -> Connection:
    """List products."""
    asked = with_saved(ctx, arguments)
    return ctx.list(ctx.table("Product"), asked, fields=product_fields(ctx), sorts=product_sorts(ctx), natural=("ID", "CREATED_AT"))


@query("productsCount")
def products_count(
    ctx: Context, query: str | None = None, limit: int | None = COUNT_LIMIT, savedSearchId: str | None = None
) -> dict[str, Any]:
    """Count products; beyond `limit` the count is the limit (captured: products-141)."""
    asked = with_saved(ctx, {"query": query, "savedSearchId": savedSearchId})
    return ctx.count(ctx.table("Product"), asked["query"], product_fields(ctx), limit)


@query("publishedProductsCount")
def published_products_count(ctx: Context, publicationId: str, limit: int | None = COUNT_LIMIT) -> dict[str, Any]:
    """Count the products of a publication."""
    publication = ctx.find("Publication", publicationId)
    number = publication.number if publication is not None else None
    total = sum(1 for row in ctx.table("Product") if number in row["_publications"])
    return counted(total) if limit is None or total <= limit else {"__typename": "Count", "count": limit, "precision": "AT_LEAST"}


# Words that products share


def text_connection(texts: Iterable[str], arguments: dict[str, Any]) -> dict[str, Any]:
    """Build a `StringConnection` over texts in alphabetical order."""
    count, from_end = window(arguments)
    ordered = sorted(
        {text for text in texts if text}, key=lambda text: (text.lower(), text), reverse=bool(arguments.get("reverse"))
    )
    cursors = [base64.b64encode(json.dumps({"last_value": text}).encode()).decode() for text in ordered]
    low = cursors.index(arguments["after"]) + 1 if arguments.get("after") in cursors else 0
    high = cursors.index(arguments["before"]) if arguments.get("before") in cursors else len(ordered)
    start, end = (max(low, high - count), high) if from_end else (low, min(high, low + count))
    shown = range(start, max(start, end))
    info = {
        "__typename": "PageInfo",
        "hasNextPage": bool(shown) and shown.stop < len(ordered),
        "hasPreviousPage": bool(shown) and start > 0,
        "startCursor": cursors[shown[0]] if shown else None,
        "endCursor": cursors[shown[-1]] if shown else None,
    }
    edges = [{"__typename": "StringEdge", "node": ordered[at], "cursor": cursors[at]} for at in shown]
    return {"__typename": "StringConnection", "edges": edges, "nodes": [ordered[at] for at in shown], "pageInfo": info}


@query("productTags")
def product_tags(ctx: Context, **arguments: Any) -> dict[str, Any]:
    """List the tags of all products."""
    return text_connection((tag for row in ctx.table("Product") for tag in row["tags"]), arguments)


@query("productTypes")
def product_types(ctx: Context, **arguments: Any) -> dict[str, Any]:
    """List the product types of all products."""
    return text_connection((row["productType"] for row in ctx.table("Product")), arguments)


@query("productVendors")
def product_vendors(ctx: Context, **arguments: Any) -> dict[str, Any]:
    """List the vendors of all products."""
    return text_connection((row["vendor"] for row in ctx.table("Product")), arguments)
