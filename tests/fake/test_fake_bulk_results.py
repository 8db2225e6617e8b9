"""What becomes of the results of bulk operations: how they are downloaded, and how an app finds its operations again."""

from __future__ import annotations

import gzip
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.fake.bulk_calls import Bulk, download, other_app
from tests.fake.conftest import EmptyStore


@pytest.fixture
def bulk(empty_store: EmptyStore) -> Bulk:
    """An app on an empty store."""
    return Bulk(empty_store)


# Downloading


@pytest.fixture
def result(bulk: Bulk) -> tuple[str, bytes]:
    """The address of a result and its bytes."""
    bulk.make_products(4)
    url = bulk.run()["url"]
    return url, download(url).content


def test_address_is_signed_for_seven_days(bulk: Bulk) -> None:
    bulk.make_products(1)
    bulk.control("clock", freeze="2026-11-01T12:00:00Z")

    done = bulk.run()

    values = parse_qs(urlsplit(done["url"]).query)
    assert done["url"].startswith(bulk.store.base_url)
    assert values["Expires"] == ["1794139200"]
    assert values["response-content-type"] == ["application/jsonl"]
    assert done["url"] == bulk.read(done["id"])["url"]


def test_download_names_its_size_and_kind(result: tuple[str, bytes]) -> None:
    answer, head = download(result[0]), download(result[0], method="HEAD")

    for one in (answer, head):
        assert one.headers["Content-Length"] == str(len(result[1]))
        assert one.headers["Content-Type"] == "application/jsonl"
        assert one.headers["Content-Disposition"].startswith('attachment; filename="bulk-')
        assert one.headers["Accept-Ranges"] == "bytes"
    assert (answer.content, head.content) == (result[1], b"")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        pytest.param("bytes=0-9", 0, 10, id="beginning"),
        pytest.param("bytes=10-", 10, None, id="from there on"),
        pytest.param("bytes=-7", -7, None, id="end"),
        pytest.param("bytes=5-100000", 5, None, id="more than there is"),
    ],
)
def test_part_of_a_result_can_be_asked_for(result: tuple[str, bytes], asked: str, start: int, end: int | None) -> None:
    answer = download(result[0], {"Range": asked})

    part = result[1][start:end]
    first = result[1].index(part)
    assert (answer.status_code, answer.content) == (206, part)
    assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/{len(result[1])}"


def test_part_of_another_version_is_the_whole(result: tuple[str, bytes]) -> None:
    tag = download(result[0]).headers["ETag"]

    same = download(result[0], {"Range": "bytes=1-2", "If-Range": tag})
    other = download(result[0], {"Range": "bytes=1-2", "If-Range": '"other"'})

    assert (same.status_code, other.status_code) == (206, 200)


def test_part_that_is_not_there_cannot_be_had(result: tuple[str, bytes]) -> None:
    answer = download(result[0], {"Range": "bytes=100000-"})

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(result[1])}"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        pytest.param("signature", 403, id="signature"),
        pytest.param("expires", 403, id="longer life"),
        pytest.param("token", 404, id="another file"),
    ],
)
def test_only_the_very_address_works(result: tuple[str, bytes], wrong: str, status: int) -> None:
    changes = {"signature": ("Signature=", "Signature=0"), "expires": ("Expires=", "Expires=9"), "token": ("outputs/", "outputs/0")}

    assert download(result[0].replace(*changes[wrong])).status_code == status


def test_result_can_come_without_a_length(bulk: Bulk) -> None:
    bulk.make_products(2)
    bulk.control(content_length=False, accept_ranges=False)
    done = bulk.run()

    answer = download(done["url"], {"Range": "bytes=0-1"})

    assert (answer.status_code, answer.headers.get("Content-Length")) == (200, None)
    assert len(answer.content) == int(done["fileSize"])


def test_result_can_come_packed(bulk: Bulk) -> None:
    bulk.make_products(2)
    bulk.control(gzip=True)
    done = bulk.run()

    packed = requests.get(done["url"], headers={"Accept-Encoding": "gzip"}, stream=True, timeout=10)
    raw = packed.raw.read(decode_content=False)

    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(raw) == download(done["url"]).content


def test_download_without_a_length_can_end_early_unnoticed(bulk: Bulk) -> None:
    bulk.make_products(3)
    bulk.control(content_length=False, cut_at=100)
    done = bulk.run()

    assert (len(download(done["url"]).content), int(done["fileSize"]) > 100) == (100, True)


