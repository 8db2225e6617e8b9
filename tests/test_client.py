"""The Admin API client against the fake store: what it tries again and what never, what it learns, what each refusal becomes."""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from shopify_kit import client as client_module
from shopify_kit.client import AdminClient, Answer, ShopAccess
from shopify_kit.database import Database
from shopify_kit.documents import Document, Documents
from shopify_kit.embedded_postgres import EmbeddedPostgres
from shopify_kit.errors import (
    AccessDenied,
    QueryRejected,
    ResponseTooLarge,
    ShopifyError,
    ShopUnavailable,
    Throttled,
    TokenRejected,
    UpstreamBlocked,
    UpstreamFailed,
    UpstreamTimeout,
    UserErrors,
)
from shopify_kit.migrations import migrate
from shopify_kit.secret import Secret
from shopify_kit.throttle import Budget, Priority, Throttle
from shopify_kit.transport import AddressBook, RequestsTransport
from shopify_service import ShopAdmin
from tests.fake_store import FakeStore, run_fake_store
from tests.scripted_transport import Asked, FarSide, Said, ScriptedTransport

DOCUMENTS = Documents()
CURRENT = "2026-10"
SLACK_S = 1.5


class WatchedThrottle(Throttle):
    """The real throttle, with a note of how many points each call took beforehand."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.taken: list[float] = []

    def take(self, budget: Budget, points: float, priority: Priority, *, timeout_s: float) -> None:
        """Take points."""
        self.taken.append(points)
        super().take(budget, points, priority, timeout_s=timeout_s)


class Bench:
    """A client of one shop of the fake, and the fake's own view of what arrived."""

    def __init__(self, store: FakeStore, database: Database, *, api_version: str = CURRENT, token: str | None = None) -> None:
        self.store = store
        self.throttle = WatchedThrottle(database)
        addresses = AddressBook(store.base_url)
        self.client = AdminClient(RequestsTransport(addresses), addresses, self.throttle, api_version=api_version)
        self.access = ShopAccess(1, store.shop.shop_domain, Secret(token or store.shop.access_token), store.client_id)

    @property
    def admin(self) -> ShopAdmin:
        """The same shop in domain verbs."""
        return ShopAdmin(self.client, DOCUMENTS, self.access, "CAD", Priority.INTERACTIVE)

    def run(self, document: Document | str, /, **variables: Any) -> Answer:
        """Run a document, by name where it is one of ours."""
        options = {name: variables.pop(name) for name in ("timeout_s", "accept_errors", "accept_user_errors") if name in variables}
        return self.client.run(self.access, DOCUMENTS[document] if isinstance(document, str) else document, variables, **options)

    def control(self, action: str, **body: Any) -> Any:
        """Do something to the fake."""
        answer = requests.post(f"{self.store.base_url}/__fake/{action}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def fail_next(self, kind: str, **fault: Any) -> None:
        """Script trouble for the next request (or more of them: `times`)."""
        self.control("faults", kind=kind, **fault)

    def arrived(self, operation: str) -> int:
        """How many requests with that operation the fake has seen, carried out or not."""
        log = requests.get(f"{self.store.base_url}/__fake/log", params={"operation": operation}, timeout=10).json()
        return len(log["requests"])


@pytest.fixture(scope="module")
def process() -> Iterator[FakeStore]:
    with run_fake_store("--empty") as store:
        yield store


@pytest.fixture
def store(process: FakeStore) -> FakeStore:
    process.reset()
    return process


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


@pytest.fixture
def bench(store: FakeStore, database: Database) -> Iterator[Bench]:
    made = Bench(store, database)
    yield made
    made.client.close()


def scripted(
    far_side: FarSide, *, database: Database | None = None, bucket: str = ""
) -> tuple[AdminClient, ShopAccess, ScriptedTransport]:
    """A client over a transport without a network; without a bucket it needs no database either."""
    addresses = AddressBook()
    transport = ScriptedTransport(addresses, far_side)
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
    client = AdminClient(transport, addresses, Throttle(database or nowhere), api_version=CURRENT)
    return client, ShopAccess(1, "acme.myshopify.com", Secret("shpat_canary"), bucket), transport


def saying(*documents: Any, **headers: str) -> FarSide:
    """A far side that gives these answers in turn, the last one again and again."""
    left = [json.dumps(document).encode() for document in documents]
    return lambda _: Said(200, left.pop(0) if len(left) > 1 else left[0], headers)


QUERY = Document("Ping", "query Ping { shop { name } }", (), 1, is_mutation=False, is_idempotent=False)
MUTATION = Document("Poke", "mutation Poke { x }", (), 10, is_mutation=True, is_idempotent=False)
GOOD = {"data": {"shop": {"name": "Acme"}}}
NEW_CUSTOMER = {"input": {"email": "ada@example.com", "firstName": "Ada"}}


def test_answer_holds_data_cost_and_where_it_came_from(bench: Bench) -> None:
    answer = bench.run("GetShop")

    assert answer.data["shop"]["myshopifyDomain"] == bench.store.shop.shop_domain
    assert answer.cost is not None
    assert (answer.cost.maximum, answer.cost.restore_rate) == (2000.0, 100.0)
    assert 0 < (answer.actual_cost or 0) <= (answer.requested_cost or 0)
    assert answer.cost.available <= 2000 - (answer.actual_cost or 0) + 1
    assert answer.api_version == CURRENT
    assert answer.request_id
    assert answer.errors == ()


def test_request_names_the_operation_and_the_shop(bench: Bench) -> None:
    bench.run("GetShop")

    assert bench.arrived("GetShop") == 1


# Limits


def test_throttled_inside_200_is_waited_out_and_tried_again(bench: Bench) -> None:
    bench.fail_next("throttled", times=2)

    assert bench.run("GetShop").data["shop"]
    assert bench.arrived("GetShop") == 3


def test_mutation_that_was_throttled_was_not_carried_out_and_is_tried_again(bench: Bench) -> None:
    bench.fail_next("throttled", operation="CreateCustomer")

    bench.run("CreateCustomer", **NEW_CUSTOMER)

    assert bench.arrived("CreateCustomer") == 2
    assert len(bench.run("ListCustomers", first=10).data["customers"]["nodes"]) == 1


@pytest.mark.parametrize("document", ["GetShop", "CreateCustomer"])
def test_429_is_tried_again_after_the_seconds_it_names(bench: Bench, document: str) -> None:
    bench.fail_next("429", retry_after="0.6")
    begun = time.monotonic()

    bench.run(document, **(NEW_CUSTOMER if document == "CreateCustomer" else {}))

    assert 0.6 <= time.monotonic() - begun < 0.6 + SLACK_S
    assert bench.arrived(document) == 2


def test_429_whose_wait_would_pass_the_deadline_is_told_at_once(bench: Bench) -> None:
    bench.fail_next("429", retry_after="2.0")
    begun = time.monotonic()

    with pytest.raises(Throttled) as caught:
        bench.run("GetShop", timeout_s=1.5)

    assert time.monotonic() - begun < 1.0
    assert (caught.value.retry_after_s, caught.value.http_status, caught.value.code) == (2.0, 429, "rate_limited")
    assert caught.value.shop_domain == bench.store.shop.shop_domain
    assert bench.arrived("GetShop") == 1


def test_limit_that_does_not_go_away_is_told_after_four_tries(bench: Bench) -> None:
    bench.fail_next("throttled", times=None)

    with pytest.raises(Throttled):
        bench.run("GetShop")

    assert bench.arrived("GetShop") == 4


def test_empty_bucket_costs_one_refusal_and_is_then_known(bench: Bench) -> None:
    """The first call knows nothing; from then on points are waited for here and not there."""
    bench.control("bucket", shop=bench.store.shop.shop_domain, available=0, restore_rate=800)

    for _ in range(3):
        bench.run("ListProducts", first=250)

    log = requests.get(f"{bench.store.base_url}/__fake/log", timeout=10).json()["requests"]
    assert [entry["throttled"] for entry in log] == [True, False, False, False]


def test_points_that_will_not_be_there_in_time_are_not_waited_for(bench: Bench) -> None:
    bench.run("GetShop")
    bench.control("bucket", shop=bench.store.shop.shop_domain, available=5, restore_rate=1)
    bench.run("GetJob", id="gid://shopify/Job/5fbbe4e2-2dbb-4b50-9f4d-2d2dc9d9e6d1")
    begun = time.monotonic()

    with pytest.raises(Throttled) as caught:
        bench.run("ListProducts", first=250, timeout_s=2.0)

    assert time.monotonic() - begun < 1.0
    assert (caught.value.retry_after_s or 0) > 10
    assert bench.arrived("ListProducts") == 0


def test_call_on_nobodys_budget_needs_no_database() -> None:
    client, access, _ = scripted(saying(GOOD))

    assert client.run(access, QUERY).data == GOOD["data"]


# What a document costs is learned


def test_cost_is_learned_per_document_and_page_size(bench: Bench) -> None:
    stated = DOCUMENTS["ListLocations"].cost

    costs = [bench.run("ListLocations", first=size).requested_cost for size in (1, 250, 1, 250)]
    other = bench.run("GetShop").requested_cost
    bench.run("GetShop")

    assert costs[0] != costs[1]
    assert bench.throttle.taken == [stated, stated, costs[0], costs[1], DOCUMENTS["GetShop"].cost, other]


def test_cost_of_a_callers_own_query_is_learned_by_its_text_and_numbers(bench: Bench) -> None:
    def own(text: str) -> Document:
        return Document("", text, (), 50, is_mutation=False, is_idempotent=False)

    paged = own("query($n: Int!) { locations(first: $n) { nodes { id } } }")
    small, large = (bench.run(paged, n=size).requested_cost for size in (1, 250))
    for size in (1, 250):
        bench.run(paged, n=size)
    bench.run(own("{ shop { name } }"))

    assert bench.throttle.taken == [50, 50, small, large, 50]


def test_costs_that_were_not_used_for_longest_are_forgotten(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "LEARNED_COSTS", 2)
    stated = DOCUMENTS["ListLocations"].cost

    learned = [bench.run("ListLocations", first=size).requested_cost for size in (1, 50, 250)]
    for size in (250, 50, 1):
        bench.run("ListLocations", first=size)

    assert bench.throttle.taken == [stated] * 3 + [learned[2], learned[1], stated]


def test_threads_may_learn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "LEARNED_COSTS", 3)
    client, access, _ = scripted(saying(GOOD | {"extensions": {"cost": {"requestedQueryCost": 5, "actualQueryCost": 5}}}))

    def work(number: int) -> dict[str, Any]:
        return client.run(access, QUERY, {"first": number % 7}).data

    with ThreadPoolExecutor(16) as pool:
        assert all(found == GOOD["data"] for found in pool.map(work, range(4000)))


