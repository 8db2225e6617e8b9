"""Which secrets may have signed a delivery: those of the settings for every shop, and each custom app's own for its shop.

Custom apps' secrets lie sealed in the vault. They are kept in memory and read anew by a thread of their own, so that a flood of
unsigned requests asks the database for nothing.
"""

from __future__ import annotations

from typing import Final

from loguru import logger

from shopify_kit.clock import Clock
from shopify_kit.errors import IntegrationError
from shopify_kit.runtime import start_daemon
from shopify_kit.secret import Secret
from shopify_kit.settings import Settings
from shopify_kit.vault import Vault

FRESH_S: Final = 30.0


class SecretBook:
    """Shop domain → secrets, each with the name of the app it belongs to."""

    def __init__(self, settings: Settings, vault: Vault, clock: Clock) -> None:
        self._configured = [("app", secret) for secret in settings.verification_secrets]
        self._vault = vault
        self._clock = clock
        self._custom: dict[str, list[Secret]] = {}
        self._read_at_s: float | None = None

    def __call__(self, shop_domain: str) -> list[tuple[str, Secret]]:
        """Return the secrets that may have signed for a shop, newest first; none where nothing is configured at all."""
        now = self._clock.monotonic_s()
        if self._read_at_s is None:
            self.refresh()
        elif now - self._read_at_s > FRESH_S:
            self._read_at_s = now
            start_daemon("shopify-secrets", self.refresh)
        own = [(shop_domain, secret) for secret in self._custom.get(shop_domain, ())]
        if not own and not self._configured and self._custom:
            # Some shop has a secret, so this is a wrong signature and not a missing setting.
            return [("", Secret(""))]
        return [*self._configured, *own]

    def refresh(self) -> None:
        """Read the custom apps' secrets anew, as after one was stored."""
        self._read_at_s = self._clock.monotonic_s()
        try:
            self._custom = self._vault.client_secrets()
        except IntegrationError as error:
            logger.warning("Shopify webhooks: custom apps' secrets were not read ({}); the known ones stay", error.message)
