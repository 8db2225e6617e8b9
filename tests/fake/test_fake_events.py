"""The Events family: what a subscription with triggers is told, under which headers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fake.delivering import HOOKS, Delivering, signature
from tests.fake.receiver import Received

RENAME = 'mutation M($id: ID!) { productUpdate(product: {id: $id, title: "Kettle"}) { userErrors { message } } }'
REPRICE = """
mutation M($id: ID!, $variant: ID!) {
  productVariantsBulkUpdate(productId: $id, variants: [{id: $variant, price: "7.00"}]) { userErrors { message } }
}
"""
DELETE = "mutation M($id: ID!) { productDelete(input: {id: $id}) { userErrors { message } } }"
TRIGGERS = ["product.title", "product.variants.*"]


def listen(delivering: Delivering, **values: Any) -> None:
    """Subscribe to products in the words of an app configuration."""
    spec = {"handle": "catalogue", "topic": "Product", "uri": HOOKS, "triggers": TRIGGERS} | values
    delivering.control("subscriptions", **spec)


def told(delivering: Delivering) -> list[Received]:
    """Return the deliveries of the family."""
    return [one for one in delivering.received() if "shopify-topic" in one.headers]


def a_product(delivering: Delivering) -> tuple[str, str]:
    """Make a product and return its id and its variant's."""
    made = delivering.product()
    return made["id"], made["variants"]["nodes"][0]["id"]


def test_event_has_the_headers_of_its_family(delivering: Delivering) -> None:
    listen(delivering)

    a_product(delivering)

    (got,) = told(delivering)
    assert got.headers["shopify-topic"] == "Product"
    assert got.headers["shopify-action"] == "create"
    assert got.headers["shopify-handle"] == "catalogue"
    assert got.headers["shopify-shop-domain"] == delivering.process.shop.shop_domain
    assert got.headers["shopify-api-version"] == "2026-10"
    assert got.headers["shopify-webhook-id"]
    assert got.headers["shopify-hmac-sha256"] == signature(got.body, delivering.process.client_secret)
    assert not [name for name in got.headers if name.startswith("x-shopify")]
    assert not {"shopify-event-id", "shopify-resource-id"} & set(got.headers)


def test_headers_of_before_september_2026_can_be_asked_for(delivering: Delivering) -> None:
    delivering.control("delivery_plan", legacy_events_headers=True)
    listen(delivering)

    product, _ = a_product(delivering)

    (got,) = told(delivering)
    assert got.headers["shopify-resource-id"] == product
    assert got.headers["shopify-event-id"] not in ("", got.headers["shopify-webhook-id"])


def test_update_says_which_fields_changed(delivering: Delivering) -> None:
    listen(delivering, actions=["update"])
    product, variant = a_product(delivering)

    delivering.store.data(RENAME, id=product)
    delivering.store.data(REPRICE, id=product, variant=variant)

    renamed, repriced = (one.payload for one in told(delivering))
    assert renamed["fields_changed"] == {"added": [], "updated": [f"product[id: '{product}'].title"], "removed": []}
    path = f"product[id: '{product}'].variants[id: '{variant}'].price"
    assert repriced["fields_changed"] == {"added": [], "updated": [path], "removed": []}
    assert repriced["query_variables"] == {"productId": product, "variantsId": variant}
    assert (renamed["topic"], renamed["action"], renamed["handle"]) == ("Product", "update", "catalogue")


@pytest.mark.parametrize(
    ("triggers", "comes"),
    [
        pytest.param(["product.title"], True, id="the field"),
        pytest.param(["product.*"], True, id="every field"),
        pytest.param(["product.vendor", "product.variants.price"], False, id="other fields"),
        pytest.param(["product.titles"], False, id="field of a longer name"),
        pytest.param(None, True, id="without triggers"),
    ],
)
def test_update_comes_when_a_trigger_is_met(delivering: Delivering, triggers: list[str] | None, comes: bool) -> None:
    listen(delivering, actions=["update"], triggers=triggers)
    product, _ = a_product(delivering)

    delivering.store.data(RENAME, id=product)

    assert len(told(delivering)) == comes


def test_creation_and_deletion_are_told_to_who_asked(delivering: Delivering) -> None:
    listen(delivering, actions=["create", "delete"], triggers=None)
    product, _ = a_product(delivering)
    root = f"product[id: '{product}']"

    delivering.store.data(RENAME, id=product)
    delivering.store.data(DELETE, id=product)

    created, deleted = (one.payload for one in told(delivering))
    assert (created["action"], created["fields_changed"]["added"]) == ("create", [root])
    assert (deleted["action"], deleted["fields_changed"]["removed"]) == ("delete", [root])


def test_query_of_a_subscription_is_answered_with_the_event(delivering: Delivering) -> None:
    listen(delivering, actions=["update"], query="query Q($productId: ID!) { product(id: $productId) { title vendor } }")
    product, _ = a_product(delivering)

    delivering.store.data(RENAME, id=product)

    (got,) = told(delivering)
    assert got.payload["data"] == {"product": {"title": "Kettle", "vendor": "empty-shop"}}


@pytest.mark.parametrize(("wanted", "comes"), [("product.title:Kettle", True), ("product.title:Cup", False)])
def test_filter_looks_at_the_answer_of_the_query(delivering: Delivering, wanted: str, comes: bool) -> None:
    query = "query Q($productId: ID!) { product(id: $productId) { title } }"
    listen(delivering, actions=["update"], query=query, query_filter=wanted)
    product, _ = a_product(delivering)

    delivering.store.data(RENAME, id=product)

    assert len(told(delivering)) == comes


def test_event_by_hand(delivering: Delivering) -> None:
    delivering.control("deliver", family="events", topic="Order", action="create", handle="orders", to=HOOKS, payload={"n": 1})

    (got,) = told(delivering)
    assert got.payload == {"n": 1}
    assert (got.headers["shopify-topic"], got.headers["shopify-action"], got.headers["shopify-handle"]) == (
        "Order",
        "create",
        "orders",
    )


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"actions": ["rename"]}, id="unknown action"),
        pytest.param({"topic": None}, id="no topic"),
        pytest.param({"colour": "red"}, id="unknown key"),
    ],
)
def test_subscription_that_the_command_line_would_refuse_is_refused(delivering: Delivering, spec: dict[str, Any]) -> None:
    whole = {"handle": "catalogue", "topic": "Product", "uri": HOOKS, "triggers": TRIGGERS} | spec

    assert delivering.control("subscriptions", expect=400, **whole)["error"]
