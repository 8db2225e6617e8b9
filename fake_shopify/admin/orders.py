"""Orders: reading them, and the mutations that change an order as a whole: update, close, open, delete, customer, invoice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fake_shopify.admin import metafield_inputs, metafields, order_customers
from fake_shopify.admin.company_rows import may_order
from fake_shopify.admin.contact_details import blank_to_none, clean_email, clean_phone, is_phone
from fake_shopify.admin.mailing_addresses import read_address
from fake_shopify.admin.order_check import NOTE_LIMIT, email_messages
from fake_shopify.admin.order_create import attributes, order_address
from fake_shopify.admin.order_events import changed
from fake_shopify.admin.order_search import NATURAL, order_fields, order_sorts
from fake_shopify.admin.saved_searches import with_saved
from fake_shopify.admin.tags import normalized
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, page
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row

Errors = list[dict[str, Any]]
MISSING = "Order does not exist"


# Reading


@query("order")
def order(ctx: Context, id: str) -> Row | None:
    """Answer an order; an unknown id is null (captured: orders-014 after the deletion)."""
    ctx.require_type(id, "Order")
    return ctx.find("Order", id)


@query("orderByIdentifier")
def order_by_identifier(ctx: Context, identifier: dict[str, Any]) -> Row | None:
    """Answer an order by id or by a metafield that is unique (source: OrderIdentifierInput; read 2026-11)."""
    if identifier.get("id"):
        return order(ctx, identifier["id"])
    wanted = identifier["customId"]
    namespace = metafields.full_namespace(ctx, wanted.get("namespace"))
    for row in ctx.table("Metafield"):
        same = (row["namespace"], row["key"], row["value"]) == (namespace, wanted["key"], wanted["value"])
        if same and metafields.owner_type(row["_owner"]) == "ORDER":
            return ctx.find("Order", row["_owner"])
    return None


@query("orders")
def orders(ctx: Context, **arguments: Any) -> Connection:
    """List orders; the default order is by `processedAt` (source: the schema). Captured: orders-014, pagination_search-071."""
    return list_orders(ctx, arguments)


@field("Shop", "orders")
def shop_orders(row: dict[str, Any], ctx: Context, **arguments: Any) -> Connection:
    """List orders through the shop (deprecated)."""
    return list_orders(ctx, arguments)


def list_orders(ctx: Context, arguments: dict[str, Any]) -> Connection:
    """Search, sort and page all orders."""
    return ctx.list(
        ctx.table("Order"),
        with_saved(ctx, arguments),
        fields=order_fields(ctx),
        sorts=order_sorts(ctx),
        sort="PROCESSED_AT",
        natural=NATURAL,
    )


@query("ordersCount")
def orders_count(ctx: Context, query: str | None = None, limit: Any = 10_000, savedSearchId: str | None = None) -> dict[str, Any]:
    """Count orders. Captured: a count beyond `limit` is AT_LEAST, `limit: null` counts all (orders-014, orders-022)."""
    text = with_saved(ctx, {"query": query, "savedSearchId": savedSearchId})["query"]
    return ctx.count(ctx.table("Order"), text, order_fields(ctx), limit)


def page_orders(ctx: Context, rows: list[Row], arguments: dict[str, Any], *, sort: str = "ID") -> Connection:
    """Page some orders (of a customer, of a company), sorted as the field's arguments say."""
    sorts = order_sorts(ctx)
    key = sorts.get(arguments.get("sortKey") or sort)
    return page(rows, arguments, key=key) if key is not None else page(rows, arguments)


# Changing


def missing(ctx: Context, id: str, field_name: str = "id", code: str | None = None) -> dict[str, Any] | None:
    """Return the payload for an order that does not exist, None when it does.

    Captured: `field` names the input's own key without the argument (orders-020, orders-029, orders-025).
    """
    ctx.require_type(id, "Order")
    if ctx.find("Order", id) is not None:
        return None
    return {"order": None, "userErrors": [user_error([field_name], MISSING, code)]}


def edit_order(ctx: Context, id: str) -> Row:
    """Return an order that exists, to change."""
    row = ctx.edit("Order", id)
    assert row is not None
    return row


def _update_errors(ctx: Context, given: dict[str, Any]) -> Errors:
    """Check `OrderInput` (assumed wordings, after customers and Shopify's usual validations)."""
    errors = [user_error(["email"], text) for text in email_messages(given.get("email"))]
    phone = clean_phone(given.get("phone"), ctx.shop.settings["country"])
    if phone and not is_phone(phone):
        errors.append(user_error(["phone"], "Phone is invalid"))
    if len(given.get("note") or "") > NOTE_LIMIT:
        errors.append(user_error(["note"], f"Note is too long (maximum is {NOTE_LIMIT} characters)"))
    if given.get("shippingAddress"):
        found = read_address(given["shippingAddress"]).errors
        errors += [user_error(["shippingAddress", part], text) for part, text in found]
    return errors or metafield_inputs.errors_of(ctx, "Order", given.get("metafields"), owner=given["id"])


