"""Payloads about orders: the whole order as REST shows it.

Source: the sample payloads of shopify.dev/docs/api/webhooks (orders/create … orders/updated, version 2026-04). What the fake does
not model (landing site, tokens of carts, duties …) is null or empty, as it is in the samples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.customer_events import customer_payload
from fake_shopify.admin.fulfillment_state import display_status, fulfillable_quantity, fulfilled_quantity
from fake_shopify.admin.order_fields import gateway_names
from fake_shopify.admin.order_lines import merged_taxes
from fake_shopify.admin.order_money import ZERO, Pair, portion
from fake_shopify.admin.order_rows import confirmation_number
from fake_shopify.admin.shop import business_entity_row
from fake_shopify.context import Context
from fake_shopify.money import decimal_text, scalar
from fake_shopify.payloads.shape import Payload, address, money_set
from fake_shopify.rows import Row

FULFILLMENT = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial", "RESTOCKED": "restocked"}
SETS: dict[str, Callable[[Row], Pair]] = {
    "current_shipping_price": totals.current_shipping,
    "current_subtotal_price": totals.current_subtotal,
    "current_total_discounts": totals.current_line_discounts,
    "current_total_price": totals.current_total,
    "current_total_tax": totals.current_tax,
    "subtotal_price": totals.subtotal,
    "total_cash_rounding_payment_adjustment": lambda order: ZERO,
    "total_cash_rounding_refund_adjustment": lambda order: ZERO,
    "total_discounts": totals.discounts,
    "total_line_items_price": totals.line_items_total,
    "total_price": totals.total,
    "total_shipping_price": totals.shipping_total,
    "total_tax": totals.tax,
}
PLAIN = """
    current_subtotal_price current_total_discounts current_total_price current_total_tax subtotal_price total_discounts
    total_line_items_price total_price total_tax
""".split()
"""Totals that also stand alone, in the shop's money."""

NOT_MODELLED = """
    app_id browser_ip cart_token checkout_token client_details current_total_additional_fees_set current_total_duties_set
    device_id landing_site landing_site_ref location_id merchant_of_record_app_id original_total_additional_fees_set
    original_total_duties_set payment_terms reference user_id
""".split()


ORDERS_OWN = ("attributed_staffs", "current_quantity", "sales_line_item_group_id")
"""What only orders say about their lines: refunds and fulfillments leave it out (as in the samples)."""


def order_payload(ctx: Context, order: Row) -> Payload:
    """Build the payload of an order's topics."""
    return {
        "id": order.number,
        "admin_graphql_api_id": order["id"],
        **dict.fromkeys(NOT_MODELLED),
        **_texts(ctx, order),
        **_states(order),
        **_instants(order),
        **_money(order),
        "tax_lines": [tax_line(one) for one in merged_taxes(order, current=False)],
        "billing_address": address(order.get("billingAddress")),
        "customer": _customer(ctx, order),
        "discount_applications": [_discount(one) for one in order["_discounts"]],
        "discount_codes": _codes(order),
        "fulfillments": [fulfillment_payload(ctx, one) for one in order["_fulfillments"]],
        "line_items": [line_item(line) for line in order["_lines"]],
        "refunds": [refund_payload(ctx, one) for one in order["_refunds"]],
        "shipping_address": address(order.get("shippingAddress")),
        "shipping_lines": [_shipping_line(one) for one in order["_shipping"]],
        "returns": [],
        "line_item_groups": [],
    }


def _texts(ctx: Context, order: Row) -> Payload:
    code = order.get("confirmationNumber") or confirmation_number(order)
    return {
        "buyer_accepts_marketing": bool(order.get("customerAcceptsMarketing")),
        "confirmation_number": code,
        "contact_email": order["email"],
        "customer_locale": "en",
        "email": order["email"],
        "merchant_business_entity_id": business_entity_row(ctx)["id"].rsplit("/", 1)[-1],
        "name": order["name"],
        "note": order.get("note"),
        "note_attributes": [{"name": one["key"], "value": one["value"]} for one in order["customAttributes"]],
        "number": order["number"] - 1000,
        "order_number": order["number"],
        "order_status_url": f"https://{ctx.shop.domain}/{ctx.shop.number}/orders/{code.lower()}/authenticate?key={code.lower()}",
        "payment_gateway_names": gateway_names(order),
        "phone": order.get("phone"),
        "po_number": order.get("poNumber"),
        "referring_site": order.get("referrerUrl"),
        "source_identifier": order.get("sourceIdentifier"),
        "source_name": order.get("sourceName") or str(ctx.world.apps[ctx.grant.client_id].number),
        "source_url": order.get("registeredSourceUrl"),
        "tags": ", ".join(order["tags"]),
        "token": code.lower(),
    }


