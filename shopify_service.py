"""One shop's Admin API in domain verbs: products, orders, customers, inventory, search. Stores nothing.

A `ShopAdmin` speaks for one shop on one budget; it is made per request or per job and remembers what Shopify last said about cost.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeVar

from msgspec import Struct

from shopify_admin import customers as customer_shapes
from shopify_admin import orders as order_shapes
from shopify_admin import products as product_shapes
from shopify_admin.bulk import ProductLists, RemoteOperation, UploadTarget, lists_of, remote_of, target_of
from shopify_admin.catalog import Shop, collection_of, discount_of, location_of, shop_of
from shopify_admin.customers import Customer, CustomerFilters, CustomerInput, customer_of
from shopify_admin.inventory import DEFAULT_REASON, InventoryLevel, adjust_input, level_of, set_quantities_input
from shopify_admin.orders import Order, OrderFilters, OrderInput, order_of
from shopify_admin.products import Product, ProductFilters, ProductInput, Variant, VariantInput, product_of
from shopify_admin.search_syntax import term
from shopify_admin.shapes import Page
from shopify_admin.webhooks import Subscription, Wanted, subscription_of
from shopify_kit.client import AdminClient, Answer, ShopAccess
from shopify_kit.clock import sleep
from shopify_kit.documents import Document, Documents
from shopify_kit.errors import InvalidInput, NotFound, Unprocessable, UpstreamFailed, UserErrors
from shopify_kit.identifiers import make_gid
from shopify_kit.runtime import map_in_threads
from shopify_kit.throttle import Priority, ThrottleStatus

T = TypeVar("T")
SearchType = Literal["all", "products", "orders", "customers"]
MORE_CHILDREN = 250
PRODUCTS_AT_ONCE = 10
JOB_POLLS = 20
JOB_POLL_S = 0.25
START_TIMEOUT_S = 10.0


class Listing(Struct, frozen=True):
    """One page of a list: the objects and where it goes on."""

    items: tuple[Any, ...]
    page: Page


class ShopifyService:
    """Makes a `ShopAdmin` for whoever has access to a shop."""

    def __init__(self, client: AdminClient, documents: Documents) -> None:
        self.client = client
        self.documents = documents

    def admin(self, access: ShopAccess, currency: str, *, priority: Priority = Priority.INTERACTIVE) -> ShopAdmin:
        """Speak for one shop; `currency` is the shop's own (ISO 4217)."""
        return ShopAdmin(self.client, self.documents, access, currency, priority)


