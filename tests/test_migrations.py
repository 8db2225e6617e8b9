"""Migrations on every PostgreSQL that is at hand, 15 and 18 among them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shopify_kit.database import Connection, Database
from shopify_kit.embedded_postgres import EmbeddedPostgres, create_database, drop_database
from shopify_kit.errors import DatabaseUnavailable, IntegrationError, SettingsError
from shopify_kit.migrations import Migration, load_migrations, migrate, pending, read_state
from shopify_kit.postgres_cluster import find_binaries
from shopify_kit.runtime import map_in_threads
from tests.processes import ChildProcess

_NUMBERS = itertools.count(1)
_SERVERS = {"the default": find_binaries(), "15": Path("/usr/lib/postgresql/15/bin")}

# What of a schema can be told apart, in one list of texts.
CATALOG = """
select format('column %s.%s %s %s %s %s %s %s', table_name, column_name, ordinal_position, udt_name, is_nullable, column_default,
              identity_generation, collation_name)
from information_schema.columns where table_schema = 'shopify'
union all
select format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
from pg_constraint where connamespace = 'shopify'::regnamespace
union all
select format('index %s', indexdef) from pg_indexes where schemaname = 'shopify'
union all
select format('relation %s %s %s %s %s %s', relname, relkind, relpersistence, relrowsecurity, reloptions, obj_description(oid))
from pg_class where relnamespace = 'shopify'::regnamespace
union all
select format('routine %s %s', proname, pg_get_functiondef(oid)) from pg_proc where pronamespace = 'shopify'::regnamespace
union all
select format('trigger %s', pg_get_triggerdef(t.oid))
from pg_trigger as t join pg_class as c on c.oid = t.tgrelid
where c.relnamespace = 'shopify'::regnamespace and not t.tgisinternal
union all
select format('type %s %s', typname, typtype) from pg_type where typnamespace = 'shopify'::regnamespace
union all
select format('app %s %s %s', app_id, name, origin) from shopify.apps
order by 1
"""


@pytest.fixture(scope="module", params=list(_SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The DSN of a server of one version."""
    bin_dir = _SERVERS[request.param]
    if not (bin_dir / "postgres").exists():
        pytest.skip(f"no PostgreSQL in {bin_dir}")
    with EmbeddedPostgres(durable=False, bin_dir=bin_dir) as running:
        yield running.dsn()


@pytest.fixture
def empty_dsn(server: str) -> Iterator[str]:
    name = f"migrations_{next(_NUMBERS)}"
    yield create_database(server, name)
    drop_database(server, name)


@pytest.fixture
def database(empty_dsn: str) -> Iterator[Database]:
    made = Database(empty_dsn)
    yield made
    made.close()


async def run_sql(conn: Connection, sql: str, *args: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in await conn.fetch(sql, *args)]


async def run_script(conn: Connection, sql: str) -> None:
    await conn.execute(sql)


def ours_and(*texts: str) -> tuple[Migration, ...]:
    """This code's migrations and some more after them."""
    known = load_migrations()
    return known + tuple(Migration.of(len(known) + index, f"more_{index}", text) for index, text in enumerate(texts, start=1))


def test_an_empty_database_is_brought_up_to_date_and_told_apart_from_one_that_is(database: Database) -> None:
    numbers = [migration.number for migration in load_migrations()]
    assert [migration.number for migration in pending(database)] == numbers

    assert [migration.number for migration in migrate(database)] == numbers

    assert migrate(database) == []
    state = read_state(database)
    assert (list(state.applied), state.pending, state.warning) == (numbers, (), None)


def test_what_was_applied_is_recorded_with_its_checksum(database: Database) -> None:
    migrate(database)

    recorded = database.run(run_sql, "select number, name, checksum, applied_at <= now() from shopify.migrations order by number")

    assert recorded == [(migration.number, migration.name, migration.checksum, True) for migration in load_migrations()]


def test_a_database_that_is_up_to_date_costs_one_query(database: Database) -> None:
    migrate(database)
    seen: list[str] = []

    async def listen(conn: Any) -> None:
        conn._con.add_query_logger(lambda query: seen.append(query.query))

    database.run_autocommit(listen)
    assert migrate(database) == []

    assert [query for query in seen if "begin" not in query.lower() and "commit" not in query] == [
        "/* migrations.list_applied */ select number, name, checksum from shopify.migrations order by number"
    ]


