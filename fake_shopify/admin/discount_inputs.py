"""An input of Shopify's own discounts as the values of a row: a new one takes defaults for what is absent, a changed one keeps it.

Captured: discounts-018, 036, 037, 050. Assumed: a value of another kind replaces the old one whole.
"""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import discount_rules as rules
from fake_shopify.admin.discount_rows import instant
from fake_shopify.admin.discount_targets import (
    ONLY_ONE,
    Errors,
    Input,
    read_context,
    read_destination,
    read_items,
    refuse_contradiction,
)
from fake_shopify.admin.tags import normalized
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.money import scalar
from fake_shopify.rows import Row

Fields = dict[str, Any]
FLAGS = ("orderDiscounts", "productDiscounts", "shippingDiscounts")


def both_selections(argument: str, input: Input) -> Errors:
    """Refuse `context` beside `customerSelection` (captured: discounts-060)."""
    if input.get("context") is None or input.get("customerSelection") is None:
        return []
    return [user_error([argument, "context"], ONLY_ONE, "INVALID")]


def read(ctx: Context, kind: str, argument: str, input: Input, kept: Fields, row: Row | None) -> tuple[Fields, Errors]:
    """Return the values after the change and what is wrong with it.

    Args:
        argument: the name of the mutation's argument, with which the `field` of every error begins.
        kept: the values before: of the row, or the defaults of a new one.
        row: the discount that is changed, None for a new one.
    """
    rules.refuse_several_values(input)
    refuse_contradiction(input.get("customerSelection"))
    errors = both_selections(argument, input)
    if errors:
        return {}, errors
    errors = rules.early(kind, argument, input)
    if errors and kind == "DiscountAutomaticFreeShipping":
        return {}, errors
    fields = plain_fields(kept, input) | _numbers_of(kept, input)
    errors += _read_targets(ctx, argument, input, kept, fields)
    return fields, errors + rules.model(ctx, kind, argument, input, fields, row)


def _read_targets(ctx: Context, argument: str, input: Input, kept: Fields, fields: Fields) -> Errors:
    errors: Errors = []
    gets, buys = input.get("customerGets") or {}, input.get("customerBuys") or {}
    fields["_context"], found = read_context(kept["_context"], input, argument)
    errors += found
    spot = [argument, "customerGets", "items"]
    fields["_items"], found = read_items(ctx, kept["_items"], gets.get("items"), spot)
    errors += found
    spot = [argument, "customerBuys", "items"]
    fields["_buys_items"], found = read_items(ctx, kept["_buys_items"], buys.get("items"), spot)
    return errors + found


def plain_fields(kept: Fields, input: Input) -> Fields:
    """Return the values that every kind of discount has."""
    fields = {name: kept[name] for name in ("title", "startsAt", "endsAt", "tags")}
    fields |= {name: kept[name] for name in ("usageLimit", "appliesOncePerCustomer", "recurringCycleLimit", "_combines")}
    fields |= {name: input[name] for name in ("title", "usageLimit") if name in input}
    fields |= {name: instant(input[name]) for name in ("startsAt", "endsAt") if name in input}
    for name in ("appliesOncePerCustomer", "recurringCycleLimit"):
        if input.get(name) is not None:
            fields[name] = input[name]
    if input.get("tags") is not None:
        fields["tags"] = normalized(input["tags"])
    if input.get("combinesWith") is not None:
        fields["_combines"] = _combines(kept["_combines"], input["combinesWith"])
    return fields


def _combines(kept: Fields, given: Input) -> Fields:
    flags = {name: bool(given.get(name)) for name in FLAGS}
    tags = given.get("productDiscountsWithTagsOnSameCartLine")
    if tags is None:
        return flags | {"tags": kept["tags"]}
    gone = set(tags.get("remove") or ())
    return flags | {"tags": [tag for tag in normalized([*(kept["tags"] or ()), *(tags.get("add") or ())]) if tag not in gone]}


def _numbers_of(kept: Fields, input: Input) -> Fields:
    gets, buys = input.get("customerGets") or {}, input.get("customerBuys") or {}
    names = ("_value", "_buys", "_minimum", "_destination", "_maximum_shipping", "_one_time", "_subscription", "usesPerOrderLimit")
    fields = {name: kept[name] for name in names}
    fields["_value"] = _value(kept["_value"], gets.get("value") or {})
    fields["_buys"] = _buys(kept["_buys"], buys.get("value") or {})
    if "minimumRequirement" in input:
        fields["_minimum"] = _minimum(input["minimumRequirement"] or {})
    if "maximumShippingPrice" in input:
        price = input["maximumShippingPrice"]
        fields["_maximum_shipping"] = None if price is None else scalar(price)
    if "usesPerOrderLimit" in input:
        limit = input["usesPerOrderLimit"]
        fields["usesPerOrderLimit"] = None if limit is None else int(limit)
    fields["_destination"] = read_destination(kept["_destination"], input.get("destination"))
    return fields | purchases(input if "customerGets" not in input else gets)


def purchases(given: Input) -> Fields:
    """Return which purchases a discount applies on, as far as the input says."""
    names = {"_one_time": "appliesOnOneTimePurchase", "_subscription": "appliesOnSubscription"}
    return {name: given[shown] for name, shown in names.items() if given.get(shown) is not None}


def _value(kept: Fields, given: Input) -> Fields:
    on_quantity, off = given.get("discountOnQuantity"), given.get("discountAmount")
    if on_quantity is not None:
        return _on_quantity(kept, on_quantity)
    if given.get("percentage") is not None:
        return {"percentage": float(given["percentage"])}
    if off is not None:
        return {"amount": scalar(off.get("amount")), "each": bool(off.get("appliesOnEachItem"))}
    return kept


def _on_quantity(kept: Fields, given: Input) -> Fields:
    quantity = given.get("quantity")
    value: Fields = {"quantity": kept.get("quantity", 1) if quantity is None else int(quantity)}
    effect = given.get("effect") or {}
    if effect.get("percentage") is not None:
        return value | {"percentage": float(effect["percentage"])}
    if effect.get("amount") is not None:
        return value | {"amount": scalar(effect["amount"]), "each": False}
    return value | {name: kept[name] for name in ("percentage", "amount", "each") if name in kept}


def _buys(kept: Fields, given: Input) -> Fields:
    if given.get("quantity") is not None:
        return {"quantity": int(given["quantity"])}
    return {"amount": scalar(given["amount"])} if given.get("amount") is not None else kept


def _minimum(given: Input) -> Fields | None:
    quantity = (given.get("quantity") or {}).get("greaterThanOrEqualToQuantity")
    if quantity is not None:
        return {"quantity": int(quantity)}
    least = (given.get("subtotal") or {}).get("greaterThanOrEqualToSubtotal")
    return {"subtotal": scalar(least)} if least is not None else None
