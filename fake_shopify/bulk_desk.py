"""Bulk operations under way and done: what each is, and the thread that carries it from CREATED to its end.

By default an operation begins a moment after it was asked for and is done as soon as its lines are written, in real time, so that
clients that wait for it need not touch the fake's clock. What a script slows down happens on the fake's clock.

Source: shopify.dev/docs/api/usage/bulk-operations/queries, …/imports, objects/BulkOperation (statuses, seven days; read 2026-11).
Captured: CREATED with counts of zero, RUNNING, CANCELING and CANCELED with the counts reached, which have neither `completedAt`
nor `fileSize` (BEHAVIOURS 38), and since July 2026 no `url`. Assumed: an operation is EXPIRED seven days after its end.
"""

from __future__ import annotations

import secrets
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from fake_shopify.bulk_files import BulkFile
from fake_shopify.bulk_lines import Object, Result
from fake_shopify.bulk_scripts import Script, ScriptPlan
from fake_shopify.bulk_workers import CAN_FORK, Piece, forked, piece_of
from fake_shopify.failures import TopLevelError
from fake_shopify.rows import Row
from fake_shopify.staged_files import StagedFiles
from fake_shopify.world import Shop, World

MOMENT_S = 0.05
"""How long an operation that no script slows down stays CREATED, and CANCELING, in real seconds."""
LOOK_AGAIN_S = 0.25
KEPT_S = 7 * 86_400.0
OBJECTS_AT_ONCE = 100
"""So many objects of a query are made while the shop is locked."""
PORTIONS_AT_ONCE = 10
"""A result of so many portions and no more is written in the operation's own thread."""
UNFINISHED = ("CREATED", "RUNNING", "CANCELING")

Lines = Callable[[], Iterable[Object]]


class FileChanged(Exception):
    """The variables of a bulk mutation are not those that it began with."""


@dataclass(slots=True, eq=False)
class Operation:
    """One bulk operation; `row` is what the API shows of it.

    Args:
        lines: begins to make its objects; they are taken under the shop's lock.
        started_s, ended_s: on the fake's clock, once it has.
        trouble: why it failed, for who runs the fake.
    """

    row: Row
    shop: Shop
    client_id: str
    script: Script
    lines: Lines
    round: int
    created_s: float
    token: str = field(default_factory=lambda: secrets.token_hex(14))
    file: BulkFile = field(default_factory=BulkFile)
    objects: int = 0
    roots: int = 0
    started_s: float | None = None
    ended_s: float | None = None
    is_cancelled: bool = False
    is_released: bool = False
    is_idle: bool = False
    trouble: str | None = None

    @property
    def status(self) -> str:
        """The status as it was last set."""
        return str(self.row["status"])

    @property
    def is_unfinished(self) -> bool:
        """Whether it takes up a slot."""
        return self.status in UNFINISHED


