"""HTTP to Shopify over real sockets: every bound kept, every foreign address refused, nothing secret shown."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import traceback
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from shopify_kit import transport as transport_module
from shopify_kit.errors import ResponseTooLarge, ShopifyError, UpstreamBlocked, UpstreamFailed, UpstreamTimeout
from shopify_kit.identifiers import is_shop_domain
from shopify_kit.secret import Secret
from shopify_kit.transport import AddressBook, Request, RequestsTransport, Response, checked_addresses
from tests.fake_store import FakeStore, run_fake_store
from tests.processes import ChildProcess
from tests.tiny_servers import Peer, TinyServer, full_backlog, make_authority, tiny_server

SHOP = "acme.myshopify.com"
TOKEN = Secret("shpat_canary_0123456789abcdef")
CANARIES = ("shpat_canary", "body_canary", "path_canary")
SOON_S = 0.4
SLACK_S = 1.5


@pytest.fixture(scope="module")
def store() -> Iterator[FakeStore]:
    """A fake store of this file's own; each test scripts what goes wrong next."""
    with run_fake_store("--empty") as process:
        yield process


@contextmanager
def client_of(origin: str | None, **options: Any) -> Iterator[RequestsTransport]:
    transport = RequestsTransport(AddressBook(origin), **options)
    try:
        yield transport
    finally:
        transport.close()


def request_to(origin: str, path: str = "/path_canary", **facts: Any) -> Request:
    usual: dict[str, Any] = {
        "timeout_s": 10.0,
        "body": b'{"query": "body_canary"}',
        "headers": {"X-Shopify-Access-Token": TOKEN},
    }
    return Request("POST", origin + path, **usual | facts)


def send_to(server: TinyServer, **facts: Any) -> Response:
    with client_of(server.origin) as transport:
        return transport.send(request_to(server.origin, **facts))


def answers(body: bytes = b"{}", **options: str) -> Callable[[Peer], None]:
    """Serve every request of a connection with the same answer."""

    def serve(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(body, **options)

    return serve


def test_answer_comes_whole_with_lower_case_headers() -> None:
    with tiny_server(answers(b'{"ok": 1}', status="418 I'm a teapot", headers="X-Request-Id: abc\r\n")) as server:
        answer = send_to(server)

    assert (answer.status, answer.body, answer.headers["x-request-id"]) == (418, b'{"ok": 1}', "abc")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /path_canary HTTP/1.1\r\n")
    assert b"X-Shopify-Access-Token: shpat_canary_0123456789abcdef" in head
    assert body == b'{"query": "body_canary"}'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("2.0", 2.0, id="as Shopify writes it"),
        pytest.param("3", 3.0, id="whole"),
        pytest.param("0.25", 0.25, id="fraction"),
        pytest.param("-1", 0.0, id="negative"),
        pytest.param("86400", 300.0, id="a day is cut"),
        pytest.param("inf", 7.0, id="infinite"),
        pytest.param("nan", 7.0, id="not a number"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", 7.0, id="date"),
    ],
)
def test_retry_after_is_read_in_seconds(header: str, expected: float) -> None:
    assert Response(429, {"retry-after": header}, b"").retry_after_s(7.0) == expected


def test_retry_after_that_is_absent_is_the_default() -> None:
    assert Response(429, {}, b"").retry_after_s(7.0) == 7.0


# Time


def headers_that_drip(peer: Peer) -> None:
    peer.read_request()
    peer.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"X-Filler: x\r\n" * 1000)


def body_that_drips(peer: Peer) -> None:
    peer.read_request()
    peer.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    peer.drip(b" " * 100000)


def chunks_that_drip(peer: Peer) -> None:
    peer.read_request()
    peer.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    peer.drip(b"1\r\nx\r\n" * 10000)


def body_that_ends_with_the_connection_and_drips(peer: Peer) -> None:
    peer.read_request()
    peer.sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    peer.drip(b" " * 100000)


