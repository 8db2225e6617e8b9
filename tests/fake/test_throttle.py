"""The leaky bucket: it must hold what is asked for, gets back what was not used, and fills with time."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from fake_shopify.throttle import Bucket
from tests.fake.conftest import TOKEN, EmptyStore

SHOP = "empty-shop.myshopify.com"
TEN = "{ productsCount { count } }"


def control(store: EmptyStore, action: str, **body: Any) -> Any:
    answer = requests.post(f"{store.base_url}/__fake/{action}", json=body, timeout=10)
    answer.raise_for_status()
    return answer.json()


@pytest.fixture
def still(empty_store: EmptyStore) -> EmptyStore:
    """A store whose time stands still."""
    control(empty_store, "clock", freeze=True)
    return empty_store


def status(answer: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = answer["extensions"]["cost"]["throttleStatus"]
    return found


def test_new_bucket_is_that_of_a_standard_shop(still: EmptyStore) -> None:
    assert status(still.answer(TEN)) == {"maximumAvailable": 2000, "currentlyAvailable": 1990, "restoreRate": 100}


def test_bucket_fills_with_time_and_no_further_than_its_size(still: EmptyStore) -> None:
    seen = []
    for seconds in (0, 0, 0.05, 5):
        control(still, "clock", advance_s=seconds)
        seen.append(status(still.answer(TEN))["currentlyAvailable"])

    assert seen == [1990, 1980, 1975, 1990]


def test_query_that_the_bucket_does_not_hold_is_refused_with_200(still: EmptyStore) -> None:
    control(still, "bucket", shop=SHOP, available=9)

    response = requests.post(
        f"{still.base_url}/admin/api/2026-10/graphql.json",
        json={"query": TEN},
        headers={"X-Shopify-Access-Token": TOKEN},
        timeout=10,
    )

    assert response.status_code == 200
    answer = response.json()
    assert "data" not in answer
    assert [(error["message"], error["extensions"]["code"]) for error in answer["errors"]] == [("Throttled", "THROTTLED")]
    assert answer["extensions"]["cost"] == {
        "requestedQueryCost": 10,
        "actualQueryCost": None,
        "throttleStatus": {"maximumAvailable": 2000, "currentlyAvailable": 9, "restoreRate": 100},
    }


def test_refused_query_costs_nothing_and_works_once_the_bucket_holds_it(still: EmptyStore) -> None:
    control(still, "bucket", shop=SHOP, available=9)
    refused = [still.answer(TEN) for _ in range(3)]
    control(still, "clock", advance_s=0.05)

    answer = still.answer(TEN)

    assert all("errors" in one for one in refused)
    assert answer["data"]["productsCount"] == {"count": 0}
    assert status(answer)["currentlyAvailable"] == 9 + 5 - 10


def test_throttled_mutation_changes_nothing(still: EmptyStore) -> None:
    control(still, "bucket", shop=SHOP, available=9)

    still.answer('mutation { productCreate(product: {title: "x"}) { product { id } } }')

    control(still, "bucket", shop=SHOP, available=2000)
    assert still.data(TEN) == {"count": 0}


def test_bucket_must_hold_the_requested_cost_and_gets_back_what_was_not_used(still: EmptyStore) -> None:
    control(still, "bucket", shop=SHOP, available=13)

    answer = still.answer("{ products(first: 250) { nodes { id } } }")

    cost = answer["extensions"]["cost"]
    assert cost["requestedQueryCost"] == 13
    assert status(answer)["currentlyAvailable"] == 13 - cost["actualQueryCost"]


def test_request_that_fails_before_it_runs_costs_nothing(still: EmptyStore) -> None:
    for document in ("{", "{ nothing }", "query($a: Int) { shop { id } }"):
        still.answer(document)

    assert status(still.answer(TEN))["currentlyAvailable"] == 1990


def test_plan_sets_size_and_rate(still: EmptyStore) -> None:
    control(still, "bucket", shop=SHOP, maximum=20_000, restore_rate=1000, available=0)
    control(still, "clock", advance_s=1)

    assert status(still.answer(TEN)) == {"maximumAvailable": 20_000, "currentlyAvailable": 990, "restoreRate": 1000}


def test_apps_have_buckets_of_their_own(still: EmptyStore) -> None:
    control(still, "bucket", shop=SHOP, available=0)

    bucket = control(still, "bucket", shop=SHOP, client_id="another-app")

    assert bucket["available"] == 2000


def test_what_was_restored_before_does_not_count_once_the_bucket_is_set(empty_store: EmptyStore) -> None:
    control(empty_store, "clock", freeze=True)
    empty_store.answer(TEN)
    control(empty_store, "clock", advance_s=60)

    control(empty_store, "bucket", shop=SHOP, available=0)

    assert "errors" in empty_store.answer(TEN)


@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300), st.floats(0, 3)), max_size=30),
    st.floats(1, 500),
    st.floats(0, 100),
)
def test_bucket_never_holds_less_than_nothing_or_more_than_its_size(
    steps: list[tuple[int, int, float]], maximum: float, rate: float
) -> None:
    bucket, now_s = Bucket(maximum=maximum, restore_rate=rate, available=maximum), 0.0
    taken = 0

    for points, unused, seconds in steps:
        now_s += seconds
        before = bucket.available
        if bucket.take(points, now_s):
            bucket.give_back(min(unused, points))
            taken += points - min(unused, points)
        else:
            assert min(maximum, before + seconds * rate) < points + 1e-6
        assert -1e-6 <= bucket.available <= maximum + 1e-6

    assert taken <= maximum + now_s * rate + 1e-3
