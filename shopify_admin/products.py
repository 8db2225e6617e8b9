"""Products: shapes, filters, and the inputs of Shopify's product mutations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict

from msgspec import Struct

from shopify_admin.search_syntax import any_of, between, every, quoted, term
from shopify_admin.shapes import Raw, amount_text, rename, tag_list, tag_text
from shopify_kit.identifiers import make_gid, tail

WEIGHT_UNITS = {"g": "GRAMS", "kg": "KILOGRAMS", "oz": "OUNCES", "lb": "POUNDS"}
UNIT_NAMES = {name: unit for unit, name in WEIGHT_UNITS.items()}
GRAMS = {"GRAMS": 1.0, "KILOGRAMS": 1000.0, "OUNCES": 28.349523125, "POUNDS": 453.59237}
DEFAULT_OPTION, DEFAULT_VALUE = "Title", "Default Title"
OPTION_KEYS = ("option1", "option2", "option3")
STATUSES = ("active", "archived", "draft", "unlisted")


class Variant(Struct, frozen=True):
    """A variant; `weight` in `weight_unit`, `grams` beside it, money as text."""

    id: int
    admin_graphql_api_id: str
    product_id: int
    title: str
    sku: str | None
    barcode: str | None
    price: str
    compare_at_price: str | None
    position: int
    option1: str | None
    option2: str | None
    option3: str | None
    inventory_item_id: int
    inventory_quantity: int | None
    inventory_policy: str
    inventory_management: str | None
    requires_shipping: bool
    taxable: bool
    grams: int
    weight: float
    weight_unit: str
    created_at: str
    updated_at: str


class Option(Struct, frozen=True):
    """An option with its values, in order."""

    id: int
    product_id: int
    name: str
    position: int
    values: tuple[str, ...]


class Image(Struct, frozen=True):
    """An image; `src` is null until Shopify has processed it."""

    id: int
    product_id: int
    position: int
    src: str | None
    alt: str | None
    width: int | None
    height: int | None


class Metafield(Struct, frozen=True):
    """A metafield of the product."""

    id: int
    namespace: str
    key: str
    type: str
    value: str


class Product(Struct, frozen=True):
    """A product with all its variants."""

    id: int
    admin_graphql_api_id: str
    title: str
    handle: str
    body_html: str
    vendor: str
    product_type: str
    status: str
    tags: str
    template_suffix: str | None
    created_at: str
    updated_at: str
    published_at: str | None
    currency: str
    options: tuple[Option, ...]
    variants: tuple[Variant, ...]
    images: tuple[Image, ...]
    metafields: tuple[Metafield, ...] | None = None


class ProductFilters(Struct, frozen=True):
    """What a list of products may be narrowed to; texts ignore case."""

    status: str | None = None
    product_type: str | None = None
    vendor: str | None = None
    collection_id: int | None = None
    title: str | None = None
    sku: str | None = None
    created_at_min: datetime | None = None
    created_at_max: datetime | None = None
    updated_at_min: datetime | None = None
    updated_at_max: datetime | None = None

    def query(self) -> str | None:
        """Write the filters in search syntax."""
        return every(
            [
                any_of("status", [self.status]) if self.status else None,
                term("product_type", self.product_type) if self.product_type else None,
                term("vendor", self.vendor) if self.vendor else None,
                term("collection_id", self.collection_id) if self.collection_id else None,
                term("title", self.title) if self.title else None,
                term("sku", self.sku) if self.sku else None,
                *between("created_at", self.created_at_min, self.created_at_max),
                *between("updated_at", self.updated_at_min, self.updated_at_max),
            ]
        )


class VariantInput(TypedDict, total=False):
    """A variant as a caller gives it."""

    id: int
    title: str
    price: str
    compare_at_price: str | None
    sku: str | None
    barcode: str | None
    inventory_quantity: int
    inventory_policy: Literal["deny", "continue"]
    weight: float
    weight_unit: Literal["g", "kg", "oz", "lb"]
    requires_shipping: bool
    taxable: bool
    option1: str
    option2: str
    option3: str


class OptionInput(TypedDict, total=False):
    """An option as a caller gives it."""

    name: str
    values: Sequence[str]


class ImageInput(TypedDict, total=False):
    """An image as a caller gives it: an address that Shopify fetches."""

    src: str
    alt: str | None


class MetafieldInput(TypedDict, total=False):
    """A metafield as a caller gives it."""

    namespace: str
    key: str
    type: str
    value: str


class ProductInput(TypedDict, total=False):
    """A product as a caller gives it; absent keys are left alone by an update."""

    title: str
    handle: str
    description: str | None
    body_html: str | None
    vendor: str
    product_type: str
    status: Literal["active", "archived", "draft", "unlisted"]
    tags: str | Sequence[str]
    template_suffix: str | None
    price: str
    variants: Sequence[VariantInput]
    options: Sequence[OptionInput]
    images: Sequence[ImageInput]
    metafields: Sequence[MetafieldInput]


# Reading


def product_of(raw: Raw, currency: str, variants: Sequence[Raw] | None = None) -> Product:
    """Read Shopify's Product; `variants` are all of them where the first page was not."""
    number = tail(raw["id"])
    nodes = raw["variants"]["nodes"] if variants is None else variants
    names = [option["name"] for option in raw["options"]]
    return Product(
        id=number,
        admin_graphql_api_id=raw["id"],
        title=raw["title"],
        handle=raw["handle"],
        body_html=raw["descriptionHtml"],
        vendor=raw["vendor"],
        product_type=raw["productType"],
        status=raw["status"].lower(),
        tags=tag_text(raw["tags"]),
        template_suffix=raw["templateSuffix"],
        created_at=raw["createdAt"],
        updated_at=raw["updatedAt"],
        published_at=raw["publishedAt"],
        currency=currency,
        options=tuple(Option(tail(o["id"]), number, o["name"], o["position"], tuple(o["values"])) for o in raw["options"]),
        variants=tuple(variant_of(node, number, currency, names) for node in nodes),
        images=_images(raw["media"]["nodes"], number),
        metafields=_metafields(raw.get("metafields")),
    )


