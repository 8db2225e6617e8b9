"""Customers of the fake store: what a client must be able to rely on, asked over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from fake_shopify.admin.customer_rows import customer_address, customer_row
from fake_shopify.rows import Seeded, Table
from tests.fake_store import FakeStore, run_fake_store

Ask = Callable[..., dict[str, Any]]
UNKNOWN = "gid://shopify/Customer/404"


@pytest.fixture(scope="module")
def empty_store() -> Iterator[FakeStore]:
    """A fake store without any data, in CAD."""
    with run_fake_store("--empty") as store:
        yield store


@pytest.fixture
def ask(empty_store: FakeStore) -> Ask:
    """Send one document to the emptied store and return the whole answer."""
    empty_store.reset()

    def send(document: str, **variables: Any) -> dict[str, Any]:
        answer = requests.post(
            f"{empty_store.base_url}/admin/api/2026-10/graphql.json",
            json={"query": document, "variables": variables},
            headers={"X-Shopify-Access-Token": empty_store.shop.access_token},
            timeout=30,
        )
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body

    return send


SHOWN = "id displayName firstName lastName email phone note tags locale state canDelete numberOfOrders"
PAYLOAD = f"{{ customer {{ {SHOWN} }} userErrors {{ field message }} }}"
CREATE = f"mutation($input: CustomerInput!) {{ customerCreate(input: $input) {PAYLOAD} }}"
UPDATE = f"mutation($input: CustomerInput!) {{ customerUpdate(input: $input) {PAYLOAD} }}"
DELETE = (
    "mutation($input: CustomerDeleteInput!) { customerDelete(input: $input) { deletedCustomerId userErrors { field message } } }"
)
SET = f"""mutation($input: CustomerSetInput!, $identifier: CustomerSetIdentifiers) {{
  customerSet(input: $input, identifier: $identifier) {{ customer {{ {SHOWN} }} userErrors {{ field message code }} }} }}"""
ADDRESS = "id name address1 city province provinceCode country countryCodeV2 formattedArea formatted"
ADD_ADDRESS = f"""mutation($customer: ID!, $address: MailingAddressInput!, $default: Boolean) {{
  customerAddressCreate(customerId: $customer, address: $address, setAsDefault: $default) {{
    address {{ {ADDRESS} }} userErrors {{ field message }} }} }}"""
ADDRESSES = "query($id: ID!) { customer(id: $id) { defaultAddress { id } addressesV2(first: 10) { nodes { id address1 } } } }"


def create(ask: Ask, **values: Any) -> dict[str, Any]:
    """Create a customer who must be accepted."""
    payload = ask(CREATE, input=values)["data"]["customerCreate"]
    assert payload["userErrors"] == []
    customer: dict[str, Any] = payload["customer"]
    return customer


def errors(answer: dict[str, Any]) -> list[tuple[Any, str]]:
    """Return `(field, message)` of the only payload's user errors."""
    (payload,) = answer["data"].values()
    return [(error["field"], error["message"]) for error in payload["userErrors"]]


def add_address(ask: Ask, customer: str, **address: Any) -> dict[str, Any]:
    """Add an address that must be accepted."""
    payload = ask(ADD_ADDRESS, customer=customer, address=address)["data"]["customerAddressCreate"]
    assert payload["userErrors"] == []
    made: dict[str, Any] = payload["address"]
    return made


# Creating and changing


def test_blanks_become_null_and_the_email_stands_in_for_the_name(ask: Ask) -> None:
    customer = create(ask, email=" ro berta@example.org ", firstName="  ", lastName="", phone="", note="")

    assert customer["email"] == customer["displayName"] == "roberta@example.org"
    assert (customer["firstName"], customer["lastName"], customer["phone"], customer["note"]) == (None, None, None, "")
    assert (customer["locale"], customer["state"], customer["canDelete"]) == ("en", "DISABLED", True)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"email": "nobody@nowhere"}, [(["email"], "Email is invalid")], id="domain without dot"),
        pytest.param({"phone": "call me"}, [(["phone"], "Phone is invalid")], id="letters"),
        pytest.param({"phone": "+999123"}, [(["phone"], "Phone is invalid")], id="unknown calling code"),
        pytest.param({"firstName": "x", "locale": "klingonish-x"}, [(["locale"], "Locale is invalid")], id="locale"),
        pytest.param(
            {"firstName": "x" * 256, "note": "y" * 5001},
            [
                (["firstName"], "First name is too long (maximum is 255 characters)"),
                (["note"], "Note is too long (maximum is 5000 characters)"),
            ],
            id="too long",
        ),
        pytest.param(
            {"firstName": "x", "tags": [",".join(f"t{i}" for i in range(251))]},
            [(["tags"], "Tags cannot be more than 250")],
            id="too many tags",
        ),
        pytest.param({"email": ""}, [(None, "A name, phone number, or email address must be present")], id="nameless"),
    ],
)
def test_a_wrong_customer_is_refused_field_by_field(ask: Ask, values: dict[str, Any], expected: list[tuple[Any, str]]) -> None:
    assert errors(ask(CREATE, input=values)) == expected


