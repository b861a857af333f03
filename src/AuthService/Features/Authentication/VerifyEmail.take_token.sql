-- The account whose address the token proves, if the token is good and the account as it was when it was sent; the token is used up. Of many callers at once exactly one gets a row: the others
-- wait for it and find no token.
-- $1 token_hash bytea
-- -> id bigint   (0 or 1 row)
WITH taken AS (
    DELETE FROM email_tokens WHERE token_hash = $1 AND purpose = 'verify_email' AND expires_at > now()
    RETURNING user_id, email, password_series
)
UPDATE /* Authentication/VerifyEmail.take_token */ users u
SET    email_verified = true, version = version + 1, updated_at = now()
FROM   taken t
WHERE  u.id = t.user_id AND lower(u.email) = lower(t.email) AND u.password_series = t.password_series AND u.is_active AND u.deleted_at IS NULL
RETURNING u.id;
