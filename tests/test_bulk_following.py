"""The way of a bulk operation: slots, crashes, lost answers, failures, cancelling, and how its end is noticed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from shopify_admin.bulk import RemoteOperation
from shopify_bulk_api import Operation
from shopify_kit.database import Connection
from shopify_kit.errors import Conflict
from shopify_service import ShopAdmin
from tests.bulk_shop import ORDERS, PRODUCTS, USER, BulkShop
from tests.bulk_worker import POINTS
from tests.processes import ChildProcess, wait_until
from tests.web_host import control, fault, grant, revoke, run_sql

pytest_plugins = ("tests.bulk_fixtures",)

RENAME = """
mutation ($product: ProductUpdateInput!) { productUpdate(product: $product) { product { id title } userErrors { message } } }
"""


@pytest.fixture
def held(bulk: BulkShop) -> Iterator[BulkShop]:
    """A shop whose operations stay RUNNING until they are released."""
    bulk.script(hold=True, times=None)
    yield bulk
    control(bulk.store, "bulk", {"release": True})


def release(bulk: BulkShop, operation: Operation | None = None) -> None:
    """Let one operation of the fake go on, or all of them, and wait until they are done."""
    gid = operation.gid if operation is not None else None
    control(bulk.store, "bulk", {"release": gid or True})
    running = ("CREATED", "RUNNING", "CANCELING")
    wait_until(lambda: not any(one["status"] in running for one in bulk.remote() if gid in (None, one["id"])), what="the end")


def products_of(bulk: BulkShop, count: int) -> list[str]:
    """Return the ids of some products."""
    return [
        node["id"]
        for node in bulk.graphql("query ($n: Int!) { products(first: $n) { nodes { id } } }", n=count)["products"]["nodes"]
    ]


def rename(bulk: BulkShop, count: int = 3) -> Operation:
    """Start a mutation over some products."""
    variables = [{"product": {"id": gid, "title": f"Renamed {gid}"}} for gid in products_of(bulk, count)]
    return bulk.api.start_mutation(USER, bulk.shop_id, RENAME, variables)


# Slots


def test_five_run_at_once_and_the_sixth_waits(held: BulkShop) -> None:
    operations = [held.start() for _ in range(6)]
    held.step()
    held.step()

    assert [held.now(one).status in ("created", "running") for one in operations].count(True) == 5
    (waiting,) = [one for one in operations if held.now(one).status == "pending"]
    assert (len(held.remote()), held.asked("RunBulkQuery")) == (5, 5)

    first = next(one for one in map(held.now, operations) if one.gid is not None)
    release(held, first)
    held.reaches(waiting, "created", "running")

    assert held.now(first).status == "completed"
    assert len(held.remote()) == 6


def test_free_slot_is_taken_at_once(held: BulkShop) -> None:
    """The end of one operation wakes the one that has waited longest; it does not sleep to the end of its pause."""
    operations = [held.start() for _ in range(6)]
    held.step()
    (waiting,) = [one for one in operations if held.now(one).status == "pending"]
    first = next(one for one in map(held.now, operations) if one.gid is not None)
    release(held, first)
    run_sql(held.host.dsn, "update shopify.jobs set wake_at = clock_timestamp() + interval '1 hour'")

    held.api.finished(held.shop_id, str(first.gid))
    held.host.work()
    held.host.work()

    assert held.now(waiting).gid is not None


def test_queries_and_mutations_have_slots_of_their_own(held: BulkShop) -> None:
    queries = [held.start() for _ in range(5)]
    held.step()

    mutation = held.reaches(rename(held), "created", "running")

    assert {held.now(one).status for one in queries} <= {"created", "running"}
    assert mutation.gid is not None


@pytest.mark.parametrize("code", ["LIMIT_REACHED", "OPERATION_IN_PROGRESS"])
def test_refusal_for_want_of_a_slot_is_no_failure(bulk: BulkShop, code: str) -> None:
    bulk.script(refuse=code, times=2)

    done = bulk.run()

    assert (done.tries, done.error_code, bulk.asked("RunBulkQuery"), len(bulk.remote())) == (1, None, 3, 1)


@pytest.mark.parametrize("kind", ["QUERY", "MUTATION"])
def test_operations_of_another_tool_are_waited_for_and_never_cancelled(bulk: BulkShop, kind: str) -> None:
    theirs = bulk.occupy(5, kind)
    operation = bulk.start() if kind == "QUERY" else rename(bulk)
    for _ in range(4):
        bulk.step()
    assert (bulk.now(operation).status, bulk.statuses(theirs)) == ("pending", {"RUNNING"})

    control(bulk.store, "bulk", {"release": theirs[0]})
    done = bulk.finish(operation)

    assert (done.status, bulk.statuses(theirs[1:]), bulk.asked("CancelBulkOperation")) == ("completed", {"RUNNING"}, 0)


def test_operations_of_another_user_of_the_same_app_are_waited_for(held: BulkShop) -> None:
    """Each static token has slots of its own as far as we know; Shopify knows that they are one app's."""
    assert held.host.connect("bob", grant(held.store, held.shop)).status_code == 200
    for _ in range(5):
        held.start()
    held.step()

    theirs = held.api.start_query("u-bob", held.shop_id, PRODUCTS)
    held.step()

    assert (held.now(theirs).status, held.now(theirs).bucket != held.start().bucket, len(held.remote())) == ("pending", True, 5)


