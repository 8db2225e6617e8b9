"""Durable work in lanes: in order within a lane, side by side between lanes, by any number of workers on any machines.

A job is a row. It stands at the door in the order of its `turn`; a worker takes jobs off the door and leases their lanes, each with
a fence that grows. Per lane it does the first job, and stores what that brought in one transaction that also deletes the job and
holds the lease, so that a worker whose lease was taken over stores nothing. Attempts are counted before they run. A job that fails
sleeps and its lane waits with it; one that failed too often, or for good, is buried among the dead jobs.

What is in memory (who waits, what is known of the door) may be lost at any time; the rows are the truth. No library that was
measured has all of order per key, fencing, counted crashes and the caller's own transaction (docs/decisions/0006-lanes.md).
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar

from msgspec import Struct

from shopify_kit.database import Connection, Database, Record, Verb
from shopify_kit.errors import DatabaseUnavailable
from shopify_kit.queries import load_queries

MAX_ATTEMPTS: Final = 20
FIRST_PAUSE_S: Final = 2.0
LONGEST_PAUSE_S: Final = 12 * 3600.0
GROWTH: Final = 2.2
LEASE_S: Final = 10.0
MARGIN: Final = 1_000
"""Turns and job ids that may become visible later than ones drawn after them."""
MARGIN_TIME: Final = timedelta(seconds=60)
LOOKS: Final = (1, 8, 128, 1_024, 1_024)
"""How far a claim looks, in jobs for each lane wanted, as long as the lanes it saw were not free."""
MOST_LOOKED_AT: Final = 1_024
DEATHS: Final = 3
"""Attempts that may end with their worker before the job waits between them."""
DEAD_DAYS: Final = 90
SWEEP_ROWS: Final = 500

queries = load_queries("jobs")

T = TypeVar("T")
Effect: TypeAlias = Callable[[Connection], Awaitable[None]]


class Priority:
    """Which jobs stand first at the door."""

    URGENT: Final = 0
    ORDERS: Final = 1
    REST: Final = 2
    COUNT: Final = 3


class Job(Struct, frozen=True):
    """A job that its worker may do now.

    Args:
        lane: what it keeps its order with, within its shop.
        kind: which function does it.
        reference: the row it is about (a delivery), where there is one.
        attempt: 1 for the first.
        fence: the lease under which its effects may be stored.
    """

    shop_id: int
    lane: str
    job_id: int
    kind: str
    reference: int | None
    payload: Mapping[str, Any]
    priority: int
    attempt: int
    created_at: datetime
    fence: int


class Waiting(Struct, frozen=True):
    """How much work there is.

    Args:
        waiting: jobs in all; `asleep` of them wait for another attempt, `leased` lanes are being worked on.
        lag_s: age of the oldest one.
        died_last_hour: how many were given up.
    """

    waiting: int
    asleep: int
    leased: int
    lag_s: float
    died_last_hour: int


def pause_after(attempt: int) -> float:
    """Return the seconds until the next attempt: growing, with jitter, the sum of all of them never below 72 hours."""
    pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * GROWTH ** (attempt - 1))
    return pause_s * random.uniform(1.0, 1.2)


async def add_job(
    conn: Connection,
    kind: str,
    *,
    shop_id: int,
    lane: str,
    reference: int | None = None,
    payload: Mapping[str, Any] | None = None,
    priority: int = Priority.REST,
) -> int:
    """Put work into a lane as part of a unit; returns its id."""
    made = await conn.fetchval(queries.add_job, shop_id, lane, kind, reference, json.dumps(dict(payload or {})), priority)
    return int(made)


async def add_sleeping_job(
    conn: Connection,
    kind: str,
    *,
    shop_id: int,
    lane: str,
    after_s: float,
    payload: Mapping[str, Any] | None = None,
    priority: int = Priority.REST,
) -> None:
    """Put work into a lane that sleeps for a while first, as part of a unit; the lane waits with it."""
    await conn.execute(queries.add_sleeping_job, shop_id, lane, kind, json.dumps(dict(payload or {})), priority, after_s)


async def wake_lane(conn: Connection, shop_id: int, lane: str) -> None:
    """Let a lane's sleeping jobs wake at the next look, as part of a unit."""
    await conn.execute(queries.wake_lane, shop_id, lane)


