"""Group commit: rows of all threads go to the database together, each caller returning only after the commit that holds its row.

Natural grouping: whoever comes while nothing is being written writes at once; whoever comes meanwhile is collected and written by
the next one, so that groups grow with the load and nobody waits for a timer. A group that fails because of what is in it is written
again row by row, so that one bad row costs nobody else anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

from shopify_kit.database import Database, Verb
from shopify_kit.errors import DatabaseUnavailable
from shopify_kit.runtime import Lock

T = TypeVar("T")
R = TypeVar("R")
MAX_GROUP = 64


class _Entry(Generic[T, R]):
    """One caller's row, and what became of it. `turn` opens when it is written, or when its caller is to write."""

    __slots__ = ("error", "item", "leads", "result", "turn")

    def __init__(self, item: T) -> None:
        self.item = item
        self.turn = Lock()
        self.turn.acquire()
        self.leads = False
        self.result: R | None = None
        self.error: BaseException | None = None


class GroupCommit(Generic[T, R]):
    """Writes items with a verb `async def write(conn, items) -> results`, one result per item, committed when it returns.

    Args:
        is_items_fault: whether an error comes from what is in the items, so that writing them one by one makes sense.
        timeout_s: for one group; a caller waits at most twice as long.
    """

    def __init__(
        self,
        database: Database,
        write: Verb[Sequence[Any]],
        *,
        is_items_fault: Callable[[BaseException], bool],
        timeout_s: float = 1.5,
    ) -> None:
        self._database = database
        self._write = write
        self._is_items_fault = is_items_fault
        self._timeout_s = timeout_s
        self._lock = Lock()
        self._waiting: list[_Entry[T, R]] = []
        self._is_writing = False

    def put(self, item: T) -> R:
        """Write one item and return its result once it is committed.

        Raises:
            DatabaseUnavailable: nothing was stored, or it is not known whether.
        """
        entry: _Entry[T, R] = _Entry(item)
        with self._lock:
            self._waiting.append(entry)
            entry.leads, self._is_writing = not self._is_writing, True
        if not entry.leads:
            self._await_turn(entry)
        if entry.leads:
            self._lead(entry)
        if entry.error is not None:
            raise entry.error
        return cast(R, entry.result)

    def _await_turn(self, entry: _Entry[T, R]) -> None:
        """Wait until the row is written or it is ours to write; a row that still waits when the time is over is withdrawn."""
        if entry.turn.acquire(timeout=2 * self._timeout_s):
            return
        with self._lock:
            if entry.leads:
                return
            if entry in self._waiting:
                self._waiting.remove(entry)
        raise DatabaseUnavailable("The database did not take the row in time; send it again.", retry_after_s=2.0)

    def _lead(self, own: _Entry[T, R]) -> None:
        """Write the group that has collected, and hand on to the first of those who came meanwhile."""
        with self._lock:
            group, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
        try:
            self._write_group(group)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._is_writing = following is not None
                if following is not None:
                    following.leads = True
            for entry in group:
                if entry is not own:
                    entry.turn.release()
            if following is not None:
                following.turn.release()

    def _write_group(self, group: list[_Entry[T, R]]) -> None:
        try:
            results = self._database.run_autocommit(self._write, [entry.item for entry in group], timeout_s=self._timeout_s)
        except Exception as error:
            if len(group) > 1 and self._is_items_fault(error):
                for entry in group:
                    self._write_group([entry])
            else:
                for entry in group:
                    entry.error = error
        else:
            for entry, result in zip(group, results, strict=True):
                entry.result = result
