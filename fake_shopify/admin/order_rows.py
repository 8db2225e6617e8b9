"""How an order is made: the row of an `Order` with the rows of all its parts inside, without a request, so that seeding makes
them too.

An order is one aggregate: lines, shipping lines, transactions, refunds, fulfillments and fulfillment orders live inside its row and
know it under `_order`; `order_parts` finds them by id. Amounts are `Pair`s (see `order_money`), totals are computed when asked for
(`order_totals`). Every maker takes `number`, a function from a type's name to the next id: `order_parts.live_numbers` for new
orders, `order_parts.SeededOrders.numbers` for seeded ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from fake_shopify.admin.order_money import ZERO, Pair, spread
from fake_shopify.rows import Row
from fake_shopify.world import gid

Numbers = Callable[[str], int]
FIRST_ORDER_NUMBER = 1001


def new_row(type_name: str, number: int, /, **values: Any) -> Row:
    """Build a row with its GID."""
    values["__typename"] = type_name
    values["_id"] = number
    values["id"] = f"gid://shopify/{type_name}/{number}"
    return Row(values)


def new_order(
    number: int, *, name: str, order_number: int, now: str, currency: str, presentment_currency: str | None = None, **values: Any
) -> Row:
    """Build an order without parts. `values` are GraphQL fields or private keys that differ from the usual."""
    return new_row(
        "Order",
        number,
        **{
            "name": name,
            "number": order_number,
            "email": None,
            "tags": [],
            "customAttributes": [],
            "createdAt": now,
            "updatedAt": now,
            "processedAt": now,
            "closedAt": None,
            "cancelledAt": None,
            "cancelReason": None,
            "currencyCode": currency,
            "presentmentCurrencyCode": presentment_currency or currency,
            "taxesIncluded": False,
            "test": False,
            "confirmed": True,
            "_customer_id": None,
            "_financial": None,
            "_lines": [],
            "_shipping": [],
            "_discounts": [],
            "_transactions": [],
            "_refunds": [],
            "_fulfillments": [],
            "_fulfillment_orders": [],
            **values,
        },
    )


def confirmation_number(order: Row) -> str:
    """Return the customer-facing code of an order: nine letters and digits, stable for an id."""
    digest = hashlib.sha256(order["id"].encode()).digest()
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    return "".join(letters[byte % len(letters)] for byte in digest[:9])


def add_line(number: Numbers, order: Row, *, title: str, quantity: int, price: Pair, **values: Any) -> Row:
    """Add a line; `values` may name `sku`, `vendor`, `variantTitle`, `_variant_id`, `_product_id`, `_taxes` (see `tax_line`), …"""
    line = new_row(
        "LineItem",
        number("LineItem"),
        **{
            "title": title,
            "quantity": quantity,
            "sku": None,
            "vendor": None,
            "variantTitle": None,
            "requiresShipping": True,
            "taxable": True,
            "isGiftCard": False,
            "customAttributes": [],
            "_price": price,
            "_variant_id": None,
            "_product_id": None,
            "_taxes": (),
            "_allocations": (),
            "_order": order,
            **values,
        },
    )
    order["_lines"].append(line)
    return line


def tax_line(order: Row, title: str, rate: Any, price: Pair, channel_liable: bool | None = False) -> Row:
    """Build a tax line; `price` is for all units."""
    return Row(
        __typename="TaxLine", title=title, rate=float(rate), channelLiable=channel_liable, source=None, _price=price, _order=order
    )


def add_shipping(number: Numbers, order: Row, *, title: str, price: Pair, **values: Any) -> Row:
    """Add a shipping line."""
    shipping = new_row(
        "ShippingLine",
        number("ShippingLine"),
        **{
            "title": title,
            "code": None,
            "source": None,
            "custom": False,
            "_price": price,
            "_taxes": (),
            "_allocations": (),
            "_order": order,
            **values,
        },
    )
    order["_shipping"].append(shipping)
    return shipping


def add_transaction(number: Numbers, order: Row, *, kind: str, amount: Pair, now: str, **values: Any) -> Row:
    """Add a payment transaction; `_parent` is the transaction that it belongs to."""
    transaction = new_row(
        "OrderTransaction",
        number("OrderTransaction"),
        **{
            "kind": kind,
            "status": "SUCCESS",
            "gateway": "manual",
            "test": order["test"],
            "createdAt": now,
            "processedAt": now,
            "_amount": amount,
            "_parent": None,
            "_order": order,
            **values,
        },
    )
    order["_transactions"].append(transaction)
    return transaction


# Discounts


def add_discount(order: Row, level: str, typename: str, **values: Any) -> int:
    """Add a discount application and return its index; `level` is `line`, `order`, `code` or `shipping`."""
    index = len(order["_discounts"])
    target = "SHIPPING_LINE" if level == "shipping" else "LINE_ITEM"
    order["_discounts"].append(
        Row(
            __typename=typename,
            _id=index + 1,
            index=index,
            allocationMethod="ACROSS",
            targetSelection="EXPLICIT" if level == "line" else "ALL",
            targetType=target,
            _level=level,
            _order=order,
            **values,
        )
    )
    return index


def allocate(parts: Iterable[Row], index: int, shares: Iterable[Pair]) -> None:
    """Give lines (or shipping lines) their shares of a discount."""
    for part, share in zip(parts, shares, strict=True):
        part["_allocations"] = (*part["_allocations"], (index, share))


def allocate_across(order: Row, index: int, whole: Pair, weights: list[Pair]) -> None:
    """Split a discount over all lines in proportion to `weights`."""
    allocate(order["_lines"], index, spread(whole, weights))


# Fulfillment


def add_fulfillment_order(
    number: Numbers, order: Row, *, location_number: int, lines: Iterable[tuple[Row, int]], now: str, **values: Any
) -> Row:
    """Add a fulfillment order for units of some lines.

    Captured: new ones are OPEN and UNSUBMITTED, `fulfillAt` is the start of the hour (fulfillments-021, fulfillments-048).
    """
    home = new_row(
        "FulfillmentOrder",
        number("FulfillmentOrder"),
        **{
            "status": "OPEN",
            "requestStatus": "UNSUBMITTED",
            "createdAt": now,
            "updatedAt": now,
            "fulfillAt": f"{now[:13]}:00:00Z",
            "fulfillBy": None,
            "_location_id": location_number,
            "_holds": [],
            "_lines": [],
            "_order": order,
            **values,
        },
    )
    for line, quantity in lines:
        add_fulfillment_order_line(number, home, line, quantity)
    order["_fulfillment_orders"].append(home)
    return home


def add_fulfillment_order_line(number: Numbers, home: Row, line: Row, quantity: int) -> Row:
    """Add units of a line to a fulfillment order."""
    entry = new_row(
        "FulfillmentOrderLineItem",
        number("FulfillmentOrderLineItem"),
        totalQuantity=quantity,
        remainingQuantity=quantity,
        _line=line,
        _home=home,
    )
    home["_lines"].append(entry)
    return entry


def add_fulfillment(
    number: Numbers, order: Row, *, location_number: int, lines: Iterable[tuple[Row, int]], now: str, **values: Any
) -> Row:
    """Add a shipment of units of some lines. Captured: names count up per order, `#1513-F1` (fulfillments-007)."""
    fulfillment = new_row(
        "Fulfillment",
        number("Fulfillment"),
        **{
            "name": f"{order['name']}-F{len(order['_fulfillments']) + 1}",
            "status": "SUCCESS",
            "createdAt": now,
            "updatedAt": now,
            "originAddress": None,
            "_tracking": [],
            "_events": [],
            "_lines": [],
            "_taken": [],
            "_location_id": location_number,
            "_order": order,
            **values,
        },
    )
    for line, quantity in lines:
        entry = new_row("FulfillmentLineItem", number("FulfillmentLineItem"), quantity=quantity, _line=line, _home=fulfillment)
        fulfillment["_lines"].append(entry)
    order["_fulfillments"].append(fulfillment)
    return fulfillment


def close_by_fulfillment(fulfillment: Row, homes: Iterable[Row]) -> None:
    """Book a shipment of all remaining units of fulfillment orders (seeding): nothing remains and they are closed."""
    for home in homes:
        home["status"] = "CLOSED"
        for entry in home["_lines"]:
            fulfillment["_taken"].append((entry, entry["remainingQuantity"]))
            entry["remainingQuantity"] = 0


# Refunds


def add_refund(number: Numbers, order: Row, *, now: str, note: str | None = None, **values: Any) -> Row:
    """Add a refund without lines or transactions."""
    refund = new_row(
        "Refund",
        number("Refund"),
        **{
            "note": note,
            "createdAt": now,
            "updatedAt": now,
            "processedAt": now,
            "_lines": [],
            "_transactions": [],
            "_shipping": ZERO,
            "_shipping_tax": ZERO,
            "_order": order,
            **values,
        },
    )
    order["_refunds"].append(refund)
    return refund


def add_refund_line(
    number: Numbers, refund: Row, line: Row, quantity: int, *, restock_type: str, subtotal: Pair, tax: Pair, **values: Any
) -> Row:
    """Add units of a line to a refund; `_removes` says that they are no longer part of the order."""
    entry = new_row(
        "RefundLineItem",
        number("RefundLineItem"),
        **{
            "quantity": quantity,
            "restockType": restock_type,
            "restocked": restock_type != "NO_RESTOCK",
            "_subtotal": subtotal,
            "_tax": tax,
            "_removes": True,
            "_location_id": None,
            "_line": line,
            "_order": refund["_order"],
            **values,
        },
    )
    refund["_lines"].append(entry)
    return entry


def order_gid(number: int) -> str:
    """Write the GID of an order."""
    return gid("Order", number)
