"""The Admin API client: one document, one shop, one answer.

Takes points before the call, sends, reads what came back into the error tree, settles the points, and tries again what may be tried
again: reads and idempotent mutations after trouble on the way, everything after THROTTLED and 429, because nothing was carried out.
Knows tokens only as what it is handed; stores nothing but the version and deprecation that Shopify reported.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec import Struct

from shopify_kit.clock import monotonic_s, sleep
from shopify_kit.documents import Document
from shopify_kit.errors import (
    AccessDenied,
    DatabaseUnavailable,
    QueryRejected,
    ShopifyError,
    ShopUnavailable,
    Throttled,
    TokenRejected,
    UpstreamFailed,
    UserErrors,
)
from shopify_kit.runtime import Lock
from shopify_kit.secret import Secret
from shopify_kit.throttle import Budget, Priority, Throttle, ThrottleStatus
from shopify_kit.transport import TOTAL_TIMEOUT_S, AddressBook, Request, Response, Transport

TRIES: Final = 4
FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 5.0
LEARNED_COSTS: Final = 1024
SCOPE = re.compile(r"`((?:unauthenticated_)?(?:read|write)_[a-z_]+)`")


class ShopAccess(Struct, frozen=True):
    """What a call needs to know of its shop: who we are there and on whose budget.

    `bucket` empty: on nobody's, for the first question to a shop.
    """

    shop_id: int
    shop_domain: str
    access_token: Secret
    bucket: str
    scopes: frozenset[str] = frozenset()


class Answer(Struct, frozen=True):
    """A successful answer.

    Args:
        data: the `data` object, raw; empty where it was null and the caller accepted why.
        cost: Shopify's view of the bucket after the call, where it said.
        requested_cost / actual_cost: in points, where it said.
        errors: errors beside data that the caller chose to accept.
        api_version: which version really answered.
        deprecated_reason: `X-Shopify-API-Deprecated-Reason`, where sent.
    """

    data: dict[str, Any]
    cost: ThrottleStatus | None
    requested_cost: int | None
    actual_cost: int | None
    request_id: str | None
    api_version: str | None
    deprecated_reason: str | None
    errors: tuple[dict[str, Any], ...] = ()


@dataclass(slots=True)
class Observation:
    """What Shopify said about versions, kept for health: asked and answered version, and deprecations by document name."""

    asked: str
    answered: str | None = None
    deprecations: dict[str, str] = field(default_factory=dict)

    @property
    def fell_forward(self) -> bool:
        """Whether another version answered than was asked for."""
        return self.answered is not None and self.answered != self.asked


class AdminClient:
    """Calls the Admin API of any shop; one per integration, safe to share between threads."""

    def __init__(self, transport: Transport, addresses: AddressBook, throttle: Throttle, *, api_version: str) -> None:
        self._transport = transport
        self._addresses = addresses
        self._throttle = throttle
        self._costs = _LearnedCosts()
        self.observed = Observation(api_version)

    def run(
        self,
        access: ShopAccess,
        document: Document,
        variables: Mapping[str, Any] | None = None,
        *,
        priority: Priority = Priority.INTERACTIVE,
        timeout_s: float = TOTAL_TIMEOUT_S,
        accept_errors: Callable[[dict[str, Any]], bool] | None = None,
        accept_user_errors: bool = False,
    ) -> Answer:
        """Run one document and return its answer.

        Args:
            timeout_s: for everything: waiting for points, sending, trying again.
            accept_errors: says of a top-level error whether the caller can live with it (its field is null).
            accept_user_errors: return a mutation's `userErrors` in the data and do not raise them.

        Raises:
            UserErrors: a mutation's `userErrors` are not empty.
            ShopifyError: as the tree in `errors` says.
        """
        ends_at, attempt = monotonic_s() + timeout_s, 0
        while True:
            attempt += 1
            try:
                answer = self._once(access, document, variables or {}, priority, ends_at, accept_errors)
            except ShopifyError as error:
                pause_s = _pause(error, attempt)
                may_repeat = isinstance(error, Throttled) or not document.is_mutation or document.is_idempotent
                if not (error.retryable and may_repeat) or attempt >= TRIES or monotonic_s() + pause_s >= ends_at:
                    raise
                sleep(pause_s)
            else:
                if document.is_mutation and not accept_user_errors:
                    _raise_user_errors(answer.data, access.shop_domain)
                return answer

    def close(self) -> None:
        """Close this process's connections to Shopify."""
        self._transport.close()

    # One exchange

    def _once(
        self,
        access: ShopAccess,
        document: Document,
        variables: Mapping[str, Any],
        priority: Priority,
        ends_at: float,
        accept: Callable[[dict[str, Any]], bool] | None,
    ) -> Answer:
        budget, key = Budget(access.shop_id, access.bucket), _cost_key(document, variables)
        points = float(self._costs.get(key, document.cost))
        if access.bucket:
            self._throttle.take(budget, points, priority, timeout_s=max(0.0, ends_at - monotonic_s()))
        unused, status = 0.0, None
        try:
            response = self._send(access, document, variables, max(0.05, ends_at - monotonic_s()))
            payload = _read(response, access.shop_domain)
            cost = _cost_of(payload)
            unused, status = points - cost.actual, cost.status
            self._costs.put(key, cost.requested)
            self._observe(document, response)
            return _answer(payload, cost, response, access.shop_domain, accept)
        finally:
            if access.bucket:
                self._settle(budget, unused, status)

    def _settle(self, budget: Budget, unused: float, status: ThrottleStatus | None) -> None:
        """Give back what was not used; a database that is away meanwhile must not take Shopify's answer with it."""
        with suppress(DatabaseUnavailable):
            self._throttle.settle(budget, unused, status)

    def _send(self, access: ShopAccess, document: Document, variables: Mapping[str, Any], timeout_s: float) -> Response:
        path = f"/admin/api/{self.observed.asked}/graphql.json"
        url, headers = self._addresses.shop_url(access.shop_domain, path)
        body = {"query": document.text, "variables": variables}
        if document.name:
            body["operationName"] = document.name
        sent: dict[str, str | Secret] = {
            **headers,
            "Content-Type": "application/json",
            "Accept": "application/json",
            "X-Shopify-Access-Token": _sendable(access),
        }
        return self._transport.send(Request("POST", url, sent, msgspec.json.encode(body), timeout_s=timeout_s))

    def _observe(self, document: Document, response: Response) -> None:
        self.observed.answered = response.headers.get("x-shopify-api-version", self.observed.answered)
        reason = response.headers.get("x-shopify-api-deprecated-reason")
        if reason:
            self.observed.deprecations[document.name] = reason[:300]


