"""Lanes against real Postgres: order, fencing, counted attempts, pauses, what happens after a kill, and the plans of the claim.

A `Lanes` of its own name is a worker; the database is what they share, so several of them in one process are several machines.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from msgspec import structs

from shopify_kit.database import Connection, Database
from shopify_kit.errors import DatabaseUnavailable
from shopify_kit.jobs import (
    DEAD_DAYS,
    DEATHS,
    FIRST_PAUSE_S,
    GROWTH,
    LEASE_S,
    LONGEST_PAUSE_S,
    MARGIN,
    MAX_ATTEMPTS,
    MOST_LOOKED_AT,
    Job,
    Lanes,
    LeaseLost,
    Priority,
    add_job,
    pause_after,
    queries,
)
from tests.processes import wait_until

SHOP = 7
HOURS_72 = 72 * 3600


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


@pytest.fixture
def lanes(database: Database) -> Lanes:
    return Lanes(database, "first")


@pytest.fixture
def others(database: Database) -> Lanes:
    """A worker on another machine."""
    return Lanes(database, "second")


def run_sql(database: Database, sql: str, *args: Any) -> list[Any]:
    async def run(conn: Connection) -> list[Any]:
        return await conn.fetch(sql, *args)

    return database.run(run)


def add(database: Database, *lane_names: str, **facts: Any) -> list[int]:
    """Put a job into each lane, each in a transaction of its own."""
    return [database.run(add_job, "work", shop_id=SHOP, lane=lane, **facts) for lane in lane_names]


def fill(database: Database, count: int, lane_names: str, *, priority: int = Priority.REST) -> None:
    """Put many jobs at the door at once; `lane_names` is SQL over `number`."""
    statement = f"""
        insert into shopify.jobs (shop_id, lane, kind, priority, turn)
        select $1, {lane_names}, 'work', $2, nextval('shopify.job_turns') from generate_series(1, $3::integer) as number
    """  # noqa: S608
    run_sql(database, statement, SHOP, priority, count)


def let_pass(database: Database, seconds: float) -> None:
    """Let time pass for whoever sleeps, holds a lease or is dead."""
    for table, column in (("jobs", "wake_at"), ("leases", "until"), ("dead_jobs", "died_at")):
        statement = f"update shopify.{table} set {column} = {column} - make_interval(secs => $1)"  # noqa: S608
        run_sql(database, statement, float(seconds))


def crash_postgres(database: Database) -> None:
    """What a crash of the server leaves: nothing of an unlogged table."""
    run_sql(database, "truncate shopify.leases")


def note_of(text: str) -> Callable[[Connection], Any]:
    """An effect that can be seen."""

    async def effect(conn: Connection) -> None:
        await conn.execute("insert into shopify.cron_slots (name, slot) values ($1, now())", text)

    return effect


def notes(database: Database) -> list[str]:
    return [row["name"] for row in run_sql(database, "select name from shopify.cron_slots order by name")]


def lane_of(worker: Lanes, job: Job, effect: Callable[[Job], Any] = lambda _: None) -> Iterator[Job]:
    """Go through a lane from its first job on: yields each, then stores it as done."""
    following: Job | None = job
    while following is not None:
        yield following
        following = worker.finish(following, effect(following))


def drain(worker: Lanes) -> list[int]:
    """Do all that is at the door, in order; returns the job ids."""
    done: list[int] = []
    while claimed := worker.claim(4):
        done += [each.job_id for job in claimed for each in lane_of(worker, job)]
    return done


# Order


def test_jobs_of_a_lane_are_done_in_the_order_in_which_they_came(database: Database, lanes: Lanes) -> None:
    ids = add(database, "a", "a", "a")

    first = lanes.claim(10)
    second = lanes.finish(first[0])
    third = lanes.finish(second) if second else None

    assert [job and job.job_id for job in (*first, second, third)] == ids
    assert third is not None
    assert lanes.finish(third) is None


def test_a_lane_is_one_workers_at_a_time(database: Database, lanes: Lanes, others: Lanes) -> None:
    add(database, "a", "a", "b")

    held = lanes.claim(1)

    assert [job.lane for job in held] == ["a"]
    assert [job.lane for job in others.claim(10)] == ["b"]
    assert others.claim(10) == []


def test_lanes_of_other_shops_are_other_lanes(database: Database, lanes: Lanes) -> None:
    for shop_id in (1, 2):
        database.run(add_job, "work", shop_id=shop_id, lane="a")

    assert [job.shop_id for job in lanes.claim(10)] == [1, 2]


def test_urgent_jobs_come_before_orders_and_orders_before_the_rest(database: Database, lanes: Lanes) -> None:
    for priority in (Priority.REST, Priority.ORDERS, Priority.URGENT):
        add(database, f"lane-{priority}", priority=priority)

    claimed = [lanes.claim(1)[0].priority for _ in range(3)]

    assert claimed == [Priority.URGENT, Priority.ORDERS, Priority.REST]


def test_a_job_carries_what_was_given(database: Database, lanes: Lanes) -> None:
    payload = {"text": 'quote " and \\ and é', "number": 1.5, "none": None, "list": [1, [2]]}
    [job_id] = add(database, "a", reference=12, payload=payload, priority=Priority.ORDERS)

    [job] = lanes.claim(1)

    assert (job.job_id, job.shop_id, job.lane, job.kind, job.reference) == (job_id, SHOP, "a", "work", 12)
    assert (job.payload, job.priority, job.attempt) == (payload, Priority.ORDERS, 1)
    assert abs((datetime.now(UTC) - job.created_at).total_seconds()) < 60


def test_a_job_exists_only_once_its_unit_is_committed(database: Database, lanes: Lanes) -> None:
    async def add_and_fail(conn: Connection) -> None:
        await add_job(conn, "work", shop_id=SHOP, lane="a")
        raise ValueError

    with pytest.raises(ValueError):
        database.run(add_and_fail)

    assert lanes.claim(1) == []


# What a job brings is stored once


def test_an_effect_is_stored_with_the_done_mark(database: Database, lanes: Lanes) -> None:
    add(database, "a")

    lanes.finish(lanes.claim(1)[0], note_of("done"))

    assert notes(database) == ["done"]
    assert run_sql(database, "select from shopify.jobs") == []


def test_an_effect_that_fails_leaves_the_job(database: Database, lanes: Lanes) -> None:
    add(database, "a")
    [job] = lanes.claim(1)

    async def fail(conn: Connection) -> None:
        await note_of("half")(conn)
        raise ValueError

    with pytest.raises(ValueError):
        lanes.finish(job, fail)
    lanes.finish(job, note_of("whole"))

    assert notes(database) == ["whole"]


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda worker, job: worker.finish(job, note_of("late")), id="finish"),
        pytest.param(lambda worker, job: worker.bury(job, "reason", "error", note_of("late")), id="bury"),
        pytest.param(lambda worker, job: worker.retry(job, "error"), id="retry"),
    ],
)
def test_a_worker_whose_lease_was_taken_over_stores_nothing(
    database: Database, lanes: Lanes, others: Lanes, end: Callable[[Lanes, Job], Any]
) -> None:
    add(database, "a")
    [late] = lanes.claim(1)
    let_pass(database, LEASE_S + 1)
    others.wake_and_reap()
    [again] = others.claim(1)

    with pytest.raises(LeaseLost):
        end(lanes, late)

    assert notes(database) == []
    assert (again.job_id, again.attempt) == (late.job_id, 2)
    assert again.fence > late.fence
    others.finish(again, note_of("once"))
    assert notes(database) == ["once"]


def test_a_lease_is_held_until_its_transaction_ends(database: Database, lanes: Lanes, others: Lanes) -> None:
    """Nobody reaps a lease under a worker that is storing, however long that takes."""
    add(database, "a")
    [job] = lanes.claim(1)
    let_pass(database, LEASE_S + 1)

    async def slow(conn: Connection) -> None:
        await asyncio.to_thread(others.wake_and_reap)
        assert await asyncio.to_thread(others.claim, 1) == []
        await note_of("stored")(conn)

    lanes.finish(job, slow)

    assert notes(database) == ["stored"]
    assert others.claim(1) == []


# Attempts, pauses, burial


def test_an_attempt_is_counted_before_it_runs(database: Database, lanes: Lanes) -> None:
    add(database, "a")
    lanes.claim(1)

    [seen] = run_sql(database, "select attempts from shopify.jobs")

    assert seen["attempts"] == 1


def test_a_failed_job_sleeps_and_its_lane_with_it(database: Database, lanes: Lanes) -> None:
    first, second = add(database, "a", "a")
    [job] = lanes.claim(4)

    lanes.retry(job, "no luck")

    assert lanes.claim(4) == []
    let_pass(database, FIRST_PAUSE_S * 1.2)
    lanes.wake_and_reap()
    [again] = lanes.claim(4)
    assert (again.job_id, again.attempt) == (first, 2)
    following = lanes.finish(again)
    assert following is not None
    assert following.job_id == second


def test_a_job_that_comes_while_its_lane_sleeps_waits_behind_the_sleeper(database: Database, lanes: Lanes) -> None:
    [first] = add(database, "a")
    lanes.retry(lanes.claim(1)[0], "no luck")

    [second] = add(database, "a")

    assert lanes.claim(4) == []
    let_pass(database, FIRST_PAUSE_S * 1.2)
    lanes.wake_and_reap()
    assert drain(lanes) == [first, second]


@pytest.mark.parametrize("luck", [0.0, 1.0], ids=["shortest", "longest"])
def test_twenty_attempts_take_three_days_at_least(monkeypatch: pytest.MonkeyPatch, luck: float) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: low + luck * (high - low))

    pauses = [pause_after(attempt) for attempt in range(1, MAX_ATTEMPTS)]

    assert len(pauses) == 19
    assert pauses[0] <= 3
    assert sum(pauses) >= HOURS_72
    assert sum(pauses) < 2 * HOURS_72
    assert pauses == sorted(pauses)


def test_pauses_differ_so_that_what_failed_together_does_not_come_together() -> None:
    assert len({pause_after(3) for _ in range(50)}) > 40


def test_somebody_who_knows_may_lengthen_a_pause_but_not_shorten_it(database: Database, lanes: Lanes) -> None:
    """A service that says `Retry-After: 1` twenty times would use up all attempts in half a minute."""
    add(database, "hasty", "patient")
    hasty, patient = lanes.claim(2)
    run_sql(database, "update shopify.jobs set attempts = 10")
    lanes.retry(structs.replace(hasty, attempt=10), "wait", after_s=1)
    lanes.retry(structs.replace(patient, attempt=10), "wait", after_s=50_000)

    slept = run_sql(database, "select extract(epoch from wake_at - clock_timestamp())::float8 as s from shopify.jobs order by lane")

    assert slept[0]["s"] >= FIRST_PAUSE_S * GROWTH**9 - 1
    assert 49_990 < slept[1]["s"] <= 50_000


def test_a_buried_job_is_kept_for_ninety_days_and_its_lane_goes_on(database: Database, lanes: Lanes) -> None:
    first, second = add(database, "a", "a", payload={"x": 1}, reference=5)

    lanes.bury(lanes.claim(4)[0], "attempts_exhausted", "KeyError", note_of("buried"))

    assert notes(database) == ["buried"]
    [dead] = run_sql(database, "select *, payload::text as text from shopify.dead_jobs")
    assert (dead["job_id"], dead["reason"], dead["last_error"], dead["attempts"]) == (first, "attempts_exhausted", "KeyError", 1)
    assert (json.loads(dead["text"]), dead["reference"]) == ({"x": 1}, 5)
    assert [job.job_id for job in lanes.claim(1)] == [second]
    let_pass(database, (DEAD_DAYS - 1) * 86_400)
    lanes.sweep()
    assert len(run_sql(database, "select from shopify.dead_jobs")) == 1
    let_pass(database, 2 * 86_400)
    lanes.sweep()
    assert run_sql(database, "select from shopify.dead_jobs") == []


def test_what_was_claimed_and_not_begun_is_given_back_at_once_and_uncounted(
    database: Database, lanes: Lanes, others: Lanes
) -> None:
    ids = add(database, "a", "b")
    claimed = lanes.claim(2)

    lanes.give_back(claimed)

    again = others.claim(2)
    assert sorted(job.job_id for job in again) == ids
    assert [job.attempt for job in again] == [1, 1]


def test_giving_back_what_another_worker_took_over_changes_nothing(database: Database, lanes: Lanes, others: Lanes) -> None:
    add(database, "a")
    late = lanes.claim(1)
    let_pass(database, LEASE_S + 1)
    others.wake_and_reap()
    [job] = others.claim(1)

    lanes.give_back(late)

    assert lanes.claim(1) == []
    assert others.finish(job, note_of("done")) is None
    assert notes(database) == ["done"]


# Workers that are gone


def test_the_lanes_of_a_killed_worker_are_free_after_the_lease(database: Database, lanes: Lanes, others: Lanes) -> None:
    """Lease, reaping once a second and a poll of half a second: work resumes within 15 seconds."""
    [job_id] = add(database, "a")
    lanes.claim(1)

    others.wake_and_reap()
    assert others.claim(1) == []
    let_pass(database, LEASE_S)
    others.wake_and_reap()

    assert [(job.job_id, job.attempt) for job in others.claim(1)] == [(job_id, 2)]
    assert LEASE_S + 1 + 0.5 + 0.5 < 15


def test_a_renewed_lease_is_not_reaped(database: Database, lanes: Lanes, others: Lanes) -> None:
    add(database, "a")
    [job] = lanes.claim(1)
    let_pass(database, LEASE_S - 1)

    assert lanes.renew([job]) == {job.fence}

    let_pass(database, LEASE_S - 1)
    others.wake_and_reap()
    assert others.claim(1) == []


def test_renewing_says_what_was_lost(database: Database, lanes: Lanes, others: Lanes) -> None:
    add(database, "a", "b")
    jobs = lanes.claim(2)
    run_sql(database, "update shopify.leases set until = until - interval '1 minute' where lane = 'a'")
    others.wake_and_reap()
    others.claim(1)

    assert lanes.renew(jobs) == {job.fence for job in jobs if job.lane == "b"}


def test_work_that_ends_its_workers_is_tried_ever_more_rarely(database: Database, lanes: Lanes) -> None:
    """Each attempt is counted though its worker never said anything, and pauses grow as for any other failure."""
    add(database, "a")
    slept: list[float] = []

    for attempt in range(1, MAX_ATTEMPTS + 2):
        [job] = lanes.claim(1)
        assert job.attempt == attempt
        let_pass(database, LEASE_S + 1)
        lanes.wake_and_reap()
        [row] = run_sql(database, "select extract(epoch from wake_at - clock_timestamp())::float8 as s from shopify.jobs")
        if row["s"] is not None:
            slept.append(row["s"])
            let_pass(database, row["s"] + 1)
            lanes.wake_and_reap()

    assert len(slept) == MAX_ATTEMPTS + 1 - DEATHS
    assert slept[0] > FIRST_PAUSE_S * GROWTH**DEATHS - 1
    assert max(slept) <= LONGEST_PAUSE_S * 1.2
    assert sum(slept[:-2]) >= HOURS_72


def test_a_crash_of_postgres_loses_leases_and_nothing_else(database: Database, lanes: Lanes) -> None:
    """Leases are worth nothing after a crash; who held one finds out, and the lane is looked into again at once."""
    [job_id] = add(database, "a")
    [job] = lanes.claim(1)
    crash_postgres(database)

    with pytest.raises(LeaseLost):
        lanes.finish(job, note_of("late"))

    assert [again.job_id for again in lanes.claim(1)] == [job_id]
    assert notes(database) == []


def test_a_lane_whose_doorbell_was_lost_is_found(database: Database, lanes: Lanes, others: Lanes) -> None:
    """The worker is gone with its lease, and so is whatever it would have rung."""
    [job_id] = add(database, "a")
    lanes.claim(1)
    crash_postgres(database)

    assert others.claim(1) == []
    others.ring_forgotten()

    assert [job.job_id for job in others.claim(1)] == [job_id]


def test_looking_for_lost_doorbells_disturbs_nobody(database: Database, lanes: Lanes, others: Lanes) -> None:
    add(database, "worked-on", "worked-on", "asleep")
    jobs = lanes.claim(4)
    lanes.retry(next(job for job in jobs if job.lane == "asleep"), "error")

    others.ring_forgotten()

    assert others.claim(4) == []


def test_a_unit_of_which_nobody_knows_the_end_is_looked_into_again(database: Database, lanes: Lanes) -> None:
    """The connection broke during the effect: the lease still stands, and the job is done again once it has run out."""
    [job_id] = add(database, "a")
    [job] = lanes.claim(1)

    async def cut(conn: Connection) -> None:
        await note_of("cut off")(conn)
        await conn.execute("select pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(DatabaseUnavailable):
        lanes.finish(job, cut)

    assert lanes.claim(1) == []
    let_pass(database, LEASE_S)
    lanes.wake_and_reap()
    assert [again.job_id for again in lanes.claim(1)] == [job_id]
    assert notes(database) == []


# A lane that is stuck, hot or asleep delays no other


def test_a_lane_with_very_much_work_does_not_hide_the_others(database: Database, lanes: Lanes, others: Lanes) -> None:
    """Whoever is held up at one resource, with thousands of deliveries behind, holds up nobody else."""
    fill(database, 3 * MOST_LOOKED_AT, "'hot'")
    add(database, "cool")
    [hot] = lanes.claim(1)

    claims = [others.claim(4), others.claim(4)]

    assert [job.lane for jobs in claims for job in jobs] == ["cool"]
    assert lanes.finish(hot) is not None


def test_sleeping_lanes_with_much_work_do_not_hide_the_others(database: Database, lanes: Lanes) -> None:
    add(database, "asleep")
    lanes.retry(lanes.claim(1)[0], "error")
    fill(database, MOST_LOOKED_AT, "'asleep'")
    add(database, "awake")

    assert [job.lane for job in (*lanes.claim(2), *lanes.claim(2))] == ["awake"]


def test_a_claim_takes_as_many_lanes_as_are_wanted_and_no_more(database: Database, lanes: Lanes, others: Lanes) -> None:
    """Many jobs of few lanes stand first at the door."""
    fill(database, 200, "'lane-' || number / 50")

    claimed = lanes.claim(3)

    assert sorted(job.lane for job in claimed) == ["lane-0", "lane-1", "lane-2"]
    assert sorted(job.lane for job in others.claim(10)) == ["lane-3", "lane-4"]


def test_what_comes_while_its_lane_is_being_finished_is_not_forgotten(database: Database, lanes: Lanes, others: Lanes) -> None:
    """Another worker looks at the door at any moment of the last finish; the job is then either there or followed up."""
    for round_number in range(30):
        [first] = add(database, "a")
        [job] = lanes.claim(1)
        delay_s = round_number * 0.0002
        with ThreadPoolExecutor(2) as pool:
            finished = pool.submit(lanes.finish, job)
            seen = pool.submit(_add_and_look, database, others, delay_s)
            following, claimed = finished.result(), seen.result()
        left = [*([following] if following else []), *claimed] or others.claim(1)
        assert len(left) == 1, f"round {round_number}"
        assert left[0].job_id > first
        (lanes if following else others).finish(left[0])


def _add_and_look(database: Database, worker: Lanes, delay_s: float) -> list[Job]:
    threading.Event().wait(delay_s)
    add(database, "a")
    return worker.claim(1)


# Many workers


def test_order_holds_under_many_workers(database: Database) -> None:
    """Eight workers, each with a hand of its own: every job once, in order within its lane."""
    fill(database, 600, "'lane-' || number % 25")
    began: list[tuple[str, int]] = []
    lock = threading.Lock()

    def work(number: int) -> None:
        worker = Lanes(database, f"worker-{number}")
        while run_sql(database, "select from shopify.jobs limit 1"):
            for job in worker.claim(3):
                for current in lane_of(worker, job, lambda done: note_of(f"{done.job_id:06}")):
                    with lock:
                        began.append((current.lane, current.job_id))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert_in_order(began)
    assert len(began) == 600
    assert len(notes(database)) == 600


def assert_in_order(began: Sequence[tuple[str, int]]) -> None:
    by_lane: dict[str, list[int]] = {}
    for lane, job_id in began:
        by_lane.setdefault(lane, []).append(job_id)
    assert all(ids == sorted(ids) for ids in by_lane.values())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_or_stored_twice_under_random_kills(database: Database, seed: int) -> None:
    """Four workers take, finish, fail, bury, lose their leases, are killed at any point and come back under a new name, while jobs
    keep coming; in the end each job was stored exactly once, in order within its lane, or lies among the dead."""
    run_sql(database, "create table public.stored (position bigint generated always as identity, lane text, job_id bigint)")
    dice = random.Random(seed)
    added = 0
    workers = [Lanes(database, f"worker-{number}") for number in range(4)]
    at_work: list[list[Job]] = [[] for _ in workers]
    names = iter(range(4, 10_000))

    def store(job: Job) -> Callable[[Connection], Any]:
        async def effect(conn: Connection) -> None:
            await conn.execute("insert into public.stored (lane, job_id) values ($1, $2)", job.lane, job.job_id)

        return effect

    for _ in range(400):
        if added < 120:
            add(database, f"lane-{dice.randrange(6)}", priority=dice.choice([0, 2, 2]))
            added += 1
        number = dice.randrange(4)
        worker, mine = workers[number], at_work[number]
        action = dice.choices(["claim", "finish", "fail", "bury", "kill", "time", "crash"], [6, 14, 2, 1, 1, 3, 0.3])[0]
        job = mine.pop(dice.randrange(len(mine))) if mine and action in ("finish", "fail", "bury") else None
        try:
            if action == "claim":
                mine += worker.claim(dice.randint(1, 3))
            elif action == "time":
                let_pass(database, dice.choice([1, 5, 20]))
                worker.wake_and_reap()
                worker.move_door()
            elif action == "kill":
                workers[number], at_work[number] = Lanes(database, f"worker-{next(names)}"), []
                # Half of those that are killed had just stored what they did.
                if mine and dice.random() < 0.5:
                    worker.finish(mine[0], store(mine[0]))
            elif action == "crash":
                crash_postgres(database)
            elif job is not None and action == "finish":
                following = worker.finish(job, store(job))
                mine += [following] if following else []
            elif job is not None and action == "fail":
                worker.retry(job, "error")
            elif job is not None:
                worker.bury(job, "reason", "error")
        except LeaseLost:
            continue

    survivor = Lanes(database, "survivor")
    while run_sql(database, "select from shopify.jobs limit 1"):
        let_pass(database, 10 * LEASE_S)
        survivor.sweep()
        survivor.wake_and_reap()
        survivor.ring_forgotten()
        for job in survivor.claim(8):
            deque(lane_of(survivor, job, store), maxlen=0)

    stored = [(row["lane"], row["job_id"]) for row in run_sql(database, "select * from public.stored order by position")]
    dead = [row["job_id"] for row in run_sql(database, "select job_id from shopify.dead_jobs")]
    assert_in_order(stored)
    assert max(Counter(job_id for _, job_id in stored).values()) == 1
    assert len(stored) + len(dead) == added
    assert not {job_id for _, job_id in stored} & set(dead)


def test_workers_at_the_same_moment_do_not_wait_for_each_other(database: Database, database_url: str) -> None:
    """Several jobs of the same lanes stand at the door, and lanes are taken and left all the time: of two transactions that each
    hold what the other wants Postgres ends one, here after ten seconds."""
    run_sql(database, f"alter database {database_url.rpartition('/')[2]} set deadlock_timeout = '10s'")
    fill(database, 2_000, "'lane-' || number % 20")
    patient = Database(database_url)

    def work(number: int) -> float:
        worker, slowest_s = Lanes(patient, f"worker-{number}"), 0.0
        for turn in range(20):
            started_at = time.monotonic()
            jobs = worker.claim(6)
            if turn % 4 == 0:
                worker.wake_and_reap()
            elif turn % 2 == 0 and jobs:
                worker.bury(jobs.pop(), "reason", "error")
                jobs += filter(None, [worker.finish(jobs.pop())] if jobs else [])
            worker.give_back(jobs)
            slowest_s = max(slowest_s, time.monotonic() - started_at)
        return slowest_s

    with ThreadPoolExecutor(6) as pool:
        slowest_s = max(pool.map(work, range(6)))
    patient.close()

    assert slowest_s < 5


# Schedules


def test_a_run_of_a_schedule_is_taken_once_by_eight_workers(database: Database) -> None:
    slots = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(5)]

    def take(number: int) -> int:
        worker = Lanes(database, f"worker-{number}")
        return sum(worker.take_slot("poll", slot, _job_for(slot)) for slot in slots)

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(8)))

    assert sum(taken) == 5
    assert [row["lane"] for row in run_sql(database, "select lane from shopify.jobs order by lane")] == [str(s) for s in slots]


def _job_for(slot: datetime) -> Callable[[Connection], Any]:
    async def effect(conn: Connection) -> None:
        await add_job(conn, "poll", shop_id=0, lane=str(slot))

    return effect


def test_a_run_whose_jobs_could_not_be_given_out_is_not_taken(lanes: Lanes, others: Lanes) -> None:
    slot = datetime(2026, 1, 1, tzinfo=UTC)

    async def fail(_: Connection) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        lanes.take_slot("poll", slot, fail)

    assert others.take_slot("poll", slot, _job_for(slot))


def test_old_runs_are_forgotten_but_the_last_of_each_schedule(lanes: Lanes) -> None:
    old, older = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    for name, slot in (("a", older), ("a", old), ("b", older)):
        lanes.take_slot(name, slot)

    lanes.sweep()

    assert lanes.last_slot("a") == old
    assert lanes.last_slot("b") == older
    assert lanes.take_slot("a", older) is True


# The door under a pinned snapshot


@contextmanager
def pinned_snapshot(dsn: str) -> Iterator[None]:
    """Keep a transaction open that may still look at everything, as a dump does: nothing that is deleted can be cleaned away."""

    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        async with connection.transaction(isolation="repeatable_read"):
            await connection.fetchval("select count(*) from shopify.jobs")
            is_pinned.set()
            while not is_over.is_set():
                await asyncio.sleep(0.005)
        await connection.close()

    is_pinned, is_over = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    try:
        assert is_pinned.wait(10)
        yield
    finally:
        is_over.set()
        thread.join()


GONE = """
    insert into shopify.leases (shop_id, lane, fence, worker, until)
    select 1, 'gone-' || n, n, 'gone', now() - interval '1 day' from generate_series(1, 20000) as n
