-- name: store_deliveries
-- Which of these deliveries are new? They are kept with a job each, safely committed when this statement ends, whatever the host's
-- settings are. Rows come in the order of their keys; $14 is the order in which they arrived, and that of their jobs.
with safety as (
    select
        set_config(
            'synchronous_commit',
            case when current_setting('synchronous_commit') = 'remote_apply' then 'remote_apply' else 'on' end,
            true
        ),
        set_config('lock_timeout', '1000', true)
), kept as (
    insert into shopify.inbox
        (shop_id, app, webhook_id, event_id, topic, path_topic, shop_domain, api_version, subscription_name, triggered_at,
         body_hash, body_sealed, lane)
    select coalesce((select s.shop_id from shopify.shops as s where s.shop_domain = g.shop_domain), 0),
        g.app, g.webhook_id, g.event_id, g.topic, g.path_topic, g.shop_domain, g.api_version, g.subscription_name, g.triggered_at,
        g.body_hash, g.body_sealed, g.lane
    from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::bytea[], $11::bytea[], $12::text[]
    ) with ordinality as g (
        app, webhook_id, event_id, topic, path_topic, shop_domain, api_version, subscription_name, triggered_at,
        body_hash, body_sealed, lane, number
    )
    cross join safety
    order by g.number
    on conflict (shop_id, app, webhook_id, shop_domain) do nothing
    returning shop_id, delivery_id, app, webhook_id, shop_domain, lane
), rung as (
    insert into shopify.jobs (shop_id, lane, kind, reference, priority, turn)
    select k.shop_id, k.lane, 'delivery', k.delivery_id, o.priority, nextval('shopify.job_turns')
    from kept as k
    join unnest($1::text[], $2::text[], $6::text[], $13::smallint[], $14::integer[])
        as o (app, webhook_id, shop_domain, priority, arrival)
        on (o.app, o.webhook_id, o.shop_domain) = (k.app, k.webhook_id, k.shop_domain)
    order by o.arrival
)
select app, webhook_id, shop_domain from kept;

-- name: find_delivery
-- What came in as this delivery? Is it a repeat: did the same body do its work within 48 hours under another webhook id, or is it
-- about to, because it came before? And is it of another shop, for which the same body came in before: then one of the two headers
-- is not Shopify's.
select i.shop_id, i.delivery_id, i.app, i.webhook_id, i.event_id, i.topic, i.path_topic, i.shop_domain, i.api_version,
    i.subscription_name, i.triggered_at, i.received_at, i.body_sealed,
    exists (
        select from shopify.inbox as b
        left join shopify.inbox_outcomes as o on (o.shop_id, o.delivery_id) = (b.shop_id, b.delivery_id)
        where b.body_hash = i.body_hash and b.shop_id = i.shop_id and b.delivery_id <> i.delivery_id
            and b.received_at between i.received_at - interval '48 hours' and i.received_at + interval '48 hours'
            and b.topic = i.topic and b.shop_domain = i.shop_domain
            and (
                o.status in ('processed', 'superseded')
                or (b.delivery_id < i.delivery_id and coalesce(o.status, 'pending') not in ('dead', 'quarantined'))
            )
    ) as is_repeat,
    exists (
        select from shopify.inbox as b
        where b.body_hash = i.body_hash and b.shop_domain not in (i.shop_domain, '') and b.delivery_id < i.delivery_id
    ) as is_of_another_shop
from shopify.inbox as i
where i.shop_id = $1 and i.delivery_id = $2;

-- name: keep_outcome
-- Note what became of a delivery; a replay writes over what was.
insert into shopify.inbox_outcomes (shop_id, delivery_id, status, attempts, reason, last_error, resource, version)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (shop_id, delivery_id) do update
set status = excluded.status, attempts = excluded.attempts, reason = excluded.reason, last_error = excluded.last_error,
    resource = excluded.resource, version = excluded.version, finished_at = now();

-- name: find_version
-- What is the newest version of this resource that was applied for this topic, and is the resource gone?
select
    (select version from shopify.resource_versions where shop_id = $1 and resource = $2 and topic = $3) as version,
    exists (select from shopify.resource_versions where shop_id = $1 and resource = $2 and topic = '' and deleted) as deleted;

