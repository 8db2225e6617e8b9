"""Workers against real Postgres: what is done, tried again, given up, given back; and real processes that are killed."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from shopify_kit import worker as worker_module
from shopify_kit.clock import Clock, ManualClock, SystemClock
from shopify_kit.database import Connection, Database
from shopify_kit.errors import DatabaseUnavailable, InvalidInput, Throttled, UpstreamFailed
from shopify_kit.jobs import LEASE_S, MAX_ATTEMPTS, Effect, Job, add_job
from shopify_kit.worker import Doer, Parked, Schedule, Worker, latest_slot, next_slot
from tests.lane_worker import note
from tests.processes import ChildProcess, is_alive, wait_until

SHOP = 7
Make = Callable[..., Worker]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    run_sql(made, "create table public.done (position bigint generated always as identity, job_id bigint, lane text, pid integer)")
    yield made
    made.close()


@pytest.fixture
def make(database: Database) -> Iterator[Make]:
    """Make workers that end with the test."""
    made: list[Worker] = []

    def make_worker(doers: dict[str, Doer] | None = None, *, clock: Clock | None = None, **options: Any) -> Worker:
        made.append(Worker(database, {"note": note, **(doers or {})}, clock or SystemClock(), **options))
        return made[-1]

    yield make_worker
    for worker in made:
        worker.stop(timeout_s=2)


def run_sql(database: Database, sql: str, *args: Any) -> list[Any]:
    async def run(conn: Connection) -> list[Any]:
        return await conn.fetch(sql, *args)

    return database.run(run)


def add(database: Database, lane: str, kind: str = "note", **payload: Any) -> int:
    return database.run(add_job, kind, shop_id=SHOP, lane=lane, payload=payload)


def done(database: Database) -> list[int]:
    return [row["job_id"] for row in run_sql(database, "select job_id from public.done order by position")]


def jobs(database: Database) -> list[Any]:
    return run_sql(database, "select *, extract(epoch from wake_at - now())::float8 as sleeps_s from shopify.jobs order by job_id")


def dead(database: Database) -> list[Any]:
    return run_sql(database, "select * from shopify.dead_jobs order by job_id")


def let_sleepers_wake(database: Database) -> None:
    run_sql(database, "update shopify.jobs set wake_at = now() where wake_at is not null")


def fails(error: Exception) -> Doer:
    def do(_: Job) -> Effect | None:
        raise error

    return do


class Gate:
    """A doer that waits until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, job: Job) -> Effect:
        self.entered.set()
        assert self.opened.wait(20)
        return note(job)


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.opened.set()


class Mourner:
    """A doer that fails, and has something to say when its job is given up."""

    def __init__(self, error: Exception) -> None:
        self._do = fails(error)

    def __call__(self, job: Job) -> Effect | None:
        return self._do(job)

    def buried(self, job: Job, reason: str, error: str) -> Effect:
        async def effect(conn: Connection) -> None:
            await conn.execute("insert into public.done (job_id, lane) values ($1, $2)", job.job_id, f"{reason}: {error}")

        return effect


# Doing


def test_what_waits_is_done_and_stored(database: Database, make: Make) -> None:
    ids = [add(database, f"lane-{number % 3}") for number in range(12)]
    worker = make()

    worker.start()

    wait_until(lambda: len(done(database)) == 12)
    assert sorted(done(database)) == ids
    assert jobs(database) == []


def test_a_woken_worker_does_not_wait_for_its_next_look(database: Database, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "POLL_S", 30.0)
    worker = make()
    worker.start()
    wait_until(lambda: worker._due.get("sweep"), what="the first look")

    add(database, "a")
    worker.wake()

    wait_until(lambda: done(database), timeout_s=5)


def test_a_lane_is_done_in_order_by_many_hands(database: Database, make: Make) -> None:
    ids = [add(database, "a") for _ in range(20)]

    make(hands=6).start()

    wait_until(lambda: len(done(database)) == 20)
    assert done(database) == ids


def test_run_until_idle_does_all_that_waits_and_says_how_much(database: Database, make: Make) -> None:
    ids = [add(database, f"lane-{number % 7}") for number in range(40)]
    worker = make(hands=2)

    assert worker.run_until_idle() == 40

    assert sorted(done(database)) == ids
    assert worker.run_until_idle() == 0


