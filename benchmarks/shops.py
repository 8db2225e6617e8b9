"""A shop for a bench: a fake store of its own with some products in it, and what its control API tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from tests.fake_store import FakeShop, FakeStore, run_fake_store

PRODUCT = """
mutation($title: String!) {
  productCreate(product: {title: $title, vendor: "Northwind", productType: "Kitchen", tags: ["camping", "gift"], status: ACTIVE}) {
    userErrors { message }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Store:
    """A running fake store with one shop."""

    fake: FakeStore
    http: requests.Session

    @property
    def origin(self) -> str:
        """Where it serves."""
        return self.fake.base_url

    @property
    def shop(self) -> FakeShop:
        """The shop and its token."""
        return self.fake.shop

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a document to the Admin API, as an app would; returns the whole answer."""
        answer = self.http.post(
            f"{self.origin}/admin/api/2026-10/graphql.json",
            json={"query": query, "variables": variables or {}},
            headers={"X-Shopify-Access-Token": self.shop.access_token, "Host": self.shop.shop_domain},
            timeout=30,
        )
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    def control(self, method: str, action: str, body: object = None) -> Any:
        """Speak to the control API."""
        answer = self.http.request(method, f"{self.origin}/__fake/{action}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def set_bucket(self, **facts: float) -> None:
        """Give the shop's bucket another size, rate or level."""
        self.control("POST", "bucket", {"shop": self.shop.shop_domain, **facts})


@contextmanager
def shop_with_products(count: int) -> Iterator[Store]:
    """Run a fake store whose shop has `count` products and points without end."""
    with run_fake_store("--empty") as fake, requests.Session() as http:
        http.trust_env = False
        store = Store(fake, http)
        store.set_bucket(maximum=1e9, restore_rate=1e9, available=1e9)
        for number in range(count):
            errors = store.ask(PRODUCT, {"title": f"Mug {number}"})["data"]["productCreate"]["userErrors"]
            assert not errors, errors
        yield store
