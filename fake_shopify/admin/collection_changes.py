"""collectionCreate, -Update, -Delete, -Duplicate, and the mutations that put products in, take them out and move them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from fake_shopify.admin import handles, metafield_inputs, metafields
from fake_shopify.admin.collection_members import TEXT_RELATIONS
from fake_shopify.admin.collection_rows import new_collection
from fake_shopify.admin.collections import number_of
from fake_shopify.admin.jobs import new_job
from fake_shopify.admin.media_changes import moved
from fake_shopify.admin.product_inputs import Errors, Input, chosen_handle, handle_errors, merged_seo, text_errors
from fake_shopify.admin.product_webhooks import collection_changed, collection_deleted
from fake_shopify.admin.shop import shop as the_shop
from fake_shopify.context import Context, split_gid
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row
from fake_shopify.world import gid

Payload = dict[str, Any]
MISSING = "Collection does not exist"
UNSORTED = "Can't reorder products unless collection is manually sorted"
EMPTY_RULES = "Rules cannot be an empty set"


def _found(ctx: Context, text: str | None) -> Row | None:
    if text:
        ctx.require_type(text, "Collection")
    return ctx.edit("Collection", text)


# Create


@mutation("collectionCreate")
def collection_create(ctx: Context, input: Input | None = None, collection: Input | None = None) -> Payload:
    """Make a collection (captured: collections-001..008, errors-024)."""
    given = collection if collection is not None else input or {}
    if given.get("id"):
        return {"collection": None, "userErrors": [user_error(["id"], "id cannot be specified on collection creation")]}
    errors = text_errors(given, creating=True) + handle_errors(ctx, "Collection", given)
    errors += _product_errors(ctx, given) + _rule_errors(given, creating=True)
    errors += metafield_inputs.errors_of(ctx, "Collection", given.get("metafields"))
    if errors:
        return {"collection": None, "userErrors": errors}
    handle = chosen_handle(ctx, "Collection", given, given["title"])
    row = new_collection(ctx.shop, ctx.now(), title=given["title"], handle=handle)
    _apply(ctx, row, given)
    row["_product_ids"] = [number for number in map(number_of, given.get("products") or ()) if number is not None]
    collection_changed(ctx.shop, row, "collections/create")
    return {"collection": row, "userErrors": []}


def _product_errors(ctx: Context, input: Input) -> Errors:
    """Check the initial products (captured: collections-005)."""
    missing = [i for i, text in enumerate(input.get("products") or ()) if ctx.find("Product", text) is None]
    return [user_error(["products", index], "Product does not exist") for index in missing]


def _rule_errors(input: Input, *, creating: bool) -> Errors:
    """Check a rule set.

    Captured: on creation an empty list of rules makes a custom collection, a missing list is refused (collections-006, 007); on
    update both are refused (collections-020). Assumed: the words about relations that a column does not take.
    """
    held = input.get("ruleSet")
    if held is None:
        return []
    rules = held.get("rules")
    if rules is None or (not rules and not creating):
        return [user_error(["ruleSet", "rules"], EMPTY_RULES)]
    numeric = ("VARIANT_PRICE", "VARIANT_COMPARE_AT_PRICE", "VARIANT_WEIGHT", "VARIANT_INVENTORY")
    only_text = set(TEXT_RELATIONS) - {"EQUALS", "NOT_EQUALS"}
    wrong = [i for i, rule in enumerate(rules) if rule["column"] in numeric and rule["relation"] in only_text]
    return [user_error(["ruleSet", "rules", i, "relation"], "Relation is invalid") for i in wrong]


def _rule(rule: Input) -> dict[str, Any]:
    kind, number = split_gid(rule.get("conditionObjectId") or "")
    known = {"_definition_id": int(number)} if kind == "MetafieldDefinition" and number.isdigit() else {}
    return {name: rule[name] for name in ("column", "relation", "condition")} | known


def _apply(ctx: Context, row: Row, input: Input) -> None:
    """Write the plain fields of a checked input into a collection's row."""
    for name in ("title", "descriptionHtml", "sortOrder"):
        if input.get(name) is not None:
            row[name] = input[name]
    if "templateSuffix" in input:
        row["templateSuffix"] = input["templateSuffix"] or None
    row["seo"] = merged_seo(row["seo"], input.get("seo"))
    if "image" in input:
        row["image"] = _image(ctx, input["image"])
    held = input.get("ruleSet")
    if held is not None and held.get("rules"):
        disjunctive = held["appliedDisjunctively"]
        row["_rule_set"] = {"appliedDisjunctively": disjunctive, "rules": [_rule(rule) for rule in held["rules"]]}
        row["_rules_since"] = ctx
    metafield_inputs.apply(ctx, row["id"], input.get("metafields"))


def _image(ctx: Context, given: Input | None) -> dict[str, Any] | None:
    if not given or not given.get("src"):
        return None
    name = gid("CollectionImage", ctx.shop.new_id("CollectionImage"))
    return {"__typename": "Image", "id": name, "url": given["src"], "altText": given.get("altText"), "width": None, "height": None}


# Update, delete, duplicate


