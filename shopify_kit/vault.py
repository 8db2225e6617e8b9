"""The vault: access tokens at rest, sealed and bound to their row.

Every sealed column of a row is bound to (table, owner, shop, column, row, row version); replacing a token moves the version on, so
that an older ciphertext put back does not open. Opening happens where a token is used, outside the database's loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from shopify_kit.database import Connection, Database, Record
from shopify_kit.errors import TokenUnreadable
from shopify_kit.queries import load_queries
from shopify_kit.sealing import KeyRing, Place
from shopify_kit.secret import Secret

SWEEP_ROWS = 200

queries = load_queries("vault")


@dataclass(frozen=True, slots=True)
class Token:
    """A token with what belongs to it; `owner` is the user of a static token, None where it belongs to app and shop."""

    shop_id: int
    shop_domain: str
    app_id: int
    kind: str
    access_token: Secret
    owner: str | None = None
    refresh_token: Secret | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    scopes: Sequence[str] = field(default=())
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SealedToken:
    """A token row as it lies in the database."""

    shop_id: int
    shop_domain: str
    token_id: int
    owner: str | None
    version: int
    access_token: bytes = field(repr=False)
    refresh_token: bytes | None = field(repr=False)
    client_secret: bytes | None = field(repr=False)

    @classmethod
    def of(cls, row: Record) -> SealedToken:
        """Read a row that holds the columns of `list_sealed_with_other_keys`."""
        return cls(
            row["shop_id"],
            row["shop_domain"],
            row["token_id"],
            row["owner_user_id"],
            row["row_version"],
            row["access_token_sealed"],
            row["refresh_token_sealed"],
            row["client_secret_sealed"],
        )

    def place(self, column: str) -> Place:
        """Name the place of one of its columns."""
        return _place(self.owner, self.shop_domain, self.token_id, column, self.version)


def _place(owner: str | None, shop_domain: str, token_id: int, column: str, version: int) -> Place:
    return Place("tokens", owner or "", shop_domain, column, version, str(token_id))


class Vault:
    """Seals on the way in, opens on the way out."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self.keys = keys

    def access_token(self, row: SealedToken) -> Secret:
        """Open the access token.

        Raises:
            TokenUnreadable: altered, moved, or sealed with a key that is gone.
        """
        return self.keys.open_secret(row.access_token, row.place("access_token"))

    def client_secret(self, row: SealedToken) -> Secret | None:
        """Open the secret of the custom app that the token came with, where there is one."""
        if row.client_secret is None:
            return None
        return self.keys.open_secret(row.client_secret, row.place("client_secret"))

    def client_secrets(self) -> dict[str, list[Secret]]:
        """Open the secrets of all custom apps, by shop domain; one that does not open is left out."""
        found: dict[str, list[Secret]] = {}
        for row in self._database.run(_list_client_secrets):
            with suppress(TokenUnreadable):
                secret = self.client_secret(row)
                if secret is not None:
                    found.setdefault(row.shop_domain, []).append(secret)
        return found

    async def store(self, conn: Connection, token: Token) -> int:
        """Keep a token in the place of an older one of the same shop, app, kind and owner; returns its id. Part of a unit.

        The unit holds the shop's row, so that two of them do not both find no older token.
        """
        old = await conn.fetchrow(queries.lock_token, token.shop_id, token.app_id, token.kind, token.owner)
        # The seal names the row, so the row's id comes first.
        token_id = await conn.fetchval(queries.next_token_id) if old is None else old["token_id"]
        version = 1 if old is None else old["row_version"] + 1
        access, refresh, secret = (self._seal(value, token, token_id, name, version) for name, value in _columns(token))
        values = (access, refresh, token.client_id, secret, self.keys.current, version)
        rest = (*values, list(token.scopes), token.expires_at, token.refresh_expires_at)
        if old is None:
            who = (token.app_id, token.owner, token.kind)
            await conn.execute(queries.insert_token, token.shop_id, token_id, *who, *rest)
        else:
            await conn.execute(queries.replace_token, token.shop_id, token_id, *rest)
        return int(token_id)

    def _seal(self, value: Secret | None, token: Token, token_id: int, column: str, version: int) -> bytes | None:
        place = _place(token.owner, token.shop_domain, token_id, column, version)
        return None if value is None else self.keys.seal(value, place)

    async def keep_client_secret(self, conn: Connection, row: SealedToken, secret: Secret) -> bool:
        """Keep the secret of a custom app beside its token; False where the token was replaced meanwhile. Part of a unit."""
        newer = replace(row, version=row.version + 1)
        access, refresh, _ = (self._reopen(value, row, column, newer) for column, value in _sealed_columns(row))
        sealed = self.keys.seal(secret, newer.place("client_secret"))
        values = (access, refresh, sealed, self.keys.current)
        return bool(await conn.fetchval(queries.keep_client_secret, row.shop_id, row.token_id, row.version, *values))

    def mark(self, shop_id: int, token_id: int, state: str) -> None:
        """Note `reauthorization_required` or `revoked`."""
        self._database.run(_mark, shop_id, token_id, state)

    # Rotation of sealing keys

    def count_by_key(self) -> dict[str, int]:
        """Count tokens by the id of the key that seals them: a key without tokens may leave SHOPIFY_TOKEN_KEYS."""
        return self._database.run(_count_by_key)

    def reseal(self) -> int:
        """Seal every token with the newest key; returns how many rows changed.

        May be stopped and started again at any time, and run beside others: a row is changed only in the version that was read.
        A row that no key of the ring opens stays as it is and counts as not changed.
        """
        changed, after = 0, (0, 0)
        while True:
            rows = self._database.run(_list_old, self.keys.current, after)
            if not rows:
                return changed
            for row in rows:
                changed += self._reseal_row(row)
                after = (row.shop_id, row.token_id)

    def _reseal_row(self, row: SealedToken) -> int:
        try:
            opened = [self._reopen(value, row, column, row) for column, value in _sealed_columns(row)]
        except TokenUnreadable:
            return 0
        return self._database.run(_reseal, row, opened, self.keys.current)

    def _reopen(self, value: bytes | None, row: SealedToken, column: str, newer: SealedToken) -> bytes | None:
        return None if value is None else self.keys.seal(self.keys.open(value, row.place(column)), newer.place(column))


