-- name: claim_key
-- Is this the first request with this key? Then it is ours; a row that ran out counts as none.
insert into shopify.idempotency_keys as k (scope, key, request_hash, expires_at)
values ($1, $2, $3, now() + make_interval(secs => $4))
on conflict (scope, key) do update
set request_hash = excluded.request_hash, status = null, body = null, created_at = now(), expires_at = excluded.expires_at
where k.expires_at < now()
returning true;

-- name: find_key
-- What came of the request that used this key first?
select request_hash, status, body from shopify.idempotency_keys where scope = $1 and key = $2;

-- name: keep_answer
-- Keep the answer for whoever asks again.
update shopify.idempotency_keys
set status = $3, body = $4, expires_at = now() + make_interval(secs => $5)
where scope = $1 and key = $2;

-- name: release_key
-- Forget a key whose request failed in a way that may be tried again.
delete from shopify.idempotency_keys where scope = $1 and key = $2 and status is null;

-- name: sweep_keys
-- Which keys ran out? They go, a few at a time.
delete from shopify.idempotency_keys
where (scope, key) in (
    select scope, key from shopify.idempotency_keys where expires_at < now() limit $1 for update skip locked
);
