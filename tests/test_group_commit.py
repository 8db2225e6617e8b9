"""Group commit against real Postgres: how groups form, whose fault a failure is, and how long anybody waits."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest

from shopify_kit.database import Connection, Database
from shopify_kit.errors import DatabaseUnavailable
from shopify_kit.group_commit import MAX_GROUP, MAX_GROUP_BYTES, GroupCommit
from tests.processes import wait_until


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    run_sql(made, "create table public.rows (id bigint generated always as identity, text text unique check (text <> 'poison'))")
    yield made
    made.close()


def run_sql(database: Database, sql: str) -> list[Any]:
    async def run(conn: Connection) -> list[Any]:
        return await conn.fetch(sql)

    return database.run(run)


class Writer:
    """A verb that writes texts in one statement, notes its groups, and can be held up."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.held = threading.Event()
        self.held.set()
        self.entered = threading.Event()

    async def __call__(self, conn: Connection, texts: Sequence[str]) -> list[str]:
        self.groups.append(list(texts))
        self.entered.set()
        await asyncio.to_thread(self.held.wait, 10)
        await conn.execute("insert into public.rows (text) select unnest($1::text[])", list(texts))
        return [f"wrote {text}" for text in texts]


@pytest.fixture
def writer() -> Iterator[Writer]:
    made = Writer()
    yield made
    made.held.set()


def is_items_fault(error: BaseException) -> bool:
    return isinstance(error, asyncpg.IntegrityConstraintViolationError | asyncpg.DataError)


def group_of(database: Database, write: Callable[..., Any], **options: Any) -> GroupCommit[str, str]:
    return GroupCommit(database, write, is_items_fault=is_items_fault, **options)


@contextmanager
def callers(group: GroupCommit[str, str], texts: Sequence[str]) -> Iterator[list[Future[str]]]:
    """Put each text in a thread of its own; when the block begins, the first of all is being written, and the others wait."""
    with ThreadPoolExecutor(max(1, len(texts))) as pool:
        is_first, before = not group._is_writing, len(group._waiting)
        futures = [pool.submit(group.put, text) for text in texts]

        def have_arrived() -> bool:
            return group._is_writing and len(group._waiting) >= before + len(texts) - is_first

        wait_until(lambda: have_arrived() or all(future.done() for future in futures))
        yield futures


def stored(database: Database) -> list[str]:
    return [row["text"] for row in run_sql(database, "select text from public.rows order by id")]


# How groups form


def test_a_lone_caller_writes_at_once(database: Database, writer: Writer) -> None:
    """There is no timer that anybody waits for."""
    group = group_of(database, writer)
    group.put("first")
    started_at = time.monotonic()

    for number in range(20):
        assert group.put(f"row {number}") == f"wrote row {number}"

    assert time.monotonic() - started_at < 1
    assert writer.groups[1:] == [[f"row {number}"] for number in range(20)]


def test_a_row_is_committed_when_its_caller_returns(database: Database, database_url: str, writer: Writer) -> None:
    other = Database(database_url)

    group_of(database, writer).put("row")

    assert stored(other) == ["row"]
    other.close()


def test_whoever_comes_while_a_group_is_written_goes_with_the_next(database: Database, writer: Writer) -> None:
    group = group_of(database, writer)
    writer.held.clear()

    with callers(group, ["first"]), callers(group, [f"row {number}" for number in range(10)]) as later:
        writer.held.set()
        results = sorted(future.result(10) for future in later)

    assert [len(texts) for texts in writer.groups] == [1, 10]
    assert results == [f"wrote row {number}" for number in range(10)]
    assert len(stored(database)) == 11


def test_groups_are_bounded(database: Database, writer: Writer) -> None:
    group = group_of(database, writer)
    writer.held.clear()

    with callers(group, ["first"]), callers(group, [f"row {number}" for number in range(MAX_GROUP + 5)]):
        writer.held.set()

    assert [len(texts) for texts in writer.groups] == [1, MAX_GROUP, 5]


