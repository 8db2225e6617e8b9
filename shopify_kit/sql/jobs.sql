-- Tables of work are empty most of the time, and while a snapshot is pinned they are full of what was deleted. The planner, who
-- knows of no row, then takes any path for as short as any other. So a row is found by a subquery with a limit, which cannot be
-- turned into another join, and changed by its place.
--
-- A claim holds jobs that it looks at, and may wait for a lease that is just being made or ended. So nobody waits for a job after
-- that: in every transaction the leases end last.

-- name: add_job
-- Put work into a lane; every job stands at the door until somebody looks into its lane.
insert into shopify.jobs (shop_id, lane, kind, reference, payload, priority, turn)
values ($1, $2, $3, $4, $5::text::jsonb, $6, nextval('shopify.job_turns'))
returning job_id;

-- name: take_doors
-- Whose turn is it? Looks at the first $3 jobs at the door, of each priority from its turn in $1 on, and leases up to $2 of their
-- lanes to this worker ($4) for $5 seconds. What stands at the door of these lanes leaves it, and so does what belongs to a lane
-- that another worker holds, who will see it: the lock on that lease keeps the other from looking for the last time meanwhile. Each
-- priority is read apart, because an index that leads with it finds the first turns of one priority only.
with urgent as (
    select shop_id, lane, priority, turn, ctid as place
    from shopify.jobs
    where priority = 0 and turn is not null and turn >= ($1::bigint[])[1]
    order by turn
    limit $3
    for update skip locked
), orders as (
    select shop_id, lane, priority, turn, ctid as place
    from shopify.jobs
    where priority = 1 and turn is not null and turn >= ($1::bigint[])[2]
    order by turn
    limit $3
    for update skip locked
), rest as (
    select shop_id, lane, priority, turn, ctid as place
    from shopify.jobs
    where priority = 2 and turn is not null and turn >= ($1::bigint[])[3]
    order by turn
    limit $3
    for update skip locked
), door as (
    select *
    from (select * from urgent union all select * from orders union all select * from rest) as every
    order by priority, turn
    limit $3
), lanes as (
    select shop_id, lane, min(priority) as priority, min(turn) as turn from door group by shop_id, lane
), held as (
    select h.shop_id, h.lane
    from lanes
    cross join lateral (
        select l.shop_id, l.lane
        from shopify.leases as l
        where l.shop_id = lanes.shop_id and l.lane = lanes.lane
        limit 1
        for key share skip locked
    ) as h
), free as (
    select lanes.shop_id, lanes.lane
    from lanes
    left join lateral (
        select true as is_held from shopify.leases as l where l.shop_id = lanes.shop_id and l.lane = lanes.lane limit 1
    ) as h on true
    where h.is_held is null
    order by lanes.priority, lanes.turn
    limit $2
), took as (
    insert into shopify.leases (shop_id, lane, fence, worker, until)
    select shop_id, lane, nextval('shopify.job_fences'), $4, clock_timestamp() + make_interval(secs => $5)
    from free
    order by shop_id, lane
    on conflict (shop_id, lane) do nothing
    returning shop_id, lane, fence
), off as (
    update shopify.jobs
    set turn = null
    where ctid = any (
        array(
            select place
            from door
            where (shop_id, lane) in (select shop_id, lane from took) or (shop_id, lane) in (select shop_id, lane from held)
        )
    )
)
select took.shop_id, took.lane, took.fence, seen.looked_at
from (select count(*) as looked_at from door) as seen
left join took on true;

-- name: begin_jobs
-- Which job of each lane is first? Its attempt is counted before it runs, so that work that kills its worker is counted too. One
-- that another claim looks at is left to it, for that one may be waiting for our lease.
with first as (
    select k.place
    from unnest($1::bigint[], $2::text[]) as l (shop_id, lane)
    cross join lateral (
        select j.ctid as place, j.job_id
        from shopify.jobs as j
        where j.shop_id = l.shop_id and j.lane = l.lane
        order by j.job_id
        limit 1
    ) as f
    cross join lateral (
        select j.ctid as place
        from shopify.jobs as j
        where j.shop_id = l.shop_id and j.lane = l.lane and j.job_id = f.job_id
        limit 1
        for update skip locked
    ) as k
)
update shopify.jobs as j
set attempts = j.attempts + 1, turn = null
where j.ctid = any (array(select place from first)) and j.wake_at is null
returning j.shop_id, j.lane, j.job_id, j.kind, j.reference, j.payload::text as payload, j.priority, j.attempts, j.created_at;

-- name: hold_lane
-- Do we still hold the lane? Locks the lease until the transaction ends, so that nobody takes it over meanwhile.
select true from shopify.leases where shop_id = $1 and lane = $2 and fence = $3 for update;

