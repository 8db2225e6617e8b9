"""GraphQL documents: one operation per file under `graphql/`, named like the file, with a header that says scopes and cost.

# scopes: read_products
# cost: 22
query ListProducts($first: Int!, …) { … }
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable

from msgspec import Struct

HEADER = re.compile(r"^#[ \t]*(?P<name>scopes|cost|fragments)[ \t]*:[ \t]*(?P<value>.*)$", re.MULTILINE)
OPERATION = re.compile(r"^(?P<kind>query|mutation)\s+(?P<name>[A-Za-z]\w*)", re.MULTILINE)


class Document(Struct, frozen=True):
    """One operation.

    Args:
        name: the operation's name, also the file's and what logs show.
        scopes: access scopes it needs, all of them.
        cost: points requested with the page sizes that its callers use; the first guess for the rate limit.
        is_mutation: whether it writes.
        is_idempotent: a mutation that carries `@idempotent`, and may therefore be sent again.
    """

    name: str
    text: str
    scopes: tuple[str, ...]
    cost: int
    is_mutation: bool
    is_idempotent: bool


def parse_document(name: str, text: str, fragments: Mapping[str, str] | None = None) -> Document:
    """Read a document and its header.

    Raises:
        ValueError: not one operation of that name, or no header.
    """
    found = OPERATION.findall(text)
    if len(found) != 1 or found[0][1] != name:
        raise ValueError(f"{name}.graphql must hold one operation named {name}")
    header = {match["name"]: match["value"].strip() for match in HEADER.finditer(text)}
    if not {"scopes", "cost"} <= set(header) or not header["cost"].isdigit():
        raise ValueError(f"{name}.graphql must begin with '# scopes: …' and '# cost: …'")
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#")).strip()
    parts = [body, *((fragments or {})[name].strip() for name in _listed(header.get("fragments", "")))]
    is_mutation = found[0][0] == "mutation"
    return Document(name, "\n\n".join(parts), _listed(header["scopes"]), int(header["cost"]), is_mutation, "@idempotent" in body)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(item for item in re.split(r"[,\s]+", text) if item)


class Documents:
    """All documents, read once from the package."""

    def __init__(self) -> None:
        folder = resources.files("shopify_kit").joinpath("graphql")
        fragments = dict(_texts(folder.joinpath("fragments")))
        self._documents = {name: parse_document(name, text, fragments) for name, text in _texts(folder)}

    def __getitem__(self, name: str) -> Document:
        return self._documents[name]

    def __iter__(self) -> Iterator[Document]:
        return iter(self._documents.values())


def _texts(folder: Traversable) -> Iterator[tuple[str, str]]:
    """Yield name and text of the `.graphql` files of a folder, by name."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".graphql"):
            yield entry.name.removesuffix(".graphql"), entry.read_text("utf-8")
