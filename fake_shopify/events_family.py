"""Events, the successor of webhooks since 2026-10: what a subscription with triggers is told when something changes.

Source: shopify.dev/docs/api/events/2026-10, …/apps/build/events/delivery-structure and …/delivery-filtering, changelog 2026-09-16
(`fields_changed` as added, updated and removed; `.*` for all fields below a path; read 2026-11). Assumed: what changed is found by
comparing the payloads of the webhook topic, so fields that only GraphQL shows never trigger; the first change that is seen of an
object counts as a change of every trigger; a creation lists the object under `added`, a deletion under `removed`.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fake_shopify.admin.webhook_filters import passes
from fake_shopify.context import Context
from fake_shopify.engine import run
from fake_shopify.subscriptions import EventsPart
from fake_shopify.topics import action_of, resource_of

TOPICS = {
    "collections": "Collection",
    "customers": "Customer",
    "draft_orders": "DraftOrder",
    "inventory_items": "InventoryItem",
    "locations": "Location",
    "metaobjects": "Metaobject",
    "orders": "Order",
    "products": "Product",
}
"""Resources of webhook topics whose changes the fake tells as events."""

ACTIONS = {"create": "create", "update": "update", "updated": "update", "delete": "delete"}
RENAMED = {"body_html": "descriptionHtml"}
SILENT = frozenset("id admin_graphql_api_id created_at updated_at variant_gids old_inventory_quantity product_id".split())
MOST_OBJECTS = 2_000

Payload = dict[str, Any]
Path = tuple[tuple[str, str | None], ...]
Flat = dict[Path, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    """A change in the words of the Events family: the object, what was done to it, and the paths that changed."""

    topic: str
    action: str
    gid: str
    added: tuple[Path, ...] = ()
    updated: tuple[Path, ...] = ()
    removed: tuple[Path, ...] = ()
    is_first: bool = False

    @property
    def root(self) -> str:
        """The first name of every path: `product`."""
        return self.topic[0].lower() + self.topic[1:]


@dataclass(slots=True)
class Memory:
    """What objects looked like when they were last told of; the oldest are forgotten."""

    seen: OrderedDict[tuple[str, str], Flat] = field(default_factory=OrderedDict)

    def happening(self, shop_domain: str, webhook_topic: str, payload: Payload) -> Happening | None:
        """Turn a change under a webhook topic into one of the Events family; None when it is not one."""
        topic, action = TOPICS.get(resource_of(webhook_topic)), ACTIONS.get(action_of(webhook_topic))
        if topic is None or action is None or "id" not in payload:
            return None
        own = payload.get("admin_graphql_api_id") or f"gid://shopify/{topic}/{payload['id']}"
        root: Path = ((topic[0].lower() + topic[1:], own),)
        if action == "delete":
            self.seen.pop((shop_domain, own), None)
            return Happening(topic, action, own, removed=(root,))
        new = dict(_flat(payload, root))
        old = self._swap((shop_domain, own), new)
        if action == "create":
            return Happening(topic, action, own, added=(root,))
        if old is None:
            return Happening(topic, action, own, is_first=True)
        return Happening(topic, action, own, *_difference(old, new))

    def _swap(self, key: tuple[str, str], new: Flat) -> Flat | None:
        old = self.seen.pop(key, None)
        self.seen[key] = new
        if len(self.seen) > MOST_OBJECTS:
            self.seen.popitem(last=False)
        return old


def _camel(name: str) -> str:
    return RENAMED.get(name) or re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def _flat(value: Payload, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield every field below an object with its path; objects in lists are told apart by their ids."""
    for name, inner in value.items():
        if name in SILENT:
            continue
        if isinstance(inner, list) and inner and all(isinstance(one, dict) and "id" in one for one in inner):
            for one in inner:
                below: Path = (*path, (_camel(name), str(one.get("admin_graphql_api_id") or one["id"])))
                yield below, ...
                yield from _flat(one, below)
        elif isinstance(inner, dict):
            yield from _flat(inner, (*path, (_camel(name), None)))
        else:
            yield (*path, (_camel(name), None)), inner


def _difference(old: Flat, new: Flat) -> tuple[tuple[Path, ...], tuple[Path, ...], tuple[Path, ...]]:
    gained, lost = _topmost(new.keys() - old.keys()), _topmost(old.keys() - new.keys())
    return gained, tuple(path for path in new if path in old and old[path] != new[path]), lost


def _topmost(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Leave out what lies below another of the paths."""
    every = set(paths)
    return tuple(sorted((path for path in every if not any(path[:at] in every for at in range(1, len(path)))), key=_written))


def _names(path: Path) -> str:
    return ".".join(name for name, _ in path)


def _written(path: Path) -> str:
    """Write a path as the payload does: `product[id: 'gid://…'].variants[id: 'gid://…'].price`."""
    return ".".join(name if own is None else f"{name}[id: '{own}']" for name, own in path)


def _meets(trigger: str, path: Path) -> bool:
    names = _names(path)
    return names.startswith(trigger[:-1]) or names == trigger[:-2] if trigger.endswith(".*") else names == trigger


def _is_wanted(part: EventsPart, path: Path) -> bool:
    return not part.triggers or any(_meets(trigger, path) for trigger in part.triggers)


# What a subscription is told


def body_for(ctx: Context, part: EventsPart, happening: Happening) -> Payload | None:
    """Build the body of a delivery, None when the subscription does not want to hear of it."""
    if part.topic != happening.topic or happening.action not in part.actions:
        return None
    changed = _fields_changed(part, happening)
    if changed is None:
        return None
    variables = _variables(happening, part)
    body: Payload = {
        "topic": part.topic,
        "action": happening.action,
        "handle": part.handle,
        "fields_changed": changed,
        "query_variables": variables,
    }
    if part.query is None:
        return body
    answer = _ask(ctx, part.query, variables)
    if not passes(part.query_filter, answer.get("data") or {}):
        return None
    return body | {name: answer[name] for name in ("data", "errors") if name in answer}


def _fields_changed(part: EventsPart, happening: Happening) -> dict[str, list[str]] | None:
    if happening.is_first:
        stem = f"{happening.root}[id: '{happening.gid}']"
        named = [stem + trigger.removesuffix(".*")[len(happening.root) :] for trigger in part.triggers] or [stem]
        return {"added": [], "updated": named, "removed": []}
    wanted = {"added": happening.added, "updated": happening.updated, "removed": happening.removed}
    if happening.action != "update":
        return {name: [_written(path) for path in paths] for name, paths in wanted.items()}
    met = {name: [_written(path) for path in paths if _is_wanted(part, path)] for name, paths in wanted.items()}
    return met if any(met.values()) else None


def _variables(happening: Happening, part: EventsPart) -> dict[str, str]:
    """Name the ids of the objects on the paths that changed: `productId`, `variantsId` (of several the first; assumed)."""
    found = {f"{happening.root}Id": happening.gid}
    for path in (*happening.added, *happening.updated, *happening.removed):
        if happening.action == "update" and not _is_wanted(part, path):
            continue
        for name, own in path[1:]:
            if own is not None:
                found.setdefault(f"{name}Id", own)
    return found


def _ask(ctx: Context, query: str, variables: dict[str, str]) -> Payload:
    """Run the subscription's query with the app's own access; the app's rate limit is not touched (assumed)."""
    bucket = ctx.shop.bucket(ctx.grant.client_id)
    bucket.status(ctx.world.clock.monotonic_s())
    left, bucket.available = bucket.available, bucket.maximum
    answer, _ = run(ctx, {"query": query, "variables": variables})
    bucket.available = left
    return answer
