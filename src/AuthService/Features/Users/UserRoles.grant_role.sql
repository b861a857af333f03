-- Granting what is granted changes nothing and is no error.
-- $1 user_id bigint
-- $2 role_id bigint
-- $3 granted_by bigint
INSERT /* Users/UserRoles.grant_role */
INTO   user_roles (user_id, role_id, granted_by) VALUES ($1, $2, $3)
ON     CONFLICT DO NOTHING;