@mutation("orderUpdate")
def order_update(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Change contact, note, tags, attributes, address or metafields of an order.

    Captured: the customer keeps its e-mail address (orders-035); tags replace the old ones; unknown order (orders-020).
    """
    refused = missing(ctx, input["id"])
    if refused is not None:
        return refused
    errors = _update_errors(ctx, input)
    if errors:
        return {"order": ctx.find("Order", input["id"]), "userErrors": errors}
    row = edit_order(ctx, input["id"])
    row.update(_updated_values(ctx, row, input))
    metafield_inputs.apply(ctx, row["id"], input.get("metafields"))
    changed(ctx, row)
    return {"order": row, "userErrors": []}


def _updated_values(ctx: Context, row: Row, given: dict[str, Any]) -> dict[str, Any]:
    readers: dict[str, Callable[[Any], Any]] = {
        "email": clean_email,
        "phone": lambda text: clean_phone(text, ctx.shop.settings["country"]),
        "note": blank_to_none,
        "poNumber": blank_to_none,
        "tags": normalized,
        "customAttributes": attributes,
    }
    values = {name: read(given[name]) for name, read in readers.items() if name in given}
    if given.get("shippingAddress"):
        values["shippingAddress"] = order_address(ctx, given["shippingAddress"], row.get("shippingAddress"))
    return values


@mutation("orderClose")
def order_close(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Close an order; one that is closed stays as it is (captured: orders-056)."""
    refused = missing(ctx, input["id"])
    if refused is not None:
        return refused
    row = edit_order(ctx, input["id"])
    if row["closedAt"] is None:
        row["closedAt"] = ctx.now()
        changed(ctx, row)
    return {"order": row, "userErrors": []}


@mutation("orderOpen")
def order_open(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Open a closed order again; an open one stays as it is (captured: orders-073)."""
    refused = missing(ctx, input["id"])
    if refused is not None:
        return refused
    row = edit_order(ctx, input["id"])
    if row["closedAt"] is not None:
        row["closedAt"] = None
        changed(ctx, row)
    return {"order": row, "userErrors": []}


@mutation("orderDelete")
def order_delete(ctx: Context, orderId: str) -> dict[str, Any]:
    """Delete an order, fulfilled ones too; a second time it does not exist (captured: orders-012, orders-013)."""
    ctx.require_type(orderId, "Order")
    row = ctx.find("Order", orderId)
    if row is None:
        return {"deletedId": None, "userErrors": [user_error(["orderId"], MISSING, "NOT_FOUND")]}
    ctx.table("Order").remove(row.number)
    order_customers.unlink(ctx.shop, row["_customer_id"], row.number)
    metafields.drop_owner(ctx.shop, row["id"])
    ctx.shop.emit("orders/delete", {"id": row.number, "admin_graphql_api_id": row["id"]})
    return {"deletedId": row["id"], "userErrors": []}


@mutation("orderCustomerSet")
def order_customer_set(ctx: Context, orderId: str, customerId: str) -> dict[str, Any]:
    """Give an order a customer.

    Captured: unknown order, unknown customer (orders-025); a customer without a role at the order's company location is not
    permitted (orders-024).
    """
    ctx.require_type(customerId, "Customer")
    refused = missing(ctx, orderId, "orderId", "NOT_FOUND")
    if refused is not None:
        return refused
    customer = ctx.find("Customer", customerId)
    if customer is None:
        return {"order": None, "userErrors": [user_error(["customerId"], "Customer does not exist", "NOT_FOUND")]}
    row = edit_order(ctx, orderId)
    company = row.get("_company")
    if company is not None and not may_order(ctx, customer.number, company["location"].number):
        text = "Customer does not have the permissions to place this order"
        return {"order": None, "userErrors": [user_error(["customerId"], text, "NOT_PERMITTED")]}
    order_customers.move(ctx.shop, row, customer.number)
    changed(ctx, row)
    return {"order": row, "userErrors": []}


@mutation("orderCustomerRemove")
def order_customer_remove(ctx: Context, orderId: str) -> dict[str, Any]:
    """Take the customer off an order, a cancelled one too, but not off a company's (captured: orders-024, orders-025)."""
    refused = missing(ctx, orderId, "orderId", "NOT_FOUND")
    if refused is not None:
        return refused
    row = edit_order(ctx, orderId)
    if row.get("_company") is not None:
        return {"order": None, "userErrors": [user_error(["orderId"], "Action not permitted on B2B Orders", "INVALID")]}
    order_customers.move(ctx.shop, row, None)
    changed(ctx, row)
    return {"order": row, "userErrors": []}


@mutation("orderInvoiceSend")
def order_invoice_send(ctx: Context, id: str, email: dict[str, Any] | None = None) -> dict[str, Any]:
    """Pretend to send an invoice: nothing leaves the fake (captured: the order comes back unchanged, orders-070).

    Assumed: an order without e-mail address and without a recipient is refused.
    """
    refused = missing(ctx, id, code="ORDER_INVOICE_SEND_UNSUCCESSFUL")
    if refused is not None:
        return refused
    row = ctx.find("Order", id)
    if row is not None and not (row["email"] or (email or {}).get("to")):
        error = user_error(["id"], "To can't be blank", "ORDER_INVOICE_SEND_UNSUCCESSFUL")
        return {"order": None, "userErrors": [error]}
    return {"order": row, "userErrors": []}
