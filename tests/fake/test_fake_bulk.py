"""Bulk queries: what may run, how an operation goes from CREATED to its end, who sees it, and what can go wrong on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fake.bulk_calls import DAY_S, FIELDS, PRODUCTS, Bulk, download, other_app
from tests.fake.conftest import EmptyStore
from tests.fake.delivering import Delivering

BEGUN = {
    "status": "CREATED",
    "type": "QUERY",
    "errorCode": None,
    "completedAt": None,
    "objectCount": "0",
    "rootObjectCount": "0",
    "fileSize": None,
    "url": None,
    "partialDataUrl": None,
}
THROUGH_EDGES = "All connection fields in a bulk query must select their contents using 'edges' > 'node'."
WITH_ID = (
    "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' return type."
)
OF_NODES = "Bulk queries can only contain connections of types that implement the Node interface."
NO_CONNECTION = "Bulk queries must contain at least one connection."


@pytest.fixture
def bulk(empty_store: EmptyStore) -> Bulk:
    """An app on an empty store."""
    return Bulk(empty_store)


# From beginning to end


def test_operation_begins_with_nothing(bulk: Bulk) -> None:
    bulk.make_products(1)

    begun = bulk.ask(PRODUCTS)["bulkOperation"]

    assert {name: begun[name] for name in BEGUN} == BEGUN
    assert begun["query"] == PRODUCTS


def test_operation_ends_with_its_result(bulk: Bulk) -> None:
    ids = bulk.make_products(3)

    done = bulk.run()
    content = download(done["url"]).content

    assert [line["id"] for line in bulk.lines(done)] == ids
    assert {name: done[name] for name in ("status", "objectCount", "rootObjectCount", "errorCode", "partialDataUrl")} == {
        "status": "COMPLETED",
        "objectCount": "3",
        "rootObjectCount": "3",
        "errorCode": None,
        "partialDataUrl": None,
    }
    assert done["fileSize"] == str(len(content))
    assert done["completedAt"] >= done["createdAt"]


def test_operation_without_objects_has_no_address(bulk: Bulk) -> None:
    done = bulk.run()

    assert (done["status"], done["objectCount"], done["url"], done["fileSize"]) == ("COMPLETED", "0", None, None)


def test_node_shows_an_operation(bulk: Bulk) -> None:
    done = bulk.run()
    document = f"query N($ids: [ID!]!) {{ nodes(ids: $ids) {{ __typename ... on BulkOperation {{ {FIELDS} }} }} }}"

    found = bulk.store.data(document, ids=[done["id"], "gid://shopify/BulkOperation/0"])

    assert found == [{"__typename": "BulkOperation"} | done, None]


def test_operation_counts_on_the_clock_of_the_fake(bulk: Bulk) -> None:
    bulk.make_products(5)
    bulk.control("clock", freeze=True)
    bulk.control(objects_per_s=2)
    gid = bulk.begin()

    bulk.reaches(gid, "RUNNING")
    bulk.advance(1)
    first = bulk.read(gid)
    bulk.advance(1)
    second = bulk.read(gid)
    bulk.advance(1)

    assert [(one["status"], one["objectCount"]) for one in (first, second)] == [("RUNNING", "2"), ("RUNNING", "4")]
    assert second["url"] is None
    assert bulk.finished(gid)["objectCount"] == "5"


def test_operation_can_begin_late_and_take_long(bulk: Bulk) -> None:
    bulk.control("clock", freeze=True)
    bulk.control(start_after_s=60, takes_s=600)
    gid = bulk.begin()

    bulk.advance(59)
    before = bulk.read(gid)["status"]
    bulk.advance(1)
    running = bulk.read(gid)["status"]
    bulk.advance(600)

    assert (before, running) == ("CREATED", "RUNNING")
    assert bulk.finished(gid)["status"] == "COMPLETED"


def test_held_operation_goes_on_until_it_is_released(bulk: Bulk) -> None:
    bulk.make_products(2)
    bulk.control(hold=True)
    gid = bulk.begin()

    running = bulk.reaches(gid, "RUNNING")
    bulk.advance(DAY_S)
    still = bulk.read(gid)
    released = bulk.control(release=gid)

    assert (running["status"], still["status"], still["objectCount"]) == ("RUNNING", "RUNNING", "2")
    assert released == {"released": 1}
    assert bulk.finished(gid)["status"] == "COMPLETED"


def test_clock_that_is_put_back_holds_nothing_up(bulk: Bulk) -> None:
    begun = bulk.begin()
    bulk.control("clock", freeze="2026-01-01T00:00:00Z")

    assert bulk.finished(begun)["status"] == "COMPLETED"


def test_reset_forgets_operations_and_scripts(bulk: Bulk) -> None:
    bulk.control(hold=True, times=None)
    gid = bulk.begin()
    bulk.reaches(gid, "RUNNING")

    bulk.control("reset")

    assert bulk.read(gid) is None
    assert bulk.control("bulk", "GET") == {"operations": [], "scripts": []}
    assert bulk.run()["status"] == "COMPLETED"


# What may run


@pytest.mark.parametrize(
    ("document", "messages"),
    [
        pytest.param("", ["Invalid bulk query: syntax error, unexpected end of file"], id="empty"),
        pytest.param("#graphql", ["Invalid bulk query: syntax error, unexpected end of file"], id="comment only"),
        pytest.param("{ shop", ["Invalid bulk query: syntax error, unexpected end of file at [1, 3]"], id="unfinished"),
        pytest.param("{ shop { id } }", [NO_CONNECTION], id="no connection"),
        pytest.param(
            "{ nothing }", ["Invalid bulk query: Field 'nothing' doesn't exist on type 'QueryRoot'"], id="not in the schema"
        ),
        pytest.param(
            'mutation { productCreate(product: {title: "x"}) { product { id } } }',
            ["Invalid operation type. Only `query` operations are supported."],
            id="mutation",
        ),
        pytest.param(
            "query One($id: ID!) { product(id: $id) { variants { edges { node { id } } } } }",
            ["Invalid bulk query: Variable $id of type ID! was provided invalid value"],
            id="variable without a value",
        ),
        pytest.param(
            "{ shop { id } products { edges { node { id } } } }",
            ["Bulk queries must contain a single top level field."],
            id="two fields at the top",
        ),
        pytest.param(
            "{ productTags { edges { cursor } } }",
            [
                f"{OF_NODES} Invalid fields: 'productTags'.",
                f"{THROUGH_EDGES} Invalid connection fields: 'productTags'.",
            ],
            id="nodes without ids",
        ),
        pytest.param(
            """{ products { edges { node { id
              variants { edges { node { id } } } media { edges { node { id } } } metafields { edges { node { id } } }
              collections { edges { node { id } } } events { edges { node { id } } }
            } } } }""",
            ["Bulk queries cannot contain more than 5 connections."],
            id="six connections",
        ),
        pytest.param(
            """{ collections { edges { node { id products { edges { node { id variants { edges { node { id
              metafields { edges { node { id } } }
            } } } } } } } } } }""",
            ["Bulk queries cannot contain connections with a nesting depth greater than 2."],
            id="three levels",
        ),
        pytest.param(
            "{ orders { edges { node { id refunds { id refundLineItems { edges { node { id } } } } } } } }",
            ["Queries that contain a connection field within a list field are not currently supported."],
            id="connection in a list",
        ),
        pytest.param(
            'query { node(id: "gid://shopify/Product/1") { ... on Product { id variants { edges { node { id } } } } } }',
            ["Bulk queries cannot contain a top level `node` field."],
            id="node at the top",
        ),
        pytest.param(
            "{ products { nodes { id } } }",
            [f"{THROUGH_EDGES} Invalid connection fields: 'products'."],
            id="nodes instead of edges",
        ),
        pytest.param(
            "{ products { edges { node { number: id variants { edges { node { id } } } } } } }",
            [f"{WITH_ID} Connection fields without 'id': 'variants'."],
            id="parent without an id",
        ),
    ],
)
def test_document_that_cannot_run_in_bulk_is_refused(bulk: Bulk, document: str, messages: list[str]) -> None:
    assert bulk.errors(document) == [{"field": ["query"], "message": message, "code": "INVALID"} for message in messages]


def test_document_must_fit_into_its_column(bulk: Bulk) -> None:
    padding = "#" + "a" * (65_535 - len(PRODUCTS) - 2) + "\n"

    too_large = bulk.errors(f"#{padding}{PRODUCTS}")

    assert [error["message"] for error in too_large] == ["Query is too large (65536 bytes; maximum is 65535 bytes)"]
    assert bulk.run(padding + PRODUCTS)["status"] == "COMPLETED"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param("{ products(first: 1, sortKey: TITLE) { pageInfo { hasNextPage } edges { cursor node { id } } } }", id="page"),
        pytest.param("query Named { all: products { edges { node { ...P } } } } fragment P on Product { id }", id="fragment"),
        pytest.param("{ shop { products { edges { node { id } } } } }", id="below an object"),
    ],
)
def test_page_of_a_connection_is_ignored(bulk: Bulk, document: str) -> None:
    ids = bulk.make_products(2)

    assert sorted(line["id"] for line in bulk.lines(bulk.run(document))) == ids


def test_forbidden_field_fails_the_operation(bulk: Bulk) -> None:
    limited = Bulk(bulk.store.with_token("shpat_limited", "read_products"))

    done = limited.run("{ orders { edges { node { id } } } }")

    assert (done["status"], done["errorCode"], done["url"], done["partialDataUrl"]) == ("FAILED", "ACCESS_DENIED", None, None)
    trouble = [one["trouble"] for one in bulk.control("bulk", "GET")["operations"]]
    assert trouble[0].startswith("Access denied for orders field.")


# Slots


def test_five_queries_run_at_once_and_no_sixth(bulk: Bulk) -> None:
    taken = bulk.control(occupy=4)["ids"]
    bulk.control(hold=True)
    own = bulk.begin()

    errors = bulk.errors(PRODUCTS)

    listed = ", ".join([*taken, own])
    text = f"A bulk query operation for this app and shop is already in progress: {listed}."
    assert errors == [{"field": None, "message": text, "code": "OPERATION_IN_PROGRESS"}]


@pytest.mark.parametrize("end", ["cancel", "release"])
def test_slot_is_free_once_an_operation_has_ended(bulk: Bulk, end: str) -> None:
    first, *_ = bulk.control(occupy=5)["ids"]
    if end == "cancel":
        bulk.cancel(first)
    else:
        bulk.control(release=first)
    bulk.finished(first)

    assert bulk.run()["status"] == "COMPLETED"


def test_operation_that_is_being_cancelled_keeps_its_slot(bulk: Bulk) -> None:
    bulk.control(hold=True, hang=True, times=None)
    ids = [bulk.begin() for _ in range(5)]

    payload = bulk.cancel(ids[0])
    bulk.advance(DAY_S)

    assert payload["bulkOperation"]["status"] == "CANCELING"
    assert [error["code"] for error in bulk.errors(PRODUCTS)] == ["OPERATION_IN_PROGRESS"]
    bulk.control(release=ids[0])
    assert bulk.finished(ids[0])["status"] == "CANCELED"


def test_slots_are_counted_per_app_and_kind(bulk: Bulk) -> None:
    bulk.control(occupy=5)
    path = bulk.upload({"product": {"title": "Mug"}})

    assert other_app(bulk).run()["status"] == "COMPLETED"
    assert bulk.run_mutation(path)["status"] == "COMPLETED"


def test_one_operation_at_a_time_before_2026_01(bulk: Bulk) -> None:
    old = Bulk(bulk.store.at("2025-10"))
    bulk.control(occupy=1)
    run = "mutation Run($query: String!) { bulkOperationRunQuery(query: $query) { userErrors { code } } }"

    assert old.store.data(run, query=PRODUCTS)["userErrors"] == [{"code": "OPERATION_IN_PROGRESS"}]
    assert bulk.store.data(run, query=PRODUCTS)["userErrors"] == []


def test_refusal_can_be_scripted_for_some_operations(bulk: Bulk) -> None:
    bulk.control(refuse="LIMIT_REACHED", contains="products", skip=1)

    bulk.control(refuse="OPERATION_IN_PROGRESS", contains="orders")

    busy = bulk.errors("{ orders { edges { node { id } } } }")
    first, second, third = (bulk.ask(PRODUCTS)["userErrors"] for _ in range(3))

    text = "Bulk operations limit reached. Please try again later."
    assert [error["code"] for error in busy] == ["OPERATION_IN_PROGRESS"]
    assert (first, third) == ([], [])
    assert second == [{"field": None, "message": text, "code": "LIMIT_REACHED"}]


# Cancelling


def test_cancelled_operation_keeps_what_it_had_counted(bulk: Bulk) -> None:
    bulk.make_products(3)
    bulk.control("clock", freeze=True)
    bulk.control(objects_per_s=1)
    gid = bulk.begin()
    bulk.reaches(gid, "RUNNING")
    bulk.advance(2)

    payload = bulk.cancel(gid)
    ended = bulk.finished(gid)

    assert payload["userErrors"] == []
    assert (payload["bulkOperation"]["status"], payload["bulkOperation"]["objectCount"]) == ("CANCELING", "2")
    assert {name: ended[name] for name in ("status", "objectCount", "completedAt", "fileSize", "url")} == {
        "status": "CANCELED",
        "objectCount": "2",
        "completedAt": None,
        "fileSize": None,
        "url": None,
    }


def test_cancelled_operation_may_have_an_address(bulk: Bulk) -> None:
    bulk.make_products(1)
    bulk.control(hold=True, canceled_url=True)
    gid = bulk.begin()
    bulk.reaches(gid, "RUNNING")
    bulk.cancel(gid)

    ended = bulk.finished(gid)

    assert (len(bulk.lines(ended)), ended["fileSize"]) == (1, None)


@pytest.mark.parametrize(
    ("script", "word"),
    [
        pytest.param({}, "completed", id="completed"),
        pytest.param({"end": "FAILED"}, "failed", id="failed"),
        pytest.param({"end": "CANCELED"}, "canceled", id="canceled"),
        pytest.param({"end": "EXPIRED"}, "expired", id="expired"),
    ],
)
def test_finished_operation_cannot_be_cancelled(bulk: Bulk, script: dict[str, Any], word: str) -> None:
    bulk.control(**script)
    done = bulk.run()

    payload = bulk.cancel(done["id"])

    text = f"A bulk operation cannot be canceled when it is {word}"
    assert payload == {"bulkOperation": done, "userErrors": [{"field": None, "message": text}]}


def test_unknown_operation_cannot_be_cancelled(bulk: Bulk) -> None:
    payload = bulk.cancel("gid://shopify/BulkOperation/0")

    assert payload == {"bulkOperation": None, "userErrors": [{"field": ["id"], "message": "Bulk operation does not exist"}]}


# Failing and expiring


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "TIMEOUT", "ACCESS_DENIED"])
def test_failed_operation_has_partial_data(bulk: Bulk, code: str) -> None:
    ids = bulk.make_products(4)
    bulk.control(end="FAILED", error_code=code, after_objects=2)

    done = bulk.run()

    assert (done["status"], done["errorCode"], done["objectCount"]) == ("FAILED", code, "2")
    assert (done["url"], done["fileSize"]) == (None, None)
    assert done["completedAt"] is not None
    assert [line["id"] for line in bulk.lines(done, "partialDataUrl")] == ids[:2]


@pytest.mark.parametrize(
    "script", [{"after_objects": 0}, {"partial_data": False}], ids=["nothing was written", "what was written is lost"]
)
def test_failed_operation_may_have_nothing(bulk: Bulk, script: dict[str, Any]) -> None:
    bulk.make_products(1)
    bulk.control(end="FAILED", **script)

    done = bulk.run()

    assert (done["status"], done["url"], done["partialDataUrl"]) == ("FAILED", None, None)


def test_field_that_the_fake_does_not_model_fails_and_says_why(bulk: Bulk) -> None:
    done = bulk.run("{ giftCards { edges { node { id transactions { edges { node { id } } } } } } }")
    other = bulk.run("{ urlRedirects { edges { node { id } } } }")

    assert done["status"] == "COMPLETED"
    assert (other["status"], other["errorCode"]) == ("FAILED", "INTERNAL_SERVER_ERROR")
    shown = bulk.control("bulk", "GET")["operations"]
    assert "does not model QueryRoot.urlRedirects" in shown[-1]["trouble"]


def test_result_is_gone_after_seven_days(bulk: Bulk) -> None:
    bulk.make_products(1)
    done = bulk.run()

    bulk.advance(7 * DAY_S - 60)
    before = download(done["url"]).status_code
    bulk.advance(60)
    after = bulk.read(done["id"])
    refused = download(done["url"])

    assert before == 200
    assert (after["status"], after["url"], after["objectCount"]) == ("EXPIRED", None, "1")
    assert (refused.status_code, "ExpiredToken" in refused.text) == (400, True)
    assert bulk.listed() == []


def test_address_that_expires_early_is_given_out_anew(bulk: Bulk) -> None:
    bulk.make_products(1)
    bulk.control(url_lives_s=60)
    done = bulk.run()

    bulk.advance(61)
    again = bulk.read(done["id"])

    assert download(done["url"]).status_code == 400
    assert again["url"] != done["url"]
    assert download(again["url"]).status_code == 200


@pytest.mark.parametrize(
    ("script", "told"),
    [
        pytest.param({"object_count_off": 5}, {"objectCount": "7", "rootObjectCount": "2"}, id="objects"),
        pytest.param({"root_object_count_off": -1}, {"objectCount": "2", "rootObjectCount": "1"}, id="roots"),
        pytest.param({"no_url": True}, {"objectCount": "2", "url": None, "status": "COMPLETED"}, id="address"),
    ],
)
def test_operation_can_tell_an_untruth(bulk: Bulk, script: dict[str, Any], told: dict[str, Any]) -> None:
    bulk.make_products(2)
    bulk.control(**script)

    done = bulk.run()

    assert {name: done[name] for name in told} == told


def test_size_can_be_told_wrongly(bulk: Bulk) -> None:
    bulk.make_products(2)
    bulk.control(file_size_off=-10)

    done = bulk.run()

    assert len(download(done["url"]).content) == int(done["fileSize"]) + 10


def test_objects_can_be_missing_without_a_word(bulk: Bulk) -> None:
    ids = bulk.make_products(5)
    bulk.control(omit_every=2)

    done = bulk.run()

    assert [line["id"] for line in bulk.lines(done)] == ids[::2]
    assert (done["status"], done["objectCount"]) == ("COMPLETED", "3")


def test_line_can_be_broken(bulk: Bulk) -> None:
    bulk.make_products(3)
    bulk.control(corrupt_line=1)

    first, broken, last = download(bulk.run()["url"]).content.splitlines()

    assert json.loads(first)["id"] < json.loads(last)["id"]
    with pytest.raises(ValueError, match=r"(Expecting|Unterminated)"):
        json.loads(broken)


# The webhook


@pytest.mark.parametrize(
    ("script", "told"),
    [
        pytest.param({}, {"status": "completed", "error_code": None}, id="completed"),
        pytest.param({"end": "FAILED", "error_code": "TIMEOUT"}, {"status": "failed", "error_code": "timeout"}, id="failed"),
        pytest.param({"end": "CANCELED"}, {"status": "canceled", "error_code": None, "completed_at": None}, id="canceled"),
    ],
)
def test_end_of_an_operation_is_delivered(delivering: Delivering, script: dict[str, Any], told: dict[str, Any]) -> None:
    bulk = Bulk(delivering.store)
    delivering.subscribe("BULK_OPERATIONS_FINISH")
    bulk.control(**script)

    done = bulk.run()

    payload = delivering.only("bulk_operations/finish").payload
    assert set(payload) == {"admin_graphql_api_id", "completed_at", "created_at", "error_code", "status", "type"}
    assert payload["admin_graphql_api_id"] == done["id"]
    assert {name: payload[name] for name in told} == told
    assert payload["type"] == "query"


def test_other_apps_do_not_hear_of_an_operation(delivering: Delivering) -> None:
    bulk = Bulk(delivering.store)
    other = other_app(bulk)
    delivering.subscribe("BULK_OPERATIONS_FINISH", store=other.store)

    bulk.run()

    assert delivering.received("bulk_operations/finish") == []


# Scripts


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"speed": 3}, id="unknown field"),
        pytest.param({"end": "COMPLETED"}, id="unknown end"),
        pytest.param({"order": "sorted"}, id="unknown order"),
        pytest.param({"hold": "yes"}, id="no boolean"),
        pytest.param({"objects_per_s": "fast"}, id="no number"),
        pytest.param({"cut_at": -1}, id="negative"),
        pytest.param({"occupy": 0}, id="no slot"),
        pytest.param({"occupy": 1, "type": "BOTH"}, id="unknown kind"),
        pytest.param({"occupy": 1, "shop": "nobody.myshopify.com"}, id="unknown shop"),
    ],
)
def test_mistake_in_a_script_is_told(bulk: Bulk, body: dict[str, Any]) -> None:
    assert bulk.control("bulk", expect=400, **body)["error"]


def test_scripts_are_listed_and_forgotten(bulk: Bulk) -> None:
    added = bulk.control(order="shuffled", times=None)
    bulk.run()

    listed = bulk.control("bulk", "GET")["scripts"]
    left = bulk.control("bulk", "DELETE")["scripts"]

    assert added == {"number": 1, "hits": 0, "order": "shuffled", "times": None}
    assert listed == [added | {"hits": 1}]
    assert left == []


def test_help_of_the_control_names_every_script(bulk: Bulk) -> None:
    text = bulk.control("help", "GET")["/__fake/bulk"]

    known = bulk.control("bulk", expect=400, speed=1)["error"].rsplit("known: ")[-1].split(", ")
    assert [name for name in known if f'"{name}"' not in text] == []