def variant_of(raw: Raw, product_id: int, currency: str, option_names: Sequence[str]) -> Variant:
    """Read Shopify's ProductVariant."""
    chosen = {option["name"]: option["value"] for option in raw["selectedOptions"]}
    values = [chosen.get(name) for name in option_names[:3]] + [None] * 3
    item = raw["inventoryItem"]
    weight = item["measurement"]["weight"] or {"value": 0.0, "unit": "GRAMS"}
    return Variant(
        id=tail(raw["id"]),
        admin_graphql_api_id=raw["id"],
        product_id=product_id,
        title=raw["title"],
        sku=raw["sku"],
        barcode=raw["barcode"],
        price=amount_text(raw["price"], currency) or "",
        compare_at_price=amount_text(raw["compareAtPrice"], currency),
        position=raw["position"],
        option1=values[0],
        option2=values[1],
        option3=values[2],
        inventory_item_id=tail(item["id"]),
        inventory_quantity=raw["inventoryQuantity"],
        inventory_policy=raw["inventoryPolicy"].lower(),
        inventory_management="shopify" if item["tracked"] else None,
        requires_shipping=item["requiresShipping"],
        taxable=raw["taxable"],
        grams=round(weight["value"] * GRAMS[weight["unit"]]),
        weight=weight["value"],
        weight_unit=UNIT_NAMES[weight["unit"]],
        created_at=raw["createdAt"],
        updated_at=raw["updatedAt"],
    )


def _images(nodes: Sequence[Raw], product_id: int) -> tuple[Image, ...]:
    pictures = [node for node in nodes if node["mediaContentType"] == "IMAGE"]
    return tuple(
        Image(
            id=tail(node["id"]),
            product_id=product_id,
            position=position,
            src=(node.get("image") or {}).get("url"),
            alt=node["alt"],
            width=(node.get("image") or {}).get("width"),
            height=(node.get("image") or {}).get("height"),
        )
        for position, node in enumerate(pictures, 1)
    )


def _metafields(connection: Raw | None) -> tuple[Metafield, ...] | None:
    if connection is None:
        return None
    return tuple(Metafield(tail(m["id"]), m["namespace"], m["key"], m["type"], m["value"]) for m in connection["nodes"])


