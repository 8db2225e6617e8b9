"""The lines of bulk results against the answers of ordinary queries: the same objects, values and bytes, in the orders promised."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from fake_shopify.bulk_lines import line_of
from tests.fake.bulk_calls import Bulk, download
from tests.fake.empty_store import EmptyStore
from tests.fake_store import run_fake_store
from tests.shared_data import SHARED_DATA, needs_shared_data

ROOT_PAGE, NESTED_PAGE, LONG_PAGE = "first: 10, after: $after", "first: 20", "first: 250"
MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
DOCUMENTS = {
    "orders": f"""{{
      orders<root> {{ edges {{ node {{
        id __typename label: name number email tags note createdAt updatedAt processedAt cancelledAt cancelReason test
        currencyCode displayFinancialStatus displayFulfillmentStatus taxesIncluded legacyResourceId totalWeight
        totalPriceSet {MONEY} currentTotalPriceSet {MONEY} totalTaxSet {MONEY} netPaymentSet {MONEY} totalPrice
        customer {{ id }} shippingAddress {{ city zip countryCodeV2 }} customAttributes {{ key value }}
        transactions {{ id kind status amountSet {MONEY} }}
        refunds {{ id createdAt totalRefundedSet {MONEY} }}
        shippingLines<nested> {{ edges {{ node {{ id title originalPriceSet {MONEY} }} }} }}
        lineItems<nested> {{ edges {{ node {{
          id title name sku quantity currentQuantity variant {{ id sku product {{ id title }} }} product {{ id }}
          originalUnitPriceSet {MONEY} discountedTotalSet {MONEY} taxLines {{ title rate priceSet {MONEY} }}
          discountAllocations {{
            allocatedAmountSet {MONEY} discountApplication {{ __typename index ... on DiscountCodeApplication {{ code }} }}
          }}
        }} }} }}
        fulfillmentOrders<nested> {{ edges {{ node {{
          id status assignedLocation {{ name location {{ id }} }}
          lineItems<nested> {{ edges {{ node {{ id totalQuantity remainingQuantity lineItem {{ id title }} }} }} }}
        }} }} }}
      }} }} }}
    }}""",
    "products": """query All($withTags: Boolean = false) {
      products<root> { edges { node {
        ...Basics tags @include(if: $withTags) vendor @skip(if: true) options { id name position optionValues { id name } }
        priceRangeV2 { minVariantPrice { amount currencyCode } maxVariantPrice { amount } } category { id }
        variants<nested> { edges { node {
          id title sku price compareAtPrice barcode position inventoryQuantity selectedOptions { name value }
          inventoryItem {
            id tracked measurement { weight { value unit } } unitCost { amount }
            inventoryLevels<nested> { edges { node {
              id location { id name } quantities(names: ["available", "committed"]) { name quantity }
            } } }
          }
        } } }
        media<nested> { edges { node { id alt status mediaContentType ... on MediaImage { mimeType } } } }
        metafields<nested> { edges { node { id namespace key value type } } }
      } } }
    }
    fragment Basics on Product { id title handle status productType createdAt updatedAt totalInventory descriptionHtml ...More }
    fragment More on Product { isGiftCard publishedAt seo { title description } }
    """,
    "customers": """{
      customers<root> { edges { node {
        id firstName lastName displayName email phone state note tags numberOfOrders amountSpent { amount currencyCode }
        createdAt updatedAt verifiedEmail taxExempt defaultEmailAddress { emailAddress marketingState }
        defaultAddress { id address1 city countryCodeV2 } addressesV2<nested> { edges { node { id city zip } } }
        orders<many> { edges { node { id name } } }
      } } }
    }""",
    "collections": """{
      collections<root> { edges { node {
        id title handle updatedAt sortOrder ruleSet { appliedDisjunctively rules { column relation condition } }
        products<many> { edges { node { id } } }
      } } }
    }""",
    "discounts": """{
      codeDiscountNodes<root> { edges { node {
        id codeDiscount {
          __typename
          ... on DiscountCodeBasic { title status startsAt endsAt usageLimit codes<nested> { edges { node { id code } } } }
          ... on DiscountCodeFreeShipping { title status codes<nested> { edges { node { id code asyncUsageCount } } } }
        }
      } } }
    }""",
    "levels": """{
      inventoryItems<root> { edges { node {
        id sku inventoryLevels<nested> { edges { node { id location { id } quantities(names: "on_hand") { quantity } } } }
      } } }
    }""",
    "updated orders": """{
      orders(<page>query: "updated_at:>='2026-10-01T00:00:00Z' AND test:false", sortKey: UPDATED_AT, reverse: true) {
        edges { node { id name updatedAt customer { id displayName email } } }
      }
    }""",
    "variants": """{
      productVariants<root> { edges { node { id sku displayName product { id title vendor } inventoryItem { id sku } } } }
    }""",
}
"""Bulk documents; `<root>`, `<nested>` and `<many>` are where an ordinary query asks for a page."""


@pytest.fixture(scope="module")
def shop() -> Iterator[Bulk]:
    """A shop with orders, customers and everything that they need."""
    with run_fake_store("--orders", "150", "--seed", "7", "--until", "2026-11-01") as process:
        store = EmptyStore(process.base_url, token=process.shop.access_token)
        found = Bulk(store)
        found.control("bucket", shop=process.shop.shop_domain, maximum=1e9, restore_rate=1e9, available=1e9)
        found.control("clock", freeze="2026-11-01T12:00:00Z")
        yield found


def bulk_text(document: str) -> str:
    """Write a document as a bulk query."""
    return re.sub("<[a-z]+>", "", document)


def paged_text(document: str) -> str:
    """Write a document as an ordinary query for a page."""
    sizes = {"root": f"({ROOT_PAGE})", "nested": f"({NESTED_PAGE})", "many": f"({LONG_PAGE})", "page": f"{ROOT_PAGE}, "}
    text = re.sub("<([a-z]+)>", lambda found: sizes[found[1]], document)
    head = "query All($after: String, " if "query All(" in text else "query All($after: String) {"
    text = text.replace("query All(", head, 1) if "query All(" in text else text.replace("{", head, 1)
    # The page's end is asked for behind the root's edges, which close with the operation.
    operation, _, fragments = text.partition("\n    fragment")
    operation = operation.rstrip()[:-1].rstrip()[:-1] + " pageInfo { hasNextPage endCursor } } }"
    return operation + (f"\n    fragment{fragments}" if fragments else "")


def pages(bulk: Bulk, document: str) -> Iterator[dict[str, Any]]:
    """Yield the nodes of an ordinary query, page by page."""
    after: str | None = None
    while True:
        found = bulk.store.data(paged_text(document), after=after)
        yield from (edge["node"] for edge in found["edges"])
        if not found["pageInfo"]["hasNextPage"]:
            return
        after = found["pageInfo"]["endCursor"]


def flattened(node: dict[str, Any], parent: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield a node and what hangs on it as bulk results have it: children behind their parents."""
    children: list[dict[str, Any]] = []
    line = without_connections(node, children)
    yield line if parent is None else line | {"__parentId": parent}
    for child in children:
        yield from flattened(child, line["id"])