def test_points_of_a_call_are_given_back_when_nothing_came_of_it(bench: Bench) -> None:
    bench.run("GetShop")
    before = bench.run("GetShop").cost

    with pytest.raises(QueryRejected):
        bench.run(Document("Wrong", "query Wrong { nothing }", (), 900, is_mutation=False, is_idempotent=False))
    after = bench.run("GetShop").cost

    assert before is not None
    assert after is not None
    assert bench.throttle.taken[2] == 900
    assert after.available > before.available - 100


def test_answer_is_returned_though_the_database_went_away_meanwhile() -> None:
    """The points are a matter of bookkeeping; what Shopify did is not."""
    with EmbeddedPostgres(durable=False) as server:
        database = Database(server.dsn())
        migrate(database)

        def far_side(_: Asked) -> Said:
            os.kill(server.pid, signal.SIGKILL)
            return Said(200, json.dumps({"data": {"poke": {"userErrors": []}}}).encode())

        client, access, transport = scripted(far_side, database=database, bucket="app")
        answer = client.run(access, MUTATION)
        database.close()

    assert answer.data == {"poke": {"userErrors": []}}
    assert len(transport.asked) == 1


# Trying again

TROUBLE = [
    pytest.param({"kind": "5xx", "status": 500}, id="500"),
    pytest.param({"kind": "5xx", "status": 502}, id="502"),
    pytest.param({"kind": "5xx", "status": 503}, id="503"),
    pytest.param({"kind": "html"}, id="html with 200"),
    pytest.param({"kind": "html", "status": 503}, id="html with 503"),
    pytest.param({"kind": "reset"}, id="reset before"),
    pytest.param({"kind": "reset", "after": True}, id="reset after"),
    pytest.param({"kind": "truncate"}, id="truncated"),
]


