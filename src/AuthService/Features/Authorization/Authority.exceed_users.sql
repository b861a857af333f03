-- Which of these accounts hold roles that, were they active, permit anything that the actor may not do?
-- $1 actor_id bigint
-- $2 user_ids bigint[]
-- -> user_id bigint
WITH too_much AS MATERIALIZED (
    SELECT DISTINCT rp.role_id
    FROM   role_permissions rp JOIN permissions p ON p.id = rp.permission_id
    WHERE  NOT p.resource || ':' || p.action = ANY ((SELECT rights.permissions FROM user_rights($1) AS rights)::text[])
)
SELECT /* Authorization/Authority.exceed_users */ DISTINCT ur.user_id
FROM   user_roles ur JOIN too_much t ON t.role_id = ur.role_id
WHERE  ur.user_id = ANY ($2);
