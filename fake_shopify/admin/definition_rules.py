"""What a metafield definition must be: names, type, validation options, access, capabilities, limits.

Captured: metafields-004, 006, 031, 051, 054, 085, 088, 090, 098, customers-088, BEHAVIOURS 34. Assumed: which rule comes first
where several are broken, a blank name, the words for a type that does not exist, option values of other types, an option given
twice or missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fake_shopify.admin import metafield_definitions as rows
from fake_shopify.admin.definition_types import CAPABILITIES, REQUIRED, is_definition_type, is_eligible, options, single
from fake_shopify.admin.metafield_inputs import name_problem
from fake_shopify.admin.metafield_values import value_problem
from fake_shopify.admin.metafields import app_namespace
from fake_shopify.context import Context
from fake_shopify.failures import access_denied, user_error
from fake_shopify.rows import Row

Errors = list[dict[str, Any]]
Input = dict[str, Any]

MAX_TEXT, MAX_DEFINITIONS, MAX_PINS, MAX_FILTERS = 255, 256, 50, 50
NO_ACCESS = 'Setting this access control is not permitted. It must be one of ["public_read_write"].'
NO_PIN = "Constrained metafield definitions do not support pinning."
TOO_MANY_PINS = f"Limit of {MAX_PINS} pinned definitions."
TOO_MANY = f"Stores can only have {MAX_DEFINITIONS} definitions for each store resource."
CONSTRAINT_KEY = "category"


def is_reserved(ctx: Context, namespace: str) -> bool:
    """Say whether a namespace belongs to Shopify or to another app (captured: metafields-005, 010, 011)."""
    own = app_namespace(ctx)
    foreign = namespace.startswith("app--") and namespace != own and not namespace.startswith(f"{own}--")
    return foreign or namespace == "shopify" or namespace.startswith("shopify--")


def refuse_reserved(ctx: Context, root: str, namespace: str) -> None:
    """Refuse the whole mutation in a namespace that is not the caller's; the words are those of the schema."""
    if is_reserved(ctx, namespace):
        raise access_denied(root, ctx.schema.scopes[root]["text"])


# Names


def name_errors(namespace: str, key: str) -> Errors:
    """Check namespace and key; both are reported (captured: metafields-085)."""
    found = [(name, name_problem(name, text)) for name, text in (("namespace", namespace), ("key", key))]
    return [
        user_error(["definition", name], problem[0], "INVALID_CHARACTER" if problem[1] == "INVALID" else problem[1])
        for name, problem in found
        if problem is not None
    ]


def text_errors(input: Input) -> Errors:
    """Check name and description as far as they are given (captured: metafields-051)."""
    errors: Errors = []
    if "name" in input and not (input["name"] or "").strip():
        errors.append(user_error(["definition", "name"], "Name can't be blank", "BLANK"))
    for name in ("name", "description"):
        if len(input.get(name) or "") > MAX_TEXT:
            words = f"{name.capitalize()} is too long (maximum is {MAX_TEXT} characters)"
            errors.append(user_error(["definition", name], words, "TOO_LONG"))
    return errors


def type_errors(type_name: str) -> Errors:
    """Check the type."""
    if is_definition_type(type_name):
        return []
    return [user_error(["definition", "type"], f"Type name {type_name} is not a valid type.", "INCLUSION")]


def taken_errors(ctx: Context, owner_type: str, namespace: str, key: str) -> Errors:
    """Check that the key is free in its namespace (captured: metafields-031)."""
    if rows.find(ctx.shop, owner_type, namespace, key) is None:
        return []
    owner = rows.OWNER_NAMES.get(owner_type, owner_type.capitalize())
    text = f"Key is in use for {owner} metafields on the '{namespace}' namespace."
    return [user_error(["definition", "key"], text, "TAKEN")]


def count_errors(ctx: Context, owner_type: str, namespace: str) -> Errors:
    """Check how many definitions the owner type has; those of apps do not count (assumed)."""
    if namespace.startswith("app--"):
        return []
    same = [row for row in rows.of_owner_type(ctx.shop, owner_type) if not row["namespace"].startswith("app--")]
    return [user_error(None, TOO_MANY, "RESOURCE_TYPE_LIMIT_EXCEEDED")] if len(same) >= MAX_DEFINITIONS else []


