"""Inventory shipments: what carries the goods of a transfer.

A shipment in transit has left the origin (reserved and on_hand fall) and is incoming at the destination (captured: inventory-089,
090, 097). The codes and texts of refusals come from the `…UserErrorCode` enums of the schema 2026-10; their paths are assumed.
"""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import inventory_levels, stock
from fake_shopify.admin.inventory_transfers import TEXTS as TRANSFER_TEXTS
from fake_shopify.admin.inventory_transfers import open_count
from fake_shopify.clock import iso, parse_iso
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, page_of_list, text
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row
from fake_shopify.search import Field, choice, exact, identifier
from fake_shopify.world import Shop, gid

STATUSES = ("DRAFT", "IN_TRANSIT", "PARTIALLY_RECEIVED", "RECEIVED", "OTHER")
BARCODE_LIMIT = 255
TEXTS = TRANSFER_TEXTS | {
    "BARCODE_DUPLICATE": "This barcode is already assigned to another shipment.",
    "BARCODE_TOO_LONG": "Barcode must be 255 characters or less.",
    "INVALID_SHIPMENT_STATUS": "Current shipment status does not support this operation.",
    "SHIPMENT_NOT_FOUND": "The shipment was not found.",
}

Errors = list[dict[str, Any]]
Input = dict[str, Any]


def _refusal(code: str, *path: str | int) -> dict[str, Any]:
    return user_error([str(part) for part in path], TEXTS[code], code)


def _payload(shipment: Row | None, errors: Errors, **more: Any) -> dict[str, Any]:
    return {"inventoryShipment": shipment, "userErrors": errors} | more


# Reading