class BulkDesk:
    """All bulk operations of a world, the scripts for them, and the files that apps uploaded."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.scripts = ScriptPlan()
        self.uploads = StagedFiles(world)
        self.operations: list[Operation] = []
        self._cond = threading.Condition()
        self._round = 0

    def reset(self) -> None:
        """Forget everything; what is under way ends without a trace."""
        with self._cond:
            self._round += 1
            gone, self.operations = self.operations, []
            self._cond.notify_all()
        for operation in gone:
            operation.file.discard()
        self.scripts.clear()
        self.uploads.reset()

    def wake(self, timeout_s: float = 2.0) -> None:
        """Look at the clock again: it was moved. Waits a little until what follows from that has happened."""
        with self._cond:
            for operation in self.operations:
                operation.is_idle = False
            self._cond.notify_all()
            self._cond.wait_for(lambda: all(one.is_idle or not self._waits_for_clock(one) for one in self.operations), timeout_s)
        self.settle()

    def now_s(self) -> float:
        """The present instant of the fake's clock."""
        return self.world.clock.now().timestamp()

    # Asking

    def slots_taken(self, shop: Shop, client_id: str, type: str) -> list[Operation]:
        """Return the operations of an app and a kind that are not finished, oldest first."""
        with self._cond:
            return [
                one
                for one in self.operations
                if one.is_unfinished and (one.shop, one.client_id, one.row["type"]) == (shop, client_id, type)
            ]

    def by_token(self, token: str) -> Operation | None:
        """Return the operation that an address of a result names."""
        with self._cond:
            return next((one for one in self.operations if one.token == token), None)

    def is_expired(self, operation: Operation) -> bool:
        """Say whether the seven days of its result are over."""
        return operation.ended_s is not None and self.now_s() >= operation.ended_s + KEPT_S

    def settle(self) -> None:
        """Note what time alone has changed: results are kept for seven days."""
        for operation in list(self.operations):
            if self.is_expired(operation) and operation.status == "COMPLETED":
                operation.row["status"] = "EXPIRED"
                operation.file.discard()

    # Beginning and ending

    def begin(self, shop: Shop, client_id: str, type: str, document: str, lines: Lines, script: Script) -> Row:
        """Begin an operation and return its row; the caller holds the shop's lock."""
        clock = self.world.clock
        row = shop.new_row(
            "BulkOperation",
            type=type,
            query=document,
            status="CREATED",
            errorCode=None,
            createdAt=clock.iso(),
            completedAt=None,
            _created=precise(clock.now()),
            _completed=None,
            _client_id=client_id,
        )
        operation = Operation(row, shop, client_id, script, lines, self._round, self.now_s())
        row["_operation"] = operation
        with self._cond:
            self.operations.append(operation)
        threading.Thread(target=self._run, args=(operation,), name="bulk operation", daemon=True).start()
        return row

    def occupy(self, shop: Shop, client_id: str, type: str, count: int) -> list[Row]:
        """Let another tool of the same app begin operations that go on until they are released or cancelled."""
        text = "{ products { edges { node { id } } } }" if type == "QUERY" else "mutation { shopLocaleDisable }"
        held = Script(hold=True)
        with shop.lock:
            return [self.begin(shop, client_id, type, text, lambda: iter(()), held) for _ in range(count)]

    def cancel(self, operation: Operation) -> None:
        """Ask an operation to stop."""
        operation.row["status"] = "CANCELING"
        with self._cond:
            operation.is_cancelled = True
            self._cond.notify_all()

    def release(self, gid: str | None) -> int:
        """Let an operation go on that is held, or all of them; returns how many there were."""
        with self._cond:
            held = [one for one in self.operations if one.is_unfinished and gid in (None, one.row["id"])]
            for operation in held:
                operation.is_released = True
            self._cond.notify_all()
        return len(held)

    # A thread's work

    def _run(self, operation: Operation) -> None:
        try:
            self._carry(operation)
        except Abandoned:
            operation.file.discard()

    def _carry(self, operation: Operation) -> None:
        script = operation.script
        self._pause(operation, MOMENT_S)
        self._wait_out(operation, operation.created_s, script.start_after_s)
        if not operation.is_cancelled:
            self._set(operation, "RUNNING")
            operation.started_s = self.now_s()
            failure = self._produce(operation)
            self._wait_out(operation, operation.started_s, script.takes_s)
            self._wait_out(operation, 0.0, None if script.hold else 0.0)
            if not operation.is_cancelled:
                self._end(operation, failure)
                return
        self._pause(operation, MOMENT_S, although_cancelled=True)
        self._wait_out(operation, self.now_s(), script.cancel_takes_s, although_cancelled=True)
        self._wait_out(operation, 0.0, None if script.hang else 0.0, although_cancelled=True)
        self._finish(operation, "CANCELED", None)

    def _produce(self, operation: Operation) -> str | None:
        """Write the result; returns the error code of a failure."""
        try:
            for piece in self._pieces(operation):
                self._check_round(operation)
                operation.file.append(piece.data)
                operation.objects += piece.objects
                operation.roots += piece.roots
                if operation.is_cancelled:
                    break
        except Abandoned:
            raise
        except TopLevelError as refused:
            operation.trouble = refused.message
            denied = refused.extensions.get("code") == "ACCESS_DENIED"
            return "ACCESS_DENIED" if denied else "INTERNAL_SERVER_ERROR"
        except Exception as failure:
            operation.trouble = f"{type(failure).__name__}: {failure}"
            if not isinstance(failure, FileChanged):
                traceback.print_exc()
            return "INTERNAL_SERVER_ERROR"
        return None

    def _pieces(self, operation: Operation) -> Iterator[Piece]:
        with operation.shop.lock:
            found = operation.lines()
        if isinstance(found, Result) and operation.script.is_plain and CAN_FORK:
            yield from self._pieces_of_portions(operation, found)
        else:
            yield from self._pieces_of_objects(operation, iter(found))

    def _pieces_of_portions(self, operation: Operation, result: Result) -> Iterator[Piece]:
        """Yield the lines of a query: the first portions at once, those of a long result by processes of their own."""
        portions, lock = result.portions(), operation.shop.lock
        for _ in range(PORTIONS_AT_ONCE):
            with lock:
                objects = [one for portion in islice(portions, 1) for one in result.write(portion)]
            if not objects:
                return
            yield piece_of(objects)
        rest = forked(portions, result.write)
        with lock:
            next(rest)
        yield from rest

    def _pieces_of_objects(self, operation: Operation, found: Iterator[Object]) -> Iterator[Piece]:
        script, limited = operation.script, islice(found, operation.script.after_objects)
        at_once = 1 if script.objects_per_s is not None or operation.row["type"] == "MUTATION" else OBJECTS_AT_ONCE
        while True:
            if script.objects_per_s is not None and operation.started_s is not None:
                self._until(operation, operation.started_s + (operation.objects + 1) / script.objects_per_s)
            if operation.is_cancelled:
                return
            with operation.shop.lock:
                objects = list(islice(limited, at_once))
            if not objects:
                return
            yield self._spoilt(operation, piece_of(objects))

    def _spoilt(self, operation: Operation, piece: Piece) -> Piece:
        """Cut the line in half that is not to be JSON."""
        place = operation.script.corrupt_line
        if place is None or not 0 <= place - operation.objects < piece.objects:
            return piece
        lines = piece.data.splitlines(keepends=True)
        line = lines[place - operation.objects]
        lines[place - operation.objects] = line[: len(line) // 2] + b"\n"
        return replace(piece, data=b"".join(lines))

    def _end(self, operation: Operation, failure: str | None) -> None:
        script = operation.script
        if failure is not None or script.end == "FAILED" or script.changed_file:
            code = failure or ("INTERNAL_SERVER_ERROR" if script.changed_file else script.error_code)
            self._finish(operation, "FAILED", code)
        else:
            self._finish(operation, script.end or "COMPLETED", None)

    def _set(self, operation: Operation, status: str) -> None:
        with operation.shop.lock:
            self._check_round(operation)
            if not operation.is_cancelled:
                operation.row["status"] = status

    def _finish(self, operation: Operation, status: str, error_code: str | None) -> None:
        clock, row, shop = self.world.clock, operation.row, operation.shop
        with shop.lock:
            self._check_round(operation)
            if operation.is_cancelled:
                status, error_code = "CANCELED", None
            row["errorCode"] = error_code
            if status != "CANCELED":
                row["completedAt"], row["_completed"] = clock.iso(), precise(clock.now())
            operation.ended_s = self.now_s()
            row["status"] = status
            shop.emit(
                "bulk_operations/finish", {"admin_graphql_api_id": row["id"], "id": row.number}, client_id=operation.client_id
            )
        with self._cond:
            operation.is_idle = True
            self._cond.notify_all()

    # Waiting

    def _check_round(self, operation: Operation) -> None:
        if operation.round != self._round:
            raise Abandoned

    def _pause(self, operation: Operation, real_s: float, *, although_cancelled: bool = False) -> None:
        """Wait in real time."""
        with self._cond:
            self._cond.wait_for(
                lambda: operation.round != self._round or (operation.is_cancelled and not although_cancelled), real_s
            )
        self._check_round(operation)

    def _wait_out(self, operation: Operation, from_s: float, span_s: float | None, *, although_cancelled: bool = False) -> None:
        """Wait so long on the fake's clock (which may be put back), or without a span until the operation is released."""
        if span_s != 0:
            self._until(operation, None if span_s is None else from_s + span_s, although_cancelled=although_cancelled)

    def _until(self, operation: Operation, due_s: float | None, *, although_cancelled: bool = False) -> None:
        """Wait for an instant of the fake's clock; without one, until the operation is released."""

        def is_over() -> bool:
            stopped = operation.is_cancelled and not although_cancelled
            due = operation.is_released if due_s is None else self.now_s() >= due_s
            return stopped or due or operation.round != self._round

        with self._cond:
            while not is_over():
                operation.is_idle = True
                self._cond.notify_all()
                self._cond.wait(LOOK_AGAIN_S)
            operation.is_idle = False
        self._check_round(operation)

    def _waits_for_clock(self, operation: Operation) -> bool:
        """Say whether an operation does what the clock tells it."""
        script = operation.script
        return operation.is_unfinished and (
            script.is_paced or bool(script.start_after_s or script.takes_s or script.cancel_takes_s)
        )


class Abandoned(Exception):
    """The world was reset meanwhile."""


def precise(instant: Any) -> str:
    """Write an instant as cursors show it."""
    return str(instant.strftime("%Y-%m-%d %H:%M:%S.%f"))
