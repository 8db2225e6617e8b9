"""Discounts as rows: how they are made, their redeem codes, and their status at an instant. Needs a shop only, no request.

A discount is one row in the table of its node, `DiscountCodeNode` or `DiscountAutomaticNode`; both take their numbers from one
sequence, because one list shows both (captured: discounts-045, `discountNodes`). `_kind` names the type of the discount itself.
What a row keeps besides GraphQL fields:

- `_context`: `{"kind": "all" | "customers" | "customerSegments" | "markets", "ids": [numbers]}`.
- `_value`: `{"percentage": 0.1}`, `{"amount": "5.00", "each": False}`, or for buy X get Y `{"quantity": 1}` with one of
  `percentage` and `amount`.
- `_items` (what the customer gets) and `_buys_items`: `{"all": True}`, `{"products": [...], "variants": [...]}` or
  `{"collections": [...]}`, numbers throughout. `_buys`: `{"quantity": 2}` or `{"amount": "50.00"}`.
- `_minimum`: None, `{"quantity": 2}` or `{"subtotal": "50.00"}`. `_destination`: `{"all": True}` or `{"countries": [...], "rest":
  False}`.
- `_combines`: the three booleans under their GraphQL names, and `tags` (or None).
- `_one_time`, `_subscription`: which purchases it applies on. `_code_ids`: numbers of its `DiscountRedeemCode` rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from fake_shopify.clock import iso, parse_iso
from fake_shopify.rows import Row
from fake_shopify.world import Shop, gid

CODE_KINDS = ("DiscountCodeApp", "DiscountCodeBasic", "DiscountCodeBxgy", "DiscountCodeFreeShipping")
AUTOMATIC_KINDS = ("DiscountAutomaticApp", "DiscountAutomaticBasic", "DiscountAutomaticBxgy", "DiscountAutomaticFreeShipping")
KINDS = CODE_KINDS + AUTOMATIC_KINDS
NODES = ("DiscountCodeNode", "DiscountAutomaticNode")
SEQUENCE = "PriceRule"
CODES = "discount_codes"


def node_type(kind: str) -> str:
    """Return the type of the node that holds discounts of a kind."""
    return "DiscountCodeNode" if kind in CODE_KINDS else "DiscountAutomaticNode"


def defaults() -> dict[str, Any]:
    """Return the values of a discount of which nothing is said (captured: discounts-018, 037; pagination_search-062)."""
    return {
        "title": "",
        "startsAt": None,
        "endsAt": None,
        "tags": [],
        "asyncUsageCount": 0,
        "usageLimit": None,
        "usesPerOrderLimit": None,
        "appliesOncePerCustomer": False,
        "recurringCycleLimit": 1,
        "_maximum_shipping": None,
        "_context": {"kind": "all", "ids": []},
        "_value": {"percentage": 0.0},
        "_items": {"all": True},
        "_buys": {"quantity": 1},
        "_buys_items": {"all": True},
        "_minimum": None,
        "_destination": {"all": True},
        "_combines": {"orderDiscounts": False, "productDiscounts": False, "shippingDiscounts": False, "tags": None},
        "_one_time": True,
        "_subscription": False,
        "_classes": None,
        "_function": None,
    }


def new_discount(shop: Shop, kind: str, *, code: str | None = None, **values: Any) -> Row:
    """Make a discount of a kind and keep it; `values` are the fields of its row, the rest takes Shopify's defaults.

    Seeding calls this too: `new_discount(shop, "DiscountCodeBasic", code="SPRING10", title="Spring", startsAt=..., createdAt=...,
    _value={"percentage": 0.1})`.
    """
    now, number, holder = shop.clock.iso(), shop.new_id(SEQUENCE), node_type(kind)
    fields = defaults() | {"startsAt": now, "createdAt": now, "updatedAt": now} | values
    fields |= {"_code_ids": [], "_kind": kind}
    row = shop.table(holder).add(Row(__typename=holder, _id=number, id=gid(holder, number), **fields))
    if code is not None:
        add_code(shop, row, code)
    return row


def all_discounts(shop: Shop) -> Iterator[Row]:
    """Yield every discount, code discounts first."""
    for name in NODES:
        yield from shop.table(name)


def remove(shop: Shop, row: Row) -> None:
    """Delete a discount and its codes."""
    for number in list(row["_code_ids"]):
        remove_code(shop, row, number)
    shop.table(row["__typename"]).remove(row.number)


# Redeem codes


def _index(shop: Shop) -> dict[str, int]:
    """Return the index of codes in use, without regard to case: code -> number of the redeem code."""
    index: dict[str, int] | None = shop.state.get(CODES)
    if index is None:
        index = shop.state[CODES] = {row["code"].lower(): row.number for row in shop.table("DiscountRedeemCode")}
    return index


def find_code(shop: Shop, code: str) -> Row | None:
    """Return the redeem code with these letters, regardless of case."""
    number = _index(shop).get(code.lower())
    return shop.table("DiscountRedeemCode").get(number) if number is not None else None


def discount_of_code(shop: Shop, code: str) -> Row | None:
    """Return the discount that a code redeems."""
    found = find_code(shop, code)
    return shop.table("DiscountCodeNode").get(found["_discount_id"]) if found is not None else None


def codes_of(shop: Shop, row: Row) -> list[Row]:
    """Return the redeem codes of a discount, oldest first."""
    return [code for code in map(shop.table("DiscountRedeemCode").get, row["_code_ids"]) if code is not None]


def add_code(shop: Shop, row: Row, code: str) -> Row:
    """Give a discount another code."""
    redeem = shop.new_row("DiscountRedeemCode", code=code, asyncUsageCount=0, _discount_id=row.number)
    _index(shop)[code.lower()] = redeem.number
    row["_code_ids"].append(redeem.number)
    return redeem


def remove_code(shop: Shop, row: Row, number: int) -> None:
    """Take a code away from a discount."""
    table = shop.table("DiscountRedeemCode")
    redeem = table.get(number)
    row["_code_ids"].remove(number)
    if redeem is not None:
        _index(shop).pop(redeem["code"].lower(), None)
        table.remove(number)


def set_code(shop: Shop, row: Row, code: str) -> None:
    """Rename a discount's first code: the redeem code keeps its id (captured: discounts-037)."""
    if not row["_code_ids"]:
        add_code(shop, row, code)
        return
    redeem = shop.table("DiscountRedeemCode").edit(row["_code_ids"][0])
    assert redeem is not None
    _index(shop).pop(redeem["code"].lower(), None)
    redeem["code"] = code
    _index(shop)[code.lower()] = redeem.number