@field("InventoryShipment", "lineItems")
def _line_items(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page_of_list(row["_lines"], arguments)


@field("InventoryShipment", "lineItemsCount")
def _line_items_count(row: Row, ctx: Context, query: str | None = None, **arguments: Any) -> dict[str, Any]:
    return ctx.count(row["_lines"], query, {}, **arguments)


@field("InventoryShipment", "lineItemTotalQuantity")
def _total(row: Row, ctx: Context) -> int:
    return sum(line["quantity"] for line in row["_lines"])


@field("InventoryShipment", "totalAcceptedQuantity")
def _accepted(row: Row, ctx: Context) -> int:
    return sum(line["acceptedQuantity"] for line in row["_lines"])


@field("InventoryShipment", "totalRejectedQuantity")
def _rejected(row: Row, ctx: Context) -> int:
    return sum(line["rejectedQuantity"] for line in row["_lines"])


@field("InventoryShipment", "totalReceivedQuantity")
def _received(row: Row, ctx: Context) -> int:
    return _accepted(row, ctx) + _rejected(row, ctx)


@field("InventoryShipmentLineItem", "unreceivedQuantity")
def _unreceived(row: Row, ctx: Context | None = None) -> int:
    return int(row["quantity"] - row["acceptedQuantity"] - row["rejectedQuantity"])


@field("InventoryShipmentLineItem", "inventoryItem")
def _item(row: Row, ctx: Context) -> Row | None:
    return ctx.table("InventoryItem").get(row["_item_id"])


def _transfer_of(shop: Shop, shipment: Row) -> Row:
    transfer = shop.table("InventoryTransfer").edit(shipment["_transfer_id"])
    assert transfer is not None
    return transfer


@query("inventoryShipment")
def inventory_shipment(ctx: Context, id: str) -> Row | None:
    """Answer a shipment by its GID."""
    ctx.require_type(id, "InventoryShipment")
    return ctx.find("InventoryShipment", id)


@query("inventoryShipments")
def inventory_shipments(ctx: Context, **arguments: Any) -> Connection:
    """List shipments. Source: shopify.dev/docs/api/admin-graphql/latest/queries/inventoryShipments (read 2026-11)."""

    def destination(row: Row) -> str:
        return str(_transfer_of(ctx.shop, row)["_destination_id"])

    fields: dict[str, Field] = {
        "id": identifier(),
        "barcode": exact("barcode"),
        "status": choice("status", STATUSES),
        "destination_id": exact(destination),
        "tracking_number": exact(lambda row: (row["tracking"] or {}).get("trackingNumber")),
    }
    return ctx.list(ctx.table("InventoryShipment"), arguments, fields=fields, sorts={"STATUS": text("status")})


# Creating


@mutation("inventoryShipmentCreate")
def shipment_create(ctx: Context, input: Input) -> dict[str, Any]:
    """Make a draft: its goods are picked (captured: inventory-098)."""
    errors = _create_errors(ctx, input) + _barcode_errors(ctx, input.get("barcode"), ("input", "barcode"))
    return _payload(None, errors) if errors else _payload(_new_shipment(ctx, input), [])


@mutation("inventoryShipmentCreateInTransit")
def shipment_create_in_transit(ctx: Context, input: Input) -> dict[str, Any]:
    """Make a shipment that is on its way (captured: inventory-090, 098)."""
    errors = _create_errors(ctx, input)
    if not input["lineItems"]:
        errors.append(_refusal("ITEMS_EMPTY", "input", "lineItems"))
    if errors:
        return _payload(None, errors)
    shipment = _new_shipment(ctx, input)
    _send(ctx, shipment, ctx.now())
    return _payload(shipment, [])


def _create_errors(ctx: Context, given: Input) -> Errors:
    transfer = ctx.find("InventoryTransfer", given["movementId"])
    if transfer is None:
        return [_refusal("TRANSFER_NOT_FOUND", "input", "movementId")]
    if transfer["status"] not in ("READY_TO_SHIP", "IN_PROGRESS"):
        return [_refusal("INVALID_TRANSFER_STATUS", "input", "movementId")]
    return _line_errors(ctx, transfer, given["lineItems"], ("input", "lineItems"))


def _line_errors(ctx: Context, transfer: Row, lines: list[Input], path: tuple[str, ...]) -> Errors:
    errors: Errors = []
    seen: set[str] = set()
    for index, given in enumerate(lines):
        line = next((one for one in transfer["_lines"] if gid("InventoryItem", one["_item_id"]) == given["inventoryItemId"]), None)
        if line is None:
            errors.append(_refusal("ITEM_NOT_FOUND", *path, index, "inventoryItemId"))
        elif given["inventoryItemId"] in seen:
            errors.append(_refusal("DUPLICATE_ITEM", *path, index, "inventoryItemId"))
        elif not 0 <= given["quantity"] <= open_count(ctx.shop, transfer, line):
            errors.append(_refusal("INVALID_QUANTITY", *path, index, "quantity"))
        seen.add(given["inventoryItemId"])
    return errors


def _barcode_errors(ctx: Context, barcode: str | None, path: tuple[str, ...], own: int | None = None) -> Errors:
    if not barcode:
        return []
    if len(barcode) > BARCODE_LIMIT:
        return [_refusal("BARCODE_TOO_LONG", *path)]
    others = (row for row in ctx.table("InventoryShipment") if row.number != own)
    return [_refusal("BARCODE_DUPLICATE", *path)] if any(row["barcode"] == barcode for row in others) else []


def _new_shipment(ctx: Context, given: Input) -> Row:
    """Captured: shipments are numbered within their transfer, `#T0028-1` (inventory-090, 098)."""
    transfer = ctx.edit("InventoryTransfer", given["movementId"])
    assert transfer is not None
    asked = given.get("dateCreated")
    shipment = ctx.shop.new_row(
        "InventoryShipment",
        name=f"{transfer['name']}-{len(transfer['_shipment_ids']) + 1}",
        status="DRAFT",
        barcode=given.get("barcode"),
        dateCreated=iso(parse_iso(asked)) if asked else ctx.now(),
        dateShipped=None,
        dateReceived=None,
        tracking=_tracking(given.get("trackingInput")),
        _transfer_id=transfer.number,
        _lines=[],
    )
    for line in given["lineItems"]:
        _add_line(ctx, shipment, line)
    transfer["_shipment_ids"].append(shipment.number)
    return shipment


def _tracking(given: Input | None) -> dict[str, Any] | None:
    if given is None:
        return None
    arrives = given.get("arrivesAt")
    return {
        "__typename": "InventoryShipmentTracking",
        "trackingNumber": given.get("trackingNumber"),
        "company": given.get("company"),
        "trackingUrl": given.get("trackingUrl"),
        "arrivesAt": iso(parse_iso(arrives)) if arrives else None,
    }


def _add_line(ctx: Context, shipment: Row, given: Input) -> Row:
    item = ctx.find("InventoryItem", given["inventoryItemId"])
    assert item is not None
    number = ctx.shop.new_id("InventoryShipmentLineItem")
    line = Row(
        __typename="InventoryShipmentLineItem",
        _id=number,
        id=gid("InventoryShipmentLineItem", number),
        quantity=given["quantity"],
        acceptedQuantity=0,
        rejectedQuantity=0,
        _item_id=item.number,
    )
    shipment["_lines"].append(line)
    return line


# Sending and receiving


def _send(ctx: Context, shipment: Row, at: str) -> None:
    transfer = _transfer_of(ctx.shop, shipment)
    for line in shipment["_lines"]:
        _move(ctx, line["_item_id"], transfer["_origin_id"], reserved=-line["quantity"])
        _move(ctx, line["_item_id"], transfer["_destination_id"], incoming=line["quantity"])
    shipment.update(status="IN_TRANSIT", dateShipped=at)
    transfer["status"] = "IN_PROGRESS"


def _move(ctx: Context, item_number: int, location_number: int, **deltas: int) -> None:
    item = ctx.table("InventoryItem").edit(item_number)
    if item is None or not any(deltas.values()):
        return
    for name, delta in deltas.items():
        inventory_levels.adjust_quantity(item, location_number, name, delta, ctx.now())
    stock.announce(ctx.shop, item, location_number, sells="available" in deltas)


def _find(ctx: Context, id: str, *statuses: str) -> tuple[Row | None, Errors]:
    shipment = ctx.edit("InventoryShipment", id)
    if shipment is None:
        return None, [_refusal("SHIPMENT_NOT_FOUND", "id")]
    if statuses and shipment["status"] not in statuses:
        return shipment, [_refusal("INVALID_SHIPMENT_STATUS", "id")]
    return shipment, []


@mutation("inventoryShipmentMarkInTransit")
def shipment_mark_in_transit(ctx: Context, id: str, dateShipped: str | None = None) -> dict[str, Any]:
    """Send a draft on its way."""
    shipment, errors = _find(ctx, id, "DRAFT")
    if shipment is not None and not errors and not shipment["_lines"]:
        errors = [_refusal("ITEMS_EMPTY", "id")]
    if shipment is None or errors:
        return _payload(None, errors)
    _send(ctx, shipment, iso(parse_iso(dateShipped)) if dateShipped else ctx.now())
    return _payload(shipment, [])


@mutation("inventoryShipmentReceive")
def shipment_receive(
    ctx: Context,
    id: str,
    lineItems: list[Input] | None = None,
    dateReceived: str | None = None,
    bulkReceiveAction: str | None = None,
) -> dict[str, Any]:
    """Take goods in: what is accepted becomes available, what is rejected is no longer incoming."""
    shipment, errors = _find(ctx, id, "IN_TRANSIT", "PARTIALLY_RECEIVED")
    if shipment is None or errors:
        return _payload(None, errors)
    received = list(lineItems or ())
    if bulkReceiveAction is not None:
        received = [
            {"shipmentLineItemId": line["id"], "quantity": _unreceived(line), "reason": bulkReceiveAction}
            for line in shipment["_lines"]
        ]
    errors = _receive_errors(shipment, received)
    if errors:
        return _payload(None, errors)
    for given in received:
        _receive(ctx, shipment, given)
    shipment["dateReceived"] = iso(parse_iso(dateReceived)) if dateReceived else ctx.now()
    _settle(ctx, shipment)
    return _payload(shipment, [])


def _line(shipment: Row, id: str) -> Row | None:
    return next((line for line in shipment["_lines"] if line["id"] == id), None)


def _receive_errors(shipment: Row, received: list[Input]) -> Errors:
    errors: Errors = []
    for index, given in enumerate(received):
        line = _line(shipment, given["shipmentLineItemId"])
        if line is None:
            errors.append(_refusal("ITEM_NOT_FOUND", "lineItems", index, "shipmentLineItemId"))
        elif not 0 <= given["quantity"] <= _unreceived(line):
            errors.append(_refusal("INVALID_QUANTITY", "lineItems", index, "quantity"))
    return errors


def _receive(ctx: Context, shipment: Row, given: Input) -> None:
    line, count = _line(shipment, given["shipmentLineItemId"]), given["quantity"]
    assert line is not None
    accepted = given["reason"] == "ACCEPTED"
    line["acceptedQuantity" if accepted else "rejectedQuantity"] += count
    deltas = {"incoming": -count} | ({"available": count} if accepted else {})
    _move(ctx, line["_item_id"], _transfer_of(ctx.shop, shipment)["_destination_id"], **deltas)


def _settle(ctx: Context, shipment: Row) -> None:
    """Say how far a shipment is, and whether its transfer is done."""
    open_lines = [line for line in shipment["_lines"] if _unreceived(line)]
    shipment["status"] = "PARTIALLY_RECEIVED" if open_lines else "RECEIVED"
    transfer = _transfer_of(ctx.shop, shipment)
    others = [ctx.table("InventoryShipment").get(number) for number in transfer["_shipment_ids"]]
    arrived = all(one is None or one["status"] == "RECEIVED" for one in others)
    if arrived and not any(open_count(ctx.shop, transfer, line) for line in transfer["_lines"]):
        transfer["status"] = "TRANSFERRED"


# Changing


@mutation("inventoryShipmentAddItems")
def shipment_add_items(ctx: Context, id: str, lineItems: list[Input]) -> dict[str, Any]:
    """Add goods to a draft."""
    shipment, errors = _find(ctx, id, "DRAFT")
    if shipment is not None and not errors:
        errors = _line_errors(ctx, _transfer_of(ctx.shop, shipment), lineItems, ("lineItems",))
    if shipment is None or errors:
        return _payload(None, errors, addedItems=None)
    return _payload(shipment, [], addedItems=[_add_line(ctx, shipment, line) for line in lineItems])


@mutation("inventoryShipmentRemoveItems")
def shipment_remove_items(ctx: Context, id: str, lineItems: list[str]) -> dict[str, Any]:
    """Take lines out of a draft."""
    shipment, errors = _find(ctx, id, "DRAFT")
    if shipment is not None and not errors:
        missing = (index for index, one in enumerate(lineItems) if _line(shipment, one) is None)
        errors = [_refusal("ITEM_NOT_FOUND", "lineItems", index) for index in missing]
    if shipment is None or errors:
        return _payload(None, errors)
    shipment["_lines"] = [line for line in shipment["_lines"] if line["id"] not in lineItems]
    return _payload(shipment, [])


@mutation("inventoryShipmentUpdateItemQuantities")
def shipment_update_quantities(ctx: Context, id: str, items: list[Input] | None = None) -> dict[str, Any]:
    """Change how many of a line a draft carries."""
    shipment, errors = _find(ctx, id, "DRAFT")
    if shipment is not None and not errors:
        errors = _update_errors(ctx, shipment, items or [])
    if shipment is None or errors:
        return {"shipment": None, "updatedLineItems": None, "userErrors": errors}
    updated = []
    for given in items or ():
        line = _line(shipment, given["shipmentLineItemId"])
        assert line is not None
        line["quantity"] = given["quantity"]
        updated.append(line)
    return {"shipment": shipment, "updatedLineItems": updated, "userErrors": []}


def _update_errors(ctx: Context, shipment: Row, items: list[Input]) -> Errors:
    errors, transfer = [], _transfer_of(ctx.shop, shipment)
    for index, given in enumerate(items):
        line = _line(shipment, given["shipmentLineItemId"])
        if line is None:
            errors.append(_refusal("ITEM_NOT_FOUND", "items", index, "shipmentLineItemId"))
            continue
        home = next(one for one in transfer["_lines"] if one["_item_id"] == line["_item_id"])
        if not 0 <= given["quantity"] <= line["quantity"] + open_count(ctx.shop, transfer, home):
            errors.append(_refusal("INVALID_QUANTITY", "items", index, "quantity"))
    return errors


@mutation("inventoryShipmentSetTracking")
def shipment_set_tracking(ctx: Context, id: str, tracking: Input) -> dict[str, Any]:
    """Say how a shipment is tracked."""
    shipment, errors = _find(ctx, id)
    if shipment is None or errors:
        return _payload(None, errors)
    shipment["tracking"] = _tracking(tracking)
    return _payload(shipment, [])


@mutation("inventoryShipmentSetBarcode")
def shipment_set_barcode(ctx: Context, id: str, barcode: str) -> dict[str, Any]:
    """Give a shipment a barcode; an empty one takes it away."""
    shipment, errors = _find(ctx, id)
    if shipment is not None and not errors:
        errors = _barcode_errors(ctx, barcode, ("barcode",), own=shipment.number)
    if shipment is None or errors:
        return _payload(None, errors)
    shipment["barcode"] = barcode or None
    return _payload(shipment, [])


@mutation("inventoryShipmentDelete")
def shipment_delete(ctx: Context, id: str) -> dict[str, Any]:
    """Delete a draft; its goods are open again."""
    shipment, errors = _find(ctx, id, "DRAFT")
    if shipment is None or errors:
        return {"id": None, "userErrors": errors}
    transfer = _transfer_of(ctx.shop, shipment)
    transfer["_shipment_ids"].remove(shipment.number)
    ctx.table("InventoryShipment").remove(shipment.number)
    return {"id": shipment["id"], "userErrors": []}
