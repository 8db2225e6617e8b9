"""Lists of seeded tables: pages and counts that look at few rows, however many there are.

What a search must satisfy at its top level bounds the work: instants and ids bound a run of indexes (found by bisection with the
search field's own test), instants in an order of their own bound a run of steps (`rows.Walk`), and a finder names the rows
outright. Rows are made in the order of the sort key, one by one, until the page is full, and merged with the rows that are in
memory. Only a sort by anything else needs all found rows at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import merge
from itertools import groupby, islice, takewhile
from typing import Any

from fake_shopify.clock import iso, parse_iso
from fake_shopify.failures import TopLevelError
from fake_shopify.paging import (
    EVERYTHING,
    Connection,
    SortKey,
    SortValue,
    Whole,
    by_id,
    comparable,
    decode_cursor,
    encode_cursor,
    page,
    window,
)
from fake_shopify.rows import Row, Seeded, Table, Walk
from fake_shopify.search import NUMBER, Field, Group, Search, Term

MOST_LOOKED_AT = 25_000
"""So many rows are made for one answer, some ten seconds' worth."""
COLLECT = 50_000
"""So many indexes may be collected to be sorted; their rows are not made for that."""

LAST_MS = 250_000_000_000_000
"""A cursor's instant is taken for one up to here (the year 9892)."""

Span = tuple[int, int]
Mark = tuple[tuple[int, Any], int]
Glance = Callable[[int], bool]


# What a search leaves of a table


@dataclass(slots=True)
class Reach:
    """Which seeded rows a search can find.

    Args:
        low, high: indexes, `high` excluded.
        steps: for date fields in an order of their own, the steps of each walk.
        numbers: the ids themselves, when a finder knows them.
        glances: tests of an index that need no row.
        exact: whether all of this is what the search says, so that no row need be tested.
    """

    low: int
    high: int
    steps: dict[str, list[tuple[Walk, Span]]] = field(default_factory=dict)
    numbers: set[int] | None = None
    glances: list[Glance] = field(default_factory=list)
    exact: bool = True

    def size_of(self, name: str) -> int:
        """Count the steps that a date field leaves."""
        return sum(high - low for _, (low, high) in self.steps[name])

    def allows(self, index: int) -> bool:
        """Say whether a row passes what can be told without making it."""
        return self.low <= index < self.high and all(glance(index) for glance in self.glances)


def reach(seeded: Seeded, search: Search) -> Reach:
    """Return what a search leaves of the seeded rows."""
    found = Reach(0, seeded.count)
    for part in search.required():
        known = search.fields[part.field] if isinstance(part, Term) else None
        if known is not None and (part.field == "id" or known.instant in seeded.instants):
            low, high = narrowed(seeded.count, _probe(seeded, known), known, part)
            found.low, found.high = max(found.low, low), min(found.high, high)
        elif known is not None and known.instant in seeded.walks:
            _narrow_steps(found, seeded, known, part)
        else:
            found.exact = False
            numbers = _numbers_of(part, seeded, search)
            if numbers is not None:
                found.numbers = numbers if found.numbers is None else found.numbers & numbers
    found.high = max(found.low, found.high)
    return found


def _probe(seeded: Seeded, known: Field) -> Callable[[int], Row]:
    name = known.instant
    if name is None:
        return lambda index: Row(_id=seeded.first_id + index * seeded.step)
    instant = seeded.instants[name]
    return lambda index: Row({name: instant(index)})


def _narrow_steps(found: Reach, seeded: Seeded, known: Field, term: Term) -> None:
    name = known.instant or ""
    before = found.steps.get(name) or [(walk, (0, walk.steps)) for walk in seeded.walks[name]]
    found.steps[name] = []
    for walk, (low, high) in before:
        new_low, new_high = narrowed(walk.steps, _step_probe(walk, name), known, term)
        found.steps[name].append((walk, (max(low, new_low), max(max(low, new_low), min(high, new_high)))))

    def glance(index: int) -> bool:
        return known.test(Row({name: seeded.instant_of(name, index)}), term.op, term.value, term.quoted)

    found.glances.append(glance)


def _step_probe(walk: Walk, name: str) -> Callable[[int], Row]:
    return lambda rank: Row({name: walk.instant(rank)})


