"""The fake's collections, publication of products and collections, and metafields."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fake.conftest import EmptyStore

CREATE = """
mutation Create($input: CollectionInput!) {
  collectionCreate(input: $input) {
    collection { id handle sortOrder ruleSet { rules { column } } productsCount { count } } userErrors { field message }
  }
}
"""
ADD = """
mutation Add($id: ID!, $ids: [ID!]!) {
  collectionAddProducts(id: $id, productIds: $ids) {
    collection { products(first: 9) { nodes { title } } } userErrors { message }
  }
}
"""
READ = """
query Read($id: ID!, $key: ProductCollectionSortKeys) {
  collection(id: $id) { productsCount { count } products(first: 9, sortKey: $key) { nodes { title } } }
}
"""
METAFIELDS_SET = """
mutation Set($metafields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $metafields) {
    metafields { namespace key value compareDigest } userErrors { field message code }
  }
}
"""


def product(store: EmptyStore, title: str, **given: Any) -> str:
    """Make a product and return its id."""
    document = "mutation($p: ProductCreateInput!) { productCreate(product: $p) { product { id } } }"
    return str(store.data(document, p={"title": title} | given)["product"]["id"])


def collection(store: EmptyStore, **given: Any) -> Any:
    """Make a collection and return it."""
    payload = store.data(CREATE, input={"title": "Shelf"} | given)
    assert payload["userErrors"] == []
    return payload["collection"]


def titles(store: EmptyStore, shelf_id: str, key: str = "COLLECTION_DEFAULT") -> list[str]:
    """Return the titles of a collection's products in an order."""
    return [node["title"] for node in store.data(READ, id=shelf_id, key=key)["products"]["nodes"]]


def test_products_stand_in_the_order_in_which_they_were_added(empty_store: EmptyStore) -> None:
    ids = [product(empty_store, title) for title in ("Zulu", "Alpha", "Mike")]
    shelf = collection(empty_store, sortOrder="MANUAL")

    payload = empty_store.data(ADD, id=shelf["id"], ids=ids)

    assert [node["title"] for node in payload["collection"]["products"]["nodes"]] == ["Zulu", "Alpha", "Mike"]
    assert titles(empty_store, shelf["id"], "TITLE") == ["Alpha", "Mike", "Zulu"]
    assert titles(empty_store, shelf["id"], "BEST_SELLING") == ["Mike", "Alpha", "Zulu"]


def test_only_a_manually_sorted_collection_can_be_reordered(empty_store: EmptyStore) -> None:
    ids = [product(empty_store, title) for title in ("One", "Two", "Three")]
    manual, other = collection(empty_store, sortOrder="MANUAL"), collection(empty_store)
    empty_store.data(ADD, id=manual["id"], ids=ids)
    move = """
    mutation Move($id: ID!, $moves: [MoveInput!]!) {
      collectionReorderProducts(id: $id, moves: $moves) { job { id done } userErrors { field message code } }
    }
    """
    moves = [{"id": ids[2], "newPosition": "0"}]

    done = empty_store.data(move, id=manual["id"], moves=moves)
    refused = empty_store.data(move, id=other["id"], moves=moves)

    assert done["job"]["done"] is False
    assert empty_store.data("query($id: ID!) { job(id: $id) { done } }", id=done["job"]["id"]) == {"done": True}
    assert titles(empty_store, manual["id"]) == ["Three", "One", "Two"]
    assert refused["userErrors"][0]["message"] == "Can't reorder products unless collection is manually sorted"


def test_rules_choose_products_from_the_next_request_on(empty_store: EmptyStore) -> None:
    product(empty_store, "Iron pot", tags=["kitchen"], vendor="Acme")
    product(empty_store, "Iron rail", vendor="Acme")
    rules = [
        {"column": "TITLE", "relation": "STARTS_WITH", "condition": "iron"},
        {"column": "TAG", "relation": "EQUALS", "condition": "Kitchen"},
    ]

    smart = collection(empty_store, ruleSet={"appliedDisjunctively": False, "rules": rules})

    assert smart["productsCount"] == {"count": 0}
    assert titles(empty_store, smart["id"]) == ["Iron pot"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"title": ""}, "Title can't be blank"),
        ({"title": "x", "products": ["gid://shopify/Product/1"]}, "Product does not exist"),
        ({"title": "x", "ruleSet": {"appliedDisjunctively": True}}, "Rules cannot be an empty set"),
        ({"title": "x", "id": "gid://shopify/Collection/1"}, "id cannot be specified on collection creation"),
    ],
    ids=["blank title", "unknown product", "no rules", "id"],
)
def test_bad_input_makes_no_collection(empty_store: EmptyStore, given: dict[str, Any], message: str) -> None:
    payload = empty_store.data(CREATE, input=given)

    assert (payload["collection"], [error["message"] for error in payload["userErrors"]]) == (None, [message])


