"""Metafields as they are written: metafieldsSet, metafieldsDelete, and the `metafields` of other inputs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fake_shopify.admin import metafields as kept
from fake_shopify.admin.definition_values import is_taken, value_refusal
from fake_shopify.admin.metafield_types import type_refusal
from fake_shopify.admin.metafield_values import is_type, value_problem
from fake_shopify.admin.product_webhooks import product_changed
from fake_shopify.context import Context
from fake_shopify.failures import invalid_id, user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

MAX_INPUTS = 25
NAME = re.compile(r"[A-Za-z0-9_-]*")
LENGTHS = {"namespace": ("Namespace", 3, 255), "key": ("Key", 2, 64)}
FORBIDDEN = "Access to this namespace and key on Metafields for this resource type is not allowed."
STALE = "The resource has been updated since it was loaded. Try again with an updated `compareDigest` value."
Input = dict[str, Any]
Errors = list[dict[str, Any]]


def name_problem(name: str, text: str) -> tuple[str, str] | None:
    """Check a namespace or a key (captured for definitions: metafields-085)."""
    label, shortest, longest = LENGTHS[name]
    if len(text) < shortest:
        return f"{label} is too short (minimum is {shortest} characters)", "TOO_SHORT"
    if len(text) > longest:
        return f"{label} is too long (maximum is {longest} characters)", "TOO_LONG"
    if not NAME.fullmatch(text):
        return f"{label} contains one or more invalid characters.", "INVALID"
    return None


def problem(ctx: Context, owner: str | None, owner_type: str | None, input: Input) -> tuple[list[str], str, str] | None:
    """Return what is wrong with one input, as (rest of the field, message, code); None when it can be written.

    Captured: metafields-060 (foreign namespace), 063 (digest), 064 (no type). Assumed: the order, and the wording of the rest.
    """
    namespace, key = kept.full_namespace(ctx, input.get("namespace")), input.get("key") or ""
    if kept.is_foreign(ctx, namespace):
        return [], FORBIDDEN, "APP_NOT_AUTHORIZED"
    for name, text in (("namespace", namespace), ("key", key)):
        found = name_problem(name, text)
        if found is not None:
            return [name], *found
    known = kept.find(ctx.shop, owner, namespace, key) if owner is not None else None
    return _value_problem(ctx, owner_type, namespace, key, input, known) or _digest_problem(input, known)


def _value_problem(
    ctx: Context, owner_type: str | None, namespace: str, key: str, input: Input, known: Row | None
) -> tuple[list[str], str, str] | None:
    type_name = input.get("type") or type_by_definition(ctx, owner_type, namespace, key)
    if not type_name:
        return ["type"], "Type can't be blank", "BLANK"
    if not is_type(type_name):
        return ["type"], type_refusal(), "INVALID_TYPE"
    if not (input.get("value") or ""):
        return ["value"], "Value can't be blank", "BLANK"
    wrong = value_problem(type_name, input["value"])
    if wrong:
        return ["value"], f"Value {wrong}", "INVALID_VALUE"
    definition = kept.definition_of(ctx.shop, owner_type, namespace, key)
    return _definition_problem(ctx, definition, type_name, input, known) if definition is not None else None


def _definition_problem(
    ctx: Context, definition: Row, type_name: str, input: Input, known: Row | None
) -> tuple[list[str], str, str] | None:
    """Check a value against its definition (assumed: the words, and TAKEN for a value that must be unique)."""
    found = value_refusal(definition, type_name, input["value"])
    if found is not None:
        return ["type" if found[1] == "INVALID_TYPE" else "value"], *found
    owner = input.get("ownerId") or (known["_owner"] if known is not None else None)
    if is_taken(ctx.shop, definition, owner, input["value"]):
        return ["value"], "Value has already been taken.", "TAKEN"
    return None


def type_by_definition(ctx: Context, owner_type: str | None, namespace: str, key: str) -> str | None:
    """Return the type that a definition gives (captured: metafields-070)."""
    definition = kept.definition_of(ctx.shop, owner_type, namespace, key)
    return definition["type"]["name"] if definition is not None else None


def _digest_problem(input: Input, known: Row | None) -> tuple[list[str], str, str] | None:
    """Check `compareDigest`: the same value again is accepted whatever the digest says (captured: metafields-063)."""
    if "compareDigest" not in input:
        return None
    if known is None:
        return None if input["compareDigest"] is None else ([], STALE, "STALE_OBJECT")
    if input["value"] == known["value"] or input["compareDigest"] == kept.digest(known["type"], known["value"]):
        return None
    return [], STALE, "STALE_OBJECT"


def errors_of(
    ctx: Context, type_name: str, inputs: Sequence[Input] | None, *, prefix: Sequence[Any] = (), owner: str | None = None
) -> Errors:
    """Check the `metafields` of another input; `type_name` is the owner's, whether or not it exists yet."""
    errors: Errors = []
    for index, entry in enumerate(inputs or ()):
        found = problem(ctx, owner, kept.OWNER_TYPES[type_name], _identified(ctx, entry))
        if found is not None:
            errors.append(user_error([*prefix, "metafields", index, *found[0]], found[1], found[2]))
    return errors


