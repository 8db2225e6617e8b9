"""The fake's discounts: what they refuse, what they show, how they are switched, found and changed in bulk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fake.conftest import EmptyStore

ROOTS = {
    "DiscountCodeBasic": ("basicCodeDiscount", "codeDiscountNode"),
    "DiscountCodeBxgy": ("bxgyCodeDiscount", "codeDiscountNode"),
    "DiscountCodeFreeShipping": ("freeShippingCodeDiscount", "codeDiscountNode"),
    "DiscountAutomaticBasic": ("automaticBasicDiscount", "automaticDiscountNode"),
    "DiscountAutomaticBxgy": ("automaticBxgyDiscount", "automaticDiscountNode"),
    "DiscountAutomaticFreeShipping": ("freeShippingAutomaticDiscount", "automaticDiscountNode"),
}
PAST, FUTURE = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
TENTH: dict[str, Any] = {"value": {"percentage": 0.1}, "items": {"all": True}}
READ = """
query Read($id: ID!) {
  discountNode(id: $id) {
    id
    discount {
      ... on DiscountCodeBasic {
        title status summary shortSummary startsAt endsAt usageLimit tags discountClasses codesCount { count }
        codes(first: 5) { nodes { id code } } combinesWith { orderDiscounts productDiscounts }
        context { __typename ... on DiscountCustomers { customers { id } } }
        customerGets {
          value {
            ... on DiscountPercentage { percentage }
            ... on DiscountAmount { amount { amount currencyCode } appliesOnEachItem }
          }
          items { __typename ... on DiscountProducts { products(first: 5) { nodes { title } } } }
        }
        minimumRequirement { ... on DiscountMinimumSubtotal { greaterThanOrEqualToSubtotal { amount } } }
      }
      ... on DiscountAutomaticBasic { title status summary startsAt endsAt }
      ... on DiscountCodeFreeShipping { summary destinationSelection { __typename } discountClasses }
      ... on DiscountAutomaticBxgy { summary discountClasses usesPerOrderLimit }
    }
  }
}
"""


def send(store: EmptyStore, kind: str, verb: str, values: dict[str, Any], own: str | None = None) -> dict[str, Any]:
    argument, shown = ROOTS[kind]
    name = kind[0].lower() + kind[1:] + verb
    first = "$id: ID!, " if own else ""
    given = "id: $id, " if own else ""
    document = (
        f"mutation M({first}$input: {kind}Input!) {{ {name}({given}{argument}: $input) "
        f"{{ {shown} {{ id }} userErrors {{ field message code extraInfo }} }} }}"
    )
    answer: dict[str, Any] = store.data(document, input=values, **({"id": own} if own else {}))
    return answer


def made(store: EmptyStore, kind: str, **values: Any) -> str:
    given: dict[str, Any] = {"title": "Spring", "startsAt": PAST} | values
    if kind.endswith("Basic"):
        given.setdefault("customerGets", TENTH)
    if kind.startswith("DiscountCode"):
        given.setdefault("code", "SPRING")
    answer = send(store, kind, "Create", given)
    assert answer["userErrors"] == [], answer
    return str(answer[ROOTS[kind][1]]["id"])


def refusals(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(".".join(e["field"] or ()), e["message"], e["code"]) for e in answer["userErrors"]]


def shown(store: EmptyStore, own: str) -> dict[str, Any]:
    found: dict[str, Any] = store.data(READ, id=own)["discount"]
    return found


def product(store: EmptyStore, title: str) -> str:
    document = "mutation P($product: ProductCreateInput!) { productCreate(product: $product) { product { id } } }"
    return str(store.data(document, product={"title": title})["product"]["id"])


def test_new_code_discount_shows_what_was_asked(empty_store: EmptyStore) -> None:
    minimum = {"subtotal": {"greaterThanOrEqualToSubtotal": "50.00"}}
    off = {"value": {"discountAmount": {"amount": "5.00", "appliesOnEachItem": False}}, "items": {"all": True}}
    both = {"appliesOnOneTimePurchase": True, "appliesOnSubscription": True}
    own = made(
        empty_store,
        "DiscountCodeBasic",
        customerGets=off | both,
        minimumRequirement=minimum,
        usageLimit=100,
        appliesOncePerCustomer=True,
        combinesWith={"orderDiscounts": True},
    )

    found = shown(empty_store, own)

    assert found["summary"] == "$5.00 off entire order • Minimum purchase of $50.00 • One use per customer"
    assert found["customerGets"]["value"] == {"amount": {"amount": "5.0", "currencyCode": "CAD"}, "appliesOnEachItem": False}
    assert (found["status"], found["usageLimit"], found["discountClasses"]) == ("ACTIVE", 100, ["ORDER"])
    assert found["combinesWith"] == {"orderDiscounts": True, "productDiscounts": False}
    assert [code["code"] for code in found["codes"]["nodes"]] == ["SPRING"]
    assert "discounts/create" in empty_store.topics()


def test_status_follows_the_dates(empty_store: EmptyStore) -> None:
    ids = [
        made(empty_store, "DiscountAutomaticBasic"),
        made(empty_store, "DiscountAutomaticBasic", startsAt=FUTURE),
        made(empty_store, "DiscountAutomaticBasic", endsAt="2026-01-02T00:00:00Z"),
    ]

    assert [shown(empty_store, own)["status"] for own in ids] == ["ACTIVE", "SCHEDULED", "EXPIRED"]


@pytest.mark.parametrize(
    ("values", "field", "message", "code"),
    [
        ({"title": ""}, "title", "Title can't be blank", "BLANK"),
        ({"title": "x" * 256}, "title", "Title is too long (maximum is 255 characters)", "TOO_LONG"),
        ({"code": None}, "code", "Code can't be blank", "BLANK"),
        ({"code": ""}, "code", "Code is too short (minimum is 1 character)", "TOO_SHORT"),
        ({"code": "a\nb"}, "code", "Code cannot contain newline characters.", "INVALID"),
        ({"code": "x" * 256}, "code", "Code is too long (maximum is 255 characters)", "TOO_LONG"),
        ({"startsAt": None}, "startsAt", "Starts at can't be blank", "BLANK"),
        ({"endsAt": "2025-12-31T00:00:00Z"}, "endsAt", "Ends at needs to be after starts_at", "INVALID"),
        ({"usageLimit": 0}, "usageLimit", "Usage limit must be greater than 0", "GREATER_THAN"),
        (
            {"usageLimit": 2**31},
            "usageLimit",
            "Usage limit must be less than or equal to 2147483647",
            "LESS_THAN_OR_EQUAL_TO",
        ),
        (
            {"customerGets": {"value": {"percentage": 1.01}, "items": {"all": True}}},
            "customerGets.value.percentage",
            "Value must be between 0.0 and 1.0",
            "VALUE_OUTSIDE_RANGE",
        ),
        (
            {"customerGets": {"value": {"discountAmount": {"amount": "-1"}}, "items": {"all": True}}},
            "customerGets.value.discountAmount.amount",
            "Value must be less than or equal to 0",
            "LESS_THAN_OR_EQUAL_TO",
        ),
        (
            {"customerGets": TENTH | {"items": {"products": {"productsToAdd": ["gid://shopify/Product/5"]}}}},
            "customerGets.items.products.productsToAdd",
            "Product with id: 5 is invalid",
            "INVALID",
        ),
        (
            {"customerSelection": {"all": True}, "context": {"all": "ALL"}},
            "context",
            "Only one of context or customerSelection can be provided.",
            "INVALID",
        ),
    ],
    ids=[
        "blank title",
        "long title",
        "no code",
        "empty code",
        "newline in code",
        "long code",
        "no start",
        "end before start",
        "no uses",
        "too many uses",
        "percentage above 1",
        "negative amount",
        "unknown product",
        "two selections",
    ],
)
def test_code_discount_refuses(empty_store: EmptyStore, values: dict[str, Any], field: str, message: str, code: str) -> None:
    given = {"title": "Spring", "code": "SPRING", "startsAt": PAST, "customerGets": TENTH} | values

    answer = send(empty_store, "DiscountCodeBasic", "Create", given)

    assert refusals(answer) == [(f"basicCodeDiscount.{field}", message, code)]
    assert answer["codeDiscountNode"] is None
    assert empty_store.data("{ discountNodesCount { count } }") == {"count": 0}


def test_code_is_unique_regardless_of_case(empty_store: EmptyStore) -> None:
    made(empty_store, "DiscountCodeBasic", code="Save10")

    given = {"title": "B", "code": "SAVE10", "startsAt": PAST, "customerGets": TENTH}
    again = send(empty_store, "DiscountCodeBasic", "Create", given)

    assert refusals(again) == [("basicCodeDiscount.code", "Code must be unique. Please try a different code.", "TAKEN")]


def test_two_kinds_of_value_fail_the_whole_field(empty_store: EmptyStore) -> None:
    value = {"percentage": 0.1, "discountAmount": {"amount": "5"}}
    document = """mutation M($input: DiscountCodeBasicInput!) {
      discountCodeBasicCreate(basicCodeDiscount: $input) { codeDiscountNode { id } userErrors { message } } }"""
    given = {"title": "A", "code": "A", "startsAt": PAST, "customerGets": {"value": value, "items": {"all": True}}}

    answer = empty_store.answer(document, input=given)

    assert answer["data"] == {"discountCodeBasicCreate": None}
    assert answer["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


def test_update_keeps_what_is_not_named_and_the_id_of_the_code(empty_store: EmptyStore) -> None:
    own = made(empty_store, "DiscountCodeBasic", usageLimit=5)
    before = shown(empty_store, own)

    answer = send(empty_store, "DiscountCodeBasic", "Update", {"code": "SUMMER"}, own)

    after = shown(empty_store, own)
    assert answer["userErrors"] == []
    assert (after["title"], after["usageLimit"]) == ("Spring", 5)
    assert after["codes"]["nodes"] == [{"id": before["codes"]["nodes"][0]["id"], "code": "SUMMER"}]
    assert empty_store.data('{ codeDiscountNodeByCode(code: "summer") { id } }') == {"id": own}
    assert empty_store.data('{ codeDiscountNodeByCode(code: "SPRING") { id } }') is None


def test_update_adds_and_removes_products(empty_store: EmptyStore) -> None:
    one, two = product(empty_store, "One"), product(empty_store, "Two")
    items = {"products": {"productsToAdd": [one]}}
    own = made(empty_store, "DiscountCodeBasic", customerGets=TENTH | {"items": items})
    assert shown(empty_store, own)["summary"] == "10% off One"

    change = {"products": {"productsToAdd": [two], "productsToRemove": [one]}}
    send(empty_store, "DiscountCodeBasic", "Update", {"customerGets": {"items": change}}, own)

    found = shown(empty_store, own)
    assert found["customerGets"]["items"]["products"]["nodes"] == [{"title": "Two"}]
    assert (found["customerGets"]["value"], found["discountClasses"]) == ({"percentage": 0.1}, ["PRODUCT"])


def test_deleted_product_leaves_the_discount(empty_store: EmptyStore) -> None:
    one = product(empty_store, "One")
    own = made(empty_store, "DiscountCodeBasic", customerGets=TENTH | {"items": {"products": {"productsToAdd": [one]}}})

    empty_store.data("mutation D($id: ID!) { productDelete(input: {id: $id}) { deletedProductId } }", id=one)

    assert shown(empty_store, own)["customerGets"]["items"]["products"]["nodes"] == []


def test_unknown_discount_is_refused(empty_store: EmptyStore) -> None:
    unknown = "gid://shopify/DiscountCodeNode/9"

    changed = send(empty_store, "DiscountCodeBasic", "Update", {"title": "A"}, unknown)
    deleted = empty_store.data(
        "mutation D($id: ID!) { discountCodeDelete(id: $id) { deletedCodeDiscountId userErrors { field message code } } }",
        id=unknown,
    )

    assert refusals(changed) == [("id", "Discount does not exist", "INVALID")]
    assert refusals(deleted) == [("id", "Code discount does not exist.", "INVALID")]
    assert empty_store.data("query N($id: ID!) { codeDiscountNode(id: $id) { id } }", id=unknown) is None


def test_deactivate_ends_now_and_activate_takes_the_end_away(empty_store: EmptyStore) -> None:
    own = made(empty_store, "DiscountAutomaticBasic", endsAt=FUTURE)
    off = "mutation M($id: ID!) { discountAutomaticDeactivate(id: $id) { automaticDiscountNode { id } userErrors { code } } }"

    empty_store.data(off, id=own)
    ended = shown(empty_store, own)
    empty_store.data(off.replace("Deactivate", "Activate"), id=own)
    again = shown(empty_store, own)

    assert ended["status"] == "EXPIRED"
    assert ended["endsAt"] != FUTURE
    assert (again["status"], again["startsAt"], again["endsAt"]) == ("ACTIVE", PAST, None)


def test_scheduled_discount_starts_when_it_is_activated(empty_store: EmptyStore) -> None:
    own = made(empty_store, "DiscountCodeBasic", startsAt=FUTURE)

    empty_store.data("mutation M($id: ID!) { discountCodeActivate(id: $id) { userErrors { code } } }", id=own)

    assert shown(empty_store, own)["status"] == "ACTIVE"


def test_buy_x_get_y_has_shapes_and_bounds_of_its_own(empty_store: EmptyStore) -> None:
    one = product(empty_store, "One")
    items = {"products": {"productsToAdd": [one]}}
    value = {"discountOnQuantity": {"quantity": "1", "effect": {"percentage": 1}}}
    good: dict[str, Any] = {
        "title": "Two for one",
        "startsAt": PAST,
        "customerBuys": {"value": {"quantity": "2"}, "items": items},
        "customerGets": {"value": value, "items": items},
        "usesPerOrderLimit": "3",
    }
    wrong = good | {"customerGets": {"value": {"percentage": 0.5}, "items": {"all": True}}, "usesPerOrderLimit": "0"}

    own = send(empty_store, "DiscountAutomaticBxgy", "Create", good)["automaticDiscountNode"]["id"]
    refused = send(empty_store, "DiscountAutomaticBxgy", "Create", wrong)

    expected = {"summary": "Buy 2 items, get 1 item free", "discountClasses": ["PRODUCT"], "usesPerOrderLimit": 3}
    assert shown(empty_store, own) == expected
    assert [error[0].split(".", 1)[1] for error in refusals(refused)] == [
        "customerGets",
        "customerGets.value.percentage",
        "usesPerOrderLimit",
    ]


def test_free_shipping_goes_everywhere_unless_told_otherwise(empty_store: EmptyStore) -> None:
    own = made(empty_store, "DiscountCodeFreeShipping", appliesOnSubscription=True)
    combined = send(
        empty_store,
        "DiscountCodeFreeShipping",
        "Create",
        {"title": "B", "code": "B", "startsAt": PAST, "combinesWith": {"shippingDiscounts": True}},
    )

    assert shown(empty_store, own) == {
        "summary": "Free shipping on all products • For all countries",
        "destinationSelection": {"__typename": "DiscountCountryAll"},
        "discountClasses": ["SHIPPING"],
    }
    assert refusals(combined)[0][2] == "INVALID_COMBINES_WITH_FOR_DISCOUNT_CLASS"


def test_app_discount_belongs_to_a_function_and_takes_metafields(empty_store: EmptyStore) -> None:
    document = """mutation M($input: DiscountCodeAppInput!) {
      discountCodeAppCreate(codeAppDiscount: $input) {
        codeAppDiscount { discountId title appDiscountType { functionId } } userErrors { field message code } } }"""
    metafield = {"namespace": "$app:volume", "key": "settings", "type": "json", "value": '{"minimum": 3}'}
    given = {"title": "Volume", "code": "VOLUME", "startsAt": PAST, "functionHandle": "volume", "metafields": [metafield]}

    answer = empty_store.data(document, input=given)
    blank = empty_store.data(document, input=given | {"code": "", "title": ""})

    read = 'query R($id: ID!) { codeDiscountNode(id: $id) { metafield(namespace: "$app:volume", key: "settings") { value } } }'
    own = answer["codeAppDiscount"]["discountId"]
    assert empty_store.data(read, id=own) == {"metafield": {"value": '{"minimum": 3}'}}
    assert empty_store.data("{ shopifyFunctions(first: 5) { nodes { handle } } }") == {"nodes": [{"handle": "volume"}]}
    assert [error[1] for error in refusals(blank)] == ["can't be blank", "Discount code can't be blank."]


def test_list_filters_by_status_method_type_and_code(empty_store: EmptyStore) -> None:
    made(empty_store, "DiscountCodeBasic", title="B code", code="BEE")
    made(empty_store, "DiscountAutomaticBasic", title="A automatic")
    made(empty_store, "DiscountCodeFreeShipping", title="C shipping", code="SEA", startsAt=FUTURE)
    document = """query L($query: String) {
      discountNodes(first: 10, query: $query, sortKey: TITLE) { nodes { discount {
        ... on DiscountCodeBasic { title } ... on DiscountAutomaticBasic { title } ... on DiscountCodeFreeShipping { title } } } }
      discountNodesCount(query: $query) { count } }"""

    def titles(query: str | None) -> list[str]:
        data = empty_store.data(document, query=query)
        found = [node["discount"]["title"][0] for node in data["discountNodes"]["nodes"]]
        assert data["discountNodesCount"]["count"] == len(found)
        return found

    assert titles(None) == ["A", "B", "C"]
    assert titles("status:scheduled") == ["C"]
    assert titles("method:automatic") == ["A"]
    assert titles("type:percentage") == ["A", "B"]
    assert titles("code:bee") == ["B"]


def test_bulk_delete_takes_ids_or_a_search_but_not_both(empty_store: EmptyStore) -> None:
    keep, gone = made(empty_store, "DiscountCodeBasic", code="A"), made(empty_store, "DiscountCodeBasic", code="B", startsAt=FUTURE)
    document = """mutation B($ids: [ID!], $search: String) {
      discountCodeBulkDelete(ids: $ids, search: $search) { job { id done } userErrors { field message code } } }"""

    both = empty_store.data(document, ids=[gone], search="status:scheduled")
    unknown = empty_store.data(document, search="frobnicate:1")
    job = empty_store.data(document, search="status:scheduled")["job"]

    assert refusals(both) == [("", "Only one of 'ids', 'search' or 'saved_search_id' is allowed.", "TOO_MANY_ARGUMENTS")]
    assert refusals(unknown) == [("search", "Invalid search field(s): frobnicate. Check the query syntax.", "INVALID")]
    assert job["done"] is False
    assert empty_store.data("query J($id: ID!) { job(id: $id) { done } }", id=job["id"]) == {"done": True}
    assert empty_store.data("{ codeDiscountNodes(first: 5) { nodes { id } } }") == {"nodes": [{"id": keep}]}


def test_automatic_discounts_named_by_id_are_deleted_without_a_job(empty_store: EmptyStore) -> None:
    own = made(empty_store, "DiscountAutomaticBasic")

    answer = empty_store.data("mutation B($ids: [ID!]) { discountAutomaticBulkDelete(ids: $ids) { job { id } } }", ids=[own])

    assert answer == {"job": None}
    assert empty_store.data("{ automaticDiscountNodes(first: 5) { nodes { id } } }") == {"nodes": []}
    assert "discounts/delete" in empty_store.topics()


def test_more_codes_can_be_added_and_taken_away(empty_store: EmptyStore) -> None:
    own = made(empty_store, "DiscountCodeBasic", code="FIRST")
    add = """mutation A($id: ID!, $codes: [DiscountRedeemCodeInput!]!) {
      discountRedeemCodeBulkAdd(discountId: $id, codes: $codes) { bulkCreation { id done codesCount } userErrors { code } } }"""
    codes = [{"code": "SECOND"}, {"code": "first"}, {"code": "THIRD"}]

    creation = empty_store.data(add, id=own, codes=codes)["bulkCreation"]
    done = empty_store.data(
        """query C($id: ID!) { discountRedeemCodeBulkCreation(id: $id) {
          done importedCount failedCount codes(first: 5) { nodes { code errors { code } discountRedeemCode { code } } } } }""",
        id=creation["id"],
    )
    take = """mutation T($id: ID!) { discountCodeRedeemCodeBulkDelete(discountId: $id, search: "code:THIRD") { job { done } } }"""
    empty_store.data(take, id=own)

    assert (creation["done"], creation["codesCount"]) == (False, 3)
    assert (done["done"], done["importedCount"], done["failedCount"]) == (True, 2, 1)
    assert [node["errors"] for node in done["codes"]["nodes"]] == [[], [{"code": "TAKEN"}], []]
    assert [code["code"] for code in shown(empty_store, own)["codes"]["nodes"]] == ["FIRST", "SECOND"]


def test_node_finds_discounts_of_both_kinds(empty_store: EmptyStore) -> None:
    ids = [made(empty_store, "DiscountCodeBasic"), made(empty_store, "DiscountAutomaticBasic")]

    found = empty_store.data("query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", ids=ids)

    assert found == [{"__typename": "DiscountCodeNode", "id": ids[0]}, {"__typename": "DiscountAutomaticNode", "id": ids[1]}]


def test_document_of_the_integration_runs(empty_store: EmptyStore) -> None:
    made(empty_store, "DiscountCodeBasic")
    made(empty_store, "DiscountAutomaticFreeShipping")
    document = Path(__file__).parents[2].joinpath("shopify_kit/graphql/ListDiscounts.graphql").read_text(encoding="utf-8")

    page = empty_store.data(document, first=1)
    rest = empty_store.data(document, first=1, after=page["pageInfo"]["endCursor"])

    first, second = page["nodes"][0]["discount"], rest["nodes"][0]["discount"]
    assert (first["codes"]["nodes"], first["codesCount"], first["customerGets"]["value"]["percentage"]) == (
        [{"code": "SPRING"}],
        {"count": 1},
        0.1,
    )
    assert (second["__typename"], second["status"], second["asyncUsageCount"]) == ("DiscountAutomaticFreeShipping", "ACTIVE", 0)
    assert rest["pageInfo"]["hasNextPage"] is False