def test_large_rows_make_small_groups(database: Database, writer: Writer) -> None:
    group = group_of(database, writer, size_of=lambda text: MAX_GROUP_BYTES // 2 if text.startswith("large") else 1)
    writer.held.clear()

    with callers(group, ["first"]), callers(group, [f"large {number}" for number in range(5)]):
        writer.held.set()

    assert [len(texts) for texts in writer.groups] == [1, 2, 2, 1]


def test_nothing_runs_while_nobody_writes(database: Database, writer: Writer) -> None:
    group = group_of(database, writer)
    group.put("row")
    before = threading.active_count()

    wait_until(lambda: not group._is_writing)

    assert threading.active_count() == before
    assert len(writer.groups) == 1


# Whose fault it is


def test_a_poisoned_row_harms_nobody_else(database: Database, writer: Writer) -> None:
    group = group_of(database, writer)
    writer.held.clear()
    texts = ["a", "poison", "b", "c"]

    with callers(group, ["first"]), callers(group, texts) as futures:
        writer.held.set()
        errors = {text: future.exception(10) for text, future in zip(texts, futures, strict=True)}

    assert isinstance(errors.pop("poison"), asyncpg.CheckViolationError)
    assert set(errors.values()) == {None}
    assert sorted(stored(database)) == ["a", "b", "c", "first"]


def test_a_row_that_cannot_even_be_sent_harms_nobody_else(database: Database, writer: Writer) -> None:
    group = group_of(database, writer)
    writer.held.clear()

    with callers(group, ["first"]), callers(group, ["a", "nul \0"]) as (good, bad):
        writer.held.set()
        assert good.result(10) == "wrote a"
        assert isinstance(bad.exception(10), asyncpg.DataError)


def test_a_lone_poisoned_row_is_refused_once(database: Database, writer: Writer) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        group_of(database, writer).put("poison")

    assert writer.groups == [["poison"]]


def test_a_fault_of_the_statement_reaches_every_caller(database: Database) -> None:
    groups: list[int] = []
    held = threading.Event()

    async def fail(conn: Connection, texts: Sequence[str]) -> list[str]:
        groups.append(len(texts))
        await asyncio.to_thread(held.wait, 10)
        await conn.execute("select * from public.no_such_table")
        return []

    group = group_of(database, fail)
    with callers(group, ["first"]) as first, callers(group, ["a", "b"]) as later:
        held.set()
        errors = [future.exception(10) for future in (*first, *later)]

    assert [type(error) for error in errors] == [asyncpg.UndefinedTableError] * 3
    assert groups == [1, 2]
    assert group_of(database, Writer()).put("afterwards") == "wrote afterwards"


# A database that is away


def test_nobody_waits_three_seconds_for_a_database_that_hangs(database: Database) -> None:
    """Those who wait are told with the first; the next of them would only find the same out once more."""
    calls: list[int] = []

    async def hang(conn: Connection, texts: Sequence[str]) -> list[str]:
        calls.append(len(texts))
        await conn.execute("select pg_sleep(60)")
        return []

    group = group_of(database, hang)
    started_at = time.monotonic()

    with callers(group, ["first"]) as first, callers(group, ["a", "b", "c"]) as later:
        errors = [future.exception(10) for future in (*first, *later)]
    waited_s = time.monotonic() - started_at

    assert all(isinstance(error, DatabaseUnavailable) and error.retry_after_s for error in errors)
    assert waited_s < 3
    assert calls == [1]


def test_those_who_come_late_in_a_long_write_still_have_their_answer_in_time(database: Database) -> None:
    """A write that takes long succeeds; the one after it gets what time is left, less what it takes to give up a statement on a
    server that does not even answer that."""
    calls: list[float] = []

    async def crawl(_: Connection, texts: Sequence[str]) -> list[str]:
        calls.append(time.monotonic())
        if len(calls) == 1:
            await asyncio.sleep(0.7)
            return list(texts)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)
        return []

    group = group_of(database, crawl, timeout_s=1.5, patience_s=2.6)
    with callers(group, ["first"]) as first, callers(group, ["late"]) as late:
        assert first[0].result(10) == "first"
        assert isinstance(late[0].exception(10), DatabaseUnavailable)
    waited_s = time.monotonic() - calls[0]

    assert waited_s < 2.9
    assert len(calls) == 2


def test_a_database_that_refuses_connections_is_told_to_all_at_once() -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
    group = group_of(nowhere, Writer())
    started_at = time.monotonic()

    with callers(group, [f"row {number}" for number in range(12)]) as futures:
        errors = [future.exception(10) for future in futures]
    waited_s = time.monotonic() - started_at
    nowhere.close()

    assert {type(error) for error in errors} == {DatabaseUnavailable}
    assert waited_s < 3


def test_the_next_caller_after_an_outage_is_served(database: Database, writer: Writer) -> None:
    group = group_of(database, writer)
    writer.held.clear()

    with callers(group, ["lost"]) as lost:
        assert writer.entered.wait(10)
        database.close()
        writer.held.set()
        assert isinstance(lost[0].exception(10), DatabaseUnavailable)

    assert group.put("afterwards") == "wrote afterwards"


def test_rows_of_a_leader_that_is_ended_do_not_pass_for_written(database: Database) -> None:
    """A server that ends a request's thread raises something that is no ordinary error."""
    held, entered = threading.Event(), threading.Event()

    class Ended(BaseException):
        pass

    async def write(_: Connection, texts: Sequence[str]) -> list[str]:
        entered.set()
        await asyncio.to_thread(held.wait, 10)
        if "first" not in texts:
            raise Ended
        return list(texts)

    group = group_of(database, write)
    with callers(group, ["first"]), callers(group, ["a", "b"]) as later:
        held.set()
        errors = [future.exception(10) for future in later]

    assert sorted(type(error).__name__ for error in errors) == ["DatabaseUnavailable", "Ended"]
    assert group.put("first") == "first"
