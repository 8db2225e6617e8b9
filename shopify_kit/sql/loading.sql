-- A result on its way into the mirror: its load, its chunks in staging, what is found out about all of it before it is merged, its end.

-- name: open_load
-- Which load is this? A run loads a resource once; asked again it goes on, or says what came of it. Whoever asks has it now.
insert into shopify.loads (shop_id, run, resource, as_of)
values ($1, $2, $3, $4)
on conflict (shop_id, run, resource) do update set epoch = loads.epoch + 1
returning load_id, as_of, epoch, generation, is_merging, state, result::text as result;

-- name: hold_load
-- Is a load still ours? Until the transaction ends it stays so.
select true from shopify.loads where shop_id = $1 and load_id = $2 and epoch = $3 and state = 'open' for share;

-- name: count_staged_chunks
-- How many chunks are staged? After a crash of the server none are.
select count(*)
from shopify.staged_chunks
where shop_id = $1 and load_id = $2;

-- name: begin_merge
-- From here on the mirror may name raw objects of this load.
update shopify.loads set is_merging = true where shop_id = $1 and load_id = $2;

-- name: begin_anew
-- What was staged is gone; the next beginning numbers its raw objects anew.
update shopify.loads set generation = generation + 1, is_merging = false where shop_id = $1 and load_id = $2
returning generation;

-- name: read_progress
-- How far has a load come?
select coalesce(max(chunk) + 1, 0) as next_chunk, coalesce(max(end_bytes), 0) as end_bytes, coalesce(sum(objects), 0)::bigint as objects,
    coalesce(sum(roots), 0)::bigint as roots
from shopify.staged_chunks
where shop_id = $1 and load_id = $2;

-- name: list_chunks
-- What has been staged?
select chunk, raw_objects, rows::text as rows, strays::text as strays, skipped::text as skipped
from shopify.staged_chunks
where shop_id = $1 and load_id = $2
order by chunk;

-- name: keep_chunk
-- A chunk is staged, with its account; whoever else stages the same one fails here.
insert into shopify.staged_chunks (shop_id, load_id, chunk, end_bytes, objects, roots, raw_objects, rows, strays, skipped)
values ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9::text::jsonb, $10::text::jsonb);

-- name: find_filled_tables
-- Of which tables does the mirror have anything of this shop?
select 'line_items' as name where exists (select from shopify.line_items where shop_id = $1)
union all
select 'fulfillments' as name where exists (select from shopify.fulfillments where shop_id = $1)
union all
select 'refund_lines' as name where exists (select from shopify.refund_lines where shop_id = $1)
union all
select 'refunds' as name where exists (select from shopify.refunds where shop_id = $1)
union all
select 'variants' as name where exists (select from shopify.variants where shop_id = $1)
union all
select 'metafields' as name where exists (select from shopify.metafields where shop_id = $1)
union all
select 'collection_products' as name where exists (select from shopify.collection_products where shop_id = $1)
union all
select 'inventory_levels' as name where exists (select from shopify.inventory_levels where shop_id = $1)
union all
select 'discount_codes' as name where exists (select from shopify.discount_codes where shop_id = $1)
union all
select 'orders' as name where exists (select from shopify.orders where shop_id = $1)
union all
select 'products' as name where exists (select from shopify.products where shop_id = $1)
union all
select 'inventory_items' as name where exists (select from shopify.inventory_items where shop_id = $1)
union all
select 'locations' as name where exists (select from shopify.locations where shop_id = $1)
union all
select 'customers' as name where exists (select from shopify.customers where shop_id = $1)
union all
select 'collections' as name where exists (select from shopify.collections where shop_id = $1)
union all
select 'discounts' as name where exists (select from shopify.discounts where shop_id = $1);

-- name: commit_later
-- What is staged is safe with the merge, whose commit waits for the log of all before it.
select set_config('synchronous_commit', 'off', true);

-- name: prefer_lookups
-- Tables in staging have no statistics: look each row up by key, whatever the planner believes of their sizes.
select set_config(name, value, true)
from (values
    ('enable_hashjoin', 'off'), ('enable_mergejoin', 'off'), ('enable_seqscan', 'off'), ('enable_material', 'off'), ('jit', 'off'),
    ('plan_cache_mode', 'force_custom_plan')
) as s (name, value);

-- name: prefer_nothing
-- The planner is free again, for whoever goes on in this transaction.
select set_config(name, reset_val, true)
from pg_settings
where name in (
    'enable_hashjoin', 'enable_mergejoin', 'enable_nestloop', 'enable_seqscan', 'enable_material', 'jit', 'plan_cache_mode'
);

