-- From staging into the mirror: one table and a range of chunks at a time. $1 is the load, $2 and $3 the first and last chunk, $4
-- when Shopify was asked. The same things are done with every table: see docs/decisions/0007-mirror-and-loader.md.

-- name: find_news_line_items
-- Which line items of a chunk ($2) say something new? Those that the mirror has word for word need not be kept again.
select s.raw_id
from shopify.staged_line_items as s
where s.load_id = $1 and s.chunk = $2
    and not exists (
        select from shopify.line_items as m
        where (m.shop_id, m.order_id, m.line_item_id) = (s.shop_id, s.order_id, s.line_item_id)
            and m.digest = s.digest and m.deleted_at is null
    );

-- name: add_line_items
-- How many line items are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.line_items (
        shop_id, order_id, line_item_id, product_id, variant_id, title, variant_title, sku, vendor, quantity, current_quantity,
        is_gift_card, unit_price, allocated_discount, presentment_unit_price, presentment_allocated_discount, raw_id, digest,
        updated_at, seen_at
    )
    select
        s.shop_id, s.order_id, s.line_item_id, s.product_id, s.variant_id, s.title, s.variant_title, s.sku, s.vendor, s.quantity,
        s.current_quantity, s.is_gift_card, s.unit_price, s.allocated_discount, s.presentment_unit_price,
        s.presentment_allocated_discount, s.raw_id, s.digest, s.updated_at, $4::timestamptz
    from shopify.staged_line_items as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and not exists (
            select from shopify.orders as p
            where (p.shop_id, p.order_id) = (s.shop_id, s.order_id)
                and (p.updated_at, p.seen_at) > (s.updated_at, $4::timestamptz)
        )
        and (
            $5::boolean
            or not exists (
                select from shopify.line_items as m
                where (m.shop_id, m.order_id, m.line_item_id) = (s.shop_id, s.order_id, s.line_item_id)
            )
        )
    returning shop_id, order_id
), marked as (
    insert into shopify.dirty_hours (shop_id, hour)
    select distinct o.shop_id, date_trunc('hour', o.processed_at)
    from (select distinct shop_id, order_id from added) as a
    join shopify.orders as o on (o.shop_id, o.order_id) = (a.shop_id, a.order_id)
    where not $5
    on conflict do nothing
)
select count(*) from added;

