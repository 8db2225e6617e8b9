"""Metafield definitions are created, changed, deleted and pinned here."""

from __future__ import annotations

from typing import Any

from fake_shopify.admin import definition_rules as rules
from fake_shopify.admin import metafield_definitions as rows
from fake_shopify.admin import metafields as kept
from fake_shopify.admin.jobs import new_job
from fake_shopify.context import Context
from fake_shopify.failures import user_error
from fake_shopify.registry import mutation
from fake_shopify.rows import Row

Payload = dict[str, Any]
Input = dict[str, Any]
NOT_FOUND = "Definition not found."
ID_DELETION = "Deleting an id type metafield definition requires deletion of its associated metafields."
REFERENCE_DELETION = "Deleting a reference type metafield definition requires deletion of its associated metafields."
IN_USE = "Cannot proceed with this action. This definition is used in one or more automated collections."
NO_VALUES = "Cannot change the constraint key without providing values."


def _capabilities(input: Input) -> Input:
    """Return the capabilities of an input with the older `useAsCollectionCondition` among them."""
    given = dict(input.get("capabilities") or {})
    if input.get("useAsCollectionCondition"):
        given.setdefault("smartCollectionCondition", {"enabled": True})
    return given


def _enabled(given: Input) -> dict[str, bool]:
    return {name: bool(wanted["enabled"]) for name, wanted in given.items() if wanted is not None}


def _access(given: Input | None) -> dict[str, str]:
    return {name: value for name, value in (given or {}).items() if value is not None}


# Create


@mutation("metafieldDefinitionCreate")
def metafield_definition_create(ctx: Context, definition: Input) -> Payload:
    """Create a definition (captured: metafields-001..051, 054, 085, 088, 090, customers-088)."""
    namespace = kept.full_namespace(ctx, definition.get("namespace"))
    rules.refuse_reserved(ctx, "metafieldDefinitionCreate", namespace)
    errors = _create_errors(ctx, definition, namespace)
    if errors:
        return {"createdDefinition": None, "userErrors": errors}
    return {"createdDefinition": _created(ctx, definition, namespace), "userErrors": []}


def _create_errors(ctx: Context, input: Input, namespace: str) -> rules.Errors:
    owner_type, type_name = input["ownerType"], input["type"]
    errors = rules.name_errors(namespace, input["key"]) + rules.text_errors(input) + rules.type_errors(type_name)
    if errors:
        return errors
    errors = rules.option_errors(type_name, input.get("validations") or ())
    errors = errors or rules.taken_errors(ctx, owner_type, namespace, input["key"])
    errors = errors or rules.count_errors(ctx, owner_type, namespace)
    return errors or [user_error(["definition"], *problem) for problem in _create_problems(ctx, input, namespace)][:1]


def _create_problems(ctx: Context, input: Input, namespace: str) -> list[tuple[str, str]]:
    owner_type, given, constraints = input["ownerType"], _capabilities(input), input.get("constraints") or {}
    denied = rules.access_problem(namespace, input.get("access"))
    found = [
        (denied, "INVALID") if denied is not None else None,
        rules.capability_problem(owner_type, input["type"], given),
        rules.filter_problem(ctx, owner_type, given),
        rules.constraint_problem(owner_type, constraints.get("key")),
        rules.pin_problem(ctx, owner_type, constrained=bool(constraints.get("values"))) if input.get("pin") else None,
    ]
    return [problem for problem in found if problem is not None]


def _created(ctx: Context, input: Input, namespace: str) -> Row:
    constraints = input.get("constraints") or {}
    values = rules.constraint_values(constraints.get("values"))
    row = rows.new_definition(
        ctx.shop,
        input["ownerType"],
        namespace,
        input["key"],
        input["type"],
        input["name"],
        description=input.get("description"),
        validations=rows.validation_rows(input["type"], input.get("validations")),
        _access=rows.MERCHANT_ACCESS | _access(input.get("access")),
        _constraint_key=constraints.get("key") if values else None,
        _constraints=values,
    )
    row["_capabilities"] |= _enabled(_capabilities(input))
    if input.get("pin"):
        rows.set_pinned(ctx.shop, row, pinned=True)
    announce(ctx, row, "create")
    return row


def announce(ctx: Context, row: Row, event: str) -> None:
    """Note that a definition was created, updated or deleted.

    Source: WebhookSubscriptionTopic in the schema 2026-10 (METAFIELD_DEFINITIONS_CREATE …). Assumed: the payload.
    """
    names = {"namespace": row["namespace"], "key": row["key"], "owner_type": row["ownerType"].lower()}
    ctx.shop.emit(f"metafield_definitions/{event}", {"admin_graphql_api_id": row["id"], "name": row["name"]} | names)


