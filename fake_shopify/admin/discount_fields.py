"""What a discount shows: the fields of the eight types of discount, of their nodes, and of the parts they are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fake_shopify.admin import discount_rows as rows
from fake_shopify.admin.app_access import app_row, own_app
from fake_shopify.admin.discount_summaries import benefit, summary
from fake_shopify.admin.saved_searches import with_saved
from fake_shopify.context import Context
from fake_shopify.money import decimal_text, money
from fake_shopify.paging import Connection, SortKey, page, text
from fake_shopify.registry import field
from fake_shopify.rows import Row
from fake_shopify.search import Field, exact, identifier, moment, number, words
from fake_shopify.world import gid

Shown = dict[str, Any]
WITH_ITEMS = tuple(kind for kind in rows.KINDS if kind.endswith(("Basic", "Bxgy")))
WITH_MINIMUM = tuple(kind for kind in rows.KINDS if kind.endswith(("Basic", "FreeShipping")))
SHIPPING = tuple(kind for kind in rows.KINDS if kind.endswith("FreeShipping"))
CODE_FIELDS: dict[str, Field] = {
    "default": words("code"),
    "id": identifier(),
    "code": exact("code"),
    "times_used": number("asyncUsageCount"),
    "created_at": moment("createdAt"),
}
"""Source: shopify.dev/docs/api/admin-graphql/latest/objects/DiscountCodeBasic (codes, read 2026-11)."""
CODE_SORTS: dict[str, SortKey] = {"CODE": text("code")}


def view(row: Row) -> Row:
    """Show a node's discount as an object of its own type."""
    return Row(row, __typename=row["_kind"])


@field("DiscountCodeNode", "codeDiscount")
@field("DiscountAutomaticNode", "automaticDiscount")
@field("DiscountNode", "discount")
def _discount(row: Row, ctx: Context) -> Row:
    return view(row)


def discount_node(row: Row) -> Row:
    """Show a discount as a `DiscountNode`: the id stays that of its own node (captured: discounts-045)."""
    return Row(row, __typename="DiscountNode")


# What all discounts have


def _status(row: Row, ctx: Context) -> str:
    return rows.status(row, ctx.world.clock.now())


def _classes(row: Row, ctx: Context) -> list[str]:
    return rows.classes(row)


def _class(row: Row, ctx: Context) -> str:
    return rows.classes(row)[0]


def _combines(row: Row, ctx: Context) -> Shown:
    flags = row["_combines"]
    shown = {name: flags[name] for name in ("orderDiscounts", "productDiscounts", "shippingDiscounts")}
    return shown | {"__typename": "DiscountCombinesWith", "productDiscountsWithTagsOnSameCartLine": flags["tags"]}


def _context(row: Row, ctx: Context) -> Shown:
    kind = row["_context"]["kind"]
    if kind == "all":
        return {"__typename": "DiscountBuyerSelectionAll", "all": "ALL"}
    return _buyers(row, ctx, kind)


def _selection(row: Row, ctx: Context) -> Shown:
    """Show the older form of the context; markets it does not know (assumed)."""
    kind = row["_context"]["kind"]
    if kind == "all":
        return {"__typename": "DiscountCustomerAll", "allCustomers": True}
    if kind == "markets":
        return {"__typename": "DiscountCustomerSelectionUnknown", "customerSelectionType": "MARKETS"}
    return _buyers(row, ctx, kind)


def _buyers(row: Row, ctx: Context, kind: str) -> Shown:
    table = {"customers": "Customer", "customerSegments": "Segment", "markets": "Market"}[kind]
    found = there(ctx, table, row["_context"]["ids"])
    if kind == "customers":
        return {"__typename": "DiscountCustomers", "customers": found}
    if kind == "customerSegments":
        return {"__typename": "DiscountCustomerSegments", "segments": found}
    return {
        "__typename": "DiscountMarkets",
        "markets": lambda ctx, **arguments: page(found, arguments),
        "marketsCount": len(found),
    }


