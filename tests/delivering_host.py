"""A host that the fake store really delivers to: the host's app on a socket, under the https address that it subscribes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any

import requests
from werkzeug.serving import make_server

from tests.fake_store import FakeShop
from tests.web_host import WEBHOOK_URL, Host, control

ORIGIN = WEBHOOK_URL.removesuffix("/api/shopify/webhooks")


@dataclass(frozen=True, slots=True)
class DeliveringHost:
    """A host with the fake store that delivers to it.

    Args:
        origin: where the host's app is served.
    """

    host: Host
    origin: str

    def control(self, action: str, document: Any = None, method: str = "POST", **parameters: str) -> Any:
        """Speak to the fake's control API."""
        return control(self.host.store, action, document, method, **parameters)

    def settled(self, **narrowed: str) -> list[dict[str, Any]]:
        """Wait until nothing is due or under way, and return the fake's deliveries so far, oldest first."""
        answer = self.control("deliveries", method="GET", settled="20", **narrowed)
        assert answer["settled"]
        found: list[dict[str, Any]] = answer["deliveries"]
        return found

    def work(self) -> int:
        """Let everything come in, then do what waits; returns how many jobs were done."""
        self.settled()
        return self.host.work()

    def subscriptions(self, shop: FakeShop | None = None) -> list[dict[str, Any]]:
        """Return what is subscribed over the API on a shop."""
        domain = (shop or self.host.shops["alice"]).shop_domain
        found = self.control("subscriptions", method="GET", shop=domain)["subscriptions"]
        return [one for one in found if one["id"].startswith("gid://")]

    def graphql(self, query: str, shop: FakeShop | None = None, **variables: Any) -> Any:
        """Ask a shop directly, as another app or the merchant would."""
        chosen = shop or self.host.shops["alice"]
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                f"{self.host.store.base_url}/admin/api/2026-10/graphql.json",
                json={"query": query, "variables": variables},
                headers={"Host": chosen.shop_domain, "X-Shopify-Access-Token": chosen.access_token},
                timeout=30,
            )
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]


@contextmanager
def run_delivering_host(host: Host) -> Iterator[DeliveringHost]:
    """Serve a host's app, and have the fake deliver there what is for its address."""
    server = make_server("127.0.0.1", 0, host.app, threaded=True)
    thread = Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    origin = f"http://127.0.0.1:{server.server_port}"
    control(host.store, "addresses", {ORIGIN: origin})
    try:
        yield DeliveringHost(host, origin)
    finally:
        control(host.store, "addresses", {ORIGIN: None})
        server.shutdown()
        thread.join()
        server.server_close()


MakeDelivering = Callable[..., DeliveringHost]
