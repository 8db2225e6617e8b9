"""Draft orders: listing, creating, changing, calculating, sending and deleting them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from fake_shopify.admin import draft_order_rows as drafts
from fake_shopify.admin import metafield_inputs, metafields
from fake_shopify.admin.contact_details import blank_to_none, clean_email, clean_phone
from fake_shopify.admin.customer_rows import display_name
from fake_shopify.admin.jobs import new_job
from fake_shopify.admin.mailing_addresses import read_address
from fake_shopify.admin.order_check import email_messages
from fake_shopify.admin.order_customers import customer_of_email
from fake_shopify.admin.order_money import text
from fake_shopify.admin.order_search import updated_ms
from fake_shopify.admin.payment_terms import build_terms, terms_errors
from fake_shopify.admin.saved_searches import with_saved
from fake_shopify.admin.tags import normalized, without
from fake_shopify.clock import iso, parse_iso
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, SortKey, SortValue
from fake_shopify.registry import field, mutation, query
from fake_shopify.rows import Row
from fake_shopify.search import Field, choice, exact, identifier, moment, reference, words

Errors = list[dict[str, Any]]
MISSING = "Draft order does not exist"
NO_LINES = "Add at least 1 product"


# Reading


@query("draftOrder")
def draft_order(ctx: Context, id: str) -> Row | None:
    """Answer a draft order; an unknown id is null (captured: errors-033)."""
    ctx.require_type(id, "DraftOrder")
    return ctx.find("DraftOrder", id)


def _fields(ctx: Context) -> Mapping[str, Field]:
    """Return what `query` may name.

    Source: shopify.dev/docs/api/admin-graphql/latest/queries/draftOrders (read 2026-11). Captured: free text finds words of
    line titles, an unknown field is ignored (pagination_search-016).
    """
    zone, customers = ctx.shop.settings["zone"], ctx.table("Customer")

    def customer_name(row: Row) -> str:
        found = customers.get(row["_customer_id"]) if row["_customer_id"] is not None else None
        return display_name(found) if found is not None else ""

    def line_texts(row: Row) -> list[str]:
        return [part for line in row["_lines"] for part in (line["title"], line["sku"]) if part]

    return {
        "default": words("name", "email", customer_name, line_texts, "note2", "tags"),
        "id": identifier(),
        "created_at": moment("createdAt", zone),
        "updated_at": moment("updatedAt", zone),
        "customer_id": reference("_customer_id"),
        "status": choice("status", ("open", "invoice_sent", "completed")),
        "tag": exact("tags"),
        "source": exact("sourceName"),
    }


def _sorts(ctx: Context) -> dict[str, SortKey]:
    customers = ctx.table("Customer")

    def customer_name(row: Row) -> SortValue:
        found = customers.get(row["_customer_id"]) if row["_customer_id"] is not None else None
        return display_name(found).lower() if found is not None else None

    return {
        "UPDATED_AT": updated_ms,
        "NUMBER": lambda row: int(row["_number"]),
        "STATUS": lambda row: str(row["status"]),
        "TOTAL_PRICE": lambda row: float(drafts.total(row)[0]),
        "CUSTOMER_NAME": customer_name,
    }


@query("draftOrders")
def draft_orders(ctx: Context, **arguments: Any) -> Connection:
    """List draft orders (captured: pagination_search-016, pagination_search-063)."""
    return ctx.list(ctx.table("DraftOrder"), with_saved(ctx, arguments), fields=_fields(ctx), sorts=_sorts(ctx))


@query("draftOrdersCount")
def draft_orders_count(
    ctx: Context, query: str | None = None, limit: Any = 10_000, savedSearchId: str | None = None
) -> dict[str, Any]:
    """Count draft orders (captured: pagination_search-016)."""
    wanted = with_saved(ctx, {"query": query, "savedSearchId": savedSearchId})["query"]
    return ctx.count(ctx.table("DraftOrder"), wanted, _fields(ctx), limit)


@field("Shop", "draftOrders")
def _shop_draft_orders(row: dict[str, Any], ctx: Context, **arguments: Any) -> Connection:
    return draft_orders(ctx, **arguments)


# Checks


def _errors(ctx: Context, given: Mapping[str, Any], *, creating: bool) -> Errors:
    """Check `DraftOrderInput` (assumed: the wordings, after the Shopify admin and Shopify's usual validations)."""
    if (creating or "lineItems" in given) and not given.get("lineItems"):
        return [user_error(None, NO_LINES)]
    errors = [user_error(["email"], message) for message in email_messages(given.get("email"))]
    for index, line in enumerate(given.get("lineItems") or ()):
        errors += _line_errors(ctx, index, line)
    for name in ("shippingAddress", "billingAddress"):
        found = read_address(given[name]).errors if given.get(name) else []
        errors += [user_error([name, part], message) for part, message in found]
    if given.get("customerId") and ctx.find("Customer", given["customerId"]) is None:
        errors.append(user_error(["customerId"], "Customer does not exist"))
    if given.get("reserveInventoryUntil") and parse_iso(given["reserveInventoryUntil"]) <= ctx.world.clock.now():
        errors.append(user_error(None, "Reserve until can't be in the past"))
    errors += _company_errors(ctx, given)
    if given.get("paymentTerms"):
        errors += terms_errors(given["paymentTerms"], ["paymentTerms"], None)
    return errors or metafield_inputs.errors_of(ctx, "DraftOrder", given.get("metafields"))


def _line_errors(ctx: Context, index: int, line: Mapping[str, Any]) -> Errors:
    where = ["lineItems", str(index)]
    if line["quantity"] < 1:
        return [user_error([*where, "quantity"], "Quantity must be greater than or equal to 1")]
    if line.get("variantId"):
        if ctx.find("ProductVariant", line["variantId"]) is None:
            number = line["variantId"].rsplit("/", 1)[-1]
            return [user_error(None, f"Product with ID {number} is no longer available.")]
    elif blank_to_none(line.get("title")) is None:
        return [user_error(None, "Merchandise title is empty.")]
    price = line.get("originalUnitPrice")
    if price is not None and str(price).startswith("-"):
        return [user_error(None, "Cannot send negative price for line_item")]
    return []


# Making and changing


def build(ctx: Context, given: Mapping[str, Any], *, keep: bool = True) -> Row:
    """Make a draft order from checked input; `keep` puts it into the shop."""
    number = int(ctx.shop.state.get("last_draft_number", 0)) + (1 if keep else 0)
    if keep:
        ctx.shop.state["last_draft_number"] = number
    now = ctx.now()
    row_id = ctx.shop.new_id("DraftOrder") if keep else 0
    draft = Row(
        __typename="DraftOrder",
        _id=row_id,
        id=ctx.gid("DraftOrder", row_id),
        name=f"#D{number}",
        status="OPEN",
        email=None,
        phone=None,
        note2=None,
        tags=[],
        customAttributes=[],
        createdAt=now,
        updatedAt=now,
        currencyCode=ctx.shop.settings["currency"],
        presentmentCurrencyCode=ctx.shop.settings["currency"],
        taxExempt=False,
        taxesIncluded=False,
        discountCodes=[],
        acceptAutomaticDiscounts=False,
        allowDiscountCodesInCheckout=False,
        visibleToCustomer=False,
        invoiceUrl=_invoice_url(ctx, row_id),
        _number=number,
        _customer_id=None,
        _lines=[],
        _shipping=[],
        _discount=None,
    )
    _apply(ctx, draft, given, keep=keep)
    if keep:
        ctx.table("DraftOrder").add(draft)
    return draft


def _invoice_url(ctx: Context, number: int) -> str:
    """Write the address of the invoice (captured: shop, shop id and 32 hex digits; real_objects)."""
    key = hashlib.sha256(f"{ctx.shop.domain}/{number}".encode()).hexdigest()[:32]
    return f"https://{ctx.shop.domain}/{ctx.shop.number}/invoices/{key}"


def _apply(ctx: Context, draft: Row, given: Mapping[str, Any], *, keep: bool = True) -> None:
    drafts.fill(ctx, draft, given)
    readers: dict[str, tuple[str, Any]] = {
        "note": ("note2", blank_to_none),
        "email": ("email", clean_email),
        "phone": ("phone", lambda value: clean_phone(value, ctx.shop.settings["country"])),
        "tags": ("tags", normalized),
    }
    for name, (kept, read) in readers.items():
        if name in given:
            draft[kept] = read(given[name])
    if given.get("reserveInventoryUntil"):
        draft["reserveInventoryUntil"] = iso(parse_iso(given["reserveInventoryUntil"]))
    _apply_buyer(ctx, draft, given, keep=keep)
    if keep:
        metafield_inputs.apply(ctx, draft["id"], given.get("metafields"))
        draft["_updated_ms"] = int(ctx.world.clock.now().timestamp() * 1000)
        if given.get("paymentTerms"):
            build_terms(ctx, draft, given["paymentTerms"])


def _apply_buyer(ctx: Context, draft: Row, given: Mapping[str, Any], *, keep: bool) -> None:
    """Set the customer or company.

    Captured: an e-mail address without a customer makes one (pagination_search-016). Assumed: a later change of the address
    does not.
    """
    entity = given.get("purchasingEntity") or {}
    named = given.get("customerId") or entity.get("customerId")
    if named:
        customer = ctx.find("Customer", named)
        draft["_customer_id"] = customer.number if customer is not None else None
        if customer is not None and draft["email"] is None:
            draft["email"] = customer["email"]
    elif entity.get("purchasingCompany"):
        draft["_company"] = purchasing_company(ctx, entity["purchasingCompany"])
        draft["_customer_id"] = draft["_company"]["contact"]["_customer_id"]
    elif "customerId" in given:
        draft["_customer_id"] = None
    elif keep and draft["_customer_id"] is None and draft.get("_company") is None and given.get("email"):
        customer = customer_of_email(ctx, given["email"])
        draft["_customer_id"] = customer.number if customer is not None else None


def purchasing_company(ctx: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """Read a company as purchasing entity (captured: orders-024)."""
    found = {
        "company": ctx.find("Company", given["companyId"]),
        "contact": ctx.find("CompanyContact", given["companyContactId"]),
        "location": ctx.find("CompanyLocation", given["companyLocationId"]),
    }
    return {"__typename": "PurchasingCompany", **found}


def _company_errors(ctx: Context, given: Mapping[str, Any]) -> Errors:
    """Check that company, contact and location exist and belong together (assumed wordings)."""
    wanted = (given.get("purchasingEntity") or {}).get("purchasingCompany")
    if not wanted:
        return []
    found = purchasing_company(ctx, wanted)
    company, contact, location = found["company"], found["contact"], found["location"]
    where = ["purchasingEntity", "purchasingCompany"]
    if company is None:
        return [user_error([*where, "companyId"], "Company does not exist")]
    if contact is None or contact["_company_id"] != company.number:
        return [user_error([*where, "companyContactId"], "Company contact does not exist")]
    if location is None or location["_company_id"] != company.number:
        return [user_error([*where, "companyLocationId"], "Company location does not exist")]
    return []


def draft_payload(draft: Row) -> dict[str, Any]:
    """Build the payload of a delivery about a draft order (source: shopify.dev/docs/api/webhooks draft_orders/create; read
    2026-11).
    """
    return {
        "id": draft.number,
        "admin_graphql_api_id": draft["id"],
        "name": draft["name"],
        "email": draft["email"],
        "status": draft["status"].lower(),
        "currency": draft["currencyCode"],
        "created_at": draft["createdAt"],
        "updated_at": draft["updatedAt"],
        "total_price": text(drafts.total(draft)),
        "order_id": draft.get("_order_id"),
    }


@mutation("draftOrderCreate")
def draft_order_create(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Create a draft order (captured: pagination_search-016, orders-024)."""
    errors = _errors(ctx, input, creating=True)
    if errors:
        return {"draftOrder": None, "userErrors": errors}
    draft = build(ctx, input)
    ctx.shop.emit("draft_orders/create", draft_payload(draft))
    return {"draftOrder": draft, "userErrors": []}


@mutation("draftOrderUpdate")
def draft_order_update(ctx: Context, id: str, input: dict[str, Any]) -> dict[str, Any]:
    """Change a draft order; what the input does not name stays (captured: pagination_search-016)."""
    ctx.require_type(id, "DraftOrder")
    draft = ctx.edit("DraftOrder", id)
    if draft is None:
        return {"draftOrder": None, "userErrors": [user_error(["id"], MISSING)]}
    errors = _errors(ctx, input, creating=False)
    if errors:
        return {"draftOrder": None, "userErrors": errors}
    _apply(ctx, draft, input)
    touch(ctx, draft)
    return {"draftOrder": draft, "userErrors": []}


def touch(ctx: Context, draft: Row) -> None:
    """Note and announce a change."""
    draft["updatedAt"] = ctx.now()
    draft["_updated_ms"] = int(ctx.world.clock.now().timestamp() * 1000)
    ctx.shop.emit("draft_orders/update", draft_payload(draft))


@mutation("draftOrderDelete")
def draft_order_delete(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Delete a draft order."""
    ctx.require_type(input["id"], "DraftOrder")
    draft = ctx.find("DraftOrder", input["id"])
    if draft is None:
        return {"deletedId": None, "userErrors": [user_error(["id"], MISSING)]}
    _remove(ctx, draft)
    return {"deletedId": draft["id"], "userErrors": []}


def _remove(ctx: Context, draft: Row) -> None:
    ctx.table("DraftOrder").remove(draft.number)
    metafields.drop_owner(ctx.shop, draft["id"])
    ctx.shop.emit("draft_orders/delete", {"id": draft.number, "admin_graphql_api_id": draft["id"]})


@mutation("draftOrderCalculate")
def draft_order_calculate(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Say what a draft order would come to; nothing is kept."""
    errors = _errors(ctx, input, creating=True)
    if errors:
        return {"calculatedDraftOrder": None, "userErrors": errors}
    draft = build(ctx, input, keep=False)
    draft["__typename"] = "CalculatedDraftOrder"
    for line in draft["_lines"]:
        line["__typename"] = "CalculatedDraftOrderLineItem"
    return {"calculatedDraftOrder": draft, "userErrors": []}


@mutation("draftOrderInvoiceSend")
def draft_order_invoice_send(ctx: Context, id: str, email: dict[str, Any] | None = None) -> dict[str, Any]:
    """Mark the invoice as sent; nothing leaves the fake (source: DraftOrderStatus INVOICE_SENT; read 2026-11)."""
    ctx.require_type(id, "DraftOrder")
    draft = ctx.edit("DraftOrder", id)
    if draft is None:
        return {"draftOrder": None, "userErrors": [user_error(["id"], MISSING)]}
    if not (draft["email"] or (email or {}).get("to")):
        return {"draftOrder": None, "userErrors": [user_error(None, "To can't be blank")]}
    if draft["status"] != "COMPLETED":
        draft.update(status="INVOICE_SENT", invoiceSentAt=ctx.now())
        touch(ctx, draft)
    return {"draftOrder": draft, "userErrors": []}


# Many at once


def _chosen(ctx: Context, ids: list[str] | None, search: str | None, saved: str | None) -> list[Row]:
    if ids is not None:
        return [row for row in (ctx.edit("DraftOrder", one) for one in ids) if row is not None]
    found = ctx.search(with_saved(ctx, {"query": search, "savedSearchId": saved})["query"], _fields(ctx))
    return [row for row in ctx.table("DraftOrder") if found.matches(row)]


@mutation("draftOrderBulkAddTags")
def bulk_add_tags(
    ctx: Context, tags: list[str], ids: list[str] | None = None, search: str | None = None, savedSearchId: str | None = None
) -> dict[str, Any]:
    """Add tags to several draft orders; the fake does it at once."""
    for draft in _chosen(ctx, ids, search, savedSearchId):
        draft["tags"] = normalized([*draft["tags"], *tags])
        touch(ctx, draft)
    return {"job": new_job(ctx), "userErrors": []}


@mutation("draftOrderBulkRemoveTags")
def bulk_remove_tags(
    ctx: Context, tags: list[str], ids: list[str] | None = None, search: str | None = None, savedSearchId: str | None = None
) -> dict[str, Any]:
    """Take tags off several draft orders; the fake does it at once."""
    for draft in _chosen(ctx, ids, search, savedSearchId):
        draft["tags"] = without(draft["tags"], tags)
        touch(ctx, draft)
    return {"job": new_job(ctx), "userErrors": []}


@mutation("draftOrderBulkDelete")
def bulk_delete(
    ctx: Context, ids: list[str] | None = None, search: str | None = None, savedSearchId: str | None = None
) -> dict[str, Any]:
    """Delete several draft orders; the fake does it at once."""
    for draft in _chosen(ctx, ids, search, savedSearchId):
        _remove(ctx, draft)
    return {"job": new_job(ctx), "userErrors": []}
