"""Payloads of products, variants' items and customers, and the metafields that a subscription may add to any payload.

Source: the sample payloads of shopify.dev/docs/api/webhooks (version 2026-04), and its note on products: the first 100 variants are
whole, `variant_gids` names all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fake_shopify.admin import metafields, taxonomy
from fake_shopify.admin.product_media import is_ready, media_of, picture
from fake_shopify.admin.product_webhooks import product_payload as plain_product
from fake_shopify.context import Context
from fake_shopify.payloads.shape import Payload
from fake_shopify.rows import Row

MOST_VARIANTS = 100


def product_payload(ctx: Context, row: Row) -> Payload:
    """Build the payload of products/create and products/update."""
    plain = plain_product(ctx.shop, row)
    images = [_image(ctx, row, media, at) for at, media in enumerate(_pictures(ctx, row), 1)]
    return plain | {
        "published_scope": "web",
        "variants": plain["variants"][:MOST_VARIANTS],
        "images": images,
        "image": images[0] if images else None,
        "media": [_media(ctx, media, at) for at, media in enumerate(media_of(ctx.shop, row), 1)],
        "has_variants_that_requires_components": False,
        "category": _category(row),
    }


def _category(row: Row) -> Payload | None:
    known = taxonomy.category(row["_category"])
    return {"admin_graphql_api_id": known["id"], "name": known["name"], "full_name": known["fullName"]} if known else None


def _pictures(ctx: Context, product: Row) -> list[Row]:
    return [row for row in media_of(ctx.shop, product) if row["mediaContentType"] == "IMAGE" and is_ready(row)]


def _image(ctx: Context, product: Row, media: Row, position: int) -> Payload:
    shown = picture(media, ctx, None) or {}
    number = media["_image_id"]
    return {
        "id": number,
        "product_id": product.number,
        "position": position,
        "created_at": media["createdAt"],
        "updated_at": media["updatedAt"],
        "alt": media["alt"],
        "width": shown.get("width"),
        "height": shown.get("height"),
        "src": shown.get("url"),
        "variant_ids": [],
        "admin_graphql_api_id": f"gid://shopify/ProductImage/{number}",
    }


def _media(ctx: Context, media: Row, position: int) -> Payload:
    shown = picture(media, ctx, None) if is_ready(media) else None
    return {
        "id": media.number,
        "product_id": None,
        "position": position,
        "created_at": media["createdAt"],
        "updated_at": media["updatedAt"],
        "alt": media["alt"],
        "status": media["_state"],
        "media_content_type": media["mediaContentType"],
        "preview_image": {"width": shown["width"], "height": shown["height"], "src": shown["url"]} if shown else None,
        "admin_graphql_api_id": media["id"],
    }


def deleted_item(payload: Payload) -> Payload:
    """Build the payload of inventory_items/delete."""
    names = ("country_code_of_origin", "province_code_of_origin", "harmonized_system_code")
    number = payload["id"]
    facts = {"country_harmonized_system_codes": [], "admin_graphql_api_id": f"gid://shopify/InventoryItem/{number}"}
    return {"id": number} | dict.fromkeys(names) | facts


def metafields_of(ctx: Context, owner: Any, namespaces: Iterable[str], identifiers: Iterable[dict[str, str]]) -> list[Payload]:
    """List the metafields of an object that a subscription asks for, as REST shows them (assumed: in the order of their making)."""
    if not isinstance(owner, str):
        return []
    spaces, pairs = set(namespaces), {(one["namespace"], one["key"]) for one in identifiers}
    rows = metafields.of_owner(ctx.shop, owner)
    return [_metafield(row, owner) for row in rows if row["namespace"] in spaces or (row["namespace"], row["key"]) in pairs]


def _metafield(row: Row, owner: str) -> Payload:
    kind, number = owner.rsplit("/", 2)[1:]
    return {
        "id": row.number,
        "namespace": row["namespace"],
        "key": row["key"],
        "value": row["value"],
        "description": None,
        "owner_id": int(number.split("?")[0]) if number.split("?")[0].isdigit() else None,
        "created_at": row["createdAt"],
        "updated_at": row["updatedAt"],
        "owner_resource": "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind).lstrip("_"),
        "type": row["type"],
        "admin_graphql_api_id": row["id"],
    }