def endless_interim_answers(peer: Peer) -> None:
    peer.read_request()
    while not peer.stop.wait(0.01):
        peer.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def silence(peer: Peer) -> None:
    peer.read_request()
    peer.stop.wait(10)


def deafness(peer: Peer) -> None:
    peer.stop.wait(10)


@pytest.mark.parametrize(
    "serve",
    [
        headers_that_drip,
        body_that_drips,
        chunks_that_drip,
        body_that_ends_with_the_connection_and_drips,
        endless_interim_answers,
        silence,
    ],
    ids=lambda serve: serve.__name__,
)
def test_total_deadline_is_kept(serve: Callable[[Peer], None]) -> None:
    with tiny_server(serve) as server:
        error, seconds = failure_of(lambda: send_to(server, timeout_s=SOON_S))

    assert isinstance(error, UpstreamTimeout)
    assert SOON_S * 0.9 < seconds < SOON_S + SLACK_S
    assert (error.http_status, error.retryable) == (504, True)


def test_deadline_is_kept_while_a_body_is_sent_to_someone_who_does_not_read() -> None:
    with tiny_server(deafness) as server:
        error, seconds = failure_of(lambda: send_to(server, timeout_s=SOON_S, body=b"x" * (32 * 2**20)))

    assert isinstance(error, UpstreamTimeout)
    assert seconds < SOON_S + SLACK_S


def test_deadline_counts_anew_for_each_exchange_on_one_connection() -> None:
    def serve(peer: Peer) -> None:
        while peer.read_request():
            peer.stop.wait(0.25)
            peer.answer()

    with tiny_server(serve) as server, client_of(server.origin) as transport:
        for _ in range(3):
            assert transport.send(request_to(server.origin, timeout_s=0.6)).status == 200

    assert server.connections == 1


@pytest.mark.parametrize("delay_s", [0.05], ids=["50 ms per piece"])
def test_deadline_is_kept_under_the_fakes_own_drip(store: FakeStore, delay_s: float) -> None:
    script_fault(store, kind="drip", delay_s=delay_s)

    error, seconds = failure_of(lambda: ask_shop(store, timeout_s=SOON_S))

    assert isinstance(error, UpstreamTimeout)
    assert seconds < SOON_S + SLACK_S


def test_time_for_connecting_is_five_seconds_whatever_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    assert transport_module.CONNECT_TIMEOUT_S == 5.0
    monkeypatch.setattr(transport_module, "CONNECT_TIMEOUT_S", SOON_S)

    with full_backlog() as port:
        origin = f"http://127.0.0.1:{port}"
        with client_of(origin) as transport:
            error, seconds = failure_of(lambda: transport.send(request_to(origin, timeout_s=30.0)))

    assert isinstance(error, UpstreamTimeout)
    assert SOON_S * 0.9 < seconds < SOON_S + SLACK_S


def test_deadline_is_kept_while_connecting() -> None:
    with full_backlog() as port:
        origin = f"http://127.0.0.1:{port}"
        with client_of(origin) as transport:
            error, seconds = failure_of(lambda: transport.send(request_to(origin, timeout_s=SOON_S)))

    assert isinstance(error, UpstreamTimeout)
    assert seconds < SOON_S + SLACK_S


def test_address_that_hears_nothing_leaves_time_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with full_backlog() as dead, tiny_server(answers()) as server:
        resolve_to(monkeypatch, ("127.0.0.1", dead), ("127.0.0.1", server.port))
        monkeypatch.setattr(transport_module, "CONNECT_TIMEOUT_S", 1.0)
        origin = f"http://localhost:{server.port}"
        with client_of(origin) as transport:
            assert transport.send(request_to(origin)).status == 200


def test_deadline_is_kept_while_a_resolver_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: over.wait(10) and [])
    with client_of(None) as transport:
        error, seconds = failure_of(lambda: transport.send(request_to(f"https://{SHOP}", timeout_s=SOON_S)))
    over.set()

    assert isinstance(error, UpstreamTimeout)
    assert seconds < SOON_S + SLACK_S


