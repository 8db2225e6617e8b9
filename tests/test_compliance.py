"""Compliance topics carried out: what is put together, redacted and forgotten, of whom, and the receipts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from shopify_inbox.compliance import Person
from shopify_inbox.deliveries import body_place
from shopify_kit.database import Connection
from shopify_kit.sealing import KeyRing
from shopify_webhooks import Filter
from tests.inbox import ALICE, BOB, KEY, NOBODY, InboxBench, inbox_bench

JANE = {"id": 191167, "email": "jane@example.com", "phone": "+41 31 555 01 02"}
ORDER = 299938


@pytest.fixture
def bench(database_url: str) -> Iterator[InboxBench]:
    with inbox_bench(database_url) as made:
        yield made


def data_request(shop: str = ALICE, **facts: Any) -> dict[str, Any]:
    return {"shop_id": 1, "shop_domain": shop, "customer": JANE, "orders_requested": [ORDER], "data_request": {"id": 9}} | facts


def redaction(shop: str = ALICE, **facts: Any) -> dict[str, Any]:
    return {"shop_id": 1, "shop_domain": shop, "customer": JANE, "orders_to_redact": [ORDER]} | facts


def bodies(bench: InboxBench) -> list[bytes]:
    """What is stored of all deliveries, unsealed, oldest first."""
    keys = KeyRing([KEY])
    return [keys.open(row["body_sealed"], body_place(row["app"], row["webhook_id"], row["shop_domain"])) for row in bench.rows()]


def exports(bench: InboxBench, shop: str = ALICE) -> list[dict[str, Any]]:
    compliance, shop_id = bench.webhooks.compliance, bench.shops[shop]
    return [compliance.open_export(shop_id, shop, row["export_id"]) or {} for row in compliance.exports(shop_id)]


ABOUT_JANE = [
    pytest.param("orders/create", {"id": 1, "customer": {"id": 191167}}, id="customers_id"),
    pytest.param("orders/create", {"id": 1, "customer": {"admin_graphql_api_id": "gid://shopify/Customer/191167"}}, id="gid"),
    pytest.param("orders/create", {"id": 1, "email": "Jane@Example.com"}, id="email"),
    pytest.param("orders/create", {"id": 1, "shipping_address": {"phone": "+41 31 555 01 02"}}, id="phone"),
    pytest.param("customers/update", {"id": 191167, "first_name": "Jane"}, id="customer"),
    pytest.param("customers_email_marketing_consent/update", {"customer_id": 191167, "x": 1}, id="consent"),
    pytest.param("orders/updated", {"id": ORDER, "total_price": "1.00"}, id="order"),
    pytest.param("refunds/create", {"id": 5, "order_id": ORDER}, id="refund_of_the_order"),
    pytest.param("returns/update", {"id": 5, "order": {"id": ORDER}}, id="return_of_the_order"),
    pytest.param("quantum/flux", {"id": 5, "nested": [{"deep": {"email": "jane@example.com"}}]}, id="unknown_topic"),
    pytest.param("orders/create", b'{"email": "jane@example.com", broken', id="no_json"),
    pytest.param("orders/create", b'{"email":"\\u006aane@example.com"}', id="escaped"),
    pytest.param("customers/data_request", data_request(), id="request_before"),
]
ABOUT_OTHERS = [
    pytest.param("orders/create", {"id": 1, "customer": {"id": 2, "email": "joe@example.com"}}, id="other_customer"),
    pytest.param("orders/create", {"id": 1, "line_items": [{"id": 191167}]}, id="same_number_of_a_line"),
    pytest.param("orders/create", {"id": 1, "total_price": "299938"}, id="same_number_of_a_price"),
    pytest.param("products/update", {"id": 191167, "vendor": "jane@example.com"}, id="product"),
    pytest.param("orders/create", {"id": 1, "customer": {"id": 1911670}}, id="longer_number"),
]


# Redacting a customer


@pytest.mark.parametrize(("topic", "payload"), ABOUT_JANE)
def test_what_is_about_a_customer_is_redacted(bench: InboxBench, topic: str, payload: Any) -> None:
    bench.deliver(topic, payload)
    bench.work()

    bench.deliver("customers/redact", redaction())
    bench.work()

    assert [json.loads(body) for body in bodies(bench)] == [{"redacted": True}] * 2
    assert bench.audit(bench.shops[ALICE])[-1] == {
        "action": "privacy.redacted",
        "actor": "shopify",
        "facts": {"counts": {"webhooks": 2}},
    }


@pytest.mark.parametrize(("topic", "payload"), ABOUT_OTHERS)
def test_what_is_about_others_stays(bench: InboxBench, topic: str, payload: Any) -> None:
    bench.deliver(topic, payload)
    bench.work()

    bench.deliver("customers/redact", redaction())
    bench.work()

    assert json.loads(bodies(bench)[0]) == payload


def test_another_shops_deliveries_stay(bench: InboxBench) -> None:
    bench.deliver("customers/update", {"id": 191167, "email": "jane@example.com"}, BOB)
    bench.work()

    bench.deliver("customers/redact", redaction())
    bench.work()

    assert b"jane@example.com" in bodies(bench)[0]


def test_deliveries_of_before_a_shop_was_connected_anew_are_redacted_too(bench: InboxBench) -> None:
    """They lie under the number that the shop had then, or under none."""
    bench.deliver("customers/update", {"id": 191167})
    bench.work()
    bench.sql("update shopify.inbox set shop_id = 4711")
    bench.deliver("customers/update", {"id": 191167, "n": 2})
    bench.sql("update shopify.inbox set shop_id = 0 where shop_id <> 4711")

    bench.deliver("customers/redact", redaction())
    bench.work()

    assert set(bodies(bench)) == {b'{"redacted": true}'}


def test_a_delivery_that_waits_is_redacted_before_anybody_handles_it(bench: InboxBench) -> None:
    """Compliance comes first; what is left has nothing to say any more."""
    seen = bench.seen("customers/update")
    bench.deliver("customers/update", {"id": 191167, "email": "jane@example.com"})

    bench.deliver("customers/redact", redaction())
    bench.work()

    assert seen == []
    assert bench.outcomes() == [("superseded", "redacted"), ("processed", None)]


def test_a_redacted_delivery_is_not_handled_again(bench: InboxBench) -> None:
    seen = bench.seen("customers/update")
    bench.deliver("customers/update", {"id": 191167})
    bench.work()
    bench.deliver("customers/redact", redaction())
    bench.work()

    for event in bench.history():
        bench.webhooks.replay([bench.shops[ALICE]], Filter(ids=(event["id"],)))
    bench.work()

    assert len(seen) == 1


def test_whoever_holds_data_redacts_it_in_the_same_transaction(bench: InboxBench) -> None:
    asked: list[tuple[int, Person]] = []

    async def redact(_: Connection, shop_id: int, person: Person) -> int:
        asked.append((shop_id, person))
        return 7

    bench.webhooks.compliance.redactors["mirror"] = redact
    bench.deliver("customers/redact", redaction())
    bench.work()

    [(shop_id, person)] = asked
    assert (shop_id, person.customer_id, person.order_ids) == (bench.shops[ALICE], "191167", frozenset({str(ORDER)}))
    assert person.marks == {"jane@example.com", "+41 31 555 01 02"}
    assert bench.audit(bench.shops[ALICE])[-1]["facts"] == {"counts": {"mirror": 7, "webhooks": 1}}


def test_a_redaction_that_fails_half_way_redacts_nothing_and_is_repeated_whole(bench: InboxBench) -> None:
    failures = iter([ZeroDivisionError()])

    async def redact(_: Connection, __: int, ___: Person) -> int:
        for error in failures:
            raise error
        return 0

    bench.webhooks.compliance.redactors["mirror"] = redact
    bench.deliver("customers/update", {"id": 191167, "email": "jane@example.com"})
    bench.deliver("customers/redact", redaction())

    bench.work()
    assert all(b"jane@example.com" in body for body in bodies(bench))
    assert bench.audit(bench.shops[ALICE]) == []
    bench.let_sleepers_wake()
    bench.work()

    assert set(bodies(bench)) == {b'{"redacted": true}'}


def test_a_redaction_that_the_database_has_repeated_is_whole(bench: InboxBench) -> None:
    """A unit that met a deadlock is run again from its start; what was read for it must still be there."""
    deadlocks = iter([1])

    @bench.webhooks.on_commit("customers/redact")
    async def deadlock(conn: Connection, _: Any) -> None:
        for _number in deadlocks:
            await conn.execute("do $$ begin raise exception using errcode = 'deadlock_detected'; end $$")

    bench.deliver("customers/update", {"id": 191167, "email": "jane@example.com"})
    bench.work()
    bench.deliver("customers/redact", redaction())
    bench.work()

    assert set(bodies(bench)) == {b'{"redacted": true}'}
    assert len(bench.audit(bench.shops[ALICE])) == 1


def test_many_bodies_are_looked_through(bench: InboxBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopify_inbox.compliance.ROWS", 3)
    for number in range(10):
        bench.deliver("orders/create", {"id": number, "customer": {"id": 191167 if number % 2 else 5}})
    bench.deliver("customers/redact", redaction())

    bench.work()

    assert [b"redacted" in body for body in bodies(bench)] == [bool(number % 2) for number in range(10)] + [True]


# A customer's data


@pytest.mark.parametrize(("topic", "payload"), [param for param in ABOUT_JANE if param.id != "request_before"])
def test_what_is_about_a_customer_is_put_together(bench: InboxBench, topic: str, payload: Any) -> None:
    bench.deliver(topic, payload)
    bench.deliver("orders/create", {"id": 77, "customer": {"id": 2}})
    bench.work()

    bench.deliver("customers/data_request", data_request())
    bench.work()

    [document] = exports(bench)
    assert (document["customer_id"], document["shop_domain"]) == ("191167", ALICE)
    assert document["sources"]["webhooks"] == [readable(payload)]


def readable(payload: Any) -> Any:
    """A body as a person reads it: as JSON where it is that."""
    if not isinstance(payload, bytes):
        return payload
    return payload.decode() if b"broken" in payload else json.loads(payload)


def test_whoever_holds_data_adds_to_an_export(bench: InboxBench) -> None:
    async def find(conn: Connection, shop_id: int, person: Person) -> dict[str, Any]:
        return {"orders": await conn.fetchval("select $1::bigint", shop_id), "of": person.customer_id}

    bench.webhooks.compliance.finders["mirror"] = find
    bench.deliver("customers/data_request", data_request())
    bench.work()

    [document] = exports(bench)
    assert document["sources"] == {"mirror": {"orders": bench.shops[ALICE], "of": "191167"}, "webhooks": []}
    [entry] = bench.audit(bench.shops[ALICE])
    assert (entry["action"], entry["facts"]["sources"]) == ("privacy.exported", ["mirror", "webhooks"])


def test_an_export_lies_sealed_and_opens_for_its_own_shop_only(bench: InboxBench) -> None:
    bench.deliver("customers/update", {"id": 191167, "email": "jane@example.com"})
    bench.deliver("customers/data_request", data_request())
    bench.work()
    [row] = bench.sql("select * from shopify.data_exports")

    assert b"jane" not in row["document_sealed"]
    assert bench.webhooks.compliance.open_export(bench.shops[BOB], BOB, row["export_id"]) is None


def test_a_redaction_takes_the_customers_exports_with_it(bench: InboxBench) -> None:
    bench.deliver("customers/data_request", data_request())
    bench.deliver("customers/data_request", data_request(customer={"id": 5}))
    bench.work()

    bench.deliver("customers/redact", redaction())
    bench.work()

    assert [document["customer_id"] for document in exports(bench)] == ["5"]


# A shop that has gone


def test_a_shop_is_forgotten_and_a_receipt_is_left(bench: InboxBench) -> None:
    bench.seen("products/*")
    bench.deliver("products/update", {"id": 1, "updated_at": "2026-01-01T00:00:00Z"})
    bench.deliver("orders/create", b"[]")
    bench.deliver("customers/data_request", data_request())
    bench.deliver("products/update", {"id": 1, "title": "bob's"}, BOB)
    bench.work()

    bench.deliver("shop/redact", {"shop_id": 1, "shop_domain": ALICE})
    bench.work()

    assert [(row["topic"], row["shop_domain"]) for row in bench.rows()] == [("products/update", BOB), ("shop/redact", ALICE)]
    for table in ("resource_versions", "data_exports", "dead_jobs", "webhook_setups"):
        left = bench.sql(f"select from shopify.{table} where shop_id = $1", bench.shops[ALICE])
        assert left == [], table
    assert bench.audit(0)[-1] == {
        "action": "privacy.shop_redacted",
        "actor": "shopify",
        "facts": {"shop_domain": ALICE, "counts": {"webhooks": 3}},
    }


def test_a_shop_whose_row_is_gone_already_is_forgotten_as_well(bench: InboxBench) -> None:
    """Shopify asks two days after the app was removed; the host may have purged the shop by then."""
    bench.deliver("orders/create", {"id": 1})
    bench.deliver("orders/create", {"id": 2}, NOBODY)
    bench.work()
    bench.sql("delete from shopify.shops where shop_domain = $1", ALICE)

    bench.deliver("shop/redact", {"shop_id": 1, "shop_domain": ALICE})
    bench.work()

    assert [(row["topic"], row["shop_domain"]) for row in bench.rows()] == [("orders/create", NOBODY), ("shop/redact", ALICE)]
    assert bench.sql("select from shopify.resource_versions") == []


def test_whoever_holds_data_of_a_shop_forgets_it_too(bench: InboxBench) -> None:
    async def erase(_: Connection, shop_id: int) -> int:
        return shop_id * 100

    bench.webhooks.compliance.erasers["mirror"] = erase
    bench.deliver("shop/redact", {"shop_id": 1, "shop_domain": ALICE})
    bench.work()

    assert bench.audit(0)[-1]["facts"]["counts"] == {"mirror": bench.shops[ALICE] * 100, "webhooks": 0}


# Forged requests: a body that Shopify signed for something else, under a compliance topic


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact", "shop/redact"])
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"id": 1}, id="deleted_product"),
        pytest.param({"id": 1, "customer": JANE, "shop_domain": ALICE}, id="order"),
        pytest.param({"id": 1, "myshopify_domain": ALICE, "name": "Alice's"}, id="shop"),
        pytest.param({"shop_domain": BOB}, id="another_shops"),
        pytest.param({"shop_id": 1}, id="without_shop"),
        pytest.param({"shop_domain": ALICE, "customer": "jane"}, id="strange_customer"),
        pytest.param({"shop_domain": ALICE, "customer": {"email": "jane@example.com"}}, id="nameless_customer"),
        pytest.param({}, id="empty"),
    ],
)
def test_what_is_no_request_is_not_carried_out(bench: InboxBench, topic: str, payload: dict[str, Any]) -> None:
    bench.deliver("customers/update", {"id": 191167, "email": "jane@example.com"})
    bench.work()

    bench.deliver(topic, payload)
    bench.work()

    status, reason = bench.outcomes()[1]
    assert (status, reason) in {("quarantined", "not_a_compliance_request"), ("quarantined", "shop_mismatch")}
    assert b"jane@example.com" in bodies(bench)[0]
    assert bench.audit(bench.shops[ALICE]) + bench.audit(0) == []


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        pytest.param("shop/redact", redaction(), id="redaction_as_the_shops_end"),
        pytest.param("shop/redact", data_request(), id="request_as_the_shops_end"),
        pytest.param("customers/redact", data_request(), id="request_as_redaction"),
        pytest.param("customers/data_request", redaction(), id="redaction_as_request"),
        pytest.param("customers/redact", {"shop_id": 1, "shop_domain": ALICE}, id="shops_end_as_redaction"),
    ],
)
def test_one_request_does_not_pass_for_another(bench: InboxBench, topic: str, payload: dict[str, Any]) -> None:
    bench.deliver(topic, payload)

    bench.work()

    assert bench.outcomes() == [("quarantined", "not_a_compliance_request")]


def test_orders_that_are_no_list_are_none(bench: InboxBench) -> None:
    bench.deliver("customers/redact", redaction(orders_to_redact=7))

    bench.work()

    assert bench.outcomes() == [("processed", None)]
