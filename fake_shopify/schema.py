"""The Admin API schema of one version: types to execute on, required access scopes, and which GIDs an argument takes."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import GraphQLSchema, build_client_schema

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
    return AdminSchema(version, graphql, _read(f"access_scopes_{version}.json.gz"))


def served_version(asked: str) -> str:
    """Return the version that answers a request for `asked`.

    A version that is no longer supported falls forward to the oldest supported one; `unstable` and versions of the future are
    answered by the newest known here. Source: shopify.dev/docs/api/usage/versioning (read 2026-11).
    """
    if asked in VERSIONS:
        return asked
    return VERSIONS[0] if asked < VERSIONS[0] else LATEST
