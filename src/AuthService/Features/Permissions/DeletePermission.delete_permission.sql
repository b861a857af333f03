-- With the permission go its places in roles.
-- $1 id bigint
-- $2 version bigint
-- -> id bigint   (0 or 1 row)
DELETE /* Permissions/DeletePermission.delete_permission */ FROM permissions
WHERE  id = $1 AND NOT is_system AND ($2::bigint IS NULL OR version = $2)
RETURNING id;