-- name: prefer_hashes
-- Where a whole load is compared at once: never row by row, whatever the planner believes of its size.
select set_config(name, value, true)
from (values
    ('enable_nestloop', 'off'), ('jit', 'off'), ('plan_cache_mode', 'force_custom_plan')
) as s (name, value);

-- name: resolve_line_items
-- Line items that came before their parent, or far behind it, take their guard from it.
update shopify.staged_line_items as s
set updated_at = p.updated_at
from shopify.staged_orders as p
where s.load_id = $1 and s.updated_at is null and p.load_id = s.load_id and p.order_id = s.order_id;

-- name: drop_orphans_line_items
-- Line items whose parent is not in the result are not merged.
delete from shopify.staged_line_items where load_id = $1 and updated_at is null;

-- name: resolve_collection_products
-- Collection products that came before their parent, or far behind it, take their guard from it.
update shopify.staged_collection_products as s
set updated_at = p.updated_at
from shopify.staged_collections as p
where s.load_id = $1 and s.updated_at is null and p.load_id = s.load_id and p.collection_id = s.collection_id;

-- name: drop_orphans_collection_products
-- Collection products whose parent is not in the result are not merged.
delete from shopify.staged_collection_products where load_id = $1 and updated_at is null;

-- name: resolve_discount_codes
-- Discount codes that came before their parent, or far behind it, take their guard from it.
update shopify.staged_discount_codes as s
set updated_at = p.updated_at
from shopify.staged_discounts as p
where s.load_id = $1 and s.updated_at is null and p.load_id = s.load_id and p.discount_id = s.discount_id;

-- name: drop_orphans_discount_codes
-- Discount codes whose parent is not in the result are not merged.
delete from shopify.staged_discount_codes where load_id = $1 and updated_at is null;

-- name: drop_orphans_variants
-- Variants whose product is not in the result are not merged.
delete from shopify.staged_variants as s
where s.load_id = $1
    and not exists (select from shopify.staged_products as p where p.load_id = s.load_id and p.product_id = s.product_id);

-- name: drop_orphans_inventory_levels
-- Levels whose item or location is not in the result are not merged.
delete from shopify.staged_inventory_levels as s
where s.load_id = $1
    and not exists (
        select from shopify.staged_inventory_items as p where p.load_id = s.load_id and p.inventory_item_id = s.inventory_item_id
    )
    and not exists (select from shopify.staged_locations as p where p.load_id = s.load_id and p.location_id = s.location_id);

-- name: drop_orphans_metafields
-- Metafields whose owner is not in the result are not merged.
delete from shopify.staged_metafields as s
where s.load_id = $1
    and not exists (
        select
        from (
            select 'Product' as owner_type, product_id as owner_id from shopify.staged_products where load_id = $1
            union all
            select 'ProductVariant', variant_id from shopify.staged_variants where load_id = $1
            union all
            select 'Customer', customer_id from shopify.staged_customers where load_id = $1
            union all
            select 'Collection', collection_id from shopify.staged_collections where load_id = $1
        ) as p
        where p.owner_type = s.owner_type and p.owner_id = s.owner_id
    );

-- name: find_gaps_variants
-- Of which products did Shopify show fewer or more variants than it counts?
with counted as (
    select p.shop_id, p.product_id as object_id, p.variants_count as expected, count(distinct c.variant_id) as found
    from shopify.staged_products as p
    left join shopify.staged_variants as c on c.load_id = p.load_id and c.product_id = p.product_id
    where p.load_id = $1 and p.variants_count is not null
    group by p.shop_id, p.product_id, p.variants_count
), closed as (
    delete from shopify.mirror_gaps as g
    using counted as c
    where g.shop_id = c.shop_id and g.resource = 'variants' and g.object_id = c.object_id and c.expected = c.found
), noticed as (
    insert into shopify.mirror_gaps (shop_id, resource, object_id, expected, found)
    select shop_id, 'variants', object_id, expected, found from counted where expected <> found
    on conflict (shop_id, resource, object_id) do update
    set expected = excluded.expected, found = excluded.found, noticed_at = now()
    where (mirror_gaps.expected, mirror_gaps.found) <> (excluded.expected, excluded.found)
)
select count(*) from counted where expected <> found;

