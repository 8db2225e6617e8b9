"""From a request to a view and back: every route is declared once, with its policy and its models, and handled in one order.

Order: size → JSON → who calls → how often → for whom → idempotency key → fields → view. So a stranger learns nothing about fields,
and a wrong user outranks an unknown field.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, TypeVar

from flask import Blueprint, Flask, Request, Response, request
from msgspec import Struct, field
from werkzeug import exceptions as werkzeug_exceptions

from shopify_custom_apps import Store
from shopify_kit.errors import (
    DatabaseUnavailable,
    Forbidden,
    InvalidInput,
    NotConfigured,
    NotFound,
    TokenRejected,
    Unauthenticated,
)
from shopify_kit.idempotency import KeptAnswer
from shopify_kit.identifiers import MAX_ID, MAX_USER_ID, make_gid
from shopify_service import Listing, ShopAdmin
from shopify_web.answers import Reply, cost_headers, failure, request_id_of, respond, success
from shopify_web.bodies import MAX_JSON_BYTES, check_json_type, check_texts, parse_json, read_bytes
from shopify_web.callers import Acting, Caller, Policy, is_user_id
from shopify_web.cursors import read_cursor, write_cursor
from shopify_web.limits import Standing
from shopify_web.parts import Parts
from shopify_web.product_spool import Spool, read_products
from shopify_web.texts import has_controls, shown

Method = Literal["GET", "POST", "PUT", "DELETE"]
View = Callable[["Call"], "Reply | Mapping[str, Any] | Response"]
V = TypeVar("V", bound=View)
MAX_KEY = 255
KEYS = uuid.UUID("6f0a4c1e-8a53-4d0e-9d3c-0f6f5a7d1b42")
"""Names the space of the idempotency keys that we make for Shopify."""
PATH_ID = re.compile(r"[0-9]{1,19}")
CALLER_FIELDS = frozenset({"user_id", "shop_domain", "store_id"})
PAGE_FIELDS = frozenset({"limit", "cursor"})
RETURNING = frozenset({400, 409, 429})
"""Answers after which nothing was carried out and the same key may be used for the corrected request, as after 5xx."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """One route: what it takes (edge models, by name), who may call it, what it answers.

    `or_status` is another status under which the same answer may come. `own_form` is the content type of a view that answers in a
    form of its own, and not in the one of all others. A `raw` view gets the body's bytes in `Call.raw`, whatever they are. A list
    is `is_across_shops` when it shows all shops of the user. `products` names the edge model of one product, where the body holds
    any number of them and is read as a stream: they are in `Call.spool`, the rest of the body in `Call.body`.
    """

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
    or_status: int | None = None
    own_form: str | None = None
    raw: bool = False
    products: str | None = None
    is_across_shops: bool = False
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

    def include(self, other: Api) -> None:
        """Take in the routes of another file of views."""
        self.endpoints += other.endpoints


class Call(Struct):
    """One request as a view sees it: read, checked, and with the caller known."""

    parts: Parts
    endpoint: Endpoint
    request_id: str
    acting: Acting | None
    path: Mapping[str, Any]
    query: Any = None
    body: Any = None
    raw: bytes = b""
    spool: Spool | None = None
    standing: Standing | None = None
    idempotency_key: str | None = None
    caller: Caller | None = None
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

    @property
    def number(self) -> int:
        """The id in the path.

        Raises:
            NotFound: it is no id, so there is nothing of that id.
        """
        text = str(self.path["id"])
        if not PATH_ID.fullmatch(text) or not 0 < int(text) <= MAX_ID:
            raise NotFound("There is nothing of this id.")
        return int(text)

    def gid(self, kind: str) -> str:
        """The id in the path, as Shopify writes it."""
        return make_gid(kind, self.number)

    def store(self) -> Store:
        """Choose the shop that the request means."""
        if self._store is None:
            who = _named_shop(self.query, self.body)
            self._store = self.parts.installations.find(self.user_id, **who)
        return self._store

    def shop_ids(self, shop_domain: str | None = None) -> list[int]:
        """List the user's shops, or the one that the request, or `shop_domain`, names.

        Raises:
            NotFound: the user has no such shop.
        """
        who = _named_shop(self.query, self.body)
        found = self.parts.installations.shop_ids(self.user_id, shop_domain if shop_domain is not None else who["shop_domain"])
        if who["store_id"] is None:
            return found
        if who["store_id"] not in found:
            raise NotFound("The user has no such shop.")
        return [who["store_id"]]

    def recognise(self) -> bool:
        """Look who calls a public route, which serves strangers too: says whether it is somebody whom the host lets in."""
        with suppress(Unauthenticated, NotConfigured):
            self.caller = self.parts.callers.identify(request)
            _act(self, getattr(self.query, "user_id", None), None)
        return self.caller is not None

    def note_rejected_token(self) -> None:
        """Remember that Shopify no longer accepts the token that this call used."""
        if self._admin is not None and self._store is not None:
            self.parts.installations.mark_rejected(self._store, actor=self.actor)

    def admin(self) -> ShopAdmin:
        """Speak to the shop that the request means."""
        if self._admin is None:
            store = self.store()
            access = self.parts.installations.access(store)
            self._admin = self.parts.service.admin(access, store.currency)
        return self._admin

    @property
    def shopify_key(self) -> str | None:
        """The caller's idempotency key, as Shopify gets it.

        Shopify knows keys per shop; ours belong to user and address, so that no two callers share one by accident.
        """
        key = self.idempotency_key
        return None if key is None else str(uuid.uuid5(KEYS, f"{self.scope}\0{key}"))

    @property
    def scope(self) -> str:
        """Say whose idempotency keys these are, and for what."""
        return f"{self.user_id} {self.endpoint.method} {request.path}"

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
        return self.page(name, listing.items, listing.page.next_cursor)

    def page(self, name: str, items: Sequence[Any], next_cursor: str | None) -> dict[str, Any]:
        """Shape a page of a list; `next_cursor` is what `after` returns for the page that follows."""
        cursor = write_cursor(self.parts.keys, next_cursor, **self._list_identity())
        page = {"next_cursor": cursor, "has_next": cursor is not None}
        return {name: items, "total": len(items), "page": page, "filters": self.filters()}

    def _list_identity(self) -> dict[str, Any]:
        return {
            "user_id": self.user_id,
            "shop_domain": "" if self.endpoint.is_across_shops else self.store().shop_domain,
            "route": self.endpoint.path,
            "filters": self.filters(),
        }

    def headers(self) -> dict[str, str]:
        """Return the headers about limits."""
        return cost_headers(self._admin.cost if self._admin is not None else None, self.standing)


def _named_shop(*models: Any) -> dict[str, Any]:
    """Collect how query and body name the shop.

    Raises:
        InvalidInput: they name two.
    """
    chosen: dict[str, Any] = {}
    for name in ("store_id", "shop_domain"):
        given = {value for model in models if (value := getattr(model, name, None)) is not None}
        if len(given) > 1:
            raise InvalidInput.field(name, "query and body name different shops")
        chosen[name] = next(iter(given), None)
    return chosen


# Handling


def build_blueprint(parts: Parts, endpoints: list[Endpoint]) -> Blueprint:
    """Make the blueprint of one integration."""
    blueprint = Blueprint("shopify", __name__, url_prefix=parts.prefix)
    for endpoint in endpoints:
        rule, view = endpoint.path, _handler(parts, endpoint)
        blueprint.add_url_rule(rule, f"{endpoint.name}_{endpoint.method.lower()}", view, methods=[endpoint.method])
    blueprint.after_request(complete)
    return blueprint


def complete(response: Response) -> Response:
    """Add what every answer bears to those that no view of ours has made, such as the one to OPTIONS."""
    if "X-Request-Id" not in response.headers:
        response.headers["X-Request-Id"] = request_id_of(request.headers.get("X-Request-Id"))
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.method == "OPTIONS" and not response.content_length:
        response.headers.pop("Content-Type", None)
    return response


def answer_unknown_routes(app: Flask, prefix: str) -> Callable[[], Response | None]:
    """Answer under our prefix in JSON what leads nowhere, also where Flask would redirect; the host's own answers stay its own.

    Returns: the hook that does so.
    """

    def unknown() -> Response | None:
        wrong, path = request.routing_exception, request.path
        if wrong is None or not (path == prefix or path.startswith(prefix + "/")):
            return None
        known = getattr(wrong, "code", None) in (404, 405)
        return failure(wrong if known else werkzeug_exceptions.NotFound(), request_id_of(request.headers.get("X-Request-Id")))

    app.before_request(unknown)
    return unknown


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
    endpoint = call.endpoint
    if endpoint.products is not None:
        return _answer_products(call, incoming, endpoint.products)
    call.raw = body = read_bytes(incoming, endpoint.max_body_bytes)
    if endpoint.policy is Policy.SIGNED:
        return _respond(call, endpoint.view(call))
    document = _document(endpoint, incoming, body)
    if endpoint.policy in (Policy.USER, Policy.HOST):
        _let_in(call, incoming)
    return _answer_known(call, incoming, document, body)


def _answer_products(call: Call, incoming: Request, model: str) -> Response:
    """Answer a request that may be too large to hold; only of a caller who is known is more read than the head."""
    check_json_type(incoming)
    _let_in(call, incoming)
    head, call.spool = read_products(incoming, model, limit=call.endpoint.max_body_bytes)
    if not call.spool.count:
        raise InvalidInput.field("products", "give at least one")
    return _answer_known(call, incoming, head, call.spool.digest)


def _answer_known(call: Call, incoming: Request, document: dict[str, Any] | None, body: bytes) -> Response:
    """Answer a caller who is known, or needs not be; `body` is what makes a request the same as another."""
    given = _query(incoming)
    _act(call, given.get("user_id"), (document or {}).get("user_id"))
    key = _idempotency_key(incoming, document or {})
    if key is None or call.endpoint.method != "POST" or call.acting is None:
        return _view(call, given, document)
    return _view_once(call, given, document, key, body)


def _idempotency_key(incoming: Request, document: Mapping[str, Any]) -> str | None:
    """Find the key of a write: the header, or the field that some bodies have; a field that is no key is the models' business."""
    header, field_value = incoming.headers.get("Idempotency-Key"), document.get("idempotency_key")
    if header is None and isinstance(field_value, str) and 0 < len(field_value) <= MAX_KEY and not has_controls(field_value):
        return field_value
    return header


