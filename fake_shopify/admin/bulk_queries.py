"""Bulk queries: `bulkOperationRunQuery` checks a document and begins to write its result."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fake_shopify.admin.bulk_operations import desk_of
from fake_shopify.bulk_documents import BulkDocument, read_query
from fake_shopify.bulk_lines import Object, Result, shuffled
from fake_shopify.bulk_reading import Reader, reading
from fake_shopify.bulk_scripts import Script
from fake_shopify.bulk_selection import Selection
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation

LIMIT_TEXT = "Bulk operations limit reached. Please try again later."
MANY_SINCE = "2026-01"
SLOTS = 5


def no_slot(ctx: Context, type: str, script: Script) -> dict[str, Any] | None:
    """Return the user error for an operation that must wait, None when there is a slot.

    Source: shopify.dev/changelog/faster-bulk-operations (five of each kind per app and shop since 2026-01, one before; read
    2026-11), enums/BulkOperationUserErrorCode (LIMIT_REACHED). Captured: the words while one ran (bulk_operations-051, 052); that
    those of five list all of them is reported by users.
    """
    if script.refuse == "LIMIT_REACHED":
        return user_error(None, LIMIT_TEXT, "LIMIT_REACHED")
    taken = desk_of(ctx).slots_taken(ctx.shop, ctx.grant.client_id, type)
    if script.refuse is None and len(taken) < (SLOTS if ctx.version >= MANY_SINCE else 1):
        return None
    listed = f": {', '.join(one.row['id'] for one in taken)}" if taken else ""
    text = f"A bulk {type.lower()} operation for this app and shop is already in progress{listed}."
    return user_error(None, text, "OPERATION_IN_PROGRESS")


@mutation("bulkOperationRunQuery")
def bulk_operation_run_query(ctx: Context, query: str, groupObjects: bool) -> dict[str, Any]:
    """Begin a bulk query (captured: bulk_operations-002, 024 … 029, 041, 042)."""
    document = read_query(ctx, query)
    if isinstance(document, list):
        return {"bulkOperation": None, "userErrors": document}
    desk = desk_of(ctx)
    script = desk.scripts.take(ctx.shop.domain, "QUERY", query)
    refused = no_slot(ctx, "QUERY", script)
    if refused is not None:
        return {"bulkOperation": None, "userErrors": [refused]}
    order = script.order or ("grouped" if groupObjects else "flat")

    def result() -> Iterable[Object]:
        found = _result(ctx, document, script, grouped=order == "grouped")
        return shuffled(iter(found), script.seed, script.window) if order == "shuffled" else found

    return {"bulkOperation": desk.begin(ctx.shop, ctx.grant.client_id, "QUERY", query, result, script), "userErrors": []}


def _result(ctx: Context, document: BulkDocument, script: Script, *, grouped: bool) -> Result:
    """Begin to execute a document on the shop as it is now."""
    own = Reader(ctx.world, reading(ctx.shop), ctx.grant, ctx.schema, ctx.base_url)
    selection = Selection(own, document.operation, document.fragments)
    return Result(selection.children(), grouped=grouped, most_children=script.children, omit_every=script.omit_every)
