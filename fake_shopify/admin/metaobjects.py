"""Metaobjects: created, changed, deleted, looked up, and the fields that they show.

Captured: metafields-079. Source: shopify.dev/docs/apps/build/metaobjects and MetaobjectUserErrorCode in the schema (read
2026-11). Assumed: the wording of the refusals, and a handle made of the display name or the type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fake_shopify.admin.app_access import app_row, own_app
from fake_shopify.admin.handles import slug, successor
from fake_shopify.admin.jobs import new_job
from fake_shopify.admin.metafield_values import value_problem
from fake_shopify.admin.metafields import json_value, target
from fake_shopify.admin.metaobject_definitions import NO_RECORD, by_type, error, full_type
from fake_shopify.context import Context, split_gid
from fake_shopify.paging import Connection, SortKey, instant, page, text
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row
from fake_shopify.search import exact, identifier, moment, words

Payload = dict[str, Any]
Input = dict[str, Any]
TABLE = "Metaobject"
SORTS: dict[str, SortKey] = {
    "id": lambda row: str(row.number),
    "type": text("type"),
    "updated_at": instant("updatedAt"),
    "display_name": text("displayName"),
}


def definition_of(ctx: Context, row: Row) -> Row:
    """Return the definition of a metaobject."""
    found = ctx.table("MetaobjectDefinition").get(row["_definition_id"])
    assert found is not None
    return found


def by_handle(ctx: Context, handle: Input) -> Row | None:
    """Return the metaobject of a type and a handle."""
    kind = full_type(ctx, handle["type"])
    return next((row for row in ctx.table(TABLE) if (row["type"], row["handle"]) == (kind, handle["handle"])), None)


def _display_name(definition: Row, values: dict[str, str], handle: str) -> str:
    return values.get(definition["displayNameKey"] or "") or handle


def _free_handle(ctx: Context, kind: str, wanted: str, own: Row | None = None) -> str:
    taken = {row["handle"] for row in ctx.table(TABLE) if row["type"] == kind and row is not own}
    while wanted in taken:
        wanted = successor(wanted)
    return wanted


def _given(input: Input) -> dict[str, str]:
    """Return the values of an input, from `fields` or from `values`."""
    plain = {name: value if isinstance(value, str) else str(value) for name, value in (input.get("values") or {}).items()}
    return plain | {one["key"]: one["value"] for one in input.get("fields") or ()}


def _errors(definition: Row, given: dict[str, str], values: dict[str, str]) -> list[dict[str, Any]]:
    types = {one["key"]: one["type"]["name"] for one in definition["fieldDefinitions"]}
    errors = []
    for place, (key, value) in enumerate(given.items()):
        if key not in types:
            text = f'Field definition "{key}" does not exist'
            errors.append(error(["metaobject", "fields", place], text, "UNDEFINED_OBJECT_FIELD", key))
        elif value and (wrong := value_problem(types[key], value)) is not None:
            errors.append(error(["metaobject", "fields", place], f"Value {wrong}", "INVALID_VALUE", key))
    missing = [one for one in definition["fieldDefinitions"] if one["required"] and not values.get(one["key"])]
    blank = [error(["metaobject"], f"{one['name']} can't be blank", "OBJECT_FIELD_REQUIRED", one["key"]) for one in missing]
    return errors + blank


@mutation("metaobjectCreate")
def metaobject_create(ctx: Context, metaobject: Input) -> Payload:
    """Create a metaobject (captured: metafields-079)."""
    kind = full_type(ctx, metaobject["type"])
    definition = by_type(ctx.shop, kind)
    if definition is None:
        refused = error(["metaobject", "type"], f'No metaobject definition exists for type "{kind}"', "UNDEFINED_OBJECT_TYPE")
        return {"metaobject": None, "userErrors": [refused]}
    values = _given(metaobject)
    errors = _errors(definition, values, values)
    if errors:
        return {"metaobject": None, "userErrors": errors}
    wanted = metaobject.get("handle") or _display_name(definition, values, kind)
    handle, now = _free_handle(ctx, kind, slug(wanted, kind)), ctx.now()
    row = ctx.shop.new_row(
        TABLE,
        type=kind,
        handle=handle,
        displayName=_display_name(definition, values, handle),
        createdAt=now,
        updatedAt=now,
        _definition_id=definition.number,
        _values=values,
        _status=_status(metaobject) or "DRAFT",
    )
    _announce(ctx, row, "create")
    return {"metaobject": row, "userErrors": []}


def _status(input: Input) -> str | None:
    publishable = (input.get("capabilities") or {}).get("publishable") or {}
    return publishable.get("status")


def _announce(ctx: Context, row: Row, event: str) -> None:
    ctx.shop.emit(f"metaobjects/{event}", {"id": row["id"], "type": row["type"], "handle": row["handle"]})


@mutation("metaobjectUpdate")
def metaobject_update(ctx: Context, id: str, metaobject: Input) -> Payload:
    """Change fields, handle or status of a metaobject."""
    ctx.require_type(id, TABLE)
    row = ctx.edit(TABLE, id)
    if row is None:
        return {"metaobject": None, "userErrors": [error(["id"], NO_RECORD, "RECORD_NOT_FOUND")]}
    return _update(ctx, row, metaobject)


def _update(ctx: Context, row: Row, input: Input) -> Payload:
    definition, given = definition_of(ctx, row), _given(input)
    values = row["_values"] | given
    errors = _errors(definition, given, values)
    if errors:
        return {"metaobject": None, "userErrors": errors}
    if input.get("handle"):
        row["handle"] = _free_handle(ctx, row["type"], slug(input["handle"], row["type"]), row)
    status = _status(input) or row["_status"]
    row.update(_values=values, displayName=_display_name(definition, values, row["handle"]), _status=status, updatedAt=ctx.now())
    _announce(ctx, row, "update")
    return {"metaobject": row, "userErrors": []}


@mutation("metaobjectUpsert")
def metaobject_upsert(ctx: Context, handle: Input, metaobject: Input | None = None, values: Input | None = None) -> Payload:
    """Change the metaobject of a handle, or create it."""
    given = dict(metaobject or {}) | ({"values": values} if values is not None else {})
    row = by_handle(ctx, handle)
    return _update(ctx, row, given) if row is not None else metaobject_create(ctx, handle | given)


@mutation("metaobjectDelete")
def metaobject_delete(ctx: Context, id: str) -> Payload:
    """Delete a metaobject (captured: metafields-079)."""
    ctx.require_type(id, TABLE)
    row = ctx.find(TABLE, id)
    if row is None:
        return {"deletedId": None, "userErrors": [error(["id"], NO_RECORD, "RECORD_NOT_FOUND")]}
    _delete(ctx, row)
    return {"deletedId": id, "userErrors": []}


def _delete(ctx: Context, row: Row) -> None:
    ctx.table(TABLE).remove(row.number)
    _announce(ctx, row, "delete")


@mutation("metaobjectBulkDelete")
def metaobject_bulk_delete(ctx: Context, where: Input) -> Payload:
    """Delete the metaobjects of a type, or those with these ids."""
    if where.get("type") is not None:
        kind = full_type(ctx, where["type"])
        found: Sequence[Row] = [row for row in ctx.table(TABLE) if row["type"] == kind]
    else:
        found = [row for row in (ctx.find(TABLE, one) for one in where.get("ids") or ()) if row is not None]
    for row in found:
        _delete(ctx, row)
    return {"job": new_job(ctx), "userErrors": []}


# Reading


@query("metaobject")
def metaobject(ctx: Context, id: str) -> Row | None:
    """Answer a metaobject by id (captured: metafields-079)."""
    ctx.require_type(id, TABLE)
    return ctx.find(TABLE, id)


@query("metaobjectByHandle")
def metaobject_by_handle(ctx: Context, handle: Input) -> Row | None:
    """Answer a metaobject by type and handle."""
    return by_handle(ctx, handle)


@query("metaobjects")
def metaobjects(ctx: Context, type: str, **arguments: Any) -> Connection:
    """List the metaobjects of a type.

    Source: shopify.dev/docs/api/admin-graphql/latest/queries/metaobjects (read 2026-11; sort keys are free text).
    """
    kind = full_type(ctx, type)
    fields = {
        "default": words("displayName", "handle"),
        "id": identifier(),
        "display_name": words("displayName"),
        "handle": exact("handle"),
        "created_at": moment("createdAt"),
        "updated_at": moment("updatedAt"),
    }
    return ctx.list([row for row in ctx.table(TABLE) if row["type"] == kind], arguments, fields=fields, sorts=SORTS)


@field(TABLE, "definition")
def _definition(row: Row, ctx: Context) -> Row:
    return definition_of(ctx, row)


@field(TABLE, "createdByApp", "createdBy")
def _app(row: Row, ctx: Context) -> Payload:
    return app_row(ctx, own_app(ctx))


@field(TABLE, "capabilities")
def _capabilities(row: Row, ctx: Context) -> Payload:
    on = definition_of(ctx, row).get("_capabilities") or {}
    publishable = {"status": row["_status"]} if on.get("publishable") else None
    online = {"templateSuffix": None} if on.get("onlineStore") else None
    return {"__typename": "MetaobjectCapabilityData", "publishable": publishable, "onlineStore": online}


@field(TABLE, "values")
def _values(row: Row, ctx: Context) -> Payload:
    return {one["key"]: one["jsonValue"] for one in _fields(row, ctx)}


@field(TABLE, "fields")
def _fields(row: Row, ctx: Context) -> list[Payload]:
    return [_field_row(row, one) for one in definition_of(ctx, row)["fieldDefinitions"]]


@field(TABLE, "field")
def _one_field(row: Row, ctx: Context, key: str) -> Payload | None:
    return next((one for one in _fields(row, ctx) if one["key"] == key), None)


def _field_row(row: Row, definition: Payload) -> Payload:
    kind, value = definition["type"]["name"], row["_values"].get(definition["key"]) or None
    return {
        "__typename": "MetaobjectField",
        "key": definition["key"],
        "type": kind,
        "value": value,
        "jsonValue": json_value(kind, value) if value is not None else None,
        "definition": definition,
        "thumbnail": {"__typename": "MetaobjectThumbnail", "file": None, "hex": value} if kind == "color" and value else None,
    }


@field("MetaobjectField", "reference")
def _reference(row: Payload, ctx: Context) -> Row | None:
    single = row["type"].endswith("_reference") and not row["type"].startswith("list.")
    return target(ctx, row["value"]) if single and row["value"] else None


@field("MetaobjectField", "references")
def _references(row: Payload, ctx: Context, **arguments: Any) -> Connection | None:
    if not row["type"].startswith("list.") or not row["type"].endswith("_reference") or not row["value"]:
        return None
    found = (target(ctx, one) for one in row["jsonValue"] if split_gid(one)[0])
    return page([one for one in found if one is not None], arguments)
