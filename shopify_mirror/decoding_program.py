"""Decoding in a process of its own: a result's bytes on standard input, frames on standard output.

A frame is its size and a msgpack object; the large buffers of a block follow it as they are. A bad result is a frame too. Nothing
is written anywhere else: what a traceback quotes may be a customer's.
"""

from __future__ import annotations

import gc
import sys
from struct import Struct as Layout
from typing import IO, Final, TypeAlias

import msgspec

from shopify_mirror.decoding import BadResult, Block, Counts, Decoder, Plan

PIECE_BYTES: Final = 256 * 1024

SIZE: Final = Layout("!I")


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


def _write_frame(stream: IO[bytes], frame: Frame) -> None:
    data = msgspec.msgpack.encode(frame)
    stream.write(SIZE.pack(len(data)) + data)


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
