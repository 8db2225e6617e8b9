"""How often one caller may ask: 429 with the time to wait, per proved caller, whatever headers say."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shopify_kit.clock import ManualClock
from shopify_kit.errors import RateLimited
from shopify_web.limits import MAX_CALLERS, RateLimit
from tests.web_host import SERVICE_KEY, Host, Outbound

pytest_plugins = ("tests.web_fixtures",)


@pytest.fixture
def limited_host(make_host: Callable[..., Host]) -> Host:
    """A backend where alice has used up her three requests of this minute."""
    host = make_host(SHOPIFY_RATE_LIMIT_PER_MINUTE=3)
    assert [host.get("/stores").status_code for _ in range(4)][-1] == 429
    return host


def test_caller_over_the_limit_is_told_when_to_come_back(limited_host: Host, outbound: Outbound) -> None:
    answer = limited_host.post("/search", {"query": "x"})

    assert (answer.status_code, answer.get_json()["code"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 20
    assert outbound.sent == []


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "1.2.3.4"},
        {"X-Real-Ip": "1.2.3.4"},
        {"Forwarded": "for=1.2.3.4"},
        {"X-User-Id": "u-bob"},
        {"User-Agent": "other"},
        {"Idempotency-Key": "fresh"},
    ],
)
def test_headers_do_not_change_who_is_counted(limited_host: Host, headers: dict[str, str]) -> None:
    assert limited_host.post("/search", {"query": "x"}, headers=headers).status_code == 429
    assert limited_host.get("/stores", headers=headers, environ_overrides={"REMOTE_ADDR": "1.2.3.4"}).status_code == 429


def test_others_are_not_held_up_by_one(limited_host: Host) -> None:
    assert limited_host.get("/stores", "bob").status_code == 200
    assert limited_host.get("/stores?user_id=u-alice", "service").status_code == 200
    assert limited_host.get("/health", "alice").status_code == 200


def test_service_is_counted_as_itself_for_whomever_it_acts(make_host: Callable[..., Host]) -> None:
    host = make_host(
        is_connected=False, users=None, SHOPIFY_RATE_LIMIT_PER_MINUTE=3, SHOPIFY_SERVICE_KEYS=f"svc-host:{SERVICE_KEY}"
    )

    statuses = [host.get(f"/stores?user_id=u-{number}", "service").status_code for number in range(5)]

    assert statuses == [200, 200, 200, 429, 429]


def test_strangers_are_refused_before_they_are_counted(make_host: Callable[..., Host]) -> None:
    host = make_host(SHOPIFY_RATE_LIMIT_PER_MINUTE=2)

    assert {host.get("/stores", None).status_code for _ in range(10)} == {401}


def test_every_answer_says_what_is_left(make_host: Callable[..., Host]) -> None:
    host = make_host(SHOPIFY_RATE_LIMIT_PER_MINUTE=60)

    left = [int(host.get("/stores", "bob").headers["X-RateLimit-Remaining"]) for _ in range(3)]

    assert left == sorted(left, reverse=True)
    assert len(set(left)) == 3
    assert max(left) < 60


# The bucket itself


def test_bucket_fills_evenly() -> None:
    clock = ManualClock()
    limit = RateLimit(60, clock)
    for _ in range(60):
        limit.take("a")

    with pytest.raises(RateLimited) as refused:
        limit.take("a")
    clock.advance(1.0)
    standing = limit.take("a")

    assert refused.value.retry_after_s == pytest.approx(1.0)
    assert (standing.remaining, standing.reset_s) == (0, 60)
    with pytest.raises(RateLimited):
        limit.take("a")


def test_wait_is_as_long_as_one_request_needs() -> None:
    clock = ManualClock()
    limit = RateLimit(2, clock)
    limit.take("a")
    limit.take("a")

    with pytest.raises(RateLimited) as refused:
        limit.take("a")

    assert refused.value.retry_after_s == pytest.approx(30.0)
    clock.advance(29.9)
    with pytest.raises(RateLimited):
        limit.take("a")
    clock.advance(0.2)
    assert limit.take("a").remaining == 0


def test_refused_requests_cost_nothing() -> None:
    clock = ManualClock()
    limit = RateLimit(1, clock)
    limit.take("a")
    for _ in range(100):
        with pytest.raises(RateLimited):
            limit.take("a")

    clock.advance(60.0)

    assert limit.take("a").remaining == 0


def test_threads_together_get_no_more_than_the_limit() -> None:
    limit = RateLimit(500, ManualClock())

    def take(_: int) -> bool:
        try:
            limit.take("a")
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        granted = sum(threads.map(take, range(4_000)))

    assert granted == 500


def test_callers_beyond_a_bound_are_forgotten_longest_silent_first() -> None:
    limit = RateLimit(2, ManualClock())
    limit.take("first")
    for number in range(MAX_CALLERS - 1):
        limit.take(str(number))
    limit.take("first")

    limit.take("one more")

    assert limit.take("0").remaining == 1, "forgotten, so it begins anew"
    with pytest.raises(RateLimited):
        limit.take("first")
