"""What is done with deliveries: who is called, what is stored with the done-mark, freshness, failures, replays."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shopify_kit.database import Connection
from shopify_kit.errors import InvalidInput, UpstreamFailed
from shopify_kit.jobs import MAX_ATTEMPTS
from shopify_webhooks import Filter, Quarantine, Superseded, WebhookEvent
from tests.inbox import ALICE, BOB, InboxBench, inbox_bench

HOURS = ("2026-11-20T{:02}:00:00Z").format


@pytest.fixture
def bench(database_url: str) -> Iterator[InboxBench]:
    with inbox_bench(database_url) as made:
        made.script(
            """
            create table public.effects (position bigint generated always as identity, text text);
            create table public.mirror (id bigint primary key, version text)
            """
        )
        yield made


def product(number: int, hour: int, **facts: Any) -> dict[str, Any]:
    """A product as it was at some hour."""
    return {"id": number, "updated_at": HOURS(hour), **facts}


def note(bench: InboxBench, pattern: str) -> None:
    """Store a line in the transaction of the done-mark."""

    @bench.webhooks.on_commit(pattern)
    async def unit(conn: Connection, event: WebhookEvent) -> None:
        text = f"{event.topic} {event.payload.get('id')} {event.version}"
        await conn.execute("insert into public.effects (text) values ($1)", text)


def effects(bench: InboxBench) -> list[str]:
    return [row["text"] for row in bench.sql("select text from public.effects order by position")]


def fail(error: Exception) -> Callable[[WebhookEvent], None]:
    def handler(_: WebhookEvent) -> None:
        raise error

    return handler


# Who is called


@pytest.mark.parametrize(
    ("pattern", "topics"),
    [
        pytest.param("orders/create", ["orders/create"], id="topic"),
        pytest.param("orders/*", ["orders/create", "orders/updated"], id="family"),
        pytest.param("*", ["orders/create", "orders/updated", "products/create", "quantum/flux"], id="all"),
        pytest.param("*/create", ["orders/create", "products/create"], id="action"),
        pytest.param("orders", [], id="part"),
        pytest.param("orders.create", [], id="no_expression"),
    ],
)
def test_handlers_are_chosen_by_pattern(bench: InboxBench, pattern: str, topics: list[str]) -> None:
    seen = bench.seen(pattern)
    for number, topic in enumerate(("orders/create", "orders/updated", "products/create", "quantum/flux")):
        bench.deliver(topic, {"id": number})

    bench.work()

    assert sorted(event.topic for event in seen) == topics


def test_all_handlers_of_a_topic_are_called_in_order_and_units_after_them(bench: InboxBench) -> None:
    called: list[str] = []
    for name, pattern in (("first", "orders/*"), ("second", "*"), ("third", "orders/create")):
        bench.webhooks.on(pattern)(lambda _, name=name: called.append(name))

    @bench.webhooks.on_commit("orders/create")
    async def unit(conn: Connection, event: WebhookEvent) -> None:
        assert await conn.fetchval("select 1")
        called.append(f"unit of {event.topic}")

    bench.deliver("orders/create", {"id": 1})
    bench.work()

    assert called == ["first", "second", "third", "unit of orders/create"]


def test_what_nobody_handles_is_noted(bench: InboxBench) -> None:
    bench.deliver("orders/create", {"id": 1})

    bench.work()

    assert bench.outcomes() == [("unhandled", "no_handler")]


# Effects and the done-mark


def test_an_effect_is_stored_once_with_the_done_mark(bench: InboxBench) -> None:
    note(bench, "products/update")
    bench.deliver("products/update", product(1, 10))

    bench.work()

    assert len(effects(bench)) == 1
    [row] = bench.rows()
    assert (row["status"], row["resource"], row["version"], row["attempts"]) == (
        "processed",
        "products:1",
        "2026-11-20T10:00:00.000000",
        1,
    )


def test_an_effect_that_fails_half_way_leaves_nothing_and_is_tried_again(bench: InboxBench) -> None:
    note(bench, "products/update")
    failures = iter([ZeroDivisionError()])

    @bench.webhooks.on_commit("products/update")
    async def unit(_: Connection, __: WebhookEvent) -> None:
        for error in failures:
            raise error

    bench.deliver("products/update", product(1, 10))
    bench.work()
    assert effects(bench) == []
    assert bench.outcomes() == [(None, None)]
    bench.let_sleepers_wake()
    bench.work()

    assert len(effects(bench)) == 1
    assert bench.outcomes() == [("processed", None)]


def test_the_version_of_an_effect_that_failed_is_not_kept(bench: InboxBench) -> None:
    """Otherwise the delivery itself would pass for late when it is tried again."""
    failures = iter([ZeroDivisionError()])

    @bench.webhooks.on_commit("products/update")
    async def unit(_: Connection, __: WebhookEvent) -> None:
        for error in failures:
            raise error

    bench.deliver("products/update", product(1, 10))
    bench.work()

    assert bench.sql("select from shopify.resource_versions") == []


# Freshness


def test_an_older_payload_has_no_effect(bench: InboxBench) -> None:
    note(bench, "products/update")
    bench.deliver("products/update", product(1, 12))
    bench.deliver("products/update", product(1, 11))

    bench.work()

    assert bench.outcomes() == [("processed", None), ("superseded", "older_than_applied")]
    assert effects(bench) == ["products/update 1 2026-11-20T12:00:00.000000"]


def test_an_older_payload_of_another_resource_or_shop_is_no_older_one(bench: InboxBench) -> None:
    bench.seen("products/update")
    bench.deliver("products/update", product(1, 12))
    bench.deliver("products/update", product(2, 11))
    bench.deliver("products/update", product(1, 10, title="another shop's"), BOB)

    bench.work()

    assert {status for status, _ in bench.outcomes()} == {"processed"}


def test_a_late_creation_is_still_told(bench: InboxBench) -> None:
    """Create and update say different things, and which comes first is Shopify's choice."""
    seen = bench.seen("orders/*")
    bench.deliver("orders/updated", product(1, 12))
    bench.deliver("orders/create", product(1, 11))

    bench.work()

    assert [event.topic for event in seen] == ["orders/updated", "orders/create"]


