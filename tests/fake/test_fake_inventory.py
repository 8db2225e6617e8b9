"""The fake's inventory: levels, quantities, stocking, transfers."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.fake.conftest import EmptyStore

CREATE = """
mutation Create($product: ProductCreateInput!) {
  productCreate(product: $product) {
    product { id variants(first: 1) { nodes { id inventoryItem { id } } } } userErrors { field message }
  }
}
"""
TRACK = """
mutation Track($id: ID!, $input: InventoryItemInput!) {
  inventoryItemUpdate(id: $id, input: $input) {
    inventoryItem { tracked sku unitCost { amount } measurement { weight { unit value } } } userErrors { field message }
  }
}
"""
PLACES = "{ locations(first: 10) { nodes { id name isPrimary } } }"
LEVELS = """
query Levels($id: ID!) {
  inventoryItem(id: $id) {
    inventoryLevels(first: 10, includeInactive: true) {
      nodes {
        id isActive location { id }
        quantities(names: ["available", "on_hand", "committed", "reserved", "incoming", "damaged"]) { name quantity }
      }
    }
  }
}
"""
GROUP = "{ inventoryAdjustmentGroup { reason changes { name delta quantityAfterChange } } userErrors { field message code } }"
SET = f"""
mutation Set($input: InventorySetQuantitiesInput!, $key: String!) {{
  inventorySetQuantities(input: $input) @idempotent(key: $key) {GROUP}
}}
"""
ADJUST = f"""
mutation Adjust($input: InventoryAdjustQuantitiesInput!, $key: String!) {{
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {GROUP}
}}
"""
MOVE = f"""
mutation Move($input: InventoryMoveQuantitiesInput!, $key: String!) {{
  inventoryMoveQuantities(input: $input) @idempotent(key: $key) {GROUP}
}}
"""
ACTIVATE = """
mutation Activate($item: ID!, $place: ID!, $available: Int, $onHand: Int, $key: String!) {
  inventoryActivate(inventoryItemId: $item, locationId: $place, available: $available, onHand: $onHand) @idempotent(key: $key) {
    inventoryLevel { id isActive quantities(names: ["available"]) { quantity } } userErrors { field message }
  }
}
"""
DEACTIVATE = "mutation Off($id: ID!) { inventoryDeactivate(inventoryLevelId: $id) { userErrors { field message } } }"


def key() -> str:
    return str(uuid4())


class Stock:
    """A tracked item of a new product, and the store's two locations."""

    def __init__(self, store: EmptyStore) -> None:
        self.store = store
        product = store.data(CREATE, product={"title": "Kettle"})["product"]
        self.item: str = product["variants"]["nodes"][0]["inventoryItem"]["id"]
        self.variant: str = product["variants"]["nodes"][0]["id"]
        store.data(TRACK, id=self.item, input={"tracked": True})
        places = store.data(PLACES)["nodes"]
        self.primary = next(one["id"] for one in places if one["isPrimary"])
        self.other = next(one["id"] for one in places if not one["isPrimary"])

    def levels(self) -> dict[str, dict[str, Any]]:
        nodes = self.store.data(LEVELS, id=self.item)["inventoryLevels"]["nodes"]
        return {node["location"]["id"]: node for node in nodes}

    def counts(self, place: str) -> dict[str, int]:
        return {one["name"]: one["quantity"] for one in self.levels()[place]["quantities"]}

    def set(self, count: int, place: str | None = None, name: str = "available", believed: int | None = None) -> Any:
        row = {"inventoryItemId": self.item, "locationId": place or self.primary, "quantity": count, "changeFromQuantity": believed}
        return self.store.data(SET, input={"name": name, "reason": "correction", "quantities": [row]}, key=key())

    def adjust(self, delta: int, name: str = "available", **row: Any) -> Any:
        change = {"inventoryItemId": self.item, "locationId": self.primary, "delta": delta, "changeFromQuantity": None} | row
        return self.store.data(ADJUST, input={"name": name, "reason": "correction", "changes": [change]}, key=key())


@pytest.fixture
def stock(empty_store: EmptyStore) -> Stock:
    return Stock(empty_store)


