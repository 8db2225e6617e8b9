"""The API's page for people: the OpenAPI document as one HTML page without scripts or foreign assets."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from flask import Response
from jinja2 import Environment, Template, select_autoescape

CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@cache
def _template() -> Template:
    text = resources.files("shopify_web").joinpath("pages", "docs.html").read_text("utf-8")
    return Environment(autoescape=select_autoescape(default=True), trim_blocks=True, lstrip_blocks=True).from_string(text)


def render(document: dict[str, Any]) -> str:
    """Write the page of a document."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups.setdefault(operation["tags"][0], []).append({"path": path, "method": method.upper(), **operation})
    return _template().render(document=document, groups=groups, shape=lambda schema: _shape(schema, document))


def as_page(page: bytes) -> Response:
    """Answer with the page, which may neither run nor load anything."""
    response = Response(page, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = CSP
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _shape(schema: dict[str, Any], document: dict[str, Any]) -> str:
    """Write a schema's type in a few words: `text`, `list of Product`, `active | draft`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            parts = [_shape(part, document) for part in schema[key] if part.get("type") != "null"]
            return " or ".join(dict.fromkeys(parts))
    if "enum" in schema or "const" in schema:
        return " | ".join(map(str, schema.get("enum", [schema.get("const")])))
    kind = schema.get("type", "anything")
    if kind == "array":
        return "list of " + _shape(schema.get("items", {}), document)
    return kind if isinstance(kind, str) else " or ".join(k for k in kind if k != "null")
