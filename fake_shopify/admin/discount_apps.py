"""Discounts that an app's function computes, and the functions themselves as far as discounts name them.

Captured: discounts-001..011, 039, 040, 060 (every refusal has the code INVALID; the words of code and automatic discounts
differ). Assumed: every function handle or id names a discount function of the calling app, because the fake runs no functions; a
refusal when none or two are named, in the words of the codes in the schema; the code of a discount is refused in the words of
other discounts.
"""

from __future__ import annotations

import uuid
from typing import Any

from fake_shopify.admin import discount_rows as rows
from fake_shopify.admin import metafield_inputs
from fake_shopify.admin.app_access import app_row, own_app
from fake_shopify.admin.discount_inputs import both_selections, plain_fields, purchases
from fake_shopify.admin.discount_rules import MAX_TEXT, bounds, code_errors
from fake_shopify.admin.discount_targets import Errors, Input, read_context, refuse_contradiction
from fake_shopify.admin.discounts import change, keep
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, page
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row
from fake_shopify.world import gid

Payload = dict[str, Any]
CODE, AUTOMATIC = "DiscountCodeApp", "DiscountAutomaticApp"
ARGUMENTS = {CODE: "codeAppDiscount", AUTOMATIC: "automaticAppDiscount"}
TOO_LONG = f"is too long (maximum is {MAX_TEXT} characters)"
FUNCTIONS = "ShopifyFunction"


# What is refused


def _errors(ctx: Context, kind: str, input: Input, row: Row | None) -> Errors:
    argument, is_new = ARGUMENTS[kind], row is None
    words = [_title_problem(kind, input, is_new), _code_problem(kind, input, is_new), None, None]
    if input.get("startsAt") is None and (is_new or "startsAt" in input):
        words[2] = "Starts at can't be blank."
    if input.get("discountClasses") == []:
        words[3] = "Discount classes can't be empty."
    names = ("title", "code", "startsAt", "discountClasses")
    errors = [user_error([argument, name], text, "INVALID") for name, text in zip(names, words, strict=True) if text]
    errors += _function_errors(argument, input, is_new) + _more_errors(ctx, kind, argument, input, row)
    return errors


def _title_problem(kind: str, input: Input, is_new: bool) -> str | None:
    title = input.get("title")
    if kind == CODE and title is None:
        return "Required argument not found." if is_new else None
    if title is None and not is_new and "title" not in input:
        return None
    if not (title or "").strip():
        return "can't be blank" if kind == CODE else "Title can't be blank."
    if len(title or "") > MAX_TEXT:
        return TOO_LONG if kind == CODE else f"Title {TOO_LONG}."
    return None


def _code_problem(kind: str, input: Input, is_new: bool) -> str | None:
    if kind != CODE or (input.get("code") is None and not is_new):
        return None
    return None if (input.get("code") or "").strip() else "Discount code can't be blank."


def _function_errors(argument: str, input: Input, is_new: bool) -> Errors:
    named = [name for name in ("functionHandle", "functionId") if input.get(name)]
    if len(named) > 1:
        text = "Only one of functionHandle or functionId can be provided."
        return [user_error([argument, "functionHandle"], text, "MULTIPLE_FUNCTION_IDENTIFIERS")]
    if not named and is_new:
        text = "Either functionHandle or functionId must be provided."
        return [user_error([argument, "functionHandle"], text, "MISSING_FUNCTION_IDENTIFIER")]
    return []


def _more_errors(ctx: Context, kind: str, argument: str, input: Input, row: Row | None) -> Errors:
    errors: Errors = []
    if kind == CODE and input.get("code"):
        errors += code_errors(ctx, argument, input, row)
    if input.get("usageLimit") is not None:
        errors += bounds("Usage limit", input["usageLimit"], [argument, "usageLimit"])
    holder = rows.node_type(kind)
    owner = row["id"] if row is not None else None
    wrong = metafield_inputs.errors_of(ctx, holder, input.get("metafields"), prefix=[argument], owner=owner)
    return errors + [error | {"code": "INVALID"} for error in wrong]


# Create and update


def _read(ctx: Context, kind: str, input: Input, kept: dict[str, Any], row: Row | None) -> tuple[dict[str, Any], Errors]:
    argument = ARGUMENTS[kind]
    refuse_contradiction(input.get("customerSelection"))
    errors = both_selections(argument, input)
    if errors:
        return {}, errors
    fields = plain_fields(kept, input) | purchases(input)
    fields["_context"], errors = read_context(kept["_context"], input, argument)
    fields["_classes"] = input.get("discountClasses") or kept["_classes"]
    named = input.get("functionHandle") or input.get("functionId")
    fields["_function"] = function_named(ctx, named)["id"] if named else kept["_function"]
    return fields, _errors(ctx, kind, input, row) + errors


def _write_metafields(ctx: Context, row: Row, input: Input) -> None:
    metafield_inputs.apply(ctx, row["id"], input.get("metafields"))


