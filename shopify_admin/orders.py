"""Orders: shapes, filters, and the inputs of Shopify's order, refund and fulfillment mutations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from msgspec import Struct

from shopify_admin.search_syntax import any_of, between, every, quoted, term
from shopify_admin.shapes import (
    Address,
    Raw,
    address_input,
    address_of,
    bag_text,
    lower,
    money_bag_input,
    number_of,
    rename,
    tag_list,
    tag_text,
)
from shopify_kit.errors import InvalidInput
from shopify_kit.identifiers import make_gid, tail

ORDER_STATUSES = ("open", "closed", "cancelled", "any")
FINANCIAL_STATUSES = ("pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided", "expired")
FULFILLMENT_STATUSES = ("unfulfilled", "unshipped", "partial", "fulfilled", "shipped", "scheduled", "on_hold")
SEARCHED_FULFILLMENT = {"unfulfilled": "unfulfilled", "unshipped": "unshipped", "partial": "partial", "fulfilled": "shipped"}
SHOWN_FULFILLMENT = {"UNFULFILLED": None, "PARTIALLY_FULFILLED": "partial", "FULFILLED": "fulfilled"}
CANCEL_REASONS = ("customer", "declined", "fraud", "inventory", "other", "staff")
RESTOCK_TYPES = ("no_restock", "cancel", "return")


class OrderCustomer(Struct, frozen=True):
    """The customer as an order shows them."""

    id: int
    email: str | None
    first_name: str | None
    last_name: str | None
    phone: str | None


class LineItem(Struct, frozen=True):
    """A line; `price` is the unit price before discounts."""

    id: int
    admin_graphql_api_id: str
    variant_id: int | None
    product_id: int | None
    title: str
    variant_title: str | None
    name: str
    sku: str | None
    vendor: str | None
    quantity: int
    current_quantity: int
    fulfillable_quantity: int
    refundable_quantity: int
    price: str | None
    total_discount: str | None
    requires_shipping: bool
    taxable: bool
    gift_card: bool
    properties: tuple[dict[str, Any], ...]


class ShippingLine(Struct, frozen=True):
    """What shipping was charged."""

    id: int | None
    title: str
    code: str | None
    source: str | None
    price: str | None
    discounted_price: str | None


class Fulfillment(Struct, frozen=True):
    """A shipment of lines of the order."""

    id: int
    name: str
    status: str
    display_status: str | None
    location_id: int | None
    created_at: str
    updated_at: str
    tracking: tuple[dict[str, Any], ...]
    line_items: tuple[dict[str, int], ...]


class Refund(Struct, frozen=True):
    """A refund with its lines."""

    id: int
    note: str | None
    created_at: str | None
    total_refunded: str | None
    refund_line_items: tuple[dict[str, Any], ...]


class Transaction(Struct, frozen=True):
    """A movement of money."""

    id: int
    kind: str
    status: str
    gateway: str | None
    amount: str | None
    processed_at: str | None
    parent_id: int | None


class Order(Struct, frozen=True):
    """An order with all its lines; fulfillments, refunds and transactions come with a single order only."""

    id: int
    admin_graphql_api_id: str
    name: str
    order_number: int
    email: str | None
    phone: str | None
    created_at: str
    updated_at: str
    processed_at: str
    closed_at: str | None
    cancelled_at: str | None
    cancel_reason: str | None
    confirmed: bool
    test: bool
    note: str | None
    tags: str
    source_name: str | None
    currency: str
    presentment_currency: str
    taxes_included: bool
    financial_status: str | None
    fulfillment_status: str | None
    total_price: str | None
    subtotal_price: str | None
    total_tax: str | None
    total_discounts: str | None
    total_shipping: str | None
    total_refunded: str | None
    current_total_price: str | None
    total_outstanding: str | None
    discount_codes: tuple[str, ...]
    note_attributes: tuple[dict[str, Any], ...]
    customer: OrderCustomer | None
    shipping_address: Address | None
    billing_address: Address | None
    line_items: tuple[LineItem, ...]
    shipping_lines: tuple[ShippingLine, ...]
    fulfillments: tuple[Fulfillment, ...] | None = None
    refunds: tuple[Refund, ...] | None = None
    transactions: tuple[Transaction, ...] | None = None


class OrderFilters(Struct, frozen=True):
    """What a list of orders may be narrowed to."""

    status: str | None = None
    financial_status: str | None = None
    fulfillment_status: str | None = None
    name: str | None = None
    email: str | None = None
    customer_id: int | None = None
    tag: str | None = None
    created_at_min: datetime | None = None
    created_at_max: datetime | None = None
    updated_at_min: datetime | None = None
    updated_at_max: datetime | None = None
    processed_at_min: datetime | None = None
    processed_at_max: datetime | None = None

    def query(self) -> str | None:
        """Write the filters in search syntax; `any` is no filter."""
        shipped = SEARCHED_FULFILLMENT.get(self.fulfillment_status or "", self.fulfillment_status)
        return every(
            [
                any_of("status", [self.status]) if self.status and self.status != "any" else None,
                any_of("financial_status", [self.financial_status]) if self.financial_status else None,
                any_of("fulfillment_status", [shipped]) if shipped else None,
                term("name", self.name) if self.name else None,
                term("email", self.email) if self.email else None,
                term("customer_id", self.customer_id) if self.customer_id else None,
                term("tag", self.tag) if self.tag else None,
                *between("created_at", self.created_at_min, self.created_at_max),
                *between("updated_at", self.updated_at_min, self.updated_at_max),
                *between("processed_at", self.processed_at_min, self.processed_at_max),
            ]
        )


class OrderLineInput(TypedDict, total=False):
    """A line as a caller gives it: a variant, or a title with a price."""

    variant_id: int
    product_id: int
    title: str
    quantity: int
    price: str
    sku: str
    taxable: bool
    requires_shipping: bool


class OrderShippingInput(TypedDict, total=False):
    """What shipping is charged."""

    title: str
    price: str
    code: str


class OrderTransactionInput(TypedDict, total=False):
    """A payment that already happened."""

    kind: str
    status: str
    amount: str
    gateway: str


class OrderInput(TypedDict, total=False):
    """An order as a caller gives it."""

    line_items: Sequence[OrderLineInput]
    customer: Mapping[str, Any]
    customer_id: int
    email: str
    phone: str
    note: str
    tags: str | Sequence[str]
    currency: str
    test: bool
    financial_status: str
    processed_at: str
    source_name: str
    taxes_included: bool
    shipping_address: Mapping[str, Any]
    billing_address: Mapping[str, Any]
    shipping_lines: Sequence[OrderShippingInput]
    transactions: Sequence[OrderTransactionInput]
    discount_code: Mapping[str, Any]
    note_attributes: Sequence[Mapping[str, Any]]
    inventory_behaviour: str
    send_receipt: bool


# Reading


def order_of(raw: Raw, lines: Sequence[Raw] | None = None) -> Order:
    """Read Shopify's Order; `lines` are all of them where the first page was not."""
    nodes = raw["lineItems"]["nodes"] if lines is None else lines
    return Order(
        id=tail(raw["id"]),
        admin_graphql_api_id=raw["id"],
        name=raw["name"],
        order_number=raw["number"],
        email=raw["email"],
        phone=raw["phone"],
        created_at=raw["createdAt"],
        updated_at=raw["updatedAt"],
        processed_at=raw["processedAt"],
        closed_at=raw["closedAt"],
        cancelled_at=raw["cancelledAt"],
        cancel_reason=lower(raw["cancelReason"]),
        confirmed=raw["confirmed"],
        test=raw["test"],
        note=raw["note"],
        tags=tag_text(raw["tags"]),
        source_name=raw["sourceName"],
        currency=raw["currencyCode"],
        presentment_currency=raw["presentmentCurrencyCode"],
        taxes_included=raw["taxesIncluded"],
        financial_status=lower(raw["displayFinancialStatus"]),
        fulfillment_status=SHOWN_FULFILLMENT.get(raw["displayFulfillmentStatus"], lower(raw["displayFulfillmentStatus"])),
        total_price=bag_text(raw["totalPriceSet"]),
        subtotal_price=bag_text(raw["subtotalPriceSet"]),
        total_tax=bag_text(raw["totalTaxSet"]),
        total_discounts=bag_text(raw["totalDiscountsSet"]),
        total_shipping=bag_text(raw["totalShippingPriceSet"]),
        total_refunded=bag_text(raw["totalRefundedSet"]),
        current_total_price=bag_text(raw["currentTotalPriceSet"]),
        total_outstanding=bag_text(raw["totalOutstandingSet"]),
        discount_codes=tuple(raw["discountCodes"]),
        note_attributes=_attributes(raw["customAttributes"]),
        customer=_customer(raw["customer"]),
        shipping_address=address_of(raw["shippingAddress"]),
        billing_address=address_of(raw["billingAddress"]),
        line_items=tuple(line_of(node) for node in nodes),
        shipping_lines=tuple(_shipping_line(node) for node in raw["shippingLines"]["nodes"]),
        fulfillments=_many(raw.get("fulfillments"), _fulfillment),
        refunds=_many(raw.get("refunds"), _refund),
        transactions=_many(raw.get("transactions"), _transaction),
    )


