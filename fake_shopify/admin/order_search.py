"""What the search of orders knows: the fields of `query` and the sort keys.

Source: shopify.dev/docs/api/admin-graphql/latest/queries/orders (arguments query and sortKey; read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.customer_rows import display_name
from fake_shopify.admin.fulfillment_state import display_status
from fake_shopify.admin.order_fields import discount_codes, gateway_names
from fake_shopify.admin.order_rows import confirmation_number
from fake_shopify.clock import parse_iso
from fake_shopify.context import Context
from fake_shopify.paging import SortKey, SortValue, instant
from fake_shopify.rows import Row
from fake_shopify.search import Field, choice, exact, identifier, moment, number, reference, words, yes_no

FINANCIAL = ("paid", "pending", "authorized", "partially_paid", "partially_refunded", "refunded", "voided", "expired", "unpaid")
FULFILLMENT = (
    "unshipped shipped fulfilled partial scheduled on_hold unfulfilled request_declined in_progress partially_fulfilled restocked"
).split()
STATES = ("open", "closed", "cancelled", "not_closed")
RETURNS = ("return_requested", "in_progress", "inspection_complete", "returned", "return_failed", "no_return")
RISKS = ("high", "medium", "low", "none", "pending")
NATURAL = ("ID", "CREATED_AT", "PROCESSED_AT", "ORDER_NUMBER")
"""Sort keys whose order is the order of ids in a large seeded shop; one that mixes in back-dated orders must be small to be
exact.
"""


def _names(row: Row) -> list[str]:
    return [row["name"], row["name"].lstrip("#")]


def financial_words(row: Row) -> list[str]:
    """Return the words of `financial_status` that an order answers to."""
    status = totals.financial_status(row)
    found = [] if status is None else [status.lower()]
    return [*found, "unpaid"] if status in (None, "PENDING", "AUTHORIZED", "PARTIALLY_PAID", "EXPIRED") else found


def fulfillment_words(row: Row) -> list[str]:
    """Return the words of `fulfillment_status` that an order answers to.

    Source: the argument's acceptable values. Assumed: `unshipped` is `unfulfilled`, `shipped` is `fulfilled`, and an order in
    progress, on hold or scheduled counts as unfulfilled too.
    """
    status = display_status(row)
    words_of = {
        "FULFILLED": ["fulfilled", "shipped"],
        "PARTIALLY_FULFILLED": ["partial", "partially_fulfilled"],
        "RESTOCKED": ["restocked"],
    }
    return words_of.get(status) or list(dict.fromkeys([status.lower(), "unfulfilled", "unshipped"]))


def state_words(row: Row) -> list[str]:
    """Return the words of `status` that an order answers to."""
    if row["cancelledAt"] is not None:
        return ["cancelled", "closed"] if row["closedAt"] is not None else ["cancelled", "not_closed"]
    return ["closed"] if row["closedAt"] is not None else ["open", "not_closed"]


def _skus(row: Row) -> list[str]:
    return [line["sku"] for line in row["_lines"] if line["sku"]]


def _line_titles(row: Row) -> list[str]:
    return [line["title"] for line in row["_lines"]]


def _address_texts(row: Row) -> list[str]:
    address = row.get("shippingAddress") or {}
    return [address[name] for name in ("firstName", "lastName", "city", "zip", "company") if address.get(name)]


def _tagged(row: Row, value: str) -> bool:
    return value.lower() in (tag.lower() for tag in row["tags"])


def _quantity(row: Row) -> int:
    return sum(int(line["quantity"]) for line in row["_lines"])


def ranged(field: Field) -> Field:
    """Let a number be written as a range, `5..20`."""

    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        low, dots, high = value.partition("..")
        if not dots:
            return field.test(row, op, value, quoted)
        return field.test(row, ">=", low, quoted) and field.test(row, "<=", high, quoted)

    return Field(test)


def _weighed(row: Row) -> float:
    return float(sum(totals.weight_grams(line) * line["quantity"] for line in row["_lines"]))


def in_grams(text: str) -> str:
    """Write a weight with unit (`10.5kg`) in grams."""
    found = re.fullmatch(r"([\d.]+)\s*(g|kg|lb|oz)?", text.strip().lower())
    factors = {"g": 1.0, "kg": 1000.0, "lb": 453.59237, "oz": 28.349523125}
    return str(float(found[1]) * factors[found[2] or "g"]) if found else text


def _weight_field() -> Field:
    plain = number(_weighed)
    return Field(lambda row, op, value, quoted: plain.test(row, op, in_grams(value), quoted))


def order_fields(ctx: Context) -> Mapping[str, Field]:
    """Return what `query` may name; free text looks into name, e-mail, customer, lines, note and tags (assumed)."""
    zone = ctx.shop.settings["zone"]
    customers = ctx.table("Customer")

    def customer_name(row: Row) -> str:
        found = customers.get(row["_customer_id"]) if row["_customer_id"] is not None else None
        return display_name(found) if found is not None else ""

    return {
        "default": words(_names, "email", customer_name, _line_titles, _skus, "note", "tags", "poNumber", _address_texts),
        "id": identifier(),
        "name": exact(_names),
        "email": exact("email"),
        "tag": exact("tags"),
        "tag_not": Field(lambda row, op, value, quoted: not _tagged(row, value)),
        "status": choice(state_words, STATES),
        "financial_status": choice(financial_words, FINANCIAL),
        "fulfillment_status": choice(fulfillment_words, FULFILLMENT),
        "return_status": choice(lambda row: "no_return", RETURNS),
        "risk_level": choice(lambda row: "none", RISKS),
        "created_at": moment("createdAt", zone),
        "processed_at": moment("processedAt", zone),
        "updated_at": moment("updatedAt", zone),
        "customer_id": reference("_customer_id"),
        "sku": exact(_skus),
        "discount_code": exact(discount_codes),
        "po_number": exact("poNumber"),
        "gateway": exact(gateway_names),
        "source_name": exact("sourceName"),
        "source_identifier": exact("sourceIdentifier"),
        "confirmation_number": exact(confirmation_number),
        "test": yes_no("test"),
        "current_total_price": ranged(number(lambda row: totals.current_total(row)[0])),
        "subtotal_line_items_quantity": ranged(number(_quantity)),
        "total_weight": _weight_field(),
        "fulfillment_location_id": reference(lambda row: [one["_location_id"] for one in row["_fulfillments"]]),
        "location_id": reference(lambda row: [home["_location_id"] for home in row["_fulfillment_orders"]]),
        "reference_location_id": reference(lambda row: [home["_location_id"] for home in row["_fulfillment_orders"]]),
        "delivery_method": exact(lambda row: ["shipping" if line["requiresShipping"] else "none" for line in row["_lines"]]),
        **{name: exact(lambda row: None) for name in UNKNOWN_VALUES},
    }


UNKNOWN_VALUES = (
    "cart_token channel channel_id chargeback_status checkout_token credit_card_last4 fraud_protection_level payment_id "
    "payment_provider_id sales_channel"
).split()
"""Fields that Shopify knows and the fake keeps no values for: they find nothing."""


# Sorting


def updated_ms(row: Row) -> SortValue:
    """Sort by the instant of the last change, to the millisecond where it is known."""
    whole = int(parse_iso(row["updatedAt"]).timestamp() * 1000)
    fine = int(row.get("_updated_ms") or 0)
    return fine if 0 <= fine - whole < 1000 else whole


def order_sorts(ctx: Context) -> Mapping[str, SortKey]:
    """Return the sort keys of orders (captured: dates are epoch milliseconds in cursors, pagination_search-071)."""
    customers = ctx.table("Customer")

    def customer_name(row: Row) -> SortValue:
        found = customers.get(row["_customer_id"]) if row["_customer_id"] is not None else None
        return display_name(found).lower() if found is not None else None

    return {
        "CREATED_AT": instant("createdAt"),
        "PROCESSED_AT": instant("processedAt"),
        "UPDATED_AT": updated_ms,
        "CUSTOMER_NAME": customer_name,
        "ORDER_NUMBER": lambda row: int(row["number"]),
        "PO_NUMBER": lambda row: row.get("poNumber"),
        "FINANCIAL_STATUS": totals.financial_status,
        "FULFILLMENT_STATUS": display_status,
        "TOTAL_PRICE": lambda row: float(totals.total(row)[0]),
        "CURRENT_TOTAL_PRICE": lambda row: float(totals.current_total(row)[0]),
        "TOTAL_ITEMS_QUANTITY": _quantity,
        "DESTINATION": lambda row: (row.get("shippingAddress") or {}).get("country"),
    }