@pytest.mark.parametrize("fault", TROUBLE)
def test_query_is_tried_again_after_trouble_on_the_way(bench: Bench, fault: dict[str, Any]) -> None:
    bench.fail_next(**fault, times=2)

    assert bench.run("GetShop").data["shop"]
    assert bench.arrived("GetShop") == 3


@pytest.mark.parametrize("fault", TROUBLE)
def test_mutation_is_never_sent_twice_after_trouble_on_the_way(bench: Bench, fault: dict[str, Any]) -> None:
    bench.fail_next(**fault, operation="CreateCustomer")
    was_carried_out = fault["kind"] == "truncate" or bool(fault.get("after"))

    with pytest.raises(UpstreamFailed) as caught:
        bench.run("CreateCustomer", **NEW_CUSTOMER)

    assert (caught.value.http_status, caught.value.retryable) == (502, True)
    assert bench.arrived("CreateCustomer") == 1
    assert len(bench.run("ListCustomers", first=10).data["customers"]["nodes"]) == int(was_carried_out)


def test_mutation_whose_answer_came_too_late_is_not_sent_again(bench: Bench) -> None:
    bench.fail_next("delay", delay_s=1.0, operation="CreateCustomer")

    with pytest.raises(UpstreamTimeout):
        bench.run("CreateCustomer", timeout_s=0.4, **NEW_CUSTOMER)

    assert bench.arrived("CreateCustomer") == 1


