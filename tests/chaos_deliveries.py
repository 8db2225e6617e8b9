"""What the chaos test sends: the life of many resources in several shops, in disorder, and again until it is acknowledged.

Everything is drawn from a seed. Per resource versions count up; a few resources are deleted at last. The order in which deliveries
are sent is not the order in which things happened, some are sent twice at the same time, some once more after they were
acknowledged, and whatever is not answered 2xx comes back, as from Shopify.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import http.client
import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.chaos_host import FAMILIES, SECRET

PATH = "/api/shopify/webhooks"
SHOPS = tuple(f"chaos-{name}.myshopify.com" for name in ("amber", "birch", "coral", "delta"))
RESOURCES_PER_SHOP = 45
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
PADDING = "x" * 600
DELETED_SHARE = 0.1
MOVED_SHARE = 0.25
FARTHEST_MOVE = 40
DOUBLED_SHARE = 0.03
REPEATED_SHARE = 0.04
TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery; `version` counts up per resource, and a deletion is its last."""

    webhook_id: str
    shop_domain: str
    family: str
    number: int
    version: int
    is_delete: bool

    @property
    def resource(self) -> str:
        """What it is about, as events name it."""
        return f"{self.family}:{self.number}"

    def request(self) -> tuple[bytes, dict[str, str]]:
        """Write body and headers as Shopify does."""
        instant = EPOCH + timedelta(seconds=self.version)
        facts = {"version": self.version, "serial": self.webhook_id, "myshopify_domain": self.shop_domain, "note": PADDING}
        stamp = {} if self.is_delete else {"updated_at": instant.isoformat()}
        body = json.dumps({"id": self.number, **stamp, **facts}).encode()
        digest = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
        return body, {
            "Content-Type": "application/json",
            "X-Shopify-Topic": f"{self.family}/{'delete' if self.is_delete else 'update'}",
            "X-Shopify-Shop-Domain": self.shop_domain,
            "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
            "X-Shopify-Webhook-Id": self.webhook_id,
            "X-Shopify-Event-Id": f"e-{self.webhook_id}",
            "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Triggered-At": instant.isoformat(),
        }


def plan(count: int, chance: random.Random) -> list[Sent]:
    """Draw `count` deliveries in the disorder in which they are first sent."""
    resources = [
        (shop, chance.choice(FAMILIES), 1000 * shop_number + number)
        for shop_number, shop in enumerate(SHOPS, 1)
        for number in range(RESOURCES_PER_SHOP)
    ]
    lives: dict[tuple[str, str, int], int] = dict.fromkeys(resources, 0)
    happened = [chance.choice(resources) for _ in range(count)]
    last = {resource: index for index, resource in enumerate(happened)}
    deleted = {resource for resource in resources if chance.random() < DELETED_SHARE}
    deliveries = []
    for index, resource in enumerate(happened):
        lives[resource] += 1
        is_delete = resource in deleted and last[resource] == index
        deliveries.append(Sent(f"w-{index:07d}", *resource, lives[resource], is_delete))
    keys = [index + (chance.randrange(FARTHEST_MOVE) if chance.random() < MOVED_SHARE else 0) for index in range(count)]
    return [deliveries[index] for index in sorted(range(count), key=keys.__getitem__)]


@dataclass(slots=True)
class Tally:
    """What the senders saw."""

    acknowledged: set[str] = field(default_factory=set)
    answers: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def note(self, answer: str) -> None:
        """Count an answer, or the lack of one."""
        self.answers[answer] = self.answers.get(answer, 0) + 1


class Senders:
    """Threads that send a plan over a while, and everything again until it is acknowledged.

    Args:
        ports: of servers that take deliveries; each attempt goes to one of them.
        over_s: how long the plan is spread; less time is never taken, more where the servers are not fast enough.
    """

    def __init__(self, deliveries: Sequence[Sent], ports: Sequence[int], *, over_s: float, seed: int, threads: int = 12) -> None:
        self.tally = Tally()
        self._ports = ports
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._open = len(deliveries)
        chance, began = random.Random(seed), time.monotonic()
        self._due: list[tuple[float, int, Sent, bool]] = []
        for index, delivery in enumerate(deliveries):
            at = began + over_s * index / len(deliveries)
            self._due.append((at, 2 * index, delivery, True))
            if chance.random() < DOUBLED_SHARE:
                self._due.append((at, 2 * index + 1, delivery, True))
        heapq.heapify(self._due)
        self._threads = [threading.Thread(target=self._send, args=(random.Random(seed + n),)) for n in range(1, threads + 1)]
        for thread in self._threads:
            thread.start()

    @property
    def is_done(self) -> bool:
        """Whether everything was acknowledged and nothing is to be sent again."""
        with self._lock:
            return len(self.tally.acknowledged) == self._open and not self._due

    def stop(self) -> None:
        """End all threads."""
        self._stop.set()
        for thread in self._threads:
            thread.join(TIMEOUT_S * 2)

    def _send(self, chance: random.Random) -> None:
        connections: dict[int, http.client.HTTPConnection] = {}
        while not self._stop.is_set():
            taken = self._take()
            if taken is None:
                self._stop.wait(0.01)
                continue
            port, (delivery, may_repeat) = chance.choice(self._ports), taken
            answer = attempt(connections, port, delivery)
            self._settle(delivery, answer, chance, may_repeat=may_repeat)
        for connection in connections.values():
            connection.close()

    def _take(self) -> tuple[Sent, bool] | None:
        with self._lock:
            if not self._due or self._due[0][0] > time.monotonic():
                return None
            _, _, delivery, may_repeat = heapq.heappop(self._due)
            return delivery, may_repeat

    def _settle(self, delivery: Sent, answer: str, chance: random.Random, *, may_repeat: bool) -> None:
        now = time.monotonic()
        with self._lock:
            self.tally.note(answer)
            if answer.startswith("2"):
                self.tally.acknowledged.add(delivery.webhook_id)
                if may_repeat and chance.random() < REPEATED_SHARE:
                    self._put_off(delivery, now + chance.uniform(0.0, 3.0), may_repeat=False)
                return
            if answer.startswith("4"):
                self.tally.wrong.append(f"{answer}: {delivery.webhook_id}")
            self._put_off(delivery, now + chance.uniform(0.1, 0.8), may_repeat=may_repeat)

    def _put_off(self, delivery: Sent, at: float, *, may_repeat: bool) -> None:
        heapq.heappush(self._due, (at, 10**9 + sum(self.tally.answers.values()), delivery, may_repeat))


def attempt(connections: dict[int, http.client.HTTPConnection], port: int, delivery: Sent) -> str:
    """Send a delivery once; returns the status, or what went wrong."""
    connection = connections.get(port) or http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    connections[port] = connection
    body, headers = delivery.request()
    try:
        connection.request("POST", PATH, body, headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return type(error).__name__
    return str(answer.status)
