"""A program beside this process: bytes in, bytes out, gone with its owner."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from shopify_kit.child_program import ChildProgram
from tests.processes import PROJECT_ROOT, ChildProcess, is_alive, wait_until

UPPER = "tests.upper_program"


def read_all(stream: IO[bytes]) -> Iterator[bytes]:
    while data := stream.read(1 << 16):
        yield data


def test_what_goes_in_comes_out_as_the_program_makes_it() -> None:
    pieces = [b"some " * 10_000, b"words"]

    assert b"".join(ChildProgram(UPPER).converse(pieces, read_all)) == b"".join(pieces).upper()


def test_arguments_arrive_as_they_are() -> None:
    argument = 'a "quoted" {text}\n'

    assert b"".join(ChildProgram(UPPER, argument).converse([], read_all)) == argument.upper().encode()


def test_what_the_pieces_raise_is_raised() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x"
        raise ConnectionError("the network is away")

    with pytest.raises(ConnectionError, match="away"):
        b"".join(ChildProgram(UPPER).converse(pieces(), read_all))


def test_the_program_is_gone_when_its_reader_leaves() -> None:
    program = ChildProgram(UPPER)
    conversation = program.converse([b"x" * 10_000_000], read_all)
    next(conversation)

    conversation.close()  # type: ignore[attr-defined]

    assert not is_alive(program.pid)


def test_a_killed_program_ends_the_reading() -> None:
    program = ChildProgram(UPPER)

    def pieces() -> Iterator[bytes]:
        yield b"x" * 3_000_000
        os.kill(program.pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(program.pid))
        while True:
            yield b"y" * 1_000_000

    assert len(b"".join(program.converse(pieces(), read_all))) <= 3_000_000


def test_the_program_ends_with_its_owner(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    owner = f"""
import time
from shopify_kit.child_program import ChildProgram
program = ChildProgram({UPPER!r})
def pieces():
    yield b"x" * 100_000
    open({str(note)!r}, "w").write(str(program.pid))
    time.sleep(60)
for _ in program.converse(pieces(), lambda stream: iter(lambda: stream.read(1000), b"")): pass
"""
    with ChildProcess(["-c", owner], cwd=PROJECT_ROOT) as process:
        pid = int(wait_until(lambda: note.read_text() if note.exists() else "", timeout_s=20))
        process.send(signal.SIGKILL)

        wait_until(lambda: not is_alive(pid), what="the end of the program")
