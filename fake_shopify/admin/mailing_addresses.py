"""Mailing addresses: reading `MailingAddressInput`, and the fields that every address shows, a customer's as well as an order's.

An address row keeps its texts under GraphQL names: `address1`, `city`, `country` (name), `countryCodeV2`, `province` (name),
`provinceCode`, `zip`, `phone`, `firstName`, `lastName`, `company`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fake_shopify.admin.contact_details import TEXT_LIMIT, blank_to_none
from fake_shopify.admin.countries import country_code, country_names, zone_code, zones_of
from fake_shopify.context import Context
from fake_shopify.registry import field as resolver
from fake_shopify.rows import Row
from fake_shopify.world import gid

TEXTS = ("firstName", "lastName", "company", "address1", "address2", "city", "zip", "phone")
FIELDS = (*TEXTS, "country", "countryCodeV2", "province", "provinceCode")
HUMAN = {"firstName": "First name", "lastName": "Last name"}
LENIENT_ZONES = frozenset({"GB"})
CITY_FIRST = frozenset("AE AU BD CA GB HK IE IN MM NZ PH PK SG TH TW US VN ZA".split())


@dataclass(slots=True)
class ReadAddress:
    """What an input made of an address: all its values, and what is wrong as `(field, message)`."""

    values: dict[str, Any]
    errors: list[tuple[str, str]] = field(default_factory=list)


def read_address(given: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> ReadAddress:
    """Read an address input on top of an address that is already there.

    Captured: blank texts become null (customers-116); a country or province that does not exist is refused under `country` or
    `province`, and the province is not looked at when the country is wrong (customers-115); names are derived from codes
    (customers-026). Assumed: no text is longer than 255 characters; a country whose zones are not modelled takes any province
    text, and so does Great Britain.
    """
    read = ReadAddress({name: (base or {}).get(name) for name in FIELDS})
    for name in TEXTS:
        if name in given:
            read.values[name] = blank_to_none(given[name])
        if len(read.values[name] or "") > TEXT_LIMIT:
            human = HUMAN.get(name, name.capitalize())
            read.errors.append((name, f"{human} is too long (maximum is {TEXT_LIMIT} characters)"))
    if _read_country(read, given):
        _read_province(read, given)
    return read


def _read_country(read: ReadAddress, given: Mapping[str, Any]) -> bool:
    if "countryCode" in given or "country" in given:
        text = blank_to_none(given.get("countryCode")) or blank_to_none(given.get("country"))
        code = country_code(text) if text else None
        if text and code is None:
            read.errors.append(("country", "Country is invalid"))
            return False
        read.values["countryCodeV2"], read.values["country"] = code, country_names()[code] if code else None
    return True


def _read_province(read: ReadAddress, given: Mapping[str, Any]) -> None:
    values, country = read.values, read.values["countryCodeV2"]
    named = blank_to_none(given.get("provinceCode")) or blank_to_none(given.get("province"))
    text = named if "provinceCode" in given or "province" in given else values["provinceCode"] or values["province"]
    code = zone_code(country, text) if country and text else None
    if code is not None:
        values["province"], values["provinceCode"] = zones_of(country)[code], code
    elif text and country and zones_of(country) and country not in LENIENT_ZONES:
        read.errors.append(("province", "Province is invalid"))
    else:
        plain = given.get("province") if "provinceCode" in given or "province" in given else values["province"]
        values["province"], values["provinceCode"] = blank_to_none(plain), None


def address_row(number: int, values: Mapping[str, Any], *, model: str) -> Row:
    """Make an address row; `model` goes into its GID as Shopify writes it (`CustomerAddress`; captured: customers-026)."""
    texts = {name: values.get(name) for name in FIELDS}
    return Row(__typename="MailingAddress", _id=number, id=f"{gid('MailingAddress', number)}?model_name={model}", **texts)


def full_name(address: Mapping[str, Any]) -> str | None:
    """Join first and last name; null without any."""
    return " ".join(part for part in (address.get("firstName"), address.get("lastName")) if part) or None


def formatted_area(address: Mapping[str, Any]) -> str | None:
    """Write city, province code and country as one line: `Ottawa ON, Canada` (captured: customers-026, 115, 119)."""
    place = " ".join(part for part in (address.get("city"), address.get("provinceCode")) if part)
    return ", ".join(part for part in (place, address.get("country")) if part) or None


def formatted_lines(address: Mapping[str, Any], *, with_name: bool, with_company: bool) -> list[str]:
    """Write an address as lines, the way its country writes it.

    Captured for Canada and the United States: `["1 Example Street", "Ottawa ON K1A0B1", "Canada"]` (inventory and shop cases).
    Assumed for others: the postal code before the city in most countries, on a line of its own in Great Britain.
    """
    country = address.get("countryCodeV2")
    city, province, postal = address.get("city"), address.get("provinceCode"), address.get("zip")
    if country == "GB":
        place: list[str | None] = [city, postal]
    else:
        parts = (city, province, postal) if country is None or country in CITY_FIRST else (postal, city, province)
        place = [" ".join(part for part in parts if part)]
    lines = [full_name(address) if with_name else None, address.get("company") if with_company else None]
    lines += [address.get("address1"), address.get("address2"), *place, address.get("country")]
    return [line for line in lines if line]


@resolver("MailingAddress", "name")
def _name(row: Row, ctx: Context) -> str | None:
    return full_name(row)


@resolver("MailingAddress", "countryCode")
def _country_code(row: Row, ctx: Context) -> str | None:
    return row.get("countryCodeV2")


@resolver("MailingAddress", "formattedArea")
def _formatted_area(row: Row, ctx: Context) -> str | None:
    return formatted_area(row)


@resolver("MailingAddress", "formatted")
def _formatted(row: Row, ctx: Context, withName: bool = False, withCompany: bool = True) -> list[str]:
    return formatted_lines(row, with_name=withName, with_company=withCompany)