class LeaseLost(Exception):
    """Another worker holds the lane now; what was done here is not stored."""


class Lanes:
    """One worker's view of the lanes. Its methods are units of work: each is one transaction. Safe to share between threads.

    Args:
        worker: a name for the leases, unique among living workers.
    """

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self._worker = worker
        self._doors = [0] * Priority.COUNT
        self._tended_to: datetime | None = None
        self._doubtful: deque[tuple[int, str]] = deque()

    # Claiming

    def claim(self, limit: int) -> list[Job]:
        """Take jobs off the door and begin the first job of up to `limit` lanes that are free.

        Looks further as long as what stands first at the door belongs to lanes that are not free. Each look is a transaction of its
        own, for two claims that both take further lanes to those they hold may wait for each other.
        """
        jobs: list[Job] = []
        for look in LOOKS:
            window = min(MOST_LOOKED_AT, look * limit)
            begun, looked_at = self._look(limit - len(jobs), window)
            jobs += begun
            if len(jobs) >= limit or looked_at < window:
                break
        return sorted(jobs, key=lambda job: (job.priority, job.job_id))

    def _look(self, limit: int, window: int) -> tuple[list[Job], int]:
        doubtful = [self._doubtful.popleft() for _ in range(len(self._doubtful))]
        try:
            return self._database.run(_claim, self._worker, self._doors, limit, window, doubtful)
        except BaseException:
            self._doubtful.extend(doubtful)
            raise

    def finish(self, job: Job, effect: Effect | None = None) -> Job | None:
        """Store what a job brought and that it is done, and begin the next of its lane; None when nothing is left there.

        Raises:
            LeaseLost: another worker has the lane; nothing is stored.
        """
        return self._end(job, _finish, job, effect)

    def retry(self, job: Job, error: str, *, after_s: float = 0.0) -> None:
        """Put a failed job to sleep; its lane waits with it.

        Args:
            after_s: how long to wait at least, where somebody knows; the pause that is due is never shortened.

        Raises:
            LeaseLost: another worker has the lane; nothing is stored.
        """
        self._end(job, _sleep, job, max(after_s, pause_after(job.attempt)), error)

    def bury(self, job: Job, reason: str, error: str, effect: Effect | None = None) -> None:
        """Give up on a job for good, storing `effect` with it; its lane goes on.

        Raises:
            LeaseLost: another worker has the lane; nothing is stored.
        """
        self._end(job, _bury, job, reason, error, effect)

    def _end(self, job: Job, unit: Verb[T], *args: Any) -> T:
        """Run what ends an attempt. Where it is not known who has the lane now, it is looked into once more.

        After a crash of Postgres the leases are gone, and with them what would free the lane of a worker that is gone too.
        """
        try:
            return self._database.run(unit, *args)
        except (LeaseLost, DatabaseUnavailable):
            self._doubtful.append((job.shop_id, job.lane))
            raise

    def renew(self, jobs: Sequence[Job]) -> set[int]:
        """Prolong the leases of jobs; returns the fences that are still ours."""
        return self._database.run(_renew, list(jobs), LEASE_S)

    def give_back(self, jobs: Sequence[Job]) -> None:
        """Let go of jobs that were claimed and not begun, as at the end of a worker; they keep their place in the lane."""
        self._database.run(_give_back, list(jobs))

    # Housekeeping: any worker, any time

    def wake_and_reap(self) -> None:
        """Wake sleepers whose time has come, and free the lanes of workers that are gone.

        What was due long before the last look is not looked for again until `sweep`: a pinned snapshot keeps all that ever was due
        in the index.
        """
        self._tended_to = self._database.run(_wake_and_reap, self._tended_to)

    def move_door(self) -> None:
        """Look from where on jobs stand at the door, so that a claim need not pass the remains of all that left it.

        A pinned snapshot keeps those remains in the index for ever; each priority has a mark of its own, since what waits in one
        must not keep the others at the beginning. The margin is for jobs whose transaction drew its turn early and commits late;
        `ring_forgotten` finds what is even later.
        """
        firsts, last = self._database.run(_first_turns, self._doors)
        # A standby that took over may not have seen the latest turns and gives them out again.
        marks = [(min(door, last), last if first is None else first) for door, first in zip(self._doors, firsts, strict=True)]
        self._doors = [max(door, ahead - MARGIN) for door, ahead in marks]

    def ring_forgotten(self) -> None:
        """Put lanes at the door whose doorbell was lost, with a worker that was killed between two transactions."""
        self._database.run(_ring_forgotten, self._doors)

    def sweep(self) -> None:
        """Forget the long dead and old runs of schedules, and have the next look for what is due go back to the beginning."""
        self._tended_to = None
        self._database.run(_sweep)

    def waiting(self) -> Waiting:
        """Count what waits."""
        return self._database.run(_waiting)

    # Schedules

    def last_slot(self, name: str) -> datetime | None:
        """Return the run of a schedule that was given out last, by any worker."""
        return self._database.run(_last_slot, name)

    def take_slot(self, name: str, slot: datetime, effect: Effect | None = None) -> bool:
        """Take a run of a schedule and store `effect` with that: True once across all workers."""
        return self._database.run(_take_slot, name, slot, effect)


