-- name: add_operation
-- Keep an operation before Shopify hears of it.
insert into shopify.bulk_operations
    (shop_id, operation_id, kind, purpose, user_id, bucket, document, group_objects, facts, expected_objects, is_probed, dropped_fields,
     parts, status)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10, $11, $12, $13, 'pending')
returning *;

-- name: find_operation
-- Which operation is this?
select * from shopify.bulk_operations where shop_id = $1 and operation_id = $2;

-- name: find_operation_of_shops
-- Which operation of these shops is this?
select * from shopify.bulk_operations where shop_id = any($1::bigint[]) and operation_id = $2;

-- name: find_operation_by_number
-- Which operation of these shops has this number at Shopify?
select * from shopify.bulk_operations where shop_id = any($1::bigint[]) and gid = 'gid://shopify/BulkOperation/' || $2::text;

-- name: list_operations
-- Which operations did callers start for these shops? Newest first, from before $2.
select o.*
from unnest($1::bigint[]) as s (shop_id)
cross join lateral (
    select *
    from shopify.bulk_operations as b
    where b.shop_id = s.shop_id and b.purpose <> 'sync' and not b.facts ? 'part_of'
        and (b.created_at, b.operation_id)
            < (coalesce($2::timestamptz, 'infinity'), coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
        and ($3::text is null or b.status = $3)
    order by b.created_at desc, b.operation_id desc
    limit $4
) as o
order by o.created_at desc, o.operation_id desc
limit $4;

-- name: list_all_operations
-- Which operations did these shops have at all? Newest first, from before $2.
select o.*
from unnest($1::bigint[]) as s (shop_id)
cross join lateral (
    select *
    from shopify.bulk_operations as b
    where b.shop_id = s.shop_id
        and (b.created_at, b.operation_id)
            < (coalesce($2::timestamptz, 'infinity'), coalesce($5::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
        and ($3::text is null or b.status = $3)
    order by b.created_at desc, b.operation_id desc
    limit $4
) as o
order by o.created_at desc, o.operation_id desc
limit $4;

-- name: find_reusable
-- Is there an operation with this very document that runs, or ended well no longer than $4 seconds ago?
-- The same app's only, for another one may be allowed to read less.
select *
from shopify.bulk_operations
where shop_id = $1 and facts ? 'fingerprint' and facts ->> 'fingerprint' = $3 and purpose = $2 and bucket = $5
    and not cancel_requested
    and (status in ('pending', 'submitting', 'created', 'running')
        or (status = 'completed' and completed_at > now() - make_interval(secs => $4)))
order by created_at desc
limit 1;

-- name: count_open
-- How many operations of this kind does our app have at Shopify for the shop, as far as we know? One in parts is not there itself.
select count(*)
from shopify.bulk_operations
where shop_id = $1 and bucket = $2 and kind = $3 and parts = 1 and status in ('submitting', 'created', 'running', 'canceling');

-- name: next_waiting
-- Which operation of this kind has waited longest for a slot?
select operation_id
from shopify.bulk_operations
where shop_id = $1 and bucket = $2 and kind = $3 and parts = 1 and status = 'pending'
order by created_at
limit 1;

-- name: lock_slots
-- One submission at a time per shop, app and kind, so that two workers do not both find the last slot.
select pg_advisory_xact_lock(hashtextextended('shopify.bulk:' || $1::bigint || ':' || $2::text || ':' || $3::text, 0));

-- name: begin_submission
-- From here on Shopify may know of the operation.
update shopify.bulk_operations
set status = 'submitting', submitted_at = clock_timestamp(), tries = tries + 1
where shop_id = $1 and operation_id = $2 and status = 'pending' and not cancel_requested
returning submitted_at;

-- name: take_back
-- Shopify did not take it, or failed it: it waits again. Not an attempt where $4.
update shopify.bulk_operations
set status = 'pending', gid = null, error_code = $3, tries = case when $4::boolean then tries - 1 else tries end,
    object_count = 0, root_object_count = 0, canceling_at = null
where shop_id = $1 and operation_id = $2;

-- name: take_back_lost
-- It never came to Shopify, which would know of it after $3 seconds: it waits again.
update shopify.bulk_operations
set status = 'pending', tries = tries - 1
where shop_id = $1 and operation_id = $2 and status = 'submitting'
    and submitted_at < clock_timestamp() - make_interval(secs => $3)
returning true;

-- name: keep_probe
-- What the probe has shown: fields that Shopify does not let us read are left out.
update shopify.bulk_operations
set document = $3, dropped_fields = $4, is_probed = true
where shop_id = $1 and operation_id = $2;

-- name: keep_upload
-- Where the lines were uploaded to.
update shopify.bulk_operations set upload_path = $3 where shop_id = $1 and operation_id = $2;

-- name: keep_seen
-- What Shopify says of it now. Was it rung for, or is it not wanted any more? Those that Shopify cancelled have no end there.
update shopify.bulk_operations
set status = $3, gid = $4, object_count = $5, root_object_count = $6, file_size = $7, url = $8, partial_data_url = $9,
    error_code = $10, error_message = $12, seen_at = clock_timestamp(),
    canceling_at = case when $3 = 'canceling' then coalesce(canceling_at, clock_timestamp()) end,
    completed_at = coalesce(
        $11::timestamptz,
        case when $3 in ('completed', 'canceled', 'failed', 'expired') then coalesce(completed_at, clock_timestamp()) end
    )
where shop_id = $1 and operation_id = $2
returning rung_at, cancel_requested;

-- name: end_operation
-- It ended without Shopify, or will not be followed any more.
update shopify.bulk_operations
set status = $3, error_code = $4, error_message = $5, completed_at = coalesce(completed_at, clock_timestamp()), seen_at = clock_timestamp()
where shop_id = $1 and operation_id = $2;

-- name: request_cancel
-- Somebody does not want it any more.
update shopify.bulk_operations
set cancel_requested = true
where shop_id = $1 and operation_id = $2 and status in ('pending', 'submitting', 'created', 'running', 'canceling')
returning true;

-- name: ring_operation
-- Shopify says that this operation of its is over: which is it?
update shopify.bulk_operations
set rung_at = clock_timestamp()
where shop_id = $1 and gid = $2
returning operation_id;

-- name: add_lines
-- Keep a piece of what is to be uploaded, compressed; it is ready when its lines are what Shopify takes.
insert into shopify.bulk_lines (shop_id, operation_id, number, line_count, size_bytes, data, is_ready)
values ($1, $2, $3, $4, $5, $6, $7);

-- name: find_raw_piece
-- Which piece is to be made ready next, and how many lines are before it?
select number, data,
    (
        select coalesce(sum(line_count), 0)
        from shopify.bulk_lines as before
        where before.shop_id = $1 and before.operation_id = $2 and before.number < piece.number
    ) as first_line
from shopify.bulk_lines as piece
where shop_id = $1 and operation_id = $2 and not is_ready
order by number
limit 1;

-- name: keep_ready_piece
-- This piece is what Shopify takes now.
update shopify.bulk_lines
set data = $4, size_bytes = $5, is_ready = true
where shop_id = $1 and operation_id = $2 and number = $3 and not is_ready;

-- name: list_pieces
-- How large is what is to be uploaded?
select number, line_count, size_bytes from shopify.bulk_lines where shop_id = $1 and operation_id = $2 order by number;

-- name: move_pieces
-- These pieces are uploaded by a part.
update shopify.bulk_lines set operation_id = $3 where shop_id = $1 and operation_id = $2 and number between $4 and $5;

-- name: become_whole
-- The operation is done by so many parts from now on. Does anybody still want it?
update shopify.bulk_operations set parts = $3 where shop_id = $1 and operation_id = $2 returning cancel_requested;

-- name: add_refusals
-- These lines are not sent.
insert into shopify.bulk_refusals (shop_id, operation_id, line, field, message, code) values ($1, $2, $3, $4, $5, $6)
on conflict do nothing;

-- name: list_refusals
-- Which lines were not sent, and why?
select line, field, message, code from shopify.bulk_refusals where shop_id = $1 and operation_id = $2 order by line;

-- name: read_pieces
-- What is to be uploaded?
select data from shopify.bulk_lines where shop_id = $1 and operation_id = $2 order by number;

-- name: forget_pieces
-- It is done.
delete from shopify.bulk_lines where shop_id = $1 and operation_id = $2;

-- name: list_parts
-- What are the parts of this operation?
select *
from shopify.bulk_operations
where shop_id = $1 and facts ? 'part_of' and facts ->> 'part_of' = $2::text
order by (facts ->> 'part')::integer;

-- name: sum_up_parts
-- The whole is over when its parts are: what they brought together, and the worst of how they ended.
update shopify.bulk_operations as whole
set object_count = p.objects, root_object_count = p.roots, file_size = p.bytes, completed_at = clock_timestamp(),
    seen_at = clock_timestamp(), error_code = p.error_code, error_message = p.error_message,
    status = case when p.failed > 0 then 'failed' when p.canceled > 0 then 'canceled' else 'completed' end
from (
    select count(*) filter (where status not in ('completed', 'canceled', 'failed', 'expired')) as open,
        count(*) filter (where status in ('failed', 'expired')) as failed, count(*) filter (where status = 'canceled') as canceled,
        coalesce(sum(object_count), 0) as objects, coalesce(sum(root_object_count), 0) as roots, sum(file_size) as bytes,
        max(error_code) as error_code, max(error_message) as error_message
    from shopify.bulk_operations
    where shop_id = $1 and facts ? 'part_of' and facts ->> 'part_of' = $2::text
) as p
where whole.shop_id = $1 and whole.operation_id = $2::uuid and p.open = 0 and whole.completed_at is null
returning whole.operation_id;

-- name: note_parts_progress
-- How far are the parts together?
update shopify.bulk_operations as whole
set object_count = p.objects, status = case when whole.status = 'pending' then 'running' else whole.status end
from (
    select coalesce(sum(object_count), 0) as objects
    from shopify.bulk_operations
    where shop_id = $1 and facts ? 'part_of' and facts ->> 'part_of' = $2::text
) as p
where whole.shop_id = $1 and whole.operation_id = $2::uuid and whole.completed_at is null;

-- name: cancel_parts
-- Nobody wants the parts of this operation any more.
update shopify.bulk_operations
set cancel_requested = true
where shop_id = $1 and facts ? 'part_of' and facts ->> 'part_of' = $2::text and completed_at is null
returning operation_id;

-- name: sweep_operations
-- Forget operations whose results are gone for long.
delete from shopify.bulk_operations
where (shop_id, operation_id) in (
    select shop_id, operation_id from shopify.bulk_operations
    where completed_at < now() - make_interval(days => $1) order by completed_at limit $2
);
