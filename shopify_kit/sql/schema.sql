-- What the migrations add up to, for reading; a test compares it with them. It is never applied: change it together with a new
-- migration. Shop-scoped tables lead with shop_id; shop 0 stands for "no shop known" and has no row in shops.

create schema shopify;

create table shopify.migrations (
    number integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default pg_catalog.now()
);

create table shopify.shops (
    shop_id bigint generated always as identity primary key,
    shop_domain text not null unique check (shop_domain = pg_catalog.lower(shop_domain)),
    shop_gid text,
    name text,
    email text,
    currency text,
    iana_timezone text,
    plan text,
    country_code text,
    installed_at timestamptz,
    uninstalled_at timestamptz,
    created_at timestamptz not null default pg_catalog.now(),
    updated_at timestamptz not null default pg_catalog.now()
);

create table shopify.users (
    user_id text primary key,
    user_uuid uuid not null unique default pg_catalog.gen_random_uuid(),
    created_at timestamptz not null default pg_catalog.now()
);

create table shopify.apps (
    app_id bigint generated always as identity primary key,
    client_id text unique,
    name text not null,
    origin text not null check (origin in ('settings', 'registry', 'connect')),
    client_secret_sealed bytea,
    key_id text,
    row_version integer not null default 1,
    created_at timestamptz not null default pg_catalog.now(),
    updated_at timestamptz not null default pg_catalog.now()
);

-- App 1 stands for shops that were connected by a bare static token, whose app nobody told us.
insert into shopify.apps (name, origin) values ('static token', 'settings');

create table shopify.tokens (
    shop_id bigint not null references shopify.shops (shop_id) on delete cascade,
    token_id bigint generated always as identity,
    app_id bigint not null references shopify.apps (app_id),
    owner_user_id text references shopify.users (user_id),
    kind text not null check (kind in ('static', 'offline', 'online', 'client_credentials')),
    access_token_sealed bytea not null,
    refresh_token_sealed bytea,
    client_id text,
    client_secret_sealed bytea,
    key_id text not null,
    row_version integer not null default 1,
    scopes text[] not null default '{}',
    expires_at timestamptz,
    refresh_expires_at timestamptz,
    state text not null default 'active' check (state in ('active', 'reauthorization_required', 'revoked')),
    created_at timestamptz not null default pg_catalog.now(),
    updated_at timestamptz not null default pg_catalog.now(),
    primary key (shop_id, token_id)
);

create unique index tokens_one_static on shopify.tokens (shop_id, app_id, owner_user_id) nulls not distinct
    where kind = 'static';
create unique index tokens_one_offline on shopify.tokens (shop_id, app_id) where kind = 'offline';
create unique index tokens_one_client_credentials on shopify.tokens (shop_id, app_id, owner_user_id) nulls not distinct
    where kind = 'client_credentials';
create index tokens_by_expiry on shopify.tokens (expires_at) where state = 'active' and expires_at is not null;
create index tokens_by_key on shopify.tokens (key_id, shop_id, token_id);

create table shopify.members (
    shop_id bigint not null references shopify.shops (shop_id) on delete cascade,
    user_id text not null references shopify.users (user_id),
    app_id bigint not null references shopify.apps (app_id),
    token_id bigint not null,
    role text not null default 'member',
    created_at timestamptz not null default pg_catalog.now(),
    primary key (shop_id, user_id),
    foreign key (shop_id, token_id) references shopify.tokens (shop_id, token_id) on delete cascade
);

create index members_by_user on shopify.members (user_id, shop_id);
create index members_by_token on shopify.members (shop_id, token_id);

-- A budget is worth nothing after a crash, so it needs no write-ahead log; `bucket` names the app (client id) or a lone token.
create unlogged table shopify.cost_buckets (
    shop_id bigint not null,
    bucket text not null,
    available_points double precision not null,
    maximum_points double precision not null,
    restore_rate double precision not null,
    measured_at timestamptz not null,
    in_flight integer not null default 0,
    taken_at timestamptz not null,
    interactive_until timestamptz,
    primary key (shop_id, bucket)
) with (fillfactor = 50);

create table shopify.idempotency_keys (
    scope text not null,
    key text not null,
    request_hash bytea not null,
    status integer,
    body bytea,
    created_at timestamptz not null default pg_catalog.now(),
    expires_at timestamptz not null,
    primary key (scope, key)
);

create index idempotency_keys_by_expiry on shopify.idempotency_keys (expires_at);

create table shopify.audit_log (
    shop_id bigint not null default 0,
    audit_id bigint generated always as identity,
    at timestamptz not null default pg_catalog.now(),
    actor text not null,
    subject text,
    action text not null,
    facts jsonb not null default '{}',
    primary key (shop_id, audit_id)
);

create index audit_log_by_time on shopify.audit_log (shop_id, at);
