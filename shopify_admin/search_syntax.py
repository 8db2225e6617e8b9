"""Writing Shopify's search syntax: every value quoted, every special character escaped, every timestamp quoted.

An unquoted timestamp loses its time part (PLATFORM B). Source: shopify.dev/docs/api/usage/search-syntax (read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from shopify_kit.clock import iso
from shopify_kit.errors import InvalidInput

SPECIAL = re.compile(r"([\\\"':()])")


def quoted(text: str) -> str:
    """Write a text as one value that can neither end early nor name a field: `"x OR email\\:*"`."""
    return '"' + SPECIAL.sub(r"\\\1", text) + '"'


def term(field: str, value: str | int) -> str:
    """Write `field:value`; numbers stay bare.

    Raises:
        InvalidInput: code `query_too_broad`, the value is a star alone, which finds everything that has the field at all.
    """
    if isinstance(value, str) and not value.strip(" *"):
        raise InvalidInput.field(field, "a star alone finds everything; give a text", code="query_too_broad")
    return f"{field}:{value if isinstance(value, int) else quoted(value)}"


def any_of(field: str, values: Iterable[str]) -> str:
    """Write a field that may have one of several enumeration values."""
    choices = [f"{field}:{value}" for value in values]
    return choices[0] if len(choices) == 1 else f"({' OR '.join(choices)})"


def between(field: str, low: datetime | None, high: datetime | None) -> list[str]:
    """Write the bounds of an instant, both inclusive."""
    bounds = [(">=", low), ("<=", high)]
    return [f'{field}:{op}"{iso(instant)}"' for op, instant in bounds if instant is not None]


def every(parts: Iterable[str | None]) -> str | None:
    """Join conditions that must all hold; None when there is none."""
    chosen = [part for part in parts if part]
    return " AND ".join(chosen) or None
