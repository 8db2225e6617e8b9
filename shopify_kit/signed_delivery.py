"""Deliveries as Shopify sends them, signed: for a host's own tests of its handlers.

`sign_delivery` makes body and headers; `post_delivery` sends them through an app's own public door with Flask's test client. What
is delivered then waits for a worker, which a test runs itself: `app.extensions["shopify"].make_worker().run_until_idle()`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any, Final, Protocol

from shopify_kit.clock import SystemClock
from shopify_kit.identifiers import parse_shop_domain
from shopify_kit.secret import Secret
from shopify_kit.signatures import sign_body
from shopify_kit.versions import DEFAULT_API_VERSION

DOOR: Final = "/api/shopify/webhooks"


class Client(Protocol):
    """What is needed of Flask's test client."""

    def post(self, path: str, /, *, data: bytes, headers: dict[str, str]) -> Any:
        """Send a request and return the answer."""
        ...


def sign_delivery(
    topic: str,
    payload: Mapping[str, Any] | bytes,
    *,
    secret: str | Secret,
    shop_domain: str,
    webhook_id: str | None = None,
    event_id: str | None = None,
    triggered_at: str | None = None,
    api_version: str = DEFAULT_API_VERSION,
    subscription_name: str | None = None,
) -> tuple[bytes, dict[str, str]]:
    """Make the body and the headers of a delivery.

    Args:
        topic: `orders/create`.
        payload: what becomes the JSON body; bytes are sent as they are.
        secret: one of those that the backend knows: SHOPIFY_WEBHOOK_SECRET, the app's client secret, or the shop's own.
        shop_domain: `acme.myshopify.com` or `acme`.
        webhook_id: another one for each delivery; the same one again is a duplicate.
        triggered_at: ISO 8601; now unless given.

    Raises:
        InvalidInput: that is no shop domain.
    """
    body = payload if isinstance(payload, bytes) else json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": sign_body(body, secret if isinstance(secret, Secret) else Secret(secret)),
        "X-Shopify-Shop-Domain": parse_shop_domain(shop_domain),
        "X-Shopify-API-Version": api_version,
        "X-Shopify-Webhook-Id": webhook_id or str(uuid.uuid4()),
        "X-Shopify-Event-Id": event_id or str(uuid.uuid4()),
        "X-Shopify-Triggered-At": triggered_at or SystemClock().now().isoformat(),
    }
    return body, headers if subscription_name is None else headers | {"X-Shopify-Name": subscription_name}


def post_delivery(client: Client, topic: str, payload: Mapping[str, Any] | bytes, *, door: str = DOOR, **facts: Any) -> Any:
    """Send a signed delivery and return the answer; keywords as `sign_delivery`'s.

    Args:
        door: where the backend takes deliveries in.
    """
    body, headers = sign_delivery(topic, payload, **facts)
    return client.post(door, data=body, headers=headers)
