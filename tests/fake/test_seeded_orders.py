"""A million seeded orders: made when somebody looks, found by any id of theirs, changed like others."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fake_shopify.admin import order_rows
from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.order_money import pair
from fake_shopify.admin.order_parts import OF_CUSTOMER, SeededOrders, Unfinished, parts, seed_orders
from fake_shopify.clock import Clock, iso
from fake_shopify.rows import Row
from fake_shopify.world import Shop

COUNT = 1_000_000
RUN = SeededOrders(first_id=5_000_000_000, count=COUNT, step=1024, open_from=COUNT - 2)
BEGIN = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())


def instant(index: int) -> str:
    """Return when an order was made: one a minute."""
    return iso(datetime.fromtimestamp(BEGIN + 60 * index, UTC))


def make(index: int) -> Row:
    """Build a paid order of two lines; all but the last two are shipped."""
    number, now = RUN.numbers(index), instant(index)
    order = order_rows.new_order(
        RUN.order_number(index), name=f"#{1001 + index}", order_number=1001 + index, now=now, currency="USD", _customer_id=7
    )
    for title in ("Cup", "Pot"):
        order_rows.add_line(number, order, title=title, quantity=2, price=pair("5.00"))
    order_rows.add_transaction(number, order, kind="SALE", amount=pair("20.00"), now=now)
    lines = [(line, line["quantity"]) for line in order["_lines"]]
    home = order_rows.add_fulfillment_order(number, order, location_number=1, lines=lines, now=now)
    if index < RUN.open_from:
        shipped = order_rows.add_fulfillment(number, order, location_number=1, lines=lines, now=now)
        order_rows.close_by_fulfillment(shipped, [home])
    return order


@pytest.fixture
def shop() -> Shop:
    """A shop that has only the seeded orders."""
    shop = Shop(1, "seeded.myshopify.com", Clock(), {"currency": "USD", "zone": "UTC"})
    seed_orders(shop, RUN, make, instants={"createdAt": instant}, of_customer=lambda customer: [RUN.order_number(customer)])
    return shop


@pytest.mark.parametrize(
    "type_name", ["LineItem", "OrderTransaction", "FulfillmentOrder", "FulfillmentOrderLineItem", "Fulfillment"]
)
def test_a_part_is_found_by_its_id(shop: Shop, type_name: str) -> None:
    number = RUN.numbers(654_321)(type_name)

    part = parts(shop, type_name).get(number)

    assert part is not None
    assert part["__typename"] == type_name
    assert order_rows.order_gid(RUN.order_number(654_321)) in (
        part.get("_order", {}).get("id"),
        part.get("_home", {}).get("_order", {}).get("id"),
    )


def test_a_part_that_no_order_has_is_not_found(shop: Shop) -> None:
    number = RUN.numbers(3)
    numbers = [number("LineItem") for _ in range(3)]

    assert parts(shop, "LineItem").get(numbers[-1]) is None
    assert parts(shop, "LineItem").get(1) is None


def test_a_changed_part_stays_changed_with_its_order(shop: Shop) -> None:
    number = RUN.numbers(5)("FulfillmentOrder")
    home = parts(shop, "FulfillmentOrder").edit(number)
    assert home is not None

    home["status"] = "OPEN"

    order = shop.table("Order").get(RUN.order_number(5))
    assert order is not None
    assert order["_fulfillment_orders"][0]["status"] == "OPEN"


def test_unfinished_fulfillment_orders_are_found_without_reading_the_finished_ones(shop: Shop) -> None:
    reopened = parts(shop, "FulfillmentOrder").edit(RUN.numbers(5)("FulfillmentOrder"))
    assert reopened is not None
    reopened["status"] = "OPEN"

    waiting = list(Unfinished(parts(shop, "FulfillmentOrder"), lambda home: home["status"] == "OPEN"))

    assert [home["_order"]["name"] for home in waiting] == ["#1006", "#1000999", "#1001000"]


def test_seeded_orders_follow_from_their_index(shop: Shop) -> None:
    first, second = (shop.table("Order").get(RUN.order_number(77)) for _ in range(2))

    assert first is not second
    assert first is not None
    assert second is not None
    assert [line["id"] for line in first["_lines"]] == [line["id"] for line in second["_lines"]]
    assert totals.total(first)[0] == 20
    assert totals.financial_status(first) == "PAID"


def test_orders_of_seeded_customers_are_worked_out_when_asked_for(shop: Shop) -> None:
    assert shop.state[OF_CUSTOMER].get(9, ()) == [RUN.order_number(9)]


def test_a_name_leads_to_its_order(shop: Shop) -> None:
    seeded = shop.table("Order").seeded
    assert seeded is not None

    assert list(seeded.finders["name"]("#1006") or ()) == [RUN.order_number(5)]
    assert list(seeded.finders["name"]("no number") or ()) == []
