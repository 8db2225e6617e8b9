"""How long lists in inputs may be: Shopify refuses longer ones before any resolver runs.

Captured: the text, the code and that the path ends with the input's field (BEHAVIOURS 7); 1,499 variants in one
productVariantsBulkCreate (products-062). Source of the limit of 250: shopify.dev/docs/api/usage/limits (read 2026-11). Assumed: the
answer has no `data`, and which other lists of variants take 2,048.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, value_from_ast_untyped

MAX_LIST = 250
LONGER = {
    ("productSet", "variants"): 2048,
    ("productSet", "values"): 2048,
    ("productVariantsBulkCreate", "variants"): 2048,
    ("productVariantsBulkUpdate", "variants"): 2048,
    ("productVariantsBulkDelete", "variantsIds"): 2048,
    ("productVariantsBulkReorder", "positions"): 2048,
    ("productOptionsCreate", "values"): 2048,
    ("productOptionUpdate", "optionValuesToAdd"): 2048,
}
"""(root field, name of the input's field) -> limit, where it is not the usual one."""

Path = list[str | int]


def _lists(value: Any, path: Path) -> Iterator[tuple[Path, int]]:
    if isinstance(value, list):
        yield path, len(value)
        for index, entry in enumerate(value):
            if isinstance(entry, list | dict):
                yield from _lists(entry, [*path, index])
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _lists(entry, [*path, name])


def oversized(operation: OperationDefinitionNode, variables: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an error for every list of an operation's root arguments that is too long."""
    errors: list[dict[str, Any]] = []
    for node in operation.selection_set.selections:
        if isinstance(node, FieldNode):
            for argument in node.arguments or ():
                value = value_from_ast_untyped(argument.value, variables)
                errors += _errors(node, argument.name.value, value)
    return errors


def _errors(node: FieldNode, argument: str, value: Any) -> Iterator[dict[str, Any]]:
    root, key = node.name.value, node.alias.value if node.alias else node.name.value
    for path, size in _lists(value, [key, argument]):
        name = next(str(part) for part in reversed(path) if isinstance(part, str))
        limit = LONGER.get((root, name), MAX_LIST)
        if size > limit:
            start = node.loc.start_token if node.loc is not None else None
            yield {
                "message": f"The input array size of {size} is greater than the maximum allowed of {limit}.",
                "locations": [{"line": start.line, "column": start.column}] if start is not None else [],
                "path": path,
                "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"},
            }
