"""Amounts: exact, in their currency, rounded only where its minor unit says so."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_kit.money import MINOR_DIGITS, Money, presentment_money, shop_money

AMOUNTS = st.decimals(min_value=-(10**15), max_value=10**15, places=6, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        pytest.param("19.9", "CAD", "19.90", id="two digits"),
        pytest.param("0.0", "USD", "0.00", id="zero"),
        pytest.param("1000", "JPY", "1000", id="yen have none"),
        pytest.param("1000.5", "JPY", "1001", id="yen are rounded"),
        pytest.param("1.2345", "KWD", "1.235", id="dinars have three"),
        pytest.param("0.005", "EUR", "0.01", id="half is rounded up"),
        pytest.param("-0.005", "EUR", "-0.01", id="half of a debt is rounded away from zero"),
        pytest.param("-0.001", "EUR", "0.00", id="nothing has no sign"),
        pytest.param("1E+3", "EUR", "1000.00", id="no exponent"),
        pytest.param("123456789012345.67", "EUR", "123456789012345.67", id="more digits than a float has"),
        pytest.param("5", "XXX", "5.00", id="unknown currency"),
    ],
)
def test_amount_is_written_with_the_digits_of_its_currency(amount: str, currency: str, text: str) -> None:
    assert Money(Decimal(amount), currency).text() == text


@given(AMOUNTS, st.sampled_from(["EUR", "JPY", "KWD"]))
def test_rounding_moves_an_amount_by_half_a_unit_at_most_and_only_once(amount: Decimal, currency: str) -> None:
    rounded = Money(amount, currency).rounded()

    unit = Decimal(1).scaleb(-MINOR_DIGITS.get(currency, 2))
    assert abs(rounded.amount - amount) <= unit / 2
    assert rounded.rounded() == rounded
    assert Decimal(rounded.text()) == rounded.amount


@given(AMOUNTS)
def test_text_of_an_amount_has_neither_exponent_nor_padding(amount: Decimal) -> None:
    whole, _, cents = Money(amount, "EUR").text().lstrip("-").partition(".")

    assert len(cents) == 2
    assert (whole + cents).isdigit()
    assert whole == "0" or not whole.startswith("0")


def test_money_is_read_exactly_from_what_shopify_sends() -> None:
    assert Money.of({"amount": "31.9", "currencyCode": "CAD"}) == Money(Decimal("31.9"), "CAD")


def test_both_sides_of_a_bag_are_told_apart() -> None:
    bag = {
        "shopMoney": {"amount": "24.0", "currencyCode": "CAD"},
        "presentmentMoney": {"amount": "17.53", "currencyCode": "USD"},
    }

    assert shop_money(bag) == Money(Decimal("24.0"), "CAD")
    assert presentment_money(bag) == Money(Decimal("17.53"), "USD")
    assert (shop_money(None), presentment_money(None)) == (None, None)
