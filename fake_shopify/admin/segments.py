"""Customer segments: named queries. Who belongs to one is not computed; that needs the segment query language.

Source: shopify.dev/docs/api/admin-graphql/latest/mutations/segmentCreate (names are unique; read 2026-11). Captured:
pagination_search-040 (sort keys). Assumed: the wordings of the refusals, and that any text is a query.
"""

from __future__ import annotations

from typing import Any

from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, SortKey, instant
from fake_shopify.registry import mutation, query
from fake_shopify.rows import Row
from fake_shopify.search import identifier, words

SORTS: dict[str, SortKey] = {"CREATION_DATE": instant("creationDate"), "LAST_EDIT_DATE": instant("lastEditDate")}
NOT_FOUND = "Segment does not exist"


def _errors(ctx: Context, name: str | None, text: str | None, *, own: int | None) -> list[dict[str, Any]]:
    errors = []
    if name is not None and not name.strip():
        errors.append(user_error(["name"], "Name can't be blank"))
    if name is not None and any(row["name"] == name and row.number != own for row in ctx.table("Segment")):
        errors.append(user_error(["name"], "Name has already been taken"))
    if text is not None and not text.strip():
        errors.append(user_error(["query"], "Query can't be blank"))
    return errors


@mutation("segmentCreate")
def segment_create(ctx: Context, name: str, query: str) -> dict[str, Any]:
    """Create a segment."""
    errors = _errors(ctx, name, query, own=None)
    if errors:
        return {"segment": None, "userErrors": errors}
    now = ctx.now()
    row = ctx.shop.new_row("Segment", name=name, query=query, creationDate=now, lastEditDate=now)
    ctx.shop.emit("segments/create", {"admin_graphql_api_id": row["id"], "name": name})
    return {"segment": row, "userErrors": []}


@mutation("segmentUpdate")
def segment_update(ctx: Context, id: str, name: str | None = None, query: str | None = None) -> dict[str, Any]:
    """Change a segment's name or query."""
    ctx.require_type(id, "Segment")
    row = ctx.edit("Segment", id)
    errors = [user_error(["id"], NOT_FOUND)] if row is None else _errors(ctx, name, query, own=row.number)
    if row is None or errors:
        return {"segment": None, "userErrors": errors}
    row.update(name=name or row["name"], query=query or row["query"], lastEditDate=ctx.now())
    ctx.shop.emit("segments/update", {"admin_graphql_api_id": row["id"], "name": row["name"]})
    return {"segment": row, "userErrors": []}


@mutation("segmentDelete")
def segment_delete(ctx: Context, id: str) -> dict[str, Any]:
    """Delete a segment."""
    ctx.require_type(id, "Segment")
    row = ctx.find("Segment", id)
    if row is None:
        return {"deletedSegmentId": None, "userErrors": [user_error(["id"], NOT_FOUND)]}
    ctx.table("Segment").remove(row.number)
    ctx.shop.emit("segments/delete", {"admin_graphql_api_id": row["id"]})
    return {"deletedSegmentId": row["id"], "userErrors": []}


@query("segment")
def segment(ctx: Context, id: str) -> Row | None:
    """Answer one segment, or null."""
    ctx.require_type(id, "Segment")
    return ctx.find("Segment", id)


@query("segments")
def segments(ctx: Context, **arguments: Any) -> Connection:
    """List segments."""
    return ctx.list(
        ctx.table("Segment"), arguments, fields={"default": words("name"), "id": identifier(), "name": words("name")}, sorts=SORTS
    )


@query("segmentsCount")
def segments_count(ctx: Context, limit: int | None = None) -> dict[str, Any]:
    """Count segments."""
    return ctx.count(ctx.table("Segment"), None, {}, limit)
