"""Customer accounts: invitations, activation links, and the pages that every account has."""

from __future__ import annotations

import base64
import json
import re
import secrets
from typing import Any

from fake_shopify.admin.contact_details import blank_to_none, clean_email, is_email
from fake_shopify.admin.customer_events import emit_customer
from fake_shopify.context import Context, split_gid
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, page
from fake_shopify.registry import mutation, query
from fake_shopify.rows import Row
from fake_shopify.world import gid

SUBJECT_LIMIT = 1000
MESSAGE_LIMIT = 5000
TAG = re.compile(r"<[A-Za-z/!][^>]*>")
SENDING_FAILED = "Error sending account invite to customer."
PAGES = (("Orders", "orders"), ("Profile", "profile"), ("Settings", "settings"))


def email_problems(ctx: Context, email: dict[str, Any]) -> list[dict[str, Any]]:
    """List what is wrong with the addresses and the subject of an `EmailInput`.

    Captured: customers-065 to 068: a blank subject, a malformed recipient, a sender who is not the shop's, and blind copies to
    anyone who is not the shop's (all are named in one sentence, well-formed ones too). Assumed: the shop's own address is the only
    sender and blind copy allowed, since staff are not modelled; several problems are listed in this order.
    """
    own = ctx.shop.settings["email"]
    problems: list[tuple[str, str]] = []
    if "subject" in email and blank_to_none(email["subject"]) is None:
        problems.append(("subject", "Subject can't be blank"))
    if email.get("to") is not None and not is_email(clean_email(email["to"]) or ""):
        problems.append(("to", "To is invalid"))
    if email.get("from") is not None and email["from"] != own:
        problems.append(("from", "From Sender is invalid"))
    strangers = [one for one in email.get("bcc") or () if one != own]
    if strangers:
        problems.append(("bcc", "Bcc " + _sentence([f"{one} is not a valid bcc address" for one in strangers])))
    return [user_error(["email", name], message, "INVALID") for name, message in problems]


def _sentence(parts: list[str]) -> str:
    if len(parts) < 3:
        return " and ".join(parts)
    return ", ".join(parts[:-1]) + ", and " + parts[-1]


def _cannot_be_sent(row: Row, email: dict[str, Any]) -> bool:
    """Say whether the message itself fails (captured: customers-069 to 071: long subject, long message, HTML).

    Assumed: the limits are 1000 and 5000 characters; without any recipient it fails too.
    """
    message = email.get("customMessage") or ""
    too_long = len(email.get("subject") or "") > SUBJECT_LIMIT or len(message) > MESSAGE_LIMIT
    return too_long or TAG.search(message) is not None or not (email.get("to") or row["email"])


@mutation("customerSendAccountInviteEmail")
def customer_send_account_invite_email(ctx: Context, customerId: str, email: dict[str, Any] | None = None) -> dict[str, Any]:
    """Invite a customer to an account; the state becomes INVITED (captured: customers-065 to 071, 077, 080)."""
    ctx.require_type(customerId, "Customer")
    row = ctx.edit("Customer", customerId)
    if row is None:
        return {"customer": None, "userErrors": [user_error(["customerId"], "Customer can't be found", "INVALID")]}
    errors = email_problems(ctx, email or {})
    if not errors and _cannot_be_sent(row, email or {}):
        errors = [user_error(["customerId"], SENDING_FAILED, "INVALID")]
    if errors:
        return {"customer": None, "userErrors": errors}
    row.update(state="INVITED", updatedAt=ctx.now())
    emit_customer(ctx, row, "update")
    return {"customer": row, "userErrors": []}


@mutation("customerGenerateAccountActivationUrl")
def customer_generate_account_activation_url(ctx: Context, customerId: str) -> dict[str, Any]:
    """Make a link with which the customer can activate the account.

    Captured: customers-080 (unknown customer). Assumed: the address, and that the state of the account stays as it is.
    """
    ctx.require_type(customerId, "Customer")
    row = ctx.find("Customer", customerId)
    if row is None:
        return {"accountActivationUrl": None, "userErrors": [user_error(["customerId"], "The customer can't be found.")]}
    token = f"{secrets.token_hex(16)}-{int(ctx.world.clock.now().timestamp())}"
    return {"accountActivationUrl": f"https://{ctx.shop.domain}/account/activate/{row.number}/{token}", "userErrors": []}


# Pages


def _pages(ctx: Context) -> list[Row]:
    rows = []
    for place, (title, handle) in enumerate(PAGES):
        number = ctx.shop.number + place
        cursor = {"limit": 1, "order": "id asc", "last_id": number, "last_value": number, "direction": "next"}
        packed = base64.b64encode(json.dumps(cursor, separators=(",", ":")).encode()).decode()
        own = {"__typename": "CustomerAccountNativePage", "_id": number, "id": gid("CustomerAccountPage", number)}
        rows.append(Row(own, title=title, handle=handle, defaultCursor=packed))
    return rows


@query("customerAccountPages")
def customer_account_pages(ctx: Context, **arguments: Any) -> Connection:
    """List the three pages of a customer account (captured: pagination_search-041)."""
    return page(_pages(ctx), arguments)


@query("customerAccountPage")
def customer_account_page(ctx: Context, id: str) -> Row | None:
    """Answer one page of a customer account, or null."""
    ctx.require_type(id, "CustomerAccountPage", "CustomerAccountNativePage")
    return next((row for row in _pages(ctx) if str(row.number) == split_gid(id)[1]), None)
