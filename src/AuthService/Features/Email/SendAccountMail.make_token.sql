-- The hash of a token that is about to be sent, for the account as it is; the newest $6 before it stay.
-- $1 token_hash bytea
-- $2 user_id bigint
-- $3 purpose text
-- $4 email text
-- $5 link_lifetime interval
-- $6 keep integer
-- -> token_hash bytea   (0 or 1 row)
WITH older AS (
    DELETE FROM email_tokens
    WHERE  token_hash IN (SELECT t.token_hash FROM email_tokens t WHERE t.user_id = $2 AND t.purpose = $3 ORDER BY t.created_at DESC, t.token_hash OFFSET $6)
)
INSERT /* Email/SendAccountMail.make_token */
INTO   email_tokens (token_hash, user_id, purpose, email, password_series, expires_at)
SELECT $1, u.id, $3, u.email, u.password_series, now() + $5::interval
FROM   users u
WHERE  u.id = $2 AND lower(u.email) = lower($4) AND u.is_active AND u.deleted_at IS NULL
RETURNING token_hash;
