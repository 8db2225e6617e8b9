"""Products created and changed in bulk: every line answered, nothing lost that was not named, nothing made twice."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import pytest

from shopify_bulk.product_lines import LineResult
from shopify_bulk_api import Operation
from shopify_kit.errors import InvalidInput
from tests.bulk_shop import USER, BulkShop
from tests.web_host import control, fault, run_sql

pytest_plugins = ("tests.bulk_fixtures",)


def create(bulk: BulkShop, *products: Mapping[str, Any]) -> tuple[Operation, list[LineResult]]:
    """Create products in bulk; returns the operation and what became of each, in order."""
    return done(bulk, bulk.api.write_products(USER, bulk.shop_id, products, update=False))


def update(bulk: BulkShop, *products: Mapping[str, Any]) -> list[LineResult]:
    """Change products in bulk; returns what became of each, in order."""
    return done(bulk, bulk.api.write_products(USER, bulk.shop_id, products, update=True))[1]


def done(bulk: BulkShop, operation: Operation) -> tuple[Operation, list[LineResult]]:
    """Work until an operation is over and return what became of each product."""
    over = bulk.finish(operation)
    return over, sorted(bulk.api.product_results(over), key=lambda one: one.index)


def product_of(bulk: BulkShop, product_id: int | None) -> dict[str, Any]:
    """Return a product as the public API shows it."""
    found: dict[str, Any] = bulk.host.get(f"/products/{product_id}").get_json()["product"]
    return found


def make(bulk: BulkShop, **product: Any) -> dict[str, Any]:
    """Make one product, as a single one is made."""
    answer = bulk.host.post("/products", {"product": {"title": "Made before", **product}})
    assert answer.status_code == 201, answer.get_json()
    made: dict[str, Any] = answer.get_json()["product"]
    return made


def prices(product: Mapping[str, Any]) -> list[str]:
    """Return the prices of a product's variants."""
    return [variant["price"] for variant in product["variants"]]


SIZES = {
    "options": [{"name": "Size"}],
    "variants": [
        {"option1": "S", "price": "10.00", "sku": "S-1", "inventory_quantity": 3},
        {"option1": "M", "price": "11.00", "sku": "M-1", "inventory_quantity": 4},
        {"option1": "L", "price": "12.00", "sku": "L-1"},
    ],
}

# Creating


def test_products_are_created_with_variants_prices_and_stock(bulk: BulkShop) -> None:
    operation, results = create(
        bulk,
        {"title": "Plain", "price": "3.50", "vendor": "Mill", "tags": ["a", "b"], "status": "draft"},
        {"title": "Sized", **SIZES},
        {"title": "Told", "metafields": [{"namespace": "specs", "key": "cloth", "type": "single_line_text_field", "value": "v"}]},
    )

    assert (operation.status, operation.kind, operation.object_count) == ("completed", "mutation", 3)
    assert [(one.index, one.line, one.ok, one.handle) for one in results] == [
        (0, 1, True, "plain"),
        (1, 2, True, "sized"),
        (2, 3, True, "told"),
    ]
    plain, sized, told = (product_of(bulk, one.product_id) for one in results)
    assert (prices(plain), plain["vendor"], plain["tags"], plain["status"]) == (["3.50"], "Mill", "a, b", "draft")
    assert [(v["option1"], v["sku"], v["inventory_quantity"]) for v in sized["variants"]][:2] == [("S", "S-1", 3), ("M", "M-1", 4)]
    assert prices(sized) == ["10.00", "11.00", "12.00"]
    assert [(m["key"], m["value"]) for m in told["metafields"]] == [("cloth", "v")]


def test_product_that_shopify_refuses_is_told_with_its_line_and_the_others_are_made(bulk: BulkShop) -> None:
    _, results = create(bulk, {"title": "First"}, {"title": ""}, {"title": "Third", "handle": "first"}, {"title": "Fourth"})

    assert [one.ok for one in results] == [True, False, False, True]
    assert (results[1].line, results[1].errors[0].field) == (2, ("input", "title"))
    assert results[2].errors[0].code == "HANDLE_NOT_UNIQUE"


@pytest.mark.parametrize("update_", [False, True], ids=["create", "update"])
def test_no_products_at_all_are_refused(bulk: BulkShop, update_: bool) -> None:
    with pytest.raises(InvalidInput):
        bulk.api.write_products(USER, bulk.shop_id, [], update=update_)


