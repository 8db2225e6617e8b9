"""Nothing secret shows: everything is tried, with trouble of every kind, and then all that was said and stored is searched."""

from __future__ import annotations

import json
import os
import secrets
import socket
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from loguru import logger
from werkzeug.test import TestResponse

from shopify_custom_apps import Credentials, Installations
from shopify_kit import client
from shopify_kit.client import AdminClient
from shopify_kit.sealing import KeyRing
from shopify_kit.secret import Secret
from shopify_kit.transport import RequestsTransport
from shopify_kit.vault import Vault
from shopify_webhooks import WebhookEvent
from tests.fake_store import FakeShop, FakeStore
from tests.processes import ChildProcess, find_descendants, wait_until
from tests.web_host import WEBHOOK_URL, Host, LogBook, control, dump_tables, fault, keep_logs, run_host, signed

pytest_plugins = ("tests.web_fixtures",)

PERSON = {
    "first_name": "Canaria",
    "last_name": "Personova",
    "email": "canaria.personova@example.com",
    "phone": "+16135550199",
    "note": "Allergic to canaryseed",
}
WORDS_OF_THE_PERSON = ("Canaria", "Personova", "5550199", "canaryseed", "Canary Lane")
ADDRESS = {"address1": "7 Canary Lane", "city": "Ottawa", "country_code": "CA", "province_code": "ON", "zip": "K1A 0B1"}
TROUBLE: Mapping[str, dict[str, Any]] = {
    "429": {"retry_after": "100"},
    "5xx": {"status": 500},
    "html": {},
    "reset": {},
    "truncate": {},
    "redirect": {"location": "https://evil.example/?leak"},
    "bomb": {"size_bytes": 2**26},
    "drip": {"delay_s": 0.05},
    "delay": {"delay_s": 0.2},
    "frozen": {},
    "wrong_shop": {},
    "throttled": {},
}


@dataclass(slots=True)
class Secrets:
    """One secret of every kind, each found nowhere else."""

    access_token: str = field(default_factory=lambda: "shpat_canary" + secrets.token_hex(16))
    wrong_token: str = field(default_factory=lambda: "shpat_canary" + secrets.token_hex(16))
    api_secret: str = field(default_factory=lambda: "shpss_canary" + secrets.token_hex(16))
    wrong_client_secret: str = field(default_factory=lambda: "shpss_canary" + secrets.token_hex(16))
    app_secret: str = field(default_factory=lambda: "appsecret_canary" + secrets.token_hex(16))
    webhook_secret: str = field(default_factory=lambda: "hook_canary" + secrets.token_hex(16))
    service_key: str = field(default_factory=lambda: "service_canary" + secrets.token_hex(16))
    sealing_key: str = field(default_factory=lambda: secrets.token_hex(32))
    shop_secret: str = field(default_factory=lambda: "shophook_canary" + secrets.token_hex(16))
    session: str = field(default_factory=lambda: "session_canary" + secrets.token_hex(16))
    redis_password: str = field(default_factory=lambda: "redis_canary" + secrets.token_hex(16))

    def all(self) -> dict[str, str]:
        """Return the secrets by kind."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def settings(self) -> dict[str, Any]:
        """Return them as a host sets them."""
        return {
            "SHOPIFY_APP_CLIENT_ID": "public-client-id",
            "SHOPIFY_APP_CLIENT_SECRET": self.app_secret,
            "SHOPIFY_WEBHOOK_SECRET": self.webhook_secret,
            "SHOPIFY_WEBHOOK_URL": WEBHOOK_URL,
            "SHOPIFY_SERVICE_KEYS": f"svc-host:{self.service_key}",
            "SHOPIFY_TOKEN_KEYS": self.sealing_key,
            "SHOPIFY_REDIS_URL": f"redis://:{self.redis_password}@127.0.0.1/0",
        }


def find(known: Mapping[str, str], texts: Mapping[str, str]) -> list[str]:
    """Say which secret stands in which text."""
    return [f"{name} in {place}" for place, text in texts.items() for name, value in known.items() if value in text]


@dataclass(slots=True)
class Trial:
    """Calls a host as its user and keeps every answer."""

    host: Host
    store: FakeStore
    canaries: Secrets
    shop: FakeShop
    answers: list[TestResponse] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send a request and keep the answer."""
        given = {"Authorization": f"Bearer {self.canaries.session}", **headers}
        answer = self.host.call(method, path, None, json=body, headers=given)
        self.answers.append(answer)
        return answer

    def connect(self, **changes: str) -> TestResponse:
        """Connect by the token with the app's secret beside it."""
        body = {"shop_domain": self.shop.shop_domain, "access_token": self.canaries.access_token}
        return self.call("POST", "/connect", body | {"api_key": "key", "api_secret": self.canaries.api_secret} | changes)

    def connect_by_secret(self, secret: str) -> TestResponse:
        """Connect as an app of the organisation."""
        pair = {"client_id": self.store.client_id, "client_secret": secret}
        return self.call("POST", "/connect", {"shop_domain": self.shop.shop_domain} | pair)

    def said(self) -> str:
        """All that was answered, with headers."""
        return "\n".join(f"{answer.headers}\n{answer.get_data(as_text=True)}" for answer in self.answers)