def test_run_until_idle_does_what_the_jobs_it_did_have_brought(database: Database, make: Make) -> None:
    def breed(job: Job) -> Effect:
        async def effect(conn: Connection) -> None:
            await add_job(conn, "note", shop_id=SHOP, lane=f"child of {job.job_id}")

        return effect

    add(database, "a", "breed")

    assert make({"breed": breed}).run_until_idle() == 2


def test_run_until_idle_keeps_the_lanes_that_it_has_not_come_to(database: Database, make: Make) -> None:
    """A slow first job must not cost the others their leases."""
    first, second = add(database, "a", "slow"), add(database, "b")

    def slow(job: Job) -> Effect:
        run_sql(database, "update shopify.leases set until = now() + interval '1 second' where lane = 'b'")
        return note(job)

    seen: list[float] = []

    def look(job: Job) -> Effect:
        left = run_sql(database, "select extract(epoch from until - now())::float8 as s from shopify.leases where lane = 'b'")
        seen.append(left[0]["s"])
        return note(job)

    make({"slow": slow, "note": look}).run_until_idle()

    assert done(database) == [first, second]
    assert seen[0] > LEASE_S / 2


# Failing


def test_a_job_that_fails_is_tried_again_later(database: Database, make: Make) -> None:
    job_id = add(database, "a", "flaky")
    attempts: list[int] = []

    def flaky(job: Job) -> Effect:
        attempts.append(job.attempt)
        if job.attempt < 3:
            raise KeyError("the text of a foreign error may hold a customer's data")
        return note(job)

    worker = make({"flaky": flaky})
    for _ in range(3):
        worker.run_until_idle()
        let_sleepers_wake(database)

    assert attempts == [1, 2, 3]
    assert done(database) == [job_id]


def test_only_the_class_of_a_foreign_error_is_kept(database: Database, make: Make) -> None:
    add(database, "a", "bad")

    make({"bad": fails(KeyError("jane@example.com"))}).run_until_idle()

    [job] = jobs(database)
    assert job["last_error"] == "KeyError"
    assert 1 < job["sleeps_s"] < 3


def test_an_effect_that_fails_counts_as_a_failure(database: Database, make: Make) -> None:
    add(database, "a", "bad")

    def bad(_: Job) -> Effect:
        async def effect(conn: Connection) -> None:
            await conn.execute("select 1 / 0")

        return effect

    make({"bad": bad}).run_until_idle()

    assert [(job["attempts"], job["last_error"]) for job in jobs(database)] == [(1, "DivisionByZeroError")]


@pytest.mark.parametrize(
    ("error", "at_least_s"),
    [
        pytest.param(Throttled("later", retry_after_s=40), 39, id="longer_than_our_pause"),
        pytest.param(UpstreamFailed("later", retry_after_s=0.1), 1.5, id="shorter_than_our_pause"),
        pytest.param(DatabaseUnavailable("the host's own"), 1.5, id="a_database_that_the_handler_needs"),
    ],
)
def test_an_error_that_can_pass_is_waited_out(database: Database, make: Make, error: Exception, at_least_s: float) -> None:
    add(database, "a", "bad")

    make({"bad": fails(error)}).run_until_idle()

    [job] = jobs(database)
    assert at_least_s < job["sleeps_s"] < at_least_s + 10
    assert job["last_error"] == error.args[0]


@pytest.mark.parametrize(
    ("error", "reason", "last_error"),
    [
        pytest.param(Parked("invalid_json", "no JSON"), "invalid_json", "no JSON", id="parked"),
        pytest.param(InvalidInput("no such order", code="invalid_id"), "invalid_id", "no such order", id="permanent"),
    ],
)
def test_what_never_succeeds_is_given_up_at_once(
    database: Database, make: Make, error: Exception, reason: str, last_error: str
) -> None:
    bad, good = add(database, "a", "bad"), add(database, "a")

    make({"bad": fails(error)}).run_until_idle()

    assert [(job["job_id"], job["reason"], job["last_error"]) for job in dead(database)] == [(bad, reason, last_error)]
    assert done(database) == [good]


def test_what_is_parked_may_store_something(database: Database, make: Make) -> None:
    job_id = add(database, "a", "bad")

    def bad(job: Job) -> Effect:
        raise Parked("reason", effect=note(job))

    make({"bad": bad}).run_until_idle()

    assert done(database) == [job_id]
    assert len(dead(database)) == 1