def test_what_is_said_of_a_state_twice_is_told_twice(bench: InboxBench) -> None:
    """Two payloads may bear the same instant and say different things."""
    seen = bench.seen("products/update")
    bench.deliver("products/update", product(1, 12, title="one"))
    bench.deliver("products/update", product(1, 12, title="other"))

    bench.work()

    assert len(seen) == 2


@pytest.mark.parametrize("late", ["products/update", "products/create"])
def test_nothing_is_resurrected(bench: InboxBench, late: str) -> None:
    note(bench, "products/*")
    bench.deliver("products/create", product(1, 10))
    bench.deliver("products/delete", {"id": 1}, triggered_at=HOURS(12))
    bench.deliver(late, product(1, 13, title="late"))

    bench.work()

    assert [status for status, _ in bench.outcomes()] == ["processed", "processed", "superseded"]
    assert [text.split()[0] for text in effects(bench)] == ["products/create", "products/delete"]


def test_a_late_event_of_what_is_gone_has_no_effect_either(bench: InboxBench) -> None:
    seen = bench.seen("orders/paid")
    bench.webhooks.on("orders/delete")(lambda _: None)
    bench.deliver("orders/delete", {"id": 1})
    bench.deliver("orders/paid", product(1, 12))

    bench.work()

    assert seen == []


@pytest.mark.parametrize("seed", range(5))
def test_whatever_the_order_the_newest_state_is_the_last(bench: InboxBench, seed: int) -> None:
    """Deliveries come shuffled and doubled; some handlers fail; the mirror ends at the newest version of each."""
    dice = random.Random(seed)

    @bench.webhooks.on("products/update")
    def flaky(_: WebhookEvent) -> None:
        if dice.random() < 0.2:
            raise KeyError

    @bench.webhooks.on_commit("products/update")
    async def unit(conn: Connection, event: WebhookEvent) -> None:
        upsert = "insert into public.mirror values ($1, $2) on conflict (id) do update set version = excluded.version"
        await conn.execute(upsert, event.payload["id"], event.version)

    payloads = [product(number, hour) for number, hour in itertools.product(range(4), range(8))]
    deliveries = dice.sample(payloads * 2, len(payloads) * 2)
    for payload in deliveries:
        bench.deliver("products/update", payload)
        if dice.random() < 0.2:
            bench.work()
    while bench.sql("select from shopify.jobs"):
        bench.let_sleepers_wake()
        bench.work()

    mirror = {row["id"]: row["version"] for row in bench.sql("select * from public.mirror")}
    assert mirror == dict.fromkeys(range(4), "2026-11-20T07:00:00.000000")
    assert None not in {status for status, _ in bench.outcomes()}


