"""Deliveries on their way: what is sent and signed, what happens when nobody answers, and what a test can make go wrong."""

from __future__ import annotations

import time
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from tests.fake.delivering import APP, HOOKS, MAKE_PRODUCT, SUBSCRIBE, Delivering, signature, told_in_time
from tests.fake.empty_store import EmptyStore
from tests.fake.receiver import Received, running_receiver, statuses
from tests.fake_store import run_fake_store
from tests.tiny_servers import Peer, full_backlog

FROZEN = "2026-11-20T12:00:00Z"
RETRY_HOURS = 4


def with_app(delivering: Delivering, name: str) -> EmptyStore:
    """Register another app, install it and return the store as it sees it."""
    delivering.control("apps", client_id=name, client_secret=f"shpss_{name}", name=name)
    delivering.control("grants", token=f"shpat_{name}", shop_domain=delivering.process.shop.shop_domain, client_id=name)
    return EmptyStore(delivering.store.base_url, token=f"shpat_{name}")


def numbered(received: list[Received]) -> list[int]:
    """Return the `n` of the payloads of deliveries by hand, in the order of their coming."""
    return [one.payload["n"] for one in received]


# What is sent


def test_delivery_has_shopifys_headers(delivering: Delivering) -> None:
    delivering.subscribe(name="from-here")

    product = delivering.product()

    got = delivering.only("products/create")
    shown = delivering.settled()[0]
    assert (got.path, got.headers["host"]) == ("/hooks", "app.example")
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-shopify-topic"] == "products/create"
    assert got.headers["x-shopify-shop-domain"] == delivering.process.shop.shop_domain
    assert got.headers["x-shopify-api-version"] == "2026-10"
    assert got.headers["x-shopify-name"] == "from-here"
    assert (got.headers["x-shopify-webhook-id"], got.headers["x-shopify-event-id"]) == (shown["webhook_id"], shown["event_id"])
    assert got.headers["x-shopify-triggered-at"] == shown["triggered_at"]
    assert got.payload["admin_graphql_api_id"] == product["id"]


def test_raw_body_is_signed_with_the_apps_secret(delivering: Delivering) -> None:
    delivering.subscribe()

    delivering.product(title="Größe <XL> & 🫖")

    got = delivering.only("products/create")
    assert got.headers["x-shopify-hmac-sha256"] == signature(got.body, delivering.process.client_secret)
    assert b"\\u003cXL\\u003e \\u0026" in got.body
    assert got.payload["title"] == "Größe <XL> & 🫖"


def test_each_app_is_signed_with_its_own_secret(delivering: Delivering) -> None:
    other = with_app(delivering, "other")
    delivering.subscribe()
    delivering.subscribe(store=other)

    delivering.product()

    secrets = (delivering.process.client_secret, "shpss_other")
    got = delivering.received("products/create")
    assert sorted(one.headers["x-shopify-hmac-sha256"] for one in got) == sorted(signature(got[0].body, one) for one in secrets)


def test_new_secret_signs_when_it_has_come_into_force(delivering: Delivering) -> None:
    delivering.control("clock", freeze=FROZEN)
    delivering.subscribe()
    old = delivering.process.client_secret

    delivering.control("secrets", secret="shpss_new", signs_in_s=600)
    delivering.product()
    before = delivering.only("products/create")
    delivering.wait(seconds=600)
    delivering.product()
    after = delivering.received("products/create")[-1]

    assert before.headers["x-shopify-hmac-sha256"] == signature(before.body, old)
    assert after.headers["x-shopify-hmac-sha256"] == signature(after.body, "shpss_new")


def test_topics_of_one_change_share_its_event_id(delivering: Delivering) -> None:
    delivering.configure("products/create", "inventory_items/create")

    delivering.product()
    first, second = delivering.received()
    delivering.product()
    third = delivering.received()[-1]

    assert first.headers["x-shopify-event-id"] == second.headers["x-shopify-event-id"] != third.headers["x-shopify-event-id"]
    assert first.headers["x-shopify-webhook-id"] != second.headers["x-shopify-webhook-id"]


def test_version_of_a_payload_is_the_apps_choice(delivering: Delivering) -> None:
    delivering.control("apps", client_id=delivering.process.client_id, webhook_api_version="2026-07")
    delivering.subscribe()

    delivering.product()

    assert delivering.only("products/create").headers["x-shopify-api-version"] == "2026-07"


