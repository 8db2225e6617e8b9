"""Decoding in a process of its own: a result's bytes on standard input, frames on standard output.

A frame is its size and a msgpack object; the large buffers of a block follow it as they are. A bad result is a frame too. Nothing
is written anywhere else: what a traceback quotes may be a customer's.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterable, Iterator
from struct import Struct as Layout
from typing import IO, Final, TypeAlias

import msgspec

from shopify_kit.child_program import ChildProgram
from shopify_mirror.decoding import BadResult, Batch, Block, Counts, Decoder, Plan

PIECE_BYTES: Final = 256 * 1024

_size = Layout("!I")


class BlockFrame(msgspec.Struct, tag="block"):
    """A block without its buffers: their sizes."""

    tables: dict[str, int]
    raw_bytes: int
    raw_numbers: list[int]
    raw_sizes: list[int]


class CountsFrame(msgspec.Struct, tag="counts"):
    """The end of a batch."""

    counts: Counts


class ErrorFrame(msgspec.Struct, tag="error"):
    """The result is bad."""

    message: str


class EndFrame(msgspec.Struct, tag="end"):
    """Everything was decoded."""


Frame: TypeAlias = BlockFrame | CountsFrame | ErrorFrame | EndFrame

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
        program = ChildProgram(__name__, msgspec.json.encode(plan).decode())
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
    head = stream.read(_size.size)
    if len(head) < _size.size:
        raise ProgramFailed("the decoding process ended early")
    frame: Frame = _decode_frame(_read(stream, *_size.unpack(head)))
    return frame


def _read_block(stream: IO[bytes], frame: BlockFrame) -> Block:
    tables = {name: _read(stream, size) for name, size in frame.tables.items()}
    return Block(tables, _read(stream, frame.raw_bytes), frame.raw_numbers, frame.raw_sizes)


def _read(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise ProgramFailed("the decoding process ended early")
    return data


def _write_frame(stream: IO[bytes], frame: Frame) -> None:
    data = msgspec.msgpack.encode(frame)
    stream.write(_size.pack(len(data)) + data)


def _write_block(stream: IO[bytes], block: Block) -> None:
    sizes = {name: len(data) for name, data in block.tables.items()}
    _write_frame(stream, BlockFrame(sizes, len(block.raw), block.raw_numbers, block.raw_sizes))
    for data in (*block.tables.values(), block.raw):
        stream.write(data)


def main(plan: Plan, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
    """Decode what comes in until it ends."""
    # What is decoded has no cycles: looking for them would cost a fifth of the time.
    gc.disable()
    try:
        for part in Decoder(plan).blocks(iter(lambda: incoming.read(PIECE_BYTES), b"")):
            if isinstance(part, Block):
                _write_block(outgoing, part)
            else:
                _write_frame(outgoing, CountsFrame(part))
        _write_frame(outgoing, EndFrame())
    except BadResult as error:
        _write_frame(outgoing, ErrorFrame(str(error)))
    outgoing.flush()


if __name__ == "__main__":
    main(msgspec.json.decode(sys.argv[1], type=Plan), sys.stdin.buffer, sys.stdout.buffer)
