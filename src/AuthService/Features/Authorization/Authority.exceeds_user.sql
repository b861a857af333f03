-- Do the roles of an account, were it active, permit anything that the actor may not do?
-- $1 actor_id bigint
-- $2 user_id bigint
-- -> exceeds boolean
SELECT /* Authorization/Authority.exceeds_user */ EXISTS (
    SELECT FROM user_roles ur
    JOIN   role_permissions rp ON rp.role_id = ur.role_id
    JOIN   permissions p       ON p.id = rp.permission_id
    WHERE  ur.user_id = $2
    AND    NOT p.resource || ':' || p.action = ANY ((SELECT rights.permissions FROM user_rights($1) AS rights)::text[]));
