"""Documents made fit for bulk operations: values written in, fragments spread out, what may not be read left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    OperationDefinitionNode,
    get_named_type,
    parse,
    print_ast,
    validate,
    value_from_ast_untyped,
)
from hypothesis import given
from hypothesis import strategies as st

from fake_shopify.schema import load_schema
from shopify_bulk.literals import ENUM_FIELDS, SCALARS
from shopify_bulk.preparation import prepare, probe_of, pruned
from shopify_kit.errors import AccessDenied, IntegrationError, InvalidInput, UpstreamFailed
from tests.bulk_shop import PRODUCTS, USER, BulkShop, with_token
from tests.web_host import control, fault, grant

pytest_plugins = ("tests.bulk_fixtures",)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
NAMES = st.from_regex(r"[a-z][A-Za-z0-9_]{0,9}", fullmatch=True).filter(lambda name: name not in ENUM_FIELDS)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def written(declared: str, value: Any) -> str:
    """Return the literal that a value becomes as the argument of a query."""
    query = f"query ($v: {declared}) {{ products(query: $v) {{ edges {{ node {{ id }} }} }} }}"
    return print_ast(argument(prepare(query, {"v": value}, "Name")))


def argument(document: str) -> Any:
    """Return the first argument of the first field of a document."""
    operation = parse(document).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    field = operation.selection_set.selections[0]
    assert isinstance(field, FieldNode)
    return (field.arguments or ())[0].value


def dense(text: str) -> str:
    """Return a text without its blanks."""
    return "".join(text.split())


# Values


@pytest.mark.parametrize(
    ("declared", "value", "literal"),
    [
        pytest.param("String", 'say "x"', '"say \\"x\\""', id="quotes"),
        pytest.param("String", "a\\b", '"a\\\\b"', id="backslash"),
        pytest.param("String", "one\ntwo\ttab", '"one\\ntwo\\ttab"', id="newline"),
        pytest.param("String", "Müsli 茶 😀", '"Müsli 茶 😀"', id="unicode"),
        pytest.param("String", "ACTIVE", '"ACTIVE"', id="text that looks like an enum"),
        pytest.param("String!", "$v { id }", '"$v { id }"', id="text that looks like GraphQL"),
        pytest.param("ID!", "gid://shopify/Product/1", '"gid://shopify/Product/1"', id="id"),
        pytest.param("ID", 5, "5", id="id as a number"),
        pytest.param("DateTime", "2026-11-01T00:00:00Z", '"2026-11-01T00:00:00Z"', id="instant"),
        pytest.param("ProductSortKeys", "UPDATED_AT", "UPDATED_AT", id="enum"),
        pytest.param("[ProductStatus!]!", ["ACTIVE", "DRAFT"], "[ACTIVE, DRAFT]", id="list of enums"),
        pytest.param("ProductSortKeys", None, "null", id="null"),
        pytest.param("[ID]", [None, "a"], '[null, "a"]', id="null in a list"),
        pytest.param("[ID!]", [], "[]", id="empty list"),
        pytest.param("Boolean", False, "false", id="boolean"),
        pytest.param("Int", 250, "250", id="integer"),
        pytest.param("Float", 0.5, "0.5", id="float"),
        pytest.param("Decimal", "10.50", '"10.50"', id="decimal"),
        pytest.param(
            "ContextualPricingContext!", {"country": "CA", "locationId": "X"}, '{ country: CA, locationId: "X" }', id="input object"
        ),
        pytest.param(
            "MetafieldDefinitionIdentifierInput",
            {"ownerType": "PRODUCT", "namespace": "SPECS", "key": "WEIGHT"},
            '{ ownerType: PRODUCT, namespace: "SPECS", key: "WEIGHT" }',
            id="enum beside texts that look like one",
        ),
        pytest.param("JSON", {"unit": "KG", "list": [1, [2]]}, '{ unit: "KG", list: [1, [2]] }', id="json"),
    ],
)
def test_value_becomes_the_literal_of_its_type(declared: str, value: Any, literal: str) -> None:
    assert written(declared, value) == literal


@given(VALUES)
def test_any_value_reads_back_as_it_was(value: Any) -> None:
    assert value_from_ast_untyped(argument(prepare(JSON_QUERY, {"v": value}, "Name"))) == value


JSON_QUERY = "query ($v: JSON) { products(query: $v) { edges { node { id } } } }"


def test_list_of_scalars_and_of_enum_fields_is_that_of_the_schema() -> None:
    """The two facts about Shopify's types that literals need; addresses, which no bulk query takes, call a text `country`."""
    types = load_schema().graphql.type_map
    inputs: set[str] = set()

    def reach(kind: Any) -> None:
        named = get_named_type(kind)
        if isinstance(named, GraphQLInputObjectType) and named.name not in inputs:
            inputs.add(named.name)
            for field in named.fields.values():
                reach(field.type)

    objects = [t for t in types.values() if isinstance(t, GraphQLObjectType | GraphQLInterfaceType) and t.name != "Mutation"]
    for argument_ in (argument for kind in objects for field in kind.fields.values() for argument in field.args.values()):
        reach(argument_.type)
    fields = [
        (name, isinstance(get_named_type(field.type), GraphQLEnumType))
        for kind in sorted(inputs - {"MailingAddressInput"})
        for name, field in types[kind].fields.items()  # type: ignore[attr-defined]
    ]

    assert {name for name, is_enum in fields if is_enum} == ENUM_FIELDS
    assert {name for name, is_enum in fields if not is_enum} & ENUM_FIELDS == set()
    assert {name for name, kind in types.items() if isinstance(kind, GraphQLScalarType)} == SCALARS


