"""GraphQL that callers bring: what may pass to Shopify."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shopify_kit.errors import InvalidInput

if TYPE_CHECKING:
    from graphql import DocumentNode, SelectionSetNode

MAX_QUERY_DEPTH = 20
MAX_TOKENS = 20_000


def check_query(query: str, *, allow_mutations: bool) -> bool:
    """Look at a caller's document before it goes anywhere; says whether it is a mutation.

    Raises:
        InvalidInput: `query_too_deep`; `query_not_allowed`: unreadable, several operations, a subscription, or a mutation where the
            host has not enabled them.
    """
    from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse  # noqa: PLC0415 - half of the import time

    try:
        document = parse(query, no_location=True, max_tokens=MAX_TOKENS)
    except RecursionError:
        raise _too_deep() from None
    except GraphQLError as error:
        if "too deeply" in error.message:
            raise _too_deep() from None
        raise _refused("this is no readable GraphQL document") from None
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if len(operations) != 1:
        raise _refused("send one operation")
    if _depth(document, operations[0].selection_set) > MAX_QUERY_DEPTH:
        raise _too_deep()
    kind = operations[0].operation
    if kind is OperationType.QUERY:
        return False
    if kind is OperationType.MUTATION and allow_mutations:
        return True
    raise _refused(f"a {kind.value} is not allowed; the host enables mutations with SHOPIFY_ALLOW_MUTATIONS=1")


def _depth(document: DocumentNode, selections: SelectionSetNode) -> int:
    """Count how deep selections nest, with fragments as if they were written out."""
    from graphql import FragmentDefinitionNode  # noqa: PLC0415 - see check_query

    fragments = {d.name.value: d.selection_set for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    known: dict[str, int | None] = {}
    return _deepest(selections, fragments, known)


def _deepest(selections: SelectionSetNode, fragments: Mapping[str, SelectionSetNode], known: dict[str, int | None]) -> int:
    deepest = 1
    for node in selections.selections:
        name = node.name.value if node.kind == "fragment_spread" else None  # type: ignore[attr-defined]
        inner = getattr(node, "selection_set", None)
        if name is not None:
            deepest = max(deepest, _fragment(name, fragments, known))
        elif inner is not None:
            deepest = max(deepest, _deepest(inner, fragments, known) + (node.kind == "field"))
    return deepest


def _fragment(name: str, fragments: Mapping[str, SelectionSetNode], known: dict[str, int | None]) -> int:
    """Count how deep a fragment nests, once per fragment; one that Shopify will not find counts nothing."""
    if name not in fragments:
        return 0
    if name not in known:
        known[name] = None
        known[name] = _deepest(fragments[name], fragments, known)
    depth = known[name]
    if depth is None:
        raise _refused("fragments spread themselves")
    return depth


def _too_deep() -> InvalidInput:
    return _refused(f"selections nest deeper than {MAX_QUERY_DEPTH} levels", "query_too_deep")


def _refused(reason: str, code: str = "query_not_allowed") -> InvalidInput:
    return InvalidInput(f"query: {reason}", code=code, details=[{"field": "query", "reason": reason}])
