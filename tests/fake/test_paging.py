"""Connections: every row once, in order, whatever the size of the pages and the direction."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_shopify.failures import TopLevelError
from fake_shopify.paging import MAX_PAGE, by_id, decode_cursor, encode_cursor, instant, page, page_of_list, text
from fake_shopify.rows import Row, Seeded, Table
from tests.fake.conftest import EmptyStore

PRODUCTS = """
query Walk($first: Int, $last: Int, $after: String, $before: String, $sortKey: ProductSortKeys, $reverse: Boolean) {
  products(first: $first, last: $last, after: $after, before: $before, sortKey: $sortKey, reverse: $reverse) {
    nodes { title } edges { cursor node { title } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
SORTS = {"id": by_id, "title": text("title"), "created": instant("createdAt"), "stock": lambda row: row.get("stock")}

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "title": st.sampled_from(["b", "B", "a", "", "é"]),
            "createdAt": st.sampled_from(["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z", None]),
            "stock": st.none() | st.integers(-3, 3) | st.floats(-3, 3),
        }
    ),
    max_size=12,
).map(lambda rows: [Row(_id=number, **values) for number, values in enumerate(rows, 1)])


def walk(rows: list[Row], size: int, *, backwards: bool, **arguments: Any) -> Iterator[list[int]]:
    """Go through all pages with their cursors, as a client does."""
    key = arguments.pop("key")
    count, onward, more, edge = (
        ("last", "before", "hasPreviousPage", "startCursor") if backwards else ("first", "after", "hasNextPage", "endCursor")
    )
    cursor = None
    for _ in range(len(rows) + 2):
        connection = page(rows, {count: size, onward: cursor} | arguments, key=key)
        yield [row.number for row in connection["nodes"]]
        if not connection["pageInfo"][more]:
            return
        cursor = connection["pageInfo"][edge]
    pytest.fail("the pages do not end")


@given(ROWS, st.integers(1, 5), st.sampled_from(sorted(SORTS)), st.booleans())
def test_walking_forwards_visits_every_row_once_and_in_order(rows: list[Row], size: int, sort: str, reverse: bool) -> None:
    whole = [row.number for row in page(rows, {"first": 250, "reverse": reverse}, key=SORTS[sort])["nodes"]]

    pages = list(walk(rows, size, backwards=False, key=SORTS[sort], reverse=reverse))

    assert [number for numbers in pages for number in numbers] == whole
    assert sorted(whole) == [row.number for row in rows]


@given(ROWS, st.integers(1, 5), st.sampled_from(sorted(SORTS)), st.booleans())
def test_walking_backwards_visits_the_same_rows(rows: list[Row], size: int, sort: str, reverse: bool) -> None:
    whole = [row.number for row in page(rows, {"first": 250, "reverse": reverse}, key=SORTS[sort])["nodes"]]

    pages = list(walk(rows, size, backwards=True, key=SORTS[sort], reverse=reverse))

    assert [number for numbers in reversed(pages) for number in numbers] == whole


@given(ROWS, st.integers(0, 12), st.integers(1, 5))
def test_rows_that_come_and_go_do_not_move_a_cursor(rows: list[Row], gone: int, size: int) -> None:
    first = page(rows, {"first": size})
    if not first["pageInfo"]["hasNextPage"]:
        return
    left = [row for row in rows if row.number != gone]

    second = page(left, {"first": 250, "after": first["pageInfo"]["endCursor"]})

    assert [row.number for row in second["nodes"]] == [row.number for row in left if row.number > size]


@given(ROWS, st.integers(1, 5))
def test_lists_with_an_order_of_their_own_are_walked_in_it(rows: list[Row], size: int) -> None:
    rows, seen, cursor = rows[::-1], [], None
    while True:
        connection = page_of_list(rows, {"first": size, "after": cursor})
        seen += [row.number for row in connection["nodes"]]
        if not connection["pageInfo"]["hasNextPage"]:
            break
        cursor = connection["pageInfo"]["endCursor"]

    assert seen == [row.number for row in rows]


