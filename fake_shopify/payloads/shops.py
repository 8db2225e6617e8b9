"""Payloads about the shop, the app and people's rights: shop/update, app/*, bulk_operations/finish and the compliance topics.

Source: the sample payloads of shopify.dev/docs/api/webhooks (version 2026-04) and
shopify.dev/docs/apps/build/compliance/privacy-law-compliance (read 2026-11).
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from fake_shopify.admin.countries import country_names, zones_of
from fake_shopify.admin.customer_rows import order_numbers
from fake_shopify.context import Context
from fake_shopify.payloads.shape import Payload
from fake_shopify.rows import Row
from fake_shopify.world import gid


def shop_payload(ctx: Context) -> Payload:
    """Build the payload of shop/update and app/uninstalled."""
    own, settings = ctx.shop, ctx.shop.settings
    country, currency = settings["country"], settings["currency"]
    kept = settings.get("address") or {}
    primary = next((row for row in ctx.table("Location") if row.get("isPrimary")), None)
    return {
        "id": own.number,
        "name": settings["name"],
        "email": settings["email"],
        "domain": own.domain,
        "province": zones_of(country).get(kept.get("provinceCode") or ""),
        "country": country,
        "address1": kept.get("address1"),
        "zip": kept.get("zip"),
        "city": kept.get("city"),
        "source": None,
        "phone": kept.get("phone"),
        "latitude": None,
        "longitude": None,
        "primary_locale": "en",
        "address2": kept.get("address2"),
        "created_at": settings.get("createdAt", "2026-01-01T00:00:00Z"),
        "updated_at": settings.get("updatedAt", "2026-01-01T00:00:00Z"),
        "country_code": country,
        "country_name": country_names().get(country),
        "currency": currency,
        "customer_email": settings["email"],
        "timezone": _timezone(ctx),
        "iana_timezone": settings["zone"],
        "shop_owner": settings.get("owner", "Shop Owner"),
        "money_format": "${{amount}}",
        "money_with_currency_format": f"${{{{amount}}}} {currency}",
        "weight_unit": "lb" if country == "US" else "kg",
        "province_code": kept.get("provinceCode"),
        "taxes_included": False,
        "auto_configure_tax_inclusivity": None,
        "tax_shipping": None,
        "county_taxes": True,
        "plan_display_name": settings["plan"],
        "plan_name": settings["plan"].lower().replace(" ", "_"),
        "has_discounts": False,
        "has_gift_cards": True,
        "myshopify_domain": own.domain,
        "google_apps_domain": None,
        "google_apps_login_enabled": None,
        "money_in_emails_format": "${{amount}}",
        "money_with_currency_in_emails_format": f"${{{{amount}}}} {currency}",
        "eligible_for_payments": True,
        "requires_extra_payments_agreement": False,
        "password_enabled": False,
        "has_storefront": True,
        "finances": True,
        "primary_location_id": primary.number if primary is not None else None,
        "checkout_api_supported": True,
        "multi_location_enabled": True,
        "setup_required": False,
        "pre_launch_enabled": False,
        "enabled_presentment_currencies": [currency],
        "marketing_sms_consent_enabled_at_checkout": False,
        "transactional_sms_disabled": False,
    }


def _timezone(ctx: Context) -> str:
    """Write the zone as the sample does: `(GMT-05:00) America/New_York` (assumed: the name of the place is Rails' there)."""
    zone = ctx.shop.settings["zone"]
    offset = ctx.world.clock.now().astimezone(ZoneInfo(zone)).strftime("%z")
    return f"(GMT{offset[:3]}:{offset[3:]}) {zone}"


def scopes_payload(ctx: Context, client_id: str, previous: list[str], current: list[str]) -> Payload:
    """Build the payload of app/scopes_update."""
    now = f"{ctx.now()[:-1]}.000Z"
    shop = gid("Shop", ctx.shop.number)
    return {
        "id": ctx.world.apps[client_id].number,
        "shop_id": shop,
        "previous": previous,
        "current": current,
        "updated_at": now,
    }


def bulk_payload(ctx: Context, row: Row) -> Payload:
    """Build the payload of bulk_operations/finish: no address of the result, it must be asked for."""
    return {
        "admin_graphql_api_id": row["id"],
        "completed_at": row.get("completedAt"),
        "created_at": row.get("createdAt"),
        "error_code": _lower(row.get("errorCode")),
        "status": _lower(row.get("status")),
        "type": _lower(row.get("type")),
    }


def _lower(value: Any) -> str | None:
    return None if value is None else str(value).lower()


# Compliance


def compliance_payload(ctx: Context, topic: str, customer: Payload | None, orders: list[int] | None, number: int) -> Payload:
    """Build the payload of a compliance topic; without `orders` it names all orders of the customer.

    Args:
        customer: `id`, and `email` and `phone` where they are not those of the shop's customer.
        number: the id of a data request.
    """
    payload: Payload = {"shop_id": ctx.shop.number, "shop_domain": ctx.shop.domain}
    if topic == "shop/redact":
        return payload
    number_of_customer = int((customer or {})["id"])
    known = ctx.table("Customer").get(number_of_customer)
    person: Payload = {"id": number_of_customer}
    person |= {name: known[name] if known is not None else None for name in ("email", "phone")}
    listed = orders if orders is not None else order_numbers(ctx.shop, number_of_customer)
    payload["customer"] = person | {name: value for name, value in (customer or {}).items() if name != "id"}
    if topic == "customers/redact":
        return payload | {"orders_to_redact": listed}
    return payload | {"orders_requested": listed, "data_request": {"id": number}}
