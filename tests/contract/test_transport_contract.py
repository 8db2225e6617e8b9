"""What every transport promises to the Admin API client (`shopify_kit.transport.Transport`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from shopify_kit.errors import IntegrationError, ResponseTooLarge, UpstreamBlocked, UpstreamFailed, UpstreamTimeout
from shopify_kit.secret import Secret
from shopify_kit.transport import AddressBook, Request, RequestsTransport, Transport
from tests.scripted_transport import Asked, FarSide, Said, ScriptedTransport
from tests.tiny_servers import Peer, tiny_server

TOKEN = Secret("shpat_canary")
Make = Callable[[FarSide], tuple[Transport, str]]
"""Given what the far side does, returns the transport and the origin that stands in for Shopify."""


def _as_http_server(far_side: FarSide) -> Callable[[Peer], None]:
    """Play a far side over real HTTP."""

    def serve(peer: Peer) -> None:
        while request := peer.read_request():
            head, _, body = request.partition(b"\r\n\r\n")
            line, *rows = head.decode("latin-1").split("\r\n")
            method, path, _ = line.split(" ")
            headers = {name.lower(): value for name, _, value in (row.partition(": ") for row in rows)}
            said = far_side(Asked(method, path, headers, body))
            if said.breaks:
                return
            peer.stop.wait(said.after_s)
            named = "".join(f"{name}: {value}\r\n" for name, value in said.headers.items())
            peer.answer(said.body, status=f"{said.status} Status", headers=named)

    return serve


@pytest.fixture(params=["requests", "scripted"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes the transport under test."""
    with ExitStack() as held:

        def over_sockets(far_side: FarSide) -> tuple[Transport, str]:
            server = held.enter_context(tiny_server(_as_http_server(far_side)))
            transport = RequestsTransport(AddressBook(server.origin))
            held.callback(transport.close)
            return transport, server.origin

        def in_memory(far_side: FarSide) -> tuple[Transport, str]:
            origin = "http://127.0.0.1:4000"
            return ScriptedTransport(AddressBook(origin), far_side), origin

        yield over_sockets if request.param == "requests" else in_memory


def remembering(seen: list[Asked]) -> FarSide:
    """A far side that keeps what it sees."""

    def far_side(asked: Asked) -> Said:
        seen.append(asked)
        return Said()

    return far_side


def failure_of(transport: Transport, request: Request) -> IntegrationError:
    with pytest.raises(IntegrationError) as caught:
        transport.send(request)
    return caught.value


def test_far_side_sees_method_headers_and_body_with_secrets_revealed(make: Make) -> None:
    seen: list[Asked] = []
    transport, origin = make(remembering(seen))

    transport.send(Request("POST", f"{origin}/admin", {"Host": "acme.myshopify.com", "X-Shopify-Access-Token": TOKEN}, b"\x00\xff"))

    asked = seen[0]
    assert (asked.method, asked.body) == ("POST", b"\x00\xff")
    assert (asked.headers["host"], asked.headers["x-shopify-access-token"]) == ("acme.myshopify.com", "shpat_canary")
    assert asked.url.endswith("/admin")


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 402, 403, 404, 423, 429, 430, 500, 502, 503])
def test_any_status_but_a_redirect_is_an_answer(make: Make, status: int) -> None:
    body = b"" if status == 204 else b'{"errors": "x"}'
    transport, origin = make(lambda _: Said(status, body, {"Retry-After": "2.0", "X-Request-Id": "abc"}))

    answer = transport.send(Request("GET", origin))

    assert (answer.status, answer.body) == (status, body)
    assert (answer.headers["x-request-id"], answer.retry_after_s(9.0)) == ("abc", 2.0)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_blocked(make: Make, status: int) -> None:
    transport, origin = make(lambda _: Said(status, b"", {"Location": "https://evil.com/"}))

    assert isinstance(failure_of(transport, Request("GET", origin)), UpstreamBlocked)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        pytest.param(Said(breaks=True), UpstreamFailed, id="broken connection"),
        pytest.param(Said(after_s=2.0), UpstreamTimeout, id="too late"),
        pytest.param(Said(body=b"x" * 1001), ResponseTooLarge, id="too large"),
    ],
)
def test_failure_has_its_own_class_and_shows_nothing(make: Make, said: Said, kind: type[IntegrationError]) -> None:
    transport, origin = make(lambda _: said)
    request = Request("POST", origin, {"X": TOKEN}, b"body_canary", timeout_s=0.3, max_response_bytes=1000)

    error = failure_of(transport, request)

    assert type(error) is kind
    assert error.retryable is (kind is not ResponseTooLarge)
    assert "canary" not in str(error)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        pytest.param("https://evil.com/", {}, id="foreign host"),
        pytest.param("http://acme.myshopify.com/", {}, id="shop over http"),
        pytest.param("https://storage.googleapis.com/key", {"X-Shopify-Access-Token": TOKEN}, id="token to storage"),
    ],
)
def test_address_outside_the_book_is_blocked_before_anything_is_sent(make: Make, url: str, headers: dict[str, Secret]) -> None:
    seen: list[Asked] = []
    transport, _ = make(remembering(seen))

    error = failure_of(transport, Request("GET", url, headers))

    assert isinstance(error, UpstreamBlocked)
    assert seen == []


def test_transport_can_be_used_after_closing(make: Make) -> None:
    transport, origin = make(lambda _: Said(body=b"again"))

    transport.send(Request("GET", origin))
    transport.close()

    assert transport.send(Request("GET", origin)).body == b"again"
