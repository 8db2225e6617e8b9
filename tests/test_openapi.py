"""The description: valid, complete, true of real answers, and nothing it allows breaks anything.

`FUZZ_EXAMPLES` says how many requests are made up per operation and kind (default 4).
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from werkzeug.test import TestResponse

from shopify_routes import api
from shopify_web.validation import model
from tests.web_host import PREFIX, Host, bearer, run_host, unique

pytest_plugins = ("tests.web_fixtures",)

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))


def path_of(rule: str) -> str:
    """Write a rule of Flask as the document does."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)


LABELS = {f"{endpoint.method} {PREFIX}{path_of(endpoint.path)}": endpoint for endpoint in api.endpoints}
# schemathesis leaves the address of the document itself out.
TRIED = [label for label, endpoint in LABELS.items() if endpoint.path != "/openapi.json"]
WITH_INPUT = [label for label in TRIED if not label.endswith("/health/summary")]
MADE_UP = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]


@pytest.fixture(scope="module")
def document(host: Host) -> dict[str, Any]:
    """The document as it is served."""
    answer = host.get("/openapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    served: dict[str, Any] = answer.get_json()
    return served


@pytest.fixture(scope="module")
def described(host: Host) -> Any:
    """The document as schemathesis reads it."""
    schema = schemathesis.openapi.from_wsgi(f"{PREFIX}/openapi.json", host.app, headers={"Authorization": bearer("alice")})
    schema.validate()
    return schema


# The document itself


def test_document_is_valid_openapi(described: Any, document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert {result.ok().label for result in described.get_all_operations()} == set(TRIED)


def test_every_route_is_described(host: Host, document: dict[str, Any]) -> None:
    routed = {
        (path_of(rule.rule), method.lower())
        for rule in host.app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert {(path, method) for path, methods in document["paths"].items() for method in methods} == routed


def test_every_request_model_is_described_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    bodies = {endpoint.body for endpoint in api.endpoints if endpoint.body}
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))

    assert bodies <= schemas.keys()
    assert references <= schemas.keys()
    for name in (
        "Product",
        "Order",
        "Customer",
        "InventoryLevel",
        "Location",
        "Collection",
        "Discount",
        "Shop",
        "ShownStore",
        "Error",
    ):
        assert name in schemas
    for name in bodies:
        assert set(schemas[name]["properties"]) == set(model(name).model_fields)


def test_every_schema_is_a_json_schema(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert schema.get("description") or schema.get("title") or name in ("Page", "Error"), name


def test_every_operation_says_what_it_does_takes_and_answers(document: dict[str, Any]) -> None:
    operations = [(path, method, row) for path, methods in document["paths"].items() for method, row in methods.items()]

    assert len({row["operationId"] for _, _, row in operations}) == len(operations)
    for path, method, row in operations:
        assert row["summary"]
        assert row["tags"]
        named = {parameter["name"] for parameter in row["parameters"] if parameter["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))
        assert [status for status in row["responses"] if status.startswith("2")]
        assert ("requestBody" in row) == (method in ("post", "put"))
        is_open = path.endswith(("/health", "/health/summary"))
        is_signed = path.endswith(("/webhooks", "/webhooks/{topic}"))
        assert ("401" in row["responses"]) is not is_open
        assert (row.get("security") == []) is (is_open or is_signed)


def test_secrets_are_marked_and_have_no_examples(document: dict[str, Any]) -> None:
    properties = document["components"]["schemas"]["ConnectBody"]["properties"]
    setup = document["components"]["schemas"]["WebhookSetupBody"]["properties"]
    for described in (*(properties[name] for name in ("access_token", "api_secret", "client_secret")), setup["webhook_secret"]):
        (schema, _) = described["anyOf"]
        assert (schema["format"], schema["writeOnly"]) == ("password", True)
    assert "shpat_" not in json.dumps(document)


def test_document_is_for_callers_whom_the_host_lets_in(host: Host) -> None:
    assert host.get("/openapi.json", None).status_code == 401
    assert host.get("/docs", None).status_code == 401


# Real answers


@pytest.fixture(scope="module")
def answers(host: Host) -> dict[str, TestResponse]:
    """A real success of every operation, by its name in the document."""
    made: dict[str, TestResponse] = {}

    def keep(name: str, answer: TestResponse) -> Any:
        assert answer.status_code < 300, (name, answer.get_data(as_text=True))
        made[name] = answer
        return answer.get_json()

    word = unique("Open")
    variants = [{"option1": "S", "sku": f"{word}-1", "price": "2", "inventory_quantity": 9}, {"option1": "M", "sku": f"{word}-2"}]
    images = [{"src": "https://images.example/a.png"}]
    product = keep("create_product", host.post("/products", {"product": {"title": word, "variants": variants, "images": images}}))
    person = {"first_name": word, "email": f"{word}@example.com", "addresses": [{"address1": "1 Main", "country_code": "CA"}]}
    customer = keep("create_customer", host.post("/customers", {"customer": person}))["customer"]
    lines = [{"title": "Tea", "price": "5", "quantity": 3}, {"variant_id": product["product"]["variants"][0]["id"]}]
    sale = {"kind": "sale", "amount": "17"}
    order_body = {
        "line_items": lines,
        "customer": {"id": customer["id"]},
        "transactions": [sale],
        "shipping_lines": [{"title": "Post"}],
    }
    order = keep("create_order", host.post("/orders", {"order": order_body}))["order"]
    other = host.post("/orders", {"order": {"line_items": lines[:1]}}).get_json()["order"]
    line = {"line_item_id": order["line_items"][0]["id"], "quantity": 1}
    shop = host.shops["alice"]
    numbers = {"products": product["product"]["id"], "orders": order["id"], "customers": customer["id"]}
    keep("fulfill_order", host.post(f"/orders/{order['id']}/fulfill", {"line_items": [line], "tracking": {"number": "1"}}))
    keep("refund_order", host.post(f"/orders/{order['id']}/refund", {"line_items": [line]}))
    keep("cancel_order", host.post(f"/orders/{other['id']}/cancel", {}))
    for name in ("products", "orders", "customers", "locations", "collections", "discounts", "stores"):
        keep(f"list_{name}", host.get(f"/{name}"))
    for name, number in numbers.items():
        keep(f"get_{name[:-1]}", host.get(f"/{name}/{number}"))
    keep("list_inventory", host.get(f"/inventory?sku={word}-1"))
    keep("adjust_inventory", host.post("/inventory/adjust", {"sku": f"{word}-1", "delta": 1}))
    keep("set_inventory", host.post("/inventory/set", {"sku": f"{word}-1", "quantity": 1}))
    keep("update_product", host.put(f"/products/{numbers['products']}", {"product": {"title": word}}))
    keep("update_customer", host.put(f"/customers/{customer['id']}", {"customer": {"note": "x"}}))
    keep("search", host.post("/search", {"query": word}))
    keep("graphql", host.post("/graphql", {"query": "{ shop { name } }"}))
    keep("connect", host.connect("alice", shop))
    credentials = {"store_domain": shop.shop_domain, "access_token": shop.access_token}
    store = keep("create_store", host.post("/stores", credentials))
    keep("get_store", host.get(f"/stores/{store['id']}"))
    for path in ("shop", "health?detailed=true", "health/summary", "health/tokens", "health/connection"):
        keep({"shop": "get_shop"}.get(path, path.partition("?")[0].replace("/", "_")), host.get(f"/{path}"))
    answers_of_webhooks(host, keep)
    answers_of_bulk(host, keep, numbers["products"])
    keep("delete_product", host.delete(f"/products/{numbers['products']}"))
    childless = host.post("/customers", {"customer": {"first_name": word}}).get_json()["customer"]["id"]
    keep("delete_customer", host.delete(f"/customers/{childless}"))
    keep("disconnect", host.post("/disconnect", {}))
    assert host.connect("alice", shop).status_code == 200
    return made


def answers_of_webhooks(host: Host, keep: Callable[[str, TestResponse], Any]) -> None:
    """Deliveries that come to every kind of end, and what is answered about them."""
    shop, word = host.shops["alice"].shop_domain, unique("Open")
    keep("set_up_webhooks", host.post("/webhooks/setup", {"topics": ["orders/create", {"topic": "shop/update"}]}))
    keep("register_all_webhooks", host.post("/webhooks/register-all", {"base_url": "https://app.example.com"}))
    keep("receive_delivery", host.deliver("orders/create", {"id": 1, "email": f"{word}@example.com"}))
    keep("receive_delivery_of_topic", host.deliver("orders/create", b"[1]", path="/webhooks/orders_create"))
    request = {"shop_domain": shop, "customer": {"id": 1, "email": f"{word}@example.com"}, "orders_requested": [1]}
    assert host.deliver("customers/data_request", request).status_code == 200
    headers = {"X-Shopify-Topic": "products/create", "X-Shopify-Shop-Domain": shop}
    keep("process_delivery", host.post("/webhooks/process", {"id": 2}, headers=headers))
    host.work()
    keep("list_topics", host.get("/webhooks/topics"))
    event = keep("list_events", host.get("/webhooks/events?include_stats=true&limit=2"))["events"][0]
    keep("get_event", host.get(f"/webhooks/events/{event['id']}"))
    keep("replay_event", host.post(f"/webhooks/events/{event['id']}/replay", {}))
    keep("replay_events", host.post("/webhooks/replay", {"status": "dead"}))
    (export,) = keep("list_exports", host.get("/privacy/exports"))["exports"]
    keep("get_export", host.get(f"/privacy/exports/{export['id']}"))


def answers_of_bulk(host: Host, keep: Callable[[str, TestResponse], Any], product_id: int) -> None:
    """Bulk operations of every kind, done, and what is answered about them."""
    word = unique("Bulk")
    started = keep("start_bulk_query", host.post("/bulk/query", {"query": "{ products { edges { node { id } } } }"}))
    host.finish(started["operation_id"])
    mutation = "mutation M($input: CustomerInput!) { customerCreate(input: $input) { userErrors { message } } }"
    variables = [{"input": {"firstName": word}}]
    with run_host(host.dsn, host.store, Path(host.app.instance_path), SHOPIFY_ALLOW_MUTATIONS="1") as other:
        keep("start_bulk_mutation", other.post("/bulk/mutation", {"mutation": mutation, "variables": variables}))
    changed = [{"id": product_id, "vendor": word}, {"id": 1, "title": word}]
    keep("create_products_in_bulk", host.post("/products/bulk", {"products": [{"title": word}]}))
    keep("bulk_create_products", host.post("/bulk/products/create", {"products": [{"title": word}]}))
    written = keep("bulk_update_products", host.post("/bulk/products/update", {"products": changed}))["operation_id"]
    host.finish(written)
    for resource in ("products", "orders", "customers", "inventory"):
        host.finish(host.get(f"/bulk/{resource}?timeout_s=0&limit=5").get_json()["operation_id"])
        keep(f"export_{resource}", host.get(f"/bulk/{resource}?timeout_s=0&limit=5"))
    keep("list_operations", host.get("/bulk/operations?limit=2"))
    keep("get_operation", host.get(f"/bulk/operations/{written}"))
    keep("get_operation_status", host.get(f"/bulk/operations/{written}/status"))
    keep("wait_for_operation", host.get(f"/bulk/operations/{written}/wait"))
    keep("cancel_operation", host.post(f"/bulk/operations/{written}/cancel", {}))


IN_JSON = [label for label, endpoint in LABELS.items() if endpoint.own_form is None]


@pytest.mark.parametrize("label", IN_JSON)
def test_real_answer_is_as_described(document: dict[str, Any], answers: dict[str, TestResponse], label: str) -> None:
    method, path = label.split()
    described = document["paths"][path][method.lower()]["responses"]
    answer = answers[LABELS[label].name]

    schema = described[str(answer.status_code)]["content"]["application/json"]["schema"]
    problems = list(validator(document, schema).iter_errors(answer.get_json()))

    assert [f"{'/'.join(map(str, problem.instance_path))}: {problem.message[:200]}" for problem in problems] == []
    assert set(answer.get_json()) == set(schema["properties"]), "nothing is answered that is not described"


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    return jsonschema_rs.validator_for({**schema, "components": document["components"]})


def test_real_text_is_as_described(host: Host, document: dict[str, Any]) -> None:
    answer = host.get("/webhooks/config.toml")

    described = document["paths"][f"{PREFIX}/webhooks/config.toml"]["get"]["responses"]["200"]["content"]
    assert [answer.mimetype] == list(described)
    assert tomllib.loads(answer.text)["webhooks"]["api_version"] == "2026-10"


def test_real_failure_is_as_described(host: Host, document: dict[str, Any]) -> None:
    check = validator(document, {"$ref": "#/components/schemas/Error"})
    failures = [
        host.get("/products?limit=0"),
        host.get("/products", None),
        host.get("/products/1"),
        host.post("/customers", {"customer": {"email": "x"}}),
        host.get("/products?user_id=u-bob"),
        host.get("/shop?shop_domain=other"),
        host.call("POST", "/search", data=b"x"),
        host.call("PATCH", "/search"),
        host.get("/nothing"),
    ]

    assert {answer.status_code for answer in failures} == {400, 401, 404, 422, 403, 409, 415, 405}
    for answer in failures:
        check.validate(answer.get_json())


# Requests that nobody thought of


@pytest.fixture(scope="module")
def operations(described: Any) -> dict[str, Any]:
    """Every operation of the document, by method and path."""
    found = [result.ok() for result in described.get_all_operations()]
    return {operation.label: operation for operation in found}


@pytest.fixture(scope="module")
def numbers(host: Host) -> dict[str, int]:
    """Ids of things that bob's shop really has, by the part of the path before them."""
    customer = host.post("/customers", {"customer": {"first_name": "Bob"}}, "bob").get_json()["customer"]
    lines = [{"title": "Tea", "price": "5", "quantity": 1_000}]
    order = host.post("/orders", {"order": {"line_items": lines, "transactions": [{"amount": "5000"}]}}, "bob").get_json()["order"]
    return {
        "customers": customer["id"],
        "orders": order["id"],
        "products": host.post("/products", {"product": {"title": "Tea"}}, "bob").get_json()["product"]["id"],
        "stores": host.get("/stores", "bob").get_json()["stores"][0]["id"],
        **numbers_of_webhooks(host),
        "operations": finished_operation(host),
    }


def numbers_of_webhooks(host: Host) -> dict[str, int]:
    request = {"shop_domain": host.shops["bob"].shop_domain, "customer": {"id": 1}, "orders_requested": []}
    assert host.deliver("orders/create", {"id": 1}, "bob").status_code == 200
    assert host.deliver("customers/data_request", request, "bob").status_code == 200
    host.work()
    (export,) = host.get("/privacy/exports", "bob").get_json()["exports"]
    return {"events": host.events("bob")[0]["id"], "exports": export["id"]}


def finished_operation(host: Host) -> int:
    """Return Shopify's number of a bulk query that is done."""
    started = host.post("/bulk/query", {"query": "{ products { edges { node { id } } } }"}, "bob").get_json()
    number: int = host.finish(started["operation_id"], "bob")["shopify_id"]
    return number


def aim(case: Any, numbers: dict[str, int]) -> None:
    """Point a made-up request at things that exist, so that it comes further than to 403 and 404."""
    for part in (case.query, case.body if isinstance(case.body, dict) else {}):
        for name in ("user_id", "shop_domain", "store_id"):
            if not case.operation.path.endswith(("/connect", "/stores")):
                part.pop(name, None)
    if "operation_id" in (case.path_parameters or {}):
        case.path_parameters["operation_id"] = numbers["operations"]
    for name in ("timeout_s", "wait_for_completion"):
        for part in (case.query, case.body if isinstance(case.body, dict) else {}):
            if name in part:
                part[name] = {"timeout_s": 0}.get(name, False)
    if "id" in (case.path_parameters or {}) and case.method != "DELETE":
        case.path_parameters["id"] = next(number for name, number in numbers.items() if f"/{name}/" in case.operation.path)


def send(case: Any) -> Any:
    """Send a made-up request as bob, or as mallory where it would make him leave his shop."""
    who = "mallory" if case.operation.path.endswith("/disconnect") else "bob"
    return case.call(headers={"Authorization": bearer(who)})


def is_no_fault_of_ours(answer: Any) -> bool:
    """Say whether an answer is about the request; Shopify does not know the shops that are made up."""
    return bool(answer.status_code < 500 or answer.json()["code"] == "shop_unavailable")


@pytest.mark.parametrize("label", TRIED)
@MADE_UP
@given(data=st.data())
def test_request_that_the_description_allows_breaks_nothing(
    operations: dict[str, Any], numbers: dict[str, int], label: str, data: Any
) -> None:
    case = data.draw(operations[label].as_strategy(generation_mode=GenerationMode.POSITIVE))
    aim(case, numbers)

    answer = send(case)

    case.validate_response(answer, checks=CHECKS)
    assert is_no_fault_of_ours(answer), answer.text[:500]


@pytest.mark.parametrize("label", WITH_INPUT)
@MADE_UP
@given(data=st.data())
def test_request_that_the_description_forbids_is_refused(operations: dict[str, Any], label: str, data: Any) -> None:
    case = data.draw(operations[label].as_strategy(generation_mode=GenerationMode.NEGATIVE))

    answer = send(case)

    # In a query string everything is a text: what is made up as a number, which the description forbids, arrives as digits.
    is_told_apart = case.method in ("POST", "PUT") and not case.query and answer.status_code != 413
    case.validate_response(answer, checks=[*CHECKS, *([negative_data_rejection] if is_told_apart else [])])
    assert is_no_fault_of_ours(answer), answer.text[:500]


# The page


class Page(HTMLParser):
    """Notes what a page holds that could run or be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.handlers: list[str] = []
        self.addresses: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Look at one tag."""
        self.tags.add(tag)
        for name, value in attributes:
            if name.startswith("on"):
                self.handlers.append(name)
            if name in ("src", "href", "action", "data", "srcset", "poster"):
                self.addresses.append(value or "")
            if name == "id":
                self.ids.add(value or "")


def test_page_shows_every_operation_and_runs_nothing(host: Host, document: dict[str, Any]) -> None:
    answer = host.get("/docs")
    page, text = Page(), answer.get_data(as_text=True)
    page.feed(text)

    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    for path, methods in document["paths"].items():
        assert path in text
        for operation in methods.values():
            assert operation["summary"].replace("'", "&#39;") in text
    assert not page.tags & {"script", "iframe", "object", "embed", "form", "link", "img", "base"}
    assert page.handlers == []
    assert [address for address in page.addresses if "//" in address or address.startswith(("javascript:", "data:"))] == []
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= page.ids


def test_page_may_load_nothing_and_stand_in_no_frame(host: Host) -> None:
    headers = host.get("/docs").headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))

    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "script-src" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
