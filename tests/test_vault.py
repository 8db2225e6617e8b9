"""Tokens at rest, against real Postgres: sealed to their row, opened where they are used, sealed anew while they are in use."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from shopify_integration_register import ShopifyIntegration, register_shopify_integration
from shopify_kit.database import Connection, Database
from shopify_kit.errors import TokenUnreadable
from shopify_kit.queries import load_queries
from shopify_kit.sealing import KeyRing, key_id
from shopify_kit.secret import Secret
from shopify_kit.vault import SealedToken, Token, Vault, delete_token
from tests.fake_store import FakeStore
from tests.processes import ChildProcess, wait_until

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
OLD_RING, BOTH, NEW_RING = (KeyRing([Secret(key.hex()) for key in keys]) for keys in ((OLD,), (NEW, OLD), (NEW,)))
SHOP = "alice-shop.myshopify.com"
STATIC_APP = 1

custom_apps = load_queries("custom_apps")

SWEEP = """
import sys
from shopify_kit.database import Database
from shopify_kit.sealing import KeyRing
from shopify_kit.secret import Secret
from shopify_kit.vault import Vault

dsn, new, old = sys.argv[1:]
database = Database(dsn)
print("changed", Vault(database, KeyRing([Secret(new), Secret(old)])).reseal(), flush=True)
database.close()
"""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


@pytest.fixture
def sql(database_url: str) -> Iterator[Callable[..., list[Any]]]:
    """Runs a statement as somebody who has the database, and not our code."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(database_url))
        yield lambda statement, *args: runner.run(connection.fetch(statement, *args))
        runner.run(connection.close())


async def add_shop(conn: Connection, domain: str) -> int:
    return int(await conn.fetchval(custom_apps.upsert_shop, domain, None, domain, None, "CAD", None, None, None))


async def keep(conn: Connection, vault: Vault, token: Token) -> int:
    if token.owner is not None:
        await conn.execute(custom_apps.ensure_user, token.owner)
    return await vault.store(conn, token)


def token_of(shop_id: int, owner: str | None, access_token: str, **facts: Any) -> Token:
    return Token(shop_id, SHOP, facts.pop("app_id", STATIC_APP), facts.pop("kind", "static"), Secret(access_token), owner, **facts)


def read(database: Database, token_id: int) -> SealedToken:
    """Read a row as the features do."""

    async def verb(conn: Connection) -> SealedToken:
        row = await conn.fetchrow(
            "select shop_id, shop_domain, token_id, owner_user_id, row_version, access_token_sealed, refresh_token_sealed,"
            " client_secret_sealed from shopify.tokens join shopify.shops using (shop_id) where token_id = $1",
            token_id,
        )
        assert row is not None
        return SealedToken.of(row)

    return database.run(verb)


def test_stored_token_comes_back_and_lies_sealed(database: Database, sql: Callable[..., list[Any]]) -> None:
    vault, shop_id = Vault(database, OLD_RING), database.run(add_shop, SHOP)
    token = token_of(shop_id, "u-alice", "shpat_canary", client_secret=Secret("shpss_canary"), refresh_token=Secret("shprt_canary"))

    token_id = database.run(keep, vault, token)

    row = read(database, token_id)
    assert vault.access_token(row) == Secret("shpat_canary")
    assert vault.client_secret(row) == Secret("shpss_canary")
    stored = sql("select * from shopify.tokens")[0]
    assert all(b"canary" not in value for value in stored.values() if isinstance(value, bytes))
    assert "canary" not in repr(stored).replace("b'", "")
    assert (stored["key_id"], stored["row_version"], stored["state"]) == (key_id(OLD), 1, "active")


def test_newer_token_takes_the_place_of_the_older_one(database: Database, sql: Callable[..., list[Any]]) -> None:
    vault, shop_id = Vault(database, OLD_RING), database.run(add_shop, SHOP)
    expires_at = datetime(2026, 12, 1, tzinfo=UTC)
    first = database.run(keep, vault, token_of(shop_id, "u-alice", "shpat_1", client_secret=Secret("shpss_1")))
    vault.mark(shop_id, first, "reauthorization_required")

    second = database.run(keep, vault, token_of(shop_id, "u-alice", "shpat_2", scopes=["read_products"], expires_at=expires_at))

    row = read(database, second)
    assert second == first
    assert vault.access_token(row) == Secret("shpat_2")
    assert vault.client_secret(row) is None
    stored = sql("select state, scopes, expires_at, row_version from shopify.tokens")
    assert [tuple(one.values()) for one in stored] == [("active", ["read_products"], expires_at, 2)]


