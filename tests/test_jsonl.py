"""Lines out of a stream, however it is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_kit.jsonl import LineSplitter, NotLines


def split(pieces: list[bytes], **options: int) -> tuple[list[bytes], int]:
    splitter = LineSplitter(**options)
    found = [bytes(line) for piece in pieces for line in splitter.feed(piece)]
    found += [bytes(line) for line in splitter.finish()]
    return found, splitter.taken_bytes


@given(st.lists(st.text("ab\n{}ü😀", max_size=8)), st.lists(st.integers(0, 60)))
def test_cuts_do_not_matter(texts: list[str], cuts: list[int]) -> None:
    data = "".join(texts).encode()
    places = sorted({min(cut, len(data)) for cut in cuts})
    pieces = [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]

    lines, taken = split(pieces)

    assert lines == [line for line in data.split(b"\n") if line]
    assert taken == len(data)


def test_a_line_that_is_not_ended_waits() -> None:
    splitter = LineSplitter()

    assert splitter.feed(b'{"a":1}\n{"b"') == [b'{"a":1}']
    assert splitter.taken_bytes == 8
    assert splitter.feed(b":2}\n") == [b'{"b":2}']
    assert splitter.taken_bytes == 16


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"x" * 101 + b"\n"], id="at_once"),
        pytest.param([b"x" * 60, b"x" * 60], id="never_ended"),
        pytest.param([b"ok\n", b"x" * 60, b"x" * 60 + b"\n"], id="in_pieces"),
    ],
)
def test_a_line_that_is_too_long_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(NotLines, match="longer than 100"):
        split(pieces, max_bytes=100)


def test_a_line_of_just_the_bound_is_taken() -> None:
    assert split([b"x" * 100 + b"\n", b"y" * 100], max_bytes=100)[0] == [b"x" * 100, b"y" * 100]


@pytest.mark.parametrize("data", [pytest.param(b"ok\n\xff\n", id="no_text"), pytest.param(b"a\0b\n", id="zero_byte")])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(NotLines):
        split([data])


def test_a_letter_may_be_cut_in_two() -> None:
    data = '{"a":"ü"}\n'.encode()

    assert split([data[:7], data[7:]])[0] == [data[:-1]]
