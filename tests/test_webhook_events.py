"""What a delivery says once it is read: resource, version, and what handlers get; and what no payload may do to the reader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopify_inbox.events import MAX_DEPTH, NotAnEvent, read_payload, resource_of, version_of
from shopify_webhooks import WebhookEvent
from tests.inbox import ALICE, InboxBench, inbox_bench

RECEIVED = datetime(2026, 11, 20, 12, tzinfo=UTC)
INSTANTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1))
ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.fixture
def bench(database_url: str) -> Iterator[InboxBench]:
    with inbox_bench(database_url) as made:
        yield made


def event_of(bench: InboxBench, topic: str, payload: Any, **headers: str) -> WebhookEvent:
    """Deliver and return what a handler gets."""
    seen = bench.seen(topic)
    bench.deliver(topic, payload, **headers)
    bench.work()
    [event] = seen
    return event


def test_a_handler_gets_what_came(bench: InboxBench) -> None:
    payload = {"id": 7, "updated_at": "2026-11-20T10:00:00-05:00", "total_price": "12.30", "nested": {"list": [1, None, True]}}
    facts = {"webhook_id": "w-1", "event_id": "e-1", "name": "my-webhook", "triggered_at": "2026-11-20T15:00:01.123456789Z"}

    event = event_of(bench, "orders/create", payload, **facts)

    assert event.payload == payload
    assert (event.topic, event.family, event.action) == ("orders/create", "orders", "create")
    assert (event.shop_domain, event.shop_id) == (ALICE, bench.shops[ALICE])
    assert (event.resource, event.version) == ("orders:7", "2026-11-20T15:00:00.000000")
    assert event.happened_at == datetime(2026, 11, 20, 15, tzinfo=UTC)
    assert (event.webhook_id, event.event_id, event.subscription_name, event.api_version) == ("w-1", "e-1", "my-webhook", "2026-10")
    assert (event.attempt, event.is_replay, event.triggered_at) == (1, False, facts["triggered_at"])
    assert event.received_at.tzinfo is not None


def test_a_second_attempt_says_so(bench: InboxBench) -> None:
    attempts: list[int] = []

    @bench.webhooks.on("orders/create")
    def fail(event: WebhookEvent) -> None:
        attempts.append(event.attempt)
        raise KeyError

    bench.deliver("orders/create", {"id": 1})
    bench.work()
    bench.let_sleepers_wake()
    bench.work()

    assert attempts == [1, 2]


# Resource


@pytest.mark.parametrize(
    ("topic", "payload", "resource"),
    [
        pytest.param("orders/create", {"id": 820982911946154508}, "orders:820982911946154508", id="number"),
        pytest.param(
            "carts/update", {"id": "eeafa272cebfd4b22385bc4b645e762c"}, "carts:eeafa272cebfd4b22385bc4b645e762c", id="text"
        ),
        pytest.param("discounts/update", {"admin_graphql_api_id": "gid://shopify/DiscountCodeNode/5"}, "discounts:5", id="gid"),
        pytest.param("inventory_levels/update", {"inventory_item_id": 3, "location_id": 4}, "inventory_levels:3@4", id="stock"),
        pytest.param("inventory_items/update", {"id": 3}, "inventory_items:3", id="item"),
        pytest.param(
            "Product/update",
            {"topic": "Product", "query_variables": {"productId": "gid://shopify/Product/9"}},
            "Product:9",
            id="event",
        ),
        pytest.param("orders/create", {}, "", id="none"),
        pytest.param("orders/create", {"id": None}, "", id="null"),
        pytest.param("orders/create", {"id": [1]}, "", id="list"),
        pytest.param("orders/create", {"id": "a\0b"}, "", id="nul"),
        pytest.param("orders/create", {"id": "\ud800"}, "", id="lone_surrogate"),
        pytest.param("orders/create", {"id": "x" * 500}, "", id="very_long"),
        pytest.param("inventory_levels/update", {"inventory_item_id": {"a": 1}, "location_id": 4}, "", id="strange_stock"),
        pytest.param("Product/update", {"topic": 7, "query_variables": {}}, "", id="strange_event"),
    ],
)
def test_a_resource_is_named_by_family_and_id(topic: str, payload: dict[str, Any], resource: str) -> None:
    assert resource_of(topic, payload) == resource


@pytest.mark.parametrize("number", ["a\0b", "\ud800", 10**400], ids=["nul", "lone_surrogate", "huge"])
def test_an_id_that_no_database_takes_costs_nothing(bench: InboxBench, number: Any) -> None:
    seen = bench.seen("products/update")

    bench.deliver("products/update", {"id": number, "updated_at": "2026-11-20T10:00:00Z"})
    bench.work()

    assert bench.outcomes() == [("processed", None)]
    assert len(seen) == 1


# Version


@pytest.mark.parametrize(
    ("payload", "triggered_at", "version"),
    [
        pytest.param(
            {"updated_at": "2026-11-20T10:00:00-05:00"}, "2027-01-01T00:00:00Z", "2026-11-20T15:00:00.000000", id="its_own"
        ),
        pytest.param({}, "2026-11-20T10:00:00.987654321Z", "2026-11-20T10:00:00.987654", id="triggered"),
        pytest.param({}, "2026-11-20T10:00:00Z", "2026-11-20T10:00:00.000000", id="triggered_without_fraction"),
        pytest.param({"updated_at": None}, None, "2026-11-20T12:00:00.000000", id="received"),
        pytest.param({"updated_at": "yesterday"}, "not-a-date", "2026-11-20T12:00:00.000000", id="garbage"),
        pytest.param({"updated_at": "2026-11-20T10:00:00"}, None, "2026-11-20T12:00:00.000000", id="without_zone"),
        pytest.param({"updated_at": "0001-01-01T00:00:00+14:00"}, None, "2026-11-20T12:00:00.000000", id="before_all_time"),
        pytest.param({"updated_at": "0099-01-01T00:00:00+00:00"}, None, "0099-01-01T00:00:00.000000", id="long_ago"),
        pytest.param({"updated_at": 1_700_000_000}, None, "2026-11-20T12:00:00.000000", id="number"),
    ],
)
def test_a_version_is_the_payloads_own_time_else_when_it_was_triggered_or_came(
    payload: dict[str, Any], triggered_at: str | None, version: str
) -> None:
    assert version_of(payload, triggered_at, RECEIVED) == version


@given(first=INSTANTS, second=INSTANTS, zones=st.tuples(ZONES, ZONES))
def test_versions_sort_as_time_passes(first: datetime, second: datetime, zones: tuple[timezone, timezone]) -> None:
    """In whatever zones the instants are written."""
    instants = [first.replace(tzinfo=zones[0]), second.replace(tzinfo=zones[1])]

    versions = [version_of({"updated_at": instant.isoformat()}, None, RECEIVED) for instant in instants]

    assert (versions[0] < versions[1]) == (instants[0] < instants[1])
    assert (versions[0] == versions[1]) == (instants[0] == instants[1])


# Reading


def read(body: bytes) -> dict[str, Any] | str:
    """Return the payload, or why there is none."""
    try:
        return read_payload(body)
    except NotAnEvent as found:
        return found.reason


@settings(max_examples=40)
@given(document=st.dictionaries(st.text(), JSON))
def test_every_json_object_is_read_as_it_is(document: dict[str, Any]) -> None:
    assert read(json.dumps(document).encode()) == document


@given(body=st.binary(max_size=200))
def test_whatever_the_bytes_reading_ends_with_a_payload_or_a_reason(body: bytes) -> None:
    found = read(body)

    assert isinstance(found, dict) or found in ("invalid_encoding", "invalid_json", "invalid_shape", "json_too_deep")


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH], ids=["just_deep_enough", "too_deep"])
def test_depth_is_bounded(depth: int) -> None:
    body = b'{"a":' * depth + b"{}" + b"}" * depth

    assert (read(body) == "json_too_deep") is (depth >= MAX_DEPTH)


def test_a_payload_of_many_brackets_is_read_in_no_time(bench: InboxBench) -> None:
    """Wide is not deep."""
    seen = bench.seen("products/update")

    bench.deliver("products/update", {"id": 1, "list": [[{}] * 10] * 5_000})
    bench.work()

    assert len(seen) == 1
