"""Bulk operations as an app sees its own: reading, listing and cancelling them."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin.nodes import node_of
from fake_shopify.bulk_desk import BulkDesk, Operation
from fake_shopify.bulk_downloads import result_address
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, SortKey
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row
from fake_shopify.search import Field, choice, identifier, moment, prepare

STATUSES = ("canceled", "canceling", "completed", "created", "failed", "running")
TYPES = ("query", "mutation")
SORTS: dict[str, SortKey] = {"CREATED_AT": lambda row: row["_created"], "COMPLETED_AT": lambda row: row["_completed"]}


def desk_of(ctx: Context) -> BulkDesk:
    """Return the desk of this fake."""
    assert ctx.world.bulk is not None
    return ctx.world.bulk


def operation_of(row: Row) -> Operation:
    """Return what stands behind the row of an operation."""
    found: Operation = row["_operation"]
    return found


def own(ctx: Context, gid: str) -> Row | None:
    """Return an operation of the calling app; nobody sees those of others."""
    desk_of(ctx).settle()
    row = ctx.find("BulkOperation", gid)
    return row if row is not None and row["_client_id"] == ctx.grant.client_id else None


def all_own(ctx: Context) -> list[Row]:
    """Return the operations of the calling app, oldest first."""
    desk_of(ctx).settle()
    return [row for row in ctx.table("BulkOperation") if row["_client_id"] == ctx.grant.client_id]


# Reading


@query("bulkOperation")
def bulk_operation(ctx: Context, id: str) -> Row | None:
    """Answer an operation by id (captured: null for an unknown one, pagination_search-003; another type, bulk_operations-046)."""
    ctx.require_type(id, "BulkOperation")
    return own(ctx, id)


@node_of("BulkOperation")
def _bulk_operation_node(ctx: Context, id: str) -> Row | None:
    """Answer an operation through `node` (captured: bulk_operations-040, 053)."""
    return own(ctx, id)


@query("currentBulkOperation")
def current_bulk_operation(ctx: Context, type: str = "QUERY") -> Row | None:
    """Answer the newest operation of a kind, finished or not (captured: pagination_search-007, 031).

    Source: queries/currentBulkOperation (the kind is QUERY unless given; read 2026-11).
    """
    rows = [row for row in all_own(ctx) if row["type"] == (type or "QUERY")]
    return rows[-1] if rows else None


def _fields(ctx: Context) -> dict[str, Field]:
    return {
        "id": identifier(),
        "created_at": moment("createdAt", ctx.shop.settings["zone"], strict_name="created_at"),
        "operation_type": choice("type", TYPES),
        "status": choice("status", STATUSES),
    }


@query("bulkOperations")
def bulk_operations(ctx: Context, **arguments: Any) -> Connection:
    """List the app's operations, the newest first.

    Captured: `reverse: true` begins with the oldest, those without an end count as the earliest by COMPLETED_AT
    (pagination_search-030, 032); a value that is none is reported and finds nothing (bulk_operations-043 … 045); what is no
    instant is refused (pagination_search-011). What ended more than seven days ago is not listed: read out of bulk_operations-055.
    """
    known = _fields(ctx)
    search = prepare(arguments.get("query"), known)
    # An instant that is none is refused although there may be no operation to compare it with.
    search.matches(Row(_id=0, createdAt=ctx.now(), type="QUERY", status="CREATED"))
    is_known = all(warning["code"] != "invalid_value" for warning in search.warnings)
    rows = [row for row in all_own(ctx) if is_known and not desk_of(ctx).is_expired(operation_of(row))]
    backwards = arguments | {"reverse": not arguments.get("reverse")}
    return ctx.list(rows, backwards, fields=known, sorts=SORTS, sort="CREATED_AT")


# Fields


@field("BulkOperation", "objectCount")
def _object_count(row: Row, ctx: Context) -> str:
    operation = operation_of(row)
    return str(max(0, operation.objects + _untruth(operation, operation.script.object_count_off)))


@field("BulkOperation", "rootObjectCount")
def _root_object_count(row: Row, ctx: Context) -> str:
    operation = operation_of(row)
    return str(max(0, operation.roots + _untruth(operation, operation.script.root_object_count_off)))


def _untruth(operation: Operation, offset: int) -> int:
    return 0 if operation.is_unfinished else offset


@field("BulkOperation", "fileSize")
def _file_size(row: Row, ctx: Context) -> str | None:
    """Answer the size of a completed result (captured: null before the end and when cancelled; assumed: null without lines)."""
    operation = operation_of(row)
    if row["status"] != "COMPLETED" or not operation.objects:
        return None
    return str(max(0, operation.file.size + operation.script.file_size_off))


@field("BulkOperation", "url")
def _url(row: Row, ctx: Context) -> str | None:
    """Answer the address of a result; one without lines has none (source: …/bulk-operations/queries, read 2026-11)."""
    operation = operation_of(row)
    is_there = row["status"] == "COMPLETED" or (row["status"] == "CANCELED" and operation.script.canceled_url)
    if not is_there or not operation.objects or operation.script.no_url:
        return None
    return result_address(desk_of(ctx), operation, ctx.base_url)


@field("BulkOperation", "partialDataUrl")
def _partial_data_url(row: Row, ctx: Context) -> str | None:
    """Answer the address of what a failed operation had written (source: objects/BulkOperation; read 2026-11)."""
    operation, desk = operation_of(row), desk_of(ctx)
    if row["status"] != "FAILED" or not operation.objects or not operation.script.partial_data or desk.is_expired(operation):
        return None
    return result_address(desk, operation, ctx.base_url)


# Cancelling


@mutation("bulkOperationCancel")
def bulk_operation_cancel(ctx: Context, id: str) -> dict[str, Any]:
    """Begin to cancel an operation.

    Captured: an unknown id (bulk_operations-038), a completed operation (040), the counts that were reached stay (001). Assumed:
    other finished ones are refused in the same words, and one that is being cancelled already.
    """
    ctx.require_type(id, "BulkOperation")
    row = own(ctx, id)
    if row is None:
        return {"bulkOperation": None, "userErrors": [user_error(["id"], "Bulk operation does not exist")]}
    if row["status"] not in ("CREATED", "RUNNING"):
        text = f"A bulk operation cannot be canceled when it is {row['status'].lower()}"
        return {"bulkOperation": row, "userErrors": [user_error(None, text)]}
    desk_of(ctx).cancel(operation_of(row))
    return {"bulkOperation": row, "userErrors": []}
