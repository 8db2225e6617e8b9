"""The HTTP face: every route with its policy and its models. A view reads, calls one feature, answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Response
from msgspec import Struct

from shopify_admin.catalog import Collection, Discount, Location, Shop
from shopify_admin.customers import Customer, CustomerFilters
from shopify_admin.inventory import InventoryLevel
from shopify_admin.orders import Order, OrderFilters
from shopify_admin.products import Product, ProductFilters
from shopify_custom_apps import Credentials, Store
from shopify_kit.clock import iso
from shopify_kit.errors import InvalidInput
from shopify_kit.secret import Secret
from shopify_kit.throttle import ThrottleStatus
from shopify_web import bulk_views, webhook_views
from shopify_web.answers import Reply, encode
from shopify_web.api import Api, Call
from shopify_web.callers import Policy
from shopify_web.health import Health, TokenHealth, look_at_health, token_health
from shopify_web.queries import check_query

if TYPE_CHECKING:
    from shopify_web import edges

api = Api()
USER, HOST, PUBLIC = Policy.USER, Policy.HOST, Policy.PUBLIC


def _secret(text: str | None) -> Secret | None:
    return None if text is None else Secret(text)


class ShownStore(Struct, frozen=True):
    """One of the user's shops: our integer id under both names, never a token."""

    id: int
    store_id: int
    shop_domain: str
    name: str | None
    email: str | None
    currency: str
    timezone: str | None
    plan: str | None
    connection: str
    status: str
    scopes: tuple[str, ...]
    connected_at: str | None


class SearchResults(Struct, frozen=True):
    """What a search found, by kind; empty where that kind was not searched."""

    products: tuple[Product, ...]
    orders: tuple[Order, ...]
    customers: tuple[Customer, ...]


class QueryCost(Struct, frozen=True):
    """What Shopify charged for a query, in points, and what is left."""

    requested: int | None
    actual: int | None
    throttle_status: ThrottleStatus | None


def _shown_store(store: Store) -> ShownStore:
    return ShownStore(
        id=store.id,
        store_id=store.id,
        shop_domain=store.shop_domain,
        name=store.name,
        email=store.email,
        currency=store.currency,
        timezone=store.timezone,
        plan=store.plan,
        connection=store.token_kind,
        status=store.token_state,
        scopes=store.scopes,
        connected_at=iso(store.connected_at) if store.connected_at else None,
    )


def _filters(model: type[Any], query: Any) -> Any:
    """Take a feature's filters out of a query."""
    return model(**{name: getattr(query, name) for name in model.__struct_fields__})


# Health and description


@api.route(
    "GET",
    "/health",
    policy=PUBLIC,
    group="health",
    summary="How the integration is",
    query="HealthQuery",
    answers={"health": Health},
)
def health(call: Call) -> Reply:
    """Healthy, degraded or unhealthy, with each service; `detailed` adds figures for callers whom the host knows, and how the
    tokens of their user are, never what they are."""
    is_detailed = call.query.detailed and call.recognise()
    found = look_at_health(call.parts, detailed=is_detailed, user_id=call.acting.user_id if call.acting else None)
    return _health_reply(found, {"health": found})


@api.route(
    "GET",
    "/health/summary",
    policy=PUBLIC,
    group="health",
    summary="The same in one word",
    answers={"status": str},
)
def health_summary(call: Call) -> Reply:
    found = look_at_health(call.parts, detailed=False)
    return _health_reply(found, {"status": found.status})


def _health_reply(found: Health, payload: Mapping[str, Any]) -> Reply:
    if found.status != "unhealthy":
        return Reply(payload)
    return Reply({"error": "The database is away.", "code": "database_unavailable", "details": {}, **payload}, 503)


@api.route(
    "GET",
    "/health/tokens",
    policy=USER,
    group="health",
    summary="How the user's tokens are, never what they are",
    answers={"tokens": list[TokenHealth]},
)
def health_tokens(call: Call) -> Mapping[str, Any]:
    return {"tokens": token_health(call.parts, call.user_id)}


@api.route(
    "GET",
    "/health/connection",
    policy=USER,
    group="health",
    summary="Whether Shopify answers for the user's shop",
    answers={"connected": bool, "shop": dict[str, str]},
)
def health_connection(call: Call) -> Mapping[str, Any]:
    return {"connected": True, "shop": {"name": call.admin().shop().name, "domain": call.store().shop_domain}}


@api.route(
    "GET",
    "/openapi.json",
    policy=HOST,
    group="description",
    summary="The OpenAPI 3.1 document",
    own_form="application/json",
)
def openapi(call: Call) -> Response:
    return Response(call.parts.written("openapi", lambda: encode(describe(call))), content_type="application/json")


