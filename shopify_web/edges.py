"""The JSON API's edge: one pydantic model per request, which validates it and describes it in the OpenAPI document.

Names are REST-style, as clients of Shopify backends know them. Unknown fields are refused by name.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shopify_admin.inventory import REASONS
from shopify_admin.orders import CANCEL_REASONS, FINANCIAL_STATUSES, FULFILLMENT_STATUSES, ORDER_STATUSES, RESTOCK_TYPES
from shopify_web.codes import COUNTRY_CODES, CURRENCY_CODES
from shopify_web.fields import (
    Amount,
    Count,
    From,
    Id,
    Limit,
    LongText,
    Lowered,
    Measure,
    Moment,
    NotEmpty,
    Quantity,
    QueryFlag,
    QueryId,
    QueryLimit,
    SecretText,
    ShopDomain,
    Tags,
    Text,
    Until,
    UserId,
)

ProductStatus = Annotated[Literal["active", "archived", "draft", "unlisted"], Lowered]
OrderStatus = Annotated[Literal[ORDER_STATUSES], Lowered]  # type: ignore[valid-type]
FinancialStatus = Annotated[Literal[FINANCIAL_STATUSES], Lowered]  # type: ignore[valid-type]
FulfillmentStatus = Annotated[Literal[FULFILLMENT_STATUSES], Lowered]  # type: ignore[valid-type]
WeightUnit = Annotated[Literal["g", "kg", "oz", "lb"], Lowered]


CLEARABLE = frozenset(
    """
    compare_at_price barcode sku template_suffix body_html description note email phone first_name last_name company address1
    address2 city province province_code zip alt
    """.split()
)
"""Fields that a null empties."""


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(part) for name, part in value.items() if part is not None or name in CLEARABLE}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value


class Edge(BaseModel):
    """Base of every request model: strict types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True)

    def given(self) -> Any:
        """Return what the caller really gave, as the features' inputs: a null clears what can be empty and is nothing elsewhere."""
        return _without_nulls(self.model_dump(exclude_unset=True))


class Who(Edge):
    """Whose shop: fields that every user route takes."""

    user_id: UserId | None = Field(
        None, description="The host's id of the user; must be the caller's own where the host authenticates."
    )
    shop_domain: ShopDomain | None = Field(None, description="Needed only where the user has several shops.")
    store_id: Id | None = Field(None, description="Our integer id of the shop, accepted wherever shop_domain is.")


class WhoQuery(Who):
    """The same in a query string."""

    store_id: QueryId | None = None


class PageQuery(WhoQuery):
    """A page of a list."""

    limit: QueryLimit = Field(50, description="1 to 250.")
    cursor: str | None = Field(None, max_length=4000, description="`page.next_cursor` of the page before.")


class CreatedAndUpdated(WhoQuery):
    """Bounds in time, both inclusive; a bare date is the whole day (UTC)."""

    created_at_min: From | None = None
    created_at_max: Until | None = None
    updated_at_min: From | None = None
    updated_at_max: Until | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name in ("created_at", "updated_at", "processed_at"):
            low, high = getattr(self, f"{name}_min", None), getattr(self, f"{name}_max", None)
            if low is not None and high is not None and low > high:
                raise ValueError(f"{name}_min must not be after {name}_max")
        return self


# Connecting


class ConnectBody(Edge):
    """Connect a shop: by an access token, or by client id and secret of an own-organisation app."""

    user_id: UserId | None = None
    shop_domain: ShopDomain
    access_token: SecretText | None = None
    api_key: NotEmpty | None = None
    api_secret: SecretText | None = None
    client_id: NotEmpty | None = None
    client_secret: SecretText | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.access_token is None) == (self.client_id is None or self.client_secret is None):
            raise ValueError("give access_token, or client_id and client_secret")
        return self


