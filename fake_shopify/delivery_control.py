"""`/__fake/…` for deliveries: what was sent, sending by hand, mischief, subscriptions, secrets of apps, leaving and forgetting."""

from __future__ import annotations

import itertools
import secrets as random_bytes
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request

from fake_shopify import payloads
from fake_shopify.admin.webhook_subscriptions import SCOPES
from fake_shopify.deliveries import Outbox
from fake_shopify.delivery_plan import Plan
from fake_shopify.delivery_records import FINISHED, RETRIES, Delivery, precise, sign
from fake_shopify.payloads.shape import json_body
from fake_shopify.payloads.shops import compliance_payload
from fake_shopify.subscriptions import EventsPart, Subscription, concerned, of_shop
from fake_shopify.topics import COMPLIANCE
from fake_shopify.world import App, Change, Shop, World

if TYPE_CHECKING:
    from fake_shopify.server import FakeShopify

Body = dict[str, Any]
SPEC_KEYS = """
    action body client_id family handle headers id late_s name payload retries secret shop times to topic wrong_signature
""".split()
REQUESTS = itertools.count(9_000_001)


def app_of(world: World, client_id: str | None) -> App:
    """Return an app by its client id, the first one without."""
    return world.apps[client_id] if client_id else next(iter(world.apps.values()))


def shop_of(world: World, domain: str | None) -> Shop:
    """Return a shop by its domain, the first one without."""
    return world.shops[domain] if domain else next(iter(world.shops.values()))


def _only(body: Body, *known: str) -> None:
    if unknown := set(body) - set(known):
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")


# What was sent


def deliveries(fake: FakeShopify, body: Body, request: Request) -> Any:
    """GET ?topic=&shop=&state=&client_id=&address=: the deliveries so far, oldest first; ?body=1 shows what was sent, ?settled=5
    waits up to so many seconds until nothing is due or under way.
    """
    asked = request.args
    settled = fake.outbox.wait_until_settled(min(float(asked["settled"]), 60.0)) if "settled" in asked else None
    names = {"topic": "topic", "shop": "shop_domain", "state": "state", "client_id": "client_id", "address": "address"}
    rows = fake.outbox.queue.listed()
    for name, attribute in names.items():
        if asked.get(name):
            rows = [row for row in rows if getattr(row, attribute) == asked[name]]
    shown = [row.shown(with_body=bool(asked.get("body"))) for row in rows]
    counts = {state: sum(1 for row in rows if row.state == state) for state in ("scheduled", "retrying", *sorted(FINISHED))}
    return {"deliveries": shown, "counts": counts} | ({} if settled is None else {"settled": settled})


# Sending by hand


def deliver(fake: FakeShopify, body: Body, request: Request) -> Any:
    """POST {"topic", "payload" | "id": gid of an object | "body": text, "to"?: address instead of the subscribers', "shop"?,
    "client_id"?, "times"?: 2 for a double, "late_s"?: triggered so long ago, "wrong_signature"?: true, "secret"?: signs instead,
    "headers"?: {name: value or null}, "retries"?: 0-8 (default 0), "family"?: "events" with "action" and "handle"} and/or
    "batch": [such objects], "shuffle"?: true, "seed"?: sends at once, one after the other, and answers with the outcomes.
    """
    _only(body, *SPEC_KEYS, "batch", "shuffle", "seed")
    common = {name: value for name, value in body.items() if name in SPEC_KEYS}
    specs = [common | one for one in body["batch"]] if "batch" in body else [common]
    made: list[Delivery] = []
    for spec in specs:
        _only(spec, *SPEC_KEYS)
        made += _made_by_hand(fake.outbox, spec)
    if body.get("shuffle"):
        made = _shuffled(made, int(body.get("seed", 1)))
    for delivery in made:
        fake.outbox.queue.send_now(delivery)
    return {"deliveries": [delivery.shown(with_body=True) for delivery in made]}


def _shuffled(made: list[Delivery], seed: int) -> list[Delivery]:
    plan = Plan()
    plan.update({"seed": seed})
    return plan.shuffled(made)


def _made_by_hand(outbox: Outbox, spec: Body) -> list[Delivery]:
    world = outbox.world
    shop, app = shop_of(world, spec.get("shop")), app_of(world, spec.get("client_id"))
    with shop.lock:
        make = _event_by_hand if spec.get("family") == "events" else _webhooks_by_hand
        made = [_bent(outbox, delivery, spec) for delivery in make(outbox, shop, app, spec)]
    copies = [
        replace(delivery, number=outbox.queue.next_number(), copy_of=delivery.number, attempts=[])
        for delivery in made
        for _ in range(int(spec.get("times", 1)) - 1)
    ]
    return [*made, *copies]


def _webhooks_by_hand(outbox: Outbox, shop: Shop, app: App, spec: Body) -> list[Delivery]:
    topic = str(spec["topic"])
    body = _body_by_hand(outbox, shop, app, spec)
    if "to" in spec:
        told = [Subscription("by hand", app.client_id, str(spec["to"]), (topic,), name=spec.get("name"))]
    else:
        told = concerned(outbox.world, outbox.configured, shop, Change(topic, "", {}, spec.get("client_id")))
    if not told:
        raise ValueError(f'nobody on {shop.domain} subscribed to {topic}; say "to"')
    return [outbox.webhook(shop, one, topic, body) for one in told]


