"""A seeded shop as a client walks through it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import requests

from tests.fake.empty_store import EmptyStore
from tests.fake_store import FakeStore

Answer = dict[str, Any]

ORDERS = """
query ($first: Int, $last: Int, $after: String, $before: String, $query: String, $sort: OrderSortKeys, $reverse: Boolean) {
  orders(first: $first, last: $last, after: $after, before: $before, query: $query, sortKey: $sort, reverse: $reverse) {
    nodes { id name number email createdAt updatedAt processedAt cancelledAt test sourceName customer { id } discountCodes
            displayFinancialStatus displayFulfillmentStatus presentmentCurrencyCode
            netPaymentSet { shopMoney { amount } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


@dataclass(frozen=True)
class Demo(EmptyStore):
    """A seeded shop of our own, with points without end."""

    def every(self, document: str, **variables: Any) -> list[Answer]:
        """Return all nodes of a list, page by page."""
        nodes: list[Answer] = []
        after = None
        while True:
            page = self.data(document, **variables, after=after)
            nodes += page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return nodes
            after = page["pageInfo"]["endCursor"]

    def orders(self, **variables: Any) -> list[Answer]:
        """Return all orders that a list has."""
        return self.every(ORDERS, first=250, **variables)


def demo_of(store: FakeStore, place: int = 0) -> Demo:
    """Return a client for a shop of a running fake, with points without end."""
    shop = store.shops[place]
    points = {"shop": shop.shop_domain, "maximum": 1e9, "restore_rate": 1e9, "available": 1e9}
    requests.post(f"{store.base_url}/__fake/bucket", json=points, timeout=30).raise_for_status()
    return Demo(store.base_url, token=shop.access_token)


def amount(money_bag: Answer) -> Decimal:
    """Return an amount in the shop's currency."""
    return Decimal(money_bag["shopMoney"]["amount"])


def at(text: str) -> datetime:
    """Read an instant."""
    return datetime.fromisoformat(text)
