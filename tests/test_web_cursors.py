"""Cursors: opaque, and good for their own list only."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.web_host import Host, Outbound, unique

pytest_plugins = ("tests.web_fixtures",)


@pytest.fixture(scope="module")
def vendor(host: Host) -> str:
    """A vendor with five products in each user's shop, made once for the module."""
    name = unique("vendor")
    for who in ("alice", "mallory"):
        for number in range(5):
            assert host.post("/products", {"product": {"title": f"P{number}", "vendor": name}}, who).status_code == 201
    return name


def first_page(host: Host, vendor: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = host.get("/products", query_string={"vendor": vendor, "limit": 2} | more).get_json()
    return answer


def refused(answer: Any) -> bool:
    return (answer.status_code, answer.get_json()["code"]) == (400, "invalid_cursor")


def test_cursors_lead_through_the_whole_list(host: Host, vendor: str) -> None:
    seen: list[int] = []
    cursor, pages = None, 0
    while True:
        page = first_page(host, vendor, **({"cursor": cursor} if cursor else {}))
        seen += [product["id"] for product in page["products"]]
        pages, cursor = pages + 1, page["page"]["next_cursor"]
        assert page["page"]["has_next"] == (cursor is not None)
        assert page["total"] == len(page["products"])
        if cursor is None:
            break

    assert pages == 3
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen)


def test_page_size_may_change_on_the_way(host: Host, vendor: str) -> None:
    cursor = first_page(host, vendor)["page"]["next_cursor"]

    rest = first_page(host, vendor, cursor=cursor, limit=250)

    assert rest["total"] == 3
    assert rest["page"] == {"next_cursor": None, "has_next": False}


def test_filters_in_another_spelling_are_the_same_list(host: Host, vendor: str) -> None:
    cursor = first_page(host, vendor, status="active")["page"]["next_cursor"]

    assert first_page(host, vendor, status="ACTIVE", cursor=cursor)["total"] == 2
    named = {"user_id": "u-alice", "shop_domain": host.shops["alice"].shop_domain, "cursor": cursor}
    assert first_page(host, vendor, status="active", **named)["total"] == 2


def test_cursor_of_another_filter_is_refused(host: Host, vendor: str, outbound: Outbound) -> None:
    cursor = first_page(host, vendor)["page"]["next_cursor"]
    outbound.clear()

    assert refused(host.get("/products", query_string={"cursor": cursor}))
    assert refused(host.get("/products", query_string={"vendor": "other", "cursor": cursor}))
    assert refused(host.get("/products", query_string={"vendor": vendor, "status": "active", "cursor": cursor}))
    assert outbound.sent == []


def test_cursor_of_another_list_is_refused(host: Host, vendor: str) -> None:
    cursor = host.get("/products?limit=2").get_json()["page"]["next_cursor"]

    assert vendor
    for path in ("/orders", "/customers", "/inventory", "/locations", "/collections", "/discounts"):
        assert refused(host.get(path, query_string={"cursor": cursor}))


def test_cursor_of_another_user_is_refused(host: Host, vendor: str) -> None:
    cursor = first_page(host, vendor)["page"]["next_cursor"]

    assert refused(host.get("/products", "mallory", query_string={"vendor": vendor, "cursor": cursor}))
    assert (
        host.get("/products", "service", query_string={"vendor": vendor, "cursor": cursor, "user_id": "u-alice"}).status_code == 200
    )


def test_cursor_of_another_shop_of_the_same_user_is_refused(fresh_host: Host, vendor: str) -> None:
    mine, other = fresh_host.shops["alice"], fresh_host.shops["mallory"]
    assert fresh_host.connect("alice", other).status_code == 200

    def page(domain: str, **more: Any) -> Any:
        return fresh_host.get("/products", query_string={"vendor": vendor, "limit": 2, "shop_domain": domain} | more)

    cursor = page(mine.shop_domain).get_json()["page"]["next_cursor"]

    assert refused(page(other.shop_domain, cursor=cursor))
    assert page(mine.shop_domain, cursor=cursor).status_code == 200


def test_cursor_of_another_host_is_refused(host: Host, vendor: str, make_host: Callable[..., Host]) -> None:
    cursor = first_page(host, vendor)["page"]["next_cursor"]
    elsewhere = make_host(SHOPIFY_TOKEN_KEYS="b" * 64)

    assert refused(elsewhere.get("/products", query_string={"vendor": vendor, "limit": 2, "cursor": cursor}))


def test_cursor_says_nothing(host: Host, vendor: str) -> None:
    cursor = first_page(host, vendor)["page"]["next_cursor"]

    inside = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))

    assert all(word not in inside for word in (b"last_id", b"alice", b"shop", vendor.encode()))
    assert first_page(host, vendor)["page"]["next_cursor"] != cursor, "no two are equal"


def test_altered_cursor_is_refused_wherever_it_is_altered(host: Host, vendor: str, outbound: Outbound) -> None:
    cursor = first_page(host, vendor)["page"]["next_cursor"]
    outbound.clear()
    for place in range(0, len(cursor), 7):
        other = "A" if cursor[place] != "A" else "B"

        assert refused(
            host.get("/products", query_string={"vendor": vendor, "cursor": cursor[:place] + other + cursor[place + 1 :]})
        )
    last = {chr(ord(cursor[-1]) + shift) for shift in (1, 2, 3, -1)}
    for end in last:
        assert refused(host.get("/products", query_string={"vendor": vendor, "cursor": cursor[:-1] + end}))
    assert outbound.sent == []


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("", id="empty"),
        pytest.param("eyJ1c2VyIjoidS1ib2IifQ==", id="plain_json"),
        pytest.param(base64.urlsafe_b64encode(json.dumps({"last_id": 1}).encode()).decode(), id="shopifys_form"),
        pytest.param("null", id="null"),
        pytest.param("é" * 20, id="beyond_ascii"),
        pytest.param("../" * 20, id="path"),
        pytest.param("A" * 3_999, id="long"),
        pytest.param("AQxhYmNkZWZhYmNkZWY", id="unknown_key"),
        pytest.param(" ", id="blank"),
        pytest.param("=", id="padding"),
    ],
)
def test_what_is_no_cursor_is_refused(host: Host, outbound: Outbound, given: str) -> None:
    assert refused(host.get("/products", query_string={"cursor": given}))
    assert outbound.sent == []


def test_cursor_in_another_spelling_of_base64_is_refused(host: Host, vendor: str) -> None:
    cursor = first_page(host, vendor)["page"]["next_cursor"]
    standard = cursor.replace("-", "+").replace("_", "/")

    for other in (cursor + "=" * (-len(cursor) % 4) + "=", cursor + "\n", " " + cursor, cursor[:10] + "!" + cursor[10:]):
        assert refused(host.get("/products", query_string={"vendor": vendor, "cursor": other}))
    if standard != cursor:
        assert refused(host.get("/products", query_string={"vendor": vendor, "cursor": standard}))