def test_new_item_is_stocked_at_the_primary_location_only(stock: Stock) -> None:
    assert list(stock.levels()) == [stock.primary]
    assert stock.counts(stock.primary)["available"] == 0


def test_level_id_names_its_item_and_finds_it_again(stock: Stock) -> None:
    level = stock.levels()[stock.primary]["id"]

    found = stock.store.data("query N($id: ID!) { node(id: $id) { id ... on InventoryLevel { item { id } } } }", id=level)

    assert level.endswith(f"?inventory_item_id={stock.item.rsplit('/', 1)[1]}")
    assert found == {"id": level, "item": {"id": stock.item}}


def test_setting_available_lists_the_change_of_on_hand_too(stock: Stock) -> None:
    answer = stock.set(5)

    changes = [(one["name"], one["delta"], one["quantityAfterChange"]) for one in answer["inventoryAdjustmentGroup"]["changes"]]
    assert changes == [("available", 5, None), ("on_hand", 5, None)]
    assert stock.counts(stock.primary)["on_hand"] == 5


def test_setting_what_is_already_so_makes_no_group(stock: Stock) -> None:
    stock.set(5)

    assert stock.set(5) == {"inventoryAdjustmentGroup": None, "userErrors": []}


def test_setting_on_hand_gives_the_difference_to_available(stock: Stock) -> None:
    stock.set(5)
    stock.adjust(2, "damaged", ledgerDocumentUri="ledger://repairs/1")

    stock.set(10, name="on_hand")

    counts = stock.counts(stock.primary)
    assert (counts["available"], counts["damaged"], counts["on_hand"]) == (8, 2, 10)


def test_stale_change_from_quantity_is_refused(stock: Stock) -> None:
    stock.set(5)

    errors = stock.set(9, believed=4)["userErrors"]

    assert [(one["field"], one["code"]) for one in errors] == [
        (["input", "quantities", "0", "changeFromQuantity"], "CHANGE_FROM_QUANTITY_STALE")
    ]
    assert stock.counts(stock.primary)["available"] == 5


def test_missing_change_from_quantity_fails_the_field_even_without_a_key(stock: Stock) -> None:
    document = """
    mutation Adjust($input: InventoryAdjustQuantitiesInput!) { inventoryAdjustQuantities(input: $input) { userErrors { message } } }
    """
    change = {"inventoryItemId": stock.item, "locationId": stock.primary, "delta": 1}

    answer = stock.store.answer(document, input={"name": "available", "reason": "correction", "changes": [change]})

    (error,) = answer["errors"]
    assert error["message"] == "InventoryChangeInput must include the following argument: changeFromQuantity."
    assert error["extensions"] == {"code": "INVALID_FIELD_ARGUMENTS"}
    assert len(error["locations"]) == 2


def test_older_version_compares_by_compare_quantity(stock: Stock) -> None:
    old = stock.store.at("2026-01")
    document = f"mutation Set($input: InventorySetQuantitiesInput!) {{ inventorySetQuantities(input: $input) {GROUP} }}"
    row = {"inventoryItemId": stock.item, "locationId": stock.primary, "quantity": 3}
    given = {"name": "available", "reason": "correction", "quantities": [row]}

    refused = old.data(document, input=given)
    taken = old.data(document, input=given | {"ignoreCompareQuantity": True})

    assert refused["userErrors"][0]["code"] == "COMPARE_QUANTITY_REQUIRED"
    assert taken["userErrors"] == []


def test_same_key_repeats_the_answer_and_changes_nothing(stock: Stock) -> None:
    change = {"inventoryItemId": stock.item, "locationId": stock.primary, "delta": 2, "changeFromQuantity": None}
    given = {"name": "available", "reason": "restock", "changes": [change]}

    first = stock.store.data(ADJUST, input=given, key="one key")
    second = stock.store.data(ADJUST, input=given, key="one key")

    assert first == second
    assert stock.counts(stock.primary)["available"] == 2


