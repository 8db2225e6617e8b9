"""Where files are uploaded: forms with the file as their last field, and plain PUTs; what comes is streamed to disk.

Source: cloud.google.com/storage/docs/xml-api/post-object-forms (a form, and that an upload takes the place of the object before;
read 2026-11). Assumed: fields behind the file are ignored, and the words of refusals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import Any
from xml.sax.saxutils import escape

from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData
from werkzeug.wrappers import Request, Response

from fake_shopify.bulk_desk import BulkDesk
from fake_shopify.bulk_files import BulkFile
from fake_shopify.clock import iso
from fake_shopify.staged_files import StagedFile, StagedFiles
from fake_shopify.storage_answers import as_xml, expired, no_such_key, storage_error, wrong_signature

CHUNK_BYTES = 64 * 1024
MOST_FIELD_BYTES = 64 * 1024
MOST_PARTS = 64


@dataclass(slots=True)
class Form:
    """A form as it came: the fields before the file, and the file."""

    fields: dict[str, str] = field(default_factory=dict)
    file: BulkFile | None = None


class TooLarge(Exception):
    """More arrives than the target takes."""


def post_form(desk: BulkDesk, request: Request, key: str = "") -> Response:
    """Answer a form; where it was posted to does not matter, its fields say what it is."""
    files = desk.uploads
    boundary = parse_options_header(request.content_type)[1].get("boundary", "")
    if request.mimetype != "multipart/form-data" or not boundary:
        return storage_error(400, "InvalidArgument", "Cannot create buckets using a POST.")
    try:
        form = _read_form(files, request, boundary.encode())
    except TooLarge:
        return _too_large()
    except ValueError as broken:
        return storage_error(400, "MalformedPOSTRequest", "The body of your POST request is not well-formed.", str(broken))
    if form.file is None:
        return storage_error(400, "InvalidArgument", "Invalid argument.", "POST requires exactly one file upload per request.")
    target = files.find(form.fields.get("key", ""))
    problem = _unmet(target, form.fields)
    if target is None or problem is not None:
        text = "The content of the form does not meet the conditions specified in the policy document."
        return storage_error(400, "InvalidPolicyDocument", text, problem or "Missing key")
    if files.is_expired(target):
        return storage_error(400, "InvalidPolicyDocument", "The policy document has expired.")
    files.keep(target, form.file)
    return _stored(target, request, int(target.parameters.get("success_action_status", 204)))


def _unmet(target: StagedFile | None, fields: dict[str, str]) -> str | None:
    """Say which condition of the policy the fields do not meet."""
    if target is None:
        return None
    for name, value in target.parameters.items():
        if name not in fields:
            return f"Missing {name}"
        if not compare_digest(fields[name].encode(), value.encode()):
            return f"Failed condition: {name}"
    return None


def _read_form(files: StagedFiles, request: Request, boundary: bytes) -> Form:
    form, name, text = Form(), "", bytearray()
    for event in _events(request, boundary):
        if isinstance(event, Field | File):
            name, text = event.name, bytearray()
            if isinstance(event, File) and form.file is None:
                form.file = BulkFile()
        elif isinstance(event, Data) and name == "file" and form.file is not None:
            target = files.find(form.fields.get("key", ""))
            _append(form.file, event.data, target.limit if target is not None else MOST_FIELD_BYTES)
        elif isinstance(event, Data) and form.file is None:
            text += event.data
            if len(text) > MOST_FIELD_BYTES:
                raise ValueError("a field is too long")
            if not event.more_data:
                form.fields[name] = text.decode("utf-8", "replace")
    return form


def _events(request: Request, boundary: bytes) -> Iterator[Any]:
    decoder = MultipartDecoder(boundary, max_parts=MOST_PARTS)
    for chunk in chunks(request):
        decoder.receive_data(chunk)
        while not isinstance(event := decoder.next_event(), NeedData):
            yield event
            if isinstance(event, Epilogue):
                return
    decoder.receive_data(None)
    while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
        yield event


def chunks(request: Request) -> Iterator[bytes]:
    """Yield the body of a request in pieces, however long it is."""
    request.max_content_length = None
    while piece := request.stream.read(CHUNK_BYTES):
        yield piece


def _append(file: BulkFile, data: bytes | bytearray, limit: int) -> None:
    if file.size + len(data) > limit:
        raise TooLarge
    file.append(bytes(data))


def put_file(desk: BulkDesk, request: Request, key: str) -> Response:
    """Answer a PUT to a signed address; `key` is what follows `tmp/`."""
    files = desk.uploads
    target = files.find(f"tmp/{key}")
    if target is None:
        return no_such_key()
    if not compare_digest(request.args.get("X-Goog-Signature", "").encode(), target.signature.encode()):
        return wrong_signature()
    if files.is_expired(target):
        return expired(iso(files.world.clock.now()))
    file = BulkFile()
    try:
        for piece in chunks(request):
            _append(file, piece, target.limit)
    except TooLarge:
        return _too_large()
    files.keep(target, file)
    return Response("", 200, headers={"ETag": file.etag, "x-goog-hash": f"md5={file.md5_text}"})


def _too_large() -> Response:
    return storage_error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")


def _stored(target: StagedFile, request: Request, status: int) -> Response:
    assert target.file is not None
    headers = {"ETag": target.file.etag, "Location": f"{request.host_url}{target.key}"}
    if status != 201:
        return Response("", status, headers=headers)
    text = (
        f"<PostResponse><Location>{escape(headers['Location'])}</Location><Bucket>shopify-staged-uploads</Bucket>"
        f"<Key>{escape(target.key)}</Key><ETag>{escape(target.file.etag)}</ETag></PostResponse>"
    )
    return as_xml(text, 201, headers)
