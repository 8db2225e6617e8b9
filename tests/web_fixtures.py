"""Fixtures of the tests that speak to a host: modules take them with `pytest_plugins = ("tests.web_fixtures",)`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.databases import fresh_database
from tests.fake_store import FakeStore, run_fake_store
from tests.web_host import Host, LogBook, Outbound, give_plenty, keep_logs, run_connected_host, run_host, watch_outbound


@pytest.fixture(scope="session")
def web_store() -> Iterator[FakeStore]:
    """A fake store with a shop for each user and one that nobody is connected to."""
    with run_fake_store("--orders", "0", "--shops", "4") as store:
        for shop in store.shops:
            give_plenty(store, shop)
        yield store


@pytest.fixture(scope="module")
def host(postgres: str, migrated_template: str, web_store: FakeStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """One connected backend for all tests of a module that leave no traces, or only under names of their own."""
    with (
        fresh_database(postgres, template=migrated_template) as (_, dsn),
        run_connected_host(dsn, web_store, tmp_path_factory.mktemp("host")) as made,
    ):
        yield made


@pytest.fixture
def fresh_host(database_url: str, web_store: FakeStore, tmp_path: Path) -> Iterator[Host]:
    """A connected backend of this test's own, on a database of its own."""
    with run_connected_host(database_url, web_store, tmp_path) as made:
        yield made


@pytest.fixture
def outbound() -> Iterator[Outbound]:
    """What leaves for Shopify during the test."""
    with watch_outbound() as watched:
        yield watched


@pytest.fixture
def logs() -> Iterator[LogBook]:
    """What is logged during the test."""
    with keep_logs() as book:
        yield book


@pytest.fixture
def make_host(postgres: str, migrated_template: str, web_store: FakeStore, tmp_path: Path) -> Iterator[Callable[..., Host]]:
    """Make backends with settings of their own, each on a database of its own."""
    with ExitStack() as stack:

        def make(*, is_connected: bool = True, dsn: str | None = None, **config: Any) -> Host:
            dsn = dsn or stack.enter_context(fresh_database(postgres, template=migrated_template))[1]
            run = run_connected_host if is_connected else run_host
            made = stack.enter_context(run(dsn, web_store, tmp_path, **config))
            made.shops = made.shops or dict(zip(("alice", "mallory", "bob", "nobody"), web_store.shops, strict=True))
            return made

        yield make
