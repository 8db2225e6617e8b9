"""What is wrong with a document before it runs: one error per mistake, with its code and the path of the syntax."""

from __future__ import annotations

import pytest
from graphql import parse
from hypothesis import given
from hypothesis import strategies as st

from fake_shopify.engine import executable
from fake_shopify.static import validate
from tests.fake.conftest import EmptyStore

PRODUCT_INPUT = 'productCreate(product: {title: "x"%s}) { product { id } }'
LINKED_OPTION = """
productOptionsCreate(productId: "gid://shopify/Product/1", options: [{linkedMetafield: {key: "k"}}]) { userErrors { code } }
""".strip()

MISTAKES = {
    "unknown field": ("{ nothing }", "undefinedField", ["query", "nothing"], "Field 'nothing' doesn't exist on type 'QueryRoot'"),
    "unknown field of an object": ("query Q { shop { x } }", "undefinedField", ["query Q", "shop", "x"], "on type 'Shop'"),
    "unknown field under an alias": ("{ shop { y: x } }", "undefinedField", ["query", "shop", "y"], "Field 'x' doesn't exist"),
    "unknown argument": (
        "{ products(first: 1, x: 2) { nodes { id } } }",
        "argumentNotAccepted",
        ["query", "products", "x"],
        "Field 'products' doesn't accept argument 'x'",
    ),
    "argument missing": ("{ product { id } }", "missingRequiredArguments", ["query", "product"], "missing required arguments: id"),
    "object without selections": ("{ shop }", "selectionMismatch", ["query", "shop"], "Did you mean 'shop { ... }'?"),
    "scalar with selections": ("{ shop { name { x } } }", "selectionMismatch", ["query", "shop", "name"], 'has selections ["x"]'),
    "enum with selections": ("{ shop { currencyCode { x } } }", "selectionMismatch", ["query", "shop", "currencyCode"], "on enums"),
    "text for a number": (
        '{ products(first: "1") { nodes { id } } }',
        "argumentLiteralsIncompatible",
        ["query", "products", "first"],
        "has an invalid value (\"1\"). Expected type 'Int'.",
    ),
    "unknown enum value": (
        "{ products(first: 1, sortKey: SIZE) { nodes { id } } }",
        "argumentLiteralsIncompatible",
        ["query", "products", "sortKey"],
        "(SIZE). Expected type 'ProductSortKeys'.",
    ),
    "id that is none": (
        'query Q { node(id: "x") { id } }',
        "argumentLiteralsIncompatible",
        ["query Q", "node", "id"],
        "Invalid global id 'x'",
    ),
    "null where none may be": (
        "{ node(id: null) { id } }",
        "argumentLiteralsIncompatible",
        ["query", "node", "id"],
        "(null). Expected type 'ID!'",
    ),
    "unknown input field": (
        "mutation M { " + PRODUCT_INPUT % ", size: 1" + " }",
        "argumentNotAccepted",
        ["mutation M", "productCreate", "product", "size"],
        "InputObject 'ProductCreateInput' doesn't accept argument 'size'",
    ),
    "input field missing": (
        f"mutation {{ {LINKED_OPTION} }}",
        "missingRequiredInputObjectAttribute",
        ["mutation", "productOptionsCreate", "options", 0, "linkedMetafield", "namespace"],
        "Argument 'namespace' on InputObject 'LinkedMetafieldCreateInput' is required. Expected type String!",
    ),
    "two of one": (
        '{ productByIdentifier(identifier: {id: "gid://shopify/Product/1", handle: "x"}) { id } }',
        "invalidOneOfInputObject",
        ["query", "productByIdentifier", "identifier"],
        "OneOf Input Object 'ProductIdentifierInput' must specify exactly one key.",
    ),
    "none of one": (
        "{ productByIdentifier(identifier: {}) { id } }",
        "invalidOneOfInputObject",
        ["query", "productByIdentifier", "identifier"],
        "exactly one key",
    ),
    "variable not declared": (
        "query Q { node(id: $id) { id } }",
        "variableNotDefined",
        ["query Q", "node", "id"],
        "$id is used by Q but not declared",
    ),
    "variable not used": (
        "query Q($a: Int) { shop { id } }",
        "variableNotUsed",
        ["query Q"],
        "Variable $a is declared by Q but not used",
    ),
    "variable of an unnamed query": (
        "query($a: Int) { shop { id } }",
        "variableNotUsed",
        ["query"],
        "by anonymous query but not used",
    ),
    "variable of another type": (
        "query($id: String!) { node(id: $id) { id } }",
        "variableMismatch",
        ["query", "node", "id"],
        "Type mismatch on variable $id and argument id (String! / ID!)",
    ),
    "variable that may be null": (
        "query($id: ID) { node(id: $id) { id } }",
        "variableMismatch",
        ["query", "node", "id"],
        "Nullability mismatch on variable $id and argument id (ID / ID!)",
    ),
    "variable that is a list": (
        "query($id: [ID!]!) { node(id: $id) { id } }",
        "variableMismatch",
        ["query", "node", "id"],
        "List dimension mismatch",
    ),
    "type of a variable unknown": (
        "query Q($a: Nope) { node(id: $a) { id } }",
        "variableRequiresValidType",
        ["query Q"],
        "Nope isn't a defined input type (on $a)",
    ),
    "fragment unknown": (
        "{ shop { ...A } }",
        "useAndDefineFragment",
        ["query", "shop", "... A"],
        "Fragment A was used, but not defined",
    ),
    "fragment unused": (
        "{ shop { id } } fragment A on Shop { id }",
        "useAndDefineFragment",
        ["fragment A"],
        "Fragment A was defined, but not used",
    ),
    "fragment on an unknown type": (
        "{ shop { ...A } } fragment A on Nope { id }",
        "undefinedType",
        ["fragment A"],
        "No such type Nope",
    ),
    "inline fragment on an unknown type": (
        "{ shop { ... on Nope { id } } }",
        "undefinedType",
        ["query", "shop", "... on Nope"],
        "No such type Nope",
    ),
    "fragment on a scalar": (
        "{ shop { ...A } } fragment A on String { id }",
        "fragmentOnNonCompositeType",
        ["fragment A"],
        "(must be Union, Interface or Object)",
    ),
    "fragment that contains itself": (
        "{ shop { ...A } } fragment A on Shop { ...A }",
        "infiniteLoop",
        ["fragment A"],
        "Fragment A contains an infinite loop",
    ),
    "mistake inside a fragment": (
        "{ shop { ...A } } fragment A on Shop { x }",
        "undefinedField",
        ["fragment A", "x"],
        "Field 'x' doesn't exist on type 'Shop'",
    ),
    "unknown directive": ("{ shop @x { id } }", "undefinedDirective", ["query", "shop"], "Directive @x is not defined"),
    "subscription": ("subscription { x }", "missingRoot", ["subscription"], "Schema is not configured for subscriptions"),
}


