"""Threads and event loops: the only file that touches either.

The house is synchronous code in threads; asyncpg alone needs an event loop. `LoopThread` is that loop, `Handoff` is how a thread
has a coroutine run on it (or on a loop that another thread of the host runs, see `find_running`), and `PerProcess` makes such
things once per process and again after a fork. Below stand the thread primitives that the other modules use, so that none of
them imports `threading`. What runs on the loop is the caller's business: this file knows nothing of databases.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from ctypes import py_object, pythonapi
from typing import Any, Generic, TypeVar

try:
    import uvloop
except ImportError:  # Windows
    _new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    _new_event_loop = uvloop.new_event_loop

T = TypeVar("T")
R = TypeVar("R")

Lock = threading.Lock
ThreadLocal = threading.local
StopEvent = threading.Event
Thread = threading.Thread

# For code that runs on the loop: what cancelling raises, a bounded number of places, a pause, a limit that raises TimeoutError.
Cancelled = asyncio.CancelledError
Slots = asyncio.Semaphore
pause = asyncio.sleep
deadline = asyncio.timeout

_LOOK_S = 0.25
_GRACE_S = 1.0
_PROBE_S = 1.0


class LoopStopped(RuntimeError):
    """The loop stopped before the work was seen to end; work in flight may or may not have taken effect."""


class PerProcess(Generic[T]):
    """A value that each process makes for itself, on first use.

    After a fork the child makes its own. What it inherited is never used and never destroyed there, not even at the end of the
    child: a loop's handles share the parent's epoll set, and their destructors would take the parent's connections out of it.

    Args:
        make: called at most once per process at a time, under a lock; when it raises, the next `get` tries again.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._held: tuple[int, T] | None = None
        # A lock that another thread held during the fork stays held in the child, so every process has its own.
        self._locks: dict[int, threading.Lock] = {}
        keep = weakref.WeakMethod(self._keep_inherited)
        os.register_at_fork(after_in_child=lambda: (method := keep()) and method())

    def get(self) -> T:
        """Return this process's value, making it first where needed."""
        held = self._held
        if held is not None and held[0] == os.getpid():
            return held[1]
        return self._made()

    def peek(self) -> T | None:
        """Return this process's value if it has been made."""
        held = self._held
        return held[1] if held is not None and held[0] == os.getpid() else None

    def drop(self, value: T) -> bool:
        """Forget `value` so that the next `get` makes another; False when it was not (or no longer) the one held."""
        with self._lock():
            if self.peek() is not value:
                return False
            self._held = None
            return True

    def _lock(self) -> threading.Lock:
        return self._locks.setdefault(os.getpid(), threading.Lock())

    def _made(self) -> T:
        with self._lock():
            held, pid = self._held, os.getpid()
            if held is not None and held[0] == pid:
                return held[1]
            value = self._make()
            self._held = (pid, value)
            return value

    def _keep_inherited(self) -> None:
        if self._held is not None:
            # A leaked reference: what a variable holds is destroyed when the interpreter ends.
            pythonapi.Py_IncRef(py_object(self._held))


