"""Views of the inbox: taking deliveries in, subscribing, history and replay, what compliance requests have put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Response, request
from msgspec import Struct

from shopify_kit.clock import iso
from shopify_kit.errors import NotFound
from shopify_kit.identifiers import is_shop_domain
from shopify_kit.secret import Secret
from shopify_kit.topics import topic_of
from shopify_web.answers import Reply
from shopify_web.api import Api, Call
from shopify_web.callers import Policy
from shopify_webhooks import MAX_WEBHOOK_BYTES, Filter, SetupResult, check_gateway_headers

if TYPE_CHECKING:
    from shopify_web import webhook_edges as edges

api = Api()
USER, HOST, SIGNED = Policy.USER, Policy.HOST, Policy.SIGNED
STATISTICS_DAYS = 7


class ShownWebhook(Struct, frozen=True):
    """A subscription that stands."""

    id: int
    topic: str
    address: str


class FailedTopic(Struct, frozen=True):
    """A topic that Shopify did not take, and why."""

    topic: str
    reason: str


class ShownTopic(Struct, frozen=True):
    """A topic that Shopify knows; compliance topics are always received."""

    topic: str
    default: bool
    compliance: bool
    subscribed: bool
    handled: bool


class ShownEvent(Struct, frozen=True):
    """A delivery and what became of it."""

    id: int
    topic: str
    shop_domain: str
    triggered_at: str | None
    received_at: str
    status: str
    reason: str | None
    attempts: int
    last_error: str | None
    finished_at: str | None


class ShownExport(Struct, frozen=True):
    """What was put together for a customer; `customer_id` is Shopify's."""

    id: int
    customer_id: str
    created_at: str


SETUP_ANSWERS = {
    "webhooks": list[ShownWebhook],
    "total_registered": int,
    "created": int,
    "updated": int,
    "removed": int,
    "unchanged": int,
    "failed": list[FailedTopic],
}


# Deliveries


@api.route(
    "POST",
    "/webhooks",
    policy=SIGNED,
    group="webhooks",
    summary="Shopify's deliveries",
    raw=True,
    max_body_bytes=MAX_WEBHOOK_BYTES,
    answers={"status": str},
)
def receive_delivery(call: Call) -> Mapping[str, Any]:
    """Signed by Shopify over the raw body. Stored and committed, then answered `success`, or `duplicate`."""
    return _receive(call, None)


@api.route(
    "POST",
    "/webhooks/<path:topic>",
    policy=SIGNED,
    group="webhooks",
    summary="Shopify's deliveries of one topic",
    raw=True,
    max_body_bytes=MAX_WEBHOOK_BYTES,
    answers={"status": str},
)
def receive_delivery_of_topic(call: Call) -> Mapping[str, Any]:
    """The same; the topic may be written `orders/create`, `orders_create` or `orders-create`."""
    return _receive(call, str(call.path["topic"]))


def _receive(call: Call, path_topic: str | None) -> Mapping[str, Any]:
    is_new = call.parts.webhooks.accept(call.raw, request.headers, path_topic)
    return {"status": "success" if is_new else "duplicate"}


@api.route(
    "POST",
    "/webhooks/process",
    policy=HOST,
    group="webhooks",
    summary="A delivery that the host's own gateway has verified",
    raw=True,
    max_body_bytes=MAX_WEBHOOK_BYTES,
    answers={"status": str},
)
def process_delivery(call: Call) -> Mapping[str, Any]:
    """The raw payload with Shopify's `X-Shopify-Topic` and `X-Shopify-Shop-Domain` headers. A user's own shops only; a service
    that names no user may pass on deliveries of any shop."""
    shop_domain = check_gateway_headers(request.headers)
    if call.user_id:
        call.shop_ids(shop_domain if is_shop_domain(shop_domain) else "")
    is_new = call.parts.webhooks.accept_verified(call.raw, request.headers)
    return {"status": "success" if is_new else "duplicate"}


