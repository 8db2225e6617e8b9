"""Jobs: the handles that asynchronous mutations give out, and the root that says whether one is done."""

from __future__ import annotations

import uuid
from typing import Any

from fake_shopify.context import Context
from fake_shopify.registry import query
from fake_shopify.world import gid

KEPT = "jobs"


def new_job(ctx: Context) -> dict[str, Any]:
    """Give out the handle of a job that has just begun.

    Captured: `job{done: false}` in the mutation's answer, done when it is asked for afterwards; ids are UUIDs (BEHAVIOURS 16, 35;
    collections-013).
    """
    name = str(uuid.UUID(int=ctx.shop.new_id("Job") << 64 | ctx.shop.number, version=4))
    ctx.shop.state.setdefault(KEPT, set()).add(name)
    return {"__typename": "Job", "id": gid("Job", name), "done": False}


@query("job")
def job(ctx: Context, id: str) -> dict[str, Any]:
    """Answer a job by id: whatever was started is done by the next request, and so is an id that was never given out.

    Captured: shop-009 (`Job/0` is done).
    """
    ctx.require_type(id, "Job")
    return {"__typename": "Job", "id": id, "done": True, "query": {"__typename": "QueryRoot"}}
