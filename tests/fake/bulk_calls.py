"""What the tests of bulk operations and uploads send to the fake, and how they read the answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.fake.empty_store import EmptyStore
from tests.processes import wait_until

FIELDS = "id status type errorCode createdAt completedAt objectCount rootObjectCount fileSize url partialDataUrl query"
RUN_QUERY = f"""
mutation Run($query: String!, $groupObjects: Boolean! = false) {{
  bulkOperationRunQuery(query: $query, groupObjects: $groupObjects) {{
    bulkOperation {{ {FIELDS} }} userErrors {{ field message code }}
  }}
}}
"""
RUN_MUTATION = f"""
mutation Run($mutation: String!, $path: String!, $clientIdentifier: String) {{
  bulkOperationRunMutation(mutation: $mutation, stagedUploadPath: $path, clientIdentifier: $clientIdentifier) {{
    bulkOperation {{ {FIELDS} }} userErrors {{ field message code }}
  }}
}}
"""
CANCEL = f"""
mutation Cancel($id: ID!) {{
  bulkOperationCancel(id: $id) {{ bulkOperation {{ {FIELDS} }} userErrors {{ field message }} }}
}}
"""
READ = f"query Read($id: ID!) {{ bulkOperation(id: $id) {{ {FIELDS} }} }}"
LIST = f"""
query List(
  $first: Int, $last: Int, $after: String, $before: String, $query: String, $sortKey: BulkOperationsSortKeys, $reverse: Boolean
) {{
  bulkOperations(
    first: $first, last: $last, after: $after, before: $before, query: $query, sortKey: $sortKey, reverse: $reverse
  ) {{
    edges {{ cursor node {{ {FIELDS} }} }} nodes {{ {FIELDS} }}
    pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
  }}
}}
"""
STAGE = """
mutation Stage($input: [StagedUploadInput!]!) {
  stagedUploadsCreate(input: $input) {
    stagedTargets { url resourceUrl parameters { name value } } userErrors { field message }
  }
}
"""
CREATE_PRODUCT = """
mutation Create($product: ProductCreateInput!) {
  productCreate(product: $product) { product { id title } userErrors { field message } }
}
"""
PRODUCTS = "{ products { edges { node { id title } } } }"
FINISHED = ("COMPLETED", "CANCELED", "FAILED", "EXPIRED")
DAY_S = 86_400
SHOP = "empty-shop.myshopify.com"

Operation = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a file is to be uploaded."""

    url: str
    resource_url: str
    parameters: dict[str, str]

    @property
    def path(self) -> str:
        """What a bulk mutation names the file by."""
        return self.parameters.get("key") or urlsplit(self.url).path.lstrip("/")


