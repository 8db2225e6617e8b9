"""The core endpoints against the fake store: filters filter, pages lead on, writes take effect, and trouble has its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shopify_kit.client import AdminClient
from tests.web_host import Host, Outbound, control, fault, grant, moved_clock, revoke, unique

pytest_plugins = ("tests.web_fixtures",)


def day(offset: float) -> str:
    """Return the instant so many days from now, as the API takes it."""
    return (datetime.now(UTC) + timedelta(days=offset)).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(host: Host, path: str, name: str, /, **query: Any) -> list[Any]:
    answer = host.get(path, query_string=query)
    assert answer.status_code == 200, answer.get_json()
    rows: list[Any] = answer.get_json()[name]
    return rows


def all_of(host: Host, path: str, name: str, /, **query: Any) -> list[Any]:
    """Return every row of a list, page by page."""
    rows, cursor = [], None
    while True:
        document = host.get(path, query_string=query | ({"cursor": cursor} if cursor else {})).get_json()
        assert document["ok"], document
        rows += document[name]
        cursor = document["page"]["next_cursor"]
        if cursor is None:
            return rows


def create_product(host: Host, **fields: Any) -> Any:
    answer = host.post("/products", {"product": {"title": "Tea"} | fields})
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()["product"]


def create_order(host: Host, **fields: Any) -> Any:
    lines = {"line_items": [{"title": "Tea", "price": "3.00", "quantity": 2}]}
    answer = host.post("/orders", {"order": lines | fields})
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()["order"]


def create_customer(host: Host, **fields: Any) -> Any:
    answer = host.post("/customers", {"customer": fields})
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()["customer"]


# Products: lists


@pytest.fixture(scope="module")
def shelf(host: Host) -> dict[str, Any]:
    """Three products that differ in everything, under a type of their own; the third is made ten days ago."""
    kind = unique("Shelf")
    made = {
        "tea": create_product(
            host,
            title=f"Green tea {kind}",
            vendor=f"Anna {kind}",
            product_type=kind,
            status="active",
            variants=[{"sku": f"{kind}-1"}],
        ),
        "cup": create_product(
            host, title=f"Cup {kind}", vendor=f"Bert {kind}", product_type=kind, status="draft", variants=[{"sku": f"{kind}-2"}]
        ),
    }
    with moved_clock(host.store, -10):
        made["pot"] = create_product(
            host, title=f"Pot {kind}", vendor=f"Anna {kind}", product_type=kind, status="archived", variants=[{"sku": f"{kind}-3"}]
        )
    return {"kind": kind, "ids": {product["id"]: name for name, product in made.items()}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({}, {"tea", "cup", "pot"}, id="product_type"),
        pytest.param({"status": "active"}, {"tea"}, id="active"),
        pytest.param({"status": "DRAFT"}, {"cup"}, id="draft"),
        pytest.param({"status": "archived"}, {"pot"}, id="archived"),
        pytest.param({"vendor": "Anna {kind}"}, {"tea", "pot"}, id="vendor"),
        pytest.param({"vendor": "ANNA {KIND}"}, {"tea", "pot"}, id="vendor_in_capitals"),
        pytest.param({"vendor": "Nobody"}, set(), id="no_vendor"),
        pytest.param({"title": "Green tea {kind}"}, {"tea"}, id="title"),
        pytest.param({"title": "green TEA {kind}"}, {"tea"}, id="title_in_other_case"),
        pytest.param({"sku": "{kind}-2"}, {"cup"}, id="sku"),
        pytest.param({"sku": "{kind}"}, set(), id="part_of_a_sku"),
        pytest.param({"created_at_min": "-1"}, {"tea", "cup"}, id="created_since"),
        pytest.param({"created_at_max": "-1"}, {"pot"}, id="created_until"),
        pytest.param({"created_at_min": "-11", "created_at_max": "-9"}, {"pot"}, id="created_between"),
        pytest.param({"created_at_min": "1"}, set(), id="created_tomorrow"),
        pytest.param({"updated_at_min": "-1"}, {"tea", "cup"}, id="updated_since"),
        pytest.param({"updated_at_max": "-1"}, {"pot"}, id="updated_until"),
        pytest.param({"vendor": "Anna {kind}", "status": "active"}, {"tea"}, id="two_at_once"),
        pytest.param({"vendor": "Anna {kind}", "title": "Cup {kind}"}, set(), id="nothing_is_both"),
    ],
)
def test_products_are_filtered(host: Host, shelf: dict[str, Any], query: Mapping[str, str], expected: set[str]) -> None:
    kind = shelf["kind"]
    filled = {
        name: day(float(value))
        if name.endswith(("_min", "_max"))
        else value.replace("{kind}", kind).replace("{KIND}", kind.upper())
        for name, value in query.items()
    }

    found = listed(host, "/products", "products", product_type=kind, **filled)

    assert {shelf["ids"][product["id"]] for product in found} == expected


def test_bare_dates_take_the_whole_day(host: Host, shelf: dict[str, Any]) -> None:
    then = (datetime.now(UTC) - timedelta(days=10)).date().isoformat()
    query = {"product_type": shelf["kind"], "created_at_min": then, "created_at_max": then}

    assert [shelf["ids"][product["id"]] for product in listed(host, "/products", "products", **query)] == ["pot"]


def test_products_of_a_collection_are_listed(host: Host) -> None:
    collection = next(row for row in listed(host, "/collections", "collections") if row["products_count"] and not row["rules"])

    inside = {row["id"] for row in all_of(host, "/products", "products", collection_id=collection["id"])}

    assert len(inside) == collection["products_count"]
    assert inside < {row["id"] for row in all_of(host, "/products", "products", limit=250)}


@pytest.mark.usefixtures("guests")
@pytest.mark.parametrize("path", ["/products", "/customers", "/inventory", "/collections", "/locations", "/discounts"])
def test_lists_lead_to_their_end_without_loss_or_repetition(host: Host, path: str) -> None:
    name = {"/inventory": "inventory_levels"}.get(path, path.strip("/"))
    whole = all_of(host, path, name, limit=250)

    bit_by_bit = all_of(host, path, name, limit=max(1, len(whole) // 4))

    assert len(whole) > 1
    assert bit_by_bit == whole
    assert len({row["admin_graphql_api_id"] for row in whole}) == len(whole)


# Products: writes


@pytest.fixture
def full_product() -> dict[str, Any]:
    """A product with everything that can be given."""
    return {
        "title": "Mug",
        "handle": unique("mug-"),
        "body_html": "<p>Of clay</p>",
        "vendor": "Acme",
        "product_type": "Kitchen",
        "status": "draft",
        "tags": "red, blue",
        "options": [{"name": "Size", "values": ["S", "M"]}, {"name": "Color"}],
        "variants": [
            {"option1": "S", "option2": "red", "price": "10", "sku": unique("s-"), "inventory_quantity": 3, "weight": 250},
            {
                "option1": "M",
                "option2": "blue",
                "price": 12.5,
                "compare_at_price": "20",
                "sku": unique("m-"),
                "barcode": "4006381333931",
                "inventory_quantity": 4,
                "inventory_policy": "continue",
                "weight": 1.5,
                "weight_unit": "kg",
                "taxable": False,
                "requires_shipping": False,
            },
        ],
        "images": [{"src": "https://images.example/mug.png", "alt": "A mug"}],
        "metafields": [{"namespace": "custom", "key": "material", "type": "single_line_text_field", "value": "clay"}],
    }


def test_product_is_created_as_given(host: Host, full_product: dict[str, Any]) -> None:
    made = create_product(host, **full_product)

    product = host.get(f"/products/{made['id']}").get_json()["product"]
    for name in ("title", "handle", "body_html", "vendor", "product_type", "status"):
        assert product[name] == full_product[name]
    assert set(product["tags"].split(", ")) == {"red", "blue"}
    assert product["admin_graphql_api_id"] == f"gid://shopify/Product/{product['id']}"
    assert [(option["name"], option["values"]) for option in product["options"]] == [
        ("Size", ["S", "M"]),
        ("Color", ["red", "blue"]),
    ]
    assert [(image["alt"], image["position"]) for image in product["images"]] == [("A mug", 1)]
    (metafield,) = product["metafields"]
    assert (metafield["namespace"], metafield["key"], metafield["value"]) == ("custom", "material", "clay")


def test_variants_are_created_as_given(host: Host, full_product: dict[str, Any]) -> None:
    small, medium = create_product(host, **full_product)["variants"]

    assert (small["title"], small["option1"], small["option2"], small["option3"]) == ("S / red", "S", "red", None)
    assert (small["price"], small["compare_at_price"], small["inventory_quantity"]) == ("10.00", None, 3)
    assert (small["weight"], small["weight_unit"], small["grams"]) == (250.0, "g", 250)
    assert (small["inventory_policy"], small["inventory_management"]) == ("deny", "shopify")
    assert (medium["price"], medium["compare_at_price"], medium["barcode"]) == ("12.50", "20.00", "4006381333931")
    assert (medium["weight"], medium["weight_unit"], medium["grams"]) == (1.5, "kg", 1500)
    assert (medium["inventory_policy"], medium["taxable"], medium["requires_shipping"]) == ("continue", False, False)
    assert small["sku"] == full_product["variants"][0]["sku"]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        pytest.param("a, b ,, c", {"a", "b", "c"}, id="text"),
        pytest.param(["a", " b "], {"a", "b"}, id="list"),
        pytest.param("", set(), id="empty_text"),
        pytest.param([], set(), id="empty_list"),
    ],
)
def test_tags_may_be_a_text_or_a_list(host: Host, tags: Any, expected: set[str]) -> None:
    made = create_product(host, tags=tags)

    assert set(filter(None, made["tags"].split(", "))) == expected


@pytest.mark.parametrize("status", ["active", "draft", "archived", "Active"])
def test_status_is_taken_in_any_case(host: Host, status: str) -> None:
    assert create_product(host, status=status)["status"] == status.lower()


def test_product_of_a_title_alone_has_one_variant(host: Host) -> None:
    (variant,) = create_product(host, price="7.5")["variants"]

    assert (variant["title"], variant["price"], variant["inventory_management"]) == ("Default Title", "7.50", None)


def test_description_is_another_name_of_body_html(host: Host) -> None:
    made = create_product(host, description="<b>x</b>")

    assert made["body_html"] == "<b>x</b>"
    assert host.put(f"/products/{made['id']}", {"product": {"body_html": None}}).get_json()["product"]["body_html"] == ""


def test_update_changes_only_what_is_given(host: Host, full_product: dict[str, Any]) -> None:
    made = create_product(host, **full_product)

    changed = host.put(f"/products/{made['id']}", {"product": {"title": "Beaker", "tags": ["new"]}}).get_json()["product"]

    assert (changed["title"], changed["tags"]) == ("Beaker", "new")
    for name in ("handle", "body_html", "vendor", "status", "variants", "options", "metafields"):
        assert changed[name] == made[name], name


def test_given_variants_are_changed_by_id_or_added_and_others_kept(host: Host, full_product: dict[str, Any]) -> None:
    made = create_product(host, **full_product)
    small, medium = made["variants"]
    changes = [
        {"id": medium["id"], "price": "13", "compare_at_price": None, "inventory_quantity": 9, "weight": 2},
        {"option1": "L", "option2": "red", "price": "15", "sku": unique("l-"), "inventory_quantity": 2},
    ]

    product = host.put(f"/products/{made['id']}", {"product": {"variants": changes}}).get_json()["product"]

    by_title = {variant["title"]: variant for variant in product["variants"]}
    assert set(by_title) == {"S / red", "M / blue", "L / red"}
    assert by_title["S / red"] == small
    assert (by_title["M / blue"]["price"], by_title["M / blue"]["compare_at_price"]) == ("13.00", None)
    assert (by_title["M / blue"]["inventory_quantity"], by_title["M / blue"]["grams"]) == (9, 2)
    assert by_title["M / blue"]["sku"] == medium["sku"]
    assert (by_title["L / red"]["price"], by_title["L / red"]["inventory_quantity"]) == ("15.00", 2)


def test_replaced_variants_are_the_only_ones(host: Host, full_product: dict[str, Any]) -> None:
    made = create_product(host, **full_product)
    medium = made["variants"][1]
    body = {"product": {"variants": [{"id": medium["id"], "price": "14"}]}, "replace_variants": True}

    (variant,) = host.put(f"/products/{made['id']}", body).get_json()["product"]["variants"]

    assert (variant["id"], variant["price"], variant["title"]) == (medium["id"], "14.00", "M / blue")


def test_lone_variant_is_changed_without_its_id(host: Host) -> None:
    made = create_product(host, variants=[{"price": "1", "sku": unique("x-")}])
    body = {"product": {"variants": [{"price": "2", "inventory_quantity": 6}]}}

    (variant,) = host.put(f"/products/{made['id']}", body).get_json()["product"]["variants"]

    assert (variant["id"], variant["price"], variant["inventory_quantity"]) == (made["variants"][0]["id"], "2.00", 6)


def test_variant_of_another_product_is_refused(host: Host) -> None:
    one, other = create_product(host), create_product(host)
    body = {"product": {"variants": [{"id": other["variants"][0]["id"], "price": "1"}]}}

    answer = host.put(f"/products/{one['id']}", body)

    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation_error")


def test_images_are_added_by_an_update(host: Host) -> None:
    made = create_product(host, images=[{"src": "https://images.example/a.png"}])

    body = {"product": {"images": [{"src": "https://images.example/b.png", "alt": "B"}]}}
    product = host.put(f"/products/{made['id']}", body).get_json()["product"]

    assert [image["alt"] for image in product["images"]][-1] == "B"
    assert len(product["images"]) == 2


def test_deleted_product_is_gone(host: Host) -> None:
    made = create_product(host)

    answer = host.delete(f"/products/{made['id']}")

    assert answer.get_json() == {"ok": True, "deleted": True, "id": made["id"]}
    for again in (host.get(f"/products/{made['id']}"), host.delete(f"/products/{made['id']}")):
        assert (again.status_code, again.get_json()["code"]) == (404, "not_found")
    assert host.put(f"/products/{made['id']}", {"product": {"title": "x"}}).status_code == 404


def test_what_shopify_refuses_is_named_by_field(host: Host) -> None:
    twice = {"product": {"title": "x", "options": [{"name": "A"}, {"name": "A"}], "variants": [{"option1": "1", "option2": "2"}]}}

    answer = host.post("/products", twice)

    document = answer.get_json()
    assert (answer.status_code, document["code"]) == (422, "user_errors")
    assert document["details"]["user_errors"][0]["field"]
    assert document["details"]["user_errors"][0]["message"] in document["error"]


def test_more_variants_than_a_page_are_all_shown(host: Host) -> None:
    variants = [{"option1": f"V{number}", "price": "1"} for number in range(130)]

    made = create_product(host, variants=variants)

    assert len(made["variants"]) == 130
    assert len(host.get(f"/products/{made['id']}").get_json()["product"]["variants"]) == 130


# Orders


@pytest.fixture(scope="module")
def book(host: Host) -> dict[str, Any]:
    """Orders that differ in everything, under a tag of their own."""
    tag = unique("book")
    customer = create_customer(host, email=f"{tag}@example.com", first_name="Ann")
    made = {
        "paid": create_order(host, tags=tag, financial_status="paid", email=f"a.{tag}@example.com"),
        "pending": create_order(host, tags=[tag, "other"], financial_status="pending", customer={"id": customer["id"]}),
        "shipped": create_order(host, tags=tag, financial_status="paid"),
        "cancelled": create_order(host, tags=tag, financial_status="paid"),
        "old": create_order(host, tags=tag, financial_status="paid", processed_at=day(-30)),
    }
    assert host.post(f"/orders/{made['shipped']['id']}/fulfill", {}).status_code == 200
    assert host.post(f"/orders/{made['cancelled']['id']}/cancel", {"reason": "customer"}).status_code == 200
    return {"tag": tag, "ids": {order["id"]: name for name, order in made.items()}, "made": made, "customer": customer}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({}, {"paid", "pending", "shipped", "cancelled", "old"}, id="tag"),
        pytest.param({"status": "any"}, {"paid", "pending", "shipped", "cancelled", "old"}, id="any"),
        pytest.param({"status": "cancelled"}, {"cancelled"}, id="cancelled"),
        pytest.param({"financial_status": "pending"}, {"pending"}, id="pending"),
        pytest.param({"financial_status": "PAID", "status": "open"}, {"paid", "old", "shipped"}, id="paid_and_open"),
        pytest.param({"fulfillment_status": "unfulfilled", "status": "open"}, {"paid", "pending", "old"}, id="unfulfilled"),
        pytest.param({"fulfillment_status": "fulfilled"}, {"shipped"}, id="fulfilled"),
        pytest.param({"fulfillment_status": "shipped"}, {"shipped"}, id="shipped"),
        pytest.param({"email": "a.{tag}@example.com"}, {"paid"}, id="email"),
        pytest.param({"customer_id": "{customer}"}, {"pending"}, id="customer"),
        pytest.param({"name": "{name}"}, {"paid"}, id="name"),
        pytest.param({"processed_at_max": "-20"}, {"old"}, id="processed_until"),
        pytest.param({"processed_at_min": "-20"}, {"paid", "pending", "shipped", "cancelled"}, id="processed_since"),
        pytest.param({"created_at_min": "1"}, set(), id="created_tomorrow"),
        pytest.param({"created_at_max": "1"}, {"paid", "pending", "shipped", "cancelled", "old"}, id="created_until_tomorrow"),
        pytest.param({"updated_at_max": "-1"}, set(), id="updated_until_yesterday"),
    ],
)
def test_orders_are_filtered(host: Host, book: dict[str, Any], query: Mapping[str, str], expected: set[str]) -> None:
    words = {"{tag}": book["tag"], "{customer}": str(book["customer"]["id"]), "{name}": book["made"]["paid"]["name"]}
    filled = {}
    for name, value in query.items():
        for word, text in words.items():
            value = value.replace(word, text)
        filled[name] = day(float(value)) if name.endswith(("_min", "_max")) else value

    found = listed(host, "/orders", "orders", tag=book["tag"], **filled)

    assert {book["ids"][order["id"]] for order in found} == expected


def test_orders_lead_to_their_end(host: Host, book: dict[str, Any]) -> None:
    rows = all_of(host, "/orders", "orders", tag=book["tag"], limit=2)

    assert len(rows) == len({row["id"] for row in rows}) == 5


def test_order_of_a_variant_and_of_a_title_is_created_as_given(host: Host) -> None:
    variant = create_product(host, title="Pot", variants=[{"price": "14", "sku": unique("p-"), "inventory_quantity": 5}])[
        "variants"
    ][0]
    email = f"{unique('ann')}@example.com"

    order = create_order(
        host,
        line_items=[{"variant_id": variant["id"], "quantity": 2}, {"title": "Wrapping", "price": 2.5}],
        email=email,
        financial_status="paid",
        note="Ring twice",
        tags=["a", "b"],
        shipping_lines=[{"title": "Post", "price": "5"}],
        shipping_address={"first_name": "Ann", "address1": "1 Main", "city": "Ottawa", "country_code": "CA", "province_code": "ON"},
        note_attributes=[{"name": "gift", "value": "yes"}],
    )

    pot, wrapping = order["line_items"]
    assert (pot["variant_id"], pot["sku"], pot["quantity"], pot["price"]) == (variant["id"], variant["sku"], 2, "14.00")
    assert (wrapping["variant_id"], wrapping["title"], wrapping["quantity"], wrapping["price"]) == (None, "Wrapping", 1, "2.50")
    assert (order["email"], order["note"], order["financial_status"]) == (email, "Ring twice", "paid")
    assert (order["subtotal_price"], order["total_shipping"]) == ("30.50", "5.00")
    assert set(order["tags"].split(", ")) == {"a", "b"}
    assert (order["shipping_address"]["city"], order["shipping_address"]["country_code"]) == ("Ottawa", "CA")
    assert order["note_attributes"] == [{"name": "gift", "value": "yes"}]
    assert (order["currency"], order["name"]) == ("USD", f"#{order['order_number']}")
    assert host.get(f"/orders/{order['id']}").get_json()["order"] == order


def test_order_finds_or_makes_its_customer(host: Host) -> None:
    email = f"{unique('new')}@example.com"

    order = create_order(host, customer={"email": email, "first_name": "New", "last_name": "Person"})

    (customer,) = listed(host, "/customers", "customers", email=email)
    assert order["customer"]["id"] == customer["id"]
    assert customer["first_name"] == "New"


def test_cancelled_order_says_so_and_gives_stock_back(host: Host) -> None:
    variant = create_product(host, variants=[{"price": "4", "sku": unique("c-"), "inventory_quantity": 5}])["variants"][0]
    taking = {"line_items": [{"variant_id": variant["id"], "quantity": 2}], "inventory_behaviour": "decrement_obeying_policy"}
    order = create_order(host, **taking)
    assert stock_of(host, variant["sku"]) == 3

    cancelled = host.post(f"/orders/{order['id']}/cancel", {"reason": "fraud", "restock": True}).get_json()["order"]

    assert cancelled["cancelled_at"] is not None
    assert cancelled["cancel_reason"] == "fraud"
    assert stock_of(host, variant["sku"]) == 5
    again = host.post(f"/orders/{order['id']}/cancel", {"reason": "fraud"})
    assert (again.status_code, again.get_json()["code"]) == (422, "user_errors")


def test_refund_gives_back_the_money_of_its_lines_once(host: Host) -> None:
    sale = {"kind": "sale", "amount": "30"}
    order = create_order(host, transactions=[sale], line_items=[{"title": "Tea", "price": "10", "quantity": 3}])
    line = order["line_items"][0]["id"]
    body = {"line_items": [{"line_item_id": line, "quantity": 3}], "note": "Broken", "idempotency_key": unique("k-")}

    first, second = (host.post(f"/orders/{order['id']}/refund", body) for _ in range(2))

    refunded = first.get_json()["order"]
    assert second.get_data() == first.get_data()
    (refund,) = refunded["refunds"]
    assert (refund["total_refunded"], refund["note"]) == ("30.00", "Broken")
    assert (refunded["total_refunded"], refunded["financial_status"]) == ("30.00", "refunded")
    assert [(t["kind"], t["amount"]) for t in refunded["transactions"]] == [("sale", "30.00"), ("refund", "30.00")]
    assert refunded["line_items"][0]["refundable_quantity"] == 0


def test_refund_of_some_lines_and_shipping(host: Host) -> None:
    order = create_order(
        host,
        transactions=[{"kind": "sale", "amount": "36"}],
        line_items=[{"title": "Tea", "price": "10", "quantity": 3}],
        shipping_lines=[{"title": "Post", "price": "6"}],
    )
    lines = [{"line_item_id": order["line_items"][0]["id"], "quantity": 1}]

    body = {"line_items": lines, "shipping": {"amount": "2.50"}}
    refunded = host.post(f"/orders/{order['id']}/refund", body).get_json()["order"]

    assert (refunded["total_refunded"], refunded["financial_status"]) == ("12.50", "partially_refunded")
    assert refunded["refunds"][0]["refund_line_items"][0]["quantity"] == 1


def test_refund_of_more_than_there_is_is_refused(host: Host) -> None:
    order = create_order(host, financial_status="paid")
    line = order["line_items"][0]["id"]

    answer = host.post(f"/orders/{order['id']}/refund", {"line_items": [{"line_item_id": line, "quantity": 99}]})

    assert answer.status_code in (400, 422)
    assert host.get(f"/orders/{order['id']}").get_json()["order"]["total_refunded"] == "0.00"


def test_order_is_shipped_in_parts(host: Host) -> None:
    order = create_order(host, line_items=[{"title": "Tea", "price": "1", "quantity": 3}, {"title": "Cup", "price": "2"}])
    tea, cup = (line["id"] for line in order["line_items"])
    tracking = {"number": "1Z999", "company": "UPS", "url": "https://track.example/1Z999"}

    part = {"line_items": [{"line_item_id": tea, "quantity": 2}], "tracking": tracking}
    first = host.post(f"/orders/{order['id']}/fulfill", part).get_json()["order"]
    too_much = host.post(f"/orders/{order['id']}/fulfill", {"line_items": [{"line_item_id": tea, "quantity": 2}]})
    rest = host.post(f"/orders/{order['id']}/fulfill", {}).get_json()["order"]
    nothing = host.post(f"/orders/{order['id']}/fulfill", {})

    assert first["fulfillment_status"] == "partial"
    assert first["fulfillments"][0]["tracking"] == [tracking]
    assert first["fulfillments"][0]["line_items"] == [{"line_item_id": tea, "quantity": 2}]
    assert (too_much.status_code, too_much.get_json()["code"]) == (400, "validation_error")
    assert rest["fulfillment_status"] == "fulfilled"
    parcels = [{(line["line_item_id"], line["quantity"]) for line in one["line_items"]} for one in rest["fulfillments"]]
    assert {(tea, 1), (cup, 1)} in parcels
    assert len(parcels) == 2
    assert (nothing.status_code, nothing.get_json()["code"]) == (422, "nothing_to_fulfill")


@pytest.mark.parametrize("verb", ["", "/cancel", "/fulfill", "/refund"])
def test_order_that_does_not_exist_is_not_found(host: Host, verb: str) -> None:
    body = {"line_items": [{"line_item_id": 1, "quantity": 1}]} if verb == "/refund" else {}

    answer = host.post(f"/orders/123456{verb}", body) if verb else host.get("/orders/123456")

    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


# Customers


@pytest.fixture(scope="module")
def guests(host: Host) -> dict[str, Any]:
    """Customers that differ in everything, under a tag of their own."""
    tag = unique("guest")
    digits = str(int(tag.removeprefix("guest"), 16) % 10**7).zfill(7)
    made = {
        "ann": create_customer(host, first_name="Ann", last_name=f"Bee{tag}", email=f"ann.{tag}@example.com", tags=[tag, "vip"]),
        "bob": create_customer(host, first_name="Bob", last_name=f"Cee{tag}", phone=f"+1613{digits}", tags=tag),
    }
    with moved_clock(host.store, -10):
        made["cyd"] = create_customer(host, first_name="Cyd", last_name=f"Bee{tag}", tags=tag)
    return {"tag": tag, "phone": f"+1613{digits}", "ids": {customer["id"]: name for name, customer in made.items()}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param({}, {"ann", "bob", "cyd"}, id="tag"),
        pytest.param({"email": "ann.{tag}@example.com"}, {"ann"}, id="email"),
        pytest.param({"email": "ANN.{tag}@EXAMPLE.COM"}, {"ann"}, id="email_in_capitals"),
        pytest.param({"phone": "{phone}"}, {"bob"}, id="phone"),
        pytest.param({"first_name": "Ann"}, {"ann"}, id="first_name"),
        pytest.param({"last_name": "bee{tag}"}, {"ann", "cyd"}, id="last_name"),
        pytest.param({"created_at_min": "-1"}, {"ann", "bob"}, id="created_since"),
        pytest.param({"created_at_max": "-1"}, {"cyd"}, id="created_until"),
        pytest.param({"updated_at_max": "-1"}, {"cyd"}, id="updated_until"),
    ],
)
def test_customers_are_filtered(host: Host, guests: dict[str, Any], query: Mapping[str, str], expected: set[str]) -> None:
    filled = {
        name: day(float(value))
        if name.endswith(("_min", "_max"))
        else value.replace("{tag}", guests["tag"]).replace("{phone}", guests["phone"])
        for name, value in query.items()
    }

    found = listed(host, "/customers", "customers", tag=guests["tag"], **filled)

    assert {guests["ids"][customer["id"]] for customer in found} == expected


def test_customer_is_created_changed_and_deleted(host: Host) -> None:
    email = f"{unique('ann')}@example.com"
    address = {"address1": "1 Main", "city": "Ottawa", "province_code": "ON", "country_code": "CA", "zip": "K1A 0B1"}
    made = create_customer(
        host,
        first_name="Ann",
        email=email,
        note="Old",
        tags="a, b",
        addresses=[address],
        email_marketing_consent={"state": "subscribed", "opt_in_level": "single_opt_in"},
    )
    path = f"/customers/{made['id']}"

    assert (made["email"], made["note"], made["email_marketing_consent"]["state"]) == (email, "Old", "subscribed")
    assert made["default_address"]["city"] == "Ottawa"
    assert host.get(path).get_json()["customer"] == made
    body = {
        "customer": {
            "last_name": "Bee",
            "note": None,
            "tags": ["c"],
            "email_marketing_consent": {"state": "unsubscribed", "opt_in_level": "single_opt_in"},
        }
    }
    changed = host.put(path, body).get_json()["customer"]
    assert (changed["first_name"], changed["last_name"], changed["tags"]) == ("Ann", "Bee", "c")
    assert changed["email_marketing_consent"]["state"] == "unsubscribed"
    assert not changed["note"]
    assert host.delete(path).get_json() == {"ok": True, "deleted": True, "id": made["id"]}
    for again in (host.get(path), host.delete(path), host.put(path, {"customer": {"note": "x"}})):
        assert (again.status_code, again.get_json()["code"]) == (404, "not_found")


def test_email_of_another_customer_is_refused_by_field(host: Host) -> None:
    email = f"{unique('twin')}@example.com"
    create_customer(host, email=email)

    answer = host.post("/customers", {"customer": {"email": email}})

    document = answer.get_json()
    assert (answer.status_code, document["code"]) == (422, "user_errors")
    assert document["details"]["user_errors"][0]["field"] == ["email"]


# Inventory


def stock_of(host: Host, sku: str) -> int:
    (level,) = [row for row in listed(host, "/inventory", "inventory_levels", sku=sku) if row["available"] or row["tracked"]][:1]
    available: int = level["available"]
    return available


@pytest.fixture
def stocked(host: Host) -> Any:
    """A variant with ten pieces at the primary location."""
    return create_product(host, variants=[{"sku": unique("i-"), "price": "1", "inventory_quantity": 10}])["variants"][0]


def test_levels_are_found_by_item_sku_and_location(host: Host, stocked: Any) -> None:
    (by_sku,) = listed(host, "/inventory", "inventory_levels", sku=stocked["sku"])
    (by_item,) = listed(host, "/inventory", "inventory_levels", inventory_item_id=stocked["inventory_item_id"])
    place = {"location_id": by_sku["location_id"]}
    (by_both,) = listed(host, "/inventory", "inventory_levels", inventory_item_id=stocked["inventory_item_id"], **place)
    (by_three,) = listed(host, "/inventory", "inventory_levels", sku=stocked["sku"].upper(), **place)

    assert by_sku == by_item == by_both == by_three
    assert (by_sku["available"], by_sku["sku"], by_sku["variant_id"]) == (10, stocked["sku"], stocked["id"])
    assert {row["location_id"] for row in all_of(host, "/inventory", "inventory_levels", **place)} == {by_sku["location_id"]}
    assert listed(host, "/inventory", "inventory_levels", sku="no-such-sku") == []
    assert host.get("/inventory?location_id=1").status_code == 404


def test_stock_is_adjusted_and_set_by_sku_or_item(host: Host, stocked: Any) -> None:
    by_sku = host.post("/inventory/adjust", {"sku": stocked["sku"], "delta": -4, "reason": "damaged"}).get_json()
    by_item = host.post("/inventory/adjust", {"inventory_item_id": stocked["inventory_item_id"], "delta": 1}).get_json()
    placed = host.post("/inventory/set", {"sku": stocked["sku"], "quantity": 25}).get_json()

    assert [answer["inventory_levels"][0]["available"] for answer in (by_sku, by_item, placed)] == [6, 7, 25]
    assert host.get(f"/products/{stocked['product_id']}").get_json()["product"]["variants"][0]["inventory_quantity"] == 25


def test_stock_at_another_location_is_begun_there(host: Host, stocked: Any) -> None:
    primary = listed(host, "/inventory", "inventory_levels", sku=stocked["sku"])[0]["location_id"]
    other = next(row["id"] for row in listed(host, "/locations", "locations") if row["id"] != primary)

    levels = host.post("/inventory/set", {"sku": stocked["sku"], "quantity": 5, "location_id": other}).get_json()[
        "inventory_levels"
    ]

    assert {level["location_id"]: level["available"] for level in levels} == {primary: 10, other: 5}


def test_unknown_and_ambiguous_skus_are_told_apart(host: Host) -> None:
    sku = unique("twin-")
    for _ in range(2):
        create_product(host, variants=[{"sku": sku, "price": "1"}])

    unknown = host.post("/inventory/adjust", {"sku": unique("none-"), "delta": 1})
    ambiguous = host.post("/inventory/adjust", {"sku": sku, "delta": 1})

    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "not_found")
    assert (ambiguous.status_code, ambiguous.get_json()["code"]) == (422, "ambiguous_sku")
    assert len(ambiguous.get_json()["details"]["inventory_item_ids"]) == 2


# What is read only


def test_locations_collections_and_discounts_are_described(host: Host) -> None:
    location = listed(host, "/locations", "locations")[0]
    collection = listed(host, "/collections", "collections")[0]
    discount = listed(host, "/discounts", "discounts")[0]

    assert location["active"] is True
    assert [row["title"] for row in listed(host, "/collections", "collections", title=collection["title"])] == [collection["title"]]
    assert discount["method"] in ("code", "automatic")
    for status in ("active", "expired", "scheduled"):
        assert {row["status"] for row in listed(host, "/discounts", "discounts", status=status)} <= {status}
    for path in ("/locations", "/collections", "/discounts"):
        assert host.post(path, {}).status_code == 405


# Search


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        pytest.param("green tea", '"green tea"', id="words"),
        pytest.param("x OR email:*", r'"x OR email\:*"', id="operator"),
        pytest.param("x' OR tag:vip OR '", r'"x\' OR tag\:vip OR \'"', id="quote"),
        pytest.param('x" OR tag:vip OR "', r'"x\" OR tag\:vip OR \""', id="double_quote"),
        pytest.param("a) OR (b", r'"a\) OR \(b"', id="parentheses"),
        pytest.param("a\\", r'"a\\"', id="backslash"),
        pytest.param('\\" OR id:>0 OR \\"', r'"\\\" OR id\:>0 OR \\\""', id="escaped_quote"),
        pytest.param("-tag:x NOT y AND z", r'"-tag\:x NOT y AND z"', id="negation"),
        pytest.param("créme brûlée 茶", '"créme brûlée 茶"', id="other_letters"),
        pytest.param("{shop{name}} $x #", '"{shop{name}} $x #"', id="graphql"),
    ],
)
@pytest.mark.parametrize("kind", ["products", "orders", "customers"])
def test_search_text_is_one_value_whatever_it_holds(host: Host, outbound: Outbound, kind: str, typed: str, sent: str) -> None:
    answer = host.post("/search", {"query": typed, "type": kind, "limit": 3})

    assert answer.status_code == 200
    (call,) = outbound.sent
    assert (call.operation, call.variables["query"], call.variables["first"]) == (f"List{kind.capitalize()}", sent, 3)


def test_search_syntax_passes_where_it_is_asked_for(host: Host, outbound: Outbound, shelf: dict[str, Any]) -> None:
    text = f"product_type:{shelf['kind']} AND (status:active OR status:draft)"

    answer = host.post("/search", {"query": text, "type": "products", "raw": True})

    assert outbound.sent[0].variables["query"] == text
    assert {shelf["ids"][row["id"]] for row in answer.get_json()["results"]["products"]} == {"tea", "cup"}


@pytest.mark.parametrize("text", ["*", " * ", "**", '"*"', "?", "-", ":", "()", "' '", "%", "_", "…"])
def test_search_for_everything_is_refused(host: Host, outbound: Outbound, text: str) -> None:
    answer = host.post("/search", {"query": text, "type": "customers"})

    assert (answer.status_code, answer.get_json()["code"]) == (400, "query_too_broad")
    assert outbound.sent == []


def test_search_finds_every_kind(host: Host) -> None:
    word = unique("everywhere")
    product = create_product(host, title=word)
    customer = create_customer(host, first_name=word)
    order = create_order(host, email=f"{word}@example.com")

    document = host.post("/search", {"query": word}).get_json()

    results = document["results"]
    assert [row["id"] for row in results["products"]] == [product["id"]]
    assert customer["id"] in [row["id"] for row in results["customers"]]
    assert order["id"] in [row["id"] for row in results["orders"]] or results["orders"] == []
    assert document["total"] == sum(map(len, results.values()))
    only = host.post("/search", {"query": word, "type": "products", "status": "draft"}).get_json()
    assert only["results"] == {"products": [], "orders": [], "customers": []}


# Trouble


@pytest.mark.usefixtures("short_deadline")
@pytest.mark.parametrize(
    ("kind", "facts", "status", "code"),
    [
        pytest.param("5xx", {"status": 500}, 502, "upstream_error", id="500"),
        pytest.param("5xx", {"status": 503}, 502, "upstream_error", id="503"),
        pytest.param("html", {}, 502, "upstream_error", id="html"),
        pytest.param("reset", {}, 502, "upstream_error", id="reset"),
        pytest.param("truncate", {}, 502, "upstream_error", id="truncated"),
        pytest.param("redirect", {}, 502, "upstream_blocked", id="redirect"),
        pytest.param("frozen", {}, 502, "shop_unavailable", id="frozen"),
        pytest.param("delay", {"delay_s": 3.0}, 504, "upstream_timeout", id="slow"),
        pytest.param("drip", {"delay_s": 0.2}, 504, "upstream_timeout", id="drip"),
        pytest.param("429", {"retry_after": "30"}, 429, "rate_limited", id="429"),
        pytest.param("throttled", {}, 429, "rate_limited", id="throttled"),
    ],
)
def test_trouble_at_shopify_has_its_name(host: Host, kind: str, facts: dict[str, Any], status: int, code: str) -> None:
    with fault(host.store, kind, **facts):
        answer = host.get("/products?limit=1")

    document = answer.get_json()
    assert (answer.status_code, document["code"]) == (status, code)
    assert document["request_id"] == answer.headers["X-Request-Id"]
    if status == 429:
        assert int(answer.headers["Retry-After"]) >= 1
    assert host.get("/products?limit=1").status_code == 200


@pytest.fixture
def short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls to Shopify end after a second, where they end after thirty."""
    defaults: Any = AdminClient.run.__kwdefaults__
    monkeypatch.setitem(defaults, "timeout_s", 1.0)


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        pytest.param("5xx", {"status": 502}, id="502"),
        pytest.param("reset", {}, id="reset"),
        pytest.param("throttled", {}, id="throttled"),
        pytest.param("429", {"retry_after": "0.1"}, id="429"),
    ],
)
def test_trouble_that_passes_is_not_seen(host: Host, outbound: Outbound, kind: str, facts: dict[str, Any]) -> None:
    control(host.store, "faults", {"kind": kind, "times": 1, **facts})

    answer = host.get("/products?limit=1")

    assert answer.status_code == 200
    assert len(outbound.sent) == 2


