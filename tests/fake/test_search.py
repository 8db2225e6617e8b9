"""Shopify's search syntax: what each way of writing finds, what is ignored, and that no text is ever an error."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fake_shopify.rows import Row
from fake_shopify.search import (
    Malformed,
    choice,
    exact,
    identifier,
    moment,
    number,
    parse,
    prepare,
    reference,
    words,
    yes_no,
)
from shopify_admin.search_syntax import term
from tests.fake.conftest import EmptyStore

FIELDS = {
    "default": words("title", "vendor"),
    "title": words("title"),
    "vendor": exact("vendor"),
    "tag": exact("tags"),
    "status": choice("status", ["ACTIVE", "DRAFT"]),
    "price": number("price"),
    "id": identifier(),
    "owner_id": reference("owner"),
    "gift": yes_no("gift"),
    "created_at": moment("createdAt", "America/New_York"),
}
ROWS = [
    Row(_id=1, title="Red mug", vendor="Acme", tags=["new", "sale"], status="ACTIVE", price="5.00", owner=7, gift=True,
        createdAt="2026-11-01T03:30:00Z"),
    Row(_id=2, title="Blue mug", vendor="Acme Inc", tags=["Sale"], status="DRAFT", price="10.50", owner=8, gift=False,
        createdAt="2026-11-01T12:00:00Z"),
    Row(_id=3, title="Redwood bowl", vendor="O'Neil", tags=[], status="ACTIVE", price="20", owner=None, gift=False,
        createdAt="2026-11-03T12:00:00Z"),
    Row(_id=4, title="bob@example.com", vendor=None, tags=["a:b"], status="ACTIVE", price=None, owner=[7, 9], gift=False,
        createdAt=None),
]  # fmt: skip
EVERYTHING = [1, 2, 3, 4]


def found(text: str | None) -> list[int]:
    search = prepare(text, FIELDS)
    return [row.number for row in ROWS if search.matches(row)]


def warned(text: str) -> list[tuple[str, str]]:
    return [(warning["field"], warning["code"]) for warning in prepare(text, FIELDS).warnings]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        pytest.param(None, EVERYTHING, id="nothing asked"),
        pytest.param("", EVERYTHING, id="empty"),
        pytest.param("   ", EVERYTHING, id="blanks"),
        # words
        pytest.param("mug", [1, 2], id="word"),
        pytest.param("MUG", [1, 2], id="case"),
        pytest.param("mu", [], id="part of a word"),
        pytest.param("mu*", [1, 2], id="beginning of a word"),
        pytest.param("red", [1], id="whole word only"),
        pytest.param("red*", [1, 3], id="beginning of two words"),
        pytest.param("red mug", [1], id="two words are both meant"),
        pytest.param('"red mug"', [1], id="words in order"),
        pytest.param('"mug red"', [], id="words in another order"),
        pytest.param("acme", [1, 2], id="word of another default field"),
        pytest.param("bob@example.com", [4], id="address"),
        # fields
        pytest.param("title:mug", [1, 2], id="field of words"),
        pytest.param("title: mug", [1, 2], id="blank after the colon"),
        pytest.param("title :mug", [1, 2], id="blank before the colon"),
        pytest.param("vendor:acme", [1], id="exact field"),
        pytest.param('vendor:"Acme Inc"', [2], id="exact field with a blank"),
        pytest.param("vendor:'Acme Inc'", [2], id="single quotes"),
        pytest.param("vendor:ac*", [1, 2], id="beginning of an exact field"),
        pytest.param('vendor:"ac*"', [], id="star in quotes is a star"),
        pytest.param("vendor:*", [1, 2, 3], id="anything present"),
        pytest.param("vendor:O\\'Neil", [3], id="escaped quote"),
        pytest.param('tag:"a:b"', [4], id="colon in quotes"),
        pytest.param("tag:a\\:b", [4], id="escaped colon"),
        pytest.param("tag:sale", [1, 2], id="one of a list"),
        pytest.param("status:active", [1, 3, 4], id="enumeration"),
        pytest.param("status:active,draft", EVERYTHING, id="two of an enumeration"),
        pytest.param("gift:true", [1], id="boolean"),
        pytest.param("gift:false", [2, 3, 4], id="boolean false"),
        # comparisons
        pytest.param("price:5", [1], id="number"),
        pytest.param("price:>5", [2, 3], id="greater"),
        pytest.param("price:>=5", [1, 2, 3], id="at least"),
        pytest.param("price:<10.5", [1], id="less"),
        pytest.param("price:<=10.50", [1, 2], id="at most"),
        pytest.param("price:>5 price:<20", [2], id="between"),
        pytest.param("price:abc", [], id="no number"),
        pytest.param("id:2", [2], id="id"),
        pytest.param("id:>=3", [3, 4], id="ids from"),
        pytest.param("id:gid://shopify/Product/2", [2], id="gid"),
        pytest.param("owner_id:7", [1, 4], id="reference"),
        # connectives
        pytest.param("mug AND vendor:acme", [1], id="and"),
        pytest.param("title:bowl OR vendor:acme", [1, 3], id="or"),
        pytest.param("mug NOT blue", [1], id="not"),
        pytest.param("mug -blue", [1], id="minus"),
        pytest.param("-title:mug", [3, 4], id="minus a field"),
        pytest.param("NOT NOT mug", [1, 2], id="not twice"),
        pytest.param("title:bowl OR (mug AND -blue)", [1, 3], id="parentheses"),
        pytest.param("title:(red OR blue)", [1, 2], id="parentheses over a field"),
        pytest.param("red OR blue status:draft", [2], id="or binds closer than standing side by side"),
        pytest.param("red or blue", [], id="lower-case connective is a word"),
        pytest.param("mug AND", [1, 2], id="connective that nothing follows"),
        pytest.param("(mug", [1, 2], id="parenthesis left open at the end"),
        # days and instants: the shop is in New York
        pytest.param("created_at:2026-11-01", [2], id="day of the shop's zone"),
        pytest.param("created_at:2026-10-31", [1], id="the evening before"),
        pytest.param("created_at:>2026-11-01", [3], id="after a day"),
        pytest.param("created_at:>=2026-11-01", [2, 3], id="from a day"),
        pytest.param("created_at:<2026-11-01", [1], id="before a day"),
        pytest.param("created_at:<=2026-11-01", [1, 2], id="until a day"),
        pytest.param('created_at:>"2026-11-01T03:30:00Z"', [2, 3], id="after an instant"),
        pytest.param('created_at:>="2026-11-01T03:30:00Z"', [1, 2, 3], id="from an instant"),
        pytest.param('created_at:<="2026-11-01T12:00:00Z"', [1, 2], id="until an instant"),
        pytest.param("created_at:>2026-11-01T23:00:00Z", [3], id="time of an unquoted instant is ignored"),
        pytest.param("created_at:soon", [], id="no date"),
        pytest.param("created_at:9999-12-31", [], id="last day there is"),
        pytest.param("created_at:0001-01-01", [], id="first day there is"),
    ],
)
def test_text_finds(text: str | None, numbers: list[int]) -> None:
    assert found(text) == numbers


@pytest.mark.parametrize(
    "text",
    ['"open', "title:", ")", "mug)", "AND", "(", "tag:(a", 'title:"', "''x'", "-", "NOT", ":", "()"],
)
def test_malformed_text_finds_nothing_or_little_and_is_no_error(text: str) -> None:
    assert set(found(text)) <= set(EVERYTHING)
    assert prepare(text, FIELDS).report([]) is None or warned(text)


@pytest.mark.parametrize("text", ['"open', "mug)", "tag:(a"])
def test_text_that_cannot_be_read_finds_nothing(text: str) -> None:
    with pytest.raises(Malformed):
        parse(text)

    assert found(text) == []


def test_unknown_field_is_reported_and_ignored() -> None:
    assert found("size:large") == EVERYTHING
    assert found("size:large mug") == [1, 2]
    assert found("mug OR size:large") == [1, 2]
    assert found("-size:large") == EVERYTHING
    assert warned("size:large mug") == [("size", "invalid_field")]


def test_value_that_an_enumeration_does_not_have_is_reported_and_ignored() -> None:
    assert found("status:gone") == EVERYTHING
    assert warned("status:gone") == [("status", "invalid_value")]


def test_free_text_where_only_fields_are_searched_is_reported() -> None:
    search = prepare("mug", {"title": words("title")})

    assert [warning["code"] for warning in search.warnings] == ["missing_named_field"]
    assert all(search.matches(row) for row in ROWS)


def test_report_shows_how_the_text_was_read() -> None:
    report = prepare("size:large price:>5", FIELDS).report(["products"])

    assert report == {
        "path": ["products"],
        "query": "size:large price:>5",
        "parsed": {"and": [{"field": "size", "match_all": "large"}, {"field": "price", "range_gt": "5"}]},
        "warnings": [{"field": "size", "message": "Invalid search field for this query.", "code": "invalid_field"}],
    }


PIECES = [
    *[
        "mug",
        "title:",
        "title:red",
        "created_at:",
        "2026-11-01",
        "price:>",
        "id:",
        "size:x",
        "owner_id:1/²",
        "created_at:>9999-12-31",
    ],
    *[
        '"',
        "'",
        "(",
        ")",
        "-",
        "*",
        "\\",
        " ",
        "\t",
        "\x00",
        ":",
        ">=",
        "AND",
        "OR",
        "NOT",
        "²",
        "٣",
        "9" * 30,
        "gid://shopify/X/1",
    ],
]
SYNTAX = st.lists(st.sampled_from(PIECES), max_size=15).map(" ".join)


@settings(max_examples=400)
@given(st.text(max_size=60) | SYNTAX | SYNTAX.map(lambda text: text.replace(" ", "")))
@example("id:²")
@example("owner_id:²")
@example("created_at:9999-12-31")
@example("created_at:>=0001-01-01")
@example("created_at:0001-01-01T00:00:00")
@example("price:1e999")
@example("price:nan")
@example("id:" + "9" * 5000)
@example("(" * 5000)
@example("-" * 5000 + "a")
@example("NOT " * 5000)
@example("title:(" * 5000)
@example(")" * 5000)
@example("\\")
def test_no_text_ever_raises(text: str) -> None:
    search = prepare(text, FIELDS)

    assert all(search.matches(row) in (True, False) for row in ROWS)
    assert search.report(["x"]) is None or search.warnings


@pytest.mark.parametrize(
    "text", [" " * 20_000, "a" * 20_000, "\\" * 20_000, "a:" * 10_000, '"' * 20_001, "a " * 10_000, "- " * 10_000]
)
def test_long_text_is_read_in_no_time(text: str) -> None:
    begun = time.monotonic()

    prepare(text, FIELDS)

    assert time.monotonic() - begun < 2.0


@given(st.text(min_size=1, max_size=30))
def test_whatever_our_own_client_quotes_finds_exactly_that(value: str) -> None:
    """The writing side is `shopify_admin.search_syntax`; the two know nothing of each other."""
    row = Row(_id=1, title=value, vendor=value)
    if not value.strip() or value != value.strip():
        return

    assert prepare(term("vendor", value), FIELDS).matches(row)
    assert not prepare(term("vendor", value), FIELDS).matches(Row(_id=2, title="other", vendor=value + "x"))


# Over HTTP


def test_search_finds_products_as_it_does_rows(empty_store: EmptyStore) -> None:
    for title in ("Red mug", "Blue mug", "Redwood bowl"):
        empty_store.data("mutation($t: String!) { productCreate(product: {title: $t}) { product { id } } }", t=title)
    query = "query($q: String) { products(first: 10, query: $q) { nodes { title } } }"

    def titles(text: str) -> list[Any]:
        return [node["title"] for node in empty_store.data(query, q=text)["nodes"]]

    assert titles("mug") == ["Red mug", "Blue mug"]
    assert titles("title:red* NOT mug") == ["Redwood bowl"]
    assert titles('"open') == []


def test_warnings_stand_in_the_extensions(empty_store: EmptyStore) -> None:
    answer = empty_store.answer('{ a: products(first: 1, query: "nonsense:1") { nodes { id } } }')

    (report,) = answer["extensions"]["search"]
    assert report["path"] == ["a"]
    assert report["query"] == "nonsense:1"
    assert [warning["code"] for warning in report["warnings"]] == ["invalid_field"]
