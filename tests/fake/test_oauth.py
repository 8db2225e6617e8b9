"""Shopify's side of OAuth over HTTP: the grant page, the signed way back, and every grant type of the token endpoint."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from fake_shopify.build import Options, builder
from fake_shopify.oauth import access_token, sign_query
from fake_shopify.world import World
from tests.fake.conftest import EmptyStore
from tests.fake_store import FakeStore

SHOP = "empty-shop.myshopify.com"
BACK = "https://app.example.com/auth/callback"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
ONLINE = "urn:shopify:params:oauth:token-type:online-access-token"


@dataclass(frozen=True)
class Shopify:
    """The fake as an app's backend and a merchant's browser see it."""

    store: FakeStore

    def authorize(self, method: str = "GET", *, data: dict[str, str] | None = None, **query: str) -> requests.Response:
        """Open the grant page, or answer it."""
        asked = {"client_id": self.store.client_id, "redirect_uri": BACK, "state": "s-1", "scope": "read_products"} | query
        address = self.store.base_url + "/admin/oauth/authorize"
        return requests.request(method, address, params=asked, data=data, headers={"Host": SHOP}, allow_redirects=False, timeout=10)

    def grant(self, **query: str) -> dict[str, str]:
        """Grant access as a merchant and return what the browser carries back to the app."""
        answer = self.authorize("POST", data={"answer": "install"}, **query)
        assert answer.status_code == 302
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query, keep_blank_values=True))

    def ask(self, *, host: str = SHOP, form: bool = False, **fields: Any) -> requests.Response:
        """Ask the token endpoint."""
        sent = {"client_id": self.store.client_id, "client_secret": self.store.client_secret} | fields
        address, headers = self.store.base_url + "/admin/oauth/access_token", {"Host": host}
        return requests.post(address, json=None if form else sent, data=sent if form else None, headers=headers, timeout=10)

    def token(self, **fields: Any) -> dict[str, Any]:
        """Ask the token endpoint for what it must give."""
        answer = self.ask(**fields)
        assert answer.status_code == 200, answer.text
        given: dict[str, Any] = answer.json()
        return given

    def refusal(self, **fields: Any) -> tuple[int, str]:
        """Ask the token endpoint for what it must refuse; returns status and error."""
        answer = self.ask(**fields)
        return answer.status_code, answer.json()["error"]

    def works(self, token: str) -> bool:
        """Whether a token is good for a query."""
        return "data" in EmptyStore(self.store.base_url, token=token).answer("{ shop { name } }")

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        requests.post(f"{self.store.base_url}/__fake/clock", json={"advance_s": seconds}, timeout=10).raise_for_status()

    def session_token(self, **claims: Any) -> str:
        """Sign a session token as the admin does."""
        now = int(time.time())
        body = {
            "iss": f"https://{SHOP}/admin",
            "dest": f"https://{SHOP}",
            "aud": self.store.client_id,
            "nbf": now,
            "exp": now + 60,
        } | claims
        parts = [_packed(json.dumps(part).encode()) for part in ({"alg": claims.pop("alg", "HS256"), "typ": "JWT"}, body)]
        signature = hmac.new(self.store.client_secret.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
        return ".".join([*parts, _packed(signature)])

    def exchange(self, token: str, *, kind: str = ID_TOKEN, wanted: str = OFFLINE, **fields: Any) -> dict[str, Any]:
        """The fields of a token exchange."""
        return {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": kind, "requested_token_type": wanted} | fields


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@pytest.fixture
def shopify(empty_process: FakeStore) -> Shopify:
    empty_process.reset()
    return Shopify(empty_process)


# The grant page


def test_page_shows_app_shop_and_scopes(shopify: Shopify) -> None:
    page = shopify.authorize(scope="read_products,write_orders")

    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    for text in ("Demo App", SHOP, "read_products", "write_orders"):
        assert text in page.text


def test_page_escapes_what_the_address_says(shopify: Shopify) -> None:
    page = shopify.authorize(scope="<script>alert(1)</script>", state='"><script>alert(2)</script>')

    assert "<script>alert" not in page.text


@pytest.mark.parametrize(
    ("query", "words"),
    [
        pytest.param({"client_id": "nobody"}, "Could not find Shopify API application", id="unknown app"),
        pytest.param({"redirect_uri": "http://evil.example.com/"}, "redirect_uri is not whitelisted", id="http"),
        pytest.param({"redirect_uri": "javascript:alert(1)"}, "redirect_uri is not whitelisted", id="no address"),
        pytest.param({"redirect_uri": ""}, "redirect_uri is not whitelisted", id="none"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_app_or_address_that_is_not_known_is_refused_without_a_redirect(
    shopify: Shopify, method: str, query: dict[str, str], words: str
) -> None:
    answer = shopify.authorize(method, data=None, **query)

    assert answer.status_code == 400
    assert words in answer.text


def test_unknown_shop_has_no_page(shopify: Shopify) -> None:
    answer = requests.get(f"{shopify.store.base_url}/admin/oauth/authorize", headers={"Host": "nobody.myshopify.com"}, timeout=10)

    assert answer.status_code == 404


def test_shop_may_be_named_in_the_address_for_browsers(shopify: Shopify) -> None:
    query = {"client_id": shopify.store.client_id, "redirect_uri": BACK, "shop": SHOP}

    assert requests.get(f"{shopify.store.base_url}/admin/oauth/authorize", params=query, timeout=10).status_code == 200


def test_merchant_who_refuses_is_sent_back_without_a_code(shopify: Shopify) -> None:
    answer = shopify.authorize("POST", data={"answer": "cancel"})

    query = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    assert answer.headers["Location"].startswith(BACK + "?")
    assert (query["error"], query["state"]) == ("access_denied", "s-1")
    assert "code" not in query


def test_way_back_is_signed_over_everything_it_says(shopify: Shopify) -> None:
    query = shopify.grant(state="a&b=c%20d")

    signature = query.pop("hmac")
    escaped = {name: value.replace("%", "%25").replace("&", "%26") for name, value in query.items()}
    message = "&".join(f"{name}={value}" for name, value in sorted(escaped.items()))
    assert signature == hmac.new(shopify.store.client_secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    assert (query["shop"], query["state"]) == (SHOP, "a&b=c%20d")
    assert abs(int(query["timestamp"]) - time.time()) < 30
    assert base64.b64decode(query["host"] + "==") == b"admin.shopify.com/store/empty-shop"


def test_way_back_keeps_the_query_of_the_address(shopify: Shopify) -> None:
    answer = shopify.authorize("POST", data={"answer": "install"}, redirect_uri=BACK + "?x=1")

    assert answer.headers["Location"].startswith(BACK + "?x=1&code=")


def test_signature_is_that_of_the_documentation() -> None:
    pairs = {"code": "0907a61c0c8d55e99db179b68161bc00", "shop": "some-shop.myshopify.com", "timestamp": "1337178173"}
    message = b"code=0907a61c0c8d55e99db179b68161bc00&shop=some-shop.myshopify.com&timestamp=1337178173"

    assert sign_query(pairs, "hush") == hmac.new(b"hush", message, hashlib.sha256).hexdigest()


# The token endpoint


@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
def test_code_becomes_a_token_with_the_scopes_that_were_granted(shopify: Shopify, form: bool) -> None:
    given = shopify.token(code=shopify.grant(scope="read_orders,write_products")["code"], form=form)

    assert given["scope"] == "read_orders,write_products"
    assert "expires_in" not in given
    assert shopify.works(given["access_token"])


def test_code_is_good_once(shopify: Shopify) -> None:
    code = shopify.grant()["code"]
    shopify.token(code=code)

    assert shopify.refusal(code=code) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        pytest.param({"code": "nonsense"}, "invalid_request", id="unknown code"),
        pytest.param({"client_secret": "wrong", "code": "x"}, "invalid_client", id="wrong secret"),
        pytest.param({"client_secret": "wröng", "code": "x"}, "invalid_client", id="secret that is no ascii"),
        pytest.param({"client_secret": "", "code": "x"}, "invalid_client", id="empty secret"),
        pytest.param({"client_id": "nobody", "code": "x"}, "invalid_client", id="unknown app"),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="unknown grant type"),
        pytest.param({}, "unsupported_grant_type", id="nothing"),
        pytest.param({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant", id="unknown refresh token"),
        pytest.param({"grant_type": EXCHANGE, "subject_token": "x"}, "invalid_subject_token", id="exchange of nothing"),
    ],
)
def test_wrong_question_is_refused(shopify: Shopify, fields: dict[str, str], error: str) -> None:
    assert shopify.refusal(**fields) == (400, error)


@pytest.mark.parametrize("body", [b"", b"not json", b"[]", b"null"], ids=["empty", "text", "list", "null"])
def test_body_that_is_no_object_is_an_unknown_app(shopify: Shopify, body: bytes) -> None:
    headers = {"Host": SHOP, "Content-Type": "application/json"}
    answer = requests.post(f"{shopify.store.base_url}/admin/oauth/access_token", data=body, headers=headers, timeout=10)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def test_unknown_shop_has_no_token_endpoint(shopify: Shopify) -> None:
    assert shopify.ask(host="nobody.myshopify.com", grant_type="client_credentials").status_code == 404


def test_online_token_names_the_user_and_ends(shopify: Shopify) -> None:
    code = shopify.grant(**{"grant_options[]": "per-user"})["code"]

    given = shopify.token(code=code)

    assert given["associated_user"]["email"]
    assert given["associated_user_scope"] == given["scope"]
    assert 0 < given["expires_in"] <= 86400


def test_client_credentials_give_a_token_for_a_day(shopify: Shopify) -> None:
    given = shopify.token(grant_type="client_credentials")
    assert shopify.works(given["access_token"])

    shopify.advance(given["expires_in"] - 5)
    assert shopify.works(given["access_token"])
    shopify.advance(10)

    assert not shopify.works(given["access_token"])
    assert "refresh_token" not in given


def test_expiring_token_lives_an_hour_and_is_refreshed(shopify: Shopify) -> None:
    first = shopify.token(code=shopify.grant()["code"], expiring=1)
    assert (first["expires_in"], first["refresh_token_expires_in"]) == (3600, 90 * 86400)
    shopify.advance(3601)
    assert not shopify.works(first["access_token"])

    second = shopify.token(grant_type="refresh_token", refresh_token=first["refresh_token"])

    assert shopify.works(second["access_token"])
    assert second["scope"] == first["scope"]
    assert second["refresh_token"] != first["refresh_token"]


def test_refresh_token_stays_good_until_its_successor_is_used(shopify: Shopify) -> None:
    """So that an answer that was lost on the way can be asked for again."""

    def refreshed(token: str) -> str:
        return str(shopify.token(grant_type="refresh_token", refresh_token=token)["refresh_token"])

    first = shopify.token(code=shopify.grant()["code"], expiring=1)["refresh_token"]
    lost, second = refreshed(first), refreshed(first)

    third = refreshed(second)

    assert len({first, lost, second, third}) == 4
    assert shopify.refusal(grant_type="refresh_token", refresh_token=first) == (400, "invalid_grant")


def test_refresh_token_ends_after_ninety_days(shopify: Shopify) -> None:
    token = shopify.token(code=shopify.grant()["code"], expiring=1)["refresh_token"]

    shopify.advance(90 * 86400 + 1)

    assert shopify.refusal(grant_type="refresh_token", refresh_token=token) == (400, "invalid_grant")


def test_newer_expiring_token_ends_the_older_one(shopify: Shopify) -> None:
    first = shopify.token(code=shopify.grant()["code"], expiring=1)
    second = shopify.token(code=shopify.grant()["code"], expiring=1)

    assert [shopify.works(one["access_token"]) for one in (first, second)] == [False, True]


@pytest.mark.parametrize(("wanted", "prefix"), [(OFFLINE, "shpat_"), (ONLINE, "shpua_")], ids=["offline", "online"])
def test_session_token_is_exchanged(shopify: Shopify, wanted: str, prefix: str) -> None:
    given = shopify.token(**shopify.exchange(shopify.session_token(), wanted=wanted))

    assert given["access_token"].startswith(prefix)
    assert shopify.works(given["access_token"])


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"aud": "another-app"}, id="another app"),
        pytest.param({"dest": "https://other.myshopify.com"}, id="another shop"),
        pytest.param({"exp": 1_000_000_000}, id="too old"),
        pytest.param({"nbf": 4_000_000_000}, id="not yet"),
        pytest.param({"exp": None}, id="no end"),
        pytest.param({"alg": "none"}, id="another algorithm"),
    ],
)
def test_session_token_that_proves_nothing_is_refused(shopify: Shopify, claims: dict[str, Any]) -> None:
    assert shopify.refusal(**shopify.exchange(shopify.session_token(**claims))) == (400, "invalid_subject_token")


@pytest.mark.parametrize("damage", ["signature", "body", "parts"])
def test_damaged_session_token_is_refused(shopify: Shopify, damage: str) -> None:
    head, body, signature = shopify.session_token().split(".")
    token = {"signature": f"{head}.{body}.{signature[:-2]}", "body": f"{head}.{body[:-4]}.{signature}", "parts": head}[damage]

    assert shopify.refusal(**shopify.exchange(token)) == (400, "invalid_subject_token")


def test_static_token_becomes_an_expiring_pair_and_a_repetition_gets_the_same(shopify: Shopify) -> None:
    static = shopify.token(code=shopify.grant()["code"])["access_token"]
    question = shopify.exchange(static, kind=OFFLINE, expiring=1)

    pair = shopify.token(**question)

    assert shopify.token(**question) == pair
    assert not shopify.works(static)
    assert shopify.works(pair["access_token"])
    shopify.advance(7 * 86400 + 1)
    assert shopify.refusal(**question) == (400, "invalid_subject_token")


def test_app_of_another_organisation_gets_no_client_credentials() -> None:
    """There is no door for it over HTTP, so the shop's state is set inside a world of our own."""
    world = World(builder(Options(empty=True)))
    shop, app = world.shops[SHOP], next(iter(world.apps.values()))
    shop.state["organization_apps"] = {"another"}
    body = {"client_id": app.client_id, "client_secret": app.client_secret, "grant_type": "client_credentials"}

    answer = access_token(world, shop, Request(EnvironBuilder(method="POST", json=body).get_environ()))

    assert (answer.status_code, json.loads(answer.get_data())["error"]) == (400, "shop_not_permitted")