def test_download_with_a_length_breaks_off(bulk: Bulk) -> None:
    bulk.make_products(3)
    bulk.control(cut_at=100)
    done = bulk.run()

    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        download(done["url"])


def test_scripted_faults_hit_downloads_too(bulk: Bulk, result: tuple[str, bytes]) -> None:
    bulk.control("faults", kind="5xx", status=503, path="/bulk-operation-outputs/")
    bulk.control("faults", kind="truncate", path="/bulk-operation-outputs/")

    assert download(result[0]).status_code == 503
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        download(result[0])
    assert download(result[0]).status_code == 200


# Listing


@pytest.fixture
def three(bulk: Bulk) -> list[str]:
    """The ids of a completed, a failed and a cancelled operation, an hour apart."""
    bulk.control("clock", freeze="2026-11-01T12:00:00Z")
    bulk.control(end="FAILED", skip=1)
    bulk.control(hold=True, skip=1)
    ids = [bulk.run()["id"]]
    bulk.advance(3600)
    ids.append(bulk.run()["id"])
    bulk.advance(3600)
    ids.append(bulk.begin())
    bulk.cancel(ids[2])
    bulk.finished(ids[2])
    return ids


def test_newest_operation_comes_first(bulk: Bulk, three: list[str]) -> None:
    assert bulk.listed() == three[::-1]
    assert bulk.listed(reverse=True) == three


def test_operation_without_an_end_counts_as_the_earliest(bulk: Bulk, three: list[str]) -> None:
    assert bulk.listed(sortKey="COMPLETED_AT") == [three[1], three[0], three[2]]
    assert bulk.listed(sortKey="COMPLETED_AT", reverse=True) == [three[2], three[0], three[1]]


@pytest.mark.parametrize(
    ("query", "places"),
    [
        pytest.param("status:completed", [0], id="status"),
        pytest.param("status:FAILED", [1], id="status in capitals"),
        pytest.param("operation_type:query", [2, 1, 0], id="kind"),
        pytest.param("operation_type:mutation", [], id="other kind"),
        pytest.param("created_at:>='2026-11-01T13:00:00Z'", [2, 1], id="instant"),
        pytest.param("status:canceled operation_type:query", [2], id="both"),
        pytest.param("status:EXPIRED", [], id="no such status"),
    ],
)
def test_operations_can_be_searched(bulk: Bulk, three: list[str], query: str, places: list[int]) -> None:
    assert bulk.listed(query=query) == [three[place] for place in places]


def test_operation_is_found_by_its_number(bulk: Bulk, three: list[str]) -> None:
    assert bulk.listed(query=f"id:{three[1].rsplit('/', 1)[-1]}") == [three[1]]


def test_pages_of_operations_follow_each_other(bulk: Bulk, three: list[str]) -> None:
    document = (
        "query($after: String) { bulkOperations(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"
    )
    first = bulk.store.data(document)

    second = bulk.store.data(document, after=first["pageInfo"]["endCursor"])

    assert [node["id"] for node in first["nodes"] + second["nodes"]] == three[::-1]
    assert (first["pageInfo"]["hasNextPage"], second["pageInfo"]["hasNextPage"]) == (True, False)


def test_search_for_what_is_no_instant_is_refused(bulk: Bulk) -> None:
    answer = bulk.store.answer('{ bulkOperations(first: 1, query: "created_at:>=soon") { nodes { id } } }')

    assert [error["message"] for error in answer["errors"]] == ["Invalid timestamp for query filter `created_at`."]


def test_current_operation_is_the_newest_of_its_kind(bulk: Bulk, three: list[str]) -> None:
    document = "query($type: BulkOperationType) { currentBulkOperation(type: $type) { id } }"

    assert bulk.store.data(document) == {"id": three[2]}
    assert bulk.store.data(document, type="MUTATION") is None


def test_app_sees_only_its_own_operations(bulk: Bulk) -> None:
    gid = bulk.run()["id"]
    other = other_app(bulk)

    assert other.listed() == []
    assert other.read(gid) is None
    assert other.store.data("query($id: ID!) { node(id: $id) { id } }", id=gid) is None
    assert other.cancel(gid)["bulkOperation"] is None
