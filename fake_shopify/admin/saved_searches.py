"""Saved searches: texts of the search syntax kept under a name, and their use by lists that take `savedSearchId`."""

from __future__ import annotations

import re
from typing import Any

from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection
from fake_shopify.registry import mutation, query
from fake_shopify.rows import Row

RESERVED = re.compile(r"(?<=[\w])-(?=\w)")
MAX_NAME = 40


def with_saved(ctx: Context, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return a list's arguments with the text of `savedSearchId` taken into `query`."""
    row = ctx.find("SavedSearch", arguments.get("savedSearchId"))
    if row is None:
        return arguments
    both = [text for text in (row["query"], arguments.get("query")) if text and text.strip()]
    return arguments | {"query": f"({both[0]}) AND ({both[1]})" if len(both) > 1 else "".join(both)}


def _stored(text: str) -> str:
    """Write a query as it is kept: hyphens inside words are escaped (captured: products-054, in the read after the creation)."""
    return RESERVED.sub(r"\\-", text)


def _name_errors(ctx: Context, name: str | None, kind: str | None, own: Row | None = None) -> list[dict[str, Any]]:
    """Check a name (assumed wording, after Shopify's usual validations)."""
    if not (name or "").strip():
        return [user_error(["input", "name"], "Name can't be blank")]
    assert name is not None
    if len(name) > MAX_NAME:
        return [user_error(["input", "name"], f"Name is too long (maximum is {MAX_NAME} characters)")]
    same = (row for row in ctx.table("SavedSearch") if row is not own and row["resourceType"] == kind)
    return [user_error(["input", "name"], "Name has already been taken")] if any(r["name"] == name for r in same) else []


@mutation("savedSearchCreate")
def saved_search_create(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Keep a search; the answer still shows the text as it was sent (captured: products-054)."""
    errors = _name_errors(ctx, input["name"], input["resourceType"])
    if errors:
        return {"savedSearch": None, "userErrors": errors}
    row = ctx.shop.new_row(
        "SavedSearch",
        name=input["name"],
        query=_stored(input["query"]),
        resourceType=input["resourceType"],
        searchTerms="",
        filters=[],
    )
    return {"savedSearch": row | {"query": input["query"]}, "userErrors": []}


@mutation("savedSearchUpdate")
def saved_search_update(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Change name or text of a saved search."""
    row = ctx.edit("SavedSearch", input["id"])
    if row is None:
        return {"savedSearch": None, "userErrors": [user_error(["input", "id"], "Saved Search does not exist")]}
    if input.get("name") is not None:
        errors = _name_errors(ctx, input["name"], row["resourceType"], row)
        if errors:
            return {"savedSearch": row, "userErrors": errors}
        row["name"] = input["name"]
    if input.get("query") is not None:
        row["query"] = _stored(input["query"])
    return {"savedSearch": row, "userErrors": []}


@mutation("savedSearchDelete")
def saved_search_delete(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Delete a saved search."""
    row = ctx.find("SavedSearch", input["id"])
    if row is None:
        return {"deletedSavedSearchId": None, "userErrors": [user_error(["input", "id"], "Saved Search does not exist")]}
    ctx.table("SavedSearch").remove(row.number)
    return {"deletedSavedSearchId": input["id"], "userErrors": []}


def _list_of(kind: str) -> Any:
    def answer(ctx: Context, **arguments: Any) -> Connection:
        return ctx.list([row for row in ctx.table("SavedSearch") if row["resourceType"] == kind], arguments, fields={})

    return answer


for _root, _kind in (
    ("productSavedSearches", "PRODUCT"),
    ("collectionSavedSearches", "COLLECTION"),
    ("orderSavedSearches", "ORDER"),
    ("draftOrderSavedSearches", "DRAFT_ORDER"),
    ("customerSavedSearches", "CUSTOMER"),
    ("fileSavedSearches", "FILE"),
):
    query(_root)(_list_of(_kind))
