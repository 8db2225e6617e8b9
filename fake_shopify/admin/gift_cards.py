"""Gift cards: issuing, changing, crediting, debiting and deactivating them.

A row keeps `_initial` and `_balance` as decimal text, `_code`, `_customer_id`, `_recipient` (number, name, message, instant) and
`_transactions` (rows). The shop's currency is the only one.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fake_shopify.clock import iso, parse_iso
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.money import amount, cents, money, scalar
from fake_shopify.paging import Connection, SortKey, instant, page
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row
from fake_shopify.search import Field, choice, exact, identifier, moment, number, words

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
SHORTEST, LONGEST = 8, 20
NOT_FOUND = "The gift card could not be found."
UserErrors = list[dict[str, Any]]


def _card(ctx: Context, text: str) -> Row | None:
    ctx.require_type(text, "GiftCard")
    return ctx.edit("GiftCard", text)


# Issuing


def _code_problem(ctx: Context, code: str) -> tuple[str, str] | None:
    """Check a chosen code.

    Source: shopify.dev/docs/api/admin-graphql/latest/input-objects/GiftCardCreateInput (8 to 20 letters and digits; read
    2026-11). Assumed: the words.
    """
    if len(code) < SHORTEST:
        return f"Code is too short (minimum is {SHORTEST} characters)", "TOO_SHORT"
    if len(code) > LONGEST:
        return f"Code is too long (maximum is {LONGEST} characters)", "TOO_LONG"
    if not (code.isascii() and code.isalnum()):
        return "Code can only contain letters(a-z) and numbers(0-9)", "INVALID"
    if any(card["_code"] == code.lower() for card in ctx.table("GiftCard")):
        return "Code has already been taken", "TAKEN"
    return None


def _create_errors(ctx: Context, given: Mapping[str, Any], value: Decimal) -> UserErrors:
    errors: UserErrors = []
    if value <= 0:
        errors.append(user_error(["input", "initialValue"], "must be greater than 0", "GREATER_THAN"))
    code = (given.get("code") or "").replace(" ", "").replace("-", "")
    problem = _code_problem(ctx, code) if code else None
    if problem is not None:
        errors.append(user_error(["input", "code"], *problem))
    return errors + _customer_errors(ctx, given)


def _customer_errors(ctx: Context, given: Mapping[str, Any]) -> UserErrors:
    errors: UserErrors = []
    if given.get("customerId") is not None and ctx.find("Customer", given["customerId"]) is None:
        errors.append(user_error(["input", "customerId"], "The customer could not be found.", "CUSTOMER_NOT_FOUND"))
    recipient = given.get("recipientAttributes")
    if recipient is not None and ctx.find("Customer", recipient["id"]) is None:
        errors.append(
            user_error(["input", "recipientAttributes", "id"], "The recipient could not be found.", "RECIPIENT_NOT_FOUND")
        )
    return errors


@mutation("giftCardCreate")
def gift_card_create(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Issue a gift card; the code is shown once, in lower case.

    Captured: customers-074. Assumed: the refusals (their kinds are `GiftCardErrorCode`'s).
    """
    value = cents((input.get("initialAmount") or {}).get("amount") or input.get("initialValue"))
    errors = _create_errors(ctx, input, value)
    if errors:
        return {"giftCard": None, "giftCardCode": None, "userErrors": errors}
    code = (input.get("code") or "").replace(" ", "").replace("-", "").lower()
    code = code or "".join(secrets.choice(ALPHABET) for _ in range(16))
    now = ctx.now()
    card = ctx.shop.new_row(
        "GiftCard",
        createdAt=now,
        updatedAt=now,
        deactivatedAt=None,
        enabled=True,
        crossCurrencyRedemptionStrategy=input.get("crossCurrencyRedemptionStrategy") or "NONE",
        _initial=scalar(value),
        _balance=scalar(value),
        _code=code,
        _transactions=[],
        **_changes(ctx, input),
    )
    ctx.shop.emit("gift_cards/create", {"id": card.number, "admin_graphql_api_id": card["id"]})
    return {"giftCard": card, "giftCardCode": code, "userErrors": []}


