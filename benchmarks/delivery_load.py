"""Sends deliveries as fast as they are taken: a process of its own that signs, sends, counts what was acknowledged.

One thread and epoll, so that of two cores as much as possible is left to what is measured: per delivery one `sendmsg` and one `recv`.
Every delivery has a webhook id and a body of its own; bodies share long beginnings whose HMAC state is made once.

    started = start_load(Target("127.0.0.1", 8000, "/api/shopify/webhooks", secret, "a.myshopify.com"), connections=32, seconds=3)
    outcome = finish_load(started)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import random
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import msgspec
from msgspec import Struct

HERE = Path(__file__).resolve().parents[1]
BODY_BYTES = 6 * 1024
RESOURCES = 500
SERIAL_DIGITS = 24
TOPIC = "orders/updated"
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
CONNECT_S = 10.0


class Target(Struct, frozen=True):
    """Where deliveries go, and who signs them."""

    host: str
    port: int
    path: str
    secret: str
    shop_domain: str


class Order(Struct, frozen=True):
    """What the process is told, on its standard input."""

    target: Target
    connections: int
    warm_up_s: float
    seconds: float
    seed: int


class Outcome(Struct, frozen=True):
    """What was acknowledged in the window, and what was not."""

    acknowledged: int
    refused: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Acknowledged deliveries per second."""
        return self.acknowledged / self.seconds


def start_load(target: Target, *, connections: int, seconds: float, warm_up_s: float, seed: int) -> subprocess.Popen[bytes]:
    """Start sending; the window is counted `warm_up_s` after the process says `ready`."""
    env = {**os.environ, "PYTHONPATH": str(HERE)}
    process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(Order(target, connections, warm_up_s, seconds, seed)))
    process.stdin.close()
    return process


def wait_for_window(process: subprocess.Popen[bytes]) -> None:
    """Return when the window begins."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if line != b"window\n":
        raise RuntimeError(f"the load did not begin: {line!r}")


def finish_load(process: subprocess.Popen[bytes]) -> Outcome:
    """Wait for the end of the window and return what came of it."""
    assert process.stdout is not None
    with process:
        return msgspec.json.decode(process.stdout.read(), type=Outcome)


class Resource(Struct, frozen=True):
    """The beginning of an order's body that all its deliveries share, and the state of an HMAC that has read it."""

    beginning: bytes
    state: hmac.HMAC


def make_resources(secret: str, seed: int) -> list[Resource]:
    """Make orders of realistic size whose serial number, at the end, differs in every delivery."""
    chance = random.Random(seed)
    made = []
    for number in range(RESOURCES):
        document = {
            "id": 5_000_000_000_000 + seed * RESOURCES + number,
            "updated_at": "2026-11-02T10:00:00Z",
            "note": "",
            "line_items": [],
        }
        head = json.dumps(document, separators=(",", ":"))[:-1] + ',"attributes":"'
        filler = base64.b64encode(chance.randbytes(BODY_BYTES))[: BODY_BYTES - len(head) - SERIAL_DIGITS - len('","serial":""}')]
        beginning = head.encode() + filler + b'","serial":"'
        made.append(Resource(beginning, hmac.new(secret.encode(), beginning, hashlib.sha256)))
    return made


