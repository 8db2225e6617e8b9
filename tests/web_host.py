"""A host backend in the tests' own process: users who authenticate by bearer token, each with a shop of their own.

Everything below the views is real: the integration, Postgres, and a fake store over HTTP; a spy notes what is sent to it. The
fixtures are in `tests.web_fixtures`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
import pytest
import requests
from flask import Flask, Request
from loguru import logger
from werkzeug.test import TestResponse

from shopify_inbox.deliveries import body_place
from shopify_integration_register import ShopifyIntegration, register_shopify_integration
from shopify_kit import transport
from shopify_kit.database import Database
from shopify_kit.errors import TokenUnreadable
from tests.fake_store import FakeShop, FakeStore
from tests.processes import wait_until

PREFIX = "/api/shopify"
USERS = ("alice", "mallory", "bob")
PASSES = {name: f"pass-of-{name}-0123456789" for name in USERS}
SERVICE_KEY = "key-of-svc-host-0123456789abcdef"
WEBHOOK_SECRET = "secret-of-the-webhooks-0123456789"
WEBHOOK_URL = "https://app.example.com/api/shopify/webhooks"

STANDARD: Mapping[str, Any] = {
    "SHOPIFY_SERVICE_KEYS": f"svc-host:{SERVICE_KEY}",
    "SHOPIFY_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "SHOPIFY_WEBHOOK_URL": WEBHOOK_URL,
}
"""What a connected host is configured with."""


def authenticate(request: Request) -> str | None:
    """Know the users by their bearer tokens, as a host would by its sessions."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return next((f"u-{name}" for name, known in PASSES.items() if known == token), None)


def bearer(who: str) -> str:
    """Return the Authorization header of a user, or of the service."""
    return f"Bearer {SERVICE_KEY if who == 'service' else PASSES[who]}"


@dataclass(frozen=True, slots=True)
class Sent:
    """One request to Shopify's side, and what came of it (None: no answer)."""

    host: str
    path: str
    operation: str | None
    variables: Mapping[str, Any]
    status: int | None


class Outbound:
    """Notes every request that leaves, while a spy looks on."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def clear(self) -> None:
        """Forget what was sent so far."""
        self.sent.clear()

    def variables(self, operation: str) -> list[Mapping[str, Any]]:
        """Return the variables of every call of an operation."""
        return [sent.variables for sent in self.sent if sent.operation == operation]

    def asked_for_tokens(self) -> int:
        """Count the calls of the token endpoint."""
        return sum(sent.path.endswith("/oauth/access_token") for sent in self.sent)

    def note(self, request: transport.Request, response: transport.Response | None) -> None:
        """Keep one exchange."""
        is_json = request.headers.get("Content-Type") == "application/json"
        body = msgspec.json.decode(request.body) if request.body and is_json else {}
        host = str(request.headers.get("Host") or urlsplit(request.url).hostname or "")
        status = response.status if response is not None else None
        self.sent.append(Sent(host, urlsplit(request.url).path, body.get("operationName"), body.get("variables") or {}, status))


@contextmanager
def watch_outbound() -> Iterator[Outbound]:
    """Look on while requests leave; they leave as ever."""
    outbound, send = Outbound(), transport.RequestsTransport.send

    def spy(self: transport.RequestsTransport, request: transport.Request) -> transport.Response:
        try:
            response = send(self, request)
        except Exception:
            outbound.note(request, None)
            raise
        outbound.note(request, response)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport.RequestsTransport, "send", spy)
        yield outbound


@contextmanager
def counted_units() -> Iterator[list[str]]:
    """Note every unit of database work that is begun in this process."""
    seen: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("run", "run_autocommit"):
            patch.setattr(Database, name, _counting(getattr(Database, name), seen))
        yield seen


def _counting(method: Callable[..., Any], seen: list[str]) -> Callable[..., Any]:
    def spy(self: Database, verb: Any, /, *arguments: Any, **options: Any) -> Any:
        seen.append(getattr(verb, "__name__", "unit"))
        return method(self, verb, *arguments, **options)

    return spy


class LogBook(logging.Handler):
    """Everything that is logged anywhere, as a host's handlers would print it: loguru in full, the root logger at DEBUG."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line of the standard library's logging."""
        self.lines.append(self.format(record))

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


@contextmanager
def keep_logs() -> Iterator[LogBook]:
    """Collect log lines, with the values of local variables in tracebacks, as loguru shows them unless told otherwise."""
    book, root = LogBook(), logging.getLogger()
    level = root.level
    sink = logger.add(lambda line: book.lines.append(str(line)), level="TRACE", backtrace=True, diagnose=True)
    root.addHandler(book)
    root.setLevel(logging.DEBUG)
    try:
        yield book
    finally:
        root.setLevel(level)
        root.removeHandler(book)
        logger.remove(sink)


def signed(
    topic: str, payload: Any, shop_domain: str, *, secret: str = WEBHOOK_SECRET, **headers: str
) -> tuple[bytes, dict[str, str]]:
    """Make a delivery as Shopify would sign it; headers by name (`webhook_id="1"`), an empty one is left out."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    made = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": shop_domain,
        "X-Shopify-Hmac-Sha256": base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode(),
        "X-Shopify-Webhook-Id": str(uuid.uuid4()),
        "X-Shopify-Event-Id": str(uuid.uuid4()),
        "X-Shopify-API-Version": "2026-10",
    }
    made |= {f"X-Shopify-{name.replace('_', '-').title()}": value for name, value in headers.items()}
    return body, {name: value for name, value in made.items() if value}


