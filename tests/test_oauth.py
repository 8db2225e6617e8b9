"""Shopify's token endpoint as our side asks it: a token, or why there is none, and never a secret in either."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator

import pytest
import requests

from shopify_kit.errors import IntegrationError, ShopUnavailable, Throttled, TokenRejected, UpstreamFailed
from shopify_kit.oauth import TokenEndpoint
from shopify_kit.secret import Secret
from shopify_kit.transport import AddressBook, RequestsTransport
from tests.fake_store import FakeStore, run_fake_store
from tests.scripted_transport import Said, ScriptedTransport

SHOP = "acme.myshopify.com"


@pytest.fixture(scope="module")
def store() -> Iterator[FakeStore]:
    with run_fake_store("--empty") as process:
        yield process


@pytest.fixture
def endpoint(store: FakeStore) -> Iterator[TokenEndpoint]:
    store.reset()
    addresses = AddressBook(store.base_url)
    transport = RequestsTransport(addresses)
    yield TokenEndpoint(transport, addresses)
    transport.close()


def scripted(said: Said) -> tuple[TokenEndpoint, ScriptedTransport]:
    addresses = AddressBook()
    transport = ScriptedTransport(addresses, lambda _: said)
    return TokenEndpoint(transport, addresses), transport


def failure_of(said: Said) -> IntegrationError:
    endpoint, _ = scripted(said)
    with pytest.raises(IntegrationError) as caught:
        endpoint.client_credentials(SHOP, "app", Secret("shpss_canary"))
    return caught.value


def test_client_credentials_give_a_token_that_works_for_a_day(endpoint: TokenEndpoint, store: FakeStore) -> None:
    grant = endpoint.client_credentials(store.shop.shop_domain, store.client_id, Secret(store.client_secret))

    answer = requests.post(
        f"{store.base_url}/admin/api/2026-10/graphql.json",
        json={"query": "{ shop { myshopifyDomain } }"},
        headers={"X-Shopify-Access-Token": grant.access_token.reveal()},
        timeout=10,
    )
    assert answer.json()["data"]["shop"]["myshopifyDomain"] == store.shop.shop_domain
    assert 80_000 < (grant.expires_in_s or 0) <= 86_400
    assert "read_products" in grant.scopes
    assert grant.refresh_token is None


@pytest.mark.parametrize("part", ["client_id", "client_secret"])
def test_wrong_pair_is_rejected_with_shopifys_name_for_it(endpoint: TokenEndpoint, store: FakeStore, part: str) -> None:
    pair = {"client_id": store.client_id, "client_secret": store.client_secret} | {part: "wrong_canary"}

    with pytest.raises(TokenRejected, match="invalid_client") as caught:
        endpoint.client_credentials(store.shop.shop_domain, pair["client_id"], Secret(pair["client_secret"]))

    assert (caught.value.code, caught.value.http_status) == ("token_rejected", 422)
    assert "canary" not in str(caught.value)


def test_unknown_shop_is_unavailable(endpoint: TokenEndpoint, store: FakeStore) -> None:
    with pytest.raises(ShopUnavailable) as caught:
        endpoint.client_credentials("nobody.myshopify.com", store.client_id, Secret(store.client_secret))

    assert caught.value.shop_domain == "nobody.myshopify.com"


@pytest.mark.parametrize(
    ("said", "kind", "retryable"),
    [
        pytest.param(Said(402), ShopUnavailable, False, id="frozen"),
        pytest.param(Said(423), ShopUnavailable, False, id="locked"),
        pytest.param(Said(429, headers={"Retry-After": "3.0"}), Throttled, True, id="too often"),
        pytest.param(Said(500), UpstreamFailed, True, id="500"),
        pytest.param(Said(503, b"<html>canary</html>"), UpstreamFailed, True, id="html"),
        pytest.param(Said(400, b'{"error": "invalid_grant"}'), TokenRejected, False, id="refused"),
        pytest.param(Said(401, b"<html>canary</html>"), TokenRejected, False, id="refused in html"),
        pytest.param(Said(400, b'{"error": "canary\\nwith a newline"}'), TokenRejected, False, id="refused in a sentence"),
        pytest.param(Said(400, b"[]"), TokenRejected, False, id="refused in a list"),
        pytest.param(Said(200, b"<html>canary</html>"), UpstreamFailed, True, id="html with 200"),
        pytest.param(Said(200, b"{}"), UpstreamFailed, True, id="no token"),
        pytest.param(Said(200, b'{"access_token": 5}'), UpstreamFailed, True, id="token that is a number"),
        pytest.param(Said(200, b'{"access_token": "canary", "expires_in": "soon"}'), UpstreamFailed, True, id="end that is a text"),
        pytest.param(Said(200, b'{"access_token": "canary"}'), UpstreamFailed, True, id="no end"),
        pytest.param(Said(200, b"\xff\xfe"), UpstreamFailed, True, id="bytes"),
        pytest.param(Said(breaks=True), UpstreamFailed, True, id="broken"),
    ],
)
def test_every_other_answer_is_a_failure_that_shows_nothing(said: Said, kind: type[IntegrationError], retryable: bool) -> None:
    error = failure_of(said)

    assert type(error) is kind
    assert error.retryable is retryable
    assert "canary" not in str(error)
    assert "\n" not in str(error)


def test_wait_that_shopify_asks_for_is_passed_on() -> None:
    assert failure_of(Said(429, headers={"Retry-After": "3.0"})).retry_after_s == 3.0


@pytest.mark.parametrize(
    "said", [Said(breaks=True), Said(401), Said(503), Said(200, b"{}")], ids=["broken", "refused", "failed", "no token"]
)
def test_failure_shows_no_secret_even_with_the_variables_of_every_frame(said: Said) -> None:
    endpoint, transport = scripted(said)
    secret = Secret("shpss_canary")

    with pytest.raises(IntegrationError) as caught:
        endpoint.client_credentials(SHOP, "app", secret)

    assert json.loads(transport.asked[0].body)["client_secret"] == "shpss_canary"
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    report.stack[:] = [frame for frame in report.stack if "/tests/" not in frame.filename]
    assert "canary" not in "".join(report.format())


def test_question_goes_to_the_shop_and_nowhere_else() -> None:
    endpoint, transport = scripted(Said(200, b'{"access_token": "t", "expires_in": 60, "scope": "read_products,,write_orders"}'))

    grant = endpoint.client_credentials(SHOP, "app", Secret("s"))

    (asked,) = transport.asked
    assert (asked.method, asked.url) == ("POST", f"https://{SHOP}/admin/oauth/access_token")
    assert json.loads(asked.body) == {"grant_type": "client_credentials", "client_id": "app", "client_secret": "s"}
    assert grant.scopes == ("read_products", "write_orders")
    assert "Secret(…)" in repr(grant)
