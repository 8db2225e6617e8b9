"""From a request's body to its answer: who is asking, what runs, what fails before it runs, and what happens once only."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from fake_shopify import engine
from fake_shopify.build import Options, builder
from fake_shopify.context import Context
from fake_shopify.world import World
from tests.fake.conftest import TOKEN, EmptyStore
from tests.fake_store import FakeStore

GRAPHQL = "/admin/api/2026-10/graphql.json"
SHOP = "empty-shop.myshopify.com"
ADJUST = """
mutation Adjust($input: InventoryAdjustQuantitiesInput!, $key: String!) {
  inventoryAdjustQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id } userErrors { field message code }
  }
}
"""
ADJUST_WITHOUT_KEY = ADJUST.replace(", $key: String!", "").replace(" @idempotent(key: $key)", "")
STOCKED = """
mutation Stocked($input: ProductSetInput!) {
  productSet(input: $input, synchronous: true) {
    product { variants(first: 1) { nodes { id inventoryItem { id } } } } userErrors { message }
  }
}
"""


def post(store: EmptyStore, body: Any, *, path: str = GRAPHQL, token: str | None = TOKEN, **headers: str) -> requests.Response:
    if token is not None:
        headers["X-Shopify-Access-Token"] = token
    data = body if isinstance(body, bytes) else None
    return requests.post(store.base_url + path, data=data, json=body if data is None else None, headers=headers, timeout=10)


def stock(store: EmptyStore) -> tuple[str, str]:
    """Make a product with ten pieces; returns its inventory item and the location."""
    location: str = store.data("{ location { id } }")["id"]
    row = {
        "optionValues": [{"optionName": "Title", "name": "Default Title"}],
        "price": "5.00",
        "inventoryItem": {"tracked": True},
        "inventoryQuantities": [{"locationId": location, "name": "available", "quantity": 10}],
    }
    options = [{"name": "Title", "values": [{"name": "Default Title"}]}]
    made = store.data(STOCKED, input={"title": "Mug", "productOptions": options, "variants": [row]})
    return made["product"]["variants"]["nodes"][0]["inventoryItem"]["id"], location


def available(store: EmptyStore, item: str) -> int:
    query = """
    query($id: ID!) {
      inventoryItem(id: $id) { inventoryLevels(first: 5) { nodes { quantities(names: ["available"]) { quantity } } } }
    }
    """
    levels = store.data(query, id=item)["inventoryLevels"]["nodes"]
    return sum(level["quantities"][0]["quantity"] for level in levels)


def adjustment(item: str, location: str, delta: int) -> dict[str, Any]:
    change = {"inventoryItemId": item, "locationId": location, "delta": delta, "changeFromQuantity": None}
    return {"name": "available", "reason": "correction", "changes": [change]}


# Who is asking


def test_answer_names_the_version_and_the_request(empty_store: EmptyStore) -> None:
    answer = post(empty_store, {"query": "{ shop { name } }"})

    assert (answer.status_code, answer.headers["X-Shopify-API-Version"]) == (200, "2026-10")
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert len(answer.headers["X-Request-Id"]) == 36


@pytest.mark.parametrize("token", [None, "", "shpat_wrong"], ids=["none", "empty", "wrong"])
def test_unknown_token_is_refused_before_the_body_is_looked_at(empty_store: EmptyStore, token: str | None) -> None:
    answer = post(empty_store, b"not json", token=token)

    assert answer.status_code == 401
    assert "Invalid API key or access token" in answer.json()["errors"]


@pytest.mark.parametrize(
    ("host", "status"),
    [(SHOP, 200), (SHOP.upper(), 200), (f"{SHOP}:443", 200), ("nobody.myshopify.com", 404), ("example.com", 200)],
    ids=["own", "upper case", "with port", "unknown shop", "no shop at all"],
)
def test_shop_is_known_by_the_host_header_too(empty_store: EmptyStore, host: str, status: int) -> None:
    assert post(empty_store, {"query": "{ shop { name } }"}, Host=host).status_code == status


def test_token_is_of_no_use_at_another_shop() -> None:
    """Proved with two shops in one process, for the empty store has one."""
    world = World(builder(Options(shops=2, orders=0)))
    first, second = world.shops
    token = next(grant.token for grant in world.grants.values() if grant.shop_domain == first)

    assert world.shop_of_token(token, first) is not None
    assert world.shop_of_token(token, None) is not None
    assert world.shop_of_token(token, second) is None


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("2026-10", "2026-10"),
        ("2026-01", "2026-01"),
        ("2025-10", "2025-10"),
        ("unstable", "2026-10"),
        ("2027-01", "2026-10"),
    ],
)
def test_version_that_is_served_is_told(empty_store: EmptyStore, asked: str, answered: str) -> None:
    answer = post(empty_store, {"query": "{ shop { name } }"}, path=f"/admin/api/{asked}/graphql.json")

    assert (answer.status_code, answer.headers["X-Shopify-API-Version"]) == (200, answered)


def test_version_that_is_no_longer_supported_falls_forward(empty_store: EmptyStore) -> None:
    paths = ["/admin/api/2019-04/graphql.json", "/admin/api/graphql.json"]

    versions = {post(empty_store, {"query": "{ shop { name } }"}, path=path).headers["X-Shopify-API-Version"] for path in paths}

    assert len(versions) == 1
    assert versions.pop() >= "2025-10"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/admin/api/2026-10/products.json", 410),
        ("/admin/api/2026-10/orders/1.json", 410),
        ("/admin/api/2026-10/nothing.json", 404),
        ("/nothing", 404),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_rest_is_gone_and_the_rest_was_never_there(empty_store: EmptyStore, method: str, path: str, status: int) -> None:
    answer = requests.request(method, empty_store.base_url + path, headers={"X-Shopify-Access-Token": TOKEN}, timeout=10)

    assert answer.status_code == status
    assert answer.json()["errors"]


# What fails before it runs: neither data nor cost


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"[]", b'"text"', b"\xff\xfe"], ids=["empty", "text", "list", "string", "bytes"]
)
def test_body_that_is_no_object_is_refused(empty_store: EmptyStore, body: bytes) -> None:
    answer = post(empty_store, body, **{"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()) == (400, {"errors": {"query": "Required parameter missing or invalid"}})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param({}, "No query string was present", id="no query"),
        pytest.param({"query": "  "}, "No query string was present", id="blank query"),
        pytest.param({"query": 5}, "No query string was present", id="query a number"),
        pytest.param({"query": "{"}, "syntax error, unexpected end of file at [1, 1]", id="cut short"),
        pytest.param({"query": "\n{ shop { name } } }"}, "syntax error, unexpected '}' at [2, 19]", id="brace too many"),
        pytest.param({"query": '{ node(id: "x) }'}, "syntax error, unexpected invalid token at [1, 17]", id="open string"),
        pytest.param({"query": "query A { a } query B { b }"}, "An operation name is required", id="two operations"),
        pytest.param({"query": "query A { a }", "operationName": "B"}, 'No operation named "B"', id="unknown operation"),
        pytest.param({"query": "{ a " * 5000}, "This query is too large to execute.", id="too deep"),
    ],
)
def test_query_that_cannot_be_chosen_is_told_in_one_sentence(empty_store: EmptyStore, body: dict[str, Any], message: str) -> None:
    answer = post(empty_store, body)

    assert answer.status_code == 200
    assert list(answer.json()) == ["errors"]
    assert [error["message"] for error in answer.json()["errors"]] == [message]


@pytest.mark.parametrize("name", [None, "", "Two"], ids=["null", "empty", "given"])
def test_operation_is_chosen_by_its_name(empty_store: EmptyStore, name: str | None) -> None:
    query = "query Two { shop { id } }" + (" query One { location { id } }" if name else "")

    answer = post(empty_store, {"query": query, "operationName": name}).json()

    assert list(answer["data"]) == ["shop"]


@pytest.mark.parametrize("variables", [None, [], "x", 5], ids=["null", "list", "text", "number"])
def test_variables_that_are_no_object_are_none(empty_store: EmptyStore, variables: Any) -> None:
    assert post(empty_store, {"query": "{ shop { id } }", "variables": variables}).json()["data"]["shop"]


# What fails while it runs: the field is null, the rest is there


def test_field_without_its_scope_is_null_and_the_rest_is_filled(empty_store: EmptyStore) -> None:
    store = empty_store.with_token("shpat_narrow", "read_locations")

    answer = store.answer("{ location { name } productsCount { count } }")

    assert answer["data"] == {"location": {"name": "Shop location"}, "productsCount": None}
    (error,) = answer["errors"]
    assert error["path"] == ["productsCount"]
    assert error["message"].startswith("Access denied for productsCount field. Required access: `read_products`")
    assert error["extensions"]["code"] == "ACCESS_DENIED"
    assert "read_products" in error["extensions"]["requiredAccess"]
    assert answer["extensions"]["cost"]["requestedQueryCost"] > 0


def test_write_scope_is_enough_to_read(empty_store: EmptyStore) -> None:
    store = empty_store.with_token("shpat_writer", "write_products")

    assert store.data("{ productsCount { count } }") == {"count": 0}


def test_read_scope_is_not_enough_to_write(empty_store: EmptyStore) -> None:
    store = empty_store.with_token("shpat_reader", "read_products")

    answer = store.answer('mutation { productCreate(product: {title: "Mug"}) { product { id } } }')

    assert answer["data"] == {"productCreate": None}
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


def test_root_that_the_fake_does_not_model_says_so(empty_store: EmptyStore) -> None:
    answer = empty_store.answer("{ shop { name } shopPayPaymentRequestReceipts(first: 1) { nodes { token } } }")

    assert answer["data"]["shop"]
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FAKE_NOT_MODELLED"]


def test_aliases_fragments_and_directives_work_as_in_any_graphql(empty_store: EmptyStore) -> None:
    query = """
    query($no: Boolean!) {
      a: shop { ...Name } b: shop { ... on Shop { id @skip(if: true) name } } c: shop { name @include(if: $no) currencyCode }
    }
    fragment Name on Shop { title: name }
    """

    data = empty_store.data(query, no=False)

    assert data == {"a": {"title": "empty-shop"}, "b": {"name": "empty-shop"}, "c": {"currencyCode": "CAD"}}


def test_failure_of_the_fake_itself_is_an_answer_and_the_next_request_works() -> None:

    world = World(builder(Options(empty=True)))
    shop, grant = world.shop_of_token(TOKEN, None) or pytest.fail("no shop")
    context = Context(world, shop, grant, engine.executable("2026-10"), "http://127.0.0.1")
    shop.settings.pop("currency")

    answer, _ = engine.run(context, {"query": "{ shop { currencyCode } }"})

    assert answer == {"errors": [{"message": engine.INTERNAL_ERROR, "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}


# Once only


def test_mutation_with_a_key_happens_once(empty_store: EmptyStore) -> None:
    item, location = stock(empty_store)

    answers = [empty_store.answer(ADJUST, input=adjustment(item, location, -3), key="k-1")["data"] for _ in range(3)]

    assert answers[0]["inventoryAdjustQuantities"]["userErrors"] == []
    assert answers[1] == answers[2] == answers[0]
    assert available(empty_store, item) == 7


def test_another_key_is_another_mutation(empty_store: EmptyStore) -> None:
    item, location = stock(empty_store)

    for key in ("k-1", "k-2"):
        empty_store.data(ADJUST, input=adjustment(item, location, -3), key=key)

    assert available(empty_store, item) == 4


def test_key_used_for_something_else_is_refused(empty_store: EmptyStore) -> None:
    item, location = stock(empty_store)
    empty_store.data(ADJUST, input=adjustment(item, location, -3), key="k-1")

    answer = empty_store.data(ADJUST, input=adjustment(item, location, -4), key="k-1")

    assert [error["code"] for error in answer["userErrors"]] == ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH"]
    assert available(empty_store, item) == 7


@pytest.mark.parametrize("version", ["2026-04", "2026-07", "2026-10"])
@pytest.mark.parametrize("key", [None, "", "  "], ids=["no directive", "empty", "blank"])
def test_key_is_required_since_2026_04(empty_store: EmptyStore, version: str, key: str | None) -> None:
    item, location = stock(empty_store)
    document, variables = (ADJUST_WITHOUT_KEY, {}) if key is None else (ADJUST, {"key": key})

    answer = empty_store.at(version).answer(document, input=adjustment(item, location, -3), **variables)

    assert answer["data"] == {"inventoryAdjustQuantities": None}
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "@idempotent directive is required" in answer["errors"][0]["message"]
    assert available(empty_store, item) == 10


def test_key_was_not_required_before_2026_04(empty_store: EmptyStore) -> None:
    item, location = stock(empty_store)
    change = adjustment(item, location, -3)
    del change["changes"][0]["changeFromQuantity"]

    answer = empty_store.at("2026-01").data(ADJUST_WITHOUT_KEY, input=change)

    assert answer["userErrors"] == []
    assert available(empty_store, item) == 7


def test_key_may_be_written_into_the_document(empty_store: EmptyStore) -> None:
    item, location = stock(empty_store)
    document = ADJUST.replace(", $key: String!", "").replace("$key", '"k-1"')

    for _ in range(2):
        empty_store.data(document, input=adjustment(item, location, -3))

    assert available(empty_store, item) == 7


def test_keys_are_forgotten_by_a_reset(empty_store: EmptyStore, empty_process: FakeStore) -> None:
    item, location = stock(empty_store)
    empty_store.data(ADJUST, input=adjustment(item, location, -3), key="k-1")
    empty_process.reset()

    item, location = stock(empty_store)
    empty_store.data(ADJUST, input=adjustment(item, location, -4), key="k-1")

    assert available(empty_store, item) == 6
