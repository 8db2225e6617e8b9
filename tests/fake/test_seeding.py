"""Demo data as a client sees it: the same for the same seed, consistent in itself, found without loss, however large the shop."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from fake_shopify.seeding.loyalty import Loyalty
from fake_shopify.seeding.timeline import DAY_S, Settling, Timeline
from tests.fake.demo_shop import ORDERS, Answer, Demo, amount, at, demo_of
from tests.fake_store import FakeStore, run_fake_store
from tests.processes import PROJECT_ROOT

UNTIL = "2026-11-20"
SIZE = 900
MILLION = 1_000_000
CUSTOMERS = """
query ($after: String, $query: String, $sort: CustomerSortKeys, $reverse: Boolean) {
  customers(first: 250, after: $after, query: $query, sortKey: $sort, reverse: $reverse) {
    nodes { id email phone createdAt updatedAt numberOfOrders amountSpent { amount currencyCode } lastOrder { id createdAt } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
WHOLE_ORDERS = """
{
  orders(first: 60, reverse: true, sortKey: UPDATED_AT) {
    nodes {
      id createdAt updatedAt closedAt cancelledAt test
      subtotalPriceSet { shopMoney { amount } presentmentMoney { amount currencyCode } }
      totalPriceSet { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }
      totalTaxSet { shopMoney { amount } }
      totalDiscountsSet { shopMoney { amount } }
      totalShippingPriceSet { shopMoney { amount } }
      totalReceivedSet { shopMoney { amount } }
      totalRefundedSet { shopMoney { amount } }
      customer { id }
      lineItems(first: 10) {
        nodes {
          title sku quantity requiresShipping
          originalTotalSet { shopMoney { amount } }
          discountAllocations { allocatedAmountSet { shopMoney { amount } } }
          taxLines { priceSet { shopMoney { amount } } }
          product { id createdAt }
          variant { id sku price product { id } }
        }
      }
      shippingLines(first: 2) {
        nodes { originalPriceSet { shopMoney { amount } } discountedPriceSet { shopMoney { amount } } }
      }
      transactions { kind status createdAt amountSet { shopMoney { amount } } }
      refunds { createdAt totalRefundedSet { shopMoney { amount } } }
      fulfillments { createdAt }
    }
  }
}
"""


@pytest.fixture(scope="module")
def process() -> Iterator[FakeStore]:
    with run_fake_store("--orders", str(SIZE), "--seed", "5", "--until", UNTIL) as store:
        yield store


@pytest.fixture(scope="module")
def untouched(process: FakeStore) -> Demo:
    """The shop as at its start; tests that change it take `demo`."""
    process.reset()
    return demo_of(process)


@pytest.fixture
def demo(process: FakeStore) -> Iterator[Demo]:
    """The shop for tests that change it; afterwards it is as at its start."""
    process.reset()
    yield demo_of(process)
    process.reset()
    demo_of(process)


@pytest.fixture(scope="module")
def everything(untouched: Demo) -> list[Answer]:
    """All orders, by id."""
    return untouched.orders(sort="ID")


# The same for the same seed


def fingerprint(demo: Demo) -> str:
    """Return what a shop answers to a handful of wide questions."""
    wide = (
        "{ products(first: 20) { nodes { id title handle tags totalInventory variants(first: 12) { nodes { id sku price } } } } }"
    )
    shelves = "{ collections(first: 50) { nodes { id title updatedAt productsCount { count } } } }"
    shop = "{ shop { id name createdAt } locations(first: 5) { nodes { id createdAt } } }"
    offers = (
        "{ discountNodes(first: 50) { nodes { id discount { ... on DiscountCodeBasic { title startsAt asyncUsageCount } } } } }"
    )
    answers = [demo.data(document) for document in (wide, shelves, shop, offers, WHOLE_ORDERS)]
    return json.dumps([*answers, demo.data(CUSTOMERS, sort="UPDATED_AT", reverse=True)])


def test_same_seed_gives_the_same_shop_in_another_process_and_another_seed_does_not(process: FakeStore, untouched: Demo) -> None:
    mine = fingerprint(untouched)
    options = ("--orders", str(SIZE), "--until", UNTIL, "--seed")

    with run_fake_store(*options, "5") as twin, run_fake_store(*options, "6") as other:
        assert twin.shop == process.shop
        assert (twin.client_id, twin.client_secret) == (process.client_id, process.client_secret)
        assert fingerprint(demo_of(twin)) == mine
        assert other.shop.access_token != process.shop.access_token
        assert fingerprint(demo_of(other)) != mine


def test_the_clock_changes_nothing_that_is_seeded(process: FakeStore, demo: Demo) -> None:
    mine = fingerprint(demo)

    requests.post(f"{process.base_url}/__fake/clock", json={"freeze": "2031-02-03T04:05:06Z"}, timeout=30).raise_for_status()
    process.reset()

    assert fingerprint(demo_of(process)) == mine


def test_without_a_day_the_last_order_lies_in_the_hour_before_today() -> None:
    began = datetime.now(UTC)

    with run_fake_store("--orders", "30") as store:
        last = demo_of(store).data(ORDERS, first=1, sort="CREATED_AT", reverse=True)["nodes"][0]

    midnights = {instant.replace(hour=0, minute=0, second=0, microsecond=0) for instant in (began, datetime.now(UTC))}
    assert any(midnight - timedelta(hours=1) <= at(last["createdAt"]) < midnight for midnight in midnights)


def test_several_shops_share_neither_ids_nor_customers() -> None:
    with run_fake_store("--orders", "40", "--shops", "2", "--until", UNTIL) as store:
        first, second = (demo_of(store, place) for place in range(2))

        assert not {order["id"] for order in first.orders()} & {order["id"] for order in second.orders()}
        foreign = first.orders()[0]["id"]
        assert second.data("query ($id: ID!) { order(id: $id) { id } }", id=foreign) is None


def test_a_shop_may_have_no_orders() -> None:
    with run_fake_store("--orders", "0", "--until", UNTIL) as store:
        demo = demo_of(store)

        assert demo.orders() == []
        assert demo.data("{ productsCount { count } }") == {"count": 50}


# Consistent in itself


def test_orders_refer_to_products_and_variants_that_exist_and_were_there(untouched: Demo) -> None:
    lines = [
        (order, line)
        for order in untouched.data(WHOLE_ORDERS)["nodes"]
        for line in order["lineItems"]["nodes"]
        if line["requiresShipping"]
    ]

    assert len(lines) > 100
    for order, line in lines:
        assert line["variant"]["product"]["id"] == line["product"]["id"]
        assert line["variant"]["sku"] == line["sku"]
        assert line["product"]["createdAt"] <= order["createdAt"]


def test_totals_of_orders_add_up(untouched: Demo) -> None:
    for order in untouched.data(WHOLE_ORDERS)["nodes"]:
        lines, shipping = order["lineItems"]["nodes"], order["shippingLines"]["nodes"]
        goods = sum(amount(line["originalTotalSet"]) for line in lines)
        off = sum(amount(share["allocatedAmountSet"]) for line in lines for share in line["discountAllocations"])
        tax = sum(amount(one["priceSet"]) for line in lines for one in line["taxLines"])
        net_shipping = sum(amount(one["discountedPriceSet"]) for one in shipping)
        paid: defaultdict[str, Decimal] = defaultdict(Decimal)
        for one in order["transactions"]:
            if one["status"] == "SUCCESS":
                paid["in" if one["kind"] in ("SALE", "CAPTURE") else one["kind"]] += amount(one["amountSet"])

        assert amount(order["subtotalPriceSet"]) == goods - off
        assert amount(order["totalTaxSet"]) == tax
        assert amount(order["totalPriceSet"]) == goods - off + tax + net_shipping
        assert amount(order["totalReceivedSet"]) == paid["in"]
        assert (
            amount(order["totalRefundedSet"]) == paid["REFUND"] == sum(amount(one["totalRefundedSet"]) for one in order["refunds"])
        )


def test_nothing_happens_before_the_order_or_after_its_last_change(untouched: Demo) -> None:
    for order in untouched.data(WHOLE_ORDERS)["nodes"]:
        parts = [part["createdAt"] for name in ("transactions", "refunds", "fulfillments") for part in order[name]]
        ends = [order[name] for name in ("closedAt", "cancelledAt") if order[name]]

        assert all(order["createdAt"] <= instant <= order["updatedAt"] for instant in (*parts, *ends))
        assert order["updatedAt"] <= f"{UNTIL}T00:00:00Z"


def test_the_shop_shows_what_shops_have_to_show(untouched: Demo, everything: list[Answer]) -> None:
    seen = {
        name: {order[name] for order in everything}
        for name in everything[0]
        if name not in ("customer", "netPaymentSet", "discountCodes")
    }

    assert seen["displayFinancialStatus"] >= {"PAID", "PENDING", "AUTHORIZED", "PARTIALLY_REFUNDED", "REFUNDED", "VOIDED"}
    assert seen["displayFulfillmentStatus"] >= {"FULFILLED", "UNFULFILLED", "PARTIALLY_FULFILLED", "ON_HOLD"}
    assert seen["test"] == {True, False}
    assert seen["sourceName"] == {"web", "pos"}
    assert len(seen["cancelledAt"]) > 1
    assert seen["presentmentCurrencyCode"] > {"USD", "CAD", "GBP"}
    assert all((order["customer"] is None) == (order["email"] is None) for order in everything if order["sourceName"] == "pos")
    document = "{ collections(first: 50) { nodes { ruleSet { appliedDisjunctively } productsCount { count } } } }"
    shelves = untouched.data(document)["nodes"]
    assert {bool(one["ruleSet"]) for one in shelves if one["productsCount"]["count"]} == {True, False}


def test_customers_statistics_agree_with_their_orders(untouched: Demo, everything: list[Answer]) -> None:
    own: dict[str, list[Answer]] = {}
    for order in everything:
        if order["customer"]:
            own.setdefault(order["customer"]["id"], []).append(order)

    customers = untouched.every(CUSTOMERS)

    assert {customer["id"] for customer in customers} >= own.keys()
    for customer in customers:
        orders = own.get(customer["id"], [])
        assert int(customer["numberOfOrders"]) == len(orders)
        assert Decimal(customer["amountSpent"]["amount"]) == sum(amount(order["netPaymentSet"]) for order in orders)
        assert (customer["lastOrder"] or {}).get("id") == (orders[-1]["id"] if orders else None)
        assert all(customer["createdAt"] <= order["createdAt"] <= customer["updatedAt"] for order in orders)
        assert all(order["email"] == customer["email"] for order in orders)


def test_a_few_customers_buy_often_and_many_never_come_back(untouched: Demo) -> None:
    counts = Counter(int(customer["numberOfOrders"]) for customer in untouched.every(CUSTOMERS))

    buyers = sum(counts.values()) - counts[0]
    assert counts[0] > 0
    assert counts[1] > buyers / 3
    assert max(counts) >= 10


def test_uses_of_codes_are_counted_and_discounts_are_over_running_and_planned(untouched: Demo, everything: list[Answer]) -> None:
    document = """
    { discountNodes(first: 50) { nodes { discount {
      ... on DiscountCodeBasic { status asyncUsageCount codes(first: 1) { nodes { code asyncUsageCount } } }
      ... on DiscountCodeFreeShipping { status asyncUsageCount codes(first: 1) { nodes { code asyncUsageCount } } }
      ... on DiscountAutomaticBasic { status title } } } } }
    """
    offers = [node["discount"] for node in untouched.data(document)["nodes"]]
    used = Counter(code for order in everything for code in order["discountCodes"])

    coded = {offer["codes"]["nodes"][0]["code"]: offer for offer in offers if "codes" in offer}
    assert {code: offer["asyncUsageCount"] for code, offer in coded.items()} == {code: used[code] for code in coded}
    assert {code: offer["codes"]["nodes"][0]["asyncUsageCount"] for code, offer in coded.items()} == {c: used[c] for c in coded}
    assert used.keys() - coded.keys() == set() or all("week" in name or name == "Goodwill" for name in used.keys() - coded.keys())
    untouched_now = at(f"{UNTIL}T00:00:00Z")
    if datetime.now(UTC) - untouched_now < timedelta(days=4):
        for kind in ("codes", "title"):
            assert {offer["status"] for offer in offers if kind in offer} == {"EXPIRED", "ACTIVE", "SCHEDULED"}


# Found without loss

SORTS: dict[str, Callable[[Answer], Any]] = {
    "ID": lambda order: int(order["id"].rsplit("/", 1)[1]),
    "CREATED_AT": lambda order: order["createdAt"],
    "PROCESSED_AT": lambda order: order["processedAt"],
    "UPDATED_AT": lambda order: order["updatedAt"],
    "ORDER_NUMBER": lambda order: order["number"],
}


@pytest.mark.parametrize(
    ("sort", "reverse"), [*((sort, reverse) for sort in SORTS for reverse in (False, True)), ("TOTAL_PRICE", True)]
)
def test_paging_loses_and_doubles_nothing(untouched: Demo, everything: list[Answer], sort: str, reverse: bool) -> None:
    found = untouched.orders(sort=sort, reverse=reverse)

    key = SORTS.get(sort)
    assert len(found) == SIZE
    assert sorted(order["id"] for order in found) == sorted(order["id"] for order in everything)
    if key is not None:
        assert [key(order) for order in found] == sorted(map(key, found), reverse=reverse)


@pytest.mark.parametrize("sort", ["ID", "UPDATED_AT"])
def test_pages_from_the_end_meet_pages_from_the_start(untouched: Demo, sort: str) -> None:
    forwards = [order["id"] for order in untouched.orders(sort=sort)]

    page = untouched.data(ORDERS, last=100, sort=sort)
    before = untouched.data(ORDERS, last=100, sort=sort, before=page["pageInfo"]["startCursor"])
    between = untouched.data(
        ORDERS, first=250, sort=sort, after=before["pageInfo"]["endCursor"], before=page["pageInfo"]["endCursor"]
    )

    assert [order["id"] for order in page["nodes"]] == forwards[-100:]
    assert [order["id"] for order in before["nodes"]] == forwards[-200:-100]
    assert [order["id"] for order in between["nodes"]] == forwards[-100:-1]
    assert (page["pageInfo"]["hasNextPage"], page["pageInfo"]["hasPreviousPage"]) == (False, True)
    assert (before["pageInfo"]["hasNextPage"], before["pageInfo"]["hasPreviousPage"]) == (True, True)


@pytest.mark.parametrize("sort", ["ID", "UPDATED_AT", "TOTAL_PRICE"])
@pytest.mark.parametrize("name", ["created_at", "updated_at"])
def test_windows_are_exact(untouched: Demo, everything: list[Answer], name: str, sort: str) -> None:
    field = {"created_at": "createdAt", "updated_at": "updatedAt"}[name]
    start, end = sorted(order[field] for order in everything)[SIZE // 3 :: SIZE // 5][:2]
    text = f'{name}:>="{start}" AND {name}:<"{end}"'

    found = untouched.orders(query=text, sort=sort)
    counted = untouched.data("query ($q: String) { ordersCount(query: $q) { count precision } }", q=text)

    assert sorted(order["id"] for order in found) == sorted(order["id"] for order in everything if start <= order[field] < end)
    assert counted == {"count": len(found), "precision": "EXACT"}


def test_a_day_is_a_day_in_the_zone_of_the_shop(untouched: Demo, everything: list[Answer]) -> None:
    zone = ZoneInfo("America/New_York")
    day = at(everything[SIZE // 2]["createdAt"]).astimezone(zone).date()

    found = untouched.orders(query=f"created_at:{day}")

    assert [order["id"] for order in found] == [
        order["id"] for order in everything if at(order["createdAt"]).astimezone(zone).date() == day
    ]


@pytest.mark.parametrize("sort", ["ID", "UPDATED_AT"])
def test_windows_of_customers_are_exact(untouched: Demo, sort: str) -> None:
    everyone = untouched.every(CUSTOMERS)
    start = sorted(customer["updatedAt"] for customer in everyone)[len(everyone) // 2]

    found = untouched.every(CUSTOMERS, query=f'updated_at:>="{start}"', sort=sort)

    assert sorted(one["id"] for one in found) == sorted(one["id"] for one in everyone if one["updatedAt"] >= start)
    if sort == "UPDATED_AT":
        assert [one["updatedAt"] for one in found] == sorted(one["updatedAt"] for one in found)


def test_one_order_is_found_by_name_id_and_address(untouched: Demo, everything: list[Answer]) -> None:
    wanted = next(order for order in everything[SIZE // 2 :] if order["customer"] and order["email"])
    number = wanted["id"].rsplit("/", 1)[1]

    for text in (f"name:{wanted['name']}", f"name:{wanted['name'][1:]}", f"id:{number}", f"name:{wanted['name']} OR name:#1"):
        assert [order["id"] for order in untouched.orders(query=text)] == [wanted["id"]]
    own = [order["id"] for order in everything if order["customer"] == wanted["customer"]]
    for text in (f"email:{wanted['email'].upper()}", f"customer_id:{wanted['customer']['id'].rsplit('/', 1)[1]}"):
        assert [order["id"] for order in untouched.orders(query=text, sort="ID")] == own
    begins = untouched.orders(query=f"name:{wanted['name'][:4]}*", sort="ID")
    assert [order["id"] for order in begins] == [
        order["id"] for order in everything if order["name"].startswith(wanted["name"][:4])
    ]


def test_a_customer_is_found_by_address_and_by_phone(untouched: Demo) -> None:
    document = "query ($id: CustomerIdentifierInput!) { customerByIdentifier(identifier: $id) { id } }"
    customer = next(one for one in untouched.every(CUSTOMERS) if one["email"] and one["phone"])

    assert untouched.data(document, id={"emailAddress": customer["email"]}) == {"id": customer["id"]}
    assert untouched.data(document, id={"phoneNumber": customer["phone"]}) == {"id": customer["id"]}
    assert untouched.data(document, id={"emailAddress": f"x{customer['email']}"}) is None


def test_parts_of_orders_are_found_by_their_own_ids(untouched: Demo) -> None:
    document = """{ orders(first: 3, reverse: true) { nodes { name lineItems(first: 2) { nodes { id } } transactions { id }
                   fulfillmentOrders(first: 1) { nodes { id } } } } }"""
    for order in untouched.data(document)["nodes"]:
        ids = [part["id"] for part in (*order["lineItems"]["nodes"], *order["transactions"], *order["fulfillmentOrders"]["nodes"])]
        found = untouched.data("query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on FulfillmentOrder { orderName } } }", ids=ids)

        assert [one["id"] for one in found] == ids
        assert found[-1]["orderName"] == order["name"]


# Changed


def test_a_seeded_order_that_is_changed_moves_to_the_end_of_the_last_changes_only(demo: Demo) -> None:
    oldest = demo.data(ORDERS, first=1, sort="CREATED_AT")["nodes"][0]
    change = 'mutation ($id: ID!) { orderUpdate(input: {id: $id, note: "seen"}) { order { note } userErrors { message } } }'

    demo.data(change, id=oldest["id"])

    assert demo.data(ORDERS, first=1, sort="CREATED_AT")["nodes"][0]["id"] == oldest["id"]
    assert demo.data(ORDERS, first=1, sort="UPDATED_AT", reverse=True)["nodes"][0]["id"] == oldest["id"]
    recent = demo.orders(query=f'updated_at:>"{UNTIL}T00:00:00Z"', sort="ID")
    assert [order["id"] for order in recent] == [oldest["id"]]
    assert len(demo.orders(sort="UPDATED_AT")) == SIZE


def test_a_new_order_counts_on_and_counts_for_its_seeded_customer(demo: Demo) -> None:
    document = "query ($id: ID!) { customer(id: $id) { numberOfOrders lastOrder { id } } }"
    last = next(order for order in demo.data(ORDERS, first=50, reverse=True)["nodes"] if order["customer"])
    before = demo.data(document, id=last["customer"]["id"])
    make = "mutation ($order: OrderCreateOrderInput!) { orderCreate(order: $order) { order { id name } userErrors { message } } }"
    line = {"title": "Something new", "quantity": 1, "priceSet": {"shopMoney": {"amount": "5.00", "currencyCode": "USD"}}}

    made = demo.data(make, order={"customerId": last["customer"]["id"], "lineItems": [line]})["order"]

    after = demo.data(document, id=last["customer"]["id"])
    assert made["name"] == f"#{1001 + SIZE}"
    assert int(after["numberOfOrders"]) == int(before["numberOfOrders"]) + 1
    assert after["lastOrder"]["id"] == made["id"]
    own = demo.orders(query=f"customer_id:{last['customer']['id'].rsplit('/', 1)[1]}")
    assert len(own) == int(after["numberOfOrders"])
    assert demo.orders(query=f"name:{made['name']}")[0]["id"] == made["id"]
    assert len(demo.orders()) == SIZE + 1


def test_a_deleted_seeded_order_is_gone_from_lists_counts_and_its_customer(demo: Demo) -> None:
    cancelled = next(order for order in demo.orders(query="status:cancelled") if order["customer"])
    document = "query ($id: ID!) { customer(id: $id) { numberOfOrders } }"
    before = demo.data(document, id=cancelled["customer"]["id"])
    window = f'created_at:<="{cancelled["createdAt"]}"'
    count = "query ($q: String) { ordersCount(query: $q) { count } }"
    counted = demo.data(count, q=window)["count"]

    payload = demo.data(
        "mutation ($id: ID!) { orderDelete(orderId: $id) { deletedId userErrors { message } } }", id=cancelled["id"]
    )

    assert payload == {"deletedId": cancelled["id"], "userErrors": []}
    assert demo.data(count, q=window)["count"] == counted - 1
    assert demo.orders(query=f"name:{cancelled['name']}") == []
    after = demo.data(document, id=cancelled["customer"]["id"])
    assert int(after["numberOfOrders"]) == int(before["numberOfOrders"]) - 1


def test_a_seeded_customer_can_be_changed_and_is_found_by_the_new_address_only(demo: Demo) -> None:
    customer = next(one for one in demo.data(CUSTOMERS)["nodes"] if one["email"])
    change = "mutation ($input: CustomerInput!) { customerUpdate(input: $input) { customer { id } userErrors { message } } }"
    document = "query ($id: CustomerIdentifierInput!) { customerByIdentifier(identifier: $id) { id } }"

    assert demo.data(change, input={"id": customer["id"], "email": "new@example.com"})["userErrors"] == []

    assert demo.data(document, id={"emailAddress": "new@example.com"}) == {"id": customer["id"]}
    assert demo.data(document, id={"emailAddress": customer["email"]}) is None


# However large


def test_a_million_orders_are_there_at_once_and_none_is_looked_for() -> None:
    with run_fake_store("--orders", str(MILLION), "--until", UNTIL) as store:
        demo = demo_of(store)

        counts = demo.data(
            "{ ordersCount(limit: null) { count precision } customersCount(limit: null) { count } productsCount { count } }"
        )
        assert counts["ordersCount"] == {"count": MILLION, "precision": "EXACT"}
        assert counts["customersCount"]["count"] == pytest.approx(MILLION / 3, rel=0.05)
        assert counts["productsCount"]["count"] == 5_000
        assert demo.data("{ ordersCount { count precision } }") == {"count": 10_000, "precision": "AT_LEAST"}
        for index in (0, MILLION // 2, MILLION - 1):
            [found] = demo.orders(query=f"name:#{1001 + index}")
            assert demo.data("query ($id: ID!) { order(id: $id) { name } }", id=found["id"]) == {"name": f"#{1001 + index}"}
        _look_around(demo)


def _look_around(demo: Demo) -> None:
    """Read pages of a million orders by every bounded way and compare them with each other."""
    for sort in ("ID", "CREATED_AT", "UPDATED_AT"):
        for reverse in (False, True):
            page = demo.data(ORDERS, first=250, sort=sort, reverse=reverse)
            following = demo.data(ORDERS, first=250, sort=sort, reverse=reverse, after=page["pageInfo"]["endCursor"])
            keys = [SORTS[sort](order) for order in (*page["nodes"], *following["nodes"])]
            assert keys == sorted(keys, reverse=reverse)
            assert len({order["id"] for order in (*page["nodes"], *following["nodes"])}) == 500
    window = 'updated_at:>="2026-06-01T10:00:00Z" AND updated_at:<"2026-06-01T12:00:00Z"'
    changed = demo.orders(query=window, sort="UPDATED_AT")
    assert {order["id"] for order in demo.orders(query=window, sort="ID")} == {order["id"] for order in changed}
    assert len(changed) == demo.data("query ($q: String) { ordersCount(query: $q) { count } }", q=window)["count"] > 0
    assert all("2026-06-01T10:00:00Z" <= order["updatedAt"] < "2026-06-01T12:00:00Z" for order in changed)
    buyer = next(order for order in changed if order["customer"] and order["email"])
    own = demo.orders(query=f"customer_id:{buyer['customer']['id'].rsplit('/', 1)[1]}")
    assert buyer["id"] in [order["id"] for order in own]
    assert own == demo.orders(query=f"email:{buyer['email']}")
    customer = demo.data(CUSTOMERS, query=f"email:{buyer['email']}")["nodes"][0]
    assert int(customer["numberOfOrders"]) == len(own)
    assert Decimal(customer["amountSpent"]["amount"]) == sum(amount(order["netPaymentSet"]) for order in own)


def test_a_search_that_would_take_minutes_is_refused_with_a_reason() -> None:
    """A sort by price needs every row, and a fake that is silent for minutes helps nobody."""
    with run_fake_store("--orders", "26000", "--until", UNTIL) as store:
        errors = demo_of(store).answer(ORDERS, first=1, sort="TOTAL_PRICE")["errors"]

    assert errors[0]["extensions"]["code"] == "FAKE_TOO_MUCH_TO_READ"
    assert "narrow the search" in errors[0]["message"]


# The rules behind


@pytest.mark.parametrize("orders", [0, 1, 2, 11, 12, 25, 60, 200, 1_999])
def test_the_rule_of_whose_order_it_is_works_in_both_directions(orders: int) -> None:
    loyalty = Loyalty(orders, seed=3)
    own: dict[int | None, list[int]] = {}
    for order in range(orders):
        own.setdefault(loyalty.buyer(order), []).append(order)
    own.pop(None, None)

    assert own.keys() <= set(range(loyalty.customers))
    for customer in range(loyalty.customers):
        assert loyalty.orders_of(customer) == own.get(customer, [])
        assert loyalty.last_order(customer) == (own[customer][-1] if customer in own else None)
        assert customer not in own or loyalty.joined(customer) <= own[customer][0]


@pytest.mark.parametrize("orders", [1, 200, 50_000])
def test_instants_never_fall_and_follow_week_and_season(orders: int) -> None:
    until = int(at(f"{UNTIL}T00:00:00Z").timestamp())
    timeline = Timeline(orders, until, "America/New_York")
    instants = [timeline.created(index) for index in range(orders)]
    settlings = [Settling(until, lag * DAY_S, DAY_S) for lag in (4, 33)]

    assert instants == sorted(instants)
    assert until - 3_600 <= instants[-1] < until
    for settling in settlings:
        touched = [settling.last_touch(instant) for instant in instants]
        assert touched == sorted(touched)
        assert all(before <= after <= until for before, after in zip(instants, touched, strict=True))
    if orders == 50_000:
        days = [datetime.fromtimestamp(instant, ZoneInfo("America/New_York")) for instant in instants]
        weekdays, months, hours = (Counter(getter(day) for day in days) for getter in (datetime.weekday, _month, _hour))
        assert weekdays[4] > weekdays[6]
        assert months[12] > 1.2 * months[7]
        assert hours[20] > 5 * hours[4]


def _month(instant: datetime) -> int:
    return instant.month


def _hour(instant: datetime) -> int:
    return instant.hour


# The command line


def run(*options: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fake_shopify", "--port", "0", *options]
    return subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=False, env=env or None)


def test_books_that_are_not_there_are_told_in_one_line(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")

    ended = run("--parquet", str(tmp_path))

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "retail_year1_orders.parquet is not there" in ended.stderr


def test_books_without_pyarrow_are_told_in_one_line(tmp_path: Path) -> None:
    stub = tmp_path / "pyarrow"
    stub.mkdir()
    (stub / "__init__.py").write_text("raise ImportError('as if it were not installed')\n")

    ended = run("--parquet", str(tmp_path), PYTHONPATH=str(tmp_path))

    assert ended.returncode == 2
    assert "needs pyarrow" in ended.stderr


@pytest.mark.parametrize("options", [("--orders", "-1"), ("--orders", "many"), ("--until", "soon"), ("--shops", "0")], ids=" ".join)
def test_options_that_mean_nothing_are_refused(options: tuple[str, str]) -> None:
    ended = run(*options)

    assert ended.returncode == 2
    assert f"argument {options[0]}: expected" in ended.stderr


def test_an_empty_shop_stays_empty() -> None:
    with run_fake_store("--empty", "--orders", "100") as store:
        demo = demo_of(store)

        counts = demo.data("{ ordersCount { count } productsCount { count } customersCount { count } collectionsCount { count } }")

    assert {count["count"] for count in counts.values()} == {0}
