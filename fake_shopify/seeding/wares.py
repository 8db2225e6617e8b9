"""What seeded shops sell: kinds of goods with their options and prices, and the words for their titles; all of it made up."""

from __future__ import annotations

from dataclasses import dataclass

COLOURS = ("Black", "Cream", "Forest", "Indigo", "Mustard", "Rust", "Slate", "Teal")
SIZES = ("XS", "S", "M", "L", "XL", "XXL")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of goods.

    Args:
        code: begins its SKUs.
        cheapest, dearest: the range of prices in whole units of the shop's currency; `surcharge` is added for each further value of
            the first option.
    """

    name: str
    code: str
    nouns: tuple[str, ...]
    tag: str
    cheapest: int
    dearest: int
    grams: int
    text: str
    options: tuple[tuple[str, tuple[str, ...]], ...] = ()
    surcharge: int = 0
    more_tags: tuple[str, ...] = ()


KINDS = (
    Kind("Mugs", "MUG", ("Mug", "Tumbler", "Teacup"), "kitchen", 12, 28, 380, "Holds 300 ml and survives the dishwasher."),
    Kind(
        "T-Shirts",
        "TEE",
        ("T-Shirt", "Tee", "Pocket Tee"),
        "clothing",
        19,
        39,
        190,
        "Cut straight, knitted from combed cotton.",
        (("Size", SIZES), ("Color", COLOURS)),
        more_tags=("cotton",),
    ),
    Kind(
        "Candles",
        "CAN",
        ("Candle", "Pillar Candle", "Votive"),
        "home",
        9,
        34,
        420,
        "Burns for about forty hours.",
        (("Scent", ("Cedar", "Fig", "Linen", "Orange Peel", "Unscented")),),
    ),
    Kind(
        "Notebooks",
        "NOT",
        ("Notebook", "Journal", "Sketchbook"),
        "paper",
        7,
        22,
        310,
        "192 pages, thread-bound, lies flat.",
        (("Paper", ("Lined", "Dotted", "Plain")),),
    ),
    Kind(
        "Hoodies",
        "HOO",
        ("Hoodie", "Sweatshirt"),
        "clothing",
        45,
        89,
        560,
        "Brushed inside, with a pocket that holds a paperback.",
        (("Size", SIZES), ("Color", COLOURS[:4])),
        2,
        ("cotton", "winter"),
    ),
    Kind(
        "Planters",
        "PLA",
        ("Planter", "Flowerpot", "Hanging Planter"),
        "garden",
        14,
        60,
        900,
        "With a hole in the bottom and a saucer that fits.",
        (("Size", ("12 cm", "16 cm", "20 cm", "28 cm")),),
        6,
    ),
    Kind("Soaps", "SOA", ("Soap", "Hand Soap", "Shaving Soap"), "bath", 5, 12, 110, "Poured by hand, cut by wire."),
    Kind(
        "Lamps",
        "LAM",
        ("Lamp", "Desk Lamp", "Lantern"),
        "home",
        39,
        180,
        1800,
        "Takes an E27 bulb, which is not included.",
        (("Color", COLOURS[:5]),),
    ),
    Kind(
        "Teas",
        "TEA",
        ("Tea", "Herbal Tea", "Breakfast Blend"),
        "kitchen",
        6,
        18,
        90,
        "Whole leaves, packed within a month of the harvest.",
        (("Weight", ("50 g", "100 g", "250 g")),),
        5,
        ("food",),
    ),
    Kind(
        "Backpacks",
        "BAC",
        ("Backpack", "Rucksack", "Day Pack"),
        "travel",
        55,
        140,
        1100,
        "Waxed, with room for a laptop.",
        (("Color", COLOURS),),
    ),
    Kind(
        "Posters",
        "POS",
        ("Poster", "Print", "Wall Chart"),
        "paper",
        12,
        48,
        230,
        "Printed in five colours on uncoated paper.",
        (("Size", ("A4", "A3", "A2")), ("Frame", ("None", "Oak", "Walnut"))),
        8,
    ),
    Kind(
        "Blankets",
        "BLA",
        ("Blanket", "Throw", "Picnic Rug"),
        "home",
        49,
        160,
        1300,
        "Woven from wool and cotton.",
        (("Color", COLOURS[2:]),),
        0,
        ("winter",),
    ),
)
EPITHETS = (
    "Amber|Autumn|Brookside|Coastal|Copper|Crooked|Drifting|Early|Evening|Faded|First Light|Folded|Foxglove|Gentle|Harvest|"
    "Hidden|Hushed|Knotted|Late|Little|Lunar|Marbled|Misty|Moss|Northern|Old Mill|Painted|Quiet|Rambling|Ripple|Rolling|"
    "Salted|Sleepy|Speckled|Sunday|Tidal|Twilight|Wandering|Wild|Winter"
).split("|")
MATERIALS = (
    "Ash|Bark|Birch|Clay|Cloud|Cotton|Dune|Elm|Ember|Fern|Flint|Glass|Granite|Hazel|Heather|Honey|Ink|Ivory|Juniper|Kelp|"
    "Linen|Maple|Meadow|Oak|Olive|Paper|Pebble|Pine|Porcelain|Reed|River|Sage|Sand|Shell|Slate|Smoke|Stone|Straw|Thistle|"
    "Walnut"
).split("|")
VENDORS = (
    "Brindle & Bay",
    "Fernlight Works",
    "Hollow Reed Makers",
    "Lumen Orchard",
    "Ninefold Supply",
    "Pale Harbour",
    "Tin Sparrow",
    "Wickerdale",
)
COUNTRIES = ("CA", "DE", "IN", "IT", "JP", "PT", "US", "VN")