def _many(rows: Sequence[Raw] | None, read: Any) -> Any:
    return None if rows is None else tuple(read(row) for row in rows)


def _attributes(rows: Sequence[Raw]) -> tuple[dict[str, Any], ...]:
    return tuple({"name": row["key"], "value": row["value"]} for row in rows)


def _customer(raw: Raw | None) -> OrderCustomer | None:
    if raw is None:
        return None
    return OrderCustomer(tail(raw["id"]), raw["email"], raw["firstName"], raw["lastName"], raw["phone"])


def line_of(raw: Raw) -> LineItem:
    """Read Shopify's LineItem."""
    return LineItem(
        id=tail(raw["id"]),
        admin_graphql_api_id=raw["id"],
        variant_id=number_of(raw["variant"]),
        product_id=number_of(raw["product"]),
        title=raw["title"],
        variant_title=raw["variantTitle"],
        name=raw["name"],
        sku=raw["sku"],
        vendor=raw["vendor"],
        quantity=raw["quantity"],
        current_quantity=raw["currentQuantity"],
        fulfillable_quantity=raw["unfulfilledQuantity"],
        refundable_quantity=raw["refundableQuantity"],
        price=bag_text(raw["originalUnitPriceSet"]),
        total_discount=bag_text(raw["totalDiscountSet"]),
        requires_shipping=raw["requiresShipping"],
        taxable=raw["taxable"],
        gift_card=raw["isGiftCard"],
        properties=_attributes(raw["customAttributes"]),
    )


