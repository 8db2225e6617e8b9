"""How long a claim takes behind a million processed jobs while a snapshot is pinned, as by a dump or an idle transaction.

Nothing that was deleted can be cleaned away then, so every look for work would pass the remains of all work that was done. The
workers here look as they do in `shopify_kit/worker.py`: claim, finish, and tend to the door and the leases. The last row is the
same claim without what a worker knows of the door, as a worker that just began would make it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median, quantiles
from typing import Any

import asyncpg

from benchmarks.results import machine_facts, markdown_table, write_section
from shopify_kit.database import Connection, Database
from shopify_kit.embedded_postgres import EmbeddedPostgres
from shopify_kit.jobs import Job, Lanes
from shopify_kit.migrations import migrate

PROCESSED = 1_000_000
PORTION = 50_000
LANES = 20_000
BACKLOG = 100_000
WORKERS = 2
LIMIT = 8
ROUNDS = 5
CLAIMS = 300
COLD_CLAIMS = 3
TARGET_MS = 20

ADD = """
    insert into shopify.jobs (shop_id, lane, kind, priority, turn)
    select 1 + number % 50, 'lane-' || number % $2::integer, 'bench', number % 3, nextval('shopify.job_turns')
    from generate_series(1, $1::integer) as number
"""
PROCESS = (
    """
    insert into shopify.leases (shop_id, lane, fence, worker, until)
    select shop_id, lane, nextval('shopify.job_fences'), 'bench', now() - interval '1 hour' from shopify.jobs
    on conflict do nothing
    """,
    "update shopify.jobs set turn = null",
    "update shopify.jobs set attempts = attempts + 1",
    "delete from shopify.jobs",
    "delete from shopify.leases",
)
SETTLE = ("vacuum analyze shopify.jobs", "vacuum analyze shopify.leases", "checkpoint")
"""So that what is measured is not the writing out of what came before."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long calls took, in seconds."""

    name: str
    claims: list[float] = field(default_factory=list)
    finishes: list[float] = field(default_factory=list)
    tends: list[float] = field(default_factory=list)


def main() -> None:
    """Measure and update RESULTS.md."""
    with EmbeddedPostgres(durable=False) as server:
        database = Database(server.dsn())
        migrate(database)
        version = run_sql(database, "show server_version")[0][0].split()[0]
        situations = [measure(database, "nothing was processed before")]
        with pinned_snapshot(server.dsn()):
            process(database)
            remains = run_sql(database, "select n_dead_tup from pg_stat_user_tables where relname = 'jobs'")[0][0]
            situations.append(measure(database, f"{PROCESSED:,} processed, snapshot pinned"))
            run_sql(database, ADD, BACKLOG, LANES)
            settle(database)
            situations.append(measure(database, f"the same, {BACKLOG:,} waiting"))
            run_sql(database, "delete from shopify.jobs")
            situations.append([measure_cold(database)])
        database.close()
    report(version, remains, situations)


def run_sql(database: Database, statement: str, *args: Any) -> list[Any]:
    """Run one statement."""

    async def run(conn: Connection) -> list[Any]:
        return await conn.fetch(statement, *args)

    return database.run(run, timeout_s=300)


def process(database: Database) -> None:
    """Leave what so many jobs leave that were added, claimed, begun and finished."""
    for _ in range(PROCESSED // PORTION):
        run_sql(database, ADD, PORTION, LANES)
        for statement in PROCESS:
            run_sql(database, statement)
    settle(database)


def settle(database: Database) -> None:
    """Let the server write out what it has to."""

    async def run(conn: Connection, statement: str) -> None:
        await conn.execute(statement)

    for statement in SETTLE:
        database.run_autocommit(run, statement, timeout_s=300)


@contextmanager
def pinned_snapshot(dsn: str) -> Iterator[None]:
    """Keep a transaction open that may still look at everything there was."""
    is_pinned, is_over = threading.Event(), threading.Event()

    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        async with connection.transaction(isolation="repeatable_read"):
            await connection.fetchval("select count(*) from shopify.jobs")
            is_pinned.set()
            while not is_over.is_set():
                await asyncio.sleep(0.05)
        await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    is_pinned.wait()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def measure(database: Database, name: str) -> list[Times]:
    """Let workers claim and finish while jobs keep coming, several times over."""
    rounds = [Times(name) for _ in range(ROUNDS)]
    for times in rounds:
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(partial(work, database, times), range(WORKERS)))
    return rounds