def test_a_payload_that_becomes_old_while_it_is_handled_is_not_stored(bench: InboxBench) -> None:
    """Its handler takes long, its lease runs out, and a newer one is done elsewhere meanwhile; here the two have lanes of their own
    because the older body names its id late."""
    note(bench, "products/update")

    @bench.webhooks.on("products/update")
    def overtaken(event: WebhookEvent) -> None:
        if event.version.startswith("2026-11-20T10"):
            bench.deliver("products/update", product(1, 12))
            bench.work()

    bench.deliver("products/update", {"updated_at": HOURS(10), "id": 1})
    bench.work()

    assert effects(bench) == ["products/update 1 2026-11-20T12:00:00.000000"]
    assert bench.outcomes() == [("superseded", "older_than_applied"), ("processed", None)]


# Failures


def test_a_handler_that_fails_is_called_again_later(bench: InboxBench) -> None:
    seen: list[int] = []

    @bench.webhooks.on("orders/create")
    def flaky(event: WebhookEvent) -> None:
        seen.append(event.attempt)
        if event.attempt < 3:
            raise KeyError("jane@example.com")

    bench.deliver("orders/create", {"id": 1})
    for _ in range(3):
        bench.work()
        bench.let_sleepers_wake()

    assert seen == [1, 2, 3]
    [row] = bench.rows()
    assert (row["status"], row["attempts"]) == ("processed", 3)


def test_while_it_waits_the_history_says_how_often_it_failed_and_why(bench: InboxBench) -> None:
    bench.webhooks.on("orders/create")(fail(UpstreamFailed("Shopify did not answer.")))
    bench.deliver("orders/create", {"id": 1})

    bench.work()

    [event] = bench.history()
    assert (event["status"], event["attempts"], event["last_error"]) == ("pending", 1, "Shopify did not answer.")


def test_a_delivery_that_failed_to_the_end_lies_among_the_dead_and_says_so(bench: InboxBench) -> None:
    bench.webhooks.on("orders/create")(fail(KeyError()))
    bench.deliver("orders/create", {"id": 1})

    for _ in range(MAX_ATTEMPTS):
        bench.work()
        bench.let_sleepers_wake()

    [event] = bench.history()
    assert (event["status"], event["attempts"], event["reason"]) == ("dead", MAX_ATTEMPTS, "attempts_exhausted")
    assert event["last_error"] == "KeyError"
    assert bench.sql("select from shopify.jobs") == []


def test_an_error_that_never_passes_ends_a_delivery_at_once(bench: InboxBench) -> None:
    bench.webhooks.on("orders/create")(fail(InvalidInput("no such thing", code="invalid_id")))
    bench.deliver("orders/create", {"id": 1})

    bench.work()

    assert bench.outcomes() == [("dead", "invalid_id")]
    assert [row["last_error"] for row in bench.rows()] == ["no such thing"]


def test_a_delivery_whose_workers_died_each_time_lies_among_the_dead(bench: InboxBench) -> None:
    bench.seen("orders/create")
    bench.deliver("orders/create", {"id": 1})
    bench.sql("update shopify.jobs set attempts = $1", MAX_ATTEMPTS)

    bench.work()

    assert bench.outcomes() == [("dead", "attempts_exhausted")]


def test_a_handler_may_find_that_a_delivery_is_not_what_it_claims(bench: InboxBench) -> None:
    note(bench, "app/uninstalled")
    bench.webhooks.on("app/uninstalled")(fail(Quarantine("app_still_installed")))
    bench.deliver("app/uninstalled", {"id": 1, "myshopify_domain": ALICE})

    bench.work()

    assert bench.outcomes() == [("quarantined", "app_still_installed")]
    assert effects(bench) == []


def test_a_handler_may_find_that_something_newer_is_in_place(bench: InboxBench) -> None:
    note(bench, "products/update")
    bench.webhooks.on("products/update")(fail(Superseded()))
    bench.deliver("products/update", product(1, 10))

    bench.work()

    assert bench.outcomes() == [("superseded", "older_than_applied")]
    assert effects(bench) == []


def test_a_resource_whose_delivery_fails_delays_no_other(bench: InboxBench) -> None:
    seen = bench.seen("products/update")

    @bench.webhooks.on("products/*")
    def stuck(event: WebhookEvent) -> None:
        if event.payload["id"] == 1:
            raise KeyError

    for number in (1, 1, 2, 3):
        bench.deliver("products/update", product(number, 10 + number, nonce=random.random()))
    bench.work()

    assert [status for status, _ in bench.outcomes()] == [None, None, "processed", "processed"]
    assert [event.payload["id"] for event in seen].count(1) == 1


