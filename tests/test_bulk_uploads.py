"""Lines of bulk mutations on their way to Shopify's storage: in files, as a form, to Shopify's addresses only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from shopify_admin.bulk import UploadTarget
from shopify_bulk.uploads import Uploads
from shopify_bulk_api import Operation
from shopify_kit.errors import InvalidInput, UpstreamBlocked
from shopify_kit.transport import AddressBook, RequestsTransport
from shopify_service import ShopAdmin
from tests.bulk_shop import USER, BulkShop
from tests.processes import wait_until
from tests.tiny_servers import Peer, TinyServer, tiny_server
from tests.web_host import control, fault, run_sql

pytest_plugins = ("tests.bulk_fixtures",)

TAG = "mutation ($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { node { id } userErrors { message } } }"


@pytest.fixture
def product(bulk: BulkShop) -> str:
    """A product that mutations are about."""
    found: str = bulk.graphql("{ products(first: 1) { nodes { id } } }")["products"]["nodes"][0]["id"]
    return found


def tagging(bulk: BulkShop, product: str, count: int) -> Operation:
    """Start a mutation with so many lines; each adds a tag of its own."""
    return bulk.api.start_mutation(USER, bulk.shop_id, TAG, [{"id": product, "tags": [f"t{number}"]} for number in range(count)])


def tags_of(bulk: BulkShop, product: str) -> set[str]:
    """Return a product's tags that the tests added."""
    tags = bulk.graphql("query ($id: ID!) { product(id: $id) { tags } }", id=product)["product"]["tags"]
    return {tag for tag in tags if tag[:1] == "t" and tag[1:].isdigit()}


def test_mutation_runs_once_per_set_of_variables(bulk: BulkShop, product: str) -> None:
    operation = tagging(bulk, product, 5)
    assert (operation.status, operation.expected_objects) == ("pending", 5)

    done = bulk.finish(operation)

    assert (done.status, done.object_count) == ("completed", 5)
    assert tags_of(bulk, product) == {f"t{number}" for number in range(5)}
    assert sorted(line["__lineNumber"] for line in bulk.documents(done)) == [0, 1, 2, 3, 4]


def test_variables_arrive_as_they_were_given(bulk: BulkShop, product: str) -> None:
    """Line ends inside a text must not end the line."""
    mutation = "mutation ($product: ProductUpdateInput!) { productUpdate(product: $product) { product { id } userErrors { message } } }"
    text = "one\r\ntwo\u2028 \x85 <b>ü 😀</b> \"quoted\""

    done = bulk.finish(bulk.api.start_mutation(USER, bulk.shop_id, mutation, [{"product": {"id": product, "descriptionHtml": text}}]))

    assert done.status == "completed"
    found = bulk.graphql("query ($id: ID!) { product(id: $id) { descriptionHtml } }", id=product)["product"]["descriptionHtml"]
    assert found == text


def test_errors_of_single_lines_stand_in_the_result(bulk: BulkShop, product: str) -> None:
    operation = bulk.api.start_mutation(
        USER, bulk.shop_id, TAG, [{"id": "gid://shopify/Product/1", "tags": ["a"]}, {"id": product, "tags": 5}, {"id": product}]
    )

    lines = {line["__lineNumber"]: line for line in bulk.documents(bulk.finish(operation))}

    assert lines[0]["data"]["tagsAdd"]["userErrors"]
    assert lines[2]["errors"]


@pytest.mark.parametrize(
    ("mutation", "variables", "field"),
    [
        pytest.param("query { shop { id } }", [{}], "mutation", id="no mutation"),
        pytest.param("mutation {", [{}], "mutation", id="no graphql"),
        pytest.param(TAG, [], "variables", id="no variables"),
    ],
)
def test_what_cannot_be_a_bulk_mutation_is_refused_at_once(
    bulk: BulkShop, mutation: str, variables: list[dict[str, Any]], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        bulk.api.start_mutation(USER, bulk.shop_id, mutation, variables)

    assert refused.value.details[0]["field"] == field  # type: ignore[index]


def test_mutation_that_shopify_does_not_take_fails_with_its_words(bulk: BulkShop, product: str) -> None:
    mutation = "mutation ($id: ID!) { a: tagsAdd(id: $id, tags: []) { node { id } } b: tagsAdd(id: $id, tags: []) { node { id } } }"

    failed = bulk.finish(bulk.api.start_mutation(USER, bulk.shop_id, mutation, [{"id": product}]))

    assert (failed.status, failed.error_code) == ("failed", "user_errors")
    assert "single top level mutation" in str(failed.error_message)


# Files


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file and a piece hold little."""
    monkeypatch.setattr("shopify_bulk.uploads.MAX_FILE_BYTES", 1_000)
    monkeypatch.setattr("shopify_bulk.uploads.PIECE_LINES", 5)


def uploaded(bulk: BulkShop) -> int:
    """Count the files that the storage took."""
    asked = control(bulk.store, "log", method="GET")["requests"]
    return sum(one["method"] == "POST" and one["path"] == "/" and one["status"] == 201 for one in asked)


@pytest.mark.usefixtures("small_files")
def test_lines_beyond_a_file_go_into_several_that_run_side_by_side(bulk: BulkShop, product: str) -> None:
    operation = tagging(bulk, product, 45)

    whole = bulk.finish(operation)

    parts = bulk.api.operations.parts_of(whole)
    assert (len(parts), uploaded(bulk), len(bulk.remote(type="MUTATION"))) == (4, 4, 4)
    assert [(part.facts["first_line"], part.object_count) for part in parts] == [(0, 15), (15, 15), (30, 15), (45, 0)][:3] + [
        (parts[3].facts["first_line"], parts[3].object_count)
    ] or sum(part.object_count for part in parts) == 45
    assert (whole.status, whole.object_count, whole.root_object_count, whole.progress) == ("completed", 45, 45, 100.0)
    assert whole.file_size == sum(part.file_size or 0 for part in parts)
    assert tags_of(bulk, product) == {f"t{number}" for number in range(45)}
    listed = bulk.api.operations.latest([bulk.shop_id], status=None, before=None, limit=10, all_purposes=False)
    assert [one.operation_id for one in listed] == [whole.operation_id]
