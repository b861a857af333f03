-- What the role and the permission are called, if there are such.
-- $1 role_id bigint
-- $2 permission_id bigint
-- -> role_name text, permission_name text   (1 row; null: no such)
SELECT /* Roles/RolePermissions.find_both */
       (SELECT r.name FROM roles r WHERE r.id = $1),
       (SELECT p.resource || ':' || p.action FROM permissions p WHERE p.id = $2);
