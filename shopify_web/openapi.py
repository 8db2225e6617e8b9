"""The OpenAPI 3.1 document, made from the models that validate and the shapes that answer. Written once per integration."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from pydantic.json_schema import models_json_schema

from shopify_kit.identifiers import MAX_ID
from shopify_web.api import MAX_KEY, Endpoint
from shopify_web.callers import Policy
from shopify_web.edges import PageQuery, WhoQuery
from shopify_web.validation import model

SCHEMAS = "#/components/schemas/"
PATH_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
PAGE = {
    "type": "object",
    "properties": {"next_cursor": {"type": ["string", "null"]}, "has_next": {"type": "boolean"}},
    "required": ["next_cursor", "has_next"],
}
ERROR = {
    "type": "object",
    "properties": {
        "ok": {"const": False},
        "error": {"type": "string", "description": "One sentence for a person."},
        "code": {"type": "string", "description": "Stable, snake_case."},
        "details": {"description": "`[{field, reason}]` for invalid input, else facts by name."},
        "request_id": {"type": "string"},
    },
    "required": ["ok", "error", "code", "details", "request_id"],
}
PAYLOAD = {"type": "object", "properties": {}, "description": "Shopify's payload, byte for byte as it came."}
ERRORS = {
    "400": "Unreadable or invalid; `details` names the fields.",
    "401": "Nobody proved who is calling.",
    "403": "Another user's, or an access scope is missing.",
    "404": "There is no such thing for this caller.",
    "409": "Not connected, or several shops and none named.",
    "413": "The body is larger than this address reads.",
    "415": "A body in another type than application/json.",
    "422": "Shopify refused; `details.user_errors` says why.",
    "429": "Too often; see `Retry-After`.",
    "502": "Shopify failed.",
    "503": "Our database is away, or the host has not configured something.",
    "504": "Shopify was too slow.",
}
NOT_PUBLIC = {"401", "404", "409", "422", "429", "502", "504"}
NOT_SIGNED = {"400", "403", "404", "409", "415", "422", "429", "502", "504"}
NOT_HOST = {"404", "409", "422", "502", "504"}
NOT_WITHOUT_BODY = {"413", "415"}
ID = {"type": "integer", "format": "int64", "minimum": 1, "maximum": MAX_ID}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and request get the first answer again, for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": "^[!-~]+$"},
}


def build_document(endpoints: Sequence[Endpoint], *, prefix: str, version: str) -> dict[str, Any]:
    """Describe every endpoint."""
    names = {name for e in endpoints for name in (e.query, e.body) if name is not None} | {WhoQuery.__name__}
    _, made = models_json_schema([(model(name), "validation") for name in sorted(names)], ref_template=SCHEMAS + "{model}")
    schemas = dict(made["$defs"])
    shapes = [shape for e in endpoints for shape in e.answers.values()]
    outcomes, components = msgspec.json.schema_components(shapes, ref_template=SCHEMAS + "{name}")
    schemas |= components
    shown = iter(outcomes)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        answers = {name: next(shown) for name in endpoint.answers}
        operation = _operation(endpoint, answers, schemas)
        paths.setdefault(_path(prefix, endpoint.path), {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shopify integration", "version": version, "description": __doc__},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {"schemas": schemas | {"Error": ERROR, "Page": PAGE, "Payload": PAYLOAD}, "securitySchemes": _security()},
    }


def _security() -> dict[str, Any]:
    text = "The host's own authentication, or a service key."
    return {"bearer": {"type": "http", "scheme": "bearer", "description": text}}


def _path(prefix: str, path: str) -> str:
    return prefix + PATH_PARAMETER.sub(r"{\1}", path)


def _operation(endpoint: Endpoint, answers: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": endpoint.name,
        "tags": [endpoint.group],
        "summary": endpoint.summary,
        "parameters": [*_path_parameters(endpoint.path), *_query_parameters(endpoint, schemas)],
        "responses": {str(s): _response(endpoint, answers) for s in _statuses(endpoint)} | _errors(endpoint),
    }
    if endpoint.view.__doc__:
        made["description"] = endpoint.view.__doc__.strip()
    if endpoint.body is not None:
        schema = {"$ref": SCHEMAS + endpoint.body}
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if endpoint.raw:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": {"$ref": SCHEMAS + "Payload"}}}}
    if endpoint.method == "POST" and endpoint.policy is Policy.USER:
        made["parameters"].append(IDEMPOTENCY_KEY)
    if endpoint.policy in (Policy.PUBLIC, Policy.SIGNED):
        made["security"] = []
    return made


def _statuses(endpoint: Endpoint) -> list[int]:
    return [endpoint.status] if endpoint.or_status is None else [endpoint.status, endpoint.or_status]


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": ID if name == "id" else {"type": "string"}}
        for name in PATH_PARAMETER.findall(path)
    ]


def _query_parameters(endpoint: Endpoint, schemas: Mapping[str, Any]) -> list[dict[str, Any]]:
    is_for_somebody = endpoint.policy in (Policy.USER, Policy.HOST) and endpoint.body is None and not endpoint.raw
    name = endpoint.query or (WhoQuery.__name__ if is_for_somebody else None)
    if name is None:
        return []
    schema = schemas[name]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": part}
        for name, part in schema.get("properties", {}).items()
    ]


def _response(endpoint: Endpoint, answers: Mapping[str, Any]) -> dict[str, Any]:
    if endpoint.own_form is not None:
        kind = "object" if endpoint.own_form in ("application/json", "text/event-stream") else "string"
        return {"description": "Success.", "content": {endpoint.own_form: {"schema": {"type": kind}}}}
    properties: dict[str, Any] = {"ok": {"const": True}, **answers}
    if endpoint.query is not None and issubclass(model(endpoint.query), PageQuery):
        properties |= {"total": {"type": "integer"}, "page": {"$ref": SCHEMAS + "Page"}, "filters": {"type": "object"}}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"description": "Success.", "content": {"application/json": {"schema": schema}}}


def _errors(endpoint: Endpoint) -> dict[str, Any]:
    absent = {Policy.PUBLIC: NOT_PUBLIC, Policy.HOST: NOT_HOST, Policy.SIGNED: NOT_SIGNED}.get(endpoint.policy, set())
    if endpoint.method == "GET":
        absent = absent | NOT_WITHOUT_BODY
    content = {"application/json": {"schema": {"$ref": SCHEMAS + "Error"}}}
    return {status: {"description": text, "content": content} for status, text in ERRORS.items() if status not in absent}
