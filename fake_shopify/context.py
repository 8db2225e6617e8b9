"""What a resolver works with: the shop, the caller, the time, and the few verbs that every domain needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from graphql import GraphQLResolveInfo

from fake_shopify.failures import TopLevelError, invalid_id
from fake_shopify.paging import Connection, SortKey, by_id, page, window
from fake_shopify.rows import Row, Table
from fake_shopify.schema import AdminSchema
from fake_shopify.search import Field, Search, prepare
from fake_shopify.streams import count_rows, list_page, scanned_page
from fake_shopify.world import Grant, Shop, World, gid

NUMBER = re.compile(r"[0-9]{1,20}")
COUNT_LIMIT = 10_000


def split_gid(text: str) -> tuple[str, str]:
    """Take a GID apart into type and id; parameters after `?` are dropped."""
    parts = urlsplit(text).path.strip("/").split("/")
    return (parts[0], parts[1]) if len(parts) > 1 else ("", "")


@dataclass(slots=True)
class Context:
    """One request on one shop."""

    world: World
    shop: Shop
    grant: Grant
    schema: AdminSchema
    base_url: str
    searches: list[dict[str, Any]] = field(default_factory=list)
    info: GraphQLResolveInfo[Any] | None = None

    @property
    def version(self) -> str:
        """The API version that answers."""
        return self.schema.version

    def now(self) -> str:
        """The present instant as Shopify writes it."""
        return self.world.clock.iso()

    def table(self, type_name: str) -> Table:
        """The shop's table of a type."""
        return self.shop.table(type_name)

    def find(self, type_name: str, text: str | None) -> Row | None:
        """Return the row behind a GID of that type to read, or None."""
        return self._row(type_name, text, edit=False)

    def edit(self, type_name: str, text: str | None) -> Row | None:
        """Return the row behind a GID of that type to change, or None."""
        return self._row(type_name, text, edit=True)

    def _row(self, type_name: str, text: str | None, *, edit: bool) -> Row | None:
        if not text:
            return None
        kind, number = split_gid(text)
        if kind != type_name or not NUMBER.fullmatch(number):
            return None
        table = self.table(type_name)
        return table.edit(int(number)) if edit else table.get(int(number))

    def require_type(self, text: str, *type_names: str) -> None:
        """Refuse a GID of another type, as a root field does (captured: RESOURCE_NOT_FOUND)."""
        if split_gid(text)[0] not in type_names:
            raise invalid_id(text)

    def gid(self, type_name: str, number: int | str) -> str:
        """Write a GID."""
        return gid(type_name, number)

    # Lists

    def search(self, text: str | None, fields: Mapping[str, Field]) -> Search:
        """Read a search text; warnings go to `extensions.search` of the answer."""
        search = prepare(text, fields)
        path: list[str | int] = self.info.path.as_list() if self.info is not None else []
        report = search.report(path)
        if report is not None:
            self.searches.append(report)
        return search

    def list(
        self,
        rows: Table | Iterable[Row],
        arguments: dict[str, Any],
        *,
        fields: Mapping[str, Field],
        sorts: Mapping[str, SortKey] | None = None,
        sort: str = "ID",
        natural: Iterable[str] = ("ID",),
    ) -> Connection:
        """Answer a list root: search, sort, page.

        Args:
            arguments: the field's own (`first`, `after`, `query`, `sortKey`, `reverse`, `savedSearchId` …).
            fields: what `query` may name.
            sorts: sort key name → function; ID is always there.
            sort: the default sort key.
            natural: sort keys whose order is the order of ids, so that a large seeded table need not be read whole.
        """
        window(arguments)
        search = self.search(arguments.get("query"), fields)
        name = arguments.get("sortKey") or sort
        key = (sorts or {}).get(name, by_id)
        if type(rows) is Table and rows.seeded is not None:
            return list_page(rows, arguments, search, name, key, natural)
        if isinstance(rows, Table) and rows.seeded is not None and key is by_id:
            return scanned_page(rows, arguments, search)
        return page([row for row in rows if search.matches(row)], arguments, key=key)

    def count(
        self, rows: Table | Iterable[Row], text: str | None, fields: Mapping[str, Field], limit: Any = COUNT_LIMIT
    ) -> dict[str, Any]:
        """Answer a count root; beyond `limit` the precision is AT_LEAST (`limit: null` counts everything)."""
        search, is_exact = self.search(text, fields), True
        if type(rows) is Table and rows.seeded is not None:
            total, is_exact = count_rows(rows, search, limit)
        elif isinstance(rows, Table) and not search.text.strip():
            total = len(rows)
        else:
            total = sum(1 for row in rows if search.matches(row))
        if limit is not None and total > limit:
            return {"__typename": "Count", "count": int(limit), "precision": "AT_LEAST"}
        return {"__typename": "Count", "count": total, "precision": "EXACT" if is_exact else "AT_LEAST"}

    def argument_error(self, message: str, code: str = "BAD_REQUEST") -> TopLevelError:
        """Build a refusal of the whole field."""
        return TopLevelError(message, code)
