"""Sealing: what is sealed opens in its own place with a key of the ring, and nowhere else."""

from __future__ import annotations

import base64
import os
import stat
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_kit.errors import SettingsError, TokenUnreadable
from shopify_kit.sealing import NONCE_BYTES, KeyRing, Place, development_key, key_id, key_of
from shopify_kit.secret import Secret
from shopify_kit.settings import decode_key

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
PLACE = Place("tokens", "u-alice", "alice-shop.myshopify.com", "access_token", 3, "17")
TOKEN = Secret("shpat_canary_0123456789abcdef")


def ring(*keys: bytes) -> KeyRing:
    return KeyRing([Secret(key.hex()) for key in keys])


def test_sealed_secret_opens_in_its_place() -> None:
    sealed = ring(OLD).seal(TOKEN, PLACE)

    assert ring(OLD).open_secret(sealed, PLACE) == TOKEN
    assert b"canary" not in sealed


@given(st.binary(max_size=2000))
def test_any_bytes_survive_sealing(value: bytes) -> None:
    keys = ring(OLD)

    assert keys.open(keys.seal(value, PLACE), PLACE) == value


def test_sealing_twice_never_gives_the_same() -> None:
    keys = ring(OLD)

    sealed = [keys.seal(TOKEN, PLACE) for _ in range(500)]

    head = 2 + len(keys.current)
    assert len({one[head : head + NONCE_BYTES] for one in sealed}) == 500
    # A random nonce has every bit about as often as not; a counter would not.
    bits = Counter(bit for one in sealed for bit in format(int.from_bytes(one[head : head + NONCE_BYTES], "big"), "096b"))
    assert 0.45 < bits["1"] / bits.total() < 0.55


def test_first_key_seals_and_every_key_opens() -> None:
    by_old = ring(OLD).seal(TOKEN, PLACE)

    both = ring(NEW, OLD)
    by_new = both.seal(TOKEN, PLACE)

    assert both.open_secret(by_old, PLACE) == both.open_secret(by_new, PLACE) == TOKEN
    assert (key_of(by_old), key_of(by_new)) == (key_id(OLD), key_id(NEW))
    assert both.current == key_id(NEW)


def test_value_of_a_key_that_is_gone_is_unreadable_and_says_what_to_do() -> None:
    sealed = ring(OLD).seal(TOKEN, PLACE)

    with pytest.raises(TokenUnreadable, match="SHOPIFY_TOKEN_KEYS") as caught:
        ring(NEW).open(sealed, PLACE)

    assert (caught.value.code, caught.value.http_status, caught.value.retryable) == ("token_unreadable", 409, False)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(Place("apps", PLACE.user, PLACE.shop, PLACE.column, PLACE.version, PLACE.row), id="table"),
        pytest.param(Place(PLACE.table, "u-mallory", PLACE.shop, PLACE.column, PLACE.version, PLACE.row), id="user"),
        pytest.param(
            Place(PLACE.table, PLACE.user, "mallory-shop.myshopify.com", PLACE.column, PLACE.version, PLACE.row), id="shop"
        ),
        pytest.param(Place(PLACE.table, PLACE.user, PLACE.shop, "refresh_token", PLACE.version, PLACE.row), id="column"),
        pytest.param(Place(PLACE.table, PLACE.user, PLACE.shop, PLACE.column, 2, PLACE.row), id="older version"),
        pytest.param(Place(PLACE.table, PLACE.user, PLACE.shop, PLACE.column, 4, PLACE.row), id="newer version"),
        pytest.param(Place(PLACE.table, PLACE.user, PLACE.shop, PLACE.column, PLACE.version, "18"), id="row"),
        pytest.param(Place(PLACE.table, PLACE.user, PLACE.shop, PLACE.column, 31, "7"), id="digits shifted between parts"),
        pytest.param(
            Place(PLACE.table + "u", PLACE.user[1:], PLACE.shop, PLACE.column, 3, "17"), id="letter shifted between parts"
        ),
    ],
)
def test_value_moved_to_another_place_does_not_open(other: Place) -> None:
    keys = ring(OLD)
    sealed = keys.seal(TOKEN, PLACE)

    with pytest.raises(TokenUnreadable) as caught:
        keys.open(sealed, other)

    assert "canary" not in str(caught.value)


