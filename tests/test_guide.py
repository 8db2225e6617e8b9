"""Every example of the guide runs: Python blocks against a fresh app, lines for the shell against a served one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from flask import Flask
from werkzeug.serving import make_server

from shopify_integration_register import register_shopify_integration
from shopify_kit.settings import Settings
from shopify_kit.signed_delivery import post_delivery
from tests.databases import fresh_database
from tests.fake_store import FakeStore, run_fake_store
from tests.processes import PROJECT_ROOT
from tests.web_host import run_sql

GUIDE = (PROJECT_ROOT / "SHOPIFY_INTEGRATION_GUIDE.md").read_text("utf-8")
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(kind, text) for kind, text in BLOCK.findall(GUIDE)]
PYTHON = [text for kind, text in BLOCKS if kind == "python"]
SHELL = [line for kind, text in BLOCKS if kind == "bash" for line in re.split(r"\n(?=curl |flask )", text.strip())]


@pytest.fixture(scope="module")
def guide_store() -> Iterator[FakeStore]:
    """The store that the guide talks about, with its demo shop."""
    with run_fake_store("--orders", "20") as store:
        yield store


@pytest.fixture(scope="module")
def guide_database_url(postgres: str) -> Iterator[str]:
    """A database that the whole page shares, as its reader's would be."""
    with fresh_database(postgres) as (_, dsn):
        yield dsn


def make_app(store: FakeStore, folder: Path) -> Flask:
    app = Flask("backend", instance_path=str(folder))
    app.config.update(
        SHOPIFY_ENV="development",
        SHOPIFY_ADMIN_ORIGIN=store.base_url,
        SHOPIFY_WEBHOOK_SECRET="the-secret-of-the-guide",
        SHOPIFY_WEBHOOK_URL="https://app.example.com/api/shopify/webhooks",
    )
    return app


@dataclass(frozen=True, slots=True)
class Served:
    """A backend as `make run` starts it."""

    app: Flask
    origin: str


@pytest.fixture(scope="module")
def served(guide_store: FakeStore, guide_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    app = make_app(guide_store, tmp_path_factory.mktemp("served"))
    assert register_shopify_integration(app, guide_database_url)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield Served(app, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["shopify"].close()


@pytest.mark.parametrize("text", PYTHON, ids=lambda text: text.strip().splitlines()[-1][:60])
def test_python_example_runs(text: str, guide_store: FakeStore, guide_database_url: str, tmp_path: Path) -> None:
    app = make_app(guide_store, tmp_path)
    if "extensions" in text:
        assert register_shopify_integration(app, guide_database_url)
    names: dict[str, Any] = {
        "app": app,
        "db_pool": guide_database_url,
        "services": [],
        "access_token": guide_store.shop.access_token,
        "register_shopify_integration": register_shopify_integration,
        "session_user": lambda request: request.headers.get("X-User"),
    }

    exec(compile(text, "SHOPIFY_INTEGRATION_GUIDE.md", "exec"), names)

    assert "shopify" in app.extensions
    if names["services"]:
        assert names["services"][0]["status"] == "active"
    app.extensions["shopify"].close()


def test_payment_of_the_guide_is_booked(guide_store: FakeStore, guide_database_url: str, tmp_path: Path) -> None:
    (text,) = (text for text in PYTHON if "on_commit" in text)
    app, shop = make_app(guide_store, tmp_path), guide_store.shop
    assert register_shopify_integration(app, guide_database_url)
    exec(compile(text, "SHOPIFY_INTEGRATION_GUIDE.md", "exec"), {"app": app})
    run_sql(guide_database_url, "create table ledger (order_id bigint, amount numeric)")
    credentials = {"user_id": "demo", "shop_domain": shop.shop_domain, "access_token": shop.access_token}
    assert app.test_client().post("/api/shopify/connect", json=credentials).status_code == 200

    payload = {"id": 1001, "total_price": "18.50"}
    secret = app.config["SHOPIFY_WEBHOOK_SECRET"]
    post_delivery(app.test_client(), "orders/paid", payload, secret=secret, shop_domain=shop.shop_domain)
    app.extensions["shopify"].make_worker().run_until_idle()

    assert [tuple(row) for row in run_sql(guide_database_url, "select order_id, amount::text from ledger")] == [(1001, "18.50")]
    app.extensions["shopify"].close()


def curl(line: str) -> requests.Response:
    """Do what a curl line says; knows the few options that the guide uses."""
    words = shlex.split(line.replace("\\\n", " "))
    headers, body, url = {}, None, ""
    rest = iter(words[1:])
    for word in rest:
        if word == "-H":
            name, _, value = next(rest).partition(":")
            headers[name] = value.strip()
        elif word == "-d":
            body = next(rest).encode()
        elif not word.startswith("-"):
            url = word
    with requests.Session() as session:
        session.trust_env = False
        return session.request("GET" if body is None else "POST", url, headers=headers, data=body, timeout=30)


@pytest.mark.parametrize("line", SHELL, ids=[f"{n:02}" for n in range(len(SHELL))])
def test_line_for_the_shell_works(line: str, served: Served, guide_store: FakeStore) -> None:
    """The lines build on each other, as a reader would type them."""
    if line.startswith("flask "):
        done = served.app.test_cli_runner().invoke(args=shlex.split(line)[1:])
        assert done.exit_code == 0, done.output
        return
    here = line.replace("http://127.0.0.1:8000", served.origin).replace("http://127.0.0.1:4000", guide_store.base_url)
    answer = curl(here.replace("$ACCESS_TOKEN", guide_store.shop.access_token))

    assert answer.ok, answer.text
    if "/api/shopify/" in here:
        assert answer.json()["ok"] is True


def test_every_setting_stands_in_the_guide() -> None:
    names = [name for spec in Settings.__dataclass_fields__.values() for name in spec.metadata.get("names", ())]

    assert [name for name in names if f"`{name}`" not in GUIDE] == []
