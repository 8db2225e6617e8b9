"""A worker that dies at a point of a bulk operation's way: `python -m tests.bulk_worker DSN ORIGIN FOLDER POINT`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from shopify_bulk.uploads import Uploads
from shopify_integration_register import build_integration
from shopify_kit.settings import load_settings
from shopify_service import ShopAdmin

SKIP_PAUSES = "update shopify.jobs set wake_at = clock_timestamp() where wake_at > clock_timestamp()"

POINTS: dict[str, tuple[Any, str, bool]] = {
    "probed": (ShopAdmin, "graphql", True),
    "query noted": (ShopAdmin, "run_bulk_query", False),
    "query taken": (ShopAdmin, "run_bulk_query", True),
    "id noted": (ShopAdmin, "bulk_operation", False),
    "looked at": (ShopAdmin, "bulk_operation", True),
    "lines made ready": (Uploads, "make_ready", True),
    "target given": (ShopAdmin, "stage_upload", True),
    "lines uploaded": (Uploads, "send", True),
    "mutation noted": (ShopAdmin, "run_bulk_mutation", False),
    "mutation taken": (ShopAdmin, "run_bulk_mutation", True),
}
"""Point → the verb at which it is, and whether it comes after the verb."""


def die_at(owner: Any, name: str, is_after: bool) -> None:
    """Have the process end, without a word, at a verb."""
    verb: Callable[..., Any] = getattr(owner, name)

    def deadly(*arguments: Any, **options: Any) -> Any:
        if is_after:
            verb(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, deadly)


async def skip_pauses(dsn: str) -> None:
    """Cut all pauses short."""
    conn = await asyncpg.connect(dsn)
    await conn.execute(SKIP_PAUSES)
    await conn.close()


def main() -> None:
    """Work until death."""
    dsn, origin, folder, point = sys.argv[1:]
    die_at(*POINTS[point])
    given = {"SHOPIFY_ENV": "development", "SHOPIFY_ADMIN_ORIGIN": origin, "SHOPIFY_WORKER": "off"}
    integration = build_integration(load_settings(given, {}), dsn, instance_path=Path(folder))
    while True:
        asyncio.run(skip_pauses(dsn))
        integration.make_worker().run_until_idle()
        time.sleep(0.01)


if __name__ == "__main__":
    main()
