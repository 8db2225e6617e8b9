"""Which option values a variant has: reading them from inputs, adding values to options, and keeping combinations apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fake_shopify.admin.option_inputs import MAX_NAME
from fake_shopify.admin.product_rows import Option, new_value_id, value_names
from fake_shopify.context import split_gid
from fake_shopify.rows import Row
from fake_shopify.world import Shop

Input = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why option values cannot be read: the rule that is broken, the rest of the error's field, and the words."""

    rule: str
    rest: tuple[str | int, ...]
    message: str


def _names_option(entry: Input, option: Option) -> bool:
    if entry.get("optionId"):
        return split_gid(entry["optionId"])[1] == str(option["id"])
    return bool(entry.get("optionName") == option["name"])


def _find_option(options: Sequence[Option], entry: Input) -> int | None:
    return next((place for place, option in enumerate(options) if _names_option(entry, option)), None)


def _value_name(option: Option, entry: Input) -> str | None:
    """Return the name of the value that an entry means; None for an id that the option does not have."""
    if entry.get("id"):
        number = split_gid(entry["id"])[1]
        return next((value["name"] for value in option["values"] if str(value["id"]) == number), None)
    return entry.get("name") or None


def chosen_names(options: Sequence[Option], entries: Sequence[Input] | None) -> tuple[dict[int, str], list[Refusal]]:
    """Read `optionValues`: names of values by the place of their option, and what is wrong.

    Captured: variants-025 (an option named twice, an unknown option). Assumed: the words about ids of values, long names and
    entries that name no option, from the documented descriptions of the codes.
    """
    names: dict[int, str] = {}
    refused: list[Refusal] = []
    for index, entry in enumerate(entries or ()):
        place = _find_option(options, entry)
        problem = _entry_problem(options, names, entry, index, place)
        if problem is not None:
            refused.append(problem)
        elif place is not None:
            names[place] = _value_name(options[place], entry) or ""
    return names, refused


def _entry_problem(options: Sequence[Option], names: dict[int, str], entry: Input, index: int, place: int | None) -> Refusal | None:
    spot = ("optionValues", index)
    if not entry.get("optionId") and not entry.get("optionName"):
        return Refusal("one_of_pair", spot, "Must specify either option_id or option_name.")
    if entry.get("optionId") and entry.get("optionName"):
        return Refusal("both", spot, "Cannot specify both option_id and option_name.")
    if place is None:
        return Refusal("unknown_option", spot, "Option does not exist")
    if place in names:
        return Refusal("duplicated_option", ("optionValues",), f"Duplicated option name '{options[place]['name']}'")
    name = _value_name(options[place], entry)
    if name is None:
        return Refusal("unknown_value", spot, "Option value does not exist")
    return Refusal("long_value", (*spot, "name"), "Option value name is too long.") if len(name) > MAX_NAME else None


def missing_options(options: Sequence[Option], names: dict[int, str]) -> Refusal | None:
    """Return the complaint about options that got no value (captured: variants-025)."""
    missing = [option["name"] for place, option in enumerate(options) if place not in names]
    return Refusal("missing_options", (), f"You need to add option values for {', '.join(missing)}") if missing else None


def value_id(shop: Shop, option: Option, name: str) -> int:
    """Return the id of an option's value of that name, adding the value where it is new (captured: variants-015, 028)."""
    for value in option["values"]:
        if value["name"] == name:
            return int(value["id"])
    option["values"].append({"id": new_value_id(shop), "name": name})
    return int(option["values"][-1]["id"])


def assign(shop: Shop, product: Row, variant: Row, names: dict[int, str]) -> None:
    """Give a variant the named values; options that are not named keep theirs."""
    kept = value_names(product, variant)
    options = product["_options"]
    wanted = [names.get(place) or kept[place] for place in range(len(options))]
    variant["_option_value_ids"] = [value_id(shop, option, name) for option, name in zip(options, wanted, strict=True)]


def combination(names: Iterable[str]) -> tuple[str, ...]:
    """Return what makes a variant unique within its product: its values regardless of case."""
    return tuple(name.lower() for name in names)


def used_values(shop: Shop, product: Row) -> set[int]:
    """Return the ids of the option values that a variant of the product has."""
    rows = map(shop.table("ProductVariant").get, product["_variant_ids"])
    return {value for row in rows if row is not None for value in row["_option_value_ids"]}


def drop_unused(product: Row, used_before: set[int], used_now: set[int]) -> None:
    """Take away the values that lost their last variant; values that never had one stay.

    Captured: variants-015. Assumed: the same when variants are deleted.
    """
    lost = used_before - used_now
    for option in product["_options"]:
        option["values"] = [value for value in option["values"] if value["id"] not in lost]
