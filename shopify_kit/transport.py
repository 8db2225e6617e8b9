"""HTTP to Shopify, and nothing else: `send(Request) -> Response`.

Bounds: connect 5 s, a total deadline for the whole exchange, no redirects, a cap on the decompressed body, and only addresses that
the address book allows. A public host name must not lead to a private network: its addresses are looked up once, checked, and the
checked one is connected to.

urllib3's own timeouts count from one read to the next, so that an answer that drips never ends (MEASURED); here every read asks the
deadline how much is left.
"""

from __future__ import annotations

import io
import ipaddress
import socket
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.client import HTTPResponse
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import PoolManager

from shopify_kit.clock import monotonic_s
from shopify_kit.errors import ResponseTooLarge, UpstreamBlocked, UpstreamFailed, UpstreamTimeout
from shopify_kit.identifiers import is_shop_domain
from shopify_kit.runtime import PerProcess

CONNECT_TIMEOUT_S = 5.0
TOTAL_TIMEOUT_S = 30.0
MAX_RESPONSE_BYTES = 50 * 2**20
CHUNK_BYTES = 64 * 2**10
POOL_HOSTS = 256
POOL_PER_HOST = 64
STORAGE_HOST = "storage.googleapis.com"

_deadline: ContextVar[float] = ContextVar("shopify_transport_deadline")


@dataclass(frozen=True, slots=True)
class Request:
    """One exchange. `url` is absolute; secrets travel in `headers` only and are never shown."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float = TOTAL_TIMEOUT_S
    max_response_bytes: int = MAX_RESPONSE_BYTES


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer; `headers` are looked up in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Transport(Protocol):
    """What the Admin API client needs of HTTP."""

    def send(self, request: Request) -> Response:
        """Carry out one exchange.

        Raises:
            UpstreamTimeout: the total deadline passed.
            UpstreamFailed: no connection, or it broke before the answer was whole.
            UpstreamBlocked: an address that we do not talk to, or a redirect.
            ResponseTooLarge: the body grew beyond `max_response_bytes`.
        """
        ...

    def close(self) -> None:
        """Close pooled connections."""
        ...


class AddressBook:
    """Which addresses may be talked to: shops over https, and in development one loopback origin in place of all of them."""

    def __init__(self, admin_origin: str | None = None) -> None:
        self.admin_origin = admin_origin.rstrip("/") if admin_origin else None

    def shop_url(self, shop_domain: str, path: str) -> tuple[str, dict[str, str]]:
        """Return the URL of a path on a shop, and the headers that belong to it (Host, when an origin stands in)."""
        if self.admin_origin is None:
            return f"https://{shop_domain}{path}", {}
        return f"{self.admin_origin}{path}", {"Host": shop_domain}

    def is_stand_in(self, url: str) -> bool:
        """Say whether a URL is on the origin that stands in for Shopify."""
        if self.admin_origin is None:
            return False
        own, other = urlsplit(self.admin_origin), urlsplit(url)
        return (own.scheme, own.netloc) == (other.scheme, other.netloc)

    def check(self, url: str) -> None:
        """Refuse an address outside the book.

        Raises:
            UpstreamBlocked: names the host only when it is one that we know the form of.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        storage = host == STORAGE_HOST or host.endswith(f".{STORAGE_HOST}")
        plain = parts.username is None and parts.port in (None, 443)
        if self.is_stand_in(url) or (parts.scheme == "https" and plain and (storage or is_shop_domain(host))):
            return
        raise UpstreamBlocked("Refused to call an address that is neither a shop nor Shopify's storage.")


def checked_addresses(host: str, port: int, *, loopback_ok: bool) -> list[tuple[Any, ...]]:
    """Look a host up and return its socket addresses, all of them public.

    Raises:
        UpstreamBlocked: the name leads to a private, loopback or link-local address (DNS rebinding).
        OSError: the name is unknown.
    """
    found = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    for _, _, _, _, address in found:
        ip = ipaddress.ip_address(str(address[0]).split("%")[0])
        if not ip.is_global and not (loopback_ok and ip.is_loopback):
            raise UpstreamBlocked("Refused to connect: the shop's name leads into a private network. Check the resolver.")
    return list(found)