def test_only_wanted_fields_are_sent(delivering: Delivering) -> None:
    delivering.subscribe(includeFields=["id", "variants.price", "nonsense"])

    product = delivering.product()

    number = int(product["id"].rsplit("/", 1)[-1])
    assert delivering.only("products/create").payload == {"id": number, "variants": [{"price": "0.00"}]}


def test_metafields_of_wanted_namespaces_are_sent(delivering: Delivering) -> None:
    delivering.subscribe("PRODUCTS_UPDATE", metafieldNamespaces=["facts"], includeFields=["id"])
    product = delivering.product()
    field = {"ownerId": product["id"], "key": "era", "type": "number_integer", "value": "7"}
    document = "mutation M($fields: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $fields) { userErrors { message } } }"

    delivering.store.data(document, fields=[field | {"namespace": "facts"}, field | {"namespace": "other"}])

    payload = delivering.only("products/update").payload
    assert [(one["namespace"], one["key"], one["value"]) for one in payload["metafields"]] == [("facts", "era", "7")]
    assert sorted(payload) == ["id", "metafields"]


def test_xml_is_sent_to_who_asked_for_it(delivering: Delivering) -> None:
    delivering.subscribe(format="XML")

    delivering.product(title="A & B")

    got = delivering.only("products/create")
    assert got.headers["content-type"] == "application/xml"
    assert got.body.startswith(b"<?xml")
    assert b"<title>A &amp; B</title>" in got.body
    assert got.headers["x-shopify-hmac-sha256"] == signature(got.body, delivering.process.client_secret)


@pytest.mark.parametrize(
    ("wanted", "comes"),
    [
        pytest.param('title:"Tea pot"', True, id="text"),
        pytest.param("title:tea*", True, id="prefix"),
        pytest.param("title:tea", False, id="part of a text"),
        pytest.param("variants.price:>=5", True, id="number in a list"),
        pytest.param("variants.price:<5", False, id="smaller number"),
        pytest.param("status:active AND -vendor:Acme", True, id="both"),
        pytest.param("status:draft OR vendor:Acme", False, id="neither"),
        pytest.param("product_type:*", False, id="empty field"),
        pytest.param("nothing:1", False, id="field that is not there"),
        pytest.param("NOT nothing:1", True, id="negated field that is not there"),
        pytest.param("  ", True, id="blank"),
    ],
)
def test_filter_lets_through_what_it_describes(delivering: Delivering, wanted: str, comes: bool) -> None:
    product = delivering.product()
    delivering.subscribe("PRODUCTS_UPDATE", filter=wanted)

    delivering.store.data(
        """mutation M($id: ID!, $variant: ID!) {
          productVariantsBulkUpdate(productId: $id, variants: [{id: $variant, price: "5.00"}]) { userErrors { message } }
        }""",
        id=product["id"],
        variant=product["variants"]["nodes"][0]["id"],
    )

    assert delivering.topics() == ["products/update"] * comes


def test_changed_subscription_holds_from_now_on(delivering: Delivering) -> None:
    own = delivering.subscribe()
    delivering.store.data(
        """mutation M($id: ID!) {
          webhookSubscriptionUpdate(id: $id, webhookSubscription: {uri: "https://app.example/elsewhere?a=1"}) {
            userErrors { message }
          }
        }""",
        id=own,
    )

    delivering.product()
    delivering.store.data("mutation M($id: ID!) { webhookSubscriptionDelete(id: $id) { userErrors { message } } }", id=own)
    delivering.product()

    assert [one.path for one in delivering.received()] == ["/elsewhere?a=1"]


def test_cloud_destination_is_kept_and_not_sent(delivering: Delivering) -> None:
    delivering.subscribe(uri="pubsub://my-project:topic")

    delivering.product()

    (shown,) = delivering.settled()
    assert (shown["state"], shown["address"], shown["attempts"]) == ("published", "pubsub://my-project:topic", [])
    assert delivering.receiver.received == []