def test_limit_on_points_is_waited_for(bulk: BulkShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shopify_service.START_TIMEOUT_S", 0.2)
    operation = bulk.start()

    with fault(bulk.store, "throttled", operation="RunBulkQuery"):
        bulk.step()
        assert bulk.now(operation).status == "pending"
    done = bulk.finish(operation)

    assert (done.status, done.tries, len(bulk.remote())) == ("completed", 1, 1)


# Crashes


def crash(bulk: BulkShop, point: str) -> None:
    """Have a worker process do what there is until it dies at a point; its leases run out."""
    command = ["-m", "tests.bulk_worker", bulk.host.dsn, bulk.store.base_url, bulk.host.app.instance_path, point]
    with ChildProcess(command) as process:
        assert process.wait() == -signal.SIGKILL, process.stderr
    bulk.lose_worker()


@pytest.mark.parametrize("point", ["probed", "query noted", "query taken", "id noted", "looked at"])
def test_query_whose_worker_is_killed_runs_once(bulk: BulkShop, point: str) -> None:
    operation = bulk.api.export(USER, bulk.shop_id, "ExportProducts", {})

    crash(bulk, point)
    bulk.age(30)
    done = bulk.finish(operation)

    assert (done.status, done.tries) == ("completed", 1)
    assert len(bulk.remote()) == 1
    assert len(bulk.documents(done)) == done.object_count


MUTATION_POINTS = [point for point in POINTS if "query" not in point and point != "probed"]


@pytest.mark.parametrize("point", MUTATION_POINTS)
def test_products_whose_worker_is_killed_are_made_once(bulk: BulkShop, point: str) -> None:
    products = [{"title": f"Crash test {number}"} for number in range(3)]
    operation = bulk.api.write_products(USER, bulk.shop_id, products, update=False)

    crash(bulk, point)
    bulk.age(30)
    done = bulk.finish(operation)

    made = bulk.graphql('{ products(first: 50, query: "title:Crash*") { nodes { id } } }')["products"]["nodes"]
    assert (done.status, len(bulk.remote(type="MUTATION")), len(made)) == ("completed", 1, 3)
    assert sorted(one.index for one in bulk.api.product_results(done) if one.ok) == [0, 1, 2]


def test_operation_that_may_still_come_to_shopify_is_not_submitted_again(bulk: BulkShop) -> None:
    """Its request may be on its way; only when Shopify would long know of it is it submitted anew."""
    operation = bulk.start()
    crash(bulk, "query noted")

    for _ in range(5):
        bulk.step()
    assert (bulk.now(operation).status, bulk.remote()) == ("submitting", [])

    bulk.age(30)
    assert bulk.finish(operation).status == "completed"
    assert len(bulk.remote()) == 1


def test_operation_is_found_among_many(bulk: BulkShop) -> None:
    others = bulk.occupy(5) + bulk.occupy(60, "MUTATION")
    control(bulk.store, "bulk", {"release": others[0]})
    wait_until(lambda: "COMPLETED" in bulk.statuses(others[:1]))
    operation = bulk.start()
    crash(bulk, "query taken")
    bulk.occupy(60, "MUTATION")

    done = bulk.finish(operation)

    assert (done.status, len(bulk.remote())) == ("completed", 1)


# Lost answers


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"kind": "reset", "after": True}, id="connection reset"),
        pytest.param({"kind": "5xx", "status": 502, "after": True}, id="5xx"),
        pytest.param({"kind": "html", "after": True}, id="a page"),
        pytest.param({"kind": "truncate"}, id="half an answer"),
        pytest.param({"kind": "delay", "delay_s": 1.0}, id="too late"),
    ],
)
@pytest.mark.parametrize("kind", ["query", "mutation"])
def test_operation_whose_answer_is_lost_is_found_again(
    bulk: BulkShop, kind: str, facts: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shopify_service.START_TIMEOUT_S", 0.5)
    operation = bulk.start() if kind == "query" else rename(bulk)

    with fault(bulk.store, operation="RunBulkQuery" if kind == "query" else "RunBulkMutation", **{**facts, "times": 1}):
        bulk.reaches(operation, "submitting")
        done = bulk.finish(operation)

    assert (done.status, done.tries, len(bulk.remote())) == ("completed", 1, 1)


@pytest.mark.parametrize("facts", [{"kind": "reset"}, {"kind": "5xx"}], ids=lambda facts: facts["kind"])
def test_operation_that_never_came_to_shopify_is_submitted_again(bulk: BulkShop, facts: dict[str, Any]) -> None:
    operation = bulk.start()

    with fault(bulk.store, operation="RunBulkQuery", **{**facts, "times": 1}):
        bulk.reaches(operation, "submitting")
    bulk.age(30)
    done = bulk.finish(operation)

    assert (done.status, len(bulk.remote())) == ("completed", 1)


@pytest.mark.parametrize("kind", ["5xx", "reset", "429", "html"])
def test_trouble_while_it_is_looked_at_ends_nothing(held: BulkShop, kind: str) -> None:
    operation = held.reaches(held.start(), "running")

    with fault(held.store, kind, operation="GetBulkOperation", times=6, retry_after="0.05"):
        held.step()
    assert held.now(operation).status == "running"

    release(held)
    assert held.finish(operation).status == "completed"


# Failures at Shopify


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "TIMEOUT"])
def test_query_that_shopify_failed_is_tried_again(bulk: BulkShop, code: str) -> None:
    bulk.script(end="FAILED", error_code=code, times=2, after_objects=7)

    done = bulk.run()

    assert (done.tries, done.error_code, len(bulk.remote())) == (3, None, 3)
    assert len(bulk.documents(done)) == done.object_count == 50


