"""Reading `CustomerInput` and `CustomerSetInput`: what they make of a customer, what Shopify refuses, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fake_shopify.admin.contact_details import (
    TEXT_LIMIT,
    blank_to_none,
    clean_email,
    clean_phone,
    clean_tags,
    email_problems,
    is_locale,
    is_phone,
)
from fake_shopify.admin.customer_rows import add_address, address_of, drop_address, is_taken, same_address, with_names
from fake_shopify.admin.mailing_addresses import ReadAddress, read_address
from fake_shopify.context import Context, split_gid
from fake_shopify.rows import Row

NOTE_LIMIT = 5000
TAG_LIMIT = 250
NAMELESS = "A name, phone number, or email address must be present"
Problem = tuple[list[str], str, str]


@dataclass(slots=True)
class ReadCustomer:
    """What an input makes of a customer: plain values, addresses (None: leave them), and problems as `(path, message, code)`."""

    values: dict[str, Any] = field(default_factory=dict)
    addresses: list[tuple[int | None, dict[str, Any]]] | None = None
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, path: list[str], message: str, code: str = "INVALID") -> None:
        """Add a problem."""
        self.problems.append((path, message, code))

    def user_errors(self, *prefix: str) -> list[dict[str, Any]]:
        """Shape of `userErrors`; a problem of the whole customer has the prefix as its field, or null without one."""
        return [{"field": [*prefix, *path] or None, "message": message, "code": code} for path, message, code in self.problems]


def read_customer(ctx: Context, given: Mapping[str, Any], row: Row | None) -> ReadCustomer:
    """Read an input for a new customer, or for one that is there.

    Captured: customers-090 (a null `taxExempt` is refused before anything else; null addresses leave them), 043 to 064, 101 to
    104, 092 (nameless), 105 (addresses by id), 116 (addresses without doubles). Assumed: the order in which problems of different
    fields are listed, except names before the note.
    """
    read = ReadCustomer()
    if "taxExempt" in given and given["taxExempt"] is None:
        read.refuse(["taxExempt"], "Tax exempt is of unexpected type NilClass")
        return read
    _read_email(ctx, read, given, row)
    _read_phone(ctx, read, given, row)
    _read_texts(read, given)
    _read_lists(read, given)
    if given.get("taxExempt") is not None:
        read.values["taxExempt"] = given["taxExempt"]
    if given.get("addresses") is not None:
        _read_addresses(read, given["addresses"], row)
    after = _old(row, "firstName", "lastName", "email", "phone") | read.values
    if not read.problems and not any(after[name] for name in ("firstName", "lastName", "email", "phone")):
        read.refuse([], NAMELESS)
    return read


def _old(row: Row | None, *names: str) -> dict[str, Any]:
    return {name: row[name] if row is not None else None for name in names}


def _read_email(ctx: Context, read: ReadCustomer, given: Mapping[str, Any], row: Row | None) -> None:
    if "email" not in given:
        return
    email = read.values["email"] = clean_email(given["email"])
    for message, code in email_problems(email):
        read.refuse(["email"], message, code)
    if is_taken(ctx.shop, "email", email, own=row.number if row else None):
        read.refuse(["email"], "Email has already been taken", "TAKEN")


def _read_phone(ctx: Context, read: ReadCustomer, given: Mapping[str, Any], row: Row | None) -> None:
    if "phone" not in given:
        return
    phone = read.values["phone"] = clean_phone(given["phone"], ctx.shop.settings["country"])
    if phone is not None and not is_phone(phone):
        read.refuse(["phone"], "Phone is invalid")
    elif is_taken(ctx.shop, "phone", phone, own=row.number if row else None):
        read.refuse(["phone"], "Phone has already been taken", "TAKEN")


def _read_texts(read: ReadCustomer, given: Mapping[str, Any]) -> None:
    for name, human in (("firstName", "First name"), ("lastName", "Last name")):
        if name in given:
            text = read.values[name] = blank_to_none(given[name])
            if len(text or "") > TEXT_LIMIT:
                read.refuse([name], f"{human} is too long (maximum is {TEXT_LIMIT} characters)", "TOO_LONG")
    if "note" in given:
        read.values["note"] = given["note"]
        if len(given["note"] or "") > NOTE_LIMIT:
            read.refuse(["note"], f"Note is too long (maximum is {NOTE_LIMIT} characters)", "TOO_LONG")
    if blank_to_none(given.get("locale")) is not None:
        read.values["locale"] = given["locale"]
        if not is_locale(given["locale"]):
            read.refuse(["locale"], "Locale is invalid")
    if "multipassIdentifier" in given:
        read.values["multipassIdentifier"] = blank_to_none(given["multipassIdentifier"])


def _read_lists(read: ReadCustomer, given: Mapping[str, Any]) -> None:
    if "tags" in given:
        tags = read.values["tags"] = clean_tags(given["tags"] or ())
        if any(len(tag) > TEXT_LIMIT for tag in tags):
            read.refuse(["tags"], f"Tags is too long (maximum is {TEXT_LIMIT} characters)", "TOO_LONG")
        if len(tags) > TAG_LIMIT:
            read.refuse(["tags"], f"Tags cannot be more than {TAG_LIMIT}")
    if "taxExemptions" in given:
        read.values["taxExemptions"] = list(dict.fromkeys(given["taxExemptions"] or ()))


def _read_addresses(read: ReadCustomer, given: list[Mapping[str, Any]], row: Row | None) -> None:
    owner = _old(row, "firstName", "lastName") | read.values
    kept: list[tuple[int | None, dict[str, Any]]] = []
    for index, one in enumerate(given):
        base = _old_address(row, one.get("id"))
        if one.get("id") is not None and base is None:
            read.refuse(["addresses", str(index), "id"], "Customer address does not exist")
            continue
        address: ReadAddress = read_address(one, base)
        for name, message in address.errors:
            read.refuse(["addresses", str(index), name], message, "TOO_LONG" if "too long" in message else "INVALID")
        values = with_names(owner, address.values)
        if not any(same_address(values, other) for _, other in kept):
            kept.append((base.number if base else None, values))
    read.addresses = kept


def _old_address(row: Row | None, text: str | None) -> Row | None:
    kind, number = split_gid(text or "")
    return address_of(row, int(number)) if row is not None and kind == "MailingAddress" and number.isdigit() else None


def put_addresses(ctx: Context, row: Row, addresses: list[tuple[int | None, dict[str, Any]]]) -> None:
    """Replace a customer's addresses by what was read: those named by id change in place, the others are new.

    Captured: customers-051, 090, 105. Assumed: a default address that is among them stays the default; else it is the first.
    """
    wanted, default = {number for number, _ in addresses}, row["_default_address_id"]
    for old in [one for one in row["_addresses"] if one.number not in wanted]:
        drop_address(ctx.shop, row, old)
    ordered = [_put_address(ctx, row, number, values) for number, values in addresses]
    row["_addresses"] = ordered
    if address_of(row, default) is None:
        row["_default_address_id"] = ordered[0].number if ordered else None


def _put_address(ctx: Context, row: Row, number: int | None, values: dict[str, Any]) -> Row:
    address = address_of(row, number)
    if address is None:
        return add_address(ctx.shop, row, values)
    address.update(values)
    return address