"""


def process(database: Database, count: int, lane_names: str) -> None:
    """Leave what `count` jobs leave behind that were added, claimed, begun and finished."""
    fill(database, count, lane_names)
    run_sql(database, "update shopify.jobs set turn = null")
    run_sql(database, "update shopify.jobs set attempts = attempts + 1")
    run_sql(database, "delete from shopify.jobs")


def test_the_door_moves_behind_what_left_it_and_nobody_is_passed_by(database: Database, database_url: str, lanes: Lanes) -> None:
    with pinned_snapshot(database_url):
        process(database, 20_000, "'lane-' || number % 100")
        lanes.move_door()
        waiting = add(database, "b", "c")
        looked_at = looked_at_pages(database, queries.take_doors, lanes._doors, 2, 2, "explained", LEASE_S)

        assert looked_at < 2 * MARGIN
        assert sorted(job.job_id for job in lanes.claim(2)) == waiting


def test_the_door_does_not_pass_whoever_still_stands_there(database: Database, lanes: Lanes) -> None:
    """An old job of the lowest priority waits while thousands of others come and go."""
    [old] = add(database, "old", priority=Priority.REST)
    fill(database, 3 * MARGIN, "'lane-' || number", priority=Priority.URGENT)
    run_sql(database, "delete from shopify.jobs where priority = 0")

    lanes.move_door()

    assert [job.job_id for job in lanes.claim(4)] == [old]


def test_a_job_that_waits_does_not_keep_the_door_of_the_others_at_the_beginning(
    database: Database, database_url: str, lanes: Lanes
) -> None:
    """Thousands of orders come and go past a job of the lowest priority, and what they leave cannot be cleaned away."""
    add(database, "old", priority=Priority.REST)
    with pinned_snapshot(database_url):
        fill(database, 20_000, "'lane-' || number % 100", priority=Priority.ORDERS)
        run_sql(database, "delete from shopify.jobs where priority = 1")
        lanes.move_door()

        looked_at = looked_at_pages(database, queries.take_doors, lanes._doors, 2, 2, "explained", LEASE_S)

    assert looked_at < 2 * MARGIN


def test_a_job_that_was_committed_late_is_found(database: Database, lanes: Lanes) -> None:
    """Its transaction drew the turn, then more than the margin came and went, then it was committed."""

    async def add_slowly(conn: Connection) -> int:
        job_id = await add_job(conn, "work", shop_id=SHOP, lane="late")
        await asyncio.to_thread(process, database, 3 * MARGIN, "'lane-' || number")
        await asyncio.to_thread(lanes.move_door)
        return job_id

    late = database.run(add_slowly)

    assert lanes.claim(4) == []
    lanes.ring_forgotten()
    assert [job.job_id for job in lanes.claim(4)] == [late]


def test_the_door_comes_back_when_turns_do(database: Database, lanes: Lanes) -> None:
    """A standby that took over may give out turns once more that were given out already."""
    process(database, 10 * MARGIN, "'lane-' || number")
    lanes.move_door()
    run_sql(database, "select setval('shopify.job_turns', 5)")
    [job_id] = add(database, "a")

    lanes.move_door()

    assert [job.job_id for job in lanes.claim(1)] == [job_id]


def test_a_hot_lane_does_not_slow_down_under_a_pinned_snapshot(database: Database, database_url: str, lanes: Lanes) -> None:
    """What comes next in a lane is looked for from the job that was done, and not from the lane's beginning."""
    with pinned_snapshot(database_url):
        process(database, 30_000, "'hot'")
        add(database, "hot", "hot")
        [job] = lanes.claim(1)

        looked_at = looked_at_pages(database, queries.finish_job, job.shop_id, job.lane, job.job_id, job.fence, MARGIN)

    assert looked_at < 3 * MARGIN


