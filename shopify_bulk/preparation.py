"""Making a document fit for a bulk operation: variables written into it, a name to find it again by, and a probe of it.

A bulk query takes no variables, so their values become literals. The operation is named after our id, because Shopify keeps the
document of every operation: one that was started just before we could note its id is found again by that name. The probe is the
same document with one object per connection; what Shopify does not let us read shows there, and can be left out before the bulk
operation fails because of it.
Source: shopify.dev/docs/api/usage/bulk-operations/queries (read 2026-11).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from shopify_kit.errors import InvalidInput

if TYPE_CHECKING:
    from graphql import DocumentNode, FieldNode, Node, OperationDefinitionNode, SelectionSetNode, ValueNode

ENUM_VALUE = re.compile(r"[A-Z][A-Z0-9_]*")
TEXT_TYPES: Final = frozenset(
    """
    String ID DateTime Date Decimal Money URL HTML JSON FormattedString Color UnsignedInt64 BigInt UtcOffset ARN StorefrontID
    """.split()
)
"""Scalars whose values are written as text; a value of another type that looks like an enum's is one."""
MAX_QUERY: Final = 200_000
MAX_SPREADS: Final = 500

N = TypeVar("N", bound="Node")


def prepare(query: str, variables: Mapping[str, Any], name: str) -> str:
    """Write a bulk query's document: named, and with the values of its variables in it.

    Raises:
        InvalidInput: it is not one query, or a variable has no value.
    """
    document = _parsed(query)
    values = _values(_operation(document, "query"), variables)
    return _printed(_named(_spread_out(_inlined(document, values)), name))


def named_mutation(mutation: str, name: str) -> str:
    """Write a bulk mutation's document under a name of ours; its variables come from the uploaded lines.

    Raises:
        InvalidInput: it is not one mutation.
    """
    document = _parsed(mutation)
    _operation(document, "mutation")
    return _printed(_named(document, name))


