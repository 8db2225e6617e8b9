"""History and replay through the public `Webhooks`: whose deliveries are seen, what is masked, how portions go on."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shopify_inbox import history
from shopify_inbox.deliveries import queries
from shopify_inbox.history import MASK, masked
from shopify_kit.database import Connection
from shopify_kit.errors import InvalidInput, NotFound
from shopify_webhooks import Filter, WebhookEvent
from tests.inbox import ALICE, BOB, NOBODY, InboxBench, inbox_bench
from tests.shared_data import SHARED_DATA, needs_shared_data

EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}")


@pytest.fixture
def bench(database_url: str) -> Iterator[InboxBench]:
    with inbox_bench(database_url) as made:
        yield made


def recorded() -> list[dict[str, Any]]:
    file = Path(SHARED_DATA, "webhook_payloads.jsonl.gz")
    rows = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()] if file.is_file() else []
    # The others were anonymised: all their texts are the same.
    return [row for row in rows if "anonymised" not in row["origin"]]


# Whose


def test_each_sees_the_deliveries_of_their_own_shops_only(bench: InboxBench) -> None:
    bench.deliver("orders/create", {"id": 1}, ALICE)
    bench.deliver("orders/create", {"id": 2}, BOB)
    bench.deliver("orders/create", {"id": 3}, NOBODY)

    assert [event["shop_domain"] for event in bench.history(ALICE)] == [ALICE]
    assert [event["shop_domain"] for event in bench.history(ALICE, BOB)] == [BOB, ALICE]
    assert bench.webhooks.history.list([], Filter(), after=None, limit=10) == []


def test_a_delivery_of_another_shop_is_neither_shown_nor_replayed(bench: InboxBench) -> None:
    bench.deliver("orders/create", {"id": 2}, BOB)
    [event] = bench.history(BOB)

    with pytest.raises(NotFound):
        bench.webhooks.history.find([bench.shops[ALICE]], event["id"])
    done = bench.webhooks.replay([bench.shops[ALICE]], Filter(ids=(event["id"],)))

    assert (done.matched, done.replayed) == (0, 0)


def test_statistics_count_ones_own(bench: InboxBench) -> None:
    bench.seen("orders/*")
    for number in range(3):
        bench.deliver("orders/create", {"id": number})
    bench.deliver("products/create", {"id": 1})
    bench.deliver("orders/create", {"id": 9}, BOB)
    bench.work()
    bench.deliver("orders/updated", {"id": 1})

    found = bench.webhooks.history.statistics([bench.shops[ALICE]], datetime.now(UTC) - timedelta(days=1))

    assert found["total"] == 5
    assert found["by_topic"] == {"orders/create": 3, "orders/updated": 1, "products/create": 1}
    assert {status: count for status, count in found["by_status"].items() if count} == {
        "processed": 3,
        "unhandled": 1,
        "pending": 1,
    }


def test_a_page_of_several_shops_is_in_order_and_the_next_goes_on(bench: InboxBench) -> None:
    for number in range(10):
        bench.deliver("orders/create", {"id": number}, (ALICE, BOB)[number % 2])
    shops, read = [*bench.shops.values(), bench.shops[ALICE]], bench.webhooks.history.list

    newest = read(shops, Filter(), after=None, limit=4)
    then = read(shops, Filter(), after=newest[-1]["id"], limit=4)
    oldest = read(shops, Filter(), after=None, limit=4, oldest_first=True)

    ids = [row["delivery_id"] for row in bench.rows()]
    assert [event["id"] for event in newest] == ids[:-5:-1]
    assert [event["id"] for event in then] == ids[-5:-9:-1]
    assert [event["id"] for event in oldest] == ids[:4]


def test_a_page_reads_a_page_however_much_there_is(bench: InboxBench) -> None:
    """Of each shop the index gives as many as are wanted; nothing is sorted as a whole."""
    fill = """
        insert into shopify.inbox (shop_id, app, webhook_id, topic, shop_domain, body_hash, body_sealed, lane)
        select $1, 'app', 'w-' || n, 'orders/create', $2, 'x', 'x', 'lane-' || n % 1000 from generate_series(1, 20000) as n
    """
    for shop, shop_id in bench.shops.items():
        bench.sql(fill, shop_id, shop)

    async def analyze(conn: Connection) -> None:
        await conn.execute("analyze shopify.inbox")

    bench.database.run_autocommit(analyze)
    parameters = (list(bench.shops.values()), None, None, None, None, None, 50)

    for statement in (queries.list_deliveries, queries.list_oldest_deliveries):
        [row] = bench.sql(f"explain (analyze, buffers, format json) {statement}", *parameters)
        document = row[0]
        plan = (json.loads(document) if isinstance(document, str) else document)[0]["Plan"]
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 2_000


# Masked


def test_one_delivery_is_shown_with_its_payload_masked(bench: InboxBench) -> None:
    payload = {
        "id": 1,
        "name": "#1001",
        "email": "jane@example.com",
        "total_price": "12.30",
        "customer": {"id": 5, "first_name": "Jane", "phone": None, "default_address": {"city": "Berne"}},
        "line_items": [{"name": "Enamel mug", "quantity": 2, "properties": [{"name": "Engraving", "value": "Jane"}]}],
        "note_attributes": [{"name": "gift for", "value": "Joe"}],
    }
    bench.deliver("orders/create", payload, webhook_id="w-1", event_id="e-1")
    [event] = bench.history()

    shown = bench.webhooks.history.find([bench.shops[ALICE]], event["id"])

    assert (shown["webhook_id"], shown["event_id"], shown["api_version"]) == ("w-1", "e-1", "2026-10")
    assert shown["payload"] == {
        "id": 1,
        "name": "#1001",
        "email": MASK,
        "total_price": "12.30",
        "customer": {"id": 5, "first_name": MASK, "phone": None, "default_address": MASK},
        "line_items": [{"name": "Enamel mug", "quantity": 2, "properties": MASK}],
        "note_attributes": MASK,
    }


@pytest.mark.parametrize("body", [b"", b"[1]", b"\xff", b'{"a":' * 100 + b"1" + b"}" * 100], ids=["empty", "list", "bytes", "deep"])
def test_a_body_that_is_no_payload_is_not_shown(bench: InboxBench, body: bytes) -> None:
    bench.deliver("orders/create", body)
    [event] = bench.history()

    assert bench.webhooks.history.find([bench.shops[ALICE]], event["id"])["payload"] is None


@needs_shared_data
@pytest.mark.parametrize("row", [pytest.param(row, id=f"{n}-{row['topic']}") for n, row in enumerate(recorded())])
def test_nothing_personal_is_left_of_recorded_payloads(row: dict[str, Any]) -> None:
    text = json.dumps(masked(row["payload"]))

    assert EMAIL.findall(text) == []
    for value in personal_values(row["payload"]):
        assert json.dumps(value) not in text, value


def personal_values(payload: Any) -> Iterator[str]:
    """Yield what the parts of a payload that are a person's say of them, where that could not be said of anything else."""
    if isinstance(payload, dict):
        for key, value in payload.items():
            if isinstance(value, str) and len(value) > 7 and key in ("email", "phone", "address1", "browser_ip"):
                yield value
            yield from personal_values(value)
    elif isinstance(payload, list):
        for value in payload:
            yield from personal_values(value)