@pytest.mark.parametrize(("document", "code", "path", "words"), [pytest.param(*row, id=name) for name, row in MISTAKES.items()])
def test_mistake_is_told_by_code_path_and_words(
    empty_store: EmptyStore, document: str, code: str, path: list[str | int], words: str
) -> None:
    answer = empty_store.answer(document)

    assert list(answer) == ["errors"], "neither data nor cost"
    error = next(error for error in answer["errors"] if error["extensions"]["code"] == code)
    assert error["path"] == path
    assert words in error["message"]
    assert error["locations"][0]["line"] == 1


def test_mistakes_come_in_reading_order(empty_store: EmptyStore) -> None:
    answer = empty_store.answer("query Q($unused: Int) {\n  first\n  shop { second }\n  products { third }\n}")

    found = [
        (error["message"].split("'")[1] if "'" in error["message"] else "variable", error["locations"][0]["line"])
        for error in answer["errors"]
    ]
    assert found == [("first", 2), ("second", 3), ("third", 4), ("variable", 1)]


def test_variable_used_only_inside_a_fragment_is_used(empty_store: EmptyStore) -> None:
    fragments = "fragment A on QueryRoot { ...B } fragment B on QueryRoot { locations(first: $n) { nodes { id } } }"

    assert len(empty_store.data("query($n: Int!) { ...A } " + fragments, n=5)["nodes"]) == 2


def test_two_fragments_that_contain_each_other_are_both_named(empty_store: EmptyStore) -> None:
    answer = empty_store.answer("{ shop { ...A } } fragment A on Shop { ...B } fragment B on Shop { ...A }")

    assert [error["extensions"] for error in answer["errors"]] == [
        {"code": "infiniteLoop", "fragmentName": "A"},
        {"code": "infiniteLoop", "fragmentName": "B"},
    ]


@pytest.mark.parametrize(
    "document",
    [
        "{ __typename shop { __typename id } }",
        "query($after: String = null) { products(first: 1, after: $after) { nodes { id } } }",
        "query($n: Int! = 5) { products(first: $n) { nodes { id } } }",
        "query($n: Int = 5) { products(first: $n) { nodes { id } } }",
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Product { title } ... on Node { id } } }",
        '{ nodes(ids: "gid://shopify/Product/1") { id } }',
        "query($yes: Boolean!) { shop @include(if: $yes) { id } }",
        'mutation { productCreate(product: {title: "x", tags: "one"}) { userErrors { field message } } }',
        "{ __schema { types { name } } }",
    ],
)
def test_good_document_has_no_mistakes(document: str) -> None:
    assert validate(executable("2026-10").graphql, parse(document)) == []


FIELDS = st.sampled_from(
    [
        "shop",
        "name",
        "products(first: 1)",
        "nodes",
        "id",
        "nothing",
        "a: id",
        "... on Shop",
        "...F",
        "@skip(if: $x)",
        "node(id: $x)",
    ]
)


@given(st.recursive(FIELDS, lambda inner: st.tuples(FIELDS, st.lists(inner, min_size=1, max_size=3)), max_leaves=8))
def test_any_document_is_judged_and_nothing_worse(tree: object) -> None:
    def written(part: object) -> str:
        if isinstance(part, tuple):
            return f"{part[0]} {{ {' '.join(map(written, part[1]))} }}"
        return str(part)

    text = f"query Q($x: ID!) {{ shop {{ id }} {written(tree)} }} fragment F on Shop {{ name }}"
    try:
        document = parse(text)
    except Exception:
        return

    for error in validate(executable("2026-10").graphql, document):
        assert error["message"]
        assert error["extensions"]["code"]
        assert error["path"][0] in ("query Q", "fragment F")