-- name: raise_version
-- Keep the newest version; says nothing back when a newer one is there already, or the resource is gone.
insert into shopify.resource_versions (shop_id, resource, topic, version, deleted, delivery_id)
select $1, $2, $3, $4, $5, $6
where $5 or not exists (
    select from shopify.resource_versions as t where t.shop_id = $1 and t.resource = $2 and t.topic = '' and t.deleted
)
on conflict (shop_id, resource, topic) do update
set version = excluded.version, deleted = excluded.deleted, delivery_id = excluded.delivery_id, applied_at = now()
where resource_versions.version <= excluded.version
returning true;

-- name: list_deliveries
-- Which deliveries came in for these shops, newest first, and what became of them? Each shop's part is read by its own index range.
select d.shop_id, d.delivery_id, d.topic, d.shop_domain, d.triggered_at, d.received_at, d.webhook_id, d.event_id,
    d.subscription_name, d.status, d.attempts, d.last_error, d.reason, d.finished_at
from (select distinct shop_id from unnest($1::bigint[]) as g (shop_id)) as s
cross join lateral (
    select i.shop_id, i.delivery_id, i.topic, i.shop_domain, i.triggered_at, i.received_at, i.webhook_id, i.event_id,
        i.subscription_name, coalesce(o.status, 'pending') as status, coalesce(o.attempts, j.attempts, 0) as attempts,
        coalesce(o.last_error, j.last_error) as last_error, o.reason, o.finished_at
    from shopify.inbox as i
    left join shopify.inbox_outcomes as o on (o.shop_id, o.delivery_id) = (i.shop_id, i.delivery_id)
    left join lateral (
        select w.attempts, w.last_error
        from shopify.jobs as w
        where w.shop_id = i.shop_id and w.lane = i.lane and w.reference = i.delivery_id and o.status is null
        limit 1
    ) as j on true
    where i.shop_id = s.shop_id
        and ($2::bigint is null or i.delivery_id < $2)
        and ($3::text is null or i.topic = $3)
        and ($4::text is null or coalesce(o.status, 'pending') = $4)
        and ($5::timestamptz is null or i.received_at >= $5)
        and ($6::timestamptz is null or i.received_at <= $6)
    order by i.delivery_id desc
    limit $7
) as d
order by d.delivery_id desc
limit $7;

-- name: list_oldest_deliveries
-- Which deliveries came in for these shops, oldest first, and what became of them? Each shop's part is read by its own index range.
select d.shop_id, d.delivery_id, d.topic, d.shop_domain, d.triggered_at, d.received_at, d.webhook_id, d.event_id,
    d.subscription_name, d.status, d.attempts, d.last_error, d.reason, d.finished_at
from (select distinct shop_id from unnest($1::bigint[]) as g (shop_id)) as s
cross join lateral (
    select i.shop_id, i.delivery_id, i.topic, i.shop_domain, i.triggered_at, i.received_at, i.webhook_id, i.event_id,
        i.subscription_name, coalesce(o.status, 'pending') as status, coalesce(o.attempts, j.attempts, 0) as attempts,
        coalesce(o.last_error, j.last_error) as last_error, o.reason, o.finished_at
    from shopify.inbox as i
    left join shopify.inbox_outcomes as o on (o.shop_id, o.delivery_id) = (i.shop_id, i.delivery_id)
    left join lateral (
        select w.attempts, w.last_error
        from shopify.jobs as w
        where w.shop_id = i.shop_id and w.lane = i.lane and w.reference = i.delivery_id and o.status is null
        limit 1
    ) as j on true
    where i.shop_id = s.shop_id
        and ($2::bigint is null or i.delivery_id > $2)
        and ($3::text is null or i.topic = $3)
        and ($4::text is null or coalesce(o.status, 'pending') = $4)
        and ($5::timestamptz is null or i.received_at >= $5)
        and ($6::timestamptz is null or i.received_at <= $6)
    order by i.delivery_id
    limit $7
) as d
order by d.delivery_id
limit $7;

