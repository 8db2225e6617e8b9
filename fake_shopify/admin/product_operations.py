"""Operations: what asynchronous productSet, productDelete and productDuplicate give out instead of their result.

The work is done at once; only what an operation says of itself takes some requests. Captured: a deletion is CREATED, then ACTIVE,
first without and then with `deletedProductId`, then COMPLETE (products-041..043); the others are COMPLETE when they are asked for
(products-045, 046, 058).
"""

from __future__ import annotations

from typing import Any

from fake_shopify.admin.nodes import node_of
from fake_shopify.context import Context
from fake_shopify.registry import query
from fake_shopify.rows import Row

IN_PROGRESS = "Another operation already in progress. Please wait until current one is finished."
KINDS = ("ProductSetOperation", "ProductDeleteOperation", "ProductDuplicateOperation", "ProductBundleOperation")
DELETION_READS = 4


def _begun(ctx: Context, kind: str, **result: Any) -> dict[str, Any]:
    row = ctx.shop.new_row(kind, _reads=0, _result=result)
    return {"__typename": kind, "id": row["id"], "status": "CREATED", "userErrors": []}


def setting(ctx: Context, product: Row | None, errors: list[dict[str, Any]]) -> dict[str, Any]:
    """Begin a productSet operation with what it will say."""
    return _begun(ctx, "ProductSetOperation", product=_name(product), userErrors=errors) | {"product": None}


def duplication(ctx: Context, source: Row | None, copy: Row | None, errors: list[dict[str, Any]]) -> dict[str, Any]:
    """Begin a duplication with what it will say; the source is shown from the start (captured: products-046)."""
    started = _begun(ctx, "ProductDuplicateOperation", product=_name(source), newProduct=_name(copy), userErrors=errors)
    return started | {"product": source, "newProduct": None}


def deletion(ctx: Context, product_id: str) -> dict[str, Any]:
    """Begin a deletion; until it is complete the product cannot be deleted again."""
    started = _begun(ctx, "ProductDeleteOperation", deletedProductId=product_id, userErrors=[])
    ctx.shop.state.setdefault("deletions", {})[product_id] = started["id"]
    return started | {"deletedProductId": None, "product": None}


def is_being_deleted(ctx: Context, product_id: str) -> bool:
    """Say whether a deletion of this product is not complete yet."""
    row = ctx.find("ProductDeleteOperation", ctx.shop.state.get("deletions", {}).get(product_id))
    return row is not None and row["_reads"] < DELETION_READS


def _name(row: Row | None) -> str | None:
    return row["id"] if row is not None else None


@node_of(*KINDS)
def operation(ctx: Context, id: str) -> dict[str, Any] | None:
    """Answer what an operation says of itself now."""
    row = next((found for found in (ctx.find(kind, id) for kind in KINDS) if found is not None), None)
    if row is None:
        return None
    row["_reads"] += 1
    view: dict[str, Any] = {"__typename": row["__typename"], "id": id, "status": "COMPLETE"} | row["_result"]
    for name in ("product", "newProduct"):
        view[name] = ctx.find("Product", view.get(name))
    if row["__typename"] == "ProductDeleteOperation" and row["_reads"] < DELETION_READS:
        view["status"] = "ACTIVE"
        view["deletedProductId"] = view["deletedProductId"] if row["_reads"] > 1 else None
    return view


@query("productOperation")
def product_operation(ctx: Context, id: str) -> dict[str, Any] | None:
    """Answer an operation by id."""
    ctx.require_type(id, *KINDS)
    return operation(ctx, id)