class StoreBody(Edge):
    """Connect a shop by the names older backends use; the same vault as /connect."""

    user_id: UserId | None = None
    store_domain: ShopDomain
    access_token: SecretText
    api_key: NotEmpty | None = None
    api_secret: SecretText | None = None
    private_app: bool = Field(True, description="Kept for compatibility: every static token belongs to a custom app.")


class DisconnectBody(Who):
    """Leave a shop."""

    purge: bool = Field(False, description="Also delete what we stored of the shop once nobody is connected to it.")


class HealthQuery(Edge):
    """How deep to look."""

    detailed: QueryFlag = False
    user_id: UserId | None = None


# Products


class ProductFilterQuery(CreatedAndUpdated):
    """Filters of products; texts ignore case."""

    status: ProductStatus | None = None
    product_type: NotEmpty | None = None
    vendor: NotEmpty | None = None
    collection_id: QueryId | None = None
    title: NotEmpty | None = None
    sku: NotEmpty | None = None


class ProductListQuery(ProductFilterQuery, PageQuery):
    """A page of products."""


class VariantBody(Edge):
    """A variant; with `id` an existing one."""

    id: Id | None = None
    title: Text | None = None
    price: Amount | None = None
    compare_at_price: Amount | None = None
    sku: Text | None = None
    barcode: Text | None = None
    inventory_quantity: Quantity | None = Field(None, description="Available at the shop's primary location; turns tracking on.")
    inventory_policy: Annotated[Literal["deny", "continue"], Lowered] | None = None
    weight: Measure | None = Field(None, description="In weight_unit; grams without one.")
    weight_unit: WeightUnit | None = None
    requires_shipping: bool | None = None
    taxable: bool | None = None
    option1: NotEmpty | None = None
    option2: NotEmpty | None = None
    option3: NotEmpty | None = None


class OptionBody(Edge):
    """An option with its values."""

    name: NotEmpty
    values: list[NotEmpty] | None = Field(None, max_length=2048)


class ImageBody(Edge):
    """An image by its address."""

    src: str = Field(max_length=2048, pattern=r"^https?://[^\s]+$")
    alt: Text | None = None


class MetafieldBody(Edge):
    """A metafield."""

    namespace: Text | None = None
    key: NotEmpty
    type: NotEmpty
    value: LongText


class ProductFields(Edge):
    """A product; absent fields are left alone by an update."""

    title: NotEmpty | None = None
    handle: Text | None = None
    description: LongText | None = None
    body_html: LongText | None = None
    vendor: Text | None = None
    product_type: Text | None = None
    status: ProductStatus | None = None
    tags: Tags | None = None
    template_suffix: Text | None = None
    price: Amount | None = Field(None, description="Price of the only variant.")
    variants: list[VariantBody] | None = Field(None, min_length=1, max_length=2048)
    options: list[OptionBody] | None = Field(None, min_length=1, max_length=3)
    images: list[ImageBody] | None = Field(None, max_length=250)
    metafields: list[MetafieldBody] | None = Field(None, max_length=250)


class NewProductFields(ProductFields):
    """A product to create."""

    title: NotEmpty


class CreateProductBody(Who):
    """Create a product."""

    product: NewProductFields


class UpdateProductBody(Who):
    """Change a product: variants by id or added, the others kept."""

    product: ProductFields
    replace_variants: bool = Field(False, description="The given variants become the only ones.")


# Orders


class OrderFilterQuery(CreatedAndUpdated):
    """Filters of orders."""

    status: OrderStatus | None = None
    financial_status: FinancialStatus | None = None
    fulfillment_status: FulfillmentStatus | None = None
    name: NotEmpty | None = None
    email: NotEmpty | None = None
    customer_id: QueryId | None = None
    tag: NotEmpty | None = None
    processed_at_min: From | None = None
    processed_at_max: Until | None = None


class OrderListQuery(OrderFilterQuery, PageQuery):
    """A page of orders."""


