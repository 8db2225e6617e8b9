"""The fake's orders: what they come to, their payments, and finding, changing, cancelling and deleting them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fake.conftest import EmptyStore
from tests.fake.order_calls import (
    CANCEL,
    CREATE,
    LIST,
    MARK_PAID,
    cad,
    create,
    fulfill,
    homes,
    line,
    paid,
    read,
    refuse,
    said,
    shop_amount,
)

UNKNOWN = "gid://shopify/Order/404"
UPDATE = """
mutation Update($input: OrderInput!) {
  orderUpdate(input: $input) {
    order {
      email note tags customAttributes { key value } shippingAddress { city } metafield(namespace: "app", key: "kind") { value }
    }
    userErrors { field message }
  }
}
"""
DELETE = "mutation Delete($id: ID!) { orderDelete(orderId: $id) { deletedId userErrors { field message code } } }"
CLOSE = "mutation Close($id: ID!) { orderClose(input: {id: $id}) { order { closedAt } userErrors { field message } } }"
OPEN = "mutation Open($id: ID!) { orderOpen(input: {id: $id}) { order { closedAt } userErrors { field message } } }"
SET_CUSTOMER = """
mutation Set($order: ID!, $customer: ID!) {
  orderCustomerSet(orderId: $order, customerId: $customer) { order { customer { id } } userErrors { field message code } }
}
"""
REMOVE_CUSTOMER = """
mutation Remove($order: ID!) {
  orderCustomerRemove(orderId: $order) { order { customer { id } } userErrors { field message code } }
}
"""
CAPTURE = """
mutation Capture($input: OrderCaptureInput!) {
  orderCapture(input: $input) { transaction { kind amountSet { shopMoney { amount } } } userErrors { field message } }
}
"""
VOID = """
mutation Void($id: ID!) {
  transactionVoid(parentTransactionId: $id) { transaction { kind } userErrors { field message code } }
}
"""
MANUAL = """
mutation Manual($id: ID!, $amount: MoneyInput) {
  orderCreateManualPayment(id: $id, amount: $amount, paymentMethodName: "Cheque") {
    order { displayFinancialStatus transactions(first: 5) { gateway } } userErrors { field message }
  }
}
"""
COUNT = "query Count($query: String, $limit: Int = 10000) { ordersCount(query: $query, limit: $limit) { count precision } }"
CUSTOMER = "mutation New($email: String) { customerCreate(input: {email: $email}) { customer { id } userErrors { message } } }"


def names(store: EmptyStore, query: str | None = None, **arguments: Any) -> list[str]:
    """Return the names of the orders that a search finds."""
    return [node["name"] for node in store.data(LIST, query=query, **arguments)["nodes"]]


# What an order comes to


def test_an_order_adds_up_lines_discount_shipping_and_tax(empty_store: EmptyStore) -> None:
    order = create(
        empty_store,
        lineItems=[
            line("Cup", "10.00", 2, taxLines=[{"title": "GST", "rate": 0.05, "priceSet": cad("0.90")}]),
            line("Pot", "5.00"),
        ],
        shippingLines=[{"title": "Courier", "priceSet": cad("7.00")}],
        discountCode={"itemPercentageDiscountCode": {"code": "TEN", "percentage": 10}},
    )

    assert shop_amount(order["subtotalPriceSet"]) == "22.5"
    assert shop_amount(order["totalDiscountsSet"]) == "2.5"
    assert shop_amount(order["totalShippingPriceSet"]) == "7.0"
    assert shop_amount(order["totalTaxSet"]) == "0.9"
    assert shop_amount(order["totalPriceSet"]) == "30.4"
    assert order["totalPrice"] == "30.40"
    assert order["discountCodes"] == ["TEN"]


def test_taxes_that_prices_include_are_not_added(empty_store: EmptyStore) -> None:
    tax = {"title": "VAT", "rate": 0.25, "priceSet": cad("2.00")}

    order = create(empty_store, taxesIncluded=True, lineItems=[line(taxLines=[tax])])

    assert (shop_amount(order["totalTaxSet"]), shop_amount(order["totalPriceSet"])) == ("2.0", "10.0")


def test_a_fixed_discount_is_split_in_proportion_to_the_cent(empty_store: EmptyStore) -> None:
    order = create(
        empty_store,
        lineItems=[line("A", "1.00"), line("B", "1.00"), line("C", "1.00")],
        discountCode={"itemFixedDiscountCode": {"code": "ONE", "amountSet": cad("1.00")}},
    )

    shares = [
        shop_amount(share["allocatedAmountSet"]) for node in order["lineItems"]["nodes"] for share in node["discountAllocations"]
    ]

    assert shares == ["0.34", "0.33", "0.33"]


def test_a_fixed_discount_never_exceeds_the_lines(empty_store: EmptyStore) -> None:
    order = create(empty_store, discountCode={"itemFixedDiscountCode": {"code": "BIG", "amountSet": cad("99.00")}})

    assert shop_amount(order["totalPriceSet"]) == "0.0"


def test_a_free_shipping_code_takes_off_the_shipping_only(empty_store: EmptyStore) -> None:
    order = create(
        empty_store,
        shippingLines=[{"title": "Courier", "priceSet": cad("7.00")}],
        discountCode={"freeShippingDiscountCode": {"code": "FREE"}},
    )

    assert shop_amount(order["totalPriceSet"]) == "10.0"


def test_an_order_in_another_currency_shows_both(empty_store: EmptyStore) -> None:
    both = {"shopMoney": {"amount": "10.00", "currencyCode": "CAD"}, "presentmentMoney": {"amount": "7.00", "currencyCode": "USD"}}

    order = create(empty_store, presentmentCurrency="USD", lineItems=[{"title": "Pot", "quantity": 2, "priceSet": both}])

    assert order["totalPriceSet"] == {
        "shopMoney": {"amount": "20.0", "currencyCode": "CAD"},
        "presentmentMoney": {"amount": "14.0", "currencyCode": "USD"},
    }


# Payments


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, None),
        ({"financialStatus": "PENDING"}, "PENDING"),
        ({"transactions": [paid("10.00")]}, "PAID"),
        ({"transactions": [paid("4.00")]}, "PARTIALLY_PAID"),
        ({"transactions": [paid("10.00", kind="AUTHORIZATION")]}, "AUTHORIZED"),
    ],
    ids=["nothing said", "said to be pending", "paid", "partly paid", "authorised"],
)
def test_the_financial_status_follows_the_payments(empty_store: EmptyStore, given: dict[str, Any], status: str | None) -> None:
    assert create(empty_store, **given)["displayFinancialStatus"] == status


def test_marking_as_paid_books_what_is_outstanding_once(empty_store: EmptyStore) -> None:
    order = create(empty_store, transactions=[paid("4.00")])

    first = empty_store.data(MARK_PAID, id=order["id"])
    second = empty_store.data(MARK_PAID, id=order["id"])

    assert first["order"]["displayFinancialStatus"] == "PAID"
    booked = first["order"]["transactions"][-1]
    assert (booked["gateway"], shop_amount(booked["amountSet"])) == ("manual", "6.0")
    assert second["order"]["id"] == order["id"]
    assert said(second) == [(["id"], "Order cannot be marked as paid.")]


def test_an_authorisation_can_be_captured_in_part(empty_store: EmptyStore) -> None:
    order = create(empty_store, transactions=[paid("10.00", kind="AUTHORIZATION")])
    given = {"id": order["id"], "parentTransactionId": order["transactions"][0]["id"], "amount": "4.00"}

    captured = empty_store.data(CAPTURE, input=given)
    too_much = empty_store.data(CAPTURE, input=given | {"amount": "11.00"})

    assert captured["transaction"] == {"kind": "CAPTURE", "amountSet": {"shopMoney": {"amount": "4.0"}}}
    assert shop_amount(read(empty_store, order)["totalReceivedSet"]) == "4.0"
    assert too_much["transaction"] is None


def test_a_voided_authorisation_leaves_the_order_voided(empty_store: EmptyStore) -> None:
    order = create(empty_store, transactions=[paid("10.00", kind="AUTHORIZATION")])
    authorisation = order["transactions"][0]["id"]

    first = empty_store.data(VOID, id=authorisation)
    second = empty_store.data(VOID, id=authorisation)

    assert first["transaction"] == {"kind": "VOID"}
    assert read(empty_store, order)["displayFinancialStatus"] == "VOIDED"
    assert second["userErrors"][0]["code"] == "AUTH_NOT_VOIDABLE"


def test_a_manual_payment_pays_everything_and_a_part_needs_plus(empty_store: EmptyStore) -> None:
    order = create(empty_store)

    part = empty_store.answer(MANUAL, id=order["id"], amount={"amount": "4.00", "currencyCode": "CAD"})
    whole = empty_store.data(MANUAL, id=order["id"])

    assert part["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert whole["order"] == {"displayFinancialStatus": "PAID", "transactions": [{"gateway": "Cheque"}]}


# What is refused


def test_a_line_without_title_and_with_an_unknown_variant_has_three_errors(empty_store: EmptyStore) -> None:
    errors = refuse(empty_store, lineItems=[{"variantId": "gid://shopify/ProductVariant/404", "quantity": 1}])

    assert [field for field, _ in errors] == [["order"], ["order", "lineItems"], ["order", "lineItems"]]
    assert errors[0][1] == "Order Line items is invalid"


def test_taxes_stand_on_the_order_or_on_its_lines(empty_store: EmptyStore) -> None:
    tax = {"title": "GST", "rate": 0.05, "priceSet": cad("0.50")}

    ((field, message),) = refuse(empty_store, taxLines=[tax], lineItems=[line(taxLines=[tax])])

    assert field == ["order"]
    assert "not both" in message


def test_an_order_from_the_future_is_made_now_in_newer_versions_only(empty_store: EmptyStore) -> None:
    future = {"lineItems": [line()], "processedAt": "2999-01-01T00:00:00Z"}

    newer = empty_store.data(CREATE, order=future)
    older = empty_store.at("2026-04").data(CREATE, order=future)

    assert newer["userErrors"] == []
    assert older["userErrors"][0]["code"] == "PROCESSED_AT_INVALID"


@pytest.mark.parametrize("email", ["nobody", "a@b@c.example", "x" * 250 + "@d.example"], ids=["no at", "two ats", "too long"])
def test_an_order_needs_a_real_email_address(empty_store: EmptyStore, email: str) -> None:
    ((field, _),) = refuse(empty_store, lineItems=[line()], email=email)

    assert field == ["order", "email"]


# Customers


def test_an_email_address_makes_a_customer_once(empty_store: EmptyStore) -> None:
    first = create(empty_store, email="ada@shop.example")
    second = create(empty_store, email="ADA@shop.example")

    assert first["customer"]["email"] == "ada@shop.example"
    assert second["customer"]["id"] == first["customer"]["id"]


def test_the_customers_statistics_count_the_orders(empty_store: EmptyStore) -> None:
    order = create(empty_store, email="ada@shop.example", transactions=[paid("10.00")])
    create(empty_store, email="ada@shop.example", transactions=[paid("10.00")])

    customer = empty_store.data(
        "query($id: ID!) { customer(id: $id) { numberOfOrders amountSpent { amount } orders(first: 5) { nodes { name } } } }",
        id=order["customer"]["id"],
    )

    assert customer["numberOfOrders"] == "2"
    assert customer["amountSpent"] == {"amount": "20.0"}
    assert [node["name"] for node in customer["orders"]["nodes"]] == ["#1001", "#1002"]


def test_an_order_can_change_its_customer(empty_store: EmptyStore) -> None:
    order = create(empty_store)
    customer = empty_store.data(CUSTOMER, email="bob@shop.example")["customer"]

    given = empty_store.data(SET_CUSTOMER, order=order["id"], customer=customer["id"])
    taken = empty_store.data(REMOVE_CUSTOMER, order=order["id"])
    unknown = empty_store.data(SET_CUSTOMER, order=order["id"], customer="gid://shopify/Customer/404")

    assert given["order"]["customer"] == {"id": customer["id"]}
    assert taken["order"]["customer"] is None
    assert [error["code"] for error in unknown["userErrors"]] == ["NOT_FOUND"]


# Changing


def test_an_update_changes_what_it_names_and_nothing_else(empty_store: EmptyStore) -> None:
    order = create(empty_store, email="ada@shop.example", note="old", tags=["one"])

    changed = empty_store.data(
        UPDATE,
        input={
            "id": order["id"],
            "tags": ["two", "TWO", "three"],
            "customAttributes": [{"key": "gift", "value": "yes"}],
            "shippingAddress": {"address1": "1 Main St", "city": "Ottawa", "countryCode": "CA", "zip": "K1A 0B1"},
            "metafields": [{"namespace": "app", "key": "kind", "value": "v", "type": "single_line_text_field"}],
        },
    )

    assert changed == {
        "order": {
            "email": "ada@shop.example",
            "note": "old",
            "tags": ["three", "two"],
            "customAttributes": [{"key": "gift", "value": "yes"}],
            "shippingAddress": {"city": "Ottawa"},
            "metafield": {"value": "v"},
        },
        "userErrors": [],
    }


def test_an_unknown_order_does_not_exist(empty_store: EmptyStore) -> None:
    assert said(empty_store.data(UPDATE, input={"id": UNKNOWN, "note": "x"})) == [(["id"], "Order does not exist")]
    assert said(empty_store.data(CLOSE, id=UNKNOWN)) == [(["id"], "Order does not exist")]
    assert said(empty_store.data(MARK_PAID, id=UNKNOWN)) == [(["id"], "Order does not exist")]
    assert empty_store.data("query($id: ID!) { order(id: $id) { id } }", id=UNKNOWN) is None


def test_an_id_of_another_type_is_no_order(empty_store: EmptyStore) -> None:
    answer = empty_store.answer("query($id: ID!) { order(id: $id) { id } }", id="gid://shopify/Product/1")

    assert answer["errors"][0]["extensions"]["code"] == "RESOURCE_NOT_FOUND"


def test_an_order_is_closed_and_opened_again(empty_store: EmptyStore) -> None:
    order = create(empty_store)

    closed = empty_store.data(CLOSE, id=order["id"])["order"]["closedAt"]
    again = empty_store.data(CLOSE, id=order["id"])["order"]["closedAt"]
    opened = empty_store.data(OPEN, id=order["id"])["order"]["closedAt"]

    assert closed is not None
    assert again == closed
    assert opened is None


def test_a_deleted_order_is_gone_with_its_place_in_lists(empty_store: EmptyStore) -> None:
    order = create(empty_store, email="ada@shop.example")

    first, second = (empty_store.data(DELETE, id=order["id"]) for _ in range(2))

    assert first == {"deletedId": order["id"], "userErrors": []}
    assert [error["code"] for error in second["userErrors"]] == ["NOT_FOUND"]
    assert read(empty_store, order) is None
    assert names(empty_store) == []


def test_a_cancelled_order_is_closed_and_comes_to_nothing(empty_store: EmptyStore) -> None:
    order = create(empty_store, transactions=[paid("10.00")])

    answer = empty_store.data(CANCEL, id=order["id"], refund=True)
    after = read(empty_store, order)

    assert answer["job"]["done"] is False
    assert after["closedAt"] == after["cancelledAt"] is not None
    assert after["cancelReason"] == "CUSTOMER"
    assert [shop_amount(after[name]) for name in ("currentTotalPriceSet", "totalOutstandingSet", "netPaymentSet")] == ["0.0"] * 3
    assert after["displayFinancialStatus"] == "REFUNDED"
    assert [home["status"] for home in homes(after)] == ["CLOSED"]


def test_a_cancellation_without_refund_keeps_the_money(empty_store: EmptyStore) -> None:
    order = create(empty_store, transactions=[paid("10.00")])

    empty_store.data(CANCEL, id=order["id"])

    assert shop_amount(read(empty_store, order)["netPaymentSet"]) == "10.0"


def test_an_order_with_shipments_cannot_be_cancelled(empty_store: EmptyStore) -> None:
    order = create(empty_store)
    fulfill(empty_store, (homes(order)[0]["id"], []))

    answer = empty_store.data(CANCEL, id=order["id"])

    text = "Cannot cancel an order that has outstanding fulfillments"
    assert answer["job"] is None
    assert answer["orderCancelUserErrors"] == [{"field": ["orderId"], "message": text, "code": "INVALID"}]
    assert said(answer) == [(["orderId"], text)]


# Finding


def test_orders_are_found_by_what_they_are(empty_store: EmptyStore) -> None:
    create(empty_store, tags=["vip", "west"], email="ada@shop.example")
    create(empty_store, tags=["west"], transactions=[paid("10.00")])
    create(empty_store, lineItems=[line("Kettle", "30.00", sku="KET-1")])

    assert names(empty_store, "tag:west") == ["#1001", "#1002"]
    assert names(empty_store, "tag:west -tag:vip") == ["#1002"]
    assert names(empty_store, "name:#1003 OR name:1001") == ["#1001", "#1003"]
    assert names(empty_store, "email:ada@shop.example") == ["#1001"]
    assert names(empty_store, "financial_status:paid") == ["#1002"]
    assert names(empty_store, "sku:KET-1") == ["#1003"]
    assert names(empty_store, "Kettle") == ["#1003"]
    assert names(empty_store, "current_total_price:>20") == ["#1003"]


def test_orders_are_sorted_as_asked(empty_store: EmptyStore) -> None:
    for price in ("20.00", "5.00", "10.00"):
        create(empty_store, lineItems=[line(price=price)])

    assert names(empty_store, sortKey="TOTAL_PRICE") == ["#1002", "#1003", "#1001"]
    assert names(empty_store, sortKey="ORDER_NUMBER", reverse=True) == ["#1003", "#1002", "#1001"]


def test_a_count_beyond_its_limit_is_a_lower_bound(empty_store: EmptyStore) -> None:
    for _ in range(3):
        create(empty_store)

    assert empty_store.data(COUNT, limit=2) == {"count": 2, "precision": "AT_LEAST"}
    assert empty_store.data(COUNT, limit=None) == {"count": 3, "precision": "EXACT"}
    assert empty_store.data(COUNT, query="status:cancelled") == {"count": 0, "precision": "EXACT"}


def test_parts_of_an_order_are_nodes(empty_store: EmptyStore) -> None:
    order = create(empty_store, transactions=[paid("10.00")])
    ids = [order["lineItems"]["nodes"][0]["id"], order["transactions"][0]["id"], homes(order)[0]["id"], order["id"]]

    found = empty_store.data("query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", ids=ids)

    assert [node["__typename"] for node in found] == ["LineItem", "OrderTransaction", "FulfillmentOrder", "Order"]
    assert [node["id"] for node in found] == ids


def test_a_new_order_is_announced(empty_store: EmptyStore) -> None:
    create(empty_store, transactions=[paid("10.00")])

    assert {"orders/create", "orders/paid", "order_transactions/create"} <= set(empty_store.topics())
