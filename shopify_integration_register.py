"""The door: one call gives a Flask backend the whole integration.

    shopify_registered = register_shopify_integration(app, db_pool)

Builds the parts, keeps one `ShopifyIntegration` in `app.extensions["shopify"]`, and never takes the host down: what cannot be
repaired at run time is logged once, with what to set, and answered with False.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Any, Final

from flask import Blueprint, Flask
from loguru import logger
from werkzeug.serving import is_running_from_reloader

from shopify_bulk_api import BulkApi
from shopify_cli import make_group
from shopify_custom_apps import Installations
from shopify_kit.audit import AuditLog
from shopify_kit.client import AdminClient
from shopify_kit.clock import Clock, SystemClock
from shopify_kit.database import Database
from shopify_kit.documents import Documents
from shopify_kit.embedded_worker import EmbeddedWorker
from shopify_kit.errors import DatabaseUnavailable, IntegrationError, SettingsError
from shopify_kit.idempotency import IdempotencyStore
from shopify_kit.migrations import Schema
from shopify_kit.oauth import TokenEndpoint
from shopify_kit.sealing import KeyRing, development_key
from shopify_kit.secret import Secret
from shopify_kit.settings import Settings, load_app_settings
from shopify_kit.throttle import Priority, Throttle
from shopify_kit.transport import AddressBook, RequestsTransport
from shopify_kit.vault import Vault
from shopify_kit.versions import DEFAULT_API_VERSION, VERSION
from shopify_kit.worker import Worker
from shopify_routes import api
from shopify_service import ShopAdmin, ShopifyService
from shopify_web.api import Endpoint, answer_unknown_routes, build_blueprint, complete
from shopify_web.callers import Authenticate, Callers
from shopify_web.delivery_door import put_door_before
from shopify_web.health import Health, look_at_health
from shopify_web.limits import RateLimit
from shopify_web.long_polls import LongPolls
from shopify_web.parts import Parts
from shopify_webhooks import Quarantine, Superseded, WebhookEvent, Webhooks

NAME: Final = "shopify"
PREFIX: Final = "/api/shopify"
FEATURES: Final = ("core", "search", "graphql", "webhooks", "bulk")
GROUPS: Final = ("core", "auth", "webhooks", "bulk", "sync", "custom_apps", "analytics")
DESCRIPTION: Final = "Shops, products, orders, customers, inventory, webhooks and bulk operations of Shopify, for this backend."


@dataclass(frozen=True, slots=True)
class ShopifyIntegration:
    """One app's integration, kept in `app.extensions["shopify"]`."""

    parts: Parts
    vault: Vault

    @property
    def webhooks(self) -> Webhooks:
        """The inbox: `@webhooks.on("orders/create")` registers the host's own handlers."""
        return self.parts.webhooks

    @property
    def settings(self) -> Settings:
        """The settings as they were read at registration."""
        return self.parts.settings

    @property
    def database(self) -> Database:
        """The bridge to the host's Postgres."""
        return self.parts.database

    @property
    def service(self) -> ShopifyService:
        """The Admin API in domain verbs."""
        return self.parts.service

    @property
    def schema(self) -> Schema:
        """Our tables in it."""
        return self.parts.schema

    @property
    def worker(self) -> EmbeddedWorker:
        """The worker inside this process."""
        return self.parts.worker

    @property
    def installations(self) -> Installations:
        """Who is connected with which shop."""
        return self.parts.installations

    def make_worker(self, **options: Any) -> Worker:
        """Make a worker that drains the lanes, for a process of its own; keywords as `Worker`'s (`hands`, `deadline_s`)."""
        return self.parts.make_worker(**options)

    def look_at_health(self) -> Health:
        """Ask everything it stands on how it is, with figures."""
        return look_at_health(self.parts, detailed=True)

    def close(self) -> None:
        """End this process's worker and close its connections to Postgres and to Shopify."""
        self.parts.worker.stop()
        self.parts.database.close()
        self.parts.client.close()


def register_shopify_integration(
    app: Flask, db_pool: object = None, *, authenticate: Authenticate | None = None, strict: bool = False, **options: Any
) -> bool:
    """Register the integration under `/api/shopify`; returns whether it serves.

    Args:
        db_pool: an `asyncpg.Pool` in any state (running, idle or closed loop, not awaited), a DSN, or None for the settings' DSN.
        authenticate: `callable(request) -> user_id | None`, the host's own knowledge of who calls.
        strict: raise in place of returning False.
        options: settings by keyword (`scopes=`, `api_version=`, `allow_mutations=`, …), before `app.config` and environment.

    Returns:
        False when something is wrong that only the host can repair (an unreadable setting, a second registration); one error is
        logged and no route is registered. A database that is merely away is no reason: routes answer 503 until it is back.
    """
    try:
        _register(app, db_pool, authenticate, options)
    except Exception as error:
        if strict:
            raise
        logger.error("The Shopify integration is not registered: {}", _reason(error))
        return False
    return True


