"""Customers."""

from __future__ import annotations

from typing import Final

from msgspec import field

from shopify_mirror.rows import (
    NO_AMOUNT,
    RAW_GUARD,
    Amount,
    Draft,
    Instant,
    NodeShape,
    Ref,
    Shape,
    Table,
    Text,
    digest_of,
    number,
    number_of,
)

CUSTOMERS: Final = Table(
    "customers",
    (
        "customer_id", "email", "phone", "first_name", "last_name", "display_name", "state", "locale", "tags", "is_verified",
        "is_tax_exempt", "orders_count", "amount_spent", "currency", "last_order_id", "country_code", "province_code",
        "email_marketing_state", "sms_marketing_state", "rfm_group", "predicted_spend_tier", "created_at", *RAW_GUARD,
    ),
)  # fmt: skip


class EmailAddress(Shape):
    """An address and whether it may be written to."""

    email_address: str | None = None
    marketing_state: str | None = None


class PhoneNumber(Shape):
    """A number and whether it may be written to."""

    phone_number: str | None = None
    marketing_state: str | None = None


class Home(Shape):
    """Where a customer lives, as far as sums are made of it."""

    province_code: str | None = None
    country_code: str | None = field(name="countryCodeV2", default=None)


class Statistics(Shape):
    """What Shopify makes of a customer."""

    rfm_group: str | None = None
    predicted_spend_tier: str | None = None


class Customer(NodeShape, tag="Customer"):
    """A customer as our documents ask for it."""

    updated_at: Instant
    default_email_address: EmailAddress | None = None
    default_phone_number: PhoneNumber | None = None
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    state: str | None = None
    locale: str | None = None
    tags: tuple[str, ...] = ()
    verified_email: bool | None = None
    tax_exempt: bool | None = None
    number_of_orders: str | int | None = None
    amount_spent: Amount | None = None
    last_order: Ref | None = None
    default_address: Home | None = None
    statistics: Statistics | None = None
    created_at: Instant | None = None


_NO_EMAIL, _NO_PHONE, _NO_HOME, _NO_STATISTICS = EmailAddress(), PhoneNumber(), Home(), Statistics()


def take_customer(draft: Draft, customer: Customer, raw_id: int, text: Text) -> None:
    """Write a customer's row."""
    email, phone = customer.default_email_address or _NO_EMAIL, customer.default_phone_number or _NO_PHONE
    home, statistics = customer.default_address or _NO_HOME, customer.statistics or _NO_STATISTICS
    spent = customer.amount_spent or NO_AMOUNT
    draft.rows["customers"].append(
        (
            *draft.keys, number(customer.id), email.email_address, phone.phone_number, customer.first_name, customer.last_name,
            customer.display_name, customer.state, customer.locale, draft.array(customer.tags), customer.verified_email,
            customer.tax_exempt, customer.number_of_orders, spent.amount, spent.currency_code, number_of(customer.last_order),
            home.country_code, home.province_code, email.marketing_state, phone.marketing_state, statistics.rfm_group,
            statistics.predicted_spend_tier, customer.created_at, raw_id, digest_of(text), customer.updated_at,
        )
    )  # fmt: skip
    draft.keep_raw(raw_id, text)
    draft.introduce(customer.id, customer.updated_at)
