-- Is a permission one that the actor does not hold?
-- $1 actor_id bigint
-- $2 permission_id bigint
-- -> exceeds boolean
SELECT /* Authorization/Authority.exceeds_permission */ EXISTS (
    SELECT FROM permissions p
    WHERE  p.id = $2
    AND    NOT p.resource || ':' || p.action = ANY ((SELECT rights.permissions FROM user_rights($1) AS rights)::text[]));
