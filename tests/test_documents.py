"""Every document is valid on every Admin API version that we declare, and says of itself what is true."""

from __future__ import annotations

import pytest
from graphql import OperationDefinitionNode, parse, validate

from fake_shopify.cost import CostModel
from fake_shopify.schema import load_schema
from shopify_kit.documents import Document, Documents, parse_document
from shopify_kit.versions import SUPPORTED_API_VERSIONS

DOCUMENTS = list(Documents())


@pytest.mark.parametrize("version", SUPPORTED_API_VERSIONS)
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_document_is_valid_on_a_declared_version(document: Document, version: str) -> None:
    errors = validate(load_schema(version).graphql, parse(document.text))

    assert [error.message for error in errors] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_stated_cost_is_the_cost_of_a_usual_page(document: Document) -> None:
    """The first call takes the stated points; far too few would be throttled, far too many would wait for nothing."""
    parsed = parse(document.text)
    operation = next(d for d in parsed.definitions if isinstance(d, OperationDefinitionNode))
    cost = CostModel(load_schema().graphql, parsed, operation, {"first": 50}).requested()

    assert cost <= document.cost <= max(2 * cost, cost + 10)


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if "first" in d.text], ids=lambda d: d.name)
def test_largest_page_stays_below_the_limit_of_a_single_query(document: Document) -> None:
    parsed = parse(document.text)
    operation = next(d for d in parsed.definitions if isinstance(d, OperationDefinitionNode))

    assert CostModel(load_schema().graphql, parsed, operation, {"first": 250}).requested() <= 1000


def test_document_must_be_named_like_its_file() -> None:
    with pytest.raises(ValueError, match="one operation named Other"):
        parse_document("Other", "# scopes:\n# cost: 1\nquery GetShop { shop { id } }")


def test_document_without_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match="must begin with"):
        parse_document("GetShop", "query GetShop { shop { id } }")
