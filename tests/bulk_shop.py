"""A host with a shop whose bulk operations a test drives step by step: pauses are cut short, nobody waits for them.

The fixtures are in `tests.bulk_fixtures`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from shopify_bulk_api import BulkApi, Operation
from shopify_kit.database import Connection
from shopify_kit.jobs import Effect
from shopify_kit.worker import Worker
from shopify_service import ShopAdmin
from tests.fake_store import FakeShop, FakeStore
from tests.processes import wait_until
from tests.web_host import Host, control, run_sql

PRODUCTS = "{ products { edges { node { id title } } } }"
ORDERS = "{ orders { edges { node { id name lineItems { edges { node { id title } } } } } } }"
USER = "u-alice"
SKIP_PAUSES = "update shopify.jobs set wake_at = clock_timestamp() where wake_at > clock_timestamp()"
END_LEASES = "update shopify.leases set until = clock_timestamp() - interval '1 second'"
AGE_SUBMISSIONS = "update shopify.bulk_operations set submitted_at = submitted_at - make_interval(secs => $1)"


@dataclass(frozen=True, slots=True)
class BulkShop:
    """One user's shop on a host.

    Args:
        shop_id: ours.
    """

    host: Host
    shop: FakeShop
    shop_id: int

    @property
    def api(self) -> BulkApi:
        """What is tested."""
        return self.host.integration.parts.bulk

    @property
    def store(self) -> FakeStore:
        """The fake store."""
        return self.host.store

    # The far side

    def script(self, **script: Any) -> None:
        """Tell the fake what happens to operations to come."""
        control(self.store, "bulk", script)

    def remote(self, **wanted: Any) -> list[dict[str, Any]]:
        """Return the operations that the fake has, oldest first, without those of other tools."""
        found: list[dict[str, Any]] = control(self.store, "bulk", method="GET")["operations"]
        ours = [one for one in found if "Bulk_" in one["query"]]
        return [one for one in ours if all(one[name] == value for name, value in wanted.items())]

    def occupy(self, count: int, kind: str = "QUERY") -> list[str]:
        """Let another tool of the app take slots."""
        ids: list[str] = control(self.store, "bulk", {"occupy": count, "type": kind, "client_id": self.client_id})["ids"]
        return ids

    @property
    def client_id(self) -> str:
        """The app that the shop's token is of."""
        return self.store.client_id

    def asked(self, operation: str) -> int:
        """Count how often an operation of ours came to the fake."""
        return len(control(self.store, "log", method="GET", operation=operation)["requests"])

    def statuses(self, gids: list[str]) -> set[str]:
        """Return the statuses that operations have at the fake."""
        found = control(self.store, "bulk", method="GET")["operations"]
        return {one["status"] for one in found if one["id"] in gids}

    # Our side

    def start(self, query: str = PRODUCTS, variables: Mapping[str, Any] | None = None, **options: Any) -> Operation:
        """Start a query."""
        return self.api.start_query(USER, self.shop_id, query, variables, **options)

    def step(self) -> None:
        """Do everything that can be done now, whatever pauses there are."""
        run_sql(self.host.dsn, SKIP_PAUSES)
        self.host.work()

    def until(self, look: Callable[[], object], what: str) -> None:
        """Work until something is true."""

        def see() -> object:
            self.step()
            return look()

        wait_until(see, what=what)

    def store_now(self, unit: Effect) -> None:
        """Run what a worker would store."""

        async def run(conn: Connection) -> None:
            await unit(conn)

        self.host.integration.database.run(run)

    def now(self, operation: Operation) -> Operation:
        """Return an operation as it is."""
        found = self.api.operations.find(operation.shop_id, operation.operation_id)
        assert found is not None
        return found

    def reaches(self, operation: Operation, *statuses: str) -> Operation:
        """Work until an operation has one of these statuses."""

        def look() -> Operation | None:
            self.step()
            found = self.now(operation)
            return found if found.status in statuses else None

        found = wait_until(look, what=f"{statuses} of {operation.operation_id}")
        assert found is not None
        return found

    def finish(self, operation: Operation) -> Operation:
        """Work until an operation is over."""
        return self.reaches(operation, "completed", "canceled", "failed", "expired")

    def run(self, query: str = PRODUCTS, variables: Mapping[str, Any] | None = None, **options: Any) -> Operation:
        """Run a query to its end, which must be a good one."""
        done = self.finish(self.start(query, variables, **options))
        assert (done.status, done.error_message) == ("completed", None)
        return done

    def documents(self, operation: Operation) -> list[dict[str, Any]]:
        """Return the lines of a result, read."""
        return [json.loads(line) for line in self.api.results.lines(operation)]

    def working(self) -> Worker:
        """Start a worker of the host, in this process; whoever starts it stops it."""
        worker: Worker = self.host.integration.make_worker()
        worker.start()
        return worker

    # Crashes

    def lose_worker(self) -> None:
        """Notice that the worker that had the lanes is gone."""
        run_sql(self.host.dsn, END_LEASES)

    def age(self, seconds: float) -> None:
        """Let submissions have begun earlier."""
        run_sql(self.host.dsn, AGE_SUBMISSIONS, seconds)

    @property
    def admin(self) -> ShopAdmin:
        """What speaks to the shop."""
        integration = self.host.integration
        return integration.service.admin(integration.installations.access(integration.installations.get(USER, self.shop_id)), "USD")

    def graphql(self, query: str, **variables: Any) -> Any:
        """Ask the shop directly, as its merchant would."""
        answer = self.admin.graphql(query, variables, is_mutation=query.lstrip().startswith("mutation"))
        assert not answer.errors, answer.errors
        return answer.data


def with_token(bulk: BulkShop, shop: FakeShop) -> BulkShop:
    """Connect the user anew, with another token of the shop."""
    assert bulk.host.connect("alice", shop).status_code == 200
    return replace(bulk, shop=shop)