def test_secret_of_a_custom_app_is_put_beside_its_token(database: Database, sql: Callable[..., list[Any]]) -> None:
    vault, shop_id = Vault(database, OLD_RING), database.run(add_shop, SHOP)
    token_id = database.run(keep, vault, token_of(shop_id, "u-alice", "shpat_1", refresh_token=Secret("shprt_1")))
    vault.mark(shop_id, token_id, "reauthorization_required")
    before = read(database, token_id)

    assert database.run(vault.keep_client_secret, before, Secret("shpss_1")) is True

    row = read(database, token_id)
    assert (vault.access_token(row), vault.client_secret(row)) == (Secret("shpat_1"), Secret("shpss_1"))
    assert vault.client_secrets() == {SHOP: [Secret("shpss_1")]}
    assert row.version == before.version + 1, "an older ciphertext that is put back does not open"
    assert [one["state"] for one in sql("select state from shopify.tokens")] == ["reauthorization_required"]


def test_secret_is_not_put_beside_a_token_that_was_replaced_meanwhile(database: Database) -> None:
    vault, shop_id = Vault(database, OLD_RING), database.run(add_shop, SHOP)
    token_id = database.run(keep, vault, token_of(shop_id, "u-alice", "shpat_1"))
    stale = read(database, token_id)
    database.run(keep, vault, token_of(shop_id, "u-alice", "shpat_2"))

    assert database.run(vault.keep_client_secret, stale, Secret("shpss_1")) is False

    row = read(database, token_id)
    assert (vault.access_token(row), vault.client_secret(row)) == (Secret("shpat_2"), None)


def test_token_of_another_user_app_or_kind_has_a_row_of_its_own(database: Database) -> None:
    vault, shop_id = Vault(database, OLD_RING), database.run(add_shop, SHOP)
    tokens = [
        token_of(shop_id, "u-alice", "shpat_alice"),
        token_of(shop_id, "u-bob", "shpat_bob"),
        token_of(shop_id, "u-alice", "shpca_alice", kind="client_credentials"),
        token_of(shop_id, None, "shpat_offline", kind="offline"),
    ]

    ids = [database.run(keep, vault, token) for token in tokens]

    assert len(set(ids)) == 4
    assert [vault.access_token(read(database, one)) for one in ids] == [token.access_token for token in tokens]


def test_destroyed_token_is_gone(database: Database, sql: Callable[..., list[Any]]) -> None:
    vault, shop_id = Vault(database, OLD_RING), database.run(add_shop, SHOP)
    token_id = database.run(keep, vault, token_of(shop_id, "u-alice", "shpat_1"))

    database.run(delete_token, shop_id, token_id)

    assert sql("select 1 from shopify.tokens") == []


def test_neither_token_nor_row_shows_a_secret(database: Database) -> None:
    vault, shop_id = Vault(database, OLD_RING), database.run(add_shop, SHOP)
    token = token_of(shop_id, "u-alice", "shpat_canary", client_secret=Secret("shpss_canary"))

    row = read(database, database.run(keep, vault, token))

    assert "canary" not in repr(token)
    assert repr(row.access_token) not in repr(row)


# A thief or a restored backup with write access to the table (CRY-002 to CRY-004), seen over HTTP


@pytest.fixture
def host(database_url: str, fresh_fake_store: FakeStore) -> Iterator[FlaskClient]:
    """A host where u-alice and u-bob each are connected to both shops, and u-alice to the first also by client credentials."""
    app = Flask("host")
    app.config.update(
        TESTING=True, SHOPIFY_ADMIN_ORIGIN=fresh_fake_store.base_url, SHOPIFY_TOKEN_KEYS=OLD.hex(), SHOPIFY_WORKER="off"
    )
    assert register_shopify_integration(app, database_url, strict=True)
    client = app.test_client()
    for user in ("u-alice", "u-bob"):
        for shop in fresh_fake_store.shops:
            body = {"user_id": user, "shop_domain": shop.shop_domain, "access_token": shop.access_token}
            assert client.post("/api/shopify/connect", json=body).status_code == 200
    yield client
    app.extensions["shopify"].close()


def shop_of(host: FlaskClient, user: str, shop_domain: str) -> Any:
    return host.get("/api/shopify/shop", query_string={"user_id": user, "shop_domain": shop_domain})


