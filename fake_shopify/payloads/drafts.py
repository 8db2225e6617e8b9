"""Payload of draft orders. Source: the sample payload of shopify.dev/docs/api/webhooks (draft_orders/create, version 2026-04)."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import draft_order_rows as drafts
from fake_shopify.admin.customer_events import customer_payload
from fake_shopify.admin.order_money import Pair
from fake_shopify.context import Context
from fake_shopify.money import decimal_text, scalar
from fake_shopify.payloads.shape import Payload, address
from fake_shopify.rows import Row


def draft_payload(ctx: Context, draft: Row) -> Payload:
    """Build the payload of draft_orders/create and draft_orders/update. A draft is not taxed (as in `draft_order_rows`)."""
    return {
        "id": draft.number,
        "note": draft["note2"],
        "email": draft["email"],
        "taxes_included": draft["taxesIncluded"],
        "currency": draft["currencyCode"],
        "invoice_sent_at": draft.get("invoiceSentAt"),
        "created_at": draft["createdAt"],
        "updated_at": draft["updatedAt"],
        "tax_exempt": draft["taxExempt"],
        "completed_at": draft.get("completedAt"),
        "name": draft["name"],
        "allow_discount_codes_in_checkout?": draft["allowDiscountCodesInCheckout"],
        "b2b?": draft.get("_company") is not None,
        "status": draft["status"].lower(),
        "line_items": [_line(line) for line in draft["_lines"]],
        "api_client_id": ctx.world.apps[ctx.grant.client_id].number,
        "shipping_address": address(draft.get("shippingAddress")),
        "billing_address": address(draft.get("billingAddress")),
        "invoice_url": draft["invoiceUrl"],
        "created_on_api_version_handle": None,
        "applied_discount": _discount(draft["_discount"], drafts.order_discount(draft)),
        "order_id": draft.get("_order_id"),
        "shipping_line": _shipping_line(draft),
        "tax_lines": [],
        "tags": ", ".join(draft["tags"]),
        "note_attributes": [{"name": one["key"], "value": one["value"]} for one in draft["customAttributes"]],
        "total_price": scalar(drafts.total(draft)[0]),
        "subtotal_price": scalar(drafts.subtotal(draft)[0]),
        "total_tax": "0.00",
        "payment_terms": None,
        "admin_graphql_api_id": draft["id"],
        "customer": _customer(ctx, draft),
    }


def _line(line: Row) -> Payload:
    return {
        "id": line.number,
        "variant_id": line.get("_variant_id"),
        "product_id": line.get("_product_id"),
        "title": line["title"],
        "variant_title": line.get("variantTitle"),
        "sku": line["sku"],
        "vendor": line.get("vendor"),
        "quantity": line["quantity"],
        "requires_shipping": line["requiresShipping"],
        "taxable": line["taxable"],
        "gift_card": line["isGiftCard"],
        "fulfillment_service": "manual",
        "grams": 0,
        "tax_lines": [],
        "applied_discount": _discount(line["_discount"], drafts.line_discount(line)),
        "name": " - ".join(part for part in (line["title"], line.get("variantTitle")) if part),
        "properties": [{"name": one["key"], "value": one["value"]} for one in line["customAttributes"]],
        "custom": line["custom"],
        "price": scalar(line["_price"][0]),
        "admin_graphql_api_id": line["id"],
    }


def _discount(given: Any, taken: Pair) -> Payload | None:
    if not given:
        return None
    return {
        "description": given.get("description") or "",
        "value": decimal_text(given["value"]),
        "title": given.get("title"),
        "amount": scalar(taken[0]),
        "value_type": given["valueType"].lower(),
    }


def _shipping_line(draft: Row) -> Payload | None:
    one = next(iter(draft["_shipping"]), None)
    if one is None:
        return None
    return {"title": one["title"], "custom": one["custom"], "handle": one["shippingRateHandle"], "price": scalar(one["_price"][0])}


def _customer(ctx: Context, draft: Row) -> Payload | None:
    row = ctx.table("Customer").get(draft["_customer_id"]) if draft["_customer_id"] is not None else None
    if row is None:
        return None
    return {name: value for name, value in customer_payload(ctx, row).items() if name != "addresses"}
