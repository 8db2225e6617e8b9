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
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.client import HTTPResponse
from math import isfinite
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, ReadTimeoutError
from urllib3.poolmanager import PoolManager

from shopify_kit.clock import monotonic_s
from shopify_kit.errors import ResponseTooLarge, ShopifyError, UpstreamBlocked, UpstreamFailed, UpstreamTimeout
from shopify_kit.identifiers import is_shop_domain
from shopify_kit.runtime import PerProcess, StopEvent, start_daemon
from shopify_kit.secret import Secret, revealed

CONNECT_TIMEOUT_S = 5.0
TOTAL_TIMEOUT_S = 30.0
STALL_S = 30.0
MAX_RESPONSE_BYTES = 50 * 2**20
LONGEST_RETRY_AFTER_S = 300.0
CHUNK_BYTES = 64 * 2**10
DOWNLOAD_BYTES = 2**18
SLOWEST_BYTES_PER_S = 4096

T = TypeVar("T")
POOL_HOSTS = 256
POOL_PER_HOST = 64
STORAGE_HOST = "storage.googleapis.com"

SocketAddress: TypeAlias = tuple[Any, Any, int, str, Any]
"""As `socket.getaddrinfo` gives it: family, kind, protocol, canonical name, address."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_UNAMBIGUOUS_URL = re.compile(r"https://(?P<host>[a-z0-9.-]{1,253})(?::443)?(?:[/?][!-\[\]-~]*)?")
"""Nothing that two parsers could read in two ways: no user, no other port, no upper case, no backslash, no blank."""


@dataclass(frozen=True, slots=True)
class _Exchange:
    """What the code below `requests` has to know of the exchange that its thread carries out."""

    ends_at: float
    loopback_ok: bool


_exchange: ContextVar[_Exchange] = ContextVar("shopify_transport_exchange")


def _left_s() -> float:
    """Return the seconds left of the total deadline; a TimeoutError when there are none."""
    left_s = _exchange.get().ends_at - monotonic_s()
    if left_s <= 0:
        raise TimeoutError("deadline")
    return left_s


@dataclass(frozen=True, slots=True)
class Request:
    """One exchange. `url` is absolute. A header that is a `Secret` is revealed when it is sent, and only a shop gets to see it."""

    method: str
    url: str
    headers: Mapping[str, str | Secret] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float = TOTAL_TIMEOUT_S
    max_response_bytes: int = MAX_RESPONSE_BYTES


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer; `headers` are looked up in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def retry_after_s(self, default: float) -> float:
        """Read `Retry-After` in seconds; Shopify sends `2.0`, which whole-number parsers refuse (MEASURED)."""
        try:
            seconds = float(self.headers.get("retry-after", default))
        except ValueError:
            return default
        return min(LONGEST_RETRY_AFTER_S, max(0.0, seconds)) if isfinite(seconds) else default


class Transport(Protocol):
    """What the Admin API client needs of HTTP."""

    def send(self, request: Request) -> Response:
        """Carry out one exchange.

        Raises:
            UpstreamTimeout: the total deadline passed.
            UpstreamFailed: no connection, or it broke before the answer was whole.
            UpstreamBlocked: an address that we do not talk to (with a secret in the headers, anything but a shop), or a redirect.
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
        origin = self.admin_origin
        return origin is not None and (url == origin or url.startswith((f"{origin}/", f"{origin}?")))

    def check(self, url: str, *, carries_secret: bool = False) -> None:
        """Refuse an address outside the book: with a secret anything but a shop, without one also Shopify's storage is in it.

        Raises:
            UpstreamBlocked: does not repeat the address, which may be anybody's text.
        """
        if self.is_stand_in(url):
            return
        match = _UNAMBIGUOUS_URL.fullmatch(url)
        host = match["host"] if match is not None else ""
        is_storage = host == STORAGE_HOST or host.endswith(f".{STORAGE_HOST}")
        if is_shop_domain(host) or (is_storage and not carries_secret):
            return
        raise UpstreamBlocked("Refused to call an address that is neither a shop nor Shopify's storage.")


