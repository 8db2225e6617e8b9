"""How much of a shop's budget four processes use together, and how often Shopify has to refuse them.

Four processes with a few threads each read one shop as fast as they are let. With our throttle they share the shop's bucket through
Postgres. The peer is the same client without it: each process alone waits as long as a THROTTLED answer makes it and tries again.
The fake store counts: what it served and refused between two looks at its log, after a warm-up.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from benchmarks.results import machine_facts, markdown_table, write_section
from benchmarks.shops import Store, shop_with_products
from shopify_kit.client import AdminClient, Answer, ShopAccess
from shopify_kit.database import Connection, Database
from shopify_kit.documents import Documents
from shopify_kit.embedded_postgres import EmbeddedPostgres
from shopify_kit.errors import Throttled
from shopify_kit.migrations import migrate
from shopify_kit.runtime import map_in_threads
from shopify_kit.secret import Secret
from shopify_kit.throttle import Throttle
from shopify_kit.transport import AddressBook, RequestsTransport

ROUNDS = 3
PROCESSES = 4
THREADS = 4
WARM_UP_S = 3.0
WINDOW_S = 5.0
PRODUCTS = 50
HERE = Path(__file__).resolve().parents[1]
WAYS = ("our throttle", "each process alone")


@dataclass(frozen=True, slots=True)
class Load:
    """What is read, and a bucket that this load drains."""

    name: str
    document: str
    variables: Mapping[str, Any]
    maximum: float
    restore_rate: float


LOADS = (
    Load("shop", "GetShop", {}, 2000, 100),
    Load(f"list of {PRODUCTS} products", "ListProducts", {"first": PRODUCTS, "sortKey": "ID", "reverse": False}, 20_000, 1000),
)


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker process is told, on its standard input; an empty `bucket` means without a throttle."""

    dsn: str
    origin: str
    shop_domain: str
    access_token: str
    bucket: str
    document: str
    variables: Mapping[str, Any]
    until_s: float


@dataclass(frozen=True, slots=True)
class Call:
    """One answer that a worker got: its costs, and how long it took from the first attempt."""

    requested: float
    actual: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """One window."""

    requested: float
    actual: float
    used_share: float
    served: int
    refused: int
    p50_s: float
    longest_s: float


def main() -> None:
    """Run every load with and without the throttle and update RESULTS.md."""
    with EmbeddedPostgres(durable=False) as server, shop_with_products(PRODUCTS) as store:
        dsn = server.dsn()
        database = Database(dsn)
        migrate(database)
        version = database.run(read_version)
        database.close()
        outcomes = [
            (load, way, [measure(dsn, store, load, f"{load.name} {number}" if way == WAYS[0] else "") for number in range(ROUNDS)])
            for load in LOADS
            for way in WAYS
        ]
    report(version, outcomes)


async def read_version(conn: Connection) -> str:
    """Return the server's version."""
    return str(await conn.fetchval("show server_version")).split()[0]


def measure(dsn: str, store: Store, load: Load, bucket: str) -> Outcome:
    """Let the processes read for a while and return what the fake saw after the warm-up."""
    store.set_bucket(maximum=load.maximum, restore_rate=load.restore_rate, available=0)
    until_s = time.time() + WARM_UP_S + WINDOW_S + 0.5
    shop = store.shop
    job = Job(dsn, store.origin, shop.shop_domain, shop.access_token, bucket, load.document, load.variables, until_s)
    workers = [start_worker(job) for _ in range(PROCESSES)]
    time.sleep(WARM_UP_S)
    store.control("DELETE", "log")
    started_at = time.monotonic()
    time.sleep(WINDOW_S)
    rows = [row for row in store.control("GET", "log")["requests"] if row["operation"] == load.document]
    window_s = time.monotonic() - started_at
    calls = [call for worker in workers for call in finish(worker)]
    served = sum(not row["throttled"] for row in rows)
    actual = median(call.actual for call in calls)
    return Outcome(
        requested=median(call.requested for call in calls),
        actual=actual,
        used_share=served * actual / (load.restore_rate * window_s),
        served=served,
        refused=len(rows) - served,
        p50_s=median(call.seconds for call in calls),
        longest_s=max(call.seconds for call in calls),
    )


