-- name: add_entry
-- Note who did what to whom.
insert into shopify.audit_log (shop_id, actor, subject, action, facts) values ($1, $2, $3, $4, $5::text::jsonb);

-- name: list_entries
-- What happened of late, newest first?
select audit_id, at, actor, subject, action, facts::text as facts
from shopify.audit_log
where shop_id = $1
order by at desc, audit_id desc
limit $2;
