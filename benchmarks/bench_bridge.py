"""What a hop to the event loop costs: `Database.run` against asyncpg on its own loop and `run_coroutine_threadsafe`.

All variants run the same point query on one server, on one uvloop, in turns, so that a busy moment of the machine hits all of them.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any

import asyncpg

from benchmarks.results import machine_facts, markdown_table, write_section
from shopify_kit.database import Connection, Database
from shopify_kit.embedded_postgres import EmbeddedPostgres
from shopify_kit.runtime import LoopThread, map_in_threads

QUERY = "select $1::int"
ROUNDS = 30
CALLS_PER_ROUND = 100
HAMMER_THREADS = 16
HAMMER_UNITS = 6000

Timer = Callable[[], list[float]]
Work = Callable[[], Coroutine[Any, Any, object]]


def main() -> None:
    """Measure on `DATABASE_URL` or an embedded server and update RESULTS.md."""
    given = os.environ.get("DATABASE_URL")
    if given:
        measure(given)
        return
    with EmbeddedPostgres(durable=False) as server:
        measure(server.dsn())


def measure(dsn: str) -> None:
    """Time every variant and write the section."""
    database, thread, plain_loop = Database(dsn), LoopThread("bench"), asyncio.new_event_loop()
    pool = thread.handoff.run(lambda: open_pool(dsn), timeout_s=10)
    plain_pool = plain_loop.run_until_complete(open_pool(dsn))
    timers = variants(database, thread, pool, plain_loop, plain_pool)
    seconds: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(ROUNDS):
        for name, timer in timers.items():
            seconds[name] += timer()
    report(database.run(read_version), {name: median(values) * 1e6 for name, values in seconds.items()}, hammer(database))
    plain_loop.run_until_complete(plain_pool.close())
    plain_loop.close()
    thread.handoff.run(pool.close, timeout_s=10)
    thread.stop()
    database.close()


def variants(
    database: Database, thread: LoopThread, pool: Any, plain_loop: asyncio.AbstractEventLoop, plain_pool: Any
) -> dict[str, Timer]:
    """Build a timer of one round for each variant; the first of a kind of work is what its ratios relate to."""
    loop, handoff = thread._loop, thread.handoff

    def on_the_loop(work: Work) -> Timer:
        return lambda: handoff.run(lambda: time_on_the_loop(work), timeout_s=60)

    def on_a_plain_loop(work: Work) -> Timer:
        return lambda: plain_loop.run_until_complete(time_on_the_loop(work))

    def threadsafe(work: Work) -> Timer:
        return lambda: time_calls(lambda: asyncio.run_coroutine_threadsafe(work(), loop).result(10))

    def handed_off(work: Work) -> Timer:
        return lambda: time_calls(lambda: handoff.run(work, timeout_s=10))

    return {
        "nothing · on the loop": on_the_loop(nothing),
        "nothing · `run_coroutine_threadsafe`": threadsafe(nothing),
        "nothing · our hand-off": handed_off(nothing),
        "query · asyncpg on its own uvloop": on_the_loop(partial(query, pool)),
        "query · asyncpg on its own asyncio loop": on_a_plain_loop(partial(query, plain_pool)),
        "query · `run_coroutine_threadsafe`": threadsafe(partial(query, pool)),
        "query · our hand-off": handed_off(partial(query, pool)),
        "query · `database.run_autocommit`": lambda: time_calls(lambda: database.run_autocommit(ask)),
        "transaction · asyncpg on its own uvloop": on_the_loop(partial(transaction, pool)),
        "transaction · asyncpg on its own asyncio loop": on_a_plain_loop(partial(transaction, plain_pool)),
        "transaction · `run_coroutine_threadsafe`": threadsafe(partial(transaction, pool)),
        "transaction · our hand-off": handed_off(partial(transaction, pool)),
        "transaction · `database.run`": lambda: time_calls(lambda: database.run(ask)),
    }


async def query(pool: Any) -> object:
    return await pool.fetchval(QUERY, 1)


async def transaction(pool: Any) -> object:
    async with pool.acquire() as conn, conn.transaction():
        return await conn.fetchval(QUERY, 1)


async def open_pool(dsn: str) -> Any:
    return await asyncpg.create_pool(dsn, min_size=1, max_size=2)


async def read_version(conn: Connection) -> str:
    return str(await conn.fetchval("show server_version")).split()[0]


async def ask(conn: Connection) -> object:
    return await conn.fetchval(QUERY, 1)


async def nothing() -> None:
    """Be the smallest piece of work."""


def time_calls(call: Callable[[], object]) -> list[float]:
    """Return the seconds of each call of a round."""
    marks = [time.perf_counter()]
    for _ in range(CALLS_PER_ROUND):
        call()
        marks.append(time.perf_counter())
    return [after - before for before, after in pairwise(marks)]


async def time_on_the_loop(work: Work) -> list[float]:
    """Return the seconds of each call of a round, without leaving the loop."""
    marks = [time.perf_counter()]
    for _ in range(CALLS_PER_ROUND):
        await work()
        marks.append(time.perf_counter())
    return [after - before for before, after in pairwise(marks)]


def hammer(database: Database) -> float:
    """Return the transactions per second of many threads at once."""
    barrier = threading.Barrier(HAMMER_THREADS)

    def work(_: int) -> None:
        barrier.wait()
        for _ in range(HAMMER_UNITS // HAMMER_THREADS):
            database.run(ask)

    started_at = time.perf_counter()
    map_in_threads(work, range(HAMMER_THREADS), max_threads=HAMMER_THREADS)
    return HAMMER_UNITS / (time.perf_counter() - started_at)


def report(version: str, microseconds: dict[str, float], rate: float) -> None:
    """Write the table; differences and ratios relate to the first variant of the same work."""
    firsts: dict[str, float] = {}
    rows = []
    for name, value in microseconds.items():
        work, _, way = name.partition(" · ")
        first = firsts.setdefault(work, value)
        ratio = "" if work == "nothing" else f"{value / first:.2f}"
        rows.append([work, way, f"{value:.0f}", f"{value - first:+.0f}", ratio])
    table = markdown_table(["work", "way", "p50 µs", "µs over the first", "ratio to the first"], rows)
    note = (
        "`nothing` is an empty coroutine: the bare hop. asyncpg's pool resets a connection on its return with one more round trip; "
        f"our own connections do without. {HAMMER_THREADS} threads at once ran {rate:,.0f} transactions/s over 8 connections."
    )
    facts = machine_facts(postgres=version, asyncpg=asyncpg.__version__)
    write_section("bench_bridge", "Database bridge", f"{facts}\n\n{table}\n\n{note}")


if __name__ == "__main__":
    main()