class ShopAdmin:
    """One shop's Admin API. Not shared between threads."""

    def __init__(self, client: AdminClient, documents: Documents, access: ShopAccess, currency: str, priority: Priority) -> None:
        self._client = client
        self._documents = documents
        self._access = access
        self._priority = priority
        self.currency = currency
        self.cost: ThrottleStatus | None = None

    def _run(self, name: str, **variables: Any) -> dict[str, Any]:
        answer = self._client.run(self._access, self._documents[name], variables, priority=self._priority)
        self.cost = answer.cost or self.cost
        return answer.data

    def _list(self, name: str, root: str, read: Callable[[Mapping[str, Any]], T], **variables: Any) -> Listing:
        connection = self._run(name, **variables)[root]
        return Listing(tuple(read(node) for node in connection["nodes"]), Page.of(connection))

    def _rest(self, name: str, root: str, field: str, gid: str, first: Mapping[str, Any]) -> list[Any] | None:
        """Return all children of a node when its first page was not all of them, else None."""
        if not first["pageInfo"]["hasNextPage"]:
            return None
        nodes, after = list(first["nodes"]), first["pageInfo"]["endCursor"]
        while after is not None:
            connection = self._run(name, id=gid, first=MORE_CHILDREN, after=after)[root][field]
            nodes += connection["nodes"]
            after = Page.of(connection).next_cursor
        return nodes

    # Shop and what is read only

    def shop(self) -> Shop:
        """Return the shop, with the access scopes of our installation."""
        return shop_of(self._run("GetShop"))

    def locations(self, *, limit: int, after: str | None = None, include_inactive: bool = False) -> Listing:
        """List locations."""
        return self._list(
            "ListLocations", "locations", location_of, first=limit, after=after, query=None, includeInactive=include_inactive
        )

    def collections(self, *, limit: int, after: str | None = None, title: str | None = None) -> Listing:
        """List collections, manual and smart."""
        query = term("title", title) if title else None
        return self._list("ListCollections", "collections", collection_of, first=limit, after=after, query=query, sortKey="ID")

    def discounts(self, *, limit: int, after: str | None = None, status: str | None = None) -> Listing:
        """List discounts, by code and automatic."""
        query = f"status:{status}" if status else None
        return self._list("ListDiscounts", "discountNodes", discount_of, first=limit, after=after, query=query)

    # Products

    def products(self, filters: ProductFilters, *, limit: int, after: str | None = None) -> Listing:
        """List products with all their variants."""
        return self._products(filters.query(), limit, after)

    def _products(self, query: str | None, limit: int, after: str | None, sort: str = "ID") -> Listing:
        return self._list(
            "ListProducts", "products", self._product, first=limit, after=after, query=query, sortKey=sort, reverse=False
        )

    def _product(self, raw: Mapping[str, Any]) -> Product:
        more = self._rest("ListProductVariants", "product", "variants", raw["id"], raw["variants"])
        return product_of(raw, self.currency, more)

    def product(self, gid: str) -> Product:
        """Return one product with its metafields.

        Raises:
            NotFound: no such product in this shop.
        """
        raw = self._run("GetProduct", id=gid)["product"]
        if raw is None:
            raise NotFound("There is no such product.")
        return self._product(raw)

    def create_product(self, given: ProductInput) -> Product:
        """Create a product with variants, options, images, metafields and stock (at the primary location)."""
        return self._set_product(given, None)

    def _set_product(self, given: ProductInput, current: Product | None) -> Product:
        stocked = any("inventory_quantity" in variant for variant in given.get("variants") or [])
        made = product_shapes.set_input(given, location_id=self.primary_location() if stocked else None, current=current)
        identifier = {"id": current.admin_graphql_api_id} if current else None
        data = self._run("SetProduct", input=made, identifier=identifier)
        return self._product(data["productSet"]["product"])

    def primary_location(self) -> str:
        """Return the GID of the location that takes stock unless another is named.

        Raises:
            Unprocessable: code `no_location`.
        """
        location = self._run("GetPrimaryLocation")["location"]
        if location is None:
            raise Unprocessable("The shop has no location that holds stock.", code="no_location")
        return str(location["id"])

    def update_product(self, gid: str, given: ProductInput, *, replace_variants: bool = False) -> Product:
        """Change what is given; variants by id or added, the others kept unless `replace_variants`.

        Raises:
            NotFound: no such product.
            InvalidInput: a variant id is not of this product, options are given without `replace_variants`, or no variants with it.
        """
        current = self.product(gid)
        if replace_variants:
            if not given.get("variants"):
                raise InvalidInput.field("product.variants", "replace_variants needs the variants that remain")
            return self._set_product(given, current)
        if "options" in given:
            raise InvalidInput.field("product.options", "needs replace_variants: true and all variants")
        base = product_shapes.base_input(given)
        media = product_shapes.media_inputs(given.get("images") or [])
        if base or media:
            self._run("UpdateProduct", product={"id": gid, **base}, media=media or None)
        self._change_variants(current, self._given_variants(current, given))
        return self.product(gid)

    @staticmethod
    def _given_variants(current: Product, given: ProductInput) -> Sequence[VariantInput]:
        if "price" not in given:
            return given.get("variants") or []
        if given.get("variants") or len(current.variants) != 1:
            raise InvalidInput.field("product.price", "give the price on the variants: the product has several")
        return [{"id": current.variants[0].id, "price": given["price"]}]

    def _change_variants(self, current: Product, given: Sequence[VariantInput]) -> None:
        changes = product_shapes.variant_changes(given, current.variants)
        if changes.unknown_ids:
            raise InvalidInput.field("product.variants.id", f"{changes.unknown_ids[0]} is no variant of this product")
        names = [option.name for option in current.options]
        stocked = any("inventory_quantity" in variant for variant in given)
        location = self.primary_location() if stocked else None
        gid = current.admin_graphql_api_id
        if changes.updates:
            self._run(
                "UpdateVariants",
                productId=gid,
                variants=[product_shapes.bulk_variant_input(variant, names) for variant in changes.updates],
            )
            self._set_stock(current.variants, changes.updates, location)
        if changes.additions:
            rows = [product_shapes.bulk_variant_input(variant, names, location_id=location) for variant in changes.additions]
            self._run("CreateVariants", productId=gid, variants=rows)

    def _set_stock(self, variants: Sequence[Variant], updates: Sequence[VariantInput], location: str | None) -> None:
        items = {variant.id: make_gid("InventoryItem", variant.inventory_item_id) for variant in variants}
        rows = [(items[v["id"]], v["inventory_quantity"]) for v in updates if "inventory_quantity" in v]
        if rows and location is not None:
            self._set_levels([(item, location, quantity) for item, quantity in rows], DEFAULT_REASON, None)

    def delete_product(self, gid: str) -> None:
        """Delete a product.

        Raises:
            NotFound: no such product.
        """
        self._delete("DeleteProduct", gid, "product")

    def _delete(self, name: str, gid: str, what: str) -> None:
        try:
            self._run(name, input={"id": gid})
        except UserErrors as error:
            if any(_says_missing(e) for e in error.user_errors):
                raise NotFound(f"There is no such {what}.") from None
            raise

    # Orders

    def orders(self, filters: OrderFilters, *, limit: int, after: str | None = None) -> Listing:
        """List orders with all their lines."""
        return self._orders(filters.query(), limit, after)

    def _orders(self, query: str | None, limit: int, after: str | None) -> Listing:
        return self._list("ListOrders", "orders", self._order, first=limit, after=after, query=query, sortKey="ID", reverse=False)

    def _order(self, raw: Mapping[str, Any]) -> Order:
        return order_of(raw, self._rest("ListOrderLines", "order", "lineItems", raw["id"], raw["lineItems"]))

    def order(self, gid: str) -> Order:
        """Return one order with fulfillments, refunds and transactions.

        Raises:
            NotFound: no such order in this shop.
        """
        raw = self._run("GetOrder", id=gid)["order"]
        if raw is None:
            raise NotFound("There is no such order.")
        return self._order(raw)

    def create_order(self, given: OrderInput) -> Order:
        """Create an order; stock is taken as the variants' policy says."""
        made = order_shapes.order_input(given, self.currency)
        data = self._run("CreateOrder", order=made, options=order_shapes.order_options(given))
        return self.order(data["orderCreate"]["order"]["id"])

    def cancel_order(self, gid: str, *, reason: str, restock: bool, refund: bool, notify_customer: bool, note: str | None) -> Order:
        """Cancel an order and wait for Shopify's job to end (up to 5 s)."""
        self.order(gid)
        data = self._run(
            "CancelOrder",
            orderId=gid,
            reason=reason.upper(),
            restock=restock,
            refundMethod={"originalPaymentMethodsRefund": refund},
            notifyCustomer=notify_customer,
            staffNote=note,
        )
        self._await_job((data["orderCancel"] or {}).get("job"))
        return self.order(gid)

    def _await_job(self, job: Mapping[str, Any] | None) -> None:
        for _ in range(JOB_POLLS):
            if job is None or job["done"]:
                return
            sleep(JOB_POLL_S)
            job = self._run("GetJob", id=job["id"])["job"]

    def refund_order(self, gid: str, given: Mapping[str, Any], *, key: str | None = None) -> Order:
        """Refund lines and shipping to where the money came from; the same `key` never refunds twice."""
        order = self.order(gid)
        made = order_shapes.refund_input(order, given)
        made["transactions"] = self._refund_transactions(gid, made)
        self._run("CreateRefund", input=made, key=key or str(uuid.uuid4()))
        return self.order(gid)

    def _refund_transactions(self, gid: str, made: Mapping[str, Any]) -> list[dict[str, Any]]:
        shipping = made.get("shipping") or {}
        data = self._run(
            "SuggestRefund",
            id=gid,
            lines=made["refundLineItems"],
            shippingAmount=shipping.get("amount"),
            refundShipping=bool(shipping.get("fullRefund")),
        )
        rows = data["order"]["suggestedRefund"]["suggestedTransactions"]
        return [
            {
                "orderId": gid,
                "gateway": row["gateway"],
                "kind": "REFUND",
                "amount": row["amountSet"]["shopMoney"]["amount"],
                "parentId": (row["parentTransaction"] or {}).get("id"),
            }
            for row in rows
        ]

    def fulfill_order(self, gid: str, given: Mapping[str, Any]) -> Order:
        """Ship lines (all that are open unless some are named), one fulfillment per location.

        Raises:
            Unprocessable: code `nothing_to_fulfill`.
        """
        self.order(gid)
        groups = _groups(self._open_fulfillment_orders(gid, given.get("location_id")), given.get("line_items"))
        if not groups:
            raise Unprocessable("Nothing of this order is left to fulfill there.", code="nothing_to_fulfill")
        tracking = {k: v for k, v in (given.get("tracking") or {}).items() if v is not None}
        for lines in groups.values():
            made = {"lineItemsByFulfillmentOrder": lines, "notifyCustomer": bool(given.get("notify_customer", False))}
            self._run("CreateFulfillment", fulfillment=made | ({"trackingInfo": tracking} if tracking else {}))
        return self.order(gid)

    def _open_fulfillment_orders(self, gid: str, location_id: int | None) -> list[dict[str, Any]]:
        found, after = [], None
        while True:
            connection = self._run("ListFulfillmentOrders", id=gid, after=after)["order"]["fulfillmentOrders"]
            found += [node for node in connection["nodes"] if node["status"] in ("OPEN", "IN_PROGRESS")]
            after = Page.of(connection).next_cursor
            if after is None:
                break
        wanted = make_gid("Location", location_id) if location_id else None
        return [row for row in found if wanted is None or _location_of(row) == wanted]

    # Customers

    def customers(self, filters: CustomerFilters, *, limit: int, after: str | None = None) -> Listing:
        """List customers."""
        return self._customers(filters.query(), limit, after)

    def _customers(self, query: str | None, limit: int, after: str | None) -> Listing:
        return self._list(
            "ListCustomers", "customers", customer_of, first=limit, after=after, query=query, sortKey="ID", reverse=False
        )

    def customer(self, gid: str) -> Customer:
        """Return one customer.

        Raises:
            NotFound: no such customer in this shop.
        """
        raw = self._run("GetCustomer", id=gid)["customer"]
        if raw is None:
            raise NotFound("There is no such customer.")
        return customer_of(raw)

    def create_customer(self, given: CustomerInput) -> Customer:
        """Create a customer."""
        data = self._run("CreateCustomer", input=customer_shapes.customer_input(given))
        return customer_of(data["customerCreate"]["customer"])

    def update_customer(self, gid: str, given: CustomerInput) -> Customer:
        """Change what is given; marketing consent goes its own way, as Shopify demands.

        Raises:
            NotFound: no such customer.
        """
        self.customer(gid)
        self._run("UpdateCustomer", input=customer_shapes.customer_input(given, customer_id=gid))
        if "email_marketing_consent" in given:
            consent = customer_shapes.consent_input(given["email_marketing_consent"])
            self._run("UpdateEmailConsent", input={"customerId": gid, "emailMarketingConsent": consent})
        return self.customer(gid)

    def delete_customer(self, gid: str) -> None:
        """Delete a customer who has no orders.

        Raises:
            NotFound: no such customer.
        """
        self._delete("DeleteCustomer", gid, "customer")

    # Inventory

    def inventory(
        self, *, location_id: int | None, item_id: int | None, sku: str | None, limit: int, after: str | None = None
    ) -> Listing:
        """List inventory levels, by location or by item (each item with all its locations)."""
        if location_id is not None:
            return self._levels_at(make_gid("Location", location_id), item_id, sku, limit, after)
        query = term("id", item_id) if item_id is not None else term("sku", sku) if sku else None
        connection = self._run("ListInventoryByItem", first=limit, after=after, query=query)["inventoryItems"]
        levels = tuple(level_of(level) for item in connection["nodes"] for level in item["inventoryLevels"]["nodes"])
        return Listing(levels, Page.of(connection))

    def _levels_at(self, location: str, item_id: int | None, sku: str | None, limit: int, after: str | None) -> Listing:
        item_ids = [item_id] if item_id is not None else self._items_of_sku(sku) if sku else None
        if item_ids == []:
            return Listing((), Page(None))
        query = " OR ".join(f"inventory_item_id:{number}" for number in item_ids) if item_ids else None
        node = self._run("ListInventoryByLocation", id=location, first=limit, after=after, query=query)["location"]
        if node is None:
            raise NotFound("There is no such location.")
        connection = node["inventoryLevels"]
        return Listing(tuple(level_of(level) for level in connection["nodes"]), Page.of(connection))

    def _items_of_sku(self, sku: str) -> list[int]:
        data = self._run("ListVariantsBySku", first=50, query=term("sku", sku))
        nodes = [node for node in data["productVariants"]["nodes"] if (node["sku"] or "").lower() == sku.lower()]
        return [int(node["inventoryItem"]["id"].rsplit("/", 1)[1]) for node in nodes]

    def item_of(self, *, item_id: int | None, sku: str | None) -> str:
        """Return the GID of the item that a caller means by id or by SKU.

        Raises:
            NotFound: no variant has that SKU.
            Unprocessable: code `ambiguous_sku`, several have it.
        """
        if item_id is not None:
            return make_gid("InventoryItem", item_id)
        numbers = self._items_of_sku(sku or "")
        if not numbers:
            raise NotFound("No variant has this SKU.")
        if len(numbers) > 1:
            text = "Several variants have this SKU; name the inventory_item_id."
            raise Unprocessable(text, code="ambiguous_sku", details={"inventory_item_ids": numbers})
        return make_gid("InventoryItem", numbers[0])

    def adjust_inventory(
        self, item: str, location_id: int | None, delta: int, *, reason: str | None = None, key: str | None = None
    ) -> list[InventoryLevel]:
        """Add `delta` (negative: take away) to what is available; the same `key` never adjusts twice."""
        location = make_gid("Location", location_id) if location_id else self.primary_location()
        made = adjust_input(item, location, delta, reason or DEFAULT_REASON)
        self._stocked("AdjustInventory", made, [(item, location)], key)
        return self.levels(item)

    def set_inventory(
        self, item: str, location_id: int | None, quantity: int, *, reason: str | None = None, key: str | None = None
    ) -> list[InventoryLevel]:
        """Set what is available; the same `key` never sets twice."""
        location = make_gid("Location", location_id) if location_id else self.primary_location()
        self._set_levels([(item, location, quantity)], reason or DEFAULT_REASON, key)
        return self.levels(item)

    def _set_levels(self, rows: Sequence[tuple[str, str, int]], reason: str, key: str | None) -> None:
        for start in range(0, len(rows), MORE_CHILDREN):
            part = rows[start : start + MORE_CHILDREN]
            suffix = f"-{start}" if key and start else ""
            self._stocked("SetInventory", set_quantities_input(part, reason), [row[:2] for row in part], key and key + suffix)

    def _stocked(self, name: str, made: Mapping[str, Any], places: Sequence[tuple[str, str]], key: str | None) -> None:
        """Change quantities; an item that a location does not stock yet is activated there first, then tried once more."""
        try:
            self._run(name, input=made, key=key or str(uuid.uuid4()))
        except UserErrors as error:
            if not any(e.get("code") == "ITEM_NOT_STOCKED_AT_LOCATION" for e in error.user_errors):
                raise
            for item, location in places:
                self._run("ActivateInventory", inventoryItemId=item, locationId=location, key=str(uuid.uuid4()))
            self._run(name, input=made, key=str(uuid.uuid4()))

    def levels(self, item: str) -> list[InventoryLevel]:
        """Return all levels of one item.

        Raises:
            NotFound: no such item.
        """
        levels: list[InventoryLevel] = []
        after = None
        while True:
            node = self._run("GetInventoryItem", id=item, after=after)["inventoryItem"]
            if node is None:
                raise NotFound("There is no such inventory item.")
            levels += [level_of(level) for level in node["inventoryLevels"]["nodes"]]
            after = Page.of(node["inventoryLevels"]).next_cursor
            if after is None:
                return levels

    # Webhook subscriptions

    def subscriptions(self) -> list[Subscription]:
        """Return all subscriptions that our app made over the API."""
        found: list[Subscription] = []
        after = None
        while True:
            connection = self._run("ListWebhookSubscriptions", first=MORE_CHILDREN, after=after)["webhookSubscriptions"]
            found += [subscription_of(node) for node in connection["nodes"]]
            after = Page.of(connection).next_cursor
            if after is None:
                return found

    def create_subscription(self, wanted: Wanted) -> str:
        """Subscribe to a topic; returns the subscription's GID."""
        data = self._run("CreateWebhookSubscription", topic=wanted.enum, subscription=wanted.input())
        return str(data["webhookSubscriptionCreate"]["webhookSubscription"]["id"])

    def update_subscription(self, gid: str, wanted: Wanted) -> str:
        """Make a subscription what is wanted."""
        self._run("UpdateWebhookSubscription", id=gid, subscription=wanted.input())
        return gid

    def delete_subscription(self, gid: str) -> None:
        """End a subscription; one that is gone already is no error."""
        try:
            self._run("DeleteWebhookSubscription", id=gid)
        except UserErrors as error:
            if not any(_says_missing(e) for e in error.user_errors):
                raise

    # Bulk operations

    def product_lists(self, gids: Sequence[str]) -> list[ProductLists]:
        """Return those of these products that there are, with what a bulk `productSet` has to list lest it is deleted."""
        found: list[ProductLists] = []
        for start in range(0, len(gids), PRODUCTS_AT_ONCE):
            nodes = self._run("GetProductLists", ids=list(gids[start : start + PRODUCTS_AT_ONCE]))["nodes"]
            found += [lists_of(node, self._product(node)) for node in nodes if node]
        return found

    def run_bulk_query(self, query: str, *, group_objects: bool) -> RemoteOperation:
        """Start a bulk query; whether it was taken is known within 10 seconds or not at all."""
        return self._start("RunBulkQuery", "bulkOperationRunQuery", query=query, groupObjects=group_objects)

    def run_bulk_mutation(self, mutation: str, path: str, identifier: str) -> RemoteOperation:
        """Start a bulk mutation over the uploaded lines at `path`; `identifier` is ours. Otherwise as `run_bulk_query`."""
        return self._start("RunBulkMutation", "bulkOperationRunMutation", mutation=mutation, path=path, identifier=identifier)

    def _start(self, name: str, root: str, **variables: Any) -> RemoteOperation:
        document = self._documents[name]
        answer = self._client.run(self._access, document, variables, priority=self._priority, timeout_s=START_TIMEOUT_S)
        self.cost = answer.cost or self.cost
        raw = (answer.data[root] or {}).get("bulkOperation")
        if raw is None:
            raise UpstreamFailed("Shopify did not say which bulk operation it started; looking for it.", retry_after_s=2.0)
        return remote_of(raw)

    def bulk_operation(self, gid: str) -> RemoteOperation | None:
        """Return one bulk operation of our app; None where there is none."""
        raw = self._run("GetBulkOperation", id=gid)["bulkOperation"]
        return None if raw is None else remote_of(raw)

    def bulk_operations_since(self, since: datetime) -> Iterator[RemoteOperation]:
        """Yield our app's bulk operations since an instant, each with its document."""
        query, after = f"created_at:>='{since.isoformat()}'", None
        while True:
            connection = self._run("ListBulkOperations", first=50, after=after, query=query)["bulkOperations"]
            yield from (remote_of(node) for node in connection["nodes"])
            after = Page.of(connection).next_cursor
            if after is None:
                return

    def cancel_bulk_operation(self, gid: str) -> RemoteOperation | None:
        """Ask Shopify to end a bulk operation; it takes a while."""
        raw = self._run("CancelBulkOperation", id=gid)["bulkOperationCancel"]["bulkOperation"]
        return None if raw is None else remote_of(raw)

    def stage_upload(self, filename: str, size_bytes: int) -> UploadTarget:
        """Ask where the lines of a bulk mutation may be uploaded."""
        made = {
            "resource": "BULK_MUTATION_VARIABLES",
            "filename": filename,
            "mimeType": "text/jsonl",
            "httpMethod": "POST",
            "fileSize": str(size_bytes),
        }
        return target_of(self._run("CreateStagedUploads", input=[made])["stagedUploadsCreate"]["stagedTargets"][0])

    # Search and raw queries

    def search(
        self, text: str, kind: SearchType, *, limit: int, raw: bool = False, status: str | None = None
    ) -> dict[str, tuple[Any, ...]]:
        """Search products, orders and customers, each up to `limit`; `raw` passes Shopify's search syntax through."""
        verbs: dict[str, Callable[[], Listing]] = {
            "products": lambda: self._products(product_shapes.search_query(text, raw=raw, status=status), limit, None),
            "orders": lambda: self._orders(order_shapes.search_query(text, raw=raw, status=status), limit, None),
            "customers": lambda: self._customers(customer_shapes.search_query(text, raw=raw), limit, None),
        }
        wanted = list(verbs) if kind == "all" else [kind]
        listings = map_in_threads(lambda name: verbs[name](), wanted, max_threads=3)
        return {name: listing.items for name, listing in zip(wanted, listings, strict=True)}

    def graphql(self, query: str, variables: Mapping[str, Any], *, is_mutation: bool) -> Answer:
        """Pass a caller's own query to Shopify; its errors and user errors come back beside the data."""
        document = Document("", query, (), 50, is_mutation=is_mutation, is_idempotent=False)
        answer = self._client.run(
            self._access, document, variables, priority=self._priority, accept_errors=_is_callers, accept_user_errors=True
        )
        self.cost = answer.cost or self.cost
        return answer


