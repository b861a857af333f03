-- The password of the account the token was sent to, if the token is good and the account as it was then; the token is used up. Of many callers at once exactly one gets a row: the
-- others wait for it and find no token. Who has read the mail has the address, so it is verified. Moves the version before any session is touched.
-- $1 token_hash bytea
-- $2 password_hash text
-- -> id bigint   (0 or 1 row)
WITH taken AS (
    DELETE FROM email_tokens WHERE token_hash = $1 AND purpose = 'reset_password' AND expires_at > now()
    RETURNING user_id, email, password_series
)
UPDATE /* Authentication/ReplaceForgottenPassword.set_password */ users u
SET    password_hash = $2, temporary_password_until = NULL, password_stopped_at = NULL, email_verified = true,
       password_series = u.password_series + 1, version = version + 1, updated_at = now()
FROM   taken t
WHERE  u.id = t.user_id AND lower(u.email) = lower(t.email) AND u.password_series = t.password_series AND u.is_active AND u.deleted_at IS NULL
RETURNING u.id;
