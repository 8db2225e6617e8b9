"""From a request to a view and back: every route is declared once, with its policy and its models, and handled in one order.

Order: size → JSON → who calls → how often → for whom → idempotency key → fields → view. So a stranger learns nothing about fields,
and a wrong user outranks an unknown field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Literal, TypeVar

from flask import Blueprint, Flask, Request, Response, request
from msgspec import Struct, field

from shopify_custom_apps import Store
from shopify_kit.errors import DatabaseUnavailable, Forbidden, InvalidInput
from shopify_kit.idempotency import KeptAnswer
from shopify_service import Listing, ShopAdmin
from shopify_web.answers import Reply, cost_headers, failure, request_id_of, respond, success
from shopify_web.bodies import MAX_JSON_BYTES, check_json_type, parse_json, read_bytes
from shopify_web.callers import Acting, Policy
from shopify_web.cursors import read_cursor, write_cursor
from shopify_web.limits import Standing
from shopify_web.parts import Parts
from shopify_web.texts import has_controls

Method = Literal["GET", "POST", "PUT", "DELETE"]
View = Callable[["Call"], "Reply | Mapping[str, Any] | Response"]
V = TypeVar("V", bound=View)
MAX_USER_ID = 255
MAX_KEY = 255
CALLER_FIELDS = frozenset({"user_id", "shop_domain", "store_id"})
PAGE_FIELDS = frozenset({"limit", "cursor"})


class Endpoint(Struct, frozen=True, kw_only=True):
    """One route: what it takes (edge models, by name), who may call it, what it answers."""

    method: Method
    path: str
    view: View
    policy: Policy
    group: str
    summary: str
    query: str | None = None
    body: str | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    max_body_bytes: int = MAX_JSON_BYTES

    @property
    def name(self) -> str:
        """Name the route for Flask and OpenAPI."""
        return self.view.__name__


class Api:
    """Collects endpoints; a view without a policy cannot be declared."""

    def __init__(self) -> None:
        self.endpoints: list[Endpoint] = []

    def route(self, method: Method, path: str, *, policy: Policy, group: str, summary: str, **facts: Any) -> Callable[[V], V]:
        """Declare a view's route."""

        def decorate(view: V) -> V:
            self.endpoints.append(
                Endpoint(method=method, path=path, view=view, policy=policy, group=group, summary=summary, **facts)
            )
            return view

        return decorate


class Call(Struct):
    """One request as a view sees it: read, checked, and with the caller known."""

    parts: Parts
    endpoint: Endpoint
    request_id: str
    acting: Acting | None
    path: Mapping[str, Any]
    query: Any = None
    body: Any = None
    standing: Standing | None = None
    idempotency_key: str | None = None
    _admin: ShopAdmin | None = None
    _store: Store | None = None

    @property
    def user_id(self) -> str:
        """The user that the caller acts for."""
        assert self.acting is not None
        return self.acting.user_id

    @property
    def actor(self) -> str:
        """Who is written into the audit log."""
        assert self.acting is not None
        return self.acting.actor

    def store(self) -> Store:
        """Choose the shop that the request means."""
        if self._store is None:
            who = _named_shop(self.query, self.body)
            self._store = self.parts.installations.find(self.user_id, **who)
        return self._store

    def admin(self) -> ShopAdmin:
        """Speak to the shop that the request means."""
        if self._admin is None:
            store = self.store()
            access = self.parts.installations.access(store)
            self._admin = self.parts.service.admin(access, store.currency)
        return self._admin

    # Lists

    def filters(self) -> dict[str, Any]:
        """Return the filters that the caller gave, as the answer echoes them."""
        given = self.query.model_dump(exclude_unset=True, mode="json")
        return {name: value for name, value in given.items() if name not in CALLER_FIELDS | PAGE_FIELDS}

    def after(self) -> str | None:
        """Open the cursor that the caller gave."""
        return read_cursor(self.parts.keys, self.query.cursor, **self._list_identity())

    def list(self, name: str, listing: Listing) -> dict[str, Any]:
        """Shape a page of a list."""
        cursor = write_cursor(self.parts.keys, listing.page.next_cursor, **self._list_identity())
        page = {"next_cursor": cursor, "has_next": cursor is not None}
        return {name: listing.items, "total": len(listing.items), "page": page, "filters": self.filters()}

    def _list_identity(self) -> dict[str, Any]:
        return {
            "user_id": self.user_id,
            "shop_domain": self.store().shop_domain,
            "route": self.endpoint.path,
            "filters": self.filters(),
        }

    def headers(self) -> dict[str, str]:
        """Return the headers about limits."""
        return cost_headers(self._admin.cost if self._admin is not None else None, self.standing)


def _named_shop(*models: Any) -> dict[str, Any]:
    for model in models:
        found = {name: getattr(model, name, None) for name in ("store_id", "shop_domain")}
        if any(found.values()):
            return found
    return {"store_id": None, "shop_domain": None}


# Handling


def build_blueprint(parts: Parts, endpoints: list[Endpoint]) -> Blueprint:
    """Make the blueprint of one integration."""
    blueprint = Blueprint("shopify", __name__, url_prefix=parts.prefix)
    for endpoint in endpoints:
        rule, view = endpoint.path, _handler(parts, endpoint)
        blueprint.add_url_rule(rule, f"{endpoint.name}_{endpoint.method.lower()}", view, methods=[endpoint.method])
    return blueprint


