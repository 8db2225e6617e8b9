"""Companies of the B2B side: creating, changing, deleting and listing them.

Captured: orders-024 (companyCreate with contact and location: two roles, the contact is the main contact with `Ordering only`).
Assumed: the wordings of the refusals, whose codes are `BusinessCustomerErrorCode`'s; a company without a location gets one of its
own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fake_shopify.admin.company_rows import ROLES, SORTS, assign, drop_contact, new_contact, new_location, parts_of, stamps
from fake_shopify.admin.contact_details import TEXT_LIMIT, blank_to_none, clean_email, clean_phone, email_problems, is_phone
from fake_shopify.admin.customer_events import emit_customer
from fake_shopify.admin.customer_rows import add_customer, find_by_email
from fake_shopify.clock import iso, parse_iso
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection
from fake_shopify.registry import mutation, query
from fake_shopify.rows import Row
from fake_shopify.search import Field, exact, identifier, moment, words

UserErrors = list[dict[str, Any]]


def not_found(path: list[str], what: str) -> dict[str, Any]:
    """Refuse an id of nothing."""
    return user_error(path, f"{what} not found.", "RESOURCE_NOT_FOUND")


def _company_errors(ctx: Context, given: Mapping[str, Any], path: list[str], *, own: int | None) -> UserErrors:
    errors: UserErrors = []
    if own is None or "name" in given:
        name = blank_to_none(given.get("name"))
        if name is None:
            errors.append(user_error([*path, "name"], "Name can't be blank", "BLANK"))
        elif len(name) > TEXT_LIMIT:
            errors.append(user_error([*path, "name"], f"Name is too long (maximum is {TEXT_LIMIT} characters)", "TOO_LONG"))
    external = given.get("externalId")
    if external and any(row["externalId"] == external and row.number != own for row in ctx.table("Company")):
        errors.append(user_error([*path, "externalId"], "External id has already been taken.", "TAKEN"))
    return errors


def contact_errors(ctx: Context, given: Mapping[str, Any], path: list[str]) -> UserErrors:
    """List what is wrong with the input of a contact."""
    email, phone = clean_email(given.get("email")), clean_phone(given.get("phone"), ctx.shop.settings["country"])
    errors = [user_error([*path, "email"], message, code) for message, code in email_problems(email)]
    if phone is not None and not is_phone(phone):
        errors.append(user_error([*path, "phone"], "Phone is invalid", "INVALID"))
    if not errors and find_by_email(ctx.shop, email) is not None:
        errors.append(user_error([*path, "email"], "Email address has already been taken.", "TAKEN"))
    return errors


def customer_of_contact(ctx: Context, given: Mapping[str, Any]) -> Row:
    """Make the customer behind a new contact."""
    values = {
        "email": clean_email(given.get("email")),
        "phone": clean_phone(given.get("phone"), ctx.shop.settings["country"]),
        "firstName": blank_to_none(given.get("firstName")),
        "lastName": blank_to_none(given.get("lastName")),
    }
    if given.get("locale"):
        values["locale"] = given["locale"]
    row = add_customer(ctx.shop, values)
    emit_customer(ctx, row, "create")
    return row


@mutation("companyCreate")
def company_create(ctx: Context, input: dict[str, Any]) -> dict[str, Any]:
    """Create a company with its roles, its first location and, when one is named, its main contact."""
    errors = _company_errors(ctx, input["company"], ["input", "company"], own=None)
    contact = input.get("companyContact")
    if contact is not None:
        errors += contact_errors(ctx, contact, ["input", "companyContact"])
    if errors:
        return {"company": None, "userErrors": errors}
    company = _new_company(ctx, input["company"])
    location = new_location(ctx, company, input.get("companyLocation") or {})
    if contact is not None:
        main = new_contact(ctx, company, customer_of_contact(ctx, contact), contact.get("title"), contact.get("locale"))
        company["_main_contact_id"] = main.number
        assign(ctx, main, parts_of(ctx, "CompanyContactRole", company)[-1], location)
    ctx.shop.emit("companies/create", {"admin_graphql_api_id": company["id"], "name": company["name"]})
    return {"company": company, "userErrors": []}


def _new_company(ctx: Context, given: Mapping[str, Any]) -> Row:
    since = given.get("customerSince")
    company = ctx.shop.new_row(
        "Company",
        name=given["name"].strip(),
        externalId=given.get("externalId"),
        note=given.get("note"),
        customerSince=iso(parse_iso(since)) if since else ctx.now(),
        _main_contact_id=None,
        **stamps(ctx),
    )
    for name in ROLES:
        ctx.shop.new_row("CompanyContactRole", name=name, note=f"System-defined {name} role", _company_id=company.number)
    return company


@mutation("companyUpdate")
def company_update(ctx: Context, companyId: str, input: dict[str, Any]) -> dict[str, Any]:
    """Change a company."""
    ctx.require_type(companyId, "Company")
    company = ctx.edit("Company", companyId)
    if company is None:
        return {"company": None, "userErrors": [not_found(["companyId"], "Company")]}
    errors = _company_errors(ctx, input, ["input"], own=company.number)
    if errors:
        return {"company": None, "userErrors": errors}
    company.update({name: input[name] for name in ("name", "externalId", "note") if name in input}, updatedAt=ctx.now())
    ctx.shop.emit("companies/update", {"admin_graphql_api_id": company["id"], "name": company["name"]})
    return {"company": company, "userErrors": []}


def _delete(ctx: Context, company: Row) -> None:
    for contact in parts_of(ctx, "CompanyContact", company):
        drop_contact(ctx, contact)
    for kind in ("CompanyLocation", "CompanyContactRole"):
        for row in parts_of(ctx, kind, company):
            ctx.table(kind).remove(row.number)
    ctx.table("Company").remove(company.number)
    ctx.shop.emit("companies/delete", {"admin_graphql_api_id": company["id"], "name": company["name"]})


@mutation("companyDelete")
def company_delete(ctx: Context, id: str) -> dict[str, Any]:
    """Delete a company; its contacts stay customers."""
    ctx.require_type(id, "Company")
    company = ctx.edit("Company", id)
    if company is None:
        return {"deletedCompanyId": None, "userErrors": [not_found(["id"], "Company")]}
    _delete(ctx, company)
    return {"deletedCompanyId": company["id"], "userErrors": []}


@mutation("companiesDelete")
def companies_delete(ctx: Context, companyIds: list[str]) -> dict[str, Any]:
    """Delete several companies; those that are not there are reported one by one."""
    deleted: list[str] = []
    errors: UserErrors = []
    for index, text in enumerate(companyIds):
        company = ctx.edit("Company", text)
        if company is None:
            errors.append(not_found(["companyIds", str(index)], "Company"))
        else:
            _delete(ctx, company)
            deleted.append(company["id"])
    return {"deletedCompanyIds": deleted, "userErrors": errors}


# Reading


def _fields(ctx: Context) -> dict[str, Field]:
    """Return what `companies(query:)` may name (source: shopify.dev, queries/companies, read 2026-11)."""
    zone = ctx.shop.settings["zone"]
    return {
        "default": words("name", "externalId"),
        "created_at": moment("createdAt", zone),
        "external_id": exact("externalId"),
        "id": identifier(),
        "name": words("name"),
        "since_date": moment("customerSince", zone),
        "updated_at": moment("updatedAt", zone),
    }


@query("companies")
def companies(ctx: Context, **arguments: Any) -> Connection:
    """List companies."""
    return ctx.list(ctx.table("Company"), arguments, fields=_fields(ctx), sorts=SORTS)


@query("companiesCount")
def companies_count(ctx: Context, limit: int | None = None) -> dict[str, Any]:
    """Count companies (captured: pagination_search-027)."""
    return ctx.count(ctx.table("Company"), None, {}, limit)


@query("companyLocations")
def company_locations(ctx: Context, **arguments: Any) -> Connection:
    """List the locations of all companies."""
    fields = {"default": words("name"), "id": identifier(), "name": words("name")}
    return ctx.list(ctx.table("CompanyLocation"), arguments, fields=fields, sorts=SORTS)


def _one(kind: str) -> Any:
    def answer(ctx: Context, id: str) -> Row | None:
        ctx.require_type(id, kind)
        return ctx.find(kind, id)

    return answer


query("company")(_one("Company"))
query("companyContact")(_one("CompanyContact"))
query("companyContactRole")(_one("CompanyContactRole"))
query("companyLocation")(_one("CompanyLocation"))
