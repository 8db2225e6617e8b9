"""Who is in a collection: products that were put there by hand, and products that its rules choose; and in which order.

Works on a shop, without a request. Source of the rules: shopify.dev/docs/api/admin-graphql/latest/enums/CollectionRuleColumn and
CollectionRuleRelation (read 2026-11). Captured: collections-014 (title, type, vendor, tag and price rules together).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from fake_shopify.admin import inventory_levels, metafields
from fake_shopify.admin.product_rows import item_of, variant_title, variants_of
from fake_shopify.money import amount
from fake_shopify.paging import SortKey, SortValue, instant, text
from fake_shopify.rows import Row
from fake_shopify.world import Shop

Rule = dict[str, Any]

TEXT_RELATIONS: dict[str, Callable[[str, str], bool]] = {
    "EQUALS": lambda have, wanted: have == wanted,
    "NOT_EQUALS": lambda have, wanted: have != wanted,
    "STARTS_WITH": lambda have, wanted: have.startswith(wanted),
    "ENDS_WITH": lambda have, wanted: have.endswith(wanted),
    "CONTAINS": lambda have, wanted: wanted in have,
    "NOT_CONTAINS": lambda have, wanted: wanted not in have,
}
NUMBER_RELATIONS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "EQUALS": lambda have, wanted: have == wanted,
    "NOT_EQUALS": lambda have, wanted: have != wanted,
    "GREATER_THAN": lambda have, wanted: have > wanted,
    "LESS_THAN": lambda have, wanted: have < wanted,
}
GRAMS = {"GRAMS": Decimal(1), "KILOGRAMS": Decimal(1000), "OUNCES": Decimal("28.349523125"), "POUNDS": Decimal("453.59237")}


def holds(shop: Shop, collection: Row, product: Row) -> bool:
    """Say whether a product is in a collection."""
    return product.number in set(collection["_product_ids"]) or chosen_by_rules(shop, collection["_rule_set"], product)


def members(shop: Shop, collection: Row) -> list[Row]:
    """Return the products of a collection: those put there by hand in their order, then those that the rules choose."""
    table = shop.table("Product")
    placed = [row for row in map(table.get, collection["_product_ids"]) if row is not None]
    if not collection["_rule_set"]:
        return placed
    known = {row.number for row in placed}
    rules = collection["_rule_set"]
    return placed + [row for row in table if row.number not in known and chosen_by_rules(shop, rules, row)]


def collections_with(shop: Shop, product: Row) -> list[int]:
    """Return the numbers of the collections that a product was put into by hand."""
    return [row.number for row in shop.table("Collection") if product.number in row["_product_ids"]]


def chosen_by_rules(shop: Shop, rule_set: dict[str, Any] | None, product: Row) -> bool:
    """Say whether a rule set chooses a product; no rule set chooses nothing."""
    if not rule_set or not rule_set["rules"]:
        return False
    held = (rule_holds(shop, rule, product) for rule in rule_set["rules"])
    return any(held) if rule_set["appliedDisjunctively"] else all(held)


def rule_holds(shop: Shop, rule: Rule, product: Row) -> bool:
    """Say whether one rule holds for a product."""
    column, relation, condition = rule["column"], rule["relation"], rule["condition"]
    if column in ("PRODUCT_METAFIELD_DEFINITION", "VARIANT_METAFIELD_DEFINITION"):
        return _metafield_holds(shop, rule, product)
    if column in ("PRODUCT_CATEGORY_ID", "PRODUCT_TAXONOMY_NODE_ID", "PRODUCT_CATEGORY_ID_WITH_DESCENDANTS"):
        return _category_holds(column, condition, product["_category"])
    values = _values(shop, column, product)
    if relation in ("IS_SET", "IS_NOT_SET"):
        return bool(any(value is not None for value in values) == (relation == "IS_SET"))
    return _compare(relation, condition, [value for value in values if value is not None])


def _values(shop: Shop, column: str, product: Row) -> list[Any]:
    variants = variants_of(shop, product)
    simple = {"TITLE": ["title"], "TYPE": ["productType"], "VENDOR": ["vendor"]}
    if column in simple:
        return [product[name] for name in simple[column]]
    if column == "TAG":
        return list(product["tags"])
    if column == "VARIANT_TITLE":
        return [variant_title(product, variant) for variant in variants]
    if column == "VARIANT_PRICE":
        return [amount(variant["price"]) for variant in variants]
    if column in ("VARIANT_COMPARE_AT_PRICE", "IS_PRICE_REDUCED"):
        return [None if v["compareAtPrice"] is None else amount(v["compareAtPrice"]) for v in variants]
    items = [item_of(shop, variant) for variant in variants]
    if column == "VARIANT_INVENTORY":
        return [Decimal(inventory_levels.total(item)) for item in items]
    return [Decimal(str(value)) * GRAMS[unit] for value, unit in (item["_weight"] for item in items)]


def _compare(relation: str, condition: str, values: list[Any]) -> bool:
    if values and isinstance(values[0], Decimal):
        try:
            wanted = Decimal(condition)
        except InvalidOperation:
            return False
        fits = NUMBER_RELATIONS.get(relation)
        return fits is not None and any(fits(value, wanted) for value in values)
    test = TEXT_RELATIONS.get(relation)
    if test is None:
        return False
    held = [test(str(value).lower(), condition.lower()) for value in values]
    return all(held) if relation.startswith("NOT_") else any(held)


def _category_holds(column: str, condition: str, code: str | None) -> bool:
    wanted = condition.rsplit("/", 1)[-1]
    if code is None:
        return False
    return code == wanted or (column.endswith("DESCENDANTS") and code.startswith(f"{wanted}-"))


def _metafield_holds(shop: Shop, rule: Rule, product: Row) -> bool:
    definition = shop.table("MetafieldDefinition").get(int(rule.get("_definition_id") or 0))
    if definition is None:
        return False
    of_product = rule["column"] == "PRODUCT_METAFIELD_DEFINITION"
    owners = [product] if of_product else variants_of(shop, product)
    found = (metafields.find(shop, owner["id"], definition["namespace"], definition["key"]) for owner in owners)
    return _compare(rule["relation"], rule["condition"], [one["value"] for one in found if one is not None])


# Order


def _price(shop: Shop) -> SortKey:
    return lambda row: min((float(variant["price"]) for variant in variants_of(shop, row)), default=0.0)


def _newest_first(row: Row) -> SortValue:
    """Sort by rank of sales, which the fake does not keep: the newest come first (captured: products-005, collections-013)."""
    return -row.number


def order_of(shop: Shop, collection: Row, sort_key: str) -> tuple[SortKey | None, bool]:
    """Return how to sort a collection's products, and whether backwards; no key means the order of the collection itself."""
    if sort_key == "COLLECTION_DEFAULT":
        sort_key, backwards = DEFAULTS[collection["sortOrder"]]
    else:
        backwards = False
    keys: dict[str, SortKey | None] = {
        "BEST_SELLING": _newest_first,
        "RELEVANCE": _newest_first,
        "CREATED": instant("createdAt"),
        "ID": lambda row: row.number,
        "MANUAL": None,
        "PRICE": _price(shop),
        "TITLE": text("title"),
    }
    return keys[sort_key], backwards


DEFAULTS = {
    "ALPHA_ASC": ("TITLE", False),
    "ALPHA_DESC": ("TITLE", True),
    "BEST_SELLING": ("BEST_SELLING", False),
    "CREATED": ("CREATED", False),
    "CREATED_DESC": ("CREATED", True),
    "MANUAL": ("MANUAL", False),
    "MOST_RELEVANT": ("RELEVANCE", False),
    "PRICE_ASC": ("PRICE", False),
    "PRICE_DESC": ("PRICE", True),
}
"""What COLLECTION_DEFAULT means for each `sortOrder`."""