def _numbers_of(part: Any, seeded: Seeded, search: Search) -> set[int] | None:
    """Return the ids that a term can find, or any of several terms; None when finders do not know."""
    if isinstance(part, Group) and not part.every:
        found = [_numbers_of(one, seeded, search) for one in part.parts]
        known = [numbers for numbers in found if numbers is not None]
        return set().union(*known) if len(known) == len(found) else None
    if not isinstance(part, Term) or part.op != "=" or not search.counts(part):
        return None
    if part.field == "id":
        digits = part.value.rsplit("/", 1)[-1].split("?")[0]
        return {int(digits)} if NUMBER.fullmatch(digits) else set()
    numbers = seeded.finders[part.field](part.value) if part.field in seeded.finders else None
    return None if numbers is None else set(numbers)


def narrowed(count: int, probe: Callable[[int], Row], known: Field, term: Term) -> Span:
    """Return the run of places, out of `count` whose values never fall, where a term holds."""

    def first(op: str, *, holds: bool) -> int:
        low, high = 0, count
        while low < high:
            middle = (low + high) // 2
            if known.test(probe(middle), op, term.value, term.quoted) == holds:
                high = middle
            else:
                low = middle + 1
        return low

    if term.op in (">", ">="):
        return first(term.op, holds=True), count
    if term.op in ("<", "<="):
        return 0, first(term.op, holds=False)
    return first(">=", holds=True), first("<=", holds=False)


# The order of indexes


def by_index(seeded: Seeded, found: Reach, *, reverse: bool) -> Iterator[int]:
    """Yield the indexes that a search leaves, in their own order."""
    name = min(found.steps, key=found.size_of, default=None)
    if found.numbers is not None:
        places = [index for index in map(seeded.index_of, found.numbers) if index is not None]
        yield from filter(found.allows, sorted(places, reverse=reverse))
    elif name is not None and found.size_of(name) <= min(COLLECT, found.high - found.low):
        shown = (walk.index(rank) for walk, span in found.steps[name] for rank in range(*span))
        yield from sorted((index for index in shown if index is not None and found.allows(index)), reverse=reverse)
    else:
        span = range(found.low, found.high)
        yield from filter(found.allows, reversed(span) if reverse else span)


def by_walk(seeded: Seeded, found: Reach, name: str, *, reverse: bool) -> Iterator[int]:
    """Yield the indexes that a search leaves, by a date field in an order of its own, then by index."""
    if name not in found.steps:
        found.steps[name] = [(walk, (0, walk.steps)) for walk in seeded.walks[name]]
    is_narrow = found.high - found.low < seeded.count and found.high - found.low <= min(COLLECT, found.size_of(name))
    if found.numbers is not None or is_narrow:
        places = [(seeded.instant_of(name, index) or "", index) for index in by_index(seeded, found, reverse=False)]
        yield from (index for _, index in sorted(places, reverse=reverse))
        return
    runs = [_walked(walk, span, reverse=reverse) for walk, span in found.steps[name]]
    yield from (index for _, index in merge(*runs, reverse=reverse) if found.allows(index))


def _walked(walk: Walk, span: Span, *, reverse: bool) -> Iterator[tuple[str, int]]:
    """Yield a walk's rows as (instant, index); rows of one second come by index."""
    ranks = reversed(range(*span)) if reverse else range(*span)
    steps = ((walk.instant(rank), walk.index(rank)) for rank in ranks)
    for instant, group in groupby(steps, key=lambda step: step[0]):
        shown = sorted((index for _, index in group if index is not None), reverse=reverse)
        yield from ((instant, index) for index in shown)


# Pages


@dataclass(slots=True)
class Cut:
    """Which page is asked for: `start` and `end` are the rows before and after it in the direction of reading."""

    count: int
    from_end: bool
    reverse: bool
    start: Mark | None
    end: Mark | None

    @property
    def down(self) -> bool:
        """Whether rows are read from the greatest to the smallest."""
        return self.reverse != self.from_end


def list_page(
    table: Table, arguments: dict[str, Any], search: Search, sort: str, key: SortKey, natural: Iterable[str]
) -> Connection:
    """Answer a page of a table with seeded rows."""
    seeded = table.seeded
    assert seeded is not None
    if search.malformed:
        return page([], arguments)
    found, name, cut = reach(seeded, search), _field_of(sort), _cut_of(arguments, key)
    if name in seeded.walks:
        _start_walking(found, seeded, name, cut)
        indexes = by_walk(seeded, found, name, reverse=cut.down)
    elif sort in natural:
        _start_counting(found, seeded, name, cut)
        indexes = by_index(seeded, found, reverse=cut.down)
    else:
        indexes = _sorted(table, found, search, key, cut)
    if cut.count is EVERYTHING:
        return Whole(_every_row(table, indexes, found, search, name, key, cut))
    return _page_of(table, indexes, search, key, cut)


