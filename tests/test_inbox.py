"""The way in: what is stored of a delivery and how, duplicates, bounds, quarantine, secrets; through the public `Webhooks`."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from shopify_inbox.deliveries import MAX_HEADER, MAX_ID, MAX_WEBHOOK_BYTES, body_place
from shopify_kit.clock import ManualClock
from shopify_kit.database import Database
from shopify_kit.errors import DatabaseUnavailable, InvalidInput, InvalidSignature, NotConfigured
from shopify_kit.jobs import Priority
from shopify_kit.sealing import KeyRing
from shopify_kit.secret import Secret
from shopify_kit.settings import load_settings
from shopify_kit.vault import Token, Vault
from shopify_webhooks import Filter, Webhooks
from tests.inbox import ALICE, BOB, KEY, NOBODY, InboxBench, inbox_bench, nobody
from tests.processes import wait_until
from tests.web_host import WEBHOOK_SECRET, signed

PREVIOUS = "secret-before-this-one-0123456789"
SHOP_SECRET = "secret-of-alices-own-app-0123456789"


@pytest.fixture
def bench(database_url: str) -> Iterator[InboxBench]:
    with inbox_bench(database_url) as made:
        yield made


def opened(row: Any) -> bytes:
    return KeyRing([KEY]).open(row["body_sealed"], body_place(row["app"], row["webhook_id"], row["shop_domain"]))


# What is stored


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"id":1,"title":"a\\u0000b"}', id="escaped_nul"),
        pytest.param(b'{"id":1,"title":"\\ud800"}', id="lone_surrogate"),
        pytest.param('{"id":1,"title":"Ünïcödé 👕"}'.encode(), id="beyond_ascii"),
        pytest.param(b"", id="empty"),
        pytest.param(b'{"a":"\xff\xfe"}', id="no_utf8"),
        pytest.param(b"\x00\x01\x02", id="bytes"),
    ],
)
def test_a_body_is_kept_byte_for_byte(bench: InboxBench, body: bytes) -> None:
    bench.deliver("orders/create", body)

    [row] = bench.rows()
    assert opened(row) == body


def test_the_largest_body_is_kept(bench: InboxBench) -> None:
    body = b'{"id":1,"note":"' + b"x" * (MAX_WEBHOOK_BYTES - 18) + b'"}'

    bench.deliver("orders/create", body)

    assert len(body) == MAX_WEBHOOK_BYTES
    assert opened(bench.rows()[0]) == body


def test_nothing_of_a_body_is_stored_unsealed(bench: InboxBench) -> None:
    bench.deliver("orders/create", {"id": 1, "email": "jane@example.com", "note": "very-personal"})
    bench.work()

    for table in ("inbox", "inbox_outcomes", "jobs", "resource_versions"):
        text = str([dict(row.items()) for row in bench.sql(f"select * from shopify.{table}")])  # noqa: S608
        assert "jane" not in text
        assert "very-personal" not in text


def test_the_headers_that_matter_are_kept(bench: InboxBench) -> None:
    facts = {"webhook_id": "w-1", "event_id": "e-1", "api_version": "2026-10", "name": "my-webhook"}
    bench.deliver("orders/create", {"id": 1}, path="orders_create", triggered_at="2026-11-20T10:00:00.123456789Z", **facts)

    [row] = bench.rows()

    assert (row["topic"], row["path_topic"], row["shop_domain"]) == ("orders/create", "orders_create", ALICE)
    assert (row["webhook_id"], row["event_id"], row["api_version"]) == ("w-1", "e-1", "2026-10")
    assert (row["subscription_name"], row["triggered_at"]) == ("my-webhook", "2026-11-20T10:00:00.123456789Z")
    assert row["shop_id"] == bench.shops[ALICE]


def test_the_newer_header_family_says_the_same(bench: InboxBench) -> None:
    payload = {"topic": "Product", "action": "update", "query_variables": {"productId": "gid://shopify/Product/7"}}
    body, made = signed("Product", payload, ALICE, webhook_id="w-1", handle="price-watch", action="update", event_id="")
    bench.webhooks.accept(body, Headers({name.removeprefix("X-").lower(): value for name, value in made.items()}))

    [row] = bench.rows()

    assert (row["topic"], row["webhook_id"], row["shop_domain"]) == ("Product/update", "w-1", ALICE)
    assert (row["subscription_name"], row["lane"]) == ("price-watch", "Product:7")


def test_a_new_delivery_wakes_a_worker_and_a_known_one_does_not(bench: InboxBench) -> None:
    assert bench.deliver("orders/create", {"id": 1}, webhook_id="w-1")
    assert not bench.deliver("orders/create", {"id": 1}, webhook_id="w-1")

    assert len(bench.wakes) == 1


# Durability


LOOK = """
    create table public.seen (setting text);
    create function public.look() returns trigger language plpgsql as $$
    begin insert into public.seen values (current_setting('synchronous_commit')); return new; end $$;
    create constraint trigger look after insert on shopify.inbox deferrable initially deferred
        for each row execute function public.look();
