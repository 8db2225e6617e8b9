-- Durable work in lanes, and the inbox of webhook deliveries.

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

-- Sealed bodies do not compress; to try costs a tenth of the insert.
alter table shopify.inbox alter column body_sealed set storage external;

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
