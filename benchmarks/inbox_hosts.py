"""The backends that `bench_inbox` serves: ours in three hosts, and a bare Flask view that only checks the signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import tempfile

from flask import Flask, request
from flask.typing import ResponseReturnValue
from loguru import logger

from shopify_integration_register import register_shopify_integration
from shopify_webhooks import WebhookEvent

PATH = "/api/shopify/webhooks"
SECRET = "secret-of-the-bench-0123456789abcdef"


def ours() -> Flask:
    """A host with nothing but the integration."""
    logger.remove()
    app = Flask("ours", instance_path=tempfile.gettempdir())
    app.config.update(SHOPIFY_WEBHOOK_SECRET=SECRET, SHOPIFY_TOKEN_KEYS="11" * 32, SHOPIFY_SERVICE_KEYS="bench:" + "k" * 32)
    register_shopify_integration(app, os.environ["DATABASE_URL"], strict=True)

    @app.extensions["shopify"].webhooks.on("orders/*")  # type: ignore[untyped-decorator]
    def handle(_: WebhookEvent) -> None:
        """Handle a delivery, where the worker is on."""

    return app


def ours_behind_a_hook() -> Flask:
    """A host that has Flask call something for every request, so that deliveries go through Flask as well."""
    app = ours()
    app.before_request(lambda: None)
    return app


def signature_only() -> Flask:
    """A view that checks the signature and stores nothing."""
    app = Flask("signature")

    @app.post(PATH)
    def receive() -> ResponseReturnValue:
        made = base64.b64encode(hmac.new(SECRET.encode(), request.get_data(), hashlib.sha256).digest())
        if not hmac.compare_digest(made, request.headers.get("X-Shopify-Hmac-Sha256", "").encode()):
            return {"ok": False}, 401
        return {"ok": True}

    return app
