"""Results of bulk operations: whole or refused, resumed where they broke, children inside their parents in any order."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
import pytest

from shopify_bulk.nesting import nested
from shopify_bulk.results import Results
from shopify_bulk_api import Operation
from shopify_kit.errors import Conflict, ResponseTooLarge, UpstreamBlocked, UpstreamFailed
from shopify_kit.transport import AddressBook, RequestsTransport
from tests.bulk_shop import ORDERS, PRODUCTS, USER, BulkShop
from tests.tiny_servers import Peer, TinyServer, tiny_server
from tests.web_host import control, fault

pytest_plugins = ("tests.bulk_fixtures",)

STORAGE = "/bulk-operation-outputs/"
DAY_S = 86_400


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once what is tried again."""
    monkeypatch.setattr("shopify_bulk.results.FIRST_PAUSE_S", 0.001)


def changed(operation: Operation, **facts: Any) -> Operation:
    """Return an operation of which other things are known."""
    return msgspec.structs.replace(operation, **facts)


def asked_of_storage(bulk: BulkShop) -> list[int]:
    """Return the statuses with which the storage answered so far."""
    return [one["status"] for one in control(bulk.store, "log", method="GET")["requests"] if STORAGE in one["path"]]


# Whole


def test_result_has_every_object_once(bulk: BulkShop) -> None:
    done = bulk.run(ORDERS)

    documents = bulk.documents(done)

    assert len(documents) == done.object_count
    assert len([one for one in documents if "__parentId" not in one]) == done.root_object_count == 60
    assert len({one["id"] for one in documents}) == len(documents)


def test_blocks_are_the_file_as_it_is(bulk: BulkShop) -> None:
    """What is loaded by the block must be the same as what is read line by line."""
    done = bulk.run(ORDERS)

    whole = b"".join(bulk.api.results.blocks(done))

    assert len(whole) == done.file_size
    assert whole.splitlines() == list(bulk.api.results.lines(done))


def test_result_without_objects_is_empty(bulk: BulkShop) -> None:
    done = bulk.run("{ products(query: \"title:'no such thing'\") { edges { node { id } } } }")

    assert (done.url, done.object_count, bulk.documents(done)) == (None, 0, [])


def test_operation_that_runs_has_no_result(bulk: BulkShop) -> None:
    operation = bulk.start()

    with pytest.raises(Conflict) as refused:
        bulk.documents(operation)

    assert refused.value.code == "no_result"


@pytest.mark.parametrize(
    "script", [{"gzip": True}, {"content_length": False}, {"accept_ranges": False}, {"drip_s": 0.001}], ids=str
)
def test_result_is_the_same_however_it_is_served(bulk: BulkShop, script: dict[str, Any]) -> None:
    bulk.script(**script)
    done = bulk.run(ORDERS)

    assert len(bulk.documents(done)) == done.object_count


# Refused


@pytest.mark.parametrize(
    ("script", "wrong"),
    [
        pytest.param({"object_count_off": 1}, "object_count", id="an object less than said"),
        pytest.param({"object_count_off": -1}, "object_count", id="an object more than said"),
        pytest.param({"root_object_count_off": 1}, "root_object_count", id="a root less than said"),
        pytest.param({"file_size_off": 1}, "416", id="a byte less than said"),
        pytest.param({"corrupt_line": 3}, "no JSON object", id="a line that is no JSON"),
        pytest.param({"no_url": True}, "no address", id="objects without an address"),
    ],
)
def test_result_that_disagrees_with_what_shopify_said_is_refused(bulk: BulkShop, script: dict[str, Any], wrong: str) -> None:
    bulk.script(**script)
    done = bulk.run(ORDERS)

    with pytest.raises(UpstreamFailed, match=wrong):
        list(bulk.api.results.documents(done))


def test_result_larger_than_said_is_refused_while_it_comes(bulk: BulkShop) -> None:
    bulk.script(file_size_off=-1)
    done = bulk.run(ORDERS)

    with pytest.raises(ResponseTooLarge):
        list(bulk.api.results.lines(done))


