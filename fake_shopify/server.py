"""The HTTP face of the fake: Admin GraphQL, OAuth, the legacy REST refusals, and `/__fake/` control."""

from __future__ import annotations

import gzip
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from fake_shopify import control, oauth
from fake_shopify.bulk_desk import BulkDesk
from fake_shopify.bulk_downloads import BUCKET, download
from fake_shopify.context import Context
from fake_shopify.deliveries import Outbox
from fake_shopify.engine import executable, run
from fake_shopify.faults import Fault, FaultPlan
from fake_shopify.schema import VERSIONS, served_version
from fake_shopify.uploads import post_form, put_file
from fake_shopify.wire import ConnectionCut, Server
from fake_shopify.world import Grant, LogEntry, Shop, World

MAX_BODY_BYTES = 100 * 2**20
REST_RESOURCES = frozenset(
    """
    products orders customers shop inventory_levels inventory_items locations custom_collections smart_collections
    collects webhooks price_rules draft_orders fulfillments metafields pages blogs articles checkouts events script_tags
    themes
    """.split()
)
INVALID_TOKEN = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}


def as_json(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Build a JSON response in Shopify's content type."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, headers=headers, content_type="application/json; charset=utf-8")


class FakeShopify:
    """The WSGI application over one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.faults = FaultPlan()
        self.outbox = Outbox(world)
        self.bulk = world.bulk = BulkDesk(world)
        self.base_url = ""
        # Werkzeug would answer some of these addresses with a redirect to another form of themselves.
        self.routes = Map(
            redirect_defaults=False,
            merge_slashes=False,
            rules=[
                Rule("/admin/api/<version>/graphql.json", endpoint=self.graphql, methods=["POST"]),
                Rule("/admin/api/graphql.json", endpoint=self.graphql, methods=["POST"], defaults={"version": VERSIONS[0]}),
                Rule("/admin/oauth/authorize", endpoint=self.oauth(oauth.authorize), methods=["GET", "POST"]),
                Rule("/admin/oauth/access_token", endpoint=self.oauth(oauth.access_token), methods=["POST"]),
                Rule("/admin/api/<version>/<path:rest>", endpoint=self.legacy_rest),
                Rule("/__fake/<path:action>", endpoint=self.control),
                Rule(f"/{BUCKET}/bulk-operation-outputs/<token>", endpoint=self.storage(download), methods=["GET"]),
                Rule("/", endpoint=self.storage(post_form), methods=["POST"]),
                Rule("/threed-models-production/<path:key>", endpoint=self.storage(post_form), methods=["POST"]),
                Rule("/tmp/<path:key>", endpoint=self.storage(put_file), methods=["PUT"]),
            ],
        )

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request (WSGI)."""
        request = Request(environ)
        request.max_content_length = MAX_BODY_BYTES
        try:
            view, arguments = self.routes.bind_to_environ(environ).match()
            response = view(request, **arguments)
        except HTTPException as refused:
            response = as_json({"errors": refused.name}, refused.code or 500)
        response.headers.setdefault("X-Request-Id", str(uuid.uuid4()))
        answer: Iterable[bytes] = response(environ, start_response)
        return answer

    def host(self, request: Request) -> str | None:
        """Return the shop that a request names: `?shop=`, or a Host that is one."""
        named = request.args.get("shop") or request.host.split(":")[0]
        return named.lower() if named.lower().endswith(".myshopify.com") else None

    def oauth(self, view: Callable[..., Response]) -> Callable[..., Response]:
        """Wrap an OAuth view: it needs the shop."""

        def call(request: Request) -> Response:
            name = self.host(request)
            shop = self.world.shops.get(name or "")
            fault = self.faults.take(request.path, name, None)
            if fault is not None and not fault.after:
                return self.fail(request, fault, None)
            if shop is None:
                return as_json({"errors": "Not Found"}, 404)
            response = view(self.world, shop, request)
            self.note(request, name, response.status_code)
            return response if fault is None else self.fail(request, fault, response)

        return call

    # Admin GraphQL

    def graphql(self, request: Request, version: str) -> Response:
        """Answer `POST /admin/api/<version>/graphql.json`."""
        name = self.host(request)
        if name is not None and name not in self.world.shops:
            return as_json({"errors": "Not Found"}, 404)
        found = self.world.shop_of_token(request.headers.get("X-Shopify-Access-Token", ""), name)
        body = _body(request)
        shop_domain = name or (found[0].domain if found else None)
        fault = self.faults.take(request.path, shop_domain, _operation_name(body))
        if fault is not None and fault.kind != "wrong_shop" and not fault.after and fault.kind not in ("drip", "truncate", "delay"):
            self.note(request, shop_domain, 0, operation=_operation_name(body))
            return self.fail(request, fault, None)
        if found is None:
            self.note(request, shop_domain, 401)
            return as_json(INVALID_TOKEN, 401)
        response = self.execute(request, found[0], found[1], served_version(version), body)
        return response if fault is None else self.fail(request, fault, response)

    def execute(self, request: Request, shop: Shop, grant: Grant, version: str, body: Any) -> Response:
        """Run a request body for a known caller."""
        if not isinstance(body, dict):
            self.note(request, shop.domain, 400)
            return as_json({"errors": {"query": "Required parameter missing or invalid"}}, 400)
        ctx = Context(self.world, shop, grant, executable(version), self.base_url or request.host_url.rstrip("/"))
        with shop.lock:
            answer, operation = run(ctx, body)
            self.outbox.collect(shop)
            response = as_json(answer, headers={"X-Shopify-API-Version": version})
        cost = answer.get("extensions", {}).get("cost") or {}
        codes = [e.get("extensions", {}).get("code", "") for e in answer.get("errors", ())]
        self.note(
            request,
            shop.domain,
            200,
            operation=operation,
            requested_cost=cost.get("requestedQueryCost"),
            throttled="THROTTLED" in codes,
            errors=codes,
        )
        return response

    def legacy_rest(self, request: Request, version: str, rest: str) -> Response:
        """Refuse the REST Admin API: new apps have been GraphQL only since April 2025 (assumed: 410 for what once was there)."""
        name = rest.split("/")[0].removesuffix(".json")
        if name in REST_RESOURCES:
            return as_json({"errors": "The REST Admin API is a legacy API. Use the GraphQL Admin API."}, 410)
        return as_json({"errors": "Not Found"}, 404)

    def storage(self, view: Callable[..., Response]) -> Callable[..., Response]:
        """Wrap a view of Google Cloud Storage, which knows neither shops nor tokens."""

        def call(request: Request, **arguments: str) -> Response:
            fault = self.faults.take(request.path, None, None)
            if fault is not None and not fault.after and fault.kind not in ("drip", "truncate", "delay"):
                self.note(request, None, 0)
                return self.fail(request, fault, None)
            response = view(self.bulk, request, **arguments)
            self.note(request, None, response.status_code)
            return response if fault is None else self.fail(request, fault, response)

        return call

    def control(self, request: Request, action: str) -> Response:
        """Serve `/__fake/<action>`."""
        return control.answer(self, request, action)

    def note(self, request: Request, shop_domain: str | None, status: int, **facts: Any) -> None:
        """Keep a line for the control log."""
        self.world.log.append(LogEntry(self.world.clock.iso(), request.method, request.path, shop_domain, status, **facts))

    # Trouble

    def fail(self, request: Request, fault: Fault, response: Response | None) -> Response:
        """Answer as the script says; `response` is the true answer where one was made."""
        if fault.kind == "429":
            return as_json(
                {"errors": "Exceeded 2 calls per second for api client."}, 429, {"Retry-After": fault.retry_after or "2.0"}
            )
        if fault.kind == "throttled":
            facts = {"requestedQueryCost": 10, "actualQueryCost": None, "throttleStatus": _drained()}
            return as_json({"errors": [_throttled()], "extensions": {"cost": facts}})
        if fault.kind == "5xx":
            return as_json({"errors": "Internal Server Error"}, fault.status or 503)
        if fault.kind == "html":
            return Response("<!DOCTYPE html><title>Something went wrong</title>", fault.status or 200, content_type="text/html")
        if fault.kind == "redirect":
            return Response("", 302, headers={"Location": fault.location or "https://example.com/"})
        if fault.kind == "frozen":
            return as_json({"errors": "Unavailable Shop"}, 402)
        if fault.kind == "bomb":
            return _bomb(fault.size_bytes)
        if fault.kind == "reset":
            raise ConnectionCut
        return _spoil(fault, response or as_json({"errors": "Internal Server Error"}, 500))


def _body(request: Request) -> Any:
    try:
        return json.loads(request.get_data())
    except ValueError:
        return None


def _operation_name(body: Any) -> str | None:
    """Guess the operation's name for the fault scripts: as sent, or the first name in the document."""
    if not isinstance(body, dict):
        return None
    if isinstance(body.get("operationName"), str):
        return str(body["operationName"])
    head = str(body.get("query", "")).split("{", 1)[0].split("(", 1)[0].split()
    return head[1] if len(head) > 1 and head[0] in ("query", "mutation") else None


def _throttled() -> dict[str, Any]:
    return {
        "message": "Throttled",
        "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"},
    }