# Update


@mutation("metafieldDefinitionUpdate")
def metafield_definition_update(ctx: Context, definition: Input) -> Payload:
    """Change a definition; owner type, namespace and key say which one (captured: metafields-006, 025, 038, 046..051, 054, 103)."""
    namespace = kept.full_namespace(ctx, definition.get("namespace"))
    rules.refuse_reserved(ctx, "metafieldDefinitionUpdate", namespace)
    row = rows.find(ctx.shop, definition["ownerType"], namespace, definition["key"])
    if row is None:
        return _not_updated([user_error(["definition"], NOT_FOUND, "NOT_FOUND")])
    errors = rules.text_errors(definition)
    if definition.get("validations") is not None:
        errors = errors or rules.option_errors(row["_type"], definition["validations"])
    errors = errors or [user_error(["definition"], *problem) for problem in _update_problems(ctx, row, definition)][:1]
    if errors:
        return _not_updated(errors)
    job = _validation_job(ctx, row, definition)
    _change(ctx, row, definition)
    announce(ctx, row, "update")
    return {"updatedDefinition": Row(row, _constraint_key=row["_shown_key"]), "userErrors": [], "validationJob": job}


def _not_updated(errors: rules.Errors) -> Payload:
    return {"updatedDefinition": None, "userErrors": errors, "validationJob": None}


def _update_problems(ctx: Context, row: Row, input: Input) -> list[tuple[str, str]]:
    owner_type, given = row["ownerType"], _capabilities(input)
    denied = rules.access_problem(row["namespace"], input.get("access"))
    found = [
        (denied, "INVALID_INPUT") if denied is not None else None,
        rules.capability_problem(owner_type, row["_type"], given),
        rules.filter_problem(ctx, owner_type, given, row),
        _condition_problem(ctx, row, given),
        _constraint_change_problem(row, input.get("constraintsUpdates")),
    ]
    if input.get("pin") and row["pinnedPosition"] is None:
        _, values = _constraints_after(row, input.get("constraintsUpdates"))
        found.append(rules.pin_problem(ctx, owner_type, constrained=bool(values)))
    return [problem for problem in found if problem is not None]


def _condition_problem(ctx: Context, row: Row, given: Input) -> tuple[str, str] | None:
    """Refuse to switch off a condition that a collection uses (assumed, with the words of the deletion)."""
    wanted = given.get("smartCollectionCondition")
    if wanted is None or wanted["enabled"] or not _is_condition(ctx, row):
        return None
    return IN_USE, "METAFIELD_DEFINITION_IN_USE"


def _constraint_change_problem(row: Row, given: Input | None) -> tuple[str, str] | None:
    """Captured: metafields-038 (another key needs values)."""
    key = (given or {}).get("key")
    if key is not None and key != row["_constraint_key"] and not (given or {}).get("values"):
        return NO_VALUES, "INVALID_INPUT"
    return rules.constraint_problem(row["ownerType"], key)


def _constraints_after(row: Row, given: Input | None) -> tuple[str | None, list[str]]:
    if given is None:
        return row["_constraint_key"], row["_constraints"]
    key = given.get("key")
    if key is None and "key" in given:
        return None, []
    changes = given.get("values") or ()
    gone = set(rules.constraint_values([one["delete"] for one in changes if one.get("delete")]))
    added = rules.constraint_values([one["create"] for one in changes if one.get("create")])
    values = list(dict.fromkeys(value for value in [*row["_constraints"], *added] if value not in gone))
    return (key or row["_constraint_key"] if values else None), values


def _validation_job(ctx: Context, row: Row, input: Input) -> Payload | None:
    """Give out a job where metafields must be validated anew (captured: none without new rules, metafields-025).

    Source: payloads of metafieldDefinitionUpdate in the schema. Assumed: none where no metafield is there yet.
    """
    given = input.get("validations")
    if given is None or rows.validation_rows(row["_type"], given) == row["validations"]:
        return None
    return new_job(ctx) if any(rows.metafields_of(ctx.shop, row)) else None


def _change(ctx: Context, row: Row, input: Input) -> None:
    row.update({name: input[name] for name in ("name", "description") if name in input})
    if input.get("validations") is not None:
        row["validations"] = rows.validation_rows(row["_type"], input["validations"])
    row["_access"] = row["_access"] | _access(input.get("access"))
    row["_capabilities"] = row["_capabilities"] | _enabled(_capabilities(input))
    row["_constraint_key"], row["_constraints"] = _constraints_after(row, input.get("constraintsUpdates"))
    if not row["_constraints"]:
        row["_shown_key"] = None
    if input.get("pin") is not None:
        rows.set_pinned(ctx.shop, row, pinned=input["pin"])


