"""Requests to erase a customer's data, and taking them back. The erasure itself, days later, is not modelled."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin.contact_details import clean_email, is_email
from fake_shopify.admin.customer_rows import add_customer, find_by_email
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row


def _customer(ctx: Context, text: str) -> tuple[Row | None, dict[str, Any]]:
    ctx.require_type(text, "Customer")
    row = ctx.edit("Customer", text)
    errors = [user_error(["customerId"], "Customer does not exist", "DOES_NOT_EXIST")] if row is None else []
    return row, {"customerId": None, "userErrors": errors}


@mutation("customerRequestDataErasure")
def customer_request_data_erasure(ctx: Context, customerId: str) -> dict[str, Any]:
    """Schedule the erasure of a customer's data; the data stay readable (captured: customers-001, 002).

    Assumed: asking again is no error.
    """
    row, payload = _customer(ctx, customerId)
    if row is None:
        return payload
    row["_erasure_at"] = row["_erasure_at"] or ctx.now()
    return payload | {"customerId": row["id"]}


@mutation("customerCancelDataErasure")
def customer_cancel_data_erasure(ctx: Context, customerId: str) -> dict[str, Any]:
    """Take a request back; without one it is an error (captured: customers-001, 003)."""
    row, payload = _customer(ctx, customerId)
    if row is None:
        return payload
    if row["_erasure_at"] is None:
        text = "Customer's data is not scheduled for erasure"
        return payload | {"userErrors": [user_error(["customerId"], text, "NOT_BEING_ERASED")]}
    row["_erasure_at"] = None
    return payload | {"customerId": row["id"]}


@mutation("dataSaleOptOut")
def data_sale_opt_out(ctx: Context, email: str) -> dict[str, Any]:
    """Note that the person behind an e-mail address objects to the sale of data; an unknown one becomes a customer.

    Source: shopify.dev/docs/api/admin-graphql/latest/mutations/dataSaleOptOut (read 2026-11). Assumed: the text of the error.
    """
    cleaned = clean_email(email)
    if cleaned is None or not is_email(cleaned):
        return {"customerId": None, "userErrors": [user_error(None, "Data sale opt out failed.", "FAILED")]}
    row = find_by_email(ctx.shop, cleaned)
    row = ctx.edit("Customer", row["id"]) if row is not None else add_customer(ctx.shop, {"email": cleaned})
    assert row is not None
    row["dataSaleOptOut"] = True
    return {"customerId": row["id"], "userErrors": []}
