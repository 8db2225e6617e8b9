"""productOptionsCreate, productOptionUpdate, productOptionsDelete, productOptionsReorder."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product as combinations
from typing import Any

from fake_shopify.admin import linked_options
from fake_shopify.admin.option_inputs import (
    MAX_NAME,
    MAX_OPTIONS,
    MAX_VARIANTS,
    SEPARATOR,
    TOO_MANY,
    UNSUPPORTED,
    Errors,
    Input,
    twice,
)
from fake_shopify.admin.product_changes import MISSING
from fake_shopify.admin.product_rows import Option, edit_variants, has_only_default, new_option, new_value_id, new_variant
from fake_shopify.admin.variant_changes import number_positions, remove, touch
from fake_shopify.admin.variant_options import used_values
from fake_shopify.context import Context, split_gid
from fake_shopify.failures import TopLevelError, user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

NO_PRODUCT = user_error(["productId"], MISSING, "PRODUCT_DOES_NOT_EXIST")
Payload = dict[str, Any]


def _product(ctx: Context, product_id: str) -> Row | None:
    ctx.require_type(product_id, "Product")
    return ctx.edit("Product", product_id)


def number_options(product: Row) -> None:
    """Write the place of every option into its `position`."""
    for place, option in enumerate(product["_options"], 1):
        option["position"] = place


# Create


def _create_errors(product: Row, options: list[Input], strategy: str | None, variants: int) -> Errors:
    """Check new options (captured: products-059, 062; assumed: blank names, repeated and long values, positions)."""
    errors = [error for index, option in enumerate(options) for error in _one_error(product, index, option)]
    names = [option.get("name") or "" for option in options]
    errors += [user_error(["options", at], "Duplicated option name.", "DUPLICATED_OPTION_NAME") for at in twice(names)]
    if errors:
        return errors
    existing = 0 if has_only_default(product) else len(product["_options"])
    if existing + len(options) > MAX_OPTIONS:
        return [user_error(["options"], TOO_MANY, "OPTIONS_OVER_LIMIT")]
    made = variants
    for option in options:
        made *= len(option.get("values") or ())
    if strategy == "CREATE" and made > MAX_VARIANTS:
        text = f"The number of created variants would exceed the {MAX_VARIANTS} variants per product limit"
        return [user_error(["options"], text, "TOO_MANY_VARIANTS_CREATED")]
    return []


def _one_error(product: Row, index: int, option: Input) -> Errors:
    name = option.get("name") or ""
    spot: list[str | int] = ["options", index]
    values = [value.get("name") or "" for value in option.get("values") or ()]
    if not name.strip():
        return [user_error(spot, "Each option must have a name specified.", "OPTION_NAME_MISSING")]
    if SEPARATOR in name:
        return [user_error([*spot, "name"], UNSUPPORTED, "INVALID_NAME")]
    if len(name) > MAX_NAME:
        return [user_error(spot, "Option name is too long.", "OPTION_NAME_TOO_LONG")]
    taken = [] if has_only_default(product) else [existing["name"].lower() for existing in product["_options"]]
    if name.lower() in taken:
        return [user_error(spot, f"Option '{name}' already exists.", "OPTION_ALREADY_EXISTS")]
    if not values:
        return [user_error(spot, f"Option '{name}' must specify at least one option value.", "OPTION_VALUES_MISSING")]
    if any(len(value) > MAX_NAME for value in values):
        return [user_error(spot, "Option value name is too long.", "OPTION_VALUE_NAME_TOO_LONG")]
    if next(twice(values), None) is not None:
        return [user_error(spot, "Duplicated option value.", "DUPLICATED_OPTION_VALUE")]
    return []


@mutation("productOptionsCreate")
def options_create(ctx: Context, productId: str, options: list[Input], variantStrategy: str | None = None) -> Payload:
    """Add options; existing variants take the first value of each, CREATE adds the other combinations.

    Captured: products-059, 062..065: the default option gives way, errors show the product unchanged.
    """
    product = _product(ctx, productId)
    if product is None:
        return {"product": None, "userErrors": [NO_PRODUCT]}
    options = linked_options.resolved(ctx, product, options)
    errors = _create_errors(product, options, variantStrategy, len(product["_variant_ids"]))
    if errors:
        return {"product": product, "userErrors": errors}
    if options:
        added = _add_options(ctx, product, options)
        if variantStrategy == "CREATE":
            _fill_combinations(ctx, product, added)
        touch(ctx, product)
    return {"product": product, "userErrors": []}


def _add_options(ctx: Context, product: Row, options: list[Input]) -> list[Option]:
    added = []
    if has_only_default(product):
        product["_options"] = []
        for row in edit_variants(ctx.shop, product):
            row["_option_value_ids"] = []
    for given in options:
        names = [value["name"] for value in given["values"]]
        option = new_option(ctx.shop, given["name"], 0, names)
        linked_options.mark(option, given)
        place = min((given.get("position") or len(product["_options"]) + 1) - 1, len(product["_options"]))
        product["_options"].insert(place, option)
        added.append(option)
        for row in edit_variants(ctx.shop, product):
            row["_option_value_ids"].insert(place, option["values"][0]["id"])
    number_options(product)
    return added


def _fill_combinations(ctx: Context, product: Row, added: list[Option]) -> None:
    """Add to every variant its siblings with the other values of the added options.

    Source: shopify.dev/docs/api/admin-graphql/latest/enums/ProductOptionCreateVariantStrategy (read 2026-11).
    """
    old = {option["id"] for option in product["_options"]} - {option["id"] for option in added}
    known = {tuple(row["_option_value_ids"]) for row in edit_variants(ctx.shop, product)}
    for row in edit_variants(ctx.shop, product):
        pairs = zip(product["_options"], row["_option_value_ids"], strict=True)
        choices = [[value] if option["id"] in old else [one["id"] for one in option["values"]] for option, value in pairs]
        for ids in combinations(*choices):
            if ids not in known:
                new_variant(ctx.shop, ctx.now(), product, price=row["price"], _option_value_ids=list(ids))


# Update


def _option_of(product: Row, text: str | None) -> Option | None:
    kind, number = split_gid(text or "")
    options = product["_options"] if kind == "ProductOption" else ()
    return next((option for option in options if str(option["id"]) == number), None)


def _value_of(option: Option, text: str) -> dict[str, Any] | None:
    number = split_gid(text)[1]
    return next((value for value in option["values"] if str(value["id"]) == number), None)


@mutation("productOptionUpdate")
def option_update(
    ctx: Context,
    productId: str,
    option: Input,
    optionValuesToAdd: list[Input] | None = None,
    optionValuesToUpdate: list[Input] | None = None,
    optionValuesToDelete: list[str] | None = None,
    variantStrategy: str | None = None,
) -> Payload:
    """Rename, move, extend or shorten an option (captured: products-059, 148, 152; errors show the product unchanged)."""
    product = _product(ctx, productId)
    if product is None:
        return {"product": None, "userErrors": [NO_PRODUCT]}
    found = _option_of(product, option["id"])
    if found is None:
        return {"product": product, "userErrors": [user_error(["option"], "Option does not exist.", "OPTION_DOES_NOT_EXIST")]}
    add, update, delete = optionValuesToAdd or [], optionValuesToUpdate or [], optionValuesToDelete or []
    manage = variantStrategy == "MANAGE"
    errors = _name_errors(product, found, option) + _value_errors(ctx, product, found, add, update, delete, manage=manage)
    if errors:
        return {"product": product, "userErrors": errors}
    _rename(product, found, option, update)
    _delete_values(ctx, product, found, [split_gid(text)[1] for text in delete])
    added = [{"id": new_value_id(ctx.shop), "name": value["name"]} for value in add]
    found["values"] += added
    if manage:
        _spread(ctx, product, found, [value["id"] for value in added])
    if option.get("position") is not None:
        _move(ctx, product, found, option["position"])
    touch(ctx, product)
    return {"product": product, "userErrors": []}


def _name_errors(product: Row, found: Option, given: Input) -> Errors:
    name = given.get("name")
    if name is not None and SEPARATOR in name:
        return [user_error(["option", "name"], UNSUPPORTED, "INVALID_NAME")]
    if name is not None and not name.strip():
        return [user_error(["option", "name"], "The name provided is not valid.", "INVALID_NAME")]
    if len(name or "") > MAX_NAME:
        return [user_error(["option", "name"], "Option name is too long.", "OPTION_NAME_TOO_LONG")]
    others = [option["name"].lower() for option in product["_options"] if option is not found]
    if (name or "").lower() in others:
        return [user_error(["option", "name"], f"Option '{name}' already exists.", "OPTION_ALREADY_EXISTS")]
    position = given.get("position")
    if position is not None and not 1 <= position <= len(product["_options"]):
        return [user_error(["option", "position"], "The option position provided is not valid.", "INVALID_POSITION")]
    return []


def _value_errors(
    ctx: Context, product: Row, found: Option, add: list[Input], update: list[Input], delete: list[str], *, manage: bool
) -> Errors:
    """Check changes of values (words: documented descriptions of the codes)."""
    unknown = [i for i, text in enumerate(delete) if _value_of(found, text) is None]
    if unknown:
        words = "Option value does not exist."
        return [user_error(["optionValuesToDelete", i], words, "OPTION_VALUE_DOES_NOT_EXIST") for i in unknown]
    unknown = [i for i, entry in enumerate(update) if _value_of(found, entry["id"]) is None]
    if unknown:
        words = "Option value does not exist."
        return [user_error(["optionValuesToUpdate", i], words, "OPTION_VALUE_DOES_NOT_EXIST") for i in unknown]
    used, gone = used_values(ctx.shop, product), {int(split_gid(text)[1]) for text in delete}
    if gone and not manage and gone & used:
        words = "Option value with variants linked cannot be deleted."
        return [user_error(["optionValuesToDelete"], words, "OPTION_VALUE_HAS_VARIANTS")]
    if gone and len(gone) == len(found["values"]) and not add:
        words = "Deleting all option values of an option is not allowed."
        return [user_error(["optionValuesToDelete"], words, "CANNOT_DELETE_ALL_OPTION_VALUES_IN_OPTION")]
    return _repeated_values(found, add, update, gone)


def _repeated_values(found: Option, add: list[Input], update: list[Input], gone: set[int]) -> Errors:
    renamed = {int(split_gid(entry["id"])[1]): entry.get("name") for entry in update}
    names = [renamed.get(value["id"]) or value["name"] for value in found["values"] if value["id"] not in gone]
    for index, entry in enumerate(add):
        if len(entry.get("name") or "") > MAX_NAME:
            words = "Option value name is too long."
            return [user_error(["optionValuesToAdd", index, "name"], words, "OPTION_VALUE_NAME_TOO_LONG")]
        if entry["name"].lower() in [name.lower() for name in names]:
            return [user_error(["optionValuesToAdd", index], "Option value already exists.", "OPTION_VALUE_ALREADY_EXISTS")]
        names.append(entry["name"])
    if next(twice(names), None) is not None:
        return [user_error(["optionValuesToUpdate"], "Duplicated option value.", "DUPLICATED_OPTION_VALUE")]
    return []


def _rename(product: Row, found: Option, given: Input, update: list[Input]) -> None:
    if given.get("name") is not None:
        found["name"] = given["name"]
    for entry in update:
        value = _value_of(found, entry["id"])
        if value is not None and entry.get("name") is not None:
            value["name"] = entry["name"]


def _delete_values(ctx: Context, product: Row, found: Option, numbers: Sequence[str]) -> None:
    """Take values away and with them the variants that have them."""
    gone = {int(number) for number in numbers}
    doomed = [row.number for row in edit_variants(ctx.shop, product) if gone & set(row["_option_value_ids"])]
    if doomed:
        remove(ctx, product, doomed, set())
    found["values"] = [value for value in found["values"] if value["id"] not in gone]


def _spread(ctx: Context, product: Row, found: Option, added: Sequence[int]) -> None:
    """Make a variant with each added value for every combination of the other options."""
    place = product["_options"].index(found)
    rests = {
        (*row["_option_value_ids"][:place], *row["_option_value_ids"][place + 1 :]) for row in edit_variants(ctx.shop, product)
    }
    for number in added:
        for rest in sorted(rests):
            ids = [*rest[:place], number, *rest[place:]]
            new_variant(ctx.shop, ctx.now(), product, _option_value_ids=ids)


def _move(ctx: Context, product: Row, found: Option, position: int) -> None:
    order = [option for option in product["_options"] if option is not found]
    order.insert(position - 1, found)
    reorder(ctx, product, order)


def reorder(ctx: Context, product: Row, order: list[Option]) -> None:
    """Bring options into an order, and the values of every variant with them."""
    places = [product["_options"].index(option) for option in order]
    for row in edit_variants(ctx.shop, product):
        row["_option_value_ids"] = [row["_option_value_ids"][place] for place in places]
    product["_options"] = order
    number_options(product)


# Delete


@mutation("productOptionsDelete")
def options_delete(ctx: Context, productId: str, options: list[str], strategy: str | None = None) -> Payload:
    """Delete options; variants that become the same are thinned out as the strategy says.

    Source: shopify.dev/docs/api/admin-graphql/latest/enums/ProductOptionDeleteStrategy (read 2026-11); words: descriptions of
    the codes.
    """
    product = _product(ctx, productId)
    if product is None:
        return {"deletedOptionsIds": [], "product": None, "userErrors": [NO_PRODUCT]}
    found = [_option_of(product, text) for text in options]
    errors = _delete_errors(ctx, product, found, strategy or "DEFAULT")
    if errors:
        return {"deletedOptionsIds": [], "product": product, "userErrors": errors}
    for option in found:
        if option is not None and option in product["_options"]:
            _drop_option(ctx, product, option)
    number_options(product)
    touch(ctx, product, bool(options))
    return {"deletedOptionsIds": options, "product": product, "userErrors": []}


def _delete_errors(ctx: Context, product: Row, found: Sequence[Option | None], strategy: str) -> Errors:
    missing = [index for index, option in enumerate(found) if option is None]
    if missing:
        return [user_error(["options", index], "Option does not exist.", "OPTION_DOES_NOT_EXIST") for index in missing]
    known = [option for option in found if option is not None]
    many = [index for index, option in enumerate(known) if len(option["values"]) > 1]
    if strategy == "DEFAULT" and many:
        code = "CANNOT_DELETE_OPTION_WITH_MULTIPLE_VALUES"
        return [user_error(["options", index], "Can't delete option with multiple values.", code) for index in many]
    places = [place for place, option in enumerate(product["_options"]) if option not in known]
    left = [tuple(row["_option_value_ids"][place] for place in places) for row in edit_variants(ctx.shop, product)]
    if strategy == "NON_DESTRUCTIVE" and len(set(left)) < len(left):
        words = "Cannot delete options without deleting variants."
        return [user_error(["options"], words, "CANNOT_USE_NON_DESTRUCTIVE_STRATEGY")]
    return []


def _drop_option(ctx: Context, product: Row, option: Option) -> None:
    place = product["_options"].index(option)
    del product["_options"][place]
    seen: set[tuple[int, ...]] = set()
    doomed = []
    for row in edit_variants(ctx.shop, product):
        del row["_option_value_ids"][place]
        if tuple(row["_option_value_ids"]) in seen:
            doomed.append(row.number)
        seen.add(tuple(row["_option_value_ids"]))
    remove(ctx, product, doomed, set())
    if not product["_options"]:
        default = new_option(ctx.shop, "Title", 1, ["Default Title"])
        product["_options"] = [default]
        for row in edit_variants(ctx.shop, product):
            row["_option_value_ids"] = [default["values"][0]["id"]]


# Reorder


@mutation("productOptionsReorder")
def options_reorder(ctx: Context, productId: str, options: list[Input]) -> Payload:
    """Bring options and their values into an order, and the variants after it (captured: products-067)."""
    for type_name, entry in _entries(options):
        if (entry.get("id") is None) == (entry.get("name") is None):
            raise TopLevelError(f"{type_name} requires exactly one of id, name", "INVALID_FIELD_ARGUMENTS")
    product = _product(ctx, productId)
    if product is None:
        return {"product": None, "userErrors": [NO_PRODUCT]}
    errors = _reorder_errors(product, options)
    if errors:
        return {"product": product, "userErrors": errors}
    order = [option for option in (_named(product["_options"], entry, "ProductOption") for entry in options) if option is not None]
    order += [option for option in product["_options"] if option not in order]
    for option, entry in zip(order, options, strict=False):
        chosen = [
            value for value in (_named(option["values"], one, "ProductOptionValue") for one in entry.get("values") or ()) if value
        ]
        option["values"] = chosen + [value for value in option["values"] if value not in chosen]
    reorder(ctx, product, order)
    _sort_variants(ctx, product)
    touch(ctx, product)
    return {"product": product, "userErrors": []}


def _entries(options: list[Input]) -> list[tuple[str, Input]]:
    found = [("OptionReorderInput", option) for option in options]
    return found + [("OptionValueReorderInput", value) for option in options for value in option.get("values") or ()]


def _named(rows: Sequence[dict[str, Any]], entry: Input, kind: str) -> dict[str, Any] | None:
    if entry.get("id") is None:
        return next((row for row in rows if row["name"] == entry["name"]), None)
    return next((row for row in rows if split_gid(entry["id"]) == (kind, str(row["id"]))), None)


def _reorder_errors(product: Row, options: list[Input]) -> Errors:
    """Check an order (captured: products-067; assumed: the order of the checks, incomplete lists are completed)."""
    values = [value for option in options for value in option.get("values") or ()]
    for entries, what in ((options, "options"), (values, "option values")):
        if len({entry.get("id") is None for entry in entries}) > 1:
            text = f"Only specify one of `id` or `name` fields for {what}."
            return [user_error(["options"], text, "MIXING_ID_AND_NAME_KEYS_IS_NOT_ALLOWED")]
    repeated = _repeated(options, "name", "NAME")
    for option in options:
        repeated = repeated or _repeated(option.get("values") or [], "value", "VALUE")
    return repeated or _unknown(product, options)


def _repeated(entries: list[Input], word: str, code: str) -> Errors:
    names = [entry["name"] if entry.get("id") is None else entry["id"] for entry in entries]
    for place in twice(names):
        return [user_error(["options", place], f"Duplicated option {word} '{names[place]}'.", f"DUPLICATED_OPTION_{code}")]
    return []


def _unknown(product: Row, options: list[Input]) -> Errors:
    for entry in options:
        option = _named(product["_options"], entry, "ProductOption")
        if option is None:
            return [_unknown_error(entry, "Option", "OPTION_ID", "OPTION_NAME", " name")]
        for value in entry.get("values") or ():
            if _named(option["values"], value, "ProductOptionValue") is None:
                return [_unknown_error(value, "Option value", "OPTION_VALUE_ID", "OPTION_VALUE", "")]
    return []


def _unknown_error(entry: Input, what: str, id_code: str, name_code: str, word: str) -> dict[str, Any]:
    if entry.get("id") is not None:
        return user_error(["options"], f"{what} id '{split_gid(entry['id'])[1]}' does not exist.", f"{id_code}_DOES_NOT_EXIST")
    return user_error(["options"], f"{what}{word} '{entry['name']}' does not exist.", f"{name_code}_DOES_NOT_EXIST")


def _sort_variants(ctx: Context, product: Row) -> None:
    ranks = [{value["id"]: rank for rank, value in enumerate(option["values"])} for option in product["_options"]]
    rows = edit_variants(ctx.shop, product)
    rows.sort(key=lambda row: [rank[value] for rank, value in zip(ranks, row["_option_value_ids"], strict=True)])
    product["_variant_ids"] = [row.number for row in rows]
    number_positions(ctx, product)
