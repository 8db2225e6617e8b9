"""How many requests of this process may wait at once: a quarter of its threads, so that deliveries always find one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shopify_kit.errors import RateLimited
from shopify_kit.runtime import Lock


class LongPolls:
    """Counts who waits.

    Args:
        threads: of this process's server.
    """

    def __init__(self, threads: int) -> None:
        self._most = max(1, threads // 4)
        self._lock = Lock()
        self._waiting = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait as one of them.

        Raises:
            RateLimited: too many wait already.
        """
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def enter(self) -> None:
        """Begin to wait; `leave` ends it.

        Raises:
            RateLimited: too many wait already.
        """
        with self._lock:
            if self._waiting >= self._most:
                text = "Too many requests wait for bulk operations; ask for the status instead."
                raise RateLimited(text, retry_after_s=5.0)
            self._waiting += 1

    def leave(self) -> None:
        """End waiting."""
        with self._lock:
            self._waiting -= 1
