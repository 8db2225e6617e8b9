"""Fixtures of the tests of bulk operations: modules take them with `pytest_plugins = ("tests.bulk_fixtures",)`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bulk_shop import USER, BulkShop
from tests.databases import fresh_database
from tests.fake_store import FakeStore, run_fake_store
from tests.web_host import STANDARD, Host, give_plenty, run_host, run_sql

FORGET = "truncate shopify.bulk_operations, shopify.jobs, shopify.leases, shopify.dead_jobs cascade"


@pytest.fixture(scope="session")
def bulk_store() -> Iterator[FakeStore]:
    """A fake store with some orders, for operations in bulk."""
    with run_fake_store("--orders", "60", "--seed", "11") as store:
        yield store


@pytest.fixture(scope="module")
def bulk_host(
    postgres: str, migrated_template: str, bulk_store: FakeStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    """One backend for all tests of a module."""
    with (
        fresh_database(postgres, template=migrated_template) as (_, dsn),
        run_host(dsn, bulk_store, tmp_path_factory.mktemp("host"), **STANDARD) as host,
    ):
        host.shops = {"alice": bulk_store.shop}
        yield host


@pytest.fixture
def bulk(bulk_host: Host, bulk_store: FakeStore) -> BulkShop:
    """A connected shop as at the start, without operations; work is done when the test asks for it."""
    bulk_store.reset()
    give_plenty(bulk_store, bulk_store.shop)
    run_sql(bulk_host.dsn, FORGET)
    assert bulk_host.connect("alice", bulk_store.shop).status_code == 200
    return BulkShop(bulk_host, bulk_store.shop, bulk_host.integration.installations.find(USER).id)