def test_query_that_shopify_always_fails_is_given_up_after_three_times(bulk: BulkShop) -> None:
    bulk.script(end="FAILED", error_code="INTERNAL_SERVER_ERROR", times=None)

    failed = bulk.finish(bulk.start())

    assert (failed.status, failed.error_code, failed.tries, len(bulk.remote())) == ("failed", "INTERNAL_SERVER_ERROR", 3, 3)
    assert "attempt 3" in str(failed.error_message)
    assert failed.partial_data_url is not None


def test_query_that_may_not_be_read_is_not_tried_again(bulk: BulkShop) -> None:
    bulk.script(end="FAILED", error_code="ACCESS_DENIED", times=None, partial_data=False)

    failed = bulk.finish(bulk.start())

    assert (failed.status, failed.error_code, failed.tries, len(bulk.remote())) == ("failed", "ACCESS_DENIED", 1, 1)


def test_mutation_that_shopify_failed_is_not_repeated(bulk: BulkShop) -> None:
    """Nobody knows which of its lines were carried out."""
    bulk.script(end="FAILED", error_code="INTERNAL_SERVER_ERROR", type="MUTATION", times=None)

    failed = bulk.finish(rename(bulk))

    assert (failed.status, len(bulk.remote(type="MUTATION"))) == ("failed", 1)