# Size


def peak_bytes_of(work: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLarge, match="larger than 1048576 bytes"):
            work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        pytest.param("gzip", gzip.compress, id="gzip"),
        pytest.param("deflate", zlib.compress, id="deflate"),
        pytest.param("gzip, gzip", lambda data: gzip.compress(gzip.compress(data)), id="twice"),
    ],
)
def test_bomb_is_stopped_at_the_cap_without_unfolding_it(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(b" " * (100 * 2**20))

    with tiny_server(answers(packed, headers=f"Content-Encoding: {encoding}\r\n")) as server:
        peak_bytes = peak_bytes_of(lambda: send_to(server, max_response_bytes=2**20))

    assert len(packed) < 2**20
    assert peak_bytes < 24 * 2**20


def test_bomb_of_the_fake_is_stopped_at_the_cap(store: FakeStore) -> None:
    script_fault(store, kind="bomb", size_bytes=200 * 2**20)

    assert peak_bytes_of(lambda: ask_shop(store, max_response_bytes=2**20)) < 24 * 2**20


def test_cap_is_50_mib_unless_the_caller_says_otherwise() -> None:
    assert Request("GET", "https://acme.myshopify.com").max_response_bytes == 50 * 2**20


@pytest.mark.parametrize("framing", ["Content-Length: 1001\r\n", "Connection: close\r\n"], ids=["told", "untold"])
def test_body_beyond_the_cap_is_refused_and_one_of_exactly_the_cap_taken(framing: str) -> None:
    def serve(peer: Peer) -> None:
        while peer.read_request():
            peer.sock.sendall(f"HTTP/1.1 200 OK\r\n{framing}\r\n".encode() + b"x" * 1001)
            if "close" in framing:
                return

    with tiny_server(serve) as server:
        assert len(send_to(server, max_response_bytes=1001).body) == 1001
        with pytest.raises(ResponseTooLarge):
            send_to(server, max_response_bytes=1000)


# A connection that breaks


def nothing_at_all(peer: Peer) -> None:
    peer.read_request()


def reset_before_the_answer(peer: Peer) -> None:
    peer.read_request()
    peer.reset()


def reset_amid_the_body(peer: Peer) -> None:
    peer.read_request()
    peer.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    peer.reset()


def body_cut_short(peer: Peer) -> None:
    peer.read_request()
    peer.sock.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"body_canary')


def chunks_cut_short(peer: Peer) -> None:
    peer.read_request()
    peer.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")


def chunks_of_no_size(peer: Peer) -> None:
    peer.read_request()
    peer.sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nbody_canary\r\n")


def another_protocol(peer: Peer) -> None:
    peer.sock.sendall(b"SSH-2.0-OpenSSH_9.9 body_canary\r\n")
    peer.stop.wait(0.5)


def endless_header_line(peer: Peer) -> None:
    peer.read_request()
    peer.sock.sendall(b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 200_000)


def too_many_headers(peer: Peer) -> None:
    peer.read_request()
    peer.sock.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: body_canary\r\n" * 500)


def gzip_that_is_none(peer: Peer) -> None:
    peer.read_request()
    peer.answer(b"body_canary", headers="Content-Encoding: gzip\r\n")


@pytest.mark.parametrize(
    "serve",
    [
        nothing_at_all,
        reset_before_the_answer,
        reset_amid_the_body,
        body_cut_short,
        chunks_cut_short,
        chunks_of_no_size,
        another_protocol,
        endless_header_line,
        too_many_headers,
        gzip_that_is_none,
    ],
    ids=lambda serve: serve.__name__,
)
def test_answer_that_does_not_come_whole_is_a_retryable_failure(serve: Callable[[Peer], None]) -> None:
    with tiny_server(serve) as server:
        error, seconds = failure_of(lambda: send_to(server))

    assert isinstance(error, UpstreamFailed)
    assert (error.http_status, error.retryable) == (502, True)
    assert seconds < SLACK_S
    assert server.connections == 1, "the transport itself never tries again"


def test_port_that_nobody_listens_on_is_a_retryable_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        origin = f"http://127.0.0.1:{closed.getsockname()[1]}"

    with client_of(origin) as transport, pytest.raises(UpstreamFailed):
        transport.send(request_to(origin))


def test_unknown_name_is_a_failure_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with client_of(None) as transport, pytest.raises(UpstreamFailed, match="could not be looked up"):
        transport.send(request_to(f"https://{SHOP}"))


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_trouble_scripted_in_the_fake_is_a_retryable_failure(store: FakeStore, kind: str) -> None:
    script_fault(store, kind=kind)

    with pytest.raises(UpstreamFailed):
        ask_shop(store)

    assert ask_shop(store).status == 200


# Connections that are kept


def test_exchanges_share_a_connection() -> None:
    with tiny_server(answers()) as server, client_of(server.origin) as transport:
        for _ in range(5):
            transport.send(request_to(server.origin))

    assert (server.connections, len(server.requests)) == (1, 5)


def test_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    closed = threading.Event()

    def serve(peer: Peer) -> None:
        peer.read_request()
        peer.answer()
        peer.sock.shutdown(socket.SHUT_RDWR)
        closed.set()

    with tiny_server(serve) as server, client_of(server.origin) as transport:
        for _ in range(4):
            closed.clear()
            assert transport.send(request_to(server.origin)).status == 200
            assert closed.wait(5)

    assert (server.connections, len(server.requests)) == (4, 4)


def test_connection_of_a_failed_exchange_is_not_used_again() -> None:
    """Else the rest of the first answer would be taken for the second one."""

    def serve(peer: Peer) -> None:
        while peer.read_request():
            peer.answer(b"x" * 2**20 if peer.number == 1 else b"{}")

    with tiny_server(serve) as server, client_of(server.origin) as transport:
        with pytest.raises(ResponseTooLarge):
            transport.send(request_to(server.origin, max_response_bytes=100))
        assert transport.send(request_to(server.origin)).body == b"{}"

    assert server.connections == 2


def test_threads_that_send_at_once_get_their_own_answers() -> None:
    def serve(peer: Peer) -> None:
        while request := peer.read_request():
            peer.answer(request.split(b" ", 2)[1])

    with tiny_server(serve) as server, client_of(server.origin) as transport, ThreadPoolExecutor(16) as pool:
        paths = [f"/{number}" for number in range(200)]
        bodies = list(pool.map(lambda path: transport.send(request_to(server.origin, path)).body.decode(), paths))

    assert bodies == paths
    assert server.connections <= 16


def test_transport_that_was_closed_works_again() -> None:
    with tiny_server(answers()) as server, client_of(server.origin) as transport:
        transport.close()
        transport.send(request_to(server.origin))
        transport.close()
        transport.close()
        transport.send(request_to(server.origin))

    assert server.connections == 2


FORKS = """
import os, sys
from shopify_kit.transport import AddressBook, Request, RequestsTransport

origin = sys.argv[1]
transport = RequestsTransport(AddressBook(origin))

def send(path):
    return transport.send(Request("GET", origin + path, timeout_s=10)).body.decode()

assert send("/before") == "/before"
children = []
for number in range(4):
    pid = os.fork()
    if pid == 0:
        good = all(send(f"/child-{number}-{i}") == f"/child-{number}-{i}" for i in range(50))
        os._exit(0 if good else 1)
    children.append(pid)
assert all(send(f"/parent-{i}") == f"/parent-{i}" for i in range(50))
assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
assert send("/after") == "/after"
print("good", flush=True)
"""


def test_forked_processes_do_not_share_connections() -> None:
    def serve(peer: Peer) -> None:
        while request := peer.read_request():
            peer.answer(request.split(b" ", 2)[1])

    with tiny_server(serve) as server, ChildProcess(["-c", FORKS, server.origin]) as process:
        process.wait_for_line(lambda line: line == "good\n")

    assert (server.connections, len(server.requests)) == (5, 252)


# What is never sent along


def test_cookies_are_never_sent_back() -> None:
    cookie = "Set-Cookie: session=body_canary; Path=/\r\nSet-Cookie: other=1; Domain=127.0.0.1\r\n"
    with tiny_server(answers(headers=cookie)) as server, client_of(server.origin) as transport:
        for host in (SHOP, SHOP, "other.myshopify.com"):
            transport.send(request_to(server.origin, headers={"Host": host}))

    assert len(server.requests) == 3
    assert not any(b"\r\ncookie:" in request.lower() for request in server.requests)


def test_proxies_and_netrc_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password body_canary\n")
    netrc.chmod(0o600)
    with tiny_server(silence) as proxy, tiny_server(answers()) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
        monkeypatch.setenv("NETRC", str(netrc))
        assert send_to(server).status == 200

    assert proxy.connections == 0
    assert b"authorization" not in server.requests[0].lower()


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_redirect_is_refused_and_never_followed(status: int) -> None:
    with tiny_server(answers()) as trap:
        location = f"Location: {trap.origin}/body_canary\r\n"
        with tiny_server(answers(b"", status=f"{status} Moved", headers=location)) as server:
            error, _ = failure_of(lambda: send_to(server))

    assert isinstance(error, UpstreamBlocked)
    assert (error.http_status, error.retryable) == (502, False)
    assert (trap.connections, len(server.requests)) == (0, 1)


def test_redirect_of_the_fake_is_not_followed(store: FakeStore) -> None:
    script_fault(store, kind="redirect", location=f"{store.base_url}/__fake/reset")

    with pytest.raises(UpstreamBlocked):
        ask_shop(store)


@pytest.mark.parametrize(
    "value",
    ["shpat_canary\r\nX-Injected: 1", "shpat_canary\n", "shpat_canary€", " shpat_canary", "shpat_canary\x00"],
    ids=["crlf", "newline", "not latin-1", "blank before", "nul"],
)
def test_header_that_http_cannot_carry_is_not_sent_and_not_shown(value: str) -> None:
    with tiny_server(answers()) as server:
        try:
            send_to(server, headers={"X-Shopify-Access-Token": Secret(value)})
        except ShopifyError as error:
            assert_shows_nothing(error)

    assert not any(b"\r\nX-Injected" in request for request in server.requests)


# Whom we talk to

ALLOWED = [
    "https://acme.myshopify.com",
    "https://acme.myshopify.com/",
    "https://acme.myshopify.com:443/admin/api/2026-10/graphql.json",
    "https://a.myshopify.com?x=1",
]
STORAGE = [
    "https://storage.googleapis.com/bucket/key?X-Goog-Signature=abc%2B&x=[1]",
    "https://bulk-results.storage.googleapis.com/key",
]
REFUSED = {
    "plain http": "http://acme.myshopify.com/",
    "other host": "https://evil.com/",
    "suffix of another host": "https://acme.myshopify.com.evil.com/",
    "prefix of the host": "https://evilmyshopify.com/",
    "storage look-alike": "https://storage.googleapis.com.evil.com/",
    "storage look-alike before": "https://evilstorage.googleapis.com/",
    "other google host": "https://www.googleapis.com/",
    "user": "https://user@acme.myshopify.com/",
    "user and password": "https://acme.myshopify.com:pw@evil.com/",
    "host as user": "https://acme.myshopify.com@evil.com/",
    "empty user": "https://@acme.myshopify.com/",
    "other port": "https://acme.myshopify.com:8443/",
    "port 80": "https://acme.myshopify.com:80/",
    "no port number": "https://acme.myshopify.com:/",
    "port out of range": "https://acme.myshopify.com:99999/",
    "port of letters": "https://acme.myshopify.com:abc/",
    "backslash": "https://evil.com\\.myshopify.com/",
    "backslash before storage": "https://evil.com\\.storage.googleapis.com/",
    "backslash at": "https://acme.myshopify.com\\@evil.com/",
    "hash before at": "https://evil.com#@acme.myshopify.com/",
    "question before at": "https://evil.com?@acme.myshopify.com/",
    "encoded slash": "https://evil.com%2f.myshopify.com/",
    "tab in the host": "https://ac\tme.myshopify.com/",
    "newline in the path": "https://acme.myshopify.com/\r\nHost: evil.com",
    "blank in the path": "https://acme.myshopify.com/ HTTP/1.1",
    "leading blank": " https://acme.myshopify.com/",
    "ipv4": "https://127.0.0.1/",
    "ipv4 as a number": "https://2130706433/",
    "ipv4 in hex": "https://0x7f000001/",
    "metadata service": "https://169.254.169.254/latest/meta-data/",
    "ipv6": "https://[::1]/",
    "ipv6 with zone": "https://[fe80::1%25eth0]/",
    "broken ipv6": "https://[::1",
    "localhost": "https://localhost/",
    "trailing dot": "https://acme.myshopify.com./",
    "two dots": "https://acme..myshopify.com/",
    "sub-domain of a shop": "https://x.acme.myshopify.com/",
    "underscore": "https://ac_me.myshopify.com/",
    "punycode": "https://xn--acme-0xa.myshopify.com/",
    "unicode": "https://ácme.myshopify.com/",
    "full-width dot": "https://acme。myshopify.com/",
    "long name": f"https://{'a' * 61}.myshopify.com/",
    "no host": "https:///admin",
    "no scheme": "acme.myshopify.com/admin",
    "relative": "/admin/api",
    "file": "file://localhost/etc/passwd",
    "gopher": "gopher://acme.myshopify.com/",
    "javascript": "javascript://acme.myshopify.com/%0aalert(1)",
    "data": "data:text/html,x",
    "unix socket": "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "empty": "",
}


@pytest.mark.parametrize("url", [*ALLOWED, *STORAGE])
def test_shops_and_storage_are_in_the_address_book(url: str) -> None:
    AddressBook().check(url)


@pytest.mark.parametrize("url", STORAGE)
def test_storage_never_gets_to_see_a_token(url: str) -> None:
    with client_of(None) as transport, pytest.raises(UpstreamBlocked):
        transport.send(Request("GET", url, {"X-Shopify-Access-Token": TOKEN}))


@pytest.mark.parametrize("url", ALLOWED)
def test_shops_get_to_see_a_token(url: str) -> None:
    AddressBook().check(url, carries_secret=True)


@pytest.mark.parametrize("url", [pytest.param(url, id=name) for name, url in REFUSED.items()])
@pytest.mark.parametrize("origin", [None, "http://127.0.0.1:4000"], ids=["production", "development"])
def test_any_other_address_is_refused_without_a_connection(url: str, origin: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("it looked a name up"))

    with client_of(origin) as transport, pytest.raises(UpstreamBlocked) as caught:
        transport.send(Request("GET", url, {"X-Shopify-Access-Token": TOKEN}))

    assert caught.value.code == "upstream_blocked"
    assert "evil" not in caught.value.message


@given(st.text(alphabet=st.sampled_from("htps:/\\@.#?[]%:acme.myshopify.com storage.googleapis.com\t\r\n0129-_é"), max_size=60))
def test_whatever_is_let_through_names_the_same_host_to_the_library_that_connects(tail: str) -> None:
    url = "https://" + tail
    try:
        AddressBook().check(url)
    except UpstreamBlocked:
        return

    host = parse_url(url).host or ""
    assert is_shop_domain(host) or host == "storage.googleapis.com" or host.endswith(".storage.googleapis.com")
    assert parse_url(url).port in (None, 443)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:40000/",
        "http://127.0.0.1:4000@evil.com/",
        "http://127.0.0.1:4000.evil.com/",
        "http://127.0.0.1:4000\\@evil.com/",
        "http://127.0.0.1/",
        "https://127.0.0.1:4000/",
        "http://localhost:4000/",
    ],
)
def test_stand_in_is_that_origin_and_nothing_that_begins_like_it(url: str) -> None:
    with pytest.raises(UpstreamBlocked):
        AddressBook("http://127.0.0.1:4000").check(url)


