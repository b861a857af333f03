-- A password of the service's own making, for some days. Moves the version before any session is touched.
-- $1 email text
-- $2 password_hash text
-- $3 lifetime interval
-- -> id bigint, temporary_password_until timestamptz   (0 or 1 row)
UPDATE /* Users/ResetPassword.set_temporary */ users
SET    password_hash = $2, temporary_password_until = now() + $3::interval, password_stopped_at = NULL, password_series = password_series + 1, version = version + 1, updated_at = now()
WHERE  lower(email) = lower($1) AND deleted_at IS NULL
RETURNING id, temporary_password_until;
