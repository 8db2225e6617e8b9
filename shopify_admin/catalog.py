"""What is read and not written: locations, collections, discounts, and the shop itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from shopify_admin.shapes import Raw, amount_text
from shopify_kit.identifiers import parse_gid, tail


class Shop(Struct, frozen=True):
    """A shop as the API shows it."""

    id: int
    admin_graphql_api_id: str
    name: str
    domain: str
    primary_domain: str
    email: str
    currency: str
    timezone: str
    country_code: str | None
    plan: str
    weight_unit: str
    taxes_included: bool
    scopes: tuple[str, ...]


class Location(Struct, frozen=True):
    """A place that holds stock."""

    id: int
    admin_graphql_api_id: str
    name: str
    active: bool
    fulfills_online_orders: bool
    address1: str | None
    address2: str | None
    city: str | None
    province: str | None
    country: str | None
    country_code: str | None
    zip: str | None
    phone: str | None
    created_at: str
    updated_at: str


class Collection(Struct, frozen=True):
    """A collection; `rules` only where it is a smart one."""

    id: int
    admin_graphql_api_id: str
    title: str
    handle: str
    body_html: str
    sort_order: str
    template_suffix: str | None
    products_count: int | None
    image: dict[str, Any] | None
    rules: tuple[dict[str, str], ...] | None
    disjunctive: bool | None
    updated_at: str


class Discount(Struct, frozen=True):
    """A discount by code or an automatic one; `value` where it is a percentage or an amount."""

    id: int
    admin_graphql_api_id: str
    title: str
    method: str
    discount_type: str
    status: str
    starts_at: str
    ends_at: str | None
    summary: str | None
    codes: tuple[str, ...]
    codes_count: int | None
    value_type: str | None
    value: str | None
    currency: str | None
    usage_limit: int | None
    usage_count: int
    once_per_customer: bool | None
    created_at: str
    updated_at: str


def shop_of(data: Raw) -> Shop:
    """Read the answer of GetShop."""
    shop, address = data["shop"], data["shop"]["billingAddress"]
    handles = [scope["handle"] for scope in data["currentAppInstallation"]["accessScopes"]]
    return Shop(
        id=tail(shop["id"]),
        admin_graphql_api_id=shop["id"],
        name=shop["name"],
        domain=shop["myshopifyDomain"],
        primary_domain=shop["primaryDomain"]["host"],
        email=shop["email"],
        currency=shop["currencyCode"],
        timezone=shop["ianaTimezone"],
        country_code=address["countryCodeV2"] if address else None,
        plan=shop["plan"]["publicDisplayName"],
        weight_unit=shop["weightUnit"].lower(),
        taxes_included=shop["taxesIncluded"],
        scopes=tuple(sorted(handles)),
    )


def location_of(raw: Raw) -> Location:
    """Read Shopify's Location."""
    address = raw["address"]
    return Location(
        id=tail(raw["id"]),
        admin_graphql_api_id=raw["id"],
        name=raw["name"],
        active=raw["isActive"],
        fulfills_online_orders=raw["fulfillsOnlineOrders"],
        address1=address["address1"],
        address2=address["address2"],
        city=address["city"],
        province=address["province"],
        country=address["country"],
        country_code=address["countryCode"],
        zip=address["zip"],
        phone=address["phone"],
        created_at=raw["createdAt"],
        updated_at=raw["updatedAt"],
    )


def collection_of(raw: Raw) -> Collection:
    """Read Shopify's Collection."""
    rules, image, count = raw["ruleSet"], raw["image"], raw["productsCount"]
    return Collection(
        id=tail(raw["id"]),
        admin_graphql_api_id=raw["id"],
        title=raw["title"],
        handle=raw["handle"],
        body_html=raw["descriptionHtml"],
        sort_order=raw["sortOrder"].lower(),
        template_suffix=raw["templateSuffix"],
        products_count=count["count"] if count else None,
        image={"src": image["url"], "alt": image["altText"]} if image else None,
        rules=_rules(rules["rules"]) if rules else None,
        disjunctive=rules["appliedDisjunctively"] if rules else None,
        updated_at=raw["updatedAt"],
    )


def _rules(rows: Sequence[Raw]) -> tuple[dict[str, str], ...]:
    return tuple(
        {"column": row["column"].lower(), "relation": row["relation"].lower(), "condition": row["condition"]} for row in rows
    )


def discount_of(raw: Raw) -> Discount:
    """Read Shopify's DiscountNode."""
    discount = raw["discount"]
    kind = discount["__typename"].removeprefix("Discount")
    method = "code" if kind.startswith("Code") else "automatic"
    value_type, value, currency = _value((discount.get("customerGets") or {}).get("value"))
    codes, count = discount.get("codes"), discount.get("codesCount")
    return Discount(
        id=parse_gid(raw["id"]).number,
        admin_graphql_api_id=raw["id"],
        title=discount["title"],
        method=method,
        discount_type=_snake(kind.removeprefix("Code").removeprefix("Automatic")),
        status=discount["status"].lower(),
        starts_at=discount["startsAt"],
        ends_at=discount["endsAt"],
        summary=discount.get("summary"),
        codes=tuple(node["code"] for node in codes["nodes"]) if codes else (),
        codes_count=count["count"] if count else None,
        value_type=value_type,
        value=value,
        currency=currency,
        usage_limit=discount.get("usageLimit"),
        usage_count=discount["asyncUsageCount"],
        once_per_customer=discount.get("appliesOncePerCustomer"),
        created_at=discount["createdAt"],
        updated_at=discount["updatedAt"],
    )


def _value(value: Raw | None) -> tuple[str | None, str | None, str | None]:
    if value is None:
        return None, None, None
    if value["__typename"] == "DiscountPercentage":
        return "percentage", f"{value['percentage'] * 100:g}", None
    if value["__typename"] == "DiscountAmount":
        money = value["amount"]
        return "fixed_amount", amount_text(money["amount"], money["currencyCode"]), money["currencyCode"]
    return None, None, None


def _snake(name: str) -> str:
    parts = [("_" + letter.lower()) if letter.isupper() else letter for letter in name]
    return "".join(parts).lstrip("_")
