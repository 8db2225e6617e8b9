"""What a query is charged: the published arithmetic, the recorded costs of real shops, and never more than was asked for."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from graphql import OperationDefinitionNode, parse
from hypothesis import given
from hypothesis import strategies as st

from fake_shopify.coercion import coerce_variables
from fake_shopify.cost import CostModel, page_weight
from fake_shopify.schema import load_schema
from tests.fake.conftest import EmptyStore
from tests.shared_data import SHARED_DATA, needs_shared_data


def requested(text: str, **variables: Any) -> int:
    """Compute the requested cost of the only operation of a document."""
    document = parse(text)
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    schema = load_schema().graphql
    values, errors = coerce_variables(schema, operation, variables)
    assert errors == []
    return CostModel(schema, document, operation, values).requested()


@pytest.mark.parametrize(("count", "weight"), [(0, 1), (1, 1), (2, 1), (3, 2), (10, 4), (50, 7), (100, 9), (250, 11)])
def test_page_weighs_twice_the_logarithm_of_its_size(count: int, weight: int) -> None:
    assert page_weight(count) == weight


@pytest.mark.parametrize(
    ("text", "points"),
    [
        pytest.param("{ shop { id name currencyCode } }", 1, id="object, its scalars free"),
        pytest.param("{ shop { id } location { name } }", 2, id="two objects"),
        pytest.param("{ shop { primaryDomain { host } } }", 2, id="object within"),
        pytest.param("{ a: shop { id } b: shop { id } }", 2, id="aliases count"),
        pytest.param("{ shop { id } shop { name } }", 1, id="the same field twice does not"),
        pytest.param("{ products(first: 1) { nodes { id } } }", 3, id="page of one"),
        pytest.param("{ products(first: 10) { nodes { id } } }", 6, id="page of ten"),
        pytest.param("{ products(first: 50) { nodes { id } } }", 9, id="page of fifty"),
        pytest.param("{ products(first: 250) { nodes { id } } }", 13, id="page of 250"),
        pytest.param("{ products(last: 10) { nodes { id } } }", 6, id="page from the end"),
        pytest.param("{ products(first: 10) { edges { cursor node { id } } } }", 6, id="edges"),
        pytest.param("{ products(first: 10) { pageInfo { hasNextPage } } }", 2, id="page info is free"),
        pytest.param(
            "{ products(first: 10) { nodes { variants(first: 10) { nodes { id } } } } }", 2 + 4 * (1 + 2 + 4), id="page of pages"
        ),
        pytest.param("{ orders(first: 1) { nodes { totalPriceSet { shopMoney { amount } } } } }", 3, id="money is free"),
        pytest.param("{ customers(first: 1) { nodes { defaultAddress { city } } } }", 3, id="addresses are free"),
        pytest.param("{ productsCount { count } }", 10, id="count"),
        pytest.param(
            'mutation { productCreate(product: {title: "x"}) { product { id } userErrors { field } } }', 10, id="mutation"
        ),
        pytest.param(
            'mutation { a: productDelete(input: {id: "gid://shopify/Product/1"}) { deletedProductId } '
            'b: productDelete(input: {id: "gid://shopify/Product/2"}) { deletedProductId } }',
            20,
            id="two mutations",
        ),
        pytest.param("{ shop { ...F } } fragment F on Shop { primaryDomain { host } }", 2, id="fragment"),
        pytest.param(
            '{ node(id: "gid://shopify/Order/1") { ... on Product { variants(first: 1) { nodes { id } } } ... on Order { id } } }',
            1 + 3,
            id="the dearest of several types",
        ),
        pytest.param("{ __schema { types { name } } }", 0, id="introspection is free"),
    ],
)
def test_cost_follows_from_the_document(text: str, points: int) -> None:
    assert requested(text) == points


def test_size_of_a_page_may_come_from_a_variable_or_its_default() -> None:
    text = "query($n: Int = 10) { products(first: $n) { nodes { id } } }"

    assert [requested(text), requested(text, n=50), requested(text, n=None)] == [6, 9, 3]


def recorded() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield requests with the cost block that a real shop answered."""
    with gzip.open(SHARED_DATA / "open_cases.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            for step in json.loads(line)["steps"]:
                cost = (step.get("response") or {}).get("extensions", {}).get("cost")
                if step.get("kind") != "upload" and cost:
                    yield step["request"], cost


@needs_shared_data
def test_requested_cost_is_that_of_real_shops_nine_times_in_ten() -> None:
    schema, right, total = load_schema().graphql, 0, 0
    for request, cost in recorded():
        document = parse(request["query"])
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        if len(operations) == 1 and "requestedQueryCost" in cost:
            values, _ = coerce_variables(schema, operations[0], request.get("variables") or {})
            total += 1
            right += CostModel(schema, document, operations[0], values).requested() == cost["requestedQueryCost"]

    assert total > 500
    assert right / total >= 0.9


# Over HTTP: what is charged in the end

QUERIES = st.recursive(
    st.sampled_from(["id", "title", "handle", "status"]),
    lambda inner: st.tuples(
        st.sampled_from(["variants(first: {n})", "media(first: {n})", "collections(first: {n})"]), st.integers(1, 60), inner
    ),
    max_leaves=3,
)


@pytest.fixture(scope="module")
def filled(empty_process: Any) -> EmptyStore:
    """A store with three products, for all examples."""
    empty_process.reset()
    store = EmptyStore(empty_process.base_url)
    for title in "abc":
        store.data("mutation($t: String!) { productCreate(product: {title: $t}) { product { id } } }", t=title)
    return store


@given(size=st.integers(1, 250), variants=st.integers(1, 60), through=st.sampled_from(["nodes { %s }", "edges { node { %s } }"]))
def test_actual_cost_is_never_above_the_requested_one_and_is_what_the_bucket_lost(
    filled: EmptyStore, size: int, variants: int, through: str
) -> None:
    inner = through % f"id variants(first: {variants}) {{ {through % 'id price'} }}"
    control = filled.base_url + "/__fake"
    filled_bucket(control)

    cost = filled.answer(f"{{ products(first: {size}) {{ {inner} }} }}")["extensions"]["cost"]

    assert 0 < cost["actualQueryCost"] <= cost["requestedQueryCost"]
    assert cost["throttleStatus"]["currentlyAvailable"] == 100_000 - cost["actualQueryCost"]


def filled_bucket(control: str) -> None:
    """Fill the bucket and stop the clock, so that nothing is restored."""
    requests.post(f"{control}/clock", json={"freeze": True}, timeout=10).raise_for_status()
    body = {"shop": "empty-shop.myshopify.com", "maximum": 100_000, "available": 100_000}
    requests.post(f"{control}/bucket", json=body, timeout=10).raise_for_status()


def test_fewer_rows_than_asked_for_cost_less(filled: EmptyStore) -> None:
    cost = filled.answer("{ products(first: 250) { nodes { id variants(first: 250) { nodes { id } } } } }")["extensions"]["cost"]

    assert cost["actualQueryCost"] < cost["requestedQueryCost"]


def test_query_above_a_thousand_points_is_refused_before_it_runs(empty_store: EmptyStore) -> None:
    inner = "variants(first: 250) { nodes { metafields(first: 250) { nodes { id } } } }"

    answer = empty_store.answer(f"{{ products(first: 250) {{ nodes {{ {inner} }} }} }}")

    (error,) = answer["errors"]
    assert list(answer) == ["errors"]
    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert error["extensions"]["cost"] > error["extensions"]["maxCost"] == 1000
    assert str(error["extensions"]["cost"]) in error["message"]


def test_failed_field_is_charged_less_than_it_asked_for(empty_store: EmptyStore) -> None:
    answer = empty_store.answer("{ products(first: 251) { nodes { id } } }")

    assert answer["data"] is None
    assert answer["extensions"]["cost"]["actualQueryCost"] == 0