def test_last_lines_of_a_result_that_is_not_whole_never_come(bulk: BulkShop) -> None:
    """Who reads a stream to its end without an error has it all."""
    done = changed(bulk.run(ORDERS), object_count=1)
    lines: list[bytes] = []

    with pytest.raises(UpstreamFailed):
        lines.extend(bulk.api.results.lines(done))

    assert lines == []


# Broken downloads


@pytest.mark.parametrize(
    "script",
    [
        pytest.param({"cut_at": 20_000}, id="with a length"),
        pytest.param({"cut_at": 20_000, "content_length": False}, id="without a length"),
    ],
)
def test_download_that_ends_early_is_gone_on_with(bulk: BulkShop, script: dict[str, Any]) -> None:
    bulk.script(**script)
    done = bulk.run(ORDERS)
    assert done.file_size is not None

    documents = bulk.documents(done)

    assert len({one["id"] for one in documents}) == len(documents) == done.object_count
    assert asked_of_storage(bulk) == [200] + [206] * (done.file_size // 20_000)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param({"cut_at": 20_000, "accept_ranges": False}, id="with a length"),
        pytest.param({"cut_at": 20_000, "accept_ranges": False, "content_length": False}, id="without a length"),
    ],
)
def test_download_that_always_ends_early_is_refused(bulk: BulkShop, script: dict[str, Any]) -> None:
    bulk.script(**script)
    done = bulk.run(ORDERS)

    with pytest.raises(UpstreamFailed):
        bulk.documents(done)

    assert 2 < len(asked_of_storage(bulk)) < 10


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"kind": "5xx"}, id="5xx"),
        pytest.param({"kind": "reset"}, id="reset"),
        pytest.param({"kind": "truncate"}, id="truncated"),
        pytest.param({"kind": "html", "status": 502}, id="a page"),
    ],
)
def test_trouble_at_the_storage_passes(bulk: BulkShop, facts: dict[str, Any]) -> None:
    done = bulk.run(ORDERS)

    with fault(bulk.store, path=STORAGE, **{**facts, "times": 2}):
        assert len(bulk.documents(done)) == done.object_count


def test_rest_of_a_broken_download_is_asked_for_unpacked(bulk: BulkShop) -> None:
    """Places in a packed file are others."""
    done = changed(bulk.run(), file_size=26, object_count=2, root_object_count=2)

    def serve(peer: Peer) -> None:
        while head := peer.read_request():
            if b"range:" not in head.lower():
                peer.sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{"id":"a"')
                return
            peer.answer(b'  }\n{"id":"b"  }\n', status="206 Partial Content", headers="Content-Range: bytes 9-25/26\r\n")

    with tiny_server(serve) as server:
        assert len(list(reading(bulk, server).lines(changed(done, url=f"{server.origin}/x")))) == 2

    first, second = (request.lower() for request in server.requests)
    assert b"gzip" in first
    assert b"accept-encoding: identity\r\n" in second
    assert b"range: bytes=9-\r\n" in second


def test_other_bytes_than_were_asked_for_are_refused(bulk: BulkShop) -> None:
    """A storage that answers a range with another one would put a line together from two places."""
    done = changed(bulk.run(), file_size=20, object_count=2, root_object_count=2)

    def serve(peer: Peer) -> None:
        while head := peer.read_request():
            if b"range:" not in head.lower():
                peer.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n123456789\n")
                return
            peer.answer(b"123456789\n", status="206 Partial Content", headers="Content-Range: bytes 0-9/20\r\n")

    with tiny_server(serve) as server, pytest.raises(UpstreamFailed):
        list(reading(bulk, server).lines(changed(done, url=f"{server.origin}/x")))


# Addresses


def test_address_that_died_is_asked_for_again(bulk: BulkShop) -> None:
    bulk.script(url_lives_s=60)
    done = bulk.run(ORDERS)
    control(bulk.store, "clock", {"advance_s": 3_600})

    documents = bulk.documents(done)

    assert len(documents) == done.object_count
    assert asked_of_storage(bulk) == [400, 200]
    assert bulk.now(done).url not in (None, done.url)


def test_address_that_died_in_the_middle_is_asked_for_again(bulk: BulkShop) -> None:
    bulk.script(cut_at=20_000)
    done = bulk.run(ORDERS)
    lines = bulk.api.results.lines(done)

    with fault(bulk.store, "5xx", path=STORAGE, status=403, skip=1, times=1):
        assert len(list(lines)) == done.object_count

    assert bulk.asked("GetBulkOperation") >= 2


def test_result_that_shopify_has_deleted_is_gone_for_good(bulk: BulkShop) -> None:
    done = bulk.run()
    control(bulk.store, "clock", {"advance_s": 8 * DAY_S})

    with pytest.raises(Conflict) as gone:
        bulk.documents(done)

    assert (gone.value.code, bulk.now(done).status) == ("no_result", "expired")


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("https://storage.example.com/x", id="another host"),
        pytest.param("https://storage.googleapis.com.example.com/x", id="a host that begins alike"),
        pytest.param("https://evil@storage.googleapis.com/x", id="a user in it"),
        pytest.param("http://storage.googleapis.com/x", id="not encrypted"),
        pytest.param("http://169.254.169.254/latest/meta-data", id="a private address"),
        pytest.param("file:" + "///etc/passwd", id="a file"),
    ],
)
def test_result_at_a_foreign_address_is_not_fetched(bulk: BulkShop, address: str) -> None:
    done = changed(bulk.run(), url=address)

    with pytest.raises(UpstreamBlocked) as blocked:
        bulk.documents(done)

    assert blocked.value.code == "upstream_blocked"


