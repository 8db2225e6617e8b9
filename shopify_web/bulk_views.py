"""Views of bulk operations: starting, waiting for, and reading them; exports; products by the thousand."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Response
from msgspec import Struct

from shopify_admin.customers import Customer, CustomerFilters
from shopify_admin.inventory import InventoryLevel
from shopify_admin.orders import Order, OrderFilters
from shopify_admin.products import Product, ProductFilters
from shopify_admin.search_syntax import term
from shopify_bulk.exports import EXPORTS
from shopify_bulk_api import PRODUCTS, Operation
from shopify_kit.clock import iso, monotonic_s
from shopify_web.answers import Reply
from shopify_web.api import Api, Call
from shopify_web.callers import Policy
from shopify_web.product_spool import MAX_BULK_BYTES, Spool
from shopify_web.queries import check_query

if TYPE_CHECKING:
    from shopify_web import bulk_edges as edges

api = Api()
USER = Policy.USER
SHOWN_LINES = 1000
JSONL = "application/x-ndjson"


class ShownOperation(Struct, frozen=True):
    """A bulk operation; `operation_id` is ours, `shopify_id` Shopify's number."""

    id: str
    operation_id: str
    shopify_id: int | None
    admin_graphql_api_id: str | None
    shop_id: int
    type: str
    purpose: str
    status: str
    object_count: int
    root_object_count: int
    file_size: int | None
    created_at: str
    completed_at: str | None
    url: str | None
    partial_data_url: str | None
    error_code: str | None
    error_message: str | None
    progress: float | None
    dropped_fields: tuple[str, ...]


class ShownLine(Struct, frozen=True):
    """A product that was written; `line` counts from 1, `index` from 0."""

    line: int
    index: int
    product_id: int
    handle: str | None


class ShownLineError(Struct, frozen=True):
    """A product that was not written, and why."""

    line: int
    index: int
    errors: tuple[dict[str, Any], ...]


STARTED = {"operation_id": str, "status": str}
OPERATION = {"operation": ShownOperation}


def _shown(operation: Operation) -> ShownOperation:
    return ShownOperation(
        id=str(operation.operation_id),
        operation_id=str(operation.operation_id),
        shopify_id=int(operation.gid.rsplit("/", 1)[1]) if operation.gid else None,
        admin_graphql_api_id=operation.gid,
        shop_id=operation.shop_id,
        type=operation.kind,
        purpose=operation.purpose,
        status=operation.status,
        object_count=operation.object_count,
        root_object_count=operation.root_object_count,
        file_size=operation.file_size,
        created_at=iso(operation.created_at),
        completed_at=iso(operation.completed_at) if operation.completed_at else None,
        url=operation.url,
        partial_data_url=operation.partial_data_url,
        error_code=operation.error_code,
        error_message=operation.error_message,
        progress=operation.progress,
        dropped_fields=operation.dropped_fields,
    )


def _operation(call: Call) -> Operation:
    shop_ids = call.parts.installations.shop_ids(call.user_id)
    return call.parts.bulk.operations.get(shop_ids, str(call.path["operation_id"]))


def _started(operation: Operation) -> dict[str, Any]:
    return {"operation_id": str(operation.operation_id), "status": operation.status}


def _waited(call: Call, operation: Operation, timeout_s: float) -> Operation:
    if operation.is_over or timeout_s <= 0:
        return operation
    with call.parts.long_polls.one():
        return call.parts.bulk.wait(operation, timeout_s)


# Starting


