"""Seeded customers, each a pure function of an index. Names and streets are made up, e-mail addresses end in example.com."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fake_shopify.admin.customer_rows import customer_address, customer_row
from fake_shopify.admin.handles import slug
from fake_shopify.rows import Row, Seeded, Table, Walk
from fake_shopify.seeding import ids
from fake_shopify.seeding.dice import Dice, Purpose, Weighted
from fake_shopify.seeding.loyalty import Loyalty
from fake_shopify.seeding.places import CURRENCIES, PLACES, STREETS, Place
from fake_shopify.seeding.timeline import Timeline, iso
from fake_shopify.world import Shop

FIRST_NAMES = (
    "Ada|Aldo|Alma|Amos|Anouk|Arlo|Astrid|Basil|Bea|Björn|Bruno|Cleo|Clement|Dara|Della|Dorian|Edda|Elio|Elsbeth|Emre|Enid|"
    "Esme|Ezra|Fern|Finn|Flora|Gideon|Greta|Hana|Hector|Ida|Ines|Ivo|Jette|Joaquín|Jonah|Juno|Kaito|Keziah|Lale|Leif|Linus|"
    "Lotte|Lucía|Maeve|Marek|Mina|Moritz|Nadia|Nell|Noor|Odette|Olin|Orla|Otis|Pia|Quentin|Rafi|Renée|Rhea|Roscoe|Rufus|"
    "Saskia|Selma|Silas|Sunniva|Tamsin|Teo|Thea|Tobias|Ursula|Vera|Viggo|Wanda|Wren|Yara|Yusuf|Zelda|Zoë"
).split("|")
LAST_NAMES = (
    "Abernook|Alderby|Applewick|Ashgrove|Barrowby|Bexfield|Birchall-Moss|Brightwater|Calloway-Finch|Cloverdale|Coppinger|"
    "Crabtree|D'Ambly|Dunmoor|Elderkin|Fairweather|Featherstow|Fennimore|Galehurst|Garrick-Low|Goldsparrow|Greywell|"
    "Hallowes|Hartsbrook|Hawkridge|Hazelby|Holloway-Reed|Ironside|Juniperson|Kestrel|Kingsmoor|Larkwood|Lindqvist-Dale|"
    "Lovelace-Pond|Marchbanks|Meadowcroft|Merriwick|Nightgale|Northway|O'Fennel|Oakhurst|Olmstead-Ray|Pebblewood|Penhallow|"
    "Quillfeather|Ravenscar|Redfern|Rosewarne|Rushmere|Saltmarsh|Sandoval-Pike|Silverthorn|Snowdrop|Sorrelby|Stonebridge|"
    "Swansdale|Tanglewood|Thackeray-Blum|Thistledown|Tidewell|Underhill|Vandermeer-Lux|Wakefield-Orr|Waterhouse-Pim|"
    "Wetherby|Whitlock|Wildgoose|Winterbourne|Yarrowby|Zimmerlin"
).split("|")
LETTERS = {name: slug(name, "x") for name in (*FIRST_NAMES, *LAST_NAMES)}
"""How names are written in e-mail addresses."""
COMPANIES = "Heron & Vale Studio|Lantern Supply Co.|Moss & Meridian|Paper Kite Events|Quarry Street Café|Tidewell Interiors".split(
    "|"
)
NOTES = (
    "Prefers afternoon deliveries.",
    "Asked about a wholesale price list.",
    "Leave parcels with the neighbour.",
    "Allergic to wool.",
)
ABROAD = Weighted([("CA", 0.34), ("GB", 0.26), ("DE", 0.16), ("FR", 0.12), ("AU", 0.12)])
STATES = Weighted([("DISABLED", 0.7), ("ENABLED", 0.26), ("INVITED", 0.04)])
NUMBER_IN_EMAIL = re.compile(r"\.(\d{1,9})@example\.com")
PHONE = re.compile(r"\+1(\d{3})555(\d{4})")
PHONES_PER_AREA, FIRST_AREA = 10_000, 200
ADDRESSES = 8
"""How many numbers of addresses a seeded customer has."""


@dataclass(frozen=True, slots=True)
class Person:
    """What orders and the customer's own row have in common."""

    index: int
    number: int
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    place: Place
    street: str
    company: str | None
    currency: str
    tax_exempt: bool
    dice: Dice


