"""The worker inside a web process: when it begins, in which processes, and when it ends."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import enumerate as living_threads
from typing import Any

import pytest

from shopify_kit.embedded_postgres import find_free_port
from shopify_webhooks import WebhookEvent
from tests.attack_requests import Attack
from tests.databases import fresh_database
from tests.fake_store import FakeStore
from tests.processes import PROJECT_ROOT, ChildProcess, find_descendants, wait_until
from tests.server_process import ServerProcess, run_server
from tests.web_host import STANDARD, WEBHOOK_SECRET, Host, run_host, run_sql, signed

pytest_plugins = ("tests.web_fixtures",)

SHOP = "acme.myshopify.com"
HOST = """
import faulthandler
import os
import signal

from flask import Flask

from shopify_integration_register import register_shopify_integration
from shopify_kit.embedded_worker import EmbeddedWorker

# The three seconds have a test of their own.
EmbeddedWorker.__init__.__kwdefaults__["start_after_s"] = 1.0
# All stacks of a process on demand: whoever works has a thread that dispatches.
faulthandler.register(signal.SIGRTMIN, file=open(os.environ["STACKS"], "a"), all_threads=True)
app = Flask(__name__, instance_path=os.environ["FOLDER"])
register_shopify_integration(app, strict=True)


@app.extensions["shopify"].webhooks.on("orders/create")
def note(event):
    with open(os.environ["HANDLED"], "a") as file:
        file.write(f"{os.getpid()} {event.payload['id']}\\n")


open(os.path.join(os.environ["FOLDER"], f"loaded.{os.getpid()}"), "w").close()
"""
FORKING = """
import json
import multiprocessing
import os
import sys
import time

from host import app

worker = app.extensions["shopify"].worker


def say(name):
    print(json.dumps([name, worker.state]), flush=True)


def begins(name, after_s=5.0):
    end = time.monotonic() + after_s
    while worker.state != "running" and time.monotonic() < end:
        time.sleep(0.02)
    say(name)


def wait_for(pid):
    os.waitpid(pid, 0)


app.test_client().get("/api/shopify/stores")
say("parent")
children = []
for name in ("forked",):
    pid = os.fork()
    if pid == 0:
        say("just forked")
        begins(name)
        os._exit(0)
    children.append(pid)
pooled = multiprocessing.get_context("fork").Process(target=begins, args=("pooled", 1.6))
pooled.start()
for pid in children:
    os.waitpid(pid, 0)
pooled.join()
say("parent later")
app.extensions["shopify"].close()
pid = os.fork()
if pid == 0:
    begins("forked after the end", 1.6)
    os._exit(0)
