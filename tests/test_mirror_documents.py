"""Our documents against the fake store, over HTTP: what they export arrives in the mirror, by the result and page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from graphql import InlineFragmentNode, parse

from benchmarks.bulk_lines import Family, order_family, product_family
from shopify_bulk.preparation import prepare, probe_of
from shopify_kit.documents import Documents
from shopify_kit.transport import AddressBook, RequestsTransport
from shopify_mirror import mirror
from shopify_mirror.loading import Expected, Loaded
from tests.fake_store import FakeStore
from tests.mirror_bench import AS_OF, SHOP, Bench
from tests.processes import wait_until

pytest_plugins = ("tests.mirror_fixtures",)

DOCUMENTS = Documents()
RUN = "mutation Run($query: String!) { bulkOperationRunQuery(query: $query) { bulkOperation { id } userErrors { message } } }"
READ = "query Read($id: ID!) { bulkOperation(id: $id) { status errorCode objectCount rootObjectCount fileSize url } }"
RESOURCES = {
    "BulkOrders": ("orders", {"orders", "line_items"}),
    "BulkProducts": ("products", {"products", "variants"}),
    "BulkInventory": ("inventory", {"inventory_items", "inventory_levels"}),
    "BulkInventoryLevels": ("inventory", {"locations", "inventory_levels"}),
    "BulkCustomers": ("customers", {"customers"}),
    "BulkCollections": ("collections", {"collections", "collection_products"}),
    "BulkDiscounts": ("discounts", {"discounts"}),
}


def ask(store: FakeStore, text: str, /, **variables: Any) -> dict[str, Any]:
    """Ask the first shop."""
    url = f"{store.base_url}/admin/api/2026-10/graphql.json"
    headers = {"Host": store.shop.shop_domain, "X-Shopify-Access-Token": store.shop.access_token}
    answer = requests.post(url, json={"query": text, "variables": variables}, headers=headers, timeout=30).json()
    assert "errors" not in answer, answer["errors"]
    found: dict[str, Any] = answer["data"]
    return found


def export(store: FakeStore, document: str) -> dict[str, Any]:
    """Run one of our documents as a bulk operation, to its end."""
    query = prepare(DOCUMENTS[document].text, {}, document)
    ask(store, probe_of(query))
    made = ask(store, RUN, query=query)["bulkOperationRunQuery"]
    assert made["userErrors"] == []

    def look() -> dict[str, Any] | None:
        operation: dict[str, Any] = ask(store, READ, id=made["bulkOperation"]["id"])["bulkOperation"]
        return operation if operation["status"] in ("COMPLETED", "FAILED") else None

    operation = wait_until(look, timeout_s=30, what="the end of the operation")
    assert operation is not None
    assert operation["status"] == "COMPLETED", operation
    return operation


def load(bench: Bench, store: FakeStore, document: str) -> Loaded:
    operation = export(store, document)
    transport = RequestsTransport(AddressBook(store.base_url))

    def source(start: int) -> Iterator[bytes]:
        with transport.download(operation["url"], start=start) as download:
            yield from download

    numbers = {name: int(operation[key]) for name, key in EXPECTED.items()}
    loaded = bench.load(b"", resource=RESOURCES[document][0], source=source, expected=Expected(**numbers))
    transport.close()
    return loaded


EXPECTED = {"object_count": "objectCount", "root_object_count": "rootObjectCount", "file_size": "fileSize"}


@pytest.mark.parametrize("document", RESOURCES)
def test_what_a_document_exports_arrives(bench: Bench, fresh_fake_store: FakeStore, document: str) -> None:
    loaded = load(bench, fresh_fake_store, document)

    assert set(loaded.added) >= RESOURCES[document][1]
    assert sum(loaded.added.values()) == sum(loaded.rows.values())
    assert (loaded.skipped, loaded.orphans, loaded.gaps) == ({}, {}, {})


@pytest.mark.parametrize(
    ("bulk", "single", "table", "kind", "root"),
    [
        pytest.param("BulkOrders", "MirrorOrder", "orders", "Order", "order", id="order"),
        pytest.param("BulkProducts", "MirrorProduct", "products", "Product", "product", id="product"),
        pytest.param("BulkCustomers", "MirrorCustomer", "customers", "Customer", "customer", id="customer"),
        pytest.param("BulkInventory", "MirrorInventoryItem", "inventory_items", "InventoryItem", "inventoryItem", id="item"),
        pytest.param("BulkCollections", "MirrorCollection", "collections", "Collection", "collection", id="collection"),
    ],
)
def test_an_object_fetched_by_itself_says_the_same_as_the_result(
    bench: Bench, fresh_fake_store: FakeStore, bulk: str, single: str, table: str, kind: str, root: str
) -> None:
    """The same columns either way, so that an event and a result never undo each other."""
    load(bench, fresh_fake_store, bulk)
    before = columns(bench, table)
    numbers = [row[0] for row in before[:5]]
    text = DOCUMENTS[single].text

    nodes = [ask(fresh_fake_store, text, id=f"gid://shopify/{kind}/{number}", limit=100)[root] for number in numbers]
    applied = bench.database.run(mirror.apply_objects, SHOP, nodes, as_of=AS_OF.replace(year=2027))

    assert (applied.skipped, applied.retired) == ({}, {})
    assert columns(bench, table) == before


def columns(bench: Bench, table: str) -> list[tuple[Any, ...]]:
    """Return a table's columns without its guard and what tells where a row came from."""
    key = "select {}, (to_jsonb(t) - 'raw_id' - 'digest' - 'seen_at')::text from shopify.{} as t order by 1"
    names = {"orders": "order_id", "products": "product_id", "customers": "customer_id", "inventory_items": "inventory_item_id"}
    return bench.rows(key.format(names.get(table, "collection_id"), table))