class _Call(Generic[T]):
    """One coroutine on its way to the loop and its outcome on the way back."""

    __slots__ = ("_context", "_error", "_make", "_result", "_task", "done", "withdrawn")

    def __init__(self, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._make = make
        self._context = copy_context()
        self._task: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._result: T
        self.withdrawn = False
        # A bare lock is the cheapest thing a thread can wait for with a timeout.
        self.done = threading.Lock()
        self.done.acquire()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin on the loop, unless the caller has gone."""
        if self.withdrawn:
            self._error = asyncio.CancelledError()
            self.done.release()
        else:
            self._task = loop.create_task(self._perform(), context=self._context)

    def cancel(self) -> None:
        """Cancel on the loop; what has not started is skipped by `start`."""
        if self._task is not None:
            self._task.cancel()

    async def _perform(self) -> None:
        try:
            self._result = await self._make()
        except BaseException as error:
            self._error = error
        finally:
            self.done.release()

    def outcome(self) -> T:
        """Return the result or raise the error, in the caller's thread."""
        error, self._error = self._error, None
        if error is None:
            return self._result
        try:
            if not isinstance(error, asyncio.CancelledError):
                raise error
            if self.withdrawn:
                raise TimeoutError("it was cancelled") from error
            raise LoopStopped("the event loop is being stopped") from error
        finally:
            del error


class Handoff:
    """Hands coroutines from synchronous threads to one running event loop.

    Leaner than `run_coroutine_threadsafe`: calls queue in a list, and a batch of them costs one wake-up of the loop.

    Args:
        loop: runs in another thread of this process.
        thread_ident: that thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, thread_ident: int) -> None:
        self._loop = loop
        self._thread_ident = thread_ident
        self._lock = threading.Lock()
        self._waiting: list[_Call[Any]] = []
        self._is_wakeup_sent = False

    def is_alive(self) -> bool:
        """Tell whether the loop still runs."""
        return self._loop.is_running()

    def run(self, make: Callable[[], Coroutine[Any, Any, T]], *, timeout_s: float) -> T:
        """Run `make()` on the loop and wait for its outcome.

        The coroutine is created on the loop and sees the caller's context variables. When the time is over it is cancelled and
        has one more second to clean up; if it finishes after all, its result counts. One that still waits in the queue is
        withdrawn and never starts.

        Raises:
            TimeoutError: cancelled, or nothing heard from it for `timeout_s` and the second.
            LoopStopped: the loop is closed, stopped meanwhile or is being stopped.
            RuntimeError: called from the loop's own thread, which would wait for itself.
        """
        if threading.get_ident() == self._thread_ident:
            raise RuntimeError(
                "A unit of work was started from the event loop's own thread, which would wait for itself for ever. "
                "Inside a unit await the verb with the connection at hand; inside the host's coroutines use `asyncio.to_thread`."
            )
        call = _Call(make)
        self._submit(call)
        if not self._wait(call, timeout_s) and not self._withdraw(call):
            raise TimeoutError("it was told to end and did not, so it may still end either way")
        return call.outcome()

    def _submit(self, call: _Call[Any]) -> None:
        with self._lock:
            self._waiting.append(call)
            is_first, self._is_wakeup_sent = not self._is_wakeup_sent, True
        if is_first:
            self._tell(self._start_waiting)

    def _tell(self, callback: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError as error:
            raise LoopStopped("the event loop is closed") from error

    def _start_waiting(self) -> None:
        with self._lock:
            calls, self._waiting = self._waiting, []
            self._is_wakeup_sent = False
        for call in calls:
            call.start(self._loop)

    def _wait(self, call: _Call[Any], timeout_s: float) -> bool:
        """Wait until the call is done; False when the time is over."""
        left_s = timeout_s
        while left_s > 0:
            if call.done.acquire(timeout=min(left_s, _LOOK_S)):
                return True
            if not self.is_alive():
                call.withdrawn = True
                raise LoopStopped("the event loop stopped while the work was in flight")
            left_s -= _LOOK_S
        return False

    def _withdraw(self, call: _Call[Any]) -> bool:
        """Cancel the call; True when it ended within the grace.

        The second cancel interrupts a clean-up that hangs, such as a rollback on a server that no longer answers.
        """
        call.withdrawn = True
        self._tell(call.cancel)
        if self._wait(call, _GRACE_S):
            return True
        self._tell(call.cancel)
        return False


class LoopThread:
    """An event loop (uvloop where importable) on a daemon thread, running when the constructor returns.

    Belongs to the process that made it: keep it in a `PerProcess`.
    """

    def __init__(self, name: str) -> None:
        self._loop: asyncio.AbstractEventLoop = _new_event_loop()
        is_running = threading.Event()
        self._loop.call_soon(is_running.set)
        self._thread = start_daemon(name, self._serve)
        is_running.wait()
        self.handoff = Handoff(self._loop, self._thread.ident or 0)

    def stop(self, *, timeout_s: float = 2.0) -> None:
        """Cancel what runs, close the loop and wait up to `timeout_s` for the thread; harmless when repeated."""
        if self._loop.is_running():
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout_s)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()


def find_running(loop: asyncio.AbstractEventLoop) -> Handoff | None:
    """Return the way to a loop that another thread of this process runs at this moment.

    `loop.is_running()` is not enough: it stays True in a forked child, where no thread runs the loop. So a callback is sent
    and has one second to answer.

    Returns: None for a loop that is idle, closed, inherited through a fork, stuck, or run by the calling thread itself.
    """
    if not loop.is_running() or asyncio._get_running_loop() is loop:
        return None
    idents: list[int] = []
    has_answered = threading.Event()

    def answer() -> None:
        idents.append(threading.get_ident())
        has_answered.set()

    try:
        loop.call_soon_threadsafe(answer)
    except RuntimeError:
        return None
    return Handoff(loop, idents[0]) if has_answered.wait(_PROBE_S) else None


def start_daemon(name: str, work: Callable[[], None]) -> Thread:
    """Start `work` on a thread that does not keep the process alive; threads do not survive a fork."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


def at_fork(*, in_parent: Callable[[], None], in_child: Callable[[], None]) -> None:
    """Have two methods called after each fork, as long as their object lives."""
    parent, child = weakref.WeakMethod(in_parent), weakref.WeakMethod(in_child)
    os.register_at_fork(
        after_in_parent=lambda: (method := parent()) and method(), after_in_child=lambda: (method := child()) and method()
    )


def is_pool_child() -> bool:
    """Say whether `multiprocessing` made this process: such a child computes for its parent and serves nobody."""
    loaded: Any = sys.modules.get("multiprocessing.process")
    return loaded is not None and loaded.parent_process() is not None


def map_in_threads(function: Callable[[T], R], items: Iterable[T], *, max_threads: int = 4) -> list[R]:
    """Apply `function` to the items on up to `max_threads` threads; results come in the order of the items.

    Meant for a handful of HTTP calls. Each call sees the caller's context variables. The first error (in the order of the
    items) is raised once the calls that had started are over; the others do not start.
    """
    with ThreadPoolExecutor(max_threads, thread_name_prefix="shopify-parallel") as pool:
        futures = [pool.submit(copy_context().run, function, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
