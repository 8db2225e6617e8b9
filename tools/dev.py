"""Start a connected demo shop and stop it again: what `make run` runs (`python -m tools.dev`).

The parts: the fake store with a seeded demo shop; an embedded PostgreSQL with its data in `.state/postgres`, unless
`DATABASE_URL` is set, in the environment or in `.env`; the reference host on `$PORT` (8000). Then the demo shop is connected, its
webhooks are set up, and three curl lines that work are printed. SIGINT, SIGTERM and SIGHUP stop everything; so does the end of
any part, with its last words and exit code 1.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import requests

from main_api_app import read_env_file, read_port
from shopify_kit.embedded_postgres import EmbeddedPostgres
from shopify_kit.errors import IntegrationError

PROJECT_ROOT = Path(__file__).resolve().parents[1]
USER_ID = "demo"
DATABASE_SETTINGS = ("SHOPIFY_DATABASE_URL", "DATABASE_URL")
# What .env may say about a real shop and real callers is not for the demo: an empty value counts as none.
LEFT_OUT = ("SHOPIFY_ACCESS_TOKEN", "SHOPIFY_SHOP_DOMAIN", "SHOPIFY_SERVICE_KEYS")
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Shopify delivers to https addresses only; the fake store is told to bring what goes there to the host.
PUBLIC_ORIGIN = "https://backend.example"
PATIENCE_S = 60.0
STOP_WAIT_S = 10.0
POLL_S = 0.1
LAST_WORDS_LINES = 20
PR_SET_PDEATHSIG = 1


class CannotRun(Exception):
    """Something needed is not there or has ended; the message is for the person at the terminal."""


class Part:
    """A child process that answers for its own end: its complaints go to a log file, of which `check` quotes the last lines.

    Its standard output is a pipe for one ready line, which may hold secrets and is therefore kept nowhere.
    """

    def __init__(self, name: str, command: Sequence[str], *, env: Mapping[str, str], log_file: Path, has_ready_line: bool) -> None:
        self.name = name
        self.log_file = log_file
        with log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *command],
                cwd=PROJECT_ROOT,
                env={**env, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if has_ready_line else log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def check(self) -> None:
        """Raise CannotRun with the last words when the process has ended."""
        code = self._process.poll()
        if code is not None:
            raise CannotRun(f"{self.name} ended with code {code}. {last_words(self.log_file)}")

    def read_ready_line(self) -> dict[str, Any]:
        """Return what the process says on its standard output when it is ready."""
        pipe = self._process.stdout
        assert pipe is not None, "started without has_ready_line"
        os.set_blocking(pipe.fileno(), False)
        heard = bytearray()

        def listen() -> bool:
            with contextlib.suppress(BlockingIOError):
                heard.extend(os.read(pipe.fileno(), 65536))
            return b"\n" in heard

        wait_for(listen, f"{self.name} to be ready", [self])
        ready: dict[str, Any] = json.loads(heard.partition(b"\n")[0])
        return ready

    def stop(self) -> None:
        """End the process, gently at first."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def die_with_parent() -> None:
    """Have the kernel end this child when the supervisor is killed; between fork and exec, in a process without threads."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def last_words(log_file: Path) -> str:
    """Return the end of a log, introduced, for a message."""
    lines = log_file.read_text(errors="replace").splitlines()[-LAST_WORDS_LINES:] if log_file.exists() else []
    return "\n".join(["Its last output:", *(f"  | {line}" for line in lines)]) if lines else "It said nothing."


def wait_for(is_there: Callable[[], bool], what: str, parts: Sequence[Part]) -> None:
    """Poll until something is there, as long as the parts live and patience lasts."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_there():
        for part in parts:
            part.check()
        if time.monotonic() > deadline:
            words = f" {last_words(parts[-1].log_file)}" if parts else ""
            raise CannotRun(f"Waited {PATIENCE_S:g} s in vain for {what}.{words}")
        time.sleep(POLL_S)


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a port of this machine."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def say(label: str, text: str) -> None:
    """Print one line of progress."""
    print(f"{label:<12} {text}", flush=True)


def curl(url: str, body: Mapping[str, Any] | None = None) -> str:
    """Write the command line of a GET, or of a POST with a JSON body."""
    words = ["curl", "-s", url]
    if body is not None:
        words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
    return shlex.join(words)


