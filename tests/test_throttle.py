"""The shared cost bucket against real Postgres: its arithmetic, who goes first, and what several processes take together.

Two throttles on one database are two processes as far as the bucket is concerned. A level is seen by what can be taken.
"""

from __future__ import annotations

import asyncio
import json
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import asyncpg
import pytest
import requests

from shopify_kit.database import Database
from shopify_kit.errors import Throttled
from shopify_kit.throttle import FIRST_AVAILABLE, RESERVE_POINTS, Budget, Priority, Throttle, ThrottleStatus
from tests.fake_store import FakeStore
from tests.processes import ChildProcess, wait_until

SHOP = Budget(1, "app")
INTERACTIVE, BACKGROUND = Priority.INTERACTIVE, Priority.BACKGROUND
STANDS_STILL = 0.001
"""A restore rate at which nothing changes while a test looks."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


@pytest.fixture
def throttle(database: Database) -> Throttle:
    return Throttle(database)


@pytest.fixture
def other(database: Database) -> Throttle:
    """Another process."""
    return Throttle(database)


def take(throttle: Throttle, points: float, priority: Priority = INTERACTIVE, *, timeout_s: float = 0.0) -> None:
    throttle.take(SHOP, points, priority, timeout_s=timeout_s)


def shopify_says(
    throttle: Throttle, available: float, *, maximum: float = 2000, rate: float = STANDS_STILL, unused: float = 0
) -> None:
    """Settle the call under way with Shopify's view."""
    throttle.settle(SHOP, unused, ThrottleStatus(available, maximum, rate))


def start_with(throttle: Throttle, available: float, *, maximum: float = 2000, rate: float = STANDS_STILL) -> None:
    """Make a bucket of this size and level, by the answer to a first call."""
    take(throttle, 1, timeout_s=1)
    shopify_says(throttle, available, maximum=maximum, rate=rate)


def has(throttle: Throttle, points: float, priority: Priority = INTERACTIVE) -> bool:
    """Tell whether so many can be taken at once, and give them back."""
    try:
        take(throttle, points, priority)
    except Throttled:
        return False
    throttle.settle(SHOP, points, None)
    return True


def level(throttle: Throttle) -> int:
    """Find out how many whole points there are, to a few thousand."""
    low, high = 0, 4096
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if has(throttle, middle) else (low, middle)
    return low


def run_sql(dsn: str, sql: str) -> Any:
    async def run() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(run())


# Arithmetic


def test_a_shop_that_nobody_called_yet_is_believed_to_have_points(throttle: Throttle) -> None:
    take(throttle, FIRST_AVAILABLE / 2, timeout_s=0.5)

    with pytest.raises(Throttled):
        take(throttle, FIRST_AVAILABLE)


def test_what_is_taken_is_gone_and_what_was_not_used_comes_back(throttle: Throttle) -> None:
    start_with(throttle, 500)

    take(throttle, 300)
    assert not has(throttle, 201)

    throttle.settle(SHOP, 250, None)
    assert level(throttle) in (449, 450)


def test_nothing_comes_back_beyond_what_the_bucket_holds(throttle: Throttle) -> None:
    start_with(throttle, 990, maximum=1000)

    take(throttle, 100)
    throttle.settle(SHOP, 500, None)

    take(throttle, 1000)
    assert not has(throttle, 1)


@pytest.mark.parametrize("available", [40, 1700], ids=["less_than_we_thought", "more_than_we_thought"])
def test_shopifys_word_to_a_call_that_was_alone_is_believed(throttle: Throttle, available: float) -> None:
    start_with(throttle, 1000)

    take(throttle, 100)
    shopify_says(throttle, available, unused=50)

    assert level(throttle) in (available - 1, available)


def test_shopifys_word_changes_the_size_of_the_bucket(throttle: Throttle) -> None:
    start_with(throttle, 1000, maximum=1000)

    take(throttle, 1)
    shopify_says(throttle, 3900, maximum=4000, rate=STANDS_STILL)

    assert has(throttle, 3800)


