"""Instants as the JSON API writes them, and waiting."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_kit.clock import ManualClock, iso, monotonic_s, sleep

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(2000, 1, 2), datetime(2100, 1, 1), timezones=ZONES)


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        pytest.param(datetime(2026, 11, 1, 12, 0, tzinfo=UTC), "2026-11-01T12:00:00Z", id="utc"),
        pytest.param(datetime(2026, 11, 1, 12, 0, 0, 999_999, tzinfo=UTC), "2026-11-01T12:00:00Z", id="fractions are cut"),
        pytest.param(
            datetime(2026, 11, 1, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))), "2026-10-31T20:00:00Z", id="zone"
        ),
    ],
)
def test_instant_is_written_in_utc(instant: datetime, text: str) -> None:
    assert iso(instant) == text


@given(INSTANTS)
def test_written_instant_is_the_same_second(instant: datetime) -> None:
    assert datetime.fromisoformat(iso(instant)) == instant.astimezone(UTC).replace(microsecond=0)


@pytest.mark.parametrize("seconds", [-5.0, 0.0], ids=["in the past", "no time"])
def test_waiting_for_what_is_over_takes_no_time(seconds: float) -> None:
    begun = time.monotonic()

    sleep(seconds)

    assert time.monotonic() - begun < 0.5


def test_waiting_takes_the_time_asked_for() -> None:
    begun = monotonic_s()

    sleep(0.05)

    assert 0.05 <= monotonic_s() - begun < 1.0


@given(st.lists(st.floats(0, 1e6), max_size=5))
def test_clock_of_tests_moves_exactly_as_told(steps: list[float]) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    clock = ManualClock(start)

    for seconds in steps:
        clock.advance(seconds)

    assert clock.monotonic_s() == sum(steps)
    assert clock.now() == sum((timedelta(seconds=seconds) for seconds in steps), start)
