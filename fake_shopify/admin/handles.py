"""Handles: how Shopify makes one out of a title, and how it keeps them apart within a shop."""

from __future__ import annotations

import re
import unicodedata

from fake_shopify.world import Shop

DROPPED = str.maketrans("", "", "'’\"()[]")
TRAILING_NUMBER = re.compile(r"^(.*?)(\d+)$", re.DOTALL)
MAX_LENGTH = 255


def slug(text: str, fallback: str) -> str:
    """Make a handle out of a text; `fallback` stands in where nothing is left.

    Captured: lower case, quotes and brackets dropped, runs of anything else than letters, digits and `_` become one hyphen, letters
    of other scripts stay (products-049..053; titles and handles of recorded products). Assumed: Latin letters lose their accents.
    """
    plain = _without_accents(text).lower().translate(DROPPED)
    return re.sub(r"[\W]+", "-", plain).strip("-") or fallback


def made_from(title: str, fallback: str) -> str:
    """Make a handle out of a title, no longer than a handle may be."""
    return slug(title, fallback)[:MAX_LENGTH].strip("-")


def _without_accents(text: str) -> str:
    return "".join(_plain_letter(letter) for letter in unicodedata.normalize("NFC", text))


def _plain_letter(letter: str) -> str:
    base = unicodedata.normalize("NFKD", letter)[:1]
    return base if base.isascii() and base.isalpha() else letter


def successor(handle: str) -> str:
    """Return the next handle to try: a trailing number is raised, otherwise `-1` is added (captured: BEHAVIOURS 18)."""
    numbered = TRAILING_NUMBER.match(handle)
    return f"{numbered[1]}{int(numbered[2]) + 1}" if numbered else f"{handle}-1"


def taken(shop: Shop, type_name: str) -> dict[str, int]:
    """Return the index of handles in use for a type: handle -> number. Seeded rows are read once, when it is first asked for."""
    key = f"handles:{type_name}"
    index: dict[str, int] | None = shop.state.get(key)
    if index is None:
        index = shop.state[key] = {row["handle"]: row.number for row in shop.table(type_name)}
    return index


def free(shop: Shop, type_name: str, wanted: str, *, own: int | None = None) -> str:
    """Return `wanted` or the first successor of it that no other row of the type has."""
    index = taken(shop, type_name)
    while index.get(wanted, own) != own:
        wanted = successor(wanted)
    return wanted


def is_taken(shop: Shop, type_name: str, handle: str, *, own: int | None = None) -> bool:
    """Say whether another row of the type has this handle."""
    return taken(shop, type_name).get(handle, own) != own


def move(shop: Shop, type_name: str, number: int, old: str | None, new: str | None) -> None:
    """Note that a row has another handle now; None for none."""
    index = taken(shop, type_name)
    if old is not None and index.get(old) == number:
        del index[old]
    if new is not None:
        index[new] = number


def number_of(shop: Shop, type_name: str, handle: str) -> int | None:
    """Return the number of the row with this handle."""
    return taken(shop, type_name).get(handle)
