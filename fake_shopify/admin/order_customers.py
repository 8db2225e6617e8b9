"""Whose order it is: finding, making and changing the customer that an order or a draft order names.

Keeps `shop.state["orders_of_customer"]` (customer number -> order numbers in the order of their making), which the customers' own
statistics read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_shopify.admin.contact_details import blank_to_none, clean_email, clean_phone, clean_tags
from fake_shopify.admin.customer_rows import add_customer, change_customer, find_by_email, find_by_phone
from fake_shopify.admin.order_parts import OF_CUSTOMER
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.rows import Row
from fake_shopify.world import Shop

PLAIN = ("firstName", "lastName", "note", "taxExempt", "multipassIdentifier")
Errors = list[dict[str, Any]]


def link(shop: Shop, customer_number: int | None, order_number: int) -> None:
    """Note that an order is a customer's."""
    if customer_number is not None:
        shop.state.setdefault(OF_CUSTOMER, {}).setdefault(customer_number, []).append(order_number)


def unlink(shop: Shop, customer_number: int | None, order_number: int) -> None:
    """Note that an order is a customer's no longer."""
    numbers = shop.state.get(OF_CUSTOMER, {}).get(customer_number, []) if customer_number is not None else []
    if order_number in numbers:
        shop.state[OF_CUSTOMER][customer_number] = [number for number in numbers if number != order_number]


def move(shop: Shop, order: Row, customer_number: int | None) -> None:
    """Give an order to another customer, or to nobody."""
    unlink(shop, order["_customer_id"], order.number)
    order["_customer_id"] = customer_number
    link(shop, customer_number, order.number)


def customer_of_email(ctx: Context, email: str | None, phone: str | None = None, **values: Any) -> Row | None:
    """Return the customer with an e-mail address (else phone number), making one where there is none; None without either.

    Captured: an order and a draft order with an unknown e-mail address make a customer, whose name is the address (orders-014,
    pagination_search-016). Assumed: the same for a phone number without e-mail address.
    """
    address, number = clean_email(email), clean_phone(phone, ctx.shop.settings["country"])
    known = find_by_email(ctx.shop, address) if address else find_by_phone(ctx.shop, number)
    if known is not None or not (address or number):
        return known
    if number and find_by_phone(ctx.shop, number) is not None:
        number = None
    row = add_customer(ctx.shop, {"email": address, "phone": number, **values})
    announce(ctx, "customers/create", row)
    return row


def announce(ctx: Context, topic: str, row: Row) -> None:
    """Emit a change of a customer."""
    ctx.shop.emit(
        topic, {"id": row.number, "admin_graphql_api_id": row["id"], "email": row["email"], "updated_at": row["updatedAt"]}
    )


def check_customer(ctx: Context, given: Mapping[str, Any]) -> Errors:
    """Check what `orderCreate` says about its customer.

    Source: shopify.dev/docs/api/admin-graphql/latest/enums/OrderCreateUserErrorCode (REDUNDANT_CUSTOMER_FIELDS; read 2026-11). The
    wordings are assumed; "Customer does not exist" after orderCustomerSet (captured: orders-025).
    """
    chosen = given.get("customer") or {}
    if given.get("customerId") and chosen:
        text = "Only one of customer and customerId can be provided"
        return [user_error(["order"], text, "REDUNDANT_CUSTOMER_FIELDS")]
    if given.get("customerId") and ctx.find("Customer", given["customerId"]) is None:
        return [user_error(["order", "customerId"], "Customer does not exist", "INVALID")]
    for name in ("toAssociate", "toUpsert"):
        wanted = (chosen.get(name) or {}).get("id")
        if wanted and ctx.find("Customer", wanted) is None:
            return [user_error(["order", "customer", name, "id"], "Customer does not exist", "INVALID")]
    return []


def customer_for_order(ctx: Context, given: Mapping[str, Any]) -> Row | None:
    """Return the customer of a new order: the named one, else the one of its e-mail address or phone number."""
    if given.get("customerId"):
        return ctx.find("Customer", given["customerId"])
    chosen = given.get("customer") or {}
    if chosen.get("toUpsert"):
        return _upserted(ctx, chosen["toUpsert"], given)
    associated = chosen.get("toAssociate") or {}
    if associated.get("id"):
        return ctx.find("Customer", associated["id"])
    if associated.get("email"):
        return find_by_email(ctx.shop, clean_email(associated["email"]))
    return customer_of_email(ctx, given.get("email"), given.get("phone"), **_names(given))


def _names(given: Mapping[str, Any]) -> dict[str, Any]:
    """Take a new customer's name from the shipping address, else from the billing address.

    Source: shopify.dev/docs/api/admin-graphql/latest/input-objects/OrderCreateOrderInput (shippingAddress; read 2026-11).
    """
    for name in ("shippingAddress", "billingAddress"):
        address = given.get(name) or {}
        found = {key: blank_to_none(address.get(key)) for key in ("firstName", "lastName")}
        if any(found.values()):
            return found
    return {}


def _upserted(ctx: Context, wanted: Mapping[str, Any], given: Mapping[str, Any]) -> Row | None:
    email = wanted.get("email") or given.get("email")
    values: dict[str, Any] = {name: wanted[name] for name in PLAIN if name in wanted}
    if "tags" in wanted:
        values["tags"] = clean_tags(wanted["tags"] or ())
    row = ctx.find("Customer", wanted["id"]) if wanted.get("id") else find_by_email(ctx.shop, clean_email(email))
    if row is None:
        return customer_of_email(ctx, email, wanted.get("phone") or given.get("phone"), **values)
    kept = ctx.table("Customer").edit(row.number)
    assert kept is not None
    change_customer(ctx.shop, kept, values)
    announce(ctx, "customers/update", kept)
    return kept
