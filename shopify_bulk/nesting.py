"""Flat lines of a bulk result put into each other.

Children come as lines of their own that name their parent, in any order. They wait in a file beside, so that memory stays as it is
whatever the size: one root object with all below it is in memory at a time. Which list of its parent a child belongs into is not
said by its line; it follows from the query.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Final

from shopify_bulk.preparation import Branch, branches_of
from shopify_bulk.results import read_line
from shopify_kit.queries import load_queries

INSERT_ROWS: Final = 500
queries = load_queries("bulk_nesting")


def nested(lines: Iterable[bytes], query: str) -> Iterator[dict[str, Any]]:
    """Put children inside their parents, in lists named as the query names them, whatever the order of the lines.

    A line whose parent never comes is yielded like a root, with its `__parentId`: nothing is lost in silence.
    """
    with tempfile.TemporaryDirectory(prefix="shopify-bulk-") as folder, closing(sqlite3.connect(Path(folder, "lines"))) as book:
        for pragma in ("journal_mode", "synchronous"):  # the file is thrown away, so nothing need be safe in it
            book.execute(f"pragma {pragma} = off")
        book.execute(queries.make_lines)
        rows = (_row(line) for line in lines)
        while batch := list(islice(rows, INSERT_ROWS)):
            book.executemany(queries.add_line, batch)
        book.execute(queries.index_parents)
        book.execute(queries.index_ids)
        roots = branches_of(query)
        for (line,) in book.execute(queries.list_roots):
            document = read_line(line)
            yield _with_children(book, document, _branch_of(document, roots))


def _row(line: bytes) -> tuple[str | None, str | None, bytes]:
    document = read_line(line)
    return document.get("id"), document.get("__parentId"), line


def _with_children(
    book: sqlite3.Connection, document: dict[str, Any], branch: Branch | None, above: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Put an object's children into it; there are none below a connection that asks for none, though another one may do so."""
    inner = branch.inner if branch is not None else ()
    document.update({below.name: [] for below in inner if below.name not in document})
    identity = document.get("id")
    if (branch is not None and not inner) or not isinstance(identity, str) or identity in above:
        return document
    for (line,) in book.execute(queries.list_children, (identity,)).fetchall():
        child = read_line(line)
        del child["__parentId"]
        below = _branch_of(child, inner)
        name = below.name if below is not None else _plural(child)
        document.setdefault(name, []).append(_with_children(book, child, below, (*above, identity)))
    return document


def _branch_of(document: dict[str, Any], branches: Sequence[Branch]) -> Branch | None:
    """Find the connection that an object came from: of those that ask for its keys the one named like its kind, or the narrowest.

    `gid://shopify/ProductVariant/1` came from `variants` where the query has that.
    """
    keys = document.keys() - {"__parentId"}
    fitting = [branch for branch in branches if keys <= branch.keys]
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    flat = _plural(document).replace("_", "")
    named = [branch for branch in fitting if flat.endswith(branch.name.lower())]
    if named:
        return max(named, key=lambda branch: len(branch.name))
    return min(fitting, key=lambda branch: len(branch.keys))


def _plural(document: dict[str, Any]) -> str:
    """Name many of a kind: `product_variants` for `gid://shopify/ProductVariant/1`; `children` of no known kind."""
    identity = str(document.get("id") or "")
    kind = identity.split("/")[3] if identity.count("/") >= 4 else str(document.get("__typename") or "")
    if not kind:
        return "children"
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind).strip("_")
    return f"{snake[:-1]}ies" if snake.endswith("y") else f"{snake}es" if snake.endswith("s") else f"{snake}s"
