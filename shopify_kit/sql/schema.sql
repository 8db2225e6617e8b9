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

-- The mirror: a shop's data as Shopify last showed it, one table per resource, and what a load needs on its way into it.
--
-- Every row keeps the guard of what it says: `updated_at` is Shopify's (a child without one has its parent's), `seen_at` when Shopify
-- was asked. Nothing older is written over something newer, and nothing that was deleted after the question comes back. `digest` tells
-- whether the object changed at all. A deleted row stays, with `deleted_at`.

-- Objects as they came, beside the typed rows that `raw_id` leads here from: written once, before the load they come with counts, and
-- nobody's until a typed row says so. Text, because jsonb refuses what JSON and Shopify allow (a zero character, half a surrogate pair)
-- and costs a second to parse per 100 MB; `raw::json` reads it. Stored as it is, inline where it fits into a page: compressing it (pglz)
-- costs more than everything else in a load together.
create table shopify.raw_objects (
    shop_id bigint not null,
    raw_id bigint not null,
    raw text not null,
    primary key (shop_id, raw_id)
) with (toast_tuple_target = 8160);

alter table shopify.raw_objects alter column raw set storage external;

-- Numbers of single objects that are applied outside a load.
create sequence shopify.mirror_applications cache 1;

create table shopify.shop_profiles (
    shop_id bigint primary key,
    name text not null,
    email text,
    shop_domain text,
    primary_domain text,
    currency text not null,
    presentment_currencies text[],
    iana_timezone text not null,
    country_code text,
    province_code text,
    plan text,
    weight_unit text,
    taxes_included boolean,
    created_at timestamptz,
    raw_id bigint,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null
);

create table shopify.products (
    shop_id bigint not null,
    product_id bigint not null,
    title text not null,
    handle text,
    vendor text,
    product_type text,
    category text,
    status text,
    tags text[],
    is_gift_card boolean,
    tracks_inventory boolean,
    total_inventory integer,
    variants_count integer,
    min_price numeric,
    max_price numeric,
    currency text,
    created_at timestamptz,
    published_at timestamptz,
    raw_id bigint,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, product_id)
) with (fillfactor = 90);

create table shopify.variants (
    shop_id bigint not null,
    variant_id bigint not null,
    product_id bigint not null,
    inventory_item_id bigint,
    title text,
    sku text,
    barcode text,
    position integer,
    price numeric,
    compare_at_price numeric,
    inventory_policy text,
    inventory_quantity integer,
    is_available_for_sale boolean,
    is_taxable boolean,
    options text[],
    created_at timestamptz,
    raw_id bigint,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, variant_id)
) with (fillfactor = 90);

create index variants_by_product on shopify.variants (shop_id, product_id);
create index variants_by_item on shopify.variants (shop_id, inventory_item_id);
create index variants_by_sku on shopify.variants (shop_id, sku);

-- Of products, variants, customers, collections; the value is what there is of it.
create table shopify.metafields (
    shop_id bigint not null,
    metafield_id bigint not null,
    owner_type text not null,
    owner_id bigint not null,
    namespace text not null,
    key text not null,
    type text,
    value text,
    created_at timestamptz,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, metafield_id)
) with (fillfactor = 90);

create index metafields_by_owner on shopify.metafields (shop_id, owner_type, owner_id);

create table shopify.locations (
    shop_id bigint not null,
    location_id bigint not null,
    name text,
    is_active boolean,
    is_fulfillment_service boolean,
    city text,
    province_code text,
    country_code text,
    created_at timestamptz,
    raw_id bigint,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, location_id)
);

create table shopify.inventory_items (
    shop_id bigint not null,
    inventory_item_id bigint not null,
    sku text,
    is_tracked boolean,
    requires_shipping boolean,
    unit_cost numeric,
    cost_currency text,
    weight numeric,
    weight_unit text,
    country_code_of_origin text,
    harmonized_system_code text,
    locations_count integer,
    created_at timestamptz,
    raw_id bigint,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, inventory_item_id)
) with (fillfactor = 90);

create table shopify.inventory_levels (
    shop_id bigint not null,
    inventory_item_id bigint not null,
    location_id bigint not null,
    level_id bigint,
    available integer,
    on_hand integer,
    committed integer,
    incoming integer,
    reserved integer,
    damaged integer,
    quality_control integer,
    safety_stock integer,
    created_at timestamptz,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, inventory_item_id, location_id)
) with (fillfactor = 80);

