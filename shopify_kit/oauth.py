"""Shopify's token endpoint: what is sent for each grant type, and what an answer means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from shopify_kit.errors import ShopUnavailable, TokenRejected, UpstreamFailed
from shopify_kit.secret import Secret
from shopify_kit.transport import AddressBook, Request, Transport

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
        fields = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret.reveal()}
        return self._ask(shop_domain, fields)

    def _ask(self, shop_domain: str, fields: Mapping[str, str]) -> Grant:
        url, headers = self._addresses.shop_url(shop_domain, TOKEN_PATH)
        sent = {**headers, "Content-Type": "application/json", "Accept": "application/json"}
        response = self._transport.send(Request("POST", url, sent, msgspec.json.encode(fields), timeout_s=TIMEOUT_S))
        if response.status in (402, 404, 423):
            raise ShopUnavailable(f"The shop does not answer (Shopify said {response.status}).", shop_domain=shop_domain)
        if response.status >= 500 or response.status == 429:
            raise UpstreamFailed(f"Shopify's token endpoint answered {response.status}; try again.", shop_domain=shop_domain)
        answer = _object(response.body)
        if response.status != 200 or "access_token" not in answer:
            reason = str(answer.get("error", "no reason given"))[:60]
            raise TokenRejected(f"Shopify gave no token ({reason}); check client id, secret and shop.", shop_domain=shop_domain)
        return _grant(answer)


def _object(body: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:
        answer = None
    return answer if isinstance(answer, dict) else {}


def _grant(answer: dict[str, Any]) -> Grant:
    refresh = answer.get("refresh_token")
    return Grant(
        access_token=Secret(str(answer["access_token"])),
        scopes=tuple(scope for scope in str(answer.get("scope", "")).split(",") if scope),
        expires_in_s=answer.get("expires_in"),
        refresh_token=Secret(str(refresh)) if refresh else None,
        refresh_expires_in_s=answer.get("refresh_token_expires_in"),
    )
