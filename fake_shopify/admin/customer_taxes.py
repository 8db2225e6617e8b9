"""Tax exemptions of customers: add, remove, replace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fake_shopify.admin.customer_events import emit_customer
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation


def _set(ctx: Context, customer_id: str, wanted: Iterable[str], *, add: bool, keep: bool) -> dict[str, Any]:
    """Apply exemptions in the order in which they came (captured: customers-004, 005; this unknown customer has a full stop)."""
    ctx.require_type(customer_id, "Customer")
    row = ctx.edit("Customer", customer_id)
    if row is None:
        return {"customer": None, "userErrors": [user_error(["customerId"], "Customer does not exist.")]}
    sent = list(dict.fromkeys(wanted))
    old = row["taxExemptions"] if keep else []
    new = list(dict.fromkeys([*old, *sent])) if add else [one for one in old if one not in sent]
    if new != row["taxExemptions"]:
        row.update(taxExemptions=new, updatedAt=ctx.now())
        emit_customer(ctx, row, "update")
    return {"customer": row, "userErrors": []}


@mutation("customerAddTaxExemptions")
def customer_add_tax_exemptions(ctx: Context, customerId: str, taxExemptions: list[str]) -> dict[str, Any]:
    """Add exemptions; those that are there already stay once (captured: customers-004)."""
    return _set(ctx, customerId, taxExemptions, add=True, keep=True)


@mutation("customerRemoveTaxExemptions")
def customer_remove_tax_exemptions(ctx: Context, customerId: str, taxExemptions: list[str]) -> dict[str, Any]:
    """Remove exemptions; those that are not there are passed over (assumed, after customers-004)."""
    return _set(ctx, customerId, taxExemptions, add=False, keep=True)


@mutation("customerReplaceTaxExemptions")
def customer_replace_tax_exemptions(ctx: Context, customerId: str, taxExemptions: list[str]) -> dict[str, Any]:
    """Put these exemptions in the place of all others (assumed, after customers-004)."""
    return _set(ctx, customerId, taxExemptions, add=True, keep=False)