def test_stalled_query_that_shopify_cancelled_is_tried_again(bulk: BulkShop) -> None:
    bulk.script(end="CANCELED")

    done = bulk.run()

    assert (done.tries, [one["status"] for one in bulk.remote()]) == (2, ["CANCELED", "COMPLETED"])


def test_expired_operation_is_over_and_has_no_result(bulk: BulkShop) -> None:
    bulk.script(end="EXPIRED")

    expired = bulk.finish(bulk.start())

    assert expired.status == "expired"
    with pytest.raises(Conflict):
        bulk.documents(expired)


def test_operation_that_shopify_does_not_know_any_more_has_failed(held: BulkShop) -> None:
    operation = held.reaches(held.start(), "running")

    held.store.reset()
    failed = held.finish(operation)

    assert (failed.status, failed.error_code) == ("failed", "not_found")


def test_query_that_shopify_refuses_fails_with_its_words(bulk: BulkShop) -> None:
    """Of what cannot be known before."""
    operation = bulk.start(
        "{ orders { edges { node { id fulfillments(first: 5) { id events(first: 2) { edges { node { id } } } } } } } }"
    )

    failed = bulk.finish(operation)

    assert (failed.status, failed.error_code) == ("failed", "user_errors")
    assert "connection field within a list" in str(failed.error_message)


@pytest.mark.parametrize("code", ["token_rejected", "not_connected"])
def test_operation_of_a_user_who_lost_access_fails(held: BulkShop, code: str) -> None:
    operation = held.reaches(held.start(), "running")

    if code == "token_rejected":
        revoke(held.store, held.shop)
    else:
        held.host.post("/disconnect", {"user_id": USER, "shop_domain": held.shop.shop_domain})
    failed = held.finish(operation)

    assert (failed.status, failed.error_code) == ("failed", code)


def test_operation_that_cannot_be_followed_is_ended_and_frees_its_slot(held: BulkShop, monkeypatch: pytest.MonkeyPatch) -> None:
    operation = held.reaches(held.start(), "running")

    def broken(*_: Any) -> RemoteOperation | None:
        raise RuntimeError("unforeseen")

    with monkeypatch.context() as patch:
        patch.setattr(ShopAdmin, "bulk_operation", broken)
        failed = held.finish(operation)

    assert (failed.status, failed.error_code) == ("failed", "attempts_exhausted")
    assert run_sql(held.host.dsn, "select count(*) from shopify.dead_jobs where kind = 'bulk'")[0][0] == 1


# Cancelling


def test_operation_that_waits_is_cancelled_without_shopify(bulk: BulkShop) -> None:
    operation = bulk.api.cancel(bulk.start())
    assert (operation.status, operation.cancel_requested) == ("pending", True)

    assert bulk.finish(operation).status == "canceled"
    assert bulk.remote() == []


def test_operation_that_waits_for_a_slot_can_be_cancelled(held: BulkShop) -> None:
    operations = [held.start() for _ in range(6)]
    held.step()
    (waiting,) = [one for one in operations if held.now(one).status == "pending"]

    held.api.cancel(waiting)

    assert held.finish(waiting).status == "canceled"
    assert len(held.remote()) == 5


