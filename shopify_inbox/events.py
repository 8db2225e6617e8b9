"""What a delivery says, once it is read: the event that handlers get, and why some deliveries are none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from shopify_kit.database import Record
from shopify_kit.topics import COMPLIANCE_TOPICS, same_topic, topic_of

MAX_DEPTH: Final = 64
STATE_ACTIONS: Final = frozenset({"create", "update", "updated"})
SHOP_FIELDS: Final = ("myshopify_domain", "shop_domain")
REDACTED: Final = {"redacted": True}
"""What stands in the place of a payload whose person was redacted."""
RESOURCE_ID: Final = re.compile(r"[A-Za-z0-9@_?=&-]{1,120}")
NOT_IN: Final = {
    "customers/data_request": {"orders_to_redact", "id", "admin_graphql_api_id"},
    "customers/redact": {"orders_requested", "data_request", "id", "admin_graphql_api_id"},
    "shop/redact": {
        "customer",
        "orders_requested",
        "data_request",
        "orders_to_redact",
        "id",
        "admin_graphql_api_id",
        "myshopify_domain",
    },
}
"""Keys that a compliance request never has, for they belong to another one or to an ordinary payload."""


class WebhookEvent(Struct, frozen=True):
    """A webhook delivery as a handler sees it.

    Args:
        topic: `orders/create`.
        shop_id: our integer of the shop, 0 where we do not know it.
        payload: the body, a JSON object.
        resource: `orders:123`, what the event is about; empty where it has no id.
        version: the payload's own `updated_at` (else when it was triggered), which orders states of one resource.
        event_id: the same for all subscriptions of one event; `webhook_id` is the delivery's.
        attempt: 1 for the first time it is handled.
        is_replay: somebody asked for it to be handled again.
    """

    topic: str
    shop_domain: str
    shop_id: int
    payload: Mapping[str, Any]
    resource: str
    version: str
    webhook_id: str
    event_id: str | None
    delivery_id: int
    triggered_at: str | None
    received_at: datetime
    api_version: str | None
    subscription_name: str | None
    attempt: int = 1
    is_replay: bool = False

    @property
    def happened_at(self) -> datetime:
        """When it happened, as far as the payload or Shopify's header say."""
        return datetime.fromisoformat(self.version).replace(tzinfo=UTC)

    @property
    def family(self) -> str:
        """The part of the topic before the slash."""
        return self.topic.split("/", 1)[0]

    @property
    def action(self) -> str:
        """The part of the topic after the slash."""
        return self.topic.partition("/")[2]


class NotAnEvent(Exception):
    """A delivery without effect: `status` is `dead`, `quarantined` or `unhandled`, `reason` says why in one word."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def read_event(row: Record, body: bytes, *, attempt: int, is_replay: bool = False) -> WebhookEvent:
    """Read a stored delivery.

    Raises:
        NotAnEvent: it is not what it claims to be.
    """
    payload = read_payload(body)
    topic = row["topic"]
    if row["path_topic"] and not same_topic(row["path_topic"], topic):
        raise NotAnEvent("quarantined", "topic_mismatch")
    if not row["shop_domain"]:
        raise NotAnEvent("quarantined", "invalid_shop")
    check_shop(payload, row["shop_domain"])
    check_compliance(topic, payload)
    return WebhookEvent(
        topic=topic,
        shop_domain=row["shop_domain"],
        shop_id=row["shop_id"],
        payload=payload,
        resource=resource_of(topic, payload),
        version=version_of(payload, row["triggered_at"], row["received_at"]),
        webhook_id=row["webhook_id"],
        event_id=row["event_id"],
        delivery_id=row["delivery_id"],
        triggered_at=row["triggered_at"],
        received_at=row["received_at"],
        api_version=row["api_version"],
        subscription_name=row["subscription_name"],
        attempt=attempt,
        is_replay=is_replay,
    )


def read_payload(body: bytes) -> dict[str, Any]:
    """Read a body as a JSON object.

    Raises:
        NotAnEvent: dead with `invalid_encoding`, `json_too_deep`, `invalid_json` or `invalid_shape`.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise NotAnEvent("dead", "invalid_encoding") from None
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise NotAnEvent("dead", "json_too_deep") from None
    except ValueError:
        raise NotAnEvent("dead", "invalid_json") from None
    if not isinstance(document, dict):
        raise NotAnEvent("dead", "invalid_shape")
    if _is_deeper(document, MAX_DEPTH):
        raise NotAnEvent("dead", "json_too_deep")
    if document == REDACTED:
        raise NotAnEvent("superseded", "redacted")
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _is_deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            part for one in level for part in (one.values() if isinstance(one, dict) else one) if isinstance(part, dict | list)
        ]
        if not level:
            return False
    return True


