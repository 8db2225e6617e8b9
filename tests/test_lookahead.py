"""Walking ahead on another thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from contextvars import ContextVar

import pytest

from shopify_kit.lookahead import ahead
from tests.processes import wait_until

mood: ContextVar[str] = ContextVar("mood", default="plain")


def test_items_come_in_order_and_all() -> None:
    assert list(ahead(iter(range(100)), depth=3)) == list(range(100))


def test_the_walk_is_ahead_but_not_far() -> None:
    walked: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            walked.append(number)
            yield number

    with closing(ahead(items(), depth=2)) as taken:
        assert next(taken) == 0
        wait_until(lambda: len(walked) == 4, what="two ahead and one in the hand")

        assert next(taken) == 1
        wait_until(lambda: len(walked) == 5)


def test_what_ends_the_walk_is_raised_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    found: list[int] = []
    with pytest.raises(ValueError, match="broken"):
        found.extend(ahead(items()))

    assert found == [1]


def test_leaving_closes_the_iterable_on_its_thread() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed.set()

    with closing(ahead(items())) as taken:
        next(taken)

    assert closed.wait(5)


def test_the_walk_sees_the_callers_context() -> None:
    mood.set("of the caller")

    assert list(ahead(mood.get() for _ in range(1))) == ["of the caller"]
