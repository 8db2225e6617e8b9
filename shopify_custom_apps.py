"""Which app is installed where, and for whom: connecting shops, choosing one, disconnecting.

A static token belongs to (user, shop): each user brings their own. Users are members of shops through a token; the last member who
leaves destroys it. What Shopify's OAuth gives is added to these by the grants.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from shopify_admin.catalog import Shop, shop_of
from shopify_kit.audit import add_entry
from shopify_kit.client import AdminClient, ShopAccess
from shopify_kit.clock import Clock
from shopify_kit.database import Connection, Database, Record
from shopify_kit.documents import Documents
from shopify_kit.errors import AccessDenied, Conflict, NotFound, ShopifyError, TokenRejected, TokenUnreadable, Unprocessable
from shopify_kit.oauth import Grant, TokenEndpoint
from shopify_kit.queries import load_queries
from shopify_kit.secret import Secret
from shopify_kit.settings import Settings
from shopify_kit.vault import SealedToken, Token, Vault, delete_token

STATIC_APP_ID = 1
"""The app of tokens whose app nobody named; the first migration makes its row."""
CONNECT_TIMEOUT_S = 12.0
RENEW_BEFORE = timedelta(minutes=10)

queries = load_queries("custom_apps")


@dataclass(frozen=True, slots=True)
class Store:
    """A shop as one of its members sees it; `id` is our integer."""

    id: int
    shop_domain: str
    name: str | None
    email: str | None
    currency: str
    timezone: str | None
    plan: str | None
    country_code: str | None
    shop_gid: str | None
    token_kind: str
    token_state: str
    scopes: tuple[str, ...]
    connected_at: datetime | None
    expires_at: datetime | None
    app_id: int = field(repr=False)
    client_id: str | None = field(repr=False)
    sealed: SealedToken = field(repr=False)

    @property
    def bucket(self) -> str:
        """Name the budget that calls with this token draw on: Shopify counts per app and shop."""
        return self.client_id or f"token:{self.sealed.token_id}"


class Credentials(Struct, frozen=True):
    """What a user brings to connect a shop: a token, or the client id and secret of an own-organisation app."""

    access_token: Secret | None = None
    client_id: str | None = None
    client_secret: Secret | None = None


class Installations:
    """Connects users with shops and finds the access they have."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        client: AdminClient,
        endpoint: TokenEndpoint,
        documents: Documents,
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._database = database
        self._vault = vault
        self._client = client
        self._endpoint = endpoint
        self._documents = documents
        self._settings = settings
        self._clock = clock

    # Connecting

    def connect(self, user_id: str, shop_domain: str, credentials: Credentials, *, actor: str) -> tuple[Store, Shop]:
        """Prove the credentials against Shopify, then keep them for this user; connecting again replaces them.

        Raises:
            TokenRejected: Shopify does not accept them; nothing is stored.
            Unprocessable: code `shop_mismatch`, the token is another shop's; nothing is stored.
        """
        grant = self._grant(shop_domain, credentials)
        shop = self._prove(shop_domain, grant.access_token)
        kind = "static" if credentials.access_token is not None else "client_credentials"
        store = self._database.run(
            self._keep, user_id, shop, kind, credentials, grant, self._expiry(grant), actor, timeout_s=CONNECT_TIMEOUT_S
        )
        return store, shop

    def _grant(self, shop_domain: str, credentials: Credentials) -> Grant:
        if credentials.access_token is not None:
            return Grant(credentials.access_token, (), None)
        assert credentials.client_id is not None
        assert credentials.client_secret is not None
        return self._endpoint.client_credentials(shop_domain, credentials.client_id, credentials.client_secret)

    def _prove(self, shop_domain: str, token: Secret) -> Shop:
        """Ask Shopify whether this token is good for this shop."""
        try:
            shop = self._ask(shop_domain, token)
        except AccessDenied:
            raise TokenRejected("Shopify does not let this token read the shop; check the app's access scopes.") from None
        if shop.domain != shop_domain:
            raise Unprocessable("The access token belongs to another shop; nothing was stored.", code="shop_mismatch")
        return shop

    def _ask(self, shop_domain: str, token: Secret) -> Shop:
        """Ask Shopify whose token this is."""
        access = ShopAccess(0, shop_domain, token, bucket="")
        return shop_of(self._client.run(access, self._documents["GetShop"], timeout_s=CONNECT_TIMEOUT_S).data)

    def _expiry(self, grant: Grant) -> datetime | None:
        return None if grant.expires_in_s is None else self._clock.now() + timedelta(seconds=grant.expires_in_s)

    async def _keep(
        self,
        conn: Connection,
        user_id: str,
        shop: Shop,
        kind: str,
        credentials: Credentials,
        grant: Grant,
        expires_at: datetime | None,
        actor: str,
    ) -> Store:
        facts = (shop.admin_graphql_api_id, shop.name, shop.email, shop.currency, shop.timezone, shop.plan, shop.country_code)
        shop_id = await conn.fetchval(queries.upsert_shop, shop.domain, *facts)
        await conn.execute(queries.ensure_user, user_id)
        client_secret = credentials.client_secret or await self._known_secret(conn, user_id, shop_id)
        token = Token(
            shop_id,
            shop.domain,
            STATIC_APP_ID,
            kind,
            grant.access_token,
            owner=user_id,
            client_id=credentials.client_id,
            client_secret=client_secret,
            scopes=shop.scopes,
            expires_at=expires_at,
        )
        token_id = await self._vault.store(conn, token)
        await conn.execute(queries.join_shop, shop_id, user_id, STATIC_APP_ID, token_id)
        await conn.execute(queries.drop_unused_tokens, shop_id, user_id)
        await add_entry(conn, "shop.connect", actor=actor, subject=user_id, shop_id=shop_id, facts={"kind": kind})
        rows = await conn.fetch(queries.list_stores, user_id, 0, 1, shop_id, None)
        return _store(rows[0])

    async def _known_secret(self, conn: Connection, user_id: str, shop_id: int) -> Secret | None:
        """Return the secret that came with this user's token before: a newer token alone must not make deliveries unknown."""
        for row in await conn.fetch(queries.list_stores, user_id, 0, 1, shop_id, None):
            if row["kind"] == "static":
                with suppress(TokenUnreadable):
                    return self._vault.client_secret(SealedToken.of(row))
        return None

    # Finding

    def stores(self, user_id: str, *, after: int = 0, limit: int = 250) -> list[Store]:
        """List a user's shops by id."""
        rows = self._database.run(_list_stores, user_id, after, limit, None, None)
        return [_store(row) for row in rows] or self._import_configured(user_id)

    def find(self, user_id: str, *, store_id: int | None = None, shop_domain: str | None = None) -> Store:
        """Choose the shop that a request means: the one named, or the user's only one.

        Raises:
            Conflict: `not_connected` (no shop, or not this one); `shop_required` (several and none named; `details.shops`).
        """
        rows = self._database.run(_list_stores, user_id, 0, 51, store_id, shop_domain)
        stores = [_store(row) for row in rows] or self._import_configured(user_id, shop_domain)
        if not stores:
            what = "this shop" if store_id or shop_domain else "any shop"
            text = f"The user is not connected to {what}; connect it first (POST /api/shopify/connect)."
            raise Conflict(text, code="not_connected")
        if len(stores) > 1:
            names = [store.shop_domain for store in stores[:50]]
            raise Conflict("The user has several shops; name one as shop_domain.", code="shop_required", details={"shops": names})
        return stores[0]

    def get(self, user_id: str, store_id: int) -> Store:
        """Return one of the user's shops.

        Raises:
            NotFound: there is none of that id for this user.
        """
        rows = self._database.run(_list_stores, user_id, 0, 1, store_id, None)
        if not rows:
            raise NotFound("There is no such store.")
        return _store(rows[0])

    def access(self, store: Store) -> ShopAccess:
        """Open the token of a store, renewing one that is about to expire.

        Raises:
            TokenUnreadable: the stored token does not open.
            TokenRejected: it must be granted anew.
        """
        if store.token_kind == "client_credentials":
            store = self._renewed(store)
        elif store.token_state != "active":
            raise TokenRejected("The shop must grant access anew; connect it again.", shop_domain=store.shop_domain)
        token = self._vault.access_token(store.sealed)
        return ShopAccess(store.id, store.shop_domain, token, store.bucket, frozenset(store.scopes))

    def _renewed(self, store: Store) -> Store:
        """Get a new token where the old one is about to end; while it lives it serves on through trouble at Shopify."""
        is_active, now = store.token_state == "active", self._clock.now()
        if is_active and (store.expires_at is None or store.expires_at - RENEW_BEFORE > now):
            return store
        try:
            return self._renew(store)
        except ShopifyError as error:
            if error.retryable and is_active and store.expires_at is not None and store.expires_at > now:
                return store
            raise

    def _renew(self, store: Store) -> Store:
        secret = self._vault.client_secret(store.sealed)
        assert store.client_id is not None
        assert secret is not None
        credentials = Credentials(client_id=store.client_id, client_secret=secret)
        owner = store.sealed.owner or ""
        return self.connect(owner, store.shop_domain, credentials, actor="renewal")[0]

    def _import_configured(self, user_id: str, shop_domain: str | None = None) -> list[Store]:
        """Connect the shops that the settings name, once, when the default user first asks for a shop."""
        if user_id != self._settings.default_user:
            return []
        tokens = dict(self._settings.shop_tokens)
        if self._settings.shop_domain is not None and self._settings.access_token is not None:
            tokens.setdefault(self._settings.shop_domain, self._settings.access_token)
        wanted = [domain for domain in tokens if shop_domain in (None, domain)]
        return [self.connect(user_id, d, Credentials(access_token=tokens[d]), actor="settings")[0] for d in wanted]

    def token_states(self, user_id: str | None = None) -> list[dict[str, Any]]:
        """Tell how tokens are, never what they are: of one user, or of all."""
        return self._database.run(_token_states, user_id)

    def mark_rejected(self, store: Store, *, actor: str) -> None:
        """Note that Shopify does not accept a store's token any more, unless another one took its place meanwhile."""
        self._database.run(_reject, store, actor)

    def shop_ids(self, user_id: str, shop_domain: str | None = None) -> list[int]:
        """List the ids of a user's shops, or of the one that is named.

        Raises:
            NotFound: the user has no shop of that name.
        """
        found = self._database.run(_list_shop_ids, user_id, shop_domain)
        if shop_domain is not None and not found:
            raise NotFound("The user has no such shop.")
        return found

    def all_shop_ids(self, shop_domain: str | None = None) -> list[int]:
        """List the ids of every shop there is, or of the one that is named, for whoever runs the backend.

        Raises:
            NotFound: there is no shop of that name.
        """
        found = self._database.run(_list_all_shop_ids, shop_domain)
        if shop_domain is not None and not found:
            raise NotFound(f"There is no shop {shop_domain}.")
        return found

    # What Shopify tells by webhook

    def keep_webhook_secret(self, store: Store, secret: Secret) -> None:
        """Keep the secret that a custom app signs its deliveries with, beside the token of that app.

        Raises:
            Conflict: code `client_secret_known`, the connection was made with a client secret, and that is another one.
        """
        if secret in self._settings.verification_secrets or self._vault.client_secret(store.sealed) == secret:
            return
        if store.token_kind != "static":
            text = "The shop was connected with a client secret, which signs its deliveries; leave webhook_secret out."
            raise Conflict(text, code="client_secret_known")
        if not self._database.run(self._vault.keep_client_secret, store.sealed, secret):
            raise Conflict("The shop was connected anew meanwhile; send the request again.")

    def refresh(self, shop_id: int) -> None:
        """Ask Shopify anew what the shop is and which access scopes each of its tokens has."""
        for store in self._database.run(_list_of_shop, shop_id):
            if store.token_state != "active":
                continue
            try:
                shop = self._ask(store.shop_domain, self.access(store).access_token)
            except TokenRejected:
                self.mark_rejected(store, actor="shopify")
            else:
                self._database.run(_keep_facts, store, shop)

    def uninstalled(self, shop_id: int, happened_at: datetime) -> Departure:
        """Find out whether an app really left a shop, and destroy the tokens that went with it.

        The message alone proves nothing, since its headers are not signed and it may come late: a token goes only when Shopify
        refuses it now.
        """
        stores = self._database.run(_list_of_shop, shop_id)
        refused = [store for store in stores if not self._is_accepted(store)]
        for store in refused:
            self._database.run(_end_token, store)
        if refused or not stores:
            return "confirmed"
        installed_at = max(store.connected_at for store in stores if store.connected_at)
        return "late" if installed_at > happened_at else "still_installed"

    def _is_accepted(self, store: Store) -> bool:
        """Ask Shopify with the token; where that has ended by itself and its app may have another, with that one.

        An answer that only denies access to the shop's data is one to a token that Shopify knows.
        """
        try:
            self._ask(store.shop_domain, self._vault.access_token(store.sealed))
        except AccessDenied:
            return True
        except TokenRejected:
            return store.token_kind == "client_credentials" and self._may_have_another(store)
        return True

    def _may_have_another(self, store: Store) -> bool:
        try:
            self._renew(store)
        except TokenRejected:
            return False
        return True

    # Leaving

    def disconnect(self, user_id: str, store: Store, *, purge: bool, actor: str) -> None:
        """End the user's membership; the last member of a token destroys it, the last one of the shop its data when `purge`."""
        self._database.run(_leave, user_id, store.id, purge, actor)