class AddressBody(Edge):
    """A postal address; a code wins over the name it stands for."""

    first_name: Text | None = None
    last_name: Text | None = None
    company: Text | None = None
    address1: Text | None = None
    address2: Text | None = None
    city: Text | None = None
    province: Text | None = None
    province_code: Text | None = None
    country: Text | None = None
    country_code: Literal[COUNTRY_CODES] | None = None  # type: ignore[valid-type]
    zip: Text | None = None
    phone: Text | None = None


class OrderLineBody(Edge):
    """A line: a variant, or a title with a price."""

    variant_id: Id | None = None
    product_id: Id | None = None
    title: NotEmpty | None = None
    quantity: Count = 1
    price: Amount | None = None
    sku: Text | None = None
    taxable: bool | None = None
    requires_shipping: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.variant_id is None and (self.title is None or self.price is None):
            raise ValueError("give variant_id, or title and price")
        return self


class OrderCustomerBody(Edge):
    """Who bought: an existing customer by id, or one found or made by e-mail."""

    id: Id | None = None
    email: NotEmpty | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    phone: Text | None = None
    note: LongText | None = None
    tags: Tags | None = None


class OrderShippingBody(Edge):
    """What shipping is charged."""

    title: NotEmpty
    price: Amount = "0"
    code: Text | None = None


class OrderTransactionBody(Edge):
    """A payment that already happened."""

    kind: Annotated[Literal["sale", "authorization", "capture"], Lowered] = "sale"
    status: Annotated[Literal["success", "pending", "failure"], Lowered] = "success"
    amount: Amount
    gateway: Text | None = None


class NoteAttributeBody(Edge):
    """An attribute of the order's note."""

    name: NotEmpty
    value: Text = ""


class OrderFields(Edge):
    """An order to create."""

    line_items: list[OrderLineBody] = Field(min_length=1, max_length=250)
    customer: OrderCustomerBody | None = None
    customer_id: Id | None = None
    email: NotEmpty | None = None
    phone: Text | None = None
    note: LongText | None = None
    tags: Tags | None = None
    currency: Literal[CURRENCY_CODES] | None = None  # type: ignore[valid-type]
    test: bool | None = None
    financial_status: FinancialStatus | None = None
    processed_at: Moment | None = None
    source_name: Text | None = None
    taxes_included: bool | None = None
    shipping_address: AddressBody | None = None
    billing_address: AddressBody | None = None
    shipping_lines: list[OrderShippingBody] | None = Field(None, max_length=10)
    transactions: list[OrderTransactionBody] | None = Field(None, max_length=20)
    note_attributes: list[NoteAttributeBody] | None = Field(None, max_length=100)
    inventory_behaviour: Annotated[Literal["bypass", "decrement_ignoring_policy", "decrement_obeying_policy"], Lowered] | None = (
        None
    )
    send_receipt: bool | None = None


class CreateOrderBody(Who):
    """Create an order."""

    order: OrderFields


class CancelOrderBody(Who):
    """Cancel an order."""

    reason: Annotated[Literal[CANCEL_REASONS], Lowered] = "other"  # type: ignore[valid-type]
    restock: bool = True
    refund: bool = False
    notify_customer: bool = False
    note: LongText | None = None


class RefundLineBody(Edge):
    """A line to refund."""

    line_item_id: Id
    quantity: Count
    restock_type: Annotated[Literal[RESTOCK_TYPES], Lowered] = "no_restock"  # type: ignore[valid-type]
    location_id: Id | None = None


class ShippingRefundBody(Edge):
    """Shipping to refund: an amount or all of it."""

    amount: Amount | None = None
    full_refund: bool | None = None


