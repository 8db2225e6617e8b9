"""Idempotency keys: a write that is asked for twice happens once, and both callers see the same answer.

The first request claims the key before it does anything; while it runs, the same key answers 409. A request that failed in a way
that may be tried again gives the key back. Answers are kept sealed, for they hold customers' data.
"""

from __future__ import annotations

import hashlib

from msgspec import Struct

from shopify_kit.database import Connection, Database, Record
from shopify_kit.errors import Conflict, TokenUnreadable, Unprocessable
from shopify_kit.queries import load_queries
from shopify_kit.sealing import KeyRing, Place

CLAIM_S = 300
KEEP_S = 86_400
SWEEP_ROWS = 100

queries = load_queries("idempotency")


class KeptAnswer(Struct, frozen=True):
    """The answer to the first request with a key."""

    status: int
    body: bytes


class IdempotencyStore:
    """Claims keys and keeps answers; `scope` says whose key it is and for what (user and route)."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    def claim(self, scope: str, key: str, request: bytes) -> KeptAnswer | None:
        """Claim a key: None when it is ours now, else the answer that the first request got.

        Raises:
            Unprocessable: code `idempotency_key_reused`, the key was used for another request.
            Conflict: code `request_in_progress`, the first request still runs; `answer_unreadable`, its answer cannot be read any
                more because the sealing key is gone.
        """
        digest = hashlib.sha256(request).digest()
        row = self._database.run(_claim, scope, key, digest)
        if row is None:
            return None
        if row["request_hash"] != digest:
            text = "This Idempotency-Key was used for another request; use a fresh one."
            raise Unprocessable(text, code="idempotency_key_reused")
        if row["status"] is None:
            raise Conflict("The first request with this Idempotency-Key still runs.", code="request_in_progress", retry_after_s=2.0)
        return KeptAnswer(row["status"], self._body(row["body"], scope, key))

    def _body(self, sealed: bytes, scope: str, key: str) -> bytes:
        try:
            return self._keys.open(sealed, _place(scope, key))
        except TokenUnreadable:
            text = "The answer to the first request with this Idempotency-Key cannot be read any more; look what it did."
            raise Conflict(text, code="answer_unreadable") from None

    def keep(self, scope: str, key: str, answer: KeptAnswer) -> None:
        """Keep the answer of a finished request for a day."""
        sealed = self._keys.seal(answer.body, _place(scope, key))
        self._database.run(_keep, scope, key, answer.status, sealed)

    def release(self, scope: str, key: str) -> None:
        """Give a key back: the request may be tried again."""
        self._database.run(_release, scope, key)


def _place(scope: str, key: str) -> Place:
    return Place("idempotency_keys", scope, "", key, 0)


async def _claim(conn: Connection, scope: str, key: str, digest: bytes) -> Record | None:
    while True:
        if await conn.fetchval(queries.claim_key, scope, key, digest, CLAIM_S):
            return None
        row = await conn.fetchrow(queries.find_key, scope, key)
        if row is not None:
            return row


async def _keep(conn: Connection, scope: str, key: str, status: int, body: bytes) -> None:
    await conn.execute(queries.keep_answer, scope, key, status, body, KEEP_S)
    await conn.execute(queries.sweep_keys, SWEEP_ROWS)


async def _release(conn: Connection, scope: str, key: str) -> None:
    await conn.execute(queries.release_key, scope, key)