def test_unknown_item_and_location_are_both_reported(empty_store: EmptyStore) -> None:
    change = {
        "inventoryItemId": "gid://shopify/InventoryItem/1",
        "locationId": "gid://shopify/Location/1",
        "delta": 1,
        "changeFromQuantity": 0,
    }

    answer = empty_store.data(ADJUST, input={"name": "available", "reason": "other", "changes": [change]}, key=key())

    assert [one["code"] for one in answer["userErrors"]] == ["INVALID_INVENTORY_ITEM", "INVALID_LOCATION"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        pytest.param({"reason": "because"}, "INVALID_REASON", id="reason"),
        pytest.param({"name": "committed"}, "INVALID_NAME", id="name"),
        pytest.param({"referenceDocumentUri": "no uri"}, "INVALID_REFERENCE_DOCUMENT", id="reference"),
    ],
)
def test_set_refuses_what_is_not_in_its_lists(stock: Stock, given: dict[str, Any], code: str) -> None:
    row = {"inventoryItemId": stock.item, "locationId": stock.primary, "quantity": 1, "changeFromQuantity": None}

    answer = stock.store.data(SET, input={"name": "available", "reason": "correction", "quantities": [row]} | given, key=key())

    assert [one["code"] for one in answer["userErrors"]] == [code]


def test_ledger_document_belongs_to_every_name_but_available(stock: Stock) -> None:
    with_document = stock.adjust(1, ledgerDocumentUri="ledger://x")["userErrors"]
    without_document = stock.adjust(1, "damaged")["userErrors"]

    assert [one["code"] for one in with_document + without_document] == ["INVALID_AVAILABLE_DOCUMENT", "INVALID_QUANTITY_DOCUMENT"]


def test_moving_inside_on_hand_leaves_on_hand(stock: Stock) -> None:
    stock.set(5)
    ends = {
        "from": {"locationId": stock.primary, "name": "available", "changeFromQuantity": 5},
        "to": {"locationId": stock.primary, "name": "damaged", "changeFromQuantity": 0, "ledgerDocumentUri": "ledger://d/1"},
    }
    change = {"inventoryItemId": stock.item, "quantity": 2} | ends

    answer = stock.store.data(MOVE, input={"reason": "damaged", "referenceDocumentUri": "log://1", "changes": [change]}, key=key())

    assert [(one["name"], one["delta"]) for one in answer["inventoryAdjustmentGroup"]["changes"]] == [
        ("available", -2),
        ("damaged", 2),
    ]
    counts = stock.counts(stock.primary)
    assert (counts["available"], counts["damaged"], counts["on_hand"]) == (3, 2, 5)


def test_stocking_an_item_where_it_is_already_stocked_takes_no_quantity(stock: Stock) -> None:
    answer = stock.store.data(ACTIVATE, item=stock.item, place=stock.primary, available=5, key=key())

    assert answer["userErrors"][0]["field"] == ["available"]
    assert answer["inventoryLevel"]["quantities"] == [{"quantity": 0}]


def test_item_cannot_leave_its_last_location(stock: Stock) -> None:
    level = stock.levels()[stock.primary]["id"]

    (error,) = stock.store.data(DEACTIVATE, id=level)["userErrors"]

    assert error["field"] is None
    assert error["message"].endswith("because products need to be stocked at a minimum of 1 location.")


def test_unstocked_level_keeps_its_quantities_for_when_it_comes_back(stock: Stock) -> None:
    stock.store.data(ACTIVATE, item=stock.item, place=stock.other, available=7, key=key())
    stock.store.data(DEACTIVATE, id=stock.levels()[stock.other]["id"])
    away = stock.levels()[stock.other]
    back = stock.store.data(ACTIVATE, item=stock.item, place=stock.other, key=key())["inventoryLevel"]

    assert away["isActive"] is False
    assert back["isActive"] is True
    assert back["quantities"] == [{"quantity": 7}]


