"""Discounts are looked up and listed here: all of them, those with codes, automatic ones, one by id or by code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fake_shopify.admin import discount_rows as rows
from fake_shopify.admin.discount_fields import CODE_FIELDS, discount_node, view
from fake_shopify.admin.nodes import node_of
from fake_shopify.admin.products import text_connection
from fake_shopify.admin.saved_searches import with_saved
from fake_shopify.context import Context, split_gid
from fake_shopify.paging import Connection, SortKey, instant, text
from fake_shopify.registry import query
from fake_shopify.rows import Row, Table
from fake_shopify.search import Field, exact, identifier, moment, number, words

SORTS: dict[str, SortKey] = {
    "TITLE": text("title"),
    "CREATED_AT": instant("createdAt"),
    "UPDATED_AT": instant("updatedAt"),
    "STARTS_AT": instant("startsAt"),
    "ENDS_AT": instant("endsAt"),
}
"""Captured: TITLE with the title in lower case in its cursors (pagination_search-052, discounts-045)."""


def search_fields(ctx: Context) -> dict[str, Field]:
    """Return what a search for discounts may name.

    Source: shopify.dev/docs/api/admin-graphql/latest/queries/discountNodes (read 2026-11). Captured: `status` (discounts-045,
    pagination_search-053), `title` (pagination_search-051).
    """
    zone = ctx.shop.settings["zone"]

    def codes(row: Row) -> list[str]:
        return [code["code"] for code in rows.codes_of(ctx.shop, row)]

    kinds = exact(_types)
    return {
        "default": words("title", codes),
        "id": identifier(),
        "title": words("title"),
        "code": exact(codes),
        "status": exact(lambda row: rows.status(row, ctx.world.clock.now())),
        "type": kinds,
        "discount_type": kinds,
        "discount_class": exact(rows.classes),
        "method": exact(lambda row: "code" if row["_kind"] in rows.CODE_KINDS else "automatic"),
        "combines_with": exact(_combinations),
        "times_used": number("asyncUsageCount"),
        **{name: moment(shown, zone) for name, shown in _MOMENTS.items()},
    }


_MOMENTS = {"created_at": "createdAt", "updated_at": "updatedAt", "starts_at": "startsAt", "ends_at": "endsAt"}


def _types(row: Row) -> list[str]:
    kind = row["_kind"]
    names = {"App": "app", "Bxgy": "bxgy", "FreeShipping": "free_shipping"}
    own = next((name for end, name in names.items() if kind.endswith(end)), None)
    if own is None:
        own = "percentage" if "percentage" in row["_value"] else "fixed_amount"
    return [own, "all_with_app"] if own == "app" else [own, "all", "all_with_app"]


def _combinations(row: Row) -> list[str]:
    names = {
        "orderDiscounts": "order_discounts",
        "productDiscounts": "product_discounts",
        "shippingDiscounts": "shipping_discounts",
    }
    return [shown for name, shown in names.items() if row["_combines"][name]]


def find(ctx: Context, id: str) -> Row | None:
    """Return the discount behind the GID of any of the three node types, None when there is none."""
    ctx.require_type(id, *rows.NODES, "DiscountNode")
    kind, tail = split_gid(id)
    tables = rows.NODES if kind == "DiscountNode" else (kind,)
    found = (ctx.table(name).get(int(tail)) for name in tables if tail.isdigit())
    return next((row for row in found if row is not None), None)


def _list(ctx: Context, found: Table | Iterable[Row], arguments: dict[str, Any]) -> Connection:
    return ctx.list(found, with_saved(ctx, arguments), fields=search_fields(ctx), sorts=SORTS)


def _shown_as(connection: Connection, show: Any) -> dict[str, Any]:
    """Show every row of a connection in another form."""
    nodes = [show(row) for row in connection["nodes"]]
    cursors = [edge["cursor"] for edge in connection.get("edges", ())]
    edges = [{"node": node, "cursor": cursor} for node, cursor in zip(nodes, cursors, strict=False)]
    return dict(connection) | {"edges": edges, "nodes": nodes}


# All discounts


@query("discountNodes")
def discount_nodes(ctx: Context, **arguments: Any) -> dict[str, Any]:
    """List discounts of every kind (captured: discounts-045, pagination_search-051..053)."""
    return _shown_as(_list(ctx, list(rows.all_discounts(ctx.shop)), arguments), discount_node)


@query("discountNode")
def one_discount(ctx: Context, id: str) -> Row | None:
    """Answer a discount by the GID of its node, or of the node that stands for both (captured: discounts-045)."""
    row = find(ctx, id)
    return discount_node(row) if row is not None else None


@node_of("DiscountNode")
def _discount_node(ctx: Context, id: str) -> Row | None:
    return one_discount(ctx, id)


@query("discountNodesCount")
def discount_nodes_count(ctx: Context, limit: int | None = None, **arguments: Any) -> dict[str, Any]:
    """Count discounts (captured: pagination_search-051..053, 058, 059)."""
    wanted = with_saved(ctx, arguments).get("query")
    return ctx.count(list(rows.all_discounts(ctx.shop)), wanted, search_fields(ctx), limit)


@query("discountTags")
def discount_tags(ctx: Context, **arguments: Any) -> dict[str, Any]:
    """List the tags of all discounts."""
    return text_connection((tag for row in rows.all_discounts(ctx.shop) for tag in row["tags"]), arguments)


# Discounts with codes


@query("codeDiscountNodes")
def code_discount_nodes(ctx: Context, **arguments: Any) -> Connection:
    """List discounts that have codes."""
    return _list(ctx, ctx.table("DiscountCodeNode"), arguments)


@query("codeDiscountNode")
def code_discount_node(ctx: Context, id: str) -> Row | None:
    """Answer a discount that has codes (captured: pagination_search-060, 062)."""
    ctx.require_type(id, "DiscountCodeNode")
    return ctx.find("DiscountCodeNode", id)


@query("codeDiscountNodeByCode")
def code_discount_node_by_code(ctx: Context, code: str) -> Row | None:
    """Answer the discount that a code redeems, regardless of case.

    Captured: pagination_search-060. Source: queries/codeDiscountNodeByCode (read 2026-11: not case-sensitive).
    """
    return rows.discount_of_code(ctx.shop, code)


@query("discountCodesCount")
def discount_codes_count(ctx: Context, query: str | None = None, limit: int | None = None) -> dict[str, Any]:
    """Count the codes of all discounts."""
    return ctx.count(ctx.table("DiscountRedeemCode"), query, CODE_FIELDS, limit)


# Automatic discounts


@query("automaticDiscountNodes")
def automatic_discount_nodes(ctx: Context, **arguments: Any) -> Connection:
    """List automatic discounts."""
    return _list(ctx, ctx.table("DiscountAutomaticNode"), arguments)


@query("automaticDiscountNode")
def automatic_discount_node(ctx: Context, id: str) -> Row | None:
    """Answer an automatic discount; the id of another discount finds none (captured: pagination_search-047)."""
    ctx.require_type(id, "DiscountAutomaticNode", "DiscountCodeNode")
    return ctx.find("DiscountAutomaticNode", id)


@query("automaticDiscounts")
def automatic_discounts(ctx: Context, **arguments: Any) -> dict[str, Any]:
    """List automatic discounts without their nodes."""
    return _shown_as(_list(ctx, ctx.table("DiscountAutomaticNode"), arguments), view)


@query("automaticDiscount")
def automatic_discount(ctx: Context, id: str) -> Row | None:
    """Answer an automatic discount without its node."""
    row = automatic_discount_node(ctx, id)
    return view(row) if row is not None else None


# Saved searches


def _saved(kind: str) -> Any:
    def answer(ctx: Context, query: str | None = None, **arguments: Any) -> Connection:
        return ctx.list([row for row in ctx.table("SavedSearch") if row["resourceType"] == kind], arguments, fields={})

    return answer


for _root in ("automaticDiscountSavedSearches", "codeDiscountSavedSearches"):
    query(_root)(_saved("PRICE_RULE"))
query("discountRedeemCodeSavedSearches")(_saved("DISCOUNT_REDEEM_CODE"))
