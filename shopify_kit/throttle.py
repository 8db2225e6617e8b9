"""The cost bucket of one app on one shop, shared between processes through Postgres, so that Shopify need not say THROTTLED.

Shopify demands that the bucket holds the *requested* cost and gives back what was not used. The row repeats that arithmetic on the
database's clock; every answer's `throttleStatus` corrects it.

Who waits, waits in line: the callers of a process one behind the other, and the processes take turns. While an interactive caller
has the turn, the points that come next are its own, so that a large call is not starved by small ones. Background calls have no
turns: they take what nobody waits for, and leave a reserve.

Source: shopify.dev/docs/api/usage/limits (read 2026-11); sizes and rates are never assumed beyond the first call.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from typing import Any, TypeAlias

from msgspec import Struct

from shopify_kit.clock import monotonic_s, sleep
from shopify_kit.database import Connection, Database
from shopify_kit.errors import Throttled
from shopify_kit.queries import load_queries
from shopify_kit.runtime import Lock, PerProcess, ThreadLocal

FIRST_AVAILABLE = 1000.0
FIRST_MAXIMUM = 2000.0
FIRST_RATE = 100.0
RESERVE_POINTS = 200.0
LONGEST_NAP_S = 0.1
SHORTEST_NAP_S = 0.005

queries = load_queries("throttle")


class Priority(Enum):
    """Who waits for whom: a person in front of a screen, or a job."""

    INTERACTIVE = "interactive"
    BACKGROUND = "background"


class Budget(Struct, frozen=True):
    """Which bucket: a shop, and the app that calls (client id, or the token itself where the app is unknown)."""

    shop_id: int
    bucket: str


class ThrottleStatus(Struct, frozen=True):
    """Shopify's `throttleStatus`, in points and points per second."""

    available: float
    maximum: float
    restore_rate: float

    @classmethod
    def of(cls, extensions: dict[str, Any]) -> ThrottleStatus | None:
        """Read `extensions.cost.throttleStatus`; None where the answer has none."""
        status = (extensions.get("cost") or {}).get("throttleStatus")
        if not isinstance(status, dict):
            return None
        return cls(float(status["currentlyAvailable"]), float(status["maximumAvailable"]), float(status["restoreRate"]))


_Key: TypeAlias = tuple[Budget, Priority]


class Taken(Struct, frozen=True):
    """What a call under way took.

    Args:
        points: fewer than were asked for where the bucket cannot hold those.
        taken_at: by the database's clock; no other call of the bucket has the same.
        is_alone: nobody else was under way then.
        began_s: by our own clock.
    """

    asked_points: float
    points: float
    taken_at: datetime
    is_alone: bool
    began_s: float


class Wait(Struct, frozen=True):
    """When to ask again; `turn`: the points that come next are ours."""

    seconds: float
    turn: datetime | None


class Throttle:
    """Takes points before a call and settles after it, in the same thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queues = PerProcess(_Queues)
        self._under_way = ThreadLocal()

    def take(self, budget: Budget, points: float, priority: Priority, *, timeout_s: float) -> None:
        """Take `points`, waiting up to `timeout_s` for them.

        More than the bucket can hold is a guess that is too high: the whole bucket is taken, and the answer will say what it costs.

        Raises:
            Throttled: they will not be there in time; `retry_after_s` says when they will.
        """
        ends_at = monotonic_s() + timeout_s
        with self._queues.get().turn((budget, priority), timeout_s) as queue:
            if queue is None:
                raise _too_late(self._database.run(_look, budget, points, priority, None).seconds)
            queue.let_others_look(ends_at)
            self._under_way.call = self._take(budget, points, priority, ends_at, queue)

    def _take(self, budget: Budget, points: float, priority: Priority, ends_at: float, queue: _Queue) -> Taken:
        turn = None
        while True:
            left_s = max(0.0, ends_at - monotonic_s())
            taken = self._database.run(_take_or_wait, budget, points, priority, turn, left_s)
            if isinstance(taken, Taken):
                return taken
            if taken.seconds > left_s:
                raise _too_late(taken.seconds)
            sleep(min(taken.seconds, LONGEST_NAP_S) * random.uniform(1.0, 1.1))
            turn = taken.turn
            queue.others_look_until_s = monotonic_s() + 1.1 * LONGEST_NAP_S

    def settle(self, budget: Budget, unused: float, status: ThrottleStatus | None) -> None:
        """Give back what this thread's call took and did not use, and believe what Shopify says is left."""
        self._database.run(_settle, budget, unused, status, self._under_way.call)