def test_email_and_phone_belong_to_one_customer_only(ask: Ask) -> None:
    first = create(ask, email="Ada@example.org", phone="+16135550199")
    other = create(ask, firstName="Other")

    assert errors(ask(CREATE, input={"email": "ada@EXAMPLE.org"})) == [(["email"], "Email has already been taken")]
    assert errors(ask(UPDATE, input={"id": other["id"], "phone": "(613) 555-0199"})) == [
        (["phone"], "Phone has already been taken")
    ]
    assert errors(ask(UPDATE, input={"id": first["id"], "email": "ADA@example.org"})) == []


def test_an_email_is_free_again_after_its_customer_is_deleted(ask: Ask) -> None:
    customer = create(ask, email="once@example.org")

    deleted = ask(DELETE, input={"id": customer["id"]})["data"]["customerDelete"]

    assert deleted == {"deletedCustomerId": customer["id"], "userErrors": []}
    assert errors(ask(UPDATE, input={"id": customer["id"], "note": "late"})) == [(["id"], "Customer does not exist")]
    assert errors(ask(DELETE, input={"id": customer["id"]})) == [(["id"], "Customer can't be found")]
    assert create(ask, email="once@example.org")["id"] != customer["id"]


def test_tags_are_split_deduplicated_and_sorted(ask: Ask) -> None:
    customer = create(ask, firstName="Tagged", tags=["Zebra, apple", " apple ", "ZEBRA", ""])

    assert customer["tags"] == ["apple", "Zebra"]


def test_an_id_of_another_type_is_refused_as_a_whole(ask: Ask) -> None:
    answer = ask('{ customer(id: "gid://shopify/Product/1") { id } }')

    assert answer["data"] == {"customer": None}
    assert answer["errors"][0]["extensions"]["code"] == "RESOURCE_NOT_FOUND"


# Finding


def test_a_customer_is_found_by_any_identifier_however_it_is_written(ask: Ask) -> None:
    customer = create(ask, email="find.me@example.org", phone="+16135550111", firstName="Finn", lastName="Dable")
    document = "query($by: CustomerIdentifierInput!) { customerByIdentifier(identifier: $by) { id } }"

    for by in ({"emailAddress": "FIND.ME@example.org "}, {"phoneNumber": "613-555-0111"}, {"id": customer["id"]}):
        assert ask(document, by=by)["data"]["customerByIdentifier"] == {"id": customer["id"]}
    assert ask(document, by={"emailAddress": "nobody@example.org"})["data"]["customerByIdentifier"] is None


def test_a_whole_email_finds_exactly_one_customer_and_a_domain_finds_all(ask: Ask) -> None:
    create(ask, email="jo@example.org", lastName="B", tags=["vip"])
    create(ask, email="x.jo@example.org", lastName="A")
    document = "query($q: String!) { customers(first: 5, query: $q, sortKey: NAME) { nodes { email } } }"

    def found(text: str) -> list[str]:
        return [node["email"] for node in ask(document, q=text)["data"]["customers"]["nodes"]]

    assert found("email:jo@example.org") == ["jo@example.org"]
    assert found("email:example.org") == ["x.jo@example.org", "jo@example.org"]
    assert found("tag:VIP") == ["jo@example.org"]
    assert found("tag_not:vip") == ["x.jo@example.org"]