# Subscriptions


@api.route(
    "POST",
    "/webhooks/setup",
    policy=USER,
    group="webhooks",
    summary="Make a shop's subscriptions what is wanted",
    body="WebhookSetupBody",
    answers=SETUP_ANSWERS,
)
def set_up_webhooks(call: Call) -> Mapping[str, Any]:
    """Adds, updates, and removes what stands at our address and is not wanted; foreign subscriptions are left alone. A watchdog
    restores what gets lost."""
    body: edges.WebhookSetupBody = call.body
    return _set_up(call, body.webhook_url, body.topics, body.webhook_secret)


@api.route(
    "POST",
    "/webhooks/register-all",
    policy=USER,
    group="webhooks",
    summary="The same by the host's base address",
    body="RegisterAllBody",
    answers=SETUP_ANSWERS,
)
def register_all_webhooks(call: Call) -> Mapping[str, Any]:
    body: edges.RegisterAllBody = call.body
    address = None if body.base_url is None else f"{body.base_url.rstrip('/')}{call.parts.prefix}/webhooks"
    return _set_up(call, address, body.topics, None)


def _set_up(call: Call, address: str | None, topics: Sequence[edges.TopicBody] | None, secret: str | None) -> Mapping[str, Any]:
    webhooks = call.parts.webhooks
    names = None if topics is None else [topic.topic for topic in topics]
    webhooks.check(address, names)
    store = call.store()
    if secret is not None:
        call.parts.installations.keep_webhook_secret(store, Secret(secret))
        webhooks.secrets.refresh()
    result = webhooks.set_up(call.user_id, store.id, address=address, topics=names, options=_options(topics or ()))
    return _shown_setup(result)


def _options(topics: Sequence[edges.TopicBody]) -> dict[str, Any]:
    """Say of each topic what Shopify is to send of it."""
    return {topic_of(topic.topic) or topic.topic: topic.model_dump(exclude={"topic"}, exclude_defaults=True) for topic in topics}


def _shown_setup(result: SetupResult) -> dict[str, Any]:
    return {
        "webhooks": result.webhooks,
        "total_registered": result.total_registered,
        "created": result.created,
        "updated": result.updated,
        "removed": result.removed,
        "unchanged": result.unchanged,
        "failed": result.failed,
    }


@api.route(
    "GET",
    "/webhooks/topics",
    policy=USER,
    group="webhooks",
    summary="Topics, which are subscribed, which have handlers",
    query="TopicsQuery",
    answers={"topics": list[ShownTopic], "total": int},
)
def list_topics(call: Call) -> Mapping[str, Any]:
    """For the shop that the request means; without any shop nothing is subscribed."""
    shop_ids = call.shop_ids()
    topics = call.parts.webhooks.topics(shop_ids[0] if len(shop_ids) == 1 else None)
    return {"topics": topics, "total": len(topics)}


@api.route(
    "GET",
    "/webhooks/config.toml",
    policy=HOST,
    group="webhooks",
    summary="The [webhooks] section of shopify.app.toml",
    query="TomlQuery",
    own_form="text/plain",
)
def webhooks_toml(call: Call) -> Response:
    """What Shopify CLI deploys for an app whose subscriptions are kept in its configuration, compliance topics included."""
    address = call.parts.webhooks.addresses.check(call.query.webhook_url)
    return Response(call.parts.webhooks.toml(address), content_type="text/plain; charset=utf-8")


# History and replay


