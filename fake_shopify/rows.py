"""Rows and tables: what one shop holds, kept in memory, with seeded rows made only when somebody looks at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from typing import Any


class Row(dict[str, Any]):
    """One object: GraphQL field names map to values; keys with a leading underscore are private to the fake.

    Always present: `__typename` and `_id` (the number behind the GID).
    """

    __slots__ = ("__weakref__",)

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    @property
    def number(self) -> int:
        """The number behind the GID."""
        return int(self["_id"])


@dataclass(frozen=True, slots=True)
class Walk:
    """Seeded rows in the order of an instant that does not follow their ids.

    Step `rank` of `steps` stands at `instant(rank)` (ISO text), which never falls, and shows the row of `index(rank)`, or none;
    `rank(index)` is the step that shows a row, None when this walk does not show it.
    """

    steps: int
    instant: Callable[[int], str]
    index: Callable[[int], int | None]
    rank: Callable[[int], int | None]


@dataclass(frozen=True, slots=True)
class Seeded:
    """A run of rows that are a pure function of their index, so that millions cost no memory.

    Ids are `first_id + index * step`; `make(index)` builds a fresh row. `instants` names date fields that never fall with the
    index, each with a function index -> ISO text, so that a window over them needs no scan. `walks` does the same for date fields
    in an order of their own (every row is in one of the walks of a field), and `finders` for search fields: the numbers of the rows
    that a value can find, at least, or None when it cannot tell.
    """

    first_id: int
    count: int
    make: Callable[[int], Row]
    step: int = 1
    instants: dict[str, Callable[[int], str]] = field(default_factory=dict)
    walks: dict[str, tuple[Walk, ...]] = field(default_factory=dict)
    finders: dict[str, Callable[[str], Iterable[int] | None]] = field(default_factory=dict)

    def place(self, number: int) -> int:
        """Return the index of the first row whose id is not below `number`."""
        return min(self.count, max(0, -((self.first_id - number) // self.step)))

    def instant_of(self, name: str, index: int) -> str | None:
        """Return a date field of a row without making the row; None for one that is not known beforehand."""
        if name in self.instants:
            return self.instants[name](index)
        steps = ((walk, walk.rank(index)) for walk in self.walks.get(name, ()))
        return next((walk.instant(rank) for walk, rank in steps if rank is not None), None)

    def index_of(self, number: int) -> int | None:
        """Return the index of an id, or None when it is not one of these."""
        index, rest = divmod(number - self.first_id, self.step)
        return index if rest == 0 and 0 <= index < self.count else None

    def bound(self, name: str, instant: str) -> int:
        """Return the first index whose `name` is not before `instant` (ISO text, UTC)."""
        value, low, high = self.instants[name], 0, self.count
        while low < high:
            middle = (low + high) // 2
            if value(middle) < instant:
                low = middle + 1
            else:
                high = middle
        return low


class Table:
    """All rows of one type in one shop, by number, in ascending order of number.

    A seeded row that is only read is made anew each time; `edit` keeps it. Deleted numbers never come back.
    """

    def __init__(self, type_name: str, seeded: Seeded | None = None) -> None:
        self.type_name = type_name
        self.seeded = seeded
        self._rows: dict[int, Row] = {}
        self._removed: set[int] = set()

    def share(self, other: Table) -> None:
        """Hold the same rows as another table from now on, but those that are seeded."""
        self._rows, self._removed = other._rows, other._removed

    def __len__(self) -> int:
        if self.seeded is None:
            return len(self._rows)
        index_of = self.seeded.index_of
        extra = sum(1 for number in self._rows if index_of(number) is None)
        return self.seeded.count - len(self._removed) + extra

    def __iter__(self) -> Iterator[Row]:
        return self.scan()

    def get(self, number: int) -> Row | None:
        """Return the row to read; a change to it is lost when it is a seeded one (use `edit`)."""
        row = self._rows.get(number)
        if row is not None or self.seeded is None or number in self._removed:
            return row
        index = self.seeded.index_of(number)
        return None if index is None else self.seeded.make(index)

    def kept(self) -> list[Row]:
        """Return the rows that are in memory: new ones and edited ones."""
        return list(self._rows.values())

    def untouched(self, index: int) -> bool:
        """Say whether a seeded row is still as it was made: neither edited nor deleted."""
        assert self.seeded is not None
        number = self.seeded.first_id + index * self.seeded.step
        return number not in self._rows and number not in self._removed

    def changed_between(self, low: int, high: int) -> int:
        """Count the seeded rows from index `low` to `high` (excluded) that are not as they were made."""
        assert self.seeded is not None
        places = map(self.seeded.index_of, {*self._rows, *self._removed})
        return sum(1 for place in places if place is not None and low <= place < high)

    def edit(self, number: int) -> Row | None:
        """Return the row to change; it is kept from now on."""
        row = self.get(number)
        if row is not None:
            self._rows[number] = row
        return row

    def add(self, row: Row) -> Row:
        """Keep a new row."""
        self._rows[row.number] = row
        return row

    def remove(self, number: int) -> None:
        """Delete a row."""
        self._rows.pop(number, None)
        if self.seeded is not None and self.seeded.index_of(number) is not None:
            self._removed.add(number)

    def scan(self, *, reverse: bool = False, low: int = 0, high: int | None = None) -> Iterator[Row]:
        """Yield rows by ascending number (descending when `reverse`); `low` and `high` (excluded) bound the seeded ones' index."""
        kept = sorted(self._rows, reverse=reverse)
        if self.seeded is None:
            return (self._rows[number] for number in kept)
        numbers = self._seeded_numbers(reverse, low, self.seeded.count if high is None else min(high, self.seeded.count))
        every = merge(kept, numbers, reverse=reverse)
        return (row for row in map(self.get, every) if row is not None)

    def _seeded_numbers(self, reverse: bool, low: int, high: int) -> Iterator[int]:
        assert self.seeded is not None
        span = range(high - 1, low - 1, -1) if reverse else range(low, high)
        for index in span:
            number = self.seeded.first_id + index * self.seeded.step
            if number not in self._removed and number not in self._rows:
                yield number
