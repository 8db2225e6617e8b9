"""`orderCreate`: an order made by an app, with lines, discounts, shipping, taxes, payments and its fulfillment orders."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fake_shopify.admin import metafield_inputs, order_customers, order_rows, product_rows
from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.contact_details import blank_to_none, clean_email, clean_phone
from fake_shopify.admin.fulfillment_routing import open_fulfillment_orders
from fake_shopify.admin.mailing_addresses import address_row, read_address
from fake_shopify.admin.order_check import check_order, variant_of
from fake_shopify.admin.order_events import announce_new
from fake_shopify.admin.order_money import Pair, at_most, pair, pair_of_input, portion, spread
from fake_shopify.admin.order_parts import install, live_numbers, next_order_number
from fake_shopify.admin.order_rows import Numbers
from fake_shopify.admin.tags import normalized
from fake_shopify.clock import iso, parse_iso
from fake_shopify.context import Context
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

Given = Mapping[str, Any]
ORDER_ADDRESS = "Address"
GRAMS: dict[str, Decimal] = {
    "GRAMS": Decimal(1),
    "KILOGRAMS": Decimal(1000),
    "OUNCES": Decimal("28.349523125"),
    "POUNDS": Decimal("453.59237"),
}


@mutation("orderCreate")
def order_create(ctx: Context, order: dict[str, Any], options: dict[str, Any] | None = None) -> dict[str, Any]:
    """Create an order. Captured: orders-001 … 041."""
    behaviour = (options or {}).get("inventoryBehaviour") or "BYPASS"
    errors = check_order(ctx, order, behaviour)
    if errors:
        return {"order": None, "userErrors": errors}
    row = build_order(ctx, order, claim=behaviour != "BYPASS")
    announce_new(ctx, row)
    return {"order": row, "userErrors": []}


def build_order(ctx: Context, given: Given, *, claim: bool) -> Row:
    """Make an order out of checked input and keep it; `claim` commits stock."""
    install(ctx.shop)
    customer = order_customers.customer_for_order(ctx, given)
    row = start_order(ctx, given, customer)
    numbers = live_numbers(ctx.shop, row.number)
    for line in given["lineItems"]:
        _add_line(ctx, numbers, row, line)
    for one in given.get("shippingLines") or ():
        _add_shipping(numbers, row, one)
    _apply_discount(row, given.get("discountCode") or {})
    _add_taxes(row, given)
    for one in given.get("transactions") or ():
        _add_transaction(ctx, numbers, row, one)
    open_fulfillment_orders(ctx, numbers, row, claim=claim)
    _fulfill(ctx, numbers, row, given)
    finish_order(ctx, row, given)
    return row


def start_order(ctx: Context, given: Given, customer: Row | None) -> Row:
    """Make the row of an order without parts."""
    count = next_order_number(ctx.shop)
    now = ctx.now()
    return order_rows.new_order(
        ctx.shop.new_id("Order"),
        name=blank_to_none(given.get("name")) or f"#{count}",
        order_number=count,
        now=now,
        currency=given.get("currency") or ctx.shop.settings["currency"],
        presentment_currency=given.get("presentmentCurrency"),
        email=clean_email(given.get("email")) or (customer["email"] if customer is not None else None),
        phone=clean_phone(given.get("phone"), ctx.shop.settings["country"]),
        note=blank_to_none(given.get("note")),
        tags=normalized(given.get("tags")),
        poNumber=blank_to_none(given.get("poNumber")),
        customAttributes=attributes(given.get("customAttributes")),
        processedAt=_processed_at(ctx, given.get("processedAt")),
        closedAt=_instant(given.get("closedAt")),
        taxesIncluded=bool(given.get("taxesIncluded")),
        test=bool(given.get("test")),
        customerAcceptsMarketing=bool(given.get("buyerAcceptsMarketing")),
        sourceName=given.get("sourceName"),
        sourceIdentifier=given.get("sourceIdentifier"),
        registeredSourceUrl=given.get("sourceUrl"),
        referrerUrl=given.get("referringSite"),
        shippingAddress=order_address(ctx, given.get("shippingAddress")),
        billingAddress=order_address(ctx, given.get("billingAddress")),
        _customer_id=customer.number if customer is not None else None,
        _financial=given.get("financialStatus"),
        _fulfillment_status=given.get("fulfillmentStatus"),
    )


def finish_order(ctx: Context, row: Row, given: Given) -> None:
    """Keep a finished order: table, customer's orders, metafields."""
    row["_updated_ms"] = int(ctx.world.clock.now().timestamp() * 1000)
    ctx.table("Order").add(row)
    order_customers.link(ctx.shop, row["_customer_id"], row.number)
    metafield_inputs.apply(ctx, row["id"], given.get("metafields"))


