"""How fast the fake store writes bulk results, beside the same objects read page by page, and what memory that takes.

A demo shop is exported whole: orders with their lines, products with variants and stock, customers. The peer is the engine of the
fake itself, asked for pages of the same selection.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from benchmarks.results import machine_facts, markdown_table, write_section
from tests.processes import ChildProcess, find_descendants

ORDERS = 20_000
PAGES = 4
MIB = 2**20
MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
DOCUMENTS = {
    "orders with lines": f"""{{ orders<root> {{ <page> edges {{ node {{
      id name createdAt updatedAt processedAt cancelledAt closedAt email phone note tags test currencyCode sourceName
      displayFinancialStatus displayFulfillmentStatus taxesIncluded totalPriceSet {MONEY} subtotalPriceSet {MONEY}
      totalTaxSet {MONEY} totalDiscountsSet {MONEY} totalShippingPriceSet {MONEY} totalRefundedSet {MONEY}
      customer {{ id }} shippingAddress {{ countryCodeV2 provinceCode city zip }}
      lineItems<nested> {{ edges {{ node {{
        id title quantity currentQuantity sku variant {{ id }} product {{ id }} originalUnitPriceSet {MONEY}
        discountedTotalSet {MONEY} taxLines {{ title rate priceSet {MONEY} }}
      }} }} }}
    }} }} }} }}""",
    "products with stock": """{ products<root> { <page> edges { node {
      id title handle vendor productType status tags createdAt updatedAt publishedAt descriptionHtml totalInventory
      variants<nested> { edges { node {
        id title sku price compareAtPrice barcode position inventoryQuantity selectedOptions { name value }
        inventoryItem { id tracked inventoryLevels<nested> { edges { node { id quantities(names: ["available"]) { quantity } } } } }
      } } }
    } } } }""",
    "customers": """{ customers<root> { <page> edges { node {
      id firstName lastName email phone createdAt updatedAt numberOfOrders tags state note taxExempt
      defaultAddress { id address1 city countryCodeV2 zip }
    } } } }""",
}
RUN = "mutation($query: String!) { bulkOperationRunQuery(query: $query) { bulkOperation { id } userErrors { message } } }"
READ = "query($id: ID!) { bulkOperation(id: $id) { status objectCount fileSize url } }"


@dataclass(frozen=True, slots=True)
class Export:
    """One bulk result, and its objects read by pages."""

    name: str
    size: int
    objects: int
    bulk_s: float
    paged_share: float
    paged_s: float
    extra_bytes: int


class Shop:
    """A shop of a fake store."""

    def __init__(self, process: ChildProcess) -> None:
        ready = json.loads(process.wait_for_line(lambda line: line.startswith("{")))
        self.process, self.origin, self.http = process, ready["base_url"], requests.Session()
        self.http.headers["X-Shopify-Access-Token"] = ready["shops"][0]["access_token"]
        bucket = {"shop": ready["shops"][0]["shop_domain"], "maximum": 1e9, "available": 1e9, "restore_rate": 1e9}
        self.http.post(f"{self.origin}/__fake/bucket", json=bucket, timeout=30).raise_for_status()

    def ask(self, document: str, **variables: Any) -> Any:
        """Send a document and return its data."""
        body = {"query": document, "variables": variables}
        answer = self.http.post(f"{self.origin}/admin/api/2026-10/graphql.json", json=body, timeout=60).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def memory(self) -> int:
        """Return the memory of the store's processes, what they share counted once."""
        found = 0
        for pid in [self.process.pid, *find_descendants(self.process.pid)]:
            try:
                rolled = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            found += sum(int(line.split()[1]) * 1024 for line in rolled.splitlines() if line.startswith("Pss:"))
        return found


def watched(read: Callable[[], int], until: threading.Event) -> list[int]:
    """Read a figure again and again in a thread of its own; the list grows until the event is set."""
    seen: list[int] = []

    def watch() -> None:
        while not until.wait(0.2):
            seen.append(read())

    threading.Thread(target=watch, daemon=True).start()
    return seen


def export(shop: Shop, name: str) -> Export:
    """Export one document and read some of it by pages."""
    document = DOCUMENTS[name]
    before, done = shop.memory(), threading.Event()
    seen = watched(shop.memory, done)
    begun = time.perf_counter()
    query = document.replace("<root>", "").replace("<nested>", "").replace("<page>", "")
    gid = shop.ask(RUN, query=query)["bulkOperationRunQuery"]["bulkOperation"]["id"]
    while (operation := shop.ask(READ, id=gid)["bulkOperation"])["status"] != "COMPLETED":
        assert operation["status"] in ("CREATED", "RUNNING"), operation
        time.sleep(0.05)
    bulk_s = time.perf_counter() - begun
    done.set()
    size, paged_s = int(operation["fileSize"]), time.perf_counter()
    read = paged(shop, document)
    paged_s = time.perf_counter() - paged_s
    return Export(name, size, int(operation["objectCount"]), bulk_s, read / size, paged_s, max([*seen, before]) - before)


def paged(shop: Shop, document: str) -> int:
    """Read some pages and return how many bytes they are."""
    text = document.replace("<root>", "(first: 25, after: $after)").replace("<nested>", "(first: 10)")
    text = "query($after: String) " + text.replace("<page>", "pageInfo { endCursor }")
    after, read = None, 0
    for _ in range(PAGES):
        found = next(iter(shop.ask(text, after=after).values()))
        after = found["pageInfo"]["endCursor"]
        read += len(json.dumps(found["edges"], separators=(",", ":")))
    return read


def main() -> None:
    """Export everything and update RESULTS.md."""
    with ChildProcess(["-m", "fake_shopify", "--port", "0", "--orders", str(ORDERS), "--until", "2026-11-01"]) as process:
        shop = Shop(process)
        exports = [export(shop, name) for name in DOCUMENTS]
    rows = [
        [
            one.name,
            f"{one.size / 1e6:.1f}",
            f"{one.bulk_s:.1f}",
            f"{one.size / 1e6 / one.bulk_s:.1f}",
            f"{one.objects / one.bulk_s:,.0f}",
            f"{one.size * one.paged_share / 1e6 / one.paged_s:.2f}",
            f"{one.extra_bytes / MIB:.0f}",
        ]
        for one in exports
    ]
    headings = ["export", "MB", "s", "MB/s", "rows/s", "by pages, MB/s", "memory, MiB more"]
    text = f"A shop of {ORDERS:,} orders, exported whole. {machine_facts()}\n\n{markdown_table(headings, rows)}"
    write_section("bench_fake", "Fake store: bulk results", text)


if __name__ == "__main__":
    main()
