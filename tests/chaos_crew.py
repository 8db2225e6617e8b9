"""The processes of the chaos test: two WSGI servers, two workers and their database, and what is done to them."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from shopify_kit.embedded_postgres import EmbeddedPostgres, find_free_port
from tests.chaos_verdict import query
from tests.processes import PROJECT_ROOT, ChildProcess, find_descendants

HOST = "tests.chaos_host:create_app"
TERMINATE = (
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'shopify_integration' and random() < 0.7"
)
FAULTS = {
    "a serving process killed": 4,
    "a whole server killed": 1,
    "a worker killed": 4,
    "Postgres crashed": 2,
    "backends terminated": 3,
}
"""What happens, and how often in relation to each other."""


def gunicorn(port: int) -> Sequence[str]:
    """Serve with gunicorn's threads."""
    options = ["--workers", "2", "--threads", "8", "--no-control-socket", "--log-level", "critical"]
    return ["-m", "gunicorn", *options, "--bind", f"127.0.0.1:{port}", f"{HOST}()"]


def granian(port: int) -> Sequence[str]:
    """Serve with granian."""
    options = [
        "--interface",
        "wsgi",
        "--workers",
        "2",
        "--blocking-threads",
        "8",
        "--respawn-failed-workers",
        "--log-level",
        "critical",
    ]
    return ["-m", "granian", *options, "--host", "127.0.0.1", "--port", str(port), "--factory", HOST]


def worker(hands: int = 4) -> Sequence[str]:
    """Drain the lanes."""
    return ["-m", "flask", "--app", HOST, "shopify", "worker", "--hands", str(hands)]


def environment(dsn: str, folder: Path, **more: str) -> Mapping[str, str]:
    """Return what a process of the host is told."""
    return {**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "DATABASE_URL": dsn, "CHAOS_FOLDER": str(folder), **more}


class Crew:
    """Keeps the processes running, as a service manager would, and does them harm."""

    def __init__(self, postgres: EmbeddedPostgres, dsn: str, folder: Path, chance: random.Random) -> None:
        self._postgres = postgres
        self._chance = chance
        self._env = environment(dsn, folder)
        self._dsn = dsn
        self.ports = [find_free_port(), find_free_port()]
        self._servers = {"gunicorn": gunicorn(self.ports[0]), "granian": granian(self.ports[1])}
        self._workers = {f"worker {number}": worker() for number in (1, 2)}
        self._commands = {**self._servers, **self._workers}
        self._running: dict[str, ChildProcess] = {}
        self._upcoming: list[str] = []
        self.done: Counter[str] = Counter()
        self.restarts = 0

    def __enter__(self) -> Self:
        for name, command in self._commands.items():
            self._running[name] = ChildProcess(command, env=self._env)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            kill_all(process)
            process.close()

    def tend(self) -> None:
        """Start again what has ended."""
        for name, process in list(self._running.items()):
            if process.has_ended:
                kill_all(process)
                process.close()
                self._running[name] = ChildProcess(self._commands[name], env=self._env)
                self.restarts += 1

    def harm(self) -> None:
        """Do one thing that goes wrong sooner or later: each kind once in a while, in no order."""
        if not self._upcoming:
            self._upcoming = [fault for fault, weight in FAULTS.items() for _ in range(weight)]
            self._chance.shuffle(self._upcoming)
            # A short run sees every kind as well.
            self._upcoming += self._chance.sample(sorted(FAULTS), len(FAULTS))
        fault = self._upcoming.pop()
        self.done[fault] += 1
        if fault == "a serving process killed":
            kill(self._chance.choice(find_descendants(self._pick(self._servers).pid) or [0]))
        elif fault == "a whole server killed":
            kill_all(self._pick(self._servers))
        elif fault == "a worker killed":
            kill_all(self._pick(self._workers))
        elif fault == "Postgres crashed":
            self._postgres.restart_immediate()
        else:
            query(self._dsn, TERMINATE)

    def _pick(self, among: Mapping[str, object]) -> ChildProcess:
        return self._running[self._chance.choice(sorted(among))]


def kill(pid: int) -> None:
    """End a process as `kill -9` does; one that has ended already is fine."""
    with contextlib.suppress(ProcessLookupError):
        if pid:
            os.kill(pid, signal.SIGKILL)


def kill_all(process: ChildProcess) -> None:
    """End a process and all it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def print_line(text: str) -> None:
    """Print a figure for whoever looks on."""
    sys.stderr.write(f"{text}\n")
