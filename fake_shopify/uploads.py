"""Where files are uploaded: forms with the file as their last field, and plain PUTs, both streamed to disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import IO, Any
from xml.sax.saxutils import escape

from werkzeug.formparser import default_stream_factory  # noqa: F401
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData
from werkzeug.wrappers import Request, Response

from fake_shopify.bulk_files import BulkFile
from fake_shopify.staged_files import StagedFile, StagedFiles

CHUNK_BYTES = 64 * 1024
MOST_FIELD_BYTES = 64 * 1024
MOST_PARTS = 64
MOST_READ_BYTES = 2 * 2**30
