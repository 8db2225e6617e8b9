"""Long results, which processes of their own write: the same bytes, and nothing left behind however it ends."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest

from tests.fake.bulk_calls import Bulk, download
from tests.fake.empty_store import EmptyStore
from tests.processes import ChildProcess, find_descendants, wait_until

ORDERS = """{
  orders { edges { node {
    id name createdAt displayFinancialStatus totalPriceSet { shopMoney { amount } } customer { id displayName }
    lineItems { edges { node { id title quantity } } }
  } } }
}"""


@pytest.fixture(scope="module")
def process() -> Iterator[ChildProcess]:
    """A fake store with some thousand orders."""
    with ChildProcess(["-m", "fake_shopify", "--port", "0", "--orders", "6000", "--until", "2026-11-01"]) as child:
        yield child


@pytest.fixture
def bulk(process: ChildProcess) -> Bulk:
    """An app on the shop, as it was at the start."""
    ready = json.loads(process.wait_for_line(lambda line: line.startswith("{")))
    found = Bulk(EmptyStore(ready["base_url"], token=ready["shops"][0]["access_token"]))
    found.control("reset")
    return found


def workers(process: ChildProcess) -> list[int]:
    """Return the processes that write a result at present."""
    return find_descendants(process.pid)


def at_work(process: ChildProcess) -> int:
    """Wait until there are processes that write and return one of them."""
    return wait_until(lambda: workers(process), what="processes that write")[0]


@pytest.mark.parametrize("grouped", [True, False], ids=["grouped", "flat"])
def test_several_processes_write_what_one_thread_would(bulk: Bulk, grouped: bool) -> None:
    document = ORDERS.replace("orders {", "orders(query: \"created_at:>='2026-07-15T00:00:00Z'\") {", 1)
    bulk.control(after_objects=10**9, skip=1)

    together, alone = (bulk.run(document, groupObjects=grouped) for _ in range(2))

    assert int(together["rootObjectCount"]) > 700
    assert download(together["url"]).content == download(alone["url"]).content
    assert {name: together[name] for name in ("objectCount", "rootObjectCount", "fileSize")} == {
        name: alone[name] for name in ("objectCount", "rootObjectCount", "fileSize")
    }


def test_no_process_is_left_when_a_result_is_done(bulk: Bulk, process: ChildProcess) -> None:
    bulk.run("{ orders { edges { node { id } } } }")

    assert workers(process) == []


def test_cancelled_operation_stops_its_processes(bulk: Bulk, process: ChildProcess) -> None:
    begun = bulk.begin(ORDERS)
    at_work(process)

    bulk.cancel(begun)

    assert bulk.finished(begun)["status"] == "CANCELED"
    assert workers(process) == []


def test_reset_stops_processes(bulk: Bulk, process: ChildProcess) -> None:
    bulk.begin(ORDERS)
    at_work(process)

    bulk.control("reset")

    wait_until(lambda: not workers(process), what="the end of the processes")


def test_operation_whose_process_dies_fails_with_what_there_is(bulk: Bulk, process: ChildProcess) -> None:
    begun = bulk.begin(ORDERS)

    os.kill(at_work(process), signal.SIGKILL)
    done = bulk.finished(begun)

    lines = bulk.lines(done, "partialDataUrl")
    assert (done["status"], done["errorCode"]) == ("FAILED", "INTERNAL_SERVER_ERROR")
    assert len(lines) == int(done["objectCount"])
    assert workers(process) == []
