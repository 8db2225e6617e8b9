"""`/__fake/`: what a test can do to the fake, and that mistakes in it are told."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from fake_shopify.faults import KINDS
from tests.fake.conftest import TOKEN, EmptyStore

SHOP = "empty-shop.myshopify.com"
CREATE = 'mutation Make { productCreate(product: {title: "Mug"}) { product { id } } }'


def control(store: EmptyStore, action: str, method: str = "POST", *, expect: int = 200, query: str = "", **body: Any) -> Any:
    address = f"{store.base_url}/__fake/{action}{query}"
    answer = requests.request(method, address, json=body if method == "POST" else None, timeout=10)
    assert answer.status_code == expect, answer.text
    return answer.json()


def graphql(store: EmptyStore, query: str = "query Ping { shop { name } }", **headers: str) -> requests.Response:
    address = f"{store.base_url}/admin/api/2026-10/graphql.json"
    headers = {"X-Shopify-Access-Token": TOKEN} | headers
    return requests.post(address, json={"query": query}, headers=headers, timeout=10, allow_redirects=False)


def now(store: EmptyStore) -> datetime:
    return datetime.fromisoformat(control(store, "clock", "GET")["now"])


def test_help_lists_every_action(empty_store: EmptyStore) -> None:
    listed = control(empty_store, "help", "GET")

    assert {"/__fake/reset", "/__fake/clock", "/__fake/faults", "/__fake/log", "/__fake/bucket", "/__fake/grants"} <= set(listed)
    assert all(listed.values())


@pytest.mark.parametrize(
    ("action", "body"),
    [
        pytest.param("bucket", {}, id="shop missing"),
        pytest.param("bucket", {"shop": "nobody.myshopify.com"}, id="unknown shop"),
        pytest.param("bucket", {"shop": SHOP, "size": 5}, id="unknown field"),
        pytest.param("bucket", {"shop": SHOP, "available": "many"}, id="no number"),
        pytest.param("grants", {"token": "x"}, id="grant without a shop"),
        pytest.param("grants", {"token": "x", "shop_domain": "nobody.myshopify.com"}, id="grant for an unknown shop"),
        pytest.param("grants", {"token": "x", "shop_domain": SHOP, "client_id": "nobody"}, id="grant of an unknown app"),
        pytest.param("faults", {}, id="fault without a kind"),
        pytest.param("faults", {"kind": "earthquake"}, id="unknown fault"),
        pytest.param("faults", {"kind": "429", "often": True}, id="unknown field of a fault"),
        pytest.param("clock", {"freeze": "soon"}, id="no instant"),
        pytest.param("clock", {"advance_s": "long"}, id="no seconds"),
    ],
)
def test_mistake_is_answered_with_its_reason(empty_store: EmptyStore, action: str, body: dict[str, Any]) -> None:
    assert control(empty_store, action, expect=400, **body)["error"]


@pytest.mark.parametrize("body", [b"not json", b"[]", b'"x"', b"5"], ids=["text", "list", "string", "number"])
def test_body_that_is_no_object_is_a_mistake(empty_store: EmptyStore, body: bytes) -> None:
    assert requests.post(f"{empty_store.base_url}/__fake/clock", data=body, timeout=10).status_code == 400


def test_unknown_action_is_not_found(empty_store: EmptyStore) -> None:
    assert "known: reset" in control(empty_store, "dance", expect=404)["error"]


# Reset


def test_reset_takes_everything_back_to_the_start(empty_store: EmptyStore) -> None:
    empty_store.data(CREATE)
    control(empty_store, "grants", token="shpat_more", shop_domain=SHOP)
    control(empty_store, "bucket", shop=SHOP, available=0, restore_rate=0)
    control(empty_store, "clock", freeze="2030-01-01T00:00:00Z")
    control(empty_store, "faults", kind="5xx", times=None)

    assert control(empty_store, "reset") == {"ok": True}

    assert empty_store.data("{ productsCount { count } }") == {"count": 0}
    assert EmptyStore(empty_store.base_url, token="shpat_more").answer("{ shop { id } }").get("data") is None
    assert now(empty_store).year < 2030
    assert control(empty_store, "faults", "GET") == {"faults": []}
    assert [entry["operation"] for entry in control(empty_store, "log", "GET")["requests"]] == [None, None]


def test_ids_and_tokens_are_the_same_after_a_reset(empty_store: EmptyStore) -> None:
    first = empty_store.data(CREATE)
    control(empty_store, "reset")

    assert empty_store.data(CREATE) == first


# Time


def test_clock_can_be_frozen_moved_and_set_free(empty_store: EmptyStore) -> None:
    control(empty_store, "clock", freeze="2026-02-28T23:59:59Z")
    frozen = [now(empty_store), now(empty_store)]
    control(empty_store, "clock", advance_s=2)
    moved = now(empty_store)
    control(empty_store, "clock", run=True)

    assert frozen == [datetime(2026, 2, 28, 23, 59, 59, tzinfo=UTC)] * 2
    assert moved == datetime(2026, 3, 1, 0, 0, 1, tzinfo=UTC)
    assert abs(now(empty_store) - datetime.fromtimestamp(time.time(), UTC)) < timedelta(seconds=10)


def test_objects_are_made_at_the_time_of_the_clock(empty_store: EmptyStore) -> None:
    control(empty_store, "clock", freeze="2026-02-28T12:00:00+01:00")

    empty_store.data(CREATE)

    assert empty_store.data("{ products(first: 1) { nodes { createdAt } } }")["nodes"] == [{"createdAt": "2026-02-28T11:00:00Z"}]


def test_running_clock_can_be_put_forward(empty_store: EmptyStore) -> None:
    before = now(empty_store)

    control(empty_store, "clock", advance_s=3600)

    assert timedelta(hours=1) <= now(empty_store) - before < timedelta(hours=1, seconds=10)


# The log


def test_log_shows_requests_without_bodies_and_tokens(empty_store: EmptyStore) -> None:
    graphql(empty_store)
    graphql(empty_store, "{ nothing }")
    graphql(empty_store, **{"X-Shopify-Access-Token": "shpat_wrong_canary"})

    log = control(empty_store, "log", "GET")["requests"]

    assert [(entry["operation"], entry["status"], entry["errors"]) for entry in log] == [
        ("Ping", 200, []),
        (None, 200, ["undefinedField"]),
        (None, 401, []),
    ]
    assert log[0]["requested_cost"] == 1
    assert log[0]["shop_domain"] == SHOP
    assert "canary" not in str(log)


def test_log_can_be_narrowed_and_forgotten(empty_store: EmptyStore) -> None:
    graphql(empty_store)
    graphql(empty_store, "query Other { shop { name } }")

    assert len(control(empty_store, "log", "GET", query="?operation=Other")["requests"]) == 1
    assert len(control(empty_store, "log", "GET", query=f"?shop={SHOP}")["requests"]) == 2
    assert control(empty_store, "log", "GET", query="?path=/nothing")["requests"] == []
    assert control(empty_store, "log", "DELETE") == {"requests": []}


def test_changes_are_listed_as_topics(empty_store: EmptyStore) -> None:
    empty_store.data(CREATE)

    assert "products/create" in empty_store.topics()


def test_changes_of_an_unknown_shop_are_a_mistake(empty_store: EmptyStore) -> None:
    control(empty_store, "changes", "GET", expect=400, query="?shop=nobody.myshopify.com")


# Tokens


def test_token_can_be_given_out_with_scopes_and_taken_back(empty_store: EmptyStore) -> None:
    control(empty_store, "grants", token="shpat_more", shop_domain=SHOP, scopes=["read_locations"])
    store = EmptyStore(empty_store.base_url, token="shpat_more")
    assert store.data("{ location { name } }")["name"]
    assert store.answer("{ productsCount { count } }")["errors"]

    control(empty_store, "grants", "DELETE", query="?token=shpat_more")

    assert "Invalid API key" in store.answer("{ shop { id } }")["errors"]


# Faults


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        pytest.param({"kind": "429"}, 429, id="429"),
        pytest.param({"kind": "throttled"}, 200, id="throttled"),
        pytest.param({"kind": "5xx"}, 503, id="5xx"),
        pytest.param({"kind": "5xx", "status": 502}, 502, id="502"),
        pytest.param({"kind": "html"}, 200, id="html"),
        pytest.param({"kind": "html", "status": 500}, 500, id="html 500"),
        pytest.param({"kind": "redirect", "location": "https://example.com/"}, 302, id="redirect"),
        pytest.param({"kind": "frozen"}, 402, id="frozen"),
    ],
)
def test_fault_answers_in_place_of_the_shop_once(empty_store: EmptyStore, fault: dict[str, Any], status: int) -> None:
    control(empty_store, "faults", **fault)

    broken, good = graphql(empty_store, CREATE), graphql(empty_store)

    assert broken.status_code == status
    assert good.json()["data"]["shop"]
    assert empty_store.data("{ productsCount { count } }") == {"count": 0}, "nothing was carried out"
    assert [entry["hits"] for entry in control(empty_store, "faults", "GET")["faults"]] == [1]


def test_429_says_when_to_come_back_in_shopifys_way(empty_store: EmptyStore) -> None:
    control(empty_store, "faults", kind="429")
    control(empty_store, "faults", kind="429", retry_after="7.5")

    assert [graphql(empty_store).headers["Retry-After"] for _ in range(2)] == ["2.0", "7.5"]


def test_html_fault_is_html(empty_store: EmptyStore) -> None:
    control(empty_store, "faults", kind="html")

    answer = graphql(empty_store)

    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<")


@pytest.mark.parametrize(("after", "count"), [(False, 0), (True, 1)], ids=["before", "after"])
def test_reset_comes_before_or_after_the_work_is_done(empty_store: EmptyStore, after: bool, count: int) -> None:
    control(empty_store, "faults", kind="reset", after=after)

    with pytest.raises(requests.ConnectionError):
        graphql(empty_store, CREATE)

    assert empty_store.data("{ productsCount { count } }") == {"count": count}


@pytest.mark.parametrize("kind", ["truncate", "drip", "delay", "wrong_shop"])
def test_fault_that_spoils_the_true_answer_has_carried_it_out(empty_store: EmptyStore, kind: str) -> None:
    query = 'mutation { productCreate(product: {title: "Mug"}) { shop { myshopifyDomain } } }'
    control(empty_store, "faults", kind=kind, delay_s=0.001)

    try:
        graphql(empty_store, query if kind != "wrong_shop" else "{ shop { myshopifyDomain } }")
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        assert kind == "truncate"

    expected = 0 if kind == "wrong_shop" else 1
    assert empty_store.data("{ productsCount { count } }") == {"count": expected}


def test_wrong_shop_answers_as_another(empty_store: EmptyStore) -> None:
    control(empty_store, "faults", kind="wrong_shop")

    assert graphql(empty_store, "{ shop { myshopifyDomain } }").json()["data"]["shop"]["myshopifyDomain"] == "other.myshopify.com"


def test_dripped_answer_is_the_true_one(empty_store: EmptyStore) -> None:
    control(empty_store, "faults", kind="drip", delay_s=0.001)

    assert graphql(empty_store).json()["data"]["shop"]["name"] == "empty-shop"


def test_bomb_unfolds_to_the_size_asked_for(empty_store: EmptyStore) -> None:
    control(empty_store, "faults", kind="bomb", size_bytes=2**20)

    answer = graphql(empty_store)

    assert int(answer.headers["Content-Length"]) < 10_000
    assert len(answer.content) >= 2**20


@pytest.mark.parametrize(
    ("fault", "statuses"),
    [
        pytest.param({"times": 2}, [503, 503, 200, 200], id="twice"),
        pytest.param({"skip": 1}, [200, 503, 200, 200], id="the second"),
        pytest.param({"skip": 1, "times": 2}, [200, 503, 503, 200], id="second and third"),
        pytest.param({"times": None}, [503] * 4, id="always"),
        pytest.param({"operation": "Ping"}, [503, 200, 200, 200], id="an operation"),
        pytest.param({"operation": "Other"}, [200] * 4, id="another operation"),
        pytest.param({"shop": SHOP}, [503, 200, 200, 200], id="a shop"),
        pytest.param({"shop": "other.myshopify.com"}, [200] * 4, id="another shop"),
        pytest.param({"path": "graphql.json"}, [503, 200, 200, 200], id="a path"),
        pytest.param({"path": "/admin/oauth"}, [200] * 4, id="another path"),
    ],
)
def test_fault_hits_the_requests_it_means(empty_store: EmptyStore, fault: dict[str, Any], statuses: list[int]) -> None:
    control(empty_store, "faults", kind="5xx", **fault)

    assert [graphql(empty_store).status_code for _ in range(4)] == statuses


def test_faults_are_taken_in_the_order_they_were_given(empty_store: EmptyStore) -> None:
    for status in (500, 502):
        control(empty_store, "faults", kind="5xx", status=status)

    assert [graphql(empty_store).status_code for _ in range(3)] == [500, 502, 200]


def test_faults_can_be_forgotten(empty_store: EmptyStore) -> None:
    control(empty_store, "faults", kind="5xx", times=None)

    assert control(empty_store, "faults", "DELETE") == {"faults": []}
    assert graphql(empty_store).status_code == 200


def test_token_endpoint_can_fail_too(empty_store: EmptyStore) -> None:
    control(empty_store, "faults", kind="5xx", path="access_token")

    answer = requests.post(f"{empty_store.base_url}/admin/oauth/access_token", headers={"Host": SHOP}, json={}, timeout=10)

    assert answer.status_code == 503


def test_every_kind_of_fault_is_described() -> None:
    assert all(KINDS.values())