def there(ctx: Context, type_name: str, numbers: Iterable[int]) -> list[Row]:
    """Return the rows behind numbers; what was deleted since is gone (captured: discounts-045)."""
    return [row for row in map(ctx.table(type_name).get, numbers) if row is not None]


def _usage(row: Row, ctx: Context) -> int:
    return int(row["asyncUsageCount"])


def _one_time(row: Row, ctx: Context) -> bool:
    return bool(row["_one_time"])


def _subscription(row: Row, ctx: Context) -> bool:
    return bool(row["_subscription"])


for _kind in rows.KINDS:
    field(_kind, "status")(_status)
    field(_kind, "discountClasses")(_classes)
    field(_kind, "discountClass")(_class)
    field(_kind, "combinesWith")(_combines)
    field(_kind, "context")(_context)
    if not _kind.endswith(("App", "Bxgy")):
        field(_kind, "shortSummary")(lambda row, ctx: benefit(ctx.shop, row))
    if not _kind.endswith("App"):
        field(_kind, "summary")(lambda row, ctx: summary(ctx.shop, row))
    if _kind in ("DiscountAutomaticBasic", "DiscountAutomaticBxgy"):
        field(_kind, "usageCount")(_usage)
    if _kind.endswith(("App", "FreeShipping")):
        field(_kind, "appliesOnOneTimePurchase")(_one_time)
        field(_kind, "appliesOnSubscription")(_subscription)


@field("DiscountAutomaticBxgy", "id")
def _bxgy_id(row: Row, ctx: Context) -> str:
    return gid("DiscountAutomaticBxgy", row.number)


# Values, items, minimum, destination


def _amount(ctx: Context, value: Shown) -> Shown:
    return {
        "__typename": "DiscountAmount",
        "amount": money(value["amount"], ctx.shop.settings["currency"]),
        "appliesOnEachItem": value["each"],
    }


def _effect(ctx: Context, value: Shown) -> Shown:
    if "percentage" in value:
        return {"__typename": "DiscountPercentage", "percentage": value["percentage"]}
    return _amount(ctx, value)


def _value(ctx: Context, row: Row) -> Shown:
    value = row["_value"]
    if not row["_kind"].endswith("Bxgy"):
        return _effect(ctx, value)
    quantity = {"__typename": "DiscountQuantity", "quantity": str(value["quantity"])}
    return {"__typename": "DiscountOnQuantity", "quantity": quantity, "effect": _effect(ctx, value)}


def _items(items: Shown) -> Shown:
    if items.get("all"):
        return {"__typename": "AllDiscountItems", "allItems": True}
    if "collections" in items:
        return {"__typename": "DiscountCollections", "collections": _paged("Collection", items["collections"])}
    return {
        "__typename": "DiscountProducts",
        "products": _paged("Product", items.get("products", ())),
        "productVariants": _paged("ProductVariant", items.get("variants", ())),
    }


def _paged(type_name: str, numbers: Iterable[int]) -> Any:
    """Page what is entitled by id; the cursor shows it as a number (captured: discounts-037, 045)."""
    return lambda ctx, **arguments: page(there(ctx, type_name, numbers), arguments, key=lambda row: row.number)


def _gets(row: Row, ctx: Context) -> Shown:
    return {
        "__typename": "DiscountCustomerGets",
        "appliesOnOneTimePurchase": row["_one_time"],
        "appliesOnSubscription": row["_subscription"],
        "items": _items(row["_items"]),
        "value": _value(ctx, row),
    }


def _buys(row: Row, ctx: Context) -> Shown:
    buys = row["_buys"]
    value: Shown = {"__typename": "DiscountPurchaseAmount", "amount": decimal_text(buys.get("amount"))}
    if "quantity" in buys:
        value = {"__typename": "DiscountQuantity", "quantity": str(buys["quantity"])}
    return {
        "__typename": "DiscountCustomerBuys",
        "isOneTimePurchase": True,
        "isSubscription": False,
        "items": _items(row["_buys_items"]),
        "value": value,
    }


