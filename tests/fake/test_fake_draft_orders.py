"""The fake's draft orders and payment terms: what they come to, turning one into an order, finding them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fake.conftest import EmptyStore
from tests.fake.order_calls import MONEY, create, line, shop_amount

DRAFT = f"""
id name status email tags note2 customer {{ email }} order {{ id displayFinancialStatus totalPriceSet {MONEY} }}
subtotalPriceSet {MONEY} totalDiscountsSet {MONEY} totalShippingPriceSet {MONEY} totalPriceSet {MONEY} totalPrice
lineItems(first: 5) {{ nodes {{ id title quantity discountedTotalSet {MONEY} }} }}
"""
CREATE = f"""
mutation Create($input: DraftOrderInput!) {{
  draftOrderCreate(input: $input) {{ draftOrder {{ {DRAFT} }} userErrors {{ field message }} }}
}}
"""
UPDATE = f"""
mutation Update($id: ID!, $input: DraftOrderInput!) {{
  draftOrderUpdate(id: $id, input: $input) {{ draftOrder {{ {DRAFT} }} userErrors {{ field message }} }}
}}
"""
CALCULATE = f"""
mutation Calculate($input: DraftOrderInput!) {{
  draftOrderCalculate(input: $input) {{ calculatedDraftOrder {{ totalPriceSet {MONEY} }} userErrors {{ field message }} }}
}}
"""
COMPLETE = f"""
mutation Complete($id: ID!, $pending: Boolean = false) {{
  draftOrderComplete(id: $id, paymentPending: $pending) {{ draftOrder {{ {DRAFT} }} userErrors {{ field message }} }}
}}
"""
DELETE = "mutation Delete($id: ID!) { draftOrderDelete(input: {id: $id}) { deletedId userErrors { field message } } }"
LIST = """
query List($query: String, $sortKey: DraftOrderSortKeys = ID, $reverse: Boolean = false) {
  draftOrders(first: 10, query: $query, sortKey: $sortKey, reverse: $reverse) { nodes { name } }
}
"""
TERMS = """
mutation Terms($id: ID!, $terms: PaymentTermsCreateInput!) {
  paymentTermsCreate(referenceId: $id, paymentTermsAttributes: $terms) {
    paymentTerms { id paymentTermsName dueInDays paymentSchedules(first: 1) { nodes { issuedAt dueAt } } } userErrors { code }
  }
}
"""
DROP_TERMS = """
mutation Drop($id: ID!) { paymentTermsDelete(input: {paymentTermsId: $id}) { deletedId userErrors { code } } }
"""
NET_7 = "gid://shopify/PaymentTermsTemplate/2"


def item(title: str = "Pot", price: str = "10.00", quantity: int = 1, **values: Any) -> dict[str, Any]:
    """Write a custom line of a draft order."""
    return {"title": title, "originalUnitPrice": price, "quantity": quantity} | values


def draft(store: EmptyStore, **given: Any) -> Any:
    """Create a draft order that must be accepted; without lines it is one pot."""
    payload = store.data(CREATE, input={"lineItems": [item()]} | given)
    assert payload["userErrors"] == []
    return payload["draftOrder"]


def found(store: EmptyStore, query: str | None = None, **arguments: Any) -> list[str]:
    """Return the names of the draft orders that a search finds."""
    return [node["name"] for node in store.data(LIST, query=query, **arguments)["nodes"]]


def test_a_draft_adds_up_its_lines_discounts_and_shipping(empty_store: EmptyStore) -> None:
    made = draft(
        empty_store,
        lineItems=[item("Cup", "10.00", 2, appliedDiscount={"value": 10.0, "valueType": "PERCENTAGE"}), item("Pot", "30.00")],
        appliedDiscount={"value": 8.0, "valueType": "FIXED_AMOUNT", "title": "Friend"},
        shippingLine={"title": "Courier", "price": "5.00"},
    )

    assert made["name"] == "#D1"
    assert [shop_amount(node["discountedTotalSet"]) for node in made["lineItems"]["nodes"]] == ["18.0", "30.0"]
    assert shop_amount(made["subtotalPriceSet"]) == "40.0"
    assert shop_amount(made["totalDiscountsSet"]) == "10.0"
    assert shop_amount(made["totalPriceSet"]) == "45.0"
    assert made["totalPrice"] == "45.00"


def test_a_calculation_keeps_nothing(empty_store: EmptyStore) -> None:
    payload = empty_store.data(CALCULATE, input={"lineItems": [item(quantity=3)]})

    assert shop_amount(payload["calculatedDraftOrder"]["totalPriceSet"]) == "30.0"
    assert found(empty_store) == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"lineItems": []}, None),
        ({"lineItems": [item(quantity=0)]}, ["lineItems", "0", "quantity"]),
        ({"lineItems": [item(title=" ")]}, None),
        ({"lineItems": [{"variantId": "gid://shopify/ProductVariant/404", "quantity": 1}]}, None),
        ({"lineItems": [item()], "email": "nobody"}, ["email"]),
    ],
    ids=["no lines", "no quantity", "no title", "unknown variant", "bad address"],
)
def test_a_bad_draft_is_refused(empty_store: EmptyStore, given: dict[str, Any], field: list[str] | None) -> None:
    payload = empty_store.data(CREATE, input=given)

    assert payload["draftOrder"] is None
    assert [error["field"] for error in payload["userErrors"]] == [field]


def test_an_update_keeps_what_it_does_not_name(empty_store: EmptyStore) -> None:
    made = draft(empty_store, email="ada@shop.example", tags=["one"], note="hello")

    changed = empty_store.data(UPDATE, id=made["id"], input={"tags": ["two"]})["draftOrder"]

    assert (changed["tags"], changed["note2"], changed["customer"]) == (["two"], "hello", {"email": "ada@shop.example"})
    assert [node["id"] for node in changed["lineItems"]["nodes"]] == [node["id"] for node in made["lineItems"]["nodes"]]


@pytest.mark.parametrize(("pending", "status"), [(False, "PAID"), (True, "PENDING")], ids=["paid", "pending"])
def test_a_completed_draft_is_an_order(empty_store: EmptyStore, pending: bool, status: str) -> None:
    made = draft(empty_store, appliedDiscount={"value": 4.0, "valueType": "FIXED_AMOUNT"})

    completed = empty_store.data(COMPLETE, id=made["id"], pending=pending)["draftOrder"]
    again = empty_store.data(COMPLETE, id=made["id"])

    assert completed["status"] == "COMPLETED"
    assert completed["order"]["displayFinancialStatus"] == status
    assert shop_amount(completed["order"]["totalPriceSet"]) == "6.0"
    assert again["draftOrder"] is None


def test_a_deleted_draft_is_gone(empty_store: EmptyStore) -> None:
    made = draft(empty_store)

    first, second = (empty_store.data(DELETE, id=made["id"]) for _ in range(2))

    assert first == {"deletedId": made["id"], "userErrors": []}
    assert second["deletedId"] is None
    assert len(second["userErrors"]) == 1


def test_drafts_are_found_and_sorted(empty_store: EmptyStore) -> None:
    first = draft(empty_store, tags=["west"], lineItems=[item(price="30.00")])
    draft(empty_store, tags=["west", "vip"])
    empty_store.data(COMPLETE, id=first["id"])

    assert found(empty_store, "tag:vip") == ["#D2"]
    assert found(empty_store, "status:completed") == ["#D1"]
    assert found(empty_store, sortKey="TOTAL_PRICE") == ["#D2", "#D1"]
    assert found(empty_store, sortKey="UPDATED_AT", reverse=True) == ["#D1", "#D2"]
    assert empty_store.data('{ draftOrdersCount(query: "tag:west") { count } }') == {"count": 2}


def test_net_terms_fall_due_after_their_days(empty_store: EmptyStore) -> None:
    order = create(empty_store, lineItems=[line()])
    given = {"paymentTermsTemplateId": NET_7, "paymentSchedules": [{"issuedAt": "2026-01-01T00:00:00Z"}]}

    terms = empty_store.data(TERMS, id=order["id"], terms=given)["paymentTerms"]
    dropped = empty_store.data(DROP_TERMS, id=terms["id"])

    assert (terms["paymentTermsName"], terms["dueInDays"]) == ("Net 7", 7)
    assert terms["paymentSchedules"]["nodes"] == [{"issuedAt": "2026-01-01T00:00:00Z", "dueAt": "2026-01-08T00:00:00Z"}]
    assert dropped == {"deletedId": terms["id"], "userErrors": []}


def test_a_draft_with_terms_owes_its_total_and_becomes_a_pending_order(empty_store: EmptyStore) -> None:
    made = draft(empty_store, paymentTerms={"paymentTermsTemplateId": NET_7, "paymentSchedules": [{"issuedAt": "2026-01-01"}]})
    balance = "paymentTerms { paymentSchedules(first: 1) { nodes { balanceDue { amount } } } }"

    owed = empty_store.data(f"query($id: ID!) {{ draftOrder(id: $id) {{ {balance} }} }}", id=made["id"])
    completed = empty_store.data(COMPLETE, id=made["id"])["draftOrder"]

    assert owed["paymentTerms"]["paymentSchedules"]["nodes"] == [{"balanceDue": {"amount": "10.0"}}]
    assert completed["order"]["displayFinancialStatus"] == "PENDING"
