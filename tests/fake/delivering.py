"""A store that delivers for real: to a receiver on this machine, which stands for an https address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Any

import requests

from tests.fake.empty_store import EmptyStore
from tests.fake.receiver import Received, Receiver
from tests.fake_store import FakeStore

APP = "https://app.example"
HOOKS = f"{APP}/hooks"
SUBSCRIBE = """
mutation Subscribe($topic: WebhookSubscriptionTopic!, $input: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $input) { webhookSubscription { id } userErrors { message } }
}
"""
MAKE_PRODUCT = """
mutation Make($product: ProductCreateInput!) {
  productCreate(product: $product) {
    product { id handle variants(first: 1) { nodes { id inventoryItem { id } } } } userErrors { message }
  }
}
"""


def signature(body: bytes, secret: str) -> str:
    """Sign a body as Shopify documents it."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


@dataclass(frozen=True, slots=True)
class Delivering:
    """An empty store and the receiver behind `https://app.example`."""

    process: FakeStore
    store: EmptyStore
    receiver: Receiver

    def control(self, action: str, method: str = "POST", /, *, expect: int = 200, params: str = "", **body: Any) -> Any:
        """Ask the fake's control."""
        address = f"{self.process.base_url}/__fake/{action}{params}"
        answer = requests.request(method, address, json=body if method == "POST" else None, timeout=30)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def send_to(self, origin: str | None) -> None:
        """Send deliveries for the app's address to an origin on this machine, or nowhere."""
        address = f"{self.process.base_url}/__fake/addresses"
        requests.post(address, json={APP: origin}, timeout=30).raise_for_status()

    def subscribe(self, topic: str = "PRODUCTS_CREATE", *, store: EmptyStore | None = None, **values: Any) -> str:
        """Subscribe through the API, which must work, and return the subscription's id."""
        payload = (store or self.store).data(SUBSCRIBE, topic=topic, input={"uri": HOOKS} | values)
        assert payload["userErrors"] == []
        return str(payload["webhookSubscription"]["id"])

    def configure(self, *topics: str, **values: Any) -> str:
        """Subscribe through an app configuration and return the subscription's id."""
        return str(self.control("subscriptions", topics=list(topics), uri=HOOKS, **values)["id"])

    def product(self, **values: Any) -> Any:
        """Make a product, which must work."""
        payload = self.store.data(MAKE_PRODUCT, product={"title": "Tea pot"} | values)
        assert payload["userErrors"] == []
        return payload["product"]

    def settled(self, **narrowed: str) -> list[dict[str, Any]]:
        """Wait until nothing is due or under way and return the deliveries so far."""
        query = "&".join(f"{name}={value}" for name, value in narrowed.items())
        answer = self.control("deliveries", "GET", params=f"?settled=20&body=1&{query}")
        assert answer["settled"]
        rows: list[dict[str, Any]] = answer["deliveries"]
        return rows

    def received(self, topic: str | None = None) -> list[Received]:
        """Return what has come once everything has, of one topic or of all."""
        self.settled()
        return [one for one in self.receiver.received if topic in (None, one.headers.get("x-shopify-topic"))]

    def only(self, topic: str) -> Received:
        """Return the one delivery of a topic."""
        (found,) = self.received(topic)
        return found

    def topics(self) -> list[str]:
        """Return the topics of what has come, sorted."""
        self.settled()
        return self.receiver.topics()

    def wait(self, hours: float = 0.0, seconds: float = 0.0) -> None:
        """Let time pass for the fake."""
        self.control("clock", advance_s=hours * 3600 + seconds)

    def listed(self) -> list[str]:
        """Return the ids of the app's subscriptions."""
        return [node["id"] for node in self.store.data("{ webhookSubscriptions(first: 50) { nodes { id } } }")["nodes"]]


def told_in_time(delivering: Delivering, topic: str) -> Received:
    """Return the one delivery of a topic that the fake makes by itself, within ten seconds."""
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        found = delivering.received(topic)
        if found:
            return found[0]
    raise AssertionError(f"{topic} was not delivered")
