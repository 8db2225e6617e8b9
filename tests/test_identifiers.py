"""Names of things: shop domains as people and machines write them, GIDs taken apart and put together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shopify_kit.errors import InvalidInput
from shopify_kit.identifiers import MAX_ID, Gid, is_shop_domain, make_gid, parse_gid, parse_shop_domain, read_id, tail
from tests.shared_data import SHARED_DATA, needs_shared_data

NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,59}", fullmatch=True).filter(lambda name: not name.startswith("xn--"))


def vectors() -> list[Any]:
    """Return the shop domains that libraries of Shopify accept and refuse; none where the recorded data are absent."""
    path = SHARED_DATA / "vectors_open.json"
    if not path.is_file():
        return []
    rows = json.loads(path.read_text("utf-8"))["vectors"]
    return [pytest.param(row["inputs"]["value"], row["expected"], id=row["id"]) for row in rows if row["kind"] == "shop_domain"]


@needs_shared_data
@pytest.mark.parametrize(("typed", "expected"), vectors())
def test_shop_domain_is_accepted_or_refused_as_a_hardened_library_does(typed: str, expected: dict[str, Any]) -> None:
    if expected["accept"]:
        assert parse_shop_domain(typed) == expected["normalized"]
        return

    with pytest.raises(InvalidInput) as caught:
        parse_shop_domain(typed)
    assert caught.value.code == "invalid_shop_domain"


@given(NAMES, st.sampled_from(["", "https://", "http://", "HTTPS://"]), st.sampled_from(["", ".myshopify.com", ".MyShopify.com"]))
def test_every_way_of_typing_a_shop_means_the_same(name: str, scheme: str, suffix: str) -> None:
    assert parse_shop_domain(f" \t{scheme}{name.upper()}{suffix}\r\n") == f"{name}.myshopify.com"


@given(NAMES, st.sampled_from(["", "https://", "http://"]), st.sampled_from(["", "/"]))
def test_address_in_the_admin_means_its_shop(name: str, scheme: str, slash: str) -> None:
    assert parse_shop_domain(f"{scheme}admin.shopify.com/store/{name}{slash}") == f"{name}.myshopify.com"


@given(NAMES)
def test_parsed_domain_is_a_domain_and_stays_the_same(name: str) -> None:
    domain = parse_shop_domain(name)

    assert is_shop_domain(domain)
    assert parse_shop_domain(domain) == domain


@given(st.text(max_size=400))
@example("acme.myshopify.com\n.evil.com")
@example("\x00acme")
def test_any_text_is_a_shop_domain_or_refused_and_nothing_worse(typed: str) -> None:
    try:
        domain = parse_shop_domain(typed)
    except InvalidInput:
        return

    assert is_shop_domain(domain)


REFUSED = {
    "nothing": "",
    "blanks": "   ",
    "port": "acme.myshopify.com:443",
    "path": "acme.myshopify.com/admin",
    "slash": "acme.myshopify.com/",
    "query": "acme.myshopify.com?x=1",
    "fragment": "acme.myshopify.com#x",
    "user": "user@acme.myshopify.com",
    "sub-domain": "a.acme.myshopify.com",
    "suffix twice": "acme.myshopify.com.myshopify.com",
    "other host": "acme.example.com",
    "host after": "acme.myshopify.com.evil.com",
    "two schemes": "https://https://acme.myshopify.com",
    "other scheme": "ftp://acme.myshopify.com",
    "scheme alone": "https://",
    "admin without a store": "admin.shopify.com/store/",
    "admin with a path": "admin.shopify.com/store/acme/products",
    "admin with two slashes": "admin.shopify.com/store/acme//",
    "leading hyphen": "-acme",
    "underscore": "ac_me",
    "blank within": "ac me",
    "newline within": "acme\n.myshopify.com",
    "nul": "acme\x00",
    "no-break space": "\u00a0acme",
    "kelvin sign": "\u212ashop",
    "dotless i": "sh\u0131p",
    "full-width": "\uff41cme",
    "punycode": "xn--acme-0xa",
    "61 letters": "a" * 61,
    "long": "a" * 100_000,
    "encoded dot": "acme%2emyshopify.com",
}


@pytest.mark.parametrize("typed", [pytest.param(text, id=name) for name, text in REFUSED.items()])
def test_what_is_no_shop_is_refused_without_repeating_it(typed: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_shop_domain(typed, field="store_domain")

    error = caught.value
    assert (error.code, error.http_status) == ("invalid_shop_domain", 400)
    assert error.details == [{"field": "store_domain", "reason": "expected <name>.myshopify.com"}]
    assert len(typed.strip()) < 3 or typed.strip() not in str(error)


def test_name_of_sixty_letters_is_the_longest() -> None:
    assert parse_shop_domain("a" * 60) == "a" * 60 + ".myshopify.com"


@pytest.mark.parametrize(
    "text",
    [
        "Acme.myshopify.com",
        " acme.myshopify.com",
        "acme.myshopify.com\n",
        "acme",
        "https://acme.myshopify.com",
        "xn--a.myshopify.com",
        "",
    ],
)
def test_signed_names_are_never_normalised(text: str) -> None:
    assert not is_shop_domain(text)


# GIDs

TYPES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,99}", fullmatch=True)
IDS = st.from_regex(r"[A-Za-z0-9_-]{1,200}", fullmatch=True)
QUERIES = st.from_regex(r"([A-Za-z0-9_=&%.-]{1,500})?", fullmatch=True)


@given(TYPES, IDS, QUERIES)
@example("InventoryLevel", "12", "inventory_item_id=34")
@example("File", "12", "a=%26&b=&c")
def test_gid_survives_taking_apart_and_putting_together(kind: str, number: str, query: str) -> None:
    text = f"gid://shopify/{kind}/{number}" + (f"?{query}" if query else "")

    gid = parse_gid(text)

    assert str(gid) == text
    assert gid == Gid(kind, number, query)


@given(TYPES, st.integers(1, MAX_ID))
def test_made_gid_is_read_back(kind: str, number: int) -> None:
    gid = make_gid(kind, number)

    assert parse_gid(gid).number == tail(gid) == number
    assert read_id(number, kind) == read_id(str(number), kind) == read_id(gid, kind) == gid


def test_parameters_belong_to_a_gid_and_not_to_its_number() -> None:
    gid = parse_gid("gid://shopify/InventoryLevel/12?inventory_item_id=34&x=a%26b")

    assert (gid.number, gid.parameters) == (12, {"inventory_item_id": "34", "x": "a&b"})
    assert tail(str(gid)) == 12


def test_uuid_is_an_id_without_a_number() -> None:
    gid = parse_gid("gid://shopify/Job/5fbbe4e2-2dbb-4b50-9f4d-2d2dc9d9e6d1")

    with pytest.raises(ValueError, match="invalid literal"):
        _ = gid.number


NO_GIDS = [
    "",
    "gid://shopify/Product/",
    "gid://shopify//1",
    "gid://shopify/Product",
    "gid://other/Product/1",
    "GID://shopify/Product/1",
    "gid://shopify/Product/1/2",
    "gid://shopify/Product/1?",
    "gid://shopify/Product/1?a b",
    "gid://shopify/Product/1\n",
    " gid://shopify/Product/1",
    "gid://shopify/Pröduct/1",
    "gid://shopify/Product/١",
    "gid://shopify/1Product/1",
    "gid://shopify/Product/" + "1" * 201,
]


@pytest.mark.parametrize("text", NO_GIDS, ids=ascii)
def test_what_is_no_gid_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_gid(text)

    assert caught.value.code == "invalid_id"


@pytest.mark.parametrize(
    "value",
    [
        *NO_GIDS,
        "0",
        0,
        -1,
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x1",
        "1_000",
        " 1",
        "²",
        "١",
        str(MAX_ID + 1),
        "9" * 5000,
        10**30,
        True,
        "gid://shopify/Order/1",
        "gid://shopify/ProductVariant/1",
        "gid://shopify/Product/0",
        "gid://shopify/Product/abc",
        f"gid://shopify/Product/{'9' * 100}",
        "gid://shopify/Product/1?variant=2",
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_what_names_no_object_of_the_type_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_id(value, "Product", field="product_id")

    assert (caught.value.code, caught.value.http_status) == ("invalid_id", 400)
    assert caught.value.details == [
        {"field": "product_id", "reason": "expected a positive number or gid://shopify/Product/<number>"}
    ]


@given(st.one_of(st.text(max_size=300), st.integers()))
def test_any_value_names_an_object_or_is_refused_and_nothing_worse(value: str | int) -> None:
    try:
        gid = read_id(value, "Product")
    except InvalidInput:
        return

    assert parse_gid(gid).type == "Product"
    assert 0 < parse_gid(gid).number <= MAX_ID


def test_leading_zeros_do_not_make_another_object() -> None:
    assert read_id("007", "Product") == "gid://shopify/Product/7"