def _shipping_line(raw: Raw) -> ShippingLine:
    return ShippingLine(
        id=number_of(raw) if raw["id"] else None,
        title=raw["title"],
        code=raw["code"],
        source=raw["source"],
        price=bag_text(raw["originalPriceSet"]),
        discounted_price=bag_text(raw["discountedPriceSet"]),
    )


def _fulfillment(raw: Raw) -> Fulfillment:
    lines = tuple(
        {"line_item_id": tail(n["lineItem"]["id"]), "quantity": n["quantity"]} for n in raw["fulfillmentLineItems"]["nodes"]
    )
    return Fulfillment(
        id=tail(raw["id"]),
        name=raw["name"],
        status=raw["status"].lower(),
        display_status=lower(raw["displayStatus"]),
        location_id=number_of(raw["location"]),
        created_at=raw["createdAt"],
        updated_at=raw["updatedAt"],
        tracking=tuple({"company": t["company"], "number": t["number"], "url": t["url"]} for t in raw["trackingInfo"]),
        line_items=lines,
    )


def _refund(raw: Raw) -> Refund:
    lines = tuple(
        {
            "line_item_id": tail(node["lineItem"]["id"]),
            "quantity": node["quantity"],
            "restock_type": lower(node["restockType"]),
            "location_id": number_of(node["location"]),
            "subtotal": bag_text(node["subtotalSet"]),
        }
        for node in raw["refundLineItems"]["nodes"]
    )
    return Refund(tail(raw["id"]), raw["note"], raw["createdAt"], bag_text(raw["totalRefundedSet"]), lines)


def _transaction(raw: Raw) -> Transaction:
    return Transaction(
        id=tail(raw["id"]),
        kind=raw["kind"].lower(),
        status=raw["status"].lower(),
        gateway=raw["gateway"],
        amount=bag_text(raw["amountSet"]),
        processed_at=raw["processedAt"],
        parent_id=number_of(raw["parentTransaction"]),
    )


# Writing

PLAIN = {
    "email": "email",
    "phone": "phone",
    "note": "note",
    "currency": "currency",
    "test": "test",
    "processed_at": "processedAt",
    "source_name": "sourceName",
    "taxes_included": "taxesIncluded",
}


