"""The inbox: deliveries are stored before they are acknowledged, handled in order, replayed; subscriptions kept; compliance done.

`on(pattern)` registers the host's own handlers; the register adds what our own features do with a topic.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
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
from shopify_kit.errors import IntegrationError, InvalidInput
from shopify_kit.jobs import Effect, Job, add_job
from shopify_kit.sealing import KeyRing
from shopify_kit.settings import Settings
from shopify_kit.topics import COMPLIANCE_TOPICS, DEFAULT_TOPICS, TOPICS
from shopify_kit.vault import Vault
from shopify_kit.worker import Doer, Schedule
from shopify_service import ShopAdmin

WATCH_KIND: Final = "webhook_watch"
WATCH_LANE: Final = "webhooks:watch"
WATCH_CRON: Final = "*/10 * * * *"
GAP_KIND: Final = "webhook_gap"
GAP_LANE: Final = "webhooks:gap"
SWEEP_KIND: Final = "webhook_sweep"
SWEEP_LANE: Final = "webhooks:sweep"
INBOX_DAYS: Final = 30
DEAD_DAYS: Final = 90
SWEEP_ROWS: Final = 1_000
SWEEP_ROUNDS: Final = 20
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
        self.secrets = SecretBook(settings, vault, clock, ensure_schema)
        self.inbox = Inbox(database, keys, self.secrets, wake, ensure_schema)
        self.addresses = Addresses(settings)
        self.history = History(database, keys)
        self.compliance = Compliance(database, keys)
        self.handlers = Handlers()
        self._deliver = DeliveryDoer(database, keys, self.handlers)
        self.backfill: Backfill | None = None
        self.handlers.add("customers/data_request", prepare=self.compliance.export)
        self.handlers.add("customers/redact", prepare=self.compliance.redact)
        self.handlers.add("shop/redact", prepare=self.compliance.erase_shop)

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
        before = self._database.run(_find_setup, shop_id)
        result = self._apply(setup, before)
        self._database.run(_keep_setup, setup, None if result.failed else self._clock.now())
        return result

    def _apply(self, setup: Setup, before: Setup | None = None) -> SetupResult:
        wanted = [wanted_of(setup, topic) for topic in setup.topics]
        ours = self.addresses.ours(setup.address, None if before is None else before.address)
        return set_up(self._admin_of(setup.user_id, setup.shop_id), wanted, ours=ours)

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
                "handled": self.handlers.has(topic),
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

    def watch(self, job: Job) -> Effect | None:
        """Restore a shop's lost subscriptions; what was missed meanwhile is fetched by whoever keeps the mirror.

        An attempt that ended after it had restored them leaves nothing to see, so the next one has everything fetched.
        """
        setup = self._database.run(_find_setup, job.shop_id)
        if setup is None:
            return None
        try:
            result = self._apply(setup)
        except IntegrationError as error:
            if error.retryable:
                raise
            logger.warning("Shopify webhooks: subscriptions of shop {} were not checked: {}", job.shop_id, error.message)
            return None
        topics = setup.topics if job.attempt > 1 else result.new_topics
        return partial(_note_watch, setup, result, topics, None if result.failed else self._clock.now())

    def fill_gap(self, job: Job) -> None:
        """Have fetched what came while subscriptions were lost."""
        if self.backfill is not None:
            since = datetime.fromisoformat(job.payload["since"]) if job.payload["since"] else None
            self.backfill(job.shop_id, job.payload["user_id"], job.payload["topics"], since)

    # What a worker needs

    def doers(self) -> dict[str, Doer]:
        """Kind of job → function."""
        return {KIND: self._deliver, WATCH_KIND: self.watch, GAP_KIND: self.fill_gap, SWEEP_KIND: self.sweep}

    def schedules(self) -> dict[str, Schedule]:
        """Name → (cron text, what puts the jobs in lanes): run once across all workers."""
        return {"webhooks.watch": (WATCH_CRON, _add_watches), "webhooks.sweep": (SWEEP_CRON, _add_sweep)}

    def sweep(self, _job: Job) -> Effect | None:
        """Forget old deliveries: handled ones after 30 days, dead and quarantined ones after 90; goes on in another job."""
        for _ in range(SWEEP_ROUNDS):
            if self._database.run(_sweep) < SWEEP_ROWS:
                return None
        return _add_sweep


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


async def _keep_setup(conn: Connection, setup: Setup, checked_at: datetime | None) -> None:
    options = json.dumps(dict(setup.options))
    await conn.execute(queries.keep_setup, setup.shop_id, setup.user_id, setup.address, list(setup.topics), options, checked_at)


async def _find_setup(conn: Connection, shop_id: int) -> Setup | None:
    row = await conn.fetchrow(queries.find_setup, shop_id)
    return None if row is None else _setup(row)


async def _add_watches(conn: Connection) -> None:
    await conn.execute(queries.add_watches, WATCH_LANE, WATCH_KIND)


async def _note_watch(
    setup: Setup, result: SetupResult, topics: Sequence[str], checked_at: datetime | None, conn: Connection
) -> None:
    if result.created:
        logger.warning("Shopify webhooks: {} lost subscriptions of shop {} were restored", result.created, setup.shop_id)
        facts = {"topics": list(result.new_topics)}
        await add_entry(conn, "webhooks.restored", actor="watchdog", shop_id=setup.shop_id, facts=facts)
    if topics:
        since = setup.checked_at.isoformat() if setup.checked_at else None
        payload = {"user_id": setup.user_id, "topics": list(topics), "since": since}
        await add_job(conn, GAP_KIND, shop_id=setup.shop_id, lane=GAP_LANE, payload=payload)
    if checked_at is not None:
        await conn.execute(queries.note_check, setup.shop_id, checked_at)


async def _add_sweep(conn: Connection) -> None:
    await add_job(conn, SWEEP_KIND, shop_id=0, lane=SWEEP_LANE)


async def _sweep(conn: Connection) -> int:
    done = await conn.execute(queries.sweep_inbox, INBOX_DAYS, DEAD_DAYS, SWEEP_ROWS)
    return int(done.split()[-1])


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
