"""Whose order it is: a rule between orders and customers that works in both directions without any list.

The orders are cut into eras. In each era some orders are first orders of new customers, evenly spread, a few have no customer, and
the rest are given to customers of earlier eras: a long tail, in which a few come back very often and many never. Every step can be
undone with arithmetic (even spreading, shuffles, integer roots), so that an order's customer, a customer's orders and a customer's
last order are found without a scan. Some customers have never bought anything.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from math import isqrt

from fake_shopify.seeding.dice import Shuffle, share

MOST_ERAS = 36
ORDERS_PER_ERA = 12
ORDERS_PER_CUSTOMER = 3
GUESTS = 0.06
BUYERS = 0.9
COMING_BACK = 0.5
"""The part of an era's new customers who ever come back."""
FORGETTING = 0.12
"""By how much fewer come back per era that has passed."""


@dataclass(frozen=True, slots=True)
class Era:
    """A run of orders and the customers who came in it.

    Args:
        first, size: its orders by index.
        newcomers: how many of them are first orders; these customers have the indexes from `first_customer` on, mixed evenly with
            others, `customers` in all.
        loyal: how many of those newcomers come back.
        guests: how many have no customer.
        sums: the orders of those who come back, summed up over the eras that they first came in.
    """

    first: int
    size: int
    newcomers: int
    loyal: int
    guests: int
    customers: int
    first_customer: int
    sums: tuple[int, ...]
    mixed: Shuffle = field(repr=False)
    ranks: Shuffle = field(repr=False)

    def place_of_newcomer(self, newcomer: int) -> int:
        """Return the place in the era of a customer's first order."""
        return -(-(newcomer + 1) * self.size // self.newcomers) - 1

    def place_of_other(self, other: int) -> int:
        """Return the place in the era of the n-th order that is no first order."""
        return other * self.size // (self.size - self.newcomers)

    def customer_of_newcomer(self, newcomer: int) -> int:
        """Return the index of a customer who bought."""
        return self.first_customer - (-(newcomer + 1) * self.customers // self.newcomers) - 1

    def newcomer_of(self, customer: int) -> int | None:
        """Return which of the buyers a customer is; None for one who never bought."""
        place = customer - self.first_customer
        before = share(place, self.newcomers, self.customers)
        return before if share(place + 1, self.newcomers, self.customers) > before else None


class Loyalty:
    """The rule for a number of orders; the seed only changes who is who."""

    def __init__(self, orders: int, seed: int) -> None:
        self.orders = orders
        self.eras = _eras(orders, seed)
        self.firsts = [era.first for era in self.eras]
        self.customer_firsts = [era.first_customer for era in self.eras]
        self.customers = sum(era.customers for era in self.eras)

    def buyer(self, order: int) -> int | None:
        """Return the index of an order's customer; None for a guest."""
        era = self.eras[bisect_right(self.firsts, order) - 1]
        place = order - era.first
        before = share(place, era.newcomers, era.size)
        if share(place + 1, era.newcomers, era.size) > before:
            return era.customer_of_newcomer(before)
        slot = era.mixed.to(place - before) - era.guests
        return None if slot < 0 else self._returning(era, slot)

    def _returning(self, era: Era, slot: int) -> int:
        cohort = bisect_right(era.sums, slot)
        start = era.sums[cohort - 1] if cohort else 0
        home = self.eras[cohort]
        rank = rank_of(slot - start, era.sums[cohort] - start, home.loyal)
        return home.customer_of_newcomer(home.ranks.to(rank))

    def era_of_customer(self, customer: int) -> int:
        """Return the number of the era in which a customer came."""
        return bisect_right(self.customer_firsts, customer) - 1

    def orders_of(self, customer: int) -> list[int]:
        """Return the indexes of a customer's orders, oldest first."""
        cohort = self.era_of_customer(customer)
        newcomer = self.eras[cohort].newcomer_of(customer)
        if newcomer is None:
            return []
        found = [self.eras[cohort].first + self.eras[cohort].place_of_newcomer(newcomer)]
        rank = self.eras[cohort].ranks.undo(newcomer)
        for era in self.eras[cohort + 1 :]:
            found += sorted(_orders_in(era, cohort, rank, self.eras[cohort].loyal))
        return found

    def last_order(self, customer: int) -> int | None:
        """Return the index of a customer's last order; None for one who never bought."""
        cohort = self.era_of_customer(customer)
        home = self.eras[cohort]
        newcomer = home.newcomer_of(customer)
        if newcomer is None:
            return None
        rank = home.ranks.undo(newcomer)
        for era in reversed(self.eras[cohort + 1 :]):
            found = _orders_in(era, cohort, rank, home.loyal)
            if found:
                return max(found)
        return home.first + home.place_of_newcomer(newcomer)

    def joined(self, customer: int) -> int:
        """Return the order at whose instant a customer appeared: never after the customer's first one, never falling."""
        era = self.eras[self.era_of_customer(customer)]
        return era.first + (customer - era.first_customer) * era.size // era.customers

    def idle(self) -> list[int]:
        """Return the customers who never bought, per era: how many up to and including it."""
        return list(accumulate(era.customers - era.newcomers for era in self.eras))

    def idle_customer(self, sums: list[int], place: int) -> int:
        """Return the index of the n-th customer who never bought (`sums` as from `idle`)."""
        number = bisect_right(sums, place)
        era, inside = self.eras[number], place - (sums[number - 1] if number else 0)
        return era.first_customer + inside * era.customers // (era.customers - era.newcomers)

    def idle_place(self, sums: list[int], customer: int) -> int | None:
        """Return which of those who never bought a customer is; None for one who did."""
        number = self.era_of_customer(customer)
        era = self.eras[number]
        if era.newcomer_of(customer) is not None:
            return None
        place = customer - era.first_customer
        return (sums[number - 1] if number else 0) + place - share(place, era.newcomers, era.customers)


def rank_of(slot: int, slots: int, customers: int) -> int:
    """Return who of `customers`, the most loyal first, gets the n-th of `slots`: a power law, in whole numbers."""
    return isqrt(customers * customers * (2 * slot + 1) ** 3 // (2 * slots) ** 3)


def _slots_of(rank: int, slots: int, customers: int) -> range:
    """Return which slots a rank gets (the inverse of `rank_of`)."""
    return range(_first_slot(rank, slots, customers), _first_slot(rank + 1, slots, customers))


def _first_slot(rank: int, slots: int, customers: int) -> int:
    """Return the first slot that goes to `rank` or beyond."""
    slot = min(slots, max(0, int(slots * (rank / customers) ** (2 / 3) - 0.5)))
    while slot > 0 and rank_of(slot - 1, slots, customers) >= rank:
        slot -= 1
    while slot < slots and rank_of(slot, slots, customers) < rank:
        slot += 1
    return slot


def _orders_in(era: Era, cohort: int, rank: int, customers: int) -> list[int]:
    start = era.sums[cohort - 1] if cohort else 0
    slots = era.sums[cohort] - start
    if not slots or rank >= customers:
        return []
    found = (era.mixed.undo(era.guests + start + slot) for slot in _slots_of(rank, slots, customers))
    return [era.first + era.place_of_other(other) for other in found]


# Building


def _eras(orders: int, seed: int) -> list[Era]:
    count = min(MOST_ERAS, max(1, orders // ORDERS_PER_ERA))
    bounds = [orders * number // count for number in range(count + 1)]
    sizes = [bounds[number + 1] - bounds[number] for number in range(count)] if orders else []
    guests = [int(GUESTS * bounds[number + 1]) - int(GUESTS * bounds[number]) for number in range(len(sizes))]
    newcomers = _newcomers(orders, sizes, guests)
    eras: list[Era] = []
    for number, size in enumerate(sizes):
        returning = size - guests[number] - newcomers[number]
        customers = max(newcomers[number], round(newcomers[number] / BUYERS))
        eras.append(
            Era(
                bounds[number],
                size,
                newcomers[number],
                max(1, int(newcomers[number] * COMING_BACK)),
                guests[number],
                customers,
                sum(era.customers for era in eras),
                _sums(returning, newcomers[:number]),
                Shuffle(size - newcomers[number], seed + number * 7),
                Shuffle(newcomers[number], seed + number * 11),
            )
        )
    return eras


def _newcomers(orders: int, sizes: list[int], guests: list[int]) -> list[int]:
    """Return how many first orders each era has: all of the first one's, then ever fewer, a third of all orders or so together."""
    fading = 0.75 if len(sizes) >= 24 else 0.5
    start, settled = 1 - GUESTS, 0.05
    fades = [fading**number for number in range(len(sizes))]
    rest = len(sizes) - sum(fades)
    if rest > 0:
        wanted = BUYERS * len(sizes) / ORDERS_PER_CUSTOMER
        settled = min(0.5, max(0.05, (wanted - start * sum(fades)) / rest))
    found = []
    for number, size in enumerate(sizes):
        portion = settled + (start - settled) * fades[number]
        found.append(size - guests[number] if number == 0 else min(size - guests[number], max(1, round(portion * size))))
    return found


def _sums(returning: int, cohorts: list[int]) -> tuple[int, ...]:
    """Share an era's returning orders out over the eras before it, the nearer ones more."""
    weights = [count / (1 + FORGETTING * (len(cohorts) - number)) for number, count in enumerate(cohorts)]
    total = sum(weights)
    return tuple(round(returning * part / total) for part in accumulate(weights)) if cohorts else ()
