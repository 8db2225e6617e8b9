"""Orders and what lies with them: line items, transactions, fulfillments, refunds and their lines."""

from __future__ import annotations

from decimal import Decimal
from struct import Struct as Layout
from typing import Final

from msgspec import field

from shopify_kit.copying import FALSE, NULL, TRUE, boolean, int4, int8, raw, text
from shopify_mirror.rows import Bag, Count, Pen, Ref, Shape, Table, digest, number, reference

ORDERS: Final = Table(
    "orders",
    (
        "order_id", "line_quantity", "name", "number", "customer_id", "email", "phone", "processed_at", "created_at", "closed_at",
        "cancelled_at", "cancel_reason", "is_test", "is_confirmed", "is_edited", "source_name", "app_name", "financial_status",
        "fulfillment_status", "return_status", "country_code", "province_code", "city", "tags", "discount_codes",
        "transactions_count", "fulfillments_count", "currency", "subtotal_price", "total_discounts", "total_shipping", "total_tax",
        "total_price", "total_refunded", "total_duties", "total_fees", "total_tip", "current_total_price", "total_received",
        "total_outstanding", "refunded_shipping", "presentment_currency", "presentment_subtotal_price",
        "presentment_total_discounts", "presentment_total_shipping", "presentment_total_tax", "presentment_total_price",
        "presentment_total_refunded", "raw",
    ),
)  # fmt: skip
LINE_ITEMS: Final = Table(
    "line_items",
    (
        "line_item_id", "quantity", "current_quantity", "unfulfilled_quantity", "order_id", "product_id", "variant_id", "title",
        "variant_title", "sku", "vendor", "is_gift_card", "is_taxable", "requires_shipping", "unit_price", "line_discount",
        "allocated_discount", "presentment_unit_price", "presentment_allocated_discount", "raw",
    ),
)  # fmt: skip
TRANSACTIONS: Final = Table(
    "transactions",
    (
        "order_id", "transaction_id", "parent_transaction_id", "kind", "status", "gateway", "is_test", "amount", "currency",
        "presentment_amount", "presentment_currency", "created_at", "processed_at",
    ),
)  # fmt: skip
FULFILLMENTS: Final = Table(
    "fulfillments",
    (
        "order_id", "fulfillment_id", "location_id", "name", "status", "display_status", "total_quantity", "tracking_company",
        "tracking_numbers", "created_at", "delivered_at",
    ),
)  # fmt: skip
REFUNDS: Final = Table(
    "refunds",
    (
        "order_id", "refund_id", "note", "currency", "total_refunded", "presentment_currency", "presentment_total_refunded",
        "created_at", "processed_at",
    ),
)  # fmt: skip

_order_ints = Layout("!iqii").pack
_line_ints = Layout("!iqiiiiii").pack
_pair = Layout("!iqiq").pack


class Address(Shape):
    """Where an order goes, as far as sums are made of it."""

    city: str | None = None
    province_code: str | None = None
    country_code: str | None = field(name="countryCodeV2", default=None)


class OrderApp(Shape):
    """The app through which an order came."""

    name: str | None = None


class Transaction(Shape):
    """An `OrderTransaction`."""

    id: str
    kind: str | None = None
    status: str | None = None
    gateway: str | None = None
    test: bool | None = None
    amount_set: Bag | None = None
    parent_transaction: Ref | None = None
    created_at: str | None = None
    processed_at: str | None = None


class Tracking(Shape):
    """A parcel's number."""

    company: str | None = None
    number: str | None = None


class Fulfillment(Shape):
    """What was sent."""

    id: str
    name: str | None = None
    status: str | None = None
    display_status: str | None = None
    total_quantity: int | None = None
    location: Ref | None = None
    tracking_info: list[Tracking] = []
    created_at: str | None = None
    updated_at: str | None = None
    delivered_at: str | None = None


class Refund(Shape):
    """What was paid back."""

    id: str
    note: str | None = None
    total_refunded_set: Bag | None = None
    created_at: str | None = None
    processed_at: str | None = None
    updated_at: str | None = None