def _register(app: Flask, db_pool: object, authenticate: Authenticate | None, options: dict[str, Any]) -> None:
    _check_app(app, authenticate)
    settings = load_app_settings(app, **options)
    integration = build_integration(settings, db_pool, authenticate, instance_path=Path(app.instance_path))
    try:
        blueprint = build_blueprint(integration.parts, api.endpoints)
        _migrate(integration.parts.schema)
        _add_routes(app, blueprint, integration.parts)
    except BaseException:
        integration.close()
        raise
    app.extensions[NAME] = integration
    app.cli.add_command(make_group())
    if not app.debug or is_running_from_reloader():
        # The reloader's parent loads the app too, never serves, and would go on working with the code of its start.
        integration.parts.worker.arm()
    if not integration.parts.callers.is_configured:
        _warn_of_closed_door(settings)


def _check_app(app: Flask, authenticate: object) -> None:
    if NAME in app.extensions:
        raise SettingsError("This app has the extension 'shopify' already: call register_shopify_integration once per app.")
    if NAME in app.blueprints:
        raise SettingsError("This app has a blueprint named 'shopify' of its own: give that one another name.")
    if authenticate is not None and not callable(authenticate):
        text = f"authenticate= is {type(authenticate).__name__}; expected a function that takes the request and returns a user id."
        raise SettingsError(text)


def _add_routes(app: Flask, blueprint: Blueprint, parts: Parts) -> None:
    try:
        app.register_blueprint(blueprint)
    except AssertionError as error:
        raise SettingsError(
            "The app has served requests already: call register_shopify_integration before the first one."
        ) from error
    put_door_before(app, parts, own_hooks=(complete, answer_unknown_routes(app, PREFIX)))


def _reason(error: Exception) -> str:
    """Say why; of what nobody foresaw only where it came from, for its text may hold a secret."""
    if isinstance(error, IntegrationError):
        return error.message
    place = extract_tb(error.__traceback__)[-1]
    return f"unexpected {type(error).__name__} at {place.filename}:{place.lineno}; strict=True shows all of it"


def _warn_of_closed_door(settings: Settings) -> None:
    if settings.development or settings.trust_loopback:
        logger.warning("Shopify routes serve callers on this machine only: neither authenticate= nor SHOPIFY_SERVICE_KEYS is set")
        return
    logger.critical(
        "Shopify routes answer 503 auth_not_configured: pass authenticate= to register_shopify_integration, or set "
        "SHOPIFY_SERVICE_KEYS"
    )


def _migrate(schema: Schema) -> None:
    """Bring the schema up to date; where the database is away, the first request that finds it back does it."""
    try:
        applied = schema.ensure()
    except DatabaseUnavailable as error:
        logger.warning("Shopify: the database is away ({}); routes answer 503 until it is back", error.message)
        return
    for migration in applied:
        logger.info("Shopify: applied migration {}", migration)


def build_integration(
    settings: Settings,
    db_pool: object,
    authenticate: Authenticate | None = None,
    *,
    instance_path: Path | None = None,
    clock: Clock | None = None,
) -> ShopifyIntegration:
    """Build the parts without an app: for the register, for workers and for tests.

    Raises:
        SettingsError: no database, no usable sealing key.
    """
    base = _lay_foundation(settings, db_pool, instance_path, clock or SystemClock())
    features = _Features(base)
    parts = Parts(
        settings=settings,
        database=base.database,
        schema=base.schema,
        keys=base.vault.keys,
        client=base.service.client,
        service=base.service,
        installations=base.installations,
        webhooks=features.webhooks,
        bulk=features.bulk,
        long_polls=LongPolls(settings.server_threads),
        worker=features.worker,
        make_worker=features.make_worker,
        audit=AuditLog(base.database),
        idempotency=IdempotencyStore(base.database, base.vault.keys),
        callers=Callers(settings, authenticate),
        limit=RateLimit(settings.rate_limit_per_minute, base.clock),
        clock=base.clock,
        prefix=PREFIX,
        version=VERSION,
        features=FEATURES,
    )
    return ShopifyIntegration(parts, base.vault)


@dataclass(frozen=True, slots=True)
class _Foundation:
    """What every feature stands on."""

    settings: Settings
    clock: Clock
    database: Database
    schema: Schema
    vault: Vault
    addresses: AddressBook
    transport: RequestsTransport
    documents: Documents
    service: ShopifyService
    installations: Installations

    def admin_of(self, user_id: str, shop_id: int) -> Callable[[], ShopAdmin]:
        """Return what speaks to a shop for one of its members, behind those who wait for an answer."""
        return lambda: self._admin(user_id, shop_id)

    def _admin(self, user_id: str, shop_id: int) -> ShopAdmin:
        store = self.installations.find(user_id, store_id=shop_id)
        return self.service.admin(self.installations.access(store), store.currency, priority=Priority.BACKGROUND)

    def bucket_of(self, user_id: str, shop_id: int) -> str:
        """Name the app whose budget and slots a member's calls take."""
        return self.installations.find(user_id, store_id=shop_id).bucket