def _states(order: Row) -> Payload:
    financial = totals.financial_status(order)
    reason = order.get("cancelReason")
    return {
        "cancel_reason": reason.lower() if reason else None,
        "confirmed": order["confirmed"],
        "duties_included": False,
        "estimated_taxes": False,
        "financial_status": financial.lower() if financial else None,
        "fulfillment_status": FULFILLMENT.get(display_status(order)),
        "tax_exempt": bool(order.get("taxExempt")),
        "taxes_included": order["taxesIncluded"],
        "test": order["test"],
    }


def _instants(order: Row) -> Payload:
    names = ("cancelledAt", "closedAt", "createdAt", "processedAt", "updatedAt")
    return {f"{name.removesuffix('At')}_at": order[name] for name in names}


def _money(order: Row) -> Payload:
    pairs = {name: total(order) for name, total in SETS.items()}
    return {
        "currency": order["currencyCode"],
        "presentment_currency": order["presentmentCurrencyCode"],
        **{name: scalar(pairs[name][0]) for name in PLAIN},
        **{f"{name}_set": money_set(pair, order) for name, pair in pairs.items()},
        "total_outstanding": scalar(totals.outstanding(order)[0]),
        "total_tip_received": "0.00",
        "total_weight": int(sum(totals.weight_grams(line) * line["quantity"] for line in order["_lines"])),
    }


def _customer(ctx: Context, order: Row) -> Payload | None:
    row = ctx.table("Customer").get(order["_customer_id"]) if order["_customer_id"] is not None else None
    if row is None:
        return None
    return {name: value for name, value in customer_payload(ctx, row).items() if name != "addresses"}


# Lines


def line_item(line: Row) -> Payload:
    """Write a line as orders, refunds and fulfillments show it."""
    order, done = line["_order"], fulfilled_quantity(line)
    discount = totals.line_discounts(line, "line")
    return {
        "id": line.number,
        "admin_graphql_api_id": line["id"],
        "attributed_staffs": [],
        "current_quantity": totals.current_quantity(line),
        "fulfillable_quantity": fulfillable_quantity(line),
        "fulfillment_service": "manual",
        "fulfillment_status": None if not done else "fulfilled" if done >= totals.current_quantity(line) else "partial",
        "gift_card": line["isGiftCard"],
        "grams": int(totals.weight_grams(line)),
        "name": " - ".join(part for part in (line["title"], line["variantTitle"]) if part),
        "price": scalar(line["_price"][0]),
        "price_set": money_set(line["_price"], order),
        "product_exists": line["_product_id"] is not None,
        "product_id": line["_product_id"],
        "properties": [{"name": one["key"], "value": one["value"]} for one in line["customAttributes"]],
        "quantity": line["quantity"],
        "requires_shipping": line["requiresShipping"],
        "sales_line_item_group_id": None,
        "sku": line["sku"],
        "taxable": line["taxable"],
        "title": line["title"],
        "total_discount": scalar(discount[0]),
        "total_discount_set": money_set(discount, order),
        "variant_id": line["_variant_id"],
        "variant_inventory_management": "shopify" if line["_variant_id"] is not None else None,
        "variant_title": line["variantTitle"],
        "vendor": line["vendor"],
        "tax_lines": [tax_line(one) for one in line["_taxes"]],
        "duties": [],
        "discount_allocations": _allocations(line),
    }


def _plain_line(line: Row) -> Payload:
    return {name: value for name, value in line_item(line).items() if name not in ORDERS_OWN}


def tax_line(row: Row) -> Payload:
    """Write a tax line."""
    return {
        "channel_liable": row["channelLiable"],
        "price": scalar(row["_price"][0]),
        "price_set": money_set(row["_price"], row["_order"]),
        "rate": row["rate"],
        "title": row["title"],
    }


