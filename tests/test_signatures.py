"""Signatures of deliveries: known answers, and everything that must not pass for one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_kit.secret import Secret
from shopify_kit.signatures import sign_body, verify_body
from tests.shared_data import SHARED_DATA, needs_shared_data

SECRET = Secret("hush")
BODY = b'{"id":1}'


def verify(body: bytes, header: str, *secrets: str) -> str | None:
    """Return which of the secrets signed."""
    return verify_body(body, header, [(text, Secret(text)) for text in secrets or ("hush",)])


def signature(body: bytes = BODY, secret: str = "hush") -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def vectors(kind: str) -> list[dict[str, Any]]:
    file = Path(SHARED_DATA, "vectors_open.json")
    if not file.is_file():
        return []
    return [vector for vector in json.loads(file.read_text("utf-8"))["vectors"] if vector["kind"] == kind]


@needs_shared_data
@pytest.mark.parametrize("vector", [pytest.param(v, id=v["id"]) for v in vectors("webhook_hmac")])
def test_known_answers_hold(vector: dict[str, Any]) -> None:
    """What else a vector wants refused (a missing header, a body that is no JSON) is the worker's to find: a validly signed
    delivery is always stored."""
    given_, expected = vector["inputs"], vector["expected"]

    found = verify(given_["body"].encode(), given_["hmac_header"] or "", given_["secret"])

    assert (found is not None) is expected["hmac_matches"]


def test_what_we_sign_verifies() -> None:
    assert verify(BODY, sign_body(BODY, SECRET)) == "hush"


@pytest.mark.parametrize("secrets", [("hush", "older"), ("newer", "hush"), ("", "newer", "hush", "hush")], ids=str)
def test_any_of_the_secrets_may_have_signed(secrets: tuple[str, ...]) -> None:
    assert verify(BODY, sign_body(BODY, SECRET), *secrets) == "hush"


@pytest.mark.parametrize("secrets", [("other",), ("Hush",), ("hush ",), ("other", "another")], ids=str)
def test_no_other_secret_signs(secrets: tuple[str, ...]) -> None:
    assert verify(BODY, sign_body(BODY, SECRET), *secrets) is None


def test_without_secrets_nothing_is_signed() -> None:
    assert verify_body(BODY, sign_body(BODY, SECRET), []) is None


def test_an_empty_secret_signs_nothing() -> None:
    """Whoever sends a delivery can compute the signature under an empty key."""
    assert verify(BODY, sign_body(BODY, Secret("")), "") is None


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param("é", id="not_ascii"),
        pytest.param("\ud800", id="lone_surrogate"),
        pytest.param(signature().hex(), id="hexadecimal"),
        pytest.param(base64.b64encode(signature()).decode().rstrip("="), id="without_padding"),
        pytest.param(base64.b64encode(signature()).decode() + "AAAA", id="longer"),
        pytest.param(base64.b64encode(signature()[:-1]).decode(), id="31_bytes"),
        pytest.param(
            base64.b64encode(signature())[:20].decode() + " " + base64.b64encode(signature())[20:].decode(), id="blank_inside"
        ),
        pytest.param("!" + base64.b64encode(signature()).decode(), id="other_characters"),
        pytest.param("A" * 100_000, id="very_long"),
        pytest.param(base64.b64encode(hashlib.sha256(b"hush" + BODY).digest()).decode(), id="no_hmac"),
        pytest.param("sha256=" + base64.b64encode(signature()).decode(), id="prefixed"),
    ],
)
def test_what_is_no_signature_is_refused(header: str) -> None:
    assert verify(BODY, header) is None


@pytest.mark.parametrize("around", ["{}\n", " {} ", "\t{}"], ids=["newline", "blanks", "tab"])
def test_blanks_around_a_signature_do_not_matter(around: str) -> None:
    """Ruby's `Base64.encode64` ends with a newline."""
    assert verify(BODY, around.format(sign_body(BODY, SECRET))) == "hush"


@given(body=st.binary(max_size=300), position=st.integers(0, 299), flip=st.integers(1, 255))
def test_a_change_of_any_byte_is_noticed(body: bytes, position: int, flip: int) -> None:
    header = sign_body(body, SECRET)
    at = position % max(1, len(body))
    changed = body[:at] + bytes([(body[at] if body else 0) ^ flip]) + body[at + 1 :]

    assert verify(body, header) == "hush"
    assert verify(changed, header) is None


def test_a_secret_that_is_no_text_signs_like_any_other() -> None:
    """The environment may hold bytes that are no UTF-8, which Python reads as surrogates."""
    raw = b"\xff\xfe-secret"
    header = base64.b64encode(hmac.new(raw, BODY, hashlib.sha256).digest()).decode()

    assert verify_body(BODY, header, [("app", Secret(raw.decode("utf-8", "surrogateescape")))]) == "app"
