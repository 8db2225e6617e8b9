"""What a text from outside must not hold."""

from __future__ import annotations

import unicodedata


def has_controls(text: str, *, allow: str = "") -> bool:
    """Say whether a text holds control characters or lone surrogates."""
    return any(unicodedata.category(c) in ("Cc", "Cs") and c not in allow for c in text)