def test_the_twentieth_failure_is_the_last(database: Database, make: Make) -> None:
    job_id = add(database, "a", "bad")
    worker = make({"bad": Mourner(KeyError())})

    for _ in range(MAX_ATTEMPTS + 2):
        worker.run_until_idle()
        let_sleepers_wake(database)

    assert [(job["job_id"], job["reason"], job["attempts"]) for job in dead(database)] == [(job_id, "attempts_exhausted", 20)]
    [row] = run_sql(database, "select * from public.done")
    assert (row["job_id"], row["lane"]) == (job_id, "attempts_exhausted: KeyError")


def test_what_ended_its_workers_twenty_times_is_not_begun_again(database: Database, make: Make) -> None:
    """Such a job never fails by itself, so nobody would ever count it out."""
    add(database, "a", "die")
    run_sql(database, "update shopify.jobs set attempts = $1", MAX_ATTEMPTS)
    begun: list[Job] = []

    def die(job: Job) -> Effect | None:
        begun.append(job)
        return None

    make({"die": die}).run_until_idle()

    assert begun == []
    assert [job["reason"] for job in dead(database)] == ["attempts_exhausted"]


def test_a_kind_that_this_worker_does_not_know_waits_for_one_that_does(database: Database, make: Make) -> None:
    """During a rolling deploy the older worker meets what the newer one put in."""
    job_id = add(database, "a", "new")
    make().run_until_idle()
    let_sleepers_wake(database)

    make({"new": note}).run_until_idle()

    assert done(database) == [job_id]


# Hands that take long


def test_a_hand_beyond_its_deadline_is_given_up_and_what_it_brings_is_not_stored(
    database: Database, make: Make, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "TEND_EVERY_S", 0.05)
    stuck, other = add(database, "a", "gate"), add(database, "b")
    make({"gate": gate}, hands=1, deadline_s=0.3).start()

    [job] = wait_until(lambda: [job for job in jobs(database) if job["wake_at"] is not None])
    gate.opened.set()
    wait_until(lambda: other in done(database))

    assert (job["job_id"], job["attempts"], job["last_error"]) == (stuck, 1, "took longer than 0.3 s")
    assert stuck not in done(database)


def test_a_job_that_takes_long_keeps_its_lease(database: Database, make: Make, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "RENEW_EVERY_S", 0.05)
    add(database, "a", "gate")
    make({"gate": gate}).start()
    assert gate.entered.wait(5)
    [lease] = run_sql(database, "update shopify.leases set until = now() + interval '3 seconds' returning fence")

    prolonged = "select from shopify.leases where fence = $1 and until > now() + make_interval(secs => $2)"

    wait_until(lambda: run_sql(database, prolonged, lease["fence"], LEASE_S / 2), timeout_s=5)


