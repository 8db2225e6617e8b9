"""SQL by name: reads `shopify_kit/sql/<owner>.sql`, whose statements stand under `-- name: verb_noun`.

    -- name: find_token
    -- Which token serves this shop and app?
    select … from shopify.tokens where shop_id = $1;

Only the owner of a file loads it, once, as a constant of its module: `queries = load_queries("vault")`, then
`await conn.fetchrow(queries.find_token, shop_id)`. A statement is sent with its name in front (`/* vault.find_token */`), so that
`pg_stat_activity` and the server's log lead back to the file. Running the statements is the caller's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources

_HEADING = re.compile(r"^-- name:(.*)$", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class Queries:
    """The statements of one file, read as attributes: `queries.find_token -> str`."""

    def __init__(self, owner: str, statements: dict[str, str]) -> None:
        self._owner = owner
        self._statements = statements

    def __getattr__(self, name: str) -> str:
        try:
            return self._statements[name]
        except KeyError:
            known = ", ".join(sorted(self._statements))
            raise AttributeError(f"{self._owner}.sql has no query {name!r}; it has: {known}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)


def load_queries(owner: str) -> Queries:
    """Load `shopify_kit/sql/<owner>.sql`, also from a wheel.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a name is malformed or there twice, or a statement is empty or lacks its comment line.
    """
    text = resources.files("shopify_kit").joinpath("sql", f"{owner}.sql").read_text("utf-8")
    return parse_queries(owner, text)


def parse_queries(owner: str, text: str) -> Queries:
    """Read the statements from the text of a file; see `load_queries`."""
    statements: dict[str, str] = {}
    before, *pieces = _HEADING.split(text)
    if any(line.strip() and not line.startswith("--") for line in before.splitlines()):
        raise ValueError(f"{owner}.sql: a statement stands before the first '-- name:' line")
    for heading, body in zip(pieces[::2], pieces[1::2], strict=True):
        name = heading.strip()
        if not _NAME.fullmatch(name):
            raise ValueError(f"{owner}.sql: {name!r} is not a name; write '-- name: verb_noun'")
        if name in statements:
            raise ValueError(f"{owner}.sql: the name {name!r} is there twice")
        statements[name] = f"/* {owner}.{name} */ {_statement(owner, name, body)}"
    return Queries(owner, statements)


def _statement(owner: str, name: str, body: str) -> str:
    comment, _, statement = body.lstrip("\n").partition("\n")
    if not comment.startswith("-- "):
        raise ValueError(f"{owner}.sql: the line after '-- name: {name}' says in a comment what the query answers")
    statement = statement.strip().removesuffix(";").rstrip()
    if not statement:
        raise ValueError(f"{owner}.sql: the query {name!r} is empty")
    return statement
