"""The door for deliveries: who is let in, how much, and what happens while the database is away."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from shopify_inbox import secret_book
from shopify_integration_register import register_shopify_integration
from shopify_kit.embedded_postgres import EmbeddedPostgres
from shopify_kit.errors import SettingsError
from shopify_webhooks import MAX_WEBHOOK_BYTES
from tests.attack_requests import Attack
from tests.databases import fresh_database
from tests.delivering_host import DeliveringHost, run_delivering_host
from tests.fake_store import FakeStore
from tests.processes import wait_until
from tests.server_process import run_server, send_raw
from tests.test_database import kill, revive
from tests.web_host import STANDARD, WEBHOOK_SECRET, Host, LogBook, counted_units, run_host, run_sql, signed

pytest_plugins = ("tests.web_fixtures", "tests.delivering_fixtures")

ALICES = "secret-of-alices-own-app-0123456789"
MALLORYS = "secret-of-mallorys-own-app-01234567"


def code_of(answer: Any) -> tuple[int, str | None]:
    return answer.status_code, answer.get_json().get("code")


def stored(host: Host) -> int:
    (row,) = run_sql(host.dsn, "select count(*) from shopify.inbox")
    return int(row["count"])


# Secrets of the settings


def test_host_without_any_secret_says_what_to_set(make_host: Callable[..., Host]) -> None:
    host = make_host(is_connected=False)

    for secret in ("", "guessed-0123456789"):
        answer = host.deliver("orders/create", {"id": 1}, secret=secret)
        assert code_of(answer) == (503, "webhook_secret_not_configured")
        assert "SHOPIFY_WEBHOOK_SECRET" in answer.get_json()["error"]
    assert stored(host) == 0


@pytest.mark.parametrize("value", ["", "   ", ",", "first-0123456789,", []])
def test_empty_secret_is_refused_at_registration(tmp_path: Path, logs: LogBook, database_url: str, value: Any) -> None:
    """It would let in whoever signs with nothing."""
    app = Flask("backend", instance_path=str(tmp_path))
    app.config.update(SHOPIFY_ENV="development", SHOPIFY_WEBHOOK_SECRET=value)

    assert register_shopify_integration(app, database_url) is False
    assert any("SHOPIFY_WEBHOOK_SECRET" in line and "ERROR" in line for line in logs.lines)
    with pytest.raises(SettingsError, match="SHOPIFY_WEBHOOK_SECRET"):
        register_shopify_integration(app, database_url, strict=True)


def test_empty_secret_in_the_environment_is_refused_too(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPIFY_WEBHOOK_SECRET", "")

    assert register_shopify_integration(Flask("backend", instance_path=str(tmp_path)), database_url) is False


def test_secrets_are_rotated_without_losing_a_delivery(make_delivering: Callable[..., DeliveringHost]) -> None:
    """Shopify signs with the new secret when it likes to; the host knows both until the old one is gone."""
    old = make_delivering().host.store.client_secret
    new = "shpss_of_the_next_season_0123456789"
    delivering = make_delivering(is_connected=False, SHOPIFY_WEBHOOK_SECRET=f"{new},{old}")

    before = send_one(delivering, 1)
    delivering.control("secrets", {"secret": new})
    after = send_one(delivering, 2)

    assert [before, after] == ["delivered", "delivered"]


def send_one(delivering: DeliveringHost, number: int) -> str:
    order = {"topic": "orders/create", "payload": {"id": number}, "to": STANDARD["SHOPIFY_WEBHOOK_URL"]}
    (sent,) = delivering.control("deliver", order)["deliveries"]
    return str(sent["state"])


def test_refused_delivery_is_sent_again_by_shopify_and_then_accepted(make_delivering: Callable[..., DeliveringHost]) -> None:
    delivering = make_delivering()
    order = {"topic": "orders/create", "payload": {"id": 1}, "to": STANDARD["SHOPIFY_WEBHOOK_URL"], "secret": ALICES, "retries": 8}

    (sent,) = delivering.control("deliver", order)["deliveries"]
    delivering.host.post("/webhooks/setup", {"webhook_secret": ALICES, "topics": ["orders/create"]})
    delivering.control("clock", {"advance_s": 60})

    assert sent["state"] == "retrying"
    assert [one["state"] for one in delivering.settled()] == ["delivered"]
    assert stored(delivering.host) == 1


# A shop's own secret


@pytest.fixture
def own_secret(inbox_host: Host) -> Iterator[Host]:
    """Alice's shop has a custom app with a secret of its own."""
    assert inbox_host.post("/webhooks/setup", {"webhook_secret": ALICES, "topics": ["orders/create"]}).status_code == 200
    yield inbox_host
    run_sql(inbox_host.dsn, "update shopify.tokens set client_secret_sealed = null")


