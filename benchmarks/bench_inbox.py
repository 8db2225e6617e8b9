"""How many deliveries a second two server processes take in, each acknowledged after its commit, against what others do with them.

In one run, in turns, on one durable PostgreSQL: ours on granian and on gunicorn; a Flask view that checks the signature and stores
nothing (Flask's and the server's own ceiling); pgbench, which inserts the same row by itself, one transaction each (the database's
own pace without grouping); and a Node app with Shopify's own package and one insert. Deliveries of 6 KB, each with an id, a body
and a signature of its own; what is not answered 2xx is not counted. Tables are emptied before each turn.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from itertools import count
from statistics import median
from typing import Final

import asyncpg

from benchmarks import inbox_servers as servers
from benchmarks.delivery_load import BODY_BYTES, Outcome, Target, finish_load, start_load, wait_for_window
from benchmarks.inbox_hosts import PATH, SECRET
from benchmarks.results import machine_facts, markdown_table, write_section
from shopify_kit.database import Database
from shopify_kit.embedded_postgres import EmbeddedPostgres
from shopify_kit.migrations import migrate

CONNECTIONS: Final = (2, 32, 128)
MIDDLE: Final = 32
ROUNDS: Final = 3
WINDOW_S: Final = 2.0
SETTINGS: Final[Mapping[str, str | int]] = {
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": 300,
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
}
EMPTY: Final = "truncate shopify.inbox, shopify.inbox_outcomes, shopify.jobs, shopify.leases, public.peer_deliveries"

OURS, OURS_GUNICORN, HOOKED = "ours · granian", "ours · gunicorn", "ours behind a hook of the host's · granian"
WORKING = "ours with the embedded worker on · granian"
SIGNATURE, SIGNATURE_GUNICORN = "signature only · granian", "signature only · gunicorn"
NODE, ROW, ROW_AND_JOB = "Node peer", "pgbench, the row", "pgbench, row and job"


@dataclass(frozen=True, slots=True)
class Turn:
    """One window of one contestant."""

    outcome: Outcome
    server_us: float | None
    postgres_us: float


Contestant = Callable[[int, int], Turn]
"""(connections, seed) → what came of it."""


class Contest:
    """What takes part, and on which database."""

    def __init__(self, postgres: EmbeddedPostgres, dsn: str) -> None:
        self._postgres = postgres
        self._dsn = dsn

    def empty(self) -> None:
        """Begin every turn alike: with empty tables, and nothing left to write out."""
        asyncio.run(run_sql(self._dsn, EMPTY, "checkpoint"))

    def server(self, server: servers.Server, connections: int, seed: int) -> Turn:
        """Send deliveries to a server."""
        self.empty()
        target = Target(server.port, PATH, SECRET, servers.SHOP)
        load = start_load(target, connections=connections, seconds=WINDOW_S, seed=seed)
        wait_for_window(load)
        before = server.cpu_s(), servers.cpu_s(self._postgres.pid)
        outcome = finish_load(load)
        used = server.cpu_s() - before[0], servers.cpu_s(self._postgres.pid) - before[1]
        if outcome.refused:
            print(f"  {outcome.refused} were refused", flush=True)
        per_delivery = 1e6 / max(1, outcome.acknowledged)
        return Turn(outcome, used[0] * per_delivery, used[1] * per_delivery)

    def pgbench(self, program: str, statement: str, connections: int, seed: int) -> Turn:
        """Have pgbench insert."""
        self.empty()
        before = servers.cpu_s(self._postgres.pid)
        outcome = servers.run_pgbench(program, self._dsn, statement, connections=connections, seconds=WINDOW_S, seed=seed)
        return Turn(outcome, None, (servers.cpu_s(self._postgres.pid) - before) * 1e6 / max(1, outcome.acknowledged))


def main() -> None:
    """Measure everything in turns and update RESULTS.md."""
    with EmbeddedPostgres(settings=SETTINGS) as postgres, ExitStack() as stack:
        dsn = postgres.create_database("inbox")
        prepare(dsn)
        contestants, missing = enter(stack, Contest(postgres, dsn), dsn)
        turns: dict[tuple[str, int], list[Turn]] = {}
        seeds = count(1)
        for number in range(ROUNDS):
            for connections in CONNECTIONS:
                for name, contestant in contestants.items():
                    if connections == MIDDLE or name not in (HOOKED, WORKING):
                        turn = contestant(connections, next(seeds))
                        turns.setdefault((name, connections), []).append(turn)
                        print(f"{number + 1} {connections:4} {name:45} {turn.outcome.per_second:8.0f}/s", flush=True)
        report(asyncio.run(read_version(dsn)), turns, missing)


def work_and_serve(contest: Contest, dsn: str, connections: int, seed: int) -> Turn:
    """Serve for one turn only, since its workers would do everybody's jobs."""
    with servers.granian("ours", dsn, worker="embedded") as server:
        return contest.server(server, connections, seed)


def prepare(dsn: str) -> None:
    """Make the tables, ours and the peer's, and the shop."""
    database = Database(dsn)
    migrate(database)
    database.close()
    asyncio.run(run_sql(dsn, servers.PEER_TABLE, servers.KNOWN_SHOP))


async def run_sql(dsn: str, *statements: str) -> None:
    """Run statements, one by one."""
    conn = await asyncpg.connect(dsn)
    for statement in statements:
        await conn.execute(statement)
    await conn.close()


