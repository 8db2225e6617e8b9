"""A bulk result into the mirror: our loader end to end over HTTP, against the ceiling that COPY sets and what people write.

The ceiling is COPY of the same lines into an unlogged table with one text column, from a file: no network, no reading, no indexes,
no write-ahead log. All rounds of one result run in turns, so that a busy moment of the machine hits all of them; medians are shown.

    PYTHONPATH=. python benchmarks/bench_bulk_load.py [--orders-mb 300] [--products-mb 100] [--rounds 3] …
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import psutil

from benchmarks.bulk_lines import order_family, product_family, write_file
from benchmarks.bulk_rivals import (
    CEILING,
    PLAIN_CEILING,
    RIVAL_TABLES,
    copy_raw_lines,
    copy_raw_lines_in_binary,
    duckdb_and_copy,
    executemany,
    run_script,
    seconds_of,
)
from benchmarks.results import machine_facts, markdown_table, write_section
from shopify_kit.database import Connection, Database
from shopify_kit.embedded_postgres import EmbeddedPostgres
from shopify_kit.migrations import migrate
from shopify_mirror.kinds import TABLES

MB = 1_000_000
SAMPLE_S = 0.02
# A server as one finds it: the embedded one's defaults are for tests.
SERVER = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
_runs = itertools.count(1)


@dataclass(frozen=True)
class Result:
    """A file as Shopify would serve it, and what Shopify would say of it."""

    file: Path
    resource: str
    objects: int
    roots: int

    @property
    def size(self) -> int:
        return self.file.stat().st_size

    @property
    def expected(self) -> dict[str, int]:
        return {"object_count": self.objects, "root_object_count": self.roots, "file_size": self.size}


@dataclass
class Series:
    """Rounds of one way with one result."""

    way: str
    result: Result
    seconds: list[float] = field(default_factory=list)
    rows: int = 0
    peak_bytes: int = 0
    wal_bytes: int = 0

    @property
    def median_s(self) -> float:
        return median(self.seconds)

    @property
    def mb_per_s(self) -> float:
        return self.result.size / self.median_s / MB


class Loading:
    """Our loader in a process of its own, and the memory of it and its children."""

    def __init__(self, dsn: str, base_url: str) -> None:
        command = [sys.executable, "-m", "benchmarks.bulk_loading", dsn, base_url]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._read() == "ready\n"
        self._watched = psutil.Process(self._process.pid)
        self._start_bytes = self._rss()

    def load(self, series: Series, *, shop_id: int) -> dict[str, Any]:
        """Load a result once, and note it."""
        result, peak, is_over = series.result, [0], threading.Event()

        def watch() -> None:
            while not is_over.wait(SAMPLE_S):
                peak[0] = max(peak[0], self._rss())

        watcher = threading.Thread(target=watch)
        watcher.start()
        order = {"shop_id": shop_id, "resource": result.resource, "file": result.file.name, "run": f"run-{next(_runs)}"}
        try:
            facts: dict[str, Any] = json.loads(self._say({**order, "expected": result.expected}))
        finally:
            is_over.set()
            watcher.join()
        series.seconds.append(facts["seconds"])
        series.rows = facts["rows"]
        series.wal_bytes = max(series.wal_bytes, facts["wal_bytes"])
        series.peak_bytes = max(series.peak_bytes, peak[0] - self._start_bytes)
        return facts

    def _rss(self) -> int:
        total = 0
        for process in (self._watched, *self._watched.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total

    def _say(self, order: dict[str, Any]) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the loading process ended"
        return line

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


class Arena:
    """A server with our tables, a storage, and the results in it."""

    def __init__(self, folder: Path, dsn: str, origin: str) -> None:
        self.folder = folder
        self.dsn = dsn
        self.origin = origin
        self.database = Database(dsn)

    def result(self, name: str, megabytes: int, *, is_shuffled: bool = False) -> Result:
        """Make a result of that size."""
        family, resource = (product_family, "products") if name.startswith("products") else (order_family, "orders")
        file = self.folder / f"{name}.jsonl"
        objects, roots = write_file(file, family, megabytes * MB)
        if is_shuffled:
            lines = file.read_bytes().splitlines(keepends=True)
            random.Random(1).shuffle(lines)
            file.write_bytes(b"".join(lines))
        return Result(file, resource, objects, roots)

    def wipe(self) -> None:
        """Empty the mirror."""
        tables = ", ".join(f"shopify.{table}" for table in (*TABLES, "raw_objects", "loads", "dirty_hours"))
        self.database.run_autocommit(run_script, f"truncate {tables}", timeout_s=600)

    def load(self, series: Series, *, keep: bool = False) -> dict[str, Any]:
        """Load once with a fresh process, into an empty mirror unless it is to be kept."""
        if not keep:
            self.wipe()
        self.database.run_autocommit(run_script, "checkpoint", timeout_s=600)
        loading = Loading(self.dsn, self.origin)
        try:
            return loading.load(series, shop_id=1)
        finally:
            loading.close()

    def copy(self, series: Series, table: str, *, is_binary: bool = False) -> None:
        """Copy the raw lines once."""
        self.database.run_autocommit(run_script, "checkpoint", timeout_s=600)
        verb = copy_raw_lines_in_binary if is_binary else copy_raw_lines
        series.seconds.append(seconds_of(self.database, verb, table, series.result.file))
        series.rows = series.result.objects


@contextmanager
def open_arena() -> Iterator[Arena]:
    """Run a database server and a storage."""
    with tempfile.TemporaryDirectory(prefix="bench-bulk-") as name, EmbeddedPostgres(durable=False, settings=SERVER) as server:
        storage = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.bulk_server", name], stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL
        )
        try:
            assert storage.stdout is not None
            arena = Arena(Path(name), server.dsn(), storage.stdout.readline().strip())
            migrate(arena.database)
            arena.database.run(run_script, RIVAL_TABLES)
            yield arena
            arena.database.close()
        finally:
            storage.terminate()
            storage.wait(10)
            assert storage.stdout is not None
            storage.stdout.close()


def measure(arena: Arena, options: argparse.Namespace) -> tuple[list[Series], dict[str, str]]:
    """Run every way with every result."""
    orders, products = arena.result("orders", options.orders_mb), arena.result("products", options.products_mb)
    series = [*compare(arena, orders, options.rounds), *compare(arena, products, options.rounds)]
    ours = next(one for one in series if one.way == OURS and one.result is orders)
    notes = {
        "tenfold": tenfold(arena, options.small_mb, options.rounds),
        "again": again(arena, ours),
        "shuffled": shuffled(arena, options.rival_mb),
    }
    return [*series, *rivals(arena, arena.result("orders_rivals", options.rival_mb))], notes


OURS = "ours, over HTTP to merged rows"


def compare(arena: Arena, result: Result, rounds: int) -> list[Series]:
    """The ceilings and ours, in turns."""
    ceiling, plain = Series("ceiling: COPY into a text table", result), Series("the same, column not compressed", result)
    binary, ours = Series("the same, binary COPY", result), Series(OURS, result)
    for _ in range(rounds):
        arena.copy(ceiling, CEILING)
        arena.copy(plain, PLAIN_CEILING)
        arena.copy(binary, PLAIN_CEILING, is_binary=True)
        arena.load(ours)
    return [ceiling, plain, binary, ours]


def tenfold(arena: Arena, small_mb: int, rounds: int) -> str:
    """Ten times the data in ten times the time?"""
    small, large = (Series(OURS, arena.result(f"orders_{mb}", mb)) for mb in (small_mb, small_mb * 10))
    for _ in range(rounds):
        arena.load(small)
        arena.load(large)
    return (
        f"{small_mb} MB took {small.median_s:.2f} s, {small_mb * 10} MB {large.median_s:.2f} s: "
        f"{large.median_s / small.median_s:.1f} times the time for {large.result.size / small.result.size:.1f} times the data. "
        f"Peak memory above start: "
        f"{small.peak_bytes / MB:.0f} and {large.peak_bytes / MB:.0f} MB."
    )


def again(arena: Arena, ours: Series) -> str:
    """What does loading the same once more write?"""
    arena.load(Series(OURS, ours.result))
    once_more = Series(OURS, ours.result)
    facts = arena.load(once_more, keep=True)
    return (
        f"Loading the same {ours.result.size / MB:.0f} MB once more took {once_more.median_s:.2f} s and wrote "
        f"{once_more.wal_bytes / MB:.2f} MB of write-ahead log, {facts['added'] + facts['changed']} rows (the first load "
        f"{ours.wal_bytes / MB:.0f} MB)."
    )


def shuffled(arena: Arena, megabytes: int) -> str:
    """Children anywhere: are there wrong parents?"""
    series = Series(OURS, arena.result("orders_shuffled", megabytes, is_shuffled=True))
    facts = arena.load(series)
    wrong = arena.database.run(count_wrong_parents)
    return (
        f"{megabytes} MB with all lines shuffled: {series.median_s:.2f} s, {facts['orphans']} orphans, {wrong} wrong parents, peak "
        f"memory above start {series.peak_bytes / MB:.0f} MB."
    )


async def count_wrong_parents(conn: Connection) -> int:
    sql = """
        select count(*) from shopify.line_items as l
        left join shopify.raw_objects as r on (r.shop_id, r.raw_id) = (l.shop_id, l.raw_id)
        where r.raw::json ->> '__parentId' is distinct from 'gid://shopify/Order/' || l.order_id
    """
    return int(await conn.fetchval(sql, timeout=600))


def rivals(arena: Arena, result: Result) -> list[Series]:
    """What people write, with fewer columns than ours."""
    found = []
    for way, verb in (("`json` and `executemany`", executemany), ("DuckDB `read_json`, COPY, upsert", duckdb_and_copy)):
        series = Series(way, result, rows=result.objects)
        series.seconds.append(seconds_of(arena.database, verb, result.file))
        found.append(series)
    return found


def report(series: Sequence[Series], notes: dict[str, str], version: str) -> None:
    """Write the table; ratios relate to the first ceiling of the same result."""
    rows = []
    for one in series:
        ceiling = next((other for other in series if other.result is one.result), one)
        memory = f"{one.peak_bytes / MB:.0f}" if one.peak_bytes else ""
        ratio = "" if ceiling.way.startswith("`") else f"{ceiling.median_s / one.median_s:.0%}"
        what = f"{one.result.resource}, {one.result.size / MB:.0f} MB"
        rows.append(
            [what, one.way, f"{one.median_s:.2f}", f"{one.mb_per_s:.0f}", f"{one.rows / one.median_s / 1000:.0f}", ratio, memory]
        )
    headings = ["result", "way", "s", "MB/s", "1000 rows/s", "of the ceiling", "MB above start"]
    facts = machine_facts(postgres=version, asyncpg=asyncpg.__version__)
    settings = ", ".join(f"{name} {value}" for name, value in SERVER.items())
    text = "\n\n".join([f"{facts}, {settings}", markdown_table(headings, rows), *notes.values()])
    write_section("bench_bulk_load", "Bulk load", text)


async def read_version(conn: Connection) -> str:
    return str(await conn.fetchval("show server_version")).split()[0]


def main() -> None:
    """Measure, and update RESULTS.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("orders-mb", 300), ("products-mb", 100), ("rounds", 3), ("small-mb", 30), ("rival-mb", 30)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    began = time.perf_counter()
    with open_arena() as arena:
        series, notes = measure(arena, options)
        report(series, notes, arena.database.run(read_version))
    print(f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()