def _identified(ctx: Context, input: Input) -> Input:
    """Fill in namespace, key and type of an input that names a metafield by id."""
    row = ctx.find("Metafield", input.get("id"))
    return input if row is None else {name: row[name] for name in ("namespace", "key", "type")} | input


def apply(ctx: Context, owner: str, inputs: Sequence[Input] | None) -> list[Row]:
    """Write the `metafields` of another input; they were checked before."""
    return [_write(ctx, owner, _identified(ctx, entry)) for entry in inputs or ()]


def _write(ctx: Context, owner: str, input: Input) -> Row:
    namespace = kept.full_namespace(ctx, input.get("namespace"))
    type_name = input.get("type") or type_by_definition(ctx, kept.owner_type(owner), namespace, input["key"]) or ""
    return kept.put(ctx.shop, owner, namespace, input["key"], type_name, input["value"])


@mutation("metafieldsSet")
def metafields_set(ctx: Context, metafields: list[Input]) -> dict[str, Any]:
    """Write up to 25 metafields, all or none (captured: metafields-060..069, 115)."""
    if len(metafields) > MAX_INPUTS:
        text = f"Exceeded the maximum metafields input limit of {MAX_INPUTS}."
        return {"metafields": None, "userErrors": [_error([], text, "LESS_THAN_OR_EQUAL_TO")]}
    errors: Errors = []
    for index, entry in enumerate(metafields):
        found = _set_problem(ctx, entry)
        if found is not None:
            errors.append(_error([index, *found[0]], found[1], found[2]))
    if errors:
        return {"metafields": [], "userErrors": errors}
    before = {entry["ownerId"]: kept.values_of(ctx.shop, entry["ownerId"]) for entry in metafields}
    written = [Row(_write(ctx, entry["ownerId"], entry)) for entry in metafields]
    for owner, values in before.items():
        if kept.values_of(ctx.shop, owner) != values:
            _tell_product(ctx, owner)
    return {"metafields": written, "userErrors": []}


def _tell_product(ctx: Context, owner: str) -> None:
    """Note that metafields of a product changed; those of variants are not told of, nor is the same value again.

    Source: community.shopify.com (products/update fires for metafields of products, not for those of variants) and
    shopify.dev/changelog/no-op-for-unchanged-metafields-and-metaobjects (read 2026-11). Assumed: other owners tell nothing.
    """
    product = ctx.edit("Product", owner)
    if product is not None:
        product["updatedAt"] = ctx.now()
        product_changed(ctx.shop, product)


def _error(rest: Sequence[Any], message: str, code: str) -> dict[str, Any]:
    return user_error(["metafields", *rest], message, code) | {"elementIndex": None}


def _set_problem(ctx: Context, input: Input) -> tuple[list[str], str, str] | None:
    kind = kept.owner_type(input["ownerId"])
    if kind is None:
        raise invalid_id(input["ownerId"])
    if kept.owner_row(ctx, input["ownerId"]) is None:
        return ["ownerId"], "Owner does not exist.", "INVALID"
    return problem(ctx, input["ownerId"], kind, input)


@mutation("metafieldsDelete")
def metafields_delete(ctx: Context, metafields: list[Input]) -> dict[str, Any]:
    """Delete metafields; null stands for one that was not there (captured: metafields-056, 060)."""
    named = [entry | {"namespace": kept.full_namespace(ctx, entry["namespace"])} for entry in metafields]
    if any(kept.is_foreign(ctx, entry["namespace"]) for entry in named):
        return {"deletedMetafields": [], "userErrors": [user_error(["metafields"], FORBIDDEN)]}
    deleted = []
    for entry in named:
        there = kept.take_away(ctx.shop, entry["ownerId"], entry["namespace"], entry["key"])
        if there:
            _tell_product(ctx, entry["ownerId"])
        deleted.append(entry | {"__typename": "MetafieldIdentifier"} if there else None)
    return {"deletedMetafields": deleted, "userErrors": []}
