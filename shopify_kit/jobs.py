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
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from msgspec import Struct

from shopify_kit.database import Connection, Database, Record
from shopify_kit.queries import load_queries

MAX_ATTEMPTS: Final = 20
FIRST_PAUSE_S: Final = 2.0
LONGEST_PAUSE_S: Final = 12 * 3600.0
GROWTH: Final = 2.2
LEASE_S: Final = 10.0
DOOR_MARGIN: Final = 1_000
DEAD_DAYS: Final = 90
SWEEP_ROWS: Final = 500

queries = load_queries("jobs")

Effect: TypeAlias = Callable[[Connection], Awaitable[None]]


class Priority:
    """Which jobs stand first at the door."""

    URGENT: Final = 0
    ORDERS: Final = 1
    REST: Final = 2


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


class LeaseLost(Exception):
    """Another worker holds the lane now; what was done here is not stored."""


class Lanes:
    """One worker's view of the lanes. Its methods are units of work: each is one transaction.

    Args:
        worker: a name for the leases, unique among living workers.
    """

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self._worker = worker
        self._door = 0
        self._seen_turn = 0
        self._left: set[tuple[int, str]] = set()

    # Claiming

    def claim(self, limit: int) -> list[Job]:
        """Take up to `limit` jobs off the door and begin the first job of each lane that is free."""
        left, self._left = self._left, set()
        try:
            jobs, turn = self._database.run(_claim, self._worker, self._door, limit, list(left))
        except BaseException:
            self._left |= left
            raise
        self._seen_turn = max(self._seen_turn, turn or 0)
        return jobs

    def finish(self, job: Job, effect: Effect | None = None) -> Job | None:
        """Store what a job brought and that it is done, and begin the next of its lane; None when nothing is left there.

        Raises:
            LeaseLost: another worker has the lane; nothing is stored.
        """
        following = self._database.run(_finish, job, effect)
        if following is None:
            self._left.add((job.shop_id, job.lane))
        return following

    def retry(self, job: Job, error: str, *, after_s: float | None = None) -> bool:
        """Put a failed job to sleep, or bury it when that was its last attempt; says whether it will be tried again."""
        if job.attempt >= MAX_ATTEMPTS:
            self.bury(job, "attempts_exhausted", error)
            return False
        self._database.run(_sleep, job, after_s or pause_after(job.attempt), error)
        return True

    def bury(self, job: Job, reason: str, error: str, effect: Effect | None = None) -> None:
        """Give up on a job for good, storing `effect` with it; its lane goes on.

        Raises:
            LeaseLost: another worker has the lane; nothing is stored.
        """
        self._database.run(_bury, job, reason, error, effect)
        self._left.add((job.shop_id, job.lane))

    def renew(self, fences: Sequence[int]) -> set[int]:
        """Prolong leases; returns those that are still ours."""
        return self._database.run(_renew, self._worker, list(fences), LEASE_S)

    def give_back(self, jobs: Sequence[Job]) -> None:
        """Let go of jobs that were begun and not done, as at the end of a worker; the attempt stays counted."""
        self._database.run(_give_back, list(jobs))

    # Housekeeping: any worker, any time

    def wake_and_reap(self) -> None:
        """Wake sleepers whose time has come, and free the lanes of workers that are gone."""
        self._database.run(_wake_and_reap)

    def move_door(self) -> None:
        """Look from where on jobs stand at the door, so that a claim need not pass the remains of all that left it.

        A pinned snapshot keeps those remains in the index for ever. The margin is for jobs whose transaction drew its turn early
        and commits late; `ring_forgotten` finds what is even later.
        """
        first = self._database.run(_first_turn, self._door)
        ahead = first if first is not None else self._seen_turn
        self._door = max(self._door, ahead - DOOR_MARGIN)

    def ring_forgotten(self) -> None:
        """Put lanes at the door whose doorbell was lost; sweep what is old."""
        self._database.run(_ring_forgotten, self._door)

    def waiting(self) -> Waiting:
        """Count what waits."""
        return self._database.run(_waiting)

    def take_slot(self, name: str, slot: datetime) -> bool:
        """Say whether this run of a schedule is ours to do: true once across all workers."""
        return self._database.run(_take_slot, name, slot)


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


