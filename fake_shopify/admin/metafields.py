"""Metafields of every owner: kept in one table, read through `metafield` and `metafields`, written by metafieldsSet and inputs.

An index per owner (`shop.state["metafields"]`) keeps lookups short. Definitions come from elsewhere; `definition_of` is the one
place that asks for them.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from fake_shopify.context import Context, split_gid
from fake_shopify.failures import TopLevelError
from fake_shopify.paging import Connection, page
from fake_shopify.registry import field
from fake_shopify.rows import Row
from fake_shopify.world import Shop

OWNER_TYPES = {
    "AppInstallation": "API_PERMISSION",
    "Article": "ARTICLE",
    "Blog": "BLOG",
    "CartTransform": "CARTTRANSFORM",
    "Collection": "COLLECTION",
    "Company": "COMPANY",
    "CompanyLocation": "COMPANY_LOCATION",
    "Customer": "CUSTOMER",
    "DeliveryCustomization": "DELIVERY_CUSTOMIZATION",
    "DiscountAutomaticNode": "DISCOUNT",
    "DiscountCodeNode": "DISCOUNT",
    "DiscountNode": "DISCOUNT",
    "DraftOrder": "DRAFTORDER",
    "Location": "LOCATION",
    "Market": "MARKET",
    "Order": "ORDER",
    "Page": "PAGE",
    "PaymentCustomization": "PAYMENT_CUSTOMIZATION",
    "Product": "PRODUCT",
    "ProductVariant": "PRODUCTVARIANT",
    "Shop": "SHOP",
    "Validation": "VALIDATION",
}
"""Types that can own metafields, with their `MetafieldOwnerType` (source: the schema)."""

JSON_TYPES = frozenset({"json", "money", "rating", "dimension", "volume", "weight", "link", "rich_text_field", "json_string"})
Index = dict[str, dict[tuple[str, str], int]]


# Owners and namespaces


def owner_type(owner: str) -> str | None:
    """Return the `MetafieldOwnerType` of an owner's GID; None for a type that owns no metafields."""
    return OWNER_TYPES.get(split_gid(owner)[0])


def owner_row(ctx: Context, owner: str) -> dict[str, Any] | None:
    """Return the owner behind a GID, None when there is none."""
    kind, number = split_gid(owner)
    if kind not in OWNER_TYPES or not number.isdigit():
        return None
    if kind == "Shop":
        return {"__typename": "Shop", "id": owner} if int(number) == ctx.shop.number else None
    if kind == "AppInstallation":
        own = ctx.world.apps[ctx.grant.client_id].number + ctx.shop.number
        return {"__typename": "AppInstallation", "id": owner} if int(number) == own else None
    return ctx.table(kind).get(int(number))


def app_namespace(ctx: Context) -> str:
    """Return the namespace that the calling app owns."""
    return f"app--{ctx.world.apps[ctx.grant.client_id].number}"


def full_namespace(ctx: Context, namespace: str | None) -> str:
    """Resolve `$app`, `$app:name` and a missing namespace to the app's own (captured: metafields-060)."""
    if namespace is None or namespace == "$app":
        return app_namespace(ctx)
    if namespace.startswith("$app:"):
        return f"{app_namespace(ctx)}--{namespace[5:]}"
    return namespace


def is_foreign(ctx: Context, namespace: str) -> bool:
    """Say whether a namespace is reserved for another app."""
    own = app_namespace(ctx)
    return namespace.startswith("app--") and namespace != own and not namespace.startswith(f"{own}--")


def definition_of(shop: Shop, owner_kind: str | None, namespace: str, key: str) -> Row | None:
    """Return the definition of (owner type, namespace, key); its numbers are noted in `shop.state["metafield_definitions"]`."""
    known: dict[tuple[str | None, str, str], int] = shop.state.get("metafield_definitions", {})
    number = known.get((owner_kind, namespace, key))
    return shop.table("MetafieldDefinition").get(number) if number is not None else None


# Keeping


def _index(shop: Shop) -> Index:
    index: Index | None = shop.state.get("metafields")
    if index is None:
        index = shop.state["metafields"] = {}
        for row in shop.table("Metafield"):
            index.setdefault(row["_owner"], {})[row["namespace"], row["key"]] = row.number
    return index


def of_owner(shop: Shop, owner: str) -> list[Row]:
    """Return an owner's metafields in the order of their making."""
    table = shop.table("Metafield")
    return [row for row in map(table.get, sorted(_index(shop).get(owner, {}).values())) if row is not None]


