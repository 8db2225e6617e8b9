"""Seeded orders, each a pure function of its index: this module makes what was bought, `aftermath` what became of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fake_shopify.admin import order_rows
from fake_shopify.admin import order_totals as totals
from fake_shopify.admin.mailing_addresses import address_row
from fake_shopify.admin.order_money import ZERO, Pair, at_most, portion, spread
from fake_shopify.admin.order_parts import SeededOrders
from fake_shopify.admin.order_rows import FIRST_ORDER_NUMBER, Numbers
from fake_shopify.rows import Row, Walk
from fake_shopify.seeding import ids
from fake_shopify.seeding.campaigns import Campaign, Campaigns
from fake_shopify.seeding.catalogue import Shelf
from fake_shopify.seeding.dice import Dice, Purpose, Weighted
from fake_shopify.seeding.people import People, Person
from fake_shopify.seeding.places import PLACES, Place, exchange, exchange_rate, tax_of, taxes_are_included
from fake_shopify.seeding.timeline import DAY_S, HOUR_S, Settling, Timeline, iso
from fake_shopify.world import Shop

LINES = Weighted([(1, 0.17), (2, 0.23), (3, 0.25), (4, 0.18), (5, 0.11), (6, 0.06)])
QUANTITIES = Weighted([(1, 0.72), (2, 0.18), (3, 0.06), (4, 0.02), (6, 0.02)])
FREE_FROM = Decimal(75)
WRAPPING = Decimal("4.50")
LATE_EVERY, LATE_PLACE = 16, 11
"""Of each sixteen orders in a row one is worked on for a month (returns come late); the others are done within days."""
ORDER_NOTES = ("Please leave at the side door.", "It is a present, no invoice in the parcel please.", "Call before delivery.")
NAME = re.compile(r"#?(\d{1,18})")
GIFT_MESSAGES = ("Happy birthday!", "With love", "Thank you for everything", "Für dich ♥")


@dataclass(slots=True)
class Sale:
    """An order in the making.

    Args:
        created, seen: when it was made and last touched; what would have happened after `seen` has not happened.
        rate: what one unit of the shop's currency costs in the customer's; None in the same currency.
    """

    index: int
    order: Row
    numbers: Numbers
    dice: Dice
    created: int
    seen: int
    rate: Decimal | None
    place: Place
    person: Person | None
    locations: list[int]

    @property
    def in_shop(self) -> bool:
        """Whether it was bought at the counter: neither customer nor shipping."""
        return not self.order["_shipping"]

    def pair(self, value: Decimal) -> Pair:
        """Return an amount in both currencies."""
        return (value, value if self.rate is None else exchange(value, self.rate))


class Sales:
    """The orders of a seeded shop."""

    def __init__(self, shop: Shop, seed: int, timeline: Timeline, people: People, shelf: Shelf, campaigns: Campaigns) -> None:
        self.seed, self.timeline, self.people, self.shelf, self.campaigns = seed, timeline, people, shelf, campaigns
        self.country, self.currency, self.taxed = (shop.settings[name] for name in ("country", "currency", "taxed"))
        self.locations = [row.number for row in shop.table("Location")]
        self.home = PLACES.get(self.country, PLACES["US"])[0]
        self.soon = Settling(timeline.until, 4 * DAY_S, DAY_S)
        self.late = Settling(timeline.until, 33 * DAY_S, 3 * DAY_S)
        self.run = SeededOrders(
            ids.first(shop, "Order"),
            timeline.orders,
            ids.STEP,
            ids.first(shop, "parts of orders"),
            open_from=timeline.first_from(timeline.until - 45 * DAY_S),
        )

    def created(self, index: int) -> str:
        """Return when an order was made."""
        return iso(self.timeline.created(index))

    def last_touch(self, index: int) -> int:
        """Return when an order was last changed."""
        settling = self.late if index % LATE_EVERY == LATE_PLACE else self.soon
        return settling.last_touch(self.timeline.created(index))

    def begin(self, index: int) -> Sale:
        """Make an order with everything that was bought, paid for or not."""
        dice, created, seen = Dice(self.seed, Purpose.SALES, index), self.timeline.created(index), self.last_touch(index)
        buyer = self.people.loyalty.buyer(index)
        person = self.people.person(buyer) if buyer is not None else None
        code = self.campaigns.of_order(index, created)
        currency = person.currency if person is not None else self.currency
        sale = Sale(
            index=index,
            order=self._order(index, dice, person, created, seen, currency),
            numbers=self.run.numbers(index),
            dice=dice,
            created=created,
            seen=seen,
            rate=None if currency == self.currency else exchange_rate(self.currency, currency, created),
            place=person.place if person is not None else self.home,
            person=person,
            locations=self.locations,
        )
        self._fill(sale, code)
        return sale

    def _order(self, index: int, dice: Dice, person: Person | None, created: int, seen: int, currency: str) -> Row:
        text, number = iso(created), self.run.order_number(index)
        values: dict[str, Any] = {"sourceName": "web"}
        if person is not None:
            values |= {
                "email": person.email,
                "phone": person.phone if person.email is None else None,
                "_customer_id": person.number,
            }
        if dice.chance(0.06):
            values["note"] = dice.pick(ORDER_NOTES)
        if dice.chance(0.03):
            message = {"__typename": "Attribute", "key": "gift_message", "value": dice.pick(GIFT_MESSAGES)}
            values["customAttributes"] = [message]
        tags = (["gift"] if "customAttributes" in values else []) + (["priority"] if dice.chance(0.02) else [])
        return order_rows.new_order(
            number,
            name=f"#{FIRST_ORDER_NUMBER + index}",
            order_number=FIRST_ORDER_NUMBER + index,
            now=text,
            currency=self.currency,
            presentment_currency=currency,
            updatedAt=iso(seen),
            taxesIncluded=self.taxed and taxes_are_included(self.country),
            test=dice.chance(0.004),
            tags=tags,
            **values,
        )

    def _fill(self, sale: Sale, code: Campaign | None) -> None:
        self._add_lines(sale)
        if sale.person is not None or code is not None:
            _add_shipping(sale, self.country)
            _add_addresses(sale)
        else:
            sale.order["sourceName"] = "pos"
        if code is not None:
            _use_code(sale, code)
        else:
            for one in self.campaigns.automatic_at(sale.created):
                _use_automatic(sale, one)
        if sale.index % 97 == 13:
            _give_goodwill(sale)
        if self.taxed and not (sale.person is not None and sale.person.tax_exempt):
            _add_taxes(sale, self.country)

    def _add_lines(self, sale: Sale) -> None:
        dice, seen = sale.dice, set()
        for _ in range(LINES.of(dice.roll())):
            ware, quantity = self.shelf.pick(dice, sale.created), QUANTITIES.of(dice.roll())
            if ware.variant_id in seen:
                continue
            seen.add(ware.variant_id)
            order_rows.add_line(
                sale.numbers,
                sale.order,
                title=ware.title,
                quantity=quantity,
                price=sale.pair(ware.price),
                sku=ware.sku,
                vendor=ware.vendor,
                variantTitle=ware.variant_title,
                taxable=ware.taxable,
                _variant_id=ware.variant_id,
                _product_id=ware.product_id,
                _weight=ware.weight,
                _grams=Decimal(ware.grams),
                _type=ware.product_type,
            )
        if dice.chance(0.015):
            _add_custom_line(sale)

    # Finding, sorting

    def walks(self) -> dict[str, tuple[Walk, ...]]:
        """Return the orders by their last change: those done soon and those done late, each in the order of their making."""
        count, step = self.timeline.orders, LATE_EVERY
        late = max(0, -((LATE_PLACE - count) // step))

        def late_rank(index: int) -> int | None:
            return index // step if index % step == LATE_PLACE else None

        def soon_index(rank: int) -> int:
            turn, place = divmod(rank, step - 1)
            return turn * step + place + (place >= LATE_PLACE)

        def soon_rank(index: int) -> int | None:
            turn, place = divmod(index, step)
            return None if place == LATE_PLACE else turn * (step - 1) + place - (place > LATE_PLACE)

        return {
            "updatedAt": (
                Walk(count - late, lambda rank: iso(self.last_touch(soon_index(rank))), soon_index, soon_rank),
                Walk(
                    late,
                    lambda rank: iso(self.last_touch(rank * step + LATE_PLACE)),
                    lambda rank: rank * step + LATE_PLACE,
                    late_rank,
                ),
            )
        }

    def of_customer(self, number: int) -> list[int]:
        """Return the ids of a customer's orders, oldest first."""
        index = self.people.index(number)
        return [] if index is None else [self.run.order_number(order) for order in self.people.loyalty.orders_of(index)]

    def by_email(self, text: str) -> Iterable[int] | None:
        """Return the ids of the orders that an e-mail address can find; None for a text that is none."""
        if "@" not in text or "*" in text:
            return None
        index = self.people.index_in(text.lower())
        return [] if index is None else self.of_customer(self.people.number(index))

    def by_name(self, text: str) -> Iterable[int] | None:
        """Return the id of the order with a name, with or without its `#`; None where only the beginning is given."""
        if "*" in text:
            return None
        found = NAME.fullmatch(text)
        index = int(found[1]) - FIRST_ORDER_NUMBER if found else -1
        return [self.run.order_number(index)] if 0 <= index < self.run.count else []

    def by_customer(self, text: str) -> Iterable[int] | None:
        """Return the ids of the orders that a customer's id can find."""
        digits = text.rsplit("/", 1)[-1]
        return self.of_customer(int(digits)) if digits.isdecimal() and len(digits) < 20 else []


