"""Bulk mutations: one execution per line of an uploaded file, each with an answer of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.fake.bulk_calls import CREATE_PRODUCT, Bulk, download, other_app, post
from tests.fake.conftest import EmptyStore

MUGS = [{"product": {"title": f"Mug {number}"}} for number in range(3)]
MISSING = (
    "The JSONL file could not be found. Try uploading the file again, and check that you've entered the URL correctly for the "
    "stagedUploadPath mutation argument."
)


@pytest.fixture
def bulk(empty_store: EmptyStore) -> Bulk:
    """An app on an empty store."""
    return Bulk(empty_store)


def titles(bulk: Bulk) -> list[str]:
    """Return the titles of the shop's products."""
    return [node["title"] for node in bulk.store.data("{ products(first: 50, sortKey: ID) { nodes { title } } }")["nodes"]]


@pytest.mark.parametrize("put", [False, True], ids=["form", "put"])
def test_every_line_is_executed_and_answered(bulk: Bulk, put: bool) -> None:
    done = bulk.run_mutation(bulk.upload(*MUGS, put=put))
    lines = bulk.lines(done)

    assert titles(bulk) == ["Mug 0", "Mug 1", "Mug 2"]
    assert (done["status"], done["type"], done["query"]) == ("COMPLETED", "MUTATION", CREATE_PRODUCT)
    assert (done["objectCount"], done["rootObjectCount"]) == ("3", "3")
    assert [line["__lineNumber"] for line in lines] == [0, 1, 2]
    assert [line["data"]["productCreate"]["product"]["title"] for line in lines] == ["Mug 0", "Mug 1", "Mug 2"]
    assert download(done["url"]).content.count(b"gid:\\/\\/shopify\\/Product\\/") == 3


def test_line_that_fails_does_not_stop_the_others(bulk: Bulk) -> None:
    path = bulk.upload(MUGS[0], {"product": {"title": ""}}, {"product": {"colour": "red"}}, "no json", "[]", "", MUGS[1])

    lines = bulk.lines(bulk.run_mutation(path))

    assert titles(bulk) == ["Mug 0", "Mug 1"]
    assert [line["__lineNumber"] for line in lines] == [0, 1, 2, 3, 4, 6]
    assert lines[1]["data"]["productCreate"]["product"] is None
    assert lines[1]["data"]["productCreate"]["userErrors"][0]["field"] == ["title"]
    assert lines[2]["errors"][0]["extensions"]["code"] == "INVALID_VARIABLE"
    assert all(set(line) == {"errors", "__lineNumber"} for line in lines[2:5])