Departure = Literal["confirmed", "still_installed", "late"]
"""What became of a message that the app was uninstalled."""


def _store(row: Record) -> Store:
    return Store(
        id=row["shop_id"],
        shop_domain=row["shop_domain"],
        name=row["name"],
        email=row["email"],
        currency=row["currency"] or "USD",
        timezone=row["iana_timezone"],
        plan=row["plan"],
        country_code=row["country_code"],
        shop_gid=row["shop_gid"],
        token_kind=row["kind"],
        token_state=row["state"],
        scopes=tuple(row["scopes"]),
        connected_at=row["installed_at"],
        expires_at=row["expires_at"],
        app_id=row["app_id"],
        client_id=row["client_id"],
        sealed=SealedToken.of(row),
    )


async def _list_stores(
    conn: Connection, user_id: str, after: int, limit: int, store_id: int | None, domain: str | None
) -> Sequence[Record]:
    return await conn.fetch(queries.list_stores, user_id, after, limit, store_id, domain)


async def _list_shop_ids(conn: Connection, user_id: str, shop_domain: str | None) -> list[int]:
    return [row["shop_id"] for row in await conn.fetch(queries.list_shop_ids, user_id, shop_domain)]


async def _list_all_shop_ids(conn: Connection, shop_domain: str | None) -> list[int]:
    return [row["shop_id"] for row in await conn.fetch(queries.list_all_shop_ids, shop_domain)]