# Parts of an order


def _add_custom_line(sale: Sale) -> None:
    order_rows.add_line(
        sale.numbers,
        sale.order,
        title="Gift wrapping",
        quantity=1,
        price=sale.pair(WRAPPING),
        requiresShipping=False,
        taxable=False,
    )


def _add_shipping(sale: Sale, country: str) -> None:
    worth = totals.line_items_total(sale.order)[0]
    if sale.place.country != country:
        title, price = "International", Decimal("19.00")
    elif sale.dice.chance(0.18):
        title, price = "Express", Decimal("14.90")
    else:
        title, price = ("Free shipping", Decimal("0.00")) if worth >= FREE_FROM else ("Standard", Decimal("5.90"))
    order_rows.add_shipping(sale.numbers, sale.order, title=title, price=sale.pair(price), code=title, source="shopify")


def _add_addresses(sale: Sale) -> None:
    person, place = sale.person, sale.place
    street = person.street if person is not None else "1 Market Square"
    names = (person.first_name, person.last_name) if person is not None else (None, None)
    values = place.address(*names, street) | {"phone": person.phone if person is not None else None}
    for name in ("shippingAddress", "billingAddress"):
        sale.order[name] = address_row(sale.numbers("MailingAddress"), values, model="Address")


def _use_code(sale: Sale, one: Campaign) -> None:
    order = sale.order
    if one.amount is not None:
        whole, values = at_most(sale.pair(one.amount), totals.line_items_total(order)), {}
    elif one.percentage is not None:
        share = Decimal(one.percentage)
        whole, values = portion(totals.line_items_total(order), share, 100), {"_percentage": share}
    else:
        index = order_rows.add_discount(order, "shipping", "DiscountCodeApplication", code=one.code, _percentage=Decimal(100))
        order_rows.allocate(order["_shipping"], index, [shipping["_price"] for shipping in order["_shipping"]])
        return
    index = order_rows.add_discount(order, "code", "DiscountCodeApplication", code=one.code, _amount=whole, **values)
    order_rows.allocate_across(order, index, whole, [totals.line_original(line) for line in order["_lines"]])


