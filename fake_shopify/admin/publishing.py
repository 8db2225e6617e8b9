"""Where products and collections are published, and the mutations that change it.

A product or collection keeps `_publications`: number of the publication -> instant. The installed app has no publication of its
own, so that nothing is ever published on the "current" one (assumed).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fake_shopify.admin.product_fields import counted
from fake_shopify.admin.product_search import product_fields, product_sorts
from fake_shopify.admin.product_webhooks import collection_changed, product_changed
from fake_shopify.admin.saved_searches import with_saved
from fake_shopify.admin.shop import shop as the_shop
from fake_shopify.context import COUNT_LIMIT, Context, split_gid
from fake_shopify.failures import invalid_id, user_error
from fake_shopify.paging import Connection, page
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row

Payload = dict[str, Any]
Input = dict[str, Any]
KINDS = ("Product", "Collection")
NO_PUBLICATION = "Publication does not exist or is not publishable"


# What a publishable shows


def _on_publication(row: Row, ctx: Context, publicationId: str) -> bool:
    publication = ctx.find("Publication", publicationId)
    return publication is not None and publication.number in row["_publications"]


def _on_current(row: Row, ctx: Context) -> bool:
    return False


def _on_channel(row: Row, ctx: Context, channelId: str) -> bool:
    digits = split_gid(channelId)[1]
    return digits.isdigit() and int(digits) in row["_publications"]


def _available_count(row: Row, ctx: Context) -> dict[str, Any]:
    return counted(len(row["_publications"]))


def _resource_count(row: Row, ctx: Context, onlyPublished: bool = True) -> dict[str, Any]:
    return counted(len(row["_publications"]))


def _count(row: Row, ctx: Context, onlyPublished: bool = True) -> int:
    return len(row["_publications"])


def _resource_publications(row: Row, ctx: Context, **arguments: Any) -> Connection:
    entries = [
        Row(
            __typename="ResourcePublication",
            _id=number,
            isPublished=True,
            publication=ctx.table("Publication").get(number),
            publishDate=instant,
            publishable=row,
        )
        for number, instant in sorted(row["_publications"].items())
    ]
    return page(entries, arguments)


def _unpublished(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page([one for one in ctx.table("Publication") if one.number not in row["_publications"]], arguments)


for _kind in KINDS:
    field(_kind, "publishedOnPublication")(_on_publication)
    field(_kind, "publishedOnCurrentPublication", "publishedOnCurrentChannel")(_on_current)
    field(_kind, "publishedOnChannel")(_on_channel)
    field(_kind, "availablePublicationsCount")(_available_count)
    field(_kind, "resourcePublicationsCount")(_resource_count)
    field(_kind, "publicationCount")(_count)
    field(_kind, "resourcePublications", "resourcePublicationsV2")(_resource_publications)
    field(_kind, "unpublishedPublications")(_unpublished)


# Publishing


def set_published(ctx: Context, row: Row, publications: Sequence[tuple[int, str | None]], *, on: bool) -> None:
    """Publish on publications (number, instant or now) or take off them; `publishedAt` follows the online store."""
    store = ctx.shop.state["online_store"]
    for number, instant in publications:
        if on:
            row["_publications"].setdefault(number, instant or ctx.now())
        else:
            row["_publications"].pop(number, None)
    row["updatedAt"] = ctx.now()
    if row["__typename"] == "Product":
        row["publishedAt"] = row["_publications"].get(store)
        product_changed(ctx.shop, row)
    else:
        row["_published_at"] = row["_publications"].get(store)
        collection_changed(ctx.shop, row)


def _publishable(ctx: Context, id: str) -> Row | None:
    kind = split_gid(id)[0]
    if kind not in KINDS:
        raise invalid_id(id)
    return ctx.edit(kind, id)


def _change(ctx: Context, id: str, entries: list[Input], *, on: bool) -> Payload:
    row = _publishable(ctx, id)
    if row is None:
        return {"publishable": None, "shop": the_shop, "userErrors": [user_error(["id"], f"{split_gid(id)[0]} does not exist")]}
    found = [ctx.find("Publication", entry.get("publicationId")) for entry in entries]
    missing = [index for index, publication in enumerate(found) if publication is None]
    if missing:
        errors = [user_error(["input", index, "publicationId"], NO_PUBLICATION) for index in missing]
        return {"publishable": row, "shop": the_shop, "userErrors": errors}
    pairs = [(one.number, entry.get("publishDate")) for one, entry in zip(found, entries, strict=True) if one is not None]
    set_published(ctx, row, pairs, on=on)
    return {"publishable": row, "shop": the_shop, "userErrors": []}


@mutation("publishablePublish")
def publishable_publish(ctx: Context, id: str, input: list[Input]) -> Payload:
    """Publish a product or a collection (captured: products-123)."""
    return _change(ctx, id, input, on=True)


@mutation("publishableUnpublish")
def publishable_unpublish(ctx: Context, id: str, input: list[Input]) -> Payload:
    """Take a product or a collection off publications (captured: products-123, 177)."""
    return _change(ctx, id, input, on=False)


@mutation("publishablePublishToCurrentChannel", "publishableUnpublishToCurrentChannel")
def publishable_current(ctx: Context, id: str) -> Payload:
    """Change nothing: the app has no channel of its own (captured for unpublishing: products-175)."""
    return _change(ctx, id, [], on=False)


def _change_by_input(ctx: Context, kind: str, input: Input, name: str, *, on: bool) -> Payload:
    """Publish by one of the older mutations, which name the object after its type."""
    ctx.require_type(input["id"], kind.capitalize())
    entries = [entry for entry in input[name] if entry.get("publicationId")]
    payload = _change(ctx, input["id"], entries, on=on)
    return payload | {kind: payload["publishable"]}


@mutation("productPublish")
def product_publish(ctx: Context, input: Input) -> Payload:
    """Publish a product; deprecated in favour of publishablePublish."""
    return _change_by_input(ctx, "product", input, "productPublications", on=True)


@mutation("productUnpublish")
def product_unpublish(ctx: Context, input: Input) -> Payload:
    """Take a product off publications; deprecated in favour of publishableUnpublish."""
    return _change_by_input(ctx, "product", input, "productPublications", on=False)


@mutation("collectionPublish")
def collection_publish(ctx: Context, input: Input) -> Payload:
    """Publish a collection; deprecated in favour of publishablePublish."""
    return _change_by_input(ctx, "collection", input, "collectionPublications", on=True)


@mutation("collectionUnpublish")
def collection_unpublish(ctx: Context, input: Input) -> Payload:
    """Take a collection off publications; deprecated in favour of publishableUnpublish."""
    return _change_by_input(ctx, "collection", input, "collectionPublications", on=False)


# Publications


@query("publication")
def publication(ctx: Context, id: str) -> Row | None:
    """Answer a publication by id."""
    ctx.require_type(id, "Publication")
    return ctx.find("Publication", id)


def _included(row: Row, ctx: Context) -> list[Row]:
    return [product for product in ctx.table("Product") if row.number in product["_publications"]]


@field("Publication", "products", "includedProducts")
def _products(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return ctx.list(_included(row, ctx), with_saved(ctx, arguments), fields=product_fields(ctx), sorts=product_sorts(ctx))


@field("Publication", "includedProductsCount")
def _products_count(
    row: Row, ctx: Context, query: str | None = None, limit: int | None = COUNT_LIMIT, savedSearchId: str | None = None
) -> dict[str, Any]:
    return ctx.count(_included(row, ctx), query, product_fields(ctx), limit)


@field("Publication", "collections")
def _collections(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page([one for one in ctx.table("Collection") if row.number in one["_publications"]], arguments)


@field("Publication", "hasCollection")
def _has_collection(row: Row, ctx: Context, id: str) -> bool:
    found = ctx.find("Collection", id)
    return found is not None and row.number in found["_publications"]


@mutation("publicationUpdate")
def publication_update(ctx: Context, id: str, input: Input) -> Payload:
    """Add and remove what a publication publishes (captured: products-103; words: descriptions of the codes)."""
    row = ctx.edit("Publication", id)
    if row is None:
        return {"publication": None, "userErrors": [user_error(["id"], "Publication was not found.", "PUBLICATION_NOT_FOUND")]}
    if input.get("autoPublish") is not None:
        row["autoPublish"] = input["autoPublish"]
    errors = []
    for name, on in (("publishablesToAdd", True), ("publishablesToRemove", False)):
        for index, text in enumerate(input.get(name) or ()):
            found = ctx.edit(split_gid(text)[0], text) if split_gid(text)[0] in KINDS else None
            if found is None:
                errors.append(user_error(["input", name, index], "Publishable ID not found.", "INVALID_PUBLISHABLE_ID"))
            else:
                set_published(ctx, found, [(row.number, None)], on=on)
    return {"publication": row, "userErrors": errors}
