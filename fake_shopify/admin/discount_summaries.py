"""The sentences that describe a discount: `summary` and `shortSummary`, parts with a bullet between.

Captured: percentage and amount off the order, minimum quantity and purchase, one use per customer (pagination_search-047, 052,
062), buy X get Y (discounts-037); the usage limit and the uses per order are not named. In a shop that sells subscriptions an
amount off names the purchases that it is for (pagination_search-057, 062). Assumed: the words for products, collections, buyers,
destinations and shipping prices, and that the short form is the first part.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fake_shopify.admin.countries import country_names
from fake_shopify.context import Context
from fake_shopify.money import amount, printed
from fake_shopify.registry import field
from fake_shopify.rows import Row
from fake_shopify.world import Shop

BULLET = " • "
NOUNS = {"products": ("Product", "product"), "variants": ("ProductVariant", "variant"), "collections": ("Collection", "collection")}
BUYERS = {"customers": "customer", "customerSegments": "customer segment", "markets": "market"}


def sells_subscriptions(shop: Shop) -> bool:
    """Say whether the shop sells subscriptions, which its setting may deny (captured: pagination_search-057)."""
    return bool(shop.settings.get("sells_subscriptions", True))


@field("ShopFeatures", "sellsSubscriptions")
def _sells_subscriptions(features: dict[str, Any], ctx: Context) -> bool:
    return sells_subscriptions(ctx.shop)


def counted(count: int, noun: str) -> str:
    """Write a number of things."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def percent(share: float) -> str:
    """Write a share as a percentage without needless zeros."""
    text = format((Decimal(str(share)) * 100).normalize(), "f")
    return f"{text}%"


def summary(shop: Shop, row: Row) -> str:
    """Describe a discount in full."""
    parts = [benefit(shop, row), _minimum(row), _buyers(row)]
    if row["_kind"].endswith("FreeShipping"):
        parts += [_destination(row), _shipping_price(row)]
    if row["appliesOncePerCustomer"]:
        parts.append("One use per customer")
    return BULLET.join(part for part in parts if part)


def benefit(shop: Shop, row: Row) -> str:
    """Describe what the customer gets."""
    if row["_kind"].endswith("FreeShipping"):
        return f"Free shipping on {_purchases(shop, row) or 'all products'}"
    if row["_kind"].endswith("Bxgy"):
        return _bxgy(row)
    return f"{_off(row['_value'])} {_of_what(shop, row)}"


def _off(value: dict[str, Any]) -> str:
    return f"{percent(value['percentage'])} off" if "percentage" in value else f"{printed(value['amount'])} off"


def _purchases(shop: Shop, row: Row) -> str | None:
    if not sells_subscriptions(shop) or row["_one_time"] == row["_subscription"]:
        return None
    return "one-time purchase products" if row["_one_time"] else "subscription products"


def _of_what(shop: Shop, row: Row) -> str:
    items = row["_items"]
    if items.get("all"):
        return _purchases(shop, row) or "entire order"
    named = [(name, items[name]) for name in NOUNS if items.get(name)]
    if len(named) == 1 and len(named[0][1]) == 1:
        found = shop.table(NOUNS[named[0][0]][0]).get(named[0][1][0])
        if found is not None and found.get("title"):
            return str(found["title"])
    return " and ".join(counted(len(ids), NOUNS[name][1]) for name, ids in named) or "entire order"


def _bxgy(row: Row) -> str:
    buys, value = row["_buys"], row["_value"]
    first = f"Spend {printed(buys['amount'])}" if "amount" in buys else f"Buy {counted(buys['quantity'], 'item')}"
    got = counted(value.get("quantity") or 1, "item")
    if value.get("percentage") == 1:
        return f"{first}, get {got} free"
    return f"{first}, get {got} at {_off(value)}"


def _minimum(row: Row) -> str | None:
    minimum = row["_minimum"]
    if minimum is None:
        return None
    if "quantity" in minimum:
        return f"Minimum quantity of {minimum['quantity']}"
    return f"Minimum purchase of {printed(minimum['subtotal'])}" if amount(minimum["subtotal"]) else None


def _buyers(row: Row) -> str | None:
    noun = BUYERS.get(row["_context"]["kind"])
    return f"For {counted(len(row['_context']['ids']), noun)}" if noun else None


def _destination(row: Row) -> str:
    destination = row["_destination"]
    if destination.get("all"):
        return "For all countries"
    countries = destination["countries"]
    if len(countries) == 1 and not destination["rest"]:
        return f"For {country_names().get(countries[0], countries[0])}"
    rest = ["rest of world"] if destination["rest"] else []
    named = [f"{len(countries)} countr{'y' if len(countries) == 1 else 'ies'}"] if countries else []
    return f"For {' and '.join(named + rest)}"


def _shipping_price(row: Row) -> str | None:
    most = row["_maximum_shipping"]
    return f"Applies to shipping rates under {printed(most)}" if most is not None else None
