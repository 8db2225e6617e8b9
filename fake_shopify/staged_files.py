"""Files that apps upload before they name them in a mutation: signed targets, and what arrived there.

The fake's origin stands for Shopify's buckets at Google Cloud Storage. Assumed: targets are good for seven days, as the recorded
PUT addresses are; a form whose fields are not those that were given out does not meet its policy.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, field

from fake_shopify.bulk_files import BulkFile
from fake_shopify.world import World

TARGET_LIVES_S = 7 * 86_400
MEBIBYTE = 2**20
LIMITS = {"BULK_MUTATION_VARIABLES": 100 * MEBIBYTE, "IMAGE": 20 * MEBIBYTE, "FILE": 20 * MEBIBYTE, "VIDEO": 1024 * MEBIBYTE}
"""Bytes per resource (documented: 100 MB for variables of bulk mutations, 20 MB for images and files, 1 GB for videos)."""
LIMIT = 500 * MEBIBYTE


@dataclass(slots=True)
class StagedFile:
    """A target and what was uploaded to it; `parameters` are the fields of its form, empty for PUT."""

    key: str
    shop_domain: str
    resource: str
    signature: str
    expires_s: float
    parameters: dict[str, str] = field(default_factory=dict)
    file: BulkFile | None = None

    @property
    def limit(self) -> int:
        """How many bytes it takes."""
        return LIMITS.get(self.resource, LIMIT)


class StagedFiles:
    """All targets of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._secret = secrets.token_bytes(16)
        self._kept: dict[str, StagedFile] = {}
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Forget all targets and files."""
        with self._lock:
            self._kept.clear()

    def sign(self, key: str) -> str:
        """Return the signature of a target."""
        return hmac.new(self._secret, key.encode(), hashlib.sha256).hexdigest()

    def add(self, key: str, shop_domain: str, resource: str, parameters: dict[str, str]) -> StagedFile:
        """Open a target."""
        expires_s = self.world.clock.now().timestamp() + TARGET_LIVES_S
        target = StagedFile(key, shop_domain, resource, self.sign(key), expires_s, parameters)
        with self._lock:
            self._kept[key] = target
        return target

    def find(self, key: str) -> StagedFile | None:
        """Return the target under a key."""
        with self._lock:
            return self._kept.get(key)

    def is_expired(self, target: StagedFile) -> bool:
        """Say whether nothing can be uploaded there any more."""
        return self.world.clock.now().timestamp() >= target.expires_s

    def keep(self, target: StagedFile, file: BulkFile) -> None:
        """Keep what was uploaded, in place of what was there."""
        with self._lock:
            target.file = file