# Replay


def test_a_dry_run_counts_and_does_nothing(bench: InboxBench) -> None:
    for number in range(3):
        bench.deliver("orders/create", {"id": number})
    bench.work()

    done = bench.webhooks.replay([bench.shops[ALICE]], Filter(topic="orders/create"), dry_run=True)

    assert (done.matched, done.replayed, done.dry_run, done.next_after) == (3, 3, True, None)
    assert bench.sql("select from shopify.jobs") == []


def test_replaying_twice_does_no_more_than_once(bench: InboxBench) -> None:
    seen = bench.seen("orders/create")
    bench.deliver("orders/create", {"id": 1})
    bench.work()

    counts = [bench.webhooks.replay([bench.shops[ALICE]], Filter()).replayed for _ in range(3)]
    bench.work()

    assert counts == [1, 0, 0]
    assert len(seen) == 2


def test_what_has_not_been_handled_yet_is_not_replayed(bench: InboxBench) -> None:
    bench.deliver("orders/create", {"id": 1})

    done = bench.webhooks.replay([bench.shops[ALICE]], Filter())

    assert (done.matched, done.replayed) == (1, 0)


@pytest.mark.parametrize(
    ("chosen", "numbers"),
    [
        pytest.param({}, [0, 1, 2, 3], id="all"),
        pytest.param({"topic": "orders/create"}, [0, 1], id="topic"),
        pytest.param({"status": "dead"}, [1], id="status"),
        pytest.param({"status": "unhandled"}, [3], id="unhandled"),
        pytest.param({"topic": "orders/create", "status": "processed"}, [0], id="both"),
    ],
)
def test_deliveries_are_chosen_for_replay(bench: InboxBench, chosen: dict[str, Any], numbers: list[int]) -> None:
    @bench.webhooks.on("orders/*")
    def handler(event: WebhookEvent) -> None:
        if event.payload["id"] == 1:
            raise InvalidInput("never")

    for number, topic in enumerate(("orders/create", "orders/create", "orders/updated", "products/create")):
        bench.deliver(topic, {"id": number})
    bench.work()

    bench.webhooks.replay([bench.shops[ALICE]], Filter(**chosen))

    ids = [row["delivery_id"] for row in bench.rows()]
    waiting = [row["reference"] for row in bench.sql("select reference from shopify.jobs order by reference")]
    assert waiting == [ids[number] for number in numbers]


def test_deliveries_are_chosen_by_time(bench: InboxBench) -> None:
    for number in range(3):
        bench.deliver("orders/create", {"id": number})
        bench.age(hours=1)
    bench.work()
    now = datetime.now(UTC)
    window = Filter(since=now - timedelta(hours=2.5), until=now - timedelta(hours=1.5))

    assert bench.webhooks.replay([bench.shops[ALICE]], window, dry_run=True).matched == 1


def test_a_large_replay_goes_on_where_a_portion_ended(bench: InboxBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after a stop in the midst: a portion that is repeated finds its jobs waiting."""
    monkeypatch.setattr(history, "REPLAY_ROWS", 4)
    seen = bench.seen("orders/create")
    for number in range(10):
        bench.deliver("orders/create", {"id": number})
    bench.work()
    shop_ids, after, portions = [bench.shops[ALICE]], 0, []

    while True:
        bench.webhooks.replay(shop_ids, Filter(), after=after)
        done = bench.webhooks.replay(shop_ids, Filter(), after=after)
        portions.append((done.matched, done.replayed))
        if done.next_after is None:
            break
        after = done.next_after
    bench.work()

    assert portions == [(4, 0), (4, 0), (2, 0)]
    assert [event.payload["id"] for event in seen] == [*range(10), *range(10)]


def test_a_replay_wakes_a_worker(bench: InboxBench) -> None:
    bench.deliver("orders/create", {"id": 1})
    bench.work()
    bench.wakes.clear()

    bench.webhooks.replay([bench.shops[ALICE]], Filter(), dry_run=True)
    assert bench.wakes == []
    bench.webhooks.replay([bench.shops[ALICE]], Filter())

    assert bench.wakes == [1]
