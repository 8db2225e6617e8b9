"""Query cost: what an operation is charged before it runs, and what is left of that once the answer is known.

Captured (BEHAVIOURS 12 and the recorded cost blocks): scalars are free, an object is 1 point, a mutation 10, a connection
`2 + max(1, floor(2 ln n))` times its node. The actual cost puts the number of nodes that came back in the place of the number asked
for and never exceeds the requested one: a model that is exact for four in five recorded answers (see FIDELITY).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

MUTATION_POINTS = 10
COUNT_POINTS = 10
CONNECTION_POINTS = 2
MAX_QUERY_POINTS = 1000
FREE_TYPES = frozenset(
    {
        "CustomerEmailMarketingConsentState",
        "LocationAddress",
        "MailingAddress",
        "MoneyBag",
        "MoneyV2",
        "WebhookSubscriptionEndpoint",
    }
)


def page_weight(count: int) -> int:
    """Return how many nodes a page of `count` is charged for: 1→1, 10→4, 50→7, 250→11."""
    return max(1, math.floor(2 * math.log(count))) if count > 1 else 1


def _is_free_field(name: str) -> bool:
    return name.startswith("__") or name == "pageInfo" or name.lower().endswith("errors")


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of the operation with the condition under which it is selected (None: always)."""

    node: FieldNode
    condition: Any


