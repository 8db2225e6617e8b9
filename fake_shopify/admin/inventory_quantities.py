"""The mutations that change quantities: adjust by a difference, set, set on hand, move from one name to another.

Each reads its input into `Change`s, refuses all of it or applies all of it, and answers with an adjustment group that lists what
was changed. A change of a part of `on_hand` is listed a second time under that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import Node, VariableNode

from fake_shopify.admin import inventory_levels, stock
from fake_shopify.admin.inventory_levels import ON_HAND_PARTS
from fake_shopify.context import Context, split_gid
from fake_shopify.failures import TopLevelError, user_error
from fake_shopify.registry import check_first, field, mutation
from fake_shopify.rows import Row

REASONS = """
    correction cycle_count_available damaged movement_canceled movement_created movement_received movement_updated other
    promotion quality_control received reservation_created reservation_deleted reservation_updated restock safety_stock shrinkage
""".split()
MUTABLE_NAMES = ("available", "damaged", "incoming", "quality_control", "reserved", "safety_stock")
MOST, MOST_DELTA = 1_000_000_000, 2_000_000_000
CHANGE_FROM_REQUIRED_SINCE = "2026-04"
STOCKS_BY_ITSELF_SINCE = "2026-07"
A_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")

ITEM_TEXT = "The specified inventory item could not be found."
LOCATION_TEXT = "The specified location could not be found."
STALE_TEXT = "The changeFromQuantity argument no longer matches the persisted quantity."

Path = tuple[str, ...]
Errors = list[dict[str, Any]]
Input = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One quantity of one level that shall change by `delta`."""

    item: Row
    location_number: int
    name: str
    delta: int
    ledger: str | None = None


# What every input is checked for


def _too_high(limit: int) -> str:
    return f"The quantity can't be higher than {limit:,}."


def _document_errors(given: Input) -> Errors:
    """Refuse a reason that does not exist and a reference that is no URI.

    Captured: inventory-109, 112. Source of the latter's text: the error codes in the schema 2026-10.
    """
    errors: Errors = []
    if given["reason"] not in REASONS:
        text = f"The specified reason is invalid. Valid values are: {', '.join(REASONS)}."
        errors.append(user_error(("input", "reason"), text, "INVALID_REASON"))
    reference = given.get("referenceDocumentUri")
    if reference is not None and not A_URI.fullmatch(reference):
        text = "The specified reference document is invalid."
        errors.append(user_error(("input", "referenceDocumentUri"), text, "INVALID_REFERENCE_DOCUMENT"))
    return errors


def _name_errors(name: str, path: Path) -> Errors:
    """Refuse a name that no app can change. Assumed: the text lists the names as that of reasons does."""
    if name in MUTABLE_NAMES:
        return []
    text = f"The specified quantity name is invalid. Valid values are: {', '.join(MUTABLE_NAMES)}."
    return [user_error(path, text, "INVALID_QUANTITY_NAME")]


def _ledger_errors(name: str, ledger: str | None, path: Path) -> Errors:
    """Check the document of one change. Source: InventoryAdjustQuantitiesUserErrorCode in the schema 2026-10 (texts and codes)."""
    if name == "available":
        text = "A ledger document URI is not allowed when adjusting available."
        return [user_error(path, text, "INVALID_AVAILABLE_DOCUMENT")] if ledger is not None else []
    if ledger is None:
        text = "A ledger document URI is required except when adjusting available."
        return [user_error(path, text, "INVALID_QUANTITY_DOCUMENT")]
    if ledger.startswith("gid://shopify/"):
        text = "Internal (gid://shopify/) ledger documents are not allowed to be adjusted via API."
        return [user_error(path, text, "INTERNAL_LEDGER_DOCUMENT")]
    if not A_URI.fullmatch(ledger):
        return [user_error(path, "The specified ledger document is invalid.", "INVALID_LEDGER_DOCUMENT")]
    return []


def _location(ctx: Context, text: str) -> int | None:
    row = ctx.find("Location", text)
    return row.number if row is not None else None


