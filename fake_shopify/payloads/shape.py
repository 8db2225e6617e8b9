"""What all payloads have in common: how instants, money and nothing are written, which fields a subscription keeps, and the bytes.

Captured: instants in the shop's zone with its offset, prices as text with two decimals, money sets of shop and presentment money
(../shared/data/webhook_payloads). Assumed: the body escapes `<`, `>` and `&`, as Rails does, and is UTF-8 otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from fake_shopify.admin.order_money import Pair
from fake_shopify.clock import parse_iso
from fake_shopify.money import scalar

Payload = dict[str, Any]
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
ESCAPED = re.compile("[<>&\u2028\u2029\ud800-\udfff]")
UTC_KEYS = frozenset({"variant_gids", "occurredAt"})


def in_zone(value: Any, zone: str) -> Any:
    """Write every instant below a value in a zone: `2026-11-01T07:00:00-05:00`."""
    return _in_zone(value, ZoneInfo(zone))


def _in_zone(value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, dict):
        return {key: inner if key in UTC_KEYS else _in_zone(inner, zone) for key, inner in value.items()}
    if isinstance(value, list):
        return [_in_zone(inner, zone) for inner in value]
    if isinstance(value, str) and len(value) >= 20 and INSTANT.fullmatch(value):
        return parse_iso(value).astimezone(zone).isoformat(timespec="seconds")
    return value


def money_set(pair: Pair, order: Mapping[str, Any]) -> Payload:
    """Write a pair of amounts as `…_set`."""
    return {
        "shop_money": {"amount": scalar(pair[0]), "currency_code": order["currencyCode"]},
        "presentment_money": {"amount": scalar(pair[1]), "currency_code": order["presentmentCurrencyCode"]},
    }


def address(row: Mapping[str, Any] | None) -> Payload | None:
    """Write the address of an order."""
    if row is None:
        return None
    names = [part for part in (row["firstName"], row["lastName"]) if part]
    return {
        "first_name": row["firstName"],
        "address1": row["address1"],
        "phone": row["phone"],
        "city": row["city"],
        "zip": row["zip"],
        "province": row["province"],
        "country": row["country"],
        "last_name": row["lastName"],
        "address2": row["address2"],
        "company": row["company"],
        "latitude": None,
        "longitude": None,
        "name": " ".join(names) or None,
        "country_code": row["countryCodeV2"],
        "province_code": row["provinceCode"],
    }


def only_fields(payload: Any, fields: Sequence[str]) -> Any:
    """Keep the fields of `include_fields`; nested ones are named with a period, lists stand for their entries.

    Source: shopify.dev/docs/apps/build/webhooks/customize/modify-payloads (read 2026-11). A field that is not there is passed over.
    """
    if isinstance(payload, list):
        return [only_fields(entry, fields) for entry in payload]
    if not isinstance(payload, dict):
        return payload
    inner: dict[str, list[str]] = {}
    for name in fields:
        head, _, rest = name.partition(".")
        inner.setdefault(head, []).append(rest)
    kept = {head: rests for head, rests in inner.items() if head in payload}
    return {head: payload[head] if "" in rests else only_fields(payload[head], rests) for head, rests in kept.items()}


def json_body(payload: Any) -> bytes:
    """Write a payload as JSON; what UTF-8 cannot say is escaped."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def xml_body(payload: Any, root: str) -> bytes:
    """Write a payload as XML, in the manner of Rails (assumed): `<order><id type="integer">1</id>…`."""
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + _xml(root.replace("_", "-"), payload)).encode("utf-8", "replace")


def _xml(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"<{name}>{''.join(_xml(key.replace('_', '-'), inner) for key, inner in value.items())}</{name}>"
    if isinstance(value, list):
        item = name.removesuffix("s") if name.endswith("s") else name
        return f'<{name} type="array">{"".join(_xml(item, inner) for inner in value)}</{name}>'
    if value is None:
        return f'<{name} nil="true"/>'
    if isinstance(value, bool):
        return f'<{name} type="boolean">{str(value).lower()}</{name}>'
    if isinstance(value, int | float):
        return f'<{name} type="{"integer" if isinstance(value, int) else "float"}">{value}</{name}>'
    text = str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<{name}>{text}</{name}>"
