"""The promise of the inbox, under kills: what was acknowledged is done, once, in order, and never undone by something older.

The long test runs real servers and workers on a durable PostgreSQL and kills all of them, for `CHAOS_SECONDS` (60); `make chaos`
lets it run for an hour. The scenes below do one harm each, at the worst moment, twice: as it is, and with the guard against it
taken out, so that it is known that the verdict would find out.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from shopify_inbox.deliveries import Delivery, queries, store_deliveries
from shopify_kit.database import Database
from shopify_kit.embedded_postgres import EmbeddedPostgres, find_free_port
from shopify_kit.migrations import migrate
from shopify_kit.runtime import map_in_threads
from shopify_webhooks import WebhookEvent
from tests import chaos_host
from tests.chaos_crew import FAULTS, Crew, environment, gunicorn, kill_all, print_line
from tests.chaos_deliveries import PATH, RESOURCES_PER_SHOP, SHOPS, Senders, Sent, attempt, plan
from tests.chaos_verdict import Verdict, judge, query
from tests.processes import ChildProcess, wait_until

SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
SEED = int(os.environ.get("CHAOS_SEED", "20261101"))
WANTED = int(10_000 * SECONDS / 60)
SENDING_SHARE = 0.8
PATIENCE_S = 120.0
PACE = min(1.0, SECONDS / 60)
HARM_EVERY_S = (1.0 * PACE, 3.5 * PACE)
SHOP = SHOPS[0]
ADD_SHOP = "insert into shopify.shops (shop_domain, installed_at) values"
EMPTY = """
    truncate shopify.inbox, shopify.inbox_outcomes, shopify.jobs, shopify.dead_jobs, shopify.leases, shopify.resource_versions,
        host.effects, host.states
"""
RUN_OUT = "update shopify.leases set until = now() - interval '1 second'"


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """A durable server that would lose what was committed asynchronously: its writer sleeps."""
    with EmbeddedPostgres(settings={"max_connections": 200, "wal_writer_delay": "10s", "fsync": "on"}) as made:
        yield made


@pytest.fixture(scope="module")
def database_of_the_host(server: EmbeddedPostgres) -> str:
    """A database with our tables, the host's, and some shops; its owner cares more for speed than for safety."""
    made = server.create_database("chaos")
    database = Database(made)
    migrate(database)
    database.close()
    shops = (f"{ADD_SHOP} ('{shop}', now())" for shop in SHOPS)
    query(made, "alter database chaos set synchronous_commit = off", chaos_host.TABLES, *shops, "select 1")
    return made


@pytest.fixture
def dsn(database_of_the_host: str) -> str:
    """That database, as if nothing had ever come."""
    query(database_of_the_host, EMPTY, "select 1")
    return database_of_the_host


@pytest.fixture
def no_unique_key(dsn: str) -> Iterator[Callable[[], None]]:
    """Drop the key for the rest of the test."""
    (made,) = query(dsn, "select pg_get_indexdef('shopify.inbox_once'::regclass)")

    def drop() -> None:
        query(dsn, "drop index shopify.inbox_once", "select 1")

    yield drop
    query(dsn, EMPTY, "drop index if exists shopify.inbox_once", made[0], "select 1")


# All at once


