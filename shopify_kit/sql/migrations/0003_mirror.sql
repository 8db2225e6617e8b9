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