def test_customers_count_knows_fewer_search_fields_than_the_list(ask: Ask) -> None:
    create(ask, email="one@example.org")
    create(ask, email="two@example.org")

    answer = ask('{ customersCount(query: "email:one@example.org") { count precision } }')

    assert answer["data"]["customersCount"] == {"count": 2, "precision": "EXACT"}
    assert answer["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_field"


# Addresses


def test_an_address_gets_names_from_codes_and_from_its_customer(ask: Ask) -> None:
    customer = create(ask, firstName="Mona", lastName="Keep")

    address = add_address(
        ask, customer["id"], address1="5 Rue Un", city="Laval", countryCode="CA", provinceCode="qc", zip="H7A 1A1"
    )

    assert address["name"] == "Mona Keep"
    assert (address["province"], address["provinceCode"], address["country"]) == ("Quebec", "QC", "Canada")
    assert address["formattedArea"] == "Laval QC, Canada"
    assert address["formatted"] == ["5 Rue Un", "Laval QC H7A 1A1", "Canada"]
    assert address["id"].endswith("?model_name=CustomerAddress")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param({"countryCode": "CA", "provinceCode": "TX"}, [(["address", "province"], "Province is invalid")], id="zone"),
        pytest.param({"country": "Utopia", "province": "X"}, [(["address", "country"], "Country is invalid")], id="country"),
        pytest.param({"country": "germany", "province": "Bayern"}, [], id="country without zones"),
        pytest.param({"countryCode": "US", "province": "california"}, [], id="zone by name"),
    ],
)
def test_countries_and_provinces_are_checked(ask: Ask, address: dict[str, Any], expected: list[tuple[Any, str]]) -> None:
    customer = create(ask, firstName="Geo")

    assert errors(ask(ADD_ADDRESS, customer=customer["id"], address=address)) == expected


def test_the_first_address_is_the_default_until_another_is_made_so(ask: Ask) -> None:
    customer = create(ask, firstName="Two", addresses=[{"address1": "A", "city": "Ottawa"}])
    second = add_address(ask, customer["id"], address1="B")
    change = """mutation($customer: ID!, $address: ID!) {
      customerUpdateDefaultAddress(customerId: $customer, addressId: $address) { userErrors { field message } } }"""

    before = ask(ADDRESSES, id=customer["id"])["data"]["customer"]
    ask(change, customer=customer["id"], address=second["id"])
    after = ask(ADDRESSES, id=customer["id"])["data"]["customer"]

    assert [node["address1"] for node in before["addressesV2"]["nodes"]] == ["A", "B"]
    assert before["defaultAddress"]["id"] == before["addressesV2"]["nodes"][0]["id"]
    assert after["defaultAddress"]["id"] == second["id"]
    assert after["addressesV2"] == before["addressesV2"]


def test_the_same_address_is_not_kept_twice(ask: Ask) -> None:
    customer = create(ask, firstName="Same")
    add_address(ask, customer["id"], address1="1 Only Street", countryCode="CA")

    again = ask(ADD_ADDRESS, customer=customer["id"], address={"address1": "1 Only Street", "countryCode": "CA"})

    assert errors(again) == [(["address"], "Address already exists")]


def test_an_address_that_exists_nowhere_is_a_top_level_error_and_a_foreign_one_a_user_error(ask: Ask) -> None:
    owner, other = create(ask, firstName="Owner"), create(ask, firstName="Other")
    address = add_address(ask, owner["id"], address1="Mine")
    delete = """mutation($customer: ID!, $address: ID!) {
      customerAddressDelete(customerId: $customer, addressId: $address) { deletedAddressId userErrors { field message } } }"""

    foreign = ask(delete, customer=other["id"], address=address["id"])
    nowhere = ask(delete, customer=owner["id"], address="gid://shopify/MailingAddress/404")

    assert errors(foreign) == [(["addressId"], "Address does not exist")]
    assert nowhere["data"] == {"customerAddressDelete": None}
    assert nowhere["errors"][0]["message"] == "Invalid id: gid://shopify/MailingAddress/404"


def test_inline_addresses_replace_all_and_change_those_named_by_id_in_place(ask: Ask) -> None:
    customer = create(ask, firstName="List", addresses=[{"address1": "A"}, {"address1": "B", "city": "Ottawa"}])
    kept = ask(ADDRESSES, id=customer["id"])["data"]["customer"]["addressesV2"]["nodes"][1]["id"]

    ask(UPDATE, input={"id": customer["id"], "addresses": [{"id": kept, "address1": "B2"}, {"address1": "C"}, {"address1": "C"}]})

    after = ask(ADDRESSES, id=customer["id"])["data"]["customer"]
    assert [node["address1"] for node in after["addressesV2"]["nodes"]] == ["B2", "C"]
    assert after["addressesV2"]["nodes"][0]["id"] == after["defaultAddress"]["id"] == kept