def dump_tables(dsn: str) -> dict[str, list[str]]:
    """Return every table of ours as text, rows in order; sealed columns as they lie, byte for byte."""

    async def dump() -> dict[str, list[str]]:
        conn = await asyncpg.connect(dsn)
        try:
            names = await conn.fetch("select tablename from pg_tables where schemaname = 'shopify' order by 1")
            return {name: sorted(map(_text, await conn.fetch(f"select * from shopify.{name}"))) for (name,) in names}  # noqa: S608
        finally:
            await conn.close()

    return asyncio.run(dump())


def _text(row: Any) -> str:
    values = (value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row.values())
    return " | ".join(values)


def run_sql(dsn: str, sql: str, *arguments: object) -> list[Any]:
    """Run one statement on a database, outside of the integration."""

    async def run() -> list[Any]:
        conn = await asyncpg.connect(dsn)
        try:
            return list(await conn.fetch(sql, *arguments))
        finally:
            await conn.close()

    return asyncio.run(run())


def empty_inbox(dsn: str) -> None:
    """Forget all deliveries and what became of them."""
    run_sql(dsn, "truncate shopify.inbox, shopify.inbox_outcomes, shopify.resource_versions, shopify.data_exports")
    run_sql(dsn, "truncate shopify.jobs, shopify.leases, shopify.dead_jobs, shopify.webhook_setups")


@dataclass(slots=True)
class Host:
    """A backend with the integration registered."""

    app: Flask
    dsn: str
    store: FakeStore
    shops: Mapping[str, FakeShop] = field(default_factory=dict)

    @property
    def integration(self) -> ShopifyIntegration:
        """What the register keeps in the app."""
        found: ShopifyIntegration = self.app.extensions["shopify"]
        return found

    def call(self, method: str, path: str, who: str | None = "alice", **options: Any) -> TestResponse:
        """Send a request under the prefix as one of the users, as `service`, or as nobody (None)."""
        headers = dict(options.pop("headers", {}))
        if who is not None:
            headers.setdefault("Authorization", bearer(who))
        return self.app.test_client().open(PREFIX + path, method=method, headers=headers, **options)

    def get(self, path: str, who: str | None = "alice", **options: Any) -> TestResponse:
        """GET."""
        return self.call("GET", path, who, **options)

    def post(self, path: str, document: Any, who: str | None = "alice", **options: Any) -> TestResponse:
        """POST a JSON document."""
        return self.call("POST", path, who, json=document, **options)

    def put(self, path: str, document: Any, who: str | None = "alice", **options: Any) -> TestResponse:
        """PUT a JSON document."""
        return self.call("PUT", path, who, json=document, **options)

    def delete(self, path: str, who: str | None = "alice", **options: Any) -> TestResponse:
        """DELETE."""
        return self.call("DELETE", path, who, **options)

    def deliver(self, topic: str, payload: Any, shop: str | FakeShop = "alice", **options: Any) -> TestResponse:
        """Send a signed delivery through the public door, as `signed` makes it; `shop` is whose, or which."""
        path = options.pop("path", "/webhooks")
        chosen = self.shops[shop] if isinstance(shop, str) else shop
        body, headers = signed(topic, payload, chosen.shop_domain, **options)
        return self.call("POST", path, None, data=body, headers=headers)

    def work(self) -> int:
        """Do everything that waits; returns how many jobs were done."""
        return self.integration.make_worker().run_until_idle()

    def finish(self, operation_id: str, who: str = "alice") -> dict[str, Any]:
        """Work until a bulk operation is over; returns it."""
        worker = self.integration.make_worker()

        def look() -> dict[str, Any] | None:
            worker.run_until_idle()
            found: dict[str, Any] = self.get(f"/bulk/operations/{operation_id}/status", who).get_json()["operation"]
            return found if found["completed_at"] else None

        over = wait_until(look, timeout_s=30, what="the end of the bulk operation")
        assert over is not None
        return over

    def events(self, who: str = "alice", query: str = "") -> list[dict[str, Any]]:
        """Return a user's deliveries, newest first."""
        found: list[dict[str, Any]] = self.get(f"/webhooks/events{query}", who).get_json()["events"]
        return found

    def connect(self, who: str, shop: FakeShop, **fields: Any) -> TestResponse:
        """Connect a user with a shop by its token."""
        body = {"user_id": f"u-{who}", "shop_domain": shop.shop_domain, "access_token": shop.access_token}
        return self.post("/connect", body | fields, who)


