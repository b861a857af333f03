-- Only if the account is as it was when the current password was checked. Moves the version before any session is touched.
-- $1 user_id bigint
-- $2 version bigint
-- $3 password_hash text
-- -> password_series integer   (0 or 1 row)
UPDATE /* Authentication/ChangePassword.set_password */ users
SET    password_hash = $3, temporary_password_until = NULL, password_stopped_at = NULL, password_series = password_series + 1, version = version + 1, updated_at = now()
WHERE  id = $1 AND version = $2 AND is_active AND deleted_at IS NULL
RETURNING password_series;
