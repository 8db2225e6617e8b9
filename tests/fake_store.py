"""The fake store as a process of its own, found by the one line it prints when it is ready (CONTRACT 1)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import requests

from tests.processes import ChildProcess


@dataclass(frozen=True, slots=True)
class FakeShop:
    """One shop of the fake store and a token for it."""

    shop_domain: str
    access_token: str


@dataclass(frozen=True, slots=True)
class FakeStore:
    """A running fake store.

    Args:
        base_url: its origin, without a slash at the end.
        shops: in the order in which it names them; there is at least one.
    """

    base_url: str
    client_id: str
    client_secret: str
    shops: tuple[FakeShop, ...]

    @property
    def shop(self) -> FakeShop:
        """The first shop."""
        return self.shops[0]

    def reset(self) -> None:
        """Take every shop back to how it was at the start."""
        with requests.Session() as session:
            session.trust_env = False
            session.post(f"{self.base_url}/__fake/reset", timeout=30).raise_for_status()


@contextmanager
def run_fake_store(*options: str, timeout_s: float = 60.0) -> Iterator[FakeStore]:
    """Run `python -m fake_shopify` on a free port with further options such as `"--orders", "100"`."""
    with ChildProcess(["-m", "fake_shopify", "--port", "0", *options]) as process:
        ready = json.loads(process.wait_for_line(lambda line: line.startswith("{"), timeout_s=timeout_s))
        shops = tuple(FakeShop(shop["shop_domain"], shop["access_token"]) for shop in ready["shops"])
        yield FakeStore(ready["base_url"].rstrip("/"), ready["client_id"], ready["client_secret"], shops)
