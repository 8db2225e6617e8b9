"""Who hears of what: subscriptions made through the API and those of app configuration files, and which of them a change concerns.

Subscriptions of an app configuration (`[[webhooks.subscriptions]]`, `[[events.subscription]]`) are given to the fake through
`/__fake/subscriptions`; they hold for every shop that has the app, and the API does not show them.
Source: shopify.dev/docs/apps/build/webhooks/subscribe, shopify.dev/docs/apps/build/events/subscribe (read 2026-11).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from fake_shopify.admin.webhook_filters import filter_error
from fake_shopify.rows import Row
from fake_shopify.topics import COMPLIANCE, topic_name
from fake_shopify.world import Change, Shop, World

WEBHOOK_KEYS = """
    client_id topics compliance_topics uri format filter include_fields metafield_namespaces metafields name
""".split()
EVENTS_KEYS = "client_id handle topic actions triggers uri query query_filter api_version".split()
ACTIONS = ("create", "update", "delete")
LAST_WORDS = ("app/uninstalled", "shop/redact")
"""Topics that an app hears after it has gone."""


@dataclass(frozen=True, slots=True)
class EventsPart:
    """What a subscription of the Events family says besides its address."""

    handle: str
    topic: str
    actions: tuple[str, ...]
    triggers: tuple[str, ...] = ()
    query: str | None = None
    query_filter: str | None = None
    api_version: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription; `shop_domain` is None for those of an app configuration, `events` is None for webhooks."""

    id: str
    client_id: str
    uri: str
    topics: tuple[str, ...] = ()
    format: str = "JSON"
    filter: str | None = None
    include_fields: tuple[str, ...] = ()
    metafield_namespaces: tuple[str, ...] = ()
    metafields: tuple[dict[str, str], ...] = ()
    name: str | None = None
    shop_domain: str | None = None
    events: EventsPart | None = None


def from_row(shop: Shop, row: Row) -> Subscription:
    """Read a subscription that was made through the API."""
    return Subscription(
        id=row["id"],
        client_id=row["_client_id"],
        uri=row["uri"],
        topics=(topic_name(row["topic"]),),
        format=row["format"],
        filter=row["filter"],
        include_fields=tuple(row["includeFields"]),
        metafield_namespaces=tuple(row["metafieldNamespaces"]),
        metafields=tuple(row["metafields"]),
        name=row["name"],
        shop_domain=shop.domain,
    )


def of_shop(shop: Shop) -> list[Subscription]:
    """Return the subscriptions that apps made on a shop through the API."""
    table = shop.tables.get("WebhookSubscription")
    return [] if table is None else [from_row(shop, row) for row in table.kept()]


@dataclass(slots=True)
class Configurations:
    """The subscriptions of app configuration files."""

    kept: dict[str, Subscription] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def add(self, spec: dict[str, Any], client_id: str) -> Subscription:
        """Take a subscription in the words of the app configuration.

        Raises:
            ValueError: what the Shopify CLI would refuse.
        """
        read = _read_events if "handle" in spec else _read_webhook
        found = read(f"configured-{next(self._numbers)}", client_id, spec)
        self.kept[found.id] = found
        return found


def _known_keys(spec: dict[str, Any], known: list[str]) -> None:
    if unknown := set(spec) - set(known):
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    if not isinstance(spec.get("uri"), str) or not spec["uri"]:
        raise ValueError("uri is missing")


def _read_webhook(id: str, client_id: str, spec: dict[str, Any]) -> Subscription:
    _known_keys(spec, WEBHOOK_KEYS)
    topics = (*spec.get("topics", ()), *spec.get("compliance_topics", ()))
    if not topics:
        raise ValueError("Either topics or compliance_topics must be added to the webhook subscription")
    if wrong := [topic for topic in spec.get("compliance_topics", ()) if topic not in COMPLIANCE]:
        raise ValueError(f"no compliance topics: {', '.join(wrong)}")
    problem = filter_error(spec.get("filter"))
    if problem is not None:
        raise ValueError(problem)
    return Subscription(
        id=id,
        client_id=client_id,
        uri=spec["uri"],
        topics=tuple(topics),
        format=str(spec.get("format") or "json").upper(),
        filter=spec.get("filter"),
        include_fields=tuple(spec.get("include_fields") or ()),
        metafield_namespaces=tuple(spec.get("metafield_namespaces") or ()),
        metafields=tuple(spec.get("metafields") or ()),
        name=spec.get("name"),
    )


def _read_events(id: str, client_id: str, spec: dict[str, Any]) -> Subscription:
    """Read a subscription of the Events family; without triggers it hears of every change (source: …/events/delivery-filtering)."""
    _known_keys(spec, EVENTS_KEYS)
    actions = tuple(spec.get("actions") or ACTIONS)
    if wrong := [action for action in actions if action not in ACTIONS]:
        raise ValueError(f"no actions: {', '.join(wrong)}; there are {', '.join(ACTIONS)}")
    if not spec.get("topic"):
        raise ValueError("topic is missing")
    names = ("query", "query_filter", "api_version")
    part = EventsPart(
        handle=spec["handle"],
        topic=spec["topic"],
        actions=actions,
        triggers=tuple(spec.get("triggers") or ()),
        **{name: spec.get(name) for name in names},
    )
    return Subscription(id=id, client_id=client_id, uri=spec["uri"], events=part)


# Who is concerned


def concerned(world: World, configured: Configurations, shop: Shop, change: Change) -> list[Subscription]:
    """Return the webhook subscriptions that a change is to be delivered to, filters aside.

    A change that is about one app concerns no other.
    """
    every = [*of_shop(shop), *installed(world, configured, shop, gone=change.topic in LAST_WORDS)]
    return [one for one in every if change.topic in one.topics and change.client_id in (None, one.client_id)]


def installed(world: World, configured: Configurations, shop: Shop, *, gone: bool = False) -> list[Subscription]:
    """Return the configured subscriptions of the apps that a shop has; with `gone`, of those that it had too."""
    return [one for one in list(configured.kept.values()) if gone or world.scopes_of(one.client_id, shop.domain) is not None]