"""


def test_what_is_acknowledged_is_on_disk_whatever_the_host_has_set(bench: InboxBench, database_url: str) -> None:
    """A host that trades safety for speed does so for its own tables. The trigger looks while the transaction commits."""
    bench.script(LOOK)
    bench.sql(f"alter database {database_url.rpartition('/')[2]} set synchronous_commit = 'off'")

    with inbox_bench(database_url) as hasty:
        hasty.deliver("orders/create", {"id": 1})
        assert hasty.sql("show synchronous_commit")[0][0] == "off"

    assert [row["setting"] for row in bench.sql("select * from public.seen")] == ["on"]


def test_a_delivery_and_its_job_are_stored_together_or_not_at_all(bench: InboxBench) -> None:
    bench.sql("alter table shopify.jobs add constraint nothing check (kind <> 'delivery')")

    with pytest.raises(Exception, match="nothing"):
        bench.deliver("orders/create", {"id": 1})

    assert bench.rows() == []


def test_a_database_that_is_away_acknowledges_nothing(bench: InboxBench) -> None:
    with inbox_bench_without_database() as webhooks:
        body, headers = signed("orders/create", {"id": 1}, ALICE)
        with pytest.raises(DatabaseUnavailable) as caught:
            webhooks.accept(body, headers)

    assert caught.value.retry_after_s
    assert bench.rows() == []


@contextmanager
def inbox_bench_without_database() -> Iterator[Webhooks]:
    """An inbox whose database refuses connections."""
    database, keys = Database("postgresql://nobody@127.0.0.1:1/nothing"), KeyRing([KEY])
    settings = load_settings({"SHOPIFY_WEBHOOK_SECRET": WEBHOOK_SECRET}, {}, development=True)
    yield Webhooks(database, Vault(database, keys), keys, settings, ManualClock(), admin_of=nobody)
    database.close()


# Duplicates


def test_a_delivery_is_known_by_app_shop_and_id(bench: InboxBench) -> None:
    assert bench.deliver("orders/create", {"id": 1}, webhook_id="w-1")
    assert not bench.deliver("orders/create", {"id": 1}, webhook_id="w-1")
    assert bench.deliver("orders/create", {"id": 1}, webhook_id="w-2")
    assert bench.deliver("orders/create", {"id": 2}, BOB, webhook_id="w-1")

    assert len(bench.rows()) == 3


def test_a_delivery_without_id_is_known_by_what_it_is(bench: InboxBench) -> None:
    """Never dropped, and still the same when it comes again."""
    assert bench.deliver("orders/create", {"id": 1}, webhook_id="")
    assert not bench.deliver("orders/create", {"id": 1}, webhook_id="")
    assert bench.deliver("orders/create", {"id": 2}, webhook_id="")
    assert bench.deliver("orders/updated", {"id": 1}, webhook_id="")
    assert bench.deliver("orders/create", {"id": 1}, BOB, webhook_id="")


def test_the_same_delivery_many_times_at_once_is_new_once(bench: InboxBench, database_url: str) -> None:
    """Eight threads each in two processes' inboxes: some meet in one group, some in two."""
    with inbox_bench(database_url) as other, ThreadPoolExecutor(16) as pool:
        futures = [
            pool.submit(each.deliver, "orders/create", {"id": 1}, webhook_id=f"w-{number % 4}")
            for number in range(40)
            for each in (bench, other)
        ]
        new = [future.result() for future in futures]

    assert sum(new) == 4
    assert len(bench.rows()) == 4
    assert len(bench.sql("select from shopify.jobs")) == 4


