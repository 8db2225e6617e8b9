"""Where seeded customers live and what follows from it: addresses, the currency they may pay in, the tax and the price of shipping.

Cities, state codes and base rates of taxes are plain geography and law, simplified: one rate per state or country. Streets and
house numbers are made up, and rates of exchange are near those of a usual year.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fake_shopify.admin.countries import country_names, zones_of

CENT = Decimal("0.01")

CITIES = {
    "US": "Portland OR 97205|Seattle WA 98104|Austin TX 78701|Dallas TX 75201|Denver CO 80202|Boulder CO 80302|Chicago IL 60603|"
    "Columbus OH 43215|Boston MA 02110|Buffalo NY 14202|New York NY 10013|Brooklyn NY 11201|Atlanta GA 30303|Miami FL 33130|"
    "Tampa FL 33602|Phoenix AZ 85004|San Diego CA 92101|Sacramento CA 95814|Oakland CA 94607|Minneapolis MN 55401|"
    "Nashville TN 37203|Raleigh NC 27601|Richmond VA 23219|Newark NJ 07102|Pittsburgh PA 15222|Boise ID 83702",
    "CA": "Toronto ON M5V 2T6|Ottawa ON K1P 1J1|Montreal QC H2Y 1C6|Vancouver BC V6B 1A1|Calgary AB T2P 1J9|Halifax NS B3J 1S9",
    "GB": "London ENG EC1A 1BB|Leeds ENG LS1 4DY|Bristol ENG BS1 4ST|Glasgow SCT G2 1DY|Cardiff WLS CF10 1EP|York ENG YO1 7HH",
    "DE": "Berlin - 10117|Hamburg - 20095|Leipzig - 04109|Freiburg - 79098",
    "FR": "Lyon - 69002|Nantes - 44000|Lille - 59800",
    "AU": "Melbourne VIC 3000|Brisbane QLD 4000|Hobart TAS 7000",
}
STREETS = (
    "Alder Lane|Birch Street|Canal Row|Cedar Avenue|Clover Court|Dove Hill|Elm Terrace|Fern Way|Garden Street|Harbour Road|"
    "Heron Drive|Juniper Street|Kiln Lane|Larch Road|Lantern Street|Maple Avenue|Meadow View|Mill Street|Orchard Road|"
    "Pebble Lane|Quarry Road|Rowan Street|Saddle Court|Spindle Street|Tannery Row|Thistle Way|Upper Green|Vine Street|"
    "Willow Bank|Wren Close"
).split("|")
CURRENCIES = {"US": "USD", "CA": "CAD", "GB": "GBP", "DE": "EUR", "FR": "EUR", "AU": "AUD"}
DOLLARS = {"USD": 1.0, "CAD": 0.73, "GBP": 1.27, "EUR": 1.09, "AUD": 0.66}
TAXES = {
    "US": "OR 0|WA .065|TX .0625|CO .029|IL .0625|OH .0575|MA .0625|NY .04|GA .04|FL .06|AZ .056|CA .0725|MN .06875|TN .07|"
    "NC .0475|VA .053|NJ .06625|PA .06|ID .06",
    "CA": "ON .13|QC .14975|BC .12|AB .05|NS .14",
    "GB": "* .20",
    "DE": "* .19",
    "FR": "* .20",
    "AU": "* .10",
}
TAX_NAMES = {"CA": "Sales Tax", "GB": "VAT", "DE": "VAT", "FR": "VAT", "AU": "GST"}


@dataclass(frozen=True, slots=True)
class Place:
    """A city as addresses write it."""

    country: str
    city: str
    province: str | None
    postal_code: str

    def address(self, first_name: str | None, last_name: str | None, street: str) -> dict[str, Any]:
        """Return the values of an address here, under GraphQL names."""
        return {
            "firstName": first_name,
            "lastName": last_name,
            "address1": street,
            "city": self.city,
            "zip": self.postal_code,
            "country": country_names()[self.country],
            "countryCodeV2": self.country,
            "province": zones_of(self.country)[self.province] if self.province else None,
            "provinceCode": self.province,
        }


def _place(country: str, text: str) -> Place:
    words = text.split(" ")
    at = next(index for index, word in enumerate(words) if index and (word == "-" or word.isupper()))
    province = None if words[at] == "-" else words[at]
    return Place(country, " ".join(words[:at]), province, " ".join(words[at + 1 :]))


PLACES = {country: tuple(_place(country, text) for text in texts.split("|")) for country, texts in CITIES.items()}
RATES = {
    country: {code: Decimal(rate) for code, rate in (entry.split(" ") for entry in texts.split("|"))}
    for country, texts in TAXES.items()
}


def tax_of(place: Place, shop_country: str) -> tuple[str, Decimal] | None:
    """Return name and rate of the tax on a delivery: only where the shop is at home, nothing where the rate is zero."""
    rates = RATES.get(place.country, {})
    rate = rates.get(place.province or "*", rates.get("*"))
    if place.country != shop_country or not rate:
        return None
    name = TAX_NAMES.get(place.country)
    return name or f"{zones_of(place.country)[place.province or '']} State Tax", rate


def taxes_are_included(country: str) -> bool:
    """Say whether prices in a country are shown with their tax."""
    return country in ("GB", "DE", "FR", "AU")


def exchange(value: Decimal, rate: Decimal) -> Decimal:
    """Write an amount in another currency, to the cent."""
    return (value * rate).quantize(CENT, ROUND_HALF_UP)


def exchange_rate(shop_currency: str, other: str, second: int) -> Decimal:
    """Return what one unit of the shop's currency costs: about the usual, and a little else each month."""
    month = second // (30 * 86_400)
    drift = 1 + 0.03 * math.sin(month * 0.7)
    return Decimal(round(DOLLARS.get(shop_currency, 1.0) / DOLLARS.get(other, 1.0) * drift, 4)).quantize(Decimal("0.0001"))
