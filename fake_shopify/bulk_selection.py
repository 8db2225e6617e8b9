"""A selection made ready: functions that turn an object into its JSON value, compiled once per document and run once per object.

The resolvers are the ones that the engine calls, in the same way; what is left out is the engine's work per field (collecting
fields, paths, arguments, errors beside data). Anything that the engine would report as an error is raised here, because it ends a
bulk operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.values import get_argument_values, get_directive_values, get_variable_values
from graphql.type import GraphQLIncludeDirective, GraphQLSkipDirective

from fake_shopify.bulk_documents import every_field
from fake_shopify.context import Context
from fake_shopify.engine import default_resolver
from fake_shopify.paging import EVERYTHING

WINDOW = ("first", "last", "after", "before")
"""What bulk operations ignore (source: shopify.dev/docs/api/usage/bulk-operations/queries, read 2026-11)."""

TEXTS = frozenset({"DateTime", "Decimal", "HTML", "ID", "Money", "String"})
"""Types whose texts are written as they are."""

Read = Callable[[Any], Any]


class Unanswerable(Exception):
    """A field that cannot be null has no value, or the schema's variables have none."""


@dataclass(slots=True)
class Children:
    """The rows of a connection below an object, and how they are written."""

    source: Connected
    rows: Iterable[Any]


Deep = Callable[[Any, dict[str, Any], list[Children]], None]


@dataclass(slots=True)
class Shape:
    """How objects of one type are written: fields in order; those with a connection at or below them hand out children."""

    fields: list[tuple[str, Read | None, Deep | None]] = field(default_factory=list)
    is_deep: bool = False
    plain: tuple[tuple[str, Read], ...] = ()

    def seal(self) -> Shape:
        """Get ready to write."""
        self.is_deep = any(deep is not None for _, _, deep in self.fields)
        self.plain = tuple((key, read) for key, read, _ in self.fields if read is not None)
        return self

    def write(self, source: Any) -> dict[str, Any]:
        """Return the value of an object without connections."""
        return {key: read(source) for key, read in self.plain}

    def write_deep(self, source: Any, children: list[Children]) -> dict[str, Any]:
        """Return the value of an object without its connections, whose rows are appended to `children`."""
        if not self.is_deep:
            return {key: read(source) for key, read in self.plain}
        line: dict[str, Any] = {}
        for key, read, deep in self.fields:
            if read is not None:
                line[key] = read(source)
            elif deep is not None:
                deep(source, line, children)
        return line


@dataclass(slots=True)
class Connected:
    """A connection of the selection: how its nodes are written."""

    shape_of: Callable[[Any], Shape]

    def write(self, row: Any, children: list[Children]) -> dict[str, Any]:
        """Return the line of one node."""
        return self.shape_of(row).write_deep(row, children)


