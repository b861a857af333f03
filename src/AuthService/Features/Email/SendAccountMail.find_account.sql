-- The active account with this address, or this number.
-- $1 email text
-- $2 user_id bigint
-- -> id bigint, email text, username text, display_name text, email_verified boolean   (0 or 1 row)
SELECT /* Email/SendAccountMail.find_account */ id, email, username, display_name, email_verified
FROM   users
WHERE  ((lower(email) = lower($1::text) AND $2::bigint IS NULL) OR id = $2::bigint) AND is_active AND deleted_at IS NULL;
