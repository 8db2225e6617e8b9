"""The Admin API's resolvers, one module per domain; `load` imports them all, which registers them.

How a domain keeps its rows (the tables are named after GraphQL types):

- A row holds plain values under GraphQL field names (`title`, `createdAt`, money as decimal text); what is computed has a
  resolver.
  Keys with an underscore are private: `_id` is the number of the row, `_<other>_id` a reference by number, `_<others>_ids` an
  ordered
  list of them. Money scalars are kept as text with two decimals and shown through `money.money_bag`.
- `Product`: `_variant_ids`, `_media_ids`, `_options` (list of dicts: id number, name, position, values with their own ids),
  `tags` (sorted list), `status`, `handle`, `descriptionHtml`, `vendor`, `productType`, `publishedAt`, `createdAt`, `updatedAt`.
- `ProductVariant`: `_product_id`, `_inventory_item_id`, `_option_value_ids`, `price`, `compareAtPrice`, `barcode`, `position`,
  `inventoryPolicy`, `taxable`. `sku` lives on the inventory item.
- `InventoryItem`: `_variant_id`, `sku`, `tracked`, `requiresShipping`, `_unit_cost`, `_weight` (value, unit), `_levels`
  (location number -> `{"quantities": {"available": 0, "on_hand": 0, …}, "createdAt", "updatedAt", "isActive"}`).
- `Location`: see `build.add_location`.
- `Customer`: `firstName`, `lastName`, `email`, `phone`, `tags`, `note`, `state`, `_addresses` (list of rows),
  `_default_address_id`, …
- `Order`: `name`, `_number`, `_customer_id`, `email`, `_lines` (list of `LineItem` rows with `_variant_id`, `_product_id`),
  `_transactions`, `_refunds`, `_fulfillments`, `_fulfillment_orders`, `processedAt`, `cancelledAt`, `closedAt`, …
- `Metafield` rows live in one table with `_owner` (the owner's GID), `namespace`, `key`, `type`, `value`.

Every change calls `ctx.shop.emit(topic, payload)` with the webhook topic (`products/update`); the payload is a dict that names
at least
`admin_graphql_api_id`.
"""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Import every domain, so that its resolvers are registered."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
