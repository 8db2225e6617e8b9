"""What every clock promises (`shopify_kit.clock.Clock`)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from shopify_kit.clock import Clock, ManualClock, SystemClock, sleep

Pass = Callable[[float], None]
"""Lets so many seconds pass on the clock under test."""


@pytest.fixture(params=["system", "manual"])
def clock_and_pass(request: pytest.FixtureRequest) -> tuple[Clock, Pass]:
    """The clock under test and how its time passes."""
    if request.param == "system":
        return SystemClock(), sleep
    clock = ManualClock()
    return clock, clock.advance


def test_now_is_an_instant_in_utc(clock_and_pass: tuple[Clock, Pass]) -> None:
    clock, _ = clock_and_pass

    assert clock.now().utcoffset() == timedelta(0)


def test_time_passes_alike_on_both_scales(clock_and_pass: tuple[Clock, Pass]) -> None:
    clock, let_pass = clock_and_pass
    at, since_s = clock.now(), clock.monotonic_s()

    let_pass(0.05)

    assert clock.now() - at >= timedelta(seconds=0.04)
    assert clock.monotonic_s() - since_s >= 0.049


def test_monotonic_seconds_never_run_backwards(clock_and_pass: tuple[Clock, Pass]) -> None:
    clock, let_pass = clock_and_pass
    seen = []

    for _ in range(100):
        let_pass(0.0)
        seen.append(clock.monotonic_s())

    assert seen == sorted(seen)
