"""Which deliveries a change makes, topic by topic, and that each says what Shopify's own says."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import pytest

from tests.fake import order_calls as orders
from tests.fake.delivering import Delivering, told_in_time
from tests.shared_data import SHARED_DATA, needs_shared_data

DEFAULT_TOPICS = """
    orders/create orders/updated orders/paid orders/cancelled orders/fulfilled products/create products/update products/delete
    customers/create customers/update customers/delete inventory_levels/update inventory_items/create inventory_items/update
    collections/create collections/update collections/delete discounts/create discounts/update discounts/delete shop/update
    app/uninstalled app/scopes_update bulk_operations/finish
""".split()
"""What the integration subscribes to."""

MORE_TOPICS = """
    orders/delete orders/partially_fulfilled refunds/create fulfillments/create fulfillments/update order_transactions/create
    inventory_levels/connect inventory_items/delete draft_orders/create locations/update
""".split()

Objects = dict[str, Any]


def errors_of(payload: Any) -> list[Any]:
    """Collect the user errors of a payload."""
    return [error for name, found in payload.items() if name.endswith("serErrors") for error in found]


def do(delivering: Delivering, document: str, **variables: Any) -> Any:
    """Run a mutation that must work and return its payload."""
    payload = delivering.store.data(document, **variables)
    assert errors_of(payload) == []
    return payload


# Objects to change


def a_product(delivering: Delivering) -> Objects:
    product = delivering.product()
    (variant,) = product["variants"]["nodes"]
    return {"id": product["id"], "variant": variant["id"], "item": variant["inventoryItem"]["id"]}


def a_stocked_product(delivering: Delivering) -> Objects:
    made = a_product(delivering)
    tracked = "mutation M($item: ID!) { inventoryItemUpdate(id: $item, input: {tracked: true}) { userErrors { message } } }"
    do(delivering, tracked, item=made["item"])
    other, primary = delivering.store.data("{ locations(first: 2, sortKey: NAME) { nodes { id } } }")["nodes"]
    return made | {"location": primary["id"], "other": other["id"]}


def a_collection(delivering: Delivering) -> Objects:
    create = 'mutation { collectionCreate(input: {title: "All"}) { collection { id } userErrors { message } } }'
    return {"id": do(delivering, create)["collection"]["id"], "product": a_product(delivering)["id"]}


def a_customer(delivering: Delivering, email: str = "a@shop.example") -> Objects:
    create = "mutation M($input: CustomerInput!) { customerCreate(input: $input) { customer { id } userErrors { message } } }"
    given = {"email": email, "addresses": [{"address1": "1 Main St", "city": "Ottawa", "countryCode": "CA"}]}
    return {"id": do(delivering, create, input=given)["customer"]["id"]}


def a_discount(delivering: Delivering) -> Objects:
    return {"id": do(delivering, DISCOUNT)["codeDiscountNode"]["id"]}


def an_order(delivering: Delivering) -> Objects:
    order = orders.create(delivering.store)
    return {"id": order["id"], "home": orders.homes(order)[0]["id"]}


def nothing(_: Delivering) -> Objects:
    return {}


DISCOUNT = """
mutation {
  discountCodeBasicCreate(basicCodeDiscount: {
    title: "Ten", code: "TEN", startsAt: "2026-01-01T00:00:00Z", context: {all: ALL},
    customerGets: {value: {percentage: 0.1}, items: {all: true}}
  }) { codeDiscountNode { id } userErrors { message } }
}
"""
SET = """
mutation M($item: ID!, $location: ID!, $other: ID!) {
  inventorySetQuantities(input: {
    name: "available", reason: "correction",
    quantities: [{inventoryItemId: $item, locationId: $location, quantity: 5, changeFromQuantity: null}]
  }) @idempotent(key: "set") { userErrors { message } }
  inventoryActivate(inventoryItemId: $item, locationId: $other, available: 2) @idempotent(key: "activate") {
    userErrors { message }
  }
}
"""
DAMAGE = """
mutation M($item: ID!, $location: ID!) {
  inventoryAdjustQuantities(input: {
    name: "damaged", reason: "damaged", changes: [
      {inventoryItemId: $item, locationId: $location, delta: 1, changeFromQuantity: 0, ledgerDocumentUri: "app://damage/1"}
    ]
  }) @idempotent(key: "damage") { userErrors { message } }
}
"""
ORDER_OF_VARIANT = """
mutation M($variant: ID!) {
  orderCreate(
    order: {lineItems: [{variantId: $variant, quantity: 1}], email: "b@shop.example", financialStatus: PAID}
    options: {inventoryBehaviour: DECREMENT_IGNORING_POLICY}
  ) { order { id } userErrors { message } }
}
"""
FULFILL = """
mutation M($home: ID!) {
  fulfillmentCreate(fulfillment: {lineItemsByFulfillmentOrder: [{fulfillmentOrderId: $home}]}) { userErrors { message } }
}
"""
STEPS: dict[str, tuple[Callable[[Delivering], Objects], str, str]] = {
    "product is made": (
        nothing,
        'mutation { productCreate(product: {title: "Mug"}) { userErrors { message } } }',
        "inventory_items/create products/create",
    ),
    "product is set": (
        nothing,
        """mutation { productSet(synchronous: true, input: {
            title: "Mug", productOptions: [{name: "Size", values: [{name: "S"}, {name: "L"}]}],
            variants: [{optionValues: [{optionName: "Size", name: "S"}], sku: "S"}]
        }) { userErrors { message } } }""",
        "inventory_items/create products/create",
    ),
    "product is changed": (
        a_product,
        'mutation M($id: ID!) { productUpdate(product: {id: $id, title: "Cup"}) { userErrors { message } } }',
        "products/update",
    ),
    "product is joined to a collection": (
        a_collection,
        """mutation M($id: ID!, $product: ID!) {
          productUpdate(product: {id: $product, collectionsToJoin: [$id]}) { userErrors { message } }
        }""",
        "collections/update products/update",
    ),
    "tags are added": (
        a_product,
        'mutation M($id: ID!) { tagsAdd(id: $id, tags: ["new"]) { userErrors { message } } }',
        "products/update",
    ),
    "metafield of a product is set": (
        a_product,
        """mutation M($id: ID!) {
          metafieldsSet(metafields: [{ownerId: $id, namespace: "custom", key: "era", type: "number_integer", value: "7"}]) {
            userErrors { message }
          }
        }""",
        "products/update",
    ),
    "media are added": (
        a_product,
        """mutation M($id: ID!) {
          productUpdate(product: {id: $id}, media: [{mediaContentType: IMAGE, originalSource: "https://x.example/1.png"}]) {
            userErrors { message }
          }
        }""",
        "products/update",
    ),
    "variant is added": (
        a_product,
        """mutation M($id: ID!) {
          productVariantsBulkCreate(productId: $id, strategy: PRESERVE_STANDALONE_VARIANT, variants: [
            {optionValues: [{optionName: "Title", name: "Large"}], inventoryItem: {sku: "L"}}
          ]) { userErrors { message } }
        }""",
        "inventory_items/create products/update",
    ),
    "variant is changed": (
        a_product,
        """mutation M($id: ID!, $variant: ID!) {
          productVariantsBulkUpdate(productId: $id, variants: [{id: $variant, price: "3", inventoryItem: {sku: "S"}}]) {
            userErrors { message }
          }
        }""",
        "inventory_items/update products/update",
    ),
    "product is deleted": (
        a_product,
        "mutation M($id: ID!) { productDelete(input: {id: $id}) { userErrors { message } } }",
        "products/delete",
    ),
    "inventory item is changed": (
        a_product,
        'mutation M($item: ID!) { inventoryItemUpdate(id: $item, input: {sku: "A"}) { userErrors { message } } }',
        "inventory_items/update",
    ),
    "stock is set and another location stocked": (a_stocked_product, SET, "inventory_levels/update products/update"),
    "damage is found": (a_stocked_product, DAMAGE, "inventory_levels/update"),
    "collection is made": (
        nothing,
        'mutation { collectionCreate(input: {title: "All"}) { userErrors { message } } }',
        "collections/create",
    ),
    "collection gets a product": (
        a_collection,
        """mutation M($id: ID!, $product: ID!) {
          collectionAddProducts(id: $id, productIds: [$product]) { userErrors { message } }
        }""",
        "collections/update",
    ),
    "collection is deleted": (
        a_collection,
        "mutation M($id: ID!) { collectionDelete(input: {id: $id}) { userErrors { message } } }",
        "collections/delete",
    ),
    "customer is made": (
        nothing,
        'mutation { customerCreate(input: {email: "a@shop.example"}) { userErrors { message } } }',
        "customers/create",
    ),
    "customer is changed": (
        a_customer,
        'mutation M($id: ID!) { customerUpdate(input: {id: $id, note: "kind"}) { userErrors { message } } }',
        "customers/update",
    ),
    "address is added": (
        a_customer,
        """mutation M($id: ID!) {
          customerAddressCreate(customerId: $id, address: {address1: "2 Side St", city: "Ottawa", countryCode: CA}) {
            userErrors { message }
          }
        }""",
        "customers/update",
    ),
    "customer is deleted": (
        a_customer,
        "mutation M($id: ID!) { customerDelete(input: {id: $id}) { userErrors { message } } }",
        "customers/delete",
    ),
    "order of a variant is paid at once": (
        a_stocked_product,
        ORDER_OF_VARIANT,
        "customers/create inventory_levels/update orders/create orders/paid products/update",
    ),
    "order is changed": (
        an_order,
        'mutation M($id: ID!) { orderUpdate(input: {id: $id, note: "soon"}) { userErrors { message } } }',
        "orders/updated",
    ),
    "order is paid": (
        an_order,
        "mutation M($id: ID!) { orderMarkAsPaid(input: {id: $id}) { userErrors { message } } }",
        "orders/paid orders/updated",
    ),
    "order is fulfilled": (an_order, FULFILL, "orders/fulfilled orders/updated"),
    "order is cancelled": (
        an_order,
        "mutation M($id: ID!) { orderCancel(orderId: $id, reason: OTHER, restock: true) { orderCancelUserErrors { message } } }",
        "orders/cancelled orders/updated",
    ),
    "discount is made": (nothing, DISCOUNT, "discounts/create"),
    "discount is ended": (
        a_discount,
        "mutation M($id: ID!) { discountCodeDeactivate(id: $id) { userErrors { message } } }",
        "discounts/update",
    ),
    "discount is deleted": (
        a_discount,
        "mutation M($id: ID!) { discountCodeDelete(id: $id) { userErrors { message } } }",
        "discounts/delete",
    ),
    "draft order is made": (
        nothing,
        """mutation {
          draftOrderCreate(input: {lineItems: [{title: "Tea", quantity: 1, originalUnitPrice: "5"}]}) {
            draftOrder { id } userErrors { message }
          }
        }""",
        "",
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_change_is_told_under_its_topics(delivering: Delivering, name: str) -> None:
    prepare, document, topics = STEPS[name]
    made = prepare(delivering)
    delivering.configure(*DEFAULT_TOPICS)

    answer = delivering.store.answer(document, **{key: value for key, value in made.items() if f"${key}" in document})

    assert "errors" not in answer
    assert [error for payload in answer["data"].values() for error in errors_of(payload)] == []
    assert delivering.topics() == topics.split()


def test_change_that_changes_nothing_is_not_told(delivering: Delivering) -> None:
    """Source: shopify.dev/changelog/no-op-for-unchanged-metafields-and-metaobjects."""
    made = a_product(delivering)
    _, document, _ = STEPS["metafield of a product is set"]
    do(delivering, document, id=made["id"])
    delivering.configure(*DEFAULT_TOPICS)

    do(delivering, document, id=made["id"])

    assert delivering.topics() == []


def test_refused_change_is_not_told(delivering: Delivering) -> None:
    delivering.configure(*DEFAULT_TOPICS)

    delivering.store.data('mutation { productCreate(product: {title: ""}) { userErrors { message } } }')

    assert delivering.topics() == []


def test_object_is_told_of_once_per_request_and_topic(delivering: Delivering) -> None:
    made = a_product(delivering)
    delivering.configure("products/update")

    delivering.store.data(
        """mutation M($id: ID!) {
          a: productUpdate(product: {id: $id, title: "A"}) { userErrors { message } }
          b: productUpdate(product: {id: $id, title: "B"}) { userErrors { message } }
        }""",
        id=made["id"],
    )

    assert delivering.only("products/update").payload["title"] == "B"


def test_shops_settings_are_told(delivering: Delivering) -> None:
    delivering.subscribe("SHOP_UPDATE")

    delivering.control("shop", name="Renamed", address={"city": "Toronto", "provinceCode": "ON"})

    payload = delivering.only("shop/update").payload
    assert (payload["name"], payload["city"], payload["province"]) == ("Renamed", "Toronto", "Ontario")
    assert delivering.store.data("{ shop { name } }") == {"name": "Renamed"}


def test_end_of_a_bulk_operation_is_told_to_the_app_that_began_it(delivering: Delivering) -> None:
    """Without the address of the result, which must be asked for."""
    delivering.control("apps", client_id="other", client_secret="shpss_other", name="Other")
    delivering.control("grants", token="shpat_other", shop_domain=delivering.process.shop.shop_domain, client_id="other")
    delivering.configure("bulk_operations/finish")
    delivering.configure("bulk_operations/finish", client_id="other")
    a_product(delivering)

    begun = do(
        delivering,
        """mutation { bulkOperationRunQuery(query: "{ products { edges { node { id } } } }") {
          bulkOperation { id } userErrors { message }
        } }""",
    )

    payload = told_in_time(delivering, "bulk_operations/finish").payload
    assert payload["admin_graphql_api_id"] == begun["bulkOperation"]["id"]
    assert (payload["status"], payload["type"], payload["error_code"]) == ("completed", "query", None)
    assert sorted(payload) == ["admin_graphql_api_id", "completed_at", "created_at", "error_code", "status", "type"]
    assert len(delivering.received()) == 1


def test_scopes_are_told_with_those_before(delivering: Delivering) -> None:
    delivering.subscribe("APP_SCOPES_UPDATE")
    shop = delivering.process.shop.shop_domain
    scopes = delivering.store.data("{ currentAppInstallation { accessScopes { handle } } }")["accessScopes"]
    before = {one["handle"] for one in scopes}

    delivering.control("grants", token="shpat_more", shop_domain=shop, scopes=[*before, "read_translations", "read_reports"])

    payload = delivering.only("app/scopes_update").payload
    assert set(payload["previous"]) == before
    assert set(payload["current"]) == before | {"read_translations", "read_reports"}
    assert sorted(payload) == ["current", "id", "previous", "shop_id", "updated_at"]


def test_scopes_that_an_app_gives_up_are_told(delivering: Delivering) -> None:
    delivering.subscribe("APP_SCOPES_UPDATE")
    shop = delivering.process.shop.shop_domain
    delivering.control("grants", token="shpat_more", shop_domain=shop, scopes=["write_products", "read_reports"])
    delivering.settled()
    delivering.receiver.reset()
    more = type(delivering.store)(delivering.store.base_url, token="shpat_more")

    revoke = 'mutation { appRevokeAccessScopes(scopes: ["read_reports"]) { revoked { handle } userErrors { message } } }'
    assert more.data(revoke)["userErrors"] == []

    payload = delivering.only("app/scopes_update").payload
    assert set(payload["previous"]) - set(payload["current"]) == {"read_reports"}


# What a delivery says


def a_day(delivering: Delivering) -> None:
    """Make everything happen once that a default topic tells."""
    product = a_stocked_product(delivering)
    collection, customer, discount = (make(delivering) for make in (a_collection, a_customer, a_discount))
    steps = ("stock is set and another location stocked", "variant is changed", "media are added")
    for name in steps:
        _, document, _ = STEPS[name]
        delivering.store.data(document, **{key: value for key, value in product.items() if f"${key}" in document})
    _an_eventful_order(delivering, product, customer["id"])
    for made, names in (
        (collection, ("collection gets a product", "collection is deleted")),
        (a_customer(delivering, "c@shop.example"), ("address is added", "customer is deleted")),
        (discount, ("discount is ended", "discount is deleted")),
        (product, ("product is deleted",)),
    ):
        for name in names:
            _, document, _ = STEPS[name]
            do(delivering, document, **{key: value for key, value in made.items() if f"${key}" in document})
    delivering.control("shop", name="Renamed")


def _an_eventful_order(delivering: Delivering, product: Objects, customer: str) -> None:
    address = {"firstName": "Ada", "lastName": "Lee", "address1": "1 Main St", "city": "Ottawa", "countryCode": "CA"}
    order = orders.create(
        delivering.store,
        {"inventoryBehaviour": "DECREMENT_IGNORING_POLICY"},
        lineItems=[{"variantId": product["variant"], "quantity": 2}, orders.line()],
        customer={"toAssociate": {"id": customer}},
        shippingAddress=address | {"provinceCode": "ON", "zip": "K1A 0B1"},
        billingAddress=address,
        shippingLines=[{"title": "Post", "code": "post", "priceSet": orders.cad("4")}],
        discountCode={"itemPercentageDiscountCode": {"code": "TEN", "percentage": 10}},
        taxLines=[{"title": "HST", "rate": "0.13", "priceSet": orders.cad("1.00")}],
        customAttributes=[{"key": "gift", "value": "yes"}],
        transactions=[orders.paid("5.00")],
    )
    do(delivering, orders.MARK_PAID, id=order["id"])
    (home, *_) = orders.homes(order)
    assert orders.fulfill(delivering.store, (home["id"], []), trackingInfo={"number": "1Z", "company": "UPS"})["userErrors"] == []
    first = orders.read(delivering.store, order)["lineItems"]["nodes"][0]
    lines = [{"lineItemId": first["id"], "quantity": 1, "restockType": "RETURN", "locationId": product["location"]}]
    parent = orders.read(delivering.store, order)["transactions"][0]["id"]
    money = [{"orderId": order["id"], "kind": "REFUND", "amount": "3.00", "gateway": "manual", "parentId": parent}]
    assert orders.refund(delivering.store, order, refundLineItems=lines, transactions=money)["userErrors"] == []
    other = orders.create(delivering.store)
    do(delivering, orders.CANCEL, id=other["id"], restock=True)
    do(delivering, FULFILL, home=orders.homes(orders.create(delivering.store))[0]["id"])


@pytest.fixture
def day(delivering: Delivering) -> dict[str, Any]:
    """The last payload of every topic after a day on which everything happened."""
    delivering.configure(*DEFAULT_TOPICS, *MORE_TOPICS)
    a_day(delivering)
    found = delivering.received()
    delivering.control("uninstall")
    found += delivering.received("app/uninstalled")
    return {one.headers["x-shopify-topic"]: one.payload for one in found}


@lru_cache(maxsize=1)
def samples() -> dict[str, Any]:
    """Read Shopify's published sample of each topic; where it is empty, a real delivery."""
    found: dict[str, Any] = {}
    with gzip.open(SHARED_DATA / "webhook_payloads.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            found.setdefault(row["topic"], row["payload"])
    return {topic: payload or found.get(f"{topic.split('/')[0]}/*") for topic, payload in found.items()}


OWN_NAMES = {"properties", "note_attributes"}
"""Whose entries have names of their own."""


def differences(sample: Any, payload: Any, path: str = "") -> Iterator[str]:
    """Yield where two payloads have other fields, or values of another type."""
    if isinstance(sample, dict) and isinstance(payload, dict):
        yield from (f"{path}.{name} is missing" for name in sample.keys() - payload.keys())
        yield from (f"{path}.{name} is not Shopify's" for name in payload.keys() - sample.keys())
        for name in sample.keys() & payload.keys() - OWN_NAMES:
            yield from differences(sample[name], payload[name], f"{path}.{name}")
    elif isinstance(sample, list) and isinstance(payload, list):
        if sample and payload:
            yield from differences(sample[0], payload[0], f"{path}[]")
    elif sample is not None and payload is not None and _kind(sample) != _kind(payload):
        yield f"{path} is {payload!r} where Shopify has {sample!r}"


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


@needs_shared_data
def test_payloads_have_the_fields_of_shopifys_samples(day: dict[str, Any]) -> None:
    """Of cards there are no details here: the fake knows no cards."""
    known = samples()

    found = {topic: list(differences(known[topic], payload)) for topic, payload in day.items() if topic in known}

    found["order_transactions/create"].remove(".payment_details is missing")
    assert {topic: lines for topic, lines in found.items() if lines} == {}
    told_elsewhere = {"app/scopes_update", "bulk_operations/finish"}
    assert set(found) >= set(DEFAULT_TOPICS) - told_elsewhere


def test_payload_of_an_order_adds_up(day: dict[str, Any]) -> None:
    refund, paid = day["refunds/create"], day["orders/paid"]

    assert paid["financial_status"] == "paid"
    assert [line["title"] for line in paid["line_items"]] == ["Tea pot", "Tea pot"]
    assert paid["customer"]["email"] == "a@shop.example"
    assert paid["discount_codes"][0]["code"] == "TEN"
    total = sum(float(line["price"]) * line["quantity"] for line in paid["line_items"]) - float(paid["total_discounts"])
    assert float(paid["total_price"]) == pytest.approx(total + 4.00 + 1.00)
    assert paid["total_price_set"]["shop_money"] == {"amount": paid["total_price"], "currency_code": "CAD"}
    assert refund["refund_line_items"][0]["quantity"] == 1
    assert refund["transactions"][0]["amount"] == "3.00"
    assert day["orders/cancelled"]["cancel_reason"] == "customer"


def test_instants_are_written_in_the_shops_zone(day: dict[str, Any]) -> None:
    written = {name: value for name, value in day["orders/paid"].items() if name.endswith("_at") and value}

    assert written.keys() >= {"created_at", "updated_at", "processed_at"}
    assert all(value[19:] in ("-05:00", "-04:00") for value in written.values())


def test_deleted_object_leaves_its_number(day: dict[str, Any]) -> None:
    assert list(day["products/delete"]) == ["id"]
    assert day["products/delete"]["id"] == day["products/update"]["id"]
    assert day["discounts/delete"]["admin_graphql_api_id"].startswith("gid://shopify/DiscountCodeNode/")
