"""An operation's way: submitted when a slot is free, found again after a crash, looked at until it is over, told to whom it may
concern.

Each step is a job in the operation's own lane: it reads the row, does one thing at Shopify and stores what came of it together with
the next step. So a worker may be killed anywhere. Between the note that an operation is being submitted and the note of its id at
Shopify only Shopify knows whether it was taken: then it is looked for by its name before it is submitted again.
Source: shopify.dev/docs/api/usage/bulk-operations/queries (read 2026-11).
"""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from loguru import logger

from shopify_admin.bulk import NO_SLOT, OVER, RemoteOperation
from shopify_bulk.operations import (
    Operation,
    Operations,
    begin_submission,
    end_operation,
    find_operation,
    follow_on,
    keep_probe,
    keep_seen,
    keep_upload,
    take_back,
    take_back_lost,
    wake_waiting,
)
from shopify_bulk.parts import split, sum_up
from shopify_bulk.preparation import probe_of, pruned
from shopify_bulk.uploads import Portion, Uploads
from shopify_kit.clock import Clock
from shopify_kit.database import Connection, Database
from shopify_kit.errors import IntegrationError, InvalidInput, QueryRejected, Throttled, UserErrors
from shopify_kit.jobs import Effect, Job
from shopify_service import ShopAdmin

AdminOf = Callable[[str, int], Callable[[], ShopAdmin]]
Ended = Callable[[Connection, Operation], Awaitable[None]]

FIRST_LOOK_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
SLOT_PAUSE_S: Final = 5.0
LOST_AFTER_S: Final = 20.0
"""A submission ends within 10 s (see `ShopAdmin.run_bulk_query`); one that Shopify does not list so long after it began is lost."""
LISTED_SINCE: Final = timedelta(hours=1)
"""Further back than our clock and Shopify's may differ."""
CANCELING_S: Final = 900.0
"""After that long an operation that hangs in CANCELING is not followed any more; Shopify keeps its slot."""
TRIES: Final = 3
RETRY_PAUSE_S: Final = 20.0
TRIED_AGAIN: Final = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT"})
SENT_AGAIN: Final = frozenset({"NO_SUCH_FILE", "INTERNAL_FILE_SERVER_ERROR"})
PROBES: Final = 4
PIECES_IN_TURN: Final = 10
TURN_S: Final = 0.5
YIELD_S: Final = 0.05
"""A long mutation must not keep a worker's hand from deliveries that wait: after a turn its lane queues up again."""


