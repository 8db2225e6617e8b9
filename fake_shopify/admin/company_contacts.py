"""Contacts of companies and their roles at company locations.

Captured: orders-024 (companyAssignCustomerAsContact gives no role and no main contact). Assumed: the wordings of the refusals.
"""

from __future__ import annotations

from typing import Any

from fake_shopify.admin.companies import contact_errors, customer_of_contact, not_found
from fake_shopify.admin.company_rows import assign, assignments_of, drop_contact, new_contact, new_location
from fake_shopify.admin.contact_details import blank_to_none
from fake_shopify.admin.customer_events import emit_customer
from fake_shopify.admin.customer_input import read_customer
from fake_shopify.admin.customer_rows import change_customer
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

CUSTOMER_FIELDS = ("email", "phone", "firstName", "lastName")
UserErrors = list[dict[str, Any]]


def _edit(ctx: Context, kind: str, text: str) -> Row | None:
    ctx.require_type(text, kind)
    return ctx.edit(kind, text)


@mutation("companyAssignCustomerAsContact")
def company_assign_customer_as_contact(ctx: Context, companyId: str, customerId: str) -> dict[str, Any]:
    """Make a customer a contact of a company."""
    company, customer = _edit(ctx, "Company", companyId), _edit(ctx, "Customer", customerId)
    errors: UserErrors = []
    if company is None:
        errors.append(not_found(["companyId"], "Company"))
    elif customer is None:
        errors.append(not_found(["customerId"], "Customer"))
    elif not customer["email"]:
        errors.append(user_error(["customerId"], "Customer must have an email address.", "INVALID_INPUT"))
    elif any((row["_company_id"], row["_customer_id"]) == (company.number, customer.number) for row in ctx.table("CompanyContact")):
        errors.append(user_error(["customerId"], "Customer is already associated with a company contact.", "INVALID_INPUT"))
    if errors or company is None or customer is None:
        return {"companyContact": None, "userErrors": errors}
    return {"companyContact": new_contact(ctx, company, customer, None, None), "userErrors": []}


@mutation("companyContactCreate")
def company_contact_create(ctx: Context, companyId: str, input: dict[str, Any]) -> dict[str, Any]:
    """Make a new customer who is a contact of a company."""
    company = _edit(ctx, "Company", companyId)
    errors = [not_found(["companyId"], "Company")] if company is None else contact_errors(ctx, input, ["input"])
    if not errors and not any(blank_to_none(input.get(name)) for name in CUSTOMER_FIELDS):
        errors = [user_error(["input"], "The input is empty.", "NO_INPUT")]
    if company is None or errors:
        return {"companyContact": None, "userErrors": errors}
    contact = new_contact(ctx, company, customer_of_contact(ctx, input), input.get("title"), input.get("locale"))
    return {"companyContact": contact, "userErrors": []}


@mutation("companyContactUpdate")
def company_contact_update(ctx: Context, companyContactId: str, input: dict[str, Any]) -> dict[str, Any]:
    """Change a contact and the customer behind it."""
    contact = _edit(ctx, "CompanyContact", companyContactId)
    customer = ctx.table("Customer").edit(contact["_customer_id"]) if contact is not None else None
    if contact is None or customer is None:
        return {"companyContact": None, "userErrors": [not_found(["companyContactId"], "Company contact")]}
    read = read_customer(ctx, {name: input[name] for name in CUSTOMER_FIELDS if name in input}, customer)
    if read.problems:
        return {"companyContact": None, "userErrors": read.user_errors("input")}
    change_customer(ctx.shop, customer, read.values)
    emit_customer(ctx, customer, "update")
    contact.update({name: input[name] for name in ("title", "locale") if name in input}, updatedAt=ctx.now())
    return {"companyContact": contact, "userErrors": []}


@mutation("companyContactDelete")
def company_contact_delete(ctx: Context, companyContactId: str) -> dict[str, Any]:
    """Delete a contact; the customer stays."""
    contact = _edit(ctx, "CompanyContact", companyContactId)
    if contact is None:
        return {"deletedCompanyContactId": None, "userErrors": [not_found(["companyContactId"], "Company contact")]}
    drop_contact(ctx, contact)
    return {"deletedCompanyContactId": contact["id"], "userErrors": []}


@mutation("companyContactRemoveFromCompany")
def company_contact_remove_from_company(ctx: Context, companyContactId: str) -> dict[str, Any]:
    """Take a contact off its company; the customer stays."""
    answer = company_contact_delete(ctx, companyContactId)
    return {"removedCompanyContactId": answer["deletedCompanyContactId"], "userErrors": answer["userErrors"]}


@mutation("companyAssignMainContact")
def company_assign_main_contact(ctx: Context, companyId: str, companyContactId: str) -> dict[str, Any]:
    """Make one of a company's contacts its main contact."""
    company, contact = _edit(ctx, "Company", companyId), _edit(ctx, "CompanyContact", companyContactId)
    if company is None:
        return {"company": None, "userErrors": [not_found(["companyId"], "Company")]}
    if contact is None or contact["_company_id"] != company.number:
        return {"company": None, "userErrors": [not_found(["companyContactId"], "Company contact")]}
    company.update(_main_contact_id=contact.number, updatedAt=ctx.now())
    return {"company": company, "userErrors": []}