def test_write_that_may_have_been_carried_out_is_not_repeated(host: Host, outbound: Outbound) -> None:
    title = unique("Once ")
    with fault(host.store, "reset", operation="SetProduct", after=True):
        answer = host.post("/products", {"product": {"title": title}})

    assert (answer.status_code, answer.get_json()["code"]) == (502, "upstream_error")
    assert len(outbound.variables("SetProduct")) == 1
    assert len(listed(host, "/products", "products", title=title)) == 1


def test_idempotent_write_is_repeated_and_done_once(host: Host, outbound: Outbound, stocked: Any) -> None:
    control(host.store, "faults", {"kind": "reset", "operation": "AdjustInventory", "after": True, "times": 1})

    answer = host.post("/inventory/adjust", {"sku": stocked["sku"], "delta": -1})

    assert answer.status_code == 200
    assert len(outbound.variables("AdjustInventory")) == 2
    assert answer.get_json()["inventory_levels"][0]["available"] == 9


@pytest.fixture
def poor(fresh_host: Host) -> Iterator[Host]:
    """Alice with a token that may read products and nothing else."""
    shop = grant(fresh_host.store, fresh_host.shops["alice"], scopes=["read_products"])
    assert fresh_host.connect("alice", shop).status_code == 200
    yield fresh_host
    revoke(fresh_host.store, shop)


@pytest.mark.parametrize(
    ("method", "path", "body", "scope"),
    [
        ("GET", "/orders", None, "read_orders"),
        ("GET", "/customers", None, "read_customers"),
        ("POST", "/products", {"product": {"title": "x"}}, "write_products"),
        ("POST", "/customers", {"customer": {"first_name": "x"}}, "write_customers"),
    ],
)
def test_missing_access_scope_is_named(poor: Host, method: str, path: str, body: Any, scope: str) -> None:
    answer = poor.call(method, path, json=body)

    document = answer.get_json()
    assert (answer.status_code, document["code"]) == (403, "insufficient_scope")
    assert scope in document["details"]["required_scopes"]
    assert scope in document["error"]


def test_scopes_of_the_token_are_shown(poor: Host) -> None:
    assert poor.get("/shop").get_json()["shop"]["scopes"] == ["read_products"]
    assert poor.get("/stores").get_json()["stores"][0]["scopes"] == ["read_products"]