def test_the_same_body_under_another_id_has_its_effect_once(bench: InboxBench) -> None:
    """Two subscriptions tell of one event, or somebody sends again what was seen: both are kept, one is handled."""
    seen = bench.seen("orders/create")
    for _ in range(3):
        assert bench.deliver("orders/create", {"id": 1}, event_id="e-1")

    bench.work()

    assert len(seen) == 1
    assert bench.outcomes() == [("processed", None), ("duplicate", "same_body"), ("duplicate", "same_body")]


def test_bodies_that_come_at_the_same_moment_have_their_effect_once(bench: InboxBench) -> None:
    """They meet in one group, where neither can see the other stored."""
    seen = bench.seen("orders/create")
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: bench.deliver("orders/create", {"id": 1}), range(24)))

    bench.work()

    assert len(seen) == 1
    assert sorted(status or "" for status, _ in bench.outcomes()) == ["duplicate"] * 23 + ["processed"]


def test_the_same_body_of_another_topic_is_another_event(bench: InboxBench) -> None:
    seen = bench.seen("orders/*")
    bench.deliver("orders/paid", {"id": 1})
    bench.deliver("orders/fulfilled", {"id": 1})

    bench.work()

    assert len(seen) == 2


def test_the_same_body_after_two_days_is_another_event(bench: InboxBench) -> None:
    seen = bench.seen("orders/paid")
    bench.deliver("orders/paid", {"id": 1})
    bench.work()
    bench.age(hours=49)

    bench.deliver("orders/paid", {"id": 1})
    bench.work()

    assert len(seen) == 2


def test_the_same_body_within_two_days_is_not(bench: InboxBench) -> None:
    seen = bench.seen("orders/paid")
    bench.deliver("orders/paid", {"id": 1})
    bench.work()
    bench.age(hours=47)

    bench.deliver("orders/paid", {"id": 1})
    bench.work()

    assert len(seen) == 1


def test_a_body_whose_first_delivery_was_given_up_gets_another_chance(bench: InboxBench) -> None:
    def fail_once(_: Any) -> None:
        if not bench.webhooks.history.list([bench.shops[ALICE]], Filter(status="dead"), after=None, limit=1):
            raise InvalidInput("never")

    bench.webhooks.on("orders/create")(fail_once)
    bench.deliver("orders/create", {"id": 1})
    bench.work()

    bench.deliver("orders/create", {"id": 1})
    bench.work()

    assert [status for status, _ in bench.outcomes()] == ["dead", "processed"]


def test_an_uninstall_that_looks_like_the_one_before_is_looked_into(bench: InboxBench) -> None:
    """Uninstalled, installed and uninstalled again: the shop may be described with the same words."""
    seen = bench.seen("app/uninstalled")
    for _ in range(2):
        bench.deliver("app/uninstalled", {"id": 1, "myshopify_domain": ALICE})
        bench.work()

    assert len(seen) == 2


# Bounds


def test_overlong_headers_cost_their_own_delivery_nothing_and_others_neither(bench: InboxBench) -> None:
    """Headers are not signed: whoever has one signed body may send it with any of them."""
    names = ("webhook_id", "event_id", "api_version", "name", "triggered_at")
    seen = bench.seen("orders/create")
    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(bench.deliver, "orders/create", {"id": number}) for number in range(40)]
        futures += [
            pool.submit(bench.deliver, "orders/create", {"id": 1000 + number}, **{name: "é\0" + "x" * 20_000})
            for number, name in enumerate(names * 3)
        ]
        futures.append(pool.submit(bench.deliver, "é\0" + "x" * 20_000, {"id": 2000}, path="é\0" + "x" * 20_000))
        assert all(future.result() for future in futures)

    bench.work()

    assert len(bench.rows()) == 41 + 3 * len(names)
    assert {event.payload["id"] for event in seen} >= set(range(40))
    longest = max(len(str(value)) for row in bench.rows() for name, value in row.items() if name in STORED_TEXTS and value)
    assert longest <= MAX_HEADER + 1


STORED_TEXTS = {"webhook_id", "event_id", "api_version", "subscription_name", "triggered_at", "topic", "path_topic"}


def test_an_overlong_id_does_not_hide_another(bench: InboxBench) -> None:
    long = "w" * (MAX_ID + 1)

    assert bench.deliver("orders/create", {"id": 1}, webhook_id=long + "-1")
    assert bench.deliver("orders/create", {"id": 2}, webhook_id=long + "-2")


