"""Bulk operations: started as rows, followed by workers, their results streamed, thousands of products written at once.

What Shopify has done may be asked for again at any time; what it will do is never asked for twice, whoever is killed in between.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final

import msgspec

from shopify_bulk.exports import shaped
from shopify_bulk.following import AdminOf, Ended, Follower, probe
from shopify_bulk.nesting import nested
from shopify_bulk.operations import (
    CALLER,
    KIND,
    Draft,
    Operation,
    Operations,
    add_operation,
    find_reusable,
    lane_of,
    operation_name,
    queries,
    sweep_operations,
)
from shopify_bulk.parts import cancel
from shopify_bulk.preparation import named_mutation, prepare
from shopify_bulk.product_lines import CREATE, GONE, UNANSWERED, UNSENT, UPDATE, LineResult, results_of, write_lines
from shopify_bulk.results import Results
from shopify_bulk.uploads import LineError, Piece, Uploads, keep_pieces, pieces_of
from shopify_kit.clock import Clock, monotonic_s, sleep
from shopify_kit.database import Connection, Database
from shopify_kit.documents import Documents
from shopify_kit.errors import Conflict, InvalidInput, QueryRejected
from shopify_kit.jobs import wake_lane
from shopify_kit.transport import AddressBook, RequestsTransport
from shopify_kit.worker import Doer, Schedule
from shopify_service import ShopAdmin

PRODUCTS: Final = "products"
REUSE_S: Final = 300.0
LOOK_S: Final = 0.25
SWEEP_CRON: Final = "41 * * * *"


class BulkApi:
    """The bulk operations of one integration.

    Args:
        admin_of: (user, shop) → what makes a `ShopAdmin` for that shop.
        bucket_of: (user, shop) → the app whose slots and points its operations take.
        wake: wakes a worker of this process.
    """

    def __init__(
        self,
        database: Database,
        transport: RequestsTransport,
        addresses: AddressBook,
        documents: Documents,
        clock: Clock,
        *,
        admin_of: AdminOf,
        bucket_of: Callable[[str, int], str],
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._documents = documents
        self._admin_of = admin_of
        self._bucket_of = bucket_of
        self._wake = wake
        self.operations = Operations(database)
        self.uploads = Uploads(database, transport, addresses)
        self.uploads.writers[PRODUCTS] = write_lines
        self.results = Results(database, transport, admin_of)
        self._follower = Follower(database, self.operations, self.uploads, admin_of, clock)

    # Starting

    def start_query(
        self, user_id: str, shop_id: int, query: str, variables: Mapping[str, Any] | None = None, *, group_objects: bool = False
    ) -> Operation:
        """Start a caller's bulk query; it is tried with one object per connection first, so that what is wrong shows at once.

        Raises:
            InvalidInput: it is no query that Shopify takes, or Shopify lets us read nothing of it.
        """
        operation_id = uuid.uuid4()
        document = prepare(query, variables or {}, operation_name(operation_id))
        try:
            document, dropped = probe(self._admin(user_id, shop_id), document)
        except QueryRejected as error:
            raise InvalidInput(error.message, code="query_not_allowed", details=error.details) from None
        draft = Draft(
            shop_id,
            "query",
            CALLER,
            user_id,
            self._bucket_of(user_id, shop_id),
            document,
            operation_id,
            group_objects=group_objects,
            is_probed=True,
            dropped_fields=dropped,
        )
        return self._add(draft)

    def export(
        self, user_id: str, shop_id: int, document_name: str, variables: Mapping[str, Any], *, purpose: str = "export"
    ) -> Operation:
        """Start one of our own bulk queries, or return the one that runs or ended well within five minutes."""
        query = self._documents[document_name].text
        key = msgspec.json.encode([document_name, dict(variables)], order="sorted")
        facts = {"fingerprint": hashlib.sha256(key).hexdigest()[:32]}
        draft = self.draft_query(user_id, shop_id, query, variables, purpose=purpose, facts=facts)
        return self._started(self._database.run(_reuse_or_add, draft))

    def draft_query(
        self,
        user_id: str,
        shop_id: int,
        query: str,
        variables: Mapping[str, Any],
        *,
        purpose: str,
        facts: Mapping[str, Any] | None = None,
        expected_objects: int | None = None,
    ) -> Draft:
        """Draft a bulk query for `add_operation`, as part of a unit of whoever wants its result."""
        operation_id = uuid.uuid4()
        document = prepare(query, variables, operation_name(operation_id))
        bucket = self._bucket_of(user_id, shop_id)
        return Draft(
            shop_id,
            "query",
            purpose,
            user_id,
            bucket,
            document,
            operation_id,
            facts=facts or {},
            expected_objects=expected_objects,
        )

    def start_mutation(self, user_id: str, shop_id: int, mutation: str, variables: Sequence[Mapping[str, Any]]) -> Operation:
        """Start a bulk mutation with one set of variables per line.

        Raises:
            InvalidInput: it is no mutation, or there are no variables.
        """
        lines = (msgspec.json.encode(dict(one)) for one in variables)
        return self._mutate(user_id, shop_id, mutation, lines, CALLER, {}, is_ready=True)

    def write_products(self, user_id: str, shop_id: int, products: Iterable[Mapping[str, Any]], *, update: bool) -> Operation:
        """Create or update any number of products.

        Raises:
            InvalidInput: there are none, or one to be updated has no id.
        """
        admin = self._admin(user_id, shop_id)
        facts = {"verb": UPDATE if update else CREATE, "location": admin.primary_location()}
        lines = (msgspec.json.encode(product) for product in _checked(products, update=update))
        mutation = self._documents["BulkSetProducts"].text
        return self._mutate(user_id, shop_id, mutation, lines, PRODUCTS, facts, is_ready=False)

    def _mutate(
        self,
        user_id: str,
        shop_id: int,
        mutation: str,
        lines: Iterable[bytes],
        purpose: str,
        facts: Mapping[str, Any],
        *,
        is_ready: bool,
    ) -> Operation:
        operation_id = uuid.uuid4()
        document = named_mutation(mutation, operation_name(operation_id))
        pieces = list(pieces_of(lines))
        if not pieces:
            raise InvalidInput.field("products" if purpose == PRODUCTS else "variables", "give at least one")
        bucket = self._bucket_of(user_id, shop_id)
        count = sum(piece.line_count for piece in pieces)
        draft = Draft(
            shop_id,
            "mutation",
            purpose,
            user_id,
            bucket,
            document,
            operation_id,
            facts=facts,
            expected_objects=count,
            is_probed=True,
        )
        return self._started(self._database.run(_keep_mutation, draft, pieces, is_ready, timeout_s=60.0))

    def _add(self, draft: Draft) -> Operation:
        return self._started(self._database.run(add_operation, draft))

    def _started(self, operation: Operation) -> Operation:
        self._wake()
        return operation

    def _admin(self, user_id: str, shop_id: int) -> ShopAdmin:
        return self._admin_of(user_id, shop_id)()

    # Following

    def on_end(self, purpose: str, unit: Ended) -> None:
        """Have a unit told, in the transaction that notes the end of an operation with this purpose."""
        self._follower.ended[purpose] = unit

    def nested_lines(self, operation: Operation) -> Iterator[dict[str, Any]]:
        """Yield the root objects of a result with their children inside; see `Results.lines`."""
        return nested(self.results.lines(operation), operation.document)

    def exported(self, operation: Operation, resource: str, currency: str, limit: int) -> tuple[list[Any], bool]:
        """Return the first objects of one of our exports in the shape of the lists, and whether there are more.

        Raises:
            AccessDenied: the app may not read what makes them.
        """
        documents, dropped = self.nested_lines(operation), operation.dropped_fields
        found = list(islice((made for one in documents for made in shaped(resource, one, currency, dropped)), limit + 1))
        return found[:limit], len(found) > limit

    def product_results(self, operation: Operation) -> Iterator[LineResult]:
        """Yield what became of each product of a bulk create or update that is over; every product has an answer, in no order."""
        refusals = self.uploads.refusals(operation)
        for part in self.operations.parts_of(operation) or [operation]:
            documents, missing = self._answers(part)
            yield from results_of(part, documents, refusals, missing)

    def _answers(self, part: Operation) -> tuple[Iterator[dict[str, Any]], LineError]:
        """Return the lines of a result, and what is said of those that have none."""
        if part.gid is None:
            return iter(()), UNSENT
        documents = self.results.documents(part, partial=True)
        try:
            first = list(islice(documents, 1))
        except Conflict:
            return iter(()), GONE
        return chain(first, documents), UNANSWERED

    def wait(self, operation: Operation, timeout_s: float) -> Operation:
        """Wait until an operation is over, at most so long; returns it as it is then."""
        ends_at = monotonic_s() + timeout_s
        while not operation.is_over and monotonic_s() < ends_at:
            sleep(LOOK_S)
            operation = self.operations.find(operation.shop_id, operation.operation_id) or operation
        return operation

    def cancel(self, operation: Operation) -> Operation:
        """Ask for the end of an operation; one that is over stays as it is."""
        if self._database.run(cancel, operation):
            self._wake()
        return self.operations.find(operation.shop_id, operation.operation_id) or operation

    def finished(self, shop_id: int, gid: str) -> None:
        """Hear from the finish webhook that an operation of a shop is over: it is looked at now and not later."""
        self._database.run(_ring, shop_id, gid)
        self._wake()

    # What a worker needs

    def doers(self) -> dict[str, Doer]:
        """Kind of job → function."""
        return {KIND: self._follower}

    def schedules(self) -> dict[str, Schedule]:
        """Name → (cron text, function)."""
        return {"bulk.sweep": (SWEEP_CRON, sweep_operations)}


def _checked(products: Iterable[Mapping[str, Any]], *, update: bool) -> Iterator[dict[str, Any]]:
    for index, product in enumerate(products):
        if update and not isinstance(product.get("id"), int):
            raise InvalidInput.field(f"products.{index}.id", "say which product")
        yield dict(product)


# Units


async def _reuse_or_add(conn: Connection, draft: Draft) -> Operation:
    """Return an operation whose result serves as well, or keep the draft; two who ask at once get the same one."""
    await conn.execute(queries.lock_slots, draft.shop_id, draft.purpose, str(draft.facts["fingerprint"]))
    return await find_reusable(conn, draft, REUSE_S) or await add_operation(conn, draft)


async def _keep_mutation(conn: Connection, draft: Draft, pieces: Sequence[Piece], is_ready: bool) -> Operation:
    """Keep a mutation with its lines."""
    operation = await add_operation(conn, draft)
    await keep_pieces(conn, operation, pieces, is_ready=is_ready)
    return operation


async def _ring(conn: Connection, shop_id: int, gid: str) -> None:
    operation_id = await conn.fetchval(queries.ring_operation, shop_id, gid)
    if operation_id is not None:
        await wake_lane(conn, shop_id, lane_of(operation_id))


__all__ = ["PRODUCTS", "BulkApi", "Draft", "Operation", "add_operation"]
