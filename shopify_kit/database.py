"""The bridge from synchronous threads to Postgres: one hop and one transaction per unit of work, on whatever pool the host has.

A unit is an `async def verb(conn, …)`. `Database.run` takes a connection on the event loop, begins, awaits the verb, commits and
returns. Where the loop is, and how to get there, is `runtime`'s; what the statements are, their owner's. The host's pool is used
on its own loop while another thread runs that loop; in every other state (idle or closed loop, not awaited, made before a fork,
closed meanwhile, or first used from inside its own loop) a pool of our own is opened on a loop of our own with the host pool's
connection arguments. An idle loop is never run by us: the host may run it at any moment, and two runners of one loop fail.

Rules for verbs:
- A verb may be run again from its start (deadlock, serialization failure, stale plan), so it touches nothing but its connection.
- A statement that may fail and be survived stands in `async with conn.transaction():`, a savepoint; otherwise Postgres discards
  the whole unit, and `run` says so.
- jsonb goes in as `$1::text::jsonb` and comes out as `column::text`: a host's `init=` hook may have installed a jsonb codec, and
  with it a plain `$1::jsonb` stores a JSON string that contains JSON. Our own pool never runs the host's hooks.
- No reliance on session state: names are qualified, `set` is `set local`, no LISTEN. A pooler may sit between.
"""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Literal, Protocol, TypeAlias, TypeVar
from urllib.parse import urlsplit

import asyncpg

from shopify_kit.errors import DatabaseUnavailable, SettingsError
from shopify_kit.queries import load_queries
from shopify_kit.runtime import Cancelled, Handoff, LoopStopped, LoopThread, PerProcess, Slots, deadline, find_running, pause

T = TypeVar("T")
Source: TypeAlias = Literal["host_pool", "reopened_pool", "dsn"]
Verb: TypeAlias = Callable[..., Coroutine[Any, Any, T]]
Unit: TypeAlias = Callable[["Connection"], Coroutine[Any, Any, T]]

queries = load_queries("database")

_ATTEMPTS: Final = 3
_RETRY_AFTER_S: Final = 2.0

# After these the unit was rolled back and may simply be run again.
_WORTH_RERUN: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.OutdatedSchemaCacheError,
)
# What a transaction pooler does to prepared statements: another server process lacks them or has others of the same name.
_POOLER_SYMPTOMS: Final = (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError)
# The server's "not now", by SQLSTATE: the connection, resources and operator classes; then read-only after a failover, an idle or
# long transaction ended by the server, and a lock not available.
_AWAY_CLASSES: Final = frozenset({"08", "53", "57"})
_AWAY_STATES: Final = frozenset({"25006", "25P03", "25P04", "55P03"})
_DRIVER_FAILURES: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Record(Protocol):
    """One row, read by column name or position."""

    def __getitem__(self, key: str | int) -> Any: ...
    def __len__(self) -> int: ...
    def get(self, key: str, default: Any = None) -> Any: ...
    def keys(self) -> Iterator[str]: ...
    def values(self) -> Iterator[Any]: ...
    def items(self) -> Iterator[tuple[str, Any]]: ...