@dataclass(frozen=True, slots=True)
class Bulk:
    """An app that works in bulk on a store."""

    store: EmptyStore

    def control(self, action: str = "bulk", method: str = "POST", /, *, expect: int = 200, **body: Any) -> Any:
        """Ask the fake's control."""
        address = f"{self.store.base_url}/__fake/{action}"
        answer = requests.request(method, address, json=body if method == "POST" else None, timeout=30)
        assert answer.status_code == expect, answer.text
        return answer.json()

    def advance(self, seconds: float) -> None:
        """Let time pass for the fake."""
        self.control("clock", advance_s=seconds)

    # Operations

    def ask(self, query: str, **values: Any) -> dict[str, Any]:
        """Ask for a bulk query and return the payload."""
        found: dict[str, Any] = self.store.data(RUN_QUERY, query=query, **values)
        return found

    def errors(self, query: str) -> list[dict[str, Any]]:
        """Return why a bulk query is refused."""
        payload = self.ask(query)
        assert payload["bulkOperation"] is None
        errors: list[dict[str, Any]] = payload["userErrors"]
        return errors

    def begin(self, query: str = PRODUCTS, **values: Any) -> str:
        """Begin a bulk query, which must work, and return its id."""
        payload = self.ask(query, **values)
        assert payload["userErrors"] == [], payload["userErrors"]
        return str(payload["bulkOperation"]["id"])

    def read(self, gid: str) -> Operation:
        """Return an operation as it is now."""
        found: Operation = self.store.data(READ, id=gid)
        return found

    def reaches(self, gid: str, *statuses: str) -> Operation:
        """Wait until an operation has one of these statuses."""

        def look() -> Operation | None:
            found = self.read(gid)
            return found if found["status"] in statuses else None

        found = wait_until(look, what=f"{statuses} of {gid}")
        assert found is not None
        return found

    def finished(self, gid: str) -> Operation:
        """Wait for the end of an operation."""
        return self.reaches(gid, *FINISHED)

    def run(self, query: str = PRODUCTS, **values: Any) -> Operation:
        """Run a bulk query to its end."""
        return self.finished(self.begin(query, **values))

    def lines(self, operation: Operation, name: str = "url") -> list[dict[str, Any]]:
        """Download a result and return its lines."""
        return [json.loads(line) for line in download(operation[name]).content.splitlines()]

    def cancel(self, gid: str) -> dict[str, Any]:
        """Cancel an operation and return the payload."""
        found: dict[str, Any] = self.store.data(CANCEL, id=gid)
        return found

    def listed(self, **arguments: Any) -> list[str]:
        """Return the ids that the list shows."""
        return [node["id"] for node in self.store.data(LIST, **({"first": 50} | arguments))["nodes"]]

    def make_products(self, count: int) -> list[str]:
        """Make products and return their ids."""
        made = (self.store.data(CREATE_PRODUCT, product={"title": f"Tea & <i>pot</i> {n}"}) for n in range(count))
        return [payload["product"]["id"] for payload in made]

    # Uploads

    def stage(self, **values: Any) -> Target:
        """Open a target, which must work; by default for the variables of a bulk mutation, by POST."""
        given = {"resource": "BULK_MUTATION_VARIABLES", "filename": "lines.jsonl", "mimeType": "text/jsonl", "httpMethod": "POST"}
        payload = self.store.data(STAGE, input=[given | values])
        assert payload["userErrors"] == [], payload["userErrors"]
        found = payload["stagedTargets"][0]
        return Target(found["url"], found["resourceUrl"], {one["name"]: one["value"] for one in found["parameters"]})

    def upload(self, *lines: Any, put: bool = False) -> str:
        """Upload lines of variables, texts as they are, and return the path for a bulk mutation."""
        body = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines).encode()
        target = self.stage(httpMethod="PUT" if put else "POST")
        response = requests.put(target.url, data=body, timeout=30) if put else post(target, body)
        assert response.status_code == (200 if put else 201), response.text
        return target.path

    def ask_mutation(self, path: str, mutation: str = CREATE_PRODUCT, **values: Any) -> dict[str, Any]:
        """Ask for a bulk mutation and return the payload."""
        found: dict[str, Any] = self.store.data(RUN_MUTATION, mutation=mutation, path=path, **values)
        return found

    def run_mutation(self, path: str, mutation: str = CREATE_PRODUCT, **values: Any) -> Operation:
        """Run a bulk mutation, which must begin, to its end."""
        payload = self.ask_mutation(path, mutation, **values)
        assert payload["userErrors"] == [], payload["userErrors"]
        return self.finished(payload["bulkOperation"]["id"])


def download(url: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> requests.Response:
    """Ask for a result as it is."""
    return requests.request(method, url, headers={"Accept-Encoding": "identity", **(headers or {})}, timeout=30)


def post(target: Target, body: bytes, **changed: str | None) -> requests.Response:
    """Send a form with the file last; `changed` fields are sent otherwise, or left out."""
    wanted = {**target.parameters, **{name.replace("_", "-"): value for name, value in changed.items()}}
    fields = {name: value for name, value in wanted.items() if value is not None}
    return requests.post(target.url, data=fields, files={"file": ("lines.jsonl", body, "text/jsonl")}, timeout=60)


def other_app(bulk: Bulk) -> Bulk:
    """Return another app on the same shop."""
    bulk.control("apps", client_id="other", client_secret="shpss_other", name="Other")
    bulk.control("grants", token="shpat_other", shop_domain=SHOP, client_id="other")
    return Bulk(EmptyStore(bulk.store.base_url, token="shpat_other"))
