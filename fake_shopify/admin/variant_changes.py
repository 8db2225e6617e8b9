"""productVariantsBulkCreate, -Update, -Delete and -Reorder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fake_shopify.admin import product_media
from fake_shopify.admin.product_changes import MISSING, drop_variant
from fake_shopify.admin.product_inputs import media_errors
from fake_shopify.admin.product_rows import (
    edit_variants,
    has_only_default,
    new_variant,
    value_names,
    variants_of,
)
from fake_shopify.admin.product_webhooks import product_changed
from fake_shopify.admin.variant_inputs import (
    BULK_CREATE,
    BULK_UPDATE,
    MAX_QUANTITIES,
    Errors,
    Input,
    adjust,
    apply,
    in_order,
    quantity_refusals,
    scalar_errors,
    stock,
)
from fake_shopify.admin.variant_options import (
    Refusal,
    assign,
    chosen_names,
    combination,
    drop_unused,
    missing_options,
    used_values,
    value_id,
)
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

NO_PRODUCT = user_error(["productId"], MISSING, "PRODUCT_DOES_NOT_EXIST")
NOT_HERE = "At least one variant does not belong to the product"
STOCK_ON_UPDATE = (
    "Inventory quantities can only be provided during create. "
    "To update inventory for existing variants, use inventoryAdjustQuantities."
)


def _product(ctx: Context, product_id: str) -> Row | None:
    ctx.require_type(product_id, "Product")
    return ctx.edit("Product", product_id)


def exists_already(names: Sequence[str]) -> Refusal:
    """Return the complaint about a second variant with the same values (assumed wording, as in the REST API)."""
    return Refusal("exists", (), f"The variant '{' / '.join(names)}' already exists. Please change at least one option value.")


def add_media(ctx: Context, product: Row, media: list[Input] | None) -> dict[str, int]:
    """Add the valid ones of new media to a product and return their numbers by address."""
    good = [spec for spec in media or () if product_media.source_error(spec) is None]
    return {spec["originalSource"]: product_media.new_media(ctx, product, spec).number for spec in good}


# Create


@mutation("productVariantsBulkCreate")
def bulk_create(
    ctx: Context, productId: str, variants: list[Input], strategy: str | None = None, media: list[Input] | None = None
) -> dict[str, Any]:
    """Add variants, all or none (captured: variants-004, 010, 015, 022, 025..028)."""
    product = _product(ctx, productId)
    if product is None:
        return {"product": None, "productVariants": [], "userErrors": [NO_PRODUCT]}
    leaving = _standalone(ctx, product, strategy or "DEFAULT") if variants else None
    errors = _create_errors(ctx, product, variants, leaving) + media_errors(media)
    if errors:
        return {"product": None, "productVariants": [], "userErrors": errors}
    sources, used = add_media(ctx, product, media), used_values(ctx.shop, product)
    rows = [_created(ctx, product, given, sources) for given in variants]
    if leaving is not None:
        remove(ctx, product, [leaving.number], used)
    touch(ctx, product, bool(rows))
    return {"product": product, "productVariants": rows, "userErrors": []}


def _standalone(ctx: Context, product: Row, strategy: str) -> Row | None:
    """Return the lone variant that the strategy lets go.

    Source: shopify.dev/docs/api/admin-graphql/latest/enums/ProductVariantsBulkCreateStrategy (read 2026-11). Captured:
    variants-015, 028.
    """
    rows = edit_variants(ctx.shop, product)
    if len(rows) != 1 or strategy == "PRESERVE_STANDALONE_VARIANT":
        return None
    return rows[0] if strategy == "REMOVE_STANDALONE_VARIANT" or has_only_default(product) else None


def _create_errors(ctx: Context, product: Row, variants: list[Input], leaving: Row | None) -> Errors:
    errors: Errors = []
    if sum(len(given.get("inventoryQuantities") or ()) for given in variants) > MAX_QUANTITIES:
        text = "Inventory quantity input exceeds the limit of 50000. Consider using separate `inventorySetQuantities` mutations."
        return [user_error(["variants"], text, "INVENTORY_QUANTITIES_LIMIT_EXCEEDED")]
    staying = [row for row in variants_of(ctx.shop, product) if leaving is None or row.number != leaving.number]
    taken = {combination(value_names(product, row)) for row in staying}
    for index, given in enumerate(variants):
        refused = _placing(ctx, product, given, taken)
        errors += [BULK_CREATE.error(index, refusal) for refusal in refused]
    if not errors:
        errors = [error for index, given in enumerate(variants) for error in scalar_errors(ctx, BULK_CREATE, index, given)]
    return in_order(errors)


def _placing(ctx: Context, product: Row, given: Input, taken: set[tuple[str, ...]]) -> list[Refusal]:
    """Check option values and stock of one new variant, and note its combination in `taken`."""
    names, refused = chosen_names(product["_options"], given.get("optionValues"))
    if refused:
        return refused
    missing = missing_options(product["_options"], names)
    if missing is not None:
        return [missing]
    ordered = [names[place] for place in sorted(names)]
    if combination(ordered) in taken:
        return [exists_already(ordered)]
    taken.add(combination(ordered))
    return quantity_refusals(ctx, given, " / ".join(ordered))


def _created(ctx: Context, product: Row, given: Input, sources: dict[str, int]) -> Row:
    names, _ = chosen_names(product["_options"], given.get("optionValues"))
    values = [value_id(ctx.shop, option, names[place]) for place, option in enumerate(product["_options"])]
    quantities = given.get("inventoryQuantities") or []
    row = new_variant(ctx.shop, ctx.now(), product, stock={} if quantities else None, _option_value_ids=values)
    apply(ctx, product, row, given, sources, is_new=True)
    stock(ctx, row, quantities)
    return row


# Update


@mutation("productVariantsBulkUpdate")
def bulk_update(
    ctx: Context,
    productId: str,
    variants: list[Input],
    allowPartialUpdates: bool = False,
    media: list[Input] | None = None,
) -> dict[str, Any]:
    """Change variants; errors about values leave all as they are, unless partial updates are allowed.

    Captured: variants-009, 011, 025, 026 (BEHAVIOURS 24: null for errors of structure, the unchanged variants for errors of
    values).
    """
    product = _product(ctx, productId)
    if product is None:
        return {"product": None, "productVariants": None, "userErrors": [NO_PRODUCT]}
    errors = _update_errors(ctx, product, variants)
    if errors:
        return {"product": product, "productVariants": None, "userErrors": errors}
    rows = [row for row in (ctx.edit("ProductVariant", given["id"]) for given in variants) if row is not None]
    wrong = [scalar_errors(ctx, BULK_UPDATE, index, given, given["id"]) for index, given in enumerate(variants)]
    shown = in_order([error for errors_of_one in wrong for error in errors_of_one]) + media_errors(media)
    if shown and not allowPartialUpdates:
        return {"product": product, "productVariants": rows, "userErrors": shown}
    sources, used = add_media(ctx, product, media), used_values(ctx.shop, product)
    for row, given, problems in zip(rows, variants, wrong, strict=True):
        if not problems:
            _updated(ctx, product, row, given, sources)
    drop_unused(product, used, used_values(ctx.shop, product))
    touch(ctx, product, bool(rows))
    return {"product": product, "productVariants": rows, "userErrors": shown}


def _update_errors(ctx: Context, product: Row, variants: list[Input]) -> Errors:
    changed = {given.get("id") for given in variants}
    staying = [row for row in variants_of(ctx.shop, product) if row["id"] not in changed]
    taken = {combination(value_names(product, row)) for row in staying}
    errors: Errors = []
    for index, given in enumerate(variants):
        errors += [BULK_UPDATE.error(index, refusal) for refusal in _moving(ctx, product, given, taken)]
    return in_order(errors)


def _moving(ctx: Context, product: Row, given: Input, taken: set[tuple[str, ...]]) -> list[Refusal]:
    """Check which variant is meant and which option values it is to have, and note its combination in `taken`."""
    if not given.get("id"):
        return [Refusal("no_id", ("id",), "Product variant is missing ID attribute")]
    row = ctx.find("ProductVariant", given["id"])
    if row is None or row["_product_id"] != product.number:
        return [Refusal("unknown", ("id",), "Product variant does not exist")]
    if given.get("inventoryQuantities"):
        return [Refusal("stocked", ("inventoryQuantities",), STOCK_ON_UPDATE)]
    names, refused = chosen_names(product["_options"], given.get("optionValues"))
    if refused:
        return refused
    kept = value_names(product, row)
    ordered = [names.get(place, kept[place]) for place in range(len(product["_options"]))]
    if names and combination(ordered) in taken:
        return [exists_already(ordered)]
    taken.add(combination(ordered))
    return []


def _updated(ctx: Context, product: Row, row: Row, given: Input, sources: dict[str, int]) -> None:
    names, _ = chosen_names(product["_options"], given.get("optionValues"))
    if names:
        assign(ctx.shop, product, row, names)
    apply(ctx, product, row, given, sources)
    adjust(ctx, row, given.get("quantityAdjustments"))


# Delete and reorder


@mutation("productVariantsBulkDelete")
def bulk_delete(ctx: Context, productId: str, variantsIds: list[str]) -> dict[str, Any]:
    """Delete variants; the positions of the others close up (captured: variants-004, 012, 025, 026)."""
    product = _product(ctx, productId)
    if product is None:
        return {"product": None, "userErrors": [NO_PRODUCT]}
    rows = [ctx.find("ProductVariant", text) for text in variantsIds]
    strangers = [place for place, row in enumerate(rows) if row is None or row["_product_id"] != product.number]
    if strangers:
        code = "AT_LEAST_ONE_VARIANT_DOES_NOT_BELONG_TO_THE_PRODUCT"
        return {"product": None, "userErrors": [user_error(["variantsIds", place], NOT_HERE, code) for place in strangers]}
    numbers = [row.number for row in rows if row is not None]
    if numbers and not set(product["_variant_ids"]) - set(numbers):
        return {
            "product": None,
            "userErrors": [user_error(["variantsIds"], "Cannot delete default variant.", "CANNOT_DELETE_LAST_VARIANT")],
        }
    remove(ctx, product, numbers, used_values(ctx.shop, product))
    touch(ctx, product, bool(numbers))
    return {"product": product, "userErrors": []}


def remove(ctx: Context, product: Row, numbers: Sequence[int], used_before: set[int]) -> None:
    """Delete variants of a product with their values that nobody else has, and close up the positions."""
    for number in dict.fromkeys(numbers):
        row = ctx.table("ProductVariant").get(number)
        if row is not None:
            product["_variant_ids"].remove(number)
            drop_variant(ctx.shop, row)
    drop_unused(product, used_before, used_values(ctx.shop, product))
    number_positions(ctx, product)


def number_positions(ctx: Context, product: Row) -> None:
    """Write the place of every variant into its `position`."""
    for place, row in enumerate(edit_variants(ctx.shop, product), 1):
        row["position"] = place


def touch(ctx: Context, product: Row, changed: bool = True) -> None:
    """Note that a product has changed."""
    if changed:
        product["updatedAt"] = ctx.now()
        product_changed(ctx.shop, product)


@mutation("productVariantsBulkReorder")
def bulk_reorder(ctx: Context, productId: str, positions: list[Input]) -> dict[str, Any]:
    """Move variants to places counted from 1, in the order of the places (words: documented descriptions of the codes)."""
    product = _product(ctx, productId)
    if product is None:
        return {"product": None, "userErrors": [NO_PRODUCT]}
    errors = _reorder_errors(ctx, product, positions)
    if errors:
        return {"product": None, "userErrors": errors}
    for entry in sorted(positions, key=lambda entry: entry["position"]):
        row = ctx.find("ProductVariant", entry["id"])
        assert row is not None
        product["_variant_ids"].remove(row.number)
        product["_variant_ids"].insert(entry["position"] - 1, row.number)
    number_positions(ctx, product)
    touch(ctx, product, bool(positions))
    return {"product": product, "userErrors": []}


def _reorder_errors(ctx: Context, product: Row, positions: list[Input]) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for index, entry in enumerate(positions):
        row = ctx.find("ProductVariant", entry["id"])
        if row is None or row["_product_id"] != product.number:
            errors.append(user_error(["positions", index, "id"], "Product variant does not exist.", "MISSING_VARIANT"))
        elif entry["id"] in seen:
            errors.append(user_error(["positions", index, "id"], "Product variant IDs must be unique.", "DUPLICATED_VARIANT_ID"))
        elif entry["position"] < 1:
            text = "Product variant position cannot be zero or negative number."
            errors.append(user_error(["positions", index, "position"], text, "INVALID_POSITION"))
        seen.add(entry["id"])
    return errors
