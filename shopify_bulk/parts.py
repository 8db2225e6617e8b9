"""A bulk mutation in parts: one operation at Shopify per file, and one of ours over them that callers know.

The whole is never at Shopify itself. What its parts bring is summed up in the transaction that notes the end of each.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from shopify_bulk.operations import Draft, Operation, add_operation, lane_of, operation_name, queries
from shopify_bulk.uploads import Portion
from shopify_kit.database import Connection
from shopify_kit.jobs import wake_lane


async def split(conn: Connection, operation: Operation, files: Sequence[Portion]) -> bool:
    """Hand the lines of an operation to parts, a file each; False when nobody wants it any more."""
    place = (operation.shop_id, operation.operation_id)
    if await conn.fetchval(queries.become_whole, *place, len(files)):
        return False
    for number, portion in enumerate(files):
        part = await add_operation(conn, _draft(operation, number, portion))
        await conn.execute(queries.move_pieces, *place, part.operation_id, portion.first, portion.last)
    return True


def _draft(operation: Operation, number: int, portion: Portion) -> Draft:
    operation_id = uuid.uuid4()
    return Draft(
        operation.shop_id,
        operation.kind,
        operation.purpose,
        operation.user_id,
        operation.bucket,
        operation.document.replace(operation.name, operation_name(operation_id)),
        operation_id,
        facts={**operation.facts, "part_of": str(operation.operation_id), "part": number, "first_line": portion.first_line},
        expected_objects=portion.line_count,
        is_probed=True,
    )


async def sum_up(conn: Connection, operation: Operation) -> uuid.UUID | None:
    """Follow from the end of a mutation; returns what is over for whoever started it: itself, the whole, or nothing yet."""
    await conn.execute(queries.forget_pieces, operation.shop_id, operation.operation_id)
    whole = operation.facts.get("part_of")
    if whole is None:
        return operation.operation_id
    await conn.execute(queries.note_parts_progress, operation.shop_id, str(whole))
    ended: uuid.UUID | None = await conn.fetchval(queries.sum_up_parts, operation.shop_id, str(whole))
    return ended


async def cancel(conn: Connection, operation: Operation) -> bool:
    """Note that nobody wants an operation any more, nor its parts; False when it is over already."""
    if not await conn.fetchval(queries.request_cancel, operation.shop_id, operation.operation_id):
        return False
    parts = await conn.fetch(queries.cancel_parts, operation.shop_id, str(operation.operation_id))
    for operation_id in (operation.operation_id, *(row["operation_id"] for row in parts)):
        await wake_lane(conn, operation.shop_id, lane_of(operation_id))
    return True
