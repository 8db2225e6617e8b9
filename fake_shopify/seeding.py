"""Demo data: a shop of a given size that is the same for the same seed."""

from __future__ import annotations

from pathlib import Path

from fake_shopify.world import Shop


def fill(shop: Shop, *, seed: int, orders: int, parquet: Path | None = None) -> None:
    """Fill a shop with products, customers and `orders` orders."""