def _changes(ctx: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an input sets besides the value and the code."""
    customer = ctx.find("Customer", given.get("customerId"))
    recipient = given.get("recipientAttributes")
    found = ctx.find("Customer", recipient["id"]) if recipient else None
    return {
        "note": given.get("note"),
        "expiresOn": given.get("expiresOn"),
        "templateSuffix": given.get("templateSuffix"),
        "_customer_id": customer.number if customer is not None else None,
        "_recipient": recipient | {"number": found.number} if recipient and found is not None else None,
    }


@mutation("giftCardUpdate")
def gift_card_update(ctx: Context, id: str, input: dict[str, Any]) -> dict[str, Any]:
    """Change a gift card; a customer can be set only once (assumed: the words)."""
    card = _card(ctx, id)
    if card is None:
        return {"giftCard": None, "userErrors": [user_error(["id"], NOT_FOUND)]}
    errors = _customer_errors(ctx, input)
    changes = _changes(ctx, input)
    if not errors and card["_customer_id"] is not None and changes["_customer_id"] not in (None, card["_customer_id"]):
        errors = [user_error(["input", "customerId"], "The customer can't be changed.")]
    if errors:
        return {"giftCard": None, "userErrors": errors}
    sent = {"customerId": "_customer_id", "recipientAttributes": "_recipient"}
    for name in input:
        key = sent.get(name, name)
        card[key] = changes[key] if key in changes else input[name]
    card["updatedAt"] = ctx.now()
    ctx.shop.emit("gift_cards/update", {"id": card.number, "admin_graphql_api_id": card["id"]})
    return {"giftCard": card, "userErrors": []}


@mutation("giftCardDeactivate")
def gift_card_deactivate(ctx: Context, id: str) -> dict[str, Any]:
    """Deactivate a gift card for good (captured: customers-074; assumed: the words for an unknown one)."""
    card = _card(ctx, id)
    if card is None:
        return {"giftCard": None, "userErrors": [user_error(["id"], NOT_FOUND, "GIFT_CARD_NOT_FOUND")]}
    now = ctx.now()
    card.update(enabled=False, deactivatedAt=card["deactivatedAt"] or now, updatedAt=now)
    ctx.shop.emit("gift_cards/update", {"id": card.number, "admin_graphql_api_id": card["id"]})
    return {"giftCard": card, "userErrors": []}


# Balance


def _transaction(ctx: Context, kind: str, id: str, given: Mapping[str, Any], sign: int) -> tuple[Row | None, UserErrors]:
    name = f"{kind}Amount"
    path, card = [f"{kind}Input", name], _card(ctx, id)
    if card is None:
        return None, [user_error(["id"], NOT_FOUND, "GIFT_CARD_NOT_FOUND")]
    sum_ = amount(given[name]["amount"])
    problem = _balance_problem(ctx, card, given[name]["currencyCode"], sum_, sign)
    if problem is not None:
        return None, [user_error(path if problem[1] != "INVALID" else ["id"], *problem)]
    card.update(_balance=scalar(amount(card["_balance"]) + sign * sum_), updatedAt=ctx.now())
    at = given.get("processedAt")
    row = ctx.shop.new_row(
        f"GiftCard{kind.capitalize()}Transaction",
        amount=money(sign * sum_, ctx.shop.settings["currency"]),
        giftCard=card,
        note=given.get("note"),
        processedAt=iso(parse_iso(at)) if at else ctx.now(),
    )
    card["_transactions"].append(row)
    return row, []


def _balance_problem(ctx: Context, card: Row, currency: str, sum_: Decimal, sign: int) -> tuple[str, str] | None:
    """Check an amount (source: the values of `GiftCardTransactionUserErrorCode`, read 2026-11; assumed: the words)."""
    if card["deactivatedAt"] is not None:
        return "The gift card is deactivated.", "INVALID"
    if sum_ <= 0:
        return "A positive amount must be used.", "NEGATIVE_OR_ZERO_AMOUNT"
    if currency != ctx.shop.settings["currency"]:
        return "The currency provided does not match the currency of the gift card.", "MISMATCHING_CURRENCY"
    if sign < 0 and sum_ > amount(card["_balance"]):
        return "The gift card does not have sufficient funds to satisfy the request.", "INSUFFICIENT_FUNDS"
    return None


@mutation("giftCardCredit")
def gift_card_credit(ctx: Context, id: str, creditInput: dict[str, Any]) -> dict[str, Any]:
    """Add to a balance."""
    row, errors = _transaction(ctx, "credit", id, creditInput, 1)
    return {"giftCardCreditTransaction": row, "userErrors": errors}


@mutation("giftCardDebit")
def gift_card_debit(ctx: Context, id: str, debitInput: dict[str, Any]) -> dict[str, Any]:
    """Take from a balance; the transaction shows a negative amount."""
    row, errors = _transaction(ctx, "debit", id, debitInput, -1)
    return {"giftCardDebitTransaction": row, "userErrors": errors}


# Reading


def _customer(row: Row, ctx: Context) -> Row | None:
    return ctx.table("Customer").get(row["_customer_id"]) if row["_customer_id"] is not None else None


field("GiftCard", "customer")(_customer)


@field("GiftCard", "balance")
def _balance(row: Row, ctx: Context) -> dict[str, Any]:
    return money(row["_balance"], ctx.shop.settings["currency"])


@field("GiftCard", "initialValue")
def _initial(row: Row, ctx: Context) -> dict[str, Any]:
    return money(row["_initial"], ctx.shop.settings["currency"])


@field("GiftCard", "lastCharacters")
def _last_characters(row: Row, ctx: Context) -> str:
    return str(row["_code"][-4:])


@field("GiftCard", "maskedCode")
def _masked(row: Row, ctx: Context) -> str:
    return f"•••• •••• •••• {row['_code'][-4:]}"


@field("GiftCard", "isRedeemable")
def _redeemable(row: Row, ctx: Context) -> bool:
    expired = row["expiresOn"] is not None and row["expiresOn"] < ctx.now()[:10]
    return bool(row["enabled"]) and not expired and amount(row["_balance"]) > 0


@field("GiftCard", "recipientAttributes")
def _recipient(row: Row, ctx: Context) -> dict[str, Any] | None:
    kept: dict[str, Any] | None = row["_recipient"]
    if kept is None:
        return None
    return kept | {"__typename": "GiftCardRecipient", "recipient": ctx.table("Customer").get(kept["number"])}


@field("GiftCard", "transactions")
def _transactions(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page(row["_transactions"], arguments)


def _status(row: Row) -> str:
    return "enabled" if row["enabled"] else "disabled"


def _balance_status(row: Row) -> str:
    left, first = amount(row["_balance"]), amount(row["_initial"])
    return "empty" if left <= 0 else "full" if left >= first else "partial"


def _fields(ctx: Context) -> dict[str, Field]:
    """Return what `giftCards(query:)` may name.

    Source: shopify.dev/docs/api/admin-graphql/latest/queries/giftCards (read 2026-11).
    """
    zone = ctx.shop.settings["zone"]
    return {
        "default": words("_code", "note"),
        "balance_status": choice(_balance_status, ("full", "partial", "empty", "full_or_partial")),
        "code": exact(lambda row: [row["_code"], row["_code"][-4:]]),
        "created_at": moment("createdAt", zone),
        "customer_id": exact("_customer_id"),
        "expires_on": exact("expiresOn"),
        "id": identifier(),
        "initial_value": number("_initial"),
        "status": choice(_status, ("enabled", "disabled")),
        "updated_at": moment("updatedAt", zone),
    }


SORTS: dict[str, SortKey] = {
    "BALANCE": lambda row: float(row["_balance"]),
    "CODE": lambda row: str(row["_code"]),
    "CREATED_AT": instant("createdAt"),
    "DISABLED_AT": instant("deactivatedAt"),
    "EXPIRES_ON": lambda row: str(row["expiresOn"] or ""),
    "INITIAL_VALUE": lambda row: float(row["_initial"]),
    "UPDATED_AT": instant("updatedAt"),
}


@query("giftCard")
def gift_card(ctx: Context, id: str) -> Row | None:
    """Answer one gift card, or null."""
    ctx.require_type(id, "GiftCard")
    return ctx.find("GiftCard", id)


@query("giftCards")
def gift_cards(ctx: Context, **arguments: Any) -> Connection:
    """List gift cards."""
    return ctx.list(ctx.table("GiftCard"), arguments, fields=_fields(ctx), sorts=SORTS)


@query("giftCardsCount")
def gift_cards_count(
    ctx: Context, query: str | None = None, limit: int | None = None, savedSearchId: str | None = None
) -> dict[str, Any]:
    """Count gift cards."""
    return ctx.count(ctx.table("GiftCard"), query, _fields(ctx), limit)
