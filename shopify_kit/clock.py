"""The one place that knows the time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


def monotonic_s() -> float:
    """Return seconds for measuring how long something takes; the machine's own count, whatever clock is in use."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Let the calling thread wait."""
    time.sleep(max(0.0, seconds))


class Clock(Protocol):
    """What the house asks of time."""

    def now(self) -> datetime:
        """Return the present instant, timezone-aware, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds since some point, never running backwards."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Return the present instant, timezone-aware, UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Return seconds since some point, never running backwards."""
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is moved; for tests of the host as well as ours."""

    def __init__(self, at: datetime | None = None) -> None:
        self._at = at or datetime(2026, 1, 1, tzinfo=UTC)
        self._passed_s = 0.0

    def now(self) -> datetime:
        """Return the instant that was set."""
        return self._at

    def monotonic_s(self) -> float:
        """Return the seconds by which the clock was moved."""
        return self._passed_s

    def advance(self, seconds: float) -> None:
        """Move the clock forwards."""
        self._at += timedelta(seconds=seconds)
        self._passed_s += seconds


def iso(instant: datetime) -> str:
    """Write an instant for the JSON API: ISO 8601, UTC, `Z`."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