class _Queue:
    """The callers of this process for the same points, the first of them at work."""

    def __init__(self) -> None:
        self.callers: deque[Any] = deque()
        self.others_look_until_s = 0.0

    def let_others_look(self, ends_at: float) -> None:
        """Give other processes, who look now and then, the time to; else one process that had to wait would have all turns."""
        now = monotonic_s()
        if now < self.others_look_until_s <= ends_at:
            sleep(self.others_look_until_s - now)


class _Queues:
    """Lets one thread of this process at a time ask for the same points, in the order in which they came."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._queues: dict[_Key, _Queue] = {}

    @contextmanager
    def turn(self, key: _Key, timeout_s: float) -> Iterator[_Queue | None]:
        """Wait for this thread's turn; None when it did not come in time."""
        mine = Lock()
        mine.acquire()
        with self._lock:
            queue = self._queues.setdefault(key, _Queue())
            queue.callers.append(mine)
            is_first = queue.callers[0] is mine
        try:
            yield queue if is_first or mine.acquire(timeout=max(0.0, timeout_s)) else None
        finally:
            with self._lock:
                was_first = queue.callers[0] is mine
                queue.callers.remove(mine)
                if was_first and queue.callers:
                    queue.callers[0].release()
                self._forget_idle()

    def _forget_idle(self) -> None:
        now = monotonic_s()
        for key in [key for key, queue in self._queues.items() if not queue.callers and queue.others_look_until_s <= now]:
            del self._queues[key]


def _too_late(wait_s: float) -> Throttled:
    return Throttled("Shopify's rate limit for this shop is used up; try again later.", retry_after_s=max(0.1, round(wait_s, 1)))


async def _take_or_wait(
    conn: Connection, budget: Budget, points: float, priority: Priority, turn: datetime | None, left_s: float
) -> Taken | Wait:
    """Take the points, else find out when to ask again; who can wait so long claims the turn."""
    place = (budget.shop_id, budget.bucket)
    row = await conn.fetchrow(queries.take_points, *place, points, _reserve(priority), turn)
    if row is not None:
        return Taken(points, row["points"], row["taken_at"], row["is_alone"], monotonic_s())
    wait = await _look(conn, budget, points, priority, turn)
    if priority is Priority.BACKGROUND or wait.seconds > left_s:
        return wait
    return Wait(wait.seconds, await conn.fetchval(queries.claim_turn, *place, turn))


async def _look(conn: Connection, budget: Budget, points: float, priority: Priority, turn: datetime | None) -> Wait:
    """Find out when the points can be there."""
    place = (budget.shop_id, budget.bucket)
    row = await conn.fetchrow(queries.look_at_bucket, *place, points, _reserve(priority), turn)
    if row is None:
        await conn.execute(queries.make_bucket, *place, FIRST_AVAILABLE, FIRST_MAXIMUM, FIRST_RATE)
        return Wait(SHORTEST_NAP_S, None)
    others_s = float(row["others_s"] or 0)
    return Wait(max(SHORTEST_NAP_S, float(row["until_enough_s"]), min(others_s, LONGEST_NAP_S)), turn)


def _reserve(priority: Priority) -> float:
    """Return how many points a caller leaves to others."""
    return 0.0 if priority is Priority.INTERACTIVE else RESERVE_POINTS


async def _settle(conn: Connection, budget: Budget, unused: float, status: ThrottleStatus | None, call: Taken) -> None:
    known = (status.available, status.maximum, status.restore_rate) if status is not None else (None, None, None)
    back = unused - (call.asked_points - call.points)
    # A refusal is no estimate: what it says was too little is not there.
    stale_s = monotonic_s() - call.began_s if unused < call.asked_points else 0.0
    heard = (*known, call.is_alone, call.taken_at, stale_s)
    await conn.execute(queries.settle_points, budget.shop_id, budget.bucket, back, *heard)
