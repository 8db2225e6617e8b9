"""The types that metafield definitions have: their categories, the validation options they take, and which capabilities suit
them.

Source: shopify.dev/docs/apps/build/metafields/list-of-validation-options and use-metafield-capabilities (read 2026-11). Captured:
categories TEXT, NUMBER, REFERENCE, ID, JSON (metafields-025, 054, 079, 088), which capabilities suit texts, ids and JSON
(metafields-033, 088). Assumed: the other categories, and which other types can be filtered by and kept unique.
"""

from __future__ import annotations

from typing import Any

from fake_shopify.admin.metafield_types import TYPES
from fake_shopify.admin.metafield_values import is_type
from fake_shopify.context import Context
from fake_shopify.registry import query

LEGACY = frozenset({"string", "integer", "json_string", "float"})
CATEGORIES = {
    "boolean": "TRUE_FALSE",
    "color": "COLOR",
    "date": "DATE_TIME",
    "date_time": "DATE_TIME",
    "id": "ID",
    "json": "JSON",
    "language": "LANGUAGE",
    "link": "URL",
    "money": "MONEY",
    "multi_line_text_field": "TEXT",
    "number_decimal": "NUMBER",
    "number_integer": "NUMBER",
    "rating": "RATING",
    "rich_text_field": "TEXT",
    "single_line_text_field": "TEXT",
    "url": "URL",
}
TEXT_OPTIONS = {"min": "number_integer", "max": "number_integer", "regex": "single_line_text_field"}
DOMAINS = {"allowed_domains": "list.single_line_text_field"}
OPTIONS: dict[str, dict[str, str]] = {
    "single_line_text_field": TEXT_OPTIONS | {"choices": "list.single_line_text_field"},
    "multi_line_text_field": TEXT_OPTIONS,
    "id": TEXT_OPTIONS,
    "number_integer": {"min": "number_integer", "max": "number_integer"},
    "number_decimal": {"min": "number_decimal", "max": "number_decimal", "max_precision": "number_integer"},
    "rating": {"scale_min": "number_decimal", "scale_max": "number_decimal"},
    "url": DOMAINS,
    "link": DOMAINS,
    "json": {"schema": "json"},
    "file_reference": {"file_type_options": "list.single_line_text_field"},
    "metaobject_reference": {"metaobject_definition_id": "id"},
    "mixed_reference": {"metaobject_definition_ids": "list.single_line_text_field"},
    "product_taxonomy_value_reference": {"product_taxonomy_attribute_handle": "single_line_text_field"},
}
"""Validation options by type: name -> the type of the option's value."""

REQUIRED = {
    "rating": ("scale_min", "scale_max"),
    "metaobject_reference": ("metaobject_definition_id",),
    "mixed_reference": ("metaobject_definition_ids",),
}
WITHOUT_OPTIONS = frozenset({"boolean", "color", "money", "rich_text_field", "language"})
CONDITION_TYPES = frozenset("boolean number_integer number_decimal rating single_line_text_field metaobject_reference".split())
UNIQUE_TYPES = frozenset("single_line_text_field number_integer number_decimal date date_time url id".split())
FILTER_TYPES = UNIQUE_TYPES | {
    "boolean",
    "color",
    "metaobject_reference",
    "list.single_line_text_field",
    "list.metaobject_reference",
}
CAPABILITIES = {
    "adminFilterable": "admin_filterable",
    "analyticsQueryable": "analytics_queryable",
    "cartToOrderCopyable": "cart_to_order_copyable",
    "smartCollectionCondition": "smart_collection_condition",
    "uniqueValues": "unique_values",
}
"""Capabilities by their GraphQL names, with the names that refusals use."""


def single(type_name: str) -> str:
    """Return the type of one entry."""
    return type_name.removeprefix("list.")


def category(type_name: str) -> str:
    """Return the category of a type; every type that is not named is a reference or a measurement."""
    inner = single(type_name)
    return CATEGORIES.get(inner) or ("REFERENCE" if inner.endswith("_reference") else "MEASUREMENT")


def options(type_name: str) -> dict[str, str]:
    """Return the validation options of a type: name -> type of the option's value."""
    inner = single(type_name)
    found = OPTIONS.get(inner)
    if found is None:
        plain = inner in WITHOUT_OPTIONS or inner.endswith("_reference")
        found = {} if plain else {"min": inner, "max": inner}
    if type_name.startswith("list."):
        return found | {"list.min": "number_integer", "list.max": "number_integer"}
    return found


def type_row(type_name: str) -> dict[str, Any]:
    """Show the type of a definition."""
    supported = [
        {"__typename": "MetafieldDefinitionSupportedValidation", "name": name, "type": kind}
        for name, kind in options(type_name).items()
    ]
    return {
        "__typename": "MetafieldDefinitionType",
        "name": type_name,
        "category": category(type_name),
        "supportedValidations": supported,
        "supportsDefinitionMigrations": not type_name.endswith("_reference") and type_name != "id",
        "valueType": {"boolean": "BOOLEAN", "number_integer": "INTEGER"}.get(type_name)
        or (
            "JSON_STRING" if type_name.startswith("list.") or category(type_name) in ("JSON", "MEASUREMENT", "MONEY") else "STRING"
        ),
    }


def is_definition_type(type_name: str) -> bool:
    """Say whether definitions may have a type; the old names are for bare metafields only (assumed)."""
    return is_type(type_name) and type_name not in LEGACY


def is_eligible(capability: str, owner_type: str, type_name: str) -> bool:
    """Say whether a definition could have a capability."""
    if capability == "smartCollectionCondition":
        return type_name in CONDITION_TYPES and owner_type in ("PRODUCT", "PRODUCTVARIANT")
    if capability == "uniqueValues":
        return type_name in UNIQUE_TYPES
    if capability == "adminFilterable":
        return type_name in FILTER_TYPES
    return capability == "analyticsQueryable" and type_name not in ("json", "rich_text_field")


@query("metafieldDefinitionTypes")
def metafield_definition_types(ctx: Context) -> list[dict[str, Any]]:
    """List the types that definitions may have."""
    return [type_row(name) for name in TYPES if is_definition_type(name)]
