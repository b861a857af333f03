-- Removing what is not there changes nothing and is no error.
-- $1 role_id bigint
-- $2 permission_id bigint
DELETE /* Roles/RolePermissions.remove_permission */ FROM role_permissions
WHERE  role_id = $1 AND permission_id = $2;