def test_product_to_be_changed_must_say_which(bulk: BulkShop) -> None:
    given: list[dict[str, Any]] = [{"id": 1, "title": "a"}, {"title": "b"}]

    with pytest.raises(InvalidInput) as refused:
        bulk.api.write_products(USER, bulk.shop_id, given, update=True)

    assert refused.value.details[0]["field"] == "products.1.id"  # type: ignore[index]


# Several files


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file and a piece hold little."""
    monkeypatch.setattr("shopify_bulk.uploads.MAX_FILE_BYTES", 2_000)
    monkeypatch.setattr("shopify_bulk.uploads.PIECE_LINES", 3)


@pytest.mark.usefixtures("small_files")
def test_answers_find_their_products_over_several_files(bulk: BulkShop) -> None:
    bulk.script(type="MUTATION", order="shuffled", times=None)
    products = [{"title": "" if number % 7 == 3 else f"Many {number}"} for number in range(60)]

    operation, results = create(bulk, *products)

    assert operation.parts > 2
    assert [one.index for one in results] == list(range(60))
    assert [one.handle for one in results] == [None if n % 7 == 3 else f"many-{n}" for n in range(60)]
    assert operation.object_count == 60


@pytest.mark.usefixtures("small_files")
def test_files_are_divided_by_what_is_sent_and_not_by_what_was_given(bulk: BulkShop) -> None:
    """A change of one price lists all variants of the product."""
    made = [make(bulk, title=f"Wide {number}", **SIZES) for number in range(9)]

    operation, results = done(
        bulk,
        bulk.api.write_products(
            USER,
            bulk.shop_id,
            [{"id": one["id"], "variants": [{"id": one["variants"][0]["id"], "price": "9"}]} for one in made],
            update=True,
        ),
    )

    assert (operation.parts, [one.ok for one in results]) == (3, [True] * 9)
    assert [prices(product_of(bulk, one.product_id)) for one in results] == [["9.00", "11.00", "12.00"]] * 9


@pytest.mark.usefixtures("small_files")
def test_refused_lines_do_not_shift_the_answers_of_the_others(bulk: BulkShop) -> None:
    sized = make(bulk, **SIZES)
    plain = [make(bulk, title=f"Plain {number}")["id"] for number in range(11)]
    changes = [{"id": sized["id"] if number % 3 == 0 else plain[number], "price": f"{number + 1}.00"} for number in range(11)]

    results = update(bulk, *changes)

    assert [one.ok for one in results] == [number % 3 != 0 for number in range(11)]
    assert results[3].errors[0].field == ("price",)
    assert [prices(product_of(bulk, one.product_id)) for one in results if one.ok] == [[f"{n + 1}.00"] for n in range(11) if n % 3]


# Changing


@pytest.fixture
def sized(bulk: BulkShop) -> dict[str, Any]:
    """A product with three variants, two images and two metafields."""
    fields = [{"namespace": "specs", "key": key, "type": "single_line_text_field", "value": key} for key in ("fit", "care")]
    images = [{"src": f"https://cdn.example.com/{number}.png"} for number in range(2)]
    return make(bulk, metafields=fields, images=images, vendor="Mill", **SIZES)


def test_fields_that_are_not_given_stay(bulk: BulkShop, sized: dict[str, Any]) -> None:
    (result,) = update(bulk, {"id": sized["id"], "title": "Renamed"})

    after = product_of(bulk, sized["id"])
    assert (result.ok, result.product_id, after["title"]) == (True, sized["id"], "Renamed")
    for name in ("vendor", "variants", "images", "metafields", "options", "handle"):
        assert without_times(after[name]) == without_times(sized[name])


def without_times(value: Any) -> Any:
    """Return what does not change by being written again."""
    if isinstance(value, list):
        return [without_times(one) for one in value]
    return {key: part for key, part in value.items() if key != "updated_at"} if isinstance(value, dict) else value


def test_variants_that_are_not_named_stay(bulk: BulkShop, sized: dict[str, Any]) -> None:
    small = sized["variants"][0]

    (result,) = update(
        bulk,
        {"id": sized["id"], "variants": [{"id": small["id"], "price": "9.00"}, {"option1": "XL", "price": "13.00", "sku": "XL-1"}]},
    )

    after = product_of(bulk, sized["id"])["variants"]
    assert result.ok
    assert [(v["option1"], v["price"], v["sku"]) for v in after] == [
        ("S", "9.00", "S-1"),
        ("M", "11.00", "M-1"),
        ("L", "12.00", "L-1"),
        ("XL", "13.00", "XL-1"),
    ]
    assert [v["id"] for v in after[:3]] == [v["id"] for v in sized["variants"]]
    assert [v["inventory_quantity"] for v in after[:2]] == [3, 4]


def test_replaced_variants_are_the_only_ones(bulk: BulkShop, sized: dict[str, Any]) -> None:
    middle = sized["variants"][1]

    (result,) = update(bulk, {"id": sized["id"], "replace_variants": True, "variants": [{"id": middle["id"]}, {"option1": "XS"}]})

    assert result.ok
    assert [v["option1"] for v in product_of(bulk, sized["id"])["variants"]] == ["M", "XS"]


def test_stock_is_set_and_not_added(bulk: BulkShop, sized: dict[str, Any]) -> None:
    small = sized["variants"][0]["id"]

    for _ in range(2):
        update(bulk, {"id": sized["id"], "variants": [{"id": small, "inventory_quantity": 7}]})

    after = product_of(bulk, sized["id"])["variants"]
    assert [v["inventory_quantity"] for v in after][:2] == [7, 4]


def test_price_of_a_product_is_its_only_variants(bulk: BulkShop) -> None:
    plain = make(bulk, price="1.00")

    (result,) = update(bulk, {"id": plain["id"], "price": "2.50"})

    assert (result.ok, prices(product_of(bulk, plain["id"]))) == (True, ["2.50"])


def test_price_of_a_product_is_that_of_named_variants_without_their_own(bulk: BulkShop, sized: dict[str, Any]) -> None:
    small, middle, _ = (variant["id"] for variant in sized["variants"])
    named = [{"id": small}, {"id": middle, "price": "20.00"}, {"option1": "XL"}]

    update(bulk, {"id": sized["id"], "price": "5.00", "variants": named})

    assert prices(product_of(bulk, sized["id"])) == ["5.00", "20.00", "12.00", "5.00"]


def test_images_and_metafields_that_are_not_named_stay(bulk: BulkShop, sized: dict[str, Any]) -> None:
    """Shopify deletes what a list does not name."""
    (result,) = update(
        bulk,
        {
            "id": sized["id"],
            "images": [{"src": "https://cdn.example.com/new.png", "alt": "new"}],
            "metafields": [{"namespace": "specs", "key": "care", "type": "single_line_text_field", "value": "changed"}],
        },
    )

    after = product_of(bulk, sized["id"])
    assert result.ok
    assert [image["id"] for image in after["images"]][:2] == [image["id"] for image in sized["images"]]
    assert [image["alt"] for image in after["images"]] == [None, None, "new"]
    assert {m["key"]: m["value"] for m in after["metafields"]} == {"fit": "fit", "care": "changed"}
    assert [v["id"] for v in after["variants"]] == [v["id"] for v in sized["variants"]]


def test_lists_are_sent_whole(bulk: BulkShop, sized: dict[str, Any]) -> None:
    """What the fake lets stay anyway must be named all the same."""
    operation = bulk.api.write_products(
        USER,
        bulk.shop_id,
        [{"id": sized["id"], "metafields": [{"namespace": "specs", "key": "cut", "type": "single_line_text_field", "value": "c"}]}],
        update=True,
    )

    lines = ready_lines(bulk, operation)

    assert [one["key"] for one in lines[0]["input"]["metafields"]] == ["cut", "fit", "care"]
    assert "variants" not in lines[0]["input"]


def ready_lines(bulk: BulkShop, operation: Operation) -> list[dict[str, Any]]:
    """Return the lines of an operation as they would be sent."""
    ready = bulk.api.uploads.make_ready(operation, bulk.admin)
    assert ready is not None
    bulk.store_now(ready.store)
    (row,) = run_sql(bulk.host.dsn, "select data from shopify.bulk_lines where operation_id = $1", operation.operation_id)
    return [json.loads(line) for line in zlib.decompress(row["data"]).splitlines()]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"price": "1.00"}, "price", id="price of several variants"),
        pytest.param({"replace_variants": True}, "variants", id="nothing in their place"),
        pytest.param({"replace_variants": True, "price": "1.00"}, "variants", id="nothing but a price in their place"),
        pytest.param({"options": [{"name": "Colour"}]}, "options", id="options without variants"),
    ],
)
def test_change_that_would_lose_something_is_refused_and_the_others_are_made(
    bulk: BulkShop, sized: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    other = make(bulk)

    refused, made = update(bulk, {"id": sized["id"], **change}, {"id": other["id"], "title": "Changed"})

    assert (refused.ok, refused.errors[0].field) == (False, (field,))
    assert (made.ok, made.product_id) == (True, other["id"])
    assert without_times(product_of(bulk, sized["id"])["variants"]) == without_times(sized["variants"])


def test_operation_of_which_nothing_can_be_sent_is_over_without_shopify(bulk: BulkShop, sized: dict[str, Any]) -> None:
    operation, (result,) = done(bulk, bulk.api.write_products(USER, bulk.shop_id, [{"id": sized["id"], "price": "1"}], update=True))

    assert (operation.status, operation.object_count, bulk.remote()) == ("completed", 0, [])
    assert result.errors[0].field == ("price",)


def test_unknown_products_and_variants_are_told_by_line(bulk: BulkShop, sized: dict[str, Any]) -> None:
    gone, astray, fine = update(
        bulk,
        {"id": 999, "title": "x", "price": "1.00"},
        {"id": sized["id"], "variants": [{"id": 424242, "price": "1.00"}]},
        {"id": sized["id"], "title": "Fine"},
    )

    assert (gone.ok, gone.errors[0].code) == (False, "PRODUCT_DOES_NOT_EXIST")
    assert (astray.ok, astray.errors[0].field[:2]) == (False, ("input", "variants"))
    assert fine.ok


# Retries


def test_products_are_made_once_when_an_upload_is_repeated(bulk: BulkShop) -> None:
    operation = bulk.api.write_products(USER, bulk.shop_id, [{"title": "Once only"}], update=False)

    with fault(bulk.store, "reset", operation="RunBulkMutation", after=True, times=1):
        over, (result,) = done(bulk, operation)

    made = bulk.graphql('{ products(first: 9, query: "title:Once*") { nodes { id } } }')["products"]["nodes"]
    assert (over.status, result.ok, len(made), len(bulk.remote())) == ("completed", True, 1, 1)


def test_every_product_has_an_answer_when_the_operation_failed_half_way(bulk: BulkShop) -> None:
    bulk.script(type="MUTATION", end="FAILED", error_code="TIMEOUT", after_objects=2)

    operation, results = create(bulk, *({"title": f"Half {number}"} for number in range(5)))

    assert operation.status == "failed"
    assert [one.ok for one in results] == [True, True, False, False, False]
    assert {one.errors[0].code for one in results[2:]} == {"no_answer"}


def test_products_of_an_operation_that_was_never_sent_are_told_so(bulk: BulkShop) -> None:
    operation = bulk.api.write_products(USER, bulk.shop_id, [{"title": "Never"}], update=False)
    bulk.api.cancel(operation)

    over, (result,) = done(bulk, operation)

    assert (over.status, result.ok, result.errors[0].code) == ("canceled", False, "not_sent")


def test_products_whose_result_is_gone_are_told_so(bulk: BulkShop) -> None:
    operation, _ = create(bulk, {"title": "Long ago"})
    control(bulk.store, "clock", {"advance_s": 8 * 86_400})

    (result,) = bulk.api.product_results(operation)

    assert (result.ok, result.errors[0].code) == (False, "result_gone")


def test_long_list_leaves_the_worker_to_others_between_turns(bulk: BulkShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its next piece queues up again behind what is more urgent."""
    monkeypatch.setattr("shopify_bulk.uploads.PIECE_LINES", 1)
    operation = bulk.api.write_products(USER, bulk.shop_id, [{"title": f"Long {n}"} for n in range(25)], update=False)

    bulk.host.work()
    after_one_turn = run_sql(bulk.host.dsn, "select count(*) from shopify.bulk_lines where is_ready")[0][0]

    assert after_one_turn == 10
    assert bulk.finish(operation).object_count == 25


def test_lines_are_kept_until_the_end_and_not_longer(bulk: BulkShop) -> None:
    bulk.script(type="MUTATION", hold=True)
    operation = bulk.api.write_products(USER, bulk.shop_id, [{"title": "Kept"}], update=False)
    bulk.reaches(operation, "running")
    kept = "select count(*) from shopify.bulk_lines"
    assert run_sql(bulk.host.dsn, kept)[0][0] == 1

    bulk.api.cancel(operation)
    bulk.finish(operation)

    assert run_sql(bulk.host.dsn, kept)[0][0] == 0
