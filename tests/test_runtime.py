"""Threads, event loops, and what happens to them in a fork."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import pytest

from shopify_kit.runtime import Handoff, LoopStopped, LoopThread, PerProcess, find_running, map_in_threads, start_daemon

request_name: ContextVar[str] = ContextVar("request_name", default="")


@pytest.fixture
def loop_thread() -> Iterator[LoopThread]:
    thread = LoopThread("test-loop")
    yield thread
    thread.stop()


@pytest.fixture
def handoff(loop_thread: LoopThread) -> Handoff:
    return loop_thread.handoff


@contextmanager
def running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A host's own loop, run by a host's own thread."""
    loop = asyncio.new_event_loop()
    is_running = threading.Event()
    loop.call_soon(is_running.set)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    is_running.wait()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def blocked(handoff: Handoff) -> Iterator[None]:
    """Keep the loop from doing anything."""
    is_blocked, may_go_on = threading.Event(), threading.Event()

    async def block() -> None:
        is_blocked.set()
        may_go_on.wait()

    blocker = threading.Thread(target=lambda: handoff.run(block, timeout_s=60))
    blocker.start()
    is_blocked.wait()
    try:
        yield
    finally:
        may_go_on.set()
        blocker.join()


def test_a_thread_gets_the_result_of_a_coroutine(handoff: Handoff) -> None:
    async def add(left: int, right: int) -> int:
        await asyncio.sleep(0)
        return left + right

    assert handoff.run(lambda: add(1, 2), timeout_s=5) == 3


def test_a_thread_gets_the_error_of_a_coroutine(handoff: Handoff) -> None:
    async def fail() -> None:
        raise KeyError("shop")

    with pytest.raises(KeyError, match="shop"):
        handoff.run(fail, timeout_s=5)


def test_a_coroutine_sees_the_context_variables_of_its_caller(handoff: Handoff) -> None:
    async def read() -> str:
        return request_name.get()

    token = request_name.set("GET /products")

    assert handoff.run(read, timeout_s=5) == "GET /products"
    request_name.reset(token)


def test_fifty_threads_each_get_their_own_results(handoff: Handoff) -> None:
    async def echo(value: int) -> int:
        await asyncio.sleep(0)
        return value

    def call_often(first: int) -> list[int]:
        return [handoff.run(lambda value=value: echo(value), timeout_s=10) for value in range(first, first + 100)]  # type: ignore[misc]

    results = map_in_threads(call_often, range(0, 5000, 100), max_threads=50)

    assert [value for batch in results for value in batch] == list(range(5000))


def test_what_takes_too_long_is_cancelled(handoff: Handoff) -> None:
    was_cancelled = threading.Event()

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            was_cancelled.set()
            raise

    with pytest.raises(TimeoutError):
        handoff.run(wait_for_ever, timeout_s=0.05)
    assert was_cancelled.is_set()


def test_what_finishes_while_it_is_cancelled_counts(handoff: Handoff) -> None:
    """A commit that got through is not reported as a failure."""

    async def finish_anyway() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "committed"
        return "never"

    assert handoff.run(finish_anyway, timeout_s=0.05) == "committed"


def test_a_clean_up_that_hangs_is_interrupted(handoff: Handoff) -> None:
    was_interrupted = threading.Event()

    async def hang_twice() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            try:
                await asyncio.Event().wait()
            finally:
                was_interrupted.set()

    with pytest.raises(TimeoutError, match="may still end either way"):
        handoff.run(hang_twice, timeout_s=0.05)
    assert was_interrupted.wait(5)


def test_what_the_caller_gave_up_waiting_for_never_starts(handoff: Handoff) -> None:
    has_started = threading.Event()

    async def start() -> None:
        has_started.set()

    async def nothing() -> None:
        pass

    with blocked(handoff), pytest.raises(TimeoutError):
        handoff.run(start, timeout_s=0.05)
    handoff.run(nothing, timeout_s=5)

    assert not has_started.is_set()


def test_a_call_from_the_loops_own_thread_is_refused(handoff: Handoff) -> None:
    async def inner() -> None:
        pass

    async def outer() -> None:
        handoff.run(inner, timeout_s=5)

    with pytest.raises(RuntimeError, match="own thread"):
        handoff.run(outer, timeout_s=5)


def test_work_in_flight_ends_when_the_loop_is_stopped(loop_thread: LoopThread) -> None:
    has_begun = threading.Event()

    async def wait_for_ever() -> None:
        has_begun.set()
        await asyncio.Event().wait()

    def stop() -> None:
        has_begun.wait()
        loop_thread.stop()

    stopper = start_daemon("stopper", stop)

    with pytest.raises(LoopStopped):
        loop_thread.handoff.run(wait_for_ever, timeout_s=30)
    stopper.join()


