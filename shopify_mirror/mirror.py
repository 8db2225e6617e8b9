"""What is done to the mirror outside a load: one object applied, deleted, erased; what is in it. Each verb is a unit of work.

An object that was fetched goes the way of a bulk result, through staging and the same merge: there is one guard and one place where
rows are made. Where a load may take minutes, this takes milliseconds, in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from shopify_kit.database import Connection
from shopify_kit.errors import InvalidInput
from shopify_kit.queries import load_queries
from shopify_mirror import merging, staging
from shopify_mirror.decoding import UNREADABLE, Plan
from shopify_mirror.decoding_beside import decode_here
from shopify_mirror.kinds import CHILDREN, PARENTS, TABLES
from shopify_mirror.merging import Step
from shopify_mirror.nodes import flatten
from shopify_mirror.profiles import apply_shop
from shopify_mirror.staging import Load

Kind: TypeAlias = Literal["orders", "products", "inventory_items", "locations", "customers", "collections", "discounts"]

ROW_BITS: Final = 20
MAX_OBJECTS: Final = 1 << ROW_BITS
ERASE_ROWS: Final = 20_000
UNLIMITED: Final = 2**31 - 1
ERASED: Final = (*TABLES, "shop_profiles", "raw_objects", "watermarks", "mirror_gaps", "tombstones", "dirty_hours", "loads")

queries = load_queries("mirror")
loading = load_queries("loading")


class Applied(Struct, frozen=True):
    """What applying objects changed, by table; `skipped` counts objects that the mirror does not take."""

    added: dict[str, int]
    changed: dict[str, int]
    retired: dict[str, int]
    skipped: dict[str, int]


class RowCount(Struct, frozen=True):
    """How many rows a table has of a shop."""

    present: int
    deleted: int


class Gap(Struct, frozen=True):
    """An object of which Shopify counts another number of children than it showed."""

    resource: str
    object_id: int
    expected: int
    found: int
    noticed_at: datetime


async def apply_objects(conn: Connection, shop_id: int, nodes: Iterable[Mapping[str, Any]], *, as_of: datetime) -> Applied:
    """Write objects as the `Mirror…` documents show them, with their children; nothing newer is overwritten.

    Children that an object no longer shows are marked as deleted where all its connections were shown to their end: a caller that
    reads several pages puts them together first. The shop is an object too.

    Args:
        nodes: with `__typename`, connections as `nodes` or `edges`.
        as_of: when Shopify was asked.

    Raises:
        InvalidInput: more than a million objects at once.
    """
    application = await conn.fetchval(queries.next_application)
    flats = [flatten(node) for node in nodes]
    shops = [flat.node for flat in flats if flat.node.get("__typename") == "Shop"]
    for place, node in enumerate(shops):
        await apply_shop(conn, shop_id, node, as_of, -(application << ROW_BITS) - place)
    lines = [line for flat in flats for line in (flat.node, *flat.children) if line.get("__typename") != "Shop"]
    if len(lines) + len(shops) > MAX_OBJECTS:
        raise InvalidInput("More objects than can be applied at once; use a load.", code="query_too_broad")
    if not lines:
        return Applied({}, {}, {}, {})
    load = Load(shop_id, -application, "", "", as_of, None)
    plan = Plan(shop_id, load.load_id, -(application << ROW_BITS) - MAX_OBJECTS + 1, chunk_bytes=UNLIMITED)
    return await _merge(conn, load, plan, lines, is_whole=all(flat.is_whole for flat in flats))


async def _merge(conn: Connection, load: Load, plan: Plan, lines: Sequence[Mapping[str, Any]], *, is_whole: bool) -> Applied:
    (batch,) = decode_here(plan, [b"\n".join(msgspec.json.encode(line) for line in lines)])
    rows, added, changed = batch.counts.rows, dict[str, int](), dict[str, int]()
    await staging.stage_rows(conn, load, batch, frozenset(TABLES))
    await merging.examine(conn, load, rows, batch.counts.strays)
    await conn.execute(loading.prefer_lookups)
    for table in (table.name for table in (*CHILDREN, *PARENTS) if rows.get(table.name)):
        step = Step(table, 0, 0, rows[table], True)
        done = await merging.merge_rows(conn, step, load.load_id, load.as_of, is_fresh=False)
        added |= {table: done.added} if done.added else {}
        changed |= {table: done.changed} if done.changed else {}
    is_certain = is_whole and UNREADABLE not in batch.counts.skipped
    retired = await merging.retire(conn, load, rows, is_complete=False, cut_off_at=UNLIMITED) if is_certain else {}
    for table in rows:
        await conn.execute(getattr(loading, f"drop_staged_{table}"), load.load_id)
    await conn.execute(loading.prefer_nothing)
    return Applied(added, changed, retired, batch.counts.skipped)


async def mark_deleted(conn: Connection, shop_id: int, kind: Kind, ids: Sequence[int], *, deleted_at: datetime) -> int:
    """Mark objects as deleted, with what lies below them; returns how many were there. What is older never brings them back."""
    await conn.execute(queries.keep_tombstones, shop_id, kind, list(ids), deleted_at)
    return int(await conn.fetchval(getattr(queries, f"delete_{kind}"), shop_id, list(ids), deleted_at))


async def mark_level_deleted(conn: Connection, shop_id: int, item_id: int, location_id: int, *, deleted_at: datetime) -> None:
    """An item is no longer stocked at a location."""
    await conn.execute(queries.delete_inventory_level, shop_id, item_id, location_id, deleted_at)


async def erase_customer(
    conn: Connection, shop_id: int, customer_id: int, *, order_ids: Sequence[int] = (), erased_at: datetime
) -> None:
    """Erase what is personal of a customer and of the customer's orders; sums and numbers stay.

    Args:
        order_ids: further orders to erase, as Shopify names them in a redaction.
        erased_at: nothing older than that is taken again.
    """
    orders = list(order_ids)
    await conn.execute(queries.erase_customer_texts, shop_id, customer_id, orders)
    await conn.execute(queries.erase_customer_lines, shop_id, customer_id, orders, erased_at)
    await conn.execute(queries.erase_refund_notes, shop_id, customer_id, orders)
    await conn.execute(queries.erase_customer_orders, shop_id, customer_id, orders, erased_at)
    await conn.execute(queries.erase_customer_metafields, shop_id, customer_id)
    await conn.execute(queries.erase_customer_row, shop_id, customer_id, erased_at)
    await conn.execute(queries.keep_tombstones, shop_id, "customers", [customer_id], erased_at)


async def erase_shop(conn: Connection, shop_id: int, *, rows: int = ERASE_ROWS) -> int:
    """Erase rows of a shop, at most so many per table; returns how many. Repeat until it returns 0."""
    erased = 0
    for table in ERASED:
        tag = await conn.execute(getattr(queries, f"erase_{table}"), shop_id, rows)
        erased += int(tag.rpartition(" ")[2])
    return erased


async def count_rows(conn: Connection, shop_id: int) -> dict[str, RowCount]:
    """Count the rows of a shop, by table."""
    return {row["name"]: RowCount(row["present"], row["deleted"]) for row in await conn.fetch(queries.count_rows, shop_id)}


async def read_raw(conn: Connection, shop_id: int, table: str, ids: Sequence[int]) -> dict[int, str]:
    """Return objects as Shopify showed them, as JSON texts by id; for `line_items` the ids are of orders."""
    rows = await conn.fetch(getattr(queries, f"read_raw_{table}"), shop_id, list(ids))
    return {row["object_id"]: row["raw"] for row in rows}


async def read_watermarks(conn: Connection, shop_id: int) -> dict[str, datetime]:
    """Say up to when the mirror of each resource is complete."""
    return {row["resource"]: row["watermark"] for row in await conn.fetch(queries.list_watermarks, shop_id)}


async def list_gaps(conn: Connection, shop_id: int, *, limit: int = 1000) -> list[Gap]:
    """List objects whose children must be fetched page by page."""
    rows = await conn.fetch(queries.list_gaps, shop_id, limit)
    return [Gap(row["resource"], row["object_id"], row["expected"], row["found"], row["noticed_at"]) for row in rows]


async def list_refunds_without_lines(conn: Connection, shop_id: int, *, after_order: int = 0, limit: int = 250) -> list[int]:
    """List orders whose refunds' lines nobody has fetched, by id: a bulk operation cannot export them."""
    return [row["order_id"] for row in await conn.fetch(queries.list_refunds_without_lines, shop_id, after_order, limit)]


async def sweep_tombstones(conn: Connection, before: datetime) -> None:
    """Forget old deletions: results are kept for seven days."""
    await conn.execute(queries.sweep_tombstones, before)