def test_a_custom_collection_takes_no_rules_later(empty_store: EmptyStore) -> None:
    shelf = collection(empty_store)
    update = """
    mutation Update($input: CollectionInput!) {
      collectionUpdate(input: $input) { collection { id } job { id } userErrors { field message } }
    }
    """
    rules = {"appliedDisjunctively": True, "rules": [{"column": "VENDOR", "relation": "EQUALS", "condition": "x"}]}

    payload = empty_store.data(update, input={"id": shelf["id"], "ruleSet": rules})

    assert payload["userErrors"] == [{"field": ["id"], "message": "Cannot update rule set of a custom collection"}]


def test_publishing_on_the_online_store_sets_the_instant(empty_store: EmptyStore) -> None:
    pot = product(empty_store, "Pot")
    publication = empty_store.data("{ publications(first: 1) { nodes { id } } }")["nodes"][0]["id"]
    change = """
    mutation Publish($id: ID!, $input: [PublicationInput!]!, $on: ID!) {
      publishable%s(id: $id, input: $input) {
        publishable {
          ... on Product { publishedAt publishedOnPublication(publicationId: $on) resourcePublicationsCount { count } }
        }
      }
    }
    """
    given = {"id": pot, "input": [{"publicationId": publication}], "on": publication}

    on = empty_store.data(change % "Publish", **given)["publishable"]
    off = empty_store.data(change % "Unpublish", **given)["publishable"]

    assert on["publishedAt"] is not None
    assert (on["publishedOnPublication"], on["resourcePublicationsCount"]) == (True, {"count": 1})
    assert off == {"publishedAt": None, "publishedOnPublication": False, "resourcePublicationsCount": {"count": 0}}


def test_metafields_are_written_all_or_none_and_read_by_namespace_and_key(empty_store: EmptyStore) -> None:
    pot = product(empty_store, "Pot")
    good = {"ownerId": pot, "namespace": "custom", "key": "depth", "type": "number_integer", "value": "3"}
    read = 'query($id: ID!) { product(id: $id) { metafield(namespace: "custom", key: "depth") { value jsonValue ownerType } } }'

    refused = empty_store.data(METAFIELDS_SET, metafields=[good, good | {"key": "height", "value": "tall"}])
    before = empty_store.data(read, id=pot)
    kept = empty_store.data(METAFIELDS_SET, metafields=[good])

    assert refused["metafields"] == []
    assert refused["userErrors"][0]["field"] == ["metafields", "1", "value"]
    assert before == {"metafield": None}
    assert kept["userErrors"] == []
    assert empty_store.data(read, id=pot)["metafield"] == {"value": "3", "jsonValue": 3, "ownerType": "PRODUCT"}


def test_an_outdated_digest_is_refused_unless_the_value_is_the_same(empty_store: EmptyStore) -> None:
    field = {"ownerId": product(empty_store, "Pot"), "namespace": "custom", "key": "glaze", "type": "single_line_text_field"}
    first = empty_store.data(METAFIELDS_SET, metafields=[field | {"value": "blue"}])["metafields"][0]

    same = empty_store.data(METAFIELDS_SET, metafields=[field | {"value": "blue", "compareDigest": "nonsense"}])
    stale = empty_store.data(METAFIELDS_SET, metafields=[field | {"value": "red", "compareDigest": "nonsense"}])
    right = empty_store.data(METAFIELDS_SET, metafields=[field | {"value": "red", "compareDigest": first["compareDigest"]}])

    assert (same["userErrors"], right["userErrors"]) == ([], [])
    assert [error["code"] for error in stale["userErrors"]] == ["STALE_OBJECT"]


def test_the_namespace_of_the_app_is_filled_in_and_that_of_others_is_closed(empty_store: EmptyStore) -> None:
    field = {"ownerId": product(empty_store, "Pot"), "key": "tier", "type": "single_line_text_field", "value": "gold"}

    own = empty_store.data(METAFIELDS_SET, metafields=[field | {"namespace": "$app:shelf"}])["metafields"][0]
    foreign = empty_store.data(METAFIELDS_SET, metafields=[field | {"namespace": "app--1--shelf"}])

    assert own["namespace"].startswith("app--")
    assert own["namespace"].endswith("--shelf")
    assert foreign["userErrors"][0]["code"] == "APP_NOT_AUTHORIZED"


def test_more_than_25_metafields_are_refused(empty_store: EmptyStore) -> None:
    field = {"ownerId": product(empty_store, "Pot"), "namespace": "bulk", "type": "single_line_text_field", "value": "x"}

    payload = empty_store.data(METAFIELDS_SET, metafields=[field | {"key": f"key_{n}"} for n in range(26)])

    assert payload["metafields"] is None
    assert payload["userErrors"][0]["code"] == "LESS_THAN_OR_EQUAL_TO"
