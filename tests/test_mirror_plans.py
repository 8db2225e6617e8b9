"""What must be looked up is looked up: plans over a mirror of a hundred thousand rows a table, with statistics and without."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import pytest

from shopify_kit.database import Connection, Database
from shopify_kit.queries import load_queries
from shopify_kit.runtime import map_in_threads
from shopify_mirror.kinds import TABLES
from tests.databases import fresh_database
from tests.mirror_bench import Bench

ROWS = 100_000
AS_OF = datetime(2026, 11, 20, tzinfo=UTC)

merging = load_queries("merging")
loading = load_queries("loading")
verbs = load_queries("mirror")

# Columns that have no default and must not be null, beside the keys, the digest and the instants of the guard.
MORE = {
    "orders": {"processed_at": "'2025-01-01'::timestamptz + n * interval '5 minutes'", "is_test": "false", "currency": "'CAD'",
               "customer_id": "n % 5000", "raw_id": "n"},
    "line_items": {"quantity": "1", "product_id": "n % 999", "raw_id": "n"},
    "refunds": {"processed_at": "'2025-01-01'::timestamptz + n * interval '5 minutes'", "lines_seen_at": "now()"},
    "refund_lines": {"quantity": "1", "processed_at": "'2025-01-01'::timestamptz + n * interval '5 minutes'"},
    "products": {"title": "'Mug'", "raw_id": "n"},
    "variants": {"product_id": "n / 7", "sku": "'M-' || n", "inventory_item_id": "n", "raw_id": "n"},
    "metafields": {"owner_type": "'Product'", "owner_id": "n / 3", "namespace": "'custom'", "key": "'k'"},
    "customers": {"email": "n || '@example.com'", "raw_id": "n"},
    "discounts": {"starts_at": "'2025-01-01'::timestamptz + n * interval '5 minutes'"},
    "discount_codes": {"code": "'CODE' || n"},
}  # fmt: skip
KEYS = {"line_items": {"order_id": "n / 3"}, "inventory_levels": {"inventory_item_id": "n / 2", "location_id": "n % 2"},
        "discounts": {"method": "'code'"}, "collection_products": {"collection_id": "n / 50", "product_id": "n"}}  # fmt: skip

# What analytics and the sync look for, and how it is found.
MARCH = "processed_at >= '2025-03-01' and processed_at < '2025-04-01'"
QUESTIONS = {
    "orders of a month": f"sum(total_price) from shopify.orders where shop_id = 1 and {MARCH}",
    "orders of a customer": "max(processed_at) from shopify.orders where shop_id = 1 and customer_id = 77",
    "lines of orders": "* from shopify.line_items where shop_id = 1 and order_id in (5, 6, 7)",
    "refunds of a month": f"* from shopify.refunds where shop_id = 1 and {MARCH}",
    "what came back in a month": f"* from shopify.refund_lines where shop_id = 1 and {MARCH}",
    "refunds without lines": "order_id from shopify.refunds where shop_id = 1 and lines_seen_at is null and deleted_at is null",
    "variants of a product": "* from shopify.variants where shop_id = 1 and product_id = 5",
    "variant by sku": "* from shopify.variants where shop_id = 1 and sku = 'M-5'",
    "variant of an item": "* from shopify.variants where shop_id = 1 and inventory_item_id = 5",
    "stock of an item": "* from shopify.inventory_levels where shop_id = 1 and inventory_item_id = 5",
    "metafields of an owner": "* from shopify.metafields where shop_id = 1 and owner_type = 'Product' and owner_id = 5",
    "customer by address": "* from shopify.customers where shop_id = 1 and email = '5@example.com'",
    "collections of a product": "* from shopify.collection_products where shop_id = 1 and product_id = 5",
    "discounts of a month": f"* from shopify.discounts where shop_id = 1 and {MARCH.replace('processed', 'starts')}",
    "discount by code": "* from shopify.discount_codes where shop_id = 1 and lower(code) = 'code5'",
}
_FILL = """
insert into shopify.{table} (shop_id, digest, updated_at, seen_at, {names})
select 1, n, '2026-01-01', '2026-01-01', {values} from generate_series(1, {rows}) as n
"""
_FILL_RAW = "insert into shopify.raw_objects select 1, n, '{}' from generate_series(1, $1::integer) as n"


def key_columns(table: str) -> list[str]:
    """Return the columns of a mirror table's key, after the shop."""
    schema = resources.files("shopify_kit").joinpath("sql", "schema.sql").read_text("utf-8")
    body = re.search(rf"create table shopify\.{table} \((.*?)\n\)", schema, re.DOTALL)
    assert body is not None
    key = re.search(r"primary key \(shop_id, (.*?)\)", body[1])
    assert key is not None
    return key[1].split(", ")