def checked_addresses(host: str, port: int, *, loopback_ok: bool, timeout_s: float) -> list[SocketAddress]:
    """Look a host up and return its socket addresses, all of them public.

    Raises:
        UpstreamBlocked: the name leads to a private, loopback or link-local address (DNS rebinding).
        TimeoutError: the resolver did not answer in time.
        OSError: the name is unknown.
    """
    found = _look_up(host, port, timeout_s)
    for _, _, _, _, address in found:
        ip = ipaddress.ip_address(str(address[0]).split("%")[0])
        if not _is_public(ip) and not (loopback_ok and ip.is_loopback):
            raise UpstreamBlocked("Refused to connect: the shop's name leads into a private network. Check the resolver.")
    return found


def _look_up(host: str, port: int, timeout_s: float) -> list[SocketAddress]:
    """Ask the resolver, which knows no deadline, on a thread that is left behind when the answer does not come in time."""
    found: list[SocketAddress] = []
    failures: list[Exception] = []
    is_done = StopEvent()

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM))
        except (OSError, ValueError) as failure:
            failures.append(failure)
        finally:
            is_done.set()

    start_daemon("shopify-lookup", ask)
    if not is_done.wait(timeout_s):
        raise TimeoutError("resolver")
    if failures:
        raise failures.pop()
    return found


def _is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Say whether an address is on the public Internet; an IPv6 one that carries an IPv4 one, only if that is too."""
    if isinstance(ip, ipaddress.IPv6Address):
        carried = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            carried = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if carried is not None:
            return _is_public(carried)
    return ip.is_global and not ip.is_multicast


class _DeadlineReader(io.RawIOBase):
    """Reads a socket and asks before each read how much of the deadline is left."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        super().__init__()
        self._raw, self._sock = raw, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_left_s())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock), CHUNK_BYTES)


class _Deadline:
    """A connection that keeps the deadline: looks up, checks and connects within it, sends and reads within what is left."""

    response_class = _DeadlineResponse
    host: str
    port: int
    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        """Connect to a checked address; the look-up, every address and the TLS handshake share the time for connecting."""
        timeout_s = min(CONNECT_TIMEOUT_S, _left_s())
        connect_by = monotonic_s() + timeout_s
        addresses = checked_addresses(self.host, self.port, loopback_ok=_exchange.get().loopback_ok, timeout_s=timeout_s)
        for tried, (family, kind, protocol, _, address) in enumerate(addresses, 1):
            share_s = (connect_by - monotonic_s()) / (len(addresses) - tried + 1)
            try:
                sock = _connect(family, kind, protocol, address, share_s)
            except OSError:
                if tried == len(addresses):
                    raise
            else:
                sock.settimeout(max(0.001, connect_by - monotonic_s()))
                return sock
        raise OSError("no address")

    def send(self, data: Any) -> None:
        """Send a part of the request."""
        if self.sock is not None:
            self.sock.settimeout(_left_s())
        super().send(data)  # type: ignore[misc]


def _connect(family: int, kind: int, protocol: int, address: Any, timeout_s: float) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(max(0.001, timeout_s))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


class _TlsConnection(_Deadline, HTTPSConnection):  # type: ignore[misc]
    pass


class _PlainConnection(_Deadline, HTTPConnection):  # type: ignore[misc]
    pass


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


class _NoCookies(RequestsCookieJar):
    def set_cookie(self, cookie: Any, *args: Any, **kwargs: Any) -> None:
        """Keep none: shops must not see each other's."""


TRANSPORT_ERRORS = (requests.RequestException, HTTPError, OSError, ValueError, UpstreamBlocked, ResponseTooLarge)


