"""Discounts, by code and automatic, and their codes where they were fetched page by page."""

from __future__ import annotations

from typing import Final

from msgspec import field

from shopify_mirror.rows import (
    GUARD,
    NO_AMOUNT,
    RAW_GUARD,
    Amount,
    Count,
    Draft,
    Instant,
    Integer,
    NodeShape,
    Shape,
    Table,
    Text,
    digest_of,
    number,
)

DISCOUNTS: Final = Table(
    "discounts",
    (
        "method", "discount_id", "kind", "title", "status", "summary", "starts_at", "ends_at", "percentage", "amount", "currency",
        "usage_count", "usage_limit", "codes_count", "is_once_per_customer", "classes", "created_at", *RAW_GUARD,
    ),
)  # fmt: skip
DISCOUNT_CODES: Final = Table("discount_codes", ("discount_id", "code_id", "code", "usage_count", *GUARD))


class DiscountValue(Shape):
    """What a discount takes off, where that is one number."""

    percentage: float | None = None
    amount: Amount | None = None


class CustomerGets(Shape):
    """What the customer gets."""

    value: DiscountValue | None = None


class Discount(Shape):
    """Any of Shopify's eight kinds of discount."""

    kind: str = field(name="__typename")
    updated_at: Instant
    title: str | None = None
    status: str | None = None
    summary: str | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    created_at: Instant | None = None
    customer_gets: CustomerGets | None = None
    async_usage_count: Integer | None = None
    usage_limit: Integer | None = None
    codes_count: Count | None = None
    applies_once_per_customer: bool | None = None
    discount_classes: tuple[str, ...] = ()


class DiscountNode(NodeShape, tag="DiscountNode"):
    """A discount as our documents ask for it."""

    discount: Discount


class DiscountRedeemCode(NodeShape, tag="DiscountRedeemCode"):
    """A code of a discount."""

    code: str
    async_usage_count: Integer | None = None


_NO_VALUE = DiscountValue()


def take_discount(draft: Draft, node: DiscountNode, raw_id: int, text: Text) -> None:
    """Write a discount's row."""
    it = node.discount
    value = (it.customer_gets and it.customer_gets.value) or _NO_VALUE
    amount = value.amount or NO_AMOUNT
    method = "automatic" if it.kind.startswith("DiscountAutomatic") else "code"
    draft.rows["discounts"].append(
        (
            *draft.keys, method, number(node.id), it.kind, it.title, it.status, it.summary, it.starts_at, it.ends_at,
            value.percentage, amount.amount, amount.currency_code, it.async_usage_count, it.usage_limit,
            it.codes_count.count if it.codes_count else None, it.applies_once_per_customer, draft.array(it.discount_classes),
            it.created_at, raw_id, digest_of(text), it.updated_at,
        )
    )  # fmt: skip
    draft.keep_raw(raw_id, text)
    draft.introduce(node.id, it.updated_at)


def take_code(draft: Draft, code: DiscountRedeemCode, _: int, text: Text) -> None:
    """Write a code's row."""
    updated_at = draft.parent("discount_codes", code.parent_id)
    draft.rows["discount_codes"].append(
        (
            *draft.keys, None if code.parent_id is None else number(code.parent_id), number(code.id), code.code,
            code.async_usage_count, digest_of(text), updated_at,
        )
    )  # fmt: skip
