"""What is told to the outside when an order changes: the webhook topics of orders, their transactions, fulfillments and refunds."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.fulfillment_state import display_status
from fake_shopify.admin.order_money import text
from fake_shopify.admin.product_webhooks import product_changed
from fake_shopify.context import Context
from fake_shopify.rows import Row


def order_payload(order: Row) -> dict[str, Any]:
    """Build the payload of an order's delivery: ids, states and totals in REST's words, not every key of the real one.

    Source: shopify.dev/docs/api/webhooks (orders/create, read 2026-11).
    """
    status = totals.financial_status(order)
    return {
        "id": order.number,
        "admin_graphql_api_id": order["id"],
        "name": order["name"],
        "order_number": order["number"],
        "email": order["email"],
        "created_at": order["createdAt"],
        "updated_at": order["updatedAt"],
        "processed_at": order["processedAt"],
        "cancelled_at": order["cancelledAt"],
        "closed_at": order["closedAt"],
        "currency": order["currencyCode"],
        "financial_status": status.lower() if status else None,
        "fulfillment_status": {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}.get(display_status(order)),
        "total_price": text(totals.total(order)),
        "current_total_price": text(totals.current_total(order)),
        "tags": ", ".join(order["tags"]),
        "test": order["test"],
        "line_items": [_line_payload(line) for line in order["_lines"]],
    }


def _line_payload(line: Row) -> dict[str, Any]:
    return {
        "id": line.number,
        "admin_graphql_api_id": line["id"],
        "title": line["title"],
        "quantity": line["quantity"],
        "price": text(line["_price"]),
        "sku": line["sku"],
        "variant_id": line["_variant_id"],
        "product_id": line["_product_id"],
    }


def touch(ctx: Context, order: Row) -> None:
    """Note that an order changed just now; milliseconds are kept apart so that UPDATED_AT sorts changes of one second."""
    order["updatedAt"] = ctx.now()
    order["_updated_ms"] = int(ctx.world.clock.now().timestamp() * 1000)


def changed(ctx: Context, order: Row, *topics: str) -> None:
    """Note and announce a change of an order: `orders/updated` and the given topics."""
    touch(ctx, order)
    payload = order_payload(order)
    for topic in (*topics, "orders/updated"):
        ctx.shop.emit(topic, payload)


def announce_part(ctx: Context, topic: str, part: Row, **values: Any) -> None:
    """Announce a transaction, refund, fulfillment or fulfillment order."""
    order = part["_order"]
    ctx.shop.emit(topic, {"id": part.number, "admin_graphql_api_id": part["id"], "order_id": order.number, **values})


def announce_new(ctx: Context, order: Row) -> None:
    """Announce a new order with its transactions, that it is paid if it is, and that its products were ordered.

    Source: shopify.dev/docs/api/webhooks (products/update comes "whenever a product is ordered", too; read 2026-11).
    """
    ctx.shop.emit("orders/create", order_payload(order))
    for transaction in order["_transactions"]:
        announce_part(ctx, "order_transactions/create", transaction, kind=transaction["kind"].lower())
    announce_payment(ctx, order, None)
    products = map(ctx.table("Product").get, dict.fromkeys(line["_product_id"] for line in order["_lines"]))
    for product in products:
        if product is not None:
            product_changed(ctx.shop, product)


def announce_payment(ctx: Context, order: Row, before: str | None) -> None:
    """Announce that an order became paid."""
    after = totals.financial_status(order)
    if after != before and after == "PAID":
        ctx.shop.emit("orders/paid", order_payload(order))