def test_levels_of_a_location_are_paged_and_filtered_by_item(stock: Stock) -> None:
    second = Stock(stock.store)
    document = """
    query Page($id: ID!, $after: String, $query: String) {
      location(id: $id) {
        inventoryLevels(first: 1, after: $after, query: $query) { nodes { item { id } } pageInfo { hasNextPage endCursor } }
      }
    }
    """

    first_page = stock.store.data(document, id=stock.primary)["inventoryLevels"]
    second_page = stock.store.data(document, id=stock.primary, after=first_page["pageInfo"]["endCursor"])["inventoryLevels"]
    number = second.item.rsplit("/", 1)[1]
    found = stock.store.data(document, id=stock.primary, query=f"inventory_item_id:{number}")["inventoryLevels"]

    assert [one["item"]["id"] for one in first_page["nodes"] + second_page["nodes"]] == [stock.item, second.item]
    assert (first_page["pageInfo"]["hasNextPage"], second_page["pageInfo"]["hasNextPage"]) == (True, False)
    assert [one["item"]["id"] for one in found["nodes"]] == [second.item]


def test_item_keeps_cost_sku_and_weight(stock: Stock) -> None:
    given = {"sku": "K-1", "cost": "12.5", "measurement": {"weight": {"unit": "GRAMS", "value": 250}}}

    answer = stock.store.data(TRACK, id=stock.item, input=given)

    assert answer["inventoryItem"] == {
        "tracked": True,
        "sku": "K-1",
        "unitCost": {"amount": "12.5"},
        "measurement": {"weight": {"unit": "GRAMS", "value": 250}},
    }


def test_negative_cost_is_refused(stock: Stock) -> None:
    answer = stock.store.data(TRACK, id=stock.item, input={"cost": "-1"})

    assert answer["userErrors"] == [{"field": ["input", "cost"], "message": "Cost per item must be greater than or equal to 0"}]


def test_transfer_reserves_ships_and_arrives(stock: Stock) -> None:
    """available → reserved at the origin, incoming at the destination while under way, available there in the end."""
    stock.set(5)
    ready = """
    mutation Ready($input: InventoryTransferCreateAsReadyToShipInput!, $key: String!) {
      inventoryTransferCreateAsReadyToShip(input: $input) @idempotent(key: $key) {
        inventoryTransfer { id name status } userErrors { field message code }
      }
    }
    """
    send = """
    mutation Send($input: InventoryShipmentCreateInput!, $key: String!) {
      inventoryShipmentCreateInTransit(input: $input) @idempotent(key: $key) {
        inventoryShipment { id name status } userErrors { field message code }
      }
    }
    """
    receive = """
    mutation Receive($id: ID!, $key: String!) {
      inventoryShipmentReceive(id: $id, bulkReceiveAction: ACCEPTED) @idempotent(key: $key) {
        inventoryShipment { status totalAcceptedQuantity } userErrors { message }
      }
    }
    """
    line = {"inventoryItemId": stock.item, "quantity": 2}
    given = {"originLocationId": stock.primary, "destinationLocationId": stock.other, "lineItems": [line]}

    transfer = stock.store.data(ready, input=given, key=key())["inventoryTransfer"]
    held = stock.counts(stock.primary)
    shipment = stock.store.data(send, input={"movementId": transfer["id"], "lineItems": [line]}, key=key())["inventoryShipment"]
    gone, coming = stock.counts(stock.primary), stock.counts(stock.other)
    receiver = stock.store.with_token("shpat_receiver", "write_inventory_shipments", "write_inventory_shipments_received_items")
    arrived = receiver.data(receive, id=shipment["id"], key=key())["inventoryShipment"]
    status = stock.store.data("query T($id: ID!) { inventoryTransfer(id: $id) { status } }", id=transfer["id"])["status"]

    assert (held["available"], held["reserved"], held["on_hand"]) == (3, 2, 5)
    assert (gone["reserved"], gone["on_hand"], coming["incoming"], coming["on_hand"]) == (0, 3, 2, 0)
    assert (arrived, status) == ({"status": "RECEIVED", "totalAcceptedQuantity": 2}, "TRANSFERRED")
    assert stock.counts(stock.other)["available"] == 2
    assert shipment["name"] == f"{transfer['name']}-1"


def test_changes_of_stock_are_announced(stock: Stock) -> None:
    stock.set(4)

    assert "inventory_levels/update" in stock.store.topics()
