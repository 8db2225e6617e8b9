"""Names of things: shop domains, GIDs, and what may be one. Parsed once, at the edge, by full match."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from msgspec import Struct

from shopify_kit.errors import InvalidInput

SHOP_SUFFIX = ".myshopify.com"
SHOP_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
SHOP_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\.myshopify\.com")
GID = re.compile(
    r"gid://shopify/(?P<type>[A-Za-z][A-Za-z0-9]{0,99})/(?P<id>[A-Za-z0-9_-]{1,200})(?:\?(?P<query>[A-Za-z0-9_=&%.-]{1,500}))?"
)
NUMBER = re.compile(r"[0-9]{1,19}")
MAX_TYPED_DOMAIN = 300
MAX_USER_ID = 255
MAX_ID = 2**63 - 1


def is_shop_domain(text: str) -> bool:
    """Say whether a text is a shop domain exactly: lower case, `<name>.myshopify.com`, no punycode label.

    For what arrives signed or from a machine (webhook headers, token claims): nothing is trimmed or normalised.
    """
    return SHOP_DOMAIN.fullmatch(text) is not None and not text.startswith("xn--")


def parse_shop_domain(typed: str, *, field: str = "shop_domain") -> str:
    """Return the shop domain that a person means.

    Accepts `acme`, `acme.myshopify.com`, either in any ASCII case with blanks around, one `http(s)://` before it, and
    `[https://]admin.shopify.com/store/acme[/]`. Ports, paths, queries, other hosts, non-ASCII and `xn--` labels are refused.

    Raises:
        InvalidInput: code `invalid_shop_domain`; the message does not repeat what was typed.
    """
    text = typed.strip(" \t\r\n") if len(typed) <= MAX_TYPED_DOMAIN else ""
    name = _shop_name(text.lower()) if text.isascii() else ""
    if not SHOP_NAME.fullmatch(name) or name.startswith("xn--"):
        reason = f"expected <name>{SHOP_SUFFIX}"
        raise InvalidInput(
            f"This is no shop domain: {reason}.", code="invalid_shop_domain", details=[{"field": field, "reason": reason}]
        )
    return name + SHOP_SUFFIX


def _shop_name(text: str) -> str:
    for scheme in ("https://", "http://"):
        if text.startswith(scheme):
            text = text[len(scheme) :]
            break
    if text.startswith("admin.shopify.com/store/"):
        return text.removeprefix("admin.shopify.com/store/").removesuffix("/")
    return text.removesuffix(SHOP_SUFFIX)


class Gid(Struct, frozen=True):
    """A GID taken apart: `gid://shopify/<type>/<id>?<query>`.

    The query belongs to the identity: an InventoryLevel is `…/InventoryLevel/12?inventory_item_id=34`.
    """

    type: str
    id: str
    query: str = ""

    @property
    def number(self) -> int:
        """The id as the integer that REST-style objects show.

        Raises:
            ValueError: the id is no number (jobs and files have UUIDs).
        """
        return int(self.id)

    @property
    def parameters(self) -> dict[str, str]:
        """What the query says, decoded."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def __str__(self) -> str:
        return f"gid://shopify/{self.type}/{self.id}" + (f"?{self.query}" if self.query else "")


def parse_gid(text: str) -> Gid:
    """Take a GID apart.

    Raises:
        InvalidInput: code `invalid_id`.
    """
    match = GID.fullmatch(text)
    if match is None:
        raise InvalidInput("This is no Shopify id: expected gid://shopify/<Type>/<id>.", code="invalid_id")
    return Gid(match["type"], match["id"], match["query"] or "")


def make_gid(type_name: str, number: int | str) -> str:
    """Write the GID of a numbered object."""
    return f"gid://shopify/{type_name}/{number}"


def read_id(value: str | int, type_name: str, *, field: str = "id") -> str:
    """Return the GID of an object named by a number, a digit string or a GID of that very type.

    Raises:
        InvalidInput: code `invalid_id`.
    """
    digits = str(value)
    if not digits.isdigit():
        match = GID.fullmatch(digits)
        digits = match["id"] if match is not None and match["type"] == type_name and match["query"] is None else ""
    if not NUMBER.fullmatch(digits) or not 0 < int(digits) <= MAX_ID:
        reason = f"expected a positive number or gid://shopify/{type_name}/<number>"
        raise InvalidInput(f"{field}: {reason}", code="invalid_id", details=[{"field": field, "reason": reason}])
    return make_gid(type_name, int(digits))


def tail(gid: str) -> int:
    """Return the number of a GID that Shopify sent; parameters are not part of it."""
    return int(gid.rsplit("/", 1)[1].split("?", 1)[0])