@api.route("GET", "/docs", policy=HOST, group="description", summary="The same for people", own_form="text/html")
def docs(call: Call) -> Response:
    from shopify_web.docs_page import as_page, render  # noqa: PLC0415 - see describe

    return as_page(call.parts.written("docs", lambda: render(describe(call)).encode()))


def describe(call: Call) -> dict[str, Any]:
    """Build the OpenAPI document of this integration."""
    from shopify_web.openapi import build_document  # noqa: PLC0415 - the models come with it

    return build_document(api.endpoints, prefix=call.parts.prefix, version=call.parts.version)


# Connecting


@api.route(
    "POST",
    "/connect",
    policy=USER,
    group="core",
    summary="Connect a shop",
    body="ConnectBody",
    answers={"connected": bool, "shop": Shop, "store": ShownStore},
)
def connect(call: Call) -> Mapping[str, Any]:
    """The credentials are proved against Shopify and then stored sealed; wrong ones are `token_rejected` and nothing is stored."""
    body: edges.ConnectBody = call.body
    credentials = Credentials(
        access_token=_secret(body.access_token),
        client_id=body.client_id or body.api_key,
        client_secret=_secret(body.client_secret or body.api_secret),
    )
    store, shop = call.parts.installations.connect(call.user_id, body.shop_domain, credentials, actor=call.actor)
    return {"connected": True, "shop": shop, "store": _shown_store(store)}


@api.route(
    "POST",
    "/disconnect",
    policy=USER,
    group="core",
    summary="Leave a shop",
    body="DisconnectBody",
    answers={"disconnected": bool, "shop_domain": str},
)
def disconnect(call: Call) -> Mapping[str, Any]:
    """The last member who leaves destroys the token and, with `purge`, what we stored of the shop."""
    store = call.store()
    call.parts.installations.disconnect(call.user_id, store, purge=call.body.purge, actor=call.actor)
    return {"disconnected": True, "shop_domain": store.shop_domain}


@api.route(
    "GET",
    "/stores",
    policy=USER,
    group="core",
    summary="The user's shops",
    answers={"stores": list[ShownStore], "total": int},
)
def list_stores(call: Call) -> Mapping[str, Any]:
    stores = [_shown_store(store) for store in call.parts.installations.stores(call.user_id)]
    return {"stores": stores, "total": len(stores)}


@api.route(
    "POST",
    "/stores",
    policy=USER,
    group="core",
    summary="Connect a shop, by older names",
    body="StoreBody",
    status=201,
    answers={"id": int, "store": ShownStore, "shop": Shop},
)
def create_store(call: Call) -> Mapping[str, Any]:
    body: edges.StoreBody = call.body
    credentials = Credentials(Secret(body.access_token), body.api_key, _secret(body.api_secret))
    store, shop = call.parts.installations.connect(call.user_id, body.store_domain, credentials, actor=call.actor)
    return {"id": store.id, "store": _shown_store(store), "shop": shop}


@api.route("GET", "/stores/<id>", policy=USER, group="core", summary="One shop", answers={"id": int, "store": ShownStore})
def get_store(call: Call) -> Mapping[str, Any]:
    store = call.parts.installations.get(call.user_id, call.number)
    return {"id": store.id, "store": _shown_store(store)}


@api.route("GET", "/shop", policy=USER, group="core", summary="The shop as Shopify knows it", answers={"shop": Shop})
def get_shop(call: Call) -> Mapping[str, Any]:
    return {"shop": call.admin().shop()}


# Products


@api.route(
    "GET",
    "/products",
    policy=USER,
    group="core",
    summary="List products",
    query="ProductListQuery",
    answers={"products": list[Product]},
)
def list_products(call: Call) -> Mapping[str, Any]:
    listing = call.admin().products(_filters(ProductFilters, call.query), limit=call.query.limit, after=call.after())
    return call.list("products", listing)


@api.route(
    "POST",
    "/products",
    policy=USER,
    group="core",
    summary="Create a product",
    body="CreateProductBody",
    status=201,
    answers={"product": Product},
)
def create_product(call: Call) -> Mapping[str, Any]:
    """Variants, options, images, metafields and stock (at the primary location) are set as given."""
    return {"product": call.admin().create_product(call.body.product.given())}


@api.route("GET", "/products/<id>", policy=USER, group="core", summary="One product", answers={"product": Product})
def get_product(call: Call) -> Mapping[str, Any]:
    return {"product": call.admin().product(call.gid("Product"))}


@api.route(
    "PUT",
    "/products/<id>",
    policy=USER,
    group="core",
    summary="Change a product",
    body="UpdateProductBody",
    answers={"product": Product},
)
def update_product(call: Call) -> Mapping[str, Any]:
    """Partial: given variants are updated by id or added, the others kept unless `replace_variants`."""
    body: edges.UpdateProductBody = call.body
    product = call.admin().update_product(
        call.gid("Product"),
        body.product.given(),
        replace_variants=body.replace_variants,
    )
    return {"product": product}


