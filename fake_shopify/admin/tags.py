"""Tags: how Shopify cleans a list of them, and the two mutations that change those of any object."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from fake_shopify.context import Context, split_gid
from fake_shopify.failures import invalid_id, user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

TOPICS = {
    "Article": None,
    "Customer": "customers/update",
    "DraftOrder": "draft_orders/update",
    "Order": "orders/updated",
    "Product": "products/update",
}
"""Types that have tags, with the topic of a change.

Source: shopify.dev/docs/api/admin-graphql/latest/mutations/tagsAdd (read 2026-11)."""


def split(tags: Iterable[str] | str | None) -> list[str]:
    """Take a list of tags apart: every entry may hold several with commas between; blanks are dropped."""
    entries = [tags] if isinstance(tags, str) else list(tags or [])
    return [part.strip() for entry in entries for part in entry.split(",") if part.strip()]


def normalized(tags: Iterable[str] | str | None) -> list[str]:
    """Return tags as Shopify keeps them: each once regardless of case, the first spelling wins, sorted regardless of case.

    Captured: BEHAVIOURS 21 (products-114..118).
    """
    first: dict[str, str] = {}
    for tag in split(tags):
        first.setdefault(tag.lower(), tag)
    return sorted(first.values(), key=str.lower)


def without(tags: Iterable[str], removed: Iterable[str] | str) -> list[str]:
    """Return tags without those in `removed`, regardless of case."""
    gone = {tag.lower() for tag in split(removed)}
    return [tag for tag in tags if tag.lower() not in gone]


def _tagged(ctx: Context, id: str) -> Row | dict[str, Any]:
    kind = split_gid(id)[0]
    if kind not in TOPICS:
        raise invalid_id(id)
    row = ctx.edit(kind, id)
    if row is not None:
        return row
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).capitalize()
    return {"node": None, "userErrors": [user_error(["id"], f"{words} does not exist")]}


def _changed(ctx: Context, row: Row, tags: list[str]) -> dict[str, Any]:
    if tags != row["tags"]:
        row["tags"] = tags
        row["updatedAt"] = ctx.now()
        topic = TOPICS[row["__typename"]]
        if topic is not None:
            ctx.shop.emit(topic, {"admin_graphql_api_id": row["id"], "id": row.number, "tags": ", ".join(tags)})
    return {"node": row, "userErrors": []}


@mutation("tagsAdd")
def tags_add(ctx: Context, id: str, tags: Any) -> dict[str, Any]:
    """Add tags to an object (captured: products-001..004, 114..118)."""
    row = _tagged(ctx, id)
    return _changed(ctx, row, normalized([*row["tags"], *split(tags)])) if isinstance(row, Row) else row


@mutation("tagsRemove")
def tags_remove(ctx: Context, id: str, tags: Any) -> dict[str, Any]:
    """Take tags off an object, regardless of case; a tag that is not there is no error (captured: products-117)."""
    row = _tagged(ctx, id)
    return _changed(ctx, row, without(row["tags"], tags)) if isinstance(row, Row) else row
