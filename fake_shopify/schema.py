"""The Admin API schema of one version: types to execute on, required access scopes, and which GIDs an argument takes."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_client_schema,
)

VERSIONS = ("2025-10", "2026-01", "2026-04", "2026-07", "2026-10")
LATEST = VERSIONS[-1]


@dataclass(frozen=True, slots=True)
class AdminSchema:
    """One version of the Admin API.

    `scopes` maps a type name, a root field name or `Type.field` to `{"scopes": [any of these], "text": Shopify's wording}`.
    """

    version: str
    graphql: GraphQLSchema
    scopes: dict[str, dict[str, Any]]


def _read(name: str) -> Any:
    return json.loads(gzip.decompress(files("fake_shopify").joinpath("schemas", name).read_bytes()))


@cache
def load_schema(version: str = LATEST) -> AdminSchema:
    """Load one version from the packed introspection; about half a second, kept for the life of the process."""
    graphql = build_client_schema(_read(f"admin_{version}.json.gz"), assume_valid=True)
    _widen_ints(graphql)
    return AdminSchema(version, graphql, _read(f"access_scopes_{version}.json.gz"))


def _literal(node: Any, _variables: dict[str, Any] | None = None) -> int:
    return int(node.value)


def _widen_ints(schema: GraphQLSchema) -> None:
    """Let every input of type Int take any whole number: resolvers refuse the large ones (captured: discounts-038, 051).

    The library's own Int stops at 32 bits and is shared by all schemas of the process, so inputs get a type of their own.
    """
    wide = GraphQLScalarType("WideInt", parse_value=int, parse_literal=_literal)
    wide.name = "Int"

    def widened(kind: Any) -> Any:
        if isinstance(kind, GraphQLNonNull | GraphQLList):
            return type(kind)(widened(kind.of_type))
        return wide if kind is GraphQLInt else kind

    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            for entry in kind.fields.values():
                entry.type = widened(entry.type)
        elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not kind.name.startswith("__"):
            for field in kind.fields.values():
                for argument in field.args.values():
                    argument.type = widened(argument.type)
    schema.type_map["Int"] = wide


def served_version(asked: str) -> str:
    """Return the version that answers a request for `asked`.

    A version that is no longer supported falls forward to the oldest supported one; `unstable` and versions of the future are
    answered by the newest known here. Source: shopify.dev/docs/api/usage/versioning (read 2026-11).
    """
    if asked in VERSIONS:
        return asked
    return VERSIONS[0] if asked < VERSIONS[0] else LATEST
