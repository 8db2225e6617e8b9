"""The door: every state of a host's pool, every server that runs hosts, and every way in which registering can fail.

Hosts here are real Flask apps on real Postgres with the real fake store behind them; servers are processes of their own.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import requests
from flask import Blueprint, Flask
from loguru import logger

from shopify_integration_register import (
    PREFIX,
    get_shopify_endpoints,
    get_shopify_service_info,
    register_shopify_integration,
)
from shopify_kit.database import DatabaseState
from shopify_kit.embedded_postgres import EmbeddedPostgres, find_free_port
from shopify_kit.errors import IntegrationError
from tests.databases import fresh_database
from tests.fake_store import FakeShop, FakeStore
from tests.processes import PROJECT_ROOT, ChildProcess, find_descendants, wait_until
from tests.test_database import RunningHost, idle_loop, kill, pool_of_a_closed_loop, revive

KEY = "00" * 32
NOBODY_LISTENS = "postgresql://user:password@127.0.0.1:1/none"
MakePool = Callable[[str, ExitStack, pytest.MonkeyPatch], object]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the developer's shell says about databases and shops."""
    for name in list(os.environ):
        if name.startswith("SHOPIFY_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)


@pytest.fixture
def logged() -> Iterator[list[tuple[str, str]]]:
    """What is logged, as (level, message)."""
    lines: list[tuple[str, str]] = []
    sink = logger.add(lambda line: lines.append((line.record["level"].name, line.record["message"])), level="TRACE")
    yield lines
    logger.remove(sink)


def at_level(lines: list[tuple[str, str]], level: str) -> list[str]:
    return [message for name, message in lines if name == level]


@pytest.fixture
def backend(tmp_path: Path, fake_store: FakeStore) -> Iterator[Callable[..., Flask]]:
    """Makes backends in development beside the fake store, and closes what was registered on them."""
    apps: list[Flask] = []

    def make(**config: Any) -> Flask:
        app = Flask("backend", instance_path=str(tmp_path / "instance"))
        app.config.update({"TESTING": True, "SHOPIFY_ADMIN_ORIGIN": fake_store.base_url} | config)
        apps.append(app)
        return app

    yield make
    for app in apps:
        close(app)


def close(app: Flask) -> None:
    if "shopify" in app.extensions and hasattr(app.extensions["shopify"], "close"):
        app.extensions["shopify"].close()


def connect(app: Flask, user_id: str, shop: FakeShop) -> Any:
    body = {"user_id": user_id, "shop_domain": shop.shop_domain, "access_token": shop.access_token}
    return app.test_client().post(f"{PREFIX}/connect", json=body)


def shops_of(app: Flask, user_id: str) -> list[str]:
    answer = app.test_client().get(f"{PREFIX}/stores?user_id={user_id}")
    assert answer.status_code == 200, answer.text
    return [store["shop_domain"] for store in answer.get_json()["stores"]]


def database_state(app: Flask) -> DatabaseState:
    state: DatabaseState = app.extensions["shopify"].database.ping()
    return state


def fetch_value(dsn: str, sql: str) -> Any:
    async def fetch() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(fetch())


# What hosts have. Each returns what is passed as `db_pool`.


def running_loop(dsn: str, hosts: ExitStack, _: pytest.MonkeyPatch) -> object:
    host = RunningHost(dsn)
    hosts.callback(host.close)
    return host.pool


def idle(dsn: str, hosts: ExitStack, _: pytest.MonkeyPatch) -> object:
    async def create() -> Any:
        return await asyncpg.create_pool(dsn, min_size=1)

    loop = hosts.enter_context(idle_loop())
    pool = loop.run_until_complete(create())
    hosts.callback(lambda: loop.run_until_complete(pool.close()))
    return pool


def closed_loop(dsn: str, _: ExitStack, __: pytest.MonkeyPatch) -> object:
    return pool_of_a_closed_loop(dsn)


def not_awaited(dsn: str, hosts: ExitStack, _: pytest.MonkeyPatch) -> object:
    return asyncpg.create_pool(dsn, loop=hosts.enter_context(idle_loop()))


def dsn_text(dsn: str, _: ExitStack, __: pytest.MonkeyPatch) -> object:
    return dsn


def none_with(name: str) -> MakePool:
    def make(dsn: str, _: ExitStack, environment: pytest.MonkeyPatch) -> object:
        environment.setenv(name, dsn)
        return None

    return make


def pool_beside_a_dead_database_url(dsn: str, hosts: ExitStack, environment: pytest.MonkeyPatch) -> object:
    environment.setenv("DATABASE_URL", NOBODY_LISTENS)
    return closed_loop(dsn, hosts, environment)


def dead_pool_beside_the_setting(dsn: str, hosts: ExitStack, environment: pytest.MonkeyPatch) -> object:
    environment.setenv("SHOPIFY_DATABASE_URL", dsn)
    return asyncpg.create_pool(NOBODY_LISTENS, loop=hosts.enter_context(idle_loop()))


@pytest.mark.parametrize(
    ("make_pool", "source"),
    [
        pytest.param(running_loop, "host_pool", id="running_loop_in_another_thread"),
        pytest.param(idle, "reopened_pool", id="idle_loop"),
        pytest.param(closed_loop, "reopened_pool", id="closed_loop_after_asyncio_run"),
        pytest.param(not_awaited, "reopened_pool", id="not_awaited"),
        pytest.param(dsn_text, "dsn", id="dsn"),
        pytest.param(none_with("SHOPIFY_DATABASE_URL"), "dsn", id="none_with_SHOPIFY_DATABASE_URL"),
        pytest.param(none_with("DATABASE_URL"), "dsn", id="none_with_DATABASE_URL"),
        pytest.param(pool_beside_a_dead_database_url, "reopened_pool", id="pool_wins_over_DATABASE_URL"),
        pytest.param(dead_pool_beside_the_setting, "dsn", id="SHOPIFY_DATABASE_URL_wins_over_pool"),
    ],
)
def test_every_state_of_a_hosts_pool_serves(
    make_pool: MakePool,
    source: str,
    backend: Callable[..., Flask],
    empty_database_url: str,
    fake_store: FakeStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = backend()
    with ExitStack() as hosts:
        db_pool = make_pool(empty_database_url, hosts, monkeypatch)

        assert register_shopify_integration(app, db_pool) is True

        assert connect(app, "ada", fake_store.shop).status_code == 200
        assert shops_of(app, "ada") == [fake_store.shop.shop_domain]
        assert app.test_client().get(f"{PREFIX}/shop?user_id=ada").get_json()["shop"]["domain"] == fake_store.shop.shop_domain
        assert database_state(app).source == source
        close(app)


def test_a_host_may_register_from_inside_its_running_loop(backend: Callable[..., Flask], empty_database_url: str) -> None:
    app = backend()

    async def start() -> bool:
        async with asyncpg.create_pool(empty_database_url, min_size=1) as pool:
            return register_shopify_integration(app, pool)

    assert asyncio.run(start()) is True
    assert shops_of(app, "ada") == []


def test_app_config_wins_over_the_environment(
    backend: Callable[..., Flask], empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPIFY_DATABASE_URL", NOBODY_LISTENS)
    app = backend(SHOPIFY_DATABASE_URL=empty_database_url)

    assert register_shopify_integration(app)

    assert database_state(app).is_up


# Servers

HOST = """
import os
from main_api_app import create_app

PARENT = os.getpid()
app = create_app()

@app.after_request
def say_who(response):
    response.headers["X-Worker"] = str(os.getpid())
    response.headers["X-Loaded-In"] = str(PARENT)
    return response
"""
GUNICORN = ("-m", "gunicorn", "--workers", "2", "--threads", "4", "--no-control-socket", "--bind", "127.0.0.1:{port}", "host:app")
SYNC_GUNICORN = ("-m", "gunicorn", "--workers", "2", "--no-control-socket", "--bind", "127.0.0.1:{port}", "host:app")
GRANIAN = ("-m", "granian", "--interface", "wsgi", "--workers", "2", "--host", "127.0.0.1", "--port", "{port}", "host:app")


@contextmanager
def run_server(command: tuple[str, ...], folder: Path, dsn: str, store: FakeStore) -> Iterator[tuple[ChildProcess, str]]:
    """Serve a host like `main_api_app` and give the process and its origin."""
    (folder / "host.py").write_text(HOST)
    port = find_free_port()
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), str(PROJECT_ROOT)]),
        "DATABASE_URL": dsn,
        "SHOPIFY_ADMIN_ORIGIN": store.base_url,
        "SHOPIFY_TOKEN_KEY_FILE": str(folder / "key"),
        "SHOPIFY_SERVICE_KEYS": "",
    }
    with ChildProcess([word.format(port=port) for word in command], env=env, cwd=folder) as server:
        origin = f"http://127.0.0.1:{port}"
        wait_until(lambda: _is_up(origin), timeout_s=30, what="the server")
        yield server, origin