def test_variable_without_a_value_takes_its_default_or_goes() -> None:
    query = """
    query ($text: String = "mug", $sort: ProductSortKeys, $ids: [ID], $is: Boolean! = true) {
      products(query: $text, sortKey: $sort, savedSearchId: $ids) { edges { node { id title @include(if: $is) } } }
    }
    """

    made = prepare(query, {}, "Name")

    assert dense(made) == dense('query Name { products(query: "mug") { edges { node { id title @include(if: true) } } } }')


def test_absent_variable_in_a_list_is_null_there() -> None:
    query = "query ($a: ID, $b: ID) { products(ids: [$a, $b]) { edges { node { id } } } }"

    assert print_ast(argument(prepare(query, {"b": "x"}, "Name"))) == '[null, "x"]'


@pytest.mark.parametrize(
    ("query", "variables", "code", "field"),
    [
        pytest.param("{ products(query: $q) { edges { node { id } } } }", {}, "query_not_allowed", "query", id="undeclared"),
        pytest.param("query ($q: String!) { a }", {}, "validation_error", "variables.q", id="no value"),
        pytest.param("query ($q: String!) { a }", {"q": None}, "validation_error", "variables.q", id="null for what is needed"),
        pytest.param(PRODUCTS, {"q": "x"}, "validation_error", "variables.q", id="value for nothing"),
        pytest.param("query ($q: Sort) { a }", {"q": "no enum"}, "validation_error", "variables.q", id="no enum value"),
        pytest.param("query ($q: Sort) { a }", {"q": "null"}, "validation_error", "variables.q", id="word that is no enum value"),
        pytest.param("query ($q: In) { a }", {"q": {"a: 1} x": 1}}, "validation_error", "variables.q", id="name that breaks out"),
        pytest.param("query ($q: String) { a }", {"q": "\ud800"}, "validation_error", "variables.q", id="half a character"),
        pytest.param("query ($q: String) { a }", {"q": b"x"}, "validation_error", "variables.q", id="no json"),
        pytest.param("{ products {", {}, "query_not_allowed", "query", id="no graphql"),
        pytest.param("mutation { a { id } }", {}, "query_not_allowed", "query", id="mutation"),
        pytest.param(f"query A {PRODUCTS} query B {PRODUCTS}", {}, "query_not_allowed", "query", id="two operations"),
        pytest.param("{ shop { id } }", {}, "query_not_allowed", "query", id="no connection"),
        pytest.param("{ node(id: 1) { id } }", {}, "query_not_allowed", "query", id="node"),
        pytest.param("{ products { edges { node { id ...F } } } }", {}, "query_not_allowed", "query", id="missing fragment"),
        pytest.param(
            "{ products { edges { node { ...F } } } } fragment F on Product { id ...F }",
            {},
            "query_not_allowed",
            "query",
            id="loop",
        ),
    ],
)
def test_query_that_cannot_run_in_bulk_is_refused_at_once(query: str, variables: Mapping[str, Any], code: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        prepare(query, variables, "Name")

    assert (refused.value.code, refused.value.details[0]["field"]) == (code, field)  # type: ignore[index]


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param(" ".join(f"c{n}: media {{ edges {{ node {{ id }} }} }}" for n in range(5)), id="six connections"),
        pytest.param("a { edges { node { id b { edges { node { id c { edges { node { id } } } } } } } } }", id="three below"),
    ],
)
def test_query_with_too_many_connections_is_refused_at_once(inner: str) -> None:
    with pytest.raises(InvalidInput, match="at most 5 connections"):
        prepare(f"{{ products {{ edges {{ node {{ id {inner} }} }} }} }}", {}, "Name")


