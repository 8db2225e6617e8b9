"""Which secrets may have signed a delivery: those of the settings for every shop, and each custom app's own for its shop.

Custom apps' secrets lie sealed in the vault. They are kept in memory and read anew by a thread of their own, so that a flood of
unsigned requests asks the database for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from loguru import logger

from shopify_kit.clock import Clock
from shopify_kit.errors import IntegrationError
from shopify_kit.runtime import StopEvent, start_daemon
from shopify_kit.secret import Secret
from shopify_kit.settings import Settings
from shopify_kit.vault import Vault

FRESH_S: Final = 30.0
AGAIN_AFTER_S: Final = 2.0
FIRST_WAIT_S: Final = 0.3


class SecretBook:
    """Shop domain → secrets, each with the name of the app it belongs to.

    Args:
        ensure_schema: called before the vault is read; cheap once the schema is known to be there.
    """

    def __init__(self, settings: Settings, vault: Vault, clock: Clock, ensure_schema: Callable[[], object]) -> None:
        self._ensure_schema = ensure_schema
        self._configured = [("app", secret) for secret in settings.verification_secrets]
        self._vault = vault
        self._clock = clock
        self._custom: dict[str, list[Secret]] = {}
        self._stale_at_s: float | None = None
        self._is_read = StopEvent()

    @property
    def is_complete(self) -> bool:
        """Whether the custom apps' secrets are known."""
        return self._is_read.is_set()

    def __call__(self, shop_domain: str) -> list[tuple[str, Secret]]:
        """Return the secrets that may have signed for a shop, newest first; none where nothing is configured at all."""
        now = self._clock.monotonic_s()
        if self._stale_at_s is None or now > self._stale_at_s:
            self._stale_at_s = now + FRESH_S
            start_daemon("shopify-secrets", self.refresh)
        if not self._is_read.is_set():
            self._is_read.wait(FIRST_WAIT_S)
        own = [(shop_domain, secret) for secret in self._custom.get(shop_domain, ())]
        if not own and not self._configured and self._custom:
            # Some shop has a secret, so this is a wrong signature and not a missing setting.
            return [("", Secret(""))]
        return [*self._configured, *own]

    def refresh(self) -> None:
        """Read the custom apps' secrets anew, as after one was stored."""
        try:
            self._ensure_schema()
            self._custom = self._vault.client_secrets()
        except IntegrationError as error:
            self._stale_at_s = self._clock.monotonic_s() + AGAIN_AFTER_S
            logger.warning("Shopify webhooks: custom apps' secrets were not read ({}); the known ones stay", error.message)
        else:
            self._stale_at_s = self._clock.monotonic_s() + FRESH_S
            self._is_read.set()
