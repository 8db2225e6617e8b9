"""Results of bulk operations: streamed, counted, and refused when something is missing.

A result counts only when what arrived agrees with what Shopify said: bytes, objects, root objects. A stream that breaks is gone on
with where it broke. An address lives for seven days; Shopify is asked for a fresh one.
Source: shopify.dev/docs/api/usage/bulk-operations/queries (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from shopify_bulk.operations import Operation, keep_seen
from shopify_kit.clock import sleep
from shopify_kit.database import Database
from shopify_kit.errors import Conflict, ResponseTooLarge, UpstreamFailed, UpstreamTimeout
from shopify_kit.transport import Download, RequestsTransport
from shopify_service import ShopAdmin

MAX_LINE_BYTES: Final = 4_000_000
RESUMES: Final = 5
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 2.0
DEAD: Final = frozenset({400, 401, 403, 404, 410})
PARENT: Final = b'"__parentId"'

AdminOf = Callable[[str, int], Callable[[], ShopAdmin]]


class DeadAddress(Exception):
    """The storage gives out nothing at an address (any more)."""


class Arrived(Struct):
    """What has come of a result so far."""

    size_bytes: int = 0
    objects: int = 0
    roots: int = 0

    def count(self, block: bytes) -> None:
        """Count the objects of a block of whole lines."""
        objects = block.count(b"\n")
        self.objects += objects
        self.roots += objects - block.count(PARENT)

    def check(self, operation: Operation) -> None:
        """Compare with what Shopify said.

        Raises:
            UpstreamFailed: something is missing, or too much.
        """
        said = {"file_size": operation.file_size, "object_count": operation.object_count}
        came = {"file_size": self.size_bytes, "object_count": self.objects}
        if operation.kind == "query":
            said["root_object_count"], came["root_object_count"] = operation.root_object_count, self.roots
        elif self.objects == operation.root_object_count:
            # A line of a mutation's result is an answer; whether Shopify counts what is nested in it is not documented.
            del said["object_count"]
        wrong = {name: number for name, number in said.items() if number is not None and number != came[name]}
        if wrong:
            text = f"The result that arrived is not what Shopify said it is ({', '.join(wrong)}); it was not used."
            raise UpstreamFailed(text, details={"said": wrong, "arrived": {name: came[name] for name in wrong}}, retry_after_s=5.0)


class Results:
    """Reads results.

    Args:
        admin_of: (user, shop) → what makes a `ShopAdmin`, to ask for a fresh address.
    """

    def __init__(self, database: Database, transport: RequestsTransport, admin_of: AdminOf) -> None:
        self._database = database
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

    def documents(self, operation: Operation, *, partial: bool = False) -> Iterator[dict[str, Any]]:
        """Yield the objects of a result, read; otherwise as `lines`."""
        return map(read_line, self.lines(operation, partial=partial))

    def lines(self, operation: Operation, *, partial: bool = False) -> Iterator[bytes]:
        """Yield the lines of a result, without their ends; the last ones only when everything has arrived.

        Args:
            partial: be content with what there is of an operation that did not complete.

        Raises:
            Conflict: code `no_result`, the operation has none (yet, or any more).
            UpstreamFailed, UpstreamTimeout: it is not whole, though it was tried again.
            ResponseTooLarge: it is larger than Shopify said, or a line is longer than anything Shopify sends.
        """
        for block in self.blocks(operation, partial=partial):
            yield from block[:-1].split(b"\n")

    def blocks(self, operation: Operation, *, partial: bool = False) -> Iterator[bytes]:
        """Yield a result in blocks of whole lines, each line with its end; otherwise as `lines`."""
        is_whole = operation.status == "completed"
        url = self._address(operation, partial=partial)
        if url is None:
            return
        arrived, held = Arrived(), b""
        for block in _whole_lines(self._pieces(operation, url, arrived, is_whole=is_whole)):
            arrived.count(block)
            if held:
                yield held
            held = block
        if is_whole:
            arrived.check(operation)
        if held:
            yield held

    def _address(self, operation: Operation, *, partial: bool) -> str | None:
        """Return where the result is; None for one without objects."""
        if operation.status != "completed" and not (partial and operation.is_over):
            raise Conflict(f"The operation is {operation.status}; there is no result.", code="no_result")
        url = operation.url or operation.partial_data_url
        if url is None and operation.status == "completed" and operation.object_count:
            # Others took this for an empty result and lost all of it.
            return self._fresh_address(operation)
        return url

    def _fresh_address(self, operation: Operation) -> str:
        """Ask Shopify where the result is now."""
        admin = self._admin_of(operation.user_id, operation.shop_id)()
        remote = admin.bulk_operation(operation.gid) if operation.gid is not None else None
        if remote is None or remote.status == "expired":
            if remote is not None:
                self._database.run(keep_seen, operation, remote)
            raise Conflict("Shopify has deleted the result; start the operation again.", code="no_result")
        self._database.run(keep_seen, operation, remote)
        url = remote.url or remote.partial_data_url
        if url is None:
            text = f"Shopify counts {operation.object_count} objects and gives no address for them; the result was not used."
            raise UpstreamFailed(text, retry_after_s=30.0)
        return url

    def _pieces(self, operation: Operation, url: str, arrived: Arrived, *, is_whole: bool) -> Iterator[bytes]:
        """Yield a file's bytes, going on where a connection broke, at a fresh address where the old one is dead."""
        failures, size_bytes = 0, operation.file_size if is_whole else None
        while True:
            before = arrived.size_bytes
            trouble: UpstreamFailed | UpstreamTimeout
            is_dead = False
            try:
                yield from self._piece(url, arrived, size_bytes)
            except (UpstreamFailed, UpstreamTimeout) as error:
                trouble = error
            except DeadAddress:
                trouble, is_dead = UpstreamFailed("Shopify's storage does not have the result.", retry_after_s=30.0), True
            else:
                if size_bytes is None or arrived.size_bytes >= size_bytes:
                    return
                trouble = UpstreamFailed("The result ended before its announced size, again and again.", retry_after_s=30.0)
            failures = 1 if arrived.size_bytes > before else failures + 1
            if failures > RESUMES:
                raise trouble
            sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (failures - 1)))
            if is_dead:
                url = self._fresh_address(operation)

    def _piece(self, url: str, arrived: Arrived, size_bytes: int | None) -> Iterator[bytes]:
        """Yield what one download brings beyond what has arrived."""
        start = arrived.size_bytes
        with self._transport.download(url, start=start) as download:
            behind = _behind(download, start)
            for piece in download:
                rest, behind = piece[behind:], max(0, behind - len(piece))
                arrived.size_bytes += len(rest)
                if size_bytes is not None and arrived.size_bytes > size_bytes:
                    raise ResponseTooLarge("The result is larger than Shopify said; it was not used.")
                if rest:
                    yield rest


