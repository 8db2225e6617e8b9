"""The fake's own HTTP server: connections that stay open, bodies of every framing, and bytes that are no HTTP."""

from __future__ import annotations

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from tests.fake.conftest import TOKEN, EmptyStore

BODY = json.dumps({"query": "query Ping { shop { name } }"}).encode()
HEAD = f"POST /admin/api/2026-10/graphql.json HTTP/1.1\r\nHost: x\r\nX-Shopify-Access-Token: {TOKEN}\r\n"


class Wire:
    """A bare connection to the fake."""

    def __init__(self, store: EmptyStore) -> None:
        parts = urlsplit(store.base_url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def close(self) -> None:
        self.reader.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read one answer; status 0 when the fake has closed."""
        line = self.reader.readline()
        if not line:
            return 0, {}, b""
        headers = {}
        while (row := self.reader.readline().strip()) != b"":
            name, _, value = row.decode().partition(": ")
            headers[name.lower()] = value
        return int(line.split()[1]), headers, self.reader.read(int(headers.get("content-length", "0")))


@pytest.fixture
def wire(empty_store: EmptyStore) -> Wire:
    return Wire(empty_store)


@pytest.fixture(autouse=True)
def close_wires(monkeypatch: pytest.MonkeyPatch) -> object:
    """Close what a test has opened."""
    made: list[Wire] = []
    begin = Wire.__init__

    def keep(self: Wire, store: EmptyStore) -> None:
        begin(self, store)
        made.append(self)

    monkeypatch.setattr(Wire, "__init__", keep)
    yield
    for one in made:
        one.close()


def framed(body: bytes = BODY, head: str = HEAD) -> bytes:
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def chunked(*parts: bytes) -> bytes:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return HEAD.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def is_shop(answer: tuple[int, dict[str, str], bytes]) -> bool:
    return answer[0] == 200 and json.loads(answer[2])["data"]["shop"]["name"] == "empty-shop"


def test_connection_stays_open(wire: Wire) -> None:
    for _ in range(3):
        wire.send(framed())
        assert is_shop(wire.answer())


def test_requests_that_come_at_once_are_answered_in_turn(wire: Wire) -> None:
    wire.send(framed() * 3)

    assert [is_shop(wire.answer()) for _ in range(3)] == [True] * 3


def test_client_that_asks_for_it_is_closed_on(wire: Wire) -> None:
    wire.send(framed(head=HEAD + "Connection: close\r\n"))

    assert is_shop(wire.answer())
    assert wire.answer()[0] == 0


@pytest.mark.parametrize(
    "parts",
    [[BODY], [BODY[:1], BODY[1:10], BODY[10:]], [bytes([byte]) for byte in BODY]],
    ids=["one chunk", "three", "one per byte"],
)
def test_body_in_chunks_is_read_whole(wire: Wire, parts: list[bytes]) -> None:
    wire.send(chunked(*parts) + framed())

    assert is_shop(wire.answer())
    assert is_shop(wire.answer()), "the next request begins where it should"


def test_chunks_may_have_extensions_and_trailers(wire: Wire) -> None:
    head = HEAD.encode() + b"Transfer-Encoding: chunked\r\n\r\n"
    wire.send(head + b"%X;a=b\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(BODY), BODY) + framed())

    assert is_shop(wire.answer())
    assert is_shop(wire.answer())


def test_body_that_comes_in_pieces_is_waited_for(wire: Wire) -> None:
    data = framed()
    for at in range(0, len(data), 40):
        wire.send(data[at : at + 40])

    assert is_shop(wire.answer())


def test_client_that_asks_first_is_told_to_go_on(wire: Wire) -> None:
    wire.send((HEAD + f"Expect: 100-continue\r\nContent-Length: {len(BODY)}\r\n\r\n").encode())
    assert wire.answer()[0] == 100

    wire.send(BODY)

    assert is_shop(wire.answer())


def test_body_that_nobody_reads_does_not_spoil_the_next_request(wire: Wire) -> None:
    head = "POST /nothing HTTP/1.1\r\nHost: x\r\n"
    wire.send(framed(b"x" * 100_000, head) + framed())

    assert wire.answer()[0] == 404
    assert is_shop(wire.answer())


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: -1",
        "Content-Length: abc",
        "Content-Length: 1_0",
        "Content-Length: ²",
        "Content-Length: 99999999999999",
        "Transfer-Encoding: chunked\r\n\r\nxyz",
        "Transfer-Encoding: chunked\r\n\r\n-5",
        "Transfer-Encoding: chunked\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nfffffffffff",
    ],
)
def test_framing_that_cannot_be_read_is_refused_and_the_connection_ends(wire: Wire, framing: str) -> None:
    wire.send(f"{HEAD}{framing}\r\n\r\n".encode("latin-1"))

    assert wire.answer()[0] == 400
    assert wire.answer()[0] == 0


@pytest.mark.parametrize(
    "data",
    [b"\x00\x01\x02\r\n\r\n", b"SSH-2.0-x\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"G" * 70_000 + b"\r\n\r\n"],
    ids=["binary", "another protocol", "method alone", "unknown version", "endless line"],
)
def test_bytes_that_are_no_http_are_refused_and_the_next_client_is_served(empty_store: EmptyStore, wire: Wire, data: bytes) -> None:
    wire.send(data)

    assert b"200" not in wire.reader.read(), "it is refused and the connection ends"
    assert empty_store.data("{ shop { name } }")


@pytest.mark.parametrize("cut", [10, 80, len(HEAD) + 10, len(framed()) - 5], ids=["line", "headers", "headers' end", "body"])
def test_client_that_goes_away_midway_harms_nobody(empty_store: EmptyStore, cut: int) -> None:
    for _ in range(5):
        wire = Wire(empty_store)
        wire.send(framed()[:cut])
        wire.close()

    assert empty_store.data("{ shop { name } }")


def test_client_that_does_not_read_harms_nobody(empty_store: EmptyStore) -> None:
    requests.post(
        f"{empty_store.base_url}/__fake/faults", json={"kind": "bomb", "size_bytes": 2**30}, timeout=10
    ).raise_for_status()
    deaf = Wire(empty_store)
    deaf.send(framed())

    assert empty_store.data("{ shop { name } }")


def test_head_has_no_body(wire: Wire) -> None:
    wire.send(b"HEAD /__fake/help HTTP/1.1\r\nHost: x\r\n\r\n" + framed())

    line = wire.reader.readline()
    while wire.reader.readline().strip():
        pass

    assert line.startswith(b"HTTP/1.1 200 ")
    assert is_shop(wire.answer())


def test_path_may_be_encoded(wire: Wire) -> None:
    wire.send(framed(head=HEAD.replace("/admin/", "/%61dmin/")))

    assert is_shop(wire.answer())


def test_many_clients_are_served_at_once(empty_store: EmptyStore) -> None:
    together = threading.Barrier(24, timeout=10)

    def ask(_: int) -> bool:
        wire = Wire(empty_store)
        together.wait()
        wire.send(framed())
        return is_shop(wire.answer())

    with ThreadPoolExecutor(24) as pool:
        assert list(pool.map(ask, range(24))) == [True] * 24


def test_answers_are_dated_and_sized(wire: Wire) -> None:
    wire.send(framed())

    _, headers, body = wire.answer()

    assert headers["date"].endswith("GMT")
    assert int(headers["content-length"]) == len(body)
