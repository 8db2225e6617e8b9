"""Fields as strangers fill them: what is out of bounds is refused by name, and nothing of it reaches Shopify."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from fake_shopify.schema import VERSIONS, load_schema
from shopify_web.codes import COUNTRY_CODES, CURRENCY_CODES
from tests.web_host import Host, Outbound

pytest_plugins = ("tests.web_fixtures",)

TOO_LONG = "x" * 256
LINE = {"title": "Tea", "price": "3"}


def refused(field: str, *values: Any) -> list[Any]:
    return [pytest.param(field, value, id=f"{field}={str(value)[:24]!r}") for value in values]


# Query strings


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *refused("limit", "0", "-1", "251", "abc", "", " 5 ", "+5", "1_000", "0x10", "1e2", "10.5", "５", "9" * 30, "null", "true"),
        *refused("created_at_min", "", "yesterday", "2026", "2026-13-01", "2026-02-30", "01.11.2026", "1999-12-31", "2101-01-01"),
        *refused("created_at_max", "2026-11-01T25:00:00Z", "2026-11-01T12:60:00Z", "2026-11-01T12:00:00+24:00", "2026-W45-1"),
        *refused(
            "updated_at_min", "1762000000", "2026-11-01T12", "2026-11-01x", "٢٠٢٦-11-01", "2026-11-01T12:00:00Z; drop", "0000-00-00"
        ),
        *refused(
            "updated_at_max", "9999-12-31T23:59:59Z", "2026-11-01T12:00:00.1234567Z", "-2026-11-01", "2026-11-01T12:00:00[UTC]"
        ),
        *refused("status", "deleted", "active,draft", "active OR 1", "any) OR (status:draft", ""),
        *refused("collection_id", "0", "-1", "abc", "1.0", "gid://shopify/Collection/1", "9" * 19, "9" * 40, "1 OR 2"),
        *refused("vendor", "", TOO_LONG, "a\x00b", "a\nb", "a\x1b[2J"),
        *refused("title", "", TOO_LONG, "\u0085"),
        *refused("sku", "", TOO_LONG, "a\tb"),
        *refused("product_type", "", TOO_LONG),
        *refused("store_id", "0", "-1", "abc", "9" * 30),
        *refused("user_id", "", "a\x00b", TOO_LONG, "a\r\nb"),
    ],
)
def test_query_parameter_out_of_bounds_is_refused(host: Host, outbound: Outbound, field: str, value: str) -> None:
    answer = host.get(f"/products?{field}={quote(value)}")

    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation_error"), answer.get_json()
    assert [detail["field"] for detail in answer.get_json()["details"]] == [field]
    assert outbound.sent == []


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("created_at_min=2026-11-02&created_at_max=2026-11-01", id="days"),
        pytest.param("updated_at_min=2026-11-01T12:00:01Z&updated_at_max=2026-11-01T12:00:00Z", id="seconds"),
        pytest.param("created_at_min=2026-11-01T23:00:00-02:00&created_at_max=2026-11-01", id="zones"),
        pytest.param("processed_at_min=2026-11-02&processed_at_max=2026-11-01", id="processed"),
    ],
)
def test_beginning_after_the_end_is_refused(host: Host, outbound: Outbound, query: str) -> None:
    answer = host.get(f"/orders?{query}")

    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation_error")
    assert "must not be after" in answer.get_json()["details"][0]["reason"]
    assert outbound.sent == []


@pytest.mark.parametrize(
    ("given", "low", "high"),
    [
        pytest.param("2026-11-01", "2026-11-01T00:00:00Z", "2026-11-01T23:59:59Z", id="bare_date_is_the_whole_day"),
        pytest.param("2026-11-01T12:30:00Z", "2026-11-01T12:30:00Z", "2026-11-01T12:30:00Z", id="instant_is_exact"),
        pytest.param("2026-11-01T12:30", "2026-11-01T12:30:00Z", "2026-11-01T12:30:00Z", id="no_zone_is_utc"),
        pytest.param("2026-11-01 12:30:00", "2026-11-01T12:30:00Z", "2026-11-01T12:30:00Z", id="blank_for_t"),
        pytest.param("2026-11-01T12:30:00%2B02:00", "2026-11-01T10:30:00Z", "2026-11-01T10:30:00Z", id="zone"),
        pytest.param("2026-11-01T12:30:00+02:00", "2026-11-01T10:30:00Z", "2026-11-01T10:30:00Z", id="plus_not_escaped"),
        pytest.param("2026-11-01T12:30:00-0500", "2026-11-01T17:30:00Z", "2026-11-01T17:30:00Z", id="zone_without_colon"),
        pytest.param("2024-02-29", "2024-02-29T00:00:00Z", "2024-02-29T23:59:59Z", id="leap_day"),
        pytest.param("2000-01-01", "2000-01-01T00:00:00Z", "2000-01-01T23:59:59Z", id="first_day"),
        pytest.param("2100-12-31", "2100-12-31T00:00:00Z", "2100-12-31T23:59:59Z", id="last_day"),
    ],
)
def test_instants_mean_what_they_say(host: Host, outbound: Outbound, given: str, low: str, high: str) -> None:
    answer = host.get(f"/orders?created_at_min={given}&created_at_max={given}")

    assert answer.status_code == 200
    assert outbound.variables("ListOrders")[0]["query"] == f'created_at:>="{low}" AND created_at:<="{high}"'


@pytest.mark.parametrize("path", ["/products", "/orders", "/customers", "/inventory", "/locations", "/collections", "/discounts"])
@pytest.mark.parametrize("name", ["foo", "LIMIT", "user_id[]", "limit[]", "$where", "page", "sort", "access_token"])
def test_unknown_query_parameter_is_refused_by_name(host: Host, outbound: Outbound, path: str, name: str) -> None:
    answer = host.get(f"{path}?{quote(name)}=1")

    assert (answer.status_code, answer.get_json()["code"]) == (400, "unknown_field")
    assert answer.get_json()["details"] == [{"field": name, "reason": "unknown field"}]
    assert outbound.sent == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param("/products?limit=5&limit=6", "limit", id="different"),
        pytest.param("/products?limit=5&limit=5", "limit", id="equal"),
        pytest.param("/products?shop_domain=a&shop_domain=b", "shop_domain", id="shop"),
        pytest.param("/products?user_id=u-alice&user_id=u-bob", "user_id", id="user"),
        pytest.param("/products?foo=1&foo=2", "foo", id="unknown"),
        pytest.param("/products?cursor=&cursor=", "cursor", id="empty"),
        pytest.param("/shop?store_id=1&store_id=2", "store_id", id="store"),
    ],
)
def test_query_parameter_given_twice_is_refused(host: Host, outbound: Outbound, path: str, name: str) -> None:
    answer = host.get(path)

    assert (answer.status_code, answer.get_json()["code"]) == (400, "duplicate_parameter")
    assert answer.get_json()["details"][0]["field"] == name
    assert outbound.sent == []


def test_query_string_of_a_write_is_checked_too(host: Host, outbound: Outbound) -> None:
    body = {"product": {"title": "x"}}

    assert host.post("/products?dry_run=true", body).get_json()["code"] == "unknown_field"
    assert host.post("/products?user_id=u-alice&user_id=u-alice", body).get_json()["code"] == "duplicate_parameter"
    assert outbound.sent == []


# Ids in paths


@pytest.mark.parametrize(
    "number",
    [
        "0",
        "-1",
        "abc",
        "1.0",
        "1e3",
        "0x1",
        "١",
        "9" * 19,
        "9" * 30,
        "9" * 5000,
        "%20",
        "1%20",
        "%00",
        "%FF",
        "gid:",
        "1;2",
        "null",
        "*",
    ],
)
@pytest.mark.parametrize("path", ["/products/", "/orders/", "/customers/", "/stores/"])
def test_what_is_no_id_names_nothing(host: Host, outbound: Outbound, path: str, number: str) -> None:
    answer = host.get(path + number)

    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert outbound.sent == []


@pytest.mark.parametrize(
    "path", ["/products/..%2f..%2fetc%2fpasswd", "/products/1/../../shop", "/products/%2e%2e/shop", "/..%2fservices"]
)
def test_paths_are_not_walked(host: Host, outbound: Outbound, path: str) -> None:
    answer = host.get(path)

    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
    assert outbound.sent == []


# Bodies


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *refused("limit", -1, 0, 251, 10**9, 1e9, 10.5, "10", "abc", True, None, [], {}, [5]),
        *refused("query", "", None, 5, ["x"], "a\x00b", "a\nb", TOO_LONG),
        *refused("type", "product", "PRODUCTS", "", None, ["products"], "products(first:1){edges{node{id}}} customers"),
        *refused("status", "deleted", "any) OR (financial_status:paid", 1, ""),
        *refused("raw", "true", 1, None, "yes"),
        *refused("user_id", "", 5, TOO_LONG, "a\x00b", "\x7f", ["u-alice"], {"$ne": ""}, True),
        *refused("store_id", "1", 0, -1, 1.5, True, 2**63, 10**25, [1]),
    ],
)
def test_search_field_out_of_bounds_is_refused(host: Host, outbound: Outbound, field: str, value: Any) -> None:
    answer = host.post("/search", {"query": "x", "type": "products"} | {field: value})

    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation_error"), answer.get_json()
    assert answer.get_json()["details"][0]["field"] == field
    assert outbound.sent == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        pytest.param("/products", {"product": {"title": "x", "admin": True}}, "product.admin", id="product"),
        pytest.param(
            "/products", {"product": {"title": "x", "variants": [{"prize": 1}]}}, "product.variants.0.prize", id="variant"
        ),
        pytest.param(
            "/products", {"product": {"title": "x", "options": [{"name": "a", "x": 1}]}}, "product.options.0.x", id="option"
        ),
        pytest.param(
            "/products", {"product": {"title": "x", "images": [{"src": "https://a/b", "x": 1}]}}, "product.images.0.x", id="image"
        ),
        pytest.param("/products", {"product": {"title": "x"}, "shop": "y"}, "shop", id="beside"),
        pytest.param("/orders", {"order": {"line_items": [LINE], "id": 1}}, "order.id", id="order"),
        pytest.param("/orders", {"order": {"line_items": [LINE | {"tax": 1}]}}, "order.line_items.0.tax", id="line"),
        pytest.param(
            "/orders", {"order": {"line_items": [LINE], "customer": {"role": 1}}}, "order.customer.role", id="customer_of_order"
        ),
        pytest.param("/customers", {"customer": {"password": "x"}}, "customer.password", id="customer"),
        pytest.param("/customers", {"customer": {"addresses": [{"planet": "x"}]}}, "customer.addresses.0.planet", id="address"),
        pytest.param("/customers", {"customer": {"__proto__": {}}}, "customer.__proto__", id="prototype"),
        pytest.param("/inventory/set", {"sku": "a", "quantity": 1, "delta": 1}, "delta", id="inventory"),
        pytest.param("/connect", {"shop_domain": "a", "access_token": "shpat_0123456789", "role": "x"}, "role", id="connect"),
        pytest.param("/graphql", {"query": "{shop{name}}", "operationName": "x"}, "operationName", id="graphql"),
        pytest.param("/disconnect", {"purge": True, "force": True}, "force", id="disconnect"),
    ],
)
def test_unknown_field_is_refused_wherever_it_stands(host: Host, outbound: Outbound, path: str, body: Any, field: str) -> None:
    answer = host.post(path, body)

    assert (answer.status_code, answer.get_json()["code"]) == (400, "unknown_field"), answer.get_json()
    assert answer.get_json()["details"] == [{"field": field, "reason": "unknown field"}]
    assert outbound.sent == []


def product(fields: Any) -> dict[str, Any]:
    return {"product": {"title": "x"} | fields}


def variant(**fields: Any) -> dict[str, Any]:
    return {"product": {"title": "x", "variants": [fields]}}


def order(**fields: Any) -> dict[str, Any]:
    return {"order": {"line_items": [LINE]} | fields}


REFUSED: dict[str, list[tuple[str, Any, str]]] = {
    "/products": [
        ("no_product", {}, "product"),
        ("no_title", {"product": {}}, "product.title"),
        ("product_is_a_list", {"product": []}, "product"),
        ("empty_title", {"product": {"title": ""}}, "product.title"),
        ("null_title", {"product": {"title": None}}, "product.title"),
        ("title_is_a_number", {"product": {"title": 5}}, "product.title"),
        ("long_title", {"product": {"title": TOO_LONG}}, "product.title"),
        ("nul_in_title", {"product": {"title": "a\x00"}}, "product.title"),
        ("status", product({"status": "live"}), "product.status"),
        ("tags_are_a_number", product({"tags": 5}), "product.tags"),
        ("tag_is_a_number", product({"tags": ["a", 5]}), "product.tags"),
        ("nul_in_a_tag", product({"tags": ["a\x00"]}), "product.tags"),
        ("many_tags", product({"tags": ["t"] * 251}), "product.tags"),
        ("many_tags_as_text", product({"tags": "t," * 250}), "product.tags"),
        ("no_variants", product({"variants": []}), "product.variants"),
        ("image", product({"images": [{"src": "javascript:alert(1)"}]}), "product.images.0.src"),
        ("file", product({"images": [{"src": "file:" + "///etc/passwd"}]}), "product.images.0.src"),
        ("price_is_a_word", variant(price="abc"), "product.variants.0.price"),
        ("negative_price", variant(price=-1), "product.variants.0.price"),
        ("negative_price_as_text", variant(price="-0.01"), "product.variants.0.price"),
        ("price_with_comma", variant(price="1,50"), "product.variants.0.price"),
        ("price_with_blanks", variant(price=" 1 "), "product.variants.0.price"),
        ("price_with_underscore", variant(price="1_0"), "product.variants.0.price"),
        ("price_in_other_digits", variant(price="٣"), "product.variants.0.price"),
        ("price_with_exponent", variant(price="1e9"), "product.variants.0.price"),
        ("price_that_unfolds", variant(price="1e999999999"), "product.variants.0.price"),
        ("price_is_nan", variant(price="NaN"), "product.variants.0.price"),
        ("price_is_infinite", variant(price="Infinity"), "product.variants.0.price"),
        ("huge_price", variant(price=10**15), "product.variants.0.price"),
        ("huge_price_as_text", variant(price="9" * 16), "product.variants.0.price"),
        ("huge_float_price", variant(price=1e300), "product.variants.0.price"),
        ("price_is_true", variant(price=True), "product.variants.0.price"),
        ("price_is_a_list", variant(price=[1]), "product.variants.0.price"),
        ("weight_is_a_word", variant(weight="heavy"), "product.variants.0.weight"),
        ("negative_weight", variant(weight=-1), "product.variants.0.weight"),
        ("huge_weight", variant(weight=10**9), "product.variants.0.weight"),
        ("weight_unit", variant(weight=1, weight_unit="stone"), "product.variants.0.weight_unit"),
        ("quantity_is_a_text", variant(inventory_quantity="5"), "product.variants.0.inventory_quantity"),
        ("half_a_piece", variant(inventory_quantity=1.5), "product.variants.0.inventory_quantity"),
        ("huge_quantity", variant(inventory_quantity=2**31), "product.variants.0.inventory_quantity"),
        ("id_is_a_text", variant(id="1"), "product.variants.0.id"),
        ("id_is_zero", variant(id=0), "product.variants.0.id"),
        ("huge_id", variant(id=2**63), "product.variants.0.id"),
        ("policy", variant(inventory_policy="maybe"), "product.variants.0.inventory_policy"),
    ],
    "/orders": [
        ("no_lines", {"order": {}}, "order.line_items"),
        ("empty_lines", {"order": {"line_items": []}}, "order.line_items"),
        ("empty_line", {"order": {"line_items": [{}]}}, "order.line_items.0"),
        ("line_without_price", {"order": {"line_items": [{"title": "x"}]}}, "order.line_items.0"),
        ("no_pieces", {"order": {"line_items": [LINE | {"quantity": 0}]}}, "order.line_items.0.quantity"),
        ("less_than_none", {"order": {"line_items": [LINE | {"quantity": -1}]}}, "order.line_items.0.quantity"),
        ("many_pieces", {"order": {"line_items": [LINE | {"quantity": 10**7}]}}, "order.line_items.0.quantity"),
        ("many_lines", {"order": {"line_items": [LINE] * 251}}, "order.line_items"),
        ("currency", order(currency="AAA"), "order.currency"),
        ("currency_in_lower_case", order(currency="usd"), "order.currency"),
        ("processed_at", order(processed_at="now"), "order.processed_at"),
        ("processed_long_ago", order(processed_at="1999-01-01"), "order.processed_at"),
        ("processed_at_is_a_number", order(processed_at=1762000000), "order.processed_at"),
        ("financial_status", order(financial_status="free"), "order.financial_status"),
        ("country", order(shipping_address={"country_code": "XX"}), "order.shipping_address.country_code"),
        ("empty_email", order(email=""), "order.email"),
        ("transaction", order(transactions=[{"amount": "x"}]), "order.transactions.0.amount"),
    ],
    "/orders/1/cancel": [
        ("cancel_reason", {"reason": "bored"}, "reason"),
        ("refund_is_a_text", {"refund": "yes"}, "refund"),
    ],
    "/orders/1/refund": [
        ("empty_refund", {}, ""),
        ("refund_without_quantity", {"line_items": [{"line_item_id": 1}]}, "line_items.0.quantity"),
    ],
    "/orders/1/fulfill": [
        ("tracking_url", {"tracking": {"url": "javascript:x"}}, "tracking.url"),
        ("empty_fulfillment", {"line_items": []}, "line_items"),
    ],
    "/customers": [
        ("nul_in_a_note", {"customer": {"note": "a\x00b"}}, "customer.note"),
        ("long_name", {"customer": {"first_name": TOO_LONG}}, "customer.first_name"),
        ("country_code", {"customer": {"addresses": [{"country_code": "usa"}]}}, "customer.addresses.0.country_code"),
    ],
    "/inventory/set": [
        ("no_item", {"quantity": 1}, ""),
        ("two_items", {"quantity": 1, "sku": "a", "inventory_item_id": 1}, ""),
        ("no_quantity", {"sku": "a"}, "quantity"),
    ],
    "/inventory/adjust": [
        ("delta_is_a_text", {"sku": "a", "delta": "1"}, "delta"),
        ("reason", {"sku": "a", "delta": 1, "reason": "theft"}, "reason"),
        ("empty_key", {"sku": "a", "delta": 1, "idempotency_key": ""}, "idempotency_key"),
    ],
    "/connect": [
        ("no_shop", {"access_token": "shpat_0123456789"}, "shop_domain"),
        ("no_token", {"shop_domain": "acme"}, ""),
        ("no_client_secret", {"shop_domain": "acme", "client_id": "x"}, ""),
        ("short_token", {"shop_domain": "acme", "access_token": "short"}, "access_token"),
        ("token_beyond_ascii", {"shop_domain": "acme", "access_token": "shpat_ключ_ключ"}, "access_token"),
        ("line_break_in_a_token", {"shop_domain": "acme", "access_token": "shpat_0123\n4567"}, "access_token"),
        ("list_of_tokens", {"shop_domain": "acme", "access_token": ["shpat_0123456789"]}, "access_token"),
    ],
    "/graphql": [
        ("empty_query", {"query": ""}, "query"),
        ("variables_are_a_list", {"query": "{shop{name}}", "variables": []}, "variables"),
    ],
}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [pytest.param(path, body, field, id=f"{path}-{name}") for path, rows in REFUSED.items() for name, body, field in rows],
)
def test_body_field_out_of_bounds_is_refused(host: Host, outbound: Outbound, path: str, body: Any, field: str) -> None:
    answer = host.post(path, body)

    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation_error"), answer.get_json()
    assert answer.get_json()["details"][0]["field"] == field
    assert outbound.sent == []


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        pytest.param("19.90", "19.90", id="text_stays_as_it_is"),
        pytest.param(19.9, "19.9", id="float"),
        pytest.param(20, "20", id="integer"),
        pytest.param(0, "0", id="zero"),
        pytest.param(-0.0, "0", id="minus_zero"),
        pytest.param(0.1 + 0.2, "0.3", id="binary_rest"),
        pytest.param(1e-07, "0.0000001", id="small_float"),
        pytest.param(1e14, "100000000000000", id="large_float"),
    ],
)
def test_amounts_are_passed_on_exactly(host: Host, outbound: Outbound, given: Any, sent: str) -> None:
    assert host.post("/products", variant(price=given)).status_code == 201

    assert outbound.variables("SetProduct")[0]["input"]["variants"][0]["price"] == sent


def test_refusal_does_not_repeat_what_was_given(host: Host) -> None:
    """A wrong value may be a customer's, or a secret in the wrong place."""
    for path, body in (
        ("/connect", {"shop_domain": "acme", "access_token": "canary canary"}),
        ("/products", variant(price="canary")),
        ("/orders", order(processed_at="canary", currency="CANARY", note="canary\x00")),
        ("/search", {"query": "x", "type": "canary", "status": "canary"}),
    ):
        answer = host.post(path, body)

        assert answer.status_code == 400
        assert "canary" not in answer.get_data(as_text=True).lower()
    assert "canary" not in host.get("/products?created_at_min=canary&limit=canary").get_data(as_text=True)


