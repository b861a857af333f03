-- Is there such an account, and what is the role called?
-- $1 user_id bigint
-- $2 role_id bigint
-- -> role_name text   (no row: no such account; null: no such role)
SELECT /* Users/UserRoles.find_both */ (SELECT r.name FROM roles r WHERE r.id = $2)
FROM   users u
WHERE  u.id = $1 AND u.deleted_at IS NULL;
