"""Orders and what lies with them: line items, fulfillments, refunds and their lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from msgspec import field

from shopify_mirror.rows import (
    GUARD,
    NO_BAG,
    RAW_GUARD,
    Amount,
    Bag,
    Draft,
    Instant,
    Integer,
    NodeShape,
    PageInfo,
    Ref,
    Shape,
    ShopBag,
    Table,
    Text,
    digest_of,
    digest_of_row,
    number,
    number_of,
)

ORDERS: Final = Table(
    "orders",
    (
        "order_id", "name", "customer_id", "email", "processed_at", "created_at", "cancelled_at", "cancel_reason", "is_test",
        "source_name", "app_name", "financial_status", "fulfillment_status", "return_status", "country_code", "province_code",
        "tags", "discount_codes", "line_quantity", "currency", "subtotal_price", "total_discounts", "total_shipping", "total_tax",
        "total_price", "total_refunded", "total_duties", "total_fees", "total_tip", "current_total_price", "gateways",
        "total_received", "total_outstanding", "refunded_shipping", "presentment_currency", "presentment_subtotal_price",
        "presentment_total_discounts", "presentment_total_shipping", "presentment_total_tax", "presentment_total_price",
        "presentment_total_refunded", *RAW_GUARD,
    ),
)  # fmt: skip
LINE_ITEMS: Final = Table(
    "line_items",
    (
        "order_id", "line_item_id", "product_id", "variant_id", "title", "variant_title", "sku", "vendor", "quantity",
        "current_quantity", "is_gift_card", "unit_price", "allocated_discount", "presentment_unit_price",
        "presentment_allocated_discount", *RAW_GUARD,
    ),
)  # fmt: skip
FULFILLMENTS: Final = Table(
    "fulfillments",
    (
        "order_id", "fulfillment_id", "location_id", "name", "status", "display_status", "total_quantity", "created_at",
        "delivered_at", *GUARD,
    ),
)  # fmt: skip
REFUNDS: Final = Table(
    "refunds",
    (
        "order_id", "refund_id", "note", "currency", "total_refunded", "presentment_currency", "presentment_total_refunded",
        "created_at", "processed_at", "lines_seen_at", "shipping", "shipping_tax", "adjustment", "adjustment_tax", *GUARD,
    ),
)  # fmt: skip
REFUND_LINES: Final = Table(
    "refund_lines",
    (
        "order_id", "refund_id", "refund_line_id", "line_item_id", "location_id", "quantity", "restock_type", "subtotal", "tax",
        "presentment_subtotal", "processed_at", *GUARD,
    ),
)  # fmt: skip


class Place(Shape):
    """Where an order goes, as far as sums are made of it."""

    province_code: str | None = None
    country_code: str | None = field(name="countryCodeV2", default=None)


class OrderApp(Shape):
    """The app through which an order came."""

    name: str | None = None


class Fulfillment(Shape):
    """What was sent."""

    id: str
    name: str | None = None
    status: str | None = None
    display_status: str | None = None
    total_quantity: Integer | None = None
    location: Ref | None = None
    created_at: Instant | None = None
    updated_at: Instant | None = None
    delivered_at: Instant | None = None


class RefundLine(Shape):
    """What came back."""

    quantity: Integer
    line_item: Ref
    id: str | None = None
    restock_type: str | None = None
    location: Ref | None = None
    subtotal_set: Bag | None = None
    total_tax_set: ShopBag | None = None


class RefundLines(Shape):
    """A refund's lines."""

    nodes: list[RefundLine]
    page_info: PageInfo | None = None


class RefundSum(Shape):
    """A shipping line or an adjustment of a refund."""

    subtotal_amount_set: ShopBag | None = None
    amount_set: ShopBag | None = None
    tax_amount_set: ShopBag | None = None


class RefundSums(Shape):
    """Shipping lines or adjustments of a refund."""

    nodes: list[RefundSum]


class Refund(Shape):
    """What was paid back; its lines only where they were fetched page by page."""

    id: str
    note: str | None = None
    total_refunded_set: Bag | None = None
    created_at: Instant | None = None
    processed_at: Instant | None = None
    updated_at: Instant | None = None
    refund_line_items: RefundLines | None = None
    refund_shipping_lines: RefundSums | None = None
    order_adjustments: RefundSums | None = None


