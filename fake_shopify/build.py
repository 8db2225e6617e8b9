"""Fill a world from the command line's options: apps, shops, tokens, and the demo data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fake_shopify import seeding
from fake_shopify.clock import iso
from fake_shopify.rows import Row
from fake_shopify.seeding import retail
from fake_shopify.seeding.books import Books, read_books
from fake_shopify.world import App, Grant, Shop, World

EMPTY_TOKEN = "shpat_test"
FIRST_SHOP = 60_000_000_000
LOCATIONS = ("Shop location", "My Custom Location")
"""What a development store comes with, the primary one first (captured: inventory-074, 161)."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `python -m fake_shopify` was asked for.

    Args:
        until: the reference instant of demo data; None for the start of today, UTC.
        parquet: the folder of a real year's books for the first shop.
    """

    seed: int = 1
    orders: int = 200
    shops: int = 1
    empty: bool = False
    parquet: Path | None = None
    until: datetime | None = None
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


def add_shop(world: World, number: int, name: str, settings: dict[str, Any], *, now: str) -> Shop:
    """Open a shop with its locations, which are as old as `now`, and its online store publication."""
    shop = Shop(number, f"{name}.myshopify.com", world.clock, settings)
    world.shops[shop.domain] = shop
    for index, label in enumerate(LOCATIONS):
        add_location(shop, label, primary=index == 0, now=now)
    online = shop.new_row("Publication", name="Online Store", autoPublish=False)
    shop.state["online_store"] = online.number
    shop.new_row("Market", name=settings["country"], handle=settings["country"].lower(), enabled=True, primary=True)
    return shop


def add_location(shop: Shop, name: str, *, primary: bool, now: str) -> Row:
    """Add an active location of the shop."""
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
    """Return the function that fills a fresh world.

    The clock is asked and files are read here, once, so that a reset returns to the same start.

    Raises:
        books.Unreadable: the files of `--parquet` cannot be read.
    """
    until = options.until or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    year = read_books(options.parquet) if options.parquet is not None and not options.empty else None

    def build(world: World) -> None:
        world.deliver = dict(options.deliver)
        client_id = secret(options.seed, "client id")
        app = App(client_id, "shpss_" + secret(options.seed, "client secret"), "Demo App", 347_082_227_713)
        world.apps[client_id] = app
        if options.empty:
            _empty_shop(world, app, options)
        else:
            for index in range(options.shops):
                _demo_shop(world, app, index, options, until, year if index == 0 else None)

    return build


def _empty_shop(world: World, app: App, options: Options) -> None:
    name = "empty-shop"
    settings = shop_settings(name, currency="CAD", country="CA", zone="America/New_York", taxed=False)
    shop = add_shop(world, FIRST_SHOP, name, settings, now=world.clock.iso())
    for token in (static_token(options.seed, name), EMPTY_TOKEN):
        world.grants[token] = Grant(token, shop.domain, app.client_id, app.scopes)
    shop.changes.clear()


def _demo_shop(world: World, app: App, index: int, options: Options, until: datetime, year: Books | None) -> None:
    """Open a demo shop; `year` are the books of a real year to fill it with instead."""
    name = "demo-shop" if index == 0 else f"demo-shop-{index + 1}"
    plan = seeding.Plan(options.seed + index, options.orders, until)
    settings = shop_settings(name, currency="USD", country="US", zone="America/New_York", taxed=True)
    settings |= {"createdAt": iso(plan.opening), "updatedAt": iso(plan.opening)} | (retail.settings_of(year) if year else {})
    shop = add_shop(world, FIRST_SHOP + index, name, settings, now=settings["createdAt"])
    token = static_token(options.seed, name)
    world.grants[token] = Grant(token, shop.domain, app.client_id, app.scopes)
    if year is None:
        seeding.fill(shop, plan)
    else:
        retail.fill(shop, year, options.seed)
    shop.changes.clear()


def static_token(seed: int, name: str) -> str:
    """Return the token that the ready line names for a shop."""
    return "shpat_" + secret(seed, f"token {name}")


def ready_line(world: World, base_url: str) -> dict[str, Any]:
    """Return what the command line prints once it serves."""
    app = next(iter(world.apps.values()))
    first: dict[str, str] = {}
    for grant in world.grants.values():
        first.setdefault(grant.shop_domain, grant.token)
    shops = [{"shop_domain": domain, "access_token": first[domain]} for domain in world.shops]
    return {"base_url": base_url, "client_id": app.client_id, "client_secret": app.client_secret, "shops": shops}