def test_a_resource_that_is_stuck_delays_no_other(
    database: Database, make: Make, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where as many are stuck as there are hands: those that take long get stand-ins."""
    monkeypatch.setattr(worker_module, "TEND_EVERY_S", 0.05)
    monkeypatch.setattr(worker_module, "SLOW_S", 0.1)
    for number in range(2):
        add(database, f"stuck-{number}", "gate")
    make({"gate": gate}, hands=2).start()
    assert gate.entered.wait(5)

    ids = [add(database, f"free-{number}") for number in range(5)]

    wait_until(lambda: sorted(done(database)) == ids, timeout_s=5)


def test_stand_ins_go_when_those_they_stood_in_for_are_back(
    database: Database, make: Make, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "TEND_EVERY_S", 0.05)
    monkeypatch.setattr(worker_module, "SLOW_S", 0.1)
    add(database, "stuck", "gate")
    worker = make({"gate": gate}, hands=2)
    worker.start()
    wait_until(lambda: len(worker._hands) == 3, what="a stand-in")

    gate.opened.set()

    wait_until(lambda: len(worker._hands) == 2, what="the stand-in's end")
    job_id = add(database, "a")
    wait_until(lambda: job_id in done(database))


def test_what_was_claimed_and_finds_no_hand_is_left_to_others(
    database: Database, make: Make, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "TEND_EVERY_S", 0.05)
    monkeypatch.setattr(worker_module, "WAITS_S", 0.1)
    monkeypatch.setattr(worker_module, "SLOW_S", 60.0)
    add(database, "stuck", "gate")
    waiting = add(database, "waiting")
    busy = make({"gate": gate}, hands=1)
    busy.start()
    assert gate.entered.wait(5)

    make().start()

    wait_until(lambda: done(database) == [waiting], timeout_s=5)
    assert len(busy._ready) == 0


# Ending


def test_a_worker_ends_with_what_it_has_begun_done_and_the_rest_given_back(database: Database, make: Make, gate: Gate) -> None:
    begun, next_in_lane = add(database, "a", "gate"), add(database, "a")
    claimed_only = add(database, "b")
    worker = make({"gate": gate}, hands=1)
    worker.start()
    assert gate.entered.wait(5)

    stopping = threading.Thread(target=worker.stop)
    stopping.start()
    wait_until(lambda: not run_sql(database, "select from shopify.leases where lane = 'b'"), what="the claimed lane's release")
    gate.opened.set()
    stopping.join(5)

    assert worker.ended.is_set()
    assert done(database) == [begun]
    assert [(job["job_id"], job["attempts"]) for job in jobs(database)] == [(next_in_lane, 0), (claimed_only, 0)]
    assert all(job["turn"] is not None for job in jobs(database))


def test_an_idle_worker_ends_at_once(make: Make) -> None:
    worker = make()
    worker.start()
    started_at = time.monotonic()

    worker.stop()

    assert worker.ended.is_set()
    assert time.monotonic() - started_at < 2


def test_a_worker_that_was_never_begun_ends_at_once(make: Make) -> None:
    worker = make()
    started_at = time.monotonic()

    worker.stop()

    assert time.monotonic() - started_at < 1


# Schedules


def slot_job(name: str) -> Effect:
    async def effect(conn: Connection) -> None:
        await add_job(conn, "note", shop_id=0, lane=name)

    return effect


def schedule(cron: str) -> dict[str, Schedule]:
    return {"poll": (cron, slot_job("poll"))}


def given_out(database: Database) -> int:
    return len(jobs(database))


def test_a_schedule_runs_once_whatever_the_number_of_workers(database: Database, make: Make) -> None:
    clock = ManualClock(datetime(2026, 1, 1, 11, 59, 30, tzinfo=UTC))
    workers = [make(clock=clock, schedules=schedule("0 12 * * *")) for _ in range(3)]
    for worker in workers:
        worker._give_out_slots()
    assert given_out(database) == 0

    clock.advance(60)
    for worker in workers * 2:
        worker._give_out_slots()

    assert given_out(database) == 1


def test_a_run_that_was_missed_while_no_worker_ran_is_made_up_once(database: Database, make: Make) -> None:
    clock = ManualClock(datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC))
    make(clock=clock).lanes.take_slot("poll", datetime(2025, 12, 28, 12, tzinfo=UTC))

    for _ in range(3):
        make(clock=clock, schedules=schedule("0 12 * * *"))._give_out_slots()

    assert given_out(database) == 1


def test_the_first_worker_ever_runs_nothing_before_its_time(database: Database, make: Make) -> None:
    clock = ManualClock(datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC))

    make(clock=clock, schedules=schedule("0 12 * * *"))._give_out_slots()

    assert given_out(database) == 0


def test_a_working_worker_gives_out_what_is_due(database: Database, make: Make) -> None:
    clock = ManualClock(datetime(2026, 1, 1, 11, 59, 59, tzinfo=UTC))
    worker = make(clock=clock, schedules=schedule("* * * * *"))
    worker.start()
    wait_until(lambda: worker._next_slots, what="the first look")

    clock.advance(2)
    worker.wake()

    wait_until(lambda: done(database), what="the scheduled job")


@pytest.mark.parametrize(
    ("cron", "at", "latest", "following"),
    [
        pytest.param("*/10 * * * *", "12:05:00", "12:00", "12:10", id="between"),
        pytest.param("*/10 * * * *", "12:10:00", "12:10", "12:20", id="on_the_minute"),
        pytest.param("*/10 * * * *", "12:10:59", "12:10", "12:20", id="within_the_minute"),
        pytest.param("* * * * *", "12:10:01", "12:10", "12:11", id="each_minute"),
    ],
)
def test_runs_of_a_schedule_are_found(cron: str, at: str, latest: str, following: str) -> None:
    now = datetime.fromisoformat(f"2026-01-01T{at}+00:00")

    found = latest_slot(cron, now), next_slot(cron, now)

    assert [f"{slot:%H:%M}" for slot in found] == [latest, following]
    assert {slot.tzinfo for slot in found} == {UTC}


# Trouble

END_CONNECTIONS = """
    select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
"""


def test_a_worker_outlives_the_connections_it_had(database: Database, make: Make) -> None:
    make().start()
    add(database, "a")
    wait_until(lambda: len(done(database)) == 1)

    for _ in range(3):
        with suppress(DatabaseUnavailable):
            run_sql(database, END_CONNECTIONS)
    job_id = add(database, "b")

    wait_until(lambda: job_id in done(database), timeout_s=5)


def test_a_worker_outlives_errors_that_nobody_foresaw(database: Database, make: Make) -> None:
    calls = iter([RuntimeError("unforeseen")])

    def prepare() -> None:
        for error in calls:
            raise error

    add(database, "a")
    make(prepare=prepare).start()

    wait_until(lambda: done(database), timeout_s=5)


def test_a_hand_outlives_last_words_that_fail(database: Database, make: Make) -> None:
    add(database, "a", "bad")
    other = add(database, "b")

    async def fail(conn: Connection) -> None:
        await conn.execute("select 1 / 0")

    make({"bad": fails(Parked("reason", effect=fail))}, hands=1).start()

    wait_until(lambda: other in done(database), timeout_s=5)


# Processes


@pytest.fixture
def process(database_url: str, database: Database) -> Iterator[Callable[[], ChildProcess]]:
    """Start worker processes that end with the test."""
    assert database
    started: list[ChildProcess] = []

    def start() -> ChildProcess:
        started.append(ChildProcess(["-m", "tests.lane_worker", database_url]))
        started[-1].wait_for_line(lambda line: line.startswith("working"))
        return started[-1]

    yield start
    for each in started:
        each.close()


def let_leases_run_out(database: Database) -> None:
    """Let as much time pass for the leases of whoever is gone as a lease lasts."""
    run_sql(database, "update shopify.leases set until = until - make_interval(secs => $1)", LEASE_S)


def test_the_work_of_a_killed_process_goes_on_elsewhere_within_fifteen_seconds(
    database: Database, process: Callable[[], ChildProcess], make: Make
) -> None:
    """Ten of them are the lease, which is shortened here; the rest must be done within the other five."""
    job_id, behind = add(database, "a", "wait", seconds=60), add(database, "a")
    victim = process()
    victim.wait_for_line(lambda line: line.startswith(f"waiting over {job_id}"))
    make({"wait": note}).start()

    victim.send(signal.SIGKILL)
    victim.wait()
    killed_at = time.monotonic()
    assert done(database) == []
    let_leases_run_out(database)
    wait_until(lambda: len(done(database)) == 2, timeout_s=5)

    assert done(database) == [job_id, behind]
    assert time.monotonic() - killed_at + LEASE_S < 15


def test_work_that_kills_its_process_is_counted(database: Database, process: Callable[[], ChildProcess]) -> None:
    job_id = add(database, "a", "die")

    victim = process()
    victim.wait_for_line(lambda line: line.startswith(f"dying of {job_id}"))

    assert victim.wait() == -signal.SIGKILL
    assert [(job["job_id"], job["attempts"]) for job in jobs(database)] == [(job_id, 1)]


def test_two_processes_share_the_work(database: Database, process: Callable[[], ChildProcess]) -> None:
    ids = [add(database, f"lane-{number % 40}") for number in range(400)]
    workers = [process(), process()]

    wait_until(lambda: len(done(database)) >= 400, timeout_s=20)

    rows = run_sql(database, "select job_id, lane, pid from public.done order by position")
    assert sorted(row["job_id"] for row in rows) == ids
    assert {row["pid"] for row in rows} <= {worker.pid for worker in workers}
    for lane in {row["lane"] for row in rows}:
        in_lane = [row["job_id"] for row in rows if row["lane"] == lane]
        assert in_lane == sorted(in_lane)


def test_a_process_that_is_asked_to_end_ends_with_its_work_done(database: Database, process: Callable[[], ChildProcess]) -> None:
    job_id = add(database, "a", "wait", seconds=0.5)
    worker = process()
    worker.wait_for_line(lambda line: line.startswith("waiting"))

    worker.send(signal.SIGTERM)

    assert worker.wait(timeout_s=10) == 0
    assert not is_alive(worker.pid)
    assert done(database) == [job_id]
