"""Subscriptions against the fake store: what is wanted becomes what is there, and the watchdog notices what gets lost."""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shopify_admin.webhooks import Subscription, Wanted, plan
from shopify_inbox.subscriptions import Addresses, read_topics
from shopify_kit.client import AdminClient, ShopAccess
from shopify_kit.clock import iso
from shopify_kit.database import Database
from shopify_kit.documents import Documents
from shopify_kit.errors import InvalidInput, NotConfigured, TokenRejected, UpstreamFailed
from shopify_kit.secret import Secret
from shopify_kit.settings import load_settings
from shopify_kit.throttle import Throttle
from shopify_kit.topics import COMPLIANCE_TOPICS, DEFAULT_TOPICS
from shopify_kit.transport import AddressBook, Request, RequestsTransport, Response
from shopify_service import ShopAdmin, ShopifyService
from tests.fake_store import FakeStore, run_fake_store
from tests.inbox import ALICE, InboxBench, inbox_bench
from tests.web_host import WEBHOOK_URL, control

FOREIGN = "https://elsewhere.example.com/hooks"
OLD = "https://app.example.com/before"
PUBSUB = "pubsub://my-project:shop-events"
EVENTBRIDGE = "arn:aws:events:eu-west-1::event-source/aws.partner/shopify.com/12345/source"


@pytest.fixture(scope="module")
def process() -> Iterator[FakeStore]:
    with run_fake_store("--empty") as store:
        yield store


@pytest.fixture
def store(process: FakeStore) -> FakeStore:
    process.reset()
    return process


@pytest.fixture
def admin(store: FakeStore) -> Iterator[ShopAdmin]:
    """Whoever speaks to the shop directly."""
    addresses = AddressBook(store.base_url)
    throttle = Throttle(Database("postgresql://nobody@127.0.0.1:1/nothing"))
    client = AdminClient(RequestsTransport(addresses), addresses, throttle, api_version="2026-10")
    access = ShopAccess(1, store.shop.shop_domain, Secret(store.shop.access_token), "")
    yield ShopifyService(client, Documents()).admin(access, "CAD")
    client.close()


@pytest.fixture
def bench(database_url: str, admin: ShopAdmin) -> Iterator[InboxBench]:
    """An inbox whose shops are all the one of the fake."""
    with inbox_bench(
        database_url, SHOPIFY_WEBHOOK_DESTINATIONS=f"{PUBSUB},{EVENTBRIDGE}", admin_of=lambda *_: lambda: admin
    ) as made:
        yield made


def set_up(bench: InboxBench, *topics: str, address: str | None = None, options: dict[str, Any] | None = None) -> Any:
    return bench.webhooks.set_up("u-alice", bench.shops[ALICE], address=address, topics=topics or None, options=options)


def there(admin: ShopAdmin) -> dict[str, list[str]]:
    """Address → topics, as Shopify has them."""
    found: dict[str, list[str]] = {}
    for subscription in admin.subscriptions():
        found.setdefault(subscription.address, []).append(subscription.topic)
    return {address: sorted(topics) for address, topics in found.items()}


# What is wanted becomes what is there


def test_the_default_topics_are_subscribed_at_the_configured_address(bench: InboxBench, admin: ShopAdmin) -> None:
    result = set_up(bench)

    assert there(admin) == {WEBHOOK_URL: sorted(DEFAULT_TOPICS)}
    assert (result.created, result.updated, result.unchanged, result.removed, result.failed) == (len(DEFAULT_TOPICS), 0, 0, 0, ())
    assert result.total_registered == len(DEFAULT_TOPICS)
    assert [row["topic"] for row in result.webhooks] == sorted(DEFAULT_TOPICS)


def test_repeating_changes_nothing(bench: InboxBench, admin: ShopAdmin) -> None:
    first = set_up(bench, "orders/create", "products/update")

    second = set_up(bench, "orders/create", "products/update")

    assert (second.created, second.updated, second.unchanged, second.removed) == (0, 0, 2, 0)
    assert second.webhooks == first.webhooks
    assert len(admin.subscriptions()) == 2


def test_what_is_not_wanted_any_more_goes_and_what_is_foreign_stays(bench: InboxBench, admin: ShopAdmin) -> None:
    admin.create_subscription(Wanted("orders/create", FOREIGN))
    set_up(bench, "orders/create", "products/update")

    result = set_up(bench, "products/update", "orders/paid")

    assert there(admin) == {FOREIGN: ["orders/create"], WEBHOOK_URL: ["orders/paid", "products/update"]}
    assert (result.created, result.unchanged, result.removed) == (1, 1, 1)