class Connection(Protocol):
    """What a verb may do with its connection: the part of `asyncpg.Connection` that the house uses."""

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str: ...
    async def executemany(self, command: str, args: Iterable[Sequence[Any]], *, timeout: float | None = None) -> None: ...
    async def fetch(self, query: str, *args: Any, timeout: float | None = None) -> list[Record]: ...
    async def fetchrow(self, query: str, *args: Any, timeout: float | None = None) -> Record | None: ...
    async def fetchval(self, query: str, *args: Any, column: int = 0, timeout: float | None = None) -> Any: ...
    def cursor(self, query: str, *args: Any, prefetch: int | None = None) -> AsyncIterator[Record]: ...
    def transaction(self) -> AbstractAsyncContextManager[None]: ...
    async def copy_records_to_table(
        self,
        table_name: str,
        *,
        records: Iterable[Sequence[Any]] | AsyncIterator[Sequence[Any]],
        columns: Sequence[str],
        schema_name: str,
        timeout: float | None = None,
    ) -> str: ...
    async def copy_to_table(
        self,
        table_name: str,
        *,
        source: AsyncIterator[bytes],
        columns: Sequence[str],
        schema_name: str,
        timeout: float | None = None,
        **options: str,
    ) -> str: ...
    async def copy_from_query(
        self, query: str, *args: Any, output: Callable[[bytes], Coroutine[Any, Any, None]], timeout: float | None = None
    ) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseOptions:
    """Bounds of a `Database`.

    Args:
        max_connections: of our own pool, and of the host's pool at most this many and at most half of it. There is no minimum:
            a pool that need not hold a connection opens while the server is away.
        connect_timeout_s: for one connection to open; the host's own value counts where it is shorter.
        acquire_timeout_s: until a unit has its connection and its transaction; this is how fast a unit fails while the server is
            away or hangs.
        command_timeout_s: for a whole unit, unless `run` is given another time.
        lock_timeout_s: how long a statement waits for a lock; None leaves it to the unit's time. Costs a round trip per unit.
        statement_cache_size: 0 for a transaction pooler (pgbouncer). None keeps the host's value and turns to 0 by itself where
            a pooler is noticed or the DSN says `pgbouncer=true`.
        idle_lifetime_s: after which an idle connection of our own pool is closed.
        application_name: of our own connections in `pg_stat_activity`.
    """

    max_connections: int = 8
    connect_timeout_s: float = 2.0
    acquire_timeout_s: float = 2.5
    command_timeout_s: float = 30.0
    lock_timeout_s: float | None = None
    statement_cache_size: int | None = None
    idle_lifetime_s: float = 300.0
    application_name: str = "shopify_integration"


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """What is known of the database without asking it.

    Args:
        source: where connections come from; None before the first unit of this process.
        is_up: how the latest unit found the server; None when there was none.
        trouble: why it is not up, in a sentence without secrets.
        connections: open ones; of the host's pool all, also the host's own.
        idle_connections: those of them that nobody uses now.
        max_connections: how many our units hold at most at once.
    """

    source: Source | None
    is_up: bool | None
    trouble: str | None
    connections: int
    idle_connections: int
    max_connections: int


class _PoolerNoticed(Exception):
    """The server process that answers is not the one that greeted the connection."""


class _LostBeforeBegin(Exception):
    """A pooled connection was found dead before its unit had begun."""


@dataclass(frozen=True, slots=True)
class _Address:
    """How connections of our own are opened, for `asyncpg.create_pool`. A password is in it, so its repr is empty."""

    dsn: str | None = field(repr=False)
    connect_kwargs: dict[str, Any] = field(repr=False)
    connect: Callable[..., Coroutine[Any, Any, Any]] = asyncpg.connect
    connection_class: type = asyncpg.Connection


_RERUN_SIGNALS: Final = (_PoolerNoticed, _LostBeforeBegin, *_POOLER_SYMPTOMS, *_WORTH_RERUN)


