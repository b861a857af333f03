-- The next accounts after a place, by number, as lines of JSON: an ExportedUser each. Made here, because a million of them made there is garbage by the gigabyte.
-- $1 after_id bigint
-- $2 is_active boolean
-- $3 limit integer
-- -> last_id bigint, lines text   (1 row; null if there are no more)
SELECT /* Users/ExportUsers.read_piece */
       max(p.id) AS last_id, string_agg(json_build_object(
           'id', p.id, 'email', p.email, 'username', p.username, 'display_name', p.display_name, 'phone', p.phone, 'avatar_url', p.avatar_url,
           'is_active', p.is_active, 'email_verified', p.email_verified, 'created_at', p.created_at, 'updated_at', p.updated_at, 'last_login_at', p.last_login_at,
           'roles', p.roles)::text || E'\n', '' ORDER BY p.id) AS lines
FROM  (SELECT u.*, ARRAY (SELECT r.name FROM user_roles ur JOIN roles r ON r.id = ur.role_id WHERE ur.user_id = u.id ORDER BY r.name) AS roles
       FROM   users u
       WHERE  u.deleted_at IS NULL AND u.id > $1 AND ($2::boolean IS NULL OR u.is_active = $2)
       ORDER  BY u.id
       LIMIT  $3) p;
