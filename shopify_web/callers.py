"""Who calls: the host's user, a trusted backend, or a developer on this machine. Fails closed.

In order: the host's `authenticate(request) -> user_id | None`; `SHOPIFY_SERVICE_KEYS` as a bearer token, which may name any user;
where neither is configured, a loopback peer without forwarding headers and with a loopback Host, in development only.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from flask import Request
from loguru import logger
from msgspec import Struct
from werkzeug.exceptions import HTTPException

from shopify_kit.errors import Forbidden, InvalidInput, NotConfigured, Unauthenticated
from shopify_kit.identifiers import MAX_USER_ID
from shopify_kit.settings import LOOPBACK, Settings
from shopify_web.texts import has_controls

Authenticate = Callable[[Request], str | None]
FORWARDING = frozenset(
    """
    forwarded via x-real-ip x-client-ip x-cluster-client-ip x-original-host x-original-url x-original-forwarded-for
    x-envoy-external-address x-proxyuser-ip true-client-ip cf-connecting-ip cf-ray fly-client-ip fastly-client-ip
    """.split()
)
"""Headers of proxies, besides `X-Forwarded-…`: with any of them, the peer is not the caller."""


class Policy(Enum):
    """Who may call a route; each route declares one."""

    USER = "user"
    """A caller who acts for one user."""
    HOST = "host"
    """Any caller whom the host lets in; no user needed."""
    PUBLIC = "public"
    """Anybody; answers hold nothing of anybody."""
    SIGNED = "signed"
    """Whoever proves themselves by Shopify's signature inside the request."""


class Caller(Struct, frozen=True):
    """Who was proved to call. `user_id` is fixed for a host's user and free for a service."""

    kind: str
    actor: str
    user_id: str | None = None


class Acting(Struct, frozen=True):
    """A caller with the user they act for."""

    caller: Caller
    user_id: str

    @property
    def actor(self) -> str:
        """Who is written into the audit log."""
        return self.caller.actor


class Callers:
    """Tells who calls."""

    def __init__(self, settings: Settings, authenticate: Authenticate | None) -> None:
        self._authenticate = authenticate
        self._keys = [_service_key(key.reveal()) for key in settings.service_keys]
        self._trust_loopback = settings.trust_loopback or settings.development
        self._default_user = settings.default_user

    @property
    def is_configured(self) -> bool:
        """Whether anybody but a developer on this machine can be let in."""
        return self._authenticate is not None or bool(self._keys)

    def identify(self, request: Request) -> Caller:
        """Return who calls.

        Raises:
            Unauthenticated: nobody was proved.
            NotConfigured: code `auth_not_configured`, the host said nothing about who may call.
        """
        caller = self._host_user(request) or self._service(request)
        if caller is not None:
            return caller
        if self.is_configured:
            raise Unauthenticated("Authenticate first: the host knows no user for this request.")
        if self._trust_loopback and _is_loopback(request):
            return Caller("loopback", "loopback", None)
        text = (
            "The host has not said who may call: pass authenticate= to register_shopify_integration or set SHOPIFY_SERVICE_KEYS "
            "(for a trial on this machine: SHOPIFY_TRUST_LOOPBACK=1 and call 127.0.0.1)."
        )
        raise NotConfigured(text, code="auth_not_configured")

    def _host_user(self, request: Request) -> Caller | None:
        if self._authenticate is None:
            return None
        try:
            user_id = self._authenticate(request)
        except HTTPException:
            return None
        if user_id is None:
            return None
        if not is_user_id(user_id):
            expected = f"a text of 1 to {MAX_USER_ID} characters without control characters, or None"
            logger.error("authenticate returned {} where {} is expected", type(user_id).__name__, expected)
            return None
        return Caller("user", user_id, user_id)

    def _service(self, request: Request) -> Caller | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        offered = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).digest()
        found = None
        for name, digest in self._keys:
            if hmac.compare_digest(offered, digest):
                found = name
        return Caller("service", found) if found is not None else None

    def act_for(self, caller: Caller, named: Mapping[str, Any]) -> Acting:
        """Decide for whom a caller acts, given the `user_id`s that the request names (by place).

        Raises:
            Forbidden: code `user_mismatch`.
            InvalidInput: a service names nobody, or two places disagree.
        """
        ids = [user_id for user_id in named.values() if user_id is not None]
        if caller.user_id is not None:
            if any(user_id != caller.user_id for user_id in ids):
                raise Forbidden("The request names another user than the caller.", code="user_mismatch")
            return Acting(caller, caller.user_id)
        if len(set(ids)) > 1:
            raise Forbidden("Query and body name different users.", code="user_mismatch")
        if not ids and caller.kind == "service":
            raise InvalidInput.field("user_id", "name the user that you act for")
        return Acting(caller, ids[0] if ids else self._default_user)


def _service_key(setting: str) -> tuple[str, bytes]:
    """Read `name:key` or a bare key, whose name is then a digest of it."""
    name, separator, key = setting.partition(":")
    key = key if separator else setting
    digest = hashlib.sha256(key.encode()).digest()
    return (name if separator else f"service-{digest.hex()[:8]}", digest)


def is_user_id(value: Any) -> bool:
    """Say whether a value can be a user id; anything else is neither compared nor stored."""
    return isinstance(value, str) and 0 < len(value) <= MAX_USER_ID and not has_controls(value)


def _is_loopback(request: Request) -> bool:
    """Say whether somebody on this machine calls, directly and not through a page of another site."""
    names = {name.lower() for name, _ in request.headers}
    if "host" not in names or names & FORWARDING or any(name.startswith("x-forwarded-") for name in names):
        return False
    try:
        peer = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return False
    peer = getattr(peer, "ipv4_mapped", None) or peer
    origin = request.headers.get("Origin")
    return peer.is_loopback and _is_local_name(request.host) and (origin is None or _is_local_name(urlsplit(origin).netloc))


def _is_local_name(netloc: str) -> bool:
    """Say whether `host` or `host:port` names this machine; a page that rebinds its own name does not."""
    host = netloc if netloc.endswith("]") else netloc.rsplit(":", 1)[0]
    return host.strip("[]").lower() in LOOPBACK
