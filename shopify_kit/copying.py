"""Rows and texts as `COPY` takes them: rows as CSV, large texts in the binary format.

A JSON array of scalars is very nearly a line of CSV: strings in double quotes, `null` unquoted, a backslash before a quote. So rows
are written by the JSON encoder, in C; what is left to do is rare: a control character, which JSON escapes and CSV takes as it is.
Against writing each value in Python this is four times as fast (docs/decisions/0007-mirror-and-loader.md).

Large texts go as they came: the binary format needs no escaping, which would cost more than anything else.
Source: postgresql.org/docs/current/sql-copy.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from struct import Struct
from typing import Any, Final, TypedDict

import msgspec


class CsvOptions(TypedDict):
    """How `COPY` is told to read CSV."""

    format: str
    null: str
    quote: str
    escape: str


CSV_OPTIONS: Final = CsvOptions(format="csv", null="null", quote='"', escape="\\")
"""How `COPY` is told to read what `csv_rows` writes."""

BINARY_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
BINARY_TRAILER: Final = b"\xff\xff"

_ESCAPE: Final = re.compile(rb'\\(["\\bfnrt]|u[0-9a-f]{4})')
_CONTROL: Final = re.compile(rb'\\[^"\\]')
_CONTROLS: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"u0000": "\ufffd".encode()}
_PLAIN_ITEM: Final = re.compile(r"[A-Za-z0-9_.:#-][A-Za-z0-9_.:# -]*(?<! )")
_QUOTED: Final = str.maketrans({"\\": "\\\\", '"': '\\"'})

_encoder = msgspec.json.Encoder()
_text_head = Struct("!hiqiqi").pack


def csv_rows(rows: Sequence[Sequence[Any]]) -> bytes:
    """Write rows of scalars for `COPY … (format csv)` with `CSV_OPTIONS`; instants have a zone, arrays are `array_text`.

    PostgreSQL knows no zero character and no half of a surrogate pair: U+FFFD stands for both.
    """
    if not rows:
        return b""
    try:
        lines = _encoder.encode_lines(rows)
    except UnicodeEncodeError:
        lines = _encoder.encode_lines([[_mended(value) for value in row] for row in rows])
    text = lines[1:-2].replace(b"]\n[", b"\n") + b"\n"
    if b"\\" in text and _CONTROL.search(text):
        text = _ESCAPE.sub(_bare_control, text)
    return text


def _bare_control(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code in (b'"', b"\\"):
        return match[0]
    return _CONTROLS.get(code) or chr(int(code[1:], 16)).encode()


def _mended(value: Any) -> Any:
    return mended(value) if isinstance(value, str) else value


def mended(text: str) -> str:
    """Put U+FFFD in the place of each half of a surrogate pair."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def array_text(items: Iterable[str]) -> str:
    """Write a `text[]` as its literal."""
    return "{" + ",".join(_item(item) for item in items) + "}"


def _item(item: str) -> str:
    if _PLAIN_ITEM.fullmatch(item) and item.lower() != "null":
        return item
    return f'"{item.translate(_QUOTED)}"'


def binary_texts(group: int, numbers: Sequence[int], texts: Sequence[bytes | memoryview]) -> bytes:
    """Write rows `(group bigint, number bigint, text)` for `COPY … (format binary)`, between its header and its trailer."""
    heads = [_text_head(3, 8, group, 8, number, len(text)) for number, text in zip(numbers, texts, strict=True)]
    return b"".join(chain.from_iterable(zip(heads, texts, strict=True)))


TEXT_HEAD_BYTES: Final = Struct("!hiqiqi").size
"""What `binary_texts` puts before each text."""