def test_sleepers_and_leases_of_the_past_are_not_passed_again(database: Database, database_url: str, lanes: Lanes) -> None:
    with pinned_snapshot(database_url):
        run_sql(database, GONE)
        run_sql(database, "delete from shopify.leases")
        lanes.wake_and_reap()
        since = lanes._tended_to

        looked_at = looked_at_pages(database, queries.find_ended_leases, 500, since)

    assert since is not None
    assert looked_at < 1_000


def test_no_statement_is_led_astray_by_a_table_that_passes_for_empty(database: Database, database_url: str, lanes: Lanes) -> None:
    """After a vacuum under a pinned snapshot the planner believes that there is nothing, and any path looks short."""

    async def vacuum(conn: Connection) -> None:
        for table in ("jobs", "leases"):
            await conn.execute(f"vacuum analyze shopify.{table}")

    with pinned_snapshot(database_url):
        process(database, 20_000, "'lane-' || number % 2000")
        run_sql(database, GONE)
        run_sql(database, "delete from shopify.leases")
        database.run_autocommit(vacuum)
        fill(database, 100, "'new-' || number")
        lanes.move_door()
        lanes.wake_and_reap()
        jobs = lanes.claim(8)
        ours = [job.shop_id for job in jobs], [job.lane for job in jobs]
        statements: dict[str, tuple[str, tuple[Any, ...]]] = {
            "take_doors": (queries.take_doors, (lanes._doors, 8, 8, "explained", LEASE_S)),
            "begin_jobs": (queries.begin_jobs, ours),
            "hold_lanes": (queries.hold_lanes, (*ours, [job.fence for job in jobs])),
            "renew_leases": (queries.renew_leases, (*ours, [job.fence for job in jobs], LEASE_S)),
            "finish_job": (queries.finish_job, (SHOP, jobs[0].lane, jobs[0].job_id, jobs[0].fence, MARGIN)),
            "leave_lanes": (queries.leave_lanes, (*ours, [job.fence for job in jobs])),
            "ring_lanes": (queries.ring_lanes, ours),
            "uncount_attempts": (queries.uncount_attempts, (*ours, [job.job_id for job in jobs])),
            "put_to_sleep": (queries.put_to_sleep, (SHOP, jobs[0].lane, jobs[0].job_id, 1.0, "error")),
            "bury_job": (queries.bury_job, (SHOP, jobs[0].lane, jobs[0].job_id, "reason", "error")),
            "wake_sleepers": (queries.wake_sleepers, (500, lanes._tended_to)),
            "find_ended_leases": (queries.find_ended_leases, (500, lanes._tended_to)),
            "ring_left_lanes": (queries.ring_left_lanes, (*ours, DEATHS, FIRST_PAUSE_S, GROWTH, LONGEST_PAUSE_S)),
            "first_turns": (queries.first_turns, (lanes._doors,)),
        }
        looked_at = {name: looked_at_pages(database, statement, *args) for name, (statement, args) in statements.items()}

    assert {name: pages for name, pages in looked_at.items() if pages > 600} == {}


