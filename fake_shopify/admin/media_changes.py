"""productCreateMedia, -UpdateMedia, -DeleteMedia, -ReorderMedia, and media of variants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from fake_shopify.admin.jobs import new_job
from fake_shopify.admin.product_changes import MISSING
from fake_shopify.admin.product_inputs import media_errors
from fake_shopify.admin.product_media import drop_media, is_ready, new_media, number_in, source_error
from fake_shopify.admin.variant_changes import touch
from fake_shopify.context import Context, split_gid
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row
from fake_shopify.world import gid

Payload = dict[str, Any]
Input = dict[str, Any]
Errors = list[dict[str, Any]]

MAX_PAIRS = 100
NO_PRODUCT = "PRODUCT_DOES_NOT_EXIST"


def _product(ctx: Context, product_id: str) -> Row | None:
    ctx.require_type(product_id, "Product")
    return ctx.edit("Product", product_id)


def _both(errors: Errors) -> Payload:
    """Give errors under both names that media mutations have (captured: products-056, 143)."""
    return {"mediaUserErrors": errors, "userErrors": errors}


def _unknown(product: Row, field: str, ids: Sequence[str]) -> Errors:
    """Return the error about media that are not the product's (captured for one id: products-143; assumed for several)."""
    strangers = [text for text in ids if number_in(text, product) is None]
    if not strangers:
        return []
    words = f"Media id {strangers[0]} does not exist" if len(strangers) == 1 else f"Media ids {','.join(strangers)} do not exist"
    return [user_error([field], words, "MEDIA_DOES_NOT_EXIST")]


# Media of products


@mutation("productCreateMedia")
def create_media(ctx: Context, productId: str, media: list[Input]) -> Payload:
    """Add the valid ones of new media, report the others (captured: products-030, 056, 143, 144)."""
    product = _product(ctx, productId)
    if product is None:
        return {"media": None, "product": None} | _both([user_error(["productId"], MISSING, NO_PRODUCT)])
    rows = [new_media(ctx, product, spec) for spec in media if source_error(spec) is None]
    touch(ctx, product, bool(rows))
    return {"media": rows, "product": product} | _both(media_errors(media))


@mutation("productUpdateMedia")
def update_media(ctx: Context, productId: str, media: list[Input]) -> Payload:
    """Change alternative texts, all or none (captured: products-087, 143, 144)."""
    product = _product(ctx, productId)
    if product is None:
        return {"media": None, "product": None} | _both([user_error(["productId"], MISSING, NO_PRODUCT)])
    errors = _unknown(product, "media", [spec["id"] for spec in media])
    if errors:
        return {"media": None, "product": product} | _both(errors)
    rows = [_updated(ctx, product, spec) for spec in media]
    touch(ctx, product, bool(rows))
    return {"media": rows, "product": product} | _both([])


def _updated(ctx: Context, product: Row, spec: Input) -> Row:
    row = ctx.table("Media").edit(number_in(spec["id"], product) or 0)
    assert row is not None
    if "alt" in spec:
        row["alt"] = spec["alt"]
    row["updatedAt"] = ctx.now()
    return row


@mutation("productDeleteMedia")
def delete_media(ctx: Context, productId: str, mediaIds: list[str]) -> Payload:
    """Delete media, all or none (captured: products-131, 143, 144)."""
    product = _product(ctx, productId)
    nothing: Payload = {"deletedMediaIds": None, "deletedProductImageIds": None, "product": product}
    if product is None:
        return nothing | _both([user_error(["productId"], MISSING, NO_PRODUCT)])
    errors = _unknown(product, "mediaIds", mediaIds)
    if errors:
        return nothing | _both(errors)
    rows = [ctx.table("Media").get(number_in(text, product) or 0) for text in mediaIds]
    images = [gid("ProductImage", row["_image_id"]) for row in rows if row is not None and row["__typename"] == "MediaImage"]
    for row in rows:
        if row is not None:
            drop_media(ctx.shop, product, row.number)
    touch(ctx, product, bool(rows))
    return nothing | {"deletedMediaIds": mediaIds, "deletedProductImageIds": images} | _both([])


def moved(order: list[int], moves: list[Input], numbers: Sequence[int | None]) -> list[int]:
    """Apply moves one after the other; places count from 0, too large ones mean the end, unknown ones are passed over.

    Captured: products-070, 144, collections-013.
    """
    result = list(order)
    for move, number in zip(moves, numbers, strict=True):
        if number in result:
            result.remove(number)
            result.insert(int(move["newPosition"]), number)
    return result


@mutation("productReorderMedia")
def reorder_media(ctx: Context, id: str, moves: list[Input]) -> Payload:
    """Move media to other places (captured: products-070, 143, 144)."""
    product = _product(ctx, id)
    if product is None:
        return {"job": None} | _both([user_error(["id"], MISSING, NO_PRODUCT)])
    numbers = [number_in(move["id"], product) for move in moves]
    product["_media_ids"] = moved(product["_media_ids"], moves, numbers)
    touch(ctx, product)
    return {"job": new_job(ctx)} | _both([])


# Media of variants


