"""Answers: one form, always JSON under the prefix, always with a request id; the host's own addresses stay the host's."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, abort

from shopify_custom_apps import Installations
from tests.web_host import PREFIX, Host, LogBook, Outbound, fault

pytest_plugins = ("tests.web_fixtures",)

REQUEST_ID = re.compile(r"[0-9a-zA-Z-]{8,64}")
HOSTS_PAGE = "<!doctype html>"
# Put together, so that the line of code that a traceback shows does not hold it.
SPELT_OUT = "canary"[::1] + "-spelt-out"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/nothing",
        "/products/",
        "/products/1/2",
        "/products/1/refund",
        "/Products",
        "/stores/1/",
        "//products",
        "/products//1",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_address_that_leads_nowhere_is_answered_in_json(host: Host, method: str, path: str) -> None:
    answer = host.call(method, path, json={})

    document = answer.get_json()
    codes = {404: "not_found", 405: "method_not_allowed"}
    assert document["code"] == codes[answer.status_code]
    assert answer.status_code == 404 or "//" in path
    assert document["request_id"] == answer.headers["X-Request-Id"]


def test_doubled_slash_before_the_prefix_is_answered_in_json(host: Host) -> None:
    answer = host.app.test_client().get("/", environ_overrides={"PATH_INFO": f"/{PREFIX}/products"})

    assert (answer.status_code, answer.mimetype) == (401, "application/json")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/products", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PATCH", "/products/1", {"DELETE", "GET", "HEAD", "OPTIONS", "PUT"}),
        ("PUT", "/products", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("POST", "/products/1", {"DELETE", "GET", "HEAD", "OPTIONS", "PUT"}),
        ("TRACE", "/products", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("CONNECT", "/products", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("PROPFIND", "/products", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("GET", "/search", {"OPTIONS", "POST"}),
        ("GET", "/connect", {"OPTIONS", "POST"}),
        ("POST", "/health", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_method_that_an_address_does_not_take_is_answered_in_json(host: Host, method: str, path: str, allowed: set[str]) -> None:
    answer = host.call(method, path)

    assert (answer.status_code, answer.get_json()["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed
    assert answer.get_json()["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_method_in_a_header_is_not_believed(host: Host, outbound: Outbound, name: str) -> None:
    answer = host.post("/search", {"query": "x", "type": "products"}, headers={name: "DELETE"})

    assert answer.status_code == 200
    assert [sent.operation for sent in outbound.sent] == ["ListProducts"]


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/api", "/api/", "/api/shop", "/api/shopifyx", "/api/shopifyx/products", "/shopify"]
)
def test_hosts_own_404_stays_its_own(host: Host, path: str) -> None:
    answer = host.app.test_client().get(path)

    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert HOSTS_PAGE in answer.get_data(as_text=True)
    assert "X-Request-Id" not in answer.headers


def test_hosts_own_405_errors_and_redirects_stay_its_own(make_host: Callable[..., Host]) -> None:
    def prepare(app: Flask) -> None:
        app.add_url_rule("/own/", "own", lambda: abort(418), methods=["GET"])

    client = make_host(prepare=prepare).app.test_client()

    assert client.post("/own/").mimetype == "text/html"
    assert (client.get("/own").status_code, client.get("/own").headers["Location"]) == (308, "http://localhost/own/")
    assert HOSTS_PAGE in client.get("/own/").get_data(as_text=True)


def test_head_answers_like_get_without_a_body(host: Host) -> None:
    answer = host.call("HEAD", "/stores")

    assert answer.status_code == 200
    assert answer.get_data() == b""
    assert answer.mimetype == "application/json"
    assert REQUEST_ID.fullmatch(answer.headers["X-Request-Id"])
    assert host.call("HEAD", "/stores", None).status_code == 401
    assert host.call("HEAD", "/products?limit=0").status_code == 400
    assert host.call("HEAD", "/search").status_code == 405
    assert host.call("HEAD", "/nothing").status_code == 404


@pytest.mark.parametrize("path", ["/products", "/search", "/products/1", "/health", "/connect"])
def test_options_names_methods_and_lets_no_other_site_in(host: Host, path: str) -> None:
    asked = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }

    answer = host.call("OPTIONS", path, None, headers=asked)

    assert answer.status_code == 200
    assert answer.get_data() == b""
    assert "OPTIONS" in answer.headers["Allow"]
    assert [name for name in answer.headers.keys() if name.startswith("Access-Control")] == []  # noqa: SIM118 - names, not pairs
    assert REQUEST_ID.fullmatch(answer.headers["X-Request-Id"])


@pytest.mark.parametrize("path", ["/stores", "/health", "/openapi.json", "/docs", "/nothing"])
def test_every_answer_bears_a_request_id_and_is_not_sniffed(host: Host, path: str) -> None:
    first, second = host.get(path), host.get(path)

    assert REQUEST_ID.fullmatch(first.headers["X-Request-Id"])
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    assert first.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/stores", "/health", "/docs", "/products?limit=0", "/nothing"])
def test_request_id_of_the_client_is_kept_when_it_is_one(host: Host, path: str) -> None:
    mine = str(uuid.uuid4())

    answer = host.get(path, headers={"X-Request-Id": mine})

    assert answer.headers["X-Request-Id"] == mine
    if answer.status_code >= 400:
        assert answer.get_json()["request_id"] == mine


@pytest.mark.parametrize(
    "given",
    [
        "short",
        "x" * 65,
        "<script>alert(1)</script>",
        "a" * 20 + "\r\nX: y",
        "a b c d e f g h",
        "",
        "é" * 10,
        "id=12345678",
        "../" * 9,
    ],
)
def test_request_id_that_is_none_is_not_repeated(host: Host, given: str) -> None:
    crooked = {"HTTP_X_REQUEST_ID": given.encode().decode("latin-1")}

    for path in ("/stores", "/health", "/docs", "/nothing", "/products?limit=0"):
        answer = host.get(path, environ_overrides=crooked)

        assert answer.headers["X-Request-Id"] != given
        assert REQUEST_ID.fullmatch(answer.headers["X-Request-Id"])
        assert not given or given not in answer.get_data(as_text=True)


def test_answers_are_not_kept_by_caches(host: Host) -> None:
    assert host.get("/stores").headers["Cache-Control"] == "no-store"
    assert host.get("/products?limit=0").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("call", "status"),
    [
        pytest.param(("GET", "/products?limit=0"), 400, id="400"),
        pytest.param(("GET", "/products/1"), 404, id="404"),
        pytest.param(("GET", "/shop?shop_domain=somebody-elses"), 409, id="409"),
        pytest.param(("POST", "/search"), 415, id="415"),
    ],
)
def test_failure_has_one_form(host: Host, call: tuple[str, str], status: int) -> None:
    answer = host.call(*call)

    document = answer.get_json()
    assert answer.status_code == status
    assert set(document) == {"ok", "error", "code", "details", "request_id"}
    assert document["ok"] is False
    assert document["error"].endswith((".", ")", document["error"][-1]))
    assert re.fullmatch(r"[a-z_]+", document["code"])


def test_what_nobody_foresaw_is_answered_500_and_logged_without_values(
    host: Host, logs: LogBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loggers show the values of local variables beside tracebacks; those of a request are secrets and customers' data."""

    def break_down(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError(SPELT_OUT)

    monkeypatch.setattr(Installations, "connect", break_down)
    answer = host.post("/connect", {"shop_domain": "acme", "access_token": "canary-in-the-body"})

    document = answer.get_json()
    assert (answer.status_code, document["code"]) == (500, "internal_error")
    assert "canary" not in answer.get_data(as_text=True)
    assert "ZeroDivisionError" in logs.text
    assert "break_down" in logs.text, "the log leads to the place"
    assert document["request_id"] in logs.text
    assert "canary" not in logs.text


def test_lists_say_what_they_hold(host: Host) -> None:
    answer = host.get("/products?limit=3&title=Nothing%20of%20this%20name&status=ACTIVE")

    document = answer.get_json()
    assert document["ok"] is True
    assert document["total"] == len(document["products"]) == 0
    assert document["page"] == {"next_cursor": None, "has_next": False}
    assert document["filters"] == {"title": "Nothing of this name", "status": "active"}


def test_reads_say_what_is_left_of_shopifys_and_of_our_limit(host: Host) -> None:
    answer = host.get("/shop")

    assert int(answer.headers["X-Shopify-Cost-Available"]) > 0
    assert int(answer.headers["X-Shopify-Cost-Restore-Rate"]) > 0
    assert int(answer.headers["X-RateLimit-Remaining"]) > 0
    assert int(answer.headers["X-RateLimit-Reset"]) >= 0


def test_failure_after_a_call_to_shopify_says_what_is_left_too(host: Host) -> None:
    answer = host.get("/products/1")

    assert answer.status_code == 404
    assert int(answer.headers["X-Shopify-Cost-Available"]) > 0
    assert int(answer.headers["X-RateLimit-Remaining"]) > 0


def test_wait_that_shopify_asks_for_is_passed_on_in_whole_seconds(host: Host) -> None:
    with fault(host.store, "429", retry_after="61.2"):
        answer = host.get("/shop")

    assert (answer.status_code, answer.get_json()["code"]) == (429, "rate_limited")
    assert answer.headers["Retry-After"] == "62"
