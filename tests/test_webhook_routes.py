"""Webhooks over HTTP, from subscribing to replaying, with a store that really delivers."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shopify_inbox import history
from shopify_kit.topics import COMPLIANCE_TOPICS, DEFAULT_TOPICS
from shopify_webhooks import WebhookEvent
from tests.delivering_host import DeliveringHost, MakeDelivering
from tests.fake_store import FakeShop, FakeStore
from tests.web_host import WEBHOOK_URL, Host, Outbound, control, grant, revoke, run_sql, signed

pytest_plugins = ("tests.web_fixtures", "tests.delivering_fixtures")

SUBSCRIBE = """
mutation Subscribe($topic: WebhookSubscriptionTopic!, $input: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $input) { webhookSubscription { id } userErrors { message } }
}
"""
PUBSUB = "pubsub://my-project:shop-events"
EVENTBRIDGE = "arn:aws:events:eu-west-1::event-source/aws.partner/shopify.com/{}/source"


def events_of(host: Host, *patterns: str) -> list[WebhookEvent]:
    """Have a handler note what comes; at least one pattern."""
    seen: list[WebhookEvent] = []
    for pattern in patterns:
        host.integration.webhooks.on(pattern)(seen.append)
    return seen


# The whole way


def test_change_at_shopify_reaches_the_hosts_handler_once_and_stands_in_the_history(delivering: DeliveringHost) -> None:
    host = delivering.host
    seen = events_of(host, "products/*")
    assert host.post("/webhooks/setup", {"user_id": "u-alice", "topics": ["products/create"]}).status_code == 200

    product = host.post("/products", {"product": {"title": "Enamel mug"}}).get_json()["product"]
    delivering.work()

    assert [(event.topic, event.payload["id"], event.payload["title"]) for event in seen] == [
        ("products/create", product["id"], "Enamel mug")
    ]
    answer = host.get("/webhooks/events?include_stats=true").get_json()
    (event,) = answer["events"]
    assert (event["topic"], event["shop_domain"]) == ("products/create", host.shops["alice"].shop_domain)
    assert (event["status"], event["attempts"], event["last_error"]) == ("processed", 1, None)
    assert answer["statistics"]["by_topic"] == {"products/create": 1}
    assert answer["statistics"]["by_status"]["processed"] == answer["statistics"]["total"] == 1
    shown = host.get(f"/webhooks/events/{event['id']}").get_json()["event"]
    assert shown["payload"]["title"] == "Enamel mug"
    assert [one["state"] for one in delivering.settled()] == ["delivered"]


@pytest.mark.parametrize("way", ["orders/create", "orders_create", "orders-create", "ORDERS_CREATE"])
def test_topic_in_the_path_may_be_written_in_several_ways(delivering: DeliveringHost, way: str) -> None:
    seen = events_of(delivering.host, "orders/create")
    address = f"{WEBHOOK_URL}/{way}"

    sent = delivering.control("deliver", {"topic": "orders/create", "payload": {"id": 1}, "to": address})["deliveries"]
    delivering.work()

    assert [one["state"] for one in sent] == ["delivered"]
    assert [event.topic for event in seen] == ["orders/create"]


def test_event_of_the_newer_header_family_is_taken_too(delivering: DeliveringHost) -> None:
    seen = events_of(delivering.host, "Product/*")
    event = {"topic": "Product", "family": "events", "action": "update", "id": "gid://shopify/Product/7", "to": WEBHOOK_URL}

    (sent,) = delivering.control("deliver", event)["deliveries"]
    delivering.work()

    assert sent["state"] == "delivered"
    assert [event.topic for event in seen] == [row["topic"] for row in delivering.host.events()] == ["Product/update"]


def test_doubled_delivery_is_acknowledged_and_handled_once(delivering: DeliveringHost) -> None:
    seen = events_of(delivering.host, "orders/create")
    order = {"topic": "orders/create", "payload": {"id": 1}, "to": WEBHOOK_URL, "times": 3}

    sent = delivering.control("deliver", order)["deliveries"]
    delivering.work()

    assert [one["state"] for one in sent] == ["delivered"] * 3
    assert len(seen) == len(delivering.host.events()) == 1


def test_second_delivery_of_an_id_is_answered_duplicate(inbox_host: Host) -> None:
    first, second = (inbox_host.deliver("orders/create", {"id": 1}, webhook_id="w-1") for _ in range(2))

    assert (first.status_code, first.get_json()) == (200, {"ok": True, "status": "success"})
    assert (second.status_code, second.get_json()) == (200, {"ok": True, "status": "duplicate"})


def test_delivery_that_comes_again_under_another_id_has_no_effect(inbox_host: Host) -> None:
    """Headers are not signed: whoever has seen one delivery may send its body again."""
    seen = events_of(inbox_host, "orders/create")
    for number in range(2):
        assert inbox_host.deliver("orders/create", {"id": 1}, webhook_id=f"w-{number}").get_json()["status"] == "success"

    inbox_host.work()

    assert len(seen) == 1
    assert [event["status"] for event in inbox_host.events()] == ["duplicate", "processed"]


# Subscribing


def test_setup_makes_shopifys_set_equal_to_what_is_wanted(delivering: DeliveringHost) -> None:
    host = delivering.host

    first = host.post("/webhooks/setup", {"webhook_url": WEBHOOK_URL}).get_json()
    again = host.post("/webhooks/setup", {}).get_json()
    fewer = host.post(
        "/webhooks/setup", {"topics": ["orders_create", {"topic": "shop/update", "include_fields": ["id"]}]}
    ).get_json()

    assert sorted(row["topic"] for row in first["webhooks"]) == sorted(DEFAULT_TOPICS)
    assert {row["address"] for row in first["webhooks"]} == {WEBHOOK_URL}
    assert (first["total_registered"], first["created"], first["unchanged"], first["failed"]) == (
        len(DEFAULT_TOPICS),
        len(DEFAULT_TOPICS),
        0,
        [],
    )
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, len(DEFAULT_TOPICS))
    assert (fewer["created"], fewer["updated"], fewer["unchanged"], fewer["removed"]) == (0, 1, 1, len(DEFAULT_TOPICS) - 2)
    assert sorted(one["topics"] for one in delivering.subscriptions()) == [["orders/create"], ["shop/update"]]
    assert {row["id"] for row in fewer["webhooks"]} <= {row["id"] for row in first["webhooks"]}


def test_what_shopify_is_to_send_of_a_topic_is_passed_on(delivering: DeliveringHost) -> None:
    topic = {
        "topic": "products/update",
        "filter": "vendor:Northwind",
        "include_fields": ["id", "title"],
        "metafield_namespaces": ["custom"],
    }

    assert delivering.host.post("/webhooks/setup", {"topics": [topic]}).status_code == 200

    (made,) = delivering.subscriptions()
    assert (made["filter"], list(made["include_fields"]), list(made["metafield_namespaces"])) == (
        "vendor:Northwind",
        ["id", "title"],
        ["custom"],
    )


def test_foreign_subscriptions_are_left_alone(delivering: DeliveringHost) -> None:
    theirs = {"uri": "https://elsewhere.example/hooks"}
    delivering.graphql(SUBSCRIBE, topic="ORDERS_CREATE", input=theirs)

    delivering.host.post("/webhooks/setup", {"topics": ["orders/create"]})
    delivering.host.post("/webhooks/setup", {"topics": ["orders/paid"]})

    assert sorted((one["uri"], one["topics"]) for one in delivering.subscriptions()) == [
        (WEBHOOK_URL, ["orders/paid"]),
        ("https://elsewhere.example/hooks", ["orders/create"]),
    ]


def test_topic_that_shopify_refuses_stops_no_other(make_delivering: MakeDelivering) -> None:
    delivering = make_delivering()
    host, alice = delivering.host, delivering.host.shops["alice"]
    narrow = grant(host.store, alice, scopes=["read_products"])
    revoke(host.store, alice)
    assert host.connect("alice", narrow).status_code == 200

    answer = host.post("/webhooks/setup", {"topics": ["products/create", "orders/create"]}).get_json()

    assert [row["topic"] for row in answer["webhooks"]] == ["products/create"]
    assert [row["topic"] for row in answer["failed"]] == ["orders/create"]
    assert answer["failed"][0]["reason"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param({"topics": ["orders/sneezed"]}, 400, "validation_error", id="unknown_topic"),
        pytest.param({"topics": ["customers/redact"]}, 400, "validation_error", id="compliance_topic"),
        pytest.param({"topics": []}, 400, "validation_error", id="no_topic"),
        pytest.param({"topics": [{"topic": "orders/create", "fitler": "x"}]}, 400, "unknown_field", id="misspelt_option"),
        pytest.param({"webhook_secret": "short"}, 400, "validation_error", id="short_secret"),
        pytest.param({"webhook_secret": ""}, 400, "validation_error", id="empty_secret"),
        pytest.param({"webhook_url": "https://evil.example/hooks"}, 400, "invalid_webhook_url", id="another_host"),
        pytest.param({"webhook_url": "http://app.example.com/hooks"}, 400, "invalid_webhook_url", id="http"),
        pytest.param({"webhook_url": "https://app.example.com:8443/hooks"}, 400, "invalid_webhook_url", id="another_port"),
        pytest.param({"webhook_url": "https://sub.app.example.com/hooks"}, 400, "invalid_webhook_url", id="sub_domain"),
        pytest.param({"webhook_url": "https://app.example.com.evil.example/"}, 400, "invalid_webhook_url", id="longer_host"),
        pytest.param({"webhook_url": "https://app.example.com:x/"}, 400, "invalid_webhook_url", id="port_that_is_none"),
        pytest.param({"webhook_url": "https://[app.example.com/"}, 400, "invalid_webhook_url", id="bracket"),
        pytest.param({"webhook_url": "//app.example.com/hooks"}, 400, "invalid_webhook_url", id="no_scheme"),
        pytest.param({"webhook_url": ""}, 400, "invalid_webhook_url", id="nothing"),
        pytest.param({"webhook_url": "https://app.example.com/" + "x" * 3000}, 400, "invalid_webhook_url", id="too_long"),
        pytest.param({"webhook_url": "https://app.example.com/\x00"}, 400, "invalid_webhook_url", id="nul"),
        pytest.param({"webhook_url": "https://app.example.com/#x"}, 400, "invalid_webhook_url", id="fragment"),
        pytest.param({"webhook_url": "https://me@app.example.com/"}, 400, "invalid_webhook_url", id="user"),
        pytest.param({"webhook_url": EVENTBRIDGE.format(1)}, 400, "invalid_webhook_url", id="unlisted_destination"),
        pytest.param({"shop_domain": "somebody-elses"}, 409, "not_connected", id="shop_of_nobody"),
    ],
)
def test_setup_that_cannot_be_is_refused_before_anything_leaves(
    inbox_host: Host, outbound: Outbound, body: dict[str, Any], status: int, code: str
) -> None:
    answer = inbox_host.post("/webhooks/setup", body)

    assert (answer.status_code, answer.get_json()["code"]) == (status, code), answer.text
    assert outbound.sent == []


@pytest.mark.parametrize(
    "address", ["https://app.example.com/hooks?shop=1", "https://APP.example.com:443/api/shopify/webhooks/orders"]
)
def test_address_may_be_any_on_the_hosts_own_origin(delivering: DeliveringHost, address: str) -> None:
    answer = delivering.host.post("/webhooks/setup", {"webhook_url": address, "topics": ["orders/create"]})

    assert [row["address"] for row in answer.get_json()["webhooks"]] == [address]


def test_host_without_an_address_is_told_what_to_set(make_host: Callable[..., Host]) -> None:
    host = make_host(is_connected=False)

    answer = host.post("/webhooks/setup", {})

    assert (answer.status_code, answer.get_json()["code"]) == (503, "webhook_url_not_configured")
    assert "SHOPIFY_WEBHOOK_URL" in answer.get_json()["error"]
    assert host.post("/webhooks/setup", {"webhook_url": "https://app.example.com/x"}).get_json()["code"] == "invalid_webhook_url"


def test_base_address_stands_for_the_address_below_it(delivering: DeliveringHost) -> None:
    answer = delivering.host.post("/webhooks/register-all", {"base_url": "https://app.example.com/", "topics": ["orders/create"]})

    assert [row["address"] for row in answer.get_json()["webhooks"]] == [WEBHOOK_URL]
    refused = delivering.host.post("/webhooks/register-all", {"base_url": "https://evil.example"})
    assert refused.get_json()["code"] == "invalid_webhook_url"


def test_shop_may_be_named_by_our_number(delivering: DeliveringHost) -> None:
    store_id = delivering.host.get("/stores").get_json()["stores"][0]["id"]

    answer = delivering.host.post("/webhooks/register-all", {"store_id": store_id, "topics": ["orders/create"]})

    assert answer.get_json()["total_registered"] == 1
    assert delivering.host.get(f"/webhooks/events?store_id={store_id}").get_json()["events"] == []
    assert delivering.host.get("/webhooks/events?store_id=999999").status_code == 404


@pytest.mark.parametrize("address", [pytest.param(PUBSUB, id="pubsub"), pytest.param(EVENTBRIDGE, id="eventbridge")])
def test_destination_that_the_host_has_listed_may_be_subscribed(
    make_delivering: MakeDelivering, delivering_store: FakeStore, address: str
) -> None:
    number = control(delivering_store, "apps", method="GET")["apps"][0]["number"]
    address = address.format(number)
    delivering = make_delivering(SHOPIFY_WEBHOOK_DESTINATIONS=f"pubsub://other-project:events,{address}")

    answer = delivering.host.post("/webhooks/setup", {"webhook_url": address, "topics": ["products/create"]})
    delivering.host.post("/products", {"product": {"title": "Tea"}})

    assert [row["address"] for row in answer.get_json()["webhooks"]] == [address]
    assert [one["state"] for one in delivering.settled(address=address)] == ["published"]


def test_lost_subscription_is_restored_by_the_watchdog(delivering: DeliveringHost) -> None:
    host = delivering.host
    host.post("/webhooks/setup", {"topics": ["orders/create", "orders/paid"]})
    (lost,) = (one["id"] for one in delivering.subscriptions() if one["topics"] == ["orders/paid"])
    delivering.control("subscriptions", method="DELETE", id=lost)
    worker = host.integration.make_worker()
    cron, put_in_lanes = host.integration.webhooks.schedules()["webhooks.watch"]

    assert worker.lanes.take_slot("webhooks.watch", datetime(2026, 1, 1, tzinfo=UTC), put_in_lanes)
    worker.run_until_idle()

    assert cron == "*/10 * * * *"
    assert sorted(one["topics"] for one in delivering.subscriptions()) == [["orders/create"], ["orders/paid"]]
    (entry,) = run_sql(host.dsn, "select * from shopify.audit_log where action = 'webhooks.restored'")
    assert entry["actor"] == "watchdog"


# Topics and configuration


def test_topics_say_which_are_subscribed_and_which_have_handlers(delivering: DeliveringHost) -> None:
    host = delivering.host
    events_of(host, "orders/*")
    host.post("/webhooks/setup", {"topics": ["orders/create", "products/create"]})

    topics = {row["topic"]: row for row in host.get("/webhooks/topics").get_json()["topics"]}

    assert (topics["orders/create"]["subscribed"], topics["orders/create"]["handled"]) == (True, True)
    assert (topics["orders/paid"]["subscribed"], topics["orders/paid"]["handled"]) == (False, True)
    assert (topics["products/create"]["subscribed"], topics["products/create"]["handled"]) == (True, False)
    assert {name for name, row in topics.items() if row["default"]} == set(DEFAULT_TOPICS)
    assert {name for name, row in topics.items() if row["compliance"]} == set(COMPLIANCE_TOPICS)
    assert all(topics[name]["subscribed"] and topics[name]["handled"] for name in COMPLIANCE_TOPICS)
    other = {row["topic"]: row for row in host.get("/webhooks/topics", "bob").get_json()["topics"]}
    assert other["orders/create"]["subscribed"] is False


def test_configuration_section_is_what_shopify_cli_reads(inbox_host: Host) -> None:
    answer = inbox_host.get("/webhooks/config.toml?webhook_url=https://app.example.com/hooks", "service")

    section = tomllib.loads(answer.text)["webhooks"]
    ordinary, compliance = section["subscriptions"]
    assert answer.mimetype == "text/plain"
    assert section["api_version"] == "2026-10"
    assert (ordinary["topics"], ordinary["uri"]) == (list(DEFAULT_TOPICS), "https://app.example.com/hooks")
    assert (compliance["compliance_topics"], compliance["uri"]) == (list(COMPLIANCE_TOPICS), "https://app.example.com/hooks")
    assert inbox_host.get("/webhooks/config.toml?webhook_url=https://evil.example/").get_json()["code"] == "invalid_webhook_url"


# History


def deliver_some(host: Host) -> None:
    """Have five deliveries of alice's shop end in different ways, and one of bob's."""
    events_of(host, "orders/*", "customers/create")
    person = {"email": "ada@example.com", "first_name": "Ada", "phone": "+16135550123"}
    payloads: list[tuple[str, Any]] = [
        (
            "orders/create",
            {"id": 1, "name": "#1001", "email": "ada@example.com", "line_items": [{"name": "Mug", "title": "Mug"}]},
        ),
        ("customers/create", {"id": 2, **person, "default_address": {"address1": "1 Main", "zip": "K1A"}}),
        ("orders/paid", b"[1]"),
        ("products/create", {"id": 3}),
        ("orders/paid", {"id": 1, "customer": person}),
    ]
    for number, (topic, payload) in enumerate(payloads):
        assert host.deliver(topic, payload, webhook_id=f"w-{number}").status_code == 200
    assert host.deliver("orders/create", {"id": 9}, "bob").status_code == 200
    host.work()


def test_history_shows_what_became_of_each_newest_first(inbox_host: Host) -> None:
    deliver_some(inbox_host)

    assert [(event["topic"], event["status"], event["reason"]) for event in inbox_host.events()] == [
        ("orders/paid", "processed", None),
        ("products/create", "unhandled", "no_handler"),
        ("orders/paid", "dead", "invalid_shape"),
        ("customers/create", "processed", None),
        ("orders/create", "processed", None),
    ]
    assert [event["topic"] for event in inbox_host.events(query="?sort=received_at")][:2] == ["orders/create", "customers/create"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        pytest.param("topic=orders/paid", 2, id="topic"),
        pytest.param("topic=orders_paid", 2, id="topic_written_otherwise"),
        pytest.param("topic=orders/sneezed", 0, id="unknown_topic"),
        pytest.param("status=dead", 1, id="status"),
        pytest.param("status=DEAD", 1, id="status_in_capitals"),
        pytest.param("topic=orders/paid&status=processed", 1, id="both"),
        pytest.param("since=2020-01-01", 5, id="since"),
        pytest.param("since=2099-01-01", 0, id="since_later"),
        pytest.param("until=2020-01-01", 0, id="until"),
        pytest.param("limit=2", 2, id="limit"),
    ],
)
def test_history_is_filtered(inbox_host: Host, query: str, count: int) -> None:
    deliver_some(inbox_host)

    answer = inbox_host.get(f"/webhooks/events?{query}").get_json()

    assert (len(answer["events"]), answer["total"]) == (count, count)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        pytest.param("status=lost", "status", id="unknown_status"),
        pytest.param("sort=received_at;drop", "sort", id="sort"),
        pytest.param("since=yesterday", "since", id="since"),
        pytest.param("since=2026-02-01&until=2026-01-01", "", id="ends_before_it_begins"),
        pytest.param("limit=0", "limit", id="limit"),
        pytest.param("include_stats=maybe", "include_stats", id="include_stats"),
    ],
)
def test_wrong_filter_is_named(inbox_host: Host, query: str, field: str) -> None:
    answer = inbox_host.get(f"/webhooks/events?{query}")

    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation_error")
    assert [detail["field"] for detail in answer.get_json()["details"]] == [field]


@pytest.mark.parametrize("sort", ["-received_at", "received_at"])
def test_pages_follow_each_other_and_new_deliveries_do_not_move_them(inbox_host: Host, sort: str) -> None:
    deliver_some(inbox_host)
    whole = [event["id"] for event in inbox_host.events(query=f"?sort={sort}")]
    seen, path = [], f"/webhooks/events?sort={sort}&limit=2"
    cursor = ""
    while True:
        answer = inbox_host.get(path + cursor).get_json()
        seen += [event["id"] for event in answer["events"]]
        if sort == "-received_at":
            inbox_host.deliver("orders/create", {"id": 100 + len(seen)})
        if not answer["page"]["has_next"]:
            break
        cursor = f"&cursor={answer['page']['next_cursor']}"

    assert seen == whole
    stranger = inbox_host.get(path + cursor, "bob")
    assert stranger.get_json()["code"] == "invalid_cursor"


def test_history_is_of_all_shops_of_a_user_or_of_one(make_host: Callable[..., Host]) -> None:
    host = make_host()
    mine, other = host.shops["alice"].shop_domain, host.shops["nobody"].shop_domain
    assert host.connect("alice", host.shops["nobody"]).status_code == 200
    for shop in ("alice", "nobody", "bob"):
        assert host.deliver("orders/create", {"id": 1, "note": shop}, shop).status_code == 200

    assert [event["shop_domain"] for event in host.events()] == [other, mine]
    assert [event["shop_domain"] for event in host.events(query=f"?shop_domain={mine}")] == [mine]
    assert host.get("/webhooks/events?include_stats=true").get_json()["statistics"]["total"] == 2
    assert host.post("/webhooks/replay", {"shop_domain": other, "dry_run": True}).get_json()["matched"] == 1
    assert host.post("/webhooks/setup", {}).get_json()["code"] == "shop_required"


def test_statistics_count_the_callers_shops_only(inbox_host: Host) -> None:
    deliver_some(inbox_host)

    mine = inbox_host.get("/webhooks/events?include_stats=true").get_json()["statistics"]
    theirs = inbox_host.get("/webhooks/events?include_stats=true", "bob").get_json()["statistics"]

    assert (mine["total"], mine["by_status"]["dead"], mine["by_topic"]["orders/paid"]) == (5, 1, 2)
    assert (theirs["total"], theirs["by_topic"]) == (1, {"orders/create": 1})
    assert inbox_host.get("/webhooks/events").get_json()["statistics"] is None


def test_one_event_is_shown_with_customers_data_masked(inbox_host: Host) -> None:
    deliver_some(inbox_host)
    by_topic = {event["topic"]: event["id"] for event in inbox_host.events()}

    customer = inbox_host.get(f"/webhooks/events/{by_topic['customers/create']}")
    order = inbox_host.get(f"/webhooks/events/{by_topic['orders/create']}").get_json()["event"]["payload"]

    assert [word for word in ("ada@example.com", "Ada", "5550123", "1 Main", "K1A") if word in customer.text] == []
    assert customer.get_json()["event"]["payload"]["id"] == 2
    assert (order["name"], order["line_items"], order["email"]) == ("#1001", [{"name": "Mug", "title": "Mug"}], "***")


def test_event_of_another_user_is_as_if_it_did_not_exist(inbox_host: Host) -> None:
    deliver_some(inbox_host)
    (event,) = inbox_host.events("bob")

    answers = [inbox_host.get(f"/webhooks/events/{number}") for number in (event["id"], 999_999)]
    replays = [inbox_host.post(f"/webhooks/events/{number}/replay", {}) for number in (event["id"], 999_999)]

    assert [answer.status_code for answer in (*answers, *replays)] == [404] * 4
    assert {answer.get_json()["code"] for answer in (*answers, *replays)} == {"not_found"}
    assert inbox_host.get(f"/webhooks/events?shop_domain={inbox_host.shops['bob'].shop_domain}").status_code == 404
    assert inbox_host.post("/webhooks/replay", {"shop_domain": inbox_host.shops["bob"].shop_domain}).status_code == 404
    assert inbox_host.post("/webhooks/replay", {"ids": [event["id"]]}).get_json()["matched"] == 0


def test_event_that_fails_says_how_often_and_why(inbox_host: Host) -> None:
    def fail(_event: WebhookEvent) -> None:
        raise RuntimeError("ada@example.com")

    inbox_host.integration.webhooks.on("orders/create")(fail)
    inbox_host.deliver("orders/create", {"id": 1})
    inbox_host.work()

    (listed,) = inbox_host.events()
    shown = inbox_host.get(f"/webhooks/events/{listed['id']}").get_json()["event"]

    assert (listed["status"], listed["attempts"], listed["last_error"]) == ("pending", 1, "RuntimeError")
    assert (shown["status"], shown["attempts"], shown["last_error"]) == ("pending", 1, "RuntimeError")


# Replay


def test_replayed_event_is_handled_again(inbox_host: Host) -> None:
    seen = events_of(inbox_host, "orders/*")
    inbox_host.deliver("orders/create", {"id": 1})
    inbox_host.work()
    (event,) = inbox_host.events()

    first = inbox_host.post(f"/webhooks/events/{event['id']}/replay", {})
    second = inbox_host.post(f"/webhooks/events/{event['id']}/replay", {})
    inbox_host.work()

    assert (first.status_code, first.get_json()["replayed"]) == (202, 1)
    assert (second.status_code, second.get_json()["replayed"]) == (202, 0), "it waits already"
    assert [(one.payload["id"], one.is_replay) for one in seen] == [(1, False), (1, True)]
    assert [one["status"] for one in inbox_host.events()] == ["processed"]


def test_dead_events_are_replayed_by_filter_and_counted_first(inbox_host: Host) -> None:
    deliver_some(inbox_host)
    wanted = {"status": "dead", "since": "2020-01-01"}

    counted = inbox_host.post("/webhooks/replay", wanted | {"dry_run": True})
    waiting = inbox_host.integration.make_worker().run_until_idle()
    done = inbox_host.post("/webhooks/replay", wanted)

    assert (counted.status_code, counted.get_json()) == (
        200,
        {"ok": True, "matched": 1, "replayed": 1, "dry_run": True, "next_after": None},
    )
    assert waiting == 0
    assert (done.status_code, done.get_json()["replayed"]) == (202, 1)
    assert inbox_host.work() == 1


def test_large_replay_goes_on_where_a_portion_ended(inbox_host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "REPLAY_ROWS", 2)
    seen = events_of(inbox_host, "orders/*")
    for number in range(5):
        inbox_host.deliver("orders/create", {"id": number})
    inbox_host.work()
    seen.clear()
    portions, after = [], 0
    while after is not None:
        answer = inbox_host.post("/webhooks/replay", {"topic": "orders/create", "after": after}).get_json()
        portions.append(answer["matched"])
        after = answer["next_after"]

    inbox_host.work()

    assert portions == [2, 2, 1]
    assert [event.payload["id"] for event in seen] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("body", [{}, {"dry_run": True}, {"user_id": "u-alice", "after": 3}])
def test_replay_of_everything_has_to_be_asked_for(inbox_host: Host, body: dict[str, Any]) -> None:
    answer = inbox_host.post("/webhooks/replay", body)

    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation_error")
    assert "say which" in answer.get_json()["error"]


# A gateway of the host's own


def gateway_headers(shop: FakeShop) -> dict[str, str]:
    return {"X-Shopify-Topic": "orders/create", "X-Shopify-Shop-Domain": shop.shop_domain, "X-Shopify-Webhook-Id": "g-1"}


def test_gateway_passes_on_what_it_has_verified(inbox_host: Host) -> None:
    seen = events_of(inbox_host, "orders/*")
    alice = inbox_host.shops["alice"]

    first = inbox_host.post("/webhooks/process", {"id": 1}, headers=gateway_headers(alice))
    second = inbox_host.post("/webhooks/process", {"id": 1}, "service", headers=gateway_headers(alice))
    inbox_host.work()

    assert (first.get_json()["status"], second.get_json()["status"]) == ("success", "duplicate")
    assert [(event.topic, event.shop_domain) for event in seen] == [("orders/create", alice.shop_domain)]


def test_user_may_pass_on_deliveries_of_their_own_shops_only(inbox_host: Host) -> None:
    theirs = gateway_headers(inbox_host.shops["alice"])

    answers = {
        "another's": inbox_host.post("/webhooks/process", {"id": 1}, "mallory", headers=theirs),
        "nobody's": inbox_host.post("/webhooks/process", {"id": 1}, "mallory", headers=gateway_headers(inbox_host.shops["nobody"])),
        "none": inbox_host.post(
            "/webhooks/process", {"id": 1}, "mallory", headers=theirs | {"X-Shopify-Shop-Domain": "evil.example"}
        ),
    }

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 404)
    assert inbox_host.events("alice") == []


def test_service_that_names_a_user_is_held_to_that_users_shops(inbox_host: Host) -> None:
    theirs = gateway_headers(inbox_host.shops["alice"])

    assert inbox_host.post("/webhooks/process?user_id=u-mallory", {"id": 1}, "service", headers=theirs).status_code == 404
    assert inbox_host.post("/webhooks/process?user_id=u-alice", {"id": 1}, "service", headers=theirs).status_code == 200


@pytest.mark.parametrize("missing", ["X-Shopify-Topic", "X-Shopify-Shop-Domain"])
def test_gateway_must_pass_shopifys_headers_on(inbox_host: Host, missing: str) -> None:
    headers = gateway_headers(inbox_host.shops["alice"])
    del headers[missing]

    answer = inbox_host.post("/webhooks/process", {"id": 1}, headers=headers)

    assert (answer.status_code, answer.get_json()["details"][0]["field"]) == (400, missing)


def test_gateway_may_pass_on_bodies_that_are_garbage(inbox_host: Host) -> None:
    headers = gateway_headers(inbox_host.shops["alice"]) | {"Content-Type": "application/json"}

    answer = inbox_host.call("POST", "/webhooks/process", data=b"\xff", headers=headers)
    inbox_host.work()

    assert answer.status_code == 200
    assert [(event["status"], event["reason"]) for event in inbox_host.events()] == [("dead", "invalid_encoding")]
    body, _ = signed("orders/create", {"id": 1}, "acme.myshopify.com")
    as_form = headers | {"Content-Type": "application/x-www-form-urlencoded"}
    assert inbox_host.call("POST", "/webhooks/process", data=body, headers=as_form).status_code == 415
