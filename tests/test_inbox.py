"""The way in: what is stored of a delivery and how, duplicates, bounds, quarantine, secrets; through the public `Webhooks`."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shopify_inbox.deliveries import MAX_HEADER, MAX_ID, MAX_WEBHOOK_BYTES, body_place
from shopify_kit.errors import DatabaseUnavailable, InvalidSignature, NotConfigured
from shopify_kit.jobs import Priority
from shopify_kit.sealing import KeyRing
from shopify_kit.secret import Secret
from shopify_kit.vault import Token
from tests.inbox import ALICE, BOB, KEY, NOBODY, InboxBench, inbox_bench
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
    bench.webhooks.accept(body, {name.removeprefix("X-").lower(): value for name, value in made.items()})

    [row] = bench.rows()

    assert (row["topic"], row["webhook_id"], row["shop_domain"]) == ("Product/update", "w-1", ALICE)
    assert (row["subscription_name"], row["lane"]) == ("price-watch", "Product:7")


def test_a_new_delivery_wakes_a_worker_and_a_known_one_does_not(bench: InboxBench) -> None:
    assert bench.deliver("orders/create", {"id": 1}, webhook_id="w-1")
    assert not bench.deliver("orders/create", {"id": 1}, webhook_id="w-1")

    assert len(bench.wakes) == 1


# Durability


def test_what_is_acknowledged_is_on_disk_whatever_the_host_has_set(bench: InboxBench, database_url: str) -> None:
    """A host that trades safety for speed does so for its own tables."""
    name = database_url.rpartition("/")[2]
    bench.sql(f"alter database {name} set synchronous_commit = 'off'")
    bench.sql("create table public.seen (setting text)")
    bench.sql(
        """
        create function public.look() returns trigger language plpgsql as $$
        begin insert into public.seen values (current_setting('synchronous_commit')); return new; end $$
        """
    )
    bench.sql(
        "create constraint trigger look after insert on shopify.inbox deferrable initially deferred for each row "
        "execute function public.look()"
    )
    with inbox_bench_on(database_url) as fresh:
        assert fresh.sql("show synchronous_commit")[0][0] == "off"
        fresh.deliver("orders/create", {"id": 1})
        assert fresh.sql("show synchronous_commit")[0][0] == "off"

    assert [row["setting"] for row in bench.sql("select * from public.seen")] == ["on"]


def inbox_bench_on(dsn: str) -> Any:
    """The same shops, seen by another process."""
    return _again(dsn)


class _again:
    """A second inbox on a database that has its shops already."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