-- name: count_deliveries
-- How many came in for these shops since $2, by topic and by what became of them?
select i.topic, coalesce(o.status, 'pending') as status, count(*) as deliveries, max(i.received_at) as latest
from shopify.inbox as i
left join shopify.inbox_outcomes as o on (o.shop_id, o.delivery_id) = (i.shop_id, i.delivery_id)
where i.shop_id = any($1::bigint[]) and i.received_at >= $2
group by 1, 2
order by 1, 2;

-- name: find_delivery_of_shops
-- Which delivery of these shops is this, and what became of it?
select i.shop_id, i.delivery_id, i.app, i.topic, i.shop_domain, i.triggered_at, i.received_at, i.webhook_id, i.event_id,
    i.subscription_name, i.api_version, i.path_topic, i.body_sealed, i.lane,
    coalesce(o.status, 'pending') as status, coalesce(o.attempts, j.attempts, 0) as attempts, o.reason,
    coalesce(o.last_error, j.last_error) as last_error, o.finished_at
from shopify.inbox as i
left join shopify.inbox_outcomes as o on (o.shop_id, o.delivery_id) = (i.shop_id, i.delivery_id)
left join lateral (
    select w.attempts, w.last_error
    from shopify.jobs as w
    where w.shop_id = i.shop_id and w.lane = i.lane and w.reference = i.delivery_id and o.status is null
    limit 1
) as j on true
where i.shop_id = any($1::bigint[]) and i.delivery_id = $2;

-- name: replay_deliveries
-- Which of these are to be handled again? Each gets a job unless one waits already; at most $8, after delivery $7, oldest first.
with chosen as (
    select i.shop_id, i.delivery_id, i.lane, i.topic
    from shopify.inbox as i
    left join shopify.inbox_outcomes as o on (o.shop_id, o.delivery_id) = (i.shop_id, i.delivery_id)
    where i.shop_id = any($1::bigint[])
        and ($2::bigint[] is null or i.delivery_id = any($2))
        and ($3::text is null or i.topic = $3)
        and ($4::text is null or coalesce(o.status, 'pending') = $4)
        and ($5::timestamptz is null or i.received_at >= $5)
        and ($6::timestamptz is null or i.received_at <= $6)
        and i.delivery_id > $7
    order by i.delivery_id
    limit $8
), fresh as (
    select c.*
    from chosen as c
    where not exists (
        select from shopify.jobs as j
        where j.shop_id = c.shop_id and j.lane = c.lane and j.reference = c.delivery_id
    )
), rung as (
    insert into shopify.jobs (shop_id, lane, kind, reference, payload, priority, turn)
    select shop_id, lane, 'delivery', delivery_id, '{"replay": true}', 2, nextval('shopify.job_turns')
    from fresh
    where not $9::boolean
    order by delivery_id
)
select (select count(*) from chosen) as matched, (select count(*) from fresh) as replayed, (select max(delivery_id) from chosen) as last;

-- name: shops_of_domain
-- Under which ids did deliveries of this shop come in? Several, where it was forgotten and came back, 0 where it was not connected.
select distinct shop_id from shopify.inbox where shop_domain = $1 order by shop_id;

-- name: list_bodies
-- Which bodies does a shop have, by id, after $4? Those of the families $3 only where they may not be what they claim.
select i.shop_id, i.delivery_id, i.app, i.webhook_id, i.shop_domain, i.body_sealed
from shopify.inbox as i
left join shopify.inbox_outcomes as o on (o.shop_id, o.delivery_id) = (i.shop_id, i.delivery_id)
where i.shop_id = $1 and i.shop_domain = $2 and i.delivery_id > $4
    and (split_part(i.topic, '/', 1) <> all($3::text[]) or o.status in ('quarantined', 'dead'))
order by i.delivery_id
limit $5;

-- name: redact_bodies
-- Put an empty body in the place of these.
update shopify.inbox as i
set body_sealed = r.body_sealed
from unnest($1::bigint[], $2::bigint[], $3::bytea[]) as r (shop_id, delivery_id, body_sealed)
where (i.shop_id, i.delivery_id) = (r.shop_id, r.delivery_id);

