"""One HTTP request to a receiver, with Shopify's patience: a second to connect, five in all, and nothing that leaves this machine.

Source: shopify.dev/docs/apps/build/webhooks/verify-deliveries (HTTPS delivery considerations; read 2026-11). Redirects are not
followed. Assumed: the whole answer must have come within the five seconds, and its body is not looked at.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

CONNECT_S = 1.0
TOTAL_S = 5.0
MOST_ANSWER_BYTES = 2**20
AGENT = "Shopify-Captain-Hook"


class Unreachable(Exception):
    """There is no way to an address that stays on this machine or in its private network."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: a status, or the reason why there is none."""

    status: int | None
    error: str | None
    seconds: float

    @property
    def is_success(self) -> bool:
        """Any 2xx is a success (documented)."""
        return self.status is not None and 200 <= self.status < 300


def target_of(address: str, mapping: Mapping[str, str]) -> str:
    """Return where an address is really sent: as mapped by `--deliver`, else as it is when that is this machine.

    Raises:
        Unreachable: neither.
    """
    for origin, replacement in mapping.items():
        if address == origin or address.startswith((f"{origin}/", f"{origin}?")):
            return replacement + address[len(origin) :]
    host = urlsplit(address).hostname or ""
    if host == "localhost" or host.endswith(".localhost") or _is_loopback(host):
        return address
    raise Unreachable(f"no way to {host}: start the fake with --deliver https://{host}=http://127.0.0.1:PORT")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class _Deadline(io.RawIOBase):
    """Reads a socket until an instant, however slowly the bytes drip."""

    def __init__(self, sock: socket.socket, ends: float) -> None:
        super().__init__()
        self._sock, self._ends = sock, ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._sock.recv_into(buffer)


class _Answering:
    """What `http.client` needs of a socket in order to read an answer."""

    def __init__(self, stream: _Deadline) -> None:
        self._stream = stream

    def makefile(self, *_args: Any, **_kwargs: Any) -> io.BufferedReader:
        return io.BufferedReader(self._stream)


def post(target: str, host: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Send a body; never raises for what the other side or the network does. `host` is what the Host header says."""
    started = time.monotonic()
    try:
        status, error = _post(target, {"Host": host, **headers}, body, started + TOTAL_S), None
    except Unreachable as refused:
        status, error = None, str(refused)
    except TimeoutError:
        status, error = None, "timed out"
    except (OSError, http.client.HTTPException, ValueError) as trouble:
        status, error = None, f"{type(trouble).__name__}: {trouble}"
    return Outcome(status, error, round(time.monotonic() - started, 3))


def _post(target: str, headers: Mapping[str, str], body: bytes, ends: float) -> int:
    parts = urlsplit(target)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    sock = _connect(host, port, secure=parts.scheme == "https")
    with sock:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
        sock.settimeout(max(0.001, ends - time.monotonic()))
        sock.sendall("\r\n".join(lines).encode("utf-8") + body)
        answer = http.client.HTTPResponse(_Answering(_Deadline(sock, ends)), method="POST")  # type: ignore[arg-type]
        answer.begin()
        answer.read(MOST_ANSWER_BYTES)
        return answer.status


def _connect(host: str, port: int, *, secure: bool) -> socket.socket:
    """Connect within a second; certificates of this machine are not checked, as they cannot be public ones."""
    family, kind, protocol, _, place = _local_address(host, port)
    sock = socket.socket(family, kind, protocol)
    try:
        sock.settimeout(CONNECT_S)
        sock.connect(place)
        if secure:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context.wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _local_address(host: str, port: int) -> Any:
    """Return the first address of a host that is this machine's or a private network's."""
    for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        number = ip_address(found[4][0])
        if number.is_loopback or number.is_private:
            return found
    raise Unreachable(f"{host} is not on this machine")