@pytest.mark.parametrize(
    ("topic", "path", "headers"),
    [
        pytest.param("orders/create", None, {"webhook_id": "\0"}, id="nul"),
        pytest.param("orders/create", None, {"event_id": "\ud800"}, id="surrogate"),
        pytest.param("é\x7f\x00", None, {}, id="topic"),
        pytest.param("orders/create", None, {"name": "a\r\nb"}, id="newline"),
        pytest.param("orders/create", "orders\0create", {}, id="path"),
    ],
)
def test_headers_that_no_database_takes_are_taken(bench: InboxBench, topic: str, path: str | None, headers: dict[str, str]) -> None:
    assert bench.deliver(topic, {"id": 1}, path=path, **headers)

    bench.work()
    [(status, _)] = bench.outcomes()
    assert status is not None


# Order and priority


@pytest.mark.parametrize(
    ("topic", "body", "lane"),
    [
        pytest.param("orders/create", b'{"id":820982911946154508,"x":1}', "orders:820982911946154508", id="number"),
        pytest.param("orders/updated", b' {\n "id" : 7}', "orders:7", id="blanks"),
        pytest.param("discounts/create", b'{"admin_graphql_api_id":"gid://shopify/DiscountCodeNode/5"}', "discounts:5", id="gid"),
        pytest.param(
            "carts/update", b'{"id":"68778783ad298f1c80c3bafcddeea02f"}', "carts:68778783ad298f1c80c3bafcddeea02f", id="text"
        ),
        pytest.param("inventory_levels/update", b'{"inventory_item_id":3,"location_id":4}', "inventory_levels:3", id="stock"),
        pytest.param("orders/create", b'{"x":1,"id":7}', "orders/create:", id="id_elsewhere"),
        pytest.param("orders/create", b"[1]", "orders/create:", id="no_object"),
    ],
)
def test_deliveries_of_a_resource_share_a_lane(bench: InboxBench, topic: str, body: bytes, lane: str) -> None:
    bench.deliver(topic, body)

    assert [row["lane"] for row in bench.rows()] == [lane]
    assert [row["lane"] for row in bench.sql("select lane from shopify.jobs")] == [lane]


def test_deliveries_of_a_resource_are_handled_in_the_order_in_which_they_came(bench: InboxBench) -> None:
    seen = bench.seen("*")
    deliveries = [(topic, number) for number in range(4) for topic in ("orders/create", "orders/updated", "orders/paid")]
    random.Random(3).shuffle(deliveries)
    for topic, number in deliveries:
        bench.deliver(topic, {"id": number, "at": str(uuid.uuid4())})

    bench.work()

    for number in range(4):
        expected = [topic for topic, other in deliveries if other == number]
        assert [event.topic for event in seen if event.payload["id"] == number] == expected


@pytest.mark.parametrize(
    ("topic", "priority"),
    [
        ("shop/redact", Priority.URGENT),
        ("customers/redact", Priority.URGENT),
        ("app/uninstalled", Priority.URGENT),
        ("orders/create", Priority.ORDERS),
        ("refunds/create", Priority.ORDERS),
        ("products/update", Priority.REST),
        ("quantum/flux", Priority.REST),
    ],
)
def test_compliance_comes_first_then_orders_then_the_rest(bench: InboxBench, topic: str, priority: int) -> None:
    bench.deliver(topic, {"id": 1})

    assert [row["priority"] for row in bench.sql("select priority from shopify.jobs")] == [priority]


# Signatures


@pytest.mark.parametrize("secret", ["wrong", WEBHOOK_SECRET + " ", ""], ids=["wrong", "nearly", "empty"])
def test_what_is_not_signed_by_us_is_not_stored(bench: InboxBench, secret: str) -> None:
    with pytest.raises(InvalidSignature):
        bench.deliver("orders/create", {"id": 1}, secret=secret)

    assert bench.rows() == []


def test_a_secret_is_rotated_without_a_gap(database_url: str) -> None:
    with inbox_bench(database_url, SHOPIFY_WEBHOOK_SECRET=f"{WEBHOOK_SECRET},{PREVIOUS}") as rotating:
        assert rotating.deliver("orders/create", {"id": 1})
        assert rotating.deliver("orders/create", {"id": 2}, secret=PREVIOUS)
    with inbox_bench(database_url) as rotated, pytest.raises(InvalidSignature):
        rotated.deliver("orders/create", {"id": 3}, secret=PREVIOUS)


