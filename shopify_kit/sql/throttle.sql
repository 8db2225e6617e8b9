-- name: take_points
-- Is there enough in the bucket? Takes the points in one step, or changes nothing.
update shopify.cost_buckets as b
set available_points = least(
        b.maximum_points,
        b.available_points + greatest(0, extract(epoch from clock_timestamp() - b.measured_at)) * b.restore_rate
    ) - $3::float8,
    measured_at = clock_timestamp(),
    in_flight = case when b.taken_at < clock_timestamp() - interval '60 seconds' then 1 else b.in_flight + 1 end,
    taken_at = clock_timestamp()
where b.shop_id = $1
    and b.bucket = $2
    and least(
        b.maximum_points,
        b.available_points + greatest(0, extract(epoch from clock_timestamp() - b.measured_at)) * b.restore_rate
    ) - $3::float8 >= case when $4::boolean then 0 else least($5::float8, b.maximum_points / 4) end
    and ($4::boolean or b.interactive_until is null or b.interactive_until < clock_timestamp())
returning b.available_points;

-- name: look_at_bucket
-- How much is there, how fast does it fill, and who waits? Makes the bucket where it is new; an interactive caller leaves its mark.
insert into shopify.cost_buckets as b
    (shop_id, bucket, available_points, maximum_points, restore_rate, measured_at, in_flight, taken_at, interactive_until)
values ($1, $2, $3, $4, $5, clock_timestamp(), 0, clock_timestamp(), null)
on conflict (shop_id, bucket) do update
set interactive_until = case
        when $6::boolean then clock_timestamp() + interval '250 milliseconds' else b.interactive_until
    end
returning
    least(
        b.maximum_points,
        b.available_points + greatest(0, extract(epoch from clock_timestamp() - b.measured_at)) * b.restore_rate
    ) as available_points,
    b.maximum_points,
    b.restore_rate,
    greatest(0, extract(epoch from b.interactive_until - clock_timestamp()))::float8 as interactive_wait_s;

-- name: settle_points
-- What did the call really cost, and what does Shopify say is left? With nobody else under way Shopify's word counts, else the lower.
update shopify.cost_buckets as b
set maximum_points = coalesce($5::float8, b.maximum_points),
    restore_rate = coalesce($6::float8, b.restore_rate),
    measured_at = clock_timestamp(),
    in_flight = greatest(0, b.in_flight - 1),
    available_points = case
        when $4::float8 is null then least(
            b.maximum_points,
            b.available_points + $3::float8
                + greatest(0, extract(epoch from clock_timestamp() - b.measured_at)) * b.restore_rate
        )
        when b.in_flight <= 1 then $4::float8
        else least(
            $4::float8,
            b.available_points + $3::float8
                + greatest(0, extract(epoch from clock_timestamp() - b.measured_at)) * b.restore_rate
        )
    end
where b.shop_id = $1 and b.bucket = $2;

-- name: drop_buckets
-- Which buckets of a shop are to be forgotten, since its tokens are gone? All of them.
delete from shopify.cost_buckets where shop_id = $1;
