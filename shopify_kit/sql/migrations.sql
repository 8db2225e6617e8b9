-- name: has_migrations
-- Was anything ever applied to this database?
select pg_catalog.to_regclass('shopify.migrations') is not null;

-- name: list_applied
-- Which migrations were applied, oldest first?
select number, name, checksum from shopify.migrations order by number;

-- name: settle_session
-- What may not disturb a migration: the role's time limits while it waits for its turn, and names that are not qualified.
select
    pg_catalog.set_config('lock_timeout', '0', true),
    pg_catalog.set_config('statement_timeout', '0', true),
    pg_catalog.set_config('search_path', 'pg_catalog', true);

-- name: lock_migrations
-- Whose turn is it? Held until the transaction ends, so that a pooler in transaction mode does no harm.
select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('shopify.migrations', 0));

-- name: limit_lock_wait
-- How long may a change queue for a table in use ($1, such as '10000ms')?
select pg_catalog.set_config('lock_timeout', $1, true);

-- name: record_applied
-- Note that a migration was applied.
insert into shopify.migrations (number, name, checksum) values ($1, $2, $3);
