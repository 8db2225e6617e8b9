"""Fixtures of the mirror's tests: `pytest_plugins = ("tests.mirror_fixtures",)`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shopify_kit.database import Database
from tests.mirror_bench import Bench


@pytest.fixture
def bench(database_url: str) -> Iterator[Bench]:
    """A mirror of this test's own."""
    database = Database(database_url)
    yield Bench(database)
    database.close()
