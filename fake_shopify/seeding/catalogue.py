"""Seeded products with their options, variants, stock and pictures: real rows in memory, at most five thousand products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product as combinations

from fake_shopify.admin import handles, product_rows
from fake_shopify.money import scalar
from fake_shopify.rows import Row
from fake_shopify.seeding import ids
from fake_shopify.seeding.dice import Dice, Purpose, Shuffle
from fake_shopify.seeding.timeline import DAY_S, iso
from fake_shopify.seeding.wares import COUNTRIES, EPITHETS, KINDS, MATERIALS, VENDORS, Kind
from fake_shopify.world import Shop, gid

FEWEST, MOST, ORDERS_PER_PRODUCT = 50, 5_000, 50
MOST_VARIANTS = 12
EARLY = 0.8
"""The part of the catalogue that was there when the shop opened."""
POPULARITY = 2.2


@dataclass(frozen=True, slots=True)
class Ware:
    """What an order's line takes over from a variant."""

    product_id: int
    variant_id: int
    title: str
    variant_title: str | None
    sku: str
    vendor: str
    product_type: str
    price: Decimal
    taxable: bool
    weight: tuple[float, str]
    grams: int
    created: int


class Shelf:
    """What is for sale, the most popular products first."""

    def __init__(self, products: list[list[Ware]], opening: int, seed: int) -> None:
        order = Shuffle(len(products), seed)
        ranked = [products[order.to(place)] for place in range(len(products))]
        self.products = ranked
        self.early = [wares for wares in ranked if wares[0].created < opening] or ranked

    def pick(self, dice: Dice, at: int) -> Ware:
        """Choose a variant that was there at an instant: a few products sell much, most sell little."""
        rank = dice.roll() ** POPULARITY
        wares = self.products[int(rank * len(self.products))]
        if wares[0].created >= at:
            wares = self.early[int(rank * len(self.early))]
        return dice.pick(wares)