@mutation("companyRevokeMainContact")
def company_revoke_main_contact(ctx: Context, companyId: str) -> dict[str, Any]:
    """Leave a company without a main contact."""
    company = _edit(ctx, "Company", companyId)
    if company is None:
        return {"company": None, "userErrors": [not_found(["companyId"], "Company")]}
    company.update(_main_contact_id=None, updatedAt=ctx.now())
    return {"company": company, "userErrors": []}


# Roles


def _assign(ctx: Context, contact: Row, role_id: str, location_id: str, path: list[str]) -> tuple[Row | None, UserErrors]:
    role, location = _edit(ctx, "CompanyContactRole", role_id), _edit(ctx, "CompanyLocation", location_id)
    if role is None or role["_company_id"] != contact["_company_id"]:
        return None, [not_found([*path, "companyContactRoleId"], "Company contact role")]
    if location is None or location["_company_id"] != contact["_company_id"]:
        return None, [not_found([*path, "companyLocationId"], "Company location")]
    if any(row["_location_id"] == location.number for row in assignments_of(ctx, "_contact_id", contact.number)):
        text = "Company contact has already been assigned a role in that company location."
        return None, [user_error(path or ["companyContactId"], text, "LIMIT_REACHED")]
    return assign(ctx, contact, role, location), []


@mutation("companyContactAssignRole")
def company_contact_assign_role(
    ctx: Context, companyContactId: str, companyContactRoleId: str, companyLocationId: str
) -> dict[str, Any]:
    """Give a contact a role at a location; one role per location."""
    contact = _edit(ctx, "CompanyContact", companyContactId)
    if contact is None:
        error = not_found(["companyContactId"], "Company contact")
        return {"companyContactRoleAssignment": None, "userErrors": [error]}
    row, errors = _assign(ctx, contact, companyContactRoleId, companyLocationId, [])
    return {"companyContactRoleAssignment": row, "userErrors": errors}


@mutation("companyContactAssignRoles")
def company_contact_assign_roles(ctx: Context, companyContactId: str, rolesToAssign: list[dict[str, Any]]) -> dict[str, Any]:
    """Give a contact several roles."""
    contact = _edit(ctx, "CompanyContact", companyContactId)
    if contact is None:
        return {"roleAssignments": None, "userErrors": [not_found(["companyContactId"], "Company contact")]}
    made: list[Row] = []
    errors: UserErrors = []
    for index, one in enumerate(rolesToAssign):
        path = ["rolesToAssign", str(index)]
        row, wrong = _assign(ctx, contact, one["companyContactRoleId"], one["companyLocationId"], path)
        errors += wrong
        made += [row] if row is not None else []
    return {"roleAssignments": made, "userErrors": errors}


@mutation("companyContactRevokeRole")
def company_contact_revoke_role(ctx: Context, companyContactId: str, companyContactRoleAssignmentId: str) -> dict[str, Any]:
    """Take a role from a contact."""
    contact = _edit(ctx, "CompanyContact", companyContactId)
    row = _edit(ctx, "CompanyContactRoleAssignment", companyContactRoleAssignmentId)
    if contact is None or row is None or row["_contact_id"] != contact.number:
        path = "companyContactId" if contact is None else "companyContactRoleAssignmentId"
        what = "Company contact" if contact is None else "Company contact role assignment"
        return {"revokedCompanyContactRoleAssignmentId": None, "userErrors": [not_found([path], what)]}
    ctx.table("CompanyContactRoleAssignment").remove(row.number)
    return {"revokedCompanyContactRoleAssignmentId": row["id"], "userErrors": []}


# Locations


@mutation("companyLocationCreate")
def company_location_create(ctx: Context, companyId: str, input: dict[str, Any]) -> dict[str, Any]:
    """Add a location to a company."""
    company = _edit(ctx, "Company", companyId)
    if company is None:
        return {"companyLocation": None, "userErrors": [not_found(["companyId"], "Company")]}
    return {"companyLocation": new_location(ctx, company, input), "userErrors": []}


@mutation("companyLocationUpdate")
def company_location_update(ctx: Context, companyLocationId: str, input: dict[str, Any]) -> dict[str, Any]:
    """Change a company location."""
    row = _edit(ctx, "CompanyLocation", companyLocationId)
    if row is None:
        return {"companyLocation": None, "userErrors": [not_found(["companyLocationId"], "Company location")]}
    plain = ("name", "externalId", "locale", "note", "phone")
    row.update({name: input[name] for name in plain if name in input}, updatedAt=ctx.now())
    return {"companyLocation": row, "userErrors": []}


@mutation("companyLocationDelete")
def company_location_delete(ctx: Context, companyLocationId: str) -> dict[str, Any]:
    """Delete a company location with the roles at it."""
    row = _edit(ctx, "CompanyLocation", companyLocationId)
    if row is None:
        return {"deletedCompanyLocationId": None, "userErrors": [not_found(["companyLocationId"], "Company location")]}
    for one in assignments_of(ctx, "_location_id", row.number):
        ctx.table("CompanyContactRoleAssignment").remove(one.number)
    ctx.table("CompanyLocation").remove(row.number)
    return {"deletedCompanyLocationId": row["id"], "userErrors": []}