def _body_by_hand(outbox: Outbox, shop: Shop, app: App, spec: Body) -> bytes:
    if "body" in spec:
        return str(spec["body"]).encode("utf-8", "surrogatepass")
    if "payload" in spec:
        return json_body(spec["payload"])
    ctx, topic = outbox.context(shop, app.client_id), str(spec["topic"])
    if "id" in spec:
        return json_body(payloads.of_object(ctx, topic, str(spec["id"])))
    if topic in ("shop/update", "app/uninstalled"):
        return json_body(payloads.full(ctx, topic, {}))
    raise ValueError('say "payload", "id" or "body"')


def _event_by_hand(outbox: Outbox, shop: Shop, app: App, spec: Body) -> list[Delivery]:
    topic, action, handle = str(spec["topic"]), str(spec.get("action", "update")), str(spec.get("handle", "by-hand"))
    known = [one for one in outbox.configured.kept.values() if one.events is not None and one.events.handle == handle]
    if "to" not in spec and not known:
        raise ValueError(f'no subscription with the handle {handle}; say "to"')
    part = EventsPart(handle, topic, (action,))
    one = known[0] if "to" not in spec else Subscription("by hand", app.client_id, str(spec["to"]), events=part)
    plain = {
        "topic": topic,
        "action": action,
        "handle": handle,
        "fields_changed": {"added": [], "updated": [], "removed": []},
        "query_variables": {f"{topic[:1].lower()}{topic[1:]}Id": spec["id"]} if "id" in spec else {},
    }
    body = str(spec["body"]).encode("utf-8", "surrogatepass") if "body" in spec else json_body(spec.get("payload", plain))
    return [outbox.event(shop, replace(one, events=part), action, body, resource_id=str(spec.get("id", "")))]


def _bent(outbox: Outbox, delivery: Delivery, spec: Body) -> Delivery:
    """Make a delivery late, badly signed or otherwise strange."""
    delivery.is_own = False
    delivery.retries = min(RETRIES, max(0, int(spec.get("retries", 0))))
    delivery.secret = spec.get("secret")
    if spec.get("late_s"):
        late = precise(outbox.world.clock.now() - timedelta(seconds=float(spec["late_s"])))
        name = "shopify-triggered-at" if delivery.family == "events" else "X-Shopify-Triggered-At"
        delivery.triggered_at = delivery.headers[name] = late
    if spec.get("wrong_signature"):
        name = "shopify-hmac-sha256" if delivery.family == "events" else "X-Shopify-Hmac-Sha256"
        delivery.overrides[name] = sign(delivery.body, random_bytes.token_hex(16))
    delivery.overrides |= {str(name): value for name, value in (spec.get("headers") or {}).items()}
    return delivery


def delivery_plan(fake: FakeShopify, body: Body, request: Request) -> Any:
    """POST {"delay_s", "duplicate", "drop", "shuffle_window_s", "seed", "concurrency", "legacy_events_headers"}: what goes wrong
    with the deliveries that events make; DELETE: nothing; GET: the present plan.
    """
    if request.method == "DELETE":
        fake.outbox.queue.plan = Plan()
    fake.outbox.queue.plan.update(body)
    return fake.outbox.queue.plan.shown()


def addresses(fake: FakeShopify, body: Body, request: Request) -> Any:
    """POST {"https://app.example": "http://127.0.0.1:8000"}: deliveries for this https origin go there, as with --deliver; null
    takes one away; GET: where they go. A reset returns to what the command line said.
    """
    known = fake.world.deliver
    for origin, target in body.items():
        if not origin.startswith("https://"):
            raise ValueError(f"no https origin: {origin}")
        if target is not None and not str(target).startswith(("http://", "https://")):
            raise ValueError(f"no address: {target}")
    for origin, target in body.items():
        known.pop(origin.rstrip("/"), None)
        if target is not None:
            known[origin.rstrip("/")] = str(target).rstrip("/")
    return {"addresses": known}


# Who subscribed


def subscriptions(fake: FakeShopify, body: Body, request: Request) -> Any:
    """GET ?shop=: all subscriptions, those of the API and the configured ones; POST: add one in the words of shopify.app.toml:
    {"topics" | "compliance_topics", "uri", "filter"?, "include_fields"?, "metafield_namespaces"?, "name"?, "client_id"?} or
    {"handle", "topic", "actions"?, "triggers", "uri", "query"?, "query_filter"?}; DELETE ?id=: end one, as Shopify does unasked.
    """
    world, configured = fake.world, fake.outbox.configured
    if request.method == "POST":
        app = app_of(world, body.get("client_id"))
        for shop in world.shops.values():
            shop.state.setdefault(SCOPES, {}).setdefault(app.client_id, world.scopes_of(app.client_id, shop.domain))
        return asdict(configured.add(body, app.client_id))
    if request.method == "DELETE":
        return {"ended": _end(fake, request.args["id"])}
    shops = [shop_of(world, request.args["shop"])] if request.args.get("shop") else list(world.shops.values())
    every = [one for shop in shops for one in of_shop(shop)]
    return {"subscriptions": [asdict(one) for one in (*every, *configured.kept.values())]}