@api.route(
    "DELETE",
    "/products/<id>",
    policy=USER,
    group="core",
    summary="Delete a product",
    answers={"deleted": bool, "id": int},
)
def delete_product(call: Call) -> Mapping[str, Any]:
    call.admin().delete_product(call.gid("Product"))
    return {"deleted": True, "id": call.number}


# Orders


@api.route(
    "GET",
    "/orders",
    policy=USER,
    group="core",
    summary="List orders",
    query="OrderListQuery",
    answers={"orders": list[Order]},
)
def list_orders(call: Call) -> Mapping[str, Any]:
    listing = call.admin().orders(_filters(OrderFilters, call.query), limit=call.query.limit, after=call.after())
    return call.list("orders", listing)


@api.route(
    "POST",
    "/orders",
    policy=USER,
    group="core",
    summary="Create an order",
    body="CreateOrderBody",
    status=201,
    answers={"order": Order},
)
def create_order(call: Call) -> Mapping[str, Any]:
    return {"order": call.admin().create_order(call.body.order.given())}


@api.route("GET", "/orders/<id>", policy=USER, group="core", summary="One order", answers={"order": Order})
def get_order(call: Call) -> Mapping[str, Any]:
    """With fulfillments, refunds and transactions."""
    return {"order": call.admin().order(call.gid("Order"))}


@api.route(
    "POST",
    "/orders/<id>/cancel",
    policy=USER,
    group="core",
    summary="Cancel an order",
    body="CancelOrderBody",
    answers={"order": Order},
)
def cancel_order(call: Call) -> Mapping[str, Any]:
    body: edges.CancelOrderBody = call.body
    order = call.admin().cancel_order(
        call.gid("Order"),
        reason=body.reason,
        restock=body.restock,
        refund=body.refund,
        notify_customer=body.notify_customer,
        note=body.note,
    )
    return {"order": order}


@api.route(
    "POST",
    "/orders/<id>/refund",
    policy=USER,
    group="core",
    summary="Refund lines and shipping",
    body="RefundOrderBody",
    answers={"order": Order},
)
def refund_order(call: Call) -> Mapping[str, Any]:
    """The money goes back to where it came from; `idempotency_key` (or the header) makes a repetition harmless."""
    return {"order": call.admin().refund_order(call.gid("Order"), call.body.given(), key=call.shopify_key)}


@api.route(
    "POST",
    "/orders/<id>/fulfill",
    policy=USER,
    group="core",
    summary="Ship lines of an order",
    body="FulfillOrderBody",
    answers={"order": Order},
)
def fulfill_order(call: Call) -> Mapping[str, Any]:
    """All open lines unless some are named; one fulfillment per location."""
    return {"order": call.admin().fulfill_order(call.gid("Order"), call.body.given())}


# Customers


@api.route(
    "GET",
    "/customers",
    policy=USER,
    group="core",
    summary="List customers",
    query="CustomerListQuery",
    answers={"customers": list[Customer]},
)
def list_customers(call: Call) -> Mapping[str, Any]:
    listing = call.admin().customers(_filters(CustomerFilters, call.query), limit=call.query.limit, after=call.after())
    return call.list("customers", listing)


@api.route(
    "POST",
    "/customers",
    policy=USER,
    group="core",
    summary="Create a customer",
    body="CustomerBody",
    status=201,
    answers={"customer": Customer},
)
def create_customer(call: Call) -> Mapping[str, Any]:
    return {"customer": call.admin().create_customer(call.body.customer.given())}


@api.route("GET", "/customers/<id>", policy=USER, group="core", summary="One customer", answers={"customer": Customer})
def get_customer(call: Call) -> Mapping[str, Any]:
    return {"customer": call.admin().customer(call.gid("Customer"))}


@api.route(
    "PUT",
    "/customers/<id>",
    policy=USER,
    group="core",
    summary="Change a customer",
    body="CustomerBody",
    answers={"customer": Customer},
)
def update_customer(call: Call) -> Mapping[str, Any]:
    """Partial; given addresses replace the customer's."""
    return {"customer": call.admin().update_customer(call.gid("Customer"), call.body.customer.given())}


@api.route(
    "DELETE",
    "/customers/<id>",
    policy=USER,
    group="core",
    summary="Delete a customer",
    answers={"deleted": bool, "id": int},
)
def delete_customer(call: Call) -> Mapping[str, Any]:
    call.admin().delete_customer(call.gid("Customer"))
    return {"deleted": True, "id": call.number}


# Inventory and what is read only