# Units


def _job(row: Record, fence: int) -> Job:
    return Job(
        row["shop_id"],
        row["lane"],
        row["job_id"],
        row["kind"],
        row["reference"],
        json.loads(row["payload"]),
        row["priority"],
        row["attempts"],
        row["created_at"],
        fence,
    )


async def _claim(
    conn: Connection, worker: str, doors: list[int], limit: int, window: int, doubtful: list[tuple[int, str]]
) -> tuple[list[Job], int]:
    if doubtful:
        await conn.execute(queries.ring_lanes, [shop for shop, _ in doubtful], [lane for _, lane in doubtful])
    rows = await conn.fetch(queries.take_doors, doors, limit, window, worker, LEASE_S)
    fences = {(row["shop_id"], row["lane"]): row["fence"] for row in rows if row["fence"] is not None}
    return await _begin(conn, fences), rows[0]["looked_at"]


async def _begin(conn: Connection, fences: dict[tuple[int, str], int]) -> list[Job]:
    """Begin the first job of each lane, and let go of lanes in which nothing is to be done."""
    if not fences:
        return []
    begun = await conn.fetch(queries.begin_jobs, [shop for shop, _ in fences], [lane for _, lane in fences])
    jobs = [_job(row, fences.pop((row["shop_id"], row["lane"]))) for row in begun]
    if fences:
        lanes = [shop for shop, _ in fences], [lane for _, lane in fences]
        await conn.execute(queries.leave_lanes, *lanes, list(fences.values()))
    return jobs


async def _hold(conn: Connection, job: Job) -> None:
    if not await conn.fetchval(queries.hold_lane, job.shop_id, job.lane, job.fence):
        raise LeaseLost


async def _finish(conn: Connection, job: Job, effect: Effect | None) -> Job | None:
    await _hold(conn, job)
    if effect is not None:
        await effect(conn)
    row = await conn.fetchrow(queries.finish_job, job.shop_id, job.lane, job.job_id, job.fence, MARGIN)
    return None if row is None else _job(row, job.fence)


