"""The Admin API in domain verbs, against the fake store: what a caller gives really takes effect, and nothing else changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from shopify_admin.orders import Order, OrderLineInput, OrderTransactionInput
from shopify_admin.products import Product, ProductFilters, ProductInput, Variant, VariantInput
from shopify_kit.client import AdminClient, ShopAccess
from shopify_kit.database import Database
from shopify_kit.documents import Documents
from shopify_kit.errors import InvalidInput, NotFound, Unprocessable, UserErrors
from shopify_kit.secret import Secret
from shopify_kit.throttle import Throttle
from shopify_kit.transport import AddressBook, RequestsTransport
from shopify_service import ShopAdmin, ShopifyService
from tests.fake_store import FakeStore, run_fake_store

NOBODY = "gid://shopify/{}/1"


@pytest.fixture(scope="module")
def process() -> Iterator[FakeStore]:
    with run_fake_store("--empty") as store:
        yield store


@pytest.fixture
def store(process: FakeStore) -> FakeStore:
    process.reset()
    return process


@pytest.fixture
def admin(store: FakeStore) -> Iterator[ShopAdmin]:
    """The only shop of the store, on nobody's budget, so that no database is needed."""
    addresses = AddressBook(store.base_url)
    throttle = Throttle(Database("postgresql://nobody@127.0.0.1:1/nothing"))
    client = AdminClient(RequestsTransport(addresses), addresses, throttle, api_version="2026-10")
    access = ShopAccess(1, store.shop.shop_domain, Secret(store.shop.access_token), "")
    yield ShopifyService(client, Documents()).admin(access, "CAD")
    client.close()


def arrived(store: FakeStore, operation: str) -> int:
    log = requests.get(f"{store.base_url}/__fake/log", params={"operation": operation}, timeout=10).json()
    return len(log["requests"])


def options_of(product: Product) -> list[tuple[str, tuple[str, ...]]]:
    return [(option.name, option.values) for option in product.options]


def chosen(variant: Variant) -> tuple[str | None, ...]:
    return variant.option1, variant.option2, variant.option3


# Products: which options the variants have


def test_product_without_variants_has_the_default_one_at_the_products_price(admin: ShopAdmin) -> None:
    product = admin.create_product({"title": "Mug", "price": "12.50"})

    assert options_of(product) == [("Title", ("Default Title",))]
    assert [(v.title, v.price) for v in product.variants] == [("Default Title", "12.50")]


def test_variants_without_a_price_have_the_products(admin: ShopAdmin) -> None:
    product = admin.create_product({"title": "Mug", "price": "5", "variants": [{"option1": "S"}, {"option1": "L", "price": "7"}]})

    assert [(v.option1, v.price) for v in product.variants] == [("S", "5.00"), ("L", "7.00")]


def test_named_options_take_the_values_of_the_variants(admin: ShopAdmin) -> None:
    product = admin.create_product(
        {
            "title": "Shirt",
            "options": [{"name": "Size", "values": ["S", "L"]}, {"name": "Colour"}],
            "variants": [{"option1": "S", "option2": "Red"}, {"option1": "L", "option2": "Blue"}],
        }
    )

    assert options_of(product) == [("Size", ("S", "L")), ("Colour", ("Red", "Blue"))]
    assert [chosen(v) for v in product.variants] == [("S", "Red", None), ("L", "Blue", None)]


@pytest.mark.parametrize(
    ("variants", "names"),
    [
        pytest.param([{"option1": "S"}, {"option1": "L"}], ["Title"], id="one option"),
        pytest.param([{"option1": "S", "option2": "Red"}, {"option1": "L", "option2": "Red"}], ["Option 1", "Option 2"], id="two"),
        pytest.param([{"title": "S"}, {"title": "L"}], ["Title"], id="titles"),
        pytest.param([{"title": "S / Red"}, {"title": "S / Blue"}], ["Option 1", "Option 2"], id="titles of two parts"),
        pytest.param([{"title": "S / Red / Cotton"}], ["Option 1", "Option 2", "Option 3"], id="title of three parts"),
    ],
)
def test_options_that_nobody_named_are_as_many_as_the_variants_need(
    admin: ShopAdmin, variants: list[Any], names: list[str]
) -> None:
    product = admin.create_product({"title": "Shirt", "variants": variants})

    assert [option.name for option in product.options] == names
    assert len(product.variants) == len(variants)


@pytest.fixture
def shirt(admin: ShopAdmin) -> Product:
    """A product of two options with two variants."""
    return admin.create_product(
        {
            "title": "Shirt",
            "options": [{"name": "Size"}, {"name": "Colour"}],
            "variants": [
                {"option1": "S", "option2": "Red", "price": "5", "sku": "S-RED", "inventory_quantity": 4},
                {"option1": "L", "option2": "Blue", "price": "6", "sku": "L-BLUE"},
            ],
        }
    )


