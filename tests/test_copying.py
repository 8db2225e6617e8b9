"""Rows as CSV and texts in binary, read back from a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopify_kit.copying import BINARY_HEADER, BINARY_TRAILER, CSV_OPTIONS, TEXT_HEAD_BYTES, array_text, binary_texts, csv_rows
from shopify_kit.database import Connection, Database

VALUES = ["n bigint", "t text", "b boolean", "d numeric", "a text[]", "i timestamptz"]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


async def _source(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def _through_csv(conn: Connection, rows: list[Any]) -> list[tuple[Any, ...]]:
    await conn.execute(f"create table public.given ({', '.join(VALUES)})")
    columns = [value.split()[0] for value in VALUES]
    await conn.copy_to_table("given", source=_source(csv_rows(rows)), columns=columns, schema_name="public", **CSV_OPTIONS)
    found = [tuple(row.values()) for row in await conn.fetch("select * from public.given order by n")]
    await conn.execute("drop table public.given")
    return found


async def _through_binary(conn: Connection, group: int, numbers: list[int], texts: list[bytes]) -> list[tuple[Any, ...]]:
    await conn.execute("create table public.texts (shop_id bigint, n bigint, t text)")
    source = _source(BINARY_HEADER, binary_texts(group, numbers, texts), BINARY_TRAILER)
    await conn.copy_to_table("texts", source=source, columns=["shop_id", "n", "t"], schema_name="public", format="binary")
    return [tuple(row.values()) for row in await conn.fetch("select * from public.texts order by n")]


def test_rows_come_back_as_they_went_in(database: Database) -> None:
    moment = datetime(2026, 11, 21, 6, 7, 8, tzinfo=UTC)
    rows = [
        (
            1,
            "plain",
            True,
            "24.50",
            array_text(["a", "b c", 'say "x"', "back\\slash", "", "null", "comma,", "{}", " edge "]),
            moment,
        ),
        (2, None, None, None, None, None),
        (3, "null", False, "-0.001", array_text([]), moment),
        (2**63 - 1, 'quote " back \\ slash \\n', True, "100000000000.125", array_text(["ü😀"]), moment),
    ]

    found = database.run(_through_csv, rows)

    items = ["a", "b c", 'say "x"', "back\\slash", "", "null", "comma,", "{}", " edge "]
    assert [row[:3] for row in found] == [row[:3] for row in rows]
    assert [row[4] for row in found] == [items, None, [], ["ü😀"]]
    assert [str(row[3]) for row in found] == ["24.50", "None", "-0.001", "100000000000.125"]
    assert [row[5] for row in found] == [moment, None, moment, moment]


def test_any_text_comes_back(database: Database) -> None:
    texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
    nasty = st.text('\\"nrtbfu0\n\r\t\b\f\x01\x1f,[]{}', max_size=12)

    @settings(max_examples=40, deadline=None)
    @given(st.lists(texts | nasty, min_size=1, max_size=20))
    def check(given_texts: list[str]) -> None:
        rows = [(place, text, None, None, array_text([text, text]), None) for place, text in enumerate(given_texts)]
        assert [(row[1], row[4]) for row in database.run(_through_csv, rows)] == [(text, [text, text]) for text in given_texts]

    check()


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        pytest.param("a\0b", "a\ufffdb", id="zero"),
        pytest.param("half \ud83d pair", "half \ufffd pair", id="high_half"),
        pytest.param("\udc00", "\ufffd", id="low_half"),
        pytest.param("\\u0000 is text", "\\u0000 is text", id="spelt_out"),
    ],
)
def test_what_postgres_cannot_hold_is_replaced_by_its_sign(database: Database, text: str, stored: str) -> None:
    found = database.run(_through_csv, [(1, text, None, None, None, None)])

    assert found[0][1] == stored


def test_no_rows_are_no_bytes() -> None:
    assert csv_rows([]) == b""


def test_large_texts_go_as_they_are(database: Database) -> None:
    texts = [b'{"a":"\\u0000 \\ud83d"}', b"x" * 100_000, "ü\n\\".encode(), b""]

    found = database.run(_through_binary, 7, [-1, 2, 3, 2**62], texts)

    assert found == [(7, number, text.decode()) for number, text in zip([-1, 2, 3, 2**62], texts, strict=True)]
    assert len(binary_texts(7, [1], [b"abc"])) == TEXT_HEAD_BYTES + 3
