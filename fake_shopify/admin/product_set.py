"""productSet: a whole product in one mutation, made new or brought into the given state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fake_shopify.admin import metafield_inputs, option_inputs, product_media, product_operations
from fake_shopify.admin.product_changes import MISSING, rewrite
from fake_shopify.admin.product_inputs import Errors, Input, category_code, handle_errors, text_errors
from fake_shopify.admin.product_rows import Option
from fake_shopify.admin.product_set_rows import make, media_spec, old_option, planned, write_lists
from fake_shopify.admin.product_webhooks import product_changed
from fake_shopify.admin.products import by_custom_id, product_by_handle
from fake_shopify.admin.variant_changes import exists_already
from fake_shopify.admin.variant_inputs import MAX_QUANTITIES, PRODUCT_SET, quantity_refusals, scalar_errors
from fake_shopify.admin.variant_options import Refusal, chosen_names, combination, missing_options
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

Payload = dict[str, Any]
OTHER = "INVALID_PRODUCT"


@mutation("productSet")
def product_set(ctx: Context, input: Input, identifier: Input | None = None, synchronous: bool = True) -> Payload:
    """Make a product or bring it into the given state; lists that are given replace what is there.

    Captured: products-040, 053, 058, 061, 078..081. `synchronous: false` answers with an operation that says the rest.
    """
    row, errors = _set(ctx, input, identifier)
    if synchronous:
        return {"product": row, "productSetOperation": None, "userErrors": errors}
    return {"product": None, "productSetOperation": product_operations.setting(ctx, row, errors), "userErrors": []}


def _set(ctx: Context, input: Input, identifier: Input | None) -> tuple[Row | None, Errors]:
    row, errors = _target(ctx, input, identifier)
    if errors:
        return row, errors
    category_code(input)
    errors = _errors(ctx, input, row)
    if errors:
        return row, errors
    if row is None:
        made = make(ctx, input)
        product_changed(ctx.shop, made, "products/create")
        return made, []
    rewrite(ctx, row, input)
    write_lists(ctx, row, input)
    product_changed(ctx.shop, row)
    return row, []


# Which product


def _target(ctx: Context, input: Input, identifier: Input | None) -> tuple[Row | None, Errors]:
    """Find the product that is meant; none and no error for a new one (captured: products-081; BEHAVIOURS 22)."""
    if identifier and input.get("id"):
        text = "The id field is not allowed if identifier is provided."
        return None, [user_error(["input", "id"], text, "ID_NOT_ALLOWED")]
    if identifier and identifier.get("handle") is not None:
        return _by_handle(ctx, input, identifier["handle"])
    if identifier and identifier.get("customId") is not None:
        found = by_custom_id(ctx, "Product", identifier["customId"])
        return ctx.edit("Product", found["id"]) if found is not None else None, []
    wanted = (identifier or {}).get("id") or input.get("id")
    if not wanted:
        return None, []
    ctx.require_type(wanted, "Product")
    row = ctx.edit("Product", wanted)
    spot = ["input", "id"] if input.get("id") else ["identifier", "id"]
    return row, [] if row is not None else [user_error(spot, MISSING, "PRODUCT_DOES_NOT_EXIST")]


def _by_handle(ctx: Context, input: Input, handle: str) -> tuple[Row | None, Errors]:
    """Find by handle, which the input has to repeat (source: descriptions of INPUT_MISMATCH and MISSING_FIELD_REQUIRED)."""
    if not input.get("handle"):
        text = "The input field corresponding to the identifier is required."
        return None, [user_error(["input"], text, "MISSING_FIELD_REQUIRED")]
    if input["handle"] != handle:
        text = "The identifier value does not match the value of the corresponding field in the input."
        return None, [user_error(["input"], text, "INPUT_MISMATCH")]
    found = product_by_handle(ctx, handle)
    return ctx.edit("Product", found["id"]) if found is not None else None, []


# Checks


def _errors(ctx: Context, input: Input, row: Row | None) -> Errors:
    errors = text_errors(input, creating=row is None, prefix=("input",), code=OTHER)
    errors += handle_errors(ctx, "Product", input, row, "HANDLE_NOT_UNIQUE")
    errors += _list_errors(input)
    if errors:
        return errors
    errors = _option_errors(input, row)
    if errors:
        return errors
    errors = _variant_errors(ctx, input, row)
    owner = row["id"] if row is not None else None
    wrong = metafield_inputs.errors_of(ctx, "Product", input.get("metafields"), prefix=("input",), owner=owner)
    return errors + [error | {"code": "INVALID_METAFIELD"} for error in wrong] + _file_errors(input)


def _list_errors(input: Input) -> Errors:
    """Check which lists have to come together (captured: products-078; the other way round from the description of the code)."""
    options, variants = input.get("productOptions"), input.get("variants")
    if options is not None and variants is None:
        text = "Variants input is required when updating product options"
        return [user_error(["input", "variants"], text, "VARIANTS_INPUT_MISSING")]
    if variants is not None and options is None:
        text = "Product options input is required when updating variants"
        return [user_error(["input", "productOptions"], text, "PRODUCT_OPTIONS_INPUT_MISSING")]
    if sum(len(variant.get("inventoryQuantities") or ()) for variant in variants or ()) > MAX_QUANTITIES:
        text = "Inventory quantity input exceeds the limit of 50000. Consider using separate `inventorySetQuantities` mutations."
        return [user_error(["input", "variants"], text, "INVENTORY_QUANTITIES_LIMIT_EXCEEDED")]
    return []


def _option_errors(input: Input, row: Row | None) -> Errors:
    """Check options (captured: products-061; assumed: the rest, from the descriptions of the codes)."""
    options = input.get("productOptions") or []
    if len(options) > option_inputs.MAX_OPTIONS:
        return [user_error(["input", "productOptions"], option_inputs.TOO_MANY, "OPTIONS_OVER_LIMIT")]
    errors: Errors = []
    for index, option in enumerate(options):
        spot: list[str | int] = ["input", "productOptions", index]
        values = [value.get("name") or "" for value in option.get("values") or ()]
        if option.get("id") and (row is None or old_option(row["_options"], option) is None):
            errors.append(user_error([*spot, "id"], "Option does not exist", "OPTION_DOES_NOT_EXIST"))
        elif option_inputs.SEPARATOR in (option.get("name") or ""):
            errors.append(user_error([*spot, "name"], option_inputs.UNSUPPORTED, "INVALID_INPUT"))
        elif not values:
            text = f"Option '{option.get('name')}' must specify at least one option value."
            errors.append(user_error(spot, text, "OPTION_VALUES_MISSING"))
        elif len(option.get("name") or "") > option_inputs.MAX_NAME:
            errors.append(user_error([*spot, "name"], "Option name is too long.", "INVALID_INPUT"))
        for at in option_inputs.twice(values):
            errors.append(user_error([*spot, "values", at], "Duplicated option value.", "DUPLICATED_OPTION_VALUE"))
    for at in option_inputs.twice([option.get("name") or "" for option in options]):
        errors.append(user_error(["input", "productOptions", at], "Duplicated option name.", "DUPLICATED_OPTION_NAME"))
    return errors


def _variant_errors(ctx: Context, input: Input, row: Row | None) -> Errors:
    plan, errors = planned(input, row), []
    taken: set[tuple[str, ...]] = set()
    for index, given in enumerate(input.get("variants") or ()):
        errors += [PRODUCT_SET.error(index, refusal) for refusal in _variant_refusals(ctx, row, plan, given, taken)]
        errors += scalar_errors(ctx, PRODUCT_SET, index, given, given.get("id"))
    return errors


def _variant_refusals(
    ctx: Context, row: Row | None, plan: Sequence[Option], given: Input, taken: set[tuple[str, ...]]
) -> list[Refusal]:
    if given.get("id"):
        known = ctx.find("ProductVariant", given["id"])
        if known is None or row is None or known["_product_id"] != row.number:
            return [Refusal("unknown", ("id",), "Product variant does not exist")]
    names, refused = chosen_names(plan, given.get("optionValues"))
    if refused:
        return refused
    missing = missing_options(plan, names)
    if missing is not None:
        return [missing]
    ordered = [names[place] for place in sorted(names)]
    if combination(ordered) in taken:
        return [exists_already(ordered)]
    taken.add(combination(ordered))
    return quantity_refusals(ctx, given, " / ".join(ordered))


def _file_errors(input: Input) -> Errors:
    errors: Errors = []
    for index, spec in enumerate(input.get("files") or ()):
        if not spec.get("id") and product_media.source_error(media_spec(spec)) is not None:
            errors.append(user_error(["input", "files", index, "originalSource"], "Image URL is invalid", "INVALID_INPUT"))
    return errors
