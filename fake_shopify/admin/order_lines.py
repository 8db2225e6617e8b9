"""Fields of what an order consists of: line items, shipping lines, tax lines and discounts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.fulfillment_state import fulfillable_quantity, fulfilled_quantity
from fake_shopify.admin.order_money import Pair, add, bag, portion, subtract, sum_of, text, times
from fake_shopify.context import Context
from fake_shopify.money import money
from fake_shopify.paging import Connection, page_of_list
from fake_shopify.registry import field
from fake_shopify.rows import Row

Amount = Callable[[Row], Pair]
LINE_LEVEL = ("line",)
LINE_AND_CODE = ("line", "code")


def line_page(rows: Sequence[Row], arguments: dict[str, Any]) -> Connection:
    """Page lines in the order in which they stand."""
    return page_of_list(rows, arguments)


# Amounts of a line


def unfulfilled_quantity(line: Row) -> int:
    """Return the units that are part of the order and not shipped."""
    return max(0, totals.current_quantity(line) - fulfilled_quantity(line))


def _discounted(line: Row, levels: tuple[str, ...] = LINE_LEVEL) -> Pair:
    return subtract(totals.line_original(line), totals.line_discounts(line, *levels))


LINE_SETS: dict[str, Amount] = {
    "originalUnitPriceSet": lambda line: line["_price"],
    "originalTotalSet": totals.line_original,
    "discountedUnitPriceSet": lambda line: portion(_discounted(line), 1, line["quantity"]),
    "discountedUnitPriceAfterAllDiscountsSet": lambda line: portion(totals.line_net(line), 1, line["quantity"]),
    "totalDiscountSet": lambda line: totals.line_discounts(line, "line"),
    "unfulfilledOriginalTotalSet": lambda line: times(line["_price"], unfulfilled_quantity(line)),
    "unfulfilledDiscountedTotalSet": lambda line: portion(_discounted(line), unfulfilled_quantity(line), line["quantity"]),
}
LINE_SCALARS = {
    "originalUnitPrice": "originalUnitPriceSet",
    "originalTotal": "originalTotalSet",
    "discountedUnitPrice": "discountedUnitPriceSet",
    "totalDiscount": "totalDiscountSet",
    "unfulfilledOriginalTotal": "unfulfilledOriginalTotalSet",
    "unfulfilledDiscountedTotal": "unfulfilledDiscountedTotalSet",
}


def _bag_of(amount: Amount) -> Callable[[Row, Context], dict[str, Any]]:
    return lambda row, ctx: bag(amount(row), row["_order"])


def _text_of(amount: Amount) -> Callable[[Row, Context], str]:
    return lambda row, ctx: text(amount(row))


for _name, _amount in LINE_SETS.items():
    field("LineItem", _name)(_bag_of(_amount))
for _name, _twin in LINE_SCALARS.items():
    field("LineItem", _name)(_text_of(LINE_SETS[_twin]))


@field("LineItem", "discountedTotalSet")
def _discounted_total(row: Row, ctx: Context, withCodeDiscounts: bool = False) -> dict[str, Any]:
    return bag(_discounted(row, LINE_AND_CODE if withCodeDiscounts else LINE_LEVEL), row["_order"])


@field("LineItem", "discountedTotal")
def _discounted_total_scalar(row: Row, ctx: Context) -> str:
    return text(_discounted(row))


@field("LineItem", "priceAfterAllDiscountsBeforeTaxesSet")
def _before_taxes(row: Row, ctx: Context) -> dict[str, Any]:
    quantity = totals.current_quantity(row)
    net = totals.line_net(row, quantity)
    if row["_order"]["taxesIncluded"]:
        net = subtract(net, totals.line_tax(row, quantity))
    return bag(net, row["_order"])


# Quantities and texts of a line


@field("LineItem", "name")
def _name_of_line(row: Row, ctx: Context) -> str:
    """Answer title and variant title (captured: the title alone without one, orders-014)."""
    return " - ".join(part for part in (row["title"], row["variantTitle"]) if part)


@field("LineItem", "currentQuantity")
def _current_quantity(row: Row, ctx: Context) -> int:
    return totals.current_quantity(row)


@field("LineItem", "refundableQuantity")
def _refundable_quantity(row: Row, ctx: Context) -> int:
    return refundable_quantity(row)


def refundable_quantity(line: Row) -> int:
    """Return the units that no refund has touched."""
    return int(line["quantity"]) - totals.refunded_quantity(line)


@field("LineItem", "fulfillableQuantity")
def _fulfillable_quantity(row: Row, ctx: Context) -> int:
    return fulfillable_quantity(row)


@field("LineItem", "unfulfilledQuantity")
def _unfulfilled_quantity(row: Row, ctx: Context) -> int:
    return unfulfilled_quantity(row)


@field("LineItem", "nonFulfillableQuantity")
def _non_fulfillable_quantity(row: Row, ctx: Context) -> int:
    return totals.removed_quantity(row)


@field("LineItem", "fulfillmentStatus")
def _fulfillment_status(row: Row, ctx: Context) -> str:
    done = fulfilled_quantity(row)
    return "fulfilled" if done >= row["quantity"] else "partial" if done else "unfulfilled"


@field("LineItem", "restockable", "canRestock")
def _restockable(row: Row, ctx: Context) -> bool:
    return row["_variant_id"] is not None


@field("LineItem", "merchantEditable")
def _merchant_editable(row: Row, ctx: Context) -> bool:
    return row["_order"]["cancelledAt"] is None


@field("LineItem", "variant")
def _variant(row: Row, ctx: Context) -> Row | None:
    return ctx.table("ProductVariant").get(row["_variant_id"]) if row["_variant_id"] is not None else None


@field("LineItem", "product")
def _product(row: Row, ctx: Context) -> Row | None:
    return ctx.table("Product").get(row["_product_id"]) if row["_product_id"] is not None else None


@field("LineItem", "weight")
def _weight(row: Row, ctx: Context) -> dict[str, Any] | None:
    value = row.get("_weight")
    return {"__typename": "Weight", "value": value[0], "unit": value[1]} if value else None


@field("LineItem", "taxLines")
def _tax_lines(row: Row, ctx: Context, first: int | None = None) -> list[Row]:
    return list(row["_taxes"])[:first]


# Discounts


def _allocations(row: Row) -> list[dict[str, Any]]:
    order = row["_order"]
    return [
        {
            "__typename": "DiscountAllocation",
            "allocatedAmountSet": bag(share, order),
            "allocatedAmount": money(share[1], order["presentmentCurrencyCode"]),
            "discountApplication": order["_discounts"][index],
        }
        for index, share in row["_allocations"]
    ]


@field("LineItem", "discountAllocations")
def _line_allocations(row: Row, ctx: Context) -> list[dict[str, Any]]:
    return _allocations(row)


@field("ShippingLine", "discountAllocations")
def _shipping_allocations(row: Row, ctx: Context) -> list[dict[str, Any]]:
    return _allocations(row)


def _discount_value(row: Row, ctx: Context) -> dict[str, Any]:
    if row.get("_percentage") is not None:
        return {"__typename": "PricingPercentageValue", "percentage": float(row["_percentage"])}
    order = row["_order"]
    return money(row["_amount"][1], order["presentmentCurrencyCode"])


for _kind in ("AutomaticDiscountApplication", "DiscountCodeApplication", "ManualDiscountApplication"):
    field(_kind, "value")(_discount_value)


# Shipping lines


SHIPPING_SETS: dict[str, Amount] = {
    "originalPriceSet": lambda one: one["_price"],
    "discountedPriceSet": totals.shipping_line_net,
    "currentDiscountedPriceSet": lambda one: _current_shipping(one),
}


def _current_shipping(shipping: Row) -> Pair:
    order = shipping["_order"]
    whole, left = totals.shipping_net(order), totals.current_shipping(order)
    net = totals.shipping_line_net(shipping)
    return portion(net, left[0], whole[0]) if whole[0] else net


for _name, _amount in SHIPPING_SETS.items():
    field("ShippingLine", _name)(_bag_of(_amount))


@field("ShippingLine", "originalPrice")
def _original_price(row: Row, ctx: Context) -> dict[str, Any]:
    return money(row["_price"][0], row["_order"]["currencyCode"])


@field("ShippingLine", "discountedPrice")
def _discounted_price(row: Row, ctx: Context) -> dict[str, Any]:
    return money(totals.shipping_line_net(row)[0], row["_order"]["currencyCode"])


@field("ShippingLine", "price")
def _price(row: Row, ctx: Context) -> str:
    return text(row["_price"])


@field("ShippingLine", "taxLines")
def _shipping_taxes(row: Row, ctx: Context) -> list[Row]:
    return list(row["_taxes"])


# Taxes


@field("TaxLine", "priceSet")
def _tax_price_set(row: Row, ctx: Context) -> dict[str, Any]:
    return bag(row["_price"], row["_order"])


@field("TaxLine", "price")
def _tax_price(row: Row, ctx: Context) -> str:
    return text(row["_price"])


@field("TaxLine", "ratePercentage")
def _rate_percentage(row: Row, ctx: Context) -> float:
    return round(float(row["rate"]) * 100, 6)


def merged_taxes(order: Row, *, current: bool) -> list[Row]:
    """Return one tax line per title and rate over lines and shipping, with their sums.

    Source: shopify.dev/docs/api/admin-graphql/latest/objects/Order taxLines, currentTaxLines (read 2026-11).
    """
    sums: dict[tuple[str, float], Row] = {}
    for entry, price in [*_line_taxes(order, current=current), *_shipping_line_taxes(order)]:
        key = (entry["title"], entry["rate"])
        known = sums.get(key)
        sums[key] = Row(entry, _price=price if known is None else add(known["_price"], price))
    return list(sums.values())


def _line_taxes(order: Row, *, current: bool) -> list[tuple[Row, Pair]]:
    found = []
    for line in order["_lines"]:
        count = totals.current_quantity(line) if current else line["quantity"]
        found += [(entry, portion(entry["_price"], count, line["quantity"])) for entry in line["_taxes"]]
    return found


def _shipping_line_taxes(order: Row) -> list[tuple[Row, Pair]]:
    return [(entry, entry["_price"]) for one in order["_shipping"] for entry in one["_taxes"]]


def sum_of_taxes(rows: Sequence[Row]) -> Pair:
    """Add up tax lines."""
    return sum_of(row["_price"] for row in rows)
