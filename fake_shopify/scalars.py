"""What Shopify's scalars accept as input, and in which words they refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

GID = re.compile(r"gid://[A-Za-z][A-Za-z0-9-]*/[A-Za-z][A-Za-z0-9_]*/[^\s/?]+(\?\S+)?")
MAX_UNSIGNED = 2**64 - 1


class Refused(Exception):
    """A value that the scalar does not take. `detailed`: the words are the scalar's own (graphql-ruby's CoercionError)."""

    def __init__(self, explanation: str, *, detailed: bool = True) -> None:
        super().__init__(explanation)
        self.explanation = explanation
        self.detailed = detailed


def _plain(value: Any, type_name: str) -> Refused:
    return Refused(f"Could not coerce value {json.dumps(value, ensure_ascii=False)} to {type_name}", detailed=False)


def _int(value: Any) -> None:
    """Take any whole number: beyond 32 bits the resolvers refuse, not the scalar (captured: discounts-038, 051)."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _plain(value, "Int")


def _float(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _plain(value, "Float")


def _string(value: Any) -> None:
    if not isinstance(value, str):
        raise _plain(value, "String")


def _boolean(value: Any) -> None:
    if not isinstance(value, bool):
        raise _plain(value, "Boolean")


def _id(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _plain(value, "ID")
    if not GID.fullmatch(str(value)):
        raise Refused(f"Invalid global id '{value}'")


def _date_time(value: Any) -> None:
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) and len(value) >= 8 else None
    except ValueError:
        parsed = None
    if parsed is None:
        raise Refused(f"invalid DateTime '{value}'")


def _date(value: Any) -> None:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Refused(f"invalid Date '{value}'") from None


def _number(value: Any, words: str) -> None:
    try:
        good = not isinstance(value, bool) and isinstance(value, str | int | float) and Decimal(str(value)).is_finite()
    except InvalidOperation:
        good = False
    if not good:
        raise Refused(f"invalid {words} '{value}'")


def _decimal(value: Any) -> None:
    _number(value, "decimal")


def _money(value: Any) -> None:
    _number(value, "money")


def _unsigned(value: Any) -> None:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d+", text):
        raise Refused(f"UnsignedInt64 invalid value '{value}'")
    if not 0 <= int(text) <= MAX_UNSIGNED:
        raise Refused(f"UnsignedInt64 '{value}' is out of range")


def _url(value: Any) -> None:
    if not isinstance(value, str):
        raise _plain(value, "URL")
    try:
        parts = urlsplit(value)
    except ValueError:
        raise Refused(f"Invalid url '{value}'") from None
    if not parts.scheme:
        raise Refused(f"Invalid url '{value}', missing scheme")
    if not parts.netloc and parts.scheme in ("http", "https"):
        raise Refused(f"Invalid url '{value}', missing host")


CHECKS: dict[str, Callable[[Any], None]] = {
    "Int": _int,
    "Float": _float,
    "String": _string,
    "Boolean": _boolean,
    "ID": _id,
    "DateTime": _date_time,
    "Date": _date,
    "Decimal": _decimal,
    "Money": _money,
    "UnsignedInt64": _unsigned,
    "URL": _url,
    "HTML": _string,
    "FormattedString": _string,
}


def check_scalar(type_name: str, value: Any) -> None:
    """Raise `Refused` when the scalar does not take this value; scalars without a rule take everything."""
    check = CHECKS.get(type_name)
    if check is not None:
        check(value)
