"""The merge: from staging into the mirror, children before parents, a range of chunks at a time. Each unit is one transaction.

Nothing is written where the mirror says the same already, and nothing where it knows better: see the guard in the migration. A step
that was done is noted in staging, so that a merge that is killed goes on; done twice it changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from shopify_kit.database import Connection
from shopify_kit.queries import load_queries
from shopify_mirror.decoding import UNREADABLE
from shopify_mirror.kinds import CHILDREN, PARENTS, TABLES
from shopify_mirror.rows import RAW_GUARD
from shopify_mirror.staging import Chunk, Load, hold_staged

STEP_ROWS: Final = 25_000
FEW_ROWS: Final = 2_000
TRUNCATION: Final = 100
"""A connection inside a bulk result may be cut off at this many children, silently (PLATFORM C)."""

PARENTS_OF: Final[Mapping[str, str]] = {
    "line_items": "orders",
    "variants": "products",
    "collection_products": "collections",
    "discount_codes": "discounts",
}
RESOLVED: Final = ("line_items", "collection_products", "discount_codes")
WITH_ORPHANS: Final = (*RESOLVED, "variants", "inventory_levels", "metafields")
COUNTED: Final = ("variants", "collection_products")
RETIRED: Final = ("variants", "collection_products", "inventory_levels", "metafields")
ROOTS: Final = frozenset(table.name for table in PARENTS)

queries = load_queries("loading")
statements = load_queries("merging")

Effect: TypeAlias = Callable[[Connection], Awaitable[None]]


class Step(Struct, frozen=True):
    """One table and a range of chunks.

    Args:
        rows: how many are staged there; `has_raw` when raw objects were kept with them.
    """

    table: str
    first_chunk: int
    last_chunk: int
    rows: int
    has_raw: bool


class Done(Struct, frozen=True):
    """What a step changed."""

    added: int
    changed: int


class Findings(Struct):
    """What was found out about a load as a whole before it was merged.

    Args:
        orphans: children without parents, by table; they are not merged.
        gaps: parents with fewer or more children than Shopify counts, by table.
        retired: rows that are gone, by table.
    """

    orphans: dict[str, int] = {}
    gaps: dict[str, int] = {}
    retired: dict[str, int] = {}


def plan_steps(chunks: Sequence[Chunk]) -> tuple[list[Step], list[Step]]:
    """Divide a load into steps: those of the children, and those of the parents, which come after them."""
    children = [step for table in CHILDREN for step in _steps_of(table.name, chunks)]
    return children, [step for table in PARENTS for step in _steps_of(table.name, chunks)]


def _steps_of(table: str, chunks: Sequence[Chunk]) -> Iterator[Step]:
    """Yield the steps of a table.

    The first is small: what it writes tells the planner that the table is not empty. So is the last: the one that ends the whole
    merge has nothing beside it.
    """
    mine = [chunk for chunk in chunks if chunk.rows.get(table)]
    limit, held = 1, list[Chunk]()
    for chunk in mine[:-1]:
        held.append(chunk)
        if sum(one.rows[table] for one in held) >= limit:
            yield _step(table, held)
            limit, held = STEP_ROWS, []
    if held:
        yield _step(table, held)
    if mine:
        yield _step(table, mine[-1:])


def _step(table: str, chunks: Sequence[Chunk]) -> Step:
    rows = sum(chunk.rows[table] for chunk in chunks)
    return Step(table, chunks[0].number, chunks[-1].number, rows, any(chunk.raw_objects for chunk in chunks))


async def begin_merge(conn: Connection, load: Load, chunks: Sequence[Chunk]) -> Findings:
    """Begin to merge what is staged; raises as `staging.hold_staged`."""
    await hold_staged(conn, load, len(chunks))
    await conn.execute(queries.begin_merge, load.shop_id, load.load_id)
    rows, strays = total(chunk.rows for chunk in chunks), total(chunk.strays for chunk in chunks)
    return await examine(conn, load, rows, strays)


async def examine(conn: Connection, load: Load, rows: Mapping[str, int], strays: Mapping[str, int]) -> Findings:
    """Give children their parents' guard, and find what is not as it should be.

    Args:
        strays: by table, how many children came when their parent was not at hand; where none did there is nothing to look for.
    """
    findings = Findings()
    await conn.execute(queries.prefer_hashes)
    for table in WITH_ORPHANS:
        if strays.get(table):
            if table in RESOLVED:
                await conn.execute(getattr(queries, f"resolve_{table}"), load.load_id)
            orphans = _count(await conn.execute(getattr(queries, f"drop_orphans_{table}"), load.load_id))
            findings.orphans |= {table: orphans} if orphans else {}
    for table in COUNTED:
        if rows.get(table):
            gaps = await conn.fetchval(getattr(queries, f"find_gaps_{table}"), load.load_id)
            findings.gaps |= {table: gaps} if gaps else {}
    return findings


async def retire_staged(conn: Connection, load: Load, chunks: Sequence[Chunk], *, is_complete: bool) -> dict[str, int]:
    """Retire what a load no longer shows; as `retire`, raises as `staging.hold_staged`.

    Nothing is retired when an object could not be read: it may be the one that is missed.
    """
    await hold_staged(conn, load, len(chunks))
    if any(UNREADABLE in chunk.skipped for chunk in chunks):
        return {}
    return await retire(conn, load, total(chunk.rows for chunk in chunks), is_complete=is_complete)


async def retire(
    conn: Connection, load: Load, rows: Mapping[str, int], *, is_complete: bool, cut_off_at: int = TRUNCATION
) -> dict[str, int]:
    """Mark as deleted what Shopify no longer shows; returns how many, by table.

    Args:
        is_complete: the result shows all root objects there are, so that one it does not show is gone.
        cut_off_at: a connection that shows as many, and of which Shopify does not say how many there are, may be cut off.
    """
    retired: dict[str, int] = {}
    await conn.execute(queries.prefer_lookups if sum(rows.values()) < FEW_ROWS and not is_complete else queries.prefer_hashes)
    for table in RETIRED:
        if rows.get(table):
            more = (cut_off_at,) if table == "metafields" else ()
            retired[table] = _count(await conn.execute(getattr(queries, f"retire_{table}"), load.load_id, load.as_of, *more))
    for table in sorted(ROOTS & rows.keys()) if is_complete else ():
        gone = await conn.fetchval(getattr(queries, f"retire_{table}"), load.shop_id, load.load_id, load.as_of)
        retired[table] = int(gone)
    return {table: count for table, count in retired.items() if count}


async def take_step(conn: Connection, load: Load, chunks: int, step: Step, *, is_fresh: bool) -> Done:
    """Merge one table and range of chunks.

    Args:
        chunks: how many are staged in all.
        is_fresh: the mirror had nothing of the table, nor of its parents, when the load began.

    Raises:
        Conflict, DatabaseUnavailable: as `staging.hold_staged`.
        asyncpg.UniqueViolationError: an object is in the range twice, or somebody else has just added it; nothing is merged.
    """
    await hold_staged(conn, load, chunks)
    await conn.execute(queries.prefer_lookups)
    done = await merge_rows(conn, step, load.load_id, load.as_of, is_fresh=is_fresh)
    await conn.execute(queries.keep_step, load.shop_id, load.load_id, step.table, step.first_chunk, done.added, done.changed)
    return done


async def merge_rows(conn: Connection, step: Step, load_id: int, as_of: datetime, *, is_fresh: bool) -> Done:
    """Write a range of staged rows into the mirror; raises as `take_step`."""
    table, scope = step.table, (load_id, step.first_chunk, step.last_chunk)
    has_raw = RAW_GUARD[0] in TABLES[table].columns
    added, changed = int(await conn.fetchval(getattr(statements, f"add_{table}"), *scope, as_of, is_fresh)), 0
    if added < step.rows:
        changed = int(await conn.fetchval(getattr(statements, f"change_{table}"), *scope, as_of))
        if has_raw and step.has_raw and added + changed < step.rows:
            await conn.execute(getattr(statements, f"drop_unused_{table}"), *scope)
    return Done(added, changed)


async def drop_doubles(conn: Connection, load: Load, table: str) -> None:
    """Leave one of each object that came twice."""
    await conn.execute(queries.prefer_hashes)
    await conn.execute(getattr(statements, f"drop_doubles_{table}"), load.load_id)


async def list_steps(conn: Connection, load: Load) -> dict[tuple[str, int], Done]:
    """Say which steps of a load are done."""
    rows = await conn.fetch(queries.list_steps, load.shop_id, load.load_id)
    return {(row["step"], row["first_chunk"]): Done(row["added"], row["changed"]) for row in rows}


async def finish(conn: Connection, load: Load, chunks: int, watermark: datetime | None, result: Any) -> None:
    """Say what came of a load, and up to when the mirror of its resource is complete; raises as `staging.hold_staged`."""
    await hold_staged(conn, load, chunks)
    if watermark is not None:
        await conn.execute(queries.raise_watermark, load.shop_id, load.resource, watermark, load.run)
    await conn.execute(queries.finish_load, load.shop_id, load.load_id, msgspec.json.encode(result).decode())


def total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up counts by name; nothing is said of what there is none of."""
    sums: dict[str, int] = {}
    for one in counts:
        for name, count in one.items():
            if count:
                sums[name] = sums.get(name, 0) + count
    return sums


def _count(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
