-- name: lock_token
-- Is there a token of this kind already for this shop, app and owner? Locked until it is replaced.
select token_id, row_version
from shopify.tokens
where shop_id = $1 and app_id = $2 and kind = $3 and owner_user_id is not distinct from $4
for update;

-- name: next_token_id
-- Which id will the next token have?
select pg_catalog.nextval(pg_catalog.pg_get_serial_sequence('shopify.tokens', 'token_id'));

-- name: insert_token
-- Keep a new token under the id it was given before.
insert into shopify.tokens
    (shop_id, token_id, app_id, owner_user_id, kind, access_token_sealed, refresh_token_sealed, client_id,
     client_secret_sealed, key_id, row_version, scopes, expires_at, refresh_expires_at, state)
overriding system value
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'active');

-- name: replace_token
-- Put a newer token in the place of an older one; the row's version, which the seal is bound to, moves on.
update shopify.tokens
set access_token_sealed = $3,
    refresh_token_sealed = $4,
    client_id = $5,
    client_secret_sealed = $6,
    key_id = $7,
    row_version = $8,
    scopes = $9,
    expires_at = $10,
    refresh_expires_at = $11,
    state = 'active',
    updated_at = now()
where shop_id = $1 and token_id = $2;

-- name: keep_client_secret
-- Put a custom app's secret beside its token, in a new version of the row, unless the row moved on meanwhile.
update shopify.tokens
set access_token_sealed = $4,
    refresh_token_sealed = $5,
    client_secret_sealed = $6,
    key_id = $7,
    row_version = $3 + 1,
    updated_at = now()
where shop_id = $1 and token_id = $2 and row_version = $3
returning true;

-- name: list_sealed_with_other_keys
-- Which tokens are not sealed with this key yet? In order, so that a sweep can go on after a stop.
select t.shop_id, s.shop_domain, t.token_id, t.owner_user_id, t.row_version, t.access_token_sealed, t.refresh_token_sealed,
    t.client_secret_sealed
from shopify.tokens as t
join shopify.shops as s using (shop_id)
where t.key_id <> $1 and (t.shop_id, t.token_id) > ($2, $3)
order by t.shop_id, t.token_id
limit $4;

-- name: reseal_token
-- Put the same secrets, sealed anew, in the place of the old seals, unless the row moved on meanwhile.
update shopify.tokens
set access_token_sealed = $4, refresh_token_sealed = $5, client_secret_sealed = $6, key_id = $7
where shop_id = $1 and token_id = $2 and row_version = $3;

-- name: count_by_key
-- How many tokens are sealed with each key?
select key_id, count(*) as tokens from shopify.tokens group by key_id order by key_id;

-- name: mark_token
-- Note that a token must be granted anew, or serves no more.
update shopify.tokens set state = $3, updated_at = now() where shop_id = $1 and token_id = $2 and state <> $3;

-- name: delete_token
-- Destroy a token.
delete from shopify.tokens where shop_id = $1 and token_id = $2;

-- name: list_client_secrets
-- Which custom apps' secrets may sign deliveries, and for which shop?
select t.shop_id, s.shop_domain, t.token_id, t.owner_user_id, t.row_version, t.access_token_sealed, t.refresh_token_sealed,
    t.client_secret_sealed
from shopify.tokens as t
join shopify.shops as s using (shop_id)
where t.client_secret_sealed is not null;
