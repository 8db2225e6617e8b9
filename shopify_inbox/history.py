"""What came in and what became of it, for those whose shops it concerns; and handling it once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from shopify_inbox.deliveries import body_place, queries
from shopify_inbox.events import NotAnEvent, read_payload
from shopify_kit.clock import iso
from shopify_kit.database import Connection, Database, Record
from shopify_kit.errors import NotFound, TokenUnreadable
from shopify_kit.sealing import KeyRing

STATUSES: Final = ("pending", "processed", "superseded", "unhandled", "duplicate", "quarantined", "dead")
REPLAY_ROWS: Final = 500
MASK: Final = "***"
PERSONAL: Final = frozenset(
    """
    accept_language address1 address2 addresses billing_address browser_ip cardholder_name city client_details company
    contact_email credit_card_bin credit_card_name credit_card_number customer_email customer_locale default_address destination
    display_name email email_address fingerprint first_name full_name last4 last_name latitude line1 line2 longitude message
    multipass_identifier name note note_attributes payment_details phone po_number postal_code properties province receipt
    receipt_email seller_message session_hash shipping_address shipping_first_name shipping_last_name shop_owner
    sms_marketing_phone staff_note tracking_number tracking_numbers tracking_url tracking_urls user_agent zip

    abandoned_checkout_url cart_token checkout_token client_secret client_token invoice_url landing_site landing_site_ref
    order_status_url receipt_url referring_site reservation_token return_url source_url token unique_token
    """.split()
)
"""What identifies a customer, and what opens a page that does."""
NOT_PERSONAL: Final = frozenset(
    {"line_items", "variants", "options", "discount_codes", "shipping_lines", "tax_lines", "metafields"}
)
"""Inside these, `name` names a thing and not a person."""


class Filter(Struct, frozen=True):
    """Which deliveries: all that is given must hold."""

    topic: str | None = None
    status: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: tuple[int, ...] | None = None


class Replayed(Struct, frozen=True):
    """What a replay found and put to work; `next_after` is where to go on, None at the end."""

    matched: int
    replayed: int
    dry_run: bool
    next_after: int | None


class History:
    """Reads the inbox for callers; every method takes the shops that the caller may see."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    def list(
        self, shop_ids: Sequence[int], chosen: Filter, *, after: int | None, limit: int, oldest_first: bool = False
    ) -> list[dict[str, Any]]:
        """List deliveries, newest first unless `oldest_first`; `after` is the id that the page before ended with."""
        rows = self._database.run(_list, list(shop_ids), chosen, after, limit, oldest_first)
        return [_shown(row) for row in rows]

    def statistics(self, shop_ids: Sequence[int], since: datetime) -> dict[str, Any]:
        """Count deliveries since an instant, by status and by topic."""
        by_status: dict[str, int] = dict.fromkeys(STATUSES, 0)
        by_topic: dict[str, int] = {}
        for row in self._database.run(_count, list(shop_ids), since):
            by_status[row["status"]] += row["deliveries"]
            by_topic[row["topic"]] = by_topic.get(row["topic"], 0) + row["deliveries"]
        return {"since": iso(since), "total": sum(by_status.values()), "by_status": by_status, "by_topic": by_topic}

    def find(self, shop_ids: Sequence[int], delivery_id: int) -> dict[str, Any]:
        """Return one delivery with its payload, customers' data masked.

        Raises:
            NotFound: none of these shops has it.
        """
        row = self._database.run(_find, list(shop_ids), delivery_id)
        if row is None:
            raise NotFound("There is no such event.")
        return _shown(row) | {
            "webhook_id": row["webhook_id"],
            "event_id": row["event_id"],
            "api_version": row["api_version"],
            "reason": row["reason"],
            "payload": self._payload(row),
        }

    def _payload(self, row: Record) -> Any:
        try:
            body = self._keys.open(row["body_sealed"], body_place(row["app"], row["webhook_id"], row["shop_domain"]))
            return masked(read_payload(body))
        except (TokenUnreadable, NotAnEvent):
            return None

    def replay(self, shop_ids: Sequence[int], chosen: Filter, *, after: int = 0, dry_run: bool = False) -> Replayed:
        """Have deliveries handled again, oldest first, up to 500 at a time.

        Doing it twice does no more than doing it once: what waits already is not put to work again. `next_after` goes on where this
        portion ended.
        """
        row = self._database.run(_replay, list(shop_ids), chosen, after, dry_run)
        more = row["matched"] == REPLAY_ROWS
        return Replayed(row["matched"], row["replayed"], dry_run, row["last"] if more else None)


def masked(value: Any, *, things: bool = False) -> Any:
    """Copy a payload with customers' data replaced; inside lists of things a name is a thing's."""
    if isinstance(value, Mapping):
        return {
            key: MASK if _is_personal(key, part, things) else masked(part, things=things or key in NOT_PERSONAL)
            for key, part in value.items()
        }
    if isinstance(value, list):
        return [masked(part, things=things) for part in value]
    return value


def _is_personal(key: str, value: Any, things: bool) -> bool:
    if value is None or key not in PERSONAL:
        return False
    return not (key == "name" and (things or (isinstance(value, str) and value.startswith("#"))))


def _shown(row: Record) -> dict[str, Any]:
    return {
        "id": row["delivery_id"],
        "topic": row["topic"],
        "shop_domain": row["shop_domain"],
        "triggered_at": row["triggered_at"],
        "received_at": iso(row["received_at"]),
        "status": row["status"],
        "reason": row["reason"],
        "attempts": row["attempts"],
        "last_error": row["last_error"],
        "finished_at": iso(row["finished_at"]) if row["finished_at"] else None,
    }


async def _list(
    conn: Connection, shops: list[int], chosen: Filter, after: int | None, limit: int, oldest_first: bool
) -> list[Record]:
    query = queries.list_oldest_deliveries if oldest_first else queries.list_deliveries
    return await conn.fetch(query, shops, after, chosen.topic, chosen.status, chosen.since, chosen.until, limit)


async def _count(conn: Connection, shops: list[int], since: datetime) -> list[Record]:
    return await conn.fetch(queries.count_deliveries, shops, since)


async def _find(conn: Connection, shops: list[int], delivery_id: int) -> Record | None:
    return await conn.fetchrow(queries.find_delivery_of_shops, shops, delivery_id)


async def _replay(conn: Connection, shops: list[int], chosen: Filter, after: int, dry_run: bool) -> Record:
    ids = list(chosen.ids) if chosen.ids is not None else None
    row = await conn.fetchrow(
        queries.replay_deliveries,
        shops,
        ids,
        chosen.topic,
        chosen.status,
        chosen.since,
        chosen.until,
        after,
        REPLAY_ROWS,
        dry_run,
    )
    assert row is not None
    return row
