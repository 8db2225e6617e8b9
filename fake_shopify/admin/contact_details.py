"""E-mail addresses, phone numbers, locales and tags of customers: how Shopify cleans them and which it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fake_shopify.admin.countries import calling_codes, known_prefixes
from fake_shopify.admin.tags import normalized

TEXT_LIMIT = 255
LOCAL_PART_LIMIT = 64
EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]+@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_]{2,}")
LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,4}){0,2}")
PUNCTUATION = re.compile(r"[\s().\-/]")
NORTH_AMERICAN = re.compile(r"1[2-9]\d{2}[2-9]\d{6}")


def blank_to_none(text: str | None) -> str | None:
    """Trim a text; a blank one counts as absent (captured: customers-059)."""
    return (text or "").strip() or None


def clean_email(text: str | None) -> str | None:
    """Take all blanks out of an e-mail address, also those inside; capitals stay (captured: customers-043, 127)."""
    return re.sub(r"\s", "", text or "") or None


def is_email(text: str) -> bool:
    """Say whether an e-mail address is well formed: one `@`, a domain with a dot, a local part of at most 64 characters.

    Captured: customers-044 to 048; the limit of the local part is the standard's.
    """
    local = text.partition("@")[0]
    dotted = local.startswith(".") or local.endswith(".") or ".." in local
    return EMAIL.fullmatch(text) is not None and len(local) <= LOCAL_PART_LIMIT and not dotted


def email_problems(text: str | None) -> list[tuple[str, str]]:
    """List what is wrong with a cleaned e-mail address as `(message, code)`; too long comes first (captured: customers-048)."""
    if text is None:
        return []
    problems = []
    if len(text) > TEXT_LIMIT:
        problems.append((f"Email is too long (maximum is {TEXT_LIMIT} characters)", "TOO_LONG"))
    if not is_email(text):
        problems.append(("Email is invalid", "INVALID"))
    return problems


def clean_phone(text: str | None, country: str) -> str | None:
    """Write a phone number in E.164 form; what cannot be read as one comes back as it is, and `is_phone` refuses it.

    A number without a calling code is taken as one of the shop's country. Source: shopify.dev/docs/api/admin-graphql (read
    2026-11: E.164). Assumed: reading national numbers.
    """
    digits = PUNCTUATION.sub("", text or "")
    if not digits:
        return None
    if digits.startswith("+") or not digits.isdigit():
        return digits
    prefix = calling_codes().get(country, "1")
    if digits.startswith("00"):
        return "+" + digits[2:]
    if prefix == "1":
        return "+" + (digits if len(digits) == 11 and digits.startswith("1") else "1" + digits)
    return "+" + prefix + digits.removeprefix("0")


def is_phone(text: str) -> bool:
    """Say whether a cleaned phone number can exist: a known calling code and a plausible length (captured: customers-061)."""
    digits = text[1:]
    if not text.startswith("+") or not digits.isascii() or not digits.isdigit():
        return False
    if digits.startswith("1"):
        return NORTH_AMERICAN.fullmatch(digits) is not None
    return 8 <= len(digits) <= 15 and any(digits[:size] in known_prefixes() for size in (1, 2, 3))


def is_locale(text: str) -> bool:
    """Say whether a locale is well formed, such as `en` or `pt-BR` (captured: customers-062; `UK` was accepted)."""
    return LOCALE.fullmatch(text) is not None


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Split tags at commas, trim them, keep the first spelling of each and sort them without regard to case.

    Captured: BEHAVIOURS 21, customers-059, 101, 102.
    """
    return normalized(tags)
