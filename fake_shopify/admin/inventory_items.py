"""`inventoryItemUpdate`: what an inventory item is, as opposed to how many there are."""

from __future__ import annotations

import re
from typing import Any

from fake_shopify.admin.countries import zone_code, zones_of
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.money import amount, scalar
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

HS_CODE = re.compile(r"\d{6,13}")
MOST_COST = 10**18
SKU_LIMIT = 255

Errors = list[dict[str, Any]]
Input = dict[str, Any]


@mutation("inventoryItemUpdate")
def inventory_item_update(ctx: Context, id: str, input: Input) -> dict[str, Any]:
    """Change an item (captured: inventory-008, 012, 013). Fields that the input leaves out stay."""
    if ctx.find("InventoryItem", id) is None:
        text = "The product couldn't be updated because it does not exist."
        return {"inventoryItem": None, "userErrors": [user_error(["id"], text)]}
    errors = input_errors(input, ("input",))
    if errors:
        return {"inventoryItem": None, "userErrors": errors}
    row = ctx.edit("InventoryItem", id)
    assert row is not None
    apply_input(row, input, ctx.now())
    ctx.shop.emit("inventory_items/update", payload(row))
    return {"inventoryItem": row, "userErrors": []}


def input_errors(given: Input, path: tuple[str, ...]) -> Errors:
    """List what is wrong with an `InventoryItemInput`.

    Captured: the texts about cost, in variant mutations (products-080, variants-025). Assumed: the other texts, whose bounds are
    documented.
    """
    errors = _cost_errors(given, path)
    if len(given.get("sku") or "") > SKU_LIMIT:
        errors.append(user_error((*path, "sku"), f"SKU is too long (maximum is {SKU_LIMIT} characters)"))
    errors += _customs_errors(given, path)
    weight = (given.get("measurement") or {}).get("weight")
    if weight is not None and weight["value"] < 0:
        errors.append(user_error((*path, "measurement", "weight"), "Weight must be greater than or equal to 0"))
    return errors


def _cost_errors(given: Input, path: tuple[str, ...]) -> Errors:
    if given.get("cost") is None:
        return []
    if amount(given["cost"]) < 0:
        return [user_error((*path, "cost"), "Cost per item must be greater than or equal to 0")]
    if amount(given["cost"]) >= MOST_COST:
        return [user_error((*path, "cost"), f"Cost per item must be less than {MOST_COST}")]
    return []


def _customs_errors(given: Input, path: tuple[str, ...]) -> Errors:
    errors: Errors = []
    code = given.get("harmonizedSystemCode")
    if code and not HS_CODE.fullmatch(code):
        text = "Harmonized system code must be a number between 6 and 13 digits"
        errors.append(user_error((*path, "harmonizedSystemCode"), text))
    for index, entry in enumerate(given.get("countryHarmonizedSystemCodes") or ()):
        if not HS_CODE.fullmatch(entry["harmonizedSystemCode"]):
            text = "Harmonized system code must be a number between 6 and 13 digits"
            errors.append(user_error((*path, "countryHarmonizedSystemCodes", str(index), "harmonizedSystemCode"), text))
    country, province = given.get("countryCodeOfOrigin"), given.get("provinceCodeOfOrigin")
    if country and province and zones_of(country) and zone_code(country, province) is None:
        errors.append(user_error((*path, "provinceCodeOfOrigin"), "Province code of origin is invalid"))
    return errors


def apply_input(row: Row, given: Input, now: str) -> None:
    """Write an `InventoryItemInput` into an item."""
    for name in ("tracked", "requiresShipping"):
        if given.get(name) is not None:
            row[name] = given[name]
    for name in ("sku", "countryCodeOfOrigin", "provinceCodeOfOrigin", "harmonizedSystemCode"):
        if name in given:
            row[name] = given[name] or None
    if "cost" in given:
        row["_unit_cost"] = None if given["cost"] is None else scalar(given["cost"])
    if "countryHarmonizedSystemCodes" in given:
        row["_hs_codes"] = list(given["countryHarmonizedSystemCodes"] or ())
    weight = (given.get("measurement") or {}).get("weight")
    if weight is not None:
        row["_weight"] = (weight["value"], weight["unit"])
    row["updatedAt"] = now


def payload(row: Row) -> dict[str, Any]:
    """Build the payload of a delivery about an item.

    Source: shopify.dev/docs/api/webhooks (inventory_items/update, read 2026-11).
    """
    return {
        "id": row.number,
        "sku": row["sku"],
        "created_at": row["createdAt"],
        "updated_at": row["updatedAt"],
        "requires_shipping": row["requiresShipping"],
        "cost": row["_unit_cost"],
        "country_code_of_origin": row["countryCodeOfOrigin"],
        "province_code_of_origin": row["provinceCodeOfOrigin"],
        "harmonized_system_code": row["harmonizedSystemCode"],
        "tracked": row["tracked"],
        "country_harmonized_system_codes": [
            {"country_code": one.get("countryCode"), "harmonized_system_code": one["harmonizedSystemCode"]}
            for one in row["_hs_codes"]
        ],
        "weight_value": row["_weight"][0],
        "weight_unit": {"KILOGRAMS": "kg", "GRAMS": "g", "POUNDS": "lb", "OUNCES": "oz"}[row["_weight"][1]],
        "admin_graphql_api_id": row["id"],
    }