def test_discounts_codes_and_the_shop_come_by_themselves(bench: Bench, fresh_fake_store: FakeStore) -> None:
    shop_id = bench.value(
        "insert into shopify.shops (shop_domain) values ($1) returning shop_id", fresh_fake_store.shop.shop_domain
    )
    listed = ask(fresh_fake_store, "{ discountNodes(first: 3) { nodes { id } } }")["discountNodes"]["nodes"]
    nodes = [ask(fresh_fake_store, DOCUMENTS["MirrorShop"].text)["shop"]]
    text = DOCUMENTS["MirrorDiscount"].text
    nodes += [ask(fresh_fake_store, text, id=one["id"], limit=50)["discountNode"] for one in listed]

    applied = bench.database.run(mirror.apply_objects, shop_id, nodes, as_of=AS_OF)

    assert applied.skipped == {}
    assert applied.added["discounts"] == len(listed)
    assert bench.value("select iana_timezone from shopify.shops where shop_id = $1", shop_id)


@pytest.mark.parametrize(
    ("document", "family", "nodes"),
    [
        pytest.param("BulkOrders", order_family, {"Order": "orders", "LineItem": "orders.lineItems"}, id="orders"),
        pytest.param("BulkProducts", product_family, {"Product": "products", "ProductVariant": "products.variants"}, id="products"),
    ],
)
def test_results_made_for_benchmarks_have_the_fields_of_our_documents(document: str, family: Family, nodes: dict[str, str]) -> None:
    """Otherwise the benchmarks would measure something else."""
    operation = parse(prepare(DOCUMENTS[document].text, {}, document)).definitions[0]
    asked = {place: fields_at(operation, place.split(".")) for place in nodes.values()}

    for one in family(3):
        if one["__typename"] in nodes:
            shown = {name for name, value in one.items() if name != "__parentId"}
            assert shown == asked[nodes[one["__typename"]]]


def fields_at(node: Any, path: list[str]) -> set[str]:
    """Name the fields of a connection's nodes that are no connections themselves."""
    fields = {field.name.value: field for field in spread(node.selection_set)}
    if path and "edges" in fields:
        fields = {field.name.value: field for field in spread(fields["edges"].selection_set)}
        return fields_at(fields["node"], path)
    if path:
        return fields_at(fields[path[0]], path[1:])
    inner = {field.name.value: field for field in spread(fields["edges"].selection_set)}["node"]
    below = {field.name.value: field for field in spread(inner.selection_set)}
    return {name for name, field in below.items() if not is_connection(field)}


def spread(selections: Any) -> Iterator[Any]:
    for part in selections.selections:
        if isinstance(part, InlineFragmentNode):
            yield from spread(part.selection_set)
        else:
            yield part


def is_connection(field: Any) -> bool:
    return field.selection_set is not None and any(part.name.value == "edges" for part in spread(field.selection_set))
