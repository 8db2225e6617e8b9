"""Files of bulk operations on disk: results that are written once and read by many, at constant memory.

A file on disk has no name, so that nothing is left behind however the fake ends; a small one is kept in memory.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
import threading
import zlib
from collections.abc import Iterator

PIECE_BYTES = 256 * 1024
MEMORY_BYTES = 2**20


class BulkFile:
    """Bytes on disk: appended by one, read from any place by others."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(MEMORY_BYTES)  # noqa: SIM115
        self._lock = threading.Lock()
        self._digest = hashlib.md5(usedforsecurity=False)
        self.size = 0

    def append(self, data: bytes) -> None:
        """Add bytes at the end."""
        with self._lock:
            self._file.seek(self.size)
            self._file.write(data)
            self._digest.update(data)
            self.size += len(data)

    def read(self, start: int, count: int) -> bytes:
        """Return up to `count` bytes from a place."""
        with self._lock:
            self._file.seek(start)
            return self._file.read(count)

    def pieces(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yield the bytes from `start` to `end` (excluded) in pieces."""
        stop = self.size if end is None else end
        while start < stop:
            piece = self.read(start, min(PIECE_BYTES, stop - start))
            if not piece:
                return
            start += len(piece)
            yield piece

    def lines(self) -> Iterator[bytes]:
        """Yield the lines, without their ends."""
        rest = b""
        for piece in self.pieces():
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
        if rest:
            yield rest

    @property
    def md5(self) -> bytes:
        """The checksum of what was written."""
        return self._digest.digest()

    @property
    def md5_text(self) -> str:
        """The checksum as storage headers show it."""
        return base64.b64encode(self.md5).decode()

    @property
    def etag(self) -> str:
        """The entity tag: the checksum in hexadecimal, in quotes."""
        return f'"{self.md5.hex()}"'

    def discard(self) -> None:
        """Give the space back; reading ends early from now on."""
        with self._lock:
            self._file.truncate(0)
            self.size = 0


def gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Pack pieces with gzip as they come."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
