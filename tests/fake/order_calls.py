"""What the tests of orders send to the fake, and how they read the answers."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.fake.conftest import EmptyStore

MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
ORDER = f"""
id name email note tags closedAt cancelledAt cancelReason displayFinancialStatus displayFulfillmentStatus fullyPaid
totalPriceSet {MONEY} subtotalPriceSet {MONEY} totalTaxSet {MONEY} totalDiscountsSet {MONEY} totalShippingPriceSet {MONEY}
currentTotalPriceSet {MONEY} currentSubtotalPriceSet {MONEY} totalOutstandingSet {MONEY} totalReceivedSet {MONEY}
totalRefundedSet {MONEY} netPaymentSet {MONEY} totalPrice discountCodes
customer {{ id email }}
shippingAddress {{ address1 city countryCodeV2 }}
lineItems(first: 10) {{
  nodes {{
    id title sku quantity currentQuantity unfulfilledQuantity refundableQuantity variant {{ id }}
    originalUnitPriceSet {MONEY} discountedTotalSet {MONEY}
    discountAllocations {{ allocatedAmountSet {MONEY} }}
  }}
}}
transactions(first: 10) {{ id kind status gateway amountSet {MONEY} parentTransaction {{ id }} }}
fulfillments(first: 10) {{ id name status displayStatus }}
fulfillmentOrders(first: 10) {{
  nodes {{
    id status assignedLocation {{ location {{ id }} }}
    lineItems(first: 10) {{ nodes {{ id totalQuantity remainingQuantity lineItem {{ id title }} }} }}
  }}
}}
refunds(first: 10) {{ id note totalRefundedSet {MONEY} }}
"""
CREATE = f"""
mutation Create($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) {{
  orderCreate(order: $order, options: $options) {{ order {{ {ORDER} }} userErrors {{ field message code }} }}
}}
"""
READ = f"query Read($id: ID!) {{ order(id: $id) {{ {ORDER} }} }}"
LIST = """
query List($query: String, $sortKey: OrderSortKeys = PROCESSED_AT, $reverse: Boolean = false) {
  orders(first: 50, query: $query, sortKey: $sortKey, reverse: $reverse) { nodes { name } }
}
"""
CANCEL = """
mutation Cancel($id: ID!, $restock: Boolean = false, $refund: Boolean) {
  orderCancel(orderId: $id, reason: CUSTOMER, restock: $restock, refund: $refund) {
    job { id done } orderCancelUserErrors { field message code } userErrors { field message }
  }
}
"""
MARK_PAID = f"""
mutation MarkPaid($id: ID!) {{
  orderMarkAsPaid(input: {{id: $id}}) {{ order {{ {ORDER} }} userErrors {{ field message }} }}
}}
"""
FULFILL = """
mutation Fulfill($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id name status displayStatus totalQuantity trackingInfo { number company url } location { id } }
    userErrors { field message }
  }
}
"""
REFUND = f"""
mutation Refund($input: RefundInput!, $key: String!) {{
  refundCreate(input: $input) @idempotent(key: $key) {{
    refund {{
      id note totalRefundedSet {MONEY}
      refundLineItems(first: 5) {{ nodes {{ quantity restockType restocked subtotalSet {MONEY} }} }}
    }}
    order {{ {ORDER} }} userErrors {{ field message }}
  }}
}}
"""


def cad(amount: object) -> dict[str, Any]:
    """Write an amount in the shop's currency as input."""
    return {"shopMoney": {"amount": str(amount), "currencyCode": "CAD"}}


def line(title: str = "Tea pot", price: object = "10.00", quantity: int = 1, **values: Any) -> dict[str, Any]:
    """Write a custom line."""
    return {"title": title, "quantity": quantity, "priceSet": cad(price)} | values


def paid(amount: object, **values: Any) -> dict[str, Any]:
    """Write a successful sale."""
    return {"kind": "SALE", "status": "SUCCESS", "amountSet": cad(amount)} | values


def create(store: EmptyStore, options: dict[str, Any] | None = None, **order: Any) -> Any:
    """Create an order that must be accepted and return it; without lines it is one tea pot."""
    payload = store.data(CREATE, order={"lineItems": [line()]} | order, options=options)
    assert payload["userErrors"] == []
    return payload["order"]


def read(store: EmptyStore, order: dict[str, Any]) -> Any:
    """Read an order again."""
    return store.data(READ, id=order["id"])


def refuse(store: EmptyStore, **order: Any) -> list[tuple[Any, str]]:
    """Create an order that must be refused and return what was said."""
    payload = store.data(CREATE, order=order)
    assert payload["order"] is None
    return said(payload)


def said(payload: dict[str, Any]) -> list[tuple[Any, str]]:
    """Return `(field, message)` of a payload's user errors."""
    return [(error["field"], error["message"]) for error in payload["userErrors"]]


def shop_amount(bag: dict[str, Any]) -> str:
    """Return a bag's amount in the shop's currency."""
    amount: str = bag["shopMoney"]["amount"]
    return amount


def homes(order: dict[str, Any]) -> list[Any]:
    """Return the fulfillment orders of an order."""
    return list(order["fulfillmentOrders"]["nodes"])


def fulfill(store: EmptyStore, *groups: tuple[str, list[tuple[str, int]]], **values: Any) -> Any:
    """Ship lines of fulfillment orders (all of one whose list is empty) and return the payload."""
    given = [
        {"fulfillmentOrderId": home, "fulfillmentOrderLineItems": [{"id": one, "quantity": count} for one, count in lines]}
        for home, lines in groups
    ]
    return store.data(FULFILL, fulfillment={"lineItemsByFulfillmentOrder": given} | values)


def refund(store: EmptyStore, order: dict[str, Any], **given: Any) -> Any:
    """Refund something of an order and return the payload."""
    return store.data(REFUND, input={"orderId": order["id"]} | given, key=str(uuid4()))