def answer_unknown_routes(app: Flask, prefix: str) -> None:
    """Answer 404 and 405 under our prefix in JSON, and leave the host's own answers alone."""

    def unknown() -> Response | None:
        wrong = request.routing_exception
        if wrong is None or not (request.path == prefix or request.path.startswith(prefix + "/")):
            return None
        code = getattr(wrong, "code", 404)
        return failure(wrong, request_id_of(request.headers.get("X-Request-Id"))) if code in (404, 405) else None

    app.before_request(unknown)


def _handler(parts: Parts, endpoint: Endpoint) -> Callable[..., Response]:
    def handle(**path: Any) -> Response:
        request_id = request_id_of(request.headers.get("X-Request-Id"))
        call = Call(parts, endpoint, request_id, None, path)
        try:
            return _answer(call, request)
        except Exception as error:  # the outermost door: every failure becomes one JSON answer
            response = failure(error, request_id)
            response.headers.update(call.headers())
            return response

    handle.__name__ = endpoint.name
    return handle


def _answer(call: Call, incoming: Request) -> Response:
    body = read_bytes(incoming, call.endpoint.max_body_bytes)
    document = _document(call.endpoint, incoming, body)
    given = _query(incoming)
    if call.endpoint.policy in (Policy.USER, Policy.HOST):
        _let_in(call, incoming, given, document or {})
    key = incoming.headers.get("Idempotency-Key")
    if key is None or call.endpoint.method != "POST" or call.acting is None:
        return _view(call, given, document)
    return _view_once(call, given, document, key, body)


def _document(endpoint: Endpoint, incoming: Request, body: bytes) -> dict[str, Any] | None:
    if endpoint.method == "GET" or (not body and endpoint.method == "DELETE"):
        return None
    check_json_type(incoming)
    return parse_json(body)


def _query(incoming: Request) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, values in incoming.args.lists():
        if len(values) > 1:
            raise InvalidInput.field(name, "given more than once", code="duplicate_parameter")
        given[name] = values[0]
    return given


def _let_in(call: Call, incoming: Request, query: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    callers = call.parts.callers
    caller = callers.identify(incoming)
    call.standing = call.parts.limit.take(f"{caller.kind}:{caller.actor}")
    call.parts.schema.ensure()
    named = {"query": query.get("user_id"), "body": document.get("user_id")}
    for user_id in named.values():
        _check_user_id(user_id)
    try:
        call.acting = callers.act_for(caller, named)
    except InvalidInput:
        if call.endpoint.policy is Policy.USER:
            raise
        call.acting = Acting(caller, "")
    except Forbidden:
        with suppress(DatabaseUnavailable):
            call.parts.audit.add("authz.user_mismatch", actor=caller.actor, subject=named["body"] or named["query"])
        raise
    if caller.kind == "service" and call.endpoint.policy is Policy.USER:
        call.parts.audit.add("service.act", actor=caller.actor, subject=call.user_id, facts={"route": call.endpoint.name})


def _check_user_id(user_id: Any) -> None:
    """Refuse what cannot be a user id before it is compared or stored."""
    if user_id is None:
        return
    if not isinstance(user_id, str) or not 0 < len(user_id) <= MAX_USER_ID or has_controls(user_id):
        raise InvalidInput.field("user_id", f"expected a text of 1 to {MAX_USER_ID} characters without control characters")


def _view(call: Call, given: Mapping[str, Any], document: Mapping[str, Any] | None) -> Response:
    from shopify_web.validation import validated  # noqa: PLC0415 - on the first request, see there

    endpoint = call.endpoint
    if document is not None and endpoint.body is not None:
        call.body = validated(endpoint.body, document)
    call.query = validated(endpoint.query or _plain_query(endpoint), given)
    made = endpoint.view(call)
    if isinstance(made, Response):
        return made
    reply = made if isinstance(made, Reply) else Reply(made, endpoint.status)
    reply.headers = call.headers() | reply.headers
    return success(reply, call.request_id)


def _plain_query(endpoint: Endpoint) -> str:
    """Say what the query string may hold where the route declares nothing: whose shop, unless the route is nobody's."""
    return "WhoQuery" if endpoint.policy in (Policy.USER, Policy.HOST) else "Edge"


def _view_once(call: Call, given: Mapping[str, Any], document: Mapping[str, Any] | None, key: str, body: bytes) -> Response:
    """Answer a write with an Idempotency-Key: the same key and body get the first answer again."""
    if not 0 < len(key) <= MAX_KEY or has_controls(key):
        raise InvalidInput.field("Idempotency-Key", f"expected 1 to {MAX_KEY} printable characters")
    store, scope = call.parts.idempotency, f"{call.user_id} {call.endpoint.method} {request.path}"
    kept = store.claim(scope, key, body + repr(sorted(given.items())).encode())
    if kept is not None:
        return respond(kept.body, kept.status, call.request_id, {"Idempotent-Replayed": "true"})
    call.idempotency_key = key
    try:
        response = _view(call, given, document)
    except Exception as error:
        response = failure(error, call.request_id)
        response.headers.update(call.headers())
    if response.status_code == 429 or response.status_code >= 500:
        store.release(scope, key)
    else:
        store.keep(scope, key, KeptAnswer(response.status_code, response.get_data()))
    return response