create index inventory_levels_by_location on shopify.inventory_levels (shop_id, location_id);

create table shopify.orders (
    shop_id bigint not null,
    order_id bigint not null,
    name text,
    customer_id bigint,
    email text,
    processed_at timestamptz not null,
    created_at timestamptz,
    cancelled_at timestamptz,
    cancel_reason text,
    is_test boolean not null,
    source_name text,
    app_name text,
    financial_status text,
    fulfillment_status text,
    return_status text,
    country_code text,
    province_code text,
    tags text[],
    discount_codes text[],
    line_quantity integer,
    currency text not null,
    subtotal_price numeric,
    total_discounts numeric,
    total_shipping numeric,
    total_tax numeric,
    total_price numeric,
    total_refunded numeric,
    total_duties numeric,
    total_fees numeric,
    total_tip numeric,
    current_total_price numeric,
    gateways text[],
    total_received numeric,
    total_outstanding numeric,
    refunded_shipping numeric,
    presentment_currency text,
    presentment_subtotal_price numeric,
    presentment_total_discounts numeric,
    presentment_total_shipping numeric,
    presentment_total_tax numeric,
    presentment_total_price numeric,
    presentment_total_refunded numeric,
    raw_id bigint,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, order_id)
) with (fillfactor = 90);

create index orders_by_time on shopify.orders (shop_id, processed_at);
create index orders_by_customer on shopify.orders (shop_id, customer_id, processed_at);

-- A line, a fulfillment, a refund lies with its order: that is how all of them are looked for.
create table shopify.line_items (
    shop_id bigint not null,
    order_id bigint not null,
    line_item_id bigint not null,
    product_id bigint,
    variant_id bigint,
    title text,
    variant_title text,
    sku text,
    vendor text,
    quantity integer not null,
    current_quantity integer,
    is_gift_card boolean,
    unit_price numeric,
    allocated_discount numeric,
    presentment_unit_price numeric,
    presentment_allocated_discount numeric,
    raw_id bigint,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, order_id, line_item_id)
);

create table shopify.fulfillments (
    shop_id bigint not null,
    order_id bigint not null,
    fulfillment_id bigint not null,
    location_id bigint,
    name text,
    status text,
    display_status text,
    total_quantity integer,
    created_at timestamptz,
    delivered_at timestamptz,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, order_id, fulfillment_id)
);

-- `lines_seen_at` is null while nobody has fetched the refund's lines: a bulk operation cannot export them.
create table shopify.refunds (
    shop_id bigint not null,
    order_id bigint not null,
    refund_id bigint not null,
    note text,
    currency text,
    total_refunded numeric,
    presentment_currency text,
    presentment_total_refunded numeric,
    created_at timestamptz,
    processed_at timestamptz not null,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    lines_seen_at timestamptz,
    shipping numeric,
    shipping_tax numeric,
    adjustment numeric,
    adjustment_tax numeric,
    primary key (shop_id, order_id, refund_id)
);

create index refunds_by_time on shopify.refunds (shop_id, processed_at);
create index refunds_without_lines on shopify.refunds (shop_id, order_id) where lines_seen_at is null and deleted_at is null;

create table shopify.refund_lines (
    shop_id bigint not null,
    order_id bigint not null,
    refund_id bigint not null,
    refund_line_id bigint not null,
    line_item_id bigint,
    location_id bigint,
    quantity integer not null,
    restock_type text,
    subtotal numeric,
    tax numeric,
    presentment_subtotal numeric,
    processed_at timestamptz not null,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, order_id, refund_id, refund_line_id)
);

create index refund_lines_by_time on shopify.refund_lines (shop_id, processed_at);

create table shopify.customers (
    shop_id bigint not null,
    customer_id bigint not null,
    email text,
    phone text,
    first_name text,
    last_name text,
    display_name text,
    state text,
    locale text,
    tags text[],
    is_verified boolean,
    is_tax_exempt boolean,
    orders_count bigint,
    amount_spent numeric,
    currency text,
    last_order_id bigint,
    country_code text,
    province_code text,
    email_marketing_state text,
    sms_marketing_state text,
    rfm_group text,
    predicted_spend_tier text,
    created_at timestamptz,
    raw_id bigint,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, customer_id)
) with (fillfactor = 90);