def _document(endpoint: Endpoint, incoming: Request, body: bytes) -> dict[str, Any] | None:
    if endpoint.method == "GET" or (not body and endpoint.method == "DELETE"):
        return None
    check_json_type(incoming)
    return None if endpoint.raw else parse_json(body)


def _query(incoming: Request) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, values in incoming.args.lists():
        if len(values) > 1:
            raise InvalidInput.field(shown(name), "given more than once", code="duplicate_parameter")
        given[name] = values[0]
    return given


def _let_in(call: Call, incoming: Request) -> None:
    """Find out who calls, and count the call."""
    call.caller = call.parts.callers.identify(incoming)
    call.standing = call.parts.limit.take(f"{call.caller.kind}:{call.caller.actor}")
    call.parts.schema.ensure()
    call.parts.worker.ensure()


def _act(call: Call, in_query: Any, in_body: Any) -> None:
    """Find out for whom the caller acts, given the user ids in the request."""
    if call.caller is None:
        return
    named = {"query": in_query, "body": in_body}
    for user_id in named.values():
        _check_user_id(user_id)
    try:
        call.acting = call.parts.callers.act_for(call.caller, named)
    except InvalidInput:
        if call.endpoint.policy is Policy.USER:
            raise
        call.acting = Acting(call.caller, "")
    except Forbidden:
        _note_mismatch(call, [user_id for user_id in named.values() if user_id is not None])
        raise
    if call.caller.kind == "service" and call.endpoint.policy is Policy.USER:
        call.parts.audit.add("service.act", actor=call.actor, subject=call.user_id, facts={"route": call.endpoint.name})


