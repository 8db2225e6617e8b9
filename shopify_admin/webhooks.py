"""Webhook subscriptions: shapes, what is wanted against what is there, and the inputs of Shopify's mutations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from shopify_admin.shapes import Raw
from shopify_kit.identifiers import tail
from shopify_kit.topics import enum_value, topic_of


class Subscription(Struct, frozen=True):
    """A subscription as Shopify has it; `address` is an https, EventBridge or Pub/Sub address."""

    id: int
    admin_graphql_api_id: str
    topic: str
    address: str
    filter: str | None
    include_fields: tuple[str, ...]
    metafield_namespaces: tuple[str, ...]


class Wanted(Struct, frozen=True):
    """A subscription as we want it."""

    topic: str
    address: str
    filter: str | None = None
    include_fields: tuple[str, ...] = ()
    metafield_namespaces: tuple[str, ...] = ()

    def input(self) -> dict[str, Any]:
        """Write a WebhookSubscriptionInput."""
        return {
            "uri": self.address,
            "format": "JSON",
            "filter": self.filter or "",
            "includeFields": list(self.include_fields),
            "metafieldNamespaces": list(self.metafield_namespaces),
        }

    @property
    def enum(self) -> str:
        """The topic as GraphQL writes it."""
        return enum_value(self.topic)


class Plan(Struct, frozen=True):
    """What is to be done so that Shopify's set equals the wanted one; foreign addresses are nobody's business here."""

    create: tuple[Wanted, ...]
    update: tuple[tuple[Subscription, Wanted], ...]
    unchanged: tuple[Subscription, ...]
    surplus: tuple[Subscription, ...]


def subscription_of(raw: Raw) -> Subscription:
    """Read Shopify's WebhookSubscription."""
    return Subscription(
        id=tail(raw["id"]),
        admin_graphql_api_id=raw["id"],
        topic=topic_of(raw["topic"]) or raw["topic"].lower(),
        address=raw["uri"],
        filter=raw["filter"] or None,
        include_fields=tuple(raw["includeFields"]),
        metafield_namespaces=tuple(raw["metafieldNamespaces"]),
    )


def plan(wanted: Sequence[Wanted], existing: Iterable[Subscription], *, ours: Iterable[str]) -> Plan:
    """Compare what is wanted with what is there.

    Args:
        ours: addresses that belong to us; a subscription at one of them is surplus when its topic is not wanted there, or when it
            is the second one of its topic.
    """
    own = set(ours)
    at_home = [subscription for subscription in existing if subscription.address in own]
    by_key = {(subscription.topic, subscription.address): subscription for subscription in reversed(at_home)}
    doubles = [subscription for subscription in at_home if by_key[subscription.topic, subscription.address] != subscription]
    create, update, unchanged = [], [], []
    for want in wanted:
        have = by_key.pop((want.topic, want.address), None)
        if have is None:
            create.append(want)
        elif _differs(have, want):
            update.append((have, want))
        else:
            unchanged.append(have)
    return Plan(tuple(create), tuple(update), tuple(unchanged), (*by_key.values(), *doubles))


def _differs(have: Subscription, want: Wanted) -> bool:
    return (
        (have.filter or None) != (want.filter or None)
        or set(have.include_fields) != set(want.include_fields)
        or set(have.metafield_namespaces) != set(want.metafield_namespaces)
    )