def try_everything(trial: Trial) -> None:
    """Call every route so that it succeeds, then so that it fails in the ways that need no trouble."""
    assert trial.connect().status_code == 200
    customer = trial.call("POST", "/customers", {"customer": {**PERSON, "addresses": [ADDRESS]}}).get_json()["customer"]["id"]
    product = trial.call(
        "POST", "/products", {"product": {"title": "Tea", "variants": [{"sku": "leak-1", "inventory_quantity": 9}]}}
    )
    number = product.get_json()["product"]["id"]
    lines = [{"title": "Tea", "price": "2", "quantity": 2}]
    order = trial.call(
        "POST",
        "/orders",
        {"order": {"line_items": lines, "customer": {"id": customer}, "shipping_address": ADDRESS, "email": PERSON["email"]}},
        **{"Idempotency-Key": "leak-order"},
    ).get_json()["order"]
    refund = {"line_items": [{"line_item_id": order["line_items"][0]["id"], "quantity": 1}], "note": PERSON["note"]}
    for path in ("/shop", "/stores", "/health", "/health?detailed=true", "/health/summary", "/health/tokens", "/health/connection"):
        trial.call("GET", path)
    for path in (
        "/products",
        "/orders",
        "/customers",
        "/inventory",
        "/locations",
        "/collections",
        "/discounts",
        "/openapi.json",
        "/docs",
    ):
        trial.call("GET", path)
    for path in (f"/products/{number}", f"/orders/{order['id']}", f"/customers/{customer}", "/stores/1", "/products?title=Tea"):
        trial.call("GET", path)
    trial.call("GET", f"/customers?email={PERSON['email']}&phone=%2B16135550199")
    trial.call("POST", "/search", {"query": PERSON["last_name"]})
    trial.call("POST", "/graphql", {"query": "{ customers(first: 5) { nodes { email } } }"})
    trial.call("PUT", f"/products/{number}", {"product": {"title": "Tea 2"}})
    trial.call("PUT", f"/customers/{customer}", {"customer": {"note": PERSON["note"] + " and more"}})
    trial.call("POST", "/inventory/adjust", {"sku": "leak-1", "delta": 1})
    trial.call("POST", "/inventory/set", {"sku": "leak-1", "quantity": 3})
    trial.call("POST", f"/orders/{order['id']}/fulfill", {})
    trial.call("POST", f"/orders/{order['id']}/refund", refund)
    trial.call("POST", f"/orders/{order['id']}/cancel", {})
    trial.call("DELETE", f"/customers/{customer}")
    trial.call("DELETE", f"/products/{number}")
    deliver_everything(trial)
    make_mistakes(trial)


