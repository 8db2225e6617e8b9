"""The worker inside a web process: one per process, begun with the first request or a few seconds after registration.

A server that forks after it has loaded the app (gunicorn with `--preload`) must not fork in the midst of work. So the wait after
registration ends at a fork: the master then works no more than it serves, and each child waits anew. Children of
`multiprocessing` are the host's own and never begin by themselves.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final

from shopify_kit.runtime import PerProcess, StopEvent, at_fork, is_pool_child, start_daemon
from shopify_kit.worker import Worker

START_AFTER_S: Final = 3.0


class EmbeddedWorker:
    """Keeps one worker running in each process that serves.

    Args:
        make: makes the worker of this process.
        is_on: False where other processes do the work (`SHOPIFY_WORKER=off`).
    """

    def __init__(self, make: Callable[[], Worker], *, is_on: bool, start_after_s: float = START_AFTER_S) -> None:
        self._make = make
        self._is_on = is_on
        self._start_after_s = start_after_s
        self._workers = PerProcess(self._begin)
        self._off = StopEvent()
        self._armed_in: int | None = None
        self._is_armed = False
        at_fork(in_parent=self._disarm, in_child=self._arm_again)

    def arm(self) -> None:
        """Begin in a few seconds, unless a request comes before that or the process forks."""
        if self._is_on and not self._off.is_set():
            self._armed_in, self._is_armed = os.getpid(), True
            start_daemon("shopify-start", self._begin_later)

    def ensure(self) -> None:
        """Begin now, where this process has no worker yet."""
        if self._is_on and self._workers.peek() is None and not self._off.is_set():
            self._workers.get()

    def wake(self) -> None:
        """Say that there is work."""
        worker = self._workers.peek()
        if worker is not None:
            worker.wake()

    @property
    def state(self) -> str:
        """`running`, `idle` (this process has none), or `off`."""
        if not self._is_on:
            return "off"
        worker = self._workers.peek()
        return "running" if worker is not None and not worker.ended.is_set() else "idle"

    def stop(self) -> None:
        """End for good in this process."""
        self._off.set()
        worker = self._workers.peek()
        if worker is not None:
            worker.stop()

    def _begin(self) -> Worker:
        worker = self._make()
        worker.start()
        return worker

    def _begin_later(self) -> None:
        self._off.wait(self._start_after_s)
        if self._armed_in == os.getpid() and not is_pool_child():
            self.ensure()

    def _disarm(self) -> None:
        self._armed_in = None

    def _arm_again(self) -> None:
        """Wait anew in a child; what another thread of the parent held at the fork would stay held here for ever."""
        was_off, self._off = self._off.is_set(), StopEvent()
        if was_off:
            self._off.set()
        elif self._is_armed:
            self.arm()
