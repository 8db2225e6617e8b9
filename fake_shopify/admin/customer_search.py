"""Lists of customers: what `query` may name, the sort keys, and the roots that list, count and look up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fake_shopify.admin import metafields
from fake_shopify.admin.contact_details import clean_email, clean_phone
from fake_shopify.admin.countries import country_code
from fake_shopify.admin.customer_fields import amount_spent, number_in, orders_of
from fake_shopify.admin.customer_rows import default_address, find_by_email, find_by_phone, order_numbers
from fake_shopify.context import Context
from fake_shopify.failures import TopLevelError
from fake_shopify.paging import Connection, SortKey, instant
from fake_shopify.registry import field, query
from fake_shopify.rows import Row, Table
from fake_shopify.search import (
    Field,
    Group,
    Malformed,
    Term,
    choice,
    exact,
    identifier,
    moment,
    number,
    parse,
    words,
    yes_no,
)

STATES = ("ENABLED", "DISABLED", "INVITED", "DECLINED")
CONSENT_STATES = ("NOT_SUBSCRIBED", "PENDING", "SUBSCRIBED", "UNSUBSCRIBED", "REDACTED", "INVALID")
CUSTOM_ID_NEEDED = "Metafield definition of type 'id' is required when using custom ids."


# Searching


def _home(row: Row, name: str) -> Any:
    address = default_address(row)
    return address[name] if address is not None else None


def _at_home(name: str) -> Callable[[Row], Any]:
    return lambda row: _home(row, name)


def _consent(channel: str) -> Callable[[Row], str]:
    return lambda row: str((row[f"_{channel}_consent"] or {"state": "NOT_SUBSCRIBED"})["state"])


def _email() -> Field:
    """A whole address is compared exactly, anything else by words (`gmail.com`).

    Source: shopify.dev/docs/api/admin-graphql/latest/queries/customers (read 2026-11). Assumed: the exactness.
    """
    whole, parts = exact("email"), words("email")

    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        return (whole if "@" in value else parts).test(row, op, value, quoted)

    return Field(test)


def _phone() -> Field:
    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        digits, have = "".join(c for c in value if c.isdigit()), str(row["phone"] or "")
        return bool(have) if value == "*" else bool(digits) and digits in have

    return Field(test)


def _country() -> Field:
    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        code = country_code(value)
        return code is not None and _home(row, "countryCodeV2") == code

    return Field(test)


def _not(inner: Field) -> Field:
    return Field(lambda row, op, value, quoted: not inner.test(row, op, value, quoted))


def _order_day(ctx: Context) -> Field:
    compare = moment("at", ctx.shop.settings["zone"])

    def test(row: Row, op: str, value: str, quoted: bool) -> bool:
        days = (Row(_id=0, at=order.get("processedAt")) for order in orders_of(row, ctx))
        return any(compare.test(day, op, value, quoted) for day in days)

    return Field(test)


def search_fields(ctx: Context) -> dict[str, Field]:
    """Return what `customers(query:)` may name.

    Source: shopify.dev/docs/api/admin-graphql/latest/queries/customers and changelog `re-enabled-customer-search-terms` (read
    2026-11). Captured: `email`, `tag` and free text (customers-137, 150).
    """
    zone = ctx.shop.settings["zone"]
    home = [_at_home(name) for name in ("company", "address1", "city", "country")]
    return {
        "default": words("firstName", "lastName", "email", "phone", "note", "tags", *home),
        "accepts_marketing": yes_no(lambda row: _consent("email")(row) == "SUBSCRIBED"),
        "city": words(_at_home("city")),
        "company": words(_at_home("company")),
        "country": _country(),
        "created_at": moment("createdAt", zone),
        "customer_date": moment("createdAt", zone),
        "email": _email(),
        "email_marketing_state": choice(_consent("email"), CONSENT_STATES),
        "first_name": words("firstName"),
        "id": identifier(),
        "last_abandoned_order_date": Field(lambda row, op, value, quoted: False),
        "last_name": words("lastName"),
        "order_date": _order_day(ctx),
        "orders_count": number(lambda row: len(order_numbers(ctx.shop, row.number))),
        "phone": _phone(),
        "province": words(_at_home("province"), _at_home("provinceCode")),
        "sms_marketing_state": choice(_consent("sms"), CONSENT_STATES),
        "state": choice("state", STATES),
        "tag": exact("tags"),
        "tag_not": _not(exact("tags")),
        "territory_code": exact(_at_home("countryCodeV2")),
        "total_spent": number(lambda row: amount_spent(row, ctx)),
        "updated_at": moment("updatedAt", zone),
    }


def count_fields(ctx: Context) -> dict[str, Field]:
    """Return what `customersCount(query:)` may name: far less than the list (BEHAVIOURS 13, customers-137).

    Source: shopify.dev/docs/api/admin-graphql/latest/queries/customersCount (read 2026-11).
    """
    zone = ctx.shop.settings["zone"]
    return {"created_at": moment("createdAt", zone), "id": identifier(), "updated_at": moment("updatedAt", zone)}


# Sorting


def by_name(row: Row) -> str:
    """Sort by `last, first` in lower case, as the cursor shows it (captured: customers-137); without a name by e-mail (assumed)."""
    names = [part for part in (row["lastName"], row["firstName"]) if part]
    return (", ".join(names) or row["email"] or row["phone"] or "").lower()


def _by_place(row: Row) -> str:
    return ", ".join(str(_home(row, name) or "") for name in ("country", "province", "city")).lower()


SORTS: dict[str, SortKey] = {
    "CREATED_AT": instant("createdAt"),
    "LOCATION": _by_place,
    "NAME": by_name,
    "UPDATED_AT": instant("updatedAt"),
}


def _in_id_order(table: Table) -> tuple[str, ...]:
    """Return the sort keys that need no look at all of a seeded table."""
    made = table.seeded is not None and "createdAt" in table.seeded.instants
    return ("ID", "RELEVANCE", "CREATED_AT") if made else ("ID", "RELEVANCE")


def _one_hit(ctx: Context, text: str) -> Iterable[Row] | None:
    """Return the few rows that a search for one e-mail address can find, so that a large table need not be read."""
    try:
        tree = parse(text)
    except Malformed:
        return None
    for part in tree.parts if isinstance(tree, Group) and tree.every else (tree,):
        if isinstance(part, Term) and part.field == "email" and part.op == "=" and "@" in part.value and "*" not in part.value:
            found = find_by_email(ctx.shop, part.value)
            return [found] if found is not None else []
    return None


@query("customers")
def customers(ctx: Context, **arguments: Any) -> Connection:
    """List customers."""
    table = ctx.table("Customer")
    few = _one_hit(ctx, arguments.get("query") or "")
    return ctx.list(table if few is None else few, arguments, fields=search_fields(ctx), sorts=SORTS, natural=_in_id_order(table))


@field("Shop", "customers")
def _shop_customers(row: dict[str, Any], ctx: Context, **arguments: Any) -> Connection:
    return customers(ctx, **arguments)


@query("customersCount")
def customers_count(ctx: Context, query: str | None = None, limit: int | None = None) -> dict[str, Any]:
    """Count customers; the schema fills in the default limit of 10000."""
    return ctx.count(ctx.table("Customer"), query, count_fields(ctx), limit)


@query("customer")
def customer(ctx: Context, id: str) -> Row | None:
    """Answer one customer, or null."""
    ctx.require_type(id, "Customer")
    return ctx.find("Customer", id)


# Looking up by identifier


def by_custom_id(ctx: Context, identifier: Mapping[str, Any]) -> Row | None:
    """Return the customer whose `id` metafield has a value.

    Captured: customers-088, 095 (without a definition of type `id` the whole field is refused).
    """
    namespace = metafields.full_namespace(ctx, identifier.get("namespace"))
    definition = metafields.definition_of(ctx.shop, "CUSTOMER", namespace, identifier["key"])
    if definition is None or definition["type"]["name"] != "id":
        raise TopLevelError(CUSTOM_ID_NEEDED, "NOT_FOUND")
    for row in ctx.table("Metafield"):
        same = (row["namespace"], row["key"], row["value"]) == (namespace, identifier["key"], identifier["value"])
        owner = number_in(row["_owner"]) if same else None
        if owner is not None:
            return ctx.table("Customer").get(owner)
    return None


@query("customerByIdentifier")
def customer_by_identifier(ctx: Context, identifier: dict[str, Any]) -> Row | None:
    """Answer one customer by id, e-mail address, phone number or custom id, or null (captured: customers-127, 088)."""
    name, value = next(iter(identifier.items()))
    if name == "emailAddress":
        return find_by_email(ctx.shop, clean_email(value))
    if name == "phoneNumber":
        return find_by_phone(ctx.shop, clean_phone(value, ctx.shop.settings["country"]))
    if name == "customId":
        return by_custom_id(ctx, value)
    return customer(ctx, value)
