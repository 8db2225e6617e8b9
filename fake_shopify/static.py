"""Static validation of a document, in the words and with the codes of Shopify's Ruby executor.

Captured where BEHAVIOURS 1-5 or a recorded case shows the text; the other texts follow graphql-ruby's documentation of the same
rules. Each error carries the path of syntax (`["query Op", "field", "argument"]`), not the path of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    ListValueNode,
    Node,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
    is_type_sub_type_of,
    print_ast,
    type_from_ast,
    value_from_ast_untyped,
)
from graphql.language import BooleanValueNode, EnumValueNode, FloatValueNode, IntValueNode, StringValueNode

from fake_shopify.scalars import Refused, check_scalar

Error = dict[str, Any]
Path = tuple[str | int, ...]
META = {"__typename": "String"}


def located(node: Node) -> list[dict[str, int]]:
    """Return the `locations` of a node."""
    if node.loc is None:
        return []
    return [{"line": node.loc.start_token.line, "column": node.loc.start_token.column}]


def error(message: str, node: Node, path: Path, code: str, **facts: Any) -> Error:
    """Build one static error."""
    return {"message": message, "locations": located(node), "path": list(path), "extensions": {"code": code, **facts}}


def operation_title(operation: OperationDefinitionNode) -> str:
    """Return the first element of every static path: `query Name`, or `query` for an unnamed operation."""
    name = f" {operation.name.value}" if operation.name else ""
    return operation.operation.value + name


class _Usage:
    """What one definition uses: variables (with the place's type) and fragments."""

    def __init__(self) -> None:
        self.variables: list[tuple[VariableNode, Any, bool, ArgumentNode | None, Path]] = []
        self.spreads: list[FragmentSpreadNode] = []


class StaticValidation:
    """One pass over a document; `errors` holds what was found, in reading order."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.schema = schema
        self.errors: list[Error] = []
        definitions = document.definitions
        self.fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
        self.operations = [d for d in definitions if isinstance(d, OperationDefinitionNode)]
        self._usages: dict[str, _Usage] = {}
        self._usage = _Usage()

    def run(self) -> list[Error]:
        """Check everything and return the errors."""
        usages = [self._operation(operation) for operation in self.operations]
        for name, fragment in self.fragments.items():
            self._fragment(name, fragment)
        self._endless_fragments()
        for operation, usage in zip(self.operations, usages, strict=True):
            self._variables(operation, usage)
        self._unused_fragments(usages)
        return self.errors

    # Definitions

    def _operation(self, operation: OperationDefinitionNode) -> _Usage:
        self._usage = usage = _Usage()
        path: Path = (operation_title(operation),)
        for node in operation.variable_definitions or ():
            kind = type_from_ast(self.schema, node.type)
            if kind is None:
                name = print_ast(node.type).strip("[]!")
                text = f"{name} isn't a defined input type (on ${node.variable.name.value})"
                self.errors.append(
                    error(text, node, path, "variableRequiresValidType", typeName=name, variableName=node.variable.name.value)
                )
        root = self.schema.get_root_type(operation.operation)
        if root is None:
            self.errors.append(error(f"Schema is not configured for {operation.operation.value}s", operation, path, "missingRoot"))
        else:
            self._directives(operation.directives or (), path)
            self._selections(operation.selection_set, root, path)
        return usage

    def _fragment(self, name: str, fragment: FragmentDefinitionNode) -> None:
        self._usage = self._usages[name] = _Usage()
        path: Path = (f"fragment {name}",)
        kind = self._condition(fragment.type_condition.name.value, fragment, path)
        if kind is not None:
            self._selections(fragment.selection_set, kind, path)

    def _condition(self, name: str, node: Node, path: Path) -> Any:
        kind = self.schema.get_type(name)
        if kind is None:
            text = f"No such type {name}, so it can't be a fragment condition"
            self.errors.append(error(text, node, path, "undefinedType", typeName=name))
        elif not is_composite_type(kind):
            text = f"Invalid fragment on type {name} (must be Union, Interface or Object)"
            self.errors.append(error(text, node, path, "fragmentOnNonCompositeType", typeName=name))
            return None
        return kind

    # Selections

    def _selections(self, selections: SelectionSetNode, parent: Any, path: Path) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                self._field(node, parent, (*path, (node.alias or node.name).value))
            elif isinstance(node, InlineFragmentNode):
                self._inline(node, parent, path)
            else:
                assert isinstance(node, FragmentSpreadNode)
                self._spread(node, path)

    def _inline(self, node: InlineFragmentNode, parent: Any, path: Path) -> None:
        kind, here = parent, (*path, "...")
        if node.type_condition is not None:
            name = node.type_condition.name.value
            here = (*path, f"... on {name}")
            kind = self._condition(name, node, here)
        self._directives(node.directives or (), here)
        if kind is not None:
            self._selections(node.selection_set, kind, here)

    def _spread(self, node: FragmentSpreadNode, path: Path) -> None:
        name = node.name.value
        self._usage.spreads.append(node)
        if name not in self.fragments:
            here = (*path, f"... {name}")
            self.errors.append(
                error(f"Fragment {name} was used, but not defined", node, here, "useAndDefineFragment", fragmentName=name)
            )

    def _field(self, node: FieldNode, parent: Any, path: Path) -> None:
        name = node.name.value
        if name in META or name in ("__schema", "__type"):
            if name != "__typename" and node.selection_set:
                return
            kind: Any = self.schema.get_type("String")
            self._leaves(node, kind, path)
            return
        fields = getattr(parent, "fields", {})
        if isinstance(parent, GraphQLUnionType) or name not in fields:
            text = f"Field '{name}' doesn't exist on type '{parent.name}'"
            self.errors.append(error(text, node, path, "undefinedField", typeName=parent.name, fieldName=name))
            return
        known = fields[name]
        self._directives(node.directives or (), path)
        self._arguments(node, name, known.args, path)
        kind = get_named_type(known.type)
        self._leaves(node, kind, path)
        if node.selection_set and is_composite_type(kind):
            self._selections(node.selection_set, kind, path)

    def _leaves(self, node: FieldNode, kind: Any, path: Path) -> None:
        name = node.name.value
        if is_composite_type(kind) and not node.selection_set:
            text = (
                f"Field must have selections (field '{name}' returns {kind.name} but has no selections. "
                f"Did you mean '{name} {{ ... }}'?)"
            )
            self.errors.append(error(text, node, path, "selectionMismatch", nodeName=f"field '{name}'", typeName=kind.name))
        elif not is_composite_type(kind) and node.selection_set:
            chosen = ", ".join(f'"{s.name.value}"' for s in node.selection_set.selections if isinstance(s, FieldNode))
            family = "enums" if isinstance(kind, GraphQLEnumType) else "scalars"
            text = f"Selections can't be made on {family} (field '{name}' returns {kind.name} but has selections [{chosen}])"
            self.errors.append(error(text, node, path, "selectionMismatch", nodeName=f"field '{name}'", typeName=kind.name))

    # Arguments and literals

    def _arguments(self, node: FieldNode, name: str, known: dict[str, Any], path: Path) -> None:
        given = {a.name.value: a for a in node.arguments or ()}
        missing = [n for n, a in known.items() if is_required_argument(a) and n not in given]
        if missing:
            names = ", ".join(missing)
            text = f"Field '{name}' is missing required arguments: {names}"
            self.errors.append(error(text, node, path, "missingRequiredArguments", className="Field", name=name, arguments=names))
        for argument in node.arguments or ():
            label = argument.name.value
            here = (*path, label)
            if label not in known:
                text = f"Field '{name}' doesn't accept argument '{label}'"
                self.errors.append(
                    error(text, argument, here, "argumentNotAccepted", name=name, typeName="Field", argumentName=label)
                )
            else:
                self._value(argument.value, known[label], ("Field", name, label), node, argument, here)

    def _value(self, value: ValueNode, known: Any, owner: tuple[str, str, str], holder: Node, node: Any, path: Path) -> None:
        has_default = known.default_value is not Undefined
        self._collect(value, known.type, has_default, node if isinstance(node, ArgumentNode) else None, path)
        bare = known.type.of_type if isinstance(known.type, GraphQLNonNull) else known.type
        if isinstance(value, ObjectValueNode) and isinstance(bare, GraphQLInputObjectType):
            self._object(value, bare, path)
        elif self._is_list_of_objects(value, bare):
            assert isinstance(value, ListValueNode)
            kind = get_named_type(bare)
            for index, item in enumerate(value.values):
                assert isinstance(kind, GraphQLInputObjectType)
                if isinstance(item, ObjectValueNode):
                    self._object(item, kind, (*path, index))
        else:
            self._literal(value, known.type, owner, holder, path)

    @staticmethod
    def _is_list_of_objects(value: ValueNode, kind: Any) -> bool:
        return (
            isinstance(value, ListValueNode)
            and isinstance(get_named_type(kind), GraphQLInputObjectType)
            and all(isinstance(v, ObjectValueNode | VariableNode) for v in value.values)
        )

    def _object(self, value: ObjectValueNode, kind: GraphQLInputObjectType, path: Path) -> None:
        given = {f.name.value for f in value.fields}
        for field in value.fields:
            name = field.name.value
            here = (*path, name)
            if name not in kind.fields:
                text = f"InputObject '{kind.name}' doesn't accept argument '{name}'"
                self.errors.append(
                    error(text, field, here, "argumentNotAccepted", name=kind.name, typeName="InputObject", argumentName=name)
                )
            else:
                self._value(field.value, kind.fields[name], ("InputObject", kind.name, name), value, field, here)
        for name, known in kind.fields.items():
            if name not in given and is_required_input_field(known):
                self._missing_attribute(value, kind, name, known, path)
        if kind.is_one_of and len(value.fields) != 1:
            text = f"OneOf Input Object '{kind.name}' must specify exactly one key."
            self.errors.append(error(text, value, path, "invalidOneOfInputObject", inputObjectType=kind.name))

    def _missing_attribute(self, value: Node, kind: GraphQLInputObjectType, name: str, known: Any, path: Path) -> None:
        text = f"Argument '{name}' on InputObject '{kind.name}' is required. Expected type {known.type}"
        self.errors.append(
            error(
                text,
                value,
                (*path, name),
                "missingRequiredInputObjectAttribute",
                argumentName=name,
                argumentType=str(known.type),
                inputObjectType=kind.name,
            )
        )

    def _literal(self, value: ValueNode, kind: Any, owner: tuple[str, str, str], holder: Node, path: Path) -> None:
        try:
            good = literal_fits(value, kind)
        except Refused as refused:
            self.errors.append(error(refused.explanation, holder, path, "argumentLiteralsIncompatible", typeName="CoercionError"))
            return
        if not good:
            family, name, label = owner
            text = f"Argument '{label}' on {family} '{name}' has an invalid value ({print_ast(value)}). Expected type '{kind}'."
            self.errors.append(error(text, holder, path, "argumentLiteralsIncompatible", typeName=family, argumentName=label))

    # Variables, fragments, directives

    def _collect(self, value: ValueNode, kind: Any, has_default: bool, node: ArgumentNode | None, path: Path) -> None:
        if isinstance(value, VariableNode):
            self._usage.variables.append((value, kind, has_default, node, path))
        elif isinstance(value, ListValueNode):
            bare = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
            inner = bare.of_type if isinstance(bare, GraphQLList) else bare
            for item in value.values:
                if isinstance(item, VariableNode):
                    self._usage.variables.append((item, inner, False, node, path))
                elif isinstance(item, ListValueNode):
                    self._collect(item, inner, False, node, path)

    def _directives(self, directives: Sequence[DirectiveNode], path: Path) -> None:
        for node in directives:
            name = node.name.value
            known = self.schema.get_directive(name)
            if known is None:
                self.errors.append(error(f"Directive @{name} is not defined", node, path, "undefinedDirective", directiveName=name))
                continue
            for argument in node.arguments or ():
                if argument.name.value in known.args:
                    self._collect(argument.value, known.args[argument.name.value].type, False, argument, path)

    def _reach(self, usage: _Usage, seen: set[str]) -> Iterator[_Usage]:
        yield usage
        for spread in usage.spreads:
            name = spread.name.value
            if name not in seen and name in self._usages:
                seen.add(name)
                yield from self._reach(self._usages[name], seen)

    def _variables(self, operation: OperationDefinitionNode, usage: _Usage) -> None:
        title = operation_title(operation)
        label = operation.name.value if operation.name else "anonymous " + operation.operation.value
        declared = {v.variable.name.value: v for v in operation.variable_definitions or ()}
        used: set[str] = set()
        for part in self._reach(usage, set()):
            for node, kind, has_default, argument, path in part.variables:
                name = node.name.value
                if name not in declared:
                    if name not in used:
                        text = f"Variable ${name} is used by {label} but not declared"
                        self.errors.append(error(text, node, path, "variableNotDefined", variableName=name))
                else:
                    self._variable_fits(declared[name], kind, has_default, argument, path)
                used.add(name)
        for name, definition in declared.items():
            if name not in used:
                text = f"Variable ${name} is declared by {label} but not used"
                self.errors.append(error(text, definition, (title,), "variableNotUsed", variableName=name))

    def _variable_fits(self, definition: Any, wanted: Any, has_default: bool, argument: ArgumentNode | None, path: Path) -> None:
        kind: Any = type_from_ast(self.schema, definition.type)
        if kind is None:
            return
        if isinstance(wanted, GraphQLNonNull) and not isinstance(kind, GraphQLNonNull):
            given_default = definition.default_value is not None and not isinstance(definition.default_value, NullValueNode)
            fits = (given_default or has_default) and is_type_sub_type_of(self.schema, kind, wanted.of_type)
        else:
            fits = is_type_sub_type_of(self.schema, kind, wanted)
        if not fits and argument is not None:
            name, label = definition.variable.name.value, argument.name.value
            reason = self._mismatch(kind, wanted)
            text = f"{reason} on variable ${name} and argument {label} ({print_ast(definition.type)} / {wanted})"
            self.errors.append(
                error(
                    text,
                    argument,
                    path,
                    "variableMismatch",
                    variableName=name,
                    typeName=print_ast(definition.type),
                    argumentName=label,
                    errorMessage=reason,
                )
            )

    @staticmethod
    def _mismatch(kind: Any, wanted: Any) -> str:
        if get_named_type(kind) is not get_named_type(wanted):
            return "Type mismatch"
        plain = [k.of_type if isinstance(k, GraphQLNonNull) else k for k in (kind, wanted)]
        if isinstance(plain[0], GraphQLList) != isinstance(plain[1], GraphQLList):
            return "List dimension mismatch"
        return "Nullability mismatch"

    def _endless_fragments(self) -> None:
        """Refuse fragments that contain themselves (assumed wording: graphql-ruby's)."""
        for name, fragment in self.fragments.items():
            inner = {spread.name.value for usage in self._reach(self._usages[name], set()) for spread in usage.spreads}
            if name in inner:
                text = f"Fragment {name} contains an infinite loop"
                self.errors.append(error(text, fragment, (f"fragment {name}",), "infiniteLoop", fragmentName=name))

    def _unused_fragments(self, usages: list[_Usage]) -> None:
        seen: set[str] = set()
        for usage in usages:
            for _ in self._reach(usage, seen):
                pass
        for name, fragment in self.fragments.items():
            if name not in seen:
                text = f"Fragment {name} was defined, but not used"
                self.errors.append(error(text, fragment, (f"fragment {name}",), "useAndDefineFragment", fragmentName=name))


def literal_fits(value: ValueNode, kind: Any) -> bool:
    """Say whether a literal is of the type; raises `Refused` when a scalar refuses in its own words."""
    if isinstance(value, VariableNode):
        return True
    if isinstance(kind, GraphQLNonNull):
        return not isinstance(value, NullValueNode) and literal_fits(value, kind.of_type)
    if isinstance(value, NullValueNode):
        return True
    if isinstance(kind, GraphQLList):
        items = value.values if isinstance(value, ListValueNode) else (value,)
        return all(literal_fits(item, kind.of_type) for item in items)
    if isinstance(kind, GraphQLInputObjectType):
        return isinstance(value, ObjectValueNode)
    if isinstance(kind, GraphQLEnumType):
        return isinstance(value, EnumValueNode) and value.value in kind.values
    return _scalar_fits(value, kind)


SCALAR_NODES: dict[str, tuple[type[ValueNode], ...]] = {
    "Int": (IntValueNode,),
    "Float": (IntValueNode, FloatValueNode),
    "String": (StringValueNode,),
    "Boolean": (BooleanValueNode,),
    "ID": (StringValueNode, IntValueNode),
}


def _scalar_fits(value: ValueNode, kind: GraphQLScalarType) -> bool:
    nodes = SCALAR_NODES.get(kind.name)
    if nodes is not None and not isinstance(value, nodes):
        return False
    plain = value_from_ast_untyped(value)
    try:
        check_scalar(kind.name, plain)
    except Refused as refused:
        if refused.detailed:
            raise
        return False
    return True


def validate(schema: GraphQLSchema, document: DocumentNode) -> list[Error]:
    """Return the static errors of a document, in reading order; an empty list when it may run."""
    return StaticValidation(schema, document).run()