def values_of(shop: Shop, owner: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Return type and value of an object's metafields by namespace and key."""
    return {(row["namespace"], row["key"]): (row["type"], row["value"]) for row in of_owner(shop, owner)}


def find(shop: Shop, owner: str, namespace: str, key: str) -> Row | None:
    """Return one metafield of an owner."""
    number = _index(shop).get(owner, {}).get((namespace, key))
    return shop.table("Metafield").edit(number) if number is not None else None


def put(shop: Shop, owner: str, namespace: str, key: str, type_name: str, value: str) -> Row:
    """Set a metafield, making it where it is missing."""
    now, row = shop.clock.iso(), find(shop, owner, namespace, key)
    if row is None:
        row = shop.new_row(
            "Metafield", _owner=owner, namespace=namespace, key=key, type=type_name, value=value, createdAt=now, updatedAt=now
        )
        _index(shop).setdefault(owner, {})[namespace, key] = row.number
    elif (row["type"], row["value"]) != (type_name, value):
        row.update(type=type_name, value=value, updatedAt=now)
    return row


def take_away(shop: Shop, owner: str, namespace: str, key: str) -> bool:
    """Delete a metafield and say whether it was there."""
    number = _index(shop).get(owner, {}).pop((namespace, key), None)
    if number is not None:
        shop.table("Metafield").remove(number)
    return number is not None


def drop_owner(shop: Shop, owner: str) -> None:
    """Delete all metafields of an owner that goes away."""
    for number in _index(shop).pop(owner, {}).values():
        shop.table("Metafield").remove(number)


# Reading


def digest(type_name: str, value: str) -> str:
    """Return the opaque digest of a value: the same for the same type and value, whoever owns it (captured: BEHAVIOURS 17)."""
    return hashlib.sha256(f"metafield\0{type_name}\0{value}".encode()).hexdigest()


def json_value(type_name: str, value: str) -> Any:
    """Return the value as JSON: numbers, booleans, lists and objects as such, all else as text (captured: metafields-069)."""
    if type_name in JSON_TYPES or type_name.startswith("list."):
        try:
            return json.loads(value)
        except ValueError:
            return value
    if type_name in ("number_integer", "integer"):
        return int(value) if value.lstrip("+-").isdigit() else value
    return value == "true" if type_name == "boolean" else value


def metafield(row: dict[str, Any], ctx: Context, key: str, namespace: str | None = None) -> Row | None:
    """Answer `metafield` of any owner."""
    return find(ctx.shop, str(row["id"]), full_namespace(ctx, namespace), key)


def connection(row: dict[str, Any], ctx: Context, **arguments: Any) -> Connection:
    """Answer `metafields` of any owner.

    Captured: with `keys` only `namespace.key` finds anything, and each node then shows that qualified name as its key
    (pagination_search-020).
    """
    rows, keys = of_owner(ctx.shop, str(row["id"])), arguments.get("keys")
    if arguments.get("namespace") is not None:
        namespace = full_namespace(ctx, arguments["namespace"])
        rows = [one for one in rows if one["namespace"] == namespace]
    if keys is None:
        return page(rows, arguments)
    if arguments.get("namespace") is not None:
        raise TopLevelError("Only one of `namespace` or `keys` can be provided.", "BAD_REQUEST")
    named = {f"{one['namespace']}.{one['key']}": one for one in rows}
    found = [Row(named[key], key=key) for key in keys if key in named]
    if arguments.get("reverse"):
        found.reverse()
    return page(_numbered(found), arguments | {"reverse": False}, key=lambda one: one["_place"])


def _numbered(rows: list[Row]) -> list[Row]:
    for place, row in enumerate(rows):
        row["_place"] = place
    return rows


for _kind in OWNER_TYPES:
    field(_kind, "metafield")(metafield)
    field(_kind, "metafields")(connection)


@field("Metafield", "ownerType")
def _owner_type(row: Row, ctx: Context) -> str | None:
    return owner_type(row["_owner"])


@field("Metafield", "owner")
def _owner(row: Row, ctx: Context) -> dict[str, Any] | None:
    return owner_row(ctx, row["_owner"])


@field("Metafield", "compareDigest")
def _digest(row: Row, ctx: Context) -> str:
    return digest(row["type"], row["value"])


@field("Metafield", "jsonValue")
def _json_value(row: Row, ctx: Context) -> Any:
    return json_value(row["type"], row["value"])


@field("Metafield", "sizeInBytes")
def _size(row: Row, ctx: Context) -> int:
    return len(row["value"].encode())


@field("Metafield", "legacyResourceId")
def _legacy(row: Row, ctx: Context) -> str:
    return str(row.number)


@field("Metafield", "definition")
def _definition(row: Row, ctx: Context) -> Row | None:
    return definition_of(ctx.shop, owner_type(row["_owner"]), row["namespace"], row["key"])


@field("Metafield", "reference")
def _reference(row: Row, ctx: Context) -> Row | None:
    if not row["type"].endswith("_reference") or row["type"].startswith("list."):
        return None
    return target(ctx, row["value"])


@field("Metafield", "references")
def _references(row: Row, ctx: Context, **arguments: Any) -> Connection | None:
    if not (row["type"].startswith("list.") and row["type"].endswith("_reference")):
        return None
    found = (target(ctx, one) for one in json_value(row["type"], row["value"]))
    rows = [one for one in found if one is not None]
    return page(rows, arguments)


def target(ctx: Context, text: str) -> Row | None:
    """Return the object that a reference points at, None when there is none."""
    kind, number = split_gid(text)
    return ctx.table(kind).get(int(number)) if number.isdigit() and kind in ctx.shop.tables else None
