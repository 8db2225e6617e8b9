"""Connecting, choosing, losing and leaving shops: only what is proved is stored, and the last who leaves takes the token along."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.fake_store import FakeShop
from tests.web_host import Host, Outbound, dump_tables, fault, grant, revoke, run_sql

pytest_plugins = ("tests.web_fixtures",)

WRONG_TOKEN = "shpat_00000000000000000000000000000000"


def tables(host: Host) -> dict[str, list[str]]:
    kept = dump_tables(host.dsn)
    return {name: kept[name] for name in ("shops", "tokens", "members", "users")}


def row_of(host: Host, sql: str, *arguments: object) -> Any:
    (row,) = run_sql(host.dsn, sql, *arguments)
    return row


def credentials(host: Host, shop: FakeShop) -> dict[str, str]:
    """Return what an own-organisation app connects with."""
    return {"shop_domain": shop.shop_domain, "client_id": host.store.client_id, "client_secret": host.store.client_secret}


# Connecting


def test_connected_shop_is_shown_as_shopify_knows_it_and_without_its_token(fresh_host: Host) -> None:
    shop = fresh_host.shops["nobody"]

    answer = fresh_host.connect("alice", shop)

    document = answer.get_json()
    assert (answer.status_code, document["connected"]) == (200, True)
    assert document["shop"]["domain"] == shop.shop_domain
    assert set(document["shop"]) >= {"id", "name", "domain", "email", "currency", "timezone", "plan", "scopes"}
    assert document["store"]["id"] == document["store"]["store_id"]
    assert document["store"]["status"] == "active"
    assert shop.access_token not in answer.get_data(as_text=True)


def test_older_names_connect_too(fresh_host: Host) -> None:
    shop = fresh_host.shops["nobody"]
    body = {
        "store_domain": shop.shop_domain,
        "access_token": shop.access_token,
        "api_key": "key",
        "api_secret": "secret-0123456789",
    }

    answer = fresh_host.post("/stores", body | {"private_app": True}, "bob")

    document = answer.get_json()
    assert answer.status_code == 201
    assert document["id"] == document["store"]["id"]
    assert fresh_host.get(f"/stores/{document['id']}", "bob").get_json()["store"] == document["store"]
    assert "secret-0123456789" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/connect", "/stores"])
@pytest.mark.parametrize(
    ("whose", "token", "code"),
    [
        pytest.param("nobody", WRONG_TOKEN, "token_rejected", id="wrong_token"),
        pytest.param("alice", WRONG_TOKEN, "token_rejected", id="wrong_token_for_a_connected_shop"),
        pytest.param("nobody", "mallory", "token_rejected", id="token_of_another_shop"),
    ],
)
def test_token_that_shopify_does_not_take_is_not_stored(
    fresh_host: Host, outbound: Outbound, path: str, whose: str, token: str, code: str
) -> None:
    before = tables(fresh_host)
    name = {"/connect": "shop_domain", "/stores": "store_domain"}[path]
    given = fresh_host.shops[token].access_token if token in fresh_host.shops else token

    answer = fresh_host.post(path, {name: fresh_host.shops[whose].shop_domain, "access_token": given}, "mallory")

    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert tables(fresh_host) == before
    assert given not in answer.get_data(as_text=True)
    assert len(outbound.sent) == 1


def test_token_that_proves_to_be_another_shops_is_not_stored(fresh_host: Host) -> None:
    before = tables(fresh_host)
    with fault(fresh_host.store, "wrong_shop"):
        answer = fresh_host.connect("alice", fresh_host.shops["nobody"])

    assert (answer.status_code, answer.get_json()["code"]) == (422, "shop_mismatch")
    assert tables(fresh_host) == before


@pytest.mark.parametrize(
    ("kind", "facts", "status", "code"),
    [
        pytest.param("5xx", {"status": 503}, 502, "upstream_error", id="503"),
        pytest.param("html", {}, 502, "upstream_error", id="html"),
        pytest.param("redirect", {}, 502, "upstream_blocked", id="redirect"),
        pytest.param("redirect", {"location": "http://169.254.169.254/"}, 502, "upstream_blocked", id="redirect_inside"),
        pytest.param("reset", {}, 502, "upstream_error", id="reset"),
        pytest.param("truncate", {}, 502, "upstream_error", id="truncated"),
        pytest.param("frozen", {}, 502, "shop_unavailable", id="frozen"),
        pytest.param("bomb", {"size_bytes": 2**27}, 502, "response_too_large", id="bomb"),
        pytest.param("429", {"retry_after": "100"}, 429, "rate_limited", id="429"),
    ],
)
def test_trouble_at_shopify_stores_nothing(fresh_host: Host, kind: str, facts: dict[str, Any], status: int, code: str) -> None:
    before = tables(fresh_host)
    with fault(fresh_host.store, kind, **facts):
        answer = fresh_host.connect("alice", fresh_host.shops["nobody"])

    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert tables(fresh_host) == before


def test_unknown_shop_stores_nothing(fresh_host: Host) -> None:
    before = tables(fresh_host)

    answer = fresh_host.connect("alice", FakeShop("no-such-shop.myshopify.com", WRONG_TOKEN))

    assert (answer.status_code, answer.get_json()["code"]) == (502, "shop_unavailable")
    assert tables(fresh_host) == before


def test_connecting_again_replaces_the_token(fresh_host: Host) -> None:
    newer = grant(fresh_host.store, fresh_host.shops["alice"])
    before = row_of(fresh_host, "select * from shopify.tokens where owner_user_id = 'u-alice'")

    assert fresh_host.connect("alice", newer).status_code == 200

    after = row_of(fresh_host, "select * from shopify.tokens where owner_user_id = 'u-alice'")
    assert (after["token_id"], after["row_version"]) == (before["token_id"], before["row_version"] + 1)
    assert after["access_token_sealed"] != before["access_token_sealed"]
    assert fresh_host.get("/shop").status_code == 200


def test_connecting_another_way_leaves_no_older_token_behind(fresh_host: Host) -> None:
    shop = fresh_host.shops["alice"]

    assert fresh_host.post("/connect", credentials(fresh_host, shop)).status_code == 200

    kept = run_sql(fresh_host.dsn, "select kind from shopify.tokens where owner_user_id = 'u-alice'")
    assert [row["kind"] for row in kept] == ["client_credentials"]
    assert len(fresh_host.get("/stores").get_json()["stores"]) == 1


def test_connecting_many_times_at_once_makes_one_membership(fresh_host: Host) -> None:
    shop = fresh_host.shops["nobody"]
    with ThreadPoolExecutor(6) as threads:
        statuses = list(threads.map(lambda _: fresh_host.connect("alice", shop).status_code, range(12)))

    assert set(statuses) == {200}
    counted = row_of(
        fresh_host,
        "select count(*) as members, count(distinct token_id) as tokens from shopify.members join shopify.shops using (shop_id)"
        " where shop_domain = $1",
        shop.shop_domain,
    )
    assert (counted["members"], counted["tokens"]) == (1, 1)


def test_refusal_does_not_tell_whether_somebody_is_connected(host: Host) -> None:
    answers = [
        host.post("/connect", {"shop_domain": host.shops[who].shop_domain, "access_token": WRONG_TOKEN}, "mallory").get_json()
        for who in ("alice", "nobody")
    ]

    assert {**answers[0], "request_id": ""} == {**answers[1], "request_id": ""}


# Several shops


@pytest.fixture
def two_shops(fresh_host: Host) -> Host:
    """Alice with two shops."""
    assert fresh_host.connect("alice", fresh_host.shops["nobody"]).status_code == 200
    return fresh_host


def test_user_with_several_shops_must_name_one(two_shops: Host, outbound: Outbound) -> None:
    domains = sorted(two_shops.shops[who].shop_domain for who in ("alice", "nobody"))

    for answer in (two_shops.get("/products"), two_shops.post("/search", {"query": "x"}), two_shops.post("/disconnect", {})):
        assert (answer.status_code, answer.get_json()["code"]) == (409, "shop_required")
        assert sorted(answer.get_json()["details"]["shops"]) == domains
    assert outbound.sent == []


def test_shop_may_be_named_by_domain_or_by_our_id_anywhere(two_shops: Host, outbound: Outbound) -> None:
    domain = two_shops.shops["nobody"].shop_domain
    stores = two_shops.get("/stores").get_json()["stores"]
    number = next(store["id"] for store in stores if store["shop_domain"] == domain)

    answers = [
        two_shops.get(f"/shop?shop_domain={domain}"),
        two_shops.get(f"/shop?store_id={number}"),
        two_shops.get(f"/shop?store_id={number}&shop_domain={domain}"),
        two_shops.get(f"/health/connection?store_id={number}"),
        two_shops.post("/search", {"query": "x", "type": "products", "shop_domain": domain}),
        two_shops.post("/search", {"query": "x", "type": "products", "store_id": number}),
        two_shops.post(f"/search?store_id={number}", {"query": "x", "type": "products", "shop_domain": domain}),
        two_shops.post("/graphql", {"query": "{ shop { name } }", "store_id": number}),
        two_shops.delete("/products/1", json={"store_id": number}),
    ]

    assert [answer.status_code for answer in answers] == [200] * 8 + [404]
    assert {sent.host for sent in outbound.sent} == {domain}


def test_query_and_body_that_name_different_shops_are_refused(two_shops: Host, outbound: Outbound) -> None:
    first, second = (two_shops.shops[who].shop_domain for who in ("alice", "nobody"))
    one, other = (store["id"] for store in two_shops.get("/stores").get_json()["stores"])

    by_domain = two_shops.post(f"/search?shop_domain={first}", {"query": "x", "shop_domain": second})
    by_id = two_shops.post(f"/search?store_id={one}", {"query": "x", "store_id": other})
    crosswise = two_shops.get(f"/shop?store_id={one}&shop_domain={second}")

    assert [answer.status_code for answer in (by_domain, by_id)] == [400, 400]
    assert (crosswise.status_code, crosswise.get_json()["code"]) == (409, "not_connected")
    assert outbound.sent == []


def test_stores_are_listed_for_their_user_only(two_shops: Host) -> None:
    mine = two_shops.get("/stores").get_json()
    theirs = two_shops.get("/stores", "bob").get_json()

    assert mine["total"] == len(mine["stores"]) == 2
    assert [store["shop_domain"] for store in theirs["stores"]] == [two_shops.shops["bob"].shop_domain]
    assert all("token" not in name for store in mine["stores"] for name in store)


def test_user_without_a_shop_is_told_to_connect_one(make_host: Callable[..., Host]) -> None:
    host = make_host(is_connected=False)

    assert host.get("/stores").get_json() == {"ok": True, "stores": [], "total": 0}
    answer = host.get("/products")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "not_connected")
    assert "/connect" in answer.get_json()["error"]


# Tokens that end


def test_token_that_shopify_rejects_later_must_be_granted_anew(fresh_host: Host, outbound: Outbound) -> None:
    shop = grant(fresh_host.store, fresh_host.shops["nobody"])
    assert fresh_host.connect("bob", shop).status_code == 200
    revoke(fresh_host.store, shop)
    where = f"?shop_domain={shop.shop_domain}"

    first = fresh_host.get(f"/products{where}", "bob")
    outbound.clear()
    second = fresh_host.get(f"/products{where}", "bob")

    assert [(answer.status_code, answer.get_json()["code"]) for answer in (first, second)] == [(422, "token_rejected")] * 2
    assert outbound.sent == [], "Shopify has said no already"
    states = {token["shop_domain"]: token["state"] for token in fresh_host.get("/health/tokens", "bob").get_json()["tokens"]}
    assert states == {shop.shop_domain: "reauthorization_required", fresh_host.shops["bob"].shop_domain: "active"}
    (entry,) = run_sql(fresh_host.dsn, "select * from shopify.audit_log where action = 'token.rejected'")
    assert (entry["actor"], entry["subject"]) == ("u-bob", "u-bob")
    assert fresh_host.connect("bob", fresh_host.shops["nobody"]).status_code == 200
    assert fresh_host.get(f"/products{where}", "bob").status_code == 200


def test_rejection_of_an_older_token_does_not_harm_the_newer(fresh_host: Host) -> None:
    older, newer = grant(fresh_host.store, fresh_host.shops["nobody"]), fresh_host.shops["nobody"]
    assert fresh_host.connect("bob", older).status_code == 200
    store = fresh_host.integration.installations.find("u-bob", shop_domain=older.shop_domain)
    assert fresh_host.connect("bob", newer).status_code == 200

    fresh_host.integration.installations.mark_rejected(store, actor="u-bob")

    assert fresh_host.get(f"/shop?shop_domain={newer.shop_domain}", "bob").status_code == 200


def test_rejected_offer_does_not_harm_the_stored_token(fresh_host: Host) -> None:
    shop = fresh_host.shops["alice"]

    assert fresh_host.connect("alice", FakeShop(shop.shop_domain, WRONG_TOKEN)).status_code == 422

    assert fresh_host.get("/shop").status_code == 200


# Own-organisation apps


def test_app_of_the_organisation_connects_by_its_secret(fresh_host: Host, outbound: Outbound) -> None:
    answer = fresh_host.post("/connect", credentials(fresh_host, fresh_host.shops["nobody"]), "bob")

    assert answer.status_code == 200
    assert answer.get_json()["store"]["connection"] == "client_credentials"
    assert fresh_host.store.client_secret not in answer.get_data(as_text=True)
    assert outbound.asked_for_tokens() == 1
    (token,) = (t for t in fresh_host.get("/health/tokens", "bob").get_json()["tokens"] if t["kind"] == "client_credentials")
    assert token["expires_at"] is not None


@pytest.mark.parametrize("change", [{"client_id": "nobodys"}, {"client_secret": "shpss_wrong_wrong"}])
def test_app_with_wrong_credentials_is_refused_and_nothing_stored(fresh_host: Host, change: dict[str, str]) -> None:
    before = tables(fresh_host)

    answer = fresh_host.post("/connect", credentials(fresh_host, fresh_host.shops["nobody"]) | change, "bob")

    assert (answer.status_code, answer.get_json()["code"]) == (422, "token_rejected")
    assert "wrong_wrong" not in answer.get_data(as_text=True)
    assert tables(fresh_host) == before


@pytest.fixture
def renewing(fresh_host: Host) -> Host:
    """Bob connected by an app's secret, in the shop of nobody alone."""
    assert fresh_host.post("/disconnect", {}, "bob").status_code == 200
    assert fresh_host.post("/connect", credentials(fresh_host, fresh_host.shops["nobody"]), "bob").status_code == 200
    return fresh_host