def test_shops_are_told_of_their_own_changes_only() -> None:
    with running_receiver() as receiver:
        options = ("--shops", "2", "--orders", "0", "--deliver", f"{APP}={receiver.origin}")
        with run_fake_store(*options) as process:
            first, second = (EmptyStore(process.base_url, token=shop.access_token) for shop in process.shops)
            delivering = Delivering(process, first, receiver)
            delivering.subscribe()

            second.data(MAKE_PRODUCT, product={"title": "Elsewhere"})
            first.data(MAKE_PRODUCT, product={"title": "Here"})

            got = delivering.only("products/create")
            assert (got.payload["title"], got.headers["x-shopify-shop-domain"]) == ("Here", process.shop.shop_domain)


# When nobody answers


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(delivering: Delivering, status: int) -> None:
    delivering.subscribe()
    delivering.receiver.answer = statuses(status)

    delivering.product()

    assert [(one["state"], len(one["attempts"])) for one in delivering.settled()] == [("delivered", 1)]


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 429, 500, 503])
def test_everything_else_is_tried_again_with_the_same_delivery(delivering: Delivering, status: int) -> None:
    delivering.control("clock", freeze=FROZEN)
    delivering.subscribe()
    delivering.receiver.answer = statuses(status, 200)

    delivering.product()
    assert [one["state"] for one in delivering.settled()] == ["retrying"]
    delivering.wait(hours=1)

    first, second = delivering.received()
    assert (first.body, first.headers) == (second.body, second.headers)
    (shown,) = delivering.settled()
    assert (shown["state"], [one["status"] for one in shown["attempts"]]) == ("delivered", [status, 200])


def test_delivery_is_retried_eight_times_over_four_hours(delivering: Delivering) -> None:
    delivering.control("clock", freeze=FROZEN)
    delivering.subscribe()
    delivering.receiver.answer = statuses(500)
    delivering.product()

    for _ in range(RETRY_HOURS * 60 + 10):
        (shown,) = delivering.settled()
        if shown["due_at"] is None:
            break
        delivering.control("clock", freeze=shown["due_at"], advance_s=1)

    (shown,) = delivering.settled()
    assert (shown["state"], len(shown["attempts"])) == ("failed", 1 + 8)
    assert shown["attempts"][0]["at"] == FROZEN
    assert shown["attempts"][-1]["at"] == "2026-11-20T16:00:01Z"
    instants = [datetime.fromisoformat(one["at"]) for one in shown["attempts"]]
    waits = [later - earlier for earlier, later in pairwise(instants)]
    assert waits == sorted(waits)


def test_subscription_of_the_api_ends_with_eight_failed_retries(delivering: Delivering) -> None:
    delivering.control("clock", freeze=FROZEN)
    delivering.subscribe()
    configured = delivering.configure("products/create", name="configured")
    delivering.receiver.answer = statuses(500)

    delivering.product()
    for _ in range(9):
        delivering.settled()
        delivering.wait(hours=RETRY_HOURS)

    assert {one["state"] for one in delivering.settled()} == {"failed"}
    assert delivering.listed() == []
    assert [one["id"] for one in delivering.control("subscriptions", "GET")["subscriptions"]] == [configured]


def test_subscription_stays_when_another_delivery_came_through(delivering: Delivering) -> None:
    delivering.control("clock", freeze=FROZEN)
    own = delivering.subscribe()
    delivering.receiver.answer = statuses(500, 200, 500)

    delivering.product(title="Fails")
    delivering.settled()
    delivering.product(title="Comes through")
    for _ in range(9):
        delivering.settled()
        delivering.wait(hours=RETRY_HOURS)

    assert sorted(one["state"] for one in delivering.settled()) == ["delivered", "failed"]
    assert delivering.listed() == [own]


def test_receiver_gets_a_second_to_connect_and_five_in_all(delivering: Delivering) -> None:
    delivering.subscribe()
    delivering.receiver.answer = lambda peer, _: peer.drip(b"HTTP/1.1 200 OK\r\n" + b"x" * 10_000, pause_s=0.1)
    started = time.monotonic()

    with full_backlog() as port:
        delivering.control("deliver", topic="products/create", payload={}, to=f"http://127.0.0.1:{port}/")
        refused_s = time.monotonic() - started
        delivering.product()
        shown = delivering.settled()

    errors = {one["address"].partition("/hooks")[0]: one["attempts"][0]["error"] for one in shown}
    seconds = {one["address"].partition("/hooks")[0]: one["attempts"][0]["seconds"] for one in shown}
    assert errors == {f"http://127.0.0.1:{port}/": "timed out", APP: "timed out"}
    assert 0.9 <= refused_s < 2
    assert 4.9 <= seconds[APP] < 6