def _columns(token: Token) -> list[tuple[str, Secret | None]]:
    return [
        ("access_token", token.access_token),
        ("refresh_token", token.refresh_token),
        ("client_secret", token.client_secret),
    ]


def _sealed_columns(row: SealedToken) -> list[tuple[str, bytes | None]]:
    return [("access_token", row.access_token), ("refresh_token", row.refresh_token), ("client_secret", row.client_secret)]


async def _list_client_secrets(conn: Connection) -> list[SealedToken]:
    return [SealedToken.of(row) for row in await conn.fetch(queries.list_client_secrets)]


async def _list_old(conn: Connection, key_id: str, after: tuple[int, int]) -> list[SealedToken]:
    rows = await conn.fetch(queries.list_sealed_with_other_keys, key_id, *after, SWEEP_ROWS)
    return [SealedToken.of(row) for row in rows]


async def _count_by_key(conn: Connection) -> dict[str, int]:
    return {row["key_id"]: row["tokens"] for row in await conn.fetch(queries.count_by_key)}


async def _reseal(conn: Connection, row: SealedToken, sealed: list[bytes | None], key_id: str) -> int:
    done = await conn.execute(queries.reseal_token, row.shop_id, row.token_id, row.version, *sealed, key_id)
    return int(done.split()[-1])


async def _mark(conn: Connection, shop_id: int, token_id: int, state: str) -> None:
    await conn.execute(queries.mark_token, shop_id, token_id, state)


async def delete_token(conn: Connection, shop_id: int, token_id: int) -> None:
    """Destroy a token as part of a unit."""
    await conn.execute(queries.delete_token, shop_id, token_id)