def check_shop(payload: Mapping[str, Any], shop_domain: str) -> None:
    """Compare the shop inside the payload, where it names one, with the header, which nobody signed.

    Raises:
        NotAnEvent: quarantined with `shop_mismatch`.
    """
    for name in SHOP_FIELDS:
        inside = payload.get(name)
        if isinstance(inside, str) and inside and inside.lower() != shop_domain:
            raise NotAnEvent("quarantined", "shop_mismatch")


def check_compliance(topic: str, payload: Mapping[str, Any]) -> None:
    """Demand that a compliance request looks like one: topic and shop are unsigned, and what it does cannot be undone.

    Raises:
        NotAnEvent: quarantined with `not_a_compliance_request`.
    """
    if topic not in COMPLIANCE_TOPICS:
        return
    customer = payload.get("customer")
    is_whole = topic == "shop/redact" or (isinstance(customer, Mapping) and isinstance(customer.get("id"), int | str))
    if not is_whole or NOT_IN[topic] & payload.keys() or not isinstance(payload.get("shop_domain"), str):
        raise NotAnEvent("quarantined", "not_a_compliance_request")


def resource_of(topic: str, payload: Mapping[str, Any]) -> str:
    """Name what a payload is about: `orders:123`; empty where it has no id."""
    number = _number(payload)
    return f"{topic.split('/', 1)[0]}:{number}" if number and RESOURCE_ID.fullmatch(number) else ""


def _number(payload: Mapping[str, Any]) -> str:
    """Return the id of what the payload is about; stock is about an item at a location, an Event about what it was asked for."""
    if "inventory_item_id" in payload and "location_id" in payload:
        return f"{payload['inventory_item_id']}@{payload['location_id']}"
    number = payload.get("admin_graphql_api_id") if payload.get("id") is None else payload["id"]
    if number is None and isinstance(variables := payload.get("query_variables"), Mapping):
        name = str(payload.get("topic"))
        number = variables.get(f"{name[:1].lower()}{name[1:]}Id")
    return str(number).rsplit("/", 1)[-1] if isinstance(number, int | str) else ""


def version_of(payload: Mapping[str, Any], triggered_at: str | None, received_at: datetime) -> str:
    """Return a text that sorts as states of a resource follow each other: an instant in UTC with microseconds."""
    for given in (payload.get("updated_at"), triggered_at):
        if isinstance(given, str):
            instant = _instant(given)
            if instant is not None:
                return instant
    return _sortable(received_at)


def _instant(text: str) -> str | None:
    """Read an instant; nanoseconds, as Shopify's Triggered-At has them, are cut."""
    head, dot, rest = text.partition(".")
    if dot:
        digits = rest.rstrip("Z")[:6]
        text = f"{head}.{digits}+00:00" if rest.endswith("Z") and digits.isdigit() else text
    try:
        instant = datetime.fromisoformat(text)
        return _sortable(instant) if instant.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _sortable(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def is_known(topic: str) -> bool:
    """Say whether Shopify knows a topic of this name."""
    return topic_of(topic) is not None
