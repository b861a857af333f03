-- Revoking what is not granted changes nothing and is no error.
-- $1 user_id bigint
-- $2 role_id bigint
DELETE /* Users/UserRoles.revoke_role */ FROM user_roles
WHERE  user_id = $1 AND role_id = $2;
