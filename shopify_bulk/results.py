"""Results of bulk operations: streamed line by line, counted, and refused when something is missing.

A result counts only when what arrived agrees with what Shopify said: bytes, objects, root objects. A stream that breaks is gone on
with where it broke. An address lives for seven days; Shopify is asked for a fresh one. Children come as lines of their own, in any
order; nesting them is done in a file beside, so that memory stays as it is whatever the size.
Source: shopify.dev/docs/api/usage/bulk-operations/queries (read 2026-11).
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from shopify_bulk.operations import Operation, Operations, keep_seen
from shopify_bulk.preparation import connection_names
from shopify_kit.database import Database
from shopify_kit.errors import Conflict, NotFound, ShopifyError, UpstreamFailed, UpstreamTimeout
from shopify_kit.queries import load_queries
from shopify_kit.transport import RequestsTransport
from shopify_service import ShopAdmin

MAX_LINE_BYTES: Final = 4_000_000
RESUMES: Final = 5
INSERT_ROWS: Final = 500
nesting = load_queries("bulk_nesting")
PARENT: Final = b'"__parentId"'

AdminOf = Callable[[str, int], Callable[[], ShopAdmin]]


class Arrived(Struct):
    """What has come of a result so far."""

    size_bytes: int = 0
    objects: int = 0
    roots: int = 0

    def count(self, line: bytes) -> None:
        """Count one line."""
        self.objects += 1
        self.roots += PARENT not in line

    def check(self, operation: Operation) -> None:
        """Compare with what Shopify said.

        Raises:
            UpstreamFailed: something is missing, or too much.
        """
        said = (operation.file_size, operation.object_count)
        came = (self.size_bytes, self.objects)
        if any(expected is not None and expected != found for expected, found in zip(said, came, strict=True)):
            text = "The result that arrived is not what Shopify said it is (bytes or objects are missing); it was not used."
            raise UpstreamFailed(text, details={"said": list(said), "arrived": list(came)}, retry_after_s=5.0)
        if operation.kind == "query" and operation.root_object_count != self.roots:
            text = "The result that arrived has another number of root objects than Shopify said; it was not used."
            raise UpstreamFailed(text, details={"said": operation.root_object_count, "arrived": self.roots}, retry_after_s=5.0)


class Results:
    """Reads results.

    Args:
        admin_of: (user, shop) → what makes a `ShopAdmin`, to ask for a fresh address.
    """

    def __init__(self, database: Database, operations: Operations, transport: RequestsTransport, admin_of: AdminOf) -> None:
        self._database = database
        self._operations = operations
        self._transport = transport
        self._admin_of = admin_of

    def check_address(self, operation: Operation) -> None:
        """Open the result of an operation that ended well, to see that there is one; reads nothing of it.

        Raises:
            UpstreamBlocked: it is not at Shopify's storage.
            UpstreamFailed, UpstreamTimeout: the storage does not answer.
        """
        if operation.status == "completed" and operation.url is not None:
            with self._transport.download(operation.url):
                pass

    def lines(self, operation: Operation, *, partial: bool = False) -> Iterator[bytes]:
        """Yield the lines of a result, without their ends; the last one only when everything has arrived.

        Args:
            partial: what there is of an operation that failed.

        Raises:
            Conflict: code `no_result`, the operation has none (yet).
            UpstreamFailed: it is not whole, though it was tried again.
        """
        url = operation.partial_data_url if partial else operation.url
        if not partial and operation.status != "completed":
            raise Conflict(f"The operation is {operation.status}; there is no result.", code="no_result")
        if url is None:
            return
        arrived, held = Arrived(), None
        for line in _split(self._bytes(operation, url, arrived, partial=partial)):
            arrived.count(line)
            if held is not None:
                yield held
            held = line
        if not partial:
            arrived.check(operation)
        if held is not None:
            yield held

    def _bytes(self, operation: Operation, url: str, arrived: Arrived, *, partial: bool) -> Iterator[bytes]:
        """Yield a file's bytes, going on where a connection broke, at a fresh address where the old one is dead."""
        for attempt in range(RESUMES + 1):
            try:
                yield from self._piece(url, arrived)
            except (UpstreamFailed, UpstreamTimeout, NotFound):
                if attempt == RESUMES:
                    raise
                url = self._fresh_url(operation, partial=partial) or url
            else:
                if operation.file_size is None or arrived.size_bytes >= operation.file_size or partial:
                    return
        raise UpstreamFailed("The result ended before its announced size, again and again; try later.", retry_after_s=30.0)

    def _piece(self, url: str, arrived: Arrived) -> Iterator[bytes]:
        start = arrived.size_bytes
        with self._transport.download(url, start=start) as download:
            if download.status in (400, 403, 404, 410):
                raise NotFound("The address of the result is dead.")
            if download.status not in (200, 206):
                raise UpstreamFailed(f"Shopify's storage answered {download.status}; trying again.", retry_after_s=2.0)
            behind = start if download.status == 200 else 0
            for piece in download:
                rest, behind = piece[behind:], max(0, behind - len(piece))
                if rest:
                    arrived.size_bytes += len(rest)
                    yield rest

    def _fresh_url(self, operation: Operation, *, partial: bool) -> str | None:
        assert operation.gid is not None
        try:
            remote = self._admin_of(operation.user_id, operation.shop_id)().bulk_operation(operation.gid)
        except ShopifyError:
            return None
        if remote is None:
            return None
        self._database.run(keep_seen, operation, remote)
        return remote.partial_data_url if partial else remote.url