def _existence_errors(ctx: Context, item_id: str, location_id: str, path: Path) -> Errors:
    """Both may be missing at once (captured: BEHAVIOURS 36, inventory-011, 019..022, 109)."""
    errors: Errors = []
    if ctx.find("InventoryItem", item_id) is None:
        errors.append(user_error((*path, "inventoryItemId"), ITEM_TEXT, "INVALID_INVENTORY_ITEM"))
    if _location(ctx, location_id) is None:
        errors.append(user_error((*path, "locationId"), LOCATION_TEXT, "INVALID_LOCATION"))
    return errors


def _state_errors(ctx: Context, item: Row, location_number: int, name: str, given: Input, path: Path) -> Errors:
    """Compare with what is there: is the item stocked, is the quantity what the caller believes.

    Source: `changeFromQuantity` in the schema 2026-10: null skips the comparison. Until 2026-04 the schema has
    ITEM_NOT_STOCKED_AT_LOCATION; since 2026-07 it has not, so that a change stocks the item by itself (assumed).
    """
    level = inventory_levels.level_at(item, location_number)
    if (level is None or not level["isActive"]) and ctx.version < STOCKS_BY_ITSELF_SINCE:
        text = "The specified inventory item is not stocked at the location."
        return [user_error((*path, "locationId"), text, "ITEM_NOT_STOCKED_AT_LOCATION")]
    return _stale_errors(item, location_number, name, given.get("changeFromQuantity"), path)


def _stale_errors(item: Row, location_number: int, name: str, believed: int | None, path: Path) -> Errors:
    if believed is None or believed == inventory_levels.quantity(item, location_number, name):
        return []
    return [user_error((*path, "changeFromQuantity"), STALE_TEXT, "CHANGE_FROM_QUANTITY_STALE")]


def _found(ctx: Context, item_id: str, location_id: str) -> tuple[Row, int]:
    item, location = ctx.edit("InventoryItem", item_id), _location(ctx, location_id)
    assert item is not None
    assert location is not None
    return item, location


def _index(path: str, index: int) -> Path:
    return ("input", path, str(index))


# Applying


def _refused(errors: Errors) -> dict[str, Any]:
    return {"inventoryAdjustmentGroup": None, "userErrors": errors}


def _done(ctx: Context, given: Input, changes: Iterable[Sequence[Change]]) -> dict[str, Any]:
    """Apply changes and answer with their group; nothing changed means no group (captured: inventory-113)."""
    now, listed = ctx.now(), []
    touched: dict[tuple[int, int], tuple[Row, bool]] = {}
    for together in changes:
        together = [change for change in together if change.delta]
        for change in together:
            level = inventory_levels.activate(change.item, change.location_number, now)
            inventory_levels.change_level(level, change.name, change.delta, now)
            place = (change.item.number, change.location_number)
            sells = change.name in ("available", "on_hand") or touched.get(place, (change.item, False))[1]
            touched[place] = (change.item, sells)
        listed += [_listed(change) for change in together] + _mirrored(together)
    for (_, location_number), (item, sells) in touched.items():
        stock.announce(ctx.shop, item, location_number, sells=sells)
    group = _new_group(ctx, given, listed) if listed else None
    return {"inventoryAdjustmentGroup": group, "userErrors": []}


def _new_group(ctx: Context, given: Input, listed: list[dict[str, Any]]) -> Row:
    return ctx.shop.new_row(
        "InventoryAdjustmentGroup",
        createdAt=ctx.now(),
        reason=given["reason"],
        referenceDocumentUri=given.get("referenceDocumentUri"),
        staffMember=None,
        _client_id=ctx.grant.client_id,
        _changes=listed,
    )


def _listed(change: Change) -> dict[str, Any]:
    """Shape of a change; `quantityAfterChange` is always null (captured: inventory-083, 110)."""
    return {
        "__typename": "InventoryChange",
        "name": change.name,
        "delta": change.delta,
        "quantityAfterChange": None,
        "ledgerDocumentUri": change.ledger,
        "_item_id": change.item.number,
        "_location_id": change.location_number,
    }


def _mirrored(together: Sequence[Change]) -> list[dict[str, Any]]:
    """List what the changes do to on_hand; a move inside on_hand does nothing (captured: inventory-083, 108)."""
    net = sum(change.delta for change in together if change.name in ON_HAND_PARTS)
    return [_listed(Change(together[0].item, together[0].location_number, "on_hand", net))] if net else []


