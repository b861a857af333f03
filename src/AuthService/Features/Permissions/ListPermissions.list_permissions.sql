-- One page of permissions, by name, and the total.
-- $1 search text
-- $2 limit integer
-- $3 offset integer
-- -> total bigint, id bigint, resource text, action text, description text, is_system boolean, created_at timestamptz, updated_at timestamptz,
--    version bigint   (1 row and more; id is null if the page is empty)
SELECT /* Permissions/ListPermissions.list_permissions */
       counted.total, page.id, page.resource, page.action, page.description, page.is_system, page.created_at, page.updated_at, page.version
FROM  (SELECT count(*) AS total FROM permissions p WHERE $1::text IS NULL OR lower(p.resource || ':' || p.action) LIKE $1) counted
LEFT   JOIN LATERAL
      (SELECT p.* FROM permissions p
       WHERE  $1::text IS NULL OR lower(p.resource || ':' || p.action) LIKE $1
       ORDER  BY p.resource, p.action
       LIMIT  $2 OFFSET $3) page ON true;