def test_document_that_is_long_only_by_its_blanks_is_written_without_them() -> None:
    fields = " ".join(f"f{number}" for number in range(8_000))

    made = prepare(f"{{ products {{ edges {{ node {{ {fields} }} }} }} }}", {}, "Name")

    assert len(made.encode()) <= 65_535
    with pytest.raises(InvalidInput, match="65535 bytes"):
        prepare(f"{{ products {{ edges {{ node {{ {fields} {fields.replace('f', 'g')} }} }} }} }}", {}, "Name")


# Fragments


def test_fragments_stand_where_they_are_used() -> None:
    query = """
    query ($q: String) { products(query: $q) { ...Page } }
    fragment Page on ProductConnection { edges { node { ...Some } } }
    fragment Some on Product { id ...More @include(if: true) }
    fragment More on Product { title metafield(namespace: "n", key: "k") { value } }
    """

    made = prepare(query, {"q": "mug"}, "Name")

    assert "fragment" not in made
    assert "..." + "Some" not in made
    assert validate(load_schema().graphql, parse(made)) == []
    assert dense('... on Product @include(if: true) { title metafield(namespace: "n", key: "k") { value } }') in dense(made)
    assert "first: 1" in probe_of(made)


def test_query_with_variables_and_fragments_brings_what_it_asks_for(bulk: BulkShop) -> None:
    query = """
    query Mine($q: String!, $sort: ProductSortKeys, $context: ContextualPricingContext!, $with: Boolean = true) {
      products(query: $q, sortKey: $sort, first: 3) { edges { node { ...Some } } }
    }
    fragment Some on Product {
      id status title @include(if: $with) contextualPricing(context: $context) { fixedQuantityRulesCount }
    }
    """

    done = bulk.run(query, {"q": "status:active", "sort": "TITLE", "context": {"country": "CA"}})

    documents = bulk.documents(done)
    assert len(documents) == done.object_count > 3
    assert {one["status"] for one in documents} == {"ACTIVE"}
    assert all(one["title"] for one in documents)
    assert done.name in bulk.remote()[0]["query"]


# What may not be read


SECRETS = """
{ orders { edges { node {
  id name fulfillmentOrders { edges { node { id } } } customer { id email } lineItems { edges { node { id } } }
} } } }
"""


def test_fields_that_may_not_be_read_are_left_out_and_told(bulk: BulkShop) -> None:
    """One of them would make Shopify fail the whole operation. The first hides the second: without it there is no order at all."""
    weaker = with_token(bulk, grant(bulk.store, bulk.shop, scopes=["read_orders", "read_products"]))

    done = weaker.run(SECRETS)

    assert done.dropped_fields == ("orders.customer", "orders.fulfillmentOrders")
    documents = weaker.documents(done)
    assert {"id", "name"} == set(documents[0])
    assert any("__parentId" in one for one in documents)


