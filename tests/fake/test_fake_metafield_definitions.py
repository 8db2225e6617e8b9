"""The fake's metafield definitions, standard definitions and metaobjects, and what definitions do to metafields."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fake.conftest import EmptyStore

CREATE = """
mutation Create($definition: MetafieldDefinitionInput!) {
  metafieldDefinitionCreate(definition: $definition) {
    createdDefinition {
      id namespace key name ownerType type { name category } pinnedPosition access { admin storefront }
      validations { name type value } constraints { key values(first: 5) { nodes { value } } }
      capabilities { adminFilterable { enabled eligible status } uniqueValues { enabled eligible } }
    }
    userErrors { field message code }
  }
}
"""
UPDATE = """
mutation Update($definition: MetafieldDefinitionUpdateInput!) {
  metafieldDefinitionUpdate(definition: $definition) {
    updatedDefinition { name description pinnedPosition validations { name value } } validationJob { id }
    userErrors { field message code }
  }
}
"""
DELETE = """
mutation Delete($id: ID!, $all: Boolean!) {
  metafieldDefinitionDelete(id: $id, deleteAllAssociatedMetafields: $all) {
    deletedDefinitionId userErrors { field message code }
  }
}
"""
PIN = """
mutation Pin($id: ID!) {
  metafieldDefinitionPin(definitionId: $id) { pinnedDefinition { pinnedPosition } userErrors { message code } }
}
"""
SET = """
mutation Set($metafields: [MetafieldsSetInput!]!) {
  metafieldsSet(metafields: $metafields) { metafields { type definition { key } } userErrors { field message code } }
}
"""
ENABLE = """
mutation Enable($owner: MetafieldOwnerType!, $id: ID, $namespace: String, $key: String, $pin: Boolean) {
  standardMetafieldDefinitionEnable(ownerType: $owner, id: $id, namespace: $namespace, key: $key, pin: $pin) {
    createdDefinition { id namespace key pinnedPosition validations { name value } access { storefront } }
    userErrors { field message code }
  }
}
"""
COLOR: dict[str, Any] = {
    "name": "Shade",
    "namespace": "custom",
    "key": "shade",
    "ownerType": "PRODUCT",
    "type": "single_line_text_field",
}
NAMED = {name: COLOR[name] for name in ("namespace", "key", "ownerType")}


def made(store: EmptyStore, **values: Any) -> dict[str, Any]:
    answer = store.data(CREATE, definition=COLOR | values)
    assert answer["userErrors"] == [], answer
    found: dict[str, Any] = answer["createdDefinition"]
    return found


def refusals(answer: dict[str, Any]) -> list[tuple[str | None, str]]:
    return [(".".join(error["field"]) if error["field"] else None, error["code"]) for error in answer["userErrors"]]


def product(store: EmptyStore, title: str = "Shirt") -> str:
    document = "mutation P($product: ProductCreateInput!) { productCreate(product: $product) { product { id } } }"
    return str(store.data(document, product={"title": title})["product"]["id"])


def put(store: EmptyStore, owner: str, value: str, **values: Any) -> dict[str, Any]:
    answer: dict[str, Any] = store.data(
        SET, metafields=[{"ownerId": owner, "namespace": "custom", "key": "shade", "value": value} | values]
    )
    return answer


def test_new_definition_shows_its_type_and_what_it_could_do(empty_store: EmptyStore) -> None:
    found = made(empty_store, validations=[{"name": "max", "value": "8"}], capabilities={"adminFilterable": {"enabled": True}})

    assert found["type"] == {"name": "single_line_text_field", "category": "TEXT"}
    assert found["validations"] == [{"name": "max", "type": "number_integer", "value": "8"}]
    assert found["access"] == {"admin": "PUBLIC_READ_WRITE", "storefront": "NONE"}
    assert found["capabilities"] == {
        "adminFilterable": {"enabled": True, "eligible": True, "status": "FILTERABLE"},
        "uniqueValues": {"enabled": False, "eligible": True},
    }


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"namespace": "ab", "key": "x"}, [("definition.namespace", "TOO_SHORT"), ("definition.key", "TOO_SHORT")]),
        ({"key": "a b"}, [("definition.key", "INVALID_CHARACTER")]),
        ({"name": "x" * 256}, [("definition.name", "TOO_LONG")]),
        ({"type": "colour"}, [("definition.type", "INCLUSION")]),
        ({"validations": [{"name": "pattern", "value": "x"}]}, [("definition.validations", "INVALID_OPTION")]),
        ({"validations": [{"name": "max", "value": "many"}]}, [("definition.validations", "INVALID_OPTION")]),
        ({"access": {"admin": "MERCHANT_READ"}}, [("definition", "INVALID")]),
        ({"type": "json", "capabilities": {"uniqueValues": {"enabled": True}}}, [("definition", "INVALID_CAPABILITY")]),
        (
            {"type": "id", "capabilities": {"uniqueValues": {"enabled": False}}},
            [("definition", "CAPABILITY_REQUIRED_BUT_DISABLED")],
        ),
        (
            {"pin": True, "constraints": {"key": "category", "values": ["gid://shopify/TaxonomyCategory/aa-1"]}},
            [("definition", "UNSUPPORTED_PINNING")],
        ),
    ],
    ids=["short", "characters", "long name", "type", "option", "option value", "access", "capability", "id", "constrained pin"],
)
def test_definition_refuses(empty_store: EmptyStore, values: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    answer = empty_store.data(CREATE, definition=COLOR | values)

    assert answer["createdDefinition"] is None
    assert refusals(answer) == expected


def test_key_is_unique_for_its_owner_type_only(empty_store: EmptyStore) -> None:
    made(empty_store)

    again = empty_store.data(CREATE, definition=COLOR)
    other = made(empty_store, ownerType="CUSTOMER")

    text = "Key is in use for Product metafields on the 'custom' namespace."
    assert again["userErrors"] == [{"field": ["definition", "key"], "message": text, "code": "TAKEN"}]
    assert other["ownerType"] == "CUSTOMER"


def test_namespace_of_shopify_or_of_another_app_is_denied(empty_store: EmptyStore) -> None:
    for namespace in ("shopify", "app--1--theirs"):
        answer = empty_store.answer(CREATE, definition=COLOR | {"namespace": namespace})

        assert answer["data"] == {"metafieldDefinitionCreate": None}
        assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


def test_own_app_namespace_is_written_out(empty_store: EmptyStore) -> None:
    found = made(empty_store, namespace="$app:sizes", access={"admin": "MERCHANT_READ"})

    assert found["namespace"].startswith("app--")
    assert found["namespace"].endswith("--sizes")
    assert found["access"]["admin"] == "MERCHANT_READ"
    named = {"ownerType": "PRODUCT", "namespace": "$app:sizes", "key": "shade"}
    read = "query D($by: MetafieldDefinitionIdentifierInput!) { metafieldDefinition(identifier: $by) { id } }"
    assert empty_store.data(read, by=named) == {"id": found["id"]}


def test_pins_count_up_and_close_gaps(empty_store: EmptyStore) -> None:
    first, second = made(empty_store, key="one", pin=True), made(empty_store, key="two", pin=True)
    third = made(empty_store, key="three")

    again = empty_store.data(PIN, id=second["id"])
    empty_store.data("mutation U($id: ID!) { metafieldDefinitionUnpin(definitionId: $id) { userErrors { code } } }", id=first["id"])
    placed = empty_store.data(PIN, id=third["id"])

    assert (first["pinnedPosition"], second["pinnedPosition"]) == (1, 2)
    assert again["userErrors"] == [{"message": "Definition already pinned.", "code": "ALREADY_PINNED"}]
    assert placed["pinnedDefinition"] == {"pinnedPosition": 2}


def test_update_names_the_definition_and_keeps_the_rest(empty_store: EmptyStore) -> None:
    made(empty_store, description="Before")

    changed = empty_store.data(UPDATE, definition=NAMED | {"name": "Tone", "validations": [{"name": "max", "value": "3"}]})
    unknown = empty_store.data(UPDATE, definition=NAMED | {"key": "other", "name": "Tone"})

    expected = {"name": "Tone", "description": "Before", "pinnedPosition": None, "validations": [{"name": "max", "value": "3"}]}
    assert (changed["updatedDefinition"], changed["validationJob"]) == (expected, None)
    assert refusals(unknown) == [("definition", "NOT_FOUND")]


def test_constraints_change_by_value(empty_store: EmptyStore) -> None:
    one, two = ("gid://shopify/TaxonomyCategory/aa-1", "gid://shopify/TaxonomyCategory/aa-1-1")
    made(empty_store, constraints={"key": "category", "values": [one]})
    changes = {"key": "category", "values": [{"delete": one}, {"create": two}]}

    empty_store.data(UPDATE, definition=NAMED | {"constraintsUpdates": changes})

    read = """{ metafieldDefinitions(ownerType: PRODUCT, first: 5, constraintStatus: CONSTRAINED_ONLY) {
      nodes { constraints { key values(first: 5) { nodes { value } } } } } }"""
    shown = empty_store.data(read)["nodes"]
    assert shown == [{"constraints": {"key": "category", "values": {"nodes": [{"value": "aa-1-1"}]}}}]


def test_list_is_filtered_and_sorted(empty_store: EmptyStore) -> None:
    for key, name in (("one", "Zulu"), ("two", "Alpha"), ("three", "Mike")):
        made(empty_store, key=key, name=name, pin=key == "one")
    document = """query L($query: String, $pinned: MetafieldDefinitionPinnedStatus) {
      metafieldDefinitions(ownerType: PRODUCT, first: 10, query: $query, pinnedStatus: $pinned, sortKey: NAME) {
        nodes { name } } }"""

    def names(**arguments: Any) -> list[str]:
        return [node["name"] for node in empty_store.data(document, **arguments)["nodes"]]

    assert names() == ["Alpha", "Mike", "Zulu"]
    assert names(query="key:two") == ["Alpha"]
    assert names(pinned="PINNED") == ["Zulu"]


def test_definition_gives_the_type_and_checks_the_value(empty_store: EmptyStore) -> None:
    made(empty_store, validations=[{"name": "max", "value": "4"}])
    owner = product(empty_store)

    good = put(empty_store, owner, "blue")
    long = put(empty_store, owner, "turquoise")
    other = put(empty_store, owner, "1", type="number_integer")

    assert good["metafields"] == [{"type": "single_line_text_field", "definition": {"key": "shade"}}]
    assert refusals(long) == [("metafields.0.value", "INVALID_VALUE")]
    assert refusals(other) == [("metafields.0.type", "INVALID_TYPE")]


def test_unique_values_are_kept_unique(empty_store: EmptyStore) -> None:
    made(empty_store, type="id")
    one, two = product(empty_store, "One"), product(empty_store, "Two")

    first, again, taken = (put(empty_store, owner, "A-1") for owner in (one, one, two))

    assert first["userErrors"] == again["userErrors"] == []
    assert refusals(taken) == [("metafields.0.value", "TAKEN")]


def test_deletion_takes_metafields_along_only_on_demand(empty_store: EmptyStore) -> None:
    owner = product(empty_store)
    read = 'query R($id: ID!) { product(id: $id) { metafield(namespace: "custom", key: "shade") { value definition { id } } } }'
    ids = [made(empty_store)["id"]]
    put(empty_store, owner, "blue")

    empty_store.data(DELETE, id=ids[0], all=False)
    loose = empty_store.data(read, id=owner)
    ids.append(made(empty_store)["id"])
    empty_store.data(DELETE, id=ids[1], all=True)

    assert loose == {"metafield": {"value": "blue", "definition": None}}
    assert empty_store.data(read, id=owner) == {"metafield": None}


@pytest.mark.parametrize(
    ("type_name", "code"),
    [("id", "ID_TYPE_DELETION_ERROR"), ("list.product_reference", "REFERENCE_TYPE_DELETION_ERROR")],
    ids=["id", "reference"],
)
def test_ids_and_references_go_with_their_metafields_only(empty_store: EmptyStore, type_name: str, code: str) -> None:
    own = made(empty_store, type=type_name)["id"]

    assert refusals(empty_store.data(DELETE, id=own, all=False)) == [(None, code)]
    assert empty_store.data(DELETE, id=own, all=True)["deletedDefinitionId"] == own


def test_definition_counts_its_metafields(empty_store: EmptyStore) -> None:
    own = made(empty_store)["id"]
    put(empty_store, product(empty_store), "blue")

    document = "query D($id: ID!) { metafieldDefinition(id: $id) { metafieldsCount metafields(first: 5) { nodes { value } } } }"

    assert empty_store.data(document, id=own) == {"metafieldsCount": 1, "metafields": {"nodes": [{"value": "blue"}]}}


def test_types_list_their_validation_options(empty_store: EmptyStore) -> None:
    found = empty_store.data("{ metafieldDefinitionTypes { name category supportedValidations { name type } } }")

    by_name = {one["name"]: one for one in found}
    assert by_name["number_decimal"]["category"] == "NUMBER"
    assert {"name": "choices", "type": "list.single_line_text_field"} in by_name["single_line_text_field"]["supportedValidations"]
    assert {"name": "list.max", "type": "number_integer"} in by_name["list.url"]["supportedValidations"]


def test_standard_definition_is_enabled_once(empty_store: EmptyStore) -> None:
    template = "gid://shopify/StandardMetafieldDefinitionTemplate/1"

    first = empty_store.data(ENABLE, owner="PRODUCT", id=template)["createdDefinition"]
    again = empty_store.data(ENABLE, owner="PRODUCT", namespace="descriptors", key="subtitle", pin=True)["createdDefinition"]

    assert (first["namespace"], first["key"], first["pinnedPosition"]) == ("descriptors", "subtitle", None)
    assert first["validations"] == [{"name": "max", "value": "70"}]
    assert (again["id"], again["pinnedPosition"]) == (first["id"], 1)
    listed = empty_store.data("{ standardMetafieldDefinitionTemplates(first: 9, excludeActivated: true) { nodes { id } } }")
    assert template not in [node["id"] for node in listed["nodes"]]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"owner": "PRODUCT"}, None),
        ({"owner": "CUSTOMER", "id": "gid://shopify/StandardMetafieldDefinitionTemplate/1"}, "id"),
        ({"owner": "PRODUCT", "namespace": "none", "key": "such"}, None),
    ],
    ids=["nothing named", "wrong owner", "unknown name"],
)
def test_unknown_standard_definition_is_refused(empty_store: EmptyStore, given: dict[str, str], field: str | None) -> None:
    assert refusals(empty_store.data(ENABLE, **given)) == [(field, "TEMPLATE_NOT_FOUND")]


def test_standard_metaobject_values_become_option_values(empty_store: EmptyStore) -> None:
    enabled = empty_store.data(ENABLE, owner="PRODUCT", namespace="shopify", key="material")["createdDefinition"]
    create = """mutation M($metaobject: MetaobjectCreateInput!) {
      metaobjectCreate(metaobject: $metaobject) { metaobject { id handle displayName } userErrors { field code elementKey } } }"""
    given = {"type": "shopify--material", "fields": [{"key": "label", "value": "Raw linen"}]}
    linen = empty_store.data(create, metaobject=given)["metaobject"]
    wrong = empty_store.data(create, metaobject=given | {"fields": [{"key": "weave", "value": "x"}]})
    link = {"namespace": "shopify", "key": "material", "values": [linen["id"]]}
    options = """mutation O($id: ID!, $options: [OptionCreateInput!]!) { productOptionsCreate(productId: $id, options: $options) {
      product { options { name linkedMetafield { key } optionValues { name linkedMetafieldValue } } } userErrors { code } } }"""

    added = empty_store.data(options, id=product(empty_store), options=[{"linkedMetafield": link}])["product"]["options"]

    assert enabled["access"] == {"storefront": "PUBLIC_READ"}
    assert (linen["handle"], linen["displayName"]) == ("raw-linen", "Raw linen")
    assert [error["code"] for error in wrong["userErrors"]] == ["UNDEFINED_OBJECT_FIELD", "OBJECT_FIELD_REQUIRED"]
    value = {"name": "Raw linen", "linkedMetafieldValue": linen["id"]}
    assert added == [{"name": "Material", "linkedMetafield": {"key": "material"}, "optionValues": [value]}]


def test_metaobjects_of_an_own_type(empty_store: EmptyStore) -> None:
    define = """mutation D($definition: MetaobjectDefinitionCreateInput!) {
      metaobjectDefinitionCreate(definition: $definition) { metaobjectDefinition { id type } userErrors { code } } }"""
    upsert = """mutation U($handle: MetaobjectHandleInput!, $metaobject: MetaobjectUpsertInput!) {
      metaobjectUpsert(handle: $handle, metaobject: $metaobject) { metaobject { id displayName } userErrors { code } } }"""
    fields = [{"key": "title", "type": "single_line_text_field"}, {"key": "stars", "type": "number_integer"}]
    definition = {"type": "$app:review", "name": "Review", "displayNameKey": "title", "fieldDefinitions": fields}
    handle = {"type": "$app:review", "handle": "good"}

    empty_store.data(define, definition=definition)
    again = empty_store.data(define, definition=definition)
    first, second = (
        empty_store.data(
            upsert, handle=handle, metaobject={"fields": [{"key": "title", "value": title}, {"key": "stars", "value": "5"}]}
        )
        for title in ("Good", "Very good")
    )

    assert again["userErrors"] == [{"code": "TAKEN"}]
    assert first["metaobject"]["id"] == second["metaobject"]["id"]
    listed = empty_store.data(
        '{ metaobjects(type: "$app:review", first: 5) { nodes { displayName field(key: "stars") { jsonValue } } } }'
    )
    assert listed == {"nodes": [{"displayName": "Very good", "field": {"jsonValue": 5}}]}
