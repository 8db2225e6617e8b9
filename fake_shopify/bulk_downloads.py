"""Where results are downloaded: signed addresses, whole or in ranges, streamed; and what scripts make of that.

Captured: the form of the address and its parameters; it expires seven days after the operation's end (bulk_operations-002).
Assumed: headers, ranges and refusals, which are those of Google Cloud Storage (cloud.google.com/storage/docs/xml-api).
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hmac import compare_digest
from urllib.parse import quote

from werkzeug.wrappers import Request, Response

from fake_shopify.bulk_desk import KEPT_S, BulkDesk, Operation
from fake_shopify.bulk_files import BulkFile, gzipped
from fake_shopify.clock import iso
from fake_shopify.storage_answers import expired, no_such_key, storage_error, wrong_signature
from fake_shopify.wire import ConnectionCut

BUCKET = "shopify-tiers-assets-prod-us-east1"
ACCESS_ID = "assets-us-prod@shopify-tiers.iam.gserviceaccount.com"
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
DRIP_BYTES = 1_024

Span = tuple[int, int]


def result_address(desk: BulkDesk, operation: Operation, base_url: str) -> str:
    """Return the signed address of a result."""
    assert operation.ended_s is not None
    expires_s = operation.ended_s + KEPT_S
    if operation.script.url_lives_s is not None:
        expires_s = min(expires_s, desk.now_s() + operation.script.url_lives_s)
    name = f"bulk-{operation.row.number}.jsonl"
    disposition = f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"
    return (
        f"{base_url}/{BUCKET}/bulk-operation-outputs/{operation.token}?GoogleAccessId={quote(ACCESS_ID)}"
        f"&Expires={int(expires_s)}&Signature={_signature(operation, int(expires_s))}"
        f"&response-content-disposition={quote(disposition, safe='').replace('%20', '+')}"
        "&response-content-type=application%2Fjsonl"
    )


def _signature(operation: Operation, expires_s: int) -> str:
    return hashlib.sha256(f"{operation.token}:{operation.row['id']}:{expires_s}".encode()).hexdigest()


def download(desk: BulkDesk, request: Request, token: str) -> Response:
    """Answer a GET or HEAD of a result."""
    desk.settle()
    operation = desk.by_token(token)
    if operation is None:
        return no_such_key()
    expires = request.args.get("Expires", "")
    signature = request.args.get("Signature", "")
    if not expires.isdecimal() or not compare_digest(signature.encode(), _signature(operation, int(expires)).encode()):
        return wrong_signature()
    if desk.now_s() >= int(expires):
        return expired(iso(datetime.fromtimestamp(int(expires), UTC)))
    return _answer(operation, request)


def _answer(operation: Operation, request: Request) -> Response:
    script, file = operation.script, operation.file
    headers = {
        "ETag": file.etag,
        "x-goog-hash": f"md5={file.md5_text}",
        "x-goog-stored-content-length": str(file.size),
        "Cache-Control": "private, max-age=0",
    }
    if request.args.get("response-content-disposition"):
        headers["Content-Disposition"] = request.args["response-content-disposition"]
    span = (0, file.size)
    if script.accept_ranges:
        headers["Accept-Ranges"] = "bytes"
        asked = _span_of(request, file)
        if asked is not None and asked[0] >= asked[1]:
            refusal = storage_error(416, "InvalidRange", "The requested range cannot be satisfied.")
            refusal.headers["Content-Range"] = f"bytes */{file.size}"
            return refusal
        span = asked or span
    is_part = span != (0, file.size)
    if is_part:
        headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{file.size}"
    if script.gzip and not is_part and "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
    return _response(operation, span, headers, 206 if is_part else 200)


def _span_of(request: Request, file: BulkFile) -> Span | None:
    """Return the part that a request asks for; None for the whole, an empty span for one that is not there."""
    found = RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    condition = request.headers.get("If-Range")
    if found is None or (condition is not None and condition != file.etag) or not (found[1] or found[2]):
        return None
    if not found[1]:
        return max(0, file.size - int(found[2])), file.size
    return int(found[1]), min(file.size, int(found[2]) + 1) if found[2] else file.size


def _response(operation: Operation, span: Span, headers: dict[str, str], status: int) -> Response:
    script, is_packed = operation.script, "Content-Encoding" in headers
    pieces = operation.file.pieces(*span)
    if is_packed:
        pieces = gzipped(pieces)
    if script.drip_s:
        pieces = _dripping(pieces, script.drip_s)
    is_sized = script.content_length and not is_packed
    if script.cut_at is not None:
        pieces = _cut(pieces, script.cut_at, is_sized=is_sized)
    if is_sized:
        headers["Content-Length"] = str(span[1] - span[0])
    response = Response(pieces, status, headers=headers, content_type="application/jsonl")
    response.automatically_set_content_length = False
    return response


def _cut(pieces: Iterator[bytes], most: int, *, is_sized: bool) -> Iterator[bytes]:
    """End after so many bytes: by a broken connection where the length was told, else as if that were all."""
    for piece in pieces:
        if len(piece) > most:
            if most:
                yield piece[:most]
            if is_sized:
                raise ConnectionCut
            return
        most -= len(piece)
        yield piece


def _dripping(pieces: Iterator[bytes], pause_s: float) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), DRIP_BYTES):
            yield piece[start : start + DRIP_BYTES]
            time.sleep(pause_s)