def _use_automatic(sale: Sale, one: Campaign) -> None:
    """Take a share off the lines of one product type."""
    chosen = [line for line in sale.order["_lines"] if line.get("_type") == one.product_type]
    if chosen:
        share = Decimal(one.percentage or 0)
        index = order_rows.add_discount(
            sale.order, "line", "AutomaticDiscountApplication", title=one.title, _percentage=share, _amount=ZERO
        )
        order_rows.allocate(chosen, index, [portion(totals.line_original(line), share, 100) for line in chosen])


def _give_goodwill(sale: Sale) -> None:
    order = sale.order
    left = [totals.line_net(line) for line in order["_lines"]]
    whole = at_most(sale.pair(Decimal(3)), totals.subtotal(order))
    index = order_rows.add_discount(
        order, "order", "ManualDiscountApplication", title="Goodwill", description="Scratched box", _amount=whole
    )
    order_rows.allocate(order["_lines"], index, spread(whole, left))


def _add_taxes(sale: Sale, country: str) -> None:
    found = tax_of(sale.place, country)
    if found is None:
        return
    name, rate = found
    part, whole = (rate, 1 + rate) if sale.order["taxesIncluded"] else (rate, Decimal(1))
    for line in sale.order["_lines"]:
        if line["taxable"]:
            line["_taxes"] = (order_rows.tax_line(sale.order, name, rate, portion(totals.line_net(line), part, whole)),)


def hours(count: float) -> int:
    """Return so many hours in seconds."""
    return int(count * HOUR_S)
