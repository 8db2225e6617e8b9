"""Bulk operations over HTTP: starting, waiting, reading, and products by the thousand."""

from __future__ import annotations

import io
import json
import threading
from typing import Any

import pytest

from shopify_web.product_spool import MAX_BULK_BYTES
from tests.web_host import PREFIX, Host, bearer, unique

pytest_plugins = ("tests.web_fixtures",)

PRODUCTS_QUERY = "query($q: String) { products(query: $q) { edges { node { id title variants { edges { node { id sku } } } } } } }"


def started(answer: Any) -> str:
    """Return the id of an operation that was taken on."""
    assert answer.status_code == 202, answer.get_data(as_text=True)
    operation_id: str = answer.get_json()["operation_id"]
    return operation_id


def three_products(host: Host, word: str) -> None:
    """Have alice's shop sell three products of two variants each."""
    variants = [{"option1": "S", "sku": f"{word}-S"}, {"option1": "M", "sku": f"{word}-M"}]
    products = [{"title": f"{word} {number}", "vendor": word, "variants": variants} for number in range(3)]
    host.finish(started(host.post("/bulk/products/create", {"products": products})))


def test_query_runs_and_its_result_is_read_flat_and_nested(host: Host) -> None:
    word = unique("Flat")
    three_products(host, word)

    operation_id = started(host.post("/bulk/query", {"query": PRODUCTS_QUERY, "variables": {"q": f"vendor:{word}"}}))
    operation = host.finish(operation_id)
    flat = host.get(f"/bulk/operations/{operation_id}/result")
    nested = host.get(f"/bulk/operations/{operation['shopify_id']}/result?nested=true")

    assert (operation["status"], operation["object_count"], operation["root_object_count"]) == ("completed", 9, 3)
    assert operation["progress"] == 100
    assert len(flat.text.splitlines()) == 9
    assert len(flat.data) == operation["file_size"]
    shown = [json.loads(line) for line in nested.text.splitlines()]
    assert [[variant["sku"] for variant in product["variants"]] for product in shown] == [[f"{word}-S", f"{word}-M"]] * 3


def test_query_that_waits_brings_its_data_along(make_host: Any) -> None:
    host = make_host(SHOPIFY_WORKER="embedded")

    answer = host.post("/bulk/query", {"query": "{ products { edges { node { id } } } }", "wait_for_completion": True})

    document = answer.get_json()
    assert (answer.status_code, document["status"]) == (200, "completed")
    assert len(document["data"]) == document["operation"]["object_count"]
    assert document["has_more"] is False


def test_nobody_sees_anothers_operation(host: Host) -> None:
    operation_id = started(host.post("/bulk/query", {"query": "{ products { edges { node { id } } } }"}))

    answers = [
        host.get(f"/bulk/operations/{operation_id}{path}", "mallory") for path in ("", "/status", "/wait", "/events", "/result")
    ]
    cancelled = host.post(f"/bulk/operations/{operation_id}/cancel", {}, "mallory")

    assert {(answer.status_code, answer.get_json()["code"]) for answer in (*answers, cancelled)} == {(404, "not_found")}
    assert operation_id not in [row["id"] for row in host.get("/bulk/operations", "mallory").get_json()["operations"]]
    assert host.finish(operation_id)["status"] == "completed"


def test_operations_are_listed_newest_first_page_by_page(host: Host) -> None:
    made = [started(host.post("/bulk/query", {"query": "{ products { edges { node { id } } } }"})) for _ in range(3)]

    first = host.get("/bulk/operations?limit=2").get_json()
    second = host.get(f"/bulk/operations?limit=2&cursor={first['page']['next_cursor']}").get_json()

    assert [row["id"] for row in (*first["operations"], *second["operations"])][:3] == made[::-1]


@pytest.mark.parametrize("path", ["/wait", "/events"])
def test_only_a_few_wait_at_once(make_host: Any, path: str) -> None:
    host = make_host(SHOPIFY_SERVER_THREADS=4)
    operation_id = started(host.post("/bulk/query", {"query": "{ products { edges { node { id } } } }"}))
    statuses: list[int] = []
    waiter = threading.Thread(
        target=lambda: statuses.append(host.get(f"/bulk/operations/{operation_id}/wait?timeout_s=5").status_code)
    )
    waiter.start()
    polls = host.integration.parts.long_polls
    while polls._waiting == 0:
        pass

    refused = host.get(f"/bulk/operations/{operation_id}{path}")

    assert (refused.status_code, refused.get_json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) >= 1
    host.finish(operation_id)
    waiter.join()
    assert statuses == [200]


