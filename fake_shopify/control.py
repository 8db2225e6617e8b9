"""`/__fake/…`: what a test does to the fake. Everything speaks JSON; `GET /__fake/help` lists the actions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from werkzeug.wrappers import Request, Response

from fake_shopify.bulk_control import bulk
from fake_shopify.clock import parse_iso
from fake_shopify.delivery_control import DELIVERY_ACTIONS, app_of, shop_of
from fake_shopify.world import Grant

if TYPE_CHECKING:
    from fake_shopify.server import FakeShopify

Action = Callable[["FakeShopify", dict[str, Any], Request], Any]
SHOP_SETTINGS = frozenset({"name", "email", "owner", "plan", "zone", "address"})


def _reset(fake: FakeShopify, body: dict[str, Any], request: Request) -> Any:
    """POST: return to the start; faults and deliveries are forgotten, time is real again."""
    fake.faults.clear()
    fake.bulk.reset()
    fake.world.reset()
    fake.outbox.reset()
    return {"ok": True}


def _clock(fake: FakeShopify, body: dict[str, Any], request: Request) -> Any:
    """POST {"advance_s": 60} | {"freeze": true | "2026-11-01T00:00:00Z"} | {"run": true}; GET: the present instant."""
    clock = fake.world.clock
    if "freeze" in body:
        clock.freeze(None if body["freeze"] is True else parse_iso(body["freeze"]))
    if body.get("run"):
        clock.run()
    clock.advance(float(body.get("advance_s", 0)))
    fake.bulk.wake()
    fake.outbox.wake()
    return {"now": clock.iso()}


def _faults(fake: FakeShopify, body: dict[str, Any], request: Request) -> Any:
    """POST {"kind": …, "path"?, "shop"?, "operation"?, "times"?, "skip"?, …}: add; DELETE: forget all; GET: list."""
    if request.method == "DELETE":
        fake.faults.clear()
    elif request.method == "POST":
        return asdict(fake.faults.add(body))
    return {"faults": fake.faults.listed()}


def _log(fake: FakeShopify, body: dict[str, Any], request: Request) -> Any:
    """GET ?operation=&shop=: the requests so far, oldest first; DELETE: forget them."""
    if request.method == "DELETE":
        fake.world.log.clear()
    rows = [asdict(entry) for entry in list(fake.world.log)]
    for name, key in (("operation", "operation"), ("shop", "shop_domain"), ("path", "path")):
        if request.args.get(name):
            rows = [row for row in rows if row[key] == request.args[name]]
    return {"requests": rows}


def _changes(fake: FakeShopify, body: dict[str, Any], request: Request) -> Any:
    """GET ?shop=: what happened in a shop, as webhook topics, oldest first."""
    shop = fake.world.shops[request.args["shop"]]
    return {"changes": [asdict(change) for change in list(shop.changes)]}


def _bucket(fake: FakeShopify, body: dict[str, Any], request: Request) -> Any:
    """POST {"shop": …, "client_id"?, "maximum"?, "restore_rate"?, "available"?}: set a cost bucket (a plan's size)."""
    shop = fake.world.shops[body.pop("shop")]
    client_id = body.pop("client_id", None) or next(iter(fake.world.apps))
    if unknown := set(body) - {"maximum", "restore_rate", "available"}:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    with shop.lock:
        bucket = shop.bucket(client_id)
        # What was restored until now is counted first, so that it is not added to what is set.
        bucket.status(fake.world.clock.monotonic_s())
        for name, value in body.items():
            setattr(bucket, name, float(value))
    return asdict(bucket)


def _grants(fake: FakeShopify, body: dict[str, Any], request: Request) -> Any:
    """POST {"token", "shop_domain", "client_id"?, "scopes"?: [..], "kind"?}: give out a token, which installs the app or, with more
    scopes than before, sends app/scopes_update; DELETE ?token=: revoke it.
    """
    world = fake.world
    if request.method == "DELETE":
        world.grants.pop(request.args["token"], None)
        return {"ok": True}
    if body["shop_domain"] not in world.shops:
        raise ValueError("no such shop")
    shop, app = world.shops[body["shop_domain"]], app_of(world, body.get("client_id"))
    scopes = frozenset(body["scopes"]) if "scopes" in body else app.scopes
    before = world.scopes_of(app.client_id, shop.domain)
    world.grants[body["token"]] = Grant(body["token"], shop.domain, app.client_id, scopes, body.get("kind", "static"))
    if before is not None and before != world.scopes_of(app.client_id, shop.domain):
        shop.emit("app/scopes_update", {}, client_id=app.client_id)
    return {"ok": True}


def _shop(fake: FakeShopify, body: dict[str, Any], request: Request) -> Any:
    """POST {"shop"?, "name"?, "email"?, "owner"?, "plan"?, "zone"?, "address"?: {"address1", "address2", "city", "zip", "phone",
    "provinceCode"}}: the merchant changes the shop's settings, which sends shop/update; GET ?shop=: the settings.
    """
    shop = shop_of(fake.world, body.pop("shop", None) or request.args.get("shop"))
    if request.method == "POST":
        if unknown := set(body) - SHOP_SETTINGS:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(sorted(SHOP_SETTINGS))}")
        if "zone" in body:
            ZoneInfo(body["zone"])
        with shop.lock:
            shop.settings.update(body, updatedAt=fake.world.clock.iso())
            shop.emit("shop/update", {"id": shop.number})
            fake.outbox.collect(shop)
    return {"shop": shop.domain, "settings": shop.settings}


ACTIONS: dict[str, Action] = {
    "reset": _reset,
    "clock": _clock,
    "faults": _faults,
    "log": _log,
    "changes": _changes,
    "bucket": _bucket,
    "grants": _grants,
    "bulk": bulk,
    "shop": _shop,
    **DELIVERY_ACTIONS,
}


def answer(fake: FakeShopify, request: Request, action: str) -> Response:
    """Run one action; a mistake in the request is answered 400 with its reason."""
    if action == "help":
        return _json({f"/__fake/{name}": function.__doc__ for name, function in ACTIONS.items()})
    function = ACTIONS.get(action)
    if function is None:
        return _json({"error": f"no such action; known: {', '.join(ACTIONS)}"}, 404)
    try:
        raw = request.get_data()
        body = json.loads(raw) if raw else {}
        if not isinstance(body, dict):
            raise ValueError("expected a JSON object")
        return _json(function(fake, body, request))
    except (KeyError, TypeError, ValueError) as mistake:
        return _json({"error": f"{type(mistake).__name__}: {mistake}"}, 400)


def _json(document: Any, status: int = 200) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")