@given(
    st.tuples(st.text(), st.text(), st.text(), st.text(), st.integers(), st.text()),
    st.tuples(st.text(), st.text(), st.text(), st.text(), st.integers(), st.text()),
)
def test_different_places_are_written_differently(
    one: tuple[str, str, str, str, int, str], other: tuple[str, str, str, str, int, str]
) -> None:
    assert (Place(*one).associated_data() == Place(*other).associated_data()) is (one == other)


def test_no_bit_can_be_flipped_and_no_byte_cut_off() -> None:
    keys = ring(OLD)
    sealed = keys.seal(TOKEN, PLACE)
    flipped = [sealed[:at] + bytes([sealed[at] ^ 1 << bit]) + sealed[at + 1 :] for at in range(len(sealed)) for bit in range(8)]
    cut = [sealed[:length] for length in range(len(sealed))] + [sealed[start:] for start in range(1, len(sealed))]

    for damaged in [*flipped, *cut, sealed + b"\0"]:
        with pytest.raises(TokenUnreadable):
            keys.open(damaged, PLACE)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_unreadable_and_nothing_worse(garbage: bytes) -> None:
    with pytest.raises(TokenUnreadable):
        ring(OLD).open(garbage, PLACE)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_name_no_key(garbage: bytes) -> None:
    assert isinstance(key_of(garbage), str)


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param([], id="none"),
        pytest.param([Secret("")], id="empty"),
        pytest.param([Secret(OLD.hex()[:-2])], id="31 bytes"),
        pytest.param([Secret(OLD.hex()), Secret("canary")], id="one good, one bad"),
    ],
)
def test_ring_of_unusable_keys_is_refused_by_the_settings_name(keys: list[Secret]) -> None:
    with pytest.raises(SettingsError, match="SHOPIFY_TOKEN_KEYS") as caught:
        KeyRing(keys)

    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(OLD.hex(), id="hex"),
        pytest.param(OLD.hex().upper(), id="upper-case hex"),
        pytest.param(base64.b64encode(OLD).decode(), id="base64"),
        pytest.param(base64.urlsafe_b64encode(OLD).decode(), id="url-safe base64"),
        pytest.param(base64.urlsafe_b64encode(OLD).decode().rstrip("="), id="url-safe base64 without padding"),
    ],
)
def test_key_may_be_written_in_several_ways(written: str) -> None:
    assert decode_key(Secret(written)) == OLD


def test_ring_shows_key_ids_and_no_key() -> None:
    shown = repr(ring(NEW, OLD))

    assert shown == f"KeyRing({key_id(NEW)}, {key_id(OLD)})"


# The key of a development machine


def test_development_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "instance" / "key"

    made = development_key(path)

    assert development_key(path) == made
    assert decode_key(made) is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["key"]


def test_development_keys_of_two_machines_differ(tmp_path: Path) -> None:
    assert development_key(tmp_path / "one") != development_key(tmp_path / "other")


def test_threads_that_make_the_key_at_once_agree_on_one(tmp_path: Path) -> None:
    path, found = tmp_path / "key", set[Secret]()
    start = threading.Barrier(8)

    def take() -> None:
        start.wait()
        found.add(development_key(path))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 1
    assert os.listdir(tmp_path) == ["key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660], ids=oct)
def test_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    development_key(path)
    path.chmod(mode)

    with pytest.raises(SettingsError, match=f"chmod 600 {path}"):
        development_key(path)


@pytest.mark.parametrize("content", [b"", b"canary", b"\xff\xfe", OLD.hex().encode()[:-1]], ids=["empty", "text", "bytes", "short"])
def test_file_without_a_key_is_refused_and_not_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(SettingsError, match=str(path)) as caught:
        development_key(path)

    assert "canary" not in str(caught.value)
    assert path.read_bytes() == content


def test_place_where_no_key_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(SettingsError, match="set SHOPIFY_TOKEN_KEYS"):
        development_key(tmp_path / "file" / "key")