def order_input(given: OrderInput, currency: str) -> dict[str, Any]:
    """Write an OrderCreateOrderInput; amounts are in `currency` unless the order names its own."""
    money_in = given.get("currency") or currency
    made = rename(given, PLAIN)
    made["currency"] = money_in
    made["lineItems"] = [_line_input(line, money_in) for line in given.get("line_items") or []]
    if "tags" in given:
        made["tags"] = tag_list(given["tags"])
    if "financial_status" in given:
        made["financialStatus"] = given["financial_status"].upper()
    for key, name in (("shipping_address", "shippingAddress"), ("billing_address", "billingAddress")):
        if given.get(key):
            made[name] = address_input(given[key])  # type: ignore[literal-required]
    if "shipping_lines" in given:
        made["shippingLines"] = [_shipping_input(line, money_in) for line in given["shipping_lines"]]
    if "transactions" in given:
        made["transactions"] = [_transaction_input(row, money_in) for row in given["transactions"]]
    if "note_attributes" in given:
        made["customAttributes"] = [{"key": a["name"], "value": str(a.get("value", ""))} for a in given["note_attributes"]]
    made |= _customer_input(given)
    return made


def _line_input(line: OrderLineInput, currency: str) -> dict[str, Any]:
    names = {"title": "title", "quantity": "quantity", "sku": "sku", "taxable": "taxable", "requires_shipping": "requiresShipping"}
    made = rename(line, names)
    made.setdefault("quantity", 1)
    if "variant_id" in line:
        made["variantId"] = make_gid("ProductVariant", line["variant_id"])
    if "product_id" in line:
        made["productId"] = make_gid("Product", line["product_id"])
    if "price" in line:
        made["priceSet"] = money_bag_input(line["price"], currency)
    return made


def _shipping_input(line: OrderShippingInput, currency: str) -> dict[str, Any]:
    return rename(line, {"title": "title", "code": "code"}) | {"priceSet": money_bag_input(line.get("price", "0"), currency)}


def _transaction_input(row: OrderTransactionInput, currency: str) -> dict[str, Any]:
    made = {"kind": row.get("kind", "sale").upper(), "status": row.get("status", "success").upper()}
    gateway = {"gateway": row["gateway"]} if "gateway" in row else {}
    return made | gateway | {"amountSet": money_bag_input(row["amount"], currency)}


def _customer_input(given: OrderInput) -> dict[str, Any]:
    """Write who bought: an existing customer by id, or one found or made by e-mail."""
    customer = given.get("customer") or {}
    number = given.get("customer_id") or customer.get("id")
    if number:
        return {"customer": {"toAssociate": {"id": make_gid("Customer", number)}}}
    if not customer:
        return {}
    names = {"email": "email", "first_name": "firstName", "last_name": "lastName", "phone": "phone", "note": "note"}
    upsert = rename(customer, names)
    if "tags" in customer:
        upsert["tags"] = tag_list(customer["tags"])
    return {"customer": {"toUpsert": upsert}, **({} if given.get("email") else {"email": customer.get("email")})}


def order_options(given: OrderInput) -> dict[str, Any]:
    """Write OrderCreateOptionsInput: stock is taken as the variant's policy says unless asked otherwise."""
    behaviour = given.get("inventory_behaviour", "decrement_obeying_policy")
    return {"inventoryBehaviour": behaviour.upper(), "sendReceipt": bool(given.get("send_receipt", False))}


def refund_input(order: Order, given: Mapping[str, Any]) -> dict[str, Any]:
    """Write a RefundInput: lines with what becomes of their stock, shipping, and the money back to where it came from."""
    lines = [_refund_line(order, line) for line in given.get("line_items") or []]
    made: dict[str, Any] = {"orderId": order.admin_graphql_api_id, "refundLineItems": lines}
    for key in ("note", "notify"):
        if key in given:
            made[key] = given[key]
    if given.get("shipping"):
        made["shipping"] = rename(given["shipping"], {"amount": "amount", "full_refund": "fullRefund"})
    return made


def _refund_line(order: Order, line: Mapping[str, Any]) -> dict[str, Any]:
    known = {item.id for item in order.line_items}
    if line["line_item_id"] not in known:
        raise InvalidInput.field("line_items.line_item_id", f"{line['line_item_id']} is no line of this order")
    made: dict[str, Any] = {
        "lineItemId": make_gid("LineItem", line["line_item_id"]),
        "quantity": line["quantity"],
        "restockType": line.get("restock_type", "no_restock").upper(),
    }
    if line.get("location_id"):
        made["locationId"] = make_gid("Location", line["location_id"])
    return made


def search_query(text: str, *, raw: bool, status: str | None) -> str | None:
    """Write a free-text search over orders."""
    wanted = any_of("status", [status]) if status and status != "any" else None
    return every([text if raw else quoted(text), wanted])