def _minimum(row: Row, ctx: Context) -> Shown | None:
    minimum = row["_minimum"]
    if minimum is None:
        return None
    if "quantity" in minimum:
        return {"__typename": "DiscountMinimumQuantity", "greaterThanOrEqualToQuantity": str(minimum["quantity"])}
    least = money(minimum["subtotal"], ctx.shop.settings["currency"])
    return {"__typename": "DiscountMinimumSubtotal", "greaterThanOrEqualToSubtotal": least}


def _destination(row: Row, ctx: Context) -> Shown:
    destination = row["_destination"]
    if destination.get("all"):
        return {"__typename": "DiscountCountryAll", "allCountries": True}
    return {
        "__typename": "DiscountCountries",
        "countries": destination["countries"],
        "includeRestOfWorld": destination["rest"],
    }


def _shipping_price(row: Row, ctx: Context) -> Shown | None:
    price = row["_maximum_shipping"]
    return None if price is None else money(price, ctx.shop.settings["currency"])


for _kind in WITH_ITEMS:
    field(_kind, "customerGets")(_gets)
    if _kind.endswith("Bxgy"):
        field(_kind, "customerBuys")(_buys)
for _kind in WITH_MINIMUM:
    field(_kind, "minimumRequirement")(_minimum)
for _kind in SHIPPING:
    field(_kind, "destinationSelection")(_destination)
    field(_kind, "maximumShippingPrice")(_shipping_price)


# Codes


def _codes(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return ctx.list(rows.codes_of(ctx.shop, row), with_saved(ctx, arguments), fields=CODE_FIELDS, sorts=CODE_SORTS)


def _codes_count(row: Row, ctx: Context) -> Shown:
    return {"__typename": "Count", "count": len(row["_code_ids"]), "precision": "EXACT"}


def _sales(row: Row, ctx: Context) -> Shown:
    """Show the sales made with a discount. Assumed: none, orders of the fake are not credited to a discount."""
    return money(0, ctx.shop.settings["currency"])


def _links(row: Row, ctx: Context) -> list[Shown]:
    """Show the link that applies the first code. Source: objects/DiscountShareableUrl (read 2026-11); captured nowhere."""
    code = next(iter(rows.codes_of(ctx.shop, row)), None)
    if code is None:
        return []
    link = f"https://{ctx.shop.domain}/discount/{code['code']}"
    shown = {"targetItemImage": None, "targetType": "HOME", "title": "Home page", "url": link}
    return [{"__typename": "DiscountShareableUrl"} | shown]


for _kind in rows.CODE_KINDS:
    field(_kind, "codes")(_codes)
    field(_kind, "codesCount")(_codes_count)
    field(_kind, "customerSelection")(_selection)
    field(_kind, "shareableUrls")(_links)
for _kind in (*rows.CODE_KINDS, "DiscountAutomaticFreeShipping"):
    field(_kind, "totalSales")(_sales)


@field("DiscountRedeemCode", "createdBy")
def _created_by(row: Row, ctx: Context) -> Shown:
    return app_row(ctx, own_app(ctx))


# Events


def _events(row: Row, ctx: Context, **arguments: Any) -> Connection:
    """Show that the discount was created (captured: pagination_search-047). Assumed: by the calling app; later events are not
    kept."""
    event = Row(
        __typename="BasicEvent",
        _id=row.number,
        id=gid("BasicEvent", row.number),
        action="create",
        message=f"{own_app(ctx).name} created this discount.",
        appTitle=own_app(ctx).name,
        attributeToApp=True,
        createdAt=row["createdAt"],
        subjectId=gid("PriceRule", row.number),
        subjectType="PRICE_RULE",
    )
    return page([event], arguments)


for _kind in (*rows.NODES, "DiscountNode"):
    field(_kind, "events")(_events)
