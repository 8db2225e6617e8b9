"""Lines for a bulk mutation: kept compressed until Shopify has taken them, then posted to where Shopify says.

Lines are kept in pieces. What a caller gives for a product becomes longer when it is made ready (an update lists all variants), so
it is only then that it shows how many files are needed. A file holds about 20 MB although Shopify takes 100: a form is written in
memory, and the files run side by side in up to five slots.
Source: shopify.dev/docs/api/usage/bulk-operations/imports (read 2026-11).
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from shopify_admin.bulk import UploadTarget
from shopify_bulk.operations import Operation, queries
from shopify_kit.database import Connection, Database, Record
from shopify_kit.errors import InvalidInput, UpstreamFailed
from shopify_kit.jobs import Effect
from shopify_kit.secret import Secret
from shopify_kit.transport import AddressBook, Request, Transport
from shopify_service import ShopAdmin

MAX_FILE_BYTES: Final = 20_000_000
"""A piece alone may make a larger file: a hundred products of 2048 variants."""
PIECE_BYTES: Final = 1_000_000
PIECE_LINES: Final = 100
"""What is made ready within a job's deadline, although ten products at a time may have to be read first."""
UPLOAD_TIMEOUT_S: Final = 45.0
FILENAME: Final = "bulk_op_vars"


class Piece(Struct, frozen=True):
    """Some lines, compressed; `size_bytes` is what they are without that."""

    line_count: int
    size_bytes: int
    data: bytes


class Portion(Struct, frozen=True):
    """The pieces `first` to `last` of an operation, which make a file; their lines begin with `first_line` of the operation."""

    first: int
    last: int
    first_line: int
    line_count: int
    size_bytes: int


class LineError(Struct, frozen=True):
    """Why a line was not taken, in Shopify's words or, for one that was not sent, in ours."""

    field: tuple[str, ...]
    message: str
    code: str | None

    @classmethod
    def of(cls, error: InvalidInput) -> LineError:
        """Say of a line what is wrong with it, so that the others go their way."""
        details = error.details if isinstance(error.details, list) else []
        field = tuple(str(details[0]["field"]).split(".")) if details else ()
        return cls(field, error.message, error.code)


class Ready(Struct, frozen=True):
    """A piece that was made ready; `store` keeps it."""

    number: int
    store: Effect


Writer = Callable[[ShopAdmin, Sequence[bytes], Mapping[str, Any]], Sequence[bytes | LineError]]
"""Makes what Shopify takes of each line of a piece, or refuses it, given the operation's facts."""


class Uploads:
    """Keeps lines, makes them ready piece by piece, and sends them.

    `writers` says by purpose who makes lines ready; those of other purposes are ready as they are kept.
    """

    def __init__(self, database: Database, transport: Transport, addresses: AddressBook) -> None:
        self._database = database
        self._transport = transport
        self._addresses = addresses
        self.writers: dict[str, Writer] = {}

    def make_ready(self, operation: Operation, admin: ShopAdmin) -> Ready | None:
        """Make the next piece ready; None when all are."""
        piece = self._database.run(_find_raw, operation)
        if piece is None:
            return None
        lines = zlib.decompress(piece["data"]).splitlines()
        made = self.writers[operation.purpose](admin, lines, operation.facts)
        data = _piece([line for line in made if isinstance(line, bytes)])
        refused = [(at, one) for at, one in enumerate(made, piece["first_line"]) if isinstance(one, LineError)]
        number = int(piece["number"])
        return Ready(number, lambda conn: _keep_ready(conn, operation, number, data, refused))

    def files(self, operation: Operation) -> list[Portion]:
        """Divide the pieces of an operation, which are ready, into files."""
        return list(_portions(self._database.run(_list_pieces, operation)))

    def send(self, operation: Operation, admin: ShopAdmin) -> str | None:
        """Upload an operation's lines; returns the path that the mutation names them by, None when there is no line.

        Raises:
            UpstreamFailed: the storage did not take them; may be tried again.
            UpstreamBlocked: Shopify named an address that is no storage of its own.
        """
        lines = [zlib.decompress(piece) for piece in self._database.run(_read_pieces, operation)]
        size_bytes = sum(map(len, lines))
        if not size_bytes:
            return None
        target = admin.stage_upload(FILENAME, size_bytes)
        self._addresses.check(target.url)
        boundary = uuid.uuid4().hex
        headers: dict[str, str | Secret] = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        request = Request("POST", target.url, headers, _form(target, lines, boundary), timeout_s=UPLOAD_TIMEOUT_S)
        response = self._transport.send(request)
        if response.status not in (200, 201, 204):
            raise UpstreamFailed(f"Shopify's storage answered {response.status} to an upload; trying again.", retry_after_s=5.0)
        return target.path

    def refusals(self, operation: Operation) -> dict[int, LineError]:
        """Return the lines of an operation that were not sent, by their place in it, in order."""
        return self._database.run(_list_refusals, operation)