def test_variant_keeps_the_options_that_an_update_does_not_name(admin: ShopAdmin, shirt: Product) -> None:
    changed = admin.update_product(
        shirt.admin_graphql_api_id,
        {"variants": [{"id": shirt.variants[0].id, "option1": "M"}, {"id": shirt.variants[1].id, "price": "9"}]},
    )

    assert [(chosen(v), v.price) for v in changed.variants] == [(("M", "Red", None), "5.00"), (("L", "Blue", None), "9.00")]


def test_variants_that_replace_the_others_keep_their_options_sku_and_stock(admin: ShopAdmin, shirt: Product) -> None:
    changed = admin.update_product(
        shirt.admin_graphql_api_id, {"variants": [{"id": shirt.variants[0].id, "price": "8"}]}, replace_variants=True
    )

    (left,) = changed.variants
    assert (left.id, chosen(left), left.price, left.sku) == (shirt.variants[0].id, ("S", "Red", None), "8.00", "S-RED")
    assert left.inventory_quantity == 4


def test_replacing_variants_by_none_is_refused_and_changes_nothing(admin: ShopAdmin, shirt: Product) -> None:
    nothing: list[ProductInput] = [{}, {"price": "1"}, {"variants": []}]
    for given in nothing:
        with pytest.raises(InvalidInput, match="needs the variants that remain"):
            admin.update_product(shirt.admin_graphql_api_id, given, replace_variants=True)

    assert admin.product(shirt.admin_graphql_api_id).variants == shirt.variants


def test_variant_of_another_product_is_refused_before_anything_changes(admin: ShopAdmin, shirt: Product, store: FakeStore) -> None:
    other = admin.create_product({"title": "Mug"})

    with pytest.raises(InvalidInput, match="is no variant of this product"):
        admin.update_product(shirt.admin_graphql_api_id, {"variants": [{"id": other.variants[0].id, "price": "1"}]})

    assert arrived(store, "UpdateVariants") == 0


def test_new_variant_of_an_update_brings_its_stock(admin: ShopAdmin, shirt: Product) -> None:
    given: VariantInput = {"option1": "XL", "option2": "Red", "price": "7", "inventory_quantity": 3}

    changed = admin.update_product(shirt.admin_graphql_api_id, {"variants": [given]})

    added = next(v for v in changed.variants if v.option1 == "XL")
    assert (len(changed.variants), added.inventory_quantity, added.inventory_management) == (3, 3, "shopify")


@pytest.mark.parametrize("verb", ["product", "update_product", "delete_product"])
def test_product_that_does_not_exist_is_not_found(admin: ShopAdmin, verb: str) -> None:
    arguments = [{"title": "x"}] if verb == "update_product" else []

    with pytest.raises(NotFound):
        getattr(admin, verb)(NOBODY.format("Product"), *arguments)


def test_all_variants_of_a_large_product_are_read(admin: ShopAdmin) -> None:
    made = admin.create_product({"title": "Paint", "variants": [{"option1": f"{number:03}"} for number in range(60)]})

    listed = admin.products(ProductFilters(title="Paint"), limit=5).items[0]

    assert [v.option1 for v in made.variants] == [v.option1 for v in listed.variants] == [f"{number:03}" for number in range(60)]


@pytest.mark.parametrize("title", ['a "quoted" one', "a:b", "(a)", "O'Neil", "a\\b", "NOT a", "a*", "-a", "title:x OR vendor:y"])
def test_filter_means_the_text_itself_whatever_it_holds(admin: ShopAdmin, title: str) -> None:
    for one in (title, "another"):
        admin.create_product({"title": one})

    assert [product.title for product in admin.products(ProductFilters(title=title), limit=5).items] == [title]


# Stock


def item_of(product: Product) -> str:
    return f"gid://shopify/InventoryItem/{product.variants[0].inventory_item_id}"


def test_stock_is_adjusted_once_per_key(admin: ShopAdmin, shirt: Product) -> None:
    for _ in range(3):
        levels = admin.adjust_inventory(item_of(shirt), None, -1, key="k-1")

    assert sum(level.available for level in levels) == 3


def test_item_is_stocked_at_a_location_that_did_not_hold_it(admin: ShopAdmin, shirt: Product) -> None:
    second = next(location.id for location in admin.locations(limit=5).items if location.name != "Shop location")

    levels = admin.set_inventory(item_of(shirt), second, 9)

    assert {level.location_id: level.available for level in levels}[second] == 9
    assert sum(level.available for level in levels) == 13


def test_sku_of_several_variants_is_ambiguous(admin: ShopAdmin) -> None:
    for _ in range(2):
        admin.create_product({"title": "Mug", "variants": [{"sku": "MUG", "price": "1"}]})

    with pytest.raises(Unprocessable) as caught:
        admin.item_of(item_id=None, sku="mug")

    assert caught.value.code == "ambiguous_sku"
    with pytest.raises(NotFound):
        admin.item_of(item_id=None, sku="nothing")