def expire_in(host: Host, minutes: int) -> Any:
    """Let bob's token end so many minutes from now; returns its sealed bytes."""
    sql = "update shopify.tokens set expires_at = now() + $1 * interval '1 minute' where kind = 'client_credentials' returning *"
    return row_of(host, sql, minutes)["access_token_sealed"]


def kept_token(host: Host) -> Any:
    return row_of(host, "select * from shopify.tokens where kind = 'client_credentials'")


@pytest.mark.parametrize("minutes", [pytest.param(5, id="soon"), pytest.param(-60, id="an_hour_ago")])
def test_token_that_ends_is_renewed_by_itself(renewing: Host, outbound: Outbound, minutes: int) -> None:
    old = expire_in(renewing, minutes)

    answer = renewing.get("/products", "bob")

    assert answer.status_code == 200
    assert outbound.asked_for_tokens() == 1
    assert kept_token(renewing)["access_token_sealed"] != old
    assert renewing.get("/products", "bob").status_code == 200
    assert outbound.asked_for_tokens() == 1


def test_token_with_time_left_is_not_renewed(renewing: Host, outbound: Outbound) -> None:
    expire_in(renewing, 60)

    assert renewing.get("/products", "bob").status_code == 200
    assert outbound.asked_for_tokens() == 0