class _DeadlineReader(io.RawIOBase):
    """Reads a socket and asks before each read how much of the deadline is left."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        super().__init__()
        self._raw, self._sock, self._deadline = raw, sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._deadline - monotonic_s()
        if left_s <= 0:
            raise TimeoutError("deadline")
        self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_DeadlineReader(raw, sock, _deadline.get()), CHUNK_BYTES)


class _Connecting:
    """Connects to a checked address within what is left of the deadline."""

    response_class = _DeadlineResponse
    loopback_ok = False
    host: str
    port: int

    def _new_conn(self) -> socket.socket:
        left_s = min(CONNECT_TIMEOUT_S, max(0.001, _deadline.get() - monotonic_s()))
        failure: OSError | None = None
        for family, kind, protocol, _, address in checked_addresses(self.host, self.port, loopback_ok=self.loopback_ok):
            try:
                return _connect(family, kind, protocol, address, left_s)
            except OSError as error:
                failure = error
        raise failure or OSError("no address")


def _connect(family: int, kind: int, protocol: int, address: Any, timeout_s: float) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(timeout_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


class _PublicConnection(_Connecting, HTTPSConnection):  # type: ignore[misc]
    pass


class _StandInConnection(_Connecting, HTTPConnection):  # type: ignore[misc]
    loopback_ok = True


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


class _StandInPool(HTTPConnectionPool):
    ConnectionCls = _StandInConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _StandInPool, "https": _PublicPool}


class _NoCookies(RequestsCookieJar):
    def set_cookie(self, cookie: Any, *args: Any, **kwargs: Any) -> None:
        """Keep none: shops must not see each other's."""


class RequestsTransport:
    """`requests` with one session per process, made after a fork (MEASURED: pool sizes, `trust_env` off)."""

    def __init__(self, addresses: AddressBook) -> None:
        self._addresses = addresses
        self._session = PerProcess(_make_session)

    def send(self, request: Request) -> Response:
        """Carry out one exchange; see `Transport.send`."""
        self._addresses.check(request.url)
        token = _deadline.set(monotonic_s() + request.timeout_s)
        try:
            with self._open(request) as answer:
                if 300 <= answer.status_code < 400:
                    raise UpstreamBlocked(f"Refused to follow a redirect (HTTP {answer.status_code}) from Shopify.")
                body = b"".join(_bounded(answer.iter_content(CHUNK_BYTES), request.max_response_bytes))
            return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, body)
        except UpstreamBlocked:
            raise
        except (requests.RequestException, HTTPError, OSError) as error:
            raise _translate(error) from None
        finally:
            _deadline.reset(token)

    def _open(self, request: Request) -> requests.Response:
        return self._session.get().request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body,
            timeout=(CONNECT_TIMEOUT_S, request.timeout_s),
            allow_redirects=False,
            stream=True,
        )

    def close(self) -> None:
        """Close pooled connections of this process."""
        session = self._session.peek()
        if session is not None:
            session.close()


def _make_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.cookies = _NoCookies()
    session.headers.update({"Accept-Encoding": "gzip, deflate", "User-Agent": "shopify-flask-integration"})
    adapter = _Adapter(pool_connections=POOL_HOSTS, pool_maxsize=POOL_PER_HOST, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _bounded(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise ResponseTooLarge(f"Shopify's answer is larger than {limit} bytes; ask for fewer objects or use a bulk operation.")
        if monotonic_s() > _deadline.get():
            raise TimeoutError("deadline")
        yield chunk


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk what an exception of requests hides: its arguments, reasons and causes."""
    seen: list[BaseException] = []
    todo: list[Any] = [error]
    while todo:
        one = todo.pop()
        if isinstance(one, BaseException) and one not in seen:
            seen.append(one)
            yield one
            todo += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]


def _translate(error: BaseException) -> Exception:
    """Name a failure without repeating its text, which may hold the URL or the body."""
    names = {type(one).__name__ for one in _causes(error)}
    blocked = next((one for one in _causes(error) if isinstance(one, UpstreamBlocked)), None)
    if blocked is not None:
        return blocked
    if names & {"TimeoutError", "ReadTimeout", "ReadTimeoutError", "ConnectTimeout", "ConnectTimeoutError", "timeout"}:
        return UpstreamTimeout("Shopify did not answer within the time allowed; try again later.", retry_after_s=2.0)
    if "gaierror" in names:
        return UpstreamFailed("The shop's name could not be looked up; check the shop domain and the resolver.", retry_after_s=5.0)
    return UpstreamFailed(f"The connection to Shopify failed ({type(error).__name__}); try again.", retry_after_s=1.0)
