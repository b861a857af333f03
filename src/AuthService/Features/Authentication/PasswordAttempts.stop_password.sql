-- The password with this address works no more. Run alike for addresses that nobody has.
-- $1 email text
-- $2 forgets_devices boolean
-- -> id bigint   (0 or 1 row)
UPDATE /* Authentication/PasswordAttempts.stop_password */ users
SET    password_stopped_at = coalesce(password_stopped_at, now()), password_series = password_series + CASE WHEN $2 THEN 1 ELSE 0 END
WHERE  lower(email) = lower($1) AND deleted_at IS NULL
RETURNING id;
