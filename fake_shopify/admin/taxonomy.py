"""Categories of Shopify's Standard Product Taxonomy, as far as the fake names them.

Known by name are the verticals and the few categories below; every other category of a known vertical is accepted, and what is not
known of its name is shown as its id (assumed). Source: github.com/Shopify/product-taxonomy (read 2026-11).
"""

from __future__ import annotations

import re
from typing import Any

from fake_shopify.context import split_gid
from fake_shopify.world import gid

CATEGORY_ID = re.compile(r"([a-z]{2})(-\d+)*")
NAMES = {
    "aa": "Apparel & Accessories",
    "aa-1": "Clothing",
    "aa-1-1": "Activewear",
    "ae": "Arts & Entertainment",
    "ap": "Animals & Pet Supplies",
    "bi": "Business & Industrial",
    "bt": "Baby & Toddler",
    "bu": "Bundles",
    "co": "Cameras & Optics",
    "el": "Electronics",
    "fb": "Food, Beverages & Tobacco",
    "fr": "Furniture",
    "gc": "Gift Cards",
    "ha": "Hardware",
    "hb": "Health & Beauty",
    "hg": "Home & Garden",
    "lb": "Luggage & Bags",
    "ma": "Mature",
    "me": "Media",
    "na": "Uncategorized",
    "os": "Office Supplies",
    "pa": "Product Add-Ons",
    "rc": "Religious & Ceremonial",
    "se": "Services",
    "sg": "Sporting Goods",
    "sg-4": "Outdoor Recreation",
    "so": "Software",
    "tg": "Toys & Games",
    "vp": "Vehicles & Parts",
}


def code_of(text: str | None) -> str | None:
    """Return the category's own id out of a GID; None when there is no such category."""
    kind, code = split_gid(text or "")
    known = CATEGORY_ID.fullmatch(code)
    return code if kind == "TaxonomyCategory" and known is not None and known[1] in NAMES else None


def category(code: str | None) -> dict[str, Any] | None:
    """Shape of a `TaxonomyCategory` (captured: products-093)."""
    if code is None:
        return None
    steps = code.split("-")
    line = ["-".join(steps[: depth + 1]) for depth in range(len(steps))]
    inner = any(other.startswith(f"{code}-") for other in NAMES) or code in NAMES
    return {
        "__typename": "TaxonomyCategory",
        "id": gid("TaxonomyCategory", code),
        "name": NAMES.get(code, code),
        "fullName": " > ".join(NAMES.get(one, one) for one in line),
        "level": len(line),
        "isRoot": len(line) == 1,
        "isLeaf": not inner,
        "isArchived": False,
        "parentId": gid("TaxonomyCategory", line[-2]) if len(line) > 1 else None,
        "ancestorIds": [gid("TaxonomyCategory", one) for one in reversed(line[:-1])],
        "childrenIds": [gid("TaxonomyCategory", other) for other in NAMES if other.rpartition("-")[0] == code],
    }