class _Place:
    """Where this process's units run: here the host's pool on the host's loop, which we use and leave as it is.

    Args:
        handoff: the way to the loop of `pool`.
        max_connections: how many of the pool's connections our units hold at once.
    """

    source: Source = "host_pool"

    def __init__(self, pool: Any, handoff: Handoff, max_connections: int, options: DatabaseOptions) -> None:
        self.pool = pool
        self.handoff = handoff
        self.max_connections = max_connections
        self.is_up: bool | None = None
        self.trouble: str | None = None
        self._options = options
        self._slots = Slots(max_connections)

    def is_usable(self) -> bool:
        """Tell whether the loop runs and nobody closed the pool."""
        return self.handoff.is_alive() and not self.pool.is_closing()

    def close(self, timeout_s: float) -> None:
        """Close what is ours: of the host's pool, nothing."""

    async def perform(self, unit: Unit[T], in_transaction: bool) -> T:
        """Run the unit on the loop, again where the first attempt took no effect and another can go better."""
        attempts_left = _ATTEMPTS
        while True:
            attempts_left -= 1
            try:
                return await self._attempt(unit, in_transaction)
            except _RERUN_SIGNALS as error:
                if not await self._may_rerun(error, in_transaction):
                    raise
                if not attempts_left:
                    raise _unavailable(
                        f"The database gave up a unit of work {_ATTEMPTS} times", error.__cause__ or error
                    ) from error

    async def _may_rerun(self, error: BaseException, in_transaction: bool) -> bool:
        if isinstance(error, _LostBeforeBegin):
            return True
        if isinstance(error, (_PoolerNoticed, *_POOLER_SYMPTOMS)):
            return await self._adapt_to_pooler() and (in_transaction or isinstance(error, _PoolerNoticed))
        if in_transaction:
            await pause(random.uniform(0.002, 0.02))
        return in_transaction

    async def _adapt_to_pooler(self) -> bool:
        """Change to connections that suit a transaction pooler; False where they are not ours."""
        return False

    async def _attempt(self, unit: Unit[T], in_transaction: bool) -> T:
        conn = await self._enter(in_transaction)
        try:
            return await (_transact(conn, unit(conn)) if in_transaction else unit(conn))
        except BaseException as error:
            if not in_transaction:
                await self._clear_session(conn)
            if isinstance(error, _DRIVER_FAILURES) and (_is_away(error) or _is_lost(conn)):
                raise _unavailable("The database broke off a unit of work", error) from error
            raise
        finally:
            await self._give_back(conn)

    async def _enter(self, in_transaction: bool) -> Any:
        """Borrow a connection and begin on it, both within the acquire timeout."""
        try:
            async with deadline(self._options.acquire_timeout_s):
                conn = await self._borrow()
                if in_transaction:
                    await self._begin(conn)
        except TimeoutError as error:
            raise self._no_connection_in_time() from error
        except _POOLER_SYMPTOMS:
            raise
        except _DRIVER_FAILURES as error:
            raise self._down(f"Could not connect to the database ({_reason(error)})") from error
        self.is_up, self.trouble = True, None
        return conn

    async def _borrow(self) -> Any:
        await self._slots.acquire()
        try:
            return await self.pool.acquire()
        except BaseException:
            self._slots.release()
            raise

    async def _begin(self, conn: Any) -> None:
        try:
            # Verbs are written for read committed, whatever the role's default is.
            await conn.transaction(isolation="read_committed").start()
            if self._options.lock_timeout_s is not None:
                await conn.execute(queries.limit_lock_wait, f"{self._options.lock_timeout_s * 1000:.0f}ms")
        except BaseException as error:
            _terminate(conn)
            await self._give_back(conn)
            if isinstance(error, _DRIVER_FAILURES):
                raise _LostBeforeBegin from error
            raise

    async def _clear_session(self, conn: Any) -> None:
        """Remove what a failed verb may have left in its session; the host's pool does so by itself."""

    async def _give_back(self, conn: Any) -> None:
        """Return the connection; what fails here is the connection's trouble and no longer the unit's."""
        try:
            with suppress(*_DRIVER_FAILURES):
                await self.pool.release(conn, timeout=self._options.acquire_timeout_s)
        finally:
            self._slots.release()

    def _no_connection_in_time(self) -> DatabaseUnavailable:
        limit = f"{self._options.acquire_timeout_s:g} s"
        if self._slots.locked():
            message = f"All {self.max_connections} database connections were busy for {limit}; fewer or shorter units would help."
            return DatabaseUnavailable(message, retry_after_s=_RETRY_AFTER_S)
        return self._down(f"No database connection within {limit}: the server does not answer, or the pool is exhausted")

    def _down(self, message: str) -> DatabaseUnavailable:
        self.is_up, self.trouble = False, message
        return DatabaseUnavailable(f"{message}. It is tried again with the next request.", retry_after_s=_RETRY_AFTER_S)


