"""Which function answers which field: `@query`, `@mutation` and `@field` fill one table, which the engine attaches.

A resolver is `function(ctx, **arguments)` for a root field and `function(row, ctx, **arguments)` for a field of an object;
arguments come under their GraphQL names, absent ones are not passed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Resolver = Callable[..., Any]
F = TypeVar("F", bound=Resolver)

RESOLVERS: dict[tuple[str, str], Resolver] = {}
CHECKS: dict[str, Resolver] = {}
"""What a mutation refuses before its idempotency key is looked at."""


def _keep(type_name: str, names: tuple[str, ...]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for name in names:
            if (type_name, name) in RESOLVERS:
                raise RuntimeError(f"two resolvers for {type_name}.{name}")
            RESOLVERS[type_name, name] = function
        return function

    return decorate


def query(*names: str) -> Callable[[F], F]:
    """Register the resolver of a root query field: `function(ctx, **arguments)`."""
    return _keep("QueryRoot", names)


def mutation(*names: str) -> Callable[[F], F]:
    """Register the resolver of a mutation: `function(ctx, **arguments)` returning the payload."""
    return _keep("Mutation", names)


def field(type_name: str, *names: str) -> Callable[[F], F]:
    """Register the resolver of an object's field: `function(row, ctx, **arguments)`."""
    return _keep(type_name, names)


def check_first(*names: str) -> Callable[[F], F]:
    """Register what a mutation with `@idempotent` refuses before its key is looked at: `function(ctx, **arguments)` that raises."""

    def decorate(function: F) -> F:
        CHECKS.update(dict.fromkeys(names, function))
        return function

    return decorate
