"""The outbox: every change of a shop becomes deliveries to those who subscribed.

A change is noted under its shop's lock and written up when the request that made it ends (or by the outbox' own thread, for changes
made outside of requests), so that payloads show the finished state and no request ever waits for a receiver.

Source: shopify.dev/docs/apps/build/webhooks/delivery-structure, …/compliance/privacy-law-compliance (shop/redact comes 48 hours
after the uninstallation), …/apps/auth/installation/uninstall-app (its webhooks are deleted; read 2026-11). Assumed: the event id is
shared by the topics of one request, of which a repeated topic begins another event.
"""

from __future__ import annotations

import threading
import traceback
import uuid
from collections import deque
from collections.abc import Iterable
from typing import Any

from fake_shopify import payloads
from fake_shopify.admin.webhook_filters import passes
from fake_shopify.admin.webhook_subscriptions import SCOPES
from fake_shopify.context import Context
from fake_shopify.delivery_queue import MOST_PENDING, DeliveryQueue
from fake_shopify.delivery_records import Delivery, events_headers, precise, webhook_headers
from fake_shopify.engine import executable
from fake_shopify.events_family import Happening, Memory, body_for
from fake_shopify.payloads.shape import json_body, only_fields, xml_body
from fake_shopify.schema import LATEST, served_version
from fake_shopify.subscriptions import Configurations, Subscription, concerned, installed
from fake_shopify.topics import resource_of
from fake_shopify.world import Change, Grant, Shop, World

REDACT_AFTER_S = 48 * 3600

Payload = dict[str, Any]


def _once_each(changes: Iterable[Change]) -> list[Change]:
    """Leave out that an object changed when the same request says so again: its payload shows the finished state anyway."""
    last = {payloads.subject(change.topic, change.payload): change for change in changes}
    return [change for change in changes if change is last[payloads.subject(change.topic, change.payload)]]


