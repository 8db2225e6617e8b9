-- The mirror itself: single objects, what is deleted, what is erased, what there is.

-- name: next_application
-- Which number has this application of single objects?
select nextval('shopify.mirror_applications');

-- name: keep_tombstones
-- What is gone stays gone, whatever an older result says.
insert into shopify.tombstones (shop_id, kind, object_id, deleted_at)
select $1, $2, unnest($3::bigint[]), $4
on conflict (shop_id, kind, object_id) do update
set deleted_at = excluded.deleted_at
where tombstones.deleted_at < excluded.deleted_at;

-- name: sweep_tombstones
-- Results are never so old that these would be needed.
delete from shopify.tombstones where deleted_at < $1;

-- name: delete_orders
-- These orders are gone; their hours are added up anew.
with gone as (
    update shopify.orders set deleted_at = $3, seen_at = greatest(seen_at, $3)
    where shop_id = $1 and order_id = any($2::bigint[]) and deleted_at is null
    returning shop_id, processed_at
), marked as (
    insert into shopify.dirty_hours (shop_id, hour)
    select distinct shop_id, date_trunc('hour', processed_at) from gone
    on conflict do nothing
)
select count(*) from gone;

-- name: delete_products
-- These products and what lies with them are gone.
with gone as (
    update shopify.products set deleted_at = $3, seen_at = greatest(seen_at, $3)
    where shop_id = $1 and product_id = any($2::bigint[]) and deleted_at is null
    returning 1
), variants_gone as (
    update shopify.variants set deleted_at = $3, seen_at = greatest(seen_at, $3)
    where shop_id = $1 and product_id = any($2::bigint[]) and deleted_at is null
), collection_products_gone as (
    update shopify.collection_products set deleted_at = $3, seen_at = greatest(seen_at, $3)
    where shop_id = $1 and product_id = any($2::bigint[]) and deleted_at is null
)
select count(*) from gone;

-- name: delete_inventory_items
-- These inventory items and what lies with them are gone.
with gone as (
    update shopify.inventory_items set deleted_at = $3, seen_at = greatest(seen_at, $3)
    where shop_id = $1 and inventory_item_id = any($2::bigint[]) and deleted_at is null
    returning 1
), inventory_levels_gone as (
    update shopify.inventory_levels set deleted_at = $3, seen_at = greatest(seen_at, $3)
    where shop_id = $1 and inventory_item_id = any($2::bigint[]) and deleted_at is null
)
select count(*) from gone;

-- name: delete_locations
-- These locations and what lies with them are gone.
with gone as (
    update shopify.locations set deleted_at = $3, seen_at = greatest(seen_at, $3)
    where shop_id = $1 and location_id = any($2::bigint[]) and deleted_at is null
    returning 1
), inventory_levels_gone as (
    update shopify.inventory_levels set deleted_at = $3, seen_at = greatest(seen_at, $3)
    where shop_id = $1 and location_id = any($2::bigint[]) and deleted_at is null
)
select count(*) from gone;

-- name: delete_customers
-- These customers are gone.
with gone as (
    update shopify.customers set deleted_at = $3, seen_at = greatest(seen_at, $3)
    where shop_id = $1 and customer_id = any($2::bigint[]) and deleted_at is null
    returning 1
)
select count(*) from gone;

-- name: delete_collections
-- These collections and what lies with them are gone.
with gone as (
    update shopify.collections set deleted_at = $3, seen_at = greatest(seen_at, $3)
    where shop_id = $1 and collection_id = any($2::bigint[]) and deleted_at is null
    returning 1
), collection_products_gone as (
    update shopify.collection_products set deleted_at = $3, seen_at = greatest(seen_at, $3)
    where shop_id = $1 and collection_id = any($2::bigint[]) and deleted_at is null
)
select count(*) from gone;

-- name: delete_discounts
-- These discounts and what lies with them are gone.
with gone as (
    update shopify.discounts set deleted_at = $3, seen_at = greatest(seen_at, $3)
    where shop_id = $1 and method in ('code', 'automatic') and discount_id = any($2::bigint[]) and deleted_at is null
    returning 1
), discount_codes_gone as (
    update shopify.discount_codes set deleted_at = $3, seen_at = greatest(seen_at, $3)
    where shop_id = $1 and discount_id = any($2::bigint[]) and deleted_at is null
)
select count(*) from gone;

