"""Bulk operations as rows: kept before Shopify hears of them, and what Shopify has said of them since."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from shopify_admin.bulk import OVER, RemoteOperation
from shopify_kit.database import Connection, Database, Record
from shopify_kit.errors import NotFound
from shopify_kit.jobs import Priority, add_job, add_sleeping_job, wake_lane
from shopify_kit.queries import load_queries

KIND: Final = "bulk"
CALLER: Final = "caller"
SLOTS: Final = 5
KEEP_DAYS: Final = 30
SWEEP_ROWS: Final = 10_000

queries = load_queries("bulk")


class Operation(Struct, frozen=True):
    """A bulk operation of ours.

    Args:
        operation_id: ours; `gid` is Shopify's, once it has one.
        kind: `query` or `mutation`.
        purpose: who is told when it ends: `caller` (nobody), `sync`, `products`.
        status: `pending` (Shopify does not know of it), `submitting` (it may), else Shopify's in lower case.
        facts: what the purpose wants to remember.
        parts: how many operations together do this one; each part names it in its facts.
        tries: how often it was submitted.
        expected_objects: what it will bring, where somebody counted before.
        dropped_fields: left out because Shopify does not let the app read them.
        rung_at: when Shopify's webhook said that it is over.
    """

    shop_id: int
    operation_id: uuid.UUID
    kind: str
    purpose: str
    status: str
    user_id: str
    bucket: str
    document: str
    group_objects: bool
    facts: Mapping[str, Any]
    upload_path: str | None
    parts: int
    gid: str | None
    tries: int
    is_probed: bool
    cancel_requested: bool
    dropped_fields: tuple[str, ...]
    object_count: int
    root_object_count: int
    expected_objects: int | None
    file_size: int | None
    url: str | None
    partial_data_url: str | None
    error_code: str | None
    error_message: str | None
    created_at: datetime
    submitted_at: datetime | None
    canceling_at: datetime | None
    rung_at: datetime | None
    seen_at: datetime | None
    completed_at: datetime | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in OVER

    @property
    def name(self) -> str:
        """The operation's name in the document that Shopify keeps."""
        return operation_name(self.operation_id)

    @property
    def progress(self) -> float | None:
        """How far it is, 0 to 100; None where nobody knows how much there is."""
        if self.status == "completed":
            return 100.0
        if not self.expected_objects:
            return None
        return min(99.0, round(100 * self.object_count / self.expected_objects, 1))


class Draft(Struct, frozen=True):
    """An operation to be kept."""

    shop_id: int
    kind: str
    purpose: str
    user_id: str
    bucket: str
    document: str
    operation_id: uuid.UUID
    group_objects: bool = False
    facts: Mapping[str, Any] = {}
    expected_objects: int | None = None
    is_probed: bool = False
    dropped_fields: tuple[str, ...] = ()
    parts: int = 1


def operation_name(operation_id: uuid.UUID) -> str:
    """Name an operation so that it is found again at Shopify by its document."""
    return f"Bulk_{operation_id.hex}"


def lane_of(operation_id: uuid.UUID) -> str:
    """Name the lane in which an operation is followed."""
    return f"{KIND}:{operation_id}"