@mutation("productVariantAppendMedia")
def append_media(ctx: Context, productId: str, variantMedia: list[Input]) -> Payload:
    """Attach an image to each of some variants, all or none (captured: variants-005)."""
    product = _product(ctx, productId)
    if product is None:
        return _refused([user_error(["productId"], MISSING, NO_PRODUCT)])
    errors = _shape_errors(variantMedia)
    errors = errors or [e for i, pair in enumerate(variantMedia) for e in _append_errors(ctx, product, i, pair)]
    if errors:
        return _refused(errors)
    return _attached(ctx, product, variantMedia, attach=True)


@mutation("productVariantDetachMedia")
def detach_media(ctx: Context, productId: str, variantMedia: list[Input]) -> Payload:
    """Take images off variants, all or none (captured: variants-005)."""
    product = _product(ctx, productId)
    if product is None:
        return _refused([user_error(["productId"], MISSING, NO_PRODUCT)])
    errors = _shape_errors(variantMedia)
    errors = errors or [e for i, pair in enumerate(variantMedia) for e in _detach_errors(ctx, product, i, pair)]
    if errors:
        return _refused(errors)
    return _attached(ctx, product, variantMedia, attach=False)


def _refused(errors: Errors) -> Payload:
    return {"product": None, "productVariants": None, "userErrors": errors}


def _attached(ctx: Context, product: Row, pairs: list[Input], *, attach: bool) -> Payload:
    rows = []
    for pair in pairs:
        row = ctx.edit("ProductVariant", pair["variantId"])
        assert row is not None
        row["_media_id"] = number_in(pair["mediaIds"][0], product) if attach else None
        row["updatedAt"] = ctx.now()
        rows.append(row)
    touch(ctx, product, bool(rows))
    return {"product": product, "productVariants": rows, "userErrors": []}


def _shape_errors(pairs: list[Input]) -> Errors:
    """Check what can be seen without the rows: how many, none twice, one image each."""
    if sum(len(pair["mediaIds"]) for pair in pairs) > MAX_PAIRS:
        text = f"Exceeded {MAX_PAIRS} variant-media pairs per mutation."
        return [user_error(["variantMedia"], text, "MAXIMUM_VARIANT_MEDIA_PAIRS_EXCEEDED")]
    errors: Errors = []
    for index, pair in enumerate(pairs):
        spot: list[str | int] = ["variantMedia", index, "mediaIds"]
        if not pair["mediaIds"]:
            errors.append(user_error(spot, "The mediaIds list cannot be empty.", "BLANK"))
        elif len(pair["mediaIds"]) > 1:
            errors.append(user_error(spot, "Only one mediaId is allowed per media input.", "TOO_MANY_MEDIA_PER_INPUT_PAIR"))
    if errors:
        return errors
    often = Counter(pair["variantId"] for pair in pairs)
    for index, pair in enumerate(pairs):
        if often[pair["variantId"]] > 1:
            text = "Variant was specified in more than one media input."
            return [user_error(["variantMedia", index, "variantId"], text, "PRODUCT_VARIANT_SPECIFIED_MULTIPLE_TIMES")]
    return []


def _variant_in(ctx: Context, product: Row, pair: Input) -> Row | None:
    row = ctx.find("ProductVariant", pair["variantId"])
    return row if row is not None and row["_product_id"] == product.number else None


def _append_errors(ctx: Context, product: Row, index: int, pair: Input) -> Errors:
    at: list[str | int] = ["variantMedia", index]
    row, number = _variant_in(ctx, product, pair), number_in(pair["mediaIds"][0], product)
    if row is None:
        text = "Variant does not exist on the specified product."
        return [user_error([*at, "variantId"], text, "PRODUCT_VARIANT_DOES_NOT_EXIST_ON_PRODUCT")]
    media = ctx.table("Media").get(number) if number is not None else None
    if media is None:
        text = "Media does not exist on the specified product."
        return [user_error([*at, "mediaIds"], text, "MEDIA_DOES_NOT_EXIST_ON_PRODUCT")]
    if media["__typename"] != "MediaImage":
        return [user_error([*at, "mediaIds"], "Non-image media cannot be attached to variants.", "INVALID_MEDIA_TYPE")]
    if not is_ready(media):
        return [user_error([*at, "mediaIds"], "Non-ready media cannot be attached to variants.", "NON_READY_MEDIA")]
    if row["_media_id"] is not None:
        text = "The given variant already has attached media."
        return [user_error([*at, "variantId"], text, "PRODUCT_VARIANT_ALREADY_HAS_MEDIA")]
    return []


def _detach_errors(ctx: Context, product: Row, index: int, pair: Input) -> Errors:
    at: list[str | int] = ["variantMedia", index]
    row, number = _variant_in(ctx, product, pair), number_in(pair["mediaIds"][0], product)
    if row is None:
        text = "Variant does not exist on the specified product."
        return [user_error([*at, "variantId"], text, "PRODUCT_VARIANT_DOES_NOT_EXIST_ON_PRODUCT")]
    if number is None:
        text = "Media does not exist on the specified product."
        return [user_error([*at, "mediaIds"], text, "MEDIA_DOES_NOT_EXIST_ON_PRODUCT")]
    if row["_media_id"] != number:
        text = "The specified media is not attached to the specified variant."
        return [user_error([*at, "variantId"], text, "MEDIA_IS_NOT_ATTACHED_TO_VARIANT")]
    return []


def product_number(text: str) -> int | None:
    """Return the number behind a product's GID."""
    kind, number = split_gid(text)
    return int(number) if kind == "Product" and number.isdigit() else None
