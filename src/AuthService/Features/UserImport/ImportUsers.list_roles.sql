-- What a file may name.
-- $1 limit integer
-- -> name text
SELECT /* UserImport/ImportUsers.list_roles */ name FROM roles ORDER BY id LIMIT $1;
