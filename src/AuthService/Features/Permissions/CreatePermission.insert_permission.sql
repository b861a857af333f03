-- A new permission, held by the role admin from the start: admin holds everything, and somebody must be able to grant it.
-- $1 resource text
-- $2 action text
-- $3 description text
-- -> id bigint   (0 rows: the name is taken)
WITH added AS (
    INSERT /* Permissions/CreatePermission.insert_permission */
    INTO   permissions (resource, action, description) VALUES ($1, $2, $3)
    ON     CONFLICT (resource, action) DO NOTHING
    RETURNING id
), granted AS (
    INSERT INTO role_permissions (role_id, permission_id)
    SELECT r.id, a.id FROM roles r CROSS JOIN added a WHERE r.name = 'admin'
)
SELECT id FROM added;
