-- Every permission, then every role with the permissions it holds, in one snapshot.
-- -> is_role boolean, id bigint, name text, permission_ids bigint[]   (permissions first)
SELECT /* Authorization/RoleCatalogue.load_roles */ false AS is_role, p.id, p.resource || ':' || p.action AS name, NULL::bigint[] AS permission_ids
FROM   permissions p
UNION ALL
SELECT true, r.id, r.name, ARRAY(SELECT rp.permission_id FROM role_permissions rp WHERE rp.role_id = r.id)
FROM   roles r
ORDER  BY is_role, name;
