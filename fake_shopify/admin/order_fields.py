"""Fields of an `Order`: its money, its states, its parts as connections. Totals come from `order_totals`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.fulfillment_state import display_status, fulfillable_quantity
from fake_shopify.admin.order_lines import line_page, merged_taxes
from fake_shopify.admin.order_money import ZERO, Pair, add, bag, subtract, text
from fake_shopify.admin.order_rows import confirmation_number
from fake_shopify.context import Context
from fake_shopify.money import money
from fake_shopify.paging import Connection, page_of_list
from fake_shopify.registry import field
from fake_shopify.rows import Row
from fake_shopify.world import gid

Total = Callable[[Row], Pair]


def _none(order: Row) -> Pair:
    return ZERO


SETS: dict[str, Total] = {
    "cartDiscountAmountSet": totals.cart_discount,
    "currentCartDiscountAmountSet": totals.current_cart_discount,
    "currentShippingPriceSet": totals.current_shipping,
    "currentSubtotalPriceSet": totals.current_subtotal,
    "currentTotalDiscountsSet": lambda order: add(
        totals.current_line_discounts(order), subtract(totals.shipping_total(order), totals.shipping_net(order))
    ),
    "currentTotalPriceSet": totals.current_total,
    "currentTotalTaxSet": totals.current_tax,
    "netPaymentSet": totals.net_payment,
    "originalTotalPriceSet": totals.total,
    "refundDiscrepancySet": totals.refund_discrepancy_total,
    "subtotalPriceSet": totals.subtotal,
    "totalCapturableSet": totals.capturable,
    "totalDiscountsSet": totals.discounts,
    "totalOutstandingSet": totals.outstanding,
    "totalPriceSet": totals.total,
    "totalReceivedSet": totals.received,
    "totalRefundedSet": totals.refunded,
    "totalRefundedShippingSet": totals.refunded_shipping,
    "totalShippingPriceSet": totals.shipping_total,
    "totalTaxSet": totals.tax,
    "totalTipReceivedSet": _none,
}
"""Every money field of an order that is a `MoneyBag`."""

SCALARS = {
    "cartDiscountAmount": "cartDiscountAmountSet",
    "netPayment": "netPaymentSet",
    "subtotalPrice": "subtotalPriceSet",
    "totalCapturable": "totalCapturableSet",
    "totalDiscounts": "totalDiscountsSet",
    "totalPrice": "totalPriceSet",
    "totalReceived": "totalReceivedSet",
    "totalRefunded": "totalRefundedSet",
    "totalShippingPrice": "totalShippingPriceSet",
    "totalTax": "totalTaxSet",
}
"""The deprecated twins in the shop's currency."""


def _bag_of(total: Total) -> Callable[[Row, Context], dict[str, Any]]:
    return lambda row, ctx: bag(total(row), row)


def _text_of(total: Total) -> Callable[[Row, Context], str]:
    return lambda row, ctx: text(total(row))


for _name, _total in SETS.items():
    field("Order", _name)(_bag_of(_total))
for _name, _twin in SCALARS.items():
    field("Order", _name)(_text_of(SETS[_twin]))


@field("Order", "totalTipReceived")
def _tip(row: Row, ctx: Context) -> dict[str, Any]:
    return money(0, row["currencyCode"])


@field("Order", "totalCashRoundingAdjustment")
def _rounding(row: Row, ctx: Context) -> dict[str, Any]:
    return {"__typename": "CashRoundingAdjustment", "paymentSet": bag(ZERO, row), "refundSet": bag(ZERO, row)}


# States


@field("Order", "displayFinancialStatus")
def _financial(row: Row, ctx: Context) -> str | None:
    return totals.financial_status(row)


@field("Order", "displayFulfillmentStatus")
def _fulfillment(row: Row, ctx: Context) -> str:
    return display_status(row)


@field("Order", "closed")
def _closed(row: Row, ctx: Context) -> bool:
    return row["closedAt"] is not None


@field("Order", "capturable")
def _capturable(row: Row, ctx: Context) -> bool:
    return bool(totals.open_authorizations(row))


def can_mark_as_paid(order: Row) -> bool:
    """Say whether `orderMarkAsPaid` works: something is outstanding and the order is neither cancelled nor settled.

    Source: shopify.dev/docs/api/admin-graphql/latest/mutations/orderMarkAsPaid (read 2026-11).
    """
    status = totals.financial_status(order)
    return order["cancelledAt"] is None and status not in ("PAID", "REFUNDED", "VOIDED") and totals.outstanding(order)[1] > 0


@field("Order", "canMarkAsPaid")
def _can_mark_as_paid(row: Row, ctx: Context) -> bool:
    return can_mark_as_paid(row)


@field("Order", "canNotifyCustomer")
def _can_notify(row: Row, ctx: Context) -> bool:
    return bool(row["email"])


