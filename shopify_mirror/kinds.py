"""Which kinds of objects the mirror takes, how each is read, and the staging tables in the order of their merge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from shopify_mirror.catalog import (
    COLLECTION_PRODUCTS,
    COLLECTIONS,
    METAFIELDS,
    PRODUCTS,
    VARIANTS,
    Collection,
    Metafield,
    Product,
    ProductVariant,
    take_collection,
    take_metafield,
    take_product,
    take_variant,
)
from shopify_mirror.customers import CUSTOMERS, Customer, take_customer
from shopify_mirror.discounts import DISCOUNT_CODES, DISCOUNTS, DiscountNode, DiscountRedeemCode, take_code, take_discount
from shopify_mirror.inventory import (
    INVENTORY_ITEMS,
    INVENTORY_LEVELS,
    LOCATIONS,
    InventoryItem,
    InventoryLevel,
    Location,
    take_item,
    take_level,
    take_location,
)
from shopify_mirror.orders import (
    FULFILLMENTS,
    LINE_ITEMS,
    ORDERS,
    REFUND_LINES,
    REFUNDS,
    LineItem,
    Order,
    take_line_item,
    take_order,
)
from shopify_mirror.rows import Draft, Table, Text

Node: TypeAlias = (
    Order
    | LineItem
    | Product
    | ProductVariant
    | Metafield
    | InventoryItem
    | InventoryLevel
    | Location
    | Customer
    | Collection
    | DiscountNode
    | DiscountRedeemCode
)
Take: TypeAlias = Callable[[Draft, Any, int, Text], None]

TAKES: Final[Mapping[type, Take]] = {
    Order: take_order,
    LineItem: take_line_item,
    Product: take_product,
    ProductVariant: take_variant,
    Metafield: take_metafield,
    InventoryItem: take_item,
    InventoryLevel: take_level,
    Location: take_location,
    Customer: take_customer,
    Collection: take_collection,
    DiscountNode: take_discount,
    DiscountRedeemCode: take_code,
}
SHAPES: Final[Mapping[str, type]] = {shape.__name__: shape for shape in TAKES}

CHILDREN: Final = (
    LINE_ITEMS,
    FULFILLMENTS,
    REFUND_LINES,
    REFUNDS,
    VARIANTS,
    METAFIELDS,
    COLLECTION_PRODUCTS,
    INVENTORY_LEVELS,
    DISCOUNT_CODES,
)
PARENTS: Final = (ORDERS, PRODUCTS, INVENTORY_ITEMS, LOCATIONS, CUSTOMERS, COLLECTIONS, DISCOUNTS)
"""Merged after their children, so that nobody sees an order with half its lines."""

TABLES: Final[Mapping[str, Table]] = {table.name: table for table in (*CHILDREN, *PARENTS)}