@mutation("collectionUpdate")
def collection_update(ctx: Context, input: Input | None = None, collection: Input | None = None) -> Payload:
    """Change a collection; new rules are applied by a job (captured: collections-019, 020, 040)."""
    given = collection if collection is not None else input or {}
    row = _found(ctx, given.get("id"))
    if row is None:
        return {"collection": None, "job": None, "userErrors": [user_error(["id"], MISSING)]}
    errors = _rule_errors(given, creating=False)
    if given.get("ruleSet") is not None and not row["_rule_set"]:
        errors = [user_error(["id"], "Cannot update rule set of a custom collection")]
    errors = errors or text_errors(given, creating=False) + handle_errors(ctx, "Collection", given, row)
    errors = errors or metafield_inputs.errors_of(ctx, "Collection", given.get("metafields"), owner=row["id"])
    if errors:
        return {"collection": None, "job": None, "userErrors": errors}
    _apply(ctx, row, given)
    if given.get("handle") is not None:
        wanted = chosen_handle(ctx, "Collection", given, row["title"], row)
        handles.move(ctx.shop, "Collection", row.number, row["handle"], wanted)
        row["handle"] = wanted
    row["updatedAt"] = ctx.now()
    collection_changed(ctx.shop, row)
    return {"collection": row, "job": new_job(ctx) if given.get("ruleSet") is not None else None, "userErrors": []}


@mutation("collectionDelete")
def collection_delete(ctx: Context, input: Input) -> Payload:
    """Delete a collection (captured: collections-009, 027, 029)."""
    row = _found(ctx, input["id"])
    if row is None:
        return {"deletedCollectionId": None, "shop": the_shop, "userErrors": [user_error(["id"], MISSING)]}
    handles.move(ctx.shop, "Collection", row.number, row["handle"], None)
    metafields.drop_owner(ctx.shop, row["id"])
    ctx.table("Collection").remove(row.number)
    collection_deleted(ctx.shop, row.number)
    return {"deletedCollectionId": input["id"], "shop": the_shop, "userErrors": []}


@mutation("collectionDuplicate")
def collection_duplicate(ctx: Context, input: Input) -> Payload:
    """Copy a collection with its products and rules (words: description of the code)."""
    source = _found(ctx, input["collectionId"])
    if source is None:
        text = "The collection was not found. Please check the collection ID and try again."
        return {"collection": None, "job": None, "userErrors": [user_error(["collectionId"], text, "COLLECTION_NOT_FOUND")]}
    row = new_collection(ctx.shop, ctx.now(), title=input["newTitle"])
    for name in ("descriptionHtml", "sortOrder", "templateSuffix", "seo", "image", "_product_ids", "_rule_set"):
        row[name] = deepcopy(source[name])
    if input.get("copyPublications", True):
        row["_publications"] = dict(source["_publications"])
    for one in metafields.of_owner(ctx.shop, source["id"]):
        metafields.put(ctx.shop, row["id"], one["namespace"], one["key"], one["type"], one["value"])
    collection_changed(ctx.shop, row, "collections/create")
    return {"collection": row, "job": new_job(ctx), "userErrors": []}


# Products of a collection


def _add(ctx: Context, row: Row, product_ids: Sequence[str]) -> None:
    for text in product_ids:
        number = number_of(text)
        if number is not None and number not in row["_product_ids"] and ctx.find("Product", text) is not None:
            row["_product_ids"].append(number)
    row["updatedAt"] = ctx.now()
    collection_changed(ctx.shop, row)


@mutation("collectionAddProducts")
def add_products(ctx: Context, id: str, productIds: list[str]) -> Payload:
    """Put products into a collection at once.

    Captured: even into a smart one (collections-003). Assumed: unknown products, and those that are in it already, are passed over.
    """
    row = _found(ctx, id)
    if row is None:
        return {"collection": None, "userErrors": [user_error(["id"], MISSING)]}
    _add(ctx, row, productIds)
    return {"collection": row, "userErrors": []}


@mutation("collectionAddProductsV2")
def add_products_v2(ctx: Context, id: str, productIds: list[str]) -> Payload:
    """Put products into a collection by a job (captured: collections-042; words: descriptions of the codes)."""
    row = _found(ctx, id)
    if row is None:
        text = "Collection doesn't exist."
        return {"job": None, "userErrors": [user_error(["id"], text, "COLLECTION_DOES_NOT_EXIST")]}
    if row["_rule_set"]:
        text = "Can't manually add products to a smart collection."
        return {"job": None, "userErrors": [user_error(["id"], text, "CANT_ADD_TO_SMART_COLLECTION")]}
    _add(ctx, row, productIds)
    return {"job": new_job(ctx), "userErrors": []}


@mutation("collectionRemoveProducts")
def remove_products(ctx: Context, id: str, productIds: list[str]) -> Payload:
    """Take products out of a collection by a job; products that are not in it are passed over.

    Captured: collections-003. Source: shopify.dev/docs/api/admin-graphql/latest/mutations/collectionRemoveProducts (read 2026-11).
    """
    row = _found(ctx, id)
    if row is None:
        return {"job": None, "userErrors": [user_error(["id"], MISSING)]}
    gone = {number_of(text) for text in productIds}
    row["_product_ids"] = [number for number in row["_product_ids"] if number not in gone]
    row["updatedAt"] = ctx.now()
    collection_changed(ctx.shop, row)
    return {"job": new_job(ctx), "userErrors": []}


@mutation("collectionReorderProducts")
def reorder_products(ctx: Context, id: str, moves: list[Input]) -> Payload:
    """Move products of a manually sorted collection by a job (captured: collections-013, 035)."""
    row = _found(ctx, id)
    if row is None:
        return {"job": None, "userErrors": [user_error(["id"], MISSING, "COLLECTION_NOT_FOUND")]}
    if row["sortOrder"] != "MANUAL":
        return {"job": None, "userErrors": [user_error(["id"], UNSORTED, "MANUALLY_SORTED_COLLECTION")]}
    row["_product_ids"] = moved(row["_product_ids"], moves, [number_of(move["id"]) for move in moves])
    row["updatedAt"] = ctx.now()
    collection_changed(ctx.shop, row)
    return {"job": new_job(ctx), "userErrors": []}
