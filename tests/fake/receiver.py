"""A receiver of deliveries on a real socket: what it was sent, and how it answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.tiny_servers import Peer, tiny_server

Answer = Callable[[Peer, int], None]


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came; header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def payload(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def statuses(*codes: int) -> Answer:
    """Answer the first requests with these codes, all later ones with the last of them."""
    return lambda peer, count: peer.answer(b"", status=f"{codes[min(count, len(codes)) - 1]} Whatever")


@dataclass(slots=True)
class Receiver:
    """Where it is, what it got, and how it answers: `answer(peer, how many requests so far)`."""

    origin: str
    received: list[Received] = field(default_factory=list)
    answer: Answer = field(default_factory=lambda: statuses(200))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        """Forget what came and be friendly again."""
        self.received.clear()
        self.answer = statuses(200)

    def serve(self, peer: Peer) -> None:
        """Take one request."""
        raw = peer.read_request()
        if not raw:
            return
        head, _, body = raw.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        with self._lock:
            self.received.append(Received(lines[0].split()[1], {name.lower(): value for name, value in headers.items()}, body))
            count = len(self.received)
        self.answer(peer, count)

    def topics(self) -> list[str]:
        """The topics of what came, sorted, as deliveries come in no order."""
        return sorted(one.headers["x-shopify-topic"] for one in self.received)


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Run a receiver on a free port."""
    known: list[Receiver] = []
    with tiny_server(lambda peer: known[0].serve(peer)) as server:
        known.append(Receiver(server.origin))
        yield known[0]
