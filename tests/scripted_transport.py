"""A transport without a network: what the far side answers is a function, and what it was asked is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shopify_kit.errors import ResponseTooLarge, UpstreamBlocked, UpstreamFailed, UpstreamTimeout
from shopify_kit.secret import Secret, revealed
from shopify_kit.transport import AddressBook, Request, Response


@dataclass(frozen=True, slots=True)
class Asked:
    """What the far side saw of a request; secrets are in the clear."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """What the far side does: answer, after a while, or break the connection."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    after_s: float = 0.0
    breaks: bool = False


FarSide = Callable[[Asked], Said]


class ScriptedTransport:
    """Keeps what `Transport` promises, as the contract suite proves; time passes by comparison, nobody waits."""

    def __init__(self, addresses: AddressBook, far_side: FarSide) -> None:
        self._addresses = addresses
        self._far_side = far_side
        self.asked: list[Asked] = []

    def send(self, request: Request) -> Response:
        """Carry out one exchange; see `Transport.send`."""
        carries_secret = any(isinstance(value, Secret) for value in request.headers.values())
        self._addresses.check(request.url, carries_secret=carries_secret)
        sent = {name.lower(): revealed(value) for name, value in request.headers.items()}
        self.asked.append(Asked(request.method, request.url, sent, request.body or b""))
        said = self._far_side(self.asked[-1])
        if said.breaks:
            raise UpstreamFailed("The connection to Shopify failed; try again.", retry_after_s=1.0)
        if said.after_s > request.timeout_s:
            raise UpstreamTimeout("Shopify did not answer within the time allowed; try again later.", retry_after_s=2.0)
        if 300 <= said.status < 400:
            raise UpstreamBlocked("Refused to follow a redirect from Shopify.")
        if len(said.body) > request.max_response_bytes:
            raise ResponseTooLarge("Shopify's answer is too large.")
        return Response(said.status, {name.lower(): value for name, value in said.headers.items()}, said.body)

    def close(self) -> None:
        """There is nothing to close."""
