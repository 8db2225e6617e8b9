"""Topics that the integration acts on by itself: uninstalling, scopes, the shop's own facts, and the law's three."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.delivering_host import DeliveringHost, MakeDelivering
from tests.fake_store import FakeShop
from tests.web_host import WEBHOOK_URL, Host, fault, grant, opened_bodies, revoke, run_sql

pytest_plugins = ("tests.web_fixtures", "tests.delivering_fixtures")

COMPLIANCE = ["customers/data_request", "customers/redact", "shop/redact"]
PERSON: dict[str, Any] = {"id": 207119551, "email": "ada.lovelace@example.com", "phone": "+16135550123"}


@pytest.fixture
def installed(make_delivering: MakeDelivering) -> DeliveringHost:
    """Alice's shop hears of everything that it needs."""
    delivering = make_delivering()
    delivering.host.post("/webhooks/setup", {"topics": ["app/uninstalled", "app/scopes_update", "shop/update", "orders/create"]})
    delivering.control("subscriptions", {"compliance_topics": COMPLIANCE, "uri": WEBHOOK_URL})
    return delivering


def tokens(host: Host, domain: str) -> list[str]:
    rows = run_sql(
        host.dsn, "select t.state from shopify.tokens as t join shopify.shops as s using (shop_id) where shop_domain = $1", domain
    )
    return [row["state"] for row in rows]


def is_left(host: Host, domain: str) -> bool:
    (row,) = run_sql(host.dsn, "select uninstalled_at is not null as is_left from shopify.shops where shop_domain = $1", domain)
    return bool(row["is_left"])


def audit(host: Host, action: str) -> list[Any]:
    return run_sql(host.dsn, "select *, facts::text as facts_text from shopify.audit_log where action = $1", action)


def last_event(host: Host, topic: str) -> tuple[str, str | None]:
    """Say what became of the newest delivery of a topic, whoever may see it."""
    rows = run_sql(
        host.dsn,
        "select o.status, o.reason from shopify.inbox as i join shopify.inbox_outcomes as o using (shop_id, delivery_id)"
        " where i.topic = $1 order by i.delivery_id desc limit 1",
        topic,
    )
    return rows[0]["status"], rows[0]["reason"]


def farewell(shop: FakeShop, at: datetime | None = None) -> dict[str, Any]:
    """What Shopify says when an app was removed from a shop: the shop as it was."""
    instant = at or datetime.now(UTC)
    return {"id": 1, "myshopify_domain": shop.shop_domain, "updated_at": instant.isoformat()}


def deliver(delivering: DeliveringHost, topic: str, payload: dict[str, Any], shop: str = "alice") -> None:
    """Deliver what Shopify did not send, or not in this way, and handle it."""
    host = delivering.host
    answer = host.deliver(topic, payload, shop, secret=host.store.client_secret)
    assert answer.status_code == 200
    host.work()


# app/uninstalled


def test_uninstalled_app_has_its_token_destroyed_and_its_shop_marked(installed: DeliveringHost) -> None:
    host = installed.host
    alice, bob = host.shops["alice"].shop_domain, host.shops["bob"].shop_domain

    installed.control("uninstall", {"shop": alice})
    installed.work()

    assert last_event(host, "app/uninstalled") == ("processed", None)
    assert (tokens(host, alice), is_left(host, alice)) == ([], True)
    assert (tokens(host, bob), is_left(host, bob)) == (["active"], False)
    assert host.get("/shop").get_json()["code"] == "not_connected"
    assert host.get("/stores").get_json()["stores"] == []
    (entry,) = audit(host, "shop.uninstalled")
    assert (entry["actor"], entry["subject"]) == ("shopify", "u-alice")


def test_shop_that_has_left_may_come_back(installed: DeliveringHost) -> None:
    host, alice = installed.host, installed.host.shops["alice"]
    installed.control("uninstall", {"shop": alice.shop_domain})
    installed.work()

    assert host.connect("alice", grant(host.store, alice)).status_code == 200

    assert (tokens(host, alice.shop_domain), is_left(host, alice.shop_domain)) == (["active"], False)
    assert host.get("/shop").status_code == 200


