-- Does a role permit anything that the actor may not do?
-- $1 actor_id bigint
-- $2 role_id bigint
-- -> exceeds boolean
SELECT /* Authorization/Authority.exceeds_role */ EXISTS (
    SELECT FROM role_permissions rp
    JOIN   permissions p ON p.id = rp.permission_id
    WHERE  rp.role_id = $2
    AND    NOT p.resource || ':' || p.action = ANY ((SELECT rights.permissions FROM user_rights($1) AS rights)::text[]));