def test_order_is_by_value_then_by_id_and_nothing_comes_first() -> None:
    rows = [Row(_id=number, stock=stock) for number, stock in enumerate([2, None, 1.5, 2, "x"], 1)]

    assert [row.number for row in page(rows, {"first": 9}, key=SORTS["stock"])["nodes"]] == [2, 3, 1, 4, 5]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(by_id, "7", id="id as a text"),
        pytest.param(text("title"), "red mug", id="title in lower case"),
        pytest.param(instant("createdAt"), 1793491200000, id="epoch milliseconds"),
        pytest.param(instant("closedAt"), None, id="no instant"),
    ],
)
def test_cursor_is_base64_of_id_and_value(key: Any, value: Any) -> None:
    row = Row(_id=7, title="Red Mug", createdAt="2026-11-01T00:00:00Z", closedAt=None)

    cursor = page([row], {"first": 1}, key=key)["pageInfo"]["endCursor"]

    assert json.loads(base64.b64decode(cursor)) == {"last_id": 7, "last_value": value}


@given(st.integers(1, 2**63), st.none() | st.text() | st.integers() | st.floats(allow_nan=False))
def test_cursor_is_read_back(number: int, value: Any) -> None:
    assert decode_cursor(encode_cursor(Row(_id=number), value)) == (number, value)


def packed(document: Any) -> str:
    return base64.b64encode(json.dumps(document).encode()).decode()


FOREIGN = [
    "zz",
    "é",
    "=",
    base64.b64encode(b"not json").decode(),
    packed([]),
    packed({}),
    packed({"last_id": 1}),
    packed({"last_id": "1", "last_value": 1}),
    packed({"last_id": None, "last_value": 1}),
    packed({"last_id": 1, "last_value": []}),
    packed({"last_id": 1, "last_value": {"a": 1}}),
    base64.b64encode(b"[" * 100_000).decode(),
]


@pytest.mark.parametrize("cursor", FOREIGN, ids=range(len(FOREIGN)))
def test_foreign_cursor_is_refused(cursor: str) -> None:
    rows = [Row(_id=1), Row(_id=2)]

    for argument in ("after", "before"):
        with pytest.raises(TopLevelError, match="Invalid cursor"):
            page(rows, {"first": 1, argument: cursor})


@given(st.text(max_size=50), st.sampled_from(sorted(SORTS)))
def test_any_text_is_a_cursor_or_refused_and_nothing_worse(cursor: str, sort: str) -> None:
    try:
        page(
            [Row(_id=1, title="a", createdAt=None), Row(_id=2, title="b", createdAt=None)],
            {"first": 1, "after": cursor},
            key=SORTS[sort],
        )
    except TopLevelError as refused:
        assert refused.extensions == {"code": "BAD_REQUEST"}  # noqa: PT017 - most texts are refused, an empty one is not


# Over HTTP


@pytest.fixture
def seven(empty_store: EmptyStore) -> EmptyStore:
    """Seven products, made in an order that is neither that of their titles nor its opposite."""
    for title in ("d", "B", "g", "a", "F", "c", "e"):
        empty_store.data("mutation($t: String!) { productCreate(product: {title: $t}) { product { id } } }", t=title)
    return empty_store