# Validation options


def option_errors(type_name: str, given: Sequence[Input]) -> Errors:
    """Check validation options; the first that is wrong is reported (captured: metafields-054)."""
    known, seen = options(type_name), set[str]()
    for one in given:
        name, value = one["name"], one["value"]
        text = _option_problem(type_name, known, name, value)
        if text is not None:
            return [_option_error(text)]
        if name in seen:
            return [_option_error(f"Validations contains duplicate option {name}.", "DUPLICATE_OPTION")]
        seen.add(name)
    missing = [name for name in REQUIRED.get(single(type_name), ()) if name not in seen]
    return [_option_error(f"Validations require that you set {', '.join(missing)}.")] if missing else []


def _option_error(text: str, code: str = "INVALID_OPTION") -> dict[str, Any]:
    return user_error(["definition", "validations"], text, code)


def _option_problem(type_name: str, known: dict[str, str], name: str, value: str) -> str | None:
    if name not in known:
        reason = f"'{name}' isn't supported for {type_name}."
        return f"Validations value for option {name} contains an invalid value: {reason}"
    wrong = None if name == "metaobject_definition_id" else value_problem(known[name], value)
    return f"Validations value for option {name} {wrong}" if wrong is not None else None


# Access, capabilities, constraints, pins


def access_problem(namespace: str, access: Input | None) -> str | None:
    """Refuse another access of the admin than everybody's in a namespace that no app owns (captured: metafields-004, 006, 007)."""
    if access is None or access.get("admin") is None or namespace.startswith("app--"):
        return None
    return NO_ACCESS


def capability_problem(owner_type: str, type_name: str, given: Input | None) -> tuple[str, str] | None:
    """Return why capabilities cannot be set, as message and code (captured: metafields-088, customers-088)."""
    for name, wanted in (given or {}).items():
        enabled = wanted is not None and wanted["enabled"]
        if enabled and not is_eligible(name, owner_type, type_name):
            return f"The capability {CAPABILITIES[name]} is not valid for this definition.", "INVALID_CAPABILITY"
        if wanted is not None and not enabled and name == "uniqueValues" and type_name == "id":
            text = f"Capability {CAPABILITIES[name]} is required for type id but is disabled"
            return text, "CAPABILITY_REQUIRED_BUT_DISABLED"
    return None


def filter_problem(ctx: Context, owner_type: str, given: Input | None, row: Row | None = None) -> tuple[str, str] | None:
    """Return why no further definition can be a filter of the admin (captured: metafields-088)."""
    wanted = ((given or {}).get("adminFilterable") or {}).get("enabled")
    if not wanted or (row is not None and row["_capabilities"].get("adminFilterable")):
        return None
    used = [one for one in rows.of_owner_type(ctx.shop, owner_type) if one["_capabilities"].get("adminFilterable")]
    if len(used) < MAX_FILTERS:
        return None
    owner = owner_type.lower().replace("_", " ")
    text = (
        f"You can only use {MAX_FILTERS} {owner} metafield definitions to filter the {owner} list. "
        "To add a new filter, disable filtering on an existing one."
    )
    return text, "OWNER_TYPE_LIMIT_EXCEEDED_FOR_USE_AS_ADMIN_FILTERS"


def pin_problem(ctx: Context, owner_type: str, *, constrained: bool) -> tuple[str, str] | None:
    """Return why a definition cannot be pinned (captured: metafields-085, 090, 098, 103)."""
    if constrained:
        return NO_PIN, "UNSUPPORTED_PINNING"
    if len(rows.pinned(ctx.shop, owner_type)) >= MAX_PINS:
        return TOO_MANY_PINS, "PINNED_LIMIT_REACHED"
    return None


def constraint_problem(owner_type: str, key: str | None) -> tuple[str, str] | None:
    """Return why a definition cannot be constrained by a key. Assumed: the words; only categories of products constrain."""
    if key is None or (key == CONSTRAINT_KEY and owner_type == "PRODUCT"):
        return None
    return "The constraint key is not valid for this definition.", "INVALID_CONSTRAINTS"


def constraint_values(values: Sequence[str] | None) -> list[str]:
    """Return categories as they are kept: without the rest of their GIDs (captured: metafields-038)."""
    return [value.rsplit("/", 1)[-1] for value in values or ()]
