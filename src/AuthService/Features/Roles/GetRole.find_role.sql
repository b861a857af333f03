-- One role with its permissions.
-- $1 id bigint
-- -> id bigint, name text, description text, is_system boolean, created_at timestamptz, updated_at timestamptz, version bigint, permissions text[]   (0 or 1 row)
SELECT /* Roles/GetRole.find_role */
       r.id, r.name, r.description, r.is_system, r.created_at, r.updated_at, r.version,
       ARRAY (SELECT p.resource || ':' || p.action FROM role_permissions rp JOIN permissions p ON p.id = rp.permission_id
              WHERE rp.role_id = r.id ORDER BY 1) AS permissions
FROM   roles r
WHERE  r.id = $1;
