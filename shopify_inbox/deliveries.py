"""A delivery's way in: bounds, signature, stored sealed, committed; only then is it acknowledged.

In the request there is no token, no call to Shopify and no reading of values: the signature is checked over the raw bytes, and what
is needed to keep the order per resource is looked for in the first bytes of the body. Whatever else is wrong with a validly signed
delivery is found by the worker; refusing it here would cost the subscription.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import asyncpg
from msgspec import Struct, structs

from shopify_kit.database import Connection, Database
from shopify_kit.errors import DatabaseUnavailable, InvalidSignature, NotConfigured
from shopify_kit.group_commit import GroupCommit
from shopify_kit.identifiers import is_shop_domain
from shopify_kit.jobs import Priority
from shopify_kit.queries import load_queries
from shopify_kit.sealing import KeyRing, Place
from shopify_kit.secret import Secret
from shopify_kit.signatures import verify_body
from shopify_kit.topics import COMPLIANCE_TOPICS, topic_of

MAX_WEBHOOK_BYTES: Final = 10 * 2**20
MAX_HEADER: Final = 255
MAX_ID: Final = 128
HASH_BYTES: Final = 16
HEAD_BYTES: Final = 200
EVENT_HEAD_BYTES: Final = 4_096
LEADING_ID = re.compile(rb'\s*\{\s*"(?:id|inventory_item_id|admin_graphql_api_id)"\s*:\s*"?([A-Za-z0-9:/_?=-]{1,120})')
EVENT_ID = re.compile(rb'"(?:fields_changed|query_variables)".{0,200}?gid://shopify/[A-Za-z]+/(\d{1,20})', re.DOTALL)
URGENT_TOPICS: Final = frozenset({*COMPLIANCE_TOPICS, "app/uninstalled"})

HEADERS: Final = {
    name: (f"X-Shopify-{name}", f"shopify-{name}")
    for name in """
        Topic Shop-Domain Hmac-Sha256 Webhook-Id Event-Id API-Version Name Triggered-At Handle Action Resource-Id
    """.split()
}
"""What a delivery's headers are called: in webhooks, and in Events."""

queries = load_queries("inbox")


class Secrets(Protocol):
    """Shop domain → the secrets that may have signed for it, each with the name of its app."""

    def __call__(self, shop_domain: str, /) -> Iterable[tuple[str, Secret]]:
        """Return the secrets, newest first."""

    @property
    def is_complete(self) -> bool:
        """Whether all that there are were read."""


class Headers(Protocol):
    """What a request's headers can do: look one up, whatever its case."""

    def get(self, key: str, /) -> str | None:
        """Return a header's value, or None."""