def test_what_a_resolver_refuses_is_in_the_answer(bulk: Bulk) -> None:
    adjust = """
    mutation Adjust($input: InventoryAdjustQuantitiesInput!) {
      inventoryAdjustQuantities(input: $input) { userErrors { message } }
    }
    """
    path = bulk.upload({"input": {"reason": "correction", "name": "available", "changes": []}})

    (line,) = bulk.lines(bulk.run_mutation(path, adjust))

    assert line["data"] == {"inventoryAdjustQuantities": None}
    assert line["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert "cost" not in str(line)


def test_connection_of_an_answer_stays_in_its_place(bulk: Bulk) -> None:
    mutation = """
    mutation Create($product: ProductCreateInput!) {
      productCreate(product: $product) { product { id variants(first: 5) { edges { node { title } } } } }
    }
    """

    (line,) = bulk.lines(bulk.run_mutation(bulk.upload(MUGS[0]), mutation))

    variants = line["data"]["productCreate"]["product"]["variants"]
    assert variants == {"edges": [{"node": {"title": "Default Title"}}]}


def test_same_key_makes_a_line_happen_once(bulk: Bulk) -> None:
    bulk.make_products(1)
    found = bulk.store.data("{ locations(first: 1) { nodes { id } } productVariants(first: 1) { nodes { inventoryItem { id } } } }")
    mutation = """
    mutation Activate($item: ID!, $location: ID!, $key: String!) {
      inventoryActivate(inventoryItemId: $item, locationId: $location, available: 5) @idempotent(key: $key) {
        inventoryLevel { id } userErrors { message }
      }
    }
    """
    item = found["productVariants"]["nodes"][0]["inventoryItem"]["id"]
    variables = {"item": item, "location": found["locations"]["nodes"][0]["id"], "key": "once"}

    first, second = bulk.lines(bulk.run_mutation(bulk.upload(variables, variables), mutation))

    assert first["data"] == second["data"]


def test_changes_are_noted_like_those_of_single_requests(bulk: Bulk) -> None:
    bulk.run_mutation(bulk.upload(*MUGS))

    assert bulk.store.topics().count("products/create") == 3
    assert bulk.store.topics()[-1] == "bulk_operations/finish"


@pytest.mark.parametrize(
    ("mutation", "error"),
    [
        pytest.param(
            "mutation { broken",
            [None, "Failed to parse the mutation - syntax error, unexpected end of file at [1, 12]", "INVALID_MUTATION"],
            id="unfinished",
        ),
        pytest.param(
            "mutation { nothing }",
            [None, "Failed to parse the mutation - Field 'nothing' doesn't exist on type 'Mutation'", "INVALID_MUTATION"],
            id="not in the schema",
        ),
        pytest.param(
            "{ shop { id } }",
            [None, "Invalid operation type. Only `mutation` operations are supported.", "INVALID_MUTATION"],
            id="query",
        ),
        pytest.param(
            'mutation { a: productDelete(input: {id: "gid://shopify/Product/1"}) { deletedProductId } '
            'b: productDelete(input: {id: "gid://shopify/Product/1"}) { deletedProductId } }',
            [["mutation"], "You must specify a single top level mutation.", None],
            id="two at once",
        ),
        pytest.param(
            'mutation { bulkOperationRunQuery(query: "x") { userErrors { message } } }',
            [["mutation"], "You must use an allowed mutation name.", None],
            id="bulk in bulk",
        ),
        pytest.param(
            """mutation($product: ProductCreateInput!) { productCreate(product: $product) { product {
              variants(first: 1) { nodes { id } } media(first: 1) { nodes { id } }
            } } }""",
            [["mutation"], "Bulk mutations cannot contain more than 1 connection.", None],
            id="two connections",
        ),
        pytest.param(
            "#" + "a" * 65_535 + "\n" + CREATE_PRODUCT,
            [["query"], f"is too large ({65_537 + len(CREATE_PRODUCT)} bytes; maximum is 65535 bytes)", "INVALID_MUTATION"],
            id="too large",
        ),
    ],
)
def test_mutation_that_cannot_run_in_bulk_is_refused(bulk: Bulk, mutation: str, error: list[Any]) -> None:
    payload = bulk.ask_mutation(bulk.upload(MUGS[0]), mutation)

    assert payload == {"bulkOperation": None, "userErrors": [dict(zip(("field", "message", "code"), error, strict=True))]}


@pytest.mark.parametrize(
    ("identifier", "message"),
    [
        pytest.param("a" * 9, "is too short (minimum is 10 characters)", id="short"),
        pytest.param("a" * 256, "is too long (maximum is 255 characters)", id="long"),
    ],
)
def test_client_identifier_has_bounds(bulk: Bulk, identifier: str, message: str) -> None:
    payload = bulk.ask_mutation(bulk.upload(MUGS[0]), clientIdentifier=identifier)

    assert payload["userErrors"] == [{"field": ["clientIdentifier"], "message": message, "code": "INVALID_MUTATION"}]


@pytest.mark.parametrize("length", [10, 255])
def test_client_identifier_within_its_bounds_is_taken(bulk: Bulk, length: int) -> None:
    assert bulk.run_mutation(bulk.upload(MUGS[0]), clientIdentifier="a" * length)["status"] == "COMPLETED"


@pytest.mark.parametrize("path", ["valid", "", "tmp/1/bulk/none/lines.jsonl"], ids=["word", "nothing", "unknown"])
def test_unknown_file_is_not_found(bulk: Bulk, path: str) -> None:
    assert bulk.ask_mutation(path)["userErrors"] == [{"field": None, "message": MISSING, "code": "NO_SUCH_FILE"}]


def test_target_that_nothing_was_uploaded_to_is_not_found(bulk: Bulk) -> None:
    assert [error["code"] for error in bulk.ask_mutation(bulk.stage().path)["userErrors"]] == ["NO_SUCH_FILE"]


def test_file_of_another_resource_is_not_found(bulk: Bulk) -> None:
    target = bulk.stage(resource="FILE")
    post(target, b"{}\n")

    assert [error["code"] for error in bulk.ask_mutation(target.path)["userErrors"]] == ["NO_SUCH_FILE"]


def test_empty_file_is_refused(bulk: Bulk) -> None:
    payload = bulk.ask_mutation(bulk.upload())

    text = "The input file is empty."
    assert payload["userErrors"] == [{"field": None, "message": text, "code": "INVALID_STAGED_UPLOAD_FILE"}]


@pytest.mark.parametrize("line", ["no json", "[1]", '"text"', ""], ids=["text", "list", "string", "blank"])
def test_file_that_does_not_begin_like_jsonl_is_refused(bulk: Bulk, line: str) -> None:
    payload = bulk.ask_mutation(bulk.upload(line, MUGS[0]))

    text = "Unexpected file structure - expected JSONL"
    assert payload["userErrors"] == [{"field": None, "message": text, "code": "INVALID_STAGED_UPLOAD_FILE"}]


def test_file_that_changes_meanwhile_fails_the_operation(bulk: Bulk) -> None:
    target = bulk.stage(httpMethod="PUT")
    body = "".join(json.dumps(line) + "\n" for line in MUGS).encode()
    requests.put(target.url, data=body, timeout=10)
    bulk.control("clock", freeze=True)
    bulk.control(objects_per_s=1)
    gid = bulk.ask_mutation(target.path)["bulkOperation"]["id"]
    bulk.reaches(gid, "RUNNING")
    bulk.advance(1)

    requests.put(target.url, data=body + b"\n", timeout=10)
    bulk.advance(10)
    done = bulk.finished(gid)

    assert (done["status"], done["errorCode"], done["objectCount"]) == ("FAILED", "INTERNAL_SERVER_ERROR", "1")
    assert [line["__lineNumber"] for line in bulk.lines(done, "partialDataUrl")] == [0]


def test_change_of_the_file_can_be_scripted(bulk: Bulk) -> None:
    bulk.control(changed_file=True, type="MUTATION")

    done = bulk.run_mutation(bulk.upload(*MUGS))

    assert (done["status"], done["errorCode"]) == ("FAILED", "INTERNAL_SERVER_ERROR")


def test_answers_may_come_in_another_order(bulk: Bulk) -> None:
    lines = [{"product": {"title": f"Mug {number}"}} for number in range(20)]
    bulk.control(order="shuffled", seed=2)

    numbers = [line["__lineNumber"] for line in bulk.lines(bulk.run_mutation(bulk.upload(*lines)))]

    assert numbers != list(range(20))
    assert sorted(numbers) == list(range(20))


def test_cancelled_mutation_leaves_what_it_did(bulk: Bulk) -> None:
    bulk.control("clock", freeze=True)
    bulk.control(objects_per_s=1)
    gid = bulk.ask_mutation(bulk.upload(*MUGS))["bulkOperation"]["id"]
    bulk.reaches(gid, "RUNNING")
    bulk.advance(2)

    bulk.cancel(gid)
    bulk.finished(gid)

    assert titles(bulk) == ["Mug 0", "Mug 1"]


def test_five_mutations_run_at_once_and_no_sixth(bulk: Bulk) -> None:
    taken = bulk.control(occupy=5, type="MUTATION")["ids"]
    path = bulk.upload(MUGS[0])

    errors = bulk.ask_mutation(path)["userErrors"]

    text = f"A bulk mutation operation for this app and shop is already in progress: {', '.join(taken)}."
    assert errors == [{"field": None, "message": text, "code": "OPERATION_IN_PROGRESS"}]
    assert other_app(bulk).run_mutation(path)["status"] == "COMPLETED"
