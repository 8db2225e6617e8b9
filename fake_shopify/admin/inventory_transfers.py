"""Inventory transfers: goods that shall go from one location to another; shipments carry them (`inventory_shipments`).

A transfer that is ready to ship holds its goods back at the origin: available becomes reserved (captured: inventory-089, 090). The
codes and texts of refusals come from the `…UserErrorCode` enums of the schema 2026-10; their paths are assumed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fake_shopify.admin import inventory_levels, metafields, stock
from fake_shopify.clock import iso, parse_iso
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, SortKey, page_of_list, text
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row
from fake_shopify.search import Field, choice, exact, identifier, moment, reference, words
from fake_shopify.world import Shop, gid

STATUSES = ("DRAFT", "READY_TO_SHIP", "IN_PROGRESS", "TRANSFERRED", "CANCELED", "OTHER")
TAG_LIMIT = 255

TEXTS = {
    "DUPLICATE_ITEM": "A single item can't be listed twice.",
    "INVALID_QUANTITY": "The quantity is invalid.",
    "INVALID_TRANSFER_STATUS": "Current transfer status does not support this operation.",
    "INVENTORY_STATE_NOT_ACTIVE": "The item is not stocked at the intended location.",
    "ITEMS_EMPTY": "The list of line items is empty.",
    "ITEM_NOT_FOUND": "The item was not found.",
    "LOCATION_NOT_ACTIVE": "The location selected is not active.",
    "LOCATION_NOT_FOUND": "The location selected can't be found.",
    "LOCATION_REQUIRED": "A location is required for this operation.",
    "SHIPMENT_EXISTS": "Shipment already exists for the transfer.",
    "TAG_EXCEEDS_MAX_LENGTH": "The tag exceeds the maximum length.",
    "TRANSFER_LOCATION_IMMUTABLE": (
        "The location of a transfer cannot be updated. Only Draft Transfers can mutate their locations."
    ),
    "TRANSFER_NOT_FOUND": "The transfer was not found.",
    "TRANSFER_ORIGIN_CANNOT_BE_THE_SAME_AS_DESTINATION": "The origin location cannot be the same as the destination location.",
    "UNTRACKED_ITEM": "The item does not track inventory.",
    "ALL_QUANTITY_SHIPPED": "The item cannot be removed because all of its quantity is fully allocated to shipments.",
    "CANT_REMOVE_ALL_ITEMS_FROM_READY_TO_SHIP_TRANSFER": "A ready to ship transfer must have at least one line item.",
}

Errors = list[dict[str, Any]]
Input = dict[str, Any]


def refusal(code: str, *path: str | int) -> dict[str, Any]:
    """Build a refusal by its code."""
    return user_error([str(part) for part in path], TEXTS[code], code)


def _payload(transfer: Row | None, errors: Errors, **more: Any) -> dict[str, Any]:
    return {"inventoryTransfer": transfer, "userErrors": errors} | more


# Reading


def _shipments(shop: Shop, transfer: Row) -> list[Row]:
    table = shop.table("InventoryShipment")
    return [row for row in map(table.get, transfer["_shipment_ids"]) if row is not None]


def _carried(shop: Shop, transfer: Row, item_number: int, *, draft: bool) -> int:
    """Return how many of an item are in draft shipments, or in those that have left."""
    lines = (line for one in _shipments(shop, transfer) if (one["status"] == "DRAFT") == draft for line in one["_lines"])
    return sum(line["quantity"] for line in lines if line["_item_id"] == item_number)


def open_count(shop: Shop, transfer: Row, line: Row) -> int:
    """Return how many of a line are in no shipment yet."""
    item = line["_item_id"]
    taken = _carried(shop, transfer, item, draft=True) + _carried(shop, transfer, item, draft=False)
    return int(line["totalQuantity"] - taken)


@field("InventoryTransferLineItem", "shippedQuantity")
def _shipped(row: Row, ctx: Context) -> int:
    return _carried(ctx.shop, row["_transfer"], row["_item_id"], draft=False)


@field("InventoryTransferLineItem", "pickedForShipmentQuantity")
def _picked(row: Row, ctx: Context) -> int:
    return _carried(ctx.shop, row["_transfer"], row["_item_id"], draft=True)


@field("InventoryTransferLineItem", "processableQuantity")
def _processable(row: Row, ctx: Context) -> int:
    return open_count(ctx.shop, row["_transfer"], row)


@field("InventoryTransferLineItem", "shippableQuantity")
def _shippable(row: Row, ctx: Context) -> int:
    """Nothing of a draft can be shipped (captured: inventory-008, 097, 098)."""
    ready = row["_transfer"]["status"] in ("READY_TO_SHIP", "IN_PROGRESS")
    return open_count(ctx.shop, row["_transfer"], row) if ready else 0


@field("InventoryTransferLineItem", "inventoryItem")
def _line_item(row: Row, ctx: Context) -> Row | None:
    return ctx.table("InventoryItem").get(row["_item_id"])


@field("InventoryTransferLineItem", "title")
def _line_title(row: Row, ctx: Context) -> str | None:
    item = _line_item(row, ctx)
    variant = ctx.table("ProductVariant").get(item["_variant_id"]) if item is not None else None
    product = ctx.table("Product").get(variant["_product_id"]) if variant is not None else None
    return product["title"] if product is not None else None


@field("InventoryTransfer", "lineItems")
def _line_items(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page_of_list(row["_lines"], arguments)


@field("InventoryTransfer", "lineItemsCount")
def _line_items_count(row: Row, ctx: Context, query: str | None = None, **arguments: Any) -> dict[str, Any]:
    return ctx.count(row["_lines"], query, {}, **arguments)


@field("InventoryTransfer", "shipments")
def _transfer_shipments(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page_of_list(_shipments(ctx.shop, row), arguments)


@field("InventoryTransfer", "totalQuantity")
def _total(row: Row, ctx: Context) -> int:
    return sum(line["totalQuantity"] for line in row["_lines"])


@field("InventoryTransfer", "receivedQuantity")
def _received(row: Row, ctx: Context) -> int:
    lines = (line for one in _shipments(ctx.shop, row) for line in one["_lines"])
    return sum(line["acceptedQuantity"] + line["rejectedQuantity"] for line in lines)


def _snapshot(row: Row, ctx: Context, number: int | None) -> dict[str, Any] | None:
    """Show a location as a transfer names it. Assumed: as it is now, not as it was."""
    place = ctx.table("Location").get(number) if number is not None else None
    if place is None:
        return None
    return {
        "__typename": "LocationSnapshot",
        "location": place,
        "name": place["name"],
        "address": place["address"],
        "snapshottedAt": row["_created_at"],
    }


@field("InventoryTransfer", "origin")
def _origin(row: Row, ctx: Context) -> dict[str, Any] | None:
    return _snapshot(row, ctx, row["_origin_id"])


@field("InventoryTransfer", "destination")
def _destination(row: Row, ctx: Context) -> dict[str, Any] | None:
    return _snapshot(row, ctx, row["_destination_id"])


def _created(row: Row) -> str:
    """Sort value of CREATED_AT; the cursor shows it as a timestamp without a zone (captured: inventory-008)."""
    return f"{row['dateCreated'][:10]} {row['dateCreated'][11:19]}.000000"


SORTS: dict[str, SortKey] = {"CREATED_AT": _created, "NAME": text("name"), "STATUS": text("status")}
FIELDS: dict[str, Field] = {
    "default": words("name", "referenceName", "note", "tags"),
    "id": identifier(),
    "created_at": moment("dateCreated"),
    "origin_id": reference("_origin_id"),
    "source_id": reference("_origin_id"),
    "destination_id": reference("_destination_id"),
    "status": choice("status", STATUSES),
    "tag": exact("tags"),
    "tag_not": Field(lambda row, op, value, quoted: value.lower() not in [tag.lower() for tag in row["tags"]]),
}
"""Source: shopify.dev/docs/api/admin-graphql/latest/queries/inventoryTransfers (read 2026-11)."""


@query("inventoryTransfer")
def inventory_transfer(ctx: Context, id: str) -> Row | None:
    """Answer a transfer by its GID."""
    ctx.require_type(id, "InventoryTransfer")
    return ctx.find("InventoryTransfer", id)


@query("inventoryTransfers")
def inventory_transfers(ctx: Context, **arguments: Any) -> Connection:
    """List transfers (captured: inventory-008)."""
    return ctx.list(ctx.table("InventoryTransfer"), arguments, fields=FIELDS, sorts=SORTS)


# Creating


@mutation("inventoryTransferCreate")
def transfer_create(ctx: Context, input: Input) -> dict[str, Any]:
    """Make a draft (captured: inventory-008, 098)."""
    errors = _place_errors(ctx, input, required=False) + _line_errors(ctx, input) + _tag_errors(input)
    return _payload(None, errors) if errors else _payload(_new_transfer(ctx, input, "DRAFT"), [])


@mutation("inventoryTransferCreateAsReadyToShip")
def transfer_create_ready(ctx: Context, input: Input) -> dict[str, Any]:
    """Make a transfer whose goods are held back at once (captured: inventory-008, 090)."""
    errors = _place_errors(ctx, input, required=True) + _line_errors(ctx, input) + _tag_errors(input)
    if not input.get("lineItems"):
        errors.append(refusal("ITEMS_EMPTY", "input", "lineItems"))
    if errors:
        return _payload(None, errors)
    transfer = _new_transfer(ctx, input, "READY_TO_SHIP")
    hold_back(ctx, transfer, [(line, line["totalQuantity"]) for line in transfer["_lines"]])
    return _payload(transfer, [])


def _place_errors(ctx: Context, given: Input, *, required: bool, names: tuple[str, str] | None = None) -> Errors:
    origin, destination = names or ("originLocationId", "destinationLocationId")
    errors: Errors = []
    for name in (origin, destination):
        if given.get(name) is None:
            errors += [refusal("LOCATION_REQUIRED", "input", name)] if required else []
            continue
        place = ctx.find("Location", given[name])
        if place is None:
            errors.append(refusal("LOCATION_NOT_FOUND", "input", name))
        elif not place["isActive"]:
            errors.append(refusal("LOCATION_NOT_ACTIVE", "input", name))
    if given.get(origin) is not None and given.get(origin) == given.get(destination):
        errors.append(refusal("TRANSFER_ORIGIN_CANNOT_BE_THE_SAME_AS_DESTINATION", "input", origin))
    return errors


def _line_errors(ctx: Context, given: Input, origin: Row | None = None) -> Errors:
    place = origin or ctx.find("Location", given.get("originLocationId"))
    errors: Errors = []
    seen: set[str] = set()
    for index, line in enumerate(given.get("lineItems") or ()):
        path = ("input", "lineItems", index)
        item = ctx.find("InventoryItem", line["inventoryItemId"])
        if item is None:
            errors.append(refusal("ITEM_NOT_FOUND", *path, "inventoryItemId"))
        elif line["inventoryItemId"] in seen:
            errors.append(refusal("DUPLICATE_ITEM", *path, "inventoryItemId"))
        elif not item["tracked"]:
            errors.append(refusal("UNTRACKED_ITEM", *path, "inventoryItemId"))
        elif place is not None and place.number not in inventory_levels.active_levels(item):
            errors.append(refusal("INVENTORY_STATE_NOT_ACTIVE", *path, "inventoryItemId"))
        if line["quantity"] < 0:
            errors.append(refusal("INVALID_QUANTITY", *path, "quantity"))
        seen.add(line["inventoryItemId"])
    return errors


def _tag_errors(given: Input) -> Errors:
    tags = given.get("tags") or ()
    return [refusal("TAG_EXCEEDS_MAX_LENGTH", "input", "tags")] if any(len(tag) > TAG_LIMIT for tag in tags) else []


def _new_transfer(ctx: Context, given: Input, status: str) -> Row:
    origin, destination = (ctx.find("Location", given.get(name)) for name in ("originLocationId", "destinationLocationId"))
    count = ctx.shop.state["transfers"] = ctx.shop.state.get("transfers", 0) + 1
    asked = given.get("dateCreated")
    transfer = ctx.shop.new_row(
        "InventoryTransfer",
        name=f"#T{count:04d}",
        status=status,
        dateCreated=iso(parse_iso(asked)) if asked else ctx.now(),
        referenceName=given.get("referenceName"),
        note=given.get("note"),
        tags=_sorted_tags(given.get("tags")),
        hasTimelineComment=False,
        _created_at=ctx.now(),
        _origin_id=origin.number if origin is not None else None,
        _destination_id=destination.number if destination is not None else None,
        _shipment_ids=[],
        _lines=[],
    )
    for line in given.get("lineItems") or ():
        item = ctx.find("InventoryItem", line["inventoryItemId"])
        assert item is not None
        _add_line(ctx.shop, transfer, item.number, line["quantity"])
    _put_metafields(ctx, transfer, given)
    return transfer


def _sorted_tags(tags: Iterable[str] | None) -> list[str]:
    """Captured: tags are shown in alphabetical order (inventory-008)."""
    return sorted({tag.strip() for tag in tags or () if tag.strip()}, key=str.lower)


def _add_line(shop: Shop, transfer: Row, item_number: int, count: int) -> Row:
    number = shop.new_id("InventoryTransferLineItem")
    line = Row(
        __typename="InventoryTransferLineItem",
        _id=number,
        id=gid("InventoryTransferLineItem", number),
        totalQuantity=count,
        _item_id=item_number,
        _transfer=transfer,
    )
    transfer["_lines"].append(line)
    return line


def _put_metafields(ctx: Context, transfer: Row, given: Input) -> None:
    for one in given.get("metafields") or ():
        namespace = metafields.full_namespace(ctx, one.get("namespace"))
        metafields.put(ctx.shop, transfer["id"], namespace, one["key"], one.get("type") or "single_line_text_field", one["value"])


def hold_back(ctx: Context, transfer: Row, counts: Iterable[tuple[Row, int]]) -> None:
    """Turn available into reserved at the origin; a negative count gives back."""
    for line, count in counts:
        item = ctx.table("InventoryItem").edit(line["_item_id"])
        if item is None or transfer["_origin_id"] is None or not count:
            continue
        for name, delta in (("available", -count), ("reserved", count)):
            inventory_levels.adjust_quantity(item, transfer["_origin_id"], name, delta, ctx.now())
        stock.announce(ctx.shop, item, transfer["_origin_id"], sells=True)


# Changing


def _find(ctx: Context, id: str, *statuses: str, path: tuple[str, ...] = ("id",)) -> tuple[Row | None, Errors]:
    transfer = ctx.edit("InventoryTransfer", id)
    if transfer is None:
        return None, [refusal("TRANSFER_NOT_FOUND", *path)]
    if statuses and transfer["status"] not in statuses:
        return transfer, [refusal("INVALID_TRANSFER_STATUS", *path)]
    return transfer, []


@mutation("inventoryTransferMarkAsReadyToShip")
def transfer_mark_ready(ctx: Context, id: str) -> dict[str, Any]:
    """Hold the goods of a draft back (captured: inventory-098)."""
    transfer, errors = _find(ctx, id, "DRAFT")
    if transfer is not None and not errors:
        if transfer["_origin_id"] is None or transfer["_destination_id"] is None:
            errors.append(refusal("LOCATION_REQUIRED", "id"))
        if not transfer["_lines"]:
            errors.append(refusal("ITEMS_EMPTY", "id"))
    if transfer is None or errors:
        return _payload(None, errors)
    transfer["status"] = "READY_TO_SHIP"
    hold_back(ctx, transfer, [(line, line["totalQuantity"]) for line in transfer["_lines"]])
    return _payload(transfer, [])


@mutation("inventoryTransferEdit")
def transfer_edit(ctx: Context, id: str, input: Input) -> dict[str, Any]:
    """Change what a transfer says about itself; its locations only while it is a draft."""
    transfer, errors = _find(ctx, id)
    if transfer is None:
        return _payload(None, errors)
    moved = [name for name in ("originId", "destinationId") if input.get(name) is not None]
    if moved and transfer["status"] != "DRAFT":
        errors.append(refusal("TRANSFER_LOCATION_IMMUTABLE", "input", moved[0]))
    errors += _place_errors(ctx, input, required=False, names=("originId", "destinationId")) + _tag_errors(input)
    if errors:
        return _payload(None, errors)
    for name, kept in (("originId", "_origin_id"), ("destinationId", "_destination_id")):
        place = ctx.find("Location", input.get(name))
        transfer[kept] = place.number if place is not None else transfer[kept]
    for name in ("note", "referenceName"):
        transfer[name] = input.get(name, transfer[name])
    if input.get("dateCreated"):
        transfer["dateCreated"] = f"{input['dateCreated']}T00:00:00Z"
    if input.get("tags") is not None:
        transfer["tags"] = _sorted_tags(input["tags"])
    _put_metafields(ctx, transfer, input)
    return _payload(transfer, [])


@mutation("inventoryTransferSetItems")
def transfer_set_items(ctx: Context, input: Input) -> dict[str, Any]:
    """Set the counts of items; a new item becomes a new line, others stay."""
    transfer, errors = _find(ctx, input["id"], "DRAFT", "READY_TO_SHIP", "IN_PROGRESS", path=("input", "id"))
    if transfer is not None and not errors:
        origin = ctx.table("Location").get(transfer["_origin_id"]) if transfer["_origin_id"] is not None else None
        errors = _line_errors(ctx, input, origin)
    if transfer is None or errors:
        return _payload(None, errors, updatedLineItems=None)
    return _payload(transfer, [], updatedLineItems=[_set_line(ctx, transfer, line) for line in input["lineItems"]])


def _set_line(ctx: Context, transfer: Row, given: Input) -> dict[str, Any]:
    item = ctx.find("InventoryItem", given["inventoryItemId"])
    assert item is not None
    line = next((one for one in transfer["_lines"] if one["_item_id"] == item.number), None)
    if line is None:
        line = _add_line(ctx.shop, transfer, item.number, 0)
    delta = given["quantity"] - line["totalQuantity"]
    line["totalQuantity"] = given["quantity"]
    if transfer["status"] != "DRAFT":
        hold_back(ctx, transfer, [(line, delta)])
    return _line_update(item["id"], given["quantity"], delta)


def _line_update(item_id: str, count: int, delta: int) -> dict[str, Any]:
    kind = "InventoryTransferLineItemUpdate"
    return {"__typename": kind, "inventoryItemId": item_id, "newQuantity": count, "deltaQuantity": delta}


@mutation("inventoryTransferRemoveItems")
def transfer_remove_items(ctx: Context, input: Input) -> dict[str, Any]:
    """Remove lines, or what of them is in no shipment yet."""
    transfer, errors = _find(ctx, input["id"], "DRAFT", "READY_TO_SHIP", "IN_PROGRESS", path=("input", "id"))
    wanted = set(input.get("transferLineItemIds") or ())
    if transfer is not None and not errors:
        errors = _remove_errors(ctx, transfer, wanted)
    if transfer is None or errors:
        return _payload(None, errors, removedQuantities=None)
    removed = []
    for line in [one for one in transfer["_lines"] if one["id"] in wanted]:
        count = open_count(ctx.shop, transfer, line)
        if transfer["status"] != "DRAFT":
            hold_back(ctx, transfer, [(line, -count)])
        line["totalQuantity"] -= count
        if not line["totalQuantity"]:
            transfer["_lines"].remove(line)
        removed.append(_line_update(ctx.gid("InventoryItem", line["_item_id"]), line["totalQuantity"], -count))
    return _payload(transfer, [], removedQuantities=removed)


def _remove_errors(ctx: Context, transfer: Row, wanted: set[str]) -> Errors:
    chosen = [line for line in transfer["_lines"] if line["id"] in wanted]
    path = ("input", "transferLineItemIds")
    if len(chosen) < len(wanted):
        return [refusal("ITEM_NOT_FOUND", *path)]
    if any(not open_count(ctx.shop, transfer, line) for line in chosen):
        return [refusal("ALL_QUANTITY_SHIPPED", *path)]
    if transfer["status"] == "READY_TO_SHIP" and len(chosen) == len(transfer["_lines"]):
        return [refusal("CANT_REMOVE_ALL_ITEMS_FROM_READY_TO_SHIP_TRANSFER", *path)]
    return []


@mutation("inventoryTransferCancel")
def transfer_cancel(ctx: Context, id: str) -> dict[str, Any]:
    """Cancel a transfer without shipments; what was held back is available again."""
    transfer, errors = _find(ctx, id, "DRAFT", "READY_TO_SHIP")
    if transfer is not None and not errors and transfer["_shipment_ids"]:
        errors = [refusal("SHIPMENT_EXISTS", "id")]
    if transfer is None or errors:
        return _payload(None, errors)
    if transfer["status"] == "READY_TO_SHIP":
        hold_back(ctx, transfer, [(line, -line["totalQuantity"]) for line in transfer["_lines"]])
    transfer["status"] = "CANCELED"
    return _payload(transfer, [])


@mutation("inventoryTransferDelete")
def transfer_delete(ctx: Context, id: str) -> dict[str, Any]:
    """Delete a draft."""
    transfer, errors = _find(ctx, id, "DRAFT")
    if transfer is None or errors:
        return {"deletedId": None, "userErrors": errors}
    ctx.table("InventoryTransfer").remove(transfer.number)
    return {"deletedId": transfer["id"], "userErrors": []}


@mutation("inventoryTransferDuplicate")
def transfer_duplicate(ctx: Context, id: str) -> dict[str, Any]:
    """Make a draft with the same locations and lines."""
    transfer, errors = _find(ctx, id)
    if transfer is None or errors:
        return _payload(None, errors)
    places = {"originLocationId": transfer["_origin_id"], "destinationLocationId": transfer["_destination_id"]}
    given: Input = {name: gid("Location", number) for name, number in places.items() if number is not None}
    given["lineItems"] = [
        {"inventoryItemId": gid("InventoryItem", line["_item_id"]), "quantity": line["totalQuantity"]}
        for line in transfer["_lines"]
    ]
    given |= {name: transfer[name] for name in ("note", "referenceName", "tags")}
    return _payload(_new_transfer(ctx, given, "DRAFT"), [])