def test_our_own_exports_are_probed_too(bulk: BulkShop) -> None:
    """They are tried by the worker, so that starting them does not wait for Shopify."""
    weaker = with_token(bulk, grant(bulk.store, bulk.shop, scopes=["read_orders", "read_products"]))

    done = weaker.finish(weaker.api.export(USER, weaker.shop_id, "ExportOrders", {}))

    assert (done.status, "orders.customer" in done.dropped_fields) == ("completed", True)
    found, _ = weaker.api.exported(done, "orders", "USD", 250)
    assert {order.customer for order in found} == {None}
    assert found[0].line_items


def test_export_that_is_nothing_without_a_denied_field_says_so(bulk: BulkShop) -> None:
    done = bulk.run("{ products { edges { node { id variants { edges { node { id } } } } } } }")
    bare = msgspec.structs.replace(done, dropped_fields=("products.variants.inventoryItem",))

    with pytest.raises(AccessDenied, match="may not read products"):
        bulk.api.exported(bare, "products", "USD", 250)


def test_query_of_which_nothing_may_be_read_is_refused(bulk: BulkShop) -> None:
    weaker = with_token(bulk, grant(bulk.store, bulk.shop, scopes=["read_products"]))

    with pytest.raises(InvalidInput) as refused:
        weaker.start("{ customers { edges { node { id } } } }")

    assert (refused.value.code, refused.value.details) == ("access_denied", [{"field": "customers", "reason": "access denied"}])
    assert weaker.remote() == []


def test_query_that_shopify_does_not_know_is_refused(bulk: BulkShop) -> None:
    with pytest.raises(InvalidInput) as refused:
        bulk.start("{ products { edges { node { id tittle } } } }")

    assert refused.value.code == "query_not_allowed"
    assert "tittle" in str(refused.value.details)


def test_trouble_during_the_probe_is_no_verdict_on_the_query(bulk: BulkShop) -> None:
    with fault(bulk.store, "5xx"), pytest.raises(IntegrationError) as failed:
        bulk.start()

    assert isinstance(failed.value, UpstreamFailed)


def test_query_too_dear_to_be_probed_runs_all_the_same(bulk: BulkShop) -> None:
    """What a query costs does not count in bulk."""
    objects = " ".join(f'm{n}: metafield(namespace: "n", key: "k") {{ id }}' for n in range(1_001))
    control(bulk.store, "log", method="DELETE")

    done = bulk.run(f"{{ products {{ edges {{ node {{ id {objects} }} }} }} }}")

    asked = control(bulk.store, "log", method="GET")["requests"]
    assert ["MAX_COST_EXCEEDED"] in [one["errors"] for one in asked]
    assert (done.dropped_fields, done.object_count) == ((), 50)


@pytest.mark.parametrize(
    ("query", "path", "left"),
    [
        pytest.param(
            "{ a { edges { node { id x { y z } } } } }", ["a", "edges", 0, "node", "x", "y"],
            "{ a { edges { node { id x { z } } } } }", id="field",
        ),
        pytest.param(
            "{ a { edges { node { id x { y } } } } }", ["a", "edges", 0, "node", "x", "y"], "{ a { edges { node { id } } } }",
            id="last field of an object",
        ),
        pytest.param(
            "{ a { edges { node { id k: x } } } }", ["a", "edges", 3, "node", "k"], "{ a { edges { node { id } } } }", id="alias"
        ),
        pytest.param(
            "{ a { edges { node { id ... on T { x } ... on U { x y } } } } }", ["a", "edges", 0, "node", "x"],
            "{ a { edges { node { id ... on U { y } } } } }", id="in fragments",
        ),
        pytest.param(
            "{ a { edges { node { id b { edges { node { x } } pageInfo { hasNextPage } } } } } }",
            ["a", "edges", 0, "node", "b", "edges", 0, "node"], "{ a { edges { node { id } } } }", id="nodes of a connection",
        ),
    ],
)  # fmt: skip
def test_denied_field_goes_with_what_is_empty_without_it(query: str, path: list[str | int], left: str) -> None:
    assert dense(pruned(query, [path])[0]) == dense(left)