os.waitpid(pid, 0)
"""


# In one process


@pytest.fixture
def working_host(database_url: str, web_store: FakeStore, tmp_path: Path) -> Iterator[Host]:
    with run_host(database_url, web_store, tmp_path, SHOPIFY_WORKER="embedded", **STANDARD) as host:
        run_sql(host.dsn, "insert into shopify.shops (shop_domain) values ($1)", SHOP)
        yield host


def heard_by(host: Host) -> list[WebhookEvent]:
    seen: list[WebhookEvent] = []
    host.integration.webhooks.on("orders/create")(seen.append)
    return seen


def deliver(host: Host, number: int) -> None:
    body, headers = signed("orders/create", {"id": number}, SHOP)
    assert host.call("POST", "/webhooks", None, data=body, headers=headers).status_code == 200


def dispatchers() -> int:
    return sum(1 for thread in living_threads() if thread.name == "shopify-dispatch")


def test_worker_begins_with_the_first_request(working_host: Host) -> None:
    worker = working_host.integration.worker
    before = worker.state

    assert working_host.get("/stores").status_code == 200

    assert (before, worker.state) == ("idle", "running")
    assert working_host.get("/health").get_json()["health"]["services"]["worker"]["status"] == "running"


def test_worker_begins_with_a_delivery_and_handles_it_at_once(working_host: Host) -> None:
    seen = heard_by(working_host)

    deliver(working_host, 1)

    wait_until(lambda: seen, timeout_s=2, what="the handler's turn")
    assert working_host.integration.worker.state == "running"


def test_idle_worker_is_woken_by_a_delivery(working_host: Host) -> None:
    """Half a second of polling would do as well; people look at their screens sooner."""
    seen, pauses_s = heard_by(working_host), []
    working_host.get("/stores")
    for number in range(5):
        began = time.monotonic()
        deliver(working_host, number)
        wait_until(lambda: seen and seen[-1].payload["id"] == number)  # noqa: B023
        pauses_s.append(time.monotonic() - began)

    assert sorted(pauses_s)[2] < 0.3


def test_worker_begins_three_seconds_after_registration_without_a_request(working_host: Host) -> None:
    began, worker = time.monotonic(), working_host.integration.worker

    wait_until(lambda: worker.state == "running", timeout_s=6)

    assert 2.0 < time.monotonic() - began < 5.0


def test_requests_of_strangers_begin_nothing(working_host: Host) -> None:
    body, headers = signed("orders/create", {"id": 1}, SHOP, secret="not-the-secret-0123456789")

    assert working_host.get("/stores", None).status_code == 401
    assert working_host.call("POST", "/webhooks", None, data=body, headers=headers).status_code == 401

    assert working_host.integration.worker.state == "idle"


def test_worker_that_is_off_does_nothing(database_url: str, web_store: FakeStore, tmp_path: Path) -> None:
    with run_host(database_url, web_store, tmp_path, SHOPIFY_WORKER="off", **STANDARD) as host:
        run_sql(host.dsn, "insert into shopify.shops (shop_domain) values ($1)", SHOP)
        seen = heard_by(host)
        host.get("/stores")
        deliver(host, 1)

        assert (host.integration.worker.state, dispatchers(), seen) == ("off", 0, [])
        assert host.work() == 1
        assert len(seen) == 1


def test_worker_ends_with_the_integration_and_finishes_what_it_began(working_host: Host) -> None:
    begun: list[int] = []
    finished: list[int] = []

    @working_host.integration.webhooks.on("orders/create")
    def take_time(event: WebhookEvent) -> None:
        begun.append(event.payload["id"])
        time.sleep(0.3)
        finished.append(event.payload["id"])

    deliver(working_host, 1)
    wait_until(lambda: begun)
    working_host.integration.close()

    assert finished == [1]
    assert working_host.integration.worker.state == "idle"
    wait_until(lambda: dispatchers() == 0)
    assert run_sql(working_host.dsn, "select 1 from shopify.leases") == []


def test_closed_integration_begins_no_worker(database_url: str, web_store: FakeStore, tmp_path: Path) -> None:
    with run_host(database_url, web_store, tmp_path, SHOPIFY_WORKER="embedded", **STANDARD) as host:
        host.integration.close()

        assert host.get("/stores").status_code == 200
        assert host.integration.worker.state == "idle"


def test_two_apps_in_one_process_have_a_worker_each(
    postgres: str, migrated_template: str, web_store: FakeStore, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"SHOPIFY_WORKER": "embedded", **STANDARD}
    with (
        fresh_database(postgres, template=migrated_template) as (_, one_dsn),
        fresh_database(postgres, template=migrated_template) as (_, other_dsn),
        run_host(one_dsn, web_store, tmp_path, **settings) as one,
        run_host(other_dsn, web_store, tmp_path, **settings) as other,
    ):
        seen = {}
        for name, host in (("one", one), ("other", other)):
            run_sql(host.dsn, "insert into shopify.shops (shop_domain) values ($1)", SHOP)
            seen[name] = heard_by(host)
        deliver(one, 1)
        wait_until(lambda: seen["one"])
        assert (dispatchers(), other.integration.worker.state) == (1, "idle")

        deliver(other, 2)
        wait_until(lambda: seen["other"])
        one.integration.close()
        deliver(other, 3)
        wait_until(lambda: len(seen["other"]) == 2)

    assert [[event.payload["id"] for event in events] for events in seen.values()] == [[1], [2, 3]]


# In processes that fork


def settings_in(folder: Path, **changes: str) -> dict[str, str]:
    """Write the host's module into a folder, and return its environment."""
    (folder / "host.py").write_text(HOST)
    names = {name: str(folder / name.lower()) for name in ("STACKS", "HANDLED")}
    return {"FOLDER": str(folder), "SHOPIFY_WORKER": "embedded", "SHOPIFY_TRUST_LOOPBACK": "1", **names, **changes}


@pytest.fixture
def shop_dsn(database_url: str) -> str:
    run_sql(database_url, "insert into shopify.shops (shop_domain) values ($1)", SHOP)
    return database_url


