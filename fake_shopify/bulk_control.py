"""`/__fake/bulk`: what a test does to bulk operations."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request

from fake_shopify.bulk_desk import BulkDesk, Operation
from fake_shopify.bulk_scripts import PLAIN
from fake_shopify.delivery_control import app_of, shop_of

if TYPE_CHECKING:
    from fake_shopify.server import FakeShopify

MOST_OCCUPIED = 100


def bulk(fake: FakeShopify, body: dict[str, Any], request: Request) -> Any:
    """GET: operations and scripts. POST {"shop"?, "type"?: "QUERY", "contains"?: document text, "times"?: 1 or null, "skip"?, …}: a
    script for operations to come. Refused: "refuse": "LIMIT_REACHED". Slow, on this clock: "start_after_s", "objects_per_s",
    "takes_s", "hold": true. Ends: "end": "FAILED" (with "error_code", "partial_data"), "CANCELED" or "EXPIRED", "after_objects".
    Cancelling: "cancel_takes_s", "hang", "canceled_url". Lines: "order": "grouped", "flat" or "shuffled" (with "seed", "window"),
    "children": 100 at most, "omit_every", "corrupt_line". Untrue: "object_count_off", "root_object_count_off", "file_size_off",
    "no_url". Served: "url_lives_s", "content_length": false, "gzip": true, "accept_ranges": false, "cut_at": bytes, "drip_s".
    Mutations: "changed_file". POST {"occupy": 5, "type"?, "shop"?, "client_id"?}: another tool of the app begins operations that
    go on. POST {"release": gid or true}: what is held or hangs goes on. DELETE: forget the scripts.
    """
    desk = fake.bulk
    if request.method == "DELETE":
        desk.scripts.clear()
    elif "occupy" in body:
        return _occupy(fake, body)
    elif "release" in body:
        return {"released": desk.release(None if body["release"] is True else str(body["release"]))}
    elif request.method == "POST":
        return desk.scripts.add(body)
    return _listed(desk)


def _occupy(fake: FakeShopify, body: dict[str, Any]) -> Any:
    if unknown := set(body) - {"occupy", "type", "shop", "client_id"}:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    count, kind = int(body["occupy"]), body.get("type", "QUERY")
    if not 1 <= count <= MOST_OCCUPIED or kind not in ("QUERY", "MUTATION"):
        raise ValueError(f"occupy from 1 to {MOST_OCCUPIED} slots of type QUERY or MUTATION")
    shop, app = shop_of(fake.world, body.get("shop")), app_of(fake.world, body.get("client_id"))
    return {"ids": [row["id"] for row in fake.bulk.occupy(shop, app.client_id, kind, count)]}


def _listed(desk: BulkDesk) -> dict[str, Any]:
    desk.settle()
    return {"operations": [_shown(one) for one in list(desk.operations)], "scripts": desk.scripts.listed()}


def _shown(operation: Operation) -> dict[str, Any]:
    row, plain = operation.row, asdict(PLAIN)
    script = {name: value for name, value in asdict(operation.script).items() if value != plain[name]}
    names = ("id", "type", "status", "errorCode", "createdAt", "completedAt", "query")
    return {name: row[name] for name in names} | {
        "shop": operation.shop.domain,
        "client_id": operation.client_id,
        "objects": operation.objects,
        "roots": operation.roots,
        "size_bytes": operation.file.size,
        "trouble": operation.trouble,
        "script": script,
    }