def test_message_about_an_app_that_is_still_installed_destroys_nothing(installed: DeliveringHost) -> None:
    """Headers are not signed: whoever has seen one signature may send any topic."""
    deliver(installed, "app/uninstalled", farewell(installed.host.shops["alice"], datetime.now(UTC) + timedelta(seconds=5)))

    assert last_event(installed.host, "app/uninstalled") == ("quarantined", "app_still_installed")
    assert installed.host.get("/shop").status_code == 200
    assert audit(installed.host, "shop.uninstalled") == []


def test_message_from_before_the_installation_destroys_nothing(installed: DeliveringHost) -> None:
    """Shopify delivers up to a day late: the merchant has installed the app again meanwhile."""
    host, alice = installed.host, installed.host.shops["alice"]
    installed.control("uninstall", {"shop": alice.shop_domain})
    installed.work()
    assert host.connect("alice", grant(host.store, alice)).status_code == 200

    deliver(installed, "app/uninstalled", farewell(alice, datetime.now(UTC) - timedelta(hours=1)))

    assert last_event(host, "app/uninstalled")[0] == "superseded"
    assert host.get("/shop").status_code == 200


def test_token_that_shopify_does_not_know_any_more_goes_alone(installed: DeliveringHost) -> None:
    """Two users brought tokens of different apps; one of these was removed."""
    host, alice = installed.host, installed.host.shops["alice"]
    other = grant(host.store, alice)
    assert host.connect("mallory", other).status_code == 200
    revoke(host.store, alice)

    deliver(installed, "app/uninstalled", farewell(alice))

    assert (tokens(host, alice.shop_domain), is_left(host, alice.shop_domain)) == (["active"], False)
    assert host.get(f"/shop?shop_domain={alice.shop_domain}", "mallory").status_code == 200
    assert host.get("/shop").get_json()["code"] == "not_connected"


@pytest.mark.parametrize(
    ("trouble", "status"),
    [
        pytest.param("5xx", "pending", id="shopify_fails"),
        pytest.param("reset", "pending", id="connection_breaks"),
        pytest.param("html", "pending", id="page_in_place_of_an_answer"),
        pytest.param("frozen", "dead", id="shop_is_frozen"),
    ],
)
def test_no_answer_is_no_refusal(installed: DeliveringHost, trouble: str, status: str) -> None:
    """What may be better soon is asked for again; what will not stands among the dead letters for a person."""
    host, alice = installed.host, installed.host.shops["alice"]
    with fault(host.store, trouble, path="graphql"):
        deliver(installed, "app/uninstalled", farewell(alice))

        (event,) = host.events(query="?topic=app/uninstalled")
        assert (event["status"], event["attempts"]) == (status, 1)
    assert tokens(host, alice.shop_domain) == ["active"]


def test_denied_access_is_no_uninstallation(installed: DeliveringHost) -> None:
    host, alice = installed.host, installed.host.shops["alice"]
    with fault(host.store, "5xx", status=403, path="graphql"):
        deliver(installed, "app/uninstalled", farewell(alice))

    assert last_event(host, "app/uninstalled") == ("quarantined", "app_still_installed")
    assert tokens(host, alice.shop_domain) == ["active"]


@pytest.fixture
def by_client_credentials(make_delivering: MakeDelivering) -> DeliveringHost:
    """Alice's shop is connected by an app of its own organisation, which may have a new token at any time."""
    delivering = make_delivering(is_connected=False)
    host, store = delivering.host, delivering.host.store
    pair = {"client_id": store.client_id, "client_secret": store.client_secret}
    assert host.post("/connect", {"shop_domain": host.shops["alice"].shop_domain, **pair}).status_code == 200
    return delivering


