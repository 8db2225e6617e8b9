"""Metaobject definitions: Shopify's standard ones and those that apps and merchants make.

Captured: metafields-079 (two standard ones). Source: shopify.dev/docs/apps/build/metaobjects and MetaobjectUserErrorCode in the
schema (read 2026-11). Assumed: the wording of the refusals, the fields of the standard ones beyond those that were written.
"""

from __future__ import annotations

import re
from typing import Any

from fake_shopify.admin.app_access import app_row, own_app
from fake_shopify.admin.definition_types import is_definition_type, options, type_row
from fake_shopify.admin.metafields import app_namespace
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, page
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row
from fake_shopify.world import Shop

Payload = dict[str, Any]
Input = dict[str, Any]
TABLE = "MetaobjectDefinition"
TYPE_NAME = re.compile(r"[A-Za-z0-9_-]*")
NO_RECORD = "Record not found"
ACCESS = {"__typename": "MetaobjectAccess", "admin": "PUBLIC_READ_WRITE", "customerAccount": "NONE", "storefront": "NONE"}
STANDARD: dict[str, tuple[str, dict[str, str]]] = {
    "shopify--material": (
        "Material",
        {"label": "single_line_text_field", "taxonomy_reference": "product_taxonomy_value_reference"},
    ),
    "shopify--color-pattern": (
        "Color",
        {
            "label": "single_line_text_field",
            "color": "color",
            "image": "file_reference",
            "color_taxonomy_reference": "list.product_taxonomy_value_reference",
            "pattern_taxonomy_reference": "product_taxonomy_value_reference",
        },
    ),
}
"""Standard metaobjects: name, and fields with their types; `label` is the name that they show (captured: metafields-079)."""


def full_type(ctx: Context, type_name: str) -> str:
    """Resolve `$app:name` to the app's own type."""
    return f"{app_namespace(ctx)}--{type_name[5:]}" if type_name.startswith("$app:") else type_name


def by_type(shop: Shop, type_name: str) -> Row | None:
    """Return the definition of a type."""
    return next((row for row in shop.table(TABLE) if row["type"] == type_name), None)


def error(field: list[str | int], text: str, code: str, key: str | None = None) -> dict[str, Any]:
    """Build one `userErrors` entry of a metaobject mutation."""
    return user_error(field, text, code) | {"elementKey": key, "elementIndex": None}


def _field_row(key: str, type_name: str, **values: Any) -> Payload:
    shown = {"name": key.replace("_", " ").capitalize(), "description": None, "required": False, "validations": []} | values
    filters = {"adminFilterable": {"enabled": False, "eligible": True}}
    return {"__typename": "MetaobjectFieldDefinition", "key": key, "type": type_row(type_name), "capabilities": filters} | shown


def new_definition(shop: Shop, type_name: str, name: str, fields: list[Payload], **values: Any) -> Row:
    """Make a definition and keep it."""
    now = shop.clock.iso()
    kept = {"description": None, "displayNameKey": None, "access": dict(ACCESS), "createdAt": now, "updatedAt": now}
    return shop.new_row(TABLE, type=type_name, name=name, fieldDefinitions=fields, **(kept | values))


def enable_standard(ctx: Context, type_name: str) -> Row:
    """Return the definition of a standard metaobject, making it when it is not there yet."""
    known = by_type(ctx.shop, type_name)
    if known is not None:
        return known
    name, types = STANDARD[type_name]
    fields = [_field_row(key, kind, required=key == "label") for key, kind in types.items()]
    access = ACCESS | {"storefront": "PUBLIC_READ"}
    return new_definition(ctx.shop, type_name, name, fields, displayNameKey="label", access=access)


@mutation("standardMetaobjectDefinitionEnable")
def standard_metaobject_definition_enable(ctx: Context, type: str) -> Payload:
    """Activate a standard metaobject definition."""
    if type not in STANDARD:
        text = "A standard definition can't be found for the specified type."
        return {"metaobjectDefinition": None, "userErrors": [error(["type"], text, "RECORD_NOT_FOUND")]}
    return {"metaobjectDefinition": enable_standard(ctx, type), "userErrors": []}


# Create, update, delete


@mutation("metaobjectDefinitionCreate")
def metaobject_definition_create(ctx: Context, definition: Input) -> Payload:
    """Create a definition."""
    type_name = full_type(ctx, definition["type"])
    errors = _errors(ctx, type_name, definition)
    if errors:
        return {"metaobjectDefinition": None, "userErrors": errors}
    fields = [_given_field(one) for one in definition.get("fieldDefinitions") or ()]
    name = definition.get("name") or definition["type"].replace("_", " ").capitalize()
    values = {key: definition[key] for key in ("description", "displayNameKey") if definition.get(key) is not None}
    values["access"] = ACCESS | _known(definition.get("access"))
    row = new_definition(ctx.shop, type_name, name, fields, _capabilities=_enabled(definition), **values)
    return {"metaobjectDefinition": row, "userErrors": []}


def _known(given: Input | None) -> Input:
    return {name: value for name, value in (given or {}).items() if value is not None}


def _enabled(definition: Input) -> dict[str, bool]:
    return {name: bool(one["enabled"]) for name, one in _known(definition.get("capabilities")).items()}


def _given_field(one: Input) -> Payload:
    known = {name: one[name] for name in ("name", "description", "required") if one.get(name) is not None}
    kinds = options(one["type"])
    rules = [
        {
            "__typename": "MetafieldDefinitionValidation",
            "name": rule["name"],
            "value": rule["value"],
            "type": kinds.get(rule["name"], ""),
        }
        for rule in one.get("validations") or ()
    ]
    return _field_row(one["key"], one["type"], validations=rules, **known)


