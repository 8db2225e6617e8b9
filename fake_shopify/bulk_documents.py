"""What may run in bulk: the documents of `bulkOperationRunQuery` and `bulkOperationRunMutation` against Shopify's restrictions.

Source: shopify.dev/docs/api/usage/bulk-operations/queries (operation restrictions), …/imports (limitations; read 2026-11).
Captured: the texts of an empty and an oversized document, of no connection at all (bulk_operations-028, 029, 039, 041), and those
about mutations (008 … 012, 019 … 022). Assumed: the texts of the other restrictions, which are those that developers quote, that
all of them are told at once, and that a document which the schema refuses is refused with its first error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
)

from fake_shopify.coercion import coerce_variables
from fake_shopify.context import Context
from fake_shopify.engine import Parsed, read_document
from fake_shopify.failures import user_error

MOST_BYTES = 65_535
MOST_CONNECTIONS = 5
MOST_LEVELS = 2
"""How deep a connection may be nested in others; one at the root is not nested."""
FORBIDDEN_MUTATIONS = ("bulkOperationRunMutation", "bulkOperationRunQuery")

Error = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BulkDocument:
    """A document that may run: its operation and the fragments it may use."""

    parsed: Parsed
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]


@dataclass(frozen=True, slots=True)
class Found:
    """A connection of a document: its field, how deep it is nested, and what stands around it.

    Args:
        in_list: there is a plain list between it and the connection (or the root) above.
        above: the connection whose nodes it hangs on.
        has_id: its nodes are selected with an `id` that is theirs.
        is_known: its nodes have ids.
    """

    name: str
    level: int
    in_list: bool
    above: Found | None
    through_edges: bool
    has_id: bool
    is_known: bool


def every_field(
    schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], selection: SelectionSetNode, kind: Any
) -> Iterator[tuple[FieldNode, Any]]:
    """Yield the fields of a selection with their types; fragments count as if written out."""
    for node in selection.selections:
        if isinstance(node, FieldNode):
            known = getattr(kind, "fields", {}).get(node.name.value)
            if known is not None:
                yield node, known.type
            continue
        fragment: Any = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        named = fragment.type_condition
        inner = schema.get_type(named.name.value) if named is not None else kind
        yield from every_field(schema, fragments, fragment.selection_set, inner)


class Connections:
    """Finds the connections of an operation."""

    def __init__(self, ctx: Context, operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self.schema, self.fragments = ctx.schema.graphql, fragments
        root = self.schema.get_root_type(operation.operation)
        self.found = list(self._below(operation.selection_set, root, None, in_list=False))

    def fields(self, selection: SelectionSetNode, kind: Any) -> Iterator[tuple[FieldNode, Any]]:
        """Yield the fields of a selection with their types."""
        return every_field(self.schema, self.fragments, selection, kind)

    def _below(self, selection: SelectionSetNode, kind: Any, above: Found | None, *, in_list: bool) -> Iterator[Found]:
        for node, field_type in self.fields(selection, kind):
            if node.selection_set is None:
                continue
            named: Any = get_named_type(field_type)
            if named.name.endswith("Connection"):
                yield from self._connection(node, named, above, in_list=in_list)
            else:
                yield from self._below(node.selection_set, named, above, in_list=in_list or _is_list(field_type))

    def _connection(self, node: FieldNode, kind: Any, above: Found | None, *, in_list: bool) -> Iterator[Found]:
        assert node.selection_set is not None
        parts = list(self._nodes(node.selection_set, kind))
        edge: Any = get_named_type(kind.fields["edges"].type)
        found = Found(
            name=node.name.value,
            level=0 if above is None else above.level + 1,
            in_list=in_list,
            above=above,
            through_edges=any(through_edges for _, _, through_edges in parts)
            and all(through_edges for _, _, through_edges in parts),
            has_id=any(self._selects_id(selection, inner) for selection, inner, _ in parts),
            is_known=self._has_ids(get_named_type(edge.fields["node"].type)),
        )
        yield found
        for selection, inner, _ in parts:
            yield from self._below(selection, inner, found, in_list=False)

    def _nodes(self, selection: SelectionSetNode, kind: Any) -> Iterator[tuple[SelectionSetNode, Any, bool]]:
        """Yield what is selected on the nodes of a connection: selection, type, whether through `edges`."""
        for node, field_type in self.fields(selection, kind):
            named = get_named_type(field_type)
            if node.selection_set is None:
                continue
            if node.name.value == "nodes":
                yield node.selection_set, named, False
            elif node.name.value == "edges":
                for inner, inner_type in self.fields(node.selection_set, named):
                    if inner.name.value == "node" and inner.selection_set is not None:
                        yield inner.selection_set, get_named_type(inner_type), True

    def _selects_id(self, selection: SelectionSetNode, kind: Any) -> bool:
        return any(
            node.name.value == "id" and node.alias is None and get_named_type(field_type).name == "ID"
            for node, field_type in self.fields(selection, kind)
        )

    def _has_ids(self, kind: Any) -> bool:
        """Say whether objects can be told apart; that is less than the guide asks for, but codes of discounts do run in bulk."""
        kinds = self.schema.get_possible_types(kind) if is_abstract_type(kind) else (kind,)
        return all(isinstance(one, GraphQLObjectType) and "id" in one.fields for one in kinds)


def _is_list(kind: Any) -> bool:
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)


def _read(ctx: Context, text: str) -> BulkDocument | str:
    """Return a document with one operation that fits the schema, or what is wrong with it."""
    parsed = read_document(ctx.version, text)
    if parsed.errors:
        return str(parsed.errors[0]["message"])
    if len(parsed.operations) != 1:
        return "An operation name is required"
    assert parsed.document is not None
    fragments = {one.name.value: one for one in parsed.document.definitions if isinstance(one, FragmentDefinitionNode)}
    return BulkDocument(parsed, parsed.operations[0], fragments)


# Queries


def read_query(ctx: Context, text: str) -> BulkDocument | list[Error]:
    """Return the document of a bulk query, or the user errors that refuse it."""
    size = len(text.encode("utf-8", "replace"))
    if size > MOST_BYTES:
        return _refused([f"Query is too large ({size} bytes; maximum is {MOST_BYTES} bytes)"])
    found = _read(ctx, text)
    if isinstance(found, str):
        return _refused([f"Invalid bulk query: {found}"])
    if found.operation.operation.value != "query":
        return _refused(["Invalid operation type. Only `query` operations are supported."])
    _, wrong = coerce_variables(ctx.schema.graphql, found.operation, {})
    if wrong:
        return _refused([f"Invalid bulk query: {wrong[0]['message']}"])
    messages = list(_restrictions(ctx, found))
    return _refused(messages) if messages else found


def _refused(messages: list[str]) -> list[Error]:
    return [user_error(["query"], message, "INVALID") for message in messages]


def _restrictions(ctx: Context, document: BulkDocument) -> Iterator[str]:
    connections = Connections(ctx, document.operation, document.fragments)
    found = connections.found
    roots = [node.name.value for node, _ in connections.fields(document.operation.selection_set, ctx.schema.graphql.query_type)]
    for name in ("node", "nodes"):
        if name in roots:
            yield f"Bulk queries cannot contain a top level `{name}` field."
    if len(roots) > 1:
        yield "Bulk queries must contain a single top level field."
    if not found:
        yield "Bulk queries must contain at least one connection."
    if len(found) > MOST_CONNECTIONS:
        yield f"Bulk queries cannot contain more than {MOST_CONNECTIONS} connections."
    if any(one.level > MOST_LEVELS for one in found):
        yield f"Bulk queries cannot contain connections with a nesting depth greater than {MOST_LEVELS}."
    yield from _restrictions_of_fields(found)


def _restrictions_of_fields(found: list[Found]) -> Iterator[str]:
    if any(one.in_list for one in found):
        yield "Queries that contain a connection field within a list field are not currently supported."
    if others := _named(one for one in found if not one.is_known):
        yield f"Bulk queries can only contain connections of types that implement the Node interface. Invalid fields: {others}."
    if astray := _named(one for one in found if not one.through_edges):
        yield (
            "All connection fields in a bulk query must select their contents using 'edges' > 'node'. "
            f"Invalid connection fields: {astray}."
        )
    if orphans := _named(one for one in found if one.above is not None and not one.above.has_id):
        yield (
            "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' "
            f"return type. Connection fields without 'id': {orphans}."
        )


def _named(found: Iterator[Found]) -> str:
    return ", ".join(dict.fromkeys(f"'{one.name}'" for one in found))


# Mutations


def read_mutation(ctx: Context, text: str) -> BulkDocument | list[Error]:
    """Return the document of a bulk mutation, or the user errors that refuse it."""
    found = _read(ctx, text)
    if isinstance(found, str):
        return [user_error(None, f"Failed to parse the mutation - {found}", "INVALID_MUTATION")]
    if found.operation.operation.value != "mutation":
        text = "Invalid operation type. Only `mutation` operations are supported."
        return [user_error(None, text, "INVALID_MUTATION")]
    connections = Connections(ctx, found.operation, found.fragments)
    roots = [node.name.value for node, _ in connections.fields(found.operation.selection_set, ctx.schema.graphql.mutation_type)]
    if len(roots) != 1:
        return [user_error(["mutation"], "You must specify a single top level mutation.")]
    if roots[0] in FORBIDDEN_MUTATIONS:
        return [user_error(["mutation"], "You must use an allowed mutation name.")]
    if len(connections.found) > 1:
        return [user_error(["mutation"], "Bulk mutations cannot contain more than 1 connection.")]
    return found


def mutation_size_error(text: str) -> Error | None:
    """Refuse a mutation that is too large to be kept (captured: bulk_operations-054)."""
    size = len(text.encode("utf-8", "replace"))
    if size <= MOST_BYTES:
        return None
    return user_error(["query"], f"is too large ({size} bytes; maximum is {MOST_BYTES} bytes)", "INVALID_MUTATION")
