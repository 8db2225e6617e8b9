"""productCreate, productUpdate, productChangeStatus, productDelete."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import handles, metafield_inputs, metafields, option_inputs, product_media, product_operations
from fake_shopify.admin.collection_members import collections_with
from fake_shopify.admin.product_inputs import (
    Errors,
    Input,
    apply,
    category_code,
    chosen_handle,
    handle_errors,
    join_and_leave,
    media_errors,
    text_errors,
)
from fake_shopify.admin.product_rows import new_product
from fake_shopify.admin.product_webhooks import product_changed, product_deleted
from fake_shopify.admin.products import by_custom_id, product_by_handle
from fake_shopify.admin.shop import shop as the_shop
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row
from fake_shopify.world import Shop

MISSING = "Product does not exist"


# Create


def create_errors(ctx: Context, input: Input, media: list[Input] | None) -> Errors:
    """Collect what is wrong with the input of a new product."""
    errors = text_errors(input, creating=True) + handle_errors(ctx, "Product", input)
    errors += option_inputs.create_errors(input.get("productOptions"))
    errors += metafield_inputs.errors_of(ctx, "Product", input.get("metafields"))
    return errors + media_errors(media)


@mutation("productCreate")
def product_create(
    ctx: Context, product: Input | None = None, input: Input | None = None, media: list[Input] | None = None
) -> dict[str, Any]:
    """Make a product with its first variant (captured: products-025..038, 049..052, 082, 093..098; errors have no code)."""
    given = product if product is not None else input or {}
    category_code(given)
    errors = create_errors(ctx, given, media)
    if errors:
        return {"product": None, "shop": the_shop, "userErrors": errors}
    row = _made(ctx, given)
    for spec in media or ():
        product_media.new_media(ctx, row, spec)
    product_changed(ctx.shop, row, "products/create")
    return {"product": row, "shop": the_shop, "userErrors": []}


def _made(ctx: Context, input: Input) -> Row:
    gift = bool(input.get("giftCard"))
    options = option_inputs.named(input.get("productOptions"))
    row = new_product(
        ctx.shop,
        ctx.now(),
        title=input["title"],
        handle=chosen_handle(ctx, "Product", input, input["title"]),
        options=options,
        variants=[gift_card_variant()] if gift else (),
        isGiftCard=gift,
    )
    apply(ctx, row, input)
    join_and_leave(ctx, row, input.get("collectionsToJoin"))
    return row


def gift_card_variant() -> dict[str, Any]:
    """Return what sets a gift card's variant apart: neither taxed nor shipped (captured: products-098)."""
    return {"taxable": False, "item": {"requiresShipping": False}}


# Update


@mutation("productUpdate")
def product_update(
    ctx: Context,
    product: Input | None = None,
    input: Input | None = None,
    identifier: Input | None = None,
    media: list[Input] | None = None,
) -> dict[str, Any]:
    """Change a product; errors leave it as it is and show it (captured: products-049, 082, 085..091)."""
    given = product if product is not None else input or {}
    row = _addressed(ctx, given, identifier)
    if row is None:
        return {"product": None, "userErrors": [user_error(["id"], MISSING)]}
    category_code(given)
    errors = text_errors(given, creating=False) + handle_errors(ctx, "Product", given, row)
    errors += metafield_inputs.errors_of(ctx, "Product", given.get("metafields"), owner=row["id"]) + media_errors(media)
    if errors:
        return {"product": row, "userErrors": errors}
    rewrite(ctx, row, given)
    for spec in media or ():
        product_media.new_media(ctx, row, spec)
    product_changed(ctx.shop, row)
    return {"product": row, "userErrors": []}


def _addressed(ctx: Context, input: Input, identifier: Input | None) -> Row | None:
    if identifier and identifier.get("handle") is not None:
        found = product_by_handle(ctx, identifier["handle"])
    elif identifier and identifier.get("customId") is not None:
        found = by_custom_id(ctx, "Product", identifier["customId"])
    else:
        text = (identifier or {}).get("id") or input.get("id")
        if text:
            ctx.require_type(text, "Product")
        return ctx.edit("Product", text)
    return ctx.edit("Product", found["id"]) if found is not None else None


def rewrite(ctx: Context, row: Row, input: Input) -> None:
    """Write a checked input into an existing product. `redirectNewHandle` leaves no redirect behind (assumed)."""
    apply(ctx, row, input)
    if input.get("handle") is not None:
        wanted = chosen_handle(ctx, "Product", input, row["title"], row)
        handles.move(ctx.shop, "Product", row.number, row["handle"], wanted)
        row["handle"] = wanted
    join_and_leave(ctx, row, input.get("collectionsToJoin"), input.get("collectionsToLeave"))
    row["updatedAt"] = ctx.now()


@mutation("productChangeStatus")
def product_change_status(ctx: Context, productId: str, status: str) -> dict[str, Any]:
    """Change the status alone (captured: products-024)."""
    ctx.require_type(productId, "Product")
    row = ctx.edit("Product", productId)
    if row is None:
        return {"product": None, "userErrors": [user_error(["productId"], MISSING, "PRODUCT_NOT_FOUND")]}
    row.update(status=status, updatedAt=ctx.now())
    product_changed(ctx.shop, row)
    return {"product": row, "userErrors": []}


# Delete


@mutation("productDelete")
def product_delete(ctx: Context, input: Input, synchronous: bool = True) -> dict[str, Any]:
    """Delete a product with all that is its own, at once or as an operation (captured: products-040..044, BEHAVIOURS 23)."""
    ctx.require_type(input["id"], "Product")
    payload = {"deletedProductId": None, "productDeleteOperation": None, "shop": the_shop}
    if product_operations.is_being_deleted(ctx, input["id"]):
        return payload | {"userErrors": [user_error(None, product_operations.IN_PROGRESS)]}
    row = ctx.find("Product", input["id"])
    if row is None:
        return payload | {"userErrors": [user_error(["id"], MISSING)]}
    delete(ctx.shop, row)
    if not synchronous:
        return payload | {"productDeleteOperation": product_operations.deletion(ctx, input["id"]), "userErrors": []}
    return payload | {"deletedProductId": input["id"], "userErrors": []}


def delete(shop: Shop, row: Row) -> None:
    """Take a product out of the shop: variants, inventory items, media, metafields, memberships."""
    variants = [variant for variant in map(shop.table("ProductVariant").get, row["_variant_ids"]) if variant is not None]
    for number in list(row["_media_ids"]):
        product_media.drop_media(shop, row, number)
    for variant in variants:
        drop_variant(shop, variant)
    for number in collections_with(shop, row):
        collection = shop.table("Collection").edit(number)
        assert collection is not None
        collection["_product_ids"].remove(row.number)
    metafields.drop_owner(shop, row["id"])
    handles.move(shop, "Product", row.number, row["handle"], None)
    shop.table("Product").remove(row.number)
    product_deleted(shop, row.number)


def drop_variant(shop: Shop, variant: Row) -> None:
    """Take a variant and its inventory item out of the shop; the product's list is left to the caller."""
    metafields.drop_owner(shop, variant["id"])
    shop.table("InventoryItem").remove(variant["_inventory_item_id"])
    shop.table("ProductVariant").remove(variant.number)
    shop.emit("inventory_items/delete", {"id": variant["_inventory_item_id"]})
