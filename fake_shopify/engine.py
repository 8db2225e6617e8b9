"""One GraphQL request from body to answer: parse, choose the operation, validate, coerce, charge, execute.

What fails before execution has neither `data` nor a cost block (captured: BEHAVIOURS 1).
"""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSyntaxError,
    Lexer,
    OperationDefinitionNode,
    TokenKind,
    execute_sync,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
    parse,
)

from fake_shopify import admin
from fake_shopify.coercion import coerce_variables
from fake_shopify.context import Context
from fake_shopify.cost import MAX_QUERY_POINTS, CostModel
from fake_shopify.failures import TopLevelError, access_denied
from fake_shopify.input_size import oversized
from fake_shopify.paging import EMPTY, window
from fake_shopify.registry import CHECKS, RESOLVERS, Resolver
from fake_shopify.schema import AdminSchema, load_schema
from fake_shopify.static import validate

INTERNAL_ERROR = "Internal error. Looks like something went wrong on our end."
LIMITS_PAGE = "https://shopify.dev/api/usage/rate-limits"
IDEMPOTENT = frozenset(
    """
    inventoryActivate inventoryAdjustQuantities inventoryMoveQuantities inventorySetOnHandQuantities
    inventorySetQuantities inventoryShipmentAddItems inventoryShipmentCreate inventoryShipmentCreateInTransit
    inventoryShipmentReceive inventoryTransferCreate inventoryTransferCreateAsReadyToShip inventoryTransferDuplicate
    inventoryTransferSetItems locationActivate locationDeactivate refundCreate
    """.split()
)
"""Mutations that need `@idempotent(key:)` since 2026-04 (captured: BEHAVIOURS 9; the list is PLATFORM A.6's)."""

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document that may run, or the errors that stop it."""

    document: DocumentNode | None
    operations: tuple[OperationDefinitionNode, ...]
    errors: tuple[dict[str, Any], ...]


def _syntax_error(failure: GraphQLSyntaxError) -> dict[str, Any]:
    """Word a parse failure like graphql-ruby's C parser.

    Captured: the end of file is told at the last token, and without a place where there is none (bulk_operations-019, 029).
    Assumed: how other tokens are named.
    """
    if "nested too deeply" in failure.message:
        return {"message": "This query is too large to execute."}
    if "<EOF>" in failure.message:
        where, what = _last_token(failure), "end of file"
    else:
        where = next((where.line, where.column) for where in failure.locations or ())
        found = re.search(r"(?:found|Unexpected) (.+?)\.?$", failure.message)
        what = found[1] if found else "invalid token"
    if where is None:
        return {"message": f"syntax error, unexpected {what}"}
    line, column = where
    return {
        "message": f"syntax error, unexpected {what} at [{line}, {column}]",
        "locations": [{"line": line, "column": column}],
    }


def _last_token(failure: GraphQLSyntaxError) -> tuple[int, int] | None:
    """Return the place of a document's last token; None when it has none."""
    assert failure.source is not None
    lexer, last = Lexer(failure.source), None
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        last = (token.line, token.column)
    return last


