"""Metafield definitions as they are kept and read.

A row keeps plain values under GraphQL names; besides: `_type` (the name of the type), `_access` (admin, storefront,
customerAccount), `_capabilities` (which are on), `_constraint_key` and `_constraints` (category ids), `_shown_key` (what updates
answer as the key), and `_template` (the number of the standard template). `shop.state["metafield_definitions"]` finds one by
owner type, namespace and key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fake_shopify.admin import metafields as kept
from fake_shopify.admin.definition_types import CAPABILITIES, is_eligible, options, type_row
from fake_shopify.admin.metafield_values import value_problem
from fake_shopify.context import Context
from fake_shopify.paging import Connection, SortKey, page, page_of_list
from fake_shopify.registry import field, query
from fake_shopify.rows import Row
from fake_shopify.search import Field, exact, identifier, moment, words
from fake_shopify.world import Shop

INDEX = "metafield_definitions"
OWNER_NAMES = {kind: name for name, kind in kept.OWNER_TYPES.items() if name not in ("DiscountCodeNode", "DiscountAutomaticNode")}
"""`MetafieldOwnerType` -> the name in which refusals speak of the owner. Captured: Product (metafields-031)."""

MERCHANT_ACCESS = {"admin": "PUBLIC_READ_WRITE", "storefront": "NONE", "customerAccount": "NONE"}
"""Captured: metafields-006."""

SORTS: dict[str, SortKey] = {
    "NAME": lambda row: str(row["name"]).lower(),
    "PINNED_POSITION": lambda row: row["pinnedPosition"],
}


# Keeping


def index(shop: Shop) -> dict[tuple[str | None, str, str], int]:
    """Return the index (owner type, namespace, key) -> number."""
    found: dict[tuple[str | None, str, str], int] | None = shop.state.get(INDEX)
    if found is None:
        table = shop.table("MetafieldDefinition")
        found = shop.state[INDEX] = {(row["ownerType"], row["namespace"], row["key"]): row.number for row in table}
    return found


def find(shop: Shop, owner_type: str, namespace: str, key: str) -> Row | None:
    """Return one definition to change, or None."""
    number = index(shop).get((owner_type, namespace, key))
    return shop.table("MetafieldDefinition").edit(number) if number is not None else None


def identified(ctx: Context, identifier: dict[str, Any] | None) -> Row | None:
    """Return the definition that an identifier names."""
    if not identifier:
        return None
    return find(ctx.shop, identifier["ownerType"], kept.full_namespace(ctx, identifier.get("namespace")), identifier["key"])


def of_owner_type(shop: Shop, owner_type: str) -> list[Row]:
    """Return the definitions of an owner type, oldest first."""
    return [row for row in shop.table("MetafieldDefinition") if row["ownerType"] == owner_type]


def new_definition(shop: Shop, owner_type: str, namespace: str, key: str, type_name: str, name: str, **values: Any) -> Row:
    """Make a definition and keep it; `values` are further fields of its row. Seeding calls this too."""
    fields: dict[str, Any] = {
        "description": None,
        "validations": [],
        "pinnedPosition": None,
        "_access": dict(MERCHANT_ACCESS),
        "_capabilities": {"uniqueValues": True} if type_name == "id" else {},
        "_constraint_key": None,
        "_constraints": [],
        "_template": None,
        "createdAt": shop.clock.iso(),
    }
    row = shop.new_row(
        "MetafieldDefinition",
        ownerType=owner_type,
        namespace=namespace,
        key=key,
        name=name,
        _type=type_name,
        type=type_row(type_name),
        **(fields | values),
    )
    row["_shown_key"] = row["_constraint_key"]
    index(shop)[owner_type, namespace, key] = row.number
    return row


def validation_rows(type_name: str, given: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Return validations of an input as they are shown."""
    kinds = options(type_name)
    return [
        {
            "__typename": "MetafieldDefinitionValidation",
            "name": one["name"],
            "type": kinds.get(one["name"], ""),
            "value": one["value"],
        }
        for one in given or ()
    ]


def remove(shop: Shop, row: Row) -> None:
    """Delete a definition; the pins behind it move up."""
    set_pinned(shop, row, pinned=False)
    index(shop).pop((row["ownerType"], row["namespace"], row["key"]), None)
    shop.table("MetafieldDefinition").remove(row.number)


def metafields_of(shop: Shop, row: Row) -> Iterator[Row]:
    """Yield the metafields that a definition is for."""
    for one in shop.table("Metafield"):
        same = one["namespace"] == row["namespace"] and one["key"] == row["key"]
        if same and kept.owner_type(one["_owner"]) == row["ownerType"]:
            yield one


# Pins


def pinned(shop: Shop, owner_type: str) -> list[Row]:
    """Return the pinned definitions of an owner type."""
    return [row for row in of_owner_type(shop, owner_type) if row["pinnedPosition"] is not None]


def set_pinned(shop: Shop, row: Row, *, pinned: bool) -> None:
    """Pin a definition behind the others, or unpin it and let those behind it move up (captured: metafields-080, 103)."""
    others = [one for one in of_owner_type(shop, row["ownerType"]) if one["pinnedPosition"] is not None and one is not row]
    place = row["pinnedPosition"]
    if pinned and place is None:
        row["pinnedPosition"] = max((one["pinnedPosition"] for one in others), default=0) + 1
    elif not pinned and place is not None:
        row["pinnedPosition"] = None
        for one in others:
            if one["pinnedPosition"] > place:
                one["pinnedPosition"] -= 1