def test_token_that_has_only_run_out_is_renewed_and_kept(by_client_credentials: DeliveringHost) -> None:
    host, alice = by_client_credentials.host, by_client_credentials.host.shops["alice"]
    by_client_credentials.control("clock", {"advance_s": 2 * 86_400})

    deliver(by_client_credentials, "app/uninstalled", farewell(alice, datetime.now(UTC) + timedelta(seconds=5)))

    assert last_event(host, "app/uninstalled") == ("quarantined", "app_still_installed")
    assert tokens(host, alice.shop_domain) == ["active"]
    assert host.get("/shop").status_code == 200


def test_app_that_gets_no_token_any_more_has_left(by_client_credentials: DeliveringHost) -> None:
    host, alice = by_client_credentials.host, by_client_credentials.host.shops["alice"]
    by_client_credentials.control("uninstall", {"shop": alice.shop_domain})
    with fault(host.store, "5xx", status=400, path="access_token"):
        deliver(by_client_credentials, "app/uninstalled", farewell(alice))

    assert last_event(host, "app/uninstalled") == ("processed", None)
    assert (tokens(host, alice.shop_domain), is_left(host, alice.shop_domain)) == ([], True)


def test_watchdog_leaves_a_shop_alone_that_has_left(installed: DeliveringHost, logs: Any) -> None:
    host = installed.host
    installed.control("uninstall", {"shop": host.shops["alice"].shop_domain})
    installed.work()
    worker = host.integration.make_worker()
    _, put_in_lanes = host.integration.webhooks.schedules()["webhooks.watch"]
    logs.lines.clear()

    assert worker.lanes.take_slot("webhooks.watch", datetime(2026, 1, 1, tzinfo=UTC), put_in_lanes)

    assert worker.run_until_idle() == 0
    assert [line for line in logs.lines if "WARNING" in line] == []


# What Shopify says of app and shop


def test_new_scopes_are_known_at_once(installed: DeliveringHost) -> None:
    host, alice = installed.host, installed.host.shops["alice"]
    before = host.get("/health/tokens").get_json()["tokens"][0]["scopes"]

    installed.control("grants", {"token": alice.access_token, "shop_domain": alice.shop_domain, "scopes": ["read_products"]})
    installed.work()

    assert last_event(host, "app/scopes_update") == ("processed", None)
    assert len(before) > 1
    assert host.get("/health/tokens").get_json()["tokens"][0]["scopes"] == ["read_products"]


def test_new_name_of_a_shop_is_known_at_once(installed: DeliveringHost) -> None:
    host, alice = installed.host, installed.host.shops["alice"]

    installed.control("shop", {"shop": alice.shop_domain, "name": "Wonderland Supplies"})
    installed.work()

    assert last_event(host, "shop/update") == ("processed", None)
    assert host.get("/stores").get_json()["stores"][0]["name"] == "Wonderland Supplies"


def test_token_that_is_refused_meanwhile_is_marked_and_hinders_no_other(installed: DeliveringHost) -> None:
    host, alice = installed.host, installed.host.shops["alice"]
    other = grant(host.store, alice, scopes=["read_products"])
    assert host.connect("mallory", other).status_code == 200
    revoke(host.store, alice)
    installed.control("grants", {"token": other.access_token, "shop_domain": alice.shop_domain, "scopes": ["read_orders"]})

    deliver(installed, "shop/update", farewell(alice))

    assert last_event(host, "shop/update") == ("processed", None)
    mine, theirs = (host.get("/health/tokens", who).get_json()["tokens"] for who in ("alice", "mallory"))
    assert [token["state"] for token in mine] == ["reauthorization_required"]
    by_shop = {token["shop_domain"]: token["scopes"] for token in theirs}
    assert by_shop[alice.shop_domain] == ["read_orders"]


# Compliance


