"""Everything behind one fake: its clock, its apps, its shops, the tokens they gave out, and what was asked of it."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fake_shopify.clock import Clock
from fake_shopify.rows import Row, Table
from fake_shopify.throttle import Bucket

if TYPE_CHECKING:
    from fake_shopify.bulk_desk import BulkDesk

CAPTURED_SCOPES = frozenset(
    """
    read_assigned_fulfillment_orders read_cart_transforms read_content read_customer_merge read_customers read_discounts
    read_draft_orders read_files read_fulfillment_constraint_rules read_fulfillments read_inventory read_legal_policies
    read_locales read_locations read_marketing_events read_markets read_merchant_managed_fulfillment_orders
    read_metaobject_definitions read_metaobjects read_online_store_navigation read_order_edits read_orders
    read_payment_customizations read_payment_terms read_privacy_settings read_product_listings read_products
    read_publications read_returns read_shipping read_shopify_payments_disputes read_shopify_payments_payouts
    read_store_credit_account_transactions read_store_credit_accounts read_themes read_third_party_fulfillment_orders
    read_translations read_validations write_assigned_fulfillment_orders write_cart_transforms write_cash_tracking
    write_content write_customer_data_erasure write_customer_merge write_customers write_delivery_customizations
    write_discounts write_draft_orders write_files write_fulfillment_constraint_rules write_fulfillments
    write_gift_card_transactions write_gift_cards write_inventory write_inventory_shipments write_inventory_transfers
    write_legal_policies write_locales write_locations write_marketing_events write_markets
    write_merchant_managed_fulfillment_orders write_metaobject_definitions write_metaobjects write_online_store_navigation
    write_order_edits write_orders write_payment_customizations write_payment_terms write_privacy_settings write_products
    write_publications write_purchase_options write_returns write_shipping write_store_credit_account_transactions
    write_third_party_fulfillment_orders write_translations write_validations read_cash_tracking
    read_customer_data_erasure read_delivery_customizations read_gift_card_transactions read_gift_cards
    read_inventory_shipments read_inventory_transfers read_purchase_options
    """.split()
)
"""What the recorded app was granted (captured: app_access)."""

FIRST_ID = 7_000_000_000_001
"""Ids of new objects start here, as large as Shopify's; seeded ones lie below."""


@dataclass(slots=True)
class App:
    """An app of the Dev Dashboard."""

    client_id: str
    client_secret: str
    name: str
    number: int
    scopes: frozenset[str] = CAPTURED_SCOPES
    redirect_urls: tuple[str, ...] = ()
    embedded: bool = True
    webhook_api_version: str | None = None
    old_secrets: list[str] = field(default_factory=list)
    new_secret_signs_at_s: float = 0.0

    def accepts(self, secret: str) -> bool:
        """Say whether a secret is the app's newest or one that was replaced and not revoked."""
        return secret in (self.client_secret, *self.old_secrets)

    def signing_secret(self, now_s: float) -> str:
        """Return the secret that signs: the newest one, after a rotation perhaps not at once (documented: up to an hour)."""
        return self.old_secrets[-1] if self.old_secrets and now_s < self.new_secret_signs_at_s else self.client_secret


@dataclass(slots=True)
class Grant:
    """An access token: which app it lets into which shop, how far and for how long."""

    token: str
    shop_domain: str
    client_id: str
    scopes: frozenset[str]
    kind: str = "static"
    expires_at_s: float | None = None
    refresh_token: str | None = None


@dataclass(slots=True)
class Change:
    """One thing that happened in a shop; deliveries are made from these. `client_id` names the app that it is about, if any."""

    topic: str
    at: str
    payload: dict[str, Any]
    client_id: str | None = None


