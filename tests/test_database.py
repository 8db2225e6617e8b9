"""The database bridge against real Postgres: every state of a host's pool, every way a server can be away."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from shopify_kit.database import Connection, Database, DatabaseOptions
from shopify_kit.embedded_postgres import EmbeddedPostgres
from shopify_kit.errors import DatabaseUnavailable, SettingsError
from shopify_kit.runtime import map_in_threads
from tests.processes import ChildProcess, wait_until

# A host keeps its pool and loop as long as it lives, also those that are of no use any more.
_HOSTS_OWN: list[object] = []


async def backend_pid(conn: Connection) -> int:
    return int(await conn.fetchval("select pg_backend_pid()"))


async def current_database(conn: Connection) -> str:
    return str(await conn.fetchval("select current_database()"))


async def sleep_on_the_server(conn: Connection, seconds: float) -> None:
    await conn.execute("select pg_sleep($1)", seconds)


async def run_sql(conn: Connection, sql: str) -> str:
    return await conn.execute(sql)


async def count_rows(conn: Connection) -> int:
    return int(await conn.fetchval("select count(*) from public.things"))


@contextmanager
def bridge(source: object = None, *, dsn: str | None = None, **options: Any) -> Iterator[Database]:
    database = Database(source, dsn=dsn, options=DatabaseOptions(**options))
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with bridge(database_url) as made:
        made.run(run_sql, "create table public.things (name text primary key, amount int not null default 0)")
        yield made


@pytest.fixture
def witness(postgres: str) -> Iterator[Callable[..., Any]]:
    """Asks the server over a connection of its own: `witness(sql, *args) -> first value`."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(postgres))
        yield lambda sql, *args: runner.run(connection.fetchval(sql, *args))
        runner.run(connection.close())


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """A server of this test's own, to be killed and started again under the same address."""
    with EmbeddedPostgres(durable=False) as private:
        yield private


def kill(server: EmbeddedPostgres) -> None:
    pid = server.pid
    os.kill(pid, signal.SIGKILL)
    port = urlsplit(server.dsn()).port
    wait_until(lambda: not listens(port), what="the end of the server")


def revive(server: EmbeddedPostgres) -> None:
    """Start a killed server again; its guard may need a moment to notice the death."""
    port = urlsplit(server.dsn()).port
    wait_until(lambda: server.start() and listens(port), what="the server's return")


def listens(port: int | None) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port or 0)) == 0


class RunningHost:
    """A host whose pool lives on a loop that one of the host's own threads runs."""

    def __init__(self, dsn: str, **pool_options: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.pool = self.call(self._open(dsn, **pool_options))

    async def _open(self, dsn: str, **pool_options: Any) -> Any:
        return await asyncpg.create_pool(dsn, **{"min_size": 1, "max_size": 10} | pool_options)

    def call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def stop_loop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def close(self) -> None:
        if self.thread.is_alive():
            self.call(self.pool.close())
            self.stop_loop()
        else:
            self.loop.run_until_complete(self.pool.close())
        self.loop.close()


@pytest.fixture
def running_host(database_url: str) -> Iterator[RunningHost]:
    host = RunningHost(database_url)
    yield host
    host.close()


def pool_of_a_closed_loop(dsn: str, **pool_options: Any) -> Any:
    """What `asyncio.run(init_database())` at import leaves behind."""

    async def init_database() -> Any:
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=10, **pool_options)
        assert await pool.fetchval("select 1") == 1
        return pool

    pool = asyncio.run(init_database())
    _HOSTS_OWN.append(pool)
    return pool


@contextmanager
def idle_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