@pytest.mark.parametrize("fault", TROUBLE)
def test_idempotent_mutation_is_sent_again_and_happens_once(bench: Bench, fault: dict[str, Any]) -> None:
    product = bench.admin.create_product({"title": "Mug", "variants": [{"price": "5", "inventory_quantity": 10}]})
    item = f"gid://shopify/InventoryItem/{product.variants[0].inventory_item_id}"
    bench.fail_next(**fault, operation="AdjustInventory")

    levels = bench.admin.adjust_inventory(item, None, -3, key="order-1001")

    assert sum(level.available for level in levels) == 7
    assert bench.arrived("AdjustInventory") == 2


def test_trouble_that_does_not_go_away_is_told_after_four_tries(bench: Bench) -> None:
    bench.fail_next("5xx", times=None)

    with pytest.raises(UpstreamFailed, match="503"):
        bench.run("GetShop")

    assert bench.arrived("GetShop") == 4


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "TIMEOUT"])
def test_failure_inside_shopify_is_tried_again_for_queries_only(code: str) -> None:
    failed = {"data": None, "errors": [{"message": "canary", "extensions": {"code": code}}]}
    client, access, transport = scripted(saying(failed, GOOD))
    assert client.run(access, QUERY).data == GOOD["data"]
    assert len(transport.asked) == 2

    client, access, transport = scripted(saying(failed, GOOD))
    with pytest.raises(UpstreamFailed):
        client.run(access, MUTATION)
    assert len(transport.asked) == 1


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        pytest.param(Said(302, b"", {"Location": "/"}), UpstreamBlocked, id="redirect"),
        pytest.param(Said(200, b" " * (50 * 2**20 + 1)), ResponseTooLarge, id="too large"),
        pytest.param(Said(400, b'{"errors": {"query": "Required parameter missing or invalid"}}'), QueryRejected, id="400"),
        pytest.param(Said(401, b"{}"), TokenRejected, id="401"),
        pytest.param(Said(403, b"{}"), AccessDenied, id="403"),
        pytest.param(Said(402, b"{}"), ShopUnavailable, id="402"),
        pytest.param(Said(404, b"{}"), ShopUnavailable, id="404"),
        pytest.param(Said(423, b"{}"), ShopUnavailable, id="423"),
    ],
)
def test_what_another_try_cannot_help_is_told_at_once(said: Said, kind: type[ShopifyError]) -> None:
    client, access, transport = scripted(lambda _: said)

    with pytest.raises(kind) as caught:
        client.run(access, QUERY)

    assert type(caught.value) is kind
    assert not caught.value.retryable
    assert len(transport.asked) == 1


