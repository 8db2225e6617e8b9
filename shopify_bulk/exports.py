"""Exports of whole resources: which document, and how a nested result line becomes the object that lists answer too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from shopify_admin.customers import customer_of
from shopify_admin.inventory import level_of
from shopify_admin.orders import order_of
from shopify_admin.products import product_of
from shopify_kit.errors import AccessDenied

Shape = Callable[[dict[str, Any], str], Iterator[Any]]


class Export(Struct, frozen=True):
    """One kind of export: `name` is what the answer calls its list."""

    name: str
    document: str
    shape: Shape


def shaped(resource: str, document: dict[str, Any], currency: str, dropped: Sequence[str]) -> list[Any]:
    """Return what an object of an export is in the lists; fields that may not be read are null.

    Args:
        dropped: the fields that were left out of the query, each with its way from the root.

    Raises:
        AccessDenied: the object is nothing without them.
    """
    for path in dropped:
        _fill(document, path.split(".")[1:])
    try:
        return list(EXPORTS[resource].shape(document, currency))
    except (KeyError, TypeError):
        if not dropped:
            raise
        text = f"The app may not read {', '.join(dropped)}, without which there are no {resource}; check its access scopes."
        raise AccessDenied(text, details={"dropped_fields": list(dropped)}) from None


def _fill(value: Any, path: Sequence[str]) -> None:
    if isinstance(value, list):
        for one in value:
            _fill(one, path)
    elif isinstance(value, dict) and len(path) == 1:
        value.setdefault(path[0], None)
    elif isinstance(value, dict) and path:
        _fill(value.get(path[0]), path[1:])


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
