"""Single objects in the mirror: applied, deleted, erased; and a load under way meanwhile."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shopify_kit.errors import UpstreamFailed
from shopify_mirror import mirror
from shopify_mirror.kinds import SHAPES
from shopify_mirror.mirror import Applied, Gap, RowCount
from tests.mirror_bench import (
    AS_OF,
    SHOP,
    UPDATED,
    Bench,
    expected_of,
    gid,
    jsonl,
    line_item,
    money,
    order,
    product,
    source_of,
    variant,
)
from tests.shared_data import needs_shared_data

pytest_plugins = ("tests.mirror_fixtures",)

NEWER = "2026-11-02T10:00:00Z"


def connection(*nodes: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"nodes": list(nodes), "pageInfo": {"hasNextPage": more, "endCursor": None}}


def below(child: dict[str, Any]) -> dict[str, Any]:
    """A child as a page shows it: inside its parent, without a parent's id."""
    return {name: value for name, value in child.items() if name != "__parentId"}


def apply(bench: Bench, *nodes: dict[str, Any], as_of: datetime = AS_OF, shop_id: int = SHOP) -> Applied:
    return bench.database.run(mirror.apply_objects, shop_id, nodes, as_of=as_of)


def whole_order(number: int, **changes: Any) -> dict[str, Any]:
    lines = connection(below(line_item(number * 10 + 1, number)), below(line_item(number * 10 + 2, number)))
    return order(number, lineItems=lines, **changes)


def test_an_object_is_applied_with_its_children(bench: Bench) -> None:
    applied = apply(bench, whole_order(1), product(2, 1, variants={"edges": [{"node": below(variant(21, 2))}]}))

    assert applied == Applied({"line_items": 2, "variants": 1, "orders": 1, "products": 1}, {}, {}, {})
    assert bench.rows("select order_id, line_item_id from shopify.line_items order by 2") == [(1, 11), (1, 12)]
    assert bench.rows("select product_id, variant_id, sku from shopify.variants") == [(2, 21, "M-21")]
    raw = bench.database.run(mirror.read_raw, SHOP, "orders", [1])
    assert json.loads(raw[1])["name"] == "#1"
    assert "lineItems" not in json.loads(raw[1])


def test_the_same_again_changes_nothing(bench: Bench) -> None:
    apply(bench, whole_order(1))

    assert apply(bench, whole_order(1), as_of=AS_OF + timedelta(hours=1)) == Applied({}, {}, {}, {})
    assert bench.count("raw_objects") == 3


def test_an_older_event_comes_too_late(bench: Bench) -> None:
    apply(bench, whole_order(1, updatedAt=NEWER, name="new"))

    assert apply(bench, whole_order(1, name="old"), as_of=AS_OF + timedelta(hours=1)).changed == {}
    assert bench.value("select name from shopify.orders") == "new"


def test_a_change_marks_the_hours_to_be_added_up_anew(bench: Bench) -> None:
    moved = "2026-11-03T23:30:00Z"
    apply(bench, whole_order(1))
    hour = datetime(2026, 11, 1, 10, tzinfo=UTC)
    assert bench.rows("select shop_id, hour from shopify.dirty_hours") == [(SHOP, hour)]
    bench.rows("delete from shopify.dirty_hours")

    apply(bench, whole_order(1))
    assert bench.rows("select hour from shopify.dirty_hours") == []

    apply(bench, whole_order(1, updatedAt=NEWER, processedAt=moved))
    assert bench.rows("select hour from shopify.dirty_hours order by 1") == [(hour,), (datetime(2026, 11, 3, 23, tzinfo=UTC),)]


def refund(**changes: Any) -> dict[str, Any]:
    facts = {"id": gid("Refund", 5), "createdAt": NEWER, "processedAt": NEWER, "updatedAt": NEWER, "note": None}
    return {**facts, "totalRefundedSet": money("20.0"), **changes}