class Shop:
    """One shop: settings, tables by GraphQL type, ids that never repeat, and the changes for deliveries."""

    def __init__(self, number: int, domain: str, clock: Clock, settings: dict[str, Any]) -> None:
        self.number = number
        self.domain = domain
        self.clock = clock
        self.settings = settings
        self.tables: dict[str, Table] = {}
        self.state: dict[str, Any] = {}
        self.changes: deque[Change] = deque(maxlen=100_000)
        self.on_change: Callable[[Shop, Change], None] | None = None
        self.buckets: dict[str, Bucket] = {}
        self.idempotent: dict[tuple[str, str], tuple[str, Any]] = {}
        self.lock = threading.RLock()
        self._ids: dict[str, Iterator[int]] = {}

    def table(self, type_name: str) -> Table:
        """Return the table of a type, empty when nothing was ever put there."""
        found = self.tables.get(type_name)
        return self.tables.setdefault(type_name, Table(type_name)) if found is None else found

    def new_id(self, type_name: str) -> int:
        """Return the next number of a type; unlike Shopify's they are dense, like Shopify's they only grow."""
        ids = self._ids.setdefault(type_name, itertools.count(FIRST_ID))
        return next(ids)

    def new_row(self, type_name: str, **values: Any) -> Row:
        """Make a row with an id and a GID and keep it."""
        number = self.new_id(type_name)
        row = Row(__typename=type_name, _id=number, id=gid(type_name, number), **values)
        return self.table(type_name).add(row)

    def emit(self, topic: str, payload: dict[str, Any], *, client_id: str | None = None) -> None:
        """Note that something happened, under a webhook topic such as `products/update`; who subscribed hears of it."""
        change = Change(topic, self.clock.iso(), payload, client_id)
        self.changes.append(change)
        if self.on_change is not None:
            self.on_change(self, change)

    def bucket(self, client_id: str) -> Bucket:
        """Return the cost bucket of an app on this shop."""
        return self.buckets.setdefault(client_id, Bucket(measured_at_s=self.clock.monotonic_s()))


def gid(type_name: str, number: int | str) -> str:
    """Write a GID."""
    return f"gid://shopify/{type_name}/{number}"


@dataclass(slots=True)
class LogEntry:
    """One request as the control log shows it; bodies and tokens are not kept."""

    at: str
    method: str
    path: str
    shop_domain: str | None
    status: int
    operation: str | None = None
    requested_cost: int | None = None
    throttled: bool = False
    errors: list[str] = field(default_factory=list)


class World:
    """All state of one fake. `build` fills it from the command line's options and is run again by `reset`."""

    def __init__(self, build: Callable[[World], None]) -> None:
        self._build = build
        self.lock = threading.RLock()
        self.clock = Clock()
        self.apps: dict[str, App] = {}
        self.shops: dict[str, Shop] = {}
        self.grants: dict[str, Grant] = {}
        self.log: deque[LogEntry] = deque(maxlen=20_000)
        self.deliver: dict[str, str] = {}
        self.codes: dict[str, dict[str, Any]] = {}
        self.on_change: Callable[[Shop, Change], None] | None = None
        self.bulk: BulkDesk | None = None
        build(self)

    def reset(self) -> None:
        """Return to the state of the start; the clock runs again."""
        with self.lock:
            self.clock.run()
            for keep in (self.apps, self.shops, self.grants, self.codes, self.log):
                keep.clear()
            self._build(self)
            self.listen(self.on_change)

    def listen(self, on_change: Callable[[Shop, Change], None] | None) -> None:
        """Have every change of every shop told to a function, under the shop's lock when a request made it."""
        self.on_change = on_change
        for shop in self.shops.values():
            shop.on_change = on_change

    def scopes_of(self, client_id: str, shop_domain: str) -> list[str] | None:
        """Return the access scopes that an app has on a shop, None when it is not installed there."""
        own = [one for one in list(self.grants.values()) if (one.client_id, one.shop_domain) == (client_id, shop_domain)]
        return sorted(frozenset().union(*(one.scopes for one in own))) if own else None

    def shop_of_token(self, token: str, host: str | None) -> tuple[Shop, Grant] | None:
        """Find who a request speaks for: by its token; a Host naming another shop makes the token invalid there."""
        grant = self.grants.get(token)
        if grant is None or (grant.expires_at_s is not None and grant.expires_at_s <= self.clock.now().timestamp()):
            return None
        if host is not None and host in self.shops and host != grant.shop_domain:
            return None
        return self.shops[grant.shop_domain], grant
