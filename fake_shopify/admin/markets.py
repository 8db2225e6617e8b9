"""Markets and publications as they are read, and the region that stands in where nothing is known about a buyer."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin.countries import country_names
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, SortKey, instant, text
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row
from fake_shopify.search import Field, choice, identifier, words
from fake_shopify.world import gid

FIELDS: dict[str, Field] = {
    "default": words("name"),
    "id": identifier(),
    "name": words("name"),
    "status": choice(lambda row: _status(row), ("ACTIVE", "DRAFT")),
    "market_type": choice(lambda row: row.get("type") or "REGION", ("REGION", "LOCATION", "COMPANY_LOCATION", "CHANNEL", "NONE")),
}
"""Source: shopify.dev/docs/api/admin-graphql/latest/queries/markets (read 2026-11)."""

SORTS: dict[str, SortKey] = {
    "NAME": lambda row: str(row["name"]),
    "STATUS": text("status"),
    "CREATED_AT": instant("createdAt"),
    "UPDATED_AT": instant("updatedAt"),
}
"""Captured: by name unless asked otherwise, the cursor shows the name as it is written (pagination_search-070)."""


def _status(row: Row) -> str:
    return str(row.get("status") or ("ACTIVE" if row.get("enabled", True) else "DRAFT"))


@field("Market", "status")
def _market_status(row: Row, ctx: Context) -> str:
    return _status(row)


@field("Market", "type")
def _market_type(row: Row, ctx: Context) -> str:
    return str(row.get("type") or "REGION")


@query("markets")
def markets(ctx: Context, type: str | None = None, sortKey: str = "NAME", **arguments: Any) -> Connection:
    """List markets (captured: pagination_search-070)."""
    rows = [row for row in ctx.table("Market") if type is None or _market_type(row, ctx) == type]
    return ctx.list(rows, arguments | {"sortKey": sortKey}, fields=FIELDS, sorts=SORTS, sort="NAME")


@query("market")
def market(ctx: Context, id: str) -> Row | None:
    """Answer a market by its GID."""
    ctx.require_type(id, "Market")
    return ctx.find("Market", id)


@query("publications")
def publications(ctx: Context, catalogType: str | None = None, **arguments: Any) -> Connection:
    """List publications by id."""
    return ctx.list(ctx.table("Publication"), arguments, fields={})


@query("publicationsCount")
def publications_count(ctx: Context, catalogType: str | None = None, **arguments: Any) -> dict[str, Any]:
    """Count publications."""
    return ctx.count(ctx.table("Publication"), None, {}, **arguments)


# The backup region


def _region(ctx: Context, country: str) -> dict[str, Any]:
    currency = ctx.shop.settings["currency"]
    return {
        "__typename": "MarketRegionCountry",
        "id": gid("MarketRegionCountry", ctx.shop.number),
        "name": country_names().get(country, country),
        "code": country,
        "currency": {"__typename": "CurrencySetting", "currencyCode": currency, "currencyName": currency, "enabled": True},
    }


@query("backupRegion")
def backup_region(ctx: Context) -> dict[str, Any]:
    """Answer the backup region, the shop's own country unless it was changed."""
    return _region(ctx, ctx.shop.state.get("backup_region", ctx.shop.settings["country"]))


@mutation("backupRegionUpdate")
def backup_region_update(ctx: Context, region: dict[str, Any] | None = None) -> dict[str, Any]:
    """Choose the backup region. Assumed: it must be the country of the shop, the only one with a market here.

    Source: MarketUserErrorCode in the schema 2026-10 (REGION_NOT_FOUND).
    """
    if region is not None and region["countryCode"] != ctx.shop.settings["country"]:
        error = user_error(["region"], "The market region wasn't found.", "REGION_NOT_FOUND")
        return {"backupRegion": None, "userErrors": [error]}
    if region is not None:
        ctx.shop.state["backup_region"] = region["countryCode"]
    return {"backupRegion": backup_region(ctx), "userErrors": []}
