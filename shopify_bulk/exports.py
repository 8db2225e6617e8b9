"""Exports of whole resources: which document, and how a nested result line becomes the object that lists answer too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from shopify_admin.customers import customer_of
from shopify_admin.inventory import level_of
from shopify_admin.orders import order_of
from shopify_admin.products import product_of

Shape = Callable[[dict[str, Any], str], Iterator[Any]]


class Export(Struct, frozen=True):
    """One kind of export: `name` is what the answer calls its list."""

    name: str
    document: str
    shape: Shape


def _nodes(document: Mapping[str, Any], name: str) -> dict[str, list[Any]]:
    return {"nodes": list(document.get(name) or ())}


def _product(document: dict[str, Any], currency: str) -> Iterator[Any]:
    """A product of an export shows its featured image only: Shopify exports no connection of media."""
    image = document["featuredMedia"]
    media = {"nodes": [image] if image else []}
    variants = list(document.get("variants") or ())
    raw = {**document, "media": media, "metafields": _nodes(document, "metafields"), "variants": {"nodes": variants}}
    yield product_of(raw, currency, variants)


def _order(document: dict[str, Any], _: str) -> Iterator[Any]:
    """An order of an export shows its first shipping line only: Shopify exports no connection of them."""
    line = document["shippingLine"]
    yield order_of({**document, "shippingLines": {"nodes": [line] if line else []}}, list(document.get("lineItems") or ()))


def _customer(document: dict[str, Any], _: str) -> Iterator[Any]:
    yield customer_of({**document, "addressesV2": _nodes(document, "addresses")})


def _levels(document: dict[str, Any], _: str) -> Iterator[Any]:
    for level in document.get("inventoryLevels") or ():
        yield level_of(level)


EXPORTS: Final = {
    "products": Export("products", "ExportProducts", _product),
    "orders": Export("orders", "ExportOrders", _order),
    "customers": Export("customers", "ExportCustomers", _customer),
    "inventory": Export("inventory_levels", "ExportInventory", _levels),
}
