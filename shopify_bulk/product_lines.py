"""Products in REST-style form as the lines of a bulk `productSet`, and Shopify's result lines as answers per product.

`productSet` takes a product's variants as a whole: what is not listed is deleted. An update that names variants is therefore
written over the product as it is, so that the variants it does not name stay. Each line of Shopify's result carries `__lineNumber`,
counted from 0 within its file; that is how an answer finds its product again.
Source: shopify.dev/docs/api/usage/bulk-operations/imports (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from shopify_admin.products import Product, ProductInput, VariantInput, base_input, set_input, variant_changes
from shopify_kit.identifiers import make_gid, tail
from shopify_service import ShopAdmin

CREATE: Final = "products_create"
UPDATE: Final = "products_update"


class LineError(Struct, frozen=True):
    """Why a product was not taken, in Shopify's words."""

    field: tuple[str, ...]
    message: str
    code: str | None


class LineResult(Struct, frozen=True):
    """What became of one product of the caller's list; `index` counts from 0, `line` from 1."""

    index: int
    line: int
    ok: bool
    product_id: int | None
    handle: str | None
    errors: tuple[LineError, ...]


def write_lines(admin: ShopAdmin, lines: Sequence[bytes], facts: Mapping[str, Any]) -> list[bytes]:
    """Make the variables of `productSet` of products as callers give them."""
    products: list[dict[str, Any]] = [msgspec.json.decode(line) for line in lines]
    location = str(facts["location"]) if facts.get("location") else None
    if facts["verb"] == CREATE:
        return [_line(set_input(cast(ProductInput, given), location_id=location), None) for given in products]
    wanted = [make_gid("Product", given["id"]) for given in products if "variants" in given or "price" in given]
    current = {product.admin_graphql_api_id: product for product in admin.products_by_id(wanted)} if wanted else {}
    return [_update_line(given, current, location) for given in products]


def _line(made: Mapping[str, Any], gid: str | None) -> bytes:
    return msgspec.json.encode({"input": made} | ({"identifier": {"id": gid}} if gid else {}))


def _update_line(given: dict[str, Any], current: Mapping[str, Product], location: str | None) -> bytes:
    gid = make_gid("Product", given["id"])
    changes = cast(ProductInput, {key: value for key, value in given.items() if key not in ("id", "replace_variants")})
    product = current.get(gid)
    if product is None:
        # Shopify says itself that there is none, on the line it concerns.
        return _line(base_input(changes), gid)
    whole = changes if given.get("replace_variants") else _with_all_variants(changes, product)
    return _line(set_input(whole, location_id=location, current=product), gid)


def _with_all_variants(changes: ProductInput, product: Product) -> ProductInput:
    """List every variant of a product, those that are named with their changes; a price for the product is its lone variant's."""
    found = variant_changes(changes.get("variants") or [], product.variants)
    by_id = {variant["id"]: variant for variant in found.updates}
    price = changes.get("price") if len(product.variants) == 1 else None
    kept: list[VariantInput] = [
        cast(VariantInput, {"id": v.id, **({"price": price} if price is not None else {}), **by_id.get(v.id, {})})
        for v in product.variants
    ]
    rest = cast(ProductInput, {key: value for key, value in changes.items() if key != "price"})
    return cast(ProductInput, {**rest, "variants": [*kept, *found.additions]})


def result_of(line: Mapping[str, Any], first_index: int) -> LineResult:
    """Read one line of Shopify's result; `first_index` is where its file begins in the caller's list."""
    payload = (line.get("data") or {}).get("productSet") or {}
    product = payload.get("product") or {}
    errors = tuple(_user_error(error) for error in payload.get("userErrors") or ())
    errors += tuple(_top_error(error) for error in line.get("errors") or ())
    index = first_index + int(line["__lineNumber"])
    return LineResult(
        index=index,
        line=index + 1,
        ok=bool(product) and not errors,
        product_id=tail(product["id"]) if product else None,
        handle=product.get("handle"),
        errors=errors,
    )


def _user_error(raw: Mapping[str, Any]) -> LineError:
    return LineError(tuple(map(str, raw.get("field") or ())), str(raw.get("message", "")), raw.get("code"))


def _top_error(raw: Mapping[str, Any]) -> LineError:
    return LineError((), str(raw.get("message", "")), (raw.get("extensions") or {}).get("code"))