async def _sleep(conn: Connection, job: Job, seconds: float, error: str) -> None:
    await _hold(conn, job)
    await conn.execute(queries.put_to_sleep, job.shop_id, job.lane, job.job_id, seconds, error)
    await _leave(conn, job)


async def _bury(conn: Connection, job: Job, reason: str, error: str, effect: Effect | None) -> None:
    await _hold(conn, job)
    if effect is not None:
        await effect(conn)
    await conn.execute(queries.bury_job, job.shop_id, job.lane, job.job_id, reason, error)
    await _leave(conn, job)


async def _leave(conn: Connection, job: Job) -> None:
    await conn.execute(queries.ring_lanes, [job.shop_id], [job.lane])
    await conn.execute(queries.leave_lanes, [job.shop_id], [job.lane], [job.fence])


async def _renew(conn: Connection, jobs: list[Job], lease_s: float) -> set[int]:
    return {row["fence"] for row in await conn.fetch(queries.renew_leases, *_lanes(jobs), lease_s)}


def _lanes(jobs: list[Job]) -> tuple[list[int], list[str], list[int]]:
    return [job.shop_id for job in jobs], [job.lane for job in jobs], [job.fence for job in jobs]


async def _give_back(conn: Connection, jobs: list[Job]) -> None:
    held = {row["fence"] for row in await conn.fetch(queries.hold_lanes, *_lanes(jobs))}
    ours = [job for job in jobs if job.fence in held]
    shops, lanes, fences = _lanes(ours)
    await conn.execute(queries.uncount_attempts, shops, lanes, [job.job_id for job in ours])
    await conn.execute(queries.ring_lanes, shops, lanes)
    await conn.execute(queries.leave_lanes, shops, lanes, fences)


async def _wake_and_reap(conn: Connection, since: datetime | None) -> datetime | None:
    now: datetime = await conn.fetchval(queries.read_time)
    if since is not None and now < since:
        since = None  # the server's clock was set back
    woken = await conn.execute(queries.wake_sleepers, SWEEP_ROWS, since)
    ended = await conn.fetch(queries.find_ended_leases, SWEEP_ROWS, since)
    if ended:
        # Only a statement that begins when the leases are locked sees all that others took off the door for their holders.
        shops, lanes = [row["shop_id"] for row in ended], [row["lane"] for row in ended]
        await conn.execute(queries.ring_left_lanes, shops, lanes, DEATHS, FIRST_PAUSE_S, GROWTH, LONGEST_PAUSE_S)
        await conn.execute(queries.leave_lanes, shops, lanes, [row["fence"] for row in ended])
    is_more = SWEEP_ROWS in (int(woken.split()[-1]), len(ended))
    return since if is_more else now - MARGIN_TIME


async def _first_turns(conn: Connection, doors: list[int]) -> tuple[list[int | None], int]:
    row = await conn.fetchrow(queries.first_turns, doors)
    assert row is not None
    return row["first"], row["last"]


async def _ring_forgotten(conn: Connection, doors: list[int]) -> None:
    await conn.execute(queries.ring_forgotten_lanes, doors)


async def _sweep(conn: Connection) -> None:
    await conn.execute(queries.sweep_dead_jobs, DEAD_DAYS, SWEEP_ROWS)
    await conn.execute(queries.sweep_slots)


async def _waiting(conn: Connection) -> Waiting:
    row = await conn.fetchrow(queries.count_waiting)
    assert row is not None
    return Waiting(row["waiting"], row["asleep"], row["leased"], row["lag_s"], row["died_last_hour"])


async def _last_slot(conn: Connection, name: str) -> datetime | None:
    slot: datetime | None = await conn.fetchval(queries.last_slot, name)
    return slot


async def _take_slot(conn: Connection, name: str, slot: datetime, effect: Effect | None) -> bool:
    if not await conn.fetchval(queries.take_slot, name, slot):
        return False
    if effect is not None:
        await effect(conn)
    return True
