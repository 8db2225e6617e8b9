"""Rows on their way into staging: the tables with their columns, and the pen that writes values in PostgreSQL's binary form.

What an object looks like, and which rows it becomes, is said by the module of its resource.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from struct import Struct as Layout
from typing import Final
from zlib import adler32, crc32

import msgspec

from shopify_kit.copying import NULL, Pieces, int4, int8, iso_instant, numeric, row_head, text, text_array

KEYS: Final = ("shop_id", "load_id", "chunk")

_key_values = Layout("!iqiqii").pack
_digest_layout = Layout("!iII").pack


class Table(msgspec.Struct, frozen=True):
    """A staging table: its name without `staged_`, and its columns after the keys, in the order in which rows are written."""

    name: str
    columns: tuple[str, ...]

    @property
    def all_columns(self) -> tuple[str, ...]:
        """The keys and the columns."""
        return KEYS + self.columns

    def head(self, shop_id: int, load_id: int, chunk: int) -> bytes:
        """Write what every row of a chunk begins with."""
        return row_head(len(self.all_columns)) + _key_values(8, shop_id, 8, load_id, 4, chunk)


class Ref(msgspec.Struct, gc=False):
    """Another object, by its GID."""

    id: str


class Count(msgspec.Struct, gc=False):
    """How many there are, as far as Shopify counts."""

    count: int
    precision: str = "EXACT"


class Amount(msgspec.Struct, gc=False):
    """A `MoneyV2`."""

    amount: str
    currencyCode: str | None = None  # noqa: N815


class Bag(msgspec.Struct, gc=False):
    """A `MoneyBag`."""

    shopMoney: Amount  # noqa: N815
    presentmentMoney: Amount | None = None  # noqa: N815


def number(gid: str) -> int:
    """Return the number of a GID without parameters.

    Raises:
        ValueError: it has none.
    """
    return int(gid[gid.rindex("/") + 1 :])
