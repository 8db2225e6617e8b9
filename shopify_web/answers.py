"""One form for every answer: `{"ok": true, …}` or `{"ok": false, "error", "code", "details", "request_id"}`, always JSON."""

from __future__ import annotations

import math
import re
import traceback
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
from flask import Response
from loguru import logger
from msgspec import Struct, field
from werkzeug.exceptions import HTTPException

from shopify_kit.errors import IntegrationError, UserErrors
from shopify_kit.throttle import ThrottleStatus
from shopify_web.limits import Standing

REQUEST_ID = re.compile(r"[0-9a-zA-Z-]{8,64}")
HTTP_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 415: "unsupported_media_type"}
HTTP_TEXTS = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
}


class Reply(Struct):
    """What a view answers: named payload, status, headers."""

    payload: Mapping[str, Any]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def request_id_of(given: str | None) -> str:
    """Take the client's request id when it is one, else make one."""
    return given if given is not None and REQUEST_ID.fullmatch(given) else str(uuid.uuid4())


def encode(payload: Mapping[str, Any]) -> bytes:
    """Write an answer's JSON; dataclasses become objects, Decimals text, instants ISO 8601."""
    return msgspec.json.encode(payload)


def success(reply: Reply, request_id: str) -> Response:
    """Build the answer of a view that succeeded, or that describes its failure itself."""
    facts: dict[str, Any] = {"ok": True} if reply.status < 400 else {"ok": False, "request_id": request_id}
    return respond(encode({**facts, **reply.payload}), reply.status, request_id, reply.headers)


def respond(body: bytes, status: int, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """Build a JSON response that no browser reads as anything else."""
    response = Response(body, status, content_type="application/json")
    response.headers["X-Request-Id"] = request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(headers or {})
    return response


def failure(error: Exception, request_id: str) -> Response:
    """Turn any exception into the answer that its class asks for; what we did not raise on purpose is logged and says nothing."""
    if isinstance(error, IntegrationError):
        return _known(error, request_id)
    if isinstance(error, HTTPException):
        status = error.code or 500
        text = HTTP_TEXTS.get(status, error.name or "The request was refused.")
        allowed = getattr(error, "valid_methods", None)
        headers = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
        return _failed(text, HTTP_CODES.get(status, "http_error"), status, {}, request_id, headers)
    logger.error("Unexpected {} while answering {}\n{}", type(error).__name__, request_id, _where(error))
    text = "Something went wrong on our side; the request id leads to the log."
    return _failed(text, "internal_error", 500, {}, request_id, {})


def _where(error: BaseException) -> str:
    """Write where an exception came from: lines of code, without its text and without the values that loggers add to tracebacks,
    for both may hold secrets and customers' data."""
    cause = error.__cause__ or error.__context__
    before = f"{_where(cause)}{type(cause).__name__}, and then\n" if cause is not None else ""
    return before + "".join(traceback.format_tb(error.__traceback__))


def _known(error: IntegrationError, request_id: str) -> Response:
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s)))
    if error.http_status >= 500:
        logger.warning("{} {}: {} (shopify request {})", error.http_status, error.code, error.message, error.request_id)
    return _failed(_sentence(error), _code(error), error.http_status, error.details, request_id, headers)


def _code(error: IntegrationError) -> str:
    """Name an error; Shopify's refusal of a key that it knows from another change is the same as our own."""
    if isinstance(error, UserErrors) and any(e.get("code") == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH" for e in error.user_errors):
        return "idempotency_key_reused"
    return error.code


def _sentence(error: IntegrationError) -> str:
    if isinstance(error, UserErrors):
        texts = "; ".join(str(e.get("message", "")) for e in error.user_errors[:5])
        return f"Shopify refused the change: {texts}"
    return error.message


def _failed(text: str, code: str, status: int, details: Any, request_id: str, headers: Mapping[str, str]) -> Response:
    body = {"ok": False, "error": text, "code": code, "details": details, "request_id": request_id}
    return respond(encode(body), status, request_id, headers)


def cost_headers(cost: ThrottleStatus | None, standing: Standing | None) -> dict[str, str]:
    """Write what a client may want to know of limits: Shopify's budget for the shop, and the caller's own."""
    headers = {}
    if cost is not None:
        headers["X-Shopify-Cost-Available"] = str(int(cost.available))
        headers["X-Shopify-Cost-Restore-Rate"] = str(int(cost.restore_rate))
    if standing is not None:
        headers["X-RateLimit-Remaining"] = str(standing.remaining)
        headers["X-RateLimit-Reset"] = str(standing.reset_s)
    return headers