-- name: finish_job
-- Done: the job is gone. What is next in its lane? The attempt at that is counted now; where nothing is, the lane is left. Next is
-- what comes after the job, or little before it; further back is looked only at the end, since a pinned snapshot keeps all that was
-- done there.
with gone as (
    delete from shopify.jobs where shop_id = $1 and lane = $2 and job_id = $3 returning job_id
), near as (
    select job_id, wake_at
    from shopify.jobs
    where shop_id = $1 and lane = $2 and job_id >= $3 - $5::bigint and job_id <> $3
    order by job_id
    limit 1
), far as (
    select job_id, wake_at
    from shopify.jobs
    where shop_id = $1 and lane = $2 and job_id < $3 - $5::bigint and not exists (select from near)
    order by job_id
    limit 1
), begun as (
    update shopify.jobs as j
    set attempts = j.attempts + 1, turn = null
    where j.shop_id = $1
        and j.lane = $2
        and j.job_id = (select f.job_id from (select * from near union all select * from far) as f where f.wake_at is null)
    returning j.shop_id, j.lane, j.job_id, j.kind, j.reference, j.payload::text as payload, j.priority, j.attempts, j.created_at
), left_lane as (
    delete from shopify.leases
    where shop_id = $1 and lane = $2 and fence = $4 and (select count(*) from gone) >= 0 and not exists (select from begun)
)
select shop_id, lane, job_id, kind, reference, payload, priority, attempts, created_at from begun;

-- name: hold_lanes
-- Which of these lanes are still ours? Locks their leases until the transaction ends.
select h.fence
from unnest($1::bigint[], $2::text[], $3::bigint[]) as o (shop_id, lane, fence)
cross join lateral (
    select l.fence
    from shopify.leases as l
    where l.shop_id = o.shop_id and l.lane = o.lane and l.fence = o.fence
    limit 1
    for update
) as h;

-- name: leave_lanes
-- Let go of lanes that we hold.
with ours as (
    select h.place
    from unnest($1::bigint[], $2::text[], $3::bigint[]) as o (shop_id, lane, fence)
    cross join lateral (
        select l.ctid as place
        from shopify.leases as l
        where l.shop_id = o.shop_id and l.lane = o.lane and l.fence = o.fence
        limit 1
    ) as h
)
delete from shopify.leases where ctid = any (array(select place from ours));

-- name: ring_lanes
-- Is there work in these lanes, which we let go of? Then their first jobs stand at the door again.
with first as (
    select f.place
    from unnest($1::bigint[], $2::text[]) as l (shop_id, lane)
    cross join lateral (
        select j.ctid as place, j.job_id
        from shopify.jobs as j
        where j.shop_id = l.shop_id and j.lane = l.lane
        order by j.job_id
        limit 1
    ) as f
)
update shopify.jobs
set turn = nextval('shopify.job_turns')
where ctid = any (array(select place from first)) and wake_at is null and turn is null;

-- name: uncount_attempts
-- These were begun on paper only: their attempts do not count.
with ours as (
    select f.place
    from unnest($1::bigint[], $2::text[], $3::bigint[]) as o (shop_id, lane, job_id)
    cross join lateral (
        select j.ctid as place
        from shopify.jobs as j
        where j.shop_id = o.shop_id and j.lane = o.lane and j.job_id = o.job_id
        limit 1
    ) as f
)
update shopify.jobs set attempts = greatest(attempts - 1, 0) where ctid = any (array(select place from ours));

-- name: put_to_sleep
-- Try this job again in $4 seconds; its lane waits with it.
update shopify.jobs
set wake_at = clock_timestamp() + make_interval(secs => $4), turn = null, last_error = $5
where shop_id = $1 and lane = $2 and job_id = $3;

-- name: bury_job
-- Give up on a job; it is kept for whoever looks into it.
with gone as (delete from shopify.jobs where shop_id = $1 and lane = $2 and job_id = $3 returning *)
insert into shopify.dead_jobs (shop_id, job_id, lane, kind, reference, payload, attempts, reason, last_error)
select shop_id, job_id, lane, kind, reference, payload, attempts, $4, $5 from gone;

-- name: read_time
-- What time is it for leases and sleepers?
select clock_timestamp();

-- name: wake_sleepers
-- Whose time has come, since $2 at the earliest? They stand at the door again.
with due as (
    select ctid as place
    from shopify.jobs
    where wake_at >= coalesce($2::timestamptz, '-infinity') and wake_at <= now()
    order by wake_at
    limit $1
    for update skip locked
)
update shopify.jobs set wake_at = null, turn = nextval('shopify.job_turns') where ctid = any (array(select place from due));

-- name: find_ended_leases
-- Which workers are gone, since $2 at the earliest? Their leases are to end.
select shop_id, lane, fence
from shopify.leases
where until >= coalesce($2::timestamptz, '-infinity') and until < now()
order by until
limit $1
for update skip locked;