def test_nothing_acknowledged_is_lost_doubled_stale_or_out_of_order(
    server: EmbeddedPostgres, dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Prints what was done and what came of it; the seed decides what happens, the machine when."""
    chance = random.Random(SEED)
    deliveries = plan(WANTED, chance)
    with Crew(server, dsn, tmp_path, chance) as crew:
        senders = Senders(deliveries, crew.ports, over_s=SECONDS * SENDING_SHARE, seed=SEED)
        try:
            sending_s = do_harm(crew, senders, chance)
        finally:
            senders.stop()
        draining_s = drain(crew, dsn)
    verdict = judge(dsn, [each for each in deliveries if each.webhook_id in senders.tally.acknowledged], tmp_path)

    with capsys.disabled():
        report(senders, crew, verdict, sending_s, draining_s)
    assert not senders.tally.wrong, senders.tally.wrong[:5]
    assert len(senders.tally.acknowledged) >= WANTED
    verdict.demand()
    assert verdict.outcomes.keys() <= {"processed", "superseded"}
    assert crew.done.keys() == FAULTS.keys()


def do_harm(crew: Crew, senders: Senders, chance: random.Random) -> float:
    """Kill and restart until everything is acknowledged, at least for as long as sending takes; returns the seconds."""
    began = time.monotonic()
    next_harm = began + HARM_EVERY_S[1]
    while not senders.is_done:
        now = time.monotonic()
        assert now < began + SECONDS + PATIENCE_S, f"{len(senders.tally.acknowledged)} acknowledged: {senders.tally.answers}"
        crew.tend()
        if now >= next_harm:
            crew.harm()
            next_harm = time.monotonic() + chance.uniform(*HARM_EVERY_S)
        time.sleep(0.05)
    return time.monotonic() - began


def drain(crew: Crew, dsn: str) -> float:
    """Let the workers finish in peace; returns the seconds."""
    began = time.monotonic()

    def is_empty() -> bool:
        crew.tend()
        time.sleep(0.2)
        return not query(dsn, "select true from shopify.jobs where kind = 'delivery' limit 1")

    wait_until(is_empty, timeout_s=PATIENCE_S + SECONDS, what="the end of all work")
    return time.monotonic() - began


def report(senders: Senders, crew: Crew, verdict: Verdict, sending_s: float, draining_s: float) -> None:
    """Print the figures."""
    tally = senders.tally
    answers = ", ".join(f"{count} × {answer}" for answer, count in sorted(tally.answers.items()))
    harm = ", ".join(f"{count} × {fault}" for fault, count in sorted(crew.done.items()))
    print_line(f"\n{len(tally.acknowledged)} acknowledged in {sending_s:.0f} s (answers: {answers}), done {draining_s:.0f} s later")
    print_line(f"{harm}; {crew.restarts} restarts; {len(SHOPS) * RESOURCES_PER_SHOP} resources")
    print_line(str(verdict))


# One harm each, with and without the guard against it


class Scene:
    """A host in this process, on the database of the scene."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self.app: Flask = chaos_host.make_app(dsn, folder)
        self.integration: Any = self.app.extensions["shopify"]
        self.acknowledged: list[Sent] = []

    def deliver(self, *deliveries: Sent) -> None:
        """Send deliveries, which are taken."""
        for delivery in deliveries:
            body, headers = delivery.request()
            assert self.app.test_client().post(PATH, data=body, headers=headers).status_code == 200
            self.acknowledged.append(delivery)

    def work(self) -> None:
        """Do what waits."""
        self.integration.make_worker().run_until_idle()

    def verdict(self) -> Verdict:
        """Judge, once everything is done."""
        return judge(self.dsn, self.acknowledged)


@pytest.fixture
def sabotage(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Take a guard out of this process for the rest of the test; without a name, none."""

    def take_out(name: str) -> None:
        monkeypatch.setattr(chaos_host, "replace", lambda owner, what, other: monkeypatch.setattr(owner, what, other))
        monkeypatch.setattr(queries, "_statements", dict(queries._statements))
        if name:
            chaos_host.SABOTAGES[name]()

    return take_out


@pytest.fixture
def scene(dsn: str, tmp_path: Path) -> Iterator[Scene]:
    """A host in this process."""
    made = Scene(dsn, tmp_path)
    yield made
    made.integration.close()


def update(number: int, version: int, webhook_id: str | None = None) -> Sent:
    return Sent(webhook_id or f"w-{number}-{version}", SHOP, "companies", number, version, is_delete=False)


def guarded_and(*sabotages: str) -> pytest.MarkDecorator:
    """Run a scene as it is, and without each of the guards."""
    return pytest.mark.parametrize("without", ["", *sabotages], ids=lambda name: f"without_{name}" if name else "guarded")


def expect(verdict: Verdict, without: str, **wrong: int) -> None:
    """Demand a clean verdict where nothing was taken out, and else exactly what is to go wrong, so that `demand` fails."""
    print_line(f"\n{'without ' + without if without else 'guarded'}: {verdict}")
    if not without:
        verdict.demand()
        return
    for what, least in wrong.items():
        assert len(getattr(verdict, what)) >= least, f"the verdict did not notice: {verdict}"
    with pytest.raises(AssertionError):
        verdict.demand()


@guarded_and("synchronous_commit")
def test_a_crash_right_after_the_answer_loses_nothing(
    server: EmbeddedPostgres, scene: Scene, sabotage: Callable[[str], None], without: str
) -> None:
    """The host commits asynchronously; only our own setting for the statement keeps what was acknowledged."""
    sabotage(without)
    scene.deliver(update(1, 1))
    time.sleep(0.5)  # the server's writer wakes once for the first commit, and then sleeps
    scene.deliver(*(update(number, 1) for number in range(2, 22)))

    server.restart_immediate()
    scene.work()

    expect(scene.verdict(), without, lost=10)


@guarded_and("unique_key", "unique_key_and_repeats")
def test_a_delivery_that_comes_again_is_done_once(
    scene: Scene, sabotage: Callable[[str], None], no_unique_key: Callable[[], None], without: str
) -> None:
    """The key keeps it from being stored twice; were it gone, the same body would still not be handled twice."""
    sabotage(without)
    if without:
        no_unique_key()

    scene.deliver(update(1, 1), update(2, 1), update(1, 1))
    scene.work()
    scene.deliver(update(2, 1))
    scene.work()

    doubled = 2 if without == "unique_key_and_repeats" else 0
    expect(scene.verdict(), without, stored_twice=2, doubled=doubled)


@guarded_and("versions")
def test_an_older_state_does_not_overwrite_a_newer_one(scene: Scene, sabotage: Callable[[str], None], without: str) -> None:
    sabotage(without)

    scene.deliver(update(1, 3))
    scene.work()
    scene.deliver(update(1, 2))
    scene.work()

    expect(scene.verdict(), without, stale=1, disordered=1)


@guarded_and("versions")
def test_what_was_deleted_does_not_come_back(scene: Scene, sabotage: Callable[[str], None], without: str) -> None:
    sabotage(without)

    scene.deliver(update(1, 1), Sent("w-1-3", SHOP, "companies", 1, 3, is_delete=True), update(1, 2))
    scene.work()

    expect(scene.verdict(), without, stale=1, disordered=1)


@guarded_and("fences")
def test_a_worker_that_lost_its_lease_stores_nothing(scene: Scene, sabotage: Callable[[str], None], without: str) -> None:
    """One worker is held up until another has done its job, and then goes on as if nothing were."""
    sabotage(without)
    held, entered = threading.Event(), threading.Event()

    @scene.integration.webhooks.on("companies/*")  # type: ignore[untyped-decorator]
    def hold_the_first(event: WebhookEvent) -> None:
        if event.attempt == 1:
            entered.set()
            assert held.wait(30)

    scene.deliver(update(1, 1))
    slow = threading.Thread(target=scene.work)
    slow.start()
    assert entered.wait(30)
    query(scene.dsn, RUN_OUT, "select 1")
    scene.work()
    held.set()
    slow.join(30)

    expect(scene.verdict(), without, doubled=1)


@pytest.mark.parametrize("without", ["", "effect_outside"], ids=lambda name: f"without_{name}" if name else "guarded")
def test_a_worker_killed_between_effect_and_mark_leaves_no_effect(dsn: str, tmp_path: Path, without: str) -> None:
    """The host's unit ends its own process at the worst moment; the second worker does the job anew."""
    scene = Scene(dsn, tmp_path)
    scene.deliver(update(1, 1))
    scene.integration.close()
    command = ["-m", "flask", "--app", "tests.chaos_host:create_app", "shopify", "worker", "--once"]
    env = environment(dsn, tmp_path, CHAOS_SABOTAGE=without, CHAOS_DIES="yes")

    for ending in (-signal.SIGKILL, 0):
        with ChildProcess(command, env=env) as process:
            assert process.wait(timeout_s=60) == ending, process.stderr
        query(dsn, RUN_OUT, "select 1")

    expect(scene.verdict(), without, doubled=1)


@guarded_and("acknowledge_first")
def test_a_server_killed_right_after_the_answer_loses_nothing(dsn: str, tmp_path: Path, without: str) -> None:
    port = find_free_port()
    deliveries = [update(number, 1) for number in range(8)]
    with ChildProcess(gunicorn(port), env=environment(dsn, tmp_path, CHAOS_SABOTAGE=without)) as process:
        answers = send_all(port, deliveries)
        kill_all(process)
    scene = Scene(dsn, tmp_path)
    scene.acknowledged = deliveries
    scene.work()
    scene.integration.close()

    assert answers == {"200"}
    expect(scene.verdict(), without, lost=8)


def test_two_servers_that_get_the_same_deliveries_do_not_wait_for_each_other_crosswise(scene: Scene) -> None:
    """Shopify's repeats may reach two servers at once, in any order; what one group holds, the other waits for."""
    inbox, rounds = scene.integration.webhooks.inbox, 15
    made = [
        [inbox._delivery(body, headers, None, "app") for body, headers in (update(n, round_).request() for n in range(24))]
        for round_ in range(rounds)
    ]

    def store(both: tuple[list[Delivery], list[Delivery]]) -> list[list[bool]]:
        database = scene.integration.database
        return map_in_threads(lambda group: database.run_autocommit(store_deliveries, group), both)

    for group in made:
        one, other = store((group, group[::-1]))
        assert sum(one) + sum(other) == len(group)


def send_all(port: int, deliveries: Sequence[Sent]) -> set[str]:
    """Send to a server that may just be starting; returns the answers, without those from before it listened."""
    connections: dict[int, Any] = {}
    wait_until(lambda: attempt(connections, port, update(0, 1, "w-0-1")) == "200", timeout_s=60, what="the server")
    answers = {attempt(connections, port, delivery) for delivery in deliveries}
    for connection in connections.values():
        connection.close()
    return answers