# Status, class, items


def status(row: Row, now: datetime) -> str:
    """Return whether a discount is scheduled, active or expired at an instant (captured: discounts-018, 045)."""
    if row["endsAt"] is not None and parse_iso(row["endsAt"]) <= now:
        return "EXPIRED"
    return "SCHEDULED" if parse_iso(row["startsAt"]) > now else "ACTIVE"


def classes(row: Row) -> list[str]:
    """Return the classes of a discount.

    Captured: ORDER where it takes something off the whole order, PRODUCT for buy X get Y (discounts-037, pagination_search-047,
    062). Source: help.shopify.com/manual/discounts/combining-discounts (read 2026-11). Assumed: an amount off each item is
    PRODUCT, and an app's discount without classes is ORDER.
    """
    kind = row["_kind"]
    if kind.endswith("App"):
        return list(row["_classes"] or ["ORDER"])
    if kind.endswith("FreeShipping"):
        return ["SHIPPING"]
    whole = kind.endswith("Basic") and bool(row["_items"].get("all")) and not row["_value"].get("each")
    return ["ORDER"] if whole else ["PRODUCT"]


def instant(value: str | None) -> str | None:
    """Write an instant of an input as it is shown: UTC without fractions."""
    return None if value is None else iso(parse_iso(value))


def numbers(ids: Iterable[str] | None) -> list[int]:
    """Return the numbers behind GIDs; 0 stands for one that has none."""
    tails = (text.split("?")[0].rsplit("/", 1)[-1] for text in ids or ())
    return [int(tail) if tail.isdigit() else 0 for tail in tails]