def _behind(download: Download, start: int) -> int:
    """Return how many of the bytes that come are known already.

    Raises:
        DeadAddress, UpstreamFailed: nothing comes, or other bytes than were asked for.
    """
    if download.status in DEAD:
        raise DeadAddress
    if download.status == 200:
        return start
    if download.status != 206 or not download.headers.get("content-range", "").startswith(f"bytes {start}-"):
        raise UpstreamFailed(f"Shopify's storage answered {download.status}; trying again.", retry_after_s=2.0)
    return 0


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a stream into blocks of whole lines.

    Raises:
        ResponseTooLarge: a line is longer than anything Shopify sends.
    """
    rest = b""
    for piece in pieces:
        end = piece.rfind(b"\n") + 1
        block, rest = (rest + piece[:end], piece[end:]) if end else (b"", rest + piece)
        if len(rest) > MAX_LINE_BYTES or block.find(b"\n") > MAX_LINE_BYTES:
            raise ResponseTooLarge(f"A line of the result is longer than {MAX_LINE_BYTES} bytes.")
        if block:
            yield block
    if rest:
        yield rest + b"\n"


def read_line(line: bytes) -> dict[str, Any]:
    """Read one line of a result.

    Raises:
        UpstreamFailed: it is no JSON object.
    """
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise UpstreamFailed("A line of the result is no JSON object; the result was not used.", retry_after_s=30.0) from None
