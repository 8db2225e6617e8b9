"""Numbers that look random and follow from a key alone: the same key, the same numbers, on every machine and Python."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from enum import IntEnum
from itertools import accumulate
from math import gcd
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")
GOLDEN = 0.6180339887498949


class Purpose(IntEnum):
    """What numbers are for; two purposes never share them."""

    CATALOGUE = 1
    PEOPLE = 2
    SALES = 3
    CAMPAIGNS = 4
    SHELVES = 5
    RETAIL = 6


class Dice:
    """A stream of numbers for one thing, such as one order.

    Only `Random.random` is used, whose sequence Python promises to keep for a seed.
    """

    __slots__ = ("roll",)

    def __init__(self, seed: int, purpose: Purpose, index: int) -> None:
        self.roll = Random((seed & 0xFFFF_FFFF_FFFF_FFFF) << 72 | purpose << 64 | index).random

    def chance(self, share: float) -> bool:
        """Say yes with this probability."""
        return self.roll() < share

    def below(self, count: int) -> int:
        """Return a whole number from 0 up to `count` (excluded)."""
        return int(self.roll() * count)

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int(self.roll() * (high - low + 1))

    def pick(self, things: Sequence[T]) -> T:
        """Return one of several things."""
        return things[int(self.roll() * len(things))]

    def sample(self, things: Sequence[T], count: int) -> list[T]:
        """Return some of several things, each once, in the order in which they stand."""
        ranked = sorted(range(len(things)), key=lambda place: (self.roll(), place))
        return [things[place] for place in sorted(ranked[:count])]


class Weighted(Generic[T]):
    """Things of unequal frequency."""

    def __init__(self, things: Sequence[tuple[T, float]]) -> None:
        self.things = [thing for thing, _ in things]
        self.sums = list(accumulate(weight for _, weight in things))

    def of(self, share: float) -> T:
        """Return the thing that stands at a share (0 ≤ share < 1) of all weight."""
        return self.things[min(bisect_right(self.sums, share * self.sums[-1]), len(self.things) - 1)]


class Shuffle:
    """A permutation of `size` numbers that needs no memory and can be undone: multiples of a step near the golden section."""

    __slots__ = ("back", "offset", "size", "step")

    def __init__(self, size: int, offset: int = 0) -> None:
        self.size = max(1, size)
        step = max(1, round(self.size * GOLDEN))
        while gcd(step, self.size) > 1:
            step += 1
        self.step, self.back, self.offset = step, pow(step, -1, self.size) if self.size > 1 else 0, offset

    def to(self, place: int) -> int:
        """Return where a number goes."""
        return (place * self.step + self.offset) % self.size

    def undo(self, place: int) -> int:
        """Return which number comes here."""
        return (place - self.offset) * self.back % self.size


def share(place: int, parts: int, whole: int) -> int:
    """Return how many of `parts`, spread evenly over `whole`, lie before `place`."""
    return place * parts // whole
