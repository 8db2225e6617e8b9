"""When things happen in a seeded shop: instants of orders by their index, and when an order was last touched.

Orders are spread over the hours between the opening and a reference instant (`until`) by weights: the time of day, the weekday
and the season in the shop's own zone, and growth. The last order lies in the last hour. All instants are whole epoch seconds, and
none of them falls with the index.
"""

from __future__ import annotations

import math
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

HOUR_S, DAY_S = 3_600, 86_400
YEAR_DAYS = 365.25
MOST_DAYS = 3 * 365
HOURS = (3, 2, 1, 1, 1, 2, 5, 9, 14, 19, 23, 25, 27, 25, 24, 24, 25, 27, 30, 34, 36, 30, 18, 8)
"""How busy the hours of a day are."""
WEEKDAYS = (1.06, 1.0, 0.98, 1.0, 1.08, 0.94, 0.88)
"""How busy the days are, Monday first."""

Weight = Callable[[int], float]


def iso(second: int) -> str:
    """Write an epoch second as Shopify does."""
    day, rest = divmod(second, DAY_S)
    minutes, seconds = divmod(rest, 60)
    return f"{_day(day)}T{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}Z"


@lru_cache(maxsize=4_096)
def _day(number: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(number * DAY_S))


def season(day_of_year: int) -> float:
    """Return how busy a day of the year is: a quiet summer, gifts before the year's end, and a tired January."""
    gifts = 0.9 * math.exp(-(((day_of_year - 340) / 14) ** 2))
    tired = -0.2 * math.exp(-(((day_of_year - 15) / 12) ** 2))
    return 1 + 0.12 * math.cos(2 * math.pi * (day_of_year - 15) / YEAR_DAYS) + gifts + tired


def days_for(orders: int) -> int:
    """Return how long a shop with so many orders has been open: a year at least, three at most."""
    return min(MOST_DAYS, 365 + orders // 20)


class Timeline:
    """The instants of a run of orders.

    Args:
        orders: how many.
        until: the reference instant, an epoch second; nothing in the shop is later, but what is planned.
        zone: the shop's IANA zone.
        uplift: a further weight for an hour that begins at an epoch second (campaigns).
    """

    def __init__(self, orders: int, until: int, zone: str, uplift: Weight = lambda second: 1.0) -> None:
        self.orders, self.until = orders, until
        self.hours = days_for(orders) * 24
        self.opening = until - self.hours * HOUR_S
        self.counts = _cumulated(orders, self.opening, self.hours, ZoneInfo(zone), uplift)

    def created(self, index: int) -> int:
        """Return the instant of an order: even steps within its hour, each with a little of its own."""
        hour = bisect_right(self.counts, index)
        first = self.counts[hour - 1] if hour else 0
        inside = index - first + (index * 40_503 % 977) / 977
        return self.opening + hour * HOUR_S + int(inside * HOUR_S / (self.counts[hour] - first))

    def first_from(self, second: int) -> int:
        """Return the index of the first order that is not before an instant."""
        low, high = 0, self.orders
        while low < high:
            middle = (low + high) // 2
            if self.created(middle) < second:
                low = middle + 1
            else:
                high = middle
        return low


def _cumulated(orders: int, opening: int, hours: int, zone: ZoneInfo, uplift: Weight) -> array[int]:
    """Return how many orders there are by the end of each hour."""
    total, sums = 0.0, array("d")
    for hour in range(hours):
        second = opening + hour * HOUR_S
        here = datetime.fromtimestamp(second, UTC).astimezone(zone)
        growth = 0.7 + 0.6 * hour / hours
        total += HOURS[here.hour] * WEEKDAYS[here.weekday()] * season(here.timetuple().tm_yday) * growth * uplift(second)
        sums.append(total)
    counts = array("q", (int(orders * part / total) for part in sums))
    counts[-1] = orders
    return counts


@dataclass(frozen=True, slots=True)
class Settling:
    """How long orders are worked on.

    An old order was last touched about `lag_s` after it was made; those that are younger have all been looked at within the last
    `recent_s`. What happened to an order up to its last touch is in its row, what is to happen later is not.
    """

    until: int
    lag_s: int
    recent_s: int

    def last_touch(self, created: int) -> int:
        """Return when an order was last changed: never before it was made, never after `until`, and never falling."""
        border = self.until - self.lag_s - self.recent_s
        if created > border:
            return self.until - (self.until - created) * self.recent_s // (self.lag_s + self.recent_s)
        wobble = math.sin((created - border) * 2 * math.pi / (40 * HOUR_S))
        return created + self.lag_s + int(4 * HOUR_S * wobble)
