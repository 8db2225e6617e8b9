"""A client that speaks GraphQL to an empty fake store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

TOKEN = "shpat_test"


@dataclass(frozen=True, slots=True)
class EmptyStore:
    """A store without data; `version` is the API version that is asked."""

    base_url: str
    version: str = "2026-10"
    token: str = TOKEN

    def answer(self, document: str, **variables: Any) -> dict[str, Any]:
        """Send a document and return the whole answer."""
        response = requests.post(
            f"{self.base_url}/admin/api/{self.version}/graphql.json",
            json={"query": document, "variables": variables},
            headers={"X-Shopify-Access-Token": self.token},
            timeout=30,
        )
        found: dict[str, Any] = response.json()
        return found

    def data(self, document: str, **variables: Any) -> Any:
        """Send a document that must work and return its data; of a single root field its value."""
        answer = self.answer(document, **variables)
        assert "errors" not in answer, answer
        data = answer["data"]
        return next(iter(data.values())) if len(data) == 1 else data

    def at(self, version: str) -> EmptyStore:
        """Return the same store, asked in another API version."""
        return EmptyStore(self.base_url, version, self.token)

    def topics(self) -> list[str]:
        """Return the webhook topics of what happened so far, oldest first."""
        shop = self.data("{ shop { myshopifyDomain } }")["myshopifyDomain"]
        response = requests.get(f"{self.base_url}/__fake/changes", params={"shop": shop}, timeout=30)
        return [change["topic"] for change in response.json()["changes"]]

    def with_token(self, token: str, *scopes: str) -> EmptyStore:
        """Return the same store, asked with another token that has only these scopes."""
        shop = self.data("{ shop { myshopifyDomain } }")["myshopifyDomain"]
        grant = {"token": token, "shop_domain": shop, "scopes": list(scopes)}
        requests.post(f"{self.base_url}/__fake/grants", json=grant, timeout=30).raise_for_status()
        return EmptyStore(self.base_url, self.version, token)