-- name: change_line_items
-- How many line items of the mirror were older and are changed? Their old texts are nobody's any more.
with aimed as materialized (
    select s.ctid as place, m.shop_id, m.raw_id
    from shopify.staged_line_items as s
    join shopify.line_items as m
        on (m.shop_id, m.order_id, m.line_item_id) = (s.shop_id, s.order_id, s.line_item_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
        and not exists (
            select from shopify.orders as p
            where (p.shop_id, p.order_id) = (s.shop_id, s.order_id)
                and (p.updated_at, p.seen_at) > (s.updated_at, $4::timestamptz)
        )
), dropped as (
    delete from shopify.raw_objects as r
    using aimed as a
    where (r.shop_id, r.raw_id) = (a.shop_id, a.raw_id)
), changed as (
    update shopify.line_items as m
    set product_id = s.product_id, variant_id = s.variant_id, title = s.title, variant_title = s.variant_title, sku = s.sku,
        vendor = s.vendor, quantity = s.quantity, current_quantity = s.current_quantity, is_gift_card = s.is_gift_card,
        unit_price = s.unit_price, allocated_discount = s.allocated_discount, presentment_unit_price = s.presentment_unit_price,
        presentment_allocated_discount = s.presentment_allocated_discount, raw_id = s.raw_id, digest = s.digest,
        updated_at = s.updated_at, seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_line_items as s on s.ctid = a.place
    where (m.shop_id, m.order_id, m.line_item_id) = (s.shop_id, s.order_id, s.line_item_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning m.shop_id, m.order_id
), marked as (
    insert into shopify.dirty_hours (shop_id, hour)
    select distinct o.shop_id, date_trunc('hour', o.processed_at)
    from (select distinct shop_id, order_id from changed) as c
    join shopify.orders as o on (o.shop_id, o.order_id) = (c.shop_id, c.order_id)
    on conflict do nothing
)
select count(*) from changed;

-- name: drop_unused_line_items
-- The texts of line items that the mirror did not take, because it knew better, are nobody's.
delete from shopify.raw_objects as r
using shopify.staged_line_items as s
where s.load_id = $1 and s.chunk between $2 and $3 and r.shop_id = s.shop_id and r.raw_id = s.raw_id
    and not exists (
        select from shopify.line_items as m
        where (m.shop_id, m.order_id, m.line_item_id) = (s.shop_id, s.order_id, s.line_item_id) and m.raw_id = s.raw_id
    );

-- name: drop_doubles_line_items
-- Of line items that came twice in one result the later one counts.
delete from shopify.staged_line_items as s
using shopify.staged_line_items as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.order_id, o.line_item_id) = (s.shop_id, s.order_id, s.line_item_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: add_fulfillments
-- How many fulfillments are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.fulfillments (
        shop_id, order_id, fulfillment_id, location_id, name, status, display_status, total_quantity, created_at, delivered_at,
        digest, updated_at, seen_at
    )
    select
        s.shop_id, s.order_id, s.fulfillment_id, s.location_id, s.name, s.status, s.display_status, s.total_quantity,
        s.created_at, s.delivered_at, s.digest, s.updated_at, $4::timestamptz
    from shopify.staged_fulfillments as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and (
            $5::boolean
            or not exists (
                select from shopify.fulfillments as m
                where (m.shop_id, m.order_id, m.fulfillment_id) = (s.shop_id, s.order_id, s.fulfillment_id)
            )
        )
    returning 1
)
select count(*) from added;

-- name: change_fulfillments
-- How many fulfillments of the mirror were older and are changed?
with aimed as materialized (
    select s.ctid as place
    from shopify.staged_fulfillments as s
    join shopify.fulfillments as m
        on (m.shop_id, m.order_id, m.fulfillment_id) = (s.shop_id, s.order_id, s.fulfillment_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), changed as (
    update shopify.fulfillments as m
    set location_id = s.location_id, name = s.name, status = s.status, display_status = s.display_status,
        total_quantity = s.total_quantity, created_at = s.created_at, delivered_at = s.delivered_at, digest = s.digest,
        updated_at = s.updated_at, seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_fulfillments as s on s.ctid = a.place
    where (m.shop_id, m.order_id, m.fulfillment_id) = (s.shop_id, s.order_id, s.fulfillment_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning 1
)
select count(*) from changed;

-- name: drop_doubles_fulfillments
-- Of fulfillments that came twice in one result the later one counts.
delete from shopify.staged_fulfillments as s
using shopify.staged_fulfillments as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.order_id, o.fulfillment_id) = (s.shop_id, s.order_id, s.fulfillment_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: add_refund_lines
-- How many refund lines are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.refund_lines (
        shop_id, order_id, refund_id, refund_line_id, line_item_id, location_id, quantity, restock_type, subtotal, tax,
        presentment_subtotal, processed_at, digest, updated_at, seen_at
    )
    select
        s.shop_id, s.order_id, s.refund_id, s.refund_line_id, s.line_item_id, s.location_id, s.quantity, s.restock_type,
        s.subtotal, s.tax, s.presentment_subtotal, s.processed_at, s.digest, s.updated_at, $4::timestamptz
    from shopify.staged_refund_lines as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and (
            $5::boolean
            or not exists (
                select from shopify.refund_lines as m
                where (m.shop_id, m.order_id, m.refund_id, m.refund_line_id)
                    = (s.shop_id, s.order_id, s.refund_id, s.refund_line_id)
            )
        )
    returning shop_id, processed_at
), marked as (
    insert into shopify.dirty_hours (shop_id, hour)
    select distinct shop_id, date_trunc('hour', processed_at) from added
    on conflict do nothing
)
select count(*) from added;

-- name: change_refund_lines
-- How many refund lines of the mirror were older and are changed?
with aimed as materialized (
    select s.ctid as place
    from shopify.staged_refund_lines as s
    join shopify.refund_lines as m
        on (m.shop_id, m.order_id, m.refund_id, m.refund_line_id) = (s.shop_id, s.order_id, s.refund_id, s.refund_line_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), changed as (
    update shopify.refund_lines as m
    set line_item_id = s.line_item_id, location_id = s.location_id, quantity = s.quantity, restock_type = s.restock_type,
        subtotal = s.subtotal, tax = s.tax, presentment_subtotal = s.presentment_subtotal, processed_at = s.processed_at,
        digest = s.digest, updated_at = s.updated_at, seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_refund_lines as s on s.ctid = a.place
    where (m.shop_id, m.order_id, m.refund_id, m.refund_line_id) = (s.shop_id, s.order_id, s.refund_id, s.refund_line_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning m.shop_id, m.processed_at
), marked as (
    insert into shopify.dirty_hours (shop_id, hour)
    select distinct shop_id, date_trunc('hour', processed_at) from changed
    on conflict do nothing
)
select count(*) from changed;

-- name: drop_doubles_refund_lines
-- Of refund lines that came twice in one result the later one counts.
delete from shopify.staged_refund_lines as s
using shopify.staged_refund_lines as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.order_id, o.refund_id, o.refund_line_id) = (s.shop_id, s.order_id, s.refund_id, s.refund_line_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: add_refunds
-- How many refunds are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.refunds (
        shop_id, order_id, refund_id, note, currency, total_refunded, presentment_currency, presentment_total_refunded,
        created_at, processed_at, digest, updated_at, lines_seen_at, shipping, shipping_tax, adjustment, adjustment_tax, seen_at
    )
    select
        s.shop_id, s.order_id, s.refund_id, s.note, s.currency, s.total_refunded, s.presentment_currency,
        s.presentment_total_refunded, s.created_at, s.processed_at, s.digest, s.updated_at, s.lines_seen_at, s.shipping,
        s.shipping_tax, s.adjustment, s.adjustment_tax, $4::timestamptz
    from shopify.staged_refunds as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and (
            $5::boolean
            or not exists (
                select from shopify.refunds as m
                where (m.shop_id, m.order_id, m.refund_id) = (s.shop_id, s.order_id, s.refund_id)
            )
        )
    returning shop_id, processed_at
), marked as (
    insert into shopify.dirty_hours (shop_id, hour)
    select distinct shop_id, date_trunc('hour', processed_at) from added
    on conflict do nothing
)
select count(*) from added;

-- name: change_refunds
-- How many refunds of the mirror were older and are changed?
with aimed as materialized (
    select s.ctid as place
    from shopify.staged_refunds as s
    join shopify.refunds as m
        on (m.shop_id, m.order_id, m.refund_id) = (s.shop_id, s.order_id, s.refund_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null or (m.lines_seen_at is null and s.lines_seen_at is not null))
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), changed as (
    update shopify.refunds as m
    set note = s.note, currency = s.currency, total_refunded = s.total_refunded, presentment_currency = s.presentment_currency,
        presentment_total_refunded = s.presentment_total_refunded, created_at = s.created_at, processed_at = s.processed_at,
        digest = s.digest, updated_at = s.updated_at, lines_seen_at = coalesce(s.lines_seen_at, m.lines_seen_at),
        shipping = coalesce(s.shipping, m.shipping), shipping_tax = coalesce(s.shipping_tax, m.shipping_tax),
        adjustment = coalesce(s.adjustment, m.adjustment), adjustment_tax = coalesce(s.adjustment_tax, m.adjustment_tax),
        seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_refunds as s on s.ctid = a.place
    where (m.shop_id, m.order_id, m.refund_id) = (s.shop_id, s.order_id, s.refund_id)
        and (m.digest <> s.digest or m.deleted_at is not null or (m.lines_seen_at is null and s.lines_seen_at is not null))
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning m.shop_id, m.processed_at
), marked as (
    insert into shopify.dirty_hours (shop_id, hour)
    select distinct shop_id, date_trunc('hour', processed_at) from changed
    on conflict do nothing
)
select count(*) from changed;

-- name: drop_doubles_refunds
-- Of refunds that came twice in one result the later one counts.
delete from shopify.staged_refunds as s
using shopify.staged_refunds as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.order_id, o.refund_id) = (s.shop_id, s.order_id, s.refund_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: find_news_variants
-- Which variants of a chunk ($2) say something new? Those that the mirror has word for word need not be kept again.
select s.raw_id
from shopify.staged_variants as s
where s.load_id = $1 and s.chunk = $2
    and not exists (
        select from shopify.variants as m
        where (m.shop_id, m.variant_id) = (s.shop_id, s.variant_id)
            and m.digest = s.digest and m.deleted_at is null
    );

-- name: add_variants
-- How many variants are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.variants (
        shop_id, variant_id, product_id, inventory_item_id, title, sku, barcode, position, price, compare_at_price,
        inventory_policy, inventory_quantity, is_available_for_sale, is_taxable, options, created_at, raw_id, digest, updated_at,
        seen_at
    )
    select
        s.shop_id, s.variant_id, s.product_id, s.inventory_item_id, s.title, s.sku, s.barcode, s.position, s.price,
        s.compare_at_price, s.inventory_policy, s.inventory_quantity, s.is_available_for_sale, s.is_taxable, s.options,
        s.created_at, s.raw_id, s.digest, s.updated_at, $4::timestamptz
    from shopify.staged_variants as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and not exists (
            select from shopify.tombstones as d
            where (d.shop_id, d.kind, d.object_id) = (s.shop_id, 'products', s.product_id) and d.deleted_at >= $4
        )
        and not exists (
            select from shopify.products as p
            where (p.shop_id, p.product_id) = (s.shop_id, s.product_id)
                and p.seen_at > $4
        )
        and (
            $5::boolean
            or not exists (
                select from shopify.variants as m
                where (m.shop_id, m.variant_id) = (s.shop_id, s.variant_id)
            )
        )
    returning 1
)
select count(*) from added;

-- name: change_variants
-- How many variants of the mirror were older and are changed? Their old texts are nobody's any more.
with aimed as materialized (
    select s.ctid as place, m.shop_id, m.raw_id
    from shopify.staged_variants as s
    join shopify.variants as m
        on (m.shop_id, m.variant_id) = (s.shop_id, s.variant_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), dropped as (
    delete from shopify.raw_objects as r
    using aimed as a
    where (r.shop_id, r.raw_id) = (a.shop_id, a.raw_id)
), changed as (
    update shopify.variants as m
    set product_id = s.product_id, inventory_item_id = s.inventory_item_id, title = s.title, sku = s.sku, barcode = s.barcode,
        position = s.position, price = s.price, compare_at_price = s.compare_at_price, inventory_policy = s.inventory_policy,
        inventory_quantity = s.inventory_quantity, is_available_for_sale = s.is_available_for_sale, is_taxable = s.is_taxable,
        options = s.options, created_at = s.created_at, raw_id = s.raw_id, digest = s.digest, updated_at = s.updated_at,
        seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_variants as s on s.ctid = a.place
    where (m.shop_id, m.variant_id) = (s.shop_id, s.variant_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning 1
)
select count(*) from changed;

-- name: drop_unused_variants
-- The texts of variants that the mirror did not take, because it knew better, are nobody's.
delete from shopify.raw_objects as r
using shopify.staged_variants as s
where s.load_id = $1 and s.chunk between $2 and $3 and r.shop_id = s.shop_id and r.raw_id = s.raw_id
    and not exists (
        select from shopify.variants as m
        where (m.shop_id, m.variant_id) = (s.shop_id, s.variant_id) and m.raw_id = s.raw_id
    );

-- name: drop_doubles_variants
-- Of variants that came twice in one result the later one counts.
delete from shopify.staged_variants as s
using shopify.staged_variants as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.variant_id) = (s.shop_id, s.variant_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: add_metafields
-- How many metafields are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.metafields (
        shop_id, metafield_id, owner_type, owner_id, namespace, key, type, value, created_at, digest, updated_at, seen_at
    )
    select
        s.shop_id, s.metafield_id, s.owner_type, s.owner_id, s.namespace, s.key, s.type, s.value, s.created_at, s.digest,
        s.updated_at, $4::timestamptz
    from shopify.staged_metafields as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and (
            $5::boolean
            or not exists (
                select from shopify.metafields as m
                where (m.shop_id, m.metafield_id) = (s.shop_id, s.metafield_id)
            )
        )
    returning 1
)
select count(*) from added;

-- name: change_metafields
-- How many metafields of the mirror were older and are changed?
with aimed as materialized (
    select s.ctid as place
    from shopify.staged_metafields as s
    join shopify.metafields as m
        on (m.shop_id, m.metafield_id) = (s.shop_id, s.metafield_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), changed as (
    update shopify.metafields as m
    set owner_type = s.owner_type, owner_id = s.owner_id, namespace = s.namespace, key = s.key, type = s.type, value = s.value,
        created_at = s.created_at, digest = s.digest, updated_at = s.updated_at, seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_metafields as s on s.ctid = a.place
    where (m.shop_id, m.metafield_id) = (s.shop_id, s.metafield_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning 1
)
select count(*) from changed;

-- name: drop_doubles_metafields
-- Of metafields that came twice in one result the later one counts.
delete from shopify.staged_metafields as s
using shopify.staged_metafields as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.metafield_id) = (s.shop_id, s.metafield_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: add_collection_products
-- How many collection products are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.collection_products (
        shop_id, collection_id, product_id, digest, updated_at, seen_at
    )
    select
        s.shop_id, s.collection_id, s.product_id, s.digest, s.updated_at, $4::timestamptz
    from shopify.staged_collection_products as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and not exists (
            select from shopify.tombstones as d
            where (d.shop_id, d.kind, d.object_id) = (s.shop_id, 'collections', s.collection_id) and d.deleted_at >= $4
        )
        and not exists (
            select from shopify.collections as p
            where (p.shop_id, p.collection_id) = (s.shop_id, s.collection_id)
                and (p.updated_at, p.seen_at) > (s.updated_at, $4::timestamptz)
        )
        and (
            $5::boolean
            or not exists (
                select from shopify.collection_products as m
                where (m.shop_id, m.collection_id, m.product_id) = (s.shop_id, s.collection_id, s.product_id)
            )
        )
    returning 1
)
select count(*) from added;

-- name: change_collection_products
-- How many collection products of the mirror were older and are changed?
with aimed as materialized (
    select s.ctid as place
    from shopify.staged_collection_products as s
    join shopify.collection_products as m
        on (m.shop_id, m.collection_id, m.product_id) = (s.shop_id, s.collection_id, s.product_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
        and not exists (
            select from shopify.collections as p
            where (p.shop_id, p.collection_id) = (s.shop_id, s.collection_id)
                and (p.updated_at, p.seen_at) > (s.updated_at, $4::timestamptz)
        )
), changed as (
    update shopify.collection_products as m
    set digest = s.digest, updated_at = s.updated_at, seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_collection_products as s on s.ctid = a.place
    where (m.shop_id, m.collection_id, m.product_id) = (s.shop_id, s.collection_id, s.product_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning 1
)
select count(*) from changed;

-- name: drop_doubles_collection_products
-- Of collection products that came twice in one result the later one counts.
delete from shopify.staged_collection_products as s
using shopify.staged_collection_products as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.collection_id, o.product_id) = (s.shop_id, s.collection_id, s.product_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: add_inventory_levels
-- How many inventory levels are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.inventory_levels (
        shop_id, inventory_item_id, location_id, level_id, available, on_hand, committed, incoming, reserved, damaged,
        quality_control, safety_stock, created_at, digest, updated_at, seen_at
    )
    select
        s.shop_id, s.inventory_item_id, s.location_id, s.level_id, s.available, s.on_hand, s.committed, s.incoming, s.reserved,
        s.damaged, s.quality_control, s.safety_stock, s.created_at, s.digest, s.updated_at, $4::timestamptz
    from shopify.staged_inventory_levels as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and (
            $5::boolean
            or not exists (
                select from shopify.inventory_levels as m
                where (m.shop_id, m.inventory_item_id, m.location_id) = (s.shop_id, s.inventory_item_id, s.location_id)
            )
        )
    returning 1
)
select count(*) from added;

-- name: change_inventory_levels
-- How many inventory levels of the mirror were older and are changed?
with aimed as materialized (
    select s.ctid as place
    from shopify.staged_inventory_levels as s
    join shopify.inventory_levels as m
        on (m.shop_id, m.inventory_item_id, m.location_id) = (s.shop_id, s.inventory_item_id, s.location_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), changed as (
    update shopify.inventory_levels as m
    set level_id = s.level_id, available = s.available, on_hand = s.on_hand, committed = s.committed, incoming = s.incoming,
        reserved = s.reserved, damaged = s.damaged, quality_control = s.quality_control, safety_stock = s.safety_stock,
        created_at = s.created_at, digest = s.digest, updated_at = s.updated_at, seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_inventory_levels as s on s.ctid = a.place
    where (m.shop_id, m.inventory_item_id, m.location_id) = (s.shop_id, s.inventory_item_id, s.location_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning 1
)
select count(*) from changed;

-- name: drop_doubles_inventory_levels
-- Of inventory levels that came twice in one result the later one counts.
delete from shopify.staged_inventory_levels as s
using shopify.staged_inventory_levels as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.inventory_item_id, o.location_id) = (s.shop_id, s.inventory_item_id, s.location_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: add_discount_codes
-- How many discount codes are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.discount_codes (
        shop_id, discount_id, code_id, code, usage_count, digest, updated_at, seen_at
    )
    select
        s.shop_id, s.discount_id, s.code_id, s.code, s.usage_count, s.digest, s.updated_at, $4::timestamptz
    from shopify.staged_discount_codes as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and (
            $5::boolean
            or not exists (
                select from shopify.discount_codes as m
                where (m.shop_id, m.discount_id, m.code_id) = (s.shop_id, s.discount_id, s.code_id)
            )
        )
    returning 1
)
select count(*) from added;

-- name: change_discount_codes
-- How many discount codes of the mirror were older and are changed?
with aimed as materialized (
    select s.ctid as place
    from shopify.staged_discount_codes as s
    join shopify.discount_codes as m
        on (m.shop_id, m.discount_id, m.code_id) = (s.shop_id, s.discount_id, s.code_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), changed as (
    update shopify.discount_codes as m
    set code = s.code, usage_count = s.usage_count, digest = s.digest, updated_at = s.updated_at, seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_discount_codes as s on s.ctid = a.place
    where (m.shop_id, m.discount_id, m.code_id) = (s.shop_id, s.discount_id, s.code_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning 1
)
select count(*) from changed;

-- name: drop_doubles_discount_codes
-- Of discount codes that came twice in one result the later one counts.
delete from shopify.staged_discount_codes as s
using shopify.staged_discount_codes as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.discount_id, o.code_id) = (s.shop_id, s.discount_id, s.code_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: find_news_orders
-- Which orders of a chunk ($2) say something new? Those that the mirror has word for word need not be kept again.
select s.raw_id
from shopify.staged_orders as s
where s.load_id = $1 and s.chunk = $2
    and not exists (
        select from shopify.orders as m
        where (m.shop_id, m.order_id) = (s.shop_id, s.order_id)
            and m.digest = s.digest and m.deleted_at is null
    );

-- name: add_orders
-- How many orders are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.orders (
        shop_id, order_id, name, customer_id, email, processed_at, created_at, cancelled_at, cancel_reason, is_test, source_name,
        app_name, financial_status, fulfillment_status, return_status, country_code, province_code, tags, discount_codes,
        line_quantity, currency, subtotal_price, total_discounts, total_shipping, total_tax, total_price, total_refunded,
        total_duties, total_fees, total_tip, current_total_price, gateways, total_received, total_outstanding, refunded_shipping,
        presentment_currency, presentment_subtotal_price, presentment_total_discounts, presentment_total_shipping,
        presentment_total_tax, presentment_total_price, presentment_total_refunded, raw_id, digest, updated_at, seen_at
    )
    select
        s.shop_id, s.order_id, s.name, s.customer_id, s.email, s.processed_at, s.created_at, s.cancelled_at, s.cancel_reason,
        s.is_test, s.source_name, s.app_name, s.financial_status, s.fulfillment_status, s.return_status, s.country_code,
        s.province_code, s.tags, s.discount_codes, s.line_quantity, s.currency, s.subtotal_price, s.total_discounts,
        s.total_shipping, s.total_tax, s.total_price, s.total_refunded, s.total_duties, s.total_fees, s.total_tip,
        s.current_total_price, s.gateways, s.total_received, s.total_outstanding, s.refunded_shipping, s.presentment_currency,
        s.presentment_subtotal_price, s.presentment_total_discounts, s.presentment_total_shipping, s.presentment_total_tax,
        s.presentment_total_price, s.presentment_total_refunded, s.raw_id, s.digest, s.updated_at, $4::timestamptz
    from shopify.staged_orders as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and not exists (
            select from shopify.tombstones as d
            where (d.shop_id, d.kind, d.object_id) = (s.shop_id, 'orders', s.order_id) and d.deleted_at >= $4
        )
        and (
            $5::boolean
            or not exists (
                select from shopify.orders as m
                where (m.shop_id, m.order_id) = (s.shop_id, s.order_id)
            )
        )
    returning shop_id, processed_at
), marked as (
    insert into shopify.dirty_hours (shop_id, hour)
    select distinct shop_id, date_trunc('hour', processed_at) from added
    on conflict do nothing
)
select count(*) from added;

-- name: change_orders
-- How many orders of the mirror were older and are changed? Their old texts are nobody's any more.
with aimed as materialized (
    select s.ctid as place, m.shop_id, m.raw_id, m.processed_at
    from shopify.staged_orders as s
    join shopify.orders as m
        on (m.shop_id, m.order_id) = (s.shop_id, s.order_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), dropped as (
    delete from shopify.raw_objects as r
    using aimed as a
    where (r.shop_id, r.raw_id) = (a.shop_id, a.raw_id)
), changed as (
    update shopify.orders as m
    set name = s.name, customer_id = s.customer_id, email = s.email, processed_at = s.processed_at, created_at = s.created_at,
        cancelled_at = s.cancelled_at, cancel_reason = s.cancel_reason, is_test = s.is_test, source_name = s.source_name,
        app_name = s.app_name, financial_status = s.financial_status, fulfillment_status = s.fulfillment_status,
        return_status = s.return_status, country_code = s.country_code, province_code = s.province_code, tags = s.tags,
        discount_codes = s.discount_codes, line_quantity = s.line_quantity, currency = s.currency,
        subtotal_price = s.subtotal_price, total_discounts = s.total_discounts, total_shipping = s.total_shipping,
        total_tax = s.total_tax, total_price = s.total_price, total_refunded = s.total_refunded, total_duties = s.total_duties,
        total_fees = s.total_fees, total_tip = s.total_tip, current_total_price = s.current_total_price, gateways = s.gateways,
        total_received = s.total_received, total_outstanding = s.total_outstanding, refunded_shipping = s.refunded_shipping,
        presentment_currency = s.presentment_currency, presentment_subtotal_price = s.presentment_subtotal_price,
        presentment_total_discounts = s.presentment_total_discounts, presentment_total_shipping = s.presentment_total_shipping,
        presentment_total_tax = s.presentment_total_tax, presentment_total_price = s.presentment_total_price,
        presentment_total_refunded = s.presentment_total_refunded, raw_id = s.raw_id, digest = s.digest,
        updated_at = s.updated_at, seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_orders as s on s.ctid = a.place
    where (m.shop_id, m.order_id) = (s.shop_id, s.order_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning m.shop_id, m.processed_at
), marked as (
    insert into shopify.dirty_hours (shop_id, hour)
    select shop_id, date_trunc('hour', processed_at) from changed
    union
    select shop_id, date_trunc('hour', processed_at) from aimed
    on conflict do nothing
)
select count(*) from changed;

-- name: drop_unused_orders
-- The texts of orders that the mirror did not take, because it knew better, are nobody's.
delete from shopify.raw_objects as r
using shopify.staged_orders as s
where s.load_id = $1 and s.chunk between $2 and $3 and r.shop_id = s.shop_id and r.raw_id = s.raw_id
    and not exists (
        select from shopify.orders as m
        where (m.shop_id, m.order_id) = (s.shop_id, s.order_id) and m.raw_id = s.raw_id
    );

-- name: drop_doubles_orders
-- Of orders that came twice in one result the later one counts.
delete from shopify.staged_orders as s
using shopify.staged_orders as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.order_id) = (s.shop_id, s.order_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: find_news_products
-- Which products of a chunk ($2) say something new? Those that the mirror has word for word need not be kept again.
select s.raw_id
from shopify.staged_products as s
where s.load_id = $1 and s.chunk = $2
    and not exists (
        select from shopify.products as m
        where (m.shop_id, m.product_id) = (s.shop_id, s.product_id)
            and m.digest = s.digest and m.deleted_at is null
    );

-- name: add_products
-- How many products are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.products (
        shop_id, product_id, title, handle, vendor, product_type, category, status, tags, is_gift_card, tracks_inventory,
        total_inventory, variants_count, min_price, max_price, currency, created_at, published_at, raw_id, digest, updated_at,
        seen_at
    )
    select
        s.shop_id, s.product_id, s.title, s.handle, s.vendor, s.product_type, s.category, s.status, s.tags, s.is_gift_card,
        s.tracks_inventory, s.total_inventory, s.variants_count, s.min_price, s.max_price, s.currency, s.created_at,
        s.published_at, s.raw_id, s.digest, s.updated_at, $4::timestamptz
    from shopify.staged_products as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and not exists (
            select from shopify.tombstones as d
            where (d.shop_id, d.kind, d.object_id) = (s.shop_id, 'products', s.product_id) and d.deleted_at >= $4
        )
        and (
            $5::boolean
            or not exists (
                select from shopify.products as m
                where (m.shop_id, m.product_id) = (s.shop_id, s.product_id)
            )
        )
    returning 1
)
select count(*) from added;

-- name: change_products
-- How many products of the mirror were older and are changed? Their old texts are nobody's any more.
with aimed as materialized (
    select s.ctid as place, m.shop_id, m.raw_id
    from shopify.staged_products as s
    join shopify.products as m
        on (m.shop_id, m.product_id) = (s.shop_id, s.product_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), dropped as (
    delete from shopify.raw_objects as r
    using aimed as a
    where (r.shop_id, r.raw_id) = (a.shop_id, a.raw_id)
), changed as (
    update shopify.products as m
    set title = s.title, handle = s.handle, vendor = s.vendor, product_type = s.product_type, category = s.category,
        status = s.status, tags = s.tags, is_gift_card = s.is_gift_card, tracks_inventory = s.tracks_inventory,
        total_inventory = s.total_inventory, variants_count = s.variants_count, min_price = s.min_price, max_price = s.max_price,
        currency = s.currency, created_at = s.created_at, published_at = s.published_at, raw_id = s.raw_id, digest = s.digest,
        updated_at = s.updated_at, seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_products as s on s.ctid = a.place
    where (m.shop_id, m.product_id) = (s.shop_id, s.product_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning 1
)
select count(*) from changed;

-- name: drop_unused_products
-- The texts of products that the mirror did not take, because it knew better, are nobody's.
delete from shopify.raw_objects as r
using shopify.staged_products as s
where s.load_id = $1 and s.chunk between $2 and $3 and r.shop_id = s.shop_id and r.raw_id = s.raw_id
    and not exists (
        select from shopify.products as m
        where (m.shop_id, m.product_id) = (s.shop_id, s.product_id) and m.raw_id = s.raw_id
    );

-- name: drop_doubles_products
-- Of products that came twice in one result the later one counts.
delete from shopify.staged_products as s
using shopify.staged_products as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.product_id) = (s.shop_id, s.product_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: find_news_inventory_items
-- Which inventory items of a chunk ($2) say something new? Those that the mirror has word for word need not be kept again.
select s.raw_id
from shopify.staged_inventory_items as s
where s.load_id = $1 and s.chunk = $2
    and not exists (
        select from shopify.inventory_items as m
        where (m.shop_id, m.inventory_item_id) = (s.shop_id, s.inventory_item_id)
            and m.digest = s.digest and m.deleted_at is null
    );

-- name: add_inventory_items
-- How many inventory items are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.inventory_items (
        shop_id, inventory_item_id, sku, is_tracked, requires_shipping, unit_cost, cost_currency, weight, weight_unit,
        country_code_of_origin, harmonized_system_code, locations_count, created_at, raw_id, digest, updated_at, seen_at
    )
    select
        s.shop_id, s.inventory_item_id, s.sku, s.is_tracked, s.requires_shipping, s.unit_cost, s.cost_currency, s.weight,
        s.weight_unit, s.country_code_of_origin, s.harmonized_system_code, s.locations_count, s.created_at, s.raw_id, s.digest,
        s.updated_at, $4::timestamptz
    from shopify.staged_inventory_items as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and not exists (
            select from shopify.tombstones as d
            where (d.shop_id, d.kind, d.object_id) = (s.shop_id, 'inventory_items', s.inventory_item_id) and d.deleted_at >= $4
        )
        and (
            $5::boolean
            or not exists (
                select from shopify.inventory_items as m
                where (m.shop_id, m.inventory_item_id) = (s.shop_id, s.inventory_item_id)
            )
        )
    returning 1
)
select count(*) from added;

-- name: change_inventory_items
-- How many inventory items of the mirror were older and are changed? Their old texts are nobody's any more.
with aimed as materialized (
    select s.ctid as place, m.shop_id, m.raw_id
    from shopify.staged_inventory_items as s
    join shopify.inventory_items as m
        on (m.shop_id, m.inventory_item_id) = (s.shop_id, s.inventory_item_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), dropped as (
    delete from shopify.raw_objects as r
    using aimed as a
    where (r.shop_id, r.raw_id) = (a.shop_id, a.raw_id)
), changed as (
    update shopify.inventory_items as m
    set sku = s.sku, is_tracked = s.is_tracked, requires_shipping = s.requires_shipping, unit_cost = s.unit_cost,
        cost_currency = s.cost_currency, weight = s.weight, weight_unit = s.weight_unit,
        country_code_of_origin = s.country_code_of_origin, harmonized_system_code = s.harmonized_system_code,
        locations_count = s.locations_count, created_at = s.created_at, raw_id = s.raw_id, digest = s.digest,
        updated_at = s.updated_at, seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_inventory_items as s on s.ctid = a.place
    where (m.shop_id, m.inventory_item_id) = (s.shop_id, s.inventory_item_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning 1
)
select count(*) from changed;

-- name: drop_unused_inventory_items
-- The texts of inventory items that the mirror did not take, because it knew better, are nobody's.
delete from shopify.raw_objects as r
using shopify.staged_inventory_items as s
where s.load_id = $1 and s.chunk between $2 and $3 and r.shop_id = s.shop_id and r.raw_id = s.raw_id
    and not exists (
        select from shopify.inventory_items as m
        where (m.shop_id, m.inventory_item_id) = (s.shop_id, s.inventory_item_id) and m.raw_id = s.raw_id
    );

-- name: drop_doubles_inventory_items
-- Of inventory items that came twice in one result the later one counts.
delete from shopify.staged_inventory_items as s
using shopify.staged_inventory_items as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.inventory_item_id) = (s.shop_id, s.inventory_item_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: find_news_locations
-- Which locations of a chunk ($2) say something new? Those that the mirror has word for word need not be kept again.
select s.raw_id
from shopify.staged_locations as s
where s.load_id = $1 and s.chunk = $2
    and not exists (
        select from shopify.locations as m
        where (m.shop_id, m.location_id) = (s.shop_id, s.location_id)
            and m.digest = s.digest and m.deleted_at is null
    );

-- name: add_locations
-- How many locations are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.locations (
        shop_id, location_id, name, is_active, is_fulfillment_service, city, province_code, country_code, created_at, raw_id,
        digest, updated_at, seen_at
    )
    select
        s.shop_id, s.location_id, s.name, s.is_active, s.is_fulfillment_service, s.city, s.province_code, s.country_code,
        s.created_at, s.raw_id, s.digest, s.updated_at, $4::timestamptz
    from shopify.staged_locations as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and not exists (
            select from shopify.tombstones as d
            where (d.shop_id, d.kind, d.object_id) = (s.shop_id, 'locations', s.location_id) and d.deleted_at >= $4
        )
        and (
            $5::boolean
            or not exists (
                select from shopify.locations as m
                where (m.shop_id, m.location_id) = (s.shop_id, s.location_id)
            )
        )
    returning 1
)
select count(*) from added;

-- name: change_locations
-- How many locations of the mirror were older and are changed? Their old texts are nobody's any more.
with aimed as materialized (
    select s.ctid as place, m.shop_id, m.raw_id
    from shopify.staged_locations as s
    join shopify.locations as m
        on (m.shop_id, m.location_id) = (s.shop_id, s.location_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), dropped as (
    delete from shopify.raw_objects as r
    using aimed as a
    where (r.shop_id, r.raw_id) = (a.shop_id, a.raw_id)
), changed as (
    update shopify.locations as m
    set name = s.name, is_active = s.is_active, is_fulfillment_service = s.is_fulfillment_service, city = s.city,
        province_code = s.province_code, country_code = s.country_code, created_at = s.created_at, raw_id = s.raw_id,
        digest = s.digest, updated_at = s.updated_at, seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_locations as s on s.ctid = a.place
    where (m.shop_id, m.location_id) = (s.shop_id, s.location_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning 1
)
select count(*) from changed;

-- name: drop_unused_locations
-- The texts of locations that the mirror did not take, because it knew better, are nobody's.
delete from shopify.raw_objects as r
using shopify.staged_locations as s
where s.load_id = $1 and s.chunk between $2 and $3 and r.shop_id = s.shop_id and r.raw_id = s.raw_id
    and not exists (
        select from shopify.locations as m
        where (m.shop_id, m.location_id) = (s.shop_id, s.location_id) and m.raw_id = s.raw_id
    );

-- name: drop_doubles_locations
-- Of locations that came twice in one result the later one counts.
delete from shopify.staged_locations as s
using shopify.staged_locations as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.location_id) = (s.shop_id, s.location_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: find_news_customers
-- Which customers of a chunk ($2) say something new? Those that the mirror has word for word need not be kept again.
select s.raw_id
from shopify.staged_customers as s
where s.load_id = $1 and s.chunk = $2
    and not exists (
        select from shopify.customers as m
        where (m.shop_id, m.customer_id) = (s.shop_id, s.customer_id)
            and m.digest = s.digest and m.deleted_at is null
    );

-- name: add_customers
-- How many customers are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.customers (
        shop_id, customer_id, email, phone, first_name, last_name, display_name, state, locale, tags, is_verified, is_tax_exempt,
        orders_count, amount_spent, currency, last_order_id, country_code, province_code, email_marketing_state,
        sms_marketing_state, rfm_group, predicted_spend_tier, created_at, raw_id, digest, updated_at, seen_at
    )
    select
        s.shop_id, s.customer_id, s.email, s.phone, s.first_name, s.last_name, s.display_name, s.state, s.locale, s.tags,
        s.is_verified, s.is_tax_exempt, s.orders_count, s.amount_spent, s.currency, s.last_order_id, s.country_code,
        s.province_code, s.email_marketing_state, s.sms_marketing_state, s.rfm_group, s.predicted_spend_tier, s.created_at,
        s.raw_id, s.digest, s.updated_at, $4::timestamptz
    from shopify.staged_customers as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and not exists (
            select from shopify.tombstones as d
            where (d.shop_id, d.kind, d.object_id) = (s.shop_id, 'customers', s.customer_id) and d.deleted_at >= $4
        )
        and (
            $5::boolean
            or not exists (
                select from shopify.customers as m
                where (m.shop_id, m.customer_id) = (s.shop_id, s.customer_id)
            )
        )
    returning 1
)
select count(*) from added;

-- name: change_customers
-- How many customers of the mirror were older and are changed? Their old texts are nobody's any more.
with aimed as materialized (
    select s.ctid as place, m.shop_id, m.raw_id
    from shopify.staged_customers as s
    join shopify.customers as m
        on (m.shop_id, m.customer_id) = (s.shop_id, s.customer_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), dropped as (
    delete from shopify.raw_objects as r
    using aimed as a
    where (r.shop_id, r.raw_id) = (a.shop_id, a.raw_id)
), changed as (
    update shopify.customers as m
    set email = s.email, phone = s.phone, first_name = s.first_name, last_name = s.last_name, display_name = s.display_name,
        state = s.state, locale = s.locale, tags = s.tags, is_verified = s.is_verified, is_tax_exempt = s.is_tax_exempt,
        orders_count = s.orders_count, amount_spent = s.amount_spent, currency = s.currency, last_order_id = s.last_order_id,
        country_code = s.country_code, province_code = s.province_code, email_marketing_state = s.email_marketing_state,
        sms_marketing_state = s.sms_marketing_state, rfm_group = s.rfm_group, predicted_spend_tier = s.predicted_spend_tier,
        created_at = s.created_at, raw_id = s.raw_id, digest = s.digest, updated_at = s.updated_at, seen_at = $4,
        deleted_at = null
    from aimed as a
    join shopify.staged_customers as s on s.ctid = a.place
    where (m.shop_id, m.customer_id) = (s.shop_id, s.customer_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning 1
)
select count(*) from changed;

-- name: drop_unused_customers
-- The texts of customers that the mirror did not take, because it knew better, are nobody's.
delete from shopify.raw_objects as r
using shopify.staged_customers as s
where s.load_id = $1 and s.chunk between $2 and $3 and r.shop_id = s.shop_id and r.raw_id = s.raw_id
    and not exists (
        select from shopify.customers as m
        where (m.shop_id, m.customer_id) = (s.shop_id, s.customer_id) and m.raw_id = s.raw_id
    );

-- name: drop_doubles_customers
-- Of customers that came twice in one result the later one counts.
delete from shopify.staged_customers as s
using shopify.staged_customers as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.customer_id) = (s.shop_id, s.customer_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: find_news_collections
-- Which collections of a chunk ($2) say something new? Those that the mirror has word for word need not be kept again.
select s.raw_id
from shopify.staged_collections as s
where s.load_id = $1 and s.chunk = $2
    and not exists (
        select from shopify.collections as m
        where (m.shop_id, m.collection_id) = (s.shop_id, s.collection_id)
            and m.digest = s.digest and m.deleted_at is null
    );

-- name: add_collections
-- How many collections are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.collections (
        shop_id, collection_id, title, handle, sort_order, products_count, raw_id, digest, updated_at, seen_at
    )
    select
        s.shop_id, s.collection_id, s.title, s.handle, s.sort_order, s.products_count, s.raw_id, s.digest, s.updated_at,
        $4::timestamptz
    from shopify.staged_collections as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and not exists (
            select from shopify.tombstones as d
            where (d.shop_id, d.kind, d.object_id) = (s.shop_id, 'collections', s.collection_id) and d.deleted_at >= $4
        )
        and (
            $5::boolean
            or not exists (
                select from shopify.collections as m
                where (m.shop_id, m.collection_id) = (s.shop_id, s.collection_id)
            )
        )
    returning 1
)
select count(*) from added;

-- name: change_collections
-- How many collections of the mirror were older and are changed? Their old texts are nobody's any more.
with aimed as materialized (
    select s.ctid as place, m.shop_id, m.raw_id
    from shopify.staged_collections as s
    join shopify.collections as m
        on (m.shop_id, m.collection_id) = (s.shop_id, s.collection_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), dropped as (
    delete from shopify.raw_objects as r
    using aimed as a
    where (r.shop_id, r.raw_id) = (a.shop_id, a.raw_id)
), changed as (
    update shopify.collections as m
    set title = s.title, handle = s.handle, sort_order = s.sort_order, products_count = s.products_count, raw_id = s.raw_id,
        digest = s.digest, updated_at = s.updated_at, seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_collections as s on s.ctid = a.place
    where (m.shop_id, m.collection_id) = (s.shop_id, s.collection_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning 1
)
select count(*) from changed;

-- name: drop_unused_collections
-- The texts of collections that the mirror did not take, because it knew better, are nobody's.
delete from shopify.raw_objects as r
using shopify.staged_collections as s
where s.load_id = $1 and s.chunk between $2 and $3 and r.shop_id = s.shop_id and r.raw_id = s.raw_id
    and not exists (
        select from shopify.collections as m
        where (m.shop_id, m.collection_id) = (s.shop_id, s.collection_id) and m.raw_id = s.raw_id
    );

-- name: drop_doubles_collections
-- Of collections that came twice in one result the later one counts.
delete from shopify.staged_collections as s
using shopify.staged_collections as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.collection_id) = (s.shop_id, s.collection_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);

-- name: find_news_discounts
-- Which discounts of a chunk ($2) say something new? Those that the mirror has word for word need not be kept again.
select s.raw_id
from shopify.staged_discounts as s
where s.load_id = $1 and s.chunk = $2
    and not exists (
        select from shopify.discounts as m
        where (m.shop_id, m.method, m.discount_id) = (s.shop_id, s.method, s.discount_id)
            and m.digest = s.digest and m.deleted_at is null
    );

-- name: add_discounts
-- How many discounts are new to the mirror? With $5 it has none of this shop, and nothing is looked up.
with added as (
    insert into shopify.discounts (
        shop_id, method, discount_id, kind, title, status, summary, starts_at, ends_at, percentage, amount, currency, usage_count,
        usage_limit, codes_count, is_once_per_customer, classes, created_at, raw_id, digest, updated_at, seen_at
    )
    select
        s.shop_id, s.method, s.discount_id, s.kind, s.title, s.status, s.summary, s.starts_at, s.ends_at, s.percentage, s.amount,
        s.currency, s.usage_count, s.usage_limit, s.codes_count, s.is_once_per_customer, s.classes, s.created_at, s.raw_id,
        s.digest, s.updated_at, $4::timestamptz
    from shopify.staged_discounts as s
    where s.load_id = $1 and s.chunk between $2 and $3 and s.updated_at is not null
        and not exists (
            select from shopify.tombstones as d
            where (d.shop_id, d.kind, d.object_id) = (s.shop_id, 'discounts', s.discount_id) and d.deleted_at >= $4
        )
        and (
            $5::boolean
            or not exists (
                select from shopify.discounts as m
                where (m.shop_id, m.method, m.discount_id) = (s.shop_id, s.method, s.discount_id)
            )
        )
    returning 1
)
select count(*) from added;

-- name: change_discounts
-- How many discounts of the mirror were older and are changed? Their old texts are nobody's any more.
with aimed as materialized (
    select s.ctid as place, m.shop_id, m.raw_id
    from shopify.staged_discounts as s
    join shopify.discounts as m
        on (m.shop_id, m.method, m.discount_id) = (s.shop_id, s.method, s.discount_id)
    where s.load_id = $1 and s.chunk between $2 and $3
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
), dropped as (
    delete from shopify.raw_objects as r
    using aimed as a
    where (r.shop_id, r.raw_id) = (a.shop_id, a.raw_id)
), changed as (
    update shopify.discounts as m
    set kind = s.kind, title = s.title, status = s.status, summary = s.summary, starts_at = s.starts_at, ends_at = s.ends_at,
        percentage = s.percentage, amount = s.amount, currency = s.currency, usage_count = s.usage_count,
        usage_limit = s.usage_limit, codes_count = s.codes_count, is_once_per_customer = s.is_once_per_customer,
        classes = s.classes, created_at = s.created_at, raw_id = s.raw_id, digest = s.digest, updated_at = s.updated_at,
        seen_at = $4, deleted_at = null
    from aimed as a
    join shopify.staged_discounts as s on s.ctid = a.place
    where (m.shop_id, m.method, m.discount_id) = (s.shop_id, s.method, s.discount_id)
        and (m.digest <> s.digest or m.deleted_at is not null)
        and (s.updated_at, $4::timestamptz) >= (m.updated_at, m.seen_at)
        and (m.deleted_at is null or m.deleted_at < $4)
    returning 1
)
select count(*) from changed;

-- name: drop_unused_discounts
-- The texts of discounts that the mirror did not take, because it knew better, are nobody's.
delete from shopify.raw_objects as r
using shopify.staged_discounts as s
where s.load_id = $1 and s.chunk between $2 and $3 and r.shop_id = s.shop_id and r.raw_id = s.raw_id
    and not exists (
        select from shopify.discounts as m
        where (m.shop_id, m.method, m.discount_id) = (s.shop_id, s.method, s.discount_id) and m.raw_id = s.raw_id
    );

-- name: drop_doubles_discounts
-- Of discounts that came twice in one result the later one counts.
delete from shopify.staged_discounts as s
using shopify.staged_discounts as o
where s.load_id = $1 and o.load_id = s.load_id
    and (o.shop_id, o.method, o.discount_id) = (s.shop_id, s.method, s.discount_id)
    and (s.chunk, s.ctid) < (o.chunk, o.ctid);
