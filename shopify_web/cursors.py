"""Cursors that only their own list takes: sealed, and bound to user, shop, route and filters."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from shopify_kit.errors import InvalidInput, TokenUnreadable
from shopify_kit.sealing import KeyRing, Place


def _place(user_id: str, shop_domain: str, route: str, filters: Mapping[str, Any]) -> Place:
    return Place("cursor", user_id, shop_domain, route + json.dumps(dict(filters), sort_keys=True, default=str), 1)


def _encode(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).decode().rstrip("=")


def _decode(text: str) -> bytes:
    """Read what `_encode` wrote, and nothing that only looks like it: base64 has several spellings of the same bytes."""
    sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encode(sealed) != text:
        raise ValueError("another spelling")
    return sealed


def write_cursor(
    keys: KeyRing, cursor: str | None, *, user_id: str, shop_domain: str, route: str, filters: Mapping[str, Any]
) -> str | None:
    """Seal Shopify's cursor for one list; None stays None."""
    if cursor is None:
        return None
    return _encode(keys.seal(cursor.encode(), _place(user_id, shop_domain, route, filters)))


def read_cursor(
    keys: KeyRing, text: str | None, *, user_id: str, shop_domain: str, route: str, filters: Mapping[str, Any]
) -> str | None:
    """Open a cursor of this very list.

    Raises:
        InvalidInput: code `invalid_cursor`: altered, of another list, or sealed with a key that is gone.
    """
    if text is None:
        return None
    try:
        return keys.open(_decode(text), _place(user_id, shop_domain, route, filters)).decode()
    except (ValueError, TokenUnreadable):
        text = "The cursor does not belong to this list; begin again without one."
        raise InvalidInput(text, code="invalid_cursor", details=[{"field": "cursor", "reason": "not of this list"}]) from None
