"""The calling app: its installation, its access scopes, and the tokens it may hand on or give up."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from fake_shopify.admin.handles import slug
from fake_shopify.admin.nodes import node_of
from fake_shopify.admin.shop import shop
from fake_shopify.context import Context, split_gid
from fake_shopify.failures import access_denied, user_error
from fake_shopify.registry import field, mutation, query
from fake_shopify.schema import LATEST
from fake_shopify.world import CAPTURED_SCOPES, App, Grant, gid

DOCUMENTED_SCOPES = frozenset(
    """
    read_all_orders read_analytics read_checkouts write_checkouts read_reports write_reports read_script_tags write_script_tags
    read_users write_users write_themes unauthenticated_read_product_listings unauthenticated_read_checkouts
    unauthenticated_write_checkouts unauthenticated_read_customers unauthenticated_write_customers unauthenticated_read_content
    """.split()
)
"""Scopes that no field of the schema names. Source: shopify.dev/docs/api/usage/access-scopes (read 2026-11)."""

DENIED_TEXTS = {
    "UNKNOWN_SCOPES": "The requested list of scopes to revoke includes invalid handles.",
    "CANNOT_REVOKE_REQUIRED_SCOPES": "Scopes that are declared as required cannot be revoked.",
    "CANNOT_REVOKE_IMPLIED_SCOPES": "Already granted implied scopes cannot be revoked.",
    "CANNOT_REVOKE_UNDECLARED_SCOPES": "Cannot revoke optional scopes that haven't been declared.",
}
"""Captured: the first two (app_access-002..004). Source of the others: the enum's descriptions in the schema 2026-10."""


# Scopes


def known_scopes(ctx: Context) -> frozenset[str]:
    """Return every scope handle that exists."""
    named = {scope for rule in ctx.schema.scopes.values() for scope in rule["scopes"]}
    implied = {scope.replace("write_", "read_", 1) for scope in named}
    return CAPTURED_SCOPES | DOCUMENTED_SCOPES | named | implied


def implied_scopes(scopes: Iterable[str]) -> set[str]:
    """Return the read scopes that come with write scopes."""
    return {scope.replace("write_", "read_", 1) for scope in scopes if scope.startswith("write_")}


def shown_scopes(scopes: frozenset[str]) -> list[dict[str, Any]]:
    """Show scopes: those that were asked for by name, then those implied (captured: app_access-007, 008)."""
    ordered = [*sorted(scopes), *sorted(implied_scopes(scopes) - scopes)]
    return [{"__typename": "AccessScope", "handle": scope, "description": _described(scope)} for scope in ordered]


def _described(scope: str) -> str:
    """Describe a scope. Assumed: Shopify's own words differ from scope to scope."""
    verb, _, what = scope.partition("_")
    return f"{'Modify' if verb == 'write' else 'Read'} {what.replace('_', ' ')}"


# The app and its installation


def own_app(ctx: Context) -> App:
    """Return the app that the token belongs to."""
    return ctx.world.apps[ctx.grant.client_id]


def app_row(ctx: Context, app: App) -> dict[str, Any]:
    """Show an app (captured: app_access-008, 009)."""
    handle = slug(app.name, "app")
    icon = {"__typename": "Image", "url": f"https://cdn.shopify.com/app-store/listing_images/{handle}/icon.png", "altText": None}
    return {
        "__typename": "App",
        "id": gid("App", app.number),
        "apiKey": app.client_id,
        "title": app.name,
        "handle": handle,
        "description": None,
        "developerName": app.name,
        "developerType": "PARTNER",
        "developerUrl": "https://example.com",
        "embedded": app.embedded,
        "icon": icon,
        "banner": icon,
        "installUrl": None,
        "launchUrl": _launch_url(ctx, handle),
        "previouslyInstalled": False,
        "pricingDetailsSummary": "",
        "publicCategory": "CUSTOM",
        "published": False,
        "shopifyDeveloped": False,
        "requestedAccessScopes": shown_scopes(app.scopes),
        "availableAccessScopes": shown_scopes(known_scopes(ctx)),
        "optionalAccessScopes": [],
        "uninstallMessage": "",
        "uninstallUrl": None,
        "webhookApiVersion": LATEST,
        "_client_id": app.client_id,
    }


