-- One living account with its rights.
-- $1 id bigint
-- -> id bigint, email text, username text, display_name text, phone text, avatar_url text, is_active boolean, email_verified boolean,
--    created_at timestamptz, updated_at timestamptz, last_login_at timestamptz, version bigint, roles text[], permissions text[]   (0 or 1 row)
SELECT /* Users/GetUser.find_user */
       u.id, u.email, u.username, u.display_name, u.phone, u.avatar_url, u.is_active, u.email_verified,
       u.created_at, u.updated_at, u.last_login_at, u.version, rights.roles, rights.permissions
FROM   users u
CROSS  JOIN LATERAL user_rights(u.id) AS rights
WHERE  u.id = $1 AND u.deleted_at IS NULL;