async def _claim(conn: Connection, worker: str, door: int, limit: int, left: list[tuple[int, str]]) -> tuple[list[Job], int | None]:
    if left:
        await conn.execute(queries.ring_lanes, [shop for shop, _ in left], [lane for _, lane in left])
    rows = await conn.fetch(queries.take_doors, door, limit, worker, LEASE_S)
    turn = rows[0]["turn"] if rows else None
    fences = {(row["shop_id"], row["lane"]): row["fence"] for row in rows if row["fence"] is not None}
    if not fences:
        return [], turn
    begun = await conn.fetch(queries.begin_jobs, [shop for shop, _ in fences], [lane for _, lane in fences])
    jobs = [_job(row, fences.pop((row["shop_id"], row["lane"]))) for row in begun]
    if fences:
        await conn.execute(queries.leave_lanes, list(fences.values()))
    return sorted(jobs, key=lambda job: (job.priority, job.job_id)), turn


async def _hold(conn: Connection, job: Job) -> None:
    if not await conn.fetchval(queries.hold_lane, job.shop_id, job.lane, job.fence):
        raise LeaseLost


async def _finish(conn: Connection, job: Job, effect: Effect | None) -> Job | None:
    await _hold(conn, job)
    if effect is not None:
        await effect(conn)
    await conn.execute(queries.finish_job, job.shop_id, job.lane, job.job_id)
    row = await conn.fetchrow(queries.begin_next, job.shop_id, job.lane)
    if row is not None:
        return _job(row, job.fence)
    await conn.execute(queries.leave_lane, job.shop_id, job.lane, job.fence)
    return None


async def _sleep(conn: Connection, job: Job, seconds: float, error: str) -> None:
    await _hold(conn, job)
    await conn.execute(queries.put_to_sleep, job.shop_id, job.lane, job.job_id, seconds, error)
    await conn.execute(queries.leave_lane, job.shop_id, job.lane, job.fence)


async def _bury(conn: Connection, job: Job, reason: str, error: str, effect: Effect | None) -> None:
    await _hold(conn, job)
    if effect is not None:
        await effect(conn)
    await conn.execute(queries.bury_job, job.shop_id, job.lane, job.job_id, reason, error)
    await conn.execute(queries.leave_lane, job.shop_id, job.lane, job.fence)


async def _renew(conn: Connection, worker: str, fences: list[int], lease_s: float) -> set[int]:
    return {row["fence"] for row in await conn.fetch(queries.renew_leases, worker, fences, lease_s)}


async def _give_back(conn: Connection, jobs: list[Job]) -> None:
    await conn.execute(queries.leave_lanes, [job.fence for job in jobs])
    await conn.execute(queries.ring_lanes, [job.shop_id for job in jobs], [job.lane for job in jobs])


async def _wake_and_reap(conn: Connection) -> None:
    await conn.execute(queries.wake_sleepers, SWEEP_ROWS)
    await conn.execute(queries.reap_leases, SWEEP_ROWS)


async def _first_turn(conn: Connection, door: int) -> int | None:
    found = await conn.fetchval(queries.first_turn, door)
    return None if found is None else int(found)


async def _ring_forgotten(conn: Connection, door: int) -> None:
    await conn.execute(queries.ring_forgotten_lanes, door)
    await conn.execute(queries.sweep_dead_jobs, DEAD_DAYS, SWEEP_ROWS)
    await conn.execute(queries.sweep_slots)


async def _waiting(conn: Connection) -> Waiting:
    row = await conn.fetchrow(queries.count_waiting)
    assert row is not None
    return Waiting(row["waiting"], row["asleep"], row["leased"], row["lag_s"], row["died_last_hour"])


async def _take_slot(conn: Connection, name: str, slot: datetime) -> bool:
    return bool(await conn.fetchval(queries.take_slot, name, slot))
