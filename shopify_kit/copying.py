"""Values as `COPY … (format binary)` wants them: each a length and its bytes, NULL a length of -1.

Binary costs the server a fraction of what text costs it, and needs no escaping: a line of JSON goes in as it came. What is written
here is the wire form of PostgreSQL's own types (Source: postgresql.org/docs/current/sql-copy.html, and the types' `recv` functions).

`Pieces` remember what they wrote: prices, instants, currencies and statuses come again and again, and a look-up costs a tenth of
writing them anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from struct import Struct
from typing import Any, Final

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"
NULL: Final = b"\xff\xff\xff\xff"
TRUE: Final = b"\0\0\0\1\1"
FALSE: Final = b"\0\0\0\1\0"

# The server counts microseconds from 2000, in days that have no leap seconds.
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_TEXT_OID: Final = 25
_NUMERIC_NEGATIVE: Final = 0x4000
_MAX_NUMERIC_TEXT: Final = 60

_length = Struct("!i").pack
_short = Struct("!h").pack
_int4 = Struct("!ii").pack
_int8 = Struct("!iq").pack
_array_head = Struct("!iiiii").pack
_numeric_head = Struct("!ihhHh").pack
_small_numeric = Struct("!ihhHhhh").pack
_LENGTHS: Final = [_length(size) for size in range(2048)]


def row_head(columns: int) -> bytes:
    """Write what stands before a row of so many columns."""
    return _short(columns)


def raw(data: bytes) -> bytes:
    """Write a text that is UTF-8 already and holds no zero byte."""
    size = len(data)
    return (_LENGTHS[size] if size < 2048 else _length(size)) + data


def text(value: str | None) -> bytes:
    """Write a text. PostgreSQL knows no zero character and no half of a surrogate pair: U+FFFD stands for both."""
    if value is None:
        return NULL
    if "\0" in value:
        value = value.replace("\0", "\ufffd")
    try:
        data = value.encode()
    except UnicodeEncodeError:
        data = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    size = len(data)
    return (_LENGTHS[size] if size < 2048 else _length(size)) + data


def int4(value: int | None) -> bytes:
    """Write an `integer`.

    Raises:
        struct.error: out of range.
    """
    return NULL if value is None else _int4(4, value)


def int8(value: int | None) -> bytes:
    """Write a `bigint`; raises as `int4`."""
    return NULL if value is None else _int8(8, value)


def boolean(value: bool | None) -> bytes:
    """Write a `boolean`."""
    return NULL if value is None else TRUE if value else FALSE


def instant(value: datetime | None) -> bytes:
    """Write a `timestamptz`."""
    if value is None:
        return NULL
    passed = value - _EPOCH
    return _int8(8, (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds)


def iso_instant(value: str | None) -> bytes:
    """Write a `timestamptz` from ISO 8601 with a zone.

    Raises:
        ValueError: it is none.
    """
    if value is None:
        return NULL
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("an instant without a zone")
    return instant(moment)


def numeric(value: str | None) -> bytes:
    """Write a `numeric` from its decimal text, as many digits after the point as the text has.

    Raises:
        ValueError: it is none.
    """
    if value is None:
        return NULL
    whole, point, part = value.partition(".")
    if not value.isascii() or (point and not part.isdigit()) or len(value) > _MAX_NUMERIC_TEXT:
        raise ValueError("no decimal number")
    if whole.isdigit() and 0 < len(whole) <= 4 and 0 < len(part) <= 4:
        return _small_numeric(12, 2, 0, 0, len(part), int(whole), int(part.ljust(4, "0")))
    return _long_numeric(whole, part)


def _long_numeric(whole: str, part: str) -> bytes:
    sign = _NUMERIC_NEGATIVE if whole[:1] == "-" else 0
    digits = whole[1:] if sign else whole
    if not digits.isdigit():
        raise ValueError("no decimal number")
    before, after = -(-len(digits) // 4), -(-len(part) // 4)
    text_of_groups = digits.zfill(before * 4) + part.ljust(after * 4, "0")
    groups = [int(text_of_groups[at : at + 4]) for at in range(0, len(text_of_groups), 4)]
    return _numeric_head(8 + 2 * len(groups), len(groups), before - 1, sign, len(part)) + b"".join(map(_short, groups))


def text_array(values: Sequence[str] | None) -> bytes:
    """Write a `text[]`."""
    if values is None:
        return NULL
    if not values:
        return _array_head(12, 0, 0, _TEXT_OID, 0)[:16]
    body = b"".join(map(text, values))
    return _array_head(20 + len(body), 1, 0, _TEXT_OID, len(values)) + _length(1) + body


class Pieces(dict[Any, bytes]):
    """What a value was written as, by value; forgotten when there are too many.

    Args:
        write: called for a value that was not seen before.
    """

    __slots__ = ("_limit", "_write")

    def __init__(self, write: Callable[[Any], bytes], *, limit: int = 20_000) -> None:
        self._write = write
        self._limit = limit

    def __missing__(self, value: Any) -> bytes:
        if len(self) >= self._limit:
            self.clear()
        piece = self[value] = self._write(value)
        return piece