def test_the_apps_client_secret_signs_as_well(database_url: str) -> None:
    config = {"SHOPIFY_APP_CLIENT_ID": "app", "SHOPIFY_APP_CLIENT_SECRET": PREVIOUS, "SHOPIFY_WEBHOOK_SECRET": None}
    with inbox_bench(database_url, **config) as bench:
        assert bench.deliver("orders/create", {"id": 1}, secret=PREVIOUS)


def test_without_any_secret_the_setting_is_named(database_url: str) -> None:
    with inbox_bench(database_url, SHOPIFY_WEBHOOK_SECRET=None) as bench, pytest.raises(NotConfigured) as caught:
        bench.deliver("orders/create", {"id": 1}, secret="")

    assert caught.value.code == "webhook_secret_not_configured"


def keep_secret(bench: InboxBench, shop: str, secret: str) -> None:
    """Keep the secret of a shop's own app beside its token."""
    shop_id = bench.shops[shop]
    bench.sql("insert into shopify.users (user_id) values ('u') on conflict do nothing")
    vault = Vault(bench.database, KeyRing([KEY]))
    token = Token(shop_id, shop, 1, "static", Secret("shpat_x"), owner="u", client_secret=Secret(secret))
    bench.database.run(vault.store, token)


def test_the_secret_of_a_shops_own_app_signs_for_that_shop_only(bench: InboxBench) -> None:
    keep_secret(bench, ALICE, SHOP_SECRET)

    assert bench.deliver("orders/create", {"id": 1}, ALICE, secret=SHOP_SECRET)
    for shop in (BOB, NOBODY, ""):
        with pytest.raises(InvalidSignature):
            bench.deliver("orders/create", {"id": 1}, shop, secret=SHOP_SECRET)
    assert [row["app"] for row in bench.rows()] == [ALICE]


def test_a_new_secret_is_learnt_without_a_restart(bench: InboxBench) -> None:
    with pytest.raises(InvalidSignature):
        bench.deliver("orders/create", {"id": 1}, secret=SHOP_SECRET)
    keep_secret(bench, ALICE, SHOP_SECRET)
    bench.clock.advance(31)

    def is_learnt() -> bool:
        try:
            return bench.deliver("orders/create", {"id": 1}, secret=SHOP_SECRET)
        except InvalidSignature:
            return False

    wait_until(is_learnt, what="the new secret")


def test_secrets_that_cannot_be_read_yet_are_no_reason_to_refuse(bench: InboxBench) -> None:
    """A custom app's delivery in the first moments of a process whose database is away may well be signed: it is to come again."""
    with inbox_bench_without_database() as webhooks:
        body, headers = signed("orders/create", {"id": 1}, ALICE, secret=SHOP_SECRET)
        with pytest.raises(DatabaseUnavailable):
            webhooks.accept(body, headers)
    assert bench.rows() == []


# Quarantine: kept, acknowledged, without effect


OAUTH_QUERY = b"code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com&timestamp=1337178173"


@pytest.mark.parametrize(
    ("topic", "body", "path", "outcome"),
    [
        pytest.param("app/uninstalled", OAUTH_QUERY, None, ("dead", "invalid_json"), id="query_of_a_grant"),
        pytest.param("orders/create", b"[1,2]", None, ("dead", "invalid_shape"), id="list"),
        pytest.param("orders/create", b"null", None, ("dead", "invalid_shape"), id="null"),
        pytest.param("orders/create", b"12", None, ("dead", "invalid_shape"), id="number"),
        pytest.param("orders/create", b"", None, ("dead", "invalid_json"), id="empty"),
        pytest.param("orders/create", b'{"a":"\xff"}', None, ("dead", "invalid_encoding"), id="no_utf8"),
        pytest.param("orders/create", b'{"a":' * 20_000 + b"1" + b"}" * 20_000, None, ("dead", "json_too_deep"), id="very_deep"),
        pytest.param("orders/create", b'{"a":' * 65 + b"1" + b"}" * 65, None, ("dead", "json_too_deep"), id="too_deep"),
        pytest.param("orders/create", b'{"a":' + b"9" * 5_000 + b"}", None, ("dead", "invalid_json"), id="huge_number"),
        pytest.param("orders/create", b'{"a":NaN}', None, ("dead", "invalid_json"), id="not_a_number"),
        pytest.param("orders/create", b'{"id":1}', "orders_updated", ("quarantined", "topic_mismatch"), id="other_path"),
        pytest.param("orders/create", {"id": 1, "myshopify_domain": BOB}, None, ("quarantined", "shop_mismatch"), id="other_shop"),
        pytest.param("orders/create", {"id": 1, "shop_domain": BOB}, None, ("quarantined", "shop_mismatch"), id="other_shop_too"),
    ],
)
def test_what_is_not_what_it_claims_has_no_effect(
    bench: InboxBench, topic: str, body: Any, path: str | None, outcome: tuple[str, str]
) -> None:
    seen = bench.seen("*")

    bench.deliver(topic, body, path=path)
    bench.work()

    assert bench.outcomes() == [outcome]
    assert seen == []
    assert bench.sql("select from shopify.jobs") == []
    assert len(bench.sql("select from shopify.dead_jobs")) == (outcome[0] == "dead")