create index customers_by_email on shopify.customers (shop_id, email);

create table shopify.collections (
    shop_id bigint not null,
    collection_id bigint not null,
    title text,
    handle text,
    sort_order text,
    products_count integer,
    raw_id bigint,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, collection_id)
);

create table shopify.collection_products (
    shop_id bigint not null,
    collection_id bigint not null,
    product_id bigint not null,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, collection_id, product_id)
);

create index collection_products_by_product on shopify.collection_products (shop_id, product_id);

-- Code discounts and automatic ones are numbered apart.
create table shopify.discounts (
    shop_id bigint not null,
    method text not null check (method in ('code', 'automatic')),
    discount_id bigint not null,
    kind text,
    title text,
    status text,
    summary text,
    starts_at timestamptz,
    ends_at timestamptz,
    percentage numeric,
    amount numeric,
    currency text,
    usage_count integer,
    usage_limit integer,
    codes_count integer,
    is_once_per_customer boolean,
    classes text[],
    created_at timestamptz,
    raw_id bigint,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, method, discount_id)
);

create index discounts_by_time on shopify.discounts (shop_id, starts_at);

create table shopify.discount_codes (
    shop_id bigint not null,
    discount_id bigint not null,
    code_id bigint not null,
    code text not null,
    usage_count integer,
    digest bigint not null,
    updated_at timestamptz not null,
    seen_at timestamptz not null,
    deleted_at timestamptz,
    primary key (shop_id, discount_id, code_id)
);

create index discount_codes_by_code on shopify.discount_codes (shop_id, pg_catalog.lower(code));

-- Hours in which something was sold or returned that has changed since it was last added up.
create table shopify.dirty_hours (
    shop_id bigint not null,
    hour timestamptz not null,
    marked_at timestamptz not null default pg_catalog.now(),
    primary key (shop_id, hour)
);

-- Up to when the mirror of a resource is known to be complete.
create table shopify.watermarks (
    shop_id bigint not null,
    resource text not null,
    watermark timestamptz not null,
    run text,
    written_at timestamptz not null default pg_catalog.now(),
    primary key (shop_id, resource)
);

-- What was deleted, also where the mirror never had it: a result that is older must not bring it.
create table shopify.tombstones (
    shop_id bigint not null,
    kind text not null,
    object_id bigint not null,
    deleted_at timestamptz not null,
    primary key (shop_id, kind, object_id)
);

create index tombstones_by_time on shopify.tombstones (deleted_at);

-- Objects of which Shopify counts more children than it showed: to be fetched page by page.
create table shopify.mirror_gaps (
    shop_id bigint not null,
    resource text not null,
    object_id bigint not null,
    expected bigint not null,
    found bigint not null,
    noticed_at timestamptz not null default pg_catalog.now(),
    primary key (shop_id, resource, object_id)
);

-- One row per result that was or is being read into the mirror. The epoch grows with every worker that takes it on: only the latest one
-- may go on. The generation grows with every new beginning, whose raw objects are numbered anew.
create table shopify.loads (
    shop_id bigint not null,
    load_id bigint generated always as identity,
    run text not null,
    resource text not null,
    as_of timestamptz not null,
    epoch integer not null default 1,
    generation integer not null default 0,
    is_merging boolean not null default false,
    state text not null default 'open' check (state in ('open', 'done')),
    result jsonb,
    started_at timestamptz not null default pg_catalog.now(),
    finished_at timestamptz,
    primary key (shop_id, load_id)
);

create unique index loads_once on shopify.loads (shop_id, run, resource);
create index loads_open on shopify.loads (load_id) where state = 'open';

-- Where results wait until all of them is there and counted. Unlogged: after a crash of the server all of it is empty together, rows and
-- the account of them alike, and a load begins anew.
create unlogged table shopify.staged_chunks (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    end_bytes bigint not null,
    objects bigint not null,
    roots bigint not null,
    raw_objects bigint not null,
    rows jsonb not null,
    strays jsonb not null,
    skipped jsonb not null,
    primary key (shop_id, load_id, chunk)
);

-- Which steps of a merge are done: a table, from which chunk on.
create unlogged table shopify.staged_merges (
    shop_id bigint not null,
    load_id bigint not null,
    step text not null,
    first_chunk integer not null,
    added bigint not null,
    changed bigint not null,
    primary key (shop_id, load_id, step, first_chunk)
);

