"""The cost bucket of one app on one shop, shared between processes through Postgres, so that Shopify need not say THROTTLED.

Shopify demands that the bucket holds the *requested* cost and gives back what was not used. The row repeats that arithmetic on the
database's clock; every answer's `throttleStatus` corrects it. Interactive calls come first: while one waits, and below a reserve,
background calls wait.

Source: shopify.dev/docs/api/usage/limits (read 2026-11); sizes and rates are never assumed beyond the first call.
"""

from __future__ import annotations

import random
from enum import Enum
from typing import Any

from msgspec import Struct

from shopify_kit.clock import monotonic_s, sleep
from shopify_kit.database import Connection, Database
from shopify_kit.errors import Throttled
from shopify_kit.queries import load_queries

FIRST_AVAILABLE = 1000.0
FIRST_MAXIMUM = 2000.0
FIRST_RATE = 100.0
RESERVE_POINTS = 200.0
LONGEST_NAP_S = 1.0

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


class Throttle:
    """Takes points before a call and settles after it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, budget: Budget, points: float, priority: Priority, *, timeout_s: float) -> None:
        """Take `points`, waiting up to `timeout_s` for them.

        Raises:
            Throttled: they will not be there in time; `retry_after_s` says when they will.
        """
        ends_at = monotonic_s() + timeout_s
        while True:
            wait_s = self._database.run(_take, budget, points, priority)
            if wait_s == 0:
                return
            left_s = ends_at - monotonic_s()
            if wait_s > left_s:
                raise Throttled("Shopify's rate limit for this shop is used up; try again later.", retry_after_s=round(wait_s, 1))
            sleep(min(wait_s, left_s, LONGEST_NAP_S) * random.uniform(1.0, 1.1))

    def settle(self, budget: Budget, unused: float, status: ThrottleStatus | None) -> None:
        """Give back what a call took and did not use, and believe what Shopify says is left."""
        self._database.run(_settle, budget, unused, status)


async def _take(conn: Connection, budget: Budget, points: float, priority: Priority) -> float:
    """Return 0 when the points are taken, else the seconds after which to ask again."""
    interactive = priority is Priority.INTERACTIVE
    place = (budget.shop_id, budget.bucket)
    taken = await conn.fetchrow(queries.take_points, *place, points, interactive, RESERVE_POINTS)
    if taken is not None:
        return 0.0
    row = await conn.fetchrow(queries.look_at_bucket, *place, FIRST_AVAILABLE, FIRST_MAXIMUM, FIRST_RATE, interactive)
    assert row is not None
    reserve = 0.0 if interactive else min(RESERVE_POINTS, row["maximum_points"] / 4)
    missing = points + reserve - row["available_points"]
    turn_s = 0.0 if interactive else float(row["interactive_wait_s"] or 0)
    return max(0.005, float(missing / row["restore_rate"]), turn_s)


async def _settle(conn: Connection, budget: Budget, unused: float, status: ThrottleStatus | None) -> None:
    known = (status.available, status.maximum, status.restore_rate) if status is not None else (None, None, None)
    await conn.execute(queries.settle_points, budget.shop_id, budget.bucket, unused, *known)
