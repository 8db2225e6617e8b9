"""Discounts of a seeded shop: codes and automatic ones, over, running and planned; which order used which, and how often."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fake_shopify.admin.discount_rows import codes_of, new_discount
from fake_shopify.seeding.timeline import DAY_S, Timeline, iso
from fake_shopify.world import Shop

CYCLE = 16
CODE_PLACES = (3, 14)
"""Of each sixteen orders in a row these use a code, as long as any is valid."""
UPLIFT = 1.4
SEASONAL_EVERY_S, SEASONAL_S = 91 * DAY_S, 12 * DAY_S
AUTOMATIC_EVERY_S, AUTOMATIC_S = 120 * DAY_S, 9 * DAY_S
SEASONAL_NAMES = ("MEADOW", "LANTERN", "HARBOUR", "EMBER")
AUTOMATIC_TYPES = ("Blankets", "Mugs", "T-Shirts", "Notebooks", "Planters")


@dataclass(frozen=True, slots=True)
class Campaign:
    """One discount; one of `percentage`, `amount` and free shipping. Without a code it is automatic, on one type of product."""

    title: str
    starts: int
    ends: int | None
    code: str | None = None
    percentage: int | None = None
    amount: Decimal | None = None
    product_type: str | None = None

    def runs(self, at: int) -> bool:
        """Say whether it is valid at an instant."""
        return self.starts <= at and (self.ends is None or at < self.ends)


def _standing(opening: int) -> list[Campaign]:
    return [
        Campaign("Welcome", opening, None, "WELCOME10", percentage=10),
        Campaign("Five off", opening + 30 * DAY_S, None, "TAKE5", amount=Decimal(5)),
        Campaign("Free delivery", opening + 60 * DAY_S, None, "SHIPFREE"),
    ]


def _seasonal(opening: int, until: int) -> list[Campaign]:
    found = []
    for number, starts in enumerate(range(opening + 45 * DAY_S, until, SEASONAL_EVERY_S)):
        name, off = SEASONAL_NAMES[number % 4], 15 + 5 * (number % 3)
        code = f"{name}{off}" if number < 4 else f"{name}{off}-{number // 4 + 1}"
        found.append(Campaign(f"{name.capitalize()} days", starts, starts + SEASONAL_S, code, percentage=off))
    return found


def _automatic(opening: int, until: int) -> list[Campaign]:
    starts = [*range(opening + 80 * DAY_S, until - 30 * DAY_S, AUTOMATIC_EVERY_S), until - 5 * DAY_S]
    found = []
    for number, start in enumerate(starts):
        kind = AUTOMATIC_TYPES[number % len(AUTOMATIC_TYPES)]
        found.append(Campaign(f"{kind} week {number + 1}", start, start + AUTOMATIC_S, percentage=20, product_type=kind))
    return found


def _planned(until: int) -> list[Campaign]:
    kind, soon = AUTOMATIC_TYPES[0], until + 14 * DAY_S
    return [
        Campaign("Coming soon", soon, soon + SEASONAL_S, "SOON20", percentage=20),
        Campaign(f"{kind} preview", until + 21 * DAY_S, until + 30 * DAY_S, percentage=15, product_type=kind),
    ]


@dataclass(slots=True)
class Campaigns:
    """All discounts of a shop between its opening and the reference instant, and those planned after."""

    opening: int
    until: int
    everyone: list[Campaign] = field(init=False)
    edges: list[int] = field(init=False)
    coded: list[list[Campaign]] = field(init=False)
    automatic: list[list[Campaign]] = field(init=False)

    def __post_init__(self) -> None:
        opening, until = self.opening, self.until
        self.everyone = _standing(opening) + _seasonal(opening, until) + _automatic(opening, until) + _planned(until)
        ends = {one.ends for one in self.everyone if one.ends is not None}
        self.edges = sorted({one.starts for one in self.everyone} | ends)
        running = [[one for one in self.everyone if one.runs(at)] for at in self.edges]
        self.coded = [[one for one in some if one.code is not None] for some in running]
        self.automatic = [[one for one in some if one.code is None] for some in running]

    def _at(self, lists: list[list[Campaign]], at: int) -> Sequence[Campaign]:
        place = bisect_right(self.edges, at) - 1
        return lists[place] if place >= 0 else ()

    def of_order(self, index: int, at: int) -> Campaign | None:
        """Return the code that an order used."""
        running = self._at(self.coded, at)
        return running[index // CYCLE % len(running)] if index % CYCLE in CODE_PLACES and running else None

    def automatic_at(self, at: int) -> Sequence[Campaign]:
        """Return the automatic discounts that run at an instant."""
        return self._at(self.automatic, at)

    def uplift(self, second: int) -> float:
        """Return how much more is sold while something special is on."""
        special = [one for lists in (self.coded, self.automatic) for one in self._at(lists, second) if one.ends is not None]
        return UPLIFT if special else 1.0

    def uses(self, timeline: Timeline) -> dict[str, int]:
        """Count by arithmetic how many orders used each code."""
        found: dict[str, int] = {}
        for place, running in enumerate(self.coded):
            following = self.edges[place + 1] if place + 1 < len(self.edges) else self.until + 1
            low, high = (timeline.first_from(edge) for edge in (self.edges[place], following))
            for number, one in enumerate(running):
                found[one.code or ""] = found.get(one.code or "", 0) + _uses(low, high, number, len(running))
        return found


def _uses(low: int, high: int, number: int, count: int) -> int:
    """Count the orders from `low` to `high` (excluded) that use the code with this number out of `count` valid ones."""

    def turns(end: int, place: int) -> int:
        cycles = max(0, -((place - end) // CYCLE))
        return -((number - cycles) // count)

    return sum(turns(high, place) - turns(low, place) for place in CODE_PLACES)


def open_discounts(shop: Shop, campaigns: Campaigns, timeline: Timeline, collections: dict[str, int]) -> None:
    """Make the rows of all discounts; `collections` are the numbers of the collections by product type."""
    uses = campaigns.uses(timeline)
    for one in campaigns.everyone:
        made = iso(min(one.starts, campaigns.until) - DAY_S)
        row = new_discount(
            shop,
            _kind(one),
            code=one.code,
            title=one.code or one.title,
            startsAt=iso(one.starts),
            endsAt=iso(one.ends) if one.ends is not None else None,
            createdAt=made,
            updatedAt=made,
            asyncUsageCount=uses.get(one.code or "", 0),
            _value=_value(one),
            _items={"collections": [collections[one.product_type]]} if one.product_type in collections else {"all": True},
        )
        for code in codes_of(shop, row):
            code["asyncUsageCount"] = uses.get(code["code"], 0)


def _kind(one: Campaign) -> str:
    if one.code is None:
        return "DiscountAutomaticBasic"
    return "DiscountCodeFreeShipping" if one.percentage is None and one.amount is None else "DiscountCodeBasic"


def _value(one: Campaign) -> dict[str, Any]:
    if one.amount is not None:
        return {"amount": f"{one.amount:.2f}", "each": False}
    return {"percentage": (one.percentage or 0) / 100}