# Orders


@pytest.fixture
def order(admin: ShopAdmin, shirt: Product) -> Order:
    lines: list[OrderLineInput] = [{"variant_id": variant.id, "quantity": 2} for variant in shirt.variants]
    payment: list[OrderTransactionInput] = [{"amount": "22.00", "gateway": "manual"}]
    return admin.create_order({"line_items": lines, "email": "ada@example.com", "transactions": payment})


def test_order_is_shipped_in_parts_and_no_further(admin: ShopAdmin, order: Order) -> None:
    gid, line = order.admin_graphql_api_id, order.line_items[0]

    part = admin.fulfill_order(gid, {"line_items": [{"line_item_id": line.id, "quantity": 1}], "tracking": {"number": "T-1"}})
    whole = admin.fulfill_order(gid, {})

    assert (part.fulfillment_status, whole.fulfillment_status) == ("partial", "fulfilled")
    assert part.fulfillments is not None
    assert part.fulfillments[0].tracking[0]["number"] == "T-1"
    with pytest.raises(Unprocessable) as caught:
        admin.fulfill_order(gid, {})
    assert caught.value.code == "nothing_to_fulfill"


def test_more_than_is_left_of_a_line_is_not_shipped(admin: ShopAdmin, order: Order, store: FakeStore) -> None:
    wanted = [{"line_item_id": order.line_items[0].id, "quantity": 3}]

    with pytest.raises(InvalidInput, match="has less left to fulfill"):
        admin.fulfill_order(order.admin_graphql_api_id, {"line_items": wanted})

    assert arrived(store, "CreateFulfillment") == 0


def test_refund_gives_back_what_the_lines_cost(admin: ShopAdmin, order: Order) -> None:
    lines = [{"line_item_id": order.line_items[0].id, "quantity": 1, "restock_type": "no_restock"}]

    refunded = admin.refund_order(order.admin_graphql_api_id, {"line_items": lines, "note": "torn"}, key="r-1")

    assert refunded.total_refunded == "5.00"
    assert refunded.refunds is not None
    assert [refund.note for refund in refunded.refunds] == ["torn"]


def test_line_of_another_order_is_not_refunded(admin: ShopAdmin, order: Order, store: FakeStore) -> None:
    with pytest.raises(InvalidInput, match="is no line of this order"):
        admin.refund_order(order.admin_graphql_api_id, {"line_items": [{"line_item_id": 1, "quantity": 1}]})

    assert arrived(store, "CreateRefund") == 0


def test_cancelled_order_says_why(admin: ShopAdmin, order: Order) -> None:
    cancelled = admin.cancel_order(
        order.admin_graphql_api_id, reason="customer", restock=True, refund=False, notify_customer=False, note=None
    )

    assert cancelled.cancelled_at is not None
    assert cancelled.cancel_reason == "customer"


# Customers


def test_customer_changes_what_is_given_and_keeps_the_rest(admin: ShopAdmin) -> None:
    made = admin.create_customer({"first_name": "Ada", "email": "ada@example.com", "tags": "vip, early"})
    consent = {"state": "subscribed", "opt_in_level": "single_opt_in"}

    changed = admin.update_customer(made.admin_graphql_api_id, {"last_name": "Lovelace", "email_marketing_consent": consent})

    assert (changed.first_name, changed.last_name, changed.tags) == ("Ada", "Lovelace", "early, vip")
    assert changed.email_marketing_consent is not None
    assert changed.email_marketing_consent["state"] == "subscribed"


def test_customer_with_orders_is_not_deleted(admin: ShopAdmin) -> None:
    customer = admin.create_customer({"email": "ada@example.com"})
    admin.create_order({"line_items": [{"title": "x", "price": "1", "quantity": 1}], "customer_id": customer.id})

    with pytest.raises(UserErrors):
        admin.delete_customer(customer.admin_graphql_api_id)


@pytest.mark.parametrize("verb", ["customer", "delete_customer"])
def test_customer_that_does_not_exist_is_not_found(admin: ShopAdmin, verb: str) -> None:
    with pytest.raises(NotFound):
        getattr(admin, verb)(NOBODY.format("Customer"))


# Search


def test_search_over_everything_finds_each_kind(admin: ShopAdmin) -> None:
    admin.create_product({"title": "Lovelace mug"})
    admin.create_customer({"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"})

    found = admin.search("Lovelace", "all", limit=5)

    assert {kind: len(items) for kind, items in found.items()} == {"products": 1, "orders": 0, "customers": 1}


def test_own_query_comes_back_with_its_errors(admin: ShopAdmin) -> None:
    answer = admin.graphql("{ nothing }", {}, is_mutation=False)

    assert answer.data == {}
    assert [error["extensions"]["code"] for error in answer.errors] == ["undefinedField"]
