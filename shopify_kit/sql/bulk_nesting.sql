-- For SQLite: lines of a bulk result wait in a file until their parents come.

-- name: make_lines
-- Where do lines wait?
create table lines (number integer primary key, id text, parent text, line blob);

-- name: add_line
-- Keep a line.
insert into lines (id, parent, line) values (?, ?, ?);

-- name: index_lines
-- Whose children are these?
create index by_parent on lines (parent, number) where parent is not null;

-- name: list_roots
-- Which objects are nobody's children? In their order.
select line from lines where parent is null order by number;

-- name: list_children
-- Which are this object's children? In their order.
select line from lines where parent = ? order by number;
