"""Connections: pages cut out of sorted rows, with Shopify's cursors and its refusals.

Captured (BEHAVIOURS 15): a cursor is base64 of `{"last_id": …, "last_value": …}`; date sorts carry epoch milliseconds, TITLE the
lower-cased title, id order the id as a string; an empty page has no cursors.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from fake_shopify.clock import parse_iso
from fake_shopify.failures import TopLevelError
from fake_shopify.rows import Row

MAX_PAGE = 250
EVERYTHING = 2**31 - 1
"""A page that is all there is: what bulk operations read. It is meant by this very object, which no request can name."""

SortValue = str | int | float | None
SortKey = Callable[[Row], SortValue]


def window(arguments: dict[str, Any]) -> tuple[int, bool]:
    """Read `first`/`last`: how many, and whether from the end."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is None and last is None:
        raise TopLevelError("you must provide one of first or last", "BAD_REQUEST")
    if first is not None and last is not None:
        raise TopLevelError("providing both first and last is not supported", "BAD_REQUEST")
    name, count = ("first", first) if first is not None else ("last", last)
    if count is EVERYTHING:
        return EVERYTHING, False
    if count is not None and count < 0:
        raise TopLevelError(f"{name} cannot be negative", "BAD_REQUEST")
    if count is not None and count > MAX_PAGE:
        raise TopLevelError(f"{name} cannot exceed {MAX_PAGE}", "BAD_REQUEST")
    return int(count or 0), last is not None


def encode_cursor(row: Row, value: SortValue, offset: int | None = None) -> str:
    """Write the cursor of a row."""
    fields: dict[str, Any] = {"last_id": row.number, "last_value": value}
    if offset is not None:
        fields["offset"] = offset
    return base64.b64encode(json.dumps(fields, separators=(",", ":")).encode()).decode()


def decode_cursor(cursor: str) -> tuple[int, SortValue]:
    """Read a cursor; Shopify answers a foreign one with a plain refusal (assumed wording)."""
    try:
        fields = json.loads(base64.b64decode(cursor, validate=True))
        number, value = fields["last_id"], fields["last_value"]
        if not isinstance(number, int) or not isinstance(value, str | int | float | None):
            raise TypeError
        return number, value
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
        raise TopLevelError("Invalid cursor for current pagination sort.", "BAD_REQUEST") from None


def comparable(value: SortValue) -> tuple[int, Any]:
    """Make sort values of mixed kinds comparable: nothing first, then numbers, then texts."""
    if value is None:
        return (0, 0)
    return (1, value) if isinstance(value, int | float) else (2, value)


def instant(name: str) -> SortKey:
    """Sort by a date field; the cursor shows epoch milliseconds."""
    return lambda row: int(parse_iso(row[name]).timestamp() * 1000) if row.get(name) else None


def text(name: str) -> SortKey:
    """Sort by a text field without regard to case."""
    return lambda row: str(row.get(name) or "").lower()


def by_id(row: Row) -> SortValue:
    """Sort by the number of the id; the cursor shows it as a string."""
    return str(row.number)


class Connection(dict[str, Any]):
    """A page: `nodes`, `edges` and `pageInfo`, and the rows with their cursors for fields that add their own edges."""

    def __init__(self, rows: Sequence[Row], cursors: Sequence[str], *, has_next: bool, has_previous: bool) -> None:
        info = {
            "__typename": "PageInfo",
            "hasNextPage": has_next,
            "hasPreviousPage": has_previous,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        }
        edges = [{"node": row, "cursor": cursor} for row, cursor in zip(rows, cursors, strict=True)]
        super().__init__(nodes=list(rows), edges=edges, pageInfo=info)


EMPTY = Connection([], [], has_next=False, has_previous=False)


class Whole(Connection):
    """All rows, perhaps one by one: there are `nodes` and nothing else."""

    def __init__(self, rows: Iterable[Row]) -> None:
        dict.__init__(self, nodes=rows)


def page(rows: Iterable[Row], arguments: dict[str, Any], *, key: SortKey = by_id, reverse: bool | None = None) -> Connection:
    """Sort rows by `key` (then by id), cut the page that `arguments` ask for and return it as a connection.

    `reverse` defaults to the argument of that name.
    """
    count, from_end = window(arguments)
    backwards = bool(arguments.get("reverse")) if reverse is None else reverse
    ordered = sorted(rows, key=lambda row: _order(key, row), reverse=backwards)
    if count is EVERYTHING:
        return Whole(ordered)
    return cut(ordered, arguments, key, backwards, count, from_end)


def _order(key: SortKey, row: Row) -> tuple[Any, int]:
    return (comparable(None) if key is by_id else comparable(key(row)), row.number)


def cut(ordered: Sequence[Row], arguments: dict[str, Any], key: SortKey, backwards: bool, count: int, from_end: bool) -> Connection:
    """Cut a page out of rows that are already in order."""
    sign = [(_order(key, row)) for row in ordered]
    low, high = 0, len(ordered)
    if arguments.get("after"):
        low = _boundary(sign, arguments["after"], key, backwards, past=True)
    if arguments.get("before"):
        high = max(low, _boundary(sign, arguments["before"], key, backwards, past=False))
    chosen = list(ordered[max(low, high - count) : high] if from_end else ordered[low : min(high, low + count)])
    start = max(low, high - count) if from_end else low
    cursors = [encode_cursor(row, key(row)) for row in chosen]
    if not chosen:
        return Connection([], [], has_next=False, has_previous=False)
    return Connection(chosen, cursors, has_next=start + len(chosen) < len(ordered), has_previous=start > 0)


def _boundary(sign: list[tuple[Any, int]], cursor: str, key: SortKey, backwards: bool, *, past: bool) -> int:
    number, value = decode_cursor(cursor)
    mark = (comparable(None) if key is by_id else comparable(value), number)
    if past:
        return sum(1 for entry in sign if (entry >= mark if backwards else entry <= mark))
    return sum(1 for entry in sign if (entry > mark if backwards else entry < mark))


def page_of_list(rows: Sequence[Row], arguments: dict[str, Any]) -> Connection:
    """Cut a page out of rows whose order is the order of the list (variants by position, lines of an order)."""
    count, from_end = window(arguments)
    ordered = list(reversed(rows)) if arguments.get("reverse") else list(rows)
    if count is EVERYTHING:
        return Whole(ordered)
    numbers = [row.number for row in ordered]
    low, high = 0, len(ordered)
    if arguments.get("after"):
        low = _place(numbers, arguments["after"]) + 1
    if arguments.get("before"):
        high = max(low, _place(numbers, arguments["before"]))
    start = max(low, high - count) if from_end else low
    chosen = ordered[start:high] if from_end else ordered[low : min(high, low + count)]
    cursors = [encode_cursor(row, str(row.number)) for row in chosen]
    if not chosen:
        return Connection([], [], has_next=False, has_previous=False)
    return Connection(chosen, cursors, has_next=start + len(chosen) < len(ordered), has_previous=start > 0)


def _place(numbers: list[int], cursor: str) -> int:
    number, _ = decode_cursor(cursor)
    return numbers.index(number) if number in numbers else -1


def stream_page(rows: Iterable[Row], count: int, *, key: SortKey, has_previous: bool) -> Connection:
    """Take a page off rows that come in order and one by one (seeded tables): looks one row ahead, never at all of them."""
    if count is EVERYTHING:
        return Whole(rows)
    chosen = list(islice(rows, count + 1))
    shown = chosen[:count]
    cursors = [encode_cursor(row, key(row)) for row in shown]
    return Connection(shown, cursors, has_next=len(chosen) > count, has_previous=has_previous and bool(shown))
