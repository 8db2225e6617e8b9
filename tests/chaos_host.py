"""The backend that the chaos test serves and kills: it counts what its handlers did, and keeps the last state of each resource.

An ordinary handler notes every run in a file and now and then fails at first; a unit stores an effect and the resource's state.
What guards the inbox can be taken out with `SABOTAGES`, by replacing parts of the integration in this very process: the test that
finds nothing wrong must find it then.
"""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import asyncpg
from flask import Flask
from loguru import logger

from shopify_inbox import deliveries, handling
from shopify_inbox.deliveries import Inbox
from shopify_integration_register import register_shopify_integration
from shopify_kit import jobs
from shopify_kit.database import Connection
from shopify_webhooks import WebhookEvent

SECRET = "secret-of-the-chaos-0123456789abcdef"
FAMILIES = ("checkouts", "companies", "draft_orders")
FAILS_FIRST = 97
"""Every how manieth delivery fails at its first attempt."""
TABLES = """
    create schema host;
    create table host.effects (
        effect_id bigint generated always as identity primary key,
        shop_domain text not null, resource text not null, version integer not null, webhook_id text not null
    );
    create table host.states (shop_domain text, resource text, version integer not null, primary key (shop_domain, resource));
"""
ADD_EFFECT = "insert into host.effects (shop_domain, resource, version, webhook_id) values ($1, $2, $3, $4)"
KEEP_STATE = """
    insert into host.states (shop_domain, resource, version) values ($1, $2, $3)
    on conflict (shop_domain, resource) do update set version = excluded.version
"""
DROP_STATE = "delete from host.states where shop_domain = $1 and resource = $2"


class SimulatedFailure(Exception):
    """What an ordinary handler fails with."""


def create_app() -> Flask:
    """Build the backend from the environment: `DATABASE_URL`, `CHAOS_FOLDER`, `CHAOS_SABOTAGE`, `CHAOS_DIES`."""
    logger.remove()
    sabotage, folder = os.environ.get("CHAOS_SABOTAGE", ""), Path(os.environ["CHAOS_FOLDER"])
    app = make_app(os.environ["DATABASE_URL"], folder, dies=bool(os.environ.get("CHAOS_DIES")), has_sabotage=sabotage)
    if sabotage in SABOTAGES:
        SABOTAGES[sabotage]()
    return app


def make_app(dsn: str, folder: Path, *, dies: bool = False, has_sabotage: str = "") -> Flask:
    """Build the backend on a database.

    Args:
        dies: whether the first attempt at each delivery ends its process, after the effect and before the commit.
        has_sabotage: `effect_outside` has the unit store its effect by a connection of its own.
    """
    app = Flask("chaos", instance_path=str(folder))
    app.config.update(
        SHOPIFY_WEBHOOK_SECRET=SECRET, SHOPIFY_TOKEN_KEYS="22" * 32, SHOPIFY_SERVICE_KEYS="chaos:" + "k" * 32, SHOPIFY_WORKER="off"
    )
    register_shopify_integration(app, dsn, strict=True)
    webhooks = app.extensions["shopify"].webhooks
    runs = os.open(folder / f"runs.{os.getpid()}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def look(event: WebhookEvent) -> None:
        os.write(runs, f"{event.webhook_id}\n".encode())
        if event.attempt == 1 and zlib.crc32(event.webhook_id.encode()) % FAILS_FIRST == 0:
            raise SimulatedFailure

    async def apply(conn: Connection, event: WebhookEvent) -> None:
        if has_sabotage == "effect_outside":
            outside = await asyncpg.connect(dsn)
            await store_effect(outside, event)
            await outside.close()
        else:
            await store_effect(conn, event)
        if dies and event.attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    for family in FAMILIES:
        webhooks.on(f"{family}/*")(look)
        webhooks.on_commit(f"{family}/*")(apply)
    return app


async def store_effect(conn: Any, event: WebhookEvent) -> None:
    """Count an effect and keep the resource's state, whatever it was before."""
    version = int(event.payload["version"])
    await conn.execute(ADD_EFFECT, event.shop_domain, event.resource, version, event.webhook_id)
    if event.action == "delete":
        await conn.execute(DROP_STATE, event.shop_domain, event.resource)
    else:
        await conn.execute(KEEP_STATE, event.shop_domain, event.resource, version)


# Sabotage


def rewrite(name: str, change: Callable[[str], str]) -> None:
    """Change a statement of the inbox."""
    before = deliveries.queries._statements[name]
    changed = change(before)
    assert changed != before, f"{name} has changed: this sabotage does nothing"
    deliveries.queries._statements[name] = changed


def leave_commits_to_the_host() -> None:
    """Take the host's `synchronous_commit` as it is."""
    rewrite("store_deliveries", lambda text: text.replace("'synchronous_commit',", "'application_name',"))


def forget_the_unique_key() -> None:
    """Store a delivery as often as it comes; the index has to be dropped as well."""
    rewrite("store_deliveries", lambda text: re.sub(r"on conflict \([^)]*\) do nothing", "", text))


def forget_repeats() -> None:
    """Do the same, and handle every repeat."""
    forget_the_unique_key()
    rewrite("find_delivery", lambda text: re.sub(r"\) as is_repeat", ") and false as is_repeat", text))


def forget_versions() -> None:
    """Apply whatever comes."""

    async def is_newest(*_: object) -> bool:
        return True

    replace(handling.DeliveryDoer, "_is_late", lambda *_: False)
    replace(handling, "_raise_version", is_newest)


def forget_fences() -> None:
    """Let whoever did a job store it, whoever holds the lane."""

    async def hold(*_: object) -> None:
        """Hold nothing."""

    replace(jobs, "_hold", hold)


def acknowledge_first() -> None:
    """Answer before the row is committed."""
    store = Inbox.store

    def store_later(inbox: Inbox, *given: Any) -> bool:
        def late() -> None:
            time.sleep(1)
            store(inbox, *given)

        threading.Thread(target=late, daemon=True).start()
        return True

    replace(Inbox, "store", store_later)


def replace(owner: object, name: str, other: object) -> None:
    """Put something else in the place of a part of the integration."""
    assert hasattr(owner, name), f"{owner} has no {name}: this sabotage does nothing"
    setattr(owner, name, other)


SABOTAGES: Mapping[str, Callable[[], None]] = {
    "synchronous_commit": leave_commits_to_the_host,
    "unique_key": forget_the_unique_key,
    "unique_key_and_repeats": forget_repeats,
    "versions": forget_versions,
    "fences": forget_fences,
    "acknowledge_first": acknowledge_first,
}
"""Guards that can be taken out of the process that serves; `effect_outside` is a matter of the host's own unit."""
