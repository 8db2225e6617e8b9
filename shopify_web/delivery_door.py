"""The short way for deliveries: they are answered in front of Flask, wherever nothing of the host could tell the difference.

They come in floods, and Flask's own share of a request is more than what it takes to verify, seal and store a delivery
(docs/decisions/0008-inbox-throughput.md). So this stands in front of the app's WSGI application: a POST to `/webhooks`, or to
`/webhooks/<a topic of Shopify's>`, is read, accepted and answered here, as the routes of the same addresses answer. All else
goes on to Flask, and so do deliveries where the host has anything that Flask would call for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, signals

from shopify_inbox.deliveries import HEADERS
from shopify_kit.errors import BodyTooLarge, InvalidInput
from shopify_kit.settings import names_trusted_hosts
from shopify_kit.topics import topic_of
from shopify_web.answers import encode, failure, request_id_of
from shopify_web.parts import Parts
from shopify_webhooks import MAX_WEBHOOK_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SIGNALS: Final = (signals.request_started, signals.request_finished, signals.request_tearing_down, signals.got_request_exception)
HANDLING: Final = """
    wsgi_app request_context create_url_adapter full_dispatch_request preprocess_request dispatch_request make_response
    finalize_request process_response do_teardown_request
""".split()
"""What a Flask of the host's own may do differently for each request."""
LENGTH: Final = re.compile("[0-9]{1,9}")
ANSWERS: Final = {is_new: encode({"ok": True, "status": "success" if is_new else "duplicate"}) for is_new in (True, False)}
ANSWER_HEADERS: Final = {
    is_new: (
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(answer))),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    )
    for is_new, answer in ANSWERS.items()
}
VARIABLES: Final = [(header, "HTTP_" + header.upper().replace("-", "_")) for family in HEADERS.values() for header in family]
"""A delivery's headers, and where WSGI has them."""


def put_door_before(app: Flask, parts: Parts, *, own_hooks: Collection[Callable[..., Any]]) -> None:
    """Let deliveries in by the short way, unless something of the host's stands before the app already and wants to see them.

    Args:
        own_hooks: what we ourselves have Flask call for every request; deliveries do without.
    """
    is_plain = all(getattr(type(app), name) is getattr(Flask, name) for name in HANDLING)
    if is_plain and "wsgi_app" not in vars(app):
        door = DeliveryDoor(app, parts, own_hooks)
        app.wsgi_app = door  # type: ignore[method-assign]


class DeliveryDoor:
    """A WSGI application that answers deliveries and passes on everything else."""

    def __init__(self, app: Flask, parts: Parts, own_hooks: Collection[Callable[..., Any]]) -> None:
        self._app = app
        self._inner: WSGIApplication = app.wsgi_app
        self._webhooks = parts.webhooks
        self._path = f"{parts.prefix}/webhooks"
        self._own_hooks = own_hooks
        kinds = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs, app.url_value_preprocessors)
        self._hooks = [(kind, scope) for kind in kinds for scope in (None, "shopify")]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a delivery, or have Flask answer."""
        path = environ.get("PATH_INFO", "")
        if path.startswith(self._path) and environ["REQUEST_METHOD"] == "POST":
            topic, length = path[len(self._path) :], environ.get("CONTENT_LENGTH", "")
            if self._is_address(topic) and LENGTH.fullmatch(length) and self._is_unseen(environ):
                return self._accept(environ, start_response, int(length), topic[1:] or None)
        return self._inner(environ, start_response)

    @staticmethod
    def _is_address(topic: str) -> bool:
        """Say whether an address that ends so takes deliveries."""
        return not topic or (topic.startswith("/") and topic_of(topic[1:]) is not None)

    def _is_unseen(self, environ: WSGIEnvironment) -> bool:
        """Say whether Flask would call nothing of the host's for this request."""
        app = self._app
        for signal in SIGNALS:
            if signal.receivers:
                return False
        for kind, scope in self._hooks:
            for hook in kind.get(scope, ()):
                if hook not in self._own_hooks:
                    return False
        return (
            "werkzeug.debug.preserve_context" not in environ
            and "HTTP_TRANSFER_ENCODING" not in environ
            and not names_trusted_hosts(app)
            and not app.url_map.host_matching
        )

    def _accept(
        self, environ: WSGIEnvironment, start_response: StartResponse, length: int, path_topic: str | None
    ) -> Iterable[bytes]:
        request_id = request_id_of(environ.get("HTTP_X_REQUEST_ID"))
        try:
            headers = {header: environ[variable] for header, variable in VARIABLES if variable in environ}
            is_new = self._webhooks.accept(_read(environ, length), headers, path_topic)
        except Exception as error:  # the outermost door: every failure becomes one JSON answer
            return failure(error, request_id)(environ, start_response)
        start_response("200 OK", [*ANSWER_HEADERS[is_new], ("X-Request-Id", request_id)])
        return (ANSWERS[is_new],)


def _read(environ: WSGIEnvironment, length: int) -> bytes:
    """Read a body of announced length.

    Raises:
        BodyTooLarge: more was announced than is taken.
        InvalidInput: less came.
    """
    if length > MAX_WEBHOOK_BYTES:
        raise BodyTooLarge(f"The body is larger than {MAX_WEBHOOK_BYTES} bytes.")
    stream = environ["wsgi.input"]
    try:
        body: bytes = stream.read(length)
        while len(body) < length and (more := stream.read(length - len(body))):
            body += more
    except OSError:
        body = b""
    if len(body) < length:
        raise InvalidInput("The body ended before its announced length.", code="invalid_json")
    return body
