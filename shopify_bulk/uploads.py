"""Lines for a bulk mutation: kept compressed until Shopify has taken them, then posted to where Shopify says.

A file holds at most 20 MB although Shopify takes 100: it is held in memory once, and parts run side by side in up to five slots.
Source: shopify.dev/docs/api/usage/bulk-operations/imports (read 2026-11).
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from shopify_admin.bulk import UploadTarget
from shopify_bulk.operations import Operation, queries
from shopify_kit.database import Connection, Database, Record
from shopify_kit.errors import UpstreamFailed
from shopify_kit.secret import Secret
from shopify_kit.transport import AddressBook, Request, Transport
from shopify_service import ShopAdmin

MAX_FILE_BYTES: Final = 20_000_000
PIECE_BYTES: Final = 1_000_000
PIECE_LINES: Final = 250
UPLOAD_TIMEOUT_S: Final = 120.0
FILENAME: Final = "bulk_op_vars"


Writer = Callable[[ShopAdmin, Sequence[bytes], Mapping[str, Any]], list[bytes]]
"""Makes what Shopify takes of the lines of a piece, given the operation's facts."""


class Uploads:
    """Keeps lines, makes them ready piece by piece, and sends them.

    `writers` says by purpose who makes lines ready; those of other purposes are ready as they are kept.
    """

    def __init__(self, database: Database, transport: Transport, addresses: AddressBook) -> None:
        self._database = database
        self._transport = transport
        self._addresses = addresses
        self.writers: dict[str, Writer] = {}

    def make_ready(self, operation: Operation, admin: ShopAdmin) -> bool:
        """Make the next piece ready; False when all are."""
        piece = self._database.run(_find_raw, operation)
        if piece is None:
            return False
        lines = zlib.decompress(piece["data"]).splitlines()
        made = self.writers[operation.purpose](admin, lines, operation.facts)
        self._database.run(_keep_ready, operation, piece["number"], _compressed(made))
        return True

    def send(self, operation: Operation, admin: ShopAdmin) -> str:
        """Upload an operation's lines; returns the path that the mutation names them by.

        Raises:
            UpstreamFailed: the storage did not take them; may be tried again.
            UpstreamBlocked: Shopify named an address that is no storage of its own.
        """
        lines = b"".join(map(zlib.decompress, self._database.run(_read_pieces, operation)))
        target = admin.stage_upload(FILENAME, len(lines))
        self._addresses.check(target.url)
        boundary = uuid.uuid4().hex
        headers: dict[str, str | Secret] = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        request = Request("POST", target.url, headers, _form(target, lines, boundary), timeout_s=UPLOAD_TIMEOUT_S)
        response = self._transport.send(request)
        if response.status not in (200, 201, 204):
            raise UpstreamFailed(f"Shopify's storage answered {response.status} to an upload; trying again.", retry_after_s=5.0)
        return target.path


def _form(target: UploadTarget, lines: bytes, boundary: str) -> bytes:
    """Write multipart form data: every parameter first, the file last, as Google's storage wants it."""
    fields = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in target.parameters
    )
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{FILENAME}"\r\nContent-Type: text/jsonl\r\n\r\n'
    return b"".join((fields.encode(), head.encode(), lines, f"\r\n--{boundary}--\r\n".encode()))


def files_of(lines: Iterable[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Divide lines (without their ends) into files of at most 20 MB, each a list of compressed pieces with their line counts."""
    pieces: list[tuple[int, bytes]] = []
    piece, file_bytes, piece_bytes = list[bytes](), 0, 0
    for line in lines:
        size_bytes = len(line) + 1
        if file_bytes + size_bytes > MAX_FILE_BYTES and file_bytes:
            yield [*pieces, *_closed(piece)]
            pieces, piece, file_bytes, piece_bytes = [], [], 0, 0
        piece.append(line)
        file_bytes, piece_bytes = file_bytes + size_bytes, piece_bytes + size_bytes
        if piece_bytes >= PIECE_BYTES or len(piece) >= PIECE_LINES:
            pieces += _closed(piece)
            piece, piece_bytes = [], 0
    if file_bytes:
        yield [*pieces, *_closed(piece)]


def _closed(piece: list[bytes]) -> list[tuple[int, bytes]]:
    return [(len(piece), _compressed(piece))] if piece else []


def _compressed(lines: Iterable[bytes]) -> bytes:
    return zlib.compress(b"".join(line + b"\n" for line in lines), 1)


async def keep_pieces(
    conn: Connection, shop_id: int, operation_id: uuid.UUID, pieces: Iterable[tuple[int, bytes]], *, is_ready: bool
) -> None:
    """Keep what is to be uploaded, as part of the unit that keeps the operation."""
    for number, (line_count, data) in enumerate(pieces):
        await conn.execute(queries.add_lines, shop_id, operation_id, number, line_count, data, is_ready)


async def _find_raw(conn: Connection, operation: Operation) -> Record | None:
    return await conn.fetchrow(queries.find_raw_piece, operation.shop_id, operation.operation_id)


async def _keep_ready(conn: Connection, operation: Operation, number: int, data: bytes) -> None:
    await conn.execute(queries.keep_ready_piece, operation.shop_id, operation.operation_id, number, data)


async def _read_pieces(conn: Connection, operation: Operation) -> list[bytes]:
    rows = await conn.fetch(queries.read_pieces, operation.shop_id, operation.operation_id)
    return [row["data"] for row in rows]
