"""An empty fake store as a process, reset before each test, a client that speaks GraphQL to it, and a receiver of deliveries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fake.delivering import Delivering
from tests.fake.empty_store import TOKEN, EmptyStore
from tests.fake.receiver import Receiver, running_receiver
from tests.fake_store import FakeStore, run_fake_store

__all__ = ["TOKEN", "EmptyStore"]


@pytest.fixture(scope="session")
def empty_process() -> Iterator[FakeStore]:
    """One process for all tests of the fake."""
    with run_fake_store("--empty") as store:
        yield store


@pytest.fixture
def empty_store(empty_process: FakeStore) -> EmptyStore:
    """A store in its first state: two locations, nothing else."""
    empty_process.reset()
    return EmptyStore(empty_process.base_url)


@pytest.fixture(scope="session")
def receiver_process() -> Iterator[Receiver]:
    """One receiver for all tests of deliveries."""
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def delivering(empty_process: FakeStore, empty_store: EmptyStore, receiver_process: Receiver) -> Delivering:
    """An empty store whose deliveries for `https://app.example` reach a receiver that has got nothing yet."""
    found = Delivering(empty_process, empty_store, receiver_process)
    # What the test before left under way must not arrive in this one.
    found.settled()
    receiver_process.reset()
    found.send_to(receiver_process.origin)
    return found
