"""A worker: threads that take jobs out of the lanes, do them, and keep the house in order.

One thread dispatches: it claims as many lanes as there are idle hands, renews leases, wakes sleepers, frees the lanes of workers
that are gone, gives out the runs of schedules. The hands do one lane at a time, so that a resource that is stuck holds one hand
and no other resource. A hand that exceeds its deadline is given up: its job is put to sleep under the same lease, and a fresh
hand takes its place; what it still does is not stored.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cronsim import CronSim
from loguru import logger
from msgspec import Struct

from shopify_kit.clock import Clock
from shopify_kit.database import Database
from shopify_kit.errors import DatabaseUnavailable, IntegrationError
from shopify_kit.jobs import Effect, Job, Lanes, LeaseLost
from shopify_kit.runtime import Lock, StopEvent, start_daemon

POLL_S: Final = 0.5
BUSY_POLL_S: Final = 0.02
RENEW_EVERY_S: Final = 3.0
TEND_EVERY_S: Final = 1.0
DOOR_EVERY_S: Final = 5.0
SWEEP_EVERY_S: Final = 60.0
DEADLINE_S: Final = 60.0
HANDS: Final = 4
ERROR_CHARS: Final = 500

Outcome = Effect | None
Doer = Callable[[Job], "Outcome"]
Schedule = tuple[str, Callable[[], None]]


class Parked(Exception):
    """A job that will never succeed: it is buried at once, `effect` stored with it."""

    def __init__(self, reason: str, error: str = "", effect: Effect | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.error = error
        self.effect = effect


class _Hand(Struct):
    """What one thread is at."""

    job: Job | None = None
    since_s: float = 0.0
    given_up: bool = False


class Worker:
    """Does jobs until it is stopped.

    Args:
        doers: kind of job → `function(job) -> effect | None`; it runs in a thread, outside any transaction, and may raise `Parked`
            (never again) or anything else (again later). The effect is stored in the transaction that marks the job done.
        schedules: name → (cron text, function): run once across all workers per slot; the function should only put jobs in lanes.
        prepare: called before each look for work; brings the schema up to date where that could not be done before.
        hands: threads that do jobs.
    """

    def __init__(
        self,
        database: Database,
        doers: Mapping[str, Doer],
        clock: Clock,
        *,
        schedules: Mapping[str, Schedule] | None = None,
        prepare: Callable[[], object] = lambda: None,
        hands: int = HANDS,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
        self.lanes = Lanes(database, self.name)
        self._doers = doers
        self._clock = clock
        self._schedules = dict(schedules or {})
        self._prepare = prepare
        self._deadline_s = deadline_s
        self._lock = Lock()
        self._ready: deque[Job] = deque()
        self._hands: list[_Hand] = []
        self._hand_count = hands
        self._stop = StopEvent()
        self._wake = StopEvent()
        self._work = StopEvent()
        self._due: dict[str, float] = {}
        self._next_slots: dict[str, datetime] = {}
        self.ended = StopEvent()

    # From outside

    def start(self) -> None:
        """Begin to work on threads of this process."""
        for _ in range(self._hand_count):
            self._add_hand()
        start_daemon("shopify-dispatch", self._dispatch)

    def wake(self) -> None:
        """Say that there is work, so that nobody sleeps to the end of the pause."""
        self._wake.set()

    def stop(self, *, timeout_s: float = 10.0) -> None:
        """Finish what is being done, give back what was only claimed, and end."""
        self._stop.set()
        self._wake.set()
        self._work.set()
        self.ended.wait(timeout_s)

    def run_until_idle(self, limit: int = 1_000_000) -> int:
        """Do what waits, in the calling thread, until nothing is at the door; returns how many jobs were done."""
        done = 0
        self.lanes.wake_and_reap()
        while done < limit:
            jobs = self.lanes.claim(16)
            if not jobs and not self.lanes.claim(16):
                return done
            for job in jobs:
                done += self._do_lane(job, _Hand())
        return done

    # Dispatching

    def _dispatch(self) -> None:
        pause_s = POLL_S
        while not self._stop.is_set():
            try:
                self._prepare()
                claimed = self._claim()
                self._tend()
                pause_s = BUSY_POLL_S if claimed else POLL_S
            except DatabaseUnavailable as error:
                logger.warning("Shopify worker: {}", error.message)
                pause_s = 1.0
            except Exception as error:
                logger.error("Shopify worker: unexpected {} while dispatching", type(error).__name__)
                pause_s = 1.0
            self._wake.wait(pause_s)
            self._wake.clear()
        self._end()

    def _claim(self) -> int:
        with self._lock:
            idle = sum(1 for hand in self._hands if hand.job is None and not hand.given_up)
            free = 2 * idle - len(self._ready)
        if free <= 0:
            return 0
        jobs = self.lanes.claim(free)
        if jobs:
            with self._lock:
                self._ready.extend(jobs)
            self._work.set()
        return len(jobs)

    def _is_due(self, what: str, every_s: float) -> bool:
        now = self._clock.monotonic_s()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every_s
        return True

    def _tend(self) -> None:
        if self._is_due("renew", RENEW_EVERY_S):
            self._renew()
        if self._is_due("tend", TEND_EVERY_S):
            self.lanes.wake_and_reap()
            self._give_out_slots()
            self._give_up_late_hands()
        if self._is_due("door", DOOR_EVERY_S):
            self.lanes.move_door()
        if self._is_due("sweep", SWEEP_EVERY_S):
            self.lanes.ring_forgotten()

    def _renew(self) -> None:
        with self._lock:
            held = [job.fence for job in self._ready] + [hand.job.fence for hand in self._hands if hand.job is not None]
        if held:
            self.lanes.renew(held)

    def _give_out_slots(self) -> None:
        now = self._clock.now()
        for name, (cron, give_out) in self._schedules.items():
            slot = self._next_slots.setdefault(name, next_slot(cron, now))
            if slot <= now:
                self._next_slots[name] = next_slot(cron, now)
                if self.lanes.take_slot(name, slot):
                    give_out()

    def _give_up_late_hands(self) -> None:
        now = self._clock.monotonic_s()
        with self._lock:
            late = [hand for hand in self._hands if hand.job is not None and now - hand.since_s > self._deadline_s]
            for hand in late:
                hand.given_up = True
                self._hands.remove(hand)
        for hand in late:
            assert hand.job is not None
            logger.error("Shopify worker: a {} took longer than {:g} s and is given up", hand.job.kind, self._deadline_s)
            self._after_failure(hand.job, f"took longer than {self._deadline_s:g} s")
            self._add_hand()

    def _end(self) -> None:
        with self._lock:
            left = list(self._ready)
            self._ready.clear()
        try:
            if left:
                self.lanes.give_back(left)
        except DatabaseUnavailable:
            logger.warning("Shopify worker: the database is away; leases of claimed jobs run out by themselves")
        deadline = self._clock.monotonic_s() + 8.0
        while any(hand.job is not None for hand in self._hands) and self._clock.monotonic_s() < deadline:
            self._stop.wait(0.0)
            self._wake.wait(0.05)
        self.ended.set()

    # Doing

    def _add_hand(self) -> None:
        hand = _Hand()
        with self._lock:
            self._hands.append(hand)
        start_daemon("shopify-worker", lambda: self._labour(hand))

    def _labour(self, hand: _Hand) -> None:
        while not self._stop.is_set() and not hand.given_up:
            job = self._next_ready(hand)
            if job is None:
                self._work.wait(POLL_S)
                self._work.clear()
                continue
            self._do_lane(job, hand)
            self._wake.set()

    def _next_ready(self, hand: _Hand) -> Job | None:
        with self._lock:
            if not self._ready:
                return None
            hand.job, hand.since_s = self._ready.popleft(), self._clock.monotonic_s()
            if self._ready:
                self._work.set()
            return hand.job

    def _do_lane(self, job: Job, hand: _Hand) -> int:
        """Do a lane's jobs one after the other; returns how many."""
        count, current = 0, job
        while True:
            hand.job, hand.since_s = current, self._clock.monotonic_s()
            following = self._do(current, hand)
            count += 1
            if following is None or hand.given_up:
                hand.job = None
                return count
            if self._stop.is_set():
                self.lanes.give_back([following])
                hand.job = None
                return count
            current = following

    def _do(self, job: Job, hand: _Hand) -> Job | None:
        try:
            effect = self._doers[job.kind](job)
            return None if hand.given_up else self.lanes.finish(job, effect)
        except LeaseLost:
            logger.warning("Shopify worker: another worker took over a {} after its lease ran out", job.kind)
        except Parked as parked:
            self._bury(job, parked)
        except DatabaseUnavailable as error:
            logger.warning("Shopify worker: {}", error.message)
        except Exception as error:
            if not hand.given_up:
                self._after_failure(job, describe(error), error)
        return None

    def _bury(self, job: Job, parked: Parked) -> None:
        try:
            self.lanes.bury(job, parked.reason, parked.error[:ERROR_CHARS], parked.effect)
        except (LeaseLost, DatabaseUnavailable):
            logger.warning("Shopify worker: a {} to be parked was not; it comes again", job.kind)

    def _after_failure(self, job: Job, text: str, error: Exception | None = None) -> None:
        after_s = error.retry_after_s if isinstance(error, IntegrationError) else None
        try:
            again = self.lanes.retry(job, text[:ERROR_CHARS], after_s=after_s)
        except (LeaseLost, DatabaseUnavailable):
            return
        what = "will be tried again" if again else "is given up"
        logger.warning("Shopify worker: {} failed at attempt {} ({}) and {}", job.kind, job.attempt, text[:200], what)


def describe(error: BaseException) -> str:
    """Name an error for the log and the dead letters: ours by its sentence, foreign ones by class, for their text may hold data."""
    return error.message if isinstance(error, IntegrationError) else type(error).__name__


def next_slot(cron: str, after: datetime) -> datetime:
    """Return the next instant of a cron text (UTC)."""
    found: Any = next(CronSim(cron, after.astimezone(UTC)))
    slot: datetime = found.replace(tzinfo=UTC)
    return slot if slot > after else slot + timedelta(minutes=1)
