"""What a customer shows beyond the values of its row: names, contacts with their consent, addresses, orders, links."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from fake_shopify.admin.customer_rows import default_address, display_name, order_numbers
from fake_shopify.admin.order_search import order_fields, order_sorts
from fake_shopify.admin.order_totals import net_payment
from fake_shopify.clock import parse_iso
from fake_shopify.context import Context, split_gid
from fake_shopify.money import money
from fake_shopify.paging import Connection, page
from fake_shopify.registry import field
from fake_shopify.rows import Row

ADDRESS_LIMIT = 250
NEVER: dict[str, Any] = {"state": "NOT_SUBSCRIBED", "level": "SINGLE_OPT_IN", "at": None, "location": None}
"""The consent of a customer who was never asked (captured: customers-072)."""


@field("Customer", "displayName")
def _display_name(row: Row, ctx: Context) -> str:
    return display_name(row)


@field("Customer", "legacyResourceId")
def _legacy(row: Row, ctx: Context) -> str:
    return str(row.number)


# Contacts


def _location(ctx: Context, consent: Mapping[str, Any]) -> Row | None:
    return ctx.find("Location", consent["location"])


def _modern_state(state: str) -> str:
    return "NEVER_SUBSCRIBED" if state == "NOT_SUBSCRIBED" else state


def _account_url(row: Row, ctx: Context, what: str) -> str:
    token = hashlib.sha256(f"{ctx.shop.number}:{row.number}:{what}".encode()).hexdigest()[:32]
    return f"https://{ctx.shop.domain}/account/{what}?token={token}"


def email_address(row: Row, ctx: Context) -> dict[str, Any] | None:
    """Shape of `CustomerEmailAddress`; None without an e-mail address (captured: customers-072)."""
    if not row["email"]:
        return None
    consent = row["_email_consent"] or NEVER
    return {
        "__typename": "CustomerEmailAddress",
        "emailAddress": row["email"],
        "marketingState": consent["state"],
        "marketingOptInLevel": consent["level"],
        "marketingUpdatedAt": consent["at"],
        "sourceLocation": _location(ctx, consent),
        "marketingUnsubscribeUrl": _account_url(row, ctx, "unsubscribe"),
        "openTrackingLevel": "UNKNOWN",
        "openTrackingUrl": _account_url(row, ctx, "open_tracking"),
        "validFormat": True,
    }


def _modern_consent(kind: str, consent: Mapping[str, Any] | None, ctx: Context) -> dict[str, Any]:
    known = consent or NEVER
    return {
        "__typename": kind,
        "state": _modern_state(known["state"]),
        "optInLevel": known["level"],
        "updatedAt": known["at"],
        "collectedFrom": None if consent is None else "OTHER",
        "sourceLocation": _location(ctx, known),
    }


def phone_number(row: Row, ctx: Context) -> dict[str, Any] | None:
    """Shape of `CustomerPhoneNumber`; None without a phone number.

    Captured: customers-052; who was never asked has no `marketingCollectedFrom` (real_objects: Customer).
    """
    if not row["phone"]:
        return None
    consent = row["_sms_consent"] or NEVER
    return {
        "__typename": "CustomerPhoneNumber",
        "phoneNumber": row["phone"],
        "marketingState": consent["state"],
        "marketingOptInLevel": consent["level"],
        "marketingUpdatedAt": consent["at"],
        "marketingCollectedFrom": None if row["_sms_consent"] is None else "OTHER",
        "sourceLocation": _location(ctx, consent),
        "smsMarketingConsent": _modern_consent("CustomerSmsMarketingConsent", row["_sms_consent"], ctx),
        "whatsAppMarketingConsent": _modern_consent("CustomerWhatsAppMarketingConsent", row["_whatsapp_consent"], ctx),
    }


field("Customer", "defaultEmailAddress")(email_address)
field("Customer", "defaultPhoneNumber")(phone_number)


def _old_consent(row: Row, ctx: Context, channel: str) -> dict[str, Any]:
    consent = row[f"_{channel}_consent"] or NEVER
    return {
        "marketingState": consent["state"],
        "marketingOptInLevel": consent["level"],
        "consentUpdatedAt": consent["at"],
        "sourceLocation": _location(ctx, consent),
    }


@field("Customer", "emailMarketingConsent")
def _email_consent(row: Row, ctx: Context) -> dict[str, Any] | None:
    return _old_consent(row, ctx, "email") if row["email"] else None


@field("Customer", "smsMarketingConsent")
def _sms_consent(row: Row, ctx: Context) -> dict[str, Any] | None:
    return _old_consent(row, ctx, "sms") | {"consentCollectedFrom": "OTHER"} if row["phone"] else None


@field("Customer", "unsubscribeUrl")
def _unsubscribe_url(row: Row, ctx: Context) -> str:
    return _account_url(row, ctx, "unsubscribe")


@field("Customer", "validEmailAddress")
def _valid_email(row: Row, ctx: Context) -> bool:
    return bool(row["email"])


@field("Customer", "image")
def _image(row: Row, ctx: Context, **arguments: Any) -> dict[str, Any]:
    """Point at the picture that Gravatar has for the e-mail address (assumed: the exact address)."""
    name = hashlib.md5((row["email"] or "").lower().encode(), usedforsecurity=False).hexdigest()
    url = f"https://www.gravatar.com/avatar/{name}.jpg?s=128&d=404"
    return {"__typename": "Image", "url": url, "originalSrc": url, "src": url, "transformedSrc": url}


# Addresses


@field("Customer", "addresses")
def _addresses(row: Row, ctx: Context, first: int | None = None) -> list[Row]:
    return list(row["_addresses"])[: ADDRESS_LIMIT if first is None else first]


@field("Customer", "addressesV2")
def _addresses_v2(row: Row, ctx: Context, **arguments: Any) -> Connection:
    """Page through the addresses in the order of their ids (captured: customers-026: the default one is not moved to the front)."""
    return page(row["_addresses"], arguments)


@field("Customer", "defaultAddress")
def _default_address(row: Row, ctx: Context) -> Row | None:
    return default_address(row)


# Orders


def orders_of(row: Row, ctx: Context) -> list[Row]:
    """Return a customer's orders."""
    orders = ctx.table("Order")
    return [order for order in map(orders.get, order_numbers(ctx.shop, row.number)) if order is not None]


