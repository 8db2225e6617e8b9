"""Where the ids of seeded objects begin: below those of new objects (`world.FIRST_ID`), apart by type and by shop."""

from __future__ import annotations

from fake_shopify.world import Shop

STEP = 1_024
"""The distance between neighbours, so that nobody takes ids for a dense sequence."""
LONG_RUN, SHORT_RUN = 15_000_000_000, 1_000_000_000
"""How many numbers a shop has of a type: enough for ten million orders, and for a million variants."""
SHOPS = 25

FIRST = {
    "parts of orders": (1_000_000_000_000, LONG_RUN),
    "Order": (5_000_000_000_000, LONG_RUN),
    "Customer": (5_400_000_000_000, LONG_RUN),
    "MailingAddress": (5_800_000_000_000, LONG_RUN),
    "Product": (6_200_000_000_000, SHORT_RUN),
    "ProductVariant": (6_250_000_000_000, SHORT_RUN),
    "InventoryItem": (6_300_000_000_000, SHORT_RUN),
    "ProductOption": (6_350_000_000_000, SHORT_RUN),
    "ProductOptionValue": (6_400_000_000_000, SHORT_RUN),
    "Media": (6_450_000_000_000, SHORT_RUN),
    "ProductImage": (6_500_000_000_000, SHORT_RUN),
    "Collection": (6_550_000_000_000, SHORT_RUN),
}


def first(shop: Shop, name: str) -> int:
    """Return the id of the first seeded object of a kind in a shop."""
    start, run = FIRST[name]
    return start + shop.number % 1_000 % SHOPS * run
