"""What the whole suite stands on: one PostgreSQL server, fresh databases cloned from a migrated one, one fake store.

`TEST_DATABASE_URL` names a server to use instead of an embedded one (its account may create databases); `TEST_PG_BIN` names the
directory of another PostgreSQL's binaries.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from shopify_kit.database import Database
from shopify_kit.embedded_postgres import EmbeddedPostgres
from shopify_kit.migrations import migrate
from tests.databases import fresh_database
from tests.fake_store import FakeStore, run_fake_store
from tests.shared_data import SHARED_DATA

# How long a machine takes says nothing about what is tested.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# Work in the background is what a test asks for, and nothing else.
os.environ.setdefault("SHOPIFY_WORKER", "off")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The DSN of a server's administrative database; take `database_url` for a database to work in."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    bin_dir = os.environ.get("TEST_PG_BIN")
    with EmbeddedPostgres(durable=False, settings={"max_connections": 300}, bin_dir=Path(bin_dir) if bin_dir else None) as server:
        yield server.dsn()


@pytest.fixture(scope="session")
def migrated_template(postgres: str) -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    with fresh_database(postgres) as (name, dsn):
        database = Database(dsn=dsn)
        try:
            migrate(database)
        finally:
            database.close()
        yield name


@pytest.fixture
def database_url(postgres: str, migrated_template: str) -> Iterator[str]:
    """The DSN of a migrated database of this test's own."""
    with fresh_database(postgres, template=migrated_template) as (_, dsn):
        yield dsn


@pytest.fixture
def empty_database_url(postgres: str) -> Iterator[str]:
    """The DSN of a database of this test's own, without any of our tables."""
    with fresh_database(postgres) as (_, dsn):
        yield dsn


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The directory of recorded data; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("recorded data (../shared/data) are absent")
    return SHARED_DATA


@pytest.fixture(scope="session")
def fake_store() -> Iterator[FakeStore]:
    """The one fake store of the session: two seeded shops, with whatever the tests before did to them."""
    with run_fake_store("--orders", "60", "--seed", "7", "--shops", "2") as store:
        yield store


@pytest.fixture
def fresh_fake_store(fake_store: FakeStore) -> FakeStore:
    """The fake store of the session as at its start."""
    fake_store.reset()
    return fake_store