@field("InventoryAdjustmentGroup", "changes")
def _group_changes(
    row: Row,
    ctx: Context,
    inventoryItemIds: list[str] | None = None,
    locationIds: list[str] | None = None,
    quantityNames: list[str] | None = None,
) -> list[dict[str, Any]]:
    items = None if inventoryItemIds is None else {split_gid(one)[1] for one in inventoryItemIds}
    places = None if locationIds is None else {split_gid(one)[1] for one in locationIds}
    return [
        change
        for change in row["_changes"]
        if (items is None or str(change["_item_id"]) in items)
        and (places is None or str(change["_location_id"]) in places)
        and (quantityNames is None or change["name"] in quantityNames)
    ]


@field("InventoryChange", "item")
def _change_item(row: Row, ctx: Context) -> Row | None:
    return ctx.table("InventoryItem").get(row["_item_id"])


@field("InventoryChange", "location")
def _change_location(row: Row, ctx: Context) -> Row | None:
    return ctx.table("Location").get(row["_location_id"])


# changeFromQuantity must be said, if only as null


def _require_change_from(ctx: Context, type_name: str, inputs: Iterable[Input]) -> None:
    """Refuse the whole field before the idempotency key is looked for (captured: BEHAVIOURS 9, inventory-109)."""
    if ctx.version < CHANGE_FROM_REQUIRED_SINCE or all("changeFromQuantity" in one for one in inputs):
        return
    refused = TopLevelError(f"{type_name} must include the following argument: changeFromQuantity.", "INVALID_FIELD_ARGUMENTS")
    refused.nodes = _field_and_variables(ctx)
    raise refused


def _field_and_variables(ctx: Context) -> list[Node]:
    """Return the places that such an error names: the field, and where its variables are declared (captured: inventory-109)."""
    assert ctx.info is not None
    field_node = ctx.info.field_nodes[0]
    used = {one.value.name.value for one in field_node.arguments or () if isinstance(one.value, VariableNode)}
    declared = ctx.info.operation.variable_definitions or ()
    return [field_node, *(one for one in declared if one.variable.name.value in used)]


@check_first("inventoryAdjustQuantities")
def _check_adjust(ctx: Context, input: Input) -> None:
    _require_change_from(ctx, "InventoryChangeInput", input["changes"])


@check_first("inventorySetQuantities")
def _check_set(ctx: Context, input: Input) -> None:
    _require_change_from(ctx, "InventoryQuantityInput", input["quantities"])


@check_first("inventorySetOnHandQuantities")
def _check_set_on_hand(ctx: Context, input: Input) -> None:
    _require_change_from(ctx, "InventorySetQuantityInput", input["setQuantities"])


@check_first("inventoryMoveQuantities")
def _check_move(ctx: Context, input: Input) -> None:
    ends = (change[end] for change in input["changes"] for end in ("from", "to"))
    _require_change_from(ctx, "InventoryMoveQuantityTerminalInput", ends)


# Adjust


@mutation("inventoryAdjustQuantities")
def adjust_quantities(ctx: Context, input: Input) -> dict[str, Any]:
    """Change quantities of one name by differences (captured: inventory-083, 110, pagination_search-017)."""
    name = input["name"]
    errors = _document_errors(input) + _name_errors(name, ("input", "name"))
    for index, one in enumerate(input["changes"]):
        path = _index("changes", index)
        if name in MUTABLE_NAMES:
            errors += _ledger_errors(name, one.get("ledgerDocumentUri"), (*path, "ledgerDocumentUri"))
        errors += _delta_errors(one["delta"], (*path, "delta"))
        errors += _existence_errors(ctx, one["inventoryItemId"], one["locationId"], path)
    errors += _one_ledger_error(input["changes"])
    if errors:
        return _refused(errors)
    changes = []
    for index, one in enumerate(input["changes"]):
        item, location = _found(ctx, one["inventoryItemId"], one["locationId"])
        errors += _state_errors(ctx, item, location, name, one, _index("changes", index))
        changes.append([Change(item, location, name, one["delta"], one.get("ledgerDocumentUri"))])
    return _refused(errors) if errors else _done(ctx, input, changes)