def refund_with_lines() -> dict[str, Any]:
    lines: list[dict[str, Any]] = [
        {"id": gid("RefundLineItem", 51), "quantity": 1, "restockType": "RETURN", "lineItem": {"id": gid("LineItem", 11)},
         "location": {"id": gid("Location", 3)}, "subtotalSet": money("9.5"), "totalTaxSet": money("1.24")},
        {"id": None, "quantity": 2, "restockType": "NO_RESTOCK", "lineItem": {"id": gid("LineItem", 12)}, "location": None,
         "subtotalSet": money("5.0"), "totalTaxSet": money("0.65")},
    ]  # fmt: skip
    shipping = {"id": gid("RefundShippingLine", 1), "subtotalAmountSet": money("3.0"), "taxAmountSet": money("0.39")}
    adjustment = {"id": gid("OrderAdjustment", 1), "amountSet": money("-1.5"), "taxAmountSet": money("0.0")}
    return refund(
        refundLineItems=connection(*lines),
        refundShippingLines={"nodes": [shipping]},
        orderAdjustments={"nodes": [adjustment, adjustment]},
    )


def test_a_refunds_lines_come_page_by_page_and_stay_when_a_bulk_result_shows_none(bench: Bench) -> None:
    bench.load([order(1, refunds=[refund()]), line_item(11, 1)])
    assert bench.database.run(mirror.list_refunds_without_lines, SHOP) == [1]

    apply(bench, whole_order(1, refunds=[refund_with_lines()]), as_of=AS_OF + timedelta(days=1))

    assert bench.database.run(mirror.list_refunds_without_lines, SHOP) == []
    lines = "select refund_line_id, line_item_id, quantity, subtotal, tax, location_id from shopify.refund_lines order by 1"
    found = [(1, 12, 2, Decimal("5.0"), Decimal("0.65"), None), (51, 11, 1, Decimal("9.5"), Decimal("1.24"), 3)]
    assert bench.rows(lines) == found
    sums = "select shipping, shipping_tax, adjustment, total_refunded from shopify.refunds"
    assert bench.rows(sums) == [(Decimal("3.0"), Decimal("0.39"), Decimal("-3.0"), Decimal("20.0"))]

    bench.load([order(1, updatedAt=NEWER, refunds=[refund(note="later")])], as_of=AS_OF + timedelta(days=2))
    assert bench.rows(lines) == found
    assert bench.rows("select note, shipping, lines_seen_at is null from shopify.refunds") == [("later", Decimal("3.0"), False)]


def test_children_are_gone_only_when_all_pages_were_shown(bench: Bench) -> None:
    first, second = below(variant(21, 2)), below(variant(22, 2))
    apply(bench, product(2, 2, variants=connection(first, second)))

    part = apply(bench, product(2, 2, updatedAt=NEWER, variants=connection(first, more=True)), as_of=AS_OF + timedelta(hours=1))
    assert part.retired == {}

    whole = apply(bench, product(2, 1, updatedAt=NEWER, variants=connection(first)), as_of=AS_OF + timedelta(hours=2))
    assert whole.retired == {"variants": 1}
    assert bench.rows("select variant_id from shopify.variants where deleted_at is null") == [(21,)]


def test_pages_close_the_gap_that_a_bulk_result_left(bench: Bench) -> None:
    bench.load([product(2, 2), variant(21, 2)], resource="products")
    (gap,) = bench.database.run(mirror.list_gaps, SHOP)
    assert gap == Gap("variants", 2, 2, 1, gap.noticed_at)

    apply(bench, product(2, 2, variants=connection(below(variant(21, 2)), below(variant(22, 2)))), as_of=AS_OF + timedelta(days=1))

    assert bench.database.run(mirror.list_gaps, SHOP) == []
    assert bench.count("variants") == 2


