"""Fields of draft orders, of calculated ones, and of their lines and discounts."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fake_shopify.admin import draft_order_rows as drafts
from fake_shopify.admin.order_create import GRAMS
from fake_shopify.admin.order_fields import same_address
from fake_shopify.admin.order_lines import line_page
from fake_shopify.admin.order_money import ZERO, Pair, bag, portion, text
from fake_shopify.admin.payment_terms import terms_of
from fake_shopify.context import Context
from fake_shopify.money import money
from fake_shopify.paging import Connection, by_id, encode_cursor
from fake_shopify.registry import field
from fake_shopify.rows import Row

Total = Callable[[Row], Pair]
DRAFTS = ("DraftOrder", "CalculatedDraftOrder")
LINES = (drafts.LINE_TYPE, "CalculatedDraftOrderLineItem")


def _nothing(row: Row) -> Pair:
    return ZERO


def due_now(draft: Row) -> Pair:
    """Return what is due at once: nothing with payment terms (source: amountDueNowSet; read 2026-11)."""
    return ZERO if draft.get("_payment_terms_id") else drafts.total(draft)


def due_later(draft: Row) -> Pair:
    """Return what is due later: everything with payment terms."""
    return drafts.total(draft) if draft.get("_payment_terms_id") else ZERO


SETS: dict[str, Total] = {
    "amountDueLaterSet": due_later,
    "amountDueNowSet": due_now,
    "lineItemsSubtotalPrice": drafts.lines_net,
    "subtotalPriceSet": drafts.subtotal,
    "totalDiscountsSet": drafts.discounts,
    "totalLineItemsPriceSet": drafts.lines_original,
    "totalPriceSet": drafts.total,
    "totalShippingPriceSet": drafts.shipping,
    "totalTaxSet": _nothing,
}
SCALARS = {
    "subtotalPrice": "subtotalPriceSet",
    "totalPrice": "totalPriceSet",
    "totalShippingPrice": "totalShippingPriceSet",
    "totalTax": "totalTaxSet",
}
LINE_SETS: dict[str, Total] = {
    "approximateDiscountedUnitPriceSet": lambda line: portion(drafts.line_net(line), 1, line["quantity"]),
    "discountedTotalSet": drafts.line_net,
    "discountedUnitPriceSet": lambda line: portion(drafts.line_net(line), 1, line["quantity"]),
    "originalTotalSet": drafts.line_original,
    "originalUnitPriceSet": lambda line: line["_price"],
    "totalDiscountSet": drafts.line_discount,
}
LINE_TWINS = {
    "discountedTotal": "discountedTotalSet",
    "discountedUnitPrice": "discountedUnitPriceSet",
    "originalTotal": "originalTotalSet",
    "originalUnitPrice": "originalUnitPriceSet",
    "totalDiscount": "totalDiscountSet",
}


def _bag_of(total: Total) -> Callable[[Row, Context], dict[str, Any]]:
    return lambda row, ctx: bag(total(row), row.get("_draft") or row)


def _text_of(total: Total) -> Callable[[Row, Context], str]:
    return lambda row, ctx: text(total(row))


def _money_of(total: Total) -> Callable[[Row, Context], dict[str, Any]]:
    return lambda row, ctx: money(total(row)[0], row["_draft"]["currencyCode"])


for _type in DRAFTS:
    for _name, _total in SETS.items():
        field(_type, _name)(_bag_of(_total))
    for _name, _twin in SCALARS.items():
        field(_type, _name)(_text_of(SETS[_twin]))
for _type in LINES:
    for _name, _total in LINE_SETS.items():
        field(_type, _name)(_bag_of(_total))
for _name, _twin in LINE_TWINS.items():
    field(LINES[0], _name)(_text_of(LINE_SETS[_twin]))
    field(LINES[1], _name)(_money_of(LINE_SETS[_twin]))


# Draft orders


def _customer(row: Row, ctx: Context) -> Row | None:
    number = row["_customer_id"]
    return ctx.table("Customer").get(number) if number is not None else None


def _purchasing_entity(row: Row, ctx: Context) -> Any:
    return row.get("_company") or _customer(row, ctx)


def _discount(row: Row, ctx: Context) -> dict[str, Any] | None:
    return drafts.discount_view(row, row["_discount"], drafts.order_discount(row))


def _shipping_line(row: Row, ctx: Context) -> Row | None:
    return row["_shipping"][0] if row["_shipping"] else None


def _quantity(row: Row, ctx: Context) -> int:
    return sum(int(line["quantity"]) for line in row["_lines"])


def _match(row: Row, ctx: Context) -> bool:
    return same_address(row.get("billingAddress"), row.get("shippingAddress"))


def _no_list(row: Row, ctx: Context) -> list[Any]:
    return []


def _market(row: Row, ctx: Context) -> str:
    return str(row.get("marketRegionCountryCode") or ctx.shop.settings["country"])


for _type in DRAFTS:
    field(_type, "customer")(_customer)
    field(_type, "purchasingEntity")(_purchasing_entity)
    field(_type, "appliedDiscount")(_discount)
    field(_type, "shippingLine")(_shipping_line)
    field(_type, "totalQuantityOfLineItems")(_quantity)
    field(_type, "billingAddressMatchesShippingAddress")(_match)
    field(_type, "taxLines", "platformDiscounts", "warnings")(_no_list)
    field(_type, "marketName", "marketRegionCountryCode")(_market)


@field("CalculatedDraftOrder", "lineItems")
def _calculated_lines(row: Row, ctx: Context) -> list[Row]:
    return list(row["_lines"])


@field("CalculatedDraftOrder", "availableShippingRates", "alerts")
def _nothing_available(row: Row, ctx: Context) -> list[Any]:
    return []


@field("DraftOrder", "lineItems")
def _lines(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return line_page(row["_lines"], arguments)


@field("DraftOrder", "order")
def _order(row: Row, ctx: Context) -> Row | None:
    number = row.get("_order_id")
    return ctx.table("Order").get(number) if number is not None else None


@field("DraftOrder", "paymentTerms")
def _payment_terms(row: Row, ctx: Context) -> Row | None:
    return terms_of(ctx.table("PaymentTerms"), row)


@field("DraftOrder", "legacyResourceId")
def _legacy(row: Row, ctx: Context) -> str:
    return str(row.number)


@field("DraftOrder", "defaultCursor")
def _cursor(row: Row, ctx: Context) -> str:
    return encode_cursor(row, by_id(row))


@field("DraftOrder", "ready")
def _ready(row: Row, ctx: Context) -> bool:
    return True


@field("DraftOrder", "totalWeight")
def _weight(row: Row, ctx: Context) -> str:
    grams = sum(_line_grams(line) * line["quantity"] for line in row["_lines"])
    return str(int(grams))


def _line_grams(line: Row) -> Decimal:
    value = line.get("_weight")
    return Decimal(str(value[0])) * GRAMS[value[1]] if value else Decimal(0)


@field("DraftOrder", "invoiceEmailTemplateSubject")
def _subject(row: Row, ctx: Context) -> str:
    return "Complete your purchase"


# Lines


def _name_of_line(row: Row, ctx: Context) -> str:
    return " - ".join(part for part in (row["title"], row["variantTitle"]) if part)


def _variant(row: Row, ctx: Context) -> Row | None:
    return ctx.table("ProductVariant").get(row["_variant_id"]) if row["_variant_id"] is not None else None


def _product(row: Row, ctx: Context) -> Row | None:
    return ctx.table("Product").get(row["_product_id"]) if row["_product_id"] is not None else None


def _line_weight(row: Row, ctx: Context) -> dict[str, Any] | None:
    value = row.get("_weight")
    return {"__typename": "Weight", "value": value[0], "unit": value[1]} if value else None


def _line_discount(row: Row, ctx: Context) -> dict[str, Any] | None:
    return drafts.discount_view(row["_draft"], row["_discount"], drafts.line_discount(row))


for _type in LINES:
    field(_type, "name")(_name_of_line)
    field(_type, "variant")(_variant)
    field(_type, "product")(_product)
    field(_type, "weight")(_line_weight)
    field(_type, "appliedDiscount")(_line_discount)


@field("DraftOrderLineItem", "grams")
def _grams(row: Row, ctx: Context) -> int:
    return int(_line_grams(row))


# Discounts


@field("DraftOrderAppliedDiscount", "amountSet")
def _amount_set(row: dict[str, Any], ctx: Context) -> dict[str, Any]:
    return bag(row["_taken"], row["_draft"])


@field("DraftOrderAppliedDiscount", "amount")
def _amount(row: dict[str, Any], ctx: Context) -> str:
    return text(row["_taken"])


@field("DraftOrderAppliedDiscount", "amountV2")
def _amount_v2(row: dict[str, Any], ctx: Context) -> dict[str, Any]:
    return money(row["_taken"][0], row["_draft"]["currencyCode"])