# Reading


def search_fields() -> dict[str, Field]:
    """Return what a search for definitions may name (captured: metafields-013).

    Source: shopify.dev/docs/api/admin-graphql/latest/queries/metafieldDefinitions (read 2026-11).
    """
    return {
        "default": words("name", "namespace", "key"),
        "id": identifier(),
        "key": exact("key"),
        "namespace": exact("namespace"),
        "owner_type": exact("ownerType"),
        "type": exact("_type"),
        "created_at": moment("createdAt"),
    }


@query("metafieldDefinition")
def metafield_definition(ctx: Context, id: str | None = None, identifier: dict[str, Any] | None = None) -> Row | None:
    """Answer a definition by id, or by owner type, namespace and key (captured: metafields-051, 080, 087, 096)."""
    if id is not None:
        ctx.require_type(id, "MetafieldDefinition")
        return ctx.find("MetafieldDefinition", id)
    return identified(ctx, identifier)


@query("metafieldDefinitions")
def metafield_definitions(ctx: Context, ownerType: str, **arguments: Any) -> Connection:
    """List the definitions of an owner type (captured: metafields-013, 087, 096, 103)."""
    found = of_owner_type(ctx.shop, ownerType)
    if arguments.get("namespace") is not None:
        namespace = kept.full_namespace(ctx, arguments["namespace"])
        found = [row for row in found if row["namespace"] == namespace]
    if arguments.get("key") is not None:
        found = [row for row in found if row["key"] == arguments["key"]]
    found = [row for row in found if _pin_fits(row, arguments.get("pinnedStatus")) and _constraint_fits(row, arguments)]
    return ctx.list(found, arguments, fields=search_fields(), sorts=SORTS)


def _pin_fits(row: Row, wanted: str | None) -> bool:
    return wanted in (None, "ANY") or (row["pinnedPosition"] is not None) == (wanted == "PINNED")


def _constraint_fits(row: Row, arguments: dict[str, Any]) -> bool:
    wanted, subtype = arguments.get("constraintStatus"), arguments.get("constraintSubtype")
    constrained = bool(row["_constraints"])
    if subtype is not None:
        value = str(subtype["value"]).rsplit("/", 1)[-1]
        return constrained and row["_constraint_key"] == subtype["key"] and value in row["_constraints"]
    return wanted in (None, "CONSTRAINED_AND_UNCONSTRAINED") or constrained == (wanted == "CONSTRAINED_ONLY")


@field("MetafieldDefinition", "access")
def _access(row: Row, ctx: Context) -> dict[str, Any]:
    return {"__typename": "MetafieldAccess", **row["_access"]}


@field("MetafieldDefinition", "capabilities")
def _capabilities(row: Row, ctx: Context) -> dict[str, Any]:
    shown: dict[str, Any] = {"__typename": "MetafieldCapabilities"}
    for name in CAPABILITIES:
        enabled = bool(row["_capabilities"].get(name))
        shown[name] = {"enabled": enabled, "eligible": is_eligible(name, row["ownerType"], row["_type"])}
    shown["adminFilterable"]["status"] = "FILTERABLE" if shown["adminFilterable"]["enabled"] else "NOT_FILTERABLE"
    return shown


@field("MetafieldDefinition", "useAsCollectionCondition")
def _condition(row: Row, ctx: Context) -> bool:
    return bool(row["_capabilities"].get("smartCollectionCondition"))


@field("MetafieldDefinition", "constraints")
def _constraints(row: Row, ctx: Context) -> dict[str, Any]:
    values = [
        Row(__typename="MetafieldDefinitionConstraintValue", _id=place, value=value)
        for place, value in enumerate(row["_constraints"], 1)
    ]
    return {
        "__typename": "MetafieldDefinitionConstraints",
        "key": row["_constraint_key"],
        "values": lambda ctx, **arguments: page_of_list(values, arguments),
    }


@field("MetafieldDefinition", "validationStatus")
def _validation_status(row: Row, ctx: Context) -> str:
    return "ALL_VALID"


def _is_valid(row: Row, one: Row) -> bool:
    return one["type"] == row["_type"] and value_problem(one["type"], one["value"]) is None


def _with_status(ctx: Context, row: Row, wanted: str | None) -> list[Row]:
    found = metafields_of(ctx.shop, row)
    return [one for one in found if wanted in (None, "ANY") or _is_valid(row, one) == (wanted == "VALID")]


@field("MetafieldDefinition", "metafieldsCount")
def _count(row: Row, ctx: Context, validationStatus: str | None = None) -> int:
    return len(_with_status(ctx, row, validationStatus))


@field("MetafieldDefinition", "metafields")
def _metafields(row: Row, ctx: Context, validationStatus: str | None = None, **arguments: Any) -> Connection:
    return page(_with_status(ctx, row, validationStatus), arguments)


def _of_owner(row: dict[str, Any], ctx: Context, **arguments: Any) -> Connection:
    """Answer `metafieldDefinitions` of any owner: those of its type."""
    return metafield_definitions(ctx, ownerType=kept.owner_type(str(row["id"])) or "", **arguments)


for _kind in kept.OWNER_TYPES:
    field(_kind, "metafieldDefinitions")(_of_owner)
