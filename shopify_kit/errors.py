"""The one tree of errors. Each class says what it becomes on the wire and whether trying again can help.

    IntegrationError
    ├── SettingsError                    a setting is missing, unreadable or unsafe
    ├── RequestError                     the caller's request cannot be served as it stands
    │   ├── InvalidInput            400  unreadable or out of bounds; `details` names the fields
    │   ├── Unauthenticated         401  nobody proved who is calling
    │   ├── InvalidSignature        401  a signature, its age or its canonical form is wrong
    │   ├── Forbidden               403  known caller, not allowed
    │   ├── NotFound                404  does not exist for this caller
    │   ├── Conflict                409  the state of things does not allow it
    │   ├── Unprocessable           422  understood and refused
    │   └── RateLimited             429  the caller's own limit
    ├── ShopifyError                     Shopify's side of a call
    │   ├── UserErrors              422  Shopify's `userErrors`, with their fields
    │   ├── TokenRejected           422  Shopify does not accept this access token
    │   ├── AccessDenied            403  an access scope is missing
    │   ├── ShopUnavailable         502  the shop is frozen, closed or unknown to Shopify
    │   ├── QueryRejected           502  a document or variable that Shopify refuses: our mistake
    │   ├── Throttled               429  retryable, `retry_after_s`
    │   ├── UpstreamFailed          502  retryable: 5xx, connection trouble, an unreadable answer
    │   ├── UpstreamTimeout         504  retryable: the total deadline passed
    │   ├── UpstreamBlocked         502  an address we do not talk to
    │   └── ResponseTooLarge        502  an answer beyond the size bound
    ├── TokenUnreadable             409  a sealed value that no key of the ring opens in this place
    └── DatabaseUnavailable         503  retryable: our own database is away

Workers retry by `retryable` and `retry_after_s`, the HTTP face answers by `http_status` and `code`; neither looks at class
names or messages. A message says what was tried, what came back and what to do next, and never carries a token, a secret or a
customer's data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

Details: TypeAlias = Sequence[Mapping[str, Any]] | Mapping[str, Any]


class IntegrationError(Exception):
    """Root of everything this project raises on purpose.

    Args:
        message: one sentence for a person; what was tried, what came back, what to do next.
        code: stable snake_case name when it is more precise than the class's own.
        details: facts for the caller: a list of `{field, reason}`, or a mapping.
        retry_after_s: seconds after which trying again makes sense, where known.
        shop_domain: the shop concerned, where there is one.
        request_id: Shopify's `X-Request-Id` of the failed call, where there is one.
    """

    code: str = "internal_error"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: Details | None = None,
        retry_after_s: float | None = None,
        shop_domain: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.details: Details = {} if details is None else details
        self.retry_after_s = retry_after_s
        self.shop_domain = shop_domain
        self.request_id = request_id

    @property
    def message(self) -> str:
        """The sentence for a person."""
        return str(self.args[0])


class SettingsError(IntegrationError):
    """A setting is missing, unreadable or unsafe; the message names it and says what is expected."""

    code = "invalid_setting"


class RequestError(IntegrationError):
    """The caller's request cannot be served as it stands."""

    http_status = 400


class InvalidInput(RequestError):
    """Unreadable or out of bounds; `details` lists `{field, reason}`."""

    code = "validation_error"

    @classmethod
    def field(cls, field: str, reason: str, *, code: str | None = None) -> InvalidInput:
        """Build the error for one field."""
        return cls(f"{field}: {reason}", code=code, details=[{"field": field, "reason": reason}])


class BodyTooLarge(RequestError):
    """More bytes than this endpoint reads."""

    code = "body_too_large"
    http_status = 413


class UnsupportedMediaType(RequestError):
    """A write without `Content-Type: application/json`."""

    code = "unsupported_media_type"
    http_status = 415


class Unauthenticated(RequestError):
    """Nobody proved who is calling."""

    code = "unauthenticated"
    http_status = 401


class InvalidSignature(RequestError):
    """A signature, its age or its canonical form is wrong."""

    code = "invalid_signature"
    http_status = 401


class Forbidden(RequestError):
    """A known caller asks for what is not theirs."""

    code = "forbidden"
    http_status = 403


class NotFound(RequestError):
    """The thing does not exist, or not for this caller; the two are not told apart."""

    code = "not_found"
    http_status = 404


class Conflict(RequestError):
    """The present state does not allow it."""

    code = "conflict"
    http_status = 409


class Unprocessable(RequestError):
    """Understood, well-formed and refused."""

    code = "unprocessable"
    http_status = 422


class RateLimited(RequestError):
    """The caller's own limit is reached."""

    code = "rate_limited"
    http_status = 429
    retryable = True


class NotConfigured(IntegrationError):
    """The host has not configured what this route needs; the message says what to set."""

    code = "not_configured"
    http_status = 503


class ShopifyError(IntegrationError):
    """Shopify answered with a failure, or did not answer."""

    code = "shopify_error"
    http_status = 502


class UserErrors(ShopifyError):
    """Shopify's `userErrors` of a mutation.

    Shopify's texts may repeat what a customer typed, so they stand in `details` for the caller and not in the message.
    `details` is `{"user_errors": [{"field": [...] | None, "message": str, "code": str | None}, …]}`.
    """

    code = "user_errors"
    http_status = 422

    def __init__(self, user_errors: Sequence[Mapping[str, Any]], *, shop_domain: str | None = None) -> None:
        places = ", ".join(".".join(map(str, e.get("field") or ["base"])) for e in user_errors[:5])
        super().__init__(
            f"Shopify refused the change at {places}.", details={"user_errors": list(user_errors)}, shop_domain=shop_domain
        )
        self.user_errors = tuple(user_errors)


class TokenRejected(ShopifyError):
    """Shopify does not accept this access token for this shop."""

    code = "token_rejected"
    http_status = 422


class AccessDenied(ShopifyError):
    """The token lacks an access scope; `details` names it where Shopify did."""

    code = "insufficient_scope"
    http_status = 403


class ShopUnavailable(ShopifyError):
    """The shop is frozen (402), locked (423), or does not exist (404)."""

    code = "shop_unavailable"


class QueryRejected(ShopifyError):
    """Shopify refuses the document or its variables: a mistake on our side, never worth a retry."""

    code = "query_rejected"


class Throttled(ShopifyError):
    """No cost points left within the caller's deadline."""

    code = "rate_limited"
    http_status = 429
    retryable = True


class UpstreamFailed(ShopifyError):
    """5xx, connection trouble or an unreadable answer."""

    code = "upstream_error"
    retryable = True


class UpstreamTimeout(ShopifyError):
    """The total deadline of the call passed."""

    code = "upstream_timeout"
    http_status = 504
    retryable = True


class UpstreamBlocked(ShopifyError):
    """An address outside the hosts we talk to, or a redirect to one."""

    code = "upstream_blocked"


class ResponseTooLarge(ShopifyError):
    """An answer that grew beyond the size bound while it was read."""

    code = "response_too_large"


class TokenUnreadable(IntegrationError):
    """A sealed value that no key of the ring opens in this place: moved, altered, or its key is gone."""

    code = "token_unreadable"
    http_status = 409


class DatabaseUnavailable(IntegrationError):
    """Our own database does not answer; routes say 503 until it is back."""

    code = "database_unavailable"
    http_status = 503
    retryable = True
