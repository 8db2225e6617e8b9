"""productDuplicate: a second product like the first."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from fake_shopify.admin import handles, inventory_levels, metafields, product_media, product_operations
from fake_shopify.admin.collection_members import collections_with
from fake_shopify.admin.product_changes import MISSING
from fake_shopify.admin.product_inputs import join_and_leave
from fake_shopify.admin.product_rows import current_total, edit_item, item_of, new_product, new_variant, value_names, variants_of
from fake_shopify.admin.product_webhooks import product_changed
from fake_shopify.admin.shop import shop as the_shop
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

COPIED = (
    "vendor productType descriptionHtml tags templateSuffix giftCardTemplateSuffix isGiftCard requiresSellingPlan seo _category"
).split()
VARIANT_COPIED = "price compareAtPrice barcode inventoryPolicy taxable taxCode requiresComponents showUnitPrice".split()
ITEM_COPIED = (
    "sku tracked requiresShipping countryCodeOfOrigin provinceCodeOfOrigin harmonizedSystemCode _unit_cost _weight".split()
)


@mutation("productDuplicate")
def product_duplicate(
    ctx: Context,
    productId: str,
    newTitle: str,
    newStatus: str | None = None,
    includeImages: bool = False,
    includeTranslations: bool = False,
    synchronous: bool = True,
) -> dict[str, Any]:
    """Copy a product under a new title; the handle follows the title, the status is inherited unless given.

    Captured: products-045..049 (asynchronous: the answer has no product, and an unknown one is told by the operation).
    """
    ctx.require_type(productId, "Product")
    source = ctx.find("Product", productId)
    errors = [] if source is not None else [user_error(["productId"], MISSING)]
    if source is not None and not newTitle.strip():
        errors = [user_error(["newTitle"], "Title can't be blank")]
    copy = duplicate(ctx, source, newTitle, newStatus, images=includeImages) if source is not None and not errors else None
    payload: dict[str, Any] = {"imageJob": None, "productDuplicateOperation": None, "shop": the_shop}
    if synchronous:
        return payload | {"newProduct": copy, "userErrors": errors}
    operation = product_operations.duplication(ctx, source, copy, errors)
    return payload | {"newProduct": None, "productDuplicateOperation": operation, "userErrors": []}


def duplicate(ctx: Context, source: Row, title: str, status: str | None, *, images: bool) -> Row:
    """Copy options, variants, metafields and memberships; stock is not copied, only where there is stock (assumed)."""
    options = [(option["name"], [value["name"] for value in option["values"]]) for option in source["_options"]]
    row = new_product(
        ctx.shop,
        ctx.now(),
        title=title,
        handle=handles.free(ctx.shop, "Product", handles.made_from(title, "product")),
        options=options,
        variants=None,
    )
    row.update({name: deepcopy(source[name]) for name in COPIED})
    row["status"] = status or source["status"]
    for variant in variants_of(ctx.shop, source):
        _copy_variant(ctx, row, source, variant)
    for field in metafields.of_owner(ctx.shop, source["id"]):
        metafields.put(ctx.shop, row["id"], field["namespace"], field["key"], field["type"], field["value"])
    join_and_leave(ctx, row, [ctx.gid("Collection", number) for number in collections_with(ctx.shop, source)])
    if images:
        for media in product_media.media_of(ctx.shop, source):
            product_media.copy_media(ctx, row, media)
    row["_total_inventory"] = current_total(ctx.shop, row)
    product_changed(ctx.shop, row, "products/create")
    return row


def _copy_variant(ctx: Context, row: Row, source: Row, variant: Row) -> None:
    fields = {name: variant[name] for name in VARIANT_COPIED}
    copy = new_variant(ctx.shop, ctx.now(), row, values=value_names(source, variant), stock={}, **fields)
    old, item = item_of(ctx.shop, variant), edit_item(ctx.shop, copy)
    item.update({name: old[name] for name in ITEM_COPIED})
    for location in inventory_levels.active_levels(old):
        inventory_levels.activate(item, location, ctx.now())
