"""Idempotency keys against real Postgres: who is first, who gets the kept answer, and what happens when things go wrong."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import asyncpg
import pytest

from shopify_kit.database import Database
from shopify_kit.errors import Conflict, IntegrationError, Unprocessable
from shopify_kit.idempotency import IdempotencyStore, KeptAnswer
from shopify_kit.sealing import KeyRing
from shopify_kit.secret import Secret

RING, OTHER_RING = (KeyRing([Secret(bytes([byte] * 32).hex())]) for byte in (1, 2))
ANSWER = KeptAnswer(201, b'{"ok": true, "customer": "canary"}')


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


@pytest.fixture
def store(database: Database) -> IdempotencyStore:
    return IdempotencyStore(database, RING)


@pytest.fixture
def sql(database_url: str) -> Iterator[Callable[..., list[Any]]]:
    """Runs a statement beside our code."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(database_url))
        yield lambda statement, *args: runner.run(connection.fetch(statement, *args))
        runner.run(connection.close())


def code_of(work: Callable[[], Any]) -> str:
    with pytest.raises(IntegrationError) as caught:
        work()
    assert isinstance(caught.value, Conflict | Unprocessable)
    return caught.value.code


def test_first_request_may_work_and_later_ones_get_its_answer(store: IdempotencyStore) -> None:
    assert store.claim("u-1 POST /orders", "k", b"body") is None
    store.keep("u-1 POST /orders", "k", ANSWER)

    assert [store.claim("u-1 POST /orders", "k", b"body") for _ in range(2)] == [ANSWER, ANSWER]


def test_same_key_is_refused_while_the_first_request_runs(store: IdempotencyStore) -> None:
    store.claim("s", "k", b"body")

    assert code_of(lambda: store.claim("s", "k", b"body")) == "request_in_progress"


def test_same_key_for_another_request_is_refused(store: IdempotencyStore) -> None:
    store.claim("s", "k", b"body")
    assert code_of(lambda: store.claim("s", "k", b"other")) == "idempotency_key_reused"
    store.keep("s", "k", ANSWER)

    assert code_of(lambda: store.claim("s", "k", b"other")) == "idempotency_key_reused"


@pytest.mark.parametrize(("scope", "key"), [("u-2 POST /orders", "k"), ("u-1 POST /orders", "K")], ids=["scope", "key"])
def test_key_of_another_scope_is_another_key(store: IdempotencyStore, scope: str, key: str) -> None:
    store.claim("u-1 POST /orders", "k", b"body")

    assert store.claim(scope, key, b"body") is None


def test_key_that_was_given_back_may_be_claimed_again(store: IdempotencyStore) -> None:
    store.claim("s", "k", b"body")
    store.release("s", "k")

    assert store.claim("s", "k", b"another body") is None


def test_kept_answer_is_not_given_back(store: IdempotencyStore) -> None:
    store.claim("s", "k", b"body")
    store.keep("s", "k", ANSWER)
    store.release("s", "k")

    assert store.claim("s", "k", b"body") == ANSWER


@pytest.mark.parametrize("is_kept", [False, True], ids=["claimed", "kept"])
def test_key_that_ran_out_is_free(store: IdempotencyStore, sql: Callable[..., list[Any]], is_kept: bool) -> None:
    store.claim("s", "k", b"body")
    if is_kept:
        store.keep("s", "k", ANSWER)
    sql("update shopify.idempotency_keys set expires_at = now() - interval '1 second'")

    assert store.claim("s", "k", b"other") is None
    assert code_of(lambda: store.claim("s", "k", b"other")) == "request_in_progress"


def test_claim_lasts_minutes_and_an_answer_a_day(store: IdempotencyStore, sql: Callable[..., list[Any]]) -> None:
    left = "select extract(epoch from expires_at - now())::int as seconds from shopify.idempotency_keys"
    store.claim("s", "k", b"body")
    claimed = sql(left)[0]["seconds"]
    store.keep("s", "k", ANSWER)

    assert 290 <= claimed <= 300
    assert 86_390 <= sql(left)[0]["seconds"] <= 86_400


def test_answers_lie_sealed(store: IdempotencyStore, sql: Callable[..., list[Any]]) -> None:
    store.claim("s", "k", b"body canary")
    store.keep("s", "k", ANSWER)

    row = sql("select * from shopify.idempotency_keys")[0]
    assert not any(b"canary" in value for value in row.values() if isinstance(value, bytes))


def test_answer_moved_to_another_key_is_not_given_out(store: IdempotencyStore, sql: Callable[..., list[Any]]) -> None:
    for scope in ("alice", "mallory"):
        store.claim(scope, "k", b"body")
        store.keep(scope, "k", KeptAnswer(200, scope.encode()))

    sql("update shopify.idempotency_keys set body = (select body from shopify.idempotency_keys where scope = 'alice')")

    assert store.claim("alice", "k", b"body") == KeptAnswer(200, b"alice")
    assert code_of(lambda: store.claim("mallory", "k", b"body")) == "answer_unreadable"


def test_answer_whose_sealing_key_is_gone_is_a_conflict_and_no_crash(store: IdempotencyStore, database: Database) -> None:
    store.claim("s", "k", b"body")
    store.keep("s", "k", ANSWER)

    assert code_of(lambda: IdempotencyStore(database, OTHER_RING).claim("s", "k", b"body")) == "answer_unreadable"


def test_of_many_requests_at_once_one_may_work(store: IdempotencyStore) -> None:
    start, outcomes = threading.Barrier(12), Counter[str]()

    def claim() -> None:
        start.wait()
        try:
            outcomes["first" if store.claim("s", "k", b"body") is None else "kept"] += 1
        except Conflict as error:
            outcomes[error.code] += 1

    threads = [threading.Thread(target=claim) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert outcomes == {"first": 1, "request_in_progress": 11}


def test_keys_that_ran_out_are_swept_by_whoever_keeps_an_answer(store: IdempotencyStore, sql: Callable[..., list[Any]]) -> None:
    sql(
        "insert into shopify.idempotency_keys (scope, key, request_hash, expires_at)"
        " select 'old', i::text, '', now() - interval '1 day' from generate_series(1, 500) as i"
    )
    works = 8
    start = threading.Barrier(works)
    for number in range(works):
        store.claim("s", str(number), b"body")

    def keep(number: int) -> None:
        start.wait()
        store.keep("s", str(number), ANSWER)

    threads = [threading.Thread(target=keep, args=(number,)) for number in range(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sql("select count(*) from shopify.idempotency_keys where scope = 'old'")[0]["count"] == 0
    assert [store.claim("s", str(number), b"body") for number in range(works)] == [ANSWER] * works