class Supervisor:
    """The parts of a running demo, started by `start` in order and stopped by `stop` in reverse order."""

    def __init__(self, *, state_dir: Path, host_port: int, orders: int) -> None:
        self._state_dir = state_dir
        self._host_url = f"http://127.0.0.1:{host_port}"
        self._host_port = host_port
        self._orders = orders
        self._server: EmbeddedPostgres | None = None
        self._parts: list[Part] = []
        self._http = requests.Session()
        self._http.trust_env = False

    def start(self) -> None:
        """Start everything, connect the demo shop and say how to go on."""
        if not is_free(self._host_port):
            raise CannotRun(f"Port {self._host_port} is taken: stop what listens there, or choose another: PORT=8001 make run")
        (self._state_dir / "logs").mkdir(parents=True, exist_ok=True)
        fake_store = self._start_fake_store()
        database_url = self._start_database()
        store = self._hear_of(fake_store)
        self._start_host(database_url, store)
        self._connect(store["shops"][0])
        self._say_what_next()

    def watch(self) -> NoReturn:
        """Return never; raise CannotRun when a part ends."""
        while True:
            for part in self._parts:
                part.check()
            if self._server is not None and not self._server.is_running:
                raise CannotRun(f"PostgreSQL has ended. {last_words(self._server.data_dir / 'server.log')}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Stop what was started, the latest first."""
        self._http.close()
        while self._parts:
            self._parts.pop().stop()
        if self._server is not None:
            self._server.stop()

    def _start_database(self) -> str:
        given = next((name for name in DATABASE_SETTINGS if os.environ.get(name)), None)
        if given is not None:
            say("PostgreSQL", f"yours, from {given}")
            return os.environ[given]
        self._server = EmbeddedPostgres(data_dir=self._state_dir / "postgres")
        database_url = self._server.start()
        say("PostgreSQL", f"embedded, data in {self._shown(self._state_dir / 'postgres')}")
        return database_url

    def _start_fake_store(self) -> Part:
        """Start it first: it reads the whole schema of the Admin API while the database starts."""
        port = 4000 if is_free(4000) else 0
        return self._start_part(
            "The fake store",
            [
                "-m",
                "fake_shopify",
                "--port",
                str(port),
                "--orders",
                str(self._orders),
                "--deliver",
                f"{PUBLIC_ORIGIN}={self._host_url}",
            ],
            env=dict(os.environ),
            log_name="fake_store.log",
            has_ready_line=True,
        )

    def _hear_of(self, fake_store: Part) -> dict[str, Any]:
        ready = fake_store.read_ready_line()
        say("Fake store", f"{ready['base_url']} with {ready['shops'][0]['shop_domain']} ({self._orders} orders)")
        return ready

    def _start_host(self, database_url: str, store: Mapping[str, Any]) -> None:
        env = dict(os.environ)
        env.setdefault("SHOPIFY_TOKEN_KEY_FILE", str(self._state_dir / "shopify_token_key"))
        env |= dict.fromkeys(LEFT_OUT, "") | {
            "PORT": str(self._host_port),
            "DATABASE_URL": database_url,
            "SHOPIFY_DATABASE_URL": database_url,
            "SHOPIFY_ADMIN_ORIGIN": store["base_url"],
            "SHOPIFY_APP_CLIENT_ID": store["client_id"],
            "SHOPIFY_APP_CLIENT_SECRET": store["client_secret"],
            "SHOPIFY_WEBHOOK_URL": f"{PUBLIC_ORIGIN}/api/shopify/webhooks",
            "SHOPIFY_ENV": "development",
            "SHOPIFY_TRUST_LOOPBACK": "1",
        }
        self._start_part("The host", ["main_api_app.py"], env=env, log_name="host.log")
        wait_for(self._is_host_healthy, f"{self._host_url}/api/shopify/health", self._parts)
        say("Host", f"{self._host_url} (main_api_app.py)")

    def _start_part(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str], log_name: str, has_ready_line: bool = False
    ) -> Part:
        log_file = self._state_dir / "logs" / log_name
        part = Part(name, command, env=env, log_file=log_file, has_ready_line=has_ready_line)
        self._parts.append(part)
        return part

    def _is_host_healthy(self) -> bool:
        try:
            answer = self._http.get(f"{self._host_url}/api/shopify/health?detailed=true", timeout=5)
        except requests.RequestException:
            return False
        if answer.ok:
            return True
        if answer.status_code == 404:
            raise CannotRun(f"The host runs without the integration. {last_words(self._parts[-1].log_file)}")
        trouble = answer.json()["health"]["services"]["database"].get("trouble")
        raise CannotRun(f"The host does not get at its database; check DATABASE_URL, in the environment or in .env.\n  {trouble}")

    def _connect(self, shop: Mapping[str, str]) -> None:
        body = {"user_id": USER_ID, "shop_domain": shop["shop_domain"], "access_token": shop["access_token"]}
        self._ask("POST", "/api/shopify/connect", json=body)
        say("Connected", f"{shop['shop_domain']} as user {USER_ID!r}")
        found = self._ask("POST", "/api/shopify/webhooks/setup", json={"user_id": USER_ID})
        say("Webhooks", f"{found['total_registered']} topics, delivered to the host")

    def _ask(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Return the host's answer to a request that has to succeed."""
        try:
            response = self._http.request(method, self._host_url + path, timeout=30, **options)
            answer: dict[str, Any] = response.json()
        except requests.RequestException as error:
            raise CannotRun(
                f"{method} {path} got no answer: {type(error).__name__}. {last_words(self._parts[-1].log_file)}"
            ) from error
        if not response.ok:
            raise CannotRun(f"{method} {path} was answered {response.status_code}: {answer.get('error')}")
        return answer

    def _say_what_next(self) -> None:
        api = f"{self._host_url}/api/shopify"
        product = {"title": "Enamel mug", "variants": [{"price": "18.50", "inventory_quantity": 12}]}
        print("\nTry it:")
        print(f"  {curl(f'{api}/products', {'user_id': USER_ID, 'product': product})}")
        print(f"  {curl(f'{api}/products?user_id={USER_ID}&limit=3')}")
        print(f"  {curl(f'{api}/search', {'user_id': USER_ID, 'query': 'mug', 'type': 'products'})}\n")
        say("All routes", f"{api}/docs")
        say("Deliveries", f"{api}/webhooks/events?user_id={USER_ID}")
        say("Logs", f"{self._shown(self._state_dir / 'logs')}")
        print("Ctrl-C stops everything.", flush=True)

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(PROJECT_ROOT)) if path.is_relative_to(PROJECT_ROOT) else str(path)


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.dev", description="Run a connected demo shop until Ctrl-C.")
    parser.add_argument(
        "--state-dir", type=Path, default=PROJECT_ROOT / ".state", help="where data and logs are kept (default .state)"
    )
    parser.add_argument("--env-file", type=Path, default=PROJECT_ROOT / ".env", help="settings to read (default .env)")
    parser.add_argument("--orders", type=int, default=200, help="orders in the demo shop (default 200)")
    return parser.parse_args()


def on_stop_signal(*_: object) -> NoReturn:
    """Leave whatever is going on; a second Ctrl-C changes nothing about the stopping."""
    ignore_stop_signals()
    raise KeyboardInterrupt


def ignore_stop_signals() -> None:
    """Let nothing interrupt the stopping."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def main() -> int:
    """Run until a stop signal (0) or until something ends by itself (1)."""
    arguments = read_arguments()
    read_env_file(arguments.env_file)
    for number in STOP_SIGNALS:
        signal.signal(number, on_stop_signal)
    supervisor: Supervisor | None = None
    try:
        supervisor = Supervisor(state_dir=arguments.state_dir.absolute(), host_port=read_port(), orders=arguments.orders)
        supervisor.start()
        supervisor.watch()
    except KeyboardInterrupt:
        print("\nStopping …", flush=True)
        return 0
    except (CannotRun, IntegrationError) as reason:
        print(f"\n{reason}", file=sys.stderr, flush=True)
        return 1
    finally:
        ignore_stop_signals()
        if supervisor is not None:
            supervisor.stop()


if __name__ == "__main__":
    sys.exit(main())