class _OwnPlace(_Place):
    """A pool of our own on a loop thread of our own, opened with the connection arguments of a DSN or of the host's pool.

    The pool holds no minimum of connections, so opening it connects nowhere and works while the server is away. It does not reset
    connections on their return, which would cost every unit a round trip: a transaction leaves nothing behind.
    """

    def __init__(self, source: Source, address: _Address, options: DatabaseOptions) -> None:
        self._address = address
        self._is_direct = False
        self._thread = LoopThread("shopify-database")
        try:
            pool = self._thread.handoff.run(partial(self._create_pool, options), timeout_s=options.connect_timeout_s)
        except BaseException:
            self._thread.stop()
            raise
        super().__init__(pool, self._thread.handoff, options.max_connections, options)
        self.source = source

    async def _create_pool(self, options: DatabaseOptions) -> Any:
        return await asyncpg.create_pool(
            self._address.dsn,
            min_size=0,
            max_size=options.max_connections,
            max_inactive_connection_lifetime=options.idle_lifetime_s,
            connect=self._connect,
            connection_class=self._address.connection_class,
            reset=_leave_as_it_is,
            **self._address.connect_kwargs,
        )

    async def _connect(self, *args: Any, **kwargs: Any) -> Any:
        try:
            conn = await self._address.connect(*args, **kwargs)
        except ValueError:
            # The message may quote a piece of the address, and that piece may be the password's.
            raise SettingsError(
                "The database address cannot be read: is a special character of its password not %-encoded?"
            ) from None
        # Until one of them is known to be direct, each connection that would cache statements is looked at.
        if not self._is_direct and kwargs.get("statement_cache_size") != 0:
            try:
                await self._look_for_pooler(conn)
            except BaseException:
                conn.terminate()
                raise
        return conn

    async def _look_for_pooler(self, conn: Any) -> None:
        async with conn.transaction():
            backend_pid = await conn.fetchval(queries.read_backend_pid)
        if backend_pid != conn.get_server_pid():
            raise _PoolerNoticed
        self._is_direct = True

    async def _clear_session(self, conn: Any) -> None:
        try:
            await conn.reset(timeout=self._options.acquire_timeout_s)
        except (Cancelled, *_DRIVER_FAILURES):
            _terminate(conn)

    async def _adapt_to_pooler(self) -> bool:
        self._address = replace(self._address, connect_kwargs={**self._address.connect_kwargs, "statement_cache_size": 0})
        self.pool.set_connect_args(self._address.dsn, **self._address.connect_kwargs)
        await self.pool.expire_connections()
        return True

    def close(self, timeout_s: float) -> None:
        """Wait for units in flight up to `timeout_s`, then close every connection and the loop."""
        with suppress(LoopStopped, TimeoutError):
            self.handoff.run(self._close_pool, timeout_s=timeout_s)
        self._thread.stop()

    async def _close_pool(self) -> None:
        await self.pool.close()


