-- name: upsert_shop
-- Which id has this shop? Made on first sight; what Shopify says of it now is kept.
insert into shopify.shops (shop_domain, shop_gid, name, email, currency, iana_timezone, plan, country_code, installed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, now())
on conflict (shop_domain) do update
set shop_gid = excluded.shop_gid,
    name = excluded.name,
    email = excluded.email,
    currency = excluded.currency,
    iana_timezone = excluded.iana_timezone,
    plan = excluded.plan,
    country_code = excluded.country_code,
    installed_at = case
        when shops.uninstalled_at is null then coalesce(shops.installed_at, now()) else now()
    end,
    uninstalled_at = null,
    updated_at = now()
returning shop_id;

-- name: ensure_user
-- Is there such a user? Made with a uuid of its own on first sight.
insert into shopify.users (user_id) values ($1) on conflict (user_id) do nothing;

-- name: join_shop
-- Make the user a member of the shop with this token.
insert into shopify.members (shop_id, user_id, app_id, token_id)
values ($1, $2, $3, $4)
on conflict (shop_id, user_id) do update set app_id = excluded.app_id, token_id = excluded.token_id;

-- name: drop_unused_tokens
-- Which of this user's own tokens for the shop does nobody use any more, since another kind took their place? They go.
delete from shopify.tokens as t
where t.shop_id = $1
    and t.owner_user_id = $2
    and not exists (select 1 from shopify.members as m where m.shop_id = t.shop_id and m.token_id = t.token_id);

-- name: reject_token
-- Does Shopify refuse this very token? Then it must be granted anew; one that was replaced meanwhile is left alone.
update shopify.tokens
set state = 'reauthorization_required', updated_at = now()
where shop_id = $1 and token_id = $2 and row_version = $3 and state = 'active'
returning true;

-- name: list_stores
-- Which shops is this user a member of? By id, after $2, at most $3; $4 or $5 name one.
select s.shop_id, s.shop_domain, s.name, s.email, s.currency, s.iana_timezone, s.plan, s.country_code, s.shop_gid,
    s.installed_at, s.updated_at, m.app_id, m.role, t.token_id, t.kind, t.state, t.scopes, t.expires_at, t.client_id,
    t.owner_user_id, t.row_version, t.access_token_sealed, t.refresh_token_sealed, t.client_secret_sealed
from shopify.members as m
join shopify.shops as s using (shop_id)
join shopify.tokens as t on t.shop_id = m.shop_id and t.token_id = m.token_id
where m.user_id = $1
    and s.shop_id > $2
    and ($4::bigint is null or s.shop_id = $4)
    and ($5::text is null or s.shop_domain = $5)
order by s.shop_id
limit $3;

-- name: lock_shop
-- Keep others from joining and leaving the shop until this unit ends.
select 1 from shopify.shops where shop_id = $1 for update;

-- name: leave_shop
-- End a membership; which token did it use, and who owns that?
delete from shopify.members where shop_id = $1 and user_id = $2 returning token_id;

-- name: count_members
-- How many members use this token, and how many the shop has at all?
select
    (select count(*) from shopify.members where shop_id = $1 and token_id = $2) as of_token,
    (select count(*) from shopify.members where shop_id = $1) as of_shop;

-- name: delete_shop
-- Forget a shop and everything that hangs on it.
delete from shopify.shops where shop_id = $1;

-- name: mark_uninstalled
-- Note that nobody is connected to the shop any more.
update shopify.shops set uninstalled_at = now(), updated_at = now() where shop_id = $1;

-- name: token_states
-- How are this user's tokens? Never their values.
select s.shop_domain, t.kind, t.state, t.expires_at, t.refresh_expires_at, t.scopes, t.updated_at
from shopify.members as m
join shopify.shops as s using (shop_id)
join shopify.tokens as t on t.shop_id = m.shop_id and t.token_id = m.token_id
where $1::text is null or m.user_id = $1
order by s.shop_domain, t.kind
limit 1000;

-- name: list_shop_ids
-- Which shops is this user a member of, or is it this one?
select s.shop_id
from shopify.members as m
join shopify.shops as s using (shop_id)
where m.user_id = $1 and ($2::text is null or s.shop_domain = $2)
order by s.shop_id;

-- name: list_tokens_of_shop
-- Which tokens does a shop have, whoever brought them?
select s.shop_id, s.shop_domain, s.name, s.email, s.currency, s.iana_timezone, s.plan, s.country_code, s.shop_gid,
    s.installed_at, t.app_id, t.token_id, t.kind, t.state, t.scopes, t.expires_at, t.client_id, t.owner_user_id,
    t.row_version, t.access_token_sealed, t.refresh_token_sealed, t.client_secret_sealed
from shopify.shops as s
join shopify.tokens as t using (shop_id)
where s.shop_id = $1
order by t.token_id;

-- name: keep_facts
-- What does Shopify say of the shop now?
update shopify.shops
set shop_gid = $2, name = $3, email = $4, currency = $5, iana_timezone = $6, plan = $7, country_code = $8, updated_at = now()
where shop_id = $1;

-- name: keep_scopes
-- Which access scopes does this very token have now?
update shopify.tokens set scopes = $4, updated_at = now()
where shop_id = $1 and token_id = $2 and row_version = $3 and scopes <> $4;

-- name: end_token
-- Destroy this very token, unless another took its place meanwhile; its members go with it.
delete from shopify.tokens where shop_id = $1 and token_id = $2 and row_version = $3 returning true;

-- name: mark_left
-- Note that nobody is connected to the shop any more, where that is so.
update shopify.shops as s
set uninstalled_at = now(), updated_at = now()
where s.shop_id = $1 and not exists (select 1 from shopify.members as m where m.shop_id = s.shop_id);

-- name: list_all_shop_ids
-- Which shops are there at all, or is there this one?
select shop_id from shopify.shops where $1::text is null or shop_domain = $1 order by shop_id;