def test_token_serves_on_while_its_renewal_fails_and_it_lives(renewing: Host) -> None:
    expire_in(renewing, 5)
    with fault(renewing.store, "5xx", path="/oauth/access_token"):
        alive = renewing.get("/products", "bob")
        expire_in(renewing, -5)
        dead = renewing.get("/products", "bob")

    assert alive.status_code == 200
    assert (dead.status_code, dead.get_json()["code"]) == (502, "upstream_error")
    assert renewing.get("/products", "bob").status_code == 200


def test_token_that_shopify_took_back_early_is_renewed(renewing: Host, outbound: Outbound) -> None:
    store = renewing.integration.installations.find("u-bob")
    token = renewing.integration.installations.access(store).access_token.reveal()
    revoke(renewing.store, FakeShop(store.shop_domain, token))

    first, second = renewing.get("/products", "bob"), renewing.get("/products", "bob")

    assert (first.status_code, first.get_json()["code"]) == (422, "token_rejected")
    assert second.status_code == 200
    assert outbound.asked_for_tokens() == 1


# Leaving


def test_who_leaves_takes_their_token_along_and_nobody_elses(fresh_host: Host) -> None:
    shop = fresh_host.shops["alice"]
    assert fresh_host.connect("bob", shop).status_code == 200
    where = {"shop_domain": shop.shop_domain}

    answer = fresh_host.post("/disconnect", where | {"purge": True}, "bob")

    assert answer.get_json() == {"ok": True, "disconnected": True, "shop_domain": shop.shop_domain}
    assert fresh_host.get(f"/shop?shop_domain={shop.shop_domain}", "bob").get_json()["code"] == "not_connected"
    assert fresh_host.get("/shop").status_code == 200
    owners = run_sql(
        fresh_host.dsn,
        "select owner_user_id from shopify.tokens join shopify.shops using (shop_id) where shop_domain = $1",
        shop.shop_domain,
    )
    assert [row["owner_user_id"] for row in owners] == ["u-alice"]
    assert fresh_host.post("/disconnect", where, "bob").get_json()["code"] == "not_connected"