def _field_of(sort: str) -> str:
    """Return the row field of a date sort: `UPDATED_AT` sorts by `updatedAt`."""
    first, *others = sort.lower().split("_")
    return first + "".join(word.capitalize() for word in others)


def _sorted(table: Table, found: Reach, search: Search, key: SortKey, cut: Cut) -> Iterator[int]:
    """Yield what is found in the order of any sort key: all of it is looked at, and made again when it is shown."""
    assert table.seeded is not None
    order, seeded = _order_by(key), table.seeded
    # All indexes first, so that too many are refused before a row is made.
    indexes = list(_in_reason(by_index(seeded, found, reverse=False), cut))
    made = ((seeded.make(index), index) for index in indexes)
    ranked = sorted(((order(row), index) for row, index in made if search.matches(row)), reverse=cut.down)
    return (index for _, index in ranked)


def _in_reason(indexes: Iterator[int], cut: Cut) -> Iterator[int]:
    """Pass indexes on, but not so many that an answer takes minutes; nobody waits for everything."""
    if cut.count is EVERYTHING:
        yield from indexes
    yield from islice(indexes, MOST_LOOKED_AT)
    if next(indexes, None) is not None:
        text = f"The fake store gave up after looking at {MOST_LOOKED_AT:,} objects; narrow the search by a date"
        raise TopLevelError(text, "FAKE_TOO_MUCH_TO_READ")


def _cut_of(arguments: dict[str, Any], key: SortKey) -> Cut:
    count, from_end = window(arguments)
    after, before = (_mark(arguments.get(name), key) for name in ("after", "before"))
    start, end = (before, after) if from_end else (after, before)
    return Cut(count, from_end, bool(arguments.get("reverse")), start, end)


def _mark(cursor: str | None, key: SortKey) -> Mark | None:
    if not cursor:
        return None
    number, value = decode_cursor(cursor)
    return _sign(number, None if key is by_id else value)


def _sign(number: int, value: SortValue) -> Mark:
    return comparable(value), number


def _ms(mark: Mark) -> int | None:
    """Return the epoch milliseconds that a cursor of a date sort stands at; None when it is no such cursor."""
    value = mark[0][1]
    return value if mark[0][0] == 1 and isinstance(value, int) and 0 <= value < LAST_MS else None