def test_a_stopped_loop_says_so_at_once(loop_thread: LoopThread) -> None:
    async def nothing() -> None:
        pass

    loop_thread.stop()
    loop_thread.stop()

    assert not loop_thread.handoff.is_alive()
    with pytest.raises(LoopStopped):
        loop_thread.handoff.run(nothing, timeout_s=5)


def test_work_runs_on_a_loop_of_the_hosts_own_thread() -> None:
    async def which_loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    with running_loop() as loop:
        handoff = find_running(loop)

        assert handoff is not None
        assert handoff.run(which_loop, timeout_s=5) is loop


def test_a_hosts_loop_that_stops_is_noticed_by_who_waits() -> None:
    async def stop_and_wait() -> None:
        asyncio.get_running_loop().stop()
        await asyncio.Event().wait()

    with running_loop() as loop:
        handoff = find_running(loop)
        assert handoff is not None

        with pytest.raises(LoopStopped):
            handoff.run(stop_and_wait, timeout_s=30)
        assert not handoff.is_alive()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))


def test_a_loop_that_no_other_thread_runs_is_not_taken_for_running() -> None:
    async def look_from_inside(loop: asyncio.AbstractEventLoop) -> Handoff | None:
        return find_running(loop)

    loop = asyncio.new_event_loop()

    assert find_running(loop) is None
    assert loop.run_until_complete(look_from_inside(loop)) is None
    loop.close()
    assert find_running(loop) is None


def test_many_threads_make_one_value_per_process() -> None:
    made: list[object] = []
    barrier = threading.Barrier(20)

    def make() -> object:
        made.append(object())
        return made[-1]

    held = PerProcess(make)

    def get(_: int) -> object:
        barrier.wait()
        return held.get()

    assert held.peek() is None
    assert set(map_in_threads(get, range(20), max_threads=20)) == {made[0]}
    assert len(made) == 1


def test_a_dropped_value_is_made_again_and_only_once() -> None:
    held = PerProcess(object)
    first = held.get()

    assert held.drop(first)
    assert not held.drop(first)
    assert held.get() is not first


def test_a_value_that_could_not_be_made_is_tried_again() -> None:
    answers: Iterator[ConnectionError | str] = iter([ConnectionError("away"), "here"])

    def make() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    held = PerProcess(make)

    with pytest.raises(ConnectionError):
        held.get()
    assert held.get() == "here"


FORK_SCRIPT = """
import asyncio, os, threading
from shopify_kit.runtime import LoopThread, PerProcess, find_running

async def pid():
    return os.getpid()

threads = PerProcess(lambda: LoopThread("loop"))
assert threads.get().handoff.run(pid, timeout_s=5) == os.getpid()
hosts = LoopThread("host")._loop

# A lock that another thread holds while the process forks.
lock_taken, may_release = threading.Event(), threading.Event()
def hold():
    with threads._lock():
        lock_taken.set()
        may_release.wait()
threading.Thread(target=hold, daemon=True).start()
lock_taken.wait()

child = os.fork()
if child == 0:
    assert hosts.is_running() and find_running(hosts) is None, "an inherited loop is not running"
    assert threads.peek() is None
    assert threads.get().handoff.run(pid, timeout_s=5) == os.getpid()
    raise SystemExit(0)
_, status = os.waitpid(child, 0)
may_release.set()
assert status == 0, status
assert threads.get().handoff.run(pid, timeout_s=5) == os.getpid()
print("ok")
"""


def test_a_forked_child_makes_its_own_loop() -> None:
    done = subprocess.run([sys.executable, "-c", FORK_SCRIPT], capture_output=True, text=True, timeout=60, check=False)

    assert (done.stdout, done.stderr) == ("ok\n", "")


def test_results_of_parallel_calls_come_in_the_order_of_the_items() -> None:
    gates = [threading.Event() for _ in range(3)]

    def pass_gate(number: int) -> int:
        if number < 2:
            gates[number + 1].wait(5)
        gates[number].set()
        return number * 10

    assert map_in_threads(pass_gate, range(3), max_threads=3) == [0, 10, 20]


def test_the_error_of_a_parallel_call_stops_what_has_not_started() -> None:
    started: list[int] = []

    def fail_at_once_or_take_long(number: int) -> None:
        started.append(number)
        if number == 0:
            raise ValueError("call 0")
        threading.Event().wait(0.3)

    with pytest.raises(ValueError, match="call 0"):
        map_in_threads(fail_at_once_or_take_long, range(1000), max_threads=1)
    assert len(started) <= 2


def test_parallel_calls_see_the_context_variables_of_their_caller() -> None:
    token = request_name.set("POST /sync")

    assert map_in_threads(lambda _: request_name.get(), range(3), max_threads=2) == ["POST /sync"] * 3
    request_name.reset(token)


def test_a_daemon_does_not_keep_the_process_alive() -> None:
    script = "import threading; from shopify_kit.runtime import start_daemon; start_daemon('d', threading.Event().wait)"
    started_at = time.monotonic()

    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)

    assert time.monotonic() - started_at < 30