def _end(fake: FakeShopify, id: str) -> bool:
    if fake.outbox.configured.kept.pop(id, None) is not None:
        return True
    number = int(id.rsplit("/", 1)[-1])
    for shop in fake.world.shops.values():
        with shop.lock:
            table = shop.table("WebhookSubscription")
            if table.get(number) is not None:
                table.remove(number)
                return True
    return False


def apps(fake: FakeShopify, body: Body, request: Request) -> Any:
    """POST {"client_id", "client_secret", "name", "number"?, "scopes"?, "redirect_urls"?, "webhook_api_version"?}: register an app,
    or change one; GET: all apps.
    """
    known = fake.world.apps
    if request.method == "POST":
        _only(body, "client_id", "client_secret", "name", "number", "scopes", "redirect_urls", "webhook_api_version")
        own = known.get(body["client_id"])
        if own is None:
            number = 1 + max(app.number for app in known.values())
            own = known[body["client_id"]] = App(body["client_id"], body["client_secret"], body["name"], number)
        readers: dict[str, Callable[[Any], Any]] = {"scopes": frozenset, "redirect_urls": tuple, "number": int}
        for name, value in body.items():
            setattr(own, name, readers.get(name, lambda given: given)(value))
    return {"apps": [asdict(app) | {"scopes": sorted(app.scopes)} for app in known.values()]}


def secrets(fake: FakeShopify, body: Body, request: Request) -> Any:
    """POST {"client_id"?, "secret"?, "signs_in_s"?}: rotate an app's client secret; the new one signs after so many seconds of the
    fake's clock (default 0), the old ones stay known; DELETE ?secret=&client_id=: revoke an old one; GET: all of them.
    """
    app = app_of(fake.world, body.get("client_id") or request.args.get("client_id"))
    if request.method == "POST":
        _only(body, "client_id", "secret", "signs_in_s")
        app.old_secrets.append(app.client_secret)
        app.client_secret = str(body.get("secret") or f"shpss_{random_bytes.token_hex(16)}")
        app.new_secret_signs_at_s = fake.world.clock.now().timestamp() + float(body.get("signs_in_s", 0))
    elif request.method == "DELETE":
        app.old_secrets.remove(request.args["secret"])
    return {"client_id": app.client_id, "client_secret": app.client_secret, "old_secrets": app.old_secrets}


# Leaving and forgetting


def uninstall(fake: FakeShopify, body: Body, request: Request) -> Any:
    """POST {"shop"?, "client_id"?}: a merchant removes an app: its tokens end, app/uninstalled is sent, 48 hours later
    shop/redact.
    """
    _only(body, "shop", "client_id")
    world = fake.world
    shop, app = shop_of(world, body.get("shop")), app_of(world, body.get("client_id"))
    with shop.lock:
        gone = [one for one in list(world.grants.values()) if (one.client_id, one.shop_domain) == (app.client_id, shop.domain)]
        for grant in gone:
            world.grants.pop(grant.token, None)
        kept = shop.state.get("refresh_tokens", {})
        for token in [token for token, known in kept.items() if known["client_id"] == app.client_id]:
            del kept[token]
        shop.emit("app/uninstalled", {"id": shop.number, "myshopify_domain": shop.domain}, client_id=app.client_id)
        fake.outbox.collect(shop)
    return {"revoked": len(gone)}


def compliance(fake: FakeShopify, body: Body, request: Request) -> Any:
    """POST {"topic": customers/data_request | customers/redact | shop/redact, "customer"?: {"id", "email"?, "phone"?}, "orders"?:
    [numbers], "shop"?, "client_id"?}: a privacy request, sent to whoever configured the topic.
    """
    _only(body, "topic", "customer", "orders", "shop", "client_id")
    if body["topic"] not in COMPLIANCE:
        raise ValueError(f"topic must be one of {', '.join(COMPLIANCE)}")
    shop, app = shop_of(fake.world, body.get("shop")), app_of(fake.world, body.get("client_id"))
    with shop.lock:
        ctx = fake.outbox.context(shop, app.client_id)
        payload = compliance_payload(ctx, body["topic"], body.get("customer"), body.get("orders"), next(REQUESTS))
        shop.emit(body["topic"], payload, client_id=body.get("client_id"))
        fake.outbox.collect(shop)
    return {"payload": payload}


DELIVERY_ACTIONS: dict[str, Callable[[FakeShopify, Body, Request], Any]] = {
    "deliveries": deliveries,
    "deliver": deliver,
    "delivery_plan": delivery_plan,
    "addresses": addresses,
    "subscriptions": subscriptions,
    "apps": apps,
    "secrets": secrets,
    "uninstall": uninstall,
    "compliance": compliance,
}
