"""Variables: what was sent against what the operation declares, with one INVALID_VARIABLE error per wrong variable.

Captured: one error lists every problem of the variable with its path, echoes the whole value, and is raised before anything runs
(BEHAVIOURS 2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableDefinitionNode,
    is_required_input_field,
    print_ast,
    type_from_ast,
    value_from_ast,
)

from fake_shopify.enums import accepted_values
from fake_shopify.scalars import Refused, check_scalar

Path = list[str | int]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a variable; `message` is present when the scalar has words of its own."""

    path: Path
    explanation: str
    detailed: bool = False

    def as_json(self) -> dict[str, Any]:
        """Shape of an entry of `problems`."""
        row: dict[str, Any] = {"path": self.path, "explanation": self.explanation}
        return row | {"message": self.explanation} if self.detailed else row

    def in_words(self) -> str:
        """Shape inside the error's message: `a.b (reason)`."""
        return f"{'.'.join(map(str, self.path))} ({self.explanation})"


def problems_of(value: Any, kind: GraphQLInputType, path: Path) -> Iterator[Problem]:
    """Yield what is wrong with `value` as a `kind`, in the order in which Shopify lists it."""
    if isinstance(kind, GraphQLNonNull):
        if value is None:
            yield Problem(path, "Expected value to not be null")
            return
        kind = kind.of_type
    if value is None:
        return
    if isinstance(kind, GraphQLList):
        yield from _problems_of_list(value, kind.of_type, path)
    elif isinstance(kind, GraphQLInputObjectType):
        yield from _problems_of_object(value, kind, path)
    elif isinstance(kind, GraphQLEnumType):
        if not isinstance(value, str) or value not in kind.values:
            yield Problem(path, f'Expected "{value}" to be one of: {", ".join(accepted_values(kind))}')
    else:
        try:
            check_scalar(kind.name, value)
        except Refused as refused:
            yield Problem(path, refused.explanation, refused.detailed)


def _problems_of_list(value: Any, item: GraphQLInputType, path: Path) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield from problems_of(value, item, [*path, 0])
        return
    for index, entry in enumerate(value):
        yield from problems_of(entry, item, [*path, index])


def _problems_of_object(value: Any, kind: GraphQLInputObjectType, path: Path) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, f"Expected {value!r} to be a key-value object.")
        return
    for name, entry in value.items():
        known = kind.fields.get(name)
        if known is None:
            yield Problem([*path, name], f"Field is not defined on {kind.name}")
        else:
            yield from problems_of(entry, known.type, [*path, name])
    for name, known in kind.fields.items():
        if name not in value and is_required_input_field(known):
            yield Problem([*path, name], "Expected value to not be null")
    if kind.is_one_of:
        yield from _problems_of_one_of(value, kind, path)


def _problems_of_one_of(value: dict[str, Any], kind: GraphQLInputObjectType, path: Path) -> Iterator[Problem]:
    if len(value) != 1:
        yield Problem(path, f"'{kind.name}' requires exactly one argument, but {len(value)} were provided.")
    elif next(iter(value.values())) is None:
        yield Problem(path, f"'{kind.name}' requires exactly one argument, but '{next(iter(value))}' was `null`.")


def _error(node: VariableDefinitionNode, value: Any, problems: list[Problem]) -> dict[str, Any]:
    located = [problem.in_words() for problem in problems if problem.path]
    where = f" for {', '.join(located)}" if located else ""
    name, kind = node.variable.name.value, print_ast(node.type)
    assert node.loc is not None
    start = node.loc.start_token
    return {
        "message": f"Variable ${name} of type {kind} was provided invalid value{where}",
        "locations": [{"line": start.line, "column": start.column}],
        "extensions": {"code": "INVALID_VARIABLE", "value": value, "problems": [p.as_json() for p in problems]},
    }


def coerce_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, sent: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the variables to run with, and the errors (then nothing runs)."""
    values: dict[str, Any] = {}
    errors: list[dict[str, Any]] = []
    for node in operation.variable_definitions or ():
        name = node.variable.name.value
        kind: Any = type_from_ast(schema, node.type)
        default = Undefined if node.default_value is None else value_from_ast(node.default_value, kind)
        if name not in sent and (default is not Undefined or not isinstance(kind, GraphQLNonNull)):
            if default is not Undefined:
                values[name] = default
            continue
        value = sent.get(name)
        problems = list(problems_of(value, kind, []))
        if problems:
            errors.append(_error(node, value, problems))
        else:
            values[name] = value
    return values, errors
