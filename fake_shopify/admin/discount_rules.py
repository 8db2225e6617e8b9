"""What Shopify's own discounts refuse, with its words, codes and fields; app discounts have rules of their own.

Captured: discounts-018..054, 059, 068, 070. The rules of one input come in two rounds: what the input itself must not say
(`early`), then what the discount must be (`model`); both rounds are reported together, but an automatic free shipping discount
stops after the first (captured: discounts-053). Assumed, each after its sibling or the description of its code in the schema: a
percentage or an amount out of bounds inside buy X get Y, negative minimums and shipping prices, recurring limits, purchases that
a discount applies on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fake_shopify.admin import discount_rows as rows
from fake_shopify.admin.discount_targets import Errors, Input, is_nothing
from fake_shopify.clock import parse_iso
from fake_shopify.context import Context
from fake_shopify.failures import TopLevelError, user_error
from fake_shopify.money import amount
from fake_shopify.rows import Row

INT_LOW, INT_HIGH = -(2**31), 2**31 - 1
MAX_TEXT, MAX_RATIO, MAX_AMOUNT = 255, 100_000, 10**18
VALUE_KINDS = ("percentage", "discountOnQuantity", "discountAmount")
NOT_BXGY = "discountOnQuantity field is only permitted with bxgy discounts."
ONLY_ON_QUANTITY = "Only discountOnQuantity permitted with bxgy discounts."
WRONG_COMBINATION = "The combinesWith settings are not valid for the discount class."
NO_QUANTITY = "Quantity cannot be blank."
BOTH_MINIMUMS = "Specify a minimum subtotal or a quantity, but not both."
ON_NOTHING = "A discount cannot have both appliesOnOneTimePurchase and appliesOnSubscription set to false."
NO_CYCLES = "Recurring cycle limit must be 1 when the discount does not apply to subscription items."
Path = Sequence[str]


def is_bxgy(kind: str) -> bool:
    """Say whether a kind is buy X get Y."""
    return kind.endswith("Bxgy")


def value_kinds(input: Input) -> list[str]:
    """Return which kinds of value the input gives."""
    value = (input.get("customerGets") or {}).get("value") or {}
    return [name for name in VALUE_KINDS if value.get(name) is not None]


def refuse_several_values(input: Input) -> None:
    """Refuse two kinds of value at once, for the whole field (captured: discounts-042)."""
    if len(value_kinds(input)) > 1:
        raise TopLevelError("A discount can only have one of percentage, discountOnQuantity or discountAmount.", "BAD_REQUEST")


# The first round: what the input must not say


def early(kind: str, argument: str, input: Input) -> Errors:
    """Check the shape of an input."""
    gets, given = input.get("customerGets") or {}, value_kinds(input)
    spot = [argument, "customerGets"]
    errors: Errors = []
    if kind.endswith("Basic") and "discountOnQuantity" in given:
        errors.append(user_error([*spot, "value", "discountOnQuantity"], NOT_BXGY, "INVALID"))
    if is_bxgy(kind):
        errors += _bxgy_shape(kind, spot, gets, given)
    if kind.endswith("FreeShipping") and (input.get("combinesWith") or {}).get("shippingDiscounts"):
        errors.append(user_error([argument, "combinesWith"], WRONG_COMBINATION, "INVALID_COMBINES_WITH_FOR_DISCOUNT_CLASS"))
    return errors


def _bxgy_shape(kind: str, spot: Path, gets: Input, given: list[str]) -> Errors:
    """Captured: discounts-036, 053; only the code discount also misses the quantity."""
    errors: Errors = []
    if (gets.get("items") or {}).get("all"):
        errors.append(user_error(spot, "Items in 'customer get' cannot be set to all", "INVALID"))
    wrong = [name for name in given if name != "discountOnQuantity"]
    errors += [user_error([*spot, "value", name], ONLY_ON_QUANTITY, "INVALID") for name in wrong]
    if wrong and kind in rows.CODE_KINDS:
        errors.append(user_error([*spot, "value", "discountOnQuantity", "quantity"], NO_QUANTITY, "BLANK"))
    words = f"This field is not supported by {'' if kind in rows.CODE_KINDS else 'automatic '}bxgy discounts."
    for name, usual in (("appliesOnSubscription", False), ("appliesOnOneTimePurchase", True)):
        if gets.get(name) is not None and gets[name] != usual:
            errors.append(user_error([*spot, name], words, "INVALID"))
    return errors


# The second round: what the discount must be


def model(ctx: Context, kind: str, argument: str, input: Input, fields: dict[str, Any], row: Row | None) -> Errors:
    """Check what a discount would become; `fields` are its values after the change, `row` is None for a new one."""
    errors = _title(argument, input, row)
    if is_bxgy(kind) and is_nothing(fields["_buys_items"]):
        errors.append(user_error([argument, "customerBuys", "items"], "Items in 'customer buys' must be defined", "BLANK"))
    if kind in rows.CODE_KINDS:
        errors += code_errors(ctx, argument, input, row)
    errors += _dates(argument, input, fields, row)
    errors += _limits(argument, input)
    errors += _no_value(kind, argument, input, row)
    errors += _ratio(argument, input) if is_bxgy(kind) else _value(argument, input)
    errors += _minimum(argument, input) + _purchases(kind, argument, input, fields)
    return errors


def _title(argument: str, input: Input, row: Row | None) -> Errors:
    if row is not None and "title" not in input:
        return []
    title = input.get("title") or ""
    if not title.strip():
        return [user_error([argument, "title"], "Title can't be blank", "BLANK")]
    if len(title) > MAX_TEXT:
        return [user_error([argument, "title"], f"Title is too long (maximum is {MAX_TEXT} characters)", "TOO_LONG")]
    return []


def code_errors(ctx: Context, argument: str, input: Input, row: Row | None) -> Errors:
    """Check the code of a discount (captured: discounts-053, 059)."""
    code, spot = input.get("code"), [argument, "code"]
    if code is None:
        return [] if row is not None else [user_error(spot, "Code can't be blank", "BLANK")]
    errors = code_problems(code, spot)
    holder = rows.discount_of_code(ctx.shop, code)
    if holder is not None and (row is None or holder.number != row.number):
        errors.append(user_error(spot, "Code must be unique. Please try a different code.", "TAKEN"))
    return errors


def code_problems(code: str, spot: Path) -> Errors:
    """Check the letters of a code."""
    errors = []
    if not code:
        errors.append(user_error(spot, "Code is too short (minimum is 1 character)", "TOO_SHORT"))
    if len(code) > MAX_TEXT:
        errors.append(user_error(spot, f"Code is too long (maximum is {MAX_TEXT} characters)", "TOO_LONG"))
    if "\n" in code or "\r" in code:
        errors.append(user_error(spot, "Code cannot contain newline characters.", "INVALID"))
    return errors


def _dates(argument: str, input: Input, fields: dict[str, Any], row: Row | None) -> Errors:
    """Captured: discounts-053, 070."""
    if input.get("startsAt") is None and (row is None or "startsAt" in input):
        return [user_error([argument, "startsAt"], "Starts at can't be blank", "BLANK")]
    if fields["endsAt"] is not None and parse_iso(fields["endsAt"]) <= parse_iso(fields["startsAt"]):
        return [user_error([argument, "endsAt"], "Ends at needs to be after starts_at", "INVALID")]
    return []


def bounds(label: str, value: int, spot: Path, *, lowest: int = 1) -> Errors:
    """Check a whole number (captured: discounts-051; both of two reasons are named)."""
    errors = []
    if value < lowest:
        words, code = (
            ("greater than 0", "GREATER_THAN") if lowest == 1 else ("greater than or equal to 0", "GREATER_THAN_OR_EQUAL_TO")
        )
        errors.append(user_error(spot, f"{label} must be {words}", code))
    if value > INT_HIGH:
        errors.append(user_error(spot, f"{label} must be less than or equal to {INT_HIGH}", "LESS_THAN_OR_EQUAL_TO"))
    if value < INT_LOW:
        errors.append(user_error(spot, f"{label} must be greater than or equal to {INT_LOW}", "GREATER_THAN_OR_EQUAL_TO"))
    return errors


def _limits(argument: str, input: Input) -> Errors:
    errors: Errors = []
    if input.get("usageLimit") is not None:
        errors += bounds("Usage limit", input["usageLimit"], [argument, "usageLimit"])
    if input.get("recurringCycleLimit") is not None:
        errors += bounds("Recurring cycle limit", input["recurringCycleLimit"], [argument, "recurringCycleLimit"], lowest=0)
    per_order = input.get("usesPerOrderLimit")
    if per_order is not None and int(per_order) == 0:
        errors.append(user_error([argument, "usesPerOrderLimit"], "Allocation limit cannot be zero", "VALUE_OUTSIDE_RANGE"))
    elif per_order is not None:
        errors += bounds("Allocation limit", int(per_order), [argument, "usesPerOrderLimit"])
    return errors


def share_errors(share: float | None, spot: Path) -> Errors:
    """Check a percentage (captured: discounts-054)."""
    if share is None or 0 <= share <= 1:
        return []
    return [user_error(spot, "Value must be between 0.0 and 1.0", "VALUE_OUTSIDE_RANGE")]


def amount_errors(value: Any, spot: Path) -> Errors:
    """Check an amount off; the words are those of its negative (captured: discounts-051, 054)."""
    if value is None:
        return []
    if amount(value) < 0:
        return [user_error(spot, "Value must be less than or equal to 0", "LESS_THAN_OR_EQUAL_TO")]
    if amount(value) >= MAX_AMOUNT:
        return [user_error(spot, f"Value must be greater than -{MAX_AMOUNT}", "LESS_THAN")]
    return []


def _no_value(kind: str, argument: str, input: Input, row: Row | None) -> Errors:
    """Refuse a new discount that takes nothing off (assumed)."""
    if row is not None or value_kinds(input) or kind.endswith("FreeShipping"):
        return []
    spot = [argument, "customerGets", "value"]
    if is_bxgy(kind):
        return [user_error([*spot, "discountOnQuantity", "quantity"], NO_QUANTITY, "BLANK")]
    return [user_error(spot, "Value can't be blank", "BLANK")]


def _value(argument: str, input: Input) -> Errors:
    value, spot = (input.get("customerGets") or {}).get("value") or {}, [argument, "customerGets", "value"]
    off = value.get("discountAmount") or {}
    return share_errors(value.get("percentage"), [*spot, "percentage"]) + amount_errors(
        off.get("amount"), [*spot, "discountAmount", "amount"]
    )


def _ratio(argument: str, input: Input) -> Errors:
    """Check both quantities of buy X get Y and what is taken off (captured: discounts-038)."""
    gets = ((input.get("customerGets") or {}).get("value") or {}).get("discountOnQuantity") or {}
    buys = (input.get("customerBuys") or {}).get("value") or {}
    spot = [argument, "customerGets", "value", "discountOnQuantity"]
    effect = gets.get("effect") or {}
    return [
        *_quantity("antecedent", buys.get("quantity"), [argument, "customerBuys", "value", "quantity"]),
        *_quantity("consequent", gets.get("quantity"), [*spot, "quantity"]),
        *share_errors(effect.get("percentage"), [*spot, "effect", "percentage"]),
        *amount_errors(effect.get("amount"), [*spot, "effect", "amount"]),
    ]


def _quantity(side: str, value: Any, spot: Path) -> Errors:
    words = f"Prerequisite to entitlement quantity ratio {side} must be"
    if value is not None and int(value) <= 0:
        return [user_error(spot, f"{words} greater than 0", "GREATER_THAN")]
    if value is not None and int(value) >= MAX_RATIO:
        return [user_error(spot, f"{words} less than {MAX_RATIO}", "LESS_THAN")]
    return []


def _minimum(argument: str, input: Input) -> Errors:
    """Source: DiscountErrorCode in the schema (MINIMUM_SUBTOTAL_AND_QUANTITY_RANGE_BOTH_PRESENT)."""
    given = input.get("minimumRequirement") or {}
    least = (given.get("subtotal") or {}).get("greaterThanOrEqualToSubtotal")
    if least is not None and (given.get("quantity") or {}).get("greaterThanOrEqualToQuantity") is not None:
        return [user_error([argument, "minimumRequirement"], BOTH_MINIMUMS, "MINIMUM_SUBTOTAL_AND_QUANTITY_RANGE_BOTH_PRESENT")]
    checked = (
        ("Minimum subtotal", ["minimumRequirement", "subtotal", "greaterThanOrEqualToSubtotal"], least),
        ("Maximum shipping price", ["maximumShippingPrice"], input.get("maximumShippingPrice")),
    )
    code = "GREATER_THAN_OR_EQUAL_TO"
    return [
        user_error([argument, *path], f"{words} must be greater than or equal to 0", code)
        for words, path, price in checked
        if price is not None and amount(price) < 0
    ]


def _purchases(kind: str, argument: str, input: Input, fields: dict[str, Any]) -> Errors:
    """Source: DiscountErrorCode in the schema (APPLIES_ON_NOTHING, MULTIPLE_RECURRING_CYCLE_LIMIT_FOR_NON_SUBSCRIPTION_ITEMS)."""
    if is_bxgy(kind):
        return []
    spot = [argument] if kind.endswith("FreeShipping") else [argument, "customerGets"]
    if not fields["_one_time"] and not fields["_subscription"]:
        return [user_error([*spot, "appliesOnOneTimePurchase"], ON_NOTHING, "APPLIES_ON_NOTHING")]
    cycles = input.get("recurringCycleLimit")
    if cycles is not None and 1 < cycles <= INT_HIGH and not fields["_subscription"]:
        code = "MULTIPLE_RECURRING_CYCLE_LIMIT_FOR_NON_SUBSCRIPTION_ITEMS"
        return [user_error([argument, "recurringCycleLimit"], NO_CYCLES, code)]
    return []
