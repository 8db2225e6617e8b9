"""The fake store's own time: real time until it is frozen or moved, for deliveries, expiry and cost."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


def iso(instant: datetime) -> str:
    """Write an instant as Shopify does: UTC, `Z`, no fractions (captured: BEHAVIOURS 16)."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_iso(text: str) -> datetime:
    """Read an ISO 8601 instant; one without a zone is UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed


class Clock:
    """Time that a test can freeze, set and advance."""

    def __init__(self) -> None:
        self._offset_s = 0.0
        self._frozen: datetime | None = None

    def now(self) -> datetime:
        """Return the present instant."""
        real = datetime.fromtimestamp(time.time(), UTC)
        return (self._frozen or real) + timedelta(seconds=self._offset_s)

    def iso(self) -> str:
        """Return the present instant as Shopify writes it."""
        return iso(self.now())

    def monotonic_s(self) -> float:
        """Return seconds that never run backwards on their own, moved along with the clock."""
        return self.now().timestamp() if self._frozen else time.monotonic() + self._offset_s

    def advance(self, seconds: float) -> None:
        """Move time forwards."""
        self._offset_s += seconds

    def freeze(self, at: datetime | None = None) -> None:
        """Stop at an instant (now when none is given); `advance` still moves it."""
        self._frozen = at or self.now()
        self._offset_s = 0.0

    def run(self) -> None:
        """Follow real time again, keeping no offset."""
        self._frozen, self._offset_s = None, 0.0