def test_shopifys_word_beside_other_calls_lowers_what_we_think(throttle: Throttle, other: Throttle) -> None:
    """Somebody else spends from the same bucket, whom our database does not know."""
    start_with(throttle, 1000)

    take(throttle, 100)
    take(other, 100)
    shopify_says(throttle, 300, unused=90)

    assert level(Throttle(throttle._database)) in (299, 300)


def test_shopifys_word_beside_other_calls_does_not_give_away_what_they_took(throttle: Throttle, other: Throttle) -> None:
    """Shopify may not have heard of the other call yet when it answers."""
    start_with(throttle, 1000)

    take(throttle, 100)
    take(other, 600)
    shopify_says(throttle, 900)

    assert level(Throttle(throttle._database)) in (299, 300)


@pytest.mark.parametrize("is_first", [True, False], ids=["began_after", "began_before"])
def test_shopifys_word_does_not_give_away_what_a_call_used_that_ended_meanwhile(
    throttle: Throttle, other: Throttle, is_first: bool
) -> None:
    """The other call may have come and gone while the answer to the first one was on its way."""
    start_with(throttle, 1000)

    for one in (throttle, other) if is_first else (other, throttle):
        take(one, 600 if one is other else 100)
    other.settle(SHOP, 0, None)
    shopify_says(throttle, 900)

    assert level(throttle) in (299, 300)


def test_points_that_came_back_while_an_answer_was_on_its_way_are_kept(throttle: Throttle, other: Throttle) -> None:
    """Under load every answer is a little old; taking each at its word would lose what the bucket gained since."""
    start_with(throttle, 0, rate=1000)
    take(throttle, 50, timeout_s=1)
    take(other, 50, timeout_s=1)
    time.sleep(0.2)

    shopify_says(throttle, 0, rate=1000)

    take(Throttle(throttle._database), 100)


def test_what_shopify_refused_is_not_there(throttle: Throttle, other: Throttle) -> None:
    """A refusal is never too old to count: its points were given back, and would be taken and refused again and again."""
    start_with(throttle, 200, rate=1000)
    take(throttle, 100)
    take(other, 100)
    time.sleep(0.2)

    shopify_says(throttle, 5, rate=1000, unused=100)

    assert not has(Throttle(throttle._database), 100)


def test_the_bucket_fills_at_the_restore_rate(throttle: Throttle) -> None:
    start_with(throttle, 0, rate=500)
    started_at = time.monotonic()

    take(throttle, 100, timeout_s=5)

    assert 0.19 < time.monotonic() - started_at < 1


def test_the_bucket_does_not_fill_beyond_its_size(throttle: Throttle) -> None:
    start_with(throttle, 50, maximum=60, rate=10_000)
    time.sleep(0.05)

    take(throttle, 60)

    assert not has(throttle, 1000), "the whole bucket is the most that can be taken, and it is not full again yet"


def test_what_is_not_there_in_time_is_refused_at_once_with_the_seconds_to_wait(throttle: Throttle) -> None:
    start_with(throttle, 100, rate=100)
    started_at = time.monotonic()

    with pytest.raises(Throttled) as refused:
        take(throttle, 600, timeout_s=3)

    assert time.monotonic() - started_at < 0.5
    assert refused.value.retry_after_s == pytest.approx(5, abs=0.2)
    assert level(throttle) in range(98, 160), "a refusal takes nothing"


def test_a_guess_beyond_the_size_of_the_bucket_takes_all_of_it(throttle: Throttle) -> None:
    """Otherwise a document that we think too expensive would never be sent, and we would never learn."""
    start_with(throttle, 400, maximum=400)

    take(throttle, 450)
    assert not has(throttle, 1)
    throttle.settle(SHOP, 440, None)

    assert level(throttle) in (389, 390)


def test_buckets_of_other_apps_and_shops_are_their_own(throttle: Throttle) -> None:
    start_with(throttle, 0)

    throttle.take(Budget(1, "another app"), 100, INTERACTIVE, timeout_s=1)
    throttle.take(Budget(2, "app"), 100, INTERACTIVE, timeout_s=1)

    assert not has(throttle, 1)