# Delete


def _is_condition(ctx: Context, row: Row) -> bool:
    """Say whether a collection's rule uses a definition."""
    for collection in ctx.table("Collection"):
        for rule in (collection["_rule_set"] or {}).get("rules", ()):
            if rule.get("_definition_id") == row.number:
                return True
    return False


def _delete_problem(ctx: Context, row: Row, *, with_metafields: bool) -> tuple[str, str] | None:
    """Captured: metafields-012, 021..024, 085 (whether or not there are metafields)."""
    if not with_metafields and row["_type"] == "id":
        return ID_DELETION, "ID_TYPE_DELETION_ERROR"
    if not with_metafields and row["_type"].endswith("_reference"):
        return REFERENCE_DELETION, "REFERENCE_TYPE_DELETION_ERROR"
    return (IN_USE, "METAFIELD_DEFINITION_IN_USE") if _is_condition(ctx, row) else None


@mutation("metafieldDefinitionDelete")
def metafield_definition_delete(
    ctx: Context, id: str | None = None, identifier: Input | None = None, deleteAllAssociatedMetafields: bool | None = False
) -> Payload:
    """Delete a definition, on demand with its metafields, which else lose their definition only (captured: metafields-012..044)."""
    row = _named(ctx, id, identifier)
    nothing: Payload = {"deletedDefinitionId": None, "deletedDefinition": None}
    if row is None:
        spot = ["id"] if id is not None else ["identifier"]
        return nothing | {"userErrors": [user_error(spot, NOT_FOUND, "NOT_FOUND")]}
    problem = _delete_problem(ctx, row, with_metafields=bool(deleteAllAssociatedMetafields))
    if problem is not None:
        return nothing | {"userErrors": [user_error(None, *problem)]}
    if deleteAllAssociatedMetafields:
        for one in list(rows.metafields_of(ctx.shop, row)):
            kept.take_away(ctx.shop, one["_owner"], one["namespace"], one["key"])
    rows.remove(ctx.shop, row)
    announce(ctx, row, "delete")
    names = {name: row[name] for name in ("ownerType", "namespace", "key")}
    deleted = {"__typename": "MetafieldDefinitionIdentifier"} | names
    return {"deletedDefinitionId": row["id"], "deletedDefinition": deleted, "userErrors": []}


def _named(ctx: Context, id: str | None, identifier: Input | None) -> Row | None:
    if id is None:
        return rows.identified(ctx, identifier)
    ctx.require_type(id, "MetafieldDefinition")
    return ctx.edit("MetafieldDefinition", id)


# Pins


@mutation("metafieldDefinitionPin")
def metafield_definition_pin(ctx: Context, definitionId: str | None = None, identifier: Input | None = None) -> Payload:
    """Pin a definition behind the others of its owner type (captured: metafields-033, 038, 085, 098)."""
    row = _named(ctx, definitionId, identifier)
    if row is None:
        return {"pinnedDefinition": None, "userErrors": [user_error(None, NOT_FOUND, "NOT_FOUND")]}
    problem = rules.pin_problem(ctx, row["ownerType"], constrained=bool(row["_constraints"]))
    if row["pinnedPosition"] is not None:
        problem = "Definition already pinned.", "ALREADY_PINNED"
    if problem is not None:
        return {"pinnedDefinition": None, "userErrors": [user_error(None, *problem)]}
    rows.set_pinned(ctx.shop, row, pinned=True)
    return {"pinnedDefinition": Row(row), "userErrors": []}


@mutation("metafieldDefinitionUnpin")
def metafield_definition_unpin(ctx: Context, definitionId: str | None = None, identifier: Input | None = None) -> Payload:
    """Unpin a definition (captured: metafields-033, 085, 098)."""
    row = _named(ctx, definitionId, identifier)
    if row is None:
        return {"unpinnedDefinition": None, "userErrors": [user_error(None, NOT_FOUND, "NOT_FOUND")]}
    if row["pinnedPosition"] is None:
        text = f"Definition {row.number} isn't pinned."
        return {"unpinnedDefinition": None, "userErrors": [user_error(None, text, "NOT_PINNED")]}
    rows.set_pinned(ctx.shop, row, pinned=False)
    return {"unpinnedDefinition": Row(row), "userErrors": []}
