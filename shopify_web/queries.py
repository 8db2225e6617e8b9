"""GraphQL that callers bring: what may pass to Shopify."""

from __future__ import annotations

from shopify_kit.errors import InvalidInput
from shopify_web.bodies import depth_exceeds

MAX_QUERY_DEPTH = 20


def check_query(query: str, *, allow_mutations: bool) -> bool:
    """Look at a caller's document before it goes anywhere; says whether it is a mutation.

    Raises:
        InvalidInput: `query_too_deep`; `query_not_allowed`: unreadable, several operations, a subscription, or a mutation where the
            host has not enabled them.
    """
    from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse  # noqa: PLC0415 - half of the import time

    if depth_exceeds(query.encode("utf-8", "replace"), MAX_QUERY_DEPTH):
        raise _refused(f"selections nest deeper than {MAX_QUERY_DEPTH} levels", "query_too_deep")
    try:
        document = parse(query, no_location=True, max_tokens=20_000)
    except (GraphQLError, RecursionError):
        raise _refused("this is no readable GraphQL document") from None
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if len(operations) != 1:
        raise _refused("send one operation")
    kind = operations[0].operation
    if kind is OperationType.QUERY:
        return False
    if kind is OperationType.MUTATION and allow_mutations:
        return True
    raise _refused(f"a {kind.value} is not allowed; the host enables mutations with SHOPIFY_ALLOW_MUTATIONS=1")


def _refused(reason: str, code: str = "query_not_allowed") -> InvalidInput:
    return InvalidInput(f"query: {reason}", code=code, details=[{"field": "query", "reason": reason}])
