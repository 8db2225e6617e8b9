"""Walks an iterable on a thread of its own, ahead of whoever uses it, so that waiting on both sides overlaps."""

from __future__ import annotations

import queue
from collections.abc import Generator, Iterable
from contextlib import suppress
from contextvars import copy_context
from typing import Final, Generic, TypeVar

from msgspec import Struct

from shopify_kit.runtime import StopEvent, start_daemon

T = TypeVar("T")

_LOOK_S: Final = 0.25


class _Item(Struct, Generic[T]):
    value: T


class _End(Struct):
    error: BaseException | None


class _Walk(Generic[T]):
    """One walk: the thread's side puts, the user's side takes."""

    def __init__(self, items: Iterable[T], depth: int) -> None:
        self._items = items
        self._line: queue.Queue[_Item[T] | _End] = queue.Queue(depth)
        self._has_left = StopEvent()

    def walk(self) -> None:
        """Put item after item until they end, fail, or nobody takes them."""
        try:
            for item in self._items:
                if not self._put(_Item(item)):
                    return
        except BaseException as error:
            self._put(_End(error))
        else:
            self._put(_End(None))
        finally:
            if isinstance(self._items, Generator):
                self._items.close()

    def _put(self, what: _Item[T] | _End) -> bool:
        while not self._has_left.is_set():
            with suppress(queue.Full):
                self._line.put(what, timeout=_LOOK_S)
                return True
        return False

    def take(self) -> Generator[T, None, None]:
        """Yield the items; raises what ended the walk."""
        try:
            while isinstance(what := self._line.get(), _Item):
                yield what.value
                del what
            if what.error is not None:
                raise what.error
        finally:
            self._has_left.set()


def ahead(items: Iterable[T], *, depth: int = 1) -> Generator[T, None, None]:
    """Yield the items of an iterable that a thread walks, up to `depth` items ahead.

    What the iterable raises is raised here. Closing the generator ends the walk at its next item. The walk sees the caller's
    context variables.
    """
    walk, context = _Walk(items, depth), copy_context()
    start_daemon("shopify-ahead", lambda: context.run(walk.walk))
    return walk.take()
