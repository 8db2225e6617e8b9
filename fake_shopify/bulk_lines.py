"""The lines of a result: which objects become lines, in which order, and the bytes of a line.

Captured, from the sizes of recorded files: a line ends with a newline, slashes are written `\\/`, and `&` as `\\u0026` (the
files of bulk_operations-002, 024, 040 agree to the byte). Source: …/bulk-operations/queries (a nested object is a line of its own
with `__parentId`; children come after their parent, with `groupObjects` right after it; read 2026-11). Assumed: `<` and `>` are
escaped like `&`; `__parentId` names the node of the connection above, through objects between; objects at the root are no lines,
only nodes of connections are; without `groupObjects` some parents come before their children.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from fake_shopify.bulk_selection import Children, Connected

PARENT = "__parentId"
FLAT_RUN = 50
"""So many objects come before the children of the first of them, where children are not grouped."""

Object = dict[str, Any]
Portion = list[tuple[Connected, Any]]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
ESCAPES = {"/": "\\/", "&": "\\u0026", "<": "\\u003c", ">": "\\u003e", "\u2028": "\\u2028", "\u2029": "\\u2029"}
SURROGATES = re.compile("[\ud800-\udfff]")


def line_of(found: Object) -> bytes:
    """Write one object as a line."""
    text = _encode(found)
    for sign, escaped in ESCAPES.items():
        text = text.replace(sign, escaped)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return SURROGATES.sub(lambda one: f"\\u{ord(one[0]):04x}", text).encode() + b"\n"


class Result:
    """The objects of a bulk query, each parent before its children.

    Args:
        grouped: children stand right behind their parent.
        most_children: a nested connection is cut off there (a fault).
        omit_every: of so many objects at the root the last is left out (a fault).
    """

    def __init__(
        self, roots: Iterable[Children], *, grouped: bool, most_children: int | None = None, omit_every: int | None = None
    ) -> None:
        stream = ((one.source, row) for one in roots for row in one.rows)
        self._stream = (one for place, one in enumerate(stream, 1) if not omit_every or place % omit_every)
        self._run, self._most = 1 if grouped else FLAT_RUN, most_children

    def portions(self) -> Iterator[Portion]:
        """Yield what is left of the objects at the root in runs, not yet looked at."""
        while portion := list(islice(self._stream, FLAT_RUN)):
            yield portion

    def write(self, portion: Portion) -> Iterator[Object]:
        """Yield the objects of a portion."""
        return self._objects(((source, row, None) for source, row in portion))

    def __iter__(self) -> Iterator[Object]:
        for portion in self.portions():
            yield from self.write(portion)

    def _objects(self, stream: Iterator[tuple[Connected, Any, str | None]]) -> Iterator[Object]:
        while chosen := list(islice(stream, self._run)):
            below: list[tuple[Children, str]] = []
            for source, row, parent in chosen:
                children: list[Children] = []
                line = source.write(row, children)
                if parent is not None:
                    line[PARENT] = parent
                yield line
                below += [(child, line["id"]) for child in children]
            if below:
                yield from self._objects(self._rows(below))

    def _rows(self, below: list[tuple[Children, str]]) -> Iterator[tuple[Connected, Any, str | None]]:
        return ((one.source, row, parent) for one, parent in below for row in islice(one.rows, self._most))


def shuffled(found: Iterator[Object], seed: int, window: int) -> Iterator[Object]:
    """Yield objects in another order, children before their parents too, none further than about `window` lines from its place."""
    dice, held = random.Random(seed), list(islice(found, window))
    for one in found:
        place = dice.randrange(len(held))
        held[place], one = one, held[place]
        yield one
    dice.shuffle(held)
    yield from held
