-- The next accounts after a place, by number, with the names of their roles.
-- $1 after_id bigint
-- $2 is_active boolean
-- $3 limit integer
-- -> id bigint, email text, username text, display_name text, phone text, avatar_url text, is_active boolean, email_verified boolean,
--    created_at timestamptz, updated_at timestamptz, last_login_at timestamptz, roles text[]
SELECT /* Users/ExportUsers.find_users */
       u.id, u.email, u.username, u.display_name, u.phone, u.avatar_url, u.is_active, u.email_verified, u.created_at, u.updated_at, u.last_login_at,
       ARRAY (SELECT r.name FROM user_roles ur JOIN roles r ON r.id = ur.role_id WHERE ur.user_id = u.id ORDER BY r.name)
FROM   users u
WHERE  u.deleted_at IS NULL AND u.id > $1 AND ($2::boolean IS NULL OR u.is_active = $2)
ORDER  BY u.id
LIMIT  $3;