# customerSet


def test_customer_set_creates_then_changes_the_same_customer_by_email(ask: Ask) -> None:
    values = {"email": "upsert@example.org", "firstName": "Uma", "note": "first"}

    made = ask(SET, input=values, identifier={"email": "upsert@example.org"})["data"]["customerSet"]
    changed = ask(SET, input={"email": "UPSERT@example.org", "lastName": "Set"}, identifier={"email": "upsert@example.org"})

    assert made["userErrors"] == []
    assert changed["data"]["customerSet"]["customer"]["id"] == made["customer"]["id"]
    assert changed["data"]["customerSet"]["customer"]["displayName"] == "Uma Set"
    assert changed["data"]["customerSet"]["customer"]["note"] == "first"


@pytest.mark.parametrize(
    ("identifier", "given", "code"),
    [
        pytest.param({"id": UNKNOWN}, {"firstName": "x"}, "NOT_FOUND", id="unknown id"),
        pytest.param({"email": "a@example.org"}, {"firstName": "x"}, "MISSING_FIELD_REQUIRED", id="identifier not repeated"),
        pytest.param({"email": "a@example.org"}, {"email": "b@example.org"}, "INPUT_MISMATCH", id="identifier contradicted"),
        pytest.param({"phone": "+16135550100"}, {"id": UNKNOWN}, "ID_NOT_ALLOWED", id="id beside identifier"),
    ],
)
def test_customer_set_refuses_a_wrong_identifier(ask: Ask, identifier: dict[str, str], given: dict[str, str], code: str) -> None:
    payload = ask(SET, input=given, identifier=identifier)["data"]["customerSet"]

    assert payload["customer"] is None
    assert [(error["field"], error["code"]) for error in payload["userErrors"]] == [(["input"], code)]


def test_customer_set_names_the_input_in_the_path_of_an_error(ask: Ask) -> None:
    create(ask, email="taken@example.org")

    payload = ask(SET, input={"email": "taken@example.org"})["data"]["customerSet"]

    assert payload["userErrors"] == [{"field": ["input", "email"], "message": "Email has already been taken", "code": "TAKEN"}]


# Consent


CONSENT = """mutation($input: CustomerSmsMarketingConsentUpdateInput!) { customerSmsMarketingConsentUpdate(input: $input) {
  customer { defaultPhoneNumber { marketingState marketingOptInLevel marketingUpdatedAt marketingCollectedFrom } }
  userErrors { field message code } } }"""


def test_consent_is_taken_on_creation_and_then_only_by_its_own_mutation(ask: Ask) -> None:
    consent = {
        "marketingState": "SUBSCRIBED",
        "marketingOptInLevel": "CONFIRMED_OPT_IN",
        "consentUpdatedAt": "2026-01-02T03:04:05Z",
    }
    customer = create(ask, email="news@example.org", emailMarketingConsent=consent)
    read = "query($id: ID!) { customer(id: $id) { defaultEmailAddress { marketingState marketingOptInLevel marketingUpdatedAt } } }"

    refused = ask(UPDATE, input={"id": customer["id"], "emailMarketingConsent": consent})

    assert ask(read, id=customer["id"])["data"]["customer"]["defaultEmailAddress"] == {
        "marketingState": "SUBSCRIBED",
        "marketingOptInLevel": "CONFIRMED_OPT_IN",
        "marketingUpdatedAt": "2026-01-02T03:04:05Z",
    }
    text = "To update emailMarketingConsent, please use the customerEmailMarketingConsentUpdate Mutation instead"
    assert errors(refused) == [(["emailMarketingConsent"], text)]


def test_sms_consent_needs_a_phone_number_and_a_state_that_can_be_set(ask: Ask) -> None:
    silent, loud = create(ask, firstName="Silent"), create(ask, phone="+16135550155")
    consent = {"marketingState": "SUBSCRIBED", "marketingOptInLevel": "SINGLE_OPT_IN"}

    without = ask(CONSENT, input={"customerId": silent["id"], "smsMarketingConsent": consent})
    with_phone = ask(CONSENT, input={"customerId": loud["id"], "smsMarketingConsent": consent})
    redacted = ask(CONSENT, input={"customerId": loud["id"], "smsMarketingConsent": consent | {"marketingState": "REDACTED"}})

    assert errors(without) == [(["input", "smsMarketingConsent"], "A phone number is required to set the SMS consent state.")]
    shown = with_phone["data"]["customerSmsMarketingConsentUpdate"]["customer"]["defaultPhoneNumber"]
    assert (shown["marketingState"], shown["marketingCollectedFrom"]) == ("SUBSCRIBED", "OTHER")
    assert redacted["errors"][0]["message"] == "Cannot specify REDACTED as a marketing state input"


