"""Marketing consent by e-mail, SMS and WhatsApp: inside `customerCreate`, and through the three update mutations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fake_shopify.admin.customer_events import emit_consent
from fake_shopify.admin.customer_fields import phone_number
from fake_shopify.clock import iso, parse_iso
from fake_shopify.context import Context
from fake_shopify.failures import TopLevelError, user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row


@dataclass(frozen=True, slots=True)
class Channel:
    """One way of marketing: how its input is called, how its fields are, and what it needs."""

    name: str
    argument: str
    contact: str
    needs: str
    state: str = "marketingState"
    level: str = "marketingOptInLevel"
    at: str = "consentUpdatedAt"

    @property
    def kept(self) -> str:
        """The private key of the customer row."""
        return f"_{self.name}_consent"


EMAIL = Channel("email", "emailMarketingConsent", "email", "An email address is required to set the email marketing consent state.")
SMS = Channel("sms", "smsMarketingConsent", "phone", "A phone number is required to set the SMS consent state.")
WHATSAPP = Channel(
    "whatsapp",
    "whatsAppMarketingConsent",
    "phone",
    "A phone number is required to set the WhatsApp consent state.",
    state="state",
    level="optInLevel",
    at="updatedAt",
)
CHANNELS = (EMAIL, SMS, WHATSAPP)
REFUSED_STATES = frozenset({"NOT_SUBSCRIBED", "REDACTED", "INVALID", "NEVER_SUBSCRIBED"})
UPDATE_MUTATIONS = {
    "emailMarketingConsent": "customerEmailMarketingConsentUpdate",
    "smsMarketingConsent": "customerSmsMarketingConsentUpdate",
    "whatsAppMarketingConsent": "customerWhatsAppMarketingConsentUpdate",
}


def check_state(channel: Channel, given: Mapping[str, Any]) -> None:
    """Refuse a state that nobody may set.

    Captured: customers-057, 058, 155 (REDACTED, NOT_SUBSCRIBED). Assumed: INVALID and NEVER_SUBSCRIBED alike.
    """
    state = given[channel.state]
    if state in REFUSED_STATES:
        raise TopLevelError(f"Cannot specify {state} as a marketing state input", "INVALID")


def inline_problems(given: Mapping[str, Any], contacts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List what is wrong with the consents inside `customerCreate` (captured: customers-054 to 058)."""
    sent = [channel for channel in CHANNELS if given.get(channel.argument) is not None]
    for channel in sent:
        check_state(channel, given[channel.argument])
    return [user_error([channel.argument], channel.needs) for channel in sent if not contacts.get(channel.contact)]


def put_inline(ctx: Context, row: Row, given: Mapping[str, Any]) -> None:
    """Keep the consents that came with a new customer (captured: customers-052, 053)."""
    for channel in CHANNELS:
        consent = given.get(channel.argument)
        if consent is not None:
            row[channel.kept] = _consent(ctx, channel, consent)


def _consent(ctx: Context, channel: Channel, given: Mapping[str, Any]) -> dict[str, Any]:
    """Shape of a kept consent. Assumed: without an instant it is now, without a level it is a single opt-in."""
    at = given.get(channel.at)
    return {
        "state": given[channel.state],
        "level": given.get(channel.level) or "SINGLE_OPT_IN",
        "at": iso(parse_iso(at)) if at else ctx.now(),
        "location": given.get("sourceLocationId"),
    }


def update_consent(ctx: Context, channel: Channel, input: Mapping[str, Any]) -> tuple[Row | None, list[dict[str, Any]]]:
    """Set the consent of one channel.

    Captured for SMS: customers-100 (unknown customer: field null), 151 (in the future), 153 (no level), 154 (no phone), 155
    (pending needs a confirmed opt-in; states nobody may set), 156. Assumed for e-mail and WhatsApp: the same rules and words, and
    the order of the checks.
    """
    given = input[channel.argument]
    check_state(channel, given)
    ctx.require_type(input["customerId"], "Customer")
    row = ctx.edit("Customer", input["customerId"])
    if row is None:
        return None, [user_error(None, "Customer not found")]
    problem = _problem(ctx, channel, given, row)
    if problem is not None:
        path, message, code = problem
        return None, [user_error(["input", channel.argument, *path], message, code)]
    row[channel.kept] = _consent(ctx, channel, given)
    row["updatedAt"] = ctx.now()
    return row, []


def _problem(ctx: Context, channel: Channel, given: Mapping[str, Any], row: Row) -> tuple[list[str], str, str] | None:
    level, at = given.get(channel.level), given.get(channel.at)
    if level is None:
        return [channel.level], "Marketing opt in level must exist", "MISSING_ARGUMENT"
    if given[channel.state] == "PENDING" and level != "CONFIRMED_OPT_IN":
        return [channel.level], "Marketing opt in level must be confirmed opt-in for pending consent state", "INVALID"
    if at is not None and parse_iso(at) > parse_iso(ctx.now()):
        return [channel.at], "Consent updated at must not be in the future", "INVALID"
    return None if row[channel.contact] else ([], channel.needs, "INVALID")


@mutation("customerEmailMarketingConsentUpdate")
def customer_email_marketing_consent_update(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Set a customer's consent to e-mail marketing."""
    row, errors = update_consent(ctx, EMAIL, input)
    if row is not None:
        emit_consent(ctx, row, "email")
    return {"customer": row, "userErrors": errors}


@mutation("customerSmsMarketingConsentUpdate")
def customer_sms_marketing_consent_update(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Set a customer's consent to SMS marketing."""
    row, errors = update_consent(ctx, SMS, input)
    if row is not None:
        emit_consent(ctx, row, "sms")
    return {"customer": row, "userErrors": errors}


@mutation("customerWhatsAppMarketingConsentUpdate")
def customer_whatsapp_marketing_consent_update(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Set a customer's consent to WhatsApp marketing."""
    row, errors = update_consent(ctx, WHATSAPP, input)
    return {"customerPhoneNumber": phone_number(row, ctx) if row is not None else None, "userErrors": errors}
