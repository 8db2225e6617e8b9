"""GraphQL of the callers' own: what may pass to Shopify, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.web_host import Host, Outbound

pytest_plugins = ("tests.web_fixtures",)

DEEP = "{a" * 30 + "}" * 30
DELETE = 'mutation { productDelete(input: {id: "gid://shopify/Product/1"}) { deletedProductId userErrors { message } } }'


def nested(levels: int) -> str:
    """Write a query whose selections nest so many levels deep, all of them valid."""
    return "{ shop " + "{ ... on Shop " * (levels - 1) + "{ name }" + " }" * (levels - 1) + " }"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param(DELETE, "query_not_allowed", id="mutation"),
        pytest.param("  # harmless\n" + DELETE, "query_not_allowed", id="mutation_after_a_comment"),
        pytest.param("query A { shop { name } } " + DELETE, "query_not_allowed", id="mutation_beside_a_query"),
        pytest.param("{ shop { name } } { shop { id } }", "query_not_allowed", id="two_queries"),
        pytest.param("subscription { x }", "query_not_allowed", id="subscription"),
        pytest.param("fragment F on Shop { name }", "query_not_allowed", id="fragment_alone"),
        pytest.param("type Shop { name: String }", "query_not_allowed", id="type_definition"),
        pytest.param(
            '""") { userErrors { message } } } mutation { appUninstall { app { id } } } #', "query_not_allowed", id="break_out"
        ),
        pytest.param("{ shop { name }", "query_not_allowed", id="unclosed"),
        pytest.param("{ shop { name } } }", "query_not_allowed", id="closed_twice"),
        pytest.param("name", "query_not_allowed", id="no_query"),
        pytest.param("   ", "query_not_allowed", id="blanks"),
        pytest.param("{ shop { name\x00 } }", "query_not_allowed", id="nul"),
        pytest.param("{ " + "shop { name } " * 8_000 + "}", "validation_error", id="long"),
        pytest.param("{ " + "a " * 20_001 + "}", "query_not_allowed", id="many_tokens"),
        pytest.param(DEEP, "query_too_deep", id="deep"),
        pytest.param('# "\n' + DEEP, "query_too_deep", id="deep_after_a_quote_in_a_comment"),
        pytest.param("{a" * 5_000 + "}" * 5_000, "query_too_deep", id="very_deep"),
        pytest.param("{ a(x: " + "[" * 4_000 + "]" * 4_000 + ") }", "query_too_deep", id="deep_value"),
        pytest.param(
            "query { ...F0 } "
            + " ".join(f"fragment F{n} on Q {{ a {{ ...F{n + 1} }} }}" for n in range(25))
            + " fragment F25 on Q { a }",
            "query_too_deep",
            id="deep_by_fragments",
        ),
        pytest.param("{ ...F } fragment F on QueryRoot { ...F }", "query_not_allowed", id="fragment_of_itself"),
        pytest.param(
            "{ ...A } fragment A on QueryRoot { shop { ...B } } fragment B on Shop { ...A }", "query_not_allowed", id="circle"
        ),
    ],
)
def test_document_that_may_not_pass_is_refused(host: Host, outbound: Outbound, query: str, code: str) -> None:
    answer = host.post("/graphql", {"query": query})

    assert (answer.status_code, answer.get_json()["code"]) == (400, code), answer.get_json()
    assert answer.get_json()["details"][0]["field"] == "query"
    assert outbound.sent == []


def test_fragments_that_unfold_are_looked_at_once(host: Host) -> None:
    """Each fragment spreads the next one twenty times: written out, they would be longer than any memory."""
    rows = [f"fragment F{n} on QueryRoot {{ {f'...F{n + 1} ' * 20} }}" for n in range(15)]

    answer = host.post("/graphql", {"query": "{ ...F0 } " + " ".join(rows) + " fragment F15 on QueryRoot { nothing }"})

    assert answer.status_code in (200, 400, 502)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("{ shop { name } }", id="short"),
        pytest.param("query Named($n: Int = 1) { products(first: $n) { nodes { id } } }", id="named"),
        pytest.param("# mutation { x }\n{ shop { name } }", id="mutation_in_a_comment"),
        pytest.param('{ products(first: 1, query: "mutation { x }") { nodes { id } } }', id="mutation_in_a_text"),
        pytest.param("{ ...F } fragment F on QueryRoot { shop { name } }", id="fragment"),
        pytest.param(nested(20), id="inline_fragments_are_no_levels"),
    ],
)
def test_query_passes(host: Host, query: str) -> None:
    answer = host.post("/graphql", {"query": query, "variables": {}})

    document = answer.get_json()
    assert answer.status_code == 200, document
    assert document["errors"] == []
    assert document["data"]
    assert document["cost"]["requested"] >= 0
    assert document["cost"]["throttle_status"]["available"] > 0


def test_variables_pass_as_they_are(host: Host, outbound: Outbound) -> None:
    variables = {"q": "title:'x' OR 1", "n": 3}

    answer = host.post(
        "/graphql",
        {"query": "query($q: String, $n: Int) { products(first: $n, query: $q) { nodes { id } } }", "variables": variables},
    )

    assert answer.status_code == 200
    assert outbound.sent[-1].variables == variables


def test_errors_of_shopify_come_back_beside_the_data(host: Host) -> None:
    document = host.post("/graphql", {"query": "{ shop { nothingOfThatName } }"}).get_json()

    assert document["ok"] is True
    assert document["data"] is None
    assert "nothingOfThatName" in document["errors"][0]["message"]


def test_mutations_pass_where_the_host_allows_them(make_host: Callable[..., Host]) -> None:
    host = make_host(SHOPIFY_ALLOW_MUTATIONS=True)

    answer = host.post("/graphql", {"query": DELETE})

    assert answer.status_code == 200
    (message,) = answer.get_json()["data"]["productDelete"]["userErrors"]
    assert message["message"]
    two: Any = host.post("/graphql", {"query": "query { shop { name } } " + DELETE})
    assert two.get_json()["code"] == "query_not_allowed"