def test_what_shopify_is_to_send_is_changed_in_place(bench: InboxBench, admin: ShopAdmin) -> None:
    set_up(bench, "products/update")
    [before] = admin.subscriptions()
    wanted = {"filter": "vendor:Northwind", "include_fields": ["id", "title"], "metafield_namespaces": ["custom"]}

    result = set_up(bench, "products/update", options={"products/update": wanted})

    [after] = admin.subscriptions()
    assert (result.created, result.updated) == (0, 1)
    assert after.id == before.id
    assert (after.filter, after.include_fields, after.metafield_namespaces) == ("vendor:Northwind", ("id", "title"), ("custom",))
    assert set_up(bench, "products/update").updated == 1
    assert admin.subscriptions() == [before]


def test_a_move_to_another_address_leaves_nothing_at_the_old_one(bench: InboxBench, admin: ShopAdmin) -> None:
    """Every event would come twice."""
    set_up(bench, "orders/create", address=OLD)

    result = set_up(bench, "orders/create")

    assert there(admin) == {WEBHOOK_URL: ["orders/create"]}
    assert (result.created, result.removed) == (1, 1)


def test_a_destination_that_is_listed_is_subscribed(bench: InboxBench, admin: ShopAdmin) -> None:
    set_up(bench, "orders/create", address=PUBSUB)

    assert there(admin) == {PUBSUB: ["orders/create"]}


def test_a_change_that_shopify_refuses_stops_no_other(bench: InboxBench, admin: ShopAdmin) -> None:
    set_up(bench, "shop/update", "orders/create")

    result = set_up(bench, "orders/paid", "products/update", options={"products/update": {"filter": "no:such:(syntax"}})

    assert [failed.topic for failed in result.failed] == ["products/update"]
    assert (result.created, result.removed, result.new_topics) == (1, 2, ("orders/paid",))
    assert there(admin) == {WEBHOOK_URL: ["orders/paid"]}


def test_a_removal_that_fails_stops_nothing(bench: InboxBench, admin: ShopAdmin, store: FakeStore) -> None:
    set_up(bench, "orders/create")
    control(store, "faults", {"kind": "5xx", "status": 500, "operation": "DeleteWebhookSubscription", "times": 20})

    result = set_up(bench, "orders/paid")

    assert (result.created, result.removed) == (1, 0)
    assert [failed.topic for failed in result.failed] == ["orders/create"]
    assert "orders/paid" in there(admin)[WEBHOOK_URL]