def _allocations(row: Row) -> list[Payload]:
    order = row["_order"]
    return [
        {"amount": scalar(share[0]), "amount_set": money_set(share, order), "discount_application_index": index}
        for index, share in row["_allocations"]
    ]


def _discount(row: Row) -> Payload:
    percentage = row.get("_percentage")
    kinds = {"DiscountCodeApplication": "discount_code", "AutomaticDiscountApplication": "automatic"}
    kind = kinds.get(row["__typename"], "manual")
    label = {"code": row["code"]} if kind == "discount_code" else {"title": row.get("title"), "description": row.get("description")}
    return {
        "target_type": row["targetType"].lower(),
        "type": kind,
        "value": decimal_text(percentage) if percentage is not None else decimal_text(row["_amount"][0]),
        "value_type": "percentage" if percentage is not None else "fixed_amount",
        "allocation_method": row["allocationMethod"].lower(),
        "target_selection": row["targetSelection"].lower(),
        **label,
    }


def _codes(order: Row) -> list[Payload]:
    return [_code(order, one) for one in order["_discounts"] if one.get("code")]


def _code(order: Row, row: Row) -> Payload:
    parts = [*order["_lines"], *order["_shipping"]]
    taken = sum(share[0] for part in parts for index, share in part["_allocations"] if index == row["index"])
    percentage = row.get("_percentage") is not None
    kind = "shipping" if row["_level"] == "shipping" else "percentage" if percentage else "fixed_amount"
    return {"code": row["code"], "amount": scalar(taken), "type": kind}


def _shipping_line(row: Row) -> Payload:
    order, net = row["_order"], totals.shipping_line_net(row)
    whole, left = totals.shipping_net(order), totals.current_shipping(order)
    current = portion(net, left[0], whole[0]) if whole[0] else net
    return {
        "id": row.number,
        "carrier_identifier": None,
        "code": row["code"],
        "current_discounted_price_set": money_set(current, order),
        "discounted_price": scalar(net[0]),
        "discounted_price_set": money_set(net, order),
        "is_removed": False,
        "phone": None,
        "price": scalar(row["_price"][0]),
        "price_set": money_set(row["_price"], order),
        "requested_fulfillment_service_id": None,
        "source": row["source"] or "shopify",
        "title": row["title"],
        "tax_lines": [tax_line(one) for one in row["_taxes"]],
        "discount_allocations": _allocations(row),
    }


# Parts with topics of their own


def transaction_payload(ctx: Context, row: Row) -> Payload:
    """Build the payload of order_transactions/create."""
    order, parent = row["_order"], row.get("_parent")
    unsettled = totals.capturable(order) if row["kind"] in totals.AUTHORIZED_KINDS else ZERO
    codes = {"shop_money": order["currencyCode"], "presentment_money": order["presentmentCurrencyCode"]}
    return {
        "id": row.number,
        "order_id": order.number,
        "kind": row["kind"].lower(),
        "gateway": row["gateway"],
        "status": row["status"].lower(),
        "message": None,
        "created_at": row["createdAt"],
        "test": row["test"],
        "authorization": row.get("authorizationCode"),
        "location_id": row.get("_location_id"),
        "user_id": None,
        "parent_id": parent.number if parent is not None else None,
        "processed_at": row["processedAt"],
        "device_id": None,
        "error_code": None,
        "source_name": order.get("sourceName") or "web",
        "receipt": {},
        "amount": scalar(row["_amount"][0]),
        "currency": order["currencyCode"],
        "payment_id": next((f"{order['name']}.{at}" for at, one in enumerate(order["_transactions"], 1) if one is row), None),
        "total_unsettled_set": {
            side: {"amount": decimal_text(unsettled[at]), "currency": code} for at, (side, code) in enumerate(codes.items())
        },
        "manual_payment_gateway": row["gateway"] == "manual",
        "amount_rounding": None,
        "admin_graphql_api_id": row["id"],
    }


