"""Where the parts of orders are found by id: lines, transactions, refunds, fulfillments, fulfillment orders and what is in those.

The parts live inside their order's row; a table of this module knows to which order an id belongs: new ids are noted as they
are given out, ids of seeded orders follow from arithmetic.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from dataclasses import dataclass

from fake_shopify.admin.order_rows import Numbers
from fake_shopify.context import NUMBER, Context
from fake_shopify.rows import Row, Seeded, Table, Walk
from fake_shopify.world import Shop

HOMES = "order_of_part"
SEEDED = "seeded_orders"
OF_CUSTOMER = "orders_of_customer"

PARTS: dict[str, Callable[[Row], list[Row]]] = {
    "LineItem": lambda order: order["_lines"],
    "OrderTransaction": lambda order: order["_transactions"],
    "Refund": lambda order: order["_refunds"],
    "Fulfillment": lambda order: order["_fulfillments"],
    "FulfillmentOrder": lambda order: order["_fulfillment_orders"],
    "FulfillmentOrderLineItem": lambda order: [entry for home in order["_fulfillment_orders"] for entry in home["_lines"]],
    "FulfillmentLineItem": lambda order: [entry for one in order["_fulfillments"] for entry in one["_lines"]],
    "FulfillmentEvent": lambda order: [event for one in order["_fulfillments"] for event in one["_events"]],
    "FulfillmentHold": lambda order: [hold for home in order["_fulfillment_orders"] for hold in home["_holds"]],
}
"""Types of parts that have ids of their own, and where an order keeps them."""

SPAN = 64
"""How many ids of each part type a seeded order may use unless its run says otherwise."""


@dataclass(frozen=True, slots=True)
class SeededOrders:
    """The ids of a run of seeded orders and of their parts: order `index` owns `span` ids of every part type.

    Args:
        first_id: the id of order 0; order `index` has `first_id + index * step`.
        first_part_id: where the ids of parts begin, for every part type alike.
        span: how many ids of each part type an order may use.
        open_from: the first index whose fulfillment orders may be unfinished; those of all orders before it are closed.
    """

    first_id: int
    count: int
    step: int = 1
    first_part_id: int = 1_000_000_000_000
    span: int = SPAN
    open_from: int = 0

    def order_number(self, index: int) -> int:
        """Return the id of an order."""
        return self.first_id + index * self.step

    def numbers(self, index: int) -> Numbers:
        """Return the source of ids for the parts of one order."""
        first = self.first_part_id + index * self.span
        used: dict[str, int] = {}

        def number(type_name: str) -> int:
            at = used[type_name] = used.get(type_name, -1) + 1
            return first + at

        return number

    def home(self, part_number: int) -> int | None:
        """Return the id of the order that a seeded part belongs to."""
        index = (part_number - self.first_part_id) // self.span
        return self.order_number(index) if 0 <= index < self.count else None


def live_numbers(shop: Shop, order_number: int) -> Numbers:
    """Return the source of ids for new parts of an order; it notes where each belongs."""
    homes = shop.state.setdefault(HOMES, {})

    def number(type_name: str) -> int:
        fresh = shop.new_id(type_name)
        homes.setdefault(type_name, {})[fresh] = order_number
        return fresh

    return number


@dataclass(slots=True)
class _Source:
    """What a table of parts needs to know."""

    orders: Table
    homes: dict[int, int]
    seeded: SeededOrders | None
    pick: Callable[[Row], list[Row]]


class OrderParts(Table):
    """All parts of one type, found through their orders; nothing is kept here."""

    def __init__(self, type_name: str, source: _Source) -> None:
        run = source.seeded
        table_run = None if run is None else Seeded(run.first_part_id, run.count * run.span, _never)
        super().__init__(type_name, table_run)
        self.source = source

    def __len__(self) -> int:
        """Count seeded orders and new parts: an estimate, exact without seeded orders."""
        run = self.source.seeded
        return (0 if run is None else run.count) + len(self.source.homes)

    def _home(self, number: int) -> int | None:
        known = self.source.homes.get(number)
        if known is not None or self.source.seeded is None:
            return known
        return self.source.seeded.home(number)

    def _find(self, number: int, order: Row | None) -> Row | None:
        return None if order is None else next((part for part in self.source.pick(order) if part.number == number), None)

    def get(self, number: int) -> Row | None:
        """Return a part to read."""
        home = self._home(number)
        return None if home is None else self._find(number, self.source.orders.get(home))

    def edit(self, number: int) -> Row | None:
        """Return a part to change; its order is kept from now on."""
        home = self._home(number)
        return None if home is None else self._find(number, self.source.orders.edit(home))

    def scan(self, *, reverse: bool = False, low: int = 0, high: int | None = None) -> Iterator[Row]:
        """Yield parts by ascending number (descending when `reverse`); `low`/`high` bound the index of seeded ids."""
        fresh = (row for row in map(self.get, sorted(self.source.homes, reverse=reverse)) if row is not None)
        seeded = self._scan_seeded(reverse, low, high)
        for run in (fresh, seeded) if reverse else (seeded, fresh):
            yield from run

    def _scan_seeded(self, reverse: bool, low: int, high: int | None) -> Iterator[Row]:
        run = self.source.seeded
        if run is None:
            return
        end = run.count if high is None else -(-high // run.span)
        for order in self.source.orders.scan(reverse=reverse, low=low // run.span, high=end):
            seeded = (part for part in self.source.pick(order) if run.home(part.number) is not None)
            yield from sorted(seeded, key=_by_number, reverse=reverse)


class Unfinished(Table):
    """The fulfillment orders that `keep` picks out of the unfinished ones; seeded orders that have none are skipped."""

    def __init__(self, table: OrderParts, keep: Callable[[Row], bool]) -> None:
        super().__init__(table.type_name, table.seeded)
        self.table, self.keep = table, keep

    def __len__(self) -> int:
        """Count what may have to be looked at."""
        run = self.table.source.seeded
        return len(self.table) if run is None else len(self.table) - run.open_from

    def scan(self, *, reverse: bool = False, low: int = 0, high: int | None = None) -> Iterator[Row]:
        """Yield what is kept, in the order of ids."""
        run = self.table.source.seeded
        first = low if run is None else max(low, run.open_from * run.span)
        return filter(self.keep, self.table.scan(reverse=reverse, low=first, high=high))


class OrdersOfCustomer(MutableMapping[int, list[int]]):
    """Customer number -> order numbers; those of seeded customers are worked out when somebody asks for them."""

    def __init__(self, seeded: Callable[[int], Iterable[int]]) -> None:
        self.seeded = seeded
        self.known: dict[int, list[int]] = {}

    def __getitem__(self, number: int) -> list[int]:
        if number not in self.known:
            self.known[number] = list(self.seeded(number))
        return self.known[number]

    def __setitem__(self, number: int, orders: list[int]) -> None:
        self.known[number] = orders

    def __delitem__(self, number: int) -> None:
        self.known[number] = []

    def __iter__(self) -> Iterator[int]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)


def _by_number(row: Row) -> int:
    return row.number


def _never(index: int) -> Row:
    raise AssertionError("parts are made with their orders")


def parts(shop: Shop, type_name: str) -> OrderParts:
    """Return the table of a part type."""
    install(shop)
    found = shop.tables[type_name]
    assert isinstance(found, OrderParts)
    return found


def find_part(ctx: Context, type_name: str, id: str | None, *, edit: bool = False) -> Row | None:
    """Return a part by GID, to read or to change; None for an unknown one or one of another type."""
    install(ctx.shop)
    return ctx.edit(type_name, id) if edit else ctx.find(type_name, id)


def install(shop: Shop) -> None:
    """Put the tables of all part types into the shop, so that `node` finds them too; does nothing the second time."""
    if isinstance(shop.tables.get("LineItem"), OrderParts):
        return
    homes = shop.state.setdefault(HOMES, {})
    for type_name, pick in PARTS.items():
        source = _Source(shop.table("Order"), homes.setdefault(type_name, {}), shop.state.get(SEEDED), pick)
        shop.tables[type_name] = OrderParts(type_name, source)


def seed_orders(
    shop: Shop,
    run: SeededOrders,
    make: Callable[[int], Row],
    *,
    instants: dict[str, Callable[[int], str]] | None = None,
    walks: dict[str, tuple[Walk, ...]] | None = None,
    finders: dict[str, Callable[[str], Iterable[int] | None]] | None = None,
    of_customer: Callable[[int], Iterable[int]] | None = None,
    last_order_number: int | None = None,
) -> None:
    """Fill the order table with a run of orders that are pure functions of their index.

    Their order numbers never fall with the index, and they are named by them (`#1001`).

    Args:
        make: builds order `index` with the id `run.order_number(index)` and part ids from `run.numbers(index)`.
        instants: date fields that never fall with the index, each as index -> ISO text (see `rows.Seeded`).
        walks: date fields in an order of their own (see `rows.Walk`).
        finders: search fields whose value names the orders (see `rows.Seeded`), besides `name`.
        of_customer: the ids of the orders of a seeded customer.
        last_order_number: the highest order number in use, so that new orders count on from there.
    """
    all_finders = {"name": _by_name(run, make), **(finders or {})}
    seeded = Seeded(run.first_id, run.count, make, run.step, instants or {}, walks or {}, all_finders)
    shop.tables["Order"] = Table("Order", seeded)
    shop.state[SEEDED] = run
    for type_name in PARTS:
        shop.tables.pop(type_name, None)
    install(shop)
    if of_customer is not None:
        shop.state[OF_CUSTOMER] = OrdersOfCustomer(of_customer)
    shop.state["last_order_number"] = last_order_number if last_order_number is not None else 1000 + run.count


def _by_name(run: SeededOrders, make: Callable[[int], Row]) -> Callable[[str], Iterable[int] | None]:
    def find(value: str) -> Iterable[int]:
        digits = value.removeprefix("#")
        if not NUMBER.fullmatch(digits):
            return []
        return [run.order_number(bisect_left(range(run.count), int(digits), key=lambda at: make(at)["number"]))]

    return find


def next_order_number(shop: Shop) -> int:
    """Return the number of the next order: they count from 1001."""
    number = int(shop.state.get("last_order_number", 1000)) + 1
    shop.state["last_order_number"] = number
    return number
