"""Brings schema `shopify` up to date: numbered SQL files, each applied once, in order, in a transaction of its own.

The files are `shopify_kit/sql/migrations/NNNN_name.sql`; what was applied stands in `shopify.migrations` with a checksum. Any
number of processes may start at once: each waits for a lock that lives as long as the transaction and looks again. Going back is
not offered: during a rolling deploy old code meets a newer database and works, so migrations only add. `sql/schema.sql` is what
all of them add up to, for reading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import resources
from typing import Final

import asyncpg

from shopify_kit.database import Connection, Database
from shopify_kit.errors import IntegrationError, SettingsError
from shopify_kit.queries import load_queries

queries = load_queries("migrations")

_FILE_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number and name, its text, and the SHA-256 of the text with Unix line ends."""

    number: int
    name: str
    checksum: str
    text: str = field(repr=False)

    @classmethod
    def of(cls, number: int, name: str, text: str) -> Migration:
        """Build one from its text."""
        text = text.replace("\r\n", "\n")
        return cls(number, name, sha256(text.encode()).hexdigest(), text)

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}"


@dataclass(frozen=True, slots=True)
class MigrationState:
    """How a database stands to this code.

    Args:
        applied: numbers found in the database, ascending.
        pending: what this code would still apply, in order.
        warning: says so where the database is ahead of this code.
    """

    applied: tuple[int, ...]
    pending: tuple[Migration, ...]
    warning: str | None


def load_migrations() -> tuple[Migration, ...]:
    """Load this code's migrations, in order, also from a wheel.

    Raises:
        ValueError: a file is misnamed, or the numbers are not 1, 2, 3 …
    """
    files = resources.files("shopify_kit").joinpath("sql", "migrations").iterdir()
    texts = {file.name: file.read_text("utf-8") for file in files if file.name.endswith(".sql")}
    migrations = []
    for expected, (name, text) in enumerate(sorted(texts.items()), start=1):
        match = _FILE_NAME.fullmatch(name)
        if match is None or int(match[1]) != expected:
            raise ValueError(f"sql/migrations/{name}: expected {expected:04}_<name>.sql; numbers run from 0001 without gaps")
        migrations.append(Migration.of(expected, match[2], text))
    return tuple(migrations)


def read_state(database: Database, *, migrations: Sequence[Migration] | None = None) -> MigrationState:
    """Compare the database with this code: one query where anything was ever applied.

    Raises:
        IntegrationError: code `migration_changed`: the database has another text under one of our numbers.
        DatabaseUnavailable: as `Database.run`.
    """
    known = load_migrations() if migrations is None else migrations
    try:
        applied = database.run(_list_applied)
    except asyncpg.UndefinedTableError:
        applied = []
    return _compare(known, applied)


def pending(database: Database) -> list[Migration]:
    """List what `migrate` would apply, in order; raises as `read_state`."""
    return list(read_state(database).pending)


def migrate(
    database: Database,
    *,
    migrations: Sequence[Migration] | None = None,
    timeout_s: float = 300.0,
    lock_timeout_s: float = 10.0,
) -> list[Migration]:
    """Apply what is pending and return what this call applied; nothing when other processes did it meanwhile.

    Args:
        migrations: to apply instead of this code's own.
        timeout_s: for each migration, waiting for other processes included.
        lock_timeout_s: how long a change may queue for a table in use, with everybody else behind it.

    Raises:
        SettingsError: the role may not create what a migration creates.
        IntegrationError: code `migration_changed` as `read_state`, or `migration_failed`: the ones before it stay applied.
        DatabaseUnavailable: as `Database.run`; also when a table stayed locked. Repeating goes on where it stopped.
    """
    known = load_migrations() if migrations is None else migrations
    if not read_state(database, migrations=known).pending:
        return []
    applied: list[Migration] = []
    while (migration := database.run(_apply_next, known, lock_timeout_s, timeout_s=timeout_s)) is not None:
        applied.append(migration)
    return applied


async def _list_applied(conn: Connection) -> list[tuple[int, str, str]]:
    return [(row["number"], row["name"], row["checksum"]) for row in await conn.fetch(queries.list_applied)]


async def _apply_next(conn: Connection, migrations: Sequence[Migration], lock_timeout_s: float) -> Migration | None:
    """Apply the first migration that is pending when our turn has come."""
    await conn.execute(queries.settle_session)
    await conn.execute(queries.lock_migrations)
    applied = await _list_applied(conn) if await conn.fetchval(queries.has_migrations) else []
    waiting = _compare(migrations, applied).pending
    if not waiting:
        return None
    migration = waiting[0]
    await conn.execute(queries.limit_lock_wait, f"{lock_timeout_s * 1000:.0f}ms")
    await _execute(conn, migration)
    await conn.execute(queries.record_applied, migration.number, migration.name, migration.checksum)
    return migration


async def _execute(conn: Connection, migration: Migration) -> None:
    try:
        await conn.execute(migration.text)
    except asyncpg.InsufficientPrivilegeError as error:
        raise SettingsError(
            f"Migration {migration}: {error.args[0]}. Let the database's owner run `create schema shopify authorization <role>` "
            "and repeat, or run `flask shopify migrate` once with a role that may."
        ) from error
    except (asyncpg.SyntaxOrAccessError, asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
        reason = f"{type(error).__name__}: {error.args[0]}"
        raise IntegrationError(
            f"Migration {migration} failed and was rolled back ({reason}); nothing after it was applied.", code="migration_failed"
        ) from error


def _compare(known: Sequence[Migration], applied: Sequence[tuple[int, str, str]]) -> MigrationState:
    ours = {migration.number: migration for migration in known}
    for number, name, checksum in applied:
        if number in ours and ours[number].checksum != checksum:
            raise IntegrationError(
                f"Migration {ours[number]} was changed after it had been applied: the database has {number:04}_{name} with "
                f"checksum {checksum[:12]}, this code {ours[number].checksum[:12]}. Restore the file, and put the change into a "
                "new migration.",
                code="migration_changed",
            )
    numbers = tuple(number for number, _, _ in applied)
    ahead = ", ".join(f"{number:04}_{name}" for number, name, _ in applied if number not in ours)
    return MigrationState(
        applied=numbers,
        pending=tuple(migration for migration in known if migration.number not in numbers),
        warning=f"The database is ahead of this code by {ahead}: newer code uses it as well." if ahead else None,
    )


class Schema:
    """Brings a database up to date once per process, and again only after it could not."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_current = False

    def ensure(self) -> list[Migration]:
        """Migrate unless this process has seen the schema current; raises as `migrate`."""
        if self._is_current:
            return []
        applied = migrate(self._database)
        self._is_current = True
        return applied