def count_for(orders: int) -> int:
    """Return how many products a shop with so many orders has."""
    return min(MOST, max(FEWEST, orders // ORDERS_PER_PRODUCT))


class Stocker:
    """Puts products on the shelf of one shop."""

    def __init__(self, shop: Shop, seed: int, opening: int, until: int) -> None:
        self.shop, self.seed, self.opening, self.until = shop, seed, opening, until
        self.locations = [row.number for row in shop.table("Location")]
        self.handles: dict[str, int] = {}
        self.used: dict[str, int] = {}

    def fill(self, orders: int) -> Shelf:
        """Make all products; what is neither a draft nor archived is for sale."""
        count = count_for(orders)
        for_sale = []
        for index in range(count):
            wares = self._product(index, self._created(index, count))
            if wares:
                for_sale.append(wares)
        return Shelf(for_sale, self.opening, self.seed)

    def _created(self, index: int, count: int) -> int:
        early = int(count * EARLY)
        if index < early:
            return self.opening - 300 * DAY_S + 299 * DAY_S * index // early
        return self.opening + (self.until - self.opening - 3 * DAY_S) * (index - early) // (count - early)

    def _next(self, name: str) -> int:
        place = self.used[name] = self.used.get(name, -1) + 1
        return ids.first(self.shop, name) + place * ids.STEP

    def _handle(self, title: str) -> str:
        plain = handles.made_from(title, "product")
        again = self.handles[plain] = self.handles.get(plain, 0) + 1
        return plain if again == 1 else f"{plain}-{again}"

    def _product(self, index: int, created: int) -> list[Ware]:
        dice = Dice(self.seed, Purpose.CATALOGUE, index)
        kind = KINDS[index % len(KINDS)]
        title = f"{dice.pick(EPITHETS)} {dice.pick(MATERIALS)} {dice.pick(kind.nouns)}"
        status = "DRAFT" if dice.chance(0.06) else "ARCHIVED" if dice.chance(0.04) else "ACTIVE"
        now, row = iso(created), self._row(index, created, dice, kind, title)
        row.update(status=status, publishedAt=None if status == "DRAFT" else now)
        row["_publications"] = {} if status == "DRAFT" else {self.shop.state["online_store"]: now}
        self.shop.table("Product").add(row)
        row["_media_ids"] = [self._picture(row, number, now) for number in range(dice.between(1, 3))]
        wares = self._variants(row, dice, kind, created)
        return wares if status == "ACTIVE" else []

    def _row(self, index: int, created: int, dice: Dice, kind: Kind, title: str) -> Row:
        tags = {kind.tag, dice.pick(("new season", "bestseller", "small batch", "gift idea")), *kind.more_tags}
        text = f"<p>{title}. {kind.text}</p><p>Made in small series; colours may differ a little from the picture.</p>"
        touched = min(self.until, created + dice.between(1, 400) * DAY_S)
        return product_rows.product_row(
            self._next("Product"),
            iso(created),
            title=title,
            handle=self._handle(title),
            vendor=dice.pick(VENDORS),
            productType=kind.name,
            descriptionHtml=text,
            tags=sorted(tags, key=str.lower),
            updatedAt=iso(touched),
            _options=self._options(dice, kind),
        )

    def _options(self, dice: Dice, kind: Kind) -> list[product_rows.Option]:
        wanted: list[tuple[str, Sequence[str]]] = []
        room = MOST_VARIANTS
        for name, values in kind.options:
            chosen = dice.sample(values, min(len(values), dice.between(2, 5), room))
            if len(chosen) > 1:
                wanted.append((name, chosen))
                room //= len(chosen)
        named = enumerate(wanted or [product_rows.default_option()], 1)
        return [self._option(name, position, values) for position, (name, values) in named]

    def _option(self, name: str, position: int, values: Iterable[str]) -> product_rows.Option:
        labelled = [(self._next("ProductOptionValue"), value) for value in values]
        return product_rows.option_row(self._next("ProductOption"), name, position, labelled)

    def _picture(self, product: Row, place: int, now: str) -> int:
        """Add a picture that is ready (see `admin.product_media` for its row)."""
        number = self._next("Media")
        row = Row(
            __typename="MediaImage",
            _id=number,
            id=gid("MediaImage", number),
            alt=product["title"] if place == 0 else None,
            mediaContentType="IMAGE",
            mediaErrors=[],
            mediaWarnings=[],
            fileErrors=[],
            createdAt=now,
            updatedAt=now,
            _state="READY",
            _request=None,
            _source=f"https://pictures.example.com/{product['handle']}-{place + 1}-1200x900.jpg",
            _image_id=self._next("ProductImage"),
        )
        self.shop.table("MediaImage").add(row)
        self.shop.table("Media").add(row)
        return number

    # Variants

    def _variants(self, product: Row, dice: Dice, kind: Kind, created: int) -> list[Ware]:
        base = Decimal(dice.between(kind.cheapest * 2, kind.dearest * 2)) / 2 - Decimal("0.05")
        reduced = dice.chance(0.15)
        wares = []
        for place, values in enumerate(combinations(*(option["values"] for option in product["_options"]))):
            price = base + kind.surcharge * product["_options"][0]["values"].index(values[0])
            variant = self._variant(product, dice, price, reduced, place, [value["id"] for value in values])
            wares.append(self._ware(product, variant, kind, dice, created))
        return wares

    def _variant(self, product: Row, dice: Dice, price: Decimal, reduced: bool, place: int, value_ids: list[int]) -> Row:
        number = self._next("ProductVariant")
        row = product_rows.variant_row(
            number,
            product["createdAt"],
            product_id=product.number,
            inventory_item_id=self._next("InventoryItem"),
            position=place + 1,
            price=price,
            compareAtPrice=(price * Decimal("1.25")).quantize(Decimal(1)) if reduced else None,
            barcode=barcode(self.used["ProductVariant"]),
            inventoryPolicy="CONTINUE" if dice.chance(0.08) else "DENY",
            taxable=not dice.chance(0.03),
            updatedAt=product["updatedAt"],
            _option_value_ids=value_ids,
            _media_id=product["_media_ids"][place] if place < len(product["_media_ids"]) else None,
        )
        product["_variant_ids"].append(number)
        return self.shop.table("ProductVariant").add(row)

    def _ware(self, product: Row, variant: Row, kind: Kind, dice: Dice, created: int) -> Ware:
        grams = kind.grams + dice.below(40)
        sku = f"{kind.code}-{self.used['Product'] + 1:04d}-{variant['position']:02d}"
        price = Decimal(variant["price"])
        item = product_rows.inventory_item_row(
            variant["_inventory_item_id"],
            variant["createdAt"],
            variant_id=variant.number,
            levels={number: _stock(dice, place) for place, number in enumerate(self.locations)},
            sku=sku,
            tracked=not dice.chance(0.06),
            countryCodeOfOrigin=dice.pick(COUNTRIES),
            updatedAt=variant["updatedAt"],
            _unit_cost=scalar(price * Decimal(dice.between(35, 60)) / 100),
            _weight=(grams / 1000, "KILOGRAMS"),
        )
        self.shop.table("InventoryItem").add(item)
        plain = product_rows.has_only_default(product)
        return Ware(
            product_id=product.number,
            variant_id=variant.number,
            title=product["title"],
            variant_title=None if plain else product_rows.variant_title(product, variant),
            sku=sku,
            vendor=product["vendor"],
            product_type=product["productType"],
            price=price,
            taxable=variant["taxable"],
            weight=item["_weight"],
            grams=grams,
            created=created,
        )


def _stock(dice: Dice, place: int) -> int:
    """Return how many there are at a location: fewer at the others than at the first, sometimes none."""
    return 0 if dice.chance(0.06) else dice.between(1, 120 // (1 + 2 * place))


def barcode(number: int) -> str:
    """Return an EAN-13 of the range that shops give out themselves (prefix 20 to 29), with its check digit."""
    digits = f"29{number:010d}"
    odd, even = (sum(map(int, digits[start::2])) for start in (0, 1))
    return f"{digits}{-(odd + 3 * even) % 10}"