def attributes(given: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Read custom attributes; later values of a key replace earlier ones."""
    named = {one["key"]: one.get("value") for one in given or ()}
    return [{"__typename": "Attribute", "key": key, "value": value} for key, value in named.items()]


def order_address(ctx: Context, given: Given | None, base: Given | None = None) -> Row | None:
    """Make the address of an order from input, on top of the one that is there."""
    if not given:
        return None
    values = read_address(given, base).values
    return address_row(ctx.shop.new_id("MailingAddress"), values, model=ORDER_ADDRESS)


def _processed_at(ctx: Context, given: str | None) -> str:
    now = ctx.world.clock.now()
    return iso(min(parse_iso(given), now)) if given else iso(now)


def _instant(given: str | None) -> str | None:
    return iso(parse_iso(given)) if given else None


# Lines


def _add_line(ctx: Context, numbers: Numbers, order: Row, given: Given) -> None:
    known = variant_values(ctx, variant_of(ctx, given))
    product = ctx.find("Product", given.get("productId"))
    if product is not None and known["_product_id"] is None:
        known["_product_id"] = product.number
    price = pair_of_input(given["priceSet"]) if given.get("priceSet") else pair(known["price"])
    chosen = {
        name: given[name]
        for name in ("sku", "vendor", "variantTitle", "requiresShipping", "taxable")
        if given.get(name) is not None
    }
    values = {name: value for name, value in known.items() if name not in ("title", "price")}
    title = blank_to_none(given.get("title")) or known["title"] or (product["title"] if product is not None else "")
    properties = [{"key": one["name"], "value": one["value"]} for one in given.get("properties") or ()]
    line = order_rows.add_line(
        numbers,
        order,
        title=title,
        quantity=given["quantity"],
        price=price,
        **(values | chosen | {"isGiftCard": bool(given.get("giftCard")), "customAttributes": attributes(properties)}),
    )
    if given.get("weight"):
        line["_weight"] = (float(given["weight"]["value"]), given["weight"]["unit"])
    if line.get("_weight"):
        line["_grams"] = Decimal(str(line["_weight"][0])) * GRAMS[line["_weight"][1]]


def variant_values(ctx: Context, variant: Row | None) -> dict[str, Any]:
    """Return what a line takes over from its variant; a custom line ships nothing unless it says so.

    Source: OrderCreateLineItemInput (requiresShipping false, taxable true by default; read 2026-11).
    """
    if variant is None:
        custom = {"requiresShipping": False, "taxable": True, "_variant_id": None, "_product_id": None}
        return custom | {"title": None, "price": None, "sku": None, "vendor": None, "variantTitle": None}
    item = product_rows.item_of(ctx.shop, variant)
    product = ctx.table("Product").get(variant["_product_id"])
    assert product is not None
    plain = product_rows.has_only_default(product)
    return {
        "title": product["title"],
        "price": variant["price"],
        "sku": item["sku"],
        "vendor": product["vendor"],
        "variantTitle": None if plain else product_rows.variant_title(product, variant),
        "requiresShipping": item["requiresShipping"],
        "taxable": variant["taxable"],
        "_variant_id": variant.number,
        "_product_id": product.number,
        "_weight": item["_weight"],
    }


def _add_shipping(numbers: Numbers, order: Row, given: Given) -> None:
    order_rows.add_shipping(
        numbers,
        order,
        title=given["title"],
        price=pair_of_input(given["priceSet"]),
        code=given.get("code") or given["title"],
        source=given.get("source"),
    )


# Discounts


def _apply_discount(order: Row, given: Given) -> None:
    """Apply the one discount code of an order.

    Captured: a fixed amount comes off the lines (orders-009). Source: OrderCreateDiscountCodeInput (read 2026-11). Assumed: a fixed
    amount is split over the lines in proportion to their prices and never exceeds them; free shipping takes off all shipping lines.
    """
    if given.get("itemFixedDiscountCode"):
        one = given["itemFixedDiscountCode"]
        _across(order, one["code"], at_most(pair_of_input(one.get("amountSet")), totals.line_items_total(order)))
    elif given.get("itemPercentageDiscountCode"):
        one = given["itemPercentageDiscountCode"]
        share = Decimal(str(one.get("percentage") or 0))
        whole = portion(totals.line_items_total(order), share, 100)
        _across(order, one["code"], whole, percentage=share)
    elif given.get("freeShippingDiscountCode"):
        code = given["freeShippingDiscountCode"]["code"]
        index = order_rows.add_discount(order, "shipping", "DiscountCodeApplication", code=code, _percentage=Decimal(100))
        order_rows.allocate(order["_shipping"], index, [one["_price"] for one in order["_shipping"]])


def _across(order: Row, code: str, whole: Pair, percentage: Decimal | None = None) -> None:
    index = order_rows.add_discount(order, "code", "DiscountCodeApplication", code=code, _amount=whole, _percentage=percentage)
    order_rows.allocate_across(order, index, whole, [totals.line_original(line) for line in order["_lines"]])


# Taxes


def _add_taxes(order: Row, given: Given) -> None:
    for line, one in zip(order["_lines"], given["lineItems"], strict=True):
        line["_taxes"] = tuple(_tax(order, tax, totals.line_net(line)) for tax in one.get("taxLines") or ())
    for shipping, one in zip(order["_shipping"], given.get("shippingLines") or (), strict=True):
        shipping["_taxes"] = tuple(_tax(order, tax, totals.shipping_line_net(shipping)) for tax in one.get("taxLines") or ())
    for tax in given.get("taxLines") or ():
        _spread_tax(order, tax)


def _tax(order: Row, given: Given, base: Pair) -> Row:
    """Build a tax line; without an amount it is computed from the rate (assumed)."""
    rate = Decimal(str(given["rate"]))
    included = rate / (1 + rate) if order["taxesIncluded"] else rate
    price = pair_of_input(given["priceSet"]) if given.get("priceSet") else portion(base, included, 1)
    return order_rows.tax_line(order, given["title"], rate, price, given.get("channelLiable", False))


def _spread_tax(order: Row, given: Given) -> None:
    """Split a tax of the order over its taxable lines (source: OrderCreateOrderInput taxLines, read 2026-11)."""
    lines = [line for line in order["_lines"] if line["taxable"]]
    nets = [totals.line_net(line) for line in lines]
    whole = _tax(order, given, (sum((n[0] for n in nets), Decimal(0)), sum((n[1] for n in nets), Decimal(0))))
    for line, share in zip(lines, spread(whole["_price"], nets), strict=True):
        line["_taxes"] = (*line["_taxes"], Row(whole, _price=share))


# Payment and shipment


def _add_transaction(ctx: Context, numbers: Numbers, order: Row, given: Given) -> None:
    kind = given.get("kind") or "SALE"
    parents = [one for one in order["_transactions"] if one["kind"] in totals.AUTHORIZED_KINDS]
    location = ctx.find("Location", given.get("locationId"))
    order_rows.add_transaction(
        numbers,
        order,
        kind=kind,
        amount=pair_of_input(given["amountSet"]),
        now=ctx.now(),
        status=given.get("status") or "SUCCESS",
        gateway=given.get("gateway") or "",
        test=bool(given.get("test")),
        authorizationCode=given.get("authorizationCode"),
        receiptJson=given.get("receiptJson"),
        processedAt=_instant(given.get("processedAt")) or ctx.now(),
        _parent=parents[-1] if parents and kind in ("CAPTURE", "VOID") else None,
        _location_id=location.number if location is not None else None,
    )


def _fulfill(ctx: Context, numbers: Numbers, order: Row, given: Given) -> None:
    """Ship everything when a fulfillment is given or the order is said to be fulfilled (source: OrderCreateOrderInput; read
    2026-11).
    """
    wanted = given.get("fulfillment")
    if not wanted and given.get("fulfillmentStatus") != "FULFILLED":
        return
    wanted = wanted or {}
    location = ctx.find("Location", wanted.get("locationId"))
    homes = order["_fulfillment_orders"]
    tracking = wanted.get("trackingNumbers") or ([wanted["trackingNumber"]] if wanted.get("trackingNumber") else [])
    fulfillment = order_rows.add_fulfillment(
        numbers,
        order,
        location_number=location.number if location is not None else homes[0]["_location_id"],
        lines=[(line, line["quantity"]) for line in order["_lines"]],
        now=ctx.now(),
        _tracking=[{"number": one, "company": wanted.get("trackingCompany"), "url": None} for one in tracking],
        originAddress=wanted.get("originAddress"),
    )
    order_rows.close_by_fulfillment(fulfillment, homes)