-- name: delete_inventory_level
-- An item is no longer stocked at a location.
update shopify.inventory_levels set deleted_at = $4, seen_at = greatest(seen_at, $4)
where shop_id = $1 and inventory_item_id = $2 and location_id = $3 and deleted_at is null;

-- name: keep_profile
-- The shop as it shows itself; what everybody needs of it stands with the shop.
with kept as (
    insert into shopify.shop_profiles as m (
        shop_id, name, email, shop_domain, primary_domain, currency, presentment_currencies, iana_timezone, country_code,
        province_code, plan, weight_unit, taxes_included, created_at, raw_id, digest, updated_at, seen_at
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
    on conflict (shop_id) do update
    set name = excluded.name, email = excluded.email, shop_domain = excluded.shop_domain, primary_domain = excluded.primary_domain,
        currency = excluded.currency, presentment_currencies = excluded.presentment_currencies,
        iana_timezone = excluded.iana_timezone, country_code = excluded.country_code, province_code = excluded.province_code,
        plan = excluded.plan, weight_unit = excluded.weight_unit, taxes_included = excluded.taxes_included,
        created_at = excluded.created_at, raw_id = excluded.raw_id, digest = excluded.digest, updated_at = excluded.updated_at,
        seen_at = excluded.seen_at
    where m.digest <> excluded.digest and (excluded.updated_at, excluded.seen_at) >= (m.updated_at, m.seen_at)
    returning 1
), known as (
    update shopify.shops
    set name = $2, email = $3, currency = $6, iana_timezone = $8, country_code = $9, plan = $11, updated_at = now()
    where shop_id = $1 and exists (select from kept)
)
select exists (select from kept);

-- name: find_profile_raw
-- Which text belongs to the profile of a shop?
select raw_id from shopify.shop_profiles where shop_id = $1;

-- name: drop_raw_object
-- This text is nobody's any more.
delete from shopify.raw_objects where shop_id = $1 and raw_id = $2;

-- name: add_raw_object
-- Keep an object as it came.
insert into shopify.raw_objects (shop_id, raw_id, raw) values ($1, $2, $3);

-- name: read_raw_products
-- What did Shopify show of these products?
select m.product_id as object_id, r.raw
from shopify.products as m
join shopify.raw_objects as r on (r.shop_id, r.raw_id) = (m.shop_id, m.raw_id)
where m.shop_id = $1 and m.product_id = any($2::bigint[]);

-- name: read_raw_variants
-- What did Shopify show of these variants?
select m.variant_id as object_id, r.raw
from shopify.variants as m
join shopify.raw_objects as r on (r.shop_id, r.raw_id) = (m.shop_id, m.raw_id)
where m.shop_id = $1 and m.variant_id = any($2::bigint[]);

-- name: read_raw_locations
-- What did Shopify show of these locations?
select m.location_id as object_id, r.raw
from shopify.locations as m
join shopify.raw_objects as r on (r.shop_id, r.raw_id) = (m.shop_id, m.raw_id)
where m.shop_id = $1 and m.location_id = any($2::bigint[]);

-- name: read_raw_inventory_items
-- What did Shopify show of these inventory items?
select m.inventory_item_id as object_id, r.raw
from shopify.inventory_items as m
join shopify.raw_objects as r on (r.shop_id, r.raw_id) = (m.shop_id, m.raw_id)
where m.shop_id = $1 and m.inventory_item_id = any($2::bigint[]);

-- name: read_raw_orders
-- What did Shopify show of these orders?
select m.order_id as object_id, r.raw
from shopify.orders as m
join shopify.raw_objects as r on (r.shop_id, r.raw_id) = (m.shop_id, m.raw_id)
where m.shop_id = $1 and m.order_id = any($2::bigint[]);

-- name: read_raw_customers
-- What did Shopify show of these customers?
select m.customer_id as object_id, r.raw
from shopify.customers as m
join shopify.raw_objects as r on (r.shop_id, r.raw_id) = (m.shop_id, m.raw_id)
where m.shop_id = $1 and m.customer_id = any($2::bigint[]);

-- name: read_raw_collections
-- What did Shopify show of these collections?
select m.collection_id as object_id, r.raw
from shopify.collections as m
join shopify.raw_objects as r on (r.shop_id, r.raw_id) = (m.shop_id, m.raw_id)
where m.shop_id = $1 and m.collection_id = any($2::bigint[]);

-- name: read_raw_discounts
-- What did Shopify show of these discounts?
select m.discount_id as object_id, r.raw
from shopify.discounts as m
join shopify.raw_objects as r on (r.shop_id, r.raw_id) = (m.shop_id, m.raw_id)
where m.shop_id = $1 and m.discount_id = any($2::bigint[]);

-- name: read_raw_line_items
-- What did Shopify show of the lines of these orders?
select m.line_item_id as object_id, r.raw
from shopify.line_items as m
join shopify.raw_objects as r on (r.shop_id, r.raw_id) = (m.shop_id, m.raw_id)
where m.shop_id = $1 and m.order_id = any($2::bigint[])
order by m.order_id, m.line_item_id;

-- name: count_rows
-- How many rows are there of a shop, and how many of them are gone?
select 'line_items' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.line_items where shop_id = $1
union all
select 'fulfillments' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.fulfillments where shop_id = $1
union all
select 'refund_lines' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.refund_lines where shop_id = $1
union all
select 'refunds' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.refunds where shop_id = $1
union all
select 'variants' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.variants where shop_id = $1
union all
select 'metafields' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.metafields where shop_id = $1
union all
select 'collection_products' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.collection_products where shop_id = $1
union all
select 'inventory_levels' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.inventory_levels where shop_id = $1
union all
select 'discount_codes' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.discount_codes where shop_id = $1
union all
select 'orders' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.orders where shop_id = $1
union all
select 'products' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.products where shop_id = $1
union all
select 'inventory_items' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.inventory_items where shop_id = $1
union all
select 'locations' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.locations where shop_id = $1
union all
select 'customers' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.customers where shop_id = $1
union all
select 'collections' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.collections where shop_id = $1
union all
select 'discounts' as name, count(*) filter (where deleted_at is null) as present, count(deleted_at) as deleted
from shopify.discounts where shop_id = $1;

-- name: list_watermarks
-- Up to when is the mirror of a shop complete?
select resource, watermark, run, written_at from shopify.watermarks where shop_id = $1 order by resource;

-- name: list_gaps
-- Of which objects must children be fetched page by page?
select resource, object_id, expected, found, noticed_at
from shopify.mirror_gaps
where shop_id = $1
order by resource, object_id
limit $2;

-- name: list_refunds_without_lines
-- Of which orders have refunds no lines yet?
select distinct order_id
from shopify.refunds
where shop_id = $1 and lines_seen_at is null and deleted_at is null and order_id > $2
order by order_id
limit $3;

-- name: erase_customer_texts
-- What Shopify showed of a customer and of the customer's orders is no longer kept.
delete from shopify.raw_objects as r
using (
    select shop_id, raw_id from shopify.customers where shop_id = $1 and customer_id = $2
    union all
    select shop_id, raw_id from shopify.orders where shop_id = $1 and (customer_id = $2 or order_id = any($3::bigint[]))
    union all
    select l.shop_id, l.raw_id
    from shopify.line_items as l
    join shopify.orders as o on (o.shop_id, o.order_id) = (l.shop_id, l.order_id)
    where o.shop_id = $1 and (o.customer_id = $2 or o.order_id = any($3::bigint[]))
) as m
where (r.shop_id, r.raw_id) = (m.shop_id, m.raw_id);

-- name: erase_customer_row
-- Of the customer nothing is left but the number, which orders need to be counted by.
update shopify.customers
set email = null, phone = null, first_name = null, last_name = null, display_name = null, locale = null, tags = null,
    province_code = null, raw_id = null, digest = 0, seen_at = greatest(seen_at, $3), deleted_at = coalesce(deleted_at, $3)
where shop_id = $1 and customer_id = $2;

-- name: erase_customer_orders
-- Of the customer's orders what is personal is erased; sums and places stay. Nothing older than the erasure is taken again.
update shopify.orders
set email = null, raw_id = null, digest = 0, updated_at = greatest(updated_at, $4), seen_at = greatest(seen_at, $4)
where shop_id = $1 and (customer_id = $2 or order_id = any($3::bigint[]));

-- name: erase_customer_lines
-- The lines of the customer's orders keep what was sold.
update shopify.line_items as l
set raw_id = null, digest = 0, updated_at = greatest(l.updated_at, $4), seen_at = greatest(l.seen_at, $4)
from shopify.orders as o
where o.shop_id = $1 and (o.customer_id = $2 or o.order_id = any($3::bigint[]))
    and (l.shop_id, l.order_id) = (o.shop_id, o.order_id);

-- name: erase_customer_metafields
-- What an app noted about the customer is erased.
delete from shopify.metafields where shop_id = $1 and owner_type = 'Customer' and owner_id = $2;

-- name: erase_refund_notes
-- Notes on refunds of the customer's orders may name the customer.
update shopify.refunds as r
set note = null
from shopify.orders as o
where o.shop_id = $1 and (o.customer_id = $2 or o.order_id = any($3::bigint[]))
    and (r.shop_id, r.order_id) = (o.shop_id, o.order_id);

-- name: erase_line_items
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.line_items
where ctid = any(array(select ctid from shopify.line_items where shop_id = $1 limit $2));

-- name: erase_fulfillments
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.fulfillments
where ctid = any(array(select ctid from shopify.fulfillments where shop_id = $1 limit $2));

-- name: erase_refund_lines
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.refund_lines
where ctid = any(array(select ctid from shopify.refund_lines where shop_id = $1 limit $2));

-- name: erase_refunds
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.refunds
where ctid = any(array(select ctid from shopify.refunds where shop_id = $1 limit $2));

-- name: erase_variants
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.variants
where ctid = any(array(select ctid from shopify.variants where shop_id = $1 limit $2));

-- name: erase_metafields
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.metafields
where ctid = any(array(select ctid from shopify.metafields where shop_id = $1 limit $2));

-- name: erase_collection_products
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.collection_products
where ctid = any(array(select ctid from shopify.collection_products where shop_id = $1 limit $2));

-- name: erase_inventory_levels
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.inventory_levels
where ctid = any(array(select ctid from shopify.inventory_levels where shop_id = $1 limit $2));

-- name: erase_discount_codes
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.discount_codes
where ctid = any(array(select ctid from shopify.discount_codes where shop_id = $1 limit $2));

-- name: erase_orders
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.orders
where ctid = any(array(select ctid from shopify.orders where shop_id = $1 limit $2));

-- name: erase_products
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.products
where ctid = any(array(select ctid from shopify.products where shop_id = $1 limit $2));

-- name: erase_inventory_items
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.inventory_items
where ctid = any(array(select ctid from shopify.inventory_items where shop_id = $1 limit $2));

-- name: erase_locations
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.locations
where ctid = any(array(select ctid from shopify.locations where shop_id = $1 limit $2));

-- name: erase_customers
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.customers
where ctid = any(array(select ctid from shopify.customers where shop_id = $1 limit $2));

-- name: erase_collections
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.collections
where ctid = any(array(select ctid from shopify.collections where shop_id = $1 limit $2));

-- name: erase_discounts
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.discounts
where ctid = any(array(select ctid from shopify.discounts where shop_id = $1 limit $2));

-- name: erase_shop_profiles
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.shop_profiles
where ctid = any(array(select ctid from shopify.shop_profiles where shop_id = $1 limit $2));

-- name: erase_raw_objects
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.raw_objects
where ctid = any(array(select ctid from shopify.raw_objects where shop_id = $1 limit $2));

-- name: erase_watermarks
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.watermarks
where ctid = any(array(select ctid from shopify.watermarks where shop_id = $1 limit $2));

-- name: erase_mirror_gaps
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.mirror_gaps
where ctid = any(array(select ctid from shopify.mirror_gaps where shop_id = $1 limit $2));

-- name: erase_tombstones
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.tombstones
where ctid = any(array(select ctid from shopify.tombstones where shop_id = $1 limit $2));

-- name: erase_dirty_hours
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.dirty_hours
where ctid = any(array(select ctid from shopify.dirty_hours where shop_id = $1 limit $2));

-- name: erase_loads
-- Rows of a shop, as many at once as do not hold anybody up ($2).
delete from shopify.loads
where ctid = any(array(select ctid from shopify.loads where shop_id = $1 limit $2));
