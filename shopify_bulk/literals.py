"""GraphQL literals of JSON values, for bulk queries, which take no variables.

What a value is follows from the type of its variable. The types inside input objects stand in Shopify's schema only, of which we
need one thing: which of their fields are enums (a test compares the list with the schema).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from shopify_kit.errors import InvalidInput

if TYPE_CHECKING:
    from graphql import ObjectFieldNode, ValueNode

NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
SCALARS: Final = frozenset(
    """
    ARN BigInt Boolean Color Date DateTime Decimal Float FormattedString HTML ID Int JSON Money StorefrontID String URL
    UnsignedInt64 UtcOffset
    """.split()
)
ENUM_FIELDS: Final = frozenset(
    """
    country countryCode crop currencyCode marketRegionCountryCode ownerType preferredContentType refundType restockType unit
    valueType
    """.split()
)
"""Enum fields of the input objects that arguments of queries take; an address has a country as text, but not in bulk."""

ENUM: Final = "an enum"
TEXT: Final = "String"
MAX_NESTING: Final = 32


def literal(value: Any, type_name: str, where: str, *, depth: int = 0) -> ValueNode:
    """Write a value of a type as a literal; `where` names it in errors.

    Raises:
        InvalidInput: GraphQL cannot say it.
    """
    from graphql.language import ast  # noqa: PLC0415 - a third of the import time that the integration may cost

    if depth > MAX_NESTING:
        raise InvalidInput.field(where, "nests too deep")
    if value is None:
        return ast.NullValueNode()
    if isinstance(value, bool):
        return ast.BooleanValueNode(value=value)
    if isinstance(value, int):
        return ast.IntValueNode(value=str(value))
    if isinstance(value, float) and isfinite(value):
        return ast.FloatValueNode(value=repr(value))
    if isinstance(value, Mapping):
        return ast.ObjectValueNode(fields=tuple(_members(value, type_name, where, depth)))
    if isinstance(value, list | tuple):
        return ast.ListValueNode(values=tuple(literal(part, type_name, where, depth=depth + 1) for part in value))
    return _text(value, type_name, where)


def _members(value: Mapping[str, Any], type_name: str, where: str, depth: int) -> Iterator[ObjectFieldNode]:
    from graphql import NameNode, ObjectFieldNode  # noqa: PLC0415

    for key, part in value.items():
        if not isinstance(key, str) or not NAME.fullmatch(key):
            raise InvalidInput.field(where, "a name in it is none that GraphQL knows")
        inner = type_name if type_name == "JSON" else ENUM if key in ENUM_FIELDS else TEXT
        yield ObjectFieldNode(name=NameNode(value=key), value=literal(part, inner, f"{where}.{key}", depth=depth + 1))


def _text(value: Any, type_name: str, where: str) -> ValueNode:
    from graphql import EnumValueNode, StringValueNode  # noqa: PLC0415

    if not isinstance(value, str):
        raise InvalidInput.field(where, f"expected JSON, not {type(value).__name__}")
    if type_name in SCALARS:
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidInput.field(where, "half of a surrogate pair")
        return StringValueNode(value=value)
    if not NAME.fullmatch(value) or value in ("true", "false", "null"):
        raise InvalidInput.field(where, f"expected {ENUM if type_name == ENUM else f'a value of {type_name}'}")
    return EnumValueNode(value=value)