def amount_spent(row: Row, ctx: Context) -> Decimal:
    """Return what the customer paid for all orders and did not get back (assumed: cancelled orders are not treated apart)."""
    return sum((net_payment(order)[0] for order in orders_of(row, ctx)), Decimal(0))


@field("Customer", "amountSpent")
def _amount_spent(row: Row, ctx: Context) -> dict[str, Any]:
    return money(amount_spent(row, ctx), ctx.shop.settings["currency"])


@field("Customer", "numberOfOrders")
def _number_of_orders(row: Row, ctx: Context) -> str:
    return str(len(order_numbers(ctx.shop, row.number)))


@field("Customer", "lastOrder")
def _last_order(row: Row, ctx: Context) -> Row | None:
    numbers = order_numbers(ctx.shop, row.number)
    return ctx.table("Order").get(max(numbers)) if numbers else None


@field("Customer", "canDelete")
def _can_delete(row: Row, ctx: Context) -> bool:
    """Say whether the customer has no orders (captured: customers-119, 059)."""
    return not order_numbers(ctx.shop, row.number)


@field("Customer", "orders")
def _orders(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return ctx.list(orders_of(row, ctx), arguments, fields=order_fields(ctx), sorts=order_sorts(ctx))


# The rest


UNITS = (("year", 365 * 86_400), ("month", 30 * 86_400), ("day", 86_400), ("hour", 3_600), ("minute", 60))


def lifetime(since: timedelta) -> str:
    """Write how long a customer has been one, in words (source: shopify.dev example `about 12 years`; assumed: the wording)."""
    seconds = int(since.total_seconds())
    for name, size in UNITS:
        count = seconds // size
        if count:
            about = "about " if name in ("year", "month", "hour") else ""
            return f"{about}{count} {name}{'s' if count > 1 else ''}"
    return "less than a minute"


@field("Customer", "lifetimeDuration")
def _lifetime(row: Row, ctx: Context) -> str:
    return lifetime(parse_iso(ctx.now()) - parse_iso(row["createdAt"]))


@field("Customer", "productSubscriberStatus")
def _subscriber_status(row: Row, ctx: Context) -> str:
    return "NEVER_SUBSCRIBED"


@field("Customer", "statistics")
def _statistics(row: Row, ctx: Context) -> dict[str, Any]:
    return {"__typename": "CustomerStatistics", "predictedSpendTier": None, "rfmGroup": None}


@field("Customer", "taxSettings")
def _tax_settings(row: Row, ctx: Context) -> dict[str, Any]:
    return {"__typename": "TaxSettings", "taxId": None}


def number_in(text: str) -> int | None:
    """Return the number behind a customer's GID; None for anything else."""
    kind, number = split_gid(text)
    return int(number) if kind == "Customer" and number.isdigit() else None
