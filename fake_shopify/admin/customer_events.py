"""What the customer topics deliver: payloads in the shape of Shopify's published samples.

Source: the sample payloads of shopify.dev/docs/api/webhooks (customers/create, customers/update, customers/delete,
customers_email_marketing_consent/update, customers_marketing_consent/update; version 2026-04).
"""

from __future__ import annotations

from typing import Any

from fake_shopify.admin.customer_rows import default_address
from fake_shopify.admin.mailing_addresses import full_name
from fake_shopify.context import Context
from fake_shopify.rows import Row


def _address(row: Row, address: Row) -> dict[str, Any]:
    return {
        "id": address.number,
        "customer_id": row.number,
        "first_name": address["firstName"],
        "last_name": address["lastName"],
        "company": address["company"],
        "address1": address["address1"],
        "address2": address["address2"],
        "city": address["city"],
        "province": address["province"],
        "country": address["country"],
        "zip": address["zip"],
        "phone": address["phone"],
        "name": full_name(address) or "",
        "province_code": address["provinceCode"],
        "country_code": address["countryCodeV2"],
        "country_name": address["country"],
        "default": address.number == row["_default_address_id"],
    }


def customer_payload(ctx: Context, row: Row) -> dict[str, Any]:
    """Build the payload of customers/create and customers/update; without addresses there is no `default_address`."""
    payload = {
        "id": row.number,
        "created_at": row["createdAt"],
        "updated_at": row["updatedAt"],
        "first_name": row["firstName"],
        "last_name": row["lastName"],
        "state": row["state"].lower(),
        "note": row["note"],
        "verified_email": row["verifiedEmail"],
        "multipass_identifier": row["multipassIdentifier"],
        "tax_exempt": row["taxExempt"],
        "email": row["email"],
        "phone": row["phone"],
        "currency": ctx.shop.settings["currency"],
        "addresses": [_address(row, address) for address in row["_addresses"]],
        "tax_exemptions": list(row["taxExemptions"]),
        "admin_graphql_api_id": row["id"],
    }
    default = default_address(row)
    return payload if default is None else payload | {"default_address": _address(row, default)}


def emit_customer(ctx: Context, row: Row, event: str) -> None:
    """Note that a customer was created, updated, enabled or disabled."""
    ctx.shop.emit(f"customers/{event}", customer_payload(ctx, row))


def emit_deleted(ctx: Context, row: Row) -> None:
    """Note that a customer was deleted."""
    ctx.shop.emit("customers/delete", {"id": row.number, "tax_exemptions": [], "admin_graphql_api_id": row["id"]})


def emit_consent(ctx: Context, row: Row, channel: str) -> None:
    """Note a changed consent: channel `email` or `sms`; the keys differ between the two topics."""
    consent = row[f"_{channel}_consent"]
    facts = {
        "state": consent["state"].lower(),
        "opt_in_level": consent["level"].lower() if consent["level"] else None,
        "consent_updated_at": consent["at"],
    }
    if channel == "email":
        payload = {"customer_id": row.number, "email_address": row["email"], "email_marketing_consent": facts}
        ctx.shop.emit("customers_email_marketing_consent/update", payload | {"admin_graphql_api_id": row["id"]})
        return
    payload = {"id": row.number, "phone": row["phone"], "sms_marketing_consent": facts | {"consent_collected_from": "other"}}
    ctx.shop.emit("customers_marketing_consent/update", payload | {"admin_graphql_api_id": row["id"]})