def test_secret_of_a_shop_lets_in_deliveries_of_that_shop_only(own_secret: Host) -> None:
    assert own_secret.deliver("orders/create", {"id": 1}, "alice", secret=ALICES).status_code == 200
    assert own_secret.deliver("orders/create", {"id": 2}, "alice", secret=WEBHOOK_SECRET).status_code == 200
    for shop in ("mallory", "nobody"):
        assert code_of(own_secret.deliver("orders/create", {"id": 3}, shop, secret=ALICES)) == (401, "invalid_signature")


def test_another_shops_secret_is_refused(own_secret: Host) -> None:
    """Mallory knows her own app's secret, and signs with it what is to look like alice's."""
    assert own_secret.post("/webhooks/setup", {"webhook_secret": MALLORYS}, "mallory").status_code == 200

    assert own_secret.deliver("orders/create", {"id": 1}, "mallory", secret=MALLORYS).status_code == 200
    assert code_of(own_secret.deliver("orders/create", {"id": 1}, "alice", secret=MALLORYS)) == (401, "invalid_signature")


def test_secret_of_a_shop_serves_where_the_host_has_none(make_host: Callable[..., Host]) -> None:
    host = make_host(SHOPIFY_WEBHOOK_SECRET=None)
    assert host.post("/webhooks/setup", {"webhook_secret": ALICES, "topics": ["orders/create"]}).status_code == 200

    assert host.deliver("orders/create", {"id": 1}, "alice", secret=ALICES).status_code == 200
    assert code_of(host.deliver("orders/create", {"id": 1}, "bob", secret="")) == (401, "invalid_signature")


def test_secret_of_a_setup_that_is_refused_is_not_kept(inbox_host: Host) -> None:
    refused = inbox_host.post("/webhooks/setup", {"webhook_secret": MALLORYS, "webhook_url": "https://evil.example/"}, "mallory")
    inbox_host.integration.webhooks.secrets.refresh()

    assert code_of(refused) == (400, "invalid_webhook_url")
    assert code_of(inbox_host.deliver("orders/create", {"id": 1}, "mallory", secret=MALLORYS)) == (401, "invalid_signature")


def test_other_workers_learn_a_secret(
    own_secret: Host, delivering_store: FakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_book, "FRESH_S", 0.05)
    monkeypatch.setattr(secret_book, "AGAIN_AFTER_S", 0.05)
    settings = {**STANDARD, "SHOPIFY_TOKEN_KEYS": "1" * 64}
    with run_host(own_secret.dsn, delivering_store, tmp_path, **settings) as other:
        other.shops = own_secret.shops
        assert code_of(other.deliver("orders/create", {"id": 1}, "mallory", secret=MALLORYS))[0] == 401
        assert own_secret.post("/webhooks/setup", {"webhook_secret": MALLORYS}, "mallory").status_code == 200

        wait_until(
            lambda: other.deliver("orders/create", {"id": 1}, "mallory", secret=MALLORYS).status_code == 200,
            what="the other worker's knowledge",
        )


def test_secret_stays_when_the_shop_is_connected_again(own_secret: Host) -> None:
    """A newer token alone must not make deliveries unknown: after a few refusals Shopify ends the subscription."""
    assert own_secret.connect("alice", own_secret.shops["alice"]).status_code == 200
    own_secret.integration.webhooks.secrets.refresh()

    assert own_secret.deliver("orders/create", {"id": 1}, "alice", secret=ALICES).status_code == 200


