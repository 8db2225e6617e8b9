"""What is done with a delivery: read it, keep order and freshness, run the handlers, store what came of it with the done-mark.

Handlers are of three kinds. An ordinary one is `handler(event)`; it runs in a worker's thread, at least once, before the delivery
is marked done. A unit is `async verb(conn, event)`; it runs inside the transaction that marks the delivery done, so that its effect
and the mark are stored together or not at all. A preparation is `prepare(event) -> async work(conn)`: it reads outside the
transaction and returns what runs inside.

An older payload of a topic than one already handled has no effect (`superseded`), and neither has anything that comes for a
resource after its deletion, replays included. A body that came within 48 hours under another webhook id is a `duplicate`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeAlias

from loguru import logger
from msgspec import Struct

from shopify_inbox.deliveries import body_place, queries
from shopify_inbox.events import STATE_ACTIONS, NotAnEvent, WebhookEvent, is_known, read_event
from shopify_kit.database import Connection, Database, Record
from shopify_kit.errors import TokenUnreadable
from shopify_kit.jobs import Effect, Job
from shopify_kit.sealing import KeyRing
from shopify_kit.topics import COMPLIANCE_TOPICS
from shopify_kit.worker import Parked

KIND: Final = "delivery"
Handler: TypeAlias = Callable[[WebhookEvent], "None"]
Unit: TypeAlias = Callable[[Connection, WebhookEvent], Awaitable[None]]
Work: TypeAlias = Callable[[Connection], Awaitable[None]]
Preparation: TypeAlias = Callable[[WebhookEvent], Work]
REPEATABLE: Final = frozenset({"app/uninstalled"})
"""Topics whose body may be the same again though it happened again; who handles them asks Shopify before acting."""


class Quarantine(Exception):
    """Raised by a handler that finds the delivery is not what it claims; it ends there without effect."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Superseded(Exception):
    """Raised by a handler that finds something newer in place; the delivery ends without effect."""


class _Registered(Struct, frozen=True):
    pattern: str
    expression: re.Pattern[str]
    handler: Handler | None
    unit: Unit | None
    prepare: Preparation | None


class Handlers:
    """Who wants which topics: exact names, `orders/*`, `*`."""

    def __init__(self) -> None:
        self._registered: list[_Registered] = []

    def add(
        self, pattern: str, *, handler: Handler | None = None, unit: Unit | None = None, prepare: Preparation | None = None
    ) -> None:
        """Register a handler, a unit or a preparation for the topics that match a pattern."""
        expression = re.compile(".*".join(re.escape(part) for part in pattern.split("*")))
        self._registered.append(_Registered(pattern, expression, handler, unit, prepare))

    def has(self, topic: str) -> bool:
        """Say whether anybody wants a topic."""
        return any(True for _ in self._of(topic))

    def handlers(self, topic: str) -> list[Handler]:
        """Return who handles a topic, in the order of registration."""
        return [r.handler for r in self._of(topic) if r.handler is not None]

    def works(self, event: WebhookEvent) -> list[Work]:
        """Prepare what runs inside the transaction for an event, in the order of registration."""
        works: list[Work] = []
        for registered in self._of(event.topic):
            if registered.prepare is not None:
                works.append(registered.prepare(event))
            if registered.unit is not None:
                works.append(partial(_call_unit, registered.unit, event))
        return works

    def _of(self, topic: str) -> Iterator[_Registered]:
        return (r for r in self._registered if r.expression.fullmatch(topic))

    def patterns(self) -> list[str]:
        """Return the patterns that somebody registered for."""
        return list(dict.fromkeys(r.pattern for r in self._registered))


async def _call_unit(unit: Unit, event: WebhookEvent, conn: Connection) -> None:
    await unit(conn, event)