def _drained() -> dict[str, Any]:
    return {"maximumAvailable": 2000, "currentlyAvailable": 0, "restoreRate": 100}


def _bomb(size_bytes: int) -> Response:
    packed = gzip.compress(b"[" + b" " * min(size_bytes, 50 * 2**20))
    count = max(1, size_bytes // (50 * 2**20))
    return Response(packed * count, 200, headers={"Content-Encoding": "gzip"}, content_type="application/json")


def _spoil(fault: Fault, response: Response) -> Response:
    body = response.get_data()
    if fault.kind == "delay":
        time.sleep(fault.delay_s)
    elif fault.kind == "drip":
        response.response = _drip(body, fault.delay_s)
        response.headers["Content-Length"] = str(len(body))
    elif fault.kind == "truncate":
        response.response = _cut(body)
        response.headers["Content-Length"] = str(len(body))
    elif fault.kind == "wrong_shop":
        document = json.loads(body)
        document["data"]["shop"]["myshopifyDomain"] = "other.myshopify.com"
        response.set_data(json.dumps(document))
    return response


def _drip(body: bytes, delay_s: float) -> Iterator[bytes]:
    step = max(1, len(body) // 50)
    for start in range(0, len(body), step):
        yield body[start : start + step]
        time.sleep(delay_s)


def _cut(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionCut


def serve(application: FakeShopify, host: str, port: int) -> Server:
    """Bind a threaded server; the caller runs `serve_forever`. Port 0 takes a free one."""
    server = Server(host, port, application)
    application.base_url = f"http://{host}:{server.server_port}"
    return server
