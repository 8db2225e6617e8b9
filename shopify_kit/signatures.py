"""Shopify's signatures on what it sends us: the HMAC over a delivery's raw bytes.

One key signs everything Shopify sends for an app, and headers are signed by none (PLATFORM A.7): a valid signature says where the
body comes from, not which topic or shop it is about.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable
from typing import TypeVar

from shopify_kit.secret import Secret

DIGEST_BYTES = 32
K = TypeVar("K")


def sign_body(body: bytes, secret: Secret) -> str:
    """Return the header that Shopify would send with a body: base64 of HMAC-SHA256."""
    return base64.b64encode(_made(body, secret)).decode("ascii")


def verify_body(body: bytes, header: str, secrets: Iterable[tuple[K, Secret]]) -> K | None:
    """Return the key of the first secret that signed a body, or None.

    Compared as bytes, in constant time; a header that is not the strict base64 of 32 bytes matches nothing, and neither does an
    empty secret. Every secret is tried, so that the time does not tell which one matched.
    """
    offered = _digest(header)
    if offered is None:
        return None
    found: K | None = None
    for key, secret in secrets:
        if not secret:
            continue
        if hmac.compare_digest(_made(body, secret), offered) and found is None:
            found = key
    return found


def _made(body: bytes, secret: Secret) -> bytes:
    # The environment may hold bytes that are no text, which Python reads as surrogates.
    return hmac.digest(secret.reveal().encode(errors="surrogateescape"), body, "sha256")


def _digest(header: str) -> bytes | None:
    try:
        raw = base64.b64decode(header.strip().encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    return raw if len(raw) == DIGEST_BYTES else None
