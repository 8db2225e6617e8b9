"""Types of single fields at the edge: what a text, a number, an instant, an amount may be."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from shopify_kit.errors import InvalidInput
from shopify_kit.identifiers import MAX_ID, MAX_USER_ID, parse_shop_domain
from shopify_web.texts import has_controls

FIRST_YEAR, LAST_YEAR = 2000, 2100
MAX_AMOUNT_DIGITS = 18


def _no_controls(text: str) -> str:
    if has_controls(text):
        raise ValueError("must not hold control characters")
    return text


def _no_controls_but_lines(text: str) -> str:
    if has_controls(text, allow="\n\r\t"):
        raise ValueError("must not hold control characters")
    return text


def _digits(value: Any) -> Any:
    """Read a number from a query string: ASCII digits only, no sign, no blanks, no underscores."""
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9]{1,19}", value):
            raise ValueError("expected digits")
        return int(value)
    return value


def _boolean(value: Any) -> Any:
    known = {"true": True, "1": True, "false": False, "0": False}
    if isinstance(value, str):
        if value not in known:
            raise ValueError("expected true or false")
        return known[value]
    return value


def _shop_domain(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("expected a shop domain")
    try:
        return parse_shop_domain(value)
    except InvalidInput as error:
        raise ShopDomainError(error.message) from None


class ShopDomainError(ValueError):
    """Marks a wrong shop domain, which has a code of its own."""


def _instant(value: Any, *, end_of_day: bool) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ][0-9:.]{5,15}(Z|[+-]\d{2}:?\d{2})?)?", value):
        raise ValueError("expected an ISO 8601 date or instant, such as 2026-11-01 or 2026-11-01T12:00:00Z")
    parsed = datetime.fromisoformat(value)
    if end_of_day and len(value) == 10:
        parsed = datetime.combine(parsed.date(), time.max)
    if not FIRST_YEAR <= parsed.year <= LAST_YEAR:
        raise ValueError(f"expected a year from {FIRST_YEAR} to {LAST_YEAR}")
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _amount(value: Any) -> Any:
    """Read an amount given as text or as a number; it stays text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("expected an amount, such as 19.90")
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("expected an amount, such as 19.90") from None
    if not amount.is_finite() or amount < 0 or len(amount.as_tuple().digits) > MAX_AMOUNT_DIGITS:
        raise ValueError("expected an amount that is not negative")
    return format(amount, "f")


def _number(value: Any) -> Any:
    """Read a measure: a JSON number or its text, not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("expected a number")
    number = float(value)
    if not 0 <= number < 1e9:
        raise ValueError("expected a number from 0 to 999,999,999")
    return number


def _lowered(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _tags(value: Any) -> Any:
    if isinstance(value, str) and len(value) <= 10_000:
        return value
    if isinstance(value, list) and len(value) <= 250 and all(isinstance(v, str) and len(v) <= 255 for v in value):
        return value
    raise ValueError("expected tags as a text with commas or as a list of at most 250 texts")


Text = Annotated[str, StringConstraints(max_length=255), AfterValidator(_no_controls)]
LongText = Annotated[str, StringConstraints(max_length=500_000), AfterValidator(_no_controls_but_lines)]
NotEmpty = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_no_controls)]
UserId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_USER_ID), AfterValidator(_no_controls)]
ShopDomain = Annotated[str, BeforeValidator(_shop_domain)]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
QueryId = Annotated[int, BeforeValidator(_digits), Field(ge=1, le=MAX_ID)]
Limit = Annotated[int, Field(ge=1, le=250)]
QueryLimit = Annotated[int, BeforeValidator(_digits), Field(ge=1, le=250)]
QueryFlag = Annotated[bool, BeforeValidator(_boolean)]
From = Annotated[datetime, BeforeValidator(lambda value: _instant(value, end_of_day=False))]
Until = Annotated[datetime, BeforeValidator(lambda value: _instant(value, end_of_day=True))]
Amount = Annotated[str, BeforeValidator(_amount)]
Measure = Annotated[float, BeforeValidator(_number)]
Quantity = Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Tags = Annotated[str | list[str], BeforeValidator(_tags)]
Lowered = BeforeValidator(_lowered)
SecretText = Annotated[str, StringConstraints(min_length=8, max_length=500), AfterValidator(_no_controls)]
