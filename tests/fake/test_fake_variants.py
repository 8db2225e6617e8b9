"""The fake's variants and options."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fake.conftest import EmptyStore

CREATE = """
mutation Create($product: ProductCreateInput!) {
  productCreate(product: $product) { product { id options { id optionValues { id name } } variants(first: 5) { nodes { id } } } }
}
"""
VARIANTS = "product { variants(first: 20) { nodes { id title position price } } options { name values optionValues { name } } }"
BULK_CREATE = f"""
mutation Create($id: ID!, $variants: [ProductVariantsBulkInput!]!, $strategy: ProductVariantsBulkCreateStrategy) {{
  productVariantsBulkCreate(productId: $id, variants: $variants, strategy: $strategy) {{
    {VARIANTS} productVariants {{ id title }} userErrors {{ field message code }}
  }}
}}
"""
BULK_UPDATE = f"""
mutation Update($id: ID!, $variants: [ProductVariantsBulkInput!]!, $partial: Boolean = false) {{
  productVariantsBulkUpdate(productId: $id, variants: $variants, allowPartialUpdates: $partial) {{
    {VARIANTS} productVariants {{ id price }} userErrors {{ field message code }}
  }}
}}
"""
BULK_DELETE = f"""
mutation Delete($id: ID!, $ids: [ID!]!) {{
  productVariantsBulkDelete(productId: $id, variantsIds: $ids) {{ {VARIANTS} userErrors {{ field message code }} }}
}}
"""
OPTIONS_CREATE = f"""
mutation Options($id: ID!, $options: [OptionCreateInput!]!, $strategy: ProductOptionCreateVariantStrategy) {{
  productOptionsCreate(productId: $id, options: $options, variantStrategy: $strategy) {{
    {VARIANTS} userErrors {{ field message code }}
  }}
}}
"""


def value(option: str, name: str) -> dict[str, str]:
    """Name an option value."""
    return {"optionName": option, "name": name}


@pytest.fixture
def shirt(empty_store: EmptyStore) -> dict[str, Any]:
    """A product with two options, and one variant of the first values."""
    options = [
        {"name": "Color", "values": [{"name": "Red"}, {"name": "Blue"}]},
        {"name": "Size", "values": [{"name": "S"}, {"name": "L"}]},
    ]
    product: dict[str, Any] = empty_store.data(CREATE, product={"title": "Shirt", "productOptions": options})["product"]
    return product


def titles(payload: dict[str, Any]) -> list[str]:
    """Return the titles of the product's variants."""
    return [node["title"] for node in payload["product"]["variants"]["nodes"]]


def test_new_variants_come_last_and_may_bring_new_values(empty_store: EmptyStore, shirt: dict[str, Any]) -> None:
    new = {"optionValues": [value("Color", "Green"), value("Size", "L")], "price": "5"}

    payload = empty_store.data(BULK_CREATE, id=shirt["id"], variants=[new])

    assert titles(payload) == ["Red / S", "Green / L"]
    assert [node["position"] for node in payload["product"]["variants"]["nodes"]] == [1, 2]
    assert payload["product"]["options"][0]["values"] == ["Red", "Green"]


def test_the_default_variant_gives_way_to_the_first_real_one(empty_store: EmptyStore) -> None:
    product = empty_store.data(CREATE, product={"title": "Plain"})["product"]

    payload = empty_store.data(BULK_CREATE, id=product["id"], variants=[{"optionValues": [value("Title", "Big")]}])

    assert titles(payload) == ["Big"]
    assert payload["product"]["options"][0]["optionValues"] == [{"name": "Big"}]


@pytest.mark.parametrize(
    ("variant", "field", "code"),
    [
        ({"optionValues": [value("Color", "Red"), value("Color", "Blue")]}, ["0", "optionValues"], "INVALID_INPUT"),
        ({"optionValues": [value("Material", "Silk")]}, ["0", "optionValues", "0"], "INVALID_INPUT"),
        ({"optionValues": [value("Color", "Blue")]}, ["0"], "NEED_TO_ADD_OPTION_VALUES"),
        ({"optionValues": [value("Color", "red"), value("Size", "s")]}, ["0"], "VARIANT_ALREADY_EXISTS_CHANGE_OPTION_VALUE"),
        (
            {
                "optionValues": [value("Color", "Blue"), value("Size", "S")],
                "inventoryQuantities": [{"locationId": "gid://shopify/Location/1", "availableQuantity": 1}],
            },
            ["0", "inventoryQuantities"],
            "TRACKED_VARIANT_LOCATION_NOT_FOUND",
        ),
    ],
    ids=["option twice", "unknown option", "option missing", "same values", "unknown location"],
)
def test_one_bad_variant_keeps_all_from_being_made(
    empty_store: EmptyStore, shirt: dict[str, Any], variant: dict[str, Any], field: list[str], code: str
) -> None:
    payload = empty_store.data(BULK_CREATE, id=shirt["id"], variants=[variant])

    assert (payload["product"], payload["productVariants"]) == (None, [])
    assert [(error["field"], error["code"]) for error in payload["userErrors"]] == [(["variants", *field], code)]