def _iso_of_ms(value: int) -> str:
    return iso(datetime.fromtimestamp(value // 1000, UTC))


def _start_counting(found: Reach, seeded: Seeded, name: str, cut: Cut) -> None:
    """Leave out the indexes before a cursor, in a sort that follows the ids."""
    if cut.start is None:
        return
    at = _ms(cut.start) if name in seeded.instants else None
    if name not in seeded.instants:
        low, high = seeded.place(cut.start[1]), seeded.place(cut.start[1] + 1)
    elif at is not None:
        low, high = seeded.bound(name, _iso_of_ms(at)), seeded.bound(name, _iso_of_ms(at + 1000))
    else:
        return
    if cut.down:
        found.high = max(found.low, min(found.high, high))
    else:
        found.low = min(found.high, max(found.low, low))


def _start_walking(found: Reach, seeded: Seeded, name: str, cut: Cut) -> None:
    """Leave out the steps before a cursor, in a sort by a date field in an order of its own."""
    at = _ms(cut.start) if cut.start is not None else None
    if at is None:
        return
    spans = found.steps.get(name) or [(walk, (0, walk.steps)) for walk in seeded.walks[name]]
    found.steps[name] = []
    for walk, (low, high) in spans:
        if cut.down:
            high = max(low, min(high, _first_step(walk, _iso_of_ms(at + 1000))))
        else:
            low = min(high, max(low, _first_step(walk, _iso_of_ms(at))))
        found.steps[name].append((walk, (low, high)))


def _first_step(walk: Walk, instant: str) -> int:
    low, high = 0, walk.steps
    while low < high:
        middle = (low + high) // 2
        if walk.instant(middle) < instant:
            low = middle + 1
        else:
            high = middle
    return low


def _page_of(table: Table, indexes: Iterator[int], search: Search, key: SortKey, cut: Cut) -> Connection:
    assert table.seeded is not None
    make, order = table.seeded.make, _order_by(key)
    made = (row for row in (make(index) for index in _in_reason(indexes, cut) if table.untouched(index)) if search.matches(row))
    kept = sorted(filter(search.matches, table.kept()), key=order, reverse=cut.down)
    return _taken(merge(made, kept, key=order, reverse=cut.down), key, cut)


def _every_row(
    table: Table, indexes: Iterator[int], found: Reach, search: Search, name: str, key: SortKey, cut: Cut
) -> Iterator[Row]:
    """Yield what is found as long as it takes, looking at no row before its turn where its place is known beforehand.

    A row that is changed meanwhile is shown as it then is, a deleted one is not.
    """
    assert table.seeded is not None
    order, seeded = _order_by(key), table.seeded
    before = {row.number for row in table.kept()}
    kept = sorted((order(row) for row in table.kept() if search.matches(row)), reverse=cut.down)

    def mark(index: int) -> Mark:
        number, instant = seeded.first_id + index * seeded.step, seeded.instant_of(name, index)
        if key is by_id:
            return _sign(number, None)
        return order(seeded.make(index)) if instant is None else _sign(number, int(parse_iso(instant).timestamp() * 1000))

    fresh = (index for index in indexes if seeded.first_id + index * seeded.step not in before)
    if kept:
        numbers = (number for _, number in merge(map(mark, fresh), kept, reverse=cut.down))
    else:
        numbers = (seeded.first_id + index * seeded.step for index in fresh)
    for number in numbers:
        row = table.get(number)
        if row is not None and (found.exact or number in before or search.matches(row)):
            yield row


def _order_by(key: SortKey) -> Callable[[Row], Mark]:
    return lambda row: _sign(row.number, None if key is by_id else key(row))


def _taken(rows: Iterable[Row], key: SortKey, cut: Cut) -> Connection:
    """Cut the page out of rows that come in order."""
    order, start, end = _order_by(key), cut.start, cut.end
    if cut.count is EVERYTHING:
        return Whole(rows)
    if start is not None:
        rows = (row for row in rows if (order(row) < start if cut.down else order(row) > start))
    if end is not None:
        rows = takewhile(lambda row: order(row) > end if cut.down else order(row) < end, rows)
    return _connection(list(islice(rows, cut.count + 1)), key, cut)


def scanned_page(table: Table, arguments: dict[str, Any], search: Search) -> Connection:
    """Answer a page by id of a table that knows its rows only by a scan of its own (see `admin.order_parts`)."""
    assert table.seeded is not None
    cut, low, high = _cut_of(arguments, by_id), 0, table.seeded.count
    if cut.start is not None and cut.down:
        high = table.seeded.place(cut.start[1])
    elif cut.start is not None:
        low = table.seeded.place(cut.start[1])
    return _taken(filter(search.matches, table.scan(reverse=cut.down, low=low, high=high)), by_id, cut)


def _connection(chosen: list[Row], key: SortKey, cut: Cut) -> Connection:
    """Build the page; `chosen` has one row more than asked for where there is one."""
    beyond, behind = len(chosen) > cut.count or cut.end is not None, cut.start is not None
    shown = chosen[: cut.count]
    if cut.from_end:
        shown.reverse()
    if not shown:
        return Connection([], [], has_next=False, has_previous=False)
    cursors = [encode_cursor(row, key(row)) for row in shown]
    has_next, has_previous = (behind, beyond) if cut.from_end else (beyond, behind)
    return Connection(shown, cursors, has_next=has_next, has_previous=has_previous)


# Counts


def count_rows(table: Table, search: Search, limit: int | None) -> tuple[int, bool]:
    """Count what a search finds in a table with seeded rows, up to one beyond the limit; returns the count and whether it is exact.

    Assumed: where too many rows would have to be made, only some are looked at and the count is not exact; without a limit it is.
    """
    seeded = table.seeded
    assert seeded is not None
    if search.malformed:
        return 0, True
    if not search.text.strip():
        return len(table), True
    found = reach(seeded, search)
    total = sum(1 for row in table.kept() if search.matches(row))
    if found.exact and not found.steps:
        return total + found.high - found.low - table.changed_between(found.low, found.high), True
    indexes = (index for index in by_index(seeded, found, reverse=False) if table.untouched(index))
    if not found.exact:
        looked = indexes if limit is None else islice(indexes, MOST_LOOKED_AT)
        matching = (index for index in looked if search.matches(seeded.make(index)))
    else:
        matching = indexes
    total += sum(1 for _ in (matching if limit is None else islice(matching, max(0, limit + 1 - total))))
    is_exact = found.exact or limit is None or next(indexes, None) is None
    return total, is_exact
