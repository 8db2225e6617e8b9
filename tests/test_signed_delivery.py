"""Deliveries for a host's own tests: as Shopify would send them, and taken by the host's public door."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from shopify_kit.errors import InvalidInput
from shopify_kit.secret import Secret
from shopify_kit.signed_delivery import post_delivery, sign_delivery
from shopify_webhooks import WebhookEvent
from tests.web_host import WEBHOOK_SECRET, Host

pytest_plugins = ("tests.web_fixtures",)

SHOP = "acme.myshopify.com"


def test_delivery_is_signed_over_its_bytes_and_bears_shopifys_headers() -> None:
    body, headers = sign_delivery("orders/create", {"name": "Žluťoučký"}, secret="key-0123456789", shop_domain="acme")

    assert headers["X-Shopify-Hmac-Sha256"] == base64.b64encode(hmac.digest(b"key-0123456789", body, hashlib.sha256)).decode()
    assert json.loads(body) == {"name": "Žluťoučký"}
    assert (headers["X-Shopify-Topic"], headers["X-Shopify-Shop-Domain"]) == ("orders/create", SHOP)
    assert headers.keys() == {
        "Content-Type",
        "X-Shopify-Topic",
        "X-Shopify-Hmac-Sha256",
        "X-Shopify-Shop-Domain",
        "X-Shopify-API-Version",
        "X-Shopify-Webhook-Id",
        "X-Shopify-Event-Id",
        "X-Shopify-Triggered-At",
    }


def test_each_delivery_is_another_one_unless_told() -> None:
    made = [sign_delivery("orders/create", {}, secret=Secret("key"), shop_domain=SHOP)[1] for _ in range(2)]
    same = [sign_delivery("orders/create", {}, secret="key", shop_domain=SHOP, webhook_id="w")[1] for _ in range(2)]

    assert len({headers["X-Shopify-Webhook-Id"] for headers in made}) == 2
    assert len({headers["X-Shopify-Event-Id"] for headers in made}) == 2
    assert {headers["X-Shopify-Webhook-Id"] for headers in same} == {"w"}


def test_everything_about_a_delivery_may_be_chosen() -> None:
    facts = {"event_id": "e", "triggered_at": "2026-11-01T00:00:00Z", "api_version": "2026-07", "subscription_name": "mine"}

    body, headers = sign_delivery("orders/create", b"\xff", secret="key", shop_domain=SHOP, **facts)

    assert body == b"\xff"
    assert (headers["X-Shopify-Event-Id"], headers["X-Shopify-Triggered-At"]) == ("e", "2026-11-01T00:00:00Z")
    assert (headers["X-Shopify-API-Version"], headers["X-Shopify-Name"]) == ("2026-07", "mine")


def test_shop_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput):
        sign_delivery("orders/create", {}, secret="key", shop_domain="https://evil.example/")


def test_posted_delivery_reaches_the_handler(host: Host) -> None:
    seen: list[WebhookEvent] = []
    host.integration.webhooks.on("orders/create")(seen.append)
    facts = {"secret": WEBHOOK_SECRET, "shop_domain": host.shops["alice"].shop_domain, "webhook_id": "posted"}

    first = post_delivery(host.app.test_client(), "orders/create", {"id": 1}, **facts)
    second = post_delivery(host.app.test_client(), "orders/create", {"id": 1}, door="/api/shopify/webhooks/orders_create", **facts)
    host.work()

    assert [answer.get_json()["status"] for answer in (first, second)] == ["success", "duplicate"]
    assert [event.payload["id"] for event in seen] == [1]


def test_delivery_signed_with_another_secret_is_refused(host: Host) -> None:
    answer = post_delivery(host.app.test_client(), "orders/create", {}, secret="another-0123456789", shop_domain=SHOP)

    assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_signature")
