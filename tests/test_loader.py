"""The loader: what arrives in the mirror, and what does not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from benchmarks.bulk_lines import order_family, product_family
from shopify_kit.errors import Conflict, UpstreamFailed
from shopify_kit.runtime import map_in_threads
from shopify_mirror.loading import Expected, Loader
from tests.mirror_bench import (
    AS_OF,
    SHOP,
    Bench,
    expected_of,
    gid,
    jsonl,
    line_item,
    made,
    money,
    order,
    product,
    shuffled,
    source_of,
    variant,
)

pytest_plugins = ("tests.mirror_fixtures",)

NEWER = "2026-11-02T10:00:00Z"


@pytest.fixture(scope="module")
def orders() -> bytes:
    return made(order_family, 120)


def test_an_order_arrives_with_its_lines_and_money_in_both_currencies(bench: Bench) -> None:
    document = order(
        1,
        test=True,
        cancelledAt="2026-11-01T11:00:00Z",
        sourceName="pos",
        customer={"id": gid("Customer", 5)},
        presentmentCurrencyCode="EUR",
        displayFinancialStatus="PAID",
        totalPriceSet=money("113.5", other="77.18"),
        totalTaxSet=money("13.5", other="9.18"),
        shippingAddress={"countryCodeV2": "FR", "provinceCode": None, "city": "Lyon"},
        tags=["a", "b, c"],
        refunds=[
            {"id": gid("Refund", 9), "createdAt": NEWER, "processedAt": NEWER, "totalRefundedSet": money("20.0", other="13.6")}
        ],
        fulfillments=[
            {"id": gid("Fulfillment", 8), "status": "SUCCESS", "totalQuantity": 2, "location": {"id": gid("Location", 3)}}
        ],
    )
    shares = [{"allocatedAmountSet": money(amount, other=other)} for amount, other in (("1.25", "0.85"), ("0.5", "0.34"))]
    line = line_item(2, 1, quantity=3, variant={"id": gid("ProductVariant", 4)}, discountAllocations=shares)

    loaded = bench.load([document, line], watermark=AS_OF)

    assert loaded.added == {"orders": 1, "line_items": 1, "refunds": 1, "fulfillments": 1}
    found = bench.rows(
        "select is_test, cancelled_at, source_name, customer_id, currency, presentment_currency, total_price, total_tax, "
        "presentment_total_price, country_code, tags, financial_status from shopify.orders where (shop_id, order_id) = ($1, 1)",
        SHOP,
    )
    cancelled_at = datetime(2026, 11, 1, 11, tzinfo=UTC)
    assert found == [
        (
            True,
            cancelled_at,
            "pos",
            5,
            "CAD",
            "EUR",
            Decimal("113.5"),
            Decimal("13.5"),
            Decimal("77.18"),
            "FR",
            ["a", "b, c"],
            "PAID",
        )
    ]
    assert bench.rows(
        "select order_id, quantity, variant_id, unit_price, allocated_discount, presentment_allocated_discount "
        "from shopify.line_items"
    ) == [(1, 3, 4, Decimal("10.0"), Decimal("1.75"), Decimal("1.19"))]
    assert bench.rows("select order_id, total_refunded, presentment_total_refunded, lines_seen_at from shopify.refunds") == [
        (1, Decimal("20.0"), Decimal("13.6"), None)
    ]
    assert bench.rows("select order_id, total_quantity, location_id from shopify.fulfillments") == [(1, 2, 3)]
    assert bench.rows("select resource, watermark from shopify.watermarks") == [("orders", AS_OF)]


def test_the_raw_object_is_kept_to_the_letter(bench: Bench) -> None:
    (line,) = jsonl([order(1, note="NOTE")]).splitlines()
    line = line.replace(b"NOTE", rb"\u0000 \ud83d \u00fc \"x\"\n")

    bench.load(line + b"\n", expected=Expected(1, 1, len(line) + 1))

    assert bench.value("select raw from shopify.raw_objects").encode() == line


def test_the_order_of_lines_does_not_matter(bench: Bench, orders: bytes) -> None:
    bench.load(orders)
    in_order = bench.fingerprint()
    bench.wipe()
    wrong_parents = """
        select count(*) from shopify.line_items as l
        join shopify.raw_objects as r on (r.shop_id, r.raw_id) = (l.shop_id, l.raw_id)
        where r.raw::json ->> '__parentId' is distinct from 'gid://shopify/Order/' || l.order_id
    """

    loaded = bench.load(shuffled(orders), loader=Loader(bench.database, chunk_bytes=20_000))

    assert loaded.orphans == {}
    assert bench.value(wrong_parents) == 0
    assert bench.fingerprint() == in_order


def test_loading_the_same_again_writes_nothing(bench: Bench) -> None:
    data = made(order_family, 1_000)
    bench.load(data)
    before = bench.fingerprint()

    written = bench.wal_bytes(lambda: bench.load(data))

    assert written < 500_000
    assert bench.fingerprint() == before
    assert bench.count("raw_objects") == data.count(b"\n")


def test_only_what_changed_is_written(bench: Bench) -> None:
    bench.load([order(1), order(2), line_item(11, 1), line_item(21, 2)])

    loaded = bench.load([order(1), order(2, updatedAt=NEWER, name="#new"), line_item(11, 1), line_item(21, 2, currentQuantity=0)])

    assert (loaded.added, loaded.changed) == ({}, {"orders": 1, "line_items": 1})
    assert bench.rows("select order_id, name from shopify.orders order by 1") == [(1, "#1"), (2, "#new")]
    assert bench.count("raw_objects") == 4
    assert bench.value("select count(*) from shopify.orders as o join shopify.raw_objects as r using (shop_id, raw_id)") == 2


# The guard


def test_an_older_result_overwrites_nothing(bench: Bench) -> None:
    bench.load([order(1, updatedAt=NEWER, name="new"), line_item(11, 1, title="new")])

    loaded = bench.load([order(1, name="old"), line_item(11, 1, title="old"), line_item(12, 1, title="taken off")])

    assert (loaded.added, loaded.changed) == ({}, {})
    assert bench.rows("select name from shopify.orders") == [("new",)]
    assert bench.rows("select title from shopify.line_items") == [("new",)]
    assert bench.count("raw_objects") == 2


def test_of_two_states_of_one_second_the_one_asked_for_later_counts(bench: Bench) -> None:
    bench.load([order(1, name="second")], as_of=AS_OF + timedelta(minutes=2))

    bench.load([order(1, name="first")], as_of=AS_OF + timedelta(minutes=1))
    assert bench.value("select name from shopify.orders") == "second"

    bench.load([order(1, name="third")], as_of=AS_OF + timedelta(minutes=3))
    assert bench.value("select name from shopify.orders") == "third"


def test_lines_that_change_back_and_forth_follow_their_order(bench: Bench) -> None:
    later, latest = "2026-11-02T10:00:00Z", "2026-11-03T10:00:00Z"
    bench.load([order(1), line_item(11, 1, title="A")])
    bench.load([order(1, updatedAt=latest), line_item(11, 1, title="A")])

    bench.load([order(1, updatedAt=later), line_item(11, 1, title="B")])

    assert bench.value("select title from shopify.line_items") == "A"


# What Shopify no longer shows


def test_a_variant_that_its_product_no_longer_shows_is_gone(bench: Bench) -> None:
    bench.load([product(1, 2), variant(11, 1), variant(12, 1), product(2, 1), variant(21, 2)], resource="products")

    loaded = bench.load([product(1, 1, updatedAt=NEWER), variant(11, 1)], resource="products")

    assert loaded.retired == {"variants": 1}
    assert bench.rows("select variant_id from shopify.variants where deleted_at is null order by 1") == [(11,), (21,)]


def test_children_that_were_cut_off_are_a_gap_and_not_gone(bench: Bench) -> None:
    bench.load([product(1, 3), *(variant(number, 1) for number in (11, 12, 13))], resource="products")

    loaded = bench.load([product(1, 3, updatedAt=NEWER), variant(11, 1)], resource="products")

    assert (loaded.retired, loaded.gaps) == ({}, {"variants": 1})
    assert bench.rows("select resource, object_id, expected, found from shopify.mirror_gaps") == [("variants", 1, 3, 1)]

    bench.load([product(1, 3, updatedAt=NEWER), *(variant(number, 1) for number in (11, 12, 13))], resource="products")
    assert bench.rows("select object_id from shopify.mirror_gaps") == []


@pytest.mark.parametrize(("shown", "left"), [pytest.param(99, 99, id="below_the_cut"), pytest.param(100, 101, id="at_the_cut")])
def test_metafields_are_gone_unless_so_many_are_shown_that_some_may_be_cut_off(bench: Bench, shown: int, left: int) -> None:
    def metafield(number: int) -> dict[str, Any]:
        facts = {"namespace": "custom", "key": f"k{number}", "type": "t", "value": "v", "updatedAt": NEWER}
        return {"__typename": "Metafield", "id": gid("Metafield", number), **facts, "__parentId": gid("Product", 1)}

    everything = [metafield(number) for number in range(shown + 1)]
    bench.load([product(1), *everything], resource="products")

    bench.load([product(1, updatedAt=NEWER), *everything[:shown]], resource="products")

    assert bench.value("select count(*) from shopify.metafields where deleted_at is null") == left


def test_a_product_that_left_a_collection_is_no_member(bench: Bench) -> None:
    def collection(*members: int) -> list[dict[str, Any]]:
        facts = {"title": "Mugs", "updatedAt": NEWER, "productsCount": {"count": len(members)}}
        shelf = {"__typename": "Collection", "id": gid("Collection", 1), **facts}
        below = [{"__typename": "Product", "id": gid("Product", one), "__parentId": gid("Collection", 1)} for one in members]
        return [shelf, *below]

    bench.load(collection(1, 2, 3), resource="collections")

    loaded = bench.load(collection(3, 1), resource="collections")

    assert loaded.retired == {"collection_products": 1}
    assert bench.rows("select product_id from shopify.collection_products where deleted_at is null order by 1") == [(1,), (3,)]


def test_what_a_complete_result_does_not_show_is_gone(bench: Bench) -> None:
    bench.load([order(1), order(2), order(3)])

    loaded = bench.load([order(1), order(3)], is_complete=True)

    assert loaded.retired == {"orders": 1}
    assert bench.rows("select order_id from shopify.orders where deleted_at is not null") == [(2,)]


def test_nothing_is_taken_for_gone_when_something_could_not_be_read(bench: Bench) -> None:
    bench.load([order(1), order(2)])

    loaded = bench.load([order(1), order(2, updatedAt=None)], is_complete=True)

    assert (loaded.retired, loaded.skipped) == ({}, {"unreadable": 1})


def test_what_comes_again_is_there_again(bench: Bench) -> None:
    bench.load([order(1), order(2)])
    bench.load([order(1)], is_complete=True)

    loaded = bench.load([order(1), order(2)])

    assert loaded.changed == {"orders": 1}
    assert bench.value("select count(*) from shopify.orders where deleted_at is null") == 2


def test_shops_are_kept_apart(bench: Bench) -> None:
    bench.load([order(1, name="mine"), line_item(11, 1)])

    bench.load([order(1, name="theirs")], shop_id=SHOP + 1, is_complete=True)

    assert bench.rows("select shop_id, name, deleted_at from shopify.orders order by 1") == [
        (SHOP, "mine", None),
        (SHOP + 1, "theirs", None),
    ]


# What does not arrive


def test_a_result_cut_off_is_not_used_and_goes_on_where_it_ended(bench: Bench, orders: bytes) -> None:
    starts: list[int] = []
    loader = Loader(bench.database, chunk_bytes=50_000)
    facts: dict[str, Any] = {"run": "one", "as_of": AS_OF, "expected": expected_of(orders), "loader": loader}

    def source(start: int, cut_at: int | None = None) -> Iterator[bytes]:
        starts.append(start)
        return source_of(orders, cut_at=cut_at)(start)

    with pytest.raises(UpstreamFailed) as refused:
        bench.load(orders, source=lambda start: source(start, 300_011), **facts)
    assert (refused.value.code, refused.value.retryable) == ("truncated_result", True)
    assert bench.count("orders") == 0

    loaded = bench.load(orders, source=source, **facts)

    assert starts[0] == 0
    assert 300_011 - 150_000 < starts[1] == loaded.resumed_from < 300_011
    resumed = bench.fingerprint()
    bench.load(orders, shop_id=SHOP + 1)
    assert bench.value("select count(*) from shopify.orders where shop_id = $1", SHOP) == 120
    assert resumed["orders"] != "empty"


def test_a_stream_that_breaks_raises_what_broke_it(bench: Bench, orders: bytes) -> None:
    def source(start: int) -> Iterator[bytes]:
        yield from source_of(orders, cut_at=100_000)(start)
        raise UpstreamFailed("The connection broke.")

    with pytest.raises(UpstreamFailed, match="broke"):
        bench.load(orders, source=source)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"object_count": 4}, id="objects"),
        pytest.param({"root_object_count": 1}, id="roots"),
        pytest.param({"file_size": 10}, id="bytes"),
    ],
)
def test_a_result_that_is_not_what_shopify_said_is_thrown_away(bench: Bench, wrong: dict[str, int]) -> None:
    data = jsonl([order(1), line_item(11, 1), order(2)])
    expected = Expected(**{"object_count": 3, "root_object_count": 2, "file_size": len(data), **wrong})

    with pytest.raises(UpstreamFailed) as refused:
        bench.load(data, expected=expected)

    assert refused.value.code == "bad_result"
    for table in ("orders", "line_items", "raw_objects", "staged_orders", "staged_chunks"):
        assert bench.count(table) == 0


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"__typename":"Order"', id="no_json"),
        pytest.param(b"[1]", id="no_object"),
        pytest.param(b'{"a":"\xff"}', id="no_text"),
        pytest.param(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="too_deep"),
        pytest.param(b'{"a":"' + b"x" * (4 * 2**20) + b'"}', id="too_long"),
    ],
)
def test_a_line_that_cannot_be_is_a_bad_result(bench: Bench, line: bytes) -> None:
    data = jsonl([order(1)]) + line + b"\n" + jsonl([order(2)])

    with pytest.raises(UpstreamFailed) as refused:
        bench.load(data, expected=Expected(3, 3, len(data)))

    assert refused.value.code == "bad_result"
    assert bench.count("orders") == 0


def test_unknown_and_unreadable_objects_are_counted_and_the_others_taken(bench: Bench) -> None:
    objects = [
        {"__typename": "Zeppelin", "id": gid("Zeppelin", 1)},
        {"id": gid("Airship", 1), "__parentId": gid("Order", 1)},
        order(1),
        order(2, updatedAt=None),
        order(3, updatedAt="2026-11-01T10:00:00"),
        {**order(4), "id": "nonsense"},
        line_item(11, 1, quantity=2**40),
        line_item(12, 1, originalUnitPriceSet=money("ten")),
        line_item(13, 1),
    ]

    loaded = bench.load(objects)

    assert loaded.skipped == {"Zeppelin": 1, "Airship": 1, "unreadable": 5}
    assert bench.rows("select order_id from shopify.orders") == [(1,)]
    assert bench.rows("select line_item_id from shopify.line_items") == [(13,)]


def test_kinds_are_known_by_their_id_where_nothing_else_says_so(bench: Bench) -> None:
    objects = [order(1), line_item(11, 1)]
    for one in objects:
        del one["__typename"]

    assert bench.load(objects).added == {"orders": 1, "line_items": 1}


def test_texts_that_postgres_cannot_hold_are_mended(bench: Bench) -> None:
    data = jsonl([order(1, name="NAME"), line_item(11, 1, title="TITLE")])
    data = data.replace(b"NAME", rb"a\u0000b").replace(b"TITLE", rb"x\ud83dy\n")

    bench.load(data, expected=Expected(2, 1, len(data)))

    assert bench.value("select name from shopify.orders") == "a\ufffdb"
    assert bench.value("select title from shopify.line_items") == "x\ufffdy\n"


def test_children_without_parents_are_counted_and_not_merged(bench: Bench) -> None:
    objects = [order(1), line_item(11, 1), line_item(21, 2), line_item(31, 3), product(5), variant(51, 5), variant(61, 6)]
    lost = line_item(41, 4)
    del lost["__parentId"]

    loaded = bench.load([*objects, lost], expected=Expected(8, 3, None))

    assert loaded.orphans == {"line_items": 3, "variants": 1}
    assert bench.rows("select line_item_id from shopify.line_items") == [(11,)]
    assert bench.rows("select variant_id from shopify.variants") == [(51,)]


def test_an_object_that_comes_twice_is_there_once(bench: Bench) -> None:
    loaded = bench.load([order(1, name="first"), line_item(11, 1), order(1, name="second"), line_item(11, 1)])

    assert loaded.added == {"orders": 1, "line_items": 1}
    assert bench.value("select name from shopify.orders") == "second"


def test_an_empty_result_is_a_result(bench: Bench) -> None:
    loaded = bench.load(b"", expected=Expected(0, 0, 0), watermark=AS_OF)

    assert (loaded.objects, loaded.added) == (0, {})
    assert bench.value("select watermark from shopify.watermarks") == AS_OF


# Runs


def test_a_run_that_is_done_is_not_done_again(bench: Bench) -> None:
    facts: dict[str, Any] = {"run": "one", "as_of": AS_OF}
    first = bench.load([order(1)], **facts)

    def unread(_: int) -> Iterator[bytes]:
        raise AssertionError("it was read again")

    assert bench.load([order(1)], source=unread, **facts) == first


def test_watermark_and_effect_stand_in_the_transaction_of_the_last_rows(bench: Bench) -> None:
    async def fail(conn: Any) -> None:
        assert await conn.fetchval("select count(*) from shopify.orders") == 1
        raise RuntimeError("the caller's part failed")

    with pytest.raises(RuntimeError, match="caller"):
        bench.load([order(1)], watermark=AS_OF, effect=fail, run="one", as_of=AS_OF)

    assert bench.count("orders") == 0
    assert bench.count("watermarks") == 0
    bench.load([order(1)], watermark=AS_OF, run="one", as_of=AS_OF)
    assert bench.count("watermarks") == 1


def test_a_watermark_never_goes_back(bench: Bench) -> None:
    bench.load([order(1)], watermark=AS_OF)

    bench.load([order(2)], watermark=AS_OF - timedelta(days=1))

    assert bench.value("select watermark from shopify.watermarks") == AS_OF


def test_two_workers_of_one_run_load_it_once(bench: Bench, orders: bytes) -> None:
    expected = expected_of(orders)

    def work(_: int) -> str:
        loader = Loader(bench.database, chunk_bytes=30_000)
        try:
            loader.load(SHOP, "orders", source_of(orders), run="one", as_of=AS_OF, expected=expected)
        except Conflict as error:
            return error.code
        return "done"

    outcomes = map_in_threads(work, range(3), max_threads=3)

    assert "done" in outcomes
    assert set(outcomes) <= {"done", "load_taken_over"}
    assert bench.count("orders") == 120
    assert bench.count("raw_objects") == orders.count(b"\n")


def test_nothing_is_left_in_staging(bench: Bench) -> None:
    bench.load([order(1), line_item(11, 1)])

    assert [bench.count(f"staged_{table}") for table in ("orders", "line_items", "chunks", "merges")] == [0, 0, 0, 0]


def test_a_large_result_is_decoded_in_a_child_process(bench: Bench, orders: bytes) -> None:
    bench.load(orders, loader=Loader(bench.database, beside_from_bytes=1), shop_id=SHOP)
    beside = bench.fingerprint()
    bench.wipe()

    bench.load(orders, loader=Loader(bench.database, beside_from_bytes=10**9), shop_id=SHOP)

    assert bench.fingerprint() == beside


def test_without_a_child_process_it_is_decoded_here(bench: Bench, orders: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")

    loaded = bench.load(orders, loader=Loader(bench.database, beside_from_bytes=1))

    assert loaded.added["orders"] == 120


def test_products_arrive_with_variants_and_metafields(bench: Bench) -> None:
    data = made(product_family, 30)

    loaded = bench.load(data, resource="products")

    assert loaded.added == {"products": 30, "variants": 210, "metafields": 30}
    assert (loaded.gaps, loaded.orphans, loaded.skipped) == ({}, {}, {})
    texts = {line["id"]: line for line in map(json.loads, data.splitlines())}
    for metafield_id, value, owner_type in bench.rows("select metafield_id, value, owner_type from shopify.metafields"):
        assert (value, owner_type) == (texts[gid("Metafield", metafield_id)]["value"], "Product")
