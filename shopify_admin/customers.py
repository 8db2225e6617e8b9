"""Customers: shapes, filters, and the inputs of Shopify's customer mutations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from msgspec import Struct

from shopify_admin.search_syntax import between, every, quoted, term
from shopify_admin.shapes import Address, Raw, address_input, address_of, amount_text, lower, number_of, rename, tag_list, tag_text
from shopify_kit.identifiers import make_gid, tail


class CustomerAddress(Struct, frozen=True):
    """One of a customer's addresses."""

    id: int
    default: bool
    address: Address


class Customer(Struct, frozen=True):
    """A customer; `orders_count` and `total_spent` are Shopify's own."""

    id: int
    admin_graphql_api_id: str
    first_name: str | None
    last_name: str | None
    display_name: str
    email: str | None
    phone: str | None
    note: str | None
    tags: str
    state: str
    verified_email: bool
    tax_exempt: bool
    locale: str
    created_at: str
    updated_at: str
    orders_count: int
    total_spent: str | None
    currency: str
    last_order_id: int | None
    last_order_name: str | None
    default_address: Address | None
    addresses: tuple[CustomerAddress, ...]
    email_marketing_consent: dict[str, Any] | None


class CustomerFilters(Struct, frozen=True):
    """What a list of customers may be narrowed to; texts ignore case."""

    email: str | None = None
    phone: str | None = None
    tag: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    created_at_min: datetime | None = None
    created_at_max: datetime | None = None
    updated_at_min: datetime | None = None
    updated_at_max: datetime | None = None

    def query(self) -> str | None:
        """Write the filters in search syntax."""
        return every(
            [
                term("email", self.email) if self.email else None,
                term("phone", self.phone) if self.phone else None,
                term("tag", self.tag) if self.tag else None,
                term("first_name", self.first_name) if self.first_name else None,
                term("last_name", self.last_name) if self.last_name else None,
                *between("customer_date", self.created_at_min, self.created_at_max),
                *between("updated_at", self.updated_at_min, self.updated_at_max),
            ]
        )


class CustomerInput(TypedDict, total=False):
    """A customer as a caller gives them; absent keys are left alone by an update."""

    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    note: str | None
    tags: str | Sequence[str]
    tax_exempt: bool
    locale: str
    addresses: Sequence[Mapping[str, Any]]
    email_marketing_consent: Mapping[str, Any]
    metafields: Sequence[Mapping[str, Any]]


def customer_of(raw: Raw) -> Customer:
    """Read Shopify's Customer."""
    default = raw["defaultAddress"]
    default_id = default["id"] if default else None
    spent = raw["amountSpent"]
    return Customer(
        id=tail(raw["id"]),
        admin_graphql_api_id=raw["id"],
        first_name=raw["firstName"],
        last_name=raw["lastName"],
        display_name=raw["displayName"],
        email=raw["email"],
        phone=raw["phone"],
        note=raw["note"],
        tags=tag_text(raw["tags"]),
        state=raw["state"].lower(),
        verified_email=raw["verifiedEmail"],
        tax_exempt=raw["taxExempt"],
        locale=raw["locale"],
        created_at=raw["createdAt"],
        updated_at=raw["updatedAt"],
        orders_count=int(raw["numberOfOrders"]),
        total_spent=amount_text(spent["amount"], spent["currencyCode"]),
        currency=spent["currencyCode"],
        last_order_id=number_of(raw["lastOrder"]),
        last_order_name=raw["lastOrder"]["name"] if raw["lastOrder"] else None,
        default_address=address_of(default),
        addresses=_addresses(raw["addressesV2"]["nodes"], default_id),
        email_marketing_consent=_consent(raw["emailMarketingConsent"]),
    )


def _addresses(nodes: Sequence[Raw], default_id: str | None) -> tuple[CustomerAddress, ...]:
    made = []
    for node in nodes:
        address = address_of(node)
        assert address is not None
        made.append(CustomerAddress(tail(node["id"]), node["id"] == default_id, address))
    return tuple(made)


def _consent(raw: Raw | None) -> dict[str, Any] | None:
    if raw is None:
        return None
    return {
        "state": lower(raw["marketingState"]),
        "opt_in_level": lower(raw["marketingOptInLevel"]),
        "consent_updated_at": raw["consentUpdatedAt"],
    }


PLAIN = {
    "first_name": "firstName",
    "last_name": "lastName",
    "email": "email",
    "phone": "phone",
    "note": "note",
    "tax_exempt": "taxExempt",
    "locale": "locale",
}


def customer_input(given: CustomerInput, *, customer_id: str | None = None) -> dict[str, Any]:
    """Write a CustomerInput; consent goes along on creation only (BEHAVIOURS 29: an update refuses it)."""
    made = rename(given, PLAIN)
    if "tags" in given:
        made["tags"] = tag_list(given["tags"])
    if "addresses" in given:
        made["addresses"] = [address_input(address) for address in given["addresses"]]
    if "metafields" in given:
        made["metafields"] = [dict(metafield) for metafield in given["metafields"]]
    if customer_id is not None:
        return made | {"id": customer_id}
    if "email_marketing_consent" in given:
        made["emailMarketingConsent"] = consent_input(given["email_marketing_consent"])
    return made


def consent_input(given: Mapping[str, Any]) -> dict[str, Any]:
    """Write a CustomerEmailMarketingConsentInput."""
    made: dict[str, Any] = {"marketingState": given["state"].upper()}
    if given.get("opt_in_level"):
        made["marketingOptInLevel"] = given["opt_in_level"].upper()
    if given.get("consent_updated_at"):
        made["consentUpdatedAt"] = given["consent_updated_at"]
    return made


def customer_gid(number: int) -> str:
    """Write a customer's GID."""
    return make_gid("Customer", number)


def search_query(text: str, *, raw: bool) -> str | None:
    """Write a free-text search over customers."""
    return every([text if raw else quoted(text)])
