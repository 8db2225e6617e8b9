"""Webhook subscriptions that an app makes through the API, by shop; how they deliver is `fake_shopify.deliveries`' business.

A row keeps `topic` as the API writes it, `uri`, `format`, `filter`, `includeFields`, `metafieldNamespaces`, `metafields`, `name`
and `_client_id`, the app that it belongs to.
"""

from __future__ import annotations

from typing import Any

from fake_shopify.admin.metafields import full_namespace
from fake_shopify.admin.nodes import node_of
from fake_shopify.admin.shop import public_api_versions
from fake_shopify.admin.webhook_addresses import kind_of
from fake_shopify.admin.webhook_rules import EVENTBRIDGE, HTTP, PUBSUB, Door, check, own_rows
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, instant
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row
from fake_shopify.schema import LATEST
from fake_shopify.search import Field, exact, identifier, moment

TYPE = "WebhookSubscription"
NOT_FOUND = "Webhook subscription does not exist"
NO_URL = "https://eventbridge.arn"
"""What stands for the callback URL of a subscription that has none, Pub/Sub included (captured: webhooks-027, 029)."""

SCOPES = "app_scopes"
"""Where a shop keeps which scopes each app had when it was last told, for app/scopes_update."""

Given = dict[str, Any]
Payload = dict[str, Any]


def _find(ctx: Context, id: str) -> Row | None:
    ctx.require_type(id, TYPE)
    row = ctx.edit(TYPE, id)
    return row if row is not None and row["_client_id"] == ctx.grant.client_id else None


# Reading


@query("webhookSubscription")
def webhook_subscription(ctx: Context, id: str) -> Row | None:
    """Answer a subscription; an unknown one and one of another app are null (captured: webhooks-018, 060)."""
    return _find(ctx, id)


@node_of(TYPE)
def _node(ctx: Context, id: str) -> Row | None:
    return _find(ctx, id)


def _fields(ctx: Context) -> dict[str, Field]:
    """Return what `query` may name (source: shopify.dev/docs/api/admin-graphql, webhookSubscriptionsCount; read 2026-11)."""
    zone = ctx.shop.settings["zone"]
    return {
        "created_at": moment("createdAt", zone),
        "endpoint": exact("uri"),
        "id": identifier(),
        "updated_at": moment("updatedAt", zone),
    }


@query("webhookSubscriptions")
def webhook_subscriptions(
    ctx: Context,
    uri: str | None = None,
    callbackUrl: str | None = None,
    format: str | None = None,
    topics: list[str] | None = None,
    **arguments: Any,
) -> Connection:
    """List the app's own subscriptions (captured: webhooks-058, 060, 062, 063)."""
    rows = [
        row
        for row in own_rows(ctx)
        if (uri is None or row["uri"] == uri)
        and (callbackUrl is None or _callback_url(row, ctx) == callbackUrl)
        and (format is None or row["format"] == format)
        and (not topics or row["topic"] in topics)
    ]
    return ctx.list(rows, arguments, fields=_fields(ctx), sorts={"CREATED_AT": instant("createdAt")}, sort="CREATED_AT")


@query("webhookSubscriptionsCount")
def webhook_subscriptions_count(ctx: Context, query: str | None = None, limit: int | None = 10_000) -> Payload:
    """Count the app's own subscriptions (captured: webhooks-060)."""
    return ctx.count(own_rows(ctx), query, _fields(ctx), limit)


@field(TYPE, "callbackUrl")
def _callback_url(row: Row, ctx: Context) -> str:
    return str(row["uri"]) if kind_of(row["uri"]) == "http" else NO_URL


@field(TYPE, "endpoint")
def _endpoint(row: Row, ctx: Context) -> Payload:
    kind, uri = kind_of(row["uri"]), row["uri"]
    if kind == "pubsub":
        project, _, topic = uri.removeprefix("pubsub://").partition(":")
        return {"__typename": "WebhookPubSubEndpoint", "pubSubProject": project, "pubSubTopic": topic}
    if kind == "eventbridge":
        return {"__typename": "WebhookEventBridgeEndpoint", "arn": uri}
    return {"__typename": "WebhookHttpEndpoint", "callbackUrl": uri}


@field(TYPE, "apiVersion")
def _api_version(row: Row, ctx: Context) -> Payload:
    """Answer the version that the app has chosen for its webhooks, whatever version asks (captured: webhooks-011)."""
    chosen = ctx.world.apps[row["_client_id"]].webhook_api_version or LATEST
    found = (one for one in public_api_versions(ctx) if one["handle"] == chosen)
    return next(found, {"__typename": "ApiVersion", "handle": chosen, "displayName": chosen, "supported": False})


@field(TYPE, "legacyResourceId")
def _legacy(row: Row, ctx: Context) -> str:
    return str(row.number)


# Changing


@mutation("webhookSubscriptionCreate")
def webhook_subscription_create(ctx: Context, topic: str, webhookSubscription: Given) -> Payload:
    """Subscribe (captured: webhooks-009 … 051)."""
    return _create(ctx, HTTP, topic, webhookSubscription, _uri_of(webhookSubscription))


