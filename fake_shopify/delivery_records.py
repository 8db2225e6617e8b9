"""One delivery on its way: what is sent where, under which headers and signature, and what became of each attempt.

Source of the headers: shopify.dev/docs/apps/build/webhooks/delivery-structure and …/events/delivery-structure (read 2026-11).
Changelog 2026-09-16: deliveries of the Events family have no `shopify-event-id` and no `shopify-resource-id` any more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from fake_shopify.clock import iso
from fake_shopify.delivery_wire import AGENT, Outcome

RETRIES = 8
RETRY_SPAN_S = 4 * 3600
RETRY_AFTER_S: tuple[float, ...] = tuple(RETRY_SPAN_S * (2**count - 1) / (2**RETRIES - 1) for count in range(1, RETRIES + 1))
"""Seconds from the first attempt to each retry: 8 retries over 4 hours, exponential (documented; assumed: each wait is twice the
one before, so that the last retry comes after exactly 4 hours)."""

FINISHED = frozenset({"delivered", "failed", "dropped", "published"})


def sign(body: bytes, secret: str) -> str:
    """Return the base64 HMAC-SHA256 of a body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def precise(instant: datetime) -> str:
    """Write an instant to the nanosecond, as `X-Shopify-Triggered-At` does."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request and its outcome, at the fake's own time."""

    at: str
    status: int | None
    error: str | None
    seconds: float


@dataclass(slots=True)
class Delivery:
    """What is sent to one subscriber about one event; the same through all its retries.

    Args:
        headers: without the signature, which each attempt makes anew with the app's secret of that moment.
        state: scheduled, retrying, delivered, failed, dropped (by the plan, or for want of room), or published (Pub/Sub and
            EventBridge: kept, not sent).
        secret: signs instead of the app's own.
        overrides: headers that are replaced or, with None, left out, the signature included.
        is_own: made by an event; False for one that control sends.
    """

    number: int
    subscription: str
    client_id: str
    shop_domain: str
    topic: str
    address: str
    body: bytes
    webhook_id: str
    event_id: str
    triggered_at: str
    headers: dict[str, str] = field(default_factory=dict)
    family: str = "webhooks"
    state: str = "scheduled"
    due_s: float = 0.0
    first_s: float | None = None
    attempts: list[Attempt] = field(default_factory=list)
    retries: int = RETRIES
    copy_of: int | None = None
    round: int = 0
    size_bytes: int = 0
    secret: str | None = None
    overrides: dict[str, str | None] = field(default_factory=dict)
    is_own: bool = True

    def signed_headers(self, secret: str) -> dict[str, str]:
        """Return all headers of an attempt."""
        name = "shopify-hmac-sha256" if self.family == "events" else "X-Shopify-Hmac-Sha256"
        content = "application/xml" if self.body.startswith(b"<?xml") else "application/json"
        every = {"Content-Type": content, "User-Agent": AGENT, "Accept": "*/*", **self.headers}
        every[name] = sign(self.body, self.secret or secret)
        return _overridden(every, self.overrides)

    def note(self, outcome: Outcome, now: datetime) -> None:
        """Keep what came of an attempt."""
        self.attempts.append(Attempt(iso(now), outcome.status, outcome.error, outcome.seconds))

    def next_due_s(self, now_s: float) -> float | None:
        """Return when the next retry is due, None when there is none left."""
        done = len(self.attempts)
        if done > self.retries:
            return None
        first_s = now_s if self.first_s is None else self.first_s
        return first_s + float(RETRY_AFTER_S[min(done, RETRIES) - 1])

    def shown(self, *, with_body: bool) -> dict[str, Any]:
        """Shape of a delivery for control."""
        row: dict[str, Any] = {
            "number": self.number,
            "state": self.state,
            "topic": self.topic,
            "shop": self.shop_domain,
            "client_id": self.client_id,
            "subscription": self.subscription,
            "address": self.address,
            "family": self.family,
            "webhook_id": self.webhook_id,
            "event_id": self.event_id,
            "triggered_at": self.triggered_at,
            "copy_of": self.copy_of,
            "size_bytes": self.size_bytes,
            "due_at": iso(datetime.fromtimestamp(self.due_s, UTC)) if self.state not in FINISHED else None,
            "attempts": [asdict(one) for one in self.attempts],
        }
        return row | {"headers": self.headers, "body": self.body.decode("utf-8", "replace")} if with_body else row


def _overridden(headers: dict[str, str], overrides: dict[str, str | None]) -> dict[str, str]:
    replaced = {name.lower() for name in overrides}
    kept = {name: value for name, value in headers.items() if name.lower() not in replaced}
    return kept | {name: value for name, value in overrides.items() if value is not None}


def webhook_headers(
    *, topic: str, shop_domain: str, version: str, webhook_id: str, triggered_at: str, event_id: str, name: str | None
) -> dict[str, str]:
    """Return the headers of a webhook delivery, the signature aside."""
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": shop_domain,
        "X-Shopify-API-Version": version,
        "X-Shopify-Webhook-Id": webhook_id,
        "X-Shopify-Triggered-At": triggered_at,
        "X-Shopify-Event-Id": event_id,
    }
    return headers | ({"X-Shopify-Name": name} if name else {})


def events_headers(
    *, topic: str, action: str, handle: str, shop_domain: str, version: str, webhook_id: str, triggered_at: str
) -> dict[str, str]:
    """Return the headers of a delivery of the Events family, the signature aside."""
    return {
        "shopify-topic": topic,
        "shopify-shop-domain": shop_domain,
        "shopify-api-version": version,
        "shopify-webhook-id": webhook_id,
        "shopify-triggered-at": triggered_at,
        "shopify-handle": handle,
        "shopify-action": action,
    }
