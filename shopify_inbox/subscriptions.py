"""Shopify's subscriptions kept equal to what is wanted: created, updated, restored; foreign addresses are left alone.

A delivery signed with our secret goes nowhere but to the host's own configured origin, or to an EventBridge or Pub/Sub address that
the host has listed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from shopify_admin.webhooks import Plan, Subscription, Wanted, plan
from shopify_kit.errors import InvalidInput, NotConfigured, ShopifyError, UserErrors
from shopify_kit.identifiers import tail
from shopify_kit.runtime import map_in_threads
from shopify_kit.settings import Settings
from shopify_kit.topics import COMPLIANCE_TOPICS, DEFAULT_TOPICS, topic_of
from shopify_service import ShopAdmin

MAX_TOPICS: Final = 250
AT_ONCE: Final = 4
PUBSUB = re.compile(r"pubsub://[a-z][a-z0-9-]{4,28}[a-z0-9]:[A-Za-z][\w.~+%-]{2,254}")
EVENTBRIDGE = re.compile(r"arn:aws:events:[a-z0-9-]{2,20}::event-source/aws\.partner/shopify\.com/\d{1,20}/[\w.-]{1,100}")


class Failed(Struct, frozen=True):
    """A topic that Shopify did not take, and why."""

    topic: str
    reason: str


class Result(Struct, frozen=True):
    """What became of a set-up; `removed` were at our address and not wanted any more, `new_topics` had none that stood."""

    webhooks: tuple[dict[str, Any], ...]
    created: int
    updated: int
    unchanged: int
    removed: int
    failed: tuple[Failed, ...]
    new_topics: tuple[str, ...] = ()

    @property
    def total_registered(self) -> int:
        """How many of the wanted subscriptions stand now."""
        return len(self.webhooks)


def read_topics(given: Sequence[str] | None) -> list[str]:
    """Read the topics that a caller wants; none given means the defaults.

    Raises:
        InvalidInput: a topic that Shopify does not know, or a compliance topic, which is set in the app's configuration.
    """
    if given is None:
        return list(DEFAULT_TOPICS)
    topics = []
    for written in given[: MAX_TOPICS + 1]:
        topic = topic_of(written)
        if topic is None:
            raise InvalidInput.field("topics", "a topic that Shopify does not know; GET /webhooks/topics lists them")
        if topic in COMPLIANCE_TOPICS:
            raise InvalidInput.field(
                "topics", f"{topic} is a compliance topic: set it in the app's configuration (shopify.app.toml)"
            )
        topics.append(topic)
    return list(dict.fromkeys(topics))


class Addresses:
    """Where deliveries may go: the host's own origin, and the destinations it lists."""

    def __init__(self, settings: Settings) -> None:
        self._own = settings.webhook_url
        self._destinations = settings.webhook_destinations

    @property
    def default(self) -> str:
        """The configured address.

        Raises:
            NotConfigured: code `webhook_url_not_configured`.
        """
        if self._own is None:
            text = "Set SHOPIFY_WEBHOOK_URL to the public https address of POST /api/shopify/webhooks."
            raise NotConfigured(text, code="webhook_url_not_configured")
        return self._own

    def check(self, given: str | None) -> str:
        """Return the address that a caller wants.

        Raises:
            InvalidInput: code `invalid_webhook_url`: not on the host's own configured origin and not a listed destination.
        """
        if given is None:
            return self.default
        if given in self._destinations and (PUBSUB.fullmatch(given) or EVENTBRIDGE.fullmatch(given)):
            return given
        if not _is_plain_https(given) or self._own is None or _origin(given) != _origin(self._own):
            reason = "must be https on the origin of SHOPIFY_WEBHOOK_URL, or one of SHOPIFY_WEBHOOK_DESTINATIONS"
            details = [{"field": "webhook_url", "reason": reason}]
            raise InvalidInput(f"webhook_url {reason}.", code="invalid_webhook_url", details=details)
        return given

    def ours(self, *addresses: str | None) -> list[str]:
        """Return the addresses at which surplus subscriptions are ours to remove: these and the configured one."""
        return [address for address in dict.fromkeys([*addresses, self._own]) if address is not None]


