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
from shopify_inbox.events import REDACTED, WebhookEvent
from shopify_inbox.handling import Work
from shopify_kit.audit import add_entry
from shopify_kit.database import Connection, Database, Record
from shopify_kit.errors import TokenUnreadable
from shopify_kit.sealing import KeyRing, Place

WITHOUT_PERSONS: Final = [
    "collections",
    "inventory_items",
    "inventory_levels",
    "inventory_shipments",
    "inventory_transfers",
    "locales",
    "locations",
    "markets",
    "products",
    "themes",
    "variants",
]
"""Families of topics whose payloads name no customer; they are most of what comes in."""
ROWS: Final = 200
ACTOR: Final = "shopify"


class Person(Struct, frozen=True):
    """Whom a request is about: ids as text, and what else identifies them, in lower case."""

    customer_id: str
    order_ids: frozenset[str]
    marks: frozenset[str]

    @classmethod
    def of(cls, payload: Mapping[str, Any], orders_key: str) -> Person:
        """Read a compliance payload."""
        customer = payload["customer"]
        marks = {str(customer[key]).lower() for key in ("email", "phone") if customer.get(key)}
        orders = payload.get(orders_key)
        numbers = frozenset(str(number) for number in orders) if isinstance(orders, list) else frozenset[str]()
        return cls(str(customer["id"]).rsplit("/", 1)[-1], numbers, frozenset(marks))

    def is_in(self, body: bytes) -> bool:
        """Say whether a stored body is about this person; one that cannot be read is, where it holds a mark."""
        text = body.decode(errors="replace").lower()
        has_mark = any(mark in text for mark in self.marks)
        if not has_mark and "\\u" not in text and not any(number in text for number in self._numbers):
            return False
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return has_mark
        return any(self._is_meant(parent, key, value) for parent, key, value in _leaves(document))

    @property
    def _numbers(self) -> frozenset[str]:
        return self.order_ids | {self.customer_id}

    def _is_meant(self, parent: str, key: str, value: Any) -> bool:
        text = str(value).lower()
        if text in self.marks:
            return True
        number = text.rsplit("/", 1)[-1]
        if number == self.customer_id:
            return key == "customer_id" or (key in IDS and parent in ("", "customer"))
        return number in self.order_ids and (key == "order_id" or (key in IDS and parent in ("", "order")))


IDS: Final = ("id", "admin_graphql_api_id")


def _leaves(value: Any, parent: str = "", key: str = "") -> Iterator[tuple[str, str, Any]]:
    """Yield each value with its key and the key of what it stands in; lists do not count."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _leaves(part, key, str(name))
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part, parent, key)
    elif value is not None:
        yield parent, key, value


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

    # The inbox's bodies

    def _about(self, shop_domain: str, person: Person) -> Iterator[tuple[Record, bytes]]:
        """Yield the stored deliveries of a shop that are about a person, with their bodies.

        A shop that left and came back has several ids, and deliveries that came when it was not connected have none.
        """
        for shop_id in self._database.run(_shops_of_domain, shop_domain):
            after = 0
            while rows := self._database.run(_list_bodies, shop_id, shop_domain, after):
                after = rows[-1]["delivery_id"]
                for row in rows:
                    body = self._open(row)
                    if body is not None and person.is_in(body):
                        yield row, body

    def _open(self, row: Record) -> bytes | None:
        try:
            return self._keys.open(row["body_sealed"], body_place(row["app"], row["webhook_id"], row["shop_domain"]))
        except TokenUnreadable:
            return None

    # What is done: bodies are read outside the transaction, which then stores what came of that

    def export(self, event: WebhookEvent) -> Work:
        """Put together what we hold of a customer (customers/data_request)."""
        person = Person.of(event.payload, "orders_requested")
        found = [_readable(body) for row, body in self._about(event.shop_domain, person) if row["delivery_id"] != event.delivery_id]

        async def store(conn: Connection) -> None:
            sources = {name: await find(conn, event.shop_id, person) for name, find in self.finders.items()}
            document = {"customer_id": person.customer_id, "shop_domain": event.shop_domain}
            sealed = self._sealed(document | {"sources": sources | {"webhooks": found}}, person, event.shop_domain)
            export_id = await conn.fetchval(queries.keep_export, event.shop_id, person.customer_id, sealed)
            facts = {"export_id": export_id, "sources": [*sources, "webhooks"]}
            await add_entry(conn, "privacy.exported", actor=ACTOR, shop_id=event.shop_id, facts=facts)

        return store

    def _sealed(self, document: Mapping[str, Any], person: Person, shop_domain: str) -> bytes:
        place = Place("data_exports", person.customer_id, shop_domain, "document", 1)
        return self._keys.seal(json.dumps(document, default=str).encode(), place)

    def redact(self, event: WebhookEvent) -> Work:
        """Redact a customer everywhere (customers/redact), the request itself included."""
        person = Person.of(event.payload, "orders_to_redact")
        emptied = [(row["shop_id"], row["delivery_id"], self._empty(row)) for row, _ in self._about(event.shop_domain, person)]

        async def store(conn: Connection) -> None:
            counts = {name: await redact(conn, event.shop_id, person) for name, redact in self.redactors.items()}
            await conn.execute(queries.redact_bodies, *([row[at] for row in emptied] for at in range(3)))
            await conn.execute(queries.forget_kept_answers, event.shop_id)
            await conn.execute(queries.forget_exports, event.shop_id, person.customer_id)
            facts = {"counts": counts | {"webhooks": len(emptied)}}
            await add_entry(conn, "privacy.redacted", actor=ACTOR, shop_id=event.shop_id, facts=facts)

        return store

    def _empty(self, row: Record) -> bytes:
        place = body_place(row["app"], row["webhook_id"], row["shop_domain"])
        return self._keys.seal(json.dumps(REDACTED).encode(), place)

    def erase_shop(self, event: WebhookEvent) -> Work:
        """Forget a shop, 48 hours after it left (shop/redact). The receipt stands under shop 0, for the shop is gone."""

        async def store(conn: Connection) -> None:
            counts = {name: await erase(conn, event.shop_id) for name, erase in self.erasers.items()}
            await conn.execute(queries.forget_kept_answers, event.shop_id)
            forgotten = await conn.fetchval(queries.forget_shop, event.shop_id, event.shop_domain, event.delivery_id)
            facts = {"shop_domain": event.shop_domain, "counts": counts | {"webhooks": forgotten}}
            await add_entry(conn, "privacy.shop_redacted", actor=ACTOR, facts=facts)

        return store

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


def _readable(body: bytes) -> Any:
    """Return a body as it is shown to a person: as JSON where it is that."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode(errors="replace")


async def _shops_of_domain(conn: Connection, shop_domain: str) -> list[int]:
    return [row["shop_id"] for row in await conn.fetch(queries.shops_of_domain, shop_domain)]


async def _list_bodies(conn: Connection, shop_id: int, shop_domain: str, after: int) -> list[Record]:
    return await conn.fetch(queries.list_bodies, shop_id, shop_domain, WITHOUT_PERSONS, after, ROWS)


async def _list_exports(conn: Connection, shop_id: int, limit: int) -> list[Record]:
    return await conn.fetch(queries.list_exports, shop_id, limit)


async def _find_export(conn: Connection, shop_id: int, export_id: int) -> Record | None:
    return await conn.fetchrow(queries.find_export, shop_id, export_id)
