"""How often one caller may ask: a bucket per caller and process."""

from __future__ import annotations

import math
from collections import OrderedDict

from msgspec import Struct

from shopify_kit.clock import Clock
from shopify_kit.errors import RateLimited
from shopify_kit.runtime import Lock

MAX_CALLERS = 10_000


class Standing(Struct, frozen=True):
    """What is left for a caller: whole requests, and seconds until the bucket is full again."""

    remaining: int
    reset_s: int


class RateLimit:
    """A leaky bucket of `per_minute` requests per caller, refilled evenly; who calls was proved, never read from a header."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._capacity = float(per_minute)
        self._rate = per_minute / 60
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def take(self, caller: str) -> Standing:
        """Count one request.

        Raises:
            RateLimited: `retry_after_s` says when the next one is welcome.
        """
        with self._lock:
            level = self._level_after(caller)
        if level < 0:
            raise RateLimited("Too many requests; slow down.", retry_after_s=max(1.0, -level / self._rate))
        return Standing(int(level), math.ceil((self._capacity - level) / self._rate))

    def _level_after(self, caller: str) -> float:
        """Take one and return what is left; a negative level was not taken and says what is missing."""
        now = self._clock.monotonic_s()
        level, seen_at = self._buckets.pop(caller, (self._capacity, now))
        level = min(self._capacity, level + (now - seen_at) * self._rate)
        self._buckets[caller] = (level - 1 if level >= 1 else level, now)
        while len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        return level - 1