class Delivery(Struct, frozen=True):
    """A verified delivery as it is stored; texts from headers are not signed and only bounded here.

    Args:
        app: whose secret signed it: `app`, or the shop domain of a custom app.
        topic: canonical where Shopify knows it, else as it came.
        path_topic: what the address said, where it said anything.
        lane: what it keeps its order with.
    """

    app: str
    webhook_id: str
    event_id: str | None
    topic: str
    path_topic: str | None
    shop_domain: str
    api_version: str | None
    subscription_name: str | None
    triggered_at: str | None
    body_hash: bytes
    body_sealed: bytes
    lane: str
    priority: int

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same delivery as another."""
        return (self.app, self.webhook_id, self.shop_domain)


def body_place(app: str, webhook_id: str, shop_domain: str) -> Place:
    """Name the place of a sealed body."""
    return Place("inbox", f"{app}\0{webhook_id}", shop_domain, "body", 1)


class Inbox:
    """Takes deliveries in.

    Args:
        wake: called after a delivery was stored, to wake a worker of this process.
        ensure_schema: called before a delivery is stored; cheap once the schema is known to be there.
    """

    def __init__(
        self, database: Database, keys: KeyRing, secrets: Secrets, wake: Callable[[], None], ensure_schema: Callable[[], object]
    ) -> None:
        self._ensure_schema = ensure_schema
        self._keys = keys
        self._secrets = secrets
        self._wake = wake
        self._group: GroupCommit[Delivery, bool] = GroupCommit(
            database, store_deliveries, is_items_fault=_is_items_fault, size_of=lambda delivery: len(delivery.body_sealed)
        )

    def accept(self, body: bytes, headers: Headers, path_topic: str | None = None) -> bool:
        """Verify and store one delivery; returns whether it is new.

        Args:
            headers: as the request has them; both families (`X-Shopify-*`, and `shopify-*` of Events) are known.

        Raises:
            NotConfigured: code `webhook_secret_not_configured`, there is no secret to check with.
            InvalidSignature: none of the secrets signed these bytes; nothing is stored.
            DatabaseUnavailable: not stored; Shopify sends it again.
        """
        shop = read_header(headers, "Shop-Domain")
        secrets = list(self._secrets(shop))
        if not secrets and self._secrets.is_complete:
            text = "No webhook secret is configured; set SHOPIFY_WEBHOOK_SECRET or SHOPIFY_APP_CLIENT_SECRET."
            raise NotConfigured(text, code="webhook_secret_not_configured")
        app = verify_body(body, read_header(headers, "Hmac-Sha256", limit=None), secrets)
        if app is None and not self._secrets.is_complete:
            raise DatabaseUnavailable("The secrets of custom apps could not be read yet; send it again.", retry_after_s=2.0)
        if app is None:
            raise InvalidSignature("The delivery is not signed with a secret of ours.")
        return self.store(body, headers, path_topic, app)

    def store(self, body: bytes, headers: Headers, path_topic: str | None, app: str) -> bool:
        """Store a delivery whose origin is proved; returns whether it is new."""
        self._ensure_schema()
        is_new = self._group.put(self._delivery(body, headers, path_topic, app))
        if is_new:
            self._wake()
        return is_new

    def _delivery(self, body: bytes, headers: Headers, path_topic: str | None, app: str) -> Delivery:
        shop = read_header(headers, "Shop-Domain")
        shop = shop if is_shop_domain(shop) else ""
        topic = read_topic(headers)
        digest = hashlib.blake2b(body, digest_size=HASH_BYTES).digest()
        webhook_id = read_header(headers, "Webhook-Id")
        if not 0 < len(webhook_id) <= MAX_ID:
            webhook_id = "body:" + hashlib.sha256(f"{shop}\0{topic}\0".encode() + body).hexdigest()
        return Delivery(
            app=app,
            webhook_id=webhook_id,
            event_id=read_header(headers, "Event-Id") or None,
            topic=topic,
            path_topic=_plain(path_topic[:100]) if path_topic else None,
            shop_domain=shop,
            api_version=read_header(headers, "API-Version")[:20] or None,
            subscription_name=(read_header(headers, "Name") or read_header(headers, "Handle"))[:100] or None,
            triggered_at=read_header(headers, "Triggered-At")[:40] or None,
            body_hash=digest,
            body_sealed=self._keys.seal(body, body_place(app, webhook_id, shop)),
            lane=lane_of(topic, body, headers),
            priority=priority_of(topic),
        )


def read_header(headers: Headers, name: str, *, limit: int | None = MAX_HEADER) -> str:
    """Read a header of either family, bounded, with everything dropped that is not printable ASCII."""
    ordinary, of_events = HEADERS[name]
    value = headers.get(ordinary) or headers.get(of_events) or ""
    return value if limit is None else _plain(value[: limit + 1])


def _plain(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c.isprintable() and c.isascii())


def read_topic(headers: Headers) -> str:
    """Name the topic: canonical where Shopify knows it, else as it came.

    An Event names the type of the object and, beside it, the action: `Product` and `update` are the topic `Product/update`, whose
    payload is not that of `products/update`. Source: shopify.dev/docs/apps/build/events/delivery-structure (read 2026-11).
    """
    written, action = read_header(headers, "Topic"), read_header(headers, "Action")
    if action and not headers.get("X-Shopify-Topic"):
        return f"{written}/{action}"[:100]
    return topic_of(written) or written[:100]


def lane_of(topic: str, body: bytes, headers: Headers) -> str:
    """Name the lane: family and id of the resource, else the topic.

    The id is the first key of the payloads of every topic that has one, and the first thing named in an Event; it decides about
    order only, never about meaning.
    """
    family = topic.split("/", 1)[0]
    resource = read_header(headers, "Resource-Id")
    match = LEADING_ID.match(body[:HEAD_BYTES]) or EVENT_ID.search(body[:EVENT_HEAD_BYTES])
    number = resource or (match[1].decode("ascii") if match else "")
    return f"{family}:{number.rsplit('/', 1)[-1]}" if number else f"{topic}:"


def priority_of(topic: str) -> int:
    """Say how soon a topic wants to be handled: compliance and uninstall, orders, the rest."""
    if topic in URGENT_TOPICS:
        return Priority.URGENT
    return Priority.ORDERS if topic.startswith(("orders/", "refunds/")) else Priority.REST


def _is_items_fault(error: BaseException) -> bool:
    return isinstance(error, asyncpg.DataError | asyncpg.IntegrityConstraintViolationError | asyncpg.ProgramLimitExceededError)


async def store_deliveries(conn: Connection, deliveries: Sequence[Delivery]) -> list[bool]:
    """Write a group in one statement; returns for each whether it was new.

    Rows are written in the order of their keys, so that two groups with the same deliveries do not wait for each other crosswise.
    """
    first: dict[tuple[str, str, str], int] = {}
    for index, delivery in enumerate(deliveries):
        first.setdefault(delivery.key, index)
    arrivals = [first[key] for key in sorted(first)]
    columns = zip(*(structs.astuple(deliveries[index]) for index in arrivals), strict=True)
    rows = await conn.fetch(queries.store_deliveries, *map(list, columns), arrivals)
    new = {first[row["app"], row["webhook_id"], row["shop_domain"]] for row in rows}
    return [index in new for index in range(len(deliveries))]
