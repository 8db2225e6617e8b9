"""A shop as a bulk operation reads it: millions of rows once, most of them only named by others.

The view shares everything with the shop, but a seeded row that is looked up is made only when more than its id is asked for, and
nothing that is worked out on the way is kept.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from fake_shopify.admin.order_parts import OF_CUSTOMER, OrdersOfCustomer
from fake_shopify.context import Context
from fake_shopify.rows import Row, Table
from fake_shopify.search import Field, Search, prepare
from fake_shopify.world import Shop, gid


class Promise(Row):
    """A row whose id is known and whose rest is made when somebody looks at it."""

    __slots__ = ("_make",)

    def __init__(self, type_name: str, number: int, make: Callable[[], Row]) -> None:
        super().__init__(__typename=type_name, _id=number, id=gid(type_name, number))
        self._make: Callable[[], Row] | None = make

    def _keep(self) -> None:
        make, self._make = self._make, None
        if make is not None:
            dict.update(self, make())

    def __missing__(self, key: str) -> Any:
        if self._make is None:
            raise KeyError(key)
        self._keep()
        return self[key]

    def __contains__(self, key: object) -> bool:
        if not dict.__contains__(self, key):
            self._keep()
        return dict.__contains__(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or the default."""
        if not dict.__contains__(self, key):
            self._keep()
        return dict.get(self, key, default)

    def __iter__(self) -> Iterator[str]:
        self._keep()
        return dict.__iter__(self)

    def __len__(self) -> int:
        self._keep()
        return dict.__len__(self)

    def keys(self) -> Any:
        """Return all names."""
        self._keep()
        return dict.keys(self)

    def values(self) -> Any:
        """Return all values."""
        self._keep()
        return dict.values(self)

    def items(self) -> Any:
        """Return all names and values."""
        self._keep()
        return dict.items(self)


def _promising(table: Table) -> Table:
    """Return a table to read: what the shop changes in its own is seen here, and seeded rows are promised."""
    seeded = table.seeded
    assert seeded is not None

    def promise(index: int) -> Row:
        return Promise(table.type_name, seeded.first_id + index * seeded.step, lambda: seeded.make(index))

    view = Table(table.type_name, replace(seeded, make=promise))
    view.share(table)
    return view


class OrdersNotKept(OrdersOfCustomer):
    """Customer number -> order numbers, worked out each time."""

    def __init__(self, orders: OrdersOfCustomer) -> None:
        super().__init__(orders.seeded)
        self.known = orders.known

    def __getitem__(self, number: int) -> list[int]:
        return self.known[number] if number in self.known else list(self.seeded(number))


class Reader(Context):
    """A request that reads in bulk: warnings of its searches have no place in a result, and those of nested ones would be many."""

    __slots__ = ()

    def search(self, text: str | None, fields: Mapping[str, Field]) -> Search:
        """Read a search text."""
        return prepare(text, fields)


def reading(shop: Shop) -> Shop:
    """Return a view of a shop to read in bulk."""
    view = copy.copy(shop)
    view.tables = {name: _promising(table) if _is_seeded(table) else table for name, table in shop.tables.items()}
    view.state = dict(shop.state)
    if isinstance(view.state.get(OF_CUSTOMER), OrdersOfCustomer):
        view.state[OF_CUSTOMER] = OrdersNotKept(view.state[OF_CUSTOMER])
    return view


def _is_seeded(table: Table) -> bool:
    """Say whether rows are made one by one; tables of a kind of their own know their rows by other means."""
    return type(table) is Table and table.seeded is not None