def test_inventory_customers_collections_and_discounts_have_their_columns(bench: Bench) -> None:
    names = ["available", "on_hand", "committed", "incoming", "reserved", "damaged", "quality_control", "safety_stock"]
    level = {
        "__typename": "InventoryLevel", "id": gid("InventoryLevel", "77?inventory_item_id=7"), "updatedAt": NEWER,
        "location": {"id": gid("Location", 3)}, "item": {"id": gid("InventoryItem", 7)},
        "quantities": [{"name": name, "quantity": place} for place, name in enumerate(names)],
    }  # fmt: skip
    item = {
        "__typename": "InventoryItem", "id": gid("InventoryItem", 7), "updatedAt": NEWER, "sku": "S", "tracked": True,
        "unitCost": {"amount": "4.5", "currencyCode": "CAD"}, "inventoryLevels": connection(level),
    }  # fmt: skip
    customer = {
        "__typename": "Customer", "id": gid("Customer", 5), "updatedAt": NEWER, "numberOfOrders": "3",
        "amountSpent": {"amount": "99.5", "currencyCode": "CAD"}, "statistics": {"rfmGroup": "LOYAL"}, "tags": ["vip"],
        "defaultEmailAddress": {"emailAddress": "a@example.com", "marketingState": "SUBSCRIBED"},
        "defaultAddress": {"countryCodeV2": "CA", "provinceCode": "ON"},
    }  # fmt: skip
    shelf = {
        "__typename": "Collection", "id": gid("Collection", 4), "title": "Mugs", "updatedAt": NEWER, "productsCount": {"count": 1},
        "products": connection({"__typename": "Product", "id": gid("Product", 2)}),
    }  # fmt: skip
    code = {"__typename": "DiscountRedeemCode", "id": gid("DiscountRedeemCode", 61), "code": "Spring", "asyncUsageCount": 2}
    discount = {
        "__typename": "DiscountNode", "id": gid("DiscountCodeNode", 6), "discount": {
            "__typename": "DiscountCodeBasic", "title": "Spring", "status": "ACTIVE", "startsAt": UPDATED, "endsAt": NEWER,
            "updatedAt": NEWER, "customerGets": {"value": {"__typename": "DiscountPercentage", "percentage": 0.1}},
            "codes": connection(code),
        },
    }  # fmt: skip

    applied = apply(bench, item, customer, shelf, discount)

    assert applied.skipped == {}
    quantities = "select location_id, level_id, available, on_hand, committed, incoming, reserved, damaged, quality_control, "
    assert bench.rows(quantities + "safety_stock from shopify.inventory_levels") == [(3, 77, *range(8))]
    assert bench.rows("select sku, unit_cost, cost_currency from shopify.inventory_items") == [("S", Decimal("4.5"), "CAD")]
    found = "select email, orders_count, amount_spent, rfm_group, country_code, email_marketing_state, tags from shopify.customers"
    assert bench.rows(found) == [("a@example.com", 3, Decimal("99.5"), "LOYAL", "CA", "SUBSCRIBED", ["vip"])]
    assert bench.rows("select collection_id, product_id from shopify.collection_products") == [(4, 2)]
    terms = bench.rows("select method, discount_id, percentage, starts_at, ends_at from shopify.discounts")
    starts_at, ends_at = datetime(2026, 11, 1, 10, tzinfo=UTC), datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert terms == [("code", 6, Decimal("0.1"), starts_at, ends_at)]
    assert bench.rows("select discount_id, code, usage_count from shopify.discount_codes") == [(6, "Spring", 2)]


