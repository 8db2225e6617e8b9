"""Sends deliveries as fast as they are taken: a process of its own that signs, sends, and counts what was answered 2xx.

    load = start_load(Target(port, "/api/shopify/webhooks", secret, "acme.myshopify.com"), connections=32, seconds=2.0, seed=1)
    wait_for_window(load)
    outcome = finish_load(load)

One thread and epoll, so that of two cores as much as possible is left to what is measured. Every delivery has a webhook id, a body
and a signature of its own; bodies share long beginnings whose HMAC state is made once, and the first requests are written before
the clock runs.
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
from itertools import chain, count, islice
from pathlib import Path

import msgspec
from msgspec import Struct

HERE = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
BODY_BYTES = 6 * 1024
RESOURCES = 500
PREPARED = 16_000
WARM_UP_S = 0.5
CONNECT_S = 10.0
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
ENDING = b'%024d"}'


class Target(Struct, frozen=True):
    """Where deliveries go, and who signs them."""

    port: int
    path: str
    secret: str
    shop_domain: str


class Order(Struct, frozen=True):
    """What the process is told, on its standard input."""

    target: Target
    connections: int
    seconds: float
    seed: int


class Outcome(Struct, frozen=True):
    """What came of the deliveries in the window."""

    acknowledged: int
    refused: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        """Acknowledged deliveries per second."""
        return self.acknowledged / self.seconds


def start_load(target: Target, *, connections: int, seconds: float, seed: int) -> subprocess.Popen[bytes]:
    """Start sending; what is sent in the first half second is not counted."""
    env = {**os.environ, "PYTHONPATH": str(HERE)}
    process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(Order(target, connections, seconds, seed)))
    process.stdin.close()
    return process


def wait_for_window(process: subprocess.Popen[bytes]) -> None:
    """Return when what is counted begins."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if line != b"window\n":
        raise RuntimeError(f"the load did not begin: {line!r}")


def finish_load(process: subprocess.Popen[bytes]) -> Outcome:
    """Wait for the end of the window and return what came of it."""
    assert process.stdout is not None
    with process:
        return msgspec.json.decode(process.stdout.read(), type=Outcome)


# What is sent


class Resource(Struct, frozen=True):
    """The beginning that all bodies about an order share, and the state of an HMAC that has read it."""

    beginning: bytes
    state: hmac.HMAC


def make_resource(number: int, secret: str, chance: random.Random) -> Resource:
    """Make the beginning of an order of realistic size; what follows is the serial number of the delivery."""
    document = {"id": 5_000_000_000_000 + number, "updated_at": "2026-11-02T10:00:00Z", "currency": "CAD"}
    head = json.dumps(document)[:-1].encode() + b', "note": "'
    tail = b'", "serial": "'
    room = BODY_BYTES - len(head) - len(tail) - len(ENDING % 0)
    beginning = head + base64.b64encode(chance.randbytes(room))[:room] + tail
    return Resource(beginning, hmac.new(secret.encode(), beginning, hashlib.sha256))


def write_requests(order: Order) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Write one request after the other: head, shared beginning of the body, its end."""
    target, chance = order.target, random.Random(order.seed)
    resources = [make_resource(number, target.secret, chance) for number in range(RESOURCES)]
    run = chance.randbytes(8).hex().encode()
    shared = (
        f"POST {target.path} HTTP/1.1\r\nHost: {HOST}:{target.port}\r\nUser-Agent: Shopify-Captain-Hook\r\nAccept: */*\r\n"
        f"Content-Type: application/json\r\nContent-Length: {BODY_BYTES}\r\nX-Shopify-Topic: orders/updated\r\n"
        f"X-Shopify-Shop-Domain: {target.shop_domain}\r\nX-Shopify-API-Version: 2026-10\r\n"
        "X-Shopify-Triggered-At: 2026-11-02T10:00:01.123456789Z\r\n"
    ).encode()
    own = b"X-Shopify-Hmac-Sha256: %b\r\nX-Shopify-Webhook-Id: %b-%016x\r\nX-Shopify-Event-Id: %b-%016x\r\n\r\n"
    for number in count():
        resource, ending = resources[number % RESOURCES], ENDING % number
        state = resource.state.copy()
        state.update(ending)
        head = shared + own % (base64.b64encode(state.digest()), run, number, run[::-1], number)
        yield head, resource.beginning, ending


# Sending


class Sender:
    """A connection that is kept alive, with one delivery under way."""

    __slots__ = ("port", "received", "sent_at", "sock")

    def __init__(self, port: int) -> None:
        self.port = port
        self.connect()

    def connect(self) -> None:
        """Connect, or connect again after the server closed."""
        self.sock = socket.create_connection((HOST, self.port), timeout=CONNECT_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, parts: tuple[bytes, bytes, bytes]) -> None:
        """Send a delivery; the socket's buffer takes it at once."""
        self.received = b""
        self.sent_at = time.perf_counter()
        self.sock.sendmsg(parts)

    def read(self) -> int | None:
        """Read what came; returns the status once the answer is complete, 0 when the server closed without one."""
        part = self.sock.recv(4096)
        data = self.received = self.received + part
        if not part:
            return 0
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return None
        found = LENGTH.search(data, 0, end + 2)
        is_complete = len(data) >= end + 4 + int(found[1]) if found else data.endswith(b"0\r\n\r\n")
        return int(data[9:12]) if is_complete else None


class Load:
    """Keeps every connection busy."""

    def __init__(self, order: Order) -> None:
        requests = write_requests(order)
        self._requests = chain(list(islice(requests, PREPARED)), requests)
        self._poll = select.epoll()
        self._senders: dict[int, Sender] = {}
        for _ in range(order.connections):
            self._enter(Sender(order.target.port))

    def _enter(self, sender: Sender) -> None:
        self._senders[sender.sock.fileno()] = sender
        self._poll.register(sender.sock, select.EPOLLIN)
        sender.send(next(self._requests))

    def run(self, seconds: float) -> Outcome:
        """Go on for some time; returns what was answered meanwhile."""
        latencies: list[float] = []
        refused, began = 0, time.perf_counter()
        while (now := time.perf_counter()) < began + seconds:
            for fd, _ in self._poll.poll(began + seconds - now):
                sender = self._senders[fd]
                status = sender.read()
                if status is None:
                    continue
                if 200 <= status < 300:
                    latencies.append(time.perf_counter() - sender.sent_at)
                else:
                    refused += 1
                if status:
                    sender.send(next(self._requests))
                else:
                    self._reconnect(fd)
        return _outcome(sorted(latencies), refused, now - began)

    def _reconnect(self, fd: int) -> None:
        sender = self._senders.pop(fd)
        self._poll.unregister(fd)
        sender.sock.close()
        sender.connect()
        self._enter(sender)


def _outcome(latencies: list[float], refused: int, seconds: float) -> Outcome:
    def at(share: float) -> float:
        return latencies[int((len(latencies) - 1) * share)] * 1000 if latencies else 0.0

    return Outcome(len(latencies), refused, seconds, at(0.5), at(0.99))


def main() -> None:
    """Be the process."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    load = Load(order)
    load.run(WARM_UP_S)
    print("window", flush=True)
    print(msgspec.json.encode(load.run(order.seconds)).decode())


if __name__ == "__main__":
    main()