def test_the_sum_of_the_migrations_is_the_schema_file(server: str, database: Database) -> None:
    migrate(database)
    name = f"schema_{next(_NUMBERS)}"
    by_file = Database(create_database(server, name))
    by_file.run(run_script, resources.files("shopify_kit").joinpath("sql", "schema.sql").read_text("utf-8"))

    catalog = database.run(run_sql, CATALOG)

    assert catalog == by_file.run(run_sql, CATALOG)
    assert len(catalog) > 100
    by_file.close()
    drop_database(server, name)


def test_shop_scoped_tables_lead_with_the_shop(database: Database) -> None:
    migrate(database)
    leading_column = """
        select c.relname, a.attname
        from pg_index as i
        join pg_class as c on c.oid = i.indrelid
        join pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[0]
        where i.indisprimary and c.relnamespace = 'shopify'::regnamespace
          and exists (select from pg_attribute as s where s.attrelid = c.oid and s.attname = 'shop_id')
    """

    leading = dict(database.run(run_sql, leading_column))

    assert set(leading.values()) == {"shop_id"}
    assert {"shops", "tokens", "members", "cost_buckets", "audit_log"} <= set(leading)


def test_app_one_stands_for_bare_static_tokens(database: Database) -> None:
    migrate(database)

    assert database.run(run_sql, "select app_id, client_id, name from shopify.apps") == [(1, None, "static token")]


@pytest.mark.parametrize(
    ("kind", "owner", "other_owner"),
    [
        pytest.param("static", "ada", "ada", id="one static token per owner"),
        pytest.param("static", None, None, id="one static token without an owner"),
        pytest.param("offline", "ada", "grace", id="one offline token whoever owns it"),
        pytest.param("client_credentials", None, None, id="one client credentials token"),
    ],
)
def test_a_second_token_of_the_same_kind_is_refused(
    database: Database, kind: str, owner: str | None, other_owner: str | None
) -> None:
    async def insert_two(conn: Connection) -> None:
        await conn.execute("insert into shopify.users (user_id) values ('ada'), ('grace')")
        await conn.execute("insert into shopify.shops (shop_domain) values ('a.myshopify.com')")
        for who in (owner, other_owner):
            await conn.execute(
                "insert into shopify.tokens (shop_id, app_id, owner_user_id, kind, access_token_sealed, key_id) "
                "values (1, 1, $1, $2, '', 'k1')",
                who,
                kind,
            )

    migrate(database)

    with pytest.raises(asyncpg.UniqueViolationError):
        database.run(insert_two)


def test_each_user_may_bring_a_static_token_of_their_own(database: Database) -> None:
    async def insert_two(conn: Connection) -> None:
        await conn.execute("insert into shopify.users (user_id) values ('ada'), ('grace')")
        await conn.execute("insert into shopify.shops (shop_domain) values ('a.myshopify.com')")
        await conn.execute(
            "insert into shopify.tokens (shop_id, app_id, owner_user_id, kind, access_token_sealed, key_id) "
            "values (1, 1, 'ada', 'static', '', 'k1'), (1, 1, 'grace', 'static', '', 'k1')"
        )

    migrate(database)

    database.run(insert_two)


MIGRATE_SCRIPT = """
import sys
from shopify_kit.database import Database
from shopify_kit.migrations import migrate, read_state
database = Database(sys.argv[1])
print("applied", len(migrate(database)), len(read_state(database).pending), flush=True)
database.close()
"""


def test_eight_processes_may_start_at_once(empty_dsn: str) -> None:
    def start(_: int) -> tuple[str, int, str]:
        with ChildProcess(["-c", MIGRATE_SCRIPT, empty_dsn]) as process:
            line = process.wait_for_line(lambda line: line.startswith("applied"))
            return line, process.wait(), process.stderr

    ends = map_in_threads(start, range(8), max_threads=8)

    count = len(load_migrations())
    assert sum(int(line.split()[1]) for line, _, _ in ends) == count
    assert [(line.split()[2], code, stderr) for line, code, stderr in ends] == [("0", 0, "")] * 8


def test_eight_threads_with_eight_databases_meet_at_the_lock(empty_dsn: str) -> None:
    databases = [Database(empty_dsn) for _ in range(8)]

    applied = map_in_threads(migrate, databases, max_threads=8)

    assert sorted(m.number for part in applied for m in part) == [m.number for m in load_migrations()]
    map_in_threads(Database.close, databases, max_threads=8)


