"""Reading what came in: bytes with a bound, JSON without surprises.

Refused before anything else looks at a body: more bytes than the endpoint reads, another type than JSON, anything but UTF-8, NaN,
duplicate keys, nesting beyond 32, numbers beyond what any database holds. Lone surrogates are refused by field, once the caller is
known.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from flask import Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from shopify_kit.errors import BodyTooLarge, InvalidInput, UnsupportedMediaType
from shopify_web.texts import has_surrogates, shown

MAX_JSON_BYTES = 2**20
PIECE_BYTES = 2**16
MAX_DEPTH = 32
MAX_KEYS = 10_000
MAX_INT_DIGITS = 30
# Possessive, and happy without a closing quote: one pass whatever stands there.
STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
BRACKETS = re.compile(rb"[\[\]{}]")


def read_bytes(request: Request, limit: int = MAX_JSON_BYTES) -> bytes:
    """Read the body, at most `limit` bytes, whether its length was announced or not; the host may have read it before.

    Raises:
        BodyTooLarge: there is more.
    """
    request.max_content_length = limit + 1
    try:
        body = request.get_data() if request.content_length is not None or "stream" in vars(request) else _read_pieces(request)
    except RequestEntityTooLarge:
        raise BodyTooLarge(f"The body is larger than {limit} bytes.") from None
    except ClientDisconnected:
        raise InvalidInput("The body ended before its announced length.", code="invalid_json") from None
    if len(body) > limit:
        raise BodyTooLarge(f"The body is larger than {limit} bytes.")
    return body


def _read_pieces(request: Request) -> bytes:
    """Read a body of unknown length, in pieces, so that one that turns out too large was never whole in memory."""
    body = b"".join(iter(lambda: request.stream.read(PIECE_BYTES), b""))
    # For whoever else reads it: the host may do so after us.
    request.stream = io.BytesIO(body)
    return body


def check_json_type(request: Request) -> None:
    """Demand `Content-Type: application/json`, which a cross-site form cannot send.

    Raises:
        UnsupportedMediaType: another type, or none.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send the body as application/json.")


def parse_json(body: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InvalidInput: `invalid_json`, `json_too_deep`, or `validation_error` for JSON that is no object.
    """
    if depth_exceeds(body, MAX_DEPTH):
        raise InvalidInput(f"The JSON is nested deeper than {MAX_DEPTH} levels.", code="json_too_deep")
    try:
        document = json.loads(body.decode("utf-8"), cls=BoundedDecoder)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The body is no valid JSON: {_reason(error)}.", code="invalid_json") from None
    if not isinstance(document, dict):
        raise InvalidInput("The body must be a JSON object.", details=[{"field": "", "reason": "expected an object"}])
    return document


def _reason(error: Exception) -> str:
    """Name the place, never the content."""
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}"
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def depth_exceeds(body: bytes, limit: int) -> bool:
    """Say whether brackets nest deeper than `limit`; strings are skipped, and nothing is built."""
    if body.count(b"[") + body.count(b"{") <= limit:
        return False
    depth = 0
    for match in BRACKETS.finditer(STRINGS.sub(b"", body)):
        depth += 1 if match.group() in b"[{" else -1
        if depth > limit:
            return True
    return False


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        text = f"An object has more than {MAX_KEYS} fields."
        raise InvalidInput(text, details=[{"field": "", "reason": f"at most {MAX_KEYS} fields"}])
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return made


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _bounded_int(digits: str) -> int:
    if len(digits) > MAX_INT_DIGITS:
        raise ValueError("an integer is too long")
    return int(digits)


def _bounded_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


class BoundedDecoder(json.JSONDecoder):
    """Reads JSON without surprises: no NaN, no duplicate keys, no number that no database holds."""

    def __init__(self) -> None:
        super().__init__(object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_bounded_int, parse_float=_bounded_float)


def check_texts(document: Any) -> None:
    """Refuse lone surrogates, in values and in names: neither our database nor Shopify takes them.

    Raises:
        InvalidInput: names the field.
    """
    place = next(_surrogates(document, ()), None)
    if place is not None:
        raise InvalidInput.field(".".join(map(shown, place)), "holds half of a surrogate pair, which is no character")


def _surrogates(value: Any, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, str):
        if has_surrogates(value):
            yield place
    elif isinstance(value, dict):
        for name, part in value.items():
            if has_surrogates(name):
                yield (*place, name)
            yield from _surrogates(part, (*place, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _surrogates(part, (*place, str(index)))
