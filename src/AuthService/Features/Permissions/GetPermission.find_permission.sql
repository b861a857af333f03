-- One permission.
-- $1 id bigint
-- -> id bigint, resource text, action text, description text, is_system boolean, created_at timestamptz, updated_at timestamptz, version bigint   (0 or 1 row)
SELECT /* Permissions/GetPermission.find_permission */
       id, resource, action, description, is_system, created_at, updated_at, version
FROM   permissions
WHERE  id = $1;