def _note_mismatch(call: Call, named: list[str]) -> None:
    assert call.caller is not None
    foreign = next((user_id for user_id in named if user_id != call.caller.user_id), None)
    with suppress(DatabaseUnavailable):
        facts = {"route": call.endpoint.name}
        call.parts.audit.add("authz.user_mismatch", actor=call.caller.actor, subject=foreign, facts=facts)


def _check_user_id(user_id: Any) -> None:
    """Refuse what cannot be a user id before it is compared or stored."""
    if user_id is not None and not is_user_id(user_id):
        raise InvalidInput.field("user_id", f"expected a text of 1 to {MAX_USER_ID} characters without control characters")


def _view(call: Call, given: Mapping[str, Any], document: Mapping[str, Any] | None) -> Response:
    from shopify_web.validation import validated  # noqa: PLC0415 - on the first request, see there

    endpoint = call.endpoint
    if document is not None:
        check_texts(document)
        call.body = validated("BulkHead" if endpoint.products else endpoint.body or "Who", document)
    call.query = validated(endpoint.query or _plain_query(endpoint), given)
    try:
        made = endpoint.view(call)
    except TokenRejected:
        call.note_rejected_token()
        raise
    return _respond(call, made)


def _respond(call: Call, made: Reply | Mapping[str, Any] | Response) -> Response:
    if isinstance(made, Response):
        return made
    reply = made if isinstance(made, Reply) else Reply(made, call.endpoint.status)
    reply.headers = call.headers() | reply.headers
    return success(reply, call.request_id)


def _plain_query(endpoint: Endpoint) -> str:
    """Say what the query string may hold where the route declares nothing: whose shop, unless the route is nobody's."""
    return "WhoQuery" if endpoint.policy in (Policy.USER, Policy.HOST) else "Edge"


def _view_once(call: Call, given: Mapping[str, Any], document: Mapping[str, Any] | None, key: str, body: bytes) -> Response:
    """Answer a write with an Idempotency-Key: the same key and body get the first answer again."""
    if not 0 < len(key) <= MAX_KEY or has_controls(key):
        raise InvalidInput.field("Idempotency-Key", f"expected 1 to {MAX_KEY} printable characters")
    store, scope = call.parts.idempotency, call.scope
    kept = store.claim(scope, key, body + repr(sorted(given.items())).encode())
    if kept is not None:
        return respond(kept.body, kept.status, call.request_id, call.headers() | {"Idempotent-Replayed": "true"})
    call.idempotency_key = key
    try:
        response = _view(call, given, document)
    except Exception as error:
        response = failure(error, call.request_id)
        response.headers.update(call.headers())
    if response.status_code in RETURNING or response.status_code >= 500:
        store.release(scope, key)
    else:
        store.keep(scope, key, KeptAnswer(response.status_code, response.get_data()))
    return response
