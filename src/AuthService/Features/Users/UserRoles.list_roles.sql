-- The roles of one living account.
-- $1 user_id bigint
-- -> id bigint, name text, granted_by bigint, granted_at timestamptz   (no row: no such account; id is null: no roles)
SELECT /* Users/UserRoles.list_roles */ r.id, r.name, ur.granted_by, ur.granted_at
FROM   users u
LEFT   JOIN user_roles ur ON ur.user_id = u.id
LEFT   JOIN roles r       ON r.id = ur.role_id
WHERE  u.id = $1 AND u.deleted_at IS NULL
ORDER  BY r.name
LIMIT  1000;
