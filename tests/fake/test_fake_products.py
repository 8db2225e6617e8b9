"""The fake's products: making, changing, finding and deleting them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fake.conftest import EmptyStore

SHOWN = """
id title handle status vendor productType tags descriptionHtml publishedAt totalInventory tracksInventory
options { id name position values optionValues { id name hasVariants } }
variants(first: 20) {
  nodes { id title price position inventoryItem { id sku tracked inventoryLevels(first: 5) { nodes { id } } } }
}
"""
CREATE = f"""
mutation Create($product: ProductCreateInput!, $media: [CreateMediaInput!]) {{
  productCreate(product: $product, media: $media) {{ product {{ {SHOWN} }} userErrors {{ field message }} }}
}}
"""
UPDATE = f"""
mutation Update($product: ProductUpdateInput!) {{
  productUpdate(product: $product) {{ product {{ {SHOWN} }} userErrors {{ field message }} }}
}}
"""
SET = f"""
mutation Set($input: ProductSetInput!, $identifier: ProductSetIdentifiers, $synchronous: Boolean = true) {{
  productSet(input: $input, identifier: $identifier, synchronous: $synchronous) {{
    product {{ {SHOWN} }} productSetOperation {{ id status }} userErrors {{ field message code }}
  }}
}}
"""
DELETE = """
mutation Delete($id: ID!, $synchronous: Boolean = true) {
  productDelete(input: {id: $id}, synchronous: $synchronous) {
    deletedProductId productDeleteOperation { id status } userErrors { field message }
  }
}
"""
READ = f"query Read($id: ID!) {{ product(id: $id) {{ {SHOWN} }} }}"
SEARCH = "query Search($query: String) { products(first: 50, query: $query, sortKey: TITLE) { nodes { title } } }"


def make(store: EmptyStore, **product: Any) -> Any:
    """Make a product and return it."""
    payload = store.data(CREATE, product={"title": "Tea pot"} | product)
    assert payload["userErrors"] == []
    return payload["product"]


def found(store: EmptyStore, query: str) -> list[str]:
    """Return the titles that a search finds."""
    return [node["title"] for node in store.data(SEARCH, query=query)["nodes"]]


def test_a_new_product_has_shopifys_defaults(empty_store: EmptyStore) -> None:
    product = make(empty_store)

    assert (product["handle"], product["status"], product["vendor"]) == ("tea-pot", "ACTIVE", "empty-shop")
    assert product["options"][0]["values"] == ["Default Title"]
    assert [node["price"] for node in product["variants"]["nodes"]] == ["0.00"]
    assert product["publishedAt"] is None


def test_a_new_variant_is_stocked_at_the_primary_location(empty_store: EmptyStore) -> None:
    product = make(empty_store)

    item = product["variants"]["nodes"][0]["inventoryItem"]

    assert item["tracked"] is False
    assert len(item["inventoryLevels"]["nodes"]) == 1


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"title": " "}, ["title"], "Title can't be blank"),
        ({"title": "t" * 256}, ["title"], "Title is too long (maximum is 255 characters)"),
        ({"title": "x", "vendor": "v" * 256}, ["vendor"], "Vendor is too long (maximum is 255 characters)"),
        ({"title": "x", "productType": "p" * 256}, ["productType"], "Product type is too long (maximum is 255 characters)"),
        ({"title": "x", "productOptions": [{"name": "A / B", "values": [{"name": "1"}]}]}, ["options"], "Name cannot contain"),
    ],
    ids=["blank title", "long title", "long vendor", "long type", "separator in option"],
)
def test_bad_input_makes_no_product(empty_store: EmptyStore, given: dict[str, Any], field: list[str], message: str) -> None:
    payload = empty_store.data(CREATE, product=given)

    assert payload["product"] is None
    assert payload["userErrors"][0]["field"] == field
    assert payload["userErrors"][0]["message"].startswith(message)


def test_a_generated_handle_counts_on_and_a_given_one_is_refused(empty_store: EmptyStore) -> None:
    make(empty_store, title="Cup 7")

    second = make(empty_store, title="Cup 7")
    refused = empty_store.data(CREATE, product={"title": "Other", "handle": " CUP 7 "})

    assert second["handle"] == "cup-8"
    assert refused["userErrors"] == [
        {"field": ["input", "handle"], "message": "Handle ' CUP 7 ' already in use. Please provide a new handle."}
    ]


@pytest.mark.parametrize(
    ("title", "handle"),
    [
        ("Kid's Stan Smith | Grün", "kids-stan-smith-grun"),
        ("best_selling (new)", "best_selling-new"),
        ("湯呑み 100 %", "湯呑み-100"),
        ("%%%", "product"),
    ],
    ids=["accents and quotes", "underscore and brackets", "other script", "nothing left"],
)
def test_handles_are_made_of_titles(empty_store: EmptyStore, title: str, handle: str) -> None:
    assert make(empty_store, title=title)["handle"] == handle


def test_a_blank_handle_returns_to_the_title_and_a_new_title_keeps_the_handle(empty_store: EmptyStore) -> None:
    product = make(empty_store, handle="special")

    renamed = empty_store.data(UPDATE, product={"id": product["id"], "title": "Coffee pot"})["product"]
    returned = empty_store.data(UPDATE, product={"id": product["id"], "handle": "  "})["product"]

    assert (renamed["handle"], returned["handle"]) == ("special", "coffee-pot")


def test_an_update_with_errors_shows_the_unchanged_product(empty_store: EmptyStore) -> None:
    product = make(empty_store, vendor="Potters")

    payload = empty_store.data(UPDATE, product={"id": product["id"], "vendor": "Others", "title": ""})

    assert payload["userErrors"] == [{"field": ["title"], "message": "Title can't be blank"}]
    assert payload["product"]["vendor"] == "Potters"


def test_tags_are_split_trimmed_unique_and_sorted(empty_store: EmptyStore) -> None:
    product = make(empty_store, tags=["Red, blue ", "BLUE", "green"])

    add = 'mutation($id: ID!) { tagsAdd(id: $id, tags: "red,Amber") { node { ... on Product { tags } } userErrors { message } } }'
    added = empty_store.data(add, id=product["id"])

    assert product["tags"] == ["blue", "green", "Red"]
    assert added["node"]["tags"] == ["Amber", "blue", "green", "Red"]


def test_an_unknown_category_refuses_the_whole_field(empty_store: EmptyStore) -> None:
    answer = empty_store.answer(CREATE, product={"title": "x", "category": "gid://shopify/TaxonomyCategory/nothing"})

    assert answer["data"] == {"productCreate": None}
    assert answer["errors"][0]["extensions"]["code"] == "INVALID_PRODUCT_TAXONOMY_NODE_ID"


def test_an_id_of_another_type_is_refused_at_the_top(empty_store: EmptyStore) -> None:
    answer = empty_store.answer(READ, id="gid://shopify/Customer/1")

    assert answer["errors"][0]["extensions"]["code"] == "RESOURCE_NOT_FOUND"
    assert empty_store.data(READ, id="gid://shopify/Product/1") is None


def test_deleting_takes_variants_items_and_memberships_along(empty_store: EmptyStore) -> None:
    collection = empty_store.data('mutation { collectionCreate(input: {title: "Pots"}) { collection { id } } }')["collection"]
    product = make(empty_store, collectionsToJoin=[collection["id"]])
    variant = product["variants"]["nodes"][0]

    payload = empty_store.data(DELETE, id=product["id"])
    left = empty_store.data(
        "query Left($ids: [ID!]!, $c: ID!) { nodes(ids: $ids) { id } collection(id: $c) { productsCount { count } } }",
        ids=[product["id"], variant["id"], variant["inventoryItem"]["id"]],
        c=collection["id"],
    )

    assert payload["deletedProductId"] == product["id"]
    assert left == {"nodes": [None, None, None], "collection": {"productsCount": {"count": 0}}}
    assert empty_store.topics()[-1] == "products/delete"


def test_an_asynchronous_deletion_is_followed_by_its_operation(empty_store: EmptyStore) -> None:
    product = make(empty_store)
    read = "query Operation($id: ID!) { productOperation(id: $id) { status ... on ProductDeleteOperation { deletedProductId } } }"

    started = empty_store.data(DELETE, id=product["id"], synchronous=False)
    again = empty_store.data(DELETE, id=product["id"], synchronous=False)
    seen = [empty_store.data(read, id=started["productDeleteOperation"]["id"]) for _ in range(5)]

    assert (started["deletedProductId"], started["productDeleteOperation"]["status"]) == (None, "CREATED")
    assert again["userErrors"][0]["message"].startswith("Another operation already in progress.")
    assert [one["status"] for one in seen[:2]] == ["ACTIVE", "ACTIVE"]
    assert seen[-1] == {"status": "COMPLETE", "deletedProductId": product["id"]}


def test_product_set_makes_options_variants_and_stock_in_one_go(empty_store: EmptyStore) -> None:
    places = empty_store.data("{ locations(first: 5) { nodes { id } } }")["nodes"]
    stock = [{"locationId": place["id"], "name": "available", "quantity": 3} for place in places]

    payload = empty_store.data(
        SET,
        input={
            "title": "Shirt",
            "productOptions": [{"name": "Color", "values": [{"name": "Red"}, {"name": "Blue"}]}],
            "variants": [
                {
                    "optionValues": [{"optionName": "Color", "name": "Red"}],
                    "price": "9.5",
                    "sku": "R",
                    "inventoryItem": {"tracked": True},
                    "inventoryQuantities": stock,
                },
                {"optionValues": [{"optionName": "Color", "name": "Blue"}], "inventoryQuantities": stock[:1]},
            ],
        },
    )

    product = payload["product"]
    nodes = product["variants"]["nodes"]
    assert payload["userErrors"] == []
    assert [(node["title"], node["price"]) for node in nodes] == [("Red", "9.50"), ("Blue", "0.00")]
    assert [len(node["inventoryItem"]["inventoryLevels"]["nodes"]) for node in nodes] == [2, 1]
    assert product["totalInventory"] == 6, "variants that are not tracked do not count"


def test_product_set_replaces_the_lists_that_it_gives_and_leaves_the_others(empty_store: EmptyStore) -> None:
    product = make(empty_store, tags=["kept"], productOptions=[{"name": "Size", "values": [{"name": "S"}, {"name": "L"}]}])
    kept = product["variants"]["nodes"][0]["id"]

    payload = empty_store.data(
        SET,
        identifier={"id": product["id"]},
        input={
            "productOptions": [{"name": "Size", "values": [{"name": "S"}, {"name": "M"}]}],
            "variants": [
                {"optionValues": [{"optionName": "Size", "name": "M"}]},
                {"id": kept, "optionValues": [{"optionName": "Size", "name": "S"}]},
            ],
        },
    )["product"]

    assert [node["title"] for node in payload["variants"]["nodes"]] == ["M", "S"]
    assert payload["variants"]["nodes"][1]["id"] == kept
    assert payload["tags"] == ["kept"]
    assert payload["options"][0]["id"] == product["options"][0]["id"]


@pytest.mark.parametrize(
    ("given", "identifier", "code"),
    [
        ({"title": "x", "productOptions": [{"name": "A", "values": [{"name": "1"}]}]}, None, "VARIANTS_INPUT_MISSING"),
        ({"id": "gid://shopify/Product/1", "title": "x"}, None, "PRODUCT_DOES_NOT_EXIST"),
        ({"id": "gid://shopify/Product/1", "title": "x"}, {"handle": "x"}, "ID_NOT_ALLOWED"),
    ],
    ids=["options alone", "unknown id", "id and identifier"],
)
def test_product_set_says_by_code_what_is_wrong(
    empty_store: EmptyStore, given: dict[str, Any], identifier: dict[str, Any] | None, code: str
) -> None:
    payload = empty_store.data(SET, input=given, identifier=identifier)

    assert payload["product"] is None
    assert [error["code"] for error in payload["userErrors"]] == [code]


def test_asynchronous_product_set_tells_its_result_by_the_operation(empty_store: EmptyStore) -> None:
    started = empty_store.data(SET, input={"title": "Later"}, synchronous=False)

    operation = empty_store.data(
        "query Operation($id: ID!) { productOperation(id: $id) { status product { title } } }",
        id=started["productSetOperation"]["id"],
    )

    assert (started["product"], started["productSetOperation"]["status"]) == (None, "CREATED")
    assert operation == {"status": "COMPLETE", "product": {"title": "Later"}}


def test_lists_longer_than_allowed_are_refused_before_anything_runs(empty_store: EmptyStore) -> None:
    answer = empty_store.answer(CREATE, product={"title": "x", "tags": [f"t{n}" for n in range(251)]})

    error = answer["errors"][0]
    assert error["message"] == "The input array size of 251 is greater than the maximum allowed of 250."
    assert (error["path"], error["extensions"]["code"]) == (["productCreate", "product", "tags"], "MAX_INPUT_SIZE_EXCEEDED")


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("tag:red", ["Cup", "Pot"]),
        ("vendor:ACME OR vendor:Other product_type:china", ["Cup", "Plate"]),
        ("vendor:acme", ["Cup", "Pot"]),
        ("status:draft", ["Plate"]),
        ("-tag:red", ["Plate"]),
        ("(Cup", ["Cup"]),
        ("tag:(red", []),
        ("title:pot OR", ["Pot"]),
        ("price:>5", ["Pot"]),
        ("sku:POT-1", ["Pot"]),
        ("metafields.custom.glaze:blue", ["Cup"]),
    ],
)
def test_products_are_found_by_shopifys_search_syntax(empty_store: EmptyStore, query: str, titles: list[str]) -> None:
    glaze = {"namespace": "custom", "key": "glaze", "type": "single_line_text_field", "value": "blue"}
    make(empty_store, title="Cup", tags=["red"], vendor="Acme", productType="China", metafields=[glaze])
    pot = make(empty_store, title="Pot", tags=["Red", "big"], vendor="ACME", productType="Iron")
    make(empty_store, title="Plate", vendor="Other", productType="China", status="DRAFT")
    variant = {"id": pot["variants"]["nodes"][0]["id"], "price": "12", "inventoryItem": {"sku": "POT-1"}}
    change = """
    mutation Change($id: ID!, $variants: [ProductVariantsBulkInput!]!) {
      productVariantsBulkUpdate(productId: $id, variants: $variants) { product { id } }
    }
    """
    empty_store.data(change, id=pot["id"], variants=[variant])

    assert found(empty_store, query) == titles


def test_a_copy_has_a_handle_of_its_own_and_the_status_of_its_origin(empty_store: EmptyStore) -> None:
    product = make(empty_store, status="DRAFT", tags=["x"])

    copying = """
    mutation Copy($id: ID!) {
      productDuplicate(productId: $id, newTitle: "Tea pot") { newProduct { handle status tags } }
    }
    """
    copy = empty_store.data(copying, id=product["id"])["newProduct"]

    assert copy == {"handle": "tea-pot-1", "status": "DRAFT", "tags": ["x"]}


def test_new_images_become_ready_request_by_request(empty_store: EmptyStore) -> None:
    media = [{"mediaContentType": "IMAGE", "originalSource": "https://images.example/600x400.png", "alt": "front"}]
    read = "query Media($id: ID!) { product(id: $id) { media(first: 1) { nodes { status preview { image { width } } } } } }"
    payload = empty_store.data(
        CREATE.replace(SHOWN, "id media(first: 1) { nodes { status } }"), product={"title": "x"}, media=media
    )
    product = payload["product"]

    seen = [empty_store.data(read, id=product["id"])["media"]["nodes"][0] for _ in range(2)]

    assert product["media"]["nodes"][0]["status"] == "UPLOADED"
    assert seen[0] == {"status": "PROCESSING", "preview": {"image": None}}
    assert seen[1] == {"status": "READY", "preview": {"image": {"width": 600}}}


def test_the_total_of_a_product_follows_its_stock_with_a_delay(empty_store: EmptyStore) -> None:
    place = empty_store.data("{ locations(first: 1) { nodes { id } } }")["nodes"][0]["id"]
    option = [{"name": "Title", "values": [{"name": "Default Title"}]}]
    stock = [{"locationId": place, "name": "available", "quantity": 2}]
    variant = {
        "optionValues": [{"optionName": "Title", "name": "Default Title"}],
        "inventoryItem": {"tracked": True},
        "inventoryQuantities": stock,
    }
    given = {"title": "Stocked", "productOptions": option, "variants": [variant]}
    product = empty_store.data(SET, input=given)["product"]

    changed = given | {"variants": [variant | {"inventoryQuantities": [stock[0] | {"quantity": 9}]}]}
    later = empty_store.data(SET, input=changed, identifier={"id": product["id"]})["product"]

    assert (product["totalInventory"], later["totalInventory"]) == (2, 2)
