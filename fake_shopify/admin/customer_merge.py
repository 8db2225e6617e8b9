"""Merging two customers: who is kept, what blocks it, the preview, and the job that reports on it.

Which customer is kept: source shopify.dev/docs/api/admin-graphql/latest/mutations/customerMerge (read 2026-11); captured:
customers-077, 078. The merge happens at once; the job is done when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fake_shopify.admin import metafields
from fake_shopify.admin.contact_details import clean_tags
from fake_shopify.admin.customer_events import emit_customer
from fake_shopify.admin.customer_fields import email_address, phone_number
from fake_shopify.admin.customer_input import NOTE_LIMIT, TAG_LIMIT
from fake_shopify.admin.customer_rows import (
    change_customer,
    default_address,
    display_name,
    order_numbers,
    remove_customer,
    same_address,
)
from fake_shopify.admin.jobs import new_job
from fake_shopify.admin.order_customers import move
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import EMPTY, Connection, page
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row

FIELDS = ("customerOneId", "customerTwoId")
KEPT_JOBS = "customer_merges"
CONSENT_RANK = {"SUBSCRIBED": 2, "PENDING": 1}
CHOICES = {
    "customerIdOfEmailToKeep": "email",
    "customerIdOfPhoneNumberToKeep": "phone",
    "customerIdOfFirstNameToKeep": "firstName",
    "customerIdOfLastNameToKeep": "lastName",
    "customerIdOfDefaultAddressToKeep": "_default_address_id",
}
Override = Mapping[str, Any]
UserErrors = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two customers of whom one is kept."""

    kept: Row
    gone: Row


# Who is kept


def _consent_rank(row: Row) -> int:
    return CONSENT_RANK.get(row["_email_consent"]["state"], 0) if row["_email_consent"] else 0


def pair_up(one: Row, two: Row, override: Override) -> Pairing:
    """Decide who is kept: the override for the e-mail address, the only one with an address, account state, consent, the second."""
    wanted = override.get("customerIdOfEmailToKeep")
    if wanted in (one["id"], two["id"]):
        return Pairing(one, two) if wanted == one["id"] else Pairing(two, one)
    return Pairing(one, two) if _first_wins(one, two) else Pairing(two, one)


def _first_wins(one: Row, two: Row) -> bool:
    if bool(one["email"]) != bool(two["email"]):
        return bool(one["email"])
    if not one["email"]:
        return False
    first, second = one["state"], two["state"]
    if "ENABLED" in (first, second) and first != second:
        return bool(first == "ENABLED")
    if _consent_rank(one) != _consent_rank(two):
        return _consent_rank(one) > _consent_rank(two)
    return bool(first == "INVITED" and second != "INVITED")


# What blocks


def _has(ctx: Context, table: str, row: Row, *, key: str) -> bool:
    return any(one.get(key) == row.number for one in ctx.table(table))


def blockers(ctx: Context, row: Row) -> list[tuple[str, str]]:
    """List what keeps a customer from being merged, as `(error field, reason)`.

    Captured: customers-074 (gift cards, with a typographic apostrophe). Source of the other kinds: `CustomerMergeErrorFieldType` in
    shopify.dev/docs/api/admin-graphql (read 2026-11); assumed: their words.
    """
    name, found = display_name(row), []
    if any(card["_customer_id"] == row.number and card["deactivatedAt"] is None for card in ctx.table("GiftCard")):
        found.append(("GIFT_CARDS", f"{name} has gift cards and can’t be merged."))
    if _has(ctx, "CompanyContact", row, key="_customer_id"):
        found.append(("COMPANY_CONTACT", f"{name} is a company contact and can’t be merged."))
    if _has(ctx, "StoreCreditAccount", row, key="_customer_id"):
        found.append(("STORE_CREDIT", f"{name} has store credit and can’t be merged."))
    if row["multipassIdentifier"]:
        found.append(("MULTIPASS_IDENTIFIER", f"{name} has a multipass identifier and can’t be merged."))
    if row["_erasure_at"] is not None:
        found.append(("REDACTED_AT", f"{name} has a pending or completed redaction and can’t be merged."))
    return found


def merged_note(one: Row, two: Row) -> str | None:
    """Join the notes of both customers (assumed: with a blank)."""
    return " ".join(note for note in (one["note"], two["note"]) if note) or None


def merged_tags(one: Row, two: Row) -> list[str]:
    """Join the tags of both customers."""
    return clean_tags([*one["tags"], *two["tags"]])


def _too_much(one: Row, two: Row, override: Override) -> str | None:
    """Return why note or tags cannot be merged (captured: customers-074: both customers are named)."""
    note, tags = override.get("note"), override.get("tags")
    if len(clean_tags(tags) if tags is not None else merged_tags(one, two)) > TAG_LIMIT:
        return f"Customers must have {TAG_LIMIT} tags or less."
    if len((merged_note(one, two) if note is None else note) or "") > NOTE_LIMIT:
        return f"Customer notes must be {NOTE_LIMIT:,} characters or less."
    return None


