"""Types of single fields at the edge: what a text, a number, an instant, an amount may be."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from shopify_kit.clock import iso
from shopify_kit.errors import InvalidInput
from shopify_kit.identifiers import MAX_ID, MAX_USER_ID, parse_shop_domain
from shopify_web.texts import has_controls

FIRST_YEAR, LAST_YEAR = 2000, 2100
# A plus that nobody escaped arrives in a query string as a blank.
INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[ +-][0-9]{2}:?[0-9]{2})?)?"
)
DECIMAL = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,10})?")
MAX_AMOUNT = 10**15
MAX_MEASURE = 10**9
MAX_TAGS = 250


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
    parsed = _parsed_instant(value)
    if end_of_day and len(value) == 10:
        parsed = datetime.combine(parsed.date(), time.max)
    if not FIRST_YEAR <= parsed.year <= LAST_YEAR:
        raise ValueError(f"expected a year from {FIRST_YEAR} to {LAST_YEAR}")
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _parsed_instant(value: Any) -> datetime:
    expected = "expected an ISO 8601 date or instant, such as 2026-11-01 or 2026-11-01T12:00:00Z"
    if not isinstance(value, str) or not INSTANT.fullmatch(value):
        raise ValueError(expected)
    try:
        return datetime.fromisoformat(value[:11] + value[11:].replace(" ", "+"))
    except ValueError:
        raise ValueError(f"no such date or time; {expected}") from None


def _moment(value: Any) -> Any:
    """Read an instant that goes on to Shopify as text."""
    return iso(_instant(value, end_of_day=False))


def _decimal(value: Any, below: int) -> Decimal:
    """Read a JSON number or its text, not negative; ten decimals are kept."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("expected a number")
    if isinstance(value, str) and not DECIMAL.fullmatch(value):
        raise ValueError("expected digits, such as 19.90")
    if not isinstance(value, str) and not 0 <= value < below:
        raise ValueError(f"expected a number from 0 to {below - 1}")
    number = Decimal(f"{Decimal(str(value)):.10f}")
    if number >= below:
        raise ValueError(f"expected a number from 0 to {below - 1}")
    return abs(number)


def _amount(value: Any) -> Any:
    """Read an amount given as text or as a number; it stays text."""
    text = f"{_decimal(value, MAX_AMOUNT):f}"
    return value if isinstance(value, str) else text.rstrip("0").rstrip(".")


def _number(value: Any) -> Any:
    """Read a measure: a JSON number or its text, not negative."""
    return float(_decimal(value, MAX_MEASURE))


def _lowered(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _tags(value: Any) -> Any:
    tags = value.split(",") if isinstance(value, str) else value
    if not isinstance(tags, list) or len(tags) > MAX_TAGS or not all(isinstance(tag, str) and len(tag) <= 255 for tag in tags):
        raise ValueError(f"expected tags as a text with commas or as a list, at most {MAX_TAGS} of at most 255 characters")
    if any(map(has_controls, tags)):
        raise ValueError("must not hold control characters")
    return value


def _trimmed(value: Any) -> Any:
    """Forget the blanks that come along when a secret is copied from a page."""
    return value.strip(" \t\r\n") if isinstance(value, str) else value


def _printable(text: str) -> str:
    if not re.fullmatch("[!-~]+", text):
        raise ValueError("expected printable ASCII characters without blanks")
    return text


def _as_text(**facts: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **facts})


DATE_SCHEMA = _as_text(examples=["2026-11-01", "2026-11-01T12:00:00Z"], pattern=f"^{INSTANT.pattern}$")
AMOUNT_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "pattern": f"^{DECIMAL.pattern}$"},
            {"type": "number", "minimum": 0, "exclusiveMaximum": MAX_AMOUNT},
        ]
    }
)
MEASURE_SCHEMA = WithJsonSchema(
    {"anyOf": [{"type": "number", "minimum": 0, "exclusiveMaximum": MAX_MEASURE}, {"type": "string", "pattern": r"^[0-9]{1,9}$"}]}
)
TAGS_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "maxLength": 255, "description": "Separated by commas."},
            {"type": "array", "items": {"type": "string", "maxLength": 255}, "maxItems": MAX_TAGS},
        ]
    }
)
FLAG_SCHEMA = WithJsonSchema({"type": "string", "enum": ["true", "false", "1", "0"]})


Text = Annotated[str, StringConstraints(max_length=255), AfterValidator(_no_controls)]
LongText = Annotated[str, StringConstraints(max_length=500_000), AfterValidator(_no_controls_but_lines)]
NotEmpty = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_no_controls)]
UserId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_USER_ID), AfterValidator(_no_controls)]
ShopDomain = Annotated[str, BeforeValidator(_shop_domain), _as_text(maxLength=300, examples=["acme.myshopify.com", "acme"])]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
QueryId = Annotated[int, BeforeValidator(_digits), Field(ge=1, le=MAX_ID)]
Limit = Annotated[int, Field(ge=1, le=250)]
QueryLimit = Annotated[int, BeforeValidator(_digits), Field(ge=1, le=250)]
QueryFlag = Annotated[bool, BeforeValidator(_boolean), FLAG_SCHEMA]
From = Annotated[datetime, BeforeValidator(lambda value: _instant(value, end_of_day=False)), DATE_SCHEMA]
Until = Annotated[datetime, BeforeValidator(lambda value: _instant(value, end_of_day=True)), DATE_SCHEMA]
Moment = Annotated[str, BeforeValidator(_moment), DATE_SCHEMA]
Amount = Annotated[str, BeforeValidator(_amount), AMOUNT_SCHEMA]
Measure = Annotated[float, BeforeValidator(_number), MEASURE_SCHEMA]
Quantity = Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Tags = Annotated[str | list[str], BeforeValidator(_tags), TAGS_SCHEMA]
Lowered = BeforeValidator(_lowered)
SecretText = Annotated[
    str,
    BeforeValidator(_trimmed),
    StringConstraints(min_length=8, max_length=500),
    AfterValidator(_printable),
    WithJsonSchema(
        {"type": "string", "format": "password", "writeOnly": True, "minLength": 8, "maxLength": 500, "pattern": "^[!-~]+$"}
    ),
]
