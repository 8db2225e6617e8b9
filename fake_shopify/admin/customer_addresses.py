"""The address mutations of customers.

Captured: customers-026 to 030, 115, 116. An address id that exists nowhere is refused before the customer is looked for; one that
belongs to another customer is a user error.
"""

from __future__ import annotations

from typing import Any

from fake_shopify.admin.customer_events import emit_customer
from fake_shopify.admin.customer_rows import add_address, address_of, drop_address, same_address, with_names
from fake_shopify.admin.mailing_addresses import read_address
from fake_shopify.context import Context, split_gid
from fake_shopify.failures import invalid_id, user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

NO_CUSTOMER = "Customer does not exist"
NO_ADDRESS = "Address does not exist"
EXISTS = "Address already exists"
MISMATCH = "The id of the address does not match the id in the input"
UserErrors = list[dict[str, Any]]


def _customer(ctx: Context, text: str) -> Row | None:
    ctx.require_type(text, "Customer")
    return ctx.edit("Customer", text)


def _find(ctx: Context, customer_id: str, address_id: str) -> tuple[Row | None, Row | None, UserErrors]:
    """Find the customer and the address; addresses of seeded customers are known to their customer only."""
    kind, number = split_gid(address_id)
    row = ctx.find("Customer", customer_id)
    own = address_of(row, int(number)) if row is not None and number.isdigit() else None
    if kind != "MailingAddress" or (own is None and ctx.find("MailingAddress", address_id) is None):
        raise invalid_id(address_id)
    row = _customer(ctx, customer_id)
    if row is None:
        return None, None, [user_error(["customerId"], NO_CUSTOMER)]
    if own is None:
        return row, None, [user_error(["addressId"], NO_ADDRESS)]
    return row, address_of(row, own.number), []


def _touch(ctx: Context, row: Row) -> None:
    row["updatedAt"] = ctx.now()
    emit_customer(ctx, row, "update")


@mutation("customerAddressCreate")
def customer_address_create(
    ctx: Context, customerId: str, address: dict[str, Any], setAsDefault: bool | None = None
) -> dict[str, Any]:
    """Add an address; without any name it gets the customer's, and a second one with the same texts is refused."""
    row = _customer(ctx, customerId)
    if row is None:
        return {"address": None, "userErrors": [user_error(["customerId"], NO_CUSTOMER)]}
    read = read_address(address)
    values = with_names(row, read.values)
    errors = [user_error(["address", name], message) for name, message in read.errors]
    if not errors and any(same_address(values, one) for one in row["_addresses"]):
        errors = [user_error(["address"], EXISTS)]
    if errors:
        return {"address": None, "userErrors": errors}
    made = add_address(ctx.shop, row, values)
    if setAsDefault:
        row["_default_address_id"] = made.number
    _touch(ctx, row)
    return {"address": made, "userErrors": []}


@mutation("customerAddressUpdate")
def customer_address_update(
    ctx: Context, customerId: str, addressId: str, address: dict[str, Any], setAsDefault: bool | None = None
) -> dict[str, Any]:
    """Change an address; an id inside the input, even a null one, must be the address's own (captured: customers-026).

    Assumed: a change that makes it equal to another address is refused as on creation.
    """
    row, own, errors = _find(ctx, customerId, addressId)
    if row is None or own is None:
        return {"address": None, "userErrors": errors}
    if "id" in address and split_gid(address["id"] or "")[1] != str(own.number):
        return {"address": None, "userErrors": [user_error(["addressId"], MISMATCH)]}
    read = read_address(address, own)
    errors = [user_error(["address", name], message) for name, message in read.errors]
    if not errors and any(same_address(read.values, one) for one in row["_addresses"] if one is not own):
        errors = [user_error(["address"], EXISTS)]
    if errors:
        return {"address": None, "userErrors": errors}
    own.update(read.values)
    if setAsDefault:
        row["_default_address_id"] = own.number
    _touch(ctx, row)
    return {"address": own, "userErrors": []}


@mutation("customerAddressDelete")
def customer_address_delete(ctx: Context, customerId: str, addressId: str) -> dict[str, Any]:
    """Delete an address, the default one too (captured: customers-026)."""
    row, own, errors = _find(ctx, customerId, addressId)
    if row is None or own is None:
        return {"deletedAddressId": None, "userErrors": errors}
    drop_address(ctx.shop, row, own)
    _touch(ctx, row)
    return {"deletedAddressId": own["id"], "userErrors": []}


@mutation("customerUpdateDefaultAddress")
def customer_update_default_address(ctx: Context, customerId: str, addressId: str) -> dict[str, Any]:
    """Make an address the default one; with another customer's it shows the customer unchanged (captured: customers-115)."""
    row, own, errors = _find(ctx, customerId, addressId)
    if row is not None and own is not None:
        row["_default_address_id"] = own.number
        _touch(ctx, row)
    return {"customer": row, "userErrors": errors}
