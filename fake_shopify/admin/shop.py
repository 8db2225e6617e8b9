"""The shop itself: its settings as the API shows them, its domain, its business entity, and the API versions."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fake_shopify.admin.countries import country_names, zones_of
from fake_shopify.admin.mailing_addresses import formatted_area, formatted_lines
from fake_shopify.admin.nodes import node_of
from fake_shopify.context import Context
from fake_shopify.registry import RESOLVERS, field, query
from fake_shopify.schema import LATEST, VERSIONS
from fake_shopify.world import gid

IMPERIAL = frozenset({"US", "LR", "MM"})
ROOTS = """
    products productVariants collections orders draftOrders customers locations inventoryItems fulfillmentOrders
    assignedFulfillmentOrders productTags productTypes productVendors orderTags customerTags draftOrderTags channels
""".split()
"""Fields of the shop that answer what the root of the same name answers."""

LOCATION_LIMIT = 200
"""How many active locations a shop may have (captured: a development store)."""


def _root(name: str) -> Callable[..., Any]:
    def call(ctx: Context, **arguments: Any) -> Any:
        return RESOLVERS["QueryRoot", name](ctx, **arguments)

    return call


@query("shop")
def shop(ctx: Context) -> dict[str, Any]:
    """Answer `shop` (captured: shop-011, 018, 020, 029; recorded shops)."""
    return {
        "__typename": "Shop",
        "id": gid("Shop", ctx.shop.number),
        **_identity(ctx),
        **_selling(ctx),
        **_time(ctx),
        "shopAddress": address(ctx),
        "billingAddress": address(ctx),
        "plan": _plan(ctx),
        "resourceLimits": _limits(),
        "features": _features(),
        "paymentSettings": {"__typename": "PaymentSettings", "supportedDigitalWallets": []},
        "fulfillmentServices": fulfillment_services,
        "publicationCount": lambda ctx: len(ctx.table("Publication")),
        **{name: _root(name) for name in ROOTS if ("QueryRoot", name) in RESOLVERS},
    }


@node_of("Shop")
def _shop_node(ctx: Context, id: str) -> dict[str, Any] | None:
    return shop(ctx) if id == gid("Shop", ctx.shop.number) else None


def _identity(ctx: Context) -> dict[str, Any]:
    own, settings = ctx.shop, ctx.shop.settings
    return {
        "name": settings["name"],
        "description": None,
        "email": settings["email"],
        "contactEmail": settings["email"],
        "shopOwnerName": settings.get("owner", "Shop Owner"),
        "myshopifyDomain": own.domain,
        "url": f"https://{own.domain}",
        "storefrontUrl": f"https://{own.domain}",
        "primaryDomain": domain_row(ctx),
        "domains": [domain_row(ctx)],
        "richTextEditorUrl": f"https://{own.domain}/admin/rte",
        "createdAt": settings.get("createdAt", "2026-01-01T00:00:00Z"),
        "updatedAt": settings.get("updatedAt", "2026-01-01T00:00:00Z"),
        "setupRequired": False,
        "analyticsToken": "",
        "checkoutApiSupported": True,
        "orderNumberFormatPrefix": "#",
        "orderNumberFormatSuffix": "",
    }


def _selling(ctx: Context) -> dict[str, Any]:
    currency, country = ctx.shop.settings["currency"], ctx.shop.settings["country"]
    imperial = country in IMPERIAL
    return {
        "currencyCode": currency,
        "enabledPresentmentCurrencies": [currency],
        "currencyFormats": _currency_formats(),
        "taxesIncluded": False,
        "taxShipping": False,
        "unitSystem": "IMPERIAL_SYSTEM" if imperial else "METRIC_SYSTEM",
        "weightUnit": "POUNDS" if imperial else "KILOGRAMS",
        "shipsToCountries": [country],
        "countriesInShippingZones": {
            "__typename": "CountriesInShippingZones",
            "countryCodes": [country],
            "includeRestOfWorld": False,
        },
        "customerAccounts": "OPTIONAL",
        "customerAccountsV2": {
            "__typename": "CustomerAccountsV2",
            "customerAccountsVersion": "NEW_CUSTOMER_ACCOUNTS",
            "loginLinksVisibleOnStorefrontAndCheckout": True,
            "loginRequiredAtCheckout": False,
            "url": f"https://shopify.com/{ctx.shop.number}/account",
        },
        "marketingSmsConsentEnabledAtCheckout": False,
        "transactionalSmsDisabled": False,
    }


def _currency_formats() -> dict[str, str]:
    return {
        "__typename": "CurrencyFormats",
        "moneyFormat": "${{amount}}",
        "moneyInEmailsFormat": "${{amount}}",
        "moneyWithCurrencyFormat": "${{amount}} {{currency}}",
        "moneyWithCurrencyInEmailsFormat": "${{amount}} {{currency}}",
    }


def _time(ctx: Context) -> dict[str, Any]:
    """Show the shop's zone as it is at this instant (captured: `EDT`, `-0400`, -240)."""
    zone = ctx.shop.settings["zone"]
    here = ctx.world.clock.now().astimezone(ZoneInfo(zone))
    offset = here.utcoffset() or timedelta()
    return {
        "ianaTimezone": zone,
        "timezoneAbbreviation": here.strftime("%Z"),
        "timezoneOffset": here.strftime("%z"),
        "timezoneOffsetMinutes": int(offset.total_seconds() // 60),
    }


def _plan(ctx: Context) -> dict[str, Any]:
    name = ctx.shop.settings["plan"]
    return {
        "__typename": "ShopPlan",
        "displayName": name,
        "publicDisplayName": name,
        "partnerDevelopment": name == "Development",
        "shopifyPlus": name == "Shopify Plus",
    }


def _limits() -> dict[str, Any]:
    """Captured: limits of a development store."""
    return {
        "__typename": "ShopResourceLimits",
        "locationLimit": LOCATION_LIMIT,
        "maxProductOptions": 3,
        "maxProductVariants": 2048,
        "redirectLimitReached": False,
    }


def _features() -> dict[str, Any]:
    """Captured: features of a development store (shop-029). Assumed: those that were not recorded are off."""
    operations = dict.fromkeys(("expandOperation", "mergeOperation", "updateOperation"), True)
    on = "captcha giftCards harmonizedSystemCode liveView reports showMetrics storefront unifiedMarkets".split()
    return dict.fromkeys(on, True) | {
        "__typename": "ShopFeatures",
        "branding": "SHOPIFY",
        "bundles": {"__typename": "BundlesFeature", "eligibleForBundles": True, "ineligibilityReason": None, "sellsBundles": False},
        "cartTransform": {"__typename": "CartTransformFeature", "eligibleOperations": operations},
        "paypalExpressSubscriptionGatewayStatus": "DISABLED",
    }


# Address and domain


def address(ctx: Context) -> dict[str, Any]:
    """Show the shop's address (captured: shop-029, a recorded shop without one)."""
    kept = ctx.shop.settings.get("address") or {}
    country = ctx.shop.settings["country"]
    texts = {name: kept.get(name) for name in ("address1", "address2", "city", "company", "phone", "zip", "provinceCode")}
    row = texts | {
        "__typename": "ShopAddress",
        "id": gid("ShopAddress", ctx.shop.number),
        "coordinatesValidated": False,
        "country": country_names().get(country),
        "countryCode": country,
        "countryCodeV2": country,
        "province": zones_of(country).get(kept.get("provinceCode") or ""),
        "latitude": None,
        "longitude": None,
    }
    return row | {"formattedArea": formatted_area(row)}


@field("ShopAddress", "formatted")
def _formatted(row: dict[str, Any], ctx: Context, withCompany: bool = True) -> list[str]:
    return formatted_lines(row, with_name=False, with_company=withCompany)


def domain_row(ctx: Context) -> dict[str, Any]:
    """Show the shop's only domain (captured: shop-013)."""
    own = ctx.shop
    return {
        "__typename": "Domain",
        "id": gid("Domain", own.number + 1),
        "host": own.domain,
        "url": f"https://{own.domain}",
        "sslEnabled": True,
    }


@query("domain")
@node_of("Domain")
def domain(ctx: Context, id: str) -> dict[str, Any] | None:
    """Answer a domain by id, null for any other than the shop's own (captured: shop-009, 014)."""
    own = domain_row(ctx)
    return own if id == own["id"] else None


# Who sells, who fulfils


def business_entity_row(ctx: Context) -> dict[str, Any]:
    """Show the shop's only business entity; its id is base64 (captured: shop-030)."""
    number = base64.b64encode(f"1{ctx.shop.number}".encode()).decode().rstrip("=")
    here = address(ctx)
    names = ("address1", "address2", "city", "province", "zip", "countryCode")
    return {
        "__typename": "BusinessEntity",
        "id": gid("BusinessEntity", number),
        "displayName": f"{ctx.shop.settings['name']} Admin",
        "companyName": None,
        "legalEntityId": None,
        "primary": True,
        "archived": False,
        "address": {"__typename": "BusinessEntityAddress"} | {name: here[name] for name in names},
        "shopifyPaymentsAccount": None,
    }


@query("businessEntities")
def business_entities(ctx: Context) -> list[dict[str, Any]]:
    """List business entities (captured: shop-030)."""
    return [business_entity_row(ctx)]


@query("businessEntity")
@node_of("BusinessEntity")
def business_entity(ctx: Context, id: str | None = None) -> dict[str, Any] | None:
    """Answer a business entity by id, the primary one without."""
    own = business_entity_row(ctx)
    return own if id is None or id == own["id"] else None


def fulfillment_services(ctx: Context) -> list[dict[str, Any]]:
    """List fulfilment services: the manual one of the primary location first (captured: shop-015)."""
    manual = {
        "__typename": "FulfillmentService",
        "id": gid("FulfillmentService", "manual"),
        "handle": "manual",
        "serviceName": "Manual",
        "callbackUrl": None,
        "trackingSupport": False,
        "inventoryManagement": False,
        "requiresShippingMethod": True,
        "fulfillmentOrdersOptIn": True,
        "type": "MANUAL",
        "location": next((row for row in ctx.table("Location") if row.get("isPrimary")), None),
    }
    return [manual, *ctx.table("FulfillmentService")]


# The API and billing


@query("publicApiVersions")
def public_api_versions(ctx: Context) -> list[dict[str, Any]]:
    """List the API versions that the fake serves (captured form: shop-008)."""
    rows = [(one, f"{one} (Latest)" if one == LATEST else one, True) for one in VERSIONS] + [("unstable", "unstable", False)]
    return [
        {"__typename": "ApiVersion", "handle": handle, "displayName": name, "supported": supported}
        for handle, name, supported in rows
    ]


@query("shopBillingPreferences")
def shop_billing_preferences(ctx: Context) -> dict[str, Any]:
    """Answer in which currency the shop pays its bills."""
    return {"__typename": "ShopBillingPreferences", "currency": ctx.shop.settings["currency"]}