def refund_payload(ctx: Context, row: Row) -> Payload:
    """Build the payload of refunds/create."""
    order = row["_order"]
    return {
        "id": row.number,
        "order_id": order.number,
        "created_at": row["createdAt"],
        "note": row["note"],
        "user_id": None,
        "processed_at": row["processedAt"],
        "duties": [],
        "total_duties_set": money_set(ZERO, order),
        "return": None,
        "restock": any(entry["restocked"] for entry in row["_lines"]),
        "refund_shipping_lines": [],
        "admin_graphql_api_id": row["id"],
        "order_adjustments": _adjustments(row),
        "refund_line_items": [_refund_line(entry) for entry in row["_lines"]],
        "transactions": [transaction_payload(ctx, one) for one in row["_transactions"]],
    }


def _refund_line(entry: Row) -> Payload:
    order, line = entry["_order"], entry["_line"]
    return {
        "id": entry.number,
        "quantity": entry["quantity"],
        "line_item_id": line.number,
        "location_id": entry["_location_id"],
        "restock_type": entry["restockType"].lower(),
        "subtotal": float(entry["_subtotal"][0]),
        "total_tax": float(entry["_tax"][0]),
        "subtotal_set": money_set(entry["_subtotal"], order),
        "total_tax_set": money_set(entry["_tax"], order),
        "line_item": _plain_line(line),
    }


def _adjustments(refund: Row) -> list[Payload]:
    """Shipping that is given back and what was paid beyond the lines, each as an adjustment with a negative amount."""
    order = refund["_order"]
    entries: list[tuple[str, str, Pair, Pair]] = []
    if any(refund["_shipping"]):
        entries.append(("shipping_refund", "Shipping refund", refund["_shipping"], refund["_shipping_tax"]))
    extra = totals.refund_discrepancy(refund)
    if any(extra):
        entries.append(("refund_discrepancy", "Refund discrepancy", extra, ZERO))
    return [
        {
            "id": refund.number * 10 + at,
            "amount": scalar(-pair[0]),
            "amount_set": money_set((-pair[0], -pair[1]), order),
            "kind": kind,
            "order_id": order.number,
            "reason": reason,
            "refund_id": refund.number,
            "tax_amount": scalar(-tax[0]),
            "tax_amount_set": money_set((-tax[0], -tax[1]), order),
        }
        for at, (kind, reason, pair, tax) in enumerate(entries)
    ]


def fulfillment_payload(ctx: Context, row: Row) -> Payload:
    """Build the payload of fulfillments/create and fulfillments/update."""
    order, tracking = row["_order"], row["_tracking"]
    numbers = [one["number"] for one in tracking if one.get("number")]
    urls = [one["url"] for one in tracking if one.get("url")]
    latest = max(row["_events"], key=lambda event: (event["happenedAt"], event.number), default=None)
    return {
        "id": row.number,
        "order_id": order.number,
        "status": row["status"].lower(),
        "created_at": row["createdAt"],
        "service": "manual",
        "updated_at": row["updatedAt"],
        "tracking_company": next((one["company"] for one in tracking if one.get("company")), None),
        "shipment_status": latest["status"].lower() if latest is not None else None,
        "location_id": row["_location_id"],
        "origin_address": None,
        "email": order["email"],
        "destination": address(order.get("shippingAddress")),
        "line_items": [_plain_line(entry["_line"]) | {"quantity": entry["quantity"]} for entry in row["_lines"]],
        "tracking_number": next(iter(numbers), None),
        "tracking_numbers": numbers,
        "tracking_url": next(iter(urls), None),
        "tracking_urls": urls,
        "receipt": {},
        "name": row["name"].replace("-F", "."),
        "admin_graphql_api_id": row["id"],
    }


def fulfillment_event_payload(ctx: Context, event: Row, fulfillment: Row) -> Payload:
    """Build the payload of fulfillment_events/create."""
    names = ("address1", "city", "country", "latitude", "longitude", "message", "province", "zip")
    texts: dict[str, Any] = {name: event.get(name) for name in names}
    return {
        "id": event.number,
        "fulfillment_id": fulfillment.number,
        "status": event["status"].lower(),
        "happened_at": event["happenedAt"],
        "estimated_delivery_at": event["estimatedDeliveryAt"],
        **texts,
        "created_at": event["createdAt"],
        "updated_at": event["createdAt"],
        "shop_id": ctx.shop.number,
        "order_id": fulfillment["_order"].number,
        "admin_graphql_api_id": event["id"],
    }
