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
    mutation = (
        "mutation ($product: ProductUpdateInput!) { productUpdate(product: $product) { product { id } userErrors { message } } }"
    )
    text = 'one\r\ntwo\u2028 \x85 <b>ü 😀</b> "quoted"'

    done = bulk.finish(
        bulk.api.start_mutation(USER, bulk.shop_id, mutation, [{"product": {"id": product, "descriptionHtml": text}}])
    )

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


def kept_lines(bulk: BulkShop) -> int:
    """Count the pieces that still lie in our database."""
    count: int = run_sql(bulk.host.dsn, "select count(*) from shopify.bulk_lines")[0][0]
    return count


@pytest.mark.usefixtures("small_files")
def test_lines_beyond_a_file_go_into_several(bulk: BulkShop, product: str) -> None:
    operation = tagging(bulk, product, 45)

    whole = bulk.finish(operation)

    parts = bulk.api.operations.parts_of(whole)
    assert [(part.facts["first_line"], part.object_count) for part in parts] == [(0, 15), (15, 15), (30, 15)]
    assert (uploaded(bulk), len(bulk.remote(type="MUTATION"))) == (3, 3)
    assert (whole.operation_id, whole.status, whole.object_count, whole.progress) == (
        operation.operation_id,
        "completed",
        45,
        100.0,
    )
    assert whole.file_size == sum(part.file_size or 0 for part in parts)
    assert tags_of(bulk, product) == {f"t{number}" for number in range(45)}
    assert kept_lines(bulk) == 0
    listed = bulk.api.operations.latest([bulk.shop_id], status=None, before=None, limit=10, all_purposes=False)
    assert [one.operation_id for one in listed] == [whole.operation_id]


@pytest.mark.usefixtures("small_files")
def test_parts_take_all_five_slots_and_no_more(bulk: BulkShop, product: str) -> None:
    """The whole takes none."""
    bulk.script(type="MUTATION", hold=True, times=None)
    whole = tagging(bulk, product, 90)
    bulk.until(lambda: len(bulk.remote(type="MUTATION")) == 5, "five parts at work")
    bulk.step()
    assert (len(bulk.remote(type="MUTATION")), bulk.now(whole).status) == (5, "running")

    control(bulk.store, "bulk", method="DELETE")
    control(bulk.store, "bulk", {"release": True})

    assert bulk.finish(whole).object_count == 90


@pytest.mark.usefixtures("small_files")
def test_whole_fails_with_a_part_and_the_others_are_done(bulk: BulkShop, product: str) -> None:
    bulk.script(type="MUTATION", end="FAILED", error_code="TIMEOUT", after_objects=0)

    whole = bulk.finish(tagging(bulk, product, 45))

    assert (whole.status, whole.error_code, whole.object_count) == ("failed", "TIMEOUT", 30)
    assert len(tags_of(bulk, product)) == 30


@pytest.mark.usefixtures("small_files")
def test_cancelling_the_whole_cancels_its_parts(bulk: BulkShop, product: str) -> None:
    bulk.script(type="MUTATION", hold=True, times=None)
    whole = tagging(bulk, product, 90)
    bulk.until(lambda: len(bulk.remote(type="MUTATION")) == 5, "five parts at work")

    run_sql(bulk.host.dsn, "update shopify.jobs set wake_at = clock_timestamp() + interval '1 hour'")
    bulk.api.cancel(whole)
    bulk.host.work()
    assert {part.status for part in bulk.api.operations.parts_of(whole)} <= {"canceling", "canceled"}
    done = bulk.finish(whole)

    assert done.status == "canceled"
    assert {one["status"] for one in bulk.remote(type="MUTATION")} == {"CANCELED"}
    assert {part.status for part in bulk.api.operations.parts_of(done)} == {"canceled"}
    assert kept_lines(bulk) == 0


@pytest.mark.usefixtures("small_files")
def test_whole_that_is_cancelled_before_it_is_divided_has_no_parts(bulk: BulkShop, product: str) -> None:
    whole = tagging(bulk, product, 45)
    bulk.api.cancel(whole)

    done = bulk.finish(whole)

    assert (done.status, bulk.api.operations.parts_of(done), kept_lines(bulk)) == ("canceled", [], 0)


# The form


