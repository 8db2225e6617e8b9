"""What a discount points at: products, variants and collections, the buyers it is for, the countries it ships to.

Every reader takes what is kept, the input (or None) and the place of the input, and returns what to keep with the errors.
Captured: discounts-037, 043, 044, 053, 060, 068. Assumed: customers, segments and markets are not looked up (no refusal of
unknown ones is recorded; they are not shown), `all` beside a list wins over it, and an update that names the other sort of items
replaces what was there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fake_shopify.admin.discount_rows import numbers
from fake_shopify.context import Context
from fake_shopify.failures import TopLevelError, user_error

Input = dict[str, Any]
Errors = list[dict[str, Any]]
Path = Sequence[str]
Read = tuple[dict[str, Any], Errors]

CONFLICT = "Cannot entitle collections in combination with product variants or products"
NOBODY = "a minimum of one prerequisite segment or prerequisite customer must be provided"
ONLY_ONE = "Only one of context or customerSelection can be provided."
BUYER_KINDS = ("customers", "customerSegments", "markets")
ALL_AND_CUSTOMERS = "A discount cannot have customerSelection set to all, when customers or customerSavedSearches is specified."
ALL_AND_SEGMENTS = "A discount cannot have customerSelection set to all, when customerSegments is specified."
BOTH_BUYERS = "A discount cannot have both customers and customerSegments specified."


def changed(kept: Sequence[int], add: Sequence[str] | None, remove: Sequence[str] | None) -> list[int]:
    """Return a list of numbers with some added and some removed, each once."""
    gone = set(numbers(remove))
    return list(dict.fromkeys(number for number in [*kept, *numbers(add)] if number not in gone))


def unknown(ctx: Context, type_name: str, label: str, ids: Sequence[str] | None, path: Path) -> Errors:
    """Refuse ids of things that do not exist."""
    found = [(number, ctx.find(type_name, text)) for text, number in zip(ids or (), numbers(ids), strict=True)]
    return [user_error(path, f"{label} with id: {number} is invalid", "INVALID") for number, row in found if row is None]


# Items


def read_items(ctx: Context, kept: dict[str, Any], given: Input | None, path: Path) -> Read:
    """Read which items a discount is for, or asks for."""
    if not given:
        return kept, []
    if given.get("all"):
        return {"all": True}, []
    products, collections = given.get("products") or {}, given.get("collections") or {}
    entitled = [name for name in ("productsToAdd", "productVariantsToAdd") if products.get(name)]
    errors = []
    if entitled and collections.get("add"):
        errors.append(user_error([*path, "collections", "add"], CONFLICT, "CONFLICT"))
    elif collections.get("add"):
        errors += unknown(ctx, "Collection", "Collection", collections["add"], [*path, "collections", "add"])
    errors += unknown(ctx, "Product", "Product", products.get("productsToAdd"), [*path, "products", "productsToAdd"])
    spot = [*path, "products", "productVariantsToAdd"]
    errors += unknown(ctx, "ProductVariant", "Product variant", products.get("productVariantsToAdd"), spot)
    return _items_after(kept, products, collections), errors


def _items_after(kept: dict[str, Any], products: Input, collections: Input) -> dict[str, Any]:
    if collections.get("add") or (collections and "collections" in kept):
        return {"collections": changed(kept.get("collections", ()), collections.get("add"), collections.get("remove"))}
    return {
        "products": changed(kept.get("products", ()), products.get("productsToAdd"), products.get("productsToRemove")),
        "variants": changed(
            kept.get("variants", ()), products.get("productVariantsToAdd"), products.get("productVariantsToRemove")
        ),
    }


def is_nothing(items: dict[str, Any]) -> bool:
    """Say whether items name nothing at all; `all` names nothing in particular."""
    return not any(items.get(name) for name in ("products", "variants", "collections"))


# Buyers


def refuse_contradiction(selection: Input | None) -> None:
    """Refuse a `customerSelection` that contradicts itself, for the whole field (captured: discounts-043, 044)."""
    if not selection:
        return
    if selection.get("all") and selection.get("customers") is not None:
        raise TopLevelError(ALL_AND_CUSTOMERS, "BAD_REQUEST")
    if selection.get("all") and selection.get("customerSegments") is not None:
        raise TopLevelError(ALL_AND_SEGMENTS, "BAD_REQUEST")
    if selection.get("customers") is not None and selection.get("customerSegments") is not None:
        raise TopLevelError(BOTH_BUYERS, "BAD_REQUEST")


def read_context(kept: dict[str, Any], input: Input, argument: str) -> Read:
    """Read whom a discount is for, out of `context` or the older `customerSelection`."""
    name = "context" if input.get("context") is not None else "customerSelection"
    given: Input = input.get(name) or {}
    kind = next((kind for kind in BUYER_KINDS if given.get(kind) is not None), None)
    if kind is None:
        return ({"kind": "all", "ids": []} if given.get("all") else kept), []
    lists = given[kind]
    before = kept["ids"] if kept["kind"] == kind else ()
    ids = changed(before, lists.get("add"), lists.get("remove"))
    return {"kind": kind, "ids": ids}, [] if ids else [user_error([argument, name], NOBODY, "INVALID")]


# Destinations


def read_destination(kept: dict[str, Any], given: Input | None) -> dict[str, Any]:
    """Read which countries free shipping is for."""
    if given and given.get("all"):
        return {"all": True}
    countries = (given or {}).get("countries")
    if countries is None:
        return kept
    gone = set(countries.get("remove") or ())
    codes = [*kept.get("countries", ()), *(countries.get("add") or ())]
    named = list(dict.fromkeys(code for code in codes if code not in gone))
    return {"countries": named, "rest": bool(countries.get("includeRestOfWorld"))}