@lru_cache(maxsize=2048)
def read_document(version: str, text: str) -> Parsed:
    """Parse and validate a document once per version and text."""
    try:
        document = parse(text)
    except GraphQLSyntaxError as failure:
        return Parsed(None, (), (_syntax_error(failure),))
    operations = tuple(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    return Parsed(document, operations, tuple(validate(executable(version).graphql, document)))


def _choose(operations: tuple[OperationDefinitionNode, ...], name: str | None) -> OperationDefinitionNode | str:
    if name:
        found = [o for o in operations if o.name is not None and o.name.value == name]
        return found[0] if found else f'No operation named "{name}"'
    return operations[0] if len(operations) == 1 else "An operation name is required"


def run(ctx: Context, body: dict[str, Any]) -> tuple[Answer, str | None]:
    """Answer one request body; returns the answer and the operation's name for the log.

    What fails inside the fake is shown on its standard error and answered as Shopify answers its own failures (assumed).
    """
    try:
        return _run(ctx, body)
    except Exception:
        traceback.print_exc()
        return {"errors": [{"message": INTERNAL_ERROR, "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}, None


def _run(ctx: Context, body: dict[str, Any]) -> tuple[Answer, str | None]:
    text = body.get("query")
    if not isinstance(text, str) or not text.strip():
        return {"errors": [{"message": "No query string was present"}]}, None
    parsed = read_document(ctx.version, text)
    if parsed.document is None:
        return {"errors": list(parsed.errors)}, None
    operation = _choose(parsed.operations, body.get("operationName"))
    if isinstance(operation, str):
        return {"errors": [{"message": operation}]}, None
    name = operation.name.value if operation.name else None
    if parsed.errors:
        return {"errors": list(parsed.errors)}, name
    sent = body.get("variables") or {}
    variables, errors = coerce_variables(ctx.schema.graphql, operation, sent if isinstance(sent, dict) else {})
    errors = errors or oversized(operation, variables)
    if errors:
        return {"errors": errors}, name
    return _charge_and_execute(ctx, parsed.document, operation, variables), name


def answer_line(ctx: Context, parsed: Parsed, operation: OperationDefinitionNode, sent: dict[str, Any]) -> Answer:
    """Answer one execution of a bulk mutation: nothing is charged and no cost is told."""
    assert parsed.document is not None
    variables, errors = coerce_variables(ctx.schema.graphql, operation, sent)
    errors = errors or oversized(operation, variables)
    if errors:
        return {"errors": errors}
    answer = _answer(ctx, _execute(ctx, parsed.document, operation, variables), {})
    del answer["extensions"]
    return answer


def _charge_and_execute(
    ctx: Context, document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any]
) -> Answer:
    cost = CostModel(ctx.schema.graphql, document, operation, variables)
    requested = cost.requested()
    if requested > MAX_QUERY_POINTS:
        return {"errors": [_too_expensive(requested)]}
    bucket, clock = ctx.shop.bucket(ctx.grant.client_id), ctx.world.clock
    if not bucket.take(requested, clock.monotonic_s()):
        facts = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": bucket.status(clock.monotonic_s())}
        error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": LIMITS_PAGE}}
        return {"errors": [error], "extensions": {"cost": facts}}
    result = _execute(ctx, document, operation, variables)
    actual = min(requested, cost.actual(result.data))
    bucket.give_back(requested - actual)
    facts = {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": bucket.status(clock.monotonic_s()),
    }
    return _answer(ctx, result, facts)


def _execute(
    ctx: Context, document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any]
) -> ExecutionResult:
    return execute_sync(
        ctx.schema.graphql,
        document,
        None,
        ctx,
        variables,
        operation.name.value if operation.name else None,
        field_resolver=default_resolver,
        type_resolver=_type_of,
    )


def _too_expensive(points: int) -> dict[str, Any]:
    text = (
        f"Query cost is {points}, which exceeds the single query max cost limit ({MAX_QUERY_POINTS}).\n\n"
        "See https://shopify.dev/concepts/about-apis/rate-limits for more information on how the\n"
        "cost of a query is calculated.\n\n"
        "To query larger amounts of data with fewer limits, bulk operations should be used instead.\n"
        "See https://shopify.dev/tutorials/perform-bulk-operations-with-admin-api for usage details.\n"
    )
    facts = {"code": "MAX_COST_EXCEEDED", "cost": points, "maxCost": MAX_QUERY_POINTS, "documentation": LIMITS_PAGE}
    return {"message": text, "extensions": facts}


def _answer(ctx: Context, result: ExecutionResult, cost: dict[str, Any]) -> Answer:
    answer: Answer = {"data": result.data}
    if result.errors:
        answer["errors"] = [_resolver_error(error) for error in result.errors]
    answer["extensions"] = {"cost": cost}
    if ctx.searches:
        answer["extensions"]["search"] = ctx.searches
    return answer


def _resolver_error(error: GraphQLError) -> dict[str, Any]:
    original = error.original_error
    if not isinstance(original, TopLevelError):
        raise original or error
    row: dict[str, Any] = {
        "message": original.message,
        "locations": [{"line": where.line, "column": where.column} for where in error.locations or ()],
    }
    if original.extensions:
        row["extensions"] = original.extensions
    return row | {"path": list(error.path or ())}


# Resolving


GENERAL_CODES = ("INVALID_METAFIELD", "INVALID_INPUT", "INVALID", "INVALID_VALUE", "GENERIC_ERROR")


def _type_of(value: Any, info: GraphQLResolveInfo[Any], abstract: Any) -> str | None:
    name = value.get("__typename") if isinstance(value, dict) else None
    return str(name) if name else None


def default_resolver(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """Read a field off the row; what a row does not have is null, or empty where the schema forbids null."""
    name = info.field_name
    if isinstance(source, dict) and name in source:
        value = source[name]
        if name == "code" and info.parent_type.name.endswith("UserError"):
            return _told_code(value, info)
        return value(info.context, **arguments) if callable(value) else value
    return _nothing(info)


def _told_code(code: str | None, info: GraphQLResolveInfo[Any]) -> str | None:
    """Return a user error's code, or the most general one of a mutation whose enumeration does not have it.

    Assumed: which general code that is.
    """
    known = getattr(get_named_type(info.return_type), "values", None)
    if code is None or known is None or code in known:
        return code
    return next((general for general in GENERAL_CODES if general in known), None)


def _nothing(info: GraphQLResolveInfo[Any]) -> Any:
    kind = info.return_type
    if not is_non_null_type(kind):
        return None
    bare: Any = get_nullable_type(kind)
    if is_list_type(bare):
        return []
    if bare.name.endswith("Connection"):
        return EMPTY
    if bare.name == "Boolean":
        return False
    text = f"The fake store does not model {info.parent_type.name}.{info.field_name}"
    raise TopLevelError(text, "FAKE_NOT_MODELLED")


@lru_cache(maxsize=8)
def executable(version: str) -> AdminSchema:
    """Return the schema of a version with every resolver, access rule and page rule attached to its fields."""
    admin.load()
    schema = load_schema(version)
    for kind in schema.graphql.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                field.resolve = _resolver(schema, kind, name)
    return schema


def _resolver(schema: AdminSchema, parent: GraphQLObjectType, name: str) -> Callable[..., Any] | None:
    own = RESOLVERS.get((parent.name, name))
    root = parent.name in ("QueryRoot", "Mutation")
    field = parent.fields[name]
    named = get_named_type(field.type).name
    scopes = _required(schema, parent.name, name, named)
    paged = named.endswith("Connection") and "first" in field.args
    resolve = _call_root(own) if root and own else _call_field(own) if own else None
    if root and own is None:
        resolve = _unmodelled_root
    if name in IDEMPOTENT and parent.name == "Mutation" and resolve is not None and version_needs_key(schema.version):
        resolve = _idempotent(name, resolve)
    if paged:
        resolve = _paged(resolve or default_resolver)
    return _guarded(resolve or default_resolver, name, scopes) if scopes else resolve


def _required(schema: AdminSchema, parent: str, name: str, named: str) -> dict[str, Any] | None:
    bare = named.removesuffix("Connection")
    keys = (name,) if parent == "Mutation" else (name, bare) if parent == "QueryRoot" else (f"{parent}.{name}", bare)
    for key in keys:
        found = schema.scopes.get(key)
        if found is not None and found["scopes"]:
            return found
    return None


def _guarded(resolve: Resolver, name: str, required: dict[str, Any]) -> Resolver:
    wanted = frozenset(required["scopes"])
    enough = wanted | {scope.replace("read_", "write_", 1) for scope in wanted if scope.startswith("read_")}

    def guard(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if not enough & info.context.grant.scopes:
            raise access_denied(name, required["text"])
        return resolve(source, info, **arguments)

    return guard


def _paged(resolve: Resolver) -> Resolver:
    def guard(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        window(arguments)
        return resolve(source, info, **arguments)

    return guard


def _call_root(function: Resolver) -> Resolver:
    def call(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        info.context.info = info
        return function(info.context, **arguments)

    return call


def _call_field(function: Resolver) -> Resolver:
    def call(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        info.context.info = info
        return function(source, info.context, **arguments)

    return call


def _unmodelled_root(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    text = f"The fake store does not model {info.parent_type.name}.{info.field_name}"
    raise TopLevelError(text, "FAKE_NOT_MODELLED")


# Idempotency


def version_needs_key(version: str) -> bool:
    """Say whether `@idempotent` is required: from 2026-04 on."""
    return version >= "2026-04"


def _idempotency_key(info: GraphQLResolveInfo[Any]) -> str | None:
    for node in info.field_nodes[0].directives or ():
        if node.name.value == "idempotent" and node.arguments:
            value = node.arguments[0].value
            key = info.variable_values
            name = getattr(getattr(value, "name", None), "value", None)
            found = _variable(key, name) if name else getattr(value, "value", None)
            return str(found) if found is not None else None
    return None


def _variable(values: Any, name: str) -> Any:
    coerced = getattr(values, "coerced", values)
    return coerced.get(name)


def _idempotent(name: str, resolve: Resolver) -> Resolver:
    def call(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        info.context.info = info
        if name in CHECKS:
            CHECKS[name](info.context, **arguments)
        key = _idempotency_key(info)
        if key is None or not key.strip():
            raise TopLevelError("The @idempotent directive is required for this mutation but was not provided.", "BAD_REQUEST")
        shop = info.context.shop
        sign = json.dumps(arguments, sort_keys=True, default=str)
        kept = shop.idempotent.get((name, key))
        if kept is None:
            payload = resolve(source, info, **arguments)
            shop.idempotent[name, key] = (sign, payload)
            return payload
        if kept[0] != sign:
            text = "The same idempotency key cannot be used with different operation parameters."
            error = {"field": None, "message": text, "code": "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"}
            payload_type: Any = get_named_type(info.return_type)
            return {field: [error] for field in payload_type.fields if field.endswith("serErrors")}
        return kept[1]

    return call
