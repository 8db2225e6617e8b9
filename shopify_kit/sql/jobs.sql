-- name: add_job
-- Put work into a lane; every job stands at the door until somebody looks into its lane.
insert into shopify.jobs (shop_id, lane, kind, reference, payload, priority, turn)
values ($1, $2, $3, $4, $5::text::jsonb, $6, nextval('shopify.job_turns'))
returning job_id;

-- name: take_doors
-- Whose turn is it? Takes up to $2 jobs off the door, from turn $1 on, and leases their lanes to this worker ($3) for $4 seconds. A lane
-- that another worker holds is left to that worker, who looks once more after letting go.
with door as (
    select shop_id, lane, job_id, turn
    from shopify.jobs
    where turn is not null and turn >= $1
    order by priority, turn
    limit $2
    for update skip locked
), off as (
    update shopify.jobs as j set turn = null from door where (j.shop_id, j.lane, j.job_id) = (door.shop_id, door.lane, door.job_id)
    returning door.turn
), took as (
    insert into shopify.leases as l (shop_id, lane, fence, worker, until)
    select shop_id, lane, nextval('shopify.job_fences'), $3, clock_timestamp() + make_interval(secs => $4)
    from (
        select distinct d.shop_id, d.lane
        from door as d
        where not exists (
            select from shopify.leases as h where (h.shop_id, h.lane) = (d.shop_id, d.lane) and h.until >= clock_timestamp()
        )
    ) as free
    order by shop_id, lane
    on conflict (shop_id, lane) do update
    set fence = excluded.fence, worker = excluded.worker, until = excluded.until
    where l.until < clock_timestamp()
    returning shop_id, lane, fence
)
select took.shop_id, took.lane, took.fence, (select max(turn) from off) as turn from took
union all
select null, null, null, (select max(turn) from off) where not exists (select from took) and exists (select from off);

-- name: begin_jobs
-- Which job of each lane is first? Its attempt is counted before it runs, so that work that kills its worker is counted too.
with first as (
    select distinct on (j.shop_id, j.lane) j.shop_id, j.lane, j.job_id
    from shopify.jobs as j
    join unnest($1::bigint[], $2::text[]) as l (shop_id, lane) on (j.shop_id, j.lane) = (l.shop_id, l.lane)
    order by j.shop_id, j.lane, j.job_id
)
update shopify.jobs as j
set attempts = j.attempts + 1, turn = null
from first
where (j.shop_id, j.lane, j.job_id) = (first.shop_id, first.lane, first.job_id) and j.wake_at is null
returning j.shop_id, j.lane, j.job_id, j.kind, j.reference, j.payload::text as payload, j.priority, j.attempts, j.created_at;

-- name: hold_lane
-- Do we still hold the lane? Locks the lease until the transaction ends, so that nobody takes it over meanwhile.
select true from shopify.leases where shop_id = $1 and lane = $2 and fence = $3 for update;

-- name: finish_job
-- Done: the job is gone.
delete from shopify.jobs where shop_id = $1 and lane = $2 and job_id = $3;

-- name: begin_next
-- What is next in this lane? Its attempt is counted with what was just done.
update shopify.jobs as j
set attempts = j.attempts + 1, turn = null
where (j.shop_id, j.lane, j.job_id) = (
        select f.shop_id, f.lane, f.job_id from shopify.jobs as f
        where f.shop_id = $1 and f.lane = $2
        order by f.job_id
        limit 1
    )
    and j.wake_at is null
returning j.shop_id, j.lane, j.job_id, j.kind, j.reference, j.payload::text as payload, j.priority, j.attempts, j.created_at;

-- name: leave_lane
-- Let go of a lane.
delete from shopify.leases where shop_id = $1 and lane = $2 and fence = $3;

-- name: leave_lanes
-- Let go of lanes in which nothing was to be done.
delete from shopify.leases where fence = any($1::bigint[]);

-- name: ring_lanes
-- Is there more in these lanes, which we let go of? Then their first jobs stand at the door again.
with first as (
    select distinct on (j.shop_id, j.lane) j.shop_id, j.lane, j.job_id
    from shopify.jobs as j
    join unnest($1::bigint[], $2::text[]) as l (shop_id, lane) on (j.shop_id, j.lane) = (l.shop_id, l.lane)
    order by j.shop_id, j.lane, j.job_id
)
update shopify.jobs as j
set turn = nextval('shopify.job_turns')
from first
where (j.shop_id, j.lane, j.job_id) = (first.shop_id, first.lane, first.job_id) and j.wake_at is null and j.turn is null;

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

-- name: wake_sleepers
-- Whose time has come? They stand at the door again.
with due as (
    select shop_id, lane, job_id from shopify.jobs where wake_at <= clock_timestamp() order by wake_at limit $1 for update skip locked
)
update shopify.jobs as j
set wake_at = null, turn = nextval('shopify.job_turns')
from due
where (j.shop_id, j.lane, j.job_id) = (due.shop_id, due.lane, due.job_id);

-- name: reap_leases
-- Which workers are gone? Their lanes are free and stand at the door again.
with ended as (
    delete from shopify.leases
    where (shop_id, lane) in (
        select shop_id, lane from shopify.leases where until < clock_timestamp() order by until limit $1 for update skip locked
    )
    returning shop_id, lane
), first as (
    select distinct on (j.shop_id, j.lane) j.shop_id, j.lane, j.job_id
    from shopify.jobs as j
    join ended on (j.shop_id, j.lane) = (ended.shop_id, ended.lane)
    order by j.shop_id, j.lane, j.job_id
)
update shopify.jobs as j
set turn = nextval('shopify.job_turns')
from first
where (j.shop_id, j.lane, j.job_id) = (first.shop_id, first.lane, first.job_id) and j.wake_at is null;

-- name: renew_leases
-- We are still at work: which of these lanes are still ours?
update shopify.leases
set until = clock_timestamp() + make_interval(secs => $3)
where worker = $1 and fence = any($2::bigint[])
returning fence;

-- name: ring_forgotten_lanes
-- Which lanes have work, no sleeper in front, nobody at the door and nobody at work? A lost doorbell costs time, never work.
with first as (
    select distinct on (shop_id, lane) shop_id, lane, job_id, turn, wake_at
    from shopify.jobs
    order by shop_id, lane, job_id
)
update shopify.jobs as j
set turn = nextval('shopify.job_turns')
from first
where (j.shop_id, j.lane, j.job_id) = (first.shop_id, first.lane, first.job_id)
    and first.wake_at is null
    and (first.turn is null or first.turn < $1)
    and not exists (select from shopify.leases as l where (l.shop_id, l.lane) = (j.shop_id, j.lane));

-- name: first_turn
-- From which turn on is there anybody at the door, looking from turn $1?
select min(turn) from shopify.jobs where turn is not null and turn >= $1;

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

-- name: sweep_slots
-- Old runs are forgotten.
delete from shopify.cron_slots where slot < now() - interval '7 days';

-- name: sweep_dead_jobs
-- Dead jobs are kept $1 days.
delete from shopify.dead_jobs
where (shop_id, job_id) in (select shop_id, job_id from shopify.dead_jobs where died_at < now() - make_interval(days => $1) limit $2);
