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
def run_dev(state_dir: Path, *, port: int) -> Iterator[ChildProcess]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SHOPIFY_") and name != "DATABASE_URL"}
    command = ["-m", "tools.dev", "--state-dir", str(state_dir), "--orders", "12"]
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
    assert response.status_code == 200, response.text
    return response.json()


def assert_gone(processes: list[int]) -> None:
    wait_until(lambda: not any(map(is_alive, processes)), what="the end of all parts")


def test_printed_lines_work_and_ctrl_c_stops_everything(state_dir: Path) -> None:
    with run_dev(state_dir, port=find_free_port()) as dev:
        wait_for_last_line(dev)
        started = find_descendants(dev.pid)
        products, search, services = (run_curl_line(line) for line in dev.stdout.splitlines() if line.startswith("  curl "))
        dev.send(signal.SIGINT)

        assert dev.wait() == 0
        assert_gone(started)
        assert products["products"]
        assert search["results"]["products"]
        assert "shopify" in str(services)
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
