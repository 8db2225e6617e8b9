"""A shop filled with the books of a real year (see `books`): GBP, London, no taxes; orders are made from columns when looked at.

Every order was paid at once and shipped a day later; what came back is refunded on its day with its own value. Orders are named
after their invoices and numbered from 1001. The files know customers by number only: their names are made up.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from fake_shopify.admin import handles, order_rows, product_rows
from fake_shopify.admin.countries import country_code, country_names
from fake_shopify.admin.customer_rows import INDEXED, customer_address, customer_row
from fake_shopify.admin.mailing_addresses import address_row
from fake_shopify.admin.order_money import ZERO, Pair
from fake_shopify.admin.order_parts import SeededOrders, seed_orders
from fake_shopify.admin.order_rows import FIRST_ORDER_NUMBER, Numbers
from fake_shopify.rows import Row, Walk
from fake_shopify.seeding import ids
from fake_shopify.seeding.books import GUEST, Books, Product, Return
from fake_shopify.seeding.dice import Dice, Purpose
from fake_shopify.seeding.people import FIRST_NAMES, LAST_NAMES
from fake_shopify.seeding.timeline import DAY_S, iso
from fake_shopify.world import Shop

SPAN = 1_024
"""How many parts of a type an order may have; the longest has 581 lines."""
GATEWAY = "shopify_payments"
POSTAGE = {"POST": "Postage", "DOT": "Online postage", "C2": "Carriage"}
COUNTRIES = {"EIRE": "IE", "USA": "US", "RSA": "ZA", "Korea": "KR", "Channel Islands": "JE"}
SETTINGS: dict[str, Any] = {"currency": "GBP", "country": "GB", "zone": "Europe/London", "taxed": False}
"""What the shop's settings are with these books."""


