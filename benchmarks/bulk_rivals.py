"""What our loader is measured against: the server's own ceiling, and what people write."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from shopify_kit.copying import BINARY_HEADER, BINARY_TRAILER
from shopify_kit.database import Connection, Database

PIECE_BYTES = 256 * 1024
EXECUTEMANY_ROWS = 1_000

CEILING = "create unlogged table public.ceiling (line text)"
PLAIN_CEILING = CEILING + "; alter table public.ceiling alter column line set storage external"

RIVAL_TABLES = """
create table public.orders (
    order_id bigint primary key, name text, email text, created_at timestamptz, processed_at timestamptz, updated_at timestamptz,
    financial_status text, fulfillment_status text, currency text, customer_id bigint, subtotal_price numeric,
    total_discounts numeric, total_tax numeric, total_price numeric, raw text
);
create table public.line_items (
    line_item_id bigint primary key, order_id bigint, product_id bigint, variant_id bigint, title text, sku text, quantity integer,
    unit_price numeric, raw text
);
create unlogged table public.staged_orders (like public.orders);
create unlogged table public.staged_line_items (like public.line_items);
"""
ORDER_COLUMNS = (
    "order_id name email created_at processed_at updated_at financial_status fulfillment_status currency customer_id "
    "subtotal_price total_discounts total_tax total_price raw"
).split()
LINE_COLUMNS = "line_item_id order_id product_id variant_id title sku quantity unit_price raw".split()

Verb = Callable[..., Coroutine[Any, Any, Any]]


async def run_script(conn: Connection, sql: str) -> None:
    await conn.execute(sql)


def seconds_of(database: Database, verb: Verb, *args: Any) -> float:
    """Return how long a unit of work takes."""
    began = time.perf_counter()
    database.run_autocommit(verb, *args, timeout_s=3600)
    return time.perf_counter() - began


# The ceiling


async def _text_pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as lines:
        while piece := lines.read(PIECE_BYTES):
            yield piece.replace(b"\\", b"\\\\")


async def copy_raw_lines(conn: Connection, table: str, file: Path) -> None:
    """COPY lines as they are into a table of one text column."""
    await conn.execute("drop table if exists public.ceiling")
    await conn.execute(table)
    await conn.copy_to_table("ceiling", source=_text_pieces(file), columns=["line"], schema_name="public")


async def _binary_pieces(file: Path) -> AsyncIterator[bytes]:
    yield BINARY_HEADER
    with file.open("rb") as lines:
        while some := lines.readlines(PIECE_BYTES):
            yield b"".join([b"\0\1" + (len(line) - 1).to_bytes(4, "big") + line[:-1] for line in some])
    yield BINARY_TRAILER


async def copy_raw_lines_in_binary(conn: Connection, table: str, file: Path) -> None:
    """The same in the binary format, which needs no reading of the lines."""
    await conn.execute("drop table if exists public.ceiling")
    await conn.execute(table)
    await conn.copy_to_table("ceiling", source=_binary_pieces(file), columns=["line"], schema_name="public", format="binary")


# What people write


def _number(ref: Any) -> int | None:
    return int(ref["id"].rsplit("/", 1)[1]) if ref else None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _amount(bag: Any) -> Decimal:
    return Decimal(bag["shopMoney"]["amount"])


def _order_row(it: dict[str, Any], line: bytes) -> tuple[Any, ...]:
    instants = [_instant(it[name]) for name in ("createdAt", "processedAt", "updatedAt")]
    amounts = [_amount(it[name]) for name in ("subtotalPriceSet", "totalDiscountsSet", "totalTaxSet", "totalPriceSet")]
    return (
        _number(it), it["name"], it["email"], *instants, it["displayFinancialStatus"], it["displayFulfillmentStatus"],
        it["currencyCode"], _number(it["customer"]), *amounts, line.decode(),
    )  # fmt: skip


def _line_row(it: dict[str, Any], line: bytes) -> tuple[Any, ...]:
    return (
        _number(it), int(it["__parentId"].rsplit("/", 1)[1]), _number(it["product"]), _number(it["variant"]), it["title"],
        it["sku"], it["quantity"], _amount(it["originalUnitPriceSet"]), line.decode(),
    )  # fmt: skip


UPSERT = "insert into public.{table} ({names}) {values} on conflict ({key}) do update set {changes}"


def _upsert(table: str, columns: list[str], values: str) -> str:
    changes = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
    return UPSERT.format(table=table, names=", ".join(columns), values=values, key=columns[0], changes=changes)


def _values(columns: list[str]) -> str:
    return f"values ({', '.join(f'${number}' for number in range(1, len(columns) + 1))})"


async def executemany(conn: Connection, file: Path) -> None:
    """Read with `json`, upsert with `executemany`, a thousand rows at a time."""
    await conn.execute("truncate public.orders, public.line_items")
    held: dict[str, list[tuple[Any, ...]]] = {"orders": [], "line_items": []}
    statements = {
        "orders": _upsert("orders", ORDER_COLUMNS, _values(ORDER_COLUMNS)),
        "line_items": _upsert("line_items", LINE_COLUMNS, _values(LINE_COLUMNS)),
    }
    with file.open("rb") as lines:
        for line in lines:
            document = json.loads(line)
            if document["__typename"] == "Order":
                held["orders"].append(_order_row(document, line))
            else:
                held["line_items"].append(_line_row(document, line))
            for table, rows in held.items():
                if len(rows) >= EXECUTEMANY_ROWS:
                    await conn.executemany(statements[table], rows)
                    rows.clear()
    for table, rows in held.items():
        await conn.executemany(statements[table], rows)


DUCK_ORDERS = """
copy (
    select split_part(j.id, '/', 5), j.name, j.email, j.createdAt, j.processedAt, j.updatedAt, j.displayFinancialStatus,
        j.displayFulfillmentStatus, j.currencyCode, split_part(j.customer.id, '/', 5), j.subtotalPriceSet.shopMoney.amount,
        j.totalDiscountsSet.shopMoney.amount, j.totalTaxSet.shopMoney.amount, j.totalPriceSet.shopMoney.amount, to_json(j)
    from read_json('{file}', format = 'newline_delimited', maximum_object_size = 4194304, sample_size = 2000) as j
    where j.__typename = 'Order'
) to '{out}' (header false)
"""
DUCK_LINES = """
copy (
    select split_part(j.id, '/', 5), split_part(j.__parentId, '/', 5), split_part(j.product.id, '/', 5),
        split_part(j.variant.id, '/', 5), j.title, j.sku, j.quantity, j.originalUnitPriceSet.shopMoney.amount, to_json(j)
    from read_json('{file}', format = 'newline_delimited', maximum_object_size = 4194304, sample_size = 2000) as j
    where j.__typename = 'LineItem'
) to '{out}' (header false)
"""


async def duckdb_and_copy(conn: Connection, file: Path) -> None:
    """Read with DuckDB into CSV, COPY that into staging, upsert as sets."""
    duckdb = import_module("duckdb")
    await conn.execute("truncate public.orders, public.line_items, public.staged_orders, public.staged_line_items")
    with tempfile.TemporaryDirectory() as folder:
        for table, columns, query in (("orders", ORDER_COLUMNS, DUCK_ORDERS), ("line_items", LINE_COLUMNS, DUCK_LINES)):
            out = Path(folder, f"{table}.csv")
            duckdb.sql(query.format(file=file, out=out))
            await conn.copy_to_table(f"staged_{table}", source=_pieces(out), columns=columns, schema_name="public", format="csv")
            await conn.execute(_upsert(table, columns, SELECT.format(names=", ".join(columns), table=table)))


SELECT = "select {names} from public.staged_{table}"


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as lines:
        while piece := lines.read(PIECE_BYTES):
            yield piece
