"""Topic names in all the ways they are written, against the schemas of every version that we declare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLEnumType

from fake_shopify.schema import load_schema
from shopify_kit.topics import COMPLIANCE_TOPICS, DEFAULT_TOPICS, TOPICS, enum_value, same_topic, topic_of
from shopify_kit.versions import SUPPORTED_API_VERSIONS
from tests.shared_data import SHARED_DATA, needs_shared_data

CONTRACT_DEFAULTS = """
    orders/create orders/updated orders/paid orders/cancelled orders/fulfilled products/create products/update products/delete
    customers/create customers/update customers/delete inventory_levels/update inventory_items/create inventory_items/update
    collections/create collections/update collections/delete discounts/create discounts/update discounts/delete shop/update
    app/uninstalled app/scopes_update bulk_operations/finish
""".split()


def vectors(kind: str) -> list[dict[str, Any]]:
    file = Path(SHARED_DATA, "vectors_open.json")
    if not file.is_file():
        return []
    return [vector for vector in json.loads(file.read_text("utf-8"))["vectors"] if vector["kind"] == kind]


@needs_shared_data
@pytest.mark.parametrize("vector", [pytest.param(v, id=v["id"]) for v in vectors("topic_name")])
def test_known_answers_hold(vector: dict[str, Any]) -> None:
    assert enum_value(vector["inputs"]["topic"]) == vector["expected"]["graphql_enum"]


@pytest.mark.parametrize("written", ["orders/create", "orders_create", "orders-create", "ORDERS_CREATE", "Orders/Create"])
def test_a_topic_may_be_written_in_several_ways(written: str) -> None:
    assert topic_of(written) == "orders/create"


@pytest.mark.parametrize(
    ("written", "topic"),
    [
        pytest.param("inventory_levels/update", "inventory_levels/update", id="underscore_in_the_family"),
        pytest.param("INVENTORY_LEVELS_UPDATE", "inventory_levels/update", id="enum_with_underscores"),
        pytest.param("app_scopes_update", "app/scopes_update", id="underscore_in_the_action"),
        pytest.param("customers_data_request", "customers/data_request", id="compliance"),
        pytest.param("customer.tags_added", "customer.tags_added", id="dotted"),
        pytest.param("CUSTOMER_TAGS_ADDED", "customer.tags_added", id="enum_of_a_dotted_one"),
    ],
)
def test_underscores_are_read_as_what_they_stand_for(written: str, topic: str) -> None:
    assert topic_of(written) == topic


@pytest.mark.parametrize(
    "written",
    [
        "",
        "orders",
        "orders/",
        "/orders/create",
        "orders/create/",
        "quantum/flux",
        "..%2f..%2fetc%2fpasswd",
        "o" * 1_000,
        "ordérs/create",
    ],
    ids=lambda text: text[:20] or "empty",
)
def test_what_shopify_does_not_know_is_no_topic(written: str) -> None:
    assert topic_of(written) is None


def test_the_same_topic_is_recognised_known_or_not() -> None:
    assert same_topic("orders_create", "orders/create")
    assert same_topic("quantum-flux", "quantum/flux")
    assert not same_topic("orders/create", "orders/updated")


def test_no_two_topics_have_one_enum_value() -> None:
    every = [*TOPICS, *COMPLIANCE_TOPICS]

    assert len({enum_value(topic) for topic in every}) == len(every)


def test_the_default_topics_are_those_of_the_contract() -> None:
    assert sorted(DEFAULT_TOPICS) == sorted(CONTRACT_DEFAULTS)
    assert set(DEFAULT_TOPICS) <= TOPICS


@pytest.mark.parametrize("version", SUPPORTED_API_VERSIONS)
def test_every_topic_of_a_version_is_known(version: str) -> None:
    enum = load_schema(version).graphql.type_map["WebhookSubscriptionTopic"]
    assert isinstance(enum, GraphQLEnumType)

    unknown = sorted(value for value in enum.values if topic_of(value) is None)

    assert unknown == []


def test_no_topic_was_made_up() -> None:
    known = set[str]()
    for version in SUPPORTED_API_VERSIONS:
        enum = load_schema(version).graphql.type_map["WebhookSubscriptionTopic"]
        assert isinstance(enum, GraphQLEnumType)
        known |= set(enum.values)

    assert sorted(enum_value(topic) for topic in TOPICS if enum_value(topic) not in known) == []