# The deadline


def test_interactive_deadline_is_kept_when_shopify_is_slow(bench: Bench) -> None:
    bench.fail_next("delay", delay_s=3.0, times=None)
    begun = time.monotonic()

    with pytest.raises(UpstreamTimeout) as caught:
        bench.run("GetShop", timeout_s=0.4)

    assert time.monotonic() - begun < 0.4 + SLACK_S
    assert caught.value.http_status == 504


def test_interactive_deadline_is_kept_over_all_tries(bench: Bench) -> None:
    bench.fail_next("5xx", times=None)
    begun = time.monotonic()

    with pytest.raises(UpstreamFailed):
        bench.run("GetShop", timeout_s=0.3)

    assert time.monotonic() - begun < 0.3 + SLACK_S
    assert bench.arrived("GetShop") < 4


def test_deadline_is_30_seconds_unless_the_caller_says_otherwise() -> None:
    left: list[float] = []

    class Watching(ScriptedTransport):
        def send(self, request: Any) -> Any:
            left.append(request.timeout_s)
            return super().send(request)

    addresses = AddressBook()
    throttle = Throttle(Database("postgresql://nobody@127.0.0.1:1/nothing"))
    client = AdminClient(Watching(addresses, saying(GOOD)), addresses, throttle, api_version=CURRENT)
    client.run(ShopAccess(1, "acme.myshopify.com", Secret("shpat_1"), ""), QUERY)

    assert 29 < left[0] <= 30


# What refusals become


def test_wrong_token_is_rejected(store: FakeStore, database: Database) -> None:
    bench = Bench(store, database, token="shpat_wrong_canary")

    with pytest.raises(TokenRejected) as caught:
        bench.run("GetShop")

    assert (caught.value.code, caught.value.http_status) == ("token_rejected", 422)
    assert "canary" not in repr(caught.value)


@pytest.mark.parametrize("token", ["shpat_canary€", "shpat canary", "shpat_canary\r\nX: 1", "shpat_canary\x7f", ""])
def test_text_that_can_be_no_token_is_rejected_unsent(token: str) -> None:
    client, access, transport = scripted(saying(GOOD))
    access = ShopAccess(1, access.shop_domain, Secret(token), "")

    with pytest.raises(TokenRejected) as caught:
        client.run(access, QUERY)

    assert transport.asked == []
    assert "canary" not in repr(caught.value)


def test_frozen_shop_is_unavailable(bench: Bench) -> None:
    bench.fail_next("frozen")

    with pytest.raises(ShopUnavailable, match="is frozen") as caught:
        bench.run("GetShop")

    assert caught.value.shop_domain == bench.store.shop.shop_domain


def test_shop_that_does_not_exist_is_unavailable(bench: Bench) -> None:
    bench.access = ShopAccess(2, "nobody.myshopify.com", bench.access.access_token, "")

    with pytest.raises(ShopUnavailable, match="does not exist"):
        bench.run("GetShop")


def test_missing_scope_is_named(bench: Bench) -> None:
    bench.control("grants", token="shpat_narrow", shop_domain=bench.store.shop.shop_domain, scopes=["read_orders"])
    bench.access = ShopAccess(1, bench.access.shop_domain, Secret("shpat_narrow"), bench.access.bucket)

    with pytest.raises(AccessDenied, match="read_products") as caught:
        bench.run("ListProducts", first=1)

    assert caught.value.details == {"required_scopes": ["read_products"]}
    assert (caught.value.code, caught.value.http_status) == ("insufficient_scope", 403)
    assert bench.arrived("ListProducts") == 1