def test_secret_that_came_with_the_connection_serves_as_well(make_host: Callable[..., Host]) -> None:
    host = make_host(is_connected=False, **STANDARD)
    assert host.connect("alice", host.shops["alice"], api_key="key", api_secret=ALICES).status_code == 200

    assert host.deliver("orders/create", {"id": 1}, "alice", secret=ALICES).status_code == 200


def test_secret_goes_with_the_connection(make_host: Callable[..., Host]) -> None:
    host = make_host()
    assert host.post("/webhooks/setup", {"webhook_secret": ALICES, "topics": ["orders/create"]}).status_code == 200

    assert host.post("/disconnect", {}).status_code == 200
    host.integration.webhooks.secrets.refresh()

    assert code_of(host.deliver("orders/create", {"id": 1}, "alice", secret=ALICES)) == (401, "invalid_signature")


def test_secret_beside_client_credentials_is_their_own(make_host: Callable[..., Host]) -> None:
    host = make_host(is_connected=False, **STANDARD)
    pair = {"client_id": host.store.client_id, "client_secret": host.store.client_secret}
    assert host.post("/connect", {"shop_domain": host.shops["alice"].shop_domain, **pair}).status_code == 200

    same = host.post("/webhooks/setup", {"webhook_secret": host.store.client_secret, "topics": ["orders/create"]})
    other = host.post("/webhooks/setup", {"webhook_secret": ALICES, "topics": ["orders/create"]})

    assert same.status_code == 200
    assert code_of(other) == (409, "client_secret_known")
    assert host.deliver("orders/create", {"id": 1}, "alice", secret=host.store.client_secret).status_code == 200


def test_secret_lies_sealed_and_is_in_no_answer(own_secret: Host, logs: LogBook) -> None:
    answer = own_secret.post("/webhooks/setup", {"webhook_secret": ALICES, "topics": ["orders/create"]})

    (row,) = run_sql(own_secret.dsn, "select * from shopify.tokens where owner_user_id = 'u-alice'")
    assert row["client_secret_sealed"] is not None
    assert ALICES not in f"{dict(row)}{answer.text}{logs.text}"


# What is not signed


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"X-Shopify-Hmac-Sha256": "AAAA"}, id="too_short"),
        pytest.param({"X-Shopify-Hmac-Sha256": "A" * 43 + "="}, id="right_length"),
        pytest.param({"X-Shopify-Hmac-Sha256": "A" * 100_000}, id="huge"),
        pytest.param({}, id="none"),
    ],
)
def test_unsigned_delivery_never_touches_the_database(inbox_host: Host, headers: dict[str, str]) -> None:
    inbox_host.deliver("orders/create", {"id": 1})
    body, sent = signed("orders/create", {"id": 2}, "acme.myshopify.com")
    del sent["X-Shopify-Hmac-Sha256"]

    with counted_units() as units:
        answers = [inbox_host.call("POST", "/webhooks", None, data=body, headers=sent | headers) for _ in range(20)]

    assert {code_of(answer) for answer in answers} == {(401, "invalid_signature")}
    assert units == []


@pytest.mark.parametrize("kind", ["application/xml", "text/plain", "", "application/x-www-form-urlencoded"])
def test_validly_signed_body_is_taken_whatever_it_is(inbox_host: Host, kind: str) -> None:
    body, headers = signed("orders/create", gzip.compress(b"whatever"), inbox_host.shops["alice"].shop_domain, content_type="")

    answer = inbox_host.call("POST", "/webhooks", None, data=body, headers=headers | {"Content-Type": kind})
    inbox_host.work()

    assert answer.status_code == 200
    assert [event["status"] for event in inbox_host.events()] == ["dead"]


# Size


def sized(size: int, *, is_chunked: bool) -> Attack:
    body, headers = signed("orders/create", b'{"a":"' + b"x" * (size - 8) + b'"}', "acme.myshopify.com")
    return Attack("POST", "/api/shopify/webhooks", headers | ({"Transfer-Encoding": "chunked"} if is_chunked else {}), body)