class Database:
    """The database as threads see it: `run(verb, …)`, one hop and one transaction.

    Connections open on first use and again in every forked process. Nothing of the host's pool is changed.

    Args:
        source: what the host has: an `asyncpg.Pool` in any state, a DSN, or None.
        dsn: an explicit setting, which wins over `source`.

    Raises:
        SettingsError: there is neither, or one that is no pool and no Postgres address.
    """

    def __init__(self, source: object = None, *, dsn: str | None = None, options: DatabaseOptions | None = None) -> None:
        chosen = source if dsn is None else dsn
        if isinstance(chosen, str):
            _check_dsn(chosen)
        elif not isinstance(chosen, asyncpg.Pool):
            raise SettingsError(
                f"No database: expected an asyncpg.Pool or a DSN, got {type(chosen).__name__}. Pass `db_pool`, or set "
                "SHOPIFY_DATABASE_URL or DATABASE_URL to postgresql://user:password@host:5432/name."
            )
        self._chosen: Any = chosen
        self._options = options or DatabaseOptions()
        self._birth_pid = os.getpid()
        self._places = PerProcess(self._open)

    def run(self, verb: Verb[T], /, *args: Any, timeout_s: float | None = None, **kwargs: Any) -> T:
        """Run `await verb(conn, *args, **kwargs)` in one transaction (read committed), commit, and return its result.

        A deadlock, a serialization failure or a stale plan rolls back and runs the verb again, three times in all. The calling
        thread waits.

        Args:
            timeout_s: for the whole unit, waiting and repetition included; None takes the options'. When it passes, the
                statement is cancelled on the server.

        Raises:
            DatabaseUnavailable: no connection, broken off, timed out or repeated in vain. Nothing was stored, except where the
                message says that this is not known.
            RuntimeError: called from the event loop's thread, or the verb went on after a failed statement.
            asyncpg.PostgresError: what the statements themselves did wrong, as it is.
        """
        return self._perform(lambda conn: verb(conn, *args, **kwargs), timeout_s, in_transaction=True)

    def run_autocommit(self, verb: Verb[T], /, *args: Any, timeout_s: float | None = None, **kwargs: Any) -> T:
        """Run `await verb(conn, *args, **kwargs)` without a transaction around it: each statement commits by itself.

        For COPY streams, statements that refuse transactions, and single reads that save the two round trips. Never repeated. A
        verb that takes a session lock gives it back in a `finally`. Behind a transaction pooler only `execute` without arguments
        and COPY work here, and session locks mean nothing.

        Raises: as `run`.
        """
        return self._perform(lambda conn: verb(conn, *args, **kwargs), timeout_s, in_transaction=False)

    def ping(self, *, timeout_s: float = 2.0) -> DatabaseState:
        """Ask the server for a sign of life and return the state; never raises for a database that is away or busy."""
        try:
            self.run_autocommit(_ping, timeout_s=timeout_s)
        except DatabaseUnavailable as error:
            return replace(self.state(), is_up=False, trouble=error.message)
        return self.state()

    def state(self) -> DatabaseState:
        """Return what is known without asking the server."""
        place = self._places.peek()
        if place is None:
            return DatabaseState(None, None, None, 0, 0, self._options.max_connections)
        return DatabaseState(
            source=place.source,
            is_up=place.is_up,
            trouble=place.trouble,
            connections=place.pool.get_size(),
            idle_connections=place.pool.get_idle_size(),
            max_connections=place.max_connections,
        )

    def close(self, *, timeout_s: float = 5.0) -> None:
        """Close this process's own connections and loop; the host's are left alone. A later unit opens them again."""
        place = self._places.peek()
        if place is not None and self._places.drop(place):
            place.close(timeout_s)

    def _perform(self, unit: Unit[T], timeout_s: float | None, *, in_transaction: bool) -> T:
        place = self._place()
        limit_s = self._options.command_timeout_s if timeout_s is None else timeout_s
        try:
            return place.handoff.run(partial(place.perform, unit, in_transaction), timeout_s=limit_s)
        except TimeoutError as error:
            message = f"The database did not finish a unit of work within {limit_s:g} s: {error}."
            raise DatabaseUnavailable(message, retry_after_s=_RETRY_AFTER_S) from error
        except LoopStopped as error:
            raise _unavailable("The event loop of the database stopped; whether the work was stored is not known", error) from error

    def _place(self) -> _Place:
        place = self._places.get()
        if place.is_usable():
            return place
        self._places.drop(place)
        return self._places.get()

    def _open(self) -> _Place:
        pool, options = self._chosen, self._options
        if isinstance(pool, str):
            return _OwnPlace("dsn", _read_dsn(pool, options), options)
        # Connections made before a fork belong to the parent, even where somebody runs their loop here.
        is_own = os.getpid() == self._birth_pid and pool._initialized and not pool.is_closing()
        handoff = find_running(pool._loop) if is_own else None
        if handoff is None:
            return _OwnPlace("reopened_pool", _copy_address(pool, options), options)
        return _Place(pool, handoff, min(options.max_connections, max(1, pool.get_max_size() // 2)), options)


async def _transact(conn: Any, work: Coroutine[Any, Any, T]) -> T:
    try:
        result = await work
    except BaseException:
        with suppress(*_DRIVER_FAILURES):
            await _end(conn, queries.roll_back_unit)
        raise
    try:
        tag = await _end(conn, queries.commit_unit)
    except (Cancelled, *_DRIVER_FAILURES) as error:
        if isinstance(error, Cancelled) or _is_away(error) or _is_lost(conn):
            raise _unavailable("The database broke off during a commit; whether the unit was stored is not known", error) from error
        raise
    if tag != "COMMIT":
        name = getattr(work, "__qualname__", "A unit")
        raise RuntimeError(
            f"{name} went on after one of its statements had failed, so Postgres discarded the whole unit: put a statement that "
            "may fail into `async with conn.transaction():`."
        )
    return result


async def _end(conn: Any, statement: str) -> str:
    """End the transaction and return the server's word for it, which asyncpg's own `commit()` does not look at."""
    try:
        tag: str = await conn.execute(statement)
        return tag
    finally:
        if conn._con is not None:
            conn._con._top_xact = None


async def _ping(conn: Connection) -> None:
    await conn.execute(queries.ping)


async def _leave_as_it_is(conn: Any) -> None:
    """Be asyncpg's `reset` hook of our own pool."""


def _is_away(error: BaseException) -> bool:
    """Tell a server that cannot serve now from a statement that was wrong."""
    state = getattr(error, "sqlstate", None) or ""
    return isinstance(error, (ConnectionError, TimeoutError)) or state[:2] in _AWAY_CLASSES or state in _AWAY_STATES


def _is_lost(conn: Any) -> bool:
    return conn._con is None or conn.is_closed()


def _terminate(conn: Any) -> None:
    if not _is_lost(conn):
        conn.terminate()


def _reason(error: BaseException) -> str:
    """Name an error without its details, which may quote a row; drivers' own texts are left out, for they may quote an address."""
    if isinstance(error, asyncpg.PostgresError | OSError) and error.args:
        return f"{type(error).__name__}: {error.args[-1]}"
    return type(error).__name__


def _unavailable(what: str, error: BaseException) -> DatabaseUnavailable:
    return DatabaseUnavailable(f"{what} ({_reason(error)}).", retry_after_s=_RETRY_AFTER_S)


def _check_dsn(dsn: str) -> None:
    try:
        scheme = urlsplit(dsn).scheme
    except ValueError:
        scheme = ""
    if scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise SettingsError(
            "The database address is no Postgres address: expected postgresql://user:password@host:5432/name, with special "
            "characters of the password %-encoded."
        )


def _read_dsn(dsn: str, options: DatabaseOptions) -> _Address:
    """Read a DSN; a driver's name in the scheme and `pgbouncer=true`, which other tools write, are understood and taken out."""
    scheme, _, rest = dsn.partition("://")
    rest, _, query = rest.partition("?")
    settings = query.split("&") if query else []
    kept = [setting for setting in settings if not setting.startswith("pgbouncer=")]
    clean = f"{scheme.partition('+')[0]}://{rest}" + (f"?{'&'.join(kept)}" if kept else "")
    given = {"statement_cache_size": 0} if "pgbouncer=true" in settings else {}
    return _Address(clean, _connect_kwargs(given, options))


def _copy_address(pool: Any, options: DatabaseOptions) -> _Address:
    """Read from the host's pool how it opens connections.

    Source: asyncpg 0.27 to 0.32, `Pool._connect_args`, `_connect_kwargs`, `_connect`, `_connection_class`. The hooks `init` and
    `setup` and the record class are the host's and stay there.
    """
    dsn = pool._connect_args[0] if pool._connect_args else None
    return _Address(dsn, _connect_kwargs(pool._connect_kwargs, options), pool._connect, pool._connection_class)


def _connect_kwargs(given: dict[str, Any], options: DatabaseOptions) -> dict[str, Any]:
    cache_size = {} if options.statement_cache_size is None else {"statement_cache_size": options.statement_cache_size}
    return {
        **given,
        **cache_size,
        "timeout": min(given.get("timeout") or options.connect_timeout_s, options.connect_timeout_s),
        # A unit has its own time; the host's limit per statement would end a long COPY.
        "command_timeout": None,
        "server_settings": {**(given.get("server_settings") or {}), "application_name": options.application_name},
    }
