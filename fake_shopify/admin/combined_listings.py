"""Combined listings and bundles, as far as their mutations check what they are given.

Captured: products-006..008, variants-003. The other words are the documented descriptions of the codes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fake_shopify.admin.variant_changes import touch
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, page
from fake_shopify.registry import field, mutation
from fake_shopify.rows import Row

Input = dict[str, Any]
Payload = dict[str, Any]
Errors = list[dict[str, Any]]
MAX_TITLE = 255


def _children(parent: Row) -> list[int]:
    return list(parent.get("_children", ()))


def _parent_of(ctx: Context, child: Row) -> Row | None:
    number = child.get("_parent_id")
    return ctx.table("Product").get(number) if number is not None else None


def _listing_errors(
    ctx: Context,
    parent: Row,
    title: str | None,
    added: list[Input],
    edited: list[Input],
    removed: Sequence[str],
    options: list[Input],
) -> Errors:
    if len(title or "") > MAX_TITLE:
        return [user_error(["title"], "The title cannot be longer than 255 characters.", "TITLE_TOO_LONG")]
    if {one["childProductId"] for one in edited} & set(removed):
        return [user_error(["productsEdited"], "Cannot edit and remove same child products.", "EDIT_AND_REMOVE_ON_SAME_PRODUCTS")]
    if (added or edited) and not options:
        text = "The optionsAndValues field is required for this operation."
        return [user_error(["optionsAndValues"], text, "MISSING_OPTION_VALUES")]
    return _added_errors(ctx, parent, [one["childProductId"] for one in added])


def _added_errors(ctx: Context, parent: Row, ids: list[str]) -> Errors:
    spot = ["productsAdded"]
    if len(set(ids)) < len(ids):
        return [user_error(spot, "Unable to add duplicated products.", "CANNOT_HAVE_DUPLICATED_PRODUCTS")]
    if parent["id"] in ids:
        return [user_error(spot, "Unable to add a product that is a parent.", "CANNOT_HAVE_PARENT_AS_CHILD")]
    rows = [ctx.find("Product", text) for text in ids]
    if any(row is None for row in rows):
        return [user_error(spot, "Unable to add products that do not exist.", "PRODUCT_NOT_FOUND")]
    if any(row is not None and row["combinedListingRole"] == "CHILD" for row in rows):
        text = "A product can't belong to more than one product Combined Listing."
        return [user_error(spot, text, "PRODUCT_IS_ALREADY_A_CHILD")]
    return []


@mutation("combinedListingUpdate")
def combined_listing_update(
    ctx: Context,
    parentProductId: str,
    title: str | None = None,
    productsAdded: list[Input] | None = None,
    productsEdited: list[Input] | None = None,
    productsRemovedIds: list[str] | None = None,
    optionsAndValues: list[Input] | None = None,
) -> Payload:
    """Add and remove children of a combined listing (captured: products-006..008)."""
    ctx.require_type(parentProductId, "Product")
    parent = ctx.edit("Product", parentProductId)
    if parent is None:
        return _refused([user_error(["parentProductId"], "Parent product not found.", "PARENT_PRODUCT_NOT_FOUND")])
    if parent["combinedListingRole"] != "PARENT":
        code = "PARENT_PRODUCT_MUST_BE_A_COMBINED_LISTING"
        return _refused([user_error(["parentProductId"], "The product must be a combined listing.", code)])
    lists = (productsAdded or [], productsEdited or [], productsRemovedIds or [], optionsAndValues or [])
    errors = _listing_errors(ctx, parent, title, *lists)
    if errors:
        return _refused(errors)
    _join(ctx, parent, [one["childProductId"] for one in lists[0]])
    _leave(ctx, parent, lists[2])
    if title is not None:
        parent["title"] = title
    touch(ctx, parent)
    return {"product": parent, "userErrors": []}


def _refused(errors: Errors) -> Payload:
    return {"product": None, "userErrors": errors}


def _join(ctx: Context, parent: Row, ids: list[str]) -> None:
    for text in ids:
        child = ctx.edit("Product", text)
        assert child is not None
        child.update(combinedListingRole="CHILD", _parent_id=parent.number)
        parent["_children"] = [*_children(parent), child.number]


def _leave(ctx: Context, parent: Row, ids: Sequence[str]) -> None:
    for text in ids:
        child = ctx.edit("Product", text)
        if child is not None and child.get("_parent_id") == parent.number:
            child.update(combinedListingRole=None, _parent_id=None)
            parent["_children"] = [number for number in _children(parent) if number != child.number]


@field("Product", "combinedListing")
def _combined_listing(row: Row, ctx: Context) -> dict[str, Any] | None:
    parent = row if row["combinedListingRole"] == "PARENT" else _parent_of(ctx, row)
    return {"__typename": "CombinedListing", "parentProduct": parent, "_parent": parent} if parent is not None else None


@field("CombinedListing", "combinedListingChildren")
def _listed_children(row: dict[str, Any], ctx: Context, **arguments: Any) -> Connection:
    parent = row["_parent"]
    first = ctx.table("ProductVariant").get(parent["_variant_ids"][0])
    found = [child for child in map(ctx.table("Product").get, _children(parent)) if child is not None]
    rows = [Row(__typename="CombinedListingChild", _id=child.number, product=child, parentVariant=first) for child in found]
    return page(rows, arguments)


# Bundles


def _mentioned(entry: Input) -> list[str]:
    lists = (entry.get("productVariantRelationshipsToCreate"), entry.get("productVariantRelationshipsToUpdate"))
    own = [entry["parentProductVariantId"]] if entry.get("parentProductVariantId") else []
    named = [one["id"] for group in lists for one in group or ()]
    return [*own, *named, *(entry.get("productVariantRelationshipsToRemove") or ())]


def _relation_errors(ctx: Context, entries: list[Input]) -> Errors:
    spot = ["input"]
    if any(not entry.get("parentProductVariantId") and not entry.get("parentProductId") for entry in entries):
        return [user_error(spot, "A parent product variant ID or product ID must be provided.", "PARENT_REQUIRED")]
    missing = [text for entry in entries for text in _mentioned(entry) if ctx.find("ProductVariant", text) is None]
    if missing:
        words = f"The product variants with ID(s) {json.dumps(missing)} could not be found."
        return [user_error(spot, words, "PRODUCT_VARIANTS_NOT_FOUND")]
    made = [one for entry in entries for one in entry.get("productVariantRelationshipsToCreate") or ()]
    if any(one["quantity"] < 1 for one in made):
        text = "Product variant relationships must have a quantity greater than 0."
        return [user_error(spot, text, "INVALID_QUANTITY")]
    if any(entry.get("parentProductVariantId") in [one["id"] for one in made] for entry in entries):
        text = "A parent product variant cannot contain itself as a component."
        return [user_error(spot, text, "CIRCULAR_REFERENCE")]
    return []


@mutation("productVariantRelationshipBulkUpdate")
def relationship_bulk_update(ctx: Context, input: list[Input]) -> Payload:
    """Make bundles out of variants (captured: variants-003)."""
    errors = _relation_errors(ctx, input)
    if errors:
        return {"parentProductVariants": None, "userErrors": errors}
    rows = [row for row in (_parent_variant(ctx, entry) for entry in input) if row is not None]
    for row, entry in zip(rows, input, strict=True):
        _relate(row, entry)
    return {"parentProductVariants": rows, "userErrors": []}


def _parent_variant(ctx: Context, entry: Input) -> Row | None:
    if entry.get("parentProductVariantId"):
        return ctx.edit("ProductVariant", entry["parentProductVariantId"])
    product = ctx.find("Product", entry.get("parentProductId"))
    return ctx.table("ProductVariant").edit(product["_variant_ids"][0]) if product is not None else None


def _relate(row: Row, entry: Input) -> None:
    parts: dict[str, int] = {} if entry.get("removeAllProductVariantRelationships") else dict(row.get("_components", {}))
    for name in ("productVariantRelationshipsToCreate", "productVariantRelationshipsToUpdate"):
        parts.update({one["id"]: one["quantity"] for one in entry.get(name) or ()})
    for text in entry.get("productVariantRelationshipsToRemove") or ():
        parts.pop(text, None)
    row["_components"] = parts
    row["requiresComponents"] = bool(parts) or row["requiresComponents"]


@field("ProductVariant", "productVariantComponents")
def _components(row: Row, ctx: Context, **arguments: Any) -> Connection:
    found = ((ctx.find("ProductVariant", text), count) for text, count in row.get("_components", {}).items())
    rows = [
        Row(
            __typename="ProductVariantComponent",
            _id=variant.number,
            id=ctx.gid("ProductVariantComponent", variant.number),
            productVariant=variant,
            quantity=count,
        )
        for variant, count in found
        if variant is not None
    ]
    return page(rows, arguments)