async def _list_of_shop(conn: Connection, shop_id: int) -> list[Store]:
    return [_store(row) for row in await conn.fetch(queries.list_tokens_of_shop, shop_id)]


async def _keep_facts(conn: Connection, store: Store, shop: Shop) -> None:
    facts = (shop.admin_graphql_api_id, shop.name, shop.email, shop.currency, shop.timezone, shop.plan, shop.country_code)
    await conn.execute(queries.keep_facts, store.id, *facts)
    await conn.execute(queries.keep_scopes, store.id, store.sealed.token_id, store.sealed.version, list(shop.scopes))


async def _end_token(conn: Connection, store: Store) -> None:
    """Destroy a token that Shopify refuses; the members that used it are gone with it."""
    await conn.execute(queries.lock_shop, store.id)
    if not await conn.fetchval(queries.end_token, store.id, store.sealed.token_id, store.sealed.version):
        return
    await add_entry(conn, "shop.uninstalled", actor="shopify", subject=store.sealed.owner, shop_id=store.id)
    await conn.execute(queries.mark_left, store.id)


async def _token_states(conn: Connection, user_id: str | None) -> list[dict[str, Any]]:
    return [dict(row.items()) for row in await conn.fetch(queries.token_states, user_id)]


async def _reject(conn: Connection, store: Store, actor: str) -> None:
    sealed = store.sealed
    if await conn.fetchval(queries.reject_token, sealed.shop_id, sealed.token_id, sealed.version):
        await add_entry(conn, "token.rejected", actor=actor, subject=sealed.owner, shop_id=sealed.shop_id)


async def _leave(conn: Connection, user_id: str, shop_id: int, purge: bool, actor: str) -> None:
    # Members who leave at once must see each other go, or nobody is the last.
    await conn.execute(queries.lock_shop, shop_id)
    token_id = await conn.fetchval(queries.leave_shop, shop_id, user_id)
    if token_id is None:
        return
    counts = await conn.fetchrow(queries.count_members, shop_id, token_id)
    assert counts is not None
    if counts["of_token"] == 0:
        await delete_token(conn, shop_id, token_id)
    await add_entry(conn, "shop.disconnect", actor=actor, subject=user_id, shop_id=shop_id, facts={"purge": purge})
    if counts["of_shop"] == 0:
        await conn.execute(queries.delete_shop if purge else queries.mark_uninstalled, shop_id)
