"""What the views work with: the parts of one integration, made by the register."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, field

from shopify_bulk_api import BulkApi
from shopify_custom_apps import Installations
from shopify_kit.audit import AuditLog
from shopify_kit.client import AdminClient
from shopify_kit.clock import Clock
from shopify_kit.database import Database
from shopify_kit.embedded_worker import EmbeddedWorker
from shopify_kit.idempotency import IdempotencyStore
from shopify_kit.migrations import Schema
from shopify_kit.sealing import KeyRing
from shopify_kit.settings import Settings
from shopify_kit.worker import Worker
from shopify_service import ShopifyService
from shopify_web.callers import Callers
from shopify_web.limits import RateLimit
from shopify_web.long_polls import LongPolls
from shopify_webhooks import Webhooks


class Parts(Struct, frozen=True):
    """One integration's parts; `prefix` is where its routes live."""

    settings: Settings
    database: Database
    schema: Schema
    keys: KeyRing
    client: AdminClient
    service: ShopifyService
    installations: Installations
    webhooks: Webhooks
    bulk: BulkApi
    long_polls: LongPolls
    worker: EmbeddedWorker
    make_worker: Callable[..., Worker]
    audit: AuditLog
    idempotency: IdempotencyStore
    callers: Callers
    limit: RateLimit
    clock: Clock
    prefix: str
    version: str
    features: tuple[str, ...]
    _written: dict[str, bytes] = field(default_factory=dict)

    def written(self, name: str, write: Callable[[], bytes]) -> bytes:
        """Return a text that stays the same as long as the integration lives, written on first use."""
        if name not in self._written:
            self._written[name] = write()
        return self._written[name]
