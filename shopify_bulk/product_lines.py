"""Products in REST-style form as the lines of a bulk `productSet`, and Shopify's result lines as answers per product.

`productSet` takes a product's lists as wholes: variants, files and metafields that are not listed are deleted. An update that
names some is therefore written over the product as it is, so that those it does not name stay. What cannot be written like that is
refused line by line, and the others go their way. Each line of Shopify's result carries `__lineNumber`, counted from 0 within its
file; that is how an answer finds its product again.
Source: shopify.dev/docs/api/usage/bulk-operations/imports, …/mutations/productSet (list fields; read 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from shopify_admin.bulk import ProductLists
from shopify_admin.products import Product, ProductInput, VariantInput, base_input, set_input, variant_changes
from shopify_bulk.operations import Operation
from shopify_bulk.uploads import LineError
from shopify_kit.errors import InvalidInput
from shopify_kit.identifiers import make_gid, tail
from shopify_service import ShopAdmin

CREATE: Final = "products_create"
UPDATE: Final = "products_update"
LISTS: Final = frozenset({"variants", "price", "metafields", "images", "options", "replace_variants"})
"""What an update cannot say without the product as it is."""
UNANSWERED: Final = LineError((), "Shopify has not answered for it; whether it was carried out is not known.", "no_answer")
GONE: Final = LineError((), "Shopify has deleted the result, which it keeps for seven days.", "result_gone")
UNSENT: Final = LineError((), "The operation ended before it was sent.", "not_sent")


class LineResult(Struct, frozen=True):
    """What became of one product of the caller's list; `index` counts from 0, `line` from 1."""

    index: int
    line: int
    ok: bool
    product_id: int | None
    handle: str | None
    errors: tuple[LineError, ...]


# Writing


def write_lines(admin: ShopAdmin, lines: Sequence[bytes], facts: Mapping[str, Any]) -> list[bytes | LineError]:
    """Make the variables of `productSet` of products as callers give them."""
    products: list[dict[str, Any]] = [msgspec.json.decode(line) for line in lines]
    location = str(facts["location"]) if facts.get("location") else None
    if facts["verb"] == CREATE:
        return [_line(set_input(cast(ProductInput, given), location_id=location), None) for given in products]
    wanted = [make_gid("Product", given["id"]) for given in products if LISTS & given.keys()]
    current = {lists.product.admin_graphql_api_id: lists for lists in admin.product_lists(wanted)} if wanted else {}
    return [_written(given, current, location) for given in products]


def _line(made: Mapping[str, Any], gid: str | None) -> bytes:
    return msgspec.json.encode({"input": made} | ({"identifier": {"id": gid}} if gid else {}))


def _written(given: dict[str, Any], current: Mapping[str, ProductLists], location: str | None) -> bytes | LineError:
    gid = make_gid("Product", given["id"])
    changes = cast(ProductInput, {key: value for key, value in given.items() if key not in ("id", "replace_variants")})
    lists = current.get(gid)
    if lists is None:
        # Either nothing but plain fields is given, or Shopify says itself, on the line it concerns, that there is no such product.
        return _line(base_input(changes), gid)
    try:
        return _line(_whole(changes, lists, location, replace=bool(given.get("replace_variants"))), gid)
    except InvalidInput as error:
        return LineError.of(error)


def _whole(changes: ProductInput, lists: ProductLists, location: str | None, *, replace: bool) -> dict[str, Any]:
    """Write changes over a product as it is."""
    _check(changes, lists.product, replace=replace)
    if "variants" in changes or "price" in changes:
        named = [_priced(variant, changes) for variant in changes.get("variants") or [_lone(lists.product)]]
        plain = {key: value for key, value in changes.items() if key not in ("price", "images")}
        variants = named if replace else _with_others(named, lists.product)
        made = set_input(cast(ProductInput, {**plain, "variants": variants}), location_id=location, current=lists.product)
    else:
        made = base_input(changes)
    if "images" in changes:
        made["files"] = [*lists.kept_files(), *set_input({"images": changes["images"]}, location_id=None)["files"]]
    if "metafields" in changes:
        given = {(metafield["namespace"], metafield["key"]) for metafield in made["metafields"]}
        made["metafields"] += [one for one in lists.kept_metafields() if (one["namespace"], one["key"]) not in given]
    return made


def _check(changes: ProductInput, product: Product, *, replace: bool) -> None:
    """Refuse what a change of one product by itself refuses too."""
    if replace and not changes.get("variants"):
        raise InvalidInput.field("variants", "replace_variants needs the variants that remain")
    if "options" in changes and not replace:
        raise InvalidInput.field("options", "needs replace_variants: true and all variants")
    if "price" in changes and not changes.get("variants") and len(product.variants) != 1:
        raise InvalidInput.field("price", "give the price on the variants: the product has several")


def _lone(product: Product) -> VariantInput:
    return cast(VariantInput, {"id": product.variants[0].id})


def _priced(variant: VariantInput, changes: ProductInput) -> VariantInput:
    """Give a variant that is named the product's price where it has none of its own."""
    return cast(VariantInput, {"price": changes["price"], **variant}) if "price" in changes else variant


def _with_others(given: Sequence[VariantInput], product: Product) -> list[VariantInput]:
    """List every variant of a product, those that are named with their changes; ids that are not its own Shopify refuses."""
    found = variant_changes(given, product.variants)
    named = {variant["id"]: variant for variant in found.updates}
    kept = [named.pop(variant.id, cast(VariantInput, {"id": variant.id})) for variant in product.variants]
    return [*kept, *named.values(), *found.additions]


# Reading


def results_of(
    operation: Operation, documents: Iterable[Mapping[str, Any]], refusals: Mapping[int, LineError], missing: LineError
) -> Iterator[LineResult]:
    """Read the result of one file; every line has an answer.

    Args:
        refusals: of the whole operation.
        missing: what is said of a line that was sent, or was to be sent, and has no answer.
    """
    first, count = int(operation.facts.get("first_line", 0)), operation.expected_objects or 0
    refused = {index: error for index, error in refusals.items() if first <= index < first + count}
    sent = [index for index in range(first, first + count) if index not in refused] if refused else range(first, first + count)
    answered = bytearray(len(sent))
    for document in documents:
        number = document.get("__lineNumber")
        if isinstance(number, int) and 0 <= number < len(sent):
            answered[number] = 1
            yield _result(document, sent[number])
    yield from (_failed(index, missing) for index, is_answered in zip(sent, answered, strict=True) if not is_answered)
    yield from (_failed(index, error) for index, error in refused.items())


def _failed(index: int, error: LineError) -> LineResult:
    return LineResult(index=index, line=index + 1, ok=False, product_id=None, handle=None, errors=(error,))


def _result(line: Mapping[str, Any], index: int) -> LineResult:
    payload = (line.get("data") or {}).get("productSet") or {}
    product = payload.get("product") or {}
    errors = tuple(_user_error(error) for error in payload.get("userErrors") or ())
    errors += tuple(_top_error(error) for error in line.get("errors") or ())
    return LineResult(
        index=index,
        line=index + 1,
        ok=bool(product) and not errors,
        product_id=tail(product["id"]) if product else None,
        handle=product.get("handle"),
        errors=errors if product or errors else (UNANSWERED,),
    )


def _user_error(raw: Mapping[str, Any]) -> LineError:
    return LineError(tuple(map(str, raw.get("field") or ())), str(raw.get("message", "")), raw.get("code"))


def _top_error(raw: Mapping[str, Any]) -> LineError:
    return LineError((), str(raw.get("message", "")), (raw.get("extensions") or {}).get("code"))
