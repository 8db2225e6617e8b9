"""What the views work with: the parts of one integration, made by the register."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct, field

from shopify_custom_apps import Installations
from shopify_kit.audit import AuditLog
from shopify_kit.client import AdminClient
from shopify_kit.clock import Clock
from shopify_kit.database import Database
from shopify_kit.idempotency import IdempotencyStore
from shopify_kit.migrations import Schema
from shopify_kit.sealing import KeyRing
from shopify_kit.settings import Settings
from shopify_service import ShopifyService
from shopify_web.callers import Callers
from shopify_web.limits import RateLimit


class Parts(Struct, frozen=True):
    """One integration's parts; `prefix` is where its routes live."""

    settings: Settings
    database: Database
    schema: Schema
    keys: KeyRing
    client: AdminClient
    service: ShopifyService
    installations: Installations
    audit: AuditLog
    idempotency: IdempotencyStore
    callers: Callers
    limit: RateLimit
    clock: Clock
    prefix: str
    version: str
    features: tuple[str, ...]
    _written: dict[str, bytes] = field(default_factory=dict)

    def openapi_json(self, build: Callable[[], dict[str, Any]]) -> bytes:
        """Return the OpenAPI document as bytes, written on first use."""
        if "openapi" not in self._written:
            self._written["openapi"] = msgspec.json.encode(build())
        return self._written["openapi"]
