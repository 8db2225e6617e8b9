"""The `filter` of a webhook subscription: whether it can be read, and whether a payload passes it.

Source: shopify.dev/docs/apps/build/webhooks/delivery-filtering (search syntax on the fields of the payload, nested ones with a
period, a list matches when one of its entries does; read 2026-11). Captured: every term must name a field, whichever it is
(webhooks-021, 022, 033, 034); the limit is 65,535 bytes (webhooks-030 … 032). Assumed: a value is compared as a whole and without
regard to case, numbers as numbers; a term about a field that the payload does not have does not hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from fake_shopify.search import Group, Malformed, Not, Term, parse

LIMIT_BYTES = 65_535
INVALID = "The specified filter is invalid, please ensure you specify the field(s) you wish to filter on."
TOO_LONG = "The specified filter exceeds the maximum allowed size."


def filter_error(text: str | None) -> str | None:
    """Return what is wrong with a filter, None when nothing is; a blank one filters nothing."""
    if text is None or not text.strip():
        return None
    if len(text.encode()) > LIMIT_BYTES:
        return TOO_LONG
    try:
        tree = parse(text)
    except Malformed:
        return INVALID
    return None if all(term.field != "default" for term in _terms(tree)) else INVALID


def _terms(part: Any) -> Iterator[Term]:
    if isinstance(part, Term):
        yield part
    elif isinstance(part, Not):
        yield from _terms(part.part)
    elif isinstance(part, Group):
        for inner in part.parts:
            yield from _terms(inner)


@lru_cache(maxsize=512)
def _tree(text: str) -> Any:
    return parse(text)


def passes(text: str | None, payload: Any) -> bool:
    """Say whether a payload passes a filter that `filter_error` accepts."""
    return text is None or not text.strip() or _holds(_tree(text), payload)


def _holds(part: Any, payload: Any) -> bool:
    if isinstance(part, Term):
        return any(_matches(part, value) for value in values_at(payload, part.field.split(".")))
    if isinstance(part, Not):
        return not _holds(part.part, payload)
    held = (_holds(inner, payload) for inner in part.parts)
    return all(held) if part.every else any(held)


def values_at(payload: Any, path: list[str]) -> Iterator[Any]:
    """Yield the values under a path; lists stand for each of their entries."""
    if isinstance(payload, list):
        for entry in payload:
            yield from values_at(entry, path)
    elif not path:
        yield payload
    elif isinstance(payload, dict) and path[0] in payload:
        yield from values_at(payload[path[0]], path[1:])


def _matches(term: Term, value: Any) -> bool:
    if term.value == "*" and not term.quoted:
        return value not in (None, "")
    if value is None:
        return False
    if term.op != "=":
        return _compares(term.op, value, term.value)
    have, wanted = _text(value), term.value.lower()
    if wanted.endswith("*") and not term.quoted:
        return have.startswith(wanted[:-1])
    return have == wanted or _equal_numbers(have, wanted)


def _text(value: Any) -> str:
    return str(value).lower()


def _number(text: str) -> Decimal | None:
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _equal_numbers(have: str, wanted: str) -> bool:
    left, right = _number(have), _number(wanted)
    return left is not None and left == right


def _compares(op: str, value: Any, wanted: str) -> bool:
    left, right = _number(_text(value)), _number(wanted)
    pair: tuple[Any, Any] = (left, right) if left is not None and right is not None else (_text(value), wanted.lower())
    return bool({">": pair[0] > pair[1], ">=": pair[0] >= pair[1], "<": pair[0] < pair[1], "<=": pair[0] <= pair[1]}[op])