class _LearnedCosts:
    """What Shopify charged for documents of a size, so that the next call takes neither too much nor too little."""

    def __init__(self) -> None:
        self._points: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str, default: int) -> int:
        """Return what was charged the last time."""
        return self._points.get(key, default)

    def put(self, key: str, points: int | None) -> None:
        """Remember what was charged, and forget what was not charged for longest."""
        if points is None:
            return
        with self._lock:
            self._points[key] = points
            self._points.move_to_end(key)
            while len(self._points) > LEARNED_COSTS:
                self._points.popitem(last=False)


def _cost_key(document: Document, variables: Mapping[str, Any]) -> str:
    """Name a document with its page sizes, which the cost depends on; a caller's own document may have them under any name."""
    if document.name:
        return ":".join([document.name, *(str(variables.get(name)) for name in ("first", "last"))])
    numbers = sorted((name, value) for name, value in variables.items() if isinstance(value, int))
    return f"{hashlib.sha256(document.text.encode()).hexdigest()}:{numbers}"


def _sendable(access: ShopAccess) -> Secret:
    """Return the access token when it can be one: HTTP cannot carry everything that a person may paste."""
    if not _is_printable(access.access_token):
        words = "The access token holds characters that no token has; copy it anew and connect the shop again."
        raise TokenRejected(words, shop_domain=access.shop_domain)
    return access.access_token


def _is_printable(secret: Secret) -> bool:
    return re.fullmatch(r"[!-~]+", secret.reveal()) is not None


def _pause(error: ShopifyError, attempt: int) -> float:
    """Return how long to wait before the next attempt: what Shopify said of its limits, else doubling with jitter."""
    said_s = (error.retry_after_s or 0.0) if isinstance(error, Throttled) else 0.0
    backoff_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1))
    return max(said_s, random.uniform(backoff_s / 2, backoff_s))


# Reading answers


class _Payload(Struct, frozen=True):
    """The body of an answer; `errors` is a text where Shopify refuses the request as a whole."""

    data: dict[str, Any] | None = None
    errors: list[dict[str, Any]] | dict[str, Any] | str | None = None
    extensions: dict[str, Any] | None = None


class _Cost(Struct, frozen=True):
    """What an answer says about points; where it says nothing, nothing was carried out."""

    requested: int | None = None
    actual: float = 0.0
    status: ThrottleStatus | None = None


