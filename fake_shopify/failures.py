"""How a resolver refuses: a top-level error that nulls its field, or a `userErrors` entry inside the payload."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import Node

SCOPES_PAGE = "https://shopify.dev/api/usage/access-scopes"


class TopLevelError(Exception):
    """Ends up in the answer's `errors` with its code; the field becomes null.

    `nodes` are the places in the document that the error names instead of the field alone.
    """

    nodes: Sequence[Node] = ()

    def __init__(self, message: str, code: str | None = None, **extensions: Any) -> None:
        super().__init__(message)
        self.message = message
        self.extensions: dict[str, Any] = ({"code": code} if code else {}) | extensions


def access_denied(field_name: str, required: str | None) -> TopLevelError:
    """Refuse one field for a missing access scope; `required` is Shopify's own wording from the schema (captured: BEHAVIOURS 6)."""
    text = f"Access denied for {field_name} field." + (f" Required access: {required}" if required else "")
    facts = {"requiredAccess": required} if required else {}
    return TopLevelError(text, "ACCESS_DENIED", documentation=SCOPES_PAGE, **facts)


def invalid_id(gid: str) -> TopLevelError:
    """Refuse a well-formed GID of nothing, in the words of 2026-04 and later (captured: BEHAVIOURS 8)."""
    return TopLevelError(f"Invalid id: {gid}", "RESOURCE_NOT_FOUND")


def user_error(field: Sequence[str | int] | None, message: str, code: str | None = None) -> dict[str, Any]:
    """Build one `userErrors` entry; indexes in `field` are strings, as Shopify writes them (captured: BEHAVIOURS 24)."""
    return {"field": None if field is None else [str(part) for part in field], "message": message, "code": code}