class Order(Shape, tag_field="__typename", tag="Order"):
    """An order as our documents ask for it."""

    id: str
    updated_at: str
    currency_code: str
    name: str | None = None
    number: int | None = None
    customer: Ref | None = None
    email: str | None = None
    phone: str | None = None
    created_at: str | None = None
    processed_at: str | None = None
    closed_at: str | None = None
    cancelled_at: str | None = None
    cancel_reason: str | None = None
    test: bool = False
    confirmed: bool | None = None
    edited: bool | None = None
    source_name: str | None = None
    app: OrderApp | None = None
    display_financial_status: str | None = None
    display_fulfillment_status: str | None = None
    return_status: str | None = None
    shipping_address: Address | None = None
    tags: tuple[str, ...] = ()
    discount_codes: tuple[str, ...] = ()
    subtotal_line_items_quantity: int = 0
    transactions_count: Count | None = None
    fulfillments_count: Count | None = None
    subtotal_price_set: Bag | None = None
    total_discounts_set: Bag | None = None
    total_shipping_price_set: Bag | None = None
    total_tax_set: Bag | None = None
    total_price_set: Bag | None = None
    total_refunded_set: Bag | None = None
    original_total_duties_set: Bag | None = None
    original_total_additional_fees_set: Bag | None = None
    total_tip_received_set: Bag | None = None
    current_total_price_set: Bag | None = None
    total_received_set: Bag | None = None
    total_outstanding_set: Bag | None = None
    total_refunded_shipping_set: Bag | None = None
    presentment_currency_code: str | None = None
    transactions: list[Transaction] = []
    fulfillments: list[Fulfillment] = []
    refunds: list[Refund] = []


class Allocation(Shape):
    """A line's share of a discount."""

    allocated_amount_set: Bag


class LineItem(Shape, tag_field="__typename", tag="LineItem"):
    """A line item as our documents ask for it."""

    id: str
    quantity: int
    current_quantity: int
    unfulfilled_quantity: int = 0
    title: str | None = None
    variant_title: str | None = None
    sku: str | None = None
    vendor: str | None = None
    is_gift_card: bool = False
    taxable: bool = False
    requires_shipping: bool = False
    product: Ref | None = None
    variant: Ref | None = None
    original_unit_price_set: Bag | None = None
    total_discount_set: Bag | None = None
    discount_allocations: list[Allocation] = []
    parent_id: str | None = field(name="__parentId", default=None)


_NOWHERE = Address()
_NO_APP = OrderApp()


def order_row(pen: Pen, head: bytes, order: Order, line: bytes) -> bytes:
    """Write an order's row of `ORDERS`."""
    word, instant, amount, other = pen.word, pen.instant, pen.shop_amount, pen.presentment_amount
    place = order.shipping_address or _NOWHERE
    subtotal, discounts, shipping = order.subtotal_price_set, order.total_discounts_set, order.total_shipping_price_set
    tax, total, refunded = order.total_tax_set, order.total_price_set, order.total_refunded_set
    return b"".join(
        (
            head, _order_ints(8, number(order.id), 4, order.subtotal_line_items_quantity),
            text(order.name), int4(order.number), reference(order.customer), text(order.email), text(order.phone),
            instant[order.processed_at], instant[order.created_at], instant[order.closed_at], instant[order.cancelled_at],
            word[order.cancel_reason], TRUE if order.test else FALSE, boolean(order.confirmed), boolean(order.edited),
            word[order.source_name], word[(order.app or _NO_APP).name], word[order.display_financial_status],
            word[order.display_fulfillment_status], word[order.return_status], word[place.country_code], word[place.province_code],
            word[place.city], pen.texts[order.tags], pen.texts[order.discount_codes],
            _count(order.transactions_count), _count(order.fulfillments_count), word[order.currency_code],
            amount(subtotal), amount(discounts), amount(shipping), amount(tax), amount(total), amount(refunded),
            amount(order.original_total_duties_set), amount(order.original_total_additional_fees_set),
            amount(order.total_tip_received_set), amount(order.current_total_price_set), amount(order.total_received_set),
            amount(order.total_outstanding_set), amount(order.total_refunded_shipping_set),
            word[order.presentment_currency_code], other(subtotal), other(discounts), other(shipping), other(tax), other(total),
            other(refunded), raw(line), digest(line), instant[order.updated_at],
        )
    )  # fmt: skip


