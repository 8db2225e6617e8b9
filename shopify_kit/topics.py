"""Webhook topics: the names Shopify knows, and the ways to write one.

`orders/create` is the name in headers, `ORDERS_CREATE` the value in GraphQL; paths may carry `orders_create` or `orders-create`.
The list is made from the WebhookSubscriptionTopic of 2026-01 to 2026-10, whose descriptions name the topics; compliance topics have
no value there and are subscribed in the app's configuration only.
"""

from __future__ import annotations

import re
from typing import Final

_LISTED: Final = """
    app: scopes_update uninstalled
    app_purchases_one_time: update
    app_subscriptions: approaching_capped_amount update
    audit_events: admin_api_activity
    bulk_operations: finish
    carts: create update
    channels: delete
    checkouts: create delete update
    collection_listings: add remove update
    collection_publications: create delete update
    collections: create delete update
    companies: create delete update
    company_contact_roles: assign revoke
    company_contacts: create delete update
    company_locations: create delete update
    customer_account_settings: update
    customer_groups: create delete update
    customer_payment_methods: create revoke update
    customers: create delete disable enable merge purchasing_summary update
    customers_email_marketing_consent: update
    customers_marketing_consent: update
    customers_whats_app_marketing_consent: update
    delivery_promise_settings: update
    discounts: create delete redeemcode_added redeemcode_removed update
    disputes: create update
    domains: create destroy update
    draft_orders: create delete update
    finance_app_staff_member: delete grant revoke update
    finance_kyc_information: update
    fulfillment_events: create delete
    fulfillment_holds: added released
    fulfillment_orders: cancellation_request_accepted cancellation_request_rejected cancellation_request_submitted
        cancelled fulfillment_request_accepted fulfillment_request_rejected fulfillment_request_submitted
        fulfillment_service_failed_to_complete hold_released line_items_prepared_for_local_delivery
        line_items_prepared_for_pickup manually_reported_progress_stopped merged moved order_routing_complete
        placed_on_hold progress_reported rescheduled scheduled_fulfillment_order_ready split
    fulfillments: create update
    inventory_items: create delete update
    inventory_levels: connect disconnect update
    inventory_shipments: add_items create delete mark_in_transit receive_items remove_items update_item_quantities
        update_tracking
    inventory_transfers: add_items cancel complete ready_to_ship remove_items update_item_quantities updated
    locales: create destroy update
    locations: activate create deactivate delete update
    markets: create delete update
    markets_backup_region: update
    metafield_definitions: create delete update
    metaobjects: create delete update
    order_transactions: create
    orders: cancelled create delete edited fulfilled link_requested paid partially_fulfilled risk_assessment_changed
        shopify_protect_eligibility_changed updated
    payment_schedules: due
    payment_terms: create delete update
    product_feeds: create full_sync full_sync_finish incremental_sync update
    product_listings: add remove update
    product_publications: create delete update
    products: create delete update
    profiles: create delete update
    refunds: create
    returns: approve cancel close decline process reopen request update
    reverse_deliveries: attach_deliverable
    reverse_fulfillment_orders: dispose
    scheduled_product_listings: add remove update
    segments: create delete update
    selling_plan_groups: create delete update
    shipping_addresses: create update
    shop: update
    subscription_billing_attempts: challenged failure success
    subscription_billing_cycle_edits: create delete update
    subscription_billing_cycles: skip unskip
    subscription_contracts: activate cancel create expire fail pause update
    tax_services: create update
    tender_transactions: create
    themes: create delete publish update
    variants: in_stock out_of_stock
"""

COMPLIANCE_TOPICS: Final = ("customers/data_request", "customers/redact", "shop/redact")

DEFAULT_TOPICS: Final = (
    "orders/create",
    "orders/updated",
    "orders/paid",
    "orders/cancelled",
    "orders/fulfilled",
    "products/create",
    "products/update",
    "products/delete",
    "customers/create",
    "customers/update",
    "customers/delete",
    "inventory_levels/update",
    "inventory_items/create",
    "inventory_items/update",
    "collections/create",
    "collections/update",
    "collections/delete",
    "discounts/create",
    "discounts/update",
    "discounts/delete",
    "shop/update",
    "app/uninstalled",
    "app/scopes_update",
    "bulk_operations/finish",
)
"""What a shop is subscribed to unless its user chooses (CONTRACT 5)."""


def _read(listed: str) -> frozenset[str]:
    names, family = set[str](), ""
    for word in listed.split():
        if word.endswith(":"):
            family = word[:-1]
        else:
            names.add(f"{family}/{word}")
    return frozenset(names)


TOPICS: Final = _read(_LISTED) | {
    "customer.joined_segment",
    "customer.left_segment",
    "customer.tags_added",
    "customer.tags_removed",
}


def enum_value(topic: str) -> str:
    """Write a topic as GraphQL does: `orders/create` → `ORDERS_CREATE`."""
    return re.sub(r"[^A-Za-z0-9]+", "_", topic).upper()


_BY_ENUM: Final = {enum_value(topic): topic for topic in (*TOPICS, *COMPLIANCE_TOPICS)}


def topic_of(written: str) -> str | None:
    """Return the topic that is meant by a header, a path part or an enum value; None for one that Shopify does not know."""
    if written in TOPICS:
        return written
    return _BY_ENUM.get(enum_value(written)) if len(written) <= 100 else None


def same_topic(one: str, other: str) -> bool:
    """Say whether two ways of writing mean the same topic, known or not."""
    return enum_value(one) == enum_value(other)