-- name: forget_kept_answers
-- Which kept answers may hold data of a shop? Those of its members go.
delete from shopify.idempotency_keys as k
where exists (select from shopify.members as m where m.shop_id = $1 and starts_with(k.scope, m.user_id || ' '));

-- name: keep_export
-- Keep what was put together for a customer.
insert into shopify.data_exports (shop_id, customer_id, document_sealed) values ($1, $2, $3) returning export_id;

-- name: list_exports
-- Which exports does a shop have?
select shop_id, export_id, customer_id, created_at from shopify.data_exports where shop_id = $1 order by export_id desc limit $2;

-- name: find_export
-- What stands in an export?
select customer_id, document_sealed, created_at from shopify.data_exports where shop_id = $1 and export_id = $2;

-- name: forget_exports
-- Which exports of a customer are there? They go, as the customer asks.
delete from shopify.data_exports where shop_id = $1 and customer_id = $2;

-- name: forget_shop
-- Forget everything the inbox holds of a shop, under whatever id, but for the delivery $3 that asks for it.
with ids as (
    select distinct shop_id from shopify.inbox where shop_domain = $2 and shop_id <> 0 union select $1::bigint where $1::bigint <> 0
), bodies as (
    delete from shopify.inbox where shop_domain = $2 and delivery_id <> $3 returning shop_id, delivery_id
), outcomes as (
    delete from shopify.inbox_outcomes as o using bodies where (o.shop_id, o.delivery_id) = (bodies.shop_id, bodies.delivery_id)
), versions as (
    delete from shopify.resource_versions where shop_id in (select shop_id from ids)
), exports as (
    delete from shopify.data_exports where shop_id in (select shop_id from ids)
), dead as (
    delete from shopify.dead_jobs where shop_id in (select shop_id from ids)
), setups as (
    delete from shopify.webhook_setups where shop_id in (select shop_id from ids)
)
select count(*) from bodies;

-- name: keep_setup
-- Note what webhooks a shop is to have.
insert into shopify.webhook_setups (shop_id, user_id, address, topics, options, checked_at)
values ($1, $2, $3, $4, $5::text::jsonb, $6)
on conflict (shop_id) do update
set user_id = excluded.user_id,
    address = excluded.address,
    topics = excluded.topics,
    options = excluded.options,
    checked_at = excluded.checked_at,
    updated_at = now();

-- name: add_watches
-- Which shops' subscriptions are to be looked after? Each that is connected gets a job, unless one waits already.
insert into shopify.jobs (shop_id, lane, kind, priority, turn)
select w.shop_id, $1, $2, 2, nextval('shopify.job_turns')
from shopify.webhook_setups as w
join shopify.shops as s using (shop_id)
where s.uninstalled_at is null
    and not exists (select from shopify.jobs as j where j.shop_id = w.shop_id and j.lane = $1);

-- name: find_setup
-- Which webhooks is this shop to have?
select shop_id, user_id, address, topics, options::text as options, checked_at from shopify.webhook_setups where shop_id = $1;

-- name: note_check
-- When was this shop last found complete?
update shopify.webhook_setups set checked_at = $2 where shop_id = $1;

-- name: sweep_inbox
-- Old deliveries are forgotten after $1 days, dead and quarantined ones after $2, at most $3 at a time.
with old as (
    select i.shop_id, i.delivery_id
    from shopify.inbox as i
    join shopify.inbox_outcomes as o on (o.shop_id, o.delivery_id) = (i.shop_id, i.delivery_id)
    where i.received_at < now() - make_interval(days => least($1::integer, $2::integer))
        and i.received_at < now() - make_interval(days => case when o.status in ('dead', 'quarantined') then $2 else $1 end)
    limit $3
), outcomes as (
    delete from shopify.inbox_outcomes as o using old where (o.shop_id, o.delivery_id) = (old.shop_id, old.delivery_id)
)
delete from shopify.inbox as i using old where (i.shop_id, i.delivery_id) = (old.shop_id, old.delivery_id);
