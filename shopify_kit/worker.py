"""A worker: threads that take jobs out of the lanes, do them, and keep the house in order.

One thread dispatches: it claims as many lanes as there are idle hands, renews leases, wakes sleepers, frees the lanes of workers
that are gone, gives out the runs of schedules. The hands do one lane at a time, so that a resource that is stuck holds one hand
and no other resource; a hand that takes long gets a stand-in. A hand that exceeds its deadline is given up: its job is put to
sleep under the same lease; what it still does is not stored.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, runtime_checkable

from cronsim import CronSim
from loguru import logger
from msgspec import Struct

from shopify_kit.clock import Clock
from shopify_kit.database import Database
from shopify_kit.errors import DatabaseUnavailable, IntegrationError
from shopify_kit.jobs import MAX_ATTEMPTS, Effect, Job, Lanes, LeaseLost
from shopify_kit.runtime import Lock, StopEvent, start_daemon

POLL_S: Final = 0.5
BUSY_POLL_S: Final = 0.02
RENEW_EVERY_S: Final = 3.0
TEND_EVERY_S: Final = 1.0
DOOR_EVERY_S: Final = 5.0
RING_EVERY_S: Final = 10.0
RING_SHARE: Final = 0.02
"""How much of the time may go into looking for lost doorbells, which reads everything that waits."""
SWEEP_EVERY_S: Final = 300.0
DEADLINE_S: Final = 60.0
SLOW_S: Final = 2.0
WAITS_S: Final = 1.0
HANDS: Final = 4
MOST_STAND_INS: Final = 12
STOP_S: Final = 8.0
ERROR_CHARS: Final = 500
EXHAUSTED: Final = "attempts_exhausted"

Outcome = Effect | None
Doer = Callable[[Job], "Outcome"]
Schedule = tuple[str, Effect]


@runtime_checkable
class Mourner(Protocol):
    """A doer that has something to store when one of its jobs is given up."""

    def buried(self, job: Job, reason: str, error: str) -> Effect:
        """Return what to store with a job that will not be tried again."""


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
        doers: kind of job → `function(job) -> effect | None`; it runs in a thread, outside any transaction. It may raise `Parked`
            or an error of ours that is not retryable (never again), or anything else (again later). The effect is stored in the
            transaction that marks the job done. A doer that is a `Mourner` says what is stored with a job that is given up.
        schedules: name → (cron text, effect): run once across all workers per slot, in the transaction that takes the slot; it
            puts jobs in lanes. A run that was missed while no worker ran is made up for once.
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
        self._ready: deque[tuple[Job, float]] = deque()
        self._hands: list[_Hand] = []
        self._hand_count = hands
        self._wanted_hands = hands
        self._stop = StopEvent()
        self._wake = StopEvent()
        self._work = StopEvent()
        self._due: dict[str, float] = {}
        self._next_slots: dict[str, datetime] = {}
        self._is_started = False
        self.ended = StopEvent()

    # From outside

    def start(self) -> None:
        """Begin to work on threads of this process."""
        self._is_started = True
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
        if not self._is_started:
            self.ended.set()
        self.ended.wait(timeout_s)

    def run_until_idle(self, limit: int = 1_000_000) -> int:
        """Do what waits, in the calling thread, until nothing is at the door; returns how many jobs were done."""
        done = 0
        self.lanes.wake_and_reap()
        while done < limit and (jobs := self.lanes.claim(self._hand_count)):
            for index, job in enumerate(jobs):
                if index:
                    self.lanes.renew(jobs[index:])
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
            idle = sum(1 for hand in self._hands if hand.job is None)
            free = 2 * idle - len(self._ready)
        if free <= 0:
            return 0
        jobs = self.lanes.claim(free)
        if jobs:
            now = self._clock.monotonic_s()
            with self._lock:
                self._ready.extend((job, now) for job in jobs)
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
            self._add_stand_ins()
            self._give_back_what_waits()
        if self._is_due("door", DOOR_EVERY_S):
            self.lanes.move_door()
        if self._is_due("ring", RING_EVERY_S):
            self._ring_forgotten()
        if self._is_due("sweep", SWEEP_EVERY_S):
            self.lanes.sweep()

    def _renew(self) -> None:
        with self._lock:
            held = [job for job, _ in self._ready] + [hand.job for hand in self._hands if hand.job is not None]
        if held:
            self.lanes.renew(held)

    def _ring_forgotten(self) -> None:
        started_s = self._clock.monotonic_s()
        self.lanes.ring_forgotten()
        now = self._clock.monotonic_s()
        self._due["ring"] = max(self._due["ring"], now + (now - started_s) / RING_SHARE)

    def _give_out_slots(self) -> None:
        now = self._clock.now()
        for name, (cron, effect) in self._schedules.items():
            slot = self._next_slots.get(name) or self._first_slot(name, cron, now)
            if slot <= now:
                self.lanes.take_slot(name, slot, effect)
                slot = next_slot(cron, now)
            self._next_slots[name] = slot

    def _first_slot(self, name: str, cron: str, now: datetime) -> datetime:
        """Return the run that is due when a worker begins: the latest one, where it was missed, else the next."""
        last, latest = self.lanes.last_slot(name), latest_slot(cron, now)
        return latest if last is not None and last < latest else next_slot(cron, now)

    def _give_up_late_hands(self) -> None:
        now = self._clock.monotonic_s()
        with self._lock:
            late = [(hand, hand.job) for hand in self._hands if hand.job and now - hand.since_s > self._deadline_s]
            for hand, _ in late:
                hand.given_up = True
                self._hands.remove(hand)
        for _, job in late:
            logger.error("Shopify worker: a {} took longer than {:g} s and is given up", job.kind, self._deadline_s)
            self._after_failure(job, f"took longer than {self._deadline_s:g} s")

    def _add_stand_ins(self) -> None:
        """Keep as many hands as there are to be, beside those that have been at one job for long."""
        now = self._clock.monotonic_s()
        with self._lock:
            slow = sum(1 for hand in self._hands if hand.job is not None and now - hand.since_s > SLOW_S)
            self._wanted_hands = self._hand_count + min(slow, MOST_STAND_INS)
            missing = self._wanted_hands - len(self._hands)
        for _ in range(missing):
            self._add_hand()

    def _give_back_what_waits(self) -> None:
        """Leave to other workers what was claimed and found no hand here."""
        now = self._clock.monotonic_s()
        with self._lock:
            waiting = [job for job, since_s in self._ready if now - since_s > WAITS_S]
            self._ready = deque(entry for entry in self._ready if now - entry[1] <= WAITS_S)
        if waiting:
            self.lanes.give_back(waiting)

    def _end(self) -> None:
        with self._lock:
            left = [job for job, _ in self._ready]
            self._ready.clear()
        try:
            if left:
                self.lanes.give_back(left)
        except DatabaseUnavailable:
            logger.warning("Shopify worker: the database is away; leases of claimed jobs run out by themselves")
        deadline = self._clock.monotonic_s() + STOP_S
        while any(hand.job is not None for hand in self._hands) and self._clock.monotonic_s() < deadline:
            self._wake.wait(0.05)
            self._wake.clear()
        self.ended.set()

    # Doing

    def _add_hand(self) -> None:
        hand = _Hand()
        with self._lock:
            self._hands.append(hand)
        start_daemon("shopify-worker", lambda: self._labour(hand))

    def _labour(self, hand: _Hand) -> None:
        while not self._stop.is_set() and not hand.given_up and not self._is_spare(hand):
            job = self._next_ready(hand)
            if job is None:
                self._work.wait(POLL_S)
                self._work.clear()
                continue
            try:
                self._do_lane(job, hand)
            except Exception as error:
                logger.error("Shopify worker: unexpected {} while a {} was done", type(error).__name__, job.kind)
            hand.job = None
            self._wake.set()

    def _is_spare(self, hand: _Hand) -> bool:
        """Say whether a hand may go, since those that it stood in for are back."""
        with self._lock:
            if len(self._hands) <= self._wanted_hands or hand not in self._hands:
                return False
            self._hands.remove(hand)
            return True

    def _next_ready(self, hand: _Hand) -> Job | None:
        with self._lock:
            if not self._ready:
                return None
            job, _ = self._ready.popleft()
            hand.job, hand.since_s = job, self._clock.monotonic_s()
            if self._ready:
                self._work.set()
            return job

    def _do_lane(self, job: Job, hand: _Hand) -> int:
        """Do a lane's jobs one after the other; returns how many."""
        count = 0
        following: Job | None = job
        while following is not None:
            if count and (self._stop.is_set() or hand.given_up):
                self.lanes.give_back([following])
                break
            with self._lock:
                hand.job, hand.since_s = following, self._clock.monotonic_s()
            following = self._do(following, hand)
            count += 1
        return count

    def _do(self, job: Job, hand: _Hand) -> Job | None:
        """Do one job and store what it brought; returns the next of its lane, which is begun."""
        if job.attempt > MAX_ATTEMPTS:
            self._bury(job, EXHAUSTED, "its worker ended each time")
            return None
        try:
            effect = self._doers[job.kind](job)
        except Parked as parked:
            self._bury(job, parked.reason, parked.error, parked.effect)
        except Exception as error:
            if not hand.given_up:
                self._after_failure(job, describe(error), error)
        else:
            return None if hand.given_up else self._finish(job, effect)
        return None

    def _finish(self, job: Job, effect: Effect | None) -> Job | None:
        try:
            return self.lanes.finish(job, effect)
        except LeaseLost:
            logger.warning("Shopify worker: another worker took over a {} after its lease ran out", job.kind)
        except DatabaseUnavailable as error:
            logger.warning("Shopify worker: {}", error.message)
        except Exception as error:
            self._after_failure(job, describe(error), error)
        return None

    def _bury(self, job: Job, reason: str, error: str, effect: Effect | None = None) -> None:
        logger.warning("Shopify worker: {} is given up at attempt {}: {} {}", job.kind, job.attempt, reason, error[:200])
        try:
            self.lanes.bury(job, reason, error[:ERROR_CHARS], effect or self._last_words(job, reason, error))
        except (LeaseLost, DatabaseUnavailable):
            logger.warning("Shopify worker: a {} to be given up was not; it comes again", job.kind)

    def _last_words(self, job: Job, reason: str, error: str) -> Effect | None:
        doer = self._doers.get(job.kind)
        return doer.buried(job, reason, error[:ERROR_CHARS]) if isinstance(doer, Mourner) else None

    def _after_failure(self, job: Job, text: str, error: Exception | None = None) -> None:
        """Try again later, unless that is said never to help or was tried often enough."""
        if isinstance(error, IntegrationError) and not error.retryable:
            self._bury(job, error.code, text)
        elif job.attempt >= MAX_ATTEMPTS:
            self._bury(job, EXHAUSTED, text)
        else:
            after_s = (error.retry_after_s if isinstance(error, IntegrationError) else None) or 0.0
            logger.warning("Shopify worker: {} failed at attempt {} ({}); again later", job.kind, job.attempt, text[:200])
            with suppress(LeaseLost, DatabaseUnavailable):
                self.lanes.retry(job, text[:ERROR_CHARS], after_s=after_s)


def describe(error: BaseException) -> str:
    """Name an error for the log and the dead letters: ours by its sentence, foreign ones by class, for their text may hold data."""
    return error.message if isinstance(error, IntegrationError) else type(error).__name__


def next_slot(cron: str, after: datetime) -> datetime:
    """Return the first instant of a cron text (UTC) after an instant."""
    slot: datetime = next(CronSim(cron, after.astimezone(UTC)))
    return slot.astimezone(UTC)


def latest_slot(cron: str, until: datetime) -> datetime:
    """Return the last instant of a cron text (UTC) up to an instant."""
    minute = until.astimezone(UTC).replace(second=0, microsecond=0)
    slot: datetime = next(CronSim(cron, minute + timedelta(minutes=1), reverse=True))
    return slot.astimezone(UTC)
