"""What a delivery says about an object: the whole REST-like payload of each topic, built from rows when somebody is to receive it.

What a domain emits names the object; `full` replaces it by the payload of the object as it is now. Shopify, too, builds payloads
after the change (source: shopify.dev/docs/apps/build/webhooks/delivery-filtering, "current field values"; read 2026-11). An object
that is gone by then leaves what was emitted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fake_shopify.admin.customer_events import customer_payload
from fake_shopify.admin.inventory_items import payload as item_payload
from fake_shopify.admin.location_changes import payload as location_payload
from fake_shopify.context import Context, split_gid
from fake_shopify.payloads import catalogue, drafts, orders, shops
from fake_shopify.payloads.shape import Payload, in_zone
from fake_shopify.rows import Row
from fake_shopify.topics import action_of, resource_of

Builder = Callable[[Context, Row], Payload]

BUILDERS: dict[str, tuple[str, Builder]] = {
    "bulk_operations": ("BulkOperation", shops.bulk_payload),
    "customers": ("Customer", customer_payload),
    "draft_orders": ("DraftOrder", drafts.draft_payload),
    "fulfillments": ("Fulfillment", orders.fulfillment_payload),
    "inventory_items": ("InventoryItem", lambda ctx, row: item_payload(row)),
    "locations": ("Location", lambda ctx, row: location_payload(row)),
    "order_transactions": ("OrderTransaction", orders.transaction_payload),
    "orders": ("Order", orders.order_payload),
    "products": ("Product", catalogue.product_payload),
    "refunds": ("Refund", orders.refund_payload),
}
"""Resource → type of its object and how its payload is built."""

AS_EMITTED = frozenset({"customers/merge", "orders/edited"})
BARE_DELETES = frozenset({"draft_orders", "locations", "orders", "products"})
"""Resources whose delete topics carry nothing but the id."""

UTC_TOPICS = frozenset({"app/scopes_update", "discounts/redeemcode_added", "discounts/redeemcode_removed"})


def full(ctx: Context, topic: str, emitted: Payload) -> Payload:
    """Return the payload of a change."""
    return in_shop_zone(ctx, topic, _full(ctx, topic, emitted))


def subject(topic: str, emitted: Payload) -> object:
    """Return what a change is about: the topic and the object when the payload is built from it, else the change itself."""
    if resource_of(topic) not in BUILDERS or topic in AS_EMITTED:
        return topic, id(emitted)
    return topic, str(emitted.get("admin_graphql_api_id") or emitted.get("id"))


def in_shop_zone(ctx: Context, topic: str, payload: Payload) -> Payload:
    """Write the instants of a payload in the shop's zone, save for the topics that keep to UTC."""
    found: Payload = payload if topic in UTC_TOPICS else in_zone(payload, ctx.shop.settings["zone"])
    return found


def _full(ctx: Context, topic: str, emitted: Payload) -> Payload:
    resource, action = resource_of(topic), action_of(topic)
    if topic in ("shop/update", "app/uninstalled"):
        return shops.shop_payload(ctx)
    if action == "delete":
        return _deleted(resource, emitted)
    if resource == "fulfillment_events":
        return _event(ctx, emitted)
    if resource not in BUILDERS or topic in AS_EMITTED:
        return emitted
    row = object_of(ctx, BUILDERS[resource][0], emitted)
    return emitted if row is None else BUILDERS[resource][1](ctx, row)


def object_of(ctx: Context, type_name: str, emitted: Payload) -> Row | None:
    """Return the row that a payload is about, by its GID or its number."""
    named = emitted.get("admin_graphql_api_id")
    number = split_gid(named)[1] if isinstance(named, str) else str(emitted.get("id", ""))
    if type_name not in ctx.shop.tables or not number.isdigit():
        return None
    return ctx.table(type_name).get(int(number))


def _deleted(resource: str, emitted: Payload) -> Payload:
    if resource in BARE_DELETES:
        return {"id": emitted["id"]} if "id" in emitted else emitted
    return catalogue.deleted_item(emitted) if resource == "inventory_items" else emitted


def _event(ctx: Context, emitted: Payload) -> Payload:
    """What is emitted names the fulfillment; its newest event is meant."""
    fulfillment = object_of(ctx, "Fulfillment", emitted)
    if fulfillment is None or not fulfillment["_events"]:
        return emitted
    return orders.fulfillment_event_payload(ctx, fulfillment["_events"][-1], fulfillment)


def of_object(ctx: Context, topic: str, id: str) -> Payload:
    """Build the payload of a topic for an existing object.

    Raises:
        ValueError: an object of another type, or none.
    """
    resource = resource_of(topic)
    if resource not in BUILDERS:
        raise ValueError(f"no payload can be built for {topic}; give one")
    type_name = BUILDERS[resource][0]
    if split_gid(id)[0] != type_name or object_of(ctx, type_name, {"admin_graphql_api_id": id}) is None:
        raise ValueError(f"no such {type_name}: {id}")
    return full(ctx, topic, {"admin_graphql_api_id": id, "id": int(split_gid(id)[1])})


def with_metafields(ctx: Context, payload: Payload, namespaces: Sequence[str], identifiers: Sequence[dict[str, Any]]) -> Payload:
    """Add the metafields that a subscription asks for; a subscription that asks for none gets no such field (assumed)."""
    if not namespaces and not identifiers:
        return payload
    found = catalogue.metafields_of(ctx, payload.get("admin_graphql_api_id"), namespaces, identifiers)
    return payload | {"metafields": in_zone(found, ctx.shop.settings["zone"])}
