"""The short way for deliveries in front of Flask: it answers as Flask's way does, and steps aside for whatever a host has."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request_finished
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from shopify_integration_register import register_shopify_integration
from shopify_webhooks import MAX_WEBHOOK_BYTES
from tests.web_host import PREFIX, WEBHOOK_SECRET, run_sql, signed

SHOP = "acme.myshopify.com"
Prepare = Callable[[Flask], object]


@dataclass(slots=True)
class Backend:
    """A host that takes deliveries, and how often Flask was asked."""

    app: Flask
    dsn: str
    asked: list[str]

    def deliver(
        self, topic: str = "orders/create", payload: Any = None, *, path: str = "/webhooks", **headers: str
    ) -> TestResponse:
        """Send a signed delivery."""
        body, made = signed(topic, payload or {"id": 1}, SHOP, **headers)
        return self.app.test_client().post(PREFIX + path, data=body, headers=made)

    def stored(self) -> list[tuple[str, str | None]]:
        """List topic and path of what was stored."""
        return [(row["topic"], row["path_topic"]) for row in run_sql(self.dsn, "select * from shopify.inbox order by delivery_id")]


@pytest.fixture
def make_backend(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Backend]]:
    """Make hosts; `before` and `after` say what a host does with its app around the registration."""
    asked: list[str] = []
    context = Flask.request_context

    def watched(app: Flask, environ: Any) -> Any:
        asked.append(environ["PATH_INFO"])
        return context(app, environ)

    with ExitStack() as stack:

        def make(*, before: Prepare = id, after: Prepare = id, factory: type[Flask] = Flask) -> Backend:
            app = factory("backend", instance_path=str(tmp_path))
            app.config.update(SHOPIFY_ENV="development", SHOPIFY_WEBHOOK_SECRET=WEBHOOK_SECRET, SHOPIFY_WORKER="off")
            before(app)
            assert register_shopify_integration(app, database_url, strict=True)
            stack.callback(app.extensions["shopify"].close)
            after(app)
            asked.clear()
            return Backend(app, database_url, asked)

        monkeypatch.setattr(Flask, "request_context", watched)
        yield make


def with_a_hook(app: Flask) -> None:
    app.before_request(lambda: None)


def shown(answer: TestResponse) -> tuple[int, Any, dict[str, str]]:
    """What two answers to the same request have in common."""
    facts = answer.get_json()
    headers = dict(answer.headers)
    assert headers.pop("X-Request-Id")
    facts.pop("request_id", None)
    headers.pop("Content-Length")
    return answer.status_code, facts, headers


# As Flask's way


def accepted(backend: Backend) -> TestResponse:
    return backend.deliver(webhook_id="w-1")


def repeated(backend: Backend) -> TestResponse:
    backend.deliver(webhook_id="w-2")
    return backend.deliver(webhook_id="w-2")


def of_a_topic(backend: Backend) -> TestResponse:
    return backend.deliver(path="/webhooks/orders_create")


def forged(backend: Backend) -> TestResponse:
    return backend.deliver(hmac_sha256="A" * 43 + "=")


def too_large(backend: Backend) -> TestResponse:
    return backend.app.test_client().post(f"{PREFIX}/webhooks", data=b"x" * (MAX_WEBHOOK_BYTES + 1))


def cut_short(backend: Backend) -> TestResponse:
    body, headers = signed("orders/create", {"id": 1}, SHOP)
    environ = EnvironBuilder(f"{PREFIX}/webhooks", method="POST", headers=list(headers.items())).get_environ()
    environ |= {"CONTENT_LENGTH": str(len(body) + 5), "wsgi.input": io.BytesIO(body)}
    chunks, status, answered = run_wsgi_app(backend.app, environ)
    return TestResponse(chunks, status, answered, request=EnvironBuilder().get_request())


@pytest.mark.parametrize("send", [accepted, repeated, of_a_topic, forged, too_large, cut_short], ids=lambda send: send.__name__)
def test_a_delivery_is_answered_as_flask_would(make_backend: Callable[..., Backend], send: Callable[[Backend], Any]) -> None:
    seen_by_flask, backend = make_backend(before=with_a_hook), make_backend()
    by_flask = shown(send(seen_by_flask))
    run_sql(backend.dsn, "truncate shopify.inbox")
    backend.asked.clear()

    assert shown(send(backend)) == by_flask
    assert backend.asked == []


def test_a_clients_request_id_comes_back(make_backend: Callable[..., Backend]) -> None:
    body, headers = signed("orders/create", {"id": 1}, SHOP)

    answer = (
        make_backend().app.test_client().post(f"{PREFIX}/webhooks", data=body, headers=headers | {"X-Request-Id": "known-id-1"})
    )

    assert answer.headers["X-Request-Id"] == "known-id-1"


@pytest.mark.parametrize("written", ["orders/create", "orders_create", "orders-create", "ORDERS_CREATE"])
def test_the_address_may_name_the_topic(make_backend: Callable[..., Backend], written: str) -> None:
    backend = make_backend()

    assert backend.deliver(path=f"/webhooks/{written}").status_code == 200

    assert backend.stored() == [("orders/create", written)]
    assert backend.asked == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/webhooks", 405, id="another_method"),
        pytest.param("POST", "/webhooks/setup", 503, id="a_route_beside"),
        pytest.param("POST", "/webhooks/replay", 400, id="another_route_beside"),
        pytest.param("POST", "/webhooks/no/topic/of/shopifys", 401, id="an_unknown_topic"),
        pytest.param("POST", "/webhooksurf", 404, id="only_the_same_beginning"),
        pytest.param("POST", "/webhooks/", 404, id="a_slash_too_many"),
    ],
)
def test_all_else_is_flasks(make_backend: Callable[..., Backend], method: str, path: str, status: int) -> None:
    backend = make_backend()

    answer = backend.app.test_client().open(PREFIX + path, method=method, json={})

    assert answer.status_code == status
    assert backend.asked == [PREFIX + path]


# A host that has something of its own


def hook_in(app: Flask, hook: str, seen: list[str]) -> None:
    """Have Flask call something of the host's for every request."""

    def note(*given: Any) -> Any:
        seen.append(hook)
        return given[0] if hook == "after_request" else None

    getattr(app, hook)(note)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("hook", ["before_request", "after_request", "teardown_request", "url_value_preprocessor"])