def is_working(pid: int, stacks: Path) -> bool:
    """Look whether a process has a thread that dispatches."""
    stacks.write_text("")
    os.kill(pid, signal.SIGRTMIN)
    sizes = [0]

    def is_written() -> bool:
        sizes.append(stacks.stat().st_size)
        return sizes[-1] == sizes[-2] > 0

    wait_until(is_written, what="the stacks")
    return "in _dispatch" in stacks.read_text()


def has_begun_everywhere(server: ServerProcess, folder: Path) -> bool:
    """Look into both processes, once they (or the master before them) have loaded the app: before, the signal would end them."""
    loaders = {int(path.suffix[1:]) for path in folder.glob("loaded.*")}
    workers = server.workers
    is_loaded = server.process.pid in loaders or set(workers) <= loaders
    return len(workers) == 2 and is_loaded and all(is_working(pid, folder / "stacks") for pid in workers)


@pytest.mark.parametrize("options", [pytest.param((), id="plain"), pytest.param(("--preload",), id="preload")])
def test_each_serving_process_has_a_worker_and_the_master_has_none(shop_dsn: str, tmp_path: Path, options: tuple[str, ...]) -> None:
    env, stacks = settings_in(tmp_path), tmp_path / "stacks"
    with run_server(shop_dsn, tmp_path, app="host:app", options=("--workers", "2", *options), env=env) as server:
        wait_until(lambda: has_begun_everywhere(server, tmp_path), timeout_s=10, what="a worker in each process")

        first = server.workers[0]
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: first not in server.workers and len(server.workers) == 2, what="another process")
        wait_until(lambda: has_begun_everywhere(server, tmp_path), timeout_s=10, what="a worker in the new process")
        for number in range(12):
            body, headers = signed("orders/create", {"id": number}, SHOP)
            assert server.send(Attack("POST", "/api/shopify/webhooks", headers, body)).status_code == 200
        handled = wait_until(lambda: lines_of(tmp_path / "handled", 12))

        if "--preload" in options:
            assert not is_working(server.process.pid, stacks), "the master only forks"
        assert sorted(int(line.split()[1]) for line in handled) == list(range(12))
        assert {int(line.split()[0]) for line in handled} <= set(server.workers)


def lines_of(file: Path, count: int) -> list[str]:
    """Return the lines of a file once there are enough of them."""
    lines = file.read_text().splitlines() if file.exists() else []
    return lines if len(lines) >= count else []


def test_worker_begins_anew_after_a_fork_and_not_in_children_of_multiprocessing(shop_dsn: str, tmp_path: Path) -> None:
    env = {**os.environ, **settings_in(tmp_path), "SHOPIFY_DATABASE_URL": shop_dsn, "SHOPIFY_ENV": "development"}
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(PROJECT_ROOT)])
    (tmp_path / "forking.py").write_text(FORKING)
    with ChildProcess(["-m", "forking"], env=env, cwd=tmp_path) as process:
        assert process.wait(timeout_s=40) == 0, process.stderr

        states = dict(json.loads(line) for line in process.stdout.splitlines())

    assert states == {
        "parent": "running",
        "just forked": "idle",
        "forked": "running",
        "pooled": "idle",
        "parent later": "running",
        "forked after the end": "idle",
    }


def test_parent_of_the_reloader_does_no_work(shop_dsn: str, tmp_path: Path) -> None:
    """It would go on working with the code that was there when it started."""
    port, stacks = find_free_port(), tmp_path / "stacks"
    env = {**os.environ, **settings_in(tmp_path), "SHOPIFY_DATABASE_URL": shop_dsn, "SHOPIFY_WEBHOOK_SECRET": WEBHOOK_SECRET}
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), str(PROJECT_ROOT)])
    command = ["-m", "flask", "--app", "host", "run", "--debug", "--port", str(port), "--exclude-patterns", "*"]
    with ChildProcess(command, env=env, cwd=tmp_path) as process:
        wait_until(lambda: "Debugger is active" in process.stderr, timeout_s=30, what="the process that serves")
        (child,) = find_descendants(process.pid)
        began = time.monotonic()
        wait_until(lambda: is_working(child, stacks), timeout_s=10)
        wait_until(lambda: time.monotonic() - began > 1.2)

        assert not is_working(process.pid, stacks)