def _is_up(origin: str) -> bool:
    try:
        return ask("GET", f"{origin}/api/health").ok
    except requests.ConnectionError:
        return False


def ask(method: str, url: str, **options: Any) -> requests.Response:
    """Send a request over a connection of its own, as another client would."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, timeout=20, **options)


def answers_by_worker(url: str, *, workers: int) -> dict[str, list[requests.Response]]:
    """Ask, several clients at once, until every worker has answered."""
    found: dict[str, list[requests.Response]] = {}

    def look() -> bool:
        with ThreadPoolExecutor(8) as clients:
            for answer in clients.map(lambda _: ask("GET", url), range(8)):
                found.setdefault(answer.headers["X-Worker"], []).append(answer)
        return len(found) >= workers

    wait_until(look, timeout_s=20, what=f"answers of {workers} workers")
    return found


@pytest.mark.parametrize(
    ("command", "is_forked_after_loading"),
    [
        pytest.param(GUNICORN, False, id="gunicorn"),
        pytest.param((*GUNICORN, "--preload"), True, id="gunicorn_preload"),
        pytest.param((*SYNC_GUNICORN, "--preload"), True, id="gunicorn_sync_preload"),
        pytest.param(GRANIAN, False, id="granian"),
    ],
)
def test_every_worker_of_a_server_serves(
    command: tuple[str, ...], is_forked_after_loading: bool, tmp_path: Path, empty_database_url: str, fake_store: FakeStore
) -> None:
    shop = fake_store.shop
    with run_server(command, tmp_path, empty_database_url, fake_store) as (server, origin):
        body = {"user_id": "ada", "shop_domain": shop.shop_domain, "access_token": shop.access_token}
        assert ask("POST", f"{origin}{PREFIX}/connect", json=body).status_code == 200

        by_worker = answers_by_worker(f"{origin}{PREFIX}/shop?user_id=ada", workers=2)

        answers = [answer for answers in by_worker.values() for answer in answers]
        assert {answer.status_code for answer in answers} == {200}, answers[0].text
        assert {answer.json()["shop"]["domain"] for answer in answers} == {shop.shop_domain}
        assert {int(worker) for worker in by_worker} <= set(find_descendants(server.pid))
        loaded_in = {answer.headers["X-Loaded-In"] for answer in answers}
        assert loaded_in == ({str(server.pid)} if is_forked_after_loading else set(by_worker))
        registry = ask("GET", f"{origin}/api/services").json()
        assert [(service["name"], service["status"]) for service in registry] == [("shopify", "active")]
        assert server.stop() == 0
        assert "Traceback" not in server.stdout + server.stderr


# Two apps


def test_two_apps_in_one_process_share_nothing(
    backend: Callable[..., Flask], postgres: str, empty_database_url: str, fake_store: FakeStore
) -> None:
    one, other = backend(), backend()
    with fresh_database(postgres) as (_, other_url):
        assert register_shopify_integration(one, empty_database_url, authenticate=lambda _: "ada")
        assert register_shopify_integration(other, pool_of_a_closed_loop(other_url), authenticate=lambda _: "bob")
        assert connect(one, "ada", fake_store.shops[0]).status_code == 200
        assert connect(other, "bob", fake_store.shops[1]).status_code == 200

        assert connect(one, "bob", fake_store.shops[1]).get_json()["code"] == "user_mismatch"
        assert shops_of(one, "ada") == [fake_store.shops[0].shop_domain]
        assert shops_of(other, "bob") == [fake_store.shops[1].shop_domain]

        close(one)

        assert shops_of(other, "bob") == [fake_store.shops[1].shop_domain]
        assert other.test_client().get(f"{PREFIX}/shop").status_code == 200
        close(other)


# A database that is away


def test_a_database_that_is_down_at_start_is_migrated_and_used_when_it_is_back(
    backend: Callable[..., Flask], fake_store: FakeStore, logged: list[tuple[str, str]]
) -> None:
    app = backend()
    client = app.test_client()
    with EmbeddedPostgres(durable=False) as server:
        db_pool = pool_of_a_closed_loop(server.dsn())
        kill(server)

        assert register_shopify_integration(app, db_pool) is True

        started_at = time.monotonic()
        answer = client.get(f"{PREFIX}/products?user_id=ada")
        assert time.monotonic() - started_at < 3
        assert (answer.status_code, answer.get_json()["code"]) == (503, "database_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        health = client.get(f"{PREFIX}/health")
        assert (health.status_code, health.get_json()["health"]["status"]) == (503, "unhealthy")
        assert at_level(logged, "ERROR") == []
        assert any("the database is away" in line for line in at_level(logged, "WARNING"))

        revive(server)

        assert client.get(f"{PREFIX}/products?user_id=ada").get_json()["code"] == "not_connected"
        assert fetch_value(server.dsn(), "select max(number) from shopify.migrations") >= 1
        assert connect(app, "ada", fake_store.shop).status_code == 200
        assert client.get(f"{PREFIX}/health").get_json()["health"]["status"] == "healthy"
        close(app)


def test_a_database_that_accepts_and_never_answers_costs_three_seconds_at_most(backend: Callable[..., Flask]) -> None:
    app = backend()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]

        started_at = time.monotonic()
        assert register_shopify_integration(app, f"postgresql://user:password@127.0.0.1:{port}/none") is True
        assert time.monotonic() - started_at < 3

        started_at = time.monotonic()
        answer = app.test_client().get(f"{PREFIX}/stores?user_id=ada")
        assert time.monotonic() - started_at < 3
        assert (answer.status_code, answer.get_json()["code"]) == (503, "database_unavailable")
        assert answer.headers["Retry-After"]
        assert "password" not in answer.text
        close(app)


# What only the host can repair


def second_registration(app: Flask, dsn: str) -> None:
    assert register_shopify_integration(app, dsn)


def blueprint_of_that_name(app: Flask, _: str) -> None:
    app.register_blueprint(Blueprint("shopify", __name__))


def first_request(app: Flask, _: str) -> None:
    app.test_client().get("/")


def production(app: Flask, _: str) -> None:
    app.config.update(TESTING=False, SHOPIFY_ADMIN_ORIGIN=None, SHOPIFY_TOKEN_KEYS=KEY)


def production_without_token_keys(app: Flask, _: str) -> None:
    app.config.update(TESTING=False, SHOPIFY_ADMIN_ORIGIN=None)


def production_with_admin_origin(app: Flask, _: str) -> None:
    app.config.update(TESTING=False, SHOPIFY_TOKEN_KEYS=KEY)


def changed_migration(app: Flask, dsn: str) -> None:
    other = Flask("other", instance_path=app.instance_path)
    other.config["TESTING"] = True
    assert register_shopify_integration(other, dsn)
    fetch_value(dsn, "update shopify.migrations set checksum = 'edited' where number = 1")
    close(other)


def setting(**config: Any) -> Callable[[Flask, str], None]:
    return lambda app, _: app.config.update(config)


Prepare = Callable[[Flask, str], None]
REFUSALS = [
    pytest.param(setting(SHOPIFY_API_VERSION="2026-13"), {}, "SHOPIFY_API_VERSION", id="unreadable_setting"),
    pytest.param(setting(SHOPIFY_TOKEN_KEYS="secret-value"), {}, "SHOPIFY_TOKEN_KEYS", id="unreadable_secret"),
    pytest.param(setting(SHOPIFY_APP_CLIENT_ID="id"), {}, "SHOPIFY_APP_CLIENT_SECRET", id="half_of_a_pair"),
    pytest.param(setting(), {"api_version": "2026-13"}, "api_version", id="unreadable_keyword"),
    pytest.param(setting(), {"scope": "read_products"}, "scope", id="unknown_keyword"),
    pytest.param(setting(), {"authenticate": "me"}, "authenticate=", id="authenticate_is_no_function"),
    pytest.param(second_registration, {}, "once per app", id="second_registration"),
    pytest.param(blueprint_of_that_name, {}, "blueprint named 'shopify'", id="blueprint_name_clash"),
    pytest.param(first_request, {}, "before the first", id="after_the_first_request"),
    pytest.param(production_without_token_keys, {}, "SHOPIFY_TOKEN_KEYS", id="production_without_token_keys"),
    pytest.param(production_with_admin_origin, {}, "SHOPIFY_ADMIN_ORIGIN", id="admin_origin_outside_development"),
    pytest.param(changed_migration, {}, "0001_foundation", id="changed_migration"),
]


@pytest.mark.parametrize(("prepare", "options", "named"), REFUSALS)
def test_what_only_the_host_can_repair_is_logged_once_and_leaves_no_trace(
    prepare: Prepare,
    options: dict[str, Any],
    named: str,
    backend: Callable[..., Flask],
    empty_database_url: str,
    logged: list[tuple[str, str]],
) -> None:
    app = backend()
    prepare(app, empty_database_url)
    logged.clear()
    before, loops = traces(app), database_threads()

    assert register_shopify_integration(app, empty_database_url, **options) is False

    errors = [message for level, message in logged if level in ("ERROR", "CRITICAL")]
    assert len(errors) == 1
    assert named in errors[0]
    assert "secret-value" not in errors[0]
    assert traces(app) == before
    wait_until(lambda: database_threads() <= loops, what="the end of connections")


def database_threads() -> set[threading.Thread]:
    """The threads of this process that talk to databases, whoever began them."""
    return {thread for thread in threading.enumerate() if thread.name == "shopify-database"}


def traces(app: Flask) -> list[object]:
    """What registering leaves in an app."""
    return [
        sorted(rule.rule for rule in app.url_map.iter_rules()),
        sorted(app.extensions),
        sorted(app.blueprints),
        len(app.before_request_funcs.get(None, [])),
    ]


@pytest.mark.parametrize(("prepare", "options", "named"), REFUSALS)
def test_strict_registration_raises(
    prepare: Prepare, options: dict[str, Any], named: str, backend: Callable[..., Flask], empty_database_url: str
) -> None:
    app = backend()
    prepare(app, empty_database_url)

    with pytest.raises(IntegrationError) as raised:
        register_shopify_integration(app, empty_database_url, strict=True, **options)

    assert named in raised.value.message


@pytest.mark.parametrize(
    "db_pool",
    [pytest.param(None, id="nothing"), pytest.param(42, id="a_number"), pytest.param("mysql://user:hidden@db/x", id="mysql")],
)
def test_what_is_no_database_is_refused_with_the_settings_that_name_one(
    db_pool: object, backend: Callable[..., Flask], logged: list[tuple[str, str]]
) -> None:
    assert register_shopify_integration(backend(), db_pool) is False

    [error] = at_level(logged, "ERROR")
    assert "postgresql://" in error
    assert "hidden" not in error


def test_a_fault_of_our_own_takes_no_host_down_and_shows_no_secret(
    backend: Callable[..., Flask], empty_database_url: str, logged: list[tuple[str, str]]
) -> None:
    app = backend()

    class Awkward(str):
        def strip(self, *_: object) -> str:
            raise ValueError("shpat_never_shown")

    app.config["SHOPIFY_API_VERSION"] = Awkward("2026-10")

    assert register_shopify_integration(app, empty_database_url) is False

    [error] = at_level(logged, "ERROR")
    assert "unexpected ValueError at" in error
    assert "shpat" not in error


def test_an_app_that_failed_to_register_may_try_again(
    backend: Callable[..., Flask], empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = backend()
    monkeypatch.setenv("SHOPIFY_WORKER", "sometimes")
    assert register_shopify_integration(app, empty_database_url) is False
    monkeypatch.setenv("SHOPIFY_WORKER", "off")

    assert register_shopify_integration(app, empty_database_url) is True

    assert shops_of(app, "ada") == []


def test_a_second_registration_leaves_the_first_one_serving(backend: Callable[..., Flask], empty_database_url: str) -> None:
    app = backend()
    assert register_shopify_integration(app, empty_database_url)
    first = app.extensions["shopify"]

    assert register_shopify_integration(app, NOBODY_LISTENS) is False

    assert app.extensions["shopify"] is first
    assert shops_of(app, "ada") == []


# Who may call


def test_without_anybody_who_knows_the_callers_user_routes_stay_shut(
    backend: Callable[..., Flask], empty_database_url: str, logged: list[tuple[str, str]]
) -> None:
    """AUZ-002: fail closed, and say so loudly."""
    app = backend()
    production(app, empty_database_url)

    assert register_shopify_integration(app, empty_database_url) is True

    [critical] = at_level(logged, "CRITICAL")
    assert "authenticate=" in critical
    assert "SHOPIFY_SERVICE_KEYS" in critical
    answer = app.test_client().post(f"{PREFIX}/search", json={"query": "x", "type": "products", "user_id": "u-alice"})
    assert (answer.status_code, answer.get_json()["code"]) == (503, "auth_not_configured")
    assert app.test_client().get(f"{PREFIX}/health").status_code == 200


@pytest.mark.parametrize(
    ("options", "config"),
    [
        pytest.param({"authenticate": lambda _: "ada"}, {}, id="authenticate"),
        pytest.param({}, {"SHOPIFY_SERVICE_KEYS": "backend:a-key-of-the-backend"}, id="service_keys"),
    ],
)
def test_with_somebody_who_knows_the_callers_nothing_is_complained_about(
    options: dict[str, Any],
    config: dict[str, str],
    backend: Callable[..., Flask],
    empty_database_url: str,
    logged: list[tuple[str, str]],
) -> None:
    app = backend(**config)
    production(app, empty_database_url)

    assert register_shopify_integration(app, empty_database_url, **options) is True

    assert [level for level, _ in logged if level not in ("INFO", "DEBUG")] == []


def test_in_development_only_this_machine_is_served_and_the_log_says_so(
    backend: Callable[..., Flask], empty_database_url: str, logged: list[tuple[str, str]]
) -> None:
    app = backend()

    assert register_shopify_integration(app, empty_database_url)

    assert at_level(logged, "CRITICAL") == []
    assert any("this machine only" in line for line in at_level(logged, "WARNING"))
    assert shops_of(app, "ada") == []
    far = app.test_client().get(f"{PREFIX}/stores?user_id=ada", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert (far.status_code, far.get_json()["code"]) == (503, "auth_not_configured")


# The sealing key of development


def test_development_makes_a_key_file_for_its_owner_alone_says_so_once_and_keeps_it(
    backend: Callable[..., Flask], empty_database_url: str, tmp_path: Path, fake_store: FakeStore, logged: list[tuple[str, str]]
) -> None:
    app, later = backend(), backend()
    assert register_shopify_integration(app, empty_database_url)
    assert connect(app, "ada", fake_store.shop).status_code == 200
    path = tmp_path / "instance" / "shopify_token_key"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [line for line in at_level(logged, "WARNING") if str(path) in line and "SHOPIFY_TOKEN_KEYS" in line]
    assert not any(path.read_text().strip() in message for _, message in logged)
    logged.clear()

    assert register_shopify_integration(later, empty_database_url)

    assert not any(str(path) in message for _, message in logged)
    assert later.test_client().get(f"{PREFIX}/shop?user_id=ada").status_code == 200


# The host's service registry


def test_service_info_and_endpoints_are_what_is_routed(backend: Callable[..., Flask], empty_database_url: str) -> None:
    app = backend()
    assert register_shopify_integration(app, empty_database_url)
    routed = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    endpoints = get_shopify_endpoints()
    info = get_shopify_service_info()

    assert list(endpoints) == ["core", "auth", "webhooks", "bulk", "sync", "custom_apps", "analytics"]
    listed = [line for lines in endpoints.values() for line in lines]
    assert sorted(listed) == sorted(routed)
    assert f"POST {PREFIX}/products" in endpoints["core"]
    assert set(info) == {"name", "version", "description", "features", "api_version", "endpoints", "status"}
    assert info["endpoints"] == endpoints
    assert info["api_version"] == "2026-10"


def test_the_lists_that_a_host_is_given_are_its_own() -> None:
    get_shopify_endpoints()["core"].clear()
    get_shopify_service_info()["features"].clear()

    assert get_shopify_endpoints()["core"]
    assert get_shopify_service_info()["features"]


def test_connections_say_whose_they_are_and_end_with_close(
    backend: Callable[..., Flask], empty_database_url: str, postgres: str
) -> None:
    name = urlsplit(empty_database_url).path[1:]
    count = f"select count(*) from pg_stat_activity where datname = '{name}' and application_name = 'shopify_integration'"  # noqa: S608
    app = backend()
    assert register_shopify_integration(app, empty_database_url)
    assert fetch_value(postgres, count) >= 1

    close(app)

    wait_until(lambda: fetch_value(postgres, count) == 0, what="the end of the connections")
    assert shops_of(app, "ada") == [], "a request after close opens them again"
    close(app)