def test_last_who_leaves_keeps_the_shop_unless_it_is_to_be_purged(fresh_host: Host) -> None:
    kept, purged = fresh_host.shops["alice"].shop_domain, fresh_host.shops["bob"].shop_domain

    assert fresh_host.post("/disconnect", {}, "alice").status_code == 200
    assert fresh_host.post("/disconnect", {"purge": True}, "bob").status_code == 200

    shops = {row["shop_domain"]: row for row in run_sql(fresh_host.dsn, "select * from shopify.shops")}
    assert shops[kept]["uninstalled_at"] is not None
    assert purged not in shops
    owners = {row["owner_user_id"] for row in run_sql(fresh_host.dsn, "select owner_user_id from shopify.tokens")}
    assert owners == {"u-mallory"}
    entries = run_sql(fresh_host.dsn, "select * from shopify.audit_log where action = 'shop.disconnect' order by audit_id")
    assert [(entry["actor"], entry["subject"]) for entry in entries] == [("u-alice", "u-alice"), ("u-bob", "u-bob")]


def test_one_who_comes_back_finds_the_shop_under_its_id(fresh_host: Host) -> None:
    before = fresh_host.get("/stores").get_json()["stores"][0]["id"]
    assert fresh_host.post("/disconnect", {}).status_code == 200

    assert fresh_host.connect("alice", fresh_host.shops["alice"]).status_code == 200

    (store,) = fresh_host.get("/stores").get_json()["stores"]
    assert store["id"] == before
    shop = row_of(fresh_host, "select uninstalled_at from shopify.shops where shop_id = $1", before)
    assert shop["uninstalled_at"] is None