def test_the_shop_shows_itself(bench: Bench) -> None:
    shop_id = bench.value("insert into shopify.shops (shop_domain) values ('acme.myshopify.com') returning shop_id")
    node = {
        "__typename": "Shop", "id": gid("Shop", 1), "name": "Acme", "email": "a@example.com",
        "myshopifyDomain": "acme.myshopify.com", "currencyCode": "CAD", "ianaTimezone": "America/Toronto", "updatedAt": UPDATED,
        "enabledPresentmentCurrencies": ["CAD", "EUR"], "plan": {"publicDisplayName": "Basic"},
        "shopAddress": {"countryCodeV2": "CA", "provinceCode": "ON"},
    }  # fmt: skip
    apply(bench, node, shop_id=shop_id)

    apply(bench, {**node, "name": "Acme & Co", "updatedAt": NEWER}, shop_id=shop_id)
    apply(bench, {**node, "name": "Old"}, shop_id=shop_id)

    profile = "select name, currency, iana_timezone, presentment_currencies, country_code, plan from shopify.shop_profiles"
    assert bench.rows(profile) == [("Acme & Co", "CAD", "America/Toronto", ["CAD", "EUR"], "CA", "Basic")]
    known = "select name, currency, iana_timezone from shopify.shops where shop_id = $1"
    assert bench.rows(known, shop_id) == [("Acme & Co", "CAD", "America/Toronto")]
    assert bench.count("raw_objects") == 1


# Deletions


def delete(bench: Bench, kind: mirror.Kind, *ids: int, at: datetime) -> int:
    return bench.database.run(mirror.mark_deleted, SHOP, kind, ids, deleted_at=at)


def test_what_was_deleted_stays_with_the_time_of_its_deletion(bench: Bench) -> None:
    apply(bench, whole_order(1), product(2, 1, variants=connection(below(variant(21, 2)))))
    at = AS_OF + timedelta(hours=1)
    bench.rows("delete from shopify.dirty_hours")

    assert (delete(bench, "orders", 1, 99, at=at), delete(bench, "products", 2, at=at)) == (1, 1)

    counts = bench.database.run(mirror.count_rows, SHOP)
    assert counts["orders"] == counts["products"] == counts["variants"] == RowCount(0, 1)
    assert bench.rows("select deleted_at from shopify.orders") == [(at,)]
    assert bench.count("dirty_hours") == 1


def test_an_older_result_does_not_bring_back_what_was_deleted(bench: Bench) -> None:
    bench.load([order(1), order(2)], as_of=AS_OF)
    delete(bench, "orders", 1, 3, at=AS_OF + timedelta(hours=1))
    delete(bench, "products", 4, at=AS_OF + timedelta(hours=1))
    everything = [order(1, updatedAt=NEWER), order(2), order(3), product(4), variant(41, 4)]

    bench.load(everything, as_of=AS_OF + timedelta(minutes=30))
    assert bench.rows("select order_id from shopify.orders where deleted_at is null") == [(2,)]
    assert (bench.count("products"), bench.count("variants")) == (0, 0)
    assert bench.count("raw_objects") == 2

    bench.load(everything, as_of=AS_OF + timedelta(hours=2))
    assert bench.value("select count(*) from shopify.orders where deleted_at is null") == 3
    assert (bench.count("products"), bench.count("variants")) == (1, 1)


def test_old_deletions_are_forgotten(bench: Bench) -> None:
    delete(bench, "orders", 1, at=AS_OF)
    delete(bench, "orders", 2, at=AS_OF + timedelta(days=30))

    bench.database.run(mirror.sweep_tombstones, AS_OF + timedelta(days=1))

    assert bench.rows("select object_id from shopify.tombstones") == [(2,)]


def test_an_event_that_comes_while_a_result_is_read_is_not_undone_by_it(bench: Bench) -> None:
    bench.load([order(1, name="first"), line_item(11, 1), order(2), line_item(21, 2)])
    data = jsonl([order(1, name="in the result", updatedAt=NEWER), line_item(11, 1, title="old"), order(2), line_item(21, 2)])

    def source(start: int) -> Iterator[bytes]:
        yield from source_of(data)(start)
        newest = whole_order(1, name="newest", updatedAt="2026-11-19T10:00:00Z")
        apply(bench, newest, as_of=AS_OF + timedelta(days=1))
        delete(bench, "orders", 2, at=AS_OF + timedelta(days=1))

    bench.load(data, source=source, expected=expected_of(data))

    assert bench.rows("select name from shopify.orders where deleted_at is null") == [("newest",)]
    assert bench.rows("select title from shopify.line_items where order_id = 1 order by line_item_id") == [("Mug",), ("Mug",)]
    adopted = (
        "select count(*) from shopify.raw_objects as r where exists (select from shopify.orders as m where m.raw_id = r.raw_id)"
    )
    assert bench.value(adopted) == 2


