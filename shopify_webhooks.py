"""The inbox: deliveries are stored before they are acknowledged, handled in order, replayed; subscriptions kept; compliance done.

`on(pattern)` registers the host's own handlers; the register adds what our own features do with a topic.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from loguru import logger
from msgspec import Struct

from shopify_admin.webhooks import Wanted
from shopify_inbox.compliance import Compliance
from shopify_inbox.deliveries import MAX_WEBHOOK_BYTES, Headers, Inbox, queries
from shopify_inbox.events import WebhookEvent
from shopify_inbox.handling import KIND, DeliveryDoer, Handler, Handlers, Quarantine, Superseded, Unit
from shopify_inbox.history import STATUSES, Filter, History, Replayed
from shopify_inbox.secret_book import SecretBook
from shopify_inbox.subscriptions import Addresses, read_topics, set_up, toml_section
from shopify_inbox.subscriptions import Result as SetupResult
from shopify_kit.audit import add_entry
from shopify_kit.clock import Clock
from shopify_kit.database import Connection, Database, Record
from shopify_kit.errors import InvalidInput
from shopify_kit.jobs import Job, Priority, add_job
from shopify_kit.sealing import KeyRing
from shopify_kit.settings import Settings
from shopify_kit.topics import COMPLIANCE_TOPICS, DEFAULT_TOPICS, TOPICS
from shopify_kit.vault import Vault
from shopify_kit.worker import Doer, Schedule
from shopify_service import ShopAdmin

WATCH_KIND: Final = "webhook_watch"
WATCH_CRON: Final = "*/10 * * * *"
SETUP_ROWS: Final = 500
INBOX_DAYS: Final = 30
DEAD_DAYS: Final = 90
SWEEP_ROWS: Final = 1_000
SWEEP_CRON: Final = "17 * * * *"

F = TypeVar("F", bound=Callable[..., Any])
Backfill = Callable[[int, str, Sequence[str], datetime | None], None]
AdminOf = Callable[[str, int], Callable[[], ShopAdmin]]


class Setup(Struct, frozen=True):
    """What webhooks a shop is to have."""

    shop_id: int
    user_id: str
    address: str
    topics: tuple[str, ...]
    options: Mapping[str, Any]
    checked_at: datetime | None


class Webhooks:
    """The inbox of one integration.

    Args:
        admin_of: (user, shop) → what makes a `ShopAdmin` for that shop.
        wake: wakes a worker of this process.
        ensure_schema: see `Inbox`.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        keys: KeyRing,
        settings: Settings,
        clock: Clock,
        *,
        admin_of: AdminOf,
        wake: Callable[[], None] = lambda: None,
        ensure_schema: Callable[[], object] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._admin_of = admin_of
        self._wake = wake
        self.secrets = SecretBook(settings, vault, clock)
        self.inbox = Inbox(database, keys, self.secrets, wake, ensure_schema)
        self.addresses = Addresses(settings)
        self.history = History(database, keys)
        self.compliance = Compliance(database, keys)
        self.handlers = Handlers()
        self._deliver = DeliveryDoer(database, keys, self.handlers)
        self.backfill: Backfill | None = None
        for topic, unit in (
            ("customers/data_request", self.compliance.export),
            ("customers/redact", self.compliance.redact),
            ("shop/redact", self.compliance.erase_shop),
        ):
            self.handlers.add(topic, handler=self.compliance.collect)
            self.handlers.add(topic, unit=unit)

    # Handlers

    def on(self, pattern: str) -> Callable[[F], F]:
        """Register `handler(event: WebhookEvent) -> None` for a topic or a pattern (`orders/*`, `*`).

        It runs in a worker's thread, at least once, again with growing pauses when it raises, in order per resource.
        """

        def decorate(function: F) -> F:
            self.handlers.add(pattern, handler=function)
            return function

        return decorate

    def on_commit(self, pattern: str) -> Callable[[F], F]:
        """Register `async verb(conn, event) -> None`: it runs inside the transaction that marks the delivery done.

        What it stores is stored exactly once; it must not talk to anybody but its connection.
        """

        def decorate(function: F) -> F:
            self.handlers.add(pattern, unit=function)
            return function

        return decorate

    # Taking in

    def accept(self, body: bytes, headers: Headers, path_topic: str | None = None) -> bool:
        """Verify, store and commit one delivery; returns whether it is new. See `Inbox.accept`."""
        return self.inbox.accept(body, headers, path_topic)

    def accept_verified(self, body: bytes, headers: Headers) -> bool:
        """Store a delivery that the host's own gateway has verified; returns whether it is new."""
        return self.inbox.store(body, headers, None, "gateway")

    # Subscriptions

    def set_up(
        self,
        user_id: str,
        shop_id: int,
        *,
        address: str | None,
        topics: Sequence[str] | None,
        options: Mapping[str, Any] | None = None,
    ) -> SetupResult:
        """Make a shop's subscriptions what is wanted and remember that, so that the watchdog restores what gets lost.

        Args:
            options: per topic `{filter, include_fields, metafield_namespaces}`, as Shopify takes them.

        Raises:
            InvalidInput: an address that is not the host's own, or an unknown topic.
        """
        setup = Setup(shop_id, user_id, self.addresses.check(address), tuple(read_topics(topics)), options or {}, None)
        result = self._apply(setup)
        self._database.run(_keep_setup, setup)
        return result

    def _apply(self, setup: Setup) -> SetupResult:
        wanted = [wanted_of(setup, topic) for topic in setup.topics]
        return set_up(self._admin_of(setup.user_id, setup.shop_id), wanted, ours=self.addresses.ours(setup.address))

    def topics(self, shop_id: int | None) -> list[dict[str, Any]]:
        """List the topics Shopify knows: which are subscribed for the shop, which have handlers."""
        setup = self._database.run(_find_setup, shop_id) if shop_id is not None else None
        subscribed = set(setup.topics) if setup is not None else set()
        return [
            {
                "topic": topic,
                "default": topic in DEFAULT_TOPICS,
                "compliance": topic in COMPLIANCE_TOPICS,
                "subscribed": topic in subscribed or topic in COMPLIANCE_TOPICS,
                "handled": bool(self.handlers.handlers(topic) or self.handlers.units(topic)),
            }
            for topic in sorted((*TOPICS, *COMPLIANCE_TOPICS))
        ]

    def toml(self, address: str | None = None, topics: Sequence[str] | None = None) -> str:
        """Write the `[webhooks]` section of `shopify.app.toml`."""
        return toml_section(address or self.addresses.default, read_topics(topics), api_version=self._settings.api_version)

    def check(self, address: str | None, topics: Sequence[str] | None) -> None:
        """Refuse an address or a topic before anything else is done.

        Raises:
            InvalidInput: see `set_up`.
        """
        self.addresses.check(address)
        read_topics(topics)

    # Replay

    def replay(self, shop_ids: Sequence[int], chosen: Filter, *, after: int = 0, dry_run: bool = False) -> Replayed:
        """Have deliveries of these shops handled again; see `History.replay`."""
        done = self.history.replay(shop_ids, chosen, after=after, dry_run=dry_run)
        if done.replayed and not dry_run:
            self._wake()
        return done

    # The watchdog

    def give_out_watches(self) -> None:
        """Put a check of each shop's subscriptions into its lane."""
        after = 0
        while True:
            setups = self._database.run(_list_setups, after)
            if not setups:
                return
            self._database.run(_add_watches, [setup.shop_id for setup in setups])
            after = setups[-1].shop_id

    def watch(self, job: Job) -> None:
        """Restore a shop's lost subscriptions; what was missed meanwhile is fetched by whoever keeps the mirror."""
        setup = self._database.run(_find_setup, job.shop_id)
        if setup is None:
            return
        result = self._apply(setup)
        known = {row["topic"] for row in result.webhooks}
        if result.created:
            logger.warning("Shopify webhooks: {} lost subscriptions of shop {} were restored", result.created, job.shop_id)
            self._database.run(_note_restored, job.shop_id, result.created)
            if self.backfill is not None:
                self.backfill(job.shop_id, setup.user_id, sorted(known), setup.checked_at)
        if not result.failed:
            self._database.run(_note_check, job.shop_id, self._clock.now())

    # What a worker needs

    def doers(self) -> dict[str, Doer]:
        """Kind of job → function."""
        return {KIND: self._deliver, WATCH_KIND: self.watch}

    def schedules(self) -> dict[str, Schedule]:
        """Name → (cron text, function): run once across all workers."""
        return {
            "webhooks.watch": (WATCH_CRON, self.give_out_watches),
            "webhooks.sweep": (SWEEP_CRON, self.sweep),
        }

    def sweep(self) -> None:
        """Forget old deliveries: handled ones after 30 days, dead and quarantined ones after 90."""
        self._database.run(_sweep)


