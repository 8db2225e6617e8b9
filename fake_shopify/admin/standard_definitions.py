"""Standard metafield definitions: Shopify's templates, and their activation in a shop.

Captured: metafields-007..009, 079..084, 088, 090, 124. Source of the templates:
shopify.dev/docs/apps/build/metafields/list-of-standard-definitions (read 2026-11). The fake knows the templates below, of the
many that Shopify has; of the categories that constrain a template it knows the first ones. Assumed: the number of the color's
template.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fake_shopify.admin import definition_rules as rules
from fake_shopify.admin import metafield_definitions as rows
from fake_shopify.admin.definition_changes import announce
from fake_shopify.admin.definition_types import type_row
from fake_shopify.admin.metaobject_definitions import enable_standard
from fake_shopify.admin.nodes import node_of
from fake_shopify.context import Context, split_gid
from fake_shopify.failures import user_error
from fake_shopify.paging import Connection, page
from fake_shopify.registry import field as resolves
from fake_shopify.registry import mutation, query
from fake_shopify.rows import Row
from fake_shopify.world import gid

Payload = dict[str, Any]
TYPE = "StandardMetafieldDefinitionTemplate"
NEITHER = "A namespace and key or standard metafield definition template id must be provided."
WRONG_ID = "Id is not a valid standard metafield definition template id"
WRONG_NAME = "A standard definition wasn't found for the specified owner type, namespace, and key."
NO_ACCESS = "Setting access controls on a definition under this namespace is not permitted."


@dataclass(frozen=True, slots=True)
class Template:
    """One of Shopify's templates; `metaobject` names the standard metaobject that its values refer to."""

    number: int
    namespace: str
    key: str
    name: str
    description: str
    type: str
    owners: tuple[str, ...] = ("PRODUCT", "PRODUCTVARIANT")
    validations: dict[str, str] = field(default_factory=dict)
    categories: tuple[str, ...] = ()
    metaobject: str | None = None


ISBN = r"^((\d{3})?([\-\s])?(\d{1,5})([\-\s])?(\d{1,7})([\-\s])?(\d{6})([\-\s])?(\d{1}))$"
TEMPLATES = (
    Template(
        1,
        "descriptors",
        "subtitle",
        "Product subtitle",
        "Used as a shorthand for a product name",
        "single_line_text_field",
        validations={"max": "70"},
    ),
    Template(
        2,
        "descriptors",
        "care_guide",
        "Care guide",
        "Instructions for taking care of a product or apparel",
        "multi_line_text_field",
        validations={"max": "500"},
    ),
    Template(
        3,
        "facts",
        "isbn",
        "ISBN",
        "International Standard Book Number",
        "single_line_text_field",
        validations={"regex": ISBN},
    ),
    Template(
        10001,
        "shopify",
        "color-pattern",
        "Color",
        "Defines the primary color or pattern, such as blue or striped",
        "list.metaobject_reference",
        ("PRODUCT",),
        categories=("ap-2-1-1", "ap-2-1-1-1", "ap-2-1-1-2", "ap-2-1-1-2-1", "ap-2-1-1-2-2", "ap-2-1-1-2-3", "aa", "aa-1", "aa-1-1"),
        metaobject="shopify--color-pattern",
    ),
    Template(
        10004,
        "shopify",
        "material",
        "Material",
        "Defines a product's primary material, such as cotton or wool",
        "list.metaobject_reference",
        ("PRODUCT",),
        categories=("aa-2", "aa-2-14-6", "aa-2-14-6-2", "aa-2-14-6-3", "aa-2-14-6-4", "aa-2-30", "ap-2-1-1", "ap-2-1-1-1"),
        metaobject="shopify--material",
    ),
)


def _validations(template: Template) -> list[dict[str, Any]]:
    return rows.validation_rows(template.type, [{"name": name, "value": value} for name, value in template.validations.items()])


def template_row(template: Template) -> Row:
    """Show a template (captured: metafields-124)."""
    return Row(
        __typename=TYPE,
        _id=template.number,
        id=gid(TYPE, template.number),
        namespace=template.namespace,
        key=template.key,
        name=template.name,
        description=template.description,
        ownerTypes=list(template.owners),
        type=type_row(template.type),
        validations=_validations(template),
        visibleToStorefrontApi=True,
    )


def by_number(number: int | None) -> Template | None:
    """Return the template of a number."""
    return next((template for template in TEMPLATES if template.number == number), None)


@query("standardMetafieldDefinitionTemplates")
def standard_templates(
    ctx: Context,
    excludeActivated: bool | None = False,
    constraintStatus: str | None = None,
    constraintSubtype: dict[str, Any] | None = None,
    **arguments: Any,
) -> Connection:
    """List templates; the cursor shows the id as a number (captured: metafields-124)."""
    active = {row["_template"] for row in ctx.table("MetafieldDefinition")} if excludeActivated else set()
    found = [one for one in TEMPLATES if one.number not in active and _fits(one, constraintStatus, constraintSubtype)]
    return page(map(template_row, found), arguments, key=lambda row: row.number)