@pytest.fixture(scope="module")
def ports(
    postgres: str, migrated_template: str, delivering_store: FakeStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, int]]:
    """The same backend on two servers: gunicorn, and the one that Flask brings."""
    folder = tmp_path_factory.mktemp("servers")
    with (
        fresh_database(postgres, template=migrated_template) as (_, dsn),
        run_server(dsn, folder) as gunicorn,
        run_host(dsn, delivering_store, folder, **STANDARD) as host,
        run_delivering_host(host) as werkzeug,
    ):
        yield {"gunicorn": gunicorn.port, "werkzeug": int(werkzeug.origin.rsplit(":", 1)[1])}


@pytest.mark.parametrize("is_chunked", [pytest.param(False, id="announced"), pytest.param(True, id="chunked")])
@pytest.mark.parametrize("server", ["gunicorn", "werkzeug"])
def test_body_of_ten_mib_is_the_largest(ports: dict[str, int], server: str, is_chunked: bool) -> None:
    largest = send_raw(ports[server], sized(MAX_WEBHOOK_BYTES, is_chunked=is_chunked))
    larger = send_raw(ports[server], sized(MAX_WEBHOOK_BYTES + 1, is_chunked=is_chunked))
    endless = send_raw(ports[server], sized(5 * MAX_WEBHOOK_BYTES, is_chunked=is_chunked))

    assert (largest.status_code, largest.get_json()) == (200, {"ok": True, "status": "success"})
    assert code_of(larger) == code_of(endless) == (413, "body_too_large")


# A database that is away


@contextmanager
def host_on(dsn: str, store: FakeStore, folder: Path) -> Iterator[Host]:
    with run_host(dsn, store, folder, **STANDARD) as host:
        host.shops = {"alice": store.shop}
        yield host


def test_delivery_while_the_database_is_down_is_put_off_and_later_accepted(delivering_store: FakeStore, tmp_path: Path) -> None:
    with EmbeddedPostgres(durable=False) as server, host_on(server.dsn(), delivering_store, tmp_path) as host:
        assert host.deliver("orders/create", {"id": 1}, webhook_id="w-1").status_code == 200
        kill(server)

        for _ in range(2):
            began = time.monotonic()
            refused = host.deliver("orders/create", {"id": 2}, webhook_id="w-2")
            assert time.monotonic() - began < 10, "3 s, and what a busy machine adds"
            assert code_of(refused) == (503, "database_unavailable")
            assert int(refused.headers["Retry-After"]) > 0
        assert code_of(host.deliver("orders/create", {"id": 2}, secret="wrong-0123456789"))[0] == 401

        revive(server)

        accepted = wait_until(lambda: host.deliver("orders/create", {"id": 2}, webhook_id="w-2").get_json().get("status"))
        assert accepted == "success", "what was refused was not stored"
        assert host.deliver("orders/create", {"id": 1}, webhook_id="w-1").get_json()["status"] == "duplicate"


def test_database_that_is_down_from_the_start_costs_no_delivery(delivering_store: FakeStore, tmp_path: Path) -> None:
    with EmbeddedPostgres(durable=False) as server:
        dsn = server.dsn()
        kill(server)
        with host_on(dsn, delivering_store, tmp_path) as host:
            assert code_of(host.deliver("orders/create", {"id": 1}, webhook_id="w-1")) == (503, "database_unavailable")

            revive(server)

            wait_until(lambda: host.deliver("orders/create", {"id": 1}, webhook_id="w-1").status_code == 200)
            assert stored(host) == 1


def test_database_that_never_answers_costs_three_seconds_at_most(delivering_store: FakeStore, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = f"postgresql://user:password@127.0.0.1:{silent.getsockname()[1]}/none"
        with host_on(dsn, delivering_store, tmp_path) as host:
            answers: list[tuple[int, str | None, float]] = []

            def deliver(number: int) -> None:
                began = time.monotonic()
                status, code = code_of(host.deliver("orders/create", {"id": number}))
                answers.append((status, code, time.monotonic() - began))

            threads = [threading.Thread(target=deliver, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    assert {(status, code) for status, code, _ in answers} == {(503, "database_unavailable")}
    assert max(seconds for *_, seconds in answers) < 3