def start_worker(job: Job) -> subprocess.Popen[bytes]:
    """Start one of the processes."""
    env = {**os.environ, "PYTHONPATH": str(HERE)}
    process = subprocess.Popen([sys.executable, __file__, "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
    assert process.stdin is not None
    process.stdin.write(json.dumps(asdict(job)).encode())
    process.stdin.close()
    return process


def finish(process: subprocess.Popen[bytes]) -> list[Call]:
    """Wait for a process and return its calls."""
    assert process.stdout is not None
    with process:
        return [Call(**call) for call in json.loads(process.stdout.read())]


def work(job: Job) -> list[Call]:
    """Be one of the processes: call until the time is over."""
    database, addresses = Database(job.dsn), AddressBook(job.origin)
    client = AdminClient(RequestsTransport(addresses), addresses, Throttle(database), api_version="2026-10")
    access = ShopAccess(1, job.shop_domain, Secret(job.access_token), bucket=job.bucket)
    document = Documents()[job.document]

    def call_until_the_end(_: int) -> list[Call]:
        calls: list[Call] = []
        while time.time() < job.until_s:
            started_at = time.monotonic()
            answer = insist(lambda: client.run(access, document, job.variables), until_s=job.until_s)
            if answer is not None:
                costs = (float(answer.requested_cost or 0), float(answer.actual_cost or 0))
                calls.append(Call(*costs, time.monotonic() - started_at))
        return calls

    calls = map_in_threads(call_until_the_end, range(THREADS), max_threads=THREADS)
    client.close()
    database.close()
    return list(itertools.chain.from_iterable(calls))


def insist(call: Callable[[], Answer], *, until_s: float) -> Answer | None:
    """Call again when the client has given up; None when the time is over."""
    while time.time() < until_s:
        try:
            return call()
        except Throttled:
            continue
    return None


def report(version: str, outcomes: Sequence[tuple[Load, str, Sequence[Outcome]]]) -> None:
    """Write the table."""
    headings = [
        "load",
        "way",
        "requested / actual points",
        "restore rate used",
        "worst round",
        "answers",
        "THROTTLED",
        "p50 ms",
        "longest ms",
    ]
    rows = []
    for load, way, rounds in outcomes:
        served, refused = sum(o.served for o in rounds), sum(o.refused for o in rounds)
        rows.append(
            [
                load.name,
                way,
                f"{rounds[0].requested:.0f} / {rounds[0].actual:.0f}",
                f"{median(o.used_share for o in rounds):.1%}",
                f"{min(o.used_share for o in rounds):.1%}",
                f"{served}",
                f"{refused} ({refused / (served + refused):.0%})",
                f"{median(o.p50_s for o in rounds) * 1000:.0f}",
                f"{max(o.longest_s for o in rounds) * 1000:.0f}",
            ]
        )
    facts = machine_facts(postgres=version, asyncpg=asyncpg.__version__)
    note = (
        f"{PROCESSES} processes × {THREADS} threads, {ROUNDS} rounds of {WINDOW_S:g} s after {WARM_UP_S:g} s of warm-up; targets: "
        "at least 95 % used, none THROTTLED. Buckets, empty at the start: "
        + " and ".join(f"{load.maximum:g} points, {load.restore_rate:g}/s ({load.name})" for load in LOADS)
        + ". The longest wait is from a caller's first attempt to its answer."
    )
    write_section("bench_budget", "Cost budget", f"{facts}\n\n{markdown_table(headings, rows)}\n\n{note}")


if __name__ == "__main__":
    if sys.argv[1:] == ["worker"]:
        print(json.dumps([asdict(call) for call in work(Job(**json.load(sys.stdin)))]))
    else:
        main()
