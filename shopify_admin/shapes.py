"""What every resource shares: REST-style values out of GraphQL ones, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from shopify_kit.identifiers import tail
from shopify_kit.money import Money, shop_money

Raw = Mapping[str, Any]


class Page(Struct, frozen=True):
    """Where a list goes on: Shopify's cursor, None on the last page."""

    next_cursor: str | None

    @classmethod
    def of(cls, connection: Raw) -> Page:
        """Read `pageInfo` of a connection."""
        info = connection["pageInfo"]
        return cls(info["endCursor"] if info["hasNextPage"] else None)


class Address(Struct, frozen=True):
    """A postal address as REST-style answers show it."""

    first_name: str | None
    last_name: str | None
    company: str | None
    address1: str | None
    address2: str | None
    city: str | None
    province: str | None
    province_code: str | None
    country: str | None
    country_code: str | None
    zip: str | None
    phone: str | None


def address_of(raw: Raw | None) -> Address | None:
    """Read Shopify's MailingAddress."""
    if raw is None:
        return None
    return Address(
        first_name=raw["firstName"],
        last_name=raw["lastName"],
        company=raw["company"],
        address1=raw["address1"],
        address2=raw["address2"],
        city=raw["city"],
        province=raw["province"],
        province_code=raw["provinceCode"],
        country=raw["country"],
        country_code=raw["countryCodeV2"],
        zip=raw["zip"],
        phone=raw["phone"],
    )


ADDRESS_FIELDS = {
    "first_name": "firstName",
    "last_name": "lastName",
    "company": "company",
    "address1": "address1",
    "address2": "address2",
    "city": "city",
    "province": "province",
    "province_code": "provinceCode",
    "country": "country",
    "country_code": "countryCode",
    "zip": "zip",
    "phone": "phone",
}


def address_input(given: Raw) -> dict[str, Any]:
    """Write a MailingAddressInput; a code wins over the name it stands for."""
    made = rename(given, ADDRESS_FIELDS)
    if made.get("countryCode"):
        made.pop("country", None)
    if made.get("provinceCode"):
        made.pop("province", None)
    return made


def rename(given: Raw, names: Mapping[str, str]) -> dict[str, Any]:
    """Take the keys that `names` knows, under their GraphQL names."""
    return {names[key]: value for key, value in given.items() if key in names}


def amount_text(value: Any, currency: str) -> str | None:
    """Write an amount with the digits of its currency: `19.90`."""
    return None if value is None else Money(Decimal(str(value)), currency).text()


def bag_text(bag: Raw | None) -> str | None:
    """Write the shop's side of a MoneyBag."""
    money = shop_money(dict(bag)) if bag is not None else None
    return None if money is None else money.text()


def number_of(node: Raw | None) -> int | None:
    """Return the numeric id of a node that may be missing."""
    return None if node is None else tail(node["id"])


def tag_list(tags: str | Sequence[str]) -> list[str]:
    """Read tags given as one text with commas or as a list."""
    items = tags.split(",") if isinstance(tags, str) else tags
    return [item.strip() for item in items if item.strip()]


def tag_text(tags: Sequence[str]) -> str:
    """Write tags as REST-style answers do: one text with commas."""
    return ", ".join(tags)


def lower(value: str | None) -> str | None:
    """Write an enum value as REST-style answers do."""
    return None if value is None else value.lower()


def money_bag_input(amount: Any, currency: str) -> dict[str, Any]:
    """Write a MoneyBagInput in shop money."""
    return {"shopMoney": {"amount": str(amount), "currencyCode": currency}}
