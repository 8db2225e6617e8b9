"""Group commit: rows of all threads go to the database together, each caller returning only after the commit that holds its row.

Natural grouping: whoever comes while nothing is being written writes at once; whoever comes meanwhile is collected and written by
the next one, so that groups grow with the load and nobody waits for a timer. A group that fails because of what is in it is written
again row by row, so that one bad row costs nobody else anything. Nobody waits longer than a bound for a database that is away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast

from shopify_kit.clock import monotonic_s
from shopify_kit.database import Database, Verb
from shopify_kit.errors import DatabaseUnavailable
from shopify_kit.runtime import Lock

T = TypeVar("T")
R = TypeVar("R")
MAX_GROUP = 64
MAX_GROUP_BYTES = 8 * 2**20
CANCEL_S = 1.1
"""How long it takes at most to give up a statement on a server that does not answer."""
LEAST_S = 0.1
RETRY_AFTER_S = 2.0


class _Entry(Generic[T, R]):
    """One caller's row, and what became of it. `turn` opens when it is written, or when its caller is to write."""

    __slots__ = ("deadline_s", "error", "is_done", "item", "leads", "result", "turn")

    def __init__(self, item: T, deadline_s: float) -> None:
        self.item = item
        self.deadline_s = deadline_s
        self.turn = Lock()
        self.turn.acquire()
        self.leads = False
        self.is_done = False
        self.result: R | None = None
        self.error: BaseException | None = None

    def succeed(self, result: R) -> None:
        """Note the result."""
        self.result, self.is_done = result, True

    def fail(self, error: BaseException) -> None:
        """Note why the row is not known to be written."""
        self.error, self.is_done = error, True


class GroupCommit(Generic[T, R]):
    """Writes items with a verb `async def write(conn, items) -> results`, one result per item, committed when it returns.

    Args:
        is_items_fault: whether an error comes from what is in the items, so that writing them one by one makes sense.
        size_of: bytes of an item, so that groups of large ones stay small.
        timeout_s: for one group.
        patience_s: after which each caller has an answer, whatever the database does.
    """

    def __init__(
        self,
        database: Database,
        write: Verb[Sequence[Any]],
        *,
        is_items_fault: Callable[[BaseException], bool],
        size_of: Callable[[T], int] = lambda _: 0,
        timeout_s: float = 1.5,
        patience_s: float = 2.9,
    ) -> None:
        self._database = database
        self._write = write
        self._is_items_fault = is_items_fault
        self._size_of = size_of
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._lock = Lock()
        self._waiting: list[_Entry[T, R]] = []
        self._is_writing = False

    def put(self, item: T) -> R:
        """Write one item and return its result once it is committed.

        Raises:
            DatabaseUnavailable: nothing was stored, or it is not known whether.
        """
        entry: _Entry[T, R] = _Entry(item, monotonic_s() + self._patience_s)
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
        if entry.turn.acquire(timeout=self._patience_s):
            return
        with self._lock:
            if entry.leads or entry.is_done:
                return
            if entry in self._waiting:
                self._waiting.remove(entry)
        raise _too_late()

    def _lead(self, own: _Entry[T, R]) -> None:
        """Write the group that has collected, and hand on to the first of those who came meanwhile."""
        with self._lock:
            group = self._take_group()
        try:
            self._write_group(group)
        except BaseException as error:
            # The leader is being ended; what it took with it must not pass for written.
            for entry in group:
                if not entry.is_done:
                    entry.fail(_broken_off(error))
            raise
        finally:
            self._hand_on(own, group)

    def _take_group(self) -> list[_Entry[T, R]]:
        count, size = 0, 0
        for entry in self._waiting[:MAX_GROUP]:
            size += self._size_of(entry.item)
            if count and size > MAX_GROUP_BYTES:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    def _hand_on(self, own: _Entry[T, R], group: list[_Entry[T, R]]) -> None:
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
        timeout_s = min(self._timeout_s, min(entry.deadline_s for entry in group) - monotonic_s() - CANCEL_S)
        try:
            if timeout_s < LEAST_S:
                raise _too_late()
            results = self._database.run_autocommit(self._write, [entry.item for entry in group], timeout_s=timeout_s)
        except DatabaseUnavailable as error:
            self._fail_all(group, error)
        except Exception as error:
            if len(group) == 1 or not self._is_items_fault(error):
                for entry in group:
                    entry.fail(error)
            else:
                for entry in group:
                    self._write_group([entry])
        else:
            for entry, result in zip(group, results, strict=True):
                entry.succeed(result)

    def _fail_all(self, group: list[_Entry[T, R]], error: DatabaseUnavailable) -> None:
        """Tell also those who wait: the next one would only find the same out once more."""
        with self._lock:
            told, self._waiting = self._waiting, []
        for entry in (*group, *told):
            entry.fail(error)
        for entry in told:
            entry.turn.release()


def _too_late() -> DatabaseUnavailable:
    return DatabaseUnavailable("The database did not take the row in time; send it again.", retry_after_s=RETRY_AFTER_S)


def _broken_off(error: BaseException) -> DatabaseUnavailable:
    text = f"The writing of a row was broken off ({type(error).__name__}); whether it is stored is not known; send it again."
    return DatabaseUnavailable(text, retry_after_s=RETRY_AFTER_S)
