"""Webhook subscriptions that apps make through the API: what they may be, and who sees them."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.fake.conftest import EmptyStore

FIELDS = """
    id topic format filter includeFields metafieldNamespaces metafields { namespace key } name uri callbackUrl
    endpoint {
      __typename
      ... on WebhookHttpEndpoint { callbackUrl }
      ... on WebhookEventBridgeEndpoint { arn }
      ... on WebhookPubSubEndpoint { pubSubProject pubSubTopic }
    }
"""
CREATE = f"""
mutation Create($topic: WebhookSubscriptionTopic!, $input: WebhookSubscriptionInput!) {{
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $input) {{
    webhookSubscription {{ {FIELDS} }} userErrors {{ field message }}
  }}
}}
"""
UPDATE = f"""
mutation Update($id: ID!, $input: WebhookSubscriptionInput!) {{
  webhookSubscriptionUpdate(id: $id, webhookSubscription: $input) {{
    webhookSubscription {{ {FIELDS} }} userErrors {{ field message }}
  }}
}}
"""
LIST = """
query List($uri: String, $topics: [WebhookSubscriptionTopic!], $format: WebhookSubscriptionFormat) {
  webhookSubscriptions(first: 10, uri: $uri, topics: $topics, format: $format) { nodes { id } }
}
"""
HERE = "https://app.example/hooks"


def create(store: EmptyStore, topic: str = "ORDERS_CREATE", **values: Any) -> Any:
    """Subscribe and return the payload."""
    return store.data(CREATE, topic=topic, input={"uri": HERE} | values)


def subscribed(store: EmptyStore, topic: str = "ORDERS_CREATE", **values: Any) -> Any:
    """Subscribe, which must work, and return the subscription."""
    payload = create(store, topic, **values)
    assert payload["userErrors"] == []
    return payload["webhookSubscription"]


def listed(store: EmptyStore, **arguments: Any) -> list[str]:
    """Return the ids that a list shows."""
    return [node["id"] for node in store.data(LIST, **arguments)["nodes"]]


def with_app(store: EmptyStore, name: str) -> EmptyStore:
    """Register another app, install it on the shop and return the store as it sees it."""
    app = {"client_id": name, "client_secret": f"shpss_{name}", "name": name}
    requests.post(f"{store.base_url}/__fake/apps", json=app, timeout=30).raise_for_status()
    shop = store.data("{ shop { myshopifyDomain } }")["myshopifyDomain"]
    grant = {"token": f"shpat_{name}", "shop_domain": shop, "client_id": name}
    requests.post(f"{store.base_url}/__fake/grants", json=grant, timeout=30).raise_for_status()
    return EmptyStore(store.base_url, store.version, f"shpat_{name}")


def test_subscription_keeps_what_it_was_given(empty_store: EmptyStore) -> None:
    given: dict[str, Any] = {"filter": "id:*", "includeFields": ["id", "name"], "name": "orders-1"}
    given["metafields"] = [{"namespace": "a", "key": "b"}]

    made = subscribed(empty_store, **given)
    found = empty_store.data(f"query Q($id: ID!) {{ webhookSubscription(id: $id) {{ {FIELDS} }} }}", id=made["id"])

    assert found == made
    assert {name: made[name] for name in given} == given
    assert (made["format"], made["callbackUrl"], made["endpoint"]["callbackUrl"]) == ("JSON", HERE, HERE)


def test_deprecated_callback_url_is_an_address_too(empty_store: EmptyStore) -> None:
    payload = empty_store.data(CREATE, topic="ORDERS_CREATE", input={"callbackUrl": HERE})

    assert payload["webhookSubscription"]["uri"] == HERE


def test_update_leaves_alone_what_it_does_not_name(empty_store: EmptyStore) -> None:
    made = subscribed(empty_store, filter="id:1", includeFields=["id"], metafieldNamespaces=["custom"])

    changed = empty_store.data(UPDATE, id=made["id"], input={"name": "renamed", "includeFields": None})["webhookSubscription"]

    assert changed == made | {"name": "renamed", "includeFields": []}


def test_namespaces_of_the_app_are_written_out(empty_store: EmptyStore) -> None:
    number = empty_store.data("{ currentAppInstallation { app { id } } }")["app"]["id"].rsplit("/", 1)[-1]

    made = subscribed(empty_store, metafieldNamespaces=["$app", "$app:tax", "custom"])

    assert made["metafieldNamespaces"] == [f"app--{number}", f"app--{number}--tax", "custom"]


@pytest.mark.parametrize(
    ("uri", "messages"),
    [
        pytest.param("", ["Address can't be blank"], id="blank"),
        pytest.param("  ", ["Address can't be blank"], id="spaces"),
        pytest.param("http://app.example", ["Address protocol http:// is not supported"], id="http"),
        pytest.param("hooks", ["Address is invalid"], id="no scheme"),
        pytest.param("https://", ["Address is invalid"], id="no host"),
        pytest.param("https://a b.example/", ["Address is invalid"], id="space"),
        pytest.param("https://localhost/x", ["Address cannot be a Shopify or an internal domain"], id="localhost"),
        pytest.param("https://10.1.2.3/x", ["Address cannot be a Shopify or an internal domain"], id="private"),
        pytest.param("https://a.myshopify.com/x", ["Address cannot be a Shopify or an internal domain"], id="shopify"),
        pytest.param(
            "https://empty-shop.myshopify.com/x",
            ["Address cannot be any of the domains: empty-shop.myshopify.com, empty-shop.account.myshopify.com"],
            id="the shop itself",
        ),
        pytest.param("https://x.example/" + "y" * 65_518, ["Address is too big (maximum is 64 KB)"], id="too big"),
        pytest.param(
            "pubsub://project",
            [
                "Address protocol pubsub:// is not supported",
                "Address is not a valid GCP pub/sub format. Format should be pubsub://project:topic",
            ],
            id="pubsub without topic",
        ),
        pytest.param("arn:aws:events:x", ["Address is invalid", "Address is not a valid AWS ARN"], id="no event source"),
    ],
)
def test_address_that_cannot_be_is_refused_under_its_old_name(empty_store: EmptyStore, uri: str, messages: list[str]) -> None:
    payload = create(empty_store, uri=uri)

    assert payload["webhookSubscription"] is None
    assert [one["message"] for one in payload["userErrors"]] == messages
    assert all(one["field"] == ["webhookSubscription", "callbackUrl"] for one in payload["userErrors"])


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        pytest.param("a.b", ["Name name field can only contain alphanumeric characters, underscores, and hyphens"], id="dot"),
        pytest.param("x" * 51, ["Name is too long (maximum is 50 characters)"], id="long"),
        pytest.param("TAKEN", ["Name already exists, no duplicate allowed"], id="taken in other letters"),
    ],
)
def test_name_that_cannot_be_is_refused(empty_store: EmptyStore, name: str, messages: list[str]) -> None:
    subscribed(empty_store, "PRODUCTS_CREATE", name="taken")

    payload = create(empty_store, name=name)

    assert [one["message"] for one in payload["userErrors"]] == messages
    assert payload["userErrors"][0]["field"] == ["webhookSubscription", "name"]


@pytest.mark.parametrize("text", ["anything", "id:1 anything", "id:(1"], ids=["free text", "free text beside a field", "malformed"])
def test_filter_must_name_its_fields(empty_store: EmptyStore, text: str) -> None:
    payload = create(empty_store, filter=text)

    assert payload["userErrors"][0]["field"] == ["webhookSubscription"]
    assert "please ensure you specify the field(s)" in payload["userErrors"][0]["message"]


def test_same_topic_address_format_and_filter_are_taken(empty_store: EmptyStore) -> None:
    first = subscribed(empty_store)

    again = create(empty_store, filter="")
    others = [
        create(empty_store, "ORDERS_UPDATED"),
        create(empty_store, format="XML"),
        create(empty_store, filter="id:1"),
        create(empty_store, uri=f"{HERE}/2"),
    ]
    itself = empty_store.data(UPDATE, id=first["id"], input={"uri": HERE})

    assert again["userErrors"][0]["message"] == "Address for this topic has already been taken"
    assert [one["userErrors"] for one in (*others, itself)] == [[]] * 5


@pytest.mark.parametrize(
    ("topic", "uri"),
    [pytest.param("METAOBJECTS_CREATE", HERE, id="topic"), pytest.param("ORDERS_CREATE", "pubsub://my-project:topic", id="pubsub")],
)
def test_xml_is_not_for_everything(empty_store: EmptyStore, topic: str, uri: str) -> None:
    payload = create(empty_store, topic, uri=uri, format="XML")

    assert [one["field"] for one in payload["userErrors"]] == [["webhookSubscription", "format"]]


def test_topic_needs_its_access_scope(empty_store: EmptyStore) -> None:
    narrow = empty_store.with_token("shpat_narrow", "write_products")

    refused, allowed, free = create(narrow), create(narrow, "PRODUCTS_UPDATE"), create(narrow, "APP_UNINSTALLED")

    assert refused["userErrors"][0]["message"] == "You cannot create a webhook subscription with the specified topic"
    assert (allowed["userErrors"], free["userErrors"]) == ([], [])


def test_cloud_destinations_show_their_parts(empty_store: EmptyStore) -> None:
    number = empty_store.data("{ currentAppInstallation { app { id } } }")["app"]["id"].rsplit("/", 1)[-1]
    arn = f"arn:aws:events:eu-west-1::event-source/aws.partner/shopify.com/{number}/mine"

    pubsub = subscribed(empty_store, uri="pubsub://my-project:my-topic")
    bridge = subscribed(empty_store, uri=arn)
    foreign = create(empty_store, uri=arn.replace(number, "7"))

    assert pubsub["endpoint"] == {"__typename": "WebhookPubSubEndpoint", "pubSubProject": "my-project", "pubSubTopic": "my-topic"}
    assert bridge["endpoint"] == {"__typename": "WebhookEventBridgeEndpoint", "arn": arn}
    assert {pubsub["callbackUrl"], bridge["callbackUrl"]} == {"https://eventbridge.arn"}
    assert foreign["userErrors"][1]["message"] == f"Address is an AWS ARN and includes api_client_id '7' instead of '{number}'"


def test_deprecated_pub_sub_mutation_names_its_own_fields(empty_store: EmptyStore) -> None:
    payload = empty_store.data(
        """
        mutation { pubSubWebhookSubscriptionCreate(
          topic: ORDERS_CREATE, webhookSubscription: { pubSubProject: "No", pubSubTopic: "google" }
        ) { webhookSubscription { id } userErrors { field message code } } }
        """
    )

    assert [(one["field"][-1], one["code"]) for one in payload["userErrors"]] == [
        ("pubSubProject", "INVALID_PARAMETERS"),
        ("pubSubTopic", "INVALID_PARAMETERS"),
    ]


def test_lists_are_narrowed_by_address_topic_and_format(empty_store: EmptyStore) -> None:
    one = subscribed(empty_store)["id"]
    two = subscribed(empty_store, "PRODUCTS_UPDATE", format="XML")["id"]
    three = subscribed(empty_store, "PRODUCTS_UPDATE", uri=f"{HERE}/3")["id"]

    assert listed(empty_store) == [one, two, three]
    assert listed(empty_store, uri=HERE) == [one, two]
    assert listed(empty_store, topics=["PRODUCTS_UPDATE"], format="JSON") == [three]
    assert empty_store.data('{ webhookSubscriptionsCount(query: "id:1") { count } }') == {"count": 0}


def test_apps_do_not_see_each_others_subscriptions(empty_store: EmptyStore) -> None:
    other = with_app(empty_store, "other")
    own = subscribed(empty_store, name="mine")["id"]

    subscribed(other, name="mine")

    assert own not in listed(other)
    assert len(listed(other)) == len(listed(empty_store)) == 1
    assert other.data("query Q($id: ID!) { webhookSubscription(id: $id) { id } }", id=own) is None
    assert other.data("query Q($id: ID!) { node(id: $id) { id } }", id=own) is None
    assert other.data(UPDATE, id=own, input={"name": "x"})["userErrors"][0]["message"] == "Webhook subscription does not exist"


def test_version_of_payloads_is_the_apps_choice(empty_store: EmptyStore) -> None:
    app = empty_store.data("{ currentAppInstallation { app { apiKey } } }")["app"]["apiKey"]
    chosen = {"client_id": app, "webhook_api_version": "2026-04"}
    requests.post(f"{empty_store.base_url}/__fake/apps", json=chosen, timeout=30).raise_for_status()
    made = subscribed(empty_store)

    shown = empty_store.data(
        "query Q($id: ID!) { webhookSubscription(id: $id) { apiVersion { handle supported } } }", id=made["id"]
    )

    assert shown["apiVersion"] == {"handle": "2026-04", "supported": True}


def test_deleted_subscription_is_gone(empty_store: EmptyStore) -> None:
    delete = """
    mutation Delete($id: ID!) { webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } } }
    """
    made = subscribed(empty_store)["id"]

    first, second = empty_store.data(delete, id=made), empty_store.data(delete, id=made)

    assert first == {"deletedWebhookSubscriptionId": made, "userErrors": []}
    assert second["userErrors"] == [{"field": ["id"], "message": "Webhook subscription does not exist"}]
    assert listed(empty_store) == []
