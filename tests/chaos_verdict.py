"""What became of everything that was acknowledged: nothing lost, nothing done twice, no stale state, no disorder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from tests.chaos_deliveries import Sent

STORED_TWICE = "select webhook_id from shopify.inbox group by webhook_id, shop_domain having count(*) > 1"
OUTCOMES = """
    select i.webhook_id, o.status
    from shopify.inbox as i
    left join shopify.inbox_outcomes as o on (o.shop_id, o.delivery_id) = (i.shop_id, i.delivery_id)
"""
EFFECTS = "select webhook_id, count(*) as effects from host.effects group by webhook_id"
DISORDERED = """
    select webhook_id
    from (
        select webhook_id, version, lag(version) over (partition by shop_domain, resource order by effect_id) as before
        from host.effects
    ) as e
    where version <= before
"""
STATES = "select shop_domain, resource, version from host.states"


@dataclass(slots=True)
class Verdict:
    """What is wrong, by webhook id or resource; empty lists are what everybody wants.

    Args:
        lost: acknowledged, and not stored, or never brought to an end.
        stored_twice: kept as two deliveries.
        doubled: an effect more than once.
        missing: marked processed without an effect, or the other way round; or never seen by the ordinary handler.
        stale: resources whose last state is not the newest that was sent.
        disordered: an effect after one of a newer state of the same resource.
    """

    lost: list[str] = field(default_factory=list)
    stored_twice: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)

    def demand(self) -> None:
        """Fail when anything is wrong."""
        for what in ("lost", "stored_twice", "doubled", "missing", "stale", "disordered"):
            found = getattr(self, what)
            assert not found, f"{len(found)} {what}: {found[:5]}"

    def __str__(self) -> str:
        wrong = ("lost", "stored_twice", "doubled", "missing", "stale", "disordered")
        figures = ", ".join(f"{len(getattr(self, name))} {name.replace('_', ' ')}" for name in wrong)
        return f"{figures}; " + ", ".join(f"{count} {status}" for status, count in sorted(self.outcomes.items()))


def query(dsn: str, *statements: str) -> list[Any]:
    """Run statements on a connection of the test's own; returns the rows of the last one."""

    async def run() -> list[Any]:
        conn = await asyncpg.connect(dsn)
        try:
            for statement in statements[:-1]:
                await conn.execute(statement)
            return list(await conn.fetch(statements[-1]))
        finally:
            await conn.close()

    return asyncio.run(run())


def judge(dsn: str, acknowledged: Iterable[Sent], folder: Path | None = None) -> Verdict:
    """Compare what was acknowledged with what is in the database, and with the runs that handlers noted in `folder`."""
    sent = {delivery.webhook_id: delivery for delivery in acknowledged}
    verdict = Verdict(stored_twice=[row["webhook_id"] for row in query(dsn, STORED_TWICE)])
    status = _statuses(dsn)
    verdict.lost = [webhook_id for webhook_id in sent if status.get(webhook_id) not in ("processed", "superseded")]
    for each in status.values():
        verdict.outcomes[each or "waiting"] = verdict.outcomes.get(each or "waiting", 0) + 1
    effects = {row["webhook_id"]: row["effects"] for row in query(dsn, EFFECTS)}
    verdict.doubled = [webhook_id for webhook_id, count in effects.items() if count > 1]
    processed = {webhook_id for webhook_id, each in status.items() if each == "processed"}
    verdict.missing = sorted(processed ^ effects.keys())
    if folder is not None:
        runs = {line for file in folder.glob("runs.*") for line in file.read_text().splitlines()}
        verdict.missing += sorted(processed - runs)
    verdict.disordered = [row["webhook_id"] for row in query(dsn, DISORDERED)]
    verdict.stale = _stale(dsn, sent.values())
    return verdict


def _statuses(dsn: str) -> dict[str, str | None]:
    """Say how each delivery ended; of one that was stored twice, how its work ended."""
    status: dict[str, str | None] = {}
    for row in query(dsn, OUTCOMES):
        if status.get(row["webhook_id"]) != "processed":
            status[row["webhook_id"]] = row["status"]
    return status


def _stale(dsn: str, sent: Iterable[Sent]) -> list[str]:
    newest: dict[tuple[str, str], Sent] = {}
    for delivery in sent:
        key = delivery.shop_domain, delivery.resource
        if key not in newest or newest[key].version < delivery.version:
            newest[key] = delivery
    wanted = {key: delivery.version for key, delivery in newest.items() if not delivery.is_delete}
    states = {(row["shop_domain"], row["resource"]): row["version"] for row in query(dsn, STATES)}
    return [" ".join(key) for key in wanted.keys() | states.keys() if wanted.get(key) != states.get(key)]
