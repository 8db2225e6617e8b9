"""Fixtures of the tests in which the fake store delivers: modules take them with `pytest_plugins`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.databases import fresh_database
from tests.delivering_host import DeliveringHost, MakeDelivering, run_delivering_host
from tests.fake_store import FakeStore, run_fake_store
from tests.web_host import STANDARD, USERS, WEBHOOK_URL, Host, empty_inbox, give_plenty, run_connected_host, run_host

KEY = "1" * 64


@pytest.fixture(scope="module")
def delivering_store() -> Iterator[FakeStore]:
    """A fake store for deliveries: a shop for each user, and one that nobody is connected to."""
    with run_fake_store("--orders", "0", "--shops", "4") as store:
        yield store


@pytest.fixture
def make_delivering(postgres: str, migrated_template: str, delivering_store: FakeStore, tmp_path: Path) -> Iterator[MakeDelivering]:
    """Make hosts that the store as at its start delivers to, signing with the secret that they know."""
    delivering_store.reset()
    for shop in delivering_store.shops:
        give_plenty(delivering_store, shop)
    with ExitStack() as stack:

        def make(*, is_connected: bool = True, dsn: str | None = None, **config: Any) -> DeliveringHost:
            dsn = dsn or stack.enter_context(fresh_database(postgres, template=migrated_template))[1]
            settings = {"SHOPIFY_WEBHOOK_SECRET": delivering_store.client_secret, "SHOPIFY_WEBHOOK_URL": WEBHOOK_URL} | config
            run = run_connected_host if is_connected else run_host
            made = stack.enter_context(run(dsn, delivering_store, tmp_path, **settings))
            made.shops = made.shops or dict(zip((*USERS, "nobody"), delivering_store.shops, strict=True))
            return stack.enter_context(run_delivering_host(made))

        yield make


@pytest.fixture(scope="module")
def connected_dsn(
    postgres: str, migrated_template: str, delivering_store: FakeStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database in which the users are connected, for the tests of a module that leave that as it is."""
    folder = tmp_path_factory.mktemp("connected")
    with fresh_database(postgres, template=migrated_template) as (_, dsn):
        with run_connected_host(dsn, delivering_store, folder, SHOPIFY_TOKEN_KEYS=KEY):
            pass
        yield dsn


@pytest.fixture
def delivering(make_delivering: MakeDelivering, connected_dsn: str) -> DeliveringHost:
    """A connected host that the store delivers to; nothing has come yet."""
    empty_inbox(connected_dsn)
    settings = {name: value for name, value in STANDARD.items() if name != "SHOPIFY_WEBHOOK_SECRET"}
    return make_delivering(is_connected=False, dsn=connected_dsn, SHOPIFY_TOKEN_KEYS=KEY, **settings)


@pytest.fixture
def inbox_host(connected_dsn: str, delivering_store: FakeStore, tmp_path: Path) -> Iterator[Host]:
    """A connected host to which tests deliver by themselves; nothing has come yet."""
    empty_inbox(connected_dsn)
    with run_host(connected_dsn, delivering_store, tmp_path, SHOPIFY_TOKEN_KEYS=KEY, **STANDARD) as host:
        host.shops = dict(zip((*USERS, "nobody"), delivering_store.shops, strict=True))
        yield host
