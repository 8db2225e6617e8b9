"""`make run`, for real: everything starts, the printed lines work, and nothing stays behind."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from shopify_kit.embedded_postgres import find_free_port
from tests.processes import ChildProcess, find_descendants, is_alive, wait_until

SECRETS = re.compile(r"shp[a-z]+_\w+|postgresql://|client_secret", re.ASCII)


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for the module, so that later starts find what earlier ones left."""
    return tmp_path_factory.mktemp("dev") / "state"


@contextmanager
def run_dev(state_dir: Path, *, port: int, dotenv: str = "") -> Iterator[ChildProcess]:
    """Run it with a `.env` of this text."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("SHOPIFY_") and name != "DATABASE_URL"}
    state_dir.mkdir(exist_ok=True)
    env_file = state_dir / "dotenv"
    env_file.write_text(dotenv)
    command = ["-m", "tools.dev", "--state-dir", str(state_dir), "--orders", "12", "--env-file", str(env_file)]
    with ChildProcess(command, env={**env, "PORT": str(port)}) as process:
        yield process


def wait_for_last_line(dev: ChildProcess) -> None:
    dev.wait_for_line(lambda line: line.startswith("Ctrl-C"), timeout_s=120)


def run_curl_line(line: str) -> Any:
    """Send what a printed curl line would send; curl itself may be absent."""
    words = iter(shlex.split(line)[1:])
    url, headers, body = "", {}, None
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
        elif not word.startswith("-"):
            url = word
    with requests.Session() as session:
        session.trust_env = False
        response = session.request("POST" if body else "GET", url, headers=headers, data=body, timeout=30)
    assert response.ok, response.text
    return response.json()


def assert_gone(processes: list[int]) -> None:
    wait_until(lambda: not any(map(is_alive, processes)), what="the end of all parts")


def test_printed_lines_work_and_ctrl_c_stops_everything(state_dir: Path) -> None:
    with run_dev(state_dir, port=find_free_port()) as dev:
        wait_for_last_line(dev)
        started = find_descendants(dev.pid)
        created, listed, found = (run_curl_line(line) for line in dev.stdout.splitlines() if line.startswith("  curl "))
        dev.send(signal.SIGINT)

        assert dev.wait() == 0
        assert_gone(started)
        assert listed["products"]
        assert created["product"]["variants"][0]["inventory_quantity"] == 12
        assert created["product"]["id"] in [product["id"] for product in found["results"]["products"]]
        assert dev.stderr == ""
        assert "Traceback" not in dev.stdout
        assert not SECRETS.search(dev.stdout)


def test_second_run_finds_the_data_and_ends_on_sigterm(state_dir: Path) -> None:
    with run_dev(state_dir, port=find_free_port()) as dev:
        wait_for_last_line(dev)
        started = find_descendants(dev.pid)
        dev.send(signal.SIGTERM)

        assert dev.wait() == 0
        assert_gone(started)
        assert dev.stderr == ""


@pytest.mark.parametrize(
    ("command_part", "named"),
    [
        pytest.param("fake_shopify", "The fake store", id="fake_store"),
        pytest.param("main_api_app.py", "The host", id="host"),
        pytest.param("postgres_guard.py", "PostgreSQL", id="postgres"),
    ],
)
def test_end_of_a_part_is_told_and_stops_the_rest(state_dir: Path, command_part: str, named: str) -> None:
    with run_dev(state_dir, port=find_free_port()) as dev:
        wait_for_last_line(dev)
        started = find_descendants(dev.pid)
        victim = next(pid for pid in started if command_part in Path(f"/proc/{pid}/cmdline").read_text())
        os.kill(victim, signal.SIGKILL)

        assert dev.wait() == 1
        assert_gone(started)
        assert f"\n{named} " in dev.stderr
        assert "Traceback" not in dev.stderr
        assert not SECRETS.search(dev.stderr)


def test_killed_supervisor_leaves_nothing_running(state_dir: Path) -> None:
    with run_dev(state_dir, port=find_free_port()) as dev:
        wait_for_last_line(dev)
        started = find_descendants(dev.pid)
        dev.send(signal.SIGKILL)

        assert_gone(started)


def test_taken_port_is_told(state_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, run_dev(state_dir, port=taken.getsockname()[1]) as dev:
        assert dev.wait() == 1
        assert "PORT=" in dev.stderr
        assert "Traceback" not in dev.stderr


def test_unreadable_port_is_told(state_dir: Path) -> None:
    with ChildProcess(["-m", "tools.dev", "--state-dir", str(state_dir)], env={**os.environ, "PORT": "eighty"}) as dev:
        assert dev.wait() == 1
        assert "PORT is 'eighty'" in dev.stderr


def test_database_and_settings_of_a_dotenv_file_are_used(state_dir: Path, empty_database_url: str) -> None:
    """What it says about a real shop and real callers stays out of the demo."""
    dotenv = f"""
        # A comment
        export DATABASE_URL="{empty_database_url}"
        SHOPIFY_SERVICE_KEYS=backend:key-of-production
        SHOPIFY_SHOP_DOMAIN=real-shop.myshopify.com
        SHOPIFY_ACCESS_TOKEN=shpat_real
        SHOPIFY_API_SECRET=
    """
    with run_dev(state_dir, port=find_free_port(), dotenv=dotenv) as dev:
        wait_for_last_line(dev)

        assert "PostgreSQL   yours, from DATABASE_URL" in dev.stdout
        assert "real-shop" not in dev.stdout
        assert not any("postgres_guard.py" in Path(f"/proc/{pid}/cmdline").read_text() for pid in find_descendants(dev.pid))
        assert run_curl_line(next(line for line in dev.stdout.splitlines() if line.startswith("  curl ")))["ok"]


@pytest.mark.parametrize(
    ("dotenv", "told"),
    [
        pytest.param(
            "DATABASE_URL=postgresql://nobody:secret-word@127.0.0.1:1/none", "check DATABASE_URL", id="database_is_not_there"
        ),
        pytest.param("SHOPIFY_APP_SCOPES=READ EVERYTHING", "SHOPIFY_APP_SCOPES is text of 15 characters", id="unreadable_setting"),
    ],
)
def test_a_host_that_cannot_serve_is_told_at_once(state_dir: Path, dotenv: str, told: str) -> None:
    with run_dev(state_dir, port=find_free_port(), dotenv=dotenv) as dev:
        assert dev.wait(timeout_s=20) == 1
        assert told in dev.stderr
        assert "secret-word" not in dev.stderr
        assert "Traceback" not in dev.stderr


def test_the_host_alone_brings_a_database_and_stops_cleanly(state_dir: Path) -> None:
    """`python main_api_app.py`, with everything it keeps in a directory of this test's own."""
    state_dir.mkdir(exist_ok=True)
    port = find_free_port()
    script = f"import main_api_app as host; from pathlib import Path; host.STATE_DIR = Path({str(state_dir)!r}); host.main()"
    env = {name: value for name, value in os.environ.items() if not name.startswith("SHOPIFY_")} | {"DATABASE_URL": ""}
    with ChildProcess(["-c", script], env={**env, "PORT": str(port)}) as host:
        registry = wait_until(lambda: get_json(f"http://127.0.0.1:{port}/api/services"), timeout_s=60, what="the host")
        health = get_json(f"http://127.0.0.1:{port}/api/shopify/health")
        started = find_descendants(host.pid)
        host.send(signal.SIGTERM)

        assert host.wait() == 0
        assert_gone(started)
        assert started
        assert [(service["name"], service["status"]) for service in registry] == [("shopify", "active")]
        assert health["health"]["status"] == "healthy"
        assert "Traceback" not in host.stderr


def get_json(url: str) -> Any:
    """Return what is served at an address, None while nothing is."""
    try:
        return requests.get(url, timeout=10, proxies={"http": ""}).json()
    except requests.ConnectionError:
        return None
