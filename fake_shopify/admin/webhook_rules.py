"""What a webhook subscription must be: permitted topic, good address, format, name and filter, and nothing twice.

Captured: texts, codes and fields (webhooks-009 … 065). Assumed: a bad filter is told alone; what is wrong with the address comes
before what is wrong with the format and the name; blank filters are one and the same when subscriptions are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fake_shopify.admin.webhook_addresses import address_errors, kind_of, pubsub_errors
from fake_shopify.admin.webhook_filters import filter_error
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.rows import Row
from fake_shopify.topics import allows_xml, may_subscribe, topic_name

NAME_LIMIT = 50
NAME = re.compile(r"[A-Za-z0-9_-]*")
TAKEN = "Address for this topic has already been taken"
FORBIDDEN = "You cannot create a webhook subscription with the specified topic"
INPUT = "webhookSubscription"

Errors = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Door:
    """Through which mutation an input came: under which field its address is, and which types of error have codes."""

    address_field: str = "callbackUrl"

    def error(self, field: str, text: str, code: str = "INVALID_PARAMETERS") -> dict[str, Any]:
        """Build an error about a field of the input."""
        return user_error([INPUT, field], text, code)


HTTP = Door()
EVENTBRIDGE = Door("arn")
PUBSUB = Door("pubSubTopic")


def check(ctx: Context, door: Door, wanted: dict[str, Any], own: Row | None = None) -> Errors:
    """Return what is wrong with a subscription as it would be.

    Args:
        wanted: all values of the row, those that the input leaves out as they are or by default.
        own: the row that is changed, so that it does not collide with itself.
    """
    topic = topic_name(wanted["topic"])
    if own is None and not may_subscribe(topic, ctx.grant.scopes):
        return [user_error(["topic"], FORBIDDEN)]
    problem = filter_error(wanted["filter"])
    if problem is not None:
        return [user_error([INPUT], problem, "INVALID_PARAMETERS")]
    addressed = _address_errors(ctx, door, wanted)
    if not addressed and any(_same_target(wanted, row) for row in _others(ctx, own)):
        addressed = [door.error(door.address_field, TAKEN, "TAKEN")]
    return addressed + _format_errors(door, wanted, topic) + _name_errors(ctx, door, wanted["name"], own)


def _address_errors(ctx: Context, door: Door, wanted: dict[str, Any]) -> Errors:
    address = wanted["uri"]
    if door is PUBSUB:
        project, _, topic = address.removeprefix("pubsub://").partition(":")
        return [door.error(field, text) for field, text in pubsub_errors(project, topic)]
    name, _, rest = ctx.shop.domain.partition(".")
    own = (ctx.shop.domain, f"{name}.account.{rest}")
    texts = address_errors(address, ctx.world.apps[ctx.grant.client_id].number, own)
    return [door.error(door.address_field, text) for text in texts]


def _others(ctx: Context, own: Row | None) -> Iterable[Row]:
    return (row for row in own_rows(ctx) if row is not own)


def own_rows(ctx: Context) -> list[Row]:
    """Return the subscriptions of the calling app on this shop: no app sees those of another."""
    return [row for row in ctx.table("WebhookSubscription") if row["_client_id"] == ctx.grant.client_id]


def _same_target(wanted: dict[str, Any], row: Row) -> bool:
    """Say whether a subscription would send the same thing to the same place.

    Captured: topic, address and format count (webhooks-049, 050, 064). Source: Shopify CLI, app_config_webhook (topic, uri and
    filter of an app configuration must differ; read 2026-11).
    """
    names = ("topic", "uri", "format")
    return all(wanted[name] == row[name] for name in names) and (wanted["filter"] or "") == (row["filter"] or "")


def _format_errors(door: Door, wanted: dict[str, Any], topic: str) -> Errors:
    if wanted["format"] == "JSON":
        return []
    errors = []
    if not allows_xml(topic):
        text = "Format 'xml' is invalid for this webhook topic. Allowed formats: json"
        errors.append(door.error("format", text))
    if kind_of(wanted["uri"] or "") != "http":
        errors.append(door.error("format", "Format can only be used with format: 'json'"))
    return errors


def _name_errors(ctx: Context, door: Door, name: str | None, own: Row | None) -> Errors:
    """Check a name (captured: webhooks-046 … 048, 065; assumed: the text for a long one).

    Source: shopify.dev/docs/apps/build/webhooks (50 characters, unique in the shop without regard to case; read 2026-11).
    """
    if name is None:
        return []
    texts = []
    if not name:
        texts.append("Name is too short (minimum is 1 character)")
    if len(name) > NAME_LIMIT:
        texts.append(f"Name is too long (maximum is {NAME_LIMIT} characters)")
    if not name or not NAME.fullmatch(name):
        texts.append("Name name field can only contain alphanumeric characters, underscores, and hyphens")
    if not texts and any((row["name"] or "").lower() == name.lower() for row in _others(ctx, own)):
        texts.append("Name already exists, no duplicate allowed")
    return [door.error("name", text) for text in texts]