def _register(kind: str) -> None:
    argument, holder = ARGUMENTS[kind], rows.node_type(kind)

    def create(ctx: Context, **arguments: Any) -> Payload:
        given = arguments[argument]
        fields, errors = _read(ctx, kind, given, rows.defaults(), None)
        if errors:
            return {argument: None, "userErrors": errors}
        row = keep(ctx, kind, fields, given.get("code"))
        _write_metafields(ctx, row, given)
        return {argument: Row(row, __typename=kind), "userErrors": []}

    def update(ctx: Context, id: str, **arguments: Any) -> Payload:
        ctx.require_type(id, holder)
        row, given = ctx.find(holder, id), arguments[argument]
        if row is None or row["_kind"] != kind:
            return {argument: None, "userErrors": [user_error(["id"], "Discount does not exist", "INVALID")]}
        fields, errors = _read(ctx, kind, given, row, row)
        if errors:
            return {argument: None, "userErrors": errors}
        changed = change(ctx, row, fields, given.get("code"))
        _write_metafields(ctx, changed, given)
        return {argument: Row(changed, __typename=kind), "userErrors": []}

    name = kind[0].lower() + kind[1:]
    mutation(f"{name}Create")(create)
    mutation(f"{name}Update")(update)


_register(CODE)
_register(AUTOMATIC)


# Functions


def function_named(ctx: Context, name: str) -> dict[str, Any]:
    """Return the function of a handle or an id, noting it where it is named for the first time."""
    known: dict[str, str] = ctx.shop.state.setdefault(FUNCTIONS, {})
    for own, handle in known.items():
        if name in (own, handle):
            return function_row(ctx, own)
    made = name if _is_uuid(name) else str(uuid.uuid5(uuid.NAMESPACE_URL, f"{ctx.shop.domain}/{name}"))
    known[made] = name
    return function_row(ctx, made)


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def function_row(ctx: Context, id: str) -> Row:
    """Show a function (captured: pagination_search-026, 045)."""
    handle, app = ctx.shop.state[FUNCTIONS][id], own_app(ctx)
    place = list(ctx.shop.state[FUNCTIONS]).index(id) + 1
    return Row(
        __typename=FUNCTIONS,
        _id=place,
        id=id,
        handle=handle,
        title=handle,
        description=handle,
        apiType="discount",
        apiVersion=ctx.version,
        appKey=app.client_id,
        app=app_row(ctx, app),
        appBridge=_bridge(),
        inputQuery=None,
        useCreationUi=False,
    )


def _bridge() -> dict[str, Any]:
    return {"__typename": "FunctionsAppBridge", "createPath": "", "detailsPath": ""}


@query("shopifyFunctions")
def shopify_functions(ctx: Context, apiType: str | None = None, useCreationUi: bool | None = None, **arguments: Any) -> Connection:
    """List the functions that discounts have named so far; the fake deploys none by itself."""
    known = [function_row(ctx, one) for one in ctx.shop.state.get(FUNCTIONS, {})]
    return page([row for row in known if apiType in (None, row["apiType"])], arguments, key=lambda row: str(row["id"]))


@query("shopifyFunction")
def shopify_function(ctx: Context, id: str) -> Row | None:
    """Answer a function by id, null for one that nobody named."""
    return function_row(ctx, id) if id in ctx.shop.state.get(FUNCTIONS, {}) else None


def _discount_type(ctx: Context, id: str) -> dict[str, Any]:
    function = function_row(ctx, id)
    return {
        "__typename": "AppDiscountType",
        "functionId": id,
        "title": function["title"],
        "description": function["description"],
        "app": function["app"],
        "appKey": function["appKey"],
        "appBridge": function["appBridge"],
        "discountClass": "ORDER",
        "discountClasses": ["ORDER", "PRODUCT", "SHIPPING"],
        "targetType": "LINE_ITEM",
    }


@query("appDiscountType")
def app_discount_type(ctx: Context, functionId: str) -> dict[str, Any] | None:
    """Answer the type of discount that a function computes."""
    return _discount_type(ctx, functionId) if functionId in ctx.shop.state.get(FUNCTIONS, {}) else None


@query("appDiscountTypes")
def app_discount_types(ctx: Context) -> list[dict[str, Any]]:
    """List the types of discount that functions compute."""
    return [_discount_type(ctx, one) for one in ctx.shop.state.get(FUNCTIONS, {})]


def _discount_id(row: Row, ctx: Context) -> str:
    return gid(rows.node_type(row["_kind"]), row.number)


def _own_type(row: Row, ctx: Context) -> dict[str, Any]:
    name = row["_function"] or "unnamed"
    return _discount_type(ctx, function_named(ctx, name)["id"])


for _kind in ARGUMENTS:
    field(_kind, "discountId")(_discount_id)
    field(_kind, "appDiscountType")(_own_type)
