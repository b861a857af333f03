-- What the current password is checked against, and what the new one must not contain.
-- $1 user_id bigint
-- -> password_hash text, version bigint, email text, username text, display_name text, password_is_stopped boolean, password_series integer   (0 or 1 row)
SELECT /* Authentication/ChangePassword.find_password */ password_hash, version, email, username, display_name, password_stopped_at IS NOT NULL, password_series
FROM   users
WHERE  id = $1 AND is_active AND deleted_at IS NULL;
