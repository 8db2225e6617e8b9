"""Shopify's token endpoint: what is sent for each grant type, and what an answer means."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from shopify_kit.errors import ShopifyError, ShopUnavailable, Throttled, TokenRejected, UpstreamFailed
from shopify_kit.secret import Secret, revealed
from shopify_kit.transport import AddressBook, Request, Response, Transport

TOKEN_PATH = "/admin/oauth/access_token"
TIMEOUT_S = 15.0


class Grant(Struct, frozen=True):
    """What the token endpoint gave.

    Args:
        scopes: as granted, which may be fewer than asked for.
        expires_in_s: None for a token that does not expire.
    """

    access_token: Secret
    scopes: tuple[str, ...]
    expires_in_s: int | None
    refresh_token: Secret | None = None
    refresh_expires_in_s: int | None = None


class TokenEndpoint:
    """Asks a shop's token endpoint."""

    def __init__(self, transport: Transport, addresses: AddressBook) -> None:
        self._transport = transport
        self._addresses = addresses

    def client_credentials(self, shop_domain: str, client_id: str, client_secret: Secret) -> Grant:
        """Get a token for an app and a shop of the same organisation; it lives about a day and is not refreshed but asked for anew.

        Raises:
            TokenRejected: the pair is wrong, or the shop is not of the app's organisation.
        """
        grant = self._ask(shop_domain, {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret})
        if grant.expires_in_s is None:
            # Taken for one that never expires, it would fail a day later (PLATFORM A.3).
            raise UpstreamFailed("Shopify gave a token without saying how long it lives; try again.", shop_domain=shop_domain)
        return grant

    def _ask(self, shop_domain: str, fields: Mapping[str, str | Secret]) -> Grant:
        url, headers = self._addresses.shop_url(shop_domain, TOKEN_PATH)
        sent = {**headers, "Content-Type": "application/json", "Accept": "application/json"}
        # The secrets are revealed inside the encoder, so that no frame of ours has them in a variable.
        response = self._transport.send(
            Request("POST", url, sent, msgspec.json.encode(fields, enc_hook=revealed), timeout_s=TIMEOUT_S)
        )
        if response.status == 200:
            return _grant(response.body, shop_domain)
        raise _refusal(response, shop_domain)


class _Issued(Struct, frozen=True):
    """A successful answer of the token endpoint."""

    access_token: str
    scope: str = ""
    expires_in: int | None = None
    refresh_token: str | None = None
    refresh_token_expires_in: int | None = None


class _Refused(Struct, frozen=True):
    """A refusal of the token endpoint."""

    error: str = ""


def _grant(body: bytes, shop_domain: str) -> Grant:
    try:
        issued = msgspec.json.decode(body, type=_Issued)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = "Shopify's token endpoint answered with something that is no token; try again."
        raise UpstreamFailed(text, shop_domain=shop_domain) from None
    return Grant(
        access_token=Secret(issued.access_token),
        scopes=tuple(scope for scope in issued.scope.split(",") if scope),
        expires_in_s=issued.expires_in,
        refresh_token=Secret(issued.refresh_token) if issued.refresh_token else None,
        refresh_expires_in_s=issued.refresh_token_expires_in,
    )


def _refusal(response: Response, shop_domain: str) -> ShopifyError:
    status = response.status
    if status in (402, 404, 423):
        return ShopUnavailable(f"The shop does not answer (Shopify said {status}).", shop_domain=shop_domain)
    if status in (429, 430):
        after = response.retry_after_s(2.0)
        return Throttled(
            "Shopify's token endpoint is asked too often; try again later.", retry_after_s=after, shop_domain=shop_domain
        )
    if status >= 500:
        return UpstreamFailed(f"Shopify's token endpoint answered {status}; try again.", shop_domain=shop_domain)
    reason = _reason(response.body)
    return TokenRejected(f"Shopify gave no token ({reason}); check client id, secret and shop.", shop_domain=shop_domain)


def _reason(body: bytes) -> str:
    """Return the error's name: `invalid_client`, never a text, which may hold anything."""
    try:
        name = msgspec.json.decode(body, type=_Refused).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        name = ""
    return name if re.fullmatch(r"[a-z_]{1,60}", name) else "no reason given"
