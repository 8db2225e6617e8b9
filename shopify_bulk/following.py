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
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from loguru import logger

from shopify_admin.bulk import NO_SLOT, OVER, RemoteOperation
from shopify_bulk.operations import (
    KIND,
    Operation,
    Operations,
    begin_submission,
    end_operation,
    keep_probe,
    keep_seen,
    keep_upload,
    lane_of,
    take_back,
)
from shopify_bulk.preparation import probe_of, pruned
from shopify_bulk.uploads import Uploads
from shopify_kit.clock import Clock
from shopify_kit.database import Connection, Database
from shopify_kit.errors import AccessDenied, Conflict, IntegrationError, InvalidInput, QueryRejected, TokenRejected, UserErrors
from shopify_kit.jobs import Effect, Job, add_sleeping_job
from shopify_service import ShopAdmin

AdminOf = Callable[[str, int], Callable[[], ShopAdmin]]
Ended = Callable[[Connection, Operation], Awaitable[None]]

FIRST_LOOK_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
SLOT_PAUSE_S: Final = 5.0
SETTLING_S: Final = 5.0
"""An operation that was taken a moment ago may not be listed yet."""
CANCELING_S: Final = 900.0
"""After that long an operation that hangs in CANCELING is not followed any more; Shopify keeps its slot."""
TRIES: Final = 3
RETRY_PAUSE_S: Final = 20.0
TRIED_AGAIN: Final = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT"})


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
        operation = self._operations.find(job.shop_id, uuid.UUID(str(job.payload["operation_id"])))
        if operation is None or operation.is_over:
            return None
        try:
            return self._step(operation)
        except (TokenRejected, AccessDenied, Conflict, InvalidInput, QueryRejected, UserErrors) as error:
            return self._failed(operation, error.code, _sentence(error))

    def _step(self, operation: Operation) -> Effect:
        if operation.status == "pending":
            return self._submit(operation)
        if operation.status == "submitting":
            return self._recover(operation)
        return self._look(operation)

    def _admin(self, operation: Operation) -> ShopAdmin:
        return self._admin_of(operation.user_id, operation.shop_id)()

    # Submitting

    def _submit(self, operation: Operation) -> Effect:
        if operation.cancel_requested:
            return self._over(operation, "canceled", None, None)
        admin = self._admin(operation)
        operation = self._probed(operation, admin)
        if operation.kind == "mutation" and operation.upload_path is None:
            if self._uploads.make_ready(operation, admin):
                return self._again(operation, 0.0)
            operation = self._uploaded(operation, admin)
        if not self._database.run(begin_submission, operation):
            return self._again(operation, SLOT_PAUSE_S)
        try:
            remote = self._start(operation, admin)
        except UserErrors as error:
            if not _is_about_slots(error):
                raise
            return self._waits_for_slot(operation)
        return self._seen(operation, remote)

    def _start(self, operation: Operation, admin: ShopAdmin) -> RemoteOperation:
        document = operation.document.replace(operation.name, _attempt_name(operation, operation.tries + 1))
        if operation.kind == "query":
            return admin.run_bulk_query(document, group_objects=operation.group_objects)
        assert operation.upload_path is not None
        return admin.run_bulk_mutation(document, operation.upload_path, str(operation.operation_id))

    def _probed(self, operation: Operation, admin: ShopAdmin) -> Operation:
        """Try the query with one object per connection, and leave out what Shopify does not let us read."""
        if operation.is_probed or operation.kind != "query":
            return operation
        document, dropped = probe(admin, operation.document)
        self._database.run(keep_probe, operation, document, dropped)
        return self._fresh(operation)

    def _uploaded(self, operation: Operation, admin: ShopAdmin) -> Operation:
        self._database.run(keep_upload, operation, self._uploads.send(operation, admin))
        return self._fresh(operation)

    def _fresh(self, operation: Operation) -> Operation:
        found = self._operations.find(operation.shop_id, operation.operation_id)
        assert found is not None
        return found

    def _waits_for_slot(self, operation: Operation) -> Effect:
        """Other operations, perhaps another process's or another tool's, have all slots; theirs are none of our business."""

        async def effect(conn: Connection) -> None:
            await take_back(conn, operation, None, counts=False)
            await _come_back(conn, operation, SLOT_PAUSE_S)

        return effect

    # Found again

    def _recover(self, operation: Operation) -> Effect:
        """Look at Shopify for an operation that may have been taken before a crash."""
        assert operation.submitted_at is not None
        age_s = (self._clock.now() - operation.submitted_at).total_seconds()
        since = operation.submitted_at - timedelta(minutes=5)
        name, listed = _attempt_name(operation, operation.tries), self._admin(operation).recent_bulk_operations(since)
        remote = next((found for found in listed if re.search(rf"\b{name}\b", found.document or "")), None)
        if remote is not None:
            logger.info("Shopify bulk: operation {} was found again at Shopify", operation.operation_id)
            return self._seen(operation, remote)
        if age_s < SETTLING_S:
            return self._again(operation, SETTLING_S - age_s)

        async def effect(conn: Connection) -> None:
            await take_back(conn, operation, None, counts=False)
            await _come_back(conn, operation, 0.0)

        return effect

    # Looking

    def _look(self, operation: Operation) -> Effect:
        admin = self._admin(operation)
        assert operation.gid is not None
        if operation.cancel_requested and operation.status != "canceling":
            admin.cancel_bulk_operation(operation.gid)
        remote = admin.bulk_operation(operation.gid)
        if remote is None:
            return self._failed(operation, "not_found", "Shopify does not know the operation any more.")
        return self._seen(operation, remote)

    def _seen(self, operation: Operation, remote: RemoteOperation) -> Effect:
        if remote.status == "failed" and self._may_try_again(operation, remote):
            return self._try_again(operation, remote)
        if remote.status == "canceling" and self._age_s(operation) > CANCELING_S:
            return self._over(operation, "canceled", "CANCELING_HANGS", "Shopify has not ended it; it is not followed any more.")
        is_over = remote.status in OVER

        async def effect(conn: Connection) -> None:
            await keep_seen(conn, operation, remote)
            if is_over:
                await self._tell(conn, operation)
            else:
                await _come_back(conn, operation, self._pause_s(operation))

        return effect

    def _age_s(self, operation: Operation) -> float:
        return (self._clock.now() - (operation.submitted_at or operation.created_at)).total_seconds()

    def _pause_s(self, operation: Operation) -> float:
        """Wait a tenth of what it has taken so far; the finish webhook shortens that."""
        return min(LONGEST_PAUSE_S, max(FIRST_LOOK_S, self._age_s(operation) / 10)) * random.uniform(1.0, 1.2)

    def _may_try_again(self, operation: Operation, remote: RemoteOperation) -> bool:
        is_ours_to_repeat = operation.kind == "query" and not operation.cancel_requested
        return is_ours_to_repeat and remote.error_code in TRIED_AGAIN and operation.tries < TRIES

    def _try_again(self, operation: Operation, remote: RemoteOperation) -> Effect:
        logger.warning("Shopify bulk: operation {} failed with {}; trying again", operation.operation_id, remote.error_code)

        async def effect(conn: Connection) -> None:
            await take_back(conn, operation, remote.error_code, counts=True)
            await _come_back(conn, operation, RETRY_PAUSE_S * operation.tries)

        return effect

    # Ending

    def _failed(self, operation: Operation, code: str, message: str) -> Effect:
        return self._over(operation, "failed", code, message)

    def _over(self, operation: Operation, status: str, code: str | None, message: str | None) -> Effect:
        async def effect(conn: Connection) -> None:
            await end_operation(conn, operation, status, code, message)
            await self._tell(conn, operation)

        return effect

    async def _tell(self, conn: Connection, operation: Operation) -> None:
        tell = self.ended.get(operation.purpose)
        if tell is not None:
            await tell(conn, operation)

    def _again(self, operation: Operation, after_s: float) -> Effect:
        async def effect(conn: Connection) -> None:
            await _come_back(conn, operation, after_s)

        return effect