def test_caller_who_can_live_with_an_error_gets_the_rest(bench: Bench) -> None:
    bench.control("grants", token="shpat_narrow", shop_domain=bench.store.shop.shop_domain, scopes=["read_orders"])
    bench.access = ShopAccess(1, bench.access.shop_domain, Secret("shpat_narrow"), bench.access.bucket)
    both = Document("Both", "query Both { shop { name } customersCount { count } }", (), 20, is_mutation=False, is_idempotent=False)

    answer = bench.run(both, accept_errors=lambda error: error["extensions"]["code"] == "ACCESS_DENIED")

    assert answer.data["shop"]["name"]
    assert answer.data["customersCount"] is None
    assert [error["path"] for error in answer.errors] == [["customersCount"]]


def test_user_errors_of_a_mutation_come_with_their_fields_and_not_in_the_message(bench: Bench) -> None:
    with pytest.raises(UserErrors) as caught:
        bench.run("CreateCustomer", input={"email": "canary at nowhere"})

    error = caught.value
    assert (error.code, error.http_status, error.retryable) == ("user_errors", 422, False)
    assert [one["field"] for one in error.user_errors] == [["email"]]
    assert error.details == {"user_errors": list(error.user_errors)}
    assert str(error) == "Shopify refused the change at email."
    assert bench.arrived("CreateCustomer") == 1


def test_user_errors_stay_in_the_data_where_the_caller_wants_them(bench: Bench) -> None:
    answer = bench.run("CreateCustomer", accept_user_errors=True, input={"email": "nowhere"})

    assert answer.data["customerCreate"]["customer"] is None
    assert answer.data["customerCreate"]["userErrors"]


@pytest.mark.parametrize("name", ["userErrors", "orderCancelUserErrors", "mediaUserErrors"])
def test_every_kind_of_user_errors_is_seen(name: str) -> None:
    errors = [{"field": ["variants", "0", "price"], "message": "canary", "code": "INVALID"}, {"field": None, "message": "x"}]
    client, access, _ = scripted(saying({"data": {"poke": {"thing": None, "userErrors": [], name: errors}}}))

    with pytest.raises(UserErrors, match=r"at variants\.0\.price, base\.$"):
        client.run(access, MUTATION)


def test_user_errors_of_a_query_are_data() -> None:
    data = {"job": {"userErrors": [{"field": None, "message": "x"}]}}
    client, access, _ = scripted(saying({"data": data}))

    assert client.run(access, QUERY).data == data


def test_query_that_costs_too_much_is_our_mistake(bench: Bench) -> None:
    products = "products(first: 250) { nodes { variants(first: 250) { nodes { metafields(first: 250) { nodes { id } } } } } }"
    document = Document("Huge", f"query Huge {{ {products} }}", (), 900, is_mutation=False, is_idempotent=False)

    with pytest.raises(QueryRejected, match="MAX_COST_EXCEEDED") as caught:
        bench.run(document)

    assert bench.arrived("Huge") == 1
    assert caught.value.details == {"errors": [{"code": "MAX_COST_EXCEEDED", "path": None, "problems": []}]}


def test_wrong_variable_is_told_by_its_place_and_not_by_its_value(bench: Bench) -> None:
    with pytest.raises(QueryRejected, match="INVALID_VARIABLE") as caught:
        bench.run("GetProduct", id="canary")

    assert caught.value.details == {"errors": [{"code": "INVALID_VARIABLE", "path": None, "problems": [[]]}]}
    assert "canary" not in repr(vars(caught.value)) + str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff",
        b'{"data": 5}',
        b'{"data": {}, "errors": 5}',
        b'{"data": {}, "extensions": []}',
    ],
    ids=["empty", "null", "list", "text", "cut", "no utf-8", "data a number", "errors a number", "extensions a list"],
)
def test_body_that_is_no_graphql_answer_is_a_retryable_failure(body: bytes) -> None:
    client, access, transport = scripted(lambda _: Said(200, body))

    with pytest.raises(UpstreamFailed):
        client.run(access, QUERY, timeout_s=0.1)

    assert len(transport.asked) >= 1


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"data": None},
        {"errors": []},
        {"errors": "Not Found"},
        {"errors": {"query": "missing"}},
        {"errors": [{"message": "canary"}]},
    ],
    ids=["nothing", "null data", "no errors", "text", "object", "no code"],
)
def test_answer_without_data_is_a_rejected_query(document: dict[str, Any]) -> None:
    client, access, transport = scripted(saying(document))

    with pytest.raises(QueryRejected) as caught:
        client.run(access, QUERY)

    assert "canary" not in str(caught.value)
    assert len(transport.asked) == 1


