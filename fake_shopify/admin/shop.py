"""The shop itself, the installed app, and the roots that serve every type: node, nodes."""

from __future__ import annotations

from typing import Any

from fake_shopify.context import Context, split_gid
from fake_shopify.registry import field, query
from fake_shopify.rows import Row
from fake_shopify.world import gid


@query("shop")
def shop(ctx: Context) -> dict[str, Any]:
    """Answer `shop`."""
    own, settings = ctx.shop, ctx.shop.settings
    return {
        "__typename": "Shop",
        "id": gid("Shop", own.number),
        "name": settings["name"],
        "email": settings["email"],
        "contactEmail": settings["email"],
        "myshopifyDomain": own.domain,
        "currencyCode": settings["currency"],
        "ianaTimezone": settings["zone"],
        "taxesIncluded": False,
        "weightUnit": "KILOGRAMS",
        "url": f"https://{own.domain}",
        "primaryDomain": {"host": own.domain, "url": f"https://{own.domain}", "sslEnabled": True},
        "plan": {
            "displayName": settings["plan"],
            "publicDisplayName": settings["plan"],
            "partnerDevelopment": True,
            "shopifyPlus": False,
        },
    }


@query("node")
def node(ctx: Context, id: str) -> Row | None:
    """Answer any object by GID; a well-formed id of nothing is null (captured: BEHAVIOURS 41)."""
    kind, number = split_gid(id)
    return ctx.table(kind).get(int(number)) if number.isdigit() and kind in ctx.shop.tables else None


@query("nodes")
def nodes(ctx: Context, ids: list[str]) -> list[Row | None]:
    """Answer several objects, null in the place of what is not there."""
    return [node(ctx, one) for one in ids]


@query("currentAppInstallation")
def current_app_installation(ctx: Context) -> dict[str, Any]:
    """Answer the installation that the token belongs to."""
    app = ctx.world.apps[ctx.grant.client_id]
    scopes = [
        {"__typename": "AccessScope", "handle": s, "description": s.replace("_", " ").capitalize()}
        for s in sorted(ctx.grant.scopes)
    ]
    return {
        "__typename": "AppInstallation",
        "id": gid("AppInstallation", app.number + ctx.shop.number),
        "app": {
            "__typename": "App",
            "id": gid("App", app.number),
            "title": app.name,
            "apiKey": app.client_id,
            "handle": "demo-app",
        },
        "accessScopes": scopes,
        "launchUrl": f"https://{ctx.shop.domain}/admin/apps/demo-app",
    }


@query("publications")
def publications(ctx: Context, **arguments: Any) -> Any:
    """List publications."""
    return ctx.list(ctx.table("Publication"), arguments, fields={})


@query("markets")
def markets(ctx: Context, **arguments: Any) -> Any:
    """List markets."""
    return ctx.list(ctx.table("Market"), arguments, fields={})


@field("Shop", "description")
def _description(row: Row, ctx: Context) -> str | None:
    return None