def test_errors_of_values_show_the_unchanged_variants_sorted_by_field(empty_store: EmptyStore, shirt: dict[str, Any]) -> None:
    variant = shirt["variants"]["nodes"][0]["id"]

    payload = empty_store.data(BULK_UPDATE, id=shirt["id"], variants=[{"id": variant, "price": "-1", "compareAtPrice": "1e18"}])

    assert payload["productVariants"] == [{"id": variant, "price": "0.00"}]
    assert [error["field"][-1] for error in payload["userErrors"]] == ["compareAtPrice", "price"]
    assert [error["code"] for error in payload["userErrors"]] == ["INVALID_INPUT", "GREATER_THAN_OR_EQUAL_TO"]


def test_a_negative_cost_is_told_twice(empty_store: EmptyStore, shirt: dict[str, Any]) -> None:
    variant = {"id": shirt["variants"]["nodes"][0]["id"], "inventoryItem": {"cost": "-1"}}

    errors = empty_store.data(BULK_UPDATE, id=shirt["id"], variants=[variant])["userErrors"]

    assert [(error["field"], error["code"]) for error in errors] == [
        (["variants", "0"], None),
        (["variants", "0", "inventoryItem", "cost"], "GREATER_THAN_OR_EQUAL_TO"),
    ]


def test_errors_of_structure_show_no_variants(empty_store: EmptyStore, shirt: dict[str, Any]) -> None:
    payload = empty_store.data(BULK_UPDATE, id=shirt["id"], variants=[{"price": "1"}, {"id": "gid://shopify/ProductVariant/1"}])

    assert payload["productVariants"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["PRODUCT_VARIANT_ID_MISSING", "PRODUCT_VARIANT_DOES_NOT_EXIST"]


def test_partial_updates_keep_the_good_ones(empty_store: EmptyStore, shirt: dict[str, Any]) -> None:
    new = {"optionValues": [value("Color", "Blue"), value("Size", "S")], "price": "2"}
    nodes = empty_store.data(BULK_CREATE, id=shirt["id"], variants=[new])["product"]["variants"]["nodes"]
    changes = [{"id": nodes[0]["id"], "price": "7"}, {"id": nodes[1]["id"], "price": "-7"}]

    payload = empty_store.data(BULK_UPDATE, id=shirt["id"], variants=changes, partial=True)

    assert [node["price"] for node in payload["productVariants"]] == ["7.00", "2.00"]
    assert len(payload["userErrors"]) == 1


def test_deleting_closes_up_the_positions(empty_store: EmptyStore, shirt: dict[str, Any]) -> None:
    new = [{"optionValues": [value("Color", "Blue"), value("Size", size)]} for size in ("S", "L")]
    nodes = empty_store.data(BULK_CREATE, id=shirt["id"], variants=new)["product"]["variants"]["nodes"]

    payload = empty_store.data(BULK_DELETE, id=shirt["id"], ids=[nodes[1]["id"]])

    assert titles(payload) == ["Red / S", "Blue / L"]
    assert [node["position"] for node in payload["product"]["variants"]["nodes"]] == [1, 2]


def test_a_variant_of_another_product_cannot_be_deleted(empty_store: EmptyStore, shirt: dict[str, Any]) -> None:
    other = empty_store.data(CREATE, product={"title": "Other"})["product"]

    payload = empty_store.data(BULK_DELETE, id=shirt["id"], ids=[other["variants"]["nodes"][0]["id"]])

    assert payload["product"] is None
    assert payload["userErrors"][0]["field"] == ["variantsIds", "0"]


def test_added_options_replace_the_default_one_and_can_make_variants(empty_store: EmptyStore) -> None:
    product = empty_store.data(CREATE, product={"title": "Plain"})["product"]
    color = {"name": "Color", "values": [{"name": "Red"}, {"name": "Blue"}]}

    left = empty_store.data(OPTIONS_CREATE, id=product["id"], options=[color])
    size = {"name": "Size", "values": [{"name": "S"}, {"name": "L"}]}
    made = empty_store.data(OPTIONS_CREATE, id=product["id"], options=[size], strategy="CREATE")

    assert titles(left) == ["Red"]
    assert [option["values"] for option in left["product"]["options"]] == [["Red"]]
    assert titles(made) == ["Red / S", "Red / L"]


def test_a_fourth_option_is_one_too_many(empty_store: EmptyStore, shirt: dict[str, Any]) -> None:
    more = [{"name": name, "values": [{"name": "1"}]} for name in ("Fit", "Cut")]

    payload = empty_store.data(OPTIONS_CREATE, id=shirt["id"], options=more)

    assert payload["userErrors"] == [
        {"field": ["options"], "message": "Can only specify a maximum of 3 options", "code": "OPTIONS_OVER_LIMIT"}
    ]


def test_reordered_options_rename_and_reorder_the_variants(empty_store: EmptyStore, shirt: dict[str, Any]) -> None:
    new = {"optionValues": [value("Color", "Blue"), value("Size", "S")]}
    empty_store.data(BULK_CREATE, id=shirt["id"], variants=[new])
    reorder = f"""
    mutation Reorder($id: ID!, $options: [OptionReorderInput!]!) {{
      productOptionsReorder(productId: $id, options: $options) {{ {VARIANTS} userErrors {{ code }} }}
    }}
    """

    order = [{"name": "Size"}, {"name": "Color", "values": [{"name": "Blue"}, {"name": "Red"}]}]
    payload = empty_store.data(reorder, id=shirt["id"], options=order)
    mixed = empty_store.data(reorder, id=shirt["id"], options=[{"name": "Size"}, {"id": shirt["options"][0]["id"]}])
    answer = empty_store.answer(reorder, id=shirt["id"], options=[{"values": []}])

    assert titles(payload) == ["S / Blue", "S / Red"]
    assert mixed["userErrors"] == [{"code": "MIXING_ID_AND_NAME_KEYS_IS_NOT_ALLOWED"}]
    assert answer["errors"][0]["message"] == "OptionReorderInput requires exactly one of id, name"


def test_an_option_can_be_renamed_extended_and_shortened_at_once(empty_store: EmptyStore, shirt: dict[str, Any]) -> None:
    red, blue = (entry["id"] for entry in shirt["options"][0]["optionValues"])
    update = f"""
    mutation Update($id: ID!, $option: OptionUpdateInput!, $add: [OptionValueCreateInput!], $update: [OptionValueUpdateInput!],
        $delete: [ID!]) {{
      productOptionUpdate(productId: $id, option: $option, optionValuesToAdd: $add, optionValuesToUpdate: $update,
          optionValuesToDelete: $delete) {{ {VARIANTS} userErrors {{ field code }} }}
    }}
    """

    payload = empty_store.data(
        update,
        id=shirt["id"],
        option={"id": shirt["options"][0]["id"], "name": "Shade", "position": 2},
        add=[{"name": "Green"}],
        update=[{"id": red, "name": "Crimson"}],
        delete=[blue],
    )

    assert titles(payload) == ["S / Crimson"]
    assert payload["product"]["options"][1] == {
        "name": "Shade",
        "values": ["Crimson"],
        "optionValues": [{"name": "Crimson"}, {"name": "Green"}],
    }


def test_only_ready_images_of_the_same_product_can_be_attached(empty_store: EmptyStore, shirt: dict[str, Any]) -> None:
    media = [{"mediaContentType": "IMAGE", "originalSource": "https://images.example/a.png"}]
    made = empty_store.data(
        "mutation($id: ID!, $media: [CreateMediaInput!]!) { productCreateMedia(productId: $id, media: $media) { media { id } } }",
        id=shirt["id"],
        media=media,
    )["media"][0]
    append = """
    mutation Append($id: ID!, $pairs: [ProductVariantAppendMediaInput!]!) {
      productVariantAppendMedia(productId: $id, variantMedia: $pairs) { productVariants { id } userErrors { code } }
    }
    """
    pairs = [{"variantId": shirt["variants"]["nodes"][0]["id"], "mediaIds": [made["id"]]}]

    early = empty_store.data(append, id=shirt["id"], pairs=pairs)
    for _ in range(2):
        empty_store.data("query($id: ID!) { product(id: $id) { media(first: 1) { nodes { status } } } }", id=shirt["id"])
    good = empty_store.data(append, id=shirt["id"], pairs=pairs)
    again = empty_store.data(append, id=shirt["id"], pairs=pairs)

    assert early["userErrors"] == [{"code": "NON_READY_MEDIA"}]
    assert len(good["productVariants"]) == 1
    assert again["userErrors"] == [{"code": "PRODUCT_VARIANT_ALREADY_HAS_MEDIA"}]