def _override_errors(one: Row, two: Row, override: Override) -> UserErrors:
    """Check that the chosen customers are these two and have what is to be kept (assumed: the words)."""
    errors: UserErrors = []
    rows = {one["id"]: one, two["id"]: two}
    for name, value in CHOICES.items():
        chosen = override.get(name)
        if chosen is None:
            continue
        path = ["overrideFields", name]
        if chosen not in rows:
            errors.append(user_error(path, "Override attribute is invalid.", "OVERRIDE_ATTRIBUTE_INVALID"))
        elif not rows[chosen][value]:
            errors.append(
                user_error(path, "Customer is missing the attribute requested for override.", "MISSING_OVERRIDE_ATTRIBUTE")
            )
    return errors


def _errors(ctx: Context, one: Row, two: Row, override: Override) -> UserErrors:
    errors = []
    for name, row in zip(FIELDS, (one, two), strict=True):
        errors += [user_error([name], reason, "INVALID_CUSTOMER") for _, reason in blockers(ctx, row)]
    errors = errors or _override_errors(one, two, override)
    text = None if errors else _too_much(one, two, override)
    return errors if text is None else [user_error([name], text, "INVALID_CUSTOMER") for name in FIELDS]


# Merging


@mutation("customerMerge")
def customer_merge(
    ctx: Context, customerOneId: str, customerTwoId: str, overrideFields: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Merge two customers into one of them.

    Captured: customers-059, 074, 077, 078. Assumed: the refusals of unknown and of equal ids.
    """
    ctx.require_type(customerOneId, "Customer")
    ctx.require_type(customerTwoId, "Customer")
    one, two, override = ctx.edit("Customer", customerOneId), ctx.edit("Customer", customerTwoId), overrideFields or {}
    errors = _unknown((customerOneId, one), (customerTwoId, two))
    if one is not None and two is not None:
        errors = errors or _errors(ctx, one, two, override)
    if errors or one is None or two is None:
        return {"resultingCustomerId": None, "job": None, "userErrors": errors}
    pairing = pair_up(one, two, override)
    _merge(ctx, pairing, one, two, override)
    job = new_job(ctx)
    result = {"__typename": "CustomerMergeRequest", "jobId": job["id"], "resultingCustomerId": pairing.kept["id"]}
    ctx.shop.state.setdefault(KEPT_JOBS, {})[job["id"]] = result | {"status": "COMPLETED", "customerMergeErrors": []}
    return {"resultingCustomerId": pairing.kept["id"], "job": job, "userErrors": []}


def _unknown(*named: tuple[str, Row | None]) -> UserErrors:
    errors = []
    for name, (text, row) in zip(FIELDS, named, strict=True):
        if row is None:
            number = text.rsplit("/", 1)[-1]
            errors.append(user_error([name], f"Customer does not exist with ID {number}", "INVALID_CUSTOMER_ID"))
    if not errors and named[0][0] == named[1][0]:
        errors.append(user_error(None, "Customers IDs should not match", "INVALID_CUSTOMER_ID"))
    return errors


def _merge(ctx: Context, pairing: Pairing, one: Row, two: Row, override: Override) -> None:
    kept, gone = pairing.kept, pairing.gone
    values = merged_values(pairing, one, two, override)
    default = _default_number(pairing, override)
    addresses = [*kept["_addresses"], *(own for own in gone["_addresses"] if not _is_among(own, kept["_addresses"]))]
    for number in order_numbers(ctx.shop, gone.number):
        order = ctx.table("Order").edit(number)
        if order is not None:
            move(ctx.shop, order, kept.number)
    _move_metafields(ctx, gone["id"], kept["id"])
    gone["_addresses"] = []
    remove_customer(ctx.shop, gone)
    change_customer(ctx.shop, kept, values | {"_addresses": addresses, "_default_address_id": default})
    emit_customer(ctx, kept, "update")
    ctx.shop.emit("customers/merge", _event(kept, gone))


def merged_values(pairing: Pairing, one: Row, two: Row, override: Override) -> dict[str, Any]:
    """Return the plain values after a merge: the kept customer's, filled up with the other's where blank (assumed)."""
    rows = {pairing.kept["id"]: pairing.kept, pairing.gone["id"]: pairing.gone}
    values: dict[str, Any] = {}
    for choice, name in list(CHOICES.items())[:4]:
        chosen = rows.get(override.get(choice) or "")
        values[name] = chosen[name] if chosen is not None else pairing.kept[name] or pairing.gone[name]
    note, tags = override.get("note"), override.get("tags")
    values["note"] = merged_note(one, two) if note is None else note
    values["tags"] = merged_tags(one, two) if tags is None else clean_tags(tags)
    return values


def _default_number(pairing: Pairing, override: Override) -> int | None:
    kept: int | None = pairing.kept["_default_address_id"]
    gone: int | None = pairing.gone["_default_address_id"]
    return gone or kept if override.get("customerIdOfDefaultAddressToKeep") == pairing.gone["id"] else kept or gone


def _is_among(address: Row, others: list[Row]) -> bool:
    return any(same_address(address, other) for other in others)


def _move_metafields(ctx: Context, source: str, target: str) -> None:
    for row in metafields.of_owner(ctx.shop, source):
        if metafields.find(ctx.shop, target, row["namespace"], row["key"]) is None:
            metafields.put(ctx.shop, target, row["namespace"], row["key"], row["type"], row["value"])
    metafields.drop_owner(ctx.shop, source)


def _event(kept: Row, gone: Row) -> dict[str, Any]:
    return {
        "admin_graphql_api_customer_kept_id": kept["id"],
        "admin_graphql_api_customer_deleted_id": gone["id"],
        "admin_graphql_api_id": kept["id"],
        "status": "completed",
        "errors": [],
    }


@query("customerMergeJobStatus")
def customer_merge_job_status(ctx: Context, jobId: str) -> dict[str, Any] | None:
    """Answer how a merge stands, or null for another job (captured: customers-077)."""
    ctx.require_type(jobId, "Job")
    found: dict[str, Any] | None = ctx.shop.state.get(KEPT_JOBS, {}).get(jobId)
    return found


# Preview


@field("Customer", "mergeable")
def _mergeable(row: Row, ctx: Context) -> dict[str, Any]:
    found = blockers(ctx, row)
    return {
        "__typename": "CustomerMergeable",
        "isMergeable": not found,
        "errorFields": [name for name, _ in found],
        "reason": found[0][1] if found else None,
        "mergeInProgress": None,
    }


@query("customerMergePreview")
def customer_merge_preview(
    ctx: Context, customerOneId: str, customerTwoId: str, overrideFields: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Show what a merge would do (source: shopify.dev/docs/api/admin-graphql/latest/queries/customerMergePreview, read 2026-11)."""
    ctx.require_type(customerOneId, "Customer")
    ctx.require_type(customerTwoId, "Customer")
    one, two, override = ctx.find("Customer", customerOneId), ctx.find("Customer", customerTwoId), overrideFields or {}
    unknown = _unknown((customerOneId, one), (customerTwoId, two))
    if unknown or one is None or two is None:
        return {"customerMergeErrors": [{"errorFields": ["DELETED_AT"], "message": error["message"]} for error in unknown]}
    found = [*blockers(ctx, one), *blockers(ctx, two)]
    errors = [{"errorFields": [name], "message": reason} for name, reason in found]
    pairing = pair_up(one, two, override)
    return {
        "resultingCustomerId": None if errors else pairing.kept["id"],
        "defaultFields": None if errors else _default_fields(ctx, pairing, one, two, override),
        "alternateFields": None if errors else _alternate_fields(ctx, pairing),
        "blockingFields": _blocking_fields(one, two, override),
        "customerMergeErrors": errors or None,
    }


def _default_fields(ctx: Context, pairing: Pairing, one: Row, two: Row, override: Override) -> dict[str, Any]:
    values = merged_values(pairing, one, two, override)
    after = Row(pairing.kept)
    after.update(values)
    numbers = sorted({*order_numbers(ctx.shop, one.number), *order_numbers(ctx.shop, two.number)})
    orders = [order for order in map(ctx.table("Order").get, numbers) if order is not None]
    addresses = [*one["_addresses"], *(own for own in two["_addresses"] if not _is_among(own, one["_addresses"]))]
    default = next((own for own in addresses if own.number == _default_number(pairing, override)), None)
    shown = {name: values[name] for name in ("firstName", "lastName", "note", "tags")}
    return shown | {
        "displayName": display_name(after),
        "email": email_address(after, ctx),
        "phoneNumber": phone_number(after, ctx),
        "defaultAddress": default,
        "addresses": _pages(addresses),
        "orders": _pages(orders),
        "orderCount": str(len(numbers)),
        "draftOrderCount": "0",
        "discountNodeCount": "0",
        "giftCardCount": "0",
        "metafieldCount": str(sum(len(metafields.of_owner(ctx.shop, row["id"])) for row in (one, two))),
        "draftOrders": EMPTY,
        "discountNodes": EMPTY,
        "giftCards": EMPTY,
    }


def _pages(rows: list[Row]) -> Any:
    def connection(ctx: Context, **arguments: Any) -> Connection:
        return page(rows, arguments)

    return connection


def _alternate_fields(ctx: Context, pairing: Pairing) -> dict[str, Any]:
    gone = pairing.gone
    shown = {name: gone[name] for name in ("firstName", "lastName") if gone[name] != pairing.kept[name]}
    return shown | {
        "email": email_address(gone, ctx),
        "phoneNumber": phone_number(gone, ctx),
        "defaultAddress": default_address(gone),
    }


def _blocking_fields(one: Row, two: Row, override: Override) -> dict[str, Any] | None:
    if _too_much(one, two, override) is None:
        return None
    note, tags = merged_note(one, two), merged_tags(one, two)
    return {"note": note if len(note or "") > NOTE_LIMIT else None, "tags": tags if len(tags) > TAG_LIMIT else []}
