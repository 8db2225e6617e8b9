"""Sealing: AES-256-GCM with a key ring, bound to the place where the value lies.

A sealed value is `version (1 byte) · length of the key id (1) · key id · nonce (12) · ciphertext and tag`. The associated data
names the table, the user, the shop, the column, the row and its version, so that a value moved to another row or column, or put
back after the row moved on, does not open.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct, structs

from shopify_kit.errors import SettingsError, TokenUnreadable
from shopify_kit.secret import Secret
from shopify_kit.settings import KEY_BYTES, decode_key

FORMAT = 1
NONCE_BYTES = 12


class Place(Struct, frozen=True):
    """Where a sealed value lies; all of it is bound into the value."""

    table: str
    user: str
    shop: str
    column: str
    version: int
    row: str = ""

    def associated_data(self) -> bytes:
        """Write the place without ambiguity: each part with its length before it."""
        parts = [str(part).encode() for part in structs.astuple(self)]
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def key_id(key: bytes) -> str:
    """Name a key by a digest of it: the same key has the same id on every machine."""
    return hashlib.sha256(b"shopify sealing key\0" + key).hexdigest()[:12]


class KeyRing:
    """Keys newest first: the first one seals, every one opens."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        decoded = [decode_key(key) for key in keys]
        if not decoded or None in decoded:
            raise SettingsError(f"SHOPIFY_TOKEN_KEYS must hold base64 or hex of {KEY_BYTES} random bytes each.")
        self._ciphers = {key_id(key): AESGCM(key) for key in decoded if key is not None}
        self.current = next(iter(self._ciphers))

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._ciphers)})"

    def seal(self, value: Secret | bytes, place: Place) -> bytes:
        """Seal a value for one place with the newest key."""
        plain = value.reveal().encode() if isinstance(value, Secret) else value
        nonce = os.urandom(NONCE_BYTES)
        head = bytes([FORMAT, len(self.current)]) + self.current.encode()
        return head + nonce + self._ciphers[self.current].encrypt(nonce, plain, head + place.associated_data())

    def open(self, sealed: bytes, place: Place) -> bytes:
        """Open a value sealed for this very place.

        Raises:
            TokenUnreadable: altered, truncated, moved here from another place, or its key is not in the ring.
        """
        name, head, rest = _split(sealed)
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise TokenUnreadable(
                "A stored secret is sealed with a key that is not in SHOPIFY_TOKEN_KEYS; add that key at the end."
            )
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], head + place.associated_data())
        except (InvalidTag, ValueError):
            text = "A stored secret does not open in its place: it was altered or moved. Connect the shop again."
            raise TokenUnreadable(text) from None

    def open_secret(self, sealed: bytes, place: Place) -> Secret:
        """Open a text."""
        return Secret(self.open(sealed, place).decode())


def key_of(sealed: bytes) -> str:
    """Return the id of the key that a value is sealed with; empty for what is no sealed value."""
    try:
        return _split(sealed)[0]
    except TokenUnreadable:
        return ""


def _split(sealed: bytes) -> tuple[str, bytes, bytes]:
    length = sealed[1] if len(sealed) > 2 else 0
    head = sealed[: 2 + length]
    if not sealed or sealed[0] != FORMAT or len(sealed) < 2 + length + NONCE_BYTES + 16 or not head[2:].isascii():
        raise TokenUnreadable("A stored secret is damaged: it is no sealed value. Connect the shop again.")
    return head[2:].decode("ascii"), head, sealed[2 + length :]


def development_key(path: Path) -> Secret:
    """Return the key of a development machine, made on first use in a file only its owner can read (mode 0600).

    Raises:
        SettingsError: the file cannot be made or read, is readable by others, or holds no key.
    """
    try:
        if not path.exists():
            _make_key(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SettingsError(f"{path} can be read by others; run: chmod 600 {path}")
        key = Secret(path.read_text("ascii").strip())
    except (OSError, UnicodeError) as error:
        reason = type(error).__name__
        raise SettingsError(f"The sealing key file {path} cannot be used ({reason}); set SHOPIFY_TOKEN_KEYS.") from None
    if decode_key(key) is None:
        raise SettingsError(f"{path} holds no sealing key; delete it to have a new one made, or set SHOPIFY_TOKEN_KEYS.")
    return key


def _make_key(path: Path) -> None:
    """Write a key beside the path and link it there, so that of several processes one wins and nobody reads half a key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(os.urandom(KEY_BYTES).hex())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
