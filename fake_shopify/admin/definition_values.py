"""Values against the definition of their metafield: type, length, range, choices, uniqueness.

Source: shopify.dev/docs/apps/build/metafields/list-of-validation-options (read 2026-11). Assumed: the wording of the refusals;
regular expressions, dates, measurements, files and JSON schemas are not checked.
"""

from __future__ import annotations

import json

from fake_shopify.admin import metafields as kept
from fake_shopify.admin.definition_types import single
from fake_shopify.rows import Row
from fake_shopify.world import Shop


def value_refusal(row: Row, type_name: str, value: str) -> tuple[str, str] | None:
    """Return why a value does not suit a definition, as message and code; None when it does.

    Source: list-of-validation-options (read 2026-11). Assumed: the wording.
    """
    if type_name != row["_type"]:
        return f"Type must be consistent with the definition's type: '{row['_type']}'.", "INVALID_TYPE"
    rules = {one["name"]: one["value"] for one in row["validations"]}
    entries = json.loads(value) if type_name.startswith("list.") else [value]
    if len(entries) < int(rules.get("list.min", 0)) or len(entries) > int(rules.get("list.max", len(entries))):
        return "Value does not have an allowed number of entries.", "INVALID_VALUE"
    for entry in entries:
        text = entry if isinstance(entry, str) else json.dumps(entry)
        found = _rule_broken(single(type_name), rules, text)
        if found is not None:
            return found, "INVALID_VALUE"
    return None


def _rule_broken(type_name: str, rules: dict[str, str], value: str) -> str | None:
    if "choices" in rules and value not in json.loads(rules["choices"]):
        return f"Value does not exist in provided choices: {rules['choices']}."
    if type_name in ("single_line_text_field", "multi_line_text_field", "id"):
        return _length_broken(rules, value)
    if type_name in ("number_integer", "number_decimal"):
        return _range_broken(rules, value)
    return None


def _length_broken(rules: dict[str, str], value: str) -> str | None:
    if len(value) < int(rules.get("min", 0)):
        return f"Value has a minimum length of {rules['min']}."
    if len(value) > int(rules.get("max", len(value))):
        return f"Value has a maximum length of {rules['max']}."
    return None


def _range_broken(rules: dict[str, str], value: str) -> str | None:
    if "min" in rules and float(value) < float(rules["min"]):
        return f"Value has a minimum of {rules['min']}."
    if "max" in rules and float(value) > float(rules["max"]):
        return f"Value has a maximum of {rules['max']}."
    return None


def is_taken(shop: Shop, row: Row, owner: str | None, value: str) -> bool:
    """Say whether another owner has this value where the definition keeps values unique."""
    if not row["_capabilities"].get("uniqueValues"):
        return False
    same = (one for one in shop.table("Metafield") if one["namespace"] == row["namespace"] and one["key"] == row["key"])
    return any(
        one["value"] == value and one["_owner"] != owner and kept.owner_type(one["_owner"]) == row["ownerType"] for one in same
    )