def leave_traces(host: Host) -> None:
    """Have the person stand in deliveries that were handled, that died, and that wait."""
    secret = host.store.client_secret
    host.integration.webhooks.on("orders/*")(lambda _event: None)
    for topic, payload in (
        ("orders/create", {"id": 1, "email": PERSON["email"], "customer": PERSON}),
        ("customers/update", {**PERSON, "first_name": "Ada"}),
        ("orders/paid", f'{{"email": "{PERSON["email"]}"'.encode()),
        ("orders/create", {"id": 2, "email": "somebody.else@example.com"}),
    ):
        assert host.deliver(topic, payload, secret=secret).status_code == 200
    host.work()
    assert host.deliver("orders/paid", {"id": 1, "contact_email": PERSON["email"]}, secret=secret).status_code == 200


def test_data_of_a_customer_are_put_together_and_handed_out(installed: DeliveringHost) -> None:
    host = installed.host
    leave_traces(host)

    installed.control("compliance", {"topic": "customers/data_request", "customer": PERSON, "orders": [1]})
    installed.work()

    (listed,) = host.get("/privacy/exports").get_json()["exports"]
    export = host.get(f"/privacy/exports/{listed['id']}")
    assert (listed["customer_id"], export.status_code) == (str(PERSON["id"]), 200)
    text = export.text
    assert PERSON["email"] in text
    assert "Ada" in text
    assert "somebody.else" not in text
    assert len(audit(host, "privacy.exported")) == 1
    (opened,) = audit(host, "privacy.export_opened")
    assert opened["subject"] == "u-alice"


def test_export_is_for_the_shops_own_users_and_lies_sealed(installed: DeliveringHost) -> None:
    host = installed.host
    installed.control("compliance", {"topic": "customers/data_request", "customer": PERSON, "orders": []})
    installed.work()
    (listed,) = host.get("/privacy/exports").get_json()["exports"]

    assert host.get(f"/privacy/exports/{listed['id']}", "bob").status_code == 404
    assert host.get("/privacy/exports", "bob").get_json()["exports"] == []
    assert host.get("/privacy/exports/999999").status_code == 404
    (row,) = run_sql(host.dsn, "select document_sealed from shopify.data_exports")
    assert PERSON["email"].encode() not in row["document_sealed"]


def test_redacted_customer_is_found_nowhere_and_the_receipt_says_so(installed: DeliveringHost) -> None:
    host = installed.host
    leave_traces(host)
    installed.control("compliance", {"topic": "customers/data_request", "customer": PERSON, "orders": [1]})
    installed.work()

    installed.control("compliance", {"topic": "customers/redact", "customer": PERSON, "orders": [1]})
    installed.work()

    left = "\n".join(opened_bodies(host))
    assert [word for word in (PERSON["email"], PERSON["phone"], "Ada") if str(word) in left] == []
    assert "somebody.else@example.com" in left
    assert host.get("/privacy/exports").get_json()["exports"] == []
    (receipt,) = audit(host, "privacy.redacted")
    assert PERSON["email"] not in receipt["facts_text"]
    assert last_event(host, "customers/redact") == ("processed", None)


def test_shop_is_forgotten_two_days_after_it_left(installed: DeliveringHost) -> None:
    host, alice = installed.host, installed.host.shops["alice"]
    leave_traces(host)
    assert host.deliver("orders/create", {"id": 3}, "bob", secret=host.store.client_secret).status_code == 200

    installed.control("uninstall", {"shop": alice.shop_domain})
    installed.work()
    before = len(opened_bodies(host))
    installed.control("clock", {"advance_s": 49 * 3600})
    installed.work()

    left = opened_bodies(host)
    assert before > 3
    assert PERSON["email"] not in "\n".join(left)
    assert [event["topic"] for event in host.events("bob")] == ["orders/create"]
    (receipt,) = audit(host, "privacy.shop_redacted")
    assert alice.shop_domain in receipt["facts_text"]


@pytest.mark.parametrize("topic", COMPLIANCE)
def test_compliance_request_with_a_wrong_signature_is_refused(make_host: Callable[..., Host], topic: str) -> None:
    """Shopify reviews that an app answers 401."""
    host = make_host()

    answer = host.deliver(topic, {"shop_domain": host.shops["alice"].shop_domain, "customer": PERSON}, secret="x" * 20)

    assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_signature")
