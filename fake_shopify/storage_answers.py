"""How Google Cloud Storage refuses, which keeps Shopify's results and uploads.

Assumed, after cloud.google.com/storage/docs/xml-api.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from werkzeug.wrappers import Response

XML = "<?xml version='1.0' encoding='UTF-8'?>"


def storage_error(status: int, code: str, message: str, details: str = "") -> Response:
    """Build a refusal."""
    more = f"<Details>{escape(details)}</Details>" if details else ""
    return as_xml(f"<Error><Code>{code}</Code><Message>{escape(message)}</Message>{more}</Error>", status)


def as_xml(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Build an answer in XML."""
    return Response(XML + text, status, headers=headers, content_type="application/xml; charset=UTF-8")


def expired(at: str) -> Response:
    """Refuse an address whose time is over."""
    return storage_error(
        400, "ExpiredToken", "Invalid argument.", f"The provided token has expired. Request signature expired at: {at}"
    )


def wrong_signature() -> Response:
    """Refuse an address that was not given out like this."""
    text = "The request signature we calculated does not match the signature you provided."
    return storage_error(403, "SignatureDoesNotMatch", f"Access denied. {text}")


def no_such_key() -> Response:
    """Refuse an address of nothing."""
    return storage_error(404, "NoSuchKey", "The specified key does not exist.")
