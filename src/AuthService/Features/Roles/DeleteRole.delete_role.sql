-- With the role go its grants and its permissions' places in it.
-- $1 id bigint
-- $2 version bigint
-- -> id bigint   (0 or 1 row)
DELETE /* Roles/DeleteRole.delete_role */ FROM roles
WHERE  id = $1 AND NOT is_system AND ($2::bigint IS NULL OR version = $2)
RETURNING id;
