"""SQL by name, from files."""

from __future__ import annotations

from importlib import resources

import pytest

from shopify_kit.queries import load_queries, parse_queries

TWO = """-- What this file is for.

-- name: find_token
-- Which token serves this shop?
select token_id
from shopify.tokens where shop_id = $1;

-- name: touch_token
-- Note that it was used.
update shopify.tokens set updated_at = now() where shop_id = $1
"""


def test_a_query_is_read_by_its_name_and_carries_it() -> None:
    queries = parse_queries("vault", TWO)

    assert queries.find_token == "/* vault.find_token */ select token_id\nfrom shopify.tokens where shop_id = $1"
    assert list(queries) == ["find_token", "touch_token"]


def test_an_unknown_name_fails_with_the_names_there_are() -> None:
    queries = parse_queries("vault", TWO)

    with pytest.raises(AttributeError, match=r"vault\.sql has no query 'find_tokens'; it has: find_token, touch_token"):
        _ = queries.find_tokens


def test_a_file_that_is_not_there_fails_at_load() -> None:
    with pytest.raises(FileNotFoundError, match=r"nobody\.sql"):
        load_queries("nobody")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param(TWO + "\n-- name: find_token\n-- Again.\nselect 1", "'find_token' is there twice", id="duplicate"),
        pytest.param("-- name: find_token\nselect 1", "says in a comment what the query answers", id="no comment line"),
        pytest.param("-- name: find_token\n-- Which?\n;", "the query 'find_token' is empty", id="empty"),
        pytest.param("-- name: Find-Token\n-- Which?\nselect 1", "'Find-Token' is not a name", id="malformed name"),
        pytest.param("select 1;\n" + TWO, "before the first", id="statement without a name"),
    ],
)
def test_a_malformed_file_fails_at_load(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_queries("vault", text)


@pytest.mark.parametrize(
    "owner",
    sorted(
        file.name.removesuffix(".sql")
        for file in resources.files("shopify_kit").joinpath("sql").iterdir()
        if file.name.endswith(".sql") and file.name != "schema.sql"
    ),
)
def test_every_file_of_the_kit_loads(owner: str) -> None:
    assert list(load_queries(owner))