def test_each_user_reaches_each_of_their_shops(host: FlaskClient, fake_store: FakeStore) -> None:
    domains = [shop.shop_domain for shop in fake_store.shops]

    listed = {user: host.get(f"/api/shopify/stores?user_id={user}").get_json()["stores"] for user in ("u-alice", "u-bob", "u-eve")}

    assert {user: [store["shop_domain"] for store in stores] for user, stores in listed.items()} == {
        "u-alice": domains,
        "u-bob": domains,
        "u-eve": [],
    }
    assert [shop_of(host, "u-bob", domain).json["shop"]["domain"] for domain in domains] == domains
    assert host.get("/api/shopify/shop?user_id=u-bob").get_json()["code"] == "shop_required"
    assert shop_of(host, "u-eve", domains[0]).json["code"] == "not_connected"


def test_last_user_who_leaves_takes_only_their_own_token_along(host: FlaskClient, fake_store: FakeStore) -> None:
    domain = fake_store.shop.shop_domain

    left = host.post("/api/shopify/disconnect", json={"user_id": "u-alice", "shop_domain": domain})

    assert left.status_code == 200
    assert shop_of(host, "u-alice", domain).json["code"] == "not_connected"
    assert shop_of(host, "u-bob", domain).status_code == 200


TAMPERING = {
    "swapped with another user's": """
        update shopify.tokens as t set access_token_sealed = o.access_token_sealed
        from shopify.tokens as o where o.shop_id = t.shop_id and o.owner_user_id <> t.owner_user_id
    """,
    "swapped with another shop's": """
        update shopify.tokens as t set access_token_sealed = o.access_token_sealed
        from shopify.tokens as o where o.shop_id <> t.shop_id and o.owner_user_id = t.owner_user_id
    """,
    "given to another user": """
        with mallory as (insert into shopify.users (user_id) values ('u-mallory'))
        update shopify.tokens set owner_user_id = 'u-mallory' where owner_user_id = 'u-alice'
    """,
    "truncated": "update shopify.tokens set access_token_sealed = substr(access_token_sealed, 1, length(access_token_sealed) - 1)",
    "bit flipped": """
        update shopify.tokens set access_token_sealed =
            set_bit(access_token_sealed, 400, 1 - get_bit(access_token_sealed, 400))
    """,
    "empty": "update shopify.tokens set access_token_sealed = ''",
    "unknown key id": """
        update shopify.tokens set access_token_sealed = overlay(access_token_sealed placing '000000000000'::bytea from 3 for 12)
    """,
    "unknown format": "update shopify.tokens set access_token_sealed = set_byte(access_token_sealed, 0, 2)",
    "not ciphertext at all": "update shopify.tokens set access_token_sealed = 'shpat_canary'::bytea",
    "version moved on": "update shopify.tokens set row_version = row_version + 1",
    "version turned back": "update shopify.tokens set row_version = row_version - 1",
    "renamed shop": "update shopify.shops set shop_domain = 'x' || shop_domain",
}


@pytest.mark.parametrize("statement", [pytest.param(text, id=name) for name, text in TAMPERING.items()])
def test_token_that_was_tampered_with_is_unreadable(
    host: FlaskClient, fake_store: FakeStore, sql: Callable[..., list[Any]], statement: str
) -> None:
    domain = fake_store.shop.shop_domain
    assert shop_of(host, "u-alice", domain).status_code == 200

    sql(statement)
    answers = [shop_of(host, "u-alice", name) for name in (domain, "x" + domain)]

    assert "token_unreadable" in [answer.json["code"] for answer in answers]
    assert all(answer.status_code == 409 and "canary" not in answer.text for answer in answers)


def test_column_swapped_with_another_of_the_same_row_is_unreadable(database: Database, sql: Callable[..., list[Any]]) -> None:
    vault, shop_id = Vault(database, OLD_RING), database.run(add_shop, SHOP)
    token = token_of(shop_id, "u-alice", "shpat_1", refresh_token=Secret("shprt_1"), client_secret=Secret("shpss_1"))
    token_id = database.run(keep, vault, token)

    sql(
        "update shopify.tokens set access_token_sealed = refresh_token_sealed, refresh_token_sealed = access_token_sealed,"
        " client_secret_sealed = access_token_sealed"
    )

    for opened in (vault.access_token, vault.client_secret):
        with pytest.raises(TokenUnreadable):
            opened(read(database, token_id))