def _count(count: Count | None) -> bytes:
    return NULL if count is None else int4(count.count)


def line_item_row(pen: Pen, head: bytes, item: LineItem, line: bytes) -> bytes:
    """Write a line item's row of `LINE_ITEMS`; its `updated_at` is its order's and found there."""
    word = pen.word
    allocated, other_allocated = _allocated(pen, item.discount_allocations)
    return b"".join(
        (
            head,
            _line_ints(8, number(item.id), 4, item.quantity, 4, item.current_quantity, 4, item.unfulfilled_quantity),
            NULL if item.parent_id is None else int8(number(item.parent_id)),
            reference(item.product), reference(item.variant), text(item.title), word[item.variant_title], text(item.sku),
            word[item.vendor], TRUE if item.is_gift_card else FALSE, TRUE if item.taxable else FALSE,
            TRUE if item.requires_shipping else FALSE, pen.shop_amount(item.original_unit_price_set),
            pen.shop_amount(item.total_discount_set), allocated, pen.presentment_amount(item.original_unit_price_set),
            other_allocated, raw(line), digest(line), NULL,
        )
    )  # fmt: skip


def _allocated(pen: Pen, allocations: list[Allocation]) -> tuple[bytes, bytes]:
    """Add up a line's shares of discounts, in both currencies."""
    if len(allocations) == 1:
        bag = allocations[0].allocated_amount_set
        return pen.shop_amount(bag), pen.presentment_amount(bag)
    if not allocations:
        zero = pen.amount["0.0"]
        return zero, zero
    bags = [allocation.allocated_amount_set for allocation in allocations]
    shop = sum(Decimal(bag.shop_money.amount) for bag in bags)
    other = sum(Decimal((bag.presentment_money or bag.shop_money).amount) for bag in bags)
    return pen.amount[str(shop)], pen.amount[str(other)]


def transaction_row(pen: Pen, head: bytes, order_id: int, updated_at: str, it: Transaction) -> bytes:
    """Write a transaction's row of `TRANSACTIONS`."""
    word, bag = pen.word, it.amount_set
    body = b"".join(
        (
            _pair(8, order_id, 8, number(it.id)), reference(it.parent_transaction), word[it.kind], word[it.status], word[it.gateway],
            boolean(it.test), pen.shop_amount(bag), word[bag.shop_money.currency_code if bag else None], pen.presentment_amount(bag),
            word[bag.presentment_money.currency_code if bag and bag.presentment_money else None],
            pen.instant[it.created_at], pen.instant[it.processed_at],
        )
    )  # fmt: skip
    return b"".join((head, body, digest(body), pen.instant[updated_at]))


def fulfillment_row(pen: Pen, head: bytes, order_id: int, updated_at: str, it: Fulfillment) -> bytes:
    """Write a fulfillment's row of `FULFILLMENTS`."""
    word, parcels = pen.word, it.tracking_info
    body = b"".join(
        (
            _pair(8, order_id, 8, number(it.id)), reference(it.location), text(it.name), word[it.status], word[it.display_status],
            int4(it.total_quantity), word[parcels[0].company if parcels else None],
            pen.texts[tuple(parcel.number or "" for parcel in parcels)], pen.instant[it.created_at], pen.instant[it.delivered_at],
        )
    )  # fmt: skip
    return b"".join((head, body, digest(body), pen.instant[it.updated_at or updated_at]))


def refund_row(pen: Pen, head: bytes, order_id: int, updated_at: str, it: Refund) -> bytes:
    """Write a refund's row of `REFUNDS`."""
    bag = it.total_refunded_set
    body = b"".join(
        (
            _pair(8, order_id, 8, number(it.id)), text(it.note), pen.word[bag.shop_money.currency_code if bag else None],
            pen.shop_amount(bag), pen.word[bag.presentment_money.currency_code if bag and bag.presentment_money else None],
            pen.presentment_amount(bag), pen.instant[it.created_at], pen.instant[it.processed_at or it.created_at or updated_at],
        )
    )  # fmt: skip
    return b"".join((head, body, digest(body), pen.instant[it.updated_at or updated_at]))
