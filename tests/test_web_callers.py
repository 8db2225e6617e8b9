"""Who calls: the host's users, trusted backends, developers on this machine; everybody else is kept out, and lies are noted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import abort
from werkzeug.test import TestResponse

from shopify_routes import api
from shopify_web.api import Endpoint
from shopify_web.callers import Policy
from tests.web_host import PREFIX, SERVICE_KEY, WEBHOOK_SECRET, Host, LogBook, Outbound, run_sql, signed

pytest_plugins = ("tests.web_fixtures",)

# Put together, so that the line of code that a traceback shows does not hold it.
SPELT_OUT = "canary"[::1] + "-spelt-out"
OPEN = {"/health", "/health/summary"}
DELIVERIES = {"/webhooks", "/webhooks/<path:topic>"}
ROUTES = [pytest.param(endpoint, id=f"{endpoint.method} {endpoint.path}") for endpoint in api.endpoints]


def audit(host: Host, action: str) -> list[Any]:
    return run_sql(host.dsn, "select * from shopify.audit_log where action = $1 order by audit_id", action)


# Every route


def test_only_health_is_open_to_everybody() -> None:
    assert {endpoint.path for endpoint in api.endpoints if endpoint.policy is Policy.PUBLIC} == OPEN


def test_only_deliveries_carry_their_own_proof() -> None:
    assert {endpoint.path for endpoint in api.endpoints if endpoint.policy is Policy.SIGNED} == DELIVERIES


def test_route_without_a_policy_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="policy"):
        api.route("GET", "/free-for-all", group="core", summary="x")  # type: ignore[call-arg]


@pytest.mark.parametrize("endpoint", ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Authorization": "Bearer wrong"}, id="wrong_token"),
        pytest.param({"Authorization": f"Basic {SERVICE_KEY}"}, id="wrong_scheme"),
        pytest.param({"Authorization": "Bearer "}, id="empty_token"),
        pytest.param({"X-User-Id": "u-alice", "Cookie": "user_id=u-alice"}, id="user_in_other_headers"),
    ],
)
def test_stranger_gets_nothing_of_any_route(host: Host, outbound: Outbound, endpoint: Any, headers: dict[str, str]) -> None:
    path = path_of(endpoint) + "?user_id=u-alice&user_id=u-bob&junk=1"
    body = b'{"user_id": "u-alice", "junk": 1}'

    answer = host.app.test_client().open(
        path, method=endpoint.method, headers={"Content-Type": "application/json", **headers}, data=body
    )

    if endpoint.path in OPEN:
        assert answer.status_code == 400, "junk is refused, the caller is not"
        return
    document = answer.get_json()
    code = "invalid_signature" if endpoint.path in DELIVERIES else "unauthenticated"
    assert (answer.status_code, document["code"]) == (401, code)
    assert document["details"] == {}, "a stranger learns nothing about fields"
    assert outbound.sent == []


def path_of(endpoint: Endpoint) -> str:
    return PREFIX + endpoint.path.replace("<id>", "1").replace("<path:topic>", "orders/create")


@pytest.mark.parametrize(
    "endpoint", [pytest.param(e, id=f"{e.method} {e.path}") for e in api.endpoints if e.path.startswith("/webhooks/")]
)
def test_shopifys_signature_opens_nothing_but_the_door_for_deliveries(host: Host, outbound: Outbound, endpoint: Any) -> None:
    """The other routes below /webhooks share its prefix, and not its exemption."""
    before = deliveries(host)
    body, headers = signed("orders/create", {"user_id": "u-alice", "topics": ["orders/create"]}, host.shops["alice"].shop_domain)

    answer = host.app.test_client().open(path_of(endpoint), method=endpoint.method, data=body, headers=headers)

    if endpoint.path in DELIVERIES:
        assert (answer.status_code, deliveries(host)) == (200, before + 1)
        return
    assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated")
    assert deliveries(host) == before
    assert outbound.sent == []


def deliveries(host: Host) -> int:
    (row,) = run_sql(host.dsn, "select count(*) from shopify.inbox")
    return int(row["count"])


def test_hosts_own_authentication_does_not_stand_in_for_a_signature(host: Host) -> None:
    before = deliveries(host)
    body, headers = signed("orders/create", {"id": 1}, host.shops["alice"].shop_domain, secret="not-the-secret-0123456789")

    for who in ("alice", "service"):
        answer = host.call("POST", "/webhooks", who, data=body, headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_signature")
    assert deliveries(host) == before


def test_deliveries_are_taken_where_nobody_else_may_call(make_host: Callable[..., Host]) -> None:
    """An app that has not said who may call must not lose its subscriptions for it."""
    closed = {"SHOPIFY_ENV": "production", "SHOPIFY_ADMIN_ORIGIN": None, "SHOPIFY_TOKEN_KEYS": "a" * 64}
    host = make_host(is_connected=False, users=None, SHOPIFY_WEBHOOK_SECRET=WEBHOOK_SECRET, **closed)

    assert host.get("/webhooks/events", None).get_json()["code"] == "auth_not_configured"
    assert host.deliver("orders/create", {"id": 1}).status_code == 200


def test_unreadable_body_outranks_unknown_caller(host: Host) -> None:
    answer = host.call("POST", "/search", None, data=b"{", headers={"Content-Type": "application/json"})

    assert answer.get_json()["code"] == "invalid_json"


def test_unknown_caller_outranks_wrong_fields(host: Host) -> None:
    answer = host.post("/search", {"query": "\ud800", "limit": -1}, None)

    assert answer.get_json()["code"] == "unauthenticated"


# Users of the host


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("GET", "/products?user_id=u-alice", None, id="query"),
        pytest.param("POST", "/search", {"user_id": "u-alice", "query": "x"}, id="body"),
        pytest.param("POST", "/products?user_id=u-mallory", {"user_id": "u-alice"}, id="body_and_query_disagree"),
        pytest.param("POST", "/products?user_id=u-alice", {"user_id": "u-mallory"}, id="query_and_body_disagree"),
        pytest.param(
            "POST", "/connect", {"user_id": "u-alice", "shop_domain": "a", "access_token": "shpat_0123456789"}, id="connect"
        ),
        pytest.param("POST", "/disconnect", {"user_id": "u-alice", "purge": True}, id="disconnect"),
        pytest.param("DELETE", "/products/1?user_id=u-alice", None, id="delete"),
        pytest.param("DELETE", "/products/1", {"user_id": "u-alice"}, id="delete_with_body"),
        pytest.param("PUT", "/products/1", {"user_id": "u-alice", "product": {"title": "x"}}, id="put"),
        pytest.param("GET", "/stores?user_id=u-alice", None, id="stores"),
        pytest.param("GET", "/health/tokens?user_id=u-alice", None, id="health"),
        pytest.param("GET", "/openapi.json?user_id=u-alice", None, id="openapi"),
        pytest.param("GET", "/webhooks/events?user_id=u-alice", None, id="events"),
        pytest.param("POST", "/webhooks/setup", {"user_id": "u-alice"}, id="webhook_setup"),
        pytest.param("POST", "/webhooks/replay", {"user_id": "u-alice", "topic": "orders/create"}, id="replay"),
        pytest.param("POST", "/webhooks/process?user_id=u-alice", {"id": 1}, id="process"),
        pytest.param("GET", "/privacy/exports?user_id=u-alice", None, id="exports"),
        pytest.param("POST", "/graphql", {"user_id": "u-alice", "query": "{shop{name}}", "junk": 1}, id="before_unknown_fields"),
    ],
)
def test_user_who_names_another_is_refused_and_noted(
    host: Host, outbound: Outbound, method: str, path: str, body: dict[str, Any] | None
) -> None:
    before = len(audit(host, "authz.user_mismatch"))

    answer = host.call(method, path, "mallory", json=body)

    assert (answer.status_code, answer.get_json()["code"]) == (403, "user_mismatch")
    assert outbound.sent == []
    noted = audit(host, "authz.user_mismatch")[before:]
    assert [(entry["actor"], entry["subject"]) for entry in noted] == [("u-mallory", "u-alice")]


@pytest.mark.parametrize(
    "user_id", ["U-MALLORY", "u-mallory ", " u-mallory", "u-mallory%00"[:9] + "Y", "u‐mallory", "u-mаllory", "ｕ-mallory"]
)
def test_user_ids_are_compared_character_by_character(host: Host, user_id: str) -> None:
    answer = host.post("/search", {"query": "x", "user_id": user_id}, "mallory")

    assert (answer.status_code, answer.get_json()["code"]) == (403, "user_mismatch")


def test_user_who_names_nobody_or_themselves_is_served(host: Host) -> None:
    for path in ("/stores", "/stores?user_id=u-mallory"):
        (store,) = host.get(path, "mallory").get_json()["stores"]
        assert store["shop_domain"] == host.shops["mallory"].shop_domain
    assert host.post("/search?user_id=u-mallory", {"query": "x", "user_id": "u-mallory"}, "mallory").status_code == 200
    assert host.post("/search", {"query": "x", "user_id": None}, "mallory").status_code == 200


def test_shop_of_another_is_as_if_it_did_not_exist(host: Host, outbound: Outbound) -> None:
    theirs, nobodys = host.shops["alice"].shop_domain, "no-such-shop.myshopify.com"
    store_id = host.get("/stores", "alice").get_json()["stores"][0]["id"]

    answers = [host.get(f"/products?shop_domain={domain}", "mallory") for domain in (theirs, nobodys)]
    by_id = [host.get(f"/products?store_id={number}", "mallory") for number in (store_id, 999_999)]

    bodies = [{**answer.get_json(), "request_id": ""} for answer in (*answers, *by_id)]
    assert [answer.status_code for answer in (*answers, *by_id)] == [409] * 4
    assert bodies[0]["code"] == "not_connected"
    assert all(body == bodies[0] for body in bodies)
    assert outbound.sent == []


def test_store_of_another_is_not_found(host: Host) -> None:
    store_id = host.get("/stores", "alice").get_json()["stores"][0]["id"]

    theirs, nobodys = host.get(f"/stores/{store_id}", "mallory"), host.get("/stores/999999", "mallory")

    assert theirs.status_code == nobodys.status_code == 404
    assert {**theirs.get_json(), "request_id": ""} == {**nobodys.get_json(), "request_id": ""}


# The host's authenticate


def raise_an_error(*_: Any) -> str:
    raise RuntimeError(SPELT_OUT)


def refuse(*_: Any) -> str:
    abort(403, SPELT_OUT)


def test_error_in_authenticate_lets_nobody_in(make_host: Callable[..., Host], logs: LogBook, outbound: Outbound) -> None:
    host = make_host(is_connected=False, users=raise_an_error)

    answer = host.get("/stores", headers={"Authorization": f"Bearer {SERVICE_KEY}"})

    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal_error")
    assert "canary" not in answer.get_data(as_text=True) + logs.text
    assert "raise_an_error" in logs.text
    assert outbound.sent == []
    assert host.get("/health", None).status_code == 200


def test_abort_in_authenticate_is_an_unknown_caller(make_host: Callable[..., Host]) -> None:
    host = make_host(is_connected=False, users=refuse)

    answer = host.get("/stores")

    assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated")
    assert "canary" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "rubbish",
    [
        pytest.param("", id="empty"),
        pytest.param(0, id="zero"),
        pytest.param(17, id="number"),
        pytest.param(True, id="true"),
        pytest.param(b"u-alice", id="bytes"),
        pytest.param({"id": "u-alice"}, id="mapping"),
        pytest.param(("u-alice", "admin"), id="pair"),
        pytest.param("x" * 256, id="long"),
        pytest.param("a\x00b", id="nul"),
        pytest.param("a\nb", id="line_break"),
        pytest.param("\ud800", id="surrogate"),
    ],
)
def test_rubbish_from_authenticate_lets_nobody_in(make_host: Callable[..., Host], logs: LogBook, rubbish: Any) -> None:
    host = make_host(is_connected=False, users=lambda _: rubbish)

    answer = host.get("/stores")

    assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated")
    assert "authenticate returned" in logs.text


def test_user_id_may_be_any_printable_text(make_host: Callable[..., Host]) -> None:
    user_id = "Ünïcode|user/1:é😀'; drop table users; --"
    host = make_host(is_connected=False, users=lambda _: user_id)

    assert host.post("/search", {"query": "x", "user_id": user_id}).get_json()["code"] == "not_connected"


# Trusted backends


def test_service_acts_for_the_user_it_names_and_both_are_noted(host: Host) -> None:
    before = len(audit(host, "service.act"))

    answer = host.get("/stores?user_id=u-bob", "service")

    assert [store["shop_domain"] for store in answer.get_json()["stores"]] == [host.shops["bob"].shop_domain]
    assert [(entry["actor"], entry["subject"]) for entry in audit(host, "service.act")[before:]] == [("svc-host", "u-bob")]


def test_service_that_names_nobody_is_asked_to(host: Host) -> None:
    answer = host.get("/stores", "service")

    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation_error")
    assert answer.get_json()["details"][0]["field"] == "user_id"


def test_service_that_names_two_is_refused_and_noted(host: Host) -> None:
    before = len(audit(host, "authz.user_mismatch"))

    answer = host.post("/search?user_id=u-alice", {"query": "x", "user_id": "u-bob"}, "service")

    assert (answer.status_code, answer.get_json()["code"]) == (403, "user_mismatch")
    assert audit(host, "authz.user_mismatch")[before:][0]["actor"] == "svc-host"


@pytest.mark.parametrize(
    "user_id", ["u-alice' OR '1'='1", "%s %(x)s {0} $1", "u-alice; drop table shopify.tokens", "%", "_", "u-alice\\", "*", "null"]
)
def test_service_finds_only_the_very_user(host: Host, user_id: str) -> None:
    answer = host.post("/search", {"query": "x", "user_id": user_id}, "service")

    assert (answer.status_code, answer.get_json()["code"]) == (409, "not_connected")


def test_service_may_read_the_description_for_nobody(host: Host) -> None:
    assert host.get("/openapi.json", "service").status_code == 200


def test_connection_by_a_service_is_noted_under_both_names(fresh_host: Host) -> None:
    shop = fresh_host.shops["nobody"]
    body = {"user_id": "u-new", "shop_domain": shop.shop_domain, "access_token": shop.access_token}

    assert fresh_host.post("/connect", body, "service").status_code == 200

    entry = audit(fresh_host, "shop.connect")[-1]
    assert (entry["actor"], entry["subject"]) == ("svc-host", "u-new")


def test_every_service_key_is_known_and_bare_ones_go_by_a_digest(make_host: Callable[..., Host]) -> None:
    host = make_host(is_connected=False, SHOPIFY_SERVICE_KEYS="first:key-one-0123456789,key-two-0123456789")

    for key in ("key-one-0123456789", "key-two-0123456789"):
        assert host.get("/stores?user_id=u-x", headers={"Authorization": f"bearer {key}"}).status_code == 200
    for key in ("first:key-one-0123456789", "first", "key-one-012345678", "key-one-01234567890"):
        assert host.get("/stores?user_id=u-x", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    actors = [entry["actor"] for entry in audit(host, "service.act")]
    assert actors[0] == "first"
    assert actors[1].startswith("service-")
    assert "key-two" not in actors[1]


# Nobody configured


def test_unconfigured_host_is_closed_and_says_what_to_set(make_host: Callable[..., Host], logs: LogBook) -> None:
    closed = {"SHOPIFY_ENV": "production", "SHOPIFY_ADMIN_ORIGIN": None, "SHOPIFY_TOKEN_KEYS": "a" * 64}
    host = make_host(is_connected=False, users=None, **closed)

    answer = host.get("/products", None)

    assert (answer.status_code, answer.get_json()["code"]) == (503, "auth_not_configured")
    assert "SHOPIFY_SERVICE_KEYS" in answer.get_json()["error"]
    assert any("CRITICAL" in line and "auth_not_configured" in line for line in logs.lines)
    assert host.get("/health", None).status_code == 200


def from_peer(host: Host, peer: str = "127.0.0.1", name: str = "127.0.0.1:8000", **headers: str) -> TestResponse:
    environ = {"REMOTE_ADDR": peer, "HTTP_HOST": name}
    return host.get(
        "/stores", None, headers={key.replace("_", "-"): value for key, value in headers.items()}, environ_overrides=environ
    )


@pytest.fixture
def trusting_host(make_host: Callable[..., Host]) -> Host:
    return make_host(is_connected=False, users=None)


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        ("127.0.0.1", "127.0.0.1:8000"),
        ("127.0.0.1", "localhost"),
        ("127.8.9.10", "LOCALHOST:5000"),
        ("::1", "[::1]:8000"),
        ("::1", "[::1]"),
        ("::ffff:127.0.0.1", "localhost:8000"),
    ],
)
def test_developer_on_this_machine_is_served(trusting_host: Host, peer: str, name: str) -> None:
    assert from_peer(trusting_host, peer, name).status_code == 200


@pytest.mark.parametrize(
    ("peer", "name"),
    [
        pytest.param("10.0.0.5", "127.0.0.1:8000", id="other_machine"),
        pytest.param("::ffff:10.0.0.5", "localhost", id="other_machine_mapped"),
        pytest.param("", "localhost", id="no_peer"),
        pytest.param("unix:", "localhost", id="unix_socket"),
        pytest.param("127.0.0.1", "backend.example", id="public_name"),
        pytest.param("127.0.0.1", "evil.example:8000", id="rebound_name"),
        pytest.param("127.0.0.1", "127.0.0.1.evil.example", id="name_that_begins_so"),
        pytest.param("127.0.0.1", "localhost.evil.example", id="name_that_begins_so_too"),
        pytest.param("127.0.0.1", "evil.example@localhost", id="user_in_the_name"),
        pytest.param("127.0.0.1", "127.0.0.1:8000:evil", id="two_colons"),
        pytest.param("127.0.0.1", "[::2]:8000", id="other_ipv6"),
        pytest.param("127.0.0.1", "0.0.0.0:8000", id="any_address"),
        pytest.param("0.0.0.0", "localhost", id="peer_any_address"),
    ],
)
def test_loopback_trust_ends_at_this_machine(trusting_host: Host, peer: str, name: str) -> None:
    answer = from_peer(trusting_host, peer, name)

    assert (answer.status_code, answer.get_json()["code"]) == (503, "auth_not_configured")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Forwarded-For", "127.0.0.1"),
        ("x-forwarded-for", ""),
        ("X-Forwarded-Host", "localhost"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Server", "proxy"),
        ("X-Forwarded-Prefix", "/x"),
        ("Forwarded", "for=127.0.0.1"),
        ("Via", "1.1 proxy"),
        ("X-Real-IP", "127.0.0.1"),
        ("True-Client-IP", "127.0.0.1"),
        ("CF-Connecting-IP", "127.0.0.1"),
        ("X-Client-IP", "127.0.0.1"),
        ("X-Original-Forwarded-For", "127.0.0.1"),
        ("Fly-Client-IP", "127.0.0.1"),
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
    ],
)
def test_loopback_trust_ends_behind_a_proxy_and_on_other_sites(trusting_host: Host, header: str, value: str) -> None:
    answer = from_peer(trusting_host, **{header.replace("-", "_"): value})

    assert (answer.status_code, answer.get_json()["code"]) == (503, "auth_not_configured")


def test_page_of_this_machine_is_served(trusting_host: Host) -> None:
    assert from_peer(trusting_host, Origin="http://localhost:3000").status_code == 200


def test_developer_acts_for_the_default_user_or_for_whom_they_name(trusting_host: Host) -> None:
    shop = trusting_host.shops["nobody"]
    body = {"shop_domain": shop.shop_domain, "access_token": shop.access_token}

    assert trusting_host.post("/connect", body, None).status_code == 200
    assert trusting_host.post("/connect", body | {"user_id": "u-me"}, None).status_code == 200

    owners = [row["user_id"] for row in run_sql(trusting_host.dsn, "select user_id from shopify.members order by 1")]
    assert owners == ["default", "u-me"]


def test_configured_host_trusts_nobody_for_being_near(make_host: Callable[..., Host]) -> None:
    by_key = make_host(is_connected=False, users=None, SHOPIFY_SERVICE_KEYS="x:key-0123456789", SHOPIFY_TRUST_LOOPBACK=True)

    assert from_peer(by_key).status_code == 401


def test_production_trusts_this_machine_only_when_told(make_host: Callable[..., Host]) -> None:
    production = {"SHOPIFY_ENV": "production", "SHOPIFY_ADMIN_ORIGIN": None, "SHOPIFY_TOKEN_KEYS": "a" * 64}

    assert from_peer(make_host(is_connected=False, users=None, **production)).status_code == 503
    assert from_peer(make_host(is_connected=False, users=None, SHOPIFY_TRUST_LOOPBACK=True, **production)).status_code == 200


# What strangers see of health


def test_health_tells_strangers_no_figures(host: Host) -> None:
    stranger = host.get("/health?detailed=true", None).get_json()["health"]
    known = host.get("/health?detailed=true").get_json()["health"]

    assert set(stranger["services"]["database"]) == {"status"}
    assert "tokens" not in stranger
    assert known["services"]["database"]["max_connections"] > 0
    assert [token["state"] for token in known["tokens"]] == ["active"]
    assert known["tokens"][0]["shop_domain"] == host.shops["alice"].shop_domain


def test_health_of_another_is_refused(host: Host) -> None:
    assert host.get("/health?detailed=true&user_id=u-alice", "mallory").status_code == 403
    assert host.get("/health?user_id=u-alice", "mallory").status_code == 200