def _split(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Divide a stream into lines, empty ones left out.

    Raises:
        UpstreamFailed: a line is longer than anything Shopify sends.
    """
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from filter(None, lines)
        if len(rest) > MAX_LINE_BYTES:
            raise UpstreamFailed(
                f"A line of the result is longer than {MAX_LINE_BYTES} bytes; it was not used.", code="line_too_long"
            )
    if rest:
        yield rest


def nested(lines: Iterable[bytes], document: str) -> Iterator[dict[str, Any]]:
    """Put children inside their parents, in lists named as the query names them, whatever the order of the lines.

    The lines wait in a file; one root object with all below it is in memory at a time.
    """
    names = sorted(connection_names(document), key=len, reverse=True)
    with tempfile.TemporaryDirectory(prefix="shopify-bulk-") as folder, closing(sqlite3.connect(Path(folder, "lines"))) as book:
        for pragma in ("journal_mode", "synchronous"):  # the file is thrown away, so nothing need be safe in it
            book.execute(f"pragma {pragma} = off")
        book.execute(nesting.make_lines)
        rows = (_row(line) for line in lines)
        while batch := list(islice(rows, INSERT_ROWS)):
            book.executemany(nesting.add_line, batch)
        book.execute(nesting.index_lines)
        for (line,) in book.execute(nesting.list_roots):
            yield _with_children(book, json.loads(line), names)


def _row(line: bytes) -> tuple[str | None, str | None, bytes]:
    document = json.loads(line)
    return document.get("id"), document.get("__parentId"), line


def _with_children(book: sqlite3.Connection, document: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    document.pop("__parentId", None)
    identity = document.get("id")
    if isinstance(identity, str):
        for (line,) in book.execute(nesting.list_children, (identity,)).fetchall():
            child = _with_children(book, json.loads(line), names)
            document.setdefault(_list_of(child, names), []).append(child)
    return document


def _list_of(child: dict[str, Any], names: Sequence[str]) -> str:
    """Name the list that a child belongs into: the connection of the query that ends like its kind, else its kind.

    `gid://shopify/ProductVariant/1` goes to `variants` where the query has that, else to `product_variants`.
    """
    identity = str(child.get("id") or "")
    kind = identity.split("/")[3] if identity.count("/") >= 4 else str(child.get("__typename") or "children")
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind).strip("_")
    plural = f"{snake[:-1]}ies" if snake.endswith("y") else f"{snake}es" if snake.endswith("s") else f"{snake}s"
    flat = plural.replace("_", "")
    return next((name for name in names if flat.endswith(name.lower())), plural)