def filling(table: str) -> str:
    """Write the statement that fills a mirror table."""
    columns = {**dict.fromkeys(key_columns(table), "n"), **KEYS.get(table, {}), **MORE.get(table, {})}
    return _FILL.format(table=table, names=", ".join(columns), values=", ".join(columns.values()), rows=ROWS)


@pytest.fixture(scope="module")
def full(postgres: str, migrated_template: str) -> Iterator[Bench]:
    """A mirror with so many rows per table, and statistics of them; staging has none."""
    with fresh_database(postgres, template=migrated_template) as (_, dsn):
        database = Database(dsn)
        bench = Bench(database)
        map_in_threads(lambda table: bench.rows(filling(table)), TABLES)
        bench.rows(_FILL_RAW, ROWS)
        database.run_autocommit(_analyze)
        yield bench
        database.close()


async def _analyze(conn: Connection) -> None:
    await conn.execute("analyze")


async def _plan(conn: Any, sql: str, args: tuple[Any, ...], settings: str | None) -> Any:
    if settings is not None:
        await conn.execute(settings)
    statement = await conn.prepare(sql)
    plan = await statement.explain(*args)
    return json.loads(plan) if isinstance(plan, str) else plan


def scans(bench: Bench, sql: str, *args: Any, settings: str | None = None) -> set[str]:
    """Name the mirror's tables that a statement would read from end to end."""
    found: set[str] = set()

    def look(node: dict[str, Any]) -> None:
        if node["Node Type"] == "Seq Scan" and not node["Relation Name"].startswith(("staged_", "tombstones")):
            found.add(node["Relation Name"])
        for below in node.get("Plans", ()):
            look(below)

    look(bench.database.run(_plan, sql, args, settings)[0]["Plan"])
    return found


@pytest.mark.parametrize("question", QUESTIONS)
def test_analytics_and_sync_find_what_they_look_for(full: Bench, question: str) -> None:
    assert scans(full, f"select {QUESTIONS[question]}") == set()


@pytest.mark.parametrize("table", TABLES)
def test_a_merge_looks_up_row_by_row(full: Bench, table: str) -> None:
    scope = (1, 0, 3)
    args = {"find_news": (1, 0), "add": (*scope, AS_OF, False), "change": (*scope, AS_OF), "drop_unused": scope}
    names = [name for name in merging if name.endswith(f"_{table}") and name.removesuffix(f"_{table}") in args]

    assert {"add", "change"} <= {name.removesuffix(f"_{table}") for name in names}
    for name in names:
        sql, facts = getattr(merging, name), args[name.removesuffix(f"_{table}")]
        assert scans(full, sql, *facts, settings=loading.prefer_lookups) == set(), name


@pytest.mark.parametrize("table", ["variants", "collection_products", "inventory_levels", "metafields"])
def test_retiring_after_a_small_load_looks_up_row_by_row(full: Bench, table: str) -> None:
    more = (100,) if table == "metafields" else ()

    assert scans(full, getattr(loading, f"retire_{table}"), 1, AS_OF, *more, settings=loading.prefer_lookups) == set()


@pytest.mark.parametrize(
    ("name", "args"),
    [
        *[pytest.param(f"delete_{kind}", (1, [5, 6], AS_OF), id=f"delete_{kind}")
          for kind in ("orders", "products", "inventory_items", "locations", "customers", "collections", "discounts")
          if kind != "locations"],
        *[pytest.param(f"read_raw_{kind}", (1, [5, 6]), id=f"read_raw_{kind}")
          for kind in ("orders", "line_items", "products", "variants", "customers")],
        pytest.param("list_refunds_without_lines", (1, 0, 50), id="list_refunds_without_lines"),
        pytest.param("erase_customer_texts", (1, 5, [7]), id="erase_customer_texts"),
        pytest.param("erase_customer_orders", (1, 5, [7], AS_OF), id="erase_customer_orders"),
        pytest.param("erase_customer_lines", (1, 5, [7], AS_OF), id="erase_customer_lines"),
        pytest.param("erase_refund_notes", (1, 5, [7]), id="erase_refund_notes"),
        pytest.param("erase_customer_metafields", (1, 5), id="erase_customer_metafields"),
    ],
)  # fmt: skip
def test_single_objects_are_looked_up(full: Bench, name: str, args: tuple[Any, ...]) -> None:
    assert scans(full, getattr(verbs, name), *args) == set()


def test_a_scan_would_be_noticed(full: Bench) -> None:
    question = QUESTIONS["orders of a month"].replace("processed_at", "created_at")

    assert scans(full, f"select {question}") == {"orders"}