def _attempt_name(operation: Operation, number: int) -> str:
    """Name one submission of an operation: the one before may stand at Shopify as failed."""
    return f"{operation.name}_{number}"


async def _come_back(conn: Connection, operation: Operation, after_s: float) -> None:
    payload: Mapping[str, Any] = {"operation_id": str(operation.operation_id)}
    lane = lane_of(operation.operation_id)
    await add_sleeping_job(conn, KIND, shop_id=operation.shop_id, lane=lane, payload=payload, after_s=after_s)


def probe(admin: ShopAdmin, document: str) -> tuple[str, tuple[str, ...]]:
    """Try a bulk query with one object per connection; returns it without the fields that may not be read, and their names.

    Raises:
        InvalidInput: nothing of it may be read.
        QueryRejected: Shopify does not take the query at all.
    """
    answer = admin.graphql(probe_of(document), {}, is_mutation=False)
    denied = [error for error in answer.errors if _code(error) == "ACCESS_DENIED" and error.get("path")]
    others = [error for error in answer.errors if _code(error) != "ACCESS_DENIED"]
    if others or len(denied) < len(answer.errors):
        codes = ", ".join(sorted({_code(error) or "no code" for error in others})) or "ACCESS_DENIED"
        raise QueryRejected(
            f"Shopify rejects the query ({codes}).", details={"errors": [_place(error) for error in answer.errors[:20]]}
        )
    return pruned(document, [error["path"] for error in denied]) if denied else (document, ())


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