create unlogged table shopify.staged_products (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    product_id bigint,
    title text,
    handle text,
    vendor text,
    product_type text,
    category text,
    status text,
    tags text[],
    is_gift_card boolean,
    tracks_inventory boolean,
    total_inventory integer,
    variants_count integer,
    min_price numeric,
    max_price numeric,
    currency text,
    created_at timestamptz,
    published_at timestamptz,
    raw_id bigint,
    digest bigint,
    updated_at timestamptz
);

create index staged_products_by_chunk on shopify.staged_products (load_id, chunk);

create unlogged table shopify.staged_variants (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    variant_id bigint,
    product_id bigint,
    inventory_item_id bigint,
    title text,
    sku text,
    barcode text,
    position integer,
    price numeric,
    compare_at_price numeric,
    inventory_policy text,
    inventory_quantity integer,
    is_available_for_sale boolean,
    is_taxable boolean,
    options text[],
    created_at timestamptz,
    raw_id bigint,
    digest bigint,
    updated_at timestamptz
);

create index staged_variants_by_chunk on shopify.staged_variants (load_id, chunk);

create unlogged table shopify.staged_metafields (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    metafield_id bigint,
    owner_type text,
    owner_id bigint,
    namespace text,
    key text,
    type text,
    value text,
    created_at timestamptz,
    digest bigint,
    updated_at timestamptz
);

create index staged_metafields_by_chunk on shopify.staged_metafields (load_id, chunk);

create unlogged table shopify.staged_locations (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    location_id bigint,
    name text,
    is_active boolean,
    is_fulfillment_service boolean,
    city text,
    province_code text,
    country_code text,
    created_at timestamptz,
    raw_id bigint,
    digest bigint,
    updated_at timestamptz
);

create index staged_locations_by_chunk on shopify.staged_locations (load_id, chunk);

create unlogged table shopify.staged_inventory_items (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    inventory_item_id bigint,
    sku text,
    is_tracked boolean,
    requires_shipping boolean,
    unit_cost numeric,
    cost_currency text,
    weight numeric,
    weight_unit text,
    country_code_of_origin text,
    harmonized_system_code text,
    locations_count integer,
    created_at timestamptz,
    raw_id bigint,
    digest bigint,
    updated_at timestamptz
);

create index staged_inventory_items_by_chunk on shopify.staged_inventory_items (load_id, chunk);

create unlogged table shopify.staged_inventory_levels (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    inventory_item_id bigint,
    location_id bigint,
    level_id bigint,
    available integer,
    on_hand integer,
    committed integer,
    incoming integer,
    reserved integer,
    damaged integer,
    quality_control integer,
    safety_stock integer,
    created_at timestamptz,
    digest bigint,
    updated_at timestamptz
);

create index staged_inventory_levels_by_chunk on shopify.staged_inventory_levels (load_id, chunk);

create unlogged table shopify.staged_orders (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    order_id bigint,
    name text,
    customer_id bigint,
    email text,
    processed_at timestamptz,
    created_at timestamptz,
    cancelled_at timestamptz,
    cancel_reason text,
    is_test boolean,
    source_name text,
    app_name text,
    financial_status text,
    fulfillment_status text,
    return_status text,
    country_code text,
    province_code text,
    tags text[],
    discount_codes text[],
    line_quantity integer,
    currency text,
    subtotal_price numeric,
    total_discounts numeric,
    total_shipping numeric,
    total_tax numeric,
    total_price numeric,
    total_refunded numeric,
    total_duties numeric,
    total_fees numeric,
    total_tip numeric,
    current_total_price numeric,
    gateways text[],
    total_received numeric,
    total_outstanding numeric,
    refunded_shipping numeric,
    presentment_currency text,
    presentment_subtotal_price numeric,
    presentment_total_discounts numeric,
    presentment_total_shipping numeric,
    presentment_total_tax numeric,
    presentment_total_price numeric,
    presentment_total_refunded numeric,
    raw_id bigint,
    digest bigint,
    updated_at timestamptz
);

create index staged_orders_by_chunk on shopify.staged_orders (load_id, chunk);