def without_connections(value: Any, children: list[dict[str, Any]]) -> Any:
    """Return a value without its connections, whose nodes are appended to `children`."""
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, inner in value.items():
        if isinstance(inner, dict) and set(inner) == {"edges"}:
            children += [edge["node"] for edge in inner["edges"]]
        else:
            kept[name] = without_connections(inner, children)
    return kept


def written(line: dict[str, Any]) -> bytes:
    """Write a line as recorded files have it."""
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
    for sign, escaped in (("/", "\\/"), ("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):
        text = text.replace(sign, escaped)
    return text.encode() + b"\n"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_result_is_what_ordinary_queries_answer_to_the_byte(shop: Bulk, name: str) -> None:
    expected = b"".join(written(line) for node in pages(shop, DOCUMENTS[name]) for line in flattened(node))

    operation = shop.run(bulk_text(DOCUMENTS[name]), groupObjects=True)
    result = download(operation["url"]).content

    assert result == expected
    assert operation["objectCount"] == str(expected.count(b"\n"))
    assert operation["fileSize"] == str(len(expected))


def test_objects_are_not_grouped_unless_asked_for(shop: Bulk) -> None:
    document = bulk_text(DOCUMENTS["orders"])
    grouped = shop.lines(shop.run(document, groupObjects=True))

    flat = shop.lines(shop.run(document))

    assert sorted(map(json.dumps, flat)) == sorted(map(json.dumps, grouped))
    assert flat != grouped
    assert children_before_their_parents(flat) == 0
    assert flat[1].get("__parentId") is None


def test_shuffled_children_may_come_before_their_parents(shop: Bulk) -> None:
    document = bulk_text(DOCUMENTS["orders"])
    shop.control("bulk", order="shuffled", seed=3, window=500)

    shuffled = shop.lines(shop.run(document))
    again = shop.lines(shop.run(document, groupObjects=True))

    assert sorted(map(json.dumps, shuffled)) == sorted(map(json.dumps, again))
    assert children_before_their_parents(shuffled) > 50


def children_before_their_parents(lines: list[dict[str, Any]]) -> int:
    """Count the lines whose parent comes only later."""
    places = {line["id"]: place for place, line in enumerate(lines)}
    return sum(1 for place, line in enumerate(lines) if "__parentId" in line and places[line["__parentId"]] > place)


def test_nested_connections_can_be_cut_off_without_a_word(shop: Bulk) -> None:
    shop.control("bulk", children=1)

    operation = shop.run(bulk_text(DOCUMENTS["orders"]), groupObjects=True)
    lines = shop.lines(operation)

    per_order = [sum(1 for line in lines if line.get("__parentId") == root["id"] and "sku" in line) for root in roots(lines)]
    assert set(per_order) == {1}
    assert (operation["status"], operation["objectCount"]) == ("COMPLETED", str(len(lines)))


def roots(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines without a parent."""
    return [line for line in lines if "__parentId" not in line]


def test_connection_below_an_object_at_the_root_gives_root_lines(shop: Bulk) -> None:
    first = shop.lines(shop.run())[0]["id"]

    operation = shop.run(f'{{ product(id: "{first}") {{ id variants {{ edges {{ node {{ id }} }} }} }} }}')

    assert int(operation["rootObjectCount"]) == int(operation["objectCount"]) > 0
    assert all(line["id"].startswith("gid://shopify/ProductVariant/") for line in shop.lines(operation))


def test_order_that_changes_while_it_is_read_is_not_lost(shop: Bulk) -> None:
    shop.control("bulk", objects_per_s=10, skip=1)
    before = shop.lines(shop.run("{ orders(sortKey: ID) { edges { node { id note } } } }", groupObjects=True))
    gid = shop.begin("{ orders(sortKey: ID) { edges { node { id note } } } }")
    shop.advance(1)
    late = before[-1]["id"]
    update = "mutation Note($input: OrderInput!) { orderUpdate(input: $input) { userErrors { message } } }"
    assert shop.store.data(update, input={"id": late, "note": "changed meanwhile"}) == {"userErrors": []}
    shop.advance(1000)

    lines = shop.lines(shop.finished(gid))

    assert [line["id"] for line in lines] == [line["id"] for line in before]
    assert lines[-1]["note"] == "changed meanwhile"


# Bytes


@needs_shared_data
def test_lines_are_as_long_as_those_of_recorded_files() -> None:
    with gzip.open(SHARED_DATA / "open_cases.jsonl.gz", "rt", encoding="utf-8") as lines:
        steps = [step for line in lines for step in json.loads(line)["steps"] if step.get("jsonl")]

    told = [int(step["response"]["data"]["bulkOperation"]["fileSize"]) for step in steps]
    assert [sum(len(line_of(row)) for row in step["jsonl"]["expected"]) for step in steps] == told
    assert len(told) >= 3


def test_line_escapes_what_a_page_could_mistake_for_markup() -> None:
    line = line_of({"id": "gid://shopify/Product/1", "title": "<b>Tea & pot</b>\u2028Übung \ud800"})

    assert line.endswith(b"\n")
    assert not set(line[:-1]) & set(b"<>&\n")
    assert b"gid:\\/\\/shopify\\/Product\\/1" in line
    assert "Übung".encode() in line
    assert json.loads(line)["title"] == "<b>Tea & pot</b>\u2028Übung \ud800"