@mutation("eventBridgeWebhookSubscriptionCreate")
def event_bridge_create(ctx: Context, topic: str, webhookSubscription: Given) -> Payload:
    """Subscribe an EventBridge source (captured: webhooks-028, 029, 061)."""
    return _create(ctx, EVENTBRIDGE, topic, webhookSubscription, webhookSubscription.get("arn"))


@mutation("pubSubWebhookSubscriptionCreate")
def pub_sub_create(ctx: Context, topic: str, webhookSubscription: Given) -> Payload:
    """Subscribe a Pub/Sub topic (captured: webhooks-025 … 027, 037, 038)."""
    return _create(ctx, PUBSUB, topic, webhookSubscription, _pubsub_uri(webhookSubscription))


@mutation("webhookSubscriptionUpdate")
def webhook_subscription_update(ctx: Context, id: str, webhookSubscription: Given) -> Payload:
    """Change a subscription; what the input leaves out stays (captured: webhooks-011, 018, 021, 023, 036, 048)."""
    has_address = "uri" in webhookSubscription or "callbackUrl" in webhookSubscription
    return _update(ctx, HTTP, id, webhookSubscription, {"uri": _uri_of(webhookSubscription)} if has_address else {})


@mutation("eventBridgeWebhookSubscriptionUpdate")
def event_bridge_update(ctx: Context, id: str, webhookSubscription: Given) -> Payload:
    """Change a subscription of an EventBridge source (captured: webhooks-029)."""
    has_address = "arn" in webhookSubscription
    return _update(ctx, EVENTBRIDGE, id, webhookSubscription, {"uri": webhookSubscription["arn"]} if has_address else {})


@mutation("pubSubWebhookSubscriptionUpdate")
def pub_sub_update(ctx: Context, id: str, webhookSubscription: Given) -> Payload:
    """Change a subscription of a Pub/Sub topic (captured: webhooks-027, 037)."""
    return _update(ctx, PUBSUB, id, webhookSubscription, {"uri": _pubsub_uri(webhookSubscription)})


@mutation("webhookSubscriptionDelete")
def webhook_subscription_delete(ctx: Context, id: str) -> Payload:
    """End a subscription (captured: webhooks-018, 024)."""
    row = _find(ctx, id)
    if row is None:
        return {"deletedWebhookSubscriptionId": None, "userErrors": [user_error(["id"], NOT_FOUND)]}
    ctx.table(TYPE).remove(row.number)
    return {"deletedWebhookSubscriptionId": row["id"], "userErrors": []}


def _uri_of(given: Given) -> str | None:
    """Return the address: `uri`, else the deprecated `callbackUrl` (assumed for an input that has both)."""
    found: str | None = given.get("uri") if given.get("uri") is not None else given.get("callbackUrl")
    return found


def _pubsub_uri(given: Given) -> str:
    return f"pubsub://{given['pubSubProject']}:{given['pubSubTopic']}"


def _values(ctx: Context, given: Given) -> Given:
    """Read what an input says besides the address; namespaces of the app are written out (captured: webhooks-035)."""
    values: Given = {}
    if "format" in given:
        values["format"] = given["format"] or "JSON"
    for name in ("filter", "name"):
        if name in given:
            values[name] = given[name]
    if "includeFields" in given:
        values["includeFields"] = list(given["includeFields"] or ())
    if "metafieldNamespaces" in given:
        values["metafieldNamespaces"] = [full_namespace(ctx, one) for one in given["metafieldNamespaces"] or ()]
    if "metafields" in given:
        values["metafields"] = [
            {"namespace": full_namespace(ctx, one.get("namespace")), "key": one["key"]} for one in given["metafields"] or ()
        ]
    return values


def _create(ctx: Context, door: Door, topic: str, given: Given, address: str | None) -> Payload:
    plain: Given = {"format": "JSON", "filter": None, "name": None}
    lists: Given = {"includeFields": [], "metafieldNamespaces": [], "metafields": []}
    wanted = plain | lists | _values(ctx, given) | {"topic": topic, "uri": address}
    errors = check(ctx, door, wanted)
    if errors:
        return {"webhookSubscription": None, "userErrors": errors}
    now = ctx.now()
    ctx.shop.state.setdefault(SCOPES, {}).setdefault(ctx.grant.client_id, ctx.world.scopes_of(ctx.grant.client_id, ctx.shop.domain))
    row = ctx.shop.new_row(TYPE, **wanted, createdAt=now, updatedAt=now, _client_id=ctx.grant.client_id)
    return {"webhookSubscription": row, "userErrors": []}


def _update(ctx: Context, door: Door, id: str, given: Given, address: Given) -> Payload:
    row = _find(ctx, id)
    if row is None:
        return {"webhookSubscription": None, "userErrors": [user_error(["id"], NOT_FOUND)]}
    changes = _values(ctx, given) | address
    errors = check(ctx, door, dict(row) | changes, row)
    if errors:
        return {"webhookSubscription": None, "userErrors": errors}
    row.update(changes, updatedAt=ctx.now())
    return {"webhookSubscription": row, "userErrors": []}
