"""Amounts with their currency: Decimal always, rounded only where a currency's minor unit says so."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from msgspec import Struct

MINOR_DIGITS = {
    code: digits
    for digits, codes in {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        3: "BHD IQD JOD KWD LYD OMR TND",
    }.items()
    for code in codes.split()
}
"""Digits after the point where a currency does not have two. Source: ISO 4217 (list one)."""


class Money(Struct, frozen=True):
    """An amount in one currency (ISO 4217 code)."""

    amount: Decimal
    currency: str

    @classmethod
    def of(cls, money_v2: dict[str, Any]) -> Money:
        """Read Shopify's `MoneyV2`."""
        return cls(Decimal(money_v2["amount"]), str(money_v2["currencyCode"]))

    def text(self) -> str:
        """Write the amount as REST-style answers show it: `19.90`, with as many digits as the currency has."""
        return format(self.rounded().amount, "f")

    def rounded(self) -> Money:
        """Round half up to the currency's minor unit; a zero has no sign."""
        digits = MINOR_DIGITS.get(self.currency, 2)
        amount = self.amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        return Money(amount if amount else abs(amount), self.currency)


def shop_money(bag: dict[str, Any] | None) -> Money | None:
    """Read the shop's side of a `MoneyBag`."""
    return None if bag is None else Money.of(bag["shopMoney"])


def presentment_money(bag: dict[str, Any] | None) -> Money | None:
    """Read the customer's side of a `MoneyBag`."""
    return None if bag is None else Money.of(bag["presentmentMoney"])