-- name: ring_left_lanes
-- Lanes whose workers are gone: their first jobs stand at the door again. One that was begun more than $3 times may be what ends
-- its workers, and sleeps as one that failed ($4 seconds, times $5 for each attempt, at most $6).
with first as (
    select f.place
    from unnest($1::bigint[], $2::text[]) as l (shop_id, lane)
    cross join lateral (
        select j.ctid as place, j.job_id
        from shopify.jobs as j
        where j.shop_id = l.shop_id and j.lane = l.lane
        order by j.job_id
        limit 1
    ) as f
)
update shopify.jobs as j
set turn = case when j.attempts <= $3 then nextval('shopify.job_turns') end,
    wake_at = case when j.attempts > $3 then
        clock_timestamp()
            + make_interval(secs => least($6::float8, $4::float8 * $5::float8 ^ (j.attempts - 1)) * (1 + random() / 5))
    end
where j.ctid = any (array(select place from first)) and j.wake_at is null;

-- name: renew_leases
-- We are still at work: which of these lanes are still ours?
with ours as (
    select h.place
    from unnest($1::bigint[], $2::text[], $3::bigint[]) as o (shop_id, lane, fence)
    cross join lateral (
        select l.ctid as place
        from shopify.leases as l
        where l.shop_id = o.shop_id and l.lane = o.lane and l.fence = o.fence
        limit 1
    ) as h
)
update shopify.leases
set until = clock_timestamp() + make_interval(secs => $4)
where ctid = any (array(select place from ours))
returning fence;

-- name: ring_forgotten_lanes
-- Which lanes have work, no sleeper in front, nobody at the door and nobody at work? A lost doorbell costs time, never work.
with first as (
    select distinct on (shop_id, lane) shop_id, lane, ctid as place, priority, turn, wake_at
    from shopify.jobs
    order by shop_id, lane, job_id
), forgotten as (
    select first.place
    from first
    left join lateral (
        select true as is_held from shopify.leases as l where l.shop_id = first.shop_id and l.lane = first.lane limit 1
    ) as h on true
    where first.wake_at is null
        and h.is_held is null
        and (first.turn is null or first.turn < ($1::bigint[])[first.priority + 1])
)
update shopify.jobs set turn = nextval('shopify.job_turns') where ctid = any (array(select place from forgotten));

-- name: first_turns
-- From which turn on is anybody at the door, of each priority, looking from its turn in $1? And which turn was drawn last?
select
    (
        select array_agg(f.turn order by p.priority)
        from (values (0), (1), (2)) as p (priority)
        left join lateral (
            select j.turn
            from shopify.jobs as j
            where j.priority = p.priority and j.turn is not null and j.turn >= ($1::bigint[])[p.priority + 1]
            order by j.turn
            limit 1
        ) as f on true
    ) as first,
    (select last_value from shopify.job_turns) as last;

-- name: count_waiting
-- How much waits, how long, and how much died of late?
select
    (select count(*) from shopify.jobs) as waiting,
    (select count(*) from shopify.jobs where wake_at is not null) as asleep,
    (select count(*) from shopify.leases) as leased,
    (select coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 from shopify.jobs) as lag_s,
    (select count(*) from shopify.dead_jobs where died_at > now() - interval '1 hour') as died_last_hour;

-- name: take_slot
-- Is this run of the schedule still to be given out? Then it is ours.
insert into shopify.cron_slots (name, slot) values ($1, $2) on conflict do nothing returning true;

-- name: last_slot
-- Which run of this schedule was given out last?
select max(slot) from shopify.cron_slots where name = $1;

-- name: sweep_slots
-- Old runs are forgotten; the last one of each schedule stays, so that a missed one is noticed.
delete from shopify.cron_slots as c
where c.slot < now() - interval '7 days'
    and exists (select from shopify.cron_slots as later where later.name = c.name and later.slot > c.slot);

-- name: sweep_dead_jobs
-- Dead jobs are kept $1 days.
delete from shopify.dead_jobs
where (shop_id, job_id) in (
    select shop_id, job_id from shopify.dead_jobs where died_at < now() - make_interval(days => $1) limit $2
);

-- name: add_sleeping_job
-- Put work into a lane that is not to be done before $6 seconds have passed.
insert into shopify.jobs (shop_id, lane, kind, payload, priority, wake_at)
values ($1, $2, $3, $4::text::jsonb, $5, clock_timestamp() + make_interval(secs => $6));

-- name: wake_lane
-- Somebody knows that the wait is over.
update shopify.jobs set wake_at = clock_timestamp() where shop_id = $1 and lane = $2 and wake_at > clock_timestamp();
