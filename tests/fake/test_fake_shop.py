"""The fake's shop, its policies and languages, and what an app learns about itself."""

from __future__ import annotations

import pytest

from tests.fake.conftest import EmptyStore

POLICY = """
mutation Policy($policy: ShopPolicyInput!) {
  shopPolicyUpdate(shopPolicy: $policy) { shopPolicy { id title body type url } userErrors { field message code } }
}
"""
REVOKE = """
mutation Revoke($scopes: [String!]!) {
  appRevokeAccessScopes(scopes: $scopes) { revoked { handle } userErrors { field message code } }
}
"""
DELEGATE = """
mutation Delegate($input: DelegateAccessTokenInput!) {
  delegateAccessTokenCreate(input: $input) {
    delegateAccessToken { accessToken accessScopes expiresIn } shop { id } userErrors { field message code }
  }
}
"""


def test_shop_shows_its_zone_units_and_address(empty_store: EmptyStore) -> None:
    shop = empty_store.data(
        "{ shop { timezoneOffset timezoneOffsetMinutes unitSystem weightUnit currencyCode shopAddress { formatted } } }"
    )

    hours, minutes = int(shop["timezoneOffset"][:3]), shop["timezoneOffsetMinutes"]
    assert hours * 60 == minutes
    assert (shop["unitSystem"], shop["weightUnit"], shop["currencyCode"]) == ("METRIC_SYSTEM", "KILOGRAMS", "CAD")
    assert shop["shopAddress"]["formatted"] == ["Canada"]


def test_old_fields_of_the_shop_answer_as_the_roots_do(empty_store: EmptyStore) -> None:
    answer = empty_store.data("{ shop { locations(first: 5) { nodes { name } } } locations(first: 5) { nodes { name } } }")

    assert answer["shop"]["locations"] == answer["locations"]


def test_node_finds_the_shop_its_domain_and_a_location(empty_store: EmptyStore) -> None:
    known = empty_store.data("{ shop { id primaryDomain { id } } location { id } }")
    ids = [known["shop"]["id"], known["shop"]["primaryDomain"]["id"], known["location"]["id"], "gid://shopify/Location/1"]

    found = empty_store.data("query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", ids=ids)

    assert [one and one["__typename"] for one in found] == ["Shop", "Domain", "Location", None]


def test_policy_is_kept_and_listed(empty_store: EmptyStore) -> None:
    policy = empty_store.data(POLICY, policy={"type": "REFUND_POLICY", "body": "Within 30 days."})["shopPolicy"]
    again = empty_store.data(POLICY, policy={"type": "REFUND_POLICY", "body": ""})["shopPolicy"]

    assert (policy["title"], policy["body"], again["body"]) == ("Refund policy", "Within 30 days.", "")
    assert policy["id"] == again["id"]
    assert empty_store.data("{ shop { shopPolicies { type } } }") == {"shopPolicies": [{"type": "REFUND_POLICY"}]}


@pytest.mark.parametrize(
    ("kind", "body", "message", "code"),
    [
        pytest.param("SUBSCRIPTION_POLICY", " ", "Purchase options cancellation policy required", None, id="blank subscription"),
        pytest.param("PRIVACY_POLICY", "{% nope %}", "Body Liquid syntax error: Unknown tag 'nope'", None, id="unknown tag"),
        pytest.param("PRIVACY_POLICY", "{% if a %}", "Body Liquid syntax error: 'if' tag was never closed", None, id="open tag"),
        pytest.param("REFUND_POLICY", "x" * (512 * 1024 + 1), "Body is too big (maximum is 512 KB)", "TOO_BIG", id="too big"),
    ],
)
def test_policy_that_cannot_be_is_refused(empty_store: EmptyStore, kind: str, body: str, message: str, code: str | None) -> None:
    answer = empty_store.data(POLICY, policy={"type": kind, "body": body})

    assert answer == {"shopPolicy": None, "userErrors": [{"field": ["shopPolicy", "body"], "message": message, "code": code}]}


def test_well_formed_liquid_is_a_privacy_policy(empty_store: EmptyStore) -> None:
    body = "{% if shop.name %}{{ shop.name }}{% else %}{% comment %}{% nope %}{% endcomment %}{% endif %}"

    assert empty_store.data(POLICY, policy={"type": "PRIVACY_POLICY", "body": body})["userErrors"] == []