async def read_version(dsn: str) -> str:
    """Return the server's version."""
    conn = await asyncpg.connect(dsn)
    version = str(await conn.fetchval("show server_version")).split()[0]
    await conn.close()
    return version


def enter(stack: ExitStack, contest: Contest, dsn: str) -> tuple[dict[str, Contestant], list[str]]:
    """Start every server; returns the contestants, in the order of the table, and who is missing and why."""
    missing: list[str] = []
    started = {
        OURS: servers.granian("ours", dsn),
        OURS_GUNICORN: servers.gunicorn("ours", dsn),
        HOOKED: servers.granian("ours_behind_a_hook", dsn),
        SIGNATURE: servers.granian("signature_only", dsn),
        SIGNATURE_GUNICORN: servers.gunicorn("signature_only", dsn),
    }
    folder = servers.install_peer()
    if isinstance(folder, str):
        missing.append(f"{NODE}: {folder}")
    else:
        started[NODE] = servers.node_peer(folder, dsn)
    contestants: dict[str, Contestant] = {
        name: partial(contest.server, stack.enter_context(server)) for name, server in started.items()
    }
    contestants[WORKING] = partial(work_and_serve, contest, dsn)
    program = servers.find_pgbench()
    if program is None:
        missing.append(f"{ROW}: pgbench is not there (`apt install postgresql`, or set PG_BIN)")
    else:
        contestants[ROW] = partial(contest.pgbench, program, servers.ROW)
        contestants[ROW_AND_JOB] = partial(contest.pgbench, program, servers.ROW_AND_JOB)
    for line in missing:
        print(f"Not measured: {line}", flush=True)
    return contestants, missing


# Reporting


def report(version: str, turns: dict[tuple[str, int], list[Turn]], missing: list[str]) -> None:
    """Write the table."""
    speeds = {key: median(turn.outcome.per_second for turn in rounds) for key, rounds in turns.items()}
    headings = [
        "connections",
        "what",
        "deliveries/s",
        "worst round",
        "p50 ms",
        "p99 ms",
        "server µs",
        "Postgres µs",
        "× peer",
        "× pgbench",
    ]
    rows = []
    for (name, connections), rounds in sorted(turns.items(), key=lambda item: CONNECTIONS.index(item[0][1])):
        speed = speeds[name, connections]
        server_us = [turn.server_us for turn in rounds if turn.server_us is not None]
        rows.append(
            [
                str(connections),
                name,
                f"{speed:,.0f}",
                f"{min(turn.outcome.per_second for turn in rounds):,.0f}",
                f"{median(turn.outcome.p50_ms for turn in rounds):.1f}",
                f"{median(turn.outcome.p99_ms for turn in rounds):.1f}",
                f"{median(server_us):.0f}" if server_us else "",
                f"{median(turn.postgres_us for turn in rounds):.0f}",
                ratio(speed, speeds.get((NODE, connections))),
                ratio(speed, speeds.get((ROW, connections))),
            ]
        )
    note = "\n".join([*explain(turns), *(f"Not measured: {line}." for line in missing)])
    write_section("bench_inbox", "Inbox", f"{facts(version)}\n\n{markdown_table(headings, rows)}\n\n{note}")


def ratio(speed: float, other: float | None) -> str:
    """Write a ratio, where there is something to compare with."""
    return f"{speed / other:.2f}" if other else ""


def explain(turns: dict[tuple[str, int], list[Turn]]) -> list[str]:
    """Say what was measured, what is wanted and where that stands."""
    p99_ms = {name: median(turn.outcome.p99_ms for turn in turns[name, MIDDLE]) for name in (OURS, OURS_GUNICORN)}
    method = (
        f"Medians of {ROUNDS} rounds of {WINDOW_S:g} s each, in turns; {servers.PROCESSES} processes × {servers.THREADS} threads "
        f"(the peer: {servers.PROCESSES} processes, 20 connections each); {BODY_BYTES:,} bytes a delivery; fsync and "
        "synchronous_commit on; workers off but where said. Processor time is per delivery; senders, servers and Postgres share "
        "the cores."
    )
    goals = (
        f"Goals at {MIDDLE} connections: granian 2 × the peer and 0.9 × pgbench, gunicorn 1.2 × the peer, p99 at most 30 ms "
        f"(measured: {p99_ms[OURS]:.0f} ms on granian, {p99_ms[OURS_GUNICORN]:.0f} ms on gunicorn)."
    )
    pgbench = (
        "pgbench: extended protocol, the body sent each time, one row and one commit each, on the same table and indexes; `row and "
        "job` is what ours stores. It reads no HTTP and checks no signature."
    )
    return [method, goals, pgbench]


def facts(version: str) -> str:
    """Describe the machine and what ran on it."""
    versions = {name: metadata.version(name) for name in ("granian", "gunicorn", "flask", "asyncpg")}
    for name, command in (("node", ["node", "--version"]), ("pgbench", [servers.find_pgbench() or "", "--version"])):
        found = re.search(r"\d+(\.\d+)+", run_quietly(command))
        if found is not None:
            versions[name] = found[0]
    return machine_facts(postgres=version, **versions)


def run_quietly(command: list[str]) -> str:
    """Return what a program prints; nothing where it is not there."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