def opened_bodies(host: Host) -> list[str]:
    """Open every body that lies in the inbox."""
    keys, opened = host.integration.parts.keys, []
    for row in run_sql(host.dsn, "select * from shopify.inbox"):
        try:
            body = keys.open(row["body_sealed"], body_place(row["app"], row["webhook_id"], row["shop_domain"]))
        except TokenUnreadable:
            continue
        opened.append(body.decode("utf-8", "replace"))
    return opened


@contextmanager
def run_host(
    dsn: str,
    store: FakeStore,
    folder: Path,
    *,
    users: Callable[[Request], Any] | None = authenticate,
    prepare: Callable[[Flask], object] = id,
    **config: Any,
) -> Iterator[Host]:
    """Make a backend with the integration registered on a database; settings as `app.config` takes them.

    Args:
        users: the host's `authenticate`.
        prepare: what the host does with its app before it registers the integration.
    """
    app = Flask("backend", instance_path=str(folder))
    prepare(app)
    app.config.update({"SHOPIFY_ENV": "development", "SHOPIFY_ADMIN_ORIGIN": store.base_url, "SHOPIFY_WORKER": "off"} | config)
    app.config.setdefault("SHOPIFY_RATE_LIMIT_PER_MINUTE", 100_000)
    assert register_shopify_integration(app, dsn, authenticate=users, strict=True)
    host = Host(app, dsn, store)
    try:
        yield host
    finally:
        host.integration.close()


@contextmanager
def run_connected_host(dsn: str, store: FakeStore, folder: Path, **config: Any) -> Iterator[Host]:
    """The same with alice, mallory and bob each connected to a shop of their own, and a service that may act for them."""
    config = {**STANDARD, **config}
    with run_host(dsn, store, folder, **config) as host:
        host.shops = dict(zip((*USERS, "nobody"), store.shops, strict=True))
        for name in USERS:
            assert host.connect(name, host.shops[name]).status_code == 200
        yield host


def control(store: FakeStore, action: str, document: Any = None, method: str = "POST", **parameters: str) -> Any:
    """Speak to the fake's control API."""
    with requests.Session() as session:
        session.trust_env = False
        url = f"{store.base_url}/__fake/{action}"
        answer = session.request(method, url, json=document, params=parameters, timeout=30)
        answer.raise_for_status()
        return answer.json()


def grant(store: FakeStore, shop: FakeShop, **facts: Any) -> FakeShop:
    """Have a shop give out one more token."""
    token = "shpat_" + secrets.token_hex(16)
    control(store, "grants", {"token": token, "shop_domain": shop.shop_domain, **facts})
    return FakeShop(shop.shop_domain, token)


def revoke(store: FakeStore, shop: FakeShop) -> None:
    """Have a shop take a token back."""
    control(store, "grants", method="DELETE", token=shop.access_token)


@contextmanager
def moved_clock(store: FakeStore, days: float) -> Iterator[None]:
    """Let the fake live some days ago (negative), or later, for a while."""
    control(store, "clock", {"advance_s": days * 86_400})
    try:
        yield
    finally:
        control(store, "clock", {"advance_s": -days * 86_400})


def give_plenty(store: FakeStore, shop: FakeShop) -> None:
    """Let a shop have points for everything, so that no test waits for them."""
    plenty = 1_000_000
    control(store, "bucket", {"shop": shop.shop_domain, "maximum": plenty, "available": plenty, "restore_rate": plenty})


@contextmanager
def fault(store: FakeStore, kind: str, **facts: Any) -> Iterator[None]:
    """Have the fake misbehave for a while."""
    control(store, "faults", {"kind": kind, "times": None, **facts})
    try:
        yield
    finally:
        control(store, "faults", method="DELETE")


def unique(word: str) -> str:
    """Return a name that nothing else has."""
    return f"{word}{secrets.token_hex(5)}"
