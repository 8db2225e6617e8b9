"""Collections of a seeded shop: some put together by hand, one per product type and a few others by rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fake_shopify.admin import handles
from fake_shopify.admin.collection_rows import collection_row
from fake_shopify.rows import Row
from fake_shopify.seeding import ids
from fake_shopify.seeding.dice import Dice, Purpose
from fake_shopify.seeding.wares import KINDS
from fake_shopify.world import Shop

Rule = tuple[str, str, str]
NEWEST, PICKED = 24, 16


class Shelves:
    """Makes the collections of one shop."""

    def __init__(self, shop: Shop, seed: int, now: str) -> None:
        self.shop, self.now, self.dice, self.used = shop, now, Dice(seed, Purpose.SHELVES, 0), 0

    def fill(self) -> dict[str, int]:
        """Make all collections; returns the numbers of those of one product type by that type."""
        active = [row for row in self.shop.table("Product") if row["status"] == "ACTIVE"]
        self._by_hand("New arrivals", active[-NEWEST:][::-1], "CREATED_DESC")
        self._by_hand("Staff picks", self.dice.sample(active, PICKED), "MANUAL")
        self._by_hand("Window display", self.dice.sample(active, PICKED // 2), "ALPHA_ASC")
        self._by_hand("Empty shelf", [], "MANUAL")
        self._by_rules("Gifts under 25", [("VARIANT_PRICE", "LESS_THAN", "25")], "PRICE_ASC")
        self._by_rules("Reduced", [("IS_PRICE_REDUCED", "IS_SET", "")], "BEST_SELLING")
        self._by_rules("Warm things", [("TAG", "EQUALS", "winter"), ("TITLE", "CONTAINS", "Winter")], "BEST_SELLING", any_of=True)
        self._by_rules(
            "Small batches for the kitchen", [("TAG", "EQUALS", "small batch"), ("TAG", "EQUALS", "kitchen")], "ALPHA_ASC"
        )
        return {kind.name: self._by_rules(kind.name, [("TYPE", "EQUALS", kind.name)], "BEST_SELLING").number for kind in KINDS}

    def _by_hand(self, title: str, products: Sequence[Row], order: str) -> Row:
        return self._add(title, order, product_ids=[row.number for row in products])

    def _by_rules(self, title: str, rules: Sequence[Rule], order: str, *, any_of: bool = False) -> Row:
        written = [{"column": column, "relation": relation, "condition": condition} for column, relation, condition in rules]
        return self._add(title, order, _rule_set={"appliedDisjunctively": any_of, "rules": written})

    def _add(self, title: str, order: str, **values: Any) -> Row:
        number = ids.first(self.shop, "Collection") + self.used * ids.STEP
        self.used += 1
        row = collection_row(
            number,
            self.now,
            title=title,
            handle=handles.made_from(title, "collection"),
            descriptionHtml=f"<p>{title}, chosen by the shop.</p>",
            sortOrder=order,
            _published_at=self.now,
            _publications={self.shop.state["online_store"]: self.now},
            **values,
        )
        return self.shop.table("Collection").add(row)
