"""The leaky bucket of one app on one shop: it must hold the requested cost, and gets back what was not used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Bucket:
    """Points of one app on one shop.

    Captured on development stores: 2000 points, restored at 100 per second (BEHAVIOURS 11). `monotonic_s` is the clock's own count
    of seconds, so that a test's clock fills the bucket.
    """

    maximum: float = 2000.0
    restore_rate: float = 100.0
    available: float = 2000.0
    measured_at_s: float = 0.0

    def _restore(self, monotonic_s: float) -> None:
        # Seconds since 1970 carry an error of a tenth of a microsecond, which must not cost a whole point.
        points = round(max(0.0, monotonic_s - self.measured_at_s) * self.restore_rate, 4)
        self.available = min(self.maximum, self.available + points)
        self.measured_at_s = monotonic_s

    def take(self, points: int, monotonic_s: float) -> bool:
        """Take the requested cost, or refuse and take nothing."""
        self._restore(monotonic_s)
        if points > self.available:
            return False
        self.available -= points
        return True

    def give_back(self, points: int) -> None:
        """Return what the actual cost left of the requested one."""
        self.available = min(self.maximum, self.available + points)

    def status(self, monotonic_s: float) -> dict[str, Any]:
        """Shape of `throttleStatus`; whole numbers, as recorded."""
        self._restore(monotonic_s)
        return {
            "maximumAvailable": int(self.maximum),
            "currentlyAvailable": int(self.available),
            "restoreRate": int(self.restore_rate),
        }