@pytest.mark.parametrize(
    "typed",
    [
        "evil.com", "demo-shop.myshopify.com.evil.com", "evil.com/demo-shop.myshopify.com", "demo-shop.myshopify.com:443",
        "demo-shop.myshopify.com/admin", "demo-shop.myshopify.com?x=1", "demo-shop.myshopify.com#x", "a@demo-shop.myshopify.com",
        "https://https://demo-shop.myshopify.com", "ftp://demo-shop.myshopify.com", "//demo-shop.myshopify.com", "demo_shop",
        "-demo", ".myshopify.com", "myshopify.com", "demo.shop.myshopify.com", "xn--demo.myshopify.com", "dеmo-shop.myshopify.com",
        "demo-shop.myshopify.com\x00", "demo-shop.myshopify.com\nx", "demo\u3002myshopify.com", "127.0.0.1", "[::1]",
        "javascript:alert(1)", "", " ", "a" * 61, "a" * 100_000, "demo-shop.myshopify.com\u200b", "ｄemo-shop.myshopify.com",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/connect", "/disconnect", "/search"])
def test_what_is_no_shop_domain_is_refused_by_its_code(host: Host, outbound: Outbound, path: str, typed: str) -> None:
    beside = {"/connect": {"access_token": "shpat_0123456789"}, "/disconnect": {}, "/search": {"query": "x"}}[path]

    answer = host.post(path, {"shop_domain": typed} | beside)

    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_shop_domain"), answer.get_json()
    assert answer.get_json()["details"][0]["field"] == "shop_domain"
    assert outbound.sent == []


@pytest.mark.parametrize("value", [None, 5, True, ["demo-shop"], {"a": 1}])
def test_shop_domain_of_another_type_is_refused(host: Host, value: Any) -> None:
    answer = host.post("/connect", {"shop_domain": value, "access_token": "shpat_0123456789"})

    assert answer.status_code == 400
    assert answer.get_json()["details"][0]["field"] == "shop_domain"


@pytest.mark.parametrize(
    "write",
    [
        "{name}", "{name}.myshopify.com", "  {name}.MyShopify.com\t", "https://{name}.myshopify.com", "HTTP://{name}",
        "https://admin.shopify.com/store/{name}", "admin.shopify.com/store/{name}/",
    ],
)  # fmt: skip
def test_shop_domain_is_read_as_people_write_it(host: Host, write: str) -> None:
    typed = write.format(name=host.shops["alice"].shop_domain.partition(".")[0])

    answer = host.post("/search", {"query": "x", "type": "products", "shop_domain": typed})

    assert answer.status_code == 200


@pytest.mark.parametrize("version", VERSIONS)
def test_codes_are_those_of_the_schema(version: str) -> None:
    types: Any = load_schema(version).graphql.type_map

    assert set(COUNTRY_CODES) == set(types["CountryCode"].values)
    assert set(CURRENCY_CODES) == set(types["CurrencyCode"].values)
