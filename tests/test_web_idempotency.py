"""Idempotency keys: a write that is asked for twice happens once, and both callers see the same answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.web_host import Host, Outbound, control, dump_tables, fault, run_sql, unique

pytest_plugins = ("tests.web_fixtures",)


@pytest.fixture
def key() -> str:
    """A key that nobody has used."""
    return unique("key-")


def create(host: Host, key: str, title: str, who: str = "alice", **more: Any) -> Any:
    return host.post("/products", {"product": {"title": title}}, who, headers={"Idempotency-Key": key}, **more)


def made(outbound: Outbound) -> int:
    return len(outbound.variables("SetProduct"))


def test_repetition_gets_the_first_answer_and_does_nothing(host: Host, outbound: Outbound, key: str) -> None:
    title = unique("Tea ")
    first, second = create(host, key, title), create(host, key, title)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_data() == second.get_data()
    assert made(outbound) == 1
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert int(second.headers["X-RateLimit-Remaining"]) > 0


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"json": {"product": {"title": "other"}}}, id="other_body"),
        pytest.param({"json": {"product": {"title": "Tea"}, "user_id": "u-alice"}}, id="further_field"),
        pytest.param({"query_string": {"user_id": "u-alice"}}, id="other_query"),
    ],
)
def test_key_of_another_request_is_refused(host: Host, outbound: Outbound, key: str, change: Mapping[str, Any]) -> None:
    headers = {"Idempotency-Key": key}
    options: dict[str, Any] = {"json": {"product": {"title": "Tea"}}}
    assert host.call("POST", "/products", headers=headers, **options).status_code == 201

    answer = host.call("POST", "/products", headers=headers, **(options | dict(change)))

    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_key_reused")
    assert made(outbound) == 1


def test_keys_belong_to_user_and_address(host: Host, outbound: Outbound, key: str) -> None:
    title = unique("Tea ")

    answers = [create(host, key, title, who) for who in ("alice", "mallory", "bob")]
    other = host.post("/customers", {"customer": {"first_name": title}}, headers={"Idempotency-Key": key})

    assert [answer.status_code for answer in (*answers, other)] == [201] * 4
    assert made(outbound) == 3


def test_service_shares_the_users_keys(host: Host, outbound: Outbound, key: str) -> None:
    body = {"product": {"title": unique("Tea ")}, "user_id": "u-alice"}

    first = host.post("/products", body, "alice", headers={"Idempotency-Key": key})
    second = host.post("/products", body, "service", headers={"Idempotency-Key": key})

    assert first.get_data() == second.get_data()
    assert made(outbound) == 1


def test_second_request_while_the_first_runs_is_told_to_wait(host: Host, outbound: Outbound, key: str) -> None:
    title = unique("Tea ")
    with fault(host.store, "delay", delay_s=0.6, operation="SetProduct"), ThreadPoolExecutor(2) as threads:
        answers = [answer.result() for answer in [threads.submit(create, host, key, title) for _ in range(2)]]

    refused, done = sorted(answers, key=lambda answer: answer.status_code, reverse=True)
    assert (done.status_code, refused.status_code) == (201, 409)
    assert refused.get_json()["code"] == "request_in_progress"
    assert int(refused.headers["Retry-After"]) >= 1
    assert made(outbound) == 1
    assert create(host, key, title).get_data() == done.get_data()


def test_many_at_once_make_one(host: Host, outbound: Outbound, key: str) -> None:
    title = unique("Tea ")
    with ThreadPoolExecutor(8) as threads:
        statuses = sorted(threads.map(lambda _: create(host, key, title).status_code, range(16)))

    assert set(statuses) <= {201, 409}
    assert made(outbound) == 1


@pytest.mark.parametrize(
    ("kind", "facts", "status"),
    [
        pytest.param("5xx", {"status": 500}, 502, id="500"),
        pytest.param("html", {}, 502, id="html"),
        pytest.param("reset", {}, 502, id="reset"),
        pytest.param("redirect", {}, 502, id="redirect"),
        pytest.param("frozen", {}, 502, id="frozen"),
        pytest.param("429", {"retry_after": "100"}, 429, id="429"),
    ],
)
def test_failure_of_shopify_gives_the_key_back(host: Host, key: str, kind: str, facts: dict[str, Any], status: int) -> None:
    title = unique("Tea ")
    with fault(host.store, kind, operation="SetProduct", **facts):
        assert create(host, key, title).status_code == status

    assert create(host, key, title).status_code == 201
    assert "Idempotent-Replayed" not in create(host, key, unique("x")).headers


def test_refusal_before_anything_was_done_gives_the_key_back(host: Host, key: str) -> None:
    headers = {"Idempotency-Key": key}

    wrong = host.post("/products", {"product": {"title": ""}}, headers=headers)
    right = host.post("/products", {"product": {"title": unique("Tea ")}}, headers=headers)

    assert (wrong.status_code, right.status_code) == (400, 201)


def test_user_who_connects_later_may_use_the_key_again(fresh_host: Host, key: str) -> None:
    shop = fresh_host.shops["bob"]
    assert fresh_host.post("/disconnect", {}, "bob").status_code == 200
    assert create(fresh_host, key, "Tea", "bob").get_json()["code"] == "not_connected"

    assert fresh_host.connect("bob", shop).status_code == 200

    assert create(fresh_host, key, "Tea", "bob").status_code == 201


def test_refusal_of_shopify_is_an_answer_that_is_kept(host: Host, outbound: Outbound, key: str) -> None:
    body = {"customer": {"email": "nonsense"}}

    first = host.post("/customers", body, headers={"Idempotency-Key": key})
    second = host.post("/customers", body, headers={"Idempotency-Key": key})

    assert (first.status_code, second.status_code) == (422, 422)
    assert first.get_data() == second.get_data()
    assert len(outbound.variables("CreateCustomer")) == 1


@pytest.mark.parametrize("given", ["", "x" * 256, "a\tb", "\x85"])
def test_what_is_no_key_is_refused(host: Host, outbound: Outbound, given: str) -> None:
    answer = create(host, given, "Tea")

    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation_error")
    assert answer.get_json()["details"][0]["field"] == "Idempotency-Key"
    assert outbound.sent == []


def test_key_matters_only_where_something_is_written(host: Host, key: str) -> None:
    headers = {"Idempotency-Key": key}

    assert host.get("/products", headers=headers).status_code == 200
    assert "Idempotent-Replayed" not in host.get("/products", headers=headers).headers


def test_kept_answers_show_no_customer_to_a_reader_of_the_table(fresh_host: Host, key: str) -> None:
    email = f"{unique('someone')}@example.com"
    body = {"customer": {"email": email, "first_name": "Canary"}}
    assert fresh_host.post("/customers", body, headers={"Idempotency-Key": key}).status_code == 201

    (row,) = dump_tables(fresh_host.dsn)["idempotency_keys"]

    assert key in row
    assert email not in row
    assert "Canary" not in row


def test_answer_put_under_another_key_does_not_open(fresh_host: Host, key: str) -> None:
    other = unique("key-")
    create(fresh_host, key, "Tea")
    create(fresh_host, other, "Tea")
    run_sql(
        fresh_host.dsn,
        "update shopify.idempotency_keys set body = (select body from shopify.idempotency_keys where key = $1) where key = $2",
        other,
        key,
    )

    answer = create(fresh_host, key, "Tea")

    assert answer.status_code == 409
    assert "product" not in answer.get_json()


def test_key_that_ran_out_counts_as_none(fresh_host: Host, outbound: Outbound, key: str) -> None:
    create(fresh_host, key, "Tea")
    run_sql(fresh_host.dsn, "update shopify.idempotency_keys set expires_at = now() - interval '1 second'")

    again = create(fresh_host, key, "Coffee")

    assert again.status_code == 201
    assert made(outbound) == 2


def stocked(host: Host, quantity: int) -> str:
    """Make a product with stock in alice's shop and return its SKU."""
    sku = unique("sku-")
    product = {"title": "Tea", "variants": [{"sku": sku, "inventory_quantity": quantity}]}
    assert host.post("/products", {"product": product}).status_code == 201
    return sku


