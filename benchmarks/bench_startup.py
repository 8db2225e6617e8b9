"""What the integration adds to a backend's start: `import shopify_integration_register`, and registering on a migrated database.

Every figure is taken in a fresh interpreter whose bytecode is compiled already, in turns with its peer: the import of the libraries
that such a backend has anyway, and a registration's own ceiling, one connection to the same server on a new event loop.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from statistics import median

import asyncpg

from benchmarks.results import machine_facts, markdown_table, write_section
from shopify_kit.database import Connection, Database
from shopify_kit.embedded_postgres import EmbeddedPostgres
from shopify_kit.migrations import migrate

ROUNDS = 15
TARGETS_MS = {"import": 400.0, "registration": 150.0}
HERE = Path(__file__).resolve().parents[1]

IMPORT = """
import time
started_at = time.perf_counter()
{statement}
print(time.perf_counter() - started_at)
"""
CONNECTION = """
import asyncio, os, time
import asyncpg

async def connect():
    await (await asyncpg.connect(os.environ["DSN"])).close()

started_at = time.perf_counter()
asyncio.run(connect())
print(time.perf_counter() - started_at)
"""
REGISTRATION = """
import asyncio, os, time
import asyncpg
from flask import Flask
from shopify_integration_register import register_shopify_integration

async def init_database():
    return await asyncpg.create_pool(os.environ["DSN"], min_size=1)

db_pool = asyncio.run(init_database()) if {is_pool} else os.environ["DSN"]
app = Flask("backend", instance_path=os.environ["FOLDER"])
app.config["TESTING"] = True
started_at = time.perf_counter()
assert register_shopify_integration(app, db_pool, strict=True)
print(time.perf_counter() - started_at)
app.extensions["shopify"].close()
"""
SCRIPTS = {
    "import · the libraries alone": IMPORT.format(statement="import flask, requests, asyncpg, loguru"),
    "import · shopify_integration_register": IMPORT.format(statement="import shopify_integration_register"),
    "registration · one connection alone": CONNECTION,
    "registration · with a DSN": REGISTRATION.format(is_pool=False),
    "registration · with a pool whose loop is closed": REGISTRATION.format(is_pool=True),
}


def main() -> None:
    """Measure on `DATABASE_URL` or an embedded server and update RESULTS.md."""
    with tempfile.TemporaryDirectory() as folder:
        given = os.environ.get("DATABASE_URL")
        if given:
            measure(given, folder)
            return
        with EmbeddedPostgres(durable=False) as server:
            measure(server.dsn(), folder)


def measure(dsn: str, folder: str) -> None:
    """Run every script in turns and write the section."""
    database = Database(dsn)
    migrate(database)
    version = database.run(read_version)
    database.close()
    left_out = ("SHOPIFY_", "DATABASE_URL", "PYTHONDONTWRITEBYTECODE")
    env = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    env |= {"PYTHONPATH": str(HERE), "PYTHONPYCACHEPREFIX": folder, "DSN": dsn, "FOLDER": folder, "LOGURU_LEVEL": "ERROR"}
    seconds: dict[str, list[float]] = {name: [] for name in SCRIPTS}
    for number in range(ROUNDS + 1):
        for name, script in SCRIPTS.items():
            took_s = float(subprocess.run([sys.executable, "-c", script], env=env, check=True, stdout=subprocess.PIPE).stdout)
            if number:  # the first round compiles bytecode and makes the sealing key
                seconds[name].append(took_s)
    report(version, seconds)


async def read_version(conn: Connection) -> str:
    """Return the server's version."""
    return str(await conn.fetchval("show server_version")).split()[0]


def report(version: str, seconds: Mapping[str, list[float]]) -> None:
    """Write the table; differences and ratios relate to the first row of the same kind."""
    firsts: dict[str, float] = {}
    rows = []
    for name, values in seconds.items():
        kind, _, what = name.partition(" · ")
        middle = median(values) * 1000
        first = firsts.setdefault(kind, middle)
        target = "" if first == middle else f"< {TARGETS_MS[kind]:.0f}"
        rows.append(
            [kind, what, f"{middle:.0f}", f"{max(values) * 1000:.0f}", f"{middle - first:+.0f}", f"{middle / first:.2f}", target]
        )
    table = markdown_table(["what", "of", "median ms", "worst ms", "ms over the first", "ratio to the first", "target ms"], rows)
    facts = machine_facts(postgres=version, asyncpg=asyncpg.__version__, flask=metadata.version("flask"))
    note = f"Medians of {ROUNDS} fresh interpreters each. A registration looks whether migrations are pending; none are."
    write_section("bench_startup", "Start-up", f"{facts}\n\n{table}\n\n{note}")


if __name__ == "__main__":
    main()
