"""Options as inputs describe them: what is refused, in the several words of the several mutations, and how they become rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from fake_shopify.failures import user_error

MAX_OPTIONS, MAX_VARIANTS, MAX_NAME = 3, 2048, 255
SEPARATOR = " / "
UNSUPPORTED = f"The name contains unsupported sequence '{SEPARATOR}'"
TOO_MANY = f"Can only specify a maximum of {MAX_OPTIONS} options"
Input = dict[str, Any]
Errors = list[dict[str, Any]]


def ordered(options: Sequence[Input] | None) -> list[Input]:
    """Return the options of an input in the order of their positions."""
    places = sorted(enumerate(options or (), 1), key=lambda pair: (pair[1].get("position") or pair[0], pair[0]))
    return [option for _, option in places]


def named(options: Sequence[Input] | None) -> list[tuple[str, list[str]]]:
    """Return the options of an input, ordered by their positions, as names with their values."""
    return [(option["name"], [value["name"] for value in option.get("values") or ()]) for option in ordered(options)]


def twice(names: Sequence[str]) -> Iterator[int]:
    """Yield the places of names that were there before, regardless of case."""
    seen: Counter[str] = Counter()
    for place, name in enumerate(names):
        seen[name.lower()] += 1
        if seen[name.lower()] > 1:
            yield place


def create_errors(options: Sequence[Input] | None) -> Errors:
    """Check the options of a new product.

    Captured: products-060 (the field is `["options"]`, there is no code). Assumed: the rest, in the words of productOptionsCreate.
    """
    names = [option.get("name") or "" for option in options or ()]
    if len(names) > MAX_OPTIONS:
        return [user_error(["options"], TOO_MANY)]
    errors = [user_error(["options"], f'Name cannot contain the character sequence "{SEPARATOR}"') for n in names if SEPARATOR in n]
    errors += [user_error(["options"], "Name can't be blank") for name in names if not name.strip()]
    errors += [user_error(["options"], "Name is too long (maximum is 255 characters)") for name in names if len(name) > MAX_NAME]
    errors += [user_error(["options", place], "Duplicated option name.") for place in twice(names)]
    for option in options or ():
        if not option.get("values"):
            errors.append(user_error(["options"], f"Option '{option.get('name')}' must specify at least one option value."))
    return errors
