"""Deterministic bulk results: orders with line items, products with variants, in the shape of our own bulk documents.

What is written is what Shopify would write for `BulkOrders` and `BulkProducts`: one object per line, slashes escaped as Shopify
escapes them, children flat with `__parentId`. Every value follows from the object's number, so that the same call gives the same
bytes on every machine, and parts of a file can be made apart from each other.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
WORDS = "oak linen harbour copper willow slate ember cotton maple granite indigo juniper saffron walnut cedar moss".split()
CITIES = [("Toronto", "ON", "CA"), ("Lyon", "ARA", "FR"), ("Austin", "TX", "US"), ("Malmö", "M", "SE"), ("Osaka", "JP-27", "JP")]
PRODUCTS = 12_000
VARIANTS = 7

Family = Callable[[int], list[dict[str, Any]]]
_encode = msgspec.json.Encoder().encode


def gid(kind: str, number: int) -> str:
    """Write a GID."""
    return f"gid://shopify/{kind}/{number}"


def instant(seconds: int) -> str:
    """Write an instant, in seconds since the shop opened."""
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def money(cents: int, rate: float = 1.0, currency: str = "CAD") -> dict[str, Any]:
    """Write a `MoneyBag` of a shop in CAD."""
    return {
        "shopMoney": {"amount": _amount(cents), "currencyCode": "CAD"},
        "presentmentMoney": {"amount": _amount(round(cents * rate)), "currencyCode": currency},
    }


def _amount(cents: int) -> str:
    text = f"{cents // 100}.{cents % 100:02}"
    return text[:-1] if text.endswith("0") else text


def _title(number: int) -> str:
    return f"{WORDS[number % 16]} {WORDS[number // 16 % 16]} {WORDS[number // 256 % 16]} {number}".title()


def _address(chance: random.Random) -> dict[str, Any]:
    city, province, country = chance.choice(CITIES)
    first, last = chance.choice(WORDS).title(), chance.choice(WORDS).title()
    return {
        "firstName": first, "lastName": last, "company": None, "address1": f"{chance.randrange(900)} {last} Street",
        "address2": None, "city": city, "province": province, "provinceCode": province, "country": country,
        "countryCodeV2": country, "zip": f"{chance.randrange(10_000, 99_999)}", "phone": None,
    }  # fmt: skip


def order_family(number: int) -> list[dict[str, Any]]:
    """Make an order and its line items."""
    chance = random.Random(number)
    order_id, at = gid("Order", 5_000_000_000_000 + number * 7), number * 600 + chance.randrange(600)
    rate, currency = (0.68, "EUR") if chance.random() < 0.12 else (1.0, "CAD")
    lines = [_line(chance, number, place, rate, currency) for place in range(chance.choice((1, 1, 2, 2, 3, 3, 4, 5, 6)))]
    subtotal, discounts = sum(line.cents for line in lines), sum(line.discount for line in lines)
    tax, shipping = subtotal * 13 // 100, chance.choice((0, 900, 1290))
    total = subtotal - discounts + tax + shipping
    refunded = total if chance.random() < 0.04 else 0
    sums = {
        "subtotalPriceSet": subtotal - discounts, "totalDiscountsSet": discounts, "totalShippingPriceSet": shipping,
        "totalTaxSet": tax, "originalTotalDutiesSet": None, "originalTotalAdditionalFeesSet": None, "totalTipReceivedSet": 0,
        "totalPriceSet": total, "currentTotalPriceSet": total - refunded, "totalReceivedSet": total, "totalOutstandingSet": 0,
        "totalRefundedSet": refunded, "totalRefundedShippingSet": 0,
    }  # fmt: skip
    quantity = sum(line.document["quantity"] for line in lines)
    order = {
        **_order_facts(chance, number, order_id, at), "presentmentCurrencyCode": currency,
        "displayFinancialStatus": "REFUNDED" if refunded else "PAID", "discountCodes": ["SPRING"] if discounts else [],
        "subtotalLineItemsQuantity": quantity, "currentSubtotalLineItemsQuantity": quantity,
        **{name: None if cents is None else money(cents, rate, currency) for name, cents in sums.items()},
        "fulfillments": [_fulfillment(number, at, len(lines))],
        "refunds": [_refund(number, at + 200_000, money(refunded, rate, currency))] if refunded else [],
    }  # fmt: skip
    return [order, *({**line.document, "__parentId": order_id} for line in lines)]


def _order_facts(chance: random.Random, number: int, order_id: str, at: int) -> dict[str, Any]:
    return {
        "__typename": "Order", "id": order_id, "name": f"#{1000 + number}", "number": 1000 + number,
        "email": f"{chance.choice(WORDS)}.{number % 9000}@example.com", "phone": None, "createdAt": instant(at),
        "processedAt": instant(at), "updatedAt": instant(at + chance.randrange(400_000)), "closedAt": None, "cancelledAt": None,
        "cancelReason": None, "confirmed": True, "edited": False, "test": False,
        "note": None if number % 9 else 'Ring "twice"\nplease', "tags": ["web", "gift"] if number % 5 == 0 else [],
        "customAttributes": [], "sourceName": chance.choice(("web", "web", "web", "pos", "shopify_draft_order")),
        "sourceIdentifier": None, "app": {"id": gid("App", 580111), "name": "Online Store"}, "customerLocale": "en-CA",
        "currencyCode": "CAD", "taxesIncluded": False, "dutiesIncluded": False, "displayFulfillmentStatus": "FULFILLED",
        "returnStatus": "NO_RETURN", "paymentGatewayNames": ["shopify_payments"],
        "customer": {"id": gid("Customer", 7_000_000_000_000 + number % 9000)}, "shippingAddress": _address(chance),
        "billingAddress": {"countryCodeV2": "CA", "provinceCode": "ON", "city": "Toronto", "zip": "M5V 1L9"},
        "shippingLine": {"title": "Standard", "code": "standard", "source": "shopify"},
    }  # fmt: skip


class Line(msgspec.Struct):
    """A line item, and what it adds to its order."""

    document: dict[str, Any]
    cents: int
    discount: int


def _line(chance: random.Random, number: int, place: int, rate: float, currency: str) -> Line:
    variant = chance.randrange(PRODUCTS * VARIANTS)
    product, cents, quantity = variant // VARIANTS, 500 + variant * 37 % 20_000, chance.choice((1, 1, 1, 2, 3))
    discount = cents * quantity // 10 if number % 4 == 0 else 0

    def bag(value: int) -> dict[str, Any]:
        return money(value, rate, currency)

    application = {"__typename": "DiscountCodeApplication", "index": 0, "targetType": "LINE_ITEM", "allocationMethod": "ACROSS"}
    document = {
        "__typename": "LineItem", "id": gid("LineItem", 12_000_000_000_000 + number * 16 + place), "title": _title(product),
        "variantTitle": f"Size {variant % VARIANTS}", "sku": f"SKU-{product:05}-{variant % VARIANTS}",
        "vendor": _title(product % 40)[:-2], "quantity": quantity, "currentQuantity": quantity, "requiresShipping": True,
        "taxable": True, "isGiftCard": False, "product": {"id": gid("Product", 8_000_000_000_000 + product)},
        "variant": {"id": gid("ProductVariant", 44_000_000_000_000 + variant)}, "customAttributes": [],
        "originalUnitPriceSet": bag(cents),
        "discountAllocations": [{"allocatedAmountSet": bag(discount), "discountApplication": application}] if discount else [],
        "taxLines": [{"title": "HST", "rate": 0.13, "priceSet": bag((cents * quantity - discount) * 13 // 100)}],
    }  # fmt: skip
    return Line(document, cents * quantity, discount)


def _fulfillment(number: int, at: int, quantity: int) -> dict[str, Any]:
    tracking = {"company": "Canada Post", "number": f"CP{number:012}", "url": f"https://example.com/track/{number:012}"}
    return {
        "id": gid("Fulfillment", 4_800_000_000_000 + number), "name": f"#{1000 + number}-F1", "status": "SUCCESS",
        "displayStatus": "DELIVERED", "createdAt": instant(at + 40_000), "updatedAt": instant(at + 90_000),
        "deliveredAt": instant(at + 90_000), "totalQuantity": quantity, "location": {"id": gid("Location", 70_000_000_001)},
        "trackingInfo": [tracking],
    }  # fmt: skip


def _refund(number: int, at: int, amount: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": gid("Refund", 900_000_000_000 + number), "note": None, "createdAt": instant(at), "processedAt": instant(at),
        "updatedAt": instant(at), "totalRefundedSet": amount,
    }  # fmt: skip


def product_family(number: int) -> list[dict[str, Any]]:
    """Make a product, a metafield of it, and its variants."""
    chance = random.Random(-number - 1)
    product_id, title = gid("Product", 8_000_000_000_000 + number), _title(number)
    prices = [500 + (number * VARIANTS + place) * 37 % 20_000 for place in range(VARIANTS)]
    least, most = ({"amount": _amount(cents), "currencyCode": "CAD"} for cents in (min(prices), max(prices)))
    sentence = f"<p>The {title} is made of {chance.choice(WORDS)} & {chance.choice(WORDS)}.</p>\n"
    image = {"url": f"https://cdn.example.com/s/files/1/products/{number}.jpg?v=1", "width": 2048, "height": 2048}
    sizes = [f"Size {place}" for place in range(VARIANTS)]
    product = {
        "__typename": "Product", "id": product_id, "title": title, "handle": title.lower().replace(" ", "-"),
        "descriptionHtml": sentence * chance.choice((3, 6, 12)), "vendor": _title(number % 40)[:-2],
        "productType": WORDS[number % 16], "category": None, "status": "ACTIVE",
        "tags": sorted({chance.choice(WORDS) for _ in range(3)}), "templateSuffix": None, "isGiftCard": False,
        "createdAt": instant(number), "updatedAt": instant(number + chance.randrange(10_000_000)),
        "publishedAt": instant(number), "totalInventory": 70, "tracksInventory": True, "hasOnlyDefaultVariant": False,
        "variantsCount": {"count": VARIANTS},
        "options": [{"id": gid("ProductOption", number), "name": "Size", "position": 1, "values": sizes}],
        "priceRangeV2": {"minVariantPrice": least, "maxVariantPrice": most},
        "featuredMedia": {"id": gid("MediaImage", number), "alt": title, "preview": {"image": image}},
        "seo": {"title": None, "description": None},
    }  # fmt: skip
    metafield = {
        "__typename": "Metafield", "id": gid("Metafield", 30_000_000_000_000 + number), "ownerType": "PRODUCT",
        "namespace": "custom", "key": "care", "type": "multi_line_text_field",
        "value": f"Wash at {30 + number % 30}°\nDo not bleach", "createdAt": instant(number), "updatedAt": instant(number),
        "__parentId": product_id,
    }  # fmt: skip
    return [product, metafield, *(_variant(number, place, product_id, prices[place]) for place in range(VARIANTS))]


def _variant(number: int, place: int, product_id: str, cents: int) -> dict[str, Any]:
    variant = number * VARIANTS + place
    item = {
        "id": gid("InventoryItem", 46_000_000_000_000 + variant), "tracked": True, "requiresShipping": True,
        "measurement": {"weight": {"value": 0.5, "unit": "KILOGRAMS"}},
    }  # fmt: skip
    return {
        "__typename": "ProductVariant", "id": gid("ProductVariant", 44_000_000_000_000 + variant), "title": f"Size {place}",
        "sku": f"SKU-{number:05}-{place}", "barcode": f"{4_000_000_000_000 + variant}", "position": place + 1,
        "price": f"{cents // 100}.{cents % 100:02}", "compareAtPrice": None, "inventoryPolicy": "DENY",
        "inventoryQuantity": variant % 20, "availableForSale": True, "taxable": True, "createdAt": instant(number),
        "updatedAt": instant(number + variant % 9_000_000), "selectedOptions": [{"name": "Size", "value": f"Size {place}"}],
        "inventoryItem": item, "__parentId": product_id,
    }  # fmt: skip


def lines(family: Family, first: int = 0) -> Iterator[bytes]:
    """Yield one family after the other, each as the text of its lines."""
    for number in count(first):
        yield b"".join(_encode(one).replace(b"/", b"\\/") + b"\n" for one in family(number))


def write_file(path: Path, family: Family, size_bytes: int) -> tuple[int, int]:
    """Write families until the file has that size; returns the counts of objects and of roots."""
    objects = roots = size = 0
    with path.open("wb") as file:
        for text in lines(family):
            file.write(text)
            size += len(text)
            objects += text.count(b"\n")
            roots += 1
            if size >= size_bytes:
                return objects, roots
    raise AssertionError("there is always another family")