class TestStatesOfTheHostsPool:
    def test_a_pool_on_a_running_loop_is_used_on_that_loop(self, running_host: RunningHost, witness: Callable[..., Any]) -> None:
        with bridge(running_host.pool) as database:
            pid = database.run(backend_pid)

            assert pid in {holder._con.get_server_pid() for holder in running_host.pool._holders if holder._con}
            assert database.state().source == "host_pool"
            assert witness("select count(*) from pg_stat_activity where application_name = 'shopify_integration'") == 0

    def test_a_hosts_pool_survives_our_close(self, running_host: RunningHost) -> None:
        with bridge(running_host.pool) as database:
            database.run(backend_pid)

        assert running_host.call(running_host.pool.fetchval("select 1")) == 1

    def test_at_most_half_of_a_hosts_pool_is_taken(self, database_url: str) -> None:
        host = RunningHost(database_url, max_size=6)
        active: list[int] = []
        seen: list[int] = []

        async def count_the_active(conn: Connection) -> None:
            active.append(1)
            seen.append(len(active))
            await conn.execute("select pg_sleep(0.02)")
            active.pop()

        with bridge(host.pool) as database:
            map_in_threads(lambda _: database.run(count_the_active), range(30), max_threads=30)

            assert max(seen) == 3
            assert database.state().max_connections == 3
        host.close()

    def test_when_the_hosts_loop_stops_connections_are_opened_anew(self, running_host: RunningHost) -> None:
        with bridge(running_host.pool) as database:
            before = database.run(backend_pid)
            running_host.stop_loop()

            assert database.run(backend_pid) != before
            assert database.state().source == "reopened_pool"

    def test_a_unit_in_flight_hears_of_the_end_of_the_hosts_loop(self, running_host: RunningHost) -> None:
        async def stop_the_loop(conn: Connection) -> None:
            asyncio.get_running_loop().stop()
            await conn.execute("select 1")

        with bridge(running_host.pool) as database:
            with pytest.raises(DatabaseUnavailable, match="whether the work was stored is not known"):
                database.run(stop_the_loop)
            running_host.thread.join()
            running_host.loop.run_until_complete(asyncio.sleep(0))

    def test_when_the_host_closes_its_pool_connections_are_opened_anew(self, running_host: RunningHost) -> None:
        with bridge(running_host.pool) as database:
            database.run(backend_pid)
            running_host.call(running_host.pool.close())

            assert database.run(backend_pid)
            assert database.state().source == "reopened_pool"

    def test_the_first_unit_may_come_from_inside_the_hosts_loop(self, running_host: RunningHost) -> None:
        """`async def main()` that creates the pool and then registers the integration."""

        async def register() -> int:
            return bridged.run(backend_pid)

        with bridge(running_host.pool) as bridged:
            assert running_host.call(register())
            assert bridged.state().source == "reopened_pool"

    def test_a_pool_of_an_idle_loop_is_opened_anew_and_its_loop_stays_the_hosts(self, database_url: str) -> None:
        with idle_loop() as loop:

            async def create() -> Any:
                return await asyncpg.create_pool(database_url, min_size=1)

            pool = loop.run_until_complete(create())

            async def answer_while_the_host_runs_its_loop(conn: Connection) -> int:
                return int(await conn.fetchval("select 2"))

            async def use_both() -> tuple[int, int]:
                ours = asyncio.to_thread(bridged.run, answer_while_the_host_runs_its_loop)
                theirs, result = await asyncio.gather(pool.fetchval("select 1"), ours)
                return theirs, result

            with bridge(pool) as bridged:
                assert bridged.run(backend_pid)
                assert bridged.state().source == "reopened_pool"
                assert loop.run_until_complete(pool.fetchval("select 1")) == 1
                assert loop.run_until_complete(use_both()) == (1, 2)
            loop.run_until_complete(pool.close())

    def test_a_pool_of_a_closed_loop_is_opened_anew(self, database_url: str) -> None:
        pool = pool_of_a_closed_loop(database_url)

        with bridge(pool) as database:
            assert database.run(current_database) == urlsplit(database_url).path[1:]
            assert database.state().source == "reopened_pool"

    def test_a_pool_that_the_host_closed_is_opened_anew(self, database_url: str) -> None:
        async def init_database() -> Any:
            async with asyncpg.create_pool(database_url, min_size=1) as pool:
                return pool

        with bridge(asyncio.run(init_database())) as database:
            assert database.run(backend_pid)

    def test_a_pool_that_nobody_awaited_is_opened_anew_and_may_be_awaited_later(self, database_url: str) -> None:
        with idle_loop() as loop:
            pool = asyncpg.create_pool(database_url, min_size=1, loop=loop)

            with bridge(pool) as database:
                assert database.run(backend_pid)
                assert database.state().source == "reopened_pool"

            async def await_it() -> Any:
                return await pool

            assert loop.run_until_complete(await_it()) is pool
            assert loop.run_until_complete(pool.fetchval("select 1")) == 1
            loop.run_until_complete(pool.close())

    def test_connection_arguments_of_the_hosts_pool_are_kept(self, database_url: str) -> None:
        address = urlsplit(database_url)
        pool = pool_of_a_closed_loop(
            None,  # type: ignore[arg-type]
            host=address.hostname,
            port=address.port,
            user=address.username,
            password=lambda: address.password,
            database=address.path[1:],
            server_settings={"timezone": "Asia/Tokyo"},
        )

        async def settings(conn: Connection) -> tuple[str, str]:
            return await conn.fetchval("show timezone"), await conn.fetchval("show application_name")

        with bridge(pool) as database:
            assert database.run(settings) == ("Asia/Tokyo", "shopify_integration")

    def test_a_dsn_is_opened(self, database_url: str) -> None:
        with bridge(database_url) as database:
            assert database.run(current_database) == urlsplit(database_url).path[1:]
            assert database.state().source == "dsn"

    @pytest.mark.parametrize("source", ["none", "pool", "dsn"])
    def test_a_dsn_from_the_settings_wins(self, postgres: str, database_url: str, source: str) -> None:
        given = {"none": None, "pool": pool_of_a_closed_loop(postgres), "dsn": postgres}[source]

        with bridge(given, dsn=database_url) as database:
            assert database.run(current_database) == urlsplit(database_url).path[1:]

    @pytest.mark.parametrize(
        "rewrite",
        [
            pytest.param(lambda dsn: dsn.replace("postgresql://", "postgresql+asyncpg://"), id="scheme names a driver"),
            pytest.param(lambda dsn: dsn.replace("postgresql://", "postgres://"), id="short scheme"),
            pytest.param(lambda dsn: dsn + "?pgbouncer=true&application_name=host", id="pgbouncer flag"),
        ],
    )
    def test_a_dsn_as_other_tools_write_it_is_understood(self, database_url: str, rewrite: Callable[[str], str]) -> None:
        with bridge(rewrite(database_url)) as database:
            assert database.run(backend_pid)

    @pytest.mark.parametrize(
        "source",
        [
            pytest.param(None, id="nothing"),
            pytest.param(object(), id="something else"),
            pytest.param("mysql://root:canary-secret@localhost/shop", id="another database"),
            pytest.param("postgresql//:canary-secret@[", id="garbage"),
        ],
    )
    def test_what_is_no_database_is_refused_without_repeating_it(self, source: object) -> None:
        with pytest.raises(SettingsError) as caught:
            Database(source)

        assert "postgresql://user:password@host:5432/name" in caught.value.message
        assert "canary-secret" not in caught.value.message

    def test_two_databases_in_one_process_share_nothing(self, postgres: str, database_url: str) -> None:
        with bridge(database_url) as one, bridge(postgres) as other:
            assert one.run(current_database) != other.run(current_database)

            one.close()

            assert one.state().source is None
            assert other.state().connections == 1
            assert other.run(current_database) == "postgres"


