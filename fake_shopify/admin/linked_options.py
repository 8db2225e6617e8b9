"""Product options that take their values from a metafield: each value stands for a metaobject and shows its name.

Captured: metafields-079. Source: input-objects/LinkedMetafieldCreateInput (read 2026-11). Assumed: without values of its own such
an option takes those of the product's metafield, and without a name that of the definition.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from fake_shopify.admin import metafield_definitions, metafields
from fake_shopify.context import Context
from fake_shopify.rows import Row

Input = dict[str, Any]


def resolved(ctx: Context, product: Row, options: Sequence[Input]) -> list[Input]:
    """Return options with the values that their linked metafields stand for."""
    return [_resolved(ctx, product, option) if option.get("linkedMetafield") else option for option in options]


def _resolved(ctx: Context, product: Row, option: Input) -> Input:
    link = option["linkedMetafield"]
    namespace = metafields.full_namespace(ctx, link["namespace"])
    found = [ctx.find("Metaobject", one) for one in link.get("values") or _of_product(ctx, product, namespace, link["key"])]
    values = [{"name": row["displayName"], "linked": row["id"]} for row in found if row is not None]
    definition = metafield_definitions.find(ctx.shop, "PRODUCT", namespace, link["key"])
    name = option.get("name") or (definition["name"] if definition is not None else "")
    linked = {"__typename": "LinkedMetafield", "namespace": namespace, "key": link["key"]}
    return option | {"name": name, "values": values, "linked": linked}


def _of_product(ctx: Context, product: Row, namespace: str, key: str) -> list[str]:
    row = metafields.find(ctx.shop, product["id"], namespace, key)
    return list(json.loads(row["value"])) if row is not None and row["type"].startswith("list.") else []


def mark(option: dict[str, Any], given: Input) -> None:
    """Note in a new option what it is linked to."""
    if "linked" in given:
        option["linked"] = given["linked"]
        for value, source in zip(option["values"], given["values"], strict=True):
            value["linked"] = source["linked"]