def test_operation_that_runs_is_cancelled_at_shopify(held: BulkShop) -> None:
    operation = held.reaches(held.start(), "running")

    held.api.cancel(operation)
    done = held.finish(operation)

    assert (done.status, held.remote()[0]["status"]) == ("canceled", "CANCELED")
    assert done.completed_at is not None
    with pytest.raises(Conflict):
        held.documents(done)


def test_operation_that_is_cancelled_twice_is_cancelled_once(bulk: BulkShop) -> None:
    bulk.script(hold=True, hang=True)
    operation = bulk.reaches(bulk.start(), "running")
    bulk.api.cancel(operation)
    bulk.reaches(operation, "canceling")

    bulk.api.cancel(operation)
    bulk.step()
    control(bulk.store, "bulk", {"release": True})

    assert bulk.finish(operation).status == "canceled"
    assert bulk.asked("CancelBulkOperation") == 1


def test_operation_whose_answer_was_lost_can_be_cancelled(held: BulkShop) -> None:
    operation = held.start()
    with fault(held.store, "reset", operation="RunBulkQuery", after=True, times=1):
        held.reaches(operation, "submitting")

    held.api.cancel(operation)

    assert held.finish(operation).status == "canceled"
    assert [one["status"] for one in held.remote()] == ["CANCELED"]


def test_operation_that_ended_before_it_could_be_cancelled_has_its_result(held: BulkShop) -> None:
    operation = held.reaches(held.start(), "running")
    held.api.cancel(operation)
    release(held)

    done = held.finish(operation)

    assert (done.status, len(held.documents(done))) == ("completed", 50)


@pytest.mark.parametrize("script", [{}, {"end": "FAILED", "error_code": "ACCESS_DENIED"}], ids=["completed", "failed"])
def test_operation_that_is_over_stays_as_it_is(bulk: BulkShop, script: dict[str, Any]) -> None:
    bulk.script(**script)
    over = bulk.finish(bulk.start())

    assert bulk.api.cancel(over) == over
    bulk.step()
    assert bulk.now(over) == over


def test_operation_that_hangs_in_canceling_is_not_followed_for_ever(bulk: BulkShop) -> None:
    """However long it had run before."""
    bulk.script(hold=True, hang=True)
    operation = bulk.reaches(bulk.start(), "running")
    bulk.age(36_000)
    bulk.api.cancel(operation)
    bulk.reaches(operation, "canceling")
    for _ in range(3):
        bulk.step()
    assert bulk.now(operation).status == "canceling"

    run_sql(bulk.host.dsn, "update shopify.bulk_operations set canceling_at = canceling_at - interval '16 minutes'")
    done = bulk.finish(operation)

    assert (done.status, done.error_code) == ("canceled", "CANCELING_HANGS")


# How its end is noticed


def never_wake(bulk: BulkShop) -> None:
    """Let nothing wake by itself."""
    run_sql(bulk.host.dsn, "update shopify.jobs set wake_at = clock_timestamp() + interval '1 hour' where wake_at is not null")


def test_end_is_noticed_by_the_webhook(held: BulkShop) -> None:
    operation = held.reaches(held.start(), "running")
    never_wake(held)
    release(held)
    held.host.work()
    assert held.now(operation).status == "running"

    held.api.finished(held.shop_id, str(operation.gid))
    held.host.work()

    assert held.now(operation).status == "completed"


def test_webhook_that_comes_while_it_is_looked_at_is_not_lost(held: BulkShop, monkeypatch: pytest.MonkeyPatch) -> None:
    operation, look = held.reaches(held.start(), "running"), ShopAdmin.bulk_operation

    def late(self: ShopAdmin, gid: str) -> RemoteOperation | None:
        found = look(self, gid)
        if found is not None and found.status == "running":
            release(held)
            held.api.finished(held.shop_id, gid)
        return found

    monkeypatch.setattr(ShopAdmin, "bulk_operation", late)
    held.step()

    assert held.now(operation).status == "completed"