def _errors(ctx: Context, type_name: str, definition: Input) -> list[dict[str, Any]]:
    spot: list[str | int] = ["definition", "type"]
    if len(type_name) < 3:
        return [error(spot, "Type is too short (minimum is 3 characters)", "TOO_SHORT")]
    if len(type_name) > 255:
        return [error(spot, "Type is too long (maximum is 255 characters)", "TOO_LONG")]
    if not TYPE_NAME.fullmatch(type_name):
        return [error(spot, "Type contains one or more invalid characters.", "INVALID")]
    if type_name.startswith("shopify--"):
        return [error(spot, "Not authorized. This type is reserved for use by another application.", "NOT_AUTHORIZED")]
    if by_type(ctx.shop, type_name) is not None:
        return [error(spot, "Type has already been taken", "TAKEN")]
    return _field_errors(definition)


def _field_errors(definition: Input) -> list[dict[str, Any]]:
    errors, seen = [], set[str]()
    for place, one in enumerate(definition.get("fieldDefinitions") or ()):
        if not is_definition_type(one["type"]):
            text = f'Type name "{one["type"]}" is not a valid type.'
            errors.append(error(["definition", "fieldDefinitions", place], text, "INCLUSION", one["key"]))
        if one["key"] in seen:
            errors.append(
                error(["definition", "fieldDefinitions", place], "Key has already been taken", "OBJECT_FIELD_TAKEN", one["key"])
            )
        seen.add(one["key"])
    shown = definition.get("displayNameKey")
    if shown is not None and shown not in seen:
        text = f'Field definition "{shown}" does not exist'
        errors.append(error(["definition", "displayNameKey"], text, "UNDEFINED_OBJECT_FIELD"))
    return errors


@mutation("metaobjectDefinitionUpdate")
def metaobject_definition_update(ctx: Context, id: str, definition: Input) -> Payload:
    """Change a definition: its names, and its fields one operation after the other."""
    ctx.require_type(id, TABLE)
    row = ctx.edit(TABLE, id)
    if row is None:
        return {"metaobjectDefinition": None, "userErrors": [error(["id"], NO_RECORD, "RECORD_NOT_FOUND")]}
    row.update({name: definition[name] for name in ("name", "description", "displayNameKey") if name in definition})
    row["access"] = row["access"] | _known(definition.get("access"))
    row["_capabilities"] = (row.get("_capabilities") or {}) | _enabled(definition)
    for operation in definition.get("fieldDefinitions") or ():
        _operate(row, operation)
    row["updatedAt"] = ctx.now()
    return {"metaobjectDefinition": row, "userErrors": []}


def _operate(row: Row, operation: Input) -> None:
    create, update, delete = (operation.get(name) for name in ("create", "update", "delete"))
    if create:
        row["fieldDefinitions"].append(_given_field(create))
    for one in row["fieldDefinitions"] if update else ():
        if update and one["key"] == update["key"]:
            one.update({name: update[name] for name in ("name", "description", "required") if update.get(name) is not None})
    if delete:
        row["fieldDefinitions"] = [one for one in row["fieldDefinitions"] if one["key"] != delete["key"]]


@mutation("metaobjectDefinitionDelete")
def metaobject_definition_delete(ctx: Context, id: str) -> Payload:
    """Delete a definition with its metaobjects."""
    ctx.require_type(id, TABLE)
    row = ctx.find(TABLE, id)
    if row is None:
        return {"deletedId": None, "userErrors": [error(["id"], NO_RECORD, "RECORD_NOT_FOUND")]}
    for one in _metaobjects(ctx.shop, row):
        ctx.table("Metaobject").remove(one.number)
    ctx.table(TABLE).remove(row.number)
    return {"deletedId": id, "userErrors": []}


# Reading


def _metaobjects(shop: Shop, row: Row) -> list[Row]:
    return [one for one in shop.table("Metaobject") if one["_definition_id"] == row.number]


@query("metaobjectDefinition")
def metaobject_definition(ctx: Context, id: str) -> Row | None:
    """Answer a definition by id (captured: metafields-079)."""
    ctx.require_type(id, TABLE)
    return ctx.find(TABLE, id)


@query("metaobjectDefinitionByType")
def metaobject_definition_by_type(ctx: Context, type: str) -> Row | None:
    """Answer a definition by its type (captured: metafields-079)."""
    return by_type(ctx.shop, full_type(ctx, type))


@query("metaobjectDefinitions")
def metaobject_definitions(ctx: Context, **arguments: Any) -> Connection:
    """List definitions."""
    return page(ctx.table(TABLE), arguments)


@field(TABLE, "metaobjects")
def _objects(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page(_metaobjects(ctx.shop, row), arguments)


@field(TABLE, "metaobjectsCount")
def _count(row: Row, ctx: Context) -> int:
    return len(_metaobjects(ctx.shop, row))


@field(TABLE, "capabilities")
def _capabilities(row: Row, ctx: Context) -> Payload:
    on = row.get("_capabilities") or {}
    names = ("onlineStore", "publishable", "renderable", "translatable")
    return {"__typename": "MetaobjectCapabilities"} | {name: {"enabled": bool(on.get(name))} for name in names}


@field(TABLE, "createdByApp")
def _app(row: Row, ctx: Context) -> Payload:
    return app_row(ctx, own_app(ctx))