FORK_SCRIPT = """
import asyncio, os, sys, threading
import asyncpg
from shopify_kit.database import Database, DatabaseOptions

state, dsn = sys.argv[1:]

async def create():
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=4)
    await pool.fetchval("select 1")
    return pool

async def pid(conn):
    return await conn.fetchval("select pg_backend_pid()")

if state == "closed loop":
    source = asyncio.run(create())
elif state == "running loop":
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    source = asyncio.run_coroutine_threadsafe(create(), loop).result(10)
else:
    source = dsn
# Without idle timers nothing but our own care keeps the inherited connections from being destroyed in the child.
database = Database(source, options=DatabaseOptions(idle_lifetime_s=0))
if state != "unused before":
    before = database.run(pid)

for child_uses_it in (True, False):
    child = os.fork()
    if child == 0:
        if child_uses_it:
            assert state == "unused before" or database.run(pid) != before
            assert [database.run(pid) for _ in range(3)]
            database.close()
        sys.exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, status

if state != "unused before":
    assert database.run(pid) == before, "the child's end took the parent's connection"
database.run(pid)
database.close()
print("ok", flush=True)
os._exit(0)
"""


@pytest.mark.parametrize("state", ["closed loop", "running loop", "dsn", "unused before"])
def test_a_forked_worker_has_connections_of_its_own_and_harms_nobody(state: str, database_url: str) -> None:
    """gunicorn --preload: everything is made before the fork; workers come and go."""
    done = subprocess.run(
        [sys.executable, "-c", FORK_SCRIPT, state, database_url], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("ok\n", "")


LATE_LOOP_SCRIPT = """
import asyncio, os, sys, threading
import asyncpg
from shopify_kit.database import Database

async def create():
    return await asyncpg.create_pool(sys.argv[1], min_size=1, max_size=1)

async def pid(conn):
    return await conn.fetchval("select pg_backend_pid()")

loop = asyncio.new_event_loop()
pool = loop.run_until_complete(create())
database = Database(pool)
child = os.fork()
if child == 0:
    threading.Thread(target=loop.run_forever, daemon=True).start()
    database.run(pid)
    assert database.state().source == "reopened_pool"
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
print("ok", flush=True)
os._exit(0)
"""


def test_connections_made_before_a_fork_are_not_used_even_where_their_loop_runs_afterwards(database_url: str) -> None:
    """Two processes on one socket would read each other's answers."""
    done = subprocess.run(
        [sys.executable, "-c", LATE_LOOP_SCRIPT, database_url], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("ok\n", "")


def test_a_process_that_never_closes_its_database_ends_quietly(database_url: str) -> None:
    script = """
import sys
from shopify_kit.database import Database
async def one(conn): return await conn.fetchval("select 1")
database = Database(sys.argv[1])
assert database.run(one) == 1
"""
    done = subprocess.run([sys.executable, "-c", script, database_url], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


class TestHostsWithAJsonCodec:
    """An `init=` hook that turns every jsonb parameter into JSON text once more."""

    @staticmethod
    async def install_codec(conn: Any) -> None:
        await conn.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")

    @staticmethod
    async def round_trip(conn: Connection) -> tuple[str, str]:
        await conn.execute("create table if not exists public.facts (facts jsonb)")
        await conn.execute("insert into public.facts values ($1::text::jsonb)", '{"shop": "a"}')
        row = await conn.fetchrow("select facts::text, jsonb_typeof(facts) as kind from public.facts")
        assert row is not None
        return row["facts"], row["kind"]

    def test_facts_stay_facts_on_the_hosts_connections(self, database_url: str) -> None:
        host = RunningHost(database_url, init=self.install_codec)

        with bridge(host.pool) as database:
            assert database.run(self.round_trip) == ('{"shop": "a"}', "object")
            assert database.state().source == "host_pool"
        host.close()

    def test_the_hook_is_not_run_on_connections_of_our_own(self, database_url: str) -> None:
        pool = pool_of_a_closed_loop(database_url, init=self.install_codec)

        async def read_jsonb(conn: Connection) -> object:
            return await conn.fetchval("select '{}'::jsonb")

        with bridge(pool) as database:
            assert database.run(self.round_trip) == ('{"shop": "a"}', "object")
            assert database.run(read_jsonb) == "{}"


class TestUnits:
    def test_a_unit_is_committed_before_its_result_is_there(self, database: Database, database_url: str) -> None:
        database.run(run_sql, "insert into public.things values ('hat', 1)")

        with bridge(database_url) as other:
            assert other.run(count_rows) == 1

    def test_a_committed_unit_leaves_nothing_to_clean_up(self, database: Database, caplog: pytest.LogCaptureFixture) -> None:
        statements: list[str] = []

        async def listen(conn: Any) -> None:
            conn._con.add_query_logger(lambda query: statements.append(query.query.partition("*/ ")[2] or query.query))

        database.run_autocommit(listen)
        database.run(run_sql, "select 1")

        assert statements == ["BEGIN ISOLATION LEVEL READ COMMITTED;", "select 1", "commit"]
        assert caplog.records == []

    def test_arguments_reach_the_verb(self, database: Database) -> None:
        async def echo(conn: Connection, left: int, *, right: int) -> int:
            return int(await conn.fetchval("select $1::int - $2::int", left, right))

        assert database.run(echo, 5, right=3) == 2

    def test_a_failed_unit_leaves_nothing_and_its_own_error(self, database: Database) -> None:
        async def insert_twice(conn: Connection) -> None:
            await conn.execute("insert into public.things values ('hat')")
            await conn.execute("insert into public.things values ('hat')")

        with pytest.raises(asyncpg.UniqueViolationError):
            database.run(insert_twice)
        assert database.run(count_rows) == 0

    def test_an_error_of_the_verbs_own_rolls_back(self, database: Database) -> None:
        async def insert_and_fail(conn: Connection) -> None:
            await conn.execute("insert into public.things values ('hat')")
            raise FileNotFoundError("orders.csv")

        with pytest.raises(FileNotFoundError, match="orders"):
            database.run(insert_and_fail)
        assert database.run(count_rows) == 0

    def test_an_error_within_a_savepoint_may_be_survived(self, database: Database) -> None:
        async def insert_what_is_new(conn: Connection) -> None:
            for name in ("hat", "hat", "scarf"):
                try:
                    async with conn.transaction():
                        await conn.execute("insert into public.things values ($1)", name)
                except asyncpg.UniqueViolationError:
                    pass

        database.run(insert_what_is_new)

        assert database.run(count_rows) == 2

    def test_a_unit_that_swallows_the_error_of_a_statement_is_told_that_nothing_was_stored(self, database: Database) -> None:
        async def insert_carelessly(conn: Connection) -> None:
            await conn.execute("insert into public.things values ('hat')")
            with suppress(asyncpg.UniqueViolationError):
                await conn.execute("insert into public.things values ('hat')")

        with pytest.raises(RuntimeError, match=r"insert_carelessly went on .* discarded the whole unit"):
            database.run(insert_carelessly)
        assert database.run(count_rows) == 0

    def test_a_constraint_that_is_checked_at_commit_fails_the_unit(self, database: Database) -> None:
        database.run(run_sql, "alter table public.things add unique (amount) deferrable initially deferred")

        with pytest.raises(asyncpg.UniqueViolationError):
            database.run(run_sql, "insert into public.things values ('hat', 1), ('scarf', 1)")
        assert database.run(count_rows) == 0

    def test_units_read_what_is_committed_whatever_the_role_says(self, database: Database, database_url: str) -> None:
        name = urlsplit(database_url).path[1:]
        database.run(run_sql, f"alter database {name} set default_transaction_isolation = 'serializable'")

        async def isolation(conn: Connection) -> str:
            return str(await conn.fetchval("show transaction_isolation"))

        with bridge(database_url) as fresh:
            assert fresh.run(isolation) == "read committed"

    def test_units_in_a_deadlock_both_succeed_in_the_end(self, database: Database) -> None:
        database.run(run_sql, "insert into public.things values ('hat'), ('scarf')")
        both_hold_one = asyncio.Barrier(2)
        attempts: list[str] = []

        async def add_to_both(conn: Connection, first: str, second: str) -> None:
            is_first_attempt = first not in attempts
            attempts.append(first)
            await conn.execute("update public.things set amount = amount + 1 where name = $1", first)
            if is_first_attempt:
                await both_hold_one.wait()
            await conn.execute("update public.things set amount = amount + 1 where name = $1", second)

        async def amounts(conn: Connection) -> list[int]:
            return [row["amount"] for row in await conn.fetch("select amount from public.things")]

        orders = [("hat", "scarf"), ("scarf", "hat")]
        map_in_threads(lambda order: database.run(add_to_both, *order), orders, max_threads=2)

        assert database.run(amounts) == [2, 2]
        assert len(attempts) == 3

    def test_a_unit_that_never_serializes_is_given_up_and_may_be_tried_later(self, database: Database) -> None:
        attempts: list[int] = []

        async def never_serialize(conn: Connection) -> None:
            attempts.append(1)
            await conn.execute("do $$ begin raise exception using errcode = '40001'; end $$")

        with pytest.raises(DatabaseUnavailable, match="gave up a unit of work 3 times") as caught:
            database.run(never_serialize)
        assert len(attempts) == 3
        assert caught.value.retryable
        assert caught.value.retry_after_s

    def test_a_plan_made_stale_by_a_migration_is_made_again(self, database: Database) -> None:
        async def read_all(conn: Connection) -> list[Any]:
            return [dict(row.items()) for row in await conn.fetch("select * from public.things")]

        database.run(run_sql, "insert into public.things values ('hat')")
        map_in_threads(lambda _: database.run(read_all), range(16), max_threads=8)
        database.run(run_sql, "alter table public.things add column colour text")

        assert database.run(read_all) == [{"name": "hat", "amount": 0, "colour": None}]

    def test_outside_a_transaction_each_statement_counts_by_itself(self, database: Database) -> None:
        async def insert_and_fail(conn: Connection) -> None:
            await conn.execute("insert into public.things values ('hat')")
            raise ValueError("after the first statement")

        with pytest.raises(ValueError, match="after the first"):
            database.run_autocommit(insert_and_fail)
        assert database.run_autocommit(run_sql, "vacuum public.things") == "VACUUM"
        assert database.run(count_rows) == 1

    def test_a_failed_verb_outside_a_transaction_leaves_no_lock_behind(self, database_url: str) -> None:
        async def lock_and_fail(conn: Connection) -> None:
            await conn.execute("select pg_advisory_lock(7)")
            raise ValueError("forgot to unlock")

        async def count_locks(conn: Connection) -> int:
            return int(await conn.fetchval("select count(*) from pg_locks where locktype = 'advisory' and objid = 7"))

        with bridge(database_url, max_connections=1) as database:
            with pytest.raises(ValueError, match="forgot"):
                database.run_autocommit(lock_and_fail)

            assert database.run(count_locks) == 0

    def test_rows_stream_in_by_copy(self, database: Database) -> None:
        async def copy(conn: Connection) -> str:
            rows = ((f"thing {number}", number) for number in range(1000))
            return await conn.copy_records_to_table("things", schema_name="public", columns=["name", "amount"], records=rows)

        assert database.run(copy) == "COPY 1000"
        assert database.run(count_rows) == 1000

    def test_a_call_from_within_a_unit_is_refused(self, database: Database) -> None:
        async def call_again(conn: Connection) -> int:  # noqa: ARG001
            return database.run(backend_pid)

        with pytest.raises(RuntimeError, match="own thread"):
            database.run(call_again)

    def test_a_call_from_the_hosts_loop_is_refused_where_units_run_on_it(self, running_host: RunningHost) -> None:
        async def call() -> int:
            return bridged.run(backend_pid)

        with bridge(running_host.pool) as bridged:
            bridged.run(backend_pid)

            with pytest.raises(RuntimeError, match="own thread"):
                running_host.call(call())

    def test_fifty_threads_share_a_few_connections(self, database: Database, witness: Callable[..., Any]) -> None:
        database.run(run_sql, "insert into public.things values ('hat')")

        async def add_one(conn: Connection) -> None:
            await conn.execute("update public.things set amount = amount + 1 where name = 'hat'")

        async def amount(conn: Connection) -> int:
            return int(await conn.fetchval("select amount from public.things"))

        def add_often(_: int) -> None:
            for _ in range(20):
                database.run(add_one)

        map_in_threads(add_often, range(50), max_threads=50)

        assert database.run(amount) == 1000
        assert 1 <= witness("select count(*) from pg_stat_activity where application_name = 'shopify_integration'") <= 8

    def test_close_gives_every_connection_back_and_a_later_unit_opens_again(
        self, database_url: str, witness: Callable[..., Any]
    ) -> None:
        ours = "select count(*) from pg_stat_activity where application_name = 'closing'"
        with bridge(database_url, application_name="closing") as database:
            map_in_threads(lambda _: database.run(sleep_on_the_server, 0.05), range(4), max_threads=4)
            assert witness(ours) == 4

            database.close()
            wait_until(lambda: witness(ours) == 0, what="the end of the connections")

            assert database.run(backend_pid)

    def test_close_does_not_wait_for_ever(self, database_url: str, witness: Callable[..., Any]) -> None:
        ours = "select count(*) from pg_stat_activity where application_name = 'closing' and state = 'active'"
        with bridge(database_url, application_name="closing") as database:
            errors: list[BaseException] = []

            def work() -> None:
                try:
                    database.run(sleep_on_the_server, 60)
                except DatabaseUnavailable as error:
                    errors.append(error)

            worker = threading.Thread(target=work)
            worker.start()
            wait_until(lambda: witness(ours) == 1)
            database.close(timeout_s=0.2)
            worker.join(10)

            assert len(errors) == 1


class TestTime:
    def test_a_unit_that_takes_too_long_is_cancelled_on_the_server(self, database: Database, witness: Callable[..., Any]) -> None:
        started_at = time.monotonic()

        with pytest.raises(DatabaseUnavailable, match=r"did not finish a unit of work within 0\.2 s"):
            database.run(sleep_on_the_server, 60, timeout_s=0.2)

        assert time.monotonic() - started_at < 2
        active = "select count(*) from pg_stat_activity where state = 'active' and query = 'select pg_sleep($1)'"
        wait_until(lambda: witness(active) == 0, what="the end of the statement")
        assert database.run(backend_pid)

    def test_a_commit_that_takes_too_long_is_reported_as_unknown(self, database: Database) -> None:
        database.run(
            run_sql,
            "create function public.dawdle() returns trigger language plpgsql as 'begin perform pg_sleep(60); return null; end';"
            "create constraint trigger dawdle after insert on public.things deferrable initially deferred "
            "for each row execute function public.dawdle()",
        )

        with pytest.raises(DatabaseUnavailable, match="whether the unit was stored is not known"):
            database.run(run_sql, "insert into public.things values ('hat')", timeout_s=0.2)

    def test_the_options_limit_a_unit_that_has_no_limit_of_its_own(self, database_url: str) -> None:
        with bridge(database_url, command_timeout_s=0.2) as database, pytest.raises(DatabaseUnavailable, match=r"0\.2 s"):
            database.run(sleep_on_the_server, 60)

    def test_a_unit_fails_fast_while_all_connections_are_busy(self, database_url: str, witness: Callable[..., Any]) -> None:
        busy = "select count(*) from pg_stat_activity where application_name = 'busy' and state = 'active'"
        with bridge(database_url, max_connections=1, acquire_timeout_s=0.2, application_name="busy") as database:
            worker = threading.Thread(target=lambda: database.run(sleep_on_the_server, 1))
            worker.start()
            wait_until(lambda: witness(busy) == 1)

            with pytest.raises(DatabaseUnavailable, match="All 1 database connections were busy"):
                database.run(backend_pid)
            assert database.state().is_up
            worker.join()

    def test_a_statement_waits_for_a_lock_as_long_as_the_options_say(self, database: Database, database_url: str) -> None:
        database.run(run_sql, "insert into public.things values ('hat')")
        update = "update public.things set amount = 1"

        async def try_from_elsewhere(conn: Connection) -> None:
            await conn.execute(update)
            with pytest.raises(DatabaseUnavailable, match="lock timeout"):
                await asyncio.to_thread(impatient.run, run_sql, update)

        with bridge(database_url, lock_timeout_s=0.1) as impatient:
            database.run(try_from_elsewhere)

    def test_a_server_that_hangs_is_noticed_within_three_seconds(self, server: EmbeddedPostgres) -> None:
        with bridge(server.dsn()) as database:
            backend = database.run(backend_pid)
            frozen = (server.pid, backend)
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            try:
                started_at = time.monotonic()
                with pytest.raises(DatabaseUnavailable, match=r"No database connection within 2\.5 s"):
                    database.run(backend_pid)
                assert time.monotonic() - started_at < 3
                state = database.ping(timeout_s=0.2)
                assert (state.is_up, state.trouble is None) == (False, False)
            finally:
                for pid in frozen:
                    os.kill(pid, signal.SIGCONT)

            assert database.run(backend_pid) != backend


class TestAServerThatIsAway:
    def test_a_database_that_is_down_at_the_start_is_used_when_it_comes(self, server: EmbeddedPostgres) -> None:
        dsn = server.dsn()
        kill(server)
        with bridge(dsn) as database:
            started_at = time.monotonic()
            with pytest.raises(DatabaseUnavailable, match="Could not connect to the database") as caught:
                database.run(backend_pid)
            assert time.monotonic() - started_at < 3
            assert caught.value.retry_after_s == 2
            assert (database.ping().is_up, database.state().source) == (False, "dsn")
            assert "ConnectionRefusedError" in (database.state().trouble or "")

            revive(server)

            assert database.run(backend_pid)
            state = database.ping()
            assert (state.is_up, state.trouble, state.connections) == (True, None, 1)

    def test_a_pool_whose_database_went_away_before_the_first_unit_is_used_when_it_is_back(self, server: EmbeddedPostgres) -> None:
        host = RunningHost(server.dsn())
        with bridge(host.pool) as database:
            kill(server)
            with pytest.raises(DatabaseUnavailable):
                database.run(backend_pid)

            revive(server)

            assert database.run(backend_pid)
            assert database.state().source == "host_pool"
        host.close()

    def test_a_unit_whose_server_process_is_killed_says_so_and_the_next_one_works(
        self, database: Database, witness: Callable[..., Any]
    ) -> None:
        started = threading.Event()
        pids: list[int] = []

        async def work(conn: Connection) -> None:
            pids.append(await backend_pid(conn))
            started.set()
            await conn.execute("select pg_sleep(60)")

        def terminate() -> None:
            started.wait()
            wait_until(lambda: witness("select state from pg_stat_activity where pid = $1", pids[0]) == "active")
            witness("select pg_terminate_backend($1)", pids[0])

        with pytest.raises(DatabaseUnavailable, match="broke off a unit of work"):
            in_parallel(terminate, lambda: database.run(work))
        assert database.run(backend_pid) != pids[0]

    def test_a_crash_of_the_server_in_full_use_costs_only_honest_errors(self, server: EmbeddedPostgres) -> None:
        errors: list[BaseException] = []
        stop = threading.Event()

        def hammer() -> None:
            while not stop.is_set():
                try:
                    bridged.run(run_sql, "select pg_sleep(0.002)")
                except DatabaseUnavailable as error:
                    errors.append(error)

        with bridge(server.dsn()) as bridged:
            workers = [threading.Thread(target=hammer) for _ in range(8)]
            for worker in workers:
                worker.start()
            wait_until(lambda: bridged.state().connections == 8)
            server.restart_immediate()
            wait_until(lambda: bridged.ping().is_up and errors, what="the database's return")
            stop.set()
            for worker in workers:
                worker.join()

            assert bridged.run(backend_pid)

    def test_a_connection_found_dead_at_its_first_word_costs_no_error(self, database_url: str) -> None:
        """A firewall that forgot an idle connection: the reset comes only when something is sent."""
        with forgetful_firewall(database_url) as (dsn, forget), bridge(dsn) as database:
            before = database.run(backend_pid)

            forget()

            assert database.run(backend_pid) != before
            assert database.state().connections == 1

    def test_no_message_carries_the_password(self, postgres: str, server: EmbeddedPostgres) -> None:
        right = urlsplit(postgres)
        wrong_password = postgres.replace(f":{right.password}@", ":canary-secret@")
        unreadable = f"postgresql://postgres:canary-secret/{right.hostname}:{right.port}/x"
        gone = server.dsn()
        password = urlsplit(gone).password or ""
        kill(server)

        for dsn, kind in ((wrong_password, DatabaseUnavailable), (unreadable, SettingsError), (gone, DatabaseUnavailable)):
            with bridge(dsn) as database, pytest.raises(kind) as caught:
                database.run(backend_pid)
            told = "".join(traceback.format_exception(caught.value)) + repr(database) + repr(database.state())
            assert "canary-secret" not in told
            assert password not in told


@contextmanager
def forgetful_firewall(database_url: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Pass connections on to the server until told to forget them; a forgotten one is reset when its client says something."""
    server = urlsplit(database_url)
    forgotten: set[socket.socket] = set()
    clients: list[socket.socket] = []

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if source in forgotten:
                    source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
        source.close()

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                upstream = socket.create_connection((server.hostname, server.port))
                clients.append(client)
                for ends in ((client, upstream), (upstream, client)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        yield database_url.replace(f"{server.hostname}:{server.port}", address), lambda: forgotten.update(clients)
        listener.shutdown(socket.SHUT_RDWR)


def in_parallel(*works: Callable[[], object]) -> None:
    map_in_threads(lambda work: work(), works, max_threads=len(works))


class TestPoolers:
    def test_prepared_statements_are_left_out_where_the_options_say_so(self, database_url: str) -> None:
        async def prepared(conn: Connection) -> int:
            await conn.fetchval("select $1::int", 1)
            return int(await conn.fetchval("select count(*) from pg_prepared_statements where name <> ''"))

        with bridge(database_url, statement_cache_size=0) as database:
            assert database.run(prepared) == 0
        with bridge(database_url) as database:
            assert database.run(prepared) > 0

    @pytest.mark.parametrize("options", [{}, {"statement_cache_size": 0}], ids=["noticed", "told"])
    def test_units_run_through_pgbouncer_in_transaction_mode(
        self, database_url: str, tmp_path: Path, options: dict[str, Any]
    ) -> None:
        """No unit may prepare a named statement there: another client's statement of that name would answer in its place."""

        async def compute(conn: Connection, number: int) -> tuple[int, int]:
            result = await conn.fetchval(f"select $1::int + {number % 7}", number)
            named = "select count(*) from pg_prepared_statements where name <> '' and statement like 'select $1::int +%'"
            return result, await conn.fetchval(named)

        with pgbouncer(database_url, tmp_path) as dsn, bridge(dsn, **options) as one, bridge(dsn, **options) as other:

            def call(number: int) -> tuple[int, int]:
                return (one if number % 2 else other).run(compute, number)

            results = map_in_threads(call, range(300), max_threads=12)

        assert results == [(number + number % 7, 0) for number in range(300)]


@contextmanager
def pgbouncer(database_url: str, directory: Path) -> Iterator[str]:
    """A pooler in front of the database, with fewer server connections than clients."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    server = urlsplit(database_url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ini = directory / "pgbouncer.ini"
    ini.write_text(
        f"[databases]\n* = host={server.hostname} port={server.port} user={server.username} password={server.password}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = transaction\n"
        "default_pool_size = 3\nunix_socket_dir =\n"
    )
    command = [program, "-q", str(ini)]
    if os.geteuid() == 0:
        for place in (ini, *list(directory.parents)[:2], directory):
            place.chmod(0o755)
        command = ["setpriv", "--reuid=nobody", "--clear-groups", *command]
    with ChildProcess(command):
        wait_until(lambda: listens(port), what="pgbouncer")
        yield f"postgresql://anyone@127.0.0.1:{port}{server.path}"