def test_a_hosts_hooks_see_deliveries(make_backend: Callable[..., Backend], hook: str, when: str) -> None:
    seen: list[str] = []
    backend = make_backend(**{when: lambda app: hook_in(app, hook, seen)})

    assert backend.deliver().status_code == 200

    assert seen == [hook]
    assert backend.asked == [f"{PREFIX}/webhooks"]


def test_a_hosts_signals_see_deliveries(make_backend: Callable[..., Backend]) -> None:
    backend, seen = make_backend(), list[int]()

    def note(_: Flask, response: Any) -> None:
        seen.append(response.status_code)

    with request_finished.connected_to(note, backend.app):
        backend.deliver()

    assert seen == [200]
    assert backend.deliver().status_code == 200
    assert seen == [200]


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_a_host_puts_around_its_app_sees_deliveries(make_backend: Callable[..., Backend], when: str) -> None:
    seen: list[str] = []

    def wrap(app: Flask) -> None:
        inner = app.wsgi_app

        def outer(environ: Any, start_response: Any) -> Any:
            seen.append(environ["PATH_INFO"])
            return inner(environ, start_response)

        app.wsgi_app = outer  # type: ignore[method-assign]

    assert make_backend(**{when: wrap}).deliver().status_code == 200

    assert seen == [f"{PREFIX}/webhooks"]


def test_a_flask_of_the_hosts_own_sees_deliveries(make_backend: Callable[..., Backend]) -> None:
    seen: list[str] = []

    class Own(Flask):
        def process_response(self, response: Any) -> Any:
            seen.append("process_response")
            return super().process_response(response)

    assert make_backend(factory=Own).deliver().status_code == 200

    assert seen == ["process_response"]


def test_trusted_hosts_of_the_host_are_heeded(make_backend: Callable[..., Backend]) -> None:
    backend = make_backend(after=lambda app: app.config.update(TRUSTED_HOSTS=["backend.example.com"]))

    assert backend.deliver().status_code == 404
    assert backend.stored() == []
