"""Values in PostgreSQL's binary form, read back from a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopify_kit import copying
from shopify_kit.database import Connection, Database

KINDS: dict[str, Any] = {
    "text": copying.text,
    "integer": copying.int4,
    "bigint": copying.int8,
    "boolean": copying.boolean,
    "timestamptz": copying.instant,
    "numeric": copying.numeric,
    "text[]": copying.text_array,
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


async def _round_trip(conn: Connection, kind: str, pieces: list[bytes], shown: str) -> list[Any]:
    async def source() -> AsyncIterator[bytes]:
        yield copying.HEADER
        for piece in pieces:
            yield copying.row_head(1) + piece
        yield copying.TRAILER

    await conn.execute(f"create temporary table given (place integer generated always as identity, value {kind}) on commit drop")
    schema = await conn.fetchval("select nspname from pg_namespace where oid = pg_my_temp_schema()")
    await conn.copy_to_table("given", source=source(), columns=["value"], schema_name=schema, format="binary")
    return [row["value"] for row in await conn.fetch(f"select value{shown} as value from given order by place")]


def round_trip(database: Database, kind: str, values: list[Any], *, shown: str = "") -> list[Any]:
    return database.run(_round_trip, kind, [KINDS[kind](value) for value in values], shown)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        pytest.param("text", ["", "plain", "tab\tnewline\n\\", "Pavé 😀", "x" * 5000, None], id="text"),
        pytest.param("integer", [0, -1, 2**31 - 1, -(2**31), None], id="integer"),
        pytest.param("bigint", [0, 2**63 - 1, -(2**63), None], id="bigint"),
        pytest.param("boolean", [True, False, None], id="boolean"),
        pytest.param("text[]", [[], ["a"], ["b", "", "ü,{}\"'"], None], id="text_array"),
        pytest.param(
            "timestamptz",
            [datetime(1999, 12, 31, 23, 59, 59, 5, tzinfo=UTC), datetime(2026, 11, 21, 6, 7, 8, tzinfo=UTC), None],
            id="timestamptz",
        ),
    ],
)
def test_a_value_comes_back_as_it_went_in(database: Database, kind: str, values: list[Any]) -> None:
    assert round_trip(database, kind, values) == values


AMOUNTS = ["0", "0.0", "24.0", "655.89", "9999.9999", "10000", "12345678.9", "0.001", "-7.5", "100000000000.125"]


@pytest.mark.parametrize("amount", AMOUNTS)
def test_an_amount_keeps_its_value_and_its_digits(database: Database, amount: str) -> None:
    assert round_trip(database, "numeric", [amount], shown="::text") == [amount]


def test_any_amount_is_the_same_amount(database: Database) -> None:
    amounts = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12)

    @settings(max_examples=25, deadline=None)
    @given(st.lists(amounts, min_size=20))
    def check(given_amounts: list[Decimal]) -> None:
        assert round_trip(database, "numeric", [format(amount, "f") for amount in given_amounts]) == given_amounts

    check()


@pytest.mark.parametrize("bad", ["", "1e5", "abc", "1.", ".5", "1.5.5", "١", "--1", "-", "NaN", "1" * 100, " 1", "1_0"])
def test_what_is_no_amount_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="decimal"):
        copying.numeric(bad)


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        pytest.param("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), id="utc"),
        pytest.param("2026-01-02T03:04:05-05:00", datetime(2026, 1, 2, 8, 4, 5, tzinfo=UTC), id="offset"),
        pytest.param("2026-01-02T03:04:05.25Z", datetime(2026, 1, 2, 3, 4, 5, 250_000, tzinfo=UTC), id="fraction"),
    ],
)
def test_an_instant_is_read_with_its_zone(value: str, instant: datetime) -> None:
    assert copying.iso_instant(value) == copying.instant(instant)


@pytest.mark.parametrize("bad", ["2026-01-02T03:04:05", "yesterday", ""])
def test_what_is_no_instant_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"instant|isoformat"):
        copying.iso_instant(bad)


def test_what_postgres_cannot_hold_is_replaced_by_its_sign(database: Database) -> None:
    values = ["a\0b", "half \ud83d pair", "\udc00"]

    assert round_trip(database, "text", values) == ["a\ufffdb", "half \ufffd pair", "\ufffd"]


def test_remembered_pieces_are_bounded_and_right() -> None:
    pieces = copying.Pieces(copying.numeric, limit=3)

    written = [pieces[f"{number}.5"] for number in range(10)]

    assert written == [copying.numeric(f"{number}.5") for number in range(10)]
    assert len(pieces) <= 3


def test_an_instant_far_away_is_not_rounded(database: Database) -> None:
    moments = [datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=days, microseconds=1) for days in (-40_000, 0, 40_000)]

    assert round_trip(database, "timestamptz", moments) == moments