def _delta_errors(delta: int, path: Path) -> Errors:
    if delta > MOST_DELTA:
        return [user_error(path, _too_high(MOST_DELTA), "INVALID_QUANTITY_TOO_HIGH")]
    if delta < -MOST_DELTA:
        text = f"The quantity can't be lower than -{MOST_DELTA:,}."
        return [user_error(path, text, "INVALID_QUANTITY_TOO_LOW")]
    return []


def _one_ledger_error(inputs: Sequence[Input]) -> Errors:
    if len({one.get("ledgerDocumentUri") for one in inputs}) < 2:
        return []
    text = "All changes must have the same ledger document URI or, in the case of adjusting available, no ledger document URI."
    return [user_error(("input", "changes"), text, "MAX_ONE_LEDGER_DOCUMENT")]


# Set


@mutation("inventorySetQuantities")
def set_quantities(ctx: Context, input: Input) -> dict[str, Any]:
    """Set `available` or `on_hand` (captured: inventory-110, 115..120).

    Until 2026-01 the comparison is `compareQuantity`, required unless `ignoreCompareQuantity`. Source: InventorySetQuantitiesInput
    in the schema 2026-01.
    """
    name, rows = input["name"], input["quantities"]
    errors = _document_errors(input)
    if name not in ("available", "on_hand"):
        text = "The quantity name must be either 'available' or 'on_hand'."
        errors.append(user_error(("input", "name"), text, "INVALID_NAME"))
    errors += _compare_required(ctx, input)
    errors += _duplicate_errors(rows)
    errors += _set_errors(ctx, name, rows, "quantities")
    return _refused(errors) if errors else _set(ctx, input, name, rows, "quantities")


def _compare_required(ctx: Context, given: Input) -> Errors:
    rows = given["quantities"]
    if ctx.version >= CHANGE_FROM_REQUIRED_SINCE or given.get("ignoreCompareQuantity"):
        return []
    if all("changeFromQuantity" in one or one.get("compareQuantity") is not None for one in rows):
        return []
    text = "The compareQuantity argument must be given to each quantity or ignored using ignoreCompareQuantity."
    return [user_error(("input", "ignoreCompareQuantity"), text, "COMPARE_QUANTITY_REQUIRED")]


def _duplicate_errors(rows: Sequence[Input]) -> Errors:
    """Report every row of a pair that is named twice (captured: inventory-120)."""
    pairs = [(one["inventoryItemId"], one["locationId"]) for one in rows]
    text = "The combination of inventoryItemId and locationId must be unique."
    return [
        user_error((*_index("quantities", index), "locationId"), text, "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR")
        for index, pair in enumerate(pairs)
        if pairs.count(pair) > 1
    ]


def _set_errors(ctx: Context, name: str, rows: Sequence[Input], argument: str) -> Errors:
    errors: Errors = []
    for index, one in enumerate(rows):
        path = _index(argument, index)
        errors += _count_errors(name, one["quantity"], (*path, "quantity"))
        errors += _existence_errors(ctx, one["inventoryItemId"], one["locationId"], path)
    return errors


def _count_errors(name: str, count: int, path: Path) -> Errors:
    """Captured: inventory-109, 119. Assumed: available may be negative down to the lower bound that the schema documents."""
    if count > MOST:
        return [user_error(path, _too_high(MOST), "INVALID_QUANTITY_TOO_HIGH")]
    if name == "on_hand" and count < 0:
        return [user_error(path, "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE")]
    if count < -MOST:
        return [user_error(path, f"The quantity can't be lower than -{MOST:,}.", "INVALID_QUANTITY_TOO_LOW")]
    return []


def _set(ctx: Context, given: Input, name: str, rows: Sequence[Input], argument: str) -> dict[str, Any]:
    errors: Errors = []
    changes = []
    for index, one in enumerate(rows):
        path = _index(argument, index)
        item, location = _found(ctx, one["inventoryItemId"], one["locationId"])
        errors += _state_errors(ctx, item, location, name, one, path)
        errors += _old_stale_errors(item, location, name, given, one, path)
        delta = one["quantity"] - inventory_levels.quantity(item, location, name)
        changes.append([Change(item, location, "available", delta)])
    return _refused(errors) if errors else _done(ctx, given, changes)