def test_app_knows_itself_by_id_handle_and_key(empty_store: EmptyStore) -> None:
    app = empty_store.data("{ currentAppInstallation { app { id handle apiKey } } }")["app"]

    found = empty_store.data(
        """
        query Find($id: ID!, $handle: String!, $key: String!) {
          app(id: $id) { id } appByHandle(handle: $handle) { id } appByKey(apiKey: $key) { id }
          none: appByKey(apiKey: "none") { id }
        }
        """,
        id=app["id"],
        handle=app["handle"],
        key=app["apiKey"],
    )

    assert found == {name: {"id": app["id"]} for name in ("app", "appByHandle", "appByKey")} | {"none": None}


def test_app_sees_no_other_installations(empty_store: EmptyStore) -> None:
    answer = empty_store.answer("{ appInstallations(first: 1) { nodes { id } } }")

    assert answer["data"] is None
    assert (answer["errors"][0]["message"], answer["errors"][0]["extensions"]["code"]) == ("access denied", "ACCESS_DENIED")


def test_write_scope_brings_its_read_scope(empty_store: EmptyStore) -> None:
    store = empty_store.with_token("shpat_narrow", "write_products", "read_orders")

    scopes = store.data("{ currentAppInstallation { accessScopes { handle } } }")["accessScopes"]

    assert [one["handle"] for one in scopes] == ["read_orders", "write_products", "read_products"]


@pytest.mark.parametrize(
    ("scopes", "code"),
    [
        pytest.param(["read_products", "read_minds"], "UNKNOWN_SCOPES", id="unknown first"),
        pytest.param(["read_products"], "CANNOT_REVOKE_REQUIRED_SCOPES", id="required"),
        pytest.param(["read_all_orders"], "CANNOT_REVOKE_UNDECLARED_SCOPES", id="not granted"),
    ],
)
def test_scopes_that_cannot_be_given_up(empty_store: EmptyStore, scopes: list[str], code: str) -> None:
    answer = empty_store.data(REVOKE, scopes=scopes)

    assert answer["revoked"] is None
    assert [one["code"] for one in answer["userErrors"]] == [code]


def test_optional_scope_can_be_given_up(empty_store: EmptyStore) -> None:
    store = empty_store.with_token("shpat_optional", "read_products", "read_all_orders")

    answer = store.data(REVOKE, scopes=["read_all_orders"])
    left = store.data("{ currentAppInstallation { accessScopes { handle } } }")["accessScopes"]

    assert answer == {"revoked": [{"handle": "read_all_orders"}], "userErrors": []}
    assert left == [{"handle": "read_products"}]


def test_delegate_token_can_do_only_what_was_delegated(empty_store: EmptyStore) -> None:
    given = {"delegateAccessScope": ["read_locations"], "expiresIn": 60}

    token = empty_store.data(DELEGATE, input=given)["delegateAccessToken"]["accessToken"]
    narrow = EmptyStore(empty_store.base_url, token=token)
    again = narrow.data(DELEGATE, input=given)

    assert narrow.data("{ location { name } }")["name"] == "Shop location"
    assert narrow.answer("{ products(first: 1) { nodes { id } } }")["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert [one["code"] for one in again["userErrors"]] == ["DELEGATE_ACCESS_TOKEN"]


def test_uninstalled_app_is_locked_out(empty_store: EmptyStore) -> None:
    assert empty_store.data("mutation { appUninstall { app { title } userErrors { message } } }")["userErrors"] == []

    assert "Invalid API key" in empty_store.answer("{ shop { id } }")["errors"]


def test_language_is_enabled_unpublished(empty_store: EmptyStore) -> None:
    enable = 'mutation { shopLocaleEnable(locale: "fr") { shopLocale { locale name primary published } userErrors { message } } }'

    first, second = empty_store.data(enable), empty_store.data(enable)

    assert first["shopLocale"] == {"locale": "fr", "name": "French", "primary": False, "published": False}
    assert second["userErrors"] == [{"message": "Locale has already been taken"}]
    assert [one["locale"] for one in empty_store.data("{ shopLocales { locale } }")] == ["en", "fr"]


def test_job_of_any_id_is_done(empty_store: EmptyStore) -> None:
    job = empty_store.data('{ job(id: "gid://shopify/Job/0") { done query { shop { currencyCode } } } }')

    assert job == {"done": True, "query": {"shop": {"currencyCode": "CAD"}}}