# Writing

PLAIN = {
    "title": "title",
    "handle": "handle",
    "vendor": "vendor",
    "product_type": "productType",
    "template_suffix": "templateSuffix",
}


def base_input(given: ProductInput) -> dict[str, Any]:
    """Write what ProductSetInput and ProductUpdateInput have in common."""
    made = rename(given, PLAIN)
    for key in ("description", "body_html"):
        if key in given:
            made["descriptionHtml"] = given[key] or ""
    if "status" in given:
        made["status"] = given["status"].upper()
    if "tags" in given:
        made["tags"] = tag_list(given["tags"])
    if "metafields" in given:
        made["metafields"] = [dict(metafield) for metafield in given["metafields"]]
    return made


def set_input(given: ProductInput, *, location_id: str | None, current: Product | None = None) -> dict[str, Any]:
    """Write a ProductSetInput: the whole product with its variants, stock at one location.

    Args:
        location_id: GID of the location that takes `inventory_quantity`; None when no variant has one.
        current: the product as it is, where there is one.
    """
    made = base_input(given)
    variants = _set_variants(given, current)
    known = [option.name for option in current.options] if current else []
    names = [option["name"] for option in given.get("options") or []] or known or _guess_names(variants)
    made["variants"] = [variant_set_input(variant, names, location_id) for variant in variants]
    made["productOptions"] = _options(given, names, made["variants"])
    if "images" in given:
        made["files"] = [_file(image) for image in given["images"]]
    return made


def _set_variants(given: ProductInput, current: Product | None) -> list[VariantInput]:
    """Return the variants to write: with the product's price where they have none, and the option values that they have already."""
    price: VariantInput = {"price": given["price"]} if "price" in given else {}
    variants: Sequence[VariantInput] = given.get("variants") or [{}]
    return [{**price, **_option_values(variant.get("id"), current), **variant} for variant in variants]


def _option_values(variant_id: int | None, current: Product | None) -> VariantInput:
    known = next((variant for variant in (current.variants if current else ()) if variant.id == variant_id), None)
    return {} if known is None else {"option1": known.option1 or "", "option2": known.option2 or "", "option3": known.option3 or ""}


def _guess_names(variants: Sequence[VariantInput]) -> list[str]:
    """Name the options of variants that come without, as many as the variants have values for; one alone like Shopify's default."""
    count = max((len(_values(variant)) for variant in variants), default=1)
    return [f"Option {number}" for number in range(1, count + 1)] if count > 1 else [DEFAULT_OPTION]


def _values(given: VariantInput) -> list[str]:
    """Return a variant's option values by position: `option1` …, else a title split at ` / `; empty where nothing is given."""
    split = given.get("title", "").split(" / ")
    padded = [*split, "", ""]
    values = [str(given.get(key) or padded[place].strip()) for place, key in enumerate(OPTION_KEYS)]
    while values and not values[-1]:
        values.pop()
    return values


def variant_values(given: VariantInput, names: Sequence[str], *, is_new: bool = True) -> list[dict[str, str]]:
    """Write `optionValues`: a new variant needs one of every option, a known one keeps those that are not given."""
    values = _values(given) if is_new else [str(given.get(key) or "") for key in OPTION_KEYS]
    padded = [*values, *[""] * len(names)]
    return [
        {"optionName": name, "name": value or DEFAULT_VALUE} for name, value in zip(names, padded, strict=False) if value or is_new
    ]


def variant_set_input(given: VariantInput, names: Sequence[str], location_id: str | None) -> dict[str, Any]:
    """Write a ProductVariantSetInput."""
    made = variant_fields(given)
    made["optionValues"] = variant_values(given, names)
    if "sku" in given:
        made["sku"] = given["sku"]
    if "inventory_quantity" in given and location_id is not None:
        made["inventoryQuantities"] = [{"locationId": location_id, "name": "available", "quantity": given["inventory_quantity"]}]
    if "id" in given:
        made["id"] = make_gid("ProductVariant", given["id"])
    return made


