"""What the tests of the mirror stand on: results made by hand or by rule, a loader on a database, and looks into the tables."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from benchmarks.bulk_lines import Family, lines
from shopify_kit.database import Connection, Database
from shopify_mirror.loading import Expected, Loaded, Loader

SHOP = 7
AS_OF = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
UPDATED = "2026-11-01T10:00:00Z"


def gid(kind: str, number: int | str) -> str:
    return f"gid://shopify/{kind}/{number}"


def money(amount: str, currency: str = "CAD", other: str | None = None, other_currency: str = "EUR") -> dict[str, Any]:
    shop = {"amount": amount, "currencyCode": currency}
    return {"shopMoney": shop, "presentmentMoney": {"amount": other, "currencyCode": other_currency} if other else shop}


def order(number: int, **changes: Any) -> dict[str, Any]:
    """An order as `BulkOrders` shows it, as far as it matters here."""
    return {
        "__typename": "Order", "id": gid("Order", number), "name": f"#{number}", "updatedAt": UPDATED, "createdAt": UPDATED,
        "processedAt": UPDATED, "currencyCode": "CAD", "presentmentCurrencyCode": "CAD", "test": False, "tags": [],
        "totalPriceSet": money("10.0"), "fulfillments": [], "refunds": [], **changes,
    }  # fmt: skip


def line_item(number: int, parent: int, **changes: Any) -> dict[str, Any]:
    return {
        "__typename": "LineItem", "id": gid("LineItem", number), "title": "Mug", "quantity": 1, "currentQuantity": 1,
        "isGiftCard": False, "originalUnitPriceSet": money("10.0"), "discountAllocations": [], "product": None, "variant": None,
        "__parentId": gid("Order", parent), **changes,
    }  # fmt: skip


def product(number: int, count: int | None = None, **changes: Any) -> dict[str, Any]:
    return {
        "__typename": "Product", "id": gid("Product", number), "title": f"Mug {number}", "handle": f"mug-{number}",
        "updatedAt": UPDATED, "status": "ACTIVE", "tags": [],
        "variantsCount": None if count is None else {"count": count}, **changes,
    }  # fmt: skip


def variant(number: int, parent: int, **changes: Any) -> dict[str, Any]:
    return {
        "__typename": "ProductVariant", "id": gid("ProductVariant", number), "title": "Blue", "sku": f"M-{number}",
        "price": "10.00", "updatedAt": UPDATED, "selectedOptions": [], "__parentId": gid("Product", parent), **changes,
    }  # fmt: skip


def jsonl(objects: Iterable[Any], *, escape_slashes: bool = True) -> bytes:
    """Write objects as Shopify writes a result."""
    text = b"".join(json.dumps(one, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for one in objects)
    return text.replace(b"/", b"\\/") if escape_slashes else text


def made(family: Family, count: int, first: int = 0) -> bytes:
    """Families of the benchmarks' generator."""
    return b"".join(islice(lines(family, first), count))


def shuffled(data: bytes, seed: int = 1) -> bytes:
    """The same lines in another order."""
    parts = data.splitlines(keepends=True)
    random.Random(seed).shuffle(parts)
    return b"".join(parts)


def source_of(data: bytes, *, piece_bytes: int = 64 * 1024, cut_at: int | None = None) -> Callable[[int], Iterator[bytes]]:
    """A source of these bytes; one that is cut off ends early."""

    def pieces(start: int) -> Iterator[bytes]:
        end = len(data) if cut_at is None else cut_at
        for at in range(start, end, piece_bytes):
            yield data[at : min(end, at + piece_bytes)]

    return pieces


def expected_of(data: bytes) -> Expected:
    """What Shopify would say of a result."""
    parts = [json.loads(line) for line in data.splitlines()]
    return Expected(len(parts), sum("__parentId" not in part for part in parts), len(data))


@dataclass
class Bench:
    """A database with a mirror, and a loader."""

    database: Database
    loader: Loader = field(init=False)
    runs: int = 0

    def __post_init__(self) -> None:
        self.loader = Loader(self.database)

    def load(self, objects: bytes | Sequence[Any], *, resource: str = "orders", shop_id: int = SHOP, **options: Any) -> Loaded:
        """Load a result under a run of its own, unless one is named."""
        data = objects if isinstance(objects, bytes) else jsonl(objects)
        self.runs += 1
        options = {"run": f"run-{self.runs}", "as_of": AS_OF + timedelta(minutes=self.runs), **options}
        if "expected" not in options:
            options["expected"] = expected_of(data)
        source = options.pop("source", None) or source_of(data)
        loader: Loader = options.pop("loader", self.loader)
        return loader.load(shop_id, resource, source, **options)

    def rows(self, sql: str, *args: Any) -> list[tuple[Any, ...]]:
        """Run a statement and return what it gives."""
        return self.database.run(_rows, sql, *args)

    def value(self, sql: str, *args: Any) -> Any:
        """Return the first value that a statement gives."""
        return self.rows(sql, *args)[0][0]

    def count(self, table: str) -> int:
        """Count the rows of one of our tables."""
        return int(self.value(_COUNT.format(table=table)))

    def everything(self, table: str) -> list[tuple[Any, ...]]:
        """Return all of one of our tables."""
        return self.rows(_ALL.format(table=table))

    def wipe(self) -> None:
        """Empty the mirror."""
        for table in (*MIRROR_TABLES, "raw_objects"):
            self.rows(_WIPE.format(table=table))

    def wal_bytes(self, work: Callable[[], object]) -> int:
        """Return how much write-ahead log something writes."""
        before = self.value("select pg_current_wal_insert_lsn()")
        work()
        return int(self.value("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1)", before))

    def fingerprint(self) -> dict[str, str]:
        """Hash every table of the mirror, without what tells when and how it was written."""
        return {table: self.value(_FINGERPRINT.format(table=table)) for table in MIRROR_TABLES}


async def _rows(conn: Connection, sql: str, *args: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await conn.fetch(sql, *args)]


MIRROR_TABLES = (
    "orders line_items fulfillments refunds refund_lines products variants metafields collections collection_products customers "
    "inventory_items inventory_levels locations discounts discount_codes"
).split()
_COUNT = "select count(*) from shopify.{table}"
_ALL = "select * from shopify.{table}"
_WIPE = "delete from shopify.{table}"
_FINGERPRINT = """
select coalesce(md5(string_agg(h, '' order by h)), 'empty')
from (
    select md5((to_jsonb(t) - 'raw_id' - 'seen_at')::text
        || coalesce((select r.raw from shopify.raw_objects as r
                     where (r.shop_id, r.raw_id) = (t.shop_id, (to_jsonb(t) ->> 'raw_id')::bigint)), '')) as h
    from shopify.{table} as t
) as hashes
"""
