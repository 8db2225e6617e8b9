"""The fake's fulfillment orders, shipments and refunds, and what they do to stock."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.fake.conftest import EmptyStore
from tests.fake.order_calls import REFUND, cad, create, fulfill, homes, line, paid, read, refund, said, shop_amount

PLACES = "{ locations(first: 5) { nodes { id } } }"
HOLD = """
mutation Hold($id: ID!, $hold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
    fulfillmentOrder { status } remainingFulfillmentOrder { id } fulfillmentHold { id reason } userErrors { field message }
  }
}
"""
RELEASE = """
mutation Release($id: ID!) {
  fulfillmentOrderReleaseHold(id: $id) { fulfillmentOrder { status } userErrors { field message } }
}
"""
SPLIT = """
mutation Split($splits: [FulfillmentOrderSplitInput!]!) {
  fulfillmentOrderSplit(fulfillmentOrderSplits: $splits) {
    fulfillmentOrderSplits {
      fulfillmentOrder { id } remainingFulfillmentOrder { id lineItems(first: 5) { nodes { totalQuantity } } }
    }
    userErrors { field message code }
  }
}
"""
MERGE = """
mutation Merge($inputs: [FulfillmentOrderMergeInput!]!) {
  fulfillmentOrderMerge(fulfillmentOrderMergeInputs: $inputs) {
    fulfillmentOrderMerges { fulfillmentOrder { id lineItems(first: 5) { nodes { totalQuantity } } } }
    userErrors { field message code }
  }
}
"""
MOVE = """
mutation Move($id: ID!, $place: ID!, $lines: [FulfillmentOrderLineItemInput!]) {
  fulfillmentOrderMove(id: $id, newLocationId: $place, fulfillmentOrderLineItems: $lines) {
    movedFulfillmentOrder { id assignedLocation { location { id } } }
    originalFulfillmentOrder { id } remainingFulfillmentOrder { id } userErrors { field message code }
  }
}
"""
CANCEL_HOME = """
mutation CancelHome($id: ID!) {
  fulfillmentOrderCancel(id: $id) {
    fulfillmentOrder { status } replacementFulfillmentOrder { status } userErrors { field message }
  }
}
"""
CANCEL_SHIPMENT = """
mutation CancelShipment($id: ID!) {
  fulfillmentCancel(id: $id) { fulfillment { status displayStatus } userErrors { field message } }
}
"""
TRACK = """
mutation Track($id: ID!, $info: FulfillmentTrackingInput!) {
  fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: $info) {
    fulfillment { trackingInfo { number company } } userErrors { field message }
  }
}
"""
EVENT = """
mutation Event($event: FulfillmentEventInput!) {
  fulfillmentEventCreate(fulfillmentEvent: $event) { fulfillmentEvent { status } userErrors { field message } }
}
"""
OPEN_HOMES = "query Open($closed: Boolean) { fulfillmentOrders(first: 10, includeClosed: $closed) { nodes { id } } }"
SUGGEST = """
query Suggest($id: ID!, $lines: [RefundLineItemInput!]) {
  order(id: $id) {
    suggestedRefund(refundLineItems: $lines, refundShipping: true) {
      amountSet { shopMoney { amount } } subtotalSet { shopMoney { amount } }
      suggestedTransactions { kind parentTransaction { id } }
    }
  }
}
"""
NEW_PRODUCT = """
mutation New($product: ProductCreateInput!) {
  productCreate(product: $product) { product { variants(first: 1) { nodes { id inventoryItem { id } } } } userErrors { message } }
}
"""
TRACKED = """
mutation Tracked($id: ID!) { inventoryItemUpdate(id: $id, input: {tracked: true}) { userErrors { message } } }
"""
STOCK = """
mutation Stock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { message } }
}
"""
LEVEL = """
query Level($item: ID!, $place: ID!) {
  inventoryItem(id: $item) {
    inventoryLevel(locationId: $place) { quantities(names: ["available", "committed", "on_hand"]) { name quantity } }
  }
}
"""


def two_cups(store: EmptyStore, **values: Any) -> Any:
    """Create an order of three cups and one pot that are to be shipped."""
    lines = [line("Cup", "5.00", 3, requiresShipping=True), line("Pot", "20.00", requiresShipping=True)]
    return create(store, lineItems=lines, **values)


def entries(home: dict[str, Any]) -> list[Any]:
    """Return the lines of a fulfillment order."""
    return list(home["lineItems"]["nodes"])


def stocked_variant(store: EmptyStore, available: int) -> tuple[str, str, str]:
    """Make a tracked variant with stock and return the ids of variant, item and location."""
    place = store.data(PLACES)["nodes"][0]["id"]
    variant = store.data(NEW_PRODUCT, product={"title": "Cup"})["product"]["variants"]["nodes"][0]
    item = variant["inventoryItem"]["id"]
    assert store.data(TRACKED, id=item)["userErrors"] == []
    wanted = {"inventoryItemId": item, "locationId": place, "quantity": available, "changeFromQuantity": None}
    given = {"name": "available", "reason": "correction", "quantities": [wanted]}
    assert store.data(STOCK, input=given, key=str(uuid4()))["userErrors"] == []
    return variant["id"], item, place


def stock(store: EmptyStore, item: str, place: str) -> tuple[int, int, int]:
    """Return what is available, committed and on hand."""
    level = store.data(LEVEL, item=item, place=place)["inventoryLevel"]
    found = {one["name"]: one["quantity"] for one in level["quantities"]}
    return found["available"], found["committed"], found["on_hand"]


# Shipping


def test_a_new_order_waits_in_one_fulfillment_order(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store)

    (home,) = homes(order)

    assert home["status"] == "OPEN"
    assert [entry["remainingQuantity"] for entry in entries(home)] == [3, 1]
    assert order["displayFulfillmentStatus"] == "UNFULFILLED"


def test_shipping_everything_closes_the_fulfillment_order(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store)

    shipped = fulfill(empty_store, (homes(order)[0]["id"], []), trackingInfo={"number": "T1", "company": "Post"})
    after = read(empty_store, order)

    assert shipped["fulfillment"]["name"] == "#1001-F1"
    assert shipped["fulfillment"]["trackingInfo"] == [{"number": "T1", "company": "Post", "url": None}]
    assert after["displayFulfillmentStatus"] == "FULFILLED"
    assert [home["status"] for home in homes(after)] == ["CLOSED"]


def test_shipping_a_part_leaves_the_rest_in_progress(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store)
    (home,) = homes(order)

    shipped = fulfill(empty_store, (home["id"], [(entries(home)[0]["id"], 2)]))
    after = read(empty_store, order)

    assert shipped["fulfillment"]["totalQuantity"] == 2
    assert after["displayFulfillmentStatus"] == "PARTIALLY_FULFILLED"
    assert homes(after)[0]["status"] == "IN_PROGRESS"
    assert [entry["remainingQuantity"] for entry in entries(homes(after)[0])] == [1, 1]
    assert after["lineItems"]["nodes"][0]["unfulfilledQuantity"] == 1


def test_a_shipment_is_checked_quantities_first(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store)
    (home,) = homes(order)
    cup = entries(home)[0]["id"]

    none = fulfill(empty_store, ("gid://shopify/FulfillmentOrder/404", []), (home["id"], [(cup, 0)]))
    unknown = fulfill(empty_store, ("gid://shopify/FulfillmentOrder/404", []))
    too_many = fulfill(empty_store, (home["id"], [(cup, 4)]))

    ((field, message),) = said(none)
    assert field[-1] == "quantity"
    assert message == "Quantity must be greater than 0"
    assert said(unknown) == [(["fulfillment"], "Fulfillment order does not exist.")]
    assert said(too_many) == [(["fulfillment"], "Invalid fulfillment order line item quantity requested.")]


def test_a_shipment_belongs_to_one_order(empty_store: EmptyStore) -> None:
    first, second = two_cups(empty_store), two_cups(empty_store)

    payload = fulfill(empty_store, (homes(first)[0]["id"], []), (homes(second)[0]["id"], []))

    assert said(payload)[0][1].startswith("All fulfillment orders must belong to the same order.")


def test_a_cancelled_shipment_is_to_be_shipped_again(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store)
    shipped = fulfill(empty_store, (homes(order)[0]["id"], []))["fulfillment"]

    cancelled = empty_store.data(CANCEL_SHIPMENT, id=shipped["id"])
    after = read(empty_store, order)

    assert cancelled["fulfillment"] == {"status": "CANCELLED", "displayStatus": "CANCELED"}
    assert after["displayFulfillmentStatus"] == "UNFULFILLED"
    assert sorted(home["status"] for home in homes(after)) == ["CLOSED", "OPEN"]


def test_tracking_is_replaced_and_events_set_the_display_status(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store)
    shipped = fulfill(empty_store, (homes(order)[0]["id"], []), trackingInfo={"number": "T1"})["fulfillment"]

    tracked = empty_store.data(TRACK, id=shipped["id"], info={"numbers": ["A", "B"], "company": "Post"})
    event = empty_store.data(EVENT, event={"fulfillmentId": shipped["id"], "status": "IN_TRANSIT"})

    assert [one["number"] for one in tracked["fulfillment"]["trackingInfo"]] == ["A", "B"]
    assert event["fulfillmentEvent"] == {"status": "IN_TRANSIT"}
    assert read(empty_store, order)["fulfillments"][0]["displayStatus"] == "IN_TRANSIT"


# Fulfillment orders


def test_a_held_fulfillment_order_waits_until_it_is_released(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store)
    home = homes(order)[0]["id"]

    held = empty_store.data(HOLD, id=home, hold={"reason": "OTHER"})
    refused = fulfill(empty_store, (home, []))
    status = read(empty_store, order)["displayFulfillmentStatus"]
    released = empty_store.data(RELEASE, id=home)

    assert held["fulfillmentOrder"]["status"] == "ON_HOLD"
    assert status == "ON_HOLD"
    assert refused["fulfillment"] is None
    assert released["fulfillmentOrder"]["status"] == "OPEN"


def test_split_units_can_be_merged_again(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store)
    (home,) = homes(order)
    wanted = {"fulfillmentOrderId": home["id"], "fulfillmentOrderLineItems": [{"id": entries(home)[0]["id"], "quantity": 2}]}

    (split,) = empty_store.data(SPLIT, splits=[wanted])["fulfillmentOrderSplits"]
    other = split["remainingFulfillmentOrder"]
    intents = [{"fulfillmentOrderId": one} for one in (home["id"], other["id"])]
    merged = empty_store.data(MERGE, inputs=[{"mergeIntents": intents}])["fulfillmentOrderMerges"][0]["fulfillmentOrder"]

    assert [entry["totalQuantity"] for entry in entries(other)] == [2]
    assert merged["id"] == home["id"]
    assert [entry["totalQuantity"] for entry in entries(merged)] == [3, 1]


def test_moving_a_part_makes_a_second_fulfillment_order(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store)
    (home,) = homes(order)
    here = home["assignedLocation"]["location"]["id"]
    other = next(one["id"] for one in empty_store.data(PLACES)["nodes"] if one["id"] != here)

    part = empty_store.data(MOVE, id=home["id"], place=other, lines=[{"id": entries(home)[0]["id"], "quantity": 1}])
    rest = empty_store.data(MOVE, id=home["id"], place=other)

    assert part["movedFulfillmentOrder"]["assignedLocation"]["location"]["id"] == other
    assert part["remainingFulfillmentOrder"]["id"] == home["id"]
    assert rest["movedFulfillmentOrder"]["id"] == home["id"]
    assert rest["remainingFulfillmentOrder"] is None


def test_a_cancelled_fulfillment_order_is_replaced(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store)

    payload = empty_store.data(CANCEL_HOME, id=homes(order)[0]["id"])

    assert payload["fulfillmentOrder"]["status"] == "CLOSED"
    assert payload["replacementFulfillmentOrder"]["status"] == "OPEN"


def test_closed_fulfillment_orders_are_listed_when_asked_for(empty_store: EmptyStore) -> None:
    shipped, waiting = two_cups(empty_store), two_cups(empty_store)
    fulfill(empty_store, (homes(shipped)[0]["id"], []))

    assert [node["id"] for node in empty_store.data(OPEN_HOMES)["nodes"]] == [homes(waiting)[0]["id"]]
    assert len(empty_store.data(OPEN_HOMES, closed=True)["nodes"]) == 2


@pytest.mark.parametrize("home", ["gid://shopify/FulfillmentOrder/404", "gid://shopify/Order/1"], ids=["unknown", "another type"])
def test_an_unknown_fulfillment_order_ends_the_field(empty_store: EmptyStore, home: str) -> None:
    answer = empty_store.answer(RELEASE, id=home)

    assert answer["errors"][0]["message"] == f"Invalid id: {home}"


# Stock


def test_an_order_that_claims_stock_commits_ships_and_returns_it(empty_store: EmptyStore) -> None:
    variant, item, place = stocked_variant(empty_store, 10)
    options = {"inventoryBehaviour": "DECREMENT_IGNORING_POLICY"}

    order = create(empty_store, options, lineItems=[{"variantId": variant, "quantity": 3, "priceSet": cad("5.00")}])
    committed = stock(empty_store, item, place)
    fulfill(empty_store, (homes(order)[0]["id"], []))
    shipped = stock(empty_store, item, place)
    back = {"lineItemId": order["lineItems"]["nodes"][0]["id"], "quantity": 2, "restockType": "RETURN", "locationId": place}
    refund(empty_store, order, refundLineItems=[back])

    assert committed == (7, 3, 10)
    assert shipped == (7, 0, 7)
    assert stock(empty_store, item, place) == (9, 0, 9)


def test_an_order_that_obeys_policies_needs_stock(empty_store: EmptyStore) -> None:
    variant, item, place = stocked_variant(empty_store, 1)
    given = {"lineItems": [{"variantId": variant, "quantity": 2, "priceSet": cad("5.00")}]}

    payload = empty_store.data(
        "mutation($order: OrderCreateOrderInput!) { orderCreate(order: $order, options: "
        "{inventoryBehaviour: DECREMENT_OBEYING_POLICY}) { order { id } userErrors { code } } }",
        order=given,
    )

    assert payload == {"order": None, "userErrors": [{"code": "INVENTORY_CLAIM_FAILED"}]}
    assert stock(empty_store, item, place) == (1, 0, 1)


# Refunds


def test_returned_units_are_paid_back_and_leave_the_order(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store, transactions=[paid("35.00")])
    fulfill(empty_store, (homes(order)[0]["id"], []))
    cup = order["lineItems"]["nodes"][0]["id"]
    back = {"amount": "10.00", "gateway": "", "kind": "REFUND", "orderId": order["id"], "parentId": order["transactions"][0]["id"]}

    payload = refund(
        empty_store,
        order,
        note="broken",
        refundLineItems=[{"lineItemId": cup, "quantity": 2, "restockType": "RETURN"}],
        transactions=[back],
    )

    (entry,) = payload["refund"]["refundLineItems"]["nodes"]
    after = payload["order"]
    assert (shop_amount(entry["subtotalSet"]), entry["restocked"]) == ("10.0", True)
    assert shop_amount(payload["refund"]["totalRefundedSet"]) == "10.0"
    assert shop_amount(after["currentTotalPriceSet"]) == "25.0"
    assert shop_amount(after["totalPriceSet"]) == "35.0"
    assert after["lineItems"]["nodes"][0]["currentQuantity"] == 1
    assert after["displayFinancialStatus"] == "PARTIALLY_REFUNDED"


def test_unshipped_units_that_are_not_restocked_stay_in_the_order(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store, transactions=[paid("35.00")])
    cup = order["lineItems"]["nodes"][0]["id"]

    payload = refund(empty_store, order, refundLineItems=[{"lineItemId": cup, "quantity": 1, "restockType": "NO_RESTOCK"}])

    (entry,) = payload["refund"]["refundLineItems"]["nodes"]
    assert (shop_amount(entry["subtotalSet"]), entry["restocked"]) == ("0.0", False)


def test_a_refund_is_limited_by_units_and_money(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store, transactions=[paid("35.00")])
    cup = order["lineItems"]["nodes"][0]["id"]
    money = {"amount": "36.00", "gateway": "", "kind": "REFUND", "orderId": order["id"]}

    units = refund(empty_store, order, refundLineItems=[{"lineItemId": cup, "quantity": 4}], transactions=[money])
    amount = refund(empty_store, order, transactions=[money])

    where = ["refundLineItems", "0", "quantity"]
    assert said(units) == [(where, "Quantity cannot refund more items than were purchased")]
    assert said(amount) == [(None, "Refund amount $36.00 is greater than net payment received $35.00")]
    assert amount["order"]["id"] == order["id"]


def test_a_refund_needs_an_idempotency_key(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store, transactions=[paid("35.00")])

    answer = empty_store.answer(
        REFUND.replace(" @idempotent(key: $key)", "").replace(", $key: String!", ""), input={"orderId": order["id"]}
    )

    assert "errors" in answer


def test_a_refund_with_the_same_key_happens_once(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store, transactions=[paid("35.00")])
    money = {"amount": "5.00", "gateway": "", "kind": "REFUND", "orderId": order["id"], "parentId": order["transactions"][0]["id"]}

    first, second = (empty_store.data(REFUND, input={"orderId": order["id"], "transactions": [money]}, key="k") for _ in range(2))

    assert first["refund"]["id"] == second["refund"]["id"]
    assert shop_amount(read(empty_store, order)["totalRefundedSet"]) == "5.0"


def test_a_suggested_refund_covers_lines_and_shipping(empty_store: EmptyStore) -> None:
    order = two_cups(empty_store, transactions=[paid("42.00")], shippingLines=[{"title": "Courier", "priceSet": cad("7.00")}])
    cup = order["lineItems"]["nodes"][0]["id"]

    found = empty_store.data(SUGGEST, id=order["id"], lines=[{"lineItemId": cup, "quantity": 1}])["suggestedRefund"]

    assert found["subtotalSet"]["shopMoney"]["amount"] == "5.0"
    assert found["amountSet"]["shopMoney"]["amount"] == "12.0"
    assert [one["parentTransaction"]["id"] for one in found["suggestedTransactions"]] == [order["transactions"][0]["id"]]