# Tax exemptions, erasure, accounts


def test_tax_exemptions_are_added_removed_and_replaced(ask: Ask) -> None:
    customer = create(ask, firstName="Tax")

    def change(verb: str, *exemptions: str) -> list[str]:
        document = f"""mutation($id: ID!, $list: [TaxExemption!]!) {{
          answer: customer{verb}TaxExemptions(customerId: $id, taxExemptions: $list) {{
            customer {{ taxExemptions }} userErrors {{ field message }} }} }}"""
        shown: list[str] = ask(document, id=customer["id"], list=list(exemptions))["data"]["answer"]["customer"]["taxExemptions"]
        return shown

    assert change("Add", "US_NY_RESELLER_EXEMPTION", "US_NY_RESELLER_EXEMPTION") == ["US_NY_RESELLER_EXEMPTION"]
    assert change("Add", "CA_STATUS_CARD_EXEMPTION") == ["US_NY_RESELLER_EXEMPTION", "CA_STATUS_CARD_EXEMPTION"]
    assert change("Remove", "US_NY_RESELLER_EXEMPTION") == ["CA_STATUS_CARD_EXEMPTION"]
    assert change("Replace", "US_TX_RESELLER_EXEMPTION") == ["US_TX_RESELLER_EXEMPTION"]


def test_an_erasure_can_be_taken_back_once(ask: Ask) -> None:
    customer = create(ask, firstName="Forget")
    document = "mutation($id: ID!) {{ customer{}DataErasure(customerId: $id) {{ customerId userErrors {{ field message }} }} }}"

    assert errors(ask(document.format("Request"), id=customer["id"])) == []
    assert errors(ask(document.format("Cancel"), id=customer["id"])) == []
    again = ask(document.format("Cancel"), id=customer["id"])
    assert errors(again) == [(["customerId"], "Customer's data is not scheduled for erasure")]


def test_an_invited_customer_is_invited_and_a_bad_message_is_not_sent(ask: Ask) -> None:
    customer = create(ask, email="guest@example.org")
    document = """mutation($id: ID!, $email: EmailInput) { customerSendAccountInviteEmail(customerId: $id, email: $email) {
      customer { state } userErrors { field message } } }"""

    refused = ask(document, id=customer["id"], email={"subject": " ", "to": "nowhere"})
    sent = ask(document, id=customer["id"])

    assert errors(refused) == [(["email", "subject"], "Subject can't be blank"), (["email", "to"], "To is invalid")]
    assert sent["data"]["customerSendAccountInviteEmail"]["customer"] == {"state": "INVITED"}


# Merging


MERGE = """mutation($one: ID!, $two: ID!, $over: CustomerMergeOverrideFields) {
  customerMerge(customerOneId: $one, customerTwoId: $two, overrideFields: $over) {
    resultingCustomerId job { id done } userErrors { field message code } } }"""


def test_a_merge_keeps_the_customer_with_an_email_and_joins_tags_and_addresses(ask: Ask) -> None:
    one = create(ask, email="keep@example.org", firstName="Keep", tags=["a"], addresses=[{"address1": "One"}])
    two = create(ask, firstName="Gone", phone="+16135550177", tags=["b"], addresses=[{"address1": "Two"}])

    merged = ask(MERGE, one=one["id"], two=two["id"])["data"]["customerMerge"]

    assert merged["resultingCustomerId"] == one["id"]
    assert merged["job"]["done"] is False
    status = ask("query($id: ID!) { customerMergeJobStatus(jobId: $id) { status resultingCustomerId } }", id=merged["job"]["id"])
    assert status["data"]["customerMergeJobStatus"] == {"status": "COMPLETED", "resultingCustomerId": one["id"]}
    after = ask(
        f"query($id: ID!) {{ customer(id: $id) {{ {SHOWN} addressesV2(first: 5) {{ nodes {{ address1 }} }} }} }}", id=one["id"]
    )
    shown = after["data"]["customer"]
    assert (shown["displayName"], shown["phone"], shown["tags"]) == ("Keep", "+16135550177", ["a", "b"])
    assert [node["address1"] for node in shown["addressesV2"]["nodes"]] == ["One", "Two"]
    assert ask("query($id: ID!) { customer(id: $id) { id } }", id=two["id"])["data"]["customer"] is None


