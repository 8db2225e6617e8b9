"""The shop itself, as it shows itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import field

from shopify_kit.database import Connection
from shopify_kit.queries import load_queries
from shopify_mirror.rows import Instant, Shape, digest_of

queries = load_queries("mirror")


class Domain(Shape):
    """A domain of a shop."""

    host: str | None = None


class Plan(Shape):
    """What a shop pays for."""

    public_display_name: str | None = None


class ShopPlace(Shape):
    """Where a shop is."""

    province_code: str | None = None
    country_code: str | None = field(name="countryCodeV2", default=None)


class Shop(Shape):
    """A shop as `MirrorShop` asks for it."""

    name: str
    currency_code: str
    iana_timezone: str
    updated_at: Instant
    email: str | None = None
    myshopify_domain: str | None = None
    primary_domain: Domain | None = None
    enabled_presentment_currencies: tuple[str, ...] = ()
    plan: Plan | None = None
    shop_address: ShopPlace | None = None
    weight_unit: str | None = None
    taxes_included: bool | None = None
    created_at: Instant | None = None


async def apply_shop(conn: Connection, shop_id: int, node: Mapping[str, Any], as_of: datetime, raw_id: int) -> bool:
    """Write what a shop shows of itself; says whether that was news."""
    text = msgspec.json.encode(node)
    shop = msgspec.convert(node, Shop)
    place = shop.shop_address or ShopPlace()
    old_raw_id = await conn.fetchval(queries.find_profile_raw, shop_id)
    is_news = await conn.fetchval(
        queries.keep_profile, shop_id, shop.name, shop.email, shop.myshopify_domain,
        shop.primary_domain.host if shop.primary_domain else None, shop.currency_code, list(shop.enabled_presentment_currencies),
        shop.iana_timezone, place.country_code, place.province_code, shop.plan.public_display_name if shop.plan else None,
        shop.weight_unit, shop.taxes_included, shop.created_at, raw_id, digest_of(text), shop.updated_at, as_of,
    )  # fmt: skip
    if is_news:
        await conn.execute(queries.drop_raw_object, shop_id, old_raw_id)
        await conn.execute(queries.add_raw_object, shop_id, raw_id, text.decode())
    return bool(is_news)