def test_webhook_of_another_tools_operation_is_none_of_ours(bulk: BulkShop) -> None:
    (gid, *_) = bulk.occupy(1)

    bulk.api.finished(bulk.shop_id, gid)

    assert bulk.host.work() == 0


def test_end_is_noticed_by_looking_without_any_webhook(bulk: BulkShop) -> None:
    worker = bulk.working()
    try:
        done = bulk.api.wait(bulk.start(), 20)
    finally:
        worker.stop()

    assert (done.status, done.object_count) == ("completed", 50)


@pytest.mark.parametrize(("age_s", "least", "most"), [(0, 0.4, 1.5), (60, 5.5, 8.5), (36_000, 29, 37)])
def test_pauses_grow_with_what_it_takes(held: BulkShop, age_s: float, least: float, most: float) -> None:
    held.reaches(held.start(), "running")
    held.age(age_s)

    held.step()

    (pause_s,) = run_sql(held.host.dsn, "select extract(epoch from wake_at - clock_timestamp())::float8 from shopify.jobs")[0]
    assert least < pause_s < most


def test_two_workers_do_an_operation_once(bulk: BulkShop) -> None:
    workers = [bulk.working(), bulk.working()]
    try:
        done = [bulk.api.wait(operation, 20) for operation in [bulk.start(), bulk.start(ORDERS)]]
    finally:
        for worker in workers:
            worker.stop()

    assert ([one.status for one in done], len(bulk.remote())) == (["completed", "completed"], 2)


def test_workers_that_compete_for_slots_never_ask_for_a_sixth(held: BulkShop) -> None:
    operations = [held.start() for _ in range(12)]
    asleep = "select count(*) from shopify.jobs where wake_at is not null"

    workers = [held.working(), held.working()]
    try:
        wait_until(lambda: sum(held.now(one).gid is not None for one in operations) == 5, what="five at work")
        wait_until(lambda: run_sql(held.host.dsn, asleep)[0][0] >= 7, what="seven that wait")
    finally:
        for worker in workers:
            worker.stop()

    assert held.asked("RunBulkQuery") == 5


def test_whoever_wants_to_know_is_told_of_the_end_as_it_is_noted(bulk: BulkShop) -> None:
    told: list[Operation] = []

    async def hear(_: Connection, operation: Operation) -> None:
        told.append(operation)

    bulk.api.on_end("test", hear)
    operation = bulk.api.export(USER, bulk.shop_id, "ExportProducts", {}, purpose="test")
    done = bulk.finish(operation)

    assert told == [done]


def test_end_that_could_not_be_told_is_told_again(bulk: BulkShop) -> None:
    """What follows from an end and the end itself are one: who fails to take it in hears of it again."""
    heard: list[str] = []

    async def fail_once(_: Connection, operation: Operation) -> None:
        heard.append(operation.status)
        if len(heard) == 1:
            raise RuntimeError("not now")

    bulk.api.on_end("test", fail_once)
    operation = bulk.api.export(USER, bulk.shop_id, "ExportProducts", {}, purpose="test")
    bulk.until(lambda: heard, "the first time")
    assert bulk.now(operation).status != "completed"

    assert bulk.finish(operation).status == "completed"
    assert heard == ["completed", "completed"]


def test_progress_of_a_mutation_is_told_in_percent(bulk: BulkShop) -> None:
    bulk.script(type="MUTATION", objects_per_s=1)
    operation = rename(bulk, 4)
    assert operation.progress == 0.0
    bulk.reaches(operation, "running")

    control(bulk.store, "clock", {"advance_s": 2.5})
    bulk.until(lambda: bulk.now(operation).progress == 50.0, "half of it")

    control(bulk.store, "clock", {"advance_s": 60})
    assert bulk.finish(operation).progress == 100.0
