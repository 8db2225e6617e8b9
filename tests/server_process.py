"""A backend on a real WSGI server in a process of its own, and requests that no client library would send."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import os
import select
import socket
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Response

from shopify_kit.embedded_postgres import find_free_port
from tests.attack_requests import Attack
from tests.processes import PROJECT_ROOT, ChildProcess, find_descendants, is_alive, wait_until
from tests.web_host import WEBHOOK_SECRET

GUNICORN = ("-m", "gunicorn", "--workers", "1", "--threads", "8", "--no-control-socket", "--bind", "127.0.0.1:{port}")
HOST = "main_api_app:create_app()"
CHUNK = 65_536
FLOOD_S = 3.0
FLOOD_PER_S = 2_000
FLOODERS = 8


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server."""

    process: ChildProcess
    port: int

    @property
    def origin(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def workers(self) -> list[int]:
        """The processes that serve."""
        return [pid for pid in find_descendants(self.process.pid) if is_alive(pid)]

    def send(self, attack: Attack) -> Response:
        """Send a request; see `send_raw`."""
        return send_raw(self.port, attack)

    def resident_mb(self) -> float:
        """How much memory the serving processes have."""
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.workers) * 4096 / 2**20

    def growth_mb(self, attack: Attack) -> tuple[Response, float, float]:
        """Send a request: the answer, the seconds it took, and by how many MB the server had grown at most."""
        self.send(
            Attack(
                attack.method,
                attack.path,
                {name: value for name, value in attack.headers.items() if name != "Transfer-Encoding"},
                b"{}",
            )
        )
        start, peak, stop = self.resident_mb(), [0.0], threading.Event()

        def watch() -> None:
            while not stop.wait(0.002):
                peak.append(self.resident_mb() - start)

        watcher = threading.Thread(target=watch)
        watcher.start()
        began = time.monotonic()
        try:
            answer = self.send(attack)
        finally:
            elapsed_s = time.monotonic() - began
            stop.set()
            watcher.join()
        return answer, elapsed_s, max(peak)

    def measure_under_flood(self, attack: Attack) -> list[float]:
        """Flood the server with an unsigned request; returns how many ms each signed one took meanwhile, all of them accepted."""
        stop = threading.Event()
        self._deliver(attack, 0.1)  # the first one opens connections
        with ThreadPoolExecutor(FLOODERS) as flooders:
            floods = [flooders.submit(self._flood, attack, stop) for _ in range(FLOODERS)]
            try:
                took_ms = self._deliver(attack, FLOOD_S)
            finally:
                stop.set()
            statuses = [status for flood in floods for status in flood.result()]
        assert len(statuses) > 100 * FLOOD_S
        assert set(statuses) <= {401, 429}
        return took_ms

    def _flood(self, attack: Attack, stop: threading.Event) -> list[int]:
        statuses, pause_s = [], FLOODERS / FLOOD_PER_S
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not stop.wait(pause_s):
            with suppress(http.client.RemoteDisconnected, ConnectionResetError):
                connection.request(attack.method, attack.path, attack.body, attack.headers)
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
                continue
            connection.close()
        connection.close()
        return statuses

    def _deliver(self, attack: Attack, duration_s: float) -> list[float]:
        """Send the same request, signed, again and again."""
        digest = hmac.new(WEBHOOK_SECRET.encode(), attack.body or b"", hashlib.sha256).digest()
        proof = {"X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode()}
        took_ms, ends = list[float](), time.monotonic() + duration_s
        while time.monotonic() < ends:
            headers = attack.headers | proof | {"X-Shopify-Webhook-Id": str(uuid.uuid4())}
            began = time.monotonic()
            assert self.send(Attack(attack.method, attack.path, headers, attack.body)).status_code == HTTPStatus.OK
            took_ms.append((time.monotonic() - began) * 1000)
        return took_ms


def send_raw(port: int, attack: Attack) -> Response:
    """Send a request whose body is as long as it is, in pieces, until the server has answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        is_chunked = "chunked" in attack.headers.get("Transfer-Encoding", "")
        length = {} if is_chunked else {"Content-Length": str(len(attack.body or b""))}
        headers = {"Host": "127.0.0.1", "Connection": "close"} | attack.headers | length
        lines = [f"{attack.method} {attack.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        sock.sendall("\r\n".join([*lines, "", ""]).encode())
        _send_until_answered(sock, _pieces(attack.body or b"", is_chunked=is_chunked))
        answer = http.client.HTTPResponse(sock, method=attack.method)
        answer.begin()
        return Response(answer.read(), answer.status, list(answer.getheaders()))


def _pieces(body: bytes, *, is_chunked: bool) -> Iterator[bytes]:
    for start in range(0, len(body), CHUNK):
        piece = body[start : start + CHUNK]
        yield b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece
    if is_chunked:
        yield b"0\r\n\r\n"


def _send_until_answered(sock: socket.socket, pieces: Iterable[bytes]) -> None:
    """Send, and stop when an answer comes before the end: a server that refuses a body does not read the rest of it."""
    with suppress(BrokenPipeError, ConnectionResetError):
        for piece in pieces:
            if select.select([sock], [], [], 0)[0]:
                return
            sock.sendall(piece)


@contextmanager
def run_server(
    dsn: str, folder: Path, *, app: str = HOST, options: Iterable[str] = (), env: Mapping[str, Any] | None = None
) -> Iterator[ServerProcess]:
    """Serve an app with gunicorn; modules in `folder` can be imported.

    Args:
        env: settings beside those of a production with a webhook secret; None takes one away.
    """
    port = find_free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHOPIFY_")}
    settings: dict[str, Any] = {
        "PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT_ROOT)]),
        "SHOPIFY_DATABASE_URL": dsn,
        "SHOPIFY_ENV": "development",
        "SHOPIFY_TOKEN_KEYS": "1" * 64,
        "SHOPIFY_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "SHOPIFY_WORKER": "off",
        **(env or {}),
    }
    whole = kept | {name: str(value) for name, value in settings.items() if value is not None}
    command = [word.format(port=port) for word in (*GUNICORN, *options)] + [app]
    with ChildProcess(command, env=whole, cwd=folder) as process:
        server = ServerProcess(process, port)
        wait_until(lambda: _is_up(server), timeout_s=30, what="the server")
        yield server


def _is_up(server: ServerProcess) -> bool:
    """Ask whether anybody listens; no route is called, for the first request may begin something."""
    assert is_alive(server.process.pid), server.process.stderr
    with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=1):
        return True
    return False
