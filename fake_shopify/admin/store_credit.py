"""Store credit of customers and company locations: accounts by currency, credits and debits.

Source: shopify.dev/docs/api/admin-graphql/latest/mutations/storeCreditAccountCredit and …Debit, and the values of their error
codes, whose descriptions are the messages here (read 2026-11; assumed: that they are). No recorded case shows store credit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_shopify.clock import iso, parse_iso
from fake_shopify.context import Context, split_gid
from fake_shopify.failures import user_error
from fake_shopify.money import amount, money, scalar
from fake_shopify.paging import Connection, page
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row

OWNERS = {"Customer": "_customer_id", "CompanyLocation": "_location_id"}
UserErrors = list[dict[str, Any]]
NEGATIVE = "A positive amount must be used to {verb} a store credit account"
MISMATCH = "The currency provided does not match the currency of the store credit account"


def accounts_of(ctx: Context, kind: str, number: int) -> list[Row]:
    """Return an owner's accounts."""
    return [row for row in ctx.table("StoreCreditAccount") if row[OWNERS[kind]] == number]


def _new_account(ctx: Context, kind: str, number: int, currency: str) -> Row:
    owner = dict.fromkeys(OWNERS.values()) | {OWNERS[kind]: number}
    return ctx.shop.new_row("StoreCreditAccount", _currency=currency, _balance="0.00", _transactions=[], **owner)


def _account(ctx: Context, id: str, currency: str, *, make: bool) -> tuple[Row | None, UserErrors]:
    """Find the account that an account's or an owner's id means; a credit makes an owner's account where it is missing."""
    kind = split_gid(id)[0]
    ctx.require_type(id, "StoreCreditAccount", *OWNERS)
    if kind == "StoreCreditAccount":
        row = ctx.edit("StoreCreditAccount", id)
        if row is None:
            return None, [user_error(["id"], "Store credit account does not exist", "ACCOUNT_NOT_FOUND")]
        return row, []
    owner = ctx.find(kind, id)
    if owner is None:
        code = "OWNER_NOT_FOUND" if make else "ACCOUNT_NOT_FOUND"
        return None, [user_error(["id"], "Owner does not exist" if make else "Store credit account does not exist", code)]
    known = next((row for row in accounts_of(ctx, kind, owner.number) if row["_currency"] == currency), None)
    if known is None and not make:
        return None, [user_error(["id"], "Store credit account does not exist", "ACCOUNT_NOT_FOUND")]
    return known or _new_account(ctx, kind, owner.number, currency), []


def _problem(row: Row, name: str, given: Mapping[str, Any], sign: int, now: str) -> tuple[list[str], str, str] | None:
    verb, sum_ = ("credit", given["creditAmount"]) if sign > 0 else ("debit", given["debitAmount"])
    path = [name, f"{verb}Amount"]
    if amount(sum_["amount"]) <= 0:
        return [*path, "amount"], NEGATIVE.format(verb=verb), "NEGATIVE_OR_ZERO_AMOUNT"
    if sum_["currencyCode"] != row["_currency"]:
        return [*path, "currencyCode"], MISMATCH, "MISMATCHING_CURRENCY"
    if given.get("expiresAt") and parse_iso(given["expiresAt"]) <= parse_iso(now):
        return [name, "expiresAt"], "The expiry date must be in the future", "EXPIRES_AT_IN_PAST"
    if sign < 0 and amount(sum_["amount"]) > amount(row["_balance"]):
        text = "The store credit account does not have sufficient funds to satisfy the request"
        return [*path, "amount"], text, "INSUFFICIENT_FUNDS"
    return None


def _change(ctx: Context, id: str, name: str, given: Mapping[str, Any], sign: int) -> dict[str, Any]:
    sum_ = given["creditAmount"] if sign > 0 else given["debitAmount"]
    row, errors = _account(ctx, id, sum_["currencyCode"], make=sign > 0)
    problem = _problem(row, name, given, sign, ctx.now()) if row is not None else None
    if problem is not None:
        errors = [user_error(*problem)]
    if row is None or errors:
        return {"storeCreditAccountTransaction": None, "userErrors": errors}
    row["_balance"] = scalar(amount(row["_balance"]) + sign * amount(sum_["amount"]))
    made = ctx.shop.new_row(
        "StoreCreditAccountCreditTransaction" if sign > 0 else "StoreCreditAccountDebitTransaction",
        account=row,
        amount=money(sign * amount(sum_["amount"]), row["_currency"]),
        balanceAfterTransaction=money(row["_balance"], row["_currency"]),
        remainingAmount=money(sum_["amount"], row["_currency"]),
        createdAt=ctx.now(),
        expiresAt=iso(parse_iso(given["expiresAt"])) if given.get("expiresAt") else None,
        event="ADJUSTMENT",
        origin=None,
    )
    row["_transactions"].append(made)
    return {"storeCreditAccountTransaction": made, "userErrors": []}


@mutation("storeCreditAccountCredit")
def store_credit_account_credit(ctx: Context, id: str, creditInput: dict[str, Any]) -> dict[str, Any]:
    """Add store credit to an account, or to an owner's account in that currency."""
    return _change(ctx, id, "creditInput", creditInput, 1)


@mutation("storeCreditAccountDebit")
def store_credit_account_debit(ctx: Context, id: str, debitInput: dict[str, Any]) -> dict[str, Any]:
    """Take store credit from an account."""
    return _change(ctx, id, "debitInput", debitInput, -1)


@query("storeCreditAccount")
def store_credit_account(ctx: Context, id: str) -> Row | None:
    """Answer one account, or null."""
    ctx.require_type(id, "StoreCreditAccount")
    return ctx.find("StoreCreditAccount", id)


@field("StoreCreditAccount", "balance")
def _balance(row: Row, ctx: Context) -> dict[str, Any]:
    return money(row["_balance"], row["_currency"])


@field("StoreCreditAccount", "owner")
def _owner(row: Row, ctx: Context) -> Row | None:
    for kind, key in OWNERS.items():
        if row[key] is not None:
            return ctx.table(kind).get(row[key])
    return None


@field("StoreCreditAccount", "transactions")
def _transactions(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page(row["_transactions"], arguments)


def _accounts(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page(accounts_of(ctx, row["__typename"], row.number), arguments)


for _kind in OWNERS:
    field(_kind, "storeCreditAccounts")(_accounts)
