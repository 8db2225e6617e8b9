"""Many discounts at once: activate, deactivate, delete, add and remove tags. What is asked is done at once; the job says so next
time.

Captured: discounts-017 (nothing chosen: no error; every code mutation of the request answers the same job, the automatic one
none), 034 (which search fields the deletion refuses), 053 (several choices), 054.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fake_shopify.admin import discount_rows as rows
from fake_shopify.admin.discount_changes import activate, deactivate, delete
from fake_shopify.admin.discount_nodes import search_fields
from fake_shopify.admin.jobs import new_job
from fake_shopify.admin.saved_searches import with_saved
from fake_shopify.admin.tags import normalized, without
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row
from fake_shopify.search import Group, Malformed, Not, Term, parse, prepare

Payload = dict[str, Any]
IDLE_JOB = "discount_idle_job"
REFUSED_BY_DELETE = frozenset({"code", "discount_class"})
"""Fields that other searches for discounts know and discountCodeBulkDelete does not (captured: discounts-034)."""
TOO_MANY = {
    "DiscountCodeNode": "Only one of 'ids', 'search' or 'saved_search_id' is allowed.",
    "DiscountAutomaticNode": "Only one of IDs, search argument or saved search ID is allowed.",
}


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: arguments[name] for name in ("ids", "search", "savedSearchId") if arguments.get(name) is not None}


def _named_fields(part: Any) -> list[str]:
    if isinstance(part, Term):
        return [] if part.field == "default" else [part.field]
    if isinstance(part, Not):
        return _named_fields(part.part)
    return [name for inner in part.parts for name in _named_fields(inner)] if isinstance(part, Group) else []


def unknown_fields(ctx: Context, text: str) -> list[str]:
    """Return the fields of a search that discountCodeBulkDelete does not know, each once."""
    known = search_fields(ctx).keys() - REFUSED_BY_DELETE
    try:
        names = _named_fields(parse(text))
    except Malformed:
        return []
    return list(dict.fromkeys(name for name in names if name not in known))


def chosen(ctx: Context, holders: tuple[str, ...], given: dict[str, Any]) -> list[Row]:
    """Return the discounts that ids or a search choose; ids of nothing are passed over (assumed)."""
    if "ids" in given:
        return [row for holder in holders for row in (ctx.find(holder, one) for one in given["ids"]) if row is not None]
    search = prepare(with_saved(ctx, given | {"query": given.get("search")}).get("query"), search_fields(ctx))
    return [row for holder in holders for row in ctx.table(holder) if search.matches(row)]


def _idle_job(ctx: Context) -> dict[str, Any]:
    """Answer the job of a request that chose nothing: one for all its mutations (captured: discounts-017)."""
    kept = ctx.shop.state.get(IDLE_JOB)
    if kept is None or kept[0] is not ctx:
        kept = ctx.shop.state[IDLE_JOB] = (ctx, new_job(ctx))
    job: dict[str, Any] = kept[1]
    return job


def _refused(*errors: dict[str, Any]) -> Payload:
    return {"job": None, "userErrors": list(errors)}


def _change(ctx: Context, arguments: dict[str, Any], holders: tuple[str, ...], change: Callable[[Row], Any]) -> Payload:
    given = _given(arguments)
    if len(given) > 1:
        return _refused(user_error(None, TOO_MANY[holders[0]], "TOO_MANY_ARGUMENTS"))
    if not given:
        return {"job": _idle_job(ctx), "userErrors": []}
    for row in chosen(ctx, holders, given):
        change(row)
    return {"job": new_job(ctx), "userErrors": []}


@mutation("discountCodeBulkActivate")
def bulk_activate(ctx: Context, **arguments: Any) -> Payload:
    """Activate discounts that have codes."""
    return _change(ctx, arguments, ("DiscountCodeNode",), lambda row: activate(ctx, row))


@mutation("discountCodeBulkDeactivate")
def bulk_deactivate(ctx: Context, **arguments: Any) -> Payload:
    """Deactivate discounts that have codes."""
    return _change(ctx, arguments, ("DiscountCodeNode",), lambda row: deactivate(ctx, row))


@mutation("discountCodeBulkDelete")
def bulk_delete_codes(ctx: Context, **arguments: Any) -> Payload:
    """Delete discounts that have codes; a search must not name fields that it does not know (captured: discounts-034)."""
    unknown = unknown_fields(ctx, arguments.get("search") or "")
    if unknown and len(_given(arguments)) == 1:
        text = f"Invalid search field(s): {', '.join(unknown)}. Check the query syntax."
        return _refused(user_error(["search"], text, "INVALID"))
    return _change(ctx, arguments, ("DiscountCodeNode",), lambda row: delete(ctx, row))


@mutation("discountAutomaticBulkDelete")
def bulk_delete_automatic(ctx: Context, **arguments: Any) -> Payload:
    """Delete automatic discounts; named ones inline, without a job.

    Captured: discounts-017. Source: mutations/discountAutomaticBulkDelete (read 2026-11: asynchronous with a search, else inline).
    """
    given = _given(arguments)
    if given.keys() <= {"ids"}:
        for row in chosen(ctx, ("DiscountAutomaticNode",), given) if given else ():
            delete(ctx, row)
        return _refused()
    return _change(ctx, arguments, ("DiscountAutomaticNode",), lambda row: delete(ctx, row))


# Tags


def _tagged(ctx: Context, row: Row, tags: list[str]) -> None:
    kept = ctx.table(row["__typename"]).edit(row.number)
    if kept is not None and tags != kept["tags"]:
        kept.update(tags=tags, updatedAt=ctx.now())


@mutation("discountBulkTagsAdd")
def bulk_tags_add(ctx: Context, tags: list[str], **arguments: Any) -> Payload:
    """Add tags to discounts of every kind."""
    return _change(ctx, arguments, rows.NODES, lambda row: _tagged(ctx, row, normalized([*row["tags"], *tags])))


@mutation("discountBulkTagsRemove")
def bulk_tags_remove(ctx: Context, tags: list[str], **arguments: Any) -> Payload:
    """Take tags off discounts of every kind."""
    return _change(ctx, arguments, rows.NODES, lambda row: _tagged(ctx, row, without(row["tags"], tags)))
