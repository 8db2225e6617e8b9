"""Staging: where the rows of a load wait until all of it is there. Units of work, each one transaction.

A chunk is staged with its account in one transaction, so that a load that is killed goes on at its last chunk. Staging is unlogged:
after a crash of the server rows and accounts are gone together, and the load begins anew. Raw objects are different: they are
written once, logged, where they stay, and belong to nobody until a typed row names them.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec
from msgspec import Struct

from shopify_kit.copying import BINARY_HEADER, BINARY_TRAILER, CSV_OPTIONS, TEXT_HEAD_BYTES
from shopify_kit.database import Connection
from shopify_kit.errors import Conflict, DatabaseUnavailable
from shopify_kit.queries import load_queries
from shopify_mirror.decoding import UNREADABLE, Batch, Block
from shopify_mirror.kinds import TABLES
from shopify_mirror.rows import RAW_GUARD, Table

PART_BYTES: Final = 256 * 1024
RAW_BITS: Final = 32
LINE_BITS: Final = 28
GENERATIONS: Final = 1 << RAW_BITS - LINE_BITS
"""A load's raw objects are numbered `load << 32 | generation << 28 | line`."""

queries = load_queries("loading")
merging = load_queries("merging")


class Load(Struct, frozen=True):
    """One result on its way.

    Args:
        as_of: when Shopify was asked: nothing that is known to be newer is overwritten.
        result: what came of it, where it is done.
        epoch: how often it was taken on; whoever did so last has it.
        generation: how often it began anew.
        is_merging: the mirror may name raw objects of it.
    """

    shop_id: int
    load_id: int
    resource: str
    run: str
    as_of: datetime
    result: str | None
    epoch: int = 1
    generation: int = 0
    is_merging: bool = False

    @property
    def raw_base(self) -> int:
        """The number of the raw object of its first line."""
        return self.load_id << RAW_BITS | self.generation % GENERATIONS << LINE_BITS


class Progress(Struct, frozen=True):
    """How far a load has come: what is staged."""

    next_chunk: int
    end_bytes: int
    objects: int
    roots: int


class Chunk(Struct, frozen=True):
    """The account of a chunk."""

    number: int
    raw_objects: int
    rows: dict[str, int]
    strays: dict[str, int]
    skipped: dict[str, int]


async def open_load(conn: Connection, shop_id: int, run: str, resource: str, as_of: datetime) -> Load:
    """Find the load of a run, or begin it."""
    row = await conn.fetchrow(queries.open_load, shop_id, run, resource, as_of)
    assert row is not None
    result = row["result"] if row["state"] == "done" else None
    facts = (row["epoch"], row["generation"], row["is_merging"])
    return Load(shop_id, row["load_id"], resource, run, row["as_of"], result, *facts)


async def hold(conn: Connection, load: Load) -> None:
    """See that nobody else has taken the load on; until the unit ends nobody does.

    Raises:
        Conflict: code `load_taken_over`.
    """
    if not await conn.fetchval(queries.hold_load, load.shop_id, load.load_id, load.epoch):
        raise Conflict(f"Another worker has taken on the load of {load.resource}; this one stops.", code="load_taken_over")


async def read_progress(conn: Connection, load: Load) -> Progress:
    """Say how far a load has come."""
    row = await conn.fetchrow(queries.read_progress, load.shop_id, load.load_id)
    assert row is not None
    return Progress(row["next_chunk"], row["end_bytes"], row["objects"], row["roots"])


async def resume(conn: Connection, load: Load) -> tuple[Load, Progress]:
    """Say how far a load has come; where nothing is staged that was begun before, it begins anew. Raises as `hold`."""
    await hold(conn, load)
    progress = await read_progress(conn, load)
    if progress.next_chunk == 0 and load.epoch > 1:
        load = await discard(conn, load)
    return load, progress


async def find_filled_tables(conn: Connection, shop_id: int) -> frozenset[str]:
    """Name the tables in which the mirror has anything of a shop."""
    return frozenset(row["name"] for row in await conn.fetch(queries.find_filled_tables, shop_id))


async def stage(conn: Connection, load: Load, batch: Batch, filled: frozenset[str], *, is_careful: bool = False) -> None:
    """Stage a batch with its account.

    Args:
        filled: tables in which the mirror has something: what it has word for word is not kept again.
        is_careful: row by row, after the whole was refused; what cannot be held is counted as unreadable.

    Raises:
        asyncpg.DataError: a value is not what its column holds; nothing is staged.
        Conflict: as `hold`.
    """
    await hold(conn, load)
    await conn.execute(queries.commit_later)
    counts, (raw_objects, lost) = batch.counts, await stage_rows(conn, load, batch, filled, is_careful=is_careful)
    rows = {name: count - lost.get(name, 0) for name, count in counts.rows.items()}
    skipped = counts.skipped | ({UNREADABLE: counts.skipped.get(UNREADABLE, 0) + sum(lost.values())} if lost else {})
    sums = (counts.end_bytes, counts.objects, counts.roots, raw_objects)
    facts = (_json(rows), _json(counts.strays), _json(skipped))
    await conn.execute(queries.keep_chunk, load.shop_id, load.load_id, counts.chunk, *sums, *facts)


async def stage_rows(
    conn: Connection, load: Load, batch: Batch, filled: frozenset[str], *, is_careful: bool = False
) -> tuple[int, dict[str, int]]:
    """Stage rows and keep raw objects; returns how many of these, and how many rows the database cannot hold, by table."""
    counts, lost = batch.counts, dict[str, int]()
    for name in counts.rows:
        parts = [block.tables[name] for block in batch.blocks if name in block.tables]
        if not is_careful:
            await _copy_rows(conn, TABLES[name], parts)
        elif refused := await _copy_carefully(conn, TABLES[name], parts, load, counts.chunk):
            lost[name] = refused
    return await _keep_raw(conn, load, batch, filled), lost


