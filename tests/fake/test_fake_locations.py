"""The fake's locations: adding, editing, and what stands in the way of taking one out of use."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.fake.conftest import EmptyStore

FIELDS = "id name isActive fulfillsOnlineOrders activatable deactivatable deletable hasActiveInventory deactivatedAt"
ADD = f"""
mutation Add($input: LocationAddInput!) {{
  locationAdd(input: $input) {{
    location {{ {FIELDS} address {{ address1 city country province provinceCode zip formatted }} }}
    userErrors {{ field message code }}
  }}
}}
"""
EDIT = """
mutation Edit($id: ID!, $input: LocationEditInput!) {
  locationEdit(id: $id, input: $input) {
    location { name address { address1 city } metafield(namespace: "custom", key: "hours") { value } }
    userErrors { field message code }
  }
}
"""
CHANGE = f"""
mutation Change($id: ID!, $to: ID, $key: String!) {{
  locationDeactivate(locationId: $id, destinationLocationId: $to) @idempotent(key: $key) {{
    location {{ {FIELDS} }} locationDeactivateUserErrors {{ field message code }}
  }}
}}
"""
BACK = f"""
mutation Back($id: ID!, $key: String!) {{
  locationActivate(locationId: $id) @idempotent(key: $key) {{
    location {{ {FIELDS} }} locationActivateUserErrors {{ field message code }}
  }}
}}
"""
DELETE = """
mutation Delete($id: ID!) {
  locationDelete(locationId: $id) { deletedLocationId locationDeleteUserErrors { field message code } }
}
"""
LEVELS = """
query Levels($id: ID!) {
  inventoryItem(id: $id) { inventoryLevels(first: 5) { nodes { location { id } quantities(names: ["available"]) { quantity } } } }
}
"""
NAMES = "query Names($inactive: Boolean) { locations(first: 10, includeInactive: $inactive) { nodes { name } } }"


def key() -> str:
    return str(uuid4())


def add(store: EmptyStore, name: str, *, online: bool = True, **address: Any) -> Any:
    given = {"name": name, "fulfillsOnlineOrders": online, "address": {"countryCode": "US"} | address}
    return store.data(ADD, input=given)


def off(store: EmptyStore, place: str, to: str | None = None) -> Any:
    return store.data(CHANGE, id=place, to=to, key=key())


def places(store: EmptyStore) -> tuple[str, str]:
    """Return the primary location and the other one."""
    nodes = store.data("{ locations(first: 10) { nodes { id isPrimary } } }")["nodes"]
    first = next(one["id"] for one in nodes if one["isPrimary"])
    return first, next(one["id"] for one in nodes if not one["isPrimary"])


def codes(answer: Any, name: str = "userErrors") -> list[str]:
    return [one["code"] for one in answer[name]]


def test_location_needs_a_country_only(empty_store: EmptyStore) -> None:
    location = add(empty_store, "Harbour")["location"]

    assert (location["isActive"], location["fulfillsOnlineOrders"], location["deletable"]) == (True, True, False)
    assert location["address"]["formatted"] == ["United States"]


def test_address_is_written_as_its_country_writes_it(empty_store: EmptyStore) -> None:
    location = add(empty_store, "Harbour", address1="5 Quay", city="Boston", provinceCode="MA", zip="02110")["location"]

    assert location["address"]["formatted"] == ["5 Quay", "Boston MA 02110", "United States"]
    assert location["address"]["province"] == "Massachusetts"


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        pytest.param({"name": " "}, ["input", "name"], "BLANK", id="blank name"),
        pytest.param({"name": "N" * 101}, ["input", "name"], "TOO_LONG", id="long name"),
        pytest.param({"name": "shop LOCATION"}, ["input", "name"], "TAKEN", id="taken name"),
        pytest.param({"address": {"countryCode": "US", "zip": "1" * 256}}, ["input", "address", "zip"], "TOO_LONG", id="long zip"),
    ],
)
def test_wrong_input_adds_no_location(empty_store: EmptyStore, given: dict[str, Any], field: list[str], code: str) -> None:
    answer = empty_store.data(ADD, input={"name": "Harbour", "address": {"countryCode": "US"}} | given)

    assert answer["location"] is None
    assert [(one["field"], one["code"]) for one in answer["userErrors"]] == [(field, code)]


def test_edit_keeps_the_parts_of_the_address_it_does_not_name(empty_store: EmptyStore) -> None:
    place = add(empty_store, "Harbour", address1="5 Quay", city="Boston")["location"]["id"]
    metafield = {"namespace": "custom", "key": "hours", "type": "single_line_text_field", "value": "9-17"}

    location = empty_store.data(EDIT, id=place, input={"address": {"city": "Salem"}, "metafields": [metafield]})["location"]

    assert location["address"] == {"address1": "5 Quay", "city": "Salem"}
    assert location["metafield"] == {"value": "9-17"}


def test_edit_of_an_unknown_location_says_so(empty_store: EmptyStore) -> None:
    answer = empty_store.data(EDIT, id="gid://shopify/Location/1", input={"name": "Nowhere"})

    assert answer["userErrors"] == [{"field": ["id"], "message": "Location not found.", "code": "NOT_FOUND"}]


def test_last_location_for_online_orders_stays_one(empty_store: EmptyStore) -> None:
    first, other = places(empty_store)

    assert codes(empty_store.data(EDIT, id=other, input={"fulfillsOnlineOrders": False})) == []
    assert codes(empty_store.data(EDIT, id=first, input={"fulfillsOnlineOrders": False})) == [
        "CANNOT_DISABLE_ONLINE_ORDER_FULFILLMENT"
    ]


def test_inactive_location_is_listed_only_when_asked_for(empty_store: EmptyStore) -> None:
    place = add(empty_store, "Harbour")["location"]["id"]

    location = off(empty_store, place)["location"]

    assert (location["isActive"], location["deletable"], location["deactivatedAt"] is not None) == (False, True, True)
    assert "Harbour" not in [one["name"] for one in empty_store.data(NAMES)["nodes"]]
    assert [one["name"] for one in empty_store.data(NAMES, inactive=True)["nodes"]] == [
        "Harbour",
        "My Custom Location",
        "Shop location",
    ]


def test_name_of_an_inactive_location_is_free_and_keeps_it_from_coming_back(empty_store: EmptyStore) -> None:
    place = add(empty_store, "Harbour")["location"]["id"]
    off(empty_store, place)
    add(empty_store, "Harbour")

    answer = empty_store.data(BACK, id=place, key=key())

    assert answer["location"]["activatable"] is False
    assert codes(answer, "locationActivateUserErrors") == ["HAS_NON_UNIQUE_NAME"]


def test_primary_location_cannot_be_deactivated(empty_store: EmptyStore) -> None:
    answer = off(empty_store, places(empty_store)[0])

    assert answer["location"]["deactivatable"] is False
    assert codes(answer, "locationDeactivateUserErrors") == ["PERMANENTLY_BLOCKED_FROM_DEACTIVATION_ERROR"]


@pytest.mark.parametrize(
    ("destination", "code"),
    [
        pytest.param("same", "DESTINATION_LOCATION_IS_THE_SAME_LOCATION", id="itself"),
        pytest.param("inactive", "DESTINATION_LOCATION_NOT_FOUND_OR_INACTIVE", id="inactive"),
        pytest.param("unknown", "DESTINATION_LOCATION_NOT_SHOPIFY_MANAGED", id="unknown"),
    ],
)
def test_stock_needs_a_place_to_go(empty_store: EmptyStore, destination: str, code: str) -> None:
    place = add(empty_store, "Harbour")["location"]["id"]
    closed = add(empty_store, "Closed")["location"]["id"]
    off(empty_store, closed)
    to = {"same": place, "inactive": closed, "unknown": "gid://shopify/Location/1"}[destination]

    assert codes(off(empty_store, place, to), "locationDeactivateUserErrors") == [code]


def test_deactivating_moves_the_stock_to_the_destination(empty_store: EmptyStore) -> None:
    product = (
        'mutation { productCreate(product: {title: "Rope"}) { product { variants(first: 1) { nodes { inventoryItem { id } } } } } }'
    )
    item = empty_store.data(product)["product"]["variants"]["nodes"][0]["inventoryItem"]["id"]
    activate = """
    mutation Stock($item: ID!, $place: ID!, $key: String!) {
      inventoryActivate(inventoryItemId: $item, locationId: $place, available: 4) @idempotent(key: $key) { userErrors { message } }
    }
    """
    place, first = add(empty_store, "Harbour")["location"]["id"], places(empty_store)[0]
    empty_store.data(activate, item=item, place=place, key=key())

    refused = off(empty_store, place)
    moved = off(empty_store, place, first)
    level = empty_store.data(LEVELS, id=item)["inventoryLevels"]["nodes"]

    assert codes(refused, "locationDeactivateUserErrors") == ["HAS_ACTIVE_INVENTORY_ERROR"]
    assert codes(moved, "locationDeactivateUserErrors") == []
    assert level == [{"location": {"id": first}, "quantities": [{"quantity": 4}]}]


def test_active_location_is_not_deleted(empty_store: EmptyStore) -> None:
    place = add(empty_store, "Harbour")["location"]["id"]

    refused = empty_store.data(DELETE, id=place)
    off(empty_store, place)
    deleted = empty_store.data(DELETE, id=place)

    assert codes(refused, "locationDeleteUserErrors") == ["LOCATION_IS_ACTIVE"]
    assert deleted == {"deletedLocationId": place, "locationDeleteUserErrors": []}
    assert empty_store.data("query L($id: ID!) { location(id: $id) { id } }", id=place) is None


def test_location_without_an_id_is_the_primary_one(empty_store: EmptyStore) -> None:
    assert empty_store.data("{ location { id } }")["id"] == places(empty_store)[0]


def test_location_of_another_type_is_an_invalid_id(empty_store: EmptyStore) -> None:
    answer = empty_store.answer('{ location(id: "gid://shopify/Product/1") { id } }')

    assert answer["data"] == {"location": None}
    assert answer["errors"][0]["extensions"] == {"code": "RESOURCE_NOT_FOUND"}


def test_deactivation_needs_an_idempotency_key(empty_store: EmptyStore) -> None:
    document = "mutation Off($id: ID!) { locationDeactivate(locationId: $id) { location { id } } }"

    answer = empty_store.answer(document, id=places(empty_store)[1])

    assert answer["data"] == {"locationDeactivate": None}
    assert answer["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}
