"""Long results by several processes: each writes every n-th portion of the objects at the root, as the shop was when they were
forked.

Requests are answered meanwhile as if nothing were going on, and where there are processors to spare a result is done sooner. A
child ends with its parent, at the latest when it writes the next time.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import struct
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from fake_shopify.bulk_lines import PARENT, Object, Portion, line_of
from fake_shopify.failures import TopLevelError

MOST_WORKERS = 4
FRAME_BYTES = 128 * 1024
HEAD = struct.Struct("<cIII")
PART, END, DONE, FAILED = b"p", b"e", b"d", b"f"
CAN_FORK = hasattr(os, "fork")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines, how many they are and how many of them are at the root."""

    data: bytes
    objects: int
    roots: int


@dataclass(frozen=True, slots=True)
class _Worker:
    pid: int
    pipe: int


class WorkerFailed(Exception):
    """What went wrong in a worker; its traceback is on the standard error."""


def piece_of(objects: Iterable[Object]) -> Piece:
    """Write objects as lines."""
    found = list(objects)
    return Piece(b"".join(map(line_of, found)), len(found), sum(1 for one in found if PARENT not in one))


def forked(portions: Iterator[Portion], write: Callable[[Portion], Iterator[Object]]) -> Iterator[Piece]:
    """Yield the lines of all portions in their order; the caller holds the shop's lock while the first is asked for."""
    count = max(1, min(MOST_WORKERS, os.cpu_count() or 1))
    workers: list[_Worker] = []
    try:
        workers.extend(_start(portions, write, number, count) for number in range(count))
        yield Piece(b"", 0, 0)
        yield from _collected(workers)
    finally:
        for worker in workers:
            _stop(worker)


def _collected(workers: list[_Worker]) -> Iterator[Piece]:
    """Read one portion of each worker after the other; the first that has none left was asked for one that is not there."""
    while True:
        for worker in workers:
            kind = PART
            while kind == PART:
                kind, objects, roots, data = _receive(worker.pipe)
                if kind == FAILED:
                    _raise(json.loads(data))
                if kind == DONE:
                    return
                yield Piece(data, objects, roots)


def _raise(failure: dict[str, str]) -> NoReturn:
    if failure["code"]:
        raise TopLevelError(failure["message"], failure["code"])
    raise WorkerFailed(failure["message"])


def _receive(pipe: int) -> tuple[bytes, int, int, bytes]:
    kind, objects, roots, size = HEAD.unpack(_read(pipe, HEAD.size))
    return kind, objects, roots, _read(pipe, size)


def _read(pipe: int, count: int) -> bytes:
    parts, left = [], count
    while left:
        part = os.read(pipe, left)
        if not part:
            raise WorkerFailed("a worker ended before its time")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _start(portions: Iterator[Portion], write: Callable[[Portion], Iterator[Object]], number: int, count: int) -> _Worker:
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _alone_with(theirs)
            _work(portions, write, number, count, theirs)
        finally:
            # Nothing of the parent's may be cleaned up here.
            os._exit(0)
    os.close(theirs)
    return _Worker(pid, ours)


def _stop(worker: _Worker) -> None:
    os.close(worker.pipe)
    with contextlib.suppress(ProcessLookupError):
        os.kill(worker.pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(worker.pid, 0)


# In the child


def _alone_with(pipe: int) -> None:
    """Let go of everything inherited: sockets of clients would stay open as long as somebody holds them."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    # What is inherited stays shared for longer when the collector does not walk over it.
    gc.freeze()
    os.closerange(3, pipe)
    os.closerange(pipe + 1, os.sysconf("SC_OPEN_MAX"))


def _work(portions: Iterator[Portion], write: Callable[[Portion], Iterator[Object]], number: int, count: int, pipe: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        try:
            for place, portion in enumerate(portions):
                if place % count == number:
                    _send_portion(write(portion), pipe)
            _send(pipe, DONE, Piece(b"", 0, 0))
        except BrokenPipeError:
            raise
        except Exception as failure:
            code = failure.extensions.get("code", "") if isinstance(failure, TopLevelError) else ""
            text = failure.message if isinstance(failure, TopLevelError) else f"{type(failure).__name__}: {failure}"
            if not isinstance(failure, TopLevelError):
                traceback.print_exc()
            _send(pipe, FAILED, Piece(json.dumps({"code": code, "message": text}).encode(), 0, 0))


def _send_portion(found: Iterator[Object], pipe: int) -> None:
    lines, size, roots = [], 0, 0
    for one in found:
        line = line_of(one)
        lines.append(line)
        size += len(line)
        roots += PARENT not in one
        if size >= FRAME_BYTES:
            _send(pipe, PART, Piece(b"".join(lines), len(lines), roots))
            lines, size, roots = [], 0, 0
    _send(pipe, END, Piece(b"".join(lines), len(lines), roots))


def _send(pipe: int, kind: bytes, piece: Piece) -> None:
    data = memoryview(HEAD.pack(kind, piece.objects, piece.roots, len(piece.data)) + piece.data)
    while data:
        data = data[os.write(pipe, data) :]
