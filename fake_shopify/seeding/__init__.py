"""Demo data: shops of any size that are the same for the same seed.

Everything is a function of the seed, the number of orders, the shop and the reference instant `until` (by default the start of
the present day, UTC, taken once when the process starts): the same four give the same ids, texts, amounts and instants, whenever
and wherever the fake runs. The last order lies within the hour before `until`, the shop opened one to three years earlier.

Products, variants, collections and discounts are rows in memory. Orders and customers are pure functions of their index, made
when somebody looks at them, so that a million orders cost neither memory nor a start: `timeline` says when, `loyalty` who,
`sales` what was bought, `aftermath` what became of it. `retail` fills a shop from files instead.

Assumed (nothing recorded says how a real shop's data are spread): all frequencies, and that seeded orders were made without
claiming stock, as `orderCreate` does by default: committed quantities are zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fake_shopify.admin.order_parts import seed_orders
from fake_shopify.admin.order_rows import FIRST_ORDER_NUMBER
from fake_shopify.seeding.aftermath import settle
from fake_shopify.seeding.campaigns import Campaigns, open_discounts
from fake_shopify.seeding.catalogue import Stocker
from fake_shopify.seeding.loyalty import Loyalty
from fake_shopify.seeding.people import People
from fake_shopify.seeding.sales import Sales
from fake_shopify.seeding.shelves import Shelves
from fake_shopify.seeding.timeline import Timeline, days_for, iso
from fake_shopify.world import Shop


@dataclass(frozen=True, slots=True)
class Plan:
    """What a shop is to hold."""

    seed: int
    orders: int
    until: datetime

    @property
    def opening(self) -> datetime:
        """When the shop opened."""
        return self.until - timedelta(days=days_for(self.orders))


def fill(shop: Shop, plan: Plan) -> None:
    """Fill a shop with products, customers, discounts and orders."""
    seed, opening, until = plan.seed, int(plan.opening.timestamp()), int(plan.until.timestamp())
    campaigns = Campaigns(opening, until)
    timeline = Timeline(plan.orders, until, shop.settings["zone"], campaigns.uplift)
    shelf = Stocker(shop, seed, opening, until).fill(plan.orders)
    types = Shelves(shop, seed, iso(opening)).fill()
    people = People(shop, seed, Loyalty(plan.orders, seed), timeline)
    open_discounts(shop, campaigns, timeline, types)
    shop.tables["Customer"] = people.table()
    shop.state["seeded_customer"] = people.by_contact
    sales = Sales(shop, seed, timeline, people, shelf, campaigns)
    seed_orders(
        shop,
        sales.run,
        lambda index: settle(sales.begin(index), until),
        instants={"createdAt": sales.created, "processedAt": sales.created},
        walks=sales.walks(),
        finders={"name": sales.by_name, "email": sales.by_email, "customer_id": sales.by_customer},
        of_customer=sales.of_customer,
        last_order_number=FIRST_ORDER_NUMBER - 1 + plan.orders,
    )