def test_a_changed_migration_is_refused_with_what_to_do(database: Database) -> None:
    migrate(database)
    database.run(run_script, "update shopify.migrations set checksum = repeat('0', 64) where number = 1")

    for ask in (migrate, pending, read_state):
        with pytest.raises(IntegrationError, match=r"0001_foundation was changed .* Restore the file") as caught:
            ask(database)
        assert caught.value.code == "migration_changed"


def test_line_ends_do_not_change_a_checksum() -> None:
    assert Migration.of(1, "x", "select 1;\r\nselect 2;\r\n").checksum == Migration.of(1, "x", "select 1;\nselect 2;\n").checksum


def test_a_newer_database_is_accepted_with_a_warning(database: Database) -> None:
    """A rolling deploy: the new code has migrated, the old code still serves."""
    migrate(database, migrations=ours_and("create table shopify.later (shop_id bigint primary key)"))

    assert migrate(database) == []
    number = len(load_migrations()) + 1
    assert read_state(database).warning == (
        f"The database is ahead of this code by {number:04}_more_1: newer code uses it as well."
    )


def test_a_failing_migration_leaves_nothing_and_keeps_what_came_before(database: Database) -> None:
    set_of_three = ours_and(
        "create table shopify.second (shop_id bigint primary key)",
        "create table shopify.third (shop_id bigint primary key); insert into shopify.third values (1), (1)",
    )

    with pytest.raises(IntegrationError, match=r"more_2 failed and was rolled back \(UniqueViolationError") as caught:
        migrate(database, migrations=set_of_three)

    assert caught.value.code == "migration_failed"
    assert not caught.value.retryable
    tables = database.run(run_sql, "select to_regclass('shopify.second')::text, to_regclass('shopify.third')::text")
    assert tables == [("shopify.second", None)]
    assert [migration.name for migration in read_state(database, migrations=set_of_three).pending] == ["more_2"]


def test_a_table_that_stays_locked_is_left_for_another_time(database: Database, empty_dsn: str) -> None:
    """A change that queues behind a long transaction would hold up everybody who comes after it."""
    change = ours_and("alter table shopify.shops add column later text")
    migrate(database)
    other = Database(empty_dsn)

    async def migrate_meanwhile(conn: Connection) -> None:
        await conn.execute("select from shopify.shops")
        with pytest.raises(DatabaseUnavailable, match="lock timeout"):
            await asyncio.to_thread(migrate, other, migrations=change, lock_timeout_s=0.05)

    database.run(migrate_meanwhile)

    assert len(migrate(other, migrations=change)) == 1
    other.close()


def test_names_in_a_migration_must_be_qualified(database: Database) -> None:
    with pytest.raises(IntegrationError, match="failed and was rolled back"):
        migrate(database, migrations=ours_and("insert into users (user_id) values ('ada')"))


def test_a_role_without_the_right_to_create_schemas_is_told_what_to_do(database: Database, empty_dsn: str) -> None:
    async def make_role(conn: Connection, name: str) -> None:
        await conn.execute("drop role if exists poor")
        await conn.execute("create role poor login password 'poor'")
        await conn.execute(f"revoke create on database {name} from public")

    database.run(make_role, empty_dsn.rpartition("/")[2])
    scheme, _, rest = empty_dsn.partition("://")
    poor = Database(f"{scheme}://poor:poor@{rest.partition('@')[2]}")

    with pytest.raises(SettingsError, match="create schema shopify authorization"):
        migrate(poor)
    database.run(run_script, "create schema shopify authorization poor")

    assert len(migrate(poor)) == len(load_migrations())
    poor.close()
    database.run(run_script, "drop schema shopify cascade; drop role poor")


def test_a_role_with_other_defaults_migrates_all_the_same(database: Database, empty_dsn: str) -> None:
    name = empty_dsn.rpartition("/")[2]
    database.run(
        run_script,
        f"alter database {name} set default_transaction_isolation = 'serializable';"
        f"alter database {name} set search_path = 'nowhere';"
        f"alter database {name} set statement_timeout = '5s'; alter database {name} set lock_timeout = '1ms'",
    )
    fresh = [Database(empty_dsn) for _ in range(4)]

    applied = map_in_threads(migrate, fresh, max_threads=4)

    assert sorted(m.number for part in applied for m in part) == [m.number for m in load_migrations()]
    map_in_threads(Database.close, fresh, max_threads=4)
