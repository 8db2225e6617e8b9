"""How often one caller may ask: a bucket per caller and process."""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

from shopify_kit.clock import Clock
from shopify_kit.errors import RateLimited

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

    def take(self, caller: str) -> Standing:
        """Count one request.

        Raises:
            RateLimited: `retry_after_s` says when the next one is welcome.
        """
        now = self._clock.monotonic_s()
        level, seen_at = self._buckets.pop(caller, (self._capacity, now))
        level = min(self._capacity, level + (now - seen_at) * self._rate)
        if level < 1:
            self._buckets[caller] = (level, now)
            after = round((1 - level) / self._rate, 1)
            raise RateLimited("Too many requests; slow down.", retry_after_s=max(1.0, after))
        self._buckets[caller] = (level - 1, now)
        while len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        return Standing(int(level - 1), int((self._capacity - level + 1) / self._rate))