def test_reset_connection_is_a_failure(delivering: Delivering) -> None:
    delivering.control("clock", freeze=FROZEN)
    delivering.subscribe()
    delivering.receiver.answer = lambda peer, _: peer.reset()

    delivering.product()

    (shown,) = delivering.settled()
    assert (shown["state"], shown["attempts"][0]["status"]) == ("retrying", None)
    assert shown["attempts"][0]["error"]


def test_nothing_leaves_this_machine(delivering: Delivering) -> None:
    delivering.control("clock", freeze=FROZEN)
    delivering.subscribe(uri="https://shop.example.com/hooks")

    delivering.product()

    (shown,) = delivering.settled()
    assert shown["state"] == "retrying"
    assert "--deliver https://shop.example.com=" in shown["attempts"][0]["error"]


def test_address_that_cannot_be_read_is_a_failure_and_the_next_delivery_comes(delivering: Delivering) -> None:
    delivering.control("clock", freeze=FROZEN)
    delivering.control("subscriptions", topics=["products/create"], uri="http://[broken")
    delivering.configure("products/create")
    delivering.control("delivery_plan", concurrency=1)

    delivering.product()

    assert [one["state"] for one in delivering.settled()] == ["retrying", "delivered"]


def slowly(peer: Peer, _: int) -> None:
    peer.stop.wait(1.0)
    peer.answer(b"")


def test_request_does_not_wait_for_the_receiver(delivering: Delivering) -> None:
    delivering.subscribe()
    delivering.receiver.answer = slowly
    started = time.monotonic()

    delivering.product()

    assert time.monotonic() - started < 0.9
    assert len(delivering.received()) == 1


# Mischief


def test_every_delivery_can_be_doubled(delivering: Delivering) -> None:
    delivering.subscribe()
    delivering.control("delivery_plan", duplicate=1.0)

    delivering.product()

    first, second = delivering.received()
    assert (first.body, first.headers) == (second.body, second.headers)
    assert [one["copy_of"] for one in delivering.settled()] == [None, 1]


def test_deliveries_can_be_dropped(delivering: Delivering) -> None:
    delivering.subscribe()
    delivering.control("delivery_plan", drop=1.0)

    delivering.product()

    assert [one["state"] for one in delivering.settled()] == ["dropped"]
    assert delivering.receiver.received == []


def test_deliveries_can_be_late(delivering: Delivering) -> None:
    delivering.control("clock", freeze=FROZEN)
    delivering.subscribe()
    delivering.control("delivery_plan", delay_s=3600)

    delivering.product()
    before = delivering.received()
    delivering.wait(hours=1)

    assert before == []
    assert delivering.only("products/create").headers["x-shopify-triggered-at"].startswith("2026-11-20T12:00:00")


def test_deliveries_come_in_another_order_with_the_same_seed_in_the_same(delivering: Delivering) -> None:
    orders = []
    for _ in range(2):
        delivering.control("reset")
        delivering.send_to(delivering.receiver.origin)
        delivering.receiver.reset()
        delivering.control("clock", freeze=FROZEN)
        delivering.subscribe()
        delivering.control("delivery_plan", shuffle_window_s=600, seed=7, concurrency=1)
        for number in range(8):
            delivering.product(title=f"Mug {number}")
        delivering.wait(seconds=600)
        orders.append([one.payload["title"] for one in delivering.received()])

    assert orders[0] == orders[1] != sorted(orders[0])
    assert len(orders[0]) == 8


def test_delivery_by_hand_is_an_objects_own_payload(delivering: Delivering) -> None:
    product = delivering.product()

    answer = delivering.control("deliver", topic="products/update", id=product["id"], to=HOOKS)

    (got,) = delivering.receiver.received
    assert got.payload["handle"] == product["handle"]
    assert got.headers["x-shopify-hmac-sha256"] == signature(got.body, delivering.process.client_secret)
    assert [one["attempts"][0]["status"] for one in answer["deliveries"]] == [200]