class Operations:
    """Reads and writes the rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, shop_ids: Sequence[int], written: str) -> Operation:
        """Return an operation of one of these shops, by our id or by Shopify's number.

        Raises:
            NotFound: they have none of that id.
        """
        found = self._database.run(_find_written, list(shop_ids), written)
        if found is None:
            raise NotFound("There is no such bulk operation.")
        return found

    def find(self, shop_id: int, operation_id: uuid.UUID) -> Operation | None:
        """Return an operation by our id."""
        return self._database.run(find_operation, shop_id, operation_id)

    def latest(
        self,
        shop_ids: Sequence[int],
        *,
        status: str | None,
        before: tuple[datetime, uuid.UUID] | None,
        limit: int,
        all_purposes: bool,
    ) -> list[Operation]:
        """List operations, newest first; without `all_purposes` those that callers started."""
        return self._database.run(_list, list(shop_ids), status, before, limit, all_purposes)

    def parts_of(self, operation: Operation) -> list[Operation]:
        """Return the parts of an operation, in order."""
        return self._database.run(list_parts, operation.shop_id, operation.operation_id)


# Units


def operation_of(row: Record) -> Operation:
    """Read a row."""
    facts = {name: row[name] for name in Operation.__struct_fields__}
    facts["facts"] = json.loads(row["facts"])
    facts["dropped_fields"] = tuple(row["dropped_fields"])
    return Operation(**facts)


async def add_operation(conn: Connection, draft: Draft) -> Operation:
    """Keep an operation and have it followed, as part of a unit."""
    row = await conn.fetchrow(
        queries.add_operation,
        draft.shop_id,
        draft.operation_id,
        draft.kind,
        draft.purpose,
        draft.user_id,
        draft.bucket,
        draft.document,
        draft.group_objects,
        json.dumps(dict(draft.facts)),
        draft.expected_objects,
        draft.is_probed,
        list(draft.dropped_fields),
        draft.parts,
    )
    assert row is not None
    operation = operation_of(row)
    if draft.parts == 1:
        await follow_on(conn, operation, 0.0)
    return operation


async def follow_on(conn: Connection, operation: Operation, after_s: float) -> None:
    """Have the next step of an operation done, after a while."""
    lane, payload = lane_of(operation.operation_id), {"operation_id": str(operation.operation_id)}
    if after_s <= 0:
        await add_job(conn, KIND, shop_id=operation.shop_id, lane=lane, payload=payload, priority=Priority.REST)
    else:
        await add_sleeping_job(conn, KIND, shop_id=operation.shop_id, lane=lane, payload=payload, after_s=after_s)


async def find_operation(conn: Connection, shop_id: int, operation_id: uuid.UUID) -> Operation | None:
    """Find an operation as part of a unit."""
    row = await conn.fetchrow(queries.find_operation, shop_id, operation_id)
    return None if row is None else operation_of(row)


async def _find_written(conn: Connection, shop_ids: list[int], written: str) -> Operation | None:
    if written.isascii() and written.isdigit():
        row = await conn.fetchrow(queries.find_operation_by_number, shop_ids, written[:20])
        return None if row is None else operation_of(row)
    try:
        operation_id = uuid.UUID(written)
    except ValueError:
        return None
    row = await conn.fetchrow(queries.find_operation_of_shops, shop_ids, operation_id)
    return None if row is None else operation_of(row)


async def _list(
    conn: Connection,
    shop_ids: list[int],
    status: str | None,
    before: tuple[datetime, uuid.UUID] | None,
    limit: int,
    all_purposes: bool,
) -> list[Operation]:
    instant, operation_id = before if before is not None else (None, None)
    query = queries.list_all_operations if all_purposes else queries.list_operations
    rows = await conn.fetch(query, shop_ids, instant, status, limit, operation_id)
    return [operation_of(row) for row in rows]


async def find_reusable(conn: Connection, draft: Draft, max_age_s: float) -> Operation | None:
    """Find an operation whose result serves for a draft."""
    fingerprint = str(draft.facts["fingerprint"])
    row = await conn.fetchrow(queries.find_reusable, draft.shop_id, draft.purpose, fingerprint, max_age_s, draft.bucket)
    return None if row is None else operation_of(row)


async def list_parts(conn: Connection, shop_id: int, operation_id: uuid.UUID) -> list[Operation]:
    """List an operation's parts as part of a unit."""
    return [operation_of(row) for row in await conn.fetch(queries.list_parts, shop_id, str(operation_id))]


async def begin_submission(conn: Connection, operation: Operation) -> bool:
    """Take a slot; False when all are taken or the operation is not wanted any more."""
    place = (operation.shop_id, operation.bucket, operation.kind)
    await conn.execute(queries.lock_slots, *place)
    if await conn.fetchval(queries.count_open, *place) >= SLOTS:
        return False
    return await conn.fetchval(queries.begin_submission, operation.shop_id, operation.operation_id) is not None


async def take_back(conn: Connection, operation: Operation, reason: str | None, *, counts: bool) -> None:
    """Note that Shopify did not take it; `counts` when that was an attempt."""
    await conn.execute(queries.take_back, operation.shop_id, operation.operation_id, reason, not counts)


async def take_back_lost(conn: Connection, operation: Operation, after_s: float) -> bool:
    """Note that Shopify never heard of it; False as long as it may still hear."""
    return bool(await conn.fetchval(queries.take_back_lost, operation.shop_id, operation.operation_id, after_s))


async def wake_waiting(conn: Connection, operation: Operation) -> None:
    """A slot is free: let the operation that has waited longest for one try."""
    waiting = await conn.fetchval(queries.next_waiting, operation.shop_id, operation.bucket, operation.kind)
    if waiting is not None:
        await wake_lane(conn, operation.shop_id, lane_of(waiting))


async def keep_probe(conn: Connection, operation: Operation, document: str, dropped: Sequence[str]) -> None:
    """Note what the probe has shown."""
    await conn.execute(queries.keep_probe, operation.shop_id, operation.operation_id, document, list(dropped))


async def keep_upload(conn: Connection, operation: Operation, path: str | None) -> None:
    """Note where the lines are; None: nowhere any more."""
    await conn.execute(queries.keep_upload, operation.shop_id, operation.operation_id, path)


async def keep_seen(conn: Connection, operation: Operation, remote: RemoteOperation, message: str | None = None) -> bool:
    """Keep what Shopify says; returns whether it was rung for or cancelled after `operation` was read."""
    row = await conn.fetchrow(
        queries.keep_seen,
        operation.shop_id,
        operation.operation_id,
        remote.status,
        remote.gid,
        remote.object_count,
        remote.root_object_count,
        remote.file_size,
        remote.url,
        remote.partial_data_url,
        remote.error_code,
        remote.completed_at,
        message,
    )
    if "part_of" in operation.facts:
        await conn.execute(queries.note_parts_progress, operation.shop_id, str(operation.facts["part_of"]))
    assert row is not None
    return bool(row["rung_at"] != operation.rung_at or row["cancel_requested"] != operation.cancel_requested)


async def end_operation(conn: Connection, operation: Operation, status: str, code: str | None, message: str | None) -> None:
    """End an operation on our side."""
    await conn.execute(queries.end_operation, operation.shop_id, operation.operation_id, status, code, message)


async def sweep_operations(conn: Connection) -> None:
    """Forget operations that ended 30 days ago."""
    await conn.execute(queries.sweep_operations, KEEP_DAYS, SWEEP_ROWS)
