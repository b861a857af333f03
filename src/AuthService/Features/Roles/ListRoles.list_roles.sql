-- One page of roles with their permissions, by name, and the total.
-- $1 search text
-- $2 limit integer
-- $3 offset integer
-- -> total bigint, id bigint, name text, description text, is_system boolean, created_at timestamptz, updated_at timestamptz, version bigint,
--    permissions text[]   (1 row and more; id is null if the page is empty)
SELECT /* Roles/ListRoles.list_roles */
       counted.total, page.id, page.name, page.description, page.is_system, page.created_at, page.updated_at, page.version, page.permissions
FROM  (SELECT count(*) AS total FROM roles r WHERE $1::text IS NULL OR lower(r.name) LIKE $1) counted
LEFT   JOIN LATERAL
      (SELECT r.*, ARRAY (SELECT p.resource || ':' || p.action FROM role_permissions rp JOIN permissions p ON p.id = rp.permission_id
                          WHERE rp.role_id = r.id ORDER BY 1) AS permissions
       FROM   roles r
       WHERE  $1::text IS NULL OR lower(r.name) LIKE $1
       ORDER  BY r.name
       LIMIT  $2 OFFSET $3) page ON true;