def test_deliveries_by_hand_are_doubled_shuffled_and_late(delivering: Delivering) -> None:
    delivering.control("clock", freeze=FROZEN)
    batch = [{"payload": {"n": number}} for number in range(6)]

    delivering.control("deliver", topic="orders/create", to=HOOKS, times=2, late_s=86_400, batch=batch, shuffle=True, seed=3)

    got = delivering.receiver.received
    assert sorted(numbered(got)) == sorted([*range(6)] * 2)
    assert numbered(got) != sorted(numbered(got))
    assert {one.headers["x-shopify-triggered-at"][:10] for one in got} == {"2026-11-19"}
    assert len({one.headers["x-shopify-webhook-id"] for one in got}) == 6


def test_delivery_by_hand_can_be_forged(delivering: Delivering) -> None:
    headers = {"X-Shopify-Shop-Domain": "victim.myshopify.com", "X-Shopify-Topic": None}

    delivering.control("deliver", topic="app/uninstalled", payload={}, to=HOOKS, headers=headers)
    delivering.control("deliver", topic="orders/create", payload={}, to=HOOKS, wrong_signature=True)
    delivering.control("deliver", topic="orders/create", body="{not json", to=HOOKS, secret="shpss_revoked")

    swapped, unsigned, broken = delivering.receiver.received
    assert swapped.headers["x-shopify-shop-domain"] == "victim.myshopify.com"
    assert "x-shopify-topic" not in swapped.headers
    assert swapped.headers["x-shopify-hmac-sha256"] == signature(swapped.body, delivering.process.client_secret)
    assert unsigned.headers["x-shopify-hmac-sha256"] != signature(unsigned.body, delivering.process.client_secret)
    assert (broken.body, broken.headers["x-shopify-hmac-sha256"]) == (b"{not json", signature(b"{not json", "shpss_revoked"))


def test_subscription_can_end_unasked(delivering: Delivering) -> None:
    own = delivering.subscribe()

    answer = delivering.control("subscriptions", "DELETE", params=f"?id={own}")

    assert answer == {"ended": True}
    assert delivering.listed() == []


def test_reset_forgets_deliveries_and_plans(delivering: Delivering) -> None:
    delivering.control("clock", freeze=FROZEN)
    delivering.configure("products/create")
    delivering.control("delivery_plan", delay_s=60, duplicate=1)
    delivering.product()

    delivering.control("reset")

    assert delivering.settled() == []
    assert delivering.control("subscriptions", "GET")["subscriptions"] == []
    assert delivering.control("delivery_plan", "GET")["duplicate"] == 0


def test_option_says_where_deliveries_go() -> None:
    with running_receiver() as receiver, run_fake_store("--empty", "--deliver", f"{APP}={receiver.origin}/in") as process:
        delivering = Delivering(process, EmptyStore(process.base_url), receiver)
        delivering.subscribe()
        delivering.send_to(None)
        delivering.control("reset")
        delivering.subscribe()

        delivering.product()

        assert delivering.only("products/create").path == "/in/hooks"


