"""Lines of a bulk result into batches of rows: typed decoding, and what is not as it should be counted or refused.

Runs in a process of its own for large results (`decoding_program`), in the caller's for small ones. A batch is what one transaction
stages. Memory does not depend on the size of the result or the order of its lines: children are written as they come, with their
parent's id, and find their parents in the database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from shopify_kit.copying import binary_texts, csv_rows, mended
from shopify_kit.jsonl import LineSplitter, NotLines
from shopify_mirror.kinds import SHAPES, TAKES, Node
from shopify_mirror.rows import Draft, Families, kind_of

CHUNK_BYTES: Final = 8 * 2**20
UNREADABLE: Final = "unreadable"

_MAX_UNKNOWN: Final = 100
_MAX_KIND: Final = 100


class BadResult(Exception):
    """A result that is no JSON lines: what came is not what Shopify wrote."""


class Plan(msgspec.Struct, frozen=True):
    """What a decoder is told.

    Args:
        first_chunk: the number of the next chunk; above 0 a load goes on where it stopped.
        first_line: lines before that.
        start_bytes: where in the result it goes on.
        raw_base: number of the raw object of line 0.
    """

    shop_id: int
    load_id: int
    raw_base: int
    first_chunk: int = 0
    first_line: int = 0
    start_bytes: int = 0
    chunk_bytes: int = CHUNK_BYTES


class Counts(msgspec.Struct):
    """What is in a batch.

    Args:
        end_bytes: where in the result it ends.
        objects: lines; `roots` of them have no parent.
        rows: by table.
        strays: children whose parent had not come lately, by table.
        skipped: objects of unknown kinds, and `unreadable` ones of known kinds.
    """

    chunk: int
    end_bytes: int = 0
    objects: int = 0
    roots: int = 0
    raw_objects: int = 0
    rows: dict[str, int] = {}
    strays: dict[str, int] = {}
    skipped: dict[str, int] = {}

    def add(self, draft: Draft, objects: int) -> None:
        """Count a block."""
        self.objects += objects
        self.roots += objects - draft.children
        self.raw_objects += len(draft.raw_numbers)
        for mine, more in (
            (self.rows, {name: len(rows) for name, rows in draft.rows.items()}),
            (self.strays, draft.strays),
            (self.skipped, draft.skipped),
        ):
            for name, count in more.items():
                mine[name if name in mine or len(mine) < _MAX_UNKNOWN else "other"] = mine.get(name, 0) + count


class Block(msgspec.Struct):
    """Rows of a part of a batch: CSV by table, raw objects in binary with number and length of each."""

    tables: dict[str, bytes]
    raw: bytes
    raw_numbers: list[int]
    raw_sizes: list[int]


class Batch(msgspec.Struct):
    """Rows that are staged in one transaction."""

    counts: Counts
    blocks: list[Block]


class Decoder:
    """Turns pieces of a result into blocks and, every `chunk_bytes`, closes a batch."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._splitter = LineSplitter()
        self._read = msgspec.json.Decoder(Node).decode
        self._families = Families()
        self._arrays: dict[tuple[str, ...], str] = {}
        self._line = plan.first_line
        self._counts = Counts(plan.first_chunk)
        self._closed_bytes = 0

    def blocks(self, pieces: Iterable[bytes]) -> Iterator[Block | Counts]:
        """Yield blocks, and after the last block of a batch its counts.

        Raises:
            BadResult: a line is no JSON, or too long; where it is the last one, what was before it has been yielded.
        """
        for piece in pieces:
            yield from self._block(self._split(self._splitter.feed, piece))
            if self._splitter.taken_bytes - self._closed_bytes >= self._plan.chunk_bytes:
                yield self._close()
        yield from self._last_line()
        if self._counts.objects:
            yield self._close()

    def _last_line(self) -> Iterator[Block | Counts]:
        """Yield the block of a last line without a line end; one that was cut off does not spoil what was before it."""
        taken_bytes = self._splitter.taken_bytes
        try:
            yield from self._block(self._split(self._splitter.finish))
        except BadResult:
            self._splitter.taken_bytes = taken_bytes
            if self._counts.objects:
                yield self._close()
            raise

    def _split(self, split: Callable[..., list[memoryview]], *pieces: bytes) -> list[memoryview]:
        try:
            return split(*pieces)
        except NotLines as error:
            raise BadResult(f"after line {self._line}: {error}") from None

    def _close(self) -> Counts:
        closed, self._closed_bytes = self._counts, self._splitter.taken_bytes
        closed.end_bytes = self._plan.start_bytes + self._closed_bytes
        self._counts = Counts(closed.chunk + 1)
        return closed

    def _block(self, lines: list[memoryview]) -> Iterator[Block]:
        if not lines:
            return
        plan = self._plan
        draft = Draft((plan.shop_id, plan.load_id, self._counts.chunk), self._families, self._arrays)
        for raw_id, (line, node) in enumerate(zip(lines, self._nodes(lines, draft), strict=True), plan.raw_base + self._line):
            if node is not None:
                draft.children += node.parent_id is not None
                TAKES[type(node)](draft, node, raw_id, line)
        self._line += len(lines)
        self._counts.add(draft, len(lines))
        yield Block(
            {name: csv_rows(rows) for name, rows in draft.rows.items()},
            binary_texts(plan.shop_id, draft.raw_numbers, draft.raw_texts),
            draft.raw_numbers,
            [len(text) for text in draft.raw_texts],
        )

    def _nodes(self, lines: list[memoryview], draft: Draft) -> list[Any]:
        try:
            return list(map(self._read, lines))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return [self._node(line, draft, place) for place, line in enumerate(lines, self._line)]

    def _node(self, line: memoryview, draft: Draft, place: int) -> Any:
        """Read one line by whatever means: of an unknown kind, without `__typename`, with half a surrogate pair, or not at all."""
        try:
            return self._read(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            document = _loaded(line, place)
        kind = document.get("__typename") or kind_of(str(document.get("id")))
        shape = SHAPES.get(str(kind))
        if shape is not None:
            try:
                return msgspec.convert({**document, "__typename": kind}, shape)
            except msgspec.ValidationError:
                kind = UNREADABLE
        draft.skip(str(kind or "unknown")[:_MAX_KIND])
        draft.children += document.get("__parentId") is not None
        return None


def _loaded(line: memoryview, place: int) -> dict[str, Any]:
    try:
        document = _mended(json.loads(bytes(line)))
    except (ValueError, RecursionError) as error:
        raise BadResult(f"line {place} is no JSON ({type(error).__name__})") from None
    if not isinstance(document, dict):
        raise BadResult(f"line {place} is no object")
    return document


def _mended(value: Any) -> Any:
    """Put U+FFFD in the place of halves of surrogate pairs, which JSON can spell and UTF-8 cannot."""
    if isinstance(value, str):
        return value if value.isascii() else mended(value)
    if isinstance(value, dict):
        return {_mended(key): _mended(part) for key, part in value.items()}
    return [_mended(part) for part in value] if isinstance(value, list) else value