def _form(target: UploadTarget, lines: Sequence[bytes], boundary: str) -> bytes:
    """Write multipart form data: every parameter first, the file last, as Google's storage wants it."""
    fields = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in target.parameters
    )
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{FILENAME}"\r\nContent-Type: text/jsonl\r\n\r\n'
    return b"".join((fields.encode(), head.encode(), *lines, f"\r\n--{boundary}--\r\n".encode()))


def pieces_of(lines: Iterable[bytes]) -> Iterator[Piece]:
    """Divide lines (without their ends) into pieces."""
    held, size_bytes = list[bytes](), 0
    for line in lines:
        held.append(line)
        size_bytes += len(line) + 1
        if size_bytes >= PIECE_BYTES or len(held) >= PIECE_LINES:
            yield _piece(held)
            held, size_bytes = [], 0
    if held:
        yield _piece(held)


def _piece(lines: Sequence[bytes]) -> Piece:
    data = b"".join(line + b"\n" for line in lines)
    return Piece(len(lines), len(data), zlib.compress(data, 1))


def _portions(pieces: Iterable[Record]) -> Iterator[Portion]:
    made, line = Portion(0, -1, 0, 0, 0), 0
    for piece in pieces:
        number, size_bytes = piece["number"], piece["size_bytes"]
        if made.size_bytes and made.size_bytes + size_bytes > MAX_FILE_BYTES:
            yield made
            made = Portion(number, number, line, 0, 0)
        line += piece["line_count"]
        made = Portion(made.first, number, made.first_line, line - made.first_line, made.size_bytes + size_bytes)
    yield made


async def keep_pieces(conn: Connection, operation: Operation, pieces: Iterable[Piece], *, is_ready: bool) -> None:
    """Keep what is to be uploaded, as part of the unit that keeps the operation."""
    place = (operation.shop_id, operation.operation_id)
    rows = [(*place, number, one.line_count, one.size_bytes, one.data, is_ready) for number, one in enumerate(pieces)]
    await conn.executemany(queries.add_lines, rows)


async def _list_pieces(conn: Connection, operation: Operation) -> list[Record]:
    return await conn.fetch(queries.list_pieces, operation.shop_id, operation.operation_id)


async def _find_raw(conn: Connection, operation: Operation) -> Record | None:
    return await conn.fetchrow(queries.find_raw_piece, operation.shop_id, operation.operation_id)


async def _keep_ready(
    conn: Connection, operation: Operation, number: int, piece: Piece, refused: Sequence[tuple[int, LineError]]
) -> None:
    place = (operation.shop_id, operation.operation_id)
    await conn.execute(queries.keep_ready_piece, *place, number, piece.data, piece.size_bytes)
    await conn.executemany(queries.add_refusals, [(*place, at, list(one.field), one.message, one.code) for at, one in refused])


async def _list_refusals(conn: Connection, operation: Operation) -> dict[int, LineError]:
    rows = await conn.fetch(queries.list_refusals, operation.shop_id, operation.operation_id)
    return {row["line"]: LineError(tuple(row["field"]), row["message"], row["code"]) for row in rows}


async def _read_pieces(conn: Connection, operation: Operation) -> list[bytes]:
    rows = await conn.fetch(queries.read_pieces, operation.shop_id, operation.operation_id)
    return [row["data"] for row in rows]