@pytest.mark.parametrize(
    ("sort", "reverse", "titles"),
    [
        pytest.param("ID", False, "dBgaFce", id="as made"),
        pytest.param("ID", True, "ecFagBd", id="newest first"),
        pytest.param("TITLE", False, "aBcdeFg", id="by title whatever its case"),
        pytest.param("TITLE", True, "gFedcBa", id="by title backwards"),
        pytest.param("CREATED_AT", False, "dBgaFce", id="by age"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 7, 250])
def test_products_are_walked_in_pages(seven: EmptyStore, sort: str, reverse: bool, titles: str, size: int) -> None:
    seen, cursor, previous = "", None, []
    while True:
        connection = seven.data(PRODUCTS, first=size, after=cursor, sortKey=sort, reverse=reverse)
        seen += "".join(node["title"] for node in connection["nodes"])
        previous.append(connection["pageInfo"]["hasPreviousPage"])
        assert [edge["node"] for edge in connection["edges"]] == connection["nodes"]
        assert connection["pageInfo"]["endCursor"] == connection["edges"][-1]["cursor"]
        cursor = connection["pageInfo"]["endCursor"]
        if not connection["pageInfo"]["hasNextPage"]:
            break

    assert seen == titles
    assert previous == [False] + [True] * (len(previous) - 1)


def test_last_page_is_cut_from_the_end(seven: EmptyStore) -> None:
    connection = seven.data(PRODUCTS, last=3)

    assert [node["title"] for node in connection["nodes"]] == ["F", "c", "e"]
    assert connection["pageInfo"]["hasPreviousPage"]
    assert not connection["pageInfo"]["hasNextPage"]


def test_page_between_two_cursors_holds_what_lies_between(seven: EmptyStore) -> None:
    cursors = [edge["cursor"] for edge in seven.data(PRODUCTS, first=250)["edges"]]

    connection = seven.data(PRODUCTS, first=250, after=cursors[1], before=cursors[4])

    assert [node["title"] for node in connection["nodes"]] == ["g", "a"]


def test_empty_page_has_no_cursors(empty_store: EmptyStore) -> None:
    assert empty_store.data(PRODUCTS, first=5)["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param({}, "you must provide one of first or last", id="neither"),
        pytest.param({"first": 1, "last": 1}, "providing both first and last is not supported", id="both"),
        pytest.param({"first": MAX_PAGE + 1}, "first cannot exceed 250", id="too many"),
        pytest.param({"last": MAX_PAGE + 1}, "last cannot exceed 250", id="too many from the end"),
        pytest.param({"first": -1}, "first cannot be negative", id="negative"),
        pytest.param({"first": 1, "after": "zz"}, "Invalid cursor for current pagination sort.", id="foreign cursor"),
    ],
)
def test_page_that_cannot_be_cut_is_refused(empty_store: EmptyStore, arguments: dict[str, Any], words: str) -> None:
    answer = empty_store.answer(PRODUCTS, **arguments)

    assert answer["data"] is None
    assert [(error["message"], error["path"]) for error in answer["errors"]] == [(words, ["products"])]


# Tables that are made row by row


@given(st.integers(0, 30), st.lists(st.integers(0, 40), max_size=6), st.lists(st.integers(0, 40), max_size=6), st.booleans())
def test_seeded_table_shows_kept_made_and_removed_rows_in_order(
    count: int, kept: list[int], removed: list[int], reverse: bool
) -> None:
    seeded = Seeded(first_id=10, count=count, step=2, make=lambda index: Row(_id=10 + 2 * index, name=f"made {index}"))
    table = Table("Thing", seeded)
    for number in kept:
        if table.edit(number) is None:
            table.add(Row(_id=number, name="kept"))
    for number in removed:
        table.remove(number)

    expected = ({10 + 2 * index for index in range(count)} | set(kept)) - set(removed)
    assert [row.number for row in table.scan(reverse=reverse)] == sorted(expected, reverse=reverse)
    assert len(table) == len(expected)
    assert {number for number in range(80) if table.get(number) is not None} == expected


def test_change_of_a_seeded_row_is_kept_only_when_it_was_taken_to_edit() -> None:
    table = Table("Thing", Seeded(first_id=1, count=3, make=lambda index: Row(_id=index + 1, name="made")))

    for row, name in ((table.get(1), "lost"), (table.edit(2), "kept")):
        assert row is not None
        row["name"] = name

    assert [row["name"] for row in table] == ["made", "kept", "made"]


def test_window_over_seeded_instants_needs_no_scan() -> None:
    instants = {"createdAt": lambda index: f"2026-11-{index // 2 + 1:02}T00:00:00Z"}
    seeded = Seeded(first_id=1, count=10, make=lambda index: Row(_id=index + 1), instants=instants)

    bounds = [seeded.bound("createdAt", at) for at in ("2026-10-01", "2026-11-02T00:00:00Z", "2026-11-02T00:00:01Z", "2027-01-01")]

    assert bounds == [0, 2, 4, 10]
