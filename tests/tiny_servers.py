"""Servers of a few lines for what a well-behaved HTTP server does not do: each connection is a function of the socket."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Serve = Callable[["Peer"], None]


@dataclass(slots=True)
class Peer:
    """One accepted connection.

    Args:
        number: 1 for the first connection of the server.
        stop: set when the test is over; whoever waits, waits on it.
    """

    sock: socket.socket
    number: int
    stop: threading.Event
    requests: list[bytes]

    def read_request(self) -> bytes:
        """Read one request with its body; empty when the client has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.sock.recv(65536)
            if not part:
                return b""
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        while len(body) < length:
            body += self.sock.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def answer(self, body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> None:
        """Send a whole answer on a connection that stays open."""
        self.sock.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)

    def drip(self, data: bytes, *, pause_s: float = 0.02) -> None:
        """Send bytes one by one for as long as the client listens."""
        for at in range(len(data)):
            if self.stop.wait(pause_s):
                return
            self.sock.sendall(data[at : at + 1])

    def reset(self) -> None:
        """Break the connection: the client sees a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


@dataclass(slots=True)
class TinyServer:
    """A running server: where it is, and the requests it has read, over all connections."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    tls_failures: int = 0

    @property
    def origin(self) -> str:
        """Its address over http."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def tiny_server(
    serve: Serve, *, tls: ssl.SSLContext | None = None, family: socket.AddressFamily = socket.AF_INET
) -> Iterator[TinyServer]:
    """Serve each connection on a thread of its own with `serve`."""
    listener = socket.create_server(("127.0.0.1" if family == socket.AF_INET else "::1", 0), family=family)
    server, stop = TinyServer(listener.getsockname()[1]), threading.Event()
    threads: list[threading.Thread] = []

    def attend(sock: socket.socket, number: int) -> None:
        # A client that has gone away is what many of these tests are about.
        with contextlib.suppress(OSError), sock:
            try:
                secured = tls.wrap_socket(sock, server_side=True) if tls is not None else sock
            except (ssl.SSLError, OSError):
                server.tls_failures += 1
                return
            with secured:
                serve(Peer(secured, number, stop, server.requests))

    def accept() -> None:
        while not stop.is_set():
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            server.connections += 1
            threads.append(threading.Thread(target=attend, args=(sock, server.connections), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        stop.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)
        for thread in threads:
            thread.join(5)


@contextmanager
def full_backlog() -> Iterator[int]:
    """The port of a listener that takes no more connections: a client that tries hears nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as held:
        port = listener.getsockname()[1]
        for _ in range(64):
            probe = held.enter_context(socket.socket())
            probe.settimeout(0.2)
            try:
                probe.connect(("127.0.0.1", port))
            except TimeoutError:
                break
        yield port


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that lives as long as a test."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    directory: Path

    @property
    def file(self) -> Path:
        """The bundle that a client trusts."""
        path = self.directory / "authority.pem"
        path.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def server_context(self, *names: str, days: int = 1) -> ssl.SSLContext:
        """Make a server's side of TLS for names or addresses; with negative `days` its certificate ran out so long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [x509.IPAddress(ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]
        certificate = _certificate(names[0], key, self.certificate.subject, self.key, days=days, alternatives=alternatives)
        chain = self.directory / f"server-{id(key)}.pem"
        chain.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context


def make_authority(directory: Path) -> Authority:
    """Make an authority whose files lie in a directory."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "throw-away authority")])
    return Authority(_certificate("throw-away authority", key, name, key, days=1, is_authority=True), key, directory)


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    days: int,
    is_authority: bool = False,
    alternatives: Sequence[x509.GeneralName] = (),
) -> x509.Certificate:
    today = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    begins, ends = sorted([today - datetime.timedelta(days=2), today + datetime.timedelta(days=days)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    if is_authority:
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