# Erasure


def test_a_customer_is_erased_with_what_is_personal_in_orders(bench: Bench) -> None:
    customer = {"__typename": "Customer", "id": gid("Customer", 5), "updatedAt": UPDATED, "firstName": "Ada", "tags": ["vip"]}
    owner = {"customer": {"id": gid("Customer", 5)}, "email": "ada@example.com", "note": "for Ada", "totalPriceSet": money("12.0")}
    data = [
        customer,
        order(1, **owner),
        line_item(11, 1, customAttributes=[{"key": "engraving", "value": "Ada"}]),
        order(2, email="x"),
    ]
    bench.load(data)

    bench.database.run(mirror.erase_customer, SHOP, 5, erased_at=AS_OF + timedelta(days=1))

    everything = " ".join(str(bench.everything(table)) for table in ("customers", "orders", "line_items", "raw_objects"))
    assert "Ada" not in everything
    assert "ada@" not in everything
    assert bench.rows("select order_id, customer_id, total_price from shopify.orders where order_id = 1") == [
        (1, 5, Decimal("12.0"))
    ]
    bench.load(data, as_of=AS_OF + timedelta(hours=2))
    bench.load(data, as_of=AS_OF + timedelta(days=2))
    assert bench.value("select email from shopify.orders where order_id = 1") is None
    assert bench.value("select email from shopify.orders where order_id = 2") == "x"


def test_a_shop_is_erased_in_steps_and_others_stay(bench: Bench) -> None:
    bench.load([order(number) for number in range(1, 8)])
    bench.load([order(1)], shop_id=SHOP + 1)
    steps = []

    while erased := bench.database.run(mirror.erase_shop, SHOP, rows=3):
        steps.append(erased)

    assert len(steps) == 3
    assert bench.rows("select shop_id, order_id from shopify.orders") == [(SHOP + 1, 1)]
    assert (bench.count("raw_objects"), bench.count("loads"), bench.count("dirty_hours")) == (1, 1, 1)


def test_a_load_that_nobody_finishes_is_forgotten(bench: Bench) -> None:
    data = jsonl([order(1), line_item(11, 1)])
    with pytest.raises(UpstreamFailed):
        bench.load(data, source=source_of(data, cut_at=len(data) - 30), run="one", as_of=AS_OF)

    assert bench.loader.sweep(datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert bench.loader.sweep(datetime(2100, 1, 1, tzinfo=UTC)) == 1

    assert [bench.count(table) for table in ("loads", "staged_orders", "staged_chunks", "raw_objects")] == [0, 0, 0, 0]


@needs_shared_data
def test_objects_as_real_shopify_showed_them_can_be_read(bench: Bench, shared_data: Path) -> None:
    """Fields that a recorded query did not ask for are filled in; everything else is as Shopify wrote it."""
    absent = {
        "updatedAt": UPDATED, "currencyCode": "CAD", "title": "?", "quantity": 1, "namespace": "?", "key": "?",
        "location": {"id": gid("Location", 1)},
    }  # fmt: skip
    with gzip.open(shared_data / "real_objects.jsonl.gz") as file:
        records = [json.loads(line) for line in file]
    nodes = [
        {**absent, **record["object"], "__typename": record["type"]}
        for record in records
        if record["type"] in SHAPES and record["type"] not in ("LineItem", "ProductVariant", "Metafield", "InventoryLevel")
    ]

    applied = apply(bench, *nodes)

    assert len(nodes) > 130
    assert applied.skipped == {}
    assert applied.added["orders"] >= 20
