"""GraphQL documents: one operation per file under `graphql/`, named like the file, with a header that says scopes and cost.

# scopes: read_products
# cost: 22
query ListProducts($first: Int!, …) { … }
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

HEADER = re.compile(r"^#\s*(?P<name>scopes|cost)\s*:\s*(?P<value>.*)$", re.MULTILINE)
OPERATION = re.compile(r"^(?P<kind>query|mutation)\s+(?P<name>[A-Za-z]\w*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
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


def parse_document(name: str, text: str) -> Document:
    """Read a document and its header.

    Raises:
        ValueError: not one operation of that name, or no header.
    """
    found = OPERATION.findall(text)
    if len(found) != 1 or found[0][1] != name:
        raise ValueError(f"{name}.graphql must hold one operation named {name}")
    header = {match["name"]: match["value"].strip() for match in HEADER.finditer(text)}
    if set(header) != {"scopes", "cost"} or not header["cost"].isdigit():
        raise ValueError(f"{name}.graphql must begin with '# scopes: …' and '# cost: …'")
    scopes = tuple(scope for scope in re.split(r"[,\s]+", header["scopes"]) if scope)
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    return Document(name, body.strip(), scopes, int(header["cost"]), found[0][0] == "mutation", "@idempotent" in body)


class Documents:
    """All documents, read once from the package."""

    def __init__(self) -> None:
        folder = resources.files("shopify_kit").joinpath("graphql")
        files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".graphql"))
        names = [file.removesuffix(".graphql") for file in files]
        self._documents = {name: parse_document(name, folder.joinpath(f"{name}.graphql").read_text("utf-8")) for name in names}

    def __getitem__(self, name: str) -> Document:
        return self._documents[name]

    def __iter__(self) -> Iterator[Document]:
        return iter(self._documents.values())
