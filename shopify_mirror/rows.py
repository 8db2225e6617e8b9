"""Rows on their way into staging: the tables with their columns, and the pen that writes values in PostgreSQL's binary form.

What an object looks like, and which rows it becomes, is said by the module of its resource.
"""

from __future__ import annotations

from struct import Struct as Layout
from typing import Final
from zlib import adler32, crc32

import msgspec

from shopify_kit.copying import NULL, Pieces, int8, iso_instant, numeric, row_head, text, text_array

KEYS: Final = ("shop_id", "load_id", "chunk")

_key_values = Layout("!iqiqii").pack
_digest_value = Layout("!iII").pack


class Table(msgspec.Struct, frozen=True):
    """A staging table.

    Args:
        name: the mirror's table, without `staged_`.
        columns: those after the keys, in the order in which rows are written; the digest and `updated_at` come last.
    """

    name: str
    columns: tuple[str, ...]

    @property
    def all_columns(self) -> tuple[str, ...]:
        """The keys, the columns, and what every row ends with."""
        return (*KEYS, *self.columns, "digest", "updated_at")

    def head(self, shop_id: int, load_id: int, chunk: int) -> bytes:
        """Write what every row of a chunk begins with."""
        return row_head(len(self.all_columns)) + _key_values(8, shop_id, 8, load_id, 4, chunk)


class Shape(msgspec.Struct, gc=False, rename="camel"):
    """A part of an object, of which we read what we store."""


class Ref(Shape):
    """Another object, by its GID."""

    id: str


class Count(Shape):
    """How many there are."""

    count: int


class Amount(Shape):
    """A `MoneyV2`."""

    amount: str
    currency_code: str | None = None


class Bag(Shape):
    """A `MoneyBag`."""

    shop_money: Amount
    presentment_money: Amount | None = None


def number(gid: str) -> int:
    """Return the number of a GID that has no parameters.

    Raises:
        ValueError: it has none.
    """
    return int(gid[gid.rindex("/") + 1 :])


def digest(data: bytes) -> bytes:
    """Write what tells this text from another version of the same object: 64 bits, not meant against forgery."""
    return _digest_value(8, crc32(data), adler32(data))


class Pen:
    """Writes values; what comes again and again is remembered as it was written."""

    __slots__ = ("amount", "instant", "texts", "word")

    def __init__(self) -> None:
        self.word = Pieces(text)
        self.texts = Pieces(text_array)
        self.instant = Pieces(iso_instant)
        self.amount = Pieces(numeric)

    def shop_amount(self, bag: Bag | None) -> bytes:
        """Write the shop's side of a bag."""
        return NULL if bag is None else self.amount[bag.shop_money.amount]

    def presentment_amount(self, bag: Bag | None) -> bytes:
        """Write the customer's side of a bag."""
        return NULL if bag is None or bag.presentment_money is None else self.amount[bag.presentment_money.amount]


def reference(ref: Ref | None) -> bytes:
    """Write the number of another object."""
    return NULL if ref is None else int8(number(ref.id))