-- name: find_gaps_collection_products
-- Of which collections did Shopify show fewer or more collection products than it counts?
with counted as (
    select p.shop_id, p.collection_id as object_id, p.products_count as expected, count(distinct c.product_id) as found
    from shopify.staged_collections as p
    left join shopify.staged_collection_products as c on c.load_id = p.load_id and c.collection_id = p.collection_id
    where p.load_id = $1 and p.products_count is not null
    group by p.shop_id, p.collection_id, p.products_count
), closed as (
    delete from shopify.mirror_gaps as g
    using counted as c
    where g.shop_id = c.shop_id and g.resource = 'collection_products' and g.object_id = c.object_id and c.expected = c.found
), noticed as (
    insert into shopify.mirror_gaps (shop_id, resource, object_id, expected, found)
    select shop_id, 'collection_products', object_id, expected, found from counted where expected <> found
    on conflict (shop_id, resource, object_id) do update
    set expected = excluded.expected, found = excluded.found, noticed_at = now()
    where (mirror_gaps.expected, mirror_gaps.found) <> (excluded.expected, excluded.found)
)
select count(*) from counted where expected <> found;

-- name: retire_variants
-- Variants that Shopify no longer shows below a parent that it shows whole are gone.
update shopify.variants as m
set deleted_at = $2, seen_at = $2
from shopify.staged_products as p
where p.load_id = $1 and (m.shop_id, m.product_id) = (p.shop_id, p.product_id) and m.deleted_at is null and m.seen_at < $2
    and not exists (select from shopify.staged_variants as s where s.load_id = $1 and s.variant_id = m.variant_id)
    and not exists (
        select from shopify.products as o
        where (o.shop_id, o.product_id) = (p.shop_id, p.product_id) and (o.updated_at, o.seen_at) > (p.updated_at, $2::timestamptz)
    )
    and not exists (select from shopify.mirror_gaps as g where (g.shop_id, g.resource, g.object_id) = (m.shop_id, 'variants', m.product_id));

-- name: retire_collection_products
-- Collection products that Shopify no longer shows below a parent that it shows whole are gone.
update shopify.collection_products as m
set deleted_at = $2, seen_at = $2
from shopify.staged_collections as p
where p.load_id = $1 and (m.shop_id, m.collection_id) = (p.shop_id, p.collection_id) and m.deleted_at is null and m.seen_at < $2
    and not exists (select from shopify.staged_collection_products as s where s.load_id = $1 and s.collection_id = m.collection_id and s.product_id = m.product_id)
    and not exists (
        select from shopify.collections as o
        where (o.shop_id, o.collection_id) = (p.shop_id, p.collection_id) and (o.updated_at, o.seen_at) > (p.updated_at, $2::timestamptz)
    )
    and not exists (select from shopify.mirror_gaps as g where (g.shop_id, g.resource, g.object_id) = (m.shop_id, 'collection_products', m.collection_id));

-- name: retire_inventory_levels
-- Inventory levels that Shopify no longer shows below a parent that it shows whole are gone.
update shopify.inventory_levels as m
set deleted_at = $2, seen_at = $2
from shopify.staged_inventory_items as p
where p.load_id = $1 and (m.shop_id, m.inventory_item_id) = (p.shop_id, p.inventory_item_id) and m.deleted_at is null and m.seen_at < $2
    and not exists (select from shopify.staged_inventory_levels as s where s.load_id = $1 and s.inventory_item_id = m.inventory_item_id and s.location_id = m.location_id)
    and not exists (
        select from shopify.inventory_items as o
        where (o.shop_id, o.inventory_item_id) = (p.shop_id, p.inventory_item_id) and (o.updated_at, o.seen_at) > (p.updated_at, $2::timestamptz)
    );

-- name: retire_metafields
-- Metafields that Shopify no longer shows below an owner are gone; not where it shows so many that it may have cut them off ($3).
update shopify.metafields as m
set deleted_at = $2, seen_at = $2
from (
    select o.shop_id, o.owner_type, o.owner_id
    from (
        select shop_id, 'Product' as owner_type, product_id as owner_id from shopify.staged_products where load_id = $1
        union all
        select shop_id, 'ProductVariant', variant_id from shopify.staged_variants where load_id = $1
        union all
        select shop_id, 'Customer', customer_id from shopify.staged_customers where load_id = $1
        union all
        select shop_id, 'Collection', collection_id from shopify.staged_collections where load_id = $1
    ) as o
    left join shopify.staged_metafields as s on s.load_id = $1 and s.owner_type = o.owner_type and s.owner_id = o.owner_id
    group by o.shop_id, o.owner_type, o.owner_id
    having count(s.metafield_id) < $3
) as p
where (m.shop_id, m.owner_type, m.owner_id) = (p.shop_id, p.owner_type, p.owner_id) and m.deleted_at is null and m.seen_at < $2
    and not exists (select from shopify.staged_metafields as s where s.load_id = $1 and s.metafield_id = m.metafield_id);