def requests_of(order: Order) -> Iterator[list[bytes]]:
    """Write one request after the other: head, shared beginning, end."""
    target, resources = order.target, make_resources(order.target.secret, order.seed)
    chance = random.Random(order.seed)
    length = len(resources[0].beginning) + SERIAL_DIGITS + 2
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\nUser-Agent: Shopify-Captain-Hook\r\n"
        f"Accept: */*\r\nAccept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3\r\nContent-Type: application/json\r\n"
        f"Content-Length: {length}\r\nX-Shopify-Topic: {TOPIC}\r\nX-Shopify-Shop-Domain: {target.shop_domain}\r\n"
        "X-Shopify-API-Version: 2026-10\r\nX-Shopify-Triggered-At: 2026-11-02T10:00:01.123456789Z\r\n"
    ).encode()
    run = chance.getrandbits(32)
    for number in count():
        resource = resources[number % RESOURCES]
        end = b'%024d"}' % number
        state = resource.state.copy()
        state.update(end)
        unique = b"%08x-%04x-4000-8000-%012x" % (run, number % 65536, number)
        own = b"X-Shopify-Hmac-Sha256: %b\r\nX-Shopify-Webhook-Id: %b\r\nX-Shopify-Event-Id: e%b\r\n\r\n"
        yield [head, own % (base64.b64encode(state.digest()), unique, unique), resource.beginning, end]


class Sender:
    """One connection that is kept alive, with one delivery under way."""

    __slots__ = ("received", "sent_at", "sock", "target")

    def __init__(self, target: Target) -> None:
        self.target = target
        self.sock = self._connect()
        self.received = b""
        self.sent_at = 0.0

    def _connect(self) -> socket.socket:
        sock = socket.create_connection((self.target.host, self.target.port), timeout=CONNECT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(CONNECT_S)
        return sock

    def send(self, parts: list[bytes]) -> None:
        """Send a delivery; loopback takes it at once."""
        self.received = b""
        self.sent_at = time.perf_counter()
        if self.sock.sendmsg(parts) != sum(map(len, parts)):
            raise RuntimeError("a delivery does not fit into the socket's buffer")

    def read(self) -> int | None:
        """Read what came; returns the status when the answer is complete, 0 when the server closed without one."""
        part = self.sock.recv(4096)
        data = self.received = self.received + part if self.received else part
        if not part:
            return 0
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return None
        found = LENGTH.search(data, 0, end)
        complete = len(data) >= end + 4 + int(found[1]) if found else data.endswith(b"0\r\n\r\n")
        return int(data[9:12]) if complete else None


def run(order: Order) -> Outcome:
    """Keep every connection busy until the window is over."""
    requests = requests_of(order)
    next(requests)
    poll = select.epoll()
    senders: dict[int, Sender] = {}
    for _ in range(order.connections):
        sender = Sender(order.target)
        senders[sender.sock.fileno()] = sender
        poll.register(sender.sock, select.EPOLLIN)
        sender.send(next(requests))
    starts_at = time.perf_counter() + order.warm_up_s
    latencies, refused = _pump(poll, senders, requests, until=starts_at)
    print("window", flush=True)
    starts_at = time.perf_counter()
    latencies, refused = _pump(poll, senders, requests, until=starts_at + order.seconds)
    seconds = time.perf_counter() - starts_at
    latencies.sort()
    if not latencies:
        return Outcome(0, refused, seconds, 0.0, 0.0)
    at = len(latencies) - 1
    return Outcome(len(latencies), refused, seconds, latencies[at // 2] * 1e3, latencies[int(at * 0.99)] * 1e3)


def _pump(
    poll: select.epoll, senders: dict[int, Sender], requests: Iterator[list[bytes]], *, until: float
) -> tuple[list[float], int]:
    """Send the next delivery wherever one was answered; returns latencies of those answered 2xx, and how many were not."""
    latencies: list[float] = []
    refused = 0
    while (now := time.perf_counter()) < until:
        for fd, _ in poll.poll(min(0.1, until - now)):
            sender = senders[fd]
            status = sender.read()
            if status is None:
                continue
            if 200 <= status < 300:
                latencies.append(time.perf_counter() - sender.sent_at)
            else:
                refused += 1
            if status == 0:
                poll.unregister(fd)
                del senders[fd]
                sender = Sender(sender.target)
                senders[sender.sock.fileno()] = sender
                poll.register(sender.sock, select.EPOLLIN)
            sender.send(next(requests))
    return latencies, refused


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(run(msgspec.json.decode(sys.stdin.buffer.read(), type=Order))).decode())