def variant_fields(given: VariantInput) -> dict[str, Any]:
    """Write what every variant input has in common: price, barcode, policy, and the inventory item's part."""
    names = {"price": "price", "compare_at_price": "compareAtPrice", "barcode": "barcode", "taxable": "taxable"}
    made = rename(given, names)
    if "inventory_policy" in given:
        made["inventoryPolicy"] = given["inventory_policy"].upper()
    item = inventory_item_input(given)
    if item:
        made["inventoryItem"] = item
    return made


def inventory_item_input(given: VariantInput) -> dict[str, Any]:
    """Write an InventoryItemInput; stock is tracked as soon as a quantity is given, weight without unit is grams."""
    made: dict[str, Any] = {}
    if "sku" in given:
        made["sku"] = given["sku"]
    if "inventory_quantity" in given:
        made["tracked"] = True
    if "requires_shipping" in given:
        made["requiresShipping"] = given["requires_shipping"]
    if "weight" in given:
        unit = WEIGHT_UNITS[given.get("weight_unit", "g")]
        made["measurement"] = {"weight": {"value": float(given["weight"]), "unit": unit}}
    return made


def _options(given: ProductInput, names: Sequence[str], variants: Sequence[Raw]) -> list[dict[str, Any]]:
    """Write `productOptions`: names in order, each with the values its variants use and those the caller listed."""
    listed = {option["name"]: list(option.get("values") or []) for option in given.get("options") or []}
    made = []
    for position, name in enumerate(names, 1):
        used = [value["name"] for row in variants for value in row["optionValues"] if value["optionName"] == name]
        values = list(dict.fromkeys([*listed.get(name, []), *used]))
        made.append({"name": name, "position": position, "values": [{"name": value} for value in values]})
    return made


def _file(image: ImageInput) -> dict[str, Any]:
    made: dict[str, Any] = {"originalSource": image["src"], "contentType": "IMAGE"}
    return made | ({"alt": image["alt"]} if image.get("alt") else {})


def media_inputs(images: Sequence[ImageInput]) -> list[dict[str, Any]]:
    """Write CreateMediaInput for images added to an existing product."""
    return [
        {"originalSource": image["src"], "mediaContentType": "IMAGE", **({"alt": image["alt"]} if image.get("alt") else {})}
        for image in images
    ]


class VariantChanges(Struct, frozen=True):
    """How the variants a caller gave relate to those a product has: updates by id, the rest new."""

    updates: tuple[VariantInput, ...]
    additions: tuple[VariantInput, ...]
    unknown_ids: tuple[int, ...] = ()


def variant_changes(given: Sequence[VariantInput], existing: Sequence[Variant]) -> VariantChanges:
    """Match variants by id; one without an id matches the only variant of a product without options."""
    known = {variant.id for variant in existing}
    lone = existing[0] if len(existing) == 1 and existing[0].option1 == DEFAULT_VALUE else None
    updates: list[VariantInput] = []
    additions: list[VariantInput] = []
    for variant in given:
        if "id" in variant:
            updates.append(variant)
        elif lone is not None and len(given) == 1 and not any(variant.get(key) for key in OPTION_KEYS):
            updates.append({**variant, "id": lone.id})
        else:
            additions.append(variant)
    return VariantChanges(tuple(updates), tuple(additions), tuple(v["id"] for v in updates if v["id"] not in known))


def bulk_variant_input(given: VariantInput, names: Sequence[str], *, location_id: str | None = None) -> dict[str, Any]:
    """Write a ProductVariantsBulkInput; `location_id` is for new variants, whose stock may come along."""
    made = variant_fields(given)
    if "id" in given:
        made["id"] = make_gid("ProductVariant", given["id"])
    values = variant_values(given, names, is_new="id" not in given)
    if values:
        made["optionValues"] = values
    if location_id is not None and "inventory_quantity" in given:
        made["inventoryQuantities"] = [{"locationId": location_id, "availableQuantity": given["inventory_quantity"]}]
    return made


def search_query(text: str, *, raw: bool, status: str | None) -> str | None:
    """Write a free-text search over products."""
    return every([text if raw else quoted(text), any_of("status", [status]) if status else None])
