"""Deliveries waiting, under way and done: sent by threads of their own, retried on the fake's clock, kept within bounds.

Source: shopify.dev/docs/apps/build/webhooks/verify-deliveries (8 retries over 4 hours, original payload and address, a subscription
made through the API is removed after 8 consecutive failures; read 2026-11). Assumed: the failures that count are the 8 retries of
one delivery, as long as no other delivery of the subscription came through meanwhile; what was made before a subscription ended is
still sent.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from dataclasses import replace
from urllib.parse import urlsplit

from fake_shopify.admin.webhook_addresses import kind_of
from fake_shopify.delivery_plan import Plan
from fake_shopify.delivery_records import Delivery
from fake_shopify.delivery_wire import Outcome, Unreachable, post, target_of
from fake_shopify.world import World

MOST_PENDING = 50_000
MOST_PENDING_BYTES = 256 * 2**20
MOST_FINISHED = 5_000
MOST_KEPT_BODIES = 500


class DeliveryQueue:
    """All deliveries of a world. Threads are started when there is something to send."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.plan = Plan()
        self._cond = threading.Condition()
        self._heap: list[tuple[float, int, Delivery]] = []
        self._records: dict[int, Delivery] = {}
        self._finished: deque[Delivery] = deque()
        self._came_through_s: dict[str, float] = {}
        self._numbers = itertools.count(1)
        self._pending_bytes = self._busy = self._workers = self._round = 0

    def reset(self) -> None:
        """Forget everything; the end of what is under way is not noted any more."""
        with self._cond:
            self._round += 1
            for keep in (self._heap, self._records, self._finished, self._came_through_s):
                keep.clear()
            self.plan = Plan()
            self._numbers = itertools.count(1)
            self._pending_bytes = 0
            self._cond.notify_all()

    def wake(self) -> None:
        """Look at the clock again: it was moved."""
        with self._cond:
            self._cond.notify_all()

    def now_s(self) -> float:
        """The present instant of the fake's clock."""
        return self.world.clock.now().timestamp()

    @property
    def round(self) -> int:
        """Which deliveries count: those made since the last reset."""
        return self._round

    def next_number(self) -> int:
        """Return the number of the next delivery."""
        return next(self._numbers)

    # In

    def put(self, delivery: Delivery) -> None:
        """Put a new delivery on its way, as the plan says."""
        with self._cond:
            if delivery.round != self._round:
                return
            if self.plan.is_dropped():
                self._finish(delivery, "dropped")
                return
            copies = [delivery]
            if self.plan.is_doubled():
                copies.append(replace(delivery, number=self.next_number(), copy_of=delivery.number, attempts=[]))
            for one in copies:
                one.due_s += self.plan.wait_s()
                self._push(one)

    def send_now(self, delivery: Delivery) -> Delivery:
        """Make the first attempt of a delivery at once and in the caller's thread; retries follow by themselves."""
        with self._cond:
            self._records[delivery.number] = delivery
        self._attempt(delivery)
        return delivery

    def _push(self, delivery: Delivery) -> None:
        self._records[delivery.number] = delivery
        if len(self._heap) >= MOST_PENDING or self._pending_bytes + delivery.size_bytes > MOST_PENDING_BYTES:
            self._finish(delivery, "dropped")
            return
        self._pending_bytes += delivery.size_bytes
        heapq.heappush(self._heap, (delivery.due_s, delivery.number, delivery))
        if self._workers < self.plan.concurrency:
            self._workers += 1
            threading.Thread(target=self._work, name="delivery", daemon=True).start()
        self._cond.notify_all()

    def _finish(self, delivery: Delivery, state: str) -> None:
        delivery.state = state
        self._records[delivery.number] = delivery
        self._finished.append(delivery)
        if len(self._finished) > MOST_KEPT_BODIES:
            self._finished[-MOST_KEPT_BODIES - 1].body = b""
        if len(self._finished) > MOST_FINISHED:
            self._records.pop(self._finished.popleft().number, None)

    # Out

    def _pop_due(self) -> Delivery | None:
        if not self._heap or self._heap[0][0] > self.now_s():
            return None
        delivery = heapq.heappop(self._heap)[2]
        self._pending_bytes -= delivery.size_bytes
        return delivery

    def _patience_s(self) -> float | None:
        """How long to wait for the next due delivery; when the clock is moved meanwhile, `wake` ends the wait."""
        return min(1.0, max(0.001, self._heap[0][0] - self.now_s())) if self._heap else None

    def _work(self) -> None:
        while True:
            with self._cond:
                while (delivery := self._pop_due()) is None and self._workers <= self.plan.concurrency:
                    self._cond.wait(self._patience_s())
                if delivery is None:
                    self._workers -= 1
                    return
                self._busy += 1
            try:
                self._attempt(delivery)
            finally:
                with self._cond:
                    self._busy -= 1
                    self._cond.notify_all()

    def _attempt(self, delivery: Delivery) -> None:
        now = self.world.clock.now()
        if delivery.first_s is None:
            delivery.first_s = now.timestamp()
        is_http = kind_of(delivery.address) == "http"
        outcome = self._send(delivery) if is_http else Outcome(None, None, 0.0)
        with self._cond:
            if delivery.round != self._round:
                return
            if not is_http:
                self._finish(delivery, "published")
                return
            delivery.note(outcome, now)
            has_failed = self._settle(delivery, outcome)
        if has_failed:
            self._give_up(delivery)

    def _send(self, delivery: Delivery) -> Outcome:
        app = self.world.apps.get(delivery.client_id)
        headers = delivery.signed_headers(app.signing_secret(self.now_s()) if app is not None else "")
        try:
            target, host = target_of(delivery.address, self.world.deliver), urlsplit(delivery.address).netloc.rpartition("@")[2]
        except (Unreachable, ValueError) as refused:
            return Outcome(None, str(refused), 0.0)
        return post(target, host, headers, delivery.body)

    def _settle(self, delivery: Delivery, outcome: Outcome) -> bool:
        """Decide what follows an attempt; returns whether the delivery has failed for good."""
        now_s = self.now_s()
        if outcome.is_success:
            self._came_through_s[delivery.subscription] = now_s
            self._finish(delivery, "delivered")
            return False
        due_s = delivery.next_due_s(now_s)
        if due_s is None:
            self._finish(delivery, "failed")
            return True
        delivery.state, delivery.due_s = "retrying", due_s
        self._push(delivery)
        return False

    def _give_up(self, delivery: Delivery) -> None:
        """End a subscription of the API whose delivery has failed to the last, unless another one came through since."""
        shop = self.world.shops.get(delivery.shop_domain)
        came_through_s = self._came_through_s.get(delivery.subscription, 0.0)
        if shop is None or not delivery.is_own or came_through_s >= (delivery.first_s or 0.0):
            return
        if delivery.subscription.startswith("gid://"):
            with shop.lock:
                shop.table("WebhookSubscription").remove(int(delivery.subscription.rsplit("/", 1)[-1]))

    # Looking

    def listed(self) -> list[Delivery]:
        """Return what is kept of all deliveries, oldest first."""
        with self._cond:
            return sorted(self._records.values(), key=lambda delivery: delivery.number)

    def wait_until_settled(self, timeout_s: float) -> bool:
        """Wait until nothing is due or under way; returns whether that came about."""
        with self._cond:
            return self._cond.wait_for(self._is_settled, timeout_s)

    def _is_settled(self) -> bool:
        return not self._busy and (not self._heap or self._heap[0][0] > self.now_s())