class Download:
    """A file that is being read, piece by piece, as it comes.

    Args:
        answer: opened with `stream=True`.
        stall_s: how long the storage may say nothing; what it takes beyond that altogether must have brought something.
    """

    def __init__(self, answer: requests.Response, loopback_ok: bool, stall_s: float) -> None:
        self._answer = answer
        self._loopback_ok = loopback_ok
        self._left_s = self._stall_s = stall_s
        self.status = answer.status_code
        self.headers = {name.lower(): value for name, value in answer.headers.items()}

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes, unpacked where they came packed; ends early where the storage does not announce a length."""
        while piece := self._next():
            yield piece

    def _next(self) -> bytes:
        began_s = monotonic_s()
        exchange = _Exchange(began_s + min(self._left_s, self._stall_s), self._loopback_ok)
        try:
            piece: bytes = _during(exchange, lambda: self._answer.raw.read1(DOWNLOAD_BYTES, decode_content=True))
        except TRANSPORT_ERRORS as error:
            raise _translate(error) from None
        self._left_s += len(piece) / SLOWEST_BYTES_PER_S - (monotonic_s() - began_s)
        return piece


def _during(exchange: _Exchange, work: Callable[[], T]) -> T:
    reset = _exchange.set(exchange)
    try:
        return work()
    finally:
        _exchange.reset(reset)


class RequestsTransport:
    """`requests` with one session per process, made after a fork (MEASURED: pool sizes, `trust_env` off).

    Args:
        ca_file: certificate authorities to trust in place of certifi's.
    """

    def __init__(self, addresses: AddressBook, *, ca_file: Path | None = None) -> None:
        self._addresses = addresses
        self._session = PerProcess(lambda: _make_session(ca_file))

    def send(self, request: Request) -> Response:
        """Carry out one exchange; see `Transport.send`."""
        carries_secret = any(isinstance(value, Secret) for value in request.headers.values())
        self._addresses.check(request.url, carries_secret=carries_secret)
        exchange = _Exchange(monotonic_s() + request.timeout_s, self._addresses.is_stand_in(request.url))
        reset = _exchange.set(exchange)
        try:
            return self._exchanged(request)
        except TRANSPORT_ERRORS as error:
            failure = _translate(error)
        finally:
            _exchange.reset(reset)
        # Raised here, it has neither the cause nor the traceback of the old error, whose frames hold the revealed headers.
        raise failure

    def _exchanged(self, request: Request) -> Response:
        with self._open(request) as answer:
            if 300 <= answer.status_code < 400:
                raise UpstreamBlocked(f"Refused to follow a redirect (HTTP {answer.status_code}) from Shopify.")
            body = b"".join(_bounded(answer.iter_content(CHUNK_BYTES), request.max_response_bytes))
        return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, body)

    def _open(self, request: Request) -> requests.Response:
        return self._session.get().request(
            request.method,
            request.url,
            headers={name: revealed(value) for name, value in request.headers.items()},
            data=request.body,
            timeout=request.timeout_s,
            allow_redirects=False,
            stream=True,
        )

    @contextmanager
    def download(self, url: str, *, start: int = 0, stall_s: float = STALL_S) -> Iterator[Download]:
        """Open a file at Shopify's storage, to be read at any length; used by one thread.

        Args:
            start: the byte to begin with, as to go on after a break.
            stall_s: how long the storage may say nothing.

        Raises:
            UpstreamTimeout, UpstreamFailed: no connection; also while reading.
            UpstreamBlocked: an address that is no storage of Shopify's, or a redirect.
        """
        self._addresses.check(url)
        # Places are counted in unpacked bytes, so that a part must come unpacked.
        headers = {"Range": f"bytes={start}-", "Accept-Encoding": "identity"} if start else {}
        exchange = _Exchange(monotonic_s() + stall_s, self._addresses.is_stand_in(url))
        try:
            answer = _during(exchange, lambda: self._open(Request("GET", url, headers, timeout_s=stall_s)))
        except TRANSPORT_ERRORS as error:
            raise _translate(error) from None
        try:
            if 300 <= answer.status_code < 400:
                raise UpstreamBlocked(f"Refused to follow a redirect (HTTP {answer.status_code}) from Shopify's storage.")
            yield Download(answer, exchange.loopback_ok, stall_s)
        finally:
            answer.close()

    def close(self) -> None:
        """Close pooled connections of this process."""
        session = self._session.peek()
        if session is not None:
            session.close()


def _make_session(ca_file: Path | None) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.cookies = _NoCookies()
    if ca_file is not None:
        session.verify = str(ca_file)
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
        _left_s()
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


def _translate(error: BaseException) -> ShopifyError:
    """Name a failure without repeating its text, which may hold the URL or the body."""
    causes = list(_causes(error))
    ours = next((one for one in causes if isinstance(one, ShopifyError)), None)
    if ours is not None:
        return type(ours)(ours.message)
    if any(isinstance(one, TimeoutError | requests.Timeout | ReadTimeoutError | ConnectTimeoutError) for one in causes):
        return UpstreamTimeout("Shopify did not answer within the time allowed; try again later.", retry_after_s=2.0)
    if any(isinstance(one, socket.gaierror) for one in causes):
        return UpstreamFailed("The shop's name could not be looked up; check the shop domain and the resolver.", retry_after_s=5.0)
    return UpstreamFailed(f"The connection to Shopify failed ({type(error).__name__}); try again.", retry_after_s=1.0)