def test_redirect_from_the_storage_is_not_followed(bulk: BulkShop) -> None:
    done = bulk.run()

    with fault(bulk.store, "redirect", path=STORAGE, location="https://storage.example.com/x"), pytest.raises(UpstreamBlocked):
        bulk.documents(done)


# Size


def reading(bulk: BulkShop, server: TinyServer) -> Results:
    """Read results from a server of the test's own."""
    transport = RequestsTransport(AddressBook(server.origin))
    return Results(bulk.host.integration.database, transport, lambda *_: lambda: bulk.admin)


def line_of(size_bytes: int) -> bytes:
    """Return a line of a size, its end not counted."""
    return b'{"id":"' + b"x" * (size_bytes - 9) + b'"}\n'


@pytest.mark.parametrize(("size_bytes", "is_taken"), [(4_000_000, True), (4_000_001, False), (5_000_000, False)])
def test_line_beyond_4_mb_is_refused(bulk: BulkShop, size_bytes: int, is_taken: bool) -> None:
    body = line_of(100) + line_of(size_bytes) + line_of(100)
    done = changed(bulk.run(), file_size=len(body), object_count=3, root_object_count=3)

    def serve(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(body)

    with tiny_server(serve) as server:
        lines = reading(bulk, server).lines(changed(done, url=f"{server.origin}/x"))
        if is_taken:
            assert [len(line) for line in lines] == [100, size_bytes, 100]
        else:
            with pytest.raises(ResponseTooLarge):
                list(lines)


def test_endless_line_is_refused_before_it_fills_the_memory(bulk: BulkShop) -> None:
    done = changed(bulk.run(), file_size=10**12)
    sent: list[int] = []

    def serve(peer: Peer) -> None:
        peer.read_request()
        peer.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        while not peer.stop.is_set():
            peer.sock.sendall(b"x" * 100_000)
            sent.append(100_000)

    with tiny_server(serve) as server, pytest.raises(ResponseTooLarge):
        list(reading(bulk, server).lines(changed(done, url=f"{server.origin}/x")))

    assert sum(sent) < 20_000_000


def test_lines_come_while_the_rest_is_still_on_its_way(bulk: BulkShop) -> None:
    """The storage has a terabyte to send; whoever reads holds a block of it at a time."""
    done = changed(bulk.run(), file_size=10**12, object_count=10**9, root_object_count=10**9)
    block = line_of(999) * 100

    def serve(peer: Peer) -> None:
        peer.read_request()
        peer.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        while not peer.stop.is_set():
            peer.sock.sendall(block)

    with tiny_server(serve) as server:
        lines = reading(bulk, server).lines(changed(done, url=f"{server.origin}/x"))
        assert {len(line) for line in islice(lines, 50_000)} == {999}
        lines.close()  # type: ignore[attr-defined]


def test_storage_sees_no_token(bulk: BulkShop) -> None:
    done = changed(bulk.run(), file_size=10, object_count=1, root_object_count=1)

    def serve(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(b'{"id":"1"}')

    with tiny_server(serve) as server:
        list(reading(bulk, server).lines(changed(done, url=f"{server.origin}/x?Signature=1")))

    (head,) = server.requests
    assert b"shpat" not in head
    assert b"authorization" not in head.lower()
    assert b"cookie" not in head.lower()


# Partial results


def test_what_there_is_of_a_failed_operation_can_be_had(bulk: BulkShop) -> None:
    bulk.script(end="FAILED", error_code="ACCESS_DENIED", after_objects=70)
    failed = bulk.finish(bulk.start(ORDERS))
    assert (failed.status, failed.error_code, failed.url) == ("failed", "ACCESS_DENIED", None)

    lines = list(bulk.api.results.lines(failed, partial=True))

    assert len(lines) == 70
    with pytest.raises(Conflict):
        list(bulk.api.results.lines(failed))


def test_failed_operation_may_have_left_nothing(bulk: BulkShop) -> None:
    bulk.script(end="FAILED", error_code="ACCESS_DENIED", partial_data=False)
    failed = bulk.finish(bulk.start())

    assert list(bulk.api.results.lines(failed, partial=True)) == []


def test_whole_result_is_whole_for_who_would_take_less(bulk: BulkShop) -> None:
    done = bulk.run()

    assert len(list(bulk.api.results.lines(done, partial=True))) == done.object_count


# Nesting

DEEP = """
{ products { edges { node {
  id title
  variants { edges { node { id sku metafields { edges { node { id key } } } } } }
  media { edges { node { id alt } } }
} } } }
"""


@pytest.fixture
def tree(bulk: BulkShop) -> tuple[BulkShop, str, dict[str, Any]]:
    """A shop with metafields on some variants, a query two levels deep, and its result in grouped form, nested by this test."""
    ids = [one["id"] for one in bulk.graphql("{ productVariants(first: 20) { nodes { id } } }")["productVariants"]["nodes"]]
    given = [
        {"ownerId": gid, "namespace": "specs", "key": f"k{number}", "type": "single_line_text_field", "value": "v"}
        for gid in ids
        for number in range(2)
    ]
    for start in range(0, len(given), 25):
        bulk.graphql(
            "mutation ($m: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $m) { userErrors { message } } }",
            m=given[start : start + 25],
        )
    bulk.script(order="grouped")
    wanted: dict[str, Any] = {}
    for line in bulk.documents(bulk.run(DEEP)):
        wanted[line["id"]] = line.pop("__parentId", None)
    assert sum("Metafield" in gid for gid in wanted) == 40
    return bulk, DEEP, wanted


@pytest.mark.parametrize(
    "script",
    [{"order": "flat"}, {"order": "grouped"}, {"order": "shuffled", "seed": 3, "window": 100_000}],
    ids=lambda s: s["order"],
)
def test_children_are_inside_their_parents_whatever_the_order(
    tree: tuple[BulkShop, str, dict[str, Any]], script: dict[str, Any]
) -> None:
    bulk, query, wanted = tree
    bulk.script(**script)

    found: dict[str, Any] = {}
    for product in bulk.api.nested_lines(bulk.run(query)):
        assert product.keys() == {"id", "title", "variants", "media"}
        found |= {product["id"]: None} | {one["id"]: product["id"] for one in (*product["variants"], *product["media"])}
        found |= {field["id"]: variant["id"] for variant in product["variants"] for field in variant["metafields"]}

    assert found == wanted


def lines_of(*documents: dict[str, Any]) -> list[bytes]:
    """Write documents as lines."""
    return [json.dumps(document).encode() for document in documents]


def gid(kind: str, number: int) -> str:
    """Name an object."""
    return f"gid://shopify/{kind}/{number}"


def below(kind: str, number: int, parent: str, **fields: Any) -> dict[str, Any]:
    """Return a child."""
    return {"id": gid(kind, number), **fields, "__parentId": parent}


OWNER = "gid://shopify/Anything/1"


@pytest.mark.parametrize(
    ("query", "child", "name"),
    [
        pytest.param(
            "{ orders { edges { node { id lineItems { edges { node { id } } } } } } }",
            below("LineItem", 1, OWNER),
            "lineItems",
            id="one",
        ),
        pytest.param(
            "{ orders { edges { node { id lines: lineItems { edges { node { id } } } events { edges { node { id } } } } } } }",
            below("BasicEvent", 1, OWNER),
            "events",
            id="named like its kind",
        ),
        pytest.param(
            "{ products { edges { node { id variants { edges { node { id } } } media { edges { node { id alt } } } } } } }",
            below("MediaImage", 1, OWNER, alt="a"),
            "media",
            id="known by its fields",
        ),
        pytest.param(
            "{ companies { edges { node { id a: staff { edges { node { id } } } b: orders { edges { node { id name } } } } } } }",
            below("Order", 1, OWNER, name="#1"),
            "b",
            id="known by its fields under an alias",
        ),
        pytest.param(
            "{ customers { edges { node { id contact { orders { edges { node { id } } } } } } } }",
            below("Order", 1, OWNER),
            "orders",
            id="inside an object",
        ),
        pytest.param(
            "{ products { edges { node { id ... on Product { collections { edges { node { id } } } } } } } }",
            below("Collection", 1, OWNER),
            "collections",
            id="inside a fragment",
        ),
    ],
)
def test_list_of_a_child_is_named_as_the_query_names_it(query: str, child: dict[str, Any], name: str) -> None:
    (parent,) = nested(lines_of(child, {"id": OWNER}), query)

    assert [one["id"] for one in parent[name]] == [child["id"]]


def test_every_connection_is_a_list_even_without_children() -> None:
    query = "{ products { edges { node { id variants { edges { node { id } } } } } } }"

    assert list(nested(lines_of({"id": "a"}), query)) == [{"id": "a", "variants": []}]


def test_object_below_several_parents_has_its_children_once_below_each() -> None:
    """Shopify writes the children of a product again for every collection that it is in."""
    query = "{ collections { edges { node { id products { edges { node { id variants { edges { node { id } } } } } } } } } }"
    product, variant = gid("Product", 1), below("ProductVariant", 1, gid("Product", 1))
    lines = lines_of(
        {"id": "a"}, {"id": product, "__parentId": "a"}, variant, {"id": "b"}, {"id": product, "__parentId": "b"}, variant
    )

    found = list(nested(lines, query))

    assert [[len(one["variants"]) for one in root["products"]] for root in found] == [[1], [1]]


def test_child_whose_parent_never_comes_is_not_lost() -> None:
    query = "{ orders { edges { node { id lineItems { edges { node { id } } } } } } }"

    found = list(nested(lines_of({"id": OWNER}, below("LineItem", 1, gid("Order", 2))), query))

    assert [one.get("__parentId") for one in found] == [None, gid("Order", 2)]


def test_object_below_another_of_its_kind_has_the_children_of_its_place() -> None:
    """A collection of a product lists that product again, whose collections are not asked for there."""
    query = "{ products { edges { node { id title collections { edges { node { id products { edges { node { id } } } } } } } } } }"
    product, collection = gid("Product", 1), gid("Collection", 1)
    lines = lines_of({"id": product, "title": "a"}, below("Collection", 1, product), {"id": product, "__parentId": collection})

    (found,) = nested(lines, query)

    assert found["collections"] == [{"id": collection, "products": [{"id": product}]}]


def test_objects_that_are_each_others_children_end() -> None:
    """What the query did not ask for is not of our making; it must not take us down."""
    lines = lines_of({"id": "a", "odd": 1}, {"id": "b", "odd": 1, "__parentId": "a"}, {"id": "a", "odd": 2, "__parentId": "b"})

    (found,) = nested(lines, PRODUCTS)

    assert found == {"id": "a", "odd": 1, "children": [{"id": "b", "odd": 1, "children": [{"id": "a", "odd": 2}]}]}


def test_hundred_thousand_shuffled_lines_find_their_parents() -> None:
    count = 100_000
    query = "{ orders { edges { node { id lineItems { edges { node { id } } } } } } }"
    documents: list[dict[str, Any]] = [{"id": gid("Order", number)} for number in range(count // 4)]
    documents += [below("LineItem", number, gid("Order", number % (count // 4))) for number in range(count)]
    random.Random(5).shuffle(documents)

    wrong, seen = 0, 0
    for order in nested(iter(lines_of(*documents)), query):
        number = int(order["id"].rsplit("/", 1)[1])
        places = [int(line["id"].rsplit("/", 1)[1]) for line in order["lineItems"]]
        wrong, seen = wrong + sum(place % (count // 4) != number for place in places), seen + len(places)

    assert (wrong, seen) == (0, count)


def test_nesting_takes_lines_as_they_come() -> None:
    """They are put aside in a file, and not collected."""
    held: list[int] = []

    class Line(bytes):
        def __init__(self, _: bytes) -> None:
            held.append(1)

        def __del__(self) -> None:
            held.pop()

    def lines() -> Iterator[bytes]:
        for number in range(20_000):
            assert len(held) < 2_000
            yield Line(json.dumps({"id": gid("Product", number)}).encode())

    assert sum(1 for _ in nested(lines(), PRODUCTS)) == 20_000


# Exports


def test_exports_bring_objects_in_the_shape_of_the_lists(bulk: BulkShop) -> None:
    listed = {one["id"]: one for one in bulk.host.get("/products?limit=50").get_json()["products"]}

    done = bulk.finish(bulk.api.export(USER, bulk.shop_id, "ExportProducts", {}))
    found, has_more = bulk.api.exported(done, "products", "USD", 250)

    assert (len(found), has_more) == (50, False)
    for product in msgspec.json.decode(msgspec.json.encode(found)):
        for name in ("title", "handle", "status", "tags", "options", "variants", "created_at", "currency"):
            assert product[name] == listed[product["id"]][name]


@pytest.mark.parametrize(
    ("resource", "document"),
    [
        ("orders", "ExportOrders"),
        ("customers", "ExportCustomers"),
        ("inventory", "ExportInventory"),
        ("products", "ExportProducts"),
    ],
)
def test_first_objects_of_an_export_say_whether_there_are_more(bulk: BulkShop, resource: str, document: str) -> None:
    bulk.script(order="shuffled")
    done = bulk.finish(bulk.api.export(USER, bulk.shop_id, document, {}))

    some, has_more = bulk.api.exported(done, resource, "USD", 3)
    all_, has_none = bulk.api.exported(done, resource, "USD", 10_000)

    assert (len(some), has_more, has_none) == (3, True, False)
    assert len(all_) > 3
    assert list(all_[:3]) == some


def test_export_asked_for_twice_is_made_once(bulk: BulkShop) -> None:
    first = bulk.api.export(USER, bulk.shop_id, "ExportProducts", {"query": "status:active"})
    while_it_runs = bulk.api.export(USER, bulk.shop_id, "ExportProducts", {"query": "status:active"})
    bulk.finish(first)

    again = bulk.api.export(USER, bulk.shop_id, "ExportProducts", {"query": "status:active"})
    other = bulk.api.export(USER, bulk.shop_id, "ExportProducts", {"query": "status:draft"})

    assert first.operation_id == while_it_runs.operation_id == again.operation_id != other.operation_id


def test_export_that_is_not_wanted_any_more_serves_nobody(bulk: BulkShop) -> None:
    first = bulk.api.export(USER, bulk.shop_id, "ExportProducts", {})
    bulk.api.cancel(first)

    assert bulk.api.export(USER, bulk.shop_id, "ExportProducts", {}).operation_id != first.operation_id


def test_export_of_another_token_is_not_shared(bulk: BulkShop) -> None:
    """It may read less."""
    first = bulk.finish(bulk.api.export(USER, bulk.shop_id, "ExportCustomers", {}))
    assert bulk.host.connect("bob", bulk.shop).status_code == 200

    other = bulk.api.export("u-bob", bulk.shop_id, "ExportCustomers", {})

    assert other.operation_id != first.operation_id
