"""How a draft order is made from input, and what it comes to: lines with discounts of their own, a discount on the whole, shipping.

Captured: real_objects (a draft with a percentage off one line, a fixed amount off the whole and a courier: 40.00 − 4.00 +
949.95 − 5.00 + 7.25). A draft is not taxed (assumed: the shop collects no taxes on drafts).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fake_shopify.admin.order_create import attributes, order_address, variant_values
from fake_shopify.admin.order_money import ZERO, Pair, add, at_most, pair, portion, subtract, sum_of, times
from fake_shopify.context import Context
from fake_shopify.money import amount
from fake_shopify.rows import Row
from fake_shopify.world import gid

Given = Mapping[str, Any]
LINE_TYPE = "DraftOrderLineItem"


def new_line(ctx: Context, draft: Row, given: Given) -> Row:
    """Make a line from `DraftOrderLineItemInput`; a variant brings its own title and price.

    Captured: a variant without sku shows an empty one, a custom line without sku null (real_objects, pagination_search-016).
    """
    variant = ctx.find("ProductVariant", given.get("variantId"))
    known = variant_values(ctx, variant)
    line = Row(
        __typename=LINE_TYPE,
        _id=(number := ctx.shop.new_id(LINE_TYPE)),
        id=gid(LINE_TYPE, number),
        uuid=given.get("uuid") or f"{number:032x}",
        quantity=given["quantity"],
        custom=variant is None,
        isGiftCard=False,
        customAttributes=attributes(given.get("customAttributes")),
        appliedDiscount=None,
        _draft=draft,
        _price=_unit_price(known, given),
        _discount=given.get("appliedDiscount"),
        **{name: value for name, value in known.items() if name not in ("price", "requiresShipping", "taxable")},
    )
    for name, default in (("requiresShipping", True), ("taxable", True)):
        own = known[name] if variant is not None else default
        line[name] = given[name] if variant is None and given.get(name) is not None else own
    if variant is None:
        line.update(title=given.get("title"), sku=given.get("sku"))
        _weigh(line, given)
    else:
        line["sku"] = line["sku"] or ""
    return line


def _weigh(line: Row, given: Given) -> None:
    if given.get("weight"):
        line["_weight"] = (float(given["weight"]["value"]), given["weight"]["unit"])
    elif given.get("grams") is not None:
        line["_weight"] = (float(given["grams"]), "GRAMS")


def _unit_price(known: Given, given: Given) -> Pair:
    override = given.get("priceOverride")
    if override:
        return pair(override["amount"])
    if known["price"] is not None:
        return pair(known["price"])
    with_currency = given.get("originalUnitPriceWithCurrency")
    return pair(with_currency["amount"] if with_currency else given.get("originalUnitPrice"))


def fill(ctx: Context, draft: Row, given: Given) -> None:
    """Take over what an input says; what it does not mention stays."""
    plain = {
        "tags",
        "note",
        "email",
        "phone",
        "lineItems",
        "shippingLine",
        "customerId",
        "purchasingEntity",
        "metafields",
        "paymentTerms",
    }
    for name, value in given.items():
        if name in ("shippingAddress", "billingAddress"):
            draft[name] = order_address(ctx, value)
        elif name == "customAttributes":
            draft[name] = attributes(value)
        elif name == "appliedDiscount":
            draft["_discount"] = value
        elif name not in plain:
            draft[name] = value
    if given.get("presentmentCurrencyCode"):
        draft["presentmentCurrencyCode"] = given["presentmentCurrencyCode"]
    if "lineItems" in given:
        draft["_lines"] = [new_line(ctx, draft, one) for one in given["lineItems"] or ()]
    if "shippingLine" in given:
        draft["_shipping"] = _shipping_line(ctx, draft, given["shippingLine"])


def _shipping_line(ctx: Context, draft: Row, given: Given | None) -> list[Row]:
    """Make the shipping line (captured: code `custom`, custom true; real_objects)."""
    if not given:
        return []
    with_currency = given.get("priceWithCurrency")
    price = pair(with_currency["amount"] if with_currency else given.get("price"))
    number = ctx.shop.new_id("ShippingLine")
    return [
        Row(
            __typename="ShippingLine",
            _id=number,
            id=gid("ShippingLine", number),
            title=given.get("title") or "Custom",
            code="custom",
            custom=True,
            source="custom",
            shippingRateHandle=given.get("shippingRateHandle"),
            _price=price,
            _taxes=(),
            _allocations=(),
            _order=draft,
        )
    ]


# What it comes to


def line_original(line: Row) -> Pair:
    """Return unit price times quantity."""
    return times(line["_price"], line["quantity"])


def line_discount(line: Row) -> Pair:
    """Return what the line's own discount takes off.

    Assumed: a fixed amount counts per unit.
    """
    return _taken_off(line["_discount"], line_original(line), line["quantity"])


def _taken_off(discount: Given | None, whole: Pair, count: int) -> Pair:
    if not discount:
        return ZERO
    value = Decimal(str(discount["value"]))
    if discount["valueType"] == "PERCENTAGE":
        return at_most(portion(whole, value, 100), whole)
    return at_most(times(pair(value), count), whole)


def line_net(line: Row) -> Pair:
    """Return a line after its own discount."""
    return subtract(line_original(line), line_discount(line))


def lines_original(draft: Row) -> Pair:
    """Return all lines before discounts."""
    return sum_of(line_original(line) for line in draft["_lines"])


def lines_net(draft: Row) -> Pair:
    """Return all lines after their own discounts."""
    return sum_of(line_net(line) for line in draft["_lines"])


def order_discount(draft: Row) -> Pair:
    """Return what the discount on the whole takes off."""
    return _taken_off(draft["_discount"], lines_net(draft), 1)


def discounts(draft: Row) -> Pair:
    """Return all discounts."""
    return add(sum_of(line_discount(line) for line in draft["_lines"]), order_discount(draft))


def subtotal(draft: Row) -> Pair:
    """Return lines after all discounts."""
    return subtract(lines_net(draft), order_discount(draft))


def shipping(draft: Row) -> Pair:
    """Return the shipping."""
    return sum_of(one["_price"] for one in draft["_shipping"])


def total(draft: Row) -> Pair:
    """Return what the customer pays."""
    return add(subtotal(draft), shipping(draft))


def discount_view(draft: Row, given: Given | None, taken: Pair) -> dict[str, Any] | None:
    """Write an applied discount."""
    if not given:
        return None
    return {
        "__typename": "DraftOrderAppliedDiscount",
        "title": given.get("title"),
        "description": given.get("description") or "",
        "value": float(amount(given["value"])),
        "valueType": given["valueType"],
        "_taken": taken,
        "_draft": draft,
    }