@field("Order", "fullyPaid")
def _fully_paid(row: Row, ctx: Context) -> bool:
    return totals.outstanding(row)[0] <= 0 and not totals.open_authorizations(row)


@field("Order", "unpaid")
def _unpaid(row: Row, ctx: Context) -> bool:
    return not totals.received(row)[0] and bool(totals.total(row)[0])


@field("Order", "refundable")
def _refundable(row: Row, ctx: Context) -> bool:
    return totals.refundable(row)[0] > 0


@field("Order", "restockable")
def _restockable(row: Row, ctx: Context) -> bool:
    return any(line["_variant_id"] is not None and totals.current_quantity(line) for line in row["_lines"])


@field("Order", "fulfillable")
def _fulfillable(row: Row, ctx: Context) -> bool:
    return any(fulfillable_quantity(line) for line in row["_lines"])


@field("Order", "requiresShipping")
def _requires_shipping(row: Row, ctx: Context) -> bool:
    return any(line["requiresShipping"] for line in row["_lines"])


@field("Order", "edited", "taxExempt", "estimatedTaxes", "dutiesIncluded", "productNetwork", "hasTimelineComment")
def _never(row: Row, ctx: Context) -> bool:
    return False


@field("Order", "merchantEditable")
def _editable(row: Row, ctx: Context) -> bool:
    return row["cancelledAt"] is None


@field("Order", "merchantEditableErrors")
def _editable_errors(row: Row, ctx: Context) -> list[str]:
    return [] if row["cancelledAt"] is None else ["order_cancelled"]


@field("Order", "returnStatus")
def _return_status(row: Row, ctx: Context) -> str:
    """Answer NO_RETURN: returns are not modelled (captured for orders without returns: orders-019)."""
    return "NO_RETURN"


@field("Order", "cancellation")
def _cancellation(row: Row, ctx: Context) -> dict[str, Any] | None:
    if row["cancelledAt"] is None:
        return None
    return {"__typename": "OrderCancellation", "staffNote": row.get("_staff_note")}


@field("Order", "risk")
def _risk(row: Row, ctx: Context) -> dict[str, Any]:
    return {"__typename": "OrderRiskSummary", "assessments": [], "recommendation": "NONE"}


@field("Order", "riskLevel")
def _risk_level(row: Row, ctx: Context) -> str:
    return "LOW"


# Texts and references


@field("Order", "legacyResourceId")
def _legacy(row: Row, ctx: Context) -> str:
    return str(row.number)


@field("Order", "confirmationNumber")
def _confirmation(row: Row, ctx: Context) -> str:
    return row.get("confirmationNumber") or confirmation_number(row)


@field("Order", "customer")
def _customer(row: Row, ctx: Context) -> Row | None:
    number = row["_customer_id"]
    return ctx.table("Customer").get(number) if number is not None else None


@field("Order", "purchasingEntity")
def _purchasing_entity(row: Row, ctx: Context) -> Any:
    return row.get("_company") or _customer(row, ctx)


@field("Order", "displayAddress")
def _display_address(row: Row, ctx: Context) -> Row | None:
    return row.get("shippingAddress") or row.get("billingAddress")


PLACE = ("address1", "address2", "city", "provinceCode", "countryCodeV2", "zip", "firstName", "lastName", "company")


def same_address(left: Row | None, right: Row | None) -> bool:
    """Say whether two addresses are the same; missing ones are not."""
    return left is not None and right is not None and all(left.get(name) == right.get(name) for name in PLACE)


@field("Order", "billingAddressMatchesShippingAddress")
def _addresses_match(row: Row, ctx: Context) -> bool:
    return same_address(row.get("billingAddress"), row.get("shippingAddress"))


@field("Order", "sourceName")
def _source_name(row: Row, ctx: Context) -> str:
    return row.get("sourceName") or str(_app(ctx).number)


def _app(ctx: Context) -> Any:
    return ctx.world.apps[ctx.grant.client_id]


@field("Order", "app")
def _order_app(row: Row, ctx: Context) -> dict[str, Any]:
    app = _app(ctx)
    icon = {"__typename": "Image", "url": f"https://{ctx.shop.domain}/app-icon.png", "altText": None}
    return {"__typename": "OrderApp", "id": gid("App", app.number), "name": app.name, "icon": icon}


@field("Order", "statusPageUrl")
def _status_page(row: Row, ctx: Context, **arguments: Any) -> str:
    code = confirmation_number(row).lower()
    return f"https://{ctx.shop.domain}/{ctx.shop.number}/orders/{code}/authenticate?key={code}"


@field("Order", "paymentGatewayNames")
def _gateways(row: Row, ctx: Context) -> list[str]:
    return gateway_names(row)