def _is_plain_https(text: str) -> bool:
    if len(text) > 2048 or not text.isascii() or re.search(r"[\s\\\x00-\x1f\x7f]", text):
        return False
    try:
        parts = urlsplit(text)
        is_sound = parts.port != 0
    except ValueError:
        return False
    return is_sound and parts.scheme == "https" and bool(parts.hostname) and parts.username is None and not parts.fragment


def _origin(text: str) -> tuple[str, str, int]:
    parts = urlsplit(text)
    return (parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80))


def set_up(make_admin: Callable[[], ShopAdmin], wanted: Sequence[Wanted], *, ours: Sequence[str]) -> Result:
    """Make Shopify's subscriptions equal to the wanted ones; a topic that fails stops no other.

    Args:
        make_admin: speaks for the shop; called once per thread, since a `ShopAdmin` is not shared.
        ours: addresses whose unwanted subscriptions are removed.
    """
    todo = plan(wanted, make_admin().subscriptions(), ours=ours)
    changes = _changes(todo)
    made = map_in_threads(lambda change: change(make_admin()), changes, max_threads=AT_ONCE)
    rest = iter(made)
    created, updated, removed = (
        [row for _, row in zip(part, rest, strict=False) if not isinstance(row, Failed)]
        for part in (todo.create, todo.update, todo.surplus)
    )
    standing = [*map(_shown, todo.unchanged), *created, *updated]
    return Result(
        webhooks=tuple(sorted(standing, key=lambda row: str(row["topic"]))),
        created=len(created),
        updated=len(updated),
        unchanged=len(todo.unchanged),
        removed=len(removed),
        failed=tuple(row for row in made if isinstance(row, Failed)),
        new_topics=tuple(str(row["topic"]) for row in created),
    )


Change = Callable[[ShopAdmin], "dict[str, Any] | Failed"]


def _changes(todo: Plan) -> list[Change]:
    creations = [_attempt(want, partial(_create, want)) for want in todo.create]
    updates = [_attempt(want, partial(_update, have, want)) for have, want in todo.update]
    removals = [_attempt(gone, partial(_remove, gone)) for gone in todo.surplus]
    return [*creations, *updates, *removals]


def _create(want: Wanted, admin: ShopAdmin) -> str:
    return admin.create_subscription(want)


def _update(have: Subscription, want: Wanted, admin: ShopAdmin) -> str:
    return admin.update_subscription(have.admin_graphql_api_id, want)


def _remove(gone: Subscription, admin: ShopAdmin) -> str:
    admin.delete_subscription(gone.admin_graphql_api_id)
    return gone.admin_graphql_api_id


def _attempt(about: Wanted | Subscription, change: Callable[[ShopAdmin], str]) -> Change:
    def run(admin: ShopAdmin) -> dict[str, Any] | Failed:
        try:
            gid = change(admin)
        except UserErrors as error:
            return Failed(about.topic, "; ".join(str(e.get("message", "")) for e in error.user_errors)[:300])
        except ShopifyError as error:
            return Failed(about.topic, error.message)
        return {"id": tail(gid), "topic": about.topic, "address": about.address}

    return run


def _shown(subscription: Subscription) -> dict[str, Any]:
    return {"id": subscription.id, "topic": subscription.topic, "address": subscription.address}


def toml_section(address: str, topics: Sequence[str], *, api_version: str) -> str:
    """Write the `[webhooks]` section of `shopify.app.toml`: what Shopify CLI deploys, compliance topics included.

    Source: shopify.dev/docs/apps/build/cli-for-apps/app-configuration (read 2026-11).
    """
    listed = ", ".join(f'"{topic}"' for topic in topics)
    compliance = ", ".join(f'"{topic}"' for topic in COMPLIANCE_TOPICS)
    return (
        f'[webhooks]\napi_version = "{api_version}"\n\n'
        f'  [[webhooks.subscriptions]]\n  topics = [{listed}]\n  uri = "{address}"\n\n'
        f'  [[webhooks.subscriptions]]\n  compliance_topics = [{compliance}]\n  uri = "{address}"\n'
    )
