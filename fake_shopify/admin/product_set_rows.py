"""How productSet brings a product's lists into the given state: options, variants, files and collections."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import option_inputs, product_media
from fake_shopify.admin.product_changes import gift_card_variant
from fake_shopify.admin.product_inputs import Input, apply, chosen_handle, join_and_leave
from fake_shopify.admin.product_rows import Option, current_total, edit_variants, new_product, new_value_id, new_variant
from fake_shopify.admin.variant_changes import number_positions, remove
from fake_shopify.admin.variant_inputs import apply as apply_variant
from fake_shopify.admin.variant_inputs import stock
from fake_shopify.admin.variant_options import chosen_names, value_id
from fake_shopify.context import Context, split_gid
from fake_shopify.rows import Row

# Options as they will be


def planned(input: Input, row: Row | None) -> list[Option]:
    """Return the options as they will be, with ids only where values exist already."""
    existing = row["_options"] if row is not None else []
    plan = []
    for given in option_inputs.ordered(input.get("productOptions")):
        old = old_option(existing, given) or {}
        values = [
            {"id": _old_value(old, value), "name": value.get("name") or _old_name(old, value)}
            for value in given.get("values") or ()
        ]
        plan.append({"id": old.get("id", 0), "name": given.get("name") or old.get("name", ""), "values": values})
    return plan


def _old_value(option: dict[str, Any], given: Input) -> int:
    values = option.get("values", ())
    wanted = split_gid(given.get("id") or "")[1]
    same = (value["id"] for value in values if str(value["id"]) == wanted or (not wanted and value["name"] == given.get("name")))
    return int(next(same, 0))


def _old_name(option: dict[str, Any], given: Input) -> str:
    wanted = split_gid(given.get("id") or "")[1]
    return next((value["name"] for value in option.get("values", ()) if str(value["id"]) == wanted), "")


def old_option(existing: list[Option], given: Input) -> Option | None:
    """Return the option that an input means: by id, or by name where it gives no id."""
    wanted = split_gid(given.get("id") or "")[1]
    return next(
        (option for option in existing if str(option["id"]) == wanted or (not wanted and option["name"] == given.get("name"))), None
    )


# Writing


def make(ctx: Context, input: Input) -> Row:
    """Make the product of a checked input."""
    listed, gift = input.get("variants") is not None, bool(input.get("giftCard"))
    row = new_product(
        ctx.shop,
        ctx.now(),
        title=input["title"],
        handle=chosen_handle(ctx, "Product", input, input["title"]),
        options=option_inputs.named(input.get("productOptions")),
        variants=None if listed else [gift_card_variant()] if gift else (),
        isGiftCard=gift,
    )
    apply(ctx, row, input)
    write_lists(ctx, row, input)
    row["_total_inventory"] = current_total(ctx.shop, row)
    return row


def write_lists(ctx: Context, row: Row, input: Input) -> None:
    """Bring the lists that the input gives into their state; lists that it leaves out stay."""
    if input.get("files") is not None:
        _write_files(ctx, row, input["files"])
    if input.get("productOptions") is not None:
        _write_options(ctx, row, input)
        _write_variants(ctx, row, input["variants"])
    if input.get("collections") is not None:
        _write_collections(ctx, row, input["collections"])


def media_spec(spec: Input) -> Input:
    """Return a file of productSet as an input for new media."""
    kind = spec.get("contentType") if spec.get("contentType") in product_media.TYPES else "IMAGE"
    return {"mediaContentType": kind, "alt": spec.get("alt"), "originalSource": spec.get("originalSource") or ""}


def _write_files(ctx: Context, row: Row, files: list[Input]) -> None:
    kept = [product_media.number_in(spec["id"], row) for spec in files if spec.get("id")]
    for number in [number for number in row["_media_ids"] if number not in kept]:
        product_media.drop_media(ctx.shop, row, number)
    for spec in files:
        if not spec.get("id"):
            product_media.new_media(ctx, row, media_spec(spec))


def _write_options(ctx: Context, row: Row, input: Input) -> None:
    plan = planned(input, row)
    for place, option in enumerate(plan, 1):
        option["id"] = option["id"] or ctx.shop.new_id("ProductOption")
        option["position"] = place
        for value in option["values"]:
            value["id"] = value["id"] or new_value_id(ctx.shop)
    row["_options"] = plan


def _write_variants(ctx: Context, row: Row, variants: list[Input]) -> None:
    """Known ids and known combinations stay and are changed, others are made, and what is not named goes."""
    old = edit_variants(ctx.shop, row)
    by_id = {variant["id"]: variant for variant in old}
    by_values = {tuple(variant["_option_value_ids"]): variant for variant in old}
    order: list[int] = []
    for given in variants:
        names, _ = chosen_names(row["_options"], given.get("optionValues"))
        ids = [value_id(ctx.shop, option, names[place]) for place, option in enumerate(row["_options"])]
        known = by_id.get(given.get("id") or "") or by_values.get(tuple(ids))
        stays = known is not None and known.number not in order
        variant = known if known is not None and stays else _added(ctx, row, given, ids)
        variant["_option_value_ids"] = ids
        apply_variant(ctx, row, variant, given, is_new=not stays)
        stock(ctx, variant, given.get("inventoryQuantities") or [])
        _attach(ctx, row, variant, given.get("file"))
        order.append(variant.number)
    remove(ctx, row, [number for number in row["_variant_ids"] if number not in order], set())
    row["_variant_ids"] = order
    number_positions(ctx, row)


def _added(ctx: Context, row: Row, given: Input, ids: list[int]) -> Row:
    """Make a variant; with quantities of its own it is stocked at their locations alone (captured: products-079)."""
    stocked: dict[int, int] | None = {} if given.get("inventoryQuantities") else None
    extra: dict[str, Any] = gift_card_variant() if row["isGiftCard"] else {}
    return new_variant(ctx.shop, ctx.now(), row, stock=stocked, _option_value_ids=ids, **extra)


def _attach(ctx: Context, row: Row, variant: Row, spec: Input | None) -> None:
    """Attach a file to a variant: one of the product's by id, or one with the same source."""
    if spec is None:
        return
    if spec.get("id"):
        variant["_media_id"] = product_media.number_in(spec["id"], row)
        return
    same = (media.number for media in product_media.media_of(ctx.shop, row) if media["_source"] == spec.get("originalSource"))
    variant["_media_id"] = next(same, None)


def _write_collections(ctx: Context, row: Row, wanted: list[str]) -> None:
    """Be a member of exactly these collections, as far as members are placed by hand."""
    leave = [c["id"] for c in ctx.table("Collection") if row.number in c["_product_ids"] and c["id"] not in wanted]
    join_and_leave(ctx, row, wanted, leave)