# Plans


def explain(database: Database, statement: str, *args: Any) -> dict[str, Any]:
    """Run a statement, undo what it did, and return its plan with what was really read."""

    async def run(conn: Connection) -> str:
        plan: str = await conn.fetchval(f"explain (analyze, buffers, format json) {statement}", *args)
        raise _Undone(plan)

    try:
        database.run(run)
    except _Undone as undone:
        document = undone.args[0]
        found: dict[str, Any] = (json.loads(document) if isinstance(document, str) else document)[0]["Plan"]
        return found
    raise AssertionError


class _Undone(Exception):
    """Rolls a unit back."""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def looked_at_pages(database: Database, statement: str, *args: Any) -> int:
    """How many pages a statement looks at, a measure of how many remains it passes."""
    plan = explain(database, statement, *args)
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


@pytest.fixture
def crowd(database: Database) -> Database:
    """A hundred thousand jobs at the door, and a few that sleep."""
    fill(database, 100_000, "'lane-' || number % 20000")
    run_sql(database, "update shopify.jobs set turn = null, wake_at = now() + interval '1 hour' where job_id % 100 = 0")

    async def analyze(conn: Connection) -> None:
        await conn.execute("analyze shopify.jobs")

    database.run_autocommit(analyze)
    return database


def test_what_a_worker_asks_among_a_hundred_thousand_jobs_reads_a_few(crowd: Database) -> None:
    statements: dict[str, tuple[str, tuple[Any, ...]]] = {
        "take_doors": (queries.take_doors, ([0, 0, 0], 8, 8, "explained", LEASE_S)),
        "take_doors far": (queries.take_doors, ([0, 0, 0], 8, MOST_LOOKED_AT, "explained", LEASE_S)),
        "begin_jobs": (queries.begin_jobs, ([SHOP] * 8, [f"lane-{n}" for n in range(8)])),
        "finish_job": (queries.finish_job, (SHOP, "lane-5", 5, 1, MARGIN)),
        "first_turns": (queries.first_turns, ([0, 0, 0],)),
        "wake_sleepers": (queries.wake_sleepers, (500, None)),
        "ring_lanes": (queries.ring_lanes, ([SHOP], ["lane-5"])),
    }

    for name, (statement, args) in statements.items():
        plan = explain(crowd, statement, *args)
        read = [node for node in nodes(plan) if node["Node Type"] == "Seq Scan" and node["Relation Name"] == "jobs"]
        assert read == [], f"{name} reads every job"
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 10 * MOST_LOOKED_AT, name


@pytest.mark.usefixtures("crowd")
def test_the_whole_claim_is_quick_among_a_hundred_thousand_jobs(lanes: Lanes) -> None:
    lanes.claim(8)
    started_at = time.monotonic()

    jobs = lanes.claim(8)

    assert len(jobs) == 8
    assert time.monotonic() - started_at < 0.1


def test_what_waits_is_counted(database: Database, lanes: Lanes) -> None:
    add(database, "a", "a", "b", "c", "d")
    claimed = lanes.claim(3)
    lanes.retry(claimed[0], "error")
    lanes.bury(claimed[1], "reason", "error")

    found = wait_until(lanes.waiting)

    assert (found.waiting, found.asleep, found.leased, found.died_last_hour) == (4, 1, 1, 1)
    assert 0 <= found.lag_s < 30
