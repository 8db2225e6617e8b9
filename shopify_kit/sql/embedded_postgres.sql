-- name: compose_create_database
-- The statement that clones a template ($2) under a new name ($1), with both names quoted by the server.
select format('create database %I template %I strategy file_copy', $1::text, $2::text);

-- name: compose_drop_database
-- The statement that drops a database whoever is connected, with its name quoted by the server.
select format('drop database if exists %I with (force)', $1::text);