create unlogged table shopify.staged_line_items (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    order_id bigint,
    line_item_id bigint,
    product_id bigint,
    variant_id bigint,
    title text,
    variant_title text,
    sku text,
    vendor text,
    quantity integer,
    current_quantity integer,
    is_gift_card boolean,
    unit_price numeric,
    allocated_discount numeric,
    presentment_unit_price numeric,
    presentment_allocated_discount numeric,
    raw_id bigint,
    digest bigint,
    updated_at timestamptz
);

create index staged_line_items_by_chunk on shopify.staged_line_items (load_id, chunk);

create unlogged table shopify.staged_fulfillments (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    order_id bigint,
    fulfillment_id bigint,
    location_id bigint,
    name text,
    status text,
    display_status text,
    total_quantity integer,
    created_at timestamptz,
    delivered_at timestamptz,
    digest bigint,
    updated_at timestamptz
);

create index staged_fulfillments_by_chunk on shopify.staged_fulfillments (load_id, chunk);

create unlogged table shopify.staged_refunds (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    order_id bigint,
    refund_id bigint,
    note text,
    currency text,
    total_refunded numeric,
    presentment_currency text,
    presentment_total_refunded numeric,
    created_at timestamptz,
    processed_at timestamptz,
    lines_seen_at timestamptz,
    shipping numeric,
    shipping_tax numeric,
    adjustment numeric,
    adjustment_tax numeric,
    digest bigint,
    updated_at timestamptz
);

create index staged_refunds_by_chunk on shopify.staged_refunds (load_id, chunk);

create unlogged table shopify.staged_refund_lines (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    order_id bigint,
    refund_id bigint,
    refund_line_id bigint,
    line_item_id bigint,
    location_id bigint,
    quantity integer,
    restock_type text,
    subtotal numeric,
    tax numeric,
    presentment_subtotal numeric,
    processed_at timestamptz,
    digest bigint,
    updated_at timestamptz
);

create index staged_refund_lines_by_chunk on shopify.staged_refund_lines (load_id, chunk);

create unlogged table shopify.staged_customers (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    customer_id bigint,
    email text,
    phone text,
    first_name text,
    last_name text,
    display_name text,
    state text,
    locale text,
    tags text[],
    is_verified boolean,
    is_tax_exempt boolean,
    orders_count bigint,
    amount_spent numeric,
    currency text,
    last_order_id bigint,
    country_code text,
    province_code text,
    email_marketing_state text,
    sms_marketing_state text,
    rfm_group text,
    predicted_spend_tier text,
    created_at timestamptz,
    raw_id bigint,
    digest bigint,
    updated_at timestamptz
);

create index staged_customers_by_chunk on shopify.staged_customers (load_id, chunk);

create unlogged table shopify.staged_collections (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    collection_id bigint,
    title text,
    handle text,
    sort_order text,
    products_count integer,
    raw_id bigint,
    digest bigint,
    updated_at timestamptz
);

create index staged_collections_by_chunk on shopify.staged_collections (load_id, chunk);

create unlogged table shopify.staged_collection_products (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    collection_id bigint,
    product_id bigint,
    digest bigint,
    updated_at timestamptz
);

create index staged_collection_products_by_chunk on shopify.staged_collection_products (load_id, chunk);

create unlogged table shopify.staged_discounts (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    method text,
    discount_id bigint,
    kind text,
    title text,
    status text,
    summary text,
    starts_at timestamptz,
    ends_at timestamptz,
    percentage numeric,
    amount numeric,
    currency text,
    usage_count integer,
    usage_limit integer,
    codes_count integer,
    is_once_per_customer boolean,
    classes text[],
    created_at timestamptz,
    raw_id bigint,
    digest bigint,
    updated_at timestamptz
);

create index staged_discounts_by_chunk on shopify.staged_discounts (load_id, chunk);

create unlogged table shopify.staged_discount_codes (
    shop_id bigint not null,
    load_id bigint not null,
    chunk integer not null,
    discount_id bigint,
    code_id bigint,
    code text,
    usage_count integer,
    digest bigint,
    updated_at timestamptz
);

create index staged_discount_codes_by_chunk on shopify.staged_discount_codes (load_id, chunk);

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
create index bulk_operations_of_callers on shopify.bulk_operations (shop_id, created_at desc, operation_id desc)
    where purpose <> 'sync' and not facts ? 'part_of';
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