@api.route(
    "GET",
    "/webhooks/events",
    policy=USER,
    group="webhooks",
    summary="Deliveries and what became of them",
    query="EventListQuery",
    is_across_shops=True,
    answers={"events": list[ShownEvent], "statistics": dict[str, Any] | None},
)
def list_events(call: Call) -> Mapping[str, Any]:
    """Of all the user's shops, or of one; `include_stats` counts those since `since`, else of the last 7 days."""
    query: edges.EventListQuery = call.query
    history, shop_ids = call.parts.webhooks.history, call.shop_ids()
    chosen = Filter(_topic(query.topic), query.status, query.since, query.until)
    after = call.after()
    is_oldest_first = query.sort == "received_at"
    rows = history.list(shop_ids, chosen, after=int(after) if after else None, limit=query.limit + 1, oldest_first=is_oldest_first)
    shown = rows[: query.limit]
    since = query.since or call.parts.clock.now() - timedelta(days=STATISTICS_DAYS)
    statistics = history.statistics(shop_ids, since) if query.include_stats else None
    more = str(shown[-1]["id"]) if len(rows) > query.limit else None
    return call.page("events", shown, more) | {"statistics": statistics}


def _topic(written: str | None) -> str | None:
    return None if written is None else topic_of(written) or written


@api.route(
    "GET",
    "/webhooks/events/<id>",
    policy=USER,
    group="webhooks",
    summary="One delivery with its payload, customers' data masked",
    answers={"event": dict[str, Any]},
)
def get_event(call: Call) -> Mapping[str, Any]:
    return {"event": call.parts.webhooks.history.find(call.shop_ids(), call.number)}


@api.route(
    "POST",
    "/webhooks/events/<id>/replay",
    policy=USER,
    group="webhooks",
    summary="Have one delivery handled again",
    body="Who",
    status=202,
    answers={"matched": int, "replayed": int},
)
def replay_event(call: Call) -> Reply:
    """Asking twice does no more than asking once: what waits already is not put to work again."""
    done = call.parts.webhooks.replay(call.shop_ids(), Filter(ids=(call.number,)))
    if not done.matched:
        raise NotFound("There is no such event.")
    return Reply({"matched": done.matched, "replayed": done.replayed}, 202)


@api.route(
    "POST",
    "/webhooks/replay",
    policy=USER,
    group="webhooks",
    summary="Have deliveries handled again",
    body="ReplayBody",
    status=202,
    or_status=200,
    answers={"matched": int, "replayed": int, "dry_run": bool, "next_after": int | None},
)
def replay_events(call: Call) -> Reply:
    """Oldest first, up to 500 at a time; where there are more, `next_after` goes on."""
    body: edges.ReplayBody = call.body
    ids = None if body.ids is None else tuple(body.ids)
    chosen = Filter(_topic(body.topic), body.status, body.since, body.until, ids)
    done = call.parts.webhooks.replay(call.shop_ids(), chosen, after=body.after, dry_run=body.dry_run)
    payload = {"matched": done.matched, "replayed": done.replayed, "dry_run": done.dry_run, "next_after": done.next_after}
    return Reply(payload, 200 if body.dry_run else 202)


# What was put together for customers


@api.route(
    "GET",
    "/privacy/exports",
    policy=USER,
    group="webhooks",
    summary="What was put together for customers who asked for their data",
    answers={"exports": list[ShownExport], "total": int},
)
def list_exports(call: Call) -> Mapping[str, Any]:
    """Made by the compliance topic customers/data_request; the host hands them to the customer."""
    rows = call.parts.webhooks.compliance.exports(call.store().id)
    exports = [ShownExport(row["export_id"], row["customer_id"], iso(row["created_at"])) for row in rows]
    return {"exports": exports, "total": len(exports)}


@api.route(
    "GET",
    "/privacy/exports/<id>",
    policy=USER,
    group="webhooks",
    summary="One of them, in full",
    answers={"export": dict[str, Any]},
)
def get_export(call: Call) -> Mapping[str, Any]:
    store = call.store()
    document = call.parts.webhooks.compliance.open_export(store.id, store.shop_domain, call.number)
    if document is None:
        raise NotFound("There is no such export.")
    call.parts.audit.add("privacy.export_opened", actor=call.actor, subject=call.user_id, shop_id=store.id)
    return {"export": document}
