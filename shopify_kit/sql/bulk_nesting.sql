-- For SQLite: lines of a bulk result wait in a file until their parents come.

-- name: make_lines
-- Where do lines wait?
create table lines (number integer primary key, id text, parent text, line blob);

-- name: add_line
-- Keep a line.
insert into lines (id, parent, line) values (?, ?, ?);

-- name: index_parents
-- Whose children are these?
create index by_parent on lines (parent, number) where parent is not null;

-- name: index_ids
-- Is a parent there?
create index by_id on lines (id);

-- name: list_roots
-- Which objects are nobody's children, or those of nobody who came? In their order.
select line from lines
where parent is null or not exists (select 1 from lines as above where above.id = lines.parent)
order by number;

-- name: list_children
-- Which are this object's children? In their order; an object that came below several parents brought the same ones each time.
select line from lines where parent = ? group by coalesce(id, number), line order by min(number);
