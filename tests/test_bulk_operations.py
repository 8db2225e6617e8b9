"""Bulk operations as rows: found by either id, listed, forgotten in time, and read by index however many there are."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import asyncpg
import pytest

from shopify_bulk.operations import queries
from shopify_kit.errors import NotFound
from tests.bulk_shop import ORDERS, USER, BulkShop
from tests.web_host import Host, run_sql

pytest_plugins = ("tests.bulk_fixtures",)

MANY = 20_000
FILL = """
insert into shopify.bulk_operations
    (shop_id, operation_id, kind, purpose, status, user_id, bucket, document, facts, gid, created_at, completed_at)
select
    $1, gen_random_uuid(), 'query', 'sync', 'completed', 'u', 'b', 'query Bulk_x { products }',
    jsonb_build_object('fingerprint', md5(n::text))
        || case when n % 9 = 0 then jsonb_build_object('part_of', md5((n / 9)::text)) else '{}' end,
    'gid://shopify/BulkOperation/' || n, now() - make_interval(mins => n), now() - make_interval(mins => n)
from generate_series(1, $2::integer) as n
"""


# Finding


def test_operation_is_found_by_our_id_and_by_shopifys_number(bulk: BulkShop) -> None:
    done = bulk.run()
    number = str(done.gid).rsplit("/", 1)[1]

    for written in (str(done.operation_id), str(done.operation_id).upper(), number):
        assert bulk.api.operations.get([bulk.shop_id], written) == done


@pytest.mark.parametrize("written", ["", "0", "12", "x", "9" * 40, "١٢", str(uuid.UUID(int=5)), "gid://shopify/BulkOperation/1"])
def test_what_names_no_operation_of_ours_is_not_found(bulk: BulkShop, written: str) -> None:
    with pytest.raises(NotFound):
        bulk.api.operations.get([bulk.shop_id], written)


def test_operation_of_another_shop_is_not_found(bulk: BulkShop) -> None:
    done = bulk.run()

    for written in (str(done.operation_id), str(done.gid).rsplit("/", 1)[1]):
        with pytest.raises(NotFound):
            bulk.api.operations.get([bulk.shop_id + 1], written)


def test_operations_are_listed_newest_first_page_by_page(bulk: BulkShop) -> None:
    made = [bulk.start(), bulk.start(ORDERS), bulk.api.export(USER, bulk.shop_id, "ExportProducts", {})]
    bulk.api.export(USER, bulk.shop_id, "BulkOrders", {}, purpose="sync")

    seen, before = [], None
    while True:
        page = bulk.api.operations.latest([bulk.shop_id], status=None, before=before, limit=2, all_purposes=False)
        if not page:
            break
        seen += [one.operation_id for one in page]
        before = (page[-1].created_at, page[-1].operation_id)

    assert seen == [one.operation_id for one in reversed(made)]
    assert len(bulk.api.operations.latest([bulk.shop_id], status=None, before=None, limit=9, all_purposes=True)) == 4
    assert bulk.api.operations.latest([bulk.shop_id], status="completed", before=None, limit=9, all_purposes=True) == []


# Forgetting


def sweep(bulk: BulkShop) -> None:
    """Do what the schedule does."""
    _, unit = bulk.api.schedules()["bulk.sweep"]
    bulk.store_now(unit)


@pytest.mark.parametrize(("days", "is_kept"), [(29, True), (31, False)])
def test_operation_is_kept_for_thirty_days_after_its_end(bulk: BulkShop, days: int, is_kept: bool) -> None:
    done = bulk.run()
    run_sql(bulk.host.dsn, "update shopify.bulk_operations set completed_at = now() - make_interval(days => $1)", days)

    sweep(bulk)

    assert (bulk.api.operations.find(bulk.shop_id, done.operation_id) is not None) == is_kept


def test_operation_that_goes_on_is_never_forgotten(bulk: BulkShop) -> None:
    operation = bulk.start()
    run_sql(bulk.host.dsn, "update shopify.bulk_operations set created_at = now() - interval '1 year'")

    sweep(bulk)

    assert bulk.now(operation).status == "pending"


# Plans


def plan_of(dsn: str, query: str, arguments: list[Any]) -> str:
    """Return how Postgres would answer a query once it knows it well."""

    async def explain() -> str:
        conn = await asyncpg.connect(dsn)
        try:
            await conn.execute("set plan_cache_mode = force_generic_plan")
            statement = await conn.prepare(query)
            found: list[Any] = await statement.explain(*arguments)
            return json.dumps(found)
        finally:
            await conn.close()

    return asyncio.run(explain())


SOME = uuid.UUID(int=1)


@pytest.fixture
def full(bulk_host: Host) -> str:
    """A database with the operations of weeks; its DSN."""
    dsn = bulk_host.dsn
    if run_sql(dsn, "select count(*) from shopify.bulk_operations")[0][0] < MANY:
        run_sql(dsn, FILL, run_sql(dsn, "select min(shop_id) from shopify.shops")[0][0], MANY)
        run_sql(dsn, "analyze shopify.bulk_operations")
    return dsn


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("find_operation", [1, SOME]),
        ("find_operation_of_shops", [[1], SOME]),
        ("find_operation_by_number", [[1], "7"]),
        ("ring_operation", [1, "gid://shopify/BulkOperation/7"]),
        ("find_reusable", [1, "sync", "x", 300.0, "b"]),
        ("count_open", [1, "b", "query"]),
        ("next_waiting", [1, "b", "query"]),
        ("list_parts", [1, "x"]),
        ("cancel_parts", [1, "x"]),
        ("sum_up_parts", [1, str(SOME)]),
        ("note_parts_progress", [1, str(SOME)]),
        ("list_operations", [[1], None, None, 50, None]),
        ("list_all_operations", [[1], None, None, 50, None]),
        ("sweep_operations", [30, 1000]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_read_goes_by_an_index_however_many_operations_there_were(full: str, name: str, arguments: list[Any]) -> None:
    plan = plan_of(full, getattr(queries, name), arguments)

    assert "Seq Scan" not in plan