def test_two_rows_of_one_user_and_shop_do_not_open_each_others_tokens(database: Database, sql: Callable[..., list[Any]]) -> None:
    """They differ in nothing but the kind of token, or the app."""
    vault, shop_id = Vault(database, OLD_RING), database.run(add_shop, SHOP)
    app_id = sql("insert into shopify.apps (name, origin) values ('other', 'registry') returning app_id")[0]["app_id"]
    first = database.run(keep, vault, token_of(shop_id, "u-alice", "shpat_1"))
    others = [
        database.run(keep, vault, token_of(shop_id, "u-alice", "shpca_1", kind="client_credentials")),
        database.run(keep, vault, token_of(shop_id, "u-alice", "shpat_2", app_id=app_id)),
    ]

    sql(
        "update shopify.tokens set access_token_sealed = (select access_token_sealed from shopify.tokens where token_id = $1)",
        first,
    )

    assert vault.access_token(read(database, first)) == Secret("shpat_1")
    for other in others:
        with pytest.raises(TokenUnreadable):
            vault.access_token(read(database, other))


def test_token_put_back_after_a_newer_one_was_stored_is_unreadable(database: Database, sql: Callable[..., list[Any]]) -> None:
    vault, shop_id = Vault(database, OLD_RING), database.run(add_shop, SHOP)
    token_id = database.run(keep, vault, token_of(shop_id, "u-alice", "shpat_1"))
    older = sql("select access_token_sealed from shopify.tokens")[0]["access_token_sealed"]
    database.run(keep, vault, token_of(shop_id, "u-alice", "shpat_2"))

    sql("update shopify.tokens set access_token_sealed = $1", older)

    with pytest.raises(TokenUnreadable):
        vault.access_token(read(database, token_id))


def test_connecting_again_repairs_an_unreadable_token(
    host: FlaskClient, fake_store: FakeStore, sql: Callable[..., list[Any]]
) -> None:
    shop = fake_store.shop
    sql("update shopify.tokens set access_token_sealed = ''")

    body = {"user_id": "u-alice", "shop_domain": shop.shop_domain, "access_token": shop.access_token}
    assert host.post("/api/shopify/connect", json=body).status_code == 200

    assert shop_of(host, "u-alice", shop.shop_domain).status_code == 200


def test_users_who_connect_at_once_end_up_with_one_row_each(
    host: FlaskClient, fake_store: FakeStore, sql: Callable[..., list[Any]]
) -> None:
    shop, statuses = fake_store.shop, list[int]()
    start = threading.Barrier(8)

    def connect(number: int) -> None:
        client = host.application.test_client()
        start.wait()
        body = {"user_id": f"u-{number % 2}", "shop_domain": shop.shop_domain, "access_token": shop.access_token}
        statuses.append(client.post("/api/shopify/connect", json=body).status_code)

    run_in_threads([partial(connect, number) for number in range(8)])

    assert statuses == [200] * 8
    owners = sql("select owner_user_id from shopify.tokens where owner_user_id in ('u-0', 'u-1') order by 1")
    assert [row["owner_user_id"] for row in owners] == ["u-0", "u-1"]
    assert shop_of(host, "u-1", shop.shop_domain).status_code == 200


