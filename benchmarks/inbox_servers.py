"""What `bench_inbox` sends to: WSGI servers with our hosts, the Node peer, and pgbench, which needs no server."""

from __future__ import annotations

import base64
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.delivery_load import BODY_BYTES, Outcome
from benchmarks.inbox_hosts import PATH, SECRET
from shopify_kit.embedded_postgres import find_free_port
from tests.processes import ChildProcess, find_descendants, wait_until

HERE: Final = Path(__file__).resolve().parents[1]
PEER: Final = Path(__file__).with_name("inbox_peer")
PROCESSES: Final = 2
THREADS: Final = 32
SHOP: Final = "acme.myshopify.com"
KNOWN_SHOP: Final = "insert into shopify.shops (shop_domain, installed_at) values ('acme.myshopify.com', now())"
PEER_TABLE: Final = """
    create table public.peer_deliveries (
        delivery_id bigint generated always as identity primary key,
        webhook_id text not null unique,
        topic text not null,
        shop_domain text not null,
        api_version text,
        body text not null,
        received_at timestamptz not null default now()
    )
"""
ROW: Final = """
    insert into shopify.inbox
        (shop_id, app, webhook_id, event_id, topic, shop_domain, api_version, triggered_at, body_hash, body_sealed, lane)
    values (1, 'app', :run || '-' || :client_id || '-' || :number, :event, 'orders/updated', :shop, '2026-10', :triggered, :hash,
        :body, :lane || :resource)
"""
"""The row of a delivery as ours, on the same table with the same indexes."""
ROW_AND_JOB: Final = f"""
    with kept as ({ROW.strip()} returning shop_id, delivery_id, lane)
    insert into shopify.jobs (shop_id, lane, kind, reference, priority, turn)
    select shop_id, lane, 'delivery', delivery_id, 1, nextval('shopify.job_turns') from kept
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Server:
    """Something that serves on a port."""

    process: ChildProcess
    port: int

    def cpu_s(self) -> float:
        """Return the processor time of its processes so far."""
        return cpu_s(self.process.pid)


def cpu_s(pid: int) -> float:
    """Return the processor time that a process and all that it started have used, those that have ended included."""
    ticks = 0
    for each in (pid, *find_descendants(pid)):
        with suppress(FileNotFoundError, ProcessLookupError):
            ticks += sum(map(int, Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def serve(command: list[str], env: Mapping[str, str], port: int) -> Iterator[Server]:
    """Run a server until the end of the block."""
    with ChildProcess(command, env={**os.environ, "PYTHONPATH": str(HERE), **env}) as process:
        try:
            wait_until(lambda: _listens(port), timeout_s=60, what=f"{command[1]} on port {port}")
        except AssertionError as error:
            error.add_note(process.stderr[-2000:])
            raise
        yield Server(process, port)


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextmanager
def gunicorn(host: str, dsn: str, worker: str = "off") -> Iterator[Server]:
    """Serve one of `inbox_hosts` on gunicorn's threads."""
    port = find_free_port()
    options = ["--worker-class", "gthread", "--workers", str(PROCESSES), "--threads", str(THREADS), "--keep-alive", "60"]
    command = ["-m", "gunicorn", *options, "--no-control-socket", "--log-level", "error", "--bind", f"127.0.0.1:{port}"]
    with serve([*command, f"benchmarks.inbox_hosts:{host}()"], _env(dsn, worker), port) as server:
        yield server


@contextmanager
def granian(host: str, dsn: str, worker: str = "off") -> Iterator[Server]:
    """Serve one of `inbox_hosts` on granian (WSGI)."""
    port = find_free_port()
    options = ["--interface", "wsgi", "--workers", str(PROCESSES), "--blocking-threads", str(THREADS), "--backpressure", "256"]
    command = ["-m", "granian", *options, "--log-level", "error", "--host", "127.0.0.1", "--port", str(port), "--factory"]
    with serve([*command, f"benchmarks.inbox_hosts:{host}"], _env(dsn, worker), port) as server:
        yield server


def _env(dsn: str, worker: str) -> dict[str, str]:
    return {"DATABASE_URL": dsn, "SHOPIFY_WORKER": worker}


# The Node peer


def install_peer() -> Path | str:
    """Install the peer's packages where they are not yet; returns where, or says why not."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node and npm are not there (`apt install nodejs npm`)"
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shopify-flask-integration" / "inbox-peer"
    wanted, kept = PEER / "package.json", folder / "installed.json"
    if kept.exists() and kept.read_bytes() == wanted.read_bytes():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(wanted, folder)
    print(f"npm install in {folder} …", flush=True)
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=False, timeout=180)
    if done.returncode != 0:
        return f"npm install failed in {folder}"
    shutil.copy(wanted, kept)
    return folder


@contextmanager
def node_peer(folder: Path, dsn: str) -> Iterator[Server]:
    """Serve the peer."""
    port = find_free_port()
    shutil.copy(PEER / "server.js", folder)
    env = {"DATABASE_URL": dsn, "WEBHOOK_SECRET": SECRET, "WEBHOOK_PATH": PATH, "PORT": str(port), "NODE_ENV": "production"}
    with serve(["node", str(folder / "server.js")], env, port) as server:
        yield server


# pgbench


def find_pgbench() -> str | None:
    """Return the program: `$PG_BIN`'s, Debian's newest, or the one on PATH; the wheel of the embedded server has none."""
    places = [Path(os.environ["PG_BIN"])] if os.environ.get("PG_BIN") else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: place.parent.name.zfill(4), reverse=True)
    return next((str(place / "pgbench") for place in places if (place / "pgbench").exists()), shutil.which("pgbench"))


def run_pgbench(program: str, dsn: str, statement: str, *, connections: int, seconds: float, seed: int) -> Outcome:
    """Insert single rows, extended protocol, the body sent each time."""
    chance = random.Random(seed)
    values = {
        "run": chance.randbytes(8).hex(),
        "event": chance.randbytes(18).hex(),
        "shop": SHOP,
        "triggered": "2026-11-02T10:00:01.123456789Z",
        "hash": chance.randbytes(8).hex(),
        "body": base64.b64encode(chance.randbytes(BODY_BYTES))[:BODY_BYTES].decode(),
        "lane": "orders:5000000000",
    }
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script.sql")
        script.write_text(f"\\set number random(1, 1000000000000)\n\\set resource random(1, 500)\n{_one_line(statement)};\n")
        options = ["-n", "-M", "extended", "-c", str(connections), "-j", "2", "-T", str(max(1, round(seconds))), "-l"]
        variables = [part for name, value in values.items() for part in ("-D", f"{name}={value}")]
        command = [program, *options, "--log-prefix", f"{folder}/log", "-f", str(script), *variables, dsn]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"pgbench failed: {done.stderr[-1000:]}")
        took_us = sorted(int(line.split()[2]) for log in Path(folder).glob("log*") for line in log.read_text().splitlines())
    tps = [float(line.split()[2]) for line in done.stdout.splitlines() if line.startswith("tps")]
    if not tps or not took_us:
        return Outcome(0, 0, seconds, 0.0, 0.0)  # it was still connecting when the time was over
    at = len(took_us) - 1
    return Outcome(len(took_us), 0, len(took_us) / tps[0], took_us[at // 2] / 1000, took_us[int(at * 0.99)] / 1000)


def _one_line(statement: str) -> str:
    return " ".join(statement.split())