@contextmanager
def storage_of_the_test(monkeypatch: pytest.MonkeyPatch, parameters: tuple[tuple[str, str], ...]) -> Iterator[TinyServer]:
    """Have Shopify name a server of this test's own as the place for uploads."""

    def serve(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(b"", status="201 Created")

    with tiny_server(serve) as server:
        target = UploadTarget(f"{server.origin}/bucket/", parameters)
        monkeypatch.setattr(ShopAdmin, "stage_upload", lambda *_: target)
        yield server


def test_form_has_the_parameters_in_their_order_and_the_file_last(
    bulk: BulkShop, product: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = tagging(bulk, product, 3)
    parameters = (("key", "tmp/1/bulk/x"), ("policy", "eyJ=="), ("Content-Type", "text/jsonl"), ("acl", "private"))

    with storage_of_the_test(monkeypatch, parameters) as server:
        book = AddressBook(server.origin)
        transport = RequestsTransport(book)
        path = Uploads(bulk.host.integration.database, transport, book).send(operation, bulk.admin)
        transport.close()

    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    boundary = head.split(b"boundary=")[1].split(b"\r\n")[0]
    parts = [part.strip(b"\r\n").partition(b"\r\n\r\n") for part in body.split(b"--" + boundary)[1:-1]]
    names = [part[0].split(b'name="')[1].split(b'"')[0].decode() for part in parts]
    assert (path, head.split(b" ")[:2]) == ("tmp/1/bulk/x", [b"POST", b"/bucket/"])
    assert names == ["key", "policy", "Content-Type", "acl", "file"]
    assert [part[2].decode() for part in parts[:-1]] == [value for _, value in parameters]
    assert [json.loads(line)["tags"] for line in parts[-1][2].splitlines()] == [["t0"], ["t1"], ["t2"]]
    assert b"Content-Type: text/jsonl" in parts[-1][0]
    assert b"shpat" not in request
    assert b"cookie" not in head.lower()
    assert f"content-length: {len(body)}".encode() in head.lower()


# Trouble


@pytest.mark.parametrize("kind", ["5xx", "reset", "truncate"])
def test_trouble_at_the_storage_passes(bulk: BulkShop, product: str, kind: str) -> None:
    operation = tagging(bulk, product, 3)

    with fault(bulk.store, kind, path="/", skip=1, times=1):
        bulk.step()
    done = bulk.finish(operation)

    assert (done.status, len(bulk.remote())) == ("completed", 1)
    assert tags_of(bulk, product) == {"t0", "t1", "t2"}


def test_redirect_from_the_storage_is_not_followed(bulk: BulkShop, product: str) -> None:
    operation = tagging(bulk, product, 3)

    with fault(bulk.store, "redirect", path="/", skip=1, times=1, location="https://storage.example.com/"):
        failed = bulk.finish(operation)

    assert (failed.status, failed.error_code, bulk.remote()) == ("failed", "upstream_blocked", [])


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("https://uploads.example.com/", id="another host"),
        pytest.param("https://storage.googleapis.com.example.com/", id="a host that begins alike"),
        pytest.param("http://storage.googleapis.com/", id="not encrypted"),
        pytest.param("http://127.0.0.1:9/", id="this machine"),
    ],
)
def test_lines_are_not_sent_to_a_foreign_address(
    bulk: BulkShop, product: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ShopAdmin, "stage_upload", lambda *_: UploadTarget(address, (("key", "tmp/x"),)))

    failed = bulk.finish(tagging(bulk, product, 1))

    assert (failed.status, failed.error_code) == ("failed", "upstream_blocked")
    uploads = bulk.api.uploads
    with pytest.raises(UpstreamBlocked):
        uploads.send(tagging(bulk, product, 1), bulk.admin)


def test_lines_that_the_storage_has_lost_are_sent_again(bulk: BulkShop, product: str) -> None:
    """An upload does not lie there for ever, and an operation may wait long for a slot."""
    theirs = bulk.occupy(5, "MUTATION")
    operation = tagging(bulk, product, 3)
    bulk.until(lambda: bulk.now(operation).upload_path, "the upload")
    run_sql(bulk.host.dsn, "update shopify.bulk_operations set upload_path = 'tmp/1/bulk/gone/vars'")

    control(bulk.store, "bulk", {"release": theirs[0]})
    done = bulk.finish(operation)

    assert (done.status, uploaded(bulk), len(bulk.remote(type="MUTATION"))) == ("completed", 2, 1)


def test_file_that_changed_while_it_was_read_fails_the_operation(bulk: BulkShop, product: str) -> None:
    bulk.script(changed_file=True)

    failed = bulk.finish(tagging(bulk, product, 3))

    assert (failed.status, failed.error_code, len(bulk.remote())) == ("failed", "INTERNAL_SERVER_ERROR", 1)