class Follower:
    """Does jobs of the kind `bulk`.

    Args:
        admin_of: (user, shop) → what makes a `ShopAdmin` for that shop.
    """

    def __init__(self, database: Database, operations: Operations, uploads: Uploads, admin_of: AdminOf, clock: Clock) -> None:
        self._database = database
        self._operations = operations
        self._uploads = uploads
        self._admin_of = admin_of
        self._clock = clock
        self.ended: dict[str, Ended] = {}
        """Purpose → unit that is told, in the transaction that notes the end."""

    def __call__(self, job: Job) -> Effect | None:
        """Do the next step of one operation."""
        operation = self._operations.find(job.shop_id, _id_of(job))
        if operation is None or operation.is_over:
            return None
        try:
            return self._step(operation)
        except IntegrationError as error:
            if error.retryable:
                raise
            return self._over(operation, "failed", error.code, _sentence(error))

    def buried(self, job: Job, reason: str, error: str) -> Effect:
        """End an operation that cannot be followed any more."""

        async def effect(conn: Connection) -> None:
            operation = await find_operation(conn, job.shop_id, _id_of(job))
            if operation is not None and not operation.is_over:
                await self._over(operation, "failed", reason, error)(conn)

        return effect

    def _step(self, operation: Operation) -> Effect:
        if operation.status == "pending":
            return self._prepare(operation)
        if operation.status == "submitting":
            return self._recover(operation)
        return self._look(operation)

    def _admin(self, operation: Operation) -> ShopAdmin:
        return self._admin_of(operation.user_id, operation.shop_id)()

    # Submitting

    def _prepare(self, operation: Operation) -> Effect:
        """Do what is missing before an operation can be submitted: the probe of a query, the upload of a mutation's lines."""
        if operation.cancel_requested:
            return self._over(operation, "canceled", None, None)
        admin = self._admin(operation)
        if operation.kind == "query":
            return self._submit(operation, admin) if operation.is_probed else self._probe(operation, admin)
        if operation.upload_path is None:
            return self._next_upload(operation, admin)
        return self._submit(operation, admin)

    def _probe(self, operation: Operation, admin: ShopAdmin) -> Effect:
        document, dropped = probe(admin, operation.document)
        return self._then(operation, lambda conn: keep_probe(conn, operation, document, dropped))

    def _next_upload(self, operation: Operation, admin: ShopAdmin) -> Effect:
        began_s = self._clock.monotonic_s()
        ready = self._uploads.make_ready(operation, admin)
        if ready is not None:
            is_turn_over = ready.number % PIECES_IN_TURN == PIECES_IN_TURN - 1 or self._clock.monotonic_s() - began_s > TURN_S
            return self._then(operation, ready.store, YIELD_S if is_turn_over else 0.0)
        files = self._uploads.files(operation)
        if len(files) > 1:
            return lambda conn: self._split(conn, operation, files)
        path = self._uploads.send(operation, admin)
        if path is None:
            return self._over(operation, "completed", None, "No line of it could be sent.")
        return self._then(operation, lambda conn: keep_upload(conn, operation, path))

    async def _split(self, conn: Connection, operation: Operation, files: Sequence[Portion]) -> None:
        if not await split(conn, operation, files):
            await self._over(operation, "canceled", None, None)(conn)

    def _submit(self, operation: Operation, admin: ShopAdmin) -> Effect:
        if not self._database.run(begin_submission, operation):
            return self._then(operation, None, SLOT_PAUSE_S)
        try:
            remote = self._start(operation, admin)
        except Throttled as error:
            return self._waits(operation, error.retry_after_s or SLOT_PAUSE_S)
        except UserErrors as error:
            codes = {str(row.get("code")) for row in error.user_errors}
            if _is_about_slots(error):
                return self._waits(operation, SLOT_PAUSE_S * random.uniform(1.0, 1.5))
            if codes & SENT_AGAIN and operation.tries + 1 < TRIES:
                return self._sent_again(operation, min(codes & SENT_AGAIN))
            raise
        return self._seen(operation, remote)

    def _start(self, operation: Operation, admin: ShopAdmin) -> RemoteOperation:
        document = operation.document.replace(operation.name, _attempt_name(operation, operation.tries + 1))
        if operation.kind == "query":
            return admin.run_bulk_query(document, group_objects=operation.group_objects)
        assert operation.upload_path is not None
        return admin.run_bulk_mutation(document, operation.upload_path, str(operation.operation_id))

    def _waits(self, operation: Operation, after_s: float) -> Effect:
        """Have it tried again: other operations, perhaps another tool's, have all slots, or there are no points left."""
        return self._then(operation, lambda conn: take_back(conn, operation, None, counts=False), after_s)

    def _sent_again(self, operation: Operation, code: str) -> Effect:
        """The storage has lost the lines, or is in trouble."""

        async def forget(conn: Connection) -> None:
            await take_back(conn, operation, code, counts=True)
            await keep_upload(conn, operation, None)

        return self._then(operation, forget, SLOT_PAUSE_S)

    # Found again

    def _recover(self, operation: Operation) -> Effect:
        """Look at Shopify for an operation that may have been taken before a crash."""
        assert operation.submitted_at is not None
        name = _attempt_name(operation, operation.tries)
        listed = self._admin(operation).bulk_operations_since(operation.submitted_at - LISTED_SINCE)
        remote = next((found for found in listed if re.search(rf"\b{name}\b", found.document or "")), None)
        if remote is not None:
            logger.info("Shopify bulk: operation {} was found again at Shopify", operation.operation_id)
            return self._seen(operation, remote)

        async def effect(conn: Connection) -> None:
            is_lost = await take_back_lost(conn, operation, LOST_AFTER_S)
            await follow_on(conn, operation, 0.0 if is_lost else SLOT_PAUSE_S)

        return effect

    # Looking

    def _look(self, operation: Operation) -> Effect:
        admin = self._admin(operation)
        assert operation.gid is not None
        if operation.cancel_requested and operation.status != "canceling":
            _cancel(admin, operation.gid)
        remote = admin.bulk_operation(operation.gid)
        if remote is None:
            return self._over(operation, "failed", "not_found", "Shopify does not know the operation any more.")
        return self._seen(operation, remote)

    def _seen(self, operation: Operation, remote: RemoteOperation) -> Effect:
        if self._may_try_again(operation, remote):
            return self._try_again(operation, remote)
        if remote.status == "canceling" and self._hangs(operation):
            return self._over(operation, "canceled", "CANCELING_HANGS", "Shopify has not ended it; it is not followed any more.")

        async def effect(conn: Connection) -> None:
            is_urgent = await keep_seen(conn, operation, remote, _message(operation, remote))
            if remote.status in OVER:
                await self._tell(conn, operation)
            else:
                await follow_on(conn, operation, 0.0 if is_urgent else self._pause_s(operation))

        return effect

    def _hangs(self, operation: Operation) -> bool:
        since = operation.canceling_at
        return since is not None and (self._clock.now() - since).total_seconds() > CANCELING_S

    def _pause_s(self, operation: Operation) -> float:
        """Wait a tenth of what it has taken so far; the finish webhook shortens that."""
        age_s = (self._clock.now() - (operation.submitted_at or operation.created_at)).total_seconds()
        return min(LONGEST_PAUSE_S, max(FIRST_LOOK_S, age_s / 10)) * random.uniform(1.0, 1.2)

    def _may_try_again(self, operation: Operation, remote: RemoteOperation) -> bool:
        """Say whether a query that failed may well succeed: Shopify's own trouble, or a stalled one that Shopify cancelled.

        A mutation is not repeated: nobody knows which of its lines were carried out.
        """
        is_ours_to_repeat = operation.kind == "query" and not operation.cancel_requested and operation.tries < TRIES
        is_trouble = remote.status == "failed" and remote.error_code in TRIED_AGAIN
        return is_ours_to_repeat and (is_trouble or remote.status == "canceled")

    def _try_again(self, operation: Operation, remote: RemoteOperation) -> Effect:
        reason = remote.error_code or remote.status.upper()
        logger.warning("Shopify bulk: operation {} ended with {}; trying again", operation.operation_id, reason)
        pause_s = RETRY_PAUSE_S * operation.tries

        async def again(conn: Connection) -> None:
            await take_back(conn, operation, reason, counts=True)
            await wake_waiting(conn, operation)

        return self._then(operation, again, pause_s)

    # Ending

    def _over(self, operation: Operation, status: str, code: str | None, message: str | None) -> Effect:
        async def effect(conn: Connection) -> None:
            await end_operation(conn, operation, status, code, message)
            await self._tell(conn, operation)

        return effect

    async def _tell(self, conn: Connection, operation: Operation) -> None:
        await wake_waiting(conn, operation)
        over = await sum_up(conn, operation) if operation.kind == "mutation" else operation.operation_id
        tell, ended = self.ended.get(operation.purpose), over and await find_operation(conn, operation.shop_id, over)
        if tell is not None and ended:
            await tell(conn, ended)

    def _then(self, operation: Operation, store: Effect | None, after_s: float = 0.0) -> Effect:
        """Store something, and have the next step done after a while."""

        async def effect(conn: Connection) -> None:
            if store is not None:
                await store(conn)
            await follow_on(conn, operation, after_s)

        return effect


