"""Products with their variants and metafields, and the collections that they are in."""

from __future__ import annotations

from typing import Final

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
    Ref,
    Shape,
    Table,
    Text,
    digest_of,
    kind_of,
    number,
    number_of,
)

PRODUCTS: Final = Table(
    "products",
    (
        "product_id", "title", "handle", "vendor", "product_type", "category", "status", "tags", "is_gift_card", "tracks_inventory",
        "total_inventory", "variants_count", "min_price", "max_price", "currency", "created_at", "published_at", *RAW_GUARD,
    ),
)  # fmt: skip
VARIANTS: Final = Table(
    "variants",
    (
        "product_id", "variant_id", "inventory_item_id", "title", "sku", "barcode", "position", "price", "compare_at_price",
        "inventory_policy", "inventory_quantity", "is_available_for_sale", "is_taxable", "options", "created_at", *RAW_GUARD,
    ),
)  # fmt: skip
METAFIELDS: Final = Table(
    "metafields",
    ("owner_type", "owner_id", "metafield_id", "namespace", "key", "type", "value", "created_at", *GUARD),
)
COLLECTIONS: Final = Table("collections", ("collection_id", "title", "handle", "sort_order", "products_count", *RAW_GUARD))
COLLECTION_PRODUCTS: Final = Table("collection_products", ("collection_id", "product_id", *GUARD))


class Category(Shape):
    """Where a product stands in Shopify's taxonomy."""

    full_name: str | None = None


class PriceRange(Shape):
    """From which price to which."""

    min_variant_price: Amount
    max_variant_price: Amount


class Product(NodeShape, tag="Product"):
    """A product as our documents ask for it; below a collection there is only its id."""

    title: str | None = None
    updated_at: Instant | None = None
    handle: str | None = None
    vendor: str | None = None
    product_type: str | None = None
    category: Category | None = None
    status: str | None = None
    tags: tuple[str, ...] = ()
    is_gift_card: bool | None = None
    tracks_inventory: bool | None = None
    total_inventory: Integer | None = None
    variants_count: Count | None = None
    price_range_v2: PriceRange | None = None
    created_at: Instant | None = None
    published_at: Instant | None = None


class Option(Shape):
    """What a variant is of an option."""

    value: str


class ProductVariant(NodeShape, tag="ProductVariant"):
    """A variant as our documents ask for it."""

    updated_at: Instant
    title: str | None = None
    sku: str | None = None
    barcode: str | None = None
    position: Integer | None = None
    price: str | None = None
    compare_at_price: str | None = None
    inventory_policy: str | None = None
    inventory_quantity: Integer | None = None
    available_for_sale: bool | None = None
    taxable: bool | None = None
    selected_options: tuple[Option, ...] = ()
    inventory_item: Ref | None = None
    created_at: Instant | None = None


class Metafield(NodeShape, tag="Metafield"):
    """A metafield as our documents ask for it."""

    namespace: str
    key: str
    updated_at: Instant
    type: str | None = None
    value: str | None = None
    created_at: Instant | None = None


def take_product(draft: Draft, product: Product, raw_id: int, text: Text) -> None:
    """Write a product's row, or below a collection that it belongs to it."""
    if product.parent_id is not None:
        _take_member(draft, product, product.parent_id)
        return
    if product.title is None or product.updated_at is None:
        draft.skip("Product")
        return
    prices = product.price_range_v2
    least, most = (prices.min_variant_price, prices.max_variant_price) if prices else (NO_AMOUNT, NO_AMOUNT)
    draft.rows["products"].append(
        (
            *draft.keys, number(product.id), product.title, product.handle, product.vendor, product.product_type,
            product.category.full_name if product.category else None, product.status, draft.array(product.tags),
            product.is_gift_card, product.tracks_inventory, product.total_inventory,
            product.variants_count.count if product.variants_count else None, least.amount, most.amount, least.currency_code,
            product.created_at, product.published_at, raw_id, digest_of(text), product.updated_at,
        )
    )  # fmt: skip
    draft.keep_raw(raw_id, text)
    draft.introduce(product.id, product.updated_at)


def _take_member(draft: Draft, product: Product, parent_id: str) -> None:
    if kind_of(parent_id) != "Collection":
        draft.skip("Product")
        return
    updated_at = draft.parent("collection_products", parent_id)
    draft.rows["collection_products"].append((*draft.keys, number(parent_id), number(product.id), 0, updated_at))


def take_variant(draft: Draft, variant: ProductVariant, raw_id: int, text: Text) -> None:
    """Write a variant's row."""
    draft.parent("variants", variant.parent_id)
    draft.rows["variants"].append(
        (
            *draft.keys, None if variant.parent_id is None else number(variant.parent_id), number(variant.id),
            number_of(variant.inventory_item), variant.title, variant.sku, variant.barcode, variant.position, variant.price,
            variant.compare_at_price, variant.inventory_policy, variant.inventory_quantity, variant.available_for_sale,
            variant.taxable, draft.array(tuple(option.value for option in variant.selected_options)), variant.created_at, raw_id,
            digest_of(text), variant.updated_at,
        )
    )  # fmt: skip
    draft.keep_raw(raw_id, text)
    draft.introduce(variant.id, variant.updated_at)


def take_metafield(draft: Draft, metafield: Metafield, _: int, text: Text) -> None:
    """Write a metafield's row; whose it is says its parent."""
    parent_id = metafield.parent_id
    draft.parent("metafields", parent_id)
    draft.rows["metafields"].append(
        (
            *draft.keys, None if parent_id is None else kind_of(parent_id), None if parent_id is None else number(parent_id),
            number(metafield.id), metafield.namespace, metafield.key, metafield.type, metafield.value, metafield.created_at,
            digest_of(text), metafield.updated_at,
        )
    )  # fmt: skip


class Collection(NodeShape, tag="Collection"):
    """A collection as our documents ask for it."""

    updated_at: Instant
    title: str | None = None
    handle: str | None = None
    sort_order: str | None = None
    products_count: Count | None = None


def take_collection(draft: Draft, collection: Collection, raw_id: int, text: Text) -> None:
    """Write a collection's row."""
    draft.rows["collections"].append(
        (
            *draft.keys, number(collection.id), collection.title, collection.handle, collection.sort_order,
            collection.products_count.count if collection.products_count else None, raw_id, digest_of(text), collection.updated_at,
        )
    )  # fmt: skip
    draft.keep_raw(raw_id, text)
    draft.introduce(collection.id, collection.updated_at)
