"""Companies and their parts: rows of locations, contacts, roles and addresses, and what each shows.

A `CompanyContact` has `_company_id` and `_customer_id`; a `CompanyLocation` has `_company_id`, `_shipping` and `_billing` (address
rows or None); a `CompanyContactRoleAssignment` joins `_contact_id`, `_role_id`, `_location_id`. A `Company` has `_main_contact_id`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_shopify.admin.contact_details import blank_to_none
from fake_shopify.admin.countries import country_names, zone_code, zones_of
from fake_shopify.admin.customer_fields import lifetime
from fake_shopify.admin.mailing_addresses import formatted_area, formatted_lines
from fake_shopify.clock import parse_iso
from fake_shopify.context import Context
from fake_shopify.money import money
from fake_shopify.paging import EMPTY, Connection, SortKey, encode_cursor, instant, page, text
from fake_shopify.registry import field
from fake_shopify.rows import Row

ROLES = ("Location admin", "Ordering only")
SORTS: dict[str, SortKey] = {"CREATED_AT": instant("createdAt"), "NAME": text("name"), "UPDATED_AT": instant("updatedAt")}


def parts_of(ctx: Context, kind: str, company: Row) -> list[Row]:
    """Return the contacts, locations or roles of a company."""
    return [row for row in ctx.table(kind) if row["_company_id"] == company.number]


def assignments_of(ctx: Context, key: str, number: int) -> list[Row]:
    """Return the role assignments of a contact (`_contact_id`) or of a location (`_location_id`)."""
    return [row for row in ctx.table("CompanyContactRoleAssignment") if row[key] == number]


def may_order(ctx: Context, customer_number: int, location_number: int) -> bool:
    """Say whether a customer is a contact with a role at a company location (captured: orders-024)."""
    contacts = {row.number for row in ctx.table("CompanyContact") if row["_customer_id"] == customer_number}
    return any(row["_contact_id"] in contacts for row in assignments_of(ctx, "_location_id", location_number))


# Making


def stamps(ctx: Context) -> dict[str, str]:
    """Return the two instants of something new."""
    now = ctx.now()
    return {"createdAt": now, "updatedAt": now}


def new_address(ctx: Context, given: Mapping[str, Any] | None, company_name: str) -> Row | None:
    """Make an address of a company location; null without input."""
    if given is None:
        return None
    country = given.get("countryCode") or ctx.shop.settings["country"]
    zone = zone_code(country, given.get("zoneCode") or "")
    plain = {
        name: blank_to_none(given.get(name)) for name in ("address2", "city", "firstName", "lastName", "phone", "recipient", "zip")
    }
    return ctx.shop.new_row(
        "CompanyAddress",
        address1=given.get("address1") or "",
        companyName=company_name,
        countryCode=country,
        country=country_names().get(country),
        zoneCode=zone,
        province=zones_of(country)[zone] if zone else None,
        **plain,
        **stamps(ctx),
    )


def new_location(ctx: Context, company: Row, given: Mapping[str, Any]) -> Row:
    """Add a location; without a name it has the company's (assumed)."""
    name = blank_to_none(given.get("name")) or company["name"]
    shipping = new_address(ctx, given.get("shippingAddress"), company["name"])
    billing = new_address(ctx, given.get("billingAddress"), company["name"])
    return ctx.shop.new_row(
        "CompanyLocation",
        name=name,
        externalId=given.get("externalId"),
        locale=given.get("locale"),
        note=given.get("note"),
        phone=given.get("phone"),
        _company_id=company.number,
        _shipping=shipping,
        _billing=shipping if given.get("billingSameAsShipping") else billing,
        _tax=(bool(given.get("taxExempt")), list(given.get("taxExemptions") or ()), given.get("taxRegistrationId")),
        **stamps(ctx),
    )


def new_contact(ctx: Context, company: Row, customer: Row, title: str | None, locale: str | None) -> Row:
    """Make a customer a contact of a company."""
    return ctx.shop.new_row(
        "CompanyContact",
        title=title,
        locale=locale or customer["locale"],
        _company_id=company.number,
        _customer_id=customer.number,
        **stamps(ctx),
    )


def assign(ctx: Context, contact: Row, role: Row, location: Row) -> Row:
    """Give a contact a role at a location."""
    return ctx.shop.new_row(
        "CompanyContactRoleAssignment",
        _company_id=contact["_company_id"],
        _contact_id=contact.number,
        _role_id=role.number,
        _location_id=location.number,
        **stamps(ctx),
    )


def drop_contact(ctx: Context, contact: Row) -> None:
    """Take a contact away with its roles."""
    for row in assignments_of(ctx, "_contact_id", contact.number):
        ctx.table("CompanyContactRoleAssignment").remove(row.number)
    company = ctx.table("Company").edit(contact["_company_id"])
    if company is not None and company["_main_contact_id"] == contact.number:
        company["_main_contact_id"] = None
    ctx.table("CompanyContact").remove(contact.number)


# What they show


def _get(ctx: Context, kind: str, number: int | None) -> Row | None:
    return ctx.table(kind).get(number) if number is not None else None


def _count(total: int) -> dict[str, Any]:
    return {"__typename": "Count", "count": total, "precision": "EXACT"}


