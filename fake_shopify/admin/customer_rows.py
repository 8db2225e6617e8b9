"""Customer rows: making them, finding them by e-mail or phone, and the addresses they hold.

Works without a request, so that seeding can make customers too. A customer row has every plain value under its GraphQL name, and
besides: `_addresses` (list of `MailingAddress` rows), `_default_address_id` (number or None), `_email_consent`, `_sms_consent` and
`_whatsapp_consent` (`{"state", "level", "at", "location"}` or None for never asked), `_erasure_at` (instant or None).

A lazily seeded table is not in the indexes; seeding may set `shop.state["seeded_customer"]`, a function `(field, text)` with field
`email` or `phone`, the text cleaned and lower-cased, that returns the number of the seeded customer or None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fake_shopify.admin.mailing_addresses import FIELDS, address_row
from fake_shopify.rows import Row
from fake_shopify.world import Shop, gid

CUSTOMER_ADDRESS = "CustomerAddress"
INDEXED = ("email", "phone")


def customer_row(number: int, now: str, *, addresses: Iterable[Row] = (), **values: Any) -> Row:
    """Make the row of a customer; what is not given is as in a customer who was just created.

    Args:
        now: `createdAt` and `updatedAt` unless given.
        addresses: made by `customer_address`; the first is the default one.

    Captured: customers-059, 072 (state DISABLED, verified e-mail, locale `en`, no consent).
    """
    held = list(addresses)
    row = Row(
        __typename="Customer",
        _id=number,
        id=gid("Customer", number),
        firstName=None,
        lastName=None,
        email=None,
        phone=None,
        note=None,
        tags=[],
        locale="en",
        state="DISABLED",
        taxExempt=False,
        taxExemptions=[],
        verifiedEmail=True,
        multipassIdentifier=None,
        dataSaleOptOut=False,
        createdAt=now,
        updatedAt=now,
        _addresses=held,
        _default_address_id=held[0].number if held else None,
        _email_consent=None,
        _sms_consent=None,
        _whatsapp_consent=None,
        _erasure_at=None,
    )
    row.update(values)
    return row


def customer_address(number: int, **values: Any) -> Row:
    """Make the row of a customer's address from GraphQL names (`address1`, `countryCodeV2`, …)."""
    return address_row(number, values, model=CUSTOMER_ADDRESS)


def display_name(row: Mapping[str, Any]) -> str:
    """Return the full name, else the e-mail address, else the phone number (captured: BEHAVIOURS 28; the phone is assumed)."""
    name = " ".join(part for part in (row.get("firstName"), row.get("lastName")) if part)
    return name or row.get("email") or row.get("phone") or ""


# Finding


def _index(shop: Shop, name: str) -> dict[str, int]:
    index: dict[str, int] = shop.state.setdefault(f"customers_by_{name}", {})
    return index


def _number_of(shop: Shop, name: str, text: str | None) -> int | None:
    key = (text or "").lower()
    if not key:
        return None
    number = _index(shop, name).get(key)
    if number is None and "seeded_customer" in shop.state:
        number = shop.state["seeded_customer"](name, key)
    row = shop.table("Customer").get(number) if number is not None else None
    return number if row is not None and str(row[name] or "").lower() == key else None


def find_by_email(shop: Shop, email: str | None) -> Row | None:
    """Return the customer with a cleaned e-mail address, without regard to case (captured: customers-127)."""
    number = _number_of(shop, "email", email)
    return shop.table("Customer").get(number) if number is not None else None


def find_by_phone(shop: Shop, phone: str | None) -> Row | None:
    """Return the customer with a cleaned phone number."""
    number = _number_of(shop, "phone", phone)
    return shop.table("Customer").get(number) if number is not None else None


def is_taken(shop: Shop, name: str, text: str | None, *, own: int | None) -> bool:
    """Say whether another customer than `own` has this `email` or `phone`."""
    number = _number_of(shop, name, text)
    return number is not None and number != own


def order_numbers(shop: Shop, number: int) -> list[int]:
    """Return the numbers of a customer's orders; the index is kept by the orders."""
    return list(shop.state.get("orders_of_customer", {}).get(number, ()))


# Changing


def add_customer(shop: Shop, values: Mapping[str, Any]) -> Row:
    """Keep a new customer with the next id."""
    row = customer_row(shop.new_id("Customer"), shop.clock.iso(), **values)
    shop.table("Customer").add(row)
    for name in INDEXED:
        _note(shop, row, name)
    return row


def change_customer(shop: Shop, row: Row, values: Mapping[str, Any]) -> None:
    """Change plain values of a row that `edit` returned, and keep the indexes true."""
    for name in INDEXED:
        if name in values:
            _index(shop, name).pop(str(row[name] or "").lower(), None)
    row.update(values, updatedAt=shop.clock.iso())
    for name in INDEXED:
        _note(shop, row, name)


def _note(shop: Shop, row: Row, name: str) -> None:
    if row[name]:
        _index(shop, name)[row[name].lower()] = row.number


def remove_customer(shop: Shop, row: Row) -> None:
    """Delete a customer with the addresses."""
    for name in INDEXED:
        if row[name]:
            _index(shop, name).pop(row[name].lower(), None)
    for address in row["_addresses"]:
        shop.table("MailingAddress").remove(address.number)
    shop.table("Customer").remove(row.number)


# Addresses


def add_address(shop: Shop, row: Row, values: Mapping[str, Any]) -> Row:
    """Add an address at the end; the first one becomes the default."""
    address = customer_address(shop.new_id("MailingAddress"), **values)
    shop.table("MailingAddress").add(address)
    row["_addresses"].append(address)
    if row["_default_address_id"] is None:
        row["_default_address_id"] = address.number
    return address


def drop_address(shop: Shop, row: Row, address: Row) -> None:
    """Take an address away; the first that is left becomes the default when the default one goes (assumed: which one)."""
    shop.table("MailingAddress").remove(address.number)
    row["_addresses"] = [one for one in row["_addresses"] if one.number != address.number]
    if row["_default_address_id"] == address.number:
        row["_default_address_id"] = row["_addresses"][0].number if row["_addresses"] else None


def address_of(row: Row, number: int | None) -> Row | None:
    """Return a customer's address by number."""
    return next((one for one in row["_addresses"] if one.number == number), None)


def default_address(row: Row) -> Row | None:
    """Return the default address."""
    return address_of(row, row["_default_address_id"])


def with_names(row: Mapping[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Give an address without any name the customer's (captured: customers-026, 116)."""
    if not values.get("firstName") and not values.get("lastName"):
        return values | {"firstName": row["firstName"], "lastName": row["lastName"]}
    return values


def same_address(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Say whether two addresses agree in all their texts."""
    return all(one.get(name) == other.get(name) for name in FIELDS)
