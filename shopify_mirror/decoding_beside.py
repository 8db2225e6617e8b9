"""A result decoded beside this process or in it: batches of rows either way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Final

import msgspec

from shopify_kit.child_program import ChildProgram
from shopify_mirror.decoding import BadResult, Batch, Block, Decoder, Plan
from shopify_mirror.decoding_program import SIZE, BlockFrame, CountsFrame, EndFrame, Frame

PROGRAM: Final = "shopify_mirror.decoding_program"

_decode_frame = msgspec.msgpack.Decoder(Frame).decode


class ProgramFailed(Exception):
    """The program ended before its work did."""


def decode_beside(plan: Plan, pieces: Iterable[bytes]) -> Iterator[Batch]:
    """Yield the batches of a result that a child process decodes.

    Raises:
        BadResult: as `Decoder.blocks`.
        ProgramFailed: the child could not be started, or ended before its work did.
    """
    try:
        program = ChildProgram(PROGRAM, msgspec.json.encode(plan).decode())
    except OSError as error:
        raise ProgramFailed(f"no child process ({type(error).__name__})") from error
    yield from program.converse(pieces, _batches)


def decode_here(plan: Plan, pieces: Iterable[bytes]) -> Iterator[Batch]:
    """Yield the batches of a result, decoded in this process; raises `BadResult` as `Decoder.blocks`."""
    blocks: list[Block] = []
    for part in Decoder(plan).blocks(pieces):
        if isinstance(part, Block):
            blocks.append(part)
        else:
            yield Batch(part, blocks)
            blocks = []


def _batches(stream: IO[bytes]) -> Iterator[Batch]:
    blocks: list[Block] = []
    while not isinstance(frame := _read_frame(stream), EndFrame):
        if isinstance(frame, BlockFrame):
            blocks.append(_read_block(stream, frame))
        elif isinstance(frame, CountsFrame):
            yield Batch(frame.counts, blocks)
            blocks = []
        else:
            raise BadResult(frame.message)


def _read_frame(stream: IO[bytes]) -> Frame:
    head = stream.read(SIZE.size)
    if len(head) < SIZE.size:
        raise ProgramFailed("the decoding process ended early")
    frame: Frame = _decode_frame(_read(stream, *SIZE.unpack(head)))
    return frame


def _read_block(stream: IO[bytes], frame: BlockFrame) -> Block:
    tables = {name: _read(stream, size) for name, size in frame.tables.items()}
    return Block(tables, _read(stream, frame.raw_bytes), frame.raw_numbers, frame.raw_sizes)


def _read(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise ProgramFailed("the decoding process ended early")
    return data