class Order(NodeShape, tag="Order"):
    """An order as our documents ask for it."""

    updated_at: Instant
    currency_code: str
    name: str | None = None
    customer: Ref | None = None
    email: str | None = None
    created_at: Instant | None = None
    processed_at: Instant | None = None
    cancelled_at: Instant | None = None
    cancel_reason: str | None = None
    test: bool = False
    source_name: str | None = None
    app: OrderApp | None = None
    display_financial_status: str | None = None
    display_fulfillment_status: str | None = None
    return_status: str | None = None
    shipping_address: Place | None = None
    tags: tuple[str, ...] = ()
    discount_codes: tuple[str, ...] = ()
    payment_gateway_names: tuple[str, ...] = ()
    subtotal_line_items_quantity: Integer = 0
    subtotal_price_set: Bag | None = None
    total_discounts_set: Bag | None = None
    total_shipping_price_set: Bag | None = None
    total_tax_set: Bag | None = None
    total_price_set: Bag | None = None
    total_refunded_set: Bag | None = None
    original_total_duties_set: ShopBag | None = None
    original_total_additional_fees_set: ShopBag | None = None
    total_tip_received_set: ShopBag | None = None
    current_total_price_set: ShopBag | None = None
    total_received_set: ShopBag | None = None
    total_outstanding_set: ShopBag | None = None
    total_refunded_shipping_set: ShopBag | None = None
    presentment_currency_code: str | None = None
    fulfillments: tuple[Fulfillment, ...] = ()
    refunds: tuple[Refund, ...] = ()


class Allocation(Shape):
    """A line's share of a discount."""

    allocated_amount_set: Bag


class LineItem(NodeShape, tag="LineItem"):
    """A line item as our documents ask for it."""

    quantity: Integer
    current_quantity: Integer | None = None
    title: str | None = None
    variant_title: str | None = None
    sku: str | None = None
    vendor: str | None = None
    is_gift_card: bool = False
    product: Ref | None = None
    variant: Ref | None = None
    original_unit_price_set: Bag | None = None
    discount_allocations: tuple[Allocation, ...] = ()


_NOWHERE = Place()
_NO_APP = OrderApp()
_ZERO = Amount("0.0")


def take_order(draft: Draft, order: Order, raw_id: int, text: Text) -> None:
    """Write an order's row, and those of its fulfillments and refunds."""
    order_id, place = number(order.id), order.shipping_address or _NOWHERE
    processed_at = order.processed_at or order.created_at or order.updated_at
    subtotal, discounts = order.subtotal_price_set or NO_BAG, order.total_discounts_set or NO_BAG
    shipping, tax = order.total_shipping_price_set or NO_BAG, order.total_tax_set or NO_BAG
    total, refunded = order.total_price_set or NO_BAG, order.total_refunded_set or NO_BAG
    draft.rows["orders"].append(
        (
            *draft.keys, order_id, order.name, number_of(order.customer), order.email, processed_at, order.created_at,
            order.cancelled_at, order.cancel_reason, order.test, order.source_name, (order.app or _NO_APP).name,
            order.display_financial_status, order.display_fulfillment_status, order.return_status, place.country_code,
            place.province_code, draft.array(order.tags), draft.array(order.discount_codes), order.subtotal_line_items_quantity,
            order.currency_code, subtotal.shop_money.amount, discounts.shop_money.amount, shipping.shop_money.amount,
            tax.shop_money.amount, total.shop_money.amount, refunded.shop_money.amount,
            (order.original_total_duties_set or NO_BAG).shop_money.amount,
            (order.original_total_additional_fees_set or NO_BAG).shop_money.amount,
            (order.total_tip_received_set or NO_BAG).shop_money.amount, (order.current_total_price_set or NO_BAG).shop_money.amount,
            draft.array(order.payment_gateway_names), (order.total_received_set or NO_BAG).shop_money.amount,
            (order.total_outstanding_set or NO_BAG).shop_money.amount,
            (order.total_refunded_shipping_set or NO_BAG).shop_money.amount, order.presentment_currency_code,
            subtotal.presentment_money.amount, discounts.presentment_money.amount, shipping.presentment_money.amount,
            tax.presentment_money.amount, total.presentment_money.amount, refunded.presentment_money.amount,
            raw_id, digest_of(text), order.updated_at,
        )
    )  # fmt: skip
    draft.keep_raw(raw_id, text)
    draft.introduce(order.id, order.updated_at)
    for fulfillment in order.fulfillments:
        _take_fulfillment(draft, order_id, order.updated_at, fulfillment)
    for refund in order.refunds:
        _take_refund(draft, order_id, order.updated_at, refund)


