"""JSON lines out of a stream of bytes: each line where it lies, without a copy of its own."""

from __future__ import annotations

from typing import Final

MAX_LINE_BYTES: Final = 4 * 2**20


class NotLines(ValueError):
    """What comes is no lines of text: one is longer than anything Shopify sends, or it is not UTF-8."""


class LineSplitter:
    """Divides a stream into lines; what is behind the last line end waits for the next piece.

    Args:
        max_bytes: of one line. Nothing longer is ever held, whatever the stream is.
    """

    def __init__(self, max_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rest = b""
        self.taken_bytes = 0

    def feed(self, piece: bytes) -> list[memoryview]:
        """Return the lines that are complete now, without their ends; empty ones are left out.

        Raises:
            NotLines: a line is too long, or there are bytes that no text has.
        """
        data = self._rest + piece if self._rest else piece
        end = data.rfind(b"\n") + 1
        if len(data) - end > self._max_bytes:
            raise self._too_long()
        self._rest = data[end:]
        return self._cut(data, end)

    def finish(self) -> list[memoryview]:
        """Return the last line where the stream ended without a line end; raises as `feed`."""
        data, self._rest = self._rest, b""
        return self._cut(data + b"\n", len(data) + 1, counted=len(data)) if data.strip() else []

    def _cut(self, data: bytes, end: int, *, counted: int | None = None) -> list[memoryview]:
        view = memoryview(data)[:end]
        _check_text(data, view)
        lines: list[memoryview] = []
        find, keep, start = data.find, lines.append, 0
        while start < end:
            stop = find(b"\n", start)
            if stop - start > self._max_bytes:
                raise self._too_long()
            if stop > start:
                keep(view[start:stop])
            start = stop + 1
        self.taken_bytes += end if counted is None else counted
        return lines

    def _too_long(self) -> NotLines:
        return NotLines(f"a line is longer than {self._max_bytes} bytes")


def _check_text(data: bytes, view: memoryview) -> None:
    if b"\0" in data:
        raise NotLines("there is a zero byte")
    if not data.isascii():
        try:
            str(view, "utf-8")
        except UnicodeDecodeError:
            raise NotLines("it is not UTF-8") from None