def deliver_everything(trial: Trial) -> None:
    """Have deliveries about the person come to every kind of end, handlers that fail with secrets in their mouths included."""
    known, webhooks = trial.canaries, trial.host.integration.webhooks

    @webhooks.on("orders/paid")
    def fail(event: WebhookEvent) -> None:
        raise ZeroDivisionError(f"{known.access_token} {event.payload}")

    webhooks.on("customers/update")(lambda _event: None)
    trial.call("POST", "/webhooks/setup", {"topics": ["orders/create"], "webhook_secret": known.shop_secret})
    trial.call("POST", "/webhooks/setup", {"webhook_url": f"https://evil.example/{known.shop_secret}"})
    trial.call("POST", "/webhooks/register-all", {"base_url": f"https://{known.shop_secret}@app.example.com"})
    asked = {"shop_domain": trial.shop.shop_domain, "customer": {"id": 1, **PERSON}, "orders_requested": [1]}
    for topic, payload, secret in (
        ("customers/update", {"id": 1, **PERSON}, known.webhook_secret),
        ("orders/paid", {"id": 1, "customer": PERSON}, known.shop_secret),
        ("orders/create", json.dumps(PERSON).encode()[:-3], known.app_secret),
        ("orders/create", {"id": 1, **PERSON}, known.wrong_token),
        ("customers/data_request", asked, known.webhook_secret),
    ):
        body, headers = signed(topic, payload, trial.shop.shop_domain, secret=secret)
        trial.answers.append(trial.host.call("POST", "/webhooks", None, data=body, headers=headers))
        trial.host.work()
    _, headers = signed("orders/create", b"", trial.shop.shop_domain)
    for proof in (known.webhook_secret, PERSON["email"]):
        trial.call("POST", "/webhooks", PERSON, **headers | {"X-Shopify-Hmac-Sha256": proof})
    events = trial.call("GET", "/webhooks/events?include_stats=true").get_json()["events"]
    for event in events:
        trial.call("GET", f"/webhooks/events/{event['id']}")
        trial.call("POST", f"/webhooks/events/{event['id']}/replay", {})
    trial.call("POST", "/webhooks/process", PERSON, **headers)
    trial.host.work()
    for path in ("topics", "config.toml", f"events?cursor={known.shop_secret}", f"events?topic={PERSON['email']}"):
        trial.call("GET", f"/webhooks/{path}")
    exports = trial.call("GET", "/privacy/exports").get_json()["exports"]
    trial.call("GET", f"/privacy/exports/{exports[0]['id']}")
    assert {event["status"] for event in events} >= {"processed", "pending", "dead"}


def make_mistakes(trial: Trial) -> None:
    """Put secrets and customers' data where they do not belong."""
    known = trial.canaries
    trial.connect(access_token=known.wrong_token)
    trial.connect(shop_domain="evil.example")
    trial.connect(shop_domain="no-such-shop")
    trial.connect(user_id="u-somebody-else")
    trial.connect(surplus=known.wrong_token)
    trial.connect(access_token="x" + known.wrong_token + "\x00")
    trial.connect(access_token=known.wrong_token + "é")
    trial.connect_by_secret(known.wrong_client_secret)
    trial.call("POST", "/connect", {"shop_domain": known.wrong_token, "access_token": known.access_token})
    trial.call("POST", "/connect", {"shop_domain": trial.shop.shop_domain, "access_token": {"deep": known.access_token}})
    trial.call("POST", "/stores", {"store_domain": trial.shop.shop_domain, "access_token": known.wrong_token})
    trial.call("GET", "/shop", Authorization=f"Bearer {known.wrong_token}")
    trial.call("GET", "/shop", Authorization=f"Bearer {known.service_key}")
    trial.call("GET", "/stores?user_id=u-leak", Authorization=f"Bearer {known.service_key}")
    trial.call(
        "POST",
        "/customers",
        {"customer": {"email": PERSON["email"] + "@@", "phone": PERSON["phone"] + "x", "note": PERSON["note"]}},
    )
    trial.call("POST", "/customers", {"customer": {**PERSON, "role": PERSON["email"]}})
    trial.call("POST", "/orders", {"order": {"email": PERSON["email"], "line_items": [{"variant_id": 1}]}})
    trial.call("POST", "/graphql", {"query": "{ " + PERSON["first_name"] + "(x: " + json.dumps(PERSON["email"]) + ") }"})
    trial.call("GET", "/products?cursor=" + PERSON["first_name"])
    trial.call("GET", "/products/1?user_id=u-leak")
    trial.call("GET", "/shop?shop_domain=somebody-elses")


def meet_trouble(trial: Trial) -> None:
    """Call what speaks to Shopify while Shopify misbehaves, in every way that the fake knows."""
    for kind, facts in TROUBLE.items():
        with fault(trial.store, kind, **facts), impatience(kind):
            trial.connect()
            trial.connect_by_secret(trial.store.client_secret)
            trial.call("GET", "/shop")
            trial.call("GET", "/products?limit=1")
            trial.call("POST", "/customers", {"customer": PERSON})
            trial.call("POST", "/graphql", {"query": "{ shop { name } }"})