def take_line_item(draft: Draft, item: LineItem, raw_id: int, text: Text) -> None:
    """Write a line item's row; its `updated_at` is its order's."""
    price = item.original_unit_price_set or NO_BAG
    shop, other = _allocated(item.discount_allocations)
    updated_at = draft.parent("line_items", item.parent_id)
    draft.rows["line_items"].append(
        (
            *draft.keys, None if item.parent_id is None else number(item.parent_id), number(item.id), number_of(item.product),
            number_of(item.variant), item.title, item.variant_title, item.sku, item.vendor, item.quantity, item.current_quantity,
            item.is_gift_card, price.shop_money.amount, shop, price.presentment_money.amount, other, raw_id, digest_of(text),
            updated_at,
        )
    )  # fmt: skip
    draft.keep_raw(raw_id, text)


def _allocated(allocations: tuple[Allocation, ...]) -> tuple[str | None, str | None]:
    """Add up a line's shares of discounts, its own and the order's, in both currencies."""
    if not allocations:
        return _ZERO.amount, _ZERO.amount
    if len(allocations) == 1:
        bag = allocations[0].allocated_amount_set
        return bag.shop_money.amount, bag.presentment_money.amount
    bags = [allocation.allocated_amount_set for allocation in allocations]
    return _sum(bag.shop_money for bag in bags), _sum(bag.presentment_money for bag in bags)


def _sum(amounts: Iterable[Amount]) -> str:
    return format(sum((Decimal(amount.amount or 0) for amount in amounts), Decimal(0)), "f")


def _take_fulfillment(draft: Draft, order_id: str, updated_at: datetime, it: Fulfillment) -> None:
    values = (
        order_id, number(it.id), number_of(it.location), it.name, it.status, it.display_status, it.total_quantity, it.created_at,
        it.delivered_at,
    )  # fmt: skip
    draft.rows["fulfillments"].append((*draft.keys, *values, digest_of_row(values), it.updated_at or updated_at))


def _take_refund(draft: Draft, order_id: str, updated_at: datetime, it: Refund) -> None:
    """Write a refund's row; the digest leaves out what only a page shows, so that a bulk result tells nothing new of it."""
    bag, processed_at = it.total_refunded_set or NO_BAG, it.processed_at or it.created_at or updated_at
    values = (
        order_id, number(it.id), it.note, bag.shop_money.currency_code, bag.shop_money.amount,
        bag.presentment_money.currency_code, bag.presentment_money.amount, it.created_at, processed_at,
    )  # fmt: skip
    lines, digest = it.refund_line_items, digest_of_row(values)
    is_whole = lines is not None and not (lines.page_info and lines.page_info.has_next_page)
    seen = (it.updated_at or updated_at) if is_whole else None
    shipping, adjustments = it.refund_shipping_lines, it.order_adjustments
    sums = (
        _sum_of(shipping, lambda part: part.subtotal_amount_set), _sum_of(shipping, lambda part: part.tax_amount_set),
        _sum_of(adjustments, lambda part: part.amount_set), _sum_of(adjustments, lambda part: part.tax_amount_set),
    )  # fmt: skip
    draft.rows["refunds"].append((*draft.keys, *values, seen, *sums, digest, it.updated_at or updated_at))
    for place, line in enumerate(lines.nodes if lines else ()):
        _take_refund_line(draft, (order_id, number(it.id), place), processed_at, it.updated_at or updated_at, line)


def _sum_of(parts: RefundSums | None, bag_of: Callable[[RefundSum], ShopBag | None]) -> str | None:
    return None if parts is None else _sum((bag_of(part) or NO_BAG).shop_money for part in parts.nodes)


def _take_refund_line(
    draft: Draft, place: tuple[str, str, int], processed_at: datetime, updated_at: datetime, it: RefundLine
) -> None:
    order_id, refund_id, position = place
    subtotal = it.subtotal_set or NO_BAG
    values = (
        order_id, refund_id, position if it.id is None else number(it.id), number(it.line_item.id), number_of(it.location),
        it.quantity, it.restock_type, subtotal.shop_money.amount,
        (it.total_tax_set or NO_BAG).shop_money.amount, subtotal.presentment_money.amount, processed_at,
    )  # fmt: skip
    draft.rows["refund_lines"].append((*draft.keys, *values, digest_of_row(values), updated_at))