class People:
    """The customers of a seeded shop."""

    def __init__(self, shop: Shop, seed: int, loyalty: Loyalty, timeline: Timeline) -> None:
        self.seed, self.loyalty, self.timeline = seed, loyalty, timeline
        self.country, self.currency = shop.settings["country"], shop.settings["currency"]
        self.first_id, self.first_address_id = ids.first(shop, "Customer"), ids.first(shop, "MailingAddress")
        self.idle = loyalty.idle()

    def number(self, index: int) -> int:
        """Return the id of a customer."""
        return self.first_id + index * ids.STEP

    def index(self, number: int) -> int | None:
        """Return which customer an id belongs to."""
        index, rest = divmod(number - self.first_id, ids.STEP)
        return index if rest == 0 and 0 <= index < self.loyalty.customers else None

    def person(self, index: int) -> Person:
        """Return a customer's name, contacts and home."""
        dice = Dice(self.seed, Purpose.PEOPLE, index)
        first, last = dice.pick(FIRST_NAMES), dice.pick(LAST_NAMES)
        country = ABROAD.of(dice.roll()) if dice.chance(0.15) else self.country
        place, street = dice.pick(PLACES.get(country, PLACES["US"])), f"{dice.between(1, 240)} {dice.pick(STREETS)}"
        has_phone, has_email = country in ("US", "CA") and dice.chance(0.45), dice.chance(0.95)
        pays_abroad = country != self.country and dice.chance(0.6)
        return Person(
            index=index,
            number=self.number(index),
            first_name=first if has_email or has_phone else None,
            last_name=last,
            email=f"{LETTERS[first]}.{LETTERS[last]}.{index}@example.com" if has_email or not has_phone else None,
            phone=phone_of(index) if has_phone else None,
            place=place,
            street=street,
            company=dice.pick(COMPANIES) if dice.chance(0.06) else None,
            currency=CURRENCIES.get(country, self.currency) if pays_abroad else self.currency,
            tax_exempt=dice.chance(0.01),
            dice=dice,
        )

    def created(self, index: int) -> str:
        """Return when a customer appeared."""
        return iso(self.timeline.created(self.loyalty.joined(index)))

    def row(self, index: int) -> Row:
        """Make the row of a customer."""
        person, orders, created = self.person(index), self.loyalty.orders_of(index), self.created(index)
        dice = person.dice
        return customer_row(
            person.number,
            created,
            addresses=self._addresses(person, bool(orders)),
            firstName=person.first_name,
            lastName=person.last_name,
            email=person.email,
            phone=person.phone,
            state=STATES.of(dice.roll()) if person.email else "DISABLED",
            taxExempt=person.tax_exempt,
            note=dice.pick(NOTES) if dice.chance(0.05) else None,
            tags=_tags(person, len(orders)),
            updatedAt=iso(self.timeline.created(orders[-1])) if orders else created,
            _email_consent=_consent(dice, created) if person.email else None,
            _sms_consent=_consent(dice, created) if person.phone and dice.chance(0.3) else None,
        )

    def _addresses(self, person: Person, has_bought: bool) -> list[Row]:
        dice, first = person.dice, self.first_address_id + person.index * ADDRESSES
        count = 1 + dice.chance(0.2) + dice.chance(0.05) if has_bought else int(dice.chance(0.5))
        rows = []
        for place in range(count):
            street = person.street if place == 0 else f"{dice.between(1, 240)} {dice.pick(STREETS)}"
            values = person.place.address(person.first_name, person.last_name, street)
            company = person.company if place == 0 else None
            rows.append(customer_address(first + place, **values, phone=person.phone, company=company))
        return rows

    # Finding

    def by_contact(self, name: str, text: str) -> int | None:
        """Return the id of the customer whose e-mail address or phone number holds its number (see `customer_rows`)."""
        index = self.index_in(text) if name == "email" else index_in_phone(text)
        return self.number(index) if index is not None and index < self.loyalty.customers else None

    def index_in(self, email: str) -> int | None:
        """Return which customer an e-mail address may belong to."""
        found = NUMBER_IN_EMAIL.search(email)
        return int(found[1]) if found and int(found[1]) < self.loyalty.customers else None

    def _by_email(self, text: str) -> Iterable[int] | None:
        if "@" not in text or "*" in text:
            return None
        index = self.index_in(text.lower())
        return [] if index is None else [self.number(index)]

    # The table

    def table(self) -> Table:
        """Build the table of all customers."""
        seeded = Seeded(
            self.first_id,
            self.loyalty.customers,
            self.row,
            ids.STEP,
            instants={"createdAt": self.created},
            walks={"updatedAt": (self._walk_of_buyers(), self._walk_of_others())},
            finders={"email": self._by_email},
        )
        return Table("Customer", seeded)

    def _walk_of_buyers(self) -> Walk:
        """Walk by the customers' last orders: an order that is not its customer's last one shows nobody."""

        def index(order: int) -> int | None:
            customer = self.loyalty.buyer(order)
            return customer if customer is not None and self.loyalty.last_order(customer) == order else None

        return Walk(self.timeline.orders, lambda order: iso(self.timeline.created(order)), index, self.loyalty.last_order)

    def _walk_of_others(self) -> Walk:
        """Walk by the arrival of those who never bought."""

        def index(place: int) -> int:
            return self.loyalty.idle_customer(self.idle, place)

        steps = self.idle[-1] if self.idle else 0
        rank = self.loyalty.idle_place
        return Walk(steps, lambda place: self.created(index(place)), index, lambda customer: rank(self.idle, customer))


def phone_of(index: int) -> str:
    """Return the phone number of a customer, which holds the index; the exchange 555 is kept for fiction."""
    area, line = divmod(index, PHONES_PER_AREA)
    return f"+1{FIRST_AREA + area:03d}555{line:04d}"


def index_in_phone(text: str) -> int | None:
    """Return the index in a phone number."""
    found = PHONE.fullmatch(text)
    return (int(found[1]) - FIRST_AREA) * PHONES_PER_AREA + int(found[2]) if found and int(found[1]) >= FIRST_AREA else None


def _tags(person: Person, orders: int) -> list[str]:
    tags = ["repeat"] if orders > 1 else []
    tags += ["vip"] if orders >= 10 else []
    tags += ["wholesale"] if person.company else []
    return sorted(tags)


def _consent(dice: Dice, at: str) -> dict[str, object] | None:
    """Return what a customer said about marketing; None for one who was never asked."""
    roll = dice.roll()
    if roll >= 0.7:
        return None
    state = "SUBSCRIBED" if roll < 0.6 else "UNSUBSCRIBED"
    return {"state": state, "level": "SINGLE_OPT_IN", "at": at, "location": None}