def test_of_two_customers_with_emails_the_second_is_kept_unless_overridden(ask: Ask) -> None:
    one, two = create(ask, email="one@example.org"), create(ask, email="two@example.org")

    preview = """query($one: ID!, $two: ID!, $over: CustomerMergeOverrideFields) {
      customerMergePreview(customerOneId: $one, customerTwoId: $two, overrideFields: $over) { resultingCustomerId } }"""
    plain = ask(preview, one=one["id"], two=two["id"])["data"]["customerMergePreview"]
    merged = ask(MERGE, one=one["id"], two=two["id"], over={"customerIdOfEmailToKeep": one["id"]})["data"]["customerMerge"]

    assert plain["resultingCustomerId"] == two["id"]
    assert merged["resultingCustomerId"] == one["id"]


def test_a_customer_with_a_gift_card_is_not_merged(ask: Ask) -> None:
    one, two = create(ask, firstName="Rich", email="rich@example.org"), create(ask, firstName="Poor")
    issue = """mutation($input: GiftCardCreateInput!) { giftCardCreate(input: $input) {
      giftCard { balance { amount } customer { id } } giftCardCode userErrors { field message } } }"""
    card = ask(issue, input={"initialValue": "12.50", "customerId": one["id"]})["data"]["giftCardCreate"]["giftCard"]

    refused = ask(MERGE, one=one["id"], two=two["id"])

    assert card == {"balance": {"amount": "12.5"}, "customer": {"id": one["id"]}}
    assert errors(refused) == [(["customerOneId"], "Rich has gift cards and can’t be merged.")]


# Companies and store credit


def test_a_company_has_two_roles_and_its_first_contact_may_order(ask: Ask) -> None:
    document = """mutation($input: CompanyCreateInput!) { companyCreate(input: $input) { company { name
      mainContact { customer { email } roleAssignments(first: 5) { nodes { role { name } companyLocation { name } } } }
      contactRoles(first: 5) { nodes { name } } } userErrors { field message } } }"""
    given = {"company": {"name": "Acme"}, "companyContact": {"email": "buyer@acme.example"}, "companyLocation": {"name": "HQ"}}

    company = ask(document, input=given)["data"]["companyCreate"]["company"]

    assert [node["name"] for node in company["contactRoles"]["nodes"]] == ["Location admin", "Ordering only"]
    assert company["mainContact"]["customer"] == {"email": "buyer@acme.example"}
    assert company["mainContact"]["roleAssignments"]["nodes"] == [
        {"role": {"name": "Ordering only"}, "companyLocation": {"name": "HQ"}}
    ]


def test_store_credit_cannot_be_overdrawn(ask: Ask) -> None:
    customer = create(ask, firstName="Credit")
    document = """mutation($id: ID!) {
      credit: storeCreditAccountCredit(id: $id, creditInput: {creditAmount: {amount: "10.00", currencyCode: CAD}}) {
        storeCreditAccountTransaction { amount { amount } balanceAfterTransaction { amount } } userErrors { message code } }
      debit: storeCreditAccountDebit(id: $id, debitInput: {debitAmount: {amount: "10.01", currencyCode: CAD}}) {
        storeCreditAccountTransaction { amount { amount } } userErrors { code } } }"""

    answer = ask(document, id=customer["id"])["data"]

    assert answer["credit"]["storeCreditAccountTransaction"]["balanceAfterTransaction"] == {"amount": "10.0"}
    assert answer["debit"]["userErrors"] == [{"code": "INSUFFICIENT_FUNDS"}]


# Seeding


def test_seeded_rows_are_made_from_plain_values_one_at_a_time() -> None:
    def make(index: int) -> Any:
        home = customer_address(900 + index, address1=f"{index} Seed Street", city="Ottawa", countryCodeV2="CA")
        return customer_row(100 + index, "2026-01-01T00:00:00Z", email=f"c{index}@example.org", addresses=[home])

    table = Table("Customer", Seeded(first_id=100, count=1_000_000, make=make))

    row = table.get(100 + 999_999)

    assert row is not None
    assert (len(table), row["email"], row["_default_address_id"]) == (1_000_000, "c999999@example.org", 1_000_899)