@contextmanager
def impatience(kind: str) -> Iterator[None]:
    """Let calls to Shopify end soon where the fake is slow, or says that no points are left."""
    defaults: Any = AdminClient.run.__kwdefaults__
    with pytest.MonkeyPatch.context() as patch:
        if kind in ("drip", "delay", "throttled"):
            patch.setitem(defaults, "timeout_s", 0.1)
            patch.setattr("shopify_custom_apps.CONNECT_TIMEOUT_S", 0.1)
            patch.setattr("shopify_kit.oauth.TIMEOUT_S", 0.1)
        yield


def break_things(trial: Trial) -> None:
    """Let parts fail that never should, deep inside, while secrets are at hand."""

    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError(f"{trial.canaries.access_token} {PERSON['email']}")

    async def fail_on_the_loop(*_: Any, **__: Any) -> None:
        fail()

    for owner, name in (
        (Installations, "connect"),
        (Installations, "_keep"),
        (Vault, "store"),
        (KeyRing, "seal"),
        (AdminClient, "_once"),
        (RequestsTransport, "_open"),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, fail_on_the_loop if iscoroutinefunction(getattr(owner, name)) else fail)
            trial.connect()
            trial.connect_by_secret(trial.store.client_secret)
            trial.call("POST", "/customers", {"customer": PERSON}, **{"Idempotency-Key": f"leak-{name}"})
    trial.host.integration.database.close()


