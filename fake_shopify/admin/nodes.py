"""The roots that serve every type: `node` and `nodes`.

A row of a table is found by type and number. A domain whose objects live elsewhere (a level inside its item, a line inside its
order) registers a finder with `node_of`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fake_shopify.context import Context, split_gid
from fake_shopify.registry import query

Finder = Callable[[Context, str], Any]
F = TypeVar("F", bound=Finder)

FINDERS: dict[str, Finder] = {}


def node_of(*type_names: str) -> Callable[[F], F]:
    """Register how a GID of these types is looked up: `function(ctx, gid)` returning an object with `__typename`, or None."""

    def decorate(function: F) -> F:
        for name in type_names:
            FINDERS[name] = function
        return function

    return decorate


@query("node")
def node(ctx: Context, id: str) -> Any:
    """Answer any object by GID; a well-formed id of nothing is null (captured: BEHAVIOURS 41)."""
    kind, number = split_gid(id)
    finder = FINDERS.get(kind)
    if finder is not None:
        return finder(ctx, id)
    return ctx.table(kind).get(int(number)) if number.isdigit() and kind in ctx.shop.tables else None


@query("nodes")
def nodes(ctx: Context, ids: list[str]) -> list[Any]:
    """Answer several objects, null in the place of what is not there (captured: BEHAVIOURS 41, inventory-107)."""
    return [node(ctx, one) for one in ids]