def _fits(template: Template, status: str | None, subtype: dict[str, Any] | None) -> bool:
    if subtype is not None:
        return subtype["key"] == rules.CONSTRAINT_KEY and str(subtype["value"]).rsplit("/", 1)[-1] in template.categories
    if status in (None, "CONSTRAINED_AND_UNCONSTRAINED"):
        return True
    return bool(template.categories) == (status == "CONSTRAINED_ONLY")


@node_of(TYPE)
def _node(ctx: Context, id: str) -> Row | None:
    tail = split_gid(id)[1]
    found = by_number(int(tail)) if tail.isdigit() else None
    return template_row(found) if found is not None else None


@resolves("MetafieldDefinition", "standardTemplate")
def _standard_template(row: Row, ctx: Context) -> Row | None:
    found = by_number(row["_template"])
    return template_row(found) if found is not None else None


# Activation


def _find(owner_type: str, id: str | None, namespace: str | None, key: str | None) -> Template | dict[str, Any]:
    """Return the template that is meant, or why there is none (captured: metafields-081..084)."""
    if id is not None:
        found = next((one for one in TEMPLATES if gid(TYPE, one.number) == id and owner_type in one.owners), None)
        return found or user_error(["id"], WRONG_ID, "TEMPLATE_NOT_FOUND")
    if namespace is None or key is None:
        return user_error(None, NEITHER, "TEMPLATE_NOT_FOUND")
    named = (one for one in TEMPLATES if (one.namespace, one.key) == (namespace, key) and owner_type in one.owners)
    return next(named, None) or user_error(None, WRONG_NAME, "TEMPLATE_NOT_FOUND")


@mutation("standardMetafieldDefinitionEnable")
def standard_definition_enable(
    ctx: Context,
    ownerType: str,
    id: str | None = None,
    namespace: str | None = None,
    key: str | None = None,
    pin: bool | None = None,
    access: dict[str, Any] | None = None,
    capabilities: dict[str, Any] | None = None,
    **older: Any,
) -> Payload:
    """Activate a standard definition; once more changes nothing but the pin (captured: metafields-007..009, 079..084, 088, 090)."""
    template = _find(ownerType, id, namespace, key)
    if isinstance(template, dict):
        return {"createdDefinition": None, "userErrors": [template]}
    given = dict(capabilities or {})
    if older.get("useAsCollectionCondition"):
        given.setdefault("smartCollectionCondition", {"enabled": True})
    known = rows.find(ctx.shop, ownerType, template.namespace, template.key)
    error = _problem(ctx, template, ownerType, access, given, pin=bool(pin) and (known is None or known["pinnedPosition"] is None))
    if error is not None:
        return {"createdDefinition": None, "userErrors": [error]}
    row = known if known is not None else _enable(ctx, template, ownerType, access or {}, given)
    if pin:
        rows.set_pinned(ctx.shop, row, pinned=True)
    return {"createdDefinition": Row(row), "userErrors": []}


def _problem(
    ctx: Context, template: Template, owner_type: str, access: dict[str, Any] | None, given: dict[str, Any], *, pin: bool
) -> dict[str, Any] | None:
    if access is not None and rules.is_reserved(ctx, template.namespace):
        return user_error(["access"], NO_ACCESS, "INVALID")
    denied = rules.access_problem(template.namespace, access)
    if denied is not None:
        return user_error(["access"], denied, "INVALID")
    problem = rules.capability_problem(owner_type, template.type, given) or rules.filter_problem(ctx, owner_type, given)
    if problem is None and pin:
        problem = rules.pin_problem(ctx, owner_type, constrained=bool(template.categories))
    if problem is not None and problem[1] == "PINNED_LIMIT_REACHED":
        problem = problem[0], "LIMIT_EXCEEDED"
    return user_error(None, *problem) if problem is not None else None


def _enable(ctx: Context, template: Template, owner_type: str, access: dict[str, Any], given: dict[str, Any]) -> Row:
    """Make the definition; templates are visible to the storefront unless that is asked otherwise.

    Captured: metafields-009 (a reserved one), 079. Source: objects/StandardMetafieldDefinitionTemplate (`visibleToStorefrontApi`).
    """
    validations = _validations(template)
    if template.metaobject is not None:
        target = enable_standard(ctx, template.metaobject)
        known = [{"name": "metaobject_definition_id", "value": target["id"]}]
        validations = rows.validation_rows(template.type, known)
    row = rows.new_definition(
        ctx.shop,
        owner_type,
        template.namespace,
        template.key,
        template.type,
        template.name,
        description=template.description,
        validations=validations,
        _access=rows.MERCHANT_ACCESS | {"storefront": "PUBLIC_READ"} | {k: v for k, v in access.items() if v is not None},
        _constraint_key=rules.CONSTRAINT_KEY if template.categories else None,
        _constraints=list(template.categories),
        _template=template.number,
    )
    row["_capabilities"] |= {name: bool(wanted["enabled"]) for name, wanted in given.items() if wanted is not None}
    announce(ctx, row, "create")
    return row
