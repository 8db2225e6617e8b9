"""A Secret shows nothing, whatever is done to it."""

from __future__ import annotations

import copy
import json
import pickle
import string
import traceback
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass, field
from io import StringIO
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loguru import logger

from shopify_kit.secret import Secret, revealed

CANARY = "shpat_canary_0123456789abcdef"


@dataclass(frozen=True)
class Holder:
    """Something that holds a secret, as settings and tokens do."""

    token: Secret
    rest: dict[str, Any] = field(default_factory=dict)


SHOWN: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda secret: f"{secret:>40} {secret!s} {secret!r} {secret!a}",
    "percent": lambda secret: "%s %r %a" % (secret, secret, secret),  # noqa: UP031 - hosts write logs this way
    "template": lambda secret: string.Template("$token").substitute(token=secret),
    "inside containers": lambda secret: repr([secret, {"token": secret}, (secret,), {secret}]),
    "repr of a dataclass": lambda secret: repr(Holder(secret, {"again": secret})),
    "asdict": lambda secret: repr(asdict(Holder(secret, {"again": secret}))),
    "astuple": lambda secret: repr(astuple(Holder(secret))),
    "copy": lambda secret: repr([copy.copy(secret), copy.deepcopy({"token": secret})]),
    "json with default": lambda secret: json.dumps({"token": secret}, default=str),
    "exception": lambda secret: "".join(traceback.format_exception_only(ValueError("refused", secret))),
}


@pytest.mark.parametrize("show", [pytest.param(show, id=name) for name, show in SHOWN.items()])
def test_no_way_of_showing_a_secret_shows_it(show: Callable[[Secret], str]) -> None:
    shown = show(Secret(CANARY))

    assert shown
    assert "canary" not in shown


@pytest.mark.parametrize(
    "write",
    [
        *[pytest.param(lambda s, p=p: pickle.dumps(s, p), id=f"pickle {p}") for p in range(pickle.HIGHEST_PROTOCOL + 1)],
        pytest.param(lambda s: pickle.dumps({"token": [s]}), id="pickle of a container"),
        pytest.param(lambda s: pickle.dumps(Holder(s)), id="pickle of a dataclass"),
        pytest.param(json.dumps, id="json"),
        pytest.param(lambda s: json.dumps({"token": s}), id="json of a container"),
        pytest.param(msgspec.json.encode, id="msgspec json"),
        pytest.param(lambda s: msgspec.json.encode({"token": s}), id="msgspec json of a container"),
        pytest.param(lambda s: msgspec.to_builtins(Holder(s)), id="msgspec builtins"),
        pytest.param(lambda s: s.__getstate__(), id="getstate"),
        pytest.param(vars, id="vars"),
    ],
)
def test_writing_a_secret_anywhere_fails_without_showing_it(write: Callable[[Secret], Any]) -> None:
    with pytest.raises(TypeError) as caught:
        write(Secret(CANARY))

    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_traceback_with_local_variables_shows_no_secret() -> None:
    token = Secret(CANARY)

    try:
        _fail_with(token)
    except ValueError as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    assert "Secret(…)" in shown
    assert "canary" not in shown


def test_log_with_diagnosis_of_variables_shows_no_secret() -> None:
    written = StringIO()
    sink = logger.add(written, diagnose=True, backtrace=True, level="DEBUG")
    token = Secret(CANARY)

    try:
        _fail_with(token)
    except ValueError:
        logger.exception("could not use {}", token)
    logger.remove(sink)

    assert "could not use …" in written.getvalue()
    assert "canary" not in written.getvalue()


def _fail_with(token: Secret) -> None:
    headers = {"X-Shopify-Access-Token": token}
    raise ValueError(f"cannot send {len(headers)} headers")


def test_failed_assertion_about_a_secret_shows_nothing() -> None:
    token, other = Secret(CANARY), Secret("another")

    with pytest.raises(AssertionError) as caught:
        assert token == other

    assert "canary" not in str(caught.value)


@given(st.text(), st.text())
def test_secrets_are_equal_exactly_when_their_texts_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) is (one == other)
    assert (Secret(one) != Secret(other)) is (one != other)
    assert hash(Secret(one)) == hash(Secret(one))


def test_secret_is_not_equal_to_its_text() -> None:
    assert Secret(CANARY) != CANARY


def test_secret_read_from_bytes_that_are_no_text_can_be_compared() -> None:
    undecodable = b"shpat_\xff".decode("ascii", "surrogateescape")

    assert Secret(undecodable) == Secret(undecodable)


def test_text_comes_out_by_revealing_only() -> None:
    secret = Secret(CANARY)

    assert secret.reveal() == CANARY
    assert [revealed(secret), revealed("plain")] == [CANARY, "plain"]
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize(("text", "is_there"), [("", False), ("x", True)], ids=["empty", "not empty"])
def test_empty_secret_is_false(text: str, is_there: bool) -> None:
    assert bool(Secret(text)) is is_there