@api.route(
    "GET",
    "/inventory",
    policy=USER,
    group="core",
    summary="List inventory levels",
    query="InventoryQuery",
    answers={"inventory_levels": list[InventoryLevel]},
)
def list_inventory(call: Call) -> Mapping[str, Any]:
    """By location, or by item with all its locations; `limit` counts items where no location is named."""
    query: edges.InventoryQuery = call.query
    listing = call.admin().inventory(
        location_id=query.location_id, item_id=query.inventory_item_id, sku=query.sku, limit=query.limit, after=call.after()
    )
    return call.list("inventory_levels", listing)


@api.route(
    "POST",
    "/inventory/adjust",
    policy=USER,
    group="core",
    summary="Add to what is available, or take away",
    body="AdjustInventoryBody",
    answers={"inventory_levels": list[InventoryLevel]},
)
def adjust_inventory(call: Call) -> Mapping[str, Any]:
    body: edges.AdjustInventoryBody = call.body
    admin, key = call.admin(), call.shopify_key
    item = admin.item_of(item_id=body.inventory_item_id, sku=body.sku)
    return {"inventory_levels": admin.adjust_inventory(item, body.location_id, body.delta, reason=body.reason, key=key)}


@api.route(
    "POST",
    "/inventory/set",
    policy=USER,
    group="core",
    summary="Set what is available",
    body="SetInventoryBody",
    answers={"inventory_levels": list[InventoryLevel]},
)
def set_inventory(call: Call) -> Mapping[str, Any]:
    body: edges.SetInventoryBody = call.body
    admin, key = call.admin(), call.shopify_key
    item = admin.item_of(item_id=body.inventory_item_id, sku=body.sku)
    return {"inventory_levels": admin.set_inventory(item, body.location_id, body.quantity, reason=body.reason, key=key)}


@api.route(
    "GET",
    "/locations",
    policy=USER,
    group="core",
    summary="List locations",
    query="LocationListQuery",
    answers={"locations": list[Location]},
)
def list_locations(call: Call) -> Mapping[str, Any]:
    query: edges.LocationListQuery = call.query
    listing = call.admin().locations(limit=query.limit, after=call.after(), include_inactive=query.include_inactive)
    return call.list("locations", listing)


@api.route(
    "GET",
    "/collections",
    policy=USER,
    group="core",
    summary="List collections",
    query="CollectionListQuery",
    answers={"collections": list[Collection]},
)
def list_collections(call: Call) -> Mapping[str, Any]:
    query: edges.CollectionListQuery = call.query
    return call.list("collections", call.admin().collections(limit=query.limit, after=call.after(), title=query.title))


@api.route(
    "GET",
    "/discounts",
    policy=USER,
    group="core",
    summary="List discounts",
    query="DiscountListQuery",
    answers={"discounts": list[Discount]},
)
def list_discounts(call: Call) -> Mapping[str, Any]:
    query: edges.DiscountListQuery = call.query
    return call.list("discounts", call.admin().discounts(limit=query.limit, after=call.after(), status=query.status))


# Search and raw queries


@api.route(
    "POST",
    "/search",
    policy=USER,
    group="core",
    summary="Search products, orders and customers",
    body="SearchBody",
    answers={"results": SearchResults, "total": int},
)
def search(call: Call) -> Mapping[str, Any]:
    """The text is taken literally unless `raw`, which passes Shopify's search syntax through."""
    body: edges.SearchBody = call.body
    if not body.raw and not any(character.isalnum() for character in body.query):
        text = "The query has no letter or digit; it would find everything."
        raise InvalidInput(text, code="query_too_broad", details=[{"field": "query", "reason": "no letter or digit"}])
    found = call.admin().search(body.query, body.type, limit=body.limit, raw=body.raw, status=body.status)
    results = SearchResults(found.get("products", ()), found.get("orders", ()), found.get("customers", ()))
    return {"results": results, "total": sum(map(len, found.values()))}


@api.route(
    "POST",
    "/graphql",
    policy=USER,
    group="core",
    summary="A GraphQL query of the caller's own",
    body="GraphqlBody",
    answers={"data": dict[str, Any] | None, "errors": list[dict[str, Any]], "cost": QueryCost},
)
def graphql(call: Call) -> Mapping[str, Any]:
    """Read-only unless the host sets SHOPIFY_ALLOW_MUTATIONS; Shopify's own data, errors and cost."""
    body: edges.GraphqlBody = call.body
    is_mutation = check_query(body.query, allow_mutations=call.parts.settings.allow_mutations)
    answer = call.admin().graphql(body.query, body.variables, is_mutation=is_mutation)
    cost = QueryCost(answer.requested_cost, answer.actual_cost, answer.cost)
    return {"data": answer.data or None, "errors": answer.errors, "cost": cost}


api.include(webhook_views.api)
api.include(bulk_views.api)