class CostModel:
    """Cost of one operation of a document with its variables."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any]
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.variables = variables
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}

    def requested(self) -> int:
        """Return the points the bucket must hold before the operation runs."""
        root = self.schema.get_root_type(self.operation.operation)
        assert root is not None
        if self.operation.operation.value != "mutation":
            return self._requested_selections(self.operation.selection_set, root)
        total = 0
        for field in self._fields(self.operation.selection_set, root):
            kind = get_named_type(root.fields[field.node.name.value].type)
            total += MUTATION_POINTS
            if field.node.selection_set is not None:
                total += self._requested_selections(field.node.selection_set, kind, payload=True)
        return total

    def actual(self, data: dict[str, Any] | None) -> int:
        """Return the points really charged, given the answer's `data`."""
        root = self.schema.get_root_type(self.operation.operation)
        assert root is not None
        if data is None:
            return 0
        if self.operation.operation.value != "mutation":
            return self._actual_selections(self.operation.selection_set, root, data)
        total = 0
        for field in self._fields(self.operation.selection_set, root):
            total += MUTATION_POINTS
            payload = data.get(_key(field.node))
            kind = get_named_type(root.fields[field.node.name.value].type)
            if payload is not None and field.node.selection_set is not None:
                total += self._actual_selections(field.node.selection_set, kind, payload, payload_of_mutation=True)
        return total

    # Selections

    def _fields(self, selections: SelectionSetNode, parent: Any, condition: Any = None) -> Iterator[_Field]:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield _Field(node, condition)
                continue
            fragment = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            named = getattr(fragment, "type_condition", None)
            kind = self.schema.get_type(named.name.value) if named is not None else None
            yield from self._fields(fragment.selection_set, parent, condition if kind in (None, parent) else kind)  # type: ignore[union-attr]

    def _requested_selections(self, selections: SelectionSetNode, parent: Any, *, payload: bool = False) -> int:
        always, conditional, seen = 0, dict[str, int](), set[tuple[str, str | None]]()
        for field in self._fields(selections, parent):
            label = field.condition.name if field.condition is not None else None
            if (_key(field.node), label) in seen:
                continue
            seen.add((_key(field.node), label))
            points = self._requested_field(field.node, field.condition or parent, payload=payload)
            if label is None:
                always += points
            else:
                conditional[label] = conditional.get(label, 0) + points
        return always + max(conditional.values(), default=0)

    def _requested_field(self, node: FieldNode, parent: Any, *, payload: bool) -> int:
        name = node.name.value
        fields = parent.fields if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else {}
        if _is_free_field(name) or name not in fields or node.selection_set is None:
            return 0
        kind = get_named_type(fields[name].type)
        if is_leaf_type(kind):
            return 0
        if parent is self.schema.query_type and kind.name == "Count":
            return COUNT_POINTS
        if kind.name.endswith("Connection"):
            return CONNECTION_POINTS + page_weight(self._asked(node)) * self._requested_nodes(node.selection_set, kind)
        own = 0 if kind.name in FREE_TYPES or (payload and name != "shop") else 1
        return own + self._requested_selections(node.selection_set, kind)

    def _requested_nodes(self, selections: SelectionSetNode, connection: Any) -> int:
        return sum(1 + self._requested_selections(s, kind) for s, kind, _ in self._node_selections(selections, connection))

    def _node_selections(self, selections: SelectionSetNode, connection: Any) -> Iterator[tuple[SelectionSetNode, Any, bool]]:
        """Yield what is selected on the nodes of a connection: selection, node type, whether through `edges`."""
        for field in self._fields(selections, connection):
            name, inner = field.node.name.value, field.node.selection_set
            if name == "nodes" and inner is not None:
                yield inner, get_named_type(connection.fields["nodes"].type), False
            elif name == "edges" and inner is not None:
                edge = get_named_type(connection.fields["edges"].type)
                for part in self._fields(inner, edge):
                    if part.node.name.value == "node" and part.node.selection_set is not None:
                        yield part.node.selection_set, get_named_type(edge.fields["node"].type), True

    def _asked(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                if isinstance(argument.value, IntValueNode):
                    return int(argument.value.value)
                if isinstance(argument.value, VariableNode):
                    value = self.variables.get(argument.value.name.value)
                    if value is not None:
                        return int(value)
        return 1

    # The answer

    def _actual_selections(
        self, selections: SelectionSetNode, parent: Any, value: Any, *, payload_of_mutation: bool = False
    ) -> int:
        total, seen = 0, set[str]()
        for field in self._fields(selections, parent):
            key = _key(field.node)
            if key in seen or not isinstance(value, dict) or key not in value:
                continue
            seen.add(key)
            total += self._actual_field(field.node, field.condition or parent, value[key], payload_of_mutation)
        return total

    def _actual_field(self, node: FieldNode, parent: Any, value: Any, payload: bool) -> int:
        name = node.name.value
        fields = {} if isinstance(parent, GraphQLUnionType) else getattr(parent, "fields", {})
        if _is_free_field(name) or name not in fields or node.selection_set is None:
            return 0
        kind = get_named_type(fields[name].type)
        if value is None:
            return 0 if kind.name in FREE_TYPES or payload or kind.name.endswith("Connection") else 1
        if parent is self.schema.query_type and kind.name == "Count":
            return COUNT_POINTS
        if kind.name.endswith("Connection"):
            return CONNECTION_POINTS + self._actual_nodes(node, kind, value)
        own = 0 if kind.name in FREE_TYPES or (payload and name != "shop") else 1
        items = value if isinstance(value, list) else [value]
        return max((own + self._actual_selections(node.selection_set, kind, item) for item in items if item is not None), default=0)

    def _actual_nodes(self, node: FieldNode, connection: Any, value: Any) -> int:
        assert node.selection_set is not None
        total, most = 0, page_weight(self._asked(node)) * self._requested_nodes(node.selection_set, connection)
        for inner, kind, through_edges in self._node_selections(node.selection_set, connection):
            nodes = [e.get("node") for e in value.get("edges") or ()] if through_edges else value.get("nodes") or []
            if not nodes:
                return most
            each = [1 + self._actual_selections(inner, kind, node) for node in nodes if node is not None]
            total += int(through_edges) + page_weight(len(nodes)) * (sum(each) // len(nodes))
        return min(total, most)


def _key(node: FieldNode) -> str:
    return (node.alias or node.name).value