@pytest.mark.parametrize("path", ["", "/", "/admin?x=1", "?shop=acme.myshopify.com"])
def test_stand_in_may_be_talked_to_with_the_shop_in_the_host_header(path: str) -> None:
    book = AddressBook("http://127.0.0.1:4000/")

    book.check("http://127.0.0.1:4000" + path, carries_secret=True)

    assert book.shop_url(SHOP, "/admin") == ("http://127.0.0.1:4000/admin", {"Host": SHOP})
    assert AddressBook().shop_url(SHOP, "/admin") == (f"https://{SHOP}/admin", {})


# Names that lead elsewhere


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> list[str]:
    """Stub the resolver, for names without a server of their own; returns the list of names that were looked up."""
    asked: list[str] = []

    def resolve(host: str, *_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip, port in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fc00::1",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:db8::1",
    ],
)
def test_shop_whose_name_leads_into_a_private_network_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolve_to(monkeypatch, ("23.227.38.74", 443), (address, 443))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("it connected"))

    with client_of(None) as transport, pytest.raises(UpstreamBlocked, match="private network"):
        transport.send(request_to(f"https://{SHOP}"))


@pytest.mark.parametrize("address", ["23.227.38.74", "2620:127:f00f:5::", "64:ff9b::17e3:264a", "2002:17e3:264a::1"])
def test_public_addresses_are_connected_to_as_they_were_checked(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolve_to(monkeypatch, (address, 443))

    found = checked_addresses(SHOP, 443, loopback_ok=False, timeout_s=1.0)

    assert [entry[4] for entry in found] == [(address, 443)]


def test_name_is_looked_up_once_per_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second look-up could lead elsewhere than the one that was checked."""
    with tiny_server(answers()) as server:
        asked = resolve_to(monkeypatch, ("127.0.0.1", server.port))
        origin = f"http://localhost:{server.port}"
        with client_of(origin) as transport:
            for _ in range(3):
                transport.send(request_to(origin))

    assert asked == ["localhost"]


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254"])
def test_stand_in_may_be_on_this_machine_and_nowhere_else(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolve_to(monkeypatch, (address, 4000))
    origin = "http://localhost:4000"

    with client_of(origin) as transport, pytest.raises(UpstreamBlocked):
        transport.send(request_to(origin))


def test_stand_in_may_be_reached_over_ipv6() -> None:
    with tiny_server(answers(b"six"), family=socket.AF_INET6) as server:
        origin = f"http://[::1]:{server.port}"
        with client_of(origin) as transport:
            assert transport.send(request_to(origin)).body == b"six"


# TLS


def test_certificate_of_a_trusted_authority_is_accepted(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    with tiny_server(answers(b"secret"), tls=authority.server_context("localhost")) as server:
        origin = f"https://localhost:{server.port}"
        with client_of(origin, ca_file=authority.file) as transport:
            assert transport.send(request_to(origin, headers={"Host": SHOP})).body == b"secret"


@pytest.mark.parametrize("flaw", ["unknown authority", "another name", "another address", "expired", "certifi's own authorities"])
def test_certificate_that_proves_nothing_is_refused_before_anything_is_sent(tmp_path: Path, flaw: str) -> None:
    ours, others = make_authority(tmp_path), make_authority(tmp_path)
    signer = others if flaw == "unknown authority" else ours
    names = {"another name": ("evil.com",), "another address": ("192.0.2.1",)}.get(flaw, ("localhost",))
    tls = signer.server_context(*names, days=-1 if flaw == "expired" else 1)
    ca_file = None if flaw.startswith("certifi") else ours.file

    with tiny_server(answers(), tls=tls) as server:
        origin = f"https://localhost:{server.port}"
        with client_of(origin, ca_file=ca_file) as transport:
            error, _ = failure_of(lambda: transport.send(request_to(origin)))

    assert isinstance(error, UpstreamFailed)
    assert server.requests == []


def test_server_that_never_finishes_the_handshake_takes_the_time_for_connecting_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport_module, "CONNECT_TIMEOUT_S", SOON_S)
    with tiny_server(deafness) as server:
        origin = f"https://localhost:{server.port}"
        with client_of(origin) as transport:
            error, seconds = failure_of(lambda: transport.send(request_to(origin, timeout_s=30.0)))

    assert isinstance(error, UpstreamTimeout)
    assert seconds < SOON_S + SLACK_S


def test_deadline_is_kept_over_tls(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    with tiny_server(body_that_drips, tls=authority.server_context("localhost")) as server:
        origin = f"https://localhost:{server.port}"
        with client_of(origin, ca_file=authority.file) as transport:
            error, seconds = failure_of(lambda: transport.send(request_to(origin, timeout_s=SOON_S)))

    assert isinstance(error, UpstreamTimeout)
    assert seconds < SOON_S + SLACK_S


# What a failure shows


@pytest.mark.parametrize(
    "serve",
    [
        silence,
        reset_before_the_answer,
        body_cut_short,
        gzip_that_is_none,
        chunks_of_no_size,
        another_protocol,
        answers(b"x" * 2000),
    ],
    ids=["timeout", "reset", "truncated", "bad encoding", "bad chunk", "no http", "too large"],
)
def test_failure_shows_neither_token_nor_body_nor_path(serve: Callable[[Peer], None]) -> None:
    with tiny_server(serve) as server:
        error, _ = failure_of(lambda: send_to(server, timeout_s=SOON_S, max_response_bytes=1000))

    assert_shows_nothing(error)


def test_refused_connection_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error comes from below the library, through frames that hold every header."""
    resolve_to(monkeypatch, ("10.0.0.1", 443))

    with client_of(None) as transport:
        error, _ = failure_of(lambda: transport.send(request_to(f"https://{SHOP}")))

    assert_shows_nothing(error)


def test_request_and_response_show_nothing() -> None:
    assert "canary" not in repr(Request("POST", "https://acme.myshopify.com", {"X": TOKEN}, b"body_canary"))
    assert "canary" not in repr(Response(200, {}, b"body_canary"))


def assert_shows_nothing(error: BaseException) -> None:
    """Look at an error as a reporter does that writes down the variables of every frame; this file's own frames do not count."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    report.stack[:] = [frame for frame in report.stack if frame.filename != __file__]
    shown = "".join(report.format()) + repr(vars(error))
    assert not [canary for canary in CANARIES[:2] if canary in shown]
    assert "path_canary" not in str(error)
    assert error.__context__ is None, "the error of the library, with its frames, hangs on ours"


def failure_of(work: Callable[[], Any]) -> tuple[BaseException, float]:
    """Return the error that the work ends with, and how many seconds that took."""
    begun = time.monotonic()
    try:
        found = work()
    except ShopifyError as error:
        return error, time.monotonic() - begun
    pytest.fail(f"it did not fail: {found!r}")


def script_fault(store: FakeStore, **fault: Any) -> None:
    requests.post(f"{store.base_url}/__fake/faults", json=fault, timeout=10).raise_for_status()


def ask_shop(store: FakeStore, **facts: Any) -> Response:
    """Ask the fake for its shop's name."""
    headers = {"X-Shopify-Access-Token": Secret(store.shop.access_token), **facts.pop("headers", {})}
    body = json.dumps({"query": "{ shop { name } }"}).encode()
    with client_of(store.base_url) as transport:
        path = "/admin/api/2026-10/graphql.json"
        return transport.send(request_to(store.base_url, path, body=body, headers=headers, **facts))
