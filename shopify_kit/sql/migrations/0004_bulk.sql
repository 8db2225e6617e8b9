-- Bulk operations: rows before Shopify hears of them.

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
