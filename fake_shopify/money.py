"""Amounts as Shopify writes them.

Captured (BEHAVIOURS 14): `MoneyV2.amount` has at least one decimal and no padding (`24.0`, `31.9`), the scalar `Money` always two
(`31.90`), messages print `$25.00`.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.01")


def amount(value: Any) -> Decimal:
    """Read an amount from input or from a row; None is zero."""
    if type(value) is Decimal:
        return value
    return Decimal(str(value)) if value not in (None, "") else Decimal(0)


def cents(value: Any) -> Decimal:
    """Round to two decimals, half up."""
    return amount(value).quantize(CENT, ROUND_HALF_UP)


def scalar(value: Any) -> str:
    """Write the scalar `Money`: two decimals."""
    return format(cents(value), "f")


def decimal_text(value: Any) -> str:
    """Write `MoneyV2.amount`: no padding, at least one decimal."""
    text = format(amount(value), "f")
    if "." not in text:
        return f"{text}.0"
    text = text.rstrip("0")
    return f"{text}0" if text[-1] == "." else text


def printed(value: Any) -> str:
    """Write an amount inside a message."""
    return f"${cents(value):,.2f}"


def money(value: Any, currency: str) -> dict[str, Any]:
    """Build a `MoneyV2`."""
    return {"__typename": "MoneyV2", "amount": decimal_text(value), "currencyCode": currency}


def money_bag(value: Any, currency: str, presentment: Any = None, presentment_currency: str | None = None) -> dict[str, Any]:
    """Build a `MoneyBag`; presentment money is shop money unless given."""
    other = money(value if presentment is None else presentment, presentment_currency or currency)
    return {"__typename": "MoneyBag", "shopMoney": money(value, currency), "presentmentMoney": other}