def test_changes_are_made_side_by_side(bench: InboxBench, store: FakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty-four topics one after the other would take twenty-four times as long as one."""
    control(store, "faults", {"kind": "delay", "delay_s": 0.05, "operation": "CreateWebhookSubscription", "times": 100})
    lock, running, most, send = threading.Lock(), 0, 0, RequestsTransport.send

    def counted(self: RequestsTransport, request: Request) -> Response:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            return send(self, request)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(RequestsTransport, "send", counted)

    set_up(bench)

    assert 2 <= most <= 4


# Comparing


def subscription(number: int, topic: str, address: str = WEBHOOK_URL, **facts: Any) -> Subscription:
    whole: dict[str, Any] = {"filter": None, "include_fields": (), "metafield_namespaces": ()} | facts
    return Subscription(number, f"gid://shopify/WebhookSubscription/{number}", topic, address, **whole)


def test_the_second_subscription_of_a_topic_at_our_address_is_surplus() -> None:
    one, other = subscription(1, "orders/create"), subscription(2, "orders/create", filter="id:1")

    found = plan([Wanted("orders/create", WEBHOOK_URL)], [one, other], ours=[WEBHOOK_URL])

    assert (found.unchanged, found.surplus, found.create) == ((one,), (other,), ())


def test_fields_in_another_order_are_the_same_fields() -> None:
    have = subscription(1, "orders/create", include_fields=("b", "a"))

    found = plan([Wanted("orders/create", WEBHOOK_URL, include_fields=("a", "b"))], [have], ours=[WEBHOOK_URL])

    assert found.unchanged == (have,)


# Topics and addresses


@pytest.mark.parametrize(
    ("given", "read"),
    [
        pytest.param(None, list(DEFAULT_TOPICS), id="none_given"),
        pytest.param(
            ["orders_create", "ORDERS_PAID", "orders/create"], ["orders/create", "orders/paid"], id="written_in_many_ways"
        ),
        pytest.param([], [], id="empty"),
    ],
)
def test_topics_are_read(given: list[str] | None, read: list[str]) -> None:
    assert read_topics(given) == read


@pytest.mark.parametrize("topic", ["quantum/flux", "", *COMPLIANCE_TOPICS])
def test_topics_that_cannot_be_subscribed_are_refused(topic: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_topics(["orders/create", topic])

    assert "topics" in str(caught.value.details)


@pytest.fixture
def addresses() -> Addresses:
    config = {"SHOPIFY_WEBHOOK_URL": WEBHOOK_URL, "SHOPIFY_WEBHOOK_DESTINATIONS": f"{PUBSUB},{EVENTBRIDGE}"}
    return Addresses(load_settings(config, {}, development=True))


@pytest.mark.parametrize(
    "address",
    [WEBHOOK_URL, "https://app.example.com/other?x=1", "https://APP.example.com:443/x", PUBSUB, EVENTBRIDGE],
    ids=["configured", "other_path", "same_origin", "pubsub", "eventbridge"],
)
def test_an_address_on_the_own_origin_or_listed_is_taken(addresses: Addresses, address: str) -> None:
    assert addresses.check(address) == address


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("https://evil.example.com/", id="other_host"),
        pytest.param("http://app.example.com/", id="http"),
        pytest.param("https://app.example.com:8443/", id="other_port"),
        pytest.param("https://app.example.com@evil.com/", id="userinfo"),
        pytest.param("https://evil.com\\@app.example.com/", id="backslash"),
        pytest.param("https://app.example.com.evil.com/", id="longer_host"),
        pytest.param("https://app.example.com/\r\nHost: evil", id="newline"),
        pytest.param("https://ⓐpp.example.com/", id="lookalike"),
        pytest.param("https://app.example.com/#x", id="fragment"),
        pytest.param("//app.example.com/", id="without_scheme"),
        pytest.param("file:" + "///etc/passwd", id="file"),
        pytest.param("https://app.example.com/" + "x" * 3_000, id="very_long"),
        pytest.param("pubsub://other-project:shop-events", id="pubsub_not_listed"),
        pytest.param(EVENTBRIDGE + "x", id="eventbridge_not_listed"),
        pytest.param("", id="empty"),
    ],
)
def test_any_other_address_is_refused(addresses: Addresses, address: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        addresses.check(address)

    assert caught.value.code == "invalid_webhook_url"


def test_without_a_configured_address_the_setting_is_named() -> None:
    addresses = Addresses(load_settings({}, {}, development=True))

    with pytest.raises(NotConfigured, match="SHOPIFY_WEBHOOK_URL"):
        addresses.check(None)


# The watchdog


@pytest.fixture
def gaps(bench: InboxBench) -> list[tuple[Any, ...]]:
    """What is to be fetched because subscriptions were lost."""
    found: list[tuple[Any, ...]] = []
    bench.webhooks.backfill = lambda *facts: found.append(facts)
    return found


def watch(bench: InboxBench) -> int:
    """Do what the schedule gives out; returns how many jobs that took."""
    _, effect = bench.webhooks.schedules()["webhooks.watch"]
    bench.worker().lanes.take_slot("webhooks.watch", bench.clock.now(), effect)
    bench.clock.advance(600)
    return bench.work()


def lose(admin: ShopAdmin, *topics: str) -> None:
    """Do as Shopify does after eight failed deliveries."""
    for found in admin.subscriptions():
        if found.topic in topics:
            admin.delete_subscription(found.admin_graphql_api_id)


def test_a_lost_subscription_is_restored_and_the_gap_is_filled(bench: InboxBench, admin: ShopAdmin, gaps: list[Any]) -> None:
    set_up(bench, "orders/create", "products/update", "orders/paid")
    since = bench.clock.now()
    watch(bench)
    checked = bench.clock.now()
    lose(admin, "orders/create", "orders/paid")

    watch(bench)

    assert there(admin) == {WEBHOOK_URL: ["orders/create", "orders/paid", "products/update"]}
    [(shop_id, user_id, topics, gap_since)] = gaps
    assert (shop_id, user_id, sorted(topics)) == (bench.shops[ALICE], "u-alice", ["orders/create", "orders/paid"])
    assert since < gap_since == checked
    [entry] = bench.audit(bench.shops[ALICE])
    assert (entry["action"], sorted(entry["facts"]["topics"])) == ("webhooks.restored", ["orders/create", "orders/paid"])


def test_what_stands_is_left_alone(bench: InboxBench, gaps: list[Any]) -> None:
    set_up(bench, "orders/create")

    assert watch(bench) == 1

    assert gaps == []
    assert bench.audit(bench.shops[ALICE]) == []


def test_a_gap_is_filled_though_the_watchdog_died_after_it_had_restored(
    bench: InboxBench, admin: ShopAdmin, gaps: list[Any]
) -> None:
    """Nothing is missing any more when the next attempt looks."""
    set_up(bench, "orders/create", "orders/paid")
    lose(admin, "orders/create")
    _, effect = bench.webhooks.schedules()["webhooks.watch"]
    bench.worker().lanes.take_slot("webhooks.watch", bench.clock.now(), effect)
    [job] = bench.worker().lanes.claim(1)
    bench.webhooks.watch(job)
    bench.sql("update shopify.leases set until = now() - interval '1 second'")

    bench.work()

    assert [sorted(topics) for _, _, topics, _ in gaps] == [["orders/create", "orders/paid"]]


def test_a_gap_that_cannot_be_filled_now_is_filled_later(bench: InboxBench, admin: ShopAdmin) -> None:
    calls: list[int] = []

    def fill(*_: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise UpstreamFailed("later")

    bench.webhooks.backfill = fill
    set_up(bench, "orders/create")
    lose(admin, "orders/create")

    watch(bench)
    bench.let_sleepers_wake()
    bench.work()

    assert len(calls) == 2


@pytest.mark.parametrize(
    ("error", "waits"),
    [pytest.param(TokenRejected("not accepted"), False, id="gone"), pytest.param(UpstreamFailed("down"), True, id="away")],
)
def test_a_shop_that_cannot_be_asked_fills_no_cemetery(
    bench: InboxBench, monkeypatch: pytest.MonkeyPatch, error: Exception, waits: bool
) -> None:
    set_up(bench, "orders/create")

    def refuse(*_: Any) -> Callable[[], ShopAdmin]:
        raise error

    monkeypatch.setattr(bench.webhooks, "_admin_of", refuse)

    for _ in range(3):
        watch(bench)

    assert bench.sql("select from shopify.dead_jobs") == []
    assert len(bench.sql("select from shopify.jobs")) == waits


def test_each_connected_shop_is_watched_and_none_twice(bench: InboxBench) -> None:
    set_up(bench, "orders/create")
    bench.sql(
        "insert into shopify.webhook_setups (shop_id, user_id, address, topics) select shop_id, 'u', 'a', '{}' from shopify.shops "
        "on conflict do nothing"
    )
    bench.sql("update shopify.shops set uninstalled_at = now() where shop_domain <> $1", ALICE)
    _, effect = bench.webhooks.schedules()["webhooks.watch"]

    for number in range(3):
        bench.clock.advance(number)
        bench.worker().lanes.take_slot("webhooks.watch", bench.clock.now(), effect)

    assert [row["shop_id"] for row in bench.sql("select shop_id from shopify.jobs")] == [bench.shops[ALICE]]


def test_a_set_up_with_failures_is_not_taken_for_complete(bench: InboxBench, gaps: list[Any]) -> None:
    """The watchdog tries again what failed, and what came meanwhile counts as missed."""
    set_up(bench, "orders/create", "products/update", options={"products/update": {"filter": "no:such:(syntax"}})

    [row] = bench.sql("select checked_at from shopify.webhook_setups")

    assert row["checked_at"] is None
    assert gaps == []


# What is shown


def test_topics_say_what_is_subscribed_and_handled(bench: InboxBench) -> None:
    bench.seen("orders/*")
    set_up(bench, "products/update")

    rows = {row["topic"]: row for row in bench.webhooks.topics(bench.shops[ALICE])}

    assert {topic for topic, row in rows.items() if row["subscribed"]} == {"products/update", *COMPLIANCE_TOPICS}
    assert {topic for topic, row in rows.items() if row["default"]} == set(DEFAULT_TOPICS)
    assert rows["orders/paid"]["handled"]
    assert not rows["products/update"]["handled"]
    assert all(rows[topic]["handled"] and rows[topic]["compliance"] for topic in COMPLIANCE_TOPICS)


def test_the_configuration_section_is_toml(bench: InboxBench) -> None:
    section = tomllib.loads(bench.webhooks.toml(topics=["orders_create", "products/update"]))["webhooks"]

    assert section["api_version"] == "2026-10"
    assert section["subscriptions"] == [
        {"topics": ["orders/create", "products/update"], "uri": WEBHOOK_URL},
        {"compliance_topics": list(COMPLIANCE_TOPICS), "uri": WEBHOOK_URL},
    ]


def test_the_setup_is_remembered(bench: InboxBench) -> None:
    set_up(bench, "orders/create", options={"orders/create": {"filter": "id:1"}})

    [row] = bench.sql("select *, options::text as text from shopify.webhook_setups")

    assert (row["user_id"], row["address"], row["topics"]) == ("u-alice", WEBHOOK_URL, ["orders/create"])
    assert row["text"] == '{"orders/create": {"filter": "id:1"}}'
    assert iso(row["checked_at"]) == iso(bench.clock.now())
