"""A JSON object that is too large to hold, read element by element."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopify_kit.errors import InvalidInput
from shopify_web.json_stream import ELEMENT, read_members

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def read(text: str | bytes, *, chunk: int = 2**16) -> list[tuple[str, Any]]:
    """Read a body that arrives in chunks of at most so many bytes."""
    stream = io.BytesIO(text.encode() if isinstance(text, str) else text)
    return list(read_members(lambda size: stream.read(min(size, chunk)), "products"))


@settings(max_examples=60, deadline=None)
@given(
    products=st.lists(VALUES, max_size=6),
    others=st.dictionaries(st.text(min_size=1, max_size=6).filter(lambda name: name != "products"), VALUES, max_size=3),
    chunk=st.integers(1, 40),
    indent=st.sampled_from([None, 1]),
)
def test_what_is_read_in_pieces_is_what_was_written(products: Any, others: Any, chunk: int, indent: int | None) -> None:
    text = json.dumps({**others, "products": products}, indent=indent, ensure_ascii=False)

    found = read(text.encode("utf-8", "surrogatepass"), chunk=chunk)

    assert found == [*others.items(), *((ELEMENT, product) for product in products)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "validation_error", id="nothing"),
        pytest.param("[]", "validation_error", id="a_list"),
        pytest.param("{", "invalid_json", id="only_begun"),
        pytest.param('{"products": [1, 2', "invalid_json", id="ends_in_the_list"),
        pytest.param('{"products": [1, ]}', "invalid_json", id="comma_at_the_end_of_the_list"),
        pytest.param('{"products": [1], }', "invalid_json", id="comma_at_the_end"),
        pytest.param('{"products": [1] "a": 2}', "invalid_json", id="comma_missing"),
        pytest.param('{"products": [1]} x', "invalid_json", id="something_follows"),
        pytest.param('{"products": [], "products": []}', "invalid_json", id="key_twice"),
        pytest.param('{"products": [{"a": 1, "a": 2}]}', "invalid_json", id="key_twice_inside"),
        pytest.param('{"products": [NaN]}', "invalid_json", id="nan"),
        pytest.param('{"products": [1e999]}', "invalid_json", id="too_large_a_number"),
        pytest.param('{"products": [' + "9" * 40 + "]}", "invalid_json", id="too_long_a_number"),
        pytest.param('{"products": 5}', "validation_error", id="no_list"),
        pytest.param("{5: 1}", "invalid_json", id="key_is_a_number"),
        pytest.param(b'{"products": ["\xff"]}', "invalid_json", id="not_utf8"),
        pytest.param('{"products": [' + "[" * 40 + "]" * 40 + "]}", "json_too_deep", id="too_deep"),
        pytest.param('{"products": [' + "[" * 100_000 + "]}", "json_too_deep", id="far_too_deep"),
        pytest.param('{"products": ["' + "x" * 2_200_000 + '"]}', "body_too_large", id="one_huge_element"),
    ],
)
@pytest.mark.parametrize("chunk", [7, 2**16], ids=["drip", "stream"])
def test_what_a_whole_body_may_not_be_is_refused_in_pieces_too(text: str | bytes, code: str, chunk: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(text, chunk=chunk)

    assert refused.value.code == code


def test_elements_come_before_the_rest_has_arrived() -> None:
    pieces = iter([b'{"user_id": "u", "products": [{"title": "a"}, ', b'{"title": "b"}]}', b""])

    found = read_members(lambda _: next(pieces), "products")

    assert next(found) == ("user_id", "u")
    assert next(found) == (ELEMENT, {"title": "a"})
    assert list(pieces) == [b'{"title": "b"}]}', b""]