def run_in_threads(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# Changing the sealing key while the tokens are in use (CRY-005)


async def fill(conn: Connection, vault: Vault, shop_id: int, count: int) -> list[int]:
    return [
        await keep(conn, vault, token_of(shop_id, f"u-{number}", f"shpat_{number}", client_secret=Secret(f"shpss_{number}")))
        for number in range(count)
    ]


def has_swept(vault: Vault, count: int) -> bool:
    return vault.count_by_key().get(key_id(NEW), 0) > count


def test_sweep_seals_every_token_with_the_newest_key(database: Database) -> None:
    shop_id = database.run(add_shop, SHOP)
    ids = database.run(fill, Vault(database, OLD_RING), shop_id, 450)

    changed = [Vault(database, BOTH).reseal(), Vault(database, BOTH).reseal()]

    after = Vault(database, NEW_RING)
    assert changed == [450, 0]
    assert after.count_by_key() == {key_id(NEW): 450}
    for number in (0, 199, 200, 449):
        row = read(database, ids[number])
        assert (after.access_token(row).reveal(), row.version) == (f"shpat_{number}", 1)
        assert after.client_secret(row) == Secret(f"shpss_{number}")


def test_sweep_leaves_what_it_cannot_open_and_goes_on(database: Database, sql: Callable[..., list[Any]]) -> None:
    shop_id = database.run(add_shop, SHOP)
    ids = database.run(fill, Vault(database, OLD_RING), shop_id, 5)
    sql("update shopify.tokens set client_secret_sealed = '' where token_id = $1", ids[2])

    vault = Vault(database, BOTH)
    changed = vault.reseal()

    assert changed == 4
    assert vault.count_by_key() == {key_id(NEW): 4, key_id(OLD): 1}
    assert vault.access_token(read(database, ids[2])) == Secret("shpat_2")


def test_sweep_killed_halfway_is_resumed_while_tokens_are_read_and_replaced(database: Database, database_url: str) -> None:
    shop_id = database.run(add_shop, SHOP)
    ids = database.run(fill, Vault(database, OLD_RING), shop_id, 1000)
    serving, errors, reads = Vault(database, BOTH), list[BaseException](), 0
    stop = threading.Event()

    def serve(offset: int) -> None:
        nonlocal reads
        number = offset
        while not stop.is_set():
            try:
                assert serving.access_token(read(database, ids[number])).reveal() == f"shpat_{number}"
                if number % 7 == 0:
                    database.run(keep, serving, token_of(shop_id, f"u-{number}", f"shpat_{number}"))
            except BaseException as error:
                errors.append(error)
            reads += 1
            number = (number + 3) % 1000

    threads = [threading.Thread(target=serve, args=(offset,)) for offset in range(3)]
    for thread in threads:
        thread.start()
    try:
        command = ["-c", SWEEP, database_url, NEW.hex(), OLD.hex()]
        for part in (100, 300):
            with ChildProcess(command) as sweep:
                wait_until(partial(has_swept, serving, part), what="some of the sweep")
                sweep.send(signal.SIGKILL)
                assert sweep.wait() == -signal.SIGKILL
                assert serving.count_by_key().get(key_id(OLD), 0) > 0, "the sweep was over before it was killed"
        with ChildProcess(command) as sweep:
            assert "changed" in sweep.wait_for_line(lambda line: line.startswith("changed"))
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert errors == []
    assert reads > 100
    assert serving.count_by_key() == {key_id(NEW): 1000}
    alone = Vault(database, NEW_RING)
    assert [alone.access_token(read(database, ids[number])).reveal() for number in (0, 500, 999)] == [
        "shpat_0",
        "shpat_500",
        "shpat_999",
    ]


def test_old_key_may_go_once_the_sweep_is_done(host: FlaskClient, database_url: str, fake_store: FakeStore) -> None:
    """The host is started three times: with the old key, with both, with the new one alone."""

    def started_with(*keys: bytes) -> FlaskClient:
        app = Flask("host")
        origin, ring = fake_store.base_url, ",".join(key.hex() for key in keys)
        app.config.update(TESTING=True, SHOPIFY_ADMIN_ORIGIN=origin, SHOPIFY_TOKEN_KEYS=ring, SHOPIFY_WORKER="off")
        assert register_shopify_integration(app, database_url, strict=True)
        return app.test_client()

    domain = fake_store.shop.shop_domain
    both, new_too_early = started_with(NEW, OLD), started_with(NEW)
    before = [shop_of(client, "u-alice", domain) for client in (host, both, new_too_early)]

    integration: ShopifyIntegration = both.application.extensions["shopify"]
    changed = integration.vault.reseal()
    after = [shop_of(client, "u-alice", domain) for client in (both, started_with(NEW))]

    assert [answer.status_code for answer in before] == [200, 200, 409]
    assert before[2].json["code"] == "token_unreadable"
    assert changed == 4
    assert [answer.status_code for answer in after] == [200, 200]


def test_expiry_survives_sealing_anew(database: Database, sql: Callable[..., list[Any]]) -> None:
    shop_id, expires_at = database.run(add_shop, SHOP), datetime.now(UTC) + timedelta(hours=1)
    database.run(keep, Vault(database, OLD_RING), token_of(shop_id, None, "shpat_1", kind="offline", expires_at=expires_at))
    before = sql("select expires_at, row_version, updated_at from shopify.tokens")

    Vault(database, BOTH).reseal()

    assert sql("select expires_at, row_version, updated_at from shopify.tokens") == before