def _launch_url(ctx: Context, handle: str) -> str:
    return f"https://{ctx.shop.domain}/admin/apps/{handle}"


@field("App", "installation")
def _installation_of(row: dict[str, Any], ctx: Context) -> dict[str, Any] | None:
    return installation(ctx) if row["_client_id"] == ctx.grant.client_id else None


def installation(ctx: Context) -> dict[str, Any]:
    """Show the installation that the token belongs to (captured: app_access-008, 010)."""
    app = own_app(ctx)
    return {
        "__typename": "AppInstallation",
        "id": gid("AppInstallation", app.number + ctx.shop.number),
        "app": app_row(ctx, app),
        "accessScopes": shown_scopes(ctx.grant.scopes),
        "launchUrl": _launch_url(ctx, slug(app.name, "app")),
        "uninstallUrl": None,
        "activeSubscriptions": [],
        "subscriptions": [],
    }


@query("currentAppInstallation")
def current_app_installation(ctx: Context) -> dict[str, Any]:
    """Answer the installation that the token belongs to."""
    return installation(ctx)


@query("appInstallation")
@node_of("AppInstallation")
def app_installation(ctx: Context, id: str | None = None) -> dict[str, Any] | None:
    """Answer an installation by id, the own one without; null for any other (captured: app_access-008, 010)."""
    own = installation(ctx)
    return own if id is None or id == own["id"] else None


@query("appInstallations")
def app_installations(ctx: Context, **arguments: Any) -> Any:
    """Refuse: apps see only themselves. Captured: bare words and no `requiredAccess` (errors-003)."""
    refused = access_denied("appInstallations", None)
    refused.message = "access denied"
    raise refused


@query("app")
@node_of("App")
def app(ctx: Context, id: str | None = None) -> dict[str, Any] | None:
    """Answer an app by id, the own one without (captured: app_access-009)."""
    number = split_gid(id)[1] if id is not None else str(own_app(ctx).number)
    return next((app_row(ctx, one) for one in ctx.world.apps.values() if str(one.number) == number), None)


@query("appByHandle")
def app_by_handle(ctx: Context, handle: str) -> dict[str, Any] | None:
    """Answer an app by its handle (captured: app_access-009)."""
    return next((app_row(ctx, one) for one in ctx.world.apps.values() if slug(one.name, "app") == handle), None)


@query("appByKey")
def app_by_key(ctx: Context, apiKey: str) -> dict[str, Any] | None:
    """Answer an app by its client id (captured: app_access-009)."""
    found = ctx.world.apps.get(apiKey)
    return app_row(ctx, found) if found is not None else None


@field("InventoryAdjustmentGroup", "app")
def _group_app(row: dict[str, Any], ctx: Context) -> dict[str, Any] | None:
    return app_by_key(ctx, row["_client_id"])


# Giving up access


@mutation("appRevokeAccessScopes")
def app_revoke_access_scopes(ctx: Context, scopes: list[str]) -> dict[str, Any]:
    """Give up optional scopes.

    Captured: `revoked` is null on error; unknown handles are looked for first (BEHAVIOURS 40, app_access-002..004). Assumed: what
    the app declares is required, what a token has beyond that is optional.
    """
    code = _revoke_refusal(ctx, scopes)
    if code is not None:
        return {"revoked": None, "userErrors": [user_error(["scopes"], DENIED_TEXTS[code], code)]}
    revoked = frozenset(scopes)
    for grant in _own_grants(ctx):
        grant.scopes -= revoked
    ctx.shop.emit("app/scopes_update", {"admin_graphql_api_id": installation(ctx)["id"]}, client_id=ctx.grant.client_id)
    return {"revoked": shown_scopes(revoked)[: len(revoked)], "userErrors": []}


def _revoke_refusal(ctx: Context, scopes: list[str]) -> str | None:
    wanted, declared, granted = set(scopes), own_app(ctx).scopes, ctx.grant.scopes
    if wanted - known_scopes(ctx):
        return "UNKNOWN_SCOPES"
    if wanted & declared:
        return "CANNOT_REVOKE_REQUIRED_SCOPES"
    if wanted & (implied_scopes(granted) - granted):
        return "CANNOT_REVOKE_IMPLIED_SCOPES"
    return "CANNOT_REVOKE_UNDECLARED_SCOPES" if wanted - granted else None