def _lay_foundation(settings: Settings, db_pool: object, instance_path: Path | None, clock: Clock) -> _Foundation:
    database = Database(_database_source(settings, db_pool))
    vault = Vault(database, KeyRing(_token_keys(settings, instance_path)))
    addresses, documents = AddressBook(settings.admin_origin), Documents()
    transport = RequestsTransport(addresses)
    client = AdminClient(transport, addresses, Throttle(database), api_version=settings.api_version)
    installations = Installations(database, vault, client, TokenEndpoint(transport, addresses), documents, settings, clock)
    return _Foundation(
        settings=settings,
        clock=clock,
        database=database,
        schema=Schema(database),
        vault=vault,
        addresses=addresses,
        transport=transport,
        documents=documents,
        service=ShopifyService(client, documents),
        installations=installations,
    )


class _Features:
    """The features that work in the background, introduced to each other."""

    def __init__(self, base: _Foundation) -> None:
        self._base = base
        self.worker = EmbeddedWorker(self.make_worker, is_on=base.settings.worker == "embedded")
        self.webhooks = Webhooks(
            base.database,
            base.vault,
            base.vault.keys,
            base.settings,
            base.clock,
            admin_of=base.admin_of,
            wake=self._wake,
            ensure_schema=base.schema.ensure,
        )
        self.bulk = BulkApi(
            base.database,
            base.transport,
            base.addresses,
            base.documents,
            base.clock,
            admin_of=base.admin_of,
            bucket_of=base.bucket_of,
            wake=self._wake,
        )
        _introduce(self.webhooks, base.installations, self.bulk)

    def make_worker(self, **options: Any) -> Worker:
        """Make a worker that drains the lanes."""
        doers = self.webhooks.doers() | self.bulk.doers()
        schedules = self.webhooks.schedules() | self.bulk.schedules()
        base = self._base
        return Worker(base.database, doers, base.clock, schedules=schedules, prepare=base.schema.ensure, **options)

    def _wake(self) -> None:
        self.worker.ensure()
        self.worker.wake()


def _introduce(webhooks: Webhooks, installations: Installations, bulk: BulkApi) -> None:
    """Topic → what the features do about it."""

    @webhooks.on("app/uninstalled")
    def end_installation(event: WebhookEvent) -> None:
        outcome = installations.uninstalled(event.shop_id, event.happened_at)
        if outcome == "late" and "myshopify_domain" in event.payload:
            raise Superseded
        if outcome != "confirmed":
            raise Quarantine("app_still_installed")

    @webhooks.on("app/scopes_update")
    @webhooks.on("shop/update")
    def refresh_shop(event: WebhookEvent) -> None:
        installations.refresh(event.shop_id)

    @webhooks.on("bulk_operations/finish")
    def look_at_operation(event: WebhookEvent) -> None:
        bulk.finished(event.shop_id, str(event.payload.get("admin_graphql_api_id", "")))


def _database_source(settings: Settings, db_pool: object) -> object:
    """Choose: SHOPIFY_DATABASE_URL, else what the host passed, else DATABASE_URL."""
    if settings.database_url is not None:
        return settings.database_url.reveal()
    if db_pool is None and settings.host_database_url is not None:
        return settings.host_database_url.reveal()
    return db_pool


def _token_keys(settings: Settings, instance_path: Path | None) -> Sequence[Secret]:
    if settings.token_keys:
        return settings.token_keys
    path = settings.token_key_file or (instance_path or Path("instance")) / "shopify_token_key"
    made = not os.path.exists(path)  # unlike Path's, it is False for what may not be looked at
    key = development_key(path)
    if made:
        logger.warning("Shopify: made a sealing key for development in {}; set SHOPIFY_TOKEN_KEYS in production", path)
    return [key]


# The host's service registry


def get_shopify_service_info() -> dict[str, Any]:
    """Describe the integration for the host's service registry: name, version, features, endpoints, status."""
    endpoints = get_shopify_endpoints()
    return {
        "name": NAME,
        "version": VERSION,
        "description": DESCRIPTION,
        "features": list(FEATURES),
        "api_version": DEFAULT_API_VERSION,
        "endpoints": endpoints,
        "status": "available",
    }


def get_shopify_endpoints() -> dict[str, list[str]]:
    """List what is routed, by group: `{"core": ["GET /api/shopify/products", …], "auth": [], …}`."""
    listed: dict[str, list[str]] = {group: [] for group in GROUPS}
    for endpoint in api.endpoints:
        listed[endpoint.group if endpoint.group in listed else "core"].append(_line(endpoint))
    return listed


def _line(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {PREFIX}{endpoint.path}"
