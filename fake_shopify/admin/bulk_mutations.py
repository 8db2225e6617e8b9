"""Bulk mutations: `bulkOperationRunMutation` runs one mutation with each line of an uploaded file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fake_shopify.admin.bulk_operations import desk_of
from fake_shopify.admin.bulk_queries import no_slot
from fake_shopify.bulk_desk import FileChanged
from fake_shopify.bulk_documents import BulkDocument, mutation_size_error, read_mutation
from fake_shopify.bulk_files import BulkFile
from fake_shopify.bulk_lines import shuffled
from fake_shopify.context import Context
from fake_shopify.engine import answer_line
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.staged_files import StagedFile

LINE_NUMBER = "__lineNumber"
IDENTIFIER_LENGTHS = (10, 255)
NO_SUCH_FILE = (
    "The JSONL file could not be found. Try uploading the file again, and check that you've entered the URL correctly for the "
    "stagedUploadPath mutation argument."
)

Error = dict[str, Any]


@mutation("bulkOperationRunMutation")
def bulk_operation_run_mutation(
    ctx: Context, mutation: str, stagedUploadPath: str, clientIdentifier: str | None = None, groupObjects: bool = True
) -> dict[str, Any]:
    """Begin a bulk mutation (captured: bulk_operations-006 … 022, 051).

    Source: …/bulk-operations/imports (a line is executed for itself; the result's lines name it; read 2026-11). Assumed: nested
    connections of an answer stay where they are, whatever `groupObjects` says, which is deprecated.
    """
    document = read_mutation(ctx, mutation)
    if isinstance(document, list):
        return _refused(document)
    target = _target(ctx, stagedUploadPath)
    errors = _file_errors(target) or _own_errors(mutation, clientIdentifier)
    if errors or target is None or target.file is None:
        return _refused(errors)
    desk = desk_of(ctx)
    script = desk.scripts.take(ctx.shop.domain, "MUTATION", mutation)
    busy = no_slot(ctx, "MUTATION", script)
    if busy is not None:
        return _refused([busy])
    file = target.file

    def answers() -> Iterator[dict[str, Any]]:
        found = _answers(ctx, document, target, file)
        return shuffled(found, script.seed, script.window) if script.order == "shuffled" else found

    return {"bulkOperation": desk.begin(ctx.shop, ctx.grant.client_id, "MUTATION", mutation, answers, script), "userErrors": []}


def _refused(errors: list[Error]) -> dict[str, Any]:
    return {"bulkOperation": None, "userErrors": errors}


def _target(ctx: Context, path: str) -> StagedFile | None:
    """Return the target that a path names: its `key`, or the path of its address."""
    target = desk_of(ctx).uploads.find(path.split("?")[0].removeprefix(f"{ctx.base_url}/").lstrip("/"))
    own = target is not None and target.shop_domain == ctx.shop.domain and target.resource == "BULK_MUTATION_VARIABLES"
    return target if own else None


def _file_errors(target: StagedFile | None) -> list[Error]:
    """Refuse a file that is not there, empty, or no JSONL from its first line on.

    Captured: an empty file (bulk_operations-014). Source of the text of a missing one: enums/BulkMutationErrorCode (read 2026-11).
    Assumed: only the first line is looked at; the text is one that developers quote.
    """
    if target is None or target.file is None:
        return [user_error(None, NO_SUCH_FILE, "NO_SUCH_FILE")]
    if not target.file.size:
        return [user_error(None, "The input file is empty.", "INVALID_STAGED_UPLOAD_FILE")]
    if _variables(next(target.file.lines())) is None:
        return [user_error(None, "Unexpected file structure - expected JSONL", "INVALID_STAGED_UPLOAD_FILE")]
    return []


def _own_errors(text: str, identifier: str | None) -> list[Error]:
    """Refuse what could not be kept: a long mutation, an identifier out of its bounds (captured: bulk_operations-006, 054)."""
    size_error = mutation_size_error(text)
    errors = [] if size_error is None else [size_error]
    if identifier is not None:
        least, most = IDENTIFIER_LENGTHS
        if len(identifier) < least:
            errors.append(user_error(["clientIdentifier"], f"is too short (minimum is {least} characters)", "INVALID_MUTATION"))
        elif len(identifier) > most:
            errors.append(user_error(["clientIdentifier"], f"is too long (maximum is {most} characters)", "INVALID_MUTATION"))
    return errors


def _answers(ctx: Context, document: BulkDocument, target: StagedFile, file: BulkFile) -> Iterator[dict[str, Any]]:
    """Run the mutation with each line; yields the answers, which name their lines from 0."""
    for number, line in enumerate(file.lines()):
        if target.file is not file:
            raise FileChanged("the file was uploaded again while the operation ran")
        if line.strip():
            own = Context(ctx.world, ctx.shop, ctx.grant, ctx.schema, ctx.base_url)
            yield _answer(own, document, line) | {LINE_NUMBER: number}


def _answer(ctx: Context, document: BulkDocument, line: bytes) -> dict[str, Any]:
    """Answer one line; assumed: a later one that is no JSON object fails for itself."""
    variables = _variables(line)
    if variables is None:
        return {"errors": [{"message": "Invalid JSON: a line must be an object with the variables of the mutation"}]}
    return answer_line(ctx, document.parsed, document.operation, variables)


def _variables(line: bytes) -> dict[str, Any] | None:
    """Read the variables of a line; None when it holds no JSON object."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
