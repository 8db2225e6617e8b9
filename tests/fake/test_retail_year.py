"""A shop filled from the books of a real year: what was sold and paid back, to the penny."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.fake.demo_shop import ORDERS, Answer, Demo, amount, at, demo_of
from tests.fake_store import run_fake_store
from tests.shared_data import SHARED_DATA

BOOKED = """
query ($after: String, $query: String) {
  orders(first: 250, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes {
      name sourceIdentifier createdAt
      subtotalPriceSet { shopMoney { amount } }
      totalShippingPriceSet { shopMoney { amount } }
      refunds {
        createdAt
        totalRefundedSet { shopMoney { amount } }
        refundLineItems(first: 250) { nodes { subtotalSet { shopMoney { amount } } } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""
SINCE = date(2010, 10, 18)
"""The busiest weeks of the year, with the end of summer time in them."""


@pytest.fixture(scope="module")
def year() -> Iterator[Demo]:
    """A shop filled from the books; skips without them."""
    pytest.importorskip("pyarrow")
    if not (SHARED_DATA / "retail_year1_orders.parquet").is_file():
        pytest.skip("the books of a real year (../shared/data/retail_year1_*) are absent")
    with run_fake_store("--parquet", str(SHARED_DATA)) as store:
        yield demo_of(store)


def books(name: str) -> list[Answer]:
    parquet = pytest.importorskip("pyarrow.parquet")
    found: list[Answer] = parquet.read_table(SHARED_DATA / f"retail_year1_{name}.parquet").to_pylist()
    return found


def worth(row: Answer) -> Decimal:
    return Decimal(str(row["unit_price"])) * abs(int(row["quantity"]))


def booked(sums: dict[date, Decimal]) -> dict[date, Decimal]:
    """Leave out the days without anything, and those before."""
    return {day: total for day, total in sums.items() if total and day >= SINCE}


def test_books_are_booked_to_the_penny_and_on_their_days(year: Demo) -> None:
    """Recomputed from the files alone: sales, postage and what was paid back, day by day in London, over the busiest weeks.

    Whatever was sold or paid back since then is among the orders that changed since then.
    """
    days = {row["invoice"]: row["ts"].date() for row in books("orders")}
    wanted: dict[str, defaultdict[date, Decimal]] = {name: defaultdict(Decimal) for name in ("orders", "gross", "postage", "back")}
    for day in days.values():
        wanted["orders"][day] += 1
    for row in books("order_lines"):
        wanted["gross"][days[row["invoice"]]] += worth(row)
    for row in books("refund_and_shipping_lines"):
        if row["cls"] != "other":
            wanted["postage" if row["kind"] == "sale" else "back"][row["invoice_ts"].date()] += worth(row)

    found: dict[str, defaultdict[date, Decimal]] = {name: defaultdict(Decimal) for name in wanted}
    zone, by_lines = ZoneInfo("Europe/London"), Decimal(0)
    for order in year.every(BOOKED, query=f'updated_at:>="{SINCE}T00:00:00+01:00"'):
        day = at(order["createdAt"]).astimezone(zone).date()
        assert days[order["sourceIdentifier"]] == day
        assert order["name"] == f"#{order['sourceIdentifier']}"
        found["orders"][day] += 1
        found["gross"][day] += amount(order["subtotalPriceSet"])
        found["postage"][day] += amount(order["totalShippingPriceSet"])
        for refund in order["refunds"]:
            assert refund["createdAt"] >= order["createdAt"]
            back = at(refund["createdAt"]).astimezone(zone).date()
            found["back"][back] += amount(refund["totalRefundedSet"])
            by_lines += sum(amount(line["subtotalSet"]) for line in refund["refundLineItems"]["nodes"] if back >= SINCE)

    assert {name: booked(sums) for name, sums in found.items()} == {name: booked(sums) for name, sums in wanted.items()}
    returned = [row for row in books("refund_and_shipping_lines") if (row["kind"], row["cls"]) == ("return", "goods")]
    goods = sum(worth(row) for row in returned if row["invoice_ts"].date() >= SINCE)
    assert goods * Decimal("0.95") < by_lines <= goods


def test_the_year_has_the_products_customers_and_money_of_the_books(year: Demo) -> None:
    orders, products = books("orders"), books("products")
    customers = {row["customer_id"] for row in orders} - {None}

    answer = year.data(
        "{ shop { currencyCode ianaTimezone } productsCount { count } customersCount { count } ordersCount(limit: null) { count } }"
    )

    assert answer["shop"] == {"currencyCode": "GBP", "ianaTimezone": "Europe/London"}
    assert answer["productsCount"]["count"] == len(products)
    assert answer["customersCount"]["count"] == len(customers)
    assert answer["ordersCount"]["count"] == len(orders)


def test_the_longest_invoice_has_all_its_lines(year: Demo) -> None:
    longest = max(books("orders"), key=lambda row: row["lines"])
    lines = Counter(
        (row["stock_code"], row["quantity"], worth(row)) for row in books("order_lines") if row["invoice"] == longest["invoice"]
    )
    document = """
    query ($id: ID!, $after: String) { order(id: $id) { lineItems(first: 250, after: $after) {
      nodes { id sku quantity originalTotalSet { shopMoney { amount } } variant { sku } } pageInfo { hasNextPage endCursor } } } }
    """
    [order] = year.data(ORDERS, first=2, query=f"source_identifier:{longest['invoice']}")["nodes"]

    found: list[Answer] = []
    after: str | None = None
    while not found or after:
        page = year.data(document, id=order["id"], after=after)["lineItems"]
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None

    assert Counter((line["sku"], line["quantity"], amount(line["originalTotalSet"])) for line in found) == lines
    assert all(line["variant"]["sku"] == line["sku"] for line in found)
    assert len({line["id"] for line in found}) == len(found)
