"""`draftOrderComplete` and copies: an order out of a draft order, a draft order out of an order or of another one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fake_shopify.admin import draft_order_rows as drafts
from fake_shopify.admin import order_rows
from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.draft_orders import MISSING, build, draft_payload, touch
from fake_shopify.admin.fulfillment_routing import open_fulfillment_orders
from fake_shopify.admin.order_create import GRAMS, finish_order, start_order
from fake_shopify.admin.order_events import announce_new
from fake_shopify.admin.order_money import Pair, is_zero, pair
from fake_shopify.admin.order_parts import install, live_numbers
from fake_shopify.admin.order_rows import Numbers
from fake_shopify.admin.payment_terms import terms_of
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

LINE_KEYS = "title sku variantTitle vendor requiresShipping taxable customAttributes _variant_id _product_id _weight".split()


@mutation("draftOrderComplete")
def draft_order_complete(
    ctx: Context, id: str, paymentPending: bool = False, paymentGatewayId: str | None = None, sourceName: str | None = None
) -> dict[str, Any]:
    """Turn a draft order into an order, paid by hand or with the payment pending.

    Captured: a manual SALE of the total, the app's number as source (real_objects); status COMPLETED, the company as purchasing
    entity (orders-024). Assumed: the words for one that is completed or unknown; with payment terms the payment is pending.
    """
    ctx.require_type(id, "DraftOrder")
    draft = ctx.edit("DraftOrder", id)
    if draft is None:
        return {"draftOrder": None, "userErrors": [user_error(["id"], MISSING)]}
    if draft["status"] == "COMPLETED":
        return {"draftOrder": None, "userErrors": [user_error(None, "This order has been paid")]}
    order = _order_of(ctx, draft, source=sourceName, pending=paymentPending or bool(draft.get("_payment_terms_id")))
    draft.update(status="COMPLETED", completedAt=ctx.now(), _order_id=order.number)
    touch(ctx, draft)
    announce_new(ctx, order)
    return {"draftOrder": draft, "userErrors": []}


def _order_of(ctx: Context, draft: Row, *, source: str | None, pending: bool) -> Row:
    install(ctx.shop)
    customer = ctx.table("Customer").get(draft["_customer_id"]) if draft["_customer_id"] is not None else None
    given = {
        "email": draft["email"],
        "phone": draft["phone"],
        "note": draft["note2"],
        "tags": draft["tags"],
        "poNumber": draft.get("poNumber"),
        "presentmentCurrency": draft["presentmentCurrencyCode"],
        "sourceName": source or draft.get("sourceName"),
        "financialStatus": "PENDING" if pending else None,
    }
    order = start_order(ctx, given, customer)
    order.update(
        customAttributes=draft["customAttributes"],
        shippingAddress=draft.get("shippingAddress"),
        billingAddress=draft.get("billingAddress"),
        _company=draft.get("_company"),
        _payment_terms_id=draft.get("_payment_terms_id"),
    )
    numbers = live_numbers(ctx.shop, order.number)
    _copy_lines(numbers, order, draft)
    for one in draft["_shipping"]:
        order_rows.add_shipping(numbers, order, title=one["title"], price=one["_price"], code=one["code"], custom=True)
    _copy_discounts(order, draft)
    if not pending and not is_zero(totals.total(order)):
        order_rows.add_transaction(numbers, order, kind="SALE", amount=totals.total(order), now=ctx.now())
    open_fulfillment_orders(ctx, numbers, order, claim=True)
    finish_order(ctx, order, {})
    terms = terms_of(ctx.table("PaymentTerms"), order)
    if terms is not None:
        terms["_owner"] = order
    return order


def _copy_lines(numbers: Numbers, order: Row, draft: Row) -> None:
    for one in draft["_lines"]:
        values = {name: one.get(name) for name in LINE_KEYS} | {"sku": one["sku"] or None}
        title = values.pop("title")
        line = order_rows.add_line(numbers, order, title=title, quantity=one["quantity"], price=one["_price"], **values)
        if line["_weight"]:
            line["_grams"] = Decimal(str(line["_weight"][0])) * GRAMS[line["_weight"][1]]


def _copy_discounts(order: Row, draft: Row) -> None:
    """Copy the discounts of lines and of the whole as manual ones."""
    for line, one in zip(order["_lines"], draft["_lines"], strict=True):
        taken = drafts.line_discount(one)
        if not is_zero(taken):
            index = _manual(order, "line", one["_discount"], taken)
            order_rows.allocate([line], index, [taken])
    whole = drafts.order_discount(draft)
    if not is_zero(whole):
        index = _manual(order, "order", draft["_discount"], whole)
        order_rows.allocate_across(order, index, whole, [drafts.line_net(one) for one in draft["_lines"]])


def _manual(order: Row, level: str, given: dict[str, Any], taken: Pair) -> int:
    percentage = Decimal(str(given["value"])) if given["valueType"] == "PERCENTAGE" else None
    return order_rows.add_discount(
        order,
        level,
        "ManualDiscountApplication",
        title=given.get("title") or "Custom discount",
        description=given.get("description"),
        _amount=taken,
        _percentage=percentage,
    )


# Copies


def _copied(ctx: Context, source: Row, lines: list[dict[str, Any]]) -> Row:
    draft = build(ctx, {"lineItems": lines})
    names = ("email", "tags", "customAttributes", "shippingAddress", "billingAddress", "_customer_id", "_company")
    draft.update({name: source.get(name) for name in names})
    ctx.shop.emit("draft_orders/create", draft_payload(draft))
    return draft


@mutation("draftOrderDuplicate")
def draft_order_duplicate(ctx: Context, draftOrderId: str | None = None, id: str | None = None) -> dict[str, Any]:
    """Copy a draft order (assumed: discounts and shipping are not copied, the lines are)."""
    source = ctx.find("DraftOrder", id or draftOrderId)
    if source is None:
        return {"draftOrder": None, "userErrors": [user_error(["id"], MISSING)]}
    draft = _copied(ctx, source, [_line_input(ctx, one) for one in source["_lines"]])
    draft["note2"] = source["note2"]
    return {"draftOrder": draft, "userErrors": []}


@mutation("draftOrderCreateFromOrder")
def draft_order_create_from_order(ctx: Context, orderId: str) -> dict[str, Any]:
    """Copy an order into a draft order (assumed: discounts and shipping are not copied, the lines are)."""
    ctx.require_type(orderId, "Order")
    source = ctx.find("Order", orderId)
    if source is None:
        return {"draftOrder": None, "userErrors": [user_error(["orderId"], "Order does not exist")]}
    draft = _copied(ctx, source, [_line_input(ctx, one) for one in source["_lines"]])
    return {"draftOrder": draft, "userErrors": []}


def _line_input(ctx: Context, line: Row) -> dict[str, Any]:
    known = line["_variant_id"] is not None and ctx.table("ProductVariant").get(line["_variant_id"]) is not None
    price = str(pair(line["_price"][0])[0])
    plain = {name: line[name] for name in ("title", "sku", "requiresShipping", "taxable", "quantity")}
    attributes = [{"key": one["key"], "value": one["value"]} for one in line["customAttributes"]]
    variant = ctx.gid("ProductVariant", line["_variant_id"]) if known else None
    return plain | {"originalUnitPrice": price, "customAttributes": attributes, "variantId": variant}
