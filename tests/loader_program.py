"""Loads a result and kills itself at a named point: `before <verb> <n>`, `after <verb> <n>`, or `copying <n>` in the nth chunk.

Started with a DSN, the result's file, and the point.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from shopify_kit.database import Database
from shopify_mirror import staging
from shopify_mirror.loading import Loader
from tests.mirror_bench import AS_OF, SHOP, expected_of, source_of

CHUNK_BYTES = 40_000


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Mortal(Database):
    """A database bridge whose process dies at a point."""

    def __init__(self, dsn: str, point: str) -> None:
        super().__init__(dsn)
        self.point = point
        self.seen: Counter[str] = Counter()

    def run(self, verb: Any, /, *args: Any, **options: Any) -> Any:
        name = verb.__name__.strip("_")
        self.seen[name] += 1
        here = f"{name} {self.seen[name]}"
        if self.point == f"before {here}":
            die()
        result = super().run(verb, *args, **options)
        if self.point == f"after {here}":
            die()
        return result


def die_while_copying(number: int) -> None:
    """Let the process die when the nth chunk is half copied."""
    copy_rows, copies = staging._copy_rows, Counter[int]()

    async def copy(conn: Any, table: Any, parts: Any) -> None:
        await copy_rows(conn, table, parts)
        copies[0] += 1
        if copies[0] == number * 2:
            die()

    staging._copy_rows = copy


def main(dsn: str, file: str, point: str) -> None:
    if point.startswith("copying"):
        die_while_copying(int(point.split()[1]))
    data = Path(file).read_bytes()
    loader = Loader(Mortal(dsn, point), chunk_bytes=CHUNK_BYTES)
    loader.load(SHOP, "orders", source_of(data), run="one", as_of=AS_OF, expected=expected_of(data), watermark=AS_OF)


if __name__ == "__main__":
    main(*sys.argv[1:])