def test_members_of_one_token_who_leave_at_once_leave_no_token(fresh_host: Host) -> None:
    """Tokens of OAuth belong to app and shop, with users as members; the last member destroys them."""
    shop = fresh_host.shops["alice"]
    token = row_of(fresh_host, "select * from shopify.tokens where owner_user_id = 'u-alice'")
    for number in range(8):
        run_sql(fresh_host.dsn, "insert into shopify.users (user_id) values ($1)", f"u-{number}")
        run_sql(
            fresh_host.dsn,
            "insert into shopify.members (shop_id, user_id, app_id, token_id) values ($1, $2, $3, $4)",
            token["shop_id"],
            f"u-{number}",
            token["app_id"],
            token["token_id"],
        )
    users = ["u-alice", *(f"u-{number}" for number in range(8))]
    with ThreadPoolExecutor(9) as threads:
        statuses = list(threads.map(lambda user: leave(fresh_host, user, shop), users))

    assert statuses == [200] * 9
    assert run_sql(fresh_host.dsn, "select 1 from shopify.tokens where token_id = $1", token["token_id"]) == []
    assert row_of(fresh_host, "select * from shopify.shops where shop_id = $1", token["shop_id"])["uninstalled_at"] is not None


def leave(host: Host, user: str, shop: FakeShop) -> int:
    return host.post("/disconnect", {"user_id": user, "shop_domain": shop.shop_domain}, "service").status_code


# Shops that the settings name


def test_shops_of_the_settings_are_imported_for_the_default_user(make_host: Callable[..., Host], outbound: Outbound) -> None:
    shops = make_host(is_connected=False).shops
    first, second = shops["alice"], shops["bob"]
    variable = "SHOPIFY_ACCESS_TOKEN_" + second.shop_domain.replace(".", "_")
    host = make_host(
        is_connected=False,
        users=lambda request: request.headers.get("X-Test-User"),
        **{"SHOPIFY_ACCESS_TOKEN": first.access_token, "SHOPIFY_SHOP_DOMAIN": first.shop_domain, variable: second.access_token},
    )

    other = host.get("/stores", None, headers={"X-Test-User": "somebody"}).get_json()
    mine = host.get("/stores", None, headers={"X-Test-User": "default"}).get_json()

    assert other["stores"] == []
    assert sorted(store["shop_domain"] for store in mine["stores"]) == sorted((first.shop_domain, second.shop_domain))
    outbound.clear()
    assert host.get("/stores", None, headers={"X-Test-User": "default"}).get_json() == mine
    assert outbound.sent == [], "imported once"


# Health of it all


def test_connection_is_healthy_while_shopify_answers(fresh_host: Host) -> None:
    name = fresh_host.get("/shop").get_json()["shop"]["name"]

    answer = fresh_host.get("/health/connection")

    assert answer.get_json()["connected"] is True
    assert answer.get_json()["shop"] == {"name": name, "domain": fresh_host.shops["alice"].shop_domain}
    with fault(fresh_host.store, "frozen"):
        assert fresh_host.get("/health/connection").get_json()["code"] == "shop_unavailable"