def wanted_of(setup: Setup, topic: str) -> Wanted:
    """Write what is wanted of one topic."""
    options = setup.options.get(topic) or {}
    return Wanted(
        topic,
        setup.address,
        options.get("filter"),
        tuple(options.get("include_fields") or ()),
        tuple(options.get("metafield_namespaces") or ()),
    )


def check_gateway_headers(headers: Headers) -> str:
    """Demand what a gateway must pass on; returns the shop domain.

    Raises:
        InvalidInput: topic or shop is missing.
    """
    for name in ("X-Shopify-Topic", "X-Shopify-Shop-Domain"):
        if not headers.get(name):
            raise InvalidInput.field(name, "pass Shopify's header on")
    return headers.get("X-Shopify-Shop-Domain") or ""


# Units


def _setup(row: Record) -> Setup:
    return Setup(
        row["shop_id"], row["user_id"], row["address"], tuple(row["topics"]), json.loads(row["options"]), row["checked_at"]
    )


async def _keep_setup(conn: Connection, setup: Setup) -> None:
    options = json.dumps(dict(setup.options))
    await conn.execute(queries.keep_setup, setup.shop_id, setup.user_id, setup.address, list(setup.topics), options)


async def _find_setup(conn: Connection, shop_id: int) -> Setup | None:
    row = await conn.fetchrow(queries.find_setup, shop_id)
    return None if row is None else _setup(row)


async def _list_setups(conn: Connection, after: int) -> list[Setup]:
    return [_setup(row) for row in await conn.fetch(queries.list_setups, after, SETUP_ROWS)]


async def _add_watches(conn: Connection, shop_ids: list[int]) -> None:
    for shop_id in shop_ids:
        await add_job(conn, WATCH_KIND, shop_id=shop_id, lane="webhooks:watch", priority=Priority.REST)


async def _note_restored(conn: Connection, shop_id: int, count: int) -> None:
    await add_entry(conn, "webhooks.restored", actor="watchdog", shop_id=shop_id, facts={"subscriptions": count})


async def _note_check(conn: Connection, shop_id: int, now: datetime) -> None:
    await conn.execute(queries.note_check, shop_id, now)


async def _sweep(conn: Connection) -> None:
    await conn.execute(queries.sweep_inbox, INBOX_DAYS, DEAD_DAYS, SWEEP_ROWS)


__all__ = [
    "MAX_WEBHOOK_BYTES",
    "STATUSES",
    "Filter",
    "Handler",
    "Quarantine",
    "Replayed",
    "SetupResult",
    "Superseded",
    "Unit",
    "WebhookEvent",
    "Webhooks",
    "check_gateway_headers",
]