@api.route(
    "POST",
    "/bulk/query",
    policy=USER,
    group="bulk",
    summary="Start a bulk query",
    body="BulkQueryBody",
    status=202,
    or_status=200,
    answers={**STARTED, **OPERATION, "data": list[dict[str, Any]] | None, "has_more": bool},
)
def start_bulk_query(call: Call) -> Reply:
    """Tried with one object per connection first; fields that may not be read are left out and named in `dropped_fields`. With
    `wait_for_completion` the first 1000 lines come along when it ends in time."""
    body: edges.BulkQueryBody = call.body
    check_query(body.query, allow_mutations=False)
    bulk = call.parts.bulk
    store = call.store()
    operation = bulk.start_query(call.user_id, store.id, body.query, body.variables, group_objects=body.group_objects)
    if body.wait_for_completion:
        operation = _waited(call, operation, body.timeout_s)
    data = None
    if operation.status == "completed":
        data = list(islice(bulk.results.documents(operation), SHOWN_LINES + 1))
    shown = data[:SHOWN_LINES] if data is not None else None
    payload = {"operation": _shown(operation), "data": shown, "has_more": data is None or len(data) > SHOWN_LINES}
    return Reply(_started(operation) | payload, 200 if operation.is_over else 202)


@api.route(
    "POST",
    "/bulk/mutation",
    policy=USER,
    group="bulk",
    summary="Start a bulk mutation",
    body="BulkMutationBody",
    status=202,
    answers={**STARTED, **OPERATION},
)
def start_bulk_mutation(call: Call) -> Reply:
    """Any mutation, once per set of variables; only where the host sets SHOPIFY_ALLOW_MUTATIONS."""
    body: edges.BulkMutationBody = call.body
    check_query(body.mutation, allow_mutations=call.parts.settings.allow_mutations)
    operation = call.parts.bulk.start_mutation(call.user_id, call.store().id, body.mutation, body.variables)
    return Reply({**_started(operation), "operation": _shown(operation)}, 202)


@api.route(
    "POST",
    "/bulk/products/create",
    policy=USER,
    group="bulk",
    summary="Create any number of products",
    body="BulkCreateBody",
    products="BulkNewProduct",
    max_body_bytes=MAX_BULK_BYTES,
    status=202,
    answers={**STARTED, **OPERATION, "total": int},
)
def bulk_create_products(call: Call) -> Reply:
    """Up to 100 MiB. What became of each product is in `results` and `errors` of GET /bulk/operations/<id>."""
    return _write_products(call, update=False)


@api.route(
    "POST",
    "/bulk/products/update",
    policy=USER,
    group="bulk",
    summary="Change any number of products",
    body="BulkUpdateBody",
    products="BulkChangedProduct",
    max_body_bytes=MAX_BULK_BYTES,
    status=202,
    answers={**STARTED, **OPERATION, "total": int},
)
def bulk_update_products(call: Call) -> Reply:
    """Variants by id or added, the others kept unless `replace_variants`."""
    return _write_products(call, update=True)


@api.route(
    "POST",
    "/products/bulk",
    policy=USER,
    group="bulk",
    summary="The same as /bulk/products/create",
    body="BulkCreateBody",
    products="BulkNewProduct",
    max_body_bytes=MAX_BULK_BYTES,
    status=202,
    answers={**STARTED, **OPERATION, "total": int},
)
def create_products_in_bulk(call: Call) -> Reply:
    return _write_products(call, update=False)


def _write_products(call: Call, *, update: bool) -> Reply:
    spool = call.spool
    assert isinstance(spool, Spool)
    operation = call.parts.bulk.write_products(call.user_id, call.store().id, spool.products(), update=update)
    return Reply({**_started(operation), "operation": _shown(operation), "total": spool.count}, 202)


# Following


@api.route(
    "GET",
    "/bulk/operations",
    policy=USER,
    group="bulk",
    summary="Bulk operations",
    query="OperationListQuery",
    is_across_shops=True,
    answers={"operations": list[ShownOperation]},
)
def list_operations(call: Call) -> Mapping[str, Any]:
    """Of all the user's shops, or of one; newest first."""
    query: edges.OperationListQuery = call.query
    shop_ids = call.parts.installations.shop_ids(call.user_id, query.shop_domain)
    if query.store_id is not None:
        shop_ids = [shop_id for shop_id in shop_ids if shop_id == query.store_id]
    after = call.after()
    rows = call.parts.bulk.operations.latest(
        shop_ids, status=query.status, before=_place(after) if after else None, limit=query.limit + 1, all_purposes=False
    )
    shown = rows[: query.limit]
    more = f"{shown[-1].created_at.isoformat()} {shown[-1].operation_id}" if len(rows) > query.limit else None
    return call.page("operations", [_shown(row) for row in shown], more)


