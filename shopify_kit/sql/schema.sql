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

-- Work waits in lanes: (shop, lane) in the order of job_id. Only what waits is here; what is done is deleted. A job with a `turn`
-- stands at the door and may be claimed in that order; one without is behind another of its lane, asleep until `wake_at`, or being
-- worked on.
create table shopify.jobs (
    shop_id bigint not null,
    lane text not null,
    job_id bigint generated always as identity,
    kind text not null,
    reference bigint,
    payload jsonb not null default '{}',
    priority smallint not null default 2 check (priority between 0 and 2),
    attempts smallint not null default 0,
    turn bigint,
    wake_at timestamptz,
    last_error text,
    created_at timestamptz not null default pg_catalog.now(),
    primary key (shop_id, lane, job_id)
) with (fillfactor = 70);

create sequence shopify.job_turns cache 1;
create index jobs_at_the_door on shopify.jobs (priority, turn) where turn is not null;
create index jobs_asleep on shopify.jobs (wake_at) where wake_at is not null;

-- Who works on a lane: the fence grows with every claim, and work is only stored by whoever still holds it. Worth nothing after a crash.
create unlogged table shopify.leases (
    shop_id bigint not null,
    lane text not null,
    fence bigint not null,
    worker text not null,
    until timestamptz not null,
    primary key (shop_id, lane)
) with (fillfactor = 50);

create sequence shopify.job_fences cache 1;
create index leases_by_end on shopify.leases (until);

-- Jobs that will not be tried again.
create table shopify.dead_jobs (
    shop_id bigint not null,
    job_id bigint not null,
    lane text not null,
    kind text not null,
    reference bigint,
    payload jsonb not null default '{}',
    attempts smallint not null,
    reason text not null,
    last_error text,
    died_at timestamptz not null default pg_catalog.now(),
    primary key (shop_id, job_id)
);

create index dead_jobs_by_time on shopify.dead_jobs (died_at);

-- Which run of a schedule has been given out: once across all workers.
create table shopify.cron_slots (
    name text not null,
    slot timestamptz not null,
    primary key (name, slot)
);

-- Deliveries as they came, never changed: the body sealed, the headers that matter beside it. Shop 0: no shop we know.
create table shopify.inbox (
    shop_id bigint not null,
    delivery_id bigint generated always as identity,
    app text not null,
    webhook_id text not null,
    event_id text,
    topic text not null,
    path_topic text,
    shop_domain text not null,
    api_version text,
    subscription_name text,
    triggered_at text,
    received_at timestamptz not null default pg_catalog.now(),
    body_hash bytea not null,
    body_sealed bytea not null,
    lane text not null,
    primary key (shop_id, delivery_id)
);

create unique index inbox_once on shopify.inbox (shop_id, app, webhook_id, shop_domain);
create index inbox_by_body on shopify.inbox (body_hash, shop_id, received_at);
create index inbox_by_time on shopify.inbox using brin (received_at);

-- What became of a delivery; none yet means that it waits.
create table shopify.inbox_outcomes (
    shop_id bigint not null,
    delivery_id bigint not null,
    status text not null check (status in ('processed', 'superseded', 'unhandled', 'duplicate', 'quarantined', 'dead')),
    attempts smallint not null default 1,
    reason text,
    last_error text,
    resource text,
    version text,
    finished_at timestamptz not null default pg_catalog.now(),
    primary key (shop_id, delivery_id)
);

create index inbox_outcomes_open on shopify.inbox_outcomes (shop_id, status, finished_at) where status in ('dead', 'quarantined');

-- The newest version of a resource that was applied for a topic: an older payload never overwrites a newer one. Under the empty topic
-- stands whether the resource is gone, so that nothing is resurrected.
create table shopify.resource_versions (
    shop_id bigint not null,
    resource text not null,
    topic text not null,
    version text not null,
    deleted boolean not null default false,
    delivery_id bigint,
    applied_at timestamptz not null default pg_catalog.now(),
    primary key (shop_id, resource, topic)
) with (fillfactor = 80);

-- What webhooks a shop is to have, so that lost subscriptions are noticed and restored.
create table shopify.webhook_setups (
    shop_id bigint primary key references shopify.shops (shop_id) on delete cascade,
    user_id text not null,
    address text not null,
    topics text[] not null,
    options jsonb not null default '{}',
    checked_at timestamptz,
    updated_at timestamptz not null default pg_catalog.now()
);

-- What we hold of a customer, put together at the customer's request; sealed, handed out by the host.
create table shopify.data_exports (
    shop_id bigint not null,
    export_id bigint generated always as identity,
    customer_id text not null,
    document_sealed bytea not null,
    created_at timestamptz not null default pg_catalog.now(),
    primary key (shop_id, export_id)
);

create table shopify.bulk_operations (
    shop_id bigint not null references shopify.shops (shop_id) on delete cascade,
    operation_id uuid not null,
    kind text not null check (kind in ('query', 'mutation')),
    purpose text not null,
    status text not null check (status in
        ('pending', 'submitting', 'created', 'running', 'canceling', 'completed', 'canceled', 'failed', 'expired')),
    user_id text not null,
    bucket text not null,
    document text not null,
    group_objects boolean not null default false,
    facts jsonb not null default '{}',
    upload_path text,
    parts smallint not null default 1,
    gid text,
    tries smallint not null default 0,
    is_probed boolean not null default false,
    cancel_requested boolean not null default false,
    dropped_fields text[] not null default '{}',
    object_count bigint not null default 0,
    root_object_count bigint not null default 0,
    expected_objects bigint,
    file_size bigint,
    url text,
    partial_data_url text,
    error_code text,
    error_message text,
    created_at timestamptz not null default pg_catalog.now(),
    submitted_at timestamptz,
    canceling_at timestamptz,
    rung_at timestamptz,
    seen_at timestamptz,
    completed_at timestamptz,
    primary key (shop_id, operation_id)
);

create unique index bulk_operations_by_gid on shopify.bulk_operations (shop_id, gid) where gid is not null;
create index bulk_operations_by_time on shopify.bulk_operations (shop_id, created_at desc, operation_id desc);
create index bulk_operations_open on shopify.bulk_operations (shop_id, bucket, kind, created_at)
    where status in ('pending', 'submitting', 'created', 'running', 'canceling');
create index bulk_operations_done on shopify.bulk_operations (completed_at) where completed_at is not null;
create index bulk_operations_parts on shopify.bulk_operations (shop_id, (facts ->> 'part_of')) where facts ? 'part_of';
create index bulk_operations_alike on shopify.bulk_operations (shop_id, (facts ->> 'fingerprint'), created_at)
    where facts ? 'fingerprint';

-- What a bulk mutation will upload, in compressed pieces, until it is done.
create table shopify.bulk_lines (
    shop_id bigint not null,
    operation_id uuid not null,
    number integer not null,
    line_count integer not null,
    size_bytes integer not null,
    data bytea not null,
    is_ready boolean not null,
    primary key (shop_id, operation_id, number),
    foreign key (shop_id, operation_id) references shopify.bulk_operations (shop_id, operation_id) on delete cascade
);

-- Lines of a bulk mutation that were not sent, and why; `line` counts from 0 within the operation.
create table shopify.bulk_refusals (
    shop_id bigint not null,
    operation_id uuid not null,
    line integer not null,
    field text[] not null,
    message text not null,
    code text,
    primary key (shop_id, operation_id, line),
    foreign key (shop_id, operation_id) references shopify.bulk_operations (shop_id, operation_id) on delete cascade
);