def _own_grants(ctx: Context) -> list[Grant]:
    every = ctx.world.grants.values()
    return [one for one in every if one.client_id == ctx.grant.client_id and one.shop_domain == ctx.shop.domain]


@mutation("appUninstall")
def app_uninstall(ctx: Context) -> dict[str, Any]:
    """Leave the shop: every token of the app stops working there, `app/uninstalled` is announced.

    Source: shopify.dev/docs/apps/build/authentication-authorization/app-installation/uninstall-app-api-request (read 2026-11).
    """
    shown = app_row(ctx, own_app(ctx))
    for grant in _own_grants(ctx):
        ctx.world.grants.pop(grant.token, None)
    settings = ctx.shop.settings
    payload = {"id": ctx.shop.number, "name": settings["name"], "email": settings["email"], "domain": ctx.shop.domain}
    ctx.shop.emit("app/uninstalled", payload | {"myshopify_domain": ctx.shop.domain}, client_id=ctx.grant.client_id)
    return {"app": shown, "userErrors": []}


# Delegate tokens


@mutation("delegateAccessTokenCreate")
def delegate_access_token_create(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Hand a part of the access on (captured: app_access-005).

    Source of codes and texts: DelegateAccessTokenCreateUserErrorCode in the schema 2026-10. Assumed: errors name no field, and a
    scope that the parent lacks counts as unknown.
    """
    error = _delegate_error(ctx, input)
    if error is not None:
        return {"delegateAccessToken": None, "shop": shop(ctx), "userErrors": [error]}
    token, life_s = "shpat_" + secrets.token_hex(16), input.get("expiresIn")
    ends = None if life_s is None else ctx.world.clock.now().timestamp() + life_s
    wanted = frozenset(input["delegateAccessScope"])
    ctx.world.grants[token] = Grant(token, ctx.shop.domain, ctx.grant.client_id, wanted, "delegate", ends)
    shown = {
        "__typename": "DelegateAccessToken",
        "accessToken": token,
        "accessScopes": list(input["delegateAccessScope"]),
        "createdAt": ctx.now(),
        "expiresIn": life_s,
    }
    return {"delegateAccessToken": shown, "shop": shop(ctx), "userErrors": []}


def _delegate_error(ctx: Context, given: dict[str, Any]) -> dict[str, Any] | None:
    wanted, life_s, parent = given["delegateAccessScope"], given.get("expiresIn"), ctx.grant
    ends = None if life_s is None else ctx.world.clock.now().timestamp() + life_s
    reasons = [
        (parent.kind == "delegate", "The parent access token can't be a delegate token.", "DELEGATE_ACCESS_TOKEN"),
        (not wanted, "The access scope can't be empty.", "EMPTY_ACCESS_SCOPE"),
        (life_s is not None and life_s <= 0, "The expires_in value must be greater than 0.", "NEGATIVE_EXPIRES_IN"),
        (
            parent.expires_at_s is not None and (ends is None or ends > parent.expires_at_s),
            "The delegate token can't expire after the parent token.",
            "EXPIRES_AFTER_PARENT",
        ),
        (bool(set(wanted) - parent.scopes - implied_scopes(parent.scopes)), "Unknown scopes.", "UNKNOWN_SCOPES"),
    ]
    return next((user_error(None, text, code) for holds, text, code in reasons if holds), None)


@mutation("delegateAccessTokenDestroy")
def delegate_access_token_destroy(ctx: Context, accessToken: str) -> dict[str, Any]:
    """Take a delegate token back. Source: DelegateAccessTokenDestroyUserErrorCode in the schema 2026-10 (codes and texts)."""
    found = ctx.world.grants.get(accessToken)
    if found is None or found.shop_domain != ctx.shop.domain:
        error = user_error(None, "Access token not found.", "ACCESS_TOKEN_NOT_FOUND")
    elif found.client_id != ctx.grant.client_id:
        error = user_error(None, "Access denied.", "ACCESS_DENIED")
    elif found.kind != "delegate":
        error = user_error(None, "Cannot delete parent access token.", "CAN_ONLY_DELETE_DELEGATE_TOKENS")
    else:
        del ctx.world.grants[accessToken]
        return {"status": True, "shop": shop(ctx), "userErrors": []}
    return {"status": False, "shop": shop(ctx), "userErrors": [error]}