class Selection:
    """The selection of a whole operation, for one caller.

    Raises:
        Unanswerable: the operation has variables without values.
    """

    def __init__(self, ctx: Context, operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self.ctx, self.schema, self.operation, self.fragments = ctx, ctx.schema.graphql, operation, fragments
        values: Any = get_variable_values(self.schema, operation.variable_definitions or (), {})
        if isinstance(values, list):
            raise Unanswerable(values[0].message)
        self.variables = values
        self._shapes: dict[tuple[Any, ...], Shape] = {}
        root = self.schema.query_type
        assert root is not None
        self.root = self.shape(root, (operation.selection_set,))

    def children(self) -> list[Children]:
        """Resolve the root and return its connections; the root's own fields are not part of a result."""
        found: list[Children] = []
        self.root.write_deep(None, found)
        return found

    # Shapes

    def shape(self, kind: GraphQLObjectType, selections: tuple[SelectionSetNode, ...]) -> Shape:
        """Return how objects of a type are written."""
        key = (kind.name, *map(id, selections))
        if key not in self._shapes:
            # Known before it is finished: a type may contain itself through a fragment.
            shape = self._shapes[key] = Shape()
            for name, nodes in self._collected(kind, selections).items():
                shape.fields.append((name, *self._field(kind, name, nodes)))
            shape.seal()
        return self._shapes[key]

    def _collected(self, kind: GraphQLObjectType, selections: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        found: dict[str, list[FieldNode]] = {}
        for selection in selections:
            for node in self._nodes(kind, selection, set()):
                found.setdefault((node.alias or node.name).value, []).append(node)
        return found

    def _nodes(self, kind: GraphQLObjectType, selection: SelectionSetNode, seen: set[str]) -> Iterator[FieldNode]:
        for node in selection.selections:
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                if self._applies(node.type_condition, kind):
                    yield from self._nodes(kind, node.selection_set, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if self._applies(fragment.type_condition, kind):
                    yield from self._nodes(kind, fragment.selection_set, seen)

    def _is_included(self, node: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and not (include is not None and not include["if"])

    def _applies(self, condition: Any, kind: GraphQLObjectType) -> bool:
        if condition is None or condition.name.value == kind.name:
            return True
        other: Any = self.schema.get_type(condition.name.value)
        return is_abstract_type(other) and self.schema.is_sub_type(other, kind)

    # Fields

    def _field(self, kind: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> tuple[Read | None, Deep | None]:
        node = nodes[0]
        name = node.name.value
        if name == "__typename":
            return (lambda source: kind.name), None
        known = kind.fields[name]
        named = get_named_type(known.type)
        inner = tuple(one.selection_set for one in nodes if one.selection_set is not None)
        arguments = get_argument_values(known, node, self.variables)
        if named.name.endswith("Connection"):
            arguments = {name: value for name, value in arguments.items() if name not in WINDOW}
            resolve = self._resolver(kind, node, key, arguments | {"first": EVERYTHING})
            return None, self._connection(resolve, named, inner)
        resolve = self._resolver(kind, node, key, arguments)
        if is_leaf_type(named) or not self._has_connection(named, inner):
            read = _then(resolve, self._completed(known.type, inner, f"{kind.name}.{name}"))
            return (self._short(named, name, inner, read) if known.resolve is None else read), None
        return None, self._object(resolve, key, known.type, inner)

    def _short(self, named: Any, name: str, inner: tuple[SelectionSetNode, ...], read: Read) -> Read:
        """Return a function that takes the short way where an object simply holds the value of a field, else the long one."""
        if isinstance(named, GraphQLEnumType):
            return _held_choice(name, frozenset(named.values), read)
        if named.name in TEXTS:
            return _held_text(name, read)
        return _held_object(name, self.shape(named, inner), read) if isinstance(named, GraphQLObjectType) else read

    def _resolver(self, kind: GraphQLObjectType, node: FieldNode, key: str, arguments: dict[str, Any]) -> Read:
        """Return a function that gets a field's value off an object: what the engine calls, with what it passes."""
        name, ctx = node.name.value, self.ctx
        known = kind.fields[name]
        info: Any = SimpleNamespace(
            context=ctx,
            field_name=name,
            field_nodes=[node],
            return_type=known.type,
            parent_type=kind,
            path=SimpleNamespace(as_list=lambda: [key]),
            operation=self.operation,
            variable_values=self.variables,
        )
        resolve = known.resolve
        if resolve is not None:
            return lambda source: resolve(source, info, **arguments)

        def read(source: Any) -> Any:
            if isinstance(source, dict) and name in source:
                value = source[name]
                return value(ctx, **arguments) if callable(value) else value
            return default_resolver(source, info, **arguments)

        return read

    def _completed(self, kind: Any, inner: tuple[SelectionSetNode, ...], where: str) -> Read:
        """Return a function that turns a field's value into JSON."""
        if isinstance(kind, GraphQLNonNull):
            if isinstance(kind.of_type, GraphQLObjectType):
                return _required_object(self.shape(kind.of_type, inner), where)
            return _never_null(self._completed(kind.of_type, inner, where), where)
        if isinstance(kind, GraphQLList):
            item = self._completed(kind.of_type, inner, where)
            return lambda value: None if value is None else [item(one) for one in value]
        if is_leaf_type(kind):
            return _leaf(kind)
        if isinstance(kind, GraphQLObjectType):
            shape = self.shape(kind, inner)
            return lambda value: None if value is None else shape.write(value)
        shape_of = self._shape_of(kind, inner)
        return lambda value: None if value is None else shape_of(value).write(value)

    def _shape_of(self, kind: Any, inner: tuple[SelectionSetNode, ...]) -> Callable[[Any], Shape]:
        """Return a function that finds the shape of an object, by its type where the schema leaves that open."""
        if isinstance(kind, GraphQLObjectType):
            shape = self.shape(kind, inner)
            return lambda value: shape
        known: dict[str, Shape] = {}

        def find(value: Any) -> Shape:
            name = value["__typename"]
            if name not in known:
                concrete: Any = self.schema.get_type(name)
                known[name] = self.shape(concrete, inner)
            return known[name]

        return find

    # Connections

    def _has_connection(self, kind: Any, selections: Iterable[SelectionSetNode]) -> bool:
        """Say whether there is a connection below a selection."""
        for selection in selections:
            for node, field_type in every_field(self.schema, self.fragments, selection, kind):
                named: Any = get_named_type(field_type)
                if named.name.endswith("Connection"):
                    return True
                if node.selection_set is not None and self._has_connection(named, [node.selection_set]):
                    return True
        return False

    def _object(self, resolve: Read, key: str, kind: Any, inner: tuple[SelectionSetNode, ...]) -> Deep:
        """Return a function that writes an object whose connections are children of the line."""
        named = get_named_type(kind)
        shape_of, is_required = self._shape_of(named, inner), isinstance(kind, GraphQLNonNull)

        def write(source: Any, line: dict[str, Any], children: list[Children]) -> None:
            value = resolve(source)
            if value is None and is_required:
                raise Unanswerable(f"{key} has no value")
            line[key] = None if value is None else shape_of(value).write_deep(value, children)

        return write

    def _connection(self, resolve: Read, kind: Any, inner: tuple[SelectionSetNode, ...]) -> Deep:
        """Return a function that hands out the rows of a connection."""
        nodes, node_kind = self._node_selections(kind, inner)
        connected = Connected(self._shape_of(node_kind, nodes))

        def hand_out(source: Any, line: dict[str, Any], children: list[Children]) -> None:
            value = resolve(source)
            if value is not None:
                children.append(Children(connected, _rows(value)))

        return hand_out

    def _node_selections(self, kind: Any, inner: tuple[SelectionSetNode, ...]) -> tuple[tuple[SelectionSetNode, ...], Any]:
        edges = [node.selection_set for node in self._collected(kind, inner).get("edges", ()) if node.selection_set is not None]
        edge: Any = get_named_type(kind.fields["edges"].type)
        found = [node.selection_set for node in self._collected(edge, edges).get("node", ()) if node.selection_set is not None]
        return tuple(found), get_named_type(edge.fields["node"].type)


def _rows(connection: dict[str, Any]) -> Iterable[Any]:
    if "nodes" in connection:
        found: Iterable[Any] = connection["nodes"]
        return found
    return (edge["node"] for edge in connection["edges"])


def _held_text(name: str, read: Read) -> Read:
    def take(source: Any) -> Any:
        value = source.get(name)
        return value if type(value) is str else read(source)

    return take


def _held_choice(name: str, choices: frozenset[str], read: Read) -> Read:
    def take(source: Any) -> Any:
        value = source.get(name)
        return value if type(value) is str and value in choices else read(source)

    return take


def _held_object(name: str, shape: Shape, read: Read) -> Read:
    def take(source: Any) -> Any:
        value = source.get(name)
        return {key: inner(value) for key, inner in shape.plain} if isinstance(value, dict) else read(source)

    return take


def _required_object(shape: Shape, where: str) -> Read:
    def write(value: Any) -> Any:
        if value is None:
            raise Unanswerable(f"{where} has no value")
        return {key: read(value) for key, read in shape.plain}

    return write


def _then(resolve: Read, complete: Read) -> Read:
    return lambda source: complete(resolve(source))


def _never_null(complete: Read, where: str) -> Read:
    def check(value: Any) -> Any:
        found = complete(value)
        if found is None:
            raise Unanswerable(f"{where} has no value")
        return found

    return check


def _leaf(kind: Any) -> Read:
    serialize = getattr(kind, "coerce_output_value", None) or kind.serialize

    def complete(value: Any) -> Any:
        return None if value is None else serialize(value)

    return complete