def _id_of(job: Job) -> uuid.UUID:
    return uuid.UUID(str(job.payload["operation_id"]))


def _attempt_name(operation: Operation, number: int) -> str:
    """Name one submission of an operation: the one before may stand at Shopify as failed."""
    return f"{operation.name}_{number}"


def _cancel(admin: ShopAdmin, gid: str) -> None:
    try:
        admin.cancel_bulk_operation(gid)
    except UserErrors as error:
        # It has ended meanwhile, or is being cancelled already; the look that follows says which.
        logger.info("Shopify bulk: {} was not cancelled: {}", gid, _sentence(error))


def _message(operation: Operation, remote: RemoteOperation) -> str | None:
    if remote.status != "failed":
        return None
    if remote.error_code == "ACCESS_DENIED":
        return "Shopify does not let the app read or write something that it is about; check its access scopes."
    return f"Shopify ended it with {remote.error_code} at attempt {operation.tries}."


# The probe


def probe(admin: ShopAdmin, document: str) -> tuple[str, tuple[str, ...]]:
    """Try a bulk query with one object per connection; returns it without the fields that may not be read, and their names.

    What is null because one field was denied hides others, so what is left is tried again. A query that costs too much even so is
    not tried: in bulk its cost does not count.

    Raises:
        InvalidInput: nothing of it may be read.
        QueryRejected: Shopify does not take the query at all.
    """
    dropped: tuple[str, ...] = ()
    for _ in range(PROBES):
        errors = admin.graphql(probe_of(document), {}, is_mutation=False).errors
        if not errors or any(_code(error) == "MAX_COST_EXCEEDED" for error in errors):
            break
        denied = _denied(errors)
        document, names = pruned(document, denied)
        dropped = tuple(sorted({*dropped, *names}))
    return document, dropped


def _denied(errors: Sequence[Mapping[str, Any]]) -> list[Sequence[str | int]]:
    """Return where Shopify denied access."""
    others = [error for error in errors if _code(error) != "ACCESS_DENIED"]
    if others:
        codes = ", ".join(sorted({_code(error) or "no code" for error in others}))
        raise QueryRejected(f"Shopify rejects the query ({codes}).", details={"errors": [_place(error) for error in errors[:20]]})
    if any(not error.get("path") for error in errors):
        text = "Shopify denies the app access to what the query asks for; check its access scopes."
        raise InvalidInput(text, code="access_denied", details={"errors": [_place(error) for error in errors[:20]]})
    return [error["path"] for error in errors]


def _code(error: Mapping[str, Any]) -> str:
    return str((error.get("extensions") or {}).get("code") or "")


def _place(error: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": _code(error), "path": error.get("path"), "message": str(error.get("message", ""))[:300]}


def _is_about_slots(error: UserErrors) -> bool:
    return any(row.get("code") in NO_SLOT or "already in progress" in str(row.get("message", "")) for row in error.user_errors)


def _sentence(error: IntegrationError) -> str:
    if isinstance(error, UserErrors):
        return "; ".join(str(row.get("message", "")) for row in error.user_errors[:5])[:1000]
    return error.message