-- name: retire_orders
-- Orders that a complete result does not show are gone; their hours are added up anew.
with gone as (
    update shopify.orders as m
    set deleted_at = $3, seen_at = $3
    where m.shop_id = $1 and m.deleted_at is null and m.seen_at < $3
        and not exists (select from shopify.staged_orders as s where s.load_id = $2 and s.order_id = m.order_id)
    returning m.shop_id, m.processed_at
), marked as (
    insert into shopify.dirty_hours (shop_id, hour)
    select distinct shop_id, date_trunc('hour', processed_at) from gone
    on conflict do nothing
)
select count(*) from gone;

-- name: retire_products
-- Products that a complete result does not show are gone.
with gone as (
    update shopify.products as m
    set deleted_at = $3, seen_at = $3
    where m.shop_id = $1 and m.deleted_at is null and m.seen_at < $3
        and not exists (select from shopify.staged_products as s where s.load_id = $2 and s.product_id = m.product_id)
    returning 1
)
select count(*) from gone;

-- name: retire_inventory_items
-- Inventory items that a complete result does not show are gone.
with gone as (
    update shopify.inventory_items as m
    set deleted_at = $3, seen_at = $3
    where m.shop_id = $1 and m.deleted_at is null and m.seen_at < $3
        and not exists (select from shopify.staged_inventory_items as s where s.load_id = $2 and s.inventory_item_id = m.inventory_item_id)
    returning 1
)
select count(*) from gone;

-- name: retire_locations
-- Locations that a complete result does not show are gone.
with gone as (
    update shopify.locations as m
    set deleted_at = $3, seen_at = $3
    where m.shop_id = $1 and m.deleted_at is null and m.seen_at < $3
        and not exists (select from shopify.staged_locations as s where s.load_id = $2 and s.location_id = m.location_id)
    returning 1
)
select count(*) from gone;

-- name: retire_customers
-- Customers that a complete result does not show are gone.
with gone as (
    update shopify.customers as m
    set deleted_at = $3, seen_at = $3
    where m.shop_id = $1 and m.deleted_at is null and m.seen_at < $3
        and not exists (select from shopify.staged_customers as s where s.load_id = $2 and s.customer_id = m.customer_id)
    returning 1
)
select count(*) from gone;

-- name: retire_collections
-- Collections that a complete result does not show are gone.
with gone as (
    update shopify.collections as m
    set deleted_at = $3, seen_at = $3
    where m.shop_id = $1 and m.deleted_at is null and m.seen_at < $3
        and not exists (select from shopify.staged_collections as s where s.load_id = $2 and s.collection_id = m.collection_id)
    returning 1
)
select count(*) from gone;

-- name: retire_discounts
-- Discounts that a complete result does not show are gone.
with gone as (
    update shopify.discounts as m
    set deleted_at = $3, seen_at = $3
    where m.shop_id = $1 and m.deleted_at is null and m.seen_at < $3
        and not exists (select from shopify.staged_discounts as s where s.load_id = $2 and s.method = m.method and s.discount_id = m.discount_id)
    returning 1
)
select count(*) from gone;

-- name: list_steps
-- Which steps of a merge are done?
select step, first_chunk, added, changed from shopify.staged_merges where shop_id = $1 and load_id = $2;

-- name: keep_step
-- A step of a merge is done.
insert into shopify.staged_merges (shop_id, load_id, step, first_chunk, added, changed)
values ($1, $2, $3, $4, $5, $6)
on conflict do nothing;

-- name: raise_watermark
-- Up to here the mirror of a resource is complete; it never goes back.
insert into shopify.watermarks (shop_id, resource, watermark, run)
values ($1, $2, $3, $4)
on conflict (shop_id, resource) do update
set watermark = excluded.watermark, run = excluded.run, written_at = now()
where watermarks.watermark < excluded.watermark;

-- name: finish_load
-- What came of a load.
update shopify.loads
set state = 'done', result = $3::text::jsonb, finished_at = now()
where shop_id = $1 and load_id = $2;

-- name: forget_load
-- A load that nobody will finish.
delete from shopify.loads where shop_id = $1 and load_id = $2 and state = 'open';

-- name: drop_raw
-- The texts of a load that are not in the mirror: those of its range of numbers.
delete from shopify.raw_objects where shop_id = $1 and raw_id between $2 and $3;

-- name: limit_lock_wait
-- Clearing up waits for nobody for long.
select set_config('lock_timeout', '500', true);