def _place(cursor: str) -> tuple[datetime, uuid.UUID]:
    instant, _, operation_id = cursor.partition(" ")
    return datetime.fromisoformat(instant), uuid.UUID(operation_id)


@api.route(
    "GET",
    "/bulk/operations/<operation_id>",
    policy=USER,
    group="bulk",
    summary="One bulk operation",
    query="OneQuery",
    answers={**OPERATION, "results": list[ShownLine] | None, "errors": list[ShownLineError] | None},
)
def get_operation(call: Call) -> Mapping[str, Any]:
    """By our id or Shopify's number. Of products written in bulk also what became of the first 1000: `results` and `errors`."""
    return _answer_with_lines(call, _operation(call))


@api.route(
    "GET",
    "/bulk/operations/<operation_id>/status",
    policy=USER,
    group="bulk",
    summary="How far it is",
    query="OneQuery",
    answers=OPERATION,
)
def get_operation_status(call: Call) -> Mapping[str, Any]:
    return {"operation": _shown(_operation(call))}


def _answer_with_lines(call: Call, operation: Operation) -> dict[str, Any]:
    results, errors = None, None
    if operation.purpose == PRODUCTS and operation.is_over:
        lines = list(islice(call.parts.bulk.product_results(operation), SHOWN_LINES))
        results = [ShownLine(line.line, line.index, line.product_id, line.handle) for line in lines if line.product_id is not None]
        errors = [
            ShownLineError(line.line, line.index, tuple(map(msgspec.to_builtins, line.errors))) for line in lines if line.errors
        ]
    return {"operation": _shown(operation), "results": results, "errors": errors}


@api.route(
    "GET",
    "/bulk/operations/<operation_id>/wait",
    policy=USER,
    group="bulk",
    summary="Wait for it, up to 25 seconds",
    query="WaitQuery",
    or_status=202,
    answers={**OPERATION, "results": list[ShownLine] | None, "errors": list[ShownLineError] | None},
)
def wait_for_operation(call: Call) -> Reply:
    """200 when it is over and its result can be read, 202 while it still runs, 429 when too many wait."""
    operation = _waited(call, _operation(call), call.query.timeout_s)
    call.parts.bulk.results.check_address(operation)
    return Reply(_answer_with_lines(call, operation), 200 if operation.is_over else 202)


@api.route(
    "GET",
    "/bulk/operations/<operation_id>/events",
    policy=USER,
    group="bulk",
    summary="Its progress as server-sent events",
    query="OneQuery",
    own_form="text/event-stream",
)
def operation_events(call: Call) -> Response:
    """One event per change, for up to 25 seconds; a browser's EventSource connects again by itself."""
    operation = _operation(call)
    call.parts.long_polls.enter()
    response = Response(_events(call, operation), content_type="text/event-stream")
    response.call_on_close(call.parts.long_polls.leave)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _events(call: Call, operation: Operation) -> Iterator[str]:
    ends_at = monotonic_s() + 25
    yield "retry: 1000\n\n"
    while True:
        shown = json.dumps(msgspec.to_builtins(_shown(operation)))
        yield f"event: {'end' if operation.is_over else 'progress'}\ndata: {shown}\n\n"
        if operation.is_over or monotonic_s() >= ends_at:
            return
        operation = call.parts.bulk.wait(operation, 1.0)