class Outbox:
    """Turns the changes of a world into deliveries and hands them to its queue."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.queue = DeliveryQueue(world)
        self.configured = Configurations()
        self._memory = Memory()
        self._cond = threading.Condition()
        self._noted: dict[str, deque[Change]] = {}
        self._writing = 0
        self._redactions: list[tuple[float, str, str]] = []
        self._thread: threading.Thread | None = None
        world.listen(self.note)

    def reset(self) -> None:
        """Forget everything."""
        self.queue.reset()
        with self._cond:
            self._noted.clear()
            self._redactions.clear()
            self.configured, self._memory = Configurations(), Memory()

    def wake(self) -> None:
        """Look at the clock again: it was moved."""
        self.queue.wake()
        with self._cond:
            self._cond.notify_all()

    def wait_until_settled(self, timeout_s: float) -> bool:
        """Wait until nothing is to be written up, due or under way; returns whether that came about."""
        with self._cond:
            written = self._cond.wait_for(lambda: not self._noted and not self._writing, timeout_s)
        return written and self.queue.wait_until_settled(timeout_s)

    # Changes

    def note(self, shop: Shop, change: Change) -> None:
        """Take notice of a change, if anybody could be told of it."""
        is_farewell = change.topic == "app/uninstalled"
        if not (is_farewell or self.configured.kept or len(shop.tables.get("WebhookSubscription", ()))):
            return
        with self._cond:
            self._noted.setdefault(shop.domain, deque(maxlen=MOST_PENDING)).append(change)
            self._start_thread()
            self._cond.notify_all()

    def collect(self, shop: Shop) -> None:
        """Write up the noted changes of a shop; the caller holds the shop's lock."""
        with self._cond:
            if shop.domain not in self._noted:
                return
            changes = self._noted.pop(shop.domain)
            self._writing += 1
        try:
            self._write_up(shop, changes)
        finally:
            with self._cond:
                self._writing -= 1
                self._cond.notify_all()

    def _write_up(self, shop: Shop, changes: deque[Change]) -> None:
        places: dict[str, int] = {}
        ids: dict[int, str] = {}
        for change in _once_each(changes):
            place = places[change.topic] = places.get(change.topic, -1) + 1
            try:
                self._spread(shop, change, ids.setdefault(place, str(uuid.uuid4())))
            except Exception:
                # A payload that cannot be built must not fail the request that caused it.
                traceback.print_exc()

    def _spread(self, shop: Shop, change: Change, event_id: str) -> None:
        told = concerned(self.world, self.configured, shop, change)
        listening = [one for one in installed(self.world, self.configured, shop) if one.events is not None]
        if told or listening:
            payload = self.payload_of(shop, change, (told or listening)[0].client_id)
            for one in told:
                if passes(one.filter, payload):
                    self.queue.put(self._webhook(shop, one, change, payload, event_id))
            if listening:
                self._spread_event(shop, listening, self._memory.happening(shop.domain, change.topic, payload), event_id)
        if change.topic == "app/uninstalled":
            self._leave(shop, change)

    def _spread_event(self, shop: Shop, listening: list[Subscription], happening: Happening | None, event_id: str) -> None:
        for one in listening if happening is not None else ():
            assert one.events is not None
            assert happening is not None
            body = body_for(self.context(shop, one.client_id), one.events, happening)
            if body is not None:
                made = self.event(shop, one, happening.action, json_body(body), event_id=event_id, resource_id=happening.gid)
                self.queue.put(made)

    def _leave(self, shop: Shop, change: Change) -> None:
        """Clean up after an uninstalled app: its subscriptions end, and in 48 hours it is told to forget the shop."""
        assert change.client_id is not None
        table = shop.table("WebhookSubscription")
        for row in [row for row in table if row["_client_id"] == change.client_id]:
            table.remove(row.number)
        with self._cond:
            self._redactions.append((self.queue.now_s() + REDACT_AFTER_S, shop.domain, change.client_id))
            self._start_thread()
            self._cond.notify_all()

    # Payloads

    def context(self, shop: Shop, client_id: str) -> Context:
        """Return what builders of payloads need: a request on a shop that nobody made, with an app's own access."""
        scopes = frozenset(self.world.scopes_of(client_id, shop.domain) or ())
        return Context(self.world, shop, Grant("", shop.domain, client_id, scopes), executable(LATEST), "")

    def payload_of(self, shop: Shop, change: Change, client_id: str) -> Payload:
        """Build the payload of a change."""
        ctx = self.context(shop, client_id)
        if change.topic == "app/scopes_update" and "current" not in change.payload:
            return self._scopes(ctx, change)
        return payloads.full(ctx, change.topic, change.payload)

    def _scopes(self, ctx: Context, change: Change) -> Payload:
        """Say which scopes an app had when it was last told, and which it has now."""
        client_id = change.client_id or ctx.grant.client_id
        known = ctx.shop.state.setdefault(SCOPES, {})
        current = self.world.scopes_of(client_id, ctx.shop.domain) or []
        previous = known.get(client_id) or sorted({*current, *self.world.apps[client_id].scopes})
        known[client_id] = current
        return payloads.shops.scopes_payload(ctx, client_id, previous, current)

    def _webhook(self, shop: Shop, one: Subscription, change: Change, payload: Payload, event_id: str) -> Delivery:
        whole = payloads.with_metafields(self.context(shop, one.client_id), payload, one.metafield_namespaces, one.metafields)
        kept = only_fields(whole, [*one.include_fields, "metafields"]) if one.include_fields else whole
        body = xml_body(kept, resource_of(change.topic).removesuffix("s")) if one.format == "XML" else json_body(kept)
        return self.webhook(shop, one, change.topic, body, event_id=event_id)

    # Deliveries

    def webhook(self, shop: Shop, one: Subscription, topic: str, body: bytes, *, event_id: str | None = None) -> Delivery:
        """Make a delivery of a webhook; it is not on its way yet."""
        made = self._delivery(shop, one, topic, body, event_id)
        made.headers = webhook_headers(
            topic=topic,
            shop_domain=shop.domain,
            version=self._version(one),
            webhook_id=made.webhook_id,
            triggered_at=made.triggered_at,
            event_id=made.event_id,
            name=one.name,
        )
        return made

    def event(
        self,
        shop: Shop,
        one: Subscription,
        action: str,
        body: bytes,
        *,
        event_id: str | None = None,
        resource_id: str = "",
    ) -> Delivery:
        """Make a delivery of the Events family; it is not on its way yet."""
        assert one.events is not None
        made = self._delivery(shop, one, one.events.topic, body, event_id)
        made.family = "events"
        made.headers = events_headers(
            topic=one.events.topic,
            action=action,
            handle=one.events.handle,
            shop_domain=shop.domain,
            version=self._version(one),
            webhook_id=made.webhook_id,
            triggered_at=made.triggered_at,
        )
        if self.queue.plan.legacy_events_headers:
            made.headers |= {"shopify-event-id": made.event_id, "shopify-resource-id": resource_id}
        return made

    def _version(self, one: Subscription) -> str:
        chosen = one.events.api_version if one.events is not None else None
        app = self.world.apps.get(one.client_id)
        return served_version(chosen or (app.webhook_api_version if app is not None else None) or LATEST)

    def _delivery(self, shop: Shop, one: Subscription, topic: str, body: bytes, event_id: str | None) -> Delivery:
        return Delivery(
            number=self.queue.next_number(),
            subscription=one.id,
            client_id=one.client_id,
            shop_domain=shop.domain,
            topic=topic,
            address=one.uri,
            body=body,
            webhook_id=str(uuid.uuid4()),
            event_id=event_id or str(uuid.uuid4()),
            triggered_at=precise(self.world.clock.now()),
            due_s=self.queue.now_s(),
            round=self.queue.round,
            size_bytes=len(body),
        )

    # Changes outside of requests, and what time brings

    def _start_thread(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._cond:
                domains, due = list(self._noted), self._due_redactions()
                if not domains and not due:
                    self._cond.wait(1.0 if self._redactions else None)
                    continue
            for domain, client_id in due:
                self._redact(domain, client_id)
            for domain in domains:
                self._collect_domain(domain)

    def _collect_domain(self, domain: str) -> None:
        shop = self.world.shops.get(domain)
        if shop is None:
            with self._cond:
                self._noted.pop(domain, None)
            return
        with shop.lock:
            self.collect(shop)

    def _due_redactions(self) -> list[tuple[str, str]]:
        now_s = self.queue.now_s()
        due = [(domain, client_id) for at_s, domain, client_id in self._redactions if at_s <= now_s]
        self._redactions = [one for one in self._redactions if one[0] > now_s]
        return due

    def _redact(self, domain: str, client_id: str) -> None:
        """Tell an app to forget a shop, unless it was installed again."""
        shop = self.world.shops.get(domain)
        if shop is not None and self.world.scopes_of(client_id, shop.domain) is None:
            with shop.lock:
                shop.emit("shop/redact", {"shop_id": shop.number, "shop_domain": shop.domain}, client_id=client_id)
