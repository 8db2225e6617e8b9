"""Databases of a test's own, made and dropped in milliseconds."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager

from shopify_kit.embedded_postgres import create_database, drop_database

_NUMBERS = itertools.count(1)


@contextmanager
def fresh_database(server_dsn: str, *, template: str = "template1") -> Iterator[tuple[str, str]]:
    """Make a database for as long as it is needed and give its (name, DSN)."""
    name = f"shopify_test_{os.getpid()}_{next(_NUMBERS)}"
    dsn = create_database(server_dsn, name, template=template)
    try:
        yield name, dsn
    finally:
        drop_database(server_dsn, name)