def _old_stale_errors(item: Row, location: int, name: str, given: Input, one: Input, path: Path) -> Errors:
    believed = one.get("compareQuantity")
    if believed is None or given.get("ignoreCompareQuantity") or "changeFromQuantity" in one:
        return []
    if believed == inventory_levels.quantity(item, location, name):
        return []
    text = "The compareQuantity value does not match persisted value."
    return [user_error((*path, "compareQuantity"), text, "COMPARE_QUANTITY_STALE")]


@mutation("inventorySetOnHandQuantities")
def set_on_hand_quantities(ctx: Context, input: Input) -> dict[str, Any]:
    """Set `on_hand`; the difference goes to `available` (captured: inventory-109, 110)."""
    rows = input["setQuantities"]
    errors = _document_errors(input) + _set_errors(ctx, "on_hand", rows, "setQuantities")
    return _refused(errors) if errors else _set(ctx, input, "on_hand", rows, "setQuantities")


# Move


@mutation("inventoryMoveQuantities")
def move_quantities(ctx: Context, input: Input) -> dict[str, Any]:
    """Move quantities between names at one location (captured: inventory-022, 108, 109)."""
    errors = _document_errors(input)
    for index, one in enumerate(input["changes"]):
        errors += _move_errors(ctx, one, _index("changes", index))
    errors += _two_ledgers_error(input["changes"])
    if errors:
        return _refused(errors)
    changes = []
    for index, one in enumerate(input["changes"]):
        together = []
        for end, sign in (("from", -1), ("to", 1)):
            terminal = one[end]
            item, location = _found(ctx, one["inventoryItemId"], terminal["locationId"])
            errors += _state_errors(ctx, item, location, terminal["name"], terminal, (*_index("changes", index), end))
            together.append(Change(item, location, terminal["name"], sign * one["quantity"], terminal.get("ledgerDocumentUri")))
        changes.append(together)
    return _refused(errors) if errors else _done(ctx, input, changes)


def _move_errors(ctx: Context, one: Input, path: Path) -> Errors:
    errors: Errors = []
    for end in ("from", "to"):
        terminal, here = one[end], (*path, end)
        wrong_name = _name_errors(terminal["name"], (*here, "name"))
        errors += wrong_name or _ledger_errors(terminal["name"], terminal.get("ledgerDocumentUri"), (*here, "ledgerDocumentUri"))
    errors += _moved_count_errors(one["quantity"], (*path, "quantity"))
    if one["from"]["name"] == one["to"]["name"]:
        text = "The quantity names for each change can't be the same."
        errors.append(user_error(path, text, "SAME_QUANTITY_NAME"))
    if ctx.find("InventoryItem", one["inventoryItemId"]) is None:
        errors.append(user_error((*path, "inventoryItemId"), ITEM_TEXT, "INVALID_INVENTORY_ITEM"))
    for end in ("from", "to"):
        if _location(ctx, one[end]["locationId"]) is None:
            errors.append(user_error((*path, end, "locationId"), LOCATION_TEXT, "INVALID_LOCATION"))
    if one["from"]["locationId"] != one["to"]["locationId"]:
        text = "The quantities can't be moved between different locations."
        errors.append(user_error(path, text, "DIFFERENT_LOCATIONS"))
    return errors


def _moved_count_errors(count: int, path: Path) -> Errors:
    if count < 0:
        return [user_error(path, "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE")]
    return [user_error(path, _too_high(MOST_DELTA), "INVALID_QUANTITY_TOO_HIGH")] if count > MOST_DELTA else []


def _two_ledgers_error(inputs: Sequence[Input]) -> Errors:
    ledgers = {one[end].get("ledgerDocumentUri") for one in inputs for end in ("from", "to")} - {None}
    if len(ledgers) <= 2:
        return []
    text = "Only a maximum of 2 ledger document URIs across all changes is allowed."
    return [user_error(("input", "changes"), text, "MAXIMUM_LEDGER_DOCUMENT_URIS")]
