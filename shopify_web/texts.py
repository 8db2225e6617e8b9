"""What a text from outside must not hold, and how much of one is shown."""

from __future__ import annotations

import re

CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
SURROGATES = re.compile("[\ud800-\udfff]")
MAX_SHOWN = 100


def has_controls(text: str, *, allow: str = "") -> bool:
    """Say whether a text holds control characters or lone surrogates."""
    return any(match.group() not in allow for match in CONTROLS.finditer(text))


def has_surrogates(text: str) -> bool:
    """Say whether a text holds halves of surrogate pairs, which no UTF-8 can express."""
    return SURROGATES.search(text) is not None


def shown(text: str) -> str:
    """Return a name that came from outside as an answer may repeat it: short, and without what cannot be written."""
    return CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text[:MAX_SHOWN])
