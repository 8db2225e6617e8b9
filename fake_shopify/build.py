"""Fill a world from the command line's options: apps, shops, tokens, and the demo data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fake_shopify import seeding
from fake_shopify.rows import Row
from fake_shopify.world import App, Grant, Shop, World

EMPTY_TOKEN = "shpat_test"
LOCATIONS = ("Shop location", "My Custom Location")
"""What a development store comes with, the primary one first (captured: inventory-074, 161)."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `python -m fake_shopify` was asked for."""

    seed: int = 1
    orders: int = 200
    shops: int = 1
    empty: bool = False
    parquet: Path | None = None
    deliver: dict[str, str] = field(default_factory=dict)


def secret(seed: int, purpose: str) -> str:
    """Derive a stable hex secret from the seed, so that a restarted fake keeps its tokens."""
    return hashlib.sha256(f"{seed}:{purpose}".encode()).hexdigest()[:32]


def shop_settings(name: str, *, currency: str, country: str, zone: str, taxed: bool) -> dict[str, Any]:
    """Return the settings of a shop that resolvers read."""
    return {
        "name": name,
        "email": f"owner@{name}.example",
        "currency": currency,
        "country": country,
        "zone": zone,
        "taxed": taxed,
        "plan": "Development",
    }


def add_shop(world: World, number: int, name: str, settings: dict[str, Any]) -> Shop:
    """Open a shop with its locations and its online store publication."""
    shop = Shop(number, f"{name}.myshopify.com", world.clock, settings)
    world.shops[shop.domain] = shop
    for index, label in enumerate(LOCATIONS):
        add_location(shop, label, primary=index == 0)
    online = shop.new_row("Publication", name="Online Store", autoPublish=False)
    shop.state["online_store"] = online.number
    shop.new_row("Market", name=settings["country"], handle=settings["country"].lower(), enabled=True, primary=True)
    return shop


def add_location(shop: Shop, name: str, *, primary: bool = False) -> Row:
    """Add an active location of the shop."""
    now = shop.clock.iso()
    address = {"__typename": "LocationAddress", "countryCode": shop.settings["country"], "formatted": [shop.settings["country"]]}
    return shop.new_row(
        "Location",
        name=name,
        isActive=True,
        fulfillsOnlineOrders=True,
        shipsInventory=primary,
        hasActiveInventory=False,
        isPrimary=primary,
        isFulfillmentService=False,
        activatable=True,
        deactivatable=not primary,
        deletable=False,
        deactivatedAt=None,
        createdAt=now,
        updatedAt=now,
        address=address,
        addressVerified=False,
    )


def builder(options: Options) -> Callable[[World], None]:
    """Return the function that fills a fresh world."""

    def build(world: World) -> None:
        world.deliver = dict(options.deliver)
        client_id = secret(options.seed, "client id")
        app = App(client_id, "shpss_" + secret(options.seed, "client secret"), "Demo App", 347_082_227_713)
        world.apps[client_id] = app
        for index in range(1 if options.empty else options.shops):
            _shop(world, app, options, index)

    return build


def _shop(world: World, app: App, options: Options, index: int) -> None:
    number = 60_000_000_000 + index
    if options.empty:
        name = "empty-shop"
        settings = shop_settings(name, currency="CAD", country="CA", zone="America/New_York", taxed=False)
    else:
        name = "demo-shop" if index == 0 else f"demo-shop-{index + 1}"
        settings = shop_settings(name, currency="USD", country="US", zone="America/New_York", taxed=True)
    shop = add_shop(world, number, name, settings)
    tokens = ["shpat_" + secret(options.seed, f"token {name}")] + ([EMPTY_TOKEN] if options.empty else [])
    for token in tokens:
        world.grants[token] = Grant(token, shop.domain, app.client_id, app.scopes)
    if not options.empty:
        seeding.fill(shop, seed=options.seed + index, orders=options.orders, parquet=options.parquet)
    shop.changes.clear()


def ready_line(world: World, base_url: str) -> dict[str, Any]:
    """Return what the command line prints once it serves."""
    app = next(iter(world.apps.values()))
    first = {}
    for grant in world.grants.values():
        first.setdefault(grant.shop_domain, grant.token)
    shops = [{"shop_domain": domain, "access_token": first[domain]} for domain in world.shops]
    return {"base_url": base_url, "client_id": app.client_id, "client_secret": app.client_secret, "shops": shops}