-- name: drop_unnamed_raw
-- The texts of a range of numbers that the mirror does not name; looks through all of the mirror, as after a crash of the server.
delete from shopify.raw_objects as r
where r.shop_id = $1 and r.raw_id between $2 and $3
    and not exists (select from shopify.line_items as m where m.shop_id = r.shop_id and m.raw_id = r.raw_id)
    and not exists (select from shopify.variants as m where m.shop_id = r.shop_id and m.raw_id = r.raw_id)
    and not exists (select from shopify.orders as m where m.shop_id = r.shop_id and m.raw_id = r.raw_id)
    and not exists (select from shopify.products as m where m.shop_id = r.shop_id and m.raw_id = r.raw_id)
    and not exists (select from shopify.inventory_items as m where m.shop_id = r.shop_id and m.raw_id = r.raw_id)
    and not exists (select from shopify.locations as m where m.shop_id = r.shop_id and m.raw_id = r.raw_id)
    and not exists (select from shopify.customers as m where m.shop_id = r.shop_id and m.raw_id = r.raw_id)
    and not exists (select from shopify.collections as m where m.shop_id = r.shop_id and m.raw_id = r.raw_id)
    and not exists (select from shopify.discounts as m where m.shop_id = r.shop_id and m.raw_id = r.raw_id)
    and not exists (select from shopify.shop_profiles as m where m.shop_id = r.shop_id and m.raw_id = r.raw_id);

-- name: hold_loads
-- Nobody opens a load until this transaction ends.
lock table shopify.loads in share row exclusive mode;

-- name: has_open_loads
-- Is any other load under way?
select exists (select from shopify.loads where state = 'open' and load_id <> $1);

-- name: empty_staging
-- Nothing that waits in staging is needed.
truncate
    shopify.staged_chunks,
    shopify.staged_merges,
    shopify.staged_line_items,
    shopify.staged_fulfillments,
    shopify.staged_refund_lines,
    shopify.staged_refunds,
    shopify.staged_variants,
    shopify.staged_metafields,
    shopify.staged_collection_products,
    shopify.staged_inventory_levels,
    shopify.staged_discount_codes,
    shopify.staged_orders,
    shopify.staged_products,
    shopify.staged_inventory_items,
    shopify.staged_locations,
    shopify.staged_customers,
    shopify.staged_collections,
    shopify.staged_discounts;

-- name: drop_staged_chunks
-- The account of a load is not needed any more.
delete from shopify.staged_chunks where load_id = $1;

-- name: drop_staged_merges
-- The account of a load is not needed any more.
delete from shopify.staged_merges where load_id = $1;

-- name: drop_staged_line_items
-- The rows of a load are not needed any more.
delete from shopify.staged_line_items where load_id = $1;

-- name: drop_staged_fulfillments
-- The rows of a load are not needed any more.
delete from shopify.staged_fulfillments where load_id = $1;

-- name: drop_staged_refund_lines
-- The rows of a load are not needed any more.
delete from shopify.staged_refund_lines where load_id = $1;

-- name: drop_staged_refunds
-- The rows of a load are not needed any more.
delete from shopify.staged_refunds where load_id = $1;

-- name: drop_staged_variants
-- The rows of a load are not needed any more.
delete from shopify.staged_variants where load_id = $1;

-- name: drop_staged_metafields
-- The rows of a load are not needed any more.
delete from shopify.staged_metafields where load_id = $1;

-- name: drop_staged_collection_products
-- The rows of a load are not needed any more.
delete from shopify.staged_collection_products where load_id = $1;

-- name: drop_staged_inventory_levels
-- The rows of a load are not needed any more.
delete from shopify.staged_inventory_levels where load_id = $1;

-- name: drop_staged_discount_codes
-- The rows of a load are not needed any more.
delete from shopify.staged_discount_codes where load_id = $1;

-- name: drop_staged_orders
-- The rows of a load are not needed any more.
delete from shopify.staged_orders where load_id = $1;

-- name: drop_staged_products
-- The rows of a load are not needed any more.
delete from shopify.staged_products where load_id = $1;

-- name: drop_staged_inventory_items
-- The rows of a load are not needed any more.
delete from shopify.staged_inventory_items where load_id = $1;

-- name: drop_staged_locations
-- The rows of a load are not needed any more.
delete from shopify.staged_locations where load_id = $1;

-- name: drop_staged_customers
-- The rows of a load are not needed any more.
delete from shopify.staged_customers where load_id = $1;

-- name: drop_staged_collections
-- The rows of a load are not needed any more.
delete from shopify.staged_collections where load_id = $1;

-- name: drop_staged_discounts
-- The rows of a load are not needed any more.
delete from shopify.staged_discounts where load_id = $1;

-- name: list_old_loads
-- Which loads were left unfinished for longer than a result can be had?
select shop_id, resource, run, as_of from shopify.loads where state = 'open' and started_at < $1;