@field("Company", "contacts")
def _contacts(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return ctx.list(parts_of(ctx, "CompanyContact", row), arguments, fields={}, sorts=SORTS)


@field("Company", "locations")
def _locations(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return ctx.list(parts_of(ctx, "CompanyLocation", row), arguments, fields={}, sorts=SORTS)


@field("Company", "contactRoles")
def _roles(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page(parts_of(ctx, "CompanyContactRole", row), arguments)


@field("Company", "contactsCount")
def _contacts_count(row: Row, ctx: Context) -> dict[str, Any]:
    return _count(len(parts_of(ctx, "CompanyContact", row)))


@field("Company", "contactCount")
def _contact_count(row: Row, ctx: Context) -> int:
    return len(parts_of(ctx, "CompanyContact", row))


@field("Company", "locationsCount")
def _locations_count(row: Row, ctx: Context) -> dict[str, Any]:
    return _count(len(parts_of(ctx, "CompanyLocation", row)))


@field("Company", "mainContact")
def _main_contact(row: Row, ctx: Context) -> Row | None:
    return _get(ctx, "CompanyContact", row["_main_contact_id"])


@field("Company", "defaultRole")
def _default_role(row: Row, ctx: Context) -> Row | None:
    roles = parts_of(ctx, "CompanyContactRole", row)
    return roles[-1] if roles else None


def _lifetime(row: Row, ctx: Context) -> str:
    return lifetime(parse_iso(ctx.now()) - parse_iso(row.get("customerSince") or row["createdAt"]))


for _kind in ("Company", "CompanyContact"):
    field(_kind, "lifetimeDuration")(_lifetime)


def _cursor(row: Row, ctx: Context) -> str:
    return encode_cursor(row, str(row.number))


def _no_orders(row: Row, ctx: Context) -> dict[str, Any]:
    return _count(0)


def _nothing_spent(row: Row, ctx: Context) -> dict[str, Any]:
    return money(0, ctx.shop.settings["currency"])


for _kind in ("Company", "CompanyLocation"):
    field(_kind, "ordersCount")(_no_orders)
    field(_kind, "totalSpent")(_nothing_spent)
    field(_kind, "defaultCursor")(_cursor)


@field("CompanyLocation", "orderCount")
def _order_count(row: Row, ctx: Context) -> int:
    return 0


@field("CompanyLocation", "currency")
def _currency(row: Row, ctx: Context) -> str:
    return str(ctx.shop.settings["currency"])


def _own_company(row: Row, ctx: Context) -> Row | None:
    return _get(ctx, "Company", row["_company_id"])


for _kind in ("CompanyContact", "CompanyLocation", "CompanyContactRoleAssignment"):
    field(_kind, "company")(_own_company)


@field("CompanyContact", "customer")
def _customer(row: Row, ctx: Context) -> Row | None:
    return _get(ctx, "Customer", row["_customer_id"])


@field("CompanyContact", "isMainContact")
def _is_main(row: Row, ctx: Context) -> bool:
    company = _get(ctx, "Company", row["_company_id"])
    return company is not None and company["_main_contact_id"] == row.number


@field("CompanyContact", "roleAssignments")
def _contact_roles(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page(assignments_of(ctx, "_contact_id", row.number), arguments)


@field("CompanyLocation", "roleAssignments")
def _location_roles(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return page(assignments_of(ctx, "_location_id", row.number), arguments)


@field("CompanyContactRoleAssignment", "role")
def _role(row: Row, ctx: Context) -> Row | None:
    return _get(ctx, "CompanyContactRole", row["_role_id"])


@field("CompanyContactRoleAssignment", "companyLocation")
def _location(row: Row, ctx: Context) -> Row | None:
    return _get(ctx, "CompanyLocation", row["_location_id"])


@field("CompanyContactRoleAssignment", "companyContact")
def _contact(row: Row, ctx: Context) -> Row | None:
    return _get(ctx, "CompanyContact", row["_contact_id"])


@field("CompanyLocation", "shippingAddress")
def _shipping(row: Row, ctx: Context) -> Row | None:
    address: Row | None = row["_shipping"]
    return address


@field("CompanyLocation", "billingAddress")
def _billing(row: Row, ctx: Context) -> Row | None:
    address: Row | None = row["_billing"]
    return address


@field("CompanyLocation", "taxSettings")
def _tax_settings(row: Row, ctx: Context) -> dict[str, Any]:
    exempt, exemptions, registration = row["_tax"]
    return {"taxExempt": exempt, "taxExemptions": exemptions, "taxRegistrationId": registration}


@field("CompanyAddress", "formattedArea")
def _formatted_area(row: Row, ctx: Context) -> str | None:
    return formatted_area(_as_mailing(row))


@field("CompanyAddress", "formattedAddress")
def _formatted(row: Row, ctx: Context, withName: bool = False, withCompanyName: bool = True) -> list[str]:
    return formatted_lines(_as_mailing(row), with_name=withName, with_company=withCompanyName)


def _as_mailing(row: Row) -> dict[str, Any]:
    return dict(row) | {"countryCodeV2": row["countryCode"], "provinceCode": row["zoneCode"], "company": row["companyName"]}


@field("Customer", "companyContactProfiles")
def _profiles(row: Row, ctx: Context) -> list[Row]:
    return [contact for contact in ctx.table("CompanyContact") if contact["_customer_id"] == row.number]


@field("Company", "draftOrders")
def _draft_orders(row: Row, ctx: Context, **arguments: Any) -> Connection:
    return EMPTY
