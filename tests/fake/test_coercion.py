"""Variables against what the operation declares: one error per variable, all its problems inside, nothing run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fake.conftest import EmptyStore

FIRST = "query Q($v: Int!) { locations(first: $v) { nodes { id } } }"
REVERSE = "query Q($v: Boolean) { locations(first: 1, reverse: $v) { nodes { id } } }"
SORT = "query Q($v: LocationSortKeys) { locations(first: 1, sortKey: $v) { nodes { id } } }"
SEARCH = "query Q($v: String) { locations(first: 1, query: $v) { nodes { id } } }"
NODE = "query Q($v: ID!) { node(id: $v) { id } }"
NODES = "query Q($v: [ID!]!) { nodes(ids: $v) { id } }"
CREATE = "mutation Q($v: ProductCreateInput!) { productCreate(product: $v) { product { id } userErrors { message } } }"
IDENTIFIER = "query Q($v: ProductIdentifierInput!) { productByIdentifier(identifier: $v) { id } }"
MINIMUM = "mutation Q($v: DiscountCodeBasicInput!) { discountCodeBasicCreate(basicCodeDiscount: $v) { userErrors { message } } }"
SCRIPTS = "query Q($v: URL) { scriptTags(first: 1, src: $v) { nodes { id } } }"
CARD = "mutation Q($v: GiftCardCreateInput!) { giftCardCreate(input: $v) { userErrors { message } } }"
DRAFT = "mutation Q($v: DraftOrderInput!) { draftOrderCreate(input: $v) { userErrors { message } } }"


def problems(store: EmptyStore, document: str, value: Any) -> list[dict[str, Any]]:
    """Send a document whose variable is wrong and return its problems."""
    answer = store.answer(document, v=value)
    assert list(answer) == ["errors"], "neither data nor cost"
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "INVALID_VARIABLE"
    assert error["extensions"]["value"] == value
    assert error["message"].startswith("Variable $v of type ")
    assert error["locations"] == [{"line": 1, "column": error["locations"][0]["column"]}]
    found: list[dict[str, Any]] = error["extensions"]["problems"]
    return found


@pytest.mark.parametrize(
    ("document", "value", "explanation"),
    [
        pytest.param(FIRST, "1", 'Could not coerce value "1" to Int', id="text for a number"),
        pytest.param(FIRST, 1.5, "Could not coerce value 1.5 to Int", id="fraction for a number"),
        pytest.param(FIRST, True, "Could not coerce value true to Int", id="boolean for a number"),
        pytest.param(FIRST, None, "Expected value to not be null", id="null where none may be"),
        pytest.param(REVERSE, "true", 'Could not coerce value "true" to Boolean', id="text for a boolean"),
        pytest.param(REVERSE, 1, "Could not coerce value 1 to Boolean", id="number for a boolean"),
        pytest.param(SEARCH, 5, "Could not coerce value 5 to String", id="number for a text"),
        pytest.param(SEARCH, ["é"], 'Could not coerce value ["é"] to String', id="list for a text"),
        pytest.param(SORT, "SIZE", 'Expected "SIZE" to be one of: ID, NAME, RELEVANCE', id="unknown enum value"),
        pytest.param(SORT, "id", 'Expected "id" to be one of: ID, NAME, RELEVANCE', id="enum value in lower case"),
        pytest.param(SORT, ["ID"], "to be one of: ID, NAME, RELEVANCE", id="list for an enum"),
        pytest.param(SORT, {"a": 1}, "to be one of: ID, NAME, RELEVANCE", id="object for an enum"),
        pytest.param(NODE, "12", "Invalid global id '12'", id="number for an id"),
        pytest.param(NODE, "gid://shopify/Product", "Invalid global id 'gid://shopify/Product'", id="half an id"),
        pytest.param(CREATE, "x", "Expected 'x' to be a key-value object.", id="text for an object"),
        pytest.param(CREATE, [], "Expected [] to be a key-value object.", id="list for an object"),
    ],
)
def test_wrong_value_is_explained(empty_store: EmptyStore, document: str, value: Any, explanation: str) -> None:
    (problem,) = problems(empty_store, document, value)

    assert problem["path"] == []
    assert explanation in problem["explanation"]


@pytest.mark.parametrize(
    ("document", "value", "path", "explanation"),
    [
        pytest.param(NODES, ["gid://shopify/Product/1", "x"], [1], "Invalid global id 'x'", id="in a list"),
        pytest.param(NODES, "x", [0], "Invalid global id 'x'", id="alone in place of a list"),
        pytest.param(NODES, [None], [0], "Expected value to not be null", id="null in a list"),
        pytest.param(CREATE, {"title": 5}, ["title"], "Could not coerce value 5 to String", id="in an object"),
        pytest.param(CREATE, {"size": 5}, ["size"], "Field is not defined on ProductCreateInput", id="unknown field"),
        pytest.param(CREATE, {"metafields": [{}, {"value": []}]}, ["metafields", 1, "value"], "to String", id="deep"),
        pytest.param(
            CREATE,
            {"productOptions": [{"linkedMetafield": {"key": "k"}}]},
            ["productOptions", 0, "linkedMetafield", "namespace"],
            "Expected value to not be null",
            id="field missing",
        ),
        pytest.param(IDENTIFIER, {}, [], "requires exactly one argument, but 0 were provided.", id="none of one"),
        pytest.param(IDENTIFIER, {"handle": None}, [], "but 'handle' was `null`.", id="null of one"),
        pytest.param(CARD, {"initialValue": "abc"}, ["initialValue"], "invalid decimal 'abc'", id="decimal"),
        pytest.param(CARD, {"initialValue": "NaN"}, ["initialValue"], "invalid decimal 'NaN'", id="decimal that is no number"),
        pytest.param(CARD, {"initialValue": 1, "expiresOn": "soon"}, ["expiresOn"], "invalid Date 'soon'", id="date"),
        pytest.param(MINIMUM, {"startsAt": "x"}, ["startsAt"], "invalid DateTime 'x'", id="instant"),
        pytest.param(
            MINIMUM,
            {"minimumRequirement": {"quantity": {"greaterThanOrEqualToQuantity": "-1"}}},
            ["minimumRequirement", "quantity", "greaterThanOrEqualToQuantity"],
            "UnsignedInt64 '-1' is out of range",
            id="unsigned",
        ),
        pytest.param(SCRIPTS, "example.com", [], "Invalid url 'example.com', missing scheme", id="url without a scheme"),
        pytest.param(SCRIPTS, "https://", [], "Invalid url 'https://', missing host", id="url without a host"),
        pytest.param(SCRIPTS, "https://[::1", [], "Invalid url 'https://[::1'", id="url with half a bracket"),
    ],
)
def test_wrong_part_is_named_by_its_path(
    empty_store: EmptyStore, document: str, value: Any, path: list[Any], explanation: str
) -> None:
    found = next(problem for problem in problems(empty_store, document, value) if problem["path"] == path)

    assert explanation in found["explanation"]


def test_all_problems_of_a_variable_are_listed_at_once(empty_store: EmptyStore) -> None:
    value = {"title": 5, "size": 1, "status": "NEW", "metafields": [{"key": 1}]}

    found = problems(empty_store, CREATE, value)
    message = empty_store.answer(CREATE, v=value)["errors"][0]["message"]

    assert [problem["path"] for problem in found] == [["title"], ["size"], ["status"], ["metafields", 0, "key"]]
    assert "metafields.0.key (Could not coerce value 1 to String)" in message


def test_every_wrong_variable_has_its_own_error(empty_store: EmptyStore) -> None:
    query = "query Q($a: Int!, $b: Boolean, $c: String) { locations(first: $a, reverse: $b, query: $c) { nodes { id } } }"

    answer = empty_store.answer(query, a="1", b="x", c="fine")

    assert [error["message"].split(" of ")[0] for error in answer["errors"]] == ["Variable $a", "Variable $b"]


def test_wrong_mutation_changes_nothing(empty_store: EmptyStore) -> None:
    problems(empty_store, CREATE, {"title": "Mug", "status": "NEW"})

    assert empty_store.data("{ productsCount { count } }") == {"count": 0}


@pytest.mark.parametrize(
    ("document", "variables", "count"),
    [
        pytest.param("query($n: Int = 1) { locations(first: $n) { nodes { id } } }", {}, 1, id="default"),
        pytest.param("query($n: Int! = 1) { locations(first: $n) { nodes { id } } }", {}, 1, id="default of what must not be null"),
        pytest.param("query($n: Int = 1) { locations(first: $n) { nodes { id } } }", {"n": 2}, 2, id="given"),
        pytest.param("query($q: String) { locations(first: 5, query: $q) { nodes { id } } }", {}, 2, id="absent"),
        pytest.param("query($q: String) { locations(first: 5, query: $q) { nodes { id } } }", {"q": None}, 2, id="null"),
        pytest.param(
            "query($n: Int!) { locations(first: $n) { nodes { id } } }", {"n": 2, "other": "ignored"}, 2, id="one too many"
        ),
    ],
)
def test_good_variables_are_taken(empty_store: EmptyStore, document: str, variables: dict[str, Any], count: int) -> None:
    assert len(empty_store.data(document, **variables)["nodes"]) == count


@pytest.mark.parametrize(("size", "is_refused"), [(250, False), (251, True)])
def test_lists_are_capped_before_anything_runs(empty_store: EmptyStore, size: int, is_refused: bool) -> None:
    answer = empty_store.answer(NODES, v=["gid://shopify/Product/1"] * size)

    if is_refused:
        (error,) = answer["errors"]
        assert error["message"] == "The input array size of 251 is greater than the maximum allowed of 250."
        assert (error["path"], error["extensions"]["code"]) == (["nodes", "ids"], "MAX_INPUT_SIZE_EXCEEDED")
    else:
        assert answer["data"]["nodes"] == [None] * 250


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["title", "id", "status", "tags", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("document", [FIRST, REVERSE, SORT, SEARCH, NODE, NODES, CREATE, IDENTIFIER, SCRIPTS, MINIMUM, CARD, DRAFT])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=JSON_VALUES)
def test_any_value_is_taken_or_refused_and_nothing_worse(empty_store: EmptyStore, document: str, value: Any) -> None:
    answer = empty_store.answer(document, v=value)

    codes = [error.get("extensions", {}).get("code") for error in answer.get("errors", ())]
    assert "INTERNAL_SERVER_ERROR" not in codes, answer
    assert "data" in answer or set(codes) == {"INVALID_VARIABLE"} or codes == ["MAX_INPUT_SIZE_EXCEEDED"]