@pytest.mark.parametrize(
    "shop", ["", "evil.com/.myshopify.com/../", "Alice-shop.myshopify.com", "xn--a.myshopify.com", "alice-shop"]
)
def test_a_shop_that_is_none_is_quarantined(bench: InboxBench, shop: str) -> None:
    seen = bench.seen("*")

    bench.deliver("orders/create", {"id": 1}, shop)
    bench.work()

    assert bench.outcomes() == [("quarantined", "invalid_shop")]
    assert [row["shop_id"] for row in bench.rows()] == [0]
    assert seen == []


def test_a_shop_that_is_not_connected_is_quarantined(bench: InboxBench) -> None:
    bench.deliver("orders/create", {"id": 1}, NOBODY)

    bench.work()

    assert bench.outcomes() == [("quarantined", "unknown_shop")]


def test_a_body_that_came_for_another_shop_before_is_quarantined(bench: InboxBench) -> None:
    """The header says whose it is, and nobody has signed the header."""
    seen = bench.seen("*")
    bench.deliver("orders/create", {"id": 1}, ALICE)
    bench.deliver("orders/create", {"id": 1}, BOB)

    bench.work()

    assert bench.outcomes() == [("processed", None), ("quarantined", "body_of_another_shop")]
    assert [event.shop_domain for event in seen] == [ALICE]


def test_a_body_of_another_shop_is_still_known_after_weeks(bench: InboxBench) -> None:
    bench.deliver("orders/create", {"id": 1}, ALICE)
    bench.work()
    bench.age(hours=24 * 20)

    bench.deliver("orders/create", {"id": 1}, BOB)
    bench.work()

    assert bench.outcomes()[1] == ("quarantined", "body_of_another_shop")


def test_a_topic_that_nobody_knows_is_kept(bench: InboxBench) -> None:
    """A refusal would count towards the end of the subscription."""
    bench.deliver("quantum/flux", {"id": 1})

    bench.work()

    assert bench.outcomes() == [("unhandled", "unknown_topic")]


def test_a_body_sealed_with_a_key_that_is_gone_ends_among_the_dead(bench: InboxBench) -> None:
    bench.deliver("orders/create", {"id": 1})
    bench.sql("update shopify.inbox set body_sealed = overlay(body_sealed placing '\\x00' from 40)")

    bench.work()

    assert bench.outcomes() == [("dead", "body_unreadable")]


def test_a_body_moved_to_another_row_does_not_open(bench: InboxBench) -> None:
    bench.seen("*")
    bench.deliver("orders/create", {"id": 1})
    bench.deliver("orders/create", {"id": 2})
    bench.sql(
        "update shopify.inbox as a set body_sealed = b.body_sealed from shopify.inbox as b where a.delivery_id <> b.delivery_id"
    )

    bench.work()

    assert {status for status, _ in bench.outcomes()} == {"dead"}


# The host's own gateway


def test_what_the_hosts_gateway_has_verified_is_handled_like_the_rest(bench: InboxBench) -> None:
    seen = bench.seen("orders/create")
    body, headers = signed("orders/create", {"id": 1}, ALICE, secret="anybody's")

    assert bench.webhooks.accept_verified(body, headers)
    bench.work()

    assert [event.payload for event in seen] == [{"id": 1}]
    assert json.loads(opened(bench.rows()[0])) == {"id": 1}