def _json(facts: Any) -> str:
    return msgspec.json.encode(facts).decode()


async def _copy_rows(conn: Connection, table: Table, parts: Iterable[bytes]) -> None:
    await conn.copy_to_table(
        f"staged_{table.name}", source=_flow(parts), columns=table.all_columns, schema_name="shopify", **CSV_OPTIONS
    )


async def _flow(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        view = memoryview(part)
        for start in range(0, len(view), PART_BYTES):
            yield view[start : start + PART_BYTES]  # type: ignore[misc]  # any buffer will do


async def _copy_carefully(conn: Connection, table: Table, parts: Iterable[bytes], load: Load, chunk: int) -> int:
    lost = 0
    for row in _rows_of(parts, b"%d,%d,%d," % (load.shop_id, load.load_id, chunk)):
        try:
            async with conn.transaction():
                await _copy_rows(conn, table, [row])
        except asyncpg.DataError:
            lost += 1
    return lost


def _rows_of(parts: Iterable[bytes], head: bytes) -> Iterator[bytes]:
    """Divide CSV into rows, each of which begins with the same keys; a line end inside a text begins no row."""
    for part in parts:
        starts = [match.start() for match in re.finditer(rb"^" + re.escape(head), part, re.MULTILINE)]
        yield from (part[start:end] for start, end in zip(starts, [*starts[1:], len(part)], strict=True))


async def _keep_raw(conn: Connection, load: Load, batch: Batch, filled: frozenset[str]) -> int:
    """Keep the raw objects of a batch, without those that the mirror has word for word; returns how many."""
    with_raw = [name for name in batch.counts.rows if RAW_GUARD[0] in TABLES[name].columns]
    blocks: Iterable[bytes] = (block.raw for block in batch.blocks)
    count = sum(len(block.raw_numbers) for block in batch.blocks)
    if filled.intersection(with_raw):
        news = await _find_news(conn, load, batch.counts.chunk, with_raw)
        if len(news) < count:
            blocks, count = (_only(block, news) for block in batch.blocks), len(news)
    if count:
        source = _flow(_framed(blocks))
        await conn.copy_to_table(
            "raw_objects", source=source, columns=["shop_id", "raw_id", "raw"], schema_name="shopify", format="binary"
        )
    return count


async def _find_news(conn: Connection, load: Load, chunk: int, tables: Iterable[str]) -> set[int]:
    await conn.execute(queries.prefer_lookups)
    news: set[int] = set()
    for name in tables:
        found = await conn.fetch(getattr(merging, f"find_news_{name}"), load.load_id, chunk)
        news.update(row["raw_id"] for row in found)
    return news


def _only(block: Block, news: set[int]) -> bytes:
    kept, start = [], 0
    for number, size in zip(block.raw_numbers, block.raw_sizes, strict=True):
        end = start + TEXT_HEAD_BYTES + size
        if number in news:
            kept.append(block.raw[start:end])
        start = end
    return b"".join(kept)


def _framed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    yield BINARY_HEADER
    yield from blocks
    yield BINARY_TRAILER


async def list_chunks(conn: Connection, load: Load) -> list[Chunk]:
    """List the accounts of what is staged, in order."""
    decode = msgspec.json.decode
    rows = await conn.fetch(queries.list_chunks, load.shop_id, load.load_id)
    return [
        Chunk(row["chunk"], row["raw_objects"], *(decode(row[facts]) for facts in ("rows", "strays", "skipped"))) for row in rows
    ]


async def discard(conn: Connection, load: Load) -> Load:
    """Throw away what is staged of a load, and its raw objects that the mirror does not name; it begins anew. Raises as `hold`."""
    await hold(conn, load)
    await drop_staged(conn, load)
    drop = queries.drop_unnamed_raw if load.is_merging else queries.drop_raw
    await conn.execute(drop, load.shop_id, load.raw_base, load.raw_base + (1 << LINE_BITS) - 1)
    generation = await conn.fetchval(queries.begin_anew, load.shop_id, load.load_id)
    return msgspec.structs.replace(load, generation=generation, is_merging=False)


async def hold_staged(conn: Connection, load: Load, chunks: int) -> None:
    """See that nobody else has taken the load on, and that all of it is still staged.

    Raises:
        Conflict: as `hold`.
        DatabaseUnavailable: staging was lost in a crash of the server; the load begins anew when it is repeated.
    """
    await hold(conn, load)
    if await conn.fetchval(queries.count_staged_chunks, load.shop_id, load.load_id) != chunks:
        message = f"What was staged of {load.resource} was lost in a crash of the database; the load begins anew."
        raise DatabaseUnavailable(message, retry_after_s=1.0)


async def drop_staged(conn: Connection, load: Load) -> None:
    """Take the rows of a load out of staging."""
    for name in (*TABLES, "merges", "chunks"):
        await conn.execute(getattr(queries, f"drop_staged_{name}"), load.load_id)


async def empty_staging(conn: Connection, load: Load) -> bool:
    """Empty staging of everything, which leaves nothing to clean up; False where another load is under way.

    Raises:
        asyncpg.LockNotAvailableError: somebody works in staging just now.
        asyncpg.InsufficientPrivilegeError: the role may not.
    """
    await conn.execute(queries.limit_lock_wait)
    await conn.execute(queries.hold_loads)
    if await conn.fetchval(queries.has_open_loads, load.load_id):
        return False
    await conn.execute(queries.empty_staging)
    return True
