"""An inbox without a host around it: the public `Webhooks` on real Postgres, with shops that nobody needs to connect first."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shopify_kit.clock import ManualClock
from shopify_kit.database import Connection, Database
from shopify_kit.errors import NotFound
from shopify_kit.sealing import KeyRing
from shopify_kit.secret import Secret
from shopify_kit.settings import load_settings
from shopify_kit.vault import Vault
from shopify_kit.worker import Worker
from shopify_service import ShopAdmin
from shopify_webhooks import Filter, WebhookEvent, Webhooks
from tests.web_host import WEBHOOK_SECRET, WEBHOOK_URL, signed

ALICE, BOB, NOBODY = "alice-shop.myshopify.com", "bob-shop.myshopify.com", "nobody-shop.myshopify.com"
KEY = Secret("11" * 32)
ALL = Filter()
SHOP = """
    insert into shopify.shops (shop_domain, installed_at) values ($1, now())
    on conflict (shop_domain) do update set updated_at = now() returning shop_id
"""


def nobody(user_id: str, shop_id: int) -> Callable[[], ShopAdmin]:
    """Be the `admin_of` of a host without connections."""
    raise NotFound(f"{user_id} is not connected with {shop_id}.")


@dataclass(slots=True)
class InboxBench:
    """An inbox with two shops, alice's and bob's.

    Args:
        wakes: how often a worker was to be woken.
    """

    webhooks: Webhooks
    database: Database
    clock: ManualClock
    shops: dict[str, int]
    wakes: list[int] = field(default_factory=list)

    def deliver(self, topic: str, payload: Any, shop: str = ALICE, *, path: str | None = None, **headers: str) -> bool:
        """Hand in a signed delivery, as `signed` makes it; says whether it is new."""
        body, made = signed(topic, payload, shop, **headers)
        return self.webhooks.accept(body, made, path)

    def work(self) -> int:
        """Do everything that waits; returns how many jobs were done."""
        return self.worker().run_until_idle()

    def worker(self) -> Worker:
        """Make a worker."""
        return Worker(self.database, self.webhooks.doers(), self.clock)

    def seen(self, *patterns: str) -> list[WebhookEvent]:
        """Have a handler note what comes."""
        events: list[WebhookEvent] = []
        for pattern in patterns:
            self.webhooks.on(pattern)(events.append)
        return events

    def sql(self, statement: str, *args: Any) -> list[Any]:
        """Run a statement."""

        async def run(conn: Connection) -> list[Any]:
            return await conn.fetch(statement, *args)

        return self.database.run(run)

    def script(self, text: str) -> None:
        """Run several statements."""

        async def run(conn: Connection) -> None:
            await conn.execute(text)

        self.database.run(run)

    def rows(self) -> list[Any]:
        """Return what is stored of the deliveries, oldest first, with what became of them."""
        return self.sql(
            """
            select i.*, o.status, o.reason, o.last_error, o.attempts, o.resource, o.version
            from shopify.inbox as i left join shopify.inbox_outcomes as o using (shop_id, delivery_id)
            order by i.delivery_id
            """
        )

    def outcomes(self) -> list[tuple[str | None, str | None]]:
        """Return (status, reason) of each delivery, oldest first; None while it waits."""
        return [(row["status"], row["reason"]) for row in self.rows()]

    def history(self, *shops: str) -> list[dict[str, Any]]:
        """Return what these shops see (alice's unless named), newest first."""
        ids = [self.shops[shop] for shop in shops or (ALICE,)]
        return self.webhooks.history.list(ids, ALL, after=None, limit=250)

    def let_sleepers_wake(self) -> None:
        """Let the time of all that failed come."""
        self.sql("update shopify.jobs set wake_at = now() where wake_at is not null")

    def age(self, hours: float) -> None:
        """Let time pass over what came in and what became of it."""
        self.sql("update shopify.inbox set received_at = received_at - make_interval(secs => $1)", hours * 3600)
        self.sql("update shopify.inbox_outcomes set finished_at = finished_at - make_interval(secs => $1)", hours * 3600)

    def audit(self, shop_id: int) -> list[dict[str, Any]]:
        """Return the audit log of a shop, oldest first."""
        rows = self.sql("select *, facts::text as text from shopify.audit_log where shop_id = $1 order by audit_id", shop_id)
        return [{"action": row["action"], "actor": row["actor"], "facts": json.loads(row["text"])} for row in rows]


@contextmanager
def inbox_bench(dsn: str, **config: Any) -> Iterator[InboxBench]:
    """Make an inbox on a migrated database; settings as `app.config` takes them, `admin_of` as `Webhooks` does."""
    admin_of = config.pop("admin_of", nobody)
    defaults = {"SHOPIFY_WEBHOOK_SECRET": WEBHOOK_SECRET, "SHOPIFY_WEBHOOK_URL": WEBHOOK_URL}
    settings = load_settings({**defaults, **config}, {}, development=True)
    database, keys, clock = Database(dsn), KeyRing([KEY]), ManualClock()
    wakes: list[int] = []
    webhooks = Webhooks(database, Vault(database, keys), keys, settings, clock, admin_of=admin_of, wake=lambda: wakes.append(1))
    bench = InboxBench(webhooks, database, clock, {}, wakes)
    for shop in (ALICE, BOB):
        bench.shops[shop] = bench.sql(SHOP, shop)[0]["shop_id"]
    try:
        yield bench
    finally:
        database.close()
