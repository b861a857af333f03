-- The next accounts after a place, by number, as records of CSV (RFC 4180).
-- $1 after_id bigint
-- $2 is_active boolean
-- $3 limit integer
-- -> last_id bigint, lines text   (1 row; null if there are no more)
SELECT /* Users/ExportUsers.read_csv_piece */
       max(p.id) AS last_id, string_agg(concat_ws(',',
           p.id, csv_text(p.email), csv_text(p.username), csv_text(p.display_name), csv_text(p.phone), csv_text(p.avatar_url), p.is_active::text, p.email_verified::text,
           to_json(p.created_at) #>> '{}', to_json(p.updated_at) #>> '{}', coalesce(to_json(p.last_login_at) #>> '{}', ''), csv_text(p.roles)) || E'\r\n', '' ORDER BY p.id) AS lines
FROM  (SELECT u.*, ARRAY_TO_STRING(ARRAY (SELECT r.name FROM user_roles ur JOIN roles r ON r.id = ur.role_id WHERE ur.user_id = u.id ORDER BY r.name), ';') AS roles
       FROM   users u
       WHERE  u.deleted_at IS NULL AND u.id > $1 AND ($2::boolean IS NULL OR u.is_active = $2)
       ORDER  BY u.id
       LIMIT  $3) p;