class RefundOrderBody(Who):
    """Refund lines and shipping."""

    line_items: list[RefundLineBody] = Field(default_factory=list, max_length=250)
    shipping: ShippingRefundBody | None = None
    note: LongText | None = None
    notify: bool = False
    idempotency_key: Annotated[str, Field(min_length=1, max_length=255)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.line_items and self.shipping is None:
            raise ValueError("give line_items or shipping")
        return self


class FulfillLineBody(Edge):
    """A line to ship."""

    line_item_id: Id
    quantity: Count


class TrackingBody(Edge):
    """Where the parcel can be followed."""

    number: Text | None = None
    company: Text | None = None
    url: Annotated[str, Field(max_length=2048, pattern=r"^https?://[^\s]+$")] | None = None


class FulfillOrderBody(Who):
    """Ship lines of an order; all that are open unless some are named."""

    location_id: Id | None = None
    line_items: list[FulfillLineBody] | None = Field(None, min_length=1, max_length=250)
    tracking: TrackingBody | None = None
    notify_customer: bool = False


# Customers


class CustomerFilterQuery(CreatedAndUpdated):
    """Filters of customers; texts ignore case."""

    email: NotEmpty | None = None
    phone: NotEmpty | None = None
    tag: NotEmpty | None = None
    first_name: NotEmpty | None = None
    last_name: NotEmpty | None = None


class CustomerListQuery(CustomerFilterQuery, PageQuery):
    """A page of customers."""


class ConsentBody(Edge):
    """E-mail marketing consent."""

    state: Annotated[Literal["subscribed", "unsubscribed", "pending"], Lowered]
    opt_in_level: Annotated[Literal["single_opt_in", "confirmed_opt_in", "unknown"], Lowered] | None = None
    consent_updated_at: Moment | None = None


class CustomerFields(Edge):
    """A customer; absent fields are left alone by an update."""

    first_name: Text | None = None
    last_name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    note: LongText | None = None
    tags: Tags | None = None
    tax_exempt: bool | None = None
    locale: Text | None = None
    addresses: list[AddressBody] | None = Field(None, max_length=100)
    email_marketing_consent: ConsentBody | None = None
    metafields: list[MetafieldBody] | None = Field(None, max_length=250)


class CustomerBody(Who):
    """Create or change a customer."""

    customer: CustomerFields


# Inventory and what is read only


class InventoryQuery(PageQuery):
    """Which levels."""

    location_id: QueryId | None = None
    inventory_item_id: QueryId | None = None
    sku: NotEmpty | None = None


class LevelBody(Who):
    """One level: an item, by id or SKU, at a location (the primary one unless named)."""

    inventory_item_id: Id | None = None
    sku: NotEmpty | None = None
    location_id: Id | None = None
    reason: Literal[REASONS] | None = None  # type: ignore[valid-type]
    idempotency_key: Annotated[str, Field(min_length=1, max_length=255)] | None = None

    @model_validator(mode="after")
    def _one_item(self) -> Self:
        if (self.inventory_item_id is None) == (self.sku is None):
            raise ValueError("give inventory_item_id or sku")
        return self


class AdjustInventoryBody(LevelBody):
    """Add to what is available, or take away."""

    delta: Quantity


class SetInventoryBody(LevelBody):
    """Set what is available."""

    quantity: Quantity


class LocationListQuery(PageQuery):
    """Which locations."""

    include_inactive: QueryFlag = False


class CollectionListQuery(PageQuery):
    """Which collections."""

    title: NotEmpty | None = None


class DiscountListQuery(PageQuery):
    """Which discounts."""

    status: Annotated[Literal["active", "expired", "scheduled"], Lowered] | None = None


# Search and raw queries


class SearchBody(Who):
    """Search one kind of object, or all."""

    query: NotEmpty
    type: Literal["all", "products", "orders", "customers"] = "all"
    limit: Limit = 50
    status: Annotated[Literal["active", "archived", "draft", "unlisted", "open", "closed", "cancelled", "any"], Lowered] | None = (
        None
    )
    raw: bool = Field(False, description="The query is in Shopify's search syntax and passed through.")


class GraphqlBody(Who):
    """A query of the caller's own; mutations only where the host enables them."""

    query: Annotated[str, Field(min_length=1, max_length=50_000)]
    variables: dict[str, Any] = Field(default_factory=dict)