def test_progress_comes_as_server_sent_events(host: Host) -> None:
    operation_id = started(host.post("/bulk/query", {"query": "{ products { edges { node { id } } } }"}))
    host.finish(operation_id)

    answer = host.get(f"/bulk/operations/{operation_id}/events")

    assert answer.mimetype == "text/event-stream"
    events = [block for block in answer.text.split("\n\n") if block.startswith("event:")]
    assert events[-1].startswith("event: end\n")
    assert json.loads(events[-1].partition("data: ")[2])["status"] == "completed"


def test_export_comes_in_the_form_of_the_list_and_serves_the_next_one_too(host: Host) -> None:
    word = unique("Export")
    three_products(host, word)
    path = f"/bulk/products?vendor={word}&limit=2&timeout_s=0"

    begun = host.get(path)
    host.finish(begun.get_json()["operation_id"])
    done = host.get(path).get_json()

    assert (begun.status_code, begun.get_json()["products"]) == (202, [])
    assert done["operation_id"] == begun.get_json()["operation_id"]
    assert (done["total"], done["has_more"]) == (2, True)
    listed = host.get(f"/products?vendor={word}&limit=2").get_json()["products"]
    assert [{**product, "metafields": None} for product in done["products"]] == listed
    assert len(host.get(done["result"].removeprefix(PREFIX)).text.splitlines()) == 9


def test_each_product_of_a_bulk_write_gets_its_answer(host: Host) -> None:
    word = unique("Lines")
    products = [{"title": f"{word} 1", "price": 4.5}, {"title": f"{word} 2", "handle": "x" * 255, "tags": "a, b"}, {"title": " "}]

    operation_id = started(host.post("/products/bulk", {"products": products}))
    host.finish(operation_id)
    done = host.get(f"/bulk/operations/{operation_id}").get_json()

    assert [row["line"] for row in done["results"]] == [1, 2]
    assert [(row["line"], row["errors"][0]["field"][-1]) for row in done["errors"]] == [(3, "title")]
    price = host.get(f"/products/{done['results'][0]['product_id']}").get_json()["product"]["variants"][0]["price"]
    assert price == "4.50"


def test_wrong_products_are_named_and_nothing_is_begun(host: Host) -> None:
    before = len(host.get("/bulk/operations").get_json()["operations"])
    products = [{"title": "A"}, {"titel": "B"}, {"title": "C", "variants": [{"price": "x"}]}]

    answer = host.post("/bulk/products/create", {"products": products})

    assert (answer.status_code, answer.get_json()["code"]) == (400, "validation_error")
    fields = [detail["field"] for detail in answer.get_json()["details"]]
    assert fields == ["products.1.title", "products.1.titel", "products.2.variants.0.price"]
    assert len(host.get("/bulk/operations").get_json()["operations"]) == before


PRODUCT = b'{"title": "x", "body_html": "' + 40_000 * b"y" + b'"},'


class Endless(io.RawIOBase):
    """A body of products that goes on and on."""

    def __init__(self) -> None:
        super().__init__()
        self.sent_bytes = 0
        self._left = b'{"products": [' + PRODUCT

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._left[: len(buffer)]
        self._left = self._left[len(piece) :] or PRODUCT
        buffer[: len(piece)] = piece
        self.sent_bytes += len(piece)
        return len(piece)


def pour(host: Host, body: Endless, who: str | None) -> Any:
    """Send a body in chunks, of which nobody says how long it is."""
    environ = {
        "wsgi.input": io.BufferedReader(body),
        "wsgi.input_terminated": True,
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    headers = {"Content-Type": "application/json"} | ({"Authorization": bearer(who)} if who else {})
    return host.app.test_client().post(f"{PREFIX}/bulk/products/create", headers=headers, environ_overrides=environ)


def test_body_without_end_is_refused_at_the_bound(host: Host) -> None:
    body = Endless()

    answer = pour(host, body, "alice")

    assert (answer.status_code, answer.get_json()["code"]) == (413, "body_too_large")
    assert body.sent_bytes <= MAX_BULK_BYTES + 2**20


def test_stranger_is_refused_before_the_body_is_read(host: Host) -> None:
    body = Endless()

    answer = pour(host, body, None)

    assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated")
    assert body.sent_bytes < 2**20