def probe_of(query: str) -> str:
    """Write the same query for one object per connection."""
    from graphql import Visitor, visit  # noqa: PLC0415 - a third of the import time that the integration may cost

    class First(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
            return _with_first_one(node) if _is_connection(node) else None

    return _printed(visit(_parsed(query), First()))


def pruned(query: str, paths: Iterable[Sequence[str | int]]) -> tuple[str, tuple[str, ...]]:
    """Leave out the fields at these paths of an answer; returns the query and what was left out, dotted.

    Raises:
        InvalidInput: code `access_denied`, nothing would be left.
    """
    unwanted = {tuple(str(part) for part in path if not isinstance(part, int)) for path in paths}
    operation = _operation(_parsed(query), "query")
    selections = _without(operation.selection_set, (), unwanted)
    if selections is None:
        text = "Shopify lets the app read nothing of what the query asks for; check its access scopes."
        raise InvalidInput(
            text, code="access_denied", details=[{"field": ".".join(path), "reason": "access denied"} for path in unwanted]
        )
    return _printed(_changed(operation, selection_set=selections)), tuple(sorted(".".join(_bare(path)) for path in unwanted))


def connection_names(query: str) -> set[str]:
    """Return the names under which a query asks for connections."""
    from graphql import Visitor, visit  # noqa: PLC0415

    names: set[str] = set()

    class Look(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            if _is_connection(node):
                names.add((node.alias or node.name).value)

    visit(_parsed(query), Look())
    return names


# Reading


def _parsed(text: str) -> DocumentNode:
    from graphql import GraphQLSyntaxError, parse  # noqa: PLC0415

    if len(text) > MAX_QUERY:
        raise InvalidInput.field("query", f"at most {MAX_QUERY} characters")
    try:
        return parse(text, no_location=True)
    except GraphQLSyntaxError as error:
        raise InvalidInput.field("query", f"no GraphQL: {error.message}", code="query_not_allowed") from None


def _operation(document: DocumentNode, kind: str) -> OperationDefinitionNode:
    from graphql import OperationDefinitionNode  # noqa: PLC0415

    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation.value != kind:
        raise InvalidInput.field("query", f"expected one {kind}", code="query_not_allowed")
    return operations[0]


def _values(operation: OperationDefinitionNode, given: Mapping[str, Any]) -> dict[str, ValueNode | None]:
    """Return the literal of every variable; None for one that has no value and needs none."""
    from graphql import NonNullTypeNode  # noqa: PLC0415

    made: dict[str, ValueNode | None] = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        if name in given:
            made[name] = _literal(given[name], _type_name(definition.type))
        elif definition.default_value is not None:
            made[name] = definition.default_value
        elif isinstance(definition.type, NonNullTypeNode):
            raise InvalidInput.field(f"variables.{name}", "the query needs a value for it")
        else:
            made[name] = None
    unknown = sorted(given.keys() - made.keys())
    if unknown:
        raise InvalidInput.field(f"variables.{unknown[0]}", "the query has no such variable")
    return made


def _type_name(node: Any) -> str:
    while not hasattr(node, "name"):
        node = node.type
    return str(node.name.value)


def _literal(value: Any, type_name: str) -> ValueNode:
    from graphql import parse_value  # noqa: PLC0415

    return parse_value(_written(value, type_name), no_location=True)


def _written(value: Any, type_name: str) -> str:
    """Write a value as GraphQL does; inside input objects the types are unknown, so there what looks like an enum is one."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_written(part, '')}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_written(part, type_name) for part in value) + "]"
    if isinstance(value, str) and type_name not in TEXT_TYPES and ENUM_VALUE.fullmatch(value):
        return value
    return json.dumps(value)


# Changing


def _inlined(document: DocumentNode, values: Mapping[str, ValueNode | None]) -> DocumentNode:
    """Put literals in the place of variables; an argument whose variable has no value goes."""
    from graphql import REMOVE, VariableNode, Visitor, visit  # noqa: PLC0415

    def is_absent(node: Any) -> bool:
        return isinstance(node.value, VariableNode) and values.get(node.value.name.value) is None

    class Inline(Visitor):
        def enter_argument(self, node: Any, *_: Any) -> Any:
            return REMOVE if is_absent(node) else None

        enter_object_field = enter_argument

        def enter_variable_definition(self, *_: Any) -> Any:
            return REMOVE

        def enter_variable(self, node: Any, *_: Any) -> Any:
            if node.name.value not in values:
                raise InvalidInput.field("query", f"${node.name.value} is not declared", code="query_not_allowed")
            return values[node.name.value]

    changed: DocumentNode = visit(document, Inline())
    return changed


def _changed(node: N, **facts: Any) -> N:
    """Copy a node with other facts; nodes of newer releases of graphql-core cannot be changed."""
    return type(node)(**({key: getattr(node, key) for key in node.keys if key != "loc"} | facts))


def _named(document: DocumentNode, name: str) -> DocumentNode:
    from graphql import NameNode, OperationDefinitionNode  # noqa: PLC0415

    definitions = (
        _changed(node, name=NameNode(value=name)) if isinstance(node, OperationDefinitionNode) else node
        for node in document.definitions
    )
    return _changed(document, definitions=tuple(definitions))


def _spread_out(document: DocumentNode) -> DocumentNode:
    """Put each fragment where it is used, so that every field stands at its own place."""
    from graphql import (  # noqa: PLC0415
        FragmentDefinitionNode,
        FragmentSpreadNode,
        InlineFragmentNode,
        Visitor,
        visit,
    )

    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}

    class Spread(Visitor):
        depth = 0

        def enter_fragment_spread(self, node: FragmentSpreadNode, *_: Any) -> InlineFragmentNode:
            found, self.depth = fragments.get(node.name.value), self.depth + 1
            if found is None or self.depth > MAX_SPREADS:
                raise InvalidInput.field("query", "a fragment is missing, or fragments use each other", code="query_not_allowed")
            return InlineFragmentNode(
                type_condition=found.type_condition, directives=node.directives, selection_set=found.selection_set
            )

    kept = tuple(node for node in document.definitions if not isinstance(node, FragmentDefinitionNode))
    whole: DocumentNode = visit(_changed(document, definitions=kept), Spread())
    return whole


def _printed(node: Node) -> str:
    from graphql import print_ast  # noqa: PLC0415

    return print_ast(node)


def _is_connection(node: FieldNode) -> bool:
    selections = node.selection_set.selections if node.selection_set else ()
    return any(getattr(part, "name", None) and part.name.value in ("edges", "nodes") for part in selections)  # type: ignore[attr-defined]


def _with_first_one(node: FieldNode) -> FieldNode:
    from graphql import ArgumentNode, IntValueNode, NameNode  # noqa: PLC0415

    kept = [part for part in node.arguments or () if part.name.value not in ("first", "last", "after", "before")]
    first = ArgumentNode(name=NameNode(value="first"), value=IntValueNode(value="1"))
    return _changed(node, arguments=(first, *kept))


def _without(node: SelectionSetNode, path: tuple[str, ...], unwanted: set[tuple[str, ...]]) -> SelectionSetNode | None:
    """Copy a selection without the unwanted fields; None when nothing is left."""
    from graphql import FieldNode, SelectionSetNode  # noqa: PLC0415

    kept: list[Any] = []
    for part in node.selections:
        here = (*path, (part.alias or part.name).value) if isinstance(part, FieldNode) else path
        if here != path and here in unwanted:
            continue
        inner = getattr(part, "selection_set", None)
        if inner is None:
            kept.append(part)
        elif (left := _without(inner, here, unwanted)) is not None:
            kept.append(_changed(part, selection_set=left))
    return SelectionSetNode(selections=tuple(kept)) if kept else None


def _bare(path: Sequence[str]) -> list[str]:
    return [part for part in path if part not in ("edges", "nodes", "node")]