@pytest.fixture
def trial(database_url: str, web_store: FakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    """A backend whose every secret is a canary; calls to Shopify are tried once."""
    monkeypatch.setattr(client, "TRIES", 1)
    known = Secrets()
    shop = FakeShop(web_store.shops[3].shop_domain, known.access_token)
    control(web_store, "grants", {"token": known.access_token, "shop_domain": shop.shop_domain})

    def authenticate(request: Any) -> str | None:
        return "u-leak" if request.headers.get("Authorization") == f"Bearer {known.session}" else None

    with run_host(database_url, web_store, tmp_path, users=authenticate, **known.settings()) as host:
        yield Trial(host, web_store, known, shop)


def test_no_secret_is_found_anywhere_after_everything_was_tried(
    trial: Trial, database_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with keep_logs() as logs:
        try_everything(trial)
        meet_trouble(trial)
        break_things(trial)
        trial.call("POST", "/disconnect", {"purge": True})
    stored = "\n".join("\n".join(rows) for rows in dump_tables(database_url).values())
    printed = "".join(capfd.readouterr())
    texts = {"logs": logs.text, "answers": trial.said(), "database": stored, "output": printed}
    known = trial.canaries.all() | {
        "client_secret": trial.store.client_secret,
        "database password": urlsplit(database_url).password or "",
    }

    assert len(trial.answers) > 120
    assert {answer.status_code for answer in trial.answers} >= {200, 201, 400, 401, 403, 404, 409, 422, 429, 500, 502, 504}
    assert "urllib3" in logs.text
    assert find(known, texts) == []
    assert [word for word in WORDS_OF_THE_PERSON if word in logs.text + printed] == []
    assert [word for word in WORDS_OF_THE_PERSON if word in stored] == []


def test_search_for_secrets_finds_them(logs: LogBook) -> None:
    """The search itself can find something: in messages, and in the values that loguru shows beside a traceback."""
    known = {"a": "canary-one", "b": "canary-two", "c": "canary-three"}
    holder = known["b"]
    try:
        raise ValueError(len(holder))
    except ValueError:
        logger.exception("with {}", known["a"])

    assert find(known, {"logs": logs.text}) == ["a in logs", "b in logs"]


def test_no_secret_is_in_an_exception_or_the_frames_it_came_through(trial: Trial) -> None:
    """Error reporters send the values of local variables away."""
    known = trial.canaries
    pairs = [
        Credentials(access_token=Secret(known.wrong_token), client_id="key", client_secret=Secret(known.api_secret)),
        Credentials(client_id=trial.store.client_id, client_secret=Secret(known.wrong_client_secret)),
    ]
    texts: dict[str, str] = {}
    for kind, facts in {"nothing": {}, **TROUBLE}.items():
        with fault(trial.store, kind, **facts) if kind in TROUBLE else nullcontext(), impatience(kind):
            for number, pair in enumerate(pairs):
                texts[f"{kind} {number}"] = failure_of(trial.host.integration.installations, trial.shop.shop_domain, pair)

    assert len([text for text in texts.values() if text]) >= 2 * len(TROUBLE)
    assert find(known.all(), texts) == []


def failure_of(installations: Installations, shop_domain: str, pair: Credentials) -> str:
    """Return an exception with everything that can be seen of it: its text, its frames and the variables in them."""
    try:
        installations.connect("u-leak", shop_domain, pair, actor="test")
    except Exception as error:
        whole = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(whole.format()) + repr(error) + repr(getattr(error, "details", ""))
    return ""


def test_no_secret_is_shown_when_the_database_is_away(
    web_store: FakeStore, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    known, password = Secrets(), "dsn_canary" + secrets.token_hex(16)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dsn = f"postgresql://user:{password}@127.0.0.1:{free.getsockname()[1]}/nothing"

    with keep_logs() as logs, run_host(dsn, web_store, tmp_path, users=lambda _: "u-leak", **known.settings()) as host:
        trial = Trial(host, web_store, known, FakeShop("acme.myshopify.com", known.access_token))
        trial.connect()
        for path in ("/products", "/stores", "/health?detailed=true", "/health/tokens"):
            trial.call("GET", path)

    assert {answer.status_code for answer in trial.answers} == {503}
    texts = {"logs": logs.text, "answers": trial.said(), "output": "".join(capfd.readouterr())}
    assert find(known.all() | {"database password": password}, texts) == []


@pytest.mark.parametrize(
    "name",
    ["SHOPIFY_TOKEN_KEYS", "SHOPIFY_DATABASE_URL", "SHOPIFY_SERVICE_KEYS", "SHOPIFY_APP_CLIENT_SECRET", "SHOPIFY_WEBHOOK_SECRET"],
)
def test_no_secret_is_shown_when_a_setting_is_wrong(
    database_url: str, web_store: FakeStore, tmp_path: Path, logs: LogBook, name: str
) -> None:
    secret = "setting_canary" + secrets.token_hex(8)
    wrong: Any = [secret, 5] if name != "SHOPIFY_TOKEN_KEYS" else secret

    with pytest.raises(Exception, match=name) as refused, run_host(database_url, web_store, tmp_path, **{name: wrong}):
        pass

    whole = "".join(traceback.format_exception(refused.value))
    assert secret not in whole + logs.text


def test_no_command_line_of_the_reference_host_holds_a_secret(database_url: str, web_store: FakeStore) -> None:
    known = Secrets()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SHOPIFY_", "DATABASE_"))}
    environment |= known.settings() | {"DATABASE_URL": database_url, "SHOPIFY_ADMIN_ORIGIN": web_store.base_url, "PORT": port}

    with ChildProcess(["-B", "main_api_app.py"], env=environment) as process:
        base = f"http://127.0.0.1:{port}/api/shopify"
        wait_until(lambda: answers_at(base), timeout_s=30, what="the reference host")
        shop = web_store.shops[0]
        body = {"user_id": "u-leak", "shop_domain": shop.shop_domain, "access_token": shop.access_token}
        key = {"Authorization": f"Bearer {known.service_key}"}
        connected = requests.post(f"{base}/connect", json=body, headers=key, timeout=20)
        listed = requests.get(f"{base}/products?user_id=u-leak", headers=key, timeout=20)
        pids = [process.pid, *find_descendants(process.pid)]
        lines = {f"command line of {pid}": Path(f"/proc/{pid}/cmdline").read_text() for pid in pids}
        said = {"output": process.stdout + process.stderr, "answers": connected.text + listed.text}

    assert (connected.status_code, listed.status_code) == (200, 200)
    password = urlsplit(database_url).password or ""
    everything = known.all() | {"token": shop.access_token, "database password": password}
    assert find(everything, lines | said) == []
    assert "main_api_app.py" in lines[f"command line of {process.pid}"]


def answers_at(base: str) -> bool:
    try:
        return requests.get(f"{base}/health", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def test_secrets_have_no_shape_of_their_own_in_settings(trial: Trial) -> None:
    settings = trial.host.integration.settings

    assert find(trial.canaries.all(), {"repr": repr(settings), "parts": repr(trial.host.integration)}) == []