def settings_of(books: Books) -> dict[str, Any]:
    """Return the shop's settings: it opened on the day of the first order."""
    opening = iso(books.instants[0] // DAY_S * DAY_S)
    return SETTINGS | {"createdAt": opening, "updatedAt": opening}


def fill(shop: Shop, books: Books, seed: int) -> None:
    """Fill a shop."""
    Retail(shop, books, seed).fill()


class Retail:
    """The rows of one shop."""

    def __init__(self, shop: Shop, books: Books, seed: int) -> None:
        self.shop, self.books, self.seed = shop, books, seed
        self.locations = [row.number for row in shop.table("Location")]
        self.run = SeededOrders(
            ids.first(shop, "Order"),
            len(books.invoices),
            ids.STEP,
            ids.first(shop, "parts of orders"),
            span=SPAN,
            open_from=len(books.invoices),
        )
        self.orders_of: dict[int, list[int]] = {}
        self.touched = array("q", map(self._last_touch, range(len(books.invoices))))

    def fill(self) -> None:
        """Make products and customers, and the table of orders."""
        for place, product in enumerate(self.books.products):
            self._add_product(place, product)
        for index, buyer in enumerate(self.books.buyers):
            if buyer != GUEST:
                self.orders_of.setdefault(buyer, []).append(index)
        for place, orders in self.orders_of.items():
            self._add_customer(place, orders)
        places = {invoice: index for index, invoice in enumerate(self.books.invoices)}

        def by_invoice(text: str) -> Iterable[int] | None:
            index = places.get(text.removeprefix("#"))
            return None if "*" in text else [] if index is None else [self.run.order_number(index)]

        seed_orders(
            self.shop,
            self.run,
            self.order,
            instants={"createdAt": self._created, "processedAt": self._created},
            walks={"updatedAt": (self._walk(),)},
            finders={
                "name": by_invoice,
                "source_identifier": by_invoice,
                "email": self._by_email,
                "customer_id": self._by_customer,
            },
            of_customer=self._of_customer,
            last_order_number=FIRST_ORDER_NUMBER - 1 + self.run.count,
        )

    # Products

    def product_number(self, place: int) -> int:
        """Return the id of a product; its variant and its inventory item stand at the same place of theirs."""
        return ids.first(self.shop, "Product") + place * ids.STEP

    def _variant_number(self, place: int) -> int:
        return ids.first(self.shop, "ProductVariant") + place * ids.STEP

    def _add_product(self, place: int, product: Product) -> None:
        now, value = iso(product.first_sold), ids.first(self.shop, "ProductOptionValue") + place * ids.STEP
        option = product_rows.option_row(
            ids.first(self.shop, "ProductOption") + place * ids.STEP,
            product_rows.DEFAULT_OPTION,
            1,
            [(value, product_rows.DEFAULT_VALUE)],
        )
        variant_number, item_number = self._variant_number(place), ids.first(self.shop, "InventoryItem") + place * ids.STEP
        row = product_rows.product_row(
            self.product_number(place),
            now,
            title=product.title,
            handle=handles.made_from(f"{product.title} {product.code}", "product"),
            vendor="House brand",
            productType="Gifts",
            publishedAt=now,
            _publications={self.shop.state["online_store"]: now},
            _options=[option],
            _variant_ids=[variant_number],
        )
        self.shop.table("Product").add(row)
        variant = product_rows.variant_row(
            variant_number,
            now,
            product_id=row.number,
            inventory_item_id=item_number,
            position=1,
            price=_money(product.pence)[0],
            _option_value_ids=[value],
        )
        self.shop.table("ProductVariant").add(variant)
        dice = Dice(self.seed, Purpose.RETAIL, place)
        levels = {number: dice.below(200) for number in self.locations}
        item = product_rows.inventory_item_row(
            item_number, now, variant_id=variant_number, levels=levels, sku=product.code, tracked=True
        )
        self.shop.table("InventoryItem").add(item)

    # Customers

    def customer_number(self, place: int) -> int:
        """Return the id of a customer."""
        return ids.first(self.shop, "Customer") + place * ids.STEP

    def _email(self, place: int) -> str:
        return f"customer.{self.books.customers[place]}@example.com"

    def _names(self, place: int) -> tuple[str, str]:
        dice = Dice(self.seed, Purpose.PEOPLE, self.books.customers[place])
        return dice.pick(FIRST_NAMES), dice.pick(LAST_NAMES)

    def _add_customer(self, place: int, orders: list[int]) -> None:
        first_name, last_name = self._names(place)
        country = code_of(self.books.countries[orders[0]])
        home = {"countryCodeV2": country, "country": country_names()[country]} if country is not None else None
        number = ids.first(self.shop, "MailingAddress") + place
        addresses = [customer_address(number, firstName=first_name, lastName=last_name, **home)] if home is not None else []
        row = customer_row(
            self.customer_number(place),
            self._created(orders[0]),
            addresses=addresses,
            firstName=first_name,
            lastName=last_name,
            email=self._email(place),
            note=f"Customer {self.books.customers[place]} in the books",
            updatedAt=self._created(orders[-1]),
        )
        self.shop.table("Customer").add(row)
        for address in addresses:
            self.shop.table("MailingAddress").add(address)
        for name in INDEXED:
            if row[name]:
                self.shop.state.setdefault(f"customers_by_{name}", {})[row[name].lower()] = row.number

    # Orders

    def _created(self, index: int) -> str:
        return iso(self.books.instants[index])

    def _last_touch(self, index: int) -> int:
        shipped = self.books.instants[index] + DAY_S
        return max([shipped, *(one.at for one in self.books.returns.get(index, ()))])

    def order(self, index: int) -> Row:
        """Make an order."""
        books, buyer, now = self.books, self.books.buyers[index], self._created(index)
        known: dict[str, Any] = {} if buyer == GUEST else {"email": self._email(buyer), "_customer_id": self.customer_number(buyer)}
        order = order_rows.new_order(
            self.run.order_number(index),
            name=f"#{books.invoices[index]}",
            order_number=FIRST_ORDER_NUMBER + index,
            now=now,
            currency=SETTINGS["currency"],
            updatedAt=iso(self.touched[index]),
            closedAt=iso(books.instants[index] + DAY_S),
            sourceName="web",
            sourceIdentifier=books.invoices[index],
            **known,
        )
        numbers = self.run.numbers(index)
        self._add_lines(numbers, order, index)
        for code, pence in books.shipping.get(index, ()):
            order_rows.add_shipping(numbers, order, title=POSTAGE.get(code, code), price=_money(pence), code=code, source="books")
        self._add_address(numbers, order, index)
        paid = order_rows.add_transaction(numbers, order, kind="SALE", amount=_money(books.total(index)), now=now, gateway=GATEWAY)
        self._ship(numbers, order, index)
        for one in sorted(books.returns.get(index, ()), key=lambda one: one.at):
            self._refund(numbers, order, paid, one)
        return order

    def _add_lines(self, numbers: Numbers, order: Row, index: int) -> None:
        books = self.books
        for line in range(books.starts[index], books.starts[index + 1]):
            place = books.line_products[line]
            order_rows.add_line(
                numbers,
                order,
                title=books.products[place].title,
                quantity=books.line_units[line],
                price=_money(books.line_pence[line]),
                sku=books.products[place].code,
                vendor="House brand",
                taxable=False,
                _variant_id=self._variant_number(place),
                _product_id=self.product_number(place),
            )

    def _add_address(self, numbers: Numbers, order: Row, index: int) -> None:
        country, buyer = code_of(self.books.countries[index]), self.books.buyers[index]
        if country is None:
            return
        values: dict[str, Any] = {"countryCodeV2": country, "country": country_names()[country]}
        if buyer != GUEST:
            values["firstName"], values["lastName"] = self._names(buyer)
        for name in ("shippingAddress", "billingAddress"):
            order[name] = address_row(numbers("MailingAddress"), values, model="Address")

    def _ship(self, numbers: Numbers, order: Row, index: int) -> None:
        lines = [(line, line["quantity"]) for line in order["_lines"]]
        home = order_rows.add_fulfillment_order(
            numbers, order, location_number=self.locations[0], lines=lines, now=order["createdAt"]
        )
        shipped = iso(self.books.instants[index] + DAY_S)
        fulfillment = order_rows.add_fulfillment(numbers, order, location_number=self.locations[0], lines=lines, now=shipped)
        order_rows.close_by_fulfillment(fulfillment, [home])
        home["updatedAt"] = shipped

    def _refund(self, numbers: Numbers, order: Row, paid: Row, one: Return) -> None:
        refund = order_rows.add_refund(numbers, order, now=iso(one.at), note=one.invoice)
        for place, units, pence in one.lines:
            line = order["_lines"][place]
            order_rows.add_refund_line(
                numbers,
                refund,
                line,
                units,
                restock_type="RETURN",
                subtotal=_money(pence),
                tax=ZERO,
                _location_id=self.locations[0],
            )
        refund["_shipping"] = _money(one.shipping)
        transaction = order_rows.add_transaction(
            numbers, order, kind="REFUND", amount=_money(one.pence), now=iso(one.at), gateway=GATEWAY, _parent=paid
        )
        refund["_transactions"].append(transaction)

    # Finding

    def _walk(self) -> Walk:
        """Walk by the last change, sorted once."""
        ranked = array("i", sorted(range(self.run.count), key=lambda index: (self.touched[index], index)))
        instants = array("q", (self.touched[index] for index in ranked))

        def rank(index: int) -> int:
            low = bisect_left(instants, self.touched[index])
            return ranked.index(index, low)

        return Walk(self.run.count, lambda rank: iso(instants[rank]), ranked.__getitem__, rank)

    def _of_customer(self, number: int) -> list[int]:
        place, rest = divmod(number - ids.first(self.shop, "Customer"), ids.STEP)
        return [self.run.order_number(index) for index in self.orders_of.get(place, ())] if not rest else []

    def _by_customer(self, text: str) -> Iterable[int] | None:
        digits = text.rsplit("/", 1)[-1]
        return self._of_customer(int(digits)) if digits.isdecimal() and len(digits) < 20 else []

    def _by_email(self, text: str) -> Iterable[int] | None:
        if "@" not in text or "*" in text:
            return None
        number = self.shop.state.get("customers_by_email", {}).get(text.lower())
        return self._of_customer(number) if number is not None else []


def _money(pence: int) -> Pair:
    value = Decimal(pence).scaleb(-2)
    return value, value


def code_of(country: str) -> str | None:
    """Return the code of a country as the books name it; None for one that they leave open."""
    return COUNTRIES.get(country) or country_code(country)
