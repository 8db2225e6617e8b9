"""Any number of products in one body: read as a stream, each checked by its edge model and kept compressed, never all in memory."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
from flask import Request
from msgspec import Struct
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from shopify_kit.errors import BodyTooLarge, InvalidInput
from shopify_web.bodies import check_texts
from shopify_web.json_stream import ELEMENT, read_members

MAX_BULK_BYTES = 100 * 2**20
MAX_PRODUCTS = 1_000_000
LINES_AT_ONCE = 250
MAX_PROBLEMS = 50


class Spool(Struct, frozen=True):
    """Products as compressed pieces of lines, in the order of the body; `digest` is of the bytes that came."""

    pieces: tuple[bytes, ...]
    count: int
    digest: bytes

    def products(self) -> Iterator[dict[str, Any]]:
        """Yield them."""
        for piece in self.pieces:
            for line in zlib.decompress(piece).splitlines():
                yield msgspec.json.decode(line)


class _Source:
    """A request's body with a bound, and the digest of what was read."""

    def __init__(self, request: Request, limit: int) -> None:
        request.max_content_length = limit + 1
        self._stream = request.stream
        self._limit = limit
        self._size_bytes = 0
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        try:
            data: bytes = self._stream.read(size)
        except RequestEntityTooLarge:
            raise BodyTooLarge(f"The body is larger than {self._limit} bytes.") from None
        except ClientDisconnected:
            raise InvalidInput("The body ended before its announced length.", code="invalid_json") from None
        self._size_bytes += len(data)
        if self._size_bytes > self._limit:
            raise BodyTooLarge(f"The body is larger than {self._limit} bytes.")
        self.digest.update(data)
        return data


def read_products(request: Request, model: str, *, limit: int = MAX_BULK_BYTES) -> tuple[dict[str, Any], Spool]:
    """Read a body whose `products` are any number of objects; returns what else it says, and the products.

    Args:
        model: the edge model of one product.

    Raises:
        BodyTooLarge: there is more.
        InvalidInput: no JSON, or some products are wrong: `details` name up to 50 fields (`products.17.title`).
    """
    source, head = _Source(request, limit), dict[str, Any]()
    lines = _checked(source, model, head)
    pieces, count = [], 0
    while batch := list(islice(lines, LINES_AT_ONCE)):
        count += len(batch)
        pieces.append(zlib.compress(b"\n".join(batch), 1))
    return head, Spool(tuple(pieces), count, source.digest.digest())


def _checked(source: _Source, model: str, head: dict[str, Any]) -> Iterator[bytes]:
    """Yield the products' lines; the other members go into `head`."""
    problems: list[dict[str, Any]] = []
    index = 0
    for name, value in read_members(source.read, "products"):
        if name != ELEMENT:
            head[name] = value
            continue
        if index >= MAX_PRODUCTS:
            raise BodyTooLarge(f"The body has more than {MAX_PRODUCTS} products.")
        if len(problems) < MAX_PROBLEMS:
            try:
                yield _line(value, model)
            except InvalidInput as error:
                problems += _placed(error, index)
        index += 1
    if problems:
        first = problems[0]
        raise InvalidInput(f"{first['field']}: {first['reason']}.", details=problems[:MAX_PROBLEMS])


def _line(value: Any, model: str) -> bytes:
    from shopify_web.validation import validated  # noqa: PLC0415 - on the first request, see there

    if not isinstance(value, dict):
        raise InvalidInput.field("", "expected an object")
    check_texts(value)
    checked: Any = validated(model, value)
    return msgspec.json.encode(checked.given())


def _placed(error: InvalidInput, index: int) -> list[dict[str, Any]]:
    details = error.details if isinstance(error.details, list) else []
    return [{**detail, "field": f"products.{index}.{detail['field']}".rstrip(".")} for detail in details]