def available(answer: Any) -> int:
    quantity: int = answer.get_json()["inventory_levels"][0]["available"]
    return quantity


def test_stock_is_not_adjusted_twice_whatever_names_the_key(host: Host) -> None:
    sku, first, second = stocked(host, 10), unique("key-"), unique("key-")

    by_field = [host.post("/inventory/adjust", {"sku": sku, "delta": -3, "idempotency_key": first}) for _ in range(2)]
    by_header = [host.post("/inventory/adjust", {"sku": sku, "delta": -2}, headers={"Idempotency-Key": second}) for _ in range(2)]

    assert list(map(available, by_field)) == [7, 7]
    assert list(map(available, by_header)) == [5, 5]


def test_key_in_the_body_of_another_change_is_refused(host: Host, key: str) -> None:
    sku = stocked(host, 10)
    host.post("/inventory/adjust", {"sku": sku, "delta": -3, "idempotency_key": key})

    other = host.post("/inventory/adjust", {"sku": sku, "delta": -2, "idempotency_key": key})

    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")
    assert available(host.get(f"/inventory?sku={sku}")) == 7


def test_two_users_of_one_shop_may_use_the_same_key(fresh_host: Host, key: str) -> None:
    """Shopify knows keys per shop: sent as it is, the second user's key would repeat the first one's change."""
    sku = stocked(fresh_host, 10)
    shop = fresh_host.shops["alice"]
    assert fresh_host.connect("bob", shop).status_code == 200
    body = {"sku": sku, "delta": -1, "idempotency_key": key, "shop_domain": shop.shop_domain}

    quantities = [available(fresh_host.post("/inventory/adjust", body, who)) for who in ("alice", "bob", "alice", "bob")]

    assert quantities == [9, 8, 9, 8], "each gets the answer to their own first request again"
    assert available(fresh_host.get(f"/inventory?sku={sku}&shop_domain={shop.shop_domain}")) == 8


def test_one_key_may_serve_at_two_addresses(host: Host, key: str) -> None:
    sku = stocked(host, 10)

    adjusted = host.post("/inventory/adjust", {"sku": sku, "delta": 5, "idempotency_key": key})
    placed = host.post("/inventory/set", {"sku": sku, "quantity": 3, "idempotency_key": key})

    assert (available(adjusted), available(placed)) == (15, 3)


@pytest.fixture(autouse=True)
def _no_faults_are_left(host: Host) -> Iterator[None]:
    yield
    assert control(host.store, "faults", method="GET")["faults"] == []
