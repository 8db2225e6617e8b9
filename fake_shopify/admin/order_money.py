"""Money of an order in its two currencies: a `Pair` is (shop money, presentment money), as Decimals.

Pairs are what order rows keep; they are written out as `MoneyBag`s or, for the deprecated twins, as the scalar `Money` of the
shop's side. Captured: an order in two currencies shows both sides of every set (orders-011, orders-031).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from fake_shopify.money import CENT, amount, money_bag, scalar

Pair = tuple[Decimal, Decimal]
NOTHING = Decimal(0)
ZERO: Pair = (NOTHING, NOTHING)


def pair(shop: Any, presentment: Any = None) -> Pair:
    """Build a pair; presentment money is shop money unless given."""
    own = amount(shop)
    return (own, own if presentment is None else amount(presentment))


def pair_of_input(money_bag_input: Mapping[str, Any] | None) -> Pair:
    """Read a `MoneyBagInput`; nothing is zero."""
    if money_bag_input is None:
        return ZERO
    other = money_bag_input.get("presentmentMoney")
    return pair(money_bag_input["shopMoney"]["amount"], other["amount"] if other else None)


def add(*pairs: Pair) -> Pair:
    """Add pairs."""
    return sum_of(pairs)


def sum_of(pairs: Iterable[Pair]) -> Pair:
    """Add up pairs; what is one amount on both sides is added once."""
    shop = presentment = NOTHING
    for own, other in pairs:
        if own is other and shop is presentment:
            shop = presentment = shop + own
        else:
            shop, presentment = shop + own, presentment + other
    return (shop, presentment)


def subtract(left: Pair, *right: Pair) -> Pair:
    """Take pairs off a pair."""
    shop, presentment = left
    for own, other in right:
        if own is other and shop is presentment:
            shop = presentment = shop - own
        else:
            shop, presentment = shop - own, presentment - other
    return (shop, presentment)


def negative(one: Pair) -> Pair:
    """Turn the sign."""
    return (-one[0], -one[1])


def times(one: Pair, count: int) -> Pair:
    """Multiply by a quantity."""
    own = one[0] * count
    return (own, own if one[1] is one[0] else one[1] * count)


def portion(one: Pair, part: int | Decimal, whole: int | Decimal) -> Pair:
    """Take `part` of `whole`, rounded to cents; nothing of nothing is zero."""
    if not whole:
        return ZERO
    own = _cents(one[0] * part / whole)
    return (own, own if one[1] is one[0] else _cents(one[1] * part / whole))


def floor_at_zero(one: Pair) -> Pair:
    """Replace negative sides by zero."""
    return (max(one[0], Decimal(0)), max(one[1], Decimal(0)))


def at_most(one: Pair, limit: Pair) -> Pair:
    """Cap both sides."""
    return (min(one[0], limit[0]), min(one[1], limit[1]))


def is_zero(one: Pair) -> bool:
    """Say whether there is nothing on either side."""
    return not one[0] and not one[1]


def _cents(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def spread(whole: Pair, weights: Sequence[Pair]) -> list[Pair]:
    """Split a pair in proportion to weights, each side to the cent and without loss.

    Assumed: shares are rounded down and the cents left over go to the first shares, one each.
    """
    shop = _spread(whole[0], [weight[0] for weight in weights])
    presentment = _spread(whole[1], [weight[1] for weight in weights])
    return list(zip(shop, presentment, strict=True))


def _spread(whole: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    total = sum(weights, Decimal(0))
    if not total:
        return [Decimal(0) for _ in weights]
    shares = [(whole * weight / total).quantize(CENT, ROUND_DOWN) for weight in weights]
    for index, weight in enumerate(weights):
        rest = whole - sum(shares, Decimal(0))
        if weight and rest >= CENT:
            shares[index] += CENT
    rest = whole - sum(shares, Decimal(0))
    shares[-1] += rest
    return shares


def bag(one: Pair, order: Mapping[str, Any]) -> dict[str, Any]:
    """Write a pair as the `MoneyBag` of an order or a draft order."""
    return money_bag(one[0], order["currencyCode"], one[1], order["presentmentCurrencyCode"])


def text(one: Pair) -> str:
    """Write the shop's side as the scalar `Money`."""
    return scalar(one[0])
