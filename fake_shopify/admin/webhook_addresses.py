"""Where a webhook subscription may send: an https URL of the public internet, a Pub/Sub topic, or an EventBridge source.

Captured: the texts and their order (webhooks-009, 010, 023, 024, 028, 029, 037, 038, 061). Source: issue 193 of
github.com/craftcms/shopify (an address at the shop's own domains; read 2026-11). Assumed: the words about other shops and internal
networks, and which networks are internal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

LIMIT_BYTES = 65_535
BLANK = "Address can't be blank"
TOO_LONG = "Address is too big (maximum is 64 KB)"
INVALID = "Address is invalid"
OWN_DOMAINS = "Address cannot be any of the domains: {}"
INTERNAL = "Address cannot be a Shopify or an internal domain"
NO_ARN = "Address is not a valid AWS ARN"
NO_TOPIC = "Address is not a valid GCP pub/sub format. Format should be pubsub://project:topic"

ARN = re.compile(r"arn:aws:events:[a-z0-9-]+::event-source/aws\.partner/shopify\.com(?:\.test)?/(\d+)/[\w./-]+")
PUBSUB = re.compile(r"pubsub://([^:/\s]+):([^\s]+)")
PROJECT = re.compile(r"(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]")
TOPIC = re.compile(r"(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}")
"""Source: cloud.google.com/resource-manager/docs/creating-managing-projects and …/pubsub/docs/pubsub-basics (read 2026-11)."""

SHOPIFY_HOSTS = ("shopify.com", "myshopify.com")
INTERNAL_HOSTS = ("localhost", "local", "internal")
PRIVATE = tuple(map(ip_network, ("0.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))


def kind_of(address: str) -> str:
    """Return `pubsub`, `eventbridge` or `http` for an address, valid or not."""
    if address.startswith("pubsub://"):
        return "pubsub"
    return "eventbridge" if address.startswith("arn:") else "http"


def address_errors(address: str | None, app_number: int, domains: Sequence[str]) -> list[str]:
    """Return what is wrong with an address; `domains` are the shop's own."""
    if address is None or not address.strip():
        return [BLANK]
    if len(address.encode()) > LIMIT_BYTES:
        return [TOO_LONG]
    kind = kind_of(address)
    if kind == "eventbridge":
        return _arn_errors(address, app_number)
    if kind == "pubsub":
        return [] if PUBSUB.fullmatch(address) else ["Address protocol pubsub:// is not supported", NO_TOPIC]
    return _url_errors(address, domains)


def _arn_errors(address: str, app_number: int) -> list[str]:
    found = ARN.fullmatch(address)
    if found is None:
        return [INVALID, NO_ARN]
    if int(found[1]) != app_number:
        return [INVALID, f"Address is an AWS ARN and includes api_client_id '{found[1]}' instead of '{app_number}'"]
    return []


def _url_errors(address: str, domains: Sequence[str]) -> list[str]:
    parts = _split(address)
    if parts is None or not parts.scheme:
        return [INVALID]
    errors = [] if parts.hostname else [INVALID]
    if parts.scheme != "https":
        errors.append(f"Address protocol {parts.scheme}:// is not supported")
    if (parts.hostname or "") in domains:
        return [*errors, OWN_DOMAINS.format(", ".join(domains))]
    return [*errors, INTERNAL] if is_internal(parts.hostname or "") else errors


def _split(address: str) -> SplitResult | None:
    if re.search(r"[\s\x00-\x1f<>\"\\^`{|}]", address):
        return None
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts


def is_internal(host: str) -> bool:
    """Say whether a host is Shopify's, this machine's or an internal network's."""
    name = host.rstrip(".").lower()
    if any(name == one or name.endswith(f".{one}") for one in (*SHOPIFY_HOSTS, *INTERNAL_HOSTS)):
        return True
    try:
        number = ip_address(name)
    except ValueError:
        return False
    return number.is_loopback or number.is_link_local or any(number in network for network in PRIVATE)


def pubsub_errors(project: str, topic: str) -> list[tuple[str, str]]:
    """Return what is wrong with the two parts of a Pub/Sub address, as (field, text)."""
    errors = []
    if not PROJECT.fullmatch(project):
        errors.append(("pubSubProject", "Google Cloud Pub/Sub project ID is not valid"))
    if not TOPIC.fullmatch(topic):
        errors.append(("pubSubTopic", "Google Cloud Pub/Sub topic ID is not valid"))
    return errors
