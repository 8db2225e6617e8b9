"""Fields that the several inputs for products have in common: what is refused, and how they get into the row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fake_shopify.admin import handles, metafield_inputs, product_media, taxonomy
from fake_shopify.admin.product_webhooks import collection_changed
from fake_shopify.admin.tags import normalized
from fake_shopify.context import Context
from fake_shopify.failures import TopLevelError, user_error
from fake_shopify.rows import Row

MAX_TEXT = 255
Input = dict[str, Any]
Errors = list[dict[str, Any]]

LABELS = {
    "title": ("title", "Title"),
    "vendor": ("vendor", "Vendor"),
    "productType": ("productType", "Product type"),
    "customProductType": ("productType", "Custom product type"),
}
"""Field of the error -> field of the input and the name in the message, in the order of Shopify's errors."""


def text_errors(input: Input, *, creating: bool, prefix: Sequence[str] = (), code: str | None = None) -> Errors:
    """Check title, vendor, type and handle (captured: products-025..029, 085, 086, 091; one value too long may give two errors)."""
    errors: Errors = []
    if (creating or "title" in input) and not (input.get("title") or "").strip():
        errors.append(user_error([*prefix, "title"], "Title can't be blank", code))
    for name, (source, label) in LABELS.items():
        if len(input.get(source) or "") > MAX_TEXT:
            errors.append(user_error([*prefix, name], f"{label} is too long (maximum is {MAX_TEXT} characters)", code))
    if len(_slug(input.get("handle"))) > MAX_TEXT:
        errors.append(user_error([*prefix, "handle"], f"Handle is too long (maximum is {MAX_TEXT} characters)", code))
    return errors


def _slug(handle: str | None) -> str:
    return handles.slug(handle, "") if handle and handle.strip() else ""


def handle_errors(ctx: Context, type_name: str, input: Input, own: Row | None = None, code: str | None = None) -> Errors:
    """Check that a handle that was asked for is free.

    Captured: the field is `["input", "handle"]` whatever the argument is called, and the message repeats the handle as it was
    sent; a handle of which nothing is left is generated and never collides (BEHAVIOURS 18, products-049, 053).
    """
    wanted = _slug(input.get("handle"))
    if not wanted or not handles.is_taken(ctx.shop, type_name, wanted, own=own.number if own is not None else None):
        return []
    text = f"Handle '{input['handle']}' already in use. Please provide a new handle."
    return [user_error(["input", "handle"], text, code)]


def chosen_handle(ctx: Context, type_name: str, input: Input, title: str, own: Row | None = None) -> str:
    """Return the handle that an object gets: the one asked for, or one made from the title (captured: products-049)."""
    fallback, asked, number = type_name.lower(), input.get("handle"), own.number if own is not None else None
    if asked is not None and asked.strip():
        return _slug(asked) or handles.free(ctx.shop, type_name, fallback, own=number)
    return handles.free(ctx.shop, type_name, handles.made_from(title, fallback), own=number)


def category_code(input: Input) -> str | None:
    """Read the category of an input; an unknown one refuses the whole field (captured: products-094)."""
    if input.get("category") is None:
        return None
    code = taxonomy.code_of(input["category"])
    if code is None:
        raise TopLevelError("Invalid product_taxonomy_node_id", "INVALID_PRODUCT_TAXONOMY_NODE_ID")
    return code


def media_errors(media: Sequence[Input] | None) -> Errors:
    """Check the sources of new media (captured: products-082, 083)."""
    found = ((index, product_media.source_error(spec)) for index, spec in enumerate(media or ()))
    return [user_error(["media", index, "originalSource"], text, "INVALID") for index, text in found if text is not None]


PLAIN = ("descriptionHtml", "productType", "status", "combinedListingRole")


def apply(ctx: Context, row: Row, input: Input) -> None:
    """Write the plain fields of an input into a product's row; the handle, options, variants and media are left to the caller."""
    if input.get("title") is not None:
        row["title"] = input["title"]
    if "vendor" in input:
        row["vendor"] = input["vendor"] or ctx.shop.settings["name"]
    for name in PLAIN:
        if name in input and (input[name] is not None or name == "combinedListingRole"):
            row[name] = input[name]
    for name in ("templateSuffix", "giftCardTemplateSuffix"):
        if name in input:
            row[name] = input[name] or None
    if input.get("requiresSellingPlan") is not None:
        row["requiresSellingPlan"] = input["requiresSellingPlan"]
    if "tags" in input:
        row["tags"] = normalized(input["tags"])
    if "category" in input:
        row["_category"] = category_code(input)
    row["seo"] = merged_seo(row["seo"], input.get("seo"))
    metafield_inputs.apply(ctx, row["id"], input.get("metafields"))


def merged_seo(seo: dict[str, Any], given: Input | None) -> dict[str, Any]:
    """Return SEO texts with those of an input; blank ones are none (assumed)."""
    return seo | {name: text or None for name, text in (given or {}).items()}


def join_and_leave(ctx: Context, row: Row, join: Sequence[str] | None, leave: Sequence[str] | None = None) -> None:
    """Put a product into collections and take it out of others; unknown collections are passed over (captured: products-097)."""
    for text in join or ():
        collection = ctx.edit("Collection", text)
        if collection is not None and not collection["_rule_set"] and row.number not in collection["_product_ids"]:
            collection["_product_ids"].append(row.number)
            _placed(ctx, collection)
    for text in leave or ():
        collection = ctx.edit("Collection", text)
        if collection is not None and row.number in collection["_product_ids"]:
            collection["_product_ids"].remove(row.number)
            _placed(ctx, collection)


def _placed(ctx: Context, collection: Row) -> None:
    """Note that a product was placed by hand (source: shopify.dev/docs/api/webhooks, collections/update; read 2026-11)."""
    collection["updatedAt"] = ctx.now()
    collection_changed(ctx.shop, collection)