def test_a_call_that_nobody_settled_is_forgotten_after_a_minute(throttle: Throttle, database: Database, database_url: str) -> None:
    """Its process was killed. Until then no call counts as alone."""
    start_with(throttle, 500)
    take(Throttle(database), 400)
    take(throttle, 10)
    shopify_says(throttle, 490)
    assert level(throttle) in (89, 90)
    run_sql(database_url, "update shopify.cost_buckets set taken_at = taken_at - interval '61 seconds'")

    take(throttle, 10)
    shopify_says(throttle, 480)

    assert level(throttle) in (479, 480)


def test_a_bucket_that_a_crash_of_the_server_emptied_is_made_anew(throttle: Throttle, database_url: str) -> None:
    """The table is unlogged."""
    start_with(throttle, 0)
    take(throttle, 0)
    run_sql(database_url, "truncate shopify.cost_buckets")
    shopify_says(throttle, 700)

    take(throttle, 500, timeout_s=1)


@pytest.mark.parametrize(
    ("extensions", "status"),
    [
        pytest.param({}, None, id="no_cost"),
        pytest.param({"cost": {"requestedQueryCost": 3}}, None, id="no_status"),
        pytest.param(
            {"cost": {"throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 1997, "restoreRate": 100.0}}},
            ThrottleStatus(1997.0, 2000.0, 100.0),
            id="status",
        ),
    ],
)
def test_the_status_is_read_from_an_answer(extensions: dict[str, Any], status: ThrottleStatus | None) -> None:
    assert ThrottleStatus.of(extensions) == status


# Who goes first


def test_background_calls_leave_a_reserve_for_interactive_ones(throttle: Throttle) -> None:
    start_with(throttle, RESERVE_POINTS + 50)

    assert not has(throttle, 60, BACKGROUND)
    assert has(throttle, 50, BACKGROUND)
    assert has(throttle, RESERVE_POINTS + 49)


def test_the_reserve_of_a_small_bucket_is_a_quarter(throttle: Throttle) -> None:
    start_with(throttle, 79, maximum=80)

    assert has(throttle, 59, BACKGROUND)
    assert not has(throttle, 60, BACKGROUND)


def test_a_background_call_as_large_as_the_bucket_goes_when_it_is_full(throttle: Throttle) -> None:
    start_with(throttle, 900, maximum=1000, rate=1000)

    take(throttle, 950, BACKGROUND, timeout_s=2)


@pytest.mark.parametrize("priority", [BACKGROUND, INTERACTIVE], ids=lambda priority: str(priority.value))
def test_who_comes_while_an_interactive_call_waits_waits_behind_it(throttle: Throttle, other: Throttle, priority: Priority) -> None:
    start_with(throttle, 500, rate=500)
    with ThreadPoolExecutor(1) as callers:
        large = callers.submit(take, throttle, 800, timeout_s=5)
        wait_until(lambda: not has(other, 1), what="the large call's turn")

        with pytest.raises(Throttled):
            take(other, 10, priority)
        take(other, 10, priority, timeout_s=5)

        assert large.done()


def test_who_does_not_wait_takes_nobodys_turn(throttle: Throttle, other: Throttle) -> None:
    start_with(throttle, 500)

    with pytest.raises(Throttled):
        take(throttle, 600, timeout_s=3)

    assert has(other, 400)
    assert has(other, 200, BACKGROUND)


def test_the_turn_of_a_process_that_was_killed_ends_by_itself(database_url: str, throttle: Throttle) -> None:
    start_with(throttle, 500, rate=100)
    script = TAKER.replace("timeout_s=10", "timeout_s=60")
    with ChildProcess(["-c", script, database_url, "1900", "1"]) as waiting:
        wait_until(lambda: not has(throttle, 1), what="its turn")
        waiting.send(signal.SIGKILL)
        take(throttle, 100, timeout_s=3)

        with ThreadPoolExecutor(1) as callers:
            large = callers.submit(take, Throttle(throttle._database), 600, timeout_s=5)
            wait_until(lambda: not has(throttle, 1), timeout_s=1, what="the next caller's turn")
            large.result()


def test_background_calls_do_not_starve_a_large_interactive_one(database: Database) -> None:
    """They take as soon as there is a little; it needs a lot, and sleeps in between."""
    start_with(Throttle(database), RESERVE_POINTS, rate=500)
    is_over = threading.Event()

    def work_in_the_background() -> None:
        throttle = Throttle(database)
        while not is_over.is_set():
            try:
                take(throttle, 5, BACKGROUND, timeout_s=1)
            except Throttled:
                continue
            throttle.settle(SHOP, 0, None)

    with ThreadPoolExecutor(3) as jobs:
        running = [jobs.submit(work_in_the_background) for _ in range(3)]
        try:
            started_at = time.monotonic()
            take(Throttle(database), RESERVE_POINTS + 400, timeout_s=5)
            waited_s = time.monotonic() - started_at
        finally:
            is_over.set()
    assert all(job.exception() is None for job in running)
    assert 0.7 < waited_s < 2


@pytest.mark.parametrize("is_same", [True, False], ids=["of_the_same_process", "of_other_processes"])
def test_small_calls_do_not_starve_a_large_one(throttle: Throttle, database: Database, is_same: bool) -> None:
    start_with(throttle, 0, rate=500)
    is_over = threading.Event()

    def call_often() -> None:
        calling = throttle if is_same else Throttle(database)
        while not is_over.is_set():
            take(calling, 5, timeout_s=5)
            calling.settle(SHOP, 0, None)

    with ThreadPoolExecutor(3) as callers:
        running = [callers.submit(call_often) for _ in range(3)]
        try:
            take(throttle, 400, timeout_s=5)
        finally:
            is_over.set()
    assert all(caller.exception() is None for caller in running)


def test_processes_that_wait_take_turns(database: Database) -> None:
    """Who has just taken sees first what comes back; who needs a little less could always be a little earlier."""
    start_with(Throttle(database), 0, rate=2000)
    ends_at = time.monotonic() + 2.5

    def call(points: float) -> int:
        calling, calls = Throttle(database), 0
        while time.monotonic() < ends_at:
            take(calling, points, timeout_s=10)
            calling.settle(SHOP, points - 200, None)
            calls += 1
        return calls

    with ThreadPoolExecutor(3) as processes:
        calls = list(processes.map(call, [400, 420, 440]))

    assert sum(calls) > 15
    assert min(calls) > sum(calls) / 10


def test_callers_of_one_process_are_served_in_the_order_in_which_they_came(throttle: Throttle) -> None:
    start_with(throttle, 0, rate=400)
    served: list[int] = []

    def call(number: int) -> None:
        take(throttle, 50 - number, timeout_s=5)
        served.append(number)

    with ThreadPoolExecutor(4) as callers:
        for number in range(4):
            callers.submit(call, number)
            wait_until(lambda: len(callers_in_line(throttle)) > number, what="the caller in line")  # noqa: B023

    assert served == [0, 1, 2, 3]


def callers_in_line(throttle: Throttle) -> list[object]:
    queues = throttle._queues.get()._queues
    return [caller for queue in queues.values() for caller in queue.callers]


def test_nothing_is_kept_of_callers_that_do_not_wait(throttle: Throttle) -> None:
    start_with(throttle, 2000)

    for shop_id in range(3, 40):
        throttle.take(Budget(shop_id, "app"), 1, INTERACTIVE, timeout_s=1)
    wait_until(lambda: has(throttle, 1) and not throttle._queues.get()._queues, what="an empty line")


def test_waiting_behind_another_process_costs_few_questions(throttle: Throttle, database_url: str) -> None:
    database = CountingDatabase(database_url)
    start_with(throttle, 500, rate=500)
    with ThreadPoolExecutor(1) as callers:
        large = callers.submit(take, throttle, 800, timeout_s=5)
        wait_until(lambda: not has(Throttle(throttle._database), 1), what="the large call's turn")

        take(Throttle(database), 10, timeout_s=5)

        large.result()
    database.close()
    assert database.runs < 15


class CountingDatabase(Database):
    """Counts units of work."""

    runs = 0

    def run(self, *args: Any, **kwargs: Any) -> Any:
        self.runs += 1
        return super().run(*args, **kwargs)


def test_who_does_not_get_their_turn_in_time_is_told_when_to_come_back(throttle: Throttle, database: Database) -> None:
    start_with(throttle, 50, rate=100)
    with ThreadPoolExecutor(1) as callers:
        first = callers.submit(take, throttle, 150, timeout_s=5)
        wait_until(lambda: not has(Throttle(database), 1), what="the first caller's turn")
        started_at = time.monotonic()

        with pytest.raises(Throttled) as refused:
            take(throttle, 50, timeout_s=0.2)

        assert time.monotonic() - started_at < 1
        assert 0.1 <= (refused.value.retry_after_s or 0) < 1
        first.result()


# Several processes

TAKER = """
import json, sys, time
from shopify_kit.database import Database
from shopify_kit.throttle import Budget, Priority, Throttle

throttle, points, taken = Throttle(Database(sys.argv[1])), float(sys.argv[2]), 0.0
started_at = time.time()
while time.time() < started_at + float(sys.argv[3]):
    throttle.take(Budget(1, "app"), points, Priority.INTERACTIVE, timeout_s=10)
    throttle.settle(Budget(1, "app"), 0, None)
    taken += points
print(json.dumps([taken, time.time()]), flush=True)
"""


def test_two_processes_never_overdraw_and_leave_nothing_unused(throttle: Throttle, database_url: str) -> None:
    rate, there = 400, 100
    started_at = time.time()
    start_with(throttle, there, rate=rate)
    with ExitStack() as running:
        takers = [running.enter_context(ChildProcess(["-c", TAKER, database_url, points, "1.5"])) for points in ("5", "15")]
        reports = [json.loads(taker.wait_for_line(bool)) for taker in takers]

    taken = sum(points for points, _ in reports)
    took_s = max(ended_at for _, ended_at in reports) - started_at
    assert (there + rate * took_s) * 0.85 <= taken <= there + rate * took_s


CALLER = """
import json, sys, time
from shopify_kit.client import AdminClient, ShopAccess
from shopify_kit.database import Database
from shopify_kit.documents import Documents
from shopify_kit.runtime import map_in_threads
from shopify_kit.secret import Secret
from shopify_kit.throttle import Throttle
from shopify_kit.transport import AddressBook, RequestsTransport

dsn, origin, shop, token, seconds = sys.argv[1:]
addresses = AddressBook(origin)
client = AdminClient(RequestsTransport(addresses), addresses, Throttle(Database(dsn)), api_version="2026-10")
access, document = ShopAccess(1, shop, Secret(token), bucket="app"), Documents()["GetShop"]
client.run(access, document)
print("ready", flush=True)
ends_at = time.monotonic() + float(seconds)

def work(_):
    calls = 0
    while time.monotonic() < ends_at:
        client.run(access, document)
        calls += 1
    return calls

print(sum(map_in_threads(work, range(3), max_threads=3)), flush=True)
"""


def test_two_processes_use_a_shops_budget_up_and_are_never_refused(database_url: str, fresh_fake_store: FakeStore) -> None:
    """The whole way: client, throttle, and a shop that refuses what its bucket does not hold."""
    store, shop = fresh_fake_store, fresh_fake_store.shop
    ask_fake(store, "POST", "bucket", {"shop": shop.shop_domain, "maximum": 100, "available": 100, "restore_rate": 300})
    arguments = [database_url, store.base_url, shop.shop_domain, shop.access_token, "2"]
    with ExitStack() as running:
        callers = [running.enter_context(ChildProcess(["-c", CALLER, *arguments])) for _ in range(2)]
        for caller in callers:
            caller.wait_for_line(lambda line: line == "ready\n")
        ask_fake(store, "DELETE", "log")
        calls = sum(int(caller.wait_for_line(lambda line: line != "ready\n")) for caller in callers)
    rows = ask_fake(store, "GET", "log")["requests"]

    points = sum(row["requested_cost"] for row in rows if row["operation"] == "GetShop")
    assert not [row for row in rows if row["throttled"]]
    assert calls > 10
    assert points >= 300 * 2 * 0.85


def ask_fake(store: FakeStore, method: str, action: str, body: object = None) -> Any:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, f"{store.base_url}/__fake/{action}", json=body, timeout=30).json()
