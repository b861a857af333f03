-- Adding what is there changes nothing and is no error.
-- $1 role_id bigint
-- $2 permission_id bigint
INSERT /* Roles/RolePermissions.add_permission */
INTO   role_permissions (role_id, permission_id) VALUES ($1, $2)
ON     CONFLICT DO NOTHING;
