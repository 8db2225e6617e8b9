-- name: read_backend_pid
-- Which server process answers? Behind a pooler it differs from the process id the connection was greeted with.
select pg_catalog.pg_backend_pid();

-- name: limit_lock_wait
-- How long may a statement of this transaction wait for a lock ($1, such as '5000ms')?
select pg_catalog.set_config('lock_timeout', $1, true);

-- name: commit_unit
-- Did the unit take effect? The command tag says COMMIT, or ROLLBACK when one of its statements had failed.
commit;

-- name: roll_back_unit
-- Undo what the unit has done so far.
rollback;

-- name: ping
-- Does the server answer?
select 1;
