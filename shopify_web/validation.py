"""Validating what came in against the edge models, and saying what is wrong with it.

Imported on the first request: the models and their library are half of what importing the integration would cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shopify_kit.errors import InvalidInput
from shopify_web import bulk_edges, edges, webhook_edges
from shopify_web.fields import ShopDomainError
from shopify_web.texts import shown

MAX_REASON = 300
MODULES = (edges, webhook_edges, bulk_edges)


def model(name: str) -> type[BaseModel]:
    """Return an edge model by its name."""
    found: type[BaseModel] = next(getattr(module, name) for module in MODULES if hasattr(module, name))
    return found


def validated(name: str, given: Mapping[str, Any]) -> BaseModel:
    """Read `given` as the edge model of that name.

    Raises:
        InvalidInput: `unknown_field` where nothing else is wrong, `invalid_shop_domain`, else `validation_error`; details by field.
    """
    try:
        return model(name).model_validate(dict(given))
    except ValidationError as wrong:
        raise _invalid(wrong.errors(include_url=False, include_input=False)) from None


def _invalid(errors: list[ErrorDetails]) -> InvalidInput:
    details = [{"field": shown(".".join(map(str, e["loc"]))), "reason": _reason(e)} for e in errors[:50]]
    if all(e["type"] == "extra_forbidden" for e in errors):
        names = ", ".join(d["field"] for d in details[:10])
        return InvalidInput(f"Unknown field: {names}.", code="unknown_field", details=details)
    domain = next((e for e in errors if isinstance((e.get("ctx") or {}).get("error"), ShopDomainError)), None)
    code = "invalid_shop_domain" if domain is not None else None
    first = details[0]
    where = f"{first['field']}: " if first["field"] else ""
    return InvalidInput(f"{where}{first['reason']}.", code=code, details=details)


def _reason(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown field"
    reason = error["msg"].removeprefix("Value error, ").rstrip(".")
    return reason if len(reason) <= MAX_REASON else "not one of the known values"
