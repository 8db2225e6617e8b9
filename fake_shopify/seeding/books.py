"""The books of a real shop's year, read from `retail_year1_*.parquet` into columns: orders, lines, postage, and what came back.

The files know sales and returns as separate invoices. A returned line is booked on lines of the same product that were bought
before, with its own value and on its own day:

1. on the customer's own lines, the same price and the latest first;
2. else (bought before the year began) on lines of guests, then of anybody;
3. a product that was never sold within the year, a discount given afterwards and postage that is not to be found become an
   amount that is paid back on the customer's latest order, else on a guest's.

An order is never paid back more than it cost. Where goods came back at another price than that of the line, the order shows the
difference as outstanding. Postage that was invoiced alone goes to an order of the same customer on the same day, else to a
guest's order of that day. Lines of class `other` (fees, samples, corrections) are no sales and are left out.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

PREFIX = "retail_year1_"
GUEST = -1
ZONE = ZoneInfo("Europe/London")


class Unreadable(Exception):
    """The files cannot be read; the message says what to do."""


@dataclass(slots=True)
class Return:
    """Something that came back on one order: lines as (line, units, pence), postage and other amounts in pence."""

    invoice: str
    at: int
    lines: list[tuple[int, int, int]] = field(default_factory=list)
    shipping: int = 0
    other: int = 0

    @property
    def pence(self) -> int:
        """What is paid back."""
        return sum(worth for _, _, worth in self.lines) + self.shipping + self.other


@dataclass(slots=True)
class Product:
    """An article; `first_sold` is an epoch second."""

    code: str
    title: str
    pence: int
    first_sold: int


@dataclass(slots=True)
class Books:
    """All columns. Orders are in the order of their instants; the lines of order `n` are those from `starts[n]` to `starts[n + 1]`.

    Amounts are whole pence, instants epoch seconds; `buyers` are places in `customers`, `GUEST` for none.
    """

    products: list[Product] = field(default_factory=list)
    customers: list[int] = field(default_factory=list)
    invoices: list[str] = field(default_factory=list)
    instants: array[int] = field(default_factory=lambda: array("q"))
    buyers: array[int] = field(default_factory=lambda: array("i"))
    countries: list[str] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: array("i"))
    line_products: array[int] = field(default_factory=lambda: array("i"))
    line_units: array[int] = field(default_factory=lambda: array("i"))
    line_pence: array[int] = field(default_factory=lambda: array("q"))
    shipping: dict[int, list[tuple[str, int]]] = field(default_factory=dict)
    returns: dict[int, list[Return]] = field(default_factory=dict)

    def total(self, order: int) -> int:
        """Return what an order cost."""
        lines = range(self.starts[order], self.starts[order + 1])
        goods = sum(self.line_units[line] * self.line_pence[line] for line in lines)
        return goods + sum(pence for _, pence in self.shipping.get(order, ()))


def pence(value: float) -> int:
    """Read an amount; the files have at most two decimals."""
    return round(value * 100)


def second(local: datetime) -> int:
    """Return the epoch second of a London clock."""
    return int(local.replace(tzinfo=ZONE).timestamp())


def read_books(directory: Path) -> Books:
    """Read all files of a directory.

    Raises:
        Unreadable: pyarrow or a file is missing, or a file is not what it should be.
    """
    try:
        books = Books()
        places = _read_orders(books, directory)
        codes = _read_products(books, directory)
        _read_lines(books, directory, places, codes)
        _Returns(books, codes).book(_columns(directory, "refund_and_shipping_lines"), places)
    except KeyError as missing:
        raise Unreadable(f"a column or a value is missing in {directory}: {missing}") from missing
    return books


def _columns(directory: Path, name: str) -> dict[str, list[Any]]:
    path = directory / f"{PREFIX}{name}.parquet"
    try:
        import pyarrow.parquet as parquet  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise Unreadable("--parquet needs pyarrow: install it (pyarrow>=18), or leave the option out") from None
    if not path.is_file():
        raise Unreadable(f"{path} is not there; --parquet wants a folder with {PREFIX}*.parquet")
    try:
        columns: dict[str, list[Any]] = parquet.read_table(path).to_pydict()
    except (OSError, ValueError) as broken:
        raise Unreadable(f"{path} cannot be read: {broken}") from broken
    return columns


def _read_orders(books: Books, directory: Path) -> dict[str, int]:
    """Read the orders; returns their places by invoice."""
    columns = _columns(directory, "orders")
    rows = sorted(
        zip(columns["ts"], columns["invoice"], columns["customer_id"], columns["country"], strict=True), key=lambda row: row[:2]
    )
    known: dict[int, int] = {}
    for local, invoice, customer, country in rows:
        books.invoices.append(invoice)
        books.instants.append(second(local))
        books.countries.append(country)
        books.buyers.append(GUEST if customer is None else known.setdefault(customer, len(known)))
    books.customers = list(known)
    return {invoice: place for place, invoice in enumerate(books.invoices)}


def _read_products(books: Books, directory: Path) -> dict[str, int]:
    columns = _columns(directory, "products")
    for code, title, first, price in zip(
        *(columns[name] for name in ("stock_code", "title", "first_sold", "last_price")), strict=True
    ):
        books.products.append(Product(code, " ".join(title.split()), pence(price), _morning(first)))
    return {product.code: place for place, product in enumerate(books.products)}


def _morning(day: date) -> int:
    return second(datetime(day.year, day.month, day.day))


def _read_lines(books: Books, directory: Path, places: dict[str, int], codes: dict[str, int]) -> None:
    columns = _columns(directory, "order_lines")
    owners = [places[invoice] for invoice in columns["invoice"]]
    order = sorted(range(len(owners)), key=owners.__getitem__)
    products, units, prices = columns["stock_code"], columns["quantity"], columns["unit_price"]
    counts = [0] * (len(places) + 1)
    for line in order:
        counts[owners[line] + 1] += 1
        books.line_products.append(codes[products[line]])
        books.line_units.append(units[line])
        books.line_pence.append(pence(prices[line]))
    total = 0
    for count in counts:
        total += count
        books.starts.append(total)


class _Returns:
    """Books postage and returns on orders."""

    def __init__(self, books: Books, codes: dict[str, int]) -> None:
        self.books, self.codes = books, codes
        self.buyers = {customer: place for place, customer in enumerate(books.customers)}
        self.left = array("i", books.line_units)
        self.owner = array(
            "i", (order for order in range(len(books.invoices)) for _ in range(books.starts[order], books.starts[order + 1]))
        )
        self.orders_of: dict[int, list[int]] = {}
        for order, buyer in enumerate(books.buyers):
            self.orders_of.setdefault(buyer, []).append(order)
        self.lines_of: dict[int, list[int]] = {}
        for line, product in enumerate(books.line_products):
            self.lines_of.setdefault(product, []).append(line)
        self.payable: list[int] = []
        self.postage: dict[int, int] = {}

    def book(self, columns: dict[str, list[Any]], places: dict[str, int]) -> None:
        """Book all lines of the file, postage before everything that is paid back."""
        names = ("invoice", "invoice_ts", "customer_id", "stock_code", "quantity", "unit_price", "kind", "cls")
        rows = list(zip(*(columns[name] for name in names), strict=True))
        for invoice, local, customer, code, units, price, kind, _ in rows:
            if kind == "sale":
                order = places.get(invoice)
                order = self._order_of_day(self._buyer(customer), second(local)) if order is None else order
                self.books.shipping.setdefault(order, []).append((code, units * pence(price)))
        self.payable = [self.books.total(order) for order in range(len(places))]
        self.postage = {order: sum(worth for _, worth in lines) for order, lines in self.books.shipping.items()}
        for invoice, local, customer, code, units, price, kind, group in rows:
            if kind == "return" and group != "other":
                self._give_back(invoice, second(local), self._buyer(customer), group, code, -units, pence(price))

    def _buyer(self, customer: int | None) -> int:
        return GUEST if customer is None else self.buyers.get(customer, GUEST)

    def _order_of_day(self, buyer: int, at: int) -> int:
        day = datetime.fromtimestamp(at, ZONE).date()
        for who in (buyer, GUEST):
            for order in self.orders_of.get(who, ()):
                if datetime.fromtimestamp(self.books.instants[order], ZONE).date() == day:
                    return order
        return self._latest(at, 0)

    def _latest(self, at: int, worth: int) -> int:
        """Return the latest order at all that is not later and can bear an amount."""
        orders = range(len(self.books.instants) - 1, -1, -1)
        return next((order for order in orders if self._can_bear(order, at, worth)), 0)

    def _can_bear(self, order: int, at: int, worth: int) -> bool:
        return self.books.instants[order] <= at and (not worth or self.payable[order] >= worth)

    def _give_back(self, invoice: str, at: int, buyer: int, group: str, code: str, units: int, price: int) -> None:
        if group == "goods":
            units = self._give_back_goods(invoice, at, buyer, self.codes.get(code, -1), units, price)
        worth = units * price
        if group == "shipping" and worth:
            for order in reversed(self.orders_of.get(buyer, ())):
                if self.postage.get(order, 0) >= worth and self._can_bear(order, at, worth):
                    self.postage[order] -= worth
                    self._open(order, invoice, at, worth).shipping += worth
                    return
        if worth:
            self._pay_back(invoice, at, buyer, worth)

    def _pay_back(self, invoice: str, at: int, buyer: int, worth: int) -> None:
        """Pay an amount back without goods."""
        own = [*reversed(self.orders_of.get(buyer, ())), *reversed(self.orders_of.get(GUEST, ()))]
        order = next((order for order in own if self._can_bear(order, at, worth)), None)
        order = self._latest(at, worth) if order is None else order
        self._open(order, invoice, at, worth).other += worth

    def _give_back_goods(self, invoice: str, at: int, buyer: int, product: int, units: int, price: int) -> int:
        """Book returned units on lines; returns how many are left over."""
        for line in self._candidates(product, buyer, price, at):
            order = self.owner[line]
            count = min(units, self.left[line], self.payable[order] // price)
            if count > 0:
                self.left[line] -= count
                units -= count
                back = self._open(order, invoice, at, count * price)
                back.lines.append((line - self.books.starts[order], count, count * price))
            if not units:
                break
        return units

    def _candidates(self, product: int, buyer: int, price: int, at: int) -> Iterator[int]:
        """Yield lines of a product that were sold before, the likeliest first."""
        earlier = [
            line for line in self.lines_of.get(product, ()) if self.books.instants[self.owner[line]] <= at and self.left[line]
        ]
        earlier.reverse()
        groups: tuple[Iterable[int], ...] = (
            (line for line in earlier if self.books.buyers[self.owner[line]] == buyer),
            (line for line in earlier if self.books.buyers[self.owner[line]] == GUEST != buyer),
            (line for line in earlier if self.books.buyers[self.owner[line]] not in (buyer, GUEST)),
        )
        for group in groups:
            yield from sorted(group, key=lambda line: self.books.line_pence[line] != price)

    def _open(self, order: int, invoice: str, at: int, worth: int) -> Return:
        """Return what comes back on an order under an invoice, and take its worth off what can still be paid back."""
        self.payable[order] -= worth
        kept = self.books.returns.setdefault(order, [])
        if kept and kept[-1].invoice == invoice and kept[-1].at == at:
            return kept[-1]
        kept.append(Return(invoice, at))
        return kept[-1]