def gateway_names(order: Row) -> list[str]:
    """Return the gateways of an order's transactions, each once (captured: orders-007 … 011, orders-022)."""
    return list(dict.fromkeys(one["gateway"] for one in order["_transactions"] if one["gateway"]))


@field("Order", "paymentCollectionDetails")
def _collection(row: Row, ctx: Context) -> dict[str, Any]:
    return {"__typename": "OrderPaymentCollectionDetails", "additionalPaymentCollectionUrl": None, "vaultedPaymentMethods": []}


def discount_codes(order: Row) -> list[str]:
    """Return the codes of an order; the title of a draft order's discount counts as one.

    Captured: orders-009; real_objects (an order of a draft with the discount "Loyalty credit" lists that title).
    """
    names = (one.get("code") or one.get("title") for one in order["_discounts"] if one["_level"] != "line")
    return [name for name in names if name]


@field("Order", "discountCodes")
def _discount_codes(row: Row, ctx: Context) -> list[str]:
    return discount_codes(row)


@field("Order", "discountCode")
def _discount_code(row: Row, ctx: Context) -> str | None:
    return next(iter(discount_codes(row)), None)


# Parts


@field("Order", "lineItems")
def _lines(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return line_page(row["_lines"], arguments)


@field("Order", "nonFulfillableLineItems")
def _non_fulfillable(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return line_page([line for line in row["_lines"] if not totals.current_quantity(line)], arguments)


@field("Order", "shippingLines")
def _shipping_lines(row: Row, ctx: Context, includeRemovals: bool = False, **arguments: Any) -> Connection:
    return line_page(row["_shipping"], arguments)


@field("Order", "shippingLine")
def _shipping_line(row: Row, ctx: Context) -> Row | None:
    return row["_shipping"][0] if row["_shipping"] else None


@field("Order", "discountApplications")
def _discount_applications(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page_of_list(row["_discounts"], arguments)


@field("Order", "taxLines")
def _tax_lines(row: Row, ctx: Context) -> list[Row]:
    return merged_taxes(row, current=False)


@field("Order", "currentTaxLines")
def _current_tax_lines(row: Row, ctx: Context) -> list[Row]:
    return merged_taxes(row, current=True)


@field("Order", "transactions")
def _transactions(
    row: Row, ctx: Context, first: int | None = None, capturable: bool | None = None, manuallyResolvable: bool | None = None
) -> list[Row]:
    rows = row["_transactions"]
    if capturable is not None:
        open_ones = totals.open_authorizations(row)
        rows = [one for one in rows if (one in open_ones) == capturable]
    return list(rows[:first])


@field("Order", "transactionsCount")
def _transactions_count(row: Row, ctx: Context) -> dict[str, Any]:
    return {"__typename": "Count", "count": len(row["_transactions"]), "precision": "EXACT"}


@field("Order", "refunds")
def _refunds(row: Row, ctx: Context, first: int | None = None) -> list[Row]:
    return list(row["_refunds"][:first])


@field("Order", "fulfillments")
def _fulfillments(row: Row, ctx: Context, first: int | None = None, query: str | None = None) -> list[Row]:
    """List shipments, the newest first (captured: fulfillments-069)."""
    return list(reversed(row["_fulfillments"]))[:first]


@field("Order", "fulfillmentsCount")
def _fulfillments_count(row: Row, ctx: Context) -> dict[str, Any]:
    return {"__typename": "Count", "count": len(row["_fulfillments"]), "precision": "EXACT"}


@field("Order", "subtotalLineItemsQuantity")
def _quantity(row: Row, ctx: Context) -> int:
    return sum(int(line["quantity"]) for line in row["_lines"])


@field("Order", "currentSubtotalLineItemsQuantity")
def _current_quantity(row: Row, ctx: Context) -> int:
    return sum(totals.current_quantity(line) for line in row["_lines"])


@field("Order", "totalWeight")
def _weight(row: Row, ctx: Context) -> str:
    return str(int(sum(totals.weight_grams(line) * line["quantity"] for line in row["_lines"])))


@field("Order", "currentTotalWeight")
def _current_weight(row: Row, ctx: Context) -> str:
    return str(int(sum(totals.weight_grams(line) * totals.current_quantity(line) for line in row["_lines"])))


@field("Order", "retailLocation")
def _retail_location(row: Row, ctx: Context) -> Row | None:
    return None


@field("Order", "physicalLocation")
def _physical_location(row: Row, ctx: Context) -> Row | None:
    homes = row["_fulfillment_orders"]
    return ctx.table("Location").get(homes[0]["_location_id"]) if homes else None


@field("Order", "paymentTerms")
def _payment_terms(row: Row, ctx: Context) -> Row | None:
    number = row.get("_payment_terms_id")
    return ctx.table("PaymentTerms").get(number) if number is not None else None
