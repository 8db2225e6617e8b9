-- name: take_points
-- Is there enough in the bucket, and is nobody before us? Takes the points in one step, or changes nothing. More than the bucket can
-- hold is its whole content; a turn ($5) ends with it. Who finds nobody else under way is told so, and calls that nobody settled for a
-- minute are forgotten.
update shopify.cost_buckets as b
set available_points = least(
        b.maximum_points,
        b.available_points + greatest(0, extract(epoch from clock_timestamp() - b.measured_at)) * b.restore_rate
    ) - least($3::float8, b.maximum_points),
    measured_at = clock_timestamp(),
    in_flight = case when b.taken_at < clock_timestamp() - interval '60 seconds' then 1 else b.in_flight + 1 end,
    taken_at = clock_timestamp(),
    interactive_until = nullif(b.interactive_until, $5)
where b.shop_id = $1
    and b.bucket = $2
    and b.available_points + greatest(0, extract(epoch from clock_timestamp() - b.measured_at)) * b.restore_rate
        >= least($3::float8 + least($4::float8, b.maximum_points / 4), b.maximum_points)
    and (b.interactive_until is null or b.interactive_until < clock_timestamp() or b.interactive_until = $5)
returning least($3::float8, b.maximum_points) as points, b.taken_at, b.in_flight = 1 as is_alone;

-- name: look_at_bucket
-- How long until there is enough, and how long does an interactive caller other than us ($5) keep its turn?
select
    (
        least($3::float8 + least($4::float8, b.maximum_points / 4), b.maximum_points)
        - b.available_points
        - greatest(0, extract(epoch from clock_timestamp() - b.measured_at)) * b.restore_rate
    ) / b.restore_rate as until_enough_s,
    greatest(0, extract(epoch from nullif(b.interactive_until, $5::timestamptz) - clock_timestamp()))::float8 as others_s
from shopify.cost_buckets as b
where b.shop_id = $1 and b.bucket = $2;

-- name: make_bucket
-- What is believed of a bucket that nobody has used yet?
insert into shopify.cost_buckets (shop_id, bucket, available_points, maximum_points, restore_rate, measured_at, taken_at)
values ($1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp())
on conflict (shop_id, bucket) do nothing;

-- name: claim_turn
-- Is it our turn to wait for the points that come next? It is while nobody else's turn ($3: ours so far) lasts; dead callers' turns end.
update shopify.cost_buckets as b
set interactive_until = clock_timestamp() + interval '500 milliseconds'
where b.shop_id = $1
    and b.bucket = $2
    and (b.interactive_until is null or b.interactive_until < clock_timestamp() or b.interactive_until = $3)
returning b.interactive_until as turn;

-- name: settle_points
-- What did the call really cost, and what does Shopify say is left? To who was alone all the time its word is the truth. Of others it
-- is a bound: calls that came after it may have taken, but nothing fills the bucket faster than the restore rate in the $9 seconds.
-- Shopify's bucket gains nothing while it is full and a call is on its way, ours does, so ours ends a quarter of a second below.
update shopify.cost_buckets as b
set maximum_points = coalesce(greatest($5::float8 / 2, $5::float8 - $6::float8 / 4), b.maximum_points),
    restore_rate = greatest(0.001, coalesce($6::float8, b.restore_rate)),
    measured_at = clock_timestamp(),
    in_flight = greatest(0, b.in_flight - 1),
    available_points = case
        when $4::float8 is not null and $7::boolean and b.taken_at = $8 then $4::float8
        else least(
            b.available_points + $3::float8
                + greatest(0, extract(epoch from clock_timestamp() - b.measured_at)) * b.restore_rate,
            $4::float8 + $6::float8 * $9::float8
        )
    end
where b.shop_id = $1 and b.bucket = $2;