class DeliveryDoer:
    """Does jobs of the kind `delivery`."""

    def __init__(self, database: Database, keys: KeyRing, handlers: Handlers) -> None:
        self._database = database
        self._keys = keys
        self._handlers = handlers

    def __call__(self, job: Job) -> Effect | None:
        """Handle one delivery and return what is to be stored with its done-mark.

        Raises:
            Parked: it is no event, or never will be handled.
        """
        assert job.reference is not None
        row = self._database.run(_load, job.shop_id, job.reference)
        if row is None:
            return None
        try:
            return self._handle(job, self._event(job, row))
        except NotAnEvent as found:
            return self._ended(job, found.status, found.reason)
        except TokenUnreadable as error:
            return self._ended(job, "dead", "body_unreadable", error.message)

    def buried(self, job: Job, reason: str, error: str) -> Effect:
        """Note that a delivery was given up."""

        async def effect(conn: Connection) -> None:
            await _keep_outcome(conn, job, "dead", reason, error, None)

        return effect

    def _event(self, job: Job, row: Record) -> WebhookEvent:
        is_replay = bool(job.payload.get("replay"))
        body = self._keys.open(row["body_sealed"], body_place(row["app"], row["webhook_id"], row["shop_domain"]))
        event = read_event(row, body, attempt=job.attempt, is_replay=is_replay)
        if row["shop_id"] == 0 and event.topic not in COMPLIANCE_TOPICS:
            raise NotAnEvent("quarantined", "unknown_shop")
        if row["is_of_another_shop"]:
            raise NotAnEvent("quarantined", "body_of_another_shop")
        if row["is_repeat"] and not is_replay and event.topic not in REPEATABLE:
            raise NotAnEvent("duplicate", "same_body")
        return event

    def _handle(self, job: Job, event: WebhookEvent) -> Effect:
        if not self._handlers.has(event.topic):
            return self._ended(job, "unhandled", "no_handler" if is_known(event.topic) else "unknown_topic", event=event)
        if self._is_late(event):
            return self._ended(job, "superseded", "older_than_applied", event=event)
        try:
            for handler in self._handlers.handlers(event.topic):
                handler(event)
            works = self._handlers.works(event)
        except Quarantine as found:
            logger.warning("Shopify webhook {} of {} is quarantined: {}", event.topic, event.shop_domain, found.reason)
            return self._ended(job, "quarantined", found.reason, event=event)
        except Superseded:
            return self._ended(job, "superseded", "older_than_applied", event=event)
        return self._processed(job, event, works)

    def _is_late(self, event: WebhookEvent) -> bool:
        """Say whether a newer payload of this topic was handled, or the resource is gone."""
        if not event.resource:
            return False
        known = self._database.run(_find_version, event)
        if known["deleted"] and event.action != "delete":
            return True
        return event.action in STATE_ACTIONS and known["version"] is not None and known["version"] > event.version

    def _processed(self, job: Job, event: WebhookEvent, works: Sequence[Work]) -> Effect:
        async def effect(conn: Connection) -> None:
            if not await _raise_version(conn, event):
                await _keep_outcome(conn, job, "superseded", "older_than_applied", None, event)
                return
            for work in works:
                await work(conn)
            await _keep_outcome(conn, job, "processed", None, None, event)

        return effect

    def _ended(self, job: Job, status: str, reason: str, error: str | None = None, *, event: WebhookEvent | None = None) -> Effect:
        """Note an end without effect; what is dead is parked as well."""

        async def effect(conn: Connection) -> None:
            await _keep_outcome(conn, job, status, reason, error, event)

        if status == "dead":
            raise Parked(reason, error or "", effect)
        return effect


async def _load(conn: Connection, shop_id: int, delivery_id: int) -> Record | None:
    return await conn.fetchrow(queries.find_delivery, shop_id, delivery_id)


async def _find_version(conn: Connection, event: WebhookEvent) -> Record:
    row = await conn.fetchrow(queries.find_version, event.shop_id, event.resource, event.topic)
    assert row is not None
    return row


async def _raise_version(conn: Connection, event: WebhookEvent) -> bool:
    """Keep this event's version as the newest of its topic; False when a newer one was stored meanwhile."""
    if not event.resource:
        return True
    if event.action == "delete":
        await conn.fetchval(queries.raise_version, event.shop_id, event.resource, "", event.version, True, event.delivery_id)
    if event.action not in STATE_ACTIONS:
        return True
    return bool(
        await conn.fetchval(
            queries.raise_version, event.shop_id, event.resource, event.topic, event.version, False, event.delivery_id
        )
    )


async def _keep_outcome(
    conn: Connection, job: Job, status: str, reason: str | None, error: str | None, event: WebhookEvent | None
) -> None:
    resource, version = (event.resource, event.version) if event is not None else (None, None)
    await conn.execute(queries.keep_outcome, job.shop_id, job.reference, status, job.attempt, reason, error, resource, version)