MISTAKES: dict[str, tuple[str, dict[str, Any]]] = {
    "unknown knob": ("delivery_plan", {"late": 1}),
    "impossible probability": ("delivery_plan", {"drop": 2}),
    "no workers": ("delivery_plan", {"concurrency": 0}),
    "no address": ("addresses", {APP: "here"}),
    "no https origin": ("addresses", {"http://app.example": "http://127.0.0.1:1"}),
    "nobody to deliver to": ("deliver", {"topic": "orders/create", "payload": {}}),
    "nothing to deliver": ("deliver", {"topic": "orders/create", "to": HOOKS}),
    "unknown object": ("deliver", {"topic": "orders/create", "to": HOOKS, "id": "gid://shopify/Order/1"}),
    "object of another type": ("deliver", {"topic": "orders/create", "to": HOOKS, "id": "gid://shopify/Product/1"}),
    "unknown key of a delivery": ("deliver", {"topic": "orders/create", "colour": "red"}),
    "subscription without topics": ("subscriptions", {"uri": HOOKS}),
    "subscription without an address": ("subscriptions", {"topics": ["orders/create"]}),
    "subscription with a bad filter": ("subscriptions", {"topics": ["orders/create"], "uri": HOOKS, "filter": "anything"}),
    "no compliance topic": ("subscriptions", {"compliance_topics": ["orders/create"], "uri": HOOKS}),
    "app without a secret": ("apps", {"client_id": "new", "name": "new"}),
    "no compliance request": ("compliance", {"topic": "orders/create"}),
    "unknown setting of the shop": ("shop", {"colour": "red"}),
    "unknown zone": ("shop", {"zone": "Mars/Base"}),
    "unknown shop": ("uninstall", {"shop": "nobody.myshopify.com"}),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_in_control_is_told(delivering: Delivering, name: str) -> None:
    action, body = MISTAKES[name]

    assert delivering.control(action, expect=400, **body)["error"]


# Leaving and forgetting


def test_uninstalled_app_hears_of_it_and_is_forgotten(delivering: Delivering) -> None:
    delivering.control("clock", freeze=FROZEN)
    delivering.subscribe("APP_UNINSTALLED")
    delivering.configure(compliance_topics=["shop/redact"])
    with_app(delivering, "other")
    delivering.control("subscriptions", topics=["app/uninstalled"], uri=HOOKS, client_id="other")

    delivering.control("uninstall")

    got = delivering.only("app/uninstalled")
    assert got.payload["myshopify_domain"] == delivering.process.shop.shop_domain
    assert "errors" in delivering.store.answer("{ shop { name } }")
    assert [one["shop_domain"] for one in delivering.control("subscriptions", "GET")["subscriptions"]] == [None, None]
    delivering.wait(hours=47)
    assert delivering.topics() == ["app/uninstalled"]


def test_shop_is_to_be_forgotten_48_hours_after_the_app_left(delivering: Delivering) -> None:
    delivering.control("clock", freeze=FROZEN)
    delivering.configure(compliance_topics=["shop/redact"])

    delivering.store.data("mutation { appUninstall { userErrors { message } } }")
    delivering.wait(hours=48)

    shop = delivering.process.shop.shop_domain
    assert told_in_time(delivering, "shop/redact").payload["shop_domain"] == shop


def test_shop_is_not_forgotten_when_the_app_came_back(delivering: Delivering) -> None:
    delivering.control("clock", freeze=FROZEN)
    delivering.configure("products/create", compliance_topics=["shop/redact"])

    delivering.control("uninstall")
    delivering.control("grants", token="shpat_again", shop_domain=delivering.process.shop.shop_domain)
    delivering.wait(hours=72)
    again = EmptyStore(delivering.store.base_url, token="shpat_again")
    again.data(MAKE_PRODUCT, product={"title": "After all"})

    assert told_in_time(delivering, "products/create").payload["title"] == "After all"
    assert delivering.topics() == ["products/create"]


@pytest.mark.parametrize(
    ("topic", "keys"),
    [
        pytest.param("customers/data_request", "customer data_request orders_requested shop_domain shop_id", id="data request"),
        pytest.param("customers/redact", "customer orders_to_redact shop_domain shop_id", id="redact a customer"),
        pytest.param("shop/redact", "shop_domain shop_id", id="redact a shop"),
    ],
)
def test_privacy_request_reaches_who_configured_it(delivering: Delivering, topic: str, keys: str) -> None:
    delivering.configure(compliance_topics=[topic])
    made = delivering.store.data(
        'mutation { customerCreate(input: {email: "a@shop.example"}) { customer { id } userErrors { message } } }'
    )
    number = int(made["customer"]["id"].rsplit("/", 1)[-1])

    asked: dict[str, Any] = {} if topic == "shop/redact" else {"customer": {"id": number}}
    delivering.control("compliance", topic=topic, **asked)

    payload = delivering.only(topic).payload
    assert sorted(payload) == keys.split()
    if "customer" in payload:
        assert payload["customer"] == {"id": number, "email": "a@shop.example", "phone": None}


def test_compliance_topics_are_no_topics_of_the_api(delivering: Delivering) -> None:
    answer = delivering.store.answer(SUBSCRIBE, topic="CUSTOMERS_REDACT", input={"uri": HOOKS})

    assert answer["errors"][0]["extensions"]["value"] == "CUSTOMERS_REDACT"