@api.route(
    "GET",
    "/bulk/operations/<operation_id>/result",
    policy=USER,
    group="bulk",
    summary="Its result, line by line",
    query="ResultQuery",
    own_form=JSONL,
)
def operation_result(call: Call) -> Response:
    """JSONL as Shopify wrote it, or with `nested` the root objects with their children inside. A stream that breaks off is not
    whole: the last line comes only when everything has arrived."""
    query: edges.ResultQuery = call.query
    bulk, operation = call.parts.bulk, _operation(call)
    lines: Iterator[bytes]
    if query.nested:
        lines = (msgspec.json.encode(document) for document in bulk.nested_lines(operation))
    else:
        lines = bulk.results.lines(operation, partial=query.partial)
    first = next(lines, None)
    return Response(_jsonl(first, lines), content_type=JSONL, headers={"Cache-Control": "no-store"})


def _jsonl(first: bytes | None, lines: Iterator[bytes]) -> Iterator[bytes]:
    if first is not None:
        yield first + b"\n"
        while batch := list(islice(lines, 100)):
            yield b"\n".join(batch) + b"\n"


@api.route(
    "POST",
    "/bulk/operations/<operation_id>/cancel",
    policy=USER,
    group="bulk",
    summary="End it",
    body="Who",
    status=202,
    answers=OPERATION,
)
def cancel_operation(call: Call) -> Reply:
    """Shopify takes a while; what is over stays as it is."""
    return Reply({"operation": _shown(call.parts.bulk.cancel(_operation(call)))}, 202)


# Exports


def _exported(call: Call, resource: str, search: str | None) -> Reply:
    query: edges.ExportQuery = call.query
    bulk, store, export = call.parts.bulk, call.store(), EXPORTS[resource]
    operation = bulk.export(call.user_id, store.id, export.document, {"query": search} if search else {})
    operation = _waited(call, operation, query.timeout_s)
    items, has_more = (
        bulk.exported(operation, resource, store.currency, query.limit) if operation.status == "completed" else ([], True)
    )
    payload = {
        export.name: items,
        "total": len(items),
        "has_more": has_more,
        **_started(operation),
        "operation": _shown(operation),
        "filters": call.filters(),
        "result": f"{call.parts.prefix}/bulk/operations/{operation.operation_id}/result",
    }
    return Reply(payload, 200 if operation.is_over else 202)


def _answers(name: str, shape: Any) -> dict[str, Any]:
    return {name: shape, "total": int, "has_more": bool, **STARTED, **OPERATION, "filters": dict[str, Any], "result": str}


@api.route(
    "GET",
    "/bulk/products",
    policy=USER,
    group="bulk",
    summary="Export products",
    query="ProductExportQuery",
    or_status=202,
    answers=_answers("products", list[Product]),
)
def export_products(call: Call) -> Reply:
    """Starts an export, or takes one of the last five minutes with the same filters; the first `limit` come along, the rest is in
    `result`. 202 and none while it still runs. Products show their featured image only."""
    return _exported(call, "products", _search(ProductFilters, call.query))


@api.route(
    "GET",
    "/bulk/orders",
    policy=USER,
    group="bulk",
    summary="Export orders",
    query="OrderExportQuery",
    or_status=202,
    answers=_answers("orders", list[Order]),
)
def export_orders(call: Call) -> Reply:
    """The same for orders, which show their first shipping line only."""
    return _exported(call, "orders", _search(OrderFilters, call.query))


@api.route(
    "GET",
    "/bulk/customers",
    policy=USER,
    group="bulk",
    summary="Export customers",
    query="CustomerExportQuery",
    or_status=202,
    answers=_answers("customers", list[Customer]),
)
def export_customers(call: Call) -> Reply:
    """The same for customers."""
    return _exported(call, "customers", _search(CustomerFilters, call.query))


@api.route(
    "GET",
    "/bulk/inventory",
    policy=USER,
    group="bulk",
    summary="Export inventory levels",
    query="InventoryExportQuery",
    or_status=202,
    answers=_answers("inventory_levels", list[InventoryLevel]),
)
def export_inventory(call: Call) -> Reply:
    """The same for inventory levels, item by item."""
    sku = call.query.sku
    return _exported(call, "inventory", term("sku", sku) if sku else None)


def _search(filters: type[Any], query: Any) -> str | None:
    made: str | None = filters(**{name: getattr(query, name) for name in filters.__struct_fields__}).query()
    return made