def work(database: Database, times: Times, worker: int) -> None:
    """Be one worker: as many claims as are to be measured, each lane done to its end, a tending now and then."""
    lanes = Lanes(database, f"worker-{worker}")
    warm_up(lanes)
    for number in range(CLAIMS // WORKERS):
        if number % 25 == 0:
            run_sql(database, ADD, 25 * LIMIT, LANES)
            times.tends.append(timed(partial(tend, lanes)))
        claimed: list[Job] = []
        times.claims.append(timed(partial(claim_into, claimed, lanes)))
        for job in claimed:
            times.finishes.extend(finish_lane(lanes, job))


def warm_up(lanes: Lanes) -> None:
    """Look at everything once, as a worker that has been at work for a second has."""
    for _ in range(3):
        tend(lanes)
        lanes.give_back(lanes.claim(LIMIT))


def claim_into(claimed: list[Job], lanes: Lanes) -> None:
    """Claim, and keep what that brought."""
    claimed += lanes.claim(LIMIT)


def finish_lane(lanes: Lanes, job: Job) -> Iterator[float]:
    """Do a lane's jobs one after the other; yields how long storing each took."""
    following: Job | None = job
    while following is not None:
        started_at = time.perf_counter()
        following = lanes.finish(following)
        yield time.perf_counter() - started_at


def tend(lanes: Lanes) -> None:
    """Do what a worker does each second beside claiming."""
    lanes.wake_and_reap()
    lanes.move_door()


def measure_cold(database: Database) -> Times:
    """Claim as a worker that has not looked at the door yet."""
    times = Times("the same claim, knowing nothing of the door")
    for number in range(COLD_CLAIMS):
        run_sql(database, ADD, LIMIT, LANES)
        lanes = Lanes(database, f"cold-{number}")
        claimed: list[Job] = []
        times.claims.append(timed(partial(claim_into, claimed, lanes)))
        for job in claimed:
            sum(finish_lane(lanes, job))
    return times


def timed(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started_at = time.perf_counter()
    call()
    return time.perf_counter() - started_at


def report(version: str, remains: int, situations: list[list[Times]]) -> None:
    """Write the table: of each figure the median of the rounds, of the p99 the best and the worst round too."""
    headings = [
        "situation",
        "claims",
        "claim p50 ms",
        "claim p99 ms",
        "best / worst round",
        "finish p50 ms",
        "finish p99 ms",
        "tend p50 ms",
        "target p99 ms",
    ]
    lines = [
        [
            rounds[0].name,
            f"{sum(len(times.claims) for times in rounds)}",
            shown(percentile(times.claims, 50) for times in rounds),
            shown(percentile(times.claims, 99) for times in rounds),
            " / ".join(f"{each(percentile(times.claims, 99) for times in rounds) * 1000:.1f}" for each in (min, max)),
            shown(percentile(times.finishes, 50) for times in rounds),
            shown(percentile(times.finishes, 99) for times in rounds),
            shown(percentile(times.tends, 50) for times in rounds),
            f"≤ {TARGET_MS}" if rounds[0].tends else "",
        ]
        for rounds in situations
    ]
    facts = machine_facts(postgres=version, asyncpg=asyncpg.__version__)
    note = (
        f"{WORKERS} workers on one process's connections, up to {LIMIT} lanes per claim, {LANES:,} lanes of 50 shops, {ROUNDS} "
        f"rounds, fsync off; {remains:,} dead rows in `shopify.jobs` under the snapshot. A claim is what `Lanes.claim` takes, hop "
        "and commit included; a finish stores one job and begins the next of its lane; a tending is what a worker does each second "
        "(wake, reap, move the door)."
    )
    write_section(
        "bench_claim", "Claims behind a million processed jobs", f"{facts}\n\n{markdown_table(headings, lines)}\n\n{note}"
    )


def percentile(seconds: list[float], percent: int) -> float:
    """Return a percentile; 0 of nothing."""
    return quantiles(seconds, n=100)[percent - 1] if len(seconds) > 1 else 0.0


def shown(seconds: Iterable[float]) -> str:
    """Write the median of the rounds in milliseconds."""
    middle = median(seconds)
    return f"{middle * 1000:.1f}" if middle else ""


if __name__ == "__main__":
    main()
