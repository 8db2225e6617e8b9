"""Rows of collections, made from plain values: for mutations as well as for seeding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fake_shopify.admin import handles
from fake_shopify.rows import Row
from fake_shopify.world import Shop, gid

DEFAULT_ORDER = "BEST_SELLING"


def collection_row(number: int, now: str, *, title: str, handle: str, product_ids: Sequence[int] = (), **values: Any) -> Row:
    """Build a collection; `values` replace the defaults of one that was just created (captured: collections-002)."""
    row = Row(
        __typename="Collection",
        _id=number,
        id=gid("Collection", number),
        title=title,
        handle=handle,
        descriptionHtml="",
        sortOrder=DEFAULT_ORDER,
        templateSuffix=None,
        seo={"__typename": "SEO", "title": None, "description": None},
        image=None,
        updatedAt=now,
        _product_ids=list(product_ids),
        _rule_set=None,
        _rules_since=None,
        _publications={},
    )
    row.update(values)
    return row


def new_collection(shop: Shop, now: str, *, title: str, handle: str | None = None, **values: Any) -> Row:
    """Make a collection and keep it; without a handle it gets one from its title, free of collisions."""
    number = shop.new_id("Collection")
    wanted = handle or handles.free(shop, "Collection", handles.made_from(title, "collection"))
    row = collection_row(number, now, title=title, handle=wanted, **values)
    handles.move(shop, "Collection", number, None, wanted)
    return shop.table("Collection").add(row)
