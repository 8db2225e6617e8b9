"""Shopify's compliance topics carried out: a customer's data put together or redacted, a shop forgotten. Each leaves a receipt.

The inbox knows its own bodies. Whoever else holds data of customers (mirror, snapshots) registers how to find and how to redact it.
Source: shopify.dev/docs/apps/build/compliance/privacy-law-compliance (read 2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct

from shopify_inbox.deliveries import body_place, queries
from shopify_inbox.events import WebhookEvent
from shopify_kit.audit import add_entry
from shopify_kit.database import Connection, Database, Record
from shopify_kit.errors import TokenUnreadable
from shopify_kit.sealing import KeyRing, Place

FAMILIES: Final = [
    "customers",
    "customer",
    "orders",
    "order",
    "draft_orders",
    "refunds",
    "fulfillments",
    "checkouts",
    "carts",
    "order_transactions",
    "returns",
    "disputes",
    "customer_payment_methods",
    "subscription_contracts",
]
ROWS: Final = 200
REDACTED: Final = b'{"redacted":true}'
ACTOR: Final = "shopify"


class Person(Struct, frozen=True):
    """Whom a request is about: ids as text, and what else identifies them."""

    customer_id: str
    order_ids: frozenset[str]
    marks: frozenset[str]

    @classmethod
    def of(cls, payload: Mapping[str, Any], orders_key: str) -> Person:
        """Read a compliance payload."""
        customer = payload.get("customer") or {}
        marks = {str(customer[key]).lower() for key in ("email", "phone") if customer.get(key)}
        orders = frozenset(str(number) for number in payload.get(orders_key) or ())
        return cls(str(customer.get("id") or ""), orders, frozenset(marks))

    def is_in(self, body: bytes) -> bool:
        """Say whether a stored payload is about this person."""
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return False
        return any(self._is_meant(key, value) for key, value in _leaves(document))

    def _is_meant(self, path: str, value: Any) -> bool:
        text = str(value).lower()
        if text in self.marks:
            return True
        key = path.rsplit(".", 1)[-1]
        if text == self.customer_id and (key in ("customer_id",) or path in ("id", "customer.id")):
            return True
        return text in self.order_ids and (key == "order_id" or path == "id")


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part, path)
    elif value is not None:
        yield path, value


Finder: TypeAlias = Callable[[Connection, int, Person], Awaitable[dict[str, Any]]]
Redactor: TypeAlias = Callable[[Connection, int, Person], Awaitable[int]]
ShopEraser: TypeAlias = Callable[[Connection, int], Awaitable[int]]


class Compliance:
    """Carries out compliance requests.

    `finders`, `redactors` and `erasers` are filled by whoever holds data, by name; the inbox's own work is built in.
    """

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys
        self.finders: dict[str, Finder] = {}
        self.redactors: dict[str, Redactor] = {}
        self.erasers: dict[str, ShopEraser] = {}
        self._found: dict[int, list[Any]] = {}
        self._to_redact: dict[int, list[tuple[int, bytes]]] = {}

    # The inbox's bodies

    def _about(self, shop_id: int, person: Person) -> Iterator[tuple[Record, bytes]]:
        """Yield the stored deliveries of a shop that are about a person, with their bodies."""
        after = 0
        while True:
            rows = self._database.run(_list_bodies, shop_id, after)
            if not rows:
                return
            for row in rows:
                after = row["delivery_id"]
                try:
                    body = self._keys.open(row["body_sealed"], body_place(row["app"], row["webhook_id"], row["shop_domain"]))
                except TokenUnreadable:
                    continue
                if person.is_in(body):
                    yield row, body

    # Handlers: they read outside the transaction and return what the unit then stores

    async def export(self, conn: Connection, event: WebhookEvent) -> None:
        """Put together what we hold of a customer (customers/data_request)."""
        person = Person.of(event.payload, "orders_requested")
        document: dict[str, Any] = {"customer_id": person.customer_id, "shop_domain": event.shop_domain, "sources": {}}
        for name, find in self.finders.items():
            document["sources"][name] = await find(conn, event.shop_id, person)
        document["sources"]["webhooks"] = self._found.pop(event.delivery_id, [])
        place = Place("data_exports", person.customer_id, event.shop_domain, "document", 1)
        sealed = self._keys.seal(json.dumps(document, default=str).encode(), place)
        export_id = await conn.fetchval(queries.keep_export, event.shop_id, person.customer_id, sealed)
        facts = {"export_id": export_id, "sources": list(document["sources"])}
        await add_entry(conn, "privacy.exported", actor=ACTOR, shop_id=event.shop_id, facts=facts)

    async def redact(self, conn: Connection, event: WebhookEvent) -> None:
        """Redact a customer everywhere (customers/redact)."""
        person = Person.of(event.payload, "orders_to_redact")
        rows = self._to_redact.pop(event.delivery_id, [])
        counts = {name: await redact(conn, event.shop_id, person) for name, redact in self.redactors.items()}
        await conn.execute(queries.redact_bodies, event.shop_id, [row[0] for row in rows], [row[1] for row in rows])
        await conn.execute(queries.forget_kept_answers, event.shop_id)
        await conn.execute(queries.forget_exports, event.shop_id, person.customer_id)
        counts["webhooks"] = len(rows)
        await add_entry(conn, "privacy.redacted", actor=ACTOR, shop_id=event.shop_id, facts={"counts": counts})

    async def erase_shop(self, conn: Connection, event: WebhookEvent) -> None:
        """Forget a shop, 48 hours after it left (shop/redact). The receipt stands under shop 0, for the shop is gone."""
        counts = {name: await erase(conn, event.shop_id) for name, erase in self.erasers.items()}
        counts["webhooks"] = int(await conn.fetchval(queries.forget_shop, event.shop_id) or 0)
        facts = {"shop_domain": event.shop_domain, "counts": counts}
        await add_entry(conn, "privacy.shop_redacted", actor=ACTOR, facts=facts)

    # What is collected before the transaction

    def collect(self, event: WebhookEvent) -> None:
        """Read the bodies that concern a request, before the transaction that acts on them."""
        if event.topic == "customers/data_request":
            person = Person.of(event.payload, "orders_requested")
            self._found[event.delivery_id] = [json.loads(body) for _, body in self._about(event.shop_id, person)]
        elif event.topic == "customers/redact":
            person = Person.of(event.payload, "orders_to_redact")
            self._to_redact[event.delivery_id] = [self._empty(row) for row, _ in self._about(event.shop_id, person)]

    def _empty(self, row: Record) -> tuple[int, bytes]:
        place = body_place(row["app"], row["webhook_id"], row["shop_domain"])
        return row["delivery_id"], self._keys.seal(REDACTED, place)

    # Handing out

    def exports(self, shop_id: int, limit: int = 100) -> list[dict[str, Any]]:
        """List a shop's exports, newest first."""
        return [dict(row.items()) for row in self._database.run(_list_exports, shop_id, limit)]

    def open_export(self, shop_id: int, shop_domain: str, export_id: int) -> dict[str, Any] | None:
        """Open an export for the host, who hands it to the customer."""
        row = self._database.run(_find_export, shop_id, export_id)
        if row is None:
            return None
        place = Place("data_exports", row["customer_id"], shop_domain, "document", 1)
        document: dict[str, Any] = json.loads(self._keys.open(row["document_sealed"], place))
        return document


async def _list_bodies(conn: Connection, shop_id: int, after: int) -> list[Record]:
    return await conn.fetch(queries.list_bodies, shop_id, FAMILIES, after, ROWS)


async def _list_exports(conn: Connection, shop_id: int, limit: int) -> list[Record]:
    return await conn.fetch(queries.list_exports, shop_id, limit)


async def _find_export(conn: Connection, shop_id: int, export_id: int) -> Record | None:
    return await conn.fetchrow(queries.find_export, shop_id, export_id)