@pytest.mark.parametrize(
    "cost",
    [
        None,
        5,
        [],
        {},
        {"requestedQueryCost": "10"},
        {"throttleStatus": None},
        {"throttleStatus": {"restoreRate": None}},
        {"throttleStatus": []},
    ],
)
def test_cost_of_an_unknown_form_does_not_cost_the_answer(cost: Any) -> None:
    client, access, _ = scripted(saying(GOOD | {"extensions": {"cost": cost}}))

    answer = client.run(access, QUERY)

    assert (answer.data, answer.cost, answer.requested_cost) == (GOOD["data"], None, None)


# Versions


def test_version_that_answers_is_recorded(bench: Bench) -> None:
    bench.run("GetShop")

    assert (bench.client.observed.answered, bench.client.observed.fell_forward) == (CURRENT, False)


def test_fall_forward_to_another_version_is_recorded(store: FakeStore, database: Database) -> None:
    bench = Bench(store, database, api_version="2024-01")

    answer = bench.run(QUERY)

    assert bench.client.observed.asked == "2024-01"
    assert bench.client.observed.fell_forward
    assert answer.api_version == bench.client.observed.answered
    assert answer.api_version is not None
    assert answer.api_version > "2024-01"


def test_deprecation_is_recorded_by_document() -> None:
    reason = "https://shopify.dev/api/usage/versioning#deprecation-practices"
    client, access, _ = scripted(saying(GOOD, **{"X-Shopify-API-Deprecated-Reason": reason, "X-Shopify-API-Version": "2026-07"}))

    answer = client.run(access, QUERY)

    assert answer.deprecated_reason == reason
    assert client.observed.deprecations == {"Ping": reason}
    assert client.observed.fell_forward


# Secrets


@pytest.mark.parametrize(
    "far_side",
    [
        pytest.param(lambda _: Said(breaks=True), id="broken"),
        pytest.param(lambda _: Said(401), id="rejected"),
        pytest.param(lambda _: Said(302), id="redirect"),
        pytest.param(lambda _: Said(200, b"not json"), id="not json"),
        pytest.param(saying({"errors": [{"message": "x", "extensions": {"code": "THROTTLED"}}]}), id="throttled"),
    ],
)
def test_failure_shows_no_token_even_with_the_variables_of_every_frame(far_side: FarSide) -> None:
    client, access, transport = scripted(far_side)

    with pytest.raises(ShopifyError) as caught:
        client.run(access, QUERY, timeout_s=0.05)

    assert transport.asked[0].headers["x-shopify-access-token"] == "shpat_canary"
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    report.stack[:] = [frame for frame in report.stack if "/tests/" not in frame.filename]
    assert "canary" not in "".join(report.format())


def test_every_try_sends_the_same_request() -> None:
    idempotent = Document("Once", "mutation Once { x @idempotent(key: $key) }", (), 10, is_mutation=True, is_idempotent=True)
    answers = iter([Said(breaks=True), Said(503), Said(200, json.dumps(GOOD).encode())])
    client, access, transport = scripted(lambda _: next(answers))

    client.run(access, idempotent, {"key": "abc"})

    assert len(transport.asked) == 3
    assert len({(asked.url, asked.body) for asked in transport.asked}) == 1
    assert json.loads(transport.asked[0].body) == {"query": idempotent.text, "variables": {"key": "abc"}, "operationName": "Once"}
