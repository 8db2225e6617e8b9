"""The audit log: who did what to whom. Never a secret, never a customer's data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shopify_kit.database import Connection, Database
from shopify_kit.queries import load_queries

queries = load_queries("audit")


async def add_entry(
    conn: Connection,
    action: str,
    *,
    actor: str,
    subject: str | None = None,
    shop_id: int = 0,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Note one event as part of a unit; `action` is `area.verb`, `shop_id` 0 where no shop is concerned."""
    await conn.execute(queries.add_entry, shop_id, actor, subject, action, json.dumps(dict(facts or {}), default=str))


class AuditLog:
    """Writes entries that stand for themselves."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, action: str, *, actor: str, subject: str | None = None, shop_id: int = 0, facts: Mapping[str, Any] | None = None
    ) -> None:
        """Note one event in a transaction of its own."""
        self._database.run(add_entry, action, actor=actor, subject=subject, shop_id=shop_id, facts=facts)

    def latest(self, shop_id: int = 0, limit: int = 100) -> list[dict[str, Any]]:
        """Return entries of a shop, newest first."""
        return self._database.run(_latest, shop_id, limit)


async def _latest(conn: Connection, shop_id: int, limit: int) -> list[dict[str, Any]]:
    rows = await conn.fetch(queries.list_entries, shop_id, limit)
    return [{**dict(row.items()), "facts": json.loads(row["facts"])} for row in rows]
