"""Which values a metafield of a type takes, and in which words Shopify refuses others.

Source: shopify.dev/docs/apps/build/custom-data/metafields/list-of-data-types (read 2026-11). The wording is assumed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from fake_shopify.admin.metafield_types import TYPES
from fake_shopify.scalars import GID

OBJECTS = {
    **dict.fromkeys(("dimension", "volume", "weight"), ("value", "unit")),
    "money": ("amount", "currency_code"),
    "rating": ("value", "scale_min", "scale_max"),
}
MAX_LIST = 128


def is_type(name: str) -> bool:
    """Say whether there is a metafield type of this name."""
    return name in TYPES


def _parses(read: Callable[[str], Any], value: str) -> bool:
    try:
        read(value)
    except (ValueError, InvalidOperation):
        return False
    return True


def _json(value: str) -> str | None:
    try:
        json.loads(value)
    except ValueError:
        return "is invalid JSON."
    return None


def _object(type_name: str, value: str) -> str | None:
    try:
        held = json.loads(value)
    except ValueError:
        return "is invalid JSON."
    names = OBJECTS[type_name]
    known = isinstance(held, dict) and all(name in held for name in names)
    return None if known else f"must be a JSON object with {', '.join(names)}."


CHECKS: dict[str, Callable[[str], str | None]] = {
    "boolean": lambda value: None if value in ("true", "false") else "must be true or false.",
    "color": lambda value: None if re.fullmatch(r"#[0-9a-fA-F]{6}", value) else "must be a color in #RRGGBB format.",
    "date": lambda value: None if _parses(date.fromisoformat, value) else "must be in “YYYY-MM-DD” format. For example: 2022-06-01",
    "date_time": lambda value: (
        None
        if _parses(datetime.fromisoformat, value)
        else "must be in “YYYY-MM-DDTHH:MM:SS” format. For example: 2022-06-01T15:30:00"
    ),
    "number_integer": lambda value: None if re.fullmatch(r"[+-]?\d+", value) else "must be an integer.",
    "number_decimal": lambda value: None if _parses(Decimal, value) else "must be a decimal.",
    "single_line_text_field": lambda value: None if "\n" not in value else "must be a single line text string.",
    "url": lambda value: None if urlsplit(value).scheme in ("http", "https", "mailto", "sms", "tel") else "must be a valid URL.",
    "json": _json,
    "rich_text_field": _json,
    "json_string": _json,
    "integer": lambda value: None if re.fullmatch(r"[+-]?\d+", value) else "must be an integer.",
    **{name: (lambda value, name=name: _object(name, value)) for name in OBJECTS},  # type: ignore[misc]
}


def value_problem(type_name: str, value: str) -> str | None:
    """Return the end of the sentence `Value …` that says why the type does not take the value; None when it does."""
    if type_name.startswith("list."):
        return _list_problem(type_name.removeprefix("list."), value)
    if type_name.endswith("_reference"):
        return None if GID.fullmatch(value) else "must be a valid reference."
    check = CHECKS.get(type_name)
    return check(value) if check is not None else None


def _list_problem(inner: str, value: str) -> str | None:
    try:
        entries = json.loads(value)
    except ValueError:
        return "must be an array."
    if not isinstance(entries, list):
        return "must be an array."
    if len(entries) > MAX_LIST:
        return f"must not have more than {MAX_LIST} items."
    texts = (entry if isinstance(entry, str) else json.dumps(entry) for entry in entries)
    return next((problem for problem in (value_problem(inner, text) for text in texts) if problem is not None), None)