def _read(response: Response, shop: str) -> _Payload:
    """Return the body of an answer, or raise what its status means."""
    request_id = response.headers.get("x-request-id")
    if response.status != 200:
        raise _status_error(response, shop, request_id)
    try:
        return msgspec.json.decode(response.body, type=_Payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = "Shopify answered with something that is no GraphQL answer; it may be having trouble. Try again."
        raise UpstreamFailed(text, shop_domain=shop, request_id=request_id, retry_after_s=1.0) from None


def _cost_of(payload: _Payload) -> _Cost:
    """Read `extensions.cost`; a form that we do not know must not cost us the answer."""
    extensions = payload.extensions or {}
    cost = extensions.get("cost")
    if not isinstance(cost, dict):
        return _Cost()
    requested, actual = cost.get("requestedQueryCost"), cost.get("actualQueryCost")
    try:
        status = ThrottleStatus.of(extensions)
    except (KeyError, TypeError, ValueError):
        status = None
    return _Cost(
        requested=requested if isinstance(requested, int) else None,
        actual=float(actual) if isinstance(actual, int | float) else 0.0,
        status=status,
    )


def _status_error(response: Response, shop: str, request_id: str | None) -> ShopifyError:
    status = response.status
    facts: dict[str, Any] = {"shop_domain": shop, "request_id": request_id}
    if status == 401:
        return TokenRejected("Shopify does not accept the access token for this shop; connect the shop again.", **facts)
    if status == 403:
        return AccessDenied("Shopify refuses this app access to the shop; check its access scopes and connect again.", **facts)
    if status in (402, 404, 423):
        words = {402: "is frozen", 404: "does not exist", 423: "is locked"}[status]
        return ShopUnavailable(f"The shop {words} (Shopify answered {status}).", **facts)
    if status in (429, 430):
        after = response.retry_after_s(2.0)
        return Throttled("Shopify's rate limit for this shop is used up; try again later.", retry_after_s=after, **facts)
    if status >= 500:
        return UpstreamFailed(f"Shopify answered {status}; try again.", retry_after_s=1.0, **facts)
    return QueryRejected(f"Shopify refused the request with status {status}.", **facts)


def _answer(
    payload: _Payload, cost: _Cost, response: Response, shop: str, accept: Callable[[dict[str, Any]], bool] | None
) -> Answer:
    errors = _errors_of(payload)
    unaccepted = [error for error in errors if accept is None or not accept(error)]
    if unaccepted or (payload.data is None and not errors):
        raise _graphql_error(unaccepted, cost, shop, response.headers.get("x-request-id"))
    return Answer(
        data=payload.data or {},
        cost=cost.status,
        requested_cost=cost.requested,
        actual_cost=int(cost.actual) if cost.requested is not None else None,
        request_id=response.headers.get("x-request-id"),
        api_version=response.headers.get("x-shopify-api-version"),
        deprecated_reason=response.headers.get("x-shopify-api-deprecated-reason"),
        errors=tuple(errors),
    )


def _errors_of(payload: _Payload) -> list[dict[str, Any]]:
    errors = payload.errors or []
    return errors if isinstance(errors, list) else [{"message": str(errors)}]


def _graphql_error(errors: list[dict[str, Any]], cost: _Cost, shop: str, request_id: str | None) -> ShopifyError:
    """Name top-level errors. Messages are Shopify's only where they cannot hold what a customer typed."""
    codes = [str(_extensions(error).get("code", "")) for error in errors]
    facts: dict[str, Any] = {"shop_domain": shop, "request_id": request_id}
    if "THROTTLED" in codes:
        return Throttled("Shopify's rate limit for this shop is used up; try again later.", retry_after_s=_wait(cost), **facts)
    if "ACCESS_DENIED" in codes:
        return _access_denied(errors[codes.index("ACCESS_DENIED")], facts)
    if "INTERNAL_SERVER_ERROR" in codes or "TIMEOUT" in codes:
        return UpstreamFailed("Shopify failed while it ran the query; try again.", retry_after_s=1.0, **facts)
    shown = [_shown(error, code) for error, code in zip(errors, codes, strict=True)]
    names = ", ".join(sorted({code or "no code" for code in codes})) or "no data"
    return QueryRejected(f"Shopify rejected the query ({names}).", details={"errors": shown}, **facts)


def _extensions(error: Mapping[str, Any]) -> Mapping[str, Any]:
    extensions = error.get("extensions")
    return extensions if isinstance(extensions, dict) else {}


def _wait(cost: _Cost) -> float:
    """Return how long the bucket needs for what was asked: (requested - available) / restore rate."""
    if cost.status is None or cost.requested is None or cost.status.restore_rate <= 0:
        return 1.0
    return max(0.1, (cost.requested - cost.status.available) / cost.status.restore_rate)


def _access_denied(error: dict[str, Any], facts: dict[str, Any]) -> AccessDenied:
    required = str(_extensions(error).get("requiredAccess") or error.get("message", ""))
    scopes = list(dict.fromkeys(SCOPE.findall(required)))
    wanted = " or ".join(scopes) or "an access scope"
    text = f"The app lacks {wanted} on this shop; add it to SHOPIFY_APP_SCOPES and have the shop grant it again."
    return AccessDenied(text, details={"required_scopes": scopes}, **facts)


def _shown(error: dict[str, Any], code: str) -> dict[str, Any]:
    """Reduce an error to what cannot hold customer data: code, path and the places of wrong variables."""
    problems = _extensions(error).get("problems") or []
    return {"code": code, "path": error.get("path"), "problems": [p.get("path") for p in problems if isinstance(p, dict)]}


def _raise_user_errors(data: dict[str, Any], shop: str) -> None:
    for payload in data.values():
        if isinstance(payload, dict):
            for name, errors in payload.items():
                if name.lower().endswith("usererrors") and errors:
                    raise UserErrors(errors, shop_domain=shop)