def _is_callers(error: Mapping[str, Any]) -> bool:
    """Say whether an error is about the caller's query, and not about limits or trouble on the way."""
    return (error.get("extensions") or {}).get("code") not in ("THROTTLED", "INTERNAL_SERVER_ERROR", "TIMEOUT")


def _says_missing(error: Mapping[str, Any]) -> bool:
    """Recognise Shopify's texts for an id of nothing: `… does not exist`, `… can't be found`, NOT_FOUND."""
    text = str(error.get("message", "")).lower()
    return (
        error.get("code") in ("NOT_FOUND", "CUSTOMER_DOES_NOT_EXIST")
        or "not exist" in text
        or "be found" in text
        or "not found" in text
    )


def _location_of(row: Mapping[str, Any]) -> str | None:
    location = row["assignedLocation"]["location"]
    return location["id"] if location else None


def _groups(
    rows: Sequence[Mapping[str, Any]], wanted: Sequence[Mapping[str, Any]] | None
) -> dict[str | None, list[dict[str, Any]]]:
    """Divide what is to be shipped by location: lines by fulfillment order, at most what remains of each.

    Raises:
        InvalidInput: more is wanted of a line than remains.
    """
    left = {make_gid("LineItem", line["line_item_id"]): line["quantity"] for line in wanted} if wanted else None
    groups: dict[str | None, list[dict[str, Any]]] = {}
    for row in rows:
        lines = [line for line in (_portion(node, left) for node in row["lineItems"]["nodes"]) if line is not None]
        if lines:
            made = {"fulfillmentOrderId": row["id"], "fulfillmentOrderLineItems": lines}
            groups.setdefault(_location_of(row), []).append(made)
    short = [gid for gid, count in (left or {}).items() if count > 0]
    if short:
        number = short[0].rsplit("/", 1)[1]
        raise InvalidInput.field("line_items", f"line {number} is not in this order or has less left to fulfill")
    return groups


def _portion(node: Mapping[str, Any], left: dict[str, int] | None) -> dict[str, Any] | None:
    gid, remaining = node["lineItem"]["id"], node["remainingQuantity"]
    count = remaining if left is None else min(remaining, left.get(gid, 0))
    if count <= 0:
        return None
    if left is not None:
        left[gid] -= count
    return {"id": node["id"], "quantity": count}
