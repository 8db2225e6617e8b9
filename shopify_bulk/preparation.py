"""Making a document fit for a bulk operation: variables written into it, a name to find it again by, and a probe of it.

A bulk query takes no variables, so their values become literals. The operation is named after our id, because Shopify keeps the
document of every operation: one that was started just before we could note its id is found again by that name. The probe is the
same document with one object per connection; what Shopify does not let us read shows there, and can be left out before the bulk
operation fails because of it.
Source: shopify.dev/docs/api/usage/bulk-operations/queries (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from msgspec import Struct

from shopify_bulk.literals import literal
from shopify_kit.errors import InvalidInput

if TYPE_CHECKING:
    from graphql import DocumentNode, FieldNode, Node, OperationDefinitionNode, SelectionSetNode, ValueNode

MAX_BYTES: Final = 65_535
MAX_QUERY: Final = 200_000
MAX_SPREADS: Final = 500
MAX_CONNECTIONS: Final = 5
MAX_LEVELS: Final = 3

N = TypeVar("N", bound="Node")


class Branch(Struct, frozen=True):
    """A connection of a query: its name in the answer, what is asked of its nodes, and the connections below them."""

    name: str
    keys: frozenset[str]
    inner: tuple[Branch, ...]


def prepare(query: str, variables: Mapping[str, Any], name: str) -> str:
    """Write a bulk query's document: named, and with the values of its variables in it.

    Raises:
        InvalidInput: it is not one query, a variable has no value, or it asks for what cannot be had in bulk.
    """
    document = _parsed(query, "query")
    values = _values(_operation(document, "query"), variables)
    made = _named(_spread_out(_inlined(document, values)), name)
    _check_connections(_operation(made, "query"))
    return _short_enough(_printed(made), "query")


def named_mutation(mutation: str, name: str) -> str:
    """Write a bulk mutation's document under a name of ours; its variables come from the uploaded lines.

    Raises:
        InvalidInput: it is not one mutation.
    """
    document = _parsed(mutation, "mutation")
    _operation(document, "mutation")
    return _short_enough(_printed(_named(document, name)), "mutation")


def probe_of(query: str) -> str:
    """Write the same query for one object per connection."""
    from graphql import Visitor, visit  # noqa: PLC0415 - a third of the import time that the integration may cost

    class First(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
            return _with_first_one(node) if _is_connection(node) else None

    return _printed(visit(_parsed(query, "query"), First()))


def pruned(query: str, paths: Iterable[Sequence[str | int]]) -> tuple[str, tuple[str, ...]]:
    """Leave out the fields at these paths of an answer; returns the query and what was left out, dotted.

    Raises:
        InvalidInput: code `access_denied`, nothing would be left.
    """
    unwanted = {tuple(str(part) for part in path if not isinstance(part, int)) for path in paths}
    names = tuple(sorted(".".join(_bare(path)) for path in unwanted))
    operation = _operation(_parsed(query, "query"), "query")
    selections = _without(operation.selection_set, (), unwanted)
    if selections is None or not any(_connections(selections)):
        text = "Shopify lets the app read nothing of what the query asks for; check its access scopes."
        raise InvalidInput(text, code="access_denied", details=[{"field": name, "reason": "access denied"} for name in names])
    return _short_enough(_printed(_changed(operation, selection_set=selections)), "query"), names


def branches_of(query: str) -> tuple[Branch, ...]:
    """Return the connections of a query as they hang below each other."""
    return _branches(_operation(_parsed(query, "query"), "query").selection_set)


# Reading


def _parsed(text: str, what: str) -> DocumentNode:
    from graphql import GraphQLSyntaxError, parse  # noqa: PLC0415

    if len(text) > MAX_QUERY:
        raise InvalidInput.field(what, f"at most {MAX_QUERY} characters")
    try:
        return parse(text, no_location=True)
    except GraphQLSyntaxError as error:
        raise _refused(what, f"no GraphQL: {error.message}") from None
    except RecursionError:
        raise _refused(what, "selections nest too deep") from None


def _operation(document: DocumentNode, kind: str) -> OperationDefinitionNode:
    from graphql import OperationDefinitionNode  # noqa: PLC0415

    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation.value != kind:
        raise _refused(kind, f"expected one {kind}")
    return operations[0]


def _refused(what: str, reason: str) -> InvalidInput:
    return InvalidInput.field(what, reason, code="query_not_allowed")


def _values(operation: OperationDefinitionNode, given: Mapping[str, Any]) -> dict[str, ValueNode | None]:
    """Return the literal of every variable; None for one that has no value and needs none."""
    made: dict[str, ValueNode | None] = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        is_required = definition.type.kind == "non_null_type"
        if name in given and not (is_required and given[name] is None):
            made[name] = literal(given[name], _type_name(definition.type), f"variables.{name}")
        elif definition.default_value is not None and name not in given:
            made[name] = definition.default_value
        elif is_required:
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


def _fields(selections: SelectionSetNode | None) -> Iterator[FieldNode]:
    """Yield the fields of a selection, those of inline fragments too."""
    from graphql import FieldNode  # noqa: PLC0415

    for part in selections.selections if selections is not None else ():
        if isinstance(part, FieldNode):
            yield part
        else:
            yield from _fields(getattr(part, "selection_set", None))


def _key(node: FieldNode) -> str:
    return (node.alias or node.name).value


def _is_connection(node: FieldNode) -> bool:
    return any(part.name.value in ("edges", "nodes") for part in _fields(node.selection_set))


def _nodes(node: FieldNode) -> Iterator[SelectionSetNode]:
    """Yield what a connection asks of its nodes."""
    for part in _fields(node.selection_set):
        inner = [part] if part.name.value == "nodes" else list(_fields(part.selection_set)) if part.name.value == "edges" else []
        yield from (one.selection_set for one in inner if one.name.value in ("nodes", "node") and one.selection_set)


def _connections(selections: SelectionSetNode | None) -> Iterator[FieldNode]:
    """Yield the connections of an object, and of the objects inside it."""
    for field in _fields(selections):
        if _is_connection(field):
            yield field
        else:
            yield from _connections(field.selection_set)


def _branches(*selections: SelectionSetNode) -> tuple[Branch, ...]:
    found: dict[str, list[SelectionSetNode]] = {}
    for selection in selections:
        for field in _connections(selection):
            found.setdefault(_key(field), []).extend(_nodes(field))
    return tuple(
        Branch(name, frozenset(_key(field) for node in nodes for field in _fields(node)), _branches(*nodes))
        for name, nodes in found.items()
    )


def _check_connections(operation: OperationDefinitionNode) -> None:
    """Refuse what Shopify would refuse only when the operation is submitted."""
    roots = {field.name.value for field in _fields(operation.selection_set)}
    if roots & {"node", "nodes"}:
        raise _refused("query", "a bulk query cannot begin with node or nodes")
    levels, count, branches = 0, 0, _branches(operation.selection_set)
    while branches:
        levels, count = levels + 1, count + len(branches)
        branches = tuple(inner for branch in branches for inner in branch.inner)
    if not count:
        raise _refused("query", "a bulk query needs a connection")
    if count > MAX_CONNECTIONS or levels > MAX_LEVELS:
        raise _refused("query", f"at most {MAX_CONNECTIONS} connections, at most {MAX_LEVELS - 1} below each other's nodes")


# Changing


def _inlined(document: DocumentNode, values: Mapping[str, ValueNode | None]) -> DocumentNode:
    """Put literals in the place of variables; an argument whose variable has no value goes."""
    from graphql import REMOVE, NullValueNode, VariableNode, Visitor, visit  # noqa: PLC0415

    def value_of(node: Any) -> ValueNode | None:
        if node.name.value not in values:
            raise _refused("query", f"${node.name.value} is not declared")
        return values[node.name.value]

    class Inline(Visitor):
        def enter_argument(self, node: Any, *_: Any) -> Any:
            return REMOVE if isinstance(node.value, VariableNode) and value_of(node.value) is None else None

        enter_object_field = enter_argument

        def enter_variable_definition(self, *_: Any) -> Any:
            return REMOVE

        def enter_variable(self, node: Any, *_: Any) -> Any:
            return value_of(node) or NullValueNode()

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
                raise _refused("query", "a fragment is missing, or fragments use each other")
            return InlineFragmentNode(
                type_condition=found.type_condition, directives=node.directives, selection_set=found.selection_set
            )

    kept = tuple(node for node in document.definitions if not isinstance(node, FragmentDefinitionNode))
    whole: DocumentNode = visit(_changed(document, definitions=kept), Spread())
    return whole


def _printed(node: Node) -> str:
    from graphql import print_ast  # noqa: PLC0415

    return print_ast(node)


def _short_enough(text: str, what: str) -> str:
    """Return a document that Shopify takes by its size, without blanks where it must be."""
    from graphql import strip_ignored_characters  # noqa: PLC0415

    if len(text.encode()) <= MAX_BYTES:
        return text
    stripped = strip_ignored_characters(text)
    if len(stripped.encode()) > MAX_BYTES:
        raise _refused(what, f"longer than {MAX_BYTES} bytes with its fragments and variables written into it")
    return stripped


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
            continue
        left = _without(inner, here, unwanted)
        changed = _changed(part, selection_set=left) if left is not None else None
        if changed is not None and not _lost_its_nodes(part, changed):
            kept.append(changed)
    return SelectionSetNode(selections=tuple(kept)) if kept else None


def _lost_its_nodes(before: Any, after: Any) -> bool:
    return before.kind == "field" and _is_connection(before) and not _is_connection(after)


def _bare(path: Sequence[str]) -> list[str]:
    return [part for part in path if part not in ("edges", "nodes", "node")]
