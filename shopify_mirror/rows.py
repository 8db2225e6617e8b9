"""Rows on their way into staging: the tables with their columns, the draft that collects rows, and what all objects are made of.

What an object looks like, and which rows it becomes, is said by the module of its resource.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias
from zlib import crc32

import msgspec
from msgspec import Meta

from shopify_kit.copying import array_text

KEYS: Final = ("shop_id", "load_id", "chunk")
GUARD: Final = ("digest", "updated_at")
RAW_GUARD: Final = ("raw_id", *GUARD)

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
Integer: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Row: TypeAlias = tuple[Any, ...]
Text: TypeAlias = bytes | memoryview

MAX_KNOWN: Final = 20_000

_encode = msgspec.json.Encoder().encode


class Table(msgspec.Struct, frozen=True):
    """A staging table.

    Args:
        name: the mirror's table, without `staged_`.
        columns: those after the keys, in the order in which rows are written.
    """

    name: str
    columns: tuple[str, ...]

    @property
    def all_columns(self) -> tuple[str, ...]:
        """The keys and the columns."""
        return KEYS + self.columns


class Shape(msgspec.Struct, gc=False, rename="camel"):
    """A part of an object; we read of it what we store in columns."""


class NodeShape(Shape, kw_only=True, tag_field="__typename"):
    """An object with a line of its own."""

    id: str
    parent_id: str | None = msgspec.field(name="__parentId", default=None)


class Ref(Shape):
    """Another object, by its GID."""

    id: str


class Count(Shape):
    """How many there are."""

    count: Integer


class Amount(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A `MoneyV2`."""

    amount: str | None = None
    currency_code: str | None = None


NO_AMOUNT: Final = Amount()


class ShopBag(Shape):
    """The shop's side of a `MoneyBag`."""

    shop_money: Amount


class Bag(Shape):
    """Both sides of a `MoneyBag`."""

    shop_money: Amount
    presentment_money: Amount = NO_AMOUNT


class PageInfo(Shape):
    """Whether a connection goes on."""

    has_next_page: bool = False


NO_BAG: Final = Bag(NO_AMOUNT)


def number(gid: str) -> str:
    """Return the digits of a GID without parameters; what is no number is refused where the row is read."""
    return gid.rpartition("/")[2]


def number_of(ref: Ref | None) -> str | None:
    """Return the digits of another object's GID."""
    return None if ref is None else ref.id.rpartition("/")[2]


def kind_of(gid: str) -> str:
    """Return the type of a GID: `Product` of `gid://shopify/Product/1`; empty where it is none."""
    parts = gid.split("/", 4)
    return parts[3] if len(parts) == 5 and parts[0] == "gid:" else ""


def digest_of(data: Text) -> int:
    """Tell this text from another version of the same object: a checksum and the length, not meant against forgery."""
    return crc32(data) << 31 | len(data)


def digest_of_row(row: Row) -> int:
    """Tell the values of a row that has no text of its own from others."""
    return digest_of(_encode(row))


class Families:
    """When the parents that came lately were changed, by GID; the oldest of them are forgotten."""

    def __init__(self) -> None:
        self._latest: dict[str, datetime] = {}
        self._before: dict[str, datetime] = {}

    def introduce(self, gid: str, updated_at: datetime) -> None:
        """Say when a parent was changed."""
        if len(self._latest) >= MAX_KNOWN:
            self._before, self._latest = self._latest, {}
        self._latest[gid] = updated_at

    def find(self, gid: str) -> datetime | None:
        """Return when a parent was changed, where it came lately."""
        return self._latest.get(gid) or self._before.get(gid)


class Draft:
    """Rows of one block of lines, by table.

    Args:
        shop_id: whose.
        load_id: of which load.
        families: parents; children without an `updated_at` of their own take their parent's.
        arrays: lists of texts as they were written: tags and codes come again and again.
    """

    def __init__(self, keys: tuple[int, int, int], families: Families, arrays: dict[tuple[str, ...], str]) -> None:
        self.keys = keys
        self.children = 0
        self.rows: defaultdict[str, list[Row]] = defaultdict(list)
        self.skipped: defaultdict[str, int] = defaultdict(int)
        self.strays: defaultdict[str, int] = defaultdict(int)
        self.raw_numbers: list[int] = []
        self.raw_texts: list[Text] = []
        self.introduce = families.introduce
        self._find = families.find
        self._arrays = arrays

    def keep_raw(self, raw_id: int, text: Text) -> None:
        """Keep an object as it came."""
        self.raw_numbers.append(raw_id)
        self.raw_texts.append(text)

    def array(self, items: tuple[str, ...]) -> str:
        """Write a `text[]`."""
        text = self._arrays.get(items)
        if text is None:
            if len(self._arrays) > MAX_KNOWN:
                self._arrays.clear()
            text = self._arrays[items] = array_text(items)
        return text

    def parent(self, table: str, gid: str | None) -> datetime | None:
        """Return when a child's parent was changed; None, and counted as a stray, where it has not come (yet)."""
        found = None if gid is None else self._find(gid)
        if found is None:
            self.strays[table] += 1
        return found

    def skip(self, kind: str) -> None:
        """Count an object that becomes no row."""
        self.skipped[kind] += 1