# Replays


def replay(bench: InboxBench, **chosen: Any) -> int:
    done = bench.webhooks.replay([bench.shops[ALICE]], Filter(**chosen))
    bench.work()
    return done.replayed


def test_a_replay_calls_the_handlers_again_and_says_so(bench: InboxBench) -> None:
    seen = bench.seen("orders/create")
    bench.deliver("orders/create", product(1, 10))
    bench.work()

    assert replay(bench, topic="orders/create") == 1

    assert [event.is_replay for event in seen] == [False, True]
    assert bench.outcomes() == [("processed", None)]


def test_a_replay_overwrites_nothing_newer_and_resurrects_nothing(bench: InboxBench) -> None:
    note(bench, "products/*")
    for delivery in (
        ("products/update", product(1, 10)),
        ("products/update", product(1, 12)),
        ("products/update", product(2, 10)),
        ("products/delete", {"id": 2}),
    ):
        bench.deliver(*delivery)
    bench.work()
    before = effects(bench)

    assert replay(bench) == 4

    assert effects(bench)[len(before) :] == [before[1], before[3]]
    assert [status for status, _ in bench.outcomes()] == ["superseded", "processed", "superseded", "processed"]


def test_a_replayed_dead_delivery_gets_its_chance(bench: InboxBench) -> None:
    failures = iter([InvalidInput("never")])

    @bench.webhooks.on("orders/create")
    def mended(_: WebhookEvent) -> None:
        for error in failures:
            raise error

    bench.deliver("orders/create", product(1, 10))
    bench.work()
    assert bench.outcomes() == [("dead", "validation_error")]

    assert replay(bench, status="dead") == 1

    assert bench.outcomes() == [("processed", None)]


def test_a_replayed_duplicate_is_handled(bench: InboxBench) -> None:
    """Somebody asked for it by name."""
    seen = bench.seen("orders/create")
    for _ in range(2):
        bench.deliver("orders/create", product(1, 10))
    bench.work()

    replay(bench, status="duplicate")

    assert [event.is_replay for event in seen] == [False, True]


def test_what_is_quarantined_stays_so_when_it_is_replayed(bench: InboxBench) -> None:
    seen = bench.seen("*")
    bench.deliver("orders/create", {"id": 1, "myshopify_domain": BOB})
    bench.work()

    assert replay(bench, status="quarantined") == 1

    assert seen == []
    assert bench.outcomes() == [("quarantined", "shop_mismatch")]


def test_a_job_whose_delivery_was_forgotten_ends_quietly(bench: InboxBench) -> None:
    bench.seen("orders/create")
    bench.deliver("orders/create", {"id": 1})
    bench.sql("delete from shopify.inbox")

    assert bench.work() == 1
    assert bench.sql("select from shopify.jobs") == []


# Keeping


def sweep(bench: InboxBench) -> int:
    """Do what the schedule gives out; returns how many jobs that took."""
    _, effect = bench.webhooks.schedules()["webhooks.sweep"]
    bench.worker().lanes.take_slot("webhooks.sweep", bench.clock.now(), effect)
    bench.clock.advance(3600)
    return bench.work()


def test_handled_deliveries_are_kept_a_month_and_dead_ones_three(bench: InboxBench) -> None:
    bench.seen("orders/create")
    bench.deliver("orders/create", product(1, 10))
    bench.deliver("orders/create", b"[]")
    bench.work()
    kept = []

    for days in (29, 2, 57, 4):
        bench.age(hours=24 * days)
        sweep(bench)
        kept.append([row["status"] for row in bench.rows()])

    assert kept == [["processed", "dead"], ["dead"], ["dead"], []]
    assert bench.sql("select from shopify.inbox_outcomes") == []


def test_what_still_waits_is_never_forgotten(bench: InboxBench) -> None:
    bench.webhooks.on("orders/create")(fail(KeyError()))
    bench.deliver("orders/create", product(1, 10))
    bench.work()
    bench.age(hours=24 * 365)

    sweep(bench)

    assert len(bench.rows()) == 1


def test_much_that_is_old_is_forgotten_in_portions(bench: InboxBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopify_webhooks.SWEEP_ROWS", 3)
    monkeypatch.setattr("shopify_webhooks.SWEEP_ROUNDS", 2)
    for number in range(10):
        bench.deliver("orders/create", {"id": number})
    bench.work()
    bench.age(hours=24 * 31)

    assert sweep(bench) == 2
    assert bench.rows() == []
