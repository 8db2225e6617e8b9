"""What deliveries say about products and collections. Source: shopify.dev/docs/api/webhooks (payloads, read 2026-11)."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import inventory_levels
from fake_shopify.admin.product_rows import item_of, value_names, variant_title, variants_of
from fake_shopify.rows import Row
from fake_shopify.world import Shop, gid

SORT_ORDERS = {"ALPHA_ASC": "alpha-asc", "ALPHA_DESC": "alpha-des", "BEST_SELLING": "best-selling", "MANUAL": "manual"}


def variant_payload(shop: Shop, product: Row, row: Row) -> dict[str, Any]:
    """Build the part of a payload that describes one variant."""
    item, names = item_of(shop, row), value_names(product, row)
    count = inventory_levels.total(item)
    return {
        "admin_graphql_api_id": row["id"],
        "id": row.number,
        "product_id": product.number,
        "title": variant_title(product, row),
        "price": row["price"],
        "compare_at_price": row["compareAtPrice"],
        "barcode": row["barcode"],
        "sku": item["sku"],
        "position": row["position"],
        "inventory_policy": row["inventoryPolicy"].lower(),
        "inventory_item_id": item.number,
        "inventory_quantity": count,
        "old_inventory_quantity": count,
        "taxable": row["taxable"],
        "option1": names[0] if names else None,
        "option2": names[1] if len(names) > 1 else None,
        "option3": names[2] if len(names) > 2 else None,
        "image_id": None,
        "created_at": row["createdAt"],
        "updated_at": row["updatedAt"],
    }


def product_payload(shop: Shop, row: Row) -> dict[str, Any]:
    """Build the payload of products/create and products/update."""
    return {
        "admin_graphql_api_id": row["id"],
        "id": row.number,
        "title": row["title"],
        "handle": row["handle"],
        "body_html": row["descriptionHtml"],
        "vendor": row["vendor"],
        "product_type": row["productType"],
        "status": row["status"].lower(),
        "tags": ", ".join(row["tags"]),
        "template_suffix": row["templateSuffix"],
        "published_at": row["publishedAt"],
        "published_scope": "global",
        "created_at": row["createdAt"],
        "updated_at": row["updatedAt"],
        "variants": [variant_payload(shop, row, variant) for variant in variants_of(shop, row)],
        "variant_gids": [{"admin_graphql_api_id": v["id"], "updated_at": v["updatedAt"]} for v in variants_of(shop, row)],
        "options": [
            {
                "id": option["id"],
                "product_id": row.number,
                "name": option["name"],
                "position": option["position"],
                "values": [value["name"] for value in option["values"]],
            }
            for option in row["_options"]
        ],
        "images": [],
        "image": None,
        "media": [],
    }


def product_changed(shop: Shop, row: Row, topic: str = "products/update") -> None:
    """Note that a product was made or changed; its payload is built when somebody is to receive it."""
    shop.emit(topic, {"id": row.number, "admin_graphql_api_id": row["id"]})


def stock_changed(shop: Shop, item: Row) -> None:
    """Note that more or less of an item can be sold, which counts as an update of its product.

    Source: the schema's description of Product.updatedAt; products/update comes with every change of what is available
    (Shopify's staff at community.shopify.com, read 2026-11).
    """
    variant = shop.table("ProductVariant").get(item["_variant_id"])
    product = shop.table("Product").edit(variant["_product_id"]) if variant is not None else None
    if product is not None:
        product["updatedAt"] = shop.clock.iso()
        product_changed(shop, product)


def product_deleted(shop: Shop, number: int) -> None:
    """Note that a product is gone."""
    shop.emit("products/delete", {"id": number, "admin_graphql_api_id": gid("Product", number)})


def collection_changed(shop: Shop, row: Row, topic: str = "collections/update") -> None:
    """Note that a collection was made or changed."""
    payload: dict[str, Any] = {
        "admin_graphql_api_id": row["id"],
        "id": row.number,
        "handle": row["handle"],
        "title": row["title"],
        "updated_at": row["updatedAt"],
        "body_html": row["descriptionHtml"] or None,
        "published_at": None,
        "sort_order": SORT_ORDERS.get(row["sortOrder"], row["sortOrder"].lower().replace("_", "-")),
        "template_suffix": row["templateSuffix"],
        "published_scope": "web",
    }
    if row["_rule_set"]:
        payload["disjunctive"] = row["_rule_set"]["appliedDisjunctively"]
        payload["rules"] = [
            {"column": rule["column"].lower(), "relation": rule["relation"].lower(), "condition": rule["condition"]}
            for rule in row["_rule_set"]["rules"]
        ]
    shop.emit(topic, payload)


def collection_deleted(shop: Shop, number: int) -> None:
    """Note that a collection is gone."""
    shop.emit("collections/delete", {"id": number, "admin_graphql_api_id": gid("Collection", number), "published_scope": "web"})
